/* haproxy.h - a client of HAProxy's runtime socket that can say six things, about its own servers only.
 * A command is made from parts that were checked here: a backend name `[A-Za-z0-9_.-]{1,64}`, a server name `avow-` + 32 hex digits, an address in bytes, numbers.
 * HAProxy itself checks too little: `;` and a newline begin a second command, host names and `unix@` are taken in silence. Each call connects, sends one
 * command, reads the whole answer and compares it with what HAProxy 2.6 says; an answer that is cut off, too long, too late or not known is an error, never a yes.
 * Source: HAProxy 2.6 Management Guide 9.3, and what 2.6.12 was seen to do. */
#ifndef GATEWAYS_HAPROXY_H
#define GATEWAYS_HAPROXY_H

#include "base/arena.h"
#include "base/error.h"
#include "base/net.h"

#define HAPROXY_SERVER_NAME 37 /* bytes in a server name of ours */

/* What is borrowed must live as long as this is used. */
struct haproxy {
	const char *socket_path;
	struct str backend;
	int64_t deadline_ns; /* of clock_mono_ns; all calls together end by then */
};

struct haproxy_server {
	struct str name;
	struct net_addr addr; /* family 0: none, or no plain address */
	uint16_t port;
	uint16_t weight;
	bool is_serving; /* not in maintenance by command, and health checks are on */
};

/* What HAProxy said. An answer it never gave is no answer, so zero is the safe value. */
enum haproxy_answer {
	HAPROXY_NO_ANSWER = 0,
	HAPROXY_DONE,
	HAPROXY_EXISTS,    /* add: the name is taken */
	HAPROXY_NO_SERVER, /* nothing of that name */
	HAPROXY_ATTACHED,  /* remove: in maintenance, but connections have not ended yet; ask again later */
};

bool haproxy_name_is_ours(struct str server);
bool haproxy_backend_is_valid(struct str backend);

/* False below: ERR_BALANCER_UNREACHABLE; the message has what HAProxy said, or why it said nothing. */

/* A new server that gets no traffic yet. */
bool haproxy_add(const struct haproxy *h, const struct haproxy_server *server,
    enum haproxy_answer *ret, struct error *reterr) MUST_USE;
/* Health checks on, maintenance over. */
bool haproxy_enable(const struct haproxy *h, struct str server,
    enum haproxy_answer *ret, struct error *reterr) MUST_USE;
bool haproxy_weigh(const struct haproxy *h, struct str server,
    uint16_t weight, enum haproxy_answer *ret, struct error *reterr) MUST_USE;
/* No new traffic, end its sessions, delete it. HAPROXY_NO_SERVER is as good as done. */
bool haproxy_remove(const struct haproxy *h, struct str server,
    enum haproxy_answer *ret, struct error *reterr) MUST_USE;
/* The backend's servers that are ours, by name; of others nothing is read. Memory is `a`'s. */
bool haproxy_list(const struct haproxy *h, struct arena *a,
    struct haproxy_server **ret, size_t *ret_n, struct error *reterr) MUST_USE;

#endif
