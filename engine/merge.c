/* merge.c - a snapshot with all its changes as one base, from its own
 * texts: no file is read from disk, so nothing that was not asked for comes
 * in. Cost: that of loading, but for that. */
#include "engine/snapshot.h"

static struct policy_set *
merge_policies(const struct engine_snapshot *s)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct errors errors = { 0 };

	if (set != NULL && policy_set_add_all(set, s->policies, &errors) &&
	    policy_set_finish(set, &errors))
		return set;
	policy_set_free(set);
	return NULL;
}

static bool
join(struct arena *a, const struct entity_parts *f, struct str *ret)
{
	struct str all = { NULL, 0 };
	char *p;

	for (size_t i = 0; i < f->n; i++)
		all.n += f->parts[i].n;
	p = arena_alloc(a, all.n + 1);
	all.p = p;
	for (size_t i = 0; p != NULL && i < f->n; i++) {
		if (f->parts[i].n > 0)
			memcpy(p, f->parts[i].p, f->parts[i].n);
		p += f->parts[i].n;
	}
	*ret = all;
	return all.p != NULL;
}

/* The files of now as loading would have them. */
static bool
read_files(const struct engine_snapshot *s, struct entities *layer,
    struct loaded_entities *e)
{
	struct entities_file *files =
	    ARENA_ARRAY(e->arena, s->n_files, struct entities_file);

	if (files == NULL)
		return false;
	for (size_t i = 0; i < s->n_files; i++) {
		const char *name = str_z(e->arena, str_of(s->files[i].name));
		struct str text;

		if (name == NULL || !join(e->arena, &s->files[i], &text) ||
		    !entities_add_file(layer, name, text, &files[i], NULL))
			return false;
	}
	e->files = files;
	e->n_files = s->n_files;
	e->knows_files = true;
	return entities_finish(layer, NULL);
}

/* What lies in an image ends with the base that has it. */
static struct loaded_entities *
copy_lent(const struct engine_snapshot *s)
{
	struct arena *a = arena_new(0);
	struct entities *layer =
	    a != NULL ? entities_copy(a, s->entities) : NULL;

	if (layer != NULL && entities_finish(layer, NULL))
		return loaded_entities_new(a, layer);
	arena_free(a);
	return NULL;
}

/* NULL when memory is out. */
static struct loaded_entities *
merge_entities(const struct engine_snapshot *s)
{
	struct loaded_entities *e;
	struct entities *layer;
	struct arena *a;

	if (entities_is_lent(s->entities))
		return copy_lent(s);
	if (s->n_patched == 0)
		return loaded_entities_ref(s->base->entities);
	a = arena_new(0);
	layer = a != NULL ? entities_new(a, NULL) : NULL;
	if (layer == NULL) {
		arena_free(a);
		return NULL;
	}
	e = loaded_entities_new(a, layer);
	if (e == NULL || read_files(s, layer, e))
		return e;
	loaded_entities_unref(e);
	return NULL;
}

struct engine_snapshot *
engine_snapshot_merge(const struct engine_snapshot *s)
{
	struct policy_set *set = merge_policies(s);
	struct engine_snapshot *merged;

	if (set == NULL)
		return NULL;
	merged = snapshot_whole(set, merge_entities(s), s->loaded_at_ms);
	if (merged != NULL)
		merged->is_merged = true;
	return merged;
}
