/* secret.c - HKDF, HMAC and AES-256-GCM through OpenSSL, and the file of the
 * master secret. */
#include "attest/secret.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "attest/keys.h"
#include "base/base64.h"
#include "base/digest.h"
#include "base/file.h"

#define FILE_BYTES_MOST 256u
#define NONCE_BYTES 12
#define TAG_BYTES 16
#define VERSION '\1'

static const struct str mark = STR_INIT("avow-secret-1 ");

static bool
refuse(const char *doing, struct error *reterr)
{
	return error_set(reterr, ERR_SYSTEM_ERROR, SPAN_NONE, "cannot %s: %s",
	    doing, keys_drain());
}

/* ---- random bytes, comparing ------------------------------------------------
 */

bool
secret_random(const struct prove_random *random, uint8_t *to, size_t n,
    struct error *reterr)
{
	bool ok;

	memset(to, 0, n);
	if (random->fill)
		ok = random->fill(random->ctx, to, n);
	else
		ok = RAND_bytes(to, (int)n) == 1;
	if (ok)
		return true;
	memset(to, 0, n);
	return refuse("get random bytes", reterr);
}

void
secret_wipe(void *p, size_t n)
{
	if (p)
		OPENSSL_cleanse(p, n);
}

bool
secret_equal(struct str a, struct str b)
{
	return a.n == b.n && CRYPTO_memcmp(a.p, b.p, a.n) == 0;
}

/* ---- derived keys and MACs --------------------------------------------------
 */

/* OpenSSL's parameters are not const, and are only read. */
static void *
lend(const void *p)
{
	return (void *)(uintptr_t)p;
}

static bool
derive(EVP_KDF_CTX *ctx, struct str secret, struct str salt, struct str info,
    uint8_t ret[SECRET_BYTES])
{
	static const char digest[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(
		    OSSL_KDF_PARAM_DIGEST, lend(digest), 0),
		OSSL_PARAM_construct_octet_string(
		    OSSL_KDF_PARAM_KEY, lend(secret.p), secret.n),
		OSSL_PARAM_construct_octet_string(
		    OSSL_KDF_PARAM_SALT, lend(salt.p), salt.n),
		OSSL_PARAM_construct_octet_string(
		    OSSL_KDF_PARAM_INFO, lend(info.p), info.n),
		OSSL_PARAM_construct_end(),
	};

	return EVP_KDF_derive(ctx, ret, SECRET_BYTES, params) == 1;
}

bool
secret_derive(struct str secret, struct str salt, const char *info,
    uint8_t ret[SECRET_BYTES], struct error *reterr)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_HKDF, NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	bool ok = ctx && derive(ctx, secret, salt, str_of(info), ret);

	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return ok || refuse("derive a key", reterr);
}

bool
secret_mac(const uint8_t key[SECRET_BYTES], struct str message,
    uint8_t ret[SECRET_BYTES], struct error *reterr)
{
	unsigned n = 0;

	if (HMAC(EVP_sha256(), key, SECRET_BYTES,
		(const unsigned char *)message.p, message.n, ret, &n) != NULL &&
	    n == SECRET_BYTES)
		return true;
	return refuse("make a MAC", reterr);
}

/* ---- the master secret ------------------------------------------------------
 */

bool
secret_create(
    const char *path, const struct prove_random *random, struct error *reterr)
{
	uint8_t master[SECRET_BYTES];
	struct buf text = { 0 };
	bool ok = secret_random(random, master, sizeof master, reterr);

	if (ok) {
		buf_add(&text, mark);
		base64_encode(&text, BASE64_URL,
		    (struct str){ (const char *)master, sizeof master });
		buf_byte(&text, '\n');
		ok = buf_ok(&text)
			 ? file_create(path, 0600, buf_str(&text), reterr)
			 : error_nomem(reterr);
	}
	secret_wipe(text.p, text.n);
	buf_free(&text);
	secret_wipe(master, sizeof master);
	return ok;
}

