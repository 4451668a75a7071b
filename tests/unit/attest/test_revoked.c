/* The list of revocations: what it takes, what it refuses, what it finds. */
#include "attest/revoked.h"

#include "tests/lib/kit.h"
#include "tests/lib/run.h"

#define ID "00112233445566778899aabbccddeeff"
#define KEY "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZRsRGC9X"

START_TEST(finds_what_is_listed)
{
	struct attest_revoked *r =
	    kit_revoked("# stolen\n\n  document " ID "  # laptop\n"
			"instance aws/i-2\r\ninstance i-1\n\tkey\t" KEY "\n"
			"instance b/c/i-3");

	ck_assert(revoked_has_document(r, STR(ID)));
	ck_assert(
	    !revoked_has_document(r, STR("ffeeddccbbaa99887766554433221100")));
	ck_assert(revoked_has_key(r, STR(KEY)));
	ck_assert(!revoked_has_key(r, STR(ID)));
	ck_assert(revoked_has_instance(r, STR(""), STR("i-1")));
	ck_assert(revoked_has_instance(r, STR("aws/"), STR("i-2")));
	ck_assert(revoked_has_instance(r, STR("b/c/"), STR("i-3")));
	/* Only with the prefix it was listed with. */
	ck_assert(!revoked_has_instance(r, STR(""), STR("i-2")));
	ck_assert(!revoked_has_instance(r, STR("aws/"), STR("i-1")));
	ck_assert(!revoked_has_instance(r, STR("b/"), STR("i-3")));
	ck_assert(!revoked_has_instance(r, STR(""), STR("i-")));
	ck_assert(!revoked_has_instance(r, STR(""), STR("i-11")));
	attest_revoked_free(r);
}
END_TEST

START_TEST(finds_each_of_many)
{
	struct buf text = { 0 };
	struct attest_revoked *r;
	char id[32];

	for (unsigned i = 0; i < 1000; i++)
		buf_printf(&text, "instance p%u/i-%u\n", i % 7, i * 37 % 1000);
	r = kit_revoked(text.p);
	for (unsigned i = 0; i < 1000; i++) {
		char prefix[8];

		snprintf(id, sizeof id, "i-%u", i * 37 % 1000);
		snprintf(prefix, sizeof prefix, "p%u/", i % 7);
		ck_assert_msg(
		    revoked_has_instance(r, str_of(prefix), str_of(id)), "%s%s",
		    prefix, id);
		snprintf(prefix, sizeof prefix, "p%u/", (i + 1) % 7);
		ck_assert(!revoked_has_instance(r, str_of(prefix), str_of(id)));
	}
	attest_revoked_free(r);
	buf_free(&text);
}
END_TEST

START_TEST(nothing_is_revoked_by_nothing)
{
	struct attest_revoked *r = kit_revoked("# none\n");

	ck_assert(!revoked_has_document(r, STR(ID)));
	ck_assert(!revoked_has_document(NULL, STR(ID)));
	ck_assert(!revoked_has_instance(NULL, STR(""), STR("i-1")));
	ck_assert(!revoked_has_key(NULL, STR(KEY)));
	attest_revoked_free(r);
}
END_TEST

static const struct {
	const char *note, *text;
	uint32_t line, col;
} bad[] = {
	{ "unknown word", "\nserial 12\n", 2, 1 },
	{ "upper-case id", "document 00112233445566778899AABBCCDDEEFF", 1, 1 },
	{ "short id", "  document 0011", 1, 3 },
	{ "no id", "#\n#\ndocument", 3, 1 },
	{ "two ids", "instance i-1 i-2", 1, 1 },
	{ "bad instance", "instance -x", 1, 1 },
	{ "prefix alone", "instance aws/", 1, 1 },
	{ "non-ASCII prefix", "instance \xc3\xa9/i-1", 1, 1 },
	{ "short key", "key NzbL", 1, 1 },
	{ "no token", "token", 1, 1 },
	{ "two accounts", "account a b", 1, 1 },
	{ "standard Base64 key",
	    "key NzbLsXh8uDCcd+6MNwXF4W/7noWXFZAfHkxZRsRGC9X", 1, 1 },
};

