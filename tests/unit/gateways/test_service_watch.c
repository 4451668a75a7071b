/* What is watched at the token service: who changed what, how many there were
 * of what, and who fails too often (SECURITY 10, 11). */
#include "base/limits.h"
#include "gateways/metrics.h"
#include "tests/unit/gateways/service_kit.h"

static struct service_kit k;

static void
set_up(void)
{
	service_kit_init(&k);
}

static void
tear_down(void)
{
	service_kit_fini(&k);
}

static void
is(const char *note, unsigned status, const char *code)
{
	ck_assert_msg(k.status == status && strcmp(k.code, code) == 0,
	    "%s: got %u `%s`, expected %u `%s`", note, k.status, k.code, status,
	    code);
}

/* ---- changes --------------------------------------------------------------
 */

static const char *
change(size_t i, const char *name)
{
	const json_t *row =
	    json_array_get(json_object_get(k.json, "changes"), i);
	const char *text = json_string_value(json_object_get(row, name));

	return text ? text : "";
}

static void
change_is(size_t i, const char *who, const char *what, const char *about)
{
	ck_assert_str_eq(change(i, "who"), who);
	ck_assert_str_eq(change(i, "what"), what);
	ck_assert_str_eq(change(i, "about"), about);
}

static size_t
changes(const char *query)
{
	const char *target = str_printf(k.a, "/v1/changes%s", query).p;

	ck_assert_uint_eq(
	    service_kit_do(&k, KIT_ADMIN, "GET", target, NULL), 200);
	return json_array_size(json_object_get(k.json, "changes"));
}

START_TEST(who_changed_what)
{
	ck_assert_uint_eq(changes(""), 5);
	change_is(0, "account:boss", "account.key", "web-1");
	change_is(1, "account:boss", "account.create", "web-2");
	change_is(2, "account:boss", "account.create", "web-1");
	change_is(3, "admin:CN=root", "account.key", "boss");
	change_is(4, "admin:CN=root", "account.create", "boss");
	ck_assert_str_eq(change(0, "at"), "2026-03-01T12:00:00Z");
}
END_TEST

/* Each verb that changes something has its row; one that is refused has none,
 * and neither has looking. */
START_TEST(each_change_is_one_row)
{
	static const struct {
		enum service_kit_who who;
		const char *method, *target, *body, *by, *what, *about;
	} rows[] = {
		{ KIT_BOSS, "PATCH", "/v1/accounts/web-1",
		    "{\"enabled\":false}", "account:boss", "account.disable",
		    "web-1" },
		{ KIT_BOSS, "PATCH", "/v1/accounts/web-1", "{\"enabled\":true}",
		    "account:boss", "account.enable", "web-1" },
		{ KIT_BOSS, "POST", "/v1/accounts/web-2/enrolments", "{}",
		    "account:boss", "account.enrolment", "web-2" },
		{ KIT_BOSS, "POST", "/v1/accounts/web-2/move",
		    "{\"hmac\":true}", "account:boss", "account.move",
		    "web-2" },
		{ KIT_ADMIN, "POST", "/v1/accounts/web-2/ban", "{}",
		    "admin:CN=root", "account.ban", "web-2" },
		{ KIT_ADMIN, "POST", "/v1/accounts/web-2/unban", "{}",
		    "admin:CN=root", "account.unban", "web-2" },
		{ KIT_ADMIN, "POST", "/v1/accounts/web-2/evict", "{}",
		    "admin:CN=root", "account.evict", "web-2" },
		{ KIT_ADMIN, "POST", "/v1/revocations",
		    "{\"kind\":\"token\",\"id\":\"x\"}", "admin:CN=root",
		    "revocation.add", "token x" },
		{ KIT_HOST, "DELETE", "/v1/revocations?kind=token&id=x", NULL,
		    "admin:host", "revocation.remove", "token x" },
		{ KIT_BOSS, "DELETE", "/v1/accounts/web-2", NULL,
		    "account:boss", "account.delete", "web-2" },
	};
	size_t before = changes("?limit=1000");

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		(void)service_kit_do(&k, rows[i].who, rows[i].method,
		    rows[i].target, rows[i].body);
		ck_assert_msg(k.status / 100 == 2, "%s: %u %s", rows[i].what,
		    k.status, k.code);
		ck_assert_uint_eq(changes("?limit=1000"), before + i + 1);
		change_is(0, rows[i].by, rows[i].what, rows[i].about);
	}
	(void)service_kit_do(
	    &k, KIT_WEB_1, "DELETE", "/v1/accounts/boss", NULL);
	ck_assert_uint_ge(k.status, 400);
	(void)service_kit_do(&k, KIT_BOSS, "GET", "/v1/accounts", NULL);
	ck_assert_uint_eq(changes("?limit=1000"), before + ARRAY_LEN(rows));
}
END_TEST

