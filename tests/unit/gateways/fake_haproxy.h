/* fake_haproxy.h - a Unix socket that answers as it was told, for what a real HAProxy cannot be made to do. */
#ifndef TESTS_FAKE_HAPROXY_H
#define TESTS_FAKE_HAPROXY_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/lib/run.h"

enum fake_manner {
	FAKE_ANSWERS = 0,
	FAKE_HANGS,  /* reads, and says nothing */
	FAKE_FLOODS, /* says `answer` for ever */
};

struct fake_line {
	const char *answer;
	enum fake_manner manner;
};

/* The n-th connection gets the n-th line, the last one again and again. */
struct fake {
	char path[108];
	int fd;
	pthread_t thread;
	const struct fake_line *lines;
	size_t n;
	char asked[16][256]; /* the first commands, without newline */
	atomic_size_t n_asked;
	atomic_bool is_over;
};

static inline void
fake_hear(struct fake *f, int c)
{
	char text[1024];
	size_t n = 0, i = atomic_load(&f->n_asked);
	ssize_t got;

	while (n < sizeof text - 1 && (n == 0 || text[n - 1] != '\n') &&
	       (got = read(c, text + n, sizeof text - 1 - n)) > 0)
		n += (size_t)got;
	if (n && i < 16)
		snprintf(f->asked[i], sizeof f->asked[i], "%.*s",
		    (int)(n - 1 < 255 ? n - 1 : 255), text);
}

static inline void
fake_say(struct fake *f, int c, const struct fake_line *line)
{
	size_t n = strlen(line->answer);

	if (line->manner == FAKE_HANGS)
		while (!atomic_load(&f->is_over))
			usleep(1000);
	else
		while (send(c, line->answer, n, MSG_NOSIGNAL) == (ssize_t)n &&
		       line->manner == FAKE_FLOODS)
			;
}

static inline void *
fake_serve(void *ctx)
{
	struct fake *f = ctx;

	for (;;) {
		int c = accept(f->fd, NULL, NULL);
		size_t i;

		if (c < 0 || atomic_load(&f->is_over)) {
			if (c >= 0)
				close(c);
			return NULL;
		}
		fake_hear(f, c);
		i = atomic_fetch_add(&f->n_asked, 1);
		fake_say(f, c, &f->lines[i < f->n ? i : f->n - 1]);
		close(c);
	}
}

static inline void
fake_start(struct fake *f, const struct fake_line *lines, size_t n)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	static int serial;

	*f = (struct fake){ .lines = lines, .n = n };
	snprintf(f->path, sizeof f->path, "%s/%d-%d", test_folder(),
	    (int)getpid(), serial++);
	snprintf(at.sun_path, sizeof at.sun_path, "%s", f->path);
	f->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_ge(f->fd, 0);
	ck_assert_int_eq(
	    bind(f->fd, (const struct sockaddr *)&at, sizeof at), 0);
	ck_assert_int_eq(listen(f->fd, 16), 0);
	ck_assert_int_eq(pthread_create(&f->thread, NULL, fake_serve, f), 0);
}

static inline void
fake_stop(struct fake *f)
{
	atomic_store(&f->is_over, true);
	shutdown(f->fd, SHUT_RDWR);
	ck_assert_int_eq(pthread_join(f->thread, NULL), 0);
	close(f->fd);
	unlink(f->path);
}

#endif
