/* literal.c - escapes, one code point at a time. */
#include "policy/literal.h"

static const struct {
	char letter;
	char meaning;
} simple[] = {
	{ 'n', '\n' },
	{ 'r', '\r' },
	{ 't', '\t' },
	{ '\\', '\\' },
	{ '0', '\0' },
	{ '\'', '\'' },
	{ '"', '"' },
};

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool
refuse(
    struct literal_unit *u, size_t end, const char **ret_why, const char *why)
{
	u->len = end - u->off;
	*ret_why = why;
	return false;
}

/* After `\x`. */
static bool
next_byte(
    struct str body, size_t *at, struct literal_unit *u, const char **ret_why)
{
	int high = *at < body.n ? hex_value(body.p[*at]) : -1;
	int low = *at + 1 < body.n ? hex_value(body.p[*at + 1]) : -1;

	if (high < 0 || low < 0)
		return refuse(
		    u, *at, ret_why, "`\\x` takes two hexadecimal digits");
	*at += 2;
	if (high > 7)
		return refuse(
		    u, *at, ret_why, "`\\x` goes to `\\x7F`; use `\\u{...}`");
	u->point = (uint32_t)(high * 16 + low);
	return true;
}

/* After `\u`. */
static bool
next_point(
    struct str body, size_t *at, struct literal_unit *u, const char **ret_why)
{
	static const char form[] =
	    "`\\u{...}` takes one to six hexadecimal digits";
	unsigned digits = 0;
	uint32_t point = 0;

	if (*at >= body.n || body.p[*at] != '{')
		return refuse(u, *at, ret_why, form);
	for (++*at; *at < body.n && body.p[*at] != '}'; ++*at) {
		int value = hex_value(body.p[*at]);

		if (body.p[*at] == '_' && digits > 0)
			continue;
		if (value < 0 || ++digits > 6)
			return refuse(u, *at, ret_why, form);
		point = point * 16 + (uint32_t)value;
	}
	if (*at >= body.n || digits == 0)
		return refuse(u, *at, ret_why, form);
	++*at;
	if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
		return refuse(u, *at, ret_why, "no such character");
	u->point = point;
	return true;
}

static bool
next_escape(struct str body, size_t *at, enum literal_escapes escapes,
    struct literal_unit *u, const char **ret_why)
{
	uint32_t point;
	size_t n;
	char c;

	if (*at >= body.n)
		return refuse(u, *at, ret_why, "unknown escape");
	c = body.p[*at];
	n = str_utf8_next(body, *at, &point);
	*at += n ? n : 1;
	if (c == 'x')
		return next_byte(body, at, u, ret_why);
	if (c == 'u')
		return next_point(body, at, u, ret_why);
	for (size_t i = 0; i < ARRAY_LEN(simple); i++)
		if (simple[i].letter == c) {
			u->point = (unsigned char)simple[i].meaning;
			return true;
		}
	u->quoted = (c == '*' && (escapes & LITERAL_PATTERN)) ||
		    (c == '$' && escapes == LITERAL_SCOPE);
	u->point = (unsigned char)c;
	if (u->quoted)
		return true;
	return refuse(u, *at, ret_why,
	    c == '*' ? "`\\*` is for patterns" : "unknown escape");
}

bool
literal_next(struct str body, size_t *at, enum literal_escapes escapes,
    struct literal_unit *ret, const char **ret_why)
{
	bool ok = true;
	size_t n;

	*ret = (struct literal_unit){ .off = *at };
	if (body.p[*at] == '\\') {
		++*at;
		ok = next_escape(body, at, escapes, ret, ret_why);
	} else {
		n = str_utf8_next(body, *at, &ret->point);
		*at += n ? n : 1;
	}
	ret->len = *at - ret->off;
	return ok;
}

size_t
literal_point_bytes(uint32_t c)
{
	return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
}

void
literal_add_point(struct buf *out, uint32_t c)
{
	char b[4];
	size_t n = literal_point_bytes(c);
	static const unsigned char first[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		b[i] = (char)(0x80 | (c & 0x3f));
	b[0] = (char)(first[n] | c);
	buf_add(out, (struct str){ b, n });
}

bool
literal_unescape(struct str body, struct buf *out, struct literal_unit *ret_bad,
    const char **ret_why)
{
	struct literal_unit u;

	for (size_t at = 0; at < body.n;) {
		if (!literal_next(body, &at, LITERAL_STRING, &u, ret_why)) {
			*ret_bad = u;
			return false;
		}
		literal_add_point(out, u.point);
	}
	return true;
}

static char
escape_letter(char c)
{
	for (size_t i = 0; i < ARRAY_LEN(simple); i++)
		if (simple[i].meaning == c && c != '\'')
			return simple[i].letter;
	return '\0';
}

void
literal_escape(struct buf *out, struct str s, enum literal_escapes escapes)
{
	for (size_t at = 0, n; at < s.n; at += n) {
		uint32_t point;
		char c = s.p[at], letter = escape_letter(c);

		n = str_utf8_next(s, at, &point);
		n = n ? n : 1;
		if (c == '*' && (escapes & LITERAL_PATTERN))
			letter = '*';
		if (c == '$' && escapes == LITERAL_SCOPE && at + 1 < s.n &&
		    s.p[at + 1] == '{')
			letter = '$';
		if (letter) {
			char pair[2] = { '\\', letter };

			buf_add(out, (struct str){ pair, 2 });
		} else {
			buf_escaped(out, str_sub(s, at, at + n), false);
		}
	}
}
