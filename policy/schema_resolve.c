/* schema_resolve.c - the tree of a schema to its model: types, entity types and
 * actions, groups closed.
 * What cannot be resolved is reported and taken as a type of no value, so that
 * the rest is looked at too. Types are shared: a common type is resolved once,
 * however often it is used. Bounded: depth and size of types, and ancestors
 * together (LIMIT_SCHEMA_*). Cost O(text log text), and the ancestors. */
#include "policy/schema_resolve.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/sort.h"
#include "policy/hint.h"

static const struct type nothing = { .kind = TYPE_NEVER };
static const struct sized no_type = { &nothing, 1, 1 };

/* --- types ---------------------------------------------------------------- */

static struct sized resolve_type(struct resolver *v,
    const struct tree_namespace *space, const struct tree_type *t,
    uint32_t depth);

static struct type *
new_type(struct resolver *v, enum type_kind kind)
{
	struct type *type = ARENA_NEW(v->r->arena, struct type);

	if (type)
		type->kind = kind;
	else
		(void)schema_nomem(v->r);
	return type;
}

/* One more level and node around `inside`, or refused. */
static struct sized
around(struct resolver *v, const struct type *type, struct sized inside,
    struct tree_place at)
{
	struct sized s = { type, inside.depth + 1, inside.nodes + 1 };

	if (!type)
		return no_type;
	if (s.depth > LIMIT_SCHEMA_DEPTH)
		(void)schema_refuse(v->r, ERR_LIMIT_DEPTH, at,
		    "the type is nested deeper than %u levels",
		    LIMIT_SCHEMA_DEPTH);
	else if (s.nodes > LIMIT_SCHEMA_NODES)
		(void)schema_refuse(v->r, ERR_LIMIT_COUNT, at,
		    "the type has more than %u parts, its common types "
		    "written out",
		    LIMIT_SCHEMA_NODES);
	else
		return s;
	return no_type;
}

static struct sized
resolve_common(struct resolver *v, struct declared *d,
    const struct tree_name *name, uint32_t depth)
{
	if (d->state == STATE_ACTIVE) {
		(void)schema_refuse(v->r, ERR_SCHEMA_CYCLE, name->at,
		    "the common type `%.*s` contains itself",
		    STR_ARG(schema_shown(d->name)));
		return no_type;
	}
	if (d->state == STATE_NEW) {
		d->state = STATE_ACTIVE;
		d->type =
		    resolve_type(v, d->space, &d->common->type, depth + 1);
		d->type =
		    around(v, d->type.type, d->type, d->common->type.name.at);
		d->state = STATE_DONE;
	}
	return d->type;
}

static struct sized
entity_type(struct resolver *v, uint32_t index)
{
	struct type *type = new_type(v, TYPE_ENTITY);

	if (!type)
		return no_type;
	type->entity = index;
	return (struct sized){ type, 1, 1 };
}

static struct sized
resolve_name(struct resolver *v, const struct tree_namespace *space,
    const struct tree_name *name, unsigned kinds, uint32_t depth)
{
	struct found f;

	if (!schema_names_find(v, space->name.name, name->name, kinds, &f)) {
		schema_names_refuse(v, space->name.name, name, kinds);
		return no_type;
	}
	if (f.builtin)
		return (struct sized){ f.builtin, 1, 1 };
	if (!f.declared)
		return entity_type(v, v->s->n_types + f.action_type);
	if (f.declared->kind == NAME_COMMON)
		return resolve_common(v, f.declared, name, depth);
	return entity_type(v, f.declared->index);
}

static int
by_attribute(const void *a, const void *b)
{
	const struct type_attribute *x = a, *y = b;

	return str_cmp(x->name, y->name);
}

