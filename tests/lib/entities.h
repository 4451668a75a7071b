/* entities.h - records of layers that lie in no image, for tests. */
#ifndef TESTS_LIB_ENTITIES_H
#define TESTS_LIB_ENTITIES_H

#include <stdlib.h>

#include "policy/value.h"

/* NULL: no layer has it. */
static inline const struct entity *
record_of(const struct entities *layer, struct uid uid)
{
	const struct entity *e;

	if (!entities_find(layer, uid, NULL, &e, NULL))
		abort();
	return e;
}

static inline const struct entity *
record_at(const struct entities *layer, size_t i)
{
	const struct entity *e;

	if (!entities_at(layer, i, NULL, &e, NULL))
		abort();
	return e;
}

/* Is each of `x`'s parents one of `y`'s? */
static inline bool
has_parents_of(const struct entity *y, const struct entity *x)
{
	for (size_t i = 0; i < x->n_parents; i++) {
		size_t k = 0;

		while (
		    k < y->n_parents && !uid_eq(x->parents[i], y->parents[k]))
			k++;
		if (k == y->n_parents)
			return false;
	}
	return true;
}

static inline bool
is_same_record(const struct entity *x, const struct entity *y)
{
	return value_eq(&x->attrs, &y->attrs) && value_eq(&x->tags, &y->tags) &&
	       has_parents_of(x, y) && has_parents_of(y, x) &&
	       strcmp(x->from, y->from) == 0;
}

/* How many of `x` stand in `y`, and are the same there. */
static inline size_t
count_same_records(const struct entities *x, const struct entities *y)
{
	size_t n = 0;

	for (size_t i = 0; i < entities_count(x); i++) {
		const struct entity *e = record_at(x, i);
		const struct entity *other = record_of(y, e->uid);

		n += other && is_same_record(e, other);
	}
	return n;
}

#endif
