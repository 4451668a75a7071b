/* schema.h - contract: what entities, actions and requests may look like, and what that says of policies.
 * A schema comes from Cedar's schema text (`.cedarschema`) or its JSON form (`.json`), is checked whole (names resolve, no cycles) and is then immutable: many
 * threads may read it. It serves four things: reading data by declared type, checking entities and requests, validating policies, and hints in messages. Nothing
 * here decides: without a schema every decision is the same, or refused earlier.
 * Source: Cedar 4.5, schema and strict validation; conformance is measured by `make conformance`. */
#ifndef POLICY_SCHEMA_H
#define POLICY_SCHEMA_H

#include "policy/policy.h"

struct schema;

enum schema_syntax { SCHEMA_CEDAR = 0, SCHEMA_JSON };

/* JSON when the name ends in `.json` or the first character that is no white space is `{`. */
enum schema_syntax schema_syntax_of(const char *path, struct str text);
/* Parse and resolve `text` (copied); `file` is borrowed, for places, and outlives schema and errors. All independent errors are reported, with places in the
 * text. NULL on error. */
struct schema *schema_new(const char *file, struct str text,
    enum schema_syntax syntax, struct errors *reterr);
/* The same from a file, by schema_syntax_of. Errors also ERR_FILE_*, ERR_LIMIT_SIZE. Who prints its errors with quoted lines reads the text himself. */
struct schema *schema_read(const char *path, struct errors *reterr);
void schema_free(struct schema *s);
/* Messages with quoted lines are printed by error_print over this text. */
struct str schema_text(const struct schema *s);
/* The schema as written (names, common types, annotations kept) in either syntax. Back into its own syntax nothing is lost. Text has no way to say some things
 * that JSON says; what of that matters is an error, ERR_SYNTAX_UNSUPPORTED with its place: an entity's shape that is a common type, an entity type that a common
 * type of the same name hides. An action without both principals and resources is written without `appliesTo`: it applies to nothing. Errors also memory. */
bool schema_print(const struct schema *s, enum schema_syntax syntax,
    struct buf *out, struct error *reterr) MUST_USE;

/* ---- data ------------------------------------------------------------------------------------------------------------------------------- */

/* The schema's actions with their groups, as records: a layer that loaded entities lie over or are compared with. Errors: memory. */
bool schema_add_actions(const struct schema *s, struct entities *layer,
    struct error *reterr) MUST_USE;
/* entities_add_json, read by declared type (an address from a string, an entity from {"type","id"}), each record checked against the schema: declared type,
 * required and no other attributes, types, tags, parents' types, enumerated ids, actions (their groups closed over the records of this call) equal to the
 * schema's: they are not added, schema_add_actions does that. Errors also ERR_SCHEMA_*. */
bool schema_add_entities(const struct schema *s, struct entities *layer,
    const json_t *array, const char *file, struct error *reterr) MUST_USE;
/* The same from the text of a file, one record in memory at a time. */
bool schema_add_entities_text(const struct schema *s, struct entities *layer,
    struct str text, const char *file, struct error *reterr) MUST_USE;
/* The context of a request for `action`, read by declared type. Undeclared action: read as without a schema. */
bool schema_context_from_json(const struct schema *s, struct arena *a,
    struct uid action, const json_t *json, const char *where,
    struct value *ret, struct error *reterr) MUST_USE;
/* Types and action declared, principal and resource types allowed for the action, enumerated ids, context exact. Errors: ERR_SCHEMA_*. */
bool schema_check_request(const struct schema *s, struct uid principal,
    struct uid action, struct uid resource, const struct value *context,
    struct error *reterr) MUST_USE;
/* One record against the schema, as schema_add_entities does; for entities that are values already. */
bool schema_check_entity(const struct schema *s, const struct entities *layer,
    const struct entity *e, struct error *reterr) MUST_USE;

/* ---- policies --------------------------------------------------------------------------------------------------------------------------- */

enum schema_mode {
	SCHEMA_STRICT = 0,
	SCHEMA_PERMISSIVE, /* types may be joined; for comparison with others' results only */
};

/* The set will be asked of requests that the schema allows alone (schema_check_request): its normal form may put declared actions and enumerated ids in the place of
 * wildcards over them. A request outside is decided by the text. Before the set is shared or indexed; the schema outlives it. */
void schema_close_set(const struct schema *s, struct policy_set *set);
/* Is every policy and template of the set valid? Errors (type.*, name.*) and warnings, each with its place in the policy text and a hint where a name is near.
 * True when there is no error. Cost O(environments × nodes). */
bool schema_validate(const struct schema *s, const struct policy_set *set,
    enum schema_mode mode, struct errors *reterr, struct errors *retwarn)
    MUST_USE;

#endif