static struct sized
resolve_record(struct resolver *v, const struct tree_namespace *space,
    const struct tree_type *t, uint32_t depth)
{
	const struct tree_attributes *list = &t->attributes;
	struct type_attribute *attributes =
	    ARENA_ARRAY(v->r->arena, list->n, struct type_attribute);
	struct type *type = new_type(v, TYPE_RECORD);
	struct sized inside = { NULL, 0, 0 };

	if (!attributes || !type) {
		(void)schema_nomem(v->r);
		return no_type;
	}
	for (size_t i = 0; i < list->n; i++) {
		const struct tree_attribute *a = &list->items[i];
		struct sized s = resolve_type(v, space, &a->type, depth + 1);

		attributes[i] = (struct type_attribute){ a->name.name, s.type,
			a->required };
		if (s.depth > inside.depth)
			inside.depth = s.depth;
		if (inside.nodes <= LIMIT_SCHEMA_NODES)
			inside.nodes += s.nodes;
	}
	if (list->n)
		qsort(attributes, list->n, sizeof *attributes, by_attribute);
	type->record.attributes = attributes;
	type->record.n = (uint32_t)list->n;
	return around(v, type, inside, t->name.at);
}

static struct sized
resolve_set(struct resolver *v, const struct tree_namespace *space,
    const struct tree_type *t, uint32_t depth)
{
	struct sized element = resolve_type(v, space, t->element, depth + 1);
	struct type *type = new_type(v, TYPE_SET);

	if (type)
		type->element = element.type;
	return around(v, type, element, t->name.at);
}

static struct sized
resolve_extension(struct resolver *v, const struct tree_name *name)
{
	const struct type *type = schema_names_builtin(name->name);

	if (type && type->kind == TYPE_EXTENSION &&
	    str_find(name->name, ':', 0) == name->name.n)
		return (struct sized){ type, 1, 1 };
	error_hint(schema_refuse(v->r, ERR_SCHEMA_NAME, name->at,
		       "there is no extension type `%.*s`",
		       STR_ARG(schema_shown(name->name))),
	    "those there are: `ipaddr`, `decimal`, `datetime`, `duration`, "
	    "`version`, `debversion`, `rpmversion`");
	return no_type;
}

static struct sized
resolve_type(struct resolver *v, const struct tree_namespace *space,
    const struct tree_type *t, uint32_t depth)
{
	if (depth > LIMIT_SCHEMA_DEPTH) {
		(void)schema_refuse(v->r, ERR_LIMIT_DEPTH, t->name.at,
		    "the type is nested deeper than %u levels",
		    LIMIT_SCHEMA_DEPTH);
		return no_type;
	}
	switch (t->kind) {
	case TREE_NAME:
		return resolve_name(v, space, &t->name, NAME_TYPE, depth);
	case TREE_COMMON:
		return resolve_name(
		    v, space, &t->name, NAME_COMMON | NAME_BUILTIN, depth);
	case TREE_ENTITY:
		return resolve_name(
		    v, space, &t->name, NAME_ENTITY | NAME_ACTION, depth);
	case TREE_EXTENSION:
		return resolve_extension(v, &t->name);
	case TREE_LONG:
		return (
		    struct sized){ schema_names_builtin(STR("Long")), 1, 1 };
	case TREE_STRING:
		return (
		    struct sized){ schema_names_builtin(STR("String")), 1, 1 };
	case TREE_BOOLEAN:
		return (
		    struct sized){ schema_names_builtin(STR("Bool")), 1, 1 };
	case TREE_SET:
		return resolve_set(v, space, t, depth);
	case TREE_RECORD:
		return resolve_record(v, space, t, depth);
	}
	return no_type;
}

/* A type that must be a record; `t` NULL: the empty one. */
static const struct type *
resolve_shape(struct resolver *v, const struct tree_namespace *space,
    const struct tree_type *t, const char *what, struct str name)
{
	static const struct type empty = { .kind = TYPE_RECORD };
	const struct type *type;

	if (!t)
		return &empty;
	type = resolve_type(v, space, t, 1).type;
	if (type->kind != TYPE_RECORD && type != &nothing)
		(void)schema_refuse(v->r, ERR_SCHEMA_SHAPE, t->name.at,
		    "the %s of `%.*s` must be a record", what,
		    STR_ARG(schema_shown(name)));
	return type->kind == TYPE_RECORD ? type : &empty;
}

