/* lex.c - one token at a time, by the first byte. */
#include "policy/lex.h"

#include "policy/ast.h"

/* Sorted; `first_keyword` says where each letter begins. */
static const struct {
	struct str text;
	enum keyword keyword;
} keywords[] = {
	{ STR_INIT("__cedar"), KW_CEDAR },
	{ STR_INIT("action"), KW_ACTION },
	{ STR_INIT("context"), KW_CONTEXT },
	{ STR_INIT("deny"), KW_DENY },
	{ STR_INIT("else"), KW_ELSE },
	{ STR_INIT("false"), KW_FALSE },
	{ STR_INIT("forbid"), KW_FORBID },
	{ STR_INIT("has"), KW_HAS },
	{ STR_INIT("if"), KW_IF },
	{ STR_INIT("in"), KW_IN },
	{ STR_INIT("indivisible"), KW_INDIVISIBLE },
	{ STR_INIT("is"), KW_IS },
	{ STR_INIT("like"), KW_LIKE },
	{ STR_INIT("matches"), KW_MATCHES },
	{ STR_INIT("not"), KW_NOT },
	{ STR_INIT("permit"), KW_PERMIT },
	{ STR_INIT("principal"), KW_PRINCIPAL },
	{ STR_INIT("resource"), KW_RESOURCE },
	{ STR_INIT("then"), KW_THEN },
	{ STR_INIT("true"), KW_TRUE },
	{ STR_INIT("unless"), KW_UNLESS },
	{ STR_INIT("when"), KW_WHEN },
};

/* By the first letter, plus one; 0: no keyword begins with it. */
static const uint8_t first_keyword[256] = {
	['_'] = 1,
	['a'] = 2,
	['c'] = 3,
	['d'] = 4,
	['e'] = 5,
	['f'] = 6,
	['h'] = 8,
	['i'] = 9,
	['l'] = 13,
	['m'] = 14,
	['n'] = 15,
	['p'] = 16,
	['r'] = 18,
	['t'] = 19,
	['u'] = 21,
	['w'] = 22,
};

/* Longer texts before their beginnings, frequent ones first. */
static const struct {
	struct str text;
	enum token_kind kind;
	enum lex_fault fault;
} punctuation[] = {
	{ STR_INIT("::"), TOKEN_PATH, FAULT_NONE },
	{ STR_INIT(":="), TOKEN_EQ, FAULT_OPERATOR },
	{ STR_INIT(":"), TOKEN_COLON, FAULT_NONE },
	{ STR_INIT("==="), TOKEN_EQ, FAULT_OPERATOR },
	{ STR_INIT("=="), TOKEN_EQ, FAULT_NONE },
	{ STR_INIT("=>"), TOKEN_GE, FAULT_OPERATOR },
	{ STR_INIT("=<"), TOKEN_LE, FAULT_OPERATOR },
	{ STR_INIT("="), TOKEN_ASSIGN, FAULT_NONE },
	{ STR_INIT("&&"), TOKEN_AND, FAULT_NONE },
	{ STR_INIT("&"), TOKEN_AND, FAULT_OPERATOR },
	{ STR_INIT("<="), TOKEN_LE, FAULT_NONE },
	{ STR_INIT("<>"), TOKEN_NE, FAULT_OPERATOR },
	{ STR_INIT("<"), TOKEN_LT, FAULT_NONE },
	{ STR_INIT(">="), TOKEN_GE, FAULT_NONE },
	{ STR_INIT(">"), TOKEN_GT, FAULT_NONE },
	{ STR_INIT("!=="), TOKEN_NE, FAULT_OPERATOR },
	{ STR_INIT("!="), TOKEN_NE, FAULT_NONE },
	{ STR_INIT("!"), TOKEN_NOT, FAULT_NONE },
	{ STR_INIT("||"), TOKEN_OR, FAULT_NONE },
	{ STR_INIT("|"), TOKEN_OR, FAULT_OPERATOR },
	{ STR_INIT("->"), TOKEN_DOT, FAULT_OPERATOR },
	{ STR_INIT("-"), TOKEN_MINUS, FAULT_NONE },
	{ STR_INIT("*"), TOKEN_STAR, FAULT_NONE },
	{ STR_INIT("/*"), TOKEN_BAD, FAULT_BLOCK_COMMENT },
	{ STR_INIT("/"), TOKEN_SLASH, FAULT_NONE },
	{ STR_INIT("%"), TOKEN_PERCENT, FAULT_NONE },
	{ STR_INIT("("), TOKEN_LPAREN, FAULT_NONE },
	{ STR_INIT(")"), TOKEN_RPAREN, FAULT_NONE },
	{ STR_INIT(","), TOKEN_COMMA, FAULT_NONE },
	{ STR_INIT("."), TOKEN_DOT, FAULT_NONE },
	{ STR_INIT(";"), TOKEN_SEMICOLON, FAULT_NONE },
	{ STR_INIT("{"), TOKEN_LBRACE, FAULT_NONE },
	{ STR_INIT("}"), TOKEN_RBRACE, FAULT_NONE },
	{ STR_INIT("["), TOKEN_LBRACKET, FAULT_NONE },
	{ STR_INIT("]"), TOKEN_RBRACKET, FAULT_NONE },
	{ STR_INIT("@"), TOKEN_AT, FAULT_NONE },
	{ STR_INIT("+"), TOKEN_PLUS, FAULT_NONE },
};

