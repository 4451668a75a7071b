/* claims_make.h - the one way to make claims. Included by attest/verify.c (which calls it) and policy/claims.c (which defines it); `make layers` refuses others. */
#ifndef POLICY_CLAIMS_MAKE_H
#define POLICY_CLAIMS_MAKE_H

#include "policy/claims.h"

struct claims_pair {
	struct str name, text;
};

/* Empty strings and zero counts mean "not there". Everything is lent, so texts and lists must live as long as the claims. */
struct claims_init {
	struct str kind, issuer, key_id, document_id, subject, prefix;
	struct str spiffe_id; /* where the trust has a domain */
	bool has_issued_at, has_expires_at, has_cnf, has_licences;
	int64_t issued_at, expires_at; /* seconds */
	struct str issued_text, expires_text; /* as time_print_datetime writes them; empty: to be written */
	int64_t max_lease_s;           /* 0: by expiry alone; INT64_MAX: none */
	struct str image_id, owner, private_ip, launch_time, region, zone,
	    support_level, os_name, os_version;
	const struct str *licences;
	size_t n_licences;
	const struct claims_pair *applications, *custom;
	size_t n_applications, n_custom;
	const struct claims_document *others; /* shown together with it */
	size_t n_others;
};

/* Errors: ERR_EVIDENCE_MALFORMED when a time or address does not read, memory. */
bool claims_make(struct arena *a, const struct claims_init *init,
    const struct claims **ret, struct error *reterr) MUST_USE;

#endif
