/* sig.c - signatures through OpenSSL's EVP interface.
 * EVP_DigestVerify says 1 for yes, 0 for no and less for an error; all but 1
 * are no. OpenSSL itself refuses ECDSA signatures that are not DER to the bit
 * and Ed25519 ones with S out of range; the length is checked here first.
 * RSA and ECDSA verify the digest with a context that is a copy of the key's
 * own: to set one up anew takes OpenSSL 3.0 a fifth of an ECDSA verification,
 * and as much as an RSA one. */
#include "attest/sig.h"

#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "base/digest.h"

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

/* NULL when memory is out. */
static EVP_PKEY_CTX *
verifier_new(const struct keys_public *k)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(k->pkey, NULL);

	if (ctx && EVP_PKEY_verify_init(ctx) == 1 &&
	    set_padding(ctx, k->algorithm) &&
	    EVP_PKEY_CTX_set_signature_md(ctx, digest_of(k->algorithm)) == 1)
		return ctx;
	EVP_PKEY_CTX_free(ctx);
	return NULL;
}

void
sig_prepare(struct keys_public *k)
{
	if (!k->verifier && (is_rsa(k->algorithm) || k->algorithm == KEYS_P256))
		k->verifier = verifier_new(k);
	ERR_clear_error();
}

/* False when memory is out; so is a digest or context that fails. */
static bool
check_digest(const struct keys_public *k, struct str message,
    struct str signature, bool *ret_right)
{
	uint8_t digest[32];
	EVP_PKEY_CTX *ctx =
	    k->verifier ? EVP_PKEY_CTX_dup(k->verifier) : verifier_new(k);
	bool ok = ctx && digest_sha256(&message, 1, digest);

	if (ok)
		*ret_right =
		    EVP_PKEY_verify(ctx, (const unsigned char *)signature.p,
			signature.n, digest, sizeof digest) == 1;
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

/* Ed25519 takes the message whole. */
static bool
check_message(const struct keys_public *k, struct str message,
    struct str signature, bool *ret_right)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok =
	    ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, k->pkey) == 1;

	if (ok)
		*ret_right =
		    EVP_DigestVerify(ctx, (const unsigned char *)signature.p,
			signature.n, (const unsigned char *)message.p,
			message.n) == 1;
	EVP_MD_CTX_free(ctx);
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

/* *ret_n is 0 when memory is out. */
static void
der_of_raw(struct str raw, unsigned char *to, size_t *ret_n)
{
	const unsigned char *p = (const unsigned char *)raw.p;
	BIGNUM *r = BN_bin2bn(p, P256_BYTES, NULL);
	BIGNUM *s = BN_bin2bn(p + P256_BYTES, P256_BYTES, NULL);
	ECDSA_SIG *sig = ECDSA_SIG_new();
	int n = 0;

	if (r && s && sig && ECDSA_SIG_set0(sig, r, s) == 1) {
		r = s = NULL; /* the signature's now */
		n = i2d_ECDSA_SIG(sig, NULL);
		if (n > 0 && n <= P256_DER_BYTES)
			n = i2d_ECDSA_SIG(sig, &to);
	}
	*ret_n = n > 0 ? (size_t)n : 0;
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
}

bool
sig_der_of_raw(struct str raw, struct buf *out)
{
	unsigned char der[P256_DER_BYTES];
	size_t n = 0;

	if (raw.n == 2u * P256_BYTES)
		der_of_raw(raw, der, &n);
	buf_add(out, (struct str){ (const char *)der, n });
	return n > 0 && buf_ok(out);
}

bool
sig_verify_jose(const struct keys_public *k, struct str message,
    struct str signature, struct error *reterr)
{
	unsigned char der[P256_DER_BYTES];
	size_t n;

	if (k->algorithm != KEYS_P256)
		return sig_verify(k, message, signature, reterr);
	if (signature.n != 2u * P256_BYTES)
		return error_set(reterr, ERR_EVIDENCE_SIGNATURE, SPAN_NONE,
		    "the signature is not 64 bytes, r and s");
	der_of_raw(signature, der, &n);
	if (n == 0)
		return error_nomem(reterr);
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
