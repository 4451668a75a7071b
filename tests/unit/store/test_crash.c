/* test_crash.c - whatever dies at whatever moment, what was acknowledged is
 * there, and nothing half-done is.
 * A child makes one change after the other, the n-th always the same, and tells
 * of each through a pipe once it is acknowledged. It, or the database's server,
 * is killed (SIGKILL) at changing moments. Then the store holds exactly what n
 * or n + 1 changes make, n being the last that was told of. COUNT: how often on
 * SQLite (200; less often on PostgreSQL). */
#include "store/store.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/lib/pg.h"
#include "tests/lib/run.h"

#define IDS 8u
#define ENOUGH_NS                                                              \
	12000000000 /* on a slow machine: fewer rounds, not longer             \
		     */
#define LEAST 20u

static struct arena *arena;
static struct error err;
static struct str url;

/* --- what n changes make ---------------------------------------------------
 */

struct content {
	bool revoked[IDS], member[IDS];
	int64_t joins, generation; /* how many there were, and raised it */
};

enum { REVOKE, JOIN, TAKE_BACK, LEAVE, CHANGES };

/* The n-th change: what is done, to whom. */
static unsigned
what_of(unsigned n)
{
	return n % CHANGES;
}

static unsigned
whom_of(unsigned n)
{
	unsigned turn = n / CHANGES;

	return (what_of(n) < TAKE_BACK ? turn : turn + IDS / 2) % IDS;
}

static void
imagine(struct content *c, unsigned n)
{
	unsigned i = whom_of(n);

	switch (what_of(n)) {
	case REVOKE:
		c->revoked[i] = true;
		c->generation++;
		break;
	case JOIN:
		c->member[i] = true;
		c->joins++;
		break;
	case TAKE_BACK:
		c->generation += c->revoked[i];
		c->revoked[i] = false;
		break;
	default:
		c->member[i] = false;
		break;
	}
}

static bool
is_same(const struct content *a, const struct content *b)
{
	for (unsigned i = 0; i < IDS; i++)
		if (a->revoked[i] != b->revoked[i] ||
		    a->member[i] != b->member[i])
			return false;
	return a->generation == b->generation;
}

/* --- doing it --------------------------------------------------------------
 */

static struct store_member
member(struct str id)
{
	return (struct store_member){ .pool = STR("web"),
		.principal = id,
		.server = id,
		.address = id,
		.port = 80,
		.expires_at = 9,
		.proof = STR("address"),
		.protocol = STR("https"),
		.issuer = STR("acme"),
		.kind = STR("avow"),
		.document = STR("{}"),
		.signature = STR("s") };
}

static bool
change(struct store *s, struct arena *a, unsigned n)
{
	char text[8];
	struct str id;
	struct store_member m;
	enum store_join answer;
	int64_t generation;
	struct store_member *left;
	size_t n_left;
	bool any;

	snprintf(text, sizeof text, "x%u", whom_of(n));
	id = str_of(text);
	m = member(id);
	switch (what_of(n)) {
	case REVOKE:
		return store_revoke(s,
		    &(struct store_revocation){
			STR("token"), id, INT64_MAX, 0, STR(""), STR("") },
		    &any, NULL);
	case JOIN:
		return store_member_join(s, &m, 0, &answer, &generation, NULL);
	case TAKE_BACK:
		return store_unrevoke(s, STR("token"), id, STR(""), &any, NULL);
	default:
		return store_member_leave(
		    s, a, STR("web"), id, 0, &left, &n_left, NULL);
	}
}

/* Until it is killed, or the database is. */
static void
change_on(int fd, unsigned n)
{
	struct arena *a = arena_new(0);
	struct store *s = store_open(url, NULL);

	for (; s && change(s, a, n); n++) {
		arena_reset(a);
		if (write(fd, &n, sizeof n) != (ssize_t)sizeof n)
			break;
	}
	_exit(0);
}

/* --- looking ---------------------------------------------------------------
 */

static unsigned
index_of(struct str id)
{
	ck_assert(id.n == 2 && id.p[0] == 'x');
	return (unsigned)(id.p[1] - '0');
}

static struct store *
open_again(void)
{
	struct store *s = NULL;

	/* A server that was killed may still be recovering. */
	for (int i = 0; i < 200 && !s; i++) {
		err = (struct error){ 0 };
		s = store_open(url, &err);
		if (!s)
			usleep(50000);
	}
	ck_assert_msg(s, "%s", err.msg);
	return s;
}

