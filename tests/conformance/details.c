/* details.c - details of cases, sorted by name. */
#include "tests/conformance/details.h"

#include <stdlib.h>

#include "base/limits.h"
#include "tests/conformance/cases.h"

struct details {
	struct case_detail *items;
	size_t n, cap;
};

struct reading {
	struct arena *a;
	struct details *all;
	const char *path;
	struct error *reterr;
};

static bool
keep(struct arena *a, const json_t *json, const char *key, struct str *ret)
{
	*ret = str_dup(a, json_str(json_object_get(json, key)));
	return ret->p != NULL;
}

static bool
read_line(void *ctx, struct str line)
{
	struct reading *r = ctx;
	struct details *d = r->all;
	struct case_detail c;
	struct str name;
	json_t *json;
	bool ok;

	if (!json_parse(line, r->path, LIMIT_DATA_FILE_BYTES,
		LIMIT_DATA_FILE_DEPTH, JSON_DATA_FILE, &json, r->reterr))
		return false;
	ok = keep(r->a, json, "name", &name) &&
	     keep(r->a, json, "schemaJson", &c.schema_json) &&
	     keep(r->a, json, "validation", &c.validation) &&
	     ARENA_PUSH_ROOM(r->a, d->items, d->n, d->cap);
	c.name = name.p;
	if (ok)
		d->items[d->n++] = c;
	json_decref(json);
	return ok;
}

static int
by_name(const void *a, const void *b)
{
	const struct case_detail *x = a, *y = b;

	return strcmp(x->name, y->name);
}

const struct details *
details_read(struct arena *a, const char *path, struct error *reterr)
{
	struct details *d = ARENA_NEW(a, struct details);
	struct reading r = { a, d, path, reterr };

	if (!d || !cases_each_line(path, read_line, &r, reterr))
		return NULL;
	if (d->n)
		qsort(d->items, d->n, sizeof *d->items, by_name);
	return d;
}

const struct case_detail *
details_find(const struct details *d, const char *name)
{
	struct case_detail key = { .name = name };

	if (!d || !d->n)
		return NULL;
	return bsearch(&key, d->items, d->n, sizeof *d->items, by_name);
}
