/* test_parse_shape.c - policies that are copied from earlier ones are what the
 * parser makes of them. A text is parsed twice: as it is, which is too small
 * for copies, and behind so many empty lines that it is not. */
#include "policy/parse.h"

#include <stdlib.h>

#include "base/limits.h"
#include "tests/lib/run.h"

#define PAD PARSE_SHAPES
#define TWICE(policy) policy "\n" policy "\n"

/* clang-format off */
static const struct { const char *note; struct str text; } cases[] = {
	{ "ids", STR_INIT(
	    "permit (principal in G::\"a\", action == Action::\"x\", resource in T::\"t1\");\n"
	    "permit (principal in G::\"longer\", action == Action::\"\", resource in T::\"t\");\n"
	    "permit (principal in G::\"ä\", action == Action::\"x//;\", resource in T::\"});\");") },
	{ "conditions", STR_INIT(
	    "deny (principal, action, resource) when { resource.level <= 7 && principal.dept == \"d41\" } unless { context has a.b };\n"
	    "deny (principal, action, resource) when { resource.level <= 123456789012345678 && principal.dept == \"\" } unless { context has a.b };\n"
	    "deny (principal, action, resource) when { resource.level <= 0 && principal.dept == \"d4\" } unless { context has a.b };\n"
	    "deny (principal, action, resource) when { resource.level <= 0 && principal.dept == \"d4\" } unless { context has a.c };") },
	{ "lists, choices, methods", STR_INIT(
	    "permit (principal is [A, B], action in [Action::\"a\", Action::\"b\"], resource is not T) when { if principal.a == 1 then [\"x\", \"y\"].contains(context.z) else !(principal is U in G::\"g\") };\n"
	    "permit (principal is [A, B], action in [Action::\"aa\", Action::\"\"], resource is not T) when { if principal.a == 100 then [\"xx\", \"\"].contains(context.z) else !(principal is U in G::\"ggg\") };\n") },
	{ "an escape", STR_INIT(
	    "permit (principal == U::\"a\", action, resource);\n"
	    "permit (principal == U::\"a\\\"b\", action, resource);\n"
	    "permit (principal == U::\"\\u{41}\", action, resource);\n"
	    "permit (principal == U::\"a\\\\\", action, resource);\n") },
	{ "line ends in strings", STR_INIT(
	    "permit (principal == U::\"a\", action, resource);\n"
	    "permit (principal == U::\"a\nb\", action, resource);\n"
	    "permit (principal == U::\"a\rb\", action, resource);\n") },
	{ "numbers that do not fit", STR_INIT(
	    "permit (principal, action, resource) when { context.a == 1 };\n"
	    "permit (principal, action, resource) when { context.a == 1234567890123456789 };\n"
	    "permit (principal, action, resource) when { context.a == 9223372036854775808 };\n"
	    "permit (principal, action, resource) when { context.a == 2 };\n") },
	{ "numbers below zero", STR_INIT(
	    "permit (principal, action, resource) when { context.a == -1 };\n"
	    "permit (principal, action, resource) when { context.a == -22 };\n"
	    "permit (principal, action, resource) when { context.a == -9223372036854775808 };\n"
	    "permit (principal, action, resource) when { context.a == - 22 };\n") },
	{ "digits of names", STR_INIT(
	    "permit (principal, action, resource) when { context.a1 == 1 };\n"
	    "permit (principal, action, resource) when { context.a12 == 1 };\n"
	    "permit (principal, action, resource) when { context.a1 == 12 };\n"
	    "permit (principal, action, resource) when { context.a1 == 1a };\n") },
	{ "names in quotes", STR_INIT(
	    "permit (principal, action, resource) when { context[\"a\"] == 1 && context has \"b\" };\n"
	    "permit (principal, action, resource) when { context[\"aa\"] == 2 && context has \"c\" };\n") },
	{ "fields that stand twice", STR_INIT(
	    "permit (principal, action, resource) when { {\"a\": 1, \"b\": 2} == context };\n"
	    "permit (principal, action, resource) when { {\"a\": 1, \"a\": 2} == context };\n") },
	{ "patterns", STR_INIT(
	    "permit (principal, action, resource like T::\"a*\") when { context.a like \"b*\" };\n"
	    "permit (principal, action, resource like T::\"*aa\") when { context.a like \"*b*\" };\n"
	    "permit (principal, action, resource) when { context.a matches \"b+\" };\n"
	    "permit (principal, action, resource) when { context.a matches \"b(\" };\n") },
	{ "functions", STR_INIT(
	    "permit (principal, action, resource) when { ip(\"1.2.3.4\").isIpv4() };\n"
	    "permit (principal, action, resource) when { ip(\"1.2.3.400\").isIpv4() };\n") },
	{ "annotations", STR_INIT(
	    "@id(\"a\") permit (principal, action, resource);\n"
	    "@id(\"b\") permit (principal, action, resource);\n"
	    "permit (principal, action, resource);\n"
	    "permit (principal, action, resource);\n") },
	{ "slots", STR_INIT(TWICE("permit (principal == ?principal, action, resource);")) },
	{ "comments", STR_INIT(
	    TWICE("permit (principal, action, // all\n resource);")
	    TWICE("// one\npermit (principal, action, resource); // two")) },
	{ "another spacing", STR_INIT(
	    "permit(principal == U::\"a\",action,resource);\n"
	    "permit(principal ==  U::\"b\",action,resource);\n"
	    "permit(principal == U:: \"b\",action,resource);\n"
	    "permit(principal == U::\"b\",action,resource) ;\n"
	    "permit(principal == U::\"b\",action,resource);") },
	{ "parts missing", STR_INIT(
	    "permit (principal == U::\"a\", action, resource);\n"
	    "permit (principal == U::\"b, action, resource);\n"
	    "permit (principal == U::\"c\", action, resource);\n"
	    "permit (principal == U::\"d\", action, resource)") },
	{ "the last is cut off in a string", STR_INIT(
	    "permit (principal == U::\"a\", action, resource);\n"
	    "permit (principal == U::\"b") },
	{ "errors twice", STR_INIT(
	    TWICE("permit (principal == U::\"a\", actions, resource);")
	    TWICE("permit (principal, action, resource) when { a };")) },
	{ "after a broken one", STR_INIT(
	    "permit (principal == U::\"a\", action, resource);\n"
	    "permit (principal == U::\"a\", resource) when { ( };\n"
	    "permit (principal == U::\"b\", action, resource);\n") },
	{ "declarations between", STR_INIT(
	    "indivisible action [Action::\"a\", Action::\"b\"];\n"
	    "permit (principal == U::\"a\", action in [Action::\"a\", Action::\"b\"], resource);\n"
	    "indivisible action [Action::\"c\", Action::\"d\"];\n"
	    "permit (principal == U::\"b\", action in [Action::\"c\", Action::\"d\"], resource);\n") },
};
/* clang-format on */