START_TEST(a_line_that_could_match_nothing_is_an_error)
{
	struct errors e = { 0 };

	ck_assert_msg(!attest_revoked_parse("r", str_of(bad[_i].text), &e),
	    "%s", bad[_i].note);
	ck_assert_uint_eq(e.n, 1);
	ck_assert_int_eq(e.e[0].code, ERR_CONFIG_VALUE);
	ck_assert_msg(
	    e.e[0].at.line == bad[_i].line && e.e[0].at.col == bad[_i].col,
	    "%s: %u:%u", bad[_i].note, e.e[0].at.line, e.e[0].at.col);
	ck_assert_str_eq(e.e[0].at.file, "r");
}
END_TEST

static const struct {
	enum attest_revocable kind;
	const char *name, *id;
} each[] = {
	{ ATTEST_DOCUMENT, "document", ID },
	{ ATTEST_INSTANCE, "instance", "aws/i-2" },
	{ ATTEST_KEY, "key", KEY },
	{ ATTEST_CREDENTIAL, "credential", "db:17" },
	{ ATTEST_TOKEN, "token", ID },
	{ ATTEST_ACCOUNT, "account", "i-1" },
};

START_TEST(a_kind_is_found_as_itself_alone)
{
	char line[100];
	enum attest_revocable kind = ATTEST_REVOCABLES;
	struct attest_revoked *r;

	snprintf(line, sizeof line, "%s %s", each[_i].name, each[_i].id);
	r = kit_revoked(line);
	ck_str_is(attest_revocable_name(each[_i].kind), each[_i].name);
	ck_assert(attest_revocable_of(str_of(each[_i].name), &kind));
	ck_assert_int_eq(kind, each[_i].kind);
	for (size_t k = 0; k < ATTEST_REVOCABLES; k++)
		ck_assert_int_eq(attest_revoked_has(r, (enum attest_revocable)k,
				     str_of(each[_i].id)),
		    k == each[_i].kind);
	attest_revoked_free(r);
	ck_assert(!attest_revocable_of(STR("Document"), &kind));
}
END_TEST

/* The file's and the store's: both count, and live as long as they are needed.
 */
START_TEST(two_lists_are_one)
{
	struct attest_revoked *file = kit_revoked("instance i-1\n");
	struct attest_revoked *stored = attest_revoked_new(100), *r;

	ck_assert(
	    attest_revoked_add(stored, ATTEST_INSTANCE, STR("b/i-2"), NULL));
	ck_assert(
	    attest_revoked_add(stored, ATTEST_INSTANCE, STR("a/i-2"), NULL));
	attest_revoked_ready(stored);
	r = attest_revoked_join(file, stored);
	attest_revoked_free(file);
	attest_revoked_free(stored);
	ck_assert(attest_revoked_has(r, ATTEST_INSTANCE, STR("a/i-2")));
	ck_assert(revoked_has_instance(r, STR("b/"), STR("i-2")));
	ck_assert(revoked_has_instance(r, STR(""), STR("i-1")));
	ck_assert(!revoked_has_instance(r, STR("c/"), STR("i-2")));
	ck_assert_int_eq(attest_revoked_floor(r), 100);
	ck_assert(revoked_is_before_floor(r, 99));
	ck_assert(!revoked_is_before_floor(r, 100));
	ck_assert(!revoked_is_before_floor(NULL, 0));
	attest_revoked_free(r);
}
END_TEST

START_TEST(all_bad_lines_are_told)
{
	struct errors e = { 0 };

	ck_assert_ptr_null(
	    attest_revoked_parse("r", STR("x\ninstance i-1\ny\nz\n"), &e));
	ck_assert_uint_eq(e.n, 3);
	ck_assert_uint_eq(e.e[2].at.line, 4);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("revoked");
	TCase *tc = tcase_create("revoked");

	tcase_add_test(tc, finds_what_is_listed);
	tcase_add_test(tc, finds_each_of_many);
	tcase_add_test(tc, nothing_is_revoked_by_nothing);
	tcase_add_loop_test(
	    tc, a_line_that_could_match_nothing_is_an_error, 0, ARRAY_LEN(bad));
	tcase_add_test(tc, all_bad_lines_are_told);
	tcase_add_loop_test(
	    tc, a_kind_is_found_as_itself_alone, 0, ARRAY_LEN(each));
	tcase_add_test(tc, two_lists_are_one);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
