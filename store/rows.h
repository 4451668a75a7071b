/* rows.h - rows as structs: which column goes where. Private to store/.
 * A row is read by a table of its text and number fields, in the order of the
 * columns. */
#ifndef STORE_ROWS_H
#define STORE_ROWS_H

#include "store/sql.h"

struct rows_field {
	enum sql_kind kind; /* SQL_INT into an int64_t, else into a struct str */
	size_t offset;
};
struct rows_type {
	size_t size;
	const struct rows_field *fields;
	size_t n_fields;
};

/* The rows of a statement, in `a`: `ret` is the address of a pointer to the type's structs. */
bool rows_all(struct sql *q, struct arena *a, const struct rows_type *type,
    const char *select, const struct sql_value *params, size_t n_params,
    void *ret, size_t *ret_n, struct error *reterr) MUST_USE;
/* Of a statement that gives one row or none. */
bool rows_one(struct sql *q, struct arena *a, const struct rows_type *type,
    const char *select, const struct sql_value *params, size_t n_params,
    void *ret, bool *ret_found, struct error *reterr) MUST_USE;
/* Did it give a row? */
bool rows_any(struct sql *q, const char *text, const struct sql_value *params,
    size_t n_params, bool *ret, struct error *reterr) MUST_USE;

#endif
