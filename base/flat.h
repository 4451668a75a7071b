/* flat.h - a JSON value as a flat list: each value is followed by what is inside it, and says how many values that is.
 * Made in two ways that give the same list: of *plain* text by one pass over it, without a tree and without copying; of jansson's tree from any text. So readers are
 * written once, for the list, and what is not plain, and all that is wrong, is the tree's business: flat_read refuses nothing, it says that the text is not plain.
 * Plain is an object of objects, lists, `true`, `false`, `null`, strings of ASCII without escapes, and whole numbers of at most 18 digits (no `-0`); at most FLAT_MEMBERS
 * members an object, none twice; white space where JSON has it. RFC 8259. Cost: O(bytes), and members by members where an object's are not in order. */
#ifndef BASE_FLAT_H
#define BASE_FLAT_H

#include "base/arena.h"
#include "base/json.h"

#define FLAT_MEMBERS 32u

enum flat_kind {
	FLAT_NULL = 0,
	FLAT_TRUE,
	FLAT_FALSE,
	FLAT_INTEGER,
	FLAT_REAL, /* never plain */
	FLAT_STRING,
	FLAT_ARRAY,
	FLAT_OBJECT,
};

/* Slices are of the text, or lent from the tree. */
struct flat {
	enum flat_kind kind;
	uint32_t n;      /* members or items */
	uint32_t span;   /* values from here to the next beside it, at least 1 */
	struct str name; /* of a member */
	struct str text; /* a string's bytes; of an object or list in plain text, its text */
	int64_t number;
	const json_t *json; /* NULL in plain text */
};

/* The object that `text` is; false when it is not plain, is larger, nested deeper or has more values than that, or memory is out. Lives in `a`, borrows `text`.
 * *ret_is_canonical, unless NULL: the text is its own canonical form (RFC 8785): no space, members in order, whole numbers within 2^53. */
bool flat_read(struct arena *a, struct str text, size_t limit_bytes,
    unsigned limit_depth, size_t limit_values, struct flat **ret,
    bool *ret_is_canonical) MUST_USE;
/* Any value; borrows the tree. False when memory is out. */
bool flat_of_json(struct arena *a, const json_t *value,
    const struct flat **ret) MUST_USE;
/* What flat_read has for a string: plain, its first byte and all up to the quote behind it are taken off *rest, the opening quote was before. False: not plain. */
bool flat_take_string(struct str *rest, struct str *ret) MUST_USE;
/* Whether `piece` stood at the head of *rest, and is taken off. */
bool flat_take(struct str *rest, struct str piece) MUST_USE;

/* What an object may have, for flat_walk: rows of `row_bytes` that begin with one. */
struct flat_row {
	struct str name;
	bool required;
	const struct flat_rows *inside; /* an object by these; NULL: a value */
};
struct flat_rows {
	const void *rows;
	size_t n, row_bytes; /* at most 32 */
	const uint8_t *by_name; /* the rows' indices in the order of their names */
};
/* A value that stood under a row's name: a string, or a list or object of strings, as flat_read has it. Not its name. */
typedef bool flat_fn(void *arg, const struct flat_row *row, const struct flat *v);
/* Plain text without spaces that is an object by the table, member by member as they come, without a list: each row's at most once, all that are required; FLAT_MEMBERS values
 * in one of them at most, names in order. `is_canonical`: all names are in order, so that the text is its own canonical form. False: it is another thing, or `each` said so; what
 * that was told is worth nothing then. Cost: O(bytes); tries rows from the last one's on: in their order and round, or, where it is canonical, by name. */
bool flat_walk(struct str text, const struct flat_rows *table, bool is_canonical,
    flat_fn *each, void *arg) MUST_USE;
/* A reference of the caller's; NULL when memory is out. */
json_t *flat_to_json(const struct flat *v);

/* The member of that name, or NULL: there is none, or `object` is none. */
const struct flat *flat_get(const struct flat *object, struct str name);
/* The members of an object by a table: ret_found[i], if there is one, is the member whose name row i has; others are left as they are. `rows` are structs of `row_bytes` that
 * begin with a name (struct str), all different. How many were found: what the object has more of is in no row. Cost: O(members) where both are in one order, else times rows. */
size_t flat_match(const struct flat *object, const void *rows, size_t n_rows,
    size_t row_bytes, const struct flat **ret_found);
/* The first inside, and the next beside; whoever walks counts `n`. */
static inline const struct flat *
flat_first(const struct flat *v)
{
	return v + 1;
}
static inline const struct flat *
flat_next(const struct flat *v)
{
	return v + v->span;
}
/* False for NULL. */
static inline bool
flat_is(const struct flat *v, enum flat_kind kind)
{
	return v && v->kind == kind;
}
/* A string's bytes; {NULL, 0} for other values and for NULL, as json_str. */
static inline struct str
flat_str(const struct flat *v)
{
	return flat_is(v, FLAT_STRING) ? v->text : (struct str){ 0 };
}
/* Take a member that has nothing inside it out of its object. */
void flat_remove(struct flat *object, const struct flat *member);

#endif
