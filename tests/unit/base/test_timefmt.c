/* test_timefmt.c - the calendar's corners, and durations' order. */
#include "base/timefmt.h"

#include "tests/lib/run.h"

#define DAY INT64_C(86400000)

static const struct {
	const char *text;
	int64_t want;
} datetimes[] = {
	{ "1970-01-01", 0 },
	{ "1970-01-01T00:00:00Z", 0 },
	{ "1970-01-01T00:00:00.001Z", 1 },
	{ "1969-12-31T23:59:59.999Z", -1 },
	{ "1970-01-01T01:00:00+0100", 0 },
	{ "1969-12-31T23:00:00-0100", 0 },
	{ "1970-01-01T23:59:00+2359", 0 },
	{ "1970-01-01T00:00:00-0000", 0 },
	{ "2000-02-29", INT64_C(951782400000) },
	{ "2000-03-01", INT64_C(951868800000) },
	{ "2024-02-29T12:00:00Z", INT64_C(1709208000000) },
	{ "2026-03-01T12:00:00Z", INT64_C(1772366400000) },
	{ "1900-03-01", INT64_C(-2203891200000) },
	{ "0000-01-01", INT64_C(-62167219200000) },
	{ "0000-02-29", INT64_C(-62162121600000) },
	{ "9999-12-31T23:59:59.999Z", INT64_C(253402300799999) },
	{ "9999-12-31T23:59:59.999-2359", INT64_C(253402387139999) },
};

START_TEST(datetime_reads)
{
	int64_t ms = 1;

	ck_assert_msg(time_parse_datetime(str_of(datetimes[_i].text), &ms),
	    "%s", datetimes[_i].text);
	ck_assert_int_eq(ms, datetimes[_i].want);
}
END_TEST

static const struct str bad_datetimes[] = {
	STR_INIT(""),
	STR_INIT("2024"),
	STR_INIT("2024-1-01"),
	STR_INIT("2024-01-1"),
	STR_INIT("24-01-01"),
	STR_INIT("02024-01-01"),
	STR_INIT("+2024-01-01"),
	STR_INIT("-024-01-01"),
	STR_INIT("2024/01/01"),
	STR_INIT("20240101"),
	STR_INIT("2024-00-01"),
	STR_INIT("2024-13-01"),
	STR_INIT("2024-01-00"),
	STR_INIT("2024-01-32"),
	STR_INIT("2024-04-31"),
	STR_INIT("2023-02-29"),
	STR_INIT("1900-02-29"),
	STR_INIT("2100-02-29"),
	STR_INIT("2024-02-30"),
	STR_INIT("2024-01-01 "),
	STR_INIT(" 2024-01-01"),
	STR_INIT("2024-01-01\0"),
	STR_INIT("2024-01-01Z"),
	STR_INIT("2024-01-01T"),
	STR_INIT("2024-01-01T00:00Z"),
	STR_INIT("2024-01-01T00:00:00"),
	STR_INIT("2024-01-01t00:00:00Z"),
	STR_INIT("2024-01-01T00:00:00z"),
	STR_INIT("2024-01-01 00:00:00Z"),
	STR_INIT("2024-01-01T24:00:00Z"),
	STR_INIT("2024-01-01T00:60:00Z"),
	STR_INIT("2024-01-01T00:00:60Z"),
	STR_INIT("2016-12-31T23:59:60Z"),
	STR_INIT("2024-01-01T00:00:00.Z"),
	STR_INIT("2024-01-01T00:00:00.1Z"),
	STR_INIT("2024-01-01T00:00:00.12Z"),
	STR_INIT("2024-01-01T00:00:00.1234Z"),
	STR_INIT("2024-01-01T00:00:00,123Z"),
	STR_INIT("2024-01-01T00:00:00+00:00"),
	STR_INIT("2024-01-01T00:00:00+2400"),
	STR_INIT("2024-01-01T00:00:00+0060"),
	STR_INIT("2024-01-01T00:00:00+01"),
	STR_INIT("2024-01-01T00:00:00+01000"),
	STR_INIT("2024-01-01T00:00:00ZZ"),
	STR_INIT("2024-01-01T00:00:00Z+0100"),
	STR_INIT("2024-01-01T-1:00:00Z"),
	STR_INIT("2024-01-01T00:00:+1Z"),
};

