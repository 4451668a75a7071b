/* fold.c - a pass over the nodes, children first. */
#include "policy/fold.h"

#include <stdio.h>

#include "base/limits.h"
#include "policy/eval.h"
#include "policy/pattern.h"

#define ANY (FOLD_TRUE | FOLD_FALSE | FOLD_ERROR)
#define SAME_MAX 512u /* longer texts are not compared */

static struct fold_node *
node_of(const struct fold *f, uint32_t node)
{
	if (node < f->facts.first || node >= f->facts.end)
		return NULL;
	return &f->nodes[node - f->facts.first];
}

const struct fold_node *
fold_of(const struct fold *f, uint32_t node)
{
	static const struct fold_node unknown = { .can = ANY };
	const struct fold_node *n = node_of(f, node);

	return n ? n : &unknown;
}

uint32_t
fold_child(const struct ast *t, uint32_t node, uint32_t k)
{
	const struct ast_node *n = &t->nodes[node];
	uint32_t abc[] = { n->a, n->b, n->c };

	switch ((int)n->kind) {
	case NODE_PAREN:
	case NODE_NOT:
	case NODE_NEG:
	case NODE_ATTR:
	case NODE_HAS:
	case NODE_LIKE:
	case NODE_MATCHES:
	case NODE_EACH:
	case NODE_WHEN:
	case NODE_UNLESS:
		return k == 0 ? n->a : 0;
	case NODE_FIELD:
		return k == 0 ? n->b : 0;
	case NODE_BINARY:
		return k < 2 ? abc[k] : 0;
	case NODE_IF:
		return k < 3 ? abc[k] : 0;
	case NODE_IS:
		return k == 0 ? n->a : k == 1 ? n->c : 0;
	case NODE_SET:
	case NODE_RECORD:
	case NODE_CALL:
		return k < n->b ? t->kids[n->a + k] : 0;
	case NODE_METHOD:
		return k == 0 ? n->a : k <= n->c ? t->kids[n->b + k - 1] : 0;
	default:
		return 0;
	}
}

uint32_t
fold_bare(const struct ast *t, uint32_t node)
{
	while (t->nodes[node].kind == NODE_PAREN)
		node = t->nodes[node].a;
	return node;
}

bool
fold_is_same(const struct ast *t, uint32_t x, uint32_t y)
{
	struct buf a = { 0 }, b = { 0 };
	bool same;

	x = fold_bare(t, x);
	y = fold_bare(t, y);
	if (t->nodes[x].kind != t->nodes[y].kind ||
	    ast_len(t, &t->nodes[x]) > SAME_MAX ||
	    ast_len(t, &t->nodes[y]) > SAME_MAX)
		return false;
	print_node(t, x, &a);
	print_node(t, y, &b);
	same = buf_ok(&a) && buf_ok(&b) && str_eq(buf_str(&a), buf_str(&b));
	buf_free(&a);
	buf_free(&b);
	return same;
}

/* ---- constants -------------------------------------------------------------
 */

/* The same on every request, whatever its data. */
static bool
is_constant(const struct fold *f, uint32_t node)
{
	const struct ast_node *n = &f->ast->nodes[node];
	uint32_t kid;

	switch ((int)n->kind) {
	case NODE_BOOL:
	case NODE_LONG:
	case NODE_STRING:
	case NODE_ENTITY:
		return true;
	case NODE_BINARY:
		if (n->op == OP_IN)
			return false;
		break;
	case NODE_METHOD:
		if (n->op == OP_GET_TAG || n->op == OP_HAS_TAG)
			return false;
		break;
	case NODE_IS:
		if (n->c)
			return false;
		break;
	case NODE_PAREN:
	case NODE_SET:
	case NODE_RECORD:
	case NODE_FIELD:
	case NODE_NOT:
	case NODE_NEG:
	case NODE_IF:
	case NODE_LIKE:
	case NODE_MATCHES:
	case NODE_EACH:
	case NODE_CALL:
		break;
	default:
		return false;
	}
	for (uint32_t k = 0; (kid = fold_child(f->ast, node, k)) != 0; k++)
		if (!fold_of(f, kid)->is_constant)
			return false;
	return true;
}

static void
mark_constants(struct fold *f)
{
	uint32_t kid;

	for (uint32_t i = f->facts.first; i < f->facts.end; i++) {
		struct fold_node *n = node_of(f, i), *inside;

		if (!n)
			continue;
		n->is_constant =
		    f->instance != FOLD_NO_INSTANCE && is_constant(f, i);
		for (uint32_t k = 0;
		     n->is_constant && (kid = fold_child(f->ast, i, k)) != 0;
		     k++)
			if ((inside = node_of(f, kid)) != NULL)
				inside->is_inside = true;
	}
}

