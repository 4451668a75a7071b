#include "cli/daemon.h"

#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cli.h"

#define WATCHDOG_S 10 /* the units allow 30 */

void
daemon_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	if (path == NULL || path[0] == '\0' ||
	    strlen(path) >= sizeof to.sun_path)
		return;
	memcpy(to.sun_path, path, strlen(path) + 1);
	socklen_t len =
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (to.sun_path[0] == '@')
		to.sun_path[0] = '\0';
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL,
		(const struct sockaddr *)&to, len) < 0)
		log_line(
		    LOG_WARN, "notify", "message=\"systemd was not told\"");
	close(fd);
}

void
daemon_harden(void)
{
	const struct rlimit none = { 0, 0 };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
	    setrlimit(RLIMIT_CORE, &none) != 0)
		log_line(LOG_WARN, "start",
		    "message=\"the process could not be hardened\"");
}

void
daemon_block_signals(sigset_t *ret)
{
	sigemptyset(ret);
	sigaddset(ret, SIGHUP);
	sigaddset(ret, SIGUSR1);
	sigaddset(ret, SIGTERM);
	sigaddset(ret, SIGINT);
	pthread_sigmask(SIG_BLOCK, ret, NULL);
}

int
daemon_wait(const sigset_t *set)
{
	const struct timespec pause = { .tv_sec = WATCHDOG_S };
	int sig = sigtimedwait(set, NULL, &pause);
	if (sig > 0)
		return sig;
	daemon_notify("WATCHDOG=1");
	return 0;
}

/* Before anything is opened, so that all files made are the user's own. Without
 * --user a root process stays root, and says so. */
bool
daemon_drop_root(const char *user)
{
	if (user == NULL) {
		if (geteuid() == 0)
			log_line(LOG_WARN, "start",
			    "message=\"running as root; --user NAME gives "
			    "that up\"");
		return true;
	}
	errno = 0;
	const struct passwd *pw = getpwnam(user);
	if (pw == NULL) {
		cli_errorf("--user: there is no user `%s`", user);
		return false;
	}
	if (initgroups(pw->pw_name, pw->pw_gid) != 0 ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) != 0 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) != 0) {
		cli_errorf("cannot become `%s`: %s", user, strerror(errno));
		return false;
	}
	/* It must not be possible to go back. */
	if (pw->pw_uid != 0 && setuid(0) == 0) {
		cli_errorf("root could not be given up");
		return false;
	}
	return true;
}
