/* keys.c - keys in files: made, opened, named by their thumbprint.
 * PEM in, `struct keys_public` or `struct attest_key` out. Where a private key
 * is wanted, a `pkcs11:` URI (RFC 7512) names one in a token and `signer:/PATH`
 * one in another process, either itself or as the one line of the file. A
 * private key is never read where a public one is wanted: a machine that only
 * checks signatures has no use for it. Nothing asks for a password: an
 * encrypted key is refused. Every success of OpenSSL is `== 1`, and its error
 * queue is empty when we return. */
#include "attest/keys.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "attest/attest.h"
#include "attest/pkcs11.h"
#include "attest/sig.h"
#include "attest/signer_client.h"
#include "base/base64.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/limits.h"

#define P256_BYTES 32

const char *
keys_drain(void)
{
	const char *why = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return why ? why : "no reason given";
}

/* ---- what a key is --------------------------------------------------------
 */

static bool
has_usual_exponent(const EVP_PKEY *pkey)
{
	BIGNUM *e = NULL;
	bool ok = EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) == 1 &&
		  BN_is_word(e, RSA_F4) == 1;

	BN_free(e);
	return ok;
}

/* CVE-2017-15361: a generator in smart cards made primes that are powers of
 * 65,537 by every small prime; so is their product, and a key of that sort can
 * be factored. Of sound keys one in over a hundred million looks like it. */
static bool
is_power_by(BN_ULONG rest, BN_ULONG prime)
{
	BN_ULONG power = 1;

	do {
		if (power == rest)
			return true;
		power = power * (RSA_F4 % prime) % prime;
	} while (power != 1);
	return false;
}

static bool
has_weak_primes(const EVP_PKEY *pkey)
{
	static const BN_ULONG primes[] = { 11, 13, 17, 19, 37, 53, 61, 71, 73,
		79, 97, 103, 107, 109, 127, 151, 157 };
	BIGNUM *n = NULL;
	bool weak = EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) == 1;

	for (size_t i = 0; weak && i < ARRAY_LEN(primes); i++)
		weak = is_power_by(BN_mod_word(n, primes[i]), primes[i]);
	BN_free(n);
	return weak;
}

static enum keys_algorithm
rsa_algorithm(const EVP_PKEY *pkey)
{
	int bits = EVP_PKEY_get_bits(pkey);

	if (!has_usual_exponent(pkey) || has_weak_primes(pkey))
		return KEYS_UNFIT;
	if (bits == 1024)
		return KEYS_RSA1024;
	if (bits == 2048)
		return KEYS_RSA2048;
	return bits > 2048 && bits <= 4096 ? KEYS_RSA_LARGER : KEYS_UNFIT;
}

static enum keys_algorithm
algorithm_of(const EVP_PKEY *pkey)
{
	char group[32];

	if (EVP_PKEY_is_a(pkey, "RSA") == 1)
		return rsa_algorithm(pkey);
	if (EVP_PKEY_is_a(pkey, "ED25519") == 1)
		return KEYS_ED25519;
	if (EVP_PKEY_is_a(pkey, "EC") == 1 &&
	    EVP_PKEY_get_group_name(pkey, group, sizeof group, NULL) == 1 &&
	    strcmp(group, SN_X9_62_prime256v1) == 0)
		return KEYS_P256;
	if (EVP_PKEY_is_a(pkey, "DSA") == 1 &&
	    EVP_PKEY_get_bits(pkey) >= 1024 && EVP_PKEY_get_bits(pkey) <= 3072)
		return KEYS_DSA;
	return KEYS_UNFIT;
}

/* A number of the key as Base64url of `width` bytes, big-endian; 0: as many as
 * it needs. */
static bool
add_number(struct buf *out, const EVP_PKEY *pkey, const char *param, int width)
{
	unsigned char bytes[512]; /* the largest modulus, 4,096 bits */
	BIGNUM *n = NULL;
	bool ok = EVP_PKEY_get_bn_param(pkey, param, &n) == 1;

	if (ok && width == 0)
		width = BN_num_bytes(n);
	ok = ok && width <= (int)sizeof bytes &&
	     BN_bn2binpad(n, bytes, width) == width;
	if (ok)
		base64_encode(out, BASE64_URL,
		    (struct str){ (const char *)bytes, (size_t)width });
	BN_free(n);
	return ok;
}