START_TEST(datetime_refuses)
{
	int64_t ms = 7;

	ck_assert_msg(!time_parse_datetime(bad_datetimes[_i], &ms), "%.*s",
	    STR_ARG(bad_datetimes[_i]));
	ck_assert_int_eq(ms, 7);
}
END_TEST

static const struct {
	const char *text;
	int64_t want;
} durations[] = {
	{ "0ms", 0 },
	{ "-0ms", 0 },
	{ "1ms", 1 },
	{ "1s", 1000 },
	{ "1m", 60000 },
	{ "1h", 3600000 },
	{ "1d", DAY },
	{ "1m1ms", 60001 },
	{ "1h30m", 5400000 },
	{ "1d2h3m4s5ms", DAY + 7384005 },
	{ "-1d2h3m4s5ms", -DAY - 7384005 },
	{ "90s", 90000 },
	{ "0001s", 1000 },
	{ "9223372036854775807ms", INT64_MAX },
	{ "-9223372036854775807ms", -INT64_MAX },
	{ "-9223372036854775808ms", INT64_MIN },
	{ "106751991167d7h12m55s807ms", INT64_MAX },
	{ "-106751991167d7h12m55s808ms", INT64_MIN },
};

START_TEST(duration_reads)
{
	int64_t ms = 7;

	ck_assert_msg(time_parse_duration(str_of(durations[_i].text), &ms),
	    "%s", durations[_i].text);
	ck_assert_int_eq(ms, durations[_i].want);
}
END_TEST

static const struct str bad_durations[] = {
	STR_INIT(""),
	STR_INIT("-"),
	STR_INIT("1"),
	STR_INIT("d"),
	STR_INIT("ms"),
	STR_INIT("+1d"),
	STR_INIT("--1d"),
	STR_INIT("1d-1h"),
	STR_INIT("1ms1s"),
	STR_INIT("1s1m"),
	STR_INIT("1d1d"),
	STR_INIT("1ms1ms"),
	STR_INIT("1d1"),
	STR_INIT("1.5h"),
	STR_INIT("1 h"),
	STR_INIT("1h "),
	STR_INIT(" 1h"),
	STR_INIT("1h 1m"),
	STR_INIT("1D"),
	STR_INIT("1w"),
	STR_INIT("1y"),
	STR_INIT("1us"),
	STR_INIT("1s\0"),
	STR_INIT("9223372036854775808ms"),
	STR_INIT("-9223372036854775809ms"),
	STR_INIT("106751991167d7h12m55s808ms"),
	STR_INIT("-106751991167d7h12m55s809ms"),
	STR_INIT("106751991168d"),
	STR_INIT("18446744073709551615d"),
	STR_INIT("18446744073709551616ms"),
	STR_INIT("99999999999999999999999ms"),
};

START_TEST(duration_refuses)
{
	int64_t ms = 7;

	ck_assert_msg(!time_parse_duration(bad_durations[_i], &ms), "%.*s",
	    STR_ARG(bad_durations[_i]));
	ck_assert_int_eq(ms, 7);
}
END_TEST

static const struct {
	int64_t ms;
	const char *datetime, *duration;
} prints[] = {
	{ 0, "1970-01-01T00:00:00Z", "0ms" },
	{ -1, "1969-12-31T23:59:59.999Z", "-1ms" },
	{ INT64_C(1772366400000), "2026-03-01T12:00:00Z", "20513d12h" },
	{ INT64_C(951782400250), "2000-02-29T00:00:00.250Z", "11016d250ms" },
	{ 5400000, "1970-01-01T01:30:00Z", "1h30m" },
	{ INT64_C(-62167219200000), "0000-01-01T00:00:00Z", "-719528d" },
	{ INT64_C(-62167219200001), "-62167219200001", "-719528d1ms" },
	{ INT64_C(253402300799999), "9999-12-31T23:59:59.999Z",
	    "2932896d23h59m59s999ms" },
	{ INT64_C(253402300800000), "253402300800000", "2932897d" },
	{ INT64_MAX, "9223372036854775807", "106751991167d7h12m55s807ms" },
	{ INT64_MIN, "-9223372036854775808", "-106751991167d7h12m55s808ms" },
};

