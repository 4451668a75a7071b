/* ways.h - ways to meet something by what one shows: alternatives of claims, for needs.c alone.
 * A way names claims, by number, that must be shown, and others that must not be; it is met whatever else there is. Lists hold no way that another of them makes
 * needless, and at most WAYS_MAX: then the longest is dropped, and the maker says so. No way at all: it cannot be met. One empty way: it needs nothing.
 * Cost: O(WAYS_MAX^3) for two full lists; lists are of one or two ways in practice. */
#ifndef POLICY_WAYS_H
#define POLICY_WAYS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

#define WAYS_MAX 64u
#define WAYS_CLAIMS_MAX 256u
#define WAYS_WORDS (WAYS_CLAIMS_MAX / 64u)

struct way {
	uint64_t show[WAYS_WORDS], hide[WAYS_WORDS];
};

struct ways {
	struct way *items;
	uint32_t n;
};

struct ways_maker {
	struct arena *a;
	bool is_cut; /* something was dropped: there may be other ways */
	bool failed; /* memory was out: results are not to be used */
};

/* Whoever meets `y` meets `x`. */
bool way_is_within(const struct way *x, const struct way *y);
bool way_is_empty(const uint64_t claims[WAYS_WORDS]);
unsigned way_count(const uint64_t claims[WAYS_WORDS]);
bool way_has(const uint64_t claims[WAYS_WORDS], uint32_t claim);

/* The list of one way that shows, or hides, the claim; of none needed. */
struct ways ways_show(struct ways_maker *m, uint32_t claim);
struct ways ways_hide(struct ways_maker *m, uint32_t claim);
struct ways ways_free(struct ways_maker *m);
struct ways ways_either(
    struct ways_maker *m, struct ways x, struct ways y);
struct ways ways_both(struct ways_maker *m, struct ways x, struct ways y);
/* Lists may share their items, which live in the arena of whoever made them: this one's are the maker's. */
struct ways ways_copy(struct ways_maker *m, struct ways x);
/* The same instances meet it, by fewer claims: of `owner` and `region, not owner` it makes `owner` and `region`. A copy. */
struct ways ways_simplest(struct ways_maker *m, struct ways x);
/* Put one more into a list of room WAYS_MAX. */
void ways_add(struct ways_maker *m, struct ways *list, const struct way *w);

#endif