static bool
add_ed25519(struct buf *out, const EVP_PKEY *pkey)
{
	unsigned char bytes[32];
	size_t n = sizeof bytes;

	if (EVP_PKEY_get_raw_public_key(pkey, bytes, &n) != 1 ||
	    n != sizeof bytes)
		return false;
	base64_encode(out, BASE64_URL, (struct str){ (const char *)bytes, n });
	return true;
}

/* RFC 7638 section 3.2, RFC 8037 appendix A.3: the required members alone, in
 * byte order, without spaces. */
bool
keys_write_jwk(const struct keys_public *k, struct buf *out)
{
	bool ok;

	switch (k->algorithm) {
	case KEYS_RSA1024:
	case KEYS_RSA2048:
	case KEYS_RSA_LARGER:
		buf_addz(out, "{\"e\":\"AQAB\",\"kty\":\"RSA\",\"n\":\"");
		ok = add_number(out, k->pkey, OSSL_PKEY_PARAM_RSA_N, 0);
		break;
	case KEYS_P256:
		buf_addz(out, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"");
		ok = add_number(
		    out, k->pkey, OSSL_PKEY_PARAM_EC_PUB_X, P256_BYTES);
		buf_addz(out, "\",\"y\":\"");
		ok = ok && add_number(out, k->pkey, OSSL_PKEY_PARAM_EC_PUB_Y,
			       P256_BYTES);
		break;
	case KEYS_ED25519:
		buf_addz(out, "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"");
		ok = add_ed25519(out, k->pkey);
		break;
	case KEYS_DSA:
	case KEYS_UNFIT:
	default:
		return false;
	}
	buf_addz(out, "\"}");
	return ok && buf_ok(out);
}

static bool
add_spki(struct buf *out, const EVP_PKEY *pkey)
{
	unsigned char *der = NULL;
	int n = i2d_PUBKEY(pkey, &der);

	if (n > 0)
		buf_add(out, (struct str){ (const char *)der, (size_t)n });
	OPENSSL_free(der);
	return n > 0 && buf_ok(out);
}

static bool
set_thumbprint(struct keys_public *k)
{
	struct buf form = { 0 }, text = { 0 };
	const char *digest = (const char *)k->thumbprint_sha256;
	struct str part;
	bool ok = k->algorithm == KEYS_DSA ? add_spki(&form, k->pkey)
					   : keys_write_jwk(k, &form);

	part = buf_str(&form);
	ok = ok && digest_sha256(&part, 1, k->thumbprint_sha256);
	if (ok)
		base64_encode(&text, BASE64_URL,
		    (struct str){ digest, sizeof k->thumbprint_sha256 });
	ok = ok && buf_ok(&text) && text.n == KEYS_THUMBPRINT;
	if (ok)
		memcpy(k->thumbprint, text.p, KEYS_THUMBPRINT + 1);
	buf_free(&form);
	buf_free(&text);
	return ok;
}

bool
keys_is_usual(enum keys_algorithm algorithm)
{
	return algorithm == KEYS_RSA2048 || algorithm == KEYS_RSA_LARGER ||
	       algorithm == KEYS_P256 || algorithm == KEYS_ED25519;
}

bool
keys_public_init(struct keys_public *k, EVP_PKEY *pkey, struct error *reterr)
{
	*k = (struct keys_public){ .pkey = pkey };
	k->algorithm = algorithm_of(pkey);
	if (k->algorithm == KEYS_UNFIT || set_thumbprint(k)) {
		ERR_clear_error();
		return true;
	}
	(void)error_set(reterr, ERR_SYSTEM_ERROR, SPAN_NONE,
	    "cannot make the thumbprint of a key: %s", keys_drain());
	keys_public_fini(k);
	return false;
}

void
keys_public_fini(struct keys_public *k)
{
	if (!k)
		return;
	sig_unprepare(k);
	EVP_PKEY_free(k->pkey);
	*k = (struct keys_public){ 0 };
}

struct str
keys_thumbprint(const struct keys_public *k)
{
	/* As long as it always is, or empty. */
	return (struct str){ k->thumbprint,
		k->thumbprint[0] ? KEYS_THUMBPRINT : 0 };
}

bool
keys_thumbprint_is_valid(struct str s)
{
	return s.n == KEYS_THUMBPRINT && base64_is_letters(BASE64_URL, s);
}

/* ---- PEM ------------------------------------------------------------------
 */

/* One block as PEM_read_bio gives it; freed with block_fini. */
struct block {
	char *name, *header;
	unsigned char *data;
	long n;
};

static void
block_fini(struct block *b)
{
	OPENSSL_free(b->name);
	OPENSSL_free(b->header);
	OPENSSL_clear_free(b->data, b->n > 0 ? (size_t)b->n : 0);
	*b = (struct block){ 0 };
}

static bool
is_private(const char *name)
{
	return str_has_suffix(str_of(name), STR("PRIVATE KEY"));
}

/* The key of a block, or NULL; all of the block must be used up. */
static EVP_PKEY *
block_key(const struct block *b)
{
	const unsigned char *p = b->data, *end = b->data + b->n;
	EVP_PKEY *pkey = NULL;
	X509 *cert = NULL;

	if (strcmp(b->name, PEM_STRING_PUBLIC) == 0)
		pkey = d2i_PUBKEY(NULL, &p, b->n);
	else if (strcmp(b->name, PEM_STRING_X509) == 0)
		cert = d2i_X509(NULL, &p, b->n);
	if (cert)
		pkey = X509_get_pubkey(cert);
	X509_free(cert);
	if (pkey && p != end) {
		EVP_PKEY_free(pkey);
		pkey = NULL;
	}
	return pkey;
}

static bool
refuse_private(const char *file, struct error *reterr)
{
	(void)error_set(reterr, ERR_CONFIG_TRUST, (struct span){ .file = file },
	    "`%s` holds a private key, where public ones are wanted", file);
	error_hint(reterr,
	    "write its public half with `avow key public` and keep the "
	    "private key elsewhere");
	return false;
}

static bool
block_read(const struct block *b, const char *file, struct keys_public *ret,
    struct error *reterr)
{
	struct span at = { .file = file };
	EVP_PKEY *pkey;

	if (is_private(b->name))
		return refuse_private(file, reterr);
	pkey = block_key(b);
	if (!pkey)
		return error_set(reterr, ERR_KEY_FORM, at,
		    "`%s` has a block that is no readable public key or "
		    "certificate: %s",
		    file, keys_drain());
	return keys_public_init(ret, pkey, reterr);
}

/* The next block of `bio`. False with nothing in `b` when there is none. */
static bool
block_next(BIO *bio, struct block *b)
{
	*b = (struct block){ 0 };
	return PEM_read_bio(bio, &b->name, &b->header, &b->data, &b->n) == 1;
}

struct list {
	struct keys_public *items;
	size_t n, cap;
};

static bool
read_blocks(struct arena *a, BIO *bio, const char *file, struct list *l,
    struct error *reterr)
{
	struct block b;

	while (block_next(bio, &b)) {
		bool ok;

		if (!ARENA_PUSH_ROOM(a, l->items, l->n, l->cap))
			ok = error_nomem(reterr);
		else
			ok = block_read(&b, file, &l->items[l->n], reterr);
		block_fini(&b);
		if (!ok)
			return false;
		l->n++;
	}
	/* The end looks like this; anything else is a broken block. */
	if (ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE &&
	    l->n > 0)
		return true;
	return error_set(reterr, ERR_KEY_FORM, (struct span){ .file = file },
	    "`%s` is not a PEM file of keys or certificates: %s", file,
	    keys_drain());
}

bool
keys_public_read(struct arena *a, const char *file, struct str text,
    struct keys_public **ret_keys, size_t *ret_n, struct error *reterr)
{
	struct list l = { 0 };
	BIO *bio;
	bool ok;

	ERR_clear_error();
	/* Files are at most LIMIT_KEY_FILE_BYTES. */
	bio = BIO_new_mem_buf(text.n ? text.p : "", (int)text.n);
	ok = bio ? read_blocks(a, bio, file, &l, reterr) : error_nomem(reterr);
	BIO_free(bio);
	ERR_clear_error();
	if (!ok) {
		while (l.n > 0)
			keys_public_fini(&l.items[--l.n]);
		return false;
	}
	*ret_keys = l.items;
	*ret_n = l.n;
	return true;
}

/* ---- private keys ---------------------------------------------------------
 */

static const struct {
	struct str name;
	enum attest_key_type type;
} types[] = {
	{ STR_INIT("rsa2048"), KEY_RSA2048 },
	{ STR_INIT("p256"), KEY_P256 },
	{ STR_INIT("ed25519"), KEY_ED25519 },
};

enum attest_key_type
attest_key_type_of(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_eq(types[i].name, name))
			return types[i].type;
	return KEY_NONE;
}

