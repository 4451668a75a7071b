/* fuzz_proof.c - what a prover sends, through everything that reads it. The
 * first byte says which: an answer as JSON, the same sent to a verifier,
 * a challenge, a public key, PEM, a sealed secret.
 * Held: no crash; an answer read and written is the same answer; nothing that
 * was not made with the secrets is taken for right; a public key has one form.
 */
#include <stdio.h>

#include "attest/challenge.h"
#include "attest/prove_check.h"
#include "attest/prove.h"
#include "base/base64.h"
#include "tests/fuzz/fuzz.h"

static const struct secret_keys keys = { { 1 }, { 2 }, "" };
static const struct prove_random real;
static int64_t now_ms = INT64_C(1772366400000);
static struct clock clock_at;
static struct prove_peer *peer;

/* Trusts the decoy: a key that nobody has, so nothing may ever be right. */
int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct prove_peer_options o = { .role = PROVE_CLIENT,
		.service = STR("https://i.example/"),
		.audience = STR("files"),
		.clock = &clock_at };
	struct arena *a = arena_new(0);
	struct buf pem = { 0 };
	struct str spki = { 0 };

	(void)argc;
	(void)argv;
	json_setup();
	clock_at = clock_fixed(&now_ms);
	peer = prove_peer_new(&o, NULL);
	must(a && peer && prove_check_decoy(a, PROVE_ED25519, 64, &spki, NULL));
	buf_addz(&pem, "-----BEGIN PUBLIC KEY-----\n");
	base64_encode(&pem, BASE64_STANDARD, spki);
	buf_addz(&pem, "\n-----END PUBLIC KEY-----\n");
	must(prove_peer_trust(peer, STR("client-1"), "p", buf_str(&pem), NULL));
	buf_free(&pem);
	arena_free(a);
	return 0;
}

static void
on_answer(struct arena *a, struct str s)
{
	struct prove_answer r, again;
	struct buf one = { 0 }, two = { 0 }, message = { 0 };
	struct error err = { 0 };
	bool ok = prove_answer_parse(a, s, &r, &err);

	must(ok == (err.code == ERR_NONE));
	if (!ok)
		return;
	must(attest_instance_id_is_valid(r.account));
	must(r.challenge.n == PROVE_CHALLENGE_BYTES);
	must(r.nonce.n == PROVE_NONCE_BYTES);
	must(prove_answer_write(&r, &one));
	must(prove_answer_parse(a, buf_str(&one), &again, NULL));
	must(prove_answer_write(&again, &two));
	must(str_eq(buf_str(&one), buf_str(&two)));
	must(prove_message(&r, STR("s"), STR(""), &message));
	buf_free(&one);
	buf_free(&two);
	buf_free(&message);
}

/* An answer to a challenge that is good. */
static void
on_verifier(struct arena *a, struct str s)
{
	struct prove_answer r;
	struct buf b = { 0 };
	struct error err = { 0 };

	if (!prove_answer_parse(a, s, &r, NULL))
		return;
	now_ms += 1000;
	if (r.method != PROVE_HMAC &&
	    prove_peer_challenge(peer, r.account, r.method, &b, NULL))
		r.challenge = buf_str(&b);
	must(!prove_peer_verify(peer, &r, STR(""), &err));
	must(err.code == ERR_EVIDENCE_PROOF || err.code == ERR_SYSTEM_LIMIT);
	buf_free(&b);
}

static void
on_challenge(struct arena *a, struct str s)
{
	const struct challenge_for whom = { PROVE_ACCOUNT, PROVE_P256, STR("a"),
		STR("b") };
	struct challenge c;

	(void)a;
	must(!challenge_open(keys.challenge, &whom, s, &c, NULL));
}

static void
on_key(struct arena *a, struct str s)
{
	struct keys_public k;
	struct buf again = { 0 };

	(void)a;
	if (!prove_check_read_key(s, &k, NULL))
		return;
	must(prove_check_method(k.algorithm) != PROVE_METHOD_NONE);
	must(prove_check_write_key(&k, &again, NULL));
	must(str_eq(buf_str(&again), s));
	buf_free(&again);
	keys_public_fini(&k);
}

static void
on_pem(struct arena *a, struct str s)
{
	struct buf spki = { 0 };
	struct keys_public k;

	(void)a;
	if (prove_spki_of_pem("p", s, &spki, NULL)) {
		must(prove_check_read_key(buf_str(&spki), &k, NULL));
		keys_public_fini(&k);
	}
	buf_free(&spki);
}

static void
on_sealed(struct arena *a, struct str s)
{
	const struct secret_purpose purpose = { "hmac", STR("a"), STR("") };
	struct str plain;
	struct buf sealed = { 0 };

	must(!secret_unseal(a, &keys, &purpose, s, &plain, NULL));
	must(secret_seal(&keys, &real, &purpose, s, &sealed, NULL));
	must(secret_unseal(a, &keys, &purpose, buf_str(&sealed), &plain, NULL));
	must(str_eq(plain, s));
	buf_free(&sealed);
}

static fuzz_door *const doors[] = {
	on_answer,
	on_verifier,
	on_challenge,
	on_key,
	on_pem,
	on_sealed,
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_by_door(doors, ARRAY_LEN(doors), data, size);
	return 0;
}
