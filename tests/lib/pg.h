/* pg.h - a PostgreSQL that the test program has to itself (tests/lib/postgres.sh), for what has to hold on both databases.
 *   main: pg_start(); … run_suite(); pg_end();      a fixture: pg_empty(), then store_open(str_of(pg_url()), …)
 * Where there is none, pg_url() is NULL and pg_missing() counts one skip. */
#ifndef TESTS_PG_H
#define TESTS_PG_H

#include <stdbool.h>

/* Before run_suite, so that all tests share it. */
void pg_start(void);
void pg_end(void);
/* `postgresql://…`, in static storage; NULL: none. */
const char *pg_url(void);
/* No table is left. Aborts the test when that fails. */
void pg_empty(void);
/* `stop`, `kill`, `again`, `pause` or `go`, as postgres.sh has them. */
void pg_command(const char *verb);
/* Says that it is missing, as one skipped test, when it is. */
bool pg_missing(void);

#endif
