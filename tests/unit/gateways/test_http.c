#include "gateways/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "tests/lib/run.h"

/* Nothing here waits this long unless it fails. */
#define PATIENCE_S 10

static struct http_server *server;
static _Atomic unsigned handled;
static _Atomic bool hold;
static struct net_cidr loopback;

/* Says what it was asked: method, path, query, flaw, body. */
static void
echo(void *ctx, const struct http_request *q, struct http_response *r)
{
	(void)ctx;
	atomic_fetch_add(&handled, 1);
	while (atomic_load(&hold) && str_eq(q->path, STR("/hold")))
		usleep(1000);
	r->status = str_eq(q->path, STR("/204")) ? 204 : 200;
	r->content_type = "text/plain";
	buf_printf(&r->body, "[%.*s %.*s %.*s %d %zu:%.*s]", STR_ARG(q->method),
	    STR_ARG(q->path), STR_ARG(q->query), (int)q->flaw, q->body.n,
	    STR_ARG(q->body));
	http_response_header(r, "X-Echo",
	    str_eq(q->path, STR("/bad-value")) ? STR("a\r\nb: c")
					       : http_header(q, "x-test"));
}

static struct http_options
options(void)
{
	return (struct http_options){ .listen = "127.0.0.1:0",
		.trusted = &loopback,
		.n_trusted = 1,
		.threads = 2,
		.client_address_header = "X-Client",
		.client_certificate_header = "X-Cert",
		.handle = echo,
		.flawed_path = "/gate/auth",
		.body_limit = 1000,
		.head_ms = 5000,
		.body_ms = 5000,
		.idle_ms = 5000 };
}

static void
start_with(const struct http_options *o)
{
	struct error err = { 0 };

	server = http_server_start(o, &err);
	ck_assert_msg(server != NULL, "%s", err.msg);
}

static void
start(void)
{
	struct http_options o = options();

	log_threshold(LOG_ERROR);
	ck_assert(net_parse_cidr(STR("127.0.0.0/8"), &loopback));
	atomic_store(&handled, 0);
	atomic_store(&hold, false);
	start_with(&o);
}

static void
stop(void)
{
	http_server_stop(server, 1000);
	server = NULL;
}

static void
restart(const struct http_options *o)
{
	stop();
	start_with(o);
}

/* ---- a client that sends bytes ------------------------------------------- */

static int
dial_from(const char *source)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(http_server_port(server)) };
	struct sockaddr_in from = { .sin_family = AF_INET };
	struct timeval patience = { .tv_sec = PATIENCE_S };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert(fd >= 0);
	inet_pton(AF_INET, source, &from.sin_addr);
	ck_assert(bind(fd, (struct sockaddr *)&from, sizeof from) == 0);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert(connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	return fd;
}

static int
dial(void)
{
	return dial_from("127.0.0.1");
}

static void
say(int fd, struct str bytes)
{
	ck_assert_int_eq(
	    send(fd, bytes.p, bytes.n, MSG_NOSIGNAL), (ssize_t)bytes.n);
}

static char got[65536];

/* All that comes until the other side closes; false when it does not. */
static bool
hear_all(int fd)
{
	size_t n = 0;
	ssize_t k;

	do {
		k = recv(fd, got + n, sizeof got - 1 - n, 0);
		if (k > 0)
			n += (size_t)k;
	} while (k > 0);
	got[n] = '\0';
	return k == 0 || errno == ECONNRESET;
}

/* Until `end` was heard. */
static void
hear_until(int fd, const char *end)
{
	size_t n = 0;
	ssize_t k;

	got[0] = '\0';
	while (!strstr(got, end)) {
		k = recv(fd, got + n, sizeof got - 1 - n, 0);
		ck_assert_msg(k > 0, "heard only: %s", got);
		n += (size_t)k;
		got[n] = '\0';
	}
}

