/* Answers to challenges: as they travel, as they are signed, made and judged.
 */
#include "attest/prove.h"

#include <stdio.h>

#include "attest/prove_check.h"
#include "base/digest.h"
#include "base/limits.h"
#include "tests/lib/kit.h"
#include "tests/lib/run.h"

static struct arena *arena;
static struct error err;
static struct attest_key *key;
static char challenge[PROVE_CHALLENGE_BYTES];
static const char secret[] = "0123456789abcdef0123456789abcdef";

static struct attest_key *
new_key(const char *name, enum attest_key_type type)
{
	const char *path =
	    str_printf(arena, "%s/%s-%d", test_folder(), name, (int)type).p;
	struct attest_key *k;

	ck_assert_msg(attest_key_create(type, path, &err), "%s", err.msg);
	k = attest_key_open(path, &err);
	ck_assert_msg(k != NULL, "%s", err.msg);
	ck_assert_int_eq(remove(path), 0);
	return k;
}

static void
setup(void)
{
	json_setup();
	arena = arena_new(0);
	err = (struct error){ 0 };
	memset(challenge, 'c', sizeof challenge);
	key = new_key("own", KEY_P256);
}

static void
teardown(void)
{
	attest_key_free(key);
	arena_free(arena);
}

static struct prove_answer
asked(enum prove_role role)
{
	return (struct prove_answer){ .role = role,
		.account = STR("web-1"),
		.audience = STR("updates"),
		.challenge = { challenge, sizeof challenge } };
}

static struct prove_with
with(bool has_secret)
{
	return (struct prove_with){ .service = STR("https://sts.example/"),
		.secret = { secret, has_secret ? sizeof secret - 1 : 0 },
		.key = key };
}

static struct prove_answer
make(enum prove_role role, bool has_secret)
{
	struct prove_answer r = asked(role);
	struct prove_with w = with(has_secret);

	ck_assert_msg(prove_answer_make(arena, &w, &r, &err), "%s", err.msg);
	return r;
}

static struct str
written(const struct prove_answer *r)
{
	struct buf b = { 0 };
	struct str copy;

	ck_assert(prove_answer_write(r, &b));
	copy = str_dup(arena, buf_str(&b));
	buf_free(&b);
	return copy;
}

/* ---- as they travel ---- */

START_TEST(reads_what_it_writes)
{
	struct prove_answer r = make(_i ? PROVE_ENROL : PROVE_ACCOUNT, _i), q;
	struct str text;

	if (!_i)
		r.relay = STR("boss");
	text = written(&r);
	ck_assert_msg(prove_answer_parse(arena, text, &q, &err), "%s", err.msg);
	ck_assert_int_eq(q.role, r.role);
	ck_assert_int_eq(q.method, r.method);
	ck_assert(str_eq(q.account, r.account));
	ck_assert(str_eq(q.audience, r.audience));
	ck_assert(str_eq(q.relay, r.relay));
	ck_assert(str_eq(q.challenge, r.challenge));
	ck_assert(str_eq(q.nonce, r.nonce));
	ck_assert(str_eq(q.jkt, r.jkt));
	ck_assert(str_eq(q.proof, r.proof));
	ck_assert(str_eq(q.key, r.key));
	ck_assert(str_eq(q.key_proof, r.key_proof));
	ck_assert(str_eq(written(&q), text));
}
END_TEST

