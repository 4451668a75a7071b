/* postgres.c - a database that several nodes share (PostgreSQL, libpq).
 * One connection a handle. Who writes holds an advisory lock of the database
 * from the start of the transaction to its commit, so that one writes at a time
 * on all nodes and sees all that was committed before: what BEGIN IMMEDIATE is
 * to SQLite. READ COMMITTED is enough under it, and nothing has to be tried
 * again for a conflict.
 * No call waits without a deadline, whatever the server or the network does:
 * libpq is used without blocking, and a connection whose answer is late is
 * dropped. A lost connection is opened again before the next statement that
 * begins something, never in a transaction: that one fails and says so. No
 * statement is sent twice. (A name that DNS has to resolve is looked up by
 * libpq itself, as long as the resolver takes.)
 * Messages are libpq's and the server's, which name host and database, never
 * the password; of a URL that cannot be read nothing is quoted.
 * https://www.postgresql.org/docs/15/libpq-async.html, /explicit-locking.html
 */
#include "store/sql_driver.h"

#include <assert.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "store/store.h"

/* pg_type's object ids, which never change. */
enum { OID_BOOL = 16, OID_BYTEA = 17, OID_INT8 = 20, OID_INT4 = 23 };
enum { OID_TEXT = 25 };

struct prepared {
	const char *text; /* a constant, known by its address */
	char name[16];
};

struct postgres {
	char *url;
	PGconn *conn;        /* NULL: to be opened */
	struct arena *arena; /* of the list, which the connection knows */
	struct prepared *cache;
	size_t n, cap;
	int64_t again_ns; /* before that no new attempt to connect */
	bool in_transaction;
	bool listens;
};

static bool
refuse(struct error *reterr, const char *doing, const char *why)
{
	/* libpq's messages end in a newline, and some have several lines. */
	return error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE, "%s: %.*s", doing,
	    (int)strcspn(why, "\n"), why);
}

/* --- a connection ----------------------------------------------------------
 */

static void
drop(struct postgres *p)
{
	PQfinish(p->conn);
	p->conn = NULL;
	/* Statements are prepared per connection. */
	arena_reset(p->arena);
	p->cache = NULL;
	p->n = p->cap = 0;
	p->listens = false;
}

static int64_t
deadline_in(int64_t ms)
{
	return clock_mono_ns() + ms * 1000000;
}

/* False when the time is up before the socket is ready for `events`. */
static bool
wait_socket(const struct postgres *p, short events, int64_t deadline_ns)
{
	struct pollfd fd = { .fd = PQsocket(p->conn), .events = events };

	for (;;) {
		int64_t left = deadline_ns - clock_mono_ns();

		if (fd.fd < 0 || left <= 0)
			return false;
		if (poll(&fd, 1, (int)(left / 1000000) + 1) > 0)
			return true;
	}
}

/* The server did not answer in time: the connection is of no use any more. */
static bool
give_up(struct postgres *p, struct error *reterr)
{
	drop(p);
	return error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE,
	    "the database does not answer");
}

static bool
lose(struct postgres *p, struct error *reterr)
{
	refuse(reterr, "the database is lost", PQerrorMessage(p->conn));
	drop(p);
	return error_false(false);
}

static bool
send_all(struct postgres *p, int64_t deadline_ns, struct error *reterr)
{
	int left;

	while ((left = PQflush(p->conn)) > 0) {
		if (!wait_socket(p, POLLIN | POLLOUT, deadline_ns))
			return give_up(p, reterr);
		if (PQconsumeInput(p->conn) != 1)
			return lose(p, reterr);
	}
	return left == 0 || lose(p, reterr);
}

static bool
await_one(struct postgres *p, int64_t deadline_ns, PGresult **ret,
    struct error *reterr)
{
	while (PQisBusy(p->conn)) {
		if (!wait_socket(p, POLLIN, deadline_ns))
			return give_up(p, reterr);
		if (PQconsumeInput(p->conn) != 1)
			return lose(p, reterr);
	}
	*ret = PQgetResult(p->conn);
	return true;
}

