/* store.c - what must survive, as functions: each change one transaction.
 * The rules of members are here, in SQL that every database reads; sql.h runs
 * it. One lock is held around each call, so a handle serves all threads. */
#include "store/store.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "store/store_private.h"

/* --- opening ---------------------------------------------------------------
 */

static struct store *
open_handle(struct str url, const struct clock *clock, struct error *reterr)
{
	struct store *s = calloc(1, sizeof *s);

	if (!s) {
		error_nomem(reterr);
		return NULL;
	}
	if (pthread_mutex_init(&s->lock, NULL) != 0) {
		free(s);
		error_nomem(reterr);
		return NULL;
	}
	s->sql = sql_open(url, clock, reterr);
	if (s->sql)
		return s;
	store_close(s);
	return NULL;
}

struct store *
store_open_at(struct str url, const struct clock *clock, struct error *reterr)
{
	struct store *s = open_handle(url, clock, reterr);

	if (!s || sql_migrate(s->sql, reterr))
		return s;
	store_close(s);
	return NULL;
}

struct store *
store_open(struct str url, struct error *reterr)
{
	return store_open_at(url, NULL, reterr);
}

bool
store_is_there(struct str url, struct error *reterr)
{
	static const struct str scheme = STR_INIT("sqlite://");
	char path[4096];

	if (!str_has_prefix(url, scheme))
		return true;
	snprintf(
	    path, sizeof path, "%.*s", STR_ARG(str_sub(url, scheme.n, url.n)));
	return access(path, F_OK) == 0 ||
	       error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE,
		   "`%s` is not there", path);
}

static bool
check_form(struct store *s, struct error *reterr)
{
	static const char select[] =
	    "SELECT COALESCE(MAX(number), 0) FROM migration";
	int64_t have = 0;

	if (!store_read(s, select, NULL, 0, sql_take_number, &have, reterr))
		return false;
	return have == sql_migrations() ||
	       error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE,
		   "the database has version %lld, this program has %lld: "
		   "a server that starts, or `avow store check`, brings it up",
		   (long long)have, (long long)sql_migrations());
}

struct store *
store_open_as_is(struct str url, struct error *reterr)
{
	struct store *s;

	if (!store_is_there(url, reterr))
		return NULL;
	s = open_handle(url, NULL, reterr);
	if (!s)
		return NULL;
	if (check_form(s, reterr))
		return s;
	store_close(s);
	return NULL;
}

