/* eval.h - parts of the direct evaluator, for the files of policy/ alone: one scope test, one expression, as policy_eval meets them. */
#ifndef POLICY_EVAL_H
#define POLICY_EVAL_H

#include "policy/operate.h"
#include "policy/set.h"

/* A NODE_TEST_* of an instance, of the element `var`. `i` is the instance's number, for the trace. */
enum eval_outcome eval_scope_test(const struct policy_instance *instance,
    uint32_t i, uint32_t node, enum ast_var var, const struct eval_request *request,
    struct arena *scratch, const struct eval_trace *trace,
    struct error *reterr);
/* An expression's value; *ret is written on FOUND_VALUE. */
enum found eval_expression(const struct policy_instance *instance, uint32_t i,
    uint32_t node, const struct eval_request *request, struct arena *scratch,
    const struct eval_trace *trace, struct value *ret, struct error *reterr);

#endif
