/* sig.c - signatures through OpenSSL's EVP interface.
 * EVP_DigestVerify says 1 for yes, 0 for no and less for an error; all but 1
 * are no. OpenSSL itself refuses ECDSA signatures that are not DER to the bit
 * and Ed25519 ones with S out of range; the length is checked here first.
 * Contexts to verify with are kept with a key that is prepared: to set one up
 * anew takes OpenSSL 3.0 a fifth of an ECDSA verification, and as much as an
 * RSA one. One that said anything but yes is not used again. */
#include "attest/sig.h"

#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "base/digest.h"
#include "base/spare.h"

#define SIGNATURE_BYTES 512u /* RSA with 4,096 bits, the longest */
#define P256_BYTES 32
#define P256_DER_BYTES 72 /* two INTEGERs of 33 bytes in a SEQUENCE */

static bool
is_rsa(enum keys_algorithm algorithm)
{
	return algorithm == KEYS_RSA1024 || algorithm == KEYS_RSA2048 ||
	       algorithm == KEYS_RSA_LARGER;
}

static const EVP_MD *
digest_of(enum keys_algorithm algorithm)
{
	/* Ed25519 hashes by itself. */
	return algorithm == KEYS_ED25519 ? NULL : EVP_sha256();
}

static bool
set_padding(EVP_PKEY_CTX *ctx, enum keys_algorithm algorithm)
{
	return !is_rsa(algorithm) ||
	       EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1;
}

/* EVP_PKEY_get_size is exact for RSA and Ed25519, and the most for ECDSA. */
static bool
is_possible_length(const struct keys_public *k, size_t n)
{
	int size = EVP_PKEY_get_size(k->pkey);

	if (size <= 0 || n == 0 || n > (size_t)size)
		return false;
	return k->algorithm == KEYS_P256 || n == (size_t)size;
}

/* ---- contexts, one at a time for each --------------------------------------
 * RSA and ECDSA verify a digest (EVP_PKEY_CTX); Ed25519 takes the message whole
 * (EVP_MD_CTX). */

/* What RSA signs is a DigestInfo: this, and a SHA-256 (RFC 8017 9.2, note 1).
 * Where no digest is named to OpenSSL it compares that with all that stands
 * behind the padding, as it does otherwise, and is spared making it anew. */
static const uint8_t digest_info[] = { 0x30, 49, 0x30, 13, 0x06, 9, 0x60, 0x86,
	0x48, 1, 0x65, 3, 4, 2, 1, 0x05, 0, 0x04, 32 };

/* NULL when memory is out. */
static EVP_PKEY_CTX *
verifier_new(const struct keys_public *k)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(k->pkey, NULL);

	if (ctx && EVP_PKEY_verify_init(ctx) == 1 &&
	    (is_rsa(k->algorithm)
		    ? set_padding(ctx, k->algorithm)
		    : EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1))
		return ctx;
	EVP_PKEY_CTX_free(ctx);
	return NULL;
}

static void *
take(const struct keys_public *k)
{
	return k->verifiers ? spare_take(k->verifiers) : NULL;
}

/* What is to be freed instead, or NULL. */
static void *
give(const struct keys_public *k, void *ctx)
{
	return k->verifiers ? spare_give(k->verifiers, ctx) : ctx;
}

static void
free_verifier(void *ctx)
{
	EVP_PKEY_CTX_free(ctx);
}

static void
free_message_verifier(void *ctx)
{
	EVP_MD_CTX_free(ctx);
}

void
sig_prepare(struct arena *a, struct keys_public *k)
{
	if (!k->verifiers &&
	    (is_rsa(k->algorithm) || keys_is_usual(k->algorithm)))
		k->verifiers = ARENA_NEW(a, struct spare);
}

void
sig_unprepare(struct keys_public *k)
{
	if (k->verifiers)
		spare_fini(k->verifiers, k->algorithm == KEYS_ED25519
					     ? free_message_verifier
					     : free_verifier);
	k->verifiers = NULL;
}