void
store_close(struct store *s)
{
	if (!s)
		return;
	sql_close(s->sql);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* --- transactions ----------------------------------------------------------
 */

bool
store_change(struct store *s,
    bool (*inside)(struct sql *q, void *ctx, bool *keep, struct error *reterr),
    void *ctx, struct error *reterr)
{
	bool keep = true, ok;

	pthread_mutex_lock(&s->lock);
	ok = sql_begin(s->sql, reterr) && inside(s->sql, ctx, &keep, reterr) &&
	     (!keep || sql_commit(s->sql, reterr));
	if (!ok || !keep)
		sql_rollback(s->sql);
	pthread_mutex_unlock(&s->lock);
	return ok;
}

bool
store_read(struct store *s, const char *select, const struct sql_value *params,
    size_t n_params,
    bool (*row)(void *ctx, const struct sql_row *row, struct error *reterr),
    void *ctx, struct error *reterr)
{
	bool ok;

	pthread_mutex_lock(&s->lock);
	ok = sql_run(s->sql, select, params, n_params, row, ctx, reterr);
	pthread_mutex_unlock(&s->lock);
	return ok;
}

static bool
check_inside(struct sql *q, void *ctx, bool *keep, struct error *reterr)
{
	static const char text[] =
	    "UPDATE counter SET value = value WHERE name = 'member'";

	(void)ctx;
	*keep = false;
	return sql_run(q, text, NULL, 0, NULL, NULL, reterr);
}

bool
store_check(struct store *s, struct error *reterr)
{
	return store_change(s, check_inside, NULL, reterr);
}

/* --- health ----------------------------------------------------------------
 */

static bool
count_into(
    struct store *s, const char *select, int64_t *ret, struct error *reterr)
{
	return store_read(s, select, NULL, 0, sql_take_number, ret, reterr);
}

bool
store_health(struct store *s, struct buf *problems, struct store_health *ret,
    struct error *reterr)
{
	struct store_health h = { .known = sql_migrations() };
	const struct {
		const char *select;
		int64_t *to;
	} counts[] = {
		{ "SELECT COALESCE(MAX(number), 0) FROM migration",
		    &h.migrations },
		{ "SELECT COUNT(*) FROM member", &h.members },
		{ "SELECT COUNT(*) FROM revocation", &h.revocations },
	};
	bool ok;

	pthread_mutex_lock(&s->lock);
	ok = sql_check(s->sql, problems, reterr);
	pthread_mutex_unlock(&s->lock);
	for (size_t i = 0; ok && i < ARRAY_LEN(counts); i++)
		ok = count_into(s, counts[i].select, counts[i].to, reterr);
	if (!ok || !store_generation(s, &h.generation, &h.floor_unix_s, reterr))
		return false;
	*ret = h;
	return true;
}

/* --- rows ------------------------------------------------------------------
 */

#define COLUMNS_PLACE                                                          \
	"pool, principal, server, address, port, weight, generation,"          \
	" expires_at, shown_at, attested_at, proof, protocol, issuer, kind"
#define COLUMNS COLUMNS_PLACE ", document, signature"

/* Rows that are read into an arena. */
struct rows {
	struct arena *a;
	struct store_member *items;
	size_t n, cap;
};

static bool
keep_text(
    struct arena *a, const struct sql_row *row, int column, struct str *ret)
{
	*ret = str_dup(a, sql_bytes(row, column));
	return ret->p != NULL;
}

static bool
keep_texts(struct arena *a, const struct sql_row *row, struct store_member *m)
{
	const struct {
		int column;
		struct str *to;
	} texts[] = {
		{ 0, &m->pool },
		{ 1, &m->principal },
		{ 2, &m->server },
		{ 3, &m->address },
		{ 10, &m->proof },
		{ 11, &m->protocol },
		{ 12, &m->issuer },
		{ 13, &m->kind },
		{ 14, &m->document },
		{ 15, &m->signature },
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (!keep_text(a, row, texts[i].column, texts[i].to))
			return false;
	return true;
}

static bool
keep_row(void *ctx, const struct sql_row *row, struct error *reterr)
{
	struct rows *rows = ctx;
	struct store_member *m;
	int64_t port = sql_int(row, 4), weight = sql_int(row, 5);

	/* The file was changed by somebody else. */
	if (port < 1 || port > UINT16_MAX || weight < 0 || weight > UINT16_MAX)
		return error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE,
		    "a stored member has no port or weight");
	if (!ARENA_PUSH_ROOM(rows->a, rows->items, rows->n, rows->cap))
		return error_nomem(reterr);
	m = &rows->items[rows->n];
	*m = (struct store_member){
		.port = (uint16_t)port,
		.weight = (uint16_t)weight,
		.generation = sql_int(row, 6),
		.expires_at = sql_int(row, 7),
		.shown_at = sql_int(row, 8),
		.attested_at = sql_int(row, 9),
	};
	if (!keep_texts(rows->a, row, m))
		return error_nomem(reterr);
	rows->n++;
	return true;
}

static bool
read_one(struct store *s, struct arena *a, const char *select,
    const struct sql_value *params, size_t n_params, struct store_member *ret,
    bool *ret_found, struct error *reterr)
{
	struct rows rows = { .a = a };

	if (!store_read(s, select, params, n_params, keep_row, &rows, reterr))
		return false;
	assert(rows.n <= 1);
	*ret_found = rows.n == 1;
	if (rows.n)
		*ret = rows.items[0];
	return true;
}

static bool
read_all(struct store *s, struct arena *a, const char *select,
    const struct sql_value *params, size_t n_params, struct store_member **ret,
    size_t *ret_n, struct error *reterr)
{
	struct rows rows = { .a = a };

	if (!store_read(s, select, params, n_params, keep_row, &rows, reterr))
		return false;
	*ret = rows.items;
	*ret_n = rows.n;
	return true;
}

/* --- looking up ------------------------------------------------------------
 */

bool
store_member_holder(struct store *s, struct arena *a,
    const struct store_member *m, struct store_member *ret, bool *ret_found,
    struct error *reterr)
{
	static const char select[] =
	    "SELECT " COLUMNS
	    " FROM member WHERE pool = $1 AND address = $2 AND port = $3"
	    " AND principal <> $4";
	const struct sql_value params[] = { sql_text(m->pool),
		sql_text(m->address), sql_number(m->port),
		sql_text(m->principal) };

	return read_one(
	    s, a, select, params, ARRAY_LEN(params), ret, ret_found, reterr);
}

bool
store_member_find(struct store *s, struct arena *a, struct str pool,
    struct str server, struct store_member *ret, bool *ret_found,
    struct error *reterr)
{
	static const char select[] =
	    "SELECT " COLUMNS " FROM member WHERE pool = $1 AND server = $2";
	const struct sql_value params[] = { sql_text(pool), sql_text(server) };

	return read_one(
	    s, a, select, params, ARRAY_LEN(params), ret, ret_found, reterr);
}

bool
store_member_page(struct store *s, struct arena *a,
    const struct store_member *after, size_t limit, struct store_member **ret,
    size_t *ret_n, struct error *reterr)
{
	static const char select[] =
	    "SELECT " COLUMNS " FROM member WHERE (pool, server) > ($1, $2)"
	    " ORDER BY pool, server LIMIT $3";
	const struct sql_value params[] = { sql_text(
						after ? after->pool : STR("")),
		sql_text(after ? after->server : STR("")),
		sql_number((int64_t)limit) };

	return read_all(
	    s, a, select, params, ARRAY_LEN(params), ret, ret_n, reterr);
}

bool
store_member_due(struct store *s, struct arena *a, int64_t now_unix_s,
    size_t limit, struct store_member **ret, size_t *ret_n,
    struct error *reterr)
{
	static const char select[] =
	    "SELECT " COLUMNS " FROM member WHERE expires_at <= $1"
	    " ORDER BY expires_at, pool, server LIMIT $2";
	const struct sql_value params[] = { sql_number(now_unix_s),
		sql_number((int64_t)limit) };

	return read_all(
	    s, a, select, params, ARRAY_LEN(params), ret, ret_n, reterr);
}

bool
store_member_list(struct store *s, struct arena *a, struct str pool,
    struct store_member **ret, size_t *ret_n, struct error *reterr)
{
	static const char select[] =
	    "SELECT " COLUMNS_PLACE
	    ", '', '' FROM member WHERE pool = $1 ORDER BY server";
	const struct sql_value params[] = { sql_text(pool) };

	return read_all(
	    s, a, select, params, ARRAY_LEN(params), ret, ret_n, reterr);
}

/* --- joining ---------------------------------------------------------------
 */

struct joining {
	const struct store_member *m;
	int64_t replace_generation;
	enum store_join answer;
	int64_t generation;
};

/* The generation of the row that holds the place; 0: it is free, or m's own. */
static bool
find_holder(struct sql *q, const struct store_member *m, int64_t *ret,
    struct error *reterr)
{
	static const char select[] =
	    "SELECT generation FROM member WHERE pool = $1"
	    " AND address = $2 AND port = $3 AND principal <> $4";
	const struct sql_value params[] = { sql_text(m->pool),
		sql_text(m->address), sql_number(m->port),
		sql_text(m->principal) };

	*ret = 0;
	return sql_run(
	    q, select, params, ARRAY_LEN(params), sql_take_number, ret, reterr);
}

static bool
remove_holder(struct sql *q, const struct store_member *m, int64_t generation,
    struct error *reterr)
{
	static const char delete[] =
	    "DELETE FROM member WHERE pool = $1 AND generation = $2";
	const struct sql_value params[] = { sql_text(m->pool),
		sql_number(generation) };

	return sql_run(
	    q, delete, params, ARRAY_LEN(params), NULL, NULL, reterr);
}

static bool
is_member(struct sql *q, const struct store_member *m, bool *ret,
    struct error *reterr)
{
	static const char select[] = "SELECT 1 FROM member WHERE pool = $1"
				     " AND principal = $2 AND port = $3";
	const struct sql_value params[] = { sql_text(m->pool),
		sql_text(m->principal), sql_number(m->port) };
	int64_t found = 0;

	if (!sql_run(q, select, params, ARRAY_LEN(params), sql_take_number,
		&found, reterr))
		return false;
	*ret = found != 0;
	return true;
}

static bool
is_full(struct sql *q, const struct store_member *m, bool *ret,
    struct error *reterr)
{
	static const char select[] =
	    "SELECT COUNT(*) FROM member WHERE pool = $1";
	const struct sql_value params[] = { sql_text(m->pool) };
	int64_t n = 0;

	if (!sql_run(q, select, params, ARRAY_LEN(params), sql_take_number, &n,
		reterr))
		return false;
	*ret = n >= (int64_t)LIMIT_BALANCER_MEMBERS;
	return true;
}

static bool
next_generation(struct sql *q, int64_t *ret, struct error *reterr)
{
	static const char update[] = "UPDATE counter SET value = value + 1"
				     " WHERE name = 'member' RETURNING value";

	*ret = 0;
	if (!sql_run(q, update, NULL, 0, sql_take_number, ret, reterr))
		return false;
	if (*ret > 0)
		return true;
	return error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE,
	    "the database has lost its counter");
}

