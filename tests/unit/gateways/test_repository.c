/* test_repository.c - a path into a package: which gate, which repository, what
 * policies see of it. */
#include "gateways/gate.h"

#include "tests/lib/entities.h"
#include "tests/unit/gateways/gate_kit.h"

static struct gate_kit k;

static void
setup(void)
{
	kit_open(&k);
}

static void
teardown(void)
{
	kit_fini(&k);
}

static const struct {
	const char *note, *method, *target;
	enum err_code want;
	const char *gate, *repository, *rest, *query;
} rows[] = {
	{ "a package", "GET", "/debian/pool/a.deb", ERR_NONE, "updates", "main",
	    "pool/a.deb", "" },
	{ "HEAD", "HEAD", "/debian/a", ERR_NONE, "updates", "main", "a", "" },
	{ "a query", "GET", "/debian/a?b=/../c", ERR_NONE, "updates", "main",
	    "a", "b=/../c" },
	{ "another gate", "GET", "/free/x", ERR_NONE, "open", "free", "x", "" },
	{ "a plain dot", "GET", "/debian/./a", ERR_NONE, "updates", "main", "a",
	    "" },
	{ "decoded once", "GET", "/debian/a%2b%2Bb", ERR_NONE, "updates",
	    "main", "a++b", "" },
	{ "POST", "POST", "/debian/a", ERR_REQUEST_METHOD, .gate = NULL },
	{ "OPTIONS", "OPTIONS", "/debian/a", ERR_REQUEST_METHOD, .gate = NULL },
	{ "CONNECT", "CONNECT", "/debian/a", ERR_REQUEST_METHOD, .gate = NULL },
	{ "GET and more", "GET ", "/debian/a", ERR_REQUEST_METHOD,
	    .gate = NULL },
	{ "no method", "", "/debian/a", ERR_REQUEST_METHOD, .gate = NULL },
	{ "the method before the path", "PUT", "/../", ERR_REQUEST_METHOD,
	    .gate = NULL },
	{ "elsewhere", "GET", "/ubuntu/a", ERR_REQUEST_PATH, .gate = NULL },
	{ "the root", "GET", "/", ERR_REQUEST_PATH, .gate = NULL },
	{ "nothing", "GET", "", ERR_REQUEST_PATH, .gate = NULL },
	{ "up", "GET", "/debian/../free/a", ERR_REQUEST_PATH, .gate = NULL },
};

static struct gate_seen
seen_of(const char *method, const char *target)
{
	return (struct gate_seen){ .method = str_of(method),
		.target = str_of(target),
		.protocol = STR("https"),
		.now_ms = k.now_ms };
}

START_TEST(finds)
{
	struct gate_seen seen = seen_of(rows[_i].method, rows[_i].target);
	struct gate_package p = { 0 };
	struct error err = { 0 };
	bool ok = repository_find(k.a, k.env.state, &seen, &p, &err);

	ck_assert_msg(err.code == rows[_i].want, "%s: got %s", rows[_i].note,
	    error_id(err.code));
	ck_assert_int_eq(ok, rows[_i].want == ERR_NONE);
	if (!ok) {
		ck_assert_ptr_null(p.gate);
		return;
	}
	ck_str_is(p.gate->name, rows[_i].gate);
	ck_str_is(p.repository->name, rows[_i].repository);
	ck_str_is(p.rest, rows[_i].rest);
	ck_str_is(seen.query, rows[_i].query);
}
END_TEST

static const struct {
	const char *target, *id, *attrs;
} packages[] = {
	{ "/debian/pool/nginx_1.22-1_amd64.deb",
	    "main/pool/nginx_1.22-1_amd64.deb",
	    "{\"architecture\": \"amd64\", \"kind\": \"package\", \"name\": "
	    "\"nginx\", \"path\": \"pool/nginx_1.22-1_amd64.deb\", "
	    "\"repository\": \"main\", \"version\": \"1.22-1\"}" },
	/* What the name does not tell is not there. */
	{ "/debian/dists/stable/InRelease", "main/dists/stable/InRelease",
	    "{\"kind\": \"index\", \"path\": \"dists/stable/InRelease\", "
	    "\"repository\": \"main\"}" },
	{ "/free/notes", "free/notes",
	    "{\"kind\": \"other\", \"path\": \"notes\", \"repository\": "
	    "\"free\"}" },
	/* Not the other repository by a name with a slash. */
	{ "/free/main/x", "free/main/x",
	    "{\"kind\": \"other\", \"path\": \"main/x\", \"repository\": "
	    "\"free\"}" },
};

START_TEST(asks)
{
	struct attest_evidence e = kit_sign(&k, &(struct kit_doc){ 0 });
	struct gate_seen seen = seen_of("GET", packages[_i].target);
	const struct engine_request *r;
	const struct engine_gated *g;
	struct gate_package p;
	struct gate_proven proven;
	struct error err = { 0 };
	struct buf b = { 0 };
	struct uid repository = { STR("Repository"), { NULL, 0 } };
	bool ok = net_parse_addr(STR("10.0.0.7"), &seen.client);

	seen.evidence.evidence = e;
	ok = ok && repository_find(k.a, k.env.state, &seen, &p, &err) &&
	     gate_prove(k.a, k.env.state, p.gate, &seen, &k.env.prover, &proven,
		 NULL, &err) &&
	     repository_request(k.a, k.env.state, &p, &seen, &proven, &g, &err);
	ck_assert_msg(ok, "%s", err.msg);
	r = engine_gated_request(g);
	ck_str_is(r->principal.type, "Instance");
	ck_str_is(r->principal.id, "i-1");
	ck_str_is(r->action.id, "repository:get");
	ck_str_is(r->resource.type, "Package");
	ck_str_is(r->resource.id, packages[_i].id);
	value_print(&b, &record_of(r->entities, r->resource)->attrs);
	ck_str_is(buf_str(&b), packages[_i].attrs);
	repository.id = p.repository->name;
	ck_assert(entities_in(r->entities, r->resource, repository));
	buf_free(&b);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("repository");
	TCase *tc = tcase_create("repository");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, finds, 0, ARRAY_LEN(rows));
	tcase_add_loop_test(tc, asks, 0, ARRAY_LEN(packages));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
