/* token_ring.c - the folder of keys that sign tokens.
 * A file's name is the moment from which its key signs, so the folder itself is
 * all there is to know: nothing can be out of step with it, and `ls` shows it.
 * Sorted by that moment; a key signs until the next one does, and its public
 * half stays published until what it signed last has expired. */
#include "attest/token.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attest/jwk.h"
#include "attest/token_read.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/timefmt.h"

#define SUFFIX ".key.pem"
#define MOMENT "2026-03-01T120000Z" /* a colon is odd in a file's name */
#define JWT_SVID "jwt-svid"
#define TAIL_S (TOKEN_LIFETIME_MOST_S + LIMIT_SKEW_S)

struct token_ring {
	struct arena *arena;
	struct token_ring_key *keys;
	struct attest_key **secrets;
	size_t n;
};

static const char *const suffixes[] = { SUFFIX, NULL };

/* ---- names ----------------------------------------------------------------
 */

static bool
moment_of(struct str name, int64_t *ret_unix_s)
{
	const char *p = name.p;
	char text[32];
	int64_t ms;

	if (name.n != sizeof MOMENT SUFFIX - 1 ||
	    !str_has_suffix(name, STR("Z" SUFFIX)))
		return false;
	/* 2026-03-01T12 00 00Z */
	snprintf(text, sizeof text, "%.13s:%.2s:%.3s", p, p + 13, p + 15);
	if (!time_parse_datetime(str_of(text), &ms))
		return false;
	*ret_unix_s = ms / 1000;
	return true;
}

static struct str
name_of(struct arena *a, const char *folder, int64_t unix_s)
{
	struct buf time = { 0 };
	struct str name = { 0 };

	time_print_datetime(&time, unix_s * 1000);
	if (buf_ok(&time) && time.n == strlen("2026-03-01T12:00:00Z"))
		name = str_printf(a, "%s/%.13s%.2s%.3s" SUFFIX, folder, time.p,
		    time.p + 14, time.p + 17);
	buf_free(&time);
	return name;
}

/* ---- reading --------------------------------------------------------------
 */

static bool
refuse_file(const char *file, struct error *reterr)
{
	(void)error_set(reterr, ERR_CONFIG_VALUE, (struct span){ .file = file },
	    "`%s` is not named after the moment from which it signs", file);
	error_hint(
	    reterr, "as `" MOMENT SUFFIX "`; `avow key rotate` makes it");
	return false;
}

static bool
read_key(struct token_ring *r, const char *file, struct error *reterr)
{
	const char *slash = strrchr(file, '/');
	struct token_ring_key key = { .file = str_of(file),
		.signs_until = INT64_MAX,
		.published_until = INT64_MAX };
	struct attest_key *secret;

	if (!moment_of(str_of(slash ? slash + 1 : file), &key.signs_from))
		return refuse_file(file, reterr);
	secret = attest_key_open(file, reterr);
	if (!secret)
		return false;
	key.kid = keys_thumbprint(&secret->public);
	key.algorithm = jws_algorithm(&secret->public);
	r->secrets[r->n] = secret;
	r->keys[r->n++] = key;
	return true;
}

/* Files are listed in byte order, which is the order of their moments. */
static bool
order(struct token_ring *r, struct error *reterr)
{
	for (size_t i = 1; i < r->n; i++) {
		struct token_ring_key *before = &r->keys[i - 1];
		const struct token_ring_key *key = &r->keys[i];

		if (key->signs_from <= before->signs_from)
			return refuse_file(key->file.p, reterr);
		for (size_t k = 0; k < i; k++)
			if (str_eq(r->keys[k].kid, key->kid))
				return error_set(reterr, ERR_CONFIG_VALUE,
				    (struct span){ .file = key->file.p },
				    "`%s` is the same key as `%s`", key->file.p,
				    r->keys[k].file.p);
		before->signs_until = key->signs_from;
		before->published_until = key->signs_from + TAIL_S;
	}
	return true;
}

