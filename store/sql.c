/* sql.c - which database a URL means, and the way to its driver. */
#include "store/sql.h"

#include <assert.h>
#include <stdlib.h>

#include "store/sql_driver.h"

struct sql {
	const struct sql_driver *driver;
	void *db;
	const struct clock *clock; /* NULL: the database's */
};

/* `postgres:` is libpq's other name for the same. */
static const struct {
	const char *scheme;
	const struct sql_driver *driver;
} drivers[] = {
	{ "sqlite:", &sql_sqlite },
	{ "postgresql:", &sql_postgres },
	{ "postgres:", &sql_postgres },
};

static const struct sql_driver *
driver_of(struct str url)
{
	for (size_t i = 0; i < ARRAY_LEN(drivers); i++)
		if (str_has_prefix(url, str_of(drivers[i].scheme)))
			return drivers[i].driver;
	return NULL;
}

struct sql *
sql_open(struct str url, const struct clock *clock, struct error *reterr)
{
	const struct sql_driver *driver = driver_of(url);
	struct sql *q;

	/* The URL may hold a password: it is not quoted. */
	if (!driver) {
		error_set(reterr, ERR_CONFIG_VALUE, SPAN_NONE,
		    "expected `sqlite:///absolute/path` or "
		    "`postgresql://…`");
		return NULL;
	}
	q = calloc(1, sizeof *q);
	if (!q) {
		error_nomem(reterr);
		return NULL;
	}
	q->driver = driver;
	q->clock = clock;
	q->db = driver->open(url, reterr);
	if (q->db)
		return q;
	free(q);
	return NULL;
}

void
sql_close(struct sql *q)
{
	if (!q)
		return;
	q->driver->close(q->db);
	free(q);
}

bool
sql_begin(struct sql *q, struct error *reterr)
{
	return q->driver->begin(q->db, reterr);
}

bool
sql_begin_read(struct sql *q, struct error *reterr)
{
	return q->driver->begin_read(q->db, reterr);
}

bool
sql_commit(struct sql *q, struct error *reterr)
{
	return q->driver->commit(q->db, reterr);
}

void
sql_rollback(struct sql *q)
{
	q->driver->rollback(q->db);
}

bool
sql_do(struct sql *q, const char *text, struct error *reterr)
{
	return q->driver->exec(q->db, text, reterr);
}

/* PostgreSQL keeps no other text, and what one database takes the other must
 * take too. */
static bool
check_text(const struct sql_value *v, struct error *reterr)
{
	if (v->kind != SQL_TEXT ||
	    (str_is_utf8(v->bytes) &&
		str_find(v->bytes, '\0', 0) == v->bytes.n))
		return true;
	return error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE,
	    "text with NUL, or not in UTF-8, cannot be stored");
}

bool
sql_run(struct sql *q, const char *text, const struct sql_value *params,
    size_t n_params,
    bool (*row)(void *ctx, const struct sql_row *row, struct error *reterr),
    void *ctx, struct error *reterr)
{
	for (size_t i = 0; i < n_params; i++)
		if (!check_text(&params[i], reterr))
			return false;
	return q->driver->run(q->db, text, params, n_params, row, ctx, reterr);
}

int64_t
sql_int(const struct sql_row *row, int column)
{
	return row->driver->number(row, column);
}

struct str
sql_bytes(const struct sql_row *row, int column)
{
	return row->driver->bytes(row, column);
}

bool
sql_take_number(void *ctx, const struct sql_row *row, struct error *reterr)
{
	(void)reterr;
	*(int64_t *)ctx = sql_int(row, 0);
	return true;
}

struct sql_value
sql_number(int64_t n)
{
	return (struct sql_value){ .kind = SQL_INT, .number = n };
}

struct sql_value
sql_text(struct str s)
{
	return (struct sql_value){ .kind = SQL_TEXT, .bytes = s };
}

struct sql_value
sql_blob(struct str s)
{
	return (struct sql_value){ .kind = SQL_BYTES, .bytes = s };
}

bool
sql_now(struct sql *q, int64_t *ret_unix_ms, struct error *reterr)
{
	if (!q->clock)
		return q->driver->now(q->db, ret_unix_ms, reterr);
	*ret_unix_ms = clock_now_ms(q->clock);
	return true;
}

bool
sql_notify(struct sql *q, struct error *reterr)
{
	return q->driver->notify(q->db, reterr);
}

bool
sql_wait(struct sql *q, int wake_fd, int timeout_ms, struct error *reterr)
{
	return q->driver->wait(q->db, wake_fd, timeout_ms, reterr);
}

bool
sql_check(struct sql *q, struct buf *out, struct error *reterr)
{
	return q->driver->check(q->db, out, reterr);
}