START_TEST(changes_page)
{
	const char *next;

	ck_assert_uint_eq(changes("?limit=3"), 3);
	next = service_kit_text(&k, "next");
	ck_assert_str_eq(next, "3");
	ck_assert_uint_eq(
	    changes(str_printf(k.a, "?limit=3&next=%s", next).p), 2);
	change_is(1, "admin:CN=root", "account.create", "boss");
	ck_assert_str_eq(service_kit_text(&k, "next"), "");
}
END_TEST

static const char *const no_pages[] = { "?limit=0", "?limit=1001", "?limit=x",
	"?next=0", "?next=-1", "?next=9223372036854775808", "?next=1&next=2",
	"?before=1" };

START_TEST(pages_that_are_none)
{
	(void)service_kit_do(&k, KIT_ADMIN, "GET",
	    str_printf(k.a, "/v1/changes%s", no_pages[_i]).p, NULL);
	is(no_pages[_i], 400, "request.malformed");
}
END_TEST

START_TEST(changes_are_the_administrators)
{
	(void)service_kit_do(&k, KIT_BOSS, "GET", "/v1/changes", NULL);
	is("a controller", 404, "request.path");
	(void)service_kit_do(&k, KIT_STRANGER, "GET", "/v1/changes", NULL);
	is("nobody", 401, "evidence.missing");
}
END_TEST

/* ---- who fails too often --------------------------------------------------
 */

