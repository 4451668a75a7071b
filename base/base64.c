/* base64.c - RFC 4648 sections 4 and 5; canonical text only (3.5). */
#include "base/base64.h"

#include "base/arena.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static const char alphabets[][65] = {
	[BASE64_STANDARD] = LETTERS "+/",
	[BASE64_URL] = LETTERS "-_",
};

void
base64_encode(struct buf *out, enum base64_form form, struct str bytes)
{
	static const char *const padding[] = { "", "==", "=", "" };

	for (size_t i = 0; i < bytes.n; i += 3) {
		size_t n = bytes.n - i < 3 ? bytes.n - i : 3;
		uint32_t group = 0;
		char text[4];

		for (size_t j = 0; j < 3; j++)
			group = group << 8 |
				(j < n ? (unsigned char)bytes.p[i + j] : 0);
		for (size_t j = 0; j < 4; j++)
			text[j] = alphabets[form][group >> (18 - 6 * j) & 63];
		buf_add(out, (struct str){ text, n + 1 });
		if (form == BASE64_STANDARD)
			buf_addz(out, padding[n]);
	}
}

/* One more than the value of a letter; 0 for what is no letter of the form. */
/* clang-format off */
#define LETTER_VALUES \
	['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6, \
	['G'] = 7, ['H'] = 8, ['I'] = 9, ['J'] = 10, ['K'] = 11, ['L'] = 12, \
	['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16, ['Q'] = 17, \
	['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, \
	['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, \
	['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, \
	['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, \
	['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42, \
	['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, \
	['v'] = 48, ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, \
	['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56, ['4'] = 57, \
	['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62
/* clang-format on */
static const uint8_t values[][256] = {
	[BASE64_STANDARD] = { LETTER_VALUES, ['+'] = 63, ['/'] = 64 },
	[BASE64_URL] = { LETTER_VALUES, ['-'] = 63, ['_'] = 64 },
};

/* Takes the padding off; false when it is not exactly as long as section 4
 * wants it. */
static bool
strip_padding(struct str *text)
{
	size_t pad = 0;

	if (text->n % 4 != 0)
		return false;
	while (pad < 2 && pad < text->n && text->p[text->n - 1 - pad] == '=')
		pad++;
	text->n -= pad;
	return true;
}

/* Four letters to three bytes; false when one is none. */
static bool
decode_group(const uint8_t *value, const unsigned char *text, char *to)
{
	uint32_t a = value[text[0]], b = value[text[1]];
	uint32_t c = value[text[2]], d = value[text[3]];
	uint32_t bits = (a - 1) << 18 | (b - 1) << 12 | (c - 1) << 6 | (d - 1);

	to[0] = (char)(bits >> 16 & 0xff);
	to[1] = (char)(bits >> 8 & 0xff);
	to[2] = (char)(bits & 0xff);
	return a && b && c && d;
}

/* The last two or three letters; left-over bits that are not zero would be
 * another text for the same bytes. */
static bool
decode_rest(const uint8_t *value, const unsigned char *text, size_t n, char *to)
{
	unsigned char filled[4] = { 'A', 'A', 'A', 'A' };
	char bytes[3];

	memcpy(filled, text, n);
	if (!decode_group(value, filled, bytes) || bytes[n - 1] != 0)
		return false;
	memcpy(to, bytes, n - 1);
	return true;
}

bool
base64_decode(struct arena *a, enum base64_form form, struct str text,
    struct str *ret_bytes)
{
	const uint8_t *value = values[form];
	const unsigned char *from = (const unsigned char *)text.p;
	size_t whole, rest;
	char *p;

	if (form == BASE64_STANDARD && !strip_padding(&text))
		return false;
	whole = text.n / 4;
	rest = text.n % 4;
	if (rest == 1)
		return false;
	p = arena_alloc(a, whole * 3 + 3);
	if (!p)
		return false;
	for (size_t i = 0; i < whole; i++)
		if (!decode_group(value, from + 4 * i, p + 3 * i))
			return false;
	if (rest > 0 &&
	    !decode_rest(value, from + 4 * whole, rest, p + 3 * whole))
		return false;
	*ret_bytes = (struct str){ p, whole * 3 + (rest > 0 ? rest - 1 : 0) };
	return true;
}
