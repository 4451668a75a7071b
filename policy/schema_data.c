/* schema_data.c - JSON data read by declared type.
 * Where an extension value is declared, a string is its constructor's argument
 * and {"fn", "arg"} a call; where an entity is, {"type", "id"} is one; where a
 * record is, `__entity` and `__extn` are names like any other. All else is read
 * as without a schema, and then checked.
 * The schema's actions are records of their own: those that are given are
 * compared with them, each with its groups closed over the given ones. */
#include "policy/schema_data.h"

#include <stdlib.h>

#include "policy/entities.h"
#include "policy/schema_tree.h"
#include "policy/value_json.h"

struct reader {
	struct schema_check check;
	struct arena *arena;
	struct error *err;
};

/* --- values --------------------------------------------------------------- */

static bool read_value(const struct reader *r, const json_t *json,
    const struct type *type, const struct schema_step *at, struct value *ret);

/* As without a schema, which then refuses what is no value. */
static bool
read_plain(const struct reader *r, const json_t *json,
    const struct schema_step *at, struct value *ret)
{
	struct buf where = { 0 };
	bool ok;

	if (json_is_integer(json)) {
		*ret = value_long(json_integer_value(json));
		return true;
	}
	if (json_is_boolean(json)) {
		*ret = value_bool(json_is_true(json));
		return true;
	}
	schema_print_step(&where, at);
	buf_byte(&where, '\0');
	ok = buf_ok(&where)
		 ? value_from_json(r->arena, json, where.p, ret, r->err)
		 : error_nomem(r->err);
	buf_free(&where);
	return ok;
}

static bool
read_string(const struct reader *r, const json_t *json, struct value *ret)
{
	struct str s = str_dup(r->arena, json_str(json));

	if (!s.p)
		return error_nomem(r->err);
	*ret = value_string(s);
	return true;
}

/* The constructor is called as the type is, but for addresses. */
static struct str
constructor(enum value_kind kind)
{
	return kind == VALUE_IP ? STR("ip") : str_of(value_kind_name(kind));
}

static bool
read_extension(const struct reader *r, const json_t *json,
    const struct type *type, const struct schema_step *at, struct value *ret)
{
	struct error e = { 0 };
	struct str text;
	json_t *call;
	bool ok;

	if (json_is_string(json)) {
		text = str_dup(r->arena, json_str(json));
		if (!text.p)
			return error_nomem(r->err);
		return value_construct(
			   constructor(type->extension), text, ret, &e) ||
		       schema_misfit(&r->check, at, "%s", e.msg);
	}
	if (!json_is_string(json_object_get(json, "fn")))
		return read_plain(r, json, at, ret);
	call = json_pack("{s:O}", "__extn", json);
	if (!call)
		return error_nomem(r->err);
	ok = read_plain(r, call, at, ret);
	json_decref(call);
	return ok;
}

static bool
read_entity(const struct reader *r, const json_t *json,
    const struct schema_step *at, struct value *ret)
{
	struct buf where = { 0 };
	bool ok;

	if (!json_is_string(json_object_get(json, "type")) ||
	    !json_is_string(json_object_get(json, "id")))
		return read_plain(r, json, at, ret);
	schema_print_step(&where, at);
	buf_byte(&where, '\0');
	*ret = (struct value){ .kind = VALUE_ENTITY };
	ok = buf_ok(&where) ? value_uid_from_json(
				  r->arena, json, where.p, &ret->uid, r->err)
			    : error_nomem(r->err);
	buf_free(&where);
	return ok;
}

static bool
read_set(const struct reader *r, const json_t *json, const struct type *type,
    const struct schema_step *at, struct value *ret)
{
	size_t n = json_array_size(json);
	struct value *items = ARENA_ARRAY(r->arena, n, struct value);
	const struct schema_step here = { .up = at, .is_item = true };

	if (!json_is_array(json))
		return read_plain(r, json, at, ret);
	if (!items)
		return error_nomem(r->err);
	for (size_t i = 0; i < n; i++)
		if (!read_value(r, json_array_get(json, i), type->element,
			&here, &items[i]))
			return false;
	*ret = value_set_take(items, n);
	return true;
}

