/* test_facts.c - what is known of an expression before it is evaluated: whether
 * it can err, its kinds, its constant, what it reads and with which guard. */
#include "policy/facts.h"

#include "policy/set.h"
#include "tests/lib/run.h"

static struct arena *a;
static struct intern *paths;

static void
setup(void)
{
	a = arena_new(0);
	paths = facts_paths_new(a);
}

static void
teardown(void)
{
	arena_free(a);
}

static const struct ast *
parse(const char *text)
{
	struct errors errors = { 0 };
	struct error err = { 0 };
	struct source source;
	struct ast *t = NULL;

	ck_assert(source_init(a, "t.avow", str_of(text), &source, &err));
	ck_assert_msg(parse_policies(a, &source, POLICY_AVOW, &t, &errors),
	    "%s: %s", text, errors.e[0].msg);
	return t;
}

static void
show_path(struct buf *out, uint32_t path)
{
	struct str name;
	uint32_t up;

	if (facts_path_up(paths, path, &up, &name)) {
		show_path(out, up);
		buf_printf(out, ".%.*s", STR_ARG(name));
	} else {
		buf_addz(out, ast_var_name((enum ast_var)path));
	}
}

/* `context.a:long principal.b`, sorted by path. */
static void
show_reads(struct buf *out, const struct facts_table *t, struct facts_list l)
{
	for (uint32_t i = 0; i < l.n; i++) {
		struct normal_read r = t->lists[l.at + i];

		buf_addz(out, i ? " " : "");
		show_path(out, r.path);
		for (unsigned k = VALUE_BOOL;
		     k <= VALUE_RPMVERSION && r.kinds != FACTS_ANY; k++)
			if (r.kinds & FACTS_KIND(k))
				buf_printf(out, ":%s",
				    value_kind_name((enum value_kind)k));
	}
	buf_byte(out, '\0');
}

/* `!`: can err even so; then the reads, or `always`, `never`, `error`. */
static const struct {
	const char *text, *want;
} cases[] = {
	{ "true", "always" },
	{ "(false)", "never" },
	{ "!false", "always" },
	{ "1 == 1", "always" },
	{ "1 != 1", "never" },
	{ "ip(\"10.0.0.1\") == ip(\"10.0.0.1/32\")", "always" },
	{ "false && context.x", "never" },
	{ "true && context.x", "context.x:bool" },
	{ "true || context.x", "always" },
	{ "principal == User::\"a\" && false", "never" },
	{ "context.x && false", "context.x:bool" },
	{ "5 && false", "!error" },
	{ "!5", "!error" },
	{ "1 < \"a\"", "!error" },
	{ "principal < 1", "!error" },
	{ "principal == User::\"a\"", "" },
	{ "principal in User::\"a\"", "" },
	{ "principal in [User::\"a\", User::\"b\"]", "" },
	{ "principal in [User::\"a\", 1]", "!error" },
	{ "principal in []", "never" },
	{ "context.g in []", "context.g:entity" },
	{ "principal in context.g", "context.g:entity" },
	{ "context.g in principal", "context.g:entity" },
	{ "principal in [context.g]", "context.g:entity" },
	{ "principal is User", "" },
	{ "principal is User in Group::\"g\"", "" },
	{ "principal is User in context.g", "context.g:entity" },
	{ "context.x", "context.x:bool" },
	{ "context.x == 1", "context.x" },
	{ "context.x == context.y.z", "context.x context.y.z" },
	{ "context.x < 5", "context.x:long" },
	{ "5 <= context.x", "context.x:long" },
	{ "context.x < context.y", "!context.x context.y" },
	{ "context.now < datetime(\"2024-01-01\")", "context.now:datetime" },
	{ "context.x + 1 == 2", "!context.x:long" },
	{ "-context.x == 2", "!context.x:long" },
	{ "context.s like \"a*\"", "context.s:string" },
	{ "context.s.contains(1)", "context.s:set" },
	{ "[1, 2].contains(context.x)", "context.x" },
	{ "context.s.containsAny([1])", "context.s:set" },
	{ "context.s.isEmpty()", "context.s:set" },
	{ "principal.hasTag(\"t\")", "" },
	{ "principal.hasTag(context.t)", "context.t:string" },
	{ "principal.getTag(\"t\") == 1", "!" },
	{ "context.ip.isInRange(ip(\"10.0.0.0/8\"))", "context.ip:ipaddr" },
	{ "context.ip.isInRange(ip(\"ten\"))", "!context.ip:ipaddr" },
	{ "context.d.lessThan(decimal(\"1.0\"))", "context.d:decimal" },
	{ "context.d.lessThan(version(\"1.0\"))", "context.d:version" },
	{ "context.d.lessThan(context.e)",
	    "!context.d:decimal:version:debversion:rpmversion "
	    "context.e:decimal:version:debversion:rpmversion" },
	{ "decimal(\"1.0\").lessThan(rpmversion(\"1.0\"))", "!error" },
	{ "context.s matches \"a\"", "!" },
	{ "context.s.anyLike(\"a\")", "!" },
	{ "context.now.toTime() < duration(\"1h\")", "context.now:datetime" },
	{ "context.now.toDate() == 1", "!" },
	{ "context has x", "" },
	{ "context has x.y", "context.x:entity:record" },
	{ "context.x has y", "context.x:entity:record" },
	{ "principal.getTag(\"t\") has y", "!" },
	{ "{a: 1} has a", "" },
	{ "{a: context.x} == 1", "context.x" },
	/* Guards. */
	{ "context has x && context.x == 1", "" },
	{ "context has x && context.x < 1", "context.x:long" },
	{ "context has x || context.x == 1", "context.x" },
	{ "!(context has x) || context.x == 1", "" },
	{ "!(!(context has x)) && context.x == 1", "" },
	{ "context has x.y && context.x.y == 1", "context.x:entity:record" },
	{ "context has x.y && context.x has z", "context.x:entity:record" },
	{ "context.x < 1 && context.x > -1", "context.x:long" },
	{ "context.x == 1 && context.x == 2", "context.x" },
	{ "context.x == 1 && context.x < 2", "context.x:long" },
	{ "context has x && context has y && context.y == context.x", "" },
	{ "(context has x || context has y) && context.y == 1", "context.y" },
	{ "if context has x then context.x == 1 else false", "" },
	{ "if context has x then true else context.x == 1", "context.x" },
	{ "if context.b then context.c else true",
	    "context.b:bool context.c:bool" },
	{ "if true then 1 else 2", "!" },
};

