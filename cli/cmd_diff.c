/* cmd_diff.c - `avow diff`: who gains and who loses when policies change.
 * Either the given requests or every candidate of the loaded entities is
 * decided by both sets; without either, of what the policies name, with
 * attributes that nobody knows. */
#include "cli/query.h"
#include "cli/rules.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"

#define CANDIDATES_MAX 10000000u /* of a page, about a minute */

struct options {
	struct cli_rules rules; /* its policies: none */
	struct cli_query query;
	struct cli_list paths;
	const char *requests;
	bool json, reasons;
};

enum change {
	CHANGE_UNKNOWN = 0,
	CHANGE_GAINS,
	CHANGE_LOSES,
	CHANGE_REASONS,
	CHANGE_NONE,
};

static const char *const change_names[] = { "unknown", "gains", "loses",
	"reasons", "stays" };

struct listing {
	const struct options *o;
	struct engine_bodies bodies;
	struct arena *scratch;
	struct cli_findings changes;
	uint64_t counts[CHANGE_NONE + 1], limit, n;
	bool unreadable;
};

static bool
same_reasons(const struct engine_answer *x, const struct engine_answer *y)
{
	const struct policy_set *a = engine_snapshot_policies(x->snapshot);
	const struct policy_set *b = engine_snapshot_policies(y->snapshot);

	if (x->code != y->code || x->n_reasons != y->n_reasons)
		return false;
	for (size_t i = 0; i < x->n_reasons; i++)
		if (!str_eq(policy_set_info(a, x->reasons[i]).id,
			policy_set_info(b, y->reasons[i]).id))
			return false;
	return true;
}

static enum change
change_of(const struct listing *l, const struct engine_answer *x,
    const struct engine_answer *y)
{
	if (engine_bodies_open_alike(&l->bodies, x, y, l->scratch))
		return CHANGE_NONE;
	if (x->code == ERR_DATA_MISSING || y->code == ERR_DATA_MISSING)
		return CHANGE_UNKNOWN;
	if (x->effect != y->effect)
		return y->effect == ENGINE_PERMIT ? CHANGE_GAINS : CHANGE_LOSES;
	return l->o->reasons && !same_reasons(x, y) ? CHANGE_REASONS
						    : CHANGE_NONE;
}

static void
print_answer(struct buf *out, const char *name, const struct engine_answer *a)
{
	buf_printf(out, "  %s: %s", name, error_id(a->code));
	for (size_t i = 0; i < a->n_reasons; i++) {
		buf_addz(out, i ? ", " : " by ");
		buf_escaped(out,
		    policy_set_info(
			engine_snapshot_policies(a->snapshot), a->reasons[i])
			.id,
		    false);
	}
}

static void
print_change(struct buf *out, enum change change,
    const struct engine_request *r, const struct engine_answer *x,
    const struct engine_answer *y)
{
	buf_printf(out, "%s ", change_names[change]);
	value_print_uid(out, r->principal);
	buf_byte(out, ' ');
	value_print_uid(out, r->action);
	buf_byte(out, ' ');
	value_print_uid(out, r->resource);
	print_answer(out, "old", x);
	print_answer(out, "new", y);
	buf_byte(out, '\n');
}

/* A request that `decide` and `dryrun` take: of a candidate without entities,
 * since those are loaded; an unknown context is left out. */
static json_t *
request_to_json(const struct listing *l, const struct engine_request *r)
{
	json_t *json;

	if (l->o->requests)
		return engine_request_to_json(r);
	json = json_object();
	if (json_object_set_new(
		json, "principal", value_uid_to_json(r->principal)) == 0 &&
	    json_object_set_new(json, "action", value_uid_to_json(r->action)) ==
		0 &&
	    json_object_set_new(
		json, "resource", value_uid_to_json(r->resource)) == 0 &&
	    (r->context.kind == VALUE_UNKNOWN ||
		json_object_set_new(
		    json, "context", value_to_json(&r->context)) == 0))
		return json;
	json_decref(json);
	return NULL;
}

static json_t *
change_to_json(struct listing *l, enum change change,
    const struct engine_request *r, const struct engine_answer *x,
    const struct engine_answer *y)
{
	json_t *json = json_object();

	if (json_object_set_new(
		json, "change", json_string(change_names[change])) == 0 &&
	    json_object_set_new(json, "request", request_to_json(l, r)) == 0 &&
	    json_object_set_new(json, "old", engine_answer_to_json(x)) == 0 &&
	    json_object_set_new(json, "new", engine_answer_to_json(y)) == 0)
		return json;
	json_decref(json);
	return NULL;
}

