/* cmd_serve.c - `avow serve`: the gates, until told to stop.
 * SIGHUP reloads all or nothing, SIGUSR1 opens the decision log again, SIGTERM
 * and SIGINT finish the requests in hand and stop. Signals are waited for by
 * one thread, so nothing runs inside a handler. */
#include "cli/cli.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateways/gateways.h"

#define DRAIN_MS 10000
#define WATCHDOG_S 10 /* the unit allows 30 */

/* systemd's readiness protocol (sd_notify): a datagram to NOTIFY_SOCKET;
 * silence when there is none. */
static void
notify(const char *state)
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

/* Keys and evidence pass through this process: no core, no tracing by its user,
 * no new privileges. */
static void
harden(void)
{
	const struct rlimit none = { 0, 0 };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
	    setrlimit(RLIMIT_CORE, &none) != 0)
		log_line(LOG_WARN, "start",
		    "message=\"the process could not be hardened\"");
}

/* Before anything is opened, so that all files made are the user's own. Without
 * --user a root process stays root, and says so. */
static bool
drop_root(const char *user)
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

static void
print_messages(struct buf *messages)
{
	cli_messages(messages);
	buf_free(messages);
}

static enum cli_exit
check(const char *config)
{
	struct buf messages = { 0 }, summary = { 0 };
	struct gateways_state *s = gateways_state_load(
	    config, clock_now_ms(clock_system()), &messages);
	print_messages(&messages);
	if (s == NULL)
		return CLI_CANNOT_TELL;
	gateways_state_summary(s, &summary);
	buf_byte(&summary, '\n');
	bool ok = cli_print(&summary);
	buf_free(&summary);
	gateways_state_unref(s);
	return ok ? CLI_YES : CLI_CANNOT_TELL;
}

static void
reload(struct gateways_server *s)
{
	struct buf messages = { 0 };
	notify("RELOADING=1");
	bool ok = gateways_server_reload(s, &messages);
	print_messages(&messages);
	log_line(ok ? LOG_INFO : LOG_ERROR, "reload", "ok=%s%s",
	    ok ? "true" : "false",
	    ok ? "" : " message=\"the former configuration stays in force\"");
	notify("READY=1");
}

/* Between signals systemd's watchdog hears that this thread still turns. */
static void
wait_for_signals(struct gateways_server *s, const sigset_t *set)
{
	const struct timespec pause = { .tv_sec = WATCHDOG_S };
	for (;;) {
		int sig = sigtimedwait(set, NULL, &pause);
		if (sig < 0)
			notify("WATCHDOG=1");
		else if (sig == SIGHUP)
			reload(s);
		else if (sig == SIGUSR1)
			gateways_server_reopen(s);
		else
			return;
	}
}

static enum cli_exit
serve(const char *config)
{
	struct buf messages = { 0 };
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	/* Before threads are made, so that all of them inherit the mask. */
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	harden();
	struct gateways_server *s =
	    gateways_server_start(config, clock_system(), &messages);
	print_messages(&messages);
	if (s == NULL)
		return CLI_CANNOT_TELL;
	log_line(LOG_INFO, "start", "version=%s port=%u", AVOW_VERSION,
	    gateways_server_port(s));
	notify("READY=1");
	wait_for_signals(s, &set);
	notify("STOPPING=1");
	log_line(LOG_INFO, "stop", "message=\"finishing requests in hand\"");
	gateways_server_stop(s, DRAIN_MS);
	return CLI_YES;
}

enum cli_exit
cmd_serve(int argc, char **argv)
{
	const char *config = NULL, *user = NULL;
	bool only_check = false;
	const struct cli_option options[] = {
		{ "config", CLI_TEXT, &config, false, "FILE",
		    "the configuration; AVOW_CONFIG when not given" },
		{ "user", CLI_TEXT, &user, false, "NAME",
		    "become this user before anything is opened" },
		{ "check", CLI_FLAG, &only_check, false, NULL,
		    "read everything, start nothing" },
	};
	const struct cli_usage usage = {
		.synopsis = "avow serve --config FILE [--user NAME] [--check]",
		.about = "Run the gates that the configuration names.\n"
			 "SIGHUP reloads policies, entities, trust and "
			 "revocations, all or nothing; SIGUSR1 opens the "
			 "decision log again;\nSIGTERM finishes the requests "
			 "in hand and stops.",
		.options = options,
		.n_options = ARRAY_LEN(options),
	};
	enum cli_exit code;
	if (!cli_parse(&usage, argc, argv, &code))
		return code;
	if (config == NULL)
		config = getenv("AVOW_CONFIG");
	if (config == NULL) {
		cli_errorf("--config is missing, and AVOW_CONFIG is not set");
		return CLI_CANNOT_TELL;
	}
	if (only_check)
		return check(config);
	return drop_root(user) ? serve(config) : CLI_CANNOT_TELL;
}
