/* revoked.h - whether something is revoked, for the files of attest/; attest.h has the list itself.
 */
#ifndef ATTEST_REVOKED_H
#define ATTEST_REVOKED_H

#include "attest/attest.h"

/* The instance id with its prefix, in two parts. NULL `r`: nothing is revoked.
 */
bool revoked_has_instance(
    const struct attest_revoked *r, struct str prefix, struct str subject);
/* The others: attest_revoked_has by another name. */
bool revoked_has_document(const struct attest_revoked *r, struct str id);
bool revoked_has_key(const struct attest_revoked *r, struct str thumbprint);
/* Issued (unix s) before the floor, when the store came back without what had
 * been revoked since. */
bool revoked_is_before_floor(
    const struct attest_revoked *r, int64_t issued_at);

#endif
