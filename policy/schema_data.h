/* schema_data.h - what checking and reading data by a schema share, for policy/schema_{check,data}.c and policy/entities_json.c.
 * entities_json.c reads records one by one; with a schema it hands each one over here: fields by declared type, then the check. */
#ifndef POLICY_SCHEMA_DATA_H
#define POLICY_SCHEMA_DATA_H

#include "policy/schema_model.h"

/* Where in a value we are: a list on the stack, printed only into messages. */
struct schema_step {
	const struct schema_step *up;
	struct str name; /* of the root, or of an attribute or tag */
	bool is_item;    /* of a set */
	const struct uid *uid; /* the root is this entity */
};

/* Checks of one thing: their code, file and first error. `err` may be NULL. */
struct schema_check {
	const struct schema *s;
	enum err_code code;
	const char *file;
	struct error *err;
};

/* `PLACE: …`; always false. */
bool schema_misfit(const struct schema_check *c, const struct schema_step *at,
    const char *fmt, ...) PRINTF_LIKE(3, 4);
void schema_print_step(struct buf *out, const struct schema_step *at);
/* Type, closed records, enumerated ids and declared actions inside. */
bool schema_check_value(const struct schema_check *c, const struct value *v,
    const struct type *type, const struct schema_step *at) MUST_USE;
/* `type` is no declared entity type; always false. */
bool schema_undeclared(const struct schema_check *c,
    const struct schema_step *at, struct str type);
/* `name` is no attribute of `record`; always false. */
bool schema_unknown_attribute(const struct schema_check *c,
    const struct schema_step *at, const struct type *record, struct str name);

/* Action records are compared with the schema when all are read, and not added: the schema's own stand for them. */
struct schema_given {
	struct uid uid;
	const struct uid *parents;
	size_t n_parents;
};
struct schema_loading {
	const struct schema *s;
	struct arena *arena;
	const char *file;
	struct schema_given *given;
	size_t n, cap;
};

/* Attributes and tags of the record whose uid is known. */
bool schema_load_fields(const struct schema_loading *l, const json_t *attrs,
    const json_t *tags, struct entity *e, struct error *reterr) MUST_USE;
/* The record is complete: checked, and added or kept for schema_load_end. */
bool schema_load_record(struct schema_loading *l, struct entities *layer,
    const struct entity *e, struct error *reterr) MUST_USE;
bool schema_load_end(struct schema_loading *l, struct error *reterr) MUST_USE;

#endif