static size_t
count(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

/* ---- heads that are refused ---------------------------------------------- */

#define H "Host: a\r\n"
#define NEXT "GET /second HTTP/1.1\r\n" H "\r\n"

static const struct {
	const char *note;
	struct str raw;
	unsigned status;
} refused[] = {
	{ "both lengths",
	    STR_INIT("POST /a HTTP/1.1\r\n" H "Content-Length: 4\r\n"
		     "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" NEXT),
	    400 },
	{ "both lengths, other order",
	    STR_INIT("POST /a HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n"
		     "Content-Length: 4\r\n\r\n0\r\n\r\n" NEXT),
	    400 },
	{ "two lengths",
	    STR_INIT("POST /a HTTP/1.1\r\n" H "Content-Length: 0\r\n"
		     "Content-Length: 40\r\n\r\n" NEXT),
	    400 },
	{ "two equal lengths",
	    STR_INIT("POST /a HTTP/1.1\r\n" H "Content-Length: 0\r\n"
		     "Content-Length: 0\r\n\r\n" NEXT),
	    400 },
	{ "chunked",
	    STR_INIT("POST /a HTTP/1.1\r\n" H
		     "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" NEXT),
	    411 },
	{ "odd transfer encoding",
	    STR_INIT("POST /a HTTP/1.1\r\n" H
		     "Transfer-Encoding: xchunked\r\n\r\n" NEXT),
	    411 },
	{ "length with a sign",
	    STR_INIT(
		"POST /a HTTP/1.1\r\n" H "Content-Length: +4\r\n\r\nabcd" NEXT),
	    400 },
	{ "length list",
	    STR_INIT("POST /a HTTP/1.1\r\n" H
		     "Content-Length: 4, 4\r\n\r\nabcd" NEXT),
	    400 },
	{ "empty length",
	    STR_INIT("POST /a HTTP/1.1\r\n" H "Content-Length:\r\n\r\n" NEXT),
	    400 },
	{ "body over the limit",
	    STR_INIT(
		"POST /a HTTP/1.1\r\n" H "Content-Length: 1001\r\n\r\n" NEXT),
	    413 },
	{ "space before colon",
	    STR_INIT("GET /a HTTP/1.1\r\n" H "X-Avow-Document : x\r\n\r\n"),
	    400 },
	{ "space in a name",
	    STR_INIT("GET /a HTTP/1.1\r\n" H "X Avow: 1\r\n\r\n"), 400 },
	{ "empty name", STR_INIT("GET /a HTTP/1.1\r\n" H ": 1\r\n\r\n"), 400 },
	{ "no colon", STR_INIT("GET /a HTTP/1.1\r\n" H "abc\r\n\r\n"), 400 },
	{ "folded", STR_INIT("GET /a HTTP/1.1\r\n" H "X-A: 1\r\n 2\r\n\r\n"),
	    400 },
	{ "folded first", STR_INIT("GET /a HTTP/1.1\r\n X-A: 1\r\n" H "\r\n"),
	    400 },
	{ "folded with a tab",
	    STR_INIT("GET /a HTTP/1.1\r\n" H "X-A: 1\r\n\t2\r\nX-B: 1\r\n\r\n"),
	    400 },
	{ "NUL in a value",
	    STR_INIT("GET /a HTTP/1.1\r\n" H "X-A: 1\0002\r\n\r\n"), 400 },
	{ "NUL at the end of a value",
	    STR_INIT("GET /a HTTP/1.1\r\n" H "X-A: 1\0\r\n\r\n"), 400 },
	{ "NUL in a value, not the last",
	    STR_INIT("GET /a HTTP/1.1\r\nX-A: 1\0002\r\n" H "\r\n"), 400 },
	{ "NUL in a name", STR_INIT("GET /a HTTP/1.1\r\n" H "X-A\0: 1\r\n\r\n"),
	    400 },
	{ "NUL in the target", STR_INIT("GET /a\0b HTTP/1.1\r\n" H "\r\n"),
	    400 },
	{ "NUL in the method", STR_INIT("GE\0T /a HTTP/1.1\r\n" H "\r\n"),
	    400 },
	{ "bare LF in the fields",
	    STR_INIT("GET /a HTTP/1.1\r\n" H "X-A: 1\nX-B: 2\r\n\r\n"), 400 },
	{ "bare LF at the end", STR_INIT("GET /a HTTP/1.1\r\n" H "\n"), 400 },
	{ "bare LF after the line", STR_INIT("GET /a HTTP/1.1\n" H "\r\n"),
	    400 },
	{ "bare CR in a value",
	    STR_INIT("GET /a HTTP/1.1\r\n" H "X-A: 1\rX-B: 2\r\n\r\n"), 400 },
	{ "tab in a value",
	    STR_INIT("GET /a HTTP/1.1\r\n" H "X-A: 1\t2\r\n\r\n"), 400 },
	{ "control byte in a value",
	    STR_INIT("GET /a HTTP/1.1\r\n" H "X-A: 1\0012\r\n\r\n"), 400 },
	{ "DEL in a value",
	    STR_INIT("GET /a HTTP/1.1\r\n" H "X-A: \x7f\r\n\r\n"), 400 },
	{ "absolute form",
	    STR_INIT("GET http://evil/x/../y HTTP/1.1\r\n" H "\r\n"), 400 },
	{ "asterisk", STR_INIT("OPTIONS * HTTP/1.1\r\n" H "\r\n"), 400 },
	{ "authority", STR_INIT("CONNECT a:1 HTTP/1.1\r\n" H "\r\n"), 400 },
	{ "fragment", STR_INIT("GET /a#b HTTP/1.1\r\n" H "\r\n"), 400 },
	{ "byte over 0x7f in the target",
	    STR_INIT("GET /\xff HTTP/1.1\r\n" H "\r\n"), 400 },
	{ "space in the target", STR_INIT("GET /a b HTTP/1.1\r\n" H "\r\n"),
	    400 },
	{ "two spaces", STR_INIT("GET  /a HTTP/1.1\r\n" H "\r\n"), 400 },
	{ "no target", STR_INIT("GET HTTP/1.1\r\n" H "\r\n"), 400 },
	{ "odd method", STR_INIT("G(T /a HTTP/1.1\r\n" H "\r\n"), 400 },
	{ "no Host", STR_INIT("GET /a HTTP/1.1\r\n\r\n"), 400 },
	{ "two Hosts", STR_INIT("GET /a HTTP/1.1\r\n" H "host: b\r\n\r\n"),
	    400 },
	{ "repeated evidence, other path",
	    STR_INIT("GET /a HTTP/1.1\r\n" H "X-RHUI-ID: 1\r\n"
		     "x-rhui-id: 1\r\n\r\n" NEXT),
	    400 },
	{ "repeated forwarded, other path",
	    STR_INIT("GET /gate/auth/ HTTP/1.1\r\n" H
		     "X-Forwarded-For: 1\r\nX-FORWARDED-FOR: 1\r\n\r\n"),
	    400 },
	{ "repeated client address header, other path",
	    STR_INIT(
		"GET /a HTTP/1.1\r\n" H "X-Client: 1\r\nx-client: 2\r\n\r\n"),
	    400 },
	{ "repeated Host on the gate's path",
	    STR_INIT("GET /gate/auth HTTP/1.1\r\n" H H "\r\n"), 400 },
};

START_TEST(head_refused)
{
	char status[32];
	int fd = dial();

	say(fd, refused[_i].raw);
	ck_assert_msg(hear_all(fd), "%s: stays open", refused[_i].note);
	snprintf(status, sizeof status, "HTTP/1.1 %u ", refused[_i].status);
	ck_assert_msg(strncmp(got, status, strlen(status)) == 0, "%s: %s",
	    refused[_i].note, got);
	ck_assert_msg(strstr(got, "200 OK") == NULL, "%s: two answers: %s",
	    refused[_i].note, got);
	ck_assert_msg(strstr(got, "Connection: close\r\n") != NULL, "%s: %s",
	    refused[_i].note, got);
	ck_assert_msg(
	    atomic_load(&handled) == 0, "%s: handled", refused[_i].note);
	close(fd);
}
END_TEST

static const struct {
	const char *note;
	size_t line, fields, field; /* bytes; number; bytes of the last */
	unsigned status;
} sizes[] = {
	{ "all right", 100, 60, 100, 200 },
	{ "longest line", LIMIT_HTTP_REQUEST_LINE, 1, 1, 200 },
	{ "line too long", LIMIT_HTTP_REQUEST_LINE + 1, 1, 1, 414 },
	{ "line much too long", 60000, 1, 1, 414 },
	{ "most fields", 100, LIMIT_HTTP_FIELDS, 1, 200 },
	{ "too many fields", 100, LIMIT_HTTP_FIELDS + 1, 1, 431 },
	{ "far too many fields", 100, 2000, 1, 431 },
	{ "longest field", 100, 2, LIMIT_HTTP_FIELD, 200 },
	{ "field too long", 100, 2, LIMIT_HTTP_FIELD + 1, 431 },
	{ "field much too long", 100, 2, 60000, 431 },
	{ "head too long", 8000, 64, 16000, 431 },
};

/* `fields` counts Host; all but the last are some 145 bytes. */
START_TEST(head_sizes)
{
	struct buf b = { 0 };
	char status[32];
	int fd = dial();

	buf_addz(&b, "GET /");
	while (b.n + strlen(" HTTP/1.1") < sizes[_i].line)
		buf_byte(&b, 'a');
	buf_addz(&b, " HTTP/1.1\r\n" H);
	for (size_t i = 2; i < sizes[_i].fields; i++)
		buf_printf(&b, "X-%zu: %0140d\r\n", i, 0);
	if (sizes[_i].fields > 1) {
		buf_addz(&b, "X: ");
		for (size_t i = 1; i < sizes[_i].field; i++)
			buf_byte(&b, 'b');
		buf_addz(&b, "\r\n");
	}
	buf_addz(&b, "\r\n");
	(void)send(fd, b.p, b.n, MSG_NOSIGNAL);
	if (sizes[_i].status == 200)
		hear_until(fd, "]");
	else
		ck_assert(hear_all(fd));
	snprintf(status, sizeof status, "HTTP/1.1 %u ", sizes[_i].status);
	ck_assert_msg(strncmp(got, status, strlen(status)) == 0, "%s: %.200s",
	    sizes[_i].note, got);
	buf_free(&b);
	close(fd);
}
END_TEST

/* ---- what is accepted ---------------------------------------------------- */

static const struct {
	const char *note, *raw, *want;
} fine[] = {
	{ "plain", "GET /a HTTP/1.1\r\n" H "\r\n", "[GET /a  0 0:]" },
	{ "HTTP/1.0 without Host", "GET /a HTTP/1.0\r\n\r\n",
	    "[GET /a  0 0:]" },
	{ "raw target", "GET /a%2f..%00%zz?b=%41&c HTTP/1.1\r\n" H "\r\n",
	    "[GET /a%2f..%00%zz b=%41&c 0 0:]" },
	{ "body", "POST /a HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello",
	    "[POST /a  0 5:hello]" },
	{ "empty body", "POST /a HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n",
	    "[POST /a  0 0:]" },
	{ "values are trimmed",
	    "GET /a HTTP/1.1\r\n" H "X-Test:   b c  \r\n\r\n",
	    "X-Echo: b c\r\n" },
	{ "no store", "GET /a HTTP/1.1\r\n" H "\r\n",
	    "Cache-Control: no-store\r\n" },
	{ "repeated harmless header",
	    "GET /a HTTP/1.1\r\n" H "Accept: a\r\nAccept: b\r\n\r\n",
	    "[GET /a  0 0:]" },
	{ "repeated evidence is the gate's matter",
	    "GET /gate/auth HTTP/1.1\r\n" H
	    "Authorization: a\r\nauthorization: a\r\n\r\n",
	    "[GET /gate/auth  1 0:]" },
	{ "repeated proof is the gate's matter",
	    "GET /gate/auth HTTP/1.1\r\n" H "DPoP: a\r\ndpop: a\r\n\r\n",
	    "[GET /gate/auth  1 0:]" },
	{ "repeated certificate is the gate's matter",
	    "GET /gate/auth HTTP/1.1\r\n" H "X-Cert: a\r\nx-cert: b\r\n\r\n",
	    "[GET /gate/auth  2 0:]" },
	{ "repeated X-Avow header",
	    "GET /gate/auth?x HTTP/1.1\r\n" H
	    "X-Avow-Pack: a\r\nX-Avow-Pack: b\r\n\r\n",
	    "[GET /gate/auth x 1 0:]" },
	{ "repeated forwarded header is the gate's matter",
	    "GET /gate/auth HTTP/1.1\r\n" H
	    "X-Original-URI: a\r\nX-Original-Uri: b\r\n\r\n",
	    "[GET /gate/auth  2 0:]" },
	{ "repeated client address is the gate's matter",
	    "GET /gate/auth HTTP/1.1\r\n" H
	    "X-Client: a\r\nX-Client: b\r\n\r\n",
	    "[GET /gate/auth  2 0:]" },
};

START_TEST(head_accepted)
{
	int fd = dial();

	say(fd, str_of(fine[_i].raw));
	hear_until(fd, fine[_i].want);
	ck_assert_msg(strncmp(got, "HTTP/1.1 200 ", 13) == 0, "%s: %s",
	    fine[_i].note, got);
	close(fd);
}
END_TEST

START_TEST(flaw_closes)
{
	int fd = dial();

	say(fd, STR("GET /gate/auth HTTP/1.1\r\n" H
		    "Authorization: a\r\nAuthorization: a\r\n\r\n" NEXT));
	ck_assert(hear_all(fd));
	ck_assert_ptr_nonnull(strstr(got, "Connection: close\r\n"));
	ck_assert_uint_eq(atomic_load(&handled), 1);
	close(fd);
}
END_TEST

START_TEST(keep_alive_and_pipelining)
{
	int fd = dial();

	say(fd, STR("POST /1 HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nab"
		    "GET /2 HTTP/1.1\r\n" H "\r\n"
		    "GET /3 HTTP/1.1\r\n" H "\r\n"));
	hear_until(fd, "[GET /3  0 0:]");
	ck_assert_ptr_nonnull(strstr(got, "[POST /1  0 2:ab]"));
	ck_assert_ptr_nonnull(strstr(got, "[GET /2  0 0:]"));
	/* And later again, with nothing left of the first. */
	say(fd, STR("POST /4 HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\n"));
	say(fd, STR("x"));
	say(fd, STR("yz"));
	hear_until(fd, "[POST /4  0 3:xyz]");
	ck_assert_ptr_null(strstr(got, "Connection: close"));
	close(fd);
}
END_TEST

START_TEST(bodies_in_pieces)
{
	char piece[100];
	int fd = dial();

	memset(piece, 'p', sizeof piece);
	say(fd, STR("POST /a HTTP/1.1\r\n" H "Content-Length: 1000\r\n\r\n"));
	for (int i = 0; i < 10; i++)
		say(fd, (struct str){ piece, sizeof piece });
	hear_until(fd, "p]");
	ck_assert_ptr_nonnull(strstr(got, "1000:ppp"));
	close(fd);
}
END_TEST

START_TEST(no_body_where_none_belongs)
{
	int fd = dial();

	say(fd, STR("HEAD /a HTTP/1.1\r\n" H "\r\n"
		    "GET /204 HTTP/1.1\r\n" H "Connection: close\r\n\r\n"));
	ck_assert(hear_all(fd));
	ck_assert_ptr_null(strchr(got, '['));
	ck_assert_uint_eq(count(got, "HTTP/1.1 "), 2);
	ck_assert_ptr_nonnull(strstr(got, "HTTP/1.1 204 "));
	ck_assert_uint_eq(count(got, "no-store"), 2);
	close(fd);
}
END_TEST

START_TEST(bad_value_becomes_500)
{
	int fd = dial();

	say(fd,
	    STR("GET /bad-value HTTP/1.1\r\n" H "Connection: close\r\n\r\n"));
	ck_assert(hear_all(fd));
	ck_assert_msg(strncmp(got, "HTTP/1.1 500 ", 13) == 0, "%s", got);
	ck_assert_ptr_null(strstr(got, "b: c"));
	ck_assert_ptr_null(strchr(got, '['));
	close(fd);
}
END_TEST

/* ---- slow and many ------------------------------------------------------- */

static const struct {
	const char *note;
	struct str first;
	int head_ms, body_ms, idle_ms;
} slow[] = {
	{ "says nothing", STR_INIT(""), 100, 60000, 60000 },
	{ "half a line", STR_INIT("GET /a HT"), 100, 60000, 60000 },
	{ "half a head", STR_INIT("GET /a HTTP/1.1\r\n" H "X-"), 100, 60000,
	    60000 },
	{ "half a body",
	    STR_INIT("POST /a HTTP/1.1\r\n" H "Content-Length: 9\r\n\r\nabc"),
	    60000, 100, 60000 },
	{ "nothing after an answer", STR_INIT("GET /a HTTP/1.1\r\n" H "\r\n"),
	    60000, 60000, 100 },
};

START_TEST(slow_is_closed)
{
	struct http_options o = options();
	int fd;

	o.head_ms = slow[_i].head_ms;
	o.body_ms = slow[_i].body_ms;
	o.idle_ms = slow[_i].idle_ms;
	restart(&o);
	fd = dial();
	say(fd, slow[_i].first);
	ck_assert_msg(hear_all(fd), "%s: stays open", slow[_i].note);
	close(fd);
}
END_TEST

/* A byte now and then does not stretch the time for a head. */
START_TEST(slow_loris_is_closed)
{
	struct http_options o = options();
	struct timeval short_wait = { .tv_usec = 20000 };
	int64_t begin = clock_mono_ns();
	char c;
	int fd;

	o.head_ms = 200;
	restart(&o);
	fd = dial();
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &short_wait, sizeof short_wait);
	say(fd, STR("GET /a HTTP/1.1\r\nX: "));
	while (send(fd, "a", 1, MSG_NOSIGNAL) == 1 && recv(fd, &c, 1, 0) != 0)
		ck_assert_msg(
		    clock_mono_ns() - begin < PATIENCE_S * 1000000000ll,
		    "still open");
	close(fd);
}
END_TEST