static bool
is_good(const PGresult *r)
{
	ExecStatusType status = PQresultStatus(r);

	return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

/* All answers to what was sent: the last one, or the first that is an error.
 * The caller clears *ret, also after an error. */
static bool
await(struct postgres *p, PGresult **ret, struct error *reterr)
{
	int64_t deadline_ns = deadline_in(LIMIT_STORE_STATEMENT_MS);
	PGresult *r = NULL;

	*ret = NULL;
	if (!send_all(p, deadline_ns, reterr))
		return false;
	do {
		if (!await_one(p, deadline_ns, &r, reterr))
			return false;
		if (!r || (*ret && !is_good(*ret))) {
			PQclear(r);
			continue;
		}
		PQclear(*ret);
		*ret = r;
	} while (r);
	if (*ret && is_good(*ret))
		return true;
	refuse(reterr, "the database says",
	    *ret ? PQresultErrorMessage(*ret) : PQerrorMessage(p->conn));
	if (!*ret || PQstatus(p->conn) != CONNECTION_OK)
		drop(p);
	return error_false(false);
}

/* Statements without parameters; the one number of the last, if there is one.
 */
static bool
simple(struct postgres *p, const char *text, bool *ret_is_true,
    struct error *reterr)
{
	PGresult *r = NULL;
	bool ok = PQsendQuery(p->conn, text) == 1 ? await(p, &r, reterr)
						  : lose(p, reterr);

	if (ok && ret_is_true)
		*ret_is_true =
		    PQntuples(r) == 1 && strcmp(PQgetvalue(r, 0, 0), "t") == 0;
	PQclear(r);
	return ok;
}

static void
ignore_notice(void *ctx, const PGresult *r)
{
	(void)ctx, (void)r;
}

static bool
connect_socket(struct postgres *p, struct error *reterr)
{
	/* What stands before `dbname` the URL may change, not what follows. */
	const char *const names[] = { "fallback_application_name", "dbname",
		"client_encoding", NULL };
	const char *const values[] = { "avow", p->url, "UTF8", NULL };
	int64_t deadline_ns = deadline_in(LIMIT_STORE_CONNECT_MS);
	PostgresPollingStatusType state = PGRES_POLLING_WRITING;

	p->conn = PQconnectStartParams(names, values, 1);
	if (!p->conn)
		return error_nomem(reterr);
	(void)PQsetNoticeReceiver(p->conn, ignore_notice, NULL);
	if (PQstatus(p->conn) == CONNECTION_BAD)
		return lose(p, reterr);
	while (state != PGRES_POLLING_OK) {
		short events =
		    state == PGRES_POLLING_WRITING ? POLLOUT : POLLIN;

		if (state == PGRES_POLLING_FAILED)
			return lose(p, reterr);
		if (!wait_socket(p, events, deadline_ns))
			return give_up(p, reterr);
		state = PQconnectPoll(p->conn);
	}
	return PQsetnonblocking(p->conn, 1) == 0 || lose(p, reterr);
}

/* `off` would tell a caller of commits that a crash of the server undoes. */
static const char set_up[] =
    "SET search_path = avow;"
    " SELECT set_config('synchronous_commit', 'on', false)"
    " WHERE current_setting('synchronous_commit') = 'off'";

static bool
set_limits(struct postgres *p, struct error *reterr)
{
	char text[200];

	snprintf(text, sizeof text,
	    "SET statement_timeout = %d; SET lock_timeout = %d;"
	    " SET idle_in_transaction_session_timeout = %d",
	    LIMIT_STORE_STATEMENT_MS, LIMIT_STORE_BUSY_MS,
	    2 * LIMIT_STORE_STATEMENT_MS);
	return simple(p, text, NULL, reterr);
}

/* Text that sorts otherwise than here would page and compare otherwise. */
static bool
check_text_form(struct postgres *p, struct error *reterr)
{
	static const char ask[] =
	    "SELECT 'Z' < 'a' AND '-' < 'A' AND 'a-c' < 'aab'"
	    " AND 'a b' < 'a-a' AND U&'\\00E9' > 'z'";
	const char *encoding = PQparameterStatus(p->conn, "server_encoding");
	bool ok = false;

	if (encoding && strcmp(encoding, "UTF8") == 0 &&
	    !simple(p, ask, &ok, reterr))
		return false;
	return ok || error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE,
			 "the database does not keep UTF-8 and sort it by "
			 "bytes: make it with createdb --template=template0 "
			 "--encoding=UTF8 --locale=C");
}

#define LOCK "SELECT pg_advisory_xact_lock(1098280823)" /* 0x41766f77, Avow */

/* Two nodes may start at once. */
static bool
make_schema(struct postgres *p, struct error *reterr)
{
	static const char ask[] = "SELECT to_regnamespace('avow') IS NOT NULL";
	static const char make[] = "BEGIN READ WRITE; " LOCK
				   "; CREATE SCHEMA IF NOT EXISTS avow; COMMIT";
	bool is_there = false;

	return simple(p, ask, &is_there, reterr) &&
	       (is_there || simple(p, make, NULL, reterr));
}

