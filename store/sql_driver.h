/* sql_driver.h - what a database has to be able to do; for sql.c and the drivers alone. sql.h says what each function promises. */
#ifndef STORE_SQL_DRIVER_H
#define STORE_SQL_DRIVER_H

#include "store/sql.h"

struct sql_driver {
	void *(*open)(struct str url, struct error *reterr);
	void (*close)(void *db);
	bool (*begin)(void *db, struct error *reterr);
	bool (*begin_read)(void *db, struct error *reterr);
	bool (*commit)(void *db, struct error *reterr);
	void (*rollback)(void *db);
	bool (*exec)(void *db, const char *text, struct error *reterr);
	bool (*run)(void *db, const char *text, const struct sql_value *params,
	    size_t n_params,
	    bool (*row)(
		void *ctx, const struct sql_row *row, struct error *reterr),
	    void *ctx, struct error *reterr);
	int64_t (*number)(const struct sql_row *row, int column);
	struct str (*bytes)(const struct sql_row *row, int column);
	bool (*now)(void *db, int64_t *ret_unix_ms, struct error *reterr);
	bool (*notify)(void *db, struct error *reterr);
	bool (*wait)(
	    void *db, int wake_fd, int timeout_ms, struct error *reterr);
	bool (*check)(void *db, struct buf *out, struct error *reterr);
};

/* A row while `row` looks at it. */
struct sql_row {
	const struct sql_driver *driver;
	void *at; /* the driver's statement or result */
	int number;
};

extern const struct sql_driver sql_sqlite, sql_postgres;

#endif
