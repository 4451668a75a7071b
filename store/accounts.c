/* accounts.c - the rows of the token service: accounts, keys, enrolments, spent
 * challenges, idempotency keys, and what is past. Tokens, offers and alarms are
 * in issued.c. */
#include "store/accounts.h"

#include <stddef.h>

#include "base/limits.h"
#include "store/documents.h"
#include "store/rows.h"
#include "store/store_private.h"

/* ---- transactions -----------------------------------------------------------
 */

struct transaction {
	bool (*inside)(struct sql *tx, int64_t now_ms, void *ctx, bool *keep,
	    struct error *reterr);
	void *ctx;
};

static bool
with_time(struct sql *q, void *ctx, bool *keep, struct error *reterr)
{
	const struct transaction *t = ctx;
	int64_t now_ms;

	return sql_now(q, &now_ms, reterr) &&
	       t->inside(q, now_ms, t->ctx, keep, reterr);
}

bool
store_transact(struct store *s,
    bool (*inside)(struct sql *tx, int64_t now_ms, void *ctx, bool *keep,
	struct error *reterr),
    void *ctx, struct error *reterr)
{
	struct transaction t = { inside, ctx };

	return store_change(s, with_time, &t, reterr);
}

bool
store_look(struct store *s,
    bool (*inside)(struct sql *tx, void *ctx, struct error *reterr), void *ctx,
    struct error *reterr)
{
	bool ok;

	pthread_mutex_lock(&s->lock);
	ok = sql_begin_read(s->sql, reterr) && inside(s->sql, ctx, reterr);
	sql_rollback(s->sql);
	pthread_mutex_unlock(&s->lock);
	return ok;
}

bool
store_savepoint(struct sql *tx, struct error *reterr)
{
	return sql_do(tx, "SAVEPOINT undo", reterr);
}

bool
store_savepoint_undo(struct sql *tx, struct error *reterr)
{
	return sql_do(tx, "ROLLBACK TO SAVEPOINT undo", reterr);
}

bool
store_next_incarnation(struct sql *tx, int64_t *ret, struct error *reterr)
{
	static const char update[] = "UPDATE counter SET value = value + 1"
				     " WHERE name = 'incarnation'"
				     " RETURNING value";
	int64_t n = 0;

	if (!sql_run(tx, update, NULL, 0, sql_take_number, &n, reterr))
		return false;
	if (n <= 0)
		return error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE,
		    "the database has lost its counter");
	*ret = n;
	return true;
}

/* ---- accounts ---------------------------------------------------------------
 */

/* As stored: flags are numbers. */
struct account_row {
	struct store_account account;
	int64_t may_issue, enabled;
};

#define AT(type, field, kind)                                                  \
	{                                                                      \
		kind, offsetof(type, field)                                    \
	}
static const struct rows_field account_fields[] = {
	AT(struct account_row, account.id, SQL_TEXT),
	AT(struct account_row, account.prefix, SQL_TEXT),
	AT(struct account_row, account.owner, SQL_TEXT),
	AT(struct account_row, account.audience, SQL_TEXT),
	AT(struct account_row, account.kind, SQL_INT),
	AT(struct account_row, may_issue, SQL_INT),
	AT(struct account_row, enabled, SQL_INT),
	AT(struct account_row, account.version, SQL_INT),
	AT(struct account_row, account.incarnation, SQL_INT),
	AT(struct account_row, account.created_at, SQL_INT),
	AT(struct account_row, account.changed_at, SQL_INT),
	AT(struct account_row, account.method, SQL_INT),
	AT(struct account_row, account.thumbprint, SQL_TEXT),
	AT(struct account_row, account.secret_until, SQL_INT),
	AT(struct account_row, account.standing, SQL_INT),
	AT(struct account_row, account.principal, SQL_TEXT),
	AT(struct account_row, account.is_open, SQL_INT),
};
static const struct rows_type account_type = { sizeof(struct account_row),
	account_fields, ARRAY_LEN(account_fields) };

#define ACCOUNTS                                                               \
	"SELECT a.id, a.prefix, a.owner, a.audience, a.kind, a.may_issue,"     \
	" a.enabled, a.version, a.incarnation, a.created_at, a.changed_at,"    \
	" COALESCE(k.method, 0), COALESCE(k.thumbprint, ''),"                  \
	" COALESCE(e.expires_at, 0), a.standing, COALESCE(b.principal, ''),"   \
	" COALESCE(b.is_open, 0) FROM account a"                               \
	" LEFT JOIN account_key k ON k.account = a.id AND k.live = 1"          \
	" LEFT JOIN enrolment e ON e.account = a.id"                           \
	" LEFT JOIN binding b ON b.account = a.id"

