/* decompound.c - one draft a way in which a policy can hold (P5).
 * What has alternatives is taken apart: `||` (and `&&` under `!`), `if`, lists
 * of literals (`in [a, b]`, `is [A, B]`, `[1, 2].contains(x)`). The drafts of a
 * test are *exact*: where it is true, one of them holds and none errs; where it
 * errs, one of them errs and none holds; where it is false, none does either.
 * Products of exact drafts are exact, so that is what every function here gives
 * back. Hence `a || b` is `a` and `!a && b`: `!a` may be left out only where
 * neither can err and both are Boolean.
 * An exception (a negated test) stays whole: it is a test of the same rule,
 * never a rule of the other effect. A list inside an indivisible set stays
 * whole (P6). A policy that would become more than growth_max rules stays as it
 * is. */
#include "policy/decompound.h"

#include "base/limits.h"

#define WORK_MAX (64u * RULES_TESTS_MAX)

struct divider {
	struct making *m;
	uint32_t n_made; /* tests, those of drafts on the way counted */
	bool too_many, failed;
};

static bool alternatives(
    struct divider *d, struct operand o, unsigned depth, struct drafts *ret);

static bool
give_up(struct divider *d)
{
	d->too_many = true;
	return false;
}

static bool
add(struct divider *d, struct drafts *to, const struct test *tests, uint32_t n)
{
	d->n_made += n;
	if (to->n >= d->m->options.growth_max || d->n_made > WORK_MAX)
		return give_up(d);
	if (drafts_add(d->m, to, tests, n))
		return true;
	d->failed = true;
	return false;
}

/* Each of `x` followed by each of `y`. */
static bool
product(struct divider *d, const struct drafts *x, const struct drafts *y,
    struct drafts *ret)
{
	struct drafts all = { 0 };
	struct buf tests = { 0 };
	bool ok = true;

	for (size_t i = 0; ok && i < x->n; i++)
		for (size_t k = 0; ok && k < y->n; k++) {
			const struct draft *a = &x->items[i], *b = &y->items[k];

			tests.n = 0;
			buf_add(&tests, (struct str){ (const char *)a->tests,
					    a->n * sizeof *a->tests });
			buf_add(&tests, (struct str){ (const char *)b->tests,
					    b->n * sizeof *b->tests });
			if (!buf_ok(&tests)) {
				d->failed = true;
				ok = false;
			}
			ok = ok &&
			     add(d, &all, (const struct test *)(void *)tests.p,
				 a->n + b->n);
		}
	buf_free(&tests);
	*ret = all;
	return ok;
}

static bool
one(struct divider *d, struct test test, struct drafts *ret)
{
	return add(d, ret, &test, 1);
}

static bool
is_total(const struct divider *d, struct operand o)
{
	const struct facts *f = facts_of(&d->m->facts, o.node);

	return facts_is_total(f) && facts_is_boolean(f);
}

/* What holds where the operand does not: a test for each of its own operands,
 * or it as a whole. */
static bool
add_opposite(struct divider *d, struct operand o, struct drafts *prefix)
{
	struct operand opposite = { o.node, !o.negated };
	struct buf operands = { 0 };
	struct drafts tests = { 0 };
	bool ok = operands_all(d->m->ast, opposite, &operands);

	d->failed = d->failed || !ok;
	if (ok) {
		size_t n = operands.n / sizeof o;
		struct test *list = ARENA_ARRAY(d->m->each, n, struct test);

		for (size_t i = 0; list && i < n; i++) {
			memcpy(&o, operands.p + i * sizeof o, sizeof o);
			list[i] = (struct test){ .node = o.node,
				.negated = o.negated,
				.is_whole = true };
		}
		d->failed = d->failed || !list;
		ok = list && add(d, &tests, list, (uint32_t)n) &&
		     product(d, prefix, &tests, prefix);
	}
	buf_free(&operands);
	return ok;
}

static bool
append(struct divider *d, const struct drafts *from, struct drafts *to)
{
	for (size_t i = 0; i < from->n; i++)
		if (!add(d, to, from->items[i].tests, from->items[i].n))
			return false;
	return true;
}

