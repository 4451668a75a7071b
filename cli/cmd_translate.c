/* cmd_translate.c - `avow translate`: policies from one form to another, and
 * schemas.
 * Two tables: what can be read and what can be written. Every reader fills one
 * policy set, every writer writes a finished one, so a new form is one row. */
#include "base/arena.h"
#include "base/file.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "policy/schema.h"

/* To whom and what IAM policies are attached. */
struct attached {
	struct uid principal, resource; /* empty type: all */
};

struct reader {
	const char *name, *suffix, *help; /* no suffix: only when asked for */
	bool (*add)(struct policy_set *set, const char *path, struct str text,
	    const struct attached *attached, struct errors *reterr);
};

struct writer {
	const char *name, *help;
	bool (*write)(const struct policy_set *set, struct buf *out,
	    struct errors *reterr);
};

static bool
add_avow(struct policy_set *set, const char *path, struct str text,
    const struct attached *attached, struct errors *reterr)
{
	(void)attached;
	return policy_set_add_text(set, path, text, POLICY_AVOW, reterr);
}

static bool
add_cedar(struct policy_set *set, const char *path, struct str text,
    const struct attached *attached, struct errors *reterr)
{
	(void)attached;
	return policy_set_add_text(set, path, text, POLICY_CEDAR, reterr);
}

static bool
add_json(struct policy_set *set, const char *path, struct str text,
    const struct attached *attached, struct errors *reterr)
{
	(void)attached;
	return policy_set_add_json(set, path, text, reterr);
}

static bool
add_iam(struct policy_set *set, const char *path, struct str text,
    const struct attached *attached, struct errors *reterr)
{
	return policy_set_add_iam(
	    set, path, text, attached->principal, attached->resource, reterr);
}

static bool
write_avow(const struct policy_set *set, struct buf *out, struct errors *reterr)
{
	return policy_set_to_text(set, POLICY_AVOW, out, reterr);
}

static bool
write_cedar(
    const struct policy_set *set, struct buf *out, struct errors *reterr)
{
	return policy_set_to_text(set, POLICY_CEDAR, out, reterr);
}

static bool
write_json(const struct policy_set *set, struct buf *out, struct errors *reterr)
{
	json_t *json = NULL;
	bool ok = policy_set_to_json(set, &json, reterr);

	/* A buffer that ran out of memory is noticed where it is written. */
	if (ok && !json_write_pretty(out, json))
		out->failed = true;
	if (ok)
		buf_byte(out, '\n');
	json_decref(json);
	return ok;
}

static const struct reader readers[] = {
	{ "avow", ".avow", "policy text", add_avow },
	{ "cedar", ".cedar", "Cedar policy text", add_cedar },
	{ "json", ".json", "a Cedar policy set or policy in JSON, or Avow's",
	    add_json },
	{ "iam", NULL,
	    "an AWS IAM policy; what cannot be said exactly is "
	    "refused",
	    add_iam },
};

static const struct writer writers[] = {
	{ "avow", "policy text", write_avow },
	{ "cedar", "Cedar policy text; what it cannot say is refused",
	    write_cedar },
	{ "json", "a Cedar policy set in JSON; with additions, Avow's own",
	    write_json },
};

/* By name, or by the path's suffix; the first for standard input. */
static const struct reader *
find_reader(const char *from, const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(readers); i++)
		if (from ? strcmp(from, readers[i].name) == 0
			 : readers[i].suffix && str_has_suffix(str_of(path),
						    str_of(readers[i].suffix)))
			return &readers[i];
	return NULL;
}

static const struct writer *
find_writer(const char *to)
{
	for (size_t i = 0; i < ARRAY_LEN(writers); i++)
		if (strcmp(to, writers[i].name) == 0)
			return &writers[i];
	cli_errorf("--to: no form is called `%s`; they are:", to);
	for (size_t i = 0; i < ARRAY_LEN(writers); i++)
		fprintf(
		    stderr, "  %-6s %s\n", writers[i].name, writers[i].help);
	return NULL;
}

