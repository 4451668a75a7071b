/* Tokens by a combined manager, tokens made from others, and the broker (S6,
 * S8, S9). */
#include "attest/sts.h"

#include "base/limits.h"
#include "store/store_private.h"
#include "tests/lib/run.h"
#include "tests/lib/service.h"

static struct service s;
static struct error err;
static struct attest_key *key;

static void
setup(void)
{
	err = (struct error){ 0 };
	service_init(&s, NULL);
	key = service_key(&s, KEY_P256);
}

static void
teardown(void)
{
	attest_key_free(key);
	service_fini(&s);
}

/* ---- the combined manager ---- */

static struct sts_provision
provisioning(const char *id, const struct attest_key *k)
{
	return (struct sts_provision){ .account = { .id = str_of(id),
					   .kind = STS_INSTANCE },
		.spki = service_spki(&s, k),
		.audience = STR("updates") };
}

static enum err_code
provision(const struct sts_actor *actor, const struct sts_provision *what,
    struct sts_grant *ret)
{
	const struct sts_token_options o = { .ring = s.ring };
	struct sts_account account = { 0 };
	struct error e = { 0 };
	bool ok = sts_provision(s.sts, s.a, actor, what, &o, &account, ret, &e);

	ck_assert_int_eq(ok, e.code == ERR_NONE);
	ck_assert(!ok || account.incarnation == ret->actor.incarnation);
	return e.code;
}

START_TEST(account_key_and_token_at_once)
{
	const struct sts_provision what = provisioning("web-1", key);
	const struct service_ask ask = { .account = "web-1", .key = key };
	struct sts_grant g;
	struct token t;

	ck_assert_int_eq(provision(&s.boss, &what, &g), ERR_NONE);
	t = service_verify(&s, g.token, "updates");
	ck_str_is(t.subject, "web-1");
	/* The instance's, not its maker's. */
	ck_assert(str_eq(t.jkt, prove_key_thumbprint(key)));
	ck_assert_int_eq(service_prove(&s, &ask, NULL), ERR_NONE);
	/* Once: the account is there now. */
	ck_assert_int_eq(provision(&s.boss, &what, &g), ERR_ACCOUNT_EXISTS);
}
END_TEST

START_TEST(a_repeated_provisioning_gives_another_token)
{
	struct sts_provision what = provisioning("web-1", key);
	struct attest_key *other = service_key(&s, KEY_ED25519);
	struct sts_grant g, h;

	what.account.idempotency_key = STR("k");
	ck_assert_int_eq(provision(&s.boss, &what, &g), ERR_NONE);
	ck_assert_int_eq(provision(&s.boss, &what, &h), ERR_NONE);
	ck_assert(!str_eq(g.jti, h.jti));
	ck_assert_int_eq(g.actor.incarnation, h.actor.incarnation);
	/* For the same key and audience alone, and until it is moved. */
	what.audience = STR("others");
	ck_assert_int_eq(
	    provision(&s.boss, &what, &h), ERR_REQUEST_IDEMPOTENCY);
	what = provisioning("web-1", other);
	what.account.idempotency_key = STR("k");
	ck_assert_int_eq(
	    provision(&s.boss, &what, &h), ERR_REQUEST_IDEMPOTENCY);
	(void)service_opened(&s, "web-1", STS_OPEN_KEY, other);
	what = provisioning("web-1", key);
	what.account.idempotency_key = STR("k");
	ck_assert_int_eq(provision(&s.boss, &what, &h), ERR_EVIDENCE_REVOKED);
	attest_key_free(other);
}
END_TEST

START_TEST(only_who_may_issue_provisions)
{
	const struct sts_new_account two = {
		.id = STR("two"), .kind = STS_CONTROLLER, .prefix = STR("db-")
	};
	struct sts_next next = { .how = STS_OPEN_KEY,
		.spki = service_spki(&s, key) };
	struct attest_key *k = service_key(&s, KEY_ED25519);
	struct sts_provision what = provisioning("db-1", k);
	struct sts_account r;
	struct sts_opened opened;
	struct sts_actor actor;
	struct sts_grant g;
	bool created;

	ck_assert(
	    sts_account_create(s.sts, s.a, &s.admin, &two, &r, &created, &err));
	ck_assert(
	    sts_open_next(s.sts, s.a, &s.admin, two.id, &next, &opened, &err));
	actor = service_actor("two", opened.account.incarnation);
	ck_assert_int_eq(provision(&actor, &what, &g), ERR_ACCOUNT_AUTHORITY);
	ck_assert_int_eq(provision(&s.admin, &what, &g), ERR_ACCOUNT_AUTHORITY);
	ck_assert_int_eq(provision(&s.boss, &what, &g), ERR_ACCOUNT_AUTHORITY);
	/* A key that another has. */
	what = provisioning("web-1", key);
	ck_assert_int_eq(provision(&s.boss, &what, &g), ERR_ACCOUNT_KEY);
	what.spki = STR("");
	ck_assert_int_eq(provision(&s.boss, &what, &g), ERR_KEY_FORM);
	/* And of all that nothing was made. */
	ck_assert(
	    !sts_account_get(s.sts, s.a, &s.admin, STR("web-1"), &r, NULL));
	attest_key_free(k);
}
END_TEST

