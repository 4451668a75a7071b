/* cmd_dryrun.c - `avow dryrun`: what would happen and why, with nothing opened.
 * Either for a request given as data, or as a gate would see it. */
#include "cli/rules.h"

#include <stdlib.h>

#include "attest/attest.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "gateways/gateways.h"

struct options {
	struct cli_rules rules;
	const char *request, *level;
	const char *config, *gate, *document, *signature, *kind, *path,
	    *source_ip, *protocol, *method, *port, *weight;
	struct cli_time at;
	bool json, proven;
	enum engine_level level_value;
};

static bool
check_options(struct options *o)
{
	bool is_whole = attest_kind_is_whole(str_of(o->kind));
	const char *const gate_needs[] = { o->config, o->document,
		is_whole ? "" : o->signature, o->path, o->source_ip };
	o->level_value = LEVEL_MEDIUM;
	if (o->level != NULL &&
	    !engine_level_of(str_of(o->level), &o->level_value)) {
		cli_errorf("--level: expected low, medium, high or veryhigh, "
			   "found `%s`",
		    o->level);
		return false;
	}
	if (!cli_rules_check(&o->rules))
		return false;
	if (o->gate == NULL && o->at.given) {
		cli_errorf("--at goes with --gate; a request given as data "
			   "has its time in `context.now`");
		return false;
	}
	if (o->gate != NULL && o->rules.schema != NULL) {
		cli_errorf("--schema goes with a request given as data; gates "
			   "do not read schemas yet");
		return false;
	}
	if (o->gate == NULL) {
		if (o->rules.policies.n > 0 && o->request != NULL &&
		    o->config == NULL)
			return true;
		cli_errorf("either --policies and --request, or --config and "
			   "--gate are needed");
		return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(gate_needs); i++)
		if (gate_needs[i] == NULL) {
			cli_errorf("--gate needs --config, --document, "
				   "--signature, --path and --source-ip");
			return false;
		}
	return true;
}

static enum cli_exit
show(const struct options *o, json_t *report_take, enum engine_effect effect)
{
	bool ok;
	if (o->json) {
		ok = cli_print_json(report_take, false);
	} else {
		struct buf out = { 0 };
		engine_report_print(report_take, &out);
		ok = cli_print(&out);
		buf_free(&out);
		json_decref(report_take);
	}
	if (!ok)
		return CLI_CANNOT_TELL;
	return effect == ENGINE_PERMIT ? CLI_YES : CLI_NO;
}

static int64_t
now_ms(const struct options *o)
{
	return o->at.given ? o->at.ms : clock_now_ms(clock_system());
}

/* What the schema does not allow is a deny; what cannot be read, an error. */
static enum cli_exit
show_unread(const struct options *o, const struct engine_snapshot *s,
    const struct error *err, struct str text,
    const struct engine_operation *operation)
{
	struct error why = *err;
	if (!engine_is_misfit(err->code)) {
		cli_error(err, text);
		return CLI_CANNOT_TELL;
	}
	why.code = ERR_REQUEST_MALFORMED;
	json_t *report =
	    engine_verify_refused(s, &why, o->level_value, operation);
	return report != NULL ? show(o, report, ENGINE_DENY) : CLI_CANNOT_TELL;
}

static enum cli_exit
run_request(const struct options *o, struct engine_operation *operation,
    struct arena *a)
{
	struct error err = { 0 };
	struct str text = { 0 };
	struct engine_request r;
	enum engine_effect effect = ENGINE_DENY;
	enum cli_exit code = CLI_CANNOT_TELL;
	int64_t began = clock_mono_ns();
	struct engine_snapshot *s = cli_rules_load(&o->rules, now_ms(o));
	operation->load_ns = clock_mono_ns() - began;
	if (s == NULL)
		return code;
	began = clock_mono_ns();
	if (!file_read(a, o->request, LIMIT_REQUEST_LINE_BYTES, &text, &err) ||
	    !engine_request_from_json(a, text, o->request, s, &r, &err)) {
		code = show_unread(o, s, &err, text, operation);
	} else {
		operation->parse_ns = clock_mono_ns() - began;
		json_t *report =
		    engine_verify(s, &r, NULL, o->rules.errored_deny,
			o->level_value, operation, a, &effect);
		code = report != NULL ? show(o, report, effect) : code;
	}
	engine_snapshot_unref(s);
	return code;
}

static bool
read_number(const char *name, const char *text, uint64_t max, int64_t *ret)
{
	uint64_t n;
	if (text == NULL)
		return true;
	if (!str_to_u64(str_of(text), max, &n) || n == 0) {
		cli_errorf("--%s: expected a number from 1 to %llu, found `%s`",
		    name, (unsigned long long)max, text);
		return false;
	}
	*ret = (int64_t)n;
	return true;
}

static bool
read_files(const struct options *o, struct arena *a, struct gateways_asked *q)
{
	struct error err = { 0 };
	if (file_read(
		a, o->document, LIMIT_DOCUMENT_BYTES + 1, &q->document, &err) &&
	    (o->signature == NULL ||
		file_read(a, o->signature, 2 * LIMIT_SIGNATURE_BYTES,
		    &q->signature, &err)))
		return true;
	cli_error(&err, (struct str){ 0 });
	return false;
}

