/* merge.c - a snapshot with all its changes as one base, from its own texts and
 * records: no file is read, so nothing that was not asked for comes in. Cost:
 * that of loading, but for the reading of files. */
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
copy_files(const struct engine_snapshot *s, struct loaded_entities *e)
{
	struct entity_file *files =
	    ARENA_ARRAY(e->arena, s->n_files, struct entity_file);

	if (files == NULL)
		return false;
	for (size_t i = 0; i < s->n_files; i++) {
		files[i] = s->files[i];
		files[i].name = str_z(e->arena, str_of(s->files[i].name));
		if (files[i].name == NULL)
			return false;
	}
	e->files = files;
	e->n_files = s->n_files;
	e->knows_files = s->base->entities->knows_files;
	return true;
}

/* NULL when memory is out. */
static struct loaded_entities *
merge_entities(const struct engine_snapshot *s)
{
	struct loaded_entities *e;
	struct entities *layer;
	struct arena *a;

	/* What lies in an image ends with the base that has it. */
	if (s->n_patched == 0 && !entities_is_lent(s->entities))
		return loaded_entities_ref(s->base->entities);
	a = arena_new(0);
	layer = a != NULL ? entities_copy(a, s->entities) : NULL;
	if (layer == NULL || !entities_finish(layer, NULL)) {
		arena_free(a);
		return NULL;
	}
	e = loaded_entities_new(a, layer);
	if (e != NULL && !copy_files(s, e)) {
		loaded_entities_unref(e);
		return NULL;
	}
	return e;
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
