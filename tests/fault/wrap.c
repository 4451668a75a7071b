/* wrap.c - the failing allocator behind fault_sweep.
 * While armed, what is handed out is remembered in a table, so that what a run
 * leaves behind is seen; memory from before, or from inside libc, is passed on
 * untouched. A call of a database fails in two ways: before it was made, and as
 * if, after it was. */
#include "tests/fault/wrap.h"

#include <check.h>
#include <errno.h>
#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "base/json.h"

#define SLOTS (1u << 16)
#define MAX_ALLOCATIONS 100000L

void *fault_malloc(size_t size);
void *fault_calloc(size_t n, size_t size);
void *fault_realloc(void *p, size_t size);
void fault_free(void *p);

static struct {
	bool armed, fired;
	long n, fail_at;
	void *live[SLOTS]; /* open addressing; TOMB where one was freed */
	size_t n_live;
} state;

static char tomb;
#define TOMB ((void *)&tomb)

static bool
fails(void)
{
	if (!state.armed || state.n++ != state.fail_at)
		return false;
	state.fired = true;
	errno = ENOMEM;
	return true;
}

static size_t
slot_of(const void *p)
{
	return ((uintptr_t)p >> 4) * 0x9e3779b97f4a7c15u >> 48 & (SLOTS - 1);
}

static void *
remember(void *p)
{
	size_t i = slot_of(p);

	if (!p || !state.armed)
		return p;
	if (state.n_live == SLOTS / 2)
		ck_abort_msg("more than %u objects live", SLOTS / 2);
	while (state.live[i] && state.live[i] != TOMB)
		i = (i + 1) & (SLOTS - 1);
	state.live[i] = p;
	state.n_live++;
	return p;
}

static void
forget(const void *p)
{
	if (!p || !state.armed)
		return;
	for (size_t i = slot_of(p), n = 0; state.live[i] && n < SLOTS;
	     i = (i + 1) & (SLOTS - 1), n++) {
		if (state.live[i] == p) {
			state.live[i] = TOMB;
			state.n_live--;
			return;
		}
	}
}

void *
fault_malloc(size_t size)
{
	return fails() ? NULL : remember(malloc(size));
}

void *
fault_calloc(size_t n, size_t size)
{
	return fails() ? NULL : remember(calloc(n, size));
}

void *
fault_realloc(void *p, size_t size)
{
	void *moved;

	if (fails())
		return NULL;
	forget(p);
	moved = realloc(p, size);
	return remember(moved ? moved : p);
}

void
fault_free(void *p)
{
	forget(p);
	free(p);
}

/* --- databases -------------------------------------------------------------
 */

int fault_sqlite3_step(sqlite3_stmt *s);
int fault_sqlite3_exec(sqlite3 *db, const char *text,
    int (*row)(void *, int, char **, char **), void *ctx, char **message);
int fault_sqlite3_prepare_v2(sqlite3 *db, const char *text, int n,
    sqlite3_stmt **ret, const char **tail);
int fault_sqlite3_prepare_v3(sqlite3 *db, const char *text, int n,
    unsigned flags, sqlite3_stmt **ret, const char **tail);
int fault_sqlite3_bind_int64(sqlite3_stmt *s, int at, sqlite3_int64 n);
PGconn *fault_PQconnectStartParams(
    const char *const *names, const char *const *values, int expand);
PostgresPollingStatusType fault_PQconnectPoll(PGconn *c);
int fault_PQsendQuery(PGconn *c, const char *text);
int fault_PQsendPrepare(
    PGconn *c, const char *name, const char *text, int n, const Oid *types);
int fault_PQsendQueryPrepared(PGconn *c, const char *name, int n,
    const char *const *values, const int *lengths, const int *formats,
    int format);
int fault_PQconsumeInput(PGconn *c);
int fault_PQflush(PGconn *c);
PGresult *fault_PQgetResult(PGconn *c);

/* `call` fails as `failure`. */
#define FAULTY(type, failure, call)                                            \
	do {                                                                   \
		type faulty_;                                                  \
		if (fails())                                                   \
			return failure;                                        \
		faulty_ = (call);                                              \
		return fails() ? (failure) : faulty_;                          \
	} while (0)

