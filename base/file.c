/* file.c - whole files in, whole files out, and the files of a folder.
 * Writing goes to a temporary beside the target, which has no name where that
 * can be (O_TMPFILE, open(2)), is fsynced, and then takes the target's name:
 * rename(2) to replace, link(2) to create (which fails when the name is taken).
 * Then the folder is fsynced. */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/limits.h"
#include "base/pages.h"

/* Read size when a file does not tell its own (pipes, /proc). */
#define READ_FIRST 65536u
#define ROOM_LEAST ((size_t)1 << 20)
#define TEMPORARY ".XXXXXX" /* behind the target's name */

static bool
fail(struct error *reterr, enum err_code code, const char *path,
    const char *verb)
{
	char why[96];

	return error_set(reterr, code, (struct span){ .file = path },
	    "cannot %s `%s`: %s", verb, path,
	    strerror_r(errno, why, sizeof why));
}

static ssize_t
read_some(int fd, char *p, size_t n)
{
	ssize_t got;

	do
		got = read(fd, p, n);
	while (got < 0 && errno == EINTR);
	return got;
}

/* All of `fd` from here on; `hint` is how long it claims to be. */
static bool
read_all(struct arena *a, int fd, const char *path, size_t hint, size_t limit,
    struct str *ret, struct error *reterr)
{
	/* One byte more than expected: reading 0 there is the end. */
	size_t n = 0, cap = hint + 1;
	char *p = arena_alloc(a, cap + 1);

	while (p) {
		ssize_t got = read_some(fd, p + n, cap - n);

		if (got < 0)
			return fail(reterr, ERR_FILE_READ, path, "read");
		if (got == 0) {
			p[n] = '\0';
			*ret = (struct str){ p, n };
			return true;
		}
		n += (size_t)got;
		if (n > limit)
			return error_set(reterr, ERR_LIMIT_SIZE,
			    (struct span){ .file = path },
			    "`%s` is larger than %zu bytes", path, limit);
		if (n == cap) {
			char *old = p;

			cap *= 2; /* no overflow: the arena holds half of it */
			p = arena_alloc(a, cap + 1);
			if (p)
				memcpy(p, old, n);
		}
	}
	return error_nomem(reterr);
}

/* At most the limit, so that the hint plus two cannot overflow where a limit
 * is sane; what is longer than that is refused while reading. */
static size_t
size_hint(const struct stat *st, size_t limit)
{
	size_t size = READ_FIRST;

	if (S_ISREG(st->st_mode) && st->st_size > 0)
		size = (size_t)st->st_size;
	if (size > limit)
		size = limit;
	return size < SIZE_MAX - 2 ? size : READ_FIRST;
}

bool
file_read(struct arena *a, const char *path, size_t limit_bytes,
    struct str *ret, struct error *reterr)
{
	bool is_stdin = strcmp(path, "-") == 0, ok;
	struct stat st;
	int fd = STDIN_FILENO;

	if (!is_stdin)
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) != 0)
		ok = fail(reterr, ERR_FILE_READ, path, "read");
	else
		ok = read_all(a, fd, path, size_hint(&st, limit_bytes),
		    limit_bytes, ret, reterr);
	if (fd >= 0 && !is_stdin)
		(void)close(fd);
	return ok;
}