static bool
connect_db(struct postgres *p, struct error *reterr)
{
	if (clock_mono_ns() < p->again_ns)
		return error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE,
		    "the database could not be reached a moment ago");
	if (connect_socket(p, reterr) && simple(p, set_up, NULL, reterr) &&
	    set_limits(p, reterr) && check_text_form(p, reterr) &&
	    make_schema(p, reterr))
		return true;
	if (p->conn)
		drop(p);
	p->again_ns = deadline_in(LIMIT_STORE_AGAIN_MS);
	return error_false(false);
}

/* A server that went away has said so, or closed the socket: seen before
 * anything is sent. What it said otherwise is news, and is read. */
static void
drop_dead(struct postgres *p)
{
	for (int i = 0; p->conn && i < 8; i++) {
		struct pollfd fd = { .fd = PQsocket(p->conn),
			.events = POLLIN };

		if (fd.fd >= 0 && poll(&fd, 1, 0) == 0)
			return;
		if (PQconsumeInput(p->conn) != 1 ||
		    PQstatus(p->conn) != CONNECTION_OK)
			drop(p);
	}
}

/* A connection to send on; in a transaction, the one it began on. */
static bool
ready(struct postgres *p, struct error *reterr)
{
	if (p->conn && !p->in_transaction)
		drop_dead(p);
	if (p->conn)
		return true;
	if (p->in_transaction)
		return error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE,
		    "the database was lost in a transaction");
	return connect_db(p, reterr);
}

static void
close_db(void *db)
{
	struct postgres *p = db;

	PQfinish(p->conn);
	arena_free(p->arena);
	free(p->url);
	free(p);
}

/* libpq's own message may quote the URL. */
static bool
check_url(struct str url, const char *z, struct error *reterr)
{
	char *why = NULL;
	PQconninfoOption *options =
	    str_find(url, '\0', 0) == url.n ? PQconninfoParse(z, &why) : NULL;

	PQconninfoFree(options);
	PQfreemem(why);
	return options || error_set(reterr, ERR_CONFIG_VALUE, SPAN_NONE,
			      "the store's URL is none that libpq can read");
}

/* --- what a URL says ---------------------------------------------------------
 */

/* A socket's folder, or this machine itself. Hosts may be several. */
static bool
is_here(const char *host)
{
	return host[0] == '\0' || host[0] == '/' || host[0] == '@' ||
	       strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 ||
	       (strncmp(host, "127.", 4) == 0 && !strchr(host, ','));
}

static const char *
option_of(const PQconninfoOption *options, const char *name)
{
	for (; options && options->keyword; options++)
		if (strcmp(options->keyword, name) == 0 && options->val)
			return options->val;
	return "";
}

/* What the URL says, else what the environment does. */
static const char *
said(const PQconninfoOption *url, const PQconninfoOption *defaults,
    const char *name)
{
	const char *here = option_of(url, name);

	return *here ? here : option_of(defaults, name);
}

bool
store_url_is_plain(struct str url)
{
	char *z = calloc(1, url.n + 1);
	PQconninfoOption *options = NULL, *defaults;
	const char *host, *mode;
	bool plain = false;

	if (z && (str_has_prefix(url, STR("postgresql:")) ||
		     str_has_prefix(url, STR("postgres:"))))
		options = PQconninfoParse(memcpy(z, url.p, url.n), NULL);
	defaults = options ? PQconndefaults() : NULL;
	if (options) {
		host = said(options, defaults, "hostaddr");
		host = *host ? host : said(options, defaults, "host");
		mode = said(options, defaults, "sslmode");
		plain = !is_here(host) && strcmp(mode, "require") != 0 &&
			strcmp(mode, "verify-ca") != 0 &&
			strcmp(mode, "verify-full") != 0;
	}
	PQconninfoFree(defaults);
	PQconninfoFree(options);
	free(z);
	return plain;
}

static void *
open_db(struct str url, struct error *reterr)
{
	struct postgres *p = calloc(1, sizeof *p);

	if (p) {
		p->arena = arena_new(0);
		p->url = calloc(1, url.n + 1);
	}
	if (!p || !p->arena || !p->url) {
		if (p)
			close_db(p);
		error_nomem(reterr);
		return NULL;
	}
	memcpy(p->url, url.p, url.n);
	if (check_url(url, p->url, reterr) && connect_db(p, reterr))
		return p;
	close_db(p);
	return NULL;
}

/* --- statements ------------------------------------------------------------
 */

