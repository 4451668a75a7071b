/* test_file.c - whole files, secrets, listings: with modes, links and limits.
 * Each test works in a folder of its own below the program's. */
#include "base/file.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "tests/lib/run.h"

static struct arena *mem;
static const char *dir;

static void
setup(void)
{
	char name[600];

	mem = arena_new(0);
	snprintf(name, sizeof name, "%s/XXXXXX", test_folder());
	ck_assert_ptr_nonnull(mkdtemp(name));
	dir = str_z(mem, str_of(name));
}

static void
teardown(void)
{
	arena_free(mem);
}

static const char *
path(const char *name)
{
	return str_printf(mem, "%s/%s", dir, name).p;
}

/* Makes the file without the code under test. */
static const char *
put(const char *name, const char *content, mode_t mode)
{
	const char *p = path(name);
	FILE *f = fopen(p, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(content, f), 0);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(p, mode), 0);
	return p;
}

static mode_t
mode_of(const char *p)
{
	struct stat st;

	ck_assert_int_eq(lstat(p, &st), 0);
	return st.st_mode & 07777;
}

START_TEST(reads_whole_files)
{
	struct str got;
	struct error e = { 0 };

	ck_assert(file_read(mem, put("a", "text", 0644), 4, &got, &e));
	ck_str_is(got, "text");
	ck_assert_int_eq(got.p[4], '\0');
	ck_assert(file_read(mem, put("b", "", 0644), 0, &got, &e));
	ck_assert_uint_eq(got.n, 0);
}
END_TEST

START_TEST(reading_is_limited)
{
	struct str got;
	struct error e = { 0 };

	ck_assert(!file_read(mem, put("a", "text", 0644), 3, &got, &e));
	ck_assert_int_eq(e.code, ERR_LIMIT_SIZE);
	ck_assert_str_eq(e.at.file, path("a"));
}
END_TEST

/* A file that says 0 bytes and has some. */
START_TEST(sizes_are_not_believed)
{
	struct str got;
	struct error e = { 0 };

	ck_assert(file_read(mem, "/proc/self/status", 1u << 20, &got, &e));
	ck_assert_uint_gt(got.n, 10);
	e = (struct error){ 0 };
	ck_assert(!file_read(mem, "/proc/self/status", 10, &got, &e));
	ck_assert_int_eq(e.code, ERR_LIMIT_SIZE);
	e = (struct error){ 0 };
	ck_assert(!file_read(mem, "/dev/zero", 300000, &got, &e));
	ck_assert_int_eq(e.code, ERR_LIMIT_SIZE);
}
END_TEST

START_TEST(reading_needs_memory)
{
	struct arena *small = arena_new(64);
	struct str got;
	struct error e = { 0 };

	ck_assert(!file_read(small, "/dev/zero", 1u << 20, &got, &e));
	ck_assert_int_eq(e.code, ERR_LIMIT_MEMORY);
	arena_free(small);
}
END_TEST

START_TEST(missing_files_and_folders)
{
	struct str got;
	struct error e = { 0 };

	ck_assert(!file_read(mem, path("none"), 9, &got, &e));
	ck_assert_int_eq(e.code, ERR_FILE_READ);
	ck_assert_ptr_nonnull(strstr(e.msg, "No such file"));
	e = (struct error){ 0 };
	ck_assert(!file_read(mem, dir, 9, &got, &e));
	ck_assert_int_eq(e.code, ERR_FILE_READ);
}
END_TEST

START_TEST(standard_input_is_a_dash)
{
	struct str got;
	struct error e = { 0 };
	int old = dup(STDIN_FILENO);
	int fd = open(put("in", "piped", 0644), O_RDONLY);

	ck_assert_int_eq(dup2(fd, STDIN_FILENO), STDIN_FILENO);
	close(fd);
	ck_assert(file_read(mem, "-", 9, &got, &e));
	ck_str_is(got, "piped");
	/* Still open, and at its end. */
	ck_assert(file_read(mem, "-", 9, &got, &e));
	ck_assert_uint_eq(got.n, 0);
	ck_assert_int_eq(dup2(old, STDIN_FILENO), STDIN_FILENO);
	close(old);
}
END_TEST

