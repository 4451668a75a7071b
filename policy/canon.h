/* canon.h - the canonical text of what rules are made of; for the files of policy/ alone.
 * Equal texts mean equal tests: same truth and same errors on every request. Parentheses, spacing, escapes, the way a literal or an attribute was written, the
 * side a literal stands on, `!` over a comparison, and whether a test stood in a scope or a condition make no difference; the order of operands of `&&` and `||`
 * does, since only one of them may err. Reads like policy text. */
#ifndef POLICY_CANON_H
#define POLICY_CANON_H

#include "policy/rules.h"

/* `principal in G::"x"`, `!(context has x)`, `context.n >= 5`. */
void canon_test(struct buf *out, const struct policy_instance *p,
    const struct test *test);
/* What follows the variable: ``, `== U::"a"`, `is T in G::"x"`, `like T::"p*"`, `in [A::"a", A::"b"]`, `== [A::"a", A::"b"]`. */
void canon_atom(struct buf *out, const struct normal_atom *atom);
/* The operator that says the same with its sides, or its truth, turned round. */
enum ast_op canon_mirror(enum ast_op op);
enum ast_op canon_negate(enum ast_op op);
/* Do the operands of the comparison change sides, so that a literal stands on the right? */
bool canon_is_mirrored(const struct ast *t, const struct ast_node *n);

#endif
