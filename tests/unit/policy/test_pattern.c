/* test_pattern.c - wildcard patterns, by table and against a simple matcher;
 * regular expressions: what is refused, limits, threads. */
#include "policy/pattern.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/prctl.h>

#include "base/clock.h"
#include "base/limits.h"
#include "tests/lib/run.h"

/* `*` is a star, `@x` a path that stands for "x", else a literal character. */
static size_t
parts_of(const char *pattern, struct ast_part *parts, struct str *paths)
{
	size_t n = 0;

	for (const char *p = pattern; *p; p++, n++) {
		parts[n] = (struct ast_part){ .kind = PART_LITERAL,
			.literal = { p, 1 } };
		if (*p == '*')
			parts[n].kind = PART_STAR;
		if (*p != '@')
			continue;
		parts[n].kind = PART_PATH;
		parts[n].literal = STR("");
		p++;
		paths[n] = *p == '0' ? STR("") : (struct str){ p, 1 };
	}
	return n;
}

static const struct {
	const char *pattern, *text;
	bool want;
} cases[] = {
	{ "", "", true },
	{ "", "a", false },
	{ "*", "", true },
	{ "*", "a\nb", true },
	{ "**", "", true },
	{ "a", "a", true },
	{ "a", "ab", false },
	{ "a*", "a", true },
	{ "a*", "ba", false },
	{ "*a", "ba", true },
	{ "*a", "ab", false },
	{ "a*a", "a", false },
	{ "a*a", "aa", true },
	{ "a*b*c", "aXXbYYc", true },
	{ "a*b*c", "aXXcYYb", false },
	{ "*ab*ab*", "aab", false },
	{ "*ab*ab*", "aabab", true },
	{ "*aab*", "aaab", true },
	{ "a?c", "abc", false },
	{ "a?c", "a?c", true },
	{ "*\xc3\xa9", "caf\xc3\xa9", true },
	{ "*\xa9", "caf\xc3\xaa", false },
	{ "x@yz", "xyz", true },
	{ "x@yz", "xz", false },
	{ "x@0z", "xz", true },
	{ "*@0", "", true },
	{ "*@0*", "", true },
	{ "*@*b*", "a*b", true },
	{ "*@*b*", "ab", false },
	{ "*@0b*", "aab", true },
};

START_TEST(pattern_matches)
{
	struct ast_part parts[16];
	struct str paths[16];
	size_t n = parts_of(cases[_i].pattern, parts, paths);

	ck_assert_msg(pattern_match(parts, n, paths, str_of(cases[_i].text)) ==
			  cases[_i].want,
	    "\"%s\" like \"%s\"", cases[_i].text, cases[_i].pattern);
}
END_TEST

START_TEST(pattern_matches_nul)
{
	const struct ast_part parts[] = {
		{ .kind = PART_LITERAL, .literal = STR_INIT("a\0") },
		{ .kind = PART_STAR },
		{ .kind = PART_LITERAL, .literal = STR_INIT("\0b") },
	};

	ck_assert(pattern_match(parts, 3, NULL, STR("a\0\0b")));
	ck_assert(!pattern_match(parts, 3, NULL, STR("a\0b")));
	ck_assert(!pattern_has_path(parts, 3));
}
END_TEST

/* By definition: a star is nothing, or one character and a star. */
static bool
plain(const char *p, const char *s)
{
	if (*p == '\0')
		return *s == '\0';
	if (*p == '*')
		return plain(p + 1, s) || (*s && plain(p, s + 1));
	return *s == *p && plain(p + 1, s + 1);
}

/* Word `i` of the words over {a, b, *} (or {a, b}) of up to 7 letters. */
static void
word(unsigned i, unsigned letters, char *out)
{
	for (; i > 0; i = (i - 1) / letters)
		*out++ = "ab*"[(i - 1) % letters];
	*out = '\0';
}

START_TEST(pattern_agrees_with_definition)
{
	struct ast_part parts[16];
	struct str paths[16];
	char pattern[16], text[16];

	for (unsigned i = 0; i < 1093; i++)
		for (unsigned k = 0; k < 255; k++) {
			size_t n;

			word(i, 3, pattern);
			word(k, 2, text);
			n = parts_of(pattern, parts, paths);
			ck_assert_msg(pattern_match(parts, n, paths,
					  str_of(text)) == plain(pattern, text),
			    "\"%s\" like \"%s\"", text, pattern);
		}
}
END_TEST

