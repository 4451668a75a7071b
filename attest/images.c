/* images.c - signatures of policy images: made with a private key, and checked
 * under keys that serve this purpose alone (a key serves one purpose). The
 * image does not say which key signed it: each is tried. */
#include "attest/attest.h"

#include "attest/sig.h"
#include "base/file.h"
#include "base/limits.h"

struct attest_images {
	struct arena *arena;
	struct list {
		struct keys_public *keys;
		size_t n;
	} * lists; /* one a file */
	size_t n, cap;
};

bool
attest_images_sign(const struct attest_key *key, struct str message,
    struct buf *ret_signature, struct error *reterr)
{
	return sig_sign(&key->public, message, ret_signature, reterr);
}

static bool
read_file(struct attest_images *t, const char *path, struct error *reterr)
{
	struct list list;
	struct str text;

	if (!ARENA_PUSH_ROOM(t->arena, t->lists, t->n, t->cap))
		return error_nomem(reterr);
	if (!file_read(t->arena, path, LIMIT_KEY_FILE_BYTES, &text, reterr) ||
	    !keys_public_read(
		t->arena, path, text, &list.keys, &list.n, reterr))
		return false;
	t->lists[t->n++] = list;
	for (size_t k = 0; k < list.n; k++)
		if (list.keys[k].algorithm == KEYS_UNFIT ||
		    list.keys[k].algorithm == KEYS_RSA1024)
			return error_set(reterr, ERR_KEY_FORM,
			    (struct span){ .file = path },
			    "`%s` has a key that may sign no image: RSA of "
			    "2,048 bits or more, P-256 or Ed25519 is wanted",
			    path);
	return true;
}

static bool
read_path(struct attest_images *t, const char *path, struct error *reterr)
{
	static const char *const suffixes[] = { ".pem", NULL };
	const char *const *files;
	size_t n;

	if (!file_list(t->arena, path, suffixes, &files, &n, reterr))
		return false;
	if (n == 0)
		return error_set(reterr, ERR_CONFIG_TRUST,
		    (struct span){ .file = path },
		    "there is no key in `%s`: no image would be used", path);
	for (size_t i = 0; i < n; i++)
		if (!read_file(t, files[i], reterr))
			return false;
	return true;
}

struct attest_images *
attest_images_open(
    const char *const *paths, size_t n_paths, struct error *reterr)
{
	struct arena *a = arena_new(0);
	struct attest_images *t = a ? ARENA_NEW(a, struct attest_images) : NULL;

	if (!t) {
		arena_free(a);
		(void)error_nomem(reterr);
		return NULL;
	}
	t->arena = a;
	for (size_t i = 0; i < n_paths; i++)
		if (!read_path(t, paths[i], reterr)) {
			/* The names of its files go with it. */
			if (reterr && reterr->at.file)
				reterr->at.file = paths[i];
			attest_images_free(t);
			return NULL;
		}
	return t;
}

void
attest_images_free(struct attest_images *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++)
		for (size_t k = 0; k < t->lists[i].n; k++)
			keys_public_fini(&t->lists[i].keys[k]);
	arena_free(t->arena);
}

bool
attest_images_verify(const struct attest_images *t, struct str message,
    struct str signature, struct error *reterr)
{
	for (size_t i = 0; i < t->n; i++)
		for (size_t k = 0; k < t->lists[i].n; k++)
			if (sig_verify(
				&t->lists[i].keys[k], message, signature, NULL))
				return true;
	return error_set(reterr, ERR_FILE_SIGNATURE, SPAN_NONE,
	    "the signature is of no trusted key");
}
