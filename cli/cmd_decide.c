/* cmd_decide.c - `avow decide`: requests given as data, decided by policies
 * given as files. The answer opens nothing. */
#include "cli/rules.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"

struct options {
	struct cli_rules rules;
	const char *request, *requests;
	bool pretty;
};

static bool
check_options(struct options *o)
{
	if ((o->request == NULL) == (o->requests == NULL)) {
		cli_errorf("one of --request and --requests is needed");
		return false;
	}
	return cli_rules_check(&o->rules);
}

/* Decide one text. False when it could not be read; the answer is then a deny,
 * request.malformed. So it is when the schema does not allow the request, which
 * was read then: `reterr` says why. */
static bool
decide_text(const struct engine_snapshot *s, const struct options *o,
    struct str text, const char *file, struct arena *a,
    struct engine_answer *ret, struct error *reterr)
{
	struct engine_request r;
	if (!engine_request_from_json(a, text, file, s, &r, reterr)) {
		engine_refuse(ERR_REQUEST_MALFORMED, ret);
		ret->snapshot = s;
		return engine_is_misfit(reterr->code);
	}
	engine_evaluate(s, &r, o->rules.errored_deny, a, ret);
	return true;
}

static enum cli_exit
decide_one(
    const struct engine_snapshot *s, const struct options *o, struct arena *a)
{
	struct error err = { 0 };
	struct engine_answer answer;
	struct str text = { 0 };
	if (!file_read(a, o->request, LIMIT_REQUEST_LINE_BYTES, &text, &err) ||
	    !decide_text(s, o, text, o->request, a, &answer, &err)) {
		cli_error(&err, text);
		return CLI_CANNOT_TELL;
	}
	if (err.code != ERR_NONE)
		cli_error(&err, (struct str){ 0 });
	if (!cli_print_json(engine_answer_to_json(&answer), o->pretty))
		return CLI_CANNOT_TELL;
	return answer.effect == ENGINE_PERMIT ? CLI_YES : CLI_NO;
}

/* An unreadable line still gets its deny, so that order and count hold. */
static bool
decide_line(const struct engine_snapshot *s, const struct options *o,
    struct str line, uint32_t number, struct arena *a, bool *ret_readable)
{
	struct error err = { 0 };
	struct engine_answer answer;
	*ret_readable = decide_text(s, o, line, o->requests, a, &answer, &err);
	if (err.code != ERR_NONE) {
		err.at.line = number;
		cli_error(&err, (struct str){ 0 });
	}
	return cli_print_json(engine_answer_to_json(&answer), false);
}

static enum cli_exit
decide_lines(const struct engine_snapshot *s, const struct options *o,
    struct arena *a, FILE *in)
{
	char *line = NULL;
	size_t cap = 0;
	bool all_readable = true, ok = true;
	ssize_t n;
	for (uint32_t number = 1; ok && (n = getline(&line, &cap, in)) > 0;
	     number++) {
		bool readable;
		engine_scratch(s, a);
		struct str text = { line, (size_t)n };
		if (text.p[text.n - 1] == '\n')
			text.n--;
		ok = decide_line(s, o, text, number, a, &readable);
		all_readable = all_readable && readable;
		arena_reset(a);
	}
	free(line);
	if (ferror(in)) {
		cli_errorf(
		    "`%s` cannot be read: %s", o->requests, strerror(errno));
		ok = false;
	}
	return ok && all_readable ? CLI_YES : CLI_CANNOT_TELL;
}

static enum cli_exit
decide_file(
    const struct engine_snapshot *s, const struct options *o, struct arena *a)
{
	if (strcmp(o->requests, "-") == 0)
		return decide_lines(s, o, a, stdin);
	FILE *in = fopen(o->requests, "re");
	if (in == NULL) {
		cli_errorf(
		    "`%s` cannot be read: %s", o->requests, strerror(errno));
		return CLI_CANNOT_TELL;
	}
	enum cli_exit code = decide_lines(s, o, a, in);
	fclose(in);
	return code;
}

static enum cli_exit
run(const struct options *o)
{
	struct engine_snapshot *s =
	    cli_rules_load(&o->rules, clock_now_ms(clock_system()));
	struct arena *a = s != NULL ? arena_new(LIMIT_SCRATCH_BYTES) : NULL;
	enum cli_exit code = CLI_CANNOT_TELL;
	if (a != NULL)
		code = o->request != NULL ? decide_one(s, o, a)
					  : decide_file(s, o, a);
	arena_free(a);
	engine_snapshot_unref(s);
	return code;
}

enum cli_exit
cmd_decide(int argc, char **argv)
{
	struct options o = { 0 };
	const struct cli_option options[] = {
		CLI_RULES(&o.rules, true),
		{ "request", CLI_TEXT, &o.request, false, "FILE",
		    "one request as JSON, - for standard input" },
		{ "requests", CLI_TEXT, &o.requests, false, "FILE",
		    "one request a line, or a decision log" },
		CLI_ERRORED_DENY(&o.rules),
		{ "pretty", CLI_FLAG, &o.pretty, false, NULL,
		    "indent the answer" },
	};
	const struct cli_usage usage =
	    CLI_USAGE("avow decide --policies PATH [--entities PATH] "
		      "[--schema FILE] --request FILE | --requests FILE.jsonl",
		"Decide requests given as data and print each "
		"decision as JSON, with its reasons and errors.\n"
		"Exit: 0 permit, 2 deny, 1 cannot tell; with "
		"--requests 0 when every line could be read.",
		options, 0, 0, NULL);
	enum cli_exit code;
	if (cli_parse(&usage, argc, argv, &code) && check_options(&o))
		code = run(&o);
	cli_rules_free(&o.rules);
	return code;
}
