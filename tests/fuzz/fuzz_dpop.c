/* fuzz_dpop.c - proofs of possession: a compact text as it is, or a payload
 * that a holder's key signs, with this process's nonce put where `NONCE`
 * stands. Held: no crash; what passes is for this request, and passes once. */
#include <openssl/evp.h>

#include "attest/attest.h"
#include "attest/dpop.h"
#include "attest/jwk.h"
#include "attest/jws.h"
#include "tests/fuzz/fuzz.h"

static struct attest_key key;
static json_t *jwk;
static struct dpop *dpop;

#define NOON 1772366400

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const unsigned char secret[32] =
	    "avow fuzz target, ed25519 key!!";

	(void)argc;
	(void)argv;
	json_setup();
	must(keys_public_init(&key.public,
	    EVP_PKEY_new_raw_private_key(
		EVP_PKEY_ED25519, NULL, secret, sizeof secret),
	    NULL));
	jwk = jwk_write(&key.public, NULL);
	dpop = dpop_new(NULL);
	must(jwk && dpop);
	return 0;
}

static bool
check(struct str proof, bool spend)
{
	const struct dpop_request q = { .proof = proof,
		.method = STR("GET"),
		.url = STR("https://h/a"),
		.shown = STR("t"),
		.now_unix_s = NOON };
	struct dpop_proof p;
	bool stale;

	return dpop_check(dpop, &q, &p, &stale, NULL) &&
	       (!spend || dpop_spend(dpop, &p, NOON, NULL));
}

static void
with_nonce(struct str s, struct buf *out)
{
	char nonce[DPOP_NONCE + 1];

	must(dpop_nonce(dpop, NOON, nonce, NULL));
	for (size_t i = 0; i < s.n; i++) {
		if (str_has_prefix(str_sub(s, i, s.n), STR("NONCE"))) {
			buf_addz(out, nonce);
			i += 4;
		} else {
			buf_byte(out, s.p[i]);
		}
	}
}

static void
on_payload(struct str s)
{
	struct buf payload = { 0 }, proof = { 0 };

	with_nonce(s, &payload);
	must(jws_sign(
	    &key.public, "dpop+jwt", jwk, buf_str(&payload), &proof, NULL));
	if (check(buf_str(&proof), true))
		must(!check(buf_str(&proof), true));
	buf_free(&payload);
	buf_free(&proof);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str s = { (const char *)data + 1, size ? size - 1 : 0 };

	if (size == 0)
		return 0;
	if (data[0] % 2)
		on_payload(s);
	else
		must(!check(s, false)); /* nobody else knows the nonce */
	return 0;
}