static bool
read_master(struct arena *a, const char *path, struct str *ret_text,
    struct str *ret_master, struct error *reterr)
{
	struct str text;

	if (!file_read_secret(a, path, FILE_BYTES_MOST, ret_text, reterr))
		return false;
	text = *ret_text;
	if (str_has_suffix(text, STR("\n")))
		text.n--;
	if (str_has_prefix(text, mark) &&
	    base64_decode(
		a, BASE64_URL, str_sub(text, mark.n, text.n), ret_master) &&
	    ret_master->n == SECRET_BYTES)
		return true;
	return error_set(reterr, ERR_KEY_FORM, (struct span){ .file = path },
	    "`%s` is no master secret of ours", path);
}

static bool
derive_name(struct str master, char ret[33], struct error *reterr)
{
	uint8_t bytes[SECRET_BYTES];

	if (!secret_derive(
		master, STR(""), "avow secret name v1", bytes, reterr))
		return false;
	digest_hex(bytes, 16, ret);
	return true;
}

bool
secret_move(const char *from, const char *to, struct error *reterr)
{
	struct arena *a = arena_new(0);
	struct str text = { 0 }, master = { 0 };
	bool ok = a ? read_master(a, from, &text, &master, reterr) &&
			  file_replace(to, 0600, text, reterr)
		    : error_nomem(reterr);

	secret_wipe(lend(text.p), text.n);
	secret_wipe(lend(master.p), master.n);
	arena_free(a);
	return ok;
}

bool
secret_open(const char *path, struct secret_keys *ret, struct error *reterr)
{
	struct arena *a = arena_new(0);
	struct str text = { 0 }, master = { 0 };
	struct secret_keys keys = { 0 };
	bool ok;

	ok = a ? read_master(a, path, &text, &master, reterr) &&
		     secret_derive(
			 master, STR(""), "avow seal v1", keys.seal, reterr) &&
		     secret_derive(master, STR(""), "avow challenge v1",
			 keys.challenge, reterr) &&
		     derive_name(master, keys.name, reterr)
	       : error_nomem(reterr);
	if (ok)
		*ret = keys;
	secret_wipe(&keys, sizeof keys);
	secret_wipe(lend(text.p), text.n);
	secret_wipe(lend(master.p), master.n);
	arena_free(a);
	return ok;
}

/* ---- sealing ----------------------------------------------------------------
 */

static const unsigned char *
bytes_of(struct str s)
{
	return (const unsigned char *)(s.p ? s.p : "");
}

/* All that a sealed text is for, as associated data. */
static bool
add_purpose(const struct secret_purpose *p, struct buf *out)
{
	const struct str parts[] = { str_of(p->what), p->account, p->detail };

	buf_addz(out, "avow seal v1");
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		buf_printf(out, "%zu:", parts[i].n);
		buf_add(out, parts[i]);
	}
	return buf_ok(out);
}

static bool
encrypt(EVP_CIPHER_CTX *ctx, const uint8_t *key, const uint8_t *nonce,
    struct str data, struct str plain, struct str *ret, uint8_t tag[TAG_BYTES])
{
	unsigned char *to = lend(ret->p);
	int n = 0, end = 0;

	return EVP_EncryptInit_ex2(ctx, EVP_aes_256_gcm(), key, nonce, NULL) ==
		   1 &&
	       EVP_EncryptUpdate(ctx, NULL, &n, bytes_of(data), (int)data.n) ==
		   1 &&
	       EVP_EncryptUpdate(ctx, to, &n, bytes_of(plain), (int)plain.n) ==
		   1 &&
	       EVP_EncryptFinal_ex(ctx, to + n, &end) == 1 &&
	       (size_t)n + (size_t)end == plain.n &&
	       EVP_CIPHER_CTX_ctrl(
		   ctx, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, tag) == 1;
}

static bool
decrypt(EVP_CIPHER_CTX *ctx, const uint8_t *key, const uint8_t *nonce,
    struct str data, struct str sealed, struct str tag, unsigned char *to)
{
	int n = 0, end = 0;