static struct store_account
account_of(const struct account_row *row)
{
	struct store_account a = row->account;

	a.may_issue = row->may_issue != 0;
	a.is_enabled = row->enabled == 1;
	return a;
}

bool
store_account_find(struct sql *tx, struct arena *a, struct str id,
    struct store_account *ret, bool *ret_found, struct error *reterr)
{
	static const char select[] = ACCOUNTS " WHERE a.id = $1";
	const struct sql_value params[] = { sql_text(id) };
	struct account_row row = { 0 };
	bool found = false;

	if (!rows_one(tx, a, &account_type, select, params, ARRAY_LEN(params),
		&row, &found, reterr))
		return false;
	if (found)
		*ret = account_of(&row);
	*ret_found = found;
	return true;
}

bool
store_account_insert(struct sql *tx, const struct store_account *r,
    bool *ret_fresh, struct error *reterr)
{
	static const char insert[] =
	    "INSERT INTO account (id, prefix, owner, audience, kind,"
	    " may_issue, enabled, version, incarnation, created_at,"
	    " changed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,"
	    " $11) ON CONFLICT DO NOTHING RETURNING 1";
	const struct sql_value params[] = { sql_text(r->id),
		sql_text(r->prefix), sql_text(r->owner), sql_text(r->audience),
		sql_number(r->kind), sql_number(r->may_issue),
		sql_number(r->is_enabled), sql_number(r->version),
		sql_number(r->incarnation), sql_number(r->created_at),
		sql_number(r->changed_at) };

	if (!store_revocation_room(tx, reterr))
		return false;
	return rows_any(
	    tx, insert, params, ARRAY_LEN(params), ret_fresh, reterr);
}

/* What is closed by it would be open again in a restored copy. */
bool
store_account_update(
    struct sql *tx, const struct store_account *r, struct error *reterr)
{
	static const char update[] =
	    "UPDATE account SET enabled = $2, version = $3, incarnation = $4,"
	    " changed_at = $5, standing = $6 WHERE id = $1";
	const struct sql_value params[] = { sql_text(r->id),
		sql_number(r->is_enabled), sql_number(r->version),
		sql_number(r->incarnation), sql_number(r->changed_at),
		sql_number(r->standing) };

	return sql_run(
		   tx, update, params, ARRAY_LEN(params), NULL, NULL, reterr) &&
	       store_raise_generation(tx, reterr);
}

bool
store_account_delete(
    struct sql *tx, struct str id, int64_t now_unix_s, struct error *reterr)
{
	static const char *const deletes[] = {
		"DELETE FROM account_key WHERE account = $1",
		"DELETE FROM binding WHERE account = $1",
		"DELETE FROM enrolment WHERE account = $1",
		"DELETE FROM offer WHERE account = $1",
		"DELETE FROM account WHERE id = $1",
	};
	const struct sql_value params[] = { sql_text(id) };

	for (size_t i = 0; i < ARRAY_LEN(deletes); i++)
		if (!sql_run(tx, deletes[i], params, ARRAY_LEN(params), NULL,
			NULL, reterr))
			return false;
	return store_instance_delete(tx, id, now_unix_s, reterr) &&
	       store_raise_generation(tx, reterr);
}

bool
store_account_page(struct sql *tx, struct arena *a, struct str owner,
    struct str after, size_t limit, struct store_account **ret, size_t *ret_n,
    struct error *reterr)
{
	static const char select[] =
	    ACCOUNTS " WHERE a.id > $1 AND ($2 = '' OR a.owner = $2"
		     " OR a.id = $2) ORDER BY a.id LIMIT $3";
	const struct sql_value params[] = { sql_text(after), sql_text(owner),
		sql_number((int64_t)limit) };
	struct store_account *accounts;
	struct account_row *rows = NULL;
	size_t n = 0;

	if (!rows_all(tx, a, &account_type, select, params, ARRAY_LEN(params),
		&rows, &n, reterr))
		return false;
	accounts = ARENA_ARRAY(a, n, struct store_account);
	if (n > 0 && !accounts)
		return error_nomem(reterr);
	for (size_t i = 0; i < n; i++)
		accounts[i] = account_of(&rows[i]);
	*ret = accounts;
	*ret_n = n;
	return true;
}

bool
store_account_owns_any(
    struct sql *tx, struct str owner, bool *ret, struct error *reterr)
{
	static const char select[] =
	    "SELECT 1 FROM account WHERE owner = $1 UNION ALL"
	    " SELECT 1 FROM instance WHERE owner = $1 LIMIT 1";
	const struct sql_value params[] = { sql_text(owner) };

	return rows_any(tx, select, params, ARRAY_LEN(params), ret, reterr);
}

