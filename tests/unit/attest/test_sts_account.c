/* Accounts: who makes, sees, switches and deletes which (S1), on both
 * databases. */
#include "attest/sts.h"

#include "base/limits.h"
#include "tests/lib/pg.h"
#include "tests/lib/run.h"
#include "tests/lib/service.h"

static struct service s;
static struct error err;

static void
setup(void)
{
	err = (struct error){ 0 };
	service_init(&s, NULL);
}

static void
setup_postgres(void)
{
	err = (struct error){ 0 };
	pg_empty();
	service_init(&s, pg_url());
}

static void
teardown(void)
{
	service_fini(&s);
}

static enum err_code
create_by(const struct sts_actor *actor, const struct sts_new_account *what)
{
	struct sts_account account = { 0 };
	struct error e = { 0 };
	bool created;
	bool ok =
	    sts_account_create(s.sts, s.a, actor, what, &account, &created, &e);

	ck_assert_int_eq(ok, e.code == ERR_NONE);
	ck_assert(!ok || str_eq(account.id, what->id));
	return e.code;
}

static enum err_code
create(const struct sts_actor *actor, enum sts_kind kind, const char *id,
    const char *prefix)
{
	const struct sts_new_account what = {
		.id = str_of(id), .kind = kind, .prefix = str_of(prefix)
	};

	return create_by(actor, &what);
}

START_TEST(a_new_account_is_as_told)
{
	const struct sts_new_account what = { .id = STR("web-1"),
		.kind = STS_INSTANCE,
		.audience = STR("web-readers") };
	struct sts_account r;

	ck_assert_int_eq(create_by(&s.boss, &what), ERR_NONE);
	r = service_read(&s, "web-1");
	ck_assert_int_eq(r.kind, STS_INSTANCE);
	ck_str_is(r.owner, "boss");
	ck_str_is(r.audience, "web-readers");
	ck_assert_uint_eq(r.prefix.n + r.jkt.n, 0);
	ck_assert(r.is_enabled && !r.may_issue);
	ck_assert_int_eq(r.version, 1);
	ck_assert_int_eq(r.incarnation, 0);
	ck_assert_int_eq(r.method, PROVE_METHOD_NONE);
	ck_assert_int_eq(r.created_at, KIT_NOON);
	r = service_read(&s, "boss");
	ck_assert_int_eq(r.kind, STS_CONTROLLER);
	ck_assert_uint_eq(r.owner.n, 0);
	ck_str_is(r.prefix, "web-");
	ck_assert(r.may_issue);
	ck_assert_int_eq(r.incarnation, s.boss.incarnation);
	ck_assert_int_eq(r.method, PROVE_ED25519);
	ck_assert_uint_eq(r.jkt.n, 43);
}
END_TEST

