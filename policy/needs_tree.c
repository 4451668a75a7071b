/* needs_tree.c - what the nodes of one policy need.
 * For each node the ways in which it can be true, and those in which it can be
 * false, an error being neither. A claim that is read must be shown, where it
 * is read; `has` is true where it is shown; `in` an owner, image, region or
 * zone wants the claim that makes that parent. What a claim's value is, nobody
 * asks: what depends on it can be both. What speaks of action and resource
 * alone is evaluated. */
#include "policy/needs.h"

#include "base/limits.h"
#include "policy/claims.h"
#include "policy/entities.h"
#include "policy/eval.h"
#include "policy/pattern.h"

static struct answer expression(struct needing *n, uint32_t node);

static bool
fail(struct needing *n, enum err_code code, uint32_t node, const char *text)
{
	if (!n->failed)
		(void)error_set(n->reterr, code,
		    node ? ast_span(n->policy->ast, node) : SPAN_NONE, "%s",
		    text);
	n->failed = true;
	return false;
}

/* ---- answers --------------------------------------------------------------
 */

static struct answer
either_way(struct ways w)
{
	return (struct answer){ w, w };
}

static struct answer
anyhow(struct needing *n)
{
	return either_way(ways_free(&n->maker));
}

static struct answer
settled_as(struct needing *n, bool value)
{
	struct answer x = { 0 };

	*(value ? &x.yes : &x.no) = ways_free(&n->maker);
	return x;
}

static struct answer
turned(struct answer x)
{
	return (struct answer){ x.no, x.yes };
}

static struct ways
to_value(struct needing *n, struct answer x)
{
	return ways_either(&n->maker, x.yes, x.no);
}

/* `x && y`: `y` is asked where `x` is true. */
static struct answer
both(struct needing *n, struct answer x, struct answer y)
{
	struct ways_maker *m = &n->maker;

	return (struct answer){ ways_both(m, x.yes, y.yes),
		ways_either(m, x.no, ways_both(m, x.yes, y.no)) };
}

static struct answer
one_of(struct needing *n, struct answer x, struct answer y)
{
	return turned(both(n, turned(x), turned(y)));
}

/* ---- claims ---------------------------------------------------------------
 */

uint32_t
needs_claim(struct needing *n, struct str name, struct str member)
{
	struct str whole = member.n == 0 ? name
					 : str_printf(n->scratch, "%.*s.%.*s",
					       STR_ARG(name), STR_ARG(member));
	uint32_t id =
	    whole.p ? intern_add(n->claims, STR(""), whole) : INTERN_NONE;

	if (id < WAYS_CLAIMS_MAX)
		return id;
	n->maker.failed |= id == INTERN_NONE;
	if (id != INTERN_NONE)
		(void)fail(n, ERR_LIMIT_COUNT, 0,
		    "policies read more claims than can be told apart (256)");
	return 0;
}

static struct ways
show(struct needing *n, struct str name, struct str member)
{
	return ways_show(&n->maker, needs_claim(n, name, member));
}

static struct ways
hide(struct needing *n, struct str name, struct str member)
{
	return ways_hide(&n->maker, needs_claim(n, name, member));
}

/* `principal.a.b…`: the first two names; more is inside of a value. */
struct claim_path {
	struct str name[2];
	uint32_t n;
};

static struct str
os_member(size_t i)
{
	return i ? STR("version") : STR("name");
}

static bool
is_os(const struct claim_path *p)
{
	return p->n > 0 && str_eq(p->name[0], STR("os"));
}

static bool
is_os_member(struct str name)
{
	return str_eq(name, os_member(0)) || str_eq(name, os_member(1));
}

/* Ways in which the path is there; `whole`: with all that it may have. */
static struct ways
present(struct needing *n, const struct claim_path *p, bool whole)
{
	struct ways none = { 0 };
	struct ways (*join)(struct ways_maker *, struct ways, struct ways) =
	    whole ? ways_both : ways_either;
	enum claims_carrier by;

	if (p->n == 0)
		return ways_free(&n->maker);
	by = claims_carrier_of(p->name[0]);
	if (by == CLAIMS_NOTHING)
		return none;
	if (by == CLAIMS_EVIDENCE)
		return ways_free(&n->maker);
	if (!is_os(p))
		return show(n, p->name[0], STR(""));
	if (p->n > 1)
		return is_os_member(p->name[1])
			   ? show(n, p->name[0], p->name[1])
			   : none;
	return join(&n->maker, show(n, p->name[0], os_member(0)),
	    show(n, p->name[0], os_member(1)));
}

