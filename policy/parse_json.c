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

/* Keys of Avow's own form. */
static bool
is_addition(struct str key)
{
	static const struct str added[] = { STR_INIT("not"),
		STR_INIT("entity_types"), STR_INIT("Path"),
		STR_INIT("indivisible") };

	for (size_t i = 0; i < ARRAY_LEN(added); i++)
		if (str_eq(key, added[i]))
			return true;
	return false;
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
	if (!r->avow && is_addition(key))
		error_hint(e, READER_UNMARKED);
	else if (near)
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
	json_object_keylen_foreach (object, key, key_n, member) {
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
	if (var == VAR_ACTION && !uid_type_is_action(uid.type)) {
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

/* ---- policies --------------------------------------------------------------
 */

static bool
read_effect(struct reader *r, const json_t *json, struct ast_policy *policy)
{
	const json_t *effect = reader_member(r, json, NULL, "effect");
	struct json_place at = reader_place(r, effect, json);
	struct str word = json_str(effect);

	policy->head_off = at.off;
	policy->head_len = at.len;
	if (!effect)
		return false;
	if (!json_is_string(effect))
		return refuse_kind(r, effect, json, "a string");
	if (str_eq(word, STR("permit"))) {
		policy->word = WORD_PERMIT;
		return true;
	}
	policy->word = str_eq(word, STR("deny")) ? WORD_DENY : WORD_FORBID;
	if (str_eq(word, STR("forbid")) ||
	    (r->avow && policy->word == WORD_DENY))
		return true;
	error_hint(reader_refuse(r, ERR_JSON_SHAPE, at, "expected %s",
		       r->avow ? "\"permit\", \"forbid\" or \"deny\""
			       : "\"permit\" or \"forbid\""),
	    "%s", policy->word == WORD_DENY ? READER_UNMARKED : "");
	return false;
}

static bool
read_annotation(struct reader *r, struct str name, const json_t *value,
    const json_t *around)
{
	struct json_place at = reader_place(r, value, around);
	struct ast_annotation a = { .name = reader_copy(r, name) };

	a.off = at.key_len ? at.key_off : at.off;
	a.len = at.off + at.len - a.off;
	a.has_value = !json_is_null(value);
	if (a.has_value)
		a.value = reader_string(r, value, around);
	if (!a.name.p || (a.has_value && !a.value.p))
		return false;
	buf_add(&r->p.annotations, (struct str){ (const char *)&a, sizeof a });
	if (lex_is_identifier(name))
		return true;
	(void)reader_refuse(r, ERR_JSON_SHAPE,
	    (struct json_place){ .off = a.off, .len = a.len },
	    "the name of an annotation is an identifier");
	return false;
}

static bool
read_annotations(
    struct reader *r, const json_t *json, struct ast_policy *policy)
{
	const json_t *all = json_object_get(json, "annotations");
	json_t *object = (json_t *)(uintptr_t)all, *value;
	const char *key;
	size_t key_n;
	bool ok = true;

	policy->first_annotation =
	    (uint32_t)(r->p.annotations.n / sizeof(struct ast_annotation));
	policy->n_annotations = (uint32_t)json_object_size(all);
	if (all && !json_is_object(all))
		return refuse_kind(r, all, json, "an object");
	json_object_keylen_foreach (object, key, key_n, value)
		ok = read_annotation(
			 r, (struct str){ key, key_n }, value, all) &&
		     ok;
	return ok;
}

/* {"kind": "when" | "unless", "body": E}, pushed. */
static bool
push_condition(struct reader *r, const json_t *json, const json_t *around)
{
	static const char *const keys[] = { "kind", "body", NULL };
	struct json_place at = reader_place(r, json, around);
	struct ast_node n = { .kind = NODE_WHEN };
	const json_t *kind, *body;

	if (!reader_check_object(r, json, around, keys))
		return false;
	kind = reader_member(r, json, around, "kind");
	body = reader_member(r, json, around, "body");
	if (!kind || !body)
		return false;
	if (str_eq(json_str(kind), STR("unless")))
		n.kind = NODE_UNLESS;
	else if (!str_eq(json_str(kind), STR("when"))) {
		(void)reader_refuse(r, ERR_JSON_SHAPE,
		    reader_place(r, kind, json),
		    "expected \"when\" or \"unless\"");
		return false;
	}
	if (!reader_expr(r, body, json, &n.a))
		return false;
	build_push(&r->p, build_node(&r->p, at.off, at.len, n));
	return true;
}

static bool
read_conditions(struct reader *r, const json_t *json, struct ast_policy *policy)
{
	const json_t *list = reader_member(r, json, NULL, "conditions");
	uint32_t base = build_mark(&r->p);
	json_t *item;
	size_t i;
	bool ok = true;

	if (!list)
		return false;
	if (!json_is_array(list))
		return refuse_kind(r, list, json, "an array of conditions");
	json_array_foreach (list, i, item)
		ok = push_condition(r, item, list) && ok;
	policy->first_cond = build_list(&r->p, base, &policy->n_conds);
	return ok;
}

/* What a policy is in: a set that gives it an id, and says whether it is a
 * template; or nothing, and then it is what it is. */
struct whose {
	bool in_set, is_template;
	struct str id;
};

static bool
check_slots(struct reader *r, const struct ast_policy *policy,
    const struct whose *whose)
{
	struct json_place head = { .off = policy->head_off,
		.len = policy->head_len };

	if (!whose->in_set || whose->is_template == policy->has_slots)
		return true;
	if (policy->has_slots)
		error_hint(reader_refuse(r, ERR_SYNTAX_SLOT, head,
			       "a policy under `staticPolicies` has no slots"),
		    "put it under `templates`");
	else
		error_hint(reader_refuse(r, ERR_SYNTAX_SLOT, head,
			       "a template has a slot in its scope"),
		    "put it under `staticPolicies`");
	return false;
}

/* Its number, plus one. */
static uint32_t
add_id(struct reader *r, const struct whose *whose, const struct json_place *at)
{
	struct ast_id id = { reader_copy(r, whose->id), at->key_off,
		at->key_len };

	buf_add(&r->p.ids, (struct str){ (const char *)&id, sizeof id });
	return (uint32_t)(r->p.ids.n / sizeof id);
}

static void
read_policy(struct reader *r, const json_t *json, const json_t *around,
    const struct whose *whose)
{
	static const char *const keys[] = { "effect", "principal", "action",
		"resource", "conditions", "annotations", NULL, NULL };
	const char *own[ARRAY_LEN(keys)];
	struct json_place at = reader_place(r, json, around);
	struct ast_policy policy = { .off = at.off, .len = at.len };
	bool ok;

	memcpy(own, keys, sizeof own);
	if (!whose->in_set && r->avow)
		own[ARRAY_LEN(keys) - 2] = "avow";
	if (!json_is_object(json)) {
		(void)refuse_kind(r, json, around, "a policy");
		return;
	}
	r->p.has_slots = false;
	if (whose->in_set)
		policy.own_id = add_id(r, whose, &at);
	ok = reader_check_object(r, json, around, own);
	ok = read_effect(r, json, &policy) && ok;
	for (unsigned v = 0; v < 3; v++)
		ok = reader_scope(r, json, (enum ast_var)v, &policy.scope[v]) &&
		     ok;
	ok = read_conditions(r, json, &policy) && ok;
	ok = read_annotations(r, json, &policy) && ok;
	policy.has_slots = r->p.has_slots;
	if (ok && check_slots(r, &policy, whose))
		buf_add(&r->p.policies,
		    (struct str){ (const char *)&policy, sizeof policy });
}

static void
read_policies(
    struct reader *r, const json_t *all, const json_t *around, bool templates)
{
	json_t *object = (json_t *)(uintptr_t)all, *policy;
	struct whose whose = { .in_set = true, .is_template = templates };
	const char *key;
	size_t key_n;

	if (!all)
		return;
	if (!json_is_object(all)) {
		(void)refuse_kind(
		    r, all, around, "an object of policies by their ids");
		return;
	}
	if (json_object_size(all) > LIMIT_POLICIES) {
		(void)reader_refuse(r, ERR_LIMIT_COUNT,
		    reader_place(r, all, around), "more than %u policies",
		    LIMIT_POLICIES);
		return;
	}
	json_object_keylen_foreach (object, key, key_n, policy) {
		whose.id = (struct str){ key, key_n };
		read_policy(r, policy, all, &whose);
	}
}

/* ---- Avow's own ------------------------------------------------------------
 */

/* {"variable": ..., "entities": [...]} */
static void
read_indivisible(struct reader *r, const json_t *json, const json_t *around)
{
	static const char *const keys[] = { "variable", "entities", NULL };
	struct json_place at = reader_place(r, json, around);
	struct ast_indivisible set = { .off = at.off, .len = at.len };
	uint32_t base = build_mark(&r->p), v = VAR_PRINCIPAL;
	const json_t *variable, *entities;
	json_t *item;
	size_t i;

	if (!reader_check_object(r, json, around, keys))
		return;
	variable = reader_member(r, json, around, "variable");
	entities = reader_member(r, json, around, "entities");
	if (!variable || !entities)
		return;
	while (v <= VAR_RESOURCE && !str_eq(json_str(variable),
					str_of(ast_var_name((enum ast_var)v))))
		v++;
	if (v > VAR_RESOURCE) {
		(void)reader_refuse(r, ERR_JSON_SHAPE,
		    reader_place(r, variable, json),
		    "expected \"principal\", \"action\" or \"resource\"");
		return;
	}
	set.var = (enum ast_var)v;
	if (json_array_size(entities) == 0) {
		(void)refuse_kind(
		    r, entities, json, "an array of one entity or more");
		return;
	}
	json_array_foreach (entities, i, item)
		if (!reader_push_entity(r, item, entities, set.var))
			return;
	set.first = build_list(&r->p, base, &set.n);
	buf_add(
	    &r->p.indivisibles, (struct str){ (const char *)&set, sizeof set });
}

static void
read_indivisibles(struct reader *r, const json_t *list, const json_t *around)
{
	json_t *item;
	size_t i;

	if (!list)
		return;
	if (!json_is_array(list)) {
		(void)refuse_kind(r, list, around, "an array of sets");
		return;
	}
	json_array_foreach (list, i, item) {
		r->p.stack.n = 0;
		read_indivisible(r, item, list);
	}
}

/* `"avow": 1` says that the text is Avow's own form. */
static bool
read_marker(struct reader *r, const json_t *root)
{
	const json_t *marker = json_object_get(root, "avow");

	r->avow = marker != NULL;
	if (!marker || json_integer_value(marker) == 1)
		return true;
	(void)reader_refuse(r, ERR_JSON_SHAPE, reader_place(r, marker, root),
	    "expected 1, the version of Avow's policy JSON");
	return false;
}

/* ---- all together ----------------------------------------------------------
 */

static void
read_root(struct reader *r, const json_t *root)
{
	static const char *const keys[] = { "staticPolicies", "templates",
		"templateLinks", NULL };
	static const char *const own[] = { "staticPolicies", "templates",
		"templateLinks", "indivisible", "avow", NULL };
	static const struct whose nobody;

	(void)build_node(&r->p, 0, 0, (struct ast_node){ .kind = NODE_ERROR });
	if (!read_marker(r, root))
		return;
	if (json_object_get(root, "effect")) {
		read_policy(r, root, NULL, &nobody);
		return;
	}
	/* What is known is read all the same. */
	if (!reader_check_object(r, root, NULL, r->avow ? own : keys) &&
	    !json_is_object(root))
		return;
	read_policies(r, json_object_get(root, "staticPolicies"), root, false);
	read_policies(r, json_object_get(root, "templates"), root, true);
	read_links(r, json_object_get(root, "templateLinks"), root);
	read_indivisibles(r, json_object_get(root, "indivisible"), root);
}

bool
parse_json_policies(struct arena *a, const struct source *source,
    struct ast **ret, struct errors *reterr)
{
	struct reader r = { .p = { .arena = a,
				.source = source,
				.is_json = true,
				.errors = reterr } };
	struct arena *places = arena_new(0);
	struct error e = { 0 };
	json_t *root = NULL;
	bool ok = places != NULL || error_nomem(&e), built;

	ok = ok &&
	     json_parse(source->text, source->file, LIMIT_POLICY_FILE_BYTES,
		 LIMIT_POLICY_JSON_DEPTH, JSON_DATA_FILE, &root, &e);
	ok = ok && json_places_new(places, source->text, root, &r.places, &e);
	if (ok)
		read_root(&r, root);
	else
		(void)errors_take(reterr, &e);
	json_decref(root);
	arena_free(places);
	built = build_ast(&r.p, ret);
	build_free(&r.p);
	if (built) {
		(*ret)->is_json = true;
		(*ret)->is_marked = r.avow;
		return ok && !r.p.failed;
	}
	return errors_nomem(reterr);
}
