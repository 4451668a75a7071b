/* fold.h - which outcomes each node of a policy can have, without a request: true, false, an error.
 * A bit set a node; a value that is no Boolean counts as true and false. It is what facts.h says, and more, since nothing that is decided hangs on it: constant
 * expressions are evaluated, an `==` of different kinds is false, a test on a variable is held against the scope, conjuncts against each other. What is not in the
 * set cannot happen; what is may. Cost O(nodes), times FOLD_CHAIN for conjunctions. For the files of policy/ alone. */
#ifndef POLICY_FOLD_H
#define POLICY_FOLD_H

#include "policy/facts.h"
#include "policy/set.h"

#define FOLD_TRUE 1u
#define FOLD_FALSE 2u
#define FOLD_ERROR 4u
#define FOLD_CHAIN 32u /* conjuncts before one that it is held against */
#define FOLD_NO_INSTANCE UINT32_MAX

struct fold_node {
	uint8_t can;
	bool is_constant, is_inside; /* … of a larger constant */
	uint32_t against;            /* the conjunct it contradicts, or 0 */
	const struct error *error;   /* a constant's, if it errs */
};

struct fold {
	const struct policy_set *set;
	const struct ast *ast;
	const struct ast_policy *policy;
	uint32_t instance; /* evaluates constants, or FOLD_NO_INSTANCE */
	struct arena *arena;
	struct facts_table facts;
	struct fold_node *nodes;
};

/* All memory is `a`'s. */
bool fold_policy(struct fold *ret, struct arena *a,
    const struct policy_set *set, const struct ast *t, uint32_t policy,
    uint32_t instance, struct error *reterr) MUST_USE;

const struct fold_node *fold_of(const struct fold *f, uint32_t node);
/* The outcomes of the node where a condition is wanted: what is no Boolean errs. */
unsigned fold_condition(const struct fold *f, uint32_t node);
/* The k-th operand of a node; 0 after the last. */
uint32_t fold_child(const struct ast *t, uint32_t node, uint32_t k);
/* The node without parentheses around it. */
uint32_t fold_bare(const struct ast *t, uint32_t node);
/* Both cannot be true of one request. Parentheses are looked through. */
bool fold_contradicts(const struct fold *f, uint32_t x, uint32_t y);
/* Written the same, but for spaces. */
bool fold_is_same(const struct ast *t, uint32_t x, uint32_t y);
/* The pattern of a `like` or `matches` is one that every text has. */
bool fold_matches_all(const struct ast *t, uint32_t node);

#endif