static unsigned
evaluate(struct fold *f, uint32_t node, struct fold_node *n)
{
	struct value empty = value_bool(false), v;
	struct eval_request request = { .context = &empty };
	struct error *e = ARENA_NEW(f->arena, struct error);
	enum found found;

	if (!e)
		return ANY;
	found = eval_expression(policy_instance_at(f->set, f->instance),
	    f->instance, node, &request, f->arena, NULL, &v, e);
	if (found != FOUND_VALUE) {
		/* What has no place is a limit of ours, not the policy's. */
		if (e->at.line == 0)
			return ANY;
		n->error = e;
		return FOLD_ERROR;
	}
	if (v.kind != VALUE_BOOL)
		return FOLD_TRUE | FOLD_FALSE;
	return v.boolean ? FOLD_TRUE : FOLD_FALSE;
}

/* ---- what the scope says ---------------------------------------------------
 */

static bool
is_variable(const struct ast *t, uint32_t node, enum ast_var *ret)
{
	const struct ast_node *n = &t->nodes[fold_bare(t, node)];

	*ret = (enum ast_var)n->op;
	return n->kind == NODE_VAR && n->op != VAR_CONTEXT;
}

/* The first test of the variable's element, or NULL. */
static const struct ast_node *
scope_test(const struct fold *f, enum ast_var var)
{
	const struct ast_node *s = &f->ast->nodes[f->policy->scope[var]];
	const struct ast_node *test;

	if (s->b == 0)
		return NULL;
	test = &f->ast->nodes[f->ast->kids[s->a]];
	return test->negated ? NULL : test;
}

/* Where the scope holds, may the variable be of this type? must it? */
static unsigned
scope_of_type(const struct fold *f, enum ast_var var, struct str type)
{
	const struct ast *t = f->ast;
	const struct ast_node *test = scope_test(f, var);
	unsigned can = 0;

	if (test && test->kind == NODE_TEST_EQ &&
	    t->nodes[test->a].kind == NODE_ENTITY)
		return str_eq(t->strings[t->nodes[test->a].a], type)
			   ? FOLD_TRUE
			   : FOLD_FALSE;
	if (!test || test->kind != NODE_TEST_IS)
		return FOLD_TRUE | FOLD_FALSE;
	for (uint32_t i = 0; i < test->b; i++)
		can |= str_eq(t->strings[t->kids[test->a + i]], type)
			   ? FOLD_TRUE
			   : FOLD_FALSE;
	return can;
}

/* … be this entity? */
static unsigned
scope_of_entity(
    const struct fold *f, enum ast_var var, const struct ast_node *entity)
{
	const struct ast *t = f->ast;
	const struct ast_node *test = scope_test(f, var), *e;
	unsigned can = scope_of_type(f, var, t->strings[entity->a]);

	if ((can & FOLD_TRUE) == 0)
		return FOLD_FALSE;
	if (!test || test->kind != NODE_TEST_EQ)
		return FOLD_TRUE | FOLD_FALSE;
	e = &t->nodes[test->a];
	if (e->kind != NODE_ENTITY)
		return FOLD_TRUE | FOLD_FALSE;
	return str_eq(t->strings[e->b], t->strings[entity->b]) ? FOLD_TRUE
							       : FOLD_FALSE;
}

/* ---- conjuncts against each other ------------------------------------------
 */

/* `path == literal`, either way round. */
static bool
is_equation(
    const struct fold *f, uint32_t node, uint32_t *ret_path, struct value *ret)
{
	const struct ast_node *n = &f->ast->nodes[node];
	uint32_t a = n->a, b = n->b;

	if (n->kind != NODE_BINARY || n->op != OP_EQ)
		return false;
	if (facts_literal(f->ast, a, ret)) {
		a = n->b;
		b = n->a;
	}
	*ret_path = facts_of(&f->facts, a)->path;
	return *ret_path != FACTS_NO_PATH && facts_literal(f->ast, b, ret);
}

bool
fold_contradicts(const struct fold *f, uint32_t x, uint32_t y)
{
	const struct ast *t = f->ast;
	const struct ast_node *m, *n;
	uint32_t p, q;
	struct value v, w;

	x = fold_bare(t, x);
	y = fold_bare(t, y);
	m = &t->nodes[x];
	n = &t->nodes[y];
	if (is_equation(f, x, &p, &v) && is_equation(f, y, &q, &w))
		return p == q && !value_eq(&v, &w);
	if (m->kind == NODE_IS && n->kind == NODE_IS) {
		p = facts_of(&f->facts, m->a)->path;
		return p != FACTS_NO_PATH &&
		       p == facts_of(&f->facts, n->a)->path &&
		       !str_eq(t->strings[m->b], t->strings[n->b]);
	}
	return (m->kind == NODE_NOT && fold_is_same(t, m->a, y)) ||
	       (n->kind == NODE_NOT && fold_is_same(t, n->a, x));
}