/* The first that holds, those before it not. */
static bool
any_of(struct divider *d, const struct operand *operands, size_t n,
    unsigned depth, struct drafts *ret)
{
	struct drafts prefix = { 0 };
	bool total = true;
	bool ok = add(d, &prefix, NULL, 0);

	for (size_t i = 0; ok && i < n; i++) {
		struct drafts own = { 0 };

		total = total && is_total(d, operands[i]);
		ok = alternatives(d, operands[i], depth, &own);
		if (ok && !total)
			ok = product(d, &prefix, &own, &own);
		ok = ok && append(d, &own, ret);
		if (ok && i + 1 < n)
			ok = add_opposite(d, operands[i], &prefix);
	}
	return ok;
}

static bool
all_of(struct divider *d, const struct operand *operands, size_t n,
    unsigned depth, struct drafts *ret)
{
	bool ok = add(d, ret, NULL, 0);

	for (size_t i = 0; ok && i < n; i++) {
		struct drafts own = { 0 };

		ok = alternatives(d, operands[i], depth, &own) &&
		     product(d, ret, &own, ret);
	}
	return ok;
}

/* `if c then x else y`: `c && x`, and `!c && y`. */
static bool
choice(struct divider *d, struct operand o, unsigned depth, struct drafts *ret)
{
	const struct ast *t = d->m->ast;
	const struct ast_node *n = &t->nodes[o.node];
	struct operand yes[] = { operand_bare(t, n->a, false),
		operand_bare(t, n->b, o.negated) };
	struct operand no[] = { operand_bare(t, n->a, true),
		operand_bare(t, n->c, o.negated) };
	struct drafts otherwise = { 0 };

	return all_of(d, yes, 2, depth, ret) &&
	       all_of(d, no, 2, depth, &otherwise) &&
	       append(d, &otherwise, ret);
}

/* Do all members lie in one indivisible set of the variable? */
static bool
is_indivisible(
    const struct making *m, unsigned var, const uint32_t *members, uint32_t n)
{
	const struct policy_instance *p = &m->set->instances[m->instance];
	uint32_t owner = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct uid uid = normal_uid(p, members[i]);
		uint32_t id =
		    intern_find(m->indivisible[var], uid.type, uid.id);

		if (id == INTERN_NONE)
			return false;
		if (i > 0 && m->owners[var].items[id] != owner)
			return false;
		owner = m->owners[var].items[id];
	}
	return n > 0;
}

static bool
members_of(struct divider *d, struct test test, uint32_t n, struct drafts *ret)
{
	bool ok = true;

	for (uint32_t i = 0; ok && i < n; i++) {
		test.member = i + 1;
		ok = one(d, test, ret);
	}
	return ok;
}

static bool
list_members(struct divider *d, struct operand o, struct drafts *ret)
{
	const struct ast *t = d->m->ast;
	struct normal_list_node list = normal_list(t, o.node);
	struct test whole = { .node = o.node, .negated = o.negated };
	bool unused = false;
	const struct ast_node *x;

	if (o.negated || list.n == 0)
		return one(d, whole, ret);
	x = &t->nodes[node_bare(t, list.operand, &unused)];
	if (t->nodes[o.node].kind == NODE_BINARY && x->kind == NODE_VAR &&
	    x->op != VAR_CONTEXT &&
	    is_indivisible(d->m, x->op, list.members, list.n))
		return one(d, whole, ret);
	return members_of(d, whole, list.n, ret);
}

static bool
alternatives(
    struct divider *d, struct operand o, unsigned depth, struct drafts *ret)
{
	const struct ast *t = d->m->ast;
	bool is_any = operand_is_any(t, o);
	struct buf operands = { 0 };
	bool ok;

	/* Deeper than the parser lets in: as a whole. */
	if (depth > LIMIT_NESTING)
		return give_up(d);
	if (t->nodes[o.node].kind == NODE_IF)
		return choice(d, o, depth + 1, ret);
	if (!is_any && !operand_is_all(t, o))
		return list_members(d, o, ret);
	ok = operands_list(t, o, &operands);
	d->failed = d->failed || !ok;
	if (ok)
		ok = (is_any ? any_of : all_of)(d,
		    (const struct operand *)(void *)operands.p,
		    operands.n / sizeof o, depth + 1, ret);
	buf_free(&operands);
	return ok;
}

