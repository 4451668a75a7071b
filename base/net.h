/* net.h - addresses and networks, normalised once and compared as bytes.
 * `::ffff:a.b.c.d` becomes IPv4 before any use; `::a.b.c.d`, zones, ports, leading zeros and anything else that two programs could read differently
 * is refused (never repaired). */
#ifndef BASE_NET_H
#define BASE_NET_H

#include "base/str.h"

struct sockaddr;

/* family 4 or 6; 0 is no address, equal to nothing. IPv4 uses the first 4 bytes, the rest are zero. */
struct net_addr {
	uint8_t family;
	uint8_t bytes[16];
};

struct net_cidr {
	struct net_addr addr;
	uint8_t prefix;
};

bool net_parse_addr(struct str s, struct net_addr *ret) MUST_USE;
/* `addr` or `addr/prefix`; host bits must be zero. */
bool net_parse_cidr(struct str s, struct net_cidr *ret) MUST_USE;
/* From an accepted socket's peer; false for families other than IPv4 and IPv6. */
bool net_from_sockaddr(const struct sockaddr *sa, struct net_addr *ret) MUST_USE;
/* False when either is no address. */
bool net_addr_eq(const struct net_addr *a, const struct net_addr *b);
bool net_contains(const struct net_cidr *c, const struct net_addr *a);
bool net_is_loopback(const struct net_addr *a);
/* Unspecified, loopback, link-local, multicast or broadcast: nothing that a pool member can be. */
bool net_is_special(const struct net_addr *a);
void net_print(struct buf *out, const struct net_addr *a);

#endif
