/* typecheck_binary.c - operators with two sides: equality, order, `in`, `is`.
 * Literals of both sides decide `==`, and known actions decide `in`, as they do
 * in Cedar; types that no value shares make `==` false. */
#include "policy/typecheck_private.h"

#include <stdio.h>

static struct uid
uid_at(const struct checker *c, const struct ast_node *n)
{
	if (n->kind == NODE_VAR)
		return c->schema->actions[c->env.action].uid;
	return (struct uid){ c->ast->strings[n->a], c->ast->strings[n->b] };
}

static bool
is_action_var(const struct checker *c, const struct ast_node *n)
{
	return n->kind == NODE_VAR && n->op == VAR_ACTION &&
	       c->env.action != SCHEMA_NONE;
}

/* What is written out: Cedar's parser makes one of `true && false` too. */
struct literal {
	const struct ast_node *node; /* NODE_BOOL: as `boolean` says */
	bool boolean;
};

#define FOLD_DEPTH 100u

static bool
bool_literal(const struct checker *c, uint32_t node, unsigned depth, bool *ret)
{
	const struct ast_node *n = &c->ast->nodes[typecheck_bare(c, node)];
	bool left, right;

	if (n->kind == NODE_BOOL)
		*ret = n->a != 0;
	if (n->kind == NODE_BOOL)
		return true;
	if (n->kind != NODE_BINARY || (n->op != OP_AND && n->op != OP_OR) ||
	    depth == 0 || !bool_literal(c, n->a, depth - 1, &left) ||
	    !bool_literal(c, n->b, depth - 1, &right))
		return false;
	*ret = n->op == OP_AND ? left && right : left || right;
	return true;
}

static bool
literal_at(const struct checker *c, uint32_t node, struct literal *ret)
{
	static const struct ast_node a_bool = { .kind = NODE_BOOL };
	const struct ast_node *n = &c->ast->nodes[typecheck_bare(c, node)];

	ret->node = n;
	if (n->kind == NODE_LONG || n->kind == NODE_STRING ||
	    n->kind == NODE_ENTITY || is_action_var(c, n))
		return true;
	ret->node = &a_bool;
	return bool_literal(c, node, FOLD_DEPTH, &ret->boolean);
}

static bool
is_same_literal(
    const struct checker *c, const struct literal *a, const struct literal *b)
{
	const struct ast_node *x = a->node, *y = b->node;
	const struct ast *t = c->ast;
	bool is_uid = x->kind == NODE_ENTITY || x->kind == NODE_VAR;

	if (is_uid != (y->kind == NODE_ENTITY || y->kind == NODE_VAR))
		return false;
	if (is_uid)
		return uid_eq(uid_at(c, x), uid_at(c, y));
	if (x->kind != y->kind)
		return false;
	if (x->kind == NODE_BOOL)
		return a->boolean == b->boolean;
	if (x->kind == NODE_LONG)
		return t->longs[x->a] == t->longs[y->a];
	return str_eq(t->strings[x->a], t->strings[y->a]);
}

static const struct type *
type_equal(struct checker *c, const struct ast_node *n, struct answer left,
    struct answer right)
{
	struct literal x, y;

	if (!left.type || !right.type)
		return &type_bool;
	if (type_is_disjoint(&c->types, left.type, right.type))
		return &type_false;
	if (literal_at(c, n->a, &x) && literal_at(c, n->b, &y))
		return is_same_literal(c, &x, &y) ? &type_true : &type_false;
	(void)typecheck_together(
	    c, n->b, left.type, right.type, n->op == OP_EQ ? "`==`" : "`!=`");
	return &type_bool;
}

/* Long, datetime and duration have an order. */
static bool
has_order(struct checker *c, uint32_t node, struct answer a, const char *op)
{
	struct error *e;

	if (!a.type || a.type->kind == TYPE_NEVER ||
	    a.type->kind == TYPE_LONG ||
	    (a.type->kind == TYPE_EXTENSION &&
		(a.type->extension == VALUE_DATETIME ||
		    a.type->extension == VALUE_DURATION)))
		return true;
	e = typecheck_refuse(c, node, ERR_TYPE_MISMATCH,
	    "expected `Long`, `datetime` or `duration` for `%s`, found %s", op,
	    typecheck_name(c, a.type));
	if (a.type->kind == TYPE_EXTENSION && a.type->extension != VALUE_IP)
		error_hint(e, "compare with the methods `lessThan`, "
			      "`lessThanOrEqual`, ...");
	return false;
}

static void
check_order(struct checker *c, const struct ast_node *n, struct answer left,
    struct answer right)
{
	const char *op = ast_op_text((enum ast_op)n->op);

	if (!has_order(c, n->a, left, op) || !has_order(c, n->b, right, op) ||
	    !left.type || !right.type ||
	    type_is_part(&c->types, left.type, right.type) ||
	    type_is_part(&c->types, right.type, left.type))
		return;
	(void)typecheck_refuse(c, n->b, ERR_TYPE_MISMATCH,
	    "expected %s for `%s`, found %s", typecheck_name(c, left.type), op,
	    typecheck_name(c, right.type));
}

/* --- in and is
 * ---------------------------------------------------------------- */

