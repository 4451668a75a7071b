/* schema_json.c - Cedar's JSON form of a schema to the tree of a schema.
 * What an object may hold is a table; members that are unknown, missing or of
 * another kind are all reported, each at its place in the text. Recursion is
 * bounded by the depth that json_parse allows. Cost O(text). */
#include "base/json_places.h"
#include "base/limits.h"
#include "policy/hint.h"
#include "policy/lex.h"
#include "policy/schema_tree.h"

#define MEMBERS_MAX 8u

struct reader {
	struct schema_reader *r;
	const struct json_places *places;
};

enum member_kind {
	KIND_OBJECT = 0,
	KIND_ARRAY,
	KIND_STRING,
	KIND_BOOLEAN,
	KIND_NULLABLE = 8, /* may be null: then as if it were not there */
	KIND_REQUIRED = 16,
};

struct member {
	const char *name;
	unsigned kind;
};

struct members {
	const char *what; /* the object they are of, for messages */
	const struct member *list;
	size_t n;
};

#define MEMBERS(what, list)                                                    \
	{                                                                      \
		what, list, ARRAY_LEN(list)                                    \
	}

/* --- places and messages -------------------------------------------------- */

/* `true`, `false` and `null` have no place: `up` is then what they are in. */
static struct tree_place
place_of(const struct reader *j, const json_t *v, struct tree_place up)
{
	struct json_place p;

	if (!json_places_find(j->places, v, &p))
		return up;
	return (struct tree_place){ p.off, p.len };
}

static struct tree_place
key_place(const struct reader *j, const json_t *v, struct tree_place up)
{
	struct json_place p;

	if (!json_places_find(j->places, v, &p) || !p.key_len)
		return up;
	return (struct tree_place){ p.key_off, p.key_len };
}

static const char *
kind_name(unsigned kind)
{
	switch (kind & 7) {
	case KIND_ARRAY:
		return "an array";
	case KIND_STRING:
		return "a string";
	case KIND_BOOLEAN:
		return "true or false";
	default:
		return "an object";
	}
}

static bool
is_kind(const json_t *v, unsigned kind)
{
	switch (kind & 7) {
	case KIND_ARRAY:
		return json_is_array(v);
	case KIND_STRING:
		return json_is_string(v);
	case KIND_BOOLEAN:
		return json_is_boolean(v);
	default:
		return json_is_object(v);
	}
}

/* Reports where it is not. */
static bool
check_kind(struct reader *j, const json_t *v, unsigned kind, const char *what,
    struct tree_place up)
{
	if (is_kind(v, kind))
		return true;
	(void)schema_refuse(j->r, ERR_JSON_SHAPE, place_of(j, v, up),
	    "%s must be %s", what, kind_name(kind));
	return false;
}

static void
refuse_unknown(struct reader *j, const struct members *m, const json_t *v,
    struct str key, struct tree_place up)
{
	const char *words[2 * MEMBERS_MAX + 1] = { NULL }, *near;
	struct error *e;

	/* An object without members has no list. */
	for (size_t i = 0; m->list && i < m->n; i++)
		words[i] = m->list[i].name;
	near = hint_nearest(key, words);
	e = schema_refuse(j->r, ERR_JSON_SHAPE, key_place(j, v, up),
	    "%s has no member `%.*s`", m->what, STR_ARG(schema_shown(key)));
	if (near)
		error_hint(e, "did you mean `%s`?", near);
}

static const struct member *
find_member(const struct members *m, struct str key)
{
	for (size_t i = 0; i < m->n; i++)
		if (str_eq(key, str_of(m->list[i].name)))
			return &m->list[i];
	return NULL;
}

/* All that is wrong is reported. False when what should be there is not, or is
 * of another kind: then the members are not to be read. */
static bool
check_members(struct reader *j, const struct members *m, const json_t *object,
    struct tree_place at)
{
	const char *key;
	size_t key_n;
	json_t *v;
	bool ok = true;

