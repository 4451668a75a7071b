/* certificate.c - a client's certificate, as a proxy hands it on.
 * The proxy's TLS handshake showed that the client has the certificate's key;
 * all that is wanted here is which certificate it was. Its dates, issuer and
 * names say nothing to us (RFC 8705 2.2): a token or document is bound to these
 * very bytes. Only where it names a SPIFFE id has it to be an X509-SVID whole,
 * so that nobody is taken for what a half of one says. */
#include "attest/attest.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "attest/keys.h"
#include "attest/spiffe.h"
#include "base/base64.h"
#include "base/digest.h"
#include "base/limits.h"

static bool
refuse(struct error *reterr, const char *why)
{
	return error_set(reterr, ERR_EVIDENCE_MALFORMED, SPAN_NONE,
	    "the client's certificate %s", why);
}

static int
digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* %XX, once. Other bytes stay. */
static bool
unescape(struct arena *a, struct str text, struct str *ret)
{
	char *to = arena_alloc(a, text.n + 1);
	size_t n = 0;

	if (!to)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		int high, low;

		if (text.p[i] != '%') {
			to[n++] = text.p[i];
			continue;
		}
		high = i + 2 < text.n ? digit_of(text.p[i + 1]) : -1;
		low = i + 2 < text.n ? digit_of(text.p[i + 2]) : -1;
		if (high < 0 || low < 0)
			return false;
		to[n++] = (char)(high << 4 | low);
		i += 2;
	}
	*ret = (struct str){ to, n };
	return true;
}

/* The next block's bytes, copied; false when there is no certificate. */
static bool
next_block(struct arena *a, BIO *bio, struct str *ret)
{
	unsigned char *der = NULL;
	char *name = NULL, *header = NULL;
	long n = 0;
	bool ok = PEM_read_bio(bio, &name, &header, &der, &n) == 1;

	*ret = (struct str){ 0 };
	if (ok && strcmp(name, PEM_STRING_X509) == 0)
		*ret = str_dup(a, (struct str){ (const char *)der, (size_t)n });
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(der);
	return ok;
}

/* One block: a second would be another's. */
static bool
read_pem(struct arena *a, struct str pem, struct str *ret)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	struct str more;
	bool ok = bio && next_block(a, bio, ret) && ret->p &&
		  !next_block(a, bio, &more);

	BIO_free(bio);
	return ok;
}

/* All bytes are one certificate. */
static bool
is_certificate(struct str der)
{
	const unsigned char *p = (const unsigned char *)der.p;
	X509 *x = d2i_X509(NULL, &p, (long)der.n);
	bool ok = x && p == (const unsigned char *)der.p + der.n;

	X509_free(x);
	return ok;
}

static bool
decode(struct arena *a, struct str field, struct str *ret, struct error *reterr)
{
	static const struct str begin = STR_INIT("-----BEGIN");
	struct str text;

	if (field.n > LIMIT_CERTIFICATE_HEADER)
		return error_set(reterr, ERR_EVIDENCE_TOO_LARGE, SPAN_NONE,
		    "the client's certificate is %zu bytes, the limit is %u",
		    field.n, LIMIT_CERTIFICATE_HEADER);
	if (!unescape(a, field, &text))
		return refuse(reterr, "has a bad escape");
	if (!(str_has_prefix(text, begin)
		    ? read_pem(a, text, ret)
		    : base64_decode(a, BASE64_STANDARD, text, ret)) ||
	    !is_certificate(*ret))
		return refuse(reterr,
		    "is neither one block of PEM (percent-encoded) nor DER in "
		    "Base64");
	return true;
}

bool
attest_certificate_thumbprint(
    struct arena *a, struct str field, struct str *ret, struct error *reterr)
{
	struct buf text = { 0 };
	uint8_t digest[32];
	struct str der;
	bool ok = decode(a, field, &der, reterr);

