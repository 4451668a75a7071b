/* rules.c - what the stages share: nodes looked at from outside, numbers for
 * texts, notes. */
#include "policy/rules.h"

uint32_t
node_bare(const struct ast *t, uint32_t node, bool *inout_negated)
{
	for (;;) {
		const struct ast_node *n = &t->nodes[node];

		if (n->kind == NODE_NOT)
			*inout_negated = !*inout_negated;
		else if (n->kind != NODE_PAREN)
			return node;
		node = n->a;
	}
}

static uint32_t
without_parens(const struct ast *t, uint32_t node)
{
	while (t->nodes[node].kind == NODE_PAREN)
		node = t->nodes[node].a;
	return node;
}

static bool
are_literals(const struct ast *t, const struct ast_node *set, bool entities)
{
	for (uint32_t i = 0; i < set->b; i++) {
		struct value v;

		if (!facts_literal(t, t->kids[set->a + i], &v) ||
		    (entities && v.kind != VALUE_ENTITY))
			return false;
	}
	return true;
}

struct normal_list_node
normal_list(const struct ast *t, uint32_t node)
{
	const struct ast_node *n = &t->nodes[node], *set;
	bool is_in = n->kind == NODE_BINARY && n->op == OP_IN;
	bool is_contains =
	    n->kind == NODE_METHOD && n->op == OP_CONTAINS && n->c == 1;

	if (!is_in && !is_contains)
		return (struct normal_list_node){ 0 };
	set = &t->nodes[without_parens(t, is_in ? n->b : n->a)];
	if (set->kind != NODE_SET || !are_literals(t, set, is_in))
		return (struct normal_list_node){ 0 };
	return (struct normal_list_node){ is_in ? n->a : t->kids[n->b],
		&t->kids[set->a], set->b };
}

struct uid
normal_uid(const struct policy_instance *p, uint32_t node)
{
	const struct ast *t = p->ast;
	const struct ast_node *n = &t->nodes[without_parens(t, node)];

	if (n->kind == NODE_SLOT)
		return p->slot[n->op == VAR_RESOURCE];
	return (struct uid){ t->strings[n->a], t->strings[n->b] };
}
