/* unpack.c - packed texts, as they were (pack.h). Nothing of what is read is
 * believed: each length is held against what is left, each number against its
 * table. Cost: a copy of the text, and a step a part. */
#include "policy/pack.h"

#define DIGITS_MAX 20u

/* From bytes that end at `n`. */
static bool
read_number(const char *bytes, size_t n, size_t *inout_at, uint64_t *ret)
{
	uint64_t number = 0;

	for (unsigned shift = 0; shift < 63 && *inout_at < n; shift += 7) {
		unsigned char c = (unsigned char)bytes[(*inout_at)++];

		number |= (uint64_t)(c & 0x7fu) << shift;
		if (c < 0x80) {
			*ret = number;
			return true;
		}
	}
	return false;
}

/* Most are small: of one byte, which is the number. */
static inline bool
is_small(const struct unpacking *u)
{
	return u->at < u->of->n_bytes &&
	       (unsigned char)u->of->bytes[u->at] < 0x80;
}

static inline bool
next_number(struct unpacking *u, uint64_t *ret)
{
	if (!is_small(u))
		return read_number(u->of->bytes, u->of->n_bytes, &u->at, ret);
	*ret = (unsigned char)u->of->bytes[u->at++];
	return true;
}

bool
unpack_number(struct unpacking *u, uint64_t *ret)
{
	return next_number(u, ret);
}

bool
unpack_u32(struct unpacking *u, uint32_t *ret)
{
	uint64_t n;

	if (is_small(u)) {
		*ret = (unsigned char)u->of->bytes[u->at++];
		return true;
	}
	if (!next_number(u, &n) || n > UINT32_MAX)
		return false;
	*ret = (uint32_t)n;
	return true;
}

static inline bool
put(struct unpacked *to, const char *p, size_t n)
{
	if (n > to->room - to->n)
		return false;
	/* Most words and numbers are shorter than a call is. */
	if (to->p && n >= 8)
		memcpy(to->p + to->n, p, n);
	for (size_t i = 0; to->p && n < 8 && i < n; i++)
		to->p[to->n + i] = p[i];
	to->n += n;
	return true;
}

static bool
put_decimal(struct unpacked *to, uint64_t number)
{
	char digits[DIGITS_MAX];
	size_t at = sizeof digits;

	do
		digits[--at] = (char)('0' + number % 10);
	while (number /= 10);
	return put(to, digits + at, sizeof digits - at);
}

/* Item `i` of those that lie one after another; false where there is none. */
static bool
item_at(const char *bytes, size_t n_bytes, const uint32_t *ends, size_t n,
    uint64_t i, struct str *ret)
{
	uint32_t from, to;

	if (i >= n)
		return false;
	from = i ? ends[i - 1] : 0;
	to = ends[i];
	if (from > to || to > n_bytes)
		return false;
	*ret = (struct str){ bytes + from, to - from };
	return true;
}

static bool
put_word(const struct packed *of, struct unpacked *to, uint64_t i)
{
	struct str word;

	return item_at(of->words, of->n_words, of->word_ends, of->n_word_ends,
		   i, &word) &&
	       put(to, word.p, word.n);
}

static bool
put_bytes(struct unpacking *u, struct unpacked *to, uint64_t n)
{
	const char *p = u->of->bytes + u->at;

	if (n > u->of->n_bytes - u->at)
		return false;
	u->at += n;
	return put(to, p, n);
}

bool
unpack_part(struct unpacking *u, struct unpacked *to)
{
	uint64_t value, number;

	if (!next_number(u, &value))
		return false;
	switch ((enum pack_kind)(value & 3)) {
	case PACK_NUMBER:
		return put_decimal(to, value >> 2);
	case PACK_BYTES:
		return put_bytes(u, to, value >> 2);
	case PACK_WORD:
		return put_word(u->of, to, value >> 2);
	case PACK_COUNTED:
		return put_word(u->of, to, value >> 2) &&
		       next_number(u, &number) && put_decimal(to, number);
	}
	return false;
}

bool
unpack_text(struct unpacking *u, struct unpacked *to)
{
	uint64_t number, n;
	struct str shape;
	size_t at = 0;

	if (!unpack_number(u, &number) ||
	    !item_at(u->of->shapes, u->of->n_shapes, u->of->shape_ends,
		u->of->n_shape_ends, number, &shape))
		return false;
	while (at < shape.n) {
		if (at > 0 && !unpack_part(u, to))
			return false;
		if (!read_number(shape.p, shape.n, &at, &n) ||
		    n > shape.n - at || !put(to, shape.p + at, n))
			return false;
		at += n;
	}
	return true;
}
