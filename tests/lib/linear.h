/* linear.h - the normal form, evaluated rule by rule: what an index has to agree with, and the simplest reader of normal.h. */
#ifndef TESTS_LIB_LINEAR_H
#define TESTS_LIB_LINEAR_H

#include "policy/normal.h"

/* The outcome of each policy of the set: satisfied when one of its rules is, else in error when one is, else not. Attribution included. `ret` has an entry for
 * each policy. False when memory is out. */
bool linear_outcomes(const struct normal *n, const struct eval_request *r,
    struct arena *scratch, enum eval_outcome *ret);
/* Does all that the normal form promises of its tests hold on this request: n_total, cleanness, forms? NULL, or what does not. */
const char *linear_broken_promise(const struct normal *n,
    const struct eval_request *r, struct arena *scratch);

#endif
