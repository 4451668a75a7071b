/* test_base64.c - one text for one sequence of bytes, both forms. */
#include "base/base64.h"

#include <ctype.h>

#include "base/arena.h"
#include "tests/lib/run.h"

/* RFC 4648 section 10, and the two letters that differ. */
static const struct {
	struct str bytes;
	const char *standard, *url;
} pairs[] = {
	{ STR_INIT(""), "", "" },
	{ STR_INIT("f"), "Zg==", "Zg" },
	{ STR_INIT("fo"), "Zm8=", "Zm8" },
	{ STR_INIT("foo"), "Zm9v", "Zm9v" },
	{ STR_INIT("foob"), "Zm9vYg==", "Zm9vYg" },
	{ STR_INIT("fooba"), "Zm9vYmE=", "Zm9vYmE" },
	{ STR_INIT("foobar"), "Zm9vYmFy", "Zm9vYmFy" },
	{ STR_INIT("\xfb\xff\xbf"), "+/+/", "-_-_" },
	{ STR_INIT("\0\0\0\0"), "AAAAAA==", "AAAAAA" },
	{ STR_INIT("\xff\xff"), "//8=", "__8" },
};

static void
check_pair(enum base64_form form, struct str bytes, const char *text)
{
	struct arena *a = arena_new(0);
	struct buf b = { 0 };
	struct str back = { 0 };

	base64_encode(&b, form, bytes);
	ck_str_is(buf_str(&b), text);
	ck_assert_msg(base64_decode(a, form, str_of(text), &back), "%s", text);
	ck_assert(str_eq(back, bytes));
	buf_free(&b);
	arena_free(a);
}

START_TEST(both_ways)
{
	check_pair(BASE64_STANDARD, pairs[_i].bytes, pairs[_i].standard);
	check_pair(BASE64_URL, pairs[_i].bytes, pairs[_i].url);
}
END_TEST

static const struct {
	const char *note;
	enum base64_form form;
	struct str text;
} bad[] = {
	{ "no padding", BASE64_STANDARD, STR_INIT("Zg") },
	{ "half the padding", BASE64_STANDARD, STR_INIT("Zg=") },
	{ "too much padding", BASE64_STANDARD, STR_INIT("Zm9v====") },
	{ "three pads", BASE64_STANDARD, STR_INIT("Z===") },
	{ "padding alone", BASE64_STANDARD, STR_INIT("====") },
	{ "two pads alone", BASE64_STANDARD, STR_INIT("==") },
	{ "padding inside", BASE64_STANDARD, STR_INIT("Zg==Zm9v") },
	{ "a letter behind a pad", BASE64_STANDARD, STR_INIT("Zm=v") },
	{ "trailing bits, one byte", BASE64_STANDARD, STR_INIT("Zh==") },
	{ "trailing bits, two bytes", BASE64_STANDARD, STR_INIT("Zm9=") },
	{ "one letter over", BASE64_STANDARD, STR_INIT("Zm9vY") },
	{ "line break", BASE64_STANDARD, STR_INIT("Zm9v\nYmFy\n\n\n") },
	{ "space", BASE64_STANDARD, STR_INIT("Zm 9v==") },
	{ "NUL", BASE64_STANDARD, STR_INIT("Zm9\0") },
	{ "high bit", BASE64_STANDARD, STR_INIT("Zm9\xf6") },
	{ "the other form's letter", BASE64_STANDARD, STR_INIT("-_-_") },
	{ "padding in URL form", BASE64_URL, STR_INIT("Zg==") },
	{ "one pad in URL form", BASE64_URL, STR_INIT("Zm8=") },
	{ "standard letter", BASE64_URL, STR_INIT("+/+/") },
	{ "length 1", BASE64_URL, STR_INIT("Z") },
	{ "length 5", BASE64_URL, STR_INIT("Zm9vY") },
	{ "trailing bits, URL", BASE64_URL, STR_INIT("Zh") },
	{ "trailing bits, URL", BASE64_URL, STR_INIT("Zm9") },
};

START_TEST(refuses)
{
	struct arena *a = arena_new(0);
	struct str out = STR("untouched");

	ck_assert_msg(!base64_decode(a, bad[_i].form, bad[_i].text, &out), "%s",
	    bad[_i].note);
	ck_str_is(out, "untouched");
	arena_free(a);
}
END_TEST

START_TEST(every_byte_comes_back)
{
	char bytes[256];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)i;
	for (int form = BASE64_STANDARD; form <= BASE64_URL; form++) {
		for (size_t n = 0; n <= sizeof bytes; n++) {
			struct arena *a = arena_new(0);
			struct buf b = { 0 };
			struct str back;

			base64_encode(&b, (enum base64_form)form,
			    (struct str){ bytes, n });
			ck_assert(base64_decode(
			    a, (enum base64_form)form, buf_str(&b), &back));
			ck_assert(str_eq(back, (struct str){ bytes, n }));
			buf_free(&b);
			arena_free(a);
		}
	}
}
END_TEST

