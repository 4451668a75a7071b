/* run.c - the runner of unit test programs.
 * A test runs in a child of its own, so a skip is told to the parent through a
 * file both have open: one byte a skip. */
#include "tests/lib/run.h"

#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static FILE *skips;
static char folder[512];
static pid_t owner;

void
skip(const char *why, ...)
{
	va_list ap;

	fputs("skipped: ", stderr);
	va_start(ap, why);
	vfprintf(stderr, why, ap);
	va_end(ap);
	fputc('\n', stderr);
	if (skips && write(fileno(skips), "s", 1) != 1)
		ck_abort_msg("cannot count the skip: %s", strerror(errno));
}

const char *
testdata(const char *name)
{
	static char path[1024];
	const char *root = getenv("TESTDATA");

	snprintf(path, sizeof path, "%s/%s", root ? root : "../shared", name);
	if (access(path, R_OK) == 0)
		return path;
	skip("no %s", path);
	return NULL;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void
remove_folder(void)
{
	if (folder[0] && getpid() == owner)
		(void)nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *
test_folder(void)
{
	const char *root = getenv("TMPDIR");

	if (folder[0])
		return folder;
	snprintf(
	    folder, sizeof folder, "%s/avow-test-XXXXXX", root ? root : "/tmp");
	if (!mkdtemp(folder))
		ck_abort_msg("mkdtemp %s: %s", folder, strerror(errno));
	return folder;
}

int
run_suite(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int run, failed;
	long skipped;

	owner = getpid();
	skips = tmpfile();
	if (!skips) {
		perror("tmpfile");
		return EXIT_FAILURE;
	}
	/* Before the children, so that all share one folder. */
	(void)test_folder();
	srunner_run_all(runner, CK_ENV);
	run = srunner_ntests_run(runner);
	failed = srunner_ntests_failed(runner);
	skipped = lseek(fileno(skips), 0, SEEK_END);
	srunner_free(runner);
	fclose(skips);
	remove_folder();
	if (run == 0 && skipped == 0)
		failed = 1; /* a program without a test tests nothing */
	printf("%ld passed, %d failed, %ld skipped\n",
	    (long)run - failed - skipped, failed, skipped);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
