/* merge.h - documents that were verified one by one and are shown together, as
 * one (A9). Nothing here is believed more than it was: what two documents say
 * of the same thing must be the same. */
#ifndef ATTEST_MERGE_H
#define ATTEST_MERGE_H

#include "attest/doc.h"

/* `from` into `into`, which is an instance's: another document of the same
 * instance, or one of a group that has it among its members. Afterwards `into`
 * has the claims of both, holds only while both do, was issued when the elder
 * was, and is bound to a key when one of the instance's is. Lists grow in `a`. Errors:
 * ERR_EVIDENCE_AMBIGUOUS, ERR_EVIDENCE_INSTANCE, memory; `into` is of no use
 * then. */
bool merge_doc(struct arena *a, struct doc *into, const struct doc *from,
    struct error *reterr) MUST_USE;

#endif
