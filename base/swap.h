/* swap.h - one pointer that many threads follow and one thread at a time replaces (read-copy-update, liburcu).
 * Who follows it takes no lock and writes to nothing that other threads write: `swap_enter` gives what is in force, and it stays whole until the matching
 * `swap_leave`. Who replaces it waits in `swap_replace` until nobody can still be following the old one, which is then the caller's to free. A thread that follows
 * must not replace: it would wait for itself. A thread is registered by its first `swap_enter`, which allocates.
 * For what is held longer than a request takes, take a reference between enter and leave. */
#ifndef BASE_SWAP_H
#define BASE_SWAP_H

#include <stdatomic.h>

struct swap {
	_Atomic(void *) now;
};

/* Before any thread follows it. */
void swap_init(struct swap *s, void *first);
/* What is in force; NULL when that is nothing. Enters nest. */
void *swap_enter(struct swap *s);
void swap_leave(struct swap *s);
/* The old one, after a grace period: threads that entered before have left. Others may enter all the while, and see the new one. Replacers take turns: the caller
 * sees to that. */
void *swap_replace(struct swap *s, void *next);

#endif