static const struct {
	mode_t mode;
	bool ok;
} modes[] = {
	{ 0600, true },
	{ 0400, true },
	{ 0700, true },
	{ 0604, false },
	{ 0640, false },
	{ 0660, false },
	{ 0602, false },
	{ 0601, false },
	{ 0610, false },
	{ 0777, false },
};

START_TEST(secrets_are_for_their_owner)
{
	struct str got;
	struct error e = { 0 };
	const char *p = put("key", "secret", modes[_i].mode);

	ck_assert_msg(file_read_secret(mem, p, 100, &got, &e) == modes[_i].ok,
	    "%o", (unsigned)modes[_i].mode);
	ck_assert_int_eq(e.code, modes[_i].ok ? ERR_NONE : ERR_FILE_MODE);
	if (modes[_i].ok)
		ck_str_is(got, "secret");
	else
		ck_assert_ptr_nonnull(strstr(e.hint, "chmod 600"));
}
END_TEST

START_TEST(secrets_are_regular_files)
{
	struct str got;
	struct error e = { 0 };

	(void)put("key", "secret", 0600);
	ck_assert_int_eq(symlink("key", path("link")), 0);
	ck_assert(!file_read_secret(mem, path("link"), 100, &got, &e));
	ck_assert_int_eq(e.code, ERR_FILE_MODE);
	e = (struct error){ 0 };
	ck_assert_int_eq(mkfifo(path("fifo"), 0600), 0);
	ck_assert(!file_read_secret(mem, path("fifo"), 100, &got, &e));
	ck_assert_int_eq(e.code, ERR_FILE_MODE);
	e = (struct error){ 0 };
	ck_assert(!file_read_secret(mem, path("none"), 100, &got, &e));
	ck_assert_int_eq(e.code, ERR_FILE_READ);
	e = (struct error){ 0 };
	ck_assert(!file_read_secret(mem, path("key"), 3, &got, &e));
	ck_assert_int_eq(e.code, ERR_LIMIT_SIZE);
}
END_TEST

START_TEST(foreign_secrets_are_refused)
{
	struct str got;
	struct error e = { 0 };
	const char *p = put("key", "secret", 0600);

	if (geteuid() != 0) {
		skip("only root can give a file away");
		return;
	}
	ck_assert_int_eq(chown(p, 12345, 12345), 0);
	ck_assert(!file_read_secret(mem, p, 100, &got, &e));
	ck_assert_int_eq(e.code, ERR_FILE_MODE);
}
END_TEST

/* Nothing but these names is in the folder: no temporaries are left. */
static void
ck_folder_has(const char *const *want, size_t n)
{
	static const char *const any[] = { "", NULL };
	const char *const *paths;
	size_t got;

	ck_assert(file_list(mem, dir, any, &paths, &got, NULL));
	ck_assert_uint_eq(got, n);
	for (size_t i = 0; i < n; i++)
		ck_assert_str_eq(paths[i], path(want[i]));
}

START_TEST(creates_with_the_mode)
{
	static const char *const left[] = { "new", "open" };
	struct str got;
	struct error e = { 0 };

	umask(027);
	ck_assert(file_create(path("new"), 0600, STR("a\0b"), &e));
	ck_assert_uint_eq(mode_of(path("new")), 0600);
	ck_assert(file_read_secret(mem, path("new"), 9, &got, &e));
	ck_assert(str_eq(got, STR("a\0b")));
	ck_assert(file_create(path("open"), 0644, STR(""), &e));
	ck_assert_uint_eq(mode_of(path("open")), 0644);
	ck_folder_has(left, 2);
}
END_TEST

