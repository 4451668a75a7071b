/* published.h - published cases through the normal form: their policies and requests, rules against text. What the cases expect of decisions is tested elsewhere. */
#ifndef TESTS_PROPERTY_PUBLISHED_H
#define TESTS_PROPERTY_PUBLISHED_H

#include "base/error.h"

struct published_tally {
	uint64_t cases, agree, differ, refused; /* refused: cases that cannot be read */
};

/* The cases of one file, added to the tally; the first differences are printed. False when it cannot be read. */
bool published_run(const char *path, struct published_tally *tally) MUST_USE;

#endif
