/* value.h - the data that policies speak of: values, entity uids, entities in layers.
 * Values are immutable once made and canonical: sets are sorted without duplicates, records sorted by name, so equality is one walk and printing is
 * stable. Extension values keep the text they were written as (printing) beside their canonical number (equality and order). Strings count their bytes and may
 * hold NUL. All memory belongs to the arena that was given; values borrow from nothing else unless a line says so.
 * Source: Cedar 4.5 (values, JSON without a schema); entities in layers so that a request's own data lies over what is loaded. */
#ifndef POLICY_VALUE_H
#define POLICY_VALUE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"

enum value_kind {
	VALUE_NONE = 0, /* no value: never inside another */
	VALUE_UNKNOWN,  /* data not fetched yet: evaluates to EVAL_UNKNOWN */
	VALUE_BOOL,
	VALUE_LONG,
	VALUE_STRING,
	VALUE_ENTITY,
	VALUE_SET,
	VALUE_RECORD,
	VALUE_IP,
	VALUE_DECIMAL,  /* number is in 1e-4 units */
	VALUE_DATETIME, /* number is in ms since 1970 */
	VALUE_DURATION, /* number is in ms */
	VALUE_VERSION,    /* versions are their text: version.h orders them */
	VALUE_DEBVERSION,
	VALUE_RPMVERSION,
};

struct uid {
	struct str type, id;
};

/* Bytes as given (host bits kept); IPv4 in the first four. */
struct value_ip {
	uint8_t bytes[16];
	uint8_t prefix;
	bool is_v6;
};

struct value {
	enum value_kind kind;
	union {
		bool boolean;
		int64_t number; /* LONG, DECIMAL, DATETIME, DURATION */
		struct str string;
		struct uid uid;
		struct value_ip ip;
		struct {
			const struct value *items;
			size_t n;
		} set;
		struct {
			const struct value_field *fields;
			size_t n;
		} record;
	};
	struct str text; /* extension values: the constructor's argument; else empty */
};

struct value_field {
	struct str name;
	struct value value;
};

/* The kind as messages call it: `string`, `entity`, `set`, …; never a C name. */
const char *value_kind_name(enum value_kind kind);

struct value value_bool(bool b);
struct value value_long(int64_t n);
struct value value_string(struct str s);
struct value value_entity(struct uid uid);
/* Times print their text: it is made in `a`. Kind VALUE_NONE when memory is out. */
struct value value_datetime(struct arena *a, int64_t ms);
struct value value_duration(struct arena *a, int64_t ms);
/* `items` become the set's own (sorted in place, duplicates dropped). */
struct value value_set_take(struct value *items, size_t n);
/* `fields` become the record's own (sorted in place). False when a name stands twice; *ret_dup is that name then. */
bool value_record_take(struct value_field *fields, size_t n,
    struct value *ret_record, struct str *ret_dup) MUST_USE;
/* The field's value, or NULL. O(log n). */
const struct value *value_get(const struct value *record, struct str name);
/* Deep equality, total (Cedar's ==): different kinds are unequal, extensions compare by value. */
bool value_eq(const struct value *a, const struct value *b);
/* The same value, all of it in `a`. False when memory is out. */
bool value_copy(struct arena *a, const struct value *v, struct value *ret)
    MUST_USE;
/* A total order over all values, consistent with value_eq; for canonical sets only. */
int value_cmp(const struct value *a, const struct value *b);
bool value_set_contains(const struct value *set, const struct value *v);

/* An extension value by its constructor (`ip`, `decimal`, `datetime`, `duration`, `version`, `debversion`, `rpmversion`) and argument; `text` is kept by reference. Errors: ERR_EVAL_EXTENSION,
 * ERR_NAME_FUNCTION for a function that is no constructor. */
bool value_construct(struct str function, struct str text, struct value *ret,
    struct error *reterr) MUST_USE;

