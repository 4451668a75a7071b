/* type.c - subtypes, joins and members of types.
 * The same pointer is the same type, and types are shared: most questions end
 * at once. */
#include "policy/type.h"

const struct type type_never = { .kind = TYPE_NEVER };
const struct type type_bool = { .kind = TYPE_BOOL };
const struct type type_true = { .kind = TYPE_TRUE };
const struct type type_false = { .kind = TYPE_FALSE };
const struct type type_long = { .kind = TYPE_LONG };
const struct type type_string = { .kind = TYPE_STRING };
const struct type type_any_entity = { .kind = TYPE_ENTITY,
	.entity = SCHEMA_NONE };
const struct type type_ip = { .kind = TYPE_EXTENSION, .extension = VALUE_IP };
const struct type type_decimal = { .kind = TYPE_EXTENSION,
	.extension = VALUE_DECIMAL };
const struct type type_datetime = { .kind = TYPE_EXTENSION,
	.extension = VALUE_DATETIME };
const struct type type_duration = { .kind = TYPE_EXTENSION,
	.extension = VALUE_DURATION };
const struct type type_version = { .kind = TYPE_EXTENSION,
	.extension = VALUE_VERSION };
const struct type type_debversion = { .kind = TYPE_EXTENSION,
	.extension = VALUE_DEBVERSION };
const struct type type_rpmversion = { .kind = TYPE_EXTENSION,
	.extension = VALUE_RPMVERSION };

bool
types_init(struct types *t, const struct schema *schema, enum schema_mode mode,
    struct arena *keep)
{
	uint32_t n = schema->n_types + schema->n_action_types;
	struct type *entities = ARENA_ARRAY(keep, n, struct type);

	*t = (struct types){ .schema = schema, .mode = mode };
	for (uint32_t i = 0; entities && i < n; i++)
		entities[i] = (struct type){ .kind = TYPE_ENTITY, .entity = i };
	t->entities = entities;
	return entities != NULL;
}

void
types_reset(struct types *t)
{
	t->unions = NULL;
	t->n_unions = 0;
	t->cap_unions = 0;
}

bool
type_is_bool(const struct type *type)
{
	return type->kind == TYPE_BOOL || type->kind == TYPE_TRUE ||
	       type->kind == TYPE_FALSE;
}

static void *
made_by(struct types *t, void *made)
{
	if (!made)
		t->failed = true;
	return made;
}

/* --- entity types: one, or a join of several --------------------------- */

static uint32_t
first_union(const struct types *t)
{
	return t->schema->n_types + t->schema->n_action_types;
}

/* The members of an entity type; none for any. `own` has room for one. */
static struct type_union
members_of(const struct types *t, const struct type *type, uint32_t *own)
{
	*own = type->entity;
	if (type->entity == SCHEMA_NONE)
		return (struct type_union){ NULL, 0 };
	if (type->entity >= first_union(t))
		return t->unions[type->entity - first_union(t)];
	return (struct type_union){ own, 1 };
}

static bool
is_entity_part(
    const struct types *t, const struct type *a, const struct type *b)
{
	uint32_t one, two;
	struct type_union x = members_of(t, a, &one);
	struct type_union y = members_of(t, b, &two);

	if (y.n == 0 || x.n == 0)
		return y.n == 0;
	for (uint32_t i = 0; i < x.n; i++)
		if (!schema_has_id(y.members, y.n, x.members[i]))
			return false;
	return true;
}

bool
type_is_disjoint(
    const struct types *t, const struct type *a, const struct type *b)
{
	uint32_t one, two;
	struct type_union x, y;

	if (a->kind != TYPE_ENTITY || b->kind != TYPE_ENTITY)
		return false;
	x = members_of(t, a, &one);
	y = members_of(t, b, &two);
	for (uint32_t i = 0; i < x.n; i++)
		if (schema_has_id(y.members, y.n, x.members[i]))
			return false;
	return x.n > 0 && y.n > 0;
}

bool
type_may_be_in(
    const struct types *t, const struct type *a, const struct type *b)
{
	uint32_t one, two;
	struct type_union x, y;

	if (a->kind != TYPE_ENTITY || b->kind != TYPE_ENTITY)
		return a->kind == TYPE_NEVER || b->kind == TYPE_NEVER;
	x = members_of(t, a, &one);
	y = members_of(t, b, &two);
	for (uint32_t i = 0; i < x.n; i++)
		for (uint32_t j = 0; j < y.n; j++)
			if (schema_type_in(
				t->schema, x.members[i], y.members[j]))
				return true;
	return x.n == 0 || y.n == 0;
}

