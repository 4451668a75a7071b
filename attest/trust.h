/* trust.h - what the operator wrote, for verify.c: entries, their keys, and
 * what each may say. */
#ifndef ATTEST_TRUST_H
#define ATTEST_TRUST_H

#include "attest/attest.h"
#include "attest/chain.h"
#include "attest/keys.h"

struct trust_pins {
	const struct str *items;
	size_t n;
};

struct trust_key {
	struct keys_public public;
	/* What the key may speak for; empty: it does not tell. */
	struct trust_pins regions;
	/* Of its certificates, unix s, inclusive; a key without is for ever. */
	int64_t valid_from, valid_until;
};

struct trust_entry {
	struct str kind, issuer, prefix, trust_domain;
	struct trust_pins owners, regions, images; /* empty: not pinned */
	int64_t max_lease_s;
	bool audience_required, is_current;
	unsigned forms; /* kind avow: bits 1u << ATTEST_..., never 0 */
	struct trust_key *keys;
	size_t n_keys, cap_keys;
	const atomic_int_fast64_t *fresh_until_s; /* as in struct attest_trust_entry */
	struct chain *chain; /* azure: what signers chain to; else NULL */
};

/* The entries in the order they were added; two trusts of one version have the
 * same entries and keys in the same order. */
size_t trust_count(const struct attest_trust *t);
const struct trust_entry *trust_at(const struct attest_trust *t, size_t i);
/* No pins, or `value` is one of them. */
bool trust_pins_allow(const struct trust_pins *pins, struct str value);

#endif