/* Fields of a record, or tags, which all have the type `tags`. */
static bool
read_fields(const struct reader *r, const json_t *json,
    const struct type *record, const struct type *tags,
    const struct schema_step *at, struct value *ret)
{
	size_t n = 0, count = json_object_size(json);
	struct value_field *fields =
	    ARENA_ARRAY(r->arena, count, struct value_field);
	const char *key;
	size_t key_n;
	json_t *v;
	struct str dup;

	if (!fields)
		return error_nomem(r->err);
	json_object_keylen_foreach ((json_t *)(uintptr_t)json, key, key_n, v) {
		struct str name = str_dup(r->arena, (struct str){ key, key_n });
		const struct schema_step here = { .up = at, .name = name };
		const struct type_attribute *a =
		    record ? schema_find_attribute(record, name) : NULL;
		const struct type *type = a ? a->type : tags;

		if (!name.p)
			return error_nomem(r->err);
		if (!type)
			return schema_unknown_attribute(
			    &r->check, at, record, name);
		fields[n].name = name;
		if (!read_value(r, v, type, &here, &fields[n].value))
			return false;
		n++;
	}
	return value_record_take(fields, n, ret, &dup) ||
	       schema_misfit(&r->check, at, "the key `%.*s` stands twice",
		   STR_ARG(schema_shown(dup)));
}

static bool
read_value(const struct reader *r, const json_t *json, const struct type *type,
    const struct schema_step *at, struct value *ret)
{
	if (type->kind == TYPE_EXTENSION)
		return read_extension(r, json, type, at, ret);
	if (type->kind == TYPE_ENTITY)
		return read_entity(r, json, at, ret);
	if (type->kind == TYPE_SET)
		return read_set(r, json, type, at, ret);
	if (type->kind == TYPE_RECORD && json_is_object(json))
		return read_fields(r, json, type, NULL, at, ret);
	if (json_is_string(json))
		return read_string(r, json, ret);
	return read_plain(r, json, at, ret);
}

/* --- contexts ------------------------------------------------------------- */

bool
schema_context_from_json(const struct schema *s, struct arena *a,
    struct uid action, const json_t *json, const char *where, struct value *ret,
    struct error *reterr)
{
	struct error err = { 0 };
	const struct reader r = { { s, ERR_SCHEMA_REQUEST, NULL, &err }, a,
		&err };
	const struct schema_step at = { .name = str_of(where) };
	uint32_t i = schema_find_action(s, action);
	bool ok = i == SCHEMA_NONE
		      ? value_from_json(a, json, where, ret, &err)
		      : read_value(&r, json, s->actions[i].context, &at, ret);

	if (ok && ret->kind != VALUE_RECORD)
		ok = schema_misfit(&r.check, &at, "expected an object");
	if (!ok && reterr && !reterr->code)
		*reterr = err;
	return ok;
}

/* --- entities ------------------------------------------------------------- */

bool
schema_add_actions(
    const struct schema *s, struct entities *layer, struct error *reterr)
{
	for (uint32_t i = 0; i < s->n_actions; i++) {
		const struct schema_action *a = &s->actions[i];
		struct uid *parents =
		    ARENA_ARRAY(layer->arena, a->n_parents, struct uid);
		struct entity e = { .uid = a->uid,
			.parents = parents,
			.n_parents = a->n_parents,
			.from = s->file };

		if (!parents)
			return error_nomem(reterr);
		for (uint32_t k = 0; k < a->n_parents; k++)
			parents[k] = s->actions[a->parents[k]].uid;
		if (!entities_add(layer, &e, reterr))
			return false;
	}
	return true;
}

bool
schema_load_fields(const struct schema_loading *l, const json_t *attrs,
    const json_t *tags, struct entity *e, struct error *reterr)
{
	const struct reader r = { { l->s, ERR_SCHEMA_ENTITY, l->file, reterr },
		l->arena, reterr };
	const struct schema_step at = { .uid = &e->uid };
	const struct schema_step in_tags = { .up = &at, .name = STR("tags") };
	uint32_t i = schema_find_type(l->s, e->uid.type);
	const struct schema_entity_type *t = NULL;

	if (i != SCHEMA_NONE)
		t = &l->s->types[i];
	else if (!uid_type_is_action(e->uid.type))
		return schema_undeclared(&r.check, &at, e->uid.type);
	if (!t)
		return value_fields_from_json(l->arena, attrs,
			   entities_show(e->uid).text, &e->attrs, reterr) &&
		       (!tags ||
			   value_fields_from_json(l->arena, tags,
			       entities_show(e->uid).text, &e->tags, reterr));
	if (!read_fields(&r, attrs, t->shape, NULL, &at, &e->attrs))
		return false;
	if (!json_object_size(tags))
		return true;
	if (!t->tags)
		return schema_misfit(
		    &r.check, &at, "an entity of this type has no tags");
	return read_fields(&r, tags, NULL, t->tags, &in_tags, &e->tags);
}

