/* entities_json.c - entity records from Cedar's JSON, and back.
 * A file of entities is read record by record: only one of them is JSON in
 * memory at a time, since a million and a half of them at once take five
 * gigabytes. A text that does not come apart that way is read whole, so that
 * its error has line and column. */
#include "policy/entities.h"

#include <stdio.h>

#include "base/limits.h"
#include "policy/schema_data.h"
#include "policy/value_json.h"

/* The uid with the strings that the intern table keeps. */
static bool
read_uid(struct entities *layer, const json_t *json, const char *where,
    struct uid *ret, struct error *reterr)
{
	struct uid uid;
	uint32_t id;

	if (!value_uid_view(json, where, &uid, reterr))
		return false;
	id = intern_add(layer->ids, uid.type, uid.id);
	if (id == INTERN_NONE)
		return error_nomem(reterr);
	intern_get(layer->ids, id, &ret->type, &ret->id);
	return true;
}

static bool
refuse_shape(struct error *reterr, const char *where, const char *what)
{
	return error_set(
	    reterr, ERR_JSON_SHAPE, SPAN_NONE, "`%s`: %s", where, what);
}

static bool
read_parents(struct entities *layer, const json_t *json, const char *where,
    struct entity *e, struct error *reterr)
{
	size_t n = json_array_size(json);
	struct uid *parents;

	if (!json_is_array(json))
		return refuse_shape(
		    reterr, where, "`parents` must be an array");
	parents = ARENA_ARRAY(layer->arena, n, struct uid);
	if (!parents)
		return error_nomem(reterr);
	for (size_t i = 0; i < n; i++)
		if (!read_uid(layer, json_array_get(json, i), where,
			&parents[i], reterr))
			return false;
	e->parents = parents;
	e->n_parents = n;
	return true;
}

/* What records are read into; without a schema `by.s` is NULL. */
struct loading {
	struct entities *layer;
	struct schema_loading by;
	bool is_apart; /* no record was there already */
};

static struct loading
loading(const struct schema *schema, struct entities *layer, const char *file)
{
	return (struct loading){ layer,
		{ .s = schema, .arena = layer->arena, .file = file }, true };
}

static bool
read_fields(const struct loading *l, const json_t *attrs, const json_t *tags,
    const char *where, struct entity *e, struct error *reterr)
{
	struct arena *a = l->layer->arena;

	if (l->by.s)
		return schema_load_fields(&l->by, attrs, tags, e, reterr);
	return value_fields_from_json(a, attrs, where, &e->attrs, reterr) &&
	       (!tags ||
		   value_fields_from_json(a, tags, where, &e->tags, reterr));
}

static bool
read_record(const struct loading *l, const json_t *json, size_t i,
    struct entity *e, struct error *reterr)
{
	struct entities *layer = l->layer;
	const json_t *attrs = json_object_get(json, "attrs");
	const json_t *tags = json_object_get(json, "tags");
	char where[120];

	(void)snprintf(where, sizeof where, "entity %zu", i);
	if (!json_is_object(json))
		return refuse_shape(reterr, where, "expected an object");
	if (!json_object_get(json, "uid"))
		return refuse_shape(reterr, where, "`uid` is missing");
	if (!read_uid(
		layer, json_object_get(json, "uid"), where, &e->uid, reterr))
		return false;
	(void)snprintf(where, sizeof where, "%s", entities_show(e->uid).text);
	if (!json_is_object(attrs))
		return refuse_shape(reterr, where, "`attrs` must be an object");
	if (tags && !json_is_object(tags))
		return refuse_shape(reterr, where, "`tags` must be an object");
	if (!read_fields(l, attrs, tags, where, e, reterr))
		return false;
	return read_parents(
	    layer, json_object_get(json, "parents"), where, e, reterr);
}

static bool
add_record(
    struct loading *l, const json_t *json, size_t i, struct error *reterr)
{
	struct entity e = { .from = l->by.file };

	if (!read_record(l, json, i, &e, reterr))
		return false;
	return l->by.s ? schema_load_record(&l->by, l->layer, &e, reterr)
		       : entities_add(l->layer, &e, reterr);
}

static bool
end_loading(struct loading *l, struct error *reterr)
{
	return !l->by.s || schema_load_end(&l->by, reterr);
}

/* Always false: the error, with the file where it has no place. */
static bool
give_error(const struct error *err, const char *file, struct error *reterr)
{
	if (!reterr || reterr->code != ERR_NONE)
		return false;
	*reterr = *err;
	if (!reterr->at.file)
		reterr->at.file = file;
	return false;
}

