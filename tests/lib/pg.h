/* pg.h - a PostgreSQL that the test program has to itself (tests/lib/postgres.sh), for what has to hold on both databases.
 *   main: pg_start(); …; return pg_run_suite(suite);      a fixture: pg_empty(), then store_open(str_of(pg_url()), …)
 * Where there is none, pg_url() is NULL and pg_missing() counts one skip. */
#ifndef TESTS_PG_H
#define TESTS_PG_H

#include <check.h>
#include <stdbool.h>

/* Before run_suite, so that all tests share it. */
void pg_start(void);
void pg_end(void);
/* run_suite with one more test, which is skipped where there is none; then pg_end. */
int pg_run_suite(Suite *suite);
/* `postgresql://…`, in static storage; NULL: none. */
const char *pg_url(void);
/* No table is left. Aborts the test when that fails. */
void pg_empty(void);
/* `stop`, `kill`, `again`, `pause` or `go`, as postgres.sh has them. */
void pg_command(const char *verb);
/* Says that it is missing, as one skipped test, when it is. */
bool pg_missing(void);

#endif
