/* update.c - files as they are now, over a snapshot of what they were.
 * A policy whose text is the same is not parsed again, a file of entities whose
 * digest is the same is not read as JSON again. What differs is
 * always told against the base: changes of changes do not pile up, and the cost
 * of a decision does not grow with the number of updates. What is not plainly
 * the sum of its parts is not updated (templates, files in another order, many
 * changes at once, anything that is an error): the caller loads all of it anew,
 * which then tells the same errors as ever. */
#include "engine/snapshot.h"

#include <stdlib.h>

#include "base/digest.h"
#include "base/limits.h"

struct updating {
	struct engine_base *base;
	const struct engine_files *now;
	struct arena *spare; /* gone after the update */
	struct engine_snapshot *next;
	const char *why; /* it is no update */
};

static bool
give_up(struct updating *u, const char *why)
{
	if (u->why == NULL)
		u->why = why;
	return false;
}

static const char out_of_memory[] = "memory ran out";
static const char has_errors[] = "there are errors";
static const char many_policies[] = "many policies changed";

/* ---- policies --------------------------------------------------------------
 */

/* Which of the base's files has the name; its number, or the count. Files are
 * mostly where they were. */
uint32_t
update_find_file(
    const struct engine_base *b, uint32_t expected, const char *name)
{
	uint32_t n = policy_set_files(b->policies);

	for (uint32_t i = 0; i < n; i++) {
		uint32_t at =
		    expected + i < n ? expected + i : expected + i - n;

		if (at < n &&
		    strcmp(policy_set_file_name(b->policies, at), name) == 0)
			return at;
	}
	return n;
}

static bool
is_same_text(
    const struct updating *u, uint32_t file, const struct engine_file *now)
{
	struct str text;

	if (file >= policy_set_files(u->base->policies))
		return false;
	return now->is_known ||
	       (policy_set_file_text(u->base->policies, file, &text) &&
		   str_eq(text, now->text));
}

/* All files there are, as picks. */
struct picking {
	struct policy_pick *items;
	size_t n, cap;
	size_t n_same; /* files */
	uint32_t next; /* file of the base behind the last that was taken */
	bool is_moved; /* not all of those are in their order */
};

static bool
add_picks(struct updating *u, struct picking *p, const struct policy_pick *add,
    size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!ARENA_PUSH_ROOM(u->spare, p->items, p->n, p->cap))
			return give_up(u, out_of_memory);
		p->items[p->n++] = add[i];
	}
	return true;
}

/* A file of the base as it was: with the one before, if that is the one before
 * it. */
static bool
pick_same(struct updating *u, struct picking *p, uint32_t file)
{
	const struct policy_pick one = { .file = file, .n_files = 1 };
	struct policy_pick *last = p->n > 0 ? &p->items[p->n - 1] : NULL;

	p->n_same++;
	p->is_moved = p->is_moved || file < p->next;
	p->next = file + 1;
	if (last == NULL || last->is_changed || last->is_part ||
	    last->file + last->n_files != file)
		return add_picks(u, p, &one, 1);
	last->n_files++;
	return true;
}

/* Policies that are new, of one file, into the set of changes. */
static bool
pick_changed(struct updating *u, struct picking *p, uint32_t file,
    const struct engine_file *f)
{
	struct policy_set *delta = u->next->delta;
	const struct policy_set *base = u->base->policies;
	const struct policy_pick *picks;
	struct errors errors = { 0 };
	size_t n;

	/* An image has no trees to lend. */
	if (policy_image_bytes(base) > 0)
		return give_up(u, "policies of an image changed");
	if (f->is_known)
		return give_up(u, has_errors);
	if (!policy_set_add_changes(delta, base,
		file < policy_set_files(base) ? file : POLICY_NO_FILE, f->name,
		f->text, LIMIT_DELTA_POLICIES, &picks, &n, &errors))
		return give_up(u, errors.e[0].code == ERR_LIMIT_COUNT
				      ? many_policies
				      : has_errors);
	return add_picks(u, p, picks, n);
}

