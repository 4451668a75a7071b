/* test_edit.c - what of a changed file stays, and what is parsed anew. */
#include "tests/lib/run.h"

#include "policy/set.h"

static struct policy_set *was, *changed;

static void
setup(void)
{
	was = policy_set_new(POLICY_NAMED);
	changed = policy_set_new(POLICY_NAMED);
	ck_assert(was && changed);
}

static void
teardown(void)
{
	policy_set_free(changed);
	policy_set_free(was);
}

#define A "permit (principal == U::\"a\", action, resource);"
#define B "permit (principal == U::\"b\", action, resource);"
#define C "deny (principal == U::\"c\", action, resource);"
#define D "deny (principal == U::\"d\", action, resource);"
#define BROKEN "permit (principal == , action, resource);"
#define TEMPLATE "permit (principal == ?principal, action, resource);"
#define SET "indivisible action [Action::\"x\", Action::\"y\"];"

/* `picks`: `keep FIRST+N@LINE` by line shift, `new N@LINE`, `whole`. */
/* clang-format off */
static const struct {
	const char *note, *before, *after, *picks;
} cases[] = {
	{ "one is another", A "\n" B "\n" C "\n", A "\n" D "\n" C "\n", "keep 0+1@0, new 1@0, keep 2+1@0" },
	{ "one comes", A "\n" B "\n", A "\n" C "\n" B "\n", "keep 0+1@0, new 1@0, keep 1+1@1" },
	{ "one comes first", A "\n" B "\n", C "\n" A "\n" B "\n", "new 2@0, keep 1+1@1" },
	{ "one comes last", A "\n" B "\n", A "\n" B "\n" C "\n", "keep 0+2@0, new 1@1" },
	{ "one goes", A "\n" B "\n" C "\n", A "\n" C "\n", "keep 0+1@0, keep 2+1@-1" },
	{ "the first goes", A "\n" B "\n" C "\n", B "\n" C "\n", "new 1@0, keep 2+1@-1" },
	{ "the last goes", A "\n" B "\n" C "\n", A "\n" B "\n", "keep 0+2@0, new 0@1" },
	{ "all go", A "\n" B "\n", "// nothing\n", "new 0@0" },
	{ "one moves", A "\n" B "\n" C "\n" D "\n", A "\n" C "\n" B "\n" D "\n", "keep 0+1@0, keep 2+1@-1, new 1@1, keep 3+1@0" },
	{ "one stands twice", A "\n" B "\n" C "\n", A "\n" B "\n" B "\n" C "\n", "keep 0+2@0, new 1@1, keep 2+1@1" },
	{ "two places", A "\n" B "\n" C "\n" D "\n" A "\n", A "\n" C "\n" C "\n" D "\n" B "\n", "keep 0+1@0, keep 2+1@-1, new 1@1, keep 3+1@0, new 1@3" },
	{ "a comment comes above", A "\n" B "\n" C "\n", A "\n// b;\n" B "\n" C "\n", "keep 0+1@0, new 1@0, keep 2+1@1" },
	{ "a comment comes behind", A "\n" B "\n" C "\n", A " // a;\n" B "\n" C "\n", "keep 0+1@0, new 1@0, keep 2+1@0" },
	{ "a semicolon in a string", "@n(\";\n;\\\";\")\n" A "\n" B "\n" C "\n", "@n(\";\n;\\\";\")\n" A "\n" C "\n" C "\n", "keep 0+1@0, keep 2+1@-1, new 1@3" },
	{ "a line of two", A "\n" B " " C "\n" D "\n", A "\n" C " " C "\n" D "\n", "keep 0+1@0, new 2@0, keep 3+1@0" },
	{ "the second of a line", A "\n" B " " C "\n" D "\n", A "\n" B " " D "\n" D "\n", "keep 0+2@0, new 1@1, keep 3+1@0" },
	{ "one goes from a line", A "\n" B " " C "\n" D "\n", A "\n" C "\n" D "\n", "keep 0+1@0, new 1@0, keep 3+1@0" },
	{ "letters beyond ASCII", A "\n// \xc3\xa9\n" B "\n" C "\n", A "\n// \xc3\xa8\n" B "\n" C "\n", "keep 0+1@0, new 1@0, keep 2+1@0" },
	{ "no end of line", A "\n" B, A "\n" C, "keep 0+1@0, new 1@0" },
	{ "a template stays", TEMPLATE "\n" A "\n", TEMPLATE "\n" B "\n", "whole" },
	{ "a set stays", SET "\n" A "\n", SET "\n" B "\n", "whole" },
	{ "a number in an id", "@id(\"b#0\") " A "\n" B "\n", "@id(\"b#0\") " A "\n" C "\n", "whole" },
	{ "not UTF-8", A "\n" B "\n", A "\n// \xc3\n" B "\n", "refused" },
	{ "half a letter stays", A "\n// \xc3\xa9\n" B "\n", A "\n// \xc3\n" B "\n", "refused" },
	{ "an error", A "\n" B "\n" C "\n", A "\n" BROKEN "\n" C "\n", "refused" },
	{ "no semicolon", A "\n" B "\n" C "\n", A "\npermit (principal, action, resource)\n" C "\n", "refused" },
	{ "too many", A "\n", B "\n" B "\n" B "\n" B "\n" B "\n" B "\n" B "\n" B "\n" B "\n", "refused" },
};
/* clang-format on */