/* Cedar text of a value: `"a"`, `U::"x"`, `[1, 2]`, `{"k": true}`, `ip("10.0.0.1")`. Quoted strings escape control bytes and quotes. */
void value_print(struct buf *out, const struct value *v);
void value_print_uid(struct buf *out, struct uid uid);
void value_print_string(struct buf *out, struct str s);

/* Cedar's JSON values without a schema: `__entity`, `__extn`, no null, no reals. `where` names the place in messages (`context`). Strings are copied. */
bool value_from_json(struct arena *a, const json_t *json, const char *where,
    struct value *ret, struct error *reterr) MUST_USE;
/* New reference; NULL when memory is out. */
json_t *value_to_json(const struct value *v);
/* `{"type","id"}` or `{"__entity":{…}}` with a normalised type name. */
bool value_uid_from_json(struct arena *a, const json_t *json,
    const char *where, struct uid *ret, struct error *reterr) MUST_USE;
/* Policy text of an entity, `User::"alice"`, as options give it. Memory is `a`'s. Errors: ERR_SYNTAX_UNEXPECTED, ERR_SYNTAX_STRING. */
bool value_uid_from_text(struct arena *a, struct str text, struct uid *ret,
    struct error *reterr) MUST_USE;
/* `{"type","id"}`; new reference. */
json_t *value_uid_to_json(struct uid uid);

bool uid_eq(struct uid a, struct uid b);
int uid_cmp(struct uid a, struct uid b);
/* The same for qsort and bsearch, over uids or structs that begin with one. */
int uid_compare(const void *a, const void *b);
/* `A::B::C` of identifiers, none reserved, no `__cedar`, no spaces. */
bool uid_type_is_valid(struct str type);
/* `Action`, or `NS::Action`. */
bool uid_type_is_action(struct str type);

/* ---- entities ----------------------------------------------------------------------------------------------------------------------------
 * A layer holds records {uid, attributes, tags, parents}. It may lie over another layer, which must be finished and outlive it. A record in the upper layer
 * wins; the lower layer's record of the same uid may then only add parents: attributes or tags there are a clash, unless both records are identical.
 * Every uid has a dense id in a layered intern table: what the lower layer does not know gets an id of this layer's own.
 * After `entities_finish` nothing changes in a layer: many threads may read it. */
struct entities;

struct entity {
	struct uid uid;
	struct value attrs, tags; /* records */
	const struct uid *parents;
	size_t n_parents;
	const char *from; /* where it was read: file name, or "request"; for reports */
};

/* `below` is borrowed, may be NULL. Memory is `a`'s. NULL when memory is out. */
struct entities *entities_new(struct arena *a, const struct entities *below);
/* Strings, values and parents are kept by reference and must live as long as the layer. Errors: ERR_ENTITY_DUPLICATE (unless identical), memory. */
bool entities_add(struct entities *layer, const struct entity *e,
    struct error *reterr) MUST_USE;
/* A JSON array of Cedar entity records; strings are copied. `file` outlives the layer. */
bool entities_add_json(struct entities *layer, const json_t *array,
    const char *file, struct error *reterr) MUST_USE;
/* The same from the text of a file, one record in memory at a time. Errors also: ERR_JSON_*, ERR_LIMIT_SIZE, ERR_LIMIT_DEPTH, with line and column. */
bool entities_add_text(struct entities *layer, struct str text,
    const char *file, struct error *reterr) MUST_USE;
/* Check for clashes with the layer below and for cycles through both. Errors: ERR_ENTITY_CLASH, ERR_ENTITY_CYCLE, memory. */
bool entities_finish(struct entities *layer, struct error *reterr) MUST_USE;
/* *ret: the record as seen from this layer (upper wins, parents joined), or NULL when no layer has it. Lent; O(1). One that lies in an image is read into `scratch`, O(what
 * it holds). Errors: memory, a record that cannot be read. */
bool entities_find(const struct entities *layer, struct uid uid,
    struct arena *scratch, const struct entity **ret, struct error *reterr)
    MUST_USE;