struct parsed {
	struct source source;
	struct ast *tree;
	struct errors errors;
	bool ok;
};

static void
parse(struct arena *a, struct str text, enum policy_dialect dialect,
    struct parsed *ret)
{
	struct error e = { 0 };

	*ret = (struct parsed){ 0 };
	ck_assert(source_init(a, "t", text, &ret->source, &e));
	ret->ok =
	    parse_policies(a, &ret->source, dialect, &ret->tree, &ret->errors);
	ck_assert_ptr_nonnull(ret->tree);
}

static struct str
padded(struct arena *a, struct str text)
{
	char *p = arena_alloc(a, PAD + text.n);

	ck_assert_ptr_nonnull(p);
	memset(p, '\n', PAD);
	memcpy(p + PAD, text.p, text.n);
	return (struct str){ p, PAD + text.n };
}

static void
check_errors(const struct errors *x, const struct errors *y)
{
	ck_assert_uint_eq(x->n, y->n);
	for (size_t i = 0; i < x->n; i++) {
		ck_assert_uint_eq(x->e[i].code, y->e[i].code);
		ck_assert_uint_eq(x->e[i].at.line + PAD, y->e[i].at.line);
		ck_assert_uint_eq(x->e[i].at.col, y->e[i].at.col);
		ck_assert_uint_eq(x->e[i].at.len, y->e[i].at.len);
	}
}

/* Nodes are numbered as they are made: the same in both. */
static void
check_nodes(const struct ast *x, const struct ast *y)
{
	ck_assert_uint_eq(x->n_nodes, y->n_nodes);
	for (uint32_t i = 1; i < x->n_nodes; i++) {
		const struct ast_node *a = &x->nodes[i], *b = &y->nodes[i];

		ck_assert_msg(a->kind == b->kind && a->op == b->op &&
				  a->negated == b->negated &&
				  a->written == b->written,
		    "node %u", i);
		ck_assert_uint_eq(a->off + PAD, b->off);
		ck_assert_uint_eq(ast_len(x, a), ast_len(y, b));
	}
	ck_assert_uint_eq(x->n_kids, y->n_kids);
	ck_assert_uint_eq(x->n_lengths, y->n_lengths);
	ck_assert_uint_eq(x->n_longs, y->n_longs);
	ck_assert_uint_eq(x->n_parts, y->n_parts);
	ck_assert_uint_eq(x->n_regexes, y->n_regexes);
	ck_assert_uint_eq(x->n_annotations, y->n_annotations);
	ck_assert_uint_eq(x->n_comments, y->n_comments);
	ck_assert_uint_eq(x->n_indivisibles, y->n_indivisibles);
}