/* The conjunct to the left of the node's right operand that it contradicts. */
static uint32_t
find_against(const struct fold *f, uint32_t node)
{
	const struct ast *t = f->ast;
	uint32_t right = t->nodes[node].b, left = t->nodes[node].a;

	for (unsigned i = 0; i < FOLD_CHAIN; i++) {
		const struct ast_node *n = &t->nodes[left];
		bool chain = n->kind == NODE_BINARY && n->op == OP_AND;
		uint32_t one = chain ? n->b : left;

		if (fold_contradicts(f, one, right))
			return one;
		if (!chain)
			break;
		left = n->a;
	}
	return 0;
}

/* ---- kinds of nodes --------------------------------------------------------
 */

bool
fold_matches_all(const struct ast *t, uint32_t node)
{
	static const char around[] = { '^', '$', '\\', '(' };
	const struct ast_node *n = &t->nodes[node];
	const struct ast_node *pattern = &t->nodes[n->b];
	const struct ast_regex *regex;

	if (n->kind == NODE_LIKE || n->kind == NODE_TEST_LIKE) {
		for (uint32_t i = 0; i < pattern->b; i++)
			if (t->parts[pattern->a + i].kind != PART_STAR)
				return false;
		return pattern->b > 0;
	}
	if (n->kind != NODE_MATCHES)
		return false;
	/* Found in the empty text, and nothing asks what is around it: then it
	 * is found everywhere. */
	regex = &t->regexes[pattern->a];
	for (size_t i = 0; i < regex->text.n; i++)
		if (memchr(around, regex->text.p[i], sizeof around))
			return false;
	return pattern_search(regex->compiled, STR(""), LIMIT_PATTERN_MATCH) ==
	       PATTERN_YES;
}

unsigned
fold_condition(const struct fold *f, uint32_t node)
{
	uint32_t kinds = facts_of(&f->facts, node)->kinds;
	uint32_t boolean = FACTS_KIND(VALUE_BOOL);
	unsigned can = fold_of(f, node)->can;

	if ((kinds & boolean) == 0)
		return FOLD_ERROR;
	return kinds & ~boolean ? can | FOLD_ERROR : can;
}

static unsigned
turn(unsigned can)
{
	return (can & FOLD_ERROR) | (can & FOLD_TRUE ? FOLD_FALSE : 0) |
	       (can & FOLD_FALSE ? FOLD_TRUE : 0);
}

static unsigned
fold_and(unsigned x, unsigned y)
{
	return (x & (FOLD_FALSE | FOLD_ERROR)) | (x & FOLD_TRUE ? y : 0);
}

static unsigned
fold_if(const struct fold *f, const struct ast_node *n)
{
	unsigned test = fold_condition(f, n->a);

	return (test & FOLD_ERROR) |
	       (test & FOLD_TRUE ? fold_of(f, n->b)->can : 0) |
	       (test & FOLD_FALSE ? fold_of(f, n->c)->can : 0);
}

static unsigned
fold_equal(const struct fold *f, const struct ast_node *n)
{
	unsigned can = FOLD_TRUE | FOLD_FALSE, errs;
	uint32_t entity;
	enum ast_var var;

	errs = (fold_of(f, n->a)->can | fold_of(f, n->b)->can) & FOLD_ERROR;
	if ((facts_of(&f->facts, n->a)->kinds &
		facts_of(&f->facts, n->b)->kinds) == 0)
		can = FOLD_FALSE;
	for (int turned = 0; turned < 2; turned++) {
		entity = fold_bare(f->ast, turned ? n->a : n->b);
		if (is_variable(f->ast, turned ? n->b : n->a, &var) &&
		    f->ast->nodes[entity].kind == NODE_ENTITY)
			can = scope_of_entity(f, var, &f->ast->nodes[entity]);
	}
	return errs | (n->op == OP_NE ? turn(can) : can);
}

static bool
is_order(const struct ast_node *n)
{
	return n->kind == NODE_BINARY && n->op >= OP_LT && n->op <= OP_GE;
}

static unsigned
fold_order(const struct fold *f, const struct ast_node *n)
{
	uint32_t ordered = FACTS_KIND(VALUE_LONG) | FACTS_KIND(VALUE_DATETIME) |
			   FACTS_KIND(VALUE_DURATION);

	ordered &=
	    facts_of(&f->facts, n->a)->kinds & facts_of(&f->facts, n->b)->kinds;
	return ordered ? ANY : FOLD_ERROR;
}

