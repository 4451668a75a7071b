/* run.h - how each unit test program runs, and says what it found.
 * main() makes one suite and returns run_suite(suite); the program's last line is `N passed, N failed, N skipped`, which tests/run.sh adds up. */
#ifndef TESTS_RUN_H
#define TESTS_RUN_H

#include <check.h>

#include "base/str.h"

/* Runs in forked children unless CK_FORK=no. 0 when nothing failed. */
int run_suite(Suite *suite);
/* This test cannot run for lack of `why` (data, a program): says so and counts it as skipped. Return from the test after it. */
void skip(const char *why, ...) PRINTF_LIKE(1, 2);
/* Path of `name` in the folder of outside test data ($TESTDATA, or ../shared); NULL, after skip(), when it is not there. Static storage. */
const char *testdata(const char *name);
/* A fresh folder of its own for this process, under $TMPDIR; removed at the end of the program. Static storage. */
const char *test_folder(void);

/* The slice against a C string, both shown when they differ. */
#define ck_str_is(s, want) \
	do { \
		struct str ck_s_ = (s); \
		const char *ck_w_ = (want); \
		ck_assert_msg(str_eq(ck_s_, str_of(ck_w_)), \
		    "got \"%.*s\", want \"%s\"", STR_ARG(ck_s_), ck_w_); \
	} while (0)

#endif
