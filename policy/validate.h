/* validate.h - what a schema says of each policy of a set, for the files of policy/ alone.
 * A policy that can never apply is one that is true of no request and no data that the schema allows; whether its evaluation may err is not asked. */
#ifndef POLICY_VALIDATE_H
#define POLICY_VALIDATE_H

#include "policy/schema.h"

enum validate_fit {
	VALIDATE_UNKNOWN = 0, /* it does not fit the schema, or a limit was met before */
	VALIDATE_MAY_APPLY,
	VALIDATE_NO_SCOPE, /* its scope matches no request */
	VALIDATE_FALSE,    /* its conditions are always false */
};

/* (*ret)[i][j] is of policy j of file i. Memory is `a`'s. Cost: that of schema_validate. Errors: memory. */
bool validate_fits(const struct schema *s, const struct policy_set *set,
    struct arena *a, uint8_t ***ret, struct error *reterr) MUST_USE;

#endif
