/* trust_kind.c - a row a kind of evidence, and what is asked of an entry of
 * that kind before its keys are read. A kind names the keys it takes, whose
 * issuer it has, and what the operator must have said. */
#include "attest/trust_kind.h"

#include "attest/kind.h"
#include "attest/pki.h"
#include "attest/spiffe.h"
#include "base/limits.h"

const char *const trust_pem_suffixes[] = { ".pem", NULL };
static const char *const token_suffixes[] = { ".pem", ".json", ".jwks", NULL };

/* ---- kinds ----------------------------------------------------------------
 */

static bool
fits_avow(enum keys_algorithm algorithm, bool written_out)
{
	(void)written_out;
	return keys_is_usual(algorithm);
}

/* RSA-2048 only where the file itself is named, not its folder. */
static bool
fits_ec2_signature(enum keys_algorithm algorithm, bool written_out)
{
	return algorithm == KEYS_RSA1024 ||
	       (written_out && algorithm == KEYS_RSA2048);
}

static bool
fits_ec2_rsa2048(enum keys_algorithm algorithm, bool written_out)
{
	(void)written_out;
	return algorithm == KEYS_RSA2048;
}

static bool
fits_ec2_pkcs7(enum keys_algorithm algorithm, bool written_out)
{
	(void)written_out;
	return algorithm == KEYS_DSA;
}

static bool
fits_rsa(enum keys_algorithm algorithm, bool written_out)
{
	(void)written_out;
	return algorithm == KEYS_RSA2048 || algorithm == KEYS_RSA_LARGER;
}

static const struct trust_kind kinds[] = {
	{ .name = STR_INIT(KIND_AVOW),
	    .has_expiry = true,
	    .limit_keys = LIMIT_TRUST_KEYS,
	    .fits = fits_avow,
	    .issuer = STR_INIT(""),
	    .keys = "RSA of 2,048 to 4,096 bits, P-256 or Ed25519",
	    .suffixes = trust_pem_suffixes },
	{ .name = STR_INIT(KIND_TOKEN),
	    .has_expiry = true,
	    .limit_keys = LIMIT_TRUST_KEYS,
	    .fits = fits_avow,
	    .issuer = STR_INIT(""),
	    .keys = "RSA of 2,048 to 4,096 bits, P-256 or Ed25519",
	    .has_key_sets = true,
	    .suffixes = token_suffixes },
	{ .name = STR_INIT(KIND_EC2_SIGNATURE),
	    .is_cloud = true,
	    .limit_keys = LIMIT_TRUST_CLOUD_KEYS,
	    .fits = fits_ec2_signature,
	    .issuer = STR_INIT("aws"),
	    .keys = "RSA-1024",
	    .suffixes = trust_pem_suffixes },
	{ .name = STR_INIT(KIND_EC2_RSA2048),
	    .is_cloud = true,
	    .has_region = true,
	    .limit_keys = LIMIT_TRUST_CLOUD_KEYS,
	    .fits = fits_ec2_rsa2048,
	    .issuer = STR_INIT("aws"),
	    .keys = "RSA-2048",
	    .suffixes = trust_pem_suffixes },
	{ .name = STR_INIT(KIND_EC2_PKCS7),
	    .is_cloud = true,
	    .is_weak = true,
	    .has_region = true,
	    .limit_keys = LIMIT_TRUST_CLOUD_KEYS,
	    .fits = fits_ec2_pkcs7,
	    .issuer = STR_INIT("aws"),
	    .keys = "DSA",
	    .suffixes = trust_pem_suffixes },
	{ .name = STR_INIT(KIND_AZURE),
	    .is_cloud = true,
	    .has_expiry = true,
	    .is_chain = true,
	    .limit_keys = LIMIT_TRUST_CLOUD_KEYS,
	    .fits = fits_rsa,
	    .issuer = STR_INIT("azure"),
	    .keys = "certificates of RSA with 2,048 to 4,096 bits",
	    .suffixes = trust_pem_suffixes },
	{ .name = STR_INIT(KIND_GCP),
	    .is_cloud = true,
	    .has_expiry = true,
	    .limit_keys = LIMIT_TRUST_CLOUD_KEYS,
	    .fits = fits_rsa,
	    .issuer = STR_INIT("https://accounts.google.com"),
	    .keys = "RSA of 2,048 to 4,096 bits",
	    .has_key_sets = true,
	    .suffixes = token_suffixes },
};

