/* http_head.h - which request heads are refused before any route sees them.
 * Knows nothing of the HTTP library: http.c gives it what was received. Refused is what two programs in a row could read differently (RFC 9112 11.2, request
 * smuggling), and what is over a limit. RFC 9110 5 (fields), RFC 9112 3, 6. Cost: O(bytes + watched fields squared). */
#ifndef GATEWAYS_HTTP_HEAD_H
#define GATEWAYS_HTTP_HEAD_H

#include "gateways/http.h"

struct http_head_rules {
	size_t body_limit;
	const char *client_address_header; /* counts as a forwarded header; may be NULL */
	const char *client_certificate_header; /* the same */
};

struct http_head_verdict {
	unsigned status; /* of the refusal; 0: the head is fine */
	const char *code, *why; /* literals */
};

/* `version` as on the request line. Sets r->path, r->query and r->flaw; *ret_body_bytes is what Content-Length says (0 without it). Header values must have no
 * spaces at either end. */
struct http_head_verdict http_head_check(struct http_request *r,
    struct str version, const struct http_head_rules *rules,
    size_t *ret_body_bytes);

/* Is [head, head + n) nothing but `method SP target SP version CRLF *(name ":" spaces value CRLF) CRLF`, in that order, with the very slices given, each
 * separator overwritten by NULs where the library does so? False when a NUL, a bare LF, a folded line or anything else lies between.
 * Not told apart from CRLF: a bare LF with a NUL right before or after it, or with a NUL before the CRLF that it follows, at the end; programs that pass NUL on do not stand before us (nginx, HAProxy and Envoy refuse
 * it). The slices must point into the head, and `target_at` is where the target began; header values still have spaces at their ends. */
bool http_head_is_exact(const char *head, size_t n, struct str method,
    const char *target_at, size_t target_n, struct str version,
    const struct http_header *headers, size_t n_headers);

#endif
