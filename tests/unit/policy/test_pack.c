/* test_pack.c - a text that was packed and put together again is what it was;
 * what comes again costs little; and whatever packed bytes say, nothing outside
 * of them is read. */
#include "policy/pack.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "tests/lib/run.h"

static struct arena *a;
static struct packer *p;

static void
setup(void)
{
	a = arena_new(0);
	p = packer_new(a);
	ck_assert(p != NULL);
}

static void
teardown(void)
{
	packer_free(p);
	arena_free(a);
}

static void
same(size_t at, struct str want,
    bool (*unpack)(struct unpacking *u, struct unpacked *to))
{
	struct packed view = packer_view(p);
	struct unpacking u = { &view, at };
	char *room = arena_alloc(a, want.n + 1);
	struct unpacked counted = { .room = want.n };
	struct unpacked to = { room, 0, want.n };

	ck_assert(unpack(&u, &counted));
	ck_assert_uint_eq(counted.n, want.n);
	u.at = at;
	ck_assert(unpack(&u, &to));
	ck_assert_msg(str_eq((struct str){ to.p, to.n }, want),
	    "%.*s, not %.*s", (int)to.n, to.p, STR_ARG(want));
	if (want.n == 0)
		return;
	u.at = at;
	to = (struct unpacked){ room, 0, want.n - 1 };
	ck_assert_msg(!unpack(&u, &to), "more than there is room for");
}

static const struct str texts[] = {
	STR_INIT(""),
	STR_INIT("permit (principal, action, resource);"),
	STR_INIT("permit (principal == User::\"alice\", action, resource) when "
		 "{ context.n == 17 };"),
	STR_INIT("permit (principal == User::\"bob\", action, resource) when "
		 "{ context.n == 0 };"),
	STR_INIT("0"),
	STR_INIT("00"),
	STR_INIT("007 9223372036854775807 18446744073709551616"),
	STR_INIT("999999999999999999 1000000000000000000"),
	STR_INIT("\"\""),
	STR_INIT("\"a\\\"b\" \"\\\\\" \"open"),
	STR_INIT("\"ends with a backslash\\"),
	STR_INIT("\"g0\" \"g00\" \"g1\" \"g01\" \"g10\" \"10\" \"1g\""),
	STR_INIT("// a comment with \"quotes\" and 17\nx // another"),
	STR_INIT("http://x/1 a/b / c //"),
	STR_INIT("a\0b \"c\0d\""),
	STR_INIT("\xff\xfe \"\x80\" 1"),
	STR_INIT("\"0123456789012345678901234567890123456789012345678901234567"
		 "89012345678901234567890123456789\""),
};

START_TEST(comes_back)
{
	size_t at[ARRAY_LEN(texts) * 3];

	/* Words have their numbers from the second time on. */
	for (size_t i = 0; i < ARRAY_LEN(at); i++) {
		at[i] = packer_at(p);
		pack_text(p, texts[i % ARRAY_LEN(texts)]);
	}
	ck_assert(packer_check(p));
	for (size_t i = 0; i < ARRAY_LEN(at); i++)
		same(at[i], texts[i % ARRAY_LEN(texts)], unpack_text);
}
END_TEST

START_TEST(parts_come_back)
{
	for (size_t k = 0; k < 3; k++)
		for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
			size_t at = packer_at(p);

			pack_part(p, texts[i]);
			same(at, texts[i], unpack_part);
		}
}
END_TEST

/* Bytes of an alphabet that is all cuts. */
START_TEST(any_bytes_come_back)
{
	static const char alphabet[] = "\"\"\\/001a9\n\xc3\xa9 ";
	uint32_t seed = (uint32_t)_i * 2654435761u + 1;

	for (size_t k = 0; k < 2000; k++) {
		char bytes[40];
		size_t n, at = packer_at(p);

		seed = seed * 1664525u + 1013904223u;
		n = (seed >> 16) % sizeof bytes;
		for (size_t i = 0; i < n; i++) {
			seed = seed * 1664525u + 1013904223u;
			bytes[i] =
			    alphabet[(seed >> 16) % (sizeof alphabet - 1)];
		}
		pack_text(p, (struct str){ bytes, n });
		same(at, (struct str){ bytes, n }, unpack_text);
	}
	ck_assert(packer_check(p));
}
END_TEST

/* The shape once, then its number and two bytes a part. */
START_TEST(costs_little)
{
	char text[160];
	size_t n_text = 0, before = 0;

	for (int i = 0; i < 100; i++) {
		int n = snprintf(text, sizeof text,
		    "permit (principal == User::\"u%d\", action == "
		    "Action::\"read\", resource in Album::\"al%d\") when { "
		    "context.n == %d };",
		    i, 99 - i, i * 7);

		if (i == 3)
			before = packer_at(p);
		pack_text(p, (struct str){ text, (size_t)n });
		n_text += i >= 3 ? (size_t)n : 0;
	}
	ck_assert_uint_lt(packer_at(p) - before, 97 * 10);
	ck_assert_uint_gt(n_text, 97 * 100);
}
END_TEST

