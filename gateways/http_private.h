/* http_private.h - a server and its connections, between the files of the HTTP server.
 *   http.c requests, start and stop    http_answer.c answers and streams    http_deadline.c the deadline thread and the list of connections
 * Of a connection, its deadline thread reads what is atomic and its own; the rest is the worker's that has the connection. */
#ifndef GATEWAYS_HTTP_PRIVATE_H
#define GATEWAYS_HTTP_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "gateways/http.h"
#include "gateways/http_head.h"

struct MHD_Daemon;
struct MHD_Response;

#define HTTP_NEVER INT64_MAX
#define HTTP_MS 1000000ll

enum http_phase {
	HTTP_PHASE_HEAD = 0,
	HTTP_PHASE_BODY,
	HTTP_PHASE_WORK,
	HTTP_PHASE_WRITE,
	HTTP_PHASE_IDLE,
};

struct http_connection {
	struct http_server *server;
	struct http_connection *next, *prev; /* under server->lock */
	int fd;
	bool is_trusted;
	struct net_addr peer;
	bool peer_is_unix;
	uint32_t peer_user;
	_Atomic int64_t deadline_ns;
	_Atomic int phase;
	_Atomic uint32_t answers;
	/* The deadline thread's own. */
	uint32_t seen_answers;
	uint64_t seen_bytes;
	/* The worker's own. */
	struct arena *arena;
	const char *target_at; /* in the library's buffer */
	struct http_request request;
	struct http_response response;
	char *body;
	size_t body_want, body_got;
	bool has_head, is_queued, counts;
	bool knows_client; /* looked at once: a TLS 1.3 client cannot change it */
	enum tls_client client;
	char client_subject[256];
};

struct http_server {
	struct http_options o;
	struct MHD_Daemon *daemon;
	int fd;
	char *unix_path;     /* NULL: TCP */
	bool is_handed_over; /* the socket is systemd's: leave its path */
	int64_t head_ns, body_ns, idle_ns;
	struct http_head_rules rules;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t deadlines;
	bool has_thread, stop;
	struct http_connection *connections;
	unsigned n_connections;
	struct tls_listener *tls; /* NULL: plain HTTP */
	_Atomic bool draining;
	_Atomic unsigned active; /* requests between first call and answer sent */
};

/* ---- http_deadline.c ----------------------------------------------------- */

/* From now on it is at `phase`, and has that long; HTTP_NEVER: as long as it takes. */
void http_set_deadline(
    struct http_connection *c, enum http_phase phase, int64_t from_now_ns);
/* Is the peer one of those without a limit of their own? */
bool http_is_trusted(const struct http_server *s, const struct net_addr *peer);
/* Into the list and out of it; one over the limits is shut down at once. */
void http_link_in(struct http_server *s, struct http_connection *c);
void http_link_out(struct http_server *s, struct http_connection *c);
/* Is this descriptor a connection's? `ctx` is the server. */
bool http_has_socket(void *ctx, int fd);
bool http_start_deadlines(struct http_server *s, struct error *reterr) MUST_USE;
/* Also where starting failed. */
void http_stop_deadlines(struct http_server *s);

/* ---- http_answer.c ------------------------------------------------------- */

/* A response that went wrong half-way says nothing but that. */
void http_make_sane(struct http_response *r);
/* NULL when memory is out. A stream is then the library's, and r->stream empty. */
struct MHD_Response *http_make_response(struct http_connection *c);
/* Of an answer that is not sent. */
void http_end_stream(struct http_response *r);

#endif
