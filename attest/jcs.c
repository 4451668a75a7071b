/* jcs.c - RFC 8785, section by section: 3.2.2.2 strings, 3.2.2.3 numbers, 3.2.3
 * order of members. */
#include "attest/jcs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- strings --------------------------------------------------------------
 */

static void
add_escaped(struct buf *out, unsigned char c)
{
	static const char letters[] = "btn?fr"; /* 8 to 13; 11 has none */

	buf_byte(out, '\\');
	if (c == '"' || c == '\\')
		buf_byte(out, (char)c);
	else if (c >= 8 && c <= 13 && c != 11)
		buf_byte(out, letters[c - 8]);
	else
		buf_printf(out, "u%04x", c);
}

static void
add_string(struct buf *out, struct str s)
{
	size_t from = 0; /* of what is copied as it is */

	buf_byte(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		buf_add(out, str_sub(s, from, i));
		add_escaped(out, c);
		from = i + 1;
	}
	buf_add(out, str_sub(s, from, s.n));
	buf_byte(out, '"');
}

/* ---- numbers --------------------------------------------------------------
 */

#define DIGITS_MOST 17

/* 0.DIGITS times ten to the POINT. */
struct decimal {
	char digits[DIGITS_MOST + 1];
	int n, point;
};

static bool
reads_back(const struct decimal *d, double v)
{
	char text[40];

	snprintf(text, sizeof text, "%se%d", d->digits, d->point - d->n);
	return strtod(text, NULL) == v;
}

/* The next larger in the last digit; false when it needs one digit more. */
static bool
step_up(struct decimal *d)
{
	int i = d->n - 1;

	while (i >= 0 && d->digits[i] == '9')
		d->digits[i--] = '0';
	if (i < 0)
		return false;
	d->digits[i]++;
	return true;
}

/* `+21`, `-07`: as printf writes it. */
static int
exponent(const char *text)
{
	int n = 0;

	for (const char *p = text + 1; *p; p++)
		n = 10 * n + (*p - '0');
	return *text == '-' ? -n : n;
}

/* `n` digits nearest to `v`, which is positive. printf rounds correctly; its
 * point is skipped, since a locale may write another. */
static void
nearest(double v, int n, struct decimal *ret)
{
	char text[48];
	const char *e;
	int k = 0;

	snprintf(text, sizeof text, "%.*e", n - 1, v);
	for (e = text; *e != 'e'; e++)
		if (*e >= '0' && *e <= '9')
			ret->digits[k++] = *e;
	ret->digits[k] = '\0';
	ret->n = k;
	ret->point = exponent(e + 1) + 1;
}

/* The fewest digits that read back (ECMAScript's Number::toString). Where the
 * nearest of that length does not, the one above may: below a power of two,
 * doubles lie closer. */
static struct decimal
shortest(double v)
{
	struct decimal d = { 0 }, above;

	for (int n = 1; n <= DIGITS_MOST; n++) {
		nearest(v, n, &d);
		if (reads_back(&d, v))
			return d;
		above = d;
		if (step_up(&above) && reads_back(&above, v))
			return above;
	}
	return d;
}

static void
add_zeros(struct buf *out, int n)
{
	while (n-- > 0)
		buf_byte(out, '0');
}

/* As ECMAScript lays digits out: plain from 1e-6 to below 1e21. */
static void
add_decimal(struct buf *out, const struct decimal *d)
{
	struct str all = { d->digits, (size_t)d->n };
	size_t whole = d->point > 0 ? (size_t)d->point : 0;

	if (d->n <= d->point && d->point <= 21) {
		buf_add(out, all);
		add_zeros(out, d->point - d->n);
	} else if (d->point > 0 && d->point <= 21) {
		buf_add(out, str_sub(all, 0, whole));
		buf_byte(out, '.');
		buf_add(out, str_sub(all, whole, all.n));
	} else if (d->point > -6 && d->point <= 0) {
		buf_addz(out, "0.");
		add_zeros(out, -d->point);
		buf_add(out, all);
	} else {
		buf_byte(out, d->digits[0]);
		if (d->n > 1) {
			buf_byte(out, '.');
			buf_add(out, str_sub(all, 1, all.n));
		}
		buf_printf(out, "e%+d", d->point - 1);
	}
}

bool
jcs_write_number(double v, struct buf *out)
{
	struct decimal d;

	if (!isfinite(v))
		return false;
	if (v < 0)
		buf_byte(out, '-');
	if (fpclassify(v) == FP_ZERO) {
		buf_byte(out, '0'); /* minus zero, too */
		return true;
	}
	d = shortest(fabs(v));
	add_decimal(out, &d);
	return true;
}