bool
store_account_prefix_meets(
    struct sql *tx, struct str prefix, bool *ret, struct error *reterr)
{
	static const char select[] =
	    "SELECT 1 FROM account WHERE prefix <> ''"
	    " AND (substr(prefix, 1, length($1)) = $1"
	    " OR substr($1, 1, length(prefix)) = prefix) LIMIT 1";
	const struct sql_value params[] = { sql_text(prefix) };

	return rows_any(tx, select, params, ARRAY_LEN(params), ret, reterr);
}

/* ---- keys -------------------------------------------------------------------
 */

static const struct rows_field key_fields[] = {
	AT(struct store_key, incarnation, SQL_INT),
	AT(struct store_key, account, SQL_TEXT),
	AT(struct store_key, thumbprint, SQL_TEXT),
	AT(struct store_key, method, SQL_INT),
	AT(struct store_key, spki, SQL_BYTES),
	AT(struct store_key, sealed, SQL_BYTES),
	AT(struct store_key, created_at, SQL_INT),
	AT(struct store_key, seen_source, SQL_TEXT),
	AT(struct store_key, seen_until, SQL_INT),
};
static const struct rows_type key_type = { sizeof(struct store_key), key_fields,
	ARRAY_LEN(key_fields) };

#define KEY_COLUMNS                                                            \
	"incarnation, account, thumbprint, method, spki, sealed, created_at,"  \
	" seen_source, seen_until"

bool
store_key_live(struct sql *tx, struct arena *a, struct str account,
    struct store_key *ret, bool *ret_found, struct error *reterr)
{
	static const char select[] =
	    "SELECT " KEY_COLUMNS " FROM account_key WHERE account = $1"
	    " AND live = 1";
	const struct sql_value params[] = { sql_text(account) };

	return rows_one(tx, a, &key_type, select, params, ARRAY_LEN(params),
	    ret, ret_found, reterr);
}

bool
store_key_former(struct sql *tx, struct arena *a, struct str account,
    int64_t method, struct store_key *ret, bool *ret_found,
    struct error *reterr)
{
	static const char select[] =
	    "SELECT " KEY_COLUMNS " FROM account_key WHERE account = $1"
	    " AND method = $2 AND live = 0 ORDER BY incarnation DESC LIMIT 1";
	const struct sql_value params[] = { sql_text(account),
		sql_number(method) };

	return rows_one(tx, a, &key_type, select, params, ARRAY_LEN(params),
	    ret, ret_found, reterr);
}

bool
store_key_insert(struct sql *tx, const struct store_key *r, bool *ret_fresh,
    struct error *reterr)
{
	static const char insert[] =
	    "INSERT INTO account_key (" KEY_COLUMNS
	    ", live) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1)"
	    " ON CONFLICT DO NOTHING RETURNING 1";
	const struct sql_value params[] = { sql_number(r->incarnation),
		sql_text(r->account), sql_text(r->thumbprint),
		sql_number(r->method), sql_blob(r->spki), sql_blob(r->sealed),
		sql_number(r->created_at), sql_text(r->seen_source),
		sql_number(r->seen_until) };

	return rows_any(
	    tx, insert, params, ARRAY_LEN(params), ret_fresh, reterr);
}

bool
store_key_end(struct sql *tx, struct str account, struct error *reterr)
{
	static const char update[] = "UPDATE account_key SET live = 0"
				     " WHERE account = $1 AND live = 1";
	const struct sql_value params[] = { sql_text(account) };

	return sql_run(
	    tx, update, params, ARRAY_LEN(params), NULL, NULL, reterr);
}

bool
store_key_seen(struct sql *tx, int64_t incarnation, struct str source,
    int64_t until, struct error *reterr)
{
	static const char update[] =
	    "UPDATE account_key SET seen_source = $2, seen_until = $3"
	    " WHERE incarnation = $1";
	const struct sql_value params[] = { sql_number(incarnation),
		sql_text(source), sql_number(until) };

	return sql_run(
	    tx, update, params, ARRAY_LEN(params), NULL, NULL, reterr);
}

/* ---- enrolments -------------------------------------------------------------
 */

static const struct rows_field enrolment_fields[] = {
	AT(struct store_enrolment, account, SQL_TEXT),
	AT(struct store_enrolment, sealed, SQL_BYTES),
	AT(struct store_enrolment, expires_at, SQL_INT),
};
static const struct rows_type enrolment_type = { sizeof(struct store_enrolment),
	enrolment_fields, ARRAY_LEN(enrolment_fields) };

