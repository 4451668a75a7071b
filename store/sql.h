/* sql.h - a database as store.c sees it: text with `$1` parameters in, rows out. Private to store/.
 * One function set a database: sqlite.c now. The SQL text is the same for every database, so it keeps to what SQLite and PostgreSQL both have (ON CONFLICT,
 * RETURNING, BIGINT, TEXT, BYTEA); only how a transaction begins differs, and that is behind sql_begin. Not thread-safe: store.c holds a lock around it. */
#ifndef STORE_SQL_H
#define STORE_SQL_H

#include "base/arena.h"
#include "base/error.h"

struct sql;
struct sql_row;

enum sql_kind { SQL_INT = 0, SQL_TEXT, SQL_BYTES };
struct sql_value {
	enum sql_kind kind;
	int64_t number;
	struct str bytes; /* borrowed until sql_run returns */
};

/* `path` NULL: in memory. NULL on error, which is ERR_SYSTEM_STORE here and everywhere below. */
struct sql *sql_open(const char *path, struct error *reterr);
void sql_close(struct sql *q);

/* A transaction that may write, from its start. */
bool sql_begin(struct sql *q, struct error *reterr) MUST_USE;
/* Durable when it returns true. */
bool sql_commit(struct sql *q, struct error *reterr) MUST_USE;
/* Also after a failure, and when none is open. */
void sql_rollback(struct sql *q);

/* Run a statement without parameters or rows, once (tables, indexes). */
bool sql_do(struct sql *q, const char *text, struct error *reterr) MUST_USE;
/* Run one statement; `text` is a constant (it is prepared once, known by its address). `row` may be NULL and is called for each row; false from it ends the
 * statement as an error. */
bool sql_run(struct sql *q, const char *text, const struct sql_value *params,
    size_t n_params,
    bool (*row)(void *ctx, const struct sql_row *row, struct error *reterr),
    void *ctx, struct error *reterr) MUST_USE;
/* Columns from 0; text and bytes are lent until the next row. */
int64_t sql_int(const struct sql_row *row, int column);
struct str sql_bytes(const struct sql_row *row, int column);

/* Bring the tables to this program's form: each migration of the list that was not applied yet, in order, in a transaction of its own. A database that has had
 * one which is not in the list is newer than this program: refused. */
bool sql_migrate(struct sql *q, struct error *reterr) MUST_USE;

#endif
