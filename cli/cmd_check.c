/* cmd_check.c - `avow check`: all errors of policy files and of a schema, and
 * warnings. */
#include "cli/cli.h"

#include "base/file.h"
#include "base/limits.h"
#include "policy/schema.h"

struct checked {
	struct policy_set *set;
	struct errors errors, warnings;
	const char *schema_path; /* NULL: none */
	struct schema *schema;
	struct errors schema_errors;
	struct str schema_text;
	struct arena *arena;
};

static bool
add_messages(json_t *array, const struct errors *list, const char *severity)
{
	for (size_t i = 0; i < list->n; i++)
		if (!cli_add_message(array, &list->e[i], severity))
			return false;
	return true;
}

static bool
show_json(const struct checked *c)
{
	json_t *array = json_array();

	if (!array || !add_messages(array, &c->schema_errors, "error") ||
	    !add_messages(array, &c->errors, "error") ||
	    !add_messages(array, &c->warnings, "warning")) {
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
show_text(const struct checked *c, bool has_policies)
{
	struct buf messages = { 0 }, out = { 0 };
	bool ok;

	errors_print(&messages, &c->schema_errors, c->schema_text);
	policy_set_print_errors(c->set, &c->errors, &messages);
	policy_set_print_warnings(c->set, &c->warnings, &messages);
	ok = cli_messages(&messages);
	if (c->errors.n == 0 && has_policies)
		add_counts(c->set, &out);
	ok = cli_print(&out) && ok;
	buf_free(&messages);
	buf_free(&out);
	return ok;
}

/* Schemas are small beside policies: read whole, for messages to quote. */
static bool
read_schema(struct checked *c)
{
	const char *path = c->schema_path;
	struct error e = { 0 };

	if (!path)
		return true;
	if (!file_read(
		c->arena, path, LIMIT_POLICY_FILE_BYTES, &c->schema_text, &e))
		return errors_take(&c->schema_errors, &e);
	c->schema = schema_new(path, c->schema_text,
	    schema_syntax_of(path, c->schema_text), &c->schema_errors);
	return c->schema != NULL;
}

static enum cli_exit
check(struct checked *c, const struct cli_list *paths, bool json)
{
	bool ok = true, shown;

	for (size_t i = 0; i < paths->n; i++)
		ok = policy_set_add_path(c->set, paths->items[i], &c->errors) &&
		     ok;
	ok = ok && policy_set_finish(c->set, &c->errors);
	if (ok)
		policy_set_warnings(c->set, &c->warnings);
	ok = read_schema(c) && ok;
	if (ok && c->schema && paths->n > 0)
		ok = schema_validate(
		    c->schema, c->set, SCHEMA_STRICT, &c->errors, &c->warnings);
	shown = json ? show_json(c) : show_text(c, paths->n > 0);
	return ok && shown ? CLI_YES : CLI_CANNOT_TELL;
}

static enum cli_exit
run(const struct cli_list *paths, const char *schema_path, bool json)
{
	struct checked c = { .schema_path = schema_path };
	enum cli_exit code = CLI_CANNOT_TELL;

	c.set = policy_set_new(POLICY_NAMED);
	c.arena = arena_new(0);
	if (c.set && c.arena)
		code = check(&c, paths, json);
	else
		cli_errorf("memory ran out");
	policy_set_free(c.set);
	schema_free(c.schema);
	arena_free(c.arena);
	return code;
}

enum cli_exit
cmd_check(int argc, char **argv)
{
	struct cli_list paths = { 0 };
	const char *schema = NULL;
	bool json = false;
	const struct cli_option options[] = {
		{ "schema", CLI_TEXT, &schema, false, "FILE",
		    "a Cedar schema (text or JSON) that the policies must "
		    "fit; without a PATH, it alone" },
		{ "json", CLI_FLAG, &json, false, NULL,
		    "messages as a JSON array on standard output" },
	};
	const struct cli_usage usage =
	    CLI_USAGE("avow check [--json] [--schema FILE] [PATH ...]",
		"Read policy files and folders (*.avow, *.cedar; "
		"a *.json policy set by its name)\nas one set and "
		"report every error and warning, each with its "
		"place. Exit: 0 no error,\n1 errors.",
		options, 0, SIZE_MAX, &paths);
	enum cli_exit code;

	if (cli_parse(&usage, argc, argv, &code)) {
		if (paths.n > 0 || schema)
			code = run(&paths, schema, json);
		else
			cli_errorf("a PATH or --schema is needed\nusage: %s",
			    usage.synopsis);
	}
	cli_list_free(&paths);
	return code;
}
