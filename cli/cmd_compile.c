/* cmd_compile.c - `avow compile`: the normal form of policies, to look at. */
#include "cli/rules.h"
#include "policy/normal.h"

struct compile {
	struct cli_list paths, granularity;
	bool print, stats;
	const char *schema, *out;
};

static const char *const elements[] = { "principal", "action", "resource" };
static const char *const levels[] = { [GRAIN_EACH] = "each",
	[GRAIN_INDIVISIBLE] = "indivisible",
	[GRAIN_TYPE] = "type",
	[GRAIN_ALL] = "all" };

static size_t
find_word(const char *const *words, size_t n, struct str word)
{
	size_t i = 0;

	while (i < n && !str_eq(word, str_of(words[i])))
		i++;
	return i;
}

/* `principal=type` and so on. */
static bool
read_granularity(const struct cli_list *options, enum normal_granularity ret[3])
{
	for (size_t i = 0; i < options->n; i++) {
		struct str text = str_of(options->items[i]);
		size_t equals = str_find(text, '=', 0);
		size_t element = find_word(
		    elements, ARRAY_LEN(elements), str_sub(text, 0, equals));
		size_t level = find_word(levels, ARRAY_LEN(levels),
		    str_sub(text, equals + 1, text.n));

		if (element == ARRAY_LEN(elements) ||
		    level == ARRAY_LEN(levels)) {
			cli_errorf("--granularity: expected `principal`, "
				   "`action` or `resource`, `=` and `each`, "
				   "`indivisible`, `type` or `all`, found `%s`",
			    options->items[i]);
			return false;
		}
		ret[element] = (enum normal_granularity)level;
	}
	return true;
}

static bool
show(const struct normal *n, const struct compile *c)
{
	struct buf out = { 0 };
	bool ok;

	if (c->print)
		normal_print(n, &out);
	if (c->stats)
		normal_print_stats(n, &out);
	ok = cli_print(&out);
	buf_free(&out);
	return ok;
}

static bool
compile(struct policy_set *set, const struct schema *schema, struct arena *a,
    const struct compile *c)
{
	struct normal_options options = NORMAL_DEFAULTS;
	const struct normal *n;
	struct error err = { 0 };

	if (!read_granularity(&c->granularity, options.granularity) ||
	    !cli_policies_load(set, &c->paths))
		return false;
	if (schema)
		schema_close_set(schema, set);
	if (normal_make(a, set, &options, &n, &err))
		return show(n, c);
	cli_error(&err, STR(""));
	return false;
}

static bool
check_wanted(const struct compile *c)
{
	if (c->out)
		cli_errorf("--out: images are not supported yet; --print "
			   "shows the normal form");
	else if (!c->print && !c->stats)
		cli_errorf("nothing to do: --print, --stats or both");
	return !c->out && (c->print || c->stats);
}

static enum cli_exit
run(const struct compile *c)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct arena *a = arena_new(0);
	struct schema *schema = NULL;
	bool ok = false;

	if (!set || !a)
		cli_errorf("memory ran out");
	else
		ok = check_wanted(c) && cli_schema_load(c->schema, &schema) &&
		     compile(set, schema, a, c);
	arena_free(a);
	policy_set_free(set);
	schema_free(schema);
	return ok ? CLI_YES : CLI_CANNOT_TELL;
}

enum cli_exit
cmd_compile(int argc, char **argv)
{
	struct compile c = { 0 };
	const struct cli_option options[] = {
		{ "policies", CLI_LIST, &c.paths, true, "PATH",
		    "policy file or folder" },
		{ "print", CLI_FLAG, &c.print, false, NULL,
		    "the rules, one a line, with the policies they are of" },
		{ "stats", CLI_FLAG, &c.stats, false, NULL,
		    "counts, what was merged, time by stage" },
		{ "schema", CLI_TEXT, &c.schema, false, "FILE",
		    "Cedar schema (text or JSON): wildcards over its actions "
		    "and enumerated types are expanded" },
		{ "granularity", CLI_LIST, &c.granularity, false,
		    "ELEMENT=LEVEL",
		    "join rules that differ in this element alone" },
		{ "out", CLI_TEXT, &c.out, false, "FILE",
		    "write an image (not supported yet)" },
	};
	const struct cli_usage usage = {
		.synopsis = "avow compile --policies PATH ... [--print] "
			    "[--stats] [--schema FILE]\n"
			    "       [--granularity ELEMENT=LEVEL ...]",
		.about =
		    "Take policies apart into rules of one principal, action "
		    "and resource each, as decisions\nare made from; "
		    "--granularity joins them again for reading. ELEMENT is "
		    "principal, action or\nresource, LEVEL what may stand in "
		    "one set: each (nothing, the default), indivisible\n"
		    "(members of one indivisible set), type (entities of one "
		    "type), all. A set holds just the\nentities that were "
		    "there, and each keeps the policies it is of. Exit: 0 "
		    "done, 1 errors.",
		.options = options,
		.n_options = ARRAY_LEN(options),
	};
	enum cli_exit code;

	if (cli_parse(&usage, argc, argv, &code))
		code = run(&c);
	cli_list_free(&c.paths);
	cli_list_free(&c.granularity);
	return code;
}