/* The same between two requests, where idle time would be long. */
START_TEST(slow_loris_after_an_answer)
{
	struct http_options o = options();
	struct timeval short_wait = { .tv_usec = 20000 };
	int64_t begin = clock_mono_ns();
	char c;
	int fd;

	o.head_ms = 200;
	o.idle_ms = 60000;
	restart(&o);
	fd = dial();
	say(fd, STR("GET /a HTTP/1.1\r\n" H "\r\n"));
	hear_until(fd, "]");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &short_wait, sizeof short_wait);
	while (send(fd, "a", 1, MSG_NOSIGNAL) == 1 && recv(fd, &c, 1, 0) != 0)
		ck_assert_msg(
		    clock_mono_ns() - begin < PATIENCE_S * 1000000000ll,
		    "still open");
	close(fd);
}
END_TEST

/* A slow handler is not a slow client. */
START_TEST(handler_has_its_time)
{
	struct http_options o = options();
	int64_t until = clock_mono_ns() + 300 * 1000000ll;
	int fd;

	o.head_ms = o.body_ms = 50;
	o.idle_ms = 2000;
	restart(&o);
	atomic_store(&hold, true);
	fd = dial();
	say(fd, STR("GET /hold HTTP/1.1\r\n" H "\r\n"));
	while (clock_mono_ns() < until)
		usleep(5000);
	atomic_store(&hold, false);
	hear_until(fd, "[GET /hold  0 0:]");
	close(fd);
}
END_TEST

