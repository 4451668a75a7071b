/* listen.h - from `listen:` text to a socket that listens.
 * `A.B.C.D:PORT`, `[V6]:PORT` or `unix:/PATH`. A Unix socket has its mode before the first connection can come; a file in its place is replaced only when it is a
 * socket that nobody answers. A socket handed over by systemd (LISTEN_PID, LISTEN_FDS=1) of the same family is taken instead of a new one. */
#ifndef GATEWAYS_LISTEN_H
#define GATEWAYS_LISTEN_H

#include "base/error.h"
#include "base/net.h"

struct listen_address {
	bool is_unix;
	struct str path; /* Unix; borrowed */
	bool is_for_all; /* Unix: 0666, for who asks the kernel who it is that connects; else 0660 */
	struct net_addr addr;
	uint16_t port; /* 0: any free one */
};

/* Errors: ERR_CONFIG_VALUE. */
bool listen_parse(struct str text, struct listen_address *ret,
    struct error *reterr) MUST_USE;
/* The listening socket, close-on-exec, non-blocking; *ret_handed_over: it is systemd's, and so is its path. Errors: ERR_SYSTEM_ERROR with what the system said. */
bool listen_open(const struct listen_address *at, int *ret_fd,
    bool *ret_handed_over, struct error *reterr) MUST_USE;
/* The port that the socket is bound to; 0 for Unix sockets. */
uint16_t listen_port(int fd);

#endif
