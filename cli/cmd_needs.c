/* cmd_needs.c - `avow needs`: which claims must be shown, and no others. */
#include "cli/rules.h"

#include "attest/documents.h"
#include "base/clock.h"
#include "gateways/gateways.h"

struct options {
	struct cli_rules rules;
	struct cli_list claims;
	const char *action, *resource;
	bool json;
};

/* ---- what is printed ------------------------------------------------------
 */

static json_t *
strings_to_json(const struct str *items, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < n; i++)
		if (json_array_append_new(array, json_from_str(items[i])) !=
		    0) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static json_t *
policies_to_json(const struct policy_set *set, const uint32_t *items, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < n; i++)
		if (json_array_append_new(array,
			json_from_str(policy_set_info(set, items[i]).id)) !=
		    0) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static json_t *
ways_to_json(const struct policy_set *set, const struct policy_needs *needs)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < needs->n_ways; i++) {
		const struct policy_way *w = &needs->ways[i];
		json_t *one = json_pack("{s:o, s:o, s:o}", "claims",
		    strings_to_json(w->show, w->n_show), "hide",
		    strings_to_json(w->hide, w->n_hide), "policies",
		    policies_to_json(set, w->policies, w->n_policies));

		if (json_array_append_new(array, one) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *
dodges_to_json(const struct policy_set *set, const struct policy_needs *needs)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < needs->n_dodges; i++) {
		const struct policy_dodge *d = &needs->dodges[i];
		struct policy_info info = policy_set_info(set, d->policy);
		json_t *one = json_pack("{s:o, s:s, s:I, s:o}", "policy",
		    json_from_str(info.id), "file", info.at.file, "line",
		    (json_int_t)info.at.line, "hide",
		    strings_to_json(d->hide, d->n_hide));

		if (json_array_append_new(array, one) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static bool
show_json(const struct policy_set *set, const struct policy_needs *needs)
{
	json_t *by =
	    needs->is_denied
		? json_from_str(policy_set_info(set, needs->denied_by).id)
		: json_null();
	json_t *all = json_pack("{s:o, s:o, s:o, s:b}", "ways",
	    ways_to_json(set, needs), "evadable", dodges_to_json(set, needs),
	    "deniedBy", by, "complete", !needs->is_cut);

	if (all)
		return cli_print_json(all, false);
	cli_errorf("memory ran out");
	return false;
}

static void
print_claims(struct buf *out, const struct str *claims, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_addz(out, i ? ", " : "");
		buf_escaped(out, claims[i], false);
	}
}

static void
print_way(
    struct buf *out, const struct policy_set *set, const struct policy_way *w)
{
	buf_addz(out, w->n_show ? "show " : "show nothing");
	print_claims(out, w->show, w->n_show);
	buf_addz(out, w->n_hide ? ", but not " : "");
	print_claims(out, w->hide, w->n_hide);
	for (size_t i = 0; i < w->n_policies; i++) {
		buf_addz(out, i ? ", " : "  for ");
		buf_escaped(
		    out, policy_set_info(set, w->policies[i]).id, false);
	}
	buf_byte(out, '\n');
}

static bool
show_text(const struct policy_set *set, const struct policy_needs *needs)
{
	struct buf out = { 0 };
	bool ok;

	for (size_t i = 0; i < needs->n_ways; i++)
		print_way(&out, set, &needs->ways[i]);
	if (needs->n_ways == 0)
		buf_addz(&out, "nothing that can be shown is permitted");
	if (needs->is_denied) {
		buf_addz(&out, ": denied by ");
		buf_escaped(
		    &out, policy_set_info(set, needs->denied_by).id, false);
	}
	buf_addz(&out, needs->n_ways == 0 ? "\n" : "");
	for (size_t i = 0; i < needs->n_dodges; i++) {
		const struct policy_dodge *d = &needs->dodges[i];

		buf_addz(&out, "note: ");
		buf_escaped(&out, policy_set_info(set, d->policy).id, false);
		buf_addz(&out, " does not deny who hides ");
		print_claims(&out, d->hide, d->n_hide);
		buf_byte(&out, '\n');
	}
	if (needs->is_cut)
		buf_addz(&out, "note: there are other ways\n");
	ok = cli_print(&out);
	buf_free(&out);
	return ok;
}

/* ---- the question ---------------------------------------------------------
 */

static bool
read_uid(struct arena *a, const char *option, const char *word, struct uid *ret,
    struct error *reterr)
{
	struct error why = { 0 };

	if (!word || value_uid_from_text(a, str_of(word), ret, &why))
		return true;
	return error_set(reterr, why.code, SPAN_NONE,
	    "--%s: an entity as in policies, Action::\"repository:get\": %s",
	    option, why.msg);
}

/* `--claim`: names as documents have them; another would be shown in vain. */
static bool
read_claims(const struct cli_list *names, struct str *ret, struct error *reterr)
{
	for (size_t i = 0; i < names->n; i++) {
		ret[i] = str_of(names->items[i]);
		if (!documents_claim_is_known(ret[i]))
			return error_set(reterr, ERR_USAGE, SPAN_NONE,
			    "--claim: `%s` is no claim of a document",
			    names->items[i]);
	}
	return true;
}

/* A package that the data do not have is one as its gate would make it. */
static bool
make_record(struct arena *a, struct policy_needs_query *q,
    struct entity *storage, struct error *reterr)
{
	if (!str_eq(q->resource.type, STR("Package")) ||
	    entities_has(q->entities, q->resource))
		return true;
	q->record = storage;
	return gateways_package_record(a, q->resource.id, storage, reterr);
}

static enum cli_exit
needs(struct arena *a, const struct options *o, const struct engine_snapshot *s)
{
	const struct policy_set *set = engine_snapshot_policies(s);
	struct str *show = ARENA_ARRAY(a, o->claims.n, struct str);
	struct policy_needs_query q = { .entities = engine_snapshot_entities(s),
		.show = show,
		.n_show = o->claims.n };
	struct policy_needs found;
	struct entity record;
	struct error err = { 0 };
	bool ok = show ? true : error_nomem(&err);

	ok = ok && read_claims(&o->claims, show, &err) &&
	     read_uid(a, "action", o->action, &q.action, &err) &&
	     read_uid(a, "resource", o->resource, &q.resource, &err) &&
	     make_record(a, &q, &record, &err) &&
	     policy_needs(set, &q, a, &found, &err);
	if (!ok) {
		cli_error(&err, STR(""));
		return CLI_CANNOT_TELL;
	}
	if (!(o->json ? show_json(set, &found) : show_text(set, &found)))
		return CLI_CANNOT_TELL;
	return found.n_ways > 0 ? CLI_YES : CLI_NO;
}

static enum cli_exit
load(const struct options *o)
{
	struct arena *a = arena_new(0);
	struct engine_snapshot *s =
	    a ? cli_rules_load(&o->rules, clock_now_ms(clock_system())) : NULL;
	enum cli_exit code = s ? needs(a, o, s) : CLI_CANNOT_TELL;

	if (!a)
		cli_errorf("memory ran out");
	engine_snapshot_unref(s);
	arena_free(a);
	return code;
}

enum cli_exit
cmd_needs(int argc, char **argv)
{
	struct options o = { 0 };
	const struct cli_option options[] = {
		CLI_RULES(&o.rules, true),
		{ "action", CLI_TEXT, &o.action, true, "ACTION",
		    "what is to be permitted, Action::\"repository:get\"" },
		{ "resource", CLI_TEXT, &o.resource, false, "RESOURCE",
		    "on what, Package::\"main/pool/a.deb\" (default: any)" },
		{ "claim", CLI_LIST, &o.claims, false, "NAME",
		    "what the gate demands in any case (`require:`; `demand: "
		    "address` is privateIp)" },
		{ "json", CLI_FLAG, &o.json, false, NULL,
		    "as one JSON object on standard output" },
	};
	const struct cli_usage usage =
	    CLI_USAGE("avow needs --policies PATH ... --action ACTION "
		      "[--resource RESOURCE]\n    [--entities PATH ...] "
		      "[--claim NAME ...] [--json]",
		"Which claims must an instance show to be permitted, and "
		"no more? Each line is one way, the\nshortest first: "
		"claims by their names in documents. Whoever is permitted "
		"has met one of\nthem; whether the values suffice, a "
		"decision says. A deny policy in error denies, so what\nit "
		"reads must be shown, too; a note names denies that hiding "
		"a claim evades. Groups count\nas the entities have them; "
		"without entities, as joined.\nExit: 0 there is a way, 2 "
		"none, 1 errors.",
		options, 0, 0, NULL);
	enum cli_exit code;

	if (cli_parse(&usage, argc, argv, &code))
		code = load(&o);
	cli_rules_free(&o.rules);
	cli_list_free(&o.claims);
	return code;
}
