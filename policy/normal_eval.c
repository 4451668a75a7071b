/* normal_eval.c - does an atom hold, does a conjunct hold? With the evaluator's
 * own parts, so that a rule's tests mean what the policy's text means. A member
 * stands for one alternative of a list that was taken apart: the other operand
 * is evaluated as it stands, and compared with that member alone. */
#include "policy/eval.h"
#include "policy/rules.h"

struct testing {
	const struct normal *n;
	const struct policy_instance *instance;
	const struct normal_conjunct *c;
	const struct eval_request *request;
	struct arena *scratch;
	const struct eval_trace *trace;
	struct error *reterr;
};

static enum eval_outcome
outcome_of(bool holds)
{
	return holds ? EVAL_TRUE : EVAL_FALSE;
}

static const struct ast *
tree_of(const struct testing *t)
{
	return t->instance->ast;
}

static struct operation
operation_of(const struct testing *t)
{
	return (struct operation){ tree_of(t), t->c->node, t->request->entities,
		t->scratch, t->reterr, false };
}

static struct uid
uid_of_var(const struct eval_request *r, unsigned var)
{
	if (var == VAR_PRINCIPAL)
		return r->principal;
	return var == VAR_ACTION ? r->action : r->resource;
}

static enum eval_outcome
reach(const struct testing *t, struct uid uid, struct uid group)
{
	bool holds;

	if (entities_reach(t->request->entities, uid, group, t->scratch, &holds,
		t->reterr))
		return outcome_of(holds);
	return EVAL_ERROR;
}

/* Evaluate the operand beside the list; EVAL_TRUE with *ret, or why not. */
static enum eval_outcome
operand(const struct testing *t, uint32_t node, struct value *ret)
{
	enum found found = eval_expression(t->instance, t->c->instance, node,
	    t->request, t->scratch, t->trace, ret, t->reterr);

	if (found == FOUND_UNKNOWN)
		return EVAL_UNKNOWN;
	return found == FOUND_VALUE ? EVAL_TRUE : EVAL_ERROR;
}

static enum eval_outcome
expression_member(const struct testing *t)
{
	const struct ast *tree = tree_of(t);
	const struct ast_node *n = &tree->nodes[t->c->node];
	struct operation o = operation_of(t);
	struct normal_list_node list = normal_list(tree, t->c->node);
	struct value x = { 0 }, member;
	enum eval_outcome outcome = operand(t, list.operand, &x);

	if (outcome != EVAL_TRUE)
		return outcome;
	if (t->c->member > list.n ||
	    !facts_literal(tree, list.members[t->c->member - 1], &member))
		return EVAL_ERROR;
	if (n->kind == NODE_BINARY) {
		if (!operate_check(&o, "in", VALUE_ENTITY, &x))
			return EVAL_ERROR;
		return reach(t, x.uid, member.uid);
	}
	if (operate_binary(&o, OP_EQ, &x, &member, &x) == FOUND_UNKNOWN)
		return EVAL_UNKNOWN;
	return outcome_of(x.boolean);
}

static enum eval_outcome
scope_member(const struct testing *t)
{
	const struct ast *tree = tree_of(t);
	const struct ast_node *n = &tree->nodes[t->c->node];
	uint32_t kid = tree->kids[n->a + t->c->member - 1];
	struct uid uid = uid_of_var(t->request, t->c->var);

	if (n->kind == NODE_TEST_IS)
		return outcome_of(str_eq(uid.type, tree->strings[kid]));
	return reach(t, uid, normal_uid(t->instance, kid));
}

static enum eval_outcome
whole(const struct testing *t)
{
	const struct ast_node *n = &tree_of(t)->nodes[t->c->node];
	struct operation o = operation_of(t);
	enum eval_outcome outcome;
	struct value v;

	if (n->kind >= NODE_TEST_EQ && n->kind <= NODE_TEST_LIKE)
		return eval_scope_test(t->instance, t->c->instance, t->c->node,
		    (enum ast_var)t->c->var, t->request, t->scratch, t->trace,
		    t->reterr);
	outcome = operand(t, t->c->node, &v);
	if (outcome != EVAL_TRUE)
		return outcome;
	if (!operate_check(&o, "a condition", VALUE_BOOL, &v))
		return EVAL_ERROR;
	return outcome_of(v.boolean);
}

