/* value_json.c - Cedar's JSON values, both ways, without a schema.
 * An object whose only member is `__entity` or `__extn`, in its exact shape, is
 * an entity or a call; with anything beside it, it is an ordinary record. JSON
 * null and reals have no value. Depth: LIMIT_DATA_FILE_DEPTH, as the reader of
 * the text has it, so recursion is bounded whoever made the json_t. */
#include "policy/value_json.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/timefmt.h"
#include "policy/ext.h"

/* Where we are, for messages: a list that lies on the stack. */
struct place {
	const struct place *up;
	const char *name; /* of the root, or a key; NULL: an index */
	size_t index;
	unsigned depth;
};

static void
print_place(struct buf *out, const struct place *p)
{
	if (p->up)
		print_place(out, p->up);
	if (!p->up)
		buf_addz(out, p->name);
	else if (p->name)
		buf_printf(out, ".%s", p->name);
	else
		buf_printf(out, "[%zu]", p->index);
}

static bool refuse(struct error *reterr, enum err_code code,
    const struct place *p, const char *fmt, ...) PRINTF_LIKE(4, 5);

/* "`context.a[0]`: " and the message. */
static bool
refuse(struct error *reterr, enum err_code code, const struct place *p,
    const char *fmt, ...)
{
	struct buf where = { 0 };
	char what[160];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	print_place(&where, p);
	(void)error_set(reterr, code, SPAN_NONE, "`%.*s`: %s",
	    STR_ARG(str_sub(buf_str(&where), 0, 100)), what);
	buf_free(&where);
	return false;
}

static bool from_json(struct arena *a, const json_t *json,
    const struct place *at, struct value *ret, struct error *reterr);

static bool
list_from_json(struct arena *a, const json_t *json, const struct place *at,
    struct value **ret_items, size_t *ret_n, struct error *reterr)
{
	size_t n = json_array_size(json);
	struct value *items = ARENA_ARRAY(a, n, struct value);

	if (!items)
		return error_nomem(reterr);
	for (size_t i = 0; i < n; i++) {
		struct place here = { at, NULL, i, at->depth + 1 };

		if (!from_json(
			a, json_array_get(json, i), &here, &items[i], reterr))
			return false;
	}
	*ret_items = items;
	*ret_n = n;
	return true;
}

static bool
record_from_json(struct arena *a, const json_t *json, const struct place *at,
    struct value *ret, struct error *reterr)
{
	size_t n = 0, count = json_object_size(json);
	struct value_field *fields = ARENA_ARRAY(a, count, struct value_field);
	const char *key;
	size_t key_n;
	json_t *value;
	struct str dup;

	if (!fields)
		return error_nomem(reterr);
	json_object_keylen_foreach (
	    (json_t *)(uintptr_t)json, key, key_n, value) {
		struct place here = { at, key, 0, at->depth + 1 };

		fields[n].name = str_dup(a, (struct str){ key, key_n });
		if (!fields[n].name.p)
			return error_nomem(reterr);
		if (!from_json(a, value, &here, &fields[n].value, reterr))
			return false;
		n++;
	}
	if (!value_record_take(fields, n, ret, &dup))
		return refuse(reterr, ERR_JSON_DUPLICATE, at,
		    "the key `%.*s` stands twice",
		    STR_ARG(str_sub(dup, 0, 60)));
	return true;
}

/* {"type": string, "id": string}, whatever else is in it. */
static bool
is_uid_object(const json_t *json)
{
	return json_is_string(json_object_get(json, "type")) &&
	       json_is_string(json_object_get(json, "id"));
}

static bool
uid_from_object(const json_t *json, const struct place *at, struct uid *ret,
    struct error *reterr)
{
	struct uid uid;
	struct str shown;

	uid.type = json_str(json_object_get(json, "type"));
	uid.id = json_str(json_object_get(json, "id"));
	shown = str_sub(uid.type, 0, 80);
	if (!uid_type_is_valid(uid.type))
		return refuse(reterr, ERR_JSON_SHAPE, at,
		    "`%.*s` is no entity type", STR_ARG(shown));
	*ret = uid;
	return true;
}

