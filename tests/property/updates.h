/* updates.h - random changes of policies and entities, as updates of a snapshot and as a load of the whole; for property.c. */
#ifndef TESTS_PROPERTY_UPDATES_H
#define TESTS_PROPERTY_UPDATES_H

#include <stdint.h>

struct updates_tally {
	uint64_t steps, updated, rebuilt, refused, merged;
	uint64_t agree, differ; /* decisions */
};

/* One sequence of changes, that of the seed. The first differences are printed. */
void updates_run(uint64_t seed, struct updates_tally *tally);

#endif