static const struct {
	const char *note, *id, *prefix;
	enum sts_kind kind;
	enum err_code by_admin, by_boss;
} makings[] = {
	{ "a controller", "db", "db-", STS_CONTROLLER, ERR_NONE,
	    ERR_ACCOUNT_AUTHORITY },
	{ "an instance", "web-1", NULL, STS_INSTANCE, ERR_ACCOUNT_AUTHORITY,
	    ERR_NONE },
	{ "of another prefix", "db-1", NULL, STS_INSTANCE,
	    ERR_ACCOUNT_AUTHORITY, ERR_ACCOUNT_AUTHORITY },
	{ "a prefix's beginning", "web", NULL, STS_INSTANCE,
	    ERR_ACCOUNT_AUTHORITY, ERR_ACCOUNT_AUTHORITY },
	{ "of another case", "Web-1", NULL, STS_INSTANCE, ERR_ACCOUNT_AUTHORITY,
	    ERR_ACCOUNT_AUTHORITY },
	{ "the same prefix", "two", "web-", STS_CONTROLLER, ERR_ACCOUNT_EXISTS,
	    ERR_ACCOUNT_AUTHORITY },
	{ "a longer prefix", "two", "web-a-", STS_CONTROLLER,
	    ERR_ACCOUNT_EXISTS, ERR_ACCOUNT_AUTHORITY },
	{ "beside it", "two", "web.", STS_CONTROLLER, ERR_NONE,
	    ERR_ACCOUNT_AUTHORITY },
	{ "the same id", "boss", "db-", STS_CONTROLLER, ERR_ACCOUNT_EXISTS,
	    ERR_ACCOUNT_AUTHORITY },
	{ "no prefix", "two", NULL, STS_CONTROLLER, ERR_REQUEST_MALFORMED,
	    ERR_REQUEST_MALFORMED },
	{ "a prefix that ends nowhere", "two", "db", STS_CONTROLLER,
	    ERR_REQUEST_MALFORMED, ERR_REQUEST_MALFORMED },
	{ "a prefix of one sign", "two", "-", STS_CONTROLLER,
	    ERR_REQUEST_MALFORMED, ERR_REQUEST_MALFORMED },
	{ "a prefix with a slash", "two", "a/b-", STS_CONTROLLER,
	    ERR_REQUEST_MALFORMED, ERR_REQUEST_MALFORMED },
	{ "an instance's prefix", "web-1", "web-1-", STS_INSTANCE,
	    ERR_REQUEST_MALFORMED, ERR_REQUEST_MALFORMED },
	{ "no id", "", NULL, STS_INSTANCE, ERR_REQUEST_MALFORMED,
	    ERR_REQUEST_MALFORMED },
	{ "a colon", "web-:", NULL, STS_INSTANCE, ERR_REQUEST_MALFORMED,
	    ERR_REQUEST_MALFORMED },
	{ "no kind", "web-1", NULL, STS_KIND_NONE, ERR_REQUEST_MALFORMED,
	    ERR_REQUEST_MALFORMED },
};

START_TEST(who_may_make_what)
{
	ck_assert_msg(create(&s.admin, makings[_i].kind, makings[_i].id,
			  makings[_i].prefix) == makings[_i].by_admin,
	    "%s", makings[_i].note);
	ck_assert_msg(create(&s.boss, makings[_i].kind, makings[_i].id,
			  makings[_i].prefix) == makings[_i].by_boss,
	    "%s", makings[_i].note);
}
END_TEST

START_TEST(a_prefix_that_begins_another_s)
{
	ck_assert_int_eq(
	    create(&s.admin, STS_CONTROLLER, "two", "db-a-"), ERR_NONE);
	ck_assert_int_eq(create(&s.admin, STS_CONTROLLER, "three", "db-"),
	    ERR_ACCOUNT_EXISTS);
}
END_TEST

START_TEST(an_audience_is_under_the_prefix)
{
	struct sts_new_account what = { .id = STR("web-1"),
		.kind = STS_INSTANCE,
		.audience = STR("others") };

	ck_assert_int_eq(create_by(&s.boss, &what), ERR_ACCOUNT_AUTHORITY);
	what.audience = STR("web-x y");
	ck_assert_int_eq(create_by(&s.boss, &what), ERR_REQUEST_MALFORMED);
	what.audience = STR("");
	what.may_issue = true;
	ck_assert_int_eq(create_by(&s.boss, &what), ERR_REQUEST_MALFORMED);
}
END_TEST

/* ---- who counts as proven ---- */

START_TEST(a_stale_proof_is_nobody)
{
	struct attest_key *key = service_key(&s, KEY_ED25519);
	struct sts_actor who = service_instance(&s, "web-1", key);
	struct sts_account r;

	ck_assert(sts_account_get(s.sts, s.a, &who, STR("web-1"), &r, &err));
	/* An instance makes nothing. */
	ck_assert_int_eq(
	    create(&who, STS_INSTANCE, "web-1-a", NULL), ERR_ACCOUNT_AUTHORITY);
	who.incarnation++;
	ck_assert_int_eq(
	    create(&who, STS_INSTANCE, "web-2", NULL), ERR_EVIDENCE_REVOKED);
	who = (struct sts_actor){ 0 };
	ck_assert_int_eq(
	    create(&who, STS_INSTANCE, "web-2", NULL), ERR_ACCOUNT_AUTHORITY);
	/* Disabled, the controller is nobody at once. */
	ck_assert(sts_account_enable(
	    s.sts, s.a, &s.admin, STR("boss"), false, 0, &r, &err));
	ck_assert_int_eq(
	    create(&s.boss, STS_INSTANCE, "web-2", NULL), ERR_EVIDENCE_REVOKED);
	attest_key_free(key);
}
END_TEST