static EVP_PKEY *
generate(enum attest_key_type type)
{
	switch (type) {
	case KEY_RSA2048:
		return EVP_RSA_gen(2048); /* e is 65,537 */
	case KEY_P256:
		return EVP_EC_gen("P-256");
	case KEY_ED25519:
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	case KEY_NONE:
	default:
		return NULL;
	}
}

bool
attest_key_create(
    enum attest_key_type type, const char *path, struct error *reterr)
{
	EVP_PKEY *pkey = generate(type);
	BIO *bio = BIO_new(BIO_s_secmem()); /* wiped when freed */
	char *p = NULL;
	long n = 0;
	bool ok;

	ok = pkey && bio &&
	     PEM_write_bio_PKCS8PrivateKey(
		 bio, pkey, NULL, NULL, 0, NULL, NULL) == 1;
	if (ok)
		n = BIO_get_mem_data(bio, &p);
	ok = ok && n > 0;
	if (ok)
		ok = file_create(
		    path, 0600, (struct str){ p, (size_t)n }, reterr);
	else
		(void)error_set(reterr, ERR_SYSTEM_ERROR, SPAN_NONE,
		    "cannot make a key: %s", keys_drain());
	BIO_free(bio);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return ok;
}

/* Instead of OpenSSL's own, which would ask on the terminal. */
static int
no_password(char *buf, int size, int writing, void *ctx)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)ctx;
	return -1;
}