enum type_kind
type_is_entity(const struct types *t, const struct type *type, uint32_t entity)
{
	uint32_t own;
	struct type_union x;

	if (type->kind != TYPE_ENTITY || type->entity == SCHEMA_NONE)
		return TYPE_BOOL;
	x = members_of(t, type, &own);
	if (!schema_has_id(x.members, x.n, entity))
		return TYPE_FALSE;
	return x.n == 1 ? TYPE_TRUE : TYPE_BOOL;
}

const struct type *
type_entity(const struct types *t, uint32_t entity)
{
	return &t->entities[entity];
}

static const struct type *
union_type(struct types *t, size_t i)
{
	struct type *type = made_by(t, ARENA_NEW(t->arena, struct type));

	if (!type)
		return NULL;
	*type = (struct type){ .kind = TYPE_ENTITY,
		.entity = first_union(t) + (uint32_t)i };
	return type;
}

static bool
is_same_union(struct type_union x, struct type_union y)
{
	return x.n == y.n &&
	       memcmp(x.members, y.members, x.n * sizeof *x.members) == 0;
}

static uint32_t
merge(struct type_union x, struct type_union y, uint32_t *to)
{
	uint32_t i = 0, j = 0, n = 0;

	while (i < x.n || j < y.n) {
		uint32_t from_x = i < x.n ? x.members[i] : UINT32_MAX;
		uint32_t from_y = j < y.n ? y.members[j] : UINT32_MAX;

		i += from_x <= from_y;
		j += from_y <= from_x;
		to[n++] = from_x < from_y ? from_x : from_y;
	}
	return n;
}

static const struct type *
join_entities(struct types *t, const struct type *a, const struct type *b)
{
	uint32_t one, two, *members;
	struct type_union x = members_of(t, a, &one);
	struct type_union y = members_of(t, b, &two), both;

	if (t->mode == SCHEMA_STRICT)
		return NULL;
	if (x.n == 0 || y.n == 0)
		return &type_any_entity;
	members =
	    made_by(t, ARENA_ARRAY(t->arena, (size_t)x.n + y.n, uint32_t));
	if (!members)
		return NULL;
	both = (struct type_union){ members, merge(x, y, members) };
	for (size_t i = 0; i < t->n_unions; i++)
		if (is_same_union(t->unions[i], both))
			return union_type(t, i);
	if (!ARENA_PUSH_ROOM(t->arena, t->unions, t->n_unions, t->cap_unions)) {
		t->failed = true;
		return NULL;
	}
	t->unions[t->n_unions++] = both;
	return union_type(t, t->n_unions - 1);
}

/* --- records ----------------------------------------------------------- */

static bool
is_record_part(struct types *t, const struct type *a, const struct type *b)
{
	bool is_strict = t->mode == SCHEMA_STRICT;

	if (a->record.is_open && !b->record.is_open)
		return false;
	if (a->record.n != b->record.n && !b->record.is_open)
		return false;
	for (uint32_t i = 0; i < b->record.n; i++) {
		const struct type_attribute *y = &b->record.attributes[i];
		const struct type_attribute *x =
		    a->record.n == b->record.n &&
			    str_eq(a->record.attributes[i].name, y->name)
			? &a->record.attributes[i]
			: schema_find_attribute(a, y->name);

		if (!x ||
		    (x->required != y->required && (is_strict || y->required)))
			return false;
		if (!type_is_part(t, x->type, y->type))
			return false;
	}
	return true;
}

/* Attributes that both have, where their types join; in strict mode all must.
 */
static const struct type *
join_records(struct types *t, const struct type *a, const struct type *b)
{
	bool is_strict = t->mode == SCHEMA_STRICT;
	struct type_attribute *made;
	struct type *type;
	uint32_t n = 0;

	if (is_strict && a->record.n != b->record.n)
		return NULL;
	made = made_by(
	    t, ARENA_ARRAY(t->arena, a->record.n, struct type_attribute));
	type = made_by(t, ARENA_NEW(t->arena, struct type));
	if (!made || !type)
		return NULL;
	for (uint32_t i = 0; i < a->record.n; i++) {
		const struct type_attribute *x = &a->record.attributes[i];
		const struct type_attribute *y =
		    schema_find_attribute(b, x->name);
		const struct type *both =
		    y ? type_join(t, x->type, y->type) : NULL;

		if (is_strict && (!both || x->required != y->required))
			return NULL;
		if (both)
			made[n++] = (struct type_attribute){ x->name, both,
				x->required && y->required };
	}
	type->kind = TYPE_RECORD;
	type->record.attributes = made;
	type->record.n = n;
	type->record.is_open = a->record.is_open || b->record.is_open ||
			       n != a->record.n || n != b->record.n;
	return type;
}

/* --- all types --------------------------------------------------------- */