/* Two controllers with an instance each. */
static struct sts_actor
second_controller(void)
{
	struct attest_key *key = service_key(&s, KEY_ED25519);
	struct sts_next next = { .how = STS_OPEN_KEY,
		.spki = service_spki(&s, key) };
	struct sts_opened opened;

	attest_key_free(key);
	ck_assert_int_eq(
	    create(&s.admin, STS_CONTROLLER, "two", "db-"), ERR_NONE);
	ck_assert(sts_open_next(
	    s.sts, s.a, &s.admin, STR("two"), &next, &opened, &err));
	return service_actor("two", opened.account.incarnation);
}

START_TEST(a_controller_has_no_hand_in_another_s)
{
	struct sts_actor two = second_controller();
	struct sts_next next = { .how = STS_OPEN_SECRET };
	struct sts_opened opened;
	struct sts_account r, *list;
	struct sts_actor self = s.boss;
	const struct str ids[] = { STR("db-1"), STR("two"), STR("none"),
		STR("boss") };
	size_t n;

	ck_assert_int_eq(create(&two, STS_INSTANCE, "db-1", NULL), ERR_NONE);
	service_bare(&s, "web-1");
	/* Another's, none, and one's own: none may be switched. */
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		struct error e[4] = { 0 };

		ck_assert(!sts_account_enable(
		    s.sts, s.a, &self, ids[i], false, 0, &r, &e[0]));
		ck_assert(!sts_account_delete(s.sts, &self, ids[i], 0, &e[1]));
		ck_assert(!sts_open_next(
		    s.sts, s.a, &self, ids[i], &next, &opened, &e[2]));
		for (size_t k = 0; k < 3; k++)
			ck_assert_int_eq(e[k].code, ERR_ACCOUNT_UNKNOWN);
		if (i < 3)
			ck_assert(!sts_account_get(
			    s.sts, s.a, &self, ids[i], &r, &e[3]));
	}
	ck_assert(
	    sts_account_list(s.sts, s.a, &two, STR(""), 100, &list, &n, &err));
	ck_assert_uint_eq(n, 2);
	ck_str_is(list[0].id, "db-1");
	ck_str_is(list[1].id, "two");
}
END_TEST

/* ---- lists ---- */

START_TEST(lists_go_on_after_an_id)
{
	struct sts_account *list;
	struct sts_actor who;
	struct attest_key *key = service_key(&s, KEY_ED25519);
	size_t n;

	service_bare(&s, "web-2");
	service_bare(&s, "web-10");
	who = service_instance(&s, "web-1", key);
	ck_assert(sts_account_list(
	    s.sts, s.a, &s.admin, STR(""), 3, &list, &n, &err));
	ck_assert_uint_eq(n, 3);
	ck_str_is(list[0].id, "boss");
	ck_str_is(list[1].id, "web-1");
	ck_str_is(list[2].id, "web-10");
	ck_assert(sts_account_list(
	    s.sts, s.a, &s.admin, list[2].id, 3, &list, &n, &err));
	ck_assert_uint_eq(n, 1);
	ck_str_is(list[0].id, "web-2");
	ck_assert(sts_account_list(
	    s.sts, s.a, &who, STR(""), SIZE_MAX, &list, &n, &err));
	ck_assert_uint_eq(n, 1);
	ck_str_is(list[0].id, "web-1");
	attest_key_free(key);
}
END_TEST

/* ---- switching ---- */

