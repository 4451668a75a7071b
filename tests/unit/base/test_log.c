/* test_log.c - one line a call, whatever user text is in it. */
#include "base/log.h"

#include <stdio.h>
#include <unistd.h>

#include "tests/lib/run.h"

static FILE *caught;
static int saved;

static void
catch_stderr(void)
{
	caught = tmpfile();
	saved = dup(STDERR_FILENO);
	ck_assert_int_eq(dup2(fileno(caught), STDERR_FILENO), STDERR_FILENO);
}

static void
ck_logged(const char *want)
{
	char got[8192] = "";

	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(caught);
	got[fread(got, 1, sizeof got - 1, caught)] = '\0';
	fclose(caught);
	log_threshold(LOG_INFO);
	ck_assert_str_eq(got, want);
}

START_TEST(lines_are_lines)
{
	catch_stderr();
	log_line(LOG_WARN, "start", "port=%d name=\"%s\"", 80, "a\nb\x1b");
	log_line(LOG_INFO, "stop", "%s", "");
	ck_logged("level=warn event=start port=80 name=\"a\\u{a}b\\u{1b}\"\n"
		  "level=info event=stop\n");
}
END_TEST

START_TEST(errors_carry_code_and_place)
{
	struct error e = { .code = ERR_CONFIG_KEY,
		.at = { "a b.yaml", 3, 4, 1 },
		.msg = "unknown key `x\" level=info`" };
	struct error bare = { .code = ERR_SYSTEM_STORE, .msg = "gone" };

	catch_stderr();
	log_error("load", &e);
	log_error("load", &bare);
	ck_logged("level=error event=load code=config.key file=\"a b.yaml\" "
		  "line=3 column=4 message=\"unknown key `x\\\" "
		  "level=info`\"\n"
		  "level=error event=load code=system.store "
		  "message=\"gone\"\n");
}
END_TEST

START_TEST(threshold_drops_lower_ranks)
{
	struct error e = { .code = ERR_SYSTEM_STORE, .msg = "gone" };

	catch_stderr();
	log_threshold(LOG_WARN);
	log_line(LOG_INFO, "a", "x=1");
	log_line(LOG_WARN, "b", "x=1");
	log_threshold(LOG_ERROR);
	log_line(LOG_WARN, "c", "x=1");
	log_error("d", &e);
	ck_logged("level=warn event=b x=1\n"
		  "level=error event=d code=system.store message=\"gone\"\n");
}
END_TEST

START_TEST(long_lines_are_cut)
{
	char want[8192];

	catch_stderr();
	log_line(LOG_INFO, "e", "%06000d", 1);
	snprintf(want, sizeof want, "level=info event=e %04095d\n", 0);
	ck_logged(want);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("log");
	TCase *tc = tcase_create("log");

	tcase_add_test(tc, lines_are_lines);
	tcase_add_test(tc, errors_carry_code_and_place);
	tcase_add_test(tc, threshold_drops_lower_ranks);
	tcase_add_test(tc, long_lines_are_cut);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