bool
store_enrolment_put(
    struct sql *tx, const struct store_enrolment *r, struct error *reterr)
{
	static const char upsert[] =
	    "INSERT INTO enrolment (account, sealed, expires_at)"
	    " VALUES ($1, $2, $3) ON CONFLICT (account) DO UPDATE SET"
	    " sealed = excluded.sealed, expires_at = excluded.expires_at";
	const struct sql_value params[] = { sql_text(r->account),
		sql_blob(r->sealed), sql_number(r->expires_at) };

	return sql_run(
	    tx, upsert, params, ARRAY_LEN(params), NULL, NULL, reterr);
}

bool
store_enrolment_find(struct sql *tx, struct arena *a, struct str account,
    struct store_enrolment *ret, bool *ret_found, struct error *reterr)
{
	static const char select[] =
	    "SELECT account, sealed, expires_at FROM enrolment"
	    " WHERE account = $1";
	const struct sql_value params[] = { sql_text(account) };

	return rows_one(tx, a, &enrolment_type, select, params,
	    ARRAY_LEN(params), ret, ret_found, reterr);
}

bool
store_enrolment_delete(struct sql *tx, struct str account, struct error *reterr)
{
	static const char delete[] = "DELETE FROM enrolment WHERE account = $1";
	const struct sql_value params[] = { sql_text(account) };

	return sql_run(
	    tx, delete, params, ARRAY_LEN(params), NULL, NULL, reterr);
}

/* ---- challenges, idempotency ------------------------------------------------
 */

bool
store_challenge_spend(struct sql *tx, struct str id, int64_t until,
    bool *ret_fresh, struct error *reterr)
{
	static const char insert[] =
	    "INSERT INTO spent (challenge, until) VALUES ($1, $2)"
	    " ON CONFLICT DO NOTHING RETURNING 1";
	const struct sql_value params[] = { sql_blob(id), sql_number(until) };

	return rows_any(
	    tx, insert, params, ARRAY_LEN(params), ret_fresh, reterr);
}

static const struct rows_field repeat_fields[] = {
	AT(struct store_repeat, actor, SQL_TEXT),
	AT(struct store_repeat, name, SQL_TEXT),
	AT(struct store_repeat, digest, SQL_BYTES),
	AT(struct store_repeat, account, SQL_TEXT),
	AT(struct store_repeat, incarnation, SQL_INT),
	AT(struct store_repeat, until, SQL_INT),
};
static const struct rows_type repeat_type = { sizeof(struct store_repeat),
	repeat_fields, ARRAY_LEN(repeat_fields) };

#define REPEAT_COLUMNS "actor, name, digest, account, incarnation, until"

bool
store_repeat_find(struct sql *tx, struct arena *a, struct str actor,
    struct str name, struct store_repeat *ret, bool *ret_found,
    struct error *reterr)
{
	static const char select[] =
	    "SELECT " REPEAT_COLUMNS " FROM repeat WHERE actor = $1"
	    " AND name = $2";
	const struct sql_value params[] = { sql_text(actor), sql_text(name) };

	return rows_one(tx, a, &repeat_type, select, params, ARRAY_LEN(params),
	    ret, ret_found, reterr);
}

bool
store_repeat_put(
    struct sql *tx, const struct store_repeat *r, struct error *reterr)
{
	static const char upsert[] =
	    "INSERT INTO repeat (" REPEAT_COLUMNS
	    ") VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (actor, name)"
	    " DO UPDATE SET digest = excluded.digest,"
	    " account = excluded.account, incarnation = excluded.incarnation,"
	    " until = excluded.until";
	const struct sql_value params[] = { sql_text(r->actor),
		sql_text(r->name), sql_blob(r->digest), sql_text(r->account),
		sql_number(r->incarnation), sql_number(r->until) };

	return sql_run(
	    tx, upsert, params, ARRAY_LEN(params), NULL, NULL, reterr);
}

/* ---- what is past -----------------------------------------------------------
 */

bool
store_accounts_purge(struct sql *tx, int64_t now_unix_s, struct error *reterr)
{
	static const char *const deletes[] = {
		"DELETE FROM spent WHERE until <= $1",
		"DELETE FROM enrolment WHERE expires_at <= $1",
		"DELETE FROM issued WHERE expires_at <= $1",
		"DELETE FROM offer WHERE expires_at <= $1",
		"DELETE FROM repeat WHERE until <= $1",
	};
	static const char alarms[] = "DELETE FROM alarm WHERE last_at <= $1";
	const struct sql_value now[] = { sql_number(now_unix_s) };
	const struct sql_value old[] = { sql_number(
	    now_unix_s - LIMIT_ALARM_S) };

	for (size_t i = 0; i < ARRAY_LEN(deletes); i++)
		if (!sql_run(tx, deletes[i], now, 1, NULL, NULL, reterr))
			return false;
	return sql_run(tx, alarms, old, 1, NULL, NULL, reterr);
}
