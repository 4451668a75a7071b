/* Another master secret: what was sealed opens under it, what was out ends, and
 * wherever a rotation is broken off nothing is lost; on both databases. */
#include "attest/sts.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "store/store_private.h"
#include "tests/lib/pg.h"
#include "tests/lib/run.h"
#include "tests/lib/service.h"

static struct service s;
static struct error err;
static struct attest_key *key, *fresh;
static struct sts_opened hmac, open_secret;

static void
start(const char *url)
{
	err = (struct error){ 0 };
	service_init(&s, url);
	key = service_key(&s, KEY_P256);
	fresh = service_key(&s, KEY_P256);
	service_instance(&s, "web-1", key);
	service_bare(&s, "web-2");
	hmac = service_opened(&s, "web-2", STS_OPEN_HMAC, NULL);
	service_bare(&s, "web-3");
	open_secret = service_opened(&s, "web-3", STS_OPEN_SECRET, NULL);
}

static void
setup(void)
{
	start(service_file_url(&s));
}

static void
setup_postgres(void)
{
	pg_empty();
	start(pg_url());
}

static void
teardown(void)
{
	attest_key_free(key);
	attest_key_free(fresh);
	service_fini(&s);
}

static size_t
rotate(void)
{
	const struct prove_random real = { 0 };
	size_t n = 0;

	ck_assert_msg(sts_secret_rotate(s.store, s.secret, real, &n, &err),
	    "%s", err.msg);
	return n;
}

static const char *
beside(void)
{
	return str_printf(s.a, "%s.next", s.secret).p;
}

static struct str
text_of(const char *path)
{
	struct str text;

	ck_assert_msg(file_read(s.a, path, 4096, &text, &err), "%s", err.msg);
	return text;
}

/* All that was sealed opens: a MAC key, an enrolment secret. */
static void
all_holds(void)
{
	const struct service_ask by_mac = {
		.account = "web-2", .key = key, .secret = hmac.secret
	};
	const struct service_ask enrols = { .role = PROVE_ENROL,
		.account = "web-3",
		.key = fresh,
		.secret = open_secret.secret };
	struct sts_grant g;

	ck_assert_int_eq(service_prove(&s, &by_mac, &g), ERR_NONE);
	ck_assert_int_eq(service_prove(&s, &enrols, &g), ERR_NONE);
}