static struct ways
absent(struct needing *n, const struct claim_path *p)
{
	struct ways none = { 0 };

	if (p->n == 0)
		return none;
	if (claims_carrier_of(p->name[0]) != CLAIMS_CLAIM)
		return ways_free(&n->maker);
	if (!is_os(p))
		return hide(n, p->name[0], STR(""));
	if (p->n > 1)
		return is_os_member(p->name[1])
			   ? hide(n, p->name[0], p->name[1])
			   : ways_free(&n->maker);
	return ways_both(&n->maker, hide(n, p->name[0], os_member(0)),
	    hide(n, p->name[0], os_member(1)));
}

static void
path_push(struct claim_path *p, struct str name)
{
	if (p->n < ARRAY_LEN(p->name))
		p->name[p->n] = name;
	p->n++;
}

/* Is the node the principal, or a path from it? */
static bool
path_at(const struct needing *n, uint32_t node, struct claim_path *ret)
{
	const struct ast *t = n->policy->ast;
	uint32_t length = 0, at = fold_bare(t, node);
	struct claim_path p = { .n = 0 };

	for (; t->nodes[at].kind == NODE_ATTR;
	     at = fold_bare(t, t->nodes[at].a))
		length++;
	if (t->nodes[at].kind != NODE_VAR || t->nodes[at].op != VAR_PRINCIPAL)
		return false;
	p.n = length;
	at = fold_bare(t, node);
	for (uint32_t i = length; i-- > 0; at = fold_bare(t, t->nodes[at].a))
		if (i < ARRAY_LEN(p.name))
			p.name[i] = t->strings[t->nodes[at].b];
	*ret = p;
	return true;
}

/* ---- parents --------------------------------------------------------------
 */

/* Ways to be in the group. */
static struct ways
to_be_in(struct needing *n, struct uid group)
{
	struct str claim = claims_of_parent(group.type);
	struct ways w = { 0 };
	uint32_t id = INTERN_NONE;

	if (str_eq(group.type, STR("Instance")))
		return ways_free(&n->maker);
	if (claim.n > 0)
		w = show(n, claim, STR(""));
	if (n->groups_unknown)
		return claim.n > 0 ? w : ways_free(&n->maker);
	id = intern_find(n->query->entities->ids, group.type, group.id);
	if (id == INTERN_NONE || !n->groups[id])
		return w;
	if (n->groups[id] & GROUP_ANY)
		return ways_free(&n->maker);
	for (uint32_t i = 0; i < n->n_group_claims; i++)
		if (n->groups[id] & (2u << i))
			w = ways_either(
			    &n->maker, w, show(n, n->group_claims[i], STR("")));
	return w;
}

static bool
uid_at(const struct needing *n, uint32_t node, struct uid *ret)
{
	const struct ast *t = n->policy->ast;
	const struct ast_node *at = &t->nodes[fold_bare(t, node)];

	if (at->kind == NODE_SLOT && n->policy->slot)
		*ret = n->policy->slot[at->op == VAR_RESOURCE];
	else if (at->kind == NODE_ENTITY)
		*ret = (struct uid){ t->strings[at->a], t->strings[at->b] };
	else
		return false;
	return true;
}

/* Is `principal in` one of these nodes? False: they are not all entities. */
static bool
in_nodes(struct needing *n, const uint32_t *nodes, uint32_t count,
    struct answer *ret)
{
	struct ways yes = { 0 };
	struct uid group;

	for (uint32_t i = 0; i < count; i++) {
		if (!uid_at(n, nodes[i], &group))
			return false;
		yes = ways_either(&n->maker, yes, to_be_in(n, group));
	}
	*ret = (struct answer){ yes, ways_free(&n->maker) };
	return true;
}

/* ---- what does not speak of the principal ----------------------------------
 */

static bool
speaks_of_unknown(const struct needing *n, uint32_t node, unsigned depth)
{
	const struct ast_node *at = &n->policy->ast->nodes[node];
	uint32_t kid;

	if (depth >= LIMIT_EVAL_DEPTH)
		return true;
	if (at->kind == NODE_VAR || at->kind == NODE_SLOT)
		return at->op == VAR_PRINCIPAL ||
		       (at->op == VAR_RESOURCE && !n->knows_resource);
	for (uint32_t k = 0; (kid = fold_child(n->policy->ast, node, k)) != 0;
	     k++)
		if (speaks_of_unknown(n, kid, depth + 1))
			return true;
	return false;
}

