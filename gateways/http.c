/* http.c - libmicrohttpd 0.9.75, held on a short lead.
 * What it gets wrong by itself is measured: it takes both length headers, two
 * lengths, NUL in a header, odd names, folded lines and bare LF, cuts the URL
 * at %00, and lets a byte a second hold a connection for ever. So here: the raw
 * target comes from the URI log callback; on the first call for a request all
 * headers are walked (http_head.c) and the head's bytes are compared with them,
 * which shows whatever was cut or joined; a refusal is queued on that first
 * call, which makes the library close the connection and read nothing more; a
 * request that is fine is answered on the last call, which keeps it open.
 * Time is http_deadline.c's, what an answer looks like http_answer.c's. */
#include "gateways/http.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "gateways/http_private.h"
#include "gateways/listen.h"

/* The head, the library's own lists beside it, the head of the answer. */
#define POOL_BYTES (LIMIT_HTTP_HEAD + 16384u)

/* Where users are known, whom nobody knows has no number of his own. */
static uint32_t
user_of(const struct http_server *s, int fd)
{
	struct ucred cred = { .uid = HTTP_STRANGER };
	socklen_t n = sizeof cred;

	if (!s->unix_path ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) != 0)
		return HTTP_STRANGER;
	return !s->o.knows_user || s->o.knows_user(s->o.ctx, cred.uid)
		   ? cred.uid
		   : HTTP_STRANGER;
}

static struct http_connection *
connection_new(struct http_server *s, struct MHD_Connection *m)
{
	const union MHD_ConnectionInfo *fd =
	    MHD_get_connection_info(m, MHD_CONNECTION_INFO_CONNECTION_FD);
	const union MHD_ConnectionInfo *from =
	    MHD_get_connection_info(m, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct http_connection *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	/* Twice the body: it may grow once; the rest is for the route. */
	c->arena = arena_new(2 * s->o.body_limit + LIMIT_SCRATCH_BYTES);
	if (!c->arena || !fd) {
		arena_free(c->arena);
		free(c);
		return NULL;
	}
	c->server = s;
	c->fd = fd->connect_fd;
	if (!from || !from->client_addr ||
	    !net_from_sockaddr(from->client_addr, &c->peer))
		c->peer_is_unix = s->unix_path != NULL;
	c->peer_user = user_of(s, c->fd);
	c->is_trusted = c->peer_is_unix ? !s->o.knows_user && !s->o.counts_users
					: http_is_trusted(s, &c->peer);
	http_set_deadline(c, HTTP_PHASE_HEAD, s->head_ns);
	return c;
}

static void
on_connection(void *ctx, struct MHD_Connection *m, void **slot,
    enum MHD_ConnectionNotificationCode what)
{
	struct http_server *s = ctx;
	struct http_connection *c = *slot;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		c = connection_new(s, m);
		*slot = c;
		if (c)
			http_link_in(s, c);
		return;
	}
	if (!c)
		return;
	http_link_out(s, c);
	if (c->counts)
		atomic_fetch_sub(&s->active, 1);
	buf_free(&c->response.body);
	http_end_stream(&c->response);
	arena_free(c->arena);
	free(c);
	*slot = NULL;
}

