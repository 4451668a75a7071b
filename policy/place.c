/* place.c - which clause of its policy a node stands in.
 * A clause is an element of the scope or a condition; a node belongs to the one
 * whose text holds its own. */
#include "policy/set.h"

#include <stdio.h>

static bool
holds(const struct ast *t, uint32_t clause, const struct ast_node *n)
{
	const struct ast_node *c = &t->nodes[clause];

	return n->off >= c->off && ast_end(t, n) <= ast_end(t, c);
}

static bool
is_datum(const struct ast_node *n)
{
	switch ((int)n->kind) {
	case NODE_ATTR:
	case NODE_HAS:
	case NODE_VAR:
		return true;
	case NODE_METHOD:
		return n->op == OP_GET_TAG || n->op == OP_HAS_TAG;
	default:
		return false;
	}
}

/* Fails exactly when one of its parts does. */
static bool
is_conjunction(const struct ast_node *n)
{
	return n->kind == NODE_PAREN || n->kind == NODE_WHEN ||
	       (n->kind == NODE_BINARY && n->op == OP_AND);
}

void
policy_place(const struct policy_set *set, uint32_t i, uint32_t node,
    struct policy_place *ret)
{
	const struct policy_instance *instance = policy_instance_at(set, i);
	const struct ast *t = instance ? instance->ast : NULL;
	const struct ast_policy *p;
	const struct ast_node *n;

	*ret = (struct policy_place){ 0 };
	if (!t || node >= t->n_nodes)
		return;
	p = &t->policies[instance->policy];
	n = &t->nodes[node];
	*ret = (struct policy_place){ .at = ast_span(t, node),
		.off = n->off,
		.len = ast_len(t, n),
		.is_datum = is_datum(n),
		.is_conjunction = is_conjunction(n) };
	for (unsigned v = 0; v < 3; v++)
		if (holds(t, p->scope[v], n)) {
			snprintf(ret->clause, sizeof ret->clause, "%s",
			    ast_var_name((enum ast_var)v));
			ret->is_clause = node == p->scope[v];
			return;
		}
	for (uint32_t c = 0; c < p->n_conds; c++) {
		uint32_t clause = t->kids[p->first_cond + c];

		if (!holds(t, clause, n))
			continue;
		snprintf(
		    ret->clause, sizeof ret->clause, "condition %u", c + 1);
		ret->is_clause = node == clause;
		return;
	}
}

/* Slots stand in the scope alone. */
static bool
may_hold_slot(const struct ast_node *n)
{
	return n->kind == NODE_SLOT ||
	       (n->kind >= NODE_SCOPE && n->kind <= NODE_TEST_LIKE);
}

struct str
policy_place_text(
    const struct policy_set *set, uint32_t i, uint32_t node, struct arena *a)
{
	const struct policy_instance *p = policy_instance_at(set, i);
	const struct ast_node *n;
	struct buf out = { 0 };
	struct str text = { 0 };

	if (!p || node >= p->ast->n_nodes)
		return text;
	n = &p->ast->nodes[node];
	if (!p->ast->is_json && !(p->is_link && may_hold_slot(n)))
		return ast_text(p->ast, n);
	print_link_node(p, node, &out);
	if (buf_ok(&out))
		text = str_dup(a, buf_str(&out));
	buf_free(&out);
	return text;
}