/* RFC 7493 2.2: beyond 2^53 whole numbers are not told apart, and the shortest
 * digits of one are those of another. Up to 1e21 they would be printed as such.
 */
static bool
write_double(double v, struct buf *out, struct error *reterr)
{
	if (fabs(v) > 9007199254740992.0 && fabs(v) < 1e21)
		return error_set(reterr, ERR_JSON_SHAPE, SPAN_NONE,
		    "a whole number beyond 2^53 has no canonical text");
	return jcs_write_number(v, out);
}

static bool
write_integer(json_int_t n, struct buf *out, struct error *reterr)
{
	const json_int_t most = INT64_C(1) << 53;

	/* Compared before it is cast: the cast rounds. */
	if (n > most || n < -most)
		return error_set(reterr, ERR_JSON_SHAPE, SPAN_NONE,
		    "a whole number beyond 2^53 has no canonical text");
	return jcs_write_number((double)n, out);
}

/* ---- members --------------------------------------------------------------
 */

/* The UTF-16 code unit at *at of well-formed UTF-8; a second half waits in
 * *ret_low. */
static uint32_t
next_unit(struct str s, size_t *at, uint32_t *low)
{
	uint32_t point = 0, half = *low;

	if (half) {
		*low = 0;
		return half;
	}
	*at += str_utf8_next(s, *at, &point);
	if (point < 0x10000)
		return point;
	*low = 0xdc00 | ((point - 0x10000) & 0x3ff);
	return 0xd800 | ((point - 0x10000) >> 10);
}

static int
compare_keys(const void *a, const void *b)
{
	struct str x = str_of(*(const char *const *)a);
	struct str y = str_of(*(const char *const *)b);
	size_t i = 0, k = 0;
	uint32_t low_x = 0, low_y = 0;

	while ((i < x.n || low_x) && (k < y.n || low_y)) {
		uint32_t u = next_unit(x, &i, &low_x);
		uint32_t w = next_unit(y, &k, &low_y);

		if (u != w)
			return u < w ? -1 : 1;
	}
	return (i < x.n || low_x) - (k < y.n || low_y);
}

static bool
write_members(const json_t *object, const char **keys, size_t n,
    struct buf *out, struct error *reterr)
{
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_byte(out, ',');
		add_string(out, str_of(keys[i]));
		buf_byte(out, ':');
		if (!jcs_write(json_object_get(object, keys[i]), out, reterr))
			return false;
	}
	return true;
}

static bool
write_object(const json_t *value, struct buf *out, struct error *reterr)
{
	json_t *object = (json_t *)(uintptr_t)value; /* only read */
	size_t n = 0;
	size_t room = json_object_size(value) + 1;
	const char **keys = calloc(room, sizeof *keys); /* lint-ok: short */
	bool ok;

	if (!keys)
		return error_nomem(reterr);
	for (void *it = json_object_iter(object); it;
	     it = json_object_iter_next(object, it))
		keys[n++] = json_object_iter_key(it);
	qsort(keys, n, sizeof *keys, compare_keys);
	buf_byte(out, '{');
	ok = write_members(value, keys, n, out, reterr);
	buf_byte(out, '}');
	free(keys);
	return ok;
}

static bool
write_array(const json_t *value, struct buf *out, struct error *reterr)
{
	buf_byte(out, '[');
	for (size_t i = 0; i < json_array_size(value); i++) {
		if (i > 0)
			buf_byte(out, ',');
		if (!jcs_write(json_array_get(value, i), out, reterr))
			return false;
	}
	buf_byte(out, ']');
	return true;
}

static bool
write_value(const json_t *value, struct buf *out, struct error *reterr)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return write_object(value, out, reterr);
	case JSON_ARRAY:
		return write_array(value, out, reterr);
	case JSON_STRING:
		add_string(out, json_str(value));
		return true;
	case JSON_INTEGER:
		return write_integer(json_integer_value(value), out, reterr);
	case JSON_REAL:
		return write_double(json_real_value(value), out, reterr);
	case JSON_TRUE:
	case JSON_FALSE:
		buf_addz(out, json_is_true(value) ? "true" : "false");
		return true;
	case JSON_NULL:
	default:
		buf_addz(out, "null");
		return true;
	}
}

bool
jcs_write(const json_t *value, struct buf *out, struct error *reterr)
{
	return write_value(value, out, reterr) &&
	       (buf_ok(out) || error_nomem(reterr));
}