static bool
write_member(struct sql *q, const struct store_member *m, int64_t generation,
    struct error *reterr)
{
	static const char upsert[] =
	    "INSERT INTO member (" COLUMNS ") VALUES"
	    " ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,"
	    " $15, $16) ON CONFLICT (pool, principal, port) DO UPDATE SET"
	    " server = excluded.server, address = excluded.address,"
	    " weight = excluded.weight, generation = excluded.generation,"
	    " expires_at = excluded.expires_at,"
	    " shown_at = excluded.shown_at,"
	    " attested_at = excluded.attested_at, proof = excluded.proof,"
	    " protocol = excluded.protocol, issuer = excluded.issuer,"
	    " kind = excluded.kind, document = excluded.document,"
	    " signature = excluded.signature";
	const struct sql_value params[] = { sql_text(m->pool),
		sql_text(m->principal), sql_text(m->server),
		sql_text(m->address), sql_number(m->port),
		sql_number(m->weight), sql_number(generation),
		sql_number(m->expires_at), sql_number(m->shown_at),
		sql_number(m->attested_at), sql_text(m->proof),
		sql_text(m->protocol), sql_text(m->issuer), sql_text(m->kind),
		sql_blob(m->document), sql_blob(m->signature) };

	return sql_run(
	    q, upsert, params, ARRAY_LEN(params), NULL, NULL, reterr);
}

