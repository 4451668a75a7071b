/* revoked.h - whether something stands in the operator's list of revocations.
 */
#ifndef ATTEST_REVOKED_H
#define ATTEST_REVOKED_H

#include "attest/attest.h"

/* `principal` is the instance id with its prefix. NULL `r`: nothing is revoked.
 */
bool revoked_has_document(const struct attest_revoked *r, struct str id);
bool revoked_has_instance(
    const struct attest_revoked *r, struct str prefix, struct str subject);
bool revoked_has_key(const struct attest_revoked *r, struct str thumbprint);

#endif
