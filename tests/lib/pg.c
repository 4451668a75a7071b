/* pg.c - starts and stops it through tests/lib/postgres.sh. */
#include "tests/lib/pg.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/sql.h"
#include "tests/lib/run.h"

static char folder[200], url[300];

static bool
run(const char *verb, const char *of, char *ret, size_t size)
{
	char command[400];
	FILE *f;

	snprintf(command, sizeof command, "exec tests/lib/postgres.sh %s %s",
	    verb, of);
	f = popen(command, "r");
	if (!f)
		return false;
	if (fgets(ret, (int)size, f))
		ret[strcspn(ret, "\n")] = '\0';
	return pclose(f) == 0;
}

void
pg_start(void)
{
	if (run("start", "", folder, sizeof folder) && folder[0] &&
	    run("url", folder, url, sizeof url))
		return;
	url[0] = '\0';
}

void
pg_end(void)
{
	char none[8];

	if (folder[0])
		(void)run("end", folder, none, sizeof none);
}

START_TEST(postgres_is_there)
{
	(void)pg_missing();
}
END_TEST

int
pg_run_suite(Suite *suite)
{
	TCase *tc = tcase_create("postgres is there");
	int failed;

	tcase_add_test(tc, postgres_is_there);
	suite_add_tcase(suite, tc);
	failed = run_suite(suite);
	pg_end();
	return failed;
}

const char *
pg_url(void)
{
	return url[0] ? url : NULL;
}

void
pg_empty(void)
{
	struct error err = { 0 };
	struct sql *q = sql_open(str_of(url), NULL, &err);

	ck_assert_msg(
	    q && sql_do(q, "DROP SCHEMA avow CASCADE", &err), "%s", err.msg);
	sql_close(q);
}

void
pg_command(const char *verb)
{
	char none[8];

	ck_assert_msg(run(verb, folder, none, sizeof none), "%s", verb);
}

bool
pg_missing(void)
{
	if (url[0])
		return false;
	skip("no PostgreSQL to test with");
	return true;
}