/* An answered request proves that a connection is in. */
static bool
is_served(int fd)
{
	ssize_t k;

	if (send(fd, "GET /a HTTP/1.1\r\n" H "\r\n", 28, MSG_NOSIGNAL) != 28)
		return false;
	k = recv(fd, got, 12, MSG_WAITALL);
	if (k != 12)
		return false;
	hear_until(fd, "]");
	return true;
}

START_TEST(limit_of_connections)
{
	struct http_options o = options();
	int fd[4], other;

	o.connections = 3;
	restart(&o);
	for (int i = 0; i < 4; i++) {
		fd[i] = dial();
		ck_assert_msg(is_served(fd[i]) == (i < 3), "connection %d", i);
	}
	close(fd[0]);
	close(fd[3]);
	/* The place is free once the server has seen the end. */
	for (other = dial(); !is_served(other); other = dial())
		close(other);
	close(other);
	close(fd[1]);
	close(fd[2]);
}
END_TEST

START_TEST(limit_of_one_address)
{
	struct http_options o = options();
	int one[3], two, three;

	o.connections_per_address = 2;
	ck_assert(net_parse_cidr(STR("127.0.0.9"), &loopback));
	restart(&o);
	for (int i = 0; i < 3; i++) {
		one[i] = dial_from("127.0.0.2");
		ck_assert_msg(is_served(one[i]) == (i < 2), "%d", i);
	}
	two = dial_from("127.0.0.3");
	ck_assert(is_served(two));
	for (int i = 0; i < 3; i++)
		close(one[i]);
	close(two);
	for (int i = 0; i < 5; i++) { /* a trusted peer; left open */
		three = dial_from("127.0.0.9");
		ck_assert_msg(is_served(three), "trusted %d", i);
	}
}
END_TEST

