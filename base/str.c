/* str.c - slices, the growing buffer, UTF-8 and the seeded hash.
 * The hash is SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast
 * short-input PRF", 2012): outsiders choose the keys of our tables, so its key
 * comes from getrandom. UTF-8 is RFC 3629, read by its table 3-7 ranges: the
 * second byte alone tells overlong forms and surrogates. */
#include "base/str.h"

#include <endian.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "base/arena.h"

struct str
str_of(const char *z)
{
	return (struct str){ z ? z : "", z ? strlen(z) : 0 };
}

int
str_cmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n ? memcmp(a.p, b.p, n) : 0;

	return order ? order : (a.n > b.n) - (a.n < b.n);
}

int
str_compare(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

bool
str_has_prefix(struct str s, struct str prefix)
{
	return s.n >= prefix.n && str_eq(str_sub(s, 0, prefix.n), prefix);
}

bool
str_has_suffix(struct str s, struct str suffix)
{
	return s.n >= suffix.n &&
	       str_eq(str_sub(s, s.n - suffix.n, s.n), suffix);
}

size_t
str_find(struct str s, char c, size_t from)
{
	const char *hit;

	if (from >= s.n)
		return s.n;
	hit = memchr(s.p + from, c, s.n - from);
	return hit ? (size_t)(hit - s.p) : s.n;
}

struct str
str_sub(struct str s, size_t from, size_t to)
{
	if (to > s.n)
		to = s.n;
	if (from > to)
		from = to;
	/* An empty slice may have no bytes at all: NULL + 0 is undefined. */
	return (struct str){ from ? s.p + from : s.p, to - from };
}

struct str
str_dup(struct arena *a, struct str s)
{
	char *p = s.n < SIZE_MAX ? arena_bytes(a, s.n + 1) : NULL;

	if (!p)
		return (struct str){ NULL, 0 };
	if (s.n)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return (struct str){ p, s.n };
}

const char *
str_z(struct arena *a, struct str s)
{
	return str_dup(a, s).p;
}

struct str
str_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	p = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1);
	if (!p)
		return (struct str){ NULL, 0 };
	va_start(ap, fmt);
	n = vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return (struct str){ p, n < 0 ? 0 : (size_t)n };
}

bool
str_to_u64(struct str s, uint64_t max, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned digit = (unsigned char)s.p[i] - (unsigned)'0';

		if (digit > 9 || __builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return false;
	}
	if (value > max)
		return false;
	*ret_value = value;
	return true;
}

/* Length of the well-formed sequence at the start of `s`, 0 when there is
 * none; the code point through `ret`. */
static size_t
utf8_step(struct str s, uint32_t *ret)
{
	/* First bytes, how long, and what the second byte may be (Unicode,
	 * table 3-7); further bytes are always 80..BF. */
	static const struct {
		unsigned char first, last, len, low, high;
	} rows[] = {
		{ 0x00, 0x7f, 1, 0, 0 },
		{ 0xc2, 0xdf, 2, 0x80, 0xbf },
		{ 0xe0, 0xe0, 3, 0xa0, 0xbf },
		{ 0xe1, 0xec, 3, 0x80, 0xbf },
		{ 0xed, 0xed, 3, 0x80, 0x9f },
		{ 0xee, 0xef, 3, 0x80, 0xbf },
		{ 0xf0, 0xf0, 4, 0x90, 0xbf },
		{ 0xf1, 0xf3, 4, 0x80, 0xbf },
		{ 0xf4, 0xf4, 4, 0x80, 0x8f },
	};
	const unsigned char *p = (const unsigned char *)s.p;
	uint32_t point;
	size_t row = 0;

	if (s.n == 0)
		return 0;
	while (row < ARRAY_LEN(rows) && p[0] > rows[row].last)
		row++;
	if (row == ARRAY_LEN(rows) || p[0] < rows[row].first ||
	    s.n < rows[row].len)
		return 0;
	if (rows[row].len == 1) {
		*ret = p[0];
		return 1;
	}
	if (p[1] < rows[row].low || p[1] > rows[row].high)
		return 0;
	point = p[0] & (0x7fu >> rows[row].len);
	for (size_t i = 1; i < rows[row].len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (p[i] & 0x3f);
	}
	*ret = point;
	return rows[row].len;
}

size_t
str_utf8_next(struct str s, size_t at, uint32_t *ret_point)
{
	return utf8_step(str_sub(s, at, s.n), ret_point);
}

