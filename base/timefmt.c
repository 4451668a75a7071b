/* timefmt.c - datetimes and durations, both ways.
 * Days are counted by the proleptic Gregorian calendar with years that begin
 * in March, so that the leap day comes last. */
#include "base/timefmt.h"

#include <inttypes.h>

#define DAY_MS INT64_C(86400000)
#define YEAR_0_MS INT64_C(-62167219200000)     /* 0000-01-01T00:00:00Z */
#define YEAR_10000_MS INT64_C(253402300800000) /* 10000-01-01T00:00:00Z */
#define ERA_DAYS 146097                        /* 400 years */
#define EPOCH_DAYS 719468                      /* 0000-03-01 to 1970-01-01 */

/* The next `n` characters as digits; moves *at behind them. */
static bool
digits(struct str s, size_t *at, size_t n, int64_t max, int64_t *ret)
{
	int64_t value = 0;

	if (s.n - *at < n)
		return false;
	for (size_t i = 0; i < n; i++) {
		unsigned digit = (unsigned char)s.p[*at + i] - (unsigned)'0';

		if (digit > 9)
			return false;
		value = value * 10 + digit;
	}
	*ret = value;
	*at += n;
	return value <= max;
}

static bool
letter(struct str s, size_t *at, char c)
{
	if (*at >= s.n || s.p[*at] != c)
		return false;
	++*at;
	return true;
}

static bool
is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int64_t
month_days(int64_t year, int64_t month)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31,
		30, 31 };

	return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days from 1970-01-01 to the date. */
static int64_t
days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month > 2 ? year : year - 1;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5;

	return era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 +
	       of_year + day - 1 - EPOCH_DAYS;
}

static bool
parse_date(struct str s, size_t *at, int64_t *ret_ms)
{
	int64_t year, month, day;

	if (!digits(s, at, 4, 9999, &year) || !letter(s, at, '-') ||
	    !digits(s, at, 2, 12, &month) || !letter(s, at, '-') ||
	    !digits(s, at, 2, 31, &day) || month < 1 || day < 1 ||
	    day > month_days(year, month))
		return false;
	*ret_ms = days_of(year, month, day) * DAY_MS;
	return true;
}

static bool
parse_clock(struct str s, size_t *at, int64_t *ret_ms)
{
	int64_t hour, minute, second, ms = 0;

	if (!digits(s, at, 2, 23, &hour) || !letter(s, at, ':') ||
	    !digits(s, at, 2, 59, &minute) || !letter(s, at, ':') ||
	    !digits(s, at, 2, 59, &second))
		return false;
	if (letter(s, at, '.') && !digits(s, at, 3, 999, &ms))
		return false;
	*ret_ms = ((hour * 60 + minute) * 60 + second) * 1000 + ms;
	return true;
}

static bool
parse_zone(struct str s, size_t *at, int64_t *ret_ms)
{
	int64_t hour, minute, sign = 1;

	if (letter(s, at, 'Z')) {
		*ret_ms = 0;
		return true;
	}
	if (letter(s, at, '-'))
		sign = -1;
	else if (!letter(s, at, '+'))
		return false;
	if (!digits(s, at, 2, 23, &hour) || !digits(s, at, 2, 59, &minute))
		return false;
	*ret_ms = sign * (hour * 60 + minute) * 60000;
	return true;
}

/* More than 99: they are none. */
static inline unsigned
two_digits(const char *p)
{
	unsigned ten = (unsigned char)p[0] - (unsigned)'0';
	unsigned one = (unsigned char)p[1] - (unsigned)'0';

	return ten > 9 || one > 9 ? 100 : ten * 10 + one;
}

/* `2026-03-01T12:00:00Z`, as nearly all are: pairs of digits at fixed places.
 */
static bool
parse_usual(const char *p, int64_t *ret_ms)
{
	unsigned century = two_digits(p), years = two_digits(p + 2);
	unsigned month = two_digits(p + 5), day = two_digits(p + 8);
	unsigned hour = two_digits(p + 11), minute = two_digits(p + 14);
	unsigned second = two_digits(p + 17), year = century * 100 + years;

	if (p[4] != '-' || p[7] != '-' || p[10] != 'T' || p[13] != ':' ||
	    p[16] != ':' || p[19] != 'Z' || century > 99 || years > 99 ||
	    month > 12 || hour > 23 || minute > 59 || second > 59 ||
	    month < 1 || day < 1 || day > month_days(year, month))
		return false;
	*ret_ms = days_of(year, month, day) * DAY_MS +
		  ((hour * 60 + minute) * 60 + second) * INT64_C(1000);
	return true;
}

