/* cmd_check.c - `avow check`: all errors of policy files, and warnings. */
#include "cli/cli.h"
#include "policy/policy.h"

/* {"file","line","column","length","severity","code","message","hint"} */
static bool
add_messages(json_t *array, const struct errors *list, const char *severity)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct error *e = &list->e[i];
		json_t *m = json_object();
		const char *file = e->at.file ? e->at.file : "";

		if (json_object_set_new(
			m, "file", json_from_str(str_of(file))) ||
		    json_object_set_new(m, "line", json_integer(e->at.line)) ||
		    json_object_set_new(m, "column", json_integer(e->at.col)) ||
		    json_object_set_new(m, "length", json_integer(e->at.len)) ||
		    json_object_set_new(m, "severity", json_string(severity)) ||
		    json_object_set_new(
			m, "code", json_string(error_id(e->code))) ||
		    json_object_set_new(
			m, "message", json_from_str(str_of(e->msg))) ||
		    json_object_set_new(
			m, "hint", json_from_str(str_of(e->hint)))) {
			json_decref(m);
			return false;
		}
		if (json_array_append_new(array, m))
			return false;
	}
	return true;
}

static bool
show_json(const struct errors *errors, const struct errors *warnings)
{
	json_t *array = json_array();

	if (!array || !add_messages(array, errors, "error") ||
	    !add_messages(array, warnings, "warning")) {
		json_decref(array);
		cli_errorf("memory ran out");
		return false;
	}
	return cli_print_json(array, false);
}

/* Links are among the policies, templates are not. */
static void
add_counts(const struct policy_set *set, struct buf *out)
{
	uint32_t templates = policy_set_templates(set);

	buf_printf(out, "policies: %u, ", policy_set_count(set));
	if (templates > 0)
		buf_printf(out, "templates: %u, links: %u, ", templates,
		    policy_set_links(set));
	buf_printf(out, "files: %u, version: %.*s\n", policy_set_files(set),
	    STR_ARG(policy_set_version(set)));
}

static bool
show_text(const struct policy_set *set, const struct errors *errors,
    const struct errors *warnings)
{
	struct buf messages = { 0 }, out = { 0 };
	bool ok;

	policy_set_print_errors(set, errors, &messages);
	policy_set_print_warnings(set, warnings, &messages);
	ok = cli_messages(&messages);
	if (errors->n == 0)
		add_counts(set, &out);
	ok = cli_print(&out) && ok;
	buf_free(&messages);
	buf_free(&out);
	return ok;
}

static enum cli_exit
check(struct policy_set *set, const struct cli_list *paths, bool json)
{
	struct errors errors = { 0 }, warnings = { 0 };
	bool ok = true, shown;

	for (size_t i = 0; i < paths->n; i++)
		ok = policy_set_add_path(set, paths->items[i], &errors) && ok;
	ok = ok && policy_set_finish(set, &errors);
	if (ok)
		policy_set_warnings(set, &warnings);
	shown = json ? show_json(&errors, &warnings)
		     : show_text(set, &errors, &warnings);
	return ok && shown ? CLI_YES : CLI_CANNOT_TELL;
}

enum cli_exit
cmd_check(int argc, char **argv)
{
	struct cli_list paths = { 0 };
	bool json = false;
	const struct cli_option options[] = {
		{ "json", CLI_FLAG, &json, false, NULL,
		    "messages as a JSON array on standard output" },
	};
	const struct cli_usage usage = {
		.synopsis = "avow check [--json] PATH ...",
		.about = "Read policy files and folders (*.avow, *.cedar; "
			 "a *.json policy set by its name)\nas one set and "
			 "report every error and warning, each with its "
			 "place. Exit: 0 no error,\n1 errors.",
		.options = options,
		.n_options = ARRAY_LEN(options),
		.min_args = 1,
		.max_args = SIZE_MAX,
		.args = &paths,
	};
	enum cli_exit code;

	if (cli_parse(&usage, argc, argv, &code)) {
		struct policy_set *set = policy_set_new(POLICY_NAMED);

		code = CLI_CANNOT_TELL;
		if (set)
			code = check(set, &paths, json);
		else
			cli_errorf("memory ran out");
		policy_set_free(set);
	}
	cli_list_free(&paths);
	return code;
}