/* A good answer with one member replaced, added or taken away. */
static const struct {
	const char *note, *name, *value; /* NULL: taken away */
	enum err_code want;
} changed[] = {
	{ "no role", "role", NULL, ERR_EVIDENCE_MALFORMED },
	{ "no method", "method", NULL, ERR_EVIDENCE_MALFORMED },
	{ "no account", "account", NULL, ERR_EVIDENCE_MALFORMED },
	{ "no audience", "audience", NULL, ERR_EVIDENCE_MALFORMED },
	{ "no challenge", "challenge", NULL, ERR_EVIDENCE_MALFORMED },
	{ "no nonce", "nonce", NULL, ERR_EVIDENCE_MALFORMED },
	{ "no jkt", "jkt", NULL, ERR_EVIDENCE_MALFORMED },
	{ "no proof", "proof", NULL, ERR_EVIDENCE_MALFORMED },
	{ "no relay", "relay", NULL, ERR_NONE },
	{ "a relay", "relay", "\"boss\"", ERR_NONE },
	{ "an empty relay", "relay", "\"\"", ERR_EVIDENCE_MALFORMED },
	{ "a relay that is no id", "relay", "\"a/b\"", ERR_EVIDENCE_MALFORMED },
	{ "another member", "service", "\"https://evil.example/\"",
	    ERR_EVIDENCE_MALFORMED },
	{ "a channel", "channel", "\"\"", ERR_EVIDENCE_MALFORMED },
	{ "another role", "role", "\"server\"", ERR_EVIDENCE_MALFORMED },
	{ "enrolling without a secret", "role", "\"enrol\"",
	    ERR_EVIDENCE_MALFORMED },
	{ "another method", "method", "\"none\"", ERR_EVIDENCE_MALFORMED },
	{ "hmac with a signature", "method", "\"hmac\"",
	    ERR_EVIDENCE_MALFORMED },
	{ "ed25519 with ECDSA", "method", "\"ed25519\"",
	    ERR_EVIDENCE_MALFORMED },
	{ "rsa with ECDSA", "method", "\"rsa\"", ERR_EVIDENCE_MALFORMED },
	{ "a number", "account", "1", ERR_EVIDENCE_MALFORMED },
	{ "null", "relay", "null", ERR_EVIDENCE_MALFORMED },
	{ "a list", "proof", "[]", ERR_EVIDENCE_MALFORMED },
	{ "an account that is no id", "account", "\"../x\"",
	    ERR_EVIDENCE_MALFORMED },
	{ "an account with a colon", "account", "\"a:b\"",
	    ERR_EVIDENCE_MALFORMED },
	{ "an empty audience", "audience", "\"\"", ERR_EVIDENCE_MALFORMED },
	{ "a short challenge", "challenge", "\"AAAA\"",
	    ERR_EVIDENCE_MALFORMED },
	{ "a padded nonce", "nonce", "\"AAAAAAAAAAAAAAAAAAAAAA==\"",
	    ERR_EVIDENCE_MALFORMED },
	{ "a nonce with bits behind it", "nonce", "\"AAAAAAAAAAAAAAAAAAAAAB\"",
	    ERR_EVIDENCE_MALFORMED },
	{ "a short nonce", "nonce", "\"AAAA\"", ERR_EVIDENCE_MALFORMED },
	{ "a short thumbprint", "jkt", "\"AAAA\"", ERR_EVIDENCE_MALFORMED },
	{ "no thumbprint", "jkt",
	    "\"!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!\"",
	    ERR_EVIDENCE_MALFORMED },
	{ "an empty proof", "proof", "\"\"", ERR_EVIDENCE_MALFORMED },
	{ "a key that is not asked for", "key", "\"AAAA\"",
	    ERR_EVIDENCE_MALFORMED },
	{ "its proof alone", "keyProof", "\"AAAAAAAAAAAA\"",
	    ERR_EVIDENCE_MALFORMED },
};

START_TEST(reads_strictly)
{
	struct prove_answer r = make(PROVE_ACCOUNT, false), q;
	struct str text = written(&r);
	json_t *object = NULL, *value;
	struct buf b = { 0 };

	ck_assert(json_parse(text, "t", 8192, 4, JSON_NO_NUL, &object, &err));
	if (changed[_i].value) {
		value = json_loads(changed[_i].value, JSON_DECODE_ANY, NULL);
		ck_assert_int_eq(
		    json_object_set_new(object, changed[_i].name, value), 0);
	} else {
		json_object_del(object, changed[_i].name);
	}
	ck_assert(json_write(&b, object));
	ck_assert_msg(prove_answer_parse(arena, buf_str(&b), &q, &err) ==
			  (changed[_i].want == ERR_NONE),
	    "%s", changed[_i].note);
	ck_assert_msg(
	    err.code == changed[_i].want, "%s: %s", changed[_i].note, err.msg);
	buf_free(&b);
	json_decref(object);
}
END_TEST

static const struct str no_answers[] = {
	STR_INIT(""),
	STR_INIT("null"),
	STR_INIT("[]"),
	STR_INIT("{}"),
	STR_INIT("{\"role\":\"account\",\"role\":\"account\"}"),
	STR_INIT("{\"role\":{\"a\":{}}}"),
	STR_INIT("{\"role\":\"account\"} x"),
};

START_TEST(reads_nothing_else)
{
	struct prove_answer q;

	ck_assert(!prove_answer_parse(arena, no_answers[_i], &q, &err));
	ck_assert_int_eq(err.code, ERR_EVIDENCE_MALFORMED);
}
END_TEST

START_TEST(reads_no_more_than_the_limit)
{
	struct buf b = { 0 };
	struct prove_answer q;

	for (size_t i = 0; i <= LIMIT_ANSWER_BYTES; i++)
		buf_byte(&b, ' ');
	ck_assert(!prove_answer_parse(arena, buf_str(&b), &q, &err));
	ck_assert_int_eq(err.code, ERR_EVIDENCE_TOO_LARGE);
	buf_free(&b);
}
END_TEST