static struct eval_request
request_of(const struct needing *n)
{
	static const struct value unknown = { .kind = VALUE_UNKNOWN };

	return (struct eval_request){
		.principal = { STR("Instance"), STR("") },
		.action = n->query->action,
		.resource = n->query->resource,
		.context = &unknown,
		.entities = n->entities,
	};
}

/* Evaluate what the claims cannot change. False: they can. */
static bool
settle(struct needing *n, uint32_t node, struct answer *ret)
{
	struct eval_request request = request_of(n);
	struct error err = { 0 };
	struct value v;
	enum found found;

	if (speaks_of_unknown(n, node, n->depth))
		return false;
	arena_reset(n->scratch);
	found = eval_expression(
	    n->policy, n->index, node, &request, n->scratch, NULL, &v, &err);
	if (err.code == ERR_LIMIT_MEMORY)
		(void)fail(n, ERR_LIMIT_MEMORY, node, err.msg);
	if (found == FOUND_NOTHING)
		*ret = (struct answer){ 0 };
	else if (found == FOUND_VALUE && v.kind == VALUE_BOOL)
		*ret = settled_as(n, v.boolean);
	else
		*ret = anyhow(n);
	return true;
}

/* ---- expressions -----------------------------------------------------------
 */

/* It has a value where all operands have one. */
static struct answer
operands(struct needing *n, uint32_t node)
{
	struct ways w = ways_free(&n->maker);
	uint32_t kid;

	for (uint32_t k = 0; (kid = fold_child(n->policy->ast, node, k)) != 0;
	     k++) {
		if (n->policy->ast->nodes[kid].kind == NODE_FIELD)
			kid = n->policy->ast->nodes[kid].b;
		w = ways_both(&n->maker, w, to_value(n, expression(n, kid)));
	}
	return either_way(w);
}

static struct answer
has(struct needing *n, uint32_t node)
{
	const struct ast *t = n->policy->ast;
	const struct ast_node *at = &t->nodes[node];
	struct claim_path base, path;

	if (!path_at(n, at->a, &base))
		return operands(n, node);
	path = base;
	for (uint32_t i = 0; i < at->c; i++)
		path_push(&path, t->strings[t->kids[at->b + i]]);
	return (struct answer){ present(n, &path, false),
		ways_both(
		    &n->maker, present(n, &base, false), absent(n, &path)) };
}

/* A tag of the principal: by its name, or any of them. */
static struct answer
tag(struct needing *n, uint32_t node)
{
	const struct ast *t = n->policy->ast;
	const struct ast_node *at = &t->nodes[node];
	const struct ast_node *arg = &t->nodes[fold_bare(t, t->kids[at->b])];
	struct str claim, name;
	struct ways shown;

	if (arg->kind != NODE_STRING)
		return at->op == OP_HAS_TAG
			   ? operands(n, node)
			   : either_way(ways_both(&n->maker,
				 to_value(n, operands(n, node)),
				 ways_either(&n->maker,
				     show(n, STR("applications"), STR("")),
				     show(n, STR("custom"), STR("")))));
	if (!claims_of_tag(t->strings[arg->a], &claim, &name) || name.n == 0)
		return at->op == OP_HAS_TAG ? settled_as(n, false)
					    : (struct answer){ 0 };
	shown = show(n, claim, name);
	return at->op == OP_HAS_TAG
		   ? (struct answer){ shown, hide(n, claim, name) }
		   : either_way(shown);
}

static struct answer
is_in(struct needing *n, uint32_t left, uint32_t right, uint32_t node)
{
	const struct ast *t = n->policy->ast;
	const struct ast_node *at = &t->nodes[fold_bare(t, right)];
	struct claim_path path;
	struct answer x;

	if (!path_at(n, left, &path) || path.n > 0)
		return operands(n, node);
	if (at->kind == NODE_SET ? in_nodes(n, &t->kids[at->a], at->b, &x)
				 : in_nodes(n, &right, 1, &x))
		return x;
	return operands(n, node);
}

