/* type.h - what the validator asks of types: is one part of another, what have two in common, may entities be equal or in one another.
 * Types are the schema's own and those that expressions make (sets, records, joins), which live until types_reset. In strict mode two types join only where they
 * are the same but for True, False and Bool; in permissive mode records may lose attributes (they are open then) and entity types may be joined: a join of entity
 * types has an index of its own, above those of the schema. Cost: O(size of the smaller type), counted in `steps`. Limits: types are as deep as schemas and
 * expressions may be. Source: Cedar 4.5, strict and permissive validation. */
#ifndef POLICY_TYPE_H
#define POLICY_TYPE_H

#include "policy/schema_model.h"

struct type_union {
	const uint32_t *members; /* sorted */
	uint32_t n;
};

struct types {
	const struct schema *schema;
	enum schema_mode mode;
	struct arena *arena; /* of what is made; borrowed */
	const struct type *entities; /* by index; made by types_init */
	struct type_union *unions;
	size_t n_unions, cap_unions;
	uint64_t steps;
	bool failed; /* memory ran out */
};

extern const struct type type_never, type_bool, type_true, type_false,
    type_long, type_string, type_any_entity, type_ip, type_decimal,
    type_datetime, type_duration, type_version, type_debversion,
    type_rpmversion;

/* `keep` holds the types of entities. False when memory is out. */
bool types_init(struct types *t, const struct schema *schema,
    enum schema_mode mode, struct arena *keep) MUST_USE;
/* Forget what was made, before its arena is reset. */
void types_reset(struct types *t);

bool type_is_bool(const struct type *type);
/* A value of type `a` is one of type `b`. */
bool type_is_part(
    struct types *t, const struct type *a, const struct type *b);
/* The least type that both are part of, or NULL when there is none in this mode. */
const struct type *type_join(
    struct types *t, const struct type *a, const struct type *b);
/* Both entity types, and none in common: `==` is false. */
bool type_is_disjoint(
    const struct types *t, const struct type *a, const struct type *b);
/* May an entity of type `a` be in one of type `b`? */
bool type_may_be_in(
    const struct types *t, const struct type *a, const struct type *b);
/* Is an entity of type `type` always (TYPE_TRUE), never (TYPE_FALSE) or maybe (TYPE_BOOL) of the entity type `entity`? */
enum type_kind type_is_entity(
    const struct types *t, const struct type *type, uint32_t entity);
const struct type *type_set(struct types *t, const struct type *element);
/* The type of entities of an entity type or action type of the schema. */
const struct type *type_entity(const struct types *t, uint32_t entity);

struct type_member {
	const struct type *type; /* NULL: no value has it, or it has no common type */
	bool required;           /* every value has it */
	bool possible;           /* some value may have it */
};
/* An attribute of a record or entity type. */
struct type_member type_attribute(
    struct types *t, const struct type *of, struct str name);
/* The type of an entity type's tags. */
struct type_member type_tags(struct types *t, const struct type *of);
/* As messages call it. */
void type_print(
    const struct types *t, const struct type *type, struct buf *out);

#endif