#define ASCII_STEP 32u
#define HIGH_BITS UINT64_C(0x8080808080808080)

static inline bool
is_ascii_step(const char *p)
{
	uint64_t w[ASCII_STEP / 8];

	memcpy(w, p, sizeof w);
	return ((w[0] | w[1] | w[2] | w[3]) & HIGH_BITS) == 0;
}

/* How many bytes from `at` on are ASCII, in steps of eight. */
static size_t
ascii_run(struct str s, size_t at)
{
	size_t n = 0;
	uint64_t w;

	while (s.n - at - n >= ASCII_STEP && is_ascii_step(s.p + at + n))
		n += ASCII_STEP;
	for (; s.n - at - n >= 8; n += 8) {
		memcpy(&w, s.p + at + n, 8);
		if (w & HIGH_BITS)
			break;
	}
	return n;
}

bool
str_is_utf8(struct str s)
{
	uint32_t point;

	for (size_t i = 0; i < s.n;) {
		size_t n = ascii_run(s, i);

		if (n == 0)
			n = utf8_step(str_sub(s, i, s.n), &point);
		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

/* Every error's place counts a line's characters: eight bytes at a time, those
 * of the form 10xxxxxx apart. */
size_t
str_utf8_len(struct str s)
{
	const uint64_t ones = 0x0101010101010101u;
	size_t count = 0, i = 0;

	for (; s.n - i >= 8; i += 8) {
		uint64_t w;

		for (; s.n - i >= ASCII_STEP && is_ascii_step(s.p + i);
		     i += ASCII_STEP)
			count += ASCII_STEP;
		if (s.n - i < 8)
			break;
		memcpy(&w, s.p + i, 8);
		w = (w >> 7) & ~(w >> 6) & ones;
		count += 8 - (size_t)(w * ones >> 56);
	}
	for (; i < s.n; i++)
		count += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return count;
}

/* The key of this process; written before threads or under the once. */
static struct {
	pthread_once_t once;
	uint64_t k0, k1;
} hash_key = { .once = PTHREAD_ONCE_INIT };

static void
hash_key_random(void)
{
	uint64_t k[2];
	ssize_t n;

	do
		n = getrandom(k, sizeof k, 0);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof k) {
		/* No getrandom in this kernel or sandbox: the tables stay
		 * right, only easier to crowd. */
		struct timespec now = { 0 };

		(void)clock_gettime(CLOCK_MONOTONIC, &now);
		k[0] = (uint64_t)now.tv_nsec * 0x9e3779b97f4a7c15u;
		k[1] = (uint64_t)(uintptr_t)&now ^ (uint64_t)now.tv_sec;
	}
	hash_key.k0 = k[0];
	hash_key.k1 = k[1];
}

void
str_hash_seed(uint64_t seed)
{
	(void)pthread_once(&hash_key.once, hash_key_random);
	hash_key.k0 = seed;
	hash_key.k1 = ~seed;
}

static inline uint64_t
rotl(uint64_t x, unsigned by)
{
	return x << by | x >> (64 - by);
}

static inline void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

static inline void
sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
}

static inline uint64_t
word_le(const char *p, size_t n)
{
	uint64_t word = 0;

	if (n == 8) {
		memcpy(&word, p, 8);
		return le64toh(word);
	}
	for (size_t i = 0; i < n; i++)
		word |= (uint64_t)(unsigned char)p[i] << (8 * i);
	return word;
}

