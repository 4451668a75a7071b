/* cmd_who.c - `avow who` and `avow what`: who may do it, and what may one do?
 * Every candidate of the loaded entities is decided; what is printed is the
 * decision of the same engine that gates ask. */
#include "cli/query.h"
#include "cli/rules.h"

#include "base/clock.h"
#include "base/limits.h"

struct options {
	struct cli_rules rules;
	struct cli_query query;
	struct cli_list words;
	bool json, is_who;
};

struct listing {
	const struct options *o;
	const struct policy_set *set;
	struct cli_findings found;
	size_t n, certain;
};

/* ---- what is printed ------------------------------------------------------
 */

static json_t *
finding_to_json(const struct listing *l, const struct engine_request *r,
    const uint32_t *reasons, size_t n_reasons)
{
	bool certain = n_reasons > 0;
	json_t *ids = json_array(), *finding = json_object();
	bool ok = ids && finding;

	for (size_t i = 0; ok && i < n_reasons; i++)
		ok = json_array_append_new(
			 ids, json_from_str(
				  policy_set_info(l->set, reasons[i]).id)) == 0;
	ok = ok &&
	     (l->o->is_who ? json_object_set_new(finding, "principal",
				 value_uid_to_json(r->principal)) == 0
			   : json_object_set_new(finding, "action",
				 value_uid_to_json(r->action)) == 0 &&
				 json_object_set_new(finding, "resource",
				     value_uid_to_json(r->resource)) == 0) &&
	     json_object_set_new(finding, "decision",
		 json_string(certain ? "permit" : "unknown")) == 0 &&
	     json_object_set(finding, "reasons", ids) == 0;
	json_decref(ids);
	if (ok)
		return finding;
	json_decref(finding);
	return NULL;
}

static void
print_finding(struct listing *l, const struct engine_request *r,
    const uint32_t *reasons, size_t n_reasons)
{
	struct buf *out = &l->found.out;

	buf_addz(out, n_reasons > 0 ? "permit   " : "unknown  ");
	if (l->o->is_who) {
		value_print_uid(out, r->principal);
	} else {
		value_print_uid(out, r->action);
		buf_byte(out, ' ');
		value_print_uid(out, r->resource);
	}
	for (size_t i = 0; i < n_reasons; i++) {
		buf_addz(out, i ? ", " : "  by ");
		buf_escaped(out, policy_set_info(l->set, reasons[i]).id, false);
	}
	buf_byte(out, '\n');
}

static bool
note_finding(void *ctx, const struct engine_snapshot *s,
    const struct engine_request *r, const uint32_t *reasons, size_t n_reasons)
{
	struct listing *l = ctx;

	(void)s;
	l->n++;
	l->certain += n_reasons > 0;
	if (l->o->json)
		cli_findings_add(
		    &l->found, finding_to_json(l, r, reasons, n_reasons));
	else
		print_finding(l, r, reasons, n_reasons);
	return cli_findings_go_on(&l->found);
}

static void
print_end(struct listing *l, uint64_t next)
{
	struct buf *out = &l->found.out;

	if (l->n == 0 && next == 0)
		buf_addz(out, l->o->is_who
				  ? "nobody of the loaded entities\n"
				  : "nothing of the loaded entities\n");
	if (next)
		buf_printf(
		    out, "more: --from %llu\n", (unsigned long long)next);
}

/* ---- the query ------------------------------------------------------------
 */

static bool
read_uid(struct arena *a, const char *word, struct uid *ret)
{
	struct error err = { 0 };

	if (value_uid_from_text(a, str_of(word), ret, &err))
		return true;
	cli_error(&err, (struct str){ 0 });
	return false;
}

static bool
read_query(struct arena *a, const struct options *o, struct value *context,
    struct engine_query *ret)
{
	ret->errored_deny = o->rules.errored_deny;
	if (!cli_query_read(&o->query, a, context, ret))
		return false;
	if (!o->is_who)
		return read_uid(a, o->words.items[0], &ret->principal);
	return read_uid(a, o->words.items[0], &ret->action) &&
	       read_uid(a, o->words.items[1], &ret->resource);
}

