#include "gateways/forwarded.h"

#include "tests/lib/run.h"

#define MAX_HEADERS 8

/* `lines` are `Name: value` separated by '\n'. */
static struct http_request
request(const char *peer, const char *lines, struct http_header *headers)
{
	struct http_request q = { .headers = headers };
	struct str text = str_of(lines);
	size_t at = 0, end, colon;

	if (peer)
		ck_assert(net_parse_addr(str_of(peer), &q.peer));
	else
		q.peer_is_unix = true;
	for (; at < text.n; at = end + 1) {
		end = str_find(text, '\n', at);
		colon = str_find(text, ':', at);
		headers[q.n_headers].name = str_sub(text, at, colon);
		headers[q.n_headers++].value = str_sub(text, colon + 2, end);
	}
	return q;
}

static struct net_cidr proxies[2];
static const struct config config = {
	.proxies = { proxies, 2 },
	.client_address = STR_INIT("X-Forwarded-For"),
};

static void
setup(void)
{
	ck_assert(net_parse_cidr(STR("127.0.0.1/32"), &proxies[0]));
	ck_assert(net_parse_cidr(STR("10.1.0.0/16"), &proxies[1]));
}

#define PROXY "127.0.0.1"
#define OTHER "192.0.2.7"

static const struct {
	const char *note, *peer, *headers;
	/* For PROXIES_ONLY, then for ANY_PEER: the client or the code. */
	const char *only, *any;
	bool https;
} clients[] = {
	{ "one entry", PROXY, "X-Forwarded-For: 10.0.0.5", "10.0.0.5",
	    "10.0.0.5", false },
	{ "https", PROXY, "X-Forwarded-For: 10.0.0.5\nX-Forwarded-Proto: https",
	    "10.0.0.5", "10.0.0.5", true },
	{ "http", PROXY, "x-forwarded-for: 10.0.0.5\nx-forwarded-proto: http",
	    "10.0.0.5", "10.0.0.5", false },
	{ "Unix socket", NULL, "X-Forwarded-For: 10.0.0.5", "10.0.0.5",
	    "10.0.0.5", false },
	{ "over proxies", PROXY, "X-Forwarded-For: 10.0.0.5, 10.1.2.3,10.1.0.1",
	    "10.0.0.5", "10.0.0.5", false },
	{ "what stands left is what the client said", PROXY,
	    "X-Forwarded-For: 10.0.0.9, 10.1.0.1, 192.0.2.1, 10.1.0.1",
	    "192.0.2.1", "192.0.2.1", false },
	{ "only proxies", PROXY, "X-Forwarded-For: 10.1.0.9, 127.0.0.1",
	    "10.1.0.9", "10.1.0.9", false },
	{ "client on the proxy itself", PROXY, "X-Forwarded-For: 127.0.0.1",
	    "127.0.0.1", "127.0.0.1", false },
	{ "mapped is IPv4", PROXY, "X-Forwarded-For: ::ffff:10.0.0.5",
	    "10.0.0.5", "10.0.0.5", false },
	{ "mapped proxy", PROXY, "X-Forwarded-For: 10.0.0.5, ::ffff:10.1.0.1",
	    "10.0.0.5", "10.0.0.5", false },
	{ "IPv6", PROXY, "X-Forwarded-For: 2001:DB8::1", "2001:db8::1",
	    "2001:db8::1", false },
	{ "others are ignored", PROXY,
	    "X-Real-IP: 1.2.3.4\nForwarded: for=1.2.3.4\n"
	    "X-Forwarded-For: 10.0.0.5",
	    "10.0.0.5", "10.0.0.5", false },
	{ "not a proxy", OTHER,
	    "X-Forwarded-For: 10.0.0.5\nX-Forwarded-Proto: https",
	    "request.peer", OTHER, false },
	{ "next to a proxy", "127.0.0.2", "X-Forwarded-For: 10.0.0.5",
	    "request.peer", "127.0.0.2", false },
	{ "proxy speaks for itself", PROXY, "X-Real-IP: 10.0.0.5",
	    "request.malformed", PROXY, false },
	{ "half of what a proxy says", PROXY, "X-Forwarded-Proto: https",
	    "request.malformed", "request.malformed", false },
	{ "pair without address", PROXY, "X-Original-URI: /a",
	    "request.malformed", "request.malformed", false },
	{ "Unix socket without address", NULL, "", "request.malformed",
	    "request.malformed", false },
	{ "twice", PROXY,
	    "X-Forwarded-For: 10.0.0.5\nX-FORWARDED-FOR: 10.0.0.5",
	    "request.malformed", "request.malformed", false },
	{ "protocol twice", PROXY,
	    "X-Forwarded-For: 10.0.0.5\nX-Forwarded-Proto: https\n"
	    "X-Forwarded-Proto: https",
	    "request.malformed", "request.malformed", false },
	{ "odd protocol", PROXY,
	    "X-Forwarded-For: 10.0.0.5\nX-Forwarded-Proto: HTTPS",
	    "request.malformed", "request.malformed", false },
	{ "protocol list", PROXY,
	    "X-Forwarded-For: 10.0.0.5\nX-Forwarded-Proto: https, http",
	    "request.malformed", "request.malformed", false },
};

static void
check_client(size_t i, enum gateways_peers peers, const char *want)
{
	struct http_header headers[MAX_HEADERS];
	struct http_request q =
	    request(clients[i].peer, clients[i].headers, headers);
	struct gateways_client client;
	struct error err = { 0 };
	struct buf b = { 0 };

	if (gateways_forwarded_client(&q, &config, peers, &client, &err)) {
		net_print(&b, &client.address);
		ck_assert_msg(client.is_https == clients[i].https, "%s: https",
		    clients[i].note);
	} else
		buf_addz(&b, error_id(err.code));
	ck_assert_msg(str_eq(buf_str(&b), str_of(want)), "%s: %.*s, not %s",
	    clients[i].note, STR_ARG(b), want);
	buf_free(&b);
}

