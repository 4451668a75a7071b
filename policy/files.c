/* files.c - the policy files of a folder, read and parsed by a few threads.
 * Files have nothing to do with one another before the set is finished: each is
 * parsed into an arena of its own, which goes with the set's. What comes of
 * them, files and errors, is taken in their order when all are read, so that
 * nothing depends on which thread was first. Who finds no more to read digests
 * texts, which finishing the set asks for. Small folders are read by the
 * caller. Cost: that of parsing, shared. */
#include "policy/set.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "policy/image.h"
#include "policy/pieces.h"

/* Less is read sooner than a thread is started. */
#define BYTES_A_THREAD (1 << 20)
#define THREADS_MAX 4u

/* What has a beginning of something other than policy text. */
bool
files_check_form(const char *path, struct str text, struct errors *reterr)
{
	struct span at = { .file = path };

	if (str_find(str_sub(text, 0, 16), '\0', 0) < str_sub(text, 0, 16).n) {
		(void)errors_add(reterr, ERR_SYNTAX_UNSUPPORTED, at,
		    policy_is_image(text)
			? "an image is mapped, so it is given as a file"
			: "expected policy text, found binary data");
		return false;
	}
	return true;
}

enum file_form
files_form_of(const char *path)
{
	if (str_has_suffix(str_of(path), STR(".json")))
		return FILE_JSON;
	if (str_has_suffix(str_of(path), STR(".cedar")))
		return FILE_CEDAR;
	return FILE_AVOW;
}

bool
files_parse(struct arena *a, const char *file, struct str text,
    enum file_form form, struct ast **ret, struct errors *reterr)
{
	struct source source;
	struct error e = { 0 };

	*ret = NULL;
	if (!source_init(a, file, text, &source, &e))
		return errors_take(reterr, &e);
	if (form == FILE_JSON)
		return parse_json_policies(a, &source, ret, reterr);
	return parse_policies(
	    a, &source, (enum policy_dialect)form, ret, reterr);
}

static bool
read_text(
    struct arena *a, const char *path, struct str *ret, struct errors *reterr)
{
	struct error e = { 0 };

	if (!file_read(a, path, LIMIT_POLICY_FILE_BYTES, ret, &e))
		return errors_take(reterr, &e);
	return files_check_form(path, *ret, reterr);
}

bool
files_read(
    struct arena *a, const char *path, struct ast **ret, struct errors *reterr)
{
	struct str text;

	*ret = NULL;
	return read_text(a, path, &text, reterr) &&
	       files_parse(a, path, text, files_form_of(path), ret, reterr);
}

/* --- several ----------------------------------------------------------------
 */

/* A text is digested by whom is at leisure first. */
enum stage { STAGE_READING = 0, STAGE_READ, STAGE_DIGESTED };

struct job {
	const char *path;
	struct arena *arena; /* NULL: memory ran out */
	struct str text;
	struct ast *tree; /* NULL: nothing came of it */
	struct errors *errors;
	bool ok;
	_Atomic(enum stage) stage;  /* of the text */
	struct arena *of_digest;    /* who digests does not share the other */
	struct ready_digest digest; /* `pieces` NULL: not made */
};

struct work {
	struct job *jobs;
	size_t n;
	atomic_size_t next;
};

/* Where it fails, policy_set_finish says so. */
static void
digest(struct job *j)
{
	enum stage read = STAGE_READ;
	struct pieces *pieces;

	if (!atomic_compare_exchange_strong(&j->stage, &read, STAGE_DIGESTED))
		return;
	j->of_digest = arena_new(0);
	pieces = j->of_digest ? ARENA_NEW(j->of_digest, struct pieces) : NULL;
	if (pieces && pieces_digest(j->of_digest, j->text, NULL, pieces,
			  j->digest.digest))
		j->digest.pieces = pieces;
}

/* Others may digest the text while it is parsed. */
static bool
read_one(struct job *j)
{
	if (!read_text(j->arena, j->path, &j->text, j->errors))
		return false;
	atomic_store(&j->stage, STAGE_READ);
	return files_parse(j->arena, j->path, j->text, files_form_of(j->path),
	    &j->tree, j->errors);
}

