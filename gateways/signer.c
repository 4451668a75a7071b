#include "gateways/signer.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "gateways/listen.h"

/* ---- the socket -----------------------------------------------------------
 */

static bool
failed(struct error *reterr, const char *path)
{
	return error_set(reterr, ERR_SYSTEM_ERROR, SPAN_NONE,
	    "cannot listen at `%s`: %s", path, strerror(errno));
}

/* It was made with 0660 for the group that we happen to have; who connects
 * meanwhile is asked for anyway. */
static bool
set_mode(struct str path, gid_t group, struct error *reterr)
{
	char z[128];

	snprintf(z, sizeof z, "%.*s", STR_ARG(path));
	if (group == (gid_t)-1)
		return chmod(z, 0600) == 0 || failed(reterr, z);
	return (chown(z, (uid_t)-1, group) == 0 && chmod(z, 0660) == 0) ||
	       failed(reterr, z);
}

bool
signer_listen(struct str listen, gid_t group, int *ret_fd,
    bool *ret_handed_over, struct error *reterr)
{
	struct listen_address at;
	int fd;

	if (!listen_parse(listen, &at, reterr))
		return false;
	if (!at.is_unix)
		return error_set(reterr, ERR_CONFIG_VALUE, SPAN_NONE,
		    "a signer listens at `unix:/PATH` alone");
	if (!listen_open(&at, &fd, ret_handed_over, reterr))
		return false;
	if (!*ret_handed_over && !set_mode(at.path, group, reterr)) {
		close(fd);
		return false;
	}
	*ret_fd = fd;
	return true;
}

/* ---- how often ------------------------------------------------------------
 */

/* A bucket of `rate` thousandths, filled by that many a millisecond. */
struct bucket {
	int64_t level, at_ms;
};

static int64_t
mono_ms(void)
{
	return clock_mono_ns() / 1000000;
}

static bool
take(struct bucket *b, unsigned rate)
{
	int64_t now = mono_ms(), full = INT64_C(1000) * rate;
	int64_t gap = now - b->at_ms;

	/* More than a second fills it. */
	b->level = gap >= 1000 || b->level + gap * rate > full
		       ? full
		       : b->level + gap * rate;
	b->at_ms = now;
	if (b->level < 1000)
		return false;
	b->level -= 1000;
	return true;
}

/* ---- one peer -------------------------------------------------------------
 */

static bool
is_known(const struct signer_server *s, uid_t uid)
{
	for (size_t i = 0; i < s->n_uids; i++)
		if (s->uids[i] == uid)
			return true;
	return uid == 0 || uid == geteuid();
}

static bool
ready(int fd, short events, int64_t until_ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	int64_t left = until_ms - mono_ms();

	return left > 0 && poll(&p, 1, (int)left) == 1;
}

/* A line without its end; false when it does not come in time or whole. */
static bool
receive(int fd, char *room, size_t *ret_n, int64_t until_ms)
{
	size_t n = 0;

	while (n < SIGNER_LINE_BYTES && ready(fd, POLLIN, until_ms)) {
		ssize_t got = recv(fd, room + n, SIGNER_LINE_BYTES - n, 0);

		if (got <= 0)
			return false;
		n += (size_t)got;
		if (room[n - 1] == '\n') {
			*ret_n = n - 1;
			return true;
		}
	}
	return false;
}

static void
answer_with(int fd, struct str line, int64_t until_ms)
{
	while (line.n > 0 && ready(fd, POLLOUT, until_ms)) {
		ssize_t n =
		    send(fd, line.p, line.n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0)
			return;
		line = str_sub(line, (size_t)n, line.n);
	}
}

static void
note(const struct ucred *peer, enum err_code code, const char *what)
{
	if (code == ERR_NONE)
		log_line(LOG_INFO, "signer", "ok=true uid=%u pid=%d %s",
		    (unsigned)peer->uid, (int)peer->pid, what);
	else
		log_line(LOG_WARN, "signer",
		    "ok=false uid=%u pid=%d code=%s message=\"%s\"",
		    (unsigned)peer->uid, (int)peer->pid, error_id(code), what);
}

static void
refuse(int fd, const struct ucred *peer, enum err_code code, const char *why,
    int64_t until_ms)
{
	struct buf line = { 0 };

	signer_refuse(code, why, &line);
	note(peer, code, why);
	answer_with(fd, buf_str(&line), until_ms);
	buf_free(&line);
}

static void
serve_line(const struct signer_server *s, int fd, const struct ucred *peer,
    struct str request, int64_t until_ms)
{
	struct buf line = { 0 };
	struct signer_done done;

	signer_answer(s->key, &s->rules, request, clock_now_ms(s->clock) / 1000,
	    &line, &done);
	/* First the log: what left is always known. */
	note(peer, done.code, done.what);
	answer_with(fd, buf_str(&line), until_ms);
	buf_free(&line);
}

static void
serve_peer(const struct signer_server *s, struct bucket *b, int fd)
{
	int64_t until = mono_ms() + SIGNER_PEER_MS;
	struct ucred peer = { 0 };
	socklen_t size = sizeof peer;
	char room[SIGNER_LINE_BYTES];
	size_t n;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
	    !is_known(s, peer.uid))
		refuse(fd, &peer, ERR_REQUEST_PEER,
		    "this user may not ask for signatures", until);
	else if (!take(b, s->rate))
		refuse(fd, &peer, ERR_REQUEST_RATE,
		    "more requests a second than the signer allows", until);
	else if (!receive(fd, room, &n, until))
		refuse(fd, &peer, ERR_REQUEST_LIMIT,
		    "no line of at most 65,536 bytes came in time", until);
	else
		serve_line(s, fd, &peer, (struct str){ room, n }, until);
}

void
signer_serve(const struct signer_server *s, int fd, int stop_fd)
{
	struct bucket b = { 0 };
	struct pollfd p[] = { { .fd = fd, .events = POLLIN },
		{ .fd = stop_fd, .events = POLLIN } };

	for (;;) {
		int peer;

		if (poll(p, ARRAY_LEN(p), -1) < 0 && errno != EINTR)
			return;
		if (p[1].revents)
			return;
		peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (peer < 0)
			continue;
		serve_peer(s, &b, peer);
		close(peer);
	}
}