static bool
read_ring(struct token_ring *r, const char *folder, struct error *reterr)
{
	const char *const *files;
	size_t n;

	if (!file_list(r->arena, folder, suffixes, &files, &n, reterr))
		return false;
	if (n > LIMIT_RING_KEYS)
		return error_set(reterr, ERR_LIMIT_COUNT, SPAN_NONE,
		    "`%s` has %zu keys, the limit is %u", folder, n,
		    LIMIT_RING_KEYS);
	r->keys = ARENA_ARRAY(r->arena, n + 1, struct token_ring_key);
	r->secrets = ARENA_ARRAY(r->arena, n + 1, struct attest_key *);
	if (!r->keys || !r->secrets)
		return error_nomem(reterr);
	for (size_t i = 0; i < n; i++)
		if (!read_key(r, files[i], reterr))
			return false;
	return order(r, reterr);
}

/* The ring is about to go, with the names of its files: the message has that
 * which is meant. */
static void
place_at(const char *folder, struct error *reterr)
{
	if (reterr && reterr->at.file)
		reterr->at.file = folder;
}

/* An empty folder is a ring, to which the first key can be added. */
static struct token_ring *
open_any(const char *folder, struct error *reterr)
{
	struct arena *a = arena_new(0);
	struct token_ring *r = a ? ARENA_NEW(a, struct token_ring) : NULL;

	if (!r) {
		arena_free(a);
		(void)error_nomem(reterr);
		return NULL;
	}
	r->arena = a;
	if (read_ring(r, folder, reterr))
		return r;
	place_at(folder, reterr);
	token_ring_free(r);
	return NULL;
}

struct token_ring *
token_ring_open(const char *folder, struct error *reterr)
{
	struct token_ring *r = open_any(folder, reterr);

	if (r && r->n == 0) {
		(void)error_set(reterr, ERR_FILE_READ, SPAN_NONE,
		    "`%s` has no key that signs tokens", folder);
		error_hint(
		    reterr, "`avow key rotate %s` makes the first", folder);
		token_ring_free(r);
		return NULL;
	}
	return r;
}

void
token_ring_free(struct token_ring *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n; i++)
		attest_key_free(r->secrets[i]);
	arena_free(r->arena);
}

size_t
token_ring_count(const struct token_ring *r)
{
	return r->n;
}

const struct token_ring_key *
token_ring_at(const struct token_ring *r, size_t i)
{
	return &r->keys[i];
}

const struct attest_key *
token_ring_key(const struct token_ring *r, size_t i)
{
	return r->secrets[i];
}

const struct attest_key *
token_ring_signer(
    const struct token_ring *r, int64_t now_unix_s, struct error *reterr)
{
	for (size_t i = r->n; i > 0; i--)
		if (r->keys[i - 1].signs_from <= now_unix_s)
			return r->secrets[i - 1];
	(void)error_set(
	    reterr, ERR_SYSTEM_NOT_READY, SPAN_NONE, "no key signs tokens yet");
	return NULL;
}

/* ---- published ------------------------------------------------------------
 */

bool
token_ring_is_published(
    const struct token_ring *r, size_t i, int64_t now_unix_s)
{
	return now_unix_s < r->keys[i].published_until;
}

/* Ed25519 signs no JWT-SVID (JWT-SVID 2.1). */
static bool
is_for(
    const struct token_ring *r, size_t i, const char *use, int64_t now_unix_s)
{
	return token_ring_is_published(r, i, now_unix_s) &&
	       (strcmp(use, JWT_SVID) != 0 ||
		   r->secrets[i]->public.algorithm != KEYS_ED25519);
}

/* The list of published keys, each once for every use that it has. */
static json_t *
published(const struct token_ring *r, int64_t now_unix_s,
    const char *const *uses, size_t n_uses)
{
	json_t *list = json_array();
	bool ok = list != NULL;

	for (size_t i = 0; ok && i < r->n; i++)
		for (size_t k = 0; ok && k < n_uses; k++)
			ok = !is_for(r, i, uses[k], now_unix_s) ||
			     json_array_append_new(list,
				 jwk_write(&r->secrets[i]->public, uses[k])) ==
				 0;
	if (ok)
		return list;
	json_decref(list);
	return NULL;
}

/* Takes `root`. */
static bool
write_taking(json_t *root, struct buf *out, struct error *reterr)
{
	bool ok = root && json_write(out, root);

	json_decref(root);
	return ok || error_nomem(reterr);
}

bool
token_ring_jwks(const struct token_ring *r, int64_t now_unix_s, struct buf *out,
    struct error *reterr)
{
	static const char *const uses[] = { "sig" };

