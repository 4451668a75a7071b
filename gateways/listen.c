#include "gateways/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024

union address {
	struct sockaddr any;
	struct sockaddr_in four;
	struct sockaddr_in6 six;
	struct sockaddr_un un;
};

static bool
refuse(struct error *reterr, struct str text)
{
	return error_set(reterr, ERR_CONFIG_VALUE, SPAN_NONE,
	    "expected `ADDRESS:PORT`, `[V6ADDRESS]:PORT` or `unix:/PATH`, "
	    "found `%.*s`",
	    STR_ARG(text));
}

static bool
parse_unix(struct str text, struct listen_address *ret, struct error *reterr)
{
	struct str path = str_sub(text, 5, text.n);

	if (path.n == 0 || path.p[0] != '/' || str_find(path, '\0', 0) < path.n)
		return refuse(reterr, text);
	if (path.n >= sizeof((struct sockaddr_un *)0)->sun_path)
		return error_set(reterr, ERR_CONFIG_VALUE, SPAN_NONE,
		    "a socket's path has at most %zu bytes",
		    sizeof((struct sockaddr_un *)0)->sun_path - 1);
	*ret = (struct listen_address){ .is_unix = true, .path = path };
	return true;
}

bool
listen_parse(struct str text, struct listen_address *ret, struct error *reterr)
{
	struct str host, port;
	struct net_addr addr;
	uint64_t number;
	size_t colon = text.n;

	if (str_has_prefix(text, STR("unix:")))
		return parse_unix(text, ret, reterr);
	while (colon > 0 && text.p[colon - 1] != ':')
		colon--;
	if (colon == 0)
		return refuse(reterr, text);
	host = str_sub(text, 0, colon - 1);
	port = str_sub(text, colon, text.n);
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = str_sub(host, 1, host.n - 1);
	else if (str_find(host, ':', 0) < host.n)
		return refuse(reterr, text);
	if (!net_parse_addr(host, &addr) || !str_to_u64(port, 65535, &number))
		return refuse(reterr, text);
	*ret =
	    (struct listen_address){ .addr = addr, .port = (uint16_t)number };
	return true;
}

static bool
failed(struct error *reterr, const char *what)
{
	return error_set(reterr, ERR_SYSTEM_ERROR, SPAN_NONE,
	    "cannot listen: %s: %s", what, strerror(errno));
}

static socklen_t
fill(const struct listen_address *at, union address *to)
{
	memset(to, 0, sizeof *to);
	if (at->is_unix) {
		to->un.sun_family = AF_UNIX;
		memcpy(to->un.sun_path, at->path.p, at->path.n);
		return sizeof to->un;
	}
	if (at->addr.family == 4) {
		to->four.sin_family = AF_INET;
		to->four.sin_port = htons(at->port);
		memcpy(&to->four.sin_addr, at->addr.bytes, 4);
		return sizeof to->four;
	}
	to->six.sin6_family = AF_INET6;
	to->six.sin6_port = htons(at->port);
	memcpy(&to->six.sin6_addr, at->addr.bytes, 16);
	return sizeof to->six;
}

/* Remove a socket that nobody listens on; leave all else where it is. */
static bool
clear_way(const union address *to, socklen_t n, struct error *reterr)
{
	struct stat st;
	int fd, got, why;

	if (lstat(to->un.sun_path, &st) != 0)
		return errno == ENOENT || failed(reterr, to->un.sun_path);
	if (!S_ISSOCK(st.st_mode)) {
		errno = EEXIST;
		return failed(reterr, to->un.sun_path);
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return failed(reterr, "socket");
	got = connect(fd, &to->any, n);
	why = errno;
	close(fd);
	errno = got == 0 ? EADDRINUSE : why;
	if (got == 0 || why != ECONNREFUSED)
		return failed(reterr, to->un.sun_path);
	return unlink(to->un.sun_path) == 0 || failed(reterr, to->un.sun_path);
}

/* Mode before listen(): nobody gets in under another one. */
static bool
bind_and_listen(int fd, const struct listen_address *at,
    const union address *to, socklen_t n, struct error *reterr)
{
	int one = 1, none = 0;

	if (at->is_unix && !clear_way(to, n, reterr))
		return false;
	if (!at->is_unix &&
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0)
		return failed(reterr, "SO_REUSEADDR");
	if (to->any.sa_family == AF_INET6)
		/* `[::]` takes IPv4 too, whatever the system's default. */
		(void)setsockopt(
		    fd, IPPROTO_IPV6, IPV6_V6ONLY, &none, sizeof none);
	if (bind(fd, &to->any, n) != 0)
		return failed(reterr, "bind");
	if (at->is_unix &&
	    chmod(to->un.sun_path, at->is_for_all ? 0666 : 0660) != 0)
		return failed(reterr, to->un.sun_path);
	return listen(fd, BACKLOG) == 0 || failed(reterr, "listen");
}

/* sd_listen_fds(3): the first descriptor is 3. Taken once. */
static bool
from_systemd(sa_family_t family, int *ret_fd)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	union address a = { 0 };
	socklen_t n = sizeof a;
	uint64_t number;
	int listens = 0;
	socklen_t size = sizeof listens;

	if (!pid || !fds || !str_eq(str_of(fds), STR("1")) ||
	    !str_to_u64(str_of(pid), INT32_MAX, &number) ||
	    number != (uint64_t)getpid())
		return false;
	unsetenv("LISTEN_PID");
	if (getsockname(3, &a.any, &n) != 0 || a.any.sa_family != family ||
	    getsockopt(3, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 ||
	    !listens)
		return false;
	*ret_fd = 3;
	return true;
}

bool
listen_open(const struct listen_address *at, int *ret_fd, bool *ret_handed_over,
    struct error *reterr)
{
	union address to;
	socklen_t n = fill(at, &to);
	int fd;

	*ret_handed_over = from_systemd(to.any.sa_family, ret_fd);
	if (*ret_handed_over)
		return true;
	fd = socket(
	    to.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return failed(reterr, "socket");
	if (!bind_and_listen(fd, at, &to, n, reterr)) {
		close(fd);
		return false;
	}
	*ret_fd = fd;
	return true;
}

uint16_t
listen_port(int fd)
{
	union address a = { 0 };
	socklen_t n = sizeof a;

	if (getsockname(fd, &a.any, &n) != 0)
		return 0;
	if (a.any.sa_family == AF_INET)
		return ntohs(a.four.sin_port);
	return a.any.sa_family == AF_INET6 ? ntohs(a.six.sin6_port) : 0;
}