/* ---- stopping, other sockets --------------------------------------------- */

static void *
stop_now(void *ctx)
{
	(void)ctx;
	stop();
	return NULL;
}

START_TEST(stop_waits_for_requests)
{
	struct timespec pause = { .tv_nsec = 50000000 };
	pthread_t t;
	int fd = dial(), late;
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(http_server_port(server)) };

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	atomic_store(&hold, true);
	say(fd, STR("GET /hold HTTP/1.1\r\n" H "\r\n"));
	while (atomic_load(&handled) == 0)
		nanosleep(&pause, NULL);
	ck_assert_int_eq(pthread_create(&t, NULL, stop_now, NULL), 0);
	late = socket(AF_INET, SOCK_STREAM, 0);
	while (connect(late, (struct sockaddr *)&to, sizeof to) == 0) {
		close(late);
		nanosleep(&pause, NULL);
		late = socket(AF_INET, SOCK_STREAM, 0);
	}
	close(late);
	atomic_store(&hold, false);
	ck_assert(hear_all(fd));
	ck_assert_ptr_nonnull(strstr(got, "[GET /hold  0 0:]"));
	ck_assert_ptr_nonnull(strstr(got, "Connection: close\r\n"));
	pthread_join(t, NULL);
	close(fd);
}
END_TEST