static struct answer
is_type(struct needing *n, uint32_t node)
{
	const struct ast *t = n->policy->ast;
	const struct ast_node *at = &t->nodes[node];
	struct claim_path path;
	struct answer type;

	if (!path_at(n, at->a, &path) || path.n > 0)
		return operands(n, node);
	type = settled_as(n, str_eq(t->strings[at->b], STR("Instance")));
	return at->c ? both(n, type, is_in(n, at->a, at->c, node)) : type;
}

static struct answer
choose(struct needing *n, uint32_t node)
{
	const struct ast_node *at = &n->policy->ast->nodes[node];
	struct answer x = expression(n, at->a), y = expression(n, at->b),
		      z = expression(n, at->c);
	struct ways_maker *m = &n->maker;

	return (struct answer){ ways_either(m, ways_both(m, x.yes, y.yes),
				    ways_both(m, x.no, z.yes)),
		ways_either(
		    m, ways_both(m, x.yes, y.no), ways_both(m, x.no, z.no)) };
}

static struct answer
plain(struct needing *n, uint32_t node)
{
	const struct ast_node *at = &n->policy->ast->nodes[node];
	struct claim_path path;
	struct answer x;

	if (at->kind == NODE_PAREN)
		return expression(n, at->a);
	if (at->kind == NODE_NOT)
		return turned(expression(n, at->a));
	if (at->kind == NODE_IF)
		return choose(n, node);
	if (settle(n, node, &x))
		return x;
	if (at->kind == NODE_HAS)
		return has(n, node);
	if (at->kind == NODE_ATTR && path_at(n, node, &path))
		return either_way(present(n, &path, true));
	if (at->kind == NODE_IS)
		return is_type(n, node);
	if (at->kind == NODE_BINARY && at->op == OP_IN)
		return is_in(n, at->a, at->b, node);
	if (at->kind == NODE_METHOD &&
	    (at->op == OP_GET_TAG || at->op == OP_HAS_TAG) &&
	    path_at(n, at->a, &path) && path.n == 0)
		return tag(n, node);
	return operands(n, node);
}

/* What folding knows of the node cannot be otherwise. */
static struct answer
folded(const struct needing *n, uint32_t node, struct answer x)
{
	unsigned can = fold_of(&n->fold, node)->can;

	if (!(can & FOLD_TRUE))
		x.yes.n = 0;
	if (!(can & FOLD_FALSE))
		x.no.n = 0;
	return x;
}

static bool
is_chain(const struct ast_node *at)
{
	return at->kind == NODE_BINARY && (at->op == OP_AND || at->op == OP_OR);
}

/* Chains lean to the left: down in a loop, and up again. */
static struct answer
expression(struct needing *n, uint32_t node)
{
	const struct ast_node *nodes = n->policy->ast->nodes;
	uint32_t *chain = NULL;
	size_t count = 0, cap = 0;
	struct answer x = { 0 };

	if (n->failed || n->maker.failed)
		return x;
	if (n->depth >= LIMIT_EVAL_DEPTH) {
		(void)fail(n, ERR_LIMIT_DEPTH, node,
		    "nested deeper than is looked into");
		return x;
	}
	for (; is_chain(&nodes[node]); node = nodes[node].a) {
		if (!ARENA_PUSH_ROOM(n->each, chain, count, cap)) {
			n->maker.failed = true;
			return x;
		}
		chain[count++] = node;
	}
	n->depth++;
	x = folded(n, node, plain(n, node));
	while (count-- > 0) {
		const struct ast_node *at = &nodes[chain[count]];
		struct answer y = expression(n, at->b);

		x = at->op == OP_AND ? both(n, x, y) : one_of(n, x, y);
		x = folded(n, chain[count], x);
	}
	n->depth--;
	return x;
}

/* ---- scope -----------------------------------------------------------------
 */

static bool
is_listed(const struct ast *t, const struct ast_node *test, struct str type)
{
	for (uint32_t i = 0; i < test->b; i++)
		if (str_eq(t->strings[t->kids[test->a + i]], type))
			return true;
	return false;
}

static bool
is_contextual(const struct ast *t, const struct ast_node *test)
{
	const struct ast_node *pattern = &t->nodes[test->b];

	return test->kind == NODE_TEST_LIKE &&
	       pattern_has_path(&t->parts[pattern->a], pattern->b);
}

