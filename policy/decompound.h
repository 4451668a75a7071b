/* decompound.h - operands of `&&` and `||`, for the files that take policies apart. */
#ifndef POLICY_DECOMPOUND_H
#define POLICY_DECOMPOUND_H

#include "policy/rules.h"

/* An expression that is neither in parentheses nor under `!`, taken so or turned round. */
struct operand {
	uint32_t node;
	bool negated;
};

struct operand operand_bare(const struct ast *t, uint32_t node, bool negated);
/* Must all of its operands hold (`a && b`, `!(a || b)`), or is one enough? Neither for what is not `&&` or `||`. */
bool operand_is_all(const struct ast *t, struct operand o);
bool operand_is_any(const struct ast *t, struct operand o);
/* The operands of a chain, in order of evaluation, appended to `out` as struct operand. False when memory is out. */
bool operands_list(const struct ast *t, struct operand o, struct buf *out)
    MUST_USE;
/* The same, or the operand itself where not all of several must hold. */
bool operands_all(const struct ast *t, struct operand o, struct buf *out)
    MUST_USE;

#endif