/* Is there such a record? */
bool entities_has(const struct entities *layer, struct uid uid);
/* Cedar's `in` for two entities: equal, or `ancestor` is reachable over parents. Neither needs a record; `layer` may be NULL. False when memory is out, so it is
 * for reports: deciding asks entities_reach. */
bool entities_in(const struct entities *layer, struct uid uid,
    struct uid ancestor);
/* The same for evaluation. `scratch` is used where ancestors are too many to be kept. Errors: memory. */
bool entities_reach(const struct entities *layer, struct uid uid,
    struct uid ancestor, struct arena *scratch, bool *ret_reaches,
    struct error *reterr) MUST_USE;
size_t entities_count(const struct entities *layer);
/* The i-th record of this layer alone, in order of addition; `scratch` and errors as entities_find. */
bool entities_at(const struct entities *layer, size_t i, struct arena *scratch,
    const struct entity **ret, struct error *reterr) MUST_USE;
struct uid entities_uid_at(const struct entities *layer, size_t i);
/* Does the layer lie in an image, and end with it? */
bool entities_is_lent(const struct entities *layer);

/* A file of entities as it was read into a bottom layer. */
struct entities_file {
	const char *name;
	struct str text;   /* both are borrowed, for as long as the layer */
	uint32_t first, n; /* its records, by number, in the order of the text */
	bool is_apart;     /* false: not all of them are its alone */
};
/* As entities_add_text; *ret is for entities_edit. */
bool entities_add_file(struct entities *layer, const char *name,
    struct str text, struct entities_file *ret, struct error *reterr) MUST_USE;

/* What files of a bottom layer `base` hold now, as a layer that stands for it with some records changed. `base` is finished, lies over none and outlives it, with its files.
 * Only those of a file's records are read whose bytes are not as they were. Memory is `a`'s; NULL when that is out. */
struct entities_edit;
struct entities_edit *entities_edit_new(
    struct arena *a, const struct entities *base);
/* The file holds `now`. `was` NULL: it is new. *ret_parts: what `now` is made of, one behind the other, in `was`'s memory and in `a`. `name` lives as long as `a`.
 * Cost: comparing bytes, and reading what is new. Errors: as entities_add_text, without places; what cannot be told file by file: *ret_is_local is false then. */
bool entities_edit_file(struct entities_edit *e,
    const struct entities_file *was, const char *name, struct str now,
    const struct str **ret_parts, size_t *ret_n, bool *ret_is_local,
    struct error *reterr) MUST_USE;
/* The file is no more. */
void entities_edit_gone(
    struct entities_edit *e, const struct entities_file *was);
/* The layer, finished. *ret_is_local is false, and nothing is made, where that cannot be told from the changed records alone: a record that stands in more than one
 * place. Who is above whom is worked out anew for what changed and for what that reaches; what reaches it is asked when it is asked about. Cost: what changed, and
 * a bit for each record of `base`. Errors: ERR_ENTITY_CYCLE, memory. */
bool entities_edit_end(struct entities_edit *e, const struct entities **ret,
    bool *ret_is_local, struct error *reterr) MUST_USE;
/* How many records a patch adds, replaces or takes away. */
size_t entities_changed(const struct entities *patch);
/* A bottom layer with the records that `from` (a bottom layer or a patch) has, all copied into `a`; not finished. NULL when memory is out. */
struct entities *entities_copy(struct arena *a, const struct entities *from);
/* Copy the records that `from` has into a bottom layer that is not finished. Errors: ERR_ENTITY_DUPLICATE (unless identical), memory, a record that cannot be read. */
bool entities_add_all(struct entities *to, const struct entities *from,
    struct error *reterr) MUST_USE;
/* The layer's own records as a Cedar JSON array; NULL when memory is out. */
json_t *entities_to_json(const struct entities *layer);
/* Append as JSON text the records from *inout_at on that came from one file; *inout_at is then the first of the next. False when memory is out. */
bool entities_write(const struct entities *layer, size_t *inout_at,
    struct buf *out) MUST_USE;

#endif