bool
time_parse_datetime(struct str s, int64_t *ret_ms)
{
	int64_t date, time, zone;
	size_t at = 0;

	if (s.n == sizeof "2026-03-01T12:00:00Z" - 1 &&
	    parse_usual(s.p, ret_ms))
		return true;
	if (!parse_date(s, &at, &date))
		return false;
	if (at == s.n) {
		*ret_ms = date;
		return true;
	}
	if (!letter(s, &at, 'T') || !parse_clock(s, &at, &time) ||
	    !parse_zone(s, &at, &zone) || at != s.n)
		return false;
	*ret_ms = date + time - zone;
	return true;
}

static const struct {
	struct str name;
	int64_t ms;
} units[] = {
	{ STR_INIT("d"), DAY_MS },
	{ STR_INIT("h"), 3600000 },
	{ STR_INIT("m"), 60000 },
	{ STR_INIT("s"), 1000 },
	{ STR_INIT("ms"), 1 },
};

/* Index of the unit that `s` has at `at`; ARRAY_LEN(units) when none. */
static size_t
unit_at(struct str s, size_t at)
{
	size_t to = at, i = 0;

	while (to < s.n && (s.p[to] < '0' || s.p[to] > '9'))
		to++;
	while (
	    i < ARRAY_LEN(units) && !str_eq(str_sub(s, at, to), units[i].name))
		i++;
	return i;
}

bool
time_parse_duration(struct str s, int64_t *ret_ms)
{
	int64_t sum = 0, term;
	size_t at = 0, least = 0;
	bool negative = letter(s, &at, '-');

	if (at == s.n)
		return false;
	while (at < s.n) {
		size_t from = at, unit;
		uint64_t count;

		while (at < s.n && s.p[at] >= '0' && s.p[at] <= '9')
			at++;
		unit = unit_at(s, at);
		if (!str_to_u64(str_sub(s, from, at), UINT64_MAX, &count) ||
		    unit == ARRAY_LEN(units) || unit < least)
			return false;
		/* Summed as a negative number: that side reaches farther. */
		if (__builtin_mul_overflow(count, -units[unit].ms, &term) ||
		    __builtin_add_overflow(sum, term, &sum))
			return false;
		at += units[unit].name.n;
		least = unit + 1;
	}
	if (!negative && sum == INT64_MIN)
		return false;
	*ret_ms = negative ? sum : -sum;
	return true;
}

/* Two digits, and what comes behind them. */
static inline char *
put_two(char *to, unsigned number, char behind)
{
	to[0] = (char)('0' + number / 10);
	to[1] = (char)('0' + number % 10);
	to[2] = behind;
	return to + 3;
}

bool
time_has_datetime(int64_t ms)
{
	return ms >= YEAR_0_MS && ms < YEAR_10000_MS;
}

void
time_print_datetime(struct buf *out, int64_t ms)
{
	char text[sizeof "2026-03-01T12:00:00.000Z"], *p = text;
	int64_t day, days, era, year, month;
	unsigned of_day;

	if (!time_has_datetime(ms)) {
		buf_printf(out, "%" PRId64, ms);
		return;
	}
	of_day = (unsigned)((ms % DAY_MS + DAY_MS) % DAY_MS);
	/* From here the reverse of days_of. */
	days = (ms - of_day) / DAY_MS + EPOCH_DAYS;
	era = (days >= 0 ? days : days - (ERA_DAYS - 1)) / ERA_DAYS;
	days -= era * ERA_DAYS;
	year = (days - days / 1460 + days / 36524 - days / 146096) / 365;
	days -= 365 * year + year / 4 - year / 100;
	month = (5 * days + 2) / 153;
	day = days - (153 * month + 2) / 5 + 1;
	month = month < 10 ? month + 3 : month - 9;
	year += era * 400 + (month <= 2);
	(void)put_two(p, (unsigned)year / 100, 0);
	p = put_two(p + 2, (unsigned)year % 100, '-');
	p = put_two(p, (unsigned)month, '-');
	p = put_two(p, (unsigned)day, 'T');
	p = put_two(p, of_day / 3600000, ':');
	p = put_two(p, of_day / 60000 % 60, ':');
	p = put_two(p, of_day / 1000 % 60, of_day % 1000 ? '.' : 'Z');
	if (of_day % 1000) {
		*p++ = (char)('0' + of_day % 1000 / 100);
		p = put_two(p, of_day % 100, 'Z');
	}
	buf_add(out, (struct str){ text, (size_t)(p - text) });
}

void
time_print_duration(struct buf *out, int64_t ms)
{
	uint64_t left = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;

	if (ms < 0)
		buf_byte(out, '-');
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		uint64_t count = left / (uint64_t)units[i].ms;

		if (count)
			buf_printf(
			    out, "%" PRIu64 "%s", count, units[i].name.p);
		left %= (uint64_t)units[i].ms;
	}
	if (ms == 0)
		buf_addz(out, "0ms");
}
