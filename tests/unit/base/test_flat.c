/* Flat JSON: what is plain, and that plain text and the tree of the same text
 * make one list. */
#include "base/flat.h"

#include <stdlib.h>

#include "tests/lib/run.h"

#define BYTES 400u
#define DEPTH 4u
#define VALUES 40u

static bool
is_plain(struct arena *a, struct str text, struct flat **ret, bool *canonical)
{
	*canonical = false;
	return flat_read(a, text, BYTES, DEPTH, VALUES, ret, canonical);
}

/* One list, but for the text of what has something inside. */
static void
check_same(const struct flat *x, const struct flat *y, struct str text)
{
	ck_assert_uint_eq(x->span, y->span);
	for (uint32_t i = 0; i < x->span; i++) {
		const struct flat *v = &x[i], *w = &y[i];

		ck_assert_msg(
		    v->kind == w->kind && v->n == w->n && v->span == w->span &&
			v->number == w->number && str_eq(v->name, w->name) &&
			(v->kind != FLAT_STRING || str_eq(v->text, w->text)),
		    "value %u of %.*s", (unsigned)i, STR_ARG(text));
	}
}

/* What is plain is what jansson takes it for. */
static bool
check_against_tree(struct arena *a, struct str text)
{
	struct flat *plain;
	const struct flat *list;
	struct error e = { 0 };
	json_t *tree, *again;
	bool canonical;

	if (!is_plain(a, text, &plain, &canonical))
		return false;
	ck_assert_msg(
	    json_parse(text, NULL, text.n, DEPTH, JSON_NO_NUL, &tree, &e),
	    "%.*s: %s", STR_ARG(text), e.msg);
	ck_assert(flat_of_json(a, tree, &list));
	check_same(plain, list, text);
	again = flat_to_json(plain);
	ck_assert(json_equal(again, tree));
	json_decref(again);
	json_decref(tree);
	return true;
}

static const struct {
	const char *note, *text;
	bool is_plain, is_canonical;
} texts[] = {
	{ "nothing inside", "{}", true, true },
	{ "space", " { \n}\t\r", true, false },
	{ "every kind", "{\"a\":[1,-2,0,true,false,null,\"\",[],{}]}", true,
	    true },
	{ "order", "{\"b\":1,\"a\":2}", true, false },
	{ "order of a prefix", "{\"a\":1,\"ab\":2,\"b\":3}", true, true },
	{ "order inside", "{\"a\":{\"b\":1,\"a\":2}}", true, false },
	{ "order starts anew inside", "{\"x\":{\"a\":1},\"y\":{\"a\":1}}", true,
	    true },
	{ "twice in order", "{\"a\":1,\"a\":2}", false, false },
	{ "twice out of order", "{\"a\":1,\"c\":2,\"b\":3,\"a\":4}", false,
	    false },
	{ "twice, the later ones", "{\"c\":2,\"b\":3,\"d\":1,\"d\":4}", false,
	    false },
	{ "escape", "{\"a\":\"\\n\"}", false, false },
	{ "escape in a name", "{\"\\u0061\":1}", false, false },
	{ "control", "{\"a\":\"\n\"}", false, false },
	{ "delete is no control", "{\"a\":\"\x7f\"}", true, true },
	{ "umlaut", "{\"a\":\"\xc3\xa4\"}", false, false },
	{ "real", "{\"a\":1.0}", false, false },
	{ "exponent", "{\"a\":1e2}", false, false },
	{ "minus zero", "{\"a\":-0}", false, false },
	{ "zero in front", "{\"a\":01}", false, false },
	{ "plus", "{\"a\":+1}", false, false },
	{ "minus alone", "{\"a\":-}", false, false },
	{ "2^53", "{\"a\":9007199254740992}", true, true },
	{ "2^53 and one", "{\"a\":9007199254740993}", true, false },
	{ "-2^53 less one", "{\"a\":-9007199254740993}", true, false },
	{ "18 digits", "{\"a\":999999999999999999}", true, false },
	{ "19 digits", "{\"a\":1000000000000000000}", false, false },
	{ "a list", "[1]", false, false },
	{ "a text", "\"a\"", false, false },
	{ "empty", "", false, false },
	{ "two", "{}{}", false, false },
	{ "a comma more", "{\"a\":1,}", false, false },
	{ "a comma less", "{\"a\":1\"b\":2}", false, false },
	{ "a comma more in a list", "{\"a\":[1,]}", false, false },
	{ "no value", "{\"a\":}", false, false },
	{ "no name", "{:1}", false, false },
	{ "name without quotes", "{a:1}", false, false },
	{ "open", "{\"a\":[1", false, false },
	{ "open text", "{\"a\":\"b", false, false },
	{ "closed otherwise", "{\"a\":[1}}", false, false },
	{ "half a word", "{\"a\":tru}", false, false },
	{ "a longer word", "{\"a\":truer}", false, false },
	{ "deep enough", "{\"a\":{\"b\":[[]]}}", true, true },
	{ "too deep", "{\"a\":{\"b\":[[[]]]}}", false, false },
};

