/* http.h - an HTTP server that refuses what two programs could read differently; http.c and http_answer.c alone use libmicrohttpd.
 * A handler sees a request whose head has been checked (sizes, tokens, control bytes, repeated and conflicting headers) and whose target is raw: nothing is decoded. The
 * handler runs on a worker thread, may block for a short time, and fills a response. A refused head gets 400, 411, 413, 414 or 431 with `X-Avow-Reason` and
 * `Connection: close`; what comes after it on the connection is never read as a request. Every answer carries `Cache-Control`: `no-store` unless the route says otherwise.
 * Deadlines are our own (a thread that shuts sockets down), since the library's count from the last byte. Deadlines, limits: base/limits.h. TLS: 1.2 or later.
 * Memory: one arena a connection, reset after each answer, so a busy connection settles to few allocations. */
#ifndef GATEWAYS_HTTP_H
#define GATEWAYS_HTTP_H

#include "base/clock.h"
#include "base/net.h"
#include "base/arena.h"
#include "base/error.h"
#include "gateways/tls.h"

struct http_header {
	struct str name, value; /* name as received; compare with http_name_eq */
};

#define HTTP_STRANGER UINT32_MAX /* no user has this number */

/* What was wrong with the head in a way that the route answers by itself: on /gate/auth nginx would turn a 400 into 500. */
enum http_flaw {
	HTTP_FLAW_NONE = 0,
	HTTP_FLAW_REPEATED_EVIDENCE,  /* Authorization, DPoP, X-Avow-*, X-RHUI-*: any stands twice */
	HTTP_FLAW_REPEATED_FORWARDED, /* X-Forwarded-*, X-Original-*, the client address and certificate headers */
};

struct http_request {
	struct str method;
	struct str target;      /* raw, as on the request line */
	struct str path, query; /* target cut at the first '?'; still raw */
	const struct http_header *headers;
	size_t n_headers;
	struct str body;
	struct net_addr peer;   /* family 0 for a Unix socket */
	bool peer_is_unix;
	uint32_t peer_user;     /* at a Unix socket: who connected, as the kernel says; HTTP_STRANGER: nobody that http_options.knows_user knows */
	bool is_tls;
	enum tls_client client; /* by its certificate; TLS_CLIENT_NONE where none is asked for */
	struct str client_subject; /* of TLS_CLIENT_PROVEN, RFC 4514 */
	void *tls_session;      /* for http_channel; NULL: none */
	enum http_flaw flaw;
	struct arena *arena;    /* the request's scratch; reset after the answer */
};

/* The connection's `tls-exporter` value (RFC 9266). False without TLS 1.3. */
bool http_channel(const struct http_request *r,
    uint8_t ret[TLS_CHANNEL_BYTES]) MUST_USE;

/* The only value of that header, or a slice with p == NULL. Names ignore case. */
struct str http_header(const struct http_request *r, const char *name);
size_t http_header_count(const struct http_request *r, const char *name);
bool http_name_eq(struct str a, const char *b);

/* A body that is pulled while the asker takes it, so that a slow one holds no more than a block. */
struct http_stream {
	/* Up to `n` bytes, some at least; 0: the end; -1: it broke off, and so does the connection. It may wait: see `thread_per_connection`. */
	ptrdiff_t (*read)(void *ctx, char *to, size_t n);
	/* Called once, whatever happens; after the answer's memory is gone. */
	void (*end)(void *ctx);
	void *ctx;
	int64_t size; /* -1: not known */
};

struct http_response {
	unsigned status;
	struct buf body;
	struct http_stream stream; /* instead of `body`; `end` NULL: none */
	const char *content_type; /* NULL: none */
	struct http_header headers[8];
	size_t n_headers;
	unsigned max_age_s; /* may be kept so long by anybody; 0: not at all */
	bool close;
};

/* Name and value must outlive the answer (literals or the request's arena); an empty value adds nothing, one with a control byte makes the answer a bare 500. */
void http_response_header(struct http_response *r, const char *name,
    struct str value);

struct http_options {
	const char *listen;         /* `127.0.0.1:8181`, `[::1]:8181`, `unix:/path`, or with port 0 */
	const struct net_cidr *trusted; /* no per-address connection limit for these */
	size_t n_trusted;
	const char *client_address_header; /* counts as a forwarded header; may be NULL */
	const char *client_certificate_header; /* the same */
	const char *flawed_path; /* only this path sees requests with a flaw (`/gate/auth`); all others get 400. NULL: none does */
	bool thread_per_connection; /* for handlers and streams that wait for others; `threads` does not count */
	unsigned threads;           /* 0: number of processors, but at least 4: a handler may wait for a load balancer */
	size_t body_limit;          /* 0: LIMIT_HTTP_BODY */
	const char *tls_certificate_pem, *tls_key_pem; /* both or neither */
	const char *tls_client_ca_pem; /* ask clients for a certificate of these CAs, judged at each request; NULL: do not */
	bool tls13_only; /* what channel binding needs */
	void (*handle)(void *ctx, const struct http_request *q,
	    struct http_response *r);
	void *ctx;
	/* A Unix socket for users that are told apart: everybody may connect (0666), and the kernel says who it is (SO_PEERCRED). A user that this knows may have
	 * connections_per_address of them, and all others together as many; what strangers ask is the handler's to refuse. NULL: who may connect is the path's matter. */
	bool (*knows_user)(void *ctx, uint32_t uid);
	bool counts_users; /* at a Unix socket without it, too: no user has more than connections_per_address */
	/* 0 takes those of limits.h. Tests shorten them. */
	int head_ms, body_ms, idle_ms;
	unsigned connections, connections_per_address;
};

struct http_server;

/* Listening when it returns. NULL on error. `options` and what it points to outlive the server. Raises the process's soft limit of open files to what the connections
 * need, as far as the hard limit lets it. A Unix socket is made 0660 and replaces a dead one. */
struct http_server *http_server_start(const struct http_options *options,
    struct error *reterr);
/* The bound port (0 for Unix sockets). */
uint16_t http_server_port(const struct http_server *s);
/* Another certificate for handshakes from now on; the former stays when this fails. For servers with TLS. Errors: ERR_KEY_FORM. */
bool http_server_tls_reload(struct http_server *s, const char *certificate_pem,
    const char *key_pem, struct error *reterr) MUST_USE;
/* The same by what the files hold now: a key that others can read is refused. */
bool http_server_tls_reread(struct http_server *s, const char *certificate_file,
    const char *key_file, struct error *reterr) MUST_USE;
/* What the files hold, for the options; in `a`, which outlives the server. */
bool http_tls_read(struct arena *a, const char *certificate_file,
    const char *key_file, struct http_options *to,
    struct error *reterr) MUST_USE;
/* Stop accepting, let requests in hand finish (at most `drain_ms`), stop. Frees. */
void http_server_stop(struct http_server *s, int drain_ms);

#endif