static bool
note_pair(void *ctx, const struct engine_request *r,
    const struct engine_answer *x, const struct engine_answer *y)
{
	struct listing *l = ctx;
	enum change change = change_of(l, x, y);

	l->counts[change]++;
	if (change == CHANGE_NONE)
		return true;
	if (l->o->json)
		cli_findings_add(
		    &l->changes, change_to_json(l, change, r, x, y));
	else
		print_change(&l->changes.out, change, r, x, y);
	return cli_findings_go_on(&l->changes) && ++l->n != l->limit;
}

/* ---- given requests -------------------------------------------------------
 */

/* Read twice, since each snapshot has its own entities below. */
static bool
compare_line(struct listing *l, struct engine_snapshot *const s[2],
    const struct engine_query *q, struct str line, uint32_t number,
    struct arena *a)
{
	struct engine_request r[2];
	struct error err = { 0 };

	arena_reset(a);
	for (size_t i = 0; i < 2; i++)
		if (!engine_request_from_json(
			a, line, l->o->requests, s[i], &r[i], &err)) {
			err.at.line = number;
			cli_error(&err, (struct str){ 0 });
			l->unreadable = true;
			return true;
		}
	return engine_compare(
	    s[0], &r[0], s[1], r[1].entities, q->errored_deny, a, note_pair, l);
}

static bool
compare_lines(struct listing *l, struct engine_snapshot *const s[2],
    const struct engine_query *q, struct arena *a, FILE *in, uint64_t *ret_next)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	bool more = true;
	uint32_t number = 0;

	while (more && (n = getline(&line, &cap, in)) > 0) {
		struct str text = { line, (size_t)n };

		if (text.p[text.n - 1] == '\n')
			text.n--;
		if (number++ >= q->from)
			more = compare_line(l, s, q, text, number, a);
	}
	free(line);
	*ret_next = more ? 0 : number;
	return !ferror(in);
}

static bool
compare_file(struct listing *l, struct engine_snapshot *const s[2],
    const struct engine_query *q, struct arena *a, uint64_t *ret_next)
{
	bool is_stdin = strcmp(l->o->requests, "-") == 0, ok;
	FILE *in = is_stdin ? stdin : fopen(l->o->requests, "re");

	ok = in && compare_lines(l, s, q, a, in, ret_next);
	if (!ok)
		cli_errorf(
		    "`%s` cannot be read: %s", l->o->requests, strerror(errno));
	if (in && !is_stdin)
		fclose(in);
	return ok;
}

/* ---- what is shown --------------------------------------------------------
 */

static bool
show(struct listing *l, uint64_t next)
{
	uint64_t stay = l->counts[CHANGE_NONE] + l->counts[CHANGE_REASONS];
	struct buf summary = { 0 };
	bool ok = cli_findings_end(&l->changes, next);

	buf_printf(&summary, "%llu gain, %llu lose, %llu stay",
	    (unsigned long long)l->counts[CHANGE_GAINS],
	    (unsigned long long)l->counts[CHANGE_LOSES],
	    (unsigned long long)stay);
	if (l->counts[CHANGE_UNKNOWN])
		buf_printf(&summary, ", %llu unknown",
		    (unsigned long long)l->counts[CHANGE_UNKNOWN]);
	buf_byte(&summary, '\n');
	if (next)
		buf_printf(
		    &summary, "more: --from %llu\n", (unsigned long long)next);
	ok = cli_messages(&summary) && ok;
	buf_free(&summary);
	return ok;
}

static enum cli_exit
exit_of(const struct listing *l, uint64_t next)
{
	if (l->counts[CHANGE_GAINS] || l->counts[CHANGE_LOSES] ||
	    l->counts[CHANGE_REASONS])
		return l->unreadable ? CLI_CANNOT_TELL : CLI_NO;
	return l->counts[CHANGE_UNKNOWN] || l->unreadable || next
		   ? CLI_CANNOT_TELL
		   : CLI_YES;
}

static enum cli_exit
compare(const struct options *o, struct engine_snapshot *const s[2],
    const struct engine_query *q)
{
	struct arena *scratch = arena_new(LIMIT_SCRATCH_BYTES);
	struct arena *a = arena_new(0);
	struct listing l = { .o = o,
		.limit = q->limit,
		.scratch = scratch,
		.changes = { .name = "changes", .json = o->json } };
	struct error err = { 0 };
	uint64_t next = 0;
	bool ok = scratch && a ? true : error_nomem(&err);

	ok = ok && engine_bodies_learn(s[0], s[1], a, &l.bodies, &err);
	if (ok && o->requests)
		ok = compare_file(&l, s, q, scratch, &next);
	else if (ok)
		ok = engine_compare_all(
		    s[0], s[1], q, scratch, note_pair, &l, &next, &err);
	if (err.code != ERR_NONE)
		cli_error(&err, (struct str){ 0 });
	ok = ok && show(&l, next);
	buf_free(&l.changes.out);
	arena_free(scratch);
	arena_free(a);
	return ok ? exit_of(&l, next) : CLI_CANNOT_TELL;
}

