/* operate.h - the operators over values, for eval.c alone.
 * Every function takes operands that are already evaluated and known, and the node that stands for it in messages. Results borrow from their operands. */
#ifndef POLICY_OPERATE_H
#define POLICY_OPERATE_H

#include "policy/ast.h"
#include "policy/policy.h"

/* FAILED: the error is set. UNKNOWN: it takes data that was not fetched. */
enum found { FOUND_NOTHING = 0, FOUND_VALUE, FOUND_UNKNOWN };

struct operation {
	const struct ast *ast;
	uint32_t node; /* whose place errors have */
	const struct entities *entities;
	struct arena *scratch;
	struct error *reterr;
	bool is_terse; /* nobody asks for place and words: of *reterr, the code is set */
};

/* The two operands of OP_EQ … OP_MUL. `in` too. */
enum found operate_binary(const struct operation *o, enum ast_op op,
    const struct value *x, const struct value *y, struct value *ret);
enum found operate_negate(const struct operation *o, struct value *inout);
enum found operate_attribute(
    const struct operation *o, const struct value *x, struct str name, struct value *ret);
/* `x has a.b.c`; `names` are indices into the tree's strings. */
enum found operate_has(const struct operation *o, const struct value *x,
    const uint32_t *names, size_t n, struct value *ret);
enum found operate_like(const struct operation *o, const struct value *x,
    const struct ast_part *parts, size_t n, struct value *ret);
enum found operate_matches(const struct operation *o, const struct value *x,
    const struct pattern_regex *regex, struct value *ret);
/* OP_ANY_LIKE … OP_ALL_MATCHES; `pattern` is a NODE_PATTERN or NODE_REGEX. Every member of the set is looked at first: one that is no string is an error wherever
 * it stands. */
enum found operate_each(const struct operation *o, enum ast_op op,
    const struct value *x, uint32_t pattern, struct value *ret);
/* OP_CONTAINS … OP_HAS_TAG. */
enum found operate_method(const struct operation *o, enum ast_op op,
    const struct value *x, const struct value *args, size_t n,
    struct value *ret);
/* `x` is of `kind`, or an error that says what wants it. */
bool operate_check(const struct operation *o, const char *what,
    enum value_kind kind, const struct value *x) MUST_USE;
bool operate_fail(const struct operation *o, enum err_code code,
    const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
