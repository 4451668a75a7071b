/* width.h - formatted text is at most 100 columns wide, but where one token alone is wider. */
#ifndef TESTS_PROPERTY_WIDTH_H
#define TESTS_PROPERTY_WIDTH_H

#include "policy/policy.h"

struct width_tally {
	uint64_t texts, refused, lines;
	uint64_t long_lines; /* over 100 columns */
	uint64_t wide;       /* of these, without a token that is itself that long; the first are printed */
};

/* Format the text and look at each line. */
void width_check(struct width_tally *tally, struct str policies,
    enum policy_dialect dialect);
/* The policies of one file of published cases. False when it cannot be read. */
bool width_published(struct width_tally *tally, const char *path) MUST_USE;
/* `n` generated sets. */
void width_generated(struct width_tally *tally, uint64_t seed, uint32_t n);

#endif
