/* typecheck.h - the type of an expression in one environment, and what it guards.
 * An environment says of what types principal, action, resource and context are. Expressions are typed as Cedar does: from left to right, with what guards have
 * found (effects.h) held; `true` and `false` have types of their own, and what they leave dead is not looked at. An expression in error has no type (NULL), and what
 * is made of it is not in error for that. Cost: O(nodes) an environment and what types cost to compare; all steps are counted.
 * Source: Cedar 4.5, validation against a schema; what this language adds is typed in the same way. */
#ifndef POLICY_TYPECHECK_H
#define POLICY_TYPECHECK_H

#include "policy/effects.h"
#include "policy/findings.h"
#include "policy/type.h"

struct environment {
	uint32_t number; /* from 1, among those of a policy */
	uint32_t principal, action, resource; /* types and an action, by index; SCHEMA_NONE: any that may be, not looked at */
	uint32_t context_of;                  /* an action that has this context; SCHEMA_NONE: not looked at */
	const struct type *vars[4];           /* by enum ast_var; NULL: not looked at */
};

/* One policy after the other; what is of a policy or an environment is set anew for each. */
struct checker {
	const struct schema *schema;
	enum schema_mode mode;
	const struct ast *ast;
	struct types types;
	struct effects effects;
	struct findings findings;
	struct arena *scratch; /* of one environment */
	struct environment env;
	const struct uid *slot; /* [0] ?principal, [1] ?resource of a link; NULL: any entities */
	unsigned depth;
	uint64_t steps;
	bool is_too_deep, failed;
};

struct answer {
	const struct type *type;     /* NULL: in error */
	const struct effect *effect; /* what is there where this is true */
};

/* Type the expression; findings are added. */
struct answer typecheck_expr(struct checker *c, uint32_t node);
/* As typecheck_expr, for the condition of a `when` or `unless`, which must be Bool. TYPE_NEVER where it is in error. */
enum type_kind typecheck_condition(
    struct checker *c, uint32_t node, const struct effect **ret_effect);
/* The contextual wildcards of a scope pattern: each path is there and ends in a string or an entity. */
void typecheck_pattern(struct checker *c, uint32_t pattern);

/* A finding at a node, or at bytes, in the current environment; as findings_add. */
struct error *typecheck_refuse(struct checker *c, uint32_t node,
    enum err_code code, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* The node without parentheses. */
uint32_t typecheck_bare(const struct checker *c, uint32_t node);

#endif