bool
entities_add_json_by(const struct schema *schema, struct entities *layer,
    const json_t *array, const char *file, struct error *reterr)
{
	struct loading l = loading(schema, layer, file);
	struct error err = { 0 };

	if (!json_is_array(array)) {
		(void)error_set(&err, ERR_JSON_SHAPE, SPAN_NONE,
		    "entities must be an array");
		return give_error(&err, file, reterr);
	}
	for (size_t i = 0; i < json_array_size(array); i++)
		if (!add_record(&l, json_array_get(array, i), i, &err))
			return give_error(&err, file, reterr);
	return end_loading(&l, &err) || give_error(&err, file, reterr);
}

bool
entities_add_json(struct entities *layer, const json_t *array, const char *file,
    struct error *reterr)
{
	return entities_add_json_by(NULL, layer, array, file, reterr);
}

/* --- text ---------------------------------------------------------------- */

size_t
entities_skip_space(struct str text, size_t at)
{
	static const struct str spaces = STR_INIT(" \t\r\n");

	while (at < text.n && str_find(spaces, text.p[at], 0) < spaces.n)
		at++;
	return at;
}

/* The end of the value at `at`: the comma or bracket behind it. Whether it is a
 * value is for the parser to say. */
static size_t
value_end(struct str text, size_t at)
{
	size_t depth = 0;
	bool in_string = false;

	for (; at < text.n; at++) {
		char c = text.p[at];

		if (in_string && c == '\\')
			at++;
		else if (c == '"')
			in_string = !in_string;
		else if (in_string)
			continue;
		else if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && depth > 0)
			depth--;
		else if (depth == 0 && (c == ',' || c == ']'))
			return at;
	}
	return text.n;
}

/* Whole, for what is small or wrong: then errors have their places. */
static bool
add_whole(const struct schema *schema, struct entities *layer, struct str text,
    const char *file, struct error *reterr)
{
	json_t *json;
	bool ok;

	if (!json_parse(text, file, LIMIT_DATA_FILE_BYTES,
		LIMIT_DATA_FILE_DEPTH, JSON_DATA_FILE, &json, reterr))
		return false;
	ok = entities_add_json_by(schema, layer, json, file, reterr);
	json_decref(json);
	return ok;
}

/* A record that takes no tree to read: *ret_end is behind it. Not so with a
 * schema, which says what each member is. */
static bool
add_plain(struct loading *l, struct entities_kept *kept, struct str text,
    size_t at, size_t *ret_end, bool *ret_is_plain, struct error *err)
{
	struct entity e = { .from = l->by.file };

	*ret_is_plain = false;
	*ret_end = at;
	if (l->by.s)
		return true;
	if (!entities_plain(
		l->layer, kept, text, ret_end, &e, ret_is_plain, err))
		return false;
	*ret_is_plain = *ret_is_plain && *ret_end < text.n &&
			(text.p[*ret_end] == ',' || text.p[*ret_end] == ']');
	return !*ret_is_plain || entities_add(l->layer, &e, err);
}

static bool
add_tree(struct loading *l, struct str text, size_t i, bool *ret_read,
    struct error *err)
{
	json_t *json;

	*ret_read = json_parse(text, l->by.file, LIMIT_DATA_FILE_BYTES,
	    LIMIT_DATA_FILE_DEPTH - 1, JSON_DATA_FILE, &json, NULL);
	if (!*ret_read)
		return false;
	if (!add_record(l, json, i, err)) {
		json_decref(json);
		return false;
	}
	json_decref(json);
	return true;
}

/* The next record, which number `i` is: it knows where it ends. */
static bool
add_next(struct loading *l, struct entities_kept *kept, struct str text,
    size_t i, size_t at, size_t *ret_end, bool *ret_read, struct error *err)
{
	size_t n = l->layer->n;
	bool is_plain;

	*ret_read = true;
	if (!add_plain(l, kept, text, at, ret_end, &is_plain, err))
		return false;
	if (!is_plain) {
		*ret_end = value_end(text, at);
		*ret_read = false;
		if (*ret_end == text.n ||
		    !add_tree(l, str_sub(text, at, *ret_end), i, ret_read, err))
			return false;
	}
	if (l->layer->n > n)
		entities_record(l->layer, n)->end = (uint32_t)*ret_end;
	else
		l->is_apart = false;
	return true;
}

/* The records of the array one by one. *ret_read is false where the text is not
 * an array of JSON values: nothing is said of why. */
static bool
add_each(struct loading *l, struct str text, bool *ret_read, struct error *err)
{
	struct entities_kept kept = { 0 };
	size_t at = entities_skip_space(text, 0) + 1, end;

	*ret_read = false;
	if (at > text.n || text.p[at - 1] != '[')
		return false;
	for (size_t i = 0;; i++, at = end + 1) {
		if (!add_next(l, &kept, text, i, at, &end, ret_read, err))
			return false;
		if (text.p[end] == ']')
			break;
	}
	*ret_read = entities_skip_space(text, end + 1) == text.n;
	return *ret_read && end_loading(l, err);
}