	return write_taking(
	    json_pack("{s:o}", "keys", published(r, now_unix_s, uses, 1)), out,
	    reterr);
}

/* Two moments that only grow: when the newest key begins, and when the last
 * predecessor of a key that is there went, its file deleted or not. Either
 * change is then a higher number. */
static json_int_t
sequence_of(const struct token_ring *r, int64_t now_unix_s)
{
	json_int_t came = 0, went = 0;

	for (size_t i = 0; i < r->n; i++) {
		int64_t gone = r->keys[i].signs_from + TAIL_S;

		came = r->keys[i].signs_from;
		if (gone <= now_unix_s)
			went = gone;
	}
	return came + went;
}

bool
token_ring_spiffe_bundle(const struct token_ring *r, int64_t now_unix_s,
    struct buf *out, struct error *reterr)
{
	static const char *const uses[] = { JWT_SVID, "wit-svid" };
	json_int_t sequence = sequence_of(r, now_unix_s);

	return write_taking(
	    json_pack("{s:o, s:I, s:i}", "keys",
		published(r, now_unix_s, uses, 2), "spiffe_sequence", sequence,
		"spiffe_refresh_hint", TOKEN_KEYS_MAX_AGE_S),
	    out, reterr);
}

/* ---- rotation -------------------------------------------------------------
 */

static bool
check_after(const struct token_ring *r, int64_t after_s, bool hasty,
    struct error *reterr)
{
	if (after_s < 0 || after_s > INT64_C(366) * 86400)
		return error_set(reterr, ERR_USAGE, SPAN_NONE,
		    "a key begins to sign now, or within a year");
	if (r->n == 0 || hasty || after_s >= TOKEN_KEYS_MAX_AGE_S)
		return true;
	(void)error_set(reterr, ERR_USAGE, SPAN_NONE,
	    "clients may keep the old key set for %d s, so a new key begins no "
	    "sooner",
	    TOKEN_KEYS_MAX_AGE_S);
	error_hint(reterr, "unless the old one leaked: `--now`");
	return false;
}

static bool
make_folder(const char *folder, struct error *reterr)
{
	if (mkdir(folder, 0700) == 0 || errno == EEXIST)
		return true;
	return error_set(reterr, ERR_FILE_WRITE, SPAN_NONE,
	    "cannot make the folder `%s`: %s", folder, strerror(errno));
}

/* Nothing that they signed is valid any more. A file that will not go is said,
 * since a secret that stays is one to lose. */
static bool
prune(const struct token_ring *r, int64_t now_unix_s, struct error *reterr)
{
	for (size_t i = 0; i < r->n; i++) {
		const char *file = r->keys[i].file.p;

		if (!token_ring_is_published(r, i, now_unix_s) &&
		    unlink(file) != 0)
			return error_set(reterr, ERR_FILE_WRITE,
			    (struct span){ .file = file },
			    "cannot take away `%s`: %s", file, strerror(errno));
	}
	return true;
}

static bool
add_next(struct arena *a, const struct token_ring *r, const char *folder,
    enum attest_key_type type, int64_t from, bool hasty, struct str *ret,
    struct error *reterr)
{
	struct str file = name_of(a, folder, from);

	if (!file.p)
		return error_nomem(reterr);
	/* A key that replaces a leaked one goes before one that waits. */
	if (!hasty && r->n > 0 && r->keys[r->n - 1].signs_from >= from)
		return error_set(reterr, ERR_USAGE, SPAN_NONE,
		    "`%s` is there already and begins no sooner",
		    r->keys[r->n - 1].file.p);
	if (!attest_key_create(type, file.p, reterr))
		return false;
	*ret = file;
	return true;
}

bool
token_ring_rotate(struct arena *a, const char *folder,
    enum attest_key_type type, int64_t now_unix_s, int64_t after_s, bool hasty,
    struct str *ret_file, struct error *reterr)
{
	struct token_ring *r;
	bool ok;

	if (!make_folder(folder, reterr))
		return false;
	r = open_any(folder, reterr);
	if (!r)
		return false;
	ok = check_after(r, after_s, hasty, reterr) &&
	     add_next(a, r, folder, type, now_unix_s + (r->n ? after_s : 0),
		 hasty, ret_file, reterr) &&
	     prune(r, now_unix_s, reterr);
	if (!ok)
		place_at(folder, reterr);
	token_ring_free(r);
	return ok;
}
