/* documents.c - the rows of the document service. */
#include "store/documents.h"

#include <stddef.h>

#include "base/limits.h"
#include "store/rows.h"
#include "store/store_private.h"

#define AT(type, field, kind)                                                  \
	{                                                                      \
		kind, offsetof(type, field)                                    \
	}

/* ---- instances and groups --------------------------------------------------
 */

static const struct rows_field instance_fields[] = {
	AT(struct store_instance, id, SQL_TEXT),
	AT(struct store_instance, owner, SQL_TEXT),
	AT(struct store_instance, properties, SQL_TEXT),
	AT(struct store_instance, is_group, SQL_INT),
	AT(struct store_instance, version, SQL_INT),
	AT(struct store_instance, changed_at, SQL_INT),
};
static const struct rows_type instance_type = { sizeof(struct store_instance),
	instance_fields, ARRAY_LEN(instance_fields) };

bool
store_instance_find(struct sql *tx, struct arena *a, struct str id,
    struct store_instance *ret, bool *ret_found, struct error *reterr)
{
	static const char select[] =
	    "SELECT id, owner, properties, is_group, version, changed_at"
	    " FROM instance WHERE id = $1";
	const struct sql_value params[] = { sql_text(id) };

	return rows_one(tx, a, &instance_type, select, params,
	    ARRAY_LEN(params), ret, ret_found, reterr);
}

/* A restored copy would bring back what was no longer so. */
bool
store_instance_put(
    struct sql *tx, const struct store_instance *r, struct error *reterr)
{
	static const char upsert[] =
	    "INSERT INTO instance (id, owner, properties, is_group, version,"
	    " changed_at) VALUES ($1, $2, $3, $4, $5, $6)"
	    " ON CONFLICT (id) DO UPDATE SET owner = excluded.owner,"
	    " properties = excluded.properties, is_group = excluded.is_group,"
	    " version = excluded.version, changed_at = excluded.changed_at";
	const struct sql_value params[] = { sql_text(r->id), sql_text(r->owner),
		sql_text(r->properties), sql_number(r->is_group),
		sql_number(r->version), sql_number(r->changed_at) };

	return sql_run(
		   tx, upsert, params, ARRAY_LEN(params), NULL, NULL, reterr) &&
	       store_raise_generation(tx, reterr);
}

static const struct rows_field name_fields[] = { { SQL_TEXT, 0 } };
static const struct rows_type name_type = { sizeof(struct str), name_fields,
	1 };

bool
store_group_members(struct sql *tx, struct arena *a, struct str group,
    struct str **ret, size_t *ret_n, struct error *reterr)
{
	static const char select[] =
	    "SELECT member FROM instance_member WHERE grouping_id = $1"
	    " ORDER BY member";
	const struct sql_value params[] = { sql_text(group) };

	return rows_all(tx, a, &name_type, select, params, ARRAY_LEN(params),
	    ret, ret_n, reterr);
}

bool
store_group_set(struct sql *tx, struct str group, const struct str *members,
    size_t n, struct error *reterr)
{
	static const char delete[] =
	    "DELETE FROM instance_member WHERE grouping_id = $1";
	static const char insert[] =
	    "INSERT INTO instance_member (grouping_id, member)"
	    " VALUES ($1, $2) ON CONFLICT DO NOTHING";
	struct sql_value params[2] = { sql_text(group) };

	if (!sql_run(tx, delete, params, 1, NULL, NULL, reterr))
		return false;
	for (size_t i = 0; i < n; i++) {
		params[1] = sql_text(members[i]);
		if (!sql_run(tx, insert, params, 2, NULL, NULL, reterr))
			return false;
	}
	return true;
}

bool
store_group_delete(struct sql *tx, struct str id, struct error *reterr)
{
	static const char delete[] =
	    "DELETE FROM instance WHERE id = $1 AND is_group = 1";
	const struct sql_value params[] = { sql_text(id) };

	return store_group_set(tx, id, NULL, 0, reterr) &&
	       sql_run(tx, delete, params, 1, NULL, NULL, reterr) &&
	       store_raise_generation(tx, reterr);
}

bool
store_group_is(struct sql *tx, struct str id, bool *ret, struct error *reterr)
{
	static const char select[] =
	    "SELECT 1 FROM instance WHERE id = $1 AND is_group = 1";
	const struct sql_value params[] = { sql_text(id) };

	return rows_any(tx, select, params, ARRAY_LEN(params), ret, reterr);
}

