/* ast.c - names of what the tree is made of. */
#include "policy/ast.h"

#include <stdlib.h>

const char *
ast_op_text(enum ast_op op)
{
	static const char *const texts[OP_COUNT] = {
		[OP_NONE] = "",
#define BINARY(name, text, level) [name] = text,
#define METHOD(name, text, arity) [name] = text,
#define EXT_FUNCTION(name, text, arity) [name] = text,
#define EXT_METHOD(name, text, arity) [name] = text,
#include "policy/ops.def"
	};

	return (size_t)op < OP_COUNT ? texts[op] : "";
}

bool
ast_is_added(enum ast_op op)
{
	static const bool added[OP_COUNT] = {
		[OP_NONE] = false,
#define ADDED_FUNCTION(name, text, arity) [name] = true,
#define ADDED_METHOD(name, text) [name] = true,
#include "policy/ops.def"
	};

	return (size_t)op < OP_COUNT && added[op];
}

const char *
ast_var_name(enum ast_var var)
{
	static const char *const names[] = {
		[VAR_PRINCIPAL] = "principal",
		[VAR_ACTION] = "action",
		[VAR_RESOURCE] = "resource",
		[VAR_CONTEXT] = "context",
	};

	return (size_t)var < ARRAY_LEN(names) ? names[var] : "";
}

static int
by_node(const void *key, const void *item)
{
	uint32_t node = *(const uint32_t *)key;
	const struct ast_length *l = item;

	return (node > l->node) - (node < l->node);
}

uint32_t
ast_len(const struct ast *t, const struct ast_node *n)
{
	uint32_t node = (uint32_t)(n - t->nodes);
	const struct ast_length *l;

	if (n->few < AST_MANY)
		return n->few;
	l = bsearch(&node, t->lengths, t->n_lengths, sizeof *l, by_node);
	return l ? l->len : 0;
}

uint32_t
ast_end(const struct ast *t, const struct ast_node *n)
{
	return n->off + ast_len(t, n);
}

struct str
ast_text(const struct ast *t, const struct ast_node *n)
{
	return source_text(&t->source, n->off, ast_len(t, n));
}

struct span
ast_span(const struct ast *t, uint32_t node)
{
	if (node >= t->n_nodes)
		return SPAN_NONE;
	return source_span(
	    &t->source, t->nodes[node].off, ast_len(t, &t->nodes[node]));
}

const struct ast_id *
ast_own_id(const struct ast *t, const struct ast_policy *policy)
{
	return policy->own_id ? &t->ids[policy->own_id - 1] : NULL;
}

static void
note_slot(const struct ast *t, uint32_t node, bool ret_has[2])
{
	const struct ast_node *n = &t->nodes[node];

	if (n->kind == NODE_SLOT)
		ret_has[n->op == VAR_RESOURCE] = true;
}

void
ast_slots(const struct ast *t, const struct ast_policy *policy, bool ret_has[2])
{
	ret_has[0] = ret_has[1] = false;
	for (unsigned v = 0; policy->has_slots && v < 3; v++) {
		const struct ast_node *scope = &t->nodes[policy->scope[v]];

		for (uint32_t i = 0; i < scope->b; i++) {
			const struct ast_node *n =
			    &t->nodes[t->kids[scope->a + i]];

			if (n->kind == NODE_TEST_EQ)
				note_slot(t, n->a, ret_has);
			for (uint32_t k = 0;
			     n->kind == NODE_TEST_IN && k < n->b; k++)
				note_slot(t, t->kids[n->a + k], ret_has);
		}
	}
}
