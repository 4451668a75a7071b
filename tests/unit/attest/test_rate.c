/* How often somebody may be wrong, and who is not hindered by it. */
#include "attest/rate.h"

#include <stdio.h>

#include "base/limits.h"
#include "tests/lib/run.h"

static struct rate *rate;
static struct error err;

static void
setup(void)
{
	err = (struct error){ 0 };
	rate = rate_new(&err);
	ck_assert_ptr_nonnull(rate);
}

static void
teardown(void)
{
	rate_free(rate);
}

static struct net_addr
at(const char *text)
{
	struct net_addr a;

	ck_assert(net_parse_addr(str_of(text), &a));
	return a;
}

/* How many of `n` attempts pass. */
static unsigned
take(const char *source, const char *account, unsigned n, int64_t now_ms)
{
	struct net_addr from = at(source);
	unsigned passed = 0;

	for (unsigned i = 0; i < n; i++) {
		struct error e = { 0 };

		if (rate_take(rate, &from, str_of(account), now_ms, &e))
			passed++;
		else
			ck_assert_int_eq(e.code, ERR_REQUEST_RATE);
	}
	return passed;
}

START_TEST(ten_of_an_account_and_source)
{
	ck_assert_uint_eq(take("192.0.2.1", "web-1", 20, 0), 10);
	/* Neither the account from elsewhere nor others from here. */
	ck_assert_uint_eq(take("192.0.2.2", "web-1", 20, 0), 10);
	ck_assert_uint_eq(take("192.0.2.1", "web-2", 20, 0), 10);
}
END_TEST

/* What is proven without an account counts for the source alone, once. */
START_TEST(sixty_without_an_account)
{
	struct net_addr from = at("192.0.2.1");

	ck_assert_uint_eq(take("192.0.2.1", "", 100, 0), 60);
	ck_assert_uint_eq(take("192.0.2.1", "web-1", 1, 0), 0);
	rate_give(rate, &from, STR(""), 0);
	ck_assert_uint_eq(take("192.0.2.1", "", 2, 0), 1);
	ck_assert_uint_eq(take("192.0.2.2", "", 1, 0), 1);
}
END_TEST

START_TEST(sixty_of_a_source)
{
	unsigned passed = 0;
	char account[16];

	for (unsigned i = 0; i < 100; i++) {
		snprintf(account, sizeof account, "a-%u", i);
		passed += take("192.0.2.1", account, 1, 0);
	}
	ck_assert_uint_eq(passed, 60);
	ck_assert_uint_eq(take("192.0.2.2", "a-99", 1, 0), 1);
}
END_TEST

START_TEST(comes_back_with_time)
{
	ck_assert_uint_eq(take("192.0.2.1", "a", 20, 0), 10);
	ck_assert_uint_eq(take("192.0.2.1", "a", 20, 5999), 0);
	ck_assert_uint_eq(take("192.0.2.1", "a", 20, 6000), 1);
	ck_assert_uint_eq(take("192.0.2.1", "a", 20, 66000), 10);
	/* A clock that goes back gives nothing. */
	ck_assert_uint_eq(take("192.0.2.1", "a", 20, 0), 0);
	ck_assert_uint_eq(take("192.0.2.1", "a", 20, 66001), 0);
}
END_TEST

START_TEST(what_was_right_does_not_count)
{
	struct net_addr from = at("192.0.2.1");

	for (unsigned i = 0; i < 1000; i++) {
		ck_assert(rate_take(rate, &from, STR("a"), 0, &err));
		rate_give(rate, &from, STR("a"), 0);
	}
	ck_assert_uint_eq(take("192.0.2.1", "a", 20, 0), 10);
	/* What nobody took is not given. */
	for (unsigned i = 0; i < 3; i++)
		rate_give(rate, &from, STR("b"), 0);
	ck_assert_uint_eq(take("192.0.2.1", "b", 20, 0), 10);
}
END_TEST

START_TEST(a_network_of_64_bits_is_one_source)
{
	struct buf b = { 0 };
	struct net_addr a = at("2001:db8::1:2:3:4");

	ck_assert_uint_eq(take("2001:db8::1", "a", 7, 0), 7);
	ck_assert_uint_eq(take("2001:db8::ffff:1", "a", 7, 0), 3);
	ck_assert_uint_eq(take("2001:db8:0:1::1", "a", 7, 0), 7);
	rate_print_source(&b, &a);
	ck_str_is(buf_str(&b), "2001:db8::");
	buf_free(&b);
	a = at("192.0.2.7");
	rate_print_source(&b, &a);
	ck_str_is(buf_str(&b), "192.0.2.7");
	buf_free(&b);
}
END_TEST

/* A flood from everywhere makes room at the cost of who lacks least. */
START_TEST(a_full_table_keeps_who_was_wrong_most)
{
	char source[32];
	unsigned passed = 0;

	ck_assert_uint_eq(take("192.0.2.1", "a", 20, 0), 10);
	for (unsigned i = 0; i < 2 * LIMIT_FAILURES_TABLE; i++) {
		snprintf(source, sizeof source, "10.%u.%u.%u", i >> 16,
		    i >> 8 & 255, i & 255);
		passed += take(source, "a", 1, 0);
	}
	ck_assert_uint_eq(passed, 2 * LIMIT_FAILURES_TABLE);
	ck_assert_uint_eq(take("192.0.2.1", "a", 1, 0), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("rate");
	TCase *tc = tcase_create("rate");

	/* One order in every run. */
	str_hash_seed(7);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, ten_of_an_account_and_source);
	tcase_add_test(tc, sixty_without_an_account);
	tcase_add_test(tc, sixty_of_a_source);
	tcase_add_test(tc, comes_back_with_time);
	tcase_add_test(tc, what_was_right_does_not_count);
	tcase_add_test(tc, a_network_of_64_bits_is_one_source);
	tcase_add_test(tc, a_full_table_keeps_who_was_wrong_most);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
