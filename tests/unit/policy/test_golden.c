/* Whole files against tests/golden: ok/X.avow formats to X.out, bad/X.avow is
 * refused with exactly the text of X.err, warn/X.avow is read and has exactly
 * the warnings of X.warn. With SNAPSHOTS=1 the files are written anew. */
#include "policy/policy.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/limits.h"
#include "tests/lib/run.h"

static struct arena *names;
static const char *const *ok_files, *const *bad_files, *const *warn_files;
static const char *const *examples;
static size_t n_ok, n_bad, n_warn, n_examples;

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static enum policy_dialect
dialect_of(const char *path)
{
	return str_has_suffix(str_of(path), STR(".cedar")) ? POLICY_CEDAR
							   : POLICY_AVOW;
}

static struct str
read_text(struct arena *a, const char *path)
{
	struct error e = { 0 };
	struct str text = { 0 };

	ck_assert_msg(file_read(a, path, LIMIT_POLICY_FILE_BYTES, &text, &e),
	    "%s", e.msg);
	return text;
}

/* `got` is what the file beside `path` with that ending holds. */
static void
check_beside(
    struct arena *a, const char *path, const char *ending, struct str got)
{
	struct str stem =
	    str_sub(str_of(path), 0, (size_t)(strrchr(path, '.') - path));
	struct str beside = str_printf(a, "%.*s%s", STR_ARG(stem), ending);
	struct error e = { 0 };
	struct str want;

	if (getenv("SNAPSHOTS"))
		ck_assert(file_replace(beside.p, 0644, got, &e));
	want = read_text(a, beside.p);
	ck_assert_msg(str_eq(got, want), "%s:\n%.*s\nwant\n%.*s", path,
	    STR_ARG(got), STR_ARG(want));
}

START_TEST(good_files_format)
{
	struct arena *a = arena_new(0);
	const char *path = ok_files[_i];
	struct str text = read_text(a, path);
	struct buf once = { 0 }, twice = { 0 };
	struct errors e = { 0 };

	ck_assert_msg(
	    policy_format(base_name(path), text, dialect_of(path), &once, &e),
	    "%s: %u:%u %s", path, e.e[0].at.line, e.e[0].at.col, e.e[0].msg);
	check_beside(a, path, ".out", buf_str(&once));
	ck_assert(policy_format(
	    base_name(path), buf_str(&once), dialect_of(path), &twice, &e));
	ck_assert_msg(str_eq(buf_str(&once), buf_str(&twice)),
	    "%s: formatting it again changes it:\n%s", path, twice.p);
	buf_free(&once);
	buf_free(&twice);
	arena_free(a);
}
END_TEST

static bool
add(struct policy_set *set, const char *name, struct str text,
    struct errors *reterr)
{
	if (str_has_suffix(str_of(name), STR(".json")))
		return policy_set_add_json(set, name, text, reterr);
	return policy_set_add_text(set, name, text, dialect_of(name), reterr);
}

START_TEST(bad_files_are_refused)
{
	struct arena *a = arena_new(0);
	const char *path = bad_files[_i];
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct errors e = { 0 };
	struct buf out = { 0 };

	ck_assert(!add(set, base_name(path), read_text(a, path), &e) ||
		  !policy_set_finish(set, &e));
	ck_assert_uint_gt(e.n, 0);
	for (size_t i = 0; i < e.n; i++) {
		ck_assert_uint_gt(e.e[i].at.line, 0);
		ck_assert_uint_gt(e.e[i].at.col, 0);
	}
	policy_set_print_errors(set, &e, &out);
	check_beside(a, path, ".err", buf_str(&out));
	buf_free(&out);
	policy_set_free(set);
	arena_free(a);
}
END_TEST

START_TEST(odd_files_are_warned_of)
{
	struct arena *a = arena_new(0);
	const char *path = warn_files[_i];
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct errors e = { 0 }, warnings = { 0 };
	struct buf out = { 0 };

	ck_assert_msg(policy_set_add_text(set, base_name(path),
			  read_text(a, path), dialect_of(path), &e) &&
			  policy_set_finish(set, &e),
	    "%s: %s", path, e.e[0].msg);
	policy_set_warnings(set, &warnings);
	for (size_t i = 0; i < warnings.n; i++)
		ck_assert_uint_gt(warnings.e[i].at.line, 0);
	policy_set_print_warnings(set, &warnings, &out);
	check_beside(a, path, ".warn", buf_str(&out));
	buf_free(&out);
	policy_set_free(set);
	arena_free(a);
}
END_TEST

START_TEST(examples_are_not_odd)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct errors e = { 0 }, warnings = { 0 };

	ck_assert(policy_set_add_path(set, examples[_i], &e) &&
		  policy_set_finish(set, &e));
	policy_set_warnings(set, &warnings);
	ck_assert_msg(warnings.n == 0, "%s:%u:%u %s", examples[_i],
	    warnings.e[0].at.line, warnings.e[0].at.col, warnings.e[0].msg);
	policy_set_free(set);
}
END_TEST

static bool
list_files(void)
{
	static const char *const suffixes[] = { ".avow", ".cedar", NULL };
	static const char *const bad[] = { ".avow", ".cedar", ".json", NULL };
	struct error e = { 0 };

	names = arena_new(0);
	return file_list(
		   names, "tests/golden/ok", suffixes, &ok_files, &n_ok, &e) &&
	       file_list(
		   names, "tests/golden/bad", bad, &bad_files, &n_bad, &e) &&
	       file_list(names, "tests/golden/warn", suffixes, &warn_files,
		   &n_warn, &e) &&
	       file_list(names, "examples/policies", suffixes, &examples,
		   &n_examples, &e) &&
	       n_ok > 0 && n_warn > 15 && n_examples > 0 && n_bad > 300;
}

int
main(void)
{
	Suite *s = suite_create("golden");
	TCase *tc = tcase_create("golden");
	int status;

	if (!list_files()) {
		fputs("tests/golden is not there\n", stderr);
		return EXIT_FAILURE;
	}
	tcase_add_loop_test(tc, good_files_format, 0, (int)n_ok);
	tcase_add_loop_test(tc, bad_files_are_refused, 0, (int)n_bad);
	tcase_add_loop_test(tc, odd_files_are_warned_of, 0, (int)n_warn);
	tcase_add_loop_test(tc, examples_are_not_odd, 0, (int)n_examples);
	suite_add_tcase(s, tc);
	status = run_suite(s);
	arena_free(names);
	return status;
}
