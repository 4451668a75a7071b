/* test_client.c - our client against our server, over TLS: whom either takes
 * for whom, and what both sides say of their channel. */
#include "gateways/client.h"

#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "gateways/http.h"
#include "gateways/listen.h"
#include "tests/lib/certs.h"
#include "tests/lib/run.h"

static struct arena *arena;
static struct certs_ca ca, other_ca;
static struct http_server *server;
static struct client *client;
/* What the handler saw last. */
static enum tls_client seen;
static char subject[300];
static uint8_t channel[TLS_CHANNEL_BYTES];
static bool has_channel;

static void
handle(void *ctx, const struct http_request *q, struct http_response *r)
{
	(void)ctx;
	seen = q->client;
	snprintf(subject, sizeof subject, "%.*s", STR_ARG(q->client_subject));
	has_channel = http_channel(q, channel);
	r->status = 200;
	r->content_type = "text/plain";
	buf_printf(&r->body, "%.*s %.*s %.*s", STR_ARG(q->method),
	    STR_ARG(q->target), STR_ARG(q->body));
	http_response_header(r, "DPoP-Nonce", STR("n1"));
	http_response_header(r, "Location", STR("https://elsewhere.example/"));
}

static const char *
put(const char *name, const char *text)
{
	struct error err = { 0 };
	struct str path = str_printf(arena, "%s/%s", test_folder(), name);

	ck_assert_msg(
	    file_replace(path.p, 0600, str_of(text), &err), "%s", err.msg);
	return path.p;
}

static const struct certs_say here = {
	.cn = "sts", .org = "Acme, Inc.", .names = "DNS:localhost,IP:127.0.0.1"
};

static void
setup(void)
{
	log_threshold(LOG_ERROR);
	arena = arena_new(0);
	certs_ca_make(&ca, arena, "Our CA");
	certs_ca_make(&other_ca, arena, "Other CA");
}

static void
teardown(void)
{
	client_free(client);
	client = NULL;
	http_server_stop(server, 1000);
	server = NULL;
	certs_ca_free(&ca);
	certs_ca_free(&other_ca);
	arena_free(arena);
}

static void
serve(const struct certs_ca *by, const struct certs_say *say, bool asks)
{
	static struct http_options o;
	struct certs_leaf leaf = certs_leaf(by, arena, say);
	struct error err = { 0 };

	o = (struct http_options){ .listen = "127.0.0.1:0",
		.threads = 2,
		.handle = handle,
		.tls_certificate_pem = leaf.certificate,
		.tls_key_pem = leaf.key,
		.tls_client_ca_pem = asks ? ca.pem : NULL };
	put("server.pem", leaf.certificate);
	server = http_server_start(&o, &err);
	ck_assert_msg(server != NULL, "%s", err.msg);
}

static struct client_options
options(void)
{
	return (struct client_options){ .url = str_printf(arena,
					    "https://localhost:%u",
					    http_server_port(server))
						   .p,
		.ca_file = put("ca.pem", ca.pem),
		.timeout_ms = 5000 };
}

static bool
ask(const struct client_options *o, struct client_response *ret,
    struct error *err)
{
	const struct client_request q = { .method = "GET",
		.path = STR("/v1/x?y=%2f") };

	*err = (struct error){ 0 };
	client_free(client);
	client = client_new(o, err);
	return client && client_send(client, arena, &q, ret, err);
}

static void
ck_answers(const struct client_options *o)
{
	struct client_response r;
	struct error err;

	ck_assert_msg(ask(o, &r, &err), "%s", err.msg);
	ck_assert_uint_eq(r.status, 200);
}

static void
ck_refuses(const struct client_options *o, enum err_code code)
{
	struct client_response r;
	struct error err;

	ck_assert(!ask(o, &r, &err));
	ck_assert_msg(err.code == code, "%d: %s", (int)err.code, err.msg);
	ck_assert(err.msg[0] != '\0');
}

