/* The document service in all four forms (A2, A5, A6), documents shown
 * together (A9), and what happens while a signer takes its time. */
#include "attest/documents.h"

#include "tests/unit/attest/documents_kit.h"

/* ---- forms ---- */

static struct documents_issued
issue_as(enum attest_form form, const char *claims)
{
	struct documents_ask ask = ask_of("web-1", claims, "up");
	struct documents_issued d;

	ask.has_form = true;
	ask.form = form;
	ck_assert_msg(
	    issue_by(&web, &ask, &d, NULL) == ERR_NONE, "%s", err.msg);
	ck_assert_int_eq(d.row.form, form);
	return d;
}

static struct documents_issued
altered(struct documents_issued d, size_t at)
{
	d.row.document = str_dup(s.a, d.row.document);
	((char *)(uintptr_t)d.row.document.p)[at] ^= 1;
	return d;
}

START_TEST(each_form_is_made_judged_and_superseded)
{
	struct documents_issued d = issue_as((enum attest_form)_i, "os.name");
	struct attest_evidence e = evidence_of(&d);
	struct documents_changed c;
	struct str raw = { 0 };
	bool newest = false;

	ck_assert_int_eq(d.row.signature.n > 0, _i == ATTEST_DETACHED);
	ck_assert_int_eq(judge(&d, &newest), ERR_NONE);
	ck_assert(newest);
	/* Its key, by the signature that stands in it. */
	ck_assert(attest_evidence_signature(s.a, &e, &raw, &err));
	ck_assert_uint_eq(
	    keys((struct documents_key_query){ .signature = raw }, false), 1);
	/* The next has the form of the one before. */
	c = change("web-1", "provisioned", "{\"os\":{\"name\":\"bsd\"}}");
	ck_assert_uint_eq(c.n_superseded, 1);
	ck_assert_uint_eq(c.n_made, 1);
	ck_assert_int_eq(judge(&d, NULL), ERR_EVIDENCE_SUPERSEDED);
	d = issue_as((enum attest_form)_i, "os.name");
	ck_assert_int_eq(judge(&d, NULL), ERR_NONE);
	ck_assert_uint_eq(count("web-1", STORE_DOCUMENT_NEWEST), 1);
}
END_TEST

START_TEST(no_byte_of_a_form_can_be_another)
{
	struct documents_issued d = issue_as((enum attest_form)_i, "os.name");

	for (size_t at = 0; at < d.row.document.n; at += 7) {
		struct documents_issued other = altered(d, at);
		enum err_code code = judge(&other, NULL);

		ck_assert_msg(code == ERR_EVIDENCE_MALFORMED ||
				  code == ERR_EVIDENCE_KEY ||
				  code == ERR_EVIDENCE_KIND ||
				  code == ERR_EVIDENCE_SIGNATURE,
		    "byte %zu: %s", at, error_id(code));
	}
	/* Nor is it of another kind. */
	for (int k = 0; k < ATTEST_FORMS; k++) {
		struct documents_issued other = d;

		other.row.form = k;
		ck_assert_int_eq(
		    judge(&other, NULL) == ERR_NONE, k == (int)d.row.form);
	}
}
END_TEST

/* In each form one is the newest, and none of them ends another. */
START_TEST(forms_stand_side_by_side)
{
	struct documents_issued all[ATTEST_FORMS];
	struct documents_ask ask = ask_of("web-1", "imageId", "up");
	struct documents_issued d;
	bool made = true, newest = false;

	for (int i = 0; i < ATTEST_FORMS; i++)
		all[i] = issue_as((enum attest_form)i, "imageId");
	ck_assert_uint_eq(count("web-1", STORE_DOCUMENT_NEWEST), ATTEST_FORMS);
	for (int i = 0; i < ATTEST_FORMS; i++) {
		ck_assert_int_eq(judge(&all[i], &newest), ERR_NONE);
		ck_assert(newest);
		ask.has_form = ask.is_select = true;
		ask.form = (enum attest_form)i;
		ck_assert_int_eq(issue_by(&web, &ask, &d, &made), ERR_NONE);
		ck_assert(!made && str_eq(d.row.id, all[i].row.id));
	}
	ck_assert_uint_eq(
	    change("web-1", "provisioned", "{\"imageId\":\"x\"}").n_made,
	    ATTEST_FORMS);
}
END_TEST