bool
type_is_part(struct types *t, const struct type *a, const struct type *b)
{
	t->steps++;
	if (a == b || a->kind == TYPE_NEVER)
		return true;
	if (type_is_bool(a))
		return b->kind == TYPE_BOOL || b->kind == a->kind;
	if (a->kind != b->kind)
		return false;
	if (a->kind == TYPE_SET)
		return type_is_part(t, a->element, b->element);
	if (a->kind == TYPE_RECORD)
		return is_record_part(t, a, b);
	if (a->kind == TYPE_ENTITY)
		return is_entity_part(t, a, b);
	return a->kind != TYPE_EXTENSION || a->extension == b->extension;
}

const struct type *
type_join(struct types *t, const struct type *a, const struct type *b)
{
	const struct type *element;

	if (type_is_part(t, a, b))
		return b;
	if (type_is_part(t, b, a))
		return a;
	if (type_is_bool(a) && type_is_bool(b))
		return &type_bool;
	if (a->kind != b->kind)
		return NULL;
	if (a->kind == TYPE_SET) {
		element = type_join(t, a->element, b->element);
		return element ? type_set(t, element) : NULL;
	}
	if (a->kind == TYPE_RECORD)
		return join_records(t, a, b);
	return a->kind == TYPE_ENTITY ? join_entities(t, a, b) : NULL;
}

const struct type *
type_set(struct types *t, const struct type *element)
{
	struct type *type = made_by(t, ARENA_NEW(t->arena, struct type));

	if (!type)
		return &type_never;
	*type = (struct type){ .kind = TYPE_SET, .element = element };
	return type;
}

/* What one member of an entity type adds to what is known of those before it.
 */
static void
add_member(struct types *t, struct type_member *sum, struct type_member next,
    bool is_first)
{
	if (is_first)
		sum->type = next.type;
	else if (sum->type)
		sum->type =
		    next.type ? type_join(t, sum->type, next.type) : NULL;
	sum->required = next.required && (is_first || sum->required);
	sum->possible = next.possible || sum->possible;
}

static struct type_member
record_member(const struct type *record, struct str name)
{
	const struct type_attribute *a = schema_find_attribute(record, name);

	if (!a)
		return (
		    struct type_member){ .possible = record->record.is_open };
	return (struct type_member){ a->type, a->required, true };
}

struct type_member
type_attribute(struct types *t, const struct type *of, struct str name)
{
	struct type_member sum = { 0 };
	struct type_union x;
	uint32_t own;

	if (of->kind == TYPE_RECORD)
		return record_member(of, name);
	if (of->kind != TYPE_ENTITY)
		return sum;
	x = members_of(t, of, &own);
	sum.possible = x.n == 0;
	for (uint32_t i = 0; i < x.n; i++) {
		struct type_member next = { 0 };

		if (x.members[i] < t->schema->n_types)
			next = record_member(
			    t->schema->types[x.members[i]].shape, name);
		add_member(t, &sum, next, i == 0);
	}
	return sum;
}

struct type_member
type_tags(struct types *t, const struct type *of)
{
	struct type_member sum = { 0 };
	struct type_union x;
	uint32_t own;

	if (of->kind != TYPE_ENTITY)
		return sum;
	x = members_of(t, of, &own);
	sum.possible = x.n == 0;
	for (uint32_t i = 0; i < x.n; i++) {
		struct type_member next = { 0 };

		if (x.members[i] < t->schema->n_types)
			next.type = t->schema->types[x.members[i]].tags;
		next.possible = next.type != NULL;
		add_member(t, &sum, next, i == 0);
	}
	return sum;
}

/* Joins have no names; who compares with them has no need of any. */
static const char *
kind_name(enum type_kind kind)
{
	static const char *const names[] = {
		[TYPE_NEVER] = "nothing",
		[TYPE_BOOL] = "Bool",
		[TYPE_TRUE] = "Bool",
		[TYPE_FALSE] = "Bool",
		[TYPE_LONG] = "Long",
		[TYPE_STRING] = "String",
		[TYPE_SET] = "a set",
		[TYPE_RECORD] = "a record",
		[TYPE_ENTITY] = "an entity",
		[TYPE_EXTENSION] = "an extension value",
	};

	return names[kind];
}

void
type_print(const struct types *t, const struct type *type, struct buf *out)
{
	bool is_simple = type->kind == TYPE_NEVER || type_is_bool(type) ||
			 type == &type_any_entity;

	if (is_simple ||
	    (t->mode == SCHEMA_PERMISSIVE && type->kind != TYPE_EXTENSION))
		buf_addz(out, kind_name(type->kind));
	else
		schema_print_type(t->schema, type, out);
}