static unsigned
type_of(enum sql_kind kind)
{
	return kind == SQL_INT    ? OID_INT8
	       : kind == SQL_TEXT ? OID_TEXT
				  : OID_BYTEA;
}

static bool
prepare(struct postgres *p, const char *text, const struct sql_value *params,
    size_t n, struct prepared *ret, struct error *reterr)
{
	Oid *types = ARENA_ARRAY(p->arena, n + 1, Oid);
	PGresult *r = NULL;
	bool ok;

	if (!types)
		return error_nomem(reterr);
	for (size_t i = 0; i < n; i++)
		types[i] = type_of(params[i].kind);
	ret->text = text;
	snprintf(ret->name, sizeof ret->name, "s%zu", p->n);
	ok = PQsendPrepare(p->conn, ret->name, text, (int)n, types) == 1
		 ? await(p, &r, reterr)
		 : lose(p, reterr);
	PQclear(r);
	return ok;
}

static bool
prepared(struct postgres *p, const char *text, const struct sql_value *params,
    size_t n, const char **ret_name, struct error *reterr)
{
	struct prepared s;

	for (size_t i = 0; i < p->n; i++)
		if (p->cache[i].text == text) {
			*ret_name = p->cache[i].name;
			return true;
		}
	/* Room first, so that what the server knows is always in the list. */
	if (!ARENA_PUSH_ROOM(p->arena, p->cache, p->n, p->cap))
		return error_nomem(reterr);
	if (!prepare(p, text, params, n, &s, reterr))
		return false;
	p->cache[p->n] = s;
	*ret_name = p->cache[p->n++].name;
	return true;
}

/* Parameters as libpq takes them, all binary. */
#define PARAMS_MAX 64
struct sent {
	uint8_t numbers[PARAMS_MAX][8];
	const char *values[PARAMS_MAX];
	int lengths[PARAMS_MAX], formats[PARAMS_MAX];
};

static void
put_number(uint8_t to[8], int64_t n)
{
	for (int i = 0; i < 8; i++)
		to[i] = (uint8_t)((uint64_t)n >> (56 - 8 * i));
}

static bool
put(struct sent *s, size_t i, const struct sql_value *v, struct error *reterr)
{
	s->formats[i] = 1;
	if (v->kind == SQL_INT) {
		put_number(s->numbers[i], v->number);
		s->values[i] = (const char *)s->numbers[i];
		s->lengths[i] = 8;
		return true;
	}
	if (v->bytes.n > INT32_MAX / 2)
		return error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE,
		    "a value is too large to be stored");
	/* A NULL pointer would be NULL, not an empty value. */
	s->values[i] = v->bytes.p ? v->bytes.p : "";
	s->lengths[i] = (int)v->bytes.n;
	return true;
}

static bool
each_row(const PGresult *r,
    bool (*row)(void *ctx, const struct sql_row *row, struct error *reterr),
    void *ctx, struct error *reterr)
{
	struct sql_row at = { .driver = &sql_postgres };
	union {
		const PGresult *from;
		void *to;
	} result = { .from = r };

	at.at = result.to;
	for (; row && at.number < PQntuples(r); at.number++)
		if (!row(ctx, &at, reterr))
			return false;
	return true;
}

static bool
run(void *db, const char *text, const struct sql_value *params, size_t n_params,
    bool (*row)(void *ctx, const struct sql_row *row, struct error *reterr),
    void *ctx, struct error *reterr)
{
	struct postgres *p = db;
	struct sent s;
	const char *name;
	PGresult *r = NULL;
	bool ok;

	assert(n_params <= PARAMS_MAX);
	for (size_t i = 0; i < n_params; i++)
		if (!put(&s, i, &params[i], reterr))
			return false;
	if (!ready(p, reterr) ||
	    !prepared(p, text, params, n_params, &name, reterr))
		return false;
	ok = PQsendQueryPrepared(p->conn, name, (int)n_params, s.values,
		 s.lengths, s.formats, 1) == 1
		 ? await(p, &r, reterr)
		 : lose(p, reterr);
	ok = ok && each_row(r, row, ctx, reterr);
	PQclear(r);
	return ok;
}

static const PGresult *
result_of(const struct sql_row *row)
{
	return row->at;
}

/* A number of any width, big-endian; a bool is a byte. */
static int64_t
number(const struct sql_row *row, int column)
{
	const PGresult *r = result_of(row);
	const uint8_t *p = (const uint8_t *)PQgetvalue(r, row->number, column);
	int n = PQgetlength(r, row->number, column);
	uint64_t value = n > 0 && p[0] & 0x80 ? UINT64_MAX : 0;

	assert(PQftype(r, column) == OID_INT8 ||
	       PQftype(r, column) == OID_INT4 ||
	       PQftype(r, column) == OID_BOOL);
	for (int i = 0; i < n; i++)
		value = value << 8 | p[i];
	return (int64_t)value;
}