START_TEST(the_usual_form_is_configured)
{
	struct documents_options o = options();
	struct documents_issued d;

	o.form = ATTEST_JWS;
	documents_close(docs);
	docs = documents_open(&o, &err);
	ck_assert(docs != NULL);
	d = issue("imageId", "up");
	ck_assert_int_eq(d.row.form, ATTEST_JWS);
	d = issue_as(ATTEST_DETACHED, "imageId");
}
END_TEST

/* CMS has no Ed25519 in OpenSSL 3.0: refused, and nothing is left. */
START_TEST(a_form_that_the_key_has_not)
{
	struct documents_ask ask = ask_of("web-1", "imageId", "up");
	struct str file;

	token_ring_free(s.ring);
	s.now_ms += 60000;
	ck_assert(token_ring_rotate(s.a, s.ring_folder, KEY_ED25519,
	    s.now_ms / 1000, 0, true, &file, &err));
	s.ring = token_ring_open(s.ring_folder, &err);
	ck_assert(documents_signer_of_ring(
	    s.a, s.ring, s.now_ms / 1000, &signer, &err));
	ask.has_form = true;
	ask.form = ATTEST_CMS;
	ck_assert_int_eq(issue_by(&web, &ask, NULL, NULL), ERR_KEY_FORM);
	ck_assert_uint_eq(count("web-1", STORE_DOCUMENT_NEWEST), 0);
}
END_TEST

/* ---- together ---- */

/* What `n` documents are when they are joined. */
static enum err_code
judge_joined(const struct documents_issued *const *all, size_t n, bool *newest)
{
	struct attest_evidence e;
	struct buf text = { 0 };
	bool ok;

	err = (struct error){ 0 };
	for (size_t i = 0; i < n; i++) {
		const struct attest_evidence one = evidence_of(all[i]);

		if (i > 0)
			buf_byte(&text, '~');
		ck_assert(attest_evidence_pack(&one, &text, &err));
	}
	ok = attest_evidence_from_pack(s.a, buf_str(&text), &e, &err) &&
	     documents_verify(
		 docs, s.a, &e, NULL, s.now_ms / 1000, newest, &err);
	buf_free(&text);
	ck_assert_int_eq(ok, err.code == ERR_NONE);
	return err.code;
}

START_TEST(joined_each_must_be_good)
{
	struct documents_issued one = issue_as(ATTEST_JWS, "imageId");
	struct documents_issued two = issue_as(ATTEST_EMBEDDED, "os.name");
	struct documents_issued three = issue_as(ATTEST_CMS, "licences");
	const struct documents_issued *all[] = { &one, &two, &three };
	const struct documents_issued *twice[] = { &one, &one };
	bool newest = false;

	ck_assert_int_eq(judge_joined(all, 3, &newest), ERR_NONE);
	ck_assert(newest);
	ck_assert_int_eq(
	    judge_joined(twice, 2, &newest), ERR_EVIDENCE_AMBIGUOUS);
	/* One of them renewed: valid, and no longer the newest. */
	s.now_ms += 1801000;
	(void)issue_as(ATTEST_EMBEDDED, "os.name");
	ck_assert_int_eq(judge_joined(all, 3, &newest), ERR_NONE);
	ck_assert(!newest);
	/* One of them stale: all are refused. */
	change("web-1", "provisioned", "{\"os\":{\"name\":\"bsd\"}}");
	ck_assert_int_eq(
	    judge_joined(all, 3, &newest), ERR_EVIDENCE_SUPERSEDED);
}
END_TEST

