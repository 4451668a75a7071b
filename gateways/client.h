/* client.h - an HTTP client for our own services; the only user of libcurl. A named contract of gateways/.
 * One connection that is kept between requests, so that a proof can be bound to it. Whom it talks to is settled before a byte is sent, in one of three ways (S5): the
 * name in the URL equals a name in a certificate that a CA vouches for (RFC 9525); the certificate is one that was configured; a CA vouches for it and its subject is
 * the one that was configured. Plain HTTP only to loopback and Unix sockets. No redirect is followed, no proxy is used, no password asked for.
 * Limits: LIMIT_CLIENT_BYTES of answer, LIMIT_CLIENT_MS a request. A request is sent once more only when the connection could not be made, or when it may be repeated. */
#ifndef GATEWAYS_CLIENT_H
#define GATEWAYS_CLIENT_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/error.h"

struct client;

/* Borrowed; outlive the client. */
struct client_options {
	const char *url;         /* `https://HOST[:PORT]`, `http://127.0.0.1:PORT`, `unix:/PATH` */
	const char *ca_file;     /* PEM; NULL: the system's */
	const char *pinned_file; /* the server's certificate, PEM; NULL: none */
	const char *subject;     /* its subject, RFC 4514 (`CN=sts,O=Acme`); NULL: not looked at */
	const char *certificate_file, *key_file; /* the client's own; both or neither */
	int timeout_ms;          /* 0: LIMIT_CLIENT_MS */
	const atomic_bool *gives_up; /* looked at while waiting: once true, no answer comes; NULL: never */
};

/* Nothing is sent yet. NULL on error: ERR_USAGE (the URL, plain HTTP to another host, both pins), ERR_FILE_READ, ERR_FILE_MODE, ERR_KEY_FORM. */
struct client *client_new(
    const struct client_options *options, struct error *reterr);
void client_free(struct client *c);

struct client_header {
	const char *name;
	struct str value; /* without control characters, else refused */
};

struct client_request {
	const char *method;
	struct str path; /* raw, with its query */
	const char *content_type; /* of the body; NULL: none */
	struct str body;
	const struct client_header *headers;
	size_t n_headers;
	bool may_repeat; /* asking twice is as good as asking once */
};

struct client_response {
	unsigned status;
	struct str body, content_type, dpop_nonce, cache_control; /* empty: not there */
	bool is_new_connection; /* not the one of the request before */
};

/* An answer came, whatever it says. Memory `a`'s. Errors: ERR_DATA_TIMEOUT, ERR_DATA_MISSING (no connection, TLS refused, what the library said), ERR_LIMIT_SIZE. */
bool client_send(struct client *c, struct arena *a,
    const struct client_request *q, struct client_response *ret,
    struct error *reterr) MUST_USE;

/* ---- answers that are pulled ------------------------------------------------------------------------------------------------------------- */

/* The head of an answer whose body may be of any length; values without the spaces around them. */
struct client_head {
	unsigned status;
	int64_t length;   /* -1: not said */
	const struct client_header *headers;
	size_t n_headers; /* LIMIT_HTTP_FIELDS at most */
};

/* Send a request without a body, and wait for the head; as client_send for errors, with LIMIT_PROXY_STALL_S without a byte as the time that is given. One stream of a client
 * at a time; client_end after success and failure. */
bool client_begin(struct client *c, struct arena *a,
    const struct client_request *q, struct client_head *ret,
    struct error *reterr) MUST_USE;
/* Up to `n` bytes of the body; 0: its end; -1: it broke off. No more than LIMIT_PROXY_CHUNK is read ahead. */
ptrdiff_t client_pull(struct client *c, char *to, size_t n);
/* Let go of the answer; the connection is kept when all of it was read. */
void client_end(struct client *c);
/* The value of the only header of that name, or a slice with p == NULL. */
struct str client_head_value(const struct client_head *h, const char *name);

#define CLIENT_CHANNEL_BYTES 32u
/* The `tls-exporter` value (RFC 9266) of the connection that the last answer came on. False without TLS 1.3. */
bool client_channel(const struct client *c,
    uint8_t ret[CLIENT_CHANNEL_BYTES]) MUST_USE;

#endif
