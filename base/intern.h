/* intern.h - strings (or entity uids) to dense ids, in layers.
 * A table may lie over another, which must no longer change: what the lower one knows keeps its id, what it does not know gets an id of this table's own,
 * from intern_count(below) upwards. So a request's unknown strings never enter a shared table, and two unknown strings are never taken for equal.
 * Keys are pairs (a type and an id; a plain string leaves `type` empty) and are copied into the table's arena. Lookup O(1). Outsiders choose keys: the hash is
 * seeded. */
#ifndef BASE_INTERN_H
#define BASE_INTERN_H

#include "base/str.h"

#define INTERN_NONE UINT32_MAX

struct intern;

/* Ids [0, n) that somebody else gave out, and keeps: how to ask for them. */
struct intern_lent {
	uint32_t n;
	uint32_t (*find)(const void *ctx, struct str type, struct str id);
	void (*get)(const void *ctx, uint32_t id, struct str *ret_type,
	    struct str *ret_id);
	const void *ctx;
};

/* `below` is borrowed and may be NULL. All memory is `a`'s. NULL when memory is out. */
struct intern *intern_new(struct arena *a, const struct intern *below);
/* Over ids that are lent. */
struct intern *intern_new_over(struct arena *a, const struct intern_lent *lent);
/* The id of the pair, or INTERN_NONE. */
uint32_t intern_find(const struct intern *t, struct str type, struct str id);
/* The id of the pair, added when new; INTERN_NONE when memory is out. */
uint32_t intern_add(struct intern *t, struct str type, struct str id);
/* Ids lie in [0, count). Counts the layers below too. */
uint32_t intern_count(const struct intern *t);
/* The parts of an id that the table or one below gave out. */
void intern_get(const struct intern *t, uint32_t id, struct str *ret_type,
    struct str *ret_id);

#endif