static bool
refuse_form(const char *from, const char *path)
{
	if (from)
		cli_errorf("--from: no form is called `%s`; they are:", from);
	else
		cli_errorf("`%s`: say what it is with --from, one of:", path);
	for (size_t i = 0; i < ARRAY_LEN(readers); i++)
		fprintf(
		    stderr, "  %-6s %s\n", readers[i].name, readers[i].help);
	return false;
}

static bool
add_file(struct policy_set *set, const char *from, const char *path,
    const struct attached *attached, struct errors *errors)
{
	const struct reader *reader = find_reader(from, path);
	struct error e = { 0 };
	struct arena *a;
	struct str text;
	bool ok;

	if (!reader)
		return refuse_form(from, path);
	a = arena_new(0);
	ok = a ? file_read(a, path, LIMIT_POLICY_FILE_BYTES, &text, &e)
	       : error_nomem(&e);
	if (ok)
		ok = reader->add(set, path, text, attached, errors);
	else if (e.code != ERR_NONE)
		(void)errors_take(errors, &e);
	arena_free(a);
	return ok;
}

static bool
put_out(const char *path, const struct buf *out)
{
	struct error e = { 0 };

	if (!path)
		return cli_print(out);
	if (!buf_ok(out))
		(void)error_nomem(&e);
	else if (file_replace(path, 0644, buf_str(out), &e))
		return true;
	cli_error(&e, STR(""));
	return false;
}

static bool
translate(struct policy_set *set, const struct cli_list *paths,
    const struct attached *attached, const char *from,
    const struct writer *writer, const char *to_path)
{
	struct errors errors = { 0 };
	struct buf out = { 0 }, messages = { 0 };
	bool ok = true;

	for (size_t i = 0; i < paths->n; i++)
		ok = add_file(set, from, paths->items[i], attached, &errors) &&
		     ok;
	ok = ok && policy_set_finish(set, &errors) &&
	     writer->write(set, &out, &errors);
	policy_set_print_errors(set, &errors, &messages);
	(void)cli_messages(&messages);
	ok = ok && put_out(to_path, &out);
	buf_free(&messages);
	buf_free(&out);
	return ok;
}

static enum cli_exit
run(const struct cli_list *paths, const struct attached *attached,
    const char *from, const char *to, const char *to_path)
{
	const struct writer *writer = find_writer(to);
	struct policy_set *set = writer ? policy_set_new(POLICY_NAMED) : NULL;
	bool ok;

	if (writer && !set)
		cli_errorf("memory ran out");
	ok = set && translate(set, paths, attached, from, writer, to_path);
	policy_set_free(set);
	return ok ? CLI_YES : CLI_CANNOT_TELL;
}

/* --- schemas -------------------------------------------------------------- */

static bool
schema_form(const char *option, const char *name, enum schema_syntax *ret)
{
	bool json = str_eq(str_of(name), STR("json"));

	*ret = json ? SCHEMA_JSON : SCHEMA_CEDAR;
	if (json || str_eq(str_of(name), STR("cedar")))
		return true;
	cli_errorf(
	    "--%s: a schema is `cedar` or `json`, found `%s`", option, name);
	return false;
}

static bool
translate_schema(struct arena *a, const char *path, const char *from,
    enum schema_syntax to, struct buf *out)
{
	struct errors errors = { 0 };
	struct error e = { 0 };
	struct str text = { 0 };
	struct schema *s = NULL;
	enum schema_syntax syntax;
	bool ok = file_read(a, path, LIMIT_POLICY_FILE_BYTES, &text, &e);

	syntax = schema_syntax_of(path, text);
	if (from && !schema_form("from", from, &syntax))
		return false;
	if (ok)
		s = schema_new(path, text, syntax, &errors);
	ok = s && schema_print(s, to, out, &e);
	if (e.code != ERR_NONE)
		(void)errors_take(&errors, &e);
	cli_errors(&errors, text);
	schema_free(s);
	return ok;
}

