/* cms_own.c - see cms_own.h. All but content and signature is fixed but for its
 * lengths, which are known beforehand: the same frame is written around them
 * and compared. Read by walking the tags down to the two. */
#include "attest/cms_own.h"

#include "attest/sig.h"
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

/* What writes at `to` returns where it ended: at most FRAME_BYTES behind the
 * beginning, since heads are of four bytes and all else is fixed. */

static inline char *
put(char *to, struct str piece)
{
	memcpy(to, piece.p, piece.n);
	return to + piece.n;
}

/* X.690 8.1.3, 10.1: the shortest form. Sizes are below 2^16. */
static inline char *
put_head(char *to, unsigned char tag, size_t n)
{
	*to++ = (char)tag;
	if (n >= 256) {
		*to++ = (char)0x82;
		*to++ = (char)(n >> 8);
	} else if (n >= 128) {
		*to++ = (char)0x81;
	}
	*to++ = (char)(n & 0xff);
	return to;
}

/* How long that is, with a body of `n` bytes. */
static size_t
whole(size_t n)
{
	return n + (n >= 256 ? 4 : n >= 128 ? 3 : 2);
}

#define DIGEST_BYTES 32u

/* `digest` is the content's. */
static inline char *
put_attributes(char *to, unsigned char tag, const uint8_t digest[DIGEST_BYTES])
{
	to = put_head(to, tag, attributes.n + DIGEST_BYTES);
	to = put(to, attributes);
	return put(to, (struct str){ (const char *)digest, DIGEST_BYTES });
}

/* What is signed, of the content's digest. */
static struct str
signed_attributes(const uint8_t digest[DIGEST_BYTES], char room[FRAME_BYTES])
{
	return (struct str){ room,
		(size_t)(put_attributes(room, SET, digest) - room) };
}

bool
cms_own_attributes(struct str content, struct buf *out)
{
	uint8_t digest[DIGEST_BYTES];
	char room[FRAME_BYTES];

	if (!digest_sha256(&content, 1, digest))
		return false;
	buf_add(out, signed_attributes(digest, room));
	return buf_ok(out);
}

/* A message but for its content and its signature: what stands before the one,
 * and between the two; the signature is the end. */
struct frame {
	char rooms[2][FRAME_BYTES];
	struct str before, between;
	struct str id;         /* of the key */
	const uint8_t *digest; /* of the content */
	size_t n_content, n_signature;
};

#define ID_BYTES DIGEST_BYTES

/* SignerInfos, RFC 5652 5.3; it returns how long they are with the signature.
 */
static size_t
frame_signer(struct frame *f, bool is_ecdsa)
{
	struct str how = is_ecdsa ? ecdsa : rsa;
	size_t n = version_3.n + whole(ID_BYTES) + sha256.n +
		   whole(attributes.n + DIGEST_BYTES) + how.n +
		   whole(f->n_signature);
	char *to = f->rooms[1];

	to = put_head(to, SET, whole(n));
	to = put_head(to, SEQUENCE, n);
	to = put(to, version_3);
	to = put_head(to, CONTEXT_0_PLAIN, f->id.n);
	to = put(to, f->id);
	to = put(to, sha256);
	to = put_attributes(to, CONTEXT_0, f->digest);
	to = put(to, how);
	to = put_head(to, OCTETS, f->n_signature);
	f->between = (struct str){ f->rooms[1], (size_t)(to - f->rooms[1]) };
	return whole(whole(n));
}

/* RFC 5652 3, 5.1, 5.2. */
static void
frame_content(struct frame *f, size_t n_signers)
{
	size_t n_octets = whole(f->n_content);
	size_t n_content = data.n + whole(n_octets);
	size_t n = version_3.n + whole(sha256.n) + whole(n_content) + n_signers;
	char *to = f->rooms[0];

	to = put_head(to, SEQUENCE, signed_data.n + whole(whole(n)));
	to = put(to, signed_data);
	to = put_head(to, CONTEXT_0, whole(n));
	to = put_head(to, SEQUENCE, n);
	to = put(to, version_3);
	to = put_head(to, SET, sha256.n);
	to = put(to, sha256);
	to = put_head(to, SEQUENCE, n_content);
	to = put(to, data);
	to = put_head(to, CONTEXT_0, n_octets);
	to = put_head(to, OCTETS, f->n_content);
	f->before = (struct str){ f->rooms[0], (size_t)(to - f->rooms[0]) };
}

