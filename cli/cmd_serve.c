/* cmd_serve.c - `avow serve`: the gates, until told to stop.
 * SIGHUP reloads all or nothing, SIGUSR1 opens the decision log again, SIGTERM
 * and SIGINT finish the requests in hand and stop. Signals are waited for by
 * one thread, so nothing runs inside a handler. */
#include "cli/cli.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/daemon.h"
#include "gateways/gateways.h"

#define DRAIN_MS 10000

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
	struct error err = { 0 };
	bool ok = s != NULL && gateways_service_check(s, &err);
	if (err.code != ERR_NONE)
		error_print(&messages, &err, STR(""));
	print_messages(&messages);
	if (!ok) {
		gateways_state_unref(s);
		return CLI_CANNOT_TELL;
	}
	gateways_state_summary(s, &summary);
	buf_byte(&summary, '\n');
	ok = cli_print(&summary);
	buf_free(&summary);
	gateways_state_unref(s);
	return ok ? CLI_YES : CLI_CANNOT_TELL;
}

static void
reload(struct gateways_server *s)
{
	struct buf messages = { 0 };
	daemon_notify("RELOADING=1");
	bool ok = gateways_server_reload(s, &messages);
	print_messages(&messages);
	log_line(ok ? LOG_INFO : LOG_ERROR, "reload", "ok=%s%s",
	    ok ? "true" : "false",
	    ok ? "" : " message=\"the former configuration stays in force\"");
	daemon_notify("READY=1");
}

static void
wait_for_signals(struct gateways_server *s, const sigset_t *set)
{
	for (;;) {
		int sig = daemon_wait(set);
		if (sig == SIGHUP)
			reload(s);
		else if (sig == SIGUSR1)
			gateways_server_reopen(s);
		else if (sig != 0)
			return;
	}
}

static enum cli_exit
serve(const char *config)
{
	struct buf messages = { 0 };
	sigset_t set;
	daemon_block_signals(&set);
	daemon_harden();
	struct gateways_server *s =
	    gateways_server_start(config, clock_system(), &messages);
	print_messages(&messages);
	if (s == NULL)
		return CLI_CANNOT_TELL;
	log_line(LOG_INFO, "start", "version=%s port=%u", AVOW_VERSION,
	    gateways_server_port(s));
	daemon_notify("READY=1");
	wait_for_signals(s, &set);
	daemon_notify("STOPPING=1");
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
	const struct cli_usage usage =
	    CLI_USAGE("avow serve --config FILE [--user NAME] [--check]",
		"Run the gates that the configuration names.\n"
		"SIGHUP reloads policies, entities, trust and "
		"revocations, all or nothing; SIGUSR1 opens the "
		"decision log again;\nSIGTERM finishes the requests "
		"in hand and stops.",
		options, 0, 0, NULL);
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
	return daemon_drop_root(user) ? serve(config) : CLI_CANNOT_TELL;
}
