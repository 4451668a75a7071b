/* snapshot.h - what a snapshot stands on, for the files of engine/ that make one: snapshot.c, load.c, update.c, merge.c. */
#ifndef ENGINE_SNAPSHOT_H
#define ENGINE_SNAPSHOT_H

#include <stdatomic.h>

#include "engine/engine_private.h"

/* A file of entities as it is now: its text in parts, one behind the other. */
struct entity_parts {
	const char *name;
	const struct str *parts;
	size_t n;
};

/* A bottom layer of entities with all that it borrows from. */
struct loaded_entities {
	atomic_uint refs;
	struct arena *arena;
	const struct entities *layer;    /* NULL: none */
	const struct entities_file *files; /* in the order of loading */
	size_t n_files;
	bool knows_files; /* zero: where the layer comes from is not known */
};

/* What was loaded whole. */
struct engine_base {
	atomic_uint refs;
	struct policy_set *policies;
	struct policy_index *index;
	struct loaded_entities *entities;
	struct schema *schema;
	size_t scratch_bytes; /* of `policies` */
};

struct engine_snapshot {
	atomic_uint refs;
	struct engine_base *base;
	/* What is in force: the base's own, unless something changed since. */
	struct policy_set *policies;
	struct policy_index *index;
	const struct entities *entities;
	/* Changed policies; NULL: none. */
	struct policy_set *delta;
	struct policy_index *delta_index;
	/* Changed entities, with all their files; NULL: none. */
	struct arena *patch_arena;
	const struct entity_parts *files;
	size_t n_files;
	size_t n_patched;
	size_t n_updates; /* since the base was made */
	bool is_merged;
	int64_t loaded_at_ms;
	size_t scratch_bytes; /* engine_scratch */
};

/* After its policies were set. */
void snapshot_size_scratch(struct engine_snapshot *s);
/* Takes the arena, also on failure. NULL when memory is out. */
struct loaded_entities *loaded_entities_new(
    struct arena *arena_take, const struct entities *layer);
struct loaded_entities *loaded_entities_ref(struct loaded_entities *e);
void loaded_entities_unref(struct loaded_entities *e);
/* Takes both, also on failure; `entities_take` may be NULL, for memory that is out. NULL on failure. */
struct engine_snapshot *snapshot_whole(struct policy_set *policies_take,
    struct loaded_entities *entities_take, int64_t loaded_at_ms);
/* A snapshot that adds nothing to its base yet. NULL when memory is out. */
struct engine_snapshot *snapshot_over(
    struct engine_base *b, int64_t loaded_at_ms);
/* Which of the base's files of policies, or of entities, has the name: its number, or the count. They mostly come in the order they had: looked for from `expected` on. */
uint32_t update_find_file(
    const struct engine_base *b, uint32_t expected, const char *name);
size_t update_find_entities(
    const struct engine_base *b, size_t expected, const char *name);

#endif
