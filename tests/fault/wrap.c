/* wrap.c - the failing allocator behind fault_sweep.
 * While armed, what is handed out is remembered in a table, so that what a run
 * leaves behind is seen; memory from before, or from inside libc, is passed on
 * untouched; threads of the run allocate in whatever order they come. A call of
 * a database fails in two ways: before it was made, and as
 * if, after it was. */
#include "tests/fault/wrap.h"

#include <check.h>
#include <errno.h>
#include <libpq-fe.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/json.h"

#define SLOTS (1u << 16)
#define MAX_ALLOCATIONS 100000L

void *fault_malloc(size_t size);
void *fault_calloc(size_t n, size_t size);
void *fault_realloc(void *p, size_t size);
void fault_free(void *p);

static struct {
	bool armed, paused, fired;
	long n, fail_at;
	void *live[SLOTS]; /* open addressing; TOMB where one was freed */
	size_t n_live;
} state;

/* Of `state`. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static char tomb;
#define TOMB ((void *)&tomb)

static bool
fails(void)
{
	bool is_now;

	(void)pthread_mutex_lock(&lock);
	is_now = state.armed && !state.paused && state.n++ == state.fail_at;
	state.fired = state.fired || is_now;
	(void)pthread_mutex_unlock(&lock);
	if (is_now)
		errno = ENOMEM;
	return is_now;
}

static size_t
slot_of(const void *p)
{
	return ((uintptr_t)p >> 4) * 0x9e3779b97f4a7c15u >> 48 & (SLOTS - 1);
}

static void
remember_in_table(void *p)
{
	size_t i = slot_of(p);

	if (state.n_live == SLOTS / 2)
		ck_abort_msg("more than %u objects live", SLOTS / 2);
	while (state.live[i] && state.live[i] != TOMB)
		i = (i + 1) & (SLOTS - 1);
	state.live[i] = p;
	state.n_live++;
}

static void *
remember(void *p)
{
	(void)pthread_mutex_lock(&lock);
	if (p && state.armed && !state.paused)
		remember_in_table(p);
	(void)pthread_mutex_unlock(&lock);
	return p;
}

static void
forget_in_table(const void *p)
{
	for (size_t i = slot_of(p), n = 0; state.live[i] && n < SLOTS;
	     i = (i + 1) & (SLOTS - 1), n++) {
		if (state.live[i] == p) {
			state.live[i] = TOMB;
			state.n_live--;
			return;
		}
	}
}

static void
forget(const void *p)
{
	(void)pthread_mutex_lock(&lock);
	if (p && state.armed)
		forget_in_table(p);
	(void)pthread_mutex_unlock(&lock);
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

void
fault_pause(bool pause)
{
	state.paused = pause;
}

/* --- OpenSSL ---------------------------------------------------------------
 * What makes an object fails before it is made; the rest also as if, after.
 */

/* Its prototype and its definition. */
#define CALL(type, name, failure, params, args)                                \
	type fault_##name params;                                              \
	type fault_##name params                                               \
	{                                                                      \
		FAULTY(type, failure, name args);                              \
	}
#define MAKE(type, name, params, args)                                         \
	type fault_##name params;                                              \
	type fault_##name params                                               \
	{                                                                      \
		return fails() ? NULL : name args;                             \
	}

/* clang-format off */
CALL(ssize_t, getrandom, -1, (void *to, size_t n, unsigned flags), (to, n, flags))
CALL(int, RAND_bytes, 0, (unsigned char *to, int n), (to, n))
CALL(unsigned char *, HMAC, NULL, (const EVP_MD *md, const void *key, int key_n,
	const unsigned char *d, size_t n, unsigned char *ret, unsigned *ret_n),
	(md, key, key_n, d, n, ret, ret_n))
CALL(int, EVP_Digest, 0, (const void *d, size_t n, unsigned char *ret,
	unsigned *ret_n, const EVP_MD *md, ENGINE *e), (d, n, ret, ret_n, md, e))
