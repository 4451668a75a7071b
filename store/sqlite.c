/* sqlite.c - a database in one file (SQLite, WAL).
 * Opening makes the folder 0700 and the file 0600 itself, before SQLite sees
 * them: SQLite gives its -wal and -shm files the mode of the database, so no
 * umask matters. A file of another program is refused by its application id,
 * before anything is written to it. `synchronous=FULL` with WAL syncs the log
 * at every commit: what was acknowledged survives a crash of the machine.
 * https://www.sqlite.org/pragma.html, /wal.html, /lang_transaction.html */
#include "store/sql_driver.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"

#define APPLICATION_ID 0x41766f77 /* "Avow" */

struct prepared {
	const char *text; /* a constant, known by its address */
	sqlite3_stmt *statement;
};

struct sqlite {
	sqlite3 *db;
	bool is_file;        /* else in memory */
	struct arena *arena; /* of the list */
	struct prepared *cache;
	size_t n, cap;
};

static bool
refuse(const struct sqlite *q, const char *doing, struct error *reterr)
{
	return error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE, "%s: %s", doing,
	    sqlite3_errmsg(q->db));
}

static bool
refuse_file(const char *doing, const char *path, struct error *reterr)
{
	return error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE, "%s `%s`: %s",
	    doing, path, strerror(errno));
}

/* --- the file --------------------------------------------------------------
 */

/* The folder of `path` as 0700, when there is none yet. */
static bool
make_folder(const char *path, struct error *reterr)
{
	char folder[4096];
	const char *slash = strrchr(path, '/');

	assert(slash);
	if (slash == path)
		return true;
	if ((size_t)(slash - path) >= sizeof folder) {
		errno = ENAMETOOLONG;
		return refuse_file("cannot open", path, reterr);
	}
	snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
	if (mkdir(folder, 0700) == 0 || errno == EEXIST)
		return true;
	return refuse_file("cannot make the folder", folder, reterr);
}

/* Take what group and others may do from the file that is there. O_PATH, since
 * closing any other descriptor of a file drops the locks that this process
 * holds on it (POSIX), those of another handle's SQLite among them. */
static bool
mend_file(const char *path, struct error *reterr)
{
	int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	char name[32];
	struct stat st;
	bool ok;

	if (fd < 0)
		return refuse_file("cannot open", path, reterr);
	snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	ok = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	if (!ok)
		errno = S_ISLNK(st.st_mode) ? ELOOP : EINVAL;
	ok = ok && ((st.st_mode & 07777) == 0600 || chmod(name, 0600) == 0);
	if (!ok)
		refuse_file("cannot use", path, reterr);
	close(fd);
	return ok;
}

static bool
make_file(const char *path, struct error *reterr)
{
	int fd = open(
	    path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0 && errno == EEXIST)
		return mend_file(path, reterr);
	if (fd < 0)
		return refuse_file("cannot open", path, reterr);
	close(fd);
	return true;
}

/* --- opening ---------------------------------------------------------------
 */

/* The one number or text that `text` answers. */
static bool
ask(struct sqlite *q, const char *text, int64_t *ret_number, char *ret_text,
    size_t size, struct error *reterr)
{
	sqlite3_stmt *s = NULL;
	bool ok = sqlite3_prepare_v2(q->db, text, -1, &s, NULL) == SQLITE_OK &&
		  sqlite3_step(s) == SQLITE_ROW;

	if (ok && ret_number)
		*ret_number = sqlite3_column_int64(s, 0);
	if (ok && ret_text) {
		const unsigned char *t = sqlite3_column_text(s, 0);

		snprintf(ret_text, size, "%s", t ? (const char *)t : "");
	}
	/* The error is told before it is lost. */
	if (!ok)
		refuse(q, text, reterr);
	sqlite3_finalize(s);
	return ok;
}

static bool
do_text(struct sqlite *q, const char *text, struct error *reterr)
{
	if (sqlite3_exec(q->db, text, NULL, NULL, NULL) != SQLITE_OK)
		return refuse(q, text, reterr);
	return true;
}

/* An empty database becomes ours; any other must be ours already. */
static bool
check_owner(struct sqlite *q, struct error *reterr)
{
	char mark[64];
	int64_t id, tables;

	if (!ask(q, "PRAGMA application_id", &id, NULL, 0, reterr) ||
	    !ask(q, "SELECT COUNT(*) FROM sqlite_master", &tables, NULL, 0,
		reterr))
		return false;
	if (id == APPLICATION_ID)
		return true;
	if (id != 0 || tables != 0)
		return error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE,
		    "the database belongs to another program");
	snprintf(mark, sizeof mark, "PRAGMA application_id=%d", APPLICATION_ID);
	return do_text(q, mark, reterr);
}

