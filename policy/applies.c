/* applies.c - scope elements against types and actions of a schema. */
#include "policy/applies.h"

#include "policy/pattern.h"

/* Sure: the test holds, or does not, for all of them. */
enum verdict { VERDICT_NO = 0, VERDICT_MAYBE, VERDICT_YES };

static enum verdict
verdict_of(bool yes)
{
	return yes ? VERDICT_YES : VERDICT_NO;
}

static bool
is_listed(const struct ast *t, const struct ast_node *n, struct str type)
{
	for (uint32_t i = 0; i < n->b; i++)
		if (str_eq(t->strings[t->kids[n->a + i]], type))
			return true;
	return false;
}

/* --- types ------------------------------------------------------------- */

/* The type of an entity, or of what a link binds a slot to. False where a slot
 * may be anything. */
static bool
type_at(const struct checker *c, uint32_t node, uint32_t *ret)
{
	const struct ast_node *n = &c->ast->nodes[typecheck_bare(c, node)];
	struct str type = { 0 };

	if (n->kind == NODE_ENTITY)
		type = c->ast->strings[n->a];
	else if (n->kind == NODE_SLOT && c->slot)
		type = c->slot[n->op == VAR_RESOURCE].type;
	else
		return false;
	*ret = schema_find_any_type(c->schema, type);
	return true;
}

static enum verdict
type_equals(const struct checker *c, uint32_t node, uint32_t type)
{
	uint32_t other;

	return !type_at(c, node, &other) || other == type ? VERDICT_MAYBE
							  : VERDICT_NO;
}

static enum verdict
type_in_list(
    const struct checker *c, const struct ast_node *test, uint32_t type)
{
	for (uint32_t i = 0; i < test->b; i++) {
		uint32_t group;

		if (!type_at(c, c->ast->kids[test->a + i], &group) ||
		    (group != SCHEMA_NONE &&
			schema_type_in(c->schema, type, group)))
			return VERDICT_MAYBE;
	}
	return VERDICT_NO;
}

static enum verdict
test_type(const struct checker *c, const struct ast_node *test, uint32_t type)
{
	struct str name = schema_type_name(c->schema, type);

	if (test->kind == NODE_TEST_EQ)
		return type_equals(c, test->a, type);
	if (test->kind == NODE_TEST_IN)
		return type_in_list(c, test, type);
	if (test->kind == NODE_TEST_IS)
		return verdict_of(is_listed(c->ast, test, name));
	if (test->kind == NODE_TEST_LIKE)
		return str_eq(c->ast->strings[test->a], name) ? VERDICT_MAYBE
							      : VERDICT_NO;
	return VERDICT_MAYBE;
}

/* --- actions ----------------------------------------------------------- */

static uint32_t
action_at(const struct checker *c, uint32_t node)
{
	const struct ast_node *n = &c->ast->nodes[typecheck_bare(c, node)];
	struct uid uid;

	if (n->kind != NODE_ENTITY)
		return SCHEMA_NONE;
	uid = (struct uid){ c->ast->strings[n->a], c->ast->strings[n->b] };
	return schema_find_action(c->schema, uid);
}

static enum verdict
action_in_list(
    const struct checker *c, const struct ast_node *test, uint32_t action)
{
	const struct schema_action *a = &c->schema->actions[action];

	for (uint32_t i = 0; i < test->b; i++) {
		uint32_t group = action_at(c, c->ast->kids[test->a + i]);

		if (group != SCHEMA_NONE &&
		    (group == action ||
			schema_has_id(a->ancestors, a->n_ancestors, group)))
			return VERDICT_YES;
	}
	return VERDICT_NO;
}

static enum verdict
action_like(
    const struct checker *c, const struct ast_node *test, struct uid uid)
{
	const struct ast_node *pattern = &c->ast->nodes[test->b];
	const struct ast_part *parts = &c->ast->parts[pattern->a];

	if (!str_eq(c->ast->strings[test->a], uid.type))
		return VERDICT_NO;
	if (pattern_has_path(parts, pattern->b))
		return VERDICT_MAYBE;
	return verdict_of(pattern_match(parts, pattern->b, NULL, uid.id));
}

static enum verdict
test_action(
    const struct checker *c, const struct ast_node *test, uint32_t action)
{
	struct uid uid = c->schema->actions[action].uid;

	if (test->kind == NODE_TEST_EQ)
		return verdict_of(action_at(c, test->a) == action);
	if (test->kind == NODE_TEST_IN)
		return action_in_list(c, test, action);
	if (test->kind == NODE_TEST_IS)
		return verdict_of(is_listed(c->ast, test, uid.type));
	if (test->kind == NODE_TEST_LIKE)
		return action_like(c, test, uid);
	return VERDICT_MAYBE;
}

/* --- elements ---------------------------------------------------------- */

static bool
applies(const struct checker *c, uint32_t scope, uint32_t index,
    enum verdict (*test)(
	const struct checker *, const struct ast_node *, uint32_t))
{
	const struct ast_node *n = &c->ast->nodes[scope];

	for (uint32_t i = 0; i < n->b; i++) {
		const struct ast_node *t =
		    &c->ast->nodes[c->ast->kids[n->a + i]];
		enum verdict v = test(c, t, index);

		if (v == (t->negated ? VERDICT_YES : VERDICT_NO))
			return false;
	}
	return true;
}

bool
applies_type(const struct checker *c, uint32_t scope, uint32_t type)
{
	return applies(c, scope, type, test_type);
}

bool
applies_action(const struct checker *c, uint32_t scope, uint32_t action)
{
	return applies(c, scope, action, test_action);
}

uint32_t
applies_only_action(const struct checker *c, uint32_t scope)
{
	const struct ast_node *n = &c->ast->nodes[scope];
	const struct ast_node *t =
	    n->b == 1 ? &c->ast->nodes[c->ast->kids[n->a]] : NULL;

	if (!t || t->kind != NODE_TEST_EQ || t->negated)
		return SCHEMA_NONE;
	return action_at(c, t->a);
}

bool
applies_any(
    struct checker *c, uint32_t scope, const uint32_t *types, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++, c->steps++)
		if (applies_type(c, scope, types[i]))
			return true;
	return false;
}

bool
applies_some(struct checker *c, const struct ast_policy *policy)
{
	uint32_t only = applies_only_action(c, policy->scope[VAR_ACTION]);
	uint32_t i = only == SCHEMA_NONE ? 0 : only;
	uint32_t end = only == SCHEMA_NONE ? c->schema->n_actions : only + 1;

	for (; i < end; i++) {
		const struct schema_action *a = &c->schema->actions[i];

		c->steps++;
		if (applies_action(c, policy->scope[VAR_ACTION], i) &&
		    applies_any(c, policy->scope[VAR_PRINCIPAL], a->principals,
			a->n_principals) &&
		    applies_any(c, policy->scope[VAR_RESOURCE], a->resources,
			a->n_resources))
			return true;
	}
	return false;
}