static void *
read_some(void *arg)
{
	struct work *w = arg;

	for (size_t i; (i = atomic_fetch_add(&w->next, 1)) < w->n;) {
		struct job *j = &w->jobs[i];

		j->arena = arena_new(0);
		j->errors =
		    j->arena ? ARENA_NEW(j->arena, struct errors) : NULL;
		j->ok = j->errors && read_one(j);
	}
	/* Others may still read, and digest what they read last themselves. */
	for (size_t i = 0; i < w->n; i++)
		digest(&w->jobs[i]);
	return NULL;
}

static size_t
threads_for(const char *const *paths, size_t n)
{
	long most = sysconf(_SC_NPROCESSORS_ONLN);
	size_t want = 1;
	off_t bytes = 0;
	struct stat st;

	for (size_t i = 0; i < n && want < THREADS_MAX; i++) {
		if (stat(paths[i], &st) == 0 && st.st_size > 0)
			bytes += st.st_size;
		want = 1 + (size_t)(bytes / BYTES_A_THREAD);
	}
	if (want > n)
		want = n;
	if (want > THREADS_MAX)
		want = THREADS_MAX;
	return most > 0 && want > (size_t)most ? (size_t)most : want;
}

static void
read_all(struct work *w, size_t n_threads)
{
	pthread_t helpers[THREADS_MAX];
	size_t started = 0;

	while (started + 1 < n_threads &&
	       pthread_create(&helpers[started], NULL, read_some, w) == 0)
		started++;
	(void)read_some(w);
	while (started > 0)
		(void)pthread_join(helpers[--started], NULL);
}

static void
end_arena(void *arena)
{
	arena_free(arena);
}

bool
files_adopt(struct arena *a, struct arena *part)
{
	return arena_at_end(a, end_arena, part);
}

/* Without room it is made anew. */
static void
take_digest(struct policy_set *set, struct job *j)
{
	j->digest.file = j->tree;
	if (!j->of_digest || !files_adopt(set->arena, j->of_digest)) {
		arena_free(j->of_digest);
		return;
	}
	if (j->tree && j->digest.pieces &&
	    ARENA_PUSH_ROOM(
		set->arena, set->ready, set->n_ready, set->cap_ready))
		set->ready[set->n_ready++] = j->digest;
}

static bool
take(struct policy_set *set, struct job *j, struct errors *reterr)
{
	bool ok = j->ok;

	take_digest(set, j);
	for (size_t i = 0; j->errors && i < j->errors->n; i++)
		(void)errors_take(reterr, &j->errors->e[i]);
	if (j->errors && reterr)
		reterr->dropped += j->errors->dropped;
	/* Messages quote texts of the arena: it stays, also with errors. */
	if (!j->errors || !files_adopt(set->arena, j->arena)) {
		arena_free(j->arena);
		return errors_nomem(reterr);
	}
	if (j->tree)
		ok = files_keep(set, j->tree, reterr) && ok;
	return ok;
}

bool
files_read_all(struct policy_set *set, const char *const *paths, size_t n,
    struct errors *reterr)
{
	struct work w = { .n = n };
	size_t n_threads = threads_for(paths, n);
	bool ok = true;

	if (n_threads > 1)
		w.jobs = ARENA_ARRAY(set->arena, n, struct job);
	for (size_t i = 0; !w.jobs && i < n; i++) {
		struct ast *t;

		ok = files_read(set->arena, paths[i], &t, reterr) && ok;
		if (t)
			ok = files_keep(set, t, reterr) && ok;
	}
	if (!w.jobs)
		return ok;
	for (size_t i = 0; i < n; i++)
		w.jobs[i].path = paths[i];
	read_all(&w, n_threads);
	for (size_t i = 0; i < n; i++)
		ok = take(set, &w.jobs[i], reterr) && ok;
	return ok;
}
