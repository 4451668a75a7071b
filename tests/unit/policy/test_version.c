/* test_version.c - each order of versions is a total order: for texts drawn
 * from the pieces that make a difference, alike in every run. That the orders
 * are their makers' is tested against these: tests/e2e/versions.sh. What is
 * read and what is refused: test_ext.c. */
#include "policy/version.h"

#include <stdio.h>

#include "base/limits.h"
#include "tests/lib/run.h"

#define TEXTS 120u

static const struct {
	enum value_kind kind;
	const char *first; /* what every text begins with */
	const char *pieces[24];
} orders[] = {
	{ VALUE_VERSION, "1",
	    { ".0", ".1", ".10", ".2", "-a", "-1", "-0", ".a", "-10", ".b",
		"+x", "-a-b", ".00", "18446744073709551615" } },
	{ VALUE_DEBVERSION, "1",
	    { ".", "0", "~", "+", "-", "a", "Z", "1", "00", "~~", "-1", ":",
		"-0", "9", "rc" } },
	{ VALUE_RPMVERSION, "1",
	    { ".", "0", "~", "^", "-1", "a", "Z", "1", "00", "_", "+", "-~1",
		"9", "rc", "^git" } },
};

static uint64_t state;

static size_t
draw(size_t n)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (size_t)(state >> 33) % n;
}

/* A well-formed text of this order, up to four pieces long. */
static void
make(size_t order, char text[static 64])
{
	size_t n = 0;

	while (n < 24 && orders[order].pieces[n])
		n++;
	do {
		int at = snprintf(text, 64, "%s%s",
		    order > 0 && draw(8) == 0 ? "0:" : "", orders[order].first);

		for (size_t k = draw(5); k > 0 && at > 0 && at < 40; k--)
			at += snprintf(text + at, 64 - (size_t)at, "%s",
			    orders[order].pieces[draw(n)]);
	} while (!version_check(orders[order].kind, str_of(text)));
}

static int
sign(int n)
{
	return (n > 0) - (n < 0);
}

/* Of x to y, y to z, x to z. */
static bool
is_transitive(int xy, int yz, int xz)
{
	if (xy > 0 || yz > 0)
		return true;
	return xz == (xy == 0 && yz == 0 ? 0 : -1);
}

START_TEST(versions_are_in_a_total_order)
{
	enum value_kind kind = orders[_i].kind;
	static char text[TEXTS][64];
	static int cmp[TEXTS][TEXTS];
	size_t equal = 0;

	state = (uint64_t)_i + 1;
	for (size_t i = 0; i < TEXTS; i++)
		make((size_t)_i, text[i]);
	for (size_t i = 0; i < TEXTS; i++)
		for (size_t j = 0; j < TEXTS; j++)
			cmp[i][j] = sign(version_cmp(
			    kind, str_of(text[i]), str_of(text[j])));
	for (size_t i = 0; i < TEXTS; i++)
		for (size_t j = 0; j < TEXTS; j++) {
			ck_assert_int_eq(cmp[i][j], -cmp[j][i]);
			equal += i != j && cmp[i][j] == 0;
			for (size_t k = 0; k < TEXTS; k++)
				if (!is_transitive(
					cmp[i][j], cmp[j][k], cmp[i][k]))
					ck_abort_msg("%s %s %s", text[i],
					    text[j], text[k]);
		}
	/* Texts that are equal but not alike are among them. */
	ck_assert_uint_gt(equal, 10);
}
END_TEST

START_TEST(versions_have_a_longest)
{
	char text[LIMIT_VERSION_BYTES + 1];

	memset(text, '1', sizeof text);
	for (size_t i = 1; i < sizeof text; i += 2)
		text[i] = '.';
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		struct str longest = { text, LIMIT_VERSION_BYTES - 1 };
		struct str longer = { text, LIMIT_VERSION_BYTES + 1 };

		ck_assert(version_check(orders[i].kind, longest));
		ck_assert(!version_check(orders[i].kind, longer));
		ck_assert(version_is(orders[i].kind));
		ck_assert(!version_check(VALUE_STRING, longest));
	}
	ck_assert(!version_is(VALUE_DECIMAL));
}
END_TEST

START_TEST(a_set_has_each_version_once)
{
	static const char *const texts[] = { "1.0", "2", "1", "1.0.0", "2.0" };
	struct value items[ARRAY_LEN(texts)], set;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		ck_assert(value_construct(
		    STR("version"), str_of(texts[i]), &items[i], NULL));
	set = value_set_take(items, ARRAY_LEN(texts));
	ck_assert_uint_eq(set.set.n, 2);
	ck_assert_int_lt(
	    version_cmp(VALUE_VERSION, set.set.items[0].text, STR("2")), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("version");
	TCase *tc = tcase_create("version");

	tcase_add_loop_test(
	    tc, versions_are_in_a_total_order, 0, ARRAY_LEN(orders));
	tcase_add_test(tc, versions_have_a_longest);
	tcase_add_test(tc, a_set_has_each_version_once);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
