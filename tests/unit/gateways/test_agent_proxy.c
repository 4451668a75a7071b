/* test_agent_proxy.c - the local proxy between a request that is made here and
 * an upstream that is a server of ours: what is refused, what is passed on,
 * what comes back, and how. */
#include "gateways/agent_proxy.h"

#include "base/limits.h"
#include "tests/unit/gateways/agent_kit.h"

#define LARGE (1u << 20)

static struct agent_kit k;
static struct http_server *upstream;
static struct http_options upstream_options;
static struct agent_upstream upstreams[2];
static struct agent_proxy *proxy;
/* What the upstream saw, and does. */
static char seen[4096];
static unsigned n_seen;
static char proofs[4][2048];
static bool wants_nonce;

static void
note(const struct http_request *q)
{
	int n = snprintf(seen, sizeof seen, "%.*s %.*s\n", STR_ARG(q->method),
	    STR_ARG(q->target));

	for (size_t i = 0; i < q->n_headers; i++)
		n += snprintf(seen + n, sizeof seen - (size_t)n, "%.*s: %.*s\n",
		    STR_ARG(q->headers[i].name), STR_ARG(q->headers[i].value));
	(void)snprintf(proofs[n_seen % 4], sizeof proofs[0], "%.*s",
	    STR_ARG(http_header(q, "dpop")));
	n_seen++;
}

static void
handle(void *ctx, const struct http_request *q, struct http_response *r)
{
	(void)ctx;
	note(q);
	r->status = 200;
	r->content_type = "text/plain";
	http_response_header(r, "ETag", STR("\"e\""));
	http_response_header(r, "Set-Cookie", STR("a=b"));
	http_response_header(r, "WWW-Authenticate", STR("DPoP"));
	if (str_has_suffix(q->path, STR("/redirect"))) {
		r->status = 302;
		http_response_header(r, "Location", STR("https://e.example/"));
	} else if (str_has_suffix(q->path, STR("/large"))) {
		for (unsigned i = 0; i < LARGE / 16; i++)
			buf_printf(&r->body, "%015u\n", i);
	} else if (wants_nonce && n_seen == 1) {
		r->status = 401;
		http_response_header(r, "DPoP-Nonce", STR("nonce-1"));
	} else {
		buf_addz(&r->body, "body");
	}
}

static void
setup(void)
{
	struct error err = { 0 };
	struct str url;

	agent_kit_init(&k);
	agent_kit_document(&k, "web-1", AGENT_KIT_CLAIMS, 3600);
	upstream_options = (struct http_options){
		.listen = "127.0.0.1:0", .threads = 2, .handle = handle
	};
	upstream = http_server_start(&upstream_options, &err);
	ck_assert_msg(upstream != NULL, "%s", err.msg);
	url = str_printf(
	    k.a, "http://127.0.0.1:%u/up", http_server_port(upstream));
	upstreams[0] = (struct agent_upstream){ .prefix = STR("/debian/"),
		.to.url = url,
		.audience = STR("updates") };
	upstreams[1] = (struct agent_upstream){ .prefix = STR("/debian/p/"),
		.to.url = url,
		.show = AGENT_SHOW_PACK };
	k.config.upstreams = upstreams;
	k.config.n_upstreams = 2;
	k.config.proxy_listen = STR("127.0.0.1:8255");
	ck_assert_msg(agent_kit_open(&k, &err), "%s", err.msg);
	agent_core_run(k.core);
	proxy = agent_proxy_new(k.core, &err);
	ck_assert_msg(proxy != NULL, "%s", err.msg);
	n_seen = 0;
	wants_nonce = false;
}

static void
teardown(void)
{
	agent_proxy_free(proxy);
	http_server_stop(upstream, 100);
	agent_kit_fini(&k);
}

/* One answer, with its body pulled in blocks of `block`. */
struct got {
	unsigned status;
	struct str body, reason, etag;
	int64_t size;
	bool broke, has_cookie;
};

static void
pull(struct got *g, struct http_stream *s, size_t block)
{
	struct buf all = { 0 };
	char part[5000];
	ptrdiff_t n;

	g->size = s->size;
	while ((n = s->read(s->ctx, part, block)) > 0)
		buf_add(&all, (struct str){ part, (size_t)n });
	g->broke = n < 0;
	s->end(s->ctx);
	g->body = str_dup(k.a, buf_str(&all));
	buf_free(&all);
}

static struct got
ask(const char *method, const char *target, const char *host,
    struct http_header more)
{
	struct http_header headers[2] = { { STR("Host"), str_of(host) }, more };
	struct http_request q = { .method = str_of(method),
		.target = str_of(target),
		.headers = headers,
		.n_headers = more.name.n ? 2 : 1,
		.arena = arena_new(0) };
	size_t cut = str_find(q.target, '?', 0);
	struct http_response r = { 0 };
	struct got g = { 0 };

