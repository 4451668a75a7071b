/* names.h - the names that policies use of a schema: are they declared, and which was probably meant?
 * Looked up wherever they stand, in dead parts of an expression too, as Cedar does. */
#ifndef POLICY_NAMES_H
#define POLICY_NAMES_H

#include "policy/typecheck.h"

/* What hints choose from; made when the first is wanted. */
struct names {
	const struct schema *schema;
	struct arena *arena;
	struct str *types, *ids; /* of entity types; of actions */
};

bool names_init(struct names *n, const struct schema *schema,
    struct arena *keep) MUST_USE;
/* Findings for the names of one node: entity types, actions, enumerated ids. */
void names_check(struct names *n, struct checker *c, uint32_t node);
/* Why no request of the schema fits the scope: at the element that is to blame, unless it has findings already. */
void names_refuse_scope(struct checker *c, const struct ast_policy *policy);

#endif
