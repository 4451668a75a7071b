/* trust_kind.h - the kinds that a trust entry may have, and what each asks of
 * it. */
#ifndef ATTEST_TRUST_KIND_H
#define ATTEST_TRUST_KIND_H

#include "attest/attest.h"
#include "attest/keys.h"

struct trust_kind {
	struct str name;
	bool is_cloud;
	bool is_weak;      /* wants `weak: true` */
	bool has_expiry;   /* of its own: a cloud's may go without a lease */
	bool is_chain;     /* keys are those of certificates to chain to */
	bool has_region;   /* each key is one region's */
	size_t limit_keys; /* clouds' keys are tried one after the other */
	bool (*fits)(enum keys_algorithm, bool written_out);
	struct str issuer;           /* clouds' own */
	const char *keys;            /* for messages */
	bool has_key_sets;           /* JSON files of them, or a URL */
	const char *const *suffixes; /* of files of keys */
};

/* Of files of certificates and keys; ends with NULL. */
extern const char *const trust_pem_suffixes[];

/* NULL: there is no such kind. */
const struct trust_kind *trust_kind_of(struct str name);
/* What the entry says, by itself; its keys are not read. */
bool trust_check_entry(const struct trust_kind *k,
    const struct attest_trust_entry *entry, struct error *reterr) MUST_USE;

#endif