START_TEST(facts_are)
{
	const char *text = cases[_i].text;
	struct str policy = str_printf(
	    a, "permit (principal, action, resource) when { %s };", text);
	const struct ast *t = parse(policy.p);
	uint32_t node = t->nodes[t->kids[t->policies[0].first_cond]].a;
	static const char *const constants[] = { "", "always", "never",
		"error" };
	struct buf got = { 0 }, reads = { 0 };
	struct facts_table table;
	struct error err = { 0 };
	struct normal_read as_condition;
	const struct facts *f;

	ck_assert(facts_learn_policy(&table, a, paths, t, 0, &err));
	f = facts_of(&table, node);
	as_condition = (struct normal_read){ f->path, FACTS_KIND(VALUE_BOOL) };
	buf_addz(&got, f->is_clean ? "" : "!");
	buf_addz(&got, constants[f->outcome]);
	if (f->path != FACTS_NO_PATH) {
		show_path(&reads, as_condition.path);
		buf_addz(&reads, ":bool");
		buf_byte(&reads, '\0');
	} else if (f->outcome == FACTS_VARIES) {
		show_reads(&reads, &table, f->reads);
	}
	buf_addz(&got, reads.p ? reads.p : "");
	buf_byte(&got, '\0');
	ck_assert_msg(strcmp(got.p, cases[_i].want) == 0,
	    "%s: got \"%s\", want \"%s\"", text, got.p, cases[_i].want);
	buf_free(&got);
	buf_free(&reads);
}
END_TEST

START_TEST(scope_tests_are_total_but_for_contextual_patterns)
{
	const struct ast *t =
	    parse("permit (principal not in G::\"g\", action, "
		  "resource like Doc::\"${principal.owner}/*\");");
	const struct ast_policy *p = &t->policies[0];
	struct buf reads = { 0 };
	struct facts_table table;
	struct error err = { 0 };
	const struct facts *f;

	ck_assert(facts_learn_policy(&table, a, paths, t, 0, &err));
	f = facts_of(&table, t->kids[t->nodes[p->scope[VAR_PRINCIPAL]].a]);
	ck_assert(facts_is_total(f) && facts_is_boolean(f));
	f = facts_of(&table, t->kids[t->nodes[p->scope[VAR_RESOURCE]].a]);
	ck_assert(f->is_clean && !facts_is_total(f));
	ck_assert_uint_eq(f->sure.n, 0);
	show_reads(&reads, &table, f->reads);
	ck_assert_str_eq(reads.p, "principal.owner:string:entity");
	buf_free(&reads);
}
END_TEST

START_TEST(what_is_not_known_can_err)
{
	const struct ast *t = parse("permit (principal, action, resource) "
				    "when { true }; deny (principal, action, "
				    "resource) when { true };");
	uint32_t first = t->nodes[t->kids[t->policies[0].first_cond]].a;
	struct facts_table table;
	struct error err = { 0 };

	/* Nodes of another policy are outside. */
	ck_assert(facts_learn_policy(&table, a, paths, t, 1, &err));
	ck_assert(!facts_is_total(facts_of(&table, first)));
	ck_assert(!facts_is_boolean(facts_of(&table, 0)));
	ck_assert(facts_learn_policy(&table, a, paths, t, 0, &err));
	ck_assert(facts_is_total(facts_of(&table, first)));
}
END_TEST

START_TEST(too_many_reads_are_not_clean)
{
	struct buf text = { 0 };
	struct facts_table table;
	struct error err = { 0 };
	const struct ast *t;

	buf_addz(&text, "permit (principal, action, resource) when { true");
	for (unsigned i = 0; i <= FACTS_READS_MAX; i++)
		buf_printf(&text, " && context.a%u == 1", i);
	buf_addz(&text, " };");
	buf_byte(&text, '\0');
	t = parse(text.p);
	ck_assert(facts_learn_policy(&table, a, paths, t, 0, &err));
	ck_assert(
	    !facts_of(&table, t->nodes[t->kids[t->policies[0].first_cond]].a)
		 ->is_clean);
	buf_free(&text);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("policy/facts");
	TCase *tc = tcase_create("facts");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, facts_are, 0, ARRAY_LEN(cases));
	tcase_add_test(tc, scope_tests_are_total_but_for_contextual_patterns);
	tcase_add_test(tc, what_is_not_known_can_err);
	tcase_add_test(tc, too_many_reads_are_not_clean);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return run_suite(suite());
}
