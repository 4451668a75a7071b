/* cmd_fmt.c - `avow fmt`: policy files in canonical form, in place. */
#include <stdlib.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "policy/policy.h"

struct format {
	bool check;
	bool changed, failed; /* over all files */
};

static enum policy_dialect
dialect_of(const char *path)
{
	return str_has_suffix(str_of(path), STR(".cedar")) ? POLICY_CEDAR
							   : POLICY_AVOW;
}

static bool
fail(struct format *f, const struct error *e)
{
	cli_error(e, STR(""));
	f->failed = true;
	return false;
}

/* Write `text` where `path` leads, so that a symbolic link stays one. */
static bool
replace(struct format *f, const char *path, struct str text)
{
	char *real = realpath(path, NULL);
	struct error e = { 0 };
	struct stat st = { 0 };
	bool ok;

	if (!real || stat(real, &st) != 0)
		(void)error_set(
		    &e, ERR_FILE_WRITE, SPAN_NONE, "cannot write `%s`", path);
	ok = e.code == ERR_NONE &&
	     file_replace(real, st.st_mode & 07777, text, &e);
	free(real);
	return ok || fail(f, &e);
}

static bool
put_out(struct format *f, const char *path, struct str before,
    const struct buf *after)
{
	bool same = str_eq(before, buf_str(after));

	f->changed = f->changed || !same;
	if (f->check) {
		if (!same)
			puts(path);
		return true;
	}
	if (strcmp(path, "-") == 0)
		return cli_print(after);
	return same || replace(f, path, buf_str(after));
}

static void
format_file(struct format *f, const char *path)
{
	struct arena *a = arena_new(0);
	struct errors errors = { 0 };
	struct error e = { 0 };
	struct buf after = { 0 };
	struct str before;

	if (!a)
		(void)error_nomem(&e);
	if (str_has_suffix(str_of(path), STR(".json")))
		(void)error_set(&e, ERR_USAGE, (struct span){ .file = path },
		    "policies in JSON are not text; `avow translate` writes "
		    "them anew");
	if (e.code != ERR_NONE ||
	    !file_read(a, path, LIMIT_POLICY_FILE_BYTES, &before, &e)) {
		(void)fail(f, &e);
	} else if (!policy_format(
		       path, before, dialect_of(path), &after, &errors)) {
		cli_errors(&errors, before);
		f->failed = true;
	} else if (!put_out(f, path, before, &after)) {
		f->failed = true;
	}
	buf_free(&after);
	arena_free(a);
}

static void
format_path(struct format *f, const char *path)
{
	static const char *const suffixes[] = { ".avow", ".cedar", NULL };
	struct arena *a;
	const char *const *files;
	struct error e = { 0 };
	size_t n;

	if (strcmp(path, "-") == 0) {
		format_file(f, path);
		return;
	}
	a = arena_new(0);
	if (!a)
		(void)error_nomem(&e);
	if (!a || !file_list(a, path, suffixes, &files, &n, &e))
		(void)fail(f, &e);
	else
		for (size_t i = 0; i < n; i++)
			format_file(f, files[i]);
	arena_free(a);
}

enum cli_exit
cmd_fmt(int argc, char **argv)
{
	struct cli_list paths = { 0 };
	struct format f = { 0 };
	const struct cli_option options[] = {
		{ "check", CLI_FLAG, &f.check, false, NULL,
		    "write nothing, list the files that would change" },
	};
	const struct cli_usage usage = CLI_USAGE("avow fmt [--check] PATH ...",
	    "Write policy files and folders (*.avow, *.cedar) in "
	    "their canonical form, comments kept.\nWith `-`, "
	    "from standard input to standard output. Exit: 0 "
	    "done, 1 errors (that file stays\nas it is), 2 "
	    "--check found a file that would change.",
	    options, 1, SIZE_MAX, &paths);
	enum cli_exit code;

	if (cli_parse(&usage, argc, argv, &code)) {
		for (size_t i = 0; i < paths.n; i++)
			format_path(&f, paths.items[i]);
		code = f.failed               ? CLI_CANNOT_TELL
		       : f.check && f.changed ? CLI_NO
					      : CLI_YES;
	}
	cli_list_free(&paths);
	return code;
}