static EVP_PKEY *
private_of(struct str pem)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	EVP_PKEY *pkey = NULL;

	if (bio)
		pkey = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	BIO_free(bio);
	return pkey;
}

/* Keys that are elsewhere, by how their names begin. */
static const struct {
	struct str prefix;
	bool (*open)(const char *, struct keys_public *, struct error *);
} sources[] = {
	{ STR_INIT("pkcs11:"), pkcs11_open },
	{ STR_INIT("signer:"), signer_client_open },
};

static bool
is_elsewhere(struct str name, size_t *ret_source)
{
	for (size_t i = 0; i < ARRAY_LEN(sources); i++)
		if (str_has_prefix(name, sources[i].prefix)) {
			*ret_source = i;
			return true;
		}
	return false;
}

static void
private_fini(struct keys_public *k)
{
	struct keys_signer *signer = k->signer;

	keys_public_fini(k); /* OpenSSL wipes the private half */
	if (signer)
		signer->let_go(signer);
}

/* `path` is for messages; NULL: the key has no file. Lets `k` go on error. */
static bool
check_fit(struct keys_public *k, const char *path, struct error *reterr)
{
	if (keys_is_usual(k->algorithm))
		return true;
	private_fini(k);
	return error_set(reterr, ERR_KEY_FORM, (struct span){ .file = path },
	    "`%s` is not RSA of 2,048 to 4,096 bits with e = 65,537, P-256 or "
	    "Ed25519",
	    path ? path : "the key");
}

/* The one line of a file, without its line feed. */
static bool
open_named(struct arena *a, size_t source, struct str line, const char *path,
    struct keys_public *k, struct error *reterr)
{
	const char *name;

	if (str_has_suffix(line, STR("\n")))
		line.n--;
	name = str_z(a, line);
	if (!name)
		return error_nomem(reterr);
	if (str_find(line, '\n', 0) < line.n || strlen(name) != line.n)
		return error_set(reterr, ERR_KEY_FORM,
		    (struct span){ .file = path },
		    "`%s` names a key and has more than that one line", path);
	return sources[source].open(name, k, reterr) &&
	       check_fit(k, path, reterr);
}

/* The secret file's text, wiped by whoever has it. */
static bool
read_private(struct arena *a, const char *path, struct attest_key *k,
    struct error *reterr)
{
	struct span at = { .file = path };
	struct str text;
	size_t source;
	EVP_PKEY *pkey;

	if (is_elsewhere(str_of(path), &source))
		return sources[source].open(path, &k->public, reterr) &&
		       check_fit(&k->public, NULL, reterr);
	if (!file_read_secret(a, path, LIMIT_KEY_FILE_BYTES, &text, reterr))
		return false;
	if (is_elsewhere(text, &source))
		return open_named(a, source, text, path, &k->public, reterr);
	pkey = private_of(text);
	OPENSSL_cleanse((void *)(uintptr_t)text.p, text.n);
	if (!pkey)
		return error_set(reterr, ERR_KEY_FORM, at,
		    "`%s` is not a private key in PEM without a password: %s",
		    path, keys_drain());
	return keys_public_init(&k->public, pkey, reterr) &&
	       check_fit(&k->public, path, reterr);
}