/* ---- documents --------------------------------------------------------------
 */

#define COLUMNS                                                                \
	"id, subject, claims, audience, key_id, bound, replaced_by, version,"  \
	" n_values, level, issued_at, expires_at, ended, form, digest,"        \
	" signature_digest"
#define FIELDS                                                                 \
	AT(struct store_document, id, SQL_TEXT),                               \
	    AT(struct store_document, subject, SQL_TEXT),                      \
	    AT(struct store_document, claims, SQL_TEXT),                       \
	    AT(struct store_document, audience, SQL_TEXT),                     \
	    AT(struct store_document, key_id, SQL_TEXT),                       \
	    AT(struct store_document, bound, SQL_TEXT),                        \
	    AT(struct store_document, replaced_by, SQL_TEXT),                  \
	    AT(struct store_document, version, SQL_INT),                       \
	    AT(struct store_document, n_values, SQL_INT),                      \
	    AT(struct store_document, level, SQL_INT),                         \
	    AT(struct store_document, issued_at, SQL_INT),                     \
	    AT(struct store_document, expires_at, SQL_INT),                    \
	    AT(struct store_document, ended, SQL_INT),                         \
	    AT(struct store_document, form, SQL_INT),                          \
	    AT(struct store_document, digest, SQL_BYTES),                      \
	    AT(struct store_document, signature_digest, SQL_BYTES)

static const struct rows_field document_fields[] = {
	FIELDS,
	AT(struct store_document, document, SQL_BYTES),
	AT(struct store_document, signature, SQL_BYTES),
};
static const struct rows_type document_type = { sizeof(struct store_document),
	document_fields, ARRAY_LEN(document_fields) };
static const struct rows_type listed_type = { sizeof(struct store_document),
	document_fields, ARRAY_LEN(document_fields) - 2 };

bool
store_document_room(struct sql *tx, struct error *reterr)
{
	return store_revocation_room(tx, reterr);
}

bool
store_document_insert(struct sql *tx, const struct store_document *r,
    int64_t now_unix_s, bool *ret_fresh, struct error *reterr)
{
	static const char insert[] =
	    "INSERT INTO document (" COLUMNS ", document, signature)"
	    " VALUES ($1, $2, $3, $4, $5, $6, '', $7, $8, $9, $10, $11, 0,"
	    " $12, $13, $14, $15, $16) ON CONFLICT DO NOTHING RETURNING 1";
	static const char retire[] =
	    "UPDATE document SET ended = 1 WHERE subject = $1 AND claims = $2"
	    " AND audience = $3 AND form = $4 AND ended = 0"
	    " AND expires_at <= $5";
	const struct sql_value same[] = { sql_text(r->subject),
		sql_text(r->claims), sql_text(r->audience), sql_number(r->form),
		sql_number(now_unix_s) };
	const struct sql_value params[] = { sql_text(r->id),
		sql_text(r->subject), sql_text(r->claims),
		sql_text(r->audience), sql_text(r->key_id), sql_text(r->bound),
		sql_number(r->version), sql_number(r->n_values),
		sql_number(r->level), sql_number(r->issued_at),
		sql_number(r->expires_at), sql_number(r->form),
		sql_blob(r->digest), sql_blob(r->signature_digest),
		sql_blob(r->document), sql_blob(r->signature) };

	/* One that has expired is in nobody's way. */
	return sql_run(tx, retire, same, ARRAY_LEN(same), NULL, NULL, reterr) &&
	       rows_any(
		   tx, insert, params, ARRAY_LEN(params), ret_fresh, reterr);
}

bool
store_document_find(struct sql *tx, struct arena *a, struct str id,
    struct store_document *ret, bool *ret_found, struct error *reterr)
{
	static const char select[] =
	    "SELECT " COLUMNS ", document, signature FROM document"
	    " WHERE id = $1";
	const struct sql_value params[] = { sql_text(id) };

	return rows_one(tx, a, &document_type, select, params,
	    ARRAY_LEN(params), ret, ret_found, reterr);
}

