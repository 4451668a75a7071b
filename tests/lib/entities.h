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

#endif
