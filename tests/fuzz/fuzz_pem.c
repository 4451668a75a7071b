/* fuzz_pem.c - public keys and certificates as PEM, which operators and clouds
 * give.
 * Held: no crash; a key that may sign documents has a thumbprint, and its own
 * PEM is read as the same key. */
#include <openssl/pem.h>

#include "attest/keys.h"
#include "base/arena.h"
#include "tests/fuzz/fuzz.h"

static void
check(struct arena *a, const struct keys_public *k)
{
	struct keys_public *again;
	BIO *bio;
	char *pem;
	size_t n;
	long size;

	if (!keys_is_usual(k->algorithm))
		return;
	must(keys_thumbprint_is_valid(keys_thumbprint(k)));
	bio = BIO_new(BIO_s_mem());
	must(bio && PEM_write_bio_PUBKEY(bio, k->pkey) == 1);
	size = BIO_get_mem_data(bio, &pem);
	must(keys_public_read(
	    a, "again", (struct str){ pem, (size_t)size }, &again, &n, NULL));
	must(n == 1 && str_eq(keys_thumbprint(k), keys_thumbprint(again)));
	keys_public_fini(again);
	BIO_free(bio);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str text = { (const char *)data, size };
	struct arena *a = arena_new(0);
	struct keys_public *keys = NULL;
	size_t n = 0;

	must(a != NULL);
	if (keys_public_read(a, "k", text, &keys, &n, NULL))
		must(n > 0);
	for (size_t i = 0; i < n; i++) {
		check(a, &keys[i]);
		keys_public_fini(&keys[i]);
	}
	arena_free(a);
	return 0;
}
