/* generate.h - random policies, entities and requests from a seed, for tests that hold one evaluator against another.
 * The vocabulary is small, so that policies meet requests and each other: copies and near copies, errors on purpose, negations, wildcards, hierarchies, lists,
 * contextual patterns, guards. The same seed gives the same case. All memory is the arena's. */
#ifndef TESTS_PROPERTY_GENERATE_H
#define TESTS_PROPERTY_GENERATE_H

#include "policy/schema.h"

#define GENERATE_CONDITIONS 3u
#define GENERATE_POLICIES 12u

struct generate {
	uint64_t state;
	struct arena *arena;
	bool templates; /* some policies are templates, each with one link */
};

/* A policy in parts, so that a case can be made smaller. */
struct generate_policy {
	bool permits;
	struct str scope[3]; /* the test behind the variable; may be empty */
	struct str conditions[GENERATE_CONDITIONS]; /* `when { … }` */
	uint32_t n_conditions;
	const char *slot[2]; /* as JSON, what ?principal and ?resource are bound to; NULL: no such slot */
};

struct generate_case {
	struct generate_policy policies[GENERATE_POLICIES];
	uint32_t n_policies;
	struct str declarations;
};

void generate_init(struct generate *g, struct arena *a, uint64_t seed);
/* A number below `n`. */
uint32_t generate_below(struct generate *g, uint32_t n);
bool generate_one_in(struct generate *g, uint32_t n);
void generate_case(struct generate *g, struct generate_case *ret);
/* What the cases' requests fit: three actions, and two enumerated types beside open ones. The caller frees it. */
struct schema *generate_schema(void);
/* Entities with a hierarchy; some that policies name are missing. */
const struct entities *generate_entities(struct generate *g);
/* `r->entities` is the caller's to set. */
void generate_request(struct generate *g, struct eval_request *r);
/* The policy's text, one line. */
void generate_text(struct buf *out, const struct generate_policy *p);
/* The link of policy `i` as a policy set in JSON, its template being the first of `file`. False: it has no slots. */
bool generate_link(struct buf *out, const struct generate_policy *p, uint32_t i,
    const char *file);
/* A Boolean expression, and one that may be of any kind. */
void generate_condition(struct generate *g, struct buf *out, unsigned depth);

#endif
