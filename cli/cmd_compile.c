/* cmd_compile.c - `avow compile`: the normal form of policies, to look at. */
#include "cli/rules.h"
#include "policy/normal.h"

struct compile {
	struct cli_list paths, join;
	bool print, stats;
	const char *out;
};

static const char *const elements[] = { "principal", "action", "resource" };

/* `--join principal` and so on, as bits. */
static bool
read_join(const struct cli_list *names, uint8_t *ret)
{
	for (size_t i = 0; i < names->n; i++) {
		uint8_t bit = 0;

		for (size_t k = 0; k < ARRAY_LEN(elements); k++)
			if (strcmp(names->items[i], elements[k]) == 0)
				bit = (uint8_t)(1u << k);
		if (!bit) {
			cli_errorf("--join: expected `principal`, `action` or "
				   "`resource`, found `%s`",
			    names->items[i]);
			return false;
		}
		*ret |= bit;
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
compile(struct policy_set *set, struct arena *a, const struct compile *c)
{
	struct normal_options options = NORMAL_DEFAULTS;
	const struct normal *n;
	struct error err = { 0 };

	if (!read_join(&c->join, &options.join) ||
	    !cli_policies_load(set, &c->paths))
		return false;
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
		{ "join", CLI_LIST, &c.join, false, "ELEMENT",
		    "join rules that differ in this element alone" },
		{ "out", CLI_TEXT, &c.out, false, "FILE",
		    "write an image (not supported yet)" },
	};
	const struct cli_usage usage = {
		.synopsis = "avow compile --policies PATH ... [--print] "
			    "[--stats] [--join ELEMENT]",
		.about = "Take policies apart into rules of one principal, "
			 "action and resource each, as decisions\nare made "
			 "from. Exit: 0 done, 1 errors.",
		.options = options,
		.n_options = ARRAY_LEN(options),
	};
	enum cli_exit code;

	if (cli_parse(&usage, argc, argv, &code)) {
		struct policy_set *set = policy_set_new(POLICY_NAMED);
		struct arena *a = arena_new(0);

		code = CLI_CANNOT_TELL;
		if (!set || !a)
			cli_errorf("memory ran out");
		else if (check_wanted(&c) && compile(set, a, &c))
			code = CLI_YES;
		arena_free(a);
		policy_set_free(set);
	}
	cli_list_free(&c.paths);
	cli_list_free(&c.join);
	return code;
}