START_TEST(a_text)
{
	struct arena *a = arena_new(0);
	struct str text = str_of(texts[_i].text);
	struct flat *root;
	bool canonical;

	ck_assert_msg(
	    is_plain(a, text, &root, &canonical) == texts[_i].is_plain, "%s",
	    texts[_i].note);
	ck_assert_msg(
	    canonical == texts[_i].is_canonical, "%s", texts[_i].note);
	(void)check_against_tree(a, text);
	arena_free(a);
}
END_TEST

/* `n` items, a falling number in each. */
static struct str
numbered(struct arena *a, const char *open, const char *before,
    const char *after, size_t n, const char *close)
{
	struct buf b = { 0 };
	struct str text;

	buf_addz(&b, open);
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%s%s%zu%s", i ? "," : "", before, n - i, after);
	buf_addz(&b, close);
	text = str_dup(a, buf_str(&b));
	buf_free(&b);
	return text;
}

START_TEST(limits)
{
	struct arena *a = arena_new(0);
	struct str text = STR("{\"a\":1}");
	struct flat *root;

	ck_assert(flat_read(a, text, text.n, 1, 2, &root, NULL));
	ck_assert(!flat_read(a, text, text.n - 1, 1, 2, &root, NULL));
	ck_assert(!flat_read(a, text, text.n, 0, 2, &root, NULL));
	ck_assert(!flat_read(a, text, text.n, 1, 1, &root, NULL));
	ck_assert(check_against_tree(
	    a, numbered(a, "{", "\"", "\":1", FLAT_MEMBERS, "}")));
	ck_assert(!check_against_tree(
	    a, numbered(a, "{", "\"", "\":1", FLAT_MEMBERS + 1, "}")));
	/* The object and the list count. */
	ck_assert(check_against_tree(
	    a, numbered(a, "{\"a\":[", "", "", VALUES - 2, "]}")));
	ck_assert(!check_against_tree(
	    a, numbered(a, "{\"a\":[", "", "", VALUES - 1, "]}")));
	arena_free(a);
}
END_TEST

/* Moved in memory while it grows. */
START_TEST(many_values)
{
	struct arena *a = arena_new(0);
	struct str text =
	    numbered(a, "{\"a\":{\"b\":[", "[", ",\"x\"]", 500, "]},\"c\":7}");
	struct flat *root;

	ck_assert(flat_read(a, text, text.n, DEPTH, 2000, &root, NULL));
	ck_assert_uint_eq(root->span, 1504);
	ck_assert_int_eq(flat_get(root, STR("c"))->number, 7);
	ck_assert_ptr_null(flat_get(root, STR("b")));
	ck_assert_ptr_null(flat_get(flat_get(root, STR("c")), STR("b")));
	flat_remove(root, flat_get(root, STR("c")));
	ck_assert_ptr_null(flat_get(root, STR("c")));
	ck_assert_uint_eq(root->n, 1);
	ck_assert_uint_eq(flat_get(root, STR("a"))->span, 1502);
	arena_free(a);
}
END_TEST

/* No byte behind the text is looked at, wherever it is cut. */
START_TEST(cut_anywhere)
{
	const char *whole = "{\"ab\":[12,true,null],\"c\":{\"d\":\"e\"}}";

	for (size_t n = 0; n <= strlen(whole); n++) {
		struct arena *a = arena_new(0);
		char *copy = malloc(n + 1); /* the sanitizer sees the end */

		memcpy(copy, whole, n);
		copy = realloc(copy, n ? n : 1);
		ck_assert(check_against_tree(a, (struct str){ copy, n }) ==
			  (n == strlen(whole)));
		free(copy);
		arena_free(a);
	}
}
END_TEST