/* Nothing is shared: a text costs few bytes more than itself. */
START_TEST(alone_costs_little_more)
{
	char text[400];
	size_t n = 0;
	struct packed view;

	for (int c = 'a'; c <= 'z'; c++)
		n += (size_t)snprintf(text + n, sizeof text - n,
		    "%c%c(\"%c word %c\") ", c, c, c, c);
	pack_text(p, (struct str){ text, n });
	view = packer_view(p);
	ck_assert_uint_lt(view.n_bytes + view.n_shapes, n + 26 * 3);
}
END_TEST

/* ---- hostile --------------------------------------------------------------
 */

static bool
unpack_bytes(const char *bytes, size_t n, struct packed *of, struct str *ret)
{
	static char room[64];
	struct unpacking u = { of, 0 };
	struct unpacked to = { room, 0, sizeof room };
	/* Of just that size: a sanitizer sees what lies outside. */
	char *copy = malloc(n ? n : 1);
	bool ok;

	memcpy(copy, bytes, n);
	of->bytes = copy;
	of->n_bytes = n;
	ok = unpack_text(&u, &to);
	free(copy);
	*ret = (struct str){ to.p, to.n };
	return ok;
}

static const char shapes[] = "\1a\1b\3xyz\5cut";
static const uint32_t shape_ends[] = { 4, 8, 12, 3, 99, UINT32_MAX };
static const uint32_t word_ends[] = { 3, 2, 99 };

static const struct {
	const char *note;
	struct str bytes;
	const char *want; /* NULL: refused */
} hostile[] = {
	{ "nothing", STR_INIT(""), NULL },
	{ "a number without end", STR_INIT("\x80\x80\x80"), NULL },
	{ "one of ten bytes",
	    STR_INIT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), NULL },
	{ "a shape with a part", STR_INIT("\0\x1c"), "a7b" },
	{ "without its part", STR_INIT("\0"), NULL },
	{ "a shape alone", STR_INIT("\1"), "xyz" },
	{ "one whose piece is cut", STR_INIT("\2"), NULL },
	{ "one that ends before it begins", STR_INIT("\3"), NULL },
	{ "one that lies outside", STR_INIT("\4"), NULL },
	{ "at the end of numbers", STR_INIT("\5"), NULL },
	{ "no such shape", STR_INIT("\6"), NULL },
	{ "no such shape by far", STR_INIT("\xff\xff\xff\xff\x0f"), NULL },
	{ "bytes", STR_INIT("\0\x09zz"), "azzb" },
	{ "more bytes than there are", STR_INIT("\0\x0dzz"), NULL },
	{ "bytes without end", STR_INIT("\0\xfd\xff\xff\xff\xff\xff\xff\x7f"),
	    NULL },
	{ "a word", STR_INIT("\0\2"), "aWORb" },
	{ "a word that ends before it begins", STR_INIT("\0\6"), NULL },
	{ "a word that lies outside", STR_INIT("\0\x0a"), NULL },
	{ "no such word", STR_INIT("\0\x0e"), NULL },
	{ "a word and a number", STR_INIT("\0\3\x7b"), "aWOR123b" },
	{ "without the number", STR_INIT("\0\3"), NULL },
};

START_TEST(is_not_believed)
{
	struct packed of = { NULL, shape_ends, shapes, word_ends, "WORDS", 0,
		ARRAY_LEN(shape_ends), sizeof shapes - 1, ARRAY_LEN(word_ends),
		5 };
	struct str got;
	bool ok =
	    unpack_bytes(hostile[_i].bytes.p, hostile[_i].bytes.n, &of, &got);

	ck_assert_msg(ok == (hostile[_i].want != NULL), "%s", hostile[_i].note);
	if (ok)
		ck_assert_msg(str_eq(got, str_of(hostile[_i].want)), "%s: %.*s",
		    hostile[_i].note, STR_ARG(got));
}
END_TEST

START_TEST(no_bytes_lead_astray)
{
	struct packed of = { NULL, shape_ends, shapes, word_ends, "WORDS", 0,
		ARRAY_LEN(shape_ends), sizeof shapes - 1, ARRAY_LEN(word_ends),
		5 };
	struct str got;

	for (unsigned i = 0; i < 1u << 16; i++) {
		char bytes[3] = { (char)_i, (char)i, (char)(i >> 8) };

		(void)unpack_bytes(bytes, sizeof bytes, &of, &got);
		ck_assert_uint_le(got.n, 64);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("pack");
	TCase *tc = tcase_create("pack");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, comes_back);
	tcase_add_test(tc, parts_come_back);
	tcase_add_loop_test(tc, any_bytes_come_back, 0, 4);
	tcase_add_test(tc, costs_little);
	tcase_add_test(tc, alone_costs_little_more);
	tcase_add_loop_test(tc, is_not_believed, 0, ARRAY_LEN(hostile));
	tcase_add_loop_test(tc, no_bytes_lead_astray, 0, 7);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