START_TEST(prints_what_it_reads)
{
	struct buf b = { 0 };
	int64_t ms;

	time_print_datetime(&b, prints[_i].ms);
	ck_str_is(buf_str(&b), prints[_i].datetime);
	ck_assert_int_eq(time_has_datetime(prints[_i].ms),
	    time_parse_datetime(buf_str(&b), &ms) && ms == prints[_i].ms);
	buf_free(&b);
	time_print_duration(&b, prints[_i].ms);
	ck_str_is(buf_str(&b), prints[_i].duration);
	ck_assert(time_parse_duration(buf_str(&b), &ms));
	ck_assert_int_eq(ms, prints[_i].ms);
	buf_free(&b);
}
END_TEST

/* Days all through the years 0 to 9999; 17 has no factor of a cycle. */
START_TEST(days_follow_one_another)
{
	int64_t ms = INT64_C(-62167219200000), back;
	size_t days = 0;

	/* And times of day all through the day. */
	for (; ms < INT64_C(253402300800000); ms += 17 * DAY, days++) {
		struct buf b = { 0 };
		int64_t later = ms + (int64_t)days * 40229 % DAY;

		ck_assert(time_has_datetime(later));
		time_print_datetime(&b, later);
		ck_assert(time_parse_datetime(buf_str(&b), &back));
		ck_assert_int_eq(back, later);
		buf_free(&b);
		time_print_datetime(&b, ms);
		ck_assert(time_parse_datetime(buf_str(&b), &back));
		ck_assert_int_eq(back, ms);
		buf_free(&b);
	}
	ck_assert_uint_eq(days, 214849);
}
END_TEST

/* Most texts have one form, which is read apart: one byte of it changed, it is
 * as good as with its milliseconds, which are read the general way. */
START_TEST(the_usual_form_is_read_as_any)
{
	static const char *const usual[] = { "2026-03-01T12:00:00Z",
		"2024-02-29T23:59:59Z", "0000-01-01T00:00:00Z",
		"9999-12-31T23:59:59Z", "2100-02-28T19:09:49Z" };
	unsigned taken = 0;

	for (size_t i = 0; i < ARRAY_LEN(usual); i++)
		for (size_t k = 0; k < 20 * 256; k++) {
			char text[21], longer[25];
			int64_t ms = 0, want = 0;
			bool is_one;

			memcpy(text, usual[i], sizeof text);
			text[k / 256] = (char)(k % 256);
			memcpy(longer, text, 19);
			memcpy(longer + 19, ".000", 4);
			longer[23] = text[19];
			is_one = time_parse_datetime(
			    (struct str){ longer, 24 }, &want);
			ck_assert_msg(
			    time_parse_datetime(
				(struct str){ text, 20 }, &ms) == is_one,
			    "%s", text);
			ck_assert_int_eq(ms, want);
			taken += is_one;
		}
	ck_assert_uint_gt(taken, 200);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("timefmt");
	TCase *tc = tcase_create("timefmt");

	tcase_add_loop_test(tc, datetime_reads, 0, ARRAY_LEN(datetimes));
	tcase_add_loop_test(tc, datetime_refuses, 0, ARRAY_LEN(bad_datetimes));
	tcase_add_loop_test(tc, duration_reads, 0, ARRAY_LEN(durations));
	tcase_add_loop_test(tc, duration_refuses, 0, ARRAY_LEN(bad_durations));
	tcase_add_loop_test(tc, prints_what_it_reads, 0, ARRAY_LEN(prints));
	tcase_add_test(tc, days_follow_one_another);
	tcase_add_test(tc, the_usual_form_is_read_as_any);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
