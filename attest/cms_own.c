/* cms_own.c - see cms_own.h. Written inside out, from fixed pieces; read by
 * walking the tags down to the two things that vary. */
#include "attest/cms_own.h"

#include <openssl/asn1.h>
#include <openssl/err.h>

#include "attest/sig.h"
#include "base/base64.h"
#include "base/digest.h"

#define SEQUENCE 0x30
#define SET 0x31
#define OCTETS 0x04
#define CONTEXT_0 0xa0       /* [0], constructed */
#define CONTEXT_0_PLAIN 0x80 /* [0], primitive */

#define BYTES(...)                                                             \
	{                                                                      \
		(const char *)(const unsigned char[]){ __VA_ARGS__ },          \
		    sizeof((const unsigned char[]){ __VA_ARGS__ })             \
	}

static const struct str signed_data =
    BYTES(0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2);
static const struct str data =
    BYTES(0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1);
static const struct str version_3 = BYTES(0x02, 1, 3);
static const struct str sha256 =
    BYTES(SEQUENCE, 11, 0x06, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1);
static const struct str rsa = BYTES(SEQUENCE, 13, 0x06, 9, 0x2a, 0x86, 0x48,
    0x86, 0xf7, 0x0d, 1, 1, 1, 0x05, 0);
static const struct str ecdsa =
    BYTES(SEQUENCE, 10, 0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2);
/* Content type (data) and digest, in the order of their encodings (X.690 11.6),
 * up to the digest's 32 bytes. No signing time: the document tells. */
static const struct str attributes = BYTES(SEQUENCE, 24, 0x06, 9, 0x2a, 0x86,
    0x48, 0x86, 0xf7, 0x0d, 1, 9, 3, SET, 11, 0x06, 9, 0x2a, 0x86, 0x48, 0x86,
    0xf7, 0x0d, 1, 7, 1, SEQUENCE, 47, 0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7,
    0x0d, 1, 9, 4, SET, 34, OCTETS, 32);

/* ---- written --------------------------------------------------------------
 */

/* X.690 8.1.3, 10.1: the shortest form. Sizes are below 2^16. */
static void
add_head(struct buf *out, unsigned char tag, size_t n)
{
	buf_byte(out, (char)tag);
	if (n >= 256) {
		buf_byte(out, (char)0x82);
		buf_byte(out, (char)(n >> 8));
	} else if (n >= 128) {
		buf_byte(out, (char)0x81);
	}
	buf_byte(out, (char)(n & 0xff));
}

static void
add(struct buf *out, unsigned char tag, struct str body)
{
	add_head(out, tag, body.n);
	buf_add(out, body);
}

/* What `b` has, as the body of `tag`. */
static void
wrap(struct buf *b, unsigned char tag)
{
	struct buf outer = { 0 };

	add(&outer, tag, buf_str(b));
	outer.failed |= b->failed;
	buf_free(b);
	*b = outer;
}

/* `digest` is the content's, 32 bytes. */
static void
add_attributes(struct buf *out, unsigned char tag, struct str digest)
{
	add_head(out, tag, attributes.n + digest.n);
	buf_add(out, attributes);
	buf_add(out, digest);
}

static bool
digest_of(struct str content, uint8_t room[32], struct str *ret)
{
	*ret = (struct str){ (const char *)room, 32 };
	return digest_sha256(&content, 1, room);
}

bool
cms_own_attributes(struct str content, struct buf *out)
{
	uint8_t room[32];
	struct str digest;

	if (!digest_of(content, room, &digest))
		return false;
	add_attributes(out, SET, digest);
	return buf_ok(out);
}

static bool
add_signer_id(const struct keys_public *k, struct buf *out)
{
	struct arena *a = arena_new(0);
	struct str raw;
	bool ok = a && base64_decode(a, BASE64_URL, keys_thumbprint(k), &raw);

	if (ok)
		add(out, CONTEXT_0_PLAIN, raw);
	arena_free(a);
	return ok;
}

/* SignerInfo, RFC 5652 5.3. */
static bool
add_signer(const struct keys_public *k, struct str digest, struct str signature,
    struct buf *out)
{
	struct buf b = { 0 };
	bool ok;

	buf_add(&b, version_3);
	ok = add_signer_id(k, &b);
	buf_add(&b, sha256);
	add_attributes(&b, CONTEXT_0, digest);
	buf_add(&b, k->algorithm == KEYS_P256 ? ecdsa : rsa);
	add(&b, OCTETS, signature);
	wrap(&b, SEQUENCE);
	wrap(&b, SET);
	buf_add(out, buf_str(&b));
	ok = ok && buf_ok(&b);
	buf_free(&b);
	return ok;
}