static int
dial_unix(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
	if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
		return fd;
	close(fd);
	return -1;
}

START_TEST(unix_socket)
{
	struct http_options o = options();
	struct http_server *second;
	struct error err = { 0 };
	char listen[300], path[256];
	struct stat st;
	int fd;

	snprintf(path, sizeof path, "%s/gate.sock", test_folder());
	snprintf(listen, sizeof listen, "unix:%s", path);
	o.listen = listen;
	restart(&o);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0660);
	fd = dial_unix(path);
	ck_assert(fd >= 0 && is_served(fd));
	close(fd);
	/* A live one is not taken away. */
	second = http_server_start(&o, &err);
	ck_assert_ptr_null(second);
	ck_assert_int_eq(err.code, ERR_SYSTEM_ERROR);
	ck_assert_int_eq(stat(path, &st), 0);
	stop();
	ck_assert_int_ne(stat(path, &st), 0);
}
END_TEST

/* Our own number is known, or not; `echo` says who asked. */
static bool
knows_us(void *ctx, uint32_t uid)
{
	(void)ctx;
	return uid == geteuid();
}

static bool
knows_nobody(void *ctx, uint32_t uid)
{
	(void)ctx, (void)uid;
	return false;
}

static _Atomic uint32_t asked_by;

static void
note_user(void *ctx, const struct http_request *q, struct http_response *r)
{
	atomic_store(&asked_by, q->peer_user);
	echo(ctx, q, r);
}

