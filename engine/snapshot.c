/* snapshot.c - policies and entities that belong together, shared by reference
 * counts and never changed. */
#include "engine/engine_private.h"

#include <stdatomic.h>
#include <stdlib.h>

struct engine_snapshot {
	atomic_uint refs;
	struct policy_set *policies;
	struct arena *entities_arena;
	const struct entities *entities;
	struct schema *schema;
	struct policy_index *index;
	int64_t loaded_at_ms;
};

struct engine_snapshot *
engine_snapshot_new(struct policy_set *policies_take,
    struct arena *entities_arena_take, const struct entities *entities,
    int64_t loaded_at_ms)
{
	struct engine_snapshot *s = calloc(1, sizeof *s);
	if (s == NULL) {
		policy_set_free(policies_take);
		arena_free(entities_arena_take);
		return NULL;
	}
	atomic_init(&s->refs, 1);
	s->policies = policies_take;
	s->entities_arena = entities_arena_take;
	s->entities = entities;
	s->loaded_at_ms = loaded_at_ms;
	if (!policy_index_new(policies_take, entities, &s->index, NULL)) {
		engine_snapshot_unref(s);
		return NULL;
	}
	return s;
}

struct engine_snapshot *
engine_snapshot_ref(struct engine_snapshot *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void
engine_snapshot_unref(struct engine_snapshot *s)
{
	if (s == NULL ||
	    atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	policy_index_free(s->index);
	policy_set_free(s->policies);
	arena_free(s->entities_arena);
	schema_free(s->schema);
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
	schema_free(s->schema);
	s->schema = schema_take;
}

const struct schema *
engine_snapshot_schema(const struct engine_snapshot *s)
{
	return s->schema;
}
