#include "store/sealed.h"

#include <stddef.h>

#include "store/rows.h"
#include "store/store_private.h"

/* ---- under which secret -----------------------------------------------------
 */

bool
store_secret_is(
    struct sql *tx, struct str name, bool *ret_is_ours, struct error *reterr)
{
	static const char select[] =
	    "SELECT 1 FROM master_secret WHERE name = $1";
	const struct sql_value params[] = { sql_text(name) };

	return rows_any(tx, select, params, 1, ret_is_ours, reterr);
}

bool
store_secret_claim(
    struct sql *tx, struct str name, bool *ret_is_ours, struct error *reterr)
{
	static const char insert[] =
	    "INSERT INTO master_secret (one, name) VALUES (1, $1)"
	    " ON CONFLICT DO NOTHING";
	const struct sql_value params[] = { sql_text(name) };

	return sql_run(tx, insert, params, 1, NULL, NULL, reterr) &&
	       store_secret_is(tx, name, ret_is_ours, reterr);
}

bool
store_secret_rename(struct sql *tx, struct str name, struct error *reterr)
{
	static const char upsert[] =
	    "INSERT INTO master_secret (one, name) VALUES (1, $1)"
	    " ON CONFLICT (one) DO UPDATE SET name = excluded.name";
	const struct sql_value params[] = { sql_text(name) };

	return sql_run(tx, upsert, params, 1, NULL, NULL, reterr) &&
	       store_raise_generation(tx, reterr);
}

/* ---- what is sealed ---------------------------------------------------------
 */

static const struct rows_field fields[] = {
	{ SQL_INT, offsetof(struct store_sealed, number) },
	{ SQL_TEXT, offsetof(struct store_sealed, account) },
	{ SQL_TEXT, offsetof(struct store_sealed, detail) },
	{ SQL_BYTES, offsetof(struct store_sealed, sealed) },
};
static const struct rows_type type = { sizeof(struct store_sealed), fields,
	ARRAY_LEN(fields) };

/* Both databases count the parameters that a text has: `list` none, `put` four,
 * each of them used. */
static const struct {
	const char *list, *put;
} kinds[] = {
	[STORE_SEALED_KEY] = { "SELECT incarnation, account, '', sealed FROM "
			       "account_key"
			       " WHERE length(sealed) > 0 ORDER BY incarnation",
	    "UPDATE account_key SET sealed = $4 WHERE incarnation = $1"
	    " AND account = $2 AND $3 = ''" },
	[STORE_SEALED_ENROLMENT] = { "SELECT 0, account, '', sealed FROM "
				     "enrolment ORDER BY account",
	    "UPDATE enrolment SET sealed = $4 WHERE $1 = 0 AND account = $2"
	    " AND $3 = ''" },
	[STORE_SEALED_OFFER] = { "SELECT 0, account, audience, sealed FROM "
				 "offer"
				 " ORDER BY account, audience",
	    "UPDATE offer SET sealed = $4 WHERE $1 = 0 AND account = $2"
	    " AND audience = $3" },
};

bool
store_sealed_list(struct sql *tx, struct arena *a, enum store_sealed_kind kind,
    struct store_sealed **ret, size_t *ret_n, struct error *reterr)
{

	return rows_all(
	    tx, a, &type, kinds[kind].list, NULL, 0, ret, ret_n, reterr);
}

bool
store_sealed_put(struct sql *tx, enum store_sealed_kind kind,
    const struct store_sealed *row, struct error *reterr)
{
	const struct sql_value params[] = { sql_number(row->number),
		sql_text(row->account), sql_text(row->detail),
		sql_blob(row->sealed) };

	return sql_run(
	    tx, kinds[kind].put, params, ARRAY_LEN(params), NULL, NULL, reterr);
}
