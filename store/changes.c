#include "store/changes.h"

#include <stddef.h>

#include "base/limits.h"
#include "store/rows.h"
#include "store/store_private.h"

#define TEXT_BYTES 256u

/* ---- writing ----------------------------------------------------------------
 */

struct plain {
	char room[TEXT_BYTES];
};

static struct sql_value
plain_text(struct plain *p, struct str s)
{
	size_t n = s.n < TEXT_BYTES ? s.n : TEXT_BYTES;

	for (size_t i = 0; i < n; i++)
		p->room[i] = s.p[i] >= ' ' && s.p[i] < 0x7f ? s.p[i] : '?';
	return sql_text((struct str){ p->room, n });
}

static bool
next_number(struct sql *tx, int64_t *ret, struct error *reterr)
{
	static const char update[] = "UPDATE counter SET value = value + 1"
				     " WHERE name = 'change' RETURNING value";

	*ret = 0;
	return sql_run(tx, update, NULL, 0, sql_take_number, ret, reterr) &&
	       (*ret > 0 || error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE,
				"the database has lost its counter"));
}

bool
store_changed_note(
    struct sql *tx, const struct store_changed *c, struct error *reterr)
{
	static const char insert[] =
	    "INSERT INTO changed (number, at, who, what, about)"
	    " VALUES ($1, $2, $3, $4, $5)";
	static const char forget[] = "DELETE FROM changed WHERE number <= $1";
	struct plain who, what, about;
	int64_t number, now_ms;

	if (!sql_now(tx, &now_ms, reterr) || !next_number(tx, &number, reterr))
		return false;
	const struct sql_value row[] = { sql_number(number),
		sql_number(now_ms / 1000),
		plain_text(&who, c->who.n > 0 ? c->who : STR("host")),
		plain_text(&what, c->what), plain_text(&about, c->about) };
	const struct sql_value old[] = { sql_number(
	    number - (int64_t)LIMIT_CHANGES) };

	return sql_run(tx, insert, row, ARRAY_LEN(row), NULL, NULL, reterr) &&
	       sql_run(tx, forget, old, 1, NULL, NULL, reterr);
}

/* ---- reading ----------------------------------------------------------------
 */

static const struct rows_field fields[] = {
	{ SQL_INT, offsetof(struct store_changed, number) },
	{ SQL_INT, offsetof(struct store_changed, at) },
	{ SQL_TEXT, offsetof(struct store_changed, who) },
	{ SQL_TEXT, offsetof(struct store_changed, what) },
	{ SQL_TEXT, offsetof(struct store_changed, about) },
};
static const struct rows_type type = { sizeof(struct store_changed), fields,
	ARRAY_LEN(fields) };

struct paging {
	struct arena *a;
	int64_t before;
	size_t limit;
	void *items;
	size_t n;
};

static bool
page_inside(struct sql *q, void *ctx, bool *keep, struct error *reterr)
{
	static const char select[] =
	    "SELECT number, at, who, what, about FROM changed"
	    " WHERE $1 = 0 OR number < $1 ORDER BY number DESC LIMIT $2";
	struct paging *p = ctx;
	const struct sql_value params[] = { sql_number(p->before),
		sql_number((int64_t)p->limit) };

	*keep = false;
	return rows_all(
	    q, p->a, &type, select, params, 2, &p->items, &p->n, reterr);
}

bool
store_changed_page(struct store *s, struct arena *a, int64_t before,
    size_t limit, struct store_changed **ret, size_t *ret_n,
    struct error *reterr)
{
	struct paging p = { .a = a, .before = before, .limit = limit };

	if (!store_change(s, page_inside, &p, reterr))
		return false;
	*ret = p.items;
	*ret_n = p.n;
	return true;
}
