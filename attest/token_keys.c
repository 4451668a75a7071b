/* token_keys.c - public keys that verify tokens, by thumbprint.
 * From files (JWKS or PEM) or from the ring itself. Only keys that sign JWS are
 * kept; none at all is an error, not an empty set. */
#include "attest/token.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "attest/jwk.h"
#include "attest/sig.h"
#include "attest/token_read.h"
#include "base/file.h"
#include "base/limits.h"

struct token_keys {
	struct arena *arena;
	struct keys_public *items;
	size_t n, cap;
};

static struct token_keys *
keys_new(struct error *reterr)
{
	struct arena *a = arena_new(0);
	struct token_keys *k = a ? ARENA_NEW(a, struct token_keys) : NULL;

	if (!k) {
		arena_free(a);
		(void)error_nomem(reterr);
		return NULL;
	}
	k->arena = a;
	return k;
}

void
token_keys_free(struct token_keys *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->n; i++)
		keys_public_fini(&k->items[i]);
	arena_free(k->arena);
}

/* Takes the key in any case. */
static bool
add(struct token_keys *k, struct keys_public *key, struct error *reterr)
{
	bool wanted = jws_algorithm(key).n > 0 &&
		      !token_keys_find(k, keys_thumbprint(key));

	if (!wanted) {
		keys_public_fini(key);
		return true;
	}
	if (!ARENA_PUSH_ROOM(k->arena, k->items, k->n, k->cap) || !k->items) {
		keys_public_fini(key);
		return error_nomem(reterr);
	}
	sig_prepare(k->arena, key);
	k->items[k->n++] = *key;
	return true;
}

static bool
add_text(struct token_keys *k, const char *file, struct str text,
    struct error *reterr)
{
	struct keys_public *keys = NULL;
	size_t n = 0;
	bool ok = jwk_read_file(k->arena, file, text, &keys, &n, reterr);

	for (size_t i = 0; i < n; i++)
		if (ok)
			ok = add(k, &keys[i], reterr);
		else
			keys_public_fini(&keys[i]);
	return ok;
}

static bool
add_files(struct token_keys *k, const char *path, struct error *reterr)
{
	static const char *const suffixes[] = { ".pem", ".json", ".jwks",
		NULL };
	const char *const *files;
	struct str text;
	size_t n;

	if (!file_list(k->arena, path, suffixes, &files, &n, reterr))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!file_read(k->arena, files[i], LIMIT_KEY_FILE_BYTES, &text,
			reterr) ||
		    !add_text(k, files[i], text, reterr))
			return false;
	return true;
}

/* `k` when it is whole and has a key, else NULL; `k` is let go then. */
static struct token_keys *
settle(struct token_keys *k, bool ok, const char *name, struct error *reterr)
{
	if (ok && k->n > 0 && k->n <= LIMIT_TRUST_KEYS)
		return k;
	if (ok)
		(void)error_set(reterr, ERR_KEY_FORM, SPAN_NONE,
		    "`%s` has no key for tokens (P-256, Ed25519, or RSA of "
		    "2,048 to 4,096 bits), or too many",
		    name);
	/* The names of a folder's files go with it. */
	if (reterr && reterr->at.file)
		reterr->at.file = name;
	token_keys_free(k);
	return NULL;
}

struct token_keys *
token_keys_open(const char *path, struct error *reterr)
{
	struct token_keys *k = keys_new(reterr);

	return k ? settle(k, add_files(k, path, reterr), path, reterr) : NULL;
}

struct token_keys *
token_keys_parse(const char *name, struct str jwks, struct error *reterr)
{
	struct token_keys *k = keys_new(reterr);

	return k ? settle(k, add_text(k, name, jwks, reterr), name, reterr)
		 : NULL;
}

/* A reference, not a copy: the private half stays OpenSSL's, unused here. */
static bool
add_own(
    struct token_keys *k, const struct attest_key *key, struct error *reterr)
{
	struct keys_public public = key->public;

	public.signer = NULL; /* these keys only verify */
	if (EVP_PKEY_up_ref(public.pkey) != 1)
		return error_nomem(reterr);
	return add(k, &public, reterr);
}

struct token_keys *
token_keys_of_ring(
    const struct token_ring *r, int64_t now_unix_s, struct error *reterr)
{
	struct token_keys *k = keys_new(reterr);
	bool ok = k != NULL;

	for (size_t i = 0; ok && i < token_ring_count(r); i++)
		if (token_ring_is_published(r, i, now_unix_s))
			ok = add_own(k, token_ring_key(r, i), reterr);
	return k ? settle(k, ok, "the ring", reterr) : NULL;
}

const struct keys_public *
token_keys_find(const struct token_keys *k, struct str thumbprint)
{
	for (size_t i = 0; i < k->n; i++)
		if (str_eq(keys_thumbprint(&k->items[i]), thumbprint))
			return &k->items[i];
	return NULL;
}