static bool
uid_dup(struct arena *a, struct uid uid, struct uid *ret, struct error *reterr)
{
	uid.type = str_dup(a, uid.type);
	uid.id = str_dup(a, uid.id);
	if (!uid.type.p || !uid.id.p)
		return error_nomem(reterr);
	*ret = uid;
	return true;
}

/* {"fn": string, "arg": value} or {"fn": string, "args": [value, …]}. */
static bool
is_call_object(const json_t *json)
{
	return json_is_string(json_object_get(json, "fn")) &&
	       (json_object_get(json, "arg") ||
		   json_is_array(json_object_get(json, "args")));
}

static bool
call_from_object(struct arena *a, const json_t *json, const struct place *at,
    struct value *ret, struct error *reterr)
{
	struct str name = json_str(json_object_get(json, "fn"));
	const json_t *arg = json_object_get(json, "arg");
	enum ast_op op = ext_find(name);
	struct place here = { at, arg ? "arg" : "args", 0, at->depth + 1 };
	struct value single, *args = &single;
	struct error err = { 0 };
	size_t n = 1;

	if (op == OP_NONE)
		return refuse(reterr, ERR_NAME_FUNCTION, at,
		    "no extension function is called `%.*s`",
		    STR_ARG(str_sub(name, 0, 60)));
	if (arg && !from_json(a, arg, &here, &single, reterr))
		return false;
	if (!arg && !list_from_json(a, json_object_get(json, "args"), &here,
			&args, &n, reterr))
		return false;
	if (!ext_call(op, args, n, SPAN_NONE, ret, &err))
		return refuse(reterr, err.code, at, "%s", err.msg);
	return true;
}

static bool
object_from_json(struct arena *a, const json_t *json, const struct place *at,
    struct value *ret, struct error *reterr)
{
	const json_t *entity = json_object_get(json, "__entity");
	const json_t *call = json_object_get(json, "__extn");
	struct uid uid;

	if (json_object_size(json) != 1)
		return record_from_json(a, json, at, ret, reterr);
	if (json_is_string(json_object_get(json, "__expr")))
		return refuse(reterr, ERR_JSON_SHAPE, at,
		    "`__expr` is not supported; use `__entity` or `__extn`");
	if (call && is_call_object(call))
		return call_from_object(a, call, at, ret, reterr);
	if (!entity || !is_uid_object(entity))
		return record_from_json(a, json, at, ret, reterr);
	if (!uid_from_object(entity, at, &uid, reterr) ||
	    !uid_dup(a, uid, &uid, reterr))
		return false;
	*ret = value_entity(uid);
	return true;
}

static bool
string_from_json(struct arena *a, const json_t *json, struct value *ret,
    struct error *reterr)
{
	struct str s = str_dup(a, json_str(json));

	if (!s.p)
		return error_nomem(reterr);
	*ret = value_string(s);
	return true;
}

static bool
from_json(struct arena *a, const json_t *json, const struct place *at,
    struct value *ret, struct error *reterr)
{
	struct value *items;
	size_t n;

	if (at->depth > LIMIT_DATA_FILE_DEPTH)
		return error_set(reterr, ERR_LIMIT_DEPTH, SPAN_NONE,
		    "JSON is nested deeper than %u levels",
		    LIMIT_DATA_FILE_DEPTH);
	switch (json_typeof(json)) {
	case JSON_OBJECT:
		return object_from_json(a, json, at, ret, reterr);
	case JSON_ARRAY:
		if (!list_from_json(a, json, at, &items, &n, reterr))
			return false;
		*ret = value_set_take(items, n);
		return true;
	case JSON_STRING:
		return string_from_json(a, json, ret, reterr);
	case JSON_INTEGER:
		*ret = value_long(json_integer_value(json));
		return true;
	case JSON_TRUE:
	case JSON_FALSE:
		*ret = value_bool(json_is_true(json));
		return true;
	case JSON_REAL:
		return refuse(reterr, ERR_JSON_SHAPE, at,
		    "numbers are whole and written as such, found a real");
	case JSON_NULL:
		break;
	}
	return refuse(reterr, ERR_JSON_SHAPE, at, "`null` is no value");
}

bool
value_from_json(struct arena *a, const json_t *json, const char *where,
    struct value *ret, struct error *reterr)
{
	struct place at = { .name = where };

	return from_json(a, json, &at, ret, reterr);
}

