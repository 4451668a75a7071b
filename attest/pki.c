/* pki.c - see pki.h. Paths are OpenSSL's work (X509_verify_cert), with times
 * left out: when a path holds is read from it once and compared later. */
#include "attest/pki.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define AUTH_LEVEL 2 /* 112 bits of security, no SHA-1 */

struct pki {
	X509_STORE *anchors;
	STACK_OF(X509) * others; /* intermediate and signers' */
};

struct pki *
pki_new(void)
{
	struct pki *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	p->anchors = X509_STORE_new();
	p->others = sk_X509_new_null();
	if (p->anchors && p->others)
		return p;
	pki_free(p);
	return NULL;
}

void
pki_free(struct pki *p)
{
	if (!p)
		return;
	X509_STORE_free(p->anchors);
	sk_X509_pop_free(p->others, X509_free);
	free(p);
}

/* ---- reading --------------------------------------------------------------
 */

static bool
is_authority(X509 *cert)
{
	return (X509_get_extension_flags(cert) & EXFLAG_CA) != 0;
}

/* Takes `cert`. */
static bool
add_anchor(struct pki *p, X509 *cert, const char *file, struct error *reterr)
{
	bool ok = is_authority(cert) ||
		  error_set(reterr, ERR_KEY_FORM, (struct span){ .file = file },
		      "`%s` has a certificate that is no authority's", file);

	/* One that is there already is no error to OpenSSL. */
	ok = ok && (X509_STORE_add_cert(p->anchors, cert) == 1 ||
		       error_nomem(reterr));
	X509_free(cert);
	return ok;
}

/* Takes `cert`. */
static bool
add_other(struct pki *p, X509 *cert, struct error *reterr)
{
	if (sk_X509_push(p->others, cert) > 0)
		return true;
	X509_free(cert);
	return error_nomem(reterr);
}

bool
pki_add(struct pki *p, const char *file, struct str text, bool is_anchor,
    struct error *reterr)
{
	BIO *in = BIO_new_mem_buf(text.p, (int)text.n);
	size_t n = 0;
	bool ok = in != NULL || error_nomem(reterr);

	while (ok) {
		X509 *cert = PEM_read_bio_X509(in, NULL, NULL, NULL);

		if (!cert)
			break;
		n++;
		ok = is_anchor ? add_anchor(p, cert, file, reterr)
			       : add_other(p, cert, reterr);
	}
	BIO_free(in);
	/* The end looks like this; anything else is a broken block. */
	if (ok && (n == 0 || ERR_GET_REASON(ERR_peek_last_error()) !=
				 PEM_R_NO_START_LINE))
		ok = error_set(reterr, ERR_KEY_FORM,
		    (struct span){ .file = file },
		    "`%s` is not a PEM file of certificates: %s", file,
		    keys_drain());
	ERR_clear_error();
	return ok;
}

/* ---- names ----------------------------------------------------------------
 */

static bool
has_uri(X509 *cert, struct str want)
{
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	int uris = 0;
	bool found = false;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		const ASN1_IA5STRING *uri;

		if (name->type != GEN_URI)
			continue;
		uri = name->d.uniformResourceIdentifier;
		uris++;
		found = str_eq(want,
		    (struct str){ (const char *)ASN1_STRING_get0_data(uri),
			(size_t)ASN1_STRING_length(uri) });
	}
	GENERAL_NAMES_free(names);
	return found && uris == 1;
}

static bool
has_dns(X509 *cert, struct str want)
{
	return X509_check_host(cert, want.p, want.n,
		   X509_CHECK_FLAG_NO_WILDCARDS |
		       X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
		   NULL) == 1;
}

static bool
has_subject(X509 *cert, struct str want)
{
	BIO *out = BIO_new(BIO_s_mem());
	char *p = NULL;
	long n = 0;
	bool ok = out && X509_NAME_print_ex(out, X509_get_subject_name(cert), 0,
			     XN_FLAG_RFC2253) >= 0;

	if (ok)
		n = BIO_get_mem_data(out, &p);
	ok = ok && n > 0 && str_eq(want, (struct str){ p, (size_t)n });
	BIO_free(out);
	return ok;
}

static const struct {
	struct str prefix;
	bool (*has)(X509 *, struct str);
} sorts[] = {
	{ STR_INIT("uri:"), has_uri },
	{ STR_INIT("dns:"), has_dns },
	{ STR_INIT("subject:"), has_subject },
};

bool
pki_name_is_valid(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(sorts); i++)
		if (str_has_prefix(name, sorts[i].prefix))
			return name.n > sorts[i].prefix.n &&
			       str_find(name, '\0', 0) == name.n;
	return false;
}

static bool
is_named(X509 *cert, const struct str *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < ARRAY_LEN(sorts); k++)
			if (str_has_prefix(names[i], sorts[k].prefix) &&
			    sorts[k].has(
				cert, str_sub(names[i], sorts[k].prefix.n,
					  names[i].n)))
				return true;
	return false;
}

/* ---- paths ----------------------------------------------------------------
 */

