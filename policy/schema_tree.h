/* schema_tree.h - a schema as it is written, for the files of policy/schema*.c alone.
 *   schema_token.c, schema_parse.c Cedar text -> tree    schema_json.c JSON -> tree    schema_names.c, schema_resolve.c tree -> model
 *   schema_print.c, schema_print_json.c tree -> both texts
 * Names stand as written, with their places; nothing is resolved. Lists keep the order of the text. What the two syntaxes write differently stays apart (a type
 * by bare name in text may be a common type, an entity type or a built-in one; JSON mostly says which), so that printing loses nothing. An attribute that stands
 * twice in text is there once, as the last one says: Cedar has it so. */
#ifndef POLICY_SCHEMA_TREE_H
#define POLICY_SCHEMA_TREE_H

#include "policy/schema_model.h"
#include "policy/source.h"

struct tree_place {
	uint32_t off, len;
};

struct tree_name {
	struct str name;
	struct tree_place at;
};

struct tree_names {
	struct tree_name *items;
	size_t n, cap;
};

struct tree_note {
	struct tree_name key;
	struct str value;
	bool has_value;
};

/* Annotations: kept, without meaning. */
struct tree_notes {
	struct tree_note *items;
	size_t n, cap;
};

enum tree_kind {
	TREE_NAME = 0,  /* text's only name; JSON's EntityOrCommon */
	TREE_COMMON,    /* {"type": NAME} */
	TREE_ENTITY,    /* {"type": "Entity", "name": NAME} */
	TREE_EXTENSION, /* {"type": "Extension", "name": NAME} */
	TREE_LONG,      /* {"type": "Long"}, and so on: JSON's own words */
	TREE_STRING,
	TREE_BOOLEAN,
	TREE_SET,
	TREE_RECORD,
};

struct tree_attributes {
	struct tree_attribute *items;
	size_t n, cap;
};

struct tree_type {
	enum tree_kind kind;
	struct tree_name name; /* of the first four kinds; the place is any type's */
	const struct tree_type *element;
	struct tree_attributes attributes;
};

struct tree_attribute {
	struct tree_name name;
	struct tree_type type;
	bool required;
	struct tree_notes notes;
};

struct tree_common {
	struct tree_name name;
	struct tree_type type;
	struct tree_notes notes;
};

struct tree_entity {
	struct tree_name name;
	struct tree_names parents;
	const struct tree_type *shape, *tags; /* NULL: none */
	bool is_enum;
	struct tree_names ids;
	struct tree_notes notes;
};

/* An action named as parent; without a type, one of this namespace or of none. */
struct tree_ref {
	struct str type;
	struct tree_name id; /* the place is the whole name's */
};

struct tree_refs {
	struct tree_ref *items;
	size_t n, cap;
};

struct tree_action {
	struct tree_name name;
	struct tree_refs parents;
	bool applies; /* has `appliesTo` */
	struct tree_names principals, resources;
	const struct tree_type *context; /* NULL: empty */
	struct tree_notes notes;
};

struct tree_namespace {
	struct tree_name name; /* empty: of no namespace */
	struct tree_notes notes;
	struct {
		struct tree_common *items;
		size_t n, cap;
	} commons;
	struct {
		struct tree_entity *items;
		size_t n, cap;
	} entities;
	struct {
		struct tree_action *items;
		size_t n, cap;
	} actions;
};

struct schema_tree {
	struct tree_namespace *items;
	size_t n, cap;
};

/* What reading and resolving share. `failed` also where an error was not told apart, or memory ran out. */
struct schema_reader {
	struct arena *arena;
	struct source source;
	struct errors *errors;
	bool failed, no_memory;
};

/* Report; the slot for a hint, or NULL. */
struct error *schema_refuse(struct schema_reader *r, enum err_code code,
    struct tree_place at, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* Memory ran out: said once, when reading ends. Always false. */
bool schema_nomem(struct schema_reader *r);
/* Append one zeroed item to a list of the tree and give it, or NULL. */
#define TREE_PUSH(r, list) \
	(ARENA_PUSH_ROOM((r)->arena, (list)->items, (list)->n, (list)->cap) \
		? (memset(&(list)->items[(list)->n], 0, sizeof *(list)->items), \
		      &(list)->items[(list)->n++]) \
		: (schema_nomem(r), NULL))
/* `text` for a message: at most 80 bytes, whole characters. */
struct str schema_shown(struct str text);
/* A name that a declaration gives: an identifier, neither reserved nor `__cedar`; `what` it is of (`an entity type`). */
bool schema_check_declared(struct schema_reader *r, struct str name,
    struct tree_place at, const char *what);
/* Of attributes with one name the last stays. */
bool schema_drop_repeats(
    struct schema_reader *r, struct tree_attributes *list) MUST_USE;

/* False when something was reported; the tree has then what could be read. */
bool schema_parse_text(struct schema_reader *r, struct schema_tree *ret)
    MUST_USE;
bool schema_parse_json(struct schema_reader *r, struct schema_tree *ret)
    MUST_USE;
/* Fill types and actions of `s`. All independent errors are reported. */
bool schema_resolve(struct schema_reader *r, const struct schema_tree *t,
    struct schema *s) MUST_USE;

/* The tree in the one syntax, and in the other; `out` says when memory ran out. */
bool schema_print_text(const struct schema *s, struct buf *out,
    struct error *reterr) MUST_USE;
void schema_print_json(const struct schema *s, struct buf *out);

#endif
