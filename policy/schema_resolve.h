/* schema_resolve.h - names of a schema and what they name, between policy/schema_names.c and schema_resolve.c.
 * A bare name is looked for as a common type and an entity type of its own namespace, then of none, then among the built-in types; `__cedar::Long` is always the
 * built-in one. */
#ifndef POLICY_SCHEMA_RESOLVE_H
#define POLICY_SCHEMA_RESOLVE_H

#include "policy/schema_tree.h"

/* What names may name. */
enum name_kind {
	NAME_COMMON = 1,
	NAME_ENTITY = 2,
	NAME_ACTION = 4, /* a type of actions */
	NAME_BUILTIN = 8,
	NAME_TYPE = NAME_COMMON | NAME_ENTITY | NAME_ACTION | NAME_BUILTIN,
};

/* A resolved type, and what it is as a tree. */
struct sized {
	const struct type *type;
	uint32_t depth, nodes;
};

enum state { STATE_NEW = 0, STATE_ACTIVE, STATE_DONE };

struct declared {
	struct str name; /* full */
	enum name_kind kind;
	const struct tree_namespace *space;
	const struct tree_name *written;
	const struct tree_common *common;
	const struct tree_entity *entity;
	uint32_t index; /* of an entity type */
	enum state state;
	struct sized type; /* of a common type */
};

struct action {
	struct uid uid;
	const struct tree_namespace *space;
	const struct tree_action *written;
};

struct ids {
	const uint32_t *ids;
	uint32_t n;
};

struct resolver {
	struct schema_reader *r;
	struct schema *s;
	struct declared *declared; /* sorted by name, common types first */
	size_t n_declared;
	struct action *actions; /* sorted by uid */
	size_t n_actions;
	struct buf name; /* scratch: a full name */
};

struct found {
	struct declared *declared;
	const struct type *builtin;
	uint32_t action_type; /* SCHEMA_NONE: not one */
};

/* Everything that is declared, sorted. False when memory is out. */
bool schema_names_collect(struct resolver *v, const struct schema_tree *t) MUST_USE;
/* Names declared twice, hidden or reserved are reported. */
void schema_names_check(struct resolver *v, const struct schema_tree *t);
/* What `name` names in `space`, of `kinds`. */
bool schema_names_find(struct resolver *v, struct str space, struct str name,
    unsigned kinds, struct found *ret) MUST_USE;
/* It names nothing of these kinds: reported, with a near name. */
void schema_names_refuse(struct resolver *v, struct str space,
    const struct tree_name *name, unsigned kinds);
/* A built-in type, or NULL. */
const struct type *schema_names_builtin(struct str name);
/* Index among the sorted actions, or SCHEMA_NONE. */
uint32_t schema_names_find_action(const struct resolver *v, struct uid uid);
/* `SPACE::NAME`, in scratch that the next call overwrites. */
struct str schema_names_full(
    struct resolver *v, struct str space, struct str name);

#endif