START_TEST(by_name)
{
	struct client_options o;
	struct client_response r;
	struct error err;

	serve(&ca, &here, false);
	o = options();
	ck_assert_msg(ask(&o, &r, &err), "%s", err.msg);
	ck_assert_uint_eq(r.status, 200);
	ck_str_is(r.body, "GET /v1/x?y=%2f ");
	ck_str_is(r.content_type, "text/plain");
	ck_str_is(r.dpop_nonce, "n1");
	ck_assert(r.is_new_connection);
	ck_assert_int_eq(seen, TLS_CLIENT_NONE);
}
END_TEST

/* The name that was asked for is in none of its names; the subject's common
 * name does not count (RFC 9525 2). */
START_TEST(by_another_name)
{
	struct client_options o;
	const struct certs_say say = { .cn = "localhost",
		.names = "DNS:sts.example" };

	serve(&ca, &say, false);
	o = options();
	ck_refuses(&o, ERR_DATA_MISSING);
}
END_TEST

START_TEST(by_another_ca)
{
	struct client_options o;

	serve(&other_ca, &here, false);
	o = options();
	ck_refuses(&o, ERR_DATA_MISSING);
}
END_TEST

START_TEST(expired)
{
	struct client_options o;
	struct certs_say say = here;

	say.is_expired = true;
	serve(&ca, &say, false);
	o = options();
	ck_refuses(&o, ERR_DATA_MISSING);
	/* Pinned, too. */
	o.pinned_file = put("pin.pem", o.ca_file);
	o.pinned_file = str_printf(arena, "%s/server.pem", test_folder()).p;
	ck_refuses(&o, ERR_DATA_MISSING);
}
END_TEST

/* Whatever name it has, and whoever made it: it is that certificate. */
START_TEST(pinned)
{
	const struct certs_say say = { .cn = "x", .names = "DNS:x.example" };
	struct client_options o;

	serve(&other_ca, &say, false);
	o = options();
	o.ca_file = NULL;
	o.pinned_file = str_printf(arena, "%s/server.pem", test_folder()).p;
	ck_answers(&o);
	o.pinned_file =
	    put("pin.pem", certs_leaf(&other_ca, arena, &say).certificate);
	ck_refuses(&o, ERR_DATA_MISSING);
	o.pinned_file = put("pin.pem", "nothing");
	ck_refuses(&o, ERR_KEY_FORM);
	o.pinned_file = "/nonexistent";
	ck_refuses(&o, ERR_FILE_READ);
}
END_TEST

START_TEST(by_subject)
{
	struct certs_say say = {
		.cn = "sts", .org = "Acme, Inc.", .names = "DNS:x.example"
	};
	struct client_options o;

	serve(&ca, &say, false);
	o = options();
	o.subject = "CN=sts,O=Acme\\, Inc.";
	ck_answers(&o);
	o.subject = "CN=sts,O=Acme";
	ck_refuses(&o, ERR_DATA_MISSING);
	o.subject = "CN=sts";
	ck_refuses(&o, ERR_DATA_MISSING);
	/* The subject of a certificate that nobody vouches for is a claim. */
	o.subject = "CN=sts,O=Acme\\, Inc.";
	o.ca_file = put("ca2.pem", other_ca.pem);
	ck_refuses(&o, ERR_DATA_MISSING);
	o.pinned_file = o.ca_file;
	ck_refuses(&o, ERR_USAGE);
}
END_TEST

static const struct {
	const char *url;
	enum err_code code;
} bad_urls[] = {
	{ "http://example.com", ERR_USAGE },
	{ "http://10.0.0.1:80", ERR_USAGE },
	{ "http://127.0.0.1.example.com", ERR_USAGE },
	{ "http://localhost@example.com", ERR_USAGE },
	{ "http://localhost:80@example.com", ERR_USAGE },
	{ "https://user:word@localhost:1", ERR_USAGE },
	{ "ftp://localhost", ERR_USAGE },
	{ "localhost:1", ERR_USAGE },
	{ "https://localhost:1/", ERR_USAGE },
	{ "http://127.0.0.1:1", ERR_DATA_MISSING },
	{ "unix:/nonexistent", ERR_DATA_MISSING },
};