CALL(int, EVP_DigestInit_ex, 0, (EVP_MD_CTX *c, const EVP_MD *md, ENGINE *e), (c, md, e))
CALL(int, EVP_DigestUpdate, 0, (EVP_MD_CTX *c, const void *d, size_t n), (c, d, n))
CALL(int, EVP_DigestFinal_ex, 0, (EVP_MD_CTX *c, unsigned char *ret, unsigned *n), (c, ret, n))
CALL(int, EVP_DigestSignInit, 0, (EVP_MD_CTX *c, EVP_PKEY_CTX **p, const EVP_MD *md,
	ENGINE *e, EVP_PKEY *key), (c, p, md, e, key))
CALL(int, EVP_DigestSign, 0, (EVP_MD_CTX *c, unsigned char *ret, size_t *ret_n,
	const unsigned char *d, size_t n), (c, ret, ret_n, d, n))
CALL(int, EVP_DigestVerifyInit, 0, (EVP_MD_CTX *c, EVP_PKEY_CTX **p, const EVP_MD *md,
	ENGINE *e, EVP_PKEY *key), (c, p, md, e, key))
CALL(int, EVP_DigestVerify, -1, (EVP_MD_CTX *c, const unsigned char *sig, size_t sig_n,
	const unsigned char *d, size_t n), (c, sig, sig_n, d, n))
CALL(int, EVP_PKEY_verify, -1, (EVP_PKEY_CTX *c, const unsigned char *sig, size_t sig_n,
	const unsigned char *d, size_t n), (c, sig, sig_n, d, n))
CALL(int, EVP_PKEY_CTX_set_signature_md, 0, (EVP_PKEY_CTX *c, const EVP_MD *md), (c, md))
CALL(int, EVP_KDF_derive, 0, (EVP_KDF_CTX *c, unsigned char *ret, size_t n,
	const OSSL_PARAM params[]), (c, ret, n, params))
CALL(int, EVP_EncryptInit_ex2, 0, (EVP_CIPHER_CTX *c, const EVP_CIPHER *t,
	const unsigned char *key, const unsigned char *iv, const OSSL_PARAM p[]), (c, t, key, iv, p))
CALL(int, EVP_EncryptUpdate, 0, (EVP_CIPHER_CTX *c, unsigned char *ret, int *ret_n,
	const unsigned char *d, int n), (c, ret, ret_n, d, n))
CALL(int, EVP_EncryptFinal_ex, 0, (EVP_CIPHER_CTX *c, unsigned char *ret, int *n), (c, ret, n))
CALL(int, EVP_DecryptInit_ex2, 0, (EVP_CIPHER_CTX *c, const EVP_CIPHER *t,
	const unsigned char *key, const unsigned char *iv, const OSSL_PARAM p[]), (c, t, key, iv, p))
CALL(int, EVP_DecryptUpdate, 0, (EVP_CIPHER_CTX *c, unsigned char *ret, int *ret_n,
	const unsigned char *d, int n), (c, ret, ret_n, d, n))
CALL(int, EVP_DecryptFinal_ex, 0, (EVP_CIPHER_CTX *c, unsigned char *ret, int *n), (c, ret, n))
MAKE(EVP_PKEY_CTX *, EVP_PKEY_CTX_new, (EVP_PKEY *key, ENGINE *e), (key, e))
MAKE(EVP_PKEY *, d2i_PUBKEY, (EVP_PKEY **ret, const unsigned char **d, long n), (ret, d, n))
/* clang-format on */

int fault_EVP_PKEY_fromdata(
    EVP_PKEY_CTX *c, EVP_PKEY **ret, int selection, OSSL_PARAM params[]);
int
fault_EVP_PKEY_fromdata(
    EVP_PKEY_CTX *c, EVP_PKEY **ret, int selection, OSSL_PARAM params[])
{
	return fails() ? 0 : EVP_PKEY_fromdata(c, ret, selection, params);
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
	state.paused = false;
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