bool
store_document_look(struct store *s, struct str id, struct str digest,
    bool *ret_found, struct error *reterr)
{
	static const char select[] =
	    "SELECT 1 FROM document WHERE id = $1 AND digest = $2";
	const struct sql_value params[] = { sql_text(id), sql_blob(digest) };
	bool ok;

	pthread_mutex_lock(&s->lock);
	ok = rows_any(
	    s->sql, select, params, ARRAY_LEN(params), ret_found, reterr);
	pthread_mutex_unlock(&s->lock);
	return ok;
}

bool
store_document_live(struct sql *tx, struct arena *a, struct str subject,
    int64_t now_unix_s, struct store_document **ret, size_t *ret_n,
    struct error *reterr)
{
	static const char select[] =
	    "SELECT " COLUMNS ", document, signature FROM document"
	    " WHERE subject = $1 AND ended <= 1 AND expires_at > $2"
	    " ORDER BY id";
	const struct sql_value params[] = { sql_text(subject),
		sql_number(now_unix_s) };

	return rows_all(tx, a, &document_type, select, params,
	    ARRAY_LEN(params), ret, ret_n, reterr);
}

bool
store_document_page(struct sql *tx, struct arena *a, struct str subject,
    struct str after, size_t limit, struct store_document **ret, size_t *ret_n,
    struct error *reterr)
{
	static const char select[] =
	    "SELECT " COLUMNS " FROM document WHERE subject = $1 AND id > $2"
	    " ORDER BY id LIMIT $3";
	const struct sql_value params[] = { sql_text(subject), sql_text(after),
		sql_number((int64_t)limit) };

	return rows_all(tx, a, &listed_type, select, params, ARRAY_LEN(params),
	    ret, ret_n, reterr);
}

/* ---- their ends -------------------------------------------------------------
 */

#define REFUSE                                                                 \
	"INSERT INTO revocation (kind, id, until, made_at, reason)"            \
	" SELECT $3, id, expires_at + $4, $2, 'documents' FROM document"
#define AGAIN " ON CONFLICT (kind, id) DO NOTHING"

bool
store_document_end(struct sql *tx, const struct store_document *row,
    enum store_document_end how, struct str replaced_by, int64_t now_unix_s,
    struct error *reterr)
{
	static const char update[] =
	    "UPDATE document SET ended = $2, replaced_by = $3 WHERE id = $1";
	static const char refuse[] =
	    REFUSE " WHERE id = $1 AND expires_at > $2" AGAIN;
	const struct sql_value ending[] = { sql_text(row->id), sql_number(how),
		sql_text(replaced_by) };
	const struct sql_value params[] = { sql_text(row->id),
		sql_number(now_unix_s), sql_text(STR("superseded")),
		sql_number(LIMIT_SKEW_S) };

	if (!sql_run(tx, update, ending, ARRAY_LEN(ending), NULL, NULL, reterr))
		return false;
	return how == STORE_DOCUMENT_RENEWED ||
	       (sql_run(tx, refuse, params, ARRAY_LEN(params), NULL, NULL,
		    reterr) &&
		   store_raise_generation(tx, reterr));
}

bool
store_document_revoke(struct sql *tx, struct str subject, int64_t now_unix_s,
    struct error *reterr)
{
	static const char refuse[] =
	    REFUSE " WHERE subject = $1 AND expires_at > $2" AGAIN;
	static const char update[] =
	    "UPDATE document SET ended = 3 WHERE subject = $1 AND ended < 3";
	const struct sql_value params[] = { sql_text(subject),
		sql_number(now_unix_s), sql_text(STR("document")),
		sql_number(LIMIT_SKEW_S) };

	return sql_run(
		   tx, refuse, params, ARRAY_LEN(params), NULL, NULL, reterr) &&
	       sql_run(tx, update, params, 1, NULL, NULL, reterr) &&
	       store_raise_generation(tx, reterr);
}

bool
store_instance_delete(
    struct sql *tx, struct str id, int64_t now_unix_s, struct error *reterr)
{
	static const char refuse[] =
	    REFUSE " WHERE expires_at > $2 AND subject IN (SELECT grouping_id"
		   " FROM instance_member WHERE member = $1)" AGAIN;
	static const char *const changes[] = {
		"UPDATE document SET ended = 2 WHERE ended < 2 AND subject IN"
		" (SELECT grouping_id FROM instance_member WHERE member = $1)",
		"UPDATE instance SET version = version + 1 WHERE id IN"
		" (SELECT grouping_id FROM instance_member WHERE member = $1)",
		"DELETE FROM instance_member WHERE member = $1",
		"DELETE FROM instance WHERE id = $1 AND is_group = 0",
	};
	const struct sql_value params[] = { sql_text(id),
		sql_number(now_unix_s), sql_text(STR("superseded")),
		sql_number(LIMIT_SKEW_S) };