START_TEST(what_was_sealed_opens)
{
	struct str before = text_of(s.secret);
	struct stat st;

	ck_assert_uint_eq(rotate(), 2);
	ck_assert(!str_eq(text_of(s.secret), before));
	ck_assert_int_ne(access(beside(), F_OK), 0);
	ck_assert_int_eq(stat(s.secret, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	service_restart(&s);
	all_holds();
	/* And once more. */
	ck_assert_uint_eq(rotate(), 1);
}
END_TEST

/* An offer is bound to account and audience. */
START_TEST(offers_stay)
{
	const struct sts_new_account what = {
		.id = STR("reader"), .kind = STS_CONTROLLER, .prefix = STR("r-")
	};
	const struct service_ask ask = {
		.account = "web-1", .audience = "reader", .key = key
	};
	struct sts_token_options o = { .ring = s.ring, .offer = true };
	const struct sts_caller caller = { .source = s.source };
	struct prove_answer r = service_answered(&s, &ask);
	struct sts_next next = { .how = STS_OPEN_KEY,
		.spki = service_spki(&s, fresh) };
	struct sts_account account;
	struct sts_opened opened;
	struct sts_actor reader;
	struct sts_grant g;
	struct str token;
	int64_t expires;
	bool created;

	ck_assert(sts_account_create(
	    s.sts, s.a, &s.admin, &what, &account, &created, &err));
	ck_assert(
	    sts_open_next(s.sts, s.a, &s.admin, what.id, &next, &opened, &err));
	ck_assert_msg(
	    sts_token(s.sts, s.a, &r, &caller, &o, &g, &err), "%s", err.msg);
	ck_assert_uint_eq(rotate(), 3);
	service_restart(&s);
	reader = service_actor("reader", opened.account.incarnation);
	ck_assert_msg(
	    sts_pick(s.sts, s.a, &reader, STR("web-1"), &token, &expires, &err),
	    "%s", err.msg);
	ck_assert(str_eq(token, g.token));
}
END_TEST

START_TEST(what_is_out_ends)
{
	const struct service_ask ask = { .account = "web-1", .key = key };
	struct prove_answer before = service_answered(&s, &ask);
	struct sts_next next = { .how = STS_OPEN_HMAC, .move = true };
	struct sts_opened opened;

	ck_assert_uint_eq(rotate(), 2);
	/* A node that runs has the former one: it judges and seals nothing. */
	ck_assert_int_eq(service_send(&s, &before, NULL), ERR_SYSTEM_STORE);
	ck_assert(!sts_open_next(
	    s.sts, s.a, &s.boss, STR("web-2"), &next, &opened, &err));
	ck_assert_int_eq(err.code, ERR_SYSTEM_STORE);
	service_restart(&s);
	ck_assert_int_eq(service_send(&s, &before, NULL), ERR_EVIDENCE_PROOF);
	ck_assert_int_eq(service_prove(&s, &ask, NULL), ERR_NONE);
}
END_TEST

static void
put(const char *path, struct str text)
{
	ck_assert_msg(file_replace(path, 0600, text, &err), "%s", err.msg);
}

/* After the commit, before the file: the former file is still there. */
START_TEST(broken_off_after_the_commit)
{
	struct str former = text_of(s.secret), next;
	struct sts_options o = { .store = s.store,
		.clock = &s.clock,
		.secret_file = s.secret,
		.url = STR(SERVICE_URL),
		.issuer = STR("acme-sts") };

	rotate();
	next = text_of(s.secret);
	put(beside(), next);
	put(s.secret, former);
	ck_assert_ptr_null(sts_open(&o, &err));
	ck_assert_int_eq(err.code, ERR_SYSTEM_STORE);
	err = (struct error){ 0 };
	ck_assert_uint_eq(rotate(), 2);
	ck_assert(str_eq(text_of(s.secret), next));
	service_restart(&s);
	all_holds();
}
END_TEST

/* Before it: the file beside is taken up. */
START_TEST(broken_off_before_the_commit)
{
	const struct prove_random real = { 0 };
	struct str next;

	ck_assert(sts_secret_create(beside(), real, &err));
	next = text_of(beside());
	service_restart(&s);
	rotate();
	ck_assert(str_eq(text_of(s.secret), next));
	service_restart(&s);
	all_holds();
}
END_TEST

/* A file beside that has taken over and stayed is no next one. */
START_TEST(the_same_is_no_other)
{
	put(beside(), text_of(s.secret));
	rotate();
	ck_assert_int_ne(access(beside(), F_OK), 0);
	service_restart(&s);
	all_holds();
}
END_TEST

static bool
damage(struct sql *q, void *ctx, bool *keep, struct error *reterr)
{
	(void)ctx, (void)keep;
	return sql_do(q,
	    "UPDATE enrolment SET account = 'web-9' WHERE account = 'web-3'",
	    reterr);
}

/* One that does not open, since somebody moved it: nothing is changed. */
START_TEST(all_or_nothing)
{
	const struct service_ask by_mac = {
		.account = "web-2", .key = key, .secret = hmac.secret
	};
	const struct prove_random real = { 0 };
	struct str former = text_of(s.secret);
	size_t n;

	ck_assert(store_change(s.store, damage, NULL, &err));
	ck_assert(!sts_secret_rotate(s.store, s.secret, real, &n, &err));
	ck_assert_int_eq(err.code, ERR_SYSTEM_STORE);
	ck_assert(str_eq(text_of(s.secret), former));
	service_restart(&s);
	ck_assert_int_eq(service_prove(&s, &by_mac, NULL), ERR_NONE);
}
END_TEST

START_TEST(not_by_another_secret)
{
	const struct prove_random real = { 0 };
	const char *other = str_printf(s.a, "%s-other", s.secret).p;
	size_t n;

	ck_assert(sts_secret_create(other, real, &err));
	ck_assert(!sts_secret_rotate(s.store, other, real, &n, &err));
	ck_assert_int_eq(err.code, ERR_SYSTEM_STORE);
	service_restart(&s);
	all_holds();
}
END_TEST

static TCase *
cases(const char *name, void (*before)(void))
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, before, teardown);
	tcase_add_test(tc, what_was_sealed_opens);
	tcase_add_test(tc, offers_stay);
	tcase_add_test(tc, what_is_out_ends);
	tcase_add_test(tc, broken_off_after_the_commit);
	tcase_add_test(tc, broken_off_before_the_commit);
	tcase_add_test(tc, the_same_is_no_other);
	tcase_add_test(tc, all_or_nothing);
	tcase_add_test(tc, not_by_another_secret);
	tcase_set_timeout(tc, 60);
	return tc;
}

int
main(void)
{
	Suite *suite = suite_create("sts_rotate");

	pg_start();
	suite_add_tcase(suite, cases("files", setup));
	if (pg_url())
		suite_add_tcase(suite, cases("postgres", setup_postgres));
	return pg_run_suite(suite);
}