START_TEST(client_found)
{
	check_client((size_t)_i, GATEWAYS_PROXIES_ONLY, clients[_i].only);
	check_client((size_t)_i, GATEWAYS_ANY_PEER, clients[_i].any);
}
END_TEST

static const char *const odd[] = { "", " ", "unknown", "10.0.0.5:80",
	"[2001:db8::1]", "[2001:db8::1]:80", "fe80::1%eth0", "010.0.0.5",
	"10.0.0.05", "10.0.5", "::10.0.0.5", "localhost", "10.0.0.5,",
	",10.0.0.5", "10.0.0.5,,10.1.0.1", "10.0.0.5;10.1.0.1", "10.0.0.5/32",
	"0x0a000005", "167772165", "\"10.0.0.5\"", "10.0.0.5 10.1.0.1",
	"for=10.0.0.5", "_hidden", "unknown, 10.0.0.5", "10.0.0.5\t" };

START_TEST(odd_address_refused)
{
	const struct http_header header = { STR("X-Forwarded-For"),
		str_of(odd[_i]) };
	struct http_request q = { .headers = &header, .n_headers = 1 };
	struct gateways_client client;
	struct error err = { 0 };

	ck_assert(net_parse_addr(STR(PROXY), &q.peer));
	ck_assert_msg(!gateways_forwarded_client(
			  &q, &config, GATEWAYS_PROXIES_ONLY, &client, &err),
	    "accepted `%s`", odd[_i]);
	ck_assert_int_eq(err.code, ERR_REQUEST_MALFORMED);
}
END_TEST

START_TEST(direct_tls)
{
	struct http_request q = { .is_tls = true };
	struct gateways_client client;

	ck_assert(net_parse_addr(STR(OTHER), &q.peer));
	ck_assert(gateways_forwarded_client(
	    &q, &config, GATEWAYS_ANY_PEER, &client, NULL));
	ck_assert(client.is_https && !client.is_forwarded);
	/* What lies behind a proxy is the proxy's to say. */
	ck_assert(net_parse_addr(STR(PROXY), &q.peer));
	q.headers =
	    &(struct http_header){ STR("X-Forwarded-For"), STR("10.0.0.5") };
	q.n_headers = 1;
	ck_assert(gateways_forwarded_client(
	    &q, &config, GATEWAYS_ANY_PEER, &client, NULL));
	ck_assert(!client.is_https && client.is_forwarded);
}
END_TEST

START_TEST(no_proxies_by_default)
{
	const struct config none = { .client_address =
					 STR_INIT("X-Forwarded-For") };
	struct http_request q = { 0 };

	ck_assert(net_parse_addr(STR("127.0.0.1"), &q.peer));
	ck_assert(!gateways_forwarded_is_proxy(&q, &none));
	q.peer.family = 0;
	ck_assert(!gateways_forwarded_is_proxy(&q, &none));
	q.peer_is_unix = true;
	ck_assert(gateways_forwarded_is_proxy(&q, &none));
}
END_TEST

static const struct {
	const char *headers, *method, *target;
} originals[] = {
	{ "X-Original-Method: GET\nX-Original-URI: /a", "GET", "/a" },
	{ "x-forwarded-method: HEAD\nx-forwarded-uri: /a?b", "HEAD", "/a?b" },
	{ "X-Forwarded-For: 1\nX-Forwarded-Proto: http\n"
	  "X-Original-Uri: /a\nX-Original-Method: GET",
	    "GET", "/a" },
	{ "", NULL, NULL },
	{ "X-Original-Method: GET", NULL, NULL },
	{ "X-Original-URI: /a", NULL, NULL },
	{ "X-Original-Method: GET\nX-Forwarded-Uri: /a", NULL, NULL },
	{ "X-Original-Method: GET\nX-Original-URI: /a\n"
	  "X-Forwarded-Method: GET\nX-Forwarded-Uri: /a",
	    NULL, NULL },
	{ "X-Original-Method: GET\nX-Original-URI: /a\nX-Forwarded-Uri: /b",
	    NULL, NULL },
	{ "X-Original-Method: GET\nX-Original-URI: /a\nX-Original-URI: /b",
	    NULL, NULL },
	{ "X-Original-Method: GET\nX-Original-Method: GET", NULL, NULL },
	{ "X-Original-URI: /a\nX-Original-URI: /a", NULL, NULL },
	{ "X-Original-Method: GET\nX-Original-Method: PUT\n"
	  "X-Original-URI: /a",
	    NULL, NULL },
};

START_TEST(original_request)
{
	struct http_header headers[MAX_HEADERS];
	struct http_request q = request(PROXY, originals[_i].headers, headers);
	struct gateways_original got = { 0 };
	struct error err = { 0 };
	bool ok = gateways_forwarded_original(&q, &got, &err);

	ck_assert_int_eq(ok, originals[_i].method != NULL);
	if (!ok) {
		ck_assert_int_eq(err.code, ERR_REQUEST_MALFORMED);
		return;
	}
	ck_str_is(got.method, originals[_i].method);
	ck_str_is(got.target, originals[_i].target);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("forwarded");
	TCase *tc = tcase_create("forwarded");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, client_found, 0, ARRAY_LEN(clients));
	tcase_add_loop_test(tc, odd_address_refused, 0, ARRAY_LEN(odd));
	tcase_add_test(tc, direct_tls);
	tcase_add_test(tc, no_proxies_by_default);
	tcase_add_loop_test(tc, original_request, 0, ARRAY_LEN(originals));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
