/* The first key and each move to the next: by a secret that enrols once, by a
 * public key, by a secret that stays (S2, S8). */
#include "attest/sts.h"

#include <stdio.h>

#include "attest/prove_check.h"
#include "base/file.h"
#include "base/limits.h"
#include "tests/lib/run.h"
#include "tests/lib/service.h"

static struct service s;
static struct error err;
static struct attest_key *key, *other;

static void
setup(void)
{
	err = (struct error){ 0 };
	service_init(&s, NULL);
	key = service_key(&s, KEY_P256);
	other = service_key(&s, KEY_ED25519);
	service_bare(&s, "web-1");
}

static void
teardown(void)
{
	attest_key_free(key);
	attest_key_free(other);
	service_fini(&s);
}

static struct service_ask
enrolling(const struct sts_opened *opened)
{
	return (struct service_ask){ .role = PROVE_ENROL,
		.account = "web-1",
		.key = key,
		.secret = opened->secret };
}

/* ---- a secret that enrols ---- */

START_TEST(a_secret_registers_a_key_once)
{
	struct sts_opened opened =
	    service_opened(&s, "web-1", STS_OPEN_SECRET, NULL);
	struct service_ask ask = enrolling(&opened),
			   own = { .account = "web-1", .key = key };
	struct sts_grant g;
	struct sts_account r;

	ck_assert(opened.has_secret);
	ck_assert_int_eq(opened.account.incarnation, 0);
	/* The key alone is nobody's yet. */
	ck_assert_int_eq(service_prove(&s, &own, NULL), ERR_EVIDENCE_PROOF);
	ck_assert_int_eq(service_prove(&s, &ask, &g), ERR_NONE);
	r = service_read(&s, "web-1");
	ck_assert_int_eq(r.method, PROVE_P256);
	ck_assert(str_eq(r.jkt, prove_key_thumbprint(key)));
	ck_assert_int_eq(r.incarnation, g.actor.incarnation);
	ck_assert_int_eq(r.secret_until, 0);
	ck_assert_int_eq(r.version, opened.account.version + 1);
	ck_assert(str_eq(service_verify(&s, g.token, "updates").jkt, r.jkt));
	/* From now on the key proves, and the secret is worth nothing. */
	ck_assert_int_eq(service_prove(&s, &own, NULL), ERR_NONE);
	ck_assert_int_eq(service_prove(&s, &ask, NULL), ERR_EVIDENCE_PROOF);
	ask.key = other;
	ck_assert_int_eq(service_prove(&s, &ask, NULL), ERR_EVIDENCE_PROOF);
	ck_assert_uint_eq(sts_counts(s.sts).enrolments, 1);
}
END_TEST

static const struct {
	const char *note;
	int64_t lifetime_s, after_s;
	enum err_code want;
} lives[] = {
	{ "a quarter of an hour", 0, LIMIT_ENROL_S - 1, ERR_NONE },
	{ "and no more", 0, LIMIT_ENROL_S, ERR_EVIDENCE_PROOF },
	{ "less", 60, 60, ERR_EVIDENCE_PROOF },
	{ "a day", LIMIT_ENROL_MOST_S, LIMIT_ENROL_MOST_S - 1, ERR_NONE },
	{ "and no more", LIMIT_ENROL_MOST_S, LIMIT_ENROL_MOST_S,
	    ERR_EVIDENCE_PROOF },
};

START_TEST(a_secret_lives_so_long)
{
	const struct sts_next next = { .how = STS_OPEN_SECRET,
		.lifetime_s = lives[_i].lifetime_s };
	struct sts_opened opened;
	struct service_ask ask;

	ck_assert(sts_open_next(
	    s.sts, s.a, &s.boss, STR("web-1"), &next, &opened, &err));
	s.now_ms += lives[_i].after_s * 1000;
	ask = enrolling(&opened);
	ck_assert_msg(service_prove(&s, &ask, NULL) == lives[_i].want, "%s",
	    lives[_i].note);
}
END_TEST