bool
schema_load_record(struct schema_loading *l, struct entities *layer,
    const struct entity *e, struct error *reterr)
{
	const struct schema_check c = { l->s, ERR_SCHEMA_ENTITY, l->file,
		reterr };
	const struct schema_step at = { .uid = &e->uid };

	if (!uid_type_is_action(e->uid.type))
		return schema_check_entity(l->s, layer, e, reterr) &&
		       entities_add(layer, e, reterr);
	if (schema_find_action(l->s, e->uid) == SCHEMA_NONE)
		return schema_misfit(&c, &at,
		    "the schema declares no action `%s`",
		    entities_show(e->uid).text);
	if (e->attrs.record.n || (e->tags.kind && e->tags.record.n))
		return schema_misfit(
		    &c, &at, "an action has neither attributes nor tags");
	if (!ARENA_PUSH_ROOM(l->arena, l->given, l->n, l->cap))
		return error_nomem(reterr);
	l->given[l->n++] =
	    (struct schema_given){ e->uid, e->parents, e->n_parents };
	return true;
}

static int
by_uid(const void *a, const void *b)
{
	const struct schema_given *x = a, *y = b;

	return uid_cmp(x->uid, y->uid);
}

/* The same groups, whatever their order. */
static bool
is_same(const struct schema_given *x, const struct schema_given *y)
{
	for (size_t i = 0; i < x->n_parents; i++) {
		bool there = false;

		for (size_t k = 0; !there && k < y->n_parents; k++)
			there = uid_eq(x->parents[i], y->parents[k]);
		if (!there)
			return false;
	}
	return true;
}

static bool
check_repeats(const struct schema_loading *l, struct error *reterr)
{
	for (size_t i = 1; i < l->n; i++) {
		const struct schema_given *x = &l->given[i - 1], *y = x + 1;

		if (uid_eq(x->uid, y->uid) &&
		    (!is_same(x, y) || !is_same(y, x)))
			return error_set(reterr, ERR_ENTITY_DUPLICATE,
			    (struct span){ .file = l->file },
			    "`%s` has two different records",
			    entities_show(x->uid).text);
	}
	return true;
}

struct closing {
	const struct schema_loading *l;
	const struct schema_given **at; /* of each action of the schema */
	uint32_t *stack, *seen; /* seen[i]: last reached for this action, + 1 */
};

/* The groups of one given action, closed over the given ones: as many as the
 * schema says, and none other? */
static bool
is_declared(struct closing *c, uint32_t action)
{
	const struct schema *s = c->l->s;
	const struct schema_action *a = &s->actions[action];
	uint32_t n = 0;

	for (uint32_t at = action, next = 0;; at = c->stack[next++]) {
		const struct schema_given *g = c->at[at];

		for (size_t i = 0; g && i < g->n_parents; i++) {
			uint32_t group = schema_find_action(s, g->parents[i]);

			if (!schema_has_id(a->ancestors, a->n_ancestors, group))
				return false;
			if (c->seen[group] == action + 1)
				continue;
			c->seen[group] = action + 1;
			c->stack[n++] = group;
		}
		if (next == n)
			return n == a->n_ancestors;
	}
}

bool
schema_load_end(struct schema_loading *l, struct error *reterr)
{
	const struct schema *s = l->s;
	struct closing c = { .l = l };
	const struct schema_check check = { s, ERR_SCHEMA_ENTITY, l->file,
		reterr };

	if (!l->n)
		return true;
	qsort(l->given, l->n, sizeof *l->given, by_uid);
	if (!check_repeats(l, reterr))
		return false;
	c.at = ARENA_ARRAY(l->arena, s->n_actions, const struct schema_given *);
	c.stack = ARENA_ARRAY(l->arena, s->n_actions, uint32_t);
	c.seen = ARENA_ARRAY(l->arena, s->n_actions, uint32_t);
	if (!c.at || !c.stack || !c.seen)
		return error_nomem(reterr);
	for (size_t i = 0; i < l->n; i++)
		c.at[schema_find_action(s, l->given[i].uid)] = &l->given[i];
	for (uint32_t i = 0; i < s->n_actions; i++) {
		const struct schema_step at = { .uid = &s->actions[i].uid };

		if (c.at[i] && !is_declared(&c, i))
			return schema_misfit(&check, &at,
			    "its groups are not those that the schema "
			    "declares");
	}
	return true;
}

bool
schema_add_entities(const struct schema *s, struct entities *layer,
    const json_t *array, const char *file, struct error *reterr)
{
	return entities_add_json_by(s, layer, array, file, reterr);
}

bool
schema_add_entities_text(const struct schema *s, struct entities *layer,
    struct str text, const char *file, struct error *reterr)
{
	return entities_add_text_by(s, layer, text, file, reterr);
}
