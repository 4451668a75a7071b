/* names.c - names of a schema in policies, and scopes that fit nothing. */
#include "policy/names.h"

#include "policy/applies.h"
#include "policy/hint.h"

#define SHOWN_TYPES 4u

bool
names_init(struct names *n, const struct schema *schema, struct arena *keep)
{
	*n = (struct names){ .schema = schema, .arena = keep };
	n->types = ARENA_ARRAY(keep, schema->n_types, struct str);
	n->ids = ARENA_ARRAY(keep, schema->n_actions, struct str);
	if (!n->types || !n->ids)
		return false;
	for (uint32_t i = 0; i < schema->n_types; i++)
		n->types[i] = schema->types[i].name;
	for (uint32_t i = 0; i < schema->n_actions; i++)
		n->ids[i] = schema->actions[i].uid.id;
	return true;
}

static void
check_type(struct names *n, struct checker *c, uint32_t node, struct str name)
{
	const struct str *near;
	struct error *e;

	if (uid_type_is_action(name) ||
	    schema_find_type(n->schema, name) != SCHEMA_NONE)
		return;
	e = typecheck_refuse(c, node, ERR_SCHEMA_NAME,
	    "the schema has no entity type `%.*s`",
	    STR_ARG(str_sub(name, 0, 100)));
	near = e ? hint_nearest_of(name, n->types, n->schema->n_types) : NULL;
	if (near)
		error_hint(e, "did you mean `%.*s`?", STR_ARG(*near));
}

static void
hint_action(const struct names *n, struct error *e, struct str id)
{
	const struct str *near =
	    e ? hint_nearest_of(id, n->ids, n->schema->n_actions) : NULL;
	struct buf b = { 0 };

	if (!near)
		return;
	value_print_uid(&b, n->schema->actions[near - n->ids].uid);
	error_hint(e, "did you mean `%.*s`?", STR_ARG(buf_str(&b)));
	buf_free(&b);
}

static void
check_action(struct names *n, struct checker *c, uint32_t node, struct uid uid)
{
	struct buf b = { 0 };

	if (schema_find_action(n->schema, uid) != SCHEMA_NONE)
		return;
	value_print_uid(&b, uid);
	hint_action(n,
	    typecheck_refuse(c, node, ERR_SCHEMA_NAME,
		"the schema has no action `%.*s`",
		STR_ARG(str_sub(buf_str(&b), 0, 120))),
	    uid.id);
	buf_free(&b);
}

static void
check_enumerated(struct checker *c, uint32_t node,
    const struct schema_entity_type *t, struct str id)
{
	const struct str *near;
	struct error *e;
	struct buf b = { 0 };

	if (!t->ids || schema_lists_id(t, id))
		return;
	value_print_string(&b, id);
	e = typecheck_refuse(c, node, ERR_SCHEMA_NAME,
	    "`%.*s` has no id %.*s: its ids are enumerated",
	    STR_ARG(str_sub(t->name, 0, 80)),
	    STR_ARG(str_sub(buf_str(&b), 0, 80)));
	b.n = 0;
	near = e ? hint_nearest_of(id, t->ids, t->n_ids) : NULL;
	if (near) {
		value_print_string(&b, *near);
		error_hint(e, "did you mean `%.*s::%.*s`?", STR_ARG(t->name),
		    STR_ARG(buf_str(&b)));
	}
	buf_free(&b);
}

static void
check_entity(struct names *n, struct checker *c, uint32_t node)
{
	const struct ast_node *e = &c->ast->nodes[node];
	struct uid uid = { c->ast->strings[e->a], c->ast->strings[e->b] };
	uint32_t type;

	if (uid_type_is_action(uid.type)) {
		check_action(n, c, node, uid);
		return;
	}
	type = schema_find_type(n->schema, uid.type);
	if (type == SCHEMA_NONE)
		check_type(n, c, node, uid.type);
	else
		check_enumerated(c, node, &n->schema->types[type], uid.id);
}

void
names_check(struct names *n, struct checker *c, uint32_t node)
{
	const struct ast_node *x = &c->ast->nodes[node];
	const struct ast *t = c->ast;

	if (x->kind == NODE_ENTITY)
		check_entity(n, c, node);
	if (x->kind == NODE_IS)
		check_type(n, c, node, t->strings[x->b]);
	if (x->kind == NODE_TEST_LIKE)
		check_type(n, c, node, t->strings[x->a]);
	if (x->kind == NODE_TEST_IS)
		for (uint32_t i = 0; i < x->b; i++)
			check_type(n, c, node, t->strings[t->kids[x->a + i]]);
}

/* --- scopes that fit nothing ------------------------------------------- */

/* What the actions that fit allow. */
struct allowed {
	uint32_t actions, appliable, principals, resources;
	uint32_t first; /* an action that fits */
};