START_TEST(no_secret_lives_longer)
{
	struct sts_next next = { .how = STS_OPEN_SECRET,
		.lifetime_s = LIMIT_ENROL_MOST_S + 1 };
	struct sts_opened opened = { 0 };

	ck_assert(!sts_open_next(
	    s.sts, s.a, &s.boss, STR("web-1"), &next, &opened, &err));
	ck_assert_int_eq(err.code, ERR_USAGE);
	next.lifetime_s = -1;
	ck_assert(!sts_open_next(
	    s.sts, s.a, &s.boss, STR("web-1"), &next, &opened, NULL));
	next = (struct sts_next){ 0 };
	ck_assert(!sts_open_next(
	    s.sts, s.a, &s.boss, STR("web-1"), &next, &opened, NULL));
	ck_assert(!opened.has_secret);
}
END_TEST

START_TEST(a_new_secret_voids_the_former)
{
	struct sts_opened first = service_opened(
			      &s, "web-1", STS_OPEN_SECRET, NULL),
			  second = service_opened(
			      &s, "web-1", STS_OPEN_SECRET, NULL);
	struct service_ask ask = enrolling(&first);

	ck_assert_int_eq(service_prove(&s, &ask, NULL), ERR_EVIDENCE_PROOF);
	ask = enrolling(&second);
	ck_assert_int_eq(service_prove(&s, &ask, NULL), ERR_NONE);
}
END_TEST

/* A secret of one account, and one that only enrols. */
START_TEST(a_secret_is_for_one_thing)
{
	struct sts_opened opened =
	    service_opened(&s, "web-1", STS_OPEN_SECRET, NULL);
	struct service_ask ask = enrolling(&opened);

	service_bare(&s, "web-2");
	(void)service_opened(&s, "web-2", STS_OPEN_SECRET, NULL);
	ask.account = "web-2";
	ck_assert_int_eq(service_prove(&s, &ask, NULL), ERR_EVIDENCE_PROOF);
	ask.account = "web-1";
	ask.role = PROVE_ACCOUNT;
	ck_assert_int_eq(service_prove(&s, &ask, NULL), ERR_EVIDENCE_PROOF);
}
END_TEST

START_TEST(an_hmac_secret_does_not_enrol)
{
	struct sts_opened opened =
	    service_opened(&s, "web-1", STS_OPEN_HMAC, NULL);
	struct service_ask ask = enrolling(&opened);

	ck_assert_int_eq(service_prove(&s, &ask, NULL), ERR_EVIDENCE_PROOF);
	ask.role = PROVE_ACCOUNT;
	ck_assert_int_eq(service_prove(&s, &ask, NULL), ERR_NONE);
}
END_TEST

START_TEST(a_disabled_account_enrols_nothing)
{
	struct sts_opened opened =
	    service_opened(&s, "web-1", STS_OPEN_SECRET, NULL);
	struct service_ask ask = enrolling(&opened);
	struct sts_account r;

	ck_assert(sts_account_enable(
	    s.sts, s.a, &s.boss, STR("web-1"), false, 0, &r, &err));
	ck_assert_int_eq(service_prove(&s, &ask, NULL), ERR_EVIDENCE_PROOF);
	ck_assert(sts_account_enable(
	    s.sts, s.a, &s.boss, STR("web-1"), true, 0, &r, &err));
	ck_assert_int_eq(service_prove(&s, &ask, NULL), ERR_NONE);
}
END_TEST

/* Whoever enrols must bring a key of its own: the secret stays for that. */
START_TEST(another_s_key_is_not_registered)
{
	struct sts_opened opened;
	struct service_ask ask;
	struct prove_answer r;

	service_bare(&s, "web-2");
	(void)service_opened(&s, "web-2", STS_OPEN_KEY, other);
	opened = service_opened(&s, "web-1", STS_OPEN_SECRET, NULL);
	ask = enrolling(&opened);
	ask.key = other;
	r = service_answered(&s, &ask);
	ck_assert_int_eq(service_send(&s, &r, NULL), ERR_ACCOUNT_KEY);
	ck_assert_int_eq(service_send(&s, &r, NULL), ERR_EVIDENCE_REPLAYED);
	ck_assert_int_eq(service_read(&s, "web-1").incarnation, 0);
	ask.key = key;
	ck_assert_int_eq(service_prove(&s, &ask, NULL), ERR_NONE);
}
END_TEST