/* A matcher that goes back would need 30 million years. */
START_TEST(pattern_is_linear)
{
	struct ast_part parts[64];
	struct str paths[64];
	char pattern[64] = "", text[10001];
	size_t n;

	for (int i = 0; i < 20; i++)
		strcat(pattern, "a*");
	strcat(pattern, "b");
	memset(text, 'a', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	n = parts_of(pattern, parts, paths);
	ck_assert(!pattern_match(parts, n, paths, str_of(text)));
}
END_TEST

/* --- regular expressions -------------------------------------------------- */

static struct arena *a;

static void
setup(void)
{
	a = arena_new(0);
}

static void
teardown(void)
{
	arena_free(a);
}

static const struct pattern_regex *
compile(const char *text)
{
	const struct pattern_regex *regex = NULL;
	struct error err = { 0 };
	size_t at;

	ck_assert_msg(pattern_compile(a, str_of(text), &regex, &at, &err),
	    "%s: %s", text, err.msg);
	return regex;
}

static const struct {
	const char *pattern;
	enum err_code code;
	size_t at;
} wrong[] = {
	{ "(", ERR_SYNTAX_PATTERN, 1 },
	{ "ab)", ERR_SYNTAX_PATTERN, 2 },
	{ "[a", ERR_SYNTAX_PATTERN, 2 },
	{ "a\\", ERR_SYNTAX_PATTERN, 2 },
	{ "*", ERR_SYNTAX_PATTERN, 0 },
	{ "a\\C", ERR_SYNTAX_PATTERN, 3 },
	{ "(*UTF)a", ERR_SYNTAX_PATTERN, 0 },
	{ "(*NO_JIT)", ERR_SYNTAX_PATTERN, 0 },
	{ "(*LIMIT_MATCH=999999999)a", ERR_SYNTAX_PATTERN, 0 },
	{ "\\1", ERR_SYNTAX_PATTERN, 1 },
	{ "(?<=a*)b", ERR_SYNTAX_PATTERN, 0 },
	{ "((((a{999}){999}){999}){999})", ERR_SYNTAX_PATTERN, 29 },
};

START_TEST(regex_refuses)
{
	const struct pattern_regex *regex = NULL;
	struct error err = { 0 };
	size_t at = 99;

	ck_assert(
	    !pattern_compile(a, str_of(wrong[_i].pattern), &regex, &at, &err));
	ck_assert_msg(
	    err.code == wrong[_i].code, "%s: %s", wrong[_i].pattern, err.msg);
	ck_assert_msg(at == wrong[_i].at, "%s: at %zu", wrong[_i].pattern, at);
	ck_assert_ptr_null(regex);
}
END_TEST

START_TEST(regex_has_a_longest)
{
	char text[LIMIT_PATTERN_BYTES + 2];
	const struct pattern_regex *regex = NULL;
	struct error err = { 0 };
	size_t at;

	memset(text, 'a', sizeof text);
	ck_assert(pattern_compile(
	    a, (struct str){ text, LIMIT_PATTERN_BYTES }, &regex, &at, &err));
	ck_assert(!pattern_compile(a,
	    (struct str){ text, LIMIT_PATTERN_BYTES + 1 }, &regex, &at, &err));
	ck_assert_int_eq(err.code, ERR_LIMIT_SIZE);
}
END_TEST

/* Patterns that take a long time, a deep stack or much memory: an answer or
 * over a limit, and soon. */
static const struct {
	const char *pattern, *piece;
	size_t pieces;
	const char *end;
	bool may_answer;
} hostile[] = {
	{ "(a+)+$", "a", 40, "b", false },
	{ "^(a|a)*$", "a", 40, "b", false },
	{ "(x+x+)+y", "x", 60, "", true },
	{ "^(([a-z])+.)+[A-Z]([a-z])+$", "a", 60, "", true },
	{ "^(?:(a)|b)*$", "ab", 2048, "", true },
	{ "^(a(?1)?b)$", "a", 2000, "b", true },
	{ "(?R)?a", "a", 4000, "", true },
	{ "(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)[^ ]\\1x", "a ", 2000, "",
	    true },
	{ "^(.*?,){40}P", "a,", 60, "", true },
	{ "((((a*)*)*)*)*b", "a", 4000, "", true },
};

static void
search_hostile(int i)
{
	const struct pattern_regex *regex = compile(hostile[i].pattern);
	struct buf text = { 0 };
	int64_t began = clock_mono_ns();
	enum pattern_answer answer;

	for (size_t k = 0; k < hostile[i].pieces; k++)
		buf_addz(&text, hostile[i].piece);
	buf_addz(&text, hostile[i].end);
	answer = pattern_search(regex, buf_str(&text), LIMIT_PATTERN_MATCH);
	if (!hostile[i].may_answer)
		ck_assert_msg(answer == PATTERN_OVER_LIMIT, "%s: %d",
		    hostile[i].pattern, (int)answer);
	ck_assert_int_ne(answer, PATTERN_FAILED);
	/* Some milliseconds; much more under a sanitizer on a busy machine. */
	ck_assert_int_lt(clock_mono_ns() - began, INT64_C(5000000000));
	/* And the thread can go on. */
	ck_assert_int_eq(
	    pattern_search(compile("^b$"), STR("b"), LIMIT_PATTERN_MATCH),
	    PATTERN_YES);
	buf_free(&text);
}

START_TEST(regex_search_ends_soon)
{
	search_hostile(_i);
}
END_TEST

START_TEST(regex_refuses_texts)
{
	const struct pattern_regex *regex = compile("^");
	char text[LIMIT_SUBJECT_BYTES + 1];

	memset(text, 'a', sizeof text);
	ck_assert_int_eq(
	    pattern_search(regex, (struct str){ text, LIMIT_SUBJECT_BYTES }, 9),
	    PATTERN_YES);
	ck_assert_int_eq(
	    pattern_search(regex, (struct str){ text, sizeof text }, 9),
	    PATTERN_FAILED);
	ck_assert_int_eq(
	    pattern_search(regex, STR("a\xff"), 9), PATTERN_FAILED);
	ck_assert_int_eq(pattern_search(NULL, STR("a"), 9), PATTERN_FAILED);
	ck_assert_int_eq(
	    pattern_search(regex, (struct str){ 0 }, 9), PATTERN_YES);
}
END_TEST

static void *
search_often(void *regex)
{
	char text[16];
	size_t wrong_answers = 0;

	for (unsigned i = 0; i < 5000; i++) {
		int n = snprintf(text, sizeof text, "v%u.%u", i, i % 7);
		enum pattern_answer want =
		    i % 7 == 3 ? PATTERN_YES : PATTERN_NO;

		wrong_answers +=
		    pattern_search(regex, (struct str){ text, (size_t)n },
			LIMIT_PATTERN_MATCH) != want;
	}
	return wrong_answers ? regex : NULL;
}

START_TEST(regex_serves_many_threads)
{
	pthread_t threads[4];
	void *regex = (void *)(uintptr_t)compile("^v(\\d+)\\.3$");

	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		ck_assert_int_eq(
		    pthread_create(&threads[i], NULL, search_often, regex), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		void *failed = regex;

		ck_assert_int_eq(pthread_join(threads[i], &failed), 0);
		ck_assert_ptr_null(failed);
	}
}
END_TEST

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#endif

/* Where the system forbids a process to make code, patterns are interpreted,
 * with the same answers and in bounded time too. It stays so: the last test. */
START_TEST(regex_is_interpreted_where_it_must)
{
	static const struct {
		const char *pattern, *text;
		enum pattern_answer want;
	} rows[] = {
		{ "^v(\\d+)\\.3$", "v12.3", PATTERN_YES },
		{ "^v(\\d+)\\.3$", "v12.4", PATTERN_NO },
		{ "^\\w{3}$", "\u00e9t\u00e9", PATTERN_YES },
		{ "^(a(?1)?b)$", "aaabbb", PATTERN_YES },
		{ "(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
		    PATTERN_OVER_LIMIT },
	};

	if (prctl(PR_SET_MDWE, 1ul, 0ul, 0ul, 0ul) != 0) {
		skip("this system cannot forbid it");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_msg(pattern_search(compile(rows[i].pattern),
				  str_of(rows[i].text),
				  LIMIT_PATTERN_MATCH) == rows[i].want,
		    "%s", rows[i].pattern);
	for (size_t i = 0; i < ARRAY_LEN(hostile); i++)
		search_hostile((int)i);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("pattern");
	TCase *tc = tcase_create("pattern");

	tcase_add_loop_test(tc, pattern_matches, 0, ARRAY_LEN(cases));
	tcase_add_test(tc, pattern_matches_nul);
	tcase_add_test(tc, pattern_agrees_with_definition);
	tcase_add_test(tc, pattern_is_linear);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, regex_refuses, 0, ARRAY_LEN(wrong));
	tcase_add_test(tc, regex_has_a_longest);
	tcase_add_loop_test(tc, regex_search_ends_soon, 0, ARRAY_LEN(hostile));
	tcase_add_test(tc, regex_refuses_texts);
	tcase_add_test(tc, regex_serves_many_threads);
	tcase_add_test(tc, regex_is_interpreted_where_it_must);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
