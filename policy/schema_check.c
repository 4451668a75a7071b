/* schema_check.c - does data fit the schema? Values, entities, requests.
 * Records are closed: what is not declared may not be there. An entity's direct
 * parents are checked; as the types' ancestors are closed, what is farther up
 * is checked with the record it is a parent in.
 * Recursion is as deep as the value and its type, both bounded. */
#include "policy/schema_data.h"

#include <stdarg.h>
#include <stdio.h>

#include "policy/entities.h"
#include "policy/hint.h"

/* --- messages ------------------------------------------------------------- */

void
schema_print_step(struct buf *out, const struct schema_step *at)
{
	if (at->up)
		schema_print_step(out, at->up);
	if (at->uid)
		value_print_uid(out, *at->uid);
	if (at->is_item)
		buf_addz(out, "[]");
	else if (at->up)
		buf_byte(out, '.');
	buf_add(out, at->name);
}

bool
schema_misfit(const struct schema_check *c, const struct schema_step *at,
    const char *fmt, ...)
{
	struct span span = { .file = c->file };
	struct buf where = { 0 };
	char what[180];
	va_list ap;

	if (!c->err || c->err->code)
		return false;
	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	schema_print_step(&where, at);
	(void)error_set(c->err, c->code, span, "`%.*s`: %s",
	    STR_ARG(str_sub(buf_str(&where), 0, 120)), what);
	buf_free(&where);
	return false;
}

/* Words of a hint, collected. */
static void
add_word(struct buf *words, struct str word)
{
	buf_add(words, (struct str){ (const char *)&word, sizeof word });
}

static void
hint_near(struct error *err, struct str word, struct buf *words)
{
	const struct str *list = (const struct str *)(const void *)words->p;
	const struct str *near = NULL;

	if (err && !err->hint[0] && buf_ok(words) && words->n)
		near = hint_nearest_of(word, list, words->n / sizeof *list);
	if (near && !str_eq(*near, word))
		error_hint(err, "did you mean `%.*s`?",
		    STR_ARG(str_sub(*near, 0, 80)));
	buf_free(words);
}

bool
schema_undeclared(
    const struct schema_check *c, const struct schema_step *at, struct str type)
{
	struct buf words = { 0 };
	bool is_first = c->err && !c->err->code;

	(void)schema_misfit(c, at, "the schema declares no entity type `%.*s`",
	    STR_ARG(str_sub(type, 0, 80)));
	if (!is_first)
		return false;
	for (uint32_t i = 0; i < c->s->n_types; i++)
		add_word(&words, c->s->types[i].name);
	hint_near(c->err, type, &words);
	return false;
}

bool
schema_unknown_attribute(const struct schema_check *c,
    const struct schema_step *at, const struct type *record, struct str name)
{
	struct buf words = { 0 };
	bool is_first = c->err && !c->err->code;

	(void)schema_misfit(c, at,
	    "the schema declares no attribute `%.*s` here",
	    STR_ARG(str_sub(name, 0, 80)));
	if (!is_first)
		return false;
	for (uint32_t i = 0; i < record->record.n; i++)
		add_word(&words, record->record.attributes[i].name);
	hint_near(c->err, name, &words);
	return false;
}

static bool
wrong_kind(const struct schema_check *c, const struct schema_step *at,
    const struct type *type, const struct value *v)
{
	struct buf want = { 0 };

	if (!c->err || c->err->code)
		return false;
	schema_print_type(c->s, type, &want);
	(void)schema_misfit(c, at, "expected %.*s, found %s %s",
	    STR_ARG(str_sub(buf_str(&want), 0, 100)),
	    strchr("aeiou", value_kind_name(v->kind)[0]) ? "an" : "a",
	    value_kind_name(v->kind));
	buf_free(&want);
	return false;
}

/* --- values --------------------------------------------------------------- */

/* Where ids are enumerated, or actions declared, is it one of them? */
static bool
check_id(
    const struct schema_check *c, struct uid uid, const struct schema_step *at)
{
	uint32_t i = schema_find_type(c->s, uid.type);
	struct buf words = { 0 };
	const struct schema_entity_type *t;

	if (i == SCHEMA_NONE && uid_type_is_action(uid.type) &&
	    schema_find_action(c->s, uid) == SCHEMA_NONE)
		return schema_misfit(c, at,
		    "the schema declares no action `%s`",
		    entities_show(uid).text);
	if (i == SCHEMA_NONE || !c->s->types[i].ids ||
	    schema_lists_id(&c->s->types[i], uid.id))
		return true;
	t = &c->s->types[i];
	(void)schema_misfit(c, at, "`%s` is none of the ids of `%.*s`",
	    entities_show(uid).text, STR_ARG(str_sub(t->name, 0, 60)));
	for (uint32_t k = 0; c->err && k < t->n_ids; k++)
		add_word(&words, t->ids[k]);
	hint_near(c->err, uid.id, &words);
	return false;
}