START_TEST(never_creates_over_something)
{
	static const char *const left[] = { "old" };
	struct str got;
	struct error e = { 0 };

	(void)put("old", "kept", 0644);
	ck_assert(!file_create(path("old"), 0600, STR("new"), &e));
	ck_assert_int_eq(e.code, ERR_FILE_WRITE);
	ck_assert(file_read(mem, path("old"), 9, &got, NULL));
	ck_str_is(got, "kept");
	ck_folder_has(left, 1);
	/* Nor through a link that points nowhere yet. */
	ck_assert_int_eq(symlink(path("target"), path(".link")), 0);
	ck_assert(!file_create(path(".link"), 0600, STR("new"), NULL));
	ck_assert_int_eq(access(path("target"), F_OK), -1);
}
END_TEST

START_TEST(replaces_by_a_new_file)
{
	static const char *const left[] = { "f", "link" };
	struct str got;
	struct error e = { 0 };

	(void)put("f", "old", 0644);
	ck_assert_int_eq(symlink("f", path("link")), 0);
	/* A link is replaced, not written through. */
	ck_assert(file_replace(path("link"), 0600, STR("new"), &e));
	ck_assert(file_read(mem, path("f"), 9, &got, NULL));
	ck_str_is(got, "old");
	ck_assert(file_replace(path("f"), 0640, STR("newer"), &e));
	ck_assert(file_read(mem, path("f"), 9, &got, NULL));
	ck_str_is(got, "newer");
	ck_assert_uint_eq(mode_of(path("f")), 0640);
	ck_folder_has(left, 2);
}
END_TEST

START_TEST(writing_nowhere_is_an_error)
{
	struct error e = { 0 };

	ck_assert(!file_create(path("none/f"), 0600, STR("x"), &e));
	ck_assert_int_eq(e.code, ERR_FILE_WRITE);
	e = (struct error){ 0 };
	ck_assert(!file_replace(path("none/f"), 0600, STR("x"), &e));
	ck_assert_int_eq(e.code, ERR_FILE_WRITE);
	e = (struct error){ 0 };
	ck_assert_int_eq(mkdir(path("d"), 0700), 0);
	ck_assert(!file_replace(path("d"), 0600, STR("x"), &e));
	ck_assert_int_eq(e.code, ERR_FILE_WRITE);
	ck_folder_has(NULL, 0);
}
END_TEST

START_TEST(comes_to_be_in_pieces)
{
	static const char *const before[] = { "f" };
	struct file_new f;
	struct str got;
	struct error e = { 0 };

	(void)put("f", "old", 0600);
	ck_assert(file_new_begin(&f, path("f"), 0640, &e));
	ck_assert(file_new_put(&f, 0, STR("....."), &e));
	ck_assert(file_new_put(&f, 7, STR("end"), &e));
	ck_assert(file_new_put(&f, 1, STR("gin"), &e));
	ck_assert(file_read(mem, path("f"), 99, &got, NULL));
	ck_str_is(got, "old");
	ck_assert(file_new_end(&f, true, &e));
	ck_assert(file_read(mem, path("f"), 99, &got, NULL));
	ck_assert(str_eq(got, STR(".gin.\0\0end")));
	ck_assert_uint_eq(mode_of(path("f")), 0640);
	ck_folder_has(before, 1);
}
END_TEST

/* What is not whole is not there: given up, at the limit of a file, nowhere. */
START_TEST(pieces_that_are_not_whole)
{
	static const char *const left[] = { "f" };
	struct rlimit limit, small;
	struct file_new f;
	struct str got;
	struct error e = { 0 };
	bool ok;

	(void)put("f", "old", 0600);
	ck_assert(file_new_begin(&f, path("f"), 0600, &e));
	ck_assert(file_new_put(&f, 0, STR("new"), &e));
	ck_assert(!file_new_end(&f, false, &e));
	ck_assert_int_eq(e.code, ERR_NONE);
	ck_assert(file_new_begin(&f, path("f"), 0600, &e));
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	small = (struct rlimit){ 8, limit.rlim_max };
	ck_assert(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	ok = file_new_put(&f, 6, STR("new"), &e);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert(!ok && e.code == ERR_FILE_WRITE);
	ck_assert(!file_new_end(&f, false, &e));
	ck_assert(file_read(mem, path("f"), 9, &got, NULL));
	ck_str_is(got, "old");
	ck_folder_has(left, 1);
	e = (struct error){ 0 };
	ck_assert(!file_new_begin(&f, path("none/f"), 0600, &e));
	ck_assert_int_eq(e.code, ERR_FILE_WRITE);
	e = (struct error){ 0 };
	ck_assert(!file_new_begin(&f, dir, 0600, &e));
	ck_assert_int_eq(e.code, ERR_FILE_WRITE);
}
END_TEST

/* Nothing stays of who ends on the way; where the filesystem has no files
 * without a name, a temporary does. */
START_TEST(pieces_of_one_who_is_gone)
{
	static const char *const left[] = { "f" };
	struct file_new f;
	int status;
	pid_t pid;

	(void)put("f", "old", 0600);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(file_new_begin(&f, path("f"), 0600, NULL) &&
			      file_new_put(&f, 0, STR("new"), NULL)
			  ? f.has_name
			  : 2);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) < 2);
	if (WEXITSTATUS(status) == 0)
		ck_folder_has(left, 1);
}
END_TEST

