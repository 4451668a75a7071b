/* parse_json_scope.c - a policy's principal, action and resource in JSON to
 * scope nodes; types and patterns.
 * Cedar's form: {"op": "All" | "==" | "in" | "is", ...}. Avow's own adds to it
 * "not": true, "entities" for every variable and with slots, "entity_types",
 * and {"op": "like", "entity_type", "pattern"}. */
#include "policy/parse_json.h"

static bool
refuse(struct reader *r, const json_t *value, const json_t *around,
    const char *msg)
{
	(void)reader_refuse(
	    r, ERR_JSON_SHAPE, reader_place(r, value, around), "%s", msg);
	return false;
}

/* ---- types and patterns ----------------------------------------------------
 */

bool
reader_type(struct reader *r, const json_t *value, const json_t *around,
    enum ast_var var, uint32_t *ret)
{
	struct str name = reader_string(r, value, around);
	struct json_place at = reader_place(r, value, around);

	if (!name.p)
		return false;
	*ret = build_string(&r->p, name);
	if (!uid_type_is_valid(name)) {
		(void)reader_refuse(r, ERR_JSON_SHAPE, at,
		    "`%.*s` is no entity type", STR_ARG(str_sub(name, 0, 80)));
		return false;
	}
	if (var != VAR_ACTION || uid_type_is_action(name))
		return true;
	(void)reader_refuse(r, ERR_NAME_ACTION, at,
	    "expected a type that ends in `Action`, found `%.*s`",
	    STR_ARG(str_sub(name, 0, 80)));
	return false;
}

/* {"Path": ["principal", "owner"]}: a contextual wildcard. */
static bool
read_path(struct reader *r, const json_t *path, const json_t *around,
    struct ast_part *part)
{
	size_t n = json_array_size(path);
	struct str *names = ARENA_ARRAY(r->p.arena, n, struct str), root;
	unsigned v = 0;

	if (n == 0)
		return refuse(r, path, around,
		    "expected a list: a variable, then attributes");
	if (!names) {
		r->p.nodes.failed = true;
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		names[i] = reader_string(r, json_array_get(path, i), path);
		if (!names[i].p)
			return false;
	}
	root = names[0];
	while (v <= VAR_CONTEXT &&
	       !str_eq(root, str_of(ast_var_name((enum ast_var)v))))
		v++;
	if (v > VAR_CONTEXT)
		return refuse(r, json_array_get(path, 0), path,
		    "expected `principal`, `action`, `resource` or `context`");
	part->kind = PART_PATH;
	part->var = (enum ast_var)v;
	part->path = names + 1;
	part->n_path = (uint32_t)n - 1;
	return true;
}

static bool
read_part(
    struct reader *r, const json_t *json, const json_t *around, bool paths)
{
	static const char *const keys[] = { "Literal", "Wildcard", NULL };
	static const char *const more[] = { "Literal", "Wildcard", "Path",
		NULL };
	struct json_place at = reader_place(r, json, around);
	struct ast_part part = {
		.kind = PART_STAR, .off = at.off, .len = at.len
	};
	const json_t *value;

	if (json_is_string(json) && str_eq(json_str(json), STR("Wildcard"))) {
		(void)build_part(&r->p, &part);
		return true;
	}
	if (json_object_size(json) != 1)
		return refuse(r, json, around,
		    "expected \"Wildcard\" or {\"Literal\": ...}");
	if (!reader_check_object(r, json, around, paths ? more : keys))
		return false;
	if ((value = json_object_get(json, "Literal"))) {
		part.kind = PART_LITERAL;
		part.literal = reader_string(r, value, json);
		if (!part.literal.p)
			return false;
	} else if ((value = json_object_get(json, "Path"))) {
		if (!read_path(r, value, json, &part))
			return false;
	} else if (!json_is_null(json_object_get(json, "Wildcard"))) {
		return refuse(r, json, around, "a wildcard has no value");
	}
	(void)build_part(&r->p, &part);
	return true;
}

bool
reader_pattern(
    struct reader *r, const json_t *body, bool in_scope, uint32_t *ret)
{
	const json_t *list = reader_member(r, body, NULL, "pattern");
	struct json_place at = reader_place(r, list, body);
	struct ast_node n = { .kind = NODE_PATTERN,
		.a = (uint32_t)(r->p.parts.n / sizeof(struct ast_part)),
		.b = (uint32_t)json_array_size(list) };
	json_t *item;
	size_t i;

	if (!list)
		return false;
	if (!json_is_array(list))
		return refuse(r, list, body, "expected an array of parts");
	json_array_foreach (list, i, item)
		if (!read_part(r, item, list, in_scope && r->avow))
			return false;
	*ret = build_node(&r->p, at.off, at.len, n);
	return true;
}

/* ---- entities and slots ----------------------------------------------------
 */

