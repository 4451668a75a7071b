/* jwk.c - JSON Web Keys to OpenSSL's and back.
 * A row a type: what its members are, how they become a key, how they are read
 * from one. What the key is fit for is keys.c's word (size, exponent, curve);
 * here it is only put together. A point that is not on the curve is no key:
 * OpenSSL checks that when it takes it. */
#include "attest/jwk.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include "attest/jws.h"
#include "base/base64.h"
#include "base/limits.h"

#define P256_BYTES 32u
#define RSA_BYTES 512u /* 4,096 bits */

static bool
unreadable(struct error *reterr, const char *why)
{
	return error_set(reterr, ERR_KEY_FORM, SPAN_NONE,
	    "a JSON Web Key is not acceptable: %s", why);
}

static bool
is_text(const json_t *jwk, const char *name, const char *want)
{
	const json_t *v = json_object_get(jwk, name);

	return json_is_string(v) && str_eq(json_str(v), str_of(want));
}

/* Bytes of a Base64url member; `n` of them, or 1 to `most` when n is 0. */
static bool
read_bytes(struct arena *a, const json_t *jwk, const char *name, size_t n,
    size_t most, struct str *ret)
{
	const json_t *v = json_object_get(jwk, name);

	return json_is_string(v) && json_string_length(v) <= 2u * most &&
	       base64_decode(a, BASE64_URL, json_str(v), ret) &&
	       (n ? ret->n == n : ret->n > 0 && ret->n <= most);
}

static EVP_PKEY *
from_params(const char *type, OSSL_PARAM_BLD *bld)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *pkey = NULL;

	if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return pkey;
}

static EVP_PKEY *
read_rsa(struct arena *a, const json_t *jwk)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	BIGNUM *n = NULL, *e = NULL;
	EVP_PKEY *pkey = NULL;
	struct str modulus, exponent;

	/* RFC 7518 6.3.1.1: as few bytes as there are. */
	if (bld && read_bytes(a, jwk, "n", 0, RSA_BYTES, &modulus) &&
	    modulus.p[0] != 0 && read_bytes(a, jwk, "e", 0, 8, &exponent) &&
	    exponent.p[0] != 0) {
		n = BN_bin2bn(
		    (const unsigned char *)modulus.p, (int)modulus.n, NULL);
		e = BN_bin2bn(
		    (const unsigned char *)exponent.p, (int)exponent.n, NULL);
	}
	if (n && e && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e))
		pkey = from_params("RSA", bld);
	BN_free(n);
	BN_free(e);
	OSSL_PARAM_BLD_free(bld);
	return pkey;
}

static EVP_PKEY *
read_ec(struct arena *a, const json_t *jwk)
{
	unsigned char point[1 + 2 * P256_BYTES] = { 4 }; /* both coordinates */
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY *pkey = NULL;
	struct str x, y;

	if (bld && is_text(jwk, "crv", "P-256") &&
	    read_bytes(a, jwk, "x", P256_BYTES, P256_BYTES, &x) &&
	    read_bytes(a, jwk, "y", P256_BYTES, P256_BYTES, &y)) {
		memcpy(point + 1, x.p, P256_BYTES);
		memcpy(point + 1 + P256_BYTES, y.p, P256_BYTES);
		if (OSSL_PARAM_BLD_push_utf8_string(
			bld, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) &&
		    OSSL_PARAM_BLD_push_octet_string(
			bld, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point))
			pkey = from_params("EC", bld);
	}
	OSSL_PARAM_BLD_free(bld);
	return pkey;
}

static EVP_PKEY *
read_okp(struct arena *a, const json_t *jwk)
{
	struct str x;

	if (!is_text(jwk, "crv", "Ed25519") ||
	    !read_bytes(a, jwk, "x", 32, 32, &x))
		return NULL;
	return EVP_PKEY_new_raw_public_key(
	    EVP_PKEY_ED25519, NULL, (const unsigned char *)x.p, x.n);
}

static const struct {
	const char *kty;
	EVP_PKEY *(*read)(struct arena *, const json_t *);
} types[] = {
	{ "RSA", read_rsa },
	{ "EC", read_ec },
	{ "OKP", read_okp },
};

static bool
is_secret(const json_t *jwk)
{
	return is_text(jwk, "kty", "oct") || json_object_get(jwk, "d") ||
	       json_object_get(jwk, "k");
}

/* RFC 7517 4.2 and, for the last two, SPIFFE's trust domains and bundles. */
static bool
is_for_signatures(const json_t *jwk)
{
	static const char *const uses[] = { "sig", "jwt-svid", "wit-svid" };

	if (!json_object_get(jwk, "use"))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(uses); i++)
		if (is_text(jwk, "use", uses[i]))
			return true;
	return false;
}

/* RFC 7517 4.3: where it says what the key is for, verifying is among it. */
static bool
may_verify(const json_t *jwk)
{
	const json_t *operations = json_object_get(jwk, "key_ops");

	if (!operations)
		return true;
	for (size_t i = 0; i < json_array_size(operations); i++) {
		const json_t *v = json_array_get(operations, i);

		if (json_is_string(v) && str_eq(json_str(v), STR("verify")))
			return true;
	}
	return false;
}

static EVP_PKEY *
read_pkey(struct arena *a, const json_t *jwk)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (is_text(jwk, "kty", types[i].kty))
			return types[i].read(a, jwk);
	return NULL;
}

