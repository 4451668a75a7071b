/* snapshot.c - policies and entities that belong together, shared by reference
 * counts and never changed.
 * A snapshot stands on a base: what was loaded whole, with its index. Snapshots
 * that update.c makes stand on the same base and add what changed since: the
 * policies of changed files with an index of their own, a patch over the
 * entities. What goes with the last reference is freed from the top down. */
#include "engine/snapshot.h"

#include <stdlib.h>

#include "base/limits.h"

void
loaded_entities_unref(struct loaded_entities *e)
{
	if (e == NULL ||
	    atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) != 1)
		return;
	arena_free(e->arena);
	free(e);
}

static void
base_unref(struct engine_base *b)
{
	if (b == NULL ||
	    atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1)
		return;
	policy_index_free(b->index);
	policy_set_free(b->policies);
	loaded_entities_unref(b->entities);
	schema_free(b->schema);
	free(b);
}

struct loaded_entities *
loaded_entities_new(struct arena *arena_take, const struct entities *layer)
{
	struct loaded_entities *e = calloc(1, sizeof *e);

	if (e == NULL) {
		arena_free(arena_take);
		return NULL;
	}
	atomic_init(&e->refs, 1);
	e->arena = arena_take;
	e->layer = layer;
	return e;
}

struct loaded_entities *
loaded_entities_ref(struct loaded_entities *e)
{
	atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
	return e;
}

/* Every policy may err, and each error is told. */
void
snapshot_size_scratch(struct engine_snapshot *s)
{
	size_t bytes =
	    s->base->scratch_bytes +
	    (s->delta ? policy_set_scratch(s->delta) : 0) +
	    policy_set_count(s->policies) * sizeof(struct engine_policy_error);

	s->scratch_bytes = bytes < ARENA_KEEP_BYTES ? bytes : ARENA_KEEP_BYTES;
}

void
engine_scratch(const struct engine_snapshot *s, struct arena *scratch)
{
	/* Without it each decision asks for what it needs. */
	(void)!arena_reserve(scratch, s->scratch_bytes);
}

struct engine_snapshot *
snapshot_over(struct engine_base *b, int64_t loaded_at_ms)
{
	struct engine_snapshot *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	atomic_init(&s->refs, 1);
	atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
	s->base = b;
	s->policies = b->policies;
	s->index = b->index;
	s->entities = b->entities->layer;
	s->loaded_at_ms = loaded_at_ms;
	snapshot_size_scratch(s);
	return s;
}

struct engine_snapshot *
snapshot_whole(struct policy_set *policies_take,
    struct loaded_entities *entities_take, int64_t loaded_at_ms)
{
	struct engine_base *b =
	    entities_take != NULL ? calloc(1, sizeof *b) : NULL;
	struct engine_snapshot *s = NULL;

	if (b == NULL) {
		policy_set_free(policies_take);
		loaded_entities_unref(entities_take);
		return NULL;
	}
	atomic_init(&b->refs, 1);
	b->policies = policies_take;
	b->entities = entities_take;
	b->scratch_bytes = policy_set_scratch(b->policies);
	if (policy_index_new(b->policies, b->entities->layer, &b->index, NULL))
		s = snapshot_over(b, loaded_at_ms);
	base_unref(b);
	return s;
}

struct engine_snapshot *
engine_snapshot_new(struct policy_set *policies_take,
    struct arena *entities_arena_take, const struct entities *entities,
    int64_t loaded_at_ms)
{
	return snapshot_whole(policies_take,
	    loaded_entities_new(entities_arena_take, entities), loaded_at_ms);
}

struct engine_snapshot *
engine_snapshot_ref(struct engine_snapshot *s)
{
	if (s != NULL)
		atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void
engine_snapshot_unref(struct engine_snapshot *s)
{
	if (s == NULL ||
	    atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	/* The base's own are not the snapshot's to free. */
	if (s->index != s->base->index)
		policy_index_free(s->index);
	if (s->policies != s->base->policies)
		policy_set_free(s->policies);
	policy_index_free(s->delta_index);
	policy_set_free(s->delta);
	arena_free(s->patch_arena);
	base_unref(s->base);
	free(s);
}

const struct policy_index *
snapshot_index(const struct engine_snapshot *s)
{
	return s->index;
}

const struct policy_set *
engine_snapshot_policies(const struct engine_snapshot *s)
{
	return s->policies;
}

const struct entities *
engine_snapshot_entities(const struct engine_snapshot *s)
{
	return s->entities;
}

int64_t
engine_snapshot_loaded_at_ms(const struct engine_snapshot *s)
{
	return s->loaded_at_ms;
}

void
engine_snapshot_take_schema(
    struct engine_snapshot *s, struct schema *schema_take)
{
	schema_free(s->base->schema);
	s->base->schema = schema_take;
}

const struct schema *
engine_snapshot_schema(const struct engine_snapshot *s)
{
	return s->base->schema;
}

struct engine_parts
engine_snapshot_parts(const struct engine_snapshot *s)
{
	const struct entities *layer = s->base->entities->layer;
	struct engine_parts parts = {
		.base_policies = policy_set_count(s->base->policies),
		.base_entities = layer != NULL ? entities_count(layer) : 0,
		.changed_entities = s->n_patched,
		.updates = s->n_updates,
		.is_merged = s->is_merged,
	};

	if (s->delta != NULL) {
		parts.changed_policies = policy_set_count(s->delta);
		parts.gone_policies = parts.base_policies +
				      parts.changed_policies -
				      policy_set_count(s->policies);
	}
	return parts;
}

bool
engine_snapshot_wants_merge(const struct engine_snapshot *s)
{
	struct engine_parts p;

	if (s == NULL)
		return false;
	p = engine_snapshot_parts(s);
	if (s->delta == NULL && s->n_patched == 0)
		return false;
	return p.changed_policies + p.gone_policies >= LIMIT_MERGE_POLICIES ||
	       p.changed_entities >= LIMIT_MERGE_ENTITIES ||
	       p.updates >= LIMIT_MERGE_UPDATES;
}