	return EVP_DecryptInit_ex2(ctx, EVP_aes_256_gcm(), key, nonce, NULL) ==
		   1 &&
	       EVP_DecryptUpdate(ctx, NULL, &n, bytes_of(data), (int)data.n) ==
		   1 &&
	       EVP_DecryptUpdate(
		   ctx, to, &n, bytes_of(sealed), (int)sealed.n) == 1 &&
	       EVP_CIPHER_CTX_ctrl(
		   ctx, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, lend(tag.p)) == 1 &&
	       EVP_DecryptFinal_ex(ctx, to + n, &end) == 1 &&
	       (size_t)n + (size_t)end == sealed.n;
}

static bool
seal_into(struct arena *a, const struct secret_keys *keys,
    const uint8_t nonce[NONCE_BYTES], struct str data, struct str plain,
    struct buf *out, struct error *reterr)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	struct str text = { arena_alloc(a, plain.n + 1), plain.n };
	uint8_t tag[TAG_BYTES];
	bool ok = ctx && text.p &&
		  encrypt(ctx, keys->seal, nonce, data, plain, &text, tag);

	EVP_CIPHER_CTX_free(ctx);
	if (!ok)
		return refuse("seal a secret", reterr);
	buf_byte(out, VERSION);
	buf_add(out, (struct str){ (const char *)nonce, NONCE_BYTES });
	buf_add(out, text);
	buf_add(out, (struct str){ (const char *)tag, TAG_BYTES });
	return buf_ok(out) || error_nomem(reterr);
}

bool
secret_seal(const struct secret_keys *keys, const struct prove_random *random,
    const struct secret_purpose *purpose, struct str plain, struct buf *out,
    struct error *reterr)
{
	struct arena *a = arena_new(0);
	struct buf data = { 0 };
	uint8_t nonce[NONCE_BYTES];
	bool ok;

	ok = a && add_purpose(purpose, &data)
		 ? secret_random(random, nonce, sizeof nonce, reterr) &&
		       seal_into(
			   a, keys, nonce, buf_str(&data), plain, out, reterr)
		 : error_nomem(reterr);
	buf_free(&data);
	arena_free(a);
	return ok;
}

static bool
unseal_into(const struct secret_keys *keys, struct str data, struct str sealed,
    struct str *to, struct error *reterr)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	const uint8_t *nonce = bytes_of(sealed) + 1;
	struct str text =
	    str_sub(sealed, 1 + NONCE_BYTES, sealed.n - TAG_BYTES);
	struct str tag = str_sub(sealed, sealed.n - TAG_BYTES, sealed.n);
	bool ok;

	if (!ctx)
		return error_nomem(reterr);
	ok = decrypt(ctx, keys->seal, nonce, data, text, tag, lend(to->p));
	EVP_CIPHER_CTX_free(ctx);
	ERR_clear_error();
	if (ok)
		return true;
	secret_wipe(lend(to->p), to->n);
	return error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE,
	    "a sealed secret does not open: the store was altered, or belongs "
	    "to another master secret");
}

bool
secret_unseal(struct arena *a, const struct secret_keys *keys,
    const struct secret_purpose *purpose, struct str sealed, struct str *ret,
    struct error *reterr)
{
	struct buf data = { 0 };
	struct str text;
	bool ok;

	if (sealed.n < 1 + NONCE_BYTES + TAG_BYTES || sealed.p[0] != VERSION)
		return error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE,
		    "a sealed secret in the store is not one of ours");
	text.n = sealed.n - 1 - NONCE_BYTES - TAG_BYTES;
	text.p = arena_alloc(a, text.n + 1);
	ok = text.p && add_purpose(purpose, &data)
		 ? unseal_into(keys, buf_str(&data), sealed, &text, reterr)
		 : error_nomem(reterr);
	buf_free(&data);
	if (ok)
		*ret = text;
	return ok;
}
