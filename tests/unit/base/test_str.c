/* test_str.c - slices, numbers, UTF-8, the hash and the growing buffer. */
#include "base/str.h"

#include <stdlib.h>

#include "base/arena.h"
#include "tests/lib/run.h"

static const struct {
	const char *a, *b;
	int order;
} orders[] = {
	{ "", "", 0 }, { "", "a", -1 }, { "a", "", 1 }, { "a", "a", 0 },
	{ "a", "ab", -1 }, { "ab", "b", -1 },
	{ "\x7f", "\x80", -1 }, /* bytes, not signed chars */
	{ "\xef\xbf\xbf", "\xf0\x90\x80\x80", -1 }, /* U+FFFF < U+10000 */
};

START_TEST(cmp_orders_by_bytes)
{
	struct str a = str_of(orders[_i].a), b = str_of(orders[_i].b);
	int order = str_cmp(a, b);

	ck_assert_int_eq((order > 0) - (order < 0), orders[_i].order);
	ck_assert(str_eq(a, b) == (orders[_i].order == 0));
}
END_TEST

START_TEST(slices_keep_nul)
{
	ck_assert(!str_eq(STR("a\0b"), STR("a\0c")));
	ck_assert(!str_eq(STR("a\0"), STR("a")));
	ck_assert_int_eq(str_cmp(STR("a\0b"), STR("a\0b")), 0);
	ck_assert_uint_eq(str_find(STR("a\0b"), 'b', 0), 2);
}
END_TEST

START_TEST(empty_slices_need_no_bytes)
{
	struct str none = { NULL, 0 };

	ck_assert(str_eq(none, STR("")));
	ck_assert_int_eq(str_cmp(none, STR("")), 0);
	ck_assert_uint_eq(str_find(none, 'a', 0), 0);
	ck_assert_uint_eq(str_sub(none, 3, 9).n, 0);
	ck_assert(str_has_prefix(none, none));
	ck_assert(str_has_suffix(none, none));
	ck_assert(str_is_utf8(none));
	ck_assert_uint_eq(str_of(NULL).n, 0);
}
END_TEST

static const struct {
	size_t from, to;
	const char *want;
} subs[] = {
	{ 0, 3, "abc" },
	{ 1, 2, "b" },
	{ 1, 99, "bc" },
	{ 3, 3, "" },
	{ 2, 1, "" },
	{ 99, 100, "" },
};

START_TEST(sub_clips)
{
	ck_str_is(
	    str_sub(STR("abc"), subs[_i].from, subs[_i].to), subs[_i].want);
}
END_TEST

START_TEST(prefix_suffix_find)
{
	ck_assert(str_has_prefix(STR("abc"), STR("ab")));
	ck_assert(!str_has_prefix(STR("abc"), STR("b")));
	ck_assert(!str_has_prefix(STR("ab"), STR("abc")));
	ck_assert(str_has_suffix(STR("abc"), STR("bc")));
	ck_assert(!str_has_suffix(STR("abc"), STR("b")));
	ck_assert(!str_has_suffix(STR("bc"), STR("abc")));
	ck_assert_uint_eq(str_find(STR("abcb"), 'b', 2), 3);
	ck_assert_uint_eq(str_find(STR("abcb"), 'x', 0), 4);
	ck_assert_uint_eq(str_find(STR("abcb"), 'b', 99), 4);
}
END_TEST

START_TEST(copies_live_in_the_arena)
{
	struct arena *a = arena_new(0);
	char text[] = "a\0b";
	struct str s = { text, 3 }, copy = str_dup(a, s);

	text[0] = 'x';
	ck_assert(str_eq(copy, STR("a\0b")));
	ck_assert_int_eq(copy.p[3], '\0');
	ck_assert_str_eq(str_z(a, STR("z")), "z");
	ck_str_is(str_printf(a, "%d-%s", 7, "x"), "7-x");
	arena_free(a);
}
END_TEST

START_TEST(copies_fail_over_the_limit)
{
	struct arena *a = arena_new(16);

	ck_assert_ptr_null(str_dup(a, STR("0123456789abcdef")).p);
	ck_assert_ptr_null(str_printf(a, "%40d", 1).p);
	ck_assert_ptr_null(str_z(a, STR("0123456789abcdef")));
	ck_assert_ptr_nonnull(str_dup(a, STR("0123456789abcde")).p);
	arena_free(a);
}
END_TEST