uint64_t
str_sip13(uint64_t k0, uint64_t k1, struct str s)
{
	uint64_t v[4] = { k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du,
		k0 ^ 0x6c7967656e657261u, k1 ^ 0x7465646279746573u };
	size_t whole = s.n & ~(size_t)7;

	for (size_t i = 0; i < whole; i += 8)
		sip_word(v, word_le(s.p + i, 8));
	sip_word(v, (s.n > whole ? word_le(s.p + whole, s.n - whole) : 0) |
			(uint64_t)s.n << 56);
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t
str_hash(struct str s, uint64_t salt)
{
	(void)pthread_once(&hash_key.once, hash_key_random);
	return str_sip13(hash_key.k0 ^ salt, hash_key.k1, s);
}

struct buf
buf_over(char *room, size_t n)
{
	return (struct buf){ .p = room, .cap = n, .is_lent = true };
}

void
buf_free(struct buf *b)
{
	if (!b->is_lent && !b->arena)
		free(b->p);
	*b = (struct buf){ 0 };
}

bool
buf_ok(const struct buf *b)
{
	return !b->failed;
}

struct str
buf_str(const struct buf *b)
{
	return (struct str){ b->p ? b->p : "", b->n };
}

#define LARGE_BYTES ((size_t)1 << 20)

/* The buffer's own memory, cut to size, freed with the arena. */
static void *
adopt(struct buf *b, struct arena *a)
{
	char *p = realloc(b->p, b->n);

	if (!p)
		return NULL;
	b->p = p;
	b->cap = b->n;
	if (!arena_at_end(a, free, p))
		return NULL;
	*b = (struct buf){ 0 };
	return p;
}

void *
buf_take(struct buf *b, struct arena *a)
{
	void *p;

	if (b->p && b->arena == a && a) {
		p = b->p;
		*b = (struct buf){ 0 };
		return p;
	}
	if (b->n >= LARGE_BYTES && !b->is_lent && !b->arena)
		return adopt(b, a);
	p = arena_alloc(a, b->n);
	if (p && b->p)
		memcpy(p, b->p, b->n);
	if (p)
		buf_free(b);
	return p;
}

/* What it was stays the arena's, too. */
static char *
grow_in_arena(struct buf *b, size_t cap)
{
	char *p = arena_alloc(b->arena, cap);

	if (p && b->n)
		memcpy(p, b->p, b->n);
	return p;
}

/* Room for `more` bytes and a NUL after them; NULL from the first failure on,
 * so that what is there never has a hole. */
static char *
buf_room(struct buf *b, size_t more)
{
	size_t need, cap;
	char *p;

	if (b->failed || __builtin_add_overflow(b->n, more, &need) ||
	    __builtin_add_overflow(need, 1u, &need) ||
	    (b->is_lent && need > b->cap)) {
		b->failed = true;
		return NULL;
	}
	if (need <= b->cap)
		return b->p + b->n;
	cap = b->cap < 64 ? 64 : b->cap;
	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	p = b->arena ? grow_in_arena(b, cap) : realloc(b->p, cap);
	if (!p) {
		b->failed = true;
		return NULL;
	}
	b->p = p;
	b->cap = cap;
	return p + b->n;
}

void
buf_add(struct buf *b, struct str s)
{
	char *p =
	    !b->failed && s.n < b->cap - b->n ? b->p + b->n : buf_room(b, s.n);

	if (!p)
		return;
	if (s.n)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	b->n += s.n;
}

void
buf_addz(struct buf *b, const char *z)
{
	buf_add(b, str_of(z));
}

void
buf_byte(struct buf *b, char c)
{
	buf_add(b, (struct str){ &c, 1 });
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->failed = true;
		return;
	}
	p = buf_room(b, (size_t)n);
	if (!p)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
}

/* What moves a cursor, breaks a line or hides or reorders text: C0, DEL, C1,
 * zero-width and bidirectional marks, line separators, the byte order mark. */
static bool
is_unprintable(uint32_t point)
{
	static const uint32_t ranges[][2] = {
		{ 0x00, 0x1f },
		{ 0x7f, 0x9f },
		{ 0xad, 0xad },
		{ 0x61c, 0x61c },
		{ 0x180e, 0x180e },
		{ 0x200b, 0x200f },
		{ 0x2028, 0x202e },
		{ 0x2060, 0x206f },
		{ 0xfeff, 0xfeff },
		{ 0xfff9, 0xfffb },
		{ 0xe0000, 0xe007f },
	};

	for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
		if (point >= ranges[i][0] && point <= ranges[i][1])
			return true;
	return false;
}

static void
add_escaped(struct buf *b, struct str s, bool ascii, const char *also)
{
	for (size_t i = 0; i < s.n;) {
		uint32_t point = 0;
		size_t n = utf8_step(str_sub(s, i, s.n), &point);

		if (n == 0)
			buf_printf(b, "\\x%02x", (unsigned char)s.p[i]);
		else if (is_unprintable(point) || (ascii && point > 0x7e))
			buf_printf(b, "\\u{%x}", (unsigned)point);
		else {
			if (n == 1 && strchr(also, s.p[i]))
				buf_byte(b, '\\');
			buf_add(b, str_sub(s, i, i + n));
		}
		i += n ? n : 1;
	}
}

void
buf_escaped(struct buf *b, struct str s, bool ascii)
{
	add_escaped(b, s, ascii, "");
}

void
buf_quoted(struct buf *b, struct str s)
{
	buf_byte(b, '"');
	add_escaped(b, s, true, "\"\\");
	buf_byte(b, '"');
}
