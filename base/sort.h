/* sort.h - order by numbers, without comparisons.
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

#endif
