/* mark.c - a file beside the keys that remembers the newest generation of the
 * store that this machine has seen: one decimal number and a newline, 0600.
 * A store behind it was put back from a copy, and what was revoked since would
 * count again. Written whole or not at all (file_replace). */
#include "store/store.h"

#include <stdio.h>
#include <unistd.h>

#include "base/file.h"

#define MARK_BYTES 32

/* 0 where there is no file yet. */
bool
store_mark_read(const char *path, int64_t *ret, struct error *reterr)
{
	struct arena *a;
	struct str text;
	uint64_t n = 0;
	bool ok;

	if (access(path, F_OK) != 0) {
		*ret = 0;
		return true;
	}
	a = arena_new(0);
	ok = a ? file_read_secret(a, path, MARK_BYTES, &text, reterr)
	       : error_nomem(reterr);
	if (ok && text.n > 0 && text.p[text.n - 1] == '\n')
		text.n--;
	if (ok && !str_to_u64(text, INT64_MAX, &n))
		ok = error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE,
		    "`%s` does not hold a generation", path);
	arena_free(a);
	if (ok)
		*ret = (int64_t)n;
	return ok;
}

bool
store_mark_write(const char *path, int64_t generation, struct error *reterr)
{
	char text[MARK_BYTES];

	snprintf(text, sizeof text, "%lld\n", (long long)generation);
	return file_replace(path, 0600, str_of(text), reterr);
}

bool
store_mark_check(const char *path, int64_t generation, struct error *reterr)
{
	int64_t seen;

	if (!store_mark_read(path, &seen, reterr))
		return false;
	if (generation > seen)
		return store_mark_write(path, generation, reterr);
	return generation == seen ||
	       error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE,
		   "the store has generation %lld, and `%s` has seen %lld: it "
		   "was put back from a copy, without what was revoked since; "
		   "see `avow store accept-restore`",
		   (long long)generation, path, (long long)seen);
}
