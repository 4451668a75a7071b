/* form.c - one test, as an index and the other stages see it.
 * Forms are `path == literal`, an order, `path in entity`, `has`; atoms are
 * tests of principal, action or resource alone. What is neither is a tree to be
 * evaluated. A Boolean attribute alone is a tree: it errs for other kinds,
 * which `==` does not. */
#include "policy/form.h"

#include <stdlib.h>

#include "policy/canon.h"

struct forming {
	struct making *m;
	const struct ast *t;
	const struct policy_instance *p;
	const struct test *test;
	const struct ast_node *n;
	struct known_test *ret;
};

static uint32_t
path_of(const struct forming *f, uint32_t node)
{
	return facts_of(&f->m->facts, node)->path;
}

static bool
is_element(const struct forming *f, uint32_t node, uint8_t *ret_var)
{
	uint32_t path = path_of(f, node);

	if (path >= VAR_CONTEXT)
		return false;
	*ret_var = (uint8_t)path;
	return true;
}

/* ---- atoms ----------------------------------------------------------------
 */

static void
says(struct forming *f, unsigned var, struct normal_atom atom, bool negated)
{
	f->ret->atom = atom;
	f->ret->atom_var = (uint8_t)var;
	f->ret->atom_negated = negated;
	f->ret->atom_is_exact = true;
}

/* A list that was left whole. */
static bool
says_set(struct forming *f, unsigned var, const uint32_t *nodes, uint32_t n,
    bool negated)
{
	struct uid *members = ARENA_ARRAY(f->m->a, n, struct uid);
	uint32_t kept = 0;

	if (!members)
		return false;
	for (uint32_t i = 0; i < n; i++)
		members[i] = normal_uid(f->p, nodes[i]);
	if (n > 1)
		qsort(members, n, sizeof *members, uid_compare);
	for (uint32_t i = 0; i < n; i++)
		if (kept == 0 || !uid_eq(members[kept - 1], members[i]))
			members[kept++] = members[i];
	if (kept == 1)
		says(f, var,
		    (struct normal_atom){ .kind = ATOM_IN, .uid = members[0] },
		    negated);
	else
		says(f, var,
		    (struct normal_atom){ .kind = ATOM_SET,
			.is_in = true,
			.members = members,
			.n_members = kept },
		    negated);
	return true;
}

static bool
says_in(struct forming *f, unsigned var, const uint32_t *nodes, uint32_t n,
    bool negated)
{
	if (f->test->member) {
		nodes += f->test->member - 1;
		n = 1;
	}
	return says_set(f, var, nodes, n, negated);
}

/* How far the pattern is plain text; *ret_rest is the number of its parts
 * behind that. */
static struct str
plain_prefix(
    const struct forming *f, const struct ast_node *pattern, uint32_t *ret_rest)
{
	const struct ast_part *parts = &f->t->parts[pattern->a];

	*ret_rest = pattern->b;
	if (pattern->b == 0 || parts[0].kind != PART_LITERAL)
		return STR("");
	*ret_rest = pattern->b - 1;
	return parts[0].literal;
}

static void
says_like(struct forming *f, bool negated)
{
	const struct ast_node *pattern = &f->t->nodes[f->n->b];
	const struct ast_part *parts = &f->t->parts[pattern->a];
	struct normal_atom atom = { .kind = ATOM_LIKE,
		.type = f->t->strings[f->n->a] };
	uint32_t rest;

	atom.prefix = plain_prefix(f, pattern, &rest);
	if (rest == 0)
		atom = (struct normal_atom){ .kind = ATOM_EQ,
			.uid = { atom.type, atom.prefix } };
	/* Evaluating the rest may err, where the type is right. */
	if (node_is_contextual(f->t, f->test->node))
		atom =
		    (struct normal_atom){ .kind = ATOM_IS, .type = atom.type };
	else if (rest == 1 && pattern->b == 1)
		atom.kind = ATOM_IS;
	says(f, f->test->var, atom, negated);
	f->ret->atom_is_exact =
	    !node_is_contextual(f->t, f->test->node) &&
	    (rest == 0 ||
		(rest == 1 && parts[pattern->b - 1].kind == PART_STAR));
}