/* ---- the question ---------------------------------------------------------
 */

static bool
read_query(struct arena *a, const struct options *o, struct value *context,
    struct engine_query *ret)
{
	ret->errored_deny = o->rules.errored_deny;
	if (o->requests && o->query.context) {
		cli_errorf("--context goes without --requests, which bring "
			   "their own");
		return false;
	}
	ret->most = CANDIDATES_MAX;
	return cli_query_read(&o->query, a, context, ret);
}

/* OLD or NEW: the rules but for the policies, which are words. */
static struct engine_snapshot *
load(const struct options *o, size_t which)
{
	struct cli_rules rules = o->rules;

	rules.policies = (struct cli_list){ &o->paths.items[which], 1 };
	return cli_rules_load(&rules, clock_now_ms(clock_system()));
}

/* Images bring entities. */
static bool
has_data(const struct engine_snapshot *s)
{
	const struct entities *layer = engine_snapshot_entities(s);

	return layer && entities_count(layer) > 0;
}

/* Without data, what the policies name is all there is. */
static bool
assume(const struct options *o, struct engine_snapshot *const s[2],
    struct arena *a, struct engine_query *q)
{
	const struct policy_set *const sets[] = {
		engine_snapshot_policies(s[0]), engine_snapshot_policies(s[1])
	};
	struct entities *named = NULL;
	struct error err = { 0 };

	if (o->requests || o->rules.entities.n > 0 || has_data(s[0]) ||
	    has_data(s[1]))
		return true;
	if (!policy_set_assume(sets, ARRAY_LEN(sets), a, &named, &err)) {
		cli_error(&err, (struct str){ 0 });
		return false;
	}
	q->assumed = named;
	return true;
}

static enum cli_exit
run(const struct options *o)
{
	struct arena *a = arena_new(0);
	struct engine_query q = { 0 };
	struct value context;
	struct engine_snapshot *s[2] = { NULL, NULL };
	enum cli_exit code = CLI_CANNOT_TELL;

	if (a && read_query(a, o, &context, &q)) {
		s[0] = load(o, 0);
		s[1] = load(o, 1);
	}
	if (s[0] && s[1] && assume(o, s, a, &q))
		code = compare(o, s, &q);
	engine_snapshot_unref(s[0]);
	engine_snapshot_unref(s[1]);
	arena_free(a);
	return code;
}

enum cli_exit
cmd_diff(int argc, char **argv)
{
	struct options o = { 0 };
	const struct cli_option options[] = {
		CLI_ENTITIES(&o.rules),
		CLI_SCHEMA(&o.rules),
		CLI_TRUST(&o.rules),
		{ "requests", CLI_TEXT, &o.requests, false, "FILE",
		    "requests to decide, one a line, or a decision log; "
		    "without it all combinations of the entities, or, where "
		    "none are given, of those that the policies name" },
		CLI_CONTEXT(&o.query),
		CLI_ERRORED_DENY(&o.rules),
		{ "reasons", CLI_FLAG, &o.reasons, false, NULL,
		    "list what changes only its code or its reasons too" },
		CLI_LIMIT(&o.query),
		CLI_FROM(&o.query),
		{ "json", CLI_FLAG, &o.json, false, NULL,
		    "one JSON object, each change with its request" },
	};
	const struct cli_usage usage =
	    CLI_USAGE("avow diff [--entities PATH] [--requests FILE] "
		      "[--context FILE] OLD NEW",
		"Who gains and who loses when the policies of NEW take "
		"the place of those of OLD?\nEach request is decided by "
		"both; requests other than those looked at are not "
		"spoken of.\n`unknown`: what is not known (the context; "
		"without entities, their attributes)\ndecides, and not "
		"alike for both. `(another)` is one that no policy names, "
		"`(one in G)`\none in a group. A page ends after "
		"10,000,000 combinations, or --limit changes.\n"
		"Exit: 0 nothing changes, 2 something "
		"does, 1 "
		"cannot tell (unknown, unreadable, more to come).",
		options, 2, 2, &o.paths);
	enum cli_exit code;

	if (cli_parse(&usage, argc, argv, &code) && cli_rules_check(&o.rules))
		code = run(&o);
	cli_rules_free(&o.rules);
	cli_list_free(&o.paths);
	return code;
}