	json_object_keylen_foreach (
	    (json_t *)(uintptr_t)object, key, key_n, v) {
		const struct member *member =
		    find_member(m, (struct str){ key, key_n });

		if (!member) {
			refuse_unknown(j, m, v, (struct str){ key, key_n }, at);
		} else if (!((member->kind & KIND_NULLABLE) &&
			       json_is_null(v)) &&
			   !is_kind(v, member->kind)) {
			(void)schema_refuse(j->r, ERR_JSON_SHAPE,
			    place_of(j, v, at), "`%s` must be %s", member->name,
			    kind_name(member->kind));
			ok = false;
		}
	}
	for (size_t i = 0; i < m->n; i++) {
		if (!(m->list[i].kind & KIND_REQUIRED) ||
		    json_object_get(object, m->list[i].name))
			continue;
		(void)schema_refuse(j->r, ERR_JSON_SHAPE, at,
		    "%s must have the member `%s`", m->what, m->list[i].name);
		ok = false;
	}
	return ok;
}

/* --- strings and names ---------------------------------------------------- */

static bool
keep(struct reader *j, struct str s, struct str *ret)
{
	*ret = str_dup(j->r->arena, s);
	return ret->p || schema_nomem(j->r);
}

/* A name of type that is used: `A::B`, or `__cedar::Long`. */
static bool
read_name(struct reader *j, const json_t *v, struct tree_place up,
    struct tree_name *ret)
{
	static const struct str built_in = STR_INIT("__cedar::");
	struct str s = json_str(v), tail = s;

	ret->at = place_of(j, v, up);
	if (!check_kind(j, v, KIND_STRING, "the name of a type", up))
		return false;
	if (str_has_prefix(s, built_in))
		tail = str_sub(s, built_in.n, s.n);
	if (!uid_type_is_valid(tail)) {
		(void)schema_refuse(j->r, ERR_JSON_SHAPE, ret->at,
		    "`%.*s` is no name of a type", STR_ARG(schema_shown(s)));
		return false;
	}
	return keep(j, s, &ret->name);
}

static bool
read_names(struct reader *j, const json_t *array, struct tree_place up,
    struct tree_names *ret)
{
	struct tree_place at = place_of(j, array, up);
	bool ok = true;
	json_t *v;
	size_t i;

	json_array_foreach (array, i, v) {
		struct tree_name *name = TREE_PUSH(j->r, ret);

		if (!name)
			return false;
		ok = read_name(j, v, at, name) && ok;
	}
	return ok;
}

static bool
read_key(struct reader *j, const json_t *v, struct str key,
    struct tree_place up, struct tree_name *ret)
{
	ret->at = key_place(j, v, up);
	return keep(j, key, &ret->name);
}

static bool
read_notes(struct reader *j, const json_t *object, struct tree_place up,
    struct tree_notes *ret)
{
	const char *key;
	size_t key_n;
	json_t *v;

	json_object_keylen_foreach (
	    (json_t *)(uintptr_t)object, key, key_n, v) {
		struct tree_note *note = TREE_PUSH(j->r, ret);
		struct str name = { key, key_n };

		if (!note || !read_key(j, v, name, up, &note->key))
			return false;
		if (!lex_is_identifier(name))
			(void)schema_refuse(j->r, ERR_JSON_SHAPE, note->key.at,
			    "`%.*s` is no name of an annotation",
			    STR_ARG(schema_shown(name)));
		if (json_is_null(v))
			continue;
		note->has_value = true;
		if (check_kind(
			j, v, KIND_STRING, "the value of an annotation", up) &&
		    !keep(j, json_str(v), &note->value))
			return false;
	}
	return true;
}

/* --- types ---------------------------------------------------------------- */

/* What may stand beside the type's own members. */
enum beside { BESIDE_NOTHING, BESIDE_NOTES, BESIDE_REQUIRED };

