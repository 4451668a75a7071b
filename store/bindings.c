/* bindings.c - the rows of accounts.h that say which instance of a cloud is
 * which account, and the revocations that follow an account's standing. */
#include "store/accounts.h"

#include <stddef.h>

#include "store/rows.h"
#include "store/store_private.h"

/* ---- bindings ---------------------------------------------------------------
 */

#define AT(field, kind)                                                        \
	{                                                                      \
		kind, offsetof(struct store_binding, field)                    \
	}
static const struct rows_field binding_fields[] = {
	AT(issuer, SQL_TEXT),
	AT(owner, SQL_TEXT),
	AT(region, SQL_TEXT),
	AT(instance, SQL_TEXT),
	AT(account, SQL_TEXT),
	AT(principal, SQL_TEXT),
	AT(is_open, SQL_INT),
	AT(bound_at, SQL_INT),
};
static const struct rows_type binding_type = { sizeof(struct store_binding),
	binding_fields, ARRAY_LEN(binding_fields) };

#define COLUMNS                                                                \
	"issuer, owner, region, instance, account, principal, is_open,"        \
	" bound_at"

bool
store_binding_find(struct sql *tx, struct arena *a,
    const struct store_binding *like, struct store_binding *ret,
    bool *ret_found, struct error *reterr)
{
	static const char select[] =
	    "SELECT " COLUMNS " FROM binding WHERE issuer = $1 AND owner = $2"
	    " AND region = $3 AND instance = $4";
	const struct sql_value params[] = { sql_text(like->issuer),
		sql_text(like->owner), sql_text(like->region),
		sql_text(like->instance) };

	return rows_one(tx, a, &binding_type, select, params, ARRAY_LEN(params),
	    ret, ret_found, reterr);
}

bool
store_binding_insert(struct sql *tx, const struct store_binding *r,
    bool *ret_fresh, struct error *reterr)
{
	static const char insert[] =
	    "INSERT INTO binding (" COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6,"
	    " $7, $8) ON CONFLICT DO NOTHING RETURNING 1";
	const struct sql_value params[] = { sql_text(r->issuer),
		sql_text(r->owner), sql_text(r->region), sql_text(r->instance),
		sql_text(r->account), sql_text(r->principal),
		sql_number(r->is_open), sql_number(r->bound_at) };

	return rows_any(
	    tx, insert, params, ARRAY_LEN(params), ret_fresh, reterr);
}

bool
store_binding_open(
    struct sql *tx, struct str account, bool is_open, struct error *reterr)
{
	static const char update[] =
	    "UPDATE binding SET is_open = $2 WHERE account = $1";
	const struct sql_value params[] = { sql_text(account),
		sql_number(is_open) };

	return sql_run(
		   tx, update, params, ARRAY_LEN(params), NULL, NULL, reterr) &&
	       store_raise_generation(tx, reterr);
}

/* ---- standings --------------------------------------------------------------
 */

bool
store_standing_put(struct sql *tx, struct str kind, struct str id,
    int64_t standing, int64_t now_unix_s, struct error *reterr)
{
	static const char upsert[] =
	    "INSERT INTO revocation (kind, id, until, made_at, reason,"
	    " standing) VALUES ($1, $2, $3, $4, 'standing', $5)"
	    " ON CONFLICT (kind, id) DO UPDATE SET standing = $5,"
	    " until = excluded.until, made_at = excluded.made_at"
	    " WHERE revocation.standing > 0";
	const struct sql_value params[] = { sql_text(kind), sql_text(id),
		sql_number(INT64_MAX), sql_number(now_unix_s),
		sql_number(standing) };

	return sql_run(
		   tx, upsert, params, ARRAY_LEN(params), NULL, NULL, reterr) &&
	       store_raise_generation(tx, reterr);
}

/* Nothing lifted is no news: nobody has to read the list again. */
bool
store_standing_lift(
    struct sql *tx, struct str kind, struct str id, struct error *reterr)
{
	static const char delete[] =
	    "DELETE FROM revocation WHERE kind = $1"
	    " AND id = $2 AND standing > 0 RETURNING 1";
	const struct sql_value params[] = { sql_text(kind), sql_text(id) };
	bool lifted = false;

	return rows_any(
		   tx, delete, params, ARRAY_LEN(params), &lifted, reterr) &&
	       (!lifted || store_raise_generation(tx, reterr));
}

bool
store_is_revoked(struct sql *tx, struct str kind, struct str id,
    int64_t but_standing, bool *ret, struct error *reterr)
{
	static const char select[] = "SELECT 1 FROM revocation WHERE kind = $1"
				     " AND id = $2 AND standing <> $3";
	const struct sql_value params[] = { sql_text(kind), sql_text(id),
		sql_number(but_standing) };

	return rows_any(tx, select, params, ARRAY_LEN(params), ret, reterr);
}