const struct trust_kind *
trust_kind_of(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (str_eq(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}

/* ---- the entry by itself --------------------------------------------------
 */

static bool
is_prefix(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
			(c >= '0' && c <= '9') || c == '.' || c == '_' ||
			c == '-' || c == '/'))
			return false;
	}
	return s.n == 0 || (s.n <= LIMIT_INSTANCE_ID && s.p[0] != '/' &&
			       s.p[s.n - 1] == '/');
}

static bool
refuse(const struct attest_trust_entry *entry, struct error *reterr,
    const char *why)
{
	return error_set(reterr, ERR_CONFIG_TRUST, entry->at, "%s", why);
}

static bool
check_cloud(const struct trust_kind *k, const struct attest_trust_entry *entry,
    struct error *reterr)
{
	if (entry->issuer.n && !str_eq(entry->issuer, k->issuer))
		return refuse(entry, reterr,
		    "a cloud's documents have the cloud's own issuer");
	if (k->is_weak && !entry->allow_weak) {
		(void)refuse(entry, reterr,
		    "this kind is signed with DSA and SHA-1: write `weak: "
		    "true` if it must be");
		error_hint(reterr,
		    "the same service gives `rsa2048` too, which is not weak");
		return false;
	}
	if (entry->allow_unpinned)
		return true;
	if (entry->n_owners == 0) {
		(void)refuse(entry, reterr, "a cloud entry wants `owners`");
		error_hint(reterr,
		    "a genuine signature only says that some customer's "
		    "instance it is; name the accounts");
		return false;
	}
	if (entry->max_lease_s == 0 && !k->has_expiry)
		return refuse(entry, reterr,
		    "this kind of document has no expiry: give `maxLease`, or "
		    "write `maxLease: none`");
	return true;
}

static bool
check_signers(const struct trust_kind *k,
    const struct attest_trust_entry *entry, struct error *reterr)
{
	if (entry->n_signers == 0)
		return !entry->certificates ||
		       refuse(entry, reterr,
			   "`certificates` wants `signers`: whose they are");
	if (!str_eq(k->name, STR(KIND_AVOW)) || !entry->certificates)
		return refuse(entry, reterr,
		    "`signers` is for kind `avow`, and wants `certificates`");
	for (size_t i = 0; i < entry->n_signers; i++)
		if (!pki_name_is_valid(entry->signers[i]))
			return refuse(entry, reterr,
			    "a signer is `uri:`, `dns:` or `subject:` and a "
			    "name");
	return true;
}

static bool
check_pins(const struct attest_trust_entry *entry, const struct str *pins,
    size_t n, struct error *reterr)
{
	for (size_t i = 0; i < n; i++)
		if (pins[i].n == 0)
			return refuse(entry, reterr,
			    "an empty name among owners, regions or images");
	return true;
}

bool
trust_check_entry(const struct trust_kind *k,
    const struct attest_trust_entry *entry, struct error *reterr)
{
	if (!entry->keys || !*entry->keys)
		return refuse(entry, reterr, "a trust entry wants `keys`");
	if (entry->key_set.n > 0 && !k->has_key_sets)
		return refuse(entry, reterr,
		    "keys by URL are for kinds `token` and `gcp`");
	if (!k->is_cloud && entry->issuer.n == 0)
		return error_set(reterr, ERR_CONFIG_TRUST, entry->at,
		    "a trust entry of kind `%s` wants `issuer`", k->name.p);
	if (entry->trust_domain.n > 0 &&
	    (k->is_cloud || !spiffe_trust_domain_is_valid(entry->trust_domain)))
		return refuse(entry, reterr,
		    "a trust domain has small letters, digits, `.`, `-`, `_`, "
		    "and is for kinds `avow` and `token`");
	if (entry->max_lease_s < 0)
		return refuse(entry, reterr, "`maxLease` is negative");
	if (!is_prefix(entry->prefix))
		return refuse(entry, reterr,
		    "a prefix is empty, or of letters, digits, `.`, `_`, `-`, "
		    "`/` and ends in `/`");
	if (k->is_cloud && !check_cloud(k, entry, reterr))
		return false;
	return check_signers(k, entry, reterr) &&
	       check_pins(entry, entry->owners, entry->n_owners, reterr) &&
	       check_pins(entry, entry->regions, entry->n_regions, reterr) &&
	       check_pins(entry, entry->images, entry->n_images, reterr);
}