static const struct {
	const char *text;
	uint64_t max;
	bool ok;
	uint64_t want;
} numbers[] = {
	{ "0", UINT64_MAX, true, 0 }, { "007", UINT64_MAX, true, 7 },
	{ "18446744073709551615", UINT64_MAX, true, UINT64_MAX },
	{ "18446744073709551616", UINT64_MAX, false, 0 },
	{ "99999999999999999999", UINT64_MAX, false, 0 },
	{ "65535", 65535, true, 65535 }, { "65536", 65535, false, 0 },
	{ "", 9, false, 0 }, { "+1", 9, false, 0 }, { "-1", 9, false, 0 },
	{ " 1", 9, false, 0 }, { "1 ", 9, false, 0 }, { "1a", 99, false, 0 },
	{ "0x1", 99, false, 0 },
	{ "\xd9\xa1", 99, false, 0 }, /* an Arabic digit */
};

START_TEST(to_u64_takes_digits_alone)
{
	uint64_t value = 12345;

	ck_assert_msg(str_to_u64(str_of(numbers[_i].text), numbers[_i].max,
			  &value) == numbers[_i].ok,
	    "%s", numbers[_i].text);
	ck_assert_uint_eq(value, numbers[_i].ok ? numbers[_i].want : 12345);
}
END_TEST