	q.path = str_sub(q.target, 0, cut);
	q.query = str_sub(q.target, cut + 1, q.target.n);
	agent_proxy_handle(proxy, &q, &r);
	g.status = r.status;
	for (size_t i = 0; i < r.n_headers; i++) {
		struct str value = str_dup(k.a, r.headers[i].value);

		if (http_name_eq(r.headers[i].name, "x-avow-reason"))
			g.reason = value;
		if (http_name_eq(r.headers[i].name, "etag"))
			g.etag = value;
		g.has_cookie |=
		    http_name_eq(r.headers[i].name, "set-cookie") ||
		    http_name_eq(r.headers[i].name, "www-authenticate");
	}
	if (r.stream.end)
		pull(&g, &r.stream, 5000);
	buf_free(&r.body);
	arena_free(q.arena);
	return g;
}

static struct got
get(const char *target)
{
	return ask("GET", target, "127.0.0.1:8255", (struct http_header){ 0 });
}

START_TEST(passes_on_with_a_proof)
{
	struct got g = get("/debian/x?y=%2f");

	ck_assert_uint_eq(g.status, 200);
	ck_str_is(g.body, "body");
	ck_str_is(g.etag, "\"e\"");
	ck_assert_int_eq(g.size, 4);
	ck_assert(!g.has_cookie);
	ck_assert(strncmp(seen, "GET /up/x?y=%2f\n", 16) == 0);
	ck_assert_ptr_nonnull(strstr(seen, "Authorization: DPoP eyJ"));
	ck_assert_uint_gt(strlen(proofs[0]), 100);
	(void)get("/debian/x?y=%2f");
	ck_assert_str_ne(proofs[0], proofs[1]);
}
END_TEST

START_TEST(the_longest_prefix_counts)
{
	ck_assert_uint_eq(get("/debian/p/x").status, 200);
	ck_assert(strncmp(seen, "GET /up/x\n", 10) == 0);
	ck_assert_ptr_nonnull(strstr(seen, "X-Avow-Pack: avow1.avow."));
	ck_assert_ptr_null(strstr(seen, "Authorization"));
}
END_TEST

/* Bound to the agent's key: shown with a proof; to another's: not taken. */
START_TEST(a_bound_document_goes_with_a_proof)
{
	char jkt[44];
	struct error err = { 0 };

	ck_assert(attest_key_thumbprint(
	    agent_kit_path(&k, "state/instance.key.pem"), jkt, &err));
	agent_kit_bound(&k, "web-1", AGENT_KIT_CLAIMS, 3600, jkt);
	agent_core_hurry(k.core);
	agent_core_run(k.core);
	wants_nonce = true;
	ck_assert_uint_eq(get("/debian/p/x").status, 200);
	ck_assert_uint_eq(n_seen, 2);
	ck_assert_ptr_nonnull(strstr(seen, "X-Avow-Pack: avow1.avow."));
	ck_assert_uint_gt(strlen(proofs[1]), 100);
	ck_assert_str_ne(proofs[0], proofs[1]);
}
END_TEST

static const struct {
	const char *name, *value;
	bool is_passed;
} headers[] = {
	{ "Range", "bytes=1-2", true },
	{ "If-Modified-Since", "Mon, 02 Mar 2026 00:00:00 GMT", true },
	{ "User-Agent", "apt", true },
	{ "Cookie", "a=b", false },
	{ "Connection", "X-Secret", false },
	{ "Proxy-Authorization", "Basic eDp5", false },
	{ "X-Forwarded-For", "10.0.0.1", false },
	{ "Accept-Encoding", "gzip", false },
};

START_TEST(headers_of_the_table_alone)
{
	struct http_header h = { str_of(headers[_i].name),
		str_of(headers[_i].value) };
	char line[128];

	ck_assert_uint_eq(ask("GET", "/debian/x", "localhost", h).status, 200);
	(void)snprintf(
	    line, sizeof line, "%s: %s\n", headers[_i].name, headers[_i].value);
	ck_assert_msg(
	    (strstr(seen, line) != NULL) == headers[_i].is_passed, "%s", seen);
}
END_TEST

/* What the asker says of itself does not stand beside what is shown for it. */
START_TEST(an_identity_of_the_askers_is_dropped)
{
	struct http_header h = { STR("Authorization"), STR("Basic eDp5") };
	const char *first;

	ck_assert_uint_eq(ask("GET", "/debian/x", "localhost", h).status, 200);
	first = strstr(seen, "Authorization:");
	ck_assert_ptr_nonnull(first);
	ck_assert_ptr_null(strstr(first + 1, "Authorization:"));
	ck_assert_ptr_null(strstr(seen, "Basic"));
}
END_TEST

START_TEST(asks_once_more_with_the_nonce)
{
	wants_nonce = true;
	ck_assert_uint_eq(get("/debian/x").status, 200);
	ck_assert_uint_eq(n_seen, 2);
	ck_assert_str_ne(proofs[0], proofs[1]);
	/* And keeps it for the next. */
	ck_assert_uint_eq(get("/debian/x").status, 200);
	ck_assert_uint_eq(n_seen, 3);
}
END_TEST

