/* test_agent_run.c - programs that end well, badly, late, and what they see. */
#include "gateways/agent_run.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "tests/lib/run.h"

#define SH(script)                                                             \
	{                                                                      \
		"/bin/sh", "-c", script                                        \
	}

static const struct {
	const char *note, *words[4];
	enum err_code code;
	const char *says;
} cases[] = {
	{ "well", { "/bin/true" }, ERR_NONE, "" },
	{ "badly", { "/bin/false" }, ERR_SYSTEM_ERROR, "ended with 1" },
	{ "nothing there", { "/nonexistent/x" }, ERR_SYSTEM_ERROR,
	    "No such file" },
	{ "no program", { "/dev/null" }, ERR_SYSTEM_ERROR,
	    "Permission denied" },
	{ "by a signal", SH("kill -9 $$"), ERR_SYSTEM_ERROR, "signal 9" },
	{ "late", { "/bin/sleep", "60" }, ERR_DATA_TIMEOUT, "killed" },
	{ "late, with a child", SH("sleep 60 & wait"), ERR_DATA_TIMEOUT,
	    "killed" },
	{ "its words are its own", { "/usr/bin/test", "$HOME;", "=", "$HOME;" },
	    ERR_NONE, "" },
	{ "no environment", SH("test -z \"$AVOW_TEST$HOME\""), ERR_NONE, "" },
	{ "no descriptor",
	    SH("test -z \"$(ls /proc/$$/fd | tr -d '012\\n' | "
	       "tr -d 345)\" && ! test -e /proc/$$/fd/9"),
	    ERR_NONE, "" },
	{ "nothing to read", SH("! read -r line"), ERR_NONE, "" },
	{ "no signal is blocked",
	    SH("exec grep -q '^SigBlk:.0000000000000000' /proc/self/status"),
	    ERR_NONE, "" },
	{ "a group of its own",
	    SH("test \"$(cut -d' ' -f5 /proc/$$/stat)\" = "
	       "$$"),
	    ERR_NONE, "" },
};

START_TEST(runs)
{
	struct str words[4];
	struct config_strings command = { words, 0 };
	struct error err = { 0 };
	int64_t began_ns = clock_mono_ns();
	int64_t limit_ms = cases[_i].code == ERR_DATA_TIMEOUT ? 200 : 30000;
	sigset_t set;
	bool ok;

	while (command.n < 4 && cases[_i].words[command.n]) {
		words[command.n] = str_of(cases[_i].words[command.n]);
		command.n++;
	}
	sigfillset(&set);
	ck_assert_int_eq(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
	ck_assert_int_eq(setenv("AVOW_TEST", "secret", 1), 0);
	ck_assert_int_eq(dup2(STDERR_FILENO, 9), 9);
	ok = agent_run(&command, limit_ms, &err);
	ck_assert_msg(ok == (cases[_i].code == ERR_NONE), "%s: %s",
	    cases[_i].note, err.msg);
	ck_assert_msg(
	    err.code == cases[_i].code, "%s: %s", cases[_i].note, err.msg);
	ck_assert_msg(strstr(err.msg, cases[_i].says) != NULL, "%s: %s",
	    cases[_i].note, err.msg);
	ck_assert_int_lt(clock_mono_ns() - began_ns, 20000000000);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("agent run");
	TCase *tc = tcase_create("agent run");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, runs, 0, ARRAY_LEN(cases));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