static void
add(const char *text)
{
	struct errors errors = { 0 };

	ck_assert_msg(policy_set_add_text(
			  was, "a.avow", str_of(text), POLICY_AVOW, &errors) &&
			  policy_set_finish(was, &errors),
	    "%s", errors.e[0].msg);
}

static void
describe(struct buf *out, const struct policy_pick *picks, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct policy_pick *p = &picks[i];

		buf_addz(out, i ? ", " : "");
		if (!p->is_part)
			buf_addz(out, "whole");
		else if (p->is_changed)
			buf_printf(out, "new %u@%d", p->n, (int)p->line_shift);
		else
			buf_printf(out, "keep %u+%u@%d", p->first, p->n,
			    (int)p->line_shift);
	}
	buf_byte(out, '\0');
}

START_TEST(takes_apart)
{
	const struct policy_pick *picks;
	struct errors errors = { 0 };
	struct buf got = { 0 };
	size_t n;

	add(cases[_i].before);
	if (policy_set_add_changes(changed, was, 0, "a.avow",
		str_of(cases[_i].after), 8, &picks, &n, &errors))
		describe(&got, picks, n);
	else
		buf_add(&got, (struct str){ "refused", 8 });
	ck_assert_msg(strcmp(got.p, cases[_i].picks) == 0,
	    "%s: want %s, got %s", cases[_i].note, cases[_i].picks, got.p);
	ck_assert((errors.n > 0) == (strcmp(got.p, "refused") == 0));
	buf_free(&got);
}
END_TEST

/* The parts, one behind the other, are the text. */
START_TEST(leaves_nothing_out)
{
	const struct policy_pick *picks;
	struct errors errors = { 0 };
	struct str before = str_of(cases[_i].before),
		   after = str_of(cases[_i].after);
	struct buf all = { 0 };
	size_t n;

	add(cases[_i].before);
	if (!policy_set_add_changes(
		changed, was, 0, "a.avow", after, 8, &picks, &n, &errors) ||
	    !picks[0].is_part)
		return;
	for (size_t i = 0; i < n; i++)
		buf_add(&all, str_sub(picks[i].is_changed ? after : before,
				  picks[i].from, picks[i].to));
	ck_assert_msg(str_eq(buf_str(&all), after), "%s", cases[_i].note);
	buf_free(&all);
}
END_TEST

/* What was parsed has its places in the whole text. */
START_TEST(tells_places)
{
	const struct policy_pick *picks;
	struct errors errors = { 0 };
	struct policy_info info;
	size_t n;

	add(A "\n" B "\n" C "\n");
	ck_assert(policy_set_add_changes(changed, was, 0, "a.avow",
		      STR(A "\n\n" B "\n \xc3\xa9x;\n"), 8, &picks, &n,
		      &errors) == false);
	ck_assert_uint_eq(errors.e[0].at.line, 4);
	ck_assert_uint_eq(errors.e[0].at.col, 2);
	policy_set_free(changed);
	changed = policy_set_new(POLICY_NAMED);
	errors = (struct errors){ 0 };
	ck_assert(policy_set_add_changes(changed, was, 0, "a.avow",
	    STR(A "\n" B "\n\n  " D "\n" C "\n"), 8, &picks, &n, &errors));
	ck_assert(policy_set_finish(changed, &errors));
	ck_assert_uint_eq(policy_set_count(changed), 1);
	info = policy_set_info(changed, 0);
	ck_assert(str_eq(info.id, STR("a.avow#2")));
	ck_assert_uint_eq(info.at.line, 4);
	ck_assert_uint_eq(info.at.col, 3);
}
END_TEST

/* The digest is the text's, of however many pieces it is. */
START_TEST(has_the_digest_of_the_text)
{
	const struct policy_pick *picks;
	struct policy_set *whole = policy_set_new(POLICY_NAMED);
	struct errors errors = { 0 };
	struct buf before = { 0 }, after = { 0 };
	size_t n;

	for (unsigned i = 0; i < 2000; i++) {
		buf_printf(&before, "@id(\"p%u\") " A "\n", i);
		if (i != 700)
			buf_printf(&after, "@id(\"p%u\") %s\n", i,
			    i % 999 == 1 ? B : A);
	}
	ck_assert(buf_ok(&before) && buf_ok(&after));
	add(before.p);
	ck_assert(policy_set_add_changes(changed, was, 0, "a.avow",
	    buf_str(&after), 8, &picks, &n, &errors));
	ck_assert(
	    policy_set_add_file(whole, "a.avow", buf_str(&after), &errors) &&
	    policy_set_finish(whole, &errors));
	ck_assert(picks[0].is_part);
	ck_assert_mem_eq(picks[0].digest, whole->digests[0], 32);
	buf_free(&before);
	buf_free(&after);
	policy_set_free(whole);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("edit");
	TCase *tc = tcase_create("edit");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, takes_apart, 0, ARRAY_LEN(cases));
	tcase_add_loop_test(tc, leaves_nothing_out, 0, ARRAY_LEN(cases));
	tcase_add_test(tc, tells_places);
	tcase_add_test(tc, has_the_digest_of_the_text);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
