/* http_deadline.c - when a connection is shut down.
 * A thread owns time: each connection has one instant, set by what it is at,
 * and is shut down when that has passed; the library notices, and closes it. */
#include "gateways/http_private.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

void
http_set_deadline(
    struct http_connection *c, enum http_phase phase, int64_t from_now_ns)
{
	int64_t at = from_now_ns == HTTP_NEVER ? HTTP_NEVER
					       : clock_mono_ns() + from_now_ns;

	atomic_store(&c->phase, (int)phase);
	atomic_store(&c->deadline_ns, at);
}

/* Bytes that ever came in; 0 where the socket cannot tell. */
static uint64_t
bytes_received(int fd)
{
	struct tcp_info info;
	socklen_t n = sizeof info;

	memset(&info, 0, sizeof info);
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) != 0)
		return 0;
	return info.tcpi_bytes_received;
}

/* Between two requests the library tells nothing until a request line is
 * complete. Bytes that come in are the start of a head, whose time runs. */
static void
watch_idle(struct http_connection *c, int64_t now_ns)
{
	uint32_t answers = atomic_load(&c->answers);
	int64_t at = atomic_load(&c->deadline_ns);
	uint64_t bytes;

	if (atomic_load(&c->phase) != HTTP_PHASE_IDLE)
		return;
	bytes = bytes_received(c->fd);
	if (answers != c->seen_answers) {
		c->seen_answers = answers;
		c->seen_bytes = bytes;
	}
	if (bytes == c->seen_bytes)
		return;
	c->seen_bytes = bytes;
	if (at > now_ns + c->server->head_ns)
		/* Fails when a worker was faster: then it set the time. */
		(void)atomic_compare_exchange_strong(
		    &c->deadline_ns, &at, now_ns + c->server->head_ns);
}

static void
end_overdue(struct http_server *s)
{
	int64_t now_ns = clock_mono_ns();

	for (struct http_connection *c = s->connections; c; c = c->next) {
		watch_idle(c, now_ns);
		if (atomic_load(&c->deadline_ns) > now_ns)
			continue;
		atomic_store(&c->deadline_ns, HTTP_NEVER);
		/* The library closes the socket only after it told us
		 * (on_connection), so the number is still this one's. */
		(void)shutdown(c->fd, SHUT_RDWR);
	}
}

static int64_t
tick_ns(const struct http_server *s)
{
	int64_t least = s->head_ns;

	if (s->body_ns < least)
		least = s->body_ns;
	if (s->idle_ns < least)
		least = s->idle_ns;
	least /= 4;
	if (least > 1000 * HTTP_MS)
		return 1000 * HTTP_MS;
	return least < 5 * HTTP_MS ? 5 * HTTP_MS : least;
}

static void *
run_deadlines(void *ctx)
{
	struct http_server *s = ctx;
	struct timespec until;
	int64_t at;

	pthread_mutex_lock(&s->lock);
	while (!s->stop) {
		at = clock_mono_ns() + tick_ns(s);
		until.tv_sec = (time_t)(at / 1000000000);
		until.tv_nsec = (long)(at % 1000000000);
		pthread_cond_timedwait(&s->wake, &s->lock, &until);
		end_overdue(s);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* ---- the list of connections --------------------------------------------- */

bool
http_is_trusted(const struct http_server *s, const struct net_addr *peer)
{
	for (size_t i = 0; i < s->o.n_trusted; i++)
		if (net_contains(&s->o.trusted[i], peer))
			return true;
	return false;
}

/* Under the lock, `c` not yet in the list. */
static bool
is_over_limit(const struct http_server *s, const struct http_connection *c)
{
	unsigned same = 0;

	if (s->n_connections >= s->o.connections)
		return true;
	if (c->is_trusted)
		return false;
	for (const struct http_connection *o = s->connections; o; o = o->next)
		same += c->peer_is_unix ? o->peer_user == c->peer_user
					: net_addr_eq(&o->peer, &c->peer);
	return same >= s->o.connections_per_address;
}

void
http_link_in(struct http_server *s, struct http_connection *c)
{
	pthread_mutex_lock(&s->lock);
	if (is_over_limit(s, c))
		atomic_store(&c->deadline_ns, 0);
	c->next = s->connections;
	if (c->next)
		c->next->prev = c;
	s->connections = c;
	s->n_connections++;
	if (atomic_load(&c->deadline_ns) == 0)
		(void)shutdown(c->fd, SHUT_RDWR);
	pthread_mutex_unlock(&s->lock);
}

void
http_link_out(struct http_server *s, struct http_connection *c)
{
	pthread_mutex_lock(&s->lock);
	if (c->next)
		c->next->prev = c->prev;
	if (c->prev)
		c->prev->next = c->next;
	else
		s->connections = c->next;
	s->n_connections--;
	pthread_mutex_unlock(&s->lock);
}

bool
http_has_socket(void *ctx, int fd)
{
	struct http_server *s = ctx;
	bool found = false;

	pthread_mutex_lock(&s->lock);
	for (struct http_connection *c = s->connections; c && !found;
	     c = c->next)
		found = c->fd == fd;
	pthread_mutex_unlock(&s->lock);
	return found;
}

/* ---- start and stop ------------------------------------------------------ */

bool
http_start_deadlines(struct http_server *s, struct error *reterr)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->wake, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&s->lock, NULL);
	s->has_thread =
	    pthread_create(&s->deadlines, NULL, run_deadlines, s) == 0;
	return s->has_thread ||
	       error_set(reterr, ERR_SYSTEM_ERROR, SPAN_NONE,
		   "the HTTP server's deadline thread does not start");
}

void
http_stop_deadlines(struct http_server *s)
{
	if (s->has_thread) {
		pthread_mutex_lock(&s->lock);
		s->stop = true;
		pthread_cond_signal(&s->wake);
		pthread_mutex_unlock(&s->lock);
		pthread_join(s->deadlines, NULL);
	}
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
}
