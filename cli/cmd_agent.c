/* cmd_agent.c - `avow agent`, the instance's own side, until told to stop; and
 * `avow agent status`, which asks the running one. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/daemon.h"
#include "gateways/agent.h"
#include "gateways/client.h"

#define DRAIN_MS 10000

static void
print_messages(struct buf *messages)
{
	cli_messages(messages);
	buf_free(messages);
}

static const char *
settle_config(const char *given)
{
	if (given == NULL)
		given = getenv("AVOW_CONFIG");
	if (given == NULL)
		cli_errorf("--config is missing, and AVOW_CONFIG is not set");
	return given;
}

/* ---- run ------------------------------------------------------------------
 */

static enum cli_exit
check(const char *config, bool json)
{
	struct buf messages = { 0 }, summary = { 0 };
	bool ok = agent_check(config, &summary, &messages);

	print_messages(&messages);
	if (ok && json)
		ok = cli_print_json(
		    json_pack("{s:b, s:o}", "valid", 1, "summary",
			json_from_str(buf_str(&summary))),
		    false);
	else if (ok) {
		buf_byte(&summary, '\n');
		ok = cli_print(&summary);
	}
	buf_free(&summary);
	return ok ? CLI_YES : CLI_CANNOT_TELL;
}

static struct agent *
start(const char *config)
{
	struct buf messages = { 0 };
	struct agent *g = agent_start(config, clock_system(), &messages);

	print_messages(&messages);
	if (g != NULL)
		log_line(LOG_INFO, "start", "version=%s metadata=%u proxy=%u",
		    AVOW_VERSION, agent_metadata_port(g), agent_proxy_port(g));
	return g;
}

/* The next configuration is read as a whole before the former is let go; what
 * is held lies in the state folder. */
static struct agent *
reload(struct agent *g, const char *config)
{
	struct buf messages = { 0 }, summary = { 0 };
	bool ok;

	daemon_notify("RELOADING=1");
	ok = agent_check(config, &summary, &messages) &&
	     agent_keeps_key(g, &messages);
	print_messages(&messages);
	buf_free(&summary);
	log_line(ok ? LOG_INFO : LOG_ERROR, "reload", "ok=%s%s",
	    ok ? "true" : "false",
	    ok ? "" : " message=\"the former configuration stays in force\"");
	if (ok) {
		agent_stop(g, DRAIN_MS);
		g = start(config);
	}
	if (g != NULL) {
		agent_hurry(g);
		daemon_notify("READY=1");
	}
	return g;
}

static enum cli_exit
run(const char *config)
{
	sigset_t set;
	struct agent *g;
	int sig;

	daemon_block_signals(&set);
	daemon_harden();
	g = start(config);
	if (g != NULL)
		daemon_notify("READY=1");
	while (g != NULL) {
		sig = daemon_wait(&set);
		if (sig == SIGHUP)
			g = reload(g, config);
		else if (sig == SIGUSR1)
			agent_hurry(g);
		else if (sig != 0)
			break;
	}
	if (g == NULL)
		return CLI_CANNOT_TELL;
	daemon_notify("STOPPING=1");
	log_line(LOG_INFO, "stop", "message=\"finishing requests in hand\"");
	agent_stop(g, DRAIN_MS);
	return CLI_YES;
}

enum cli_exit
cmd_agent(int argc, char **argv)
{
	const char *config = NULL;
	bool only_check = false, json = false;
	const struct cli_option options[] = {
		{ "config", CLI_TEXT, &config, false, "FILE",
		    "the agent's configuration; AVOW_CONFIG when not given" },
		{ "check", CLI_FLAG, &only_check, false, NULL,
		    "read everything, start nothing" },
		{ "json", CLI_FLAG, &json, false, NULL,
		    "with --check: the answer as JSON" },
	};
	const struct cli_usage usage =
	    CLI_USAGE("avow agent --config FILE [--check [--json]]",
		"Run on an instance: prove its key to the token service, "
		"keep its tokens and documents fresh, and hand them\nto "
		"local programs: as a metadata service with EC2's paths, "
		"as files, through a local proxy, and at a socket that "
		"knows users apart (docs/agent.md).\n"
		"SIGHUP reads the configuration anew, all or nothing, and "
		"asks for everything now; SIGUSR1 asks only;\nSIGTERM "
		"finishes the requests in hand and stops. `avow agent "
		"status` says what it holds.",
		options, 0, 0, NULL);
	enum cli_exit code;

	if (!cli_parse(&usage, argc, argv, &code))
		return code;
	config = settle_config(config);
	if (config == NULL)
		return CLI_CANNOT_TELL;
	return only_check ? check(config, json) : run(config);
}

/* ---- status ---------------------------------------------------------------
 */

static bool
ask(struct client *c, struct arena *a, const char *method, struct str path,
    struct client_header header, struct client_response *ret)
{
	const struct client_request q = { .method = method,
		.path = path,
		.headers = &header,
		.n_headers = 1 };
	struct error err = { 0 };

	if (!client_send(c, a, &q, ret, &err)) {
		cli_error(&err, STR(""));
		return false;
	}
	if (ret->status == 200)
		return true;
	(void)error_set(&err, ERR_DATA_MISSING, SPAN_NONE,
	    "the agent answers %u: %.*s", ret->status, STR_ARG(ret->body));
	cli_error(&err, STR(""));
	return false;
}

/* Any program may listen there, and a service may say anything: none of it
 * drives a terminal. */