/* ---- as they are signed ---- */

/* The bytes are a contract with provers that others write: their digest was
 * computed by another program from the same fields. */
START_TEST(the_message_is_as_told)
{
	struct prove_answer r = asked(PROVE_ACCOUNT);
	struct buf b = { 0 };
	uint8_t digest[32];
	char hex[65];
	struct str part;

	r.method = PROVE_ED25519;
	r.nonce = STR("0123456789abcdef");
	r.jkt = STR("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	r.relay = STR("boss");
	ck_assert(prove_message(
	    &r, STR("https://sts.example/"), STR("exported"), &b));
	part = buf_str(&b);
	ck_assert_uint_eq(part.n, 247);
	ck_assert(digest_sha256(&part, 1, digest));
	digest_hex(digest, sizeof digest, hex);
	ck_assert_str_eq(hex,
	    "26ee33d1d5235d0f6274ee7ac4b998ea7f5fdff87f91196b862d7d71ad416b1e");
	buf_free(&b);
}
END_TEST

/* No two lists of fields are one message. */
START_TEST(fields_do_not_run_together)
{
	struct prove_answer one = asked(PROVE_ACCOUNT), two = one;
	struct buf a = { 0 }, b = { 0 };

	one.account = STR("ab");
	one.audience = STR("c");
	two.account = STR("a");
	two.audience = STR("bc");
	ck_assert(prove_message(&one, STR("s"), STR(""), &a));
	ck_assert(prove_message(&two, STR("s"), STR(""), &b));
	ck_assert(!str_eq(buf_str(&a), buf_str(&b)));
	buf_free(&a);
	buf_free(&b);
}
END_TEST

/* ---- judged ---- */

/* What the verifier knows, and the answer it judges. */
struct case_of {
	struct prove_answer r;
	struct str service, channel;
	struct prove_check_key key;
	uint8_t mac[SECRET_BYTES];
};

static struct case_of *
right_case(bool has_secret)
{
	struct case_of *c = ARENA_NEW(arena, struct case_of);
	struct buf spki = { 0 };

	c->r = make(PROVE_ACCOUNT, has_secret);
	c->service = STR("https://sts.example/");
	c->key.method = c->r.method;
	ck_assert(prove_key_spki(key, &spki, &err));
	c->key.spki = str_dup(arena, buf_str(&spki));
	buf_free(&spki);
	ck_assert(prove_check_mac_key((struct str){ secret, sizeof secret - 1 },
	    c->r.account, c->mac, &err));
	c->key.mac_key = (struct str){ (const char *)c->mac, sizeof c->mac };
	return c;
}

static enum prove_verdict
judge(const struct case_of *c)
{
	struct buf b = { 0 };
	enum prove_verdict v = PROVE_RIGHT;

	ck_assert(prove_message(&c->r, c->service, c->channel, &b));
	ck_assert_msg(
	    prove_check(&c->r, buf_str(&b), &c->key, &v, &err), "%s", err.msg);
	buf_free(&b);
	return v;
}

static const enum attest_key_type key_types[] = { KEY_P256, KEY_ED25519,
	KEY_RSA2048 };

START_TEST(a_right_proof_is_right)
{
	attest_key_free(key);
	key = new_key("typed", key_types[_i % 3]);
	ck_assert_int_eq(judge(right_case(_i >= 3)), PROVE_RIGHT);
}
END_TEST

static void
flip(struct str *s)
{
	char *copy = arena_alloc(arena, s->n + 1);

	memcpy(copy, s->p, s->n);
	copy[s->n / 2] ^= 1;
	s->p = copy;
}

/* Everything that is signed, altered in the answer or in what the verifier
 * knows. */
static void
alter(struct case_of *c, int field)
{
	static char other[PROVE_CHALLENGE_BYTES];

	switch (field) {
	case 0:
		c->r.role = PROVE_INSTANCE; /* reflected */
		break;
	case 1:
		c->service = STR("https://evil.example/");
		break;
	case 2:
		c->r.account = STR("web-2");
		break;
	case 3:
		c->r.challenge = (struct str){ other, sizeof other };
		break;
	case 4:
		flip(&c->r.nonce);
		break;
	case 5:
		c->r.audience = STR("others");
		break;
	case 6:
		flip(&c->r.jkt);
		break;
	case 7:
		c->r.relay = STR("boss");
		break;
	case 8:
		c->channel = STR("exported");
		break;
	case 9:
		flip(&c->r.proof);
		break;
	case 10:
		c->r.method =
		    c->r.method == PROVE_HMAC ? PROVE_P256 : PROVE_HMAC;
		break;
	case 11:
		flip(c->key.method == PROVE_HMAC ? &c->key.mac_key
						 : &c->key.spki);
		break;
	case 12:
		c->r.proof.n--;
		break;
	default:
		if (c->r.method != PROVE_HMAC)
			c->r.proof = STR("");
		else if (field == 13)
			flip(&c->r.key);
		else if (field == 14)
			flip(&c->r.key_proof);
		else
			c->r.key_proof = STR("");
	}
}
#define ALTERATIONS 16

START_TEST(an_altered_proof_is_wrong)
{
	for (int field = 0; field < ALTERATIONS; field++) {
		struct case_of *c = right_case(_i);

		alter(c, field);
		ck_assert_msg(judge(c) == PROVE_WRONG, "field %d", field);
	}
}
END_TEST

/* A token would be bound to a key that the prover does not have. */
START_TEST(the_key_that_is_brought_must_be_had)
{
	struct case_of *c = right_case(true);
	struct attest_key *stolen = new_key("stolen", KEY_P256);
	struct buf spki = { 0 };

	ck_assert(prove_key_spki(stolen, &spki, &err));
	c->r.key = str_dup(arena, buf_str(&spki));
	ck_assert_int_eq(judge(c), PROVE_WRONG);
	c->r.jkt = str_dup(arena, prove_key_thumbprint(stolen));
	ck_assert_int_eq(judge(c), PROVE_WRONG);
	buf_free(&spki);
	attest_key_free(stolen);
}
END_TEST

START_TEST(a_decoy_is_a_key_as_large)
{
	static const struct {
		enum prove_method method;
		size_t proof;
		int bits;
	} decoys[] = { { PROVE_P256, 70, 256 }, { PROVE_ED25519, 64, 256 },
		{ PROVE_RSA, 256, 2048 }, { PROVE_RSA, 384, 3072 },
		{ PROVE_RSA, 512, 4096 }, { PROVE_RSA, 1, 2048 } };

	for (size_t i = 0; i < ARRAY_LEN(decoys); i++) {
		struct keys_public k;
		struct str spki;

		ck_assert(prove_check_decoy(
		    arena, decoys[i].method, decoys[i].proof, &spki, &err));
		ck_assert_msg(prove_check_read_key(spki, &k, &err),
		    "decoy %zu: %s", i, err.msg);
		ck_assert_int_eq(
		    prove_check_method(k.algorithm), decoys[i].method);
		ck_assert_int_eq(EVP_PKEY_get_bits(k.pkey), decoys[i].bits);
		keys_public_fini(&k);
	}
}
END_TEST

START_TEST(keys_have_one_form)
{
	struct keys_public k;
	struct buf spki = { 0 };

	ck_assert(prove_key_spki(key, &spki, &err));
	ck_assert(prove_check_read_key(buf_str(&spki), &k, &err));
	keys_public_fini(&k);
	for (size_t n = 0; n < spki.n; n++)
		ck_assert(!prove_check_read_key(
		    str_sub(buf_str(&spki), 0, n), &k, NULL));
	buf_byte(&spki, '\0');
	ck_assert(!prove_check_read_key(buf_str(&spki), &k, &err));
	ck_assert_int_eq(err.code, ERR_KEY_FORM);
	buf_free(&spki);
}
END_TEST

/* 0x04 before a point: both its numbers follow. 0x06 and 0x07 say the same and
 * the last bit of the second number once more; 0x02 and 0x03 that bit alone. */
START_TEST(a_point_has_one_form)
{
	struct keys_public k;
	struct buf spki = { 0 };
	struct str s;

	ck_assert(prove_key_spki(key, &spki, &err));
	s = buf_str(&spki);
	ck_assert_int_eq(s.p[26], 4);
	spki.p[26] = (char)(6 | (s.p[s.n - 1] & 1));
	ck_assert(!prove_check_read_key(s, &k, &err));
	ck_assert_int_eq(err.code, ERR_KEY_FORM);
	spki.p[26] = (char)(2 | (s.p[s.n - 1] & 1));
	spki.p[25 - 1] = 0x22; /* the length of the bit string, then of all */
	spki.p[1] = 0x39;
	ck_assert(!prove_check_read_key(str_sub(s, 0, 27 + 32), &k, NULL));
	buf_free(&spki);
}
END_TEST

/* Whatever is read, OpenSSL writes as the same bytes: no key has two texts, and
 * a point off the curve is none. */
START_TEST(a_key_is_read_as_it_is_written)
{
	struct keys_public k;
	struct buf spki = { 0 }, again = { 0 };
	size_t points = 0;

	ck_assert(prove_key_spki(key, &spki, &err));
	for (size_t bit = 0; bit < 8 * spki.n; bit++) {
		spki.p[bit / 8] ^= (char)(1 << bit % 8);
		if (prove_check_read_key(buf_str(&spki), &k, NULL)) {
			ck_assert(prove_check_write_key(&k, &again, NULL));
			ck_assert(str_eq(buf_str(&again), buf_str(&spki)));
			ck_assert_msg(!str_eq(keys_thumbprint(&k),
					  str_of(key->public.thumbprint)),
			    "bit %zu", bit);
			keys_public_fini(&k);
			points++;
		}
		buf_free(&again);
		spki.p[bit / 8] ^= (char)(1 << bit % 8);
	}
	/* Of one coordinate alone only its negative is on the curve. */
	if (key->public.algorithm == KEYS_P256)
		ck_assert_uint_eq(points, 0);
	ck_assert(prove_check_read_key(buf_str(&spki), &k, NULL));
	ck_assert(str_eq(keys_thumbprint(&k), str_of(key->public.thumbprint)));
	keys_public_fini(&k);
	buf_free(&spki);
}
END_TEST

/* ---- made ---- */

START_TEST(makes_nothing_without_what_it_needs)
{
	struct prove_answer r;
	struct prove_with w;

	r = asked(PROVE_ACCOUNT);
	w = with(false);
	w.key = NULL;
	ck_assert(!prove_answer_make(arena, &w, &r, &err));
	ck_assert_int_eq(err.code, ERR_KEY_FORM);
	w = with(false);
	w.secret = STR("short");
	ck_assert(!prove_answer_make(arena, &w, &r, NULL));
	w = with(false);
	w.service = STR("");
	ck_assert(!prove_answer_make(arena, &w, &r, NULL));
	w = with(false);
	r = asked(PROVE_ENROL);
	ck_assert(!prove_answer_make(arena, &w, &r, NULL));
	r = asked(PROVE_ROLE_NONE);
	ck_assert(!prove_answer_make(arena, &w, &r, NULL));
	r = asked(PROVE_ACCOUNT);
	r.challenge.n--;
	ck_assert(!prove_answer_make(arena, &w, &r, NULL));
}
END_TEST

START_TEST(takes_one_public_key_of_a_file)
{
	static const char two[] = "%.*s%.*s";
	struct buf pem = { 0 }, spki = { 0 }, own = { 0 };
	const char *path = str_printf(arena, "%s/k", test_folder()).p;

	ck_assert(attest_key_create(KEY_ED25519, path, &err));
	ck_assert(attest_key_public_pem(path, &pem, &err));
	ck_assert(prove_spki_of_pem("k", buf_str(&pem), &own, &err));
	ck_assert_uint_eq(own.n, 44);
	ck_assert(!prove_spki_of_pem("k",
	    str_printf(arena, two, (int)pem.n, pem.p, (int)pem.n, pem.p), &spki,
	    &err));
	ck_assert_int_eq(err.code, ERR_KEY_FORM);
	ck_assert(!prove_spki_of_pem("k", STR("no PEM"), &spki, NULL));
	ck_assert_uint_eq(spki.n, 0);
	ck_assert_int_eq(remove(path), 0);
	buf_free(&pem);
	buf_free(&spki);
	buf_free(&own);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("prove");
	TCase *tc = tcase_create("prove");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, reads_what_it_writes, 0, 2);
	tcase_add_loop_test(tc, reads_strictly, 0, ARRAY_LEN(changed));
	tcase_add_loop_test(tc, reads_nothing_else, 0, ARRAY_LEN(no_answers));
	tcase_add_test(tc, reads_no_more_than_the_limit);
	tcase_add_test(tc, the_message_is_as_told);
	tcase_add_test(tc, fields_do_not_run_together);
	tcase_add_loop_test(tc, a_right_proof_is_right, 0, 6);
	tcase_add_loop_test(tc, an_altered_proof_is_wrong, 0, 2);
	tcase_add_test(tc, the_key_that_is_brought_must_be_had);
	tcase_add_test(tc, a_decoy_is_a_key_as_large);
	tcase_add_test(tc, keys_have_one_form);
	tcase_add_test(tc, a_point_has_one_form);
	tcase_add_test(tc, a_key_is_read_as_it_is_written);
	tcase_add_test(tc, makes_nothing_without_what_it_needs);
	tcase_add_test(tc, takes_one_public_key_of_a_file);
	tcase_set_timeout(tc, 30);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