/* --- lists of ids --------------------------------------------------------- */

static struct ids
resolve_types(struct resolver *v, const struct tree_namespace *space,
    const struct tree_names *names)
{
	uint32_t *ids = ARENA_ARRAY(v->r->arena, names->n, uint32_t), n = 0;
	struct found f;

	if (!ids) {
		(void)schema_nomem(v->r);
		return (struct ids){ NULL, 0 };
	}
	for (size_t i = 0; i < names->n; i++) {
		const struct tree_name *name = &names->items[i];

		if (schema_names_find(
			v, space->name.name, name->name, NAME_ENTITY, &f))
			ids[n++] = f.declared->index;
		else
			schema_names_refuse(
			    v, space->name.name, name, NAME_ENTITY);
	}
	return (struct ids){ ids, (uint32_t)sort_unique(ids, n) };
}

/* --- ancestors ------------------------------------------------------------ */

struct closing {
	const struct ids *parents;
	struct ids *ancestors;
	uint32_t *stack,
	    *seen; /* seen[i] is the node it was last reached from, + 1 */
	size_t total;
};

static uint32_t
reach(struct closing *c, uint32_t node)
{
	uint32_t n = 0;

	for (uint32_t at = node, next = 0;; at = c->stack[next++]) {
		for (uint32_t i = 0; i < c->parents[at].n; i++) {
			uint32_t parent = c->parents[at].ids[i];

			if (c->seen[parent] == node + 1)
				continue;
			c->seen[parent] = node + 1;
			c->stack[n++] = parent;
		}
		if (next == n)
			return n;
	}
}

static bool
close_one(struct resolver *v, struct closing *c, uint32_t node)
{
	uint32_t n = reach(c, node);
	uint32_t *ids = ARENA_ARRAY(v->r->arena, n, uint32_t);

	c->total += n;
	if (!ids)
		return schema_nomem(v->r);
	if (c->total > LIMIT_SCHEMA_ANCESTORS) {
		(void)schema_refuse(v->r, ERR_LIMIT_COUNT,
		    (struct tree_place){ 0 },
		    "the hierarchy has more than %u pairs of member and "
		    "ancestor",
		    LIMIT_SCHEMA_ANCESTORS);
		return false;
	}
	if (n)
		memcpy(ids, c->stack, n * sizeof *ids);
	c->ancestors[node] = (struct ids){ ids, (uint32_t)sort_unique(ids, n) };
	return true;
}

/* The closure of each of `n` nodes; a node is in its own only by a cycle. */
static struct ids *
close_all(struct resolver *v, const struct ids *parents, uint32_t n)
{
	struct closing c = { .parents = parents,
		.ancestors = ARENA_ARRAY(v->r->arena, n, struct ids),
		.stack = ARENA_ARRAY(v->r->arena, n, uint32_t),
		.seen = ARENA_ARRAY(v->r->arena, n, uint32_t) };

	if (!c.ancestors || !c.stack || !c.seen) {
		(void)schema_nomem(v->r);
		return NULL;
	}
	for (uint32_t i = 0; i < n; i++)
		if (!close_one(v, &c, i))
			return NULL;
	return c.ancestors;
}

/* --- entity types --------------------------------------------------------- */

static int
by_str(const void *a, const void *b)
{
	const struct str *x = a, *y = b;

	return str_cmp(*x, *y);
}

static void
resolve_ids(struct resolver *v, const struct tree_names *names,
    struct schema_entity_type *ret)
{
	struct str *ids = ARENA_ARRAY(v->r->arena, names->n, struct str);
	uint32_t n = 0;

	if (!ids) {
		(void)schema_nomem(v->r);
		return;
	}
	for (size_t i = 0; i < names->n; i++)
		ids[i] = names->items[i].name;
	if (names->n)
		qsort(ids, names->n, sizeof *ids, by_str);
	for (size_t i = 0; i < names->n; i++)
		if (!i || !str_eq(ids[i], ids[n - 1]))
			ids[n++] = ids[i];
	ret->ids = ids;
	ret->n_ids = n;
}