static void
guess_admin(const char *note, unsigned status, const char *code)
{
	(void)service_kit_ask(&k,
	    &(struct service_kit_ask){ .who = KIT_STRANGER,
		.method = "GET",
		.target = "/v1/accounts",
		.authorization =
		    "Bearer avow-admin-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		    "AAAAA" });
	is(note, status, code);
}

START_TEST(admin_tokens_are_not_guessed)
{
	for (unsigned i = 0; i < LIMIT_FAILURES_SOURCE; i++)
		guess_admin("within the limit", 401, "evidence.proof");
	guess_admin("over it", 403, "request.rate");
	/* By certificate there is nothing to guess. */
	ck_assert_uint_eq(
	    service_kit_do(&k, KIT_ADMIN, "GET", "/v1/accounts", NULL), 200);
	k.now_ms += 1000;
	guess_admin("a second later", 401, "evidence.proof");
	guess_admin("and again", 403, "request.rate");
	k.now_ms += 60000;
	guess_admin("a minute later", 401, "evidence.proof");
}
END_TEST

/* What is missing, and what is right, is no guess. */
START_TEST(who_is_no_guesser_is_not_counted)
{
	for (unsigned i = 0; i < LIMIT_FAILURES_SOURCE + 5; i++) {
		(void)service_kit_do(
		    &k, KIT_STRANGER, "GET", "/v1/accounts", NULL);
		is("no token", 401, "evidence.missing");
		ck_assert_uint_eq(service_kit_do(&k, KIT_BOSS, "GET",
				      "/v1/accounts/boss", NULL),
		    200);
	}
}
END_TEST

static struct str
proof(const struct attest_key *key, const char *nonce, struct str token)
{
	const struct dpop_request what = { .method = STR("GET"),
		.url = STR(SERVICE_KIT_URL "/v1/accounts"),
		.shown = token,
		.now_unix_s = k.now_ms / 1000 };
	struct buf out = { 0 };
	struct str copy;

	ck_assert(dpop_make(key, &what, str_of(nonce), STR(""), &out, NULL));
	copy = str_dup(k.a, buf_str(&out));
	buf_free(&out);
	return copy;
}

static void
show(struct str p, const char *note, unsigned status, const char *code)
{
	(void)service_kit_ask(&k, &(struct service_kit_ask){ .who = KIT_BOSS,
				      .method = "GET",
				      .target = "/v1/accounts",
				      .proof = p });
	is(note, status, code);
}

/* Another's key, with a good nonce each time. A nonce that is missing is how
 * every first request looks. */
START_TEST(proofs_of_keys_are_counted)
{
	char nonce[DPOP_NONCE + 1];
	struct str token = k.tokens[KIT_BOSS];

	ck_assert(dpop_nonce(k.s->dpop, k.now_ms / 1000, nonce, NULL));
	for (unsigned i = 0; i < LIMIT_FAILURES_SOURCE + 5; i++)
		show(proof(k.boss, "", token), "no nonce", 401,
		    "evidence.proof");
	for (unsigned i = 0; i < LIMIT_FAILURES_SOURCE; i++)
		show(proof(k.web_1, nonce, token), "another's key", 401,
		    "evidence.proof");
	show(proof(k.web_1, nonce, token), "over the limit", 403,
	    "request.rate");
	k.now_ms += 1000;
	show(proof(k.boss, nonce, token), "the right one", 200, "");
}
END_TEST

/* A clock that was set back would make valid what has expired. */
START_TEST(a_clock_that_is_wrong)
{
	int64_t now = k.now_ms;

	k.now_ms = (LIMIT_CLOCK_AT_LEAST_S - 1) * INT64_C(1000);
	(void)service_kit_do(&k, KIT_ADMIN, "GET", "/v1/accounts", NULL);
	is("before the program was made", 503, "system.not_ready");
	(void)service_kit_do(&k, KIT_NOBODY, "POST", "/v1/challenges", "{}");
	is("nor challenges", 503, "system.not_ready");
	k.now_ms = now;
	ck_assert_uint_eq(
	    service_kit_do(&k, KIT_ADMIN, "GET", "/v1/accounts", NULL), 200);
}
END_TEST

/* ---- numbers --------------------------------------------------------------
 */

static const char *
metrics(void)
{
	struct http_request q = { .method = STR("GET"),
		.target = STR("/metrics"),
		.path = STR("/metrics"),
		.peer_is_unix = true,
		.arena = arena_new(0) };
	struct http_response r = { 0 };
	const char *text;

	service_handle(&k.admin, &q, &r);
	ck_assert_uint_eq(r.status, 200);
	ck_assert_str_eq(r.content_type, METRICS_TEXT_TYPE);
	text = str_dup(k.a, buf_str(&r.body)).p;
	buf_free(&r.body);
	arena_free(q.arena);
	return text;
}

static void
has(const char *text, const char *line)
{
	ck_assert_msg(strstr(text, line) != NULL, "no `%s` in\n%s", line, text);
}

START_TEST(numbers)
{
	const char *text;

	guess_admin("one", 401, "evidence.proof");
	ck_assert_uint_eq(
	    service_kit_do(&k, KIT_ADMIN, "POST", "/v1/revocations",
		"{\"kind\":\"token\",\"id\":\"x\"}"),
	    201);
	text = metrics();
	has(text, "# TYPE avow_sts_challenges_total counter\n"
		  "avow_sts_challenges_total 2\n");
	has(text, "avow_sts_proofs_total{outcome=\"right\"} 2\n");
	has(text, "avow_sts_proofs_total{outcome=\"refused\"} 0\n");
	has(text, "avow_sts_tokens_total 2\n");
	has(text, "avow_sts_exchanges_total 0\n");
	has(text, "avow_sts_revocations_total{change=\"add\"} 1\n");
	has(text, "avow_sts_refusals_total{code=\"evidence.proof\"} 1\n");
	has(text, "# TYPE avow_revocations gauge\n");
	has(text, "avow_store_errors_total 0\n");
	has(text, "# TYPE avow_sts_request_duration_seconds histogram\n");
	has(text, "avow_sts_request_duration_seconds_count"
		  "{route=\"POST /v1/revocations\"} 1\n");
	has(text, "{route=\"POST /v1/revocations\",le=\"+Inf\"} 1\n");
	/* Nobody is named. */
	ck_assert_ptr_null(strstr(text, "web-1"));
	ck_assert_ptr_null(strstr(text, "10.0.0.5"));
	(void)service_kit_do(&k, KIT_NOBODY, "GET", "/metrics", NULL);
	is("at the service's door", 404, "request.path");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("service watch");
	TCase *tc = tcase_create("service watch");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, who_changed_what);
	tcase_add_test(tc, each_change_is_one_row);
	tcase_add_test(tc, changes_page);
	tcase_add_loop_test(tc, pages_that_are_none, 0, ARRAY_LEN(no_pages));
	tcase_add_test(tc, changes_are_the_administrators);
	tcase_add_test(tc, admin_tokens_are_not_guessed);
	tcase_add_test(tc, who_is_no_guesser_is_not_counted);
	tcase_add_test(tc, proofs_of_keys_are_counted);
	tcase_add_test(tc, a_clock_that_is_wrong);
	tcase_add_test(tc, numbers);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
