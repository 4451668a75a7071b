/* evidence.h - packs that are shown together, taken apart again; for verify.c.
 */
#ifndef ATTEST_EVIDENCE_H
#define ATTEST_EVIDENCE_H

#include "attest/attest.h"

/* The packs of a text in which `~` stands between them, one or more, in their
 * order; they live in `a`. A pack holds one document: none inside another.
 * Errors: ERR_EVIDENCE_MALFORMED, ERR_EVIDENCE_TOO_LARGE. */
bool evidence_packs(struct arena *a, struct str text,
    struct attest_evidence **ret, size_t *ret_n, struct error *reterr) MUST_USE;

#endif
