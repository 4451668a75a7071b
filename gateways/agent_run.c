/* agent_run.c - posix_spawn, a pidfd to wait on, and a kill when it is late. */
#include "gateways/agent_run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"

static bool
fill_actions(posix_spawn_file_actions_t *f)
{
	return posix_spawn_file_actions_addopen(
		   f, STDIN_FILENO, "/dev/null", O_RDONLY, 0) == 0 &&
	       posix_spawn_file_actions_addopen(
		   f, STDOUT_FILENO, "/dev/null", O_WRONLY, 0) == 0 &&
	       posix_spawn_file_actions_addclosefrom_np(f, STDERR_FILENO + 1) ==
		   0;
}

/* The agent blocks what it waits for, and ignores SIGPIPE. */
static bool
fill_attributes(posix_spawnattr_t *attr)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	return posix_spawnattr_setsigmask(attr, &none) == 0 &&
	       posix_spawnattr_setsigdefault(attr, &all) == 0 &&
	       posix_spawnattr_setpgroup(attr, 0) == 0 &&
	       posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK |
						  POSIX_SPAWN_SETSIGDEF |
						  POSIX_SPAWN_SETPGROUP) == 0;
}

/* 0, or the number of an error. */
static int
spawn(const struct config_strings *command, pid_t *ret)
{
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char *env[] = { path, NULL }, *argv[LIMIT_AGENT_LIST + 1] = { 0 };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int why = ENOMEM;

	for (size_t i = 0; i < command->n && i < LIMIT_AGENT_LIST; i++)
		argv[i] = (char *)(uintptr_t)command->items[i].p;
	if (posix_spawn_file_actions_init(&actions) != 0)
		return why;
	if (posix_spawnattr_init(&attr) == 0) {
		if (fill_actions(&actions) && fill_attributes(&attr))
			why = posix_spawn(ret, command->items[0].p, &actions,
			    &attr, argv, env);
		posix_spawnattr_destroy(&attr);
	}
	posix_spawn_file_actions_destroy(&actions);
	return why;
}

/* Has it ended by then? Without a descriptor to wait on it has not. */
static bool
ends_in_time(pid_t pid, int64_t timeout_ms)
{
	int64_t until_ns = clock_mono_ns() + timeout_ms * 1000000;
	struct pollfd p = { .events = POLLIN };
	int n = -1;

	p.fd = (int)syscall(SYS_pidfd_open, pid, 0u);
	while (p.fd >= 0) {
		int64_t left_ms = (until_ns - clock_mono_ns()) / 1000000;

		n = poll(&p, 1, left_ms > 0 ? (int)left_ms : 0);
		if (n >= 0 || errno != EINTR)
			break;
	}
	if (p.fd >= 0)
		close(p.fd);
	return n == 1;
}

static int
reap(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

bool
agent_run(const struct config_strings *command, int64_t timeout_ms,
    struct error *reterr)
{
	const char *name = command->items[0].p;
	pid_t pid = 0;
	int why = spawn(command, &pid), status;
	bool in_time;

	if (why != 0)
		return error_set(reterr, ERR_SYSTEM_ERROR, SPAN_NONE,
		    "`%s` cannot be run: %s", name, strerror(why));
	in_time = ends_in_time(pid, timeout_ms);
	if (!in_time)
		(void)kill(-pid, SIGKILL);
	status = reap(pid);
	if (!in_time)
		return error_set(reterr, ERR_DATA_TIMEOUT, SPAN_NONE,
		    "`%s` took longer than %lld ms and was killed", name,
		    (long long)timeout_ms);
	if (WIFSIGNALED(status))
		return error_set(reterr, ERR_SYSTEM_ERROR, SPAN_NONE,
		    "`%s` was ended by signal %d", name, WTERMSIG(status));
	return (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
	       error_set(reterr, ERR_SYSTEM_ERROR, SPAN_NONE,
		   "`%s` ended with %d", name, WEXITSTATUS(status));
}