START_TEST(joined_with_a_group)
{
	struct attest_key *other = service_key(&s, KEY_P256);
	struct sts_actor web2 = service_instance(&s, "web-2", other);
	struct documents_ask ask = ask_of("web-front", "custom.tier", "up");
	struct documents_issued front, back, mine = issue("imageId", "up");
	const struct documents_issued *good[] = { &front, &mine };
	const struct documents_issued *alone[] = { &front, &back };
	const struct documents_issued *alien[] = { &mine, &back };
	bool newest = false;

	ask.has_form = true;
	ask.form = ATTEST_EMBEDDED;
	ck_assert_int_eq(group_by(&s.boss, "web-front", 2,
			     "{\"custom\":{\"tier\":\"1\"}}", NULL),
	    ERR_NONE);
	ck_assert_int_eq(issue_by(&web2, &ask, &front, NULL), ERR_NONE);
	/* Without web-1. */
	ck_assert_int_eq(
	    group_by(&s.boss, "web-back", 0, "{}", NULL), ERR_NONE);
	ask = ask_of("web-back", "", "up");
	ck_assert_int_eq(
	    issue_by(&s.boss, &ask, &back, NULL), ERR_ACCOUNT_AUTHORITY);
	ck_assert_int_eq(judge_joined(good, 2, &newest), ERR_NONE);
	back = front;
	ck_assert_int_eq(
	    judge_joined(alone, 2, &newest), ERR_EVIDENCE_INSTANCE);
	ask = ask_of("web-2", "", "up");
	ck_assert_int_eq(issue_by(&web2, &ask, &back, NULL), ERR_NONE);
	ck_assert_int_eq(
	    judge_joined(alien, 2, &newest), ERR_EVIDENCE_AMBIGUOUS);
	attest_key_free(other);
}
END_TEST

/* ---- what a gate asks ---- */

START_TEST(a_gate_asks_what_was_issued)
{
	struct documents_issued d = issue_as(ATTEST_JWS, "imageId");
	uint8_t digest[32];

	memcpy(digest, d.row.digest.p, sizeof digest);
	err = (struct error){ 0 };
	ck_assert(documents_check_issued(s.store, d.row.id, digest, &err));
	digest[0] ^= 1;
	ck_assert(!documents_check_issued(s.store, d.row.id, digest, &err));
	ck_assert_int_eq(err.code, ERR_EVIDENCE_REVOKED);
	digest[0] ^= 1;
	ck_assert(!documents_check_issued(s.store, STR("0"), digest, &err));
	/* What became of it is another question. */
	change("web-1", "provisioned", "{\"imageId\":\"img-2\"}");
	ck_assert(documents_check_issued(s.store, d.row.id, digest, &err));
}
END_TEST

/* ---- a signer that takes its time ---- */

struct slow {
	struct documents_signer real;
	unsigned calls, changes;
};
static struct slow slow;

/* While it signs others write: inside a transaction they could not. */
static bool
signs_slowly(void *ctx, const struct attest_issue *what,
    struct buf *ret_document, struct buf *ret_signature, struct error *reterr)
{
	char text[64];

	(void)ctx;
	if (slow.calls++ < slow.changes) {
		struct documents_signer mine = signer;

		signer = slow.real;
		snprintf(text, sizeof text, "{\"imageId\":\"img-%u\"}",
		    100 + slow.calls);
		change("web-1", "provisioned", text);
		signer = mine;
	}
	return slow.real.issue(
	    slow.real.ctx, what, ret_document, ret_signature, reterr);
}

static void
slow_signer(unsigned changes)
{
	slow = (struct slow){ .real = signer, .changes = changes };
	signer.issue = signs_slowly;
}

