/* prove_check.c - see prove_check.h. */
#include "attest/prove_check.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "attest/sig.h"
#include "base/limits.h"

#define RSA_BYTES_LEAST 256u
#define RSA_BYTES_MOST 512u

bool
prove_check_mac_key(struct str secret, struct str account,
    uint8_t ret[SECRET_BYTES], struct error *reterr)
{
	return secret_derive(secret, account, "avow hmac v1", ret, reterr);
}

/* ---- keys as bytes ----------------------------------------------------------
 */

enum prove_method
prove_check_method(enum keys_algorithm algorithm)
{
	switch (algorithm) {
	case KEYS_P256:
		return PROVE_P256;
	case KEYS_ED25519:
		return PROVE_ED25519;
	case KEYS_RSA2048:
	case KEYS_RSA_LARGER:
		return PROVE_RSA;
	case KEYS_RSA1024:
	case KEYS_DSA:
	case KEYS_UNFIT:
	default:
		return PROVE_METHOD_NONE;
	}
}

bool
prove_check_write_key(
    const struct keys_public *k, struct buf *out, struct error *reterr)
{
	unsigned char *der = NULL;
	int n = i2d_PUBKEY(k->pkey, &der);

	if (n > 0)
		buf_add(out, (struct str){ (const char *)der, (size_t)n });
	OPENSSL_free(der);
	ERR_clear_error();
	if (n > 0)
		return buf_ok(out) || error_nomem(reterr);
	return error_set(
	    reterr, ERR_SYSTEM_ERROR, SPAN_NONE, "cannot write a public key");
}

/* One key, one text: an id that two byte strings share is none. */
static bool
is_as_written(const struct keys_public *k, struct str spki)
{
	struct buf again = { 0 };
	bool same = prove_check_write_key(k, &again, NULL) &&
		    str_eq(buf_str(&again), spki);

	buf_free(&again);
	return same;
}

/* What stands before the point of a P-256 key (RFC 5480 2), the point's own
 * first byte included, and before the 32 bytes of an Ed25519 key (RFC 8410 4).
 * These have one text each, so a comparison reads them: OpenSSL 3.0's decoder
 * takes ten times as long as a signature. */
static const char p256_head[] =
    "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86"
    "\x48\xce\x3d\x03\x01\x07\x03\x42\x00\x04";
static const char ed25519_head[] =
    "\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
#define P256_HEAD (sizeof p256_head - 1)
#define P256_POINT 65u
#define ED25519_HEAD (sizeof ed25519_head - 1)
#define ED25519_BYTES 32u

static bool
has_form(struct str spki, const char *head, size_t n_head, size_t n_key)
{
	return spki.n == n_head + n_key &&
	       str_has_prefix(spki, (struct str){ head, n_head });
}

