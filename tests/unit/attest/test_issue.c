/* Issuing: what is written verifies, and nothing else is written. */
#include "attest/attest.h"

#include "attest/doc.h"
#include "base/limits.h"
#include "tests/lib/kit.h"
#include "tests/lib/run.h"

static const struct str audience[] = { STR_INIT("updates"), STR_INIT("web") };

static struct attest_issue
plan(const json_t *claims)
{
	return (struct attest_issue){ .issuer = STR("acme"),
		.subject = STR("i-1"),
		.audience = audience,
		.n_audience = 2,
		.issued_at = KIT_NOON,
		.not_before = KIT_NOON,
		.expires_at = KIT_NOON + 60,
		.claims = claims };
}

START_TEST(what_is_issued_verifies)
{
	static const enum attest_key_type types[] = { KEY_RSA2048, KEY_P256,
		KEY_ED25519 };
	struct kit k;
	struct attest_issue what = plan(NULL);
	struct buf document = { 0 }, signature = { 0 };
	struct attest_evidence e = { .kind = STR("avow") };
	struct attest_context ctx;
	const struct claims *c;
	struct error err = { 0 };

	kit_init(&k, types[_i]);
	ctx = kit_context(&k);
	ck_assert_msg(attest_issue(k.key, &what, &document, &signature, &err),
	    "%s", err.msg);
	e.document = buf_str(&document);
	e.signature = buf_str(&signature);
	ck_assert_msg(
	    attest_verify(k.arena, &e, &ctx, &c, &err), "%s", err.msg);
	ck_str_is(claims_subject(c), "i-1");
	ck_assert(doc_id_is_valid(claims_document_id(c)));
	buf_free(&document);
	buf_free(&signature);
	kit_fini(&k);
}
END_TEST

START_TEST(ids_are_not_guessed)
{
	struct kit k;
	struct attest_issue what = plan(NULL);
	struct buf a = { 0 }, b = { 0 }, signature = { 0 };

	kit_init(&k, KEY_ED25519);
	ck_assert(attest_issue(k.key, &what, &a, &signature, NULL));
	ck_assert(attest_issue(k.key, &what, &b, &signature, NULL));
	ck_assert_uint_eq(a.n, b.n);
	ck_assert(!str_eq(buf_str(&a), buf_str(&b)));
	buf_free(&a);
	buf_free(&b);
	buf_free(&signature);
	kit_fini(&k);
}
END_TEST

/* ---- what is not written ---- */

static void
bad_subject(struct attest_issue *w)
{
	w->subject = STR("i:1");
}
static void
no_issuer(struct attest_issue *w)
{
	w->issuer = STR("");
}
static void
bad_id(struct attest_issue *w)
{
	w->id = STR("0011");
}
static void
bad_cnf(struct attest_issue *w)
{
	w->cnf_jkt = STR("x");
}
static void
over_at_once(struct attest_issue *w)
{
	w->expires_at = w->issued_at;
}
static void
far_future(struct attest_issue *w)
{
	w->expires_at = INT64_C(253402300800); /* the year 10000 */
}
static void
overflow(struct attest_issue *w)
{
	w->expires_at = INT64_MAX;
}
static void
empty_audience(struct attest_issue *w)
{
	static const struct str none[] = { { "", 0 } };

	w->audience = none;
	w->n_audience = 1;
}

static const struct {
	const char *note;
	void (*change)(struct attest_issue *);
	const char *claims;
	enum err_code want;
} bad[] = {
	{ "subject", bad_subject, "{}", ERR_EVIDENCE_INSTANCE },
	{ "issuer", no_issuer, "{}", ERR_EVIDENCE_MALFORMED },
	{ "id", bad_id, "{}", ERR_EVIDENCE_MALFORMED },
	{ "cnf", bad_cnf, "{}", ERR_EVIDENCE_MALFORMED },
	{ "no lifetime", over_at_once, "{}", ERR_EVIDENCE_MALFORMED },
	{ "the year 10000", far_future, "{}", ERR_EVIDENCE_MALFORMED },
	{ "time that overflows", overflow, "{}", ERR_USAGE },
	{ "audience", empty_audience, "{}", ERR_EVIDENCE_MALFORMED },
	{ "unknown claim", NULL, "{\"rank\":\"1\"}", ERR_EVIDENCE_MALFORMED },
	{ "claims that are no object", NULL, "[]", ERR_EVIDENCE_MALFORMED },
	{ "shape of a claim", NULL, "{\"licences\":\"base\"}",
	    ERR_EVIDENCE_MALFORMED },
};

START_TEST(nothing_is_signed_that_is_not_right)
{
	struct kit k;
	json_t *claims = NULL;
	struct attest_issue what;
	struct buf document = { 0 }, signature = { 0 };
	struct error err = { 0 };

	kit_init(&k, KEY_ED25519);
	ck_assert(json_parse(
	    str_of(bad[_i].claims), NULL, 1000, 9, JSON_NO_NUL, &claims, &err));
	what = plan(claims);
	if (bad[_i].change)
		bad[_i].change(&what);
	ck_assert_msg(!attest_issue(k.key, &what, &document, &signature, &err),
	    "%s", bad[_i].note);
	ck_assert_msg(err.code == bad[_i].want, "%s: %s", bad[_i].note,
	    error_id(err.code));
	ck_assert_uint_eq(document.n + signature.n, 0);
	json_decref(claims);
	kit_fini(&k);
}
END_TEST

START_TEST(a_document_over_the_limit)
{
	struct kit k;
	json_t *claims, *custom = json_object();
	struct attest_issue what;
	struct buf document = { 0 }, signature = { 0 };
	struct error err = { 0 };
	char name[16], text[1000];

	kit_init(&k, KEY_ED25519);
	memset(text, 'x', sizeof text);
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof name, "n%d", i);
		json_object_set_new(
		    custom, name, json_stringn(text, sizeof text));
	}
	claims = json_pack("{s:o}", "custom", custom);
	what = plan(claims);
	ck_assert(!attest_issue(k.key, &what, &document, &signature, &err));
	ck_assert_int_eq(err.code, ERR_EVIDENCE_TOO_LARGE);
	json_decref(claims);
	kit_fini(&k);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("issue");
	TCase *tc = tcase_create("issue");

	tcase_add_loop_test(tc, what_is_issued_verifies, 0, 3);
	tcase_add_test(tc, ids_are_not_guessed);
	tcase_add_loop_test(
	    tc, nothing_is_signed_that_is_not_right, 0, ARRAY_LEN(bad));
	tcase_add_test(tc, a_document_over_the_limit);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