static void
resolve_entity(struct resolver *v, const struct declared *d,
    struct schema_entity_type *ret, struct ids *ret_parents)
{
	const struct tree_entity *e = d->entity;

	ret->name = d->name;
	ret->shape = resolve_shape(v, d->space, e->shape, "shape", d->name);
	if (e->tags)
		ret->tags = resolve_type(v, d->space, e->tags, 1).type;
	if (e->is_enum)
		resolve_ids(v, &e->ids, ret);
	*ret_parents = resolve_types(v, d->space, &e->parents);
	ret->parents = ret_parents->ids;
	ret->n_parents = ret_parents->n;
}

static bool
resolve_entities(struct resolver *v)
{
	uint32_t n = v->s->n_types;
	struct schema_entity_type *types =
	    ARENA_ARRAY(v->r->arena, n, struct schema_entity_type);
	struct ids *parents = ARENA_ARRAY(v->r->arena, n, struct ids);
	const struct ids *ancestors;

	if (!types || !parents)
		return schema_nomem(v->r);
	for (size_t i = 0; i < v->n_declared; i++) {
		const struct declared *d = &v->declared[i];

		if (d->kind == NAME_ENTITY)
			resolve_entity(
			    v, d, &types[d->index], &parents[d->index]);
	}
	ancestors = close_all(v, parents, n);
	for (uint32_t i = 0; ancestors && i < n; i++) {
		types[i].ancestors = ancestors[i].ids;
		types[i].n_ancestors = ancestors[i].n;
	}
	v->s->types = types;
	return ancestors != NULL;
}

/* Common types that nothing uses are looked at too. */
static void
resolve_commons(struct resolver *v)
{
	for (size_t i = 0; i < v->n_declared; i++) {
		struct declared *d = &v->declared[i];

		if (d->kind == NAME_COMMON)
			(void)resolve_common(v, d, d->written, 1);
	}
}

/* --- actions -------------------------------------------------------------- */

static void
refuse_action(
    struct resolver *v, const struct action *a, const struct tree_ref *ref)
{
	struct str *words = ARENA_ARRAY(v->r->arena, v->n_actions, struct str);
	const struct str *near = NULL;
	struct error *e;

	e = schema_refuse(v->r, ERR_SCHEMA_NAME, ref->id.at,
	    "the action `%.*s` is not declared",
	    STR_ARG(schema_shown(ref->id.name)));
	if (!words || !e)
		return;
	for (size_t i = 0; i < v->n_actions; i++)
		words[i] = v->actions[i].uid.id;
	near = hint_nearest_of(ref->id.name, words, v->n_actions);
	if (near && str_eq(*near, ref->id.name))
		error_hint(e, "there is one of this name in another namespace");
	else if (near && !str_eq(*near, a->uid.id))
		error_hint(
		    e, "did you mean `%.*s`?", STR_ARG(schema_shown(*near)));
}

static uint32_t
resolve_ref(
    struct resolver *v, const struct action *a, const struct tree_ref *ref)
{
	struct str type = ref->type.n ? ref->type : STR("Action");
	struct uid uid = { type, ref->id.name };
	uint32_t found = SCHEMA_NONE;

	if (str_find(type, ':', 0) == type.n && a->space->name.name.n) {
		uid.type = schema_names_full(v, a->space->name.name, type);
		found = schema_names_find_action(v, uid);
		uid.type = type;
	}
	if (found == SCHEMA_NONE)
		found = schema_names_find_action(v, uid);
	if (found == SCHEMA_NONE)
		refuse_action(v, a, ref);
	return found;
}

