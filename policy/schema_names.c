/* schema_names.c - what a schema declares, and what a name in it names.
 * All declarations are sorted by their full names; what is declared twice, is
 * reserved, or hides what is in no namespace is reported. Cost O(n log n). */
#include "policy/schema_resolve.h"

#include <stdlib.h>

#include "policy/hint.h"

/* --- built-in types ------------------------------------------------------- */

static const struct {
	struct str name;
	struct type type;
} builtins[] = {
	{ STR_INIT("Long"), { .kind = TYPE_LONG } },
	{ STR_INIT("String"), { .kind = TYPE_STRING } },
	{ STR_INIT("Bool"), { .kind = TYPE_BOOL } },
	{ STR_INIT("ipaddr"), { TYPE_EXTENSION, { .extension = VALUE_IP } } },
	{ STR_INIT("decimal"),
	    { TYPE_EXTENSION, { .extension = VALUE_DECIMAL } } },
	{ STR_INIT("datetime"),
	    { TYPE_EXTENSION, { .extension = VALUE_DATETIME } } },
	{ STR_INIT("duration"),
	    { TYPE_EXTENSION, { .extension = VALUE_DURATION } } },
	/* Avow's own. */
	{ STR_INIT("version"),
	    { TYPE_EXTENSION, { .extension = VALUE_VERSION } } },
	{ STR_INIT("debversion"),
	    { TYPE_EXTENSION, { .extension = VALUE_DEBVERSION } } },
	{ STR_INIT("rpmversion"),
	    { TYPE_EXTENSION, { .extension = VALUE_RPMVERSION } } },
};

const struct type *
schema_names_builtin(struct str name)
{
	static const struct str prefix = STR_INIT("__cedar::");

	if (str_has_prefix(name, prefix))
		name = str_sub(name, prefix.n, name.n);
	for (size_t i = 0; i < ARRAY_LEN(builtins); i++)
		if (str_eq(name, builtins[i].name))
			return &builtins[i].type;
	return NULL;
}

/* --- what is declared ----------------------------------------------------- */

static int
by_name(const void *a, const void *b)
{
	const struct declared *x = a, *y = b;
	int order = str_cmp(x->name, y->name);

	if (order)
		return order;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return (x->written->at.off > y->written->at.off) -
	       (x->written->at.off < y->written->at.off);
}

static int
by_name_and_kind(const void *a, const void *b)
{
	const struct declared *x = a, *y = b;
	int order = str_cmp(x->name, y->name);

	return order ? order : (x->kind > y->kind) - (x->kind < y->kind);
}

static struct declared *
find_declared(const struct resolver *v, struct str name, enum name_kind kind)
{
	const struct declared key = { .name = name, .kind = kind };

	return v->n_declared ? bsearch(&key, v->declared, v->n_declared,
				   sizeof key, by_name_and_kind)
			     : NULL;
}

static int
by_uid(const void *a, const void *b)
{
	const struct action *x = a, *y = b;
	int order = uid_cmp(x->uid, y->uid);

	return order ? order
		     : (x->written->name.at.off > y->written->name.at.off) -
			   (x->written->name.at.off < y->written->name.at.off);
}

uint32_t
schema_names_find_action(const struct resolver *v, struct uid uid)
{
	const struct action *found =
	    v->n_actions ? bsearch(&uid, v->actions, v->n_actions,
			       sizeof *v->actions, uid_compare)
			 : NULL;

	return found ? (uint32_t)(found - v->actions) : SCHEMA_NONE;
}

/* `SPACE::NAME`, in scratch that the next call overwrites. */
struct str
schema_names_full(struct resolver *v, struct str space, struct str name)
{
	if (!space.n)
		return name;
	v->name.n = 0;
	buf_add(&v->name, space);
	buf_addz(&v->name, "::");
	buf_add(&v->name, name);
	if (!buf_ok(&v->name)) {
		(void)schema_nomem(v->r);
		return name;
	}
	return buf_str(&v->name);
}

static uint32_t
line_of(const struct resolver *v, struct tree_place at)
{
	return source_span(&v->r->source, at.off, at.len).line;
}

/* --- collecting ----------------------------------------------------------- */

static bool
add_declared(struct resolver *v, const struct tree_namespace *space,
    const struct tree_name *name, struct declared d)
{
	d.space = space;
	d.written = name;
	d.name = name->name;
	if (space->name.name.n) {
		d.name = str_dup(v->r->arena,
		    schema_names_full(v, space->name.name, name->name));
		if (!d.name.p)
			return schema_nomem(v->r);
	}
	v->declared[v->n_declared++] = d;
	return true;
}

static bool
add_action(struct resolver *v, const struct tree_namespace *space,
    const struct tree_action *a)
{
	struct str type = str_dup(
	    v->r->arena, schema_names_full(v, space->name.name, STR("Action")));

	if (!type.p)
		return schema_nomem(v->r);
	v->actions[v->n_actions++] =
	    (struct action){ { type, a->name.name }, space, a };
	return true;
}

