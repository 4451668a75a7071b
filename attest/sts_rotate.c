/* sts_rotate.c - another master secret for a store that has one (SECURITY 10).
 *   the next secret, in a file beside the present one, which stays
 *   -> one transaction: all that is sealed opens under the former and is sealed
 *      under the next, and the store takes the next one's name
 *   -> the file is replaced, the one beside it goes
 * Broken off before the commit, nothing has changed. Broken off after it, the
 * store knows the next secret alone, and no process with the former one starts,
 * judges a proof or seals anything (sts_check_secret): running it again finds
 * the file beside, finds all of it sealed under that, and replaces the file. */
#include "attest/sts.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "attest/sts_private.h"
#include "base/file.h"

static const char *const purposes[STORE_SEALED_KINDS] = {
	[STORE_SEALED_KEY] = STS_HMAC,
	[STORE_SEALED_ENROLMENT] = STS_ENROL,
	[STORE_SEALED_OFFER] = STS_OFFER,
};

struct rotating {
	struct secret_keys former, next;
	struct prove_random random;
	size_t n;
};

/* Under the next one already: a former run came so far. */
static bool
open_either(struct rotating *r, struct arena *a,
    const struct secret_purpose *purpose, struct str sealed, struct str *ret,
    struct error *reterr)
{
	struct error why = { 0 };

	if (secret_unseal(a, &r->former, purpose, sealed, ret, &why))
		return true;
	return secret_unseal(a, &r->next, purpose, sealed, ret, reterr);
}

static bool
reseal(struct rotating *r, struct sql *tx, struct arena *a,
    enum store_sealed_kind kind, struct store_sealed *row, struct error *reterr)
{
	const struct secret_purpose purpose = { .what = purposes[kind],
		.account = row->account,
		.detail = row->detail };
	struct str plain = { 0 };
	struct buf sealed = { 0 };
	bool ok =
	    open_either(r, a, &purpose, row->sealed, &plain, reterr) &&
	    secret_seal(&r->next, &r->random, &purpose, plain, &sealed, reterr);

	secret_wipe((void *)(uintptr_t)plain.p, plain.n);
	if (ok) {
		row->sealed = buf_str(&sealed);
		ok = store_sealed_put(tx, kind, row, reterr);
	}
	buf_free(&sealed);
	return ok;
}

static bool
reseal_kind(struct rotating *r, struct sql *tx, enum store_sealed_kind kind,
    struct error *reterr)
{
	struct arena *a = arena_new(0);
	struct store_sealed *rows = NULL;
	size_t n = 0;
	bool ok = a ? store_sealed_list(tx, a, kind, &rows, &n, reterr)
		    : error_nomem(reterr);

	for (size_t i = 0; ok && i < n; i++)
		ok = reseal(r, tx, a, kind, &rows[i], reterr);
	arena_free(a);
	r->n += n;
	return ok;
}

/* The file must be the store's, or the one that a broken-off run left. */
static bool
check_names(struct rotating *r, struct sql *tx, struct error *reterr)
{
	bool former = false, next = false;

	if (!store_secret_claim(tx, str_of(r->former.name), &former, reterr) ||
	    !store_secret_is(tx, str_of(r->next.name), &next, reterr))
		return false;
	return former || next ||
	       error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE,
		   "the store is sealed under another master secret than this "
		   "one");
}

static bool
rotate_inside(
    struct sql *tx, int64_t now_ms, void *ctx, bool *keep, struct error *reterr)
{
	struct rotating *r = ctx;
	const struct store_changed change = { .what = STR("secret.rotate"),
		.about = str_of(r->next.name) };

	(void)now_ms;
	(void)keep;
	if (!check_names(r, tx, reterr))
		return false;
	for (int kind = 0; kind < STORE_SEALED_KINDS; kind++)
		if (!reseal_kind(r, tx, (enum store_sealed_kind)kind, reterr))
			return false;
	return store_secret_rename(tx, str_of(r->next.name), reterr) &&
	       store_changed_note(tx, &change, reterr);
}

/* The file beside, made when it is not there. One that has taken over already,
 * and was not taken away, is no next one. */
static bool
open_next(const char *path, const char *former, struct prove_random random,
    struct secret_keys *ret, struct error *reterr)
{
	bool is_there = access(path, F_OK) == 0;

	if (is_there && !secret_open(path, ret, reterr))
		return false;
	if (is_there && strcmp(ret->name, former) != 0)
		return true;
	if (is_there && unlink(path) != 0)
		return error_set(reterr, ERR_FILE_WRITE,
		    (struct span){ .file = path }, "cannot take away `%s`",
		    path);
	return secret_create(path, &random, reterr) &&
	       secret_open(path, ret, reterr);
}

static bool
take_over(const char *path, const char *beside, struct error *reterr)
{
	if (!secret_move(beside, path, reterr))
		return false;
	return unlink(beside) == 0 || errno == ENOENT ||
	       error_set(reterr, ERR_FILE_WRITE,
		   (struct span){ .file = beside }, "cannot take away `%s`",
		   beside);
}

bool
sts_secret_rotate(struct store *store, const char *path,
    struct prove_random random, size_t *ret_n, struct error *reterr)
{
	struct rotating r = { .random = random };
	char beside[4096];
	int n = snprintf(beside, sizeof beside, "%s.next", path);
	bool ok;

	if (n < 0 || (size_t)n >= sizeof beside)
		return error_set(
		    reterr, ERR_FILE_WRITE, SPAN_NONE, "the path is too long");
	ok = secret_open(path, &r.former, reterr) &&
	     open_next(beside, r.former.name, random, &r.next, reterr) &&
	     store_transact(store, rotate_inside, &r, reterr) &&
	     take_over(path, beside, reterr);
	secret_wipe(&r.former, sizeof r.former);
	secret_wipe(&r.next, sizeof r.next);
	if (ok)
		*ret_n = r.n;
	return ok;
}