/* False when memory is out; so is a digest or context that fails. */
static bool
check_digest(const struct keys_public *k, struct str message,
    struct str signature, bool *ret_right)
{
	uint8_t made[sizeof digest_info + 32],
	    *digest = made + sizeof digest_info;
	const uint8_t *from = is_rsa(k->algorithm) ? made : digest;
	EVP_PKEY_CTX *ctx = take(k);
	bool ok, right;

	if (!ctx)
		ctx = verifier_new(k);
	memcpy(made, digest_info, sizeof digest_info);
	ok = ctx && digest_sha256(&message, 1, digest);
	right = ok && EVP_PKEY_verify(ctx, (const unsigned char *)signature.p,
			  signature.n, from,
			  (size_t)(made + sizeof made - from)) == 1;
	EVP_PKEY_CTX_free(right ? give(k, ctx) : ctx);
	*ret_right = right;
	return ok;
}

/* The key stays in a context that was used. */
static bool
check_message(const struct keys_public *k, struct str message,
    struct str signature, bool *ret_right)
{
	EVP_MD_CTX *used = take(k), *ctx = used ? used : EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestVerifyInit(
			     ctx, NULL, NULL, NULL, used ? NULL : k->pkey) == 1;
	bool right =
	    ok &&
	    EVP_DigestVerify(ctx, (const unsigned char *)signature.p,
		signature.n, (const unsigned char *)message.p, message.n) == 1;

	EVP_MD_CTX_free(right ? give(k, ctx) : ctx);
	*ret_right = right;
	return ok;
}

bool
sig_verify(const struct keys_public *k, struct str message,
    struct str signature, struct error *reterr)
{
	bool ok, right = false;

	if (!is_rsa(k->algorithm) && !keys_is_usual(k->algorithm))
		return error_set(reterr, ERR_EVIDENCE_SIGNATURE, SPAN_NONE,
		    "no signature by such a key is taken");
	if (!is_possible_length(k, signature.n))
		return error_set(reterr, ERR_EVIDENCE_SIGNATURE, SPAN_NONE,
		    "the signature is not as long as one by this key");
	ok = k->algorithm == KEYS_ED25519
		 ? check_message(k, message, signature, &right)
		 : check_digest(k, message, signature, &right);
	/* What verified left nothing. */
	if (!right)
		ERR_clear_error();
	if (!ok)
		return error_nomem(reterr);
	return right || error_set(reterr, ERR_EVIDENCE_SIGNATURE, SPAN_NONE,
			    "the signature does not belong to these bytes");
}

static bool
make(EVP_MD_CTX *ctx, const struct keys_public *k, struct str message,
    unsigned char *to, size_t *n)
{
	EVP_PKEY_CTX *pctx = NULL; /* belongs to ctx */

	return EVP_DigestSignInit(
		   ctx, &pctx, digest_of(k->algorithm), NULL, k->pkey) == 1 &&
	       set_padding(pctx, k->algorithm) &&
	       EVP_DigestSign(ctx, to, n, (const unsigned char *)message.p,
		   message.n) == 1;
}

/* A length that cannot be is OpenSSL 3.0's ECDSA when memory runs out: it says
 * 1 and gives -1 bytes. And no signature leaves that would not verify: a wrong
 * one can tell a key (RSA with the Chinese remainder theorem). */
static bool
is_sound(const struct keys_public *k, struct str message, struct str made)
{
	return made.n <= SIGNATURE_BYTES && sig_verify(k, message, made, NULL);
}

/* What somebody else says is a signature is looked at as any other. */
static bool
sign_elsewhere(const struct keys_public *k, struct str message,
    struct str content, struct buf *ret_signature, struct error *reterr)
{
	struct buf made = { 0 };
	bool ok = k->signer->sign(k->signer, message, content, &made, reterr);

	if (ok && !is_sound(k, message, buf_str(&made)))
		ok = error_set(reterr, ERR_SYSTEM_ERROR, SPAN_NONE,
		    "what signs for the key gave a signature that is not its");
	if (ok) {
		buf_add(ret_signature, buf_str(&made));
		ok = buf_ok(ret_signature) || error_nomem(reterr);
	}
	buf_free(&made);
	return ok;
}

bool
sig_sign(const struct keys_public *k, struct str message,
    struct buf *ret_signature, struct error *reterr)
{
	return sig_sign_for(k, message, STR(""), ret_signature, reterr);
}

