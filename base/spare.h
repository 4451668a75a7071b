/* spare.h - objects that cost more to make than to use, kept for who needs one next.
 * Who takes one has it alone, and gives it back or frees it; nobody waits. A thread asks one slot only, its own as long as there are not more threads than slots, so
 * that two at work at once do not pass an object (and its cache line) between them. What finds no room is handed back, to be freed. All zero is empty.
 * Cost: one atomic exchange. */
#ifndef BASE_SPARE_H
#define BASE_SPARE_H

#include <stddef.h>

#define SPARE_SLOTS 16u

struct spare {
	struct {
		void *p; /* atomic */
		char apart[64 - sizeof(void *)];
	} slots[SPARE_SLOTS];
};

/* NULL: none is there. */
void *spare_take(struct spare *s);
/* Takes `p`. What lay there, for the caller to free; NULL: nothing. */
void *spare_give(struct spare *s, void *p);
/* Empty it: free_one is called for each. Nobody may use it meanwhile. */
void spare_fini(struct spare *s, void (*free_one)(void *));

#endif