START_TEST(urls_refused)
{
	const struct client_options o = { .url = bad_urls[_i].url,
		.timeout_ms = 2000 };

	ck_refuses(&o, bad_urls[_i].code);
}
END_TEST

/* ---- the client's own certificate ---------------------------------------- */

static void
show(struct client_options *o, const struct certs_ca *by,
    const struct certs_say *say)
{
	struct certs_leaf leaf = certs_leaf(by, arena, say);

	o->certificate_file = put("own.pem", leaf.certificate);
	o->key_file = put("own.key", leaf.key);
}

START_TEST(client_certificates)
{
	struct certs_say ann = {
		.cn = "ann", .org = "Acme", .is_for_clients = true
	};
	struct client_options o;

	serve(&ca, &here, true);
	o = options();
	ck_answers(&o);
	ck_assert_int_eq(seen, TLS_CLIENT_NONE);
	show(&o, &ca, &ann);
	ck_answers(&o);
	ck_assert_int_eq(seen, TLS_CLIENT_PROVEN);
	ck_assert_str_eq(subject, "CN=ann,O=Acme");
	show(&o, &other_ca, &ann);
	ck_answers(&o);
	ck_assert_int_eq(seen, TLS_CLIENT_REFUSED);
	ck_assert_str_eq(subject, "");
	ann.is_expired = true;
	show(&o, &ca, &ann);
	ck_answers(&o);
	ck_assert_int_eq(seen, TLS_CLIENT_REFUSED);
	/* A server's certificate is no client's. */
	show(&o, &ca, &here);
	ck_answers(&o);
	ck_assert_int_eq(seen, TLS_CLIENT_REFUSED);
	o.key_file = NULL;
	ck_refuses(&o, ERR_USAGE);
}
END_TEST

START_TEST(not_asked_for)
{
	const struct certs_say ann = { .cn = "ann", .is_for_clients = true };
	struct client_options o;

	serve(&ca, &here, false);
	o = options();
	show(&o, &ca, &ann);
	ck_answers(&o);
	ck_assert_int_eq(seen, TLS_CLIENT_NONE);
}
END_TEST

/* ---- the channel, the connection, the certificate's change -----------------
 */

START_TEST(one_channel)
{
	uint8_t mine[CLIENT_CHANNEL_BYTES], first[CLIENT_CHANNEL_BYTES];
	const struct client_request q = { .method = "POST",
		.path = STR("/"),
		.content_type = "text/plain",
		.body = STR("body") };
	struct client_options o;
	struct client_response r;
	struct error err = { 0 };

	serve(&ca, &here, false);
	o = options();
	ck_answers(&o);
	ck_assert(has_channel && client_channel(client, mine));
	ck_assert_mem_eq(mine, channel, sizeof mine);
	memcpy(first, mine, sizeof first);
	/* Kept for the next request. */
	ck_assert(client_send(client, arena, &q, &r, &err));
	ck_str_is(r.body, "POST / body");
	ck_assert(!r.is_new_connection);
	ck_assert(client_channel(client, mine));
	ck_assert_mem_eq(mine, first, sizeof mine);
	/* Another connection has another. */
	ck_answers(&o);
	ck_assert(client_channel(client, mine));
	ck_assert_mem_eq(mine, channel, sizeof mine);
	ck_assert_mem_ne(mine, first, sizeof mine);
}
END_TEST