/* A pattern of ids: what its contextual parts read must be there. */
static struct answer
like(struct needing *n, const struct ast_node *test)
{
	const struct ast *t = n->policy->ast;
	const struct ast_node *pattern = &t->nodes[test->b];
	struct ways w = ways_free(&n->maker);

	for (uint32_t i = 0; i < pattern->b; i++) {
		const struct ast_part *part = &t->parts[pattern->a + i];
		struct claim_path path = { .n = 0 };

		if (part->kind != PART_PATH || part->var != VAR_PRINCIPAL)
			continue;
		for (uint32_t k = 0; k < part->n_path; k++)
			path_push(&path, part->path[k]);
		w = ways_both(&n->maker, w, present(n, &path, true));
	}
	return either_way(w);
}

static struct answer
test_principal(struct needing *n, const struct ast_node *test)
{
	const struct ast *t = n->policy->ast;
	const struct str instance = STR("Instance");
	struct answer x = anyhow(n);
	struct uid uid;

	if (test->kind == NODE_TEST_EQ)
		return uid_at(n, test->a, &uid) && !str_eq(uid.type, instance)
			   ? settled_as(n, false)
			   : x;
	if (test->kind == NODE_TEST_IN) {
		if (!in_nodes(n, &t->kids[test->a], test->b, &x))
			x = anyhow(n);
		return x;
	}
	if (test->kind == NODE_TEST_IS)
		return settled_as(n, is_listed(t, test, instance));
	return str_eq(t->strings[test->a], instance) ? like(n, test)
						     : settled_as(n, false);
}

/* Of action and resource: as it is, where that is known. */
static struct answer
test_known(struct needing *n, uint32_t node, enum ast_var var)
{
	const struct ast *t = n->policy->ast;
	const struct ast_node *test = &t->nodes[node];
	struct uid uid =
	    var == VAR_ACTION ? n->query->action : n->query->resource;
	struct eval_request request = request_of(n);
	struct error err = { 0 };
	enum eval_outcome outcome;

	if (uid.type.n == 0 || (var == VAR_RESOURCE && !n->knows_resource &&
				   test->kind == NODE_TEST_IN))
		return test->kind == NODE_TEST_LIKE ? like(n, test) : anyhow(n);
	if (is_contextual(t, test))
		return str_eq(t->strings[test->a], uid.type)
			   ? like(n, test)
			   : settled_as(n, test->negated != 0);
	arena_reset(n->scratch);
	outcome = eval_scope_test(
	    n->policy, n->index, node, var, &request, n->scratch, NULL, &err);
	if (outcome == EVAL_ERROR)
		(void)fail(n, err.code, node, err.msg);
	return settled_as(n, outcome == EVAL_TRUE);
}

static struct answer
scope_test(struct needing *n, uint32_t node, enum ast_var var)
{
	const struct ast_node *test = &n->policy->ast->nodes[node];
	struct answer x;

	if (var != VAR_PRINCIPAL)
		return test_known(n, node, var);
	x = test_principal(n, test);
	return test->negated ? turned(x) : x;
}

/* ---- a policy ---------------------------------------------------------------
 */

/* The tests of an element that are contextual, or those that are not. */
static struct answer
scope_answer(
    struct needing *n, uint32_t scope, bool contextual, struct answer x)
{
	const struct ast *t = n->policy->ast;
	const struct ast_node *at = &t->nodes[scope];

	for (uint32_t k = 0; k < at->b && x.yes.n > 0; k++) {
		uint32_t node = t->kids[at->a + k];

		if (is_contextual(t, &t->nodes[node]) == contextual)
			x = both(
			    n, x, scope_test(n, node, (enum ast_var)at->op));
	}
	return x;
}

/* In the order of evaluation: contextual tests wait for the others. */
struct answer
needs_of_policy(struct needing *n)
{
	const struct ast *t = n->policy->ast;
	const struct ast_policy *p = &t->policies[n->policy->policy];
	struct answer x = settled_as(n, true);

	for (size_t i = 0; i < 6; i++)
		x = scope_answer(n, p->scope[i % 3], i >= 3, x);
	for (uint32_t i = 0; i < p->n_conds && x.yes.n > 0; i++) {
		const struct ast_node *c =
		    &t->nodes[t->kids[p->first_cond + i]];
		struct answer y = expression(n, c->a);

		x = both(n, x, c->kind == NODE_WHEN ? y : turned(y));
	}
	return x;
}