static struct content
look(void)
{
	struct content c = { 0 };
	struct store *s = open_again();
	struct store_revocation *rows;
	struct store_member *members;
	int64_t floor;
	size_t n;

	arena_reset(arena);
	ck_assert(store_revocation_page(s, arena, NULL, 100, &rows, &n, &err));
	for (size_t i = 0; i < n; i++)
		c.revoked[index_of(rows[i].id)] = true;
	ck_assert(store_member_page(s, arena, NULL, 100, &members, &n, &err));
	for (size_t i = 0; i < n; i++)
		c.member[index_of(members[i].principal)] = true;
	ck_assert(store_generation(s, &c.generation, &floor, &err));
	store_close(s);
	return c;
}

/* --- one round -------------------------------------------------------------
 */

struct round {
	struct content content; /* before it */
	unsigned n;             /* its first change */
};

/* A few numbers that are the same in each run. */
static unsigned
next_random(void)
{
	static unsigned state = 12345;

	state = state * 1103515245u + 12345u;
	return state >> 16;
}

/* The last change that was told of, plus one. */
static unsigned
run_child(unsigned first, void (*stop)(pid_t))
{
	unsigned wait_for = next_random() % 8, n, told = first, seen = 0;
	bool is_stopped = false;
	int fds[2];
	pid_t pid;

	ck_assert_int_eq(pipe(fds), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		close(fds[0]);
		change_on(fds[1], first);
	}
	close(fds[1]);
	while (read(fds[0], &n, sizeof n) == (ssize_t)sizeof n) {
		ck_assert_uint_eq(n, told);
		told++;
		if (seen++ == wait_for && !is_stopped) {
			usleep(next_random() % 3000);
			stop(pid);
			is_stopped = true;
		}
	}
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	close(fds[0]);
	ck_assert_msg(is_stopped, "the child ended by itself");
	return told;
}

static void
run_round(struct round *r, void (*stop)(pid_t))
{
	unsigned told = run_child(r->n, stop);
	struct content want = r->content, more, got;

	for (unsigned n = r->n; n < told; n++)
		imagine(&want, n);
	more = want;
	imagine(&more, told);
	got = look();
	if (is_same(&got, &want))
		*r = (struct round){ want, told };
	else if (is_same(&got, &more))
		*r = (struct round){ more, told + 1 };
	else
		ck_abort_msg("after change %u the store holds neither what was "
			     "told nor one more",
		    told);
}

static unsigned
rounds(unsigned usual)
{
	const char *count = getenv("COUNT");
	uint64_t n;

	return count && str_to_u64(str_of(count), 1000000, &n)
		   ? (unsigned)n * usual / 200
		   : usual;
}

static void
run_rounds(unsigned usual, void (*stop)(pid_t))
{
	struct round r = { .content = look() };
	int64_t began = clock_mono_ns();
	unsigned n = rounds(usual), i;

	for (i = 0; i < n; i++) {
		if (!getenv("COUNT") && i >= LEAST &&
		    clock_mono_ns() - began > ENOUGH_NS)
			break;
		run_round(&r, stop);
	}
	ck_assert_uint_gt(r.n, i);
}

/* --- the tests -------------------------------------------------------------
 */

static void
kill_child(pid_t pid)
{
	kill(pid, SIGKILL);
}

static void
kill_server(pid_t pid)
{
	(void)pid;
	pg_command("kill");
	pg_command("again");
}

static void
setup(void)
{
	arena = arena_new(0);
}

static void
teardown(void)
{
	arena_free(arena);
}

START_TEST(sqlite_process)
{
	char text[600];

	snprintf(text, sizeof text, "sqlite://%s/crash.db", test_folder());
	url = str_of(text);
	run_rounds(200, kill_child);
}
END_TEST

START_TEST(postgres_process)
{
	if (pg_missing())
		return;
	pg_empty();
	url = str_of(pg_url());
	run_rounds(40, kill_child);
}
END_TEST

START_TEST(postgres_server)
{
	if (pg_missing())
		return;
	pg_empty();
	url = str_of(pg_url());
	run_rounds(4, kill_server);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("crash");
	TCase *t = tcase_create("kill -9");
	int status;

	pg_start();
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, getenv("COUNT") ? 3600 : 120);
	tcase_add_test(t, sqlite_process);
	tcase_add_test(t, postgres_process);
	tcase_add_test(t, postgres_server);
	suite_add_tcase(s, t);
	status = run_suite(s);
	pg_end();
	return status;
}