static bool
check_entity_value(const struct schema_check *c, const struct value *v,
    const struct type *type, const struct schema_step *at)
{
	if (v->kind != VALUE_ENTITY)
		return wrong_kind(c, at, type, v);
	if (type->entity != SCHEMA_NONE &&
	    !str_eq(v->uid.type, schema_type_name(c->s, type->entity)))
		return schema_misfit(c, at, "expected %.*s, found `%s`",
		    STR_ARG(
			str_sub(schema_type_name(c->s, type->entity), 0, 80)),
		    entities_show(v->uid).text);
	return check_id(c, v->uid, at);
}

static bool
check_record(const struct schema_check *c, const struct value *v,
    const struct type *type, const struct schema_step *at)
{
	if (v->kind != VALUE_RECORD)
		return wrong_kind(c, at, type, v);
	for (size_t i = 0; i < v->record.n; i++) {
		const struct value_field *f = &v->record.fields[i];
		const struct type_attribute *a =
		    schema_find_attribute(type, f->name);
		struct schema_step here = { .up = at, .name = f->name };

		if (!a)
			return schema_unknown_attribute(c, at, type, f->name);
		if (!schema_check_value(c, &f->value, a->type, &here))
			return false;
	}
	for (uint32_t i = 0; i < type->record.n; i++) {
		const struct type_attribute *a = &type->record.attributes[i];

		if (a->required && !value_get(v, a->name))
			return schema_misfit(c, at,
			    "the attribute `%.*s` is missing",
			    STR_ARG(str_sub(a->name, 0, 80)));
	}
	return true;
}

static bool
check_set(const struct schema_check *c, const struct value *v,
    const struct type *type, const struct schema_step *at)
{
	struct schema_step here = { .up = at, .is_item = true };

	if (v->kind != VALUE_SET)
		return wrong_kind(c, at, type, v);
	for (size_t i = 0; i < v->set.n; i++)
		if (!schema_check_value(
			c, &v->set.items[i], type->element, &here))
			return false;
	return true;
}

bool
schema_check_value(const struct schema_check *c, const struct value *v,
    const struct type *type, const struct schema_step *at)
{
	bool fits = false;

	switch (type->kind) {
	case TYPE_NEVER:
		break;
	case TYPE_BOOL:
		fits = v->kind == VALUE_BOOL;
		break;
	case TYPE_TRUE:
	case TYPE_FALSE:
		fits = v->kind == VALUE_BOOL &&
		       v->boolean == (type->kind == TYPE_TRUE);
		break;
	case TYPE_LONG:
		fits = v->kind == VALUE_LONG;
		break;
	case TYPE_STRING:
		fits = v->kind == VALUE_STRING;
		break;
	case TYPE_EXTENSION:
		fits = v->kind == type->extension;
		break;
	case TYPE_SET:
		return check_set(c, v, type, at);
	case TYPE_RECORD:
		return check_record(c, v, type, at);
	case TYPE_ENTITY:
		return check_entity_value(c, v, type, at);
	}
	return fits || wrong_kind(c, at, type, v);
}

bool
schema_value_is(
    const struct schema *s, const struct value *v, const struct type *type)
{
	const struct schema_check c = { .s = s, .code = ERR_SCHEMA_ENTITY };
	const struct schema_step at = { .name = STR("value") };

	return schema_check_value(&c, v, type, &at);
}

/* --- entities ------------------------------------------------------------- */

static bool
check_parents(const struct schema_check *c, const struct entity *e,
    const struct schema_entity_type *t, const struct schema_step *at)
{
	for (size_t i = 0; i < e->n_parents; i++) {
		struct uid parent = e->parents[i];
		uint32_t type = schema_find_type(c->s, parent.type);

		if (type == SCHEMA_NONE ||
		    !schema_has_id(t->ancestors, t->n_ancestors, type))
			return schema_misfit(c, at,
			    "an entity of this type may not be in `%s`",
			    entities_show(parent).text);
		if (!check_id(c, parent, at))
			return false;
	}
	return true;
}

static bool
check_tags(const struct schema_check *c, const struct entity *e,
    const struct schema_entity_type *t, const struct schema_step *at)
{
	const struct schema_step tags = { .up = at, .name = STR("tags") };

	if (e->tags.kind != VALUE_RECORD || !e->tags.record.n)
		return true;
	if (!t->tags)
		return schema_misfit(
		    c, at, "an entity of this type has no tags");
	for (size_t i = 0; i < e->tags.record.n; i++) {
		const struct value_field *f = &e->tags.record.fields[i];
		const struct schema_step here = { .up = &tags,
			.name = f->name };

		if (!schema_check_value(c, &f->value, t->tags, &here))
			return false;
	}
	return true;
}