#define TYPE_MEMBER                                                            \
	{                                                                      \
		"type", KIND_STRING | KIND_REQUIRED                            \
	}
#define TYPE_OTHERS                                                            \
	{ "annotations", KIND_OBJECT },                                        \
	{                                                                      \
		"required", KIND_BOOLEAN                                       \
	}
#define TYPE_OTHERS_N 2u

static const struct member plain[] = { TYPE_MEMBER, TYPE_OTHERS };
static const struct member set[] = { TYPE_MEMBER,
	{ "element", KIND_OBJECT | KIND_REQUIRED }, TYPE_OTHERS };
static const struct member record[] = { TYPE_MEMBER,
	{ "attributes", KIND_OBJECT | KIND_REQUIRED },
	{ "additionalAttributes", KIND_BOOLEAN }, TYPE_OTHERS };
static const struct member named[] = { TYPE_MEMBER,
	{ "name", KIND_STRING | KIND_REQUIRED }, TYPE_OTHERS };

static const struct type_word {
	const char *word;
	enum tree_kind kind;
	struct members members;
} type_words[] = {
	{ "Long", TREE_LONG, MEMBERS("the type `Long`", plain) },
	{ "String", TREE_STRING, MEMBERS("the type `String`", plain) },
	{ "Boolean", TREE_BOOLEAN, MEMBERS("the type `Boolean`", plain) },
	{ "Set", TREE_SET, MEMBERS("the type `Set`", set) },
	{ "Record", TREE_RECORD, MEMBERS("the type `Record`", record) },
	{ "Entity", TREE_ENTITY, MEMBERS("the type `Entity`", named) },
	{ "Extension", TREE_EXTENSION, MEMBERS("the type `Extension`", named) },
	{ "EntityOrCommon", TREE_NAME,
	    MEMBERS("the type `EntityOrCommon`", named) },
};
static const struct type_word common_word = { NULL, TREE_COMMON,
	MEMBERS("a common type", plain) };

/* Of an object that does not say its type. */
static const struct type_word unknown_word = { NULL, TREE_COMMON,
	MEMBERS("a type", plain) };

static const struct type_word *
type_word(struct str word)
{
	for (size_t i = 0; i < ARRAY_LEN(type_words); i++)
		if (str_eq(word, str_of(type_words[i].word)))
			return &type_words[i];
	return &common_word;
}

static bool read_type(struct reader *j, const json_t *v, struct tree_place up,
    enum beside beside, struct tree_type *ret);

static bool
read_attribute(struct reader *j, const json_t *v, struct str key,
    struct tree_place up, struct tree_attribute *ret)
{
	const json_t *required = json_object_get(v, "required");

	ret->required = !json_is_false(required);
	return read_key(j, v, key, up, &ret->name) &&
	       read_type(j, v, up, BESIDE_REQUIRED, &ret->type) &&
	       read_notes(
		   j, json_object_get(v, "annotations"), up, &ret->notes);
}

static bool
read_attributes(struct reader *j, const json_t *object, struct tree_place up,
    struct tree_attributes *ret)
{
	const char *key;
	size_t key_n;
	json_t *v;
	bool ok = true;

	json_object_keylen_foreach (
	    (json_t *)(uintptr_t)object, key, key_n, v) {
		struct tree_attribute *a = TREE_PUSH(j->r, ret);

		if (!a)
			return false;
		ok = read_attribute(j, v, (struct str){ key, key_n },
			 place_of(j, object, up), a) &&
		     ok;
	}
	return ok;
}

static bool
read_record(struct reader *j, const json_t *v, struct tree_type *ret)
{
	const json_t *open = json_object_get(v, "additionalAttributes");

	if (json_is_true(open))
		error_hint(
		    schema_refuse(j->r, ERR_SYNTAX_UNSUPPORTED, ret->name.at,
			"records with other than the declared "
			"attributes are not supported"),
		    "take `additionalAttributes` away");
	return read_attributes(j, json_object_get(v, "attributes"),
	    ret->name.at, &ret->attributes);
}