static const char *const suffixes[] = { ".avow", ".cedar", NULL };

/* Nor one that a name leads to. */
START_TEST(a_pipe_is_not_replaced)
{
	struct error e = { 0 };
	struct stat st;

	ck_assert_int_eq(mkfifo(path("pipe"), 0600), 0);
	ck_assert_int_eq(symlink("pipe", path("link")), 0);
	ck_assert(!file_replace(path("pipe"), 0600, STR("x"), &e));
	ck_assert_int_eq(e.code, ERR_FILE_WRITE);
	ck_assert(!file_replace(path("link"), 0600, STR("x"), &e));
	ck_assert_int_eq(lstat(path("pipe"), &st), 0);
	ck_assert(S_ISFIFO(st.st_mode));
	ck_assert_int_eq(lstat(path("link"), &st), 0);
	ck_assert(S_ISLNK(st.st_mode));
}
END_TEST

START_TEST(lists_in_byte_order)
{
	/* '-' < '.' < '/' < '0' < 'B' < 'a' */
	static const char *const want[] = { "B.avow", "a-b.avow", "a.cedar",
		"a/z.avow", "a0.avow", "b.avow/c.avow" };
	const char *const *paths;
	struct error e = { 0 };
	size_t n;

	ck_assert_int_eq(mkdir(path("a"), 0700), 0);
	ck_assert_int_eq(mkdir(path("b.avow"), 0700), 0);
	ck_assert_int_eq(mkdir(path(".hidden"), 0700), 0);
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		(void)put(want[i], "", 0600);
	(void)put(".hidden/x.avow", "", 0600);
	(void)put(".y.avow", "", 0600);
	(void)put("readme.txt", "", 0600);
	(void)put("avow", "", 0600);
	ck_assert(file_list(mem, dir, suffixes, &paths, &n, &e));
	ck_assert_uint_eq(n, ARRAY_LEN(want));
	for (size_t i = 0; i < n; i++)
		ck_assert_str_eq(paths[i], path(want[i]));
}
END_TEST

START_TEST(lists_one_file_whatever_its_name)
{
	const char *const *paths;
	const char *p = put("any.txt", "", 0600);
	size_t n;

	ck_assert(file_list(mem, p, suffixes, &paths, &n, NULL));
	ck_assert_uint_eq(n, 1);
	ck_assert_str_eq(paths[0], p);
}
END_TEST

START_TEST(a_slash_at_the_end_is_not_doubled)
{
	const char *const *paths;
	size_t n;

	(void)put("a.avow", "", 0600);
	ck_assert(file_list(mem, path(""), suffixes, &paths, &n, NULL));
	ck_assert_uint_eq(n, 1);
	ck_assert_str_eq(paths[0], path("a.avow"));
}
END_TEST

