/* Challenges: known again, for those they were made for, while they live. */
#include "attest/challenge.h"

#include "base/limits.h"
#include "tests/lib/kit.h"
#include "tests/lib/run.h"

#define NOON_MS (KIT_NOON * INT64_C(1000))

static const struct prove_random real;
static uint8_t key[SECRET_BYTES];
static struct error err;
static struct buf made;
static const struct challenge_for whom = { PROVE_ACCOUNT, PROVE_P256,
	STR_INIT("web-1"), STR_INIT("updates") };

static void
setup(void)
{
	err = (struct error){ 0 };
	made = (struct buf){ 0 };
	ck_assert(secret_random(&real, key, sizeof key, &err));
	ck_assert(challenge_make(key, &real, &whom, NOON_MS, &made, &err));
	ck_assert_uint_eq(made.n, PROVE_CHALLENGE_BYTES);
}

static void
teardown(void)
{
	buf_free(&made);
}

START_TEST(is_known_again)
{
	struct challenge c;
	struct buf other = { 0 };
	struct challenge d;

	ck_assert(challenge_open(key, &whom, buf_str(&made), &c, &err));
	ck_assert_int_eq(c.expires_at_ms, NOON_MS + 60000);
	ck_assert(challenge_make(key, &real, &whom, NOON_MS, &other, &err));
	ck_assert(challenge_open(key, &whom, buf_str(&other), &d, &err));
	ck_assert_mem_ne(c.id, d.id, sizeof c.id);
	buf_free(&other);
}
END_TEST

static const struct challenge_for strangers[] = {
	{ PROVE_ENROL, PROVE_P256, STR_INIT("web-1"), STR_INIT("updates") },
	{ PROVE_CLIENT, PROVE_P256, STR_INIT("web-1"), STR_INIT("updates") },
	{ PROVE_ACCOUNT, PROVE_HMAC, STR_INIT("web-1"), STR_INIT("updates") },
	{ PROVE_ACCOUNT, PROVE_P256, STR_INIT("web-2"), STR_INIT("updates") },
	{ PROVE_ACCOUNT, PROVE_P256, STR_INIT("web-1"), STR_INIT("other") },
	{ PROVE_ACCOUNT, PROVE_P256, STR_INIT("web-1u"), STR_INIT("pdates") },
};

START_TEST(is_for_nobody_else)
{
	struct challenge c;

	ck_assert(
	    !challenge_open(key, &strangers[_i], buf_str(&made), &c, &err));
	ck_assert_int_eq(err.code, ERR_EVIDENCE_PROOF);
}
END_TEST

START_TEST(no_bit_may_differ)
{
	struct challenge c;
	uint8_t other[SECRET_BYTES];

	for (size_t bit = 0; bit < made.n * 8; bit++) {
		made.p[bit / 8] = (char)(made.p[bit / 8] ^ 1 << bit % 8);
		ck_assert_msg(
		    !challenge_open(key, &whom, buf_str(&made), &c, NULL),
		    "bit %zu", bit);
		made.p[bit / 8] = (char)(made.p[bit / 8] ^ 1 << bit % 8);
	}
	for (size_t n = 0; n < made.n; n++)
		ck_assert(!challenge_open(
		    key, &whom, str_sub(buf_str(&made), 0, n), &c, NULL));
	memcpy(other, key, sizeof key);
	other[31] ^= 1;
	ck_assert(!challenge_open(other, &whom, buf_str(&made), &c, NULL));
	ck_assert(challenge_open(key, &whom, buf_str(&made), &c, NULL));
}
END_TEST

static const struct {
	int64_t after_ms;
	bool alive;
} ages[] = {
	{ 0, true },
	{ 59999, true },
	{ 60000, false },
	{ 600000, false },
	{ INT64_C(1) << 40, false },
	{ -60000, true },  /* a clock behind ours, within the skew */
	{ -60001, false }, /* beyond it */
	{ -NOON_MS, false },
};

START_TEST(lives_a_minute)
{
	struct challenge c;

	ck_assert(challenge_open(key, &whom, buf_str(&made), &c, &err));
	ck_assert_int_eq(
	    challenge_check_time(&c, NOON_MS + ages[_i].after_ms, &err),
	    ages[_i].alive);
	ck_assert_int_eq(
	    err.code, ages[_i].alive ? ERR_NONE : ERR_EVIDENCE_EXPIRED);
}
END_TEST

static const struct challenge_for unfit[] = {
	{ PROVE_ROLE_NONE, PROVE_P256, STR_INIT("a"), STR_INIT("x") },
	{ PROVE_ACCOUNT, PROVE_METHOD_NONE, STR_INIT("a"), STR_INIT("x") },
	{ PROVE_ACCOUNT, PROVE_P256, STR_INIT(""), STR_INIT("x") },
	{ PROVE_ACCOUNT, PROVE_P256, STR_INIT("a/b"), STR_INIT("x") },
	{ PROVE_ACCOUNT, PROVE_P256, STR_INIT("a\0b"), STR_INIT("x") },
	{ PROVE_ACCOUNT, PROVE_P256, STR_INIT("a"), STR_INIT("") },
	{ PROVE_ACCOUNT, PROVE_P256, STR_INIT("a"), STR_INIT("x y") },
	{ PROVE_ACCOUNT, PROVE_P256, STR_INIT("a"), STR_INIT("x\n") },
};

START_TEST(some_are_not_asked)
{
	ck_assert(challenge_check_whom(&whom, &err));
	ck_assert(!challenge_check_whom(&unfit[_i], &err));
	ck_assert_int_eq(err.code, ERR_REQUEST_MALFORMED);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("challenge");
	TCase *tc = tcase_create("challenge");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, is_known_again);
	tcase_add_loop_test(tc, is_for_nobody_else, 0, ARRAY_LEN(strangers));
	tcase_add_test(tc, no_bit_may_differ);
	tcase_add_loop_test(tc, lives_a_minute, 0, ARRAY_LEN(ages));
	tcase_add_loop_test(tc, some_are_not_asked, 0, ARRAY_LEN(unfit));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