int
fault_sqlite3_step(sqlite3_stmt *s)
{
	FAULTY(int, SQLITE_IOERR, sqlite3_step(s));
}

int
fault_sqlite3_exec(sqlite3 *db, const char *text,
    int (*row)(void *, int, char **, char **), void *ctx, char **message)
{
	FAULTY(int, SQLITE_FULL, sqlite3_exec(db, text, row, ctx, message));
}

int
fault_sqlite3_prepare_v2(
    sqlite3 *db, const char *text, int n, sqlite3_stmt **ret, const char **tail)
{
	if (fails())
		return SQLITE_NOMEM;
	return sqlite3_prepare_v2(db, text, n, ret, tail);
}

int
fault_sqlite3_prepare_v3(sqlite3 *db, const char *text, int n, unsigned flags,
    sqlite3_stmt **ret, const char **tail)
{
	if (fails())
		return SQLITE_NOMEM;
	return sqlite3_prepare_v3(db, text, n, flags, ret, tail);
}

int
fault_sqlite3_bind_int64(sqlite3_stmt *s, int at, sqlite3_int64 n)
{
	FAULTY(int, SQLITE_NOMEM, sqlite3_bind_int64(s, at, n));
}

PGconn *
fault_PQconnectStartParams(
    const char *const *names, const char *const *values, int expand)
{
	return fails() ? NULL : PQconnectStartParams(names, values, expand);
}

PostgresPollingStatusType
fault_PQconnectPoll(PGconn *c)
{
	FAULTY(
	    PostgresPollingStatusType, PGRES_POLLING_FAILED, PQconnectPoll(c));
}

int
fault_PQsendQuery(PGconn *c, const char *text)
{
	FAULTY(int, 0, PQsendQuery(c, text));
}

int
fault_PQsendPrepare(
    PGconn *c, const char *name, const char *text, int n, const Oid *types)
{
	FAULTY(int, 0, PQsendPrepare(c, name, text, n, types));
}

int
fault_PQsendQueryPrepared(PGconn *c, const char *name, int n,
    const char *const *values, const int *lengths, const int *formats,
    int format)
{
	FAULTY(int, 0,
	    PQsendQueryPrepared(c, name, n, values, lengths, formats, format));
}

int
fault_PQconsumeInput(PGconn *c)
{
	FAULTY(int, 0, PQconsumeInput(c));
}

int
fault_PQflush(PGconn *c)
{
	FAULTY(int, -1, PQflush(c));
}

PGresult *
fault_PQgetResult(PGconn *c)
{
	PGresult *r;

	if (fails())
		return NULL;
	r = PQgetResult(c);
	if (!fails())
		return r;
	PQclear(r);
	return NULL;
}

static bool
run(bool (*once)(void *ctx), void *ctx, long fail_at)
{
	bool ok;

	memset(state.live, 0, sizeof state.live);
	state.n_live = 0;
	state.n = 0;
	state.fail_at = fail_at;
	state.fired = false;
	state.armed = true;
	ok = once(ctx);
	state.armed = false;
	return ok;
}

static long
sweep(const char *name, bool (*once)(void *ctx), void *ctx)
{
	/* Once without, for what a first use sets up for good. */
	ck_assert_msg(run(once, ctx, -1), "%s: fails without a fault", name);
	for (long k = 0; k < MAX_ALLOCATIONS; k++) {
		bool ok = run(once, ctx, k);

		ck_assert_msg(state.n_live == 0,
		    "%s: %zu objects left when allocation %ld fails", name,
		    state.n_live, k);
		if (state.fired)
			continue;
		ck_assert_msg(ok, "%s: no answer after the last fault", name);
		return k;
	}
	ck_abort_msg("%s: does not end", name);
	return -1;
}

long
fault_sweep(const char *name, bool (*once)(void *ctx), void *ctx)
{
	json_set_alloc_funcs(json_memory, fault_free);
	return sweep(name, once, ctx);
}

long
fault_sweep_ours(const char *name, bool (*once)(void *ctx), void *ctx)
{
	json_set_alloc_funcs(malloc, free);
	return sweep(name, once, ctx);
}
