/* A client proves itself to an instance that has public keys alone, and the
 * other way round (S10). */
#include "attest/prove.h"

#include <stdio.h>

#include "base/limits.h"
#include "tests/lib/kit.h"
#include "tests/lib/run.h"

#define SPENT_MOST 64

static struct arena *arena;
static struct error err;
static struct attest_key *key;
static struct prove_peer *instance;
static int64_t now_ms;
static struct clock clock_at;
static struct buf pem;

static struct prove_peer *
new_peer(enum prove_role role, const char *service)
{
	const struct prove_peer_options o = { .role = role,
		.service = str_of(service),
		.audience = STR("files"),
		.clock = &clock_at,
		.spent_most = SPENT_MOST };
	struct prove_peer *p = prove_peer_new(&o, &err);

	ck_assert_msg(p != NULL, "%s", err.msg);
	return p;
}

static void
setup(void)
{
	const char *path;

	json_setup();
	arena = arena_new(0);
	err = (struct error){ 0 };
	pem = (struct buf){ 0 };
	now_ms = KIT_NOON * INT64_C(1000);
	clock_at = clock_fixed(&now_ms);
	path = str_printf(arena, "%s/own", test_folder()).p;
	ck_assert(attest_key_create(KEY_ED25519, path, &err));
	ck_assert(attest_key_public_pem(path, &pem, &err));
	key = attest_key_open(path, &err);
	ck_assert_ptr_nonnull(key);
	ck_assert_int_eq(remove(path), 0);
	instance = new_peer(PROVE_CLIENT, "https://i-1.example/");
	ck_assert(prove_peer_trust(
	    instance, STR("client-1"), "own", buf_str(&pem), &err));
}

static void
teardown(void)
{
	prove_peer_free(instance);
	attest_key_free(key);
	buf_free(&pem);
	arena_free(arena);
}

/* An answer of `account` in `role` to a challenge of `p`. */
static struct prove_answer
answer(struct prove_peer *p, enum prove_role role, const char *account,
    const char *service)
{
	struct prove_answer r = { .role = role,
		.account = str_of(account),
		.audience = STR("files") };
	const struct prove_with w = { .service = str_of(service), .key = key };
	struct buf b = { 0 };

	ck_assert(prove_peer_challenge(p, r.account, PROVE_ED25519, &b, &err));
	r.challenge = str_dup(arena, buf_str(&b));
	buf_free(&b);
	ck_assert_msg(prove_answer_make(arena, &w, &r, &err), "%s", err.msg);
	return r;
}

static enum err_code
verify(struct prove_peer *p, const struct prove_answer *r)
{
	struct error e = { 0 };
	bool ok = prove_peer_verify(p, r, STR(""), &e);

	ck_assert_int_eq(ok, e.code == ERR_NONE);
	return e.code;
}

#define HERE "https://i-1.example/"

START_TEST(a_known_client_is_known)
{
	struct prove_answer r =
	    answer(instance, PROVE_CLIENT, "client-1", HERE);

	ck_assert_int_eq(verify(instance, &r), ERR_NONE);
	ck_assert_int_eq(verify(instance, &r), ERR_EVIDENCE_REPLAYED);
}
END_TEST

START_TEST(others_are_not)
{
	struct prove_answer r =
	    answer(instance, PROVE_CLIENT, "client-2", HERE);

	ck_assert_int_eq(verify(instance, &r), ERR_EVIDENCE_PROOF);
	r = answer(instance, PROVE_CLIENT, "client-1", "https://evil/");
	ck_assert_int_eq(verify(instance, &r), ERR_EVIDENCE_PROOF);
	/* A wrong answer spends, too. */
	ck_assert_int_eq(verify(instance, &r), ERR_EVIDENCE_REPLAYED);
	r = answer(instance, PROVE_CLIENT, "client-1", HERE);
	r.account = STR("client-2");
	ck_assert_int_eq(verify(instance, &r), ERR_EVIDENCE_PROOF);
	r = answer(instance, PROVE_CLIENT, "client-1", HERE);
	r.audience = STR("other");
	ck_assert_int_eq(verify(instance, &r), ERR_EVIDENCE_PROOF);
	r = answer(instance, PROVE_CLIENT, "client-1", HERE);
	r.relay = STR("boss");
	ck_assert_int_eq(verify(instance, &r), ERR_EVIDENCE_PROOF);
	r = answer(instance, PROVE_CLIENT, "client-1", HERE);
	r.method = PROVE_P256;
	ck_assert_int_eq(verify(instance, &r), ERR_EVIDENCE_PROOF);
}
END_TEST

/* Both ask each other; each answer is sent back to the one who gave it. */
START_TEST(a_proof_is_not_reflected)
{
	struct prove_peer *client = new_peer(PROVE_INSTANCE, "https://c/");
	struct prove_answer r;

	/* The same key on both sides, so that only the role stands between. */
	ck_assert(prove_peer_trust(
	    client, STR("client-1"), "own", buf_str(&pem), &err));
	r = answer(instance, PROVE_INSTANCE, "client-1", HERE);
	ck_assert_int_eq(verify(instance, &r), ERR_EVIDENCE_PROOF);
	r.role = PROVE_CLIENT;
	ck_assert_int_eq(verify(instance, &r), ERR_EVIDENCE_PROOF);
	/* And a challenge of one is none of the other. */
	r = answer(instance, PROVE_INSTANCE, "client-1", "https://c/");
	ck_assert_int_eq(verify(client, &r), ERR_EVIDENCE_PROOF);
	r = answer(client, PROVE_INSTANCE, "client-1", "https://c/");
	ck_assert_int_eq(verify(client, &r), ERR_NONE);
	prove_peer_free(client);
}
END_TEST