static bool
collect_space(struct resolver *v, const struct tree_namespace *n)
{
	for (size_t i = 0; i < n->commons.n; i++)
		if (!add_declared(v, n, &n->commons.items[i].name,
			(struct declared){ .kind = NAME_COMMON,
			    .common = &n->commons.items[i] }))
			return false;
	for (size_t i = 0; i < n->entities.n; i++)
		if (!add_declared(v, n, &n->entities.items[i].name,
			(struct declared){ .kind = NAME_ENTITY,
			    .entity = &n->entities.items[i] }))
			return false;
	for (size_t i = 0; i < n->actions.n; i++)
		if (!add_action(v, n, &n->actions.items[i]))
			return false;
	return true;
}

bool
schema_names_collect(struct resolver *v, const struct schema_tree *t)
{
	size_t types = 0, actions = 0;

	for (size_t i = 0; i < t->n; i++) {
		types += t->items[i].commons.n + t->items[i].entities.n;
		actions += t->items[i].actions.n;
	}
	v->declared = ARENA_ARRAY(v->r->arena, types, struct declared);
	v->actions = ARENA_ARRAY(v->r->arena, actions, struct action);
	if (!v->declared || !v->actions)
		return schema_nomem(v->r);
	for (size_t i = 0; i < t->n; i++)
		if (!collect_space(v, &t->items[i]))
			return false;
	if (types)
		qsort(v->declared, types, sizeof *v->declared, by_name);
	if (actions)
		qsort(v->actions, actions, sizeof *v->actions, by_uid);
	return true;
}

/* --- names that may not be declared --------------------------------------- */

static void
refuse_twice(struct resolver *v, const char *what, struct str name,
    struct tree_place at, struct tree_place first)
{
	(void)schema_refuse(v->r, ERR_SCHEMA_DUPLICATE, at,
	    "the %s `%.*s` is declared twice, first on line %u", what,
	    STR_ARG(schema_shown(name)), line_of(v, first));
}

static bool
is_reserved_common(struct str name)
{
	static const struct str reserved[] = {
		STR_INIT("Bool"),
		STR_INIT("Boolean"),
		STR_INIT("Entity"),
		STR_INIT("Extension"),
		STR_INIT("Long"),
		STR_INIT("Record"),
		STR_INIT("Set"),
		STR_INIT("String"),
	};

	for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
		if (str_eq(name, reserved[i]))
			return true;
	return false;
}

static void
check_hiding(struct resolver *v, const struct declared *d)
{
	const struct declared *hidden;

	if (!d->space->name.name.n)
		return;
	hidden = find_declared(v, d->written->name, NAME_COMMON);
	if (!hidden)
		hidden = find_declared(v, d->written->name, NAME_ENTITY);
	if (hidden)
		(void)schema_refuse(v->r, ERR_SCHEMA_DUPLICATE, d->written->at,
		    "`%.*s` hides `%.*s`, which is declared on line %u",
		    STR_ARG(schema_shown(d->name)),
		    STR_ARG(schema_shown(hidden->name)),
		    line_of(v, hidden->written->at));
}

static void
check_declared(struct resolver *v)
{
	for (size_t i = 0; i < v->n_declared; i++) {
		const struct declared *d = &v->declared[i];
		bool common = d->kind == NAME_COMMON;
		struct str name = d->written->name;

		if (common && is_reserved_common(name))
			(void)schema_refuse(v->r, ERR_NAME_RESERVED,
			    d->written->at,
			    "a common type may not be called `%.*s`",
			    STR_ARG(name));
		if (!common && str_eq(name, STR("Action")))
			(void)schema_refuse(v->r, ERR_NAME_RESERVED,
			    d->written->at,
			    "an entity type may not be called `Action`");
		if (i && str_eq(d->name, d[-1].name) && d->kind == d[-1].kind)
			refuse_twice(v, common ? "common type" : "entity type",
			    d->name, d->written->at, d[-1].written->at);
		else
			check_hiding(v, d);
	}
}

static void
check_actions(struct resolver *v)
{
	for (size_t i = 0; i < v->n_actions; i++) {
		const struct action *a = &v->actions[i];
		struct uid bare = { STR("Action"), a->uid.id };
		uint32_t hidden;

		if (i && uid_eq(a->uid, a[-1].uid)) {
			refuse_twice(v, "action", a->uid.id,
			    a->written->name.at, a[-1].written->name.at);
			continue;
		}
		if (!a->space->name.name.n)
			continue;
		hidden = schema_names_find_action(v, bare);
		if (hidden != SCHEMA_NONE)
			(void)schema_refuse(v->r, ERR_SCHEMA_DUPLICATE,
			    a->written->name.at,
			    "the action `%.*s` hides that of line %u, which "
			    "is in no namespace",
			    STR_ARG(schema_shown(a->uid.id)),
			    line_of(v, v->actions[hidden].written->name.at));
	}
}