START_TEST(a_large_body_is_whole)
{
	struct got g = get("/debian/large");

	ck_assert_uint_eq(g.status, 200);
	ck_assert_int_eq(g.size, LARGE);
	ck_assert(!g.broke);
	ck_assert_uint_eq(g.body.n, LARGE);
	for (unsigned i = 0; i < LARGE / 16; i += 997) {
		char want[17];

		(void)snprintf(want, sizeof want, "%015u\n", i);
		ck_assert(memcmp(g.body.p + (size_t)i * 16, want, 16) == 0);
	}
}
END_TEST

START_TEST(a_body_that_breaks_off_does_not_end_well)
{
	struct http_header host = { STR("Host"), STR("localhost") };
	struct http_request q = { .method = STR("GET"),
		.target = STR("/debian/large"),
		.path = STR("/debian/large"),
		.headers = &host,
		.n_headers = 1,
		.arena = k.a };
	struct http_response r = { 0 };
	char part[1000];
	ptrdiff_t n;
	size_t all = 0;

	agent_proxy_handle(proxy, &q, &r);
	ck_assert_uint_eq(r.status, 200);
	ck_assert_int_gt(r.stream.read(r.stream.ctx, part, sizeof part), 0);
	agent_proxy_drain(proxy, 0);
	while ((n = r.stream.read(r.stream.ctx, part, sizeof part)) > 0)
		all += (size_t)n;
	ck_assert_int_eq(n, -1);
	ck_assert_uint_lt(all, LARGE);
	r.stream.end(r.stream.ctx);
	ck_assert_uint_eq(get("/debian/x").status, 503);
}
END_TEST

static const struct {
	const char *method, *target, *host;
	unsigned status;
	const char *reason;
} refusals[] = {
	{ "POST", "/debian/x", "localhost", 405, "request.method" },
	{ "CONNECT", "/debian/x", "localhost", 405, "request.method" },
	{ "GET", "/debian/x", "evil.example", 403, "request.peer" },
	{ "GET", "/debian/x", "", 403, "request.peer" },
	{ "GET", "/other/x", "localhost", 404, "request.path" },
	{ "GET", "/debian", "localhost", 404, "request.path" },
	{ "GET", "/%64ebian/x", "localhost", 404, "request.path" },
	{ "GET", "/debian/../x", "localhost", 403, "request.path" },
	{ "GET", "/debian/%2e%2e/x", "localhost", 403, "request.path" },
	{ "GET", "/debian//x", "localhost", 403, "request.path" },
	{ "GET", "/debian/x%00", "localhost", 403, "request.path" },
	{ "GET", "http://evil.example/debian/x", "localhost", 403,
	    "request.path" },
	{ "GET", "/debian/redirect", "localhost", 502, "data.missing" },
};

START_TEST(refuses)
{
	struct got g = ask(refusals[_i].method, refusals[_i].target,
	    refusals[_i].host, (struct http_header){ 0 });

	ck_assert_msg(g.status == refusals[_i].status, "%s: %u",
	    refusals[_i].target, g.status);
	ck_str_is(g.reason, refusals[_i].reason);
	ck_assert_uint_eq(n_seen, g.status == 502 ? 1 : 0);
}
END_TEST

START_TEST(nothing_is_shown_that_has_ended)
{
	struct got g;

	k.now_ms += 3600000;
	g = get("/debian/x");
	ck_assert_uint_eq(g.status, 503);
	ck_str_is(g.reason, "evidence.expired");
	g = get("/debian/p/x");
	ck_assert_uint_eq(g.status, 503);
	ck_assert_uint_eq(n_seen, 0);
}
END_TEST

START_TEST(an_upstream_that_is_gone)
{
	struct got g;

	http_server_stop(upstream, 0);
	upstream = NULL;
	g = get("/debian/x");
	ck_assert_uint_eq(g.status, 502);
	ck_str_is(g.reason, "data.missing");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("agent proxy");
	TCase *tc = tcase_create("agent proxy");

	json_setup();
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, passes_on_with_a_proof);
	tcase_add_test(tc, the_longest_prefix_counts);
	tcase_add_loop_test(
	    tc, headers_of_the_table_alone, 0, ARRAY_LEN(headers));
	tcase_add_test(tc, an_identity_of_the_askers_is_dropped);
	tcase_add_test(tc, a_bound_document_goes_with_a_proof);
	tcase_add_test(tc, asks_once_more_with_the_nonce);
	tcase_add_test(tc, a_large_body_is_whole);
	tcase_add_test(tc, a_body_that_breaks_off_does_not_end_well);
	tcase_add_loop_test(tc, refuses, 0, ARRAY_LEN(refusals));
	tcase_add_test(tc, nothing_is_shown_that_has_ended);
	tcase_add_test(tc, an_upstream_that_is_gone);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