/* ---- tokens made from others ---- */

START_TEST(an_exchanged_token_ends_too)
{
	const struct service_ask ask = { .account = "web-1", .key = key };
	struct sts_grant g;
	struct token t;

	service_instance(&s, "web-1", key);
	ck_assert_int_eq(service_prove(&s, &ask, &g), ERR_NONE);
	t = service_verify(&s, g.token, "updates");
	t.id = STR("00112233445566778899aabbccddeeff");
	ck_assert(sts_token_note(s.sts, &t, STR("another text"), &err));
	/* Noted twice is an error: one jti, one token. */
	ck_assert(!sts_token_note(s.sts, &t, STR("a third"), &err));
	ck_assert_int_eq(err.code, ERR_SYSTEM_STORE);
	(void)service_opened(&s, "web-1", STS_OPEN_SECRET, NULL);
	ck_assert(service_is_revoked(&s, "token", g.jti));
	ck_assert(service_is_revoked(&s, "token", t.id));
	/* Of a former incarnation none is made any more. */
	t.id = STR("ff112233445566778899aabbccddeeff");
	err.code = ERR_NONE;
	ck_assert(!sts_token_note(s.sts, &t, STR("a fourth"), &err));
	ck_assert_int_eq(err.code, ERR_EVIDENCE_REVOKED);
}
END_TEST

/* ---- the broker ---- */

static struct attest_key *reader_key;
static struct sts_actor reader, instance;

/* An instance with a token for `web-reader`, and who reads there. */
static struct sts_grant
offered(bool at_issue)
{
	const struct service_ask ask = {
		.account = "web-1", .audience = "web-reader", .key = key
	};
	const struct sts_caller caller = { .source = s.source };
	const struct sts_token_options o = { .ring = s.ring,
		.offer = at_issue };
	struct prove_answer r;
	struct sts_grant g;

	reader_key = service_key(&s, KEY_ED25519);
	instance = service_instance(&s, "web-1", key);
	reader = service_instance(&s, "web-reader", reader_key);
	attest_key_free(reader_key);
	r = service_answered(&s, &ask);
	ck_assert_msg(
	    sts_token(s.sts, s.a, &r, &caller, &o, &g, &err), "%s", err.msg);
	return g;
}

static enum err_code
pick(const struct sts_actor *actor, const char *account, struct str *ret)
{
	struct error e = { 0 };
	int64_t until = 0;
	bool ok = sts_pick(s.sts, s.a, actor, str_of(account), ret, &until, &e);

	ck_assert_int_eq(ok, e.code == ERR_NONE);
	ck_assert(!ok || until > s.now_ms / 1000);
	return e.code;
}

START_TEST(an_offer_is_picked_up_by_its_audience)
{
	struct sts_grant g = offered(_i);
	struct str token;

	if (!_i) {
		ck_assert_int_eq(
		    pick(&reader, "web-1", &token), ERR_ACCOUNT_UNKNOWN);
		ck_assert(sts_offer(s.sts, &instance, g.token, &err));
	}
	ck_assert_int_eq(pick(&reader, "web-1", &token), ERR_NONE);
	ck_assert(str_eq(token, g.token));
	ck_assert_int_eq(pick(&reader, "web-1", &token), ERR_NONE);
	/* By nobody else, though it is no bearer. */
	ck_assert_int_eq(pick(&instance, "web-1", &token), ERR_ACCOUNT_UNKNOWN);
	ck_assert_int_eq(pick(&s.boss, "web-1", &token), ERR_ACCOUNT_UNKNOWN);
	ck_assert_int_eq(pick(&s.admin, "web-1", &token), ERR_ACCOUNT_UNKNOWN);
	ck_assert_int_eq(pick(&reader, "web-2", &token), ERR_ACCOUNT_UNKNOWN);
	reader.incarnation++;
	ck_assert_int_eq(pick(&reader, "web-1", &token), ERR_EVIDENCE_REVOKED);
}
END_TEST

