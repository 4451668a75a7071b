/* parse_json.c - policy sets in Cedar's JSON to the tree that text gives.
 * Form: Cedar 4.5's JSON policy format and its policy sets. Unknown keys are
 * refused everywhere, since a key that is passed over may be one that was meant
 * to narrow a policy. Keys with NUL cannot be read (base/json.h).
 * Limits: LIMIT_POLICY_JSON_DEPTH, LIMIT_NESTING, LIMIT_POLICIES. */
#include "policy/parse_json.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/limits.h"
#include "policy/hint.h"
#include "policy/value_json.h"

/* ---- places and reports ----------------------------------------------------
 */

struct json_place
reader_place(const struct reader *r, const json_t *value, const json_t *around)
{
	struct json_place place = { 0 }, outer = { 0 };

	if (value && json_places_find(r->places, value, &place))
		return place;
	if (around && json_places_find(r->places, around, &outer))
		return outer;
	return place;
}

struct error *
reader_refuse(struct reader *r, enum err_code code, struct json_place at,
    const char *fmt, ...)
{
	char msg[sizeof((struct error *)0)->msg];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(msg, sizeof msg, fmt, ap);
	va_end(ap);
	return parse_refuse(&r->p, code,
	    (struct token){ .off = at.off, .len = at.len }, "%s", msg);
}

static const char *
kind_of(const json_t *value)
{
	if (!value || json_is_null(value))
		return "null";
	if (json_is_object(value))
		return "an object";
	if (json_is_array(value))
		return "an array";
	if (json_is_string(value))
		return "a string";
	return json_is_boolean(value) ? "a boolean" : "a number";
}

static bool
refuse_kind(struct reader *r, const json_t *value, const json_t *around,
    const char *want)
{
	(void)reader_refuse(r, ERR_JSON_SHAPE, reader_place(r, value, around),
	    "expected %s, found %s", want, kind_of(value));
	return false;
}

struct str
reader_copy(struct reader *r, struct str s)
{
	struct str copy = str_dup(r->p.arena, s);

	if (!copy.p)
		r->p.nodes.failed = true;
	return copy;
}

static void
refuse_key(struct reader *r, struct json_place at, struct str key,
    const char *const *keys)
{
	const char *near = hint_nearest(key, keys);
	struct error *e;

	if (at.key_len) {
		at.off = at.key_off;
		at.len = at.key_len;
	}
	e = reader_refuse(r, ERR_JSON_SHAPE, at, "unknown key `%.*s`",
	    STR_ARG(str_sub(key, 0, 80)));
	if (near)
		error_hint(e, "did you mean `%s`?", near);
}

bool
reader_check_object(struct reader *r, const json_t *value, const json_t *around,
    const char *const *keys)
{
	json_t *object = (json_t *)(uintptr_t)value, *member;
	const char *key;
	size_t key_n;
	bool ok = true;

	if (!json_is_object(value))
		return refuse_kind(r, value, around, "an object");
	json_object_keylen_foreach(object, key, key_n, member)
	{
		struct str name = { key, key_n };
		size_t i = 0;

		while (keys[i] && !str_eq(name, str_of(keys[i])))
			i++;
		if (keys[i])
			continue;
		refuse_key(r, reader_place(r, member, value), name, keys);
		ok = false;
	}
	return ok;
}

const json_t *
reader_member(struct reader *r, const json_t *object, const json_t *around,
    const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (!value)
		(void)reader_refuse(r, ERR_JSON_SHAPE,
		    reader_place(r, object, around), "`%s` is missing", key);
	return value;
}

struct str
reader_string(struct reader *r, const json_t *value, const json_t *around)
{
	if (json_is_string(value))
		return reader_copy(r, json_str(value));
	(void)refuse_kind(r, value, around, "a string");
	return (struct str){ 0 };
}

bool
reader_uid(struct reader *r, const json_t *value, const json_t *around,
    enum ast_var var, struct uid *ret)
{
	static const char *const keys[] = { "type", "id", NULL };
	struct json_place at = reader_place(r, value, around);
	const json_t *inner = json_object_get(value, "__entity");
	struct error e = { 0 };
	struct uid uid;

	if (!json_is_object(value))
		return refuse_kind(r, value, around, "an entity");
	if (inner && json_object_size(value) == 1)
		value = inner;
	if (!reader_check_object(r, value, around, keys))
		return false;
	if (!value_uid_view(value, "entity", &uid, &e)) {
		(void)reader_refuse(r, e.code, at, "%s", e.msg);
		return false;
	}
	if (var == VAR_ACTION && !parse_is_action_type(uid.type)) {
		(void)reader_refuse(r, ERR_NAME_ACTION, at,
		    "expected a type that ends in `Action`, found `%.*s`",
		    STR_ARG(str_sub(uid.type, 0, 80)));
		return false;
	}
	*ret = (struct uid){ reader_copy(r, uid.type), reader_copy(r, uid.id) };
	return true;
}