/* All of `f`, which `k` and `digest` are lent to. */
static void
frame_init(struct frame *f, const struct keys_public *k, const uint8_t *digest,
    size_t n_content, size_t n_signature)
{
	f->id = (struct str){ (const char *)k->thumbprint_sha256, ID_BYTES };
	f->digest = digest;
	f->n_content = n_content;
	f->n_signature = n_signature;
	frame_content(f, frame_signer(f, k->algorithm == KEYS_P256));
}

static bool
write(const struct keys_public *k, struct str content, const uint8_t *digest,
    struct str signature, struct buf *out)
{
	struct frame f UNZEROED; /* frame_init's, and what it wrote is read */

	frame_init(&f, k, digest, content.n, signature.n);
	buf_add(out, f.before);
	buf_add(out, content);
	buf_add(out, f.between);
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
	struct buf signature = { 0 };
	uint8_t digest[DIGEST_BYTES];
	char room[FRAME_BYTES];
	bool ok;

	if (!is_fit(k))
		return error_set(reterr, ERR_KEY_FORM, SPAN_NONE,
		    "CMS is not made with Ed25519 keys, which OpenSSL 3.0 "
		    "cannot check: RSA or P-256 is wanted");
	ok = digest_sha256(&content, 1, digest) || error_nomem(reterr);
	ok = ok &&
	     sig_sign_for(k, signed_attributes(digest, room), content,
		 &signature, reterr) &&
	     (write(k, content, digest, buf_str(&signature), out) ||
		 error_nomem(reterr));
	buf_free(&signature);
	return ok;
}

/* ---- read -----------------------------------------------------------------
 */

/* The body of the element that *at begins with; *at goes behind it. */
static inline bool
next(struct str *at, struct str *ret_body)
{
	const unsigned char *p = (const unsigned char *)at->p;
	size_t used = 2, n;

	if (at->n < 2)
		return false;
	n = p[1];
	if (n == 0x82 && at->n > 3) {
		n = (size_t)p[2] << 8 | p[3];
		used = 4;
	} else if (n == 0x81 && at->n > 2) {
		n = p[2];
		used = 3;
	} else if (n >= 0x80) {
		return false;
	}
	if (n > at->n - used)
		return false;
	*ret_body = (struct str){ at->p + used, n };
	*at = (struct str){ at->p + used + n, at->n - used - n };
	return true;
}

/* Into that body, of which `skip` bytes are passed unread. */
static inline bool
enter(struct str *at, size_t skip)
{
	struct str body;

	if (!next(at, &body) || body.n < skip)
		return false;
	*at = (struct str){ body.p + skip, body.n - skip };
	return true;
}

/* RFC 5652 3, 5.1 to 5.3. What is fixed is compared later. */
bool
cms_own_split(
    struct str der, struct str *ret_content, struct str *ret_signature)
{
	struct str at = der, content, unused;

	if (der.n >= 1 << 16 || !enter(&at, signed_data.n) || !enter(&at, 0) ||
	    !enter(&at, version_3.n + whole(sha256.n)) ||
	    !next(&at, &content) || content.n < data.n)
		return false;
	content = (struct str){ content.p + data.n, content.n - data.n };
	if (!enter(&content, 0) || !enter(&content, 0) || !enter(&at, 0) ||
	    !enter(&at, version_3.n + whole(ID_BYTES) + sha256.n) ||
	    !next(&at, &unused) || !next(&at, &unused) || !enter(&at, 0))
		return false;
	*ret_content = content;
	*ret_signature = at;
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
	return skip(&der, f->before) && skip(&der, content) &&
	       skip(&der, f->between) && skip(&der, signature) && der.n == 0;
}

bool
cms_own_verify(const struct keys_public *k, struct str der, struct str content,
    struct str signature, struct error *reterr)
{
	struct frame f UNZEROED;         /* frame_init's */
	char room[FRAME_BYTES] UNZEROED; /* signed_attributes's */
	uint8_t digest[DIGEST_BYTES];

	if (!is_fit(k))
		return error_set(reterr, ERR_EVIDENCE_SIGNATURE, SPAN_NONE,
		    "CMS by an Ed25519 key is not taken: OpenSSL 3.0 does not "
		    "check it");
	if (!digest_sha256(&content, 1, digest))
		return error_nomem(reterr);
	frame_init(&f, k, digest, content.n, signature.n);
	if (!is_framed(&f, der, content, signature))
		return error_set(reterr, ERR_EVIDENCE_MALFORMED, SPAN_NONE,
		    "the CMS is not in DER as Avow writes it, with one signer, "
		    "content inside and nothing beside");
	return sig_verify(
	    k, signed_attributes(digest, room), signature, reterr);
}
