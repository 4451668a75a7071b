/* spare.c - see spare.h. Threads are numbered as they come, for ever: the
 * number picks the slot. */
#include "base/spare.h"

static unsigned n_threads;         /* atomic */
static _Thread_local unsigned own; /* from 1; 0: not numbered yet */

static void **
slot_of(struct spare *s)
{
	if (own == 0)
		own = __atomic_add_fetch(&n_threads, 1, __ATOMIC_RELAXED);
	return &s->slots[own % SPARE_SLOTS].p;
}

void *
spare_take(struct spare *s)
{
	return __atomic_exchange_n(slot_of(s), NULL, __ATOMIC_ACQ_REL);
}

void *
spare_give(struct spare *s, void *p)
{
	return __atomic_exchange_n(slot_of(s), p, __ATOMIC_ACQ_REL);
}

void
spare_fini(struct spare *s, void (*free_one)(void *))
{
	for (size_t i = 0; i < SPARE_SLOTS; i++) {
		if (s->slots[i].p)
			free_one(s->slots[i].p);
		s->slots[i].p = NULL;
	}
}
