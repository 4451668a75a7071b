/* split.c - a policy's text as one conjunction of tests, in the order in which
 * they are evaluated: tests of the scope, those with contextual patterns, then
 * the conditions, cut at `&&` (and under `!` or `unless` at `||`). `!` and
 * parentheses melt into the tests. */
#include "policy/decompound.h"
#include "policy/rules.h"

/* `a && b`, or `!(a || b)`: both must hold. */
bool
operand_is_all(const struct ast *t, struct operand o)
{
	const struct ast_node *n = &t->nodes[o.node];

	return n->kind == NODE_BINARY && n->op == (o.negated ? OP_OR : OP_AND);
}

bool
operand_is_any(const struct ast *t, struct operand o)
{
	const struct ast_node *n = &t->nodes[o.node];

	return n->kind == NODE_BINARY && n->op == (o.negated ? OP_AND : OP_OR);
}

struct operand
operand_bare(const struct ast *t, uint32_t node, bool negated)
{
	struct operand o = { .negated = negated };

	o.node = node_bare(t, node, &o.negated);
	return o;
}

/* Chains lean to the left: down to the first operand, the others wait. False
 * when there is no room to wait. */
static bool
list_operands(
    const struct ast *t, struct operand o, struct buf *waiting, struct buf *out)
{
	bool (*belongs)(const struct ast *, struct operand) =
	    operand_is_all(t, o) ? operand_is_all : operand_is_any;

	for (;;) {
		while (belongs(t, o)) {
			const struct ast_node *n = &t->nodes[o.node];
			struct operand next = operand_bare(t, n->b, o.negated);

			buf_add(waiting,
			    (struct str){ (const char *)&next, sizeof next });
			o = operand_bare(t, n->a, o.negated);
		}
		buf_add(out, (struct str){ (const char *)&o, sizeof o });
		if (waiting->n == 0 || !buf_ok(waiting))
			return buf_ok(waiting);
		waiting->n -= sizeof o;
		memcpy(&o, waiting->p + waiting->n, sizeof o);
	}
}

#define WAITING 32u /* most chains are shorter, and need no heap */

bool
operands_list(const struct ast *t, struct operand o, struct buf *out)
{
	struct operand room[WAITING] UNZEROED; /* read where written */
	struct buf few = buf_over((char *)room, sizeof room);
	struct buf many = { 0 };
	size_t before = out->n;
	bool ok = list_operands(t, o, &few, out);

	if (!ok) {
		out->n = before;
		ok = list_operands(t, o, &many, out);
		buf_free(&many);
	}
	return ok && buf_ok(out);
}

static void
add_scope(struct making *m, uint32_t scope, bool contextual, struct buf *out)
{
	const struct ast_node *n = &m->ast->nodes[scope];

	for (uint32_t i = 0; i < n->b; i++) {
		struct test test = { .node = m->ast->kids[n->a + i],
			.var = n->op };

		if (node_is_contextual(m->ast, test.node) == contextual)
			buf_add(out,
			    (struct str){ (const char *)&test, sizeof test });
	}
}

static bool
add_condition(struct making *m, uint32_t node, struct buf *out)
{
	const struct ast_node *n = &m->ast->nodes[node];
	struct operand o = operand_bare(m->ast, n->a, n->kind == NODE_UNLESS);
	struct buf *operands = &m->chain;
	bool ok;

	if (!operand_is_all(m->ast, o)) {
		struct test one = { .node = o.node, .negated = o.negated };

		buf_add(out, (struct str){ (const char *)&one, sizeof one });
		return true;
	}
	operands->n = 0;
	ok = operands_list(m->ast, o, operands);
	for (size_t i = 0; ok && i < operands->n / sizeof o; i++) {
		struct test test;

		memcpy(&o, operands->p + i * sizeof o, sizeof o);
		test = (struct test){ .node = o.node, .negated = o.negated };
		buf_add(out, (struct str){ (const char *)&test, sizeof test });
	}
	return ok;
}

bool
operands_all(const struct ast *t, struct operand o, struct buf *out)
{
	if (operand_is_all(t, o))
		return operands_list(t, o, out);
	buf_add(out, (struct str){ (const char *)&o, sizeof o });
	return buf_ok(out);
}

bool
split_policy(struct making *m, struct error *reterr)
{
	const struct policy_instance *p = &m->set->instances[m->instance];
	const struct ast_policy *policy = &p->ast->policies[p->policy];
	struct buf *tests = &m->operands;
	bool ok = true;

	tests->n = 0;
	for (size_t i = 0; i < 6; i++)
		add_scope(m, policy->scope[i % 3], i >= 3, tests);
	for (uint32_t i = 0; ok && i < policy->n_conds; i++)
		ok = add_condition(
		    m, p->ast->kids[policy->first_cond + i], tests);
	ok = ok && buf_ok(tests) &&
	     drafts_add(m, &m->drafts, (const struct test *)(void *)tests->p,
		 (uint32_t)(tests->n / sizeof(struct test)));
	return ok || error_nomem(reterr);
}
