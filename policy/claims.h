/* claims.h - what a verified identity document says.
 * A `struct claims` exists only because attest/verify.c checked a signature: its constructor is in claims_make.h, which `make layers` lets nobody else include. Gates
 * make principals from this type alone, so text that nobody signed cannot become an attribute of one. Immutable; lives in the arena it was made in. */
#ifndef POLICY_CLAIMS_H
#define POLICY_CLAIMS_H

#include "base/net.h"
#include "policy/value.h"

struct claims;

/* Ordered: a gate that demands one is content with a later one. */
enum claims_proof { PROOF_NONE = 0, PROOF_BEARER, PROOF_ADDRESS, PROOF_KEY };
const char *claims_proof_name(enum claims_proof p);

/* `Instance::"PREFIXID"`. */
struct uid claims_principal(const struct claims *c);
/* The instance id without prefix (HTTP Basic's user must equal it). */
struct str claims_subject(const struct claims *c);
struct str claims_kind(const struct claims *c);
struct str claims_issuer(const struct claims *c);
/* RFC 7638 thumbprint of the key that verified. */
struct str claims_key_id(const struct claims *c);
/* 32 hex digits. */
struct str claims_document_id(const struct claims *c);
/* The others that were shown together with it (A9), in their order; lent. */
struct claims_document {
	struct str id, key_id;
};
const struct claims_document *claims_others(
    const struct claims *c, size_t *ret_n);
/* Seconds since 1970; false when the document has none (cloud documents). */
bool claims_issued_at(const struct claims *c, int64_t *ret_unix_s);
bool claims_expires_at(const struct claims *c, int64_t *ret_unix_s);
/* When what was opened on these claims must end at the latest, if they were shown at `shown_unix_s`: the earlier of expiry and maxLease after. INT64_MAX only for
 * `maxLease: none`. */
int64_t claims_lease_end(const struct claims *c, int64_t shown_unix_s);
/* The document binds itself to a key (`cnf`): only shown with a proof of it. */
bool claims_has_cnf(const struct claims *c);
/* The attested address; family 0 when there is none. */
struct net_addr claims_address(const struct claims *c);
/* Attributes, tags and parents of the principal, as policies see them. */
const struct entity *claims_entity(const struct claims *c);
/* The `claims` member as JSON for verdicts: names as in the document. New reference. */
json_t *claims_to_json(const struct claims *c);
/* A claim by the name it has in the document (`imageId`, `os`); for `require:`. */
bool claims_has(const struct claims *c, struct str claim_name);

/* What may carry an attribute of such a principal: nothing ever, the evidence itself (some kinds lack some), or the claim of that name. */
enum claims_carrier { CLAIMS_NOTHING = 0, CLAIMS_EVIDENCE, CLAIMS_CLAIM };
enum claims_carrier claims_carrier_of(struct str attribute);
/* The claim that makes a parent of this type, or an empty string. */
struct str claims_of_parent(struct str type);
/* Where the tag `app:NAME` or `custom:NAME` comes from: `applications` or `custom`, and NAME. False: no claim makes such a tag. */
bool claims_of_tag(struct str tag, struct str *ret_claim, struct str *ret_name);

#endif