START_TEST(links_to_files_count_links_to_folders_do_not)
{
	const char *const *paths;
	struct error e = { 0 };
	size_t n;

	ck_assert_int_eq(mkdir(path("d"), 0700), 0);
	(void)put("d/a.avow", "", 0600);
	ck_assert_int_eq(symlink("d/a.avow", path("l.avow")), 0);
	ck_assert_int_eq(symlink(".", path("d/loop")), 0);
	ck_assert_int_eq(symlink("..", path("d/loop.avow")), 0);
	ck_assert(file_list(mem, dir, suffixes, &paths, &n, &e));
	ck_assert_uint_eq(n, 2);
	ck_assert_str_eq(paths[0], path("d/a.avow"));
	ck_assert_str_eq(paths[1], path("l.avow"));
}
END_TEST

/* A policy that cannot be read must not be left out. */
START_TEST(what_cannot_be_read_is_not_left_out)
{
	const char *const *paths;
	struct error e = { 0 };
	size_t n;

	ck_assert_int_eq(symlink("nowhere", path("l.avow")), 0);
	ck_assert(!file_list(mem, dir, suffixes, &paths, &n, &e));
	ck_assert_int_eq(e.code, ERR_FILE_READ);
	ck_assert_str_eq(e.at.file, path("l.avow"));
	ck_assert_int_eq(unlink(path("l.avow")), 0);
	e = (struct error){ 0 };
	ck_assert_int_eq(mkfifo(path("f.avow"), 0600), 0);
	ck_assert(!file_list(mem, dir, suffixes, &paths, &n, &e));
	ck_assert_int_eq(e.code, ERR_FILE_READ);
	e = (struct error){ 0 };
	ck_assert(!file_list(mem, path("none"), suffixes, &paths, &n, &e));
	ck_assert_int_eq(e.code, ERR_FILE_READ);
}
END_TEST

START_TEST(holds_just_these_bytes)
{
	const size_t n = 70000; /* more than a block */
	char *bytes = arena_alloc(mem, n + 1);
	struct str text = { bytes, n };
	const char *file = path("held"), *pipe = path("pipe");

	memset(bytes, 'x', n + 1);
	ck_assert(file_create(file, 0600, text, NULL));
	ck_assert(file_holds(file, text));
	ck_assert(!file_holds(file, str_sub(text, 0, n - 1)));
	ck_assert(!file_holds(file, (struct str){ bytes, n + 1 }));
	bytes[n - 1] = 'y';
	ck_assert(!file_holds(file, text));
	ck_assert(!file_holds(path("none"), STR("")));
	ck_assert(!file_holds(dir, STR("")));
	ck_assert(file_create(path("empty"), 0600, STR(""), NULL));
	ck_assert(file_holds(path("empty"), STR("")));
	ck_assert_int_eq(mkfifo(pipe, 0600), 0);
	ck_assert(!file_holds(pipe, STR("")));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("file");
	TCase *tc = tcase_create("file");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, reads_whole_files);
	tcase_add_test(tc, reading_is_limited);
	tcase_add_test(tc, sizes_are_not_believed);
	tcase_add_test(tc, reading_needs_memory);
	tcase_add_test(tc, missing_files_and_folders);
	tcase_add_test(tc, standard_input_is_a_dash);
	tcase_add_loop_test(
	    tc, secrets_are_for_their_owner, 0, ARRAY_LEN(modes));
	tcase_add_test(tc, secrets_are_regular_files);
	tcase_add_test(tc, foreign_secrets_are_refused);
	tcase_add_test(tc, creates_with_the_mode);
	tcase_add_test(tc, never_creates_over_something);
	tcase_add_test(tc, replaces_by_a_new_file);
	tcase_add_test(tc, writing_nowhere_is_an_error);
	tcase_add_test(tc, comes_to_be_in_pieces);
	tcase_add_test(tc, pieces_that_are_not_whole);
	tcase_add_test(tc, pieces_of_one_who_is_gone);
	tcase_add_test(tc, a_pipe_is_not_replaced);
	tcase_add_test(tc, lists_in_byte_order);
	tcase_add_test(tc, lists_one_file_whatever_its_name);
	tcase_add_test(tc, a_slash_at_the_end_is_not_doubled);
	tcase_add_test(tc, links_to_files_count_links_to_folders_do_not);
	tcase_add_test(tc, what_cannot_be_read_is_not_left_out);
	tcase_add_test(tc, holds_just_these_bytes);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
