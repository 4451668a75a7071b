/* sources.h - make the k-th allocation of OpenSSL or SQLite fail, or the k-th draw of randomness, for every k: what wrap.h does for our own objects. For sweeps
 * of services, one program each; one thread. */
#ifndef TESTS_FAULT_SOURCES_H
#define TESTS_FAULT_SOURCES_H

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "tests/lib/run.h"

/* What fails: the k-th of one source. */
struct source {
	bool armed, fired;
	long n, fail_at;
};
static struct source openssl, sqlite, randomness;

static bool
fails(struct source *s)
{
	if (!s->armed || s->n++ != s->fail_at)
		return false;
	s->fired = true;
	return true;
}

static void *
openssl_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return fails(&openssl) ? NULL : malloc(n);
}

static void *
openssl_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return fails(&openssl) ? NULL : realloc(p, n);
}

static void
openssl_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

static sqlite3_mem_methods sqlite_memory;

static void *
sqlite_malloc(int n)
{
	return fails(&sqlite) ? NULL : sqlite_memory.xMalloc(n);
}

static void *
sqlite_realloc(void *p, int n)
{
	return fails(&sqlite) ? NULL : sqlite_memory.xRealloc(p, n);
}

static inline bool
fill(void *ctx, uint8_t *to, size_t n)
{
	(void)ctx;
	return !fails(&randomness) && RAND_bytes(to, (int)n) == 1;
}

/* Without lookaside, so that every allocation can fail. */
static bool
hook_sqlite(void)
{
	sqlite3_mem_methods ours;

	if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_memory) !=
	    SQLITE_OK)
		return false;
	ours = sqlite_memory;
	ours.xMalloc = sqlite_malloc;
	ours.xRealloc = sqlite_realloc;
	return sqlite3_config(SQLITE_CONFIG_MALLOC, &ours) == SQLITE_OK &&
	       sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0) == SQLITE_OK;
}

/* Before OpenSSL and SQLite allocate anything. */
static bool
sources_hook(void)
{
	return CRYPTO_set_mem_functions(
		   openssl_malloc, openssl_realloc, openssl_free) == 1 &&
	       hook_sqlite();
}

/* `once` as fault_sweep has it: every k at first, then one of `stride`. */
static void
source_sweep(struct source *s, const char *name, bool (*once)(void *),
    void *ctx, long stride)
{
	bool ok = false;

	/* Once without, for what is kept from then on. */
	ck_assert(once(ctx));
	s->fail_at = 0;
	do {
		s->n = 0;
		s->fired = false;
		s->armed = true;
		ok = once(ctx);
		s->armed = false;
		s->fail_at += s->fail_at < 200 ? 1 : stride;
		ck_assert_int_lt(s->fail_at, 1000000);
	} while (s->fired);
	ck_assert_msg(ok, "%s: no answer at last", name);
}

#endif