bool
value_fields_from_json(struct arena *a, const json_t *json, const char *where,
    struct value *ret, struct error *reterr)
{
	struct place at = { .name = where };

	if (!json_is_object(json))
		return refuse(
		    reterr, ERR_JSON_SHAPE, &at, "expected an object");
	return record_from_json(a, json, &at, ret, reterr);
}

bool
value_uid_view(const json_t *json, const char *where, struct uid *ret,
    struct error *reterr)
{
	struct place at = { .name = where };
	const json_t *inner = json_object_get(json, "__entity");

	if (inner && is_uid_object(inner))
		json = inner;
	if (!is_uid_object(json))
		return refuse(reterr, ERR_JSON_SHAPE, &at,
		    "expected {\"type\": ..., \"id\": ...}");
	return uid_from_object(json, &at, ret, reterr);
}

bool
value_uid_from_json(struct arena *a, const json_t *json, const char *where,
    struct uid *ret, struct error *reterr)
{
	struct uid uid;

	return value_uid_view(json, where, &uid, reterr) &&
	       uid_dup(a, uid, ret, reterr);
}

/* --- out --------------------------------------------------------------- */

json_t *
value_uid_to_json(struct uid uid)
{
	return json_pack("{s:o, s:o}", "type", json_from_str(uid.type), "id",
	    json_from_str(uid.id));
}

static json_t *
list_to_json(const struct value *v)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < v->set.n; i++)
		if (json_array_append_new(
			list, value_to_json(&v->set.items[i])) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *
fields_to_json(const struct value *v)
{
	json_t *object = json_object();

	for (size_t i = 0; object && i < v->record.n; i++) {
		const struct value_field *f = &v->record.fields[i];

		if (json_object_setn_new(object, f->name.p ? f->name.p : "",
			f->name.n, value_to_json(&f->value)) != 0) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

static json_t *
call_to_json(const char *function, struct str text)
{
	return json_pack("{s:{s:s, s:o}}", "__extn", "fn", function, "arg",
	    json_from_str(text));
}

/* A time without text: made by evaluation, or beyond what text can say. */
static json_t *
time_to_json(const struct value *v)
{
	struct buf text = { 0 };
	json_t *out = NULL;
	int64_t ms;

	if (v->kind == VALUE_DURATION)
		time_print_duration(&text, v->number);
	else
		time_print_datetime(&text, v->number);
	if (!buf_ok(&text))
		;
	else if (v->kind == VALUE_DURATION)
		out = call_to_json("duration", buf_str(&text));
	else if (time_parse_datetime(buf_str(&text), &ms))
		out = call_to_json("datetime", buf_str(&text));
	else {
		text.n = 0;
		buf_printf(&text, "%" PRId64 "ms", v->number);
		if (buf_ok(&text))
			out = json_pack("{s:{s:s, s:[o, o]}}", "__extn", "fn",
			    "offset", "args",
			    call_to_json("datetime", STR("1970-01-01")),
			    call_to_json("duration", buf_str(&text)));
	}
	buf_free(&text);
	return out;
}

json_t *
value_to_json(const struct value *v)
{
	switch (v->kind) {
	case VALUE_BOOL:
		return json_boolean(v->boolean);
	case VALUE_LONG:
		return json_integer(v->number);
	case VALUE_STRING:
		return json_from_str(v->string);
	case VALUE_ENTITY:
		return json_pack(
		    "{s:o}", "__entity", value_uid_to_json(v->uid));
	case VALUE_SET:
		return list_to_json(v);
	case VALUE_RECORD:
		return fields_to_json(v);
	case VALUE_IP:
		return call_to_json("ip", v->text);
	case VALUE_DECIMAL:
		return call_to_json("decimal", v->text);
	case VALUE_DATETIME:
		return v->text.n ? call_to_json("datetime", v->text)
				 : time_to_json(v);
	case VALUE_DURATION:
		return v->text.n ? call_to_json("duration", v->text)
				 : time_to_json(v);
	case VALUE_VERSION:
	case VALUE_DEBVERSION:
	case VALUE_RPMVERSION:
		return call_to_json(value_kind_name(v->kind), v->text);
	case VALUE_NONE:
	case VALUE_UNKNOWN:
		break;
	}
	return json_null();
}