struct attest_key *
attest_key_open(const char *path, struct error *reterr)
{
	struct attest_key *k = calloc(1, sizeof *k);
	struct arena *a = arena_new(0);
	bool ok;

	ok = k && a ? read_private(a, path, k, reterr) : error_nomem(reterr);
	arena_free(a);
	ERR_clear_error();
	if (ok)
		return k;
	/* A name that stood inside of `path` or its file is gone by now. */
	if (reterr && reterr->at.file && reterr->at.file != path)
		reterr->at = (struct span){ .file = path };
	free(k);
	return NULL;
}

void
attest_key_free(struct attest_key *key)
{
	if (!key)
		return;
	private_fini(&key->public);
	free(key);
}

static bool
add_public_pem(struct buf *out, EVP_PKEY *pkey, struct error *reterr)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p = NULL;
	long n = 0;
	bool ok = bio && PEM_write_bio_PUBKEY(bio, pkey) == 1;

	if (ok)
		n = BIO_get_mem_data(bio, &p);
	if (n > 0)
		buf_add(out, (struct str){ p, (size_t)n });
	BIO_free(bio);
	ERR_clear_error();
	return ok && n > 0 && buf_ok(out) ? true : error_nomem(reterr);
}

/* Whether the file is a secret, seen without keeping its text. */
static bool
holds_private(const char *path, bool *ret, struct error *reterr)
{
	struct arena *a = arena_new(0);
	struct str text;
	size_t source;
	bool ok;

	if (is_elsewhere(str_of(path), &source)) {
		arena_free(a);
		*ret = true;
		return true;
	}
	ok = a ? file_read(a, path, LIMIT_KEY_FILE_BYTES, &text, reterr)
	       : error_nomem(reterr);
	if (ok) {
		*ret = memmem(text.p, text.n, "PRIVATE KEY-----", 16) != NULL ||
		       is_elsewhere(text, &source);
		OPENSSL_cleanse((void *)(uintptr_t)text.p, text.n);
	}
	arena_free(a);
	return ok;
}

static bool
public_pem_of_public(const char *path, struct buf *out, struct error *reterr)
{
	struct arena *a = arena_new(0);
	struct keys_public *keys = NULL;
	struct str text;
	size_t n = 0;
	bool ok;

	ok = a ? file_read(a, path, LIMIT_KEY_FILE_BYTES, &text, reterr) &&
		     keys_public_read(a, path, text, &keys, &n, reterr)
	       : error_nomem(reterr);
	for (size_t i = 0; i < n; i++) {
		ok = ok && add_public_pem(out, keys[i].pkey, reterr);
		keys_public_fini(&keys[i]);
	}
	arena_free(a);
	return ok;
}

bool
attest_key_public_pem(const char *path, struct buf *out, struct error *reterr)
{
	struct attest_key *key;
	bool secret = false, ok;

	if (!holds_private(path, &secret, reterr))
		return false;
	if (!secret)
		return public_pem_of_public(path, out, reterr);
	key = attest_key_open(path, reterr);
	ok = key && add_public_pem(out, key->public.pkey, reterr);
	attest_key_free(key);
	return ok;
}

bool
attest_key_thumbprint(const char *path, char ret[44], struct error *reterr)
{
	struct arena *a = arena_new(0);
	struct keys_public *keys = NULL;
	struct buf pem = { 0 };
	size_t n = 0;
	bool ok =
	    a ? attest_key_public_pem(path, &pem, reterr) &&
		    keys_public_read(a, path, buf_str(&pem), &keys, &n, reterr)
	      : error_nomem(reterr);

	if (ok && keys[0].algorithm == KEYS_UNFIT)
		ok = error_set(reterr, ERR_KEY_FORM,
		    (struct span){ .file = path },
		    "`%s` is not RSA, P-256 or Ed25519", path);
	if (ok)
		memcpy(ret, keys[0].thumbprint, KEYS_THUMBPRINT + 1);
	for (size_t i = 0; i < n; i++)
		keys_public_fini(&keys[i]);
	buf_free(&pem);
	arena_free(a);
	return ok;
}