/* The action that a literal or the variable stands for; SCHEMA_NONE for others.
 */
static uint32_t
action_at(const struct checker *c, uint32_t node)
{
	const struct ast_node *n = &c->ast->nodes[typecheck_bare(c, node)];

	if (is_action_var(c, n))
		return c->env.action;
	if (n->kind != NODE_ENTITY)
		return SCHEMA_NONE;
	return schema_find_action(c->schema, uid_at(c, n));
}

static bool
is_action_in(const struct checker *c, uint32_t action, uint32_t group)
{
	const struct schema_action *a = &c->schema->actions[action];

	return action == group ||
	       schema_has_id(a->ancestors, a->n_ancestors, group);
}

/* Where all are known actions, the schema decides. */
static const struct type *
type_action_in(struct checker *c, uint32_t left, uint32_t right)
{
	const struct ast_node *n = &c->ast->nodes[typecheck_bare(c, right)];
	uint32_t action = action_at(c, left), group = action_at(c, right);
	bool is_in = false;

	if (action == SCHEMA_NONE)
		return NULL;
	if (group != SCHEMA_NONE)
		return is_action_in(c, action, group) ? &type_true
						      : &type_false;
	if (n->kind != NODE_SET)
		return NULL;
	for (uint32_t i = 0; i < n->b; i++) {
		const struct ast_node *item =
		    &c->ast->nodes[typecheck_bare(c, c->ast->kids[n->a + i])];

		group = action_at(c, c->ast->kids[n->a + i]);
		if (group == SCHEMA_NONE && item->kind != NODE_ENTITY)
			return NULL;
		is_in = is_in || (group != SCHEMA_NONE &&
				     is_action_in(c, action, group));
	}
	return is_in ? &type_true : &type_false;
}

static bool
is_entity_or_set(const struct type *type)
{
	if (type->kind == TYPE_SET)
		type = type->element;
	return type->kind == TYPE_ENTITY || type->kind == TYPE_NEVER;
}

static const struct type *
type_in(struct checker *c, uint32_t left_node, uint32_t right_node,
    struct answer left, struct answer right)
{
	const struct type *decided, *of;
	bool ok =
	    typecheck_expect(c, left_node, left, &type_any_entity, "`in`");

	if (right.type && !is_entity_or_set(right.type)) {
		typecheck_hint_entity(c,
		    typecheck_refuse(c, right_node, ERR_TYPE_MISMATCH,
			"expected an entity or a set of entities for `in`, "
			"found %s",
			typecheck_name(c, right.type)),
		    &type_any_entity, right_node);
		ok = false;
	}
	if (!ok || !left.type || !right.type)
		return &type_bool;
	decided = type_action_in(c, left_node, right_node);
	if (decided)
		return decided;
	of = right.type->kind == TYPE_SET ? right.type->element : right.type;
	if (right.type->kind == TYPE_SET && of->kind == TYPE_NEVER)
		return &type_false;
	return type_may_be_in(&c->types, left.type, of) ? &type_bool
							: &type_false;
}

static const struct type *
check_binary(struct checker *c, const struct ast_node *n, struct answer left,
    struct answer right)
{
	enum ast_op op = (enum ast_op)n->op;
	char what[8];

	if (op == OP_EQ)
		return type_equal(c, n, left, right);
	if (op == OP_NE)
		return typecheck_negated(type_equal(c, n, left, right));
	if (op == OP_IN)
		return type_in(c, n->a, n->b, left, right);
	if (op == OP_ADD || op == OP_SUB || op == OP_MUL) {
		snprintf(what, sizeof what, "`%s`", ast_op_text(op));
		(void)typecheck_expect(c, n->a, left, &type_long, what);
		(void)typecheck_expect(c, n->b, right, &type_long, what);
		return &type_long;
	}
	check_order(c, n, left, right);
	return &type_bool;
}

struct answer
typecheck_binary(
    struct checker *c, const struct ast_node *n, struct answer left)
{
	if (n->op == OP_AND)
		return typecheck_and(c, n, left);
	if (n->op == OP_OR)
		return typecheck_or(c, n, left);
	return typecheck_answer(
	    check_binary(c, n, left, typecheck_expr(c, n->b)));
}

struct answer
typecheck_is(struct checker *c, const struct ast_node *n, struct answer of)
{
	uint32_t type = schema_find_any_type(c->schema, c->ast->strings[n->b]);
	enum type_kind is = TYPE_BOOL;
	struct answer right;
	const struct type *in;

	if (typecheck_expect(c, n->a, of, &type_any_entity, "`is`") && of.type)
		is = type == SCHEMA_NONE
			 ? TYPE_FALSE
			 : type_is_entity(&c->types, of.type, type);
	if (is == TYPE_FALSE)
		return typecheck_answer(&type_false);
	if (n->c == 0)
		return typecheck_answer(
		    is == TYPE_TRUE ? &type_true : &type_bool);
	right = typecheck_expr(c, n->c);
	in = type_in(c, n->a, n->c, of, right);
	if (in->kind == TYPE_TRUE && is != TYPE_TRUE)
		in = &type_bool;
	return typecheck_answer(in);
}