static unsigned
fold_is(const struct fold *f, const struct ast_node *n)
{
	enum ast_var var;
	unsigned can;

	if (!is_variable(f->ast, n->a, &var))
		return ANY;
	can = scope_of_type(f, var, f->ast->strings[n->b]);
	return n->c && (can & FOLD_TRUE) ? ANY : can;
}

static unsigned
fold_call(const struct ast_node *n)
{
	static const uint32_t arity[OP_COUNT] = {
#define EXT_FUNCTION(name, text, n) [name] = n,
#define EXT_METHOD(name, text, n) [name] = (n) + 1,
#include "policy/ops.def"
	};

	return n->b == arity[n->op] ? ANY : FOLD_ERROR;
}

/* What facts say, and no more. */
static unsigned
plain(const struct fold *f, uint32_t node)
{
	const struct facts *facts = facts_of(&f->facts, node);

	if (facts->outcome == FACTS_ERROR)
		return FOLD_ERROR;
	if (facts->outcome != FACTS_VARIES)
		return facts->outcome == FACTS_TRUE ? FOLD_TRUE : FOLD_FALSE;
	return facts_is_total(facts) ? FOLD_TRUE | FOLD_FALSE : ANY;
}

/* An operand that is always evaluated always errs. */
static bool
has_error(const struct fold *f, uint32_t node)
{
	const struct ast_node *n = &f->ast->nodes[node];
	bool first = n->kind == NODE_IF || n->kind == NODE_IS ||
		     (n->kind == NODE_BINARY && n->op <= OP_AND);
	uint32_t kid;

	for (uint32_t k = 0; (kid = fold_child(f->ast, node, k)) != 0; k++)
		if ((k == 0 || !first) && fold_of(f, kid)->can == FOLD_ERROR)
			return true;
	return false;
}

static unsigned
special(struct fold *f, uint32_t node, struct fold_node *own)
{
	const struct ast_node *n = &f->ast->nodes[node];

	switch ((int)n->kind) {
	case NODE_PAREN:
		return fold_of(f, n->a)->can;
	case NODE_NOT:
		return turn(fold_condition(f, n->a));
	case NODE_IF:
		return fold_if(f, n);
	case NODE_IS:
		return fold_is(f, n);
	case NODE_CALL:
		return fold_call(n);
	case NODE_LIKE:
	case NODE_MATCHES:
		return fold_matches_all(f->ast, node) ? FOLD_TRUE | FOLD_ERROR
						      : ANY;
	case NODE_BINARY:
		break;
	default:
		return ANY;
	}
	if (n->op == OP_OR)
		return turn(fold_and(turn(fold_condition(f, n->a)),
		    turn(fold_condition(f, n->b))));
	if (n->op == OP_EQ || n->op == OP_NE)
		return fold_equal(f, n);
	if (n->op != OP_AND)
		return is_order(n) ? fold_order(f, n) : ANY;
	own->against = find_against(f, node);
	return fold_and(fold_condition(f, n->a), fold_condition(f, n->b)) &
	       (own->against ? ~FOLD_TRUE : ANY);
}

static void
fold_node(struct fold *f, uint32_t node)
{
	struct fold_node *n = node_of(f, node);
	unsigned can;

	if (!n)
		return;
	if (n->is_inside) {
		n->can = ANY;
		return;
	}
	if (n->is_constant)
		can = evaluate(f, node, n);
	else if (has_error(f, node))
		can = FOLD_ERROR;
	else
		can = plain(f, node) & special(f, node, n);
	/* Two reasons that exclude each other: it never has an outcome. */
	n->can = (uint8_t)(can ? can : FOLD_ERROR);
}

bool
fold_policy(struct fold *ret, struct arena *a, const struct policy_set *set,
    const struct ast *t, uint32_t policy, uint32_t instance,
    struct error *reterr)
{
	struct fold f = { .set = set,
		.ast = t,
		.policy = &t->policies[policy],
		.instance = instance,
		.arena = a };
	struct intern *paths = facts_paths_new(a);

	if (!paths)
		return error_nomem(reterr);
	if (!facts_learn_policy(&f.facts, a, paths, t, policy, reterr))
		return false;
	f.nodes = ARENA_ARRAY(a, f.facts.end - f.facts.first, struct fold_node);
	if (!f.nodes)
		return error_nomem(reterr);
	mark_constants(&f);
	for (uint32_t i = f.facts.first; i < f.facts.end; i++)
		fold_node(&f, i);
	*ret = f;
	return true;
}