	ERR_clear_error();
	if (!ok)
		return false;
	ok = digest_sha256(&der, 1, digest);
	if (ok)
		base64_encode(&text, BASE64_URL,
		    (struct str){ (const char *)digest, sizeof digest });
	*ret = ok && buf_ok(&text) ? str_dup(a, buf_str(&text))
				   : (struct str){ 0 };
	buf_free(&text);
	return ret->p || error_nomem(reterr);
}

/* ---- X509-SVID (X509-SVID 2, 3, 4) ----------------------------------------
 */

static bool
is_spiffe_uri(struct str uri)
{
	return uri.n >= 7 && strncasecmp(uri.p, "spiffe:", 7) == 0;
}

struct uris {
	size_t n;
	struct str last;
	bool has_spiffe;
};

static struct uris
uris_of(const GENERAL_NAMES *names)
{
	struct uris u = { 0 };

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		const ASN1_STRING *text;

		if (name->type != GEN_URI)
			continue;
		text = name->d.uniformResourceIdentifier;
		u.last = (struct str){
			(const char *)ASN1_STRING_get0_data(text),
			(size_t)ASN1_STRING_length(text),
		};
		u.n++;
		u.has_spiffe = u.has_spiffe || is_spiffe_uri(u.last);
	}
	return u;
}

static bool
is_critical(const X509 *x, int nid)
{
	int at = X509_get_ext_by_NID(x, nid, -1);

	return at >= 0 && X509_EXTENSION_get_critical(X509_get_ext(x, at)) == 1;
}

static const char *
flaw_of(X509 *x, const struct uris *uris)
{
	uint32_t flags = X509_get_extension_flags(x), usage;
	struct str domain, path;

	if (uris->n != 1)
		return "names more than one URI";
	if (!spiffe_id_parse(uris->last, &domain, &path) || path.n == 0)
		return "names no SPIFFE id with a path";
	if (flags & (EXFLAG_INVALID | EXFLAG_CA))
		return "is of an authority, or has extensions that cannot be "
		       "read";
	usage = flags & EXFLAG_KUSAGE ? X509_get_key_usage(x) : 0;
	if (!is_critical(x, NID_key_usage) || !(usage & KU_DIGITAL_SIGNATURE) ||
	    (usage & (KU_KEY_CERT_SIGN | KU_CRL_SIGN)))
		return "has another key usage than digitalSignature, critical";
	if ((flags & EXFLAG_XKUSAGE) &&
	    (X509_get_extended_key_usage(x) &
		(XKU_SSL_SERVER | XKU_SSL_CLIENT)) !=
		(XKU_SSL_SERVER | XKU_SSL_CLIENT))
		return "is not for servers and clients both";
	return NULL;
}

/* The certificate's names must be readable: with those that are not, nobody
 * knows what it says. */
static bool
read_svid(struct arena *a, X509 *x, struct str *ret, struct error *reterr)
{
	int crit = -1;
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(x, NID_subject_alt_name, &crit, NULL);
	struct uris uris = uris_of(names);
	const char *flaw = NULL;

	*ret = STR("");
	if (!names && crit != -1)
		flaw = "has names that cannot be read, or twice";
	else if (uris.has_spiffe)
		flaw = flaw_of(x, &uris);
	if (!flaw && uris.has_spiffe)
		*ret = str_dup(a, uris.last);
	GENERAL_NAMES_free(names);
	if (flaw)
		return error_set(reterr, ERR_EVIDENCE_MALFORMED, SPAN_NONE,
		    "the client's certificate is no X509-SVID: it %s", flaw);
	return ret->p || error_nomem(reterr);
}

bool
attest_certificate_spiffe_id(
    struct arena *a, struct str field, struct str *ret, struct error *reterr)
{
	struct str der, id;
	const unsigned char *p;
	X509 *x;
	bool ok;

	if (!decode(a, field, &der, reterr)) {
		ERR_clear_error();
		return false;
	}
	p = (const unsigned char *)der.p;
	x = d2i_X509(NULL, &p, (long)der.n);
	ok = x ? read_svid(a, x, &id, reterr) : error_nomem(reterr);
	X509_free(x);
	ERR_clear_error();
	if (ok)
		*ret = id;
	return ok;
}