/* Seconds since 1970. */
static bool
unix_of(const ASN1_TIME *t, int64_t *ret)
{
	ASN1_TIME *zero = ASN1_TIME_set(NULL, 0);
	int days = 0, seconds = 0;
	bool ok = zero && ASN1_TIME_diff(&days, &seconds, zero, t) == 1;

	ASN1_TIME_free(zero);
	*ret = INT64_C(86400) * days + seconds;
	return ok;
}

/* When all certificates of the path hold. */
static bool
read_times(STACK_OF(X509) * path, struct pki_key *k)
{
	k->valid_from = INT64_MIN;
	k->valid_until = INT64_MAX;
	for (int i = 0; i < sk_X509_num(path); i++) {
		const X509 *cert = sk_X509_value(path, i);
		int64_t from, until;

		if (!unix_of(X509_get0_notBefore(cert), &from) ||
		    !unix_of(X509_get0_notAfter(cert), &until))
			return false;
		if (from > k->valid_from)
			k->valid_from = from;
		if (until < k->valid_until)
			k->valid_until = until;
	}
	return sk_X509_num(path) > 0;
}

static bool
set_up(X509_STORE_CTX *ctx, const struct pki *p, X509 *cert)
{
	X509_VERIFY_PARAM *param;

	if (X509_STORE_CTX_init(ctx, p->anchors, cert, p->others) != 1)
		return false;
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
	return X509_VERIFY_PARAM_set_flags(param,
		   X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME |
		       X509_V_FLAG_X509_STRICT) == 1 &&
	       X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_ANY) == 1;
}

static bool
refuse(X509 *cert, const char *why, struct error *reterr)
{
	char name[120] = "";

	X509_NAME_oneline(X509_get_subject_name(cert), name, sizeof name);
	return error_set(reterr, ERR_CONFIG_TRUST, SPAN_NONE,
	    "the certificate of a signer, `%s`, does not count: %s", name, why);
}

static bool
check_path(
    const struct pki *p, X509 *cert, struct pki_key *k, struct error *reterr)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	bool is_ready = ctx && set_up(ctx, p, cert);
	bool ok = is_ready && X509_verify_cert(ctx) == 1;

	if (!is_ready)
		(void)error_nomem(reterr);
	else if (!ok)
		(void)refuse(cert,
		    X509_verify_cert_error_string(
			X509_STORE_CTX_get_error(ctx)),
		    reterr);
	else
		ok = read_times(X509_STORE_CTX_get0_chain(ctx), k) ||
		     refuse(cert, "its times cannot be read", reterr);
	X509_STORE_CTX_free(ctx);
	return ok;
}

/* ---- keys -----------------------------------------------------------------
 */

static bool
check_usage(X509 *cert, struct error *reterr)
{
	uint32_t usage = X509_get_key_usage(cert);

	return ((X509_get_extension_flags(cert) & EXFLAG_KUSAGE) != 0 &&
		   (usage & KU_DIGITAL_SIGNATURE) != 0 &&
		   (usage & KU_KEY_CERT_SIGN) == 0) ||
	       refuse(cert,
		   "its keyUsage is not digitalSignature without keyCertSign",
		   reterr);
}

static bool
read_key(X509 *cert, struct pki_key *k, struct error *reterr)
{
	EVP_PKEY *pkey = X509_get_pubkey(cert);

	if (!pkey)
		return refuse(cert, "its key cannot be read", reterr);
	if (!keys_public_init(&k->public, pkey, reterr))
		return false;
	if (keys_is_usual(k->public.algorithm))
		return true;
	keys_public_fini(&k->public);
	return refuse(cert,
	    "its key is not RSA of 2,048 to 4,096 bits, P-256 or Ed25519",
	    reterr);
}

static bool
check_certificate(const struct pki *p, X509 *cert, const struct str *names,
    size_t n_names, struct pki_key *ret, struct error *reterr)
{
	return (is_named(cert, names, n_names) ||
		   refuse(cert, "it has none of the pinned names", reterr)) &&
	       check_usage(cert, reterr) && check_path(p, cert, ret, reterr) &&
	       read_key(cert, ret, reterr);
}

bool
pki_keys(struct pki *p, struct arena *a, const struct str *names,
    size_t n_names, struct pki_key **ret, size_t *ret_n, struct error *reterr)
{
	struct pki_key *keys = NULL;
	size_t n = 0, cap = 0;
	bool ok = true;

	for (int i = 0; ok && i < sk_X509_num(p->others); i++) {
		X509 *cert = sk_X509_value(p->others, i);

		if (is_authority(cert))
			continue;
		ok = ARENA_PUSH_ROOM(a, keys, n, cap) || error_nomem(reterr);
		ok = ok && check_certificate(
			       p, cert, names, n_names, &keys[n], reterr);
		n += ok;
	}
	ERR_clear_error();
	if (ok && n == 0)
		ok = error_set(reterr, ERR_CONFIG_TRUST, SPAN_NONE,
		    "no certificate of a signer is there, only authorities'");
	if (!ok) {
		while (n > 0)
			keys_public_fini(&keys[--n].public);
		return false;
	}
	*ret = keys;
	*ret_n = n;
	return true;
}