static struct str
bytes(const struct sql_row *row, int column)
{
	const PGresult *r = result_of(row);

	return (struct str){ PQgetvalue(r, row->number, column),
		(size_t)PQgetlength(r, row->number, column) };
}

static bool
exec(void *db, const char *text, struct error *reterr)
{
	struct postgres *p = db;

	return ready(p, reterr) && simple(p, text, NULL, reterr);
}

/* --- transactions ----------------------------------------------------------
 */

static bool
begin_by(struct postgres *p, const char *text, struct error *reterr)
{
	if (!ready(p, reterr))
		return false;
	p->in_transaction = true;
	return simple(p, text, NULL, reterr);
}

static bool
begin(void *db, struct error *reterr)
{
	static const char text[] =
	    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; " LOCK;

	return begin_by(db, text, reterr);
}

static bool
begin_read(void *db, struct error *reterr)
{
	static const char text[] =
	    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

	return begin_by(db, text, reterr);
}

static bool
commit(void *db, struct error *reterr)
{
	struct postgres *p = db;
	struct error why = { 0 };

	if (!ready(p, reterr))
		return false;
	/* COMMIT of a transaction that has failed answers ROLLBACK, as a
	 * success. */
	if (PQtransactionStatus(p->conn) != PQTRANS_INTRANS)
		return error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE,
		    "the transaction has failed before its end");
	if (simple(p, "COMMIT", NULL, &why)) {
		p->in_transaction = false;
		return true;
	}
	return error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE, "%s%s",
	    p->conn ? "" : "the change may have been stored or not: ", why.msg);
}

static void
rollback(void *db)
{
	struct postgres *p = db;

	p->in_transaction = false;
	if (p->conn && PQtransactionStatus(p->conn) != PQTRANS_IDLE &&
	    !simple(p, "ROLLBACK", NULL, NULL) && p->conn)
		drop(p);
}

/* --- time, news, health ----------------------------------------------------
 */

static bool
now(void *db, int64_t *ret_unix_ms, struct error *reterr)
{
	static const char ask[] = "SELECT floor(extract(epoch FROM"
				  " clock_timestamp()) * 1000)::bigint";

	return run(db, ask, NULL, 0, sql_take_number, ret_unix_ms, reterr);
}

static bool
notify(void *db, struct error *reterr)
{
	return exec(db, "NOTIFY avow", reterr);
}

/* What the server said without being asked; only that it did matters. */
static bool
take_news(struct postgres *p)
{
	PGnotify *n;
	bool any = false;

	while ((n = PQnotifies(p->conn))) {
		PQfreemem(n);
		any = true;
	}
	return any;
}

static bool
wait_news(void *db, int wake_fd, int timeout_ms, struct error *reterr)
{
	struct postgres *p = db;
	struct pollfd fds[2] = { { .fd = wake_fd, .events = POLLIN },
		{ .events = POLLIN } };

	if (!ready(p, reterr))
		return false;
	if (!p->listens) {
		/* What was said before cannot be known: look at once. */
		p->listens = simple(p, "LISTEN avow", NULL, reterr);
		return p->listens;
	}
	if (take_news(p))
		return true;
	fds[1].fd = PQsocket(p->conn);
	/* Interrupted is as good as woken. */
	if (poll(fds, 2, timeout_ms) <= 0 || fds[1].revents == 0)
		return true;
	if (PQconsumeInput(p->conn) != 1)
		return lose(p, reterr);
	(void)take_news(p);
	return true;
}

static bool
take_line(void *ctx, const struct sql_row *row, struct error *reterr)
{
	(void)reterr;
	buf_add(ctx, bytes(row, 0));
	buf_byte(ctx, '\n');
	return true;
}

/* The server checks its pages itself as it reads them (where its operator has
 * data checksums on); an index that was never finished only it can tell. */
static bool
check(void *db, struct buf *out, struct error *reterr)
{
	static const char ask[] =
	    "SELECT 'index ' || c.relname || ' is not valid' FROM pg_index i"
	    " JOIN pg_class c ON c.oid = i.indexrelid"
	    " JOIN pg_namespace n ON n.oid = c.relnamespace"
	    " WHERE n.nspname = 'avow' AND NOT i.indisvalid";

	return run(db, ask, NULL, 0, take_line, out, reterr);
}

const struct sql_driver sql_postgres = {
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