static bool
read_element(struct reader *j, const json_t *v, struct tree_type *ret)
{
	struct tree_type *element = ARENA_NEW(j->r->arena, struct tree_type);

	ret->element = element;
	if (!element)
		return schema_nomem(j->r);
	return read_type(j, json_object_get(v, "element"), ret->name.at,
	    BESIDE_NOTHING, element);
}

/* The members of the word that may stand here. */
static struct members
allowed(const struct type_word *w, enum beside beside)
{
	struct members m = w->members;

	m.n -= TYPE_OTHERS_N;
	if (beside == BESIDE_NOTES)
		m.n += 1;
	if (beside == BESIDE_REQUIRED)
		m.n += 2;
	return m;
}

static bool
read_type(struct reader *j, const json_t *v, struct tree_place up,
    enum beside beside, struct tree_type *ret)
{
	const json_t *word = json_object_get(v, "type");
	const struct type_word *w = &unknown_word;
	struct members m;

	ret->name.at = place_of(j, v, up);
	if (!check_kind(j, v, KIND_OBJECT, "a type", up))
		return false;
	if (json_is_string(word))
		w = type_word(json_str(word));
	m = allowed(w, beside);
	if (!check_members(j, &m, v, ret->name.at))
		return false;
	ret->kind = w->kind;
	switch (w->kind) {
	case TREE_SET:
		return read_element(j, v, ret);
	case TREE_RECORD:
		return read_record(j, v, ret);
	case TREE_COMMON:
		return read_name(j, word, ret->name.at, &ret->name);
	case TREE_NAME:
	case TREE_ENTITY:
	case TREE_EXTENSION:
		return read_name(
		    j, json_object_get(v, "name"), ret->name.at, &ret->name);
	case TREE_LONG:
	case TREE_STRING:
	case TREE_BOOLEAN:
		break;
	}
	return true;
}

static const struct tree_type *
new_type(struct reader *j, const json_t *v, struct tree_place up)
{
	struct tree_type *type;

	if (!v)
		return NULL;
	type = ARENA_NEW(j->r->arena, struct tree_type);
	if (!type)
		(void)schema_nomem(j->r);
	else
		(void)read_type(j, v, up, BESIDE_NOTHING, type);
	return type;
}

/* --- declarations --------------------------------------------------------- */

static const struct member entity_list[] = {
	{ "memberOfTypes", KIND_ARRAY },
	{ "shape", KIND_OBJECT },
	{ "tags", KIND_OBJECT },
	{ "annotations", KIND_OBJECT },
};
static const struct members entity_members =
    MEMBERS("an entity type", entity_list);

static const struct member enum_list[] = {
	{ "enum", KIND_ARRAY | KIND_REQUIRED },
	{ "annotations", KIND_OBJECT },
};
static const struct members enum_members =
    MEMBERS("an enumerated entity type", enum_list);

static void
read_ids(struct reader *j, const json_t *array, struct tree_place up,
    struct tree_names *ret)
{
	struct tree_place at = place_of(j, array, up);
	json_t *v;
	size_t i;

	if (json_array_size(array) == 0)
		(void)schema_refuse(j->r, ERR_JSON_SHAPE, at,
		    "`enum` must name an id at least");
	json_array_foreach (array, i, v) {
		struct tree_name *id = TREE_PUSH(j->r, ret);

		if (!id || !check_kind(j, v, KIND_STRING, "an id", at) ||
		    !keep(j, json_str(v), &id->name))
			return;
		id->at = place_of(j, v, at);
	}
}

static void
read_entity(struct reader *j, const json_t *v, struct str key,
    struct tree_place up, struct tree_namespace *n)
{
	struct tree_entity *e = TREE_PUSH(j->r, &n->entities);
	struct tree_place at = place_of(j, v, up);

