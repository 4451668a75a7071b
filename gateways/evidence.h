/* evidence.h - which evidence a request's headers carry: exactly one kind, or a refusal. */
#ifndef GATEWAYS_EVIDENCE_H
#define GATEWAYS_EVIDENCE_H

#include "attest/attest.h"
#include "gateways/http.h"

struct gate_evidence {
	struct attest_evidence evidence;
	struct str basic_user; /* p NULL unless by HTTP Basic */
};

/* X-Avow-Document with X-Avow-Signature, X-Avow-Pack, X-RHUI-ID with X-RHUI-SIGNATURE (of kind `rhui`), or HTTP Basic with a pack as password. Errors:
 * ERR_EVIDENCE_MISSING, _AMBIGUOUS, _MALFORMED, _TOO_LARGE. Bytes live in the request's arena or in `q`. */
bool gate_evidence_read(const struct http_request *q, struct str rhui,
    struct gate_evidence *ret, struct error *reterr) MUST_USE;

#endif