/* Users are known, or not; or only counted, where the path says who connects.
 */
START_TEST(unix_socket_for_users)
{
	bool known = _i != 1, is_counted = _i == 2;
	struct http_options o = options();
	char listen[300], path[256];
	struct stat st;
	int fd[3];

	snprintf(path, sizeof path, "%s/user.sock", test_folder());
	snprintf(listen, sizeof listen, "unix:%s", path);
	o.listen = listen;
	if (!is_counted)
		o.knows_user = known ? knows_us : knows_nobody;
	o.counts_users = is_counted;
	o.connections_per_address = 2;
	o.handle = note_user;
	restart(&o);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, is_counted ? 0660 : 0666);
	/* As many as one user may have; of whom nobody knows all together. */
	for (int i = 0; i < 3; i++) {
		fd[i] = dial_unix(path);
		ck_assert_int_ge(fd[i], 0);
		ck_assert_msg(is_served(fd[i]) == (i < 2), "%d", i);
	}
	ck_assert_uint_eq(
	    atomic_load(&asked_by), known ? geteuid() : HTTP_STRANGER);
	for (int i = 0; i < 3; i++)
		close(fd[i]);
}
END_TEST

START_TEST(unix_socket_in_place)
{
	struct http_options o = options();
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct error err = { 0 };
	char listen[300];
	FILE *f;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(at.sun_path, sizeof at.sun_path, "%s/dead", test_folder());
	snprintf(listen, sizeof listen, "unix:%s", at.sun_path);
	o.listen = listen;
	/* A dead one is. */
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	close(fd);
	restart(&o);
	fd = dial_unix(at.sun_path);
	ck_assert(fd >= 0 && is_served(fd));
	close(fd);
	stop();
	/* What is no socket stays. */
	f = fopen(at.sun_path, "w");
	ck_assert_ptr_nonnull(f);
	fclose(f);
	ck_assert_ptr_null(http_server_start(&o, &err));
	ck_assert_int_eq(err.code, ERR_SYSTEM_ERROR);
	ck_assert_int_eq(unlink(at.sun_path), 0);
}
END_TEST