	if (!e || !read_key(j, v, key, up, &e->name))
		return;
	(void)schema_check_declared(j->r, key, e->name.at, "an entity type");
	e->is_enum = json_object_get(v, "enum") != NULL;
	if (!check_kind(j, v, KIND_OBJECT, "an entity type", up) ||
	    !check_members(
		j, e->is_enum ? &enum_members : &entity_members, v, at))
		return;
	if (!read_notes(j, json_object_get(v, "annotations"), at, &e->notes))
		return;
	if (e->is_enum)
		read_ids(j, json_object_get(v, "enum"), at, &e->ids);
	(void)read_names(
	    j, json_object_get(v, "memberOfTypes"), at, &e->parents);
	e->shape = new_type(j, json_object_get(v, "shape"), at);
	e->tags = new_type(j, json_object_get(v, "tags"), at);
}

static void
read_common(struct reader *j, const json_t *v, struct str key,
    struct tree_place up, struct tree_namespace *n)
{
	struct tree_common *c = TREE_PUSH(j->r, &n->commons);

	if (!c || !read_key(j, v, key, up, &c->name))
		return;
	(void)schema_check_declared(j->r, key, c->name.at, "a common type");
	if (read_type(j, v, up, BESIDE_NOTES, &c->type))
		(void)read_notes(
		    j, json_object_get(v, "annotations"), up, &c->notes);
}

static const struct member action_list[] = {
	{ "appliesTo", KIND_OBJECT | KIND_NULLABLE },
	{ "memberOf", KIND_ARRAY | KIND_NULLABLE },
	{ "annotations", KIND_OBJECT },
	{ "attributes", KIND_OBJECT | KIND_NULLABLE },
};
static const struct members action_members = MEMBERS("an action", action_list);

static const struct member applies_list[] = {
	{ "principalTypes", KIND_ARRAY | KIND_REQUIRED },
	{ "resourceTypes", KIND_ARRAY | KIND_REQUIRED },
	{ "context", KIND_OBJECT },
};
static const struct members applies_members =
    MEMBERS("`appliesTo`", applies_list);

static const struct member ref_list[] = {
	{ "id", KIND_STRING | KIND_REQUIRED },
	{ "type", KIND_STRING | KIND_NULLABLE },
};
static const struct members ref_members =
    MEMBERS("an action's group", ref_list);

static void
read_ref(struct reader *j, const json_t *v, struct tree_place up,
    struct tree_refs *list)
{
	struct tree_ref *ref = TREE_PUSH(j->r, list);
	const json_t *type = json_object_get(v, "type");
	struct tree_name name;

	if (!ref)
		return;
	ref->id.at = place_of(j, v, up);
	if (!check_kind(j, v, KIND_OBJECT, "an action's group", up) ||
	    !check_members(j, &ref_members, v, ref->id.at))
		return;
	if (json_is_string(type) && read_name(j, type, ref->id.at, &name))
		ref->type = name.name;
	(void)keep(j, json_str(json_object_get(v, "id")), &ref->id.name);
}

static void
read_applies(struct reader *j, const json_t *v, struct tree_place up,
    struct tree_action *a)
{
	struct tree_place at = place_of(j, v, up);

	if (!json_is_object(v) || !check_members(j, &applies_members, v, at))
		return;
	a->applies = true;
	(void)read_names(
	    j, json_object_get(v, "principalTypes"), at, &a->principals);
	(void)read_names(
	    j, json_object_get(v, "resourceTypes"), at, &a->resources);
	a->context = new_type(j, json_object_get(v, "context"), at);
}

static void
read_action(struct reader *j, const json_t *v, struct str key,
    struct tree_place up, struct tree_namespace *n)
{
	struct tree_action *a = TREE_PUSH(j->r, &n->actions);
	struct tree_place at = place_of(j, v, up);
	json_t *ref;
	size_t i;