/* A few edits of plain text: what is still plain is what jansson has. */
START_TEST(edited)
{
	static const char *const pieces[] = { "\"", "\\", ",", ":", "{", "}",
		"[", "]", " ", "\n", "0", "-", "1", "9", ".", "e", "true",
		"null", "\"a\":1,", "\"a\":", ",\"b\":2", "\xc3\xa4", "\x01" };
	const char *start =
	    "{\"a\":\"x\",\"b\":[1,-2,{}],\"c\":{\"d\":true,\"a\":null}}";
	struct arena *a = arena_new(0);
	size_t n_plain = 0;

	srandom((unsigned)_i);
	for (int i = 0; i < 4000; i++) {
		struct buf b = { 0 };
		struct str text = str_of(start);

		for (long edits = random() % 3 + 1; edits > 0; edits--) {
			size_t at = (size_t)random() % (text.n + 1);
			size_t cut = (size_t)random() % 3;

			b.n = 0;
			buf_add(&b, str_sub(text, 0, at));
			buf_addz(
			    &b, pieces[(size_t)random() % ARRAY_LEN(pieces)]);
			buf_add(&b, str_sub(text, at + cut, text.n));
			text = str_dup(a, buf_str(&b));
		}
		n_plain += check_against_tree(a, text);
		buf_free(&b);
		arena_reset(a);
	}
	/* Both happen, so the loop looks at something. */
	ck_assert_uint_gt(n_plain, 100);
	ck_assert_uint_lt(n_plain, 3900);
	arena_free(a);
}
END_TEST

/* A byte that a plain string has not, at each place of one: it is seen, however
 * many bytes are looked at together. */
START_TEST(every_byte_everywhere)
{
	struct arena *a = arena_new(0);
	struct flat *plain;
	bool canonical;

	for (unsigned at = 0; at < 20; at++)
		for (unsigned c = 0; c < 256; c++) {
			char text[] = "{\"a\":\"bcdefghijklmnopqrstu\"}";
			bool is_stop =
			    c < 0x20 || c >= 0x80 || c == '"' || c == '\\';
			struct str s = { text, sizeof text - 1 };

			text[6 + at] = (char)c;
			ck_assert_int_eq(
			    is_plain(a, s, &plain, &canonical), !is_stop);
			ck_assert(is_stop ||
				  str_eq(plain[1].text, str_sub(s, 6, 26)));
			arena_reset(a);
		}
	arena_free(a);
}
END_TEST

static const struct {
	const char *text;
	size_t known;
	int at[3]; /* which member each row finds, from 1; 0: none */
} matches[] = {
	{ "{}", 0, { 0, 0, 0 } },
	{ "{\"a\":1,\"bb\":2,\"c\":3}", 3, { 1, 2, 3 } },
	{ "{\"c\":1,\"bb\":2,\"a\":3}", 3, { 3, 2, 1 } },
	{ "{\"c\":1,\"d\":2,\"a\":3}", 2, { 3, 0, 1 } },
	{ "{\"d\":1,\"bc\":2,\"b\":3}", 0, { 0, 0, 0 } },
	{ "{\"bb\":1,\"x\":2,\"y\":3,\"z\":4}", 1, { 0, 1, 0 } },
};

START_TEST(members_by_a_table)
{
	static const struct {
		struct str name;
		int more;
	} rows[] = { { STR_INIT("a"), 0 }, { STR_INIT("bb"), 0 },
		{ STR_INIT("c"), 0 } };
	const struct flat *found[3] = { 0 };
	struct arena *a = arena_new(0);
	struct flat *plain;
	bool canonical;

	ck_assert(is_plain(a, str_of(matches[_i].text), &plain, &canonical));
	ck_assert_uint_eq(
	    flat_match(plain, rows, ARRAY_LEN(rows), sizeof rows[0], found),
	    matches[_i].known);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert_ptr_eq(found[i], flat_get(plain, rows[i].name));
		ck_assert_ptr_eq(found[i],
		    matches[_i].at[i] ? plain + matches[_i].at[i] : NULL);
	}
	arena_free(a);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("flat");
	TCase *tc = tcase_create("flat");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_text, 0, ARRAY_LEN(texts));
	tcase_add_test(tc, every_byte_everywhere);
	tcase_add_loop_test(tc, members_by_a_table, 0, ARRAY_LEN(matches));
	tcase_add_test(tc, limits);
	tcase_add_test(tc, many_values);
	tcase_add_test(tc, cut_anywhere);
	tcase_add_loop_test(tc, edited, 0, 4);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
