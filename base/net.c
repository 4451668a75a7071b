/* net.c - addresses: text and sockets to bytes, bytes to text.
 * Reading is inet_pton's (glibc's refuses leading zeros, `1.2.3` and zones by
 * itself) behind a check of length and letters; what is an address for one
 * program and another one for the next is refused afterwards, by its bytes:
 * all of ::/96 but `::` and `::1` (RFC 4291 2.5.5.1, deprecated). */
#include "base/net.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

static const uint8_t zeros[16];
static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

/* From 16 bytes in network order; ::ffff:a.b.c.d is the IPv4 address a.b.c.d
 * (RFC 4291 2.5.5.2). */
static struct net_addr
from_v6(const uint8_t bytes[16])
{
	struct net_addr a = { .family = 6 };

	if (memcmp(bytes, mapped, sizeof mapped) == 0) {
		a.family = 4;
		memcpy(a.bytes, bytes + 12, 4);
	} else
		memcpy(a.bytes, bytes, 16);
	return a;
}

static bool
is_address_text(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= '0' && c <= ':') || c == '.' ||
			(c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))
			return false;
	}
	return s.n > 0 && s.n < INET6_ADDRSTRLEN;
}

/* `10.0.0.7`, as nearly all are: what inet_pton takes, and no more. */
static bool
parse_v4(struct str s, struct net_addr *ret)
{
	uint8_t bytes[4];
	unsigned part = 0, n = 0, n_digits = 0;

	for (size_t at = 0; at < s.n; at++) {
		unsigned digit = (unsigned char)s.p[at] - (unsigned)'0';

		if (digit <= 9) {
			/* No zero in front, no more than 255. */
			if (n_digits > 0 && n == 0)
				return false;
			n = n * 10 + digit;
			if (n > 255)
				return false;
			n_digits++;
			continue;
		}
		if (s.p[at] != '.' || n_digits == 0 || part == 3)
			return false;
		bytes[part++] = (uint8_t)n;
		n = n_digits = 0;
	}
	if (n_digits == 0 || part != 3)
		return false;
	bytes[3] = (uint8_t)n;
	*ret = (struct net_addr){ .family = 4 };
	memcpy(ret->bytes, bytes, sizeof bytes);
	return true;
}

/* `*ret_mapped`: written as ::ffff:a.b.c.d. */
static bool
parse(struct str s, struct net_addr *ret, bool *ret_mapped)
{
	char text[INET6_ADDRSTRLEN];
	uint8_t bytes[16] = { 0 };

	*ret_mapped = false;
	if (parse_v4(s, ret))
		return true;
	if (!is_address_text(s))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	if (str_find(s, ':', 0) == s.n) {
		if (inet_pton(AF_INET, text, bytes) != 1)
			return false;
		*ret = (struct net_addr){ .family = 4 };
		memcpy(ret->bytes, bytes, 4);
		return true;
	}
	if (inet_pton(AF_INET6, text, bytes) != 1)
		return false;
	if (memcmp(bytes, zeros, 12) == 0 &&
	    (memcmp(bytes + 12, zeros, 3) != 0 || bytes[15] > 1))
		return false;
	*ret = from_v6(bytes);
	*ret_mapped = ret->family == 4;
	return true;
}

bool
net_parse_addr(struct str s, struct net_addr *ret)
{
	bool was_mapped;

	return parse(s, ret, &was_mapped);
}

static uint64_t
prefix_max(const struct net_addr *a)
{
	return a->family == 4 ? 32 : 128;
}

static bool
host_bits_zero(const struct net_addr *a, uint64_t prefix)
{
	for (uint64_t bit = prefix; bit < prefix_max(a); bit++)
		if (a->bytes[bit / 8] & (0x80u >> bit % 8))
			return false;
	return true;
}

bool
net_parse_cidr(struct str s, struct net_cidr *ret)
{
	size_t slash = str_find(s, '/', 0);
	struct str digits = str_sub(s, slash + 1, s.n);
	struct net_addr a;
	uint64_t prefix;
	bool was_mapped;

	if (!parse(str_sub(s, 0, slash), &a, &was_mapped))
		return false;
	if (slash == s.n) {
		*ret = (struct net_cidr){ a, (uint8_t)prefix_max(&a) };
		return true;
	}
	if (!str_to_u64(digits, 128, &prefix) ||
	    (digits.n > 1 && digits.p[0] == '0'))
		return false;
	/* Written as IPv6, the prefix counts the 96 bits before as well. */
	if (was_mapped && prefix < 96)
		return false;
	if (was_mapped)
		prefix -= 96;
	if (prefix > prefix_max(&a) || !host_bits_zero(&a, prefix))
		return false;
	*ret = (struct net_cidr){ a, (uint8_t)prefix };
	return true;
}

bool
net_from_sockaddr(const struct sockaddr *sa, struct net_addr *ret)
{
	struct sockaddr_in6 six;
	struct sockaddr_in four;

	/* Copied: `sa` may lie in a buffer of any alignment. */
	if (sa->sa_family == AF_INET) {
		memcpy(&four, sa, sizeof four);
		*ret = (struct net_addr){ .family = 4 };
		memcpy(ret->bytes, &four.sin_addr, 4);
		return true;
	}
	if (sa->sa_family == AF_INET6) {
		memcpy(&six, sa, sizeof six);
		*ret = from_v6(six.sin6_addr.s6_addr);
		return true;
	}
	return false;
}

bool
net_addr_eq(const struct net_addr *a, const struct net_addr *b)
{
	return a->family != 0 && a->family == b->family &&
	       memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool
net_contains(const struct net_cidr *c, const struct net_addr *a)
{
	unsigned whole = c->prefix / 8, rest = c->prefix % 8;
	unsigned mask = 0xff00u >> rest & 0xff;

	if (a->family == 0 || a->family != c->addr.family ||
	    memcmp(a->bytes, c->addr.bytes, whole) != 0)
		return false;
	return rest == 0 ||
	       ((a->bytes[whole] ^ c->addr.bytes[whole]) & mask) == 0;
}

bool
net_is_loopback(const struct net_addr *a)
{
	static const struct net_cidr nets[] = {
		{ { 4, { 127 } }, 8 },
		{ { 6, { [15] = 1 } }, 128 },
	};

	return net_contains(&nets[0], a) || net_contains(&nets[1], a);
}

bool
net_is_special(const struct net_addr *a)
{
	static const struct net_cidr nets[] = {
		{ { 4, { 0 } }, 8 }, /* "this network", RFC 1122 3.2.1.3 */
		{ { 4, { 169, 254 } }, 16 },
		{ { 4, { 224 } }, 4 },
		{ { 4, { 255, 255, 255, 255 } }, 32 },
		{ { 6, { 0 } }, 128 },
		{ { 6, { 0xfe, 0x80 } }, 10 },
		{ { 6, { 0xff } }, 8 },
	};

	for (size_t i = 0; i < ARRAY_LEN(nets); i++)
		if (net_contains(&nets[i], a))
			return true;
	return net_is_loopback(a);
}

void
net_print(struct buf *out, const struct net_addr *a)
{
	char text[INET6_ADDRSTRLEN] = "";
	int family = a->family == 4 ? AF_INET : AF_INET6;

	if (a->family && inet_ntop(family, a->bytes, text, sizeof text))
		buf_addz(out, text);
}