static struct allowed
what_fits(struct checker *c, const struct ast_policy *p)
{
	struct allowed sum = { .first = SCHEMA_NONE };

	for (uint32_t i = 0; i < c->schema->n_actions; i++) {
		const struct schema_action *a = &c->schema->actions[i];

		if (!applies_action(c, p->scope[VAR_ACTION], i))
			continue;
		sum.actions++;
		if (a->n_principals == 0 || a->n_resources == 0)
			continue;
		if (sum.appliable++ == 0)
			sum.first = i;
		sum.principals += applies_any(
		    c, p->scope[VAR_PRINCIPAL], a->principals, a->n_principals);
		sum.resources += applies_any(
		    c, p->scope[VAR_RESOURCE], a->resources, a->n_resources);
	}
	return sum;
}

static void
print_types(
    const struct checker *c, const uint32_t *types, uint32_t n, struct buf *out)
{
	for (uint32_t i = 0; i < n && i < SHOWN_TYPES; i++)
		buf_printf(out, "%s`%.*s`", i ? ", " : "",
		    STR_ARG(schema_type_name(c->schema, types[i])));
	if (n > SHOWN_TYPES)
		buf_addz(out, ", ...");
}

static void
refuse_types(struct checker *c, uint32_t scope, enum ast_var var,
    const struct allowed *fits)
{
	const struct schema_action *a = &c->schema->actions[fits->first];
	const char *name = ast_var_name(var);
	struct buf uid = { 0 }, types = { 0 };
	struct error *e;

	value_print_uid(&uid, a->uid);
	if (var == VAR_PRINCIPAL)
		print_types(c, a->principals, a->n_principals, &types);
	else
		print_types(c, a->resources, a->n_resources, &types);
	if (fits->appliable == 1)
		e = typecheck_refuse(c, scope, ERR_TYPE_SCOPE,
		    "no request fits: the action `%.*s` has no such %s",
		    STR_ARG(str_sub(buf_str(&uid), 0, 100)), name);
	else
		e = typecheck_refuse(c, scope, ERR_TYPE_SCOPE,
		    "no request fits: no action that fits has such a %s", name);
	error_hint(e, "%s of `%.*s`: %.*s", name,
	    STR_ARG(str_sub(buf_str(&uid), 0, 60)),
	    STR_ARG(str_sub(buf_str(&types), 0, 80)));
	buf_free(&uid);
	buf_free(&types);
}

/* The test `in []`, which nothing meets; 0 when there is none. */
static uint32_t
empty_list(const struct ast *t, uint32_t scope)
{
	const struct ast_node *n = &t->nodes[scope];

	for (uint32_t i = 0; i < n->b; i++) {
		const struct ast_node *test = &t->nodes[t->kids[n->a + i]];

		if (test->kind == NODE_TEST_IN && test->b == 0 &&
		    !test->negated)
			return t->kids[n->a + i];
	}
	return 0;
}

static bool
refuse_empty(struct checker *c, const struct ast_policy *p)
{
	bool refused = false;

	for (int i = 0; i < 3; i++) {
		uint32_t test = empty_list(c->ast, p->scope[i]);

		if (test)
			(void)typecheck_refuse(c, test, ERR_TYPE_EMPTY_SET,
			    "nothing is in an empty list");
		refused = refused || test;
	}
	return refused;
}

static bool
has_finding(const struct checker *c, const struct ast_policy *p)
{
	const struct ast_node *last = &c->ast->nodes[p->scope[VAR_RESOURCE]];

	for (size_t i = 0; i < c->findings.n; i++)
		if (c->findings.items[i].off < ast_end(c->ast, last))
			return true;
	return false;
}

void
names_refuse_scope(struct checker *c, const struct ast_policy *p)
{
	uint32_t action = p->scope[VAR_ACTION];
	struct allowed fits;

	if (has_finding(c, p) || refuse_empty(c, p))
		return;
	fits = what_fits(c, p);
	if (fits.actions == 0)
		(void)typecheck_refuse(c, action, ERR_TYPE_SCOPE,
		    "no request fits: no action of the schema does");
	else if (fits.appliable == 0)
		error_hint(typecheck_refuse(c, action, ERR_TYPE_SCOPE,
			       "no request fits: the action applies to "
			       "nothing"),
		    "write `action in` for all members of a group");
	else if (fits.principals == 0)
		refuse_types(c, p->scope[VAR_PRINCIPAL], VAR_PRINCIPAL, &fits);
	else if (fits.resources == 0)
		refuse_types(c, p->scope[VAR_RESOURCE], VAR_RESOURCE, &fits);
	else
		(void)findings_add(&c->findings, 0, p->head_off, p->head_len,
		    ERR_TYPE_SCOPE,
		    "no request fits: no action has both such a principal and "
		    "such a resource");
}