/* RFC 8725 3.1: one key, one algorithm. */
static bool
check_algorithm(const json_t *jwk, struct keys_public *k, struct error *reterr)
{
	struct str alg = jws_algorithm(k);

	if (alg.n > 0 &&
	    (!json_object_get(jwk, "alg") || is_text(jwk, "alg", alg.p)))
		return true;
	keys_public_fini(k);
	return unreadable(reterr, "it is not RSA of 2,048 to 4,096 bits with "
				  "e = 65,537, P-256 or Ed25519, or is for "
				  "another algorithm");
}

bool
jwk_read(const json_t *jwk, struct keys_public *ret, struct error *reterr)
{
	struct arena *a = arena_new(0);
	EVP_PKEY *pkey = NULL;
	bool ok = a != NULL || error_nomem(reterr);

	ok = ok &&
	     (!is_secret(jwk) ||
		 unreadable(reterr, "it is private, where a public one is "
				    "wanted")) &&
	     ((is_for_signatures(jwk) && may_verify(jwk)) ||
		 unreadable(reterr, "it is not for signatures"));
	if (ok)
		pkey = read_pkey(a, jwk);
	if (ok && !pkey)
		ok = unreadable(reterr, "its members do not make a key");
	ok = ok && keys_public_init(ret, pkey, reterr) &&
	     check_algorithm(jwk, ret, reterr);
	arena_free(a);
	ERR_clear_error();
	return ok;
}

/* ---- sets -----------------------------------------------------------------
 */

struct set {
	struct arena *arena;
	const char *file;
	struct keys_public *items;
	size_t n, cap;
};

static bool
add_key(struct set *s, const json_t *jwk, struct error *reterr)
{
	struct span at = { .file = s->file };
	struct error why = { 0 };

	if (!json_is_object(jwk))
		return error_set(reterr, ERR_KEY_FORM, at,
		    "`%s` has a key that is no JSON object", s->file);
	if (is_secret(jwk))
		return error_set(reterr, ERR_CONFIG_TRUST, at,
		    "`%s` holds a private or secret key, where public ones are "
		    "wanted",
		    s->file);
	if (!ARENA_PUSH_ROOM(s->arena, s->items, s->n, s->cap))
		return error_nomem(reterr);
	if (jwk_read(jwk, &s->items[s->n], &why)) {
		s->n++;
		return true;
	}
	/* RFC 7517 5: what is not understood is left out. */
	return why.code == ERR_KEY_FORM || error_nomem(reterr);
}

static bool
add_keys(struct set *s, const json_t *root, struct error *reterr)
{
	const json_t *keys = json_object_get(root, "keys");

	if (!keys && json_object_get(root, "kty"))
		return add_key(s, root, reterr);
	if (!json_is_array(keys) || json_array_size(keys) > LIMIT_TRUST_KEYS)
		return error_set(reterr, ERR_KEY_FORM,
		    (struct span){ .file = s->file },
		    "`%s` is no JSON Web Key Set: it has no list `keys`",
		    s->file);
	for (size_t i = 0; i < json_array_size(keys); i++)
		if (!add_key(s, json_array_get(keys, i), reterr))
			return false;
	return true;
}

bool
jwk_read_set(struct arena *a, const char *file, struct str text,
    struct keys_public **ret_keys, size_t *ret_n, struct error *reterr)
{
	struct set s = { .arena = a, .file = file };
	json_t *root = NULL;
	bool ok = json_parse(text, file, LIMIT_KEY_FILE_BYTES,
		      LIMIT_TOKEN_DEPTH, JSON_NO_NUL, &root, reterr) &&
		  add_keys(&s, root, reterr);

	json_decref(root);
	if (!ok) {
		while (s.n > 0)
			keys_public_fini(&s.items[--s.n]);
		return false;
	}
	*ret_keys = s.items;
	*ret_n = s.n;
	return true;
}

bool
jwk_read_file(struct arena *a, const char *file, struct str text,
    struct keys_public **ret_keys, size_t *ret_n, struct error *reterr)
{
	size_t at = 0;

	while (at < text.n && strchr(" \t\r\n", text.p[at]) && text.p[at])
		at++;
	if (at < text.n && text.p[at] == '{')
		return jwk_read_set(a, file, text, ret_keys, ret_n, reterr);
	return keys_public_read(a, file, text, ret_keys, ret_n, reterr);
}

/* ---- out ------------------------------------------------------------------
 */

json_t *
jwk_write(const struct keys_public *k, const char *use)
{
	struct buf text = { 0 };
	json_t *jwk = NULL;
	bool ok = keys_write_jwk(k, &text) &&
		  json_parse(buf_str(&text), NULL, LIMIT_KEY_FILE_BYTES, 2,
		      JSON_NO_NUL, &jwk, NULL);

	buf_free(&text);
	ok = ok &&
	     json_object_set_new(
		 jwk, "kid", json_from_str(keys_thumbprint(k))) == 0 &&
	     json_object_set_new(jwk, "alg", json_from_str(jws_algorithm(k))) ==
		 0 &&
	     (!use || json_object_set_new(jwk, "use", json_string(use)) == 0);
	if (ok)
		return jwk;
	json_decref(jwk);
	return NULL;
}
