/* schema_model.h - inside of a schema, for the files of policy/ alone: resolved types, entity types and actions.
 * Names are full (`NS::User`). Lists of ids are sorted; entity types and actions are known by index. Everything lives in the schema's arena and is immutable.
 * Types are shared: a common type is resolved once, its depth and size are bounded (LIMIT_SCHEMA_*), so that a walk over any type ends soon. */
#ifndef POLICY_SCHEMA_MODEL_H
#define POLICY_SCHEMA_MODEL_H

#include "policy/schema.h"

enum type_kind {
	TYPE_NEVER = 0, /* of no value: the element of an empty set */
	TYPE_BOOL,
	TYPE_TRUE, /* only the validator makes TYPE_TRUE and TYPE_FALSE */
	TYPE_FALSE,
	TYPE_LONG,
	TYPE_STRING,
	TYPE_SET,
	TYPE_RECORD,
	TYPE_ENTITY,
	TYPE_EXTENSION,
};

struct type_attribute;

struct type {
	enum type_kind kind;
	union {
		const struct type *element; /* SET */
		struct {
			const struct type_attribute *attributes; /* sorted by name */
			uint32_t n;
			bool is_open; /* may have others too: joins in permissive validation alone */
		} record;
		uint32_t entity;           /* index of an entity type, or of an action type (below); SCHEMA_NONE: any (permissive joins) */
		enum value_kind extension; /* VALUE_IP, VALUE_DECIMAL, … */
	};
};

struct type_attribute {
	struct str name;
	const struct type *type;
	bool required;
};

#define SCHEMA_NONE UINT32_MAX

struct schema_entity_type {
	struct str name;
	const struct type *shape;  /* TYPE_RECORD */
	const struct type *tags;   /* NULL: none */
	const uint32_t *parents;   /* entity types it may be in, directly; sorted */
	const uint32_t *ancestors; /* closure over parents; itself only where it can be in its own type; sorted */
	uint32_t n_parents, n_ancestors;
	const struct str *ids; /* enumerated ids, sorted; NULL: any */
	uint32_t n_ids;
};

struct schema_action {
	struct uid uid;
	const uint32_t *principals, *resources; /* entity types, sorted */
	uint32_t n_principals, n_resources;     /* both 0: the action applies to nothing */
	const struct type *context;             /* TYPE_RECORD */
	const uint32_t *parents;                /* actions, direct; sorted */
	const uint32_t *ancestors;              /* closure, without itself; sorted */
	uint32_t n_parents, n_ancestors;
};

struct schema_tree; /* as written */

struct schema {
	struct arena *arena;
	const char *file;
	struct str text;
	const struct schema_tree *tree;
	const struct schema_entity_type *types; /* sorted by name */
	const struct schema_action *actions;    /* sorted by uid */
	uint32_t n_types, n_actions;
	/* `Action`, `NS::Action` where there are such actions, sorted. An attribute may have such a type: index n_types + i. */
	const struct str *action_types;
	uint32_t n_action_types;
};

/* Index, or SCHEMA_NONE. O(log n). Action types (`Action`, `NS::Action`) are no entity types. */
uint32_t schema_find_type(const struct schema *s, struct str name);
uint32_t schema_find_action(const struct schema *s, struct uid uid);
/* Is some declared action of this type? */
bool schema_has_action_type(const struct schema *s, struct str type);
/* As schema_find_type, action types too (n_types + i). */
uint32_t schema_find_any_type(const struct schema *s, struct str name);
/* The name of an entity type or action type by its index. */
struct str schema_type_name(const struct schema *s, uint32_t type);
const struct type_attribute *schema_find_attribute(
    const struct type *record, struct str name);
bool schema_has_id(const uint32_t *sorted, uint32_t n, uint32_t id);
/* Is the id one of the enumerated ones? */
bool schema_lists_id(const struct schema_entity_type *t, struct str id);
/* May an entity of type `t` be in one of type `ancestor`, itself included? Action types too. */
bool schema_type_in(const struct schema *s, uint32_t t, uint32_t ancestor);
/* Does a value have this type? (closed records; bool of either singleton) */
bool schema_value_is(const struct schema *s, const struct value *v,
    const struct type *type);
/* The type as a message calls it: `Set<NS::User>`, `{a: Long, b?: String}`; long ones end in `...`. */
void schema_print_type(const struct schema *s, const struct type *type,
    struct buf *out);

#endif