START_TEST(what_changed_meanwhile_is_not_stored)
{
	struct documents_ask ask = ask_of("web-1", "imageId", "up");
	struct documents_issued d;

	slow_signer(2);
	ck_assert_msg(
	    issue_by(&web, &ask, &d, NULL) == ERR_NONE, "%s", err.msg);
	ck_assert_uint_eq(slow.calls, 3);
	ck_claims(&d, "{\"imageId\":\"img-102\"}");
	ck_assert_int_eq(judge(&d, NULL), ERR_NONE);
	ck_assert_uint_eq(count("web-1", STORE_DOCUMENT_NEWEST), 1);
	ck_assert_uint_eq(count("web-1", STORE_DOCUMENT_SUPERSEDED), 0);
}
END_TEST

START_TEST(who_is_too_slow_gets_nothing)
{
	struct documents_ask ask = ask_of("web-1", "imageId", "up");

	slow_signer(1000);
	ck_assert_int_eq(
	    issue_by(&web, &ask, NULL, NULL), ERR_SYSTEM_NOT_READY);
	ck_assert_uint_eq(count("web-1", STORE_DOCUMENT_NEWEST), 0);
}
END_TEST

/* A change by its version: another came in between, so it is refused whole. */
START_TEST(a_change_meanwhile_has_another_version)
{
	struct documents_issued d = issue("imageId", "up");
	const struct documents_change what = {
		.id = STR("web-1"), .event = STR("provisioned"), .if_version = 1
	};

	slow_signer(1);
	ck_assert_int_eq(
	    change_by(&s.boss, what, "{\"imageId\":\"mine\"}", NULL),
	    ERR_ACCOUNT_VERSION);
	ck_assert_int_eq(judge(&d, NULL), ERR_EVIDENCE_SUPERSEDED);
	signer = slow.real;
	d = issue("imageId", "up");
	ck_claims(&d, "{\"imageId\":\"img-101\"}");
}
END_TEST

/* The account was disabled while its document was signed. */
static bool
signs_and_disables(void *ctx, const struct attest_issue *what,
    struct buf *ret_document, struct buf *ret_signature, struct error *reterr)
{
	struct sts_account account;

	(void)ctx;
	ck_assert(sts_account_enable(
	    s.sts, s.a, &s.boss, STR("web-1"), false, 0, &account, &err));
	return slow.real.issue(
	    slow.real.ctx, what, ret_document, ret_signature, reterr);
}

START_TEST(disabled_meanwhile_there_is_none)
{
	struct documents_ask ask = ask_of("web-1", "imageId", "up");

	slow_signer(0);
	signer.issue = signs_and_disables;
	ck_assert_int_eq(
	    issue_by(&s.boss, &ask, NULL, NULL), ERR_EVIDENCE_REVOKED);
	ck_assert_uint_eq(count("web-1", STORE_DOCUMENT_NEWEST), 0);
}
END_TEST

static void
add_tests(TCase *tc)
{
	tcase_add_loop_test(
	    tc, each_form_is_made_judged_and_superseded, 0, ATTEST_FORMS);
	tcase_add_loop_test(
	    tc, no_byte_of_a_form_can_be_another, 0, ATTEST_FORMS);
	tcase_add_test(tc, forms_stand_side_by_side);
	tcase_add_test(tc, the_usual_form_is_configured);
	tcase_add_test(tc, a_form_that_the_key_has_not);
	tcase_add_test(tc, joined_each_must_be_good);
	tcase_add_test(tc, joined_with_a_group);
	tcase_add_test(tc, a_gate_asks_what_was_issued);
	tcase_add_test(tc, what_changed_meanwhile_is_not_stored);
	tcase_add_test(tc, who_is_too_slow_gets_nothing);
	tcase_add_test(tc, a_change_meanwhile_has_another_version);
	tcase_add_test(tc, disabled_meanwhile_there_is_none);
}

int
main(void)
{
	Suite *suite = suite_create("documents_forms");
	int failed;

	pg_start();
	suite_add_tcase(suite, cases("sqlite", setup, add_tests));
	if (pg_url())
		suite_add_tcase(
		    suite, cases("postgres", setup_postgres, add_tests));
	failed = run_suite(suite);
	pg_end();
	return failed;
}
