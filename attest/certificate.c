/* certificate.c - a client's certificate, as a proxy hands it on.
 * The proxy's TLS handshake showed that the client has the certificate's key;
 * all that is wanted here is which certificate it was. Its dates, issuer and
 * names say nothing to us (RFC 8705 2.2): a token or document is bound to these
 * very bytes. */
#include "attest/attest.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "attest/keys.h"
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