/* Each byte at each place: it is a letter, or refused. */
START_TEST(every_letter_everywhere)
{
	static const char *const marks[] = { "+/", "-_" };
	struct arena *a = arena_new(0);

	for (unsigned i = 0; i < 256u * 11u; i++) {
		char text[] = "QUJDREVGR0g"; /* and one more: 8 bytes */
		unsigned char c = (unsigned char)(i % 256);
		enum base64_form form = (enum base64_form)_i;
		bool is_letter = c && (isalnum(c) || strchr(marks[_i], c));
		struct str in = { text, 11 }, out = { 0 };
		struct buf again = { 0 };
		char padded[12];
		bool ok;

		text[i / 256] = (char)c;
		if (form == BASE64_STANDARD) {
			memcpy(padded, text, 11);
			padded[11] = '=';
			in = (struct str){ padded, 12 };
		}
		ok = base64_decode(a, form, in, &out);
		ck_assert(!ok || is_letter);
		/* But the last, of which two bits are none. */
		ck_assert(ok || !is_letter || i / 256 == 10);
		base64_encode(&again, form, out);
		ck_assert(!ok || str_eq(buf_str(&again), in));
		buf_free(&again);
		arena_reset(a);
	}
	arena_free(a);
}
END_TEST

/* The same of a text that is long enough for many letters at a time, of which
 * some are left over at the end. */
START_TEST(every_letter_in_a_long_text)
{
	static const char *const marks[] = { "+/", "-_" };
	enum base64_form form = (enum base64_form)_i;
	struct arena *a = arena_new(0);

	for (unsigned i = 0; i < 256u * 84u; i++) {
		char text[84];
		unsigned char c = (unsigned char)(i % 256);
		bool is_letter = c && (isalnum(c) || strchr(marks[_i], c));
		struct str in = { text, sizeof text }, out = { 0 };
		struct buf again = { 0 };

		for (size_t k = 0; k < sizeof text; k++)
			text[k] = "aB3xY9Qz"[k * 5 % 8];
		text[i / 256] = (char)c;
		ck_assert(base64_is_letters(form, in) == is_letter);
		/* At the end it is padding. */
		if (form == BASE64_STANDARD && c == '=' && i / 256 == 83)
			continue;
		ck_assert(base64_decode(a, form, in, &out) == is_letter);
		base64_encode(&again, form, out);
		ck_assert(!is_letter || str_eq(buf_str(&again), in));
		buf_free(&again);
		arena_reset(a);
	}
	arena_free(a);
}
END_TEST

START_TEST(letters_of_a_form)
{
	ck_assert(base64_is_letters(BASE64_URL, STR("AZaz09-_")));
	ck_assert(base64_is_letters(BASE64_URL, STR("")));
	ck_assert(!base64_is_letters(BASE64_URL, STR("AZaz09+_")));
	ck_assert(!base64_is_letters(BASE64_URL, STR("AAAA=")));
	ck_assert(!base64_is_letters(BASE64_URL, STR("A\0")));
	ck_assert(!base64_is_letters(BASE64_URL, STR("\xc1")));
	ck_assert(base64_is_letters(BASE64_STANDARD, STR("+/")));
	ck_assert(!base64_is_letters(BASE64_STANDARD, STR("-")));
}
END_TEST

START_TEST(into_room_that_is_enough)
{
	char room[8] = { 0 };
	size_t n = 0;

	/* Six letters: 4 bytes, and 5 are asked for. */
	ck_assert(!base64_decode_into(BASE64_URL, STR("Zm9vYg"), room, 4, &n));
	ck_assert(base64_decode_into(BASE64_URL, STR("Zm9vYg"), room, 5, &n));
	ck_assert(n == 4 && memcmp(room, "foob", 4) == 0);
	ck_assert_int_eq(room[5], 0);
	ck_assert(base64_decode_into(BASE64_STANDARD, STR(""), room, 2, &n));
	ck_assert_uint_eq(n, 0);
	ck_assert(!base64_decode_into(BASE64_URL, STR("Zh"), room, 8, &n));
}
END_TEST

START_TEST(no_memory_is_a_refusal)
{
	struct arena *a = arena_new(16);
	struct str out;

	ck_assert(!base64_decode(
	    a, BASE64_URL, STR("Zm9vYmFyZm9vYmFyZm9vYmFy"), &out));
	arena_free(a);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("base64");
	TCase *tc = tcase_create("base64");

	tcase_add_loop_test(tc, both_ways, 0, ARRAY_LEN(pairs));
	tcase_add_loop_test(tc, refuses, 0, ARRAY_LEN(bad));
	tcase_add_test(tc, every_byte_comes_back);
	tcase_add_loop_test(tc, every_letter_everywhere, 0, 2);
	tcase_add_loop_test(tc, every_letter_in_a_long_text, 0, 2);
	tcase_add_test(tc, letters_of_a_form);
	tcase_add_test(tc, into_room_that_is_enough);
	tcase_add_test(tc, no_memory_is_a_refusal);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
