/* base64.c - RFC 4648 sections 4 and 5; canonical text only (3.5). */
#include "base/base64.h"

#include <endian.h>

#include "base/arena.h"
#include "base/sixteen.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

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

/* A letter's six bits where they stand in a group of four letters, and a one
 * above the group's 24 bits; 0 for what is no letter of the form. So the sum of
 * four has ALL_LETTERS where all of them are letters, and there alone. */
#define AT(shift, value) (UINT32_C(1) << 24 | UINT32_C(value) << (shift))
#define ALL_LETTERS (UINT32_C(4) << 24)
/* clang-format off */
#define LETTERS_AT(s) \
	['A'] = AT(s, 0), ['B'] = AT(s, 1), ['C'] = AT(s, 2), \
	['D'] = AT(s, 3), ['E'] = AT(s, 4), ['F'] = AT(s, 5), \
	['G'] = AT(s, 6), ['H'] = AT(s, 7), ['I'] = AT(s, 8), \
	['J'] = AT(s, 9), ['K'] = AT(s, 10), ['L'] = AT(s, 11), \
	['M'] = AT(s, 12), ['N'] = AT(s, 13), ['O'] = AT(s, 14), \
	['P'] = AT(s, 15), ['Q'] = AT(s, 16), ['R'] = AT(s, 17), \
	['S'] = AT(s, 18), ['T'] = AT(s, 19), ['U'] = AT(s, 20), \
	['V'] = AT(s, 21), ['W'] = AT(s, 22), ['X'] = AT(s, 23), \
	['Y'] = AT(s, 24), ['Z'] = AT(s, 25), ['a'] = AT(s, 26), \
	['b'] = AT(s, 27), ['c'] = AT(s, 28), ['d'] = AT(s, 29), \
	['e'] = AT(s, 30), ['f'] = AT(s, 31), ['g'] = AT(s, 32), \
	['h'] = AT(s, 33), ['i'] = AT(s, 34), ['j'] = AT(s, 35), \
	['k'] = AT(s, 36), ['l'] = AT(s, 37), ['m'] = AT(s, 38), \
	['n'] = AT(s, 39), ['o'] = AT(s, 40), ['p'] = AT(s, 41), \
	['q'] = AT(s, 42), ['r'] = AT(s, 43), ['s'] = AT(s, 44), \
	['t'] = AT(s, 45), ['u'] = AT(s, 46), ['v'] = AT(s, 47), \
	['w'] = AT(s, 48), ['x'] = AT(s, 49), ['y'] = AT(s, 50), \
	['z'] = AT(s, 51), ['0'] = AT(s, 52), ['1'] = AT(s, 53), \
	['2'] = AT(s, 54), ['3'] = AT(s, 55), ['4'] = AT(s, 56), \
	['5'] = AT(s, 57), ['6'] = AT(s, 58), ['7'] = AT(s, 59), \
	['8'] = AT(s, 60), ['9'] = AT(s, 61)