START_TEST(a_version_guards_a_change)
{
	struct sts_account r;

	service_bare(&s, "web-1");
	ck_assert(!sts_account_enable(
	    s.sts, s.a, &s.boss, STR("web-1"), false, 7, &r, &err));
	ck_assert_int_eq(err.code, ERR_ACCOUNT_VERSION);
	ck_assert(sts_account_enable(
	    s.sts, s.a, &s.boss, STR("web-1"), false, 1, &r, NULL));
	ck_assert_int_eq(r.version, 2);
	ck_assert(!r.is_enabled);
	ck_assert(sts_account_enable(
	    s.sts, s.a, &s.admin, STR("web-1"), true, 2, &r, NULL));
	ck_assert(r.is_enabled);
	ck_assert(!sts_account_delete(s.sts, &s.boss, STR("web-1"), 2, NULL));
	ck_assert(sts_account_delete(s.sts, &s.boss, STR("web-1"), 3, NULL));
	ck_assert(
	    !sts_account_get(s.sts, s.a, &s.admin, STR("web-1"), &r, NULL));
}
END_TEST

START_TEST(a_controller_with_accounts_stays)
{
	service_bare(&s, "web-1");
	ck_assert(!sts_account_delete(s.sts, &s.admin, STR("boss"), 0, &err));
	ck_assert_int_eq(err.code, ERR_ACCOUNT_IN_USE);
	ck_assert(sts_account_delete(s.sts, &s.admin, STR("web-1"), 0, NULL));
	ck_assert(sts_account_delete(s.sts, &s.admin, STR("boss"), 0, NULL));
	/* Its prefix is free again, its proof is nobody's. */
	ck_assert_int_eq(
	    create(&s.boss, STS_INSTANCE, "web-2", NULL), ERR_EVIDENCE_REVOKED);
	ck_assert_int_eq(
	    create(&s.admin, STS_CONTROLLER, "boss", "web-"), ERR_NONE);
	ck_assert_int_eq(
	    create(&s.boss, STS_INSTANCE, "web-2", NULL), ERR_EVIDENCE_REVOKED);
}
END_TEST

START_TEST(tokens_end_with_their_account)
{
	struct attest_key *key = service_key(&s, KEY_P256);
	struct sts_grant g, h, old;
	const struct service_ask ask = { .account = "web-1", .key = key };
	struct sts_account r;

	service_instance(&s, "web-1", key);
	ck_assert_int_eq(service_prove(&s, &ask, &old), ERR_NONE);
	s.now_ms += TOKEN_LIFETIME_S * 1000;
	ck_assert_int_eq(service_prove(&s, &ask, &g), ERR_NONE);
	ck_assert(!service_is_revoked(&s, "token", g.jti));
	ck_assert(sts_account_enable(
	    s.sts, s.a, &s.boss, STR("web-1"), false, 0, &r, &err));
	ck_assert(service_is_revoked(&s, "token", g.jti));
	/* What has expired needs no row. */
	ck_assert(!service_is_revoked(&s, "token", old.jti));
	ck_assert(sts_account_enable(
	    s.sts, s.a, &s.boss, STR("web-1"), true, 0, &r, &err));
	ck_assert(service_is_revoked(&s, "token", g.jti));
	ck_assert_int_eq(service_prove(&s, &ask, &h), ERR_NONE);
	ck_assert(!service_is_revoked(&s, "token", h.jti));
	ck_assert(sts_account_delete(s.sts, &s.boss, STR("web-1"), 0, &err));
	ck_assert(service_is_revoked(&s, "token", h.jti));
	ck_assert(service_is_revoked(&s, "key", prove_key_thumbprint(key)));
	ck_assert_int_eq(service_prove(&s, &ask, &h), ERR_EVIDENCE_PROOF);
	attest_key_free(key);
}
END_TEST

/* ---- idempotency ---- */

