/* chain.c - X.509 path validation by OpenSSL, with nothing but pinned
 * certificates to build a path from. An intermediate may be the anchor
 * (X509_V_FLAG_PARTIAL_CHAIN): roots come with a long list of others that they
 * vouch for. Revocation lists are not asked: what is bought here is the name
 * of a signer at one moment, and leaves live for months. */
#include "attest/chain.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "attest/keys.h"

struct chain {
	X509_STORE *store;
	size_t n;
};

static struct chain *
chain_new(void)
{
	struct chain *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	c->store = X509_STORE_new();
	if (c->store)
		return c;
	free(c);
	return NULL;
}

void
chain_free(struct chain *c)
{
	if (!c)
		return;
	X509_STORE_free(c->store);
	free(c);
}

static bool
is_fit(X509 *cert)
{
	EVP_PKEY *pkey = X509_get0_pubkey(cert);
	int bits = pkey ? EVP_PKEY_get_bits(pkey) : 0;

	return pkey && EVP_PKEY_is_a(pkey, "RSA") == 1 && bits >= 2048 &&
	       bits <= 4096;
}

/* Takes `cert`. One that is there already is no error to OpenSSL. */
static bool
add_certificate(struct chain *c, X509 *cert)
{
	bool ok = !is_fit(cert) || X509_STORE_add_cert(c->store, cert) == 1;

	if (ok && is_fit(cert))
		c->n++;
	X509_free(cert);
	return ok;
}

bool
chain_add(
    struct chain **c, const char *file, struct str text, struct error *reterr)
{
	BIO *in = BIO_new_mem_buf(text.p, (int)text.n);
	X509 *cert;
	bool ok;

	if (!*c)
		*c = chain_new();
	ok = in && *c;
	while (ok && (cert = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL)
		ok = add_certificate(*c, cert);
	BIO_free(in);
	ERR_clear_error();
	if (!ok)
		return error_nomem(reterr);
	return (*c)->n > 0 ||
	       error_set(reterr, ERR_KEY_FORM, (struct span){ .file = file },
		   "`%s` holds no certificate of RSA with 2,048 to 4,096 bits",
		   file);
}

/* A leading dot asks for names below it. */
static bool
is_named(X509 *leaf, const char *host)
{
	const unsigned flags =
	    X509_CHECK_FLAG_NO_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
	char below[256];

	if ((size_t)snprintf(below, sizeof below, ".%s", host) >= sizeof below)
		return false;
	return X509_check_host(leaf, host, 0, flags, NULL) == 1 ||
	       X509_check_host(leaf, below, 0, flags, NULL) == 1;
}

/* Any purpose: clouds sign documents with certificates of TLS servers. */
static bool
set_up(X509_STORE_CTX *ctx, const struct chain *c, X509 *leaf, int64_t at)
{
	X509_VERIFY_PARAM *param;

	if (X509_STORE_CTX_init(ctx, c->store, leaf, NULL) != 1)
		return false;
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_time(param, (time_t)at);
	return X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN) ==
		   1 &&
	       X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_ANY) == 1;
}

bool
chain_verify(const struct chain *c, X509 *leaf, const char *host,
    int64_t at_unix_s, struct error *reterr)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	bool is_ready = c && ctx && set_up(ctx, c, leaf, at_unix_s);
	bool ok = is_ready && X509_verify_cert(ctx) == 1;
	int why = is_ready ? X509_STORE_CTX_get_error(ctx) : 0;

	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	if (!is_ready)
		return error_nomem(reterr);
	if (!ok)
		return error_set(reterr, ERR_EVIDENCE_KEY, SPAN_NONE,
		    "the signer's certificate does not chain to a trusted "
		    "one: %s",
		    X509_verify_cert_error_string(why));
	return is_named(leaf, host) ||
	       error_set(reterr, ERR_EVIDENCE_KEY, SPAN_NONE,
		   "the signer's certificate is not for `%s`", host);
}
