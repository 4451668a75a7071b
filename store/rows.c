/* rows.c - see rows.h. */
#include "store/rows.h"

struct reading {
	struct arena *a;
	const struct rows_type *type;
	char *items;
	size_t n, cap;
};

static bool
grow(struct reading *r)
{
	void *items = r->items;

	if (r->n < r->cap)
		return true;
	if (!arena_grow(r->a, &items, r->type->size, r->n, &r->cap))
		return false;
	r->items = items;
	return true;
}

/* Fields are an int64_t or a struct str: memcpy keeps that this code's own. */
static bool
take_field(struct arena *a, const struct sql_row *row, int column,
    enum sql_kind kind, char *to)
{
	int64_t number;
	struct str text;

	if (kind == SQL_INT) {
		number = sql_int(row, column);
		memcpy(to, &number, sizeof number);
		return true;
	}
	text = str_dup(a, sql_bytes(row, column));
	memcpy(to, &text, sizeof text);
	return text.p != NULL;
}

static bool
take_row(void *ctx, const struct sql_row *row, struct error *reterr)
{
	struct reading *r = ctx;
	char *item;

	if (!grow(r))
		return error_nomem(reterr);
	item = r->items + r->n * r->type->size;
	memset(item, 0, r->type->size);
	for (size_t i = 0; i < r->type->n_fields; i++)
		if (!take_field(r->a, row, (int)i, r->type->fields[i].kind,
			item + r->type->fields[i].offset))
			return error_nomem(reterr);
	r->n++;
	return true;
}

bool
rows_all(struct sql *q, struct arena *a, const struct rows_type *type,
    const char *select, const struct sql_value *params, size_t n_params,
    void *ret, size_t *ret_n, struct error *reterr)
{
	struct reading r = { .a = a, .type = type };

	if (!sql_run(q, select, params, n_params, take_row, &r, reterr))
		return false;
	memcpy(ret, &r.items, sizeof r.items);
	*ret_n = r.n;
	return true;
}

bool
rows_one(struct sql *q, struct arena *a, const struct rows_type *type,
    const char *select, const struct sql_value *params, size_t n_params,
    void *ret, bool *ret_found, struct error *reterr)
{
	void *items = NULL;
	size_t n = 0;

	if (!rows_all(q, a, type, select, params, n_params, &items, &n, reterr))
		return false;
	*ret_found = n > 0;
	if (n > 0)
		memcpy(ret, items, type->size);
	return true;
}

static bool
take_any(void *ctx, const struct sql_row *row, struct error *reterr)
{
	(void)row;
	(void)reterr;
	*(bool *)ctx = true;
	return true;
}

bool
rows_any(struct sql *q, const char *text, const struct sql_value *params,
    size_t n_params, bool *ret, struct error *reterr)
{
	bool any = false;

	if (!sql_run(q, text, params, n_params, take_any, &any, reterr))
		return false;
	*ret = any;
	return true;
}