static void
check_policies(const struct ast *x, const struct ast *y, bool ok)
{
	struct buf a = { 0 }, b = { 0 };

	ck_assert_uint_eq(x->n_policies, y->n_policies);
	for (uint32_t i = 0; i < x->n_policies; i++) {
		const struct ast_policy *p = &x->policies[i],
					*q = &y->policies[i];

		ck_assert_uint_eq(p->off + PAD, q->off);
		if (!p->has_error)
			ck_assert_uint_eq(p->len, q->len);
		ck_assert_uint_eq(p->head_off + PAD, q->head_off);
		ck_assert_uint_eq(p->head_len, q->head_len);
		ck_assert_uint_eq(p->first_node, q->first_node);
		ck_assert_uint_eq(p->first_annotation, q->first_annotation);
		ck_assert_uint_eq(p->has_error, q->has_error);
		ck_assert_uint_eq(p->has_slots, q->has_slots);
		if (ok) {
			print_policy(x, i, &a);
			print_policy(y, i, &b);
		}
	}
	ck_assert(str_eq(buf_str(&a), buf_str(&b)));
	buf_free(&a);
	buf_free(&b);
}

static void
check(struct str text)
{
	struct arena *a = arena_new(0);
	struct parsed x, y;

	for (unsigned d = 0; d < 2; d++) {
		enum policy_dialect dialect = d ? POLICY_CEDAR : POLICY_AVOW;

		parse(a, text, dialect, &x);
		parse(a, padded(a, text), dialect, &y);
		ck_assert_uint_eq(x.ok, y.ok);
		check_errors(&x.errors, &y.errors);
		check_nodes(x.tree, y.tree);
		check_policies(x.tree, y.tree, x.ok);
	}
	arena_free(a);
}

START_TEST(copies_are_what_is_parsed)
{
	check(cases[_i].text);
}
END_TEST

/* More shapes than are kept, each for some policies, forth and back. */
START_TEST(shapes_come_and_go)
{
	struct buf text = { 0 };

	for (unsigned i = 0; i < 200; i++) {
		unsigned names = i / 7 % 20;

		buf_printf(&text, "permit (principal, action, resource)");
		for (unsigned k = 0; k <= names; k++)
			buf_printf(
			    &text, " when { context.a%u == \"%u\" }", k, i * i);
		buf_addz(&text, ";\n");
		if (text.n > PAD - 1000)
			break;
	}
	check(buf_str(&text));
	buf_free(&text);
}
END_TEST

/* A copy may be longer than its shape, and than a node knows by itself. */
START_TEST(copies_grow)
{
	static const char policy[] =
	    "permit (principal == U::\"%0*d\", action, resource);\n";

	/* The policy, and the string, are as long as can be, or longer. */
	int most = (int)AST_MANY, rest = (int)sizeof policy - 7;
	const int lengths[] = { most - rest - 2, most - rest - 1, most - rest,
		most - 3, most - 2, most };

	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		int n = lengths[i];
		struct buf text = { 0 };

		buf_printf(&text, policy, 5, 1);
		buf_printf(&text, policy, n, 2);
		buf_printf(&text, policy, 7, 3);
		ck_assert_uint_lt(text.n, PAD);
		check(buf_str(&text));
		buf_free(&text);
	}
}
END_TEST

/* What a copy costs in memory is what the parser's tree does, and strings that
 * come again are kept once. */
START_TEST(strings_are_kept_once)
{
	struct arena *a = arena_new(0);
	struct buf text = { 0 };
	struct parsed x;

	while (text.n < PAD)
		buf_addz(&text, "permit (principal == U::\"a\", action, "
				"resource) when { context.b == \"c\" };\n");
	parse(a, buf_str(&text), POLICY_AVOW, &x);
	ck_assert(x.ok);
	ck_assert_uint_eq(x.tree->n_strings, 4);
	buf_free(&text);
	arena_free(a);
}
END_TEST

START_TEST(long_strings_are_refused)
{
	static const char before[] =
	    "permit (principal == U::\"a\", action, resource);\n"
	    "permit (principal == U::\"";
	static const size_t lengths[] = { LIMIT_STRING_BYTES - 2,
		LIMIT_STRING_BYTES - 1 };

	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		struct arena *a = arena_new(0);
		char *id = arena_alloc(a, lengths[i]);
		struct buf text = { 0 };
		struct parsed x;

		ck_assert_ptr_nonnull(id);
		memset(id, 'x', lengths[i]);
		buf_addz(&text, before);
		buf_add(&text, (struct str){ id, lengths[i] });
		buf_addz(&text, "\", action, resource);\n");
		parse(a, buf_str(&text), POLICY_AVOW, &x);
		ck_assert_int_eq(x.ok, i == 0);
		ck_assert_uint_eq(x.errors.n, i);
		if (i)
			ck_assert_int_eq(x.errors.e[0].code, ERR_LIMIT_SIZE);
		buf_free(&text);
		arena_free(a);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("parse_shape");
	TCase *tc = tcase_create("parse_shape");

	tcase_add_loop_test(tc, copies_are_what_is_parsed, 0, ARRAY_LEN(cases));
	tcase_add_test(tc, shapes_come_and_go);
	tcase_add_test(tc, copies_grow);
	tcase_add_test(tc, strings_are_kept_once);
	tcase_add_test(tc, long_strings_are_refused);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