/* Bytes that are a token whatever follows them. */
static const uint8_t single[256] = {
	['('] = TOKEN_LPAREN,
	[')'] = TOKEN_RPAREN,
	['['] = TOKEN_LBRACKET,
	[']'] = TOKEN_RBRACKET,
	['{'] = TOKEN_LBRACE,
	['}'] = TOKEN_RBRACE,
	[','] = TOKEN_COMMA,
	['.'] = TOKEN_DOT,
	[';'] = TOKEN_SEMICOLON,
	['@'] = TOKEN_AT,
	['+'] = TOKEN_PLUS,
};

/* The Unicode property White_Space. */
static bool
is_space(uint32_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || c == 0x85 || c == 0xa0 ||
	       c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
	       c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

static bool
is_word_start(char c)
{
	unsigned letter = ((unsigned char)c | 0x20u) - 'a';

	return letter < 26 || c == '_';
}

static bool
is_digit(char c)
{
	return (unsigned)(unsigned char)c - '0' < 10;
}

enum keyword
lex_keyword(struct str word)
{
	size_t i = word.n ? first_keyword[(unsigned char)word.p[0]] : 0;

	for (; i > 0 && i <= ARRAY_LEN(keywords); i++) {
		struct str text = keywords[i - 1].text;

		if (text.p[0] != word.p[0])
			break;
		if (text.n == word.n && memcmp(text.p, word.p, word.n) == 0)
			return keywords[i - 1].keyword;
	}
	return KW_NONE;
}

bool
lex_is_identifier(struct str s)
{
	if (s.n == 0 || !is_word_start(s.p[0]))
		return false;
	for (size_t i = 1; i < s.n; i++)
		if (!is_word_start(s.p[i]) && !is_digit(s.p[i]))
			return false;
	return true;
}

bool
lex_is_reserved(enum keyword keyword)
{
	return keyword != KW_NONE && keyword <= KW_LAST_RESERVED;
}

const char *
lex_kind_text(enum token_kind kind)
{
	for (size_t i = 0; i < ARRAY_LEN(punctuation); i++)
		if (punctuation[i].kind == kind && !punctuation[i].fault)
			return punctuation[i].text.p;
	return NULL;
}

/* The byte at `at`, or 0 at the end (as a NUL in the text: no token has it). */
static char
byte_at(const struct lexer *lx, size_t at)
{
	return at < lx->text.n ? lx->text.p[at] : '\0';
}

static void
skip_comment(struct lexer *lx)
{
	struct ast_comment c = { .off = lx->at };
	size_t at = lx->at;

	while (
	    at < lx->text.n && lx->text.p[at] != '\n' && lx->text.p[at] != '\r')
		at++;
	lx->at = (uint32_t)at;
	c.len = lx->at - c.off;
	if (lx->comments)
		buf_add(
		    lx->comments, (struct str){ (const char *)&c, sizeof c });
}

static void
skip_blank(struct lexer *lx)
{
	while (lx->at < lx->text.n) {
		char c = lx->text.p[lx->at];
		uint32_t point = 0;
		size_t n = 1;

		if (c == ' ' || c == '\n') {
			lx->at++;
			continue;
		}
		if (c > ' ' && c < 0x7f && c != '/')
			return;
		if (c == '/' && byte_at(lx, lx->at + 1u) == '/') {
			skip_comment(lx);
			continue;
		}
		if ((unsigned char)c < 0x80)
			point = (unsigned char)c;
		else
			n = str_utf8_next(lx->text, lx->at, &point);
		if (n == 0 || !is_space(point))
			return;
		lx->at += (uint32_t)n;
	}
}

static size_t
word_end(const struct lexer *lx, size_t at)
{
	while (is_word_start(byte_at(lx, at)) || is_digit(byte_at(lx, at)))
		at++;
	return at;
}

static size_t
line_end(const struct lexer *lx, size_t at)
{
	while (
	    at < lx->text.n && lx->text.p[at] != '\n' && lx->text.p[at] != '\r')
		at++;
	return at;
}

/* From the opening quote on; the place after the token. A string that is not
 * closed ends with its line, so that the next lines are still looked at. */
static size_t
string_end(const struct lexer *lx, enum lex_fault *ret_fault)
{
	size_t at = lx->at + 1u;

	for (; at < lx->text.n; at++) {
		char c = lx->text.p[at];

		if (c == '"')
			return at + 1;
		if (c == '\r' && *ret_fault == FAULT_NONE)
			*ret_fault = FAULT_RETURN;
		if (c != '\\')
			continue;
		at++;
		if (byte_at(lx, at) == '\n' && at < lx->text.n)
			*ret_fault = FAULT_BROKEN_LINE;
		if (byte_at(lx, at) == '\r' && at < lx->text.n)
			*ret_fault = FAULT_BROKEN_LINE;
	}
	*ret_fault = FAULT_UNCLOSED;
	return line_end(lx, lx->at);
}

/* From the quote to its like on the same line, else the quote alone.
 */
static size_t
quoted_end(const struct lexer *lx, char quote, struct token *t)
{
	size_t end = line_end(lx, lx->at);
	size_t close = str_find(str_sub(lx->text, 0, end), quote, lx->at + 1u);

	t->kind = close < end ? TOKEN_STRING : TOKEN_BAD;
	t->fault = FAULT_SINGLE_QUOTES;
	return close < end ? close + 1 : lx->at + 1u;
}

static bool
is_smart_quote(uint32_t point)
{
	return (point >= 0x2018 && point <= 0x201f) || point == 0xab ||
	       point == 0xbb;
}

/* The same for typographic quotes, which may be closed by a plain one; `at` is
 * after the opening one. */
static size_t
smart_quoted_end(const struct lexer *lx, size_t at, struct token *t)
{
	size_t end = line_end(lx, at), alone = at, n;
	uint32_t point;

	t->fault = FAULT_SMART_QUOTES;
	for (; at < end; at += n) {
		n = str_utf8_next(lx->text, at, &point);
		if (n == 0)
			break;
		if (point == '"' || is_smart_quote(point)) {
			t->kind = TOKEN_STRING;
			return at + n;
		}
	}
	t->kind = TOKEN_BAD;
	return alone;
}

/* Past the comment's end, or its line's when it has none. */
static size_t
block_comment_end(const struct lexer *lx)
{
	size_t at = lx->at + 2u;

	while ((at = str_find(lx->text, '*', at)) < lx->text.n)
		if (byte_at(lx, ++at) == '/')
			return at + 1;
	return line_end(lx, lx->at);
}

/* `#` to its line's end when that is a comment by its looks: nothing before it
 * on its line, or no bracket or semicolon after it. */
static size_t
hash_end(const struct lexer *lx, struct token *t)
{
	static const char code[] = { '(', ')', '{', '}', '[', ']', ';' };
	size_t end = line_end(lx, lx->at), from = lx->at;
	bool comment = true;

	while (from > 0 &&
	       (lx->text.p[from - 1] == ' ' || lx->text.p[from - 1] == '\t'))
		from--;
	if (from > 0 && lx->text.p[from - 1] != '\n')
		for (size_t i = lx->at; i < end; i++)
			if (memchr(code, lx->text.p[i], sizeof code))
				comment = false;
	t->kind = TOKEN_BAD;
	t->fault = comment ? FAULT_HASH_COMMENT : FAULT_CHARACTER;
	return comment ? end : lx->at + 1u;
}

/* What word processors and mathematicians write for our operators. */
static const struct {
	uint32_t point;
	enum token_kind kind;
} signs[] = {
	{ 0x2260, TOKEN_NE },
	{ 0x2264, TOKEN_LE },
	{ 0x2265, TOKEN_GE },
	{ 0x2227, TOKEN_AND },
	{ 0x2228, TOKEN_OR },
	{ 0xac, TOKEN_NOT },
	{ 0xd7, TOKEN_STAR },
	{ 0x2212, TOKEN_MINUS },
	{ 0x2013, TOKEN_MINUS },
};

/* A character that begins no token, and the letters that hang on to it. */
static size_t
bad_end(const struct lexer *lx, struct token *t)
{
	uint32_t point = 0;
	size_t n = str_utf8_next(lx->text, lx->at, &point), at;

	t->kind = TOKEN_BAD;
	t->fault = FAULT_CHARACTER;
	if (n == 0)
		return lx->at + 1u;
	at = lx->at + n;
	if (point == 0xfeff) {
		t->fault = FAULT_BYTE_ORDER_MARK;
		return at;
	}
	if (is_smart_quote(point))
		return smart_quoted_end(lx, at, t);
	for (size_t i = 0; i < ARRAY_LEN(signs); i++)
		if (signs[i].point == point) {
			t->kind = signs[i].kind;
			t->fault = FAULT_OPERATOR;
			return at;
		}
	while (point >= 0x80 && !is_space(point)) {
		at = word_end(lx, at);
		n = str_utf8_next(lx->text, at, &point);
		if (n == 0 || point < 0x80 || is_space(point))
			break;
		at += n;
	}
	return at;
}

/* A word goes on with letters that no word may have. */
static size_t
letters_end(const struct lexer *lx, size_t at, struct token *t)
{
	uint32_t point;
	size_t n = 0;

	while ((unsigned char)byte_at(lx, at) >= 0x80) {
		n = str_utf8_next(lx->text, at, &point);
		if (n == 0 || is_space(point) || is_smart_quote(point) ||
		    point == 0xfeff)
			break;
		t->fault = FAULT_LETTER;
		at = word_end(lx, at + n);
	}
	return at;
}

static size_t
punctuation_end(const struct lexer *lx, struct token *t)
{
	struct str rest = str_sub(lx->text, lx->at, lx->text.n);

	t->kind = single[(unsigned char)rest.p[0]];
	if (t->kind)
		return lx->at + 1u;
	for (size_t i = 0; i < ARRAY_LEN(punctuation); i++) {
		if (punctuation[i].text.p[0] != rest.p[0] ||
		    !str_has_prefix(rest, punctuation[i].text))
			continue;
		t->kind = punctuation[i].kind;
		t->fault = punctuation[i].fault;
		if (t->fault == FAULT_BLOCK_COMMENT)
			return block_comment_end(lx);
		return lx->at + punctuation[i].text.n;
	}
	return bad_end(lx, t);
}

static size_t
slot_end(const struct lexer *lx, struct token *t)
{
	size_t end = lx->at + 1u;

	t->kind = TOKEN_SLOT;
	if (is_word_start(byte_at(lx, end)))
		return word_end(lx, end);
	t->fault = FAULT_QUESTION;
	t->kind = TOKEN_BAD;
	return end;
}

static size_t
token_end(const struct lexer *lx, struct token *t)
{
	char c = lx->text.p[lx->at];
	size_t end = lx->at;

	if (is_word_start(c)) {
		t->kind = TOKEN_WORD;
		return letters_end(lx, word_end(lx, end), t);
	}
	if (is_digit(c)) {
		t->kind = TOKEN_NUMBER;
		while (is_digit(byte_at(lx, end)))
			end++;
		return end;
	}
	if (c == '"') {
		t->kind = TOKEN_STRING;
		return string_end(lx, &t->fault);
	}
	if (c == '?')
		return slot_end(lx, t);
	if (c == '\'' || c == '`')
		return quoted_end(lx, c, t);
	if (c == '#')
		return hash_end(lx, t);
	return punctuation_end(lx, t);
}

struct token
lex_next(struct lexer *lx)
{
	struct token t = { .kind = TOKEN_END };

	skip_blank(lx);
	t.off = lx->at;
	if (lx->at >= lx->text.n)
		return t;
	lx->at = (uint32_t)token_end(lx, &t);
	t.len = lx->at - t.off;
	if (t.kind == TOKEN_WORD)
		t.keyword = lex_keyword(str_sub(lx->text, t.off, lx->at));
	return t;
}