bool
sig_sign_for(const struct keys_public *k, struct str message,
    struct str content, struct buf *ret_signature, struct error *reterr)
{
	unsigned char bytes[SIGNATURE_BYTES];
	size_t n = sizeof bytes;
	EVP_MD_CTX *ctx;
	struct str made;
	bool ok;

	if (k->signer)
		return sign_elsewhere(
		    k, message, content, ret_signature, reterr);
	ctx = EVP_MD_CTX_new();
	if (!ctx)
		return error_nomem(reterr);
	ok = make(ctx, k, message, bytes, &n);
	EVP_MD_CTX_free(ctx);
	made = (struct str){ (const char *)bytes, n };
	if (!ok || !is_sound(k, message, made))
		return error_set(reterr, ERR_SYSTEM_ERROR, SPAN_NONE,
		    "cannot sign: %s", keys_drain());
	buf_add(ret_signature, made);
	return buf_ok(ret_signature) || error_nomem(reterr);
}

/* ---- r and s, side by side ------------------------------------------------
 */

/* X.690 8.3: no zeros in front but one that keeps the sign off; zero is one
 * byte. */
static size_t
add_integer(const unsigned char *p, unsigned char *to)
{
	size_t n = P256_BYTES, at = 0;

	while (n > 1 && *p == 0) {
		p++;
		n--;
	}
	to[at++] = 0x02;
	to[at++] = (unsigned char)(n + (*p >> 7));
	if (*p >> 7)
		to[at++] = 0;
	memcpy(to + at, p, n);
	return at + n;
}

/* RFC 3279 2.2.3, from `raw` of 64 bytes; how long it is. Below 128 bytes a
 * length is one. */
static size_t
der_of_raw(struct str raw, unsigned char to[P256_DER_BYTES])
{
	const unsigned char *p = (const unsigned char *)raw.p;
	size_t n = 2;

	n += add_integer(p, to + n);
	n += add_integer(p + P256_BYTES, to + n);
	to[0] = 0x30;
	to[1] = (unsigned char)(n - 2);
	return n;
}

bool
sig_der_of_raw(struct str raw, struct buf *out)
{
	unsigned char der[P256_DER_BYTES];
	size_t n = 0;

	if (raw.n == 2u * P256_BYTES)
		n = der_of_raw(raw, der);
	buf_add(out, (struct str){ (const char *)der, n });
	return n > 0 && buf_ok(out);
}

bool
sig_verify_jose(const struct keys_public *k, struct str message,
    struct str signature, struct error *reterr)
{
	unsigned char der[P256_DER_BYTES] UNZEROED; /* der_of_raw's */
	size_t n;

	if (k->algorithm != KEYS_P256)
		return sig_verify(k, message, signature, reterr);
	if (signature.n != 2u * P256_BYTES)
		return error_set(reterr, ERR_EVIDENCE_SIGNATURE, SPAN_NONE,
		    "the signature is not 64 bytes, r and s");
	n = der_of_raw(signature, der);
	return sig_verify(
	    k, message, (struct str){ (const char *)der, n }, reterr);
}

static bool
raw_of_der(struct str der, struct buf *out)
{
	const unsigned char *p = (const unsigned char *)der.p;
	unsigned char raw[2 * P256_BYTES];
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)der.n);
	bool ok = sig &&
		  BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, P256_BYTES) ==
		      P256_BYTES &&
		  BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + P256_BYTES,
		      P256_BYTES) == P256_BYTES;

	if (ok)
		buf_add(out, (struct str){ (const char *)raw, sizeof raw });
	ECDSA_SIG_free(sig);
	return ok && buf_ok(out);
}

bool
sig_sign_jose(const struct keys_public *k, struct str message,
    struct buf *ret_signature, struct error *reterr)
{
	struct buf der = { 0 };
	bool ok;

	if (k->algorithm != KEYS_P256)
		return sig_sign(k, message, ret_signature, reterr);
	ok = sig_sign(k, message, &der, reterr) &&
	     (raw_of_der(buf_str(&der), ret_signature) || error_nomem(reterr));
	buf_free(&der);
	ERR_clear_error();
	return ok;
}