/* ---- moves ---- */

START_TEST(a_live_key_is_replaced_by_a_move_alone)
{
	struct sts_next next = { .how = STS_OPEN_KEY };
	struct sts_opened opened, first;

	first = service_opened(&s, "web-1", STS_OPEN_KEY, key);
	next.spki = service_spki(&s, other);
	ck_assert(!sts_open_next(
	    s.sts, s.a, &s.boss, STR("web-1"), &next, &opened, &err));
	ck_assert_int_eq(err.code, ERR_ACCOUNT_LIVE);
	next.move = true;
	next.if_version = first.account.version + 1;
	err.code = ERR_NONE;
	ck_assert(!sts_open_next(
	    s.sts, s.a, &s.boss, STR("web-1"), &next, &opened, &err));
	ck_assert_int_eq(err.code, ERR_ACCOUNT_VERSION);
	next.if_version = first.account.version;
	ck_assert(sts_open_next(
	    s.sts, s.a, &s.boss, STR("web-1"), &next, &opened, NULL));
	ck_assert_int_gt(opened.account.incarnation, first.account.incarnation);
	ck_assert(!opened.has_secret);
}
END_TEST

/* From the moment of the move, also while nobody has enrolled yet. */
START_TEST(the_former_ends_with_the_move)
{
	struct service_ask own = { .account = "web-1", .key = key };
	struct sts_opened opened;
	struct sts_grant g;
	struct sts_actor former;
	struct sts_account r;

	(void)service_opened(&s, "web-1", STS_OPEN_KEY, key);
	ck_assert_int_eq(service_prove(&s, &own, &g), ERR_NONE);
	former = g.actor;
	opened = service_opened(&s, "web-1", STS_OPEN_SECRET, NULL);
	ck_assert(service_is_revoked(&s, "token", g.jti));
	ck_assert(service_is_revoked(&s, "key", prove_key_thumbprint(key)));
	ck_assert(
	    !sts_account_get(s.sts, s.a, &former, STR("web-1"), &r, &err));
	ck_assert_int_eq(err.code, ERR_EVIDENCE_REVOKED);
	ck_assert_int_eq(service_prove(&s, &own, NULL), ERR_EVIDENCE_PROOF);
	ck_assert_int_eq(s.alarm.kind, STS_ALARM_FORMER_KEY);
	own.key = other;
	own.role = PROVE_ENROL;
	own.secret = opened.secret;
	ck_assert_int_eq(service_prove(&s, &own, &g), ERR_NONE);
	ck_assert_int_gt(g.actor.incarnation, former.incarnation);
}
END_TEST

START_TEST(a_former_key_never_comes_back)
{
	struct sts_next next = { .how = STS_OPEN_KEY, .move = true };
	struct sts_opened opened;

	(void)service_opened(&s, "web-1", STS_OPEN_KEY, key);
	(void)service_opened(&s, "web-1", STS_OPEN_KEY, other);
	next.spki = service_spki(&s, key);
	ck_assert(!sts_open_next(
	    s.sts, s.a, &s.boss, STR("web-1"), &next, &opened, &err));
	ck_assert_int_eq(err.code, ERR_ACCOUNT_KEY);
	/* Nothing of the failed move is there. */
	ck_assert(
	    str_eq(service_read(&s, "web-1").jkt, prove_key_thumbprint(other)));
	next.spki = STR("no key");
	err.code = ERR_NONE;
	ck_assert(!sts_open_next(
	    s.sts, s.a, &s.boss, STR("web-1"), &next, &opened, &err));
	ck_assert_int_eq(err.code, ERR_KEY_FORM);
	ck_assert(
	    str_eq(service_read(&s, "web-1").jkt, prove_key_thumbprint(other)));
}
END_TEST