static void
put(struct buf *out, const json_t *of, const char *name)
{
	const json_t *text = json_object_get(of, name);

	buf_escaped(
	    out, json_is_string(text) ? json_str(text) : STR("?"), false);
}

static void
print_why(struct buf *out, const json_t *why)
{
	buf_addz(out, "    ");
	put(out, why, "code");
	buf_addz(out, ": ");
	put(out, why, "message");
}

static void
print_item(struct buf *out, const char *what, const json_t *item)
{
	const json_t *why = json_object_get(item, "error");

	buf_printf(out, "  %s", what);
	if (json_str(json_object_get(item, "audience")).n) {
		buf_byte(out, ' ');
		put(out, item, "audience");
	}
	buf_addz(out, "  ");
	put(out, item, "state");
	if (json_str(json_object_get(item, "expiresAt")).n) {
		buf_addz(out, "  until ");
		put(out, item, "expiresAt");
	}
	buf_byte(out, '\n');
	if (!why)
		return;
	print_why(out, why);
	buf_addz(out, " (next try ");
	put(out, item, "nextTry");
	buf_addz(out, ")\n");
}

static void
print_file(struct buf *out, const json_t *file)
{
	const json_t *whys[] = { json_object_get(file, "error"),
		json_object_get(json_object_get(file, "run"), "error") };

	buf_addz(out, "  file ");
	put(out, file, "path");
	buf_addz(out, whys[0] ? "  not written\n" : "  written\n");
	for (size_t i = 0; i < ARRAY_LEN(whys); i++)
		if (whys[i]) {
			print_why(out, whys[i]);
			buf_byte(out, '\n');
		}
}

/* One of the kinds that there are. */
static const char *
kind_of(const json_t *item)
{
	static const char *const kinds[] = { "jwt-svid", "wit-svid", "keys",
		"bundle" };
	struct str kind = json_str(json_object_get(item, "kind"));

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (str_eq(kind, str_of(kinds[i])))
			return kinds[i];
	return "?";
}

static bool
print_status(const json_t *s)
{
	struct buf out = { 0 };
	const json_t *one;
	size_t i;
	bool ok;

	put(&out, s, "instance");
	buf_addz(&out, " at ");
	put(&out, s, "service");
	buf_addz(&out, json_is_true(json_object_get(s, "ready"))
			   ? ": ready\n"
			   : ": not ready\n");
	json_array_foreach (json_object_get(s, "tokens"), i, one)
		print_item(&out, "token", one);
	one = json_object_get(s, "document");
	if (one)
		print_item(&out, "document", one);
	one = json_object_get(s, "cms");
	if (one)
		print_item(&out, "document as CMS", one);
	json_array_foreach (json_object_get(s, "svids"), i, one)
		print_item(&out, kind_of(one), one);
	json_array_foreach (json_object_get(s, "keys"), i, one)
		print_item(&out, kind_of(one), one);
	json_array_foreach (json_object_get(s, "files"), i, one)
		print_file(&out, one);
	ok = cli_print(&out);
	buf_free(&out);
	return ok;
}

static enum cli_exit
show(const char *url, struct arena *a, bool json)
{
	const struct client_options o = { .url = url };
	struct client_response r = { 0 };
	struct error err = { 0 };
	struct client *c = client_new(&o, &err);
	json_t *status = NULL;
	enum cli_exit exit = CLI_CANNOT_TELL;

	if (!c)
		cli_error(&err, STR(""));
	else if (ask(c, a, "PUT", STR("/latest/api/token"),
		     (struct client_header){
			 "X-aws-ec2-metadata-token-ttl-seconds", STR("60") },
		     &r) &&
		 ask(c, a, "GET", STR("/avow/v1/status"),
		     (struct client_header){
			 "X-aws-ec2-metadata-token", r.body },
		     &r)) {
		if (!json_parse(r.body, "status", LIMIT_CLIENT_BYTES,
			LIMIT_HTTP_JSON_DEPTH, JSON_NO_NUL, &status, &err))
			cli_error(&err, STR(""));
		else if (!json_is_boolean(json_object_get(status, "ready")))
			cli_errorf("what answers there is no agent");
		else if (json ? cli_print_json(json_incref(status), true)
			      : print_status(status))
			exit = json_is_true(json_object_get(status, "ready"))
				   ? CLI_YES
				   : CLI_NO;
	}
	json_decref(status);
	client_free(c);
	return exit;
}

enum cli_exit
cmd_agent_status(int argc, char **argv)
{
	const char *config = NULL, *url;
	struct buf messages = { 0 };
	bool json = false;
	const struct cli_option options[] = {
		{ "config", CLI_TEXT, &config, false, "FILE",
		    "the agent's configuration; AVOW_CONFIG when not given" },
		{ "json", CLI_FLAG, &json, false, NULL, "as JSON" },
	};
	const struct cli_usage usage =
	    CLI_USAGE("avow agent status --config FILE [--json]",
		"Ask the running agent what it holds, until when, "
		"and why something is missing. Exit 0: all is there; "
		"2: something is not.",
		options, 0, 0, NULL);
	struct arena *a;
	enum cli_exit code;

	if (!cli_parse(&usage, argc, argv, &code))
		return code;
	config = settle_config(config);
	if (config == NULL)
		return CLI_CANNOT_TELL;
	a = arena_new(0);
	url = a ? agent_address(a, config, &messages) : NULL;
	print_messages(&messages);
	code = url ? show(url, a, json) : CLI_CANNOT_TELL;
	arena_free(a);
	return code;
}