static const struct {
	const char *listen;
	enum err_code code;
} bad_listen[] = {
	{ "127.0.0.1", ERR_CONFIG_VALUE },
	{ "localhost:80", ERR_CONFIG_VALUE },
	{ "::1:80", ERR_CONFIG_VALUE },
	{ "127.0.0.1:65536", ERR_CONFIG_VALUE },
	{ "127.0.0.1:+1", ERR_CONFIG_VALUE },
	{ ":80", ERR_CONFIG_VALUE },
	{ "unix:relative", ERR_CONFIG_VALUE },
	{ "unix:", ERR_CONFIG_VALUE },
	{ "", ERR_CONFIG_VALUE },
	{ "192.0.2.1:0", ERR_SYSTEM_ERROR }, /* not ours */
	{ "unix:/nonexistent/folder/s", ERR_SYSTEM_ERROR },
};

START_TEST(listen_refused)
{
	struct http_options o = options();
	struct error err = { 0 };

	o.listen = bad_listen[_i].listen;
	ck_assert_ptr_null(http_server_start(&o, &err));
	ck_assert_int_eq(err.code, bad_listen[_i].code);
}
END_TEST

START_TEST(bad_tls_does_not_start)
{
	struct http_options o = options();
	struct error err = { 0 };

	o.tls_certificate_pem = o.tls_key_pem = "nothing";
	ck_assert_ptr_null(http_server_start(&o, &err));
	ck_assert_int_eq(err.code, ERR_KEY_FORM);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("http");
	TCase *tc = tcase_create("http");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_set_timeout(tc, 3 * PATIENCE_S);
	tcase_add_loop_test(tc, head_refused, 0, ARRAY_LEN(refused));
	tcase_add_loop_test(tc, head_sizes, 0, ARRAY_LEN(sizes));
	tcase_add_loop_test(tc, head_accepted, 0, ARRAY_LEN(fine));
	tcase_add_test(tc, flaw_closes);
	tcase_add_test(tc, keep_alive_and_pipelining);
	tcase_add_test(tc, bodies_in_pieces);
	tcase_add_test(tc, no_body_where_none_belongs);
	tcase_add_test(tc, bad_value_becomes_500);
	tcase_add_loop_test(tc, slow_is_closed, 0, ARRAY_LEN(slow));
	tcase_add_test(tc, slow_loris_is_closed);
	tcase_add_test(tc, slow_loris_after_an_answer);
	tcase_add_test(tc, handler_has_its_time);
	tcase_add_test(tc, limit_of_connections);
	tcase_add_test(tc, limit_of_one_address);
	tcase_add_test(tc, stop_waits_for_requests);
	tcase_add_test(tc, unix_socket);
	tcase_add_loop_test(tc, unix_socket_for_users, 0, 3);
	tcase_add_test(tc, unix_socket_in_place);
	tcase_add_loop_test(tc, listen_refused, 0, ARRAY_LEN(bad_listen));
	tcase_add_test(tc, bad_tls_does_not_start);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