bool
file_begins(const char *path, struct str prefix)
{
	char first[16] = { 0 };
	ssize_t n = -1;
	struct stat st;
	/* Not blocking: a pipe in that place is read by others. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		n = read_some(fd, first, sizeof first);
	if (fd >= 0)
		(void)close(fd);
	return n > 0 &&
	       str_has_prefix((struct str){ first, (size_t)n }, prefix);
}

static bool
holds(int fd, struct str content)
{
	char block[READ_FIRST];
	size_t at = 0;
	ssize_t got;

	while ((got = read_some(fd, block, sizeof block)) > 0) {
		size_t n = (size_t)got;

		if (n > content.n - at || memcmp(block, content.p + at, n) != 0)
			return false;
		at += n;
	}
	return got == 0 && at == content.n;
}

bool
file_holds(const char *path, struct str content)
{
	struct stat st;
	/* Not blocking: what is in a pipe is for whoever reads it. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	bool same = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
		    (uintmax_t)st.st_size == content.n && holds(fd, content);

	if (fd >= 0)
		(void)close(fd);
	return same;
}

static bool
copy_bytes(int fd, const char *path, char *to, size_t n, struct error *reterr)
{
	for (size_t at = 0; at < n;) {
		ssize_t got = read_some(fd, to + at, n - at);

		if (got < 0)
			return fail(reterr, ERR_FILE_READ, path, "read");
		if (got == 0)
			return error_set(reterr, ERR_FILE_READ,
			    (struct span){ .file = path },
			    "`%s` was cut short while it was read", path);
		at += (size_t)got;
	}
	return true;
}

static bool
take_bytes(int fd, const char *path, size_t n, struct file_bytes *ret,
    struct error *reterr)
{
	char *p;

	if (ret->is_copy) {
		p = pages_new(n);
		if (!p)
			return error_nomem(reterr);
		ret->text = (struct str){ p, n };
		return copy_bytes(fd, path, p, n, reterr);
	}
	p = mmap(NULL, n, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (p == MAP_FAILED)
		return fail(reterr, ERR_FILE_READ, path, "map");
	ret->text = (struct str){ p, n };
	return true;
}

bool
file_bytes_open(const char *path, bool copy, size_t limit_bytes,
    struct file_bytes *ret, struct error *reterr)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct span at = { .file = path };
	struct stat st;
	bool ok;

	*ret = (struct file_bytes){ .is_copy = copy };
	if (fd < 0 || fstat(fd, &st) != 0)
		ok = fail(reterr, ERR_FILE_READ, path, "read");
	else if (!S_ISREG(st.st_mode) || st.st_size <= 0)
		ok = error_set(reterr, ERR_FILE_READ, at,
		    "`%s` is empty, or no regular file", path);
	else if ((uint64_t)st.st_size > limit_bytes)
		ok = error_set(reterr, ERR_LIMIT_SIZE, at,
		    "`%s` is larger than %zu bytes", path, limit_bytes);
	else
		ok = take_bytes(fd, path, (size_t)st.st_size, ret, reterr);
	if (fd >= 0)
		(void)close(fd);
	if (!ok)
		file_bytes_free(ret);
	return ok;
}

void
file_bytes_free(struct file_bytes *b)
{
	if (b->text.n) {
		void *p;

		memcpy(&p, &b->text.p, sizeof p);
		pages_free(p, b->text.n);
	}
	*b = (struct file_bytes){ 0 };
}

static bool
check_secret(const struct stat *st, const char *path, struct error *reterr)
{
	struct span at = { .file = path };

	if (!S_ISREG(st->st_mode))
		return error_set(reterr, ERR_FILE_MODE, at,
		    "secret file `%s` is not a regular file", path);
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return error_set(reterr, ERR_FILE_MODE, at,
		    "secret file `%s` belongs to another user", path);
	if (st->st_mode & 077) {
		(void)error_set(reterr, ERR_FILE_MODE, at,
		    "secret file `%s` has mode %03o, others may use it", path,
		    (unsigned)st->st_mode & 0777);
		error_hint(reterr, "chmod 600 %s", path);
		return false;
	}
	return true;
}

bool
file_read_secret(struct arena *a, const char *path, size_t limit_bytes,
    struct str *ret, struct error *reterr)
{
	/* Not blocking: a pipe in that place must not hang us. */
	int fd = open(
	    path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	bool ok;

	if (fd < 0 && errno == ELOOP)
		return error_set(reterr, ERR_FILE_MODE,
		    (struct span){ .file = path },
		    "secret file `%s` is a symbolic link", path);
	if (fd < 0 || fstat(fd, &st) != 0)
		ok = fail(reterr, ERR_FILE_READ, path, "read");
	else
		ok = check_secret(&st, path, reterr) &&
		     read_all(a, fd, path, size_hint(&st, limit_bytes),
			 limit_bytes, ret, reterr);
	if (fd >= 0)
		(void)close(fd);
	return ok;
}

static bool
write_all(int fd, uint64_t at, struct str s)
{
	while (s.n) {
		ssize_t n = pwrite(fd, s.p, s.n, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += (uint64_t)n;
		s = str_sub(s, (size_t)n, s.n);
	}
	return true;
}

/* The folder of `path`; -1. */
static int
open_folder(const char *path, int flags)
{
	struct buf folder = { 0 };
	const char *slash = strrchr(path, '/');
	int fd;

	buf_add(&folder, slash
			     ? (struct str){ path, (size_t)(slash - path) + 1 }
			     : STR("./"));
	if (!buf_ok(&folder)) {
		errno = ENOMEM;
		return -1;
	}
	fd = open(folder.p, flags | O_CLOEXEC, 0600);
	buf_free(&folder);
	return fd;
}

/* Makes the new name last through a crash. */
static bool
sync_folder(const char *path)
{
	int fd = open_folder(path, O_RDONLY | O_DIRECTORY);
	bool ok;

	if (fd < 0)
		return false;
	/* Some filesystems cannot fsync a folder and say EINVAL. */
	ok = fsync(fd) == 0 || errno == EINVAL;
	(void)close(fd);
	return ok;
}

/* Of what is large, the room is taken first: a full disk is known at once.
 * Where that cannot be asked, writing tells. */
static bool
take_room(int fd, size_t n)
{
	if (n < ROOM_LEAST || fallocate(fd, 0, 0, (off_t)n) == 0)
		return true;
	return errno != ENOSPC && errno != EDQUOT && errno != EFBIG;
}

/* A file without a name goes with its process, however that ends. Where the
 * filesystem has none, or nothing could name it later, it has one from the
 * beginning. */
static bool
open_temporary(struct file_new *f)
{
	f->fd = open_folder(f->path, O_TMPFILE | O_WRONLY);
	(void)snprintf(f->link, sizeof f->link, "/proc/self/fd/%d", f->fd);
	if (f->fd >= 0 && access(f->link, F_OK) == 0)
		return true;
	if (f->fd >= 0)
		(void)close(f->fd);
	f->fd = mkostemp(f->temp.p, O_CLOEXEC); /* O_EXCL, 0600 */
	f->has_name = f->fd >= 0;
	return f->has_name;
}

/* One that nobody has, in the place of `temp`'s Xs. */
static bool
name_temporary(struct file_new *f)
{
	char *x = f->temp.p + f->temp.n - strlen(TEMPORARY);
	uint32_t number;

	do {
		if (getrandom(&number, sizeof number, 0) != sizeof number)
			return false;
		(void)snprintf(
		    x, sizeof TEMPORARY, ".%06x", number & 0xffffffu);
		f->has_name = linkat(AT_FDCWD, f->link, AT_FDCWD, f->temp.p,
				  AT_SYMLINK_FOLLOW) == 0;
	} while (!f->has_name && errno == EEXIST);
	return f->has_name;
}

/* Gives the temporary the name `path`; a new name that would not last is taken
 * back. */
static bool
settle(const char *temp, const char *path, bool replace)
{
	int why;

	if (replace)
		return rename(temp, path) == 0 && sync_folder(path);
	if (link(temp, path) != 0)
		return false;
	if (unlink(temp) == 0 && sync_folder(path))
		return true;
	why = errno;
	(void)unlink(path);
	errno = why;
	return false;
}

static bool
fail_new(const struct file_new *f, struct error *reterr)
{
	return fail(reterr, ERR_FILE_WRITE, f->path,
	    f->is_replacing ? "write" : "create");
}

static bool
begin(struct file_new *f, unsigned mode, struct error *reterr)
{
	buf_printf(&f->temp, "%s" TEMPORARY, f->path);
	if (!buf_ok(&f->temp)) {
		buf_free(&f->temp);
		return error_nomem(reterr);
	}
	if (open_temporary(f) && fchmod(f->fd, (mode_t)mode) == 0)
		return true;
	(void)fail_new(f, reterr);
	return file_new_end(f, false, NULL);
}

/* What is large enough is on its way to the disk from now on. */
bool
file_new_put(
    struct file_new *f, uint64_t at, struct str bytes, struct error *reterr)
{
	if (at > INT64_MAX || !write_all(f->fd, at, bytes))
		return fail_new(f, reterr);
	if (bytes.n >= ROOM_LEAST)
		(void)sync_file_range(f->fd, (off64_t)at, (off64_t)bytes.n,
		    SYNC_FILE_RANGE_WRITE);
	return true;
}

bool
file_new_end(struct file_new *f, bool is_whole, struct error *reterr)
{
	bool ok =
	    is_whole && fsync(f->fd) == 0 && (f->has_name || name_temporary(f));
	int why = errno;

	if (f->fd >= 0 && close(f->fd) != 0 && ok) {
		why = errno;
		ok = false;
	}
	errno = why;
	ok = ok && settle(f->temp.p, f->path, f->is_replacing);
	if (is_whole && !ok)
		(void)fail_new(f, reterr);
	if (f->has_name && !ok)
		(void)unlink(f->temp.p);
	buf_free(&f->temp);
	f->fd = -1;
	f->has_name = false;
	return ok;
}

static bool
write_file(const char *path, unsigned mode, struct str content, bool replace,
    struct error *reterr)
{
	struct file_new f = { .path = path, .is_replacing = replace };
	bool ok = begin(&f, mode, reterr);

	if (!ok)
		return false;
	ok = (take_room(f.fd, content.n) && write_all(f.fd, 0, content)) ||
	     fail_new(&f, reterr);
	return file_new_end(&f, ok, reterr);
}

bool
file_create(
    const char *path, unsigned mode, struct str content, struct error *reterr)
{
	return write_file(path, mode, content, false, reterr);
}

/* A rename would put a file in the place of a device, a socket or a pipe that
 * others use. */
static bool
may_replace(const char *path, struct error *reterr)
{
	struct stat st;

	if (stat(path, &st) != 0 || S_ISREG(st.st_mode))
		return true;
	errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
	return fail(reterr, ERR_FILE_WRITE, path, "write");
}

bool
file_replace(
    const char *path, unsigned mode, struct str content, struct error *reterr)
{
	return may_replace(path, reterr) &&
	       write_file(path, mode, content, true, reterr);
}

bool
file_new_begin(
    struct file_new *f, const char *path, unsigned mode, struct error *reterr)
{
	*f = (struct file_new){ .path = path, .is_replacing = true };
	return may_replace(path, reterr) && begin(f, mode, reterr);
}

/* All memory is the arena's. */
struct paths {
	const char **items;
	size_t n, cap;
};

struct listing {
	struct arena *arena;
	const char *const *suffixes;
	struct paths files, folders; /* folders: still to read */
};

static bool
push(
    struct listing *l, struct paths *to, const char *path, struct error *reterr)
{
	if (l->files.n + l->folders.n >= LIMIT_FILES)
		return error_set(reterr, ERR_LIMIT_COUNT,
		    (struct span){ .file = path }, "more than %u files",
		    LIMIT_FILES);
	if (!ARENA_PUSH_ROOM(l->arena, to->items, to->n, to->cap))
		return error_nomem(reterr);
	to->items[to->n++] = path;
	return true;
}

static bool
is_wanted(const struct listing *l, const char *name)
{
	for (const char *const *s = l->suffixes; *s; s++)
		if (str_has_suffix(str_of(name), str_of(*s)))
			return true;
	return false;
}

/* One name of the open folder `fd`. A wanted file that cannot be looked at is
 * an error: a policy that forbids must not be lost quietly. */
static bool
list_entry(struct listing *l, int fd, const char *folder, const char *name,
    struct error *reterr)
{
	bool ends = str_has_suffix(str_of(folder), STR("/"));
	struct stat st, target;
	const char *path;

	path = str_printf(l->arena, "%s%s%s", folder, ends ? "" : "/", name).p;
	if (!path)
		return error_nomem(reterr);
	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return fail(reterr, ERR_FILE_READ, path, "read");
	if (S_ISDIR(st.st_mode))
		return push(l, &l->folders, path, reterr);
	if (!is_wanted(l, name))
		return true;
	if (fstatat(fd, name, &target, 0) != 0)
		return fail(reterr, ERR_FILE_READ, path, "read");
	if (S_ISDIR(target.st_mode))
		return true; /* a symbolic link to a folder */
	if (!S_ISREG(target.st_mode))
		return error_set(reterr, ERR_FILE_READ,
		    (struct span){ .file = path },
		    "cannot read `%s`: not a regular file", path);
	return push(l, &l->files, path, reterr);
}

static bool
list_folder(struct listing *l, const char *folder, struct error *reterr)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	bool ok = true;

	if (!dir)
		return fail(reterr, ERR_FILE_READ, folder, "read");
	for (errno = 0; ok && (entry = readdir(dir)); errno = 0)
		if (entry->d_name[0] != '.')
			ok = list_entry(
			    l, dirfd(dir), folder, entry->d_name, reterr);
	if (ok && errno != 0)
		ok = fail(reterr, ERR_FILE_READ, folder, "read");
	(void)closedir(dir);
	return ok;
}

static int
by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool
file_list(struct arena *a, const char *path, const char *const *suffixes,
    const char *const **ret_paths, size_t *ret_n, struct error *reterr)
{
	struct listing l = { .arena = a, .suffixes = suffixes };
	struct stat st;

	if (stat(path, &st) != 0)
		return fail(reterr, ERR_FILE_READ, path, "read");
	path = str_z(a, str_of(path));
	if (!path)
		return error_nomem(reterr);
	if (!push(
		&l, S_ISDIR(st.st_mode) ? &l.folders : &l.files, path, reterr))
		return false;
	while (l.folders.n)
		if (!list_folder(&l, l.folders.items[--l.folders.n], reterr))
			return false;
	if (l.files.n)
		qsort(
		    l.files.items, l.files.n, sizeof *l.files.items, by_bytes);
	*ret_paths = (const char *const *)l.files.items;
	*ret_n = l.files.n;
	return true;
}