static bool
set_up(struct sqlite *q, bool in_memory, struct error *reterr)
{
	static const char *const settings[] = {
		"PRAGMA synchronous=FULL",
		"PRAGMA foreign_keys=ON",
		"PRAGMA trusted_schema=OFF",
		"PRAGMA cell_size_check=ON",
	};
	char mode[16];

	sqlite3_extended_result_codes(q->db, 1);
	if (sqlite3_busy_timeout(q->db, LIMIT_STORE_BUSY_MS) != SQLITE_OK)
		return refuse(q, "busy timeout", reterr);
	if (!check_owner(q, reterr) ||
	    !ask(q, "PRAGMA journal_mode=WAL", NULL, mode, sizeof mode, reterr))
		return false;
	if (strcmp(mode, in_memory ? "memory" : "wal") != 0)
		return error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE,
		    "the database stays in journal mode `%s`, WAL is needed",
		    mode);
	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		if (!do_text(q, settings[i], reterr))
			return false;
	return true;
}

/* The path in `url`, NULL for memory. */
static bool
url_path(
    struct arena *a, struct str url, const char **ret, struct error *reterr)
{
	static const struct str scheme = STR_INIT("sqlite://");

	if (str_eq(url, STR("sqlite::memory:"))) {
		*ret = NULL;
		return true;
	}
	if (!str_has_prefix(url, STR("sqlite:///")) ||
	    str_find(url, '\0', 0) != url.n || str_has_suffix(url, STR("/")))
		return error_set(reterr, ERR_CONFIG_VALUE, SPAN_NONE,
		    "expected `sqlite:///absolute/path`, found `%.*s`",
		    STR_ARG(url));
	*ret = str_z(a, str_sub(url, scheme.n, url.n));
	return *ret || error_nomem(reterr);
}

static void
close_db(void *db)
{
	struct sqlite *q = db;

	for (size_t i = 0; i < q->n; i++)
		sqlite3_finalize(q->cache[i].statement);
	sqlite3_close(q->db);
	arena_free(q->arena);
	free(q);
}

static bool
open_file(struct sqlite *q, struct str url, struct error *reterr)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
	const char *path;

	if (!url_path(q->arena, url, &path, reterr))
		return false;
	if (path && (!make_folder(path, reterr) || !make_file(path, reterr)))
		return false;
	if (!path)
		flags |= SQLITE_OPEN_MEMORY | SQLITE_OPEN_CREATE;
	if (sqlite3_open_v2(path ? path : ":memory:", &q->db, flags, NULL) !=
	    SQLITE_OK)
		return refuse(q, "cannot open the database", reterr);
	q->is_file = path != NULL;
	return set_up(q, !path, reterr);
}

static void *
open_db(struct str url, struct error *reterr)
{
	struct sqlite *q = calloc(1, sizeof *q);

	if (q)
		q->arena = arena_new(0);
	if (!q || !q->arena) {
		free(q);
		error_nomem(reterr);
		return NULL;
	}
	if (open_file(q, url, reterr))
		return q;
	close_db(q);
	return NULL;
}

/* --- statements ------------------------------------------------------------
 */

static sqlite3_stmt *
prepared(struct sqlite *q, const char *text, struct error *reterr)
{
	sqlite3_stmt *s;

	for (size_t i = 0; i < q->n; i++)
		if (q->cache[i].text == text)
			return q->cache[i].statement;
	if (!ARENA_PUSH_ROOM(q->arena, q->cache, q->n, q->cap)) {
		error_nomem(reterr);
		return NULL;
	}
	if (sqlite3_prepare_v3(q->db, text, -1, SQLITE_PREPARE_PERSISTENT, &s,
		NULL) != SQLITE_OK) {
		refuse(q, "cannot prepare", reterr);
		return NULL;
	}
	q->cache[q->n++] = (struct prepared){ text, s };
	return s;
}

static int
bind_bytes(sqlite3_stmt *s, int at, const struct sql_value *v)
{
	/* A NULL pointer would bind NULL, not an empty value. */
	const char *p = v->bytes.p ? v->bytes.p : "";

	if (v->kind == SQL_TEXT)
		return sqlite3_bind_text64(
		    s, at, p, v->bytes.n, SQLITE_STATIC, SQLITE_UTF8);
	return sqlite3_bind_blob64(s, at, p, v->bytes.n, SQLITE_STATIC);
}

/* `$1` is a name to SQLite, whose place need not be 1. */
static bool
bind(struct sqlite *q, sqlite3_stmt *s, const struct sql_value *params,
    size_t n, struct error *reterr)
{
	assert((size_t)sqlite3_bind_parameter_count(s) == n);
	for (size_t i = 0; i < n; i++) {
		char name[24];
		int at, rc;

		snprintf(name, sizeof name, "$%zu", i + 1);
		at = sqlite3_bind_parameter_index(s, name);
		assert(at > 0);
		rc = params[i].kind == SQL_INT
			 ? sqlite3_bind_int64(s, at, params[i].number)
			 : bind_bytes(s, at, &params[i]);
		if (rc != SQLITE_OK)
			return refuse(q, "cannot bind", reterr);
	}
	return true;
}

