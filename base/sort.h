/* sort.h - order by numbers, without comparisons; and numbers that each shall stand once.
 * A list of items is put in the order of one number each; equal ones stay as they were, so several numbers are sorted by one after the other, the least important
 * first. Cost O(n) for each eleven bits in which numbers differ; nothing where they are in order already. */
#ifndef BASE_SORT_H
#define BASE_SORT_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct arena;

/* Sort `order`, `n` numbers of items, by keys[i * step] of item i. `scratch` takes 16 bytes an item and gives them back. False when memory is out. */
bool sort_numbers(struct arena *scratch, uint32_t *order, size_t n,
    const uint32_t *keys, size_t step) MUST_USE;

/* Sort the numbers themselves, each once, in place; how many there are then. Cost O(n log n); qsort's, which takes memory for many. */
size_t sort_unique(uint32_t *numbers, size_t n);

#endif
