#include "gateways/forwarded.h"

static bool
malformed(struct error *reterr, const char *why)
{
	return error_set(reterr, ERR_REQUEST_MALFORMED, SPAN_NONE, "%s", why);
}

static bool
in_proxies(const struct config *c, const struct net_addr *a)
{
	for (size_t i = 0; i < c->proxies.n; i++)
		if (net_contains(&c->proxies.items[i], a))
			return true;
	return false;
}

bool
gateways_forwarded_is_proxy(
    const struct http_request *q, const struct config *c)
{
	return q->peer_is_unix || in_proxies(c, &q->peer);
}

static struct str
trim(struct str s)
{
	while (s.n > 0 && s.p[0] == ' ')
		s = str_sub(s, 1, s.n);
	while (s.n > 0 && s.p[s.n - 1] == ' ')
		s.n--;
	return s;
}

/* Left to right, keeping what walking from the right would stop at: the last
 * entry that is no proxy. Every entry must be an address. */
static bool
walk(const struct config *c, struct str list, struct net_addr *ret,
    struct error *reterr)
{
	struct net_addr entry, found = { 0 };
	size_t end;

	for (size_t at = 0; at <= list.n; at = end + 1) {
		end = str_find(list, ',', at);
		if (!net_parse_addr(trim(str_sub(list, at, end)), &entry))
			return malformed(reterr,
			    "the client address header is no list of plain "
			    "addresses");
		if (!found.family || !in_proxies(c, &entry))
			found = entry;
	}
	*ret = found;
	return true;
}

static bool
read_protocol(
    const struct http_request *q, bool *ret_https, struct error *reterr)
{
	size_t n = http_header_count(q, "X-Forwarded-Proto");
	struct str proto = http_header(q, "X-Forwarded-Proto");

	*ret_https = n == 1 && str_eq(proto, STR("https"));
	if (n == 0 || *ret_https || (n == 1 && str_eq(proto, STR("http"))))
		return true;
	return malformed(reterr,
	    "X-Forwarded-Proto must be `http` or `https`, and stand once");
}

static bool
starts(struct str name, const char *prefix)
{
	return http_name_eq(str_sub(name, 0, strlen(prefix)), prefix);
}

static bool
has_forwarding(const struct http_request *q, const struct config *c)
{
	for (size_t i = 0; i < q->n_headers; i++) {
		struct str name = q->headers[i].name;

		if (starts(name, "X-Forwarded-") ||
		    starts(name, "X-Original-") ||
		    http_name_eq(name, c->client_address.p) ||
		    (c->client_certificate.n > 0 &&
			http_name_eq(name, c->client_certificate.p)))
			return true;
	}
	return false;
}

bool
gateways_forwarded_client(const struct http_request *q, const struct config *c,
    enum gateways_peers peers, struct gateways_client *ret,
    struct error *reterr)
{
	struct gateways_client got = { .is_forwarded = true };
	/* The configuration's slices end in NUL. */
	const char *name = c->client_address.p;
	bool is_proxy = gateways_forwarded_is_proxy(q, c);

	if (!is_proxy && peers == GATEWAYS_PROXIES_ONLY)
		return error_set(reterr, ERR_REQUEST_PEER, SPAN_NONE,
		    "the peer is in none of `proxies`");
	if (!is_proxy || (peers == GATEWAYS_ANY_PEER && q->peer.family &&
			     !has_forwarding(q, c))) {
		*ret = (struct gateways_client){ .address = q->peer,
			.is_https = q->is_tls };
		return true;
	}
	if (http_header_count(q, name) != 1)
		return malformed(reterr,
		    "the proxy must send the client address header once");
	if (!walk(c, http_header(q, name), &got.address, reterr) ||
	    !read_protocol(q, &got.is_https, reterr))
		return false;
	/* A repeated one never comes this far (http_head.h). */
	if (c->client_certificate.n > 0)
		got.certificate = http_header(q, c->client_certificate.p);
	*ret = got;
	return true;
}

bool
gateways_forwarded_original(const struct http_request *q,
    struct gateways_original *ret, struct error *reterr)
{
	static const struct {
		const char *method, *target;
	} pairs[] = { { "X-Original-Method", "X-Original-URI" },
		{ "X-Forwarded-Method", "X-Forwarded-Uri" } };
	size_t whole = 0, lines = 0;

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		size_t methods = http_header_count(q, pairs[i].method);
		size_t targets = http_header_count(q, pairs[i].target);

		lines += methods + targets;
		if (methods != 1 || targets != 1)
			continue;
		whole = i + 1;
	}
	if (!whole || lines != 2)
		return malformed(reterr,
		    "expected one whole pair of X-Original-Method and "
		    "X-Original-URI, or of X-Forwarded-Method and "
		    "X-Forwarded-Uri");
	ret->method = http_header(q, pairs[whole - 1].method);
	ret->target = http_header(q, pairs[whole - 1].target);
	return true;
}
