/* update.c - files as they are now, over a snapshot of what they were.
 * A policy or an entity whose text is the same is not read again. What differs
 * is always told against the base: changes of changes do not pile up, and the
 * cost of a decision does not grow with the number of updates. What is not
 * plainly the sum of its parts is not updated (templates, files in another
 * order, many changes at once, anything that is an error): the caller loads all
 * of it anew, which then tells the same errors as ever. */
#include "engine/snapshot.h"

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

size_t
update_find_entities(
    const struct engine_base *b, size_t expected, const char *name)
{
	const struct loaded_entities *e = b->entities;

	for (size_t i = 0; i < e->n_files; i++) {
		size_t at = (expected + i) % e->n_files;

		if (strcmp(e->files[at].name, name) == 0)
			return at;
	}
	return e->n_files;
}

/* What became of the files of entities. */
struct comparing {
	const struct loaded_entities *base;
	size_t *at; /* which file of the base each of now is, or their count */
	bool *is_same;  /* each of now */
	bool *is_there; /* each of the base */
	size_t n_same, n_there;
};

static bool
compare_files(struct updating *u, struct comparing *c)
{
	size_t n = u->now->n_entities, expected = 0;

	c->at = ARENA_ARRAY(u->spare, n, size_t);
	c->is_same = ARENA_ARRAY(u->spare, n, bool);
	c->is_there = ARENA_ARRAY(u->spare, c->base->n_files, bool);
	if (!c->at || !c->is_same || !c->is_there)
		return give_up(u, out_of_memory);
	for (size_t i = 0; i < n; i++) {
		const struct engine_file *f = &u->now->entities[i];
		size_t at = update_find_entities(u->base, expected, f->name);

		c->at[i] = at;
		if (at == c->base->n_files)
			continue;
		if (c->is_there[at])
			return give_up(u, "a file of entities is given twice");
		c->is_there[at] = true;
		c->n_there++;
		c->is_same[i] =
		    f->is_known || str_eq(c->base->files[at].text, f->text);
		c->n_same += c->is_same[i];
		expected = at + 1;
	}
	return true;
}

static const char stands_twice[] = "an entity stands in several places";

/* One file of now, as parts. */
static bool
edit_one(struct updating *u, const struct comparing *c, size_t i,
    struct entities_edit *edit, struct entity_parts *ret)
{
	const struct engine_file *f = &u->now->entities[i];
	const struct entities_file *was =
	    c->at[i] < c->base->n_files ? &c->base->files[c->at[i]] : NULL;
	bool is_local;

	ret->name = was != NULL ? was->name
				: str_z(u->next->patch_arena, str_of(f->name));
	if (ret->name == NULL)
		return give_up(u, out_of_memory);
	if (was != NULL && c->is_same[i]) {
		ret->parts = &was->text;
		ret->n = 1;
		return true;
	}
	if (f->is_known || !entities_edit_file(edit, was, ret->name, f->text,
			       &ret->parts, &ret->n, &is_local, NULL))
		return give_up(u, has_errors);
	return is_local || give_up(u, stands_twice);
}

static bool
take_gone(
    struct updating *u, const struct comparing *c, struct entities_edit *edit)
{
	for (size_t i = 0; i < c->base->n_files; i++) {
		if (c->is_there[i])
			continue;
		if (!c->base->files[i].is_apart)
			return give_up(u, stands_twice);
		entities_edit_gone(edit, &c->base->files[i]);
	}
	return true;
}

static bool
patch(struct updating *u, struct entities_edit *edit)
{
	struct engine_snapshot *s = u->next;
	const struct entities *patched;
	bool is_local;

	if (!entities_edit_end(edit, &patched, &is_local, NULL))
		return give_up(u, has_errors);
	if (!is_local)
		return give_up(u, stands_twice);
	s->n_patched = entities_changed(patched);
	if (s->n_patched > 0)
		s->entities = patched;
	return s->n_patched <= LIMIT_DELTA_ENTITIES ||
	       give_up(u, "many entities changed");
}

static bool
edit_files(struct updating *u, const struct comparing *c)
{
	struct engine_snapshot *s = u->next;
	size_t n = u->now->n_entities;
	struct entity_parts *files;
	struct entities_edit *edit;

	s->patch_arena = arena_new(0);
	if (s->patch_arena == NULL)
		return give_up(u, out_of_memory);
	files = ARENA_ARRAY(s->patch_arena, n, struct entity_parts);
	edit = entities_edit_new(s->patch_arena, c->base->layer);
	if (files == NULL || edit == NULL)
		return give_up(u, out_of_memory);
	for (size_t i = 0; i < n; i++)
		if (!edit_one(u, c, i, edit, &files[i]))
			return false;
	s->files = files;
	s->n_files = n;
	return take_gone(u, c, edit) && patch(u, edit);
}

static bool
update_entities(struct updating *u)
{
	struct comparing c = { .base = u->base->entities };

	if (!c.base->knows_files || c.base->layer == NULL)
		return give_up(u, "where the entities come from is not known");
	if (!compare_files(u, &c))
		return false;
	return (c.n_same == u->now->n_entities &&
		   c.n_there == c.base->n_files) ||
	       edit_files(u, &c);
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
