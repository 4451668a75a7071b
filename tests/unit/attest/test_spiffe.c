/* SPIFFE ids: what is one and what is none. */
#include "attest/spiffe.h"

#include "tests/lib/run.h"

static const struct {
	const char *id, *domain, *path; /* domain NULL: none */
} ids[] = {
	{ "spiffe://acme.example/instance/i-1", "acme.example",
	    "/instance/i-1" },
	{ "spiffe://acme.example", "acme.example", "" },
	{ "spiffe://a_b-c.9/A.b_c-D", "a_b-c.9", "/A.b_c-D" },
	{ "spiffe://acme.example/", NULL, NULL },
	{ "spiffe://acme.example/a/", NULL, NULL },
	{ "spiffe://acme.example//a", NULL, NULL },
	{ "spiffe://acme.example/./a", NULL, NULL },
	{ "spiffe://acme.example/../a", NULL, NULL },
	{ "spiffe://acme.example/...", "acme.example", "/..." },
	{ "spiffe://acme.example/a%2fb", NULL, NULL },
	{ "spiffe://Acme.example/a", NULL, NULL },
	{ "SPIFFE://acme.example/a", NULL, NULL },
	{ "spiffe://acme.example:443/a", NULL, NULL },
	{ "spiffe://u@acme.example/a", NULL, NULL },
	{ "spiffe://acme.example/a?b", NULL, NULL },
	{ "spiffe://acme.example/a#b", NULL, NULL },
	{ "spiffe:///a", NULL, NULL },
	{ "spiffe://", NULL, NULL },
	{ "https://acme.example/a", NULL, NULL },
	{ "", NULL, NULL },
};

START_TEST(an_id)
{
	struct str domain, path;
	bool ok = spiffe_id_parse(str_of(ids[_i].id), &domain, &path);

	ck_assert_msg(ok == (ids[_i].domain != NULL), "%s", ids[_i].id);
	if (ok) {
		ck_str_is(domain, ids[_i].domain);
		ck_str_is(path, ids[_i].path);
	}
}
END_TEST

START_TEST(ours)
{
	struct buf b = { 0 };
	struct str domain, path, id;

	spiffe_id_write(&b, STR("acme.example"), STR("i-1"));
	ck_assert(spiffe_id_parse(buf_str(&b), &domain, &path));
	ck_assert(spiffe_instance(path, &id));
	ck_str_is(id, "i-1");
	ck_assert(!spiffe_instance(STR("/instance/a/b"), &id));
	ck_assert(!spiffe_instance(STR("/instance/"), &id));
	ck_assert(!spiffe_instance(STR("/host/i-1"), &id));
	buf_free(&b);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("spiffe");
	TCase *tc = tcase_create("spiffe");

	tcase_add_loop_test(tc, an_id, 0, ARRAY_LEN(ids));
	tcase_add_test(tc, ours);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
