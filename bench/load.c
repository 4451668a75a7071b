/* load.c - keep-alive load on loopback: CONNECTIONS sockets, one request in
 * flight on each, for SECONDS. The request is read from standard input, whole.
 * Every answer must have the status that was said, or the run fails: refusals
 * are not a benchmark. Prints one JSON line. usage: load PORT CONNECTIONS
 * SECONDS STATUS < request */
#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SAMPLES 2000000u
#define CONNECTIONS_MAX 256

struct connection {
	int fd;
	int64_t sent_ns;
	char in[8192];
	size_t n;
};

static char request[16384];
static size_t request_n;

static int64_t
now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void
fail(const char *what)
{
	perror(what);
	exit(1);
}

static void
send_request(struct connection *c)
{
	c->sent_ns = now_ns();
	if (write(c->fd, request, request_n) != (ssize_t)request_n)
		fail("write");
}

static void
open_connection(struct connection *c, uint16_t port, int poll)
{
	int one = 1;
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	c->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0)
		fail("connect");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
	if (epoll_ctl(poll, EPOLL_CTL_ADD, c->fd, &e) != 0)
		fail("epoll");
	send_request(c);
}

/* One whole answer without a body: its status, or 0 while it is not whole. */
static int
read_answer(struct connection *c)
{
	ssize_t n = read(c->fd, c->in + c->n, sizeof c->in - 1 - c->n);
	if (n <= 0)
		fail("the server closed");
	c->n += (size_t)n;
	c->in[c->n] = '\0';
	if (strstr(c->in, "\r\n\r\n") == NULL)
		return 0;
	c->n = 0;
	return atoi(c->in + 9);
}

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return x < y ? -1 : x > y;
}

int
main(int argc, char **argv)
{
	static struct connection connections[CONNECTIONS_MAX];
	if (argc != 5) {
		fputs("usage: load PORT CONNECTIONS SECONDS STATUS\n", stderr);
		return 1;
	}
	int n_connections = atoi(argv[2]), want = atoi(argv[4]);
	double seconds = atof(argv[3]);
	int64_t *ns = calloc(SAMPLES, sizeof *ns);
	int poll = epoll_create1(0);
	request_n = fread(request, 1, sizeof request, stdin);
	if (ns == NULL || poll < 0 || request_n == 0 || n_connections < 1 ||
	    n_connections > CONNECTIONS_MAX)
		return 1;
	for (int i = 0; i < n_connections; i++)
		open_connection(&connections[i], (uint16_t)atoi(argv[1]), poll);
	int64_t began = now_ns(), end = began + (int64_t)(seconds * 1e9);
	uint64_t count = 0;
	while (now_ns() < end) {
		struct epoll_event events[64];
		int n = epoll_wait(poll, events, 64, 1000);
		for (int i = 0; i < n; i++) {
			struct connection *c = events[i].data.ptr;
			int status = read_answer(c);
			if (status == 0)
				continue;
			if (status != want) {
				fprintf(stderr, "status %d, not %d\n", status,
				    want);
				return 1;
			}
			if (count < SAMPLES)
				ns[count] = now_ns() - c->sent_ns;
			count++;
			send_request(c);
		}
	}
	double took = (double)(now_ns() - began) / 1e9;
	size_t kept = count < SAMPLES ? count : SAMPLES;
	if (kept == 0)
		return 1;
	qsort(ns, kept, sizeof *ns, compare);
	printf("{\"per_second\":%.0f,\"p50_us\":%.1f,\"p99_us\":%.1f}\n",
	    (double)count / took, (double)ns[kept / 2] / 1e3,
	    (double)ns[kept * 99 / 100] / 1e3);
	return 0;
}
