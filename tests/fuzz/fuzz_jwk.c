/* fuzz_jwk.c - JSON Web Keys and sets of them.
 * Held: no crash; a key that was read is written as one that reads back to the
 * same key; no private or secret key is ever read. */
#include "attest/jwk.h"
#include "attest/jws.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	json_setup();
	return 0;
}

static void
again(const struct keys_public *k)
{
	json_t *jwk = jwk_write(k, "sig");
	struct keys_public same;

	must(jwk != NULL && jws_algorithm(k).n > 0);
	must(!json_object_get(jwk, "d") && !json_object_get(jwk, "k"));
	must(jwk_read(jwk, &same, NULL));
	must(str_eq(keys_thumbprint(k), keys_thumbprint(&same)));
	keys_public_fini(&same);
	json_decref(jwk);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);
	struct keys_public *keys;
	size_t n;

	if (a && jwk_read_file(a, "f", (struct str){ (const char *)data, size },
		     &keys, &n, NULL))
		while (n > 0) {
			if (keys[--n].algorithm != KEYS_UNFIT &&
			    keys[n].algorithm != KEYS_RSA1024)
				again(&keys[n]);
			keys_public_fini(&keys[n]);
		}
	arena_free(a);
	return 0;
}