START_TEST(certificate_changes)
{
	struct client_options o;
	struct certs_leaf next;
	struct error err = { 0 };

	serve(&ca, &here, false);
	o = options();
	o.pinned_file = str_printf(arena, "%s/server.pem", test_folder()).p;
	ck_answers(&o);
	next = certs_leaf(&ca, arena, &here);
	/* What does not go together changes nothing. */
	ck_assert(!http_server_tls_reload(
	    server, next.certificate, certs_leaf(&ca, arena, &here).key, &err));
	ck_assert_int_eq(err.code, ERR_KEY_FORM);
	ck_answers(&o);
	err = (struct error){ 0 };
	ck_assert_msg(
	    http_server_tls_reload(server, next.certificate, next.key, &err),
	    "%s", err.msg);
	ck_refuses(&o, ERR_DATA_MISSING);
	o.pinned_file = put("next.pem", next.certificate);
	ck_answers(&o);
}
END_TEST

/* Two servers of one process keep their certificates apart. */
START_TEST(two_servers)
{
	struct http_server *first;
	struct client_options o;
	const struct certs_say say = { .cn = "x", .names = "DNS:x.example" };

	serve(&ca, &here, false);
	first = server;
	o = options();
	serve(&ca, &say, false);
	ck_answers(&o);
	o = options();
	ck_refuses(&o, ERR_DATA_MISSING);
	http_server_stop(first, 1000);
}
END_TEST

static const struct {
	struct str name;
} bad_headers[] = { { STR_INIT("a\r\nb: c") }, { STR_INIT("a\nb") } };

START_TEST(headers_cannot_split)
{
	const struct client_header header = { "X-A", bad_headers[_i].name };
	const struct client_request q = { .method = "GET",
		.path = STR("/"),
		.headers = &header,
		.n_headers = 1 };
	const struct client_options o = { .url = "http://127.0.0.1:1" };
	struct client_response r;
	struct error err = { 0 };

	client = client_new(&o, &err);
	ck_assert_ptr_nonnull(client);
	ck_assert(!client_send(client, arena, &q, &r, &err));
	ck_assert_int_eq(err.code, ERR_USAGE);
}
END_TEST

/* A socket that takes a request and never answers. */
START_TEST(gives_up_a_silent_server)
{
	const struct client_request q = {
		.method = "GET", .path = STR("/"), .may_repeat = true
	};
	const atomic_bool gives_up = true;
	struct listen_address at;
	struct client_options o = { .gives_up = &gives_up,
		.timeout_ms = 20000 };
	struct client_response r;
	struct error err = { 0 };
	int64_t began_ns = clock_mono_ns();
	bool is_handed_over;
	int fd;

	ck_assert(listen_parse(STR("127.0.0.1:0"), &at, &err));
	ck_assert(listen_open(&at, &fd, &is_handed_over, &err));
	o.url =
	    str_printf(arena, "http://127.0.0.1:%u", (unsigned)listen_port(fd))
		.p;
	client = client_new(&o, &err);
	ck_assert_msg(client != NULL, "%s", err.msg);
	ck_assert(!client_send(client, arena, &q, &r, &err));
	ck_assert_int_eq(err.code, ERR_DATA_MISSING);
	ck_assert_int_lt(clock_mono_ns() - began_ns, 10000000000);
	close(fd);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("client");
	TCase *tc = tcase_create("client");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, by_name);
	tcase_add_test(tc, by_another_name);
	tcase_add_test(tc, by_another_ca);
	tcase_add_test(tc, expired);
	tcase_add_test(tc, pinned);
	tcase_add_test(tc, by_subject);
	tcase_add_loop_test(tc, urls_refused, 0, ARRAY_LEN(bad_urls));
	tcase_add_test(tc, client_certificates);
	tcase_add_test(tc, not_asked_for);
	tcase_add_test(tc, one_channel);
	tcase_add_test(tc, certificate_changes);
	tcase_add_test(tc, two_servers);
	tcase_add_test(tc, gives_up_a_silent_server);
	tcase_add_loop_test(
	    tc, headers_cannot_split, 0, ARRAY_LEN(bad_headers));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
