/* file.h - read and write whole files, with a cap and with care.
 * Reading opens once and looks at what it opened (fstat), so that a name cannot be changed under it. Secret files are created O_EXCL|O_NOFOLLOW 0600 and
 * refused when others can read them. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/error.h"

/* Whole file into `a` (NUL after it, not counted); "-" is standard input. Errors: ERR_FILE_READ, ERR_LIMIT_SIZE, ERR_LIMIT_MEMORY. */
bool file_read(struct arena *a, const char *path, size_t limit_bytes,
    struct str *ret, struct error *reterr) MUST_USE;
/* The same for a secret: not through a symbolic link, regular, owned by us or root, mode without bits for group and others. Also ERR_FILE_MODE. */
bool file_read_secret(struct arena *a, const char *path, size_t limit_bytes,
    struct str *ret, struct error *reterr) MUST_USE;
/* The bytes of a regular file that is large: mapped as it lies, for reading; or copied into memory of our own, so that nobody can change them any more. Whoever cuts a
 * mapped file short kills who reads it, so files that are mapped are replaced by renaming. */
struct file_bytes {
	struct str text;
	bool is_copy;
};
/* Errors: ERR_FILE_READ, ERR_LIMIT_SIZE, memory. */
bool file_bytes_open(const char *path, bool copy, size_t limit_bytes,
    struct file_bytes *ret, struct error *reterr) MUST_USE;
/* Fine when all is zero. */
void file_bytes_free(struct file_bytes *b);
/* Does the file begin with `prefix` (16 bytes at most)? False, too, when it cannot be read. */
bool file_begins(const char *path, struct str prefix);
/* Does the regular file hold just these bytes? False, too, when it cannot be read. No more than a block of it is in memory. */
bool file_holds(const char *path, struct str content);
/* Create `path` with `mode`; an existing file is an error. Written and fsynced whole, or not there. */
bool file_create(const char *path, unsigned mode, struct str content,
    struct error *reterr) MUST_USE;
/* Replace or create `path` by a rename of a fsynced temporary beside it. */
bool file_replace(const char *path, unsigned mode, struct str content,
    struct error *reterr) MUST_USE;
/* A file that is made piece by piece and replaces or creates `path` when it is whole, as file_replace does. For base/file.c alone. */
struct file_new {
	const char *path;
	struct buf temp; /* its name before the last, when it has one */
	char link[32];   /* to what is open */
	int fd;
	bool is_replacing, has_name;
};
/* `path` outlives it. After success file_new_end follows, whatever comes between. Errors of all three: ERR_FILE_WRITE, memory. */
bool file_new_begin(struct file_new *f, const char *path, unsigned mode,
    struct error *reterr) MUST_USE;
/* `bytes` at `at`, in any order; what nobody puts is zero. */
bool file_new_put(struct file_new *f, uint64_t at, struct str bytes,
    struct error *reterr) MUST_USE;
/* `is_whole`: fsynced, then it has its name. Else, or after an error, nothing of it stays. True when it has its name. */
bool file_new_end(struct file_new *f, bool is_whole, struct error *reterr);

/* The files under `path` whose names end in one of `suffixes` (NULL-ended), recursively, in byte order of their whole path, no dot files, no symbolic
 * links to folders; `path` itself when it is a file, whatever its name. Names live in `a`. At most LIMIT_FILES. */
bool file_list(struct arena *a, const char *path, const char *const *suffixes,
    const char *const **ret_paths, size_t *ret_n, struct error *reterr) MUST_USE;

#endif