bool
reader_push_entity(struct reader *r, const json_t *json, const json_t *around,
    enum ast_var var)
{
	struct json_place at = reader_place(r, json, around);
	struct ast_node n = { .kind = NODE_ENTITY };
	struct uid uid;

	if (!reader_uid(r, json, around, var, &uid))
		return false;
	n.a = build_string(&r->p, uid.type);
	n.b = build_string(&r->p, uid.id);
	build_push(&r->p, build_node(&r->p, at.off, at.len, n));
	return true;
}

static bool
push_slot(struct reader *r, const json_t *json, const json_t *around,
    enum ast_var var)
{
	struct json_place at = reader_place(r, json, around);
	struct ast_node n = { .kind = NODE_SLOT, .op = (uint8_t)var };
	struct str name = json_str(json);

	r->p.has_slots = true;
	if (var == VAR_ACTION) {
		(void)reader_refuse(
		    r, ERR_SYNTAX_SLOT, at, "an action has no slot");
		return false;
	}
	if (!json_is_string(json) || name.n == 0 || name.p[0] != '?' ||
	    !str_eq(str_sub(name, 1, name.n), str_of(ast_var_name(var)))) {
		(void)reader_refuse(r, ERR_SYNTAX_SLOT, at,
		    "the slot here is `?%s`", ast_var_name(var));
		return false;
	}
	build_push(&r->p, build_node(&r->p, at.off, at.len, n));
	return true;
}

/* An item of "entities": an entity, or in Avow's form a slot. */
static bool
push_member(struct reader *r, const json_t *json, const json_t *around,
    enum ast_var var)
{
	static const char *const keys[] = { "slot", NULL };
	const json_t *slot = json_object_get(json, "slot");

	if (!slot || !r->avow)
		return reader_push_entity(r, json, around, var);
	return reader_check_object(r, json, around, keys) &&
	       push_slot(r, slot, json, var);
}

/* What a test compares with, pushed: "entity", "slot" or "entities". */
static bool
push_targets(struct reader *r, const json_t *json, enum ast_var var, bool lists,
    bool *ret_is_list)
{
	const json_t *entity = json_object_get(json, "entity");
	const json_t *slot = json_object_get(json, "slot");
	const json_t *list = lists ? json_object_get(json, "entities") : NULL;
	json_t *item;
	size_t i;

	*ret_is_list = list != NULL;
	if (!entity + !slot + !list != 2)
		return refuse(r, json, NULL,
		    lists ? "expected one of `entity`, `slot` and `entities`"
			  : "expected one of `entity` and `slot`");
	if (entity)
		return reader_push_entity(r, entity, json, var);
	if (slot)
		return push_slot(r, slot, json, var);
	if (!json_is_array(list))
		return refuse(r, list, json, "expected an array of entities");
	json_array_foreach (list, i, item)
		if (!push_member(r, item, list, var))
			return false;
	return true;
}

/* ---- tests -----------------------------------------------------------------
 */

static bool
add(struct reader *r, const json_t *json, struct ast_node n)
{
	struct json_place at = reader_place(r, json, NULL);

	build_push(&r->p, build_node(&r->p, at.off, at.len, n));
	return true;
}

static bool
is_negated(struct reader *r, const json_t *json, bool *ret)
{
	const json_t *value = json_object_get(json, "not");

	*ret = value != NULL;
	return !value || json_is_true(value) ||
	       refuse(r, value, json, "`not` is true, or it is left out");
}

static bool
read_eq(struct reader *r, const json_t *json, enum ast_var var)
{
	struct ast_node n = { .kind = NODE_TEST_EQ };
	uint32_t base = build_mark(&r->p), count, first;
	bool negated, list;

	if (!is_negated(r, json, &negated) ||
	    !push_targets(r, json, var, false, &list))
		return false;
	first = build_list(&r->p, base, &count);
	if (build_ok(&r->p))
		memcpy(&n.a, r->p.kids.p + first * sizeof n.a, sizeof n.a);
	n.negated = negated;
	return add(r, json, n);
}

static bool
read_in(struct reader *r, const json_t *json, enum ast_var var)
{
	struct ast_node n = { .kind = NODE_TEST_IN };
	uint32_t base = build_mark(&r->p);
	bool negated, list;

	if (!is_negated(r, json, &negated) ||
	    !push_targets(r, json, var, r->avow || var == VAR_ACTION, &list))
		return false;
	n.a = build_list(&r->p, base, &n.b);
	n.c = list;
	n.negated = negated;
	return add(r, json, n);
}