/* The changed files into a set, and which file of which set comes when. */
static bool
pick_files(struct updating *u, struct picking *p)
{
	uint32_t n = policy_set_files(u->base->policies), expected = 0;
	struct errors errors = { 0 };

	for (size_t i = 0; i < u->now->n_policies; i++) {
		const struct engine_file *f = &u->now->policies[i];
		uint32_t at = update_find_file(u->base, expected, f->name);
		bool is_same = is_same_text(u, at, f);

		if (at < n)
			expected = at + 1;
		if (!(is_same ? pick_same(u, p, at)
			      : pick_changed(u, p, at, f)))
			return false;
		if (i + 1 - p->n_same > LIMIT_DELTA_FILES)
			return give_up(u, "many files changed");
	}
	return policy_set_finish(u->next->delta, &errors) ||
	       give_up(u, has_errors);
}

static bool
compose_policies(struct updating *u, const struct picking *p)
{
	struct engine_snapshot *s = u->next;
	struct errors errors = { 0 };
	struct policy_set *set;
	struct policy_index *index;
	bool is_local;

	if (policy_set_count(s->delta) > LIMIT_DELTA_POLICIES)
		return give_up(u, many_policies);
	if (!policy_index_new_sparse(
		s->delta, u->base->index, &s->delta_index, NULL))
		return give_up(u, out_of_memory);
	if (!policy_index_patch(u->base->index, s->delta_index, p->items, p->n,
		&set, &index, &is_local, &errors))
		return give_up(u, has_errors);
	if (!is_local)
		return give_up(u, "templates, links or the order changed");
	s->policies = set;
	s->index = index;
	snapshot_size_scratch(s);
	return true;
}

static void
drop_delta(struct engine_snapshot *s)
{
	policy_index_free(s->delta_index);
	policy_set_free(s->delta);
	s->delta_index = NULL;
	s->delta = NULL;
}

static bool
update_policies(struct updating *u)
{
	size_t n = u->now->n_policies;
	struct picking p = { 0 };

	u->next->delta = policy_set_new(POLICY_NAMED);
	if (u->next->delta == NULL)
		return give_up(u, out_of_memory);
	if (!pick_files(u, &p))
		return false;
	if (p.n_same == n && p.is_moved)
		return give_up(u, "the order of files changed");
	if (p.n_same == n && n == policy_set_files(u->base->policies)) {
		drop_delta(u->next);
		return true;
	}
	return compose_policies(u, &p);
}

/* ---- entities --------------------------------------------------------------
 */