static enum cli_exit
run_schema(const struct cli_list *paths, const char *from, const char *to,
    const char *to_path)
{
	struct arena *a = arena_new(0);
	struct buf out = { 0 };
	enum schema_syntax syntax;
	bool ok;

	if (paths->n != 1)
		cli_errorf("a schema is one file");
	ok = a && paths->n == 1 && schema_form("to", to, &syntax) &&
	     translate_schema(a, paths->items[0], from, syntax, &out) &&
	     put_out(to_path, &out);
	buf_free(&out);
	arena_free(a);
	return ok ? CLI_YES : CLI_CANNOT_TELL;
}

/* By --kind, or by the first file's name. */
static bool
is_schema(const char *kind, const struct cli_list *paths)
{
	struct str first = str_of(paths->items[0]);

	if (kind)
		return strcmp(kind, "schema") == 0;
	return str_has_suffix(first, STR(".cedarschema")) ||
	       str_has_suffix(first, STR(".cedarschema.json"));
}

static enum cli_exit
run_kind(const char *kind, const struct cli_list *paths,
    const struct attached *attached, const char *from, const char *to,
    const char *to_path)
{
	if (kind && strcmp(kind, "schema") != 0 &&
	    strcmp(kind, "policies") != 0) {
		cli_errorf("--kind: expected `policies` or `schema`, found "
			   "`%s`",
		    kind);
		return CLI_CANNOT_TELL;
	}
	return is_schema(kind, paths) ? run_schema(paths, from, to, to_path)
				      : run(paths, attached, from, to, to_path);
}

/* `--principal` or `--resource`; NULL: not given. */
static bool
read_attached(struct arena *a, const char *text, struct uid *ret)
{
	struct error err = { 0 };

	if (!text || (a ? value_uid_from_text(a, str_of(text), ret, &err)
			: error_nomem(&err)))
		return true;
	cli_error(&err, STR(""));
	return false;
}

enum cli_exit
cmd_translate(int argc, char **argv)
{
	struct cli_list paths = { 0 };
	struct attached attached = { 0 };
	const char *principal = NULL, *resource = NULL;
	struct arena *a = arena_new(0);
	const char *from = NULL, *to = NULL, *to_path = NULL, *kind = NULL;
	const struct cli_option options[] = {
		{ "from", CLI_TEXT, &from, false, "FORM",
		    "avow, cedar, json or iam (default: by each file's "
		    "suffix)" },
		{ "to", CLI_TEXT, &to, true, "FORM", "avow, cedar or json" },
		{ "kind", CLI_TEXT, &kind, false, "WORD",
		    "policies or schema (default: schema for *.cedarschema "
		    "and *.cedarschema.json)" },
		{ "principal", CLI_TEXT, &principal, false, "ENTITY",
		    "whom an IAM policy without Principal is attached to" },
		{ "resource", CLI_TEXT, &resource, false, "ENTITY",
		    "what an IAM policy without Resource is attached to" },
		{ "out", CLI_OUT, &to_path, false, "FILE",
		    "write there (also -o), not to standard output, which is "
		    "`-`" },
	};
	const struct cli_usage usage =
	    CLI_USAGE("avow translate [--from FORM] --to FORM [-o FILE] "
		      "FILE ...",
		"Write policies in another form that means exactly the "
		"same. What cannot be said exactly\nis refused with its "
		"place. All files are one set; links of templates become "
		"policies\nin text. A schema is one file, to cedar or "
		"json. "
		"Exit: 0 done, 1 errors.",
		options, 1, SIZE_MAX, &paths);
	enum cli_exit code;

	if (cli_parse(&usage, argc, argv, &code) &&
	    read_attached(a, principal, &attached.principal) &&
	    read_attached(a, resource, &attached.resource))
		code = run_kind(kind, &paths, &attached, from, to, to_path);
	arena_free(a);
	cli_list_free(&paths);
	return code;
}
