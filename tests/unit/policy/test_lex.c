#include "policy/lex.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "policy/ast.h"
#include "tests/lib/run.h"

/* Tokens as one line: kinds by number, with fault after a slash. */
static void
print_tokens(struct str text, char *out, size_t size)
{
	struct lexer lx = { .text = text };
	size_t n = 0;
	struct token t;

	out[0] = '\0';
	while ((t = lex_next(&lx)).kind != TOKEN_END && n + 64 < size) {
		n += (size_t)snprintf(out + n, size - n, "%s%d:%u+%u",
		    n ? " " : "", (int)t.kind, t.off, t.len);
		if (t.fault)
			n += (size_t)snprintf(
			    out + n, size - n, "/%d", (int)t.fault);
	}
}

static const struct {
	const char *note;
	struct str text;
	size_t n; /* tokens */
	struct token want[8];
} rows[] = {
#define T(k, o, l)                                                             \
	{                                                                      \
		.kind = k, .off = o, .len = l                                  \
	}
#define F(k, f, o, l)                                                          \
	{                                                                      \
		.kind = k, .fault = f, .off = o, .len = l                      \
	}
#define ROW(note, text, ...)                                                   \
	{                                                                      \
		note, STR_INIT(text),                                          \
		    sizeof((struct token[]){ __VA_ARGS__ }) /                  \
			sizeof(struct token),                                  \
		{                                                              \
			__VA_ARGS__                                            \
		}                                                              \
	}
	ROW("longest punctuation wins", "<=<::=: ==", T(TOKEN_LE, 0, 2),
	    T(TOKEN_LT, 2, 1), T(TOKEN_PATH, 3, 2), T(TOKEN_ASSIGN, 5, 1),
	    T(TOKEN_COLON, 6, 1), T(TOKEN_EQ, 8, 2)),
	ROW("other languages' operators", "!== === <> => =< := ->",
	    F(TOKEN_NE, FAULT_OPERATOR, 0, 3),
	    F(TOKEN_EQ, FAULT_OPERATOR, 4, 3),
	    F(TOKEN_NE, FAULT_OPERATOR, 8, 2),
	    F(TOKEN_GE, FAULT_OPERATOR, 11, 2),
	    F(TOKEN_LE, FAULT_OPERATOR, 14, 2),
	    F(TOKEN_EQ, FAULT_OPERATOR, 17, 2),
	    F(TOKEN_DOT, FAULT_OPERATOR, 20, 2)),
	ROW("typographic quotes",
	    "\xe2\x80\x9c"
	    "a\xe2\x80\x9d \xe2\x80\x9c"
	    "b\nc",
	    F(TOKEN_STRING, FAULT_SMART_QUOTES, 0, 7),
	    F(TOKEN_BAD, FAULT_SMART_QUOTES, 8, 3), T(TOKEN_WORD, 11, 1),
	    T(TOKEN_WORD, 13, 1)),
	ROW("backquotes", "`a` `b", F(TOKEN_STRING, FAULT_SINGLE_QUOTES, 0, 3),
	    F(TOKEN_BAD, FAULT_SINGLE_QUOTES, 4, 1), T(TOKEN_WORD, 5, 1)),
	ROW("a word with letters beyond ASCII",
	    "a\xc3\xb6"
	    "1 b\xc2\x85",
	    F(TOKEN_WORD, FAULT_LETTER, 0, 4), T(TOKEN_WORD, 5, 1)),
	ROW("# comments", "1 # a\n # {\n2 # };", T(TOKEN_NUMBER, 0, 1),
	    F(TOKEN_BAD, FAULT_HASH_COMMENT, 2, 3),
	    F(TOKEN_BAD, FAULT_HASH_COMMENT, 7, 3), T(TOKEN_NUMBER, 11, 1),
	    F(TOKEN_BAD, FAULT_CHARACTER, 13, 1), T(TOKEN_RBRACE, 15, 1),
	    T(TOKEN_SEMICOLON, 16, 1)),
	ROW("a number ends at a letter", "1in[", T(TOKEN_NUMBER, 0, 1),
	    T(TOKEN_WORD, 1, 2), T(TOKEN_LBRACKET, 3, 1)),
	ROW("words have digits and underscores", "_a1 A", T(TOKEN_WORD, 0, 3),
	    T(TOKEN_WORD, 4, 1)),
	ROW("a string holds LF, NUL and //", "\"a\n\0//\"x",
	    T(TOKEN_STRING, 0, 7), T(TOKEN_WORD, 7, 1)),
	ROW("an escaped quote does not end it", "\"\\\"\\\\\" 1",
	    T(TOKEN_STRING, 0, 6), T(TOKEN_NUMBER, 7, 1)),
	ROW("a comment ends with its line", "1 // 2\n3", T(TOKEN_NUMBER, 0, 1),
	    T(TOKEN_NUMBER, 7, 1)),
	ROW("a comment ends at CR", "//\r3", T(TOKEN_NUMBER, 3, 1)),
	ROW("a slot", "?principal", T(TOKEN_SLOT, 0, 10)),
	ROW("a question mark alone", "? x", F(TOKEN_BAD, FAULT_QUESTION, 0, 1),
	    T(TOKEN_WORD, 2, 1)),
	ROW("an unclosed string ends with its line", "\"ab\nc",
	    F(TOKEN_STRING, FAULT_UNCLOSED, 0, 3), T(TOKEN_WORD, 4, 1)),
	ROW("a backslash at the very end", "\"ab\\",
	    F(TOKEN_STRING, FAULT_UNCLOSED, 0, 4)),
	ROW("CR in a string", "\"a\rb\"", F(TOKEN_STRING, FAULT_RETURN, 0, 5)),
	ROW("backslash before LF", "\"a\\\nb\"",
	    F(TOKEN_STRING, FAULT_BROKEN_LINE, 0, 6)),
	ROW("backslash before CR", "\"a\\\rb\"",
	    F(TOKEN_STRING, FAULT_BROKEN_LINE, 0, 6)),
	ROW("single quotes", "'a' x",
	    F(TOKEN_STRING, FAULT_SINGLE_QUOTES, 0, 3), T(TOKEN_WORD, 4, 1)),
	ROW("one single quote", "'a\nx",
	    F(TOKEN_BAD, FAULT_SINGLE_QUOTES, 0, 1), T(TOKEN_WORD, 1, 1),
	    T(TOKEN_WORD, 3, 1)),
	ROW("single & and |", "& |", F(TOKEN_AND, FAULT_OPERATOR, 0, 1),
	    F(TOKEN_OR, FAULT_OPERATOR, 2, 1)),
	ROW("block comment", "/* x *\n y **/ z",
	    F(TOKEN_BAD, FAULT_BLOCK_COMMENT, 0, 13), T(TOKEN_WORD, 14, 1)),
	ROW("block comment without end", "/* x\ny",
	    F(TOKEN_BAD, FAULT_BLOCK_COMMENT, 0, 4), T(TOKEN_WORD, 5, 1)),
	ROW("byte order mark", "\xef\xbb\xbfx",
	    F(TOKEN_BAD, FAULT_BYTE_ORDER_MARK, 0, 3), T(TOKEN_WORD, 3, 1)),
	ROW("letters beyond ASCII hang together",
	    "\xc3\xb6\xc3\x9f"
	    "e x",
	    F(TOKEN_BAD, FAULT_CHARACTER, 0, 5), T(TOKEN_WORD, 6, 1)),
	ROW("a control character", "\x01 x",
	    F(TOKEN_BAD, FAULT_CHARACTER, 0, 1), T(TOKEN_WORD, 2, 1)),
	ROW("NUL", "\0x", F(TOKEN_BAD, FAULT_CHARACTER, 0, 1),
	    T(TOKEN_WORD, 1, 1)),
	ROW("broken UTF-8", "\xff", F(TOKEN_BAD, FAULT_CHARACTER, 0, 1)),
};