static bool
scope_atom(struct forming *f)
{
	const struct ast_node *n = f->n;
	const uint32_t *kids = &f->t->kids[n->a];
	bool negated = f->test->negated != (n->negated != 0);
	uint32_t one = f->test->member ? f->test->member - 1 : 0;
	struct normal_atom atom = { .kind = ATOM_EQ };

	if (f->test->one) {
		atom.uid = *f->test->one;
		says(f, f->test->var, atom, f->test->negated);
		return true;
	}
	if (n->kind == NODE_TEST_IN)
		return n->b == 0 ||
		       says_in(f, f->test->var, kids, n->b, negated);
	if (n->kind == NODE_TEST_LIKE) {
		says_like(f, negated);
		return true;
	}
	if (n->kind == NODE_TEST_IS) {
		if (n->b != 1 && !f->test->member)
			return true;
		atom.kind = ATOM_IS;
		atom.type = f->t->strings[kids[one]];
	} else {
		atom.uid = normal_uid(f->p, n->a);
	}
	says(f, f->test->var, atom, negated);
	return true;
}

/* `principal == E`, `E == principal`, `!=`. */
static void
equality_atom(struct forming *f, bool negated)
{
	bool mirrored = canon_is_mirrored(f->t, f->n);
	struct value v;
	uint8_t var;

	if (!is_element(f, mirrored ? f->n->b : f->n->a, &var) ||
	    !facts_literal(f->t, mirrored ? f->n->a : f->n->b, &v) ||
	    v.kind != VALUE_ENTITY)
		return;
	says(f, var, (struct normal_atom){ .kind = ATOM_EQ, .uid = v.uid },
	    negated != (f->n->op == OP_NE));
}

static bool
in_atom(struct forming *f)
{
	struct normal_list_node list = normal_list(f->t, f->test->node);
	struct value v;
	uint8_t var;

	if (!is_element(f, f->n->a, &var))
		return true;
	if (list.n > 0)
		return says_in(f, var, list.members, list.n, f->test->negated);
	if (facts_literal(f->t, f->n->b, &v) && v.kind == VALUE_ENTITY)
		says(f, var,
		    (struct normal_atom){ .kind = ATOM_IN, .uid = v.uid },
		    f->test->negated);
	return true;
}

static void
is_atom(struct forming *f)
{
	struct normal_atom atom = { .kind = ATOM_IS,
		.type = f->t->strings[f->n->b] };
	struct value v;
	uint8_t var;

	if (!is_element(f, f->n->a, &var))
		return;
	if (f->n->c) {
		if (!facts_literal(f->t, f->n->c, &v) || v.kind != VALUE_ENTITY)
			return;
		atom.kind = ATOM_IS_IN;
		atom.uid = v.uid;
	}
	says(f, var, atom, f->test->negated);
}

/* `[E, F].contains(principal)`, a member of it. */
static void
contains_atom(struct forming *f)
{
	struct normal_list_node list = normal_list(f->t, f->test->node);
	struct value v;
	uint8_t var;

	if (list.n == 0 || !f->test->member ||
	    !is_element(f, list.operand, &var) ||
	    !facts_literal(f->t, list.members[f->test->member - 1], &v) ||
	    v.kind != VALUE_ENTITY)
		return;
	says(f, var, (struct normal_atom){ .kind = ATOM_EQ, .uid = v.uid },
	    f->test->negated);
}

static bool
learn_atom(struct forming *f)
{
	if (node_is_scope(f->t, f->test->node))
		return scope_atom(f);
	if (f->n->kind == NODE_BINARY && f->n->op == OP_IN)
		return in_atom(f);
	if (f->n->kind == NODE_BINARY &&
	    (f->n->op == OP_EQ || f->n->op == OP_NE))
		equality_atom(f, f->test->negated);
	else if (f->n->kind == NODE_IS)
		is_atom(f);
	else if (f->n->kind == NODE_METHOD)
		contains_atom(f);
	return true;
}

/* ---- forms ----------------------------------------------------------------
 */

static void
comparison_form(struct forming *f)
{
	struct normal_conjunct *c = &f->ret->conjunct;
	bool mirrored = canon_is_mirrored(f->t, f->n);
	enum ast_op op = (enum ast_op)f->n->op;
	uint32_t path = path_of(f, mirrored ? f->n->b : f->n->a);
	struct value v;

	if (path == FACTS_NO_PATH ||
	    !facts_literal(f->t, mirrored ? f->n->a : f->n->b, &v))
		return;
	if (mirrored)
		op = canon_mirror(op);
	if (f->test->negated)
		op = canon_negate(op);
	if (op == OP_EQ || op == OP_NE) {
		c->form = FORM_EQ;
		c->form_negated = op == OP_NE;
	} else if (v.kind == VALUE_LONG || v.kind == VALUE_DATETIME ||
		   v.kind == VALUE_DURATION) {
		c->form = FORM_ORDER;
		c->op = (uint8_t)op;
	} else {
		return;
	}
	c->path = path;
	c->literal = v;
}

