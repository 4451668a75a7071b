/* cms_own.c - see cms_own.h. All but content and signature is fixed but for its
 * lengths, which are known beforehand: the same frame is written around them
 * and compared. Read by walking the tags down to the two. */
#include "attest/cms_own.h"

#include <openssl/asn1.h>
#include <openssl/err.h>

#include "attest/sig.h"
#include "base/base64.h"
#include "base/digest.h"

#define SEQUENCE 0x30
#define SET 0x31
#define OCTETS 0x04
#define FRAME_BYTES 256u     /* more than all of ours that is fixed */
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

/* How long that is, with a body of `n` bytes. */
static size_t
whole(size_t n)
{
	return n + (n >= 256 ? 4 : n >= 128 ? 3 : 2);
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

/* A message but for its content and its signature: what stands before the one,
 * and between the two; the signature is the end. */
struct frame {
	char rooms[2][FRAME_BYTES];
	struct buf before, between;
	char id[KEYS_THUMBPRINT]; /* 32 bytes, and room to decode them */
	size_t n_id;
	struct str digest; /* of the content */
	size_t n_content, n_signature;
};

/* SignerInfos, RFC 5652 5.3; it returns how long they are with the signature.
 */
static size_t
frame_signer(struct frame *f, bool is_ecdsa)
{
	struct str how = is_ecdsa ? ecdsa : rsa;
	struct buf *out = &f->between;
	size_t n = version_3.n + whole(f->n_id) + sha256.n +
		   whole(attributes.n + f->digest.n) + how.n +
		   whole(f->n_signature);

	add_head(out, SET, whole(n));
	add_head(out, SEQUENCE, n);
	buf_add(out, version_3);
	add(out, CONTEXT_0_PLAIN, (struct str){ f->id, f->n_id });
	buf_add(out, sha256);
	add_attributes(out, CONTEXT_0, f->digest);
	buf_add(out, how);
	add_head(out, OCTETS, f->n_signature);
	return whole(whole(n));
}

/* RFC 5652 3, 5.1, 5.2. */
static void
frame_content(struct frame *f, size_t n_signers)
{
	size_t n_octets = whole(f->n_content);
	size_t n_content = data.n + whole(n_octets);
	size_t n = version_3.n + whole(sha256.n) + whole(n_content) + n_signers;
	struct buf *out = &f->before;

	add_head(out, SEQUENCE, signed_data.n + whole(whole(n)));
	buf_add(out, signed_data);
	add_head(out, CONTEXT_0, whole(n));
	add_head(out, SEQUENCE, n);
	buf_add(out, version_3);
	add(out, SET, sha256);
	add_head(out, SEQUENCE, n_content);
	buf_add(out, data);
	add_head(out, CONTEXT_0, n_octets);
	add_head(out, OCTETS, f->n_content);
}

/* Lends `digest` to `f`. */
static bool
frame_init(struct frame *f, const struct keys_public *k, struct str digest,
    size_t n_content, size_t n_signature)
{
	*f = (struct frame){ .digest = digest,
		.n_content = n_content,
		.n_signature = n_signature };
	f->before = buf_over(f->rooms[0], FRAME_BYTES);
	f->between = buf_over(f->rooms[1], FRAME_BYTES);
	if (!base64_decode_into(
		BASE64_URL, keys_thumbprint(k), f->id, sizeof f->id, &f->n_id))
		return false;
	frame_content(f, frame_signer(f, k->algorithm == KEYS_P256));
	return buf_ok(&f->before) && buf_ok(&f->between);
}

static bool
write(const struct keys_public *k, struct str content, struct str digest,
    struct str signature, struct buf *out)
{
	struct frame f;

	if (!frame_init(&f, k, digest, content.n, signature.n))
		return false;
	buf_add(out, buf_str(&f.before));
	buf_add(out, content);
	buf_add(out, buf_str(&f.between));
	buf_add(out, signature);
	return buf_ok(out);
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

static bool
descend_by(struct str *body, const unsigned *path, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!descend(body, path[i]))
			return false;
	return true;
}

bool
cms_own_split(
    struct str der, struct str *ret_content, struct str *ret_signature)
{
	static const unsigned to_signed[] = { 0, 1, 0 };
	static const unsigned to_content[] = { 2, 1, 0 };
	static const unsigned to_signature[] = { 3, 0, 5 };
	struct str content = der, signature;
	bool ok = der.n < 1 << 16 &&
		  descend_by(&content, to_signed, ARRAY_LEN(to_signed));

	signature = content;
	ok = ok && descend_by(&content, to_content, ARRAY_LEN(to_content)) &&
	     descend_by(&signature, to_signature, ARRAY_LEN(to_signature));
	if (!ok) {
		ERR_clear_error();
		return false;
	}
	*ret_content = content;
	*ret_signature = signature;
	return true;
}

/* Takes `piece` off the head of *rest, if it is there. */
static bool
skip(struct str *rest, struct str piece)
{
	bool is_there = str_has_prefix(*rest, piece);

	if (is_there)
		*rest = str_sub(*rest, piece.n, rest->n);
	return is_there;
}

/* Byte for byte what write() makes of these. */
static bool
is_framed(const struct frame *f, struct str der, struct str content,
    struct str signature)
{
	return skip(&der, buf_str(&f->before)) && skip(&der, content) &&
	       skip(&der, buf_str(&f->between)) && skip(&der, signature) &&
	       der.n == 0;
}

bool
cms_own_verify(const struct keys_public *k, struct str der, struct str content,
    struct str signature, struct error *reterr)
{
	struct frame f;
	char room[FRAME_BYTES];
	struct buf message = buf_over(room, sizeof room);
	uint8_t digest_room[32];
	struct str digest;

	if (!is_fit(k))
		return error_set(reterr, ERR_EVIDENCE_SIGNATURE, SPAN_NONE,
		    "CMS by an Ed25519 key is not taken: OpenSSL 3.0 does not "
		    "check it");
	if (!digest_of(content, digest_room, &digest) ||
	    !frame_init(&f, k, digest, content.n, signature.n))
		return error_nomem(reterr);
	if (!is_framed(&f, der, content, signature))
		return error_set(reterr, ERR_EVIDENCE_MALFORMED, SPAN_NONE,
		    "the CMS is not in DER as Avow writes it, with one signer, "
		    "content inside and nothing beside");
	add_attributes(&message, SET, digest);
	return (buf_ok(&message) || error_nomem(reterr)) &&
	       sig_verify(k, buf_str(&message), signature, reterr);
}
