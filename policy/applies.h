/* applies.h - which requests that the schema allows a policy's scope may match.
 * A test of a type restricts types; a test of entities restricts types to those that may be equal to, or in, one of them; a negated test restricts nothing but
 * `is not`. The action of an environment is known: its tests are decided, negated ones too. Cost: O(tests) a type or action, once a policy. */
#ifndef POLICY_APPLIES_H
#define POLICY_APPLIES_H

#include "policy/typecheck.h"

/* May the scope element match an entity of this type (principal, resource) or this action? */
bool applies_type(const struct checker *c, uint32_t scope, uint32_t type);
bool applies_action(const struct checker *c, uint32_t scope, uint32_t action);
/* May it match one of these types? */
bool applies_any(struct checker *c, uint32_t scope, const uint32_t *types,
    uint32_t n);
/* Does some action have a principal and a resource that the scope may match? */
bool applies_some(struct checker *c, const struct ast_policy *policy);
/* The only action that the element may match, by `==`; SCHEMA_NONE where it may be others, or none. */
uint32_t applies_only_action(const struct checker *c, uint32_t scope);

#endif