START_TEST(a_restart_voids_challenges)
{
	struct prove_answer r =
	    answer(instance, PROVE_CLIENT, "client-1", HERE);
	struct prove_peer *again = new_peer(PROVE_CLIENT, HERE);

	ck_assert(prove_peer_trust(
	    again, STR("client-1"), "own", buf_str(&pem), &err));
	ck_assert_int_eq(verify(again, &r), ERR_EVIDENCE_PROOF);
	prove_peer_free(again);
}
END_TEST

START_TEST(a_challenge_lives_a_minute)
{
	struct prove_answer r =
	    answer(instance, PROVE_CLIENT, "client-1", HERE);

	now_ms += LIMIT_CHALLENGE_S * 1000;
	ck_assert_int_eq(verify(instance, &r), ERR_EVIDENCE_EXPIRED);
	now_ms -= 1;
	ck_assert_int_eq(verify(instance, &r), ERR_NONE);
}
END_TEST

START_TEST(the_channel_is_the_verifier_s)
{
	struct prove_answer r =
	    answer(instance, PROVE_CLIENT, "client-1", HERE);

	ck_assert(!prove_peer_verify(instance, &r, STR("exported"), &err));
	ck_assert_int_eq(err.code, ERR_EVIDENCE_PROOF);
}
END_TEST

/* Answers of a stranger, cheap to refuse, until there is no more room. */
START_TEST(spent_challenges_are_never_forgotten_alive)
{
	struct prove_answer first = answer(
				instance, PROVE_CLIENT, "client-1", HERE),
			    r = first;
	struct buf b = { 0 };

	ck_assert_int_eq(verify(instance, &first), ERR_NONE);
	r.account = STR("x");
	for (size_t i = 1; i < SPENT_MOST; i++) {
		b.n = 0;
		ck_assert(prove_peer_challenge(
		    instance, r.account, PROVE_ED25519, &b, &err));
		r.challenge = buf_str(&b);
		ck_assert_int_eq(verify(instance, &r), ERR_EVIDENCE_PROOF);
	}
	r = answer(instance, PROVE_CLIENT, "client-1", HERE);
	ck_assert_int_eq(verify(instance, &r), ERR_SYSTEM_LIMIT);
	ck_assert_int_eq(verify(instance, &first), ERR_EVIDENCE_REPLAYED);
	now_ms += 60000;
	ck_assert_int_eq(verify(instance, &first), ERR_EVIDENCE_EXPIRED);
	r = answer(instance, PROVE_CLIENT, "client-1", HERE);
	ck_assert_int_eq(verify(instance, &r), ERR_NONE);
	buf_free(&b);
}
END_TEST

START_TEST(an_account_has_one_key)
{
	struct attest_key *other;
	struct buf other_pem = { 0 };
	const char *path = str_printf(arena, "%s/other", test_folder()).p;
	struct prove_answer r;

	ck_assert(attest_key_create(KEY_ED25519, path, &err));
	ck_assert(attest_key_public_pem(path, &other_pem, &err));
	other = attest_key_open(path, &err);
	ck_assert(prove_peer_trust(
	    instance, STR("client-1"), "other", buf_str(&other_pem), &err));
	r = answer(instance, PROVE_CLIENT, "client-1", HERE);
	ck_assert_int_eq(verify(instance, &r), ERR_EVIDENCE_PROOF);
	attest_key_free(key);
	key = other;
	r = answer(instance, PROVE_CLIENT, "client-1", HERE);
	ck_assert_int_eq(verify(instance, &r), ERR_NONE);
	ck_assert(!prove_peer_trust(
	    instance, STR("a/b"), "other", buf_str(&other_pem), NULL));
	ck_assert_int_eq(remove(path), 0);
	buf_free(&other_pem);
}
END_TEST

START_TEST(some_peers_and_questions_are_none)
{
	struct prove_peer_options o = { .role = PROVE_ACCOUNT,
		.service = STR("s"),
		.audience = STR("a"),
		.clock = &clock_at };
	struct buf b = { 0 };

	ck_assert_ptr_null(prove_peer_new(&o, NULL));
	o.role = PROVE_CLIENT;
	o.audience = STR("");
	ck_assert_ptr_null(prove_peer_new(&o, NULL));
	ck_assert(
	    !prove_peer_challenge(instance, STR("a"), PROVE_HMAC, &b, NULL));
	ck_assert(
	    !prove_peer_challenge(instance, STR(""), PROVE_P256, &b, NULL));
	ck_assert_uint_eq(b.n, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("prove_peer");
	TCase *tc = tcase_create("prove_peer");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_known_client_is_known);
	tcase_add_test(tc, others_are_not);
	tcase_add_test(tc, a_proof_is_not_reflected);
	tcase_add_test(tc, a_restart_voids_challenges);
	tcase_add_test(tc, a_challenge_lives_a_minute);
	tcase_add_test(tc, the_channel_is_the_verifier_s);
	tcase_add_test(tc, spent_challenges_are_never_forgotten_alive);
	tcase_add_test(tc, an_account_has_one_key);
	tcase_add_test(tc, some_peers_and_questions_are_none);
	tcase_set_timeout(tc, 120);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