START_TEST(an_hmac_copy_is_told_too)
{
	struct sts_opened first =
	    service_opened(&s, "web-1", STS_OPEN_HMAC, NULL);
	struct sts_opened second =
	    service_opened(&s, "web-1", STS_OPEN_HMAC, NULL);
	struct service_ask ask = {
		.account = "web-1", .key = key, .secret = second.secret
	};

	ck_assert(!str_eq(first.account.jkt, second.account.jkt));
	ck_assert_int_eq(service_prove(&s, &ask, NULL), ERR_NONE);
	ask.secret = first.secret;
	ck_assert_int_eq(service_prove(&s, &ask, NULL), ERR_EVIDENCE_PROOF);
	ck_assert_int_eq(s.alarm.kind, STS_ALARM_FORMER_KEY);
	ck_assert_int_eq(s.alarm.incarnation, first.account.incarnation);
}
END_TEST

START_TEST(nobody_else_moves)
{
	const struct sts_next next = { .how = STS_OPEN_SECRET, .move = true };
	struct sts_opened opened;
	struct sts_actor self;
	struct error e[3] = { 0 };

	self = service_actor("web-1",
	    service_opened(&s, "web-1", STS_OPEN_KEY, key).account.incarnation);
	ck_assert(!sts_open_next(
	    s.sts, s.a, &self, STR("web-1"), &next, &opened, &e[0]));
	ck_assert_int_eq(e[0].code, ERR_ACCOUNT_UNKNOWN);
	ck_assert(!sts_open_next(
	    s.sts, s.a, &s.admin, STR("web-1"), &next, &opened, &e[1]));
	ck_assert_int_eq(e[1].code, ERR_ACCOUNT_AUTHORITY);
	ck_assert(!sts_open_next(
	    s.sts, s.a, &s.boss, STR("boss"), &next, &opened, &e[2]));
	ck_assert_int_eq(e[2].code, ERR_ACCOUNT_UNKNOWN);
	/* A controller is the administrator's to move. */
	ck_assert(sts_open_next(
	    s.sts, s.a, &s.admin, STR("boss"), &next, &opened, &err));
	ck_assert(!sts_open_next(
	    s.sts, s.a, &s.boss, STR("web-1"), &next, &opened, &err));
	ck_assert_int_eq(err.code, ERR_EVIDENCE_REVOKED);
}
END_TEST

/* ---- a restored database ---- */

START_TEST(after_a_restore_everybody_needs_a_key)
{
	struct sts_opened opened =
	    service_opened(&s, "web-1", STS_OPEN_KEY, key);
	struct sts_actor self =
	    service_actor("web-1", opened.account.incarnation);
	struct service_ask own = { .account = "web-1", .key = key };
	struct sts_next next = { .how = STS_OPEN_KEY };
	struct sts_account r;
	struct attest_key *fresh = service_key(&s, KEY_ED25519);
	int64_t generation, floor_at;

	ck_assert_msg(
	    store_accept_restore(s.store, 1000, &generation, &floor_at, &err),
	    "%s", err.msg);
	ck_assert_int_eq(service_prove(&s, &own, NULL), ERR_EVIDENCE_PROOF);
	ck_assert(!sts_account_get(s.sts, s.a, &self, STR("web-1"), &r, &err));
	ck_assert_int_eq(err.code, ERR_EVIDENCE_REVOKED);
	/* Also the controllers, who get theirs from the administrator. */
	err.code = ERR_NONE;
	next.spki = service_spki(&s, other);
	ck_assert(!sts_open_next(
	    s.sts, s.a, &s.boss, STR("web-1"), &next, &opened, &err));
	ck_assert_int_eq(err.code, ERR_EVIDENCE_REVOKED);
	ck_assert(sts_open_next(
	    s.sts, s.a, &s.admin, STR("boss"), &next, &opened, NULL));
	s.boss.incarnation = opened.account.incarnation;
	next.spki = service_spki(&s, fresh);
	ck_assert(sts_open_next(
	    s.sts, s.a, &s.boss, STR("web-1"), &next, &opened, NULL));
	own.key = fresh;
	ck_assert_int_eq(service_prove(&s, &own, NULL), ERR_NONE);
	attest_key_free(fresh);
}
END_TEST

