/* test_clock.c - time as an input. */
#include "base/clock.h"

#include "base/limits.h"
#include "tests/lib/run.h"

START_TEST(a_fixed_clock_stands)
{
	int64_t at_ms = 1;
	struct clock c = clock_fixed(&at_ms);

	ck_assert_int_eq(clock_now_ms(&c), 1);
	at_ms = INT64_MIN;
	ck_assert_int_eq(clock_now_ms(&c), INT64_MIN);
}
END_TEST

START_TEST(the_system_clock_counts_milliseconds)
{
	int64_t now = clock_now_ms(clock_system());

	/* Between 2020 and 2200: neither seconds nor nanoseconds. */
	ck_assert_int_gt(now, INT64_C(1577836800000));
	ck_assert_int_lt(now, INT64_C(7258118400000));
}
END_TEST

/* In seconds; the limit holds below it, whatever a builder says. */
static const struct {
	const char *note;
	int64_t built_s, now_s;
	bool holds;
} times[] = {
	{ "the limit", 0, LIMIT_CLOCK_AT_LEAST_S, true },
	{ "before the limit", 0, LIMIT_CLOCK_AT_LEAST_S - 1, false },
	{ "a build before the limit", 1, LIMIT_CLOCK_AT_LEAST_S - 1, false },
	{ "when it was built", LIMIT_CLOCK_AT_LEAST_S + 1000,
	    LIMIT_CLOCK_AT_LEAST_S + 1000, true },
	{ "before it was built", LIMIT_CLOCK_AT_LEAST_S + 1000,
	    LIMIT_CLOCK_AT_LEAST_S + 999, false },
	{ "never", INT64_MAX, INT64_C(9000000000), false },
};

START_TEST(a_true_time)
{
	const struct clock c = { .built_s = times[_i].built_s };
	struct error err = { 0 };

	ck_assert_msg(
	    clock_check(&c, times[_i].now_s * 1000, &err) == times[_i].holds,
	    "%s", times[_i].note);
	ck_assert_int_eq(
	    err.code, times[_i].holds ? ERR_NONE : ERR_SYSTEM_NOT_READY);
}
END_TEST

START_TEST(mono_never_goes_back)
{
	int64_t last = clock_mono_ns();

	for (int i = 0; i < 1000; i++) {
		int64_t now = clock_mono_ns();

		ck_assert_int_ge(now, last);
		last = now;
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("clock");
	TCase *tc = tcase_create("clock");

	tcase_add_test(tc, a_fixed_clock_stands);
	tcase_add_test(tc, the_system_clock_counts_milliseconds);
	tcase_add_loop_test(tc, a_true_time, 0, ARRAY_LEN(times));
	tcase_add_test(tc, mono_never_goes_back);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
