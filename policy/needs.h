/* needs.h - inside of policy_needs, for needs*.c alone: one policy's ways to be satisfied, and not to be. */
#ifndef POLICY_NEEDS_H
#define POLICY_NEEDS_H

#include "policy/fold.h"
#include "policy/ways.h"

/* Ways in which something is true, and in which it is false; what is no Boolean has a value in either. */
struct answer {
	struct ways yes, no;
};

/* Which parents of an instance a group is above of. */
#define GROUP_ANY 1u /* an instance's own; the other bits are claims */
#define GROUP_TYPES_MAX 8u

struct needing {
	const struct policy_set *set;
	const struct policy_needs_query *query;
	struct entities *entities; /* with the resource laid over; may be NULL */
	bool knows_resource;
	struct arena *kept, *each, *scratch; /* results; one policy's; values */
	struct ways_maker maker;             /* in `each`, or `kept` */
	struct intern *claims;
	uint8_t *groups; /* by id of the layer: GROUP_ANY, and a bit a claim */
	struct str group_claims[GROUP_TYPES_MAX];
	uint32_t n_group_claims;
	bool groups_unknown;
	/* The policy at hand. */
	const struct policy_instance *policy;
	uint32_t index;
	struct fold fold;
	unsigned depth;
	struct error *reterr;
	bool failed;
};

/* The claim's number. Failed where there are too many of them. */
uint32_t needs_claim(struct needing *n, struct str name, struct str member);
/* The answer of the policy at hand, whose tree is folded; all is `maker`'s. */
struct answer needs_of_policy(struct needing *n);

#endif
