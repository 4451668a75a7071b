/* test_pattern.c - wildcard patterns, by table and against a simple matcher. */
#include "policy/pattern.h"

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

int
main(void)
{
	Suite *s = suite_create("pattern");
	TCase *tc = tcase_create("pattern");

	tcase_add_loop_test(tc, pattern_matches, 0, ARRAY_LEN(cases));
	tcase_add_test(tc, pattern_matches_nul);
	tcase_add_test(tc, pattern_agrees_with_definition);
	tcase_add_test(tc, pattern_is_linear);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