/* Has (pool, address, port) a holder who may not be moved away? */
static bool
clear_place(struct sql *q, const struct joining *j, bool *ret_held,
    struct error *reterr)
{
	int64_t holder;

	if (!find_holder(q, j->m, &holder, reterr))
		return false;
	*ret_held = holder != 0 && holder != j->replace_generation;
	if (holder == 0 || *ret_held)
		return true;
	return remove_holder(q, j->m, holder, reterr);
}

static bool
join_inside(struct sql *q, void *ctx, bool *keep, struct error *reterr)
{
	struct joining *j = ctx;
	bool held = false, member = false, full = false;

	*keep = false;
	if (!clear_place(q, j, &held, reterr))
		return false;
	j->answer = STORE_JOIN_HELD;
	if (held)
		return true;
	if (!is_member(q, j->m, &member, reterr) ||
	    (!member && !is_full(q, j->m, &full, reterr)))
		return false;
	j->answer = STORE_JOIN_FULL;
	if (full)
		return true;
	*keep = true;
	j->answer = member ? STORE_REJOINED : STORE_JOINED;
	return next_generation(q, &j->generation, reterr) &&
	       write_member(q, j->m, j->generation, reterr);
}

bool
store_member_join(struct store *s, const struct store_member *m,
    int64_t replace_generation, enum store_join *ret, int64_t *ret_generation,
    struct error *reterr)
{
	struct joining j = { .m = m, .replace_generation = replace_generation };

	if (!store_change(s, join_inside, &j, reterr))
		return false;
	*ret = j.answer;
	if (j.answer == STORE_JOINED || j.answer == STORE_REJOINED)
		*ret_generation = j.generation;
	return true;
}

/* --- leaving ---------------------------------------------------------------
 */

struct leaving {
	struct str pool, principal;
	uint16_t port;
	struct rows rows;
};

static bool
leave_inside(struct sql *q, void *ctx, bool *keep, struct error *reterr)
{
	static const char delete[] =
	    "DELETE FROM member WHERE pool = $1 AND principal = $2"
	    " AND ($3 = 0 OR port = $3) RETURNING " COLUMNS;
	struct leaving *l = ctx;
	const struct sql_value params[] = { sql_text(l->pool),
		sql_text(l->principal), sql_number(l->port) };

	if (!sql_run(q, delete, params, ARRAY_LEN(params), keep_row, &l->rows,
		reterr))
		return false;
	*keep = l->rows.n > 0;
	return true;
}

bool
store_member_leave(struct store *s, struct arena *a, struct str pool,
    struct str principal, uint16_t port, struct store_member **ret,
    size_t *ret_n, struct error *reterr)
{
	struct leaving l = { pool, principal, port, { .a = a } };

	if (!store_change(s, leave_inside, &l, reterr))
		return false;
	*ret = l.rows.items;
	*ret_n = l.rows.n;
	return true;
}

struct expiring {
	const struct store_member *m;
	int64_t removed;
};

static bool
expire_inside(struct sql *q, void *ctx, bool *keep, struct error *reterr)
{
	static const char delete[] =
	    "DELETE FROM member WHERE pool = $1 AND server = $2"
	    " AND generation = $3 RETURNING 1";
	struct expiring *e = ctx;
	const struct sql_value params[] = { sql_text(e->m->pool),
		sql_text(e->m->server), sql_number(e->m->generation) };

	if (!sql_run(q, delete, params, ARRAY_LEN(params), sql_take_number,
		&e->removed, reterr))
		return false;
	*keep = e->removed != 0;
	return true;
}

bool
store_member_expire(struct store *s, const struct store_member *m,
    bool *ret_removed, struct error *reterr)
{
	struct expiring e = { .m = m };

	if (!store_change(s, expire_inside, &e, reterr))
		return false;
	*ret_removed = e.removed != 0;
	return true;
}