static enum cli_exit
search(const struct engine_snapshot *s, const struct options *o,
    const struct engine_query *q)
{
	struct listing l = { .o = o,
		.set = engine_snapshot_policies(s),
		.found = { .name = "found", .json = o->json } };
	struct arena *scratch = arena_new(LIMIT_SCRATCH_BYTES);
	struct error err = { 0 };
	uint64_t next = 0;
	bool ok = scratch ? true : error_nomem(&err);

	ok = ok && engine_search(s, q, scratch, note_finding, &l, &next, &err);
	if (ok && !o->json)
		print_end(&l, next);
	if (ok)
		ok = cli_findings_end(&l.found, next);
	else
		cli_error(&err, (struct str){ 0 });
	buf_free(&l.found.out);
	arena_free(scratch);
	if (!ok)
		return CLI_CANNOT_TELL;
	if (l.certain)
		return CLI_YES;
	return l.n ? CLI_CANNOT_TELL : CLI_NO;
}

static enum cli_exit
run(const struct options *o)
{
	struct arena *a = arena_new(0);
	struct engine_query q = { 0 };
	struct value context;
	struct engine_snapshot *s = NULL;
	enum cli_exit code = CLI_CANNOT_TELL;

	if (a && read_query(a, o, &context, &q))
		s = cli_rules_load(&o->rules, clock_now_ms(clock_system()));
	if (s)
		code = search(s, o, &q);
	engine_snapshot_unref(s);
	arena_free(a);
	return code;
}

/* ---- both commands ---------------------------------------------------------
 */

static enum cli_exit
command(int argc, char **argv, bool is_who)
{
	struct options o = { .is_who = is_who };
	const struct cli_option options[] = {
		CLI_POLICIES(&o.rules, true),
		{ "entities", CLI_LIST, &o.rules.entities, true, "PATH",
		    "Cedar JSON entities, file or folder: what is searched" },
		CLI_SCHEMA(&o.rules),
		CLI_TRUST(&o.rules),
		CLI_CONTEXT(&o.query),
		CLI_ERRORED_DENY(&o.rules),
		CLI_LIMIT(&o.query),
		CLI_FROM(&o.query),
		{ "json", CLI_FLAG, &o.json, false, NULL,
		    "findings as one JSON object" },
	};
	const struct cli_usage usage =
	    CLI_USAGE(is_who ? "avow who --policies PATH --entities PATH "
			       "[--context FILE] ACTION RESOURCE"
			     : "avow what --policies PATH --entities PATH "
			       "[--context FILE] PRINCIPAL",
		is_who ? "Which of the loaded entities may do ACTION on "
			 "RESOURCE, and by which policies?\nEntities are "
			 "written as in policies: 'Action::\"view\"'. Each is "
			 "decided as any request;\n`unknown`: it depends on "
			 "the context. Others than those loaded are not "
			 "looked at.\nExit: 0 somebody may, 2 nobody, 1 "
			 "cannot tell (only `unknown`)."
		       : "What may PRINCIPAL do, on which of the loaded "
			 "entities, and by which policies?\nActions are those "
			 "that the policies name or the entities hold. "
			 "`unknown`: it depends on\nthe context. Exit: 0 "
			 "something, 2 nothing, 1 cannot tell (only "
			 "`unknown`).",
		options, is_who ? 2 : 1, is_who ? 2 : 1, &o.words);
	enum cli_exit code;

	if (cli_parse(&usage, argc, argv, &code) && cli_rules_check(&o.rules))
		code = run(&o);
	cli_rules_free(&o.rules);
	cli_list_free(&o.words);
	return code;
}

enum cli_exit
cmd_who(int argc, char **argv)
{
	return command(argc, argv, true);
}

enum cli_exit
cmd_what(int argc, char **argv)
{
	return command(argc, argv, false);
}
