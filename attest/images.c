/* images.c - signatures of policy images: made with a private key, and checked
 * under keys that serve this purpose alone (a key serves one purpose). The
 * image does not say which key signed it: each is tried. */
#include "attest/attest.h"

#include "attest/sig.h"
#include "base/file.h"
#include "base/limits.h"

struct attest_images {
	struct arena *arena;
	struct keys_public **lists; /* one a file */
	size_t *n_of;
	size_t n;
};

bool
attest_images_sign(const struct attest_key *key, struct str message,
    struct buf *ret_signature, struct error *reterr)
{
	return sig_sign(&key->public, message, ret_signature, reterr);
}

static bool
read_file(
    struct attest_images *t, const char *path, size_t i, struct error *reterr)
{
	struct str text;

	if (!file_read(t->arena, path, LIMIT_KEY_FILE_BYTES, &text, reterr) ||
	    !keys_public_read(
		t->arena, path, text, &t->lists[i], &t->n_of[i], reterr))
		return false;
	t->n = i + 1;
	for (size_t k = 0; k < t->n_of[i]; k++)
		if (t->lists[i][k].algorithm == KEYS_UNFIT ||
		    t->lists[i][k].algorithm == KEYS_RSA1024)
			return error_set(reterr, ERR_KEY_FORM,
			    (struct span){ .file = path },
			    "`%s` has a key that may sign no image: RSA of "
			    "2,048 bits or more, P-256 or Ed25519 is wanted",
			    path);
	return true;
}

static bool
read_all(struct attest_images *t, const char *path, struct error *reterr)
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
	t->lists = ARENA_ARRAY(t->arena, n, struct keys_public *);
	t->n_of = ARENA_ARRAY(t->arena, n, size_t);
	if (!t->lists || !t->n_of)
		return error_nomem(reterr);
	for (size_t i = 0; i < n; i++)
		if (!read_file(t, files[i], i, reterr))
			return false;
	return true;
}

struct attest_images *
attest_images_open(const char *path, struct error *reterr)
{
	struct arena *a = arena_new(0);
	struct attest_images *t = a ? ARENA_NEW(a, struct attest_images) : NULL;

	if (!t) {
		arena_free(a);
		(void)error_nomem(reterr);
		return NULL;
	}
	t->arena = a;
	if (read_all(t, path, reterr))
		return t;
	attest_images_free(t);
	return NULL;
}

void
attest_images_free(struct attest_images *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++)
		for (size_t k = 0; k < t->n_of[i]; k++)
			keys_public_fini(&t->lists[i][k]);
	arena_free(t->arena);
}

bool
attest_images_verify(const struct attest_images *t, struct str message,
    struct str signature, struct error *reterr)
{
	for (size_t i = 0; i < t->n; i++)
		for (size_t k = 0; k < t->n_of[i]; k++)
			if (sig_verify(
				&t->lists[i][k], message, signature, NULL))
				return true;
	return error_set(reterr, ERR_FILE_SIGNATURE, SPAN_NONE,
	    "the signature is of no trusted key");
}
