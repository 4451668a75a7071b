/* evidence.h - which evidence a request's headers carry: exactly one kind, or a refusal. */
#ifndef GATEWAYS_EVIDENCE_H
#define GATEWAYS_EVIDENCE_H

#include "attest/attest.h"
#include "gateways/http.h"

struct gate_evidence {
	struct attest_evidence evidence;
	struct str basic_user; /* p NULL unless by HTTP Basic */
	struct str dpop;       /* the proof of possession that came along; empty: none */
};

/* X-Avow-Document with X-Avow-Signature, X-Avow-Pack, X-RHUI-ID with X-RHUI-SIGNATURE (of kind `rhui`), HTTP Basic with a pack as password, or a token: `DPoP` with a proof
 * beside it (RFC 9449 7.1), or `Bearer`, whose proof is a client's certificate (RFC 8705 3). A `DPoP` header may go with any but `Bearer`. Errors:
 * ERR_EVIDENCE_MISSING, _AMBIGUOUS, _MALFORMED, _TOO_LARGE. Bytes live in the request's arena or in `q`. */
bool gate_evidence_read(const struct http_request *q, struct str rhui,
    struct gate_evidence *ret, struct error *reterr) MUST_USE;

#endif