static struct http_connection *
connection_of(struct MHD_Connection *m)
{
	const union MHD_ConnectionInfo *i =
	    MHD_get_connection_info(m, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return i ? i->socket_context : NULL;
}

/* ---- TLS ----------------------------------------------------------------- */

static bool
open_tls(struct http_server *s, struct error *reterr)
{
	if (!s->o.tls_key_pem)
		return true;
	s->tls = tls_listener_new(s->o.tls_certificate_pem, s->o.tls_key_pem,
	    http_has_socket, s, reterr);
	return s->tls != NULL;
}

bool
http_server_tls_reload(struct http_server *s, const char *certificate_pem,
    const char *key_pem, struct error *reterr)
{
	return tls_listener_reload(s->tls, certificate_pem, key_pem, reterr);
}

bool
http_tls_read(struct arena *a, const char *certificate_file,
    const char *key_file, struct http_options *to, struct error *reterr)
{
	struct str certificate, key;

	if (!file_read(a, certificate_file, LIMIT_KEY_FILE_BYTES, &certificate,
		reterr) ||
	    !file_read_secret(a, key_file, LIMIT_KEY_FILE_BYTES, &key, reterr))
		return false;
	to->tls_certificate_pem = certificate.p;
	to->tls_key_pem = key.p;
	return true;
}

bool
http_server_tls_reread(struct http_server *s, const char *certificate_file,
    const char *key_file, struct error *reterr)
{
	struct arena *a = arena_new(0);
	struct http_options now = { 0 };
	bool ok =
	    a ? http_tls_read(a, certificate_file, key_file, &now, reterr) &&
		    http_server_tls_reload(
			s, now.tls_certificate_pem, now.tls_key_pem, reterr)
	      : error_nomem(reterr);

	arena_free(a);
	return ok;
}

static void
read_client(struct http_connection *c, void *session)
{
	struct str subject = { 0 };

	c->knows_client = true;
	if (!c->server->o.tls_client_ca_pem)
		return;
	c->client = tls_client_of(session, c->arena, &subject);
	if (subject.n >= sizeof c->client_subject)
		c->client = TLS_CLIENT_REFUSED;
	else if (c->client == TLS_CLIENT_PROVEN)
		memcpy(c->client_subject, subject.p, subject.n + 1);
}

static void
read_tls(struct http_connection *c, struct MHD_Connection *m)
{
	struct http_request *r = &c->request;
	const union MHD_ConnectionInfo *i =
	    MHD_get_connection_info(m, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	r->is_tls = c->server->tls != NULL;
	if (!r->is_tls || !i)
		return;
	r->tls_session = i->tls_session;
	if (!c->knows_client)
		read_client(c, i->tls_session);
	r->client = c->client;
	r->client_subject = str_of(c->client_subject);
}

bool
http_channel(const struct http_request *r, uint8_t ret[TLS_CHANNEL_BYTES])
{
	return r->tls_session && tls_channel(r->tls_session, ret);
}

/* ---- reading a request --------------------------------------------------- */

/* The request line is there; `uri` still has its query. */
static void *
on_uri(void *ctx, const char *uri, struct MHD_Connection *m)
{
	struct http_connection *c = connection_of(m);

	(void)ctx;
	if (!c)
		return NULL;
	if (atomic_load(&c->phase) == HTTP_PHASE_IDLE)
		http_set_deadline(c, HTTP_PHASE_HEAD, c->server->head_ns);
	c->target_at = uri;
	c->request.target = str_dup(c->arena, str_of(uri));
	return NULL;
}

static enum MHD_Result
on_header(void *ctx, enum MHD_ValueKind kind, const char *name, size_t name_n,
    const char *value, size_t value_n)
{
	struct http_request *r = ctx;
	/* Counted before: room for as many as may stand, and one more. */
	struct http_header *all = (struct http_header *)(uintptr_t)r->headers;

	(void)kind;
	if (r->n_headers > LIMIT_HTTP_FIELDS)
		return MHD_NO;
	all[r->n_headers++] =
	    (struct http_header){ { name, name_n }, { value, value_n } };
	return MHD_YES;
}

static struct str
trim(struct str s)
{
	while (s.n > 0 && s.p[s.n - 1] == ' ')
		s.n--;
	return s;
}

static struct http_head_verdict
broken(unsigned status, const char *code, const char *why)
{
	return (struct http_head_verdict){ status, code, why };
}

/* Fill and judge c->request from what the library has. */
static struct http_head_verdict
read_head(struct http_connection *c, struct MHD_Connection *m,
    const char *method, const char *version)
{
	const union MHD_ConnectionInfo *size =
	    MHD_get_connection_info(m, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	struct http_request *r = &c->request;
	struct http_header *headers =
	    ARENA_ARRAY(c->arena, LIMIT_HTTP_FIELDS + 1, struct http_header);

	if (!headers || !size || !c->target_at || !r->target.p)
		return broken(500, "system.error", "out of memory");
	if (size->header_size > LIMIT_HTTP_HEAD)
		return broken(431, "request.limit", "the head is too long");
	r->method = str_of(method);
	r->headers = headers;
	r->peer = c->peer;
	r->peer_is_unix = c->peer_is_unix;
	r->peer_user = c->peer_user;
	r->arena = c->arena;
	read_tls(c, m);
	MHD_get_connection_values_n(m, MHD_HEADER_KIND, on_header, r);
	if (r->n_headers > LIMIT_HTTP_FIELDS)
		return broken(431, "request.limit", "too many header fields");
	if (!http_head_is_exact(method, size->header_size, r->method,
		c->target_at, r->target.n, str_of(version), headers,
		r->n_headers))
		return broken(400, "request.malformed",
		    "NUL, bare LF, a folded line or spaces in the head");
	for (size_t i = 0; i < r->n_headers; i++)
		headers[i].value = trim(headers[i].value);
	return http_head_check(
	    r, str_of(version), &c->server->rules, &c->body_want);
}

/* ---- answering ----------------------------------------------------------- */

static enum MHD_Result
queue(struct http_connection *c, struct MHD_Connection *m)
{
	struct MHD_Response *response;
	enum MHD_Result ok;

	if (atomic_load(&c->server->draining) || c->request.flaw)
		c->response.close = true;
	response = http_make_response(c);
	http_end_stream(&c->response); /* of an answer that has no body */
	if (!response)
		return MHD_NO;
	http_set_deadline(c, HTTP_PHASE_WRITE, c->server->idle_ns);
	ok = MHD_queue_response(m, c->response.status, response);
	MHD_destroy_response(response);
	c->is_queued = true;
	return ok;
}

static enum MHD_Result
refuse(struct http_connection *c, struct MHD_Connection *m,
    struct http_head_verdict v)
{
	buf_free(&c->response.body);
	c->response =
	    (struct http_response){ .status = v.status, .close = true };
	http_response_header(&c->response, "X-Avow-Reason", str_of(v.code));
	return queue(c, m);
}

static bool
sees_flaws(const struct http_connection *c)
{
	return c->server->o.flawed_path &&
	       str_eq(c->request.path, str_of(c->server->o.flawed_path));
}

static enum MHD_Result
first_call(struct http_connection *c, struct MHD_Connection *m,
    const char *method, const char *version)
{
	struct http_head_verdict v;

	c->has_head = true;
	c->counts = true;
	atomic_fetch_add(&c->server->active, 1);
	v = read_head(c, m, method, version);
	if (!v.status && c->request.flaw && !sees_flaws(c))
		v = broken(400, "request.malformed", "a header stands twice");
	if (v.status) {
		log_line(LOG_INFO, "http.refused",
		    "status=%u code=%s why=\"%s\"", v.status, v.code, v.why);
		return refuse(c, m, v);
	}
	http_set_deadline(c, HTTP_PHASE_BODY, c->server->body_ns);
	return MHD_YES;
}

/* Grows as bytes come: a length that was only announced costs nothing. */
static bool
add_body(struct http_connection *c, const char *data, size_t n)
{
	size_t cap = c->request.body.n;
	char *to = c->body;

	if (n > c->body_want - c->body_got)
		return false;
	if (c->body_got + n > cap) {
		cap = cap * 2 > c->body_got + n ? cap * 2 : c->body_got + n;
		if (cap > c->body_want)
			cap = c->body_want;
		to = arena_alloc(c->arena, cap);
		if (!to)
			return false;
		if (c->body_got)
			memcpy(to, c->body, c->body_got);
		c->body = to;
		c->request.body = (struct str){ to, cap };
	}
	memcpy(to + c->body_got, data, n);
	c->body_got += n;
	return true;
}

static enum MHD_Result
last_call(struct http_connection *c, struct MHD_Connection *m)
{
	if (c->body_got != c->body_want)
		return MHD_NO;
	c->request.body = (struct str){ c->body, c->body_got };
	http_set_deadline(c, HTTP_PHASE_WORK, HTTP_NEVER);
	c->response = (struct http_response){ 0 };
	c->server->o.handle(c->server->o.ctx, &c->request, &c->response);
	http_make_sane(&c->response);
	return queue(c, m);
}

static enum MHD_Result
on_request(void *ctx, struct MHD_Connection *m, const char *url,
    const char *method, const char *version, const char *data, size_t *data_n,
    void **slot)
{
	struct http_connection *c = connection_of(m);

	(void)ctx;
	(void)url; /* decoded and cut */
	(void)slot;
	if (!c)
		return MHD_NO;
	if (!c->has_head)
		return first_call(c, m, method, version);
	if (c->is_queued)
		return MHD_YES;
	if (*data_n == 0)
		return last_call(c, m);
	if (!add_body(c, data, *data_n))
		return MHD_NO;
	*data_n = 0;
	return MHD_YES;
}

static void
on_completed(void *ctx, struct MHD_Connection *m, void **slot,
    enum MHD_RequestTerminationCode why)
{
	struct http_connection *c = connection_of(m);

	(void)ctx;
	(void)slot;
	(void)why;
	if (!c)
		return;
	if (c->counts)
		atomic_fetch_sub(&c->server->active, 1);
	buf_free(&c->response.body);
	http_end_stream(&c->response);
	arena_reset(c->arena);
	c->response = (struct http_response){ 0 };
	c->request = (struct http_request){ 0 };
	c->target_at = NULL;
	c->body = NULL;
	c->body_want = c->body_got = 0;
	c->has_head = c->is_queued = c->counts = false;
	atomic_fetch_add(&c->answers, 1);
	http_set_deadline(c, HTTP_PHASE_IDLE, c->server->idle_ns);
}

static size_t
no_unescape(void *ctx, struct MHD_Connection *m, char *text)
{
	(void)ctx;
	(void)m;
	return strlen(text);
}

/* ---- start and stop ------------------------------------------------------ */

static int64_t
either_ms(int given, int usual)
{
	return (given > 0 ? given : usual) * HTTP_MS;
}

static unsigned
either(unsigned given, unsigned usual)
{
	return given ? given : usual;
}

static unsigned
default_threads(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	if (n < 4)
		return 4;
	return n > 64 ? 64 : (unsigned)n;
}

static void
fill_defaults(struct http_server *s)
{
	struct http_options *o = &s->o;

	o->threads = either(o->threads, default_threads());
	o->connections = either(o->connections, LIMIT_HTTP_CONNECTIONS);
	o->connections_per_address = either(
	    o->connections_per_address, LIMIT_HTTP_CONNECTIONS_PER_ADDRESS);
	if (!o->body_limit)
		o->body_limit = LIMIT_HTTP_BODY;
	s->head_ns = either_ms(o->head_ms, LIMIT_HTTP_HEAD_MS);
	s->body_ns = either_ms(o->body_ms, LIMIT_HTTP_BODY_MS);
	s->idle_ns = either_ms(o->idle_ms, LIMIT_HTTP_IDLE_MS);
	s->rules = (struct http_head_rules){ .body_limit = o->body_limit,
		.client_address_header = o->client_address_header,
		.client_certificate_header = o->client_certificate_header };
}

/* Connections, and as many again for files, sockets, the store. */
static void
raise_file_limit(unsigned connections)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
	    limit.rlim_cur >= 2 * connections)
		return;
	limit.rlim_cur = 2 * connections;
	if (limit.rlim_cur > limit.rlim_max)
		limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static bool
open_listener(struct http_server *s, struct error *reterr)
{
	struct listen_address at;

	if (!listen_parse(str_of(s->o.listen), &at, reterr))
		return false;
	at.is_for_all = s->o.knows_user != NULL;
	if (!listen_open(&at, &s->fd, &s->is_handed_over, reterr))
		return false;
	if (!at.is_unix)
		return true;
	s->unix_path = strdup(s->o.listen + strlen("unix:"));
	return s->unix_path || error_nomem(reterr);
}

/* Not MHD_quiesce_daemon: in 0.9.75 it and a worker may both take the listening
 * socket out of the worker's epoll set, and the second of them aborts. */
static enum MHD_Result
on_accept(void *ctx, const struct sockaddr *addr, socklen_t len)
{
	struct http_server *s = ctx;

	(void)addr, (void)len;
	return atomic_load(&s->draining) ? MHD_NO : MHD_YES;
}

static bool
start_daemon(struct http_server *s, struct error *reterr)
{
	bool tls = s->tls != NULL;
	bool each = s->o.thread_per_connection;
	unsigned flags =
	    (each ? MHD_USE_THREAD_PER_CONNECTION |
			MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL
		  : MHD_USE_EPOLL_INTERNAL_THREAD) |
	    MHD_USE_ITC | (tls ? MHD_USE_TLS : 0);
	struct MHD_OptionItem tls_options[] = {
		{ MHD_OPTION_HTTPS_CERT_CALLBACK, 0, tls_handshake() },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0,
		    (void *)(uintptr_t)(s->o.tls13_only
					    ? "NORMAL:-VERS-ALL:+VERS-TLS1.3"
					    : "NORMAL:-VERS-ALL:+VERS-TLS1.3:"
					      "+VERS-TLS1.2") },
		{ s->o.tls_client_ca_pem ? MHD_OPTION_HTTPS_MEM_TRUST
					 : MHD_OPTION_END,
		    0, (void *)(uintptr_t)s->o.tls_client_ca_pem },
		{ MHD_OPTION_END, 0, NULL },
	};
	struct MHD_OptionItem no_options[] = { { MHD_OPTION_END, 0, NULL } };
	struct MHD_OptionItem pool[] = {
		{ each ? MHD_OPTION_END : MHD_OPTION_THREAD_POOL_SIZE,
		    (intptr_t)s->o.threads, NULL },
		{ MHD_OPTION_END, 0, NULL },
	};

	/* Our own limit is exact; the library's, shared out among its
	 * threads, only has to be out of the way. */
	s->daemon = MHD_start_daemon(flags, 0, on_accept, s, on_request, s,
	    MHD_OPTION_LISTEN_SOCKET, s->fd, MHD_OPTION_ARRAY, pool,
	    MHD_OPTION_CONNECTION_LIMIT, (s->o.connections + 64) * s->o.threads,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES,
	    MHD_OPTION_URI_LOG_CALLBACK, on_uri, s,
	    MHD_OPTION_UNESCAPE_CALLBACK, no_unescape, NULL,
	    MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
	    MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_ARRAY,
	    tls ? tls_options : no_options, MHD_OPTION_END);
	if (s->daemon)
		return true;
	return error_set(reterr, ERR_SYSTEM_ERROR, SPAN_NONE,
	    tls && s->o.tls_client_ca_pem
		? "the HTTP server does not start; are there CA certificates "
		  "in the file for clients?"
		: "the HTTP server does not start");
}

struct http_server *
http_server_start(const struct http_options *options, struct error *reterr)
{
	struct http_server *s = calloc(1, sizeof *s);

	if (!s) {
		error_nomem(reterr);
		return NULL;
	}
	s->o = *options;
	s->fd = -1;
	fill_defaults(s);
	raise_file_limit(s->o.connections);
	if (http_start_deadlines(s, reterr) && open_tls(s, reterr) &&
	    open_listener(s, reterr) && start_daemon(s, reterr))
		return s;
	http_server_stop(s, 0);
	return NULL;
}

uint16_t
http_server_port(const struct http_server *s)
{
	return listen_port(s->fd);
}

static void
drain(struct http_server *s, int drain_ms)
{
	int64_t until = clock_mono_ns() + drain_ms * HTTP_MS;

	while (atomic_load(&s->active) > 0 && clock_mono_ns() < until)
		usleep(2000);
}

/* After this nobody new comes in, and a successor may take the address. The
 * number stays open: a worker may just be using it. */
static void
stop_listening(struct http_server *s)
{
	if (s->fd < 0 || s->is_handed_over)
		return;
	if (s->unix_path)
		unlink(s->unix_path);
	(void)shutdown(s->fd, SHUT_RDWR);
}

void
http_server_stop(struct http_server *s, int drain_ms)
{
	if (!s)
		return;
	atomic_store(
	    &s->draining, true); /* on_accept turns away who comes now */
	stop_listening(s);
	if (s->daemon) {
		drain(s, drain_ms);
		MHD_stop_daemon(s->daemon);
	}
	tls_listener_free(s->tls);
	http_stop_deadlines(s);
	if (s->fd >= 0)
		close(s->fd);
	free(s->unix_path);
	free(s);
}