START_TEST(tokens)
{
	struct lexer lx = { .text = rows[_i].text };

	for (size_t i = 0; i < rows[_i].n; i++) {
		struct token got = lex_next(&lx), want = rows[_i].want[i];

		ck_assert_msg(got.kind == want.kind && got.off == want.off &&
				  got.len == want.len &&
				  got.fault == want.fault,
		    "%s: token %zu is kind %d fault %d at %u+%u", rows[_i].note,
		    i, (int)got.kind, (int)got.fault, got.off, got.len);
	}
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(lex_next(&lx).kind, TOKEN_END);
}
END_TEST

/* Unicode's White_Space, and some that are not. */
static const struct {
	const char *text;
	bool space;
} blanks[] = {
	{ "\t", true },
	{ "\n", true },
	{ "\v", true },
	{ "\f", true },
	{ "\r", true },
	{ " ", true },
	{ "\xc2\x85", true },
	{ "\xc2\xa0", true },
	{ "\xe1\x9a\x80", true },
	{ "\xe2\x80\x80", true },
	{ "\xe2\x80\x83", true },
	{ "\xe2\x80\x8a", true },
	{ "\xe2\x80\xa8", true },
	{ "\xe2\x80\xa9", true },
	{ "\xe2\x80\xaf", true },
	{ "\xe2\x81\x9f", true },
	{ "\xe3\x80\x80", true },
	{ "\xe2\x80\x8b", false }, /* zero width space */
	{ "\xe2\x81\xa0", false },
	{ "\xef\xbb\xbf", false },
	{ "\xe1\xa0\x8e", false },
	{ "\x1f", false },
	{ "\x7f", false },
	{ "\b", false },
};