/* The parents of an action in `layer`, as far as it has a record. */
static bool
is_in_layer(const struct entities *layer, struct uid action, struct uid group)
{
	return layer && entities_in(layer, action, group);
}

/* Is its closure the schema's? */
static bool
check_action(const struct schema_check *c, const struct entities *layer,
    const struct entity *e, const struct schema_step *at)
{
	uint32_t i = schema_find_action(c->s, e->uid);
	const struct schema_action *a;
	bool same = true;

	if (i == SCHEMA_NONE)
		return check_id(c, e->uid, at);
	a = &c->s->actions[i];
	if ((e->attrs.kind == VALUE_RECORD && e->attrs.record.n) ||
	    (e->tags.kind == VALUE_RECORD && e->tags.record.n))
		return schema_misfit(
		    c, at, "an action has neither attributes nor tags");
	for (uint32_t k = 0; same && k < a->n_ancestors; k++) {
		struct uid group = c->s->actions[a->ancestors[k]].uid;

		same = is_in_layer(layer, e->uid, group);
		for (size_t p = 0; !same && p < e->n_parents; p++)
			same = uid_eq(e->parents[p], group);
	}
	for (size_t p = 0; same && p < e->n_parents; p++)
		same = schema_has_id(a->ancestors, a->n_ancestors,
		    schema_find_action(c->s, e->parents[p]));
	return same || schema_misfit(c, at,
			   "its groups are not those that the schema declares");
}

bool
schema_check_entity(const struct schema *s, const struct entities *layer,
    const struct entity *e, struct error *reterr)
{
	struct error err = { 0 };
	const struct schema_check c = { s, ERR_SCHEMA_ENTITY, e->from, &err };
	const struct schema_step at = { .uid = &e->uid };
	static const struct value none = { .kind = VALUE_RECORD };
	uint32_t i = schema_find_type(s, e->uid.type);
	const struct schema_entity_type *t;
	bool ok;

	if (i == SCHEMA_NONE && uid_type_is_action(e->uid.type))
		ok = check_action(&c, layer, e, &at);
	else if (i == SCHEMA_NONE)
		ok = schema_undeclared(&c, &at, e->uid.type);
	else {
		t = &s->types[i];
		ok = check_id(&c, e->uid, &at) &&
		     check_record(&c,
			 e->attrs.kind == VALUE_RECORD ? &e->attrs : &none,
			 t->shape, &at) &&
		     check_tags(&c, e, t, &at) && check_parents(&c, e, t, &at);
	}
	if (!ok && reterr && !reterr->code)
		*reterr = err;
	return ok;
}

/* --- requests ------------------------------------------------------------- */

static bool
check_type(const struct schema_check *c, const char *what, struct uid uid,
    const uint32_t *allowed, uint32_t n, const struct schema_action *a)
{
	const struct schema_step at = { .name = str_of(what) };
	uint32_t type = schema_find_type(c->s, uid.type);

	if (type == SCHEMA_NONE)
		return schema_undeclared(c, &at, uid.type);
	if (!schema_has_id(allowed, n, type))
		return schema_misfit(c, &at,
		    "the action `%s` does not apply to `%.*s` as %s",
		    entities_show(a->uid).text,
		    STR_ARG(str_sub(uid.type, 0, 60)), what);
	return check_id(c, uid, &at);
}

static bool
unknown_action(const struct schema_check *c, struct uid action)
{
	const struct schema_step at = { .name = STR("action") };
	struct buf words = { 0 };

	(void)schema_misfit(c, &at, "the schema declares no action `%s`",
	    entities_show(action).text);
	for (uint32_t i = 0; c->err && i < c->s->n_actions; i++)
		if (str_eq(c->s->actions[i].uid.type, action.type))
			add_word(&words, c->s->actions[i].uid.id);
	hint_near(c->err, action.id, &words);
	return false;
}

bool
schema_check_request(const struct schema *s, struct uid principal,
    struct uid action, struct uid resource, const struct value *context,
    struct error *reterr)
{
	struct error err = { 0 };
	const struct schema_check c = { s, ERR_SCHEMA_REQUEST, NULL, &err };
	const struct schema_step at = { .name = STR("context") };
	uint32_t i = schema_find_action(s, action);
	const struct schema_action *a = &s->actions[i];
	bool ok;

	if (i == SCHEMA_NONE)
		ok = unknown_action(&c, action);
	else
		ok = check_type(&c, "principal", principal, a->principals,
			 a->n_principals, a) &&
		     check_type(&c, "resource", resource, a->resources,
			 a->n_resources, a) &&
		     schema_check_value(&c, context, a->context, &at);
	if (!ok && reterr && !reterr->code)
		*reterr = err;
	return ok;
}