/* RFC 5652 5.2. */
static void
add_content(struct str content, struct buf *out)
{
	struct buf b = { 0 };

	add(&b, OCTETS, content);
	wrap(&b, CONTEXT_0);
	add_head(out, SEQUENCE, data.n + b.n);
	buf_add(out, data);
	buf_add(out, buf_str(&b));
	out->failed |= b.failed;
	buf_free(&b);
}

/* RFC 5652 3, 5.1. */
static bool
write(const struct keys_public *k, struct str content, struct str digest,
    struct str signature, struct buf *out)
{
	struct buf b = { 0 };
	bool ok;

	buf_add(&b, version_3);
	add(&b, SET, sha256);
	add_content(content, &b);
	ok = add_signer(k, digest, signature, &b);
	wrap(&b, SEQUENCE);
	wrap(&b, CONTEXT_0);
	add_head(out, SEQUENCE, signed_data.n + b.n);
	buf_add(out, signed_data);
	buf_add(out, buf_str(&b));
	ok = ok && buf_ok(&b) && buf_ok(out);
	buf_free(&b);
	return ok;
}

static bool
is_fit(const struct keys_public *k)
{
	return keys_is_usual(k->algorithm) && k->algorithm != KEYS_ED25519;
}

bool
cms_own_sign(const struct keys_public *k, struct str content, struct buf *out,
    struct error *reterr)
{
	struct buf bytes = { 0 }, signature = { 0 };
	uint8_t room[32];
	struct str digest;
	bool ok;

	if (!is_fit(k))
		return error_set(reterr, ERR_KEY_FORM, SPAN_NONE,
		    "CMS is not made with Ed25519 keys, which OpenSSL 3.0 "
		    "cannot check: RSA or P-256 is wanted");
	ok = digest_of(content, room, &digest) || error_nomem(reterr);
	if (ok)
		add_attributes(&bytes, SET, digest);
	ok = ok && (buf_ok(&bytes) || error_nomem(reterr)) &&
	     sig_sign_for(k, buf_str(&bytes), content, &signature, reterr) &&
	     (write(k, content, digest, buf_str(&signature), out) ||
		 error_nomem(reterr));
	buf_free(&bytes);
	buf_free(&signature);
	return ok;
}

/* ---- read -----------------------------------------------------------------
 */

/* The element at the head of *at: its body; *at goes behind it. */
static bool
next(struct str *at, struct str *ret_body)
{
	const unsigned char *p = (const unsigned char *)at->p;
	const unsigned char *head = p;
	long n = 0;
	int tag = 0, class = 0;
	int how = ASN1_get_object(&p, &n, &tag, &class, (long)at->n);
	size_t used;

	if (how & 0x81) /* an error, or a length that is not written */
		return false;
	used = (size_t)(p - head);
	*ret_body = str_sub(*at, used, used + (size_t)n);
	*at = str_sub(*at, used + (size_t)n, at->n);
	return true;
}

/* The body of the `n`th element in `body`, from 0. */
static bool
descend(struct str *body, unsigned n)
{
	struct str at = *body;

	for (unsigned i = 0; i <= n; i++)
		if (!next(&at, body))
			return false;
	return true;
}

bool
cms_own_split(
    struct str der, struct str *ret_content, struct str *ret_signature)
{
	static const unsigned to_content[] = { 0, 1, 0, 2, 1, 0 };
	static const unsigned to_signature[] = { 0, 1, 0, 3, 0, 5 };
	struct str content = der, signature = der;
	bool ok = der.n < 1 << 16;

	for (size_t i = 0; ok && i < ARRAY_LEN(to_content); i++)
		ok = descend(&content, to_content[i]) &&
		     descend(&signature, to_signature[i]);
	ERR_clear_error();
	if (!ok)
		return false;
	*ret_content = content;
	*ret_signature = signature;
	return true;
}

bool
cms_own_verify(const struct keys_public *k, struct str der, struct str content,
    struct str signature, struct error *reterr)
{
	struct buf own = { 0 };
	uint8_t room[32];
	struct str digest;
	bool ok;

	if (!is_fit(k))
		return error_set(reterr, ERR_EVIDENCE_SIGNATURE, SPAN_NONE,
		    "CMS by an Ed25519 key is not taken: OpenSSL 3.0 does not "
		    "check it");
	ok = (digest_of(content, room, &digest) &&
		 write(k, content, digest, signature, &own)) ||
	     error_nomem(reterr);
	if (ok && !str_eq(buf_str(&own), der))
		ok = error_set(reterr, ERR_EVIDENCE_MALFORMED, SPAN_NONE,
		    "the CMS is not in DER as Avow writes it, with one signer, "
		    "content inside and nothing beside");
	own.n = 0;
	if (ok)
		add_attributes(&own, SET, digest);
	ok = ok && (buf_ok(&own) || error_nomem(reterr)) &&
	     sig_verify(k, buf_str(&own), signature, reterr);
	buf_free(&own);
	return ok;
}
