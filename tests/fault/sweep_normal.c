/* sweep_normal.c - the normal form, and what lint makes of it, with each
 * allocation failing in turn: the same rules and findings, or limit.memory;
 * never a form that lacks one. */
#include "tests/fault/wrap.h"

#include "policy/normal.h"
#include "tests/lib/run.h"

static const char text[] =
    "indivisible action [Action::\"r\", Action::\"w\"];\n"
    "permit (principal in [G::\"a\", G::\"b\"], action in [Action::\"r\", "
    "Action::\"w\"], resource) when { context.x == 1 || context.y == 2 };\n"
    "permit (principal in G::\"a\", action in Action::\"r\", resource);\n"
    "permit (principal in G::\"a\", action in Action::\"w\", resource);\n"
    "permit (principal in G::\"a\", action in Action::\"w\", resource is D);\n"
    "deny (principal, action, resource like D::\"a/${context.o.p}\") unless { "
    "if context has x.y then [1, 2].contains(context.x.y) else principal == "
    "U::\"a\" };\n"
    "deny (principal, action, resource) when { principal == U::\"c\" || "
    "U::\"d\" == principal };";

static const struct policy_set *set;
static struct buf want;

static bool
make_form(void *ctx)
{
	struct normal_options options = NORMAL_DEFAULTS;
	struct arena *a = arena_new(0);
	const struct normal *n = NULL;
	struct error err = { 0 };
	struct buf out = { 0 };
	bool ok;

	if (!a)
		return false;
	options.threads = *(const uint32_t *)ctx;
	options.granularity[0] = GRAIN_ALL;
	options.notes = true;
	ok = normal_make(a, set, &options, &n, &err);
	if (!ok)
		ck_assert_int_eq(err.code, ERR_LIMIT_MEMORY);
	if (ok)
		normal_print(n, &out);
	ok = ok && buf_ok(&out);
	if (ok && !want.n)
		buf_add(&want, buf_str(&out));
	/* Notes may be lost, rules may not. */
	if (ok)
		ck_assert_msg(str_eq(buf_str(&out), buf_str(&want)),
		    "got:\n%s\nwant:\n%s", out.p, want.p);
	buf_free(&out);
	arena_free(a);
	return ok;
}

/* By one thread, and by three. */
START_TEST(rules_or_nothing)
{
	uint32_t threads = _i ? 3 : 1;
	struct policy_set *loaded = policy_set_new(POLICY_BY_POSITION);
	struct errors e = { 0 };

	ck_assert(
	    policy_set_add_text(loaded, "t", str_of(text), POLICY_AVOW, &e));
	ck_assert(policy_set_finish(loaded, &e));
	set = loaded;
	ck_assert(make_form(&threads));
	ck_assert_uint_gt(want.n, 0);
	fault_sweep("normal form", make_form, &threads);
	buf_free(&want);
	policy_set_free(loaded);
}
END_TEST

/* Permits that one deny, two, and one a member beat, and one that none does. */
static const char beaten[] =
    "indivisible principal [U::\"a\", U::\"b\"];\n"
    "permit (principal == U::\"u\", action, resource) when { principal in "
    "G::\"g\" };\n"
    "permit (principal in [U::\"a\", U::\"b\"], action, resource) when { "
    "principal in G::\"h\" };\n"
    "permit (principal == U::\"v\", action, resource) when { principal in "
    "G::\"i\" };\n"
    "permit (principal == U::\"v\", action, resource);\n"
    "deny (principal is U in G::\"g\", action, resource);\n"
    "deny (principal in U::\"a\", action, resource);\n"
    "deny (principal in U::\"b\", action, resource);\n"
    "deny (principal in G::\"i\", action, resource) when { context has x "
    "};\n"
    "deny (principal in G::\"i\", action, resource) unless { context has x "
    "};";

static bool
lint_all(void *ctx)
{
	struct arena *a = arena_new(0);
	struct policy_lint found = { 0 };
	struct error err = { 0 };
	bool ok;

	(void)ctx;
	if (!a)
		return false;
	ok = policy_set_lint(set, a, &found, &err);
	if (!ok)
		ck_assert_int_eq(err.code, ERR_LIMIT_MEMORY);
	if (ok)
		ck_assert_uint_eq(found.n, 3);
	for (size_t i = 0; ok && i < found.n; i++) {
		ck_assert_int_eq(found.items[i].code, ERR_LINT_DENIED);
		ck_assert_uint_eq(found.items[i].at.line, i + 2);
	}
	arena_free(a);
	return ok;
}

START_TEST(findings_or_none)
{
	struct policy_set *loaded = policy_set_new(POLICY_BY_POSITION);
	struct errors e = { 0 };

	ck_assert(
	    policy_set_add_text(loaded, "t", str_of(beaten), POLICY_AVOW, &e));
	ck_assert(policy_set_finish(loaded, &e));
	set = loaded;
	ck_assert(lint_all(NULL));
	fault_sweep("lint", lint_all, NULL);
	policy_set_free(loaded);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("fault/normal");
	TCase *tc = tcase_create("sweep");

	tcase_add_loop_test(tc, rules_or_nothing, 0, 2);
	tcase_add_test(tc, findings_or_none);
	suite_add_tcase(s, tc);
	return s;
}

int
main(void)
{
	return run_suite(suite());
}
