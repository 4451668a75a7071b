/* query.c - the options of a search, read, and its findings, written. */
#include "cli/query.h"

#include "base/file.h"
#include "base/limits.h"

#define DEFAULT_LIMIT 1000u

static bool
read_count(const char *name, const char *text, uint64_t *ret)
{
	if (text == NULL || str_to_u64(str_of(text), INT64_MAX, ret))
		return true;
	cli_errorf("--%s: expected a number, found `%s`", name, text);
	return false;
}

/* A record as JSON in a file; without the option it is not known. */
static bool
read_context(struct arena *a, const char *path, struct value *storage,
    const struct value **ret)
{
	struct error err = { 0 };
	struct str text = { 0 };
	json_t *json = NULL;
	bool ok;

	if (path == NULL)
		return true;
	ok = file_read(a, path, LIMIT_REQUEST_LINE_BYTES, &text, &err) &&
	     json_parse(text, path, LIMIT_REQUEST_LINE_BYTES,
		 LIMIT_DATA_FILE_DEPTH, JSON_DATA_FILE, &json, &err) &&
	     value_from_json(a, json, "context", storage, &err);
	json_decref(json);
	if (ok && storage->kind != VALUE_RECORD)
		ok = error_set(&err, ERR_JSON_SHAPE,
		    (struct span){ .file = path },
		    "expected a record of what is known of the context");
	if (!ok)
		cli_error(&err, text);
	*ret = storage;
	return ok;
}

bool
cli_query_read(const struct cli_query *query, struct arena *a,
    struct value *storage, struct engine_query *ret)
{
	uint64_t limit = DEFAULT_LIMIT;

	if (!read_count("limit", query->limit, &limit) ||
	    !read_count("from", query->from, &ret->from) ||
	    !read_context(a, query->context, storage, &ret->context))
		return false;
	ret->limit = limit;
	return true;
}

/* ---- findings ---------------------------------------------------------------
 */

#define GATHER_BYTES 65536u

static void
begin(struct cli_findings *f)
{
	if (f->json && f->n == 0)
		buf_printf(&f->out, "{\"%s\":[", f->name);
}

void
cli_findings_add(struct cli_findings *f, json_t *json_take)
{
	begin(f);
	buf_addz(&f->out, f->n++ ? "," : "");
	if (!f->failed && (!json_take || !json_write(&f->out, json_take))) {
		cli_errorf("memory ran out");
		f->failed = true;
	}
	json_decref(json_take);
}

bool
cli_findings_go_on(struct cli_findings *f)
{
	if (f->failed || f->out.n < GATHER_BYTES)
		return !f->failed;
	f->failed = !cli_print(&f->out);
	f->out.n = 0;
	return !f->failed;
}

bool
cli_findings_end(struct cli_findings *f, uint64_t next)
{
	begin(f);
	if (f->json && next)
		buf_printf(
		    &f->out, "],\"next\":%llu}\n", (unsigned long long)next);
	else if (f->json)
		buf_addz(&f->out, "],\"next\":null}\n");
	f->failed = f->failed || !cli_print(&f->out);
	return !f->failed;
}