static struct ids
resolve_refs(struct resolver *v, const struct action *a)
{
	const struct tree_refs *refs = &a->written->parents;
	uint32_t *ids = ARENA_ARRAY(v->r->arena, refs->n, uint32_t), n = 0;

	if (!ids) {
		(void)schema_nomem(v->r);
		return (struct ids){ NULL, 0 };
	}
	for (size_t i = 0; i < refs->n; i++) {
		ids[n] = resolve_ref(v, a, &refs->items[i]);
		n += ids[n] != SCHEMA_NONE;
	}
	return (struct ids){ ids, (uint32_t)sort_unique(ids, n) };
}

static void
resolve_action(struct resolver *v, const struct action *a,
    struct schema_action *ret, struct ids *ret_parents)
{
	const struct tree_action *written = a->written;
	struct ids list;

	ret->uid = a->uid;
	list = resolve_types(v, a->space, &written->principals);
	ret->principals = list.ids;
	ret->n_principals = list.n;
	list = resolve_types(v, a->space, &written->resources);
	ret->resources = list.ids;
	ret->n_resources = list.n;
	ret->context =
	    resolve_shape(v, a->space, written->context, "context", a->uid.id);
	*ret_parents = resolve_refs(v, a);
	ret->parents = ret_parents->ids;
	ret->n_parents = ret_parents->n;
}

/* Of each cycle, its first action is named. */
static void
check_cycles(struct resolver *v, const struct ids *ancestors)
{
	bool *told = ARENA_ARRAY(v->r->arena, v->n_actions, bool);

	for (uint32_t i = 0; told && i < v->n_actions; i++) {
		if (told[i] ||
		    !schema_has_id(ancestors[i].ids, ancestors[i].n, i))
			continue;
		(void)schema_refuse(v->r, ERR_SCHEMA_CYCLE,
		    v->actions[i].written->name.at,
		    "the action `%.*s` is in a group that is in itself",
		    STR_ARG(schema_shown(v->actions[i].uid.id)));
		for (uint32_t k = 0; k < ancestors[i].n; k++)
			told[ancestors[i].ids[k]] = true;
	}
}

static bool
resolve_actions(struct resolver *v)
{
	uint32_t n = (uint32_t)v->n_actions;
	struct schema_action *actions =
	    ARENA_ARRAY(v->r->arena, n, struct schema_action);
	struct ids *parents = ARENA_ARRAY(v->r->arena, n, struct ids);
	const struct ids *ancestors;

	if (!actions || !parents)
		return schema_nomem(v->r);
	for (uint32_t i = 0; i < n; i++)
		resolve_action(v, &v->actions[i], &actions[i], &parents[i]);
	ancestors = close_all(v, parents, n);
	if (!ancestors)
		return false;
	check_cycles(v, ancestors);
	for (uint32_t i = 0; i < n; i++) {
		actions[i].ancestors = ancestors[i].ids;
		actions[i].n_ancestors = ancestors[i].n;
	}
	v->s->actions = actions;
	v->s->n_actions = n;
	return true;
}

/* --- the whole ------------------------------------------------------------ */

/* Entity types by number, and the types of actions: before any type. */
static bool
number(struct resolver *v)
{
	struct str *types = ARENA_ARRAY(v->r->arena, v->n_actions, struct str);
	uint32_t n = 0;

	if (!types)
		return schema_nomem(v->r);
	for (size_t i = 0; i < v->n_declared; i++)
		if (v->declared[i].kind == NAME_ENTITY)
			v->declared[i].index = v->s->n_types++;
	for (size_t i = 0; i < v->n_actions; i++)
		if (!n || !str_eq(types[n - 1], v->actions[i].uid.type))
			types[n++] = v->actions[i].uid.type;
	v->s->action_types = types;
	v->s->n_action_types = n;
	return true;
}

bool
schema_resolve(
    struct schema_reader *r, const struct schema_tree *t, struct schema *s)
{
	struct resolver v = { .r = r, .s = s };

	if (schema_names_collect(&v, t) && number(&v)) {
		schema_names_check(&v, t);
		resolve_commons(&v);
		if (resolve_entities(&v))
			(void)resolve_actions(&v);
	}
	buf_free(&v.name);
	return !r->failed;
}