START_TEST(a_repeated_request_is_one)
{
	struct sts_new_account what = { .id = STR("web-1"),
		.kind = STS_INSTANCE,
		.idempotency_key = STR("k-1") };
	struct sts_account r;
	bool created;

	ck_assert(
	    sts_account_create(s.sts, s.a, &s.boss, &what, &r, &created, &err));
	ck_assert(created);
	ck_assert(sts_account_enable(
	    s.sts, s.a, &s.boss, STR("web-1"), false, 0, &r, &err));
	service_restart(&s);
	ck_assert(
	    sts_account_create(s.sts, s.a, &s.boss, &what, &r, &created, &err));
	ck_assert(!created);
	/* As it stands, not as it was. */
	ck_assert(!r.is_enabled);
	ck_assert_int_eq(r.version, 2);
	what.audience = STR("web-x");
	ck_assert_int_eq(create_by(&s.boss, &what), ERR_REQUEST_IDEMPOTENCY);
	what.audience = STR("");
	what.idempotency_key = STR("k-2");
	ck_assert_int_eq(create_by(&s.boss, &what), ERR_ACCOUNT_EXISTS);
	what.idempotency_key = STR("k-1");
	ck_assert(sts_account_delete(s.sts, &s.boss, STR("web-1"), 0, &err));
	ck_assert_int_eq(create_by(&s.boss, &what), ERR_ACCOUNT_UNKNOWN);
	s.now_ms += LIMIT_IDEMPOTENCY_S * INT64_C(1000);
	ck_assert_int_eq(create_by(&s.boss, &what), ERR_NONE);
}
END_TEST

/* ---- what is past ---- */

START_TEST(the_past_is_purged)
{
	struct attest_key *key = service_key(&s, KEY_ED25519);
	const struct service_ask ask = { .account = "web-1", .key = key };
	struct prove_answer answer;
	struct sts_opened opened;

	service_instance(&s, "web-1", key);
	service_bare(&s, "web-2");
	opened = service_opened(&s, "web-2", STS_OPEN_SECRET, NULL);
	ck_assert_int_eq(opened.account.secret_until, KIT_NOON + LIMIT_ENROL_S);
	answer = service_answered(&s, &ask);
	ck_assert_int_eq(service_send(&s, &answer, NULL), ERR_NONE);
	ck_assert(sts_purge(s.sts, &err));
	ck_assert_int_eq(
	    service_send(&s, &answer, NULL), ERR_EVIDENCE_REPLAYED);
	ck_assert_int_eq(
	    service_read(&s, "web-2").secret_until, KIT_NOON + LIMIT_ENROL_S);
	s.now_ms += LIMIT_ENROL_S * INT64_C(1000);
	ck_assert(sts_purge(s.sts, &err));
	ck_assert_int_eq(service_read(&s, "web-2").secret_until, 0);
	ck_assert_int_eq(service_send(&s, &answer, NULL), ERR_EVIDENCE_EXPIRED);
	attest_key_free(key);
}
END_TEST

static TCase *
cases(const char *name, void (*start)(void))
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, start, teardown);
	tcase_add_test(tc, a_new_account_is_as_told);
	tcase_add_loop_test(tc, who_may_make_what, 0, ARRAY_LEN(makings));
	tcase_add_test(tc, a_prefix_that_begins_another_s);
	tcase_add_test(tc, an_audience_is_under_the_prefix);
	tcase_add_test(tc, a_stale_proof_is_nobody);
	tcase_add_test(tc, a_controller_has_no_hand_in_another_s);
	tcase_add_test(tc, lists_go_on_after_an_id);
	tcase_add_test(tc, a_version_guards_a_change);
	tcase_add_test(tc, a_controller_with_accounts_stays);
	tcase_add_test(tc, tokens_end_with_their_account);
	tcase_add_test(tc, the_past_is_purged);
	tcase_set_timeout(tc, 60);
	return tc;
}

static void
setup_file(void)
{
	err = (struct error){ 0 };
	service_init(&s, service_file_url(&s));
}

int
main(void)
{
	Suite *suite = suite_create("sts_account");
	TCase *tc = tcase_create("files");

	pg_start();
	suite_add_tcase(suite, cases("sqlite", setup));
	if (pg_url())
		suite_add_tcase(suite, cases("postgres", setup_postgres));
	tcase_add_checked_fixture(tc, setup_file, teardown);
	tcase_add_test(tc, a_repeated_request_is_one);
	suite_add_tcase(suite, tc);
	return pg_run_suite(suite);
}
