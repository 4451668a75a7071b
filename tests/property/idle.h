/* idle.h - of which policies lint says that they change nothing, and is it so? */
#ifndef TESTS_PROPERTY_IDLE_H
#define TESTS_PROPERTY_IDLE_H

#include "tests/property/generate.h"

/* By instance: those that may go, all at once, and those of them that are permits which denies beat. */
struct idle {
	bool all[GENERATE_POLICIES], beaten[GENERATE_POLICIES];
};

/* Each of the set's files has one policy. Memory out: the program ends. */
struct idle idle_of(const struct policy_set *set, struct arena *a);
/* Is it so on a request on which the policies have these outcomes? No decision changes, whatever errors of denies do; and where a beaten permit holds, a deny
 * does. */
bool idle_is_so(const struct idle *idle, const struct policy_set *set,
    const enum eval_outcome *outcomes);

#endif
