/* issued.c - the rows of accounts.h that follow tokens: which are out, which
 * are offered, and the alarms that their proofs raised. */
#include "store/accounts.h"

#include <stddef.h>

#include "base/limits.h"
#include "store/documents.h"
#include "store/rows.h"
#include "store/store_private.h"

#define AT(type, field, kind)                                                  \
	{                                                                      \
		kind, offsetof(type, field)                                    \
	}

/* ---- tokens -----------------------------------------------------------------
 */

static const struct rows_field issued_fields[] = {
	AT(struct store_issued, jti, SQL_TEXT),
	AT(struct store_issued, account, SQL_TEXT),
	AT(struct store_issued, audience, SQL_TEXT),
	AT(struct store_issued, digest, SQL_BYTES),
	AT(struct store_issued, incarnation, SQL_INT),
	AT(struct store_issued, expires_at, SQL_INT),
};
static const struct rows_type issued_type = { sizeof(struct store_issued),
	issued_fields, ARRAY_LEN(issued_fields) };

#define ISSUED_COLUMNS "jti, account, audience, digest, incarnation, expires_at"

/* A clash of two jti is an error: the token does not leave. */
bool
store_issued_insert(
    struct sql *tx, const struct store_issued *r, struct error *reterr)
{
	static const char insert[] = "INSERT INTO issued (" ISSUED_COLUMNS
				     ") VALUES ($1, $2, $3, $4, $5, $6)";
	const struct sql_value params[] = { sql_text(r->jti),
		sql_text(r->account), sql_text(r->audience),
		sql_blob(r->digest), sql_number(r->incarnation),
		sql_number(r->expires_at) };

	return sql_run(
	    tx, insert, params, ARRAY_LEN(params), NULL, NULL, reterr);
}

bool
store_issued_find(struct sql *tx, struct arena *a, struct str digest,
    struct store_issued *ret, bool *ret_found, struct error *reterr)
{
	static const char select[] =
	    "SELECT " ISSUED_COLUMNS " FROM issued WHERE digest = $1"
	    " AND NOT EXISTS (SELECT 1 FROM revocation"
	    " WHERE kind = 'token' AND id = jti)";
	const struct sql_value params[] = { sql_blob(digest) };

	return rows_one(tx, a, &issued_type, select, params, ARRAY_LEN(params),
	    ret, ret_found, reterr);
}

static bool
revoke_tokens(struct sql *tx, struct str account, int64_t now_unix_s,
    struct error *reterr)
{
	static const char insert[] =
	    "INSERT INTO revocation (kind, id, until, made_at, reason)"
	    " SELECT 'token', jti, expires_at + $3, $2, 'account' FROM issued"
	    " WHERE account = $1 AND expires_at > $2"
	    " ON CONFLICT (kind, id) DO NOTHING";
	const struct sql_value params[] = { sql_text(account),
		sql_number(now_unix_s), sql_number(LIMIT_SKEW_S) };

	return sql_run(
	    tx, insert, params, ARRAY_LEN(params), NULL, NULL, reterr);
}

static bool
revoke_key(struct sql *tx, struct str thumbprint, int64_t now_unix_s,
    struct error *reterr)
{
	static const char insert[] =
	    "INSERT INTO revocation (kind, id, until, made_at, reason)"
	    " VALUES ('key', $1, $2, $3, 'account') ON CONFLICT (kind, id)"
	    " DO UPDATE SET until = excluded.until"
	    " WHERE revocation.until < excluded.until";
	const struct sql_value params[] = { sql_text(thumbprint),
		sql_number(now_unix_s + LIMIT_TOKEN_LIFE_S + LIMIT_SKEW_S),
		sql_number(now_unix_s) };

	return thumbprint.n == 0 || sql_run(tx, insert, params,
					ARRAY_LEN(params), NULL, NULL, reterr);
}

bool
store_issued_revoke(struct sql *tx, struct str account, struct str thumbprint,
    int64_t now_unix_s, struct error *reterr)
{
	return revoke_tokens(tx, account, now_unix_s, reterr) &&
	       revoke_key(tx, thumbprint, now_unix_s, reterr) &&
	       store_offer_delete(tx, account, STR(""), reterr) &&
	       store_document_revoke(tx, account, now_unix_s, reterr) &&
	       store_raise_generation(tx, reterr);
}

/* ---- offers -----------------------------------------------------------------
 */

