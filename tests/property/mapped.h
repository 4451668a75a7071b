/* mapped.h - a policy set by way of its image. */
#ifndef TESTS_PROPERTY_MAPPED_H
#define TESTS_PROPERTY_MAPPED_H

#include "policy/policy.h"

/* The image of `set` and of a finished layer (NULL: none), written to memory that has a path, and opened. Aborts when that fails. */
struct policy_set *mapped_of(
    const struct policy_set *set, const struct entities *layer);

#endif