/* Is there such a test in the policy's tree? An image may name any. */
static bool
fits(const struct testing *t)
{
	const struct ast *tree = tree_of(t);
	const struct ast_node *n = &tree->nodes[t->c->node];

	if (t->c->node >= tree->n_nodes || t->c->var > VAR_RESOURCE)
		return false;
	switch ((int)n->kind) {
	case NODE_ERROR:
	case NODE_FIELD:
	case NODE_PATTERN:
	case NODE_REGEX:
	case NODE_SCOPE:
	case NODE_WHEN:
	case NODE_UNLESS:
		return false;
	case NODE_TEST_EQ:
	case NODE_TEST_LIKE:
		return t->c->member == 0;
	case NODE_TEST_IN:
	case NODE_TEST_IS:
		return t->c->member <= n->b;
	default:
		return t->c->member == 0 ||
		       t->c->member <= normal_list(tree, t->c->node).n;
	}
}

enum eval_outcome
normal_eval_conjunct(const struct normal *n, const struct normal_conjunct *c,
    const struct eval_request *request, struct arena *scratch,
    const struct eval_trace *trace, struct error *reterr)
{
	struct testing t = { n,
		policy_instance_in(n->set, c->instance, scratch), c, request,
		scratch, trace, reterr };
	enum eval_outcome outcome;
	enum node_kind kind;

	if (!t.instance || !fits(&t)) {
		(void)error_set(reterr, ERR_FILE_IMAGE, SPAN_NONE,
		    "a test of this policy cannot be read from its image");
		return EVAL_ERROR;
	}
	kind = (enum node_kind)tree_of(&t)->nodes[c->node].kind;
	if (c->member == 0)
		outcome = whole(&t);
	else if (kind == NODE_TEST_IN || kind == NODE_TEST_IS)
		outcome = scope_member(&t);
	else
		outcome = expression_member(&t);
	if (outcome == EVAL_TRUE || outcome == EVAL_FALSE)
		outcome = outcome_of((outcome == EVAL_TRUE) != c->negated);
	return outcome;
}

static bool
holds_in_set(const struct normal_atom *atom, struct uid uid,
    const struct entities *layer, struct arena *scratch, bool *ret,
    struct error *reterr)
{
	*ret = false;
	for (uint32_t i = 0; i < atom->n_members && !*ret; i++)
		if (!atom->is_in)
			*ret = uid_eq(uid, atom->members[i]);
		else if (!entities_reach(layer, uid, atom->members[i], scratch,
			     ret, reterr))
			return false;
	return true;
}

bool
normal_atom_holds(const struct normal_atom *atom, struct uid uid,
    const struct entities *layer, struct arena *scratch, bool *ret,
    struct error *reterr)
{
	*ret = true;
	switch (atom->kind) {
	case ATOM_ANY:
		return true;
	case ATOM_EQ:
		*ret = uid_eq(uid, atom->uid);
		return true;
	case ATOM_IS:
		*ret = str_eq(uid.type, atom->type);
		return true;
	case ATOM_LIKE:
		*ret = str_eq(uid.type, atom->type) &&
		       str_has_prefix(uid.id, atom->prefix);
		return true;
	case ATOM_IS_IN:
		*ret = str_eq(uid.type, atom->type);
		if (!*ret)
			return true;
		return entities_reach(
		    layer, uid, atom->uid, scratch, ret, reterr);
	case ATOM_IN:
		return entities_reach(
		    layer, uid, atom->uid, scratch, ret, reterr);
	case ATOM_SET:
		break;
	}
	return holds_in_set(atom, uid, layer, scratch, ret, reterr);
}
