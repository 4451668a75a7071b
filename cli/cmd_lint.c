/* cmd_lint.c - `avow lint`: policies that change nothing, with their places. */
#include "cli/rules.h"
#include "policy/policy.h"

/* What is not known of policies that do not fit the schema, if there are any.
 */
static bool
unfit_of(const struct policy_lint *lint, struct error *ret)
{
	*ret = (struct error){ 0 };
	if (lint->n_unfit > 0) {
		(void)error_set(ret, ERR_LINT_BOUND, lint->unfit_at,
		    "%zu %s the schema, this one first: whether such a policy "
		    "ever applies is unknown",
		    lint->n_unfit,
		    lint->n_unfit == 1 ? "policy does not fit"
				       : "policies do not fit");
		error_hint(ret, "`avow check --schema` says why");
	}
	return ret->code != ERR_NONE;
}

/* That not everything is there, if so. */
static bool
bound_of(const struct policy_lint *lint, struct error *ret)
{
	*ret = (struct error){ 0 };
	if (lint->dropped > 0)
		(void)error_set(ret, ERR_LINT_BOUND, SPAN_NONE,
		    "%zu more findings are not shown", lint->dropped);
	else if (lint->is_cut)
		(void)error_set(ret, ERR_LINT_BOUND, SPAN_NONE,
		    "not all pairs were compared: there may be more findings");
	return ret->code != ERR_NONE;
}

/* The policies that say so too, or that beat it, with their places. */
static json_t *
others_to_json(
    const struct policy_set *set, const struct policy_lint_others *others)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < others->n; i++) {
		struct policy_info info =
		    policy_set_info(set, others->policies[i]);
		json_t *one = json_pack("{s:o, s:s, s:I, s:I}", "policy",
		    json_from_str(info.id), "file", info.at.file, "line",
		    (json_int_t)info.at.line, "column",
		    (json_int_t)info.at.col);

		if (json_array_append_new(array, one) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

/* One alone is named in the message. */
static void
print_others(const struct policy_set *set,
    const struct policy_lint_others *others, struct buf *out)
{
	for (size_t i = 0; others->n > 1 && i < others->n; i++) {
		struct policy_info info =
		    policy_set_info(set, others->policies[i]);

		buf_addz(out, "  ");
		buf_escaped(out, str_of(info.at.file), false);
		buf_printf(out, ":%u:%u: ", info.at.line, info.at.col);
		buf_escaped(out, info.id, false);
		buf_byte(out, '\n');
	}
	if (others->dropped)
		buf_printf(out, "  and %zu more\n", others->dropped);
}

static bool
show_json(const struct policy_set *set, const struct policy_lint *lint)
{
	json_t *array = json_array();
	struct error bound;
	bool ok = array != NULL;

	for (size_t i = 0; ok && i < lint->n; i++)
		ok = cli_add_message(array, &lint->items[i], "warning") &&
		     json_object_set_new(json_array_get(array, i), "others",
			 others_to_json(set, &lint->others[i])) == 0;
	if (ok && unfit_of(lint, &bound))
		ok = cli_add_message(array, &bound, "note");
	if (ok && bound_of(lint, &bound))
		ok = cli_add_message(array, &bound, "note");
	if (ok)
		return cli_print_json(array, false);
	json_decref(array);
	cli_errorf("memory ran out");
	return false;
}

static bool
show_text(const struct policy_set *set, const struct policy_lint *lint)
{
	struct buf messages = { 0 }, out = { 0 };
	struct error bound;
	bool ok;

	for (size_t i = 0; i < lint->n; i++) {
		struct errors one = { .e = { lint->items[i] }, .n = 1 };

		policy_set_print_warnings(set, &one, &messages);
		print_others(set, &lint->others[i], &messages);
	}
	if (unfit_of(lint, &bound))
		error_print_as(&messages, "note", &bound, STR(""));
	if (bound_of(lint, &bound))
		error_print_as(&messages, "note", &bound, STR(""));
	ok = buf_ok(&messages) && cli_messages(&messages);
	buf_printf(&out, "policies: %u, findings: %zu\n", policy_set_count(set),
	    lint->n + lint->dropped);
	ok = cli_print(&out) && ok;
	buf_free(&messages);
	buf_free(&out);
	return ok;
}

static enum cli_exit
lint(struct policy_set *set, const struct schema *schema, struct arena *a,
    const struct cli_rules *rules, bool json)
{
	struct policy_lint found;
	struct error err = { 0 };

	if (!cli_policies_load(set, &rules->policies, rules->trust))
		return CLI_CANNOT_TELL;
	if (schema)
		schema_close_set(schema, set);
	if (!policy_set_lint(set, a, &found, &err)) {
		cli_error(&err, STR(""));
		return CLI_CANNOT_TELL;
	}
	if (!(json ? show_json(set, &found) : show_text(set, &found)))
		return CLI_CANNOT_TELL;
	return found.n == 0 ? CLI_YES : CLI_NO;
}

enum cli_exit
cmd_lint(int argc, char **argv)
{
	struct cli_rules rules = { 0 };
	bool json = false;
	const struct cli_option options[] = {
		CLI_POLICIES(&rules, true),
		{ "schema", CLI_TEXT, &rules.schema, false, "FILE",
		    "Cedar schema (text or JSON): what holds for the requests "
		    "and data it allows" },
		CLI_TRUST(&rules),
		{ "json", CLI_FLAG, &json, false, NULL,
		    "findings as a JSON array on standard output" },
	};
	const struct cli_usage usage =
	    CLI_USAGE("avow lint --policies PATH ... [--schema FILE] [--json]",
		"Find policies that change nothing: those that never "
		"apply, those whose rules others have or\ncover, alone or "
		"together, permits that denies always beat. Each finding "
		"holds for every request\nand all data, and names the "
		"others. With --schema each holds for what the schema "
		"allows: wildcards over its actions and\nenumerated ids "
		"are what they stand for, and policies are found that it "
		"never lets apply.\nNot looked at: entities (who is in "
		"which group), wider prefixes and wider sets in scopes,\n"
		"for several covers together (not denies) a condition on the "
		"group of what the scope names,\n"
		"how different operators on different paths follow from "
		"each other, covers that only more\nthan four tests would "
		"tell apart.\nExit: 0 nothing found, 2 findings, 1 errors.",
		options, 0, 0, NULL);
	enum cli_exit code;

	if (cli_parse(&usage, argc, argv, &code)) {
		struct policy_set *set = policy_set_new(POLICY_NAMED);
		struct arena *a = arena_new(0);
		struct schema *schema = NULL;

		code = CLI_CANNOT_TELL;
		if (!set || !a)
			cli_errorf("memory ran out");
		else if (cli_schema_load(rules.schema, &schema))
			code = lint(set, schema, a, &rules, json);
		arena_free(a);
		policy_set_free(set);
		schema_free(schema);
	}
	cli_rules_free(&rules);
	return code;
}
