/* sql.h - a database as the files of store/ see it: text with `$1` parameters in, rows out. Private to store/.
 * The URL picks the driver (sql_driver.h): sqlite.c or postgres.c. The SQL text is the same for both, so it keeps to what both have (ON CONFLICT, RETURNING, BIGINT,
 * TEXT, BYTEA; COALESCE where an answer could be NULL: no column and no answer is). Text sorts by its bytes. Not thread-safe: store.c holds a lock around it. */
#ifndef STORE_SQL_H
#define STORE_SQL_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"

struct sql;
struct sql_row;

enum sql_kind { SQL_INT = 0, SQL_TEXT, SQL_BYTES };
struct sql_value {
	enum sql_kind kind;
	int64_t number;
	struct str bytes; /* borrowed until sql_run returns; SQL_TEXT: UTF-8 without NUL, else refused */
};

struct sql_value sql_number(int64_t n);
struct sql_value sql_text(struct str s);
struct sql_value sql_blob(struct str s);

/* `url` as store_open has it. `clock` NULL: the database's own. NULL on error, which is ERR_SYSTEM_STORE here and everywhere below, and here also ERR_CONFIG_VALUE
 * for the url. */
struct sql *sql_open(
    struct str url, const struct clock *clock, struct error *reterr);
void sql_close(struct sql *q);

/* A transaction that may write, from its start: until it ends no other writes, on any node, and it reads what was committed before it. */
bool sql_begin(struct sql *q, struct error *reterr) MUST_USE;
/* A transaction that only reads, all of it from one moment, and neither waits for who writes nor lets him wait. Ended by sql_rollback. */
bool sql_begin_read(struct sql *q, struct error *reterr) MUST_USE;
/* Durable when it returns true. When it returns false after the connection was lost, nobody knows: the message says so. */
bool sql_commit(struct sql *q, struct error *reterr) MUST_USE;
/* Also after a failure, and when none is open. */
void sql_rollback(struct sql *q);

/* Run a statement without parameters or rows, once (tables, indexes). */
bool sql_do(struct sql *q, const char *text, struct error *reterr) MUST_USE;
/* Run one statement; `text` is a constant (it is prepared once, known by its address). `row` may be NULL and is called for each row; false from it ends the
 * statement as an error. Outside a transaction only to read. */
bool sql_run(struct sql *q, const char *text, const struct sql_value *params,
    size_t n_params,
    bool (*row)(void *ctx, const struct sql_row *row, struct error *reterr),
    void *ctx, struct error *reterr) MUST_USE;
/* Columns from 0; text and bytes are lent until the next row. */
int64_t sql_int(const struct sql_row *row, int column);
struct str sql_bytes(const struct sql_row *row, int column);
/* A `row` for sql_run: the first column into the int64_t at `ctx`. */
bool sql_take_number(
    void *ctx, const struct sql_row *row, struct error *reterr);

/* Milliseconds since 1970 by the clock that all nodes share: the database's, or the one that sql_open was given. */
bool sql_now(struct sql *q, int64_t *ret_unix_ms, struct error *reterr)
    MUST_USE;

/* Inside a transaction: wake who waits in sql_wait, once it is committed. */
bool sql_notify(struct sql *q, struct error *reterr) MUST_USE;
/* Wait until somebody may have changed something, `wake_fd` can be read, or the time is up; whoever waits looks then. At most `timeout_ms`. */
bool sql_wait(struct sql *q, int wake_fd, int timeout_ms, struct error *reterr)
    MUST_USE;

/* What the database says of itself: a line a problem onto `out`, none when it is whole. */
bool sql_check(struct sql *q, struct buf *out, struct error *reterr) MUST_USE;

/* Bring the tables to this program's form: each migration of the list that was not applied yet, in order, in a transaction of its own. A database that has had
 * one which is not in the list is newer than this program: refused. */
bool sql_migrate(struct sql *q, struct error *reterr) MUST_USE;
/* How many steps this program knows. */
int64_t sql_migrations(void);

#endif