START_TEST(white_space)
{
	struct lexer lx = { .text = str_of(blanks[_i].text) };
	struct token t = lex_next(&lx);

	ck_assert_msg((t.kind == TOKEN_END) == blanks[_i].space, "row %d: %d",
	    _i, (int)t.kind);
}
END_TEST

static const struct {
	const char *word;
	enum keyword keyword;
	bool reserved;
} words[] = {
	{ "true", KW_TRUE, true },
	{ "has", KW_HAS, true },
	{ "like", KW_LIKE, true },
	{ "else", KW_ELSE, true },
	{ "__cedar", KW_CEDAR, false },
	{ "permit", KW_PERMIT, false },
	{ "principal", KW_PRINCIPAL, false },
	{ "not", KW_NOT, false },
	{ "indivisible", KW_INDIVISIBLE, false },
	{ "indivisibles", KW_NONE, false },
	{ "True", KW_NONE, false },
	{ "i", KW_NONE, false },
	{ "", KW_NONE, false },
};

START_TEST(keywords)
{
	ck_assert_int_eq(
	    lex_keyword(str_of(words[_i].word)), words[_i].keyword);
	ck_assert(lex_is_reserved(words[_i].keyword) == words[_i].reserved);
}
END_TEST

START_TEST(comments_are_kept)
{
	struct buf comments = { 0 };
	struct lexer lx = { STR("a // one\n//two\rb//"), 0, &comments };
	const struct ast_comment *c;

	while (lex_next(&lx).kind != TOKEN_END)
		;
	ck_assert_uint_eq(comments.n, 3 * sizeof *c);
	c = (const struct ast_comment *)(const void *)comments.p;
	ck_assert(c[0].off == 2 && c[0].len == 6);
	ck_assert(c[1].off == 9 && c[1].len == 5);
	ck_assert(c[2].off == 16 && c[2].len == 2);
	buf_free(&comments);
}
END_TEST

/* Each beginning of the text stands right before a page that may not be read.
 */
START_TEST(reads_not_beyond_the_end)
{
	static const char text[] =
	    "@id(\"x\\u{41}\")permit(principal==U::\"a\",action,resource)"
	    "when{a<=1&&!b||c!='q'//\xe2\x80\xa8 \xc3\xb6\n};/*?x \xef\xbb\xbf"
	    "\\\"\r\n::=&|%\xf0\x9f\x98\x80";
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char out[8192];

	ck_assert(p != MAP_FAILED);
	ck_assert_int_eq(mprotect(p + page, page, PROT_NONE), 0);
	for (size_t n = 0; n < sizeof text; n++)
		for (size_t from = 0; from <= n; from++) {
			char *at = p + page - (n - from);

			memcpy(at, text + from, n - from);
			print_tokens(
			    (struct str){ at, n - from }, out, sizeof out);
			ck_assert((out[0] != '\0') || n - from < 12);
		}
	munmap(p, 2 * page);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("lex");
	TCase *tc = tcase_create("lex");

	tcase_add_loop_test(tc, tokens, 0, ARRAY_LEN(rows));
	tcase_add_loop_test(tc, white_space, 0, ARRAY_LEN(blanks));
	tcase_add_loop_test(tc, keywords, 0, ARRAY_LEN(words));
	tcase_add_test(tc, comments_are_kept);
	tcase_add_test(tc, reads_not_beyond_the_end);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