static enum cli_exit
run_gate(const struct options *o, struct engine_operation *operation,
    struct arena *a)
{
	struct buf messages = { 0 };
	struct error err = { 0 };
	json_t *report = NULL;
	enum engine_effect effect = ENGINE_DENY;
	enum cli_exit code = CLI_CANNOT_TELL;
	int64_t began = clock_mono_ns();
	struct gateways_asked q = {
		.gate = str_of(o->gate),
		.kind = str_of(o->kind),
		.proven = o->proven,
		.method = o->method != NULL ? str_of(o->method) : STR("GET"),
		.target = str_of(o->path),
		.source_ip = str_of(o->source_ip),
		.protocol =
		    o->protocol != NULL ? str_of(o->protocol) : STR("https"),
		.weight = 1,
		.now_ms = now_ms(o),
	};
	if (!read_number("port", o->port, 65535, &q.port) ||
	    !read_number("weight", o->weight, 256, &q.weight))
		return code;
	struct gateways_state *s =
	    gateways_state_load(o->config, q.now_ms, &messages);
	operation->load_ns = clock_mono_ns() - began;
	cli_messages(&messages);
	buf_free(&messages);
	if (s == NULL)
		return code;
	struct gateways_state *whole = gateways_state_with_store(s, &err);
	gateways_state_unref(s);
	s = whole;
	if (s == NULL) {
		cli_error(&err, (struct str){ 0 });
		return code;
	}
	if (read_files(o, a, &q)) {
		if (gateways_dryrun(s, &q, o->level_value, operation, &report,
			&effect, &err))
			code = show(o, report, effect);
		else
			cli_error(&err, (struct str){ 0 });
	}
	gateways_state_unref(s);
	return code;
}

static enum cli_exit
run(const struct options *o)
{
	struct engine_operation operation = { .program = "avow " AVOW_VERSION,
		.point = o->gate != NULL ? o->gate : "dryrun" };
	struct arena *a = arena_new(LIMIT_SCRATCH_BYTES);
	if (a == NULL) {
		cli_errorf("memory ran out");
		return CLI_CANNOT_TELL;
	}
	enum cli_exit code = o->gate != NULL ? run_gate(o, &operation, a)
					     : run_request(o, &operation, a);
	arena_free(a);
	return code;
}

enum cli_exit
cmd_dryrun(int argc, char **argv)
{
	struct options o = { 0 };
	const struct cli_option options[] = {
		CLI_RULES(&o.rules, false),
		{ "request", CLI_TEXT, &o.request, false, "FILE",
		    "the request as JSON, - for standard input" },
		CLI_ERRORED_DENY(&o.rules),
		{ "config", CLI_TEXT, &o.config, false, "FILE",
		    "a server's configuration" },
		{ "gate", CLI_TEXT, &o.gate, false, "NAME",
		    "decide as this gate would" },
		{ "document", CLI_TEXT, &o.document, false, "FILE",
		    "the instance's identity document" },
		{ "signature", CLI_TEXT, &o.signature, false, "FILE",
		    "its signature" },
		{ "kind", CLI_TEXT, &o.kind, false, "KIND",
		    "the document's kind: avow (default), ec2-signature, "
		    "ec2-rsa2048; or token, gcp, avow-embedded, avow-jws, "
		    "avow-cms, without a signature" },
		{ "proven", CLI_FLAG, &o.proven, false, NULL,
		    "suppose that possession of the key it is bound to was "
		    "proven" },
		{ "path", CLI_TEXT, &o.path, false, "PATH",
		    "what is asked for, as on the request line; "
		    "/gate/balancer/POOL for a balancer gate" },
		{ "method", CLI_TEXT, &o.method, false, "METHOD",
		    "GET (default) or HEAD" },
		{ "source-ip", CLI_TEXT, &o.source_ip, false, "ADDRESS",
		    "where the request comes from" },
		{ "protocol", CLI_TEXT, &o.protocol, false, "WORD",
		    "https (default) or http" },
		{ "port", CLI_TEXT, &o.port, false, "N",
		    "a balancer gate's: the port to join with" },
		{ "weight", CLI_TEXT, &o.weight, false, "N",
		    "a balancer gate's: the weight; 1 when not given" },
		{ "at", CLI_TIME, &o.at, false, "TIME",
		    "when, as 2026-03-01T12:00:00Z; now when not given" },
		{ "level", CLI_TEXT, &o.level, false, "LEVEL",
		    "low, medium (default), high or veryhigh" },
		{ "json", CLI_FLAG, &o.json, false, NULL,
		    "the report as JSON" },
	};
	const struct cli_usage usage =
	    CLI_USAGE("avow dryrun --policies PATH [--entities PATH] "
		      "[--schema FILE] --request FILE [--level LEVEL]\n"
		      "       avow dryrun --config FILE --gate NAME --document "
		      "FILE --signature FILE --path PATH --source-ip ADDRESS",
		"Say what would be decided and why: the policies "
		"considered, the clause of each that failed, the "
		"data it failed on.\nNothing is opened. Exit: 0 "
		"permit, 2 deny, 1 cannot tell.",
		options, 0, 0, NULL);
	enum cli_exit code;
	if (cli_parse(&usage, argc, argv, &code) && check_options(&o))
		code = run(&o);
	cli_rules_free(&o.rules);
	return code;
}
