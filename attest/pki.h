/* pki.h - signers' keys by certificates instead of by themselves (A3): the
 * operator pins authorities and the names of signers, and lays the signers'
 * certificates, with the intermediate ones, where he likes. A key counts when
 * its certificate
 *   chains to a pinned authority (RFC 5280 section 6), through certificates of
 *   the configured files alone, with no SHA-1 and no key below 112 bits;
 *   has a pinned name; is no authority; has keyUsage digitalSignature and not
 *   keyCertSign; is of a usual key.
 * All of that is checked when trust is loaded. The times of all certificates of
 * the path together come with the key and are compared at each use. Nothing is
 * asked of a network: no CRL, no OCSP; a certificate that is withdrawn early is
 * revoked here by its key (`key THUMBPRINT`), or taken out and reloaded. */
#ifndef ATTEST_PKI_H
#define ATTEST_PKI_H

#include "attest/keys.h"

struct pki;

struct pki_key {
	struct keys_public public;
	int64_t valid_from, valid_until; /* unix s, both inclusive */
};

/* `uri:TEXT` (as a SPIFFE id; then it is the only URI), `dns:NAME` (no
 * wildcards), or `subject:RFC 2253 TEXT`: compared whole, byte for byte. */
bool pki_name_is_valid(struct str name);

struct pki *pki_new(void);
void pki_free(struct pki *p);
/* Every certificate of PEM text, as an authority or as one that leads to one.
 * `file` is borrowed. Errors: ERR_KEY_FORM, memory. */
bool pki_add(struct pki *p, const char *file, struct str text, bool is_anchor,
    struct error *reterr) MUST_USE;
/* The keys of all certificates that are no authorities'; the list lives in `a`,
 * each wants keys_public_fini. Errors: ERR_CONFIG_TRUST for one that does not
 * count, and for none at all; memory. */
bool pki_keys(struct pki *p, struct arena *a, const struct str *names,
    size_t n_names, struct pki_key **ret, size_t *ret_n,
    struct error *reterr) MUST_USE;

#endif
