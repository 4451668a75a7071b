/* sort.c - counting sort, eleven bits at a time from the lowest.
 * Keys are fetched once, in the order that the items have; the passes then move
 * pairs of a key and an item. */
#include "base/sort.h"

#include <stdlib.h>

#include "base/arena.h"

#define BITS 11u
#define BUCKETS (1u << BITS)

struct pair {
	uint32_t key, item;
};

static uint32_t
digit(uint32_t key, unsigned shift)
{
	return key >> shift & (BUCKETS - 1);
}

/* The pairs with their keys. *ret_differ: bits that are not the same in all,
 * 0 where all are in order. */
static void
fetch(struct pair *to, const uint32_t *order, size_t n, const uint32_t *keys,
    size_t step, uint32_t *ret_differ)
{
	bool in_order = true;
	uint32_t differ = 0;

	for (size_t i = 0; i < n; i++) {
		to[i] = (struct pair){ keys[order[i] * step], order[i] };
		if (i > 0 && to[i].key < to[i - 1].key)
			in_order = false;
		differ |= to[i].key ^ to[0].key;
	}
	*ret_differ = in_order ? 0 : differ;
}

static void
pass(struct pair *to, const struct pair *from, size_t n, unsigned shift)
{
	uint32_t at[BUCKETS] = { 0 }, sum = 0;

	for (size_t i = 0; i < n; i++)
		at[digit(from[i].key, shift)]++;
	for (size_t i = 0; i < BUCKETS; i++) {
		uint32_t count = at[i];

		at[i] = sum;
		sum += count;
	}
	for (size_t i = 0; i < n; i++)
		to[at[digit(from[i].key, shift)]++] = from[i];
}

bool
sort_numbers(struct arena *scratch, uint32_t *order, size_t n,
    const uint32_t *keys, size_t step)
{
	struct arena_mark mark = arena_mark(scratch);
	struct pair *pairs, *other;
	uint32_t differ;

	if (n < 2)
		return true;
	pairs = ARENA_ARRAY(scratch, n, struct pair);
	other = ARENA_ARRAY(scratch, n, struct pair);
	if (!pairs || !other)
		return false;
	fetch(pairs, order, n, keys, step, &differ);
	for (unsigned shift = 0; shift < 32; shift += BITS) {
		struct pair *swap = pairs;

		if (digit(differ, shift) == 0)
			continue;
		pass(other, pairs, n, shift);
		pairs = other;
		other = swap;
	}
	for (size_t i = 0; i < n; i++)
		order[i] = pairs[i].item;
	arena_release(scratch, mark);
	return true;
}

static int
by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

size_t
sort_unique(uint32_t *numbers, size_t n)
{
	size_t kept = 0;

	if (n > 1)
		qsort(numbers, n, sizeof *numbers, by_number);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || numbers[i] != numbers[kept - 1])
			numbers[kept++] = numbers[i];
	return kept;
}