	if (!a || !read_key(j, v, key, up, &a->name))
		return;
	if (!check_kind(j, v, KIND_OBJECT, "an action", up) ||
	    !check_members(j, &action_members, v, at) ||
	    !read_notes(j, json_object_get(v, "annotations"), at, &a->notes))
		return;
	if (json_is_object(json_object_get(v, "attributes")))
		(void)schema_refuse(j->r, ERR_SYNTAX_UNSUPPORTED,
		    key_place(j, json_object_get(v, "attributes"), at),
		    "attributes of actions are not supported");
	json_array_foreach (json_object_get(v, "memberOf"), i, ref)
		read_ref(j, ref, at, &a->parents);
	read_applies(j, json_object_get(v, "appliesTo"), at, a);
}

/* --- the whole ------------------------------------------------------------ */

static const struct member space_list[] = {
	{ "entityTypes", KIND_OBJECT | KIND_REQUIRED },
	{ "actions", KIND_OBJECT | KIND_REQUIRED },
	{ "commonTypes", KIND_OBJECT },
	{ "annotations", KIND_OBJECT },
};
static const struct members space_members = MEMBERS("a namespace", space_list);

static const struct {
	const char *name;
	void (*read)(struct reader *j, const json_t *v, struct str key,
	    struct tree_place up, struct tree_namespace *n);
} groups[] = {
	{ "commonTypes", read_common },
	{ "entityTypes", read_entity },
	{ "actions", read_action },
};

static void
read_namespace(struct reader *j, const json_t *v, struct str key,
    struct tree_place up, struct schema_tree *t)
{
	struct tree_namespace *n = TREE_PUSH(j->r, t);
	struct tree_place at = place_of(j, v, up);
	const json_t *notes = json_object_get(v, "annotations");
	const char *name;
	size_t name_n;
	json_t *item;

	if (!n || !read_key(j, v, key, up, &n->name))
		return;
	if (!check_kind(j, v, KIND_OBJECT, "a namespace", up) ||
	    !check_members(j, &space_members, v, at))
		return;
	if (!key.n && json_object_size(notes))
		(void)schema_refuse(j->r, ERR_JSON_SHAPE,
		    key_place(j, notes, at),
		    "what has no namespace cannot be annotated as one");
	if (!read_notes(j, notes, at, &n->notes))
		return;
	for (size_t i = 0; i < ARRAY_LEN(groups); i++)
		json_object_keylen_foreach (
		    json_object_get(v, groups[i].name), name, name_n, item)
			groups[i].read(
			    j, item, (struct str){ name, name_n }, at, n);
}

static bool
read_root(struct schema_reader *r, const json_t *root, struct schema_tree *ret)
{
	struct reader j = { .r = r };
	struct tree_place all = { 0, 1 };
	struct error e = { 0 };
	const char *key;
	size_t key_n;
	json_t *v;

	if (!json_places_new(r->arena, r->source.text, root, &j.places, &e)) {
		r->failed = true;
		return errors_take(r->errors, &e);
	}
	if (!check_kind(&j, root, KIND_OBJECT, "a schema", all))
		return false;
	json_object_keylen_foreach ((json_t *)(uintptr_t)root, key, key_n, v)
		read_namespace(&j, v, (struct str){ key, key_n }, all, ret);
	return !r->failed;
}

bool
schema_parse_json(struct schema_reader *r, struct schema_tree *ret)
{
	struct error e = { 0 };
	json_t *root;
	bool ok;

	if (!json_parse(r->source.text, r->source.file, LIMIT_POLICY_FILE_BYTES,
		LIMIT_DATA_FILE_DEPTH, JSON_DATA_FILE, &root, &e)) {
		r->failed = true;
		return errors_take(r->errors, &e);
	}
	ok = read_root(r, root, ret);
	json_decref(root);
	return ok;
}