static bool
push_types(struct reader *r, const json_t *json, enum ast_var var, bool *list)
{
	const json_t *one = json_object_get(json, "entity_type");
	const json_t *types = json_object_get(json, "entity_types"), *item;
	uint32_t type;
	size_t i;

	*list = types != NULL;
	if (!one == !types)
		return refuse(r, json, NULL,
		    r->avow ? "expected one of `entity_type` and "
			      "`entity_types`"
			    : "`entity_type` is missing");
	if (types && json_array_size(types) == 0)
		return refuse(
		    r, types, json, "expected an array of one type or more");
	for (i = 0; i < (types ? json_array_size(types) : 1); i++) {
		item = types ? json_array_get(types, i) : one;
		if (!reader_type(r, item, types ? types : json, var, &type))
			return false;
		build_push(&r->p, type);
	}
	return true;
}

static bool
read_is(struct reader *r, const json_t *json, enum ast_var var)
{
	static const char *const keys[] = { "entity", "slot", NULL };
	static const char *const more[] = { "entity", "slot", "entities", "not",
		NULL };
	struct ast_node n = { .kind = NODE_TEST_IS };
	uint32_t base = build_mark(&r->p);
	const json_t *in = json_object_get(json, "in");
	bool negated, list;

	if (!is_negated(r, json, &negated) || !push_types(r, json, var, &list))
		return false;
	n.a = build_list(&r->p, base, &n.b);
	n.c = list;
	n.negated = negated;
	return add(r, json, n) && (!in || (reader_check_object(r, in, json,
					       r->avow ? more : keys) &&
					      read_in(r, in, var)));
}

static bool
read_like(struct reader *r, const json_t *json, enum ast_var var)
{
	struct ast_node n = { .kind = NODE_TEST_LIKE };
	const json_t *type = reader_member(r, json, NULL, "entity_type");
	bool negated;

	if (!type || !is_negated(r, json, &negated) ||
	    !reader_type(r, type, json, var, &n.a) ||
	    !reader_pattern(r, json, true, &n.b))
		return false;
	n.negated = negated;
	return add(r, json, n);
}

static bool
read_all(struct reader *r, const json_t *json, enum ast_var var)
{
	(void)r;
	(void)json;
	(void)var;
	return true;
}

/* Where Cedar has the op, and the keys beside it there and in Avow's form. */
static const struct test {
	const char *op;
	bool (*read)(struct reader *r, const json_t *json, enum ast_var var);
	enum { NOWHERE, NOT_ACTION, EVERYWHERE } cedar;
	const char *keys[5], *more[6];
} tests[] = {
	{ "All", read_all, EVERYWHERE, { "op" }, { "op" } },
	{ "all", read_all, EVERYWHERE, { "op" }, { "op" } },
	{ "==", read_eq, EVERYWHERE, { "op", "entity", "slot" },
	    { "op", "entity", "slot", "not" } },
	{ "in", read_in, EVERYWHERE, { "op", "entity", "slot", "entities" },
	    { "op", "entity", "slot", "entities", "not" } },
	{ "is", read_is, NOT_ACTION, { "op", "entity_type", "in" },
	    { "op", "entity_type", "entity_types", "in", "not" } },
	{ "like", read_like, NOWHERE, { NULL },
	    { "op", "entity_type", "pattern", "not" } },
};

static bool
read_test(struct reader *r, const json_t *json, struct str op, enum ast_var var)
{
	const json_t *value = json_object_get(json, "op");

	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		const struct test *t = &tests[i];

		if (!str_eq(op, str_of(t->op)) ||
		    (!r->avow &&
			(t->cedar == NOWHERE ||
			    (t->cedar == NOT_ACTION && var == VAR_ACTION))))
			continue;
		return reader_check_object(
			   r, json, NULL, r->avow ? t->more : t->keys) &&
		       t->read(r, json, var);
	}
	return refuse(r, value, json,
	    r->avow ? "expected \"All\", \"==\", \"in\", \"is\" or \"like\""
	    : var == VAR_ACTION ? "expected \"All\", \"==\" or \"in\""
				: "expected \"All\", \"==\", \"in\" or \"is\"");
}

bool
reader_scope(
    struct reader *r, const json_t *policy, enum ast_var var, uint32_t *ret)
{
	const json_t *json = reader_member(r, policy, NULL, ast_var_name(var));
	struct json_place at = reader_place(r, json, policy);
	struct ast_node n = { .kind = NODE_SCOPE, .op = (uint8_t)var };
	uint32_t base = build_mark(&r->p);
	const json_t *op;

	if (!json)
		return false;
	if (!json_is_object(json))
		return refuse(r, json, policy, "expected an object");
	op = reader_member(r, json, policy, "op");
	if (!op)
		return false;
	if (!read_test(r, json, json_str(op), var)) {
		r->p.stack.n = base * sizeof(uint32_t);
		return false;
	}
	n.a = build_list(&r->p, base, &n.b);
	*ret = build_node(&r->p, at.off, at.len, n);
	return true;
}
