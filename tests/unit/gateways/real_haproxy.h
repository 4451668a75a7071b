/* real_haproxy.h - the real program for a test, when it is there: on the system, or under build/servers (tests/lib/servers.sh). */
#ifndef TESTS_REAL_HAPROXY_H
#define TESTS_REAL_HAPROXY_H

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/run.h"

struct real_haproxy {
	char folder[300], socket[320];
	pid_t pid;
};

static inline const char *
real_program(void)
{
	static const char *const places[] = {
		"build/servers/usr/sbin/haproxy",
		"/usr/sbin/haproxy",
	};

	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (access(places[i], X_OK) == 0)
			return places[i];
	return NULL;
}

/* The folders of libraries that were unpacked with it. */
static inline void
real_libraries(void)
{
	static const char *const roots[] = { "build/servers/usr/lib",
		"build/servers/lib" };
	char all[4096] = "", cwd[1024];
	size_t n = 0;

	if (!getcwd(cwd, sizeof cwd))
		return;
	for (size_t i = 0; i < ARRAY_LEN(roots); i++) {
		DIR *d = opendir(roots[i]);
		struct dirent *e;

		while (d && (e = readdir(d)) && n < sizeof all)
			if (strstr(e->d_name, "-linux-"))
				n += (size_t)snprintf(all + n, sizeof all - n,
				    "%s/%s/%s:", cwd, roots[i], e->d_name);
		if (d)
			closedir(d);
	}
	setenv("LD_LIBRARY_PATH", all, 1);
}

static inline void
real_configure(const struct real_haproxy *h)
{
	char path[340];
	FILE *f;

	snprintf(path, sizeof path, "%s/haproxy.cfg", h->folder);
	f = fopen(path, "w");
	ck_assert(f);
	fprintf(f,
	    "global\n    stats socket %s mode 600 level admin\n"
	    "defaults\n    mode http\n    timeout connect 1s\n"
	    "    timeout client 5s\n    timeout server 5s\n"
	    "backend web\n    balance roundrobin\n"
	    "    server fixed 127.0.0.1:1 disabled\n"
	    "backend fixed\n    balance static-rr\n"
	    /* A proxy that listens, or HAProxy would not start. */
	    "frontend f\n    bind unix@%s/front\n"
	    "    default_backend web\n",
	    h->socket, h->folder);
	ck_assert_int_eq(fclose(f), 0);
}

/* Starts it in h->folder; also again, after real_stop: then all dynamic servers are gone, as after a reload. */
static inline void
real_run(struct real_haproxy *h)
{
	h->pid = fork();
	ck_assert_int_ge(h->pid, 0);
	if (h->pid == 0) {
		char log[340], config[340];

		snprintf(log, sizeof log, "%s/log", h->folder);
		snprintf(config, sizeof config, "%s/haproxy.cfg", h->folder);
		real_libraries();
		if (freopen(log, "a", stdout) && freopen(log, "a", stderr))
			execl(real_program(), "haproxy", "-db", "-f", config,
			    (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 200; i++) {
		if (access(h->socket, F_OK) == 0)
			return;
		usleep(25000);
	}
	kill(h->pid, SIGKILL);
	ck_abort_msg("HAProxy does not start: see %s/log", h->folder);
}

/* False, after skip(), when there is none. */
static inline bool
real_start(struct real_haproxy *h)
{
	static int serial;

	if (!real_program()) {
		skip("no HAProxy (tests/lib/servers.sh fetches one)");
		return false;
	}
	snprintf(h->folder, sizeof h->folder, "%s/h%d-%d", test_folder(),
	    (int)getpid(), serial++);
	ck_assert_int_eq(mkdir(h->folder, 0700), 0);
	snprintf(h->socket, sizeof h->socket, "%s/admin", h->folder);
	real_configure(h);
	real_run(h);
	return true;
}

static inline void
real_stop(struct real_haproxy *h)
{
	kill(h->pid, SIGKILL);
	ck_assert_int_eq(waitpid(h->pid, NULL, 0), h->pid);
	unlink(h->socket);
}

#endif
