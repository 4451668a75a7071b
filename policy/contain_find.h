/* contain_find.h - which rules have tests that a rule's tests imply, among
 * those whose atoms are as wide or wider; for contain.c alone. In: rules in
 * canonical order. A scope is an effect and three atoms, and its rules are
 * neighbours; within a scope rules lie by what their list begins with. Made
 * once and then only read, so that several threads may search at once; whether
 * a rule found is still there, and has room, is for who asks. Cost: O(n log n)
 * to make; a search takes some look-ups, each followed by FIND_TRIED_MAX
 * comparisons at most. */
#ifndef POLICY_CONTAIN_FIND_H
#define POLICY_CONTAIN_FIND_H

#include "policy/rules.h"

#define FIND_TRIED_MAX 64u
#define FIND_CUT UINT32_MAX /* in place of a rule: there may have been more */

struct find_scope {
	uint32_t from, to;  /* rules */
	uint32_t n_entries; /* in `entries`, from 2 * from on */
	uint64_t begins;    /* bits of what is there to be looked under */
};

struct finder {
	struct making *m;
	struct find_scope *scopes;
	uint32_t n_scopes;
	uint32_t *scope_of, *list_of; /* by rule */
	struct rule_table table;      /* of scopes */
	uint64_t *entries; /* what a list begins with, and the rule; two a rule
			      at most */
	uint64_t *needs, *has; /* by list: bits of what its tests must follow
				  from, and of what follows from them */
	uint64_t *covers;      /* a row of bits a list: which lists cover it;
				  NULL where there are too many */
	uint32_t row;          /* words in each */
	struct wider *wider;   /* by atom */
};

/* Tests on the same path may imply one another; they are found by it.
 * UINT32_MAX: no test but itself does. No test has a key as its number. */
uint32_t find_path_key(const struct making *m, uint32_t test);
/* May the test follow from another? A comparison with one value does not. */
bool find_is_implied(const struct making *m, uint32_t test);

/* In m->each. `n_threads` share the work. False when memory is out. */
bool finder_make(struct finder *f, struct making *m, size_t n_threads) MUST_USE;

/* Covers of rule `x`, of its own effect. `offer` gets each in turn, and
 * FIND_CUT after a look-up that was ended; it says whether it has seen enough.
 */
struct search {
	const struct finder *f;
	uint32_t x;
	bool (*offer)(struct search *s, uint32_t rule);
	void *ctx;
	bool is_done;
};
/* By rule x's own atoms. */
void find_covers(struct search *s);
/* By these, which are x's own but for one; false when memory is out. Not for
 * several threads. */
bool find_covers_of(
    struct search *s, const struct normal_atom atoms[3], size_t other) MUST_USE;

#endif