START_TEST(several_read_for_one_audience)
{
	const struct sts_new_account what = { .id = STR("web-r2"),
		.kind = STS_INSTANCE,
		.audience = STR("web-reader") };
	struct attest_key *k = service_key(&s, KEY_ED25519);
	struct sts_account r;
	struct sts_actor second;
	struct str token;
	bool created;

	(void)offered(true);
	ck_assert(
	    sts_account_create(s.sts, s.a, &s.boss, &what, &r, &created, &err));
	second = service_actor("web-r2",
	    service_opened(&s, "web-r2", STS_OPEN_KEY, k).account.incarnation);
	ck_assert_int_eq(pick(&second, "web-1", &token), ERR_NONE);
	attest_key_free(k);
}
END_TEST

START_TEST(an_offer_ends)
{
	struct sts_grant g = offered(true);
	struct str token;
	struct sts_account r;

	switch (_i) {
	case 0:
		s.now_ms += TOKEN_LIFETIME_S * 1000;
		break;
	case 1:
		ck_assert(sts_account_enable(
		    s.sts, s.a, &s.boss, STR("web-1"), false, 0, &r, &err));
		break;
	case 2:
		(void)service_opened(&s, "web-1", STS_OPEN_SECRET, NULL);
		break;
	case 3:
		ck_assert(
		    sts_account_delete(s.sts, &s.boss, STR("web-1"), 0, &err));
		break;
	case 4:
		ck_assert(sts_withdraw(
		    s.sts, &instance, STR("web-1"), STR("web-reader"), &err));
		break;
	case 5:
		ck_assert(
		    sts_withdraw(s.sts, &s.boss, STR("web-1"), STR(""), &err));
		break;
	default: {
		/* Revoked by hand. */
		static const char insert[] =
		    "INSERT INTO revocation (kind, id, until, made_at,"
		    " reason) VALUES ('token', $1, $2, 0, '')";
		const struct sql_value params[] = { sql_text(g.jti),
			sql_number(g.expires_at) };

		ck_assert(store_read(s.store, insert, params, ARRAY_LEN(params),
		    NULL, NULL, &err));
	}
	}
	ck_assert_int_eq(pick(&reader, "web-1", &token), ERR_ACCOUNT_UNKNOWN);
}
END_TEST

START_TEST(nobody_offers_what_is_not_its_own)
{
	struct sts_grant g = offered(false);
	struct sts_actor stale = instance;
	struct error e[6] = { 0 };

	stale.incarnation++;
	ck_assert(!sts_offer(s.sts, &reader, g.token, &e[0]));
	ck_assert_int_eq(e[0].code, ERR_EVIDENCE_KEY);
	ck_assert(!sts_offer(s.sts, &s.admin, g.token, &e[1]));
	ck_assert_int_eq(e[1].code, ERR_EVIDENCE_KEY);
	ck_assert(!sts_offer(s.sts, &stale, g.token, &e[2]));
	ck_assert_int_eq(e[2].code, ERR_EVIDENCE_REVOKED);
	ck_assert(!sts_offer(s.sts, &instance, STR("a.b.c"), &e[3]));
	ck_assert_int_eq(e[3].code, ERR_EVIDENCE_KEY);
	ck_assert(!sts_withdraw(s.sts, &reader, STR("web-1"), STR(""), &e[4]));
	ck_assert_int_eq(e[4].code, ERR_ACCOUNT_UNKNOWN);
	s.now_ms += TOKEN_LIFETIME_S * 1000;
	ck_assert(!sts_offer(s.sts, &instance, g.token, &e[5]));
	ck_assert_int_eq(e[5].code, ERR_EVIDENCE_EXPIRED);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("sts_issue");
	TCase *tc = tcase_create("issue");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, account_key_and_token_at_once);
	tcase_add_test(tc, a_repeated_provisioning_gives_another_token);
	tcase_add_test(tc, only_who_may_issue_provisions);
	tcase_add_test(tc, an_exchanged_token_ends_too);
	tcase_add_loop_test(tc, an_offer_is_picked_up_by_its_audience, 0, 2);
	tcase_add_test(tc, several_read_for_one_audience);
	tcase_add_loop_test(tc, an_offer_ends, 0, 7);
	tcase_add_test(tc, nobody_offers_what_is_not_its_own);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