static const struct rows_field offer_fields[] = {
	AT(struct store_offer, account, SQL_TEXT),
	AT(struct store_offer, audience, SQL_TEXT),
	AT(struct store_offer, jti, SQL_TEXT),
	AT(struct store_offer, sealed, SQL_BYTES),
	AT(struct store_offer, expires_at, SQL_INT),
};
static const struct rows_type offer_type = { sizeof(struct store_offer),
	offer_fields, ARRAY_LEN(offer_fields) };

bool
store_offer_put(
    struct sql *tx, const struct store_offer *r, struct error *reterr)
{
	static const char upsert[] =
	    "INSERT INTO offer (account, audience, jti, sealed, expires_at)"
	    " VALUES ($1, $2, $3, $4, $5)"
	    " ON CONFLICT (account, audience) DO UPDATE SET"
	    " jti = excluded.jti, sealed = excluded.sealed,"
	    " expires_at = excluded.expires_at";
	const struct sql_value params[] = { sql_text(r->account),
		sql_text(r->audience), sql_text(r->jti), sql_blob(r->sealed),
		sql_number(r->expires_at) };

	return sql_run(
	    tx, upsert, params, ARRAY_LEN(params), NULL, NULL, reterr);
}

bool
store_offer_find(struct sql *tx, struct arena *a, struct str account,
    struct str audience, int64_t now_unix_s, struct store_offer *ret,
    bool *ret_found, struct error *reterr)
{
	static const char select[] =
	    "SELECT account, audience, jti, sealed, expires_at FROM offer"
	    " WHERE account = $1 AND audience = $2 AND expires_at > $3"
	    " AND NOT EXISTS (SELECT 1 FROM revocation"
	    " WHERE kind = 'token' AND id = jti)";
	const struct sql_value params[] = { sql_text(account),
		sql_text(audience), sql_number(now_unix_s) };

	return rows_one(tx, a, &offer_type, select, params, ARRAY_LEN(params),
	    ret, ret_found, reterr);
}

bool
store_offer_delete(struct sql *tx, struct str account, struct str audience,
    struct error *reterr)
{
	static const char delete[] = "DELETE FROM offer WHERE account = $1"
				     " AND ($2 = '' OR audience = $2)";
	const struct sql_value params[] = { sql_text(account),
		sql_text(audience) };

	return sql_run(
	    tx, delete, params, ARRAY_LEN(params), NULL, NULL, reterr);
}

/* ---- alarms -----------------------------------------------------------------
 */

static const struct rows_field alarm_fields[] = {
	AT(struct store_alarm, account, SQL_TEXT),
	AT(struct store_alarm, source, SQL_TEXT),
	AT(struct store_alarm, other, SQL_TEXT),
	AT(struct store_alarm, kind, SQL_INT),
	AT(struct store_alarm, incarnation, SQL_INT),
	AT(struct store_alarm, count, SQL_INT),
	AT(struct store_alarm, first_at, SQL_INT),
	AT(struct store_alarm, last_at, SQL_INT),
};
static const struct rows_type alarm_type = { sizeof(struct store_alarm),
	alarm_fields, ARRAY_LEN(alarm_fields) };

bool
store_alarm_raise(struct sql *tx, const struct store_alarm *r,
    int64_t *ret_count, struct error *reterr)
{
	static const char upsert[] =
	    "INSERT INTO alarm (account, source, other, kind, incarnation,"
	    " times, first_at, last_at) VALUES ($1, $2, $3, $4, $5, 1, $6, $6)"
	    " ON CONFLICT (account, kind, incarnation) DO UPDATE SET"
	    " source = excluded.source, other = excluded.other,"
	    " times = alarm.times + 1, last_at = excluded.last_at"
	    " RETURNING times";
	const struct sql_value params[] = { sql_text(r->account),
		sql_text(r->source), sql_text(r->other), sql_number(r->kind),
		sql_number(r->incarnation), sql_number(r->last_at) };

	return sql_run(tx, upsert, params, ARRAY_LEN(params), sql_take_number,
	    ret_count, reterr);
}

bool
store_alarm_list(struct sql *tx, struct arena *a, struct str owner,
    size_t limit, struct store_alarm **ret, size_t *ret_n, struct error *reterr)
{
	static const char select[] =
	    "SELECT account, source, other, kind, incarnation, times,"
	    " first_at, last_at FROM alarm WHERE $1 = '' OR EXISTS"
	    " (SELECT 1 FROM account WHERE id = alarm.account AND owner = $1)"
	    " ORDER BY last_at DESC, account, kind, incarnation LIMIT $2";
	const struct sql_value params[] = { sql_text(owner),
		sql_number((int64_t)limit) };

	return rows_all(tx, a, &alarm_type, select, params, ARRAY_LEN(params),
	    ret, ret_n, reterr);
}
