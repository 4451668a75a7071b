/* test_assume.c - the world that policies name: who is there, who is above
 * whom, and that nothing else is known.
 */
#include "policy/policy.h"

#include "policy/value.h"
#include "tests/lib/run.h"

static struct policy_set *
set_of(const char *text)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct errors errors = { 0 };

	ck_assert_msg(
	    policy_set_add_text(set, "p", str_of(text), POLICY_AVOW, &errors) &&
		policy_set_finish(set, &errors),
	    "%s", errors.e[0].msg);
	return set;
}

static struct entities *
world(struct arena *a, const char *old, const char *new)
{
	struct policy_set *x = set_of(old), *y = set_of(new);
	const struct policy_set *const sets[] = { x, y };
	struct entities *layer = NULL;
	struct error err = { 0 };

	ck_assert_msg(
	    policy_set_assume(sets, 2, a, &layer, &err), "%s", err.msg);
	policy_set_free(x);
	policy_set_free(y);
	return layer;
}

static const struct entity *
entity_at(const struct entities *layer, size_t i, struct arena *a)
{
	const struct entity *e = NULL;
	struct error err = { 0 };

	ck_assert(
	    entities_find(layer, entities_uid_at(layer, i), a, &e, &err) && e);
	return e;
}

/* Each in its order, `<` and its parent. */
static void
show(const struct entities *layer, struct arena *a, struct buf *out)
{
	for (size_t i = 0; i < entities_count(layer); i++) {
		const struct entity *e = entity_at(layer, i, a);

		buf_addz(out, i ? " " : "");
		value_print_uid(out, e->uid);
		for (size_t k = 0; k < e->n_parents; k++) {
			buf_byte(out, '<');
			value_print_uid(out, e->parents[k]);
		}
	}
	buf_byte(out, '\0');
}

static const struct {
	const char *old, *new, *want;
} worlds[] = {
	{ "", "", "Any::\"(another)\" Action::\"(another)\"" },
	{ "permit (principal == U::\"a\", action == Action::\"r\", resource);",
	    "deny (principal, action, resource) when\n"
	    "{ principal != U::\"b\" && principal != U::\"a\" };",
	    "U::\"a\" U::\"b\" U::\"(another)\" Action::\"(another)\"" },
	{ "permit (principal like U::\"ci-*-x*\", action, resource);", "",
	    "U::\"ci--x\" U::\"(another)\" Action::\"(another)\"" },
	{ "permit (principal is U in G::\"g\", action in [Action::\"a\"],\n"
	  "resource is D);",
	    "",
	    "G::\"g\" G::\"(another)\" U::\"(another)\" D::\"(another)\"\n"
	    "Action::\"(another)\" U::\"(one in g)\"<G::\"g\"\n"
	    "D::\"(one in g)\"<G::\"g\"" },
};

START_TEST(there_is)
{
	struct arena *a = arena_new(0);
	struct entities *layer = world(a, worlds[_i].old, worlds[_i].new);
	struct buf text = { 0 };

	show(layer, a, &text);
	for (char *at = text.p; at && *at; at++)
		ck_assert_int_ne(*at, '\n');
	for (size_t i = 0; worlds[_i].want[i]; i++) {
		char c = worlds[_i].want[i];

		ck_assert_msg(text.p[i] == (c == '\n' ? ' ' : c),
		    "got `%s`, want `%s`", text.p, worlds[_i].want);
	}
	ck_assert_uint_eq(text.n, strlen(worlds[_i].want) + 1);
	buf_free(&text);
	arena_free(a);
}
END_TEST

START_TEST(nothing_is_known_of_attributes)
{
	static const char *const names[] = { "x", "y", "z", "t", "p" };
	struct arena *a = arena_new(0);
	struct entities *layer = world(a,
	    "permit (principal like U::\"${resource.p}\", action, resource)\n"
	    "when { principal.x.y == 1 && resource has z };",
	    "deny (principal, action, resource)\n"
	    "when { resource.getTag(\"t\") == 2 };");

	for (size_t i = 0; i < entities_count(layer); i++) {
		const struct entity *e = entity_at(layer, i, a);

		for (size_t k = 0; k < ARRAY_LEN(names); k++) {
			struct str name = str_of(names[k]);
			const struct value *v = value_get(&e->attrs, name);
			const struct value *t = value_get(&e->tags, name);

			ck_assert_ptr_nonnull(v);
			ck_assert_ptr_nonnull(t);
			ck_assert_int_eq(v->kind, VALUE_UNKNOWN);
			ck_assert_int_eq(t->kind, VALUE_UNKNOWN);
		}
	}
	arena_free(a);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("assume");
	TCase *tc = tcase_create("assume");

	tcase_add_loop_test(tc, there_is, 0, (int)ARRAY_LEN(worlds));
	tcase_add_test(tc, nothing_is_known_of_attributes);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