#define STANDARD_AT(s) { LETTERS_AT(s), ['+'] = AT(s, 62), ['/'] = AT(s, 63) }
#define URL_AT(s) { LETTERS_AT(s), ['-'] = AT(s, 62), ['_'] = AT(s, 63) }
/* clang-format on */
static const uint32_t values[][4][256] = {
	[BASE64_STANDARD] = { STANDARD_AT(18), STANDARD_AT(12), STANDARD_AT(6),
	    STANDARD_AT(0) },
	[BASE64_URL] = { URL_AT(18), URL_AT(12), URL_AT(6), URL_AT(0) },
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

/* Four letters. */
static uint32_t
group_of(const uint32_t value[4][256], const unsigned char *text)
{
	return value[0][text[0]] + value[1][text[1]] + value[2][text[2]] +
	       value[3][text[3]];
}

/* The three bytes of a group, and a fourth that is nothing. */
static void
put_group(uint32_t group, char to[4])
{
	uint32_t bytes = htobe32(group << 8);

	memcpy(to, &bytes, sizeof bytes);
}

/* The last two or three letters; left-over bits that are not zero would be
 * another text for the same bytes. */
static bool
decode_rest(
    const uint32_t value[4][256], const unsigned char *text, size_t n, char *to)
{
	unsigned char filled[4] = { 'A', 'A', 'A', 'A' };
	char bytes[4];
	uint32_t group;

	memcpy(filled, text, n);
	group = group_of(value, filled);
	put_group(group, bytes);
	if (!(group & ALL_LETTERS) || bytes[n - 1] != 0)
		return false;
	memcpy(to, bytes, n - 1);
	return true;
}

/* How many bytes `text`, without padding, is at most. */
static size_t
bytes_most(struct str text)
{
	return text.n / 4 * 3 + 2;
}

/* Three bytes, no more. */
static uint32_t
decode_last(const uint32_t value[4][256], const unsigned char *text, char *to)
{
	uint32_t group = group_of(value, text);
	char bytes[4];

	put_group(group, bytes);
	memcpy(to, bytes, 3);
	return group;
}

/* ---- 32 letters at a time ---------------------------------------------
 * All groups of a text that has as many, where the machine shuffles 32 bytes
 * (AVX2); elsewhere all goes by the tables above.
 */
#if defined(__x86_64__)

/* By a letter's upper four bits, what makes it its value, but for one letter of
 * each form, and by lower and upper bits, in which rows of the code table it is
 * not: no letter is where both agree. Rows: 1 for 0x20, 2 for 0x30, 4 for 0x40
 * and 0x60, 8 for 0x50, 16 for 0x70, 32 for all others. */
static const struct shuffles {
	int8_t shift[16];
	int8_t upper[16], lower[16];
	char odd;         /* the letter that `shift` is wrong for */
	int8_t odd_shift; /* what it wants besides */
} shuffles[] = {
	[BASE64_STANDARD] = { { 0, 0, 62 - '+', 52 - '0', -'A', -'A', 26 - 'a',
				  26 - 'a' },
	    { 32, 32, 1, 2, 4, 8, 4, 16, 32, 32, 32, 32, 32, 32, 32, 32 },
	    { 1 + 4 + 32, 1 + 32, 1 + 32, 1 + 32, 1 + 32, 1 + 32, 1 + 32,
		1 + 32, 1 + 32, 1 + 32, 1 + 2 + 32, 2 + 8 + 16 + 32,
		1 + 2 + 8 + 16 + 32, 1 + 2 + 8 + 16 + 32, 1 + 2 + 8 + 16 + 32,
		2 + 8 + 16 + 32 },
	    '/', ('+' - '/') + 1 },
	[BASE64_URL] = { { 0, 0, 62 - '-', 52 - '0', -'A', -'A', 26 - 'a',
			     26 - 'a' },
	    { 32, 32, 1, 2, 4, 8, 4, 16, 32, 32, 32, 32, 32, 32, 32, 32 },
	    { 1 + 4 + 32, 1 + 32, 1 + 32, 1 + 32, 1 + 32, 1 + 32, 1 + 32,
		1 + 32, 1 + 32, 1 + 32, 1 + 2 + 32, 1 + 2 + 8 + 16 + 32,
		1 + 2 + 8 + 16 + 32, 2 + 8 + 16 + 32, 1 + 2 + 8 + 16 + 32,
		1 + 2 + 16 + 32 },
	    '_', 63 - ('_' - 'A') },
};

/* The same sixteen bytes for both halves. */
__attribute__((target("avx2"))) static inline __m256i
both(const int8_t table[16])
{
	return _mm256_broadcastsi128_si256(
	    _mm_loadu_si128((const void *)table));
}

/* 32 letters to 24 bytes at `to`, which has room for 28. */
__attribute__((target("avx2"))) static inline bool
decode_32(const struct shuffles *s, const char *from, char *to)
{
	static const int8_t back[16] = { 2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12,
		-1, -1, -1, -1 };
	__m256i c = _mm256_loadu_si256((const void *)from), v;
	__m256i four_bits = _mm256_set1_epi8(15);
	__m256i high = _mm256_and_si256(_mm256_srli_epi32(c, 4), four_bits);
	__m256i low = _mm256_and_si256(c, four_bits);
	__m256i odd = _mm256_cmpeq_epi8(c, _mm256_set1_epi8(s->odd));

	if (!_mm256_testz_si256(_mm256_shuffle_epi8(both(s->upper), high),
		_mm256_shuffle_epi8(both(s->lower), low)))
		return false;
	v = _mm256_add_epi8(c, _mm256_shuffle_epi8(both(s->shift), high));
	v = _mm256_add_epi8(
	    v, _mm256_and_si256(odd, _mm256_set1_epi8((char)s->odd_shift)));
	/* Pairs to twelve bits, those to 24, and the bytes of each. */
	v = _mm256_maddubs_epi16(v, _mm256_set1_epi32(0x01400140));
	v = _mm256_madd_epi16(v, _mm256_set1_epi32(0x00011000));
	v = _mm256_shuffle_epi8(v, both(back));
	_mm_storeu_si128((void *)to, _mm256_castsi256_si128(v));
	_mm_storeu_si128((void *)(to + 12), _mm256_extracti128_si256(v, 1));
	return true;
}

/* Whole groups, at least 32 letters; the last 32 apart, some of them again, so
 * that nothing is written behind what they make. */
__attribute__((target("avx2"))) static bool
decode_shuffled(enum base64_form form, struct str text, char *to)
{
	const struct shuffles *s = &shuffles[form];
	size_t last = text.n - 32;
	char bytes[28] UNZEROED; /* decode_32's */

	/* Four letters at least are left: three bytes of theirs, and two. */
	for (size_t at = 0; at < last; at += 32)
		if (!decode_32(s, text.p + at, to + at / 4 * 3))
			return false;
	if (!decode_32(s, text.p + last, bytes))
		return false;
	memcpy(to + last / 4 * 3, bytes, 24);
	return true;
}

static bool
is_shuffled(size_t n_letters)
{
	return n_letters >= 32 && __builtin_cpu_supports("avx2");
}

#else

static bool
is_shuffled(size_t n_letters)
{
	(void)n_letters;
	return false;
}

static bool
decode_shuffled(enum base64_form form, struct str text, char *to)
{
	(void)form;
	(void)text;
	(void)to;
	return false;
}

#endif

/* Whole groups. */
static bool
decode_groups(enum base64_form form, struct str text, char *to)
{
	const uint32_t(*value)[256] = values[form];
	const unsigned char *from = (const unsigned char *)text.p;
	size_t whole = text.n / 4;
	uint32_t all = ALL_LETTERS;

	if (is_shuffled(text.n))
		return decode_shuffled(form, text, to);
	/* The fourth byte of a group is the first of the next. */
	for (size_t i = 0; i + 1 < whole; i++) {
		uint32_t group = group_of(value, from + 4 * i);

		all &= group;
		put_group(group, to + 3 * i);
	}
	if (whole > 0)
		all &= decode_last(
		    value, from + 4 * (whole - 1), to + 3 * (whole - 1));
	return (all & ALL_LETTERS) != 0;
}

/* `to` has room for bytes_most. */
static bool
decode(enum base64_form form, struct str text, char *to, size_t *ret_n)
{
	const unsigned char *from = (const unsigned char *)text.p;
	size_t whole = text.n / 4, rest = text.n % 4;

	if (rest == 1 ||
	    !decode_groups(form, (struct str){ text.p, 4 * whole }, to))
		return false;
	*ret_n = whole * 3 + (rest > 0 ? rest - 1 : 0);
	return rest == 0 || decode_rest(values[form], from + 4 * whole, rest,
				to + 3 * whole);
}

static bool
are_letters(enum base64_form form, sixteen c)
{
	const char *last = &alphabets[form][62];

	return !sixteen_any(
	    ~(((c >= 'A') & (c <= 'Z')) | ((c >= 'a') & (c <= 'z')) |
		((c >= '0') & (c <= '9')) | (c == last[0]) | (c == last[1])));
}

bool
base64_is_letters(enum base64_form form, struct str text)
{
	uint32_t all = 1u << 24;
	size_t at = 0;

	for (; text.n - at >= 16; at += 16)
		if (!are_letters(form, sixteen_at(text.p + at)))
			return false;
	/* The last sixteen, some of them again. */
	if (at > 0)
		return at == text.n ||
		       are_letters(form, sixteen_at(text.p + text.n - 16));
	for (; at < text.n; at++)
		all &= values[form][3][(unsigned char)text.p[at]];
	return all != 0;
}

bool
base64_decode(struct arena *a, enum base64_form form, struct str text,
    struct str *ret_bytes)
{
	size_t n;
	char *p;

	if (form == BASE64_STANDARD && !strip_padding(&text))
		return false;
	p = arena_bytes(a, bytes_most(text));
	if (!p || !decode(form, text, p, &n))
		return false;
	*ret_bytes = (struct str){ p, n };
	return true;
}

bool
base64_decode_into(enum base64_form form, struct str text, char *room,
    size_t room_bytes, size_t *ret_n)
{
	if (form == BASE64_STANDARD && !strip_padding(&text))
		return false;
	return bytes_most(text) <= room_bytes &&
	       decode(form, text, room, ret_n);
}