	if (!sql_run(tx, refuse, params, ARRAY_LEN(params), NULL, NULL, reterr))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(changes); i++)
		if (!sql_run(tx, changes[i], params, 1, NULL, NULL, reterr))
			return false;
	return true;
}

/* ---- keys -------------------------------------------------------------------
 */

static const struct rows_field key_fields[] = {
	AT(struct store_document_key, id, SQL_TEXT),
	AT(struct store_document_key, pem, SQL_TEXT),
	AT(struct store_document_key, until, SQL_INT),
};
static const struct rows_type key_type = { sizeof(struct store_document_key),
	key_fields, ARRAY_LEN(key_fields) };

#define KEYS "SELECT k.id, k.pem, k.until FROM document_key k"

bool
store_document_key_put(
    struct sql *tx, const struct store_document_key *r, struct error *reterr)
{
	static const char upsert[] =
	    "INSERT INTO document_key (id, pem, until) VALUES ($1, $2, $3)"
	    " ON CONFLICT (id) DO UPDATE SET until = excluded.until"
	    " WHERE document_key.until < excluded.until";
	const struct sql_value params[] = { sql_text(r->id), sql_text(r->pem),
		sql_number(r->until) };

	return sql_run(
	    tx, upsert, params, ARRAY_LEN(params), NULL, NULL, reterr);
}

bool
store_document_key_look(struct store *s, struct arena *a, struct str id,
    struct store_document_key *ret, bool *ret_found, struct error *reterr)
{
	static const char select[] = KEYS " WHERE k.id = $1";
	const struct sql_value params[] = { sql_text(id) };
	bool ok;

	pthread_mutex_lock(&s->lock);
	ok = rows_one(s->sql, a, &key_type, select, params, ARRAY_LEN(params),
	    ret, ret_found, reterr);
	pthread_mutex_unlock(&s->lock);
	return ok;
}

bool
store_document_key_all(struct sql *tx, struct arena *a, int64_t now_unix_s,
    struct store_document_key **ret, size_t *ret_n, struct error *reterr)
{
	static const char select[] = KEYS " WHERE k.until > $1 ORDER BY k.id";
	const struct sql_value params[] = { sql_number(now_unix_s) };

	return rows_all(tx, a, &key_type, select, params, ARRAY_LEN(params),
	    ret, ret_n, reterr);
}

bool
store_document_key_by_signature(struct sql *tx, struct arena *a,
    struct str digest, struct store_document_key *ret, bool *ret_found,
    struct error *reterr)
{
	static const char select[] =
	    KEYS " JOIN document d ON d.key_id = k.id"
		 " WHERE d.signature_digest = $1 LIMIT 1";
	const struct sql_value params[] = { sql_blob(digest) };

	return rows_one(tx, a, &key_type, select, params, ARRAY_LEN(params),
	    ret, ret_found, reterr);
}

bool
store_document_key_by_subject(struct sql *tx, struct arena *a,
    struct str subject, int64_t now_unix_s, struct store_document_key **ret,
    size_t *ret_n, struct error *reterr)
{
	static const char select[] =
	    KEYS " WHERE k.id IN (SELECT key_id FROM document"
		 " WHERE subject = $1 AND expires_at > $2) ORDER BY k.id";
	const struct sql_value params[] = { sql_text(subject),
		sql_number(now_unix_s) };

	return rows_all(tx, a, &key_type, select, params, ARRAY_LEN(params),
	    ret, ret_n, reterr);
}

/* ---- what is past -----------------------------------------------------------
 */

bool
store_documents_purge(struct sql *tx, int64_t now_unix_s, struct error *reterr)
{
	static const char *const deletes[] = {
		"DELETE FROM document WHERE expires_at <= $1",
		"DELETE FROM document_key WHERE until <= $1",
	};
	const struct sql_value params[] = { sql_number(
	    now_unix_s - LIMIT_SKEW_S) };

	for (size_t i = 0; i < ARRAY_LEN(deletes); i++)
		if (!sql_run(tx, deletes[i], params, 1, NULL, NULL, reterr))
			return false;
	return true;
}
