#include "store/admin.h"

#include "base/limits.h"
#include "store/changes.h"
#include "store/store_private.h"

static struct str
hash_str(const uint8_t hash[32])
{
	return (struct str){ (const char *)hash, 32 };
}

/* Tokens are made and taken away on the host alone. */
static bool
note(struct sql *q, const char *what, struct str id, struct error *reterr)
{
	const struct store_changed change = { .what = str_of(what),
		.about = id };

	return store_changed_note(q, &change, reterr);
}

struct adding {
	const struct store_admin_token *token;
	const uint8_t *hash;
};

static bool
add_inside(struct sql *q, void *ctx, bool *keep, struct error *reterr)
{
	static const char clear[] =
	    "DELETE FROM admin_token WHERE expires_at <= $1";
	static const char insert[] =
	    "INSERT INTO admin_token (id, hash, name, created_at, expires_at)"
	    " VALUES ($1, $2, $3, $4, $5)";
	const struct adding *what = ctx;
	const struct store_admin_token *t = what->token;
	const struct sql_value now[] = { sql_number(t->created_at) };
	const struct sql_value values[] = { sql_text(t->id),
		sql_blob(hash_str(what->hash)), sql_text(t->name),
		sql_number(t->created_at), sql_number(t->expires_at) };

	(void)keep;
	return sql_run(q, clear, now, 1, NULL, NULL, reterr) &&
	       sql_run(
		   q, insert, values, ARRAY_LEN(values), NULL, NULL, reterr) &&
	       note(q, "admin-token.add", t->id, reterr);
}

bool
store_admin_add(struct store *s, const struct store_admin_token *t,
    const uint8_t hash[32], struct error *reterr)
{
	struct adding what = { t, hash };

	return store_change(s, add_inside, &what, reterr);
}

struct rows {
	struct arena *a;
	struct store_admin_token *items;
	size_t n, cap;
};

static bool
keep_row(void *ctx, const struct sql_row *row, struct error *reterr)
{
	struct rows *rows = ctx;
	struct store_admin_token *t;

	if (!ARENA_PUSH_ROOM(rows->a, rows->items, rows->n, rows->cap))
		return error_nomem(reterr);
	t = &rows->items[rows->n++];
	*t = (struct store_admin_token){ .id = str_dup(
					     rows->a, sql_bytes(row, 0)),
		.name = str_dup(rows->a, sql_bytes(row, 1)),
		.created_at = sql_int(row, 2),
		.expires_at = sql_int(row, 3) };
	return (t->id.p && t->name.p) || error_nomem(reterr);
}

bool
store_admin_find(struct store *s, struct arena *a, const uint8_t hash[32],
    int64_t now_unix_s, struct store_admin_token *ret, bool *ret_found,
    struct error *reterr)
{
	static const char select[] =
	    "SELECT id, name, created_at, expires_at FROM admin_token"
	    " WHERE hash = $1 AND expires_at > $2";
	const struct sql_value values[] = { sql_blob(hash_str(hash)),
		sql_number(now_unix_s) };
	struct rows rows = { .a = a };

	if (!store_read(s, select, values, 2, keep_row, &rows, reterr))
		return false;
	*ret_found = rows.n == 1;
	if (*ret_found)
		*ret = rows.items[0];
	return true;
}

bool
store_admin_list(struct store *s, struct arena *a,
    struct store_admin_token **ret, size_t *ret_n, struct error *reterr)
{
	static const char select[] =
	    "SELECT id, name, created_at, expires_at FROM admin_token"
	    " ORDER BY created_at, id LIMIT $1";
	const struct sql_value values[] = { sql_number(LIMIT_ADMIN_TOKENS) };
	struct rows rows = { .a = a };

	if (!store_read(s, select, values, 1, keep_row, &rows, reterr))
		return false;
	*ret = rows.items;
	*ret_n = rows.n;
	return true;
}

struct removing {
	struct str id;
	int64_t n;
};

static bool
count_row(void *ctx, const struct sql_row *row, struct error *reterr)
{
	struct removing *what = ctx;

	(void)row, (void)reterr;
	what->n++;
	return true;
}

static bool
remove_inside(struct sql *q, void *ctx, bool *keep, struct error *reterr)
{
	static const char text[] =
	    "DELETE FROM admin_token WHERE id = $1 RETURNING expires_at";
	struct removing *what = ctx;
	const struct sql_value values[] = { sql_text(what->id) };

	(void)keep;
	return sql_run(q, text, values, 1, count_row, what, reterr) &&
	       (what->n == 0 ||
		   note(q, "admin-token.remove", what->id, reterr)) &&
	       store_raise_generation(q, reterr);
}

bool
store_admin_remove(
    struct store *s, struct str id, bool *ret_removed, struct error *reterr)
{
	struct removing what = { .id = id };

	if (!store_change(s, remove_inside, &what, reterr))
		return false;
	*ret_removed = what.n > 0;
	return true;
}