static int
by_file(const void *a, const void *b)
{
	const struct entity_file *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : memcmp(x->digest, y->digest, sizeof x->digest);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names in `a` that `b` does not have with the same content. Both are
 * sorted. */
static size_t
names_without(const struct entity_file *a, size_t n_a,
    const struct entity_file *b, size_t n_b, const char **ret)
{
	size_t n = 0, k = 0;

	for (size_t i = 0; i < n_a; i++) {
		while (k < n_b && by_file(&b[k], &a[i]) < 0)
			k++;
		if (k == n_b || by_file(&b[k], &a[i]) != 0)
			ret[n++] = a[i].name;
	}
	return n;
}

static bool
is_listed(const char *name, const char *const *names, size_t n)
{
	return n && bsearch(&name, names, n, sizeof *names, by_name);
}

/* What the changed files hold now, as records. */
static bool
read_changed(struct updating *u, const char *const *changed, size_t n,
    struct entities *layer)
{
	for (size_t i = 0; i < u->now->n_entities; i++) {
		const struct engine_file *f = &u->now->entities[i];
		const char *name;

		if (!is_listed(f->name, changed, n))
			continue;
		name = str_z(u->next->patch_arena, str_of(f->name));
		if (name == NULL)
			return give_up(u, out_of_memory);
		if (f->is_known ||
		    !entities_add_text(layer, f->text, name, NULL))
			return give_up(u, has_errors);
	}
	return true;
}

static bool
patch(struct updating *u, const char *const *gone, size_t n_gone,
    const char *const *changed, size_t n_changed)
{
	struct engine_snapshot *s = u->next;
	struct entities *layer = entities_new(s->patch_arena, NULL);
	const struct entities *patched;
	bool is_local;

	if (layer == NULL)
		return give_up(u, out_of_memory);
	if (!read_changed(u, changed, n_changed, layer))
		return false;
	if (!entities_patch(s->patch_arena, u->base->entities->layer, gone,
		n_gone, layer, &patched, &is_local, NULL))
		return give_up(u, has_errors);
	if (!is_local)
		return give_up(u, "an entity stands in several files");
	s->n_patched = entities_changed(patched);
	if (s->n_patched > 0)
		s->entities = patched;
	if (s->n_patched > LIMIT_DELTA_ENTITIES)
		return give_up(u, "many entities changed");
	return true;
}

/* Names and digests of what there is now, in the snapshot's memory. */
static struct entity_file *
list_files(struct updating *u)
{
	size_t n = u->now->n_entities;
	struct arena *a = u->next->patch_arena;
	struct entity_file *files = ARENA_ARRAY(a, n, struct entity_file);

	for (size_t i = 0; files != NULL && i < n; i++) {
		const struct engine_file *f = &u->now->entities[i];

		files[i].name = str_z(a, str_of(f->name));
		if (files[i].name == NULL)
			return NULL;
		if (f->is_known)
			memcpy(files[i].digest, f->digest, 32);
		else if (!digest_sha256(&f->text, 1, files[i].digest))
			return NULL;
	}
	return files;
}

/* Sorted, without those that stand in `other` at the same place; *ret_n is
 * how many there were, and are. */
static struct entity_file *
sorted(struct arena *a, const struct entity_file *files, size_t *ret_n,
    const struct entity_file *other, size_t n_other)
{
	struct entity_file *copy = ARENA_ARRAY(a, *ret_n, struct entity_file);
	size_t kept = 0;

	for (size_t i = 0; copy != NULL && i < *ret_n; i++)
		if (i >= n_other || by_file(&files[i], &other[i]) != 0)
			copy[kept++] = files[i];
	if (kept > 1)
		qsort(copy, kept, sizeof *copy, by_file);
	*ret_n = kept;
	return copy;
}

static bool
compare_files(struct updating *u, const struct entity_file *files)
{
	const struct loaded_entities *base = u->base->entities;
	size_t n = u->now->n_entities, n_was = base->n_files;
	struct entity_file *now =
	    sorted(u->spare, files, &n, base->files, n_was);
	struct entity_file *was =
	    sorted(u->spare, base->files, &n_was, files, u->now->n_entities);
	const char **gone = ARENA_ARRAY(u->spare, n_was, const char *),
		   **changed = ARENA_ARRAY(u->spare, n, const char *);
	size_t n_gone, n_changed;

	if (!now || !was || !gone || !changed)
		return give_up(u, out_of_memory);
	n_gone = names_without(was, n_was, now, n, gone);
	n_changed = names_without(now, n, was, n_was, changed);
	if (n_gone == 0 && n_changed == 0)
		return true;
	return patch(u, gone, n_gone, changed, n_changed);
}

static bool
update_entities(struct updating *u)
{
	struct engine_snapshot *s = u->next;
	struct entity_file *files;

	if (!u->base->entities->knows_files || u->base->entities->layer == NULL)
		return give_up(u, "where the entities come from is not known");
	s->patch_arena = arena_new(0);
	files = s->patch_arena != NULL ? list_files(u) : NULL;
	if (files == NULL)
		return give_up(u, out_of_memory);
	if (!compare_files(u, files))
		return false;
	s->files = files;
	s->n_files = u->now->n_entities;
	return true;
}

/* ---------------------------------------------------------------------------
 */

struct engine_snapshot *
engine_snapshot_update(const struct engine_snapshot *old,
    const struct engine_files *now, int64_t now_ms, const char **ret_why)
{
	struct updating u = { .base = old->base,
		.now = now,
		.spare = arena_new(0),
		.next = snapshot_over(old->base, now_ms) };
	bool ok = u.spare != NULL && u.next != NULL;

	if (!ok)
		(void)give_up(&u, out_of_memory);
	if (ok && old->base->schema != NULL)
		ok = give_up(&u, "there is a schema");
	ok = ok && update_policies(&u) && update_entities(&u);
	arena_free(u.spare);
	if (ok) {
		u.next->n_updates = old->n_updates + 1;
		u.next->is_merged = old->is_merged;
		return u.next;
	}
	engine_snapshot_unref(u.next);
	*ret_why = u.why;
	return NULL;
}
