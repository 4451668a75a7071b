/* pages.h - zeroed memory straight from the system, for tables that are read at random.
 * Large ones ask for huge pages, so that a look-up costs one cache miss and no walk of page tables. Aligned to a page at least; given back whole. */
#ifndef BASE_PAGES_H
#define BASE_PAGES_H

#include <stddef.h>

/* NULL when memory is out or `size` is 0. */
void *pages_new(size_t size);
/* `size` as it was asked for. NULL is fine. */
void pages_free(void *p, size_t size);
/* All of it is written soon: the system gives the pages for it at once, where it can. What is in them stays. */
void pages_touch(void *p, size_t size);
/* Give the heap's free pages back to the system, after a piece of work that took much and freed it: an allocator keeps them otherwise. Costs a look at what is free. */
void pages_trim(void);

#endif