bool
entities_add_next(struct entities *layer, struct entities_kept *kept,
    struct str text, size_t at, const char *file, size_t *ret_end,
    bool *ret_read, struct error *reterr)
{
	struct loading l = loading(NULL, layer, file);

	return add_next(&l, kept, text, 0, at, ret_end, ret_read, reterr);
}

/* *ret_is_apart: each record is a new one, and knows where it ends. */
static bool
add_text(struct loading *l, struct str text, bool *ret_is_apart,
    struct error *reterr)
{
	size_t n = l->layer->n;
	struct error err = { 0 };
	bool was_read = false;

	*ret_is_apart = true;
	if (text.n <= LIMIT_DATA_FILE_BYTES &&
	    add_each(l, text, &was_read, &err)) {
		*ret_is_apart = l->is_apart;
		return true;
	}
	if (was_read)
		return give_error(&err, l->by.file, reterr);
	if (!add_whole(l->by.s, l->layer, text, l->by.file, reterr))
		return false;
	*ret_is_apart = l->layer->n == n;
	return true;
}

bool
entities_add_text_by(const struct schema *schema, struct entities *layer,
    struct str text, const char *file, struct error *reterr)
{
	struct loading l = loading(schema, layer, file);
	bool is_apart;

	return add_text(&l, text, &is_apart, reterr);
}

bool
entities_add_file(struct entities *layer, const char *name, struct str text,
    struct entities_file *ret, struct error *reterr)
{
	struct loading l = loading(NULL, layer, name);
	struct entities_file f = {
		.name = name, .text = text, .first = (uint32_t)layer->n
	};

	if (!add_text(&l, text, &f.is_apart, reterr))
		return false;
	f.n = (uint32_t)layer->n - f.first;
	*ret = f;
	return true;
}

bool
entities_add_text(struct entities *layer, struct str text, const char *file,
    struct error *reterr)
{
	return entities_add_text_by(NULL, layer, text, file, reterr);
}

/* --- out ----------------------------------------------------------------- */

static json_t *
entity_to_json(const struct entity *e)
{
	json_t *parents = json_array(), *json;

	for (size_t i = 0; parents && i < e->n_parents; i++)
		if (json_array_append_new(
			parents, value_uid_to_json(e->parents[i])) != 0) {
			json_decref(parents);
			parents = NULL;
		}
	json = json_pack("{s:o, s:o, s:o}", "uid", value_uid_to_json(e->uid),
	    "attrs", value_to_json(&e->attrs), "parents", parents);
	if (json && e->tags.record.n &&
	    json_object_set_new(json, "tags", value_to_json(&e->tags)) != 0) {
		json_decref(json);
		return NULL;
	}
	return json;
}

static json_t *
json_at(const struct entities *layer, size_t i, struct arena *spare)
{
	const struct entity *e;

	arena_reset(spare);
	return entities_at(layer, i, spare, &e, NULL) ? entity_to_json(e)
						      : NULL;
}

json_t *
entities_to_json(const struct entities *layer)
{
	struct arena *spare = arena_new(0);
	json_t *array = spare ? json_array() : NULL;

	for (size_t i = 0; array && i < entities_count(layer); i++)
		if (json_array_append_new(array, json_at(layer, i, spare)) !=
		    0) {
			json_decref(array);
			array = NULL;
		}
	arena_free(spare);
	return array;
}

static bool
same_file(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool
write_record(const struct entity *e, bool is_first, struct buf *out)
{
	json_t *json = entity_to_json(e);
	bool ok;

	if (!is_first)
		buf_add(out, STR(",\n"));
	ok = json && json_write(out, json);
	json_decref(json);
	return ok;
}

bool
entities_write(const struct entities *layer, size_t *inout_at, struct buf *out)
{
	struct arena *spare = arena_new(0);
	size_t first = *inout_at;
	const char *from = NULL;
	bool ok = spare != NULL;

	buf_byte(out, '[');
	for (; ok && *inout_at < layer->n; ++*inout_at) {
		bool is_first = *inout_at == first;
		const struct entity *e;

		arena_reset(spare);
		ok = entities_at(layer, *inout_at, spare, &e, NULL);
		if (!ok)
			break;
		/* A file's name outlives its records. */
		if (is_first)
			from = e->from;
		if (!same_file(e->from, from))
			break;
		ok = write_record(e, is_first, out);
	}
	arena_free(spare);
	buf_add(out, STR("]\n"));
	return ok && buf_ok(out);
}