static void
list_form(struct forming *f)
{
	struct normal_conjunct *c = &f->ret->conjunct;
	struct normal_list_node list = normal_list(f->t, f->test->node);
	bool is_in = f->n->kind == NODE_BINARY;
	uint32_t member = is_in ? f->n->b : 0;
	uint32_t operand = is_in ? f->n->a : list.operand;

	if (list.n > 0 && f->test->member)
		member = list.members[f->test->member - 1];
	if (member == 0 || path_of(f, operand) == FACTS_NO_PATH ||
	    !facts_literal(f->t, member, &c->literal))
		return;
	c->form = is_in ? FORM_IN : FORM_EQ;
	c->form_negated = f->test->negated;
	c->path = path_of(f, operand);
}

static bool
has_form(struct forming *f)
{
	struct normal_conjunct *c = &f->ret->conjunct;
	uint32_t path = path_of(f, f->n->a);

	if (path == FACTS_NO_PATH)
		return true;
	for (uint32_t i = 0; i < f->n->c; i++) {
		path = facts_path_add(
		    f->m->paths, path, f->t->strings[f->t->kids[f->n->b + i]]);
		if (path == FACTS_NO_PATH)
			return false;
	}
	c->form = FORM_HAS;
	c->form_negated = f->test->negated;
	c->path = path;
	return true;
}

/* The same test has the same form wherever it stands. */
static void
scope_form(struct forming *f)
{
	struct normal_conjunct *c = &f->ret->conjunct;
	enum normal_atom_kind kind = f->ret->atom.kind;
	bool is_test = f->n->kind == NODE_TEST_EQ || f->n->kind == NODE_TEST_IN;

	if (!is_test || (kind != ATOM_EQ && kind != ATOM_IN))
		return;
	c->form = kind == ATOM_EQ ? FORM_EQ : FORM_IN;
	c->form_negated = f->ret->atom_negated;
	c->path = f->test->var;
	c->literal = value_entity(f->ret->atom.uid);
}

static bool
learn_form(struct forming *f)
{
	if (node_is_scope(f->t, f->test->node)) {
		scope_form(f);
		return true;
	}
	if (f->n->kind == NODE_HAS)
		return has_form(f);
	if (f->n->kind == NODE_METHOD ||
	    (f->n->kind == NODE_BINARY && f->n->op == OP_IN))
		list_form(f);
	else if (f->n->kind == NODE_BINARY &&
		 canon_mirror((enum ast_op)f->n->op) != OP_NONE)
		comparison_form(f);
	return true;
}

/* ---- reads ----------------------------------------------------------------
 */

static const struct normal_read *
keep_reads(struct forming *f, struct arena *a, struct facts_list list,
    const struct normal_read *last, uint32_t *ret_n)
{
	struct normal_read *kept =
	    ARENA_ARRAY(a, list.n + 1u, struct normal_read);

	if (!kept)
		return NULL;
	*ret_n = list.n;
	if (list.n)
		memcpy(
		    kept, &f->m->facts.lists[list.at], list.n * sizeof *kept);
	if (!last)
		return kept;
	/* The path's own read is the only one there is, if there is one. */
	kept[0] = *last;
	*ret_n = 1;
	return kept;
}

static bool
learn_reads(struct forming *f)
{
	const struct facts *facts = facts_of(&f->m->facts, f->test->node);
	struct normal_conjunct *c = &f->ret->conjunct;
	struct normal_read own = { facts->path, FACTS_KIND(VALUE_BOOL) };
	bool is_path = facts->path != FACTS_NO_PATH;
	struct facts_list sure =
	    f->test->negated ? facts->if_false : facts->if_true;

	if (f->test->member)
		sure = facts->sure;
	c->is_clean_total =
	    facts->is_clean && (is_path || facts_is_boolean(facts));
	c->reads = keep_reads(
	    f, f->m->a, facts->reads, is_path ? &own : NULL, &c->n_reads);
	f->ret->sure = keep_reads(
	    f, f->m->scratch, sure, is_path ? &own : NULL, &f->ret->n_sure);
	return c->reads && f->ret->sure;
}

bool
form_learn(struct making *m, const struct test *test, struct known_test *ret)
{
	struct forming f = { .m = m,
		.t = m->ast,
		.p = &m->set->instances[m->instance],
		.test = test,
		.n = &m->ast->nodes[test->node],
		.ret = ret };

	*ret = (struct known_test){ .conjunct = { .instance = m->instance,
					.node = test->node,
					.member = test->member,
					.var = test->var,
					.negated = test->negated },
		.is_expanded = test->one != NULL,
		.atom_number = UINT32_MAX,
		.opposite = UINT32_MAX };
	return learn_atom(&f) && learn_form(&f) && learn_reads(&f);
}
