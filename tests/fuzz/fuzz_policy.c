/* fuzz_policy.c - policy text in both dialects: no input breaks the parser, an
 * error always has a place, what parses formats to what parses and formats to
 * itself, and whatever Cedar's dialect accepts ours accepts too. Behind many
 * empty lines, where policies like earlier ones are copied, it means the same.
 */
#include "policy/parse.h"
#include "tests/fuzz/fuzz.h"

static void
check_errors(struct str text, const struct errors *e)
{
	struct buf out = { 0 };

	must(e->n > 0);
	for (size_t i = 0; i < e->n; i++) {
		must(e->e[i].code != ERR_NONE);
		must(e->e[i].at.line > 0 && e->e[i].at.col > 0);
		error_print(&out, &e->e[i], text);
	}
	buf_free(&out);
}

static bool
try_format(struct str text, enum policy_dialect dialect)
{
	struct buf once = { 0 }, twice = { 0 };
	struct errors e = { 0 };
	bool ok = policy_format("f", text, dialect, &once, &e);

	if (!ok) {
		check_errors(text, &e);
	} else {
		must(e.n == 0);
		must(policy_format("f", buf_str(&once), dialect, &twice, &e));
		must(str_eq(buf_str(&once), buf_str(&twice)));
	}
	buf_free(&once);
	buf_free(&twice);
	return ok;
}

/* All instances can be asked for and printed. */
static void
try_set(struct str text, bool parses)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct errors e = { 0 };
	struct buf out = { 0 };
	bool ok = policy_set_add_text(set, "f", text, POLICY_AVOW, &e);

	must(ok == parses);
	ok = ok && policy_set_finish(set, &e);
	must(ok == (e.n == 0));
	for (uint32_t i = 0; ok && i < policy_set_count(set); i++) {
		must(policy_set_info(set, i).at.line > 0);
		policy_print(set, i, &out);
	}
	if (ok)
		policy_set_warnings(set, &e);
	policy_set_print_errors(set, &e, &out);
	buf_free(&out);
	policy_set_free(set);
}

static void
same_errors(const struct errors *x, const struct errors *y)
{
	must(x->n == y->n && x->dropped == y->dropped);
	for (size_t i = 0; i < x->n; i++)
		must(x->e[i].code == y->e[i].code &&
		     x->e[i].at.line + PARSE_SHAPES == y->e[i].at.line &&
		     x->e[i].at.col == y->e[i].at.col);
}

static void
same_trees(const struct ast *x, const struct ast *y)
{
	struct buf a = { 0 }, b = { 0 };

	must(x->n_nodes == y->n_nodes && x->n_policies == y->n_policies &&
	     x->n_kids == y->n_kids && x->n_comments == y->n_comments);
	for (uint32_t i = 1; i < x->n_nodes; i++)
		must(x->nodes[i].kind == y->nodes[i].kind &&
		     x->nodes[i].off + PARSE_SHAPES == y->nodes[i].off &&
		     ast_len(x, &x->nodes[i]) == ast_len(y, &y->nodes[i]));
	for (uint32_t i = 0; i < x->n_policies; i++) {
		must(x->policies[i].off + PARSE_SHAPES == y->policies[i].off &&
		     x->policies[i].has_error == y->policies[i].has_error);
		if (x->policies[i].has_error)
			continue;
		must(x->policies[i].len == y->policies[i].len);
		print_policy(x, i, &a);
		print_policy(y, i, &b);
	}
	must(str_eq(buf_str(&a), buf_str(&b)));
	buf_free(&a);
	buf_free(&b);
}

static void
try_copies(struct str text)
{
	struct arena *a = arena_new(0);
	char *p = arena_alloc(a, PARSE_SHAPES + text.n);
	struct str padded = { p, PARSE_SHAPES + text.n };
	struct source source, shifted;
	struct errors e[2] = { 0 };
	struct error no = { 0 };
	struct ast *x = NULL, *y = NULL;

	memset(p, '\n', PARSE_SHAPES);
	if (text.n)
		memcpy(p + PARSE_SHAPES, text.p, text.n);
	if (source_init(a, "f", text, &source, &no) &&
	    source_init(a, "f", padded, &shifted, &no)) {
		must(parse_policies(a, &source, POLICY_AVOW, &x, &e[0]) ==
		     parse_policies(a, &shifted, POLICY_AVOW, &y, &e[1]));
		same_errors(&e[0], &e[1]);
		same_trees(x, y);
	}
	arena_free(a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	bool cedar = try_format(text, POLICY_CEDAR);
	bool avow = try_format(text, POLICY_AVOW);

	must(avow || !cedar);
	try_set(text, avow);
	try_copies(text);
	return 0;
}