/* ---- a copy of the database ---- */

static size_t
find_in(struct str file, struct str what)
{
	size_t n = 0;

	for (size_t i = 0; i + what.n <= file.n; i++)
		n += memcmp(file.p + i, what.p, what.n) == 0;
	return n;
}

static struct str
database(struct arena *a, const char *url)
{
	static const char *const ends[] = { "", "-wal" };
	struct buf all = { 0 };
	struct str copy;

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		const char *path =
		    str_printf(a, "%s%s", url + strlen("sqlite://"), ends[i]).p;
		struct str part;

		if (file_read(a, path, 16u << 20, &part, NULL))
			buf_add(&all, part);
	}
	copy = str_dup(a, buf_str(&all));
	buf_free(&all);
	return copy;
}

START_TEST(a_copy_of_the_database_opens_nothing)
{
	struct service f;
	struct sts_opened enrol, hmac;
	struct service_ask ask;
	struct sts_grant g;
	struct sts_opened *opened[] = { &enrol, &hmac };
	struct str file, jkt = prove_key_thumbprint(key);

	service_init(&f, service_file_url(&f));
	service_bare(&f, "web-1");
	service_bare(&f, "web-2");
	enrol = service_opened(&f, "web-1", STS_OPEN_SECRET, NULL);
	hmac = service_opened(&f, "web-2", STS_OPEN_HMAC, NULL);
	ask = (struct service_ask){
		.account = "web-2", .key = key, .secret = hmac.secret
	};
	ck_assert_int_eq(service_prove(&f, &ask, &g), ERR_NONE);
	ck_assert(sts_offer(f.sts, &g.actor, g.token, &err));
	file = database(f.a, f.url);
	/* What must be there is, so that looking for it can be believed. */
	ck_assert_uint_gt(find_in(file, STR("web-2")), 0);
	ck_assert_uint_gt(find_in(file, g.jti), 0);
	ck_assert_uint_eq(find_in(file, g.token), 0);
	ck_assert_uint_eq(find_in(file, jkt), 0);
	for (size_t i = 0; i < ARRAY_LEN(opened); i++) {
		uint8_t mac[PROVE_MAC_BYTES];
		const struct str secret = { (const char *)opened[i]->secret,
			PROVE_SECRET_BYTES };

		ck_assert(prove_check_mac_key(
		    secret, opened[i]->account.id, mac, &err));
		ck_assert_uint_eq(find_in(file, secret), 0);
		ck_assert_uint_eq(find_in(file, (struct str){ (const char *)mac,
						    sizeof mac }),
		    0);
	}
	service_fini(&f);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("sts_next");
	TCase *tc = tcase_create("next");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_secret_registers_a_key_once);
	tcase_add_loop_test(tc, a_secret_lives_so_long, 0, ARRAY_LEN(lives));
	tcase_add_test(tc, no_secret_lives_longer);
	tcase_add_test(tc, a_new_secret_voids_the_former);
	tcase_add_test(tc, a_secret_is_for_one_thing);
	tcase_add_test(tc, an_hmac_secret_does_not_enrol);
	tcase_add_test(tc, a_disabled_account_enrols_nothing);
	tcase_add_test(tc, another_s_key_is_not_registered);
	tcase_add_test(tc, a_live_key_is_replaced_by_a_move_alone);
	tcase_add_test(tc, the_former_ends_with_the_move);
	tcase_add_test(tc, a_former_key_never_comes_back);
	tcase_add_test(tc, an_hmac_copy_is_told_too);
	tcase_add_test(tc, nobody_else_moves);
	tcase_add_test(tc, after_a_restore_everybody_needs_a_key);
	tcase_add_test(tc, a_copy_of_the_database_opens_nothing);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
