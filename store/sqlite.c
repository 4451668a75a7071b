/* sqlite.c - a database in one file (SQLite, WAL).
 * Opening makes the folder 0700 and the file 0600 itself, before SQLite sees
 * them: SQLite gives its -wal and -shm files the mode of the database, so no
 * umask matters. A file of another program is refused by its application id,
 * before anything is written to it. `synchronous=FULL` with WAL syncs the log
 * at every commit: what was acknowledged survives a crash of the machine.
 * https://www.sqlite.org/pragma.html, /wal.html, /lang_transaction.html */
#include "store/sql.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"

#define STATEMENTS_MAX 32
#define APPLICATION_ID 0x41766f77 /* "Avow" */

struct sql {
	sqlite3 *db;
	struct {
		const char *text;
		sqlite3_stmt *statement;
	} cache[STATEMENTS_MAX];
	size_t n;
};

struct sql_row {
	sqlite3_stmt *statement;
};

static bool
refuse(const struct sql *q, const char *doing, struct error *reterr)
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

/* Make the file, or take what group and others may do from the one there is. */
static bool
make_file(const char *path, struct error *reterr)
{
	int fd = open(
	    path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
	struct stat st;
	bool ok;

	if (fd < 0)
		return refuse_file("cannot open", path, reterr);
	ok = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	if (!ok)
		errno = EINVAL;
	ok = ok && ((st.st_mode & 07777) == 0600 || fchmod(fd, 0600) == 0);
	if (!ok)
		refuse_file("cannot use", path, reterr);
	close(fd);
	return ok;
}

/* --- opening ---------------------------------------------------------------
 */

/* The one number or text that `text` answers. */
static bool
ask(struct sql *q, const char *text, int64_t *ret_number, char *ret_text,
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

bool
sql_do(struct sql *q, const char *text, struct error *reterr)
{
	if (sqlite3_exec(q->db, text, NULL, NULL, NULL) != SQLITE_OK)
		return refuse(q, text, reterr);
	return true;
}

/* An empty database becomes ours; any other must be ours already. */
static bool
check_owner(struct sql *q, struct error *reterr)
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
	return sql_do(q, mark, reterr);
}

static bool
set_up(struct sql *q, bool in_memory, struct error *reterr)
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
		if (!sql_do(q, settings[i], reterr))
			return false;
	return true;
}

struct sql *
sql_open(const char *path, struct error *reterr)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
	struct sql *q;

	if (path && (!make_folder(path, reterr) || !make_file(path, reterr)))
		return NULL;
	q = calloc(1, sizeof *q);
	if (!q) {
		error_nomem(reterr);
		return NULL;
	}
	if (!path)
		flags |= SQLITE_OPEN_MEMORY | SQLITE_OPEN_CREATE;
	if (sqlite3_open_v2(path ? path : ":memory:", &q->db, flags, NULL) !=
	    SQLITE_OK)
		refuse(q, "cannot open the database", reterr);
	else if (set_up(q, !path, reterr))
		return q;
	sql_close(q);
	return NULL;
}

void
sql_close(struct sql *q)
{
	if (!q)
		return;
	for (size_t i = 0; i < q->n; i++)
		sqlite3_finalize(q->cache[i].statement);
	sqlite3_close(q->db);
	free(q);
}

/* --- statements ------------------------------------------------------------
 */

static sqlite3_stmt *
prepared(struct sql *q, const char *text, struct error *reterr)
{
	sqlite3_stmt *s;

	for (size_t i = 0; i < q->n; i++)
		if (q->cache[i].text == text)
			return q->cache[i].statement;
	assert(q->n < STATEMENTS_MAX);
	if (sqlite3_prepare_v3(q->db, text, -1, SQLITE_PREPARE_PERSISTENT, &s,
		NULL) != SQLITE_OK) {
		refuse(q, "cannot prepare", reterr);
		return NULL;
	}
	q->cache[q->n].text = text;
	q->cache[q->n++].statement = s;
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
bind(struct sql *q, sqlite3_stmt *s, const struct sql_value *params, size_t n,
    struct error *reterr)
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

bool
sql_run(struct sql *q, const char *text, const struct sql_value *params,
    size_t n_params,
    bool (*row)(void *ctx, const struct sql_row *row, struct error *reterr),
    void *ctx, struct error *reterr)
{
	sqlite3_stmt *s = prepared(q, text, reterr);
	bool ok = s && bind(q, s, params, n_params, reterr);
	int rc = SQLITE_ERROR;

	if (!s)
		return false;
	while (ok && (rc = sqlite3_step(s)) == SQLITE_ROW)
		ok = !row || row(ctx, &(struct sql_row){ s }, reterr);
	if (ok && rc != SQLITE_DONE)
		ok = refuse(q, "the database says", reterr);
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	return ok;
}

int64_t
sql_int(const struct sql_row *row, int column)
{
	return sqlite3_column_int64(row->statement, column);
}

struct str
sql_bytes(const struct sql_row *row, int column)
{
	/* First the bytes, then their count, as SQLite asks for. */
	const char *p = sqlite3_column_blob(row->statement, column);

	return (struct str){ p ? p : "",
		(size_t)sqlite3_column_bytes(row->statement, column) };
}

/* --- transactions ----------------------------------------------------------
 */

bool
sql_begin(struct sql *q, struct error *reterr)
{
	static const char text[] = "BEGIN IMMEDIATE";

	return sql_run(q, text, NULL, 0, NULL, NULL, reterr);
}

bool
sql_commit(struct sql *q, struct error *reterr)
{
	static const char text[] = "COMMIT";

	return sql_run(q, text, NULL, 0, NULL, NULL, reterr);
}

void
sql_rollback(struct sql *q)
{
	/* Some failures end the transaction by themselves. */
	if (!sqlite3_get_autocommit(q->db))
		sqlite3_exec(q->db, "ROLLBACK", NULL, NULL, NULL);
}
