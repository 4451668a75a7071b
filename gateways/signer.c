#include "gateways/signer.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "gateways/bucket.h"
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

/* ---- who asks, and how often ----------------------------------------------
 */

/* One who may, with a bucket of his own, so that none uses up what others may
 * ask. */
struct user {
	uid_t uid;
	unsigned n_open;
	struct bucket bucket;
};

struct peer {
	int fd; /* -1: nobody */
	struct ucred cred;
	struct user *user;
	int64_t until_ms;
	struct buf line; /* what came of it */
};

struct serving {
	const struct signer_server *s;
	struct user *users; /* root, this one, the named */
	size_t n_users;
	struct peer peers[SIGNER_PEERS];
	size_t n_open;
};

static int64_t
mono_ms(void)
{
	return clock_mono_ns() / 1000000;
}

/* A user who is named twice, or is us, has the first place. */
static struct user *
find_user(struct serving *v, uid_t uid)
{
	for (size_t i = 0; i < v->n_users; i++)
		if (v->users[i].uid == uid)
			return &v->users[i];
	return NULL;
}

static bool
know_users(struct serving *v)
{
	v->n_users = v->s->n_uids + 2;
	v->users = calloc(v->n_users, sizeof *v->users); /* lint-ok: few */
	if (!v->users)
		return false;
	v->users[1].uid = geteuid();
	for (size_t i = 0; i < v->s->n_uids; i++)
		v->users[2 + i].uid = v->s->uids[i];
	return true;
}

/* ---- answers --------------------------------------------------------------
 */

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

/* The first and only thing that is written on a connection, and far less than
 * its buffer holds: nobody is waited for. */
static void
answer_with(int fd, struct str line)
{
	(void)!send(fd, line.p, line.n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void
refuse(int fd, const struct ucred *peer, enum err_code code, const char *why)
{
	struct buf line = { 0 };

	signer_refuse(code, why, &line);
	note(peer, code, why);
	answer_with(fd, buf_str(&line));
	buf_free(&line);
}

static void
answer_peer(const struct serving *v, const struct peer *p)
{
	struct str request = buf_str(&p->line);
	struct buf line = { 0 };
	struct signer_done done;

	signer_answer(v->s->key, &v->s->rules,
	    str_sub(request, 0, request.n - 1),
	    clock_now_ms(v->s->clock) / 1000, &line, &done);
	/* First the log: what left is always known. */
	note(&p->cred, done.code, done.what);
	answer_with(p->fd, buf_str(&line));
	buf_free(&line);
}

/* ---- connections ----------------------------------------------------------
 */

static void
leave(struct serving *v, struct peer *p)
{
	close(p->fd);
	buf_free(&p->line);
	p->user->n_open--;
	v->n_open--;
	*p = (struct peer){ .fd = -1 };
}

static void
enter(struct serving *v, int fd, const struct ucred *cred, struct user *user)
{
	size_t i = 0;

	while (v->peers[i].fd >= 0)
		i++;
	v->peers[i] = (struct peer){ .fd = fd,
		.cred = *cred,
		.user = user,
		.until_ms = mono_ms() + SIGNER_PEER_MS };
	user->n_open++;
	v->n_open++;
}

/* There is a place: with none, nobody is let in. */
static void
let_in(struct serving *v, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct ucred cred = { .uid = (uid_t)-1 };
	socklen_t size = sizeof cred;
	struct user *user = NULL;

	if (fd < 0)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) == 0)
		user = find_user(v, cred.uid);
	if (!user)
		refuse(fd, &cred, ERR_REQUEST_PEER,
		    "this user may not ask for signatures");
	else if (!bucket_take(&user->bucket, v->s->rate, mono_ms()))
		refuse(fd, &cred, ERR_REQUEST_RATE,
		    "more requests a second than the signer allows");
	else if (user->n_open >= SIGNER_PEERS_USER)
		refuse(fd, &cred, ERR_REQUEST_LIMIT,
		    "this user has too many connections open");
	else {
		enter(v, fd, &cred, user);
		return;
	}
	close(fd);
}

static void
refuse_line(struct serving *v, struct peer *p)
{
	refuse(p->fd, &p->cred, ERR_REQUEST_LIMIT,
	    "no line of at most 65,536 bytes came in time");
	leave(v, p);
}

/* What has come, until it ends a line: that is the request, and its end. */
static void
hear(struct serving *v, struct peer *p)
{
	char room[4096];
	ssize_t n = recv(p->fd, room, sizeof room, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		buf_add(&p->line, (struct str){ room, (size_t)n });
	if (n <= 0 || !buf_ok(&p->line) || p->line.n > SIGNER_LINE_BYTES) {
		refuse_line(v, p);
	} else if (room[n - 1] == '\n') {
		answer_peer(v, p);
		leave(v, p);
	}
}

/* Until something happens or the oldest has had its time; false: the end. */
static bool
wait_for(struct serving *v, int fd, int stop_fd, bool *ret_knocks,
    struct peer *ret_ready[SIGNER_PEERS + 1])
{
	struct pollfd p[2 + SIGNER_PEERS] = {
		{ .fd = v->n_open < SIGNER_PEERS ? fd : -1, .events = POLLIN },
		{ .fd = stop_fd, .events = POLLIN }
	};
	int64_t left = SIGNER_PEER_MS, now = mono_ms();
	size_t n = 0;

	for (size_t i = 0; i < SIGNER_PEERS; i++) {
		const struct peer *at = &v->peers[i];

		p[2 + i] = (struct pollfd){ .fd = at->fd, .events = POLLIN };
		if (at->fd >= 0 && at->until_ms - now < left)
			left = at->until_ms < now ? 0 : at->until_ms - now;
	}
	if (poll(p, ARRAY_LEN(p), v->n_open ? (int)left : -1) < 0) {
		ret_ready[0] = NULL;
		*ret_knocks = false;
		return errno == EINTR;
	}
	for (size_t i = 0; i < SIGNER_PEERS; i++)
		if (p[2 + i].revents)
			ret_ready[n++] = &v->peers[i];
	ret_ready[n] = NULL;
	*ret_knocks = p[0].revents != 0;
	return p[1].revents == 0;
}

static void
drop_late(struct serving *v)
{
	int64_t now = mono_ms();

	for (size_t i = 0; v->n_open && i < SIGNER_PEERS; i++)
		if (v->peers[i].fd >= 0 && v->peers[i].until_ms <= now)
			refuse_line(v, &v->peers[i]);
}

static void
serve(struct serving *v, int fd, int stop_fd)
{
	struct peer *ready[SIGNER_PEERS + 1];
	bool knocks;

	while (wait_for(v, fd, stop_fd, &knocks, ready)) {
		for (size_t i = 0; ready[i]; i++)
			hear(v, ready[i]);
		drop_late(v);
		if (knocks)
			let_in(v, fd);
	}
}

bool
signer_serve(
    const struct signer_server *s, int fd, int stop_fd, struct error *reterr)
{
	struct serving v = { .s = s };

	if (!know_users(&v))
		return error_nomem(reterr);
	for (size_t i = 0; i < SIGNER_PEERS; i++)
		v.peers[i].fd = -1;
	serve(&v, fd, stop_fd);
	for (size_t i = 0; i < SIGNER_PEERS; i++)
		if (v.peers[i].fd >= 0)
			leave(&v, &v.peers[i]);
	free(v.users);
	return true;
}