static int
by_space_name(const void *a, const void *b)
{
	const struct tree_namespace *const *x = a, *const *y = b;
	int order = str_cmp((*x)->name.name, (*y)->name.name);

	return order ? order : (*x > *y) - (*x < *y);
}

static void
check_spaces(struct resolver *v, const struct schema_tree *t)
{
	const struct tree_namespace **sorted =
	    ARENA_ARRAY(v->r->arena, t->n, const struct tree_namespace *);

	if (!sorted) {
		(void)schema_nomem(v->r);
		return;
	}
	for (size_t i = 0; i < t->n; i++)
		sorted[i] = &t->items[i];
	if (t->n)
		qsort(sorted, t->n, sizeof *sorted, by_space_name);
	for (size_t i = 0; i < t->n; i++) {
		const struct tree_name *name = &sorted[i]->name;

		if (name->name.n && !uid_type_is_valid(name->name))
			(void)schema_refuse(v->r, ERR_NAME_RESERVED, name->at,
			    "`%.*s` is no name of a namespace",
			    STR_ARG(schema_shown(name->name)));
		if (i && str_eq(name->name, sorted[i - 1]->name.name))
			refuse_twice(v, "namespace", name->name, name->at,
			    sorted[i - 1]->name.at);
	}
}

/* --- names to what they name ---------------------------------------------- */

static uint32_t
find_action_type(const struct resolver *v, struct str name)
{
	for (uint32_t i = 0; i < v->s->n_action_types; i++)
		if (str_eq(name, v->s->action_types[i]))
			return i;
	return SCHEMA_NONE;
}

/* By its full name. */
static bool
find_full(const struct resolver *v, struct str name, unsigned kinds,
    struct found *ret)
{
	if (kinds & NAME_COMMON)
		ret->declared = find_declared(v, name, NAME_COMMON);
	if (!ret->declared && (kinds & NAME_ENTITY))
		ret->declared = find_declared(v, name, NAME_ENTITY);
	if (!ret->declared && (kinds & NAME_ACTION) &&
	    str_has_suffix(name, STR("Action")))
		ret->action_type = find_action_type(v, name);
	return ret->declared || ret->action_type != SCHEMA_NONE;
}

bool
schema_names_find(struct resolver *v, struct str space, struct str name,
    unsigned kinds, struct found *ret)
{
	*ret = (struct found){ .action_type = SCHEMA_NONE };
	if (space.n && str_find(name, ':', 0) == name.n &&
	    find_full(v, schema_names_full(v, space, name), kinds, ret))
		return true;
	if (find_full(v, name, kinds, ret))
		return true;
	if (kinds & NAME_BUILTIN)
		ret->builtin = schema_names_builtin(name);
	return ret->builtin != NULL;
}

/* The names that could have stood there, as one would write them there. */
static const struct str *
nearest(struct resolver *v, struct str space, struct str name, unsigned kinds)
{
	size_t n = 0, most = v->n_declared + ARRAY_LEN(builtins);
	struct str *words = ARENA_ARRAY(v->r->arena, most, struct str);

	if (!words || v->r->errors->n >= ERRORS_MAX)
		return NULL;
	for (size_t i = 0; i < v->n_declared; i++) {
		const struct declared *d = &v->declared[i];

		if (kinds & (unsigned)d->kind)
			words[n++] = str_eq(d->space->name.name, space)
					 ? d->written->name
					 : d->name;
	}
	for (size_t i = 0; i < ARRAY_LEN(builtins); i++)
		if (kinds & NAME_BUILTIN)
			words[n++] = builtins[i].name;
	return hint_nearest_of(name, words, n);
}

void
schema_names_refuse(struct resolver *v, struct str space,
    const struct tree_name *name, unsigned kinds)
{
	const struct str *near = nearest(v, space, name->name, kinds);
	const char *what = "a common type or an entity type";
	struct error *e;

	if (!(kinds & NAME_COMMON))
		what = "an entity type";
	else if (!(kinds & NAME_ENTITY))
		what = "a common type";
	e = schema_refuse(v->r, ERR_SCHEMA_NAME, name->at,
	    "`%.*s` is not declared as %s", STR_ARG(schema_shown(name->name)),
	    what);
	if (str_eq(name->name, STR("Set")))
		error_hint(e, "a set is `Set<TYPE>`");
	else if (str_eq(name->name, STR("Boolean")))
		error_hint(e, "did you mean `Bool`?");
	else if (near)
		error_hint(
		    e, "did you mean `%.*s`?", STR_ARG(schema_shown(*near)));
}

void
schema_names_check(struct resolver *v, const struct schema_tree *t)
{
	check_spaces(v, t);
	check_declared(v);
	check_actions(v);
}