/* A file that was put away, or that another took the place of, is still there
 * to who has it open: what the others revoke in the new one would be missed for
 * ever. Asked where no transaction is open, so once in each. */
static bool
check_place(struct sqlite *q, struct error *reterr)
{
	int has_moved = 0;

	if (!q->is_file || !sqlite3_get_autocommit(q->db))
		return true;
	return (sqlite3_file_control(q->db, "main", SQLITE_FCNTL_HAS_MOVED,
		    &has_moved) == SQLITE_OK &&
		   !has_moved) ||
	       error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE,
		   "the database's file is not where it was opened: it was "
		   "moved, deleted or replaced; start anew with the one that "
		   "counts");
}

static bool
run(void *db, const char *text, const struct sql_value *params, size_t n_params,
    bool (*row)(void *ctx, const struct sql_row *row, struct error *reterr),
    void *ctx, struct error *reterr)
{
	struct sqlite *q = db;
	sqlite3_stmt *s = prepared(q, text, reterr);
	const struct sql_row at = { .driver = &sql_sqlite, .at = s };
	bool ok = s && bind(q, s, params, n_params, reterr);
	int rc = SQLITE_ERROR;

	if (!s)
		return false;
	ok = ok && check_place(q, reterr);
	while (ok && (rc = sqlite3_step(s)) == SQLITE_ROW)
		ok = !row || row(ctx, &at, reterr);
	if (ok && rc != SQLITE_DONE)
		ok = refuse(q, "the database says", reterr);
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	return ok;
}

static int64_t
number(const struct sql_row *row, int column)
{
	return sqlite3_column_int64(row->at, column);
}

static struct str
bytes(const struct sql_row *row, int column)
{
	/* First the bytes, then their count, as SQLite asks for. */
	const char *p = sqlite3_column_blob(row->at, column);

	return (struct str){ p ? p : "",
		(size_t)sqlite3_column_bytes(row->at, column) };
}

static bool
exec(void *db, const char *text, struct error *reterr)
{
	return do_text(db, text, reterr);
}

/* --- transactions ----------------------------------------------------------
 */

static void
rollback(void *db)
{
	struct sqlite *q = db;

	/* Some failures end the transaction by themselves. */
	if (!sqlite3_get_autocommit(q->db))
		sqlite3_exec(q->db, "ROLLBACK", NULL, NULL, NULL);
}

static bool
begin(void *db, struct error *reterr)
{
	static const char text[] = "BEGIN IMMEDIATE";

	/* One that could not be rolled back when it failed. */
	rollback(db);
	return run(db, text, NULL, 0, NULL, NULL, reterr);
}

/* What it reads first picks the moment. */
static bool
begin_read(void *db, struct error *reterr)
{
	static const char text[] = "BEGIN DEFERRED";

	rollback(db);
	return run(db, text, NULL, 0, NULL, NULL, reterr);
}

static bool
commit(void *db, struct error *reterr)
{
	static const char text[] = "COMMIT";

	return run(db, text, NULL, 0, NULL, NULL, reterr);
}

/* --- time, news, health ----------------------------------------------------
 */

/* One machine: its clock is what all that use the file share. */
static bool
now(void *db, int64_t *ret_unix_ms, struct error *reterr)
{
	(void)db, (void)reterr;
	*ret_unix_ms = clock_now_ms(clock_system());
	return true;
}

/* Nobody can be told; who waits looks every LIMIT_STORE_POLL_MS. */
static bool
notify(void *db, struct error *reterr)
{
	(void)db, (void)reterr;
	return true;
}

static bool
wait_news(void *db, int wake_fd, int timeout_ms, struct error *reterr)
{
	struct pollfd fd = { .fd = wake_fd, .events = POLLIN };

	(void)db, (void)reterr;
	/* Interrupted is as good as woken. */
	(void)poll(&fd, 1,
	    timeout_ms < LIMIT_STORE_POLL_MS ? timeout_ms
					     : LIMIT_STORE_POLL_MS);
	return true;
}

static bool
take_line(void *ctx, const struct sql_row *row, struct error *reterr)
{
	struct str line = bytes(row, 0);

	(void)reterr;
	if (str_eq(line, STR("ok")))
		return true;
	buf_add(ctx, line);
	buf_byte(ctx, '\n');
	return true;
}

static bool
check(void *db, struct buf *out, struct error *reterr)
{
	static const char text[] = "PRAGMA integrity_check(20)";

	return run(db, text, NULL, 0, take_line, out, reterr);
}

const struct sql_driver sql_sqlite = {
	.open = open_db,
	.close = close_db,
	.begin = begin,
	.begin_read = begin_read,
	.commit = commit,
	.rollback = rollback,
	.exec = exec,
	.run = run,
	.number = number,
	.bytes = bytes,
	.now = now,
	.notify = notify,
	.wait = wait_news,
	.check = check,
};