static const struct {
	const char *note;
	struct str text;
	bool ok;
	size_t len;
} utf8[] = {
	{ "empty", STR_INIT(""), true, 0 },
	{ "ASCII and NUL", STR_INIT("a\0b"), true, 3 },
	{ "two bytes", STR_INIT("\xc2\x80\xdf\xbf"), true, 2 },
	{ "three bytes", STR_INIT("\xe0\xa0\x80\xef\xbf\xbf"), true, 2 },
	{ "four bytes", STR_INIT("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), true, 2 },
	{ "around surrogates", STR_INIT("\xed\x9f\xbf\xee\x80\x80"), true, 2 },
	{ "overlong NUL", STR_INIT("\xc0\x80"), false, 0 },
	{ "overlong slash", STR_INIT("\xc1\xaf"), false, 0 },
	{ "overlong, three", STR_INIT("\xe0\x9f\xbf"), false, 0 },
	{ "overlong, four", STR_INIT("\xf0\x8f\xbf\xbf"), false, 0 },
	{ "low surrogate", STR_INIT("\xed\xa0\x80"), false, 0 },
	{ "high surrogate", STR_INIT("\xed\xbf\xbf"), false, 0 },
	{ "over U+10FFFF", STR_INIT("\xf4\x90\x80\x80"), false, 0 },
	{ "five bytes", STR_INIT("\xf8\x88\x80\x80\x80"), false, 0 },
	{ "FE", STR_INIT("\xfe"), false, 0 },
	{ "FF", STR_INIT("\xff"), false, 0 },
	{ "alone", STR_INIT("\x80"), false, 0 },
	{ "cut after one", STR_INIT("a\xc3"), false, 0 },
	{ "cut after three", STR_INIT("\xf0\x90\x80"), false, 0 },
	{ "no continuation", STR_INIT("\xe2\x82x"), false, 0 },
};

START_TEST(utf8_is_well_formed)
{
	ck_assert_msg(
	    str_is_utf8(utf8[_i].text) == utf8[_i].ok, "%s", utf8[_i].note);
	if (utf8[_i].ok)
		ck_assert_uint_eq(str_utf8_len(utf8[_i].text), utf8[_i].len);
}
END_TEST

/* One byte that is wrong, wherever it is in a long text. */
START_TEST(utf8_is_wrong_anywhere)
{
	char text[100];

	for (size_t n = 1; n <= sizeof text; n++)
		for (size_t at = 0; at < n; at++) {
			struct str s = { text, n };

			memset(text, 'a', sizeof text);
			ck_assert(str_is_utf8(s));
			text[at] = '\x80';
			ck_assert(!str_is_utf8(s));
			ck_assert_uint_eq(str_utf8_len(s), n - 1);
			text[at] = '\xc3';
			ck_assert(!str_is_utf8(s));
			if (at + 1 == n)
				continue;
			text[at + 1] = '\xa9';
			ck_assert(str_is_utf8(s));
			ck_assert_uint_eq(str_utf8_len(s), n - 1);
		}
}
END_TEST

START_TEST(utf8_next_gives_code_points)
{
	uint32_t point = 0;

	ck_assert_uint_eq(str_utf8_next(STR("x\xe2\x82\xac"), 1, &point), 3);
	ck_assert_uint_eq(point, 0x20ac);
	ck_assert_uint_eq(str_utf8_next(STR("\xf4\x8f\xbf\xbf"), 0, &point), 4);
	ck_assert_uint_eq(point, 0x10ffff);
	ck_assert_uint_eq(str_utf8_next(STR("x"), 1, &point), 0);
	ck_assert_uint_eq(point, 0x10ffff);
}
END_TEST

/* SipHash-1-3 of 00 01 02 .. under the key 00 01 .. 0f, computed by an
 * implementation of ours in another language whose 2-4 form
 * gives the paper's vector. */
static const struct {
	size_t n;
	uint64_t want;
} sips[] = {
	{ 0, 0xabac0158050fc4dcu },
	{ 1, 0xc9f49bf37d57ca93u },
	{ 7, 0xd3927d989bb11140u },
	{ 8, 0x369095118d299a8eu },
	{ 9, 0x25a48eb36c063de4u },
	{ 15, 0xd320d86d2a519956u },
	{ 16, 0xcc4fdd1a7d908b66u },
	{ 63, 0x9d199062b7bbb3a8u },
};

START_TEST(sip13_is_siphash)
{
	char bytes[64];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)i;
	ck_assert_uint_eq(str_sip13(0x0706050403020100u, 0x0f0e0d0c0b0a0908u,
			      (struct str){ bytes, sips[_i].n }),
	    sips[_i].want);
}
END_TEST

START_TEST(hash_is_seeded_and_salted)
{
	uint64_t first;

	str_hash_seed(1);
	first = str_hash(STR("key"), 0);
	ck_assert_uint_eq(str_hash(STR("key"), 0), first);
	ck_assert_uint_ne(str_hash(STR("key"), 1), first);
	ck_assert_uint_ne(str_hash(STR("kez"), 0), first);
	str_hash_seed(2);
	ck_assert_uint_ne(str_hash(STR("key"), 0), first);
}
END_TEST

START_TEST(buf_grows)
{
	struct buf b = { 0 };

	ck_str_is(buf_str(&b), "");
	for (int i = 0; i < 1000; i++) {
		buf_byte(&b, 'a');
		buf_addz(&b, "bc");
		buf_printf(&b, "%d", i % 10);
		buf_add(&b, STR("\0"));
	}
	ck_assert(buf_ok(&b));
	ck_assert_uint_eq(b.n, 5000);
	ck_assert(str_eq(str_sub(buf_str(&b), 4995, 5000), STR("abc9\0")));
	ck_assert_int_eq(b.p[b.n], '\0');
	buf_free(&b);
	ck_assert_uint_eq(b.n, 0);
	buf_free(&b);
}
END_TEST

/* Small ones are copied, large ones handed over; the bytes are the same. */
START_TEST(buf_take_moves)
{
	static const size_t sizes[] = { 0, 1, 1000, (1u << 20) - 1, 1u << 20,
		3000001 };
	size_t n = sizes[_i];
	struct arena *a = arena_new(0);
	struct buf b = { 0 };
	char *p;

	for (size_t i = 0; i < n; i++)
		buf_byte(&b, (char)(i * 31 % 251));
	p = buf_take(&b, a);
	ck_assert_ptr_nonnull(p);
	ck_assert_uint_eq(b.n, 0);
	ck_assert_ptr_null(b.p);
	for (size_t i = 0; i < n; i++)
		if (p[i] != (char)(i * 31 % 251))
			ck_abort_msg("byte %zu of %zu", i, n);
	buf_free(&b);
	arena_free(a);
}
END_TEST

START_TEST(buf_take_fails_whole)
{
	struct arena *a = arena_new(32);
	struct buf b = { 0 };

	for (size_t i = 0; i < 100; i++)
		buf_byte(&b, 'x');
	ck_assert_ptr_null(buf_take(&b, a));
	ck_assert_uint_eq(b.n, 100);
	ck_assert(buf_ok(&b));
	buf_free(&b);
	arena_free(a);
}
END_TEST

START_TEST(buf_remembers_failure)
{
	struct buf b = { 0 };

	buf_addz(&b, "kept");
	buf_add(&b, (struct str){ "x", SIZE_MAX });
	ck_assert(!buf_ok(&b));
	buf_addz(&b, "late");
	ck_str_is(buf_str(&b), "kept");
	ck_assert(!buf_ok(&b));
	buf_free(&b);
}
END_TEST

static const struct {
	struct str text;
	const char *plain, *ascii, *quoted;
} escapes[] = {
	{ STR_INIT("a b"), "a b", "a b", "\"a b\"" },
	{ STR_INIT("a\nb\r\t"), "a\\u{a}b\\u{d}\\u{9}", "a\\u{a}b\\u{d}\\u{9}",
	    "\"a\\u{a}b\\u{d}\\u{9}\"" },
	{ STR_INIT("\0\x1b[0m\x7f"), "\\u{0}\\u{1b}[0m\\u{7f}",
	    "\\u{0}\\u{1b}[0m\\u{7f}", "\"\\u{0}\\u{1b}[0m\\u{7f}\"" },
	{ STR_INIT("\xc3\xa9"), "\xc3\xa9", "\\u{e9}", "\"\\u{e9}\"" },
	/* U+009B is the control sequence introducer in one character. */
	{ STR_INIT("\xc2\x9b"), "\\u{9b}", "\\u{9b}", "\"\\u{9b}\"" },
	/* Right-to-left override: text that reads other than it is. */
	{ STR_INIT("\xe2\x80\xae"), "\\u{202e}", "\\u{202e}", "\"\\u{202e}\"" },
	{ STR_INIT("\xff"
		   "a\xc3"),
	    "\\xffa\\xc3", "\\xffa\\xc3", "\"\\xffa\\xc3\"" },
	{ STR_INIT("\"\\"), "\"\\", "\"\\", "\"\\\"\\\\\"" },
};

START_TEST(escaped_drives_no_terminal)
{
	struct buf plain = { 0 }, ascii = { 0 }, quoted = { 0 };

	buf_escaped(&plain, escapes[_i].text, false);
	buf_escaped(&ascii, escapes[_i].text, true);
	buf_quoted(&quoted, escapes[_i].text);
	ck_str_is(buf_str(&plain), escapes[_i].plain);
	ck_str_is(buf_str(&ascii), escapes[_i].ascii);
	ck_str_is(buf_str(&quoted), escapes[_i].quoted);
	buf_free(&plain);
	buf_free(&ascii);
	buf_free(&quoted);
}
END_TEST

/* Words and what is left of them, from every byte on. */
START_TEST(utf8_len_of_any_length)
{
	static const char text[] = "a\u00e9\u20ac\U0001f600 plain words "
				   "\u00e9\u00e9\u00e9\u00e9\u00e9 "
				   "and a run of plain words that is longer "
				   "than two steps of any size, \u20ac";

	for (size_t from = 0; from < sizeof text; from++)
		for (size_t to = from; to < sizeof text; to++) {
			size_t want = 0;

			for (size_t i = from; i < to; i++)
				want += ((unsigned char)text[i] & 0xc0) != 0x80;
			ck_assert_uint_eq(str_utf8_len((struct str){
					      text + from, to - from }),
			    want);
		}
}
END_TEST

START_TEST(buf_over_lent_bytes)
{
	char room[8];
	struct buf b = buf_over(room, sizeof room);

	buf_addz(&b, "seven..");
	ck_assert(buf_ok(&b));
	ck_assert_uint_eq(buf_str(&b).n, 7);
	buf_byte(&b, '8');
	ck_assert(!buf_ok(&b));
	ck_assert_uint_eq(buf_str(&b).n, 7);
	buf_free(&b);
	ck_assert_ptr_null(b.p);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("str");
	TCase *tc = tcase_create("str");

	tcase_add_test(tc, utf8_len_of_any_length);
	tcase_add_test(tc, buf_over_lent_bytes);
	tcase_add_loop_test(tc, cmp_orders_by_bytes, 0, ARRAY_LEN(orders));
	tcase_add_test(tc, slices_keep_nul);
	tcase_add_test(tc, empty_slices_need_no_bytes);
	tcase_add_loop_test(tc, sub_clips, 0, ARRAY_LEN(subs));
	tcase_add_test(tc, prefix_suffix_find);
	tcase_add_test(tc, copies_live_in_the_arena);
	tcase_add_test(tc, copies_fail_over_the_limit);
	tcase_add_loop_test(
	    tc, to_u64_takes_digits_alone, 0, ARRAY_LEN(numbers));
	tcase_add_loop_test(tc, utf8_is_well_formed, 0, ARRAY_LEN(utf8));
	tcase_add_test(tc, utf8_is_wrong_anywhere);
	tcase_add_test(tc, utf8_next_gives_code_points);
	tcase_add_loop_test(tc, sip13_is_siphash, 0, ARRAY_LEN(sips));
	tcase_add_test(tc, hash_is_seeded_and_salted);
	tcase_add_test(tc, buf_grows);
	tcase_add_test(tc, buf_remembers_failure);
	tcase_add_loop_test(tc, buf_take_moves, 0, 6);
	tcase_add_test(tc, buf_take_fails_whole);
	tcase_add_loop_test(
	    tc, escaped_drives_no_terminal, 0, ARRAY_LEN(escapes));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
