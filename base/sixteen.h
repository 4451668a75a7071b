/* sixteen.h - sixteen bytes compared at once.
 * The compiler's own vectors: two or three instructions where the machine has them, right everywhere; the mask of a comparison is SSE2's, or made of its halves. Bytes are signed, so what is not ASCII is below zero. A
 * comparison's result has all bits of a byte set where it holds. */
#ifndef BASE_SIXTEEN_H
#define BASE_SIXTEEN_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

typedef signed char sixteen __attribute__((vector_size(16)));

/* From `p` on, wherever that is. */
static inline sixteen
sixteen_at(const char *p)
{
	sixteen v;

	memcpy(&v, p, sizeof v);
	return v;
}

/* The first byte that is set in a comparison's result; 16: none is. */
static inline unsigned
sixteen_first(sixteen hits)
{
#ifdef __SSE2__
	return (unsigned)__builtin_ctz(
	    (unsigned)_mm_movemask_epi8((__m128i)hits) | 1u << 16);
#else
	uint64_t halves[2];

	memcpy(halves, &hits, sizeof halves);
	if (halves[0])
		return (unsigned)__builtin_ctzll(le64toh(halves[0])) / 8;
	if (halves[1])
		return 8 + (unsigned)__builtin_ctzll(le64toh(halves[1])) / 8;
	return 16;
#endif
}

static inline bool
sixteen_any(sixteen hits)
{
	return sixteen_first(hits) < 16;
}

#endif