static bool
scope_alternatives(struct divider *d, struct test test, struct drafts *ret)
{
	const struct ast *t = d->m->ast;
	const struct ast_node *n = &t->nodes[test.node];
	bool is_in = n->kind == NODE_TEST_IN;
	bool divides = (is_in || n->kind == NODE_TEST_IS) && n->b > 0 &&
		       !n->negated && !test.negated;

	if (divides && is_in && n->b > 1)
		divides = !is_indivisible(d->m, test.var, &t->kids[n->a], n->b);
	return divides ? members_of(d, test, n->b, ret) : one(d, test, ret);
}

static bool
divide(struct divider *d, const struct draft *draft, struct drafts *to)
{
	struct drafts all = { 0 };
	bool ok = add(d, &all, NULL, 0);

	for (uint32_t i = 0; ok && i < draft->n; i++) {
		struct test test = draft->tests[i];
		struct operand o = { test.node, test.negated };
		struct drafts own = { 0 };

		if (test.is_whole || test.member)
			ok = one(d, test, &own);
		else if (node_is_scope(d->m->ast, test.node))
			ok = scope_alternatives(d, test, &own);
		else
			ok = alternatives(d, o, 0, &own);
		ok = ok && product(d, &all, &own, &all);
	}
	return ok && append(d, &all, to);
}

/* May the test become several drafts, or one of other tests? */
static bool
is_divided(const struct making *m, const struct test *test)
{
	const struct ast *t = m->ast;
	const struct ast_node *n = &t->nodes[test->node];
	struct operand o = { test->node, test->negated };

	if (test->is_whole || test->member)
		return false;
	if (node_is_scope(t, test->node))
		return (n->kind == NODE_TEST_IN || n->kind == NODE_TEST_IS) &&
		       n->b > 1 && !n->negated && !test->negated;
	return n->kind == NODE_IF || operand_is_any(t, o) ||
	       operand_is_all(t, o) ||
	       (!o.negated && normal_list(t, o.node).n > 0);
}

/* Most policies hold in one way: their tests stay where they are. */
static bool
is_one_way(const struct making *m)
{
	for (size_t i = 0; i < m->drafts.n; i++)
		for (uint32_t k = 0; k < m->drafts.items[i].n; k++)
			if (is_divided(m, &m->drafts.items[i].tests[k]))
				return false;
	return true;
}

/* A list of one is its member. */
static void
name_members(struct making *m)
{
	for (size_t i = 0; i < m->drafts.n; i++)
		for (uint32_t k = 0; k < m->drafts.items[i].n; k++) {
			struct test *test = &m->drafts.items[i].tests[k];
			const struct ast_node *n = &m->ast->nodes[test->node];

			if ((n->kind == NODE_TEST_IN ||
				n->kind == NODE_TEST_IS) &&
			    n->b == 1 && !n->negated && !test->negated)
				test->member = 1;
		}
}

static uint32_t
count_tests(const struct drafts *drafts)
{
	uint32_t n = 0;

	for (size_t i = 0; i < drafts->n; i++)
		n += drafts->items[i].n;
	return n;
}

bool
decompound_policy(struct making *m, struct error *reterr)
{
	struct divider d = { .m = m };
	struct drafts all = { 0 };

	bool ok = true;

	if (is_one_way(m)) {
		name_members(m);
		return true;
	}
	if (!rules_facts(m))
		return error_nomem(reterr);
	for (size_t i = 0; ok && i < m->drafts.n; i++)
		ok = divide(&d, &m->drafts.items[i], &all);
	if (d.failed)
		return error_nomem(reterr);
	if (!ok || (all.n > 1 && count_tests(&all) > RULES_TESTS_MAX))
		rules_note(m, "left whole", m->instance, m->instance);
	else
		m->drafts = all;
	return true;
}
