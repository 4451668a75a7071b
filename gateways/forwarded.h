/* forwarded.h - whom a request is for, and what it is about, when a proxy speaks for a client.
 * Forwarded headers count only from a configured peer: one of `proxies:`, or whoever may connect to our Unix socket (0660). Each must stand once and be whole; anything
 * odd is refused, nothing is repaired. All others (X-Real-IP, Forwarded) are ignored. Borrows from the request. Cost: O(header bytes x proxies). */
#ifndef GATEWAYS_FORWARDED_H
#define GATEWAYS_FORWARDED_H

#include "gateways/config.h"
#include "gateways/http.h"

/* May this request's peer speak for others? */
bool gateways_forwarded_is_proxy(const struct http_request *q,
    const struct config *c);

struct gateways_client {
	struct net_addr address;
	bool is_https;     /* context.protocol */
	bool is_forwarded; /* a proxy said so; else it is the peer */
	struct str certificate; /* the value of `clientCertificate`'s header, from a proxy; empty: none */
};

/* How a route takes peers. */
enum gateways_peers {
	GATEWAYS_PROXIES_ONLY = 0, /* `/gate/auth`: anyone else is ERR_REQUEST_PEER, a missing address header ERR_REQUEST_MALFORMED */
	GATEWAYS_ANY_PEER, /* a peer that is no proxy is the client, its headers are ignored; so is a proxy by TCP that sends no forwarding header at all */
};

/* The client: the one entry of the configured header, or, walking it from the right over `proxies:`, the first other entry (the leftmost when all are
 * proxies). X-Forwarded-Proto, once, `http` or `https`; missing is http. */
bool gateways_forwarded_client(const struct http_request *q,
    const struct config *c, enum gateways_peers peers,
    struct gateways_client *ret, struct error *reterr) MUST_USE;

struct gateways_original {
	struct str method, target; /* raw, as the client sent them */
};

/* From exactly one whole pair: X-Original-Method and X-Original-URI, or X-Forwarded-Method and X-Forwarded-Uri. Else ERR_REQUEST_MALFORMED. The caller has
 * checked that the peer is a proxy. */
bool gateways_forwarded_original(const struct http_request *q,
    struct gateways_original *ret, struct error *reterr) MUST_USE;

#endif
