/* ext.h - the extension types: ip addresses, decimals, datetimes, durations, versions.
 * One door for policies (eval.c) and for JSON data (value_json.c): a function or method by its operator, its arguments, receiver first. For the files of policy/
 * alone. Source: Cedar 4.5; times share their grammar with base/timefmt.h. */
#ifndef POLICY_EXT_H
#define POLICY_EXT_H

#include "policy/ast.h"

/* The extension function or method of this name, or OP_NONE. */
enum ast_op ext_find(struct str name);
/* The name, as in ops.def; "" for an operator that is none of them. */
const char *ext_name(enum ast_op op);
/* Call `op`. Numbers that come out have no text; nothing is allocated. Errors, all at `at`: ERR_EVAL_ARITY, ERR_EVAL_TYPE, ERR_EVAL_EXTENSION,
 * ERR_EVAL_OVERFLOW. */
bool ext_call(enum ast_op op, const struct value *args, size_t n,
    struct span at, struct value *ret, struct error *reterr) MUST_USE;

#endif