/* NULL also for a point that is not on the curve. */
static EVP_PKEY *
p256_of_point(struct str point)
{
	char group[] = "prime256v1";
	unsigned char bytes[P256_POINT];
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(
				    OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_octet_string(
		    OSSL_PKEY_PARAM_PUB_KEY, bytes, sizeof bytes),
		OSSL_PARAM_construct_end() };
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *pkey = NULL;

	memcpy(bytes, point.p, sizeof bytes);
	if (ctx && EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

/* RSA alone needs the decoder, and only RSA may come from it: a point has
 * other forms, compressed or hybrid, which OpenSSL also takes, and writes. */
static bool
read_rsa(struct str spki, struct keys_public *ret, struct error *reterr)
{
	const unsigned char *p = (const unsigned char *)spki.p;
	EVP_PKEY *pkey = spki.n > 0 && spki.n <= LIMIT_SPKI_BYTES
			     ? d2i_PUBKEY(NULL, &p, (long)spki.n)
			     : NULL;

	if (!pkey || !keys_public_init(ret, pkey, reterr))
		return false;
	if (prove_check_method(ret->algorithm) == PROVE_RSA &&
	    is_as_written(ret, spki))
		return true;
	keys_public_fini(ret);
	return false;
}

static bool
read_spki(struct str spki, struct keys_public *ret, struct error *reterr)
{
	EVP_PKEY *pkey;

	if (has_form(spki, p256_head, P256_HEAD, P256_POINT - 1))
		pkey = p256_of_point(str_sub(spki, P256_HEAD - 1, spki.n));
	else if (has_form(spki, ed25519_head, ED25519_HEAD, ED25519_BYTES))
		pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
		    (const unsigned char *)spki.p + ED25519_HEAD,
		    ED25519_BYTES);
	else
		return read_rsa(spki, ret, reterr);
	return pkey && keys_public_init(ret, pkey, reterr);
}

bool
prove_check_read_key(
    struct str spki, struct keys_public *ret, struct error *reterr)
{
	struct keys_public k;
	struct error why = { 0 };
	bool ok = read_spki(spki, &k, &why);

	ERR_clear_error();
	if (ok) {
		*ret = k;
		return true;
	}
	if (why.code != ERR_NONE)
		return error_set(reterr, why.code, SPAN_NONE, "%s", why.msg);
	return error_set(reterr, ERR_KEY_FORM, SPAN_NONE,
	    "not a public key (SubjectPublicKeyInfo in DER) of RSA with 2,048 "
	    "to 4,096 bits and e = 65,537, P-256 (its point uncompressed) or "
	    "Ed25519");
}

/* ---- keys that nobody has ---------------------------------------------------
 */

/* The rest of DER: a tag, a length of two bytes, and what is in it. */
static void
add_der(struct buf *out, char tag, size_t n)
{
	buf_byte(out, tag);
	buf_byte(out, '\x82');
	buf_byte(out, (char)(n >> 8));
	buf_byte(out, (char)(n & 0xff));
}

/* An odd number whose factors nobody looked for; whoever found them would gain
 * nothing, since a decoy's verdict is never taken for a right one (RFC 8017
 * A.1.1, RFC 3279 2.3.1). */
static void
add_decoy_rsa(struct buf *out, size_t n)
{
	static const char algorithm[] =
	    "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
	static const char exponent[] = "\x02\x03\x01\x00\x01";
	const struct str algorithm_str = { algorithm, sizeof algorithm - 1 };
	const struct str exponent_str = { exponent, sizeof exponent - 1 };
	size_t key = 4 + 1 + n + exponent_str.n;

	add_der(out, '\x30', algorithm_str.n + 4 + 1 + 4 + key);
	buf_add(out, algorithm_str);
	add_der(out, '\x03', 1 + 4 + key);
	buf_byte(out, '\0');
	add_der(out, '\x30', key);
	add_der(out, '\x02', 1 + n);
	buf_byte(out, '\0'); /* positive */
	for (size_t i = 0; i < n; i++)
		buf_byte(out, (char)(0xb5 ^ ((i * 167) & 0x7e)));
	buf_add(out, exponent_str);
}

/* Points whose logarithm nobody has: SHA-256 of `avow decoy 0` as x of P-256,
 * and, without its top bit, as a point of Ed25519. */
// clang-format off
static const unsigned char decoy_p256[] = {
	0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
	0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03,
	0x42, 0x00, 0x04, 0x53, 0xf6, 0xc1, 0x1d, 0xd8, 0x86, 0x09, 0xd5, 0x82,
	0xf1, 0x4b, 0xba, 0x3e, 0x28, 0xba, 0x85, 0xea, 0x8e, 0x91, 0xc3, 0xe4,
	0x98, 0x8a, 0x76, 0xde, 0x32, 0xe0, 0xbc, 0x59, 0x00, 0x87, 0x54, 0x79,
	0x35, 0x35, 0x42, 0x62, 0xe3, 0x36, 0x73, 0x69, 0x54, 0xa6, 0xe6, 0xbe,
	0xa3, 0x7a, 0x48, 0x33, 0x06, 0x3d, 0x5c, 0x69, 0x65, 0x49, 0xac, 0x64,
	0x3a, 0x7f, 0x5a, 0x5c, 0x7b, 0x68, 0xe7,
};
static const unsigned char decoy_ed25519[] = {
	0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
	0x53, 0xf6, 0xc1, 0x1d, 0xd8, 0x86, 0x09, 0xd5, 0x82, 0xf1, 0x4b, 0xba,
	0x3e, 0x28, 0xba, 0x85, 0xea, 0x8e, 0x91, 0xc3, 0xe4, 0x98, 0x8a, 0x76,
	0xde, 0x32, 0xe0, 0xbc, 0x59, 0x00, 0x87, 0x54,
};
// clang-format on

static void
add_decoy(struct buf *out, enum prove_method method, size_t proof_bytes)
{
	size_t n = proof_bytes;

	if (n < RSA_BYTES_LEAST || n > RSA_BYTES_MOST)
		n = RSA_BYTES_LEAST;
	if (method == PROVE_RSA)
		add_decoy_rsa(out, n);
	else if (method == PROVE_P256)
		buf_add(out, (struct str){
				 (const char *)decoy_p256, sizeof decoy_p256 });
	else
		buf_add(out, (struct str){ (const char *)decoy_ed25519,
				 sizeof decoy_ed25519 });
}

bool
prove_check_decoy(struct arena *a, enum prove_method method, size_t proof_bytes,
    struct str *ret_spki, struct error *reterr)
{
	struct buf spki = { 0 };
	struct str copy = { 0 };

	add_decoy(&spki, method, proof_bytes);
	if (buf_ok(&spki))
		copy = str_dup(a, buf_str(&spki));
	buf_free(&spki);
	if (!copy.p)
		return error_nomem(reterr);
	*ret_spki = copy;
	return true;
}

/* ---- judging ----------------------------------------------------------------
 */

/* sig_verify tells a wrong signature and a failure apart by their codes. */
static bool
judge_signature(const struct keys_public *k, struct str message,
    struct str signature, enum prove_verdict *ret, struct error *reterr)
{
	struct error why = { 0 };

	*ret = PROVE_WRONG;
	if (sig_verify(k, message, signature, &why))
		*ret = PROVE_RIGHT;
	else if (why.code != ERR_EVIDENCE_SIGNATURE)
		return error_set(reterr, why.code, SPAN_NONE, "%s", why.msg);
	return true;
}

/* A signature over `message` by the key in `spki`, of this method, whose
 * thumbprint is `jkt`. */
static bool
judge_key(struct str spki, enum prove_method method, struct str jkt,
    struct str message, struct str signature, enum prove_verdict *ret,
    struct error *reterr)
{
	struct error why = { 0 };
	struct keys_public k;
	bool ok;

	*ret = PROVE_WRONG;
	if (!prove_check_read_key(spki, &k, &why)) {
		if (why.code == ERR_KEY_FORM)
			return true;
		return error_set(reterr, why.code, SPAN_NONE, "%s", why.msg);
	}
	ok = judge_signature(&k, message, signature, ret, reterr);
	if (method != PROVE_METHOD_NONE &&
	    prove_check_method(k.algorithm) != method)
		*ret = PROVE_WRONG;
	if (!str_eq(keys_thumbprint(&k), jkt))
		*ret = PROVE_WRONG;
	keys_public_fini(&k);
	return ok;
}

static bool
judge_mac(struct str mac_key, struct str message, struct str proof,
    enum prove_verdict *ret, struct error *reterr)
{
	uint8_t want[SECRET_BYTES];
	bool ok =
	    mac_key.n == SECRET_BYTES
		? secret_mac((const uint8_t *)mac_key.p, message, want, reterr)
		: error_set(reterr, ERR_SYSTEM_ERROR, SPAN_NONE,
		      "a MAC key of another length");

	*ret = PROVE_WRONG;
	if (ok && secret_equal(
		      proof, (struct str){ (const char *)want, sizeof want }))
		*ret = PROVE_RIGHT;
	secret_wipe(want, sizeof want);
	return ok;
}

bool
prove_check(const struct prove_answer *r, struct str message,
    const struct prove_check_key *key, enum prove_verdict *ret,
    struct error *reterr)
{
	enum prove_verdict brought = PROVE_WRONG, proven = PROVE_WRONG;

	*ret = PROVE_WRONG;
	if (key->method != r->method)
		return true;
	if (r->method != PROVE_HMAC)
		return judge_key(key->spki, r->method, r->jkt, message,
		    r->proof, ret, reterr);
	/* Both, whatever the first says: no time tells which was wrong. */
	if (!judge_mac(key->mac_key, message, r->proof, &proven, reterr) ||
	    !judge_key(r->key, PROVE_METHOD_NONE, r->jkt, message, r->key_proof,
		&brought, reterr))
		return false;
	if (proven == PROVE_RIGHT && brought == PROVE_RIGHT)
		*ret = PROVE_RIGHT;
	return true;
}
