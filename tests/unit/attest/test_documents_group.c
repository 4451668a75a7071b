/* Groups that go, or go by another name: what was said of them no longer holds,
 * and what is said anew does (A8, A9). */
#include "attest/documents.h"

#include "tests/unit/attest/documents_kit.h"

static const struct str front = STR_INIT("web-front");
static const struct str edge = STR_INIT("web-edge");

static struct documents_issued
group_document(const char *id)
{
	struct documents_ask ask = ask_of(id, "custom.tier", "up");
	struct documents_issued d;

	ck_assert_msg(
	    issue_by(&web, &ask, &d, NULL) == ERR_NONE, "%s", err.msg);
	return d;
}

static void
make_front(void)
{
	ck_assert_int_eq(group_by(&s.boss, "web-front", 1,
			     "{\"custom\":{\"tier\":\"1\"}}", NULL),
	    ERR_NONE);
}

static enum err_code
delete_by(const struct sts_actor *actor, struct str id, int64_t version)
{
	err = (struct error){ 0 };
	ck_assert_int_eq(
	    documents_group_delete(docs, s.a, actor, id, version, &err),
	    err.code == ERR_NONE);
	return err.code;
}

static enum err_code
rename_by(const struct sts_actor *actor, struct str id, struct str to,
    struct documents_changed *ret)
{
	struct documents_changed c = { 0 };

	err = (struct error){ 0 };
	ck_assert_int_eq(documents_group_rename(
			     docs, s.a, actor, &signer, id, to, -1, &c, &err),
	    err.code == ERR_NONE);
	documents_instance_fini(&c.instance);
	if (ret)
		*ret = c;
	return err.code;
}

START_TEST(a_group_that_goes)
{
	struct documents_ask ask = ask_of("web-front", "custom.tier", "up");
	struct documents_issued d;

	make_front();
	d = group_document("web-front");
	ck_assert_int_eq(delete_by(&web, front, -1), ERR_ACCOUNT_AUTHORITY);
	ck_assert_int_eq(delete_by(&s.boss, front, 9), ERR_ACCOUNT_VERSION);
	ck_assert_int_eq(judge(&d, NULL), ERR_NONE);
	ck_assert_int_eq(delete_by(&s.boss, front, 1), ERR_NONE);
	ck_assert_int_eq(judge(&d, NULL), ERR_EVIDENCE_REVOKED);
	ck_assert(service_is_revoked(&s, "document", d.row.id));
	ck_assert_int_eq(issue_by(&web, &ask, NULL, NULL), ERR_ACCOUNT_UNKNOWN);
	ck_assert_int_eq(delete_by(&s.boss, front, -1), ERR_ACCOUNT_UNKNOWN);
	/* One that comes later by this name is another. */
	make_front();
	ck_assert_int_eq(judge(&d, NULL), ERR_EVIDENCE_REVOKED);
	d = group_document("web-front");
	ck_assert_int_eq(judge(&d, NULL), ERR_NONE);
	ck_assert_int_eq(delete_by(&s.admin, front, -1), ERR_NONE);
	ck_assert_int_eq(judge(&d, NULL), ERR_EVIDENCE_REVOKED);
}
END_TEST

START_TEST(a_group_by_another_name)
{
	struct documents_issued was, is;
	struct documents_changed c;

	make_front();
	was = group_document("web-front");
	ck_assert_int_eq(rename_by(&s.boss, front, edge, &c), ERR_NONE);
	ck_assert_uint_eq(c.n_superseded, 1);
	ck_assert_uint_eq(c.n_made, 1);
	ck_assert_int_eq(judge(&was, NULL), ERR_EVIDENCE_SUPERSEDED);
	ck_assert_uint_eq(count("web-edge", STORE_DOCUMENT_NEWEST), 1);
	is = group_document("web-edge");
	ck_assert_int_eq(judge(&is, NULL), ERR_NONE);
	ck_claims(&is, "{\"custom\":{\"tier\":\"1\"}}");
	ck_assert(service_is_revoked(&s, "superseded", was.row.id));
	/* The former name is free. */
	make_front();
	ck_assert_int_eq(
	    rename_by(&s.boss, edge, front, NULL), ERR_ACCOUNT_EXISTS);
	ck_assert_int_eq(judge(&is, NULL), ERR_NONE);
}
END_TEST

START_TEST(what_may_not_be_a_name)
{
	static const struct {
		struct str to;
		enum err_code want;
	} rows[] = {
		{ STR_INIT("web-1"), ERR_ACCOUNT_EXISTS },
		{ STR_INIT("web-front"), ERR_ACCOUNT_EXISTS },
		{ STR_INIT("db-front"), ERR_ACCOUNT_AUTHORITY },
		{ STR_INIT("web front"), ERR_REQUEST_MALFORMED },
		{ STR_INIT(""), ERR_REQUEST_MALFORMED },
	};
	struct documents_issued d;

	make_front();
	d = group_document("web-front");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_int_eq(
		    rename_by(&s.boss, front, rows[i].to, NULL), rows[i].want);
	ck_assert_int_eq(
	    rename_by(&web, front, edge, NULL), ERR_ACCOUNT_AUTHORITY);
	ck_assert_int_eq(rename_by(&s.boss, STR("web-1"), edge, NULL),
	    ERR_REQUEST_MALFORMED);
	ck_assert_int_eq(judge(&d, NULL), ERR_NONE);
	ck_assert_int_eq(
	    delete_by(&s.boss, STR("web-1"), -1), ERR_REQUEST_MALFORMED);
}
END_TEST

static bool
refuses(void *ctx, const struct attest_issue *what, struct buf *ret_document,
    struct buf *ret_signature, struct error *reterr)
{
	(void)ctx, (void)what, (void)ret_document, (void)ret_signature;
	return error_set(
	    reterr, ERR_SYSTEM_ERROR, SPAN_NONE, "the signer is away");
}

START_TEST(without_a_signature_it_keeps_its_name)
{
	struct documents_issued d;

	make_front();
	d = group_document("web-front");
	signer.issue = refuses;
	ck_assert_int_eq(
	    rename_by(&s.boss, front, edge, NULL), ERR_SYSTEM_ERROR);
	ck_assert_int_eq(judge(&d, NULL), ERR_NONE);
	ck_assert(!service_is_revoked(&s, "superseded", d.row.id));
}
END_TEST

static void
add_tests(TCase *tc)
{
	tcase_add_test(tc, a_group_that_goes);
	tcase_add_test(tc, a_group_by_another_name);
	tcase_add_test(tc, what_may_not_be_a_name);
	tcase_add_test(tc, without_a_signature_it_keeps_its_name);
}

int
main(void)
{
	Suite *suite = suite_create("documents_group");
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