/* ---- links -----------------------------------------------------------------
 */

static bool
read_bindings(struct reader *r, const json_t *values, const json_t *around,
    struct ast_link *link)
{
	static const char *const keys[] = { "?principal", "?resource", NULL };
	bool ok = reader_check_object(r, values, around, keys);

	for (unsigned i = 0; ok && i < 2; i++) {
		const json_t *value = json_object_get(values, keys[i]);
		struct json_place at = reader_place(r, value, values);

		if (!value)
			continue;
		ok = reader_uid(r, value, values,
		    i ? VAR_RESOURCE : VAR_PRINCIPAL, &link->slot[i]);
		link->bound[i] = ok;
		link->slot_off[i] = at.key_len ? at.key_off : at.off;
		link->slot_len[i] = at.key_len ? at.key_len : at.len;
	}
	return ok;
}

static void
read_link(struct reader *r, const json_t *json, const json_t *around)
{
	static const char *const keys[] = { "templateId", "newId", "values",
		NULL };
	const json_t *of, *id, *values;
	struct json_place at = reader_place(r, json, around), of_at, id_at;
	struct ast_link link = { .off = at.off, .len = at.len };

	if (!reader_check_object(r, json, around, keys))
		return;
	of = reader_member(r, json, around, "templateId");
	id = reader_member(r, json, around, "newId");
	values = reader_member(r, json, around, "values");
	if (!of || !id || !values)
		return;
	of_at = reader_place(r, of, json);
	id_at = reader_place(r, id, json);
	link.template_id = reader_string(r, of, json);
	link.template_off = of_at.off;
	link.template_len = of_at.len;
	link.id = reader_string(r, id, json);
	link.id_off = id_at.off;
	link.id_len = id_at.len;
	if (link.template_id.p && link.id.p &&
	    read_bindings(r, values, json, &link))
		buf_add(&r->p.links,
		    (struct str){ (const char *)&link, sizeof link });
}

static void
read_links(struct reader *r, const json_t *list, const json_t *around)
{
	json_t *item;
	size_t i;

	if (!list)
		return;
	if (!json_is_array(list)) {
		(void)refuse_kind(r, list, around, "an array of links");
		return;
	}
	json_array_foreach (list, i, item)
		read_link(r, item, list);
}

/* ---- the set ---------------------------------------------------------------
 */

static void
read_set(struct reader *r, const json_t *root)
{
	static const char *const keys[] = { "staticPolicies", "templates",
		"templateLinks", NULL };
	static const struct ast_node error_node = { .kind = NODE_ERROR };

	(void)build_node(&r->p, &error_node);
	if (!reader_check_object(r, root, NULL, keys))
		return;
	for (unsigned i = 0; i < 2; i++) {
		const json_t *part = json_object_get(root, keys[i]);

		if (part && json_object_size(part) > 0)
			(void)reader_refuse(r, ERR_SYNTAX_UNSUPPORTED,
			    reader_place(r, part, root),
			    "policies in JSON are not supported yet");
	}
	read_links(r, json_object_get(root, "templateLinks"), root);
}

bool
parse_json_policies(struct arena *a, const struct source *source,
    struct ast **ret, struct errors *reterr)
{
	struct reader r = {
		.p = { .arena = a, .source = source, .errors = reterr }
	};
	struct arena *places = arena_new(0);
	struct error e = { 0 };
	json_t *root = NULL;
	bool ok = places != NULL || error_nomem(&e), built;

	ok = ok &&
	     json_parse(source->text, source->file, LIMIT_POLICY_FILE_BYTES,
		 LIMIT_POLICY_JSON_DEPTH, JSON_DATA_FILE, &root, &e);
	ok = ok && json_places_new(places, source->text, root, &r.places, &e);
	if (ok)
		read_set(&r, root);
	else
		(void)errors_take(reterr, &e);
	json_decref(root);
	arena_free(places);
	built = build_ast(&r.p, ret);
	build_free(&r.p);
	if (built) {
		(*ret)->is_json = true;
		return ok && !r.p.failed;
	}
	e = (struct error){ 0 };
	(void)error_nomem(&e);
	return errors_take(reterr, &e);
}
