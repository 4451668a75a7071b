/* eval.c - one policy, one request: satisfied, not satisfied, error or unknown.
 * The direct evaluator: it walks the tree as written, left to right, as Cedar
 * does, and is what every faster path is held against. Scope tests first, each
 * negation its exact complement; then scope patterns with contextual parts, so
 * that they can only err where the rest of the scope matches; then conditions.
 * Chains of operators lean to the left, so that a walk goes down to the
 * leftmost operand in a loop and comes back up: a thousand `&&` cost no stack.
 * What nests otherwise recurses and is counted (LIMIT_EVAL_DEPTH). All memory
 * is the scratch arena's; out of it is an error of the policy, never "no
 * match". */
#include "policy/eval.h"

#include "base/limits.h"
#include "policy/ext.h"
#include "policy/pattern.h"

struct eval {
	const struct policy_instance *policy;
	const struct ast *ast;
	const struct eval_request *request;
	const struct eval_trace *trace;
	struct arena *scratch;
	struct error *reterr;
	uint32_t index;
	unsigned depth;
	bool is_terse;
};

static enum found eval_expr(struct eval *e, uint32_t node, struct value *ret);

static struct operation
operation_at(const struct eval *e, uint32_t node)
{
	return (struct operation){ e->ast, node, e->request->entities,
		e->scratch, e->reterr, e->is_terse };
}

static enum eval_outcome
tell(const struct eval *e, uint32_t node, enum eval_outcome outcome,
    const struct value *value)
{
	if (e->trace)
		e->trace->node(e->trace->ctx, e->index, node, outcome, value);
	return outcome;
}

static enum found
tell_found(const struct eval *e, uint32_t node, enum found found,
    const struct value *v)
{
	enum eval_outcome outcome = EVAL_TRUE;

	if (found == FOUND_NOTHING)
		outcome = EVAL_ERROR;
	else if (found == FOUND_UNKNOWN)
		outcome = EVAL_UNKNOWN;
	else if (found == FOUND_VALUE && v->kind == VALUE_BOOL && !v->boolean)
		outcome = EVAL_FALSE;
	(void)tell(e, node, outcome, found == FOUND_VALUE ? v : NULL);
	return found;
}

static enum found
out_of_memory(const struct eval *e, uint32_t node)
{
	(void)error_set(e->reterr, ERR_LIMIT_MEMORY, ast_span(e->ast, node),
	    "memory for this decision ran out");
	return FOUND_NOTHING;
}

/* The place of a node costs a walk along its line: only failures pay it. */
static enum found
call_extension(struct eval *e, uint32_t node, const struct value *args,
    size_t n, struct value *ret)
{
	enum ast_op op = (enum ast_op)e->ast->nodes[node].op;

	if (ext_call(op, args, n, SPAN_NONE, ret, e->reterr))
		return FOUND_VALUE;
	if (e->reterr && !e->is_terse && e->reterr->at.line == 0)
		e->reterr->at = ast_span(e->ast, node);
	return FOUND_NOTHING;
}

/* --- leaves ------------------------------------------------------------ */

static struct uid
uid_of(const struct eval *e, const struct ast_node *n)
{
	while (n->kind == NODE_PAREN)
		n = &e->ast->nodes[n->a];
	if (n->kind == NODE_SLOT)
		return e->policy->slot[n->op == VAR_RESOURCE];
	return (struct uid){ e->ast->strings[n->a], e->ast->strings[n->b] };
}

static struct value
var_value(const struct eval *e, enum ast_var var)
{
	const struct eval_request *r = e->request;

	switch (var) {
	case VAR_PRINCIPAL:
		return value_entity(r->principal);
	case VAR_ACTION:
		return value_entity(r->action);
	case VAR_RESOURCE:
		return value_entity(r->resource);
	case VAR_CONTEXT:
		break;
	}
	return r->context ? *r->context
			  : (struct value){ .kind = VALUE_RECORD };
}

static enum found
eval_set(struct eval *e, uint32_t node, struct value *ret)
{
	const struct ast_node *n = &e->ast->nodes[node];
	struct value *items = ARENA_ARRAY(e->scratch, n->b, struct value);

	if (!items)
		return out_of_memory(e, node);
	for (uint32_t i = 0; i < n->b; i++) {
		enum found found =
		    eval_expr(e, e->ast->kids[n->a + i], &items[i]);

		if (found != FOUND_VALUE)
			return found;
	}
	*ret = value_set_take(items, n->b);
	return FOUND_VALUE;
}

static enum found
eval_record(struct eval *e, uint32_t node, struct value *ret)
{
	const struct ast_node *n = &e->ast->nodes[node];
	struct value_field *fields =
	    ARENA_ARRAY(e->scratch, n->b, struct value_field);
	struct operation o = operation_at(e, node);
	struct str dup;

	if (!fields)
		return out_of_memory(e, node);
	for (uint32_t i = 0; i < n->b; i++) {
		const struct ast_node *field =
		    &e->ast->nodes[e->ast->kids[n->a + i]];
		enum found found = eval_expr(e, field->b, &fields[i].value);

		if (found != FOUND_VALUE)
			return found;
		fields[i].name = e->ast->strings[field->a];
	}
	if (value_record_take(fields, n->b, ret, &dup))
		return FOUND_VALUE;
	(void)operate_fail(&o, ERR_NAME_DUPLICATE, "a key stands twice");
	return FOUND_NOTHING;
}

static enum found
eval_leaf(struct eval *e, uint32_t node, struct value *ret)
{
	const struct ast_node *n = &e->ast->nodes[node];
	struct operation o = operation_at(e, node);

	if (n->kind == NODE_BOOL)
		*ret = value_bool(n->a != 0);
	else if (n->kind == NODE_LONG)
		*ret = value_long(e->ast->longs[n->a]);
	else if (n->kind == NODE_STRING)
		*ret = value_string(e->ast->strings[n->a]);
	else if (n->kind == NODE_ENTITY || n->kind == NODE_SLOT)
		*ret = value_entity(uid_of(e, n));
	else if (n->kind == NODE_VAR) {
		*ret = var_value(e, (enum ast_var)n->op);
		if (ret->kind == VALUE_UNKNOWN)
			return FOUND_UNKNOWN;
	} else if (n->kind == NODE_SET)
		return eval_set(e, node, ret);
	else if (n->kind == NODE_RECORD)
		return eval_record(e, node, ret);
	else if (n->kind == NODE_CALL)
		return call_extension(e, node, ret, 0, ret);
	else {
		(void)operate_fail(&o, ERR_EVAL_TYPE, "this is no expression");
		return FOUND_NOTHING;
	}
	return FOUND_VALUE;
}

/* --- on the way up: `v` is the leftmost operand, becomes the result ----- */

static enum found
logical(struct eval *e, uint32_t node, struct value *v)
{
	const struct ast_node *n = &e->ast->nodes[node];
	const char *text = ast_op_text((enum ast_op)n->op);
	struct operation o = operation_at(e, node);
	enum found found;

	if (!operate_check(&o, text, VALUE_BOOL, v))
		return FOUND_NOTHING;
	if (v->boolean == (n->op == OP_OR))
		return FOUND_VALUE;
	found = eval_expr(e, n->b, v);
	if (found == FOUND_VALUE && !operate_check(&o, text, VALUE_BOOL, v))
		return FOUND_NOTHING;
	return found;
}

static enum found
binary(struct eval *e, uint32_t node, struct value *v)
{
	const struct ast_node *n = &e->ast->nodes[node];
	struct operation o = operation_at(e, node);
	struct value right;
	enum found found;

	if (n->op == OP_OR || n->op == OP_AND)
		return logical(e, node, v);
	found = eval_expr(e, n->b, &right);
	if (found != FOUND_VALUE)
		return found;
	return operate_binary(&o, (enum ast_op)n->op, v, &right, v);
}

static enum found
choose(struct eval *e, uint32_t node, struct value *v)
{
	const struct ast_node *n = &e->ast->nodes[node];
	struct operation o = operation_at(e, node);

	if (!operate_check(&o, "if", VALUE_BOOL, v))
		return FOUND_NOTHING;
	return eval_expr(e, v->boolean ? n->b : n->c, v);
}

static enum found
is_type(struct eval *e, uint32_t node, struct value *v)
{
	const struct ast_node *n = &e->ast->nodes[node];
	struct operation o = operation_at(e, node);
	struct value right;
	enum found found;

	if (!operate_check(&o, "is", VALUE_ENTITY, v))
		return FOUND_NOTHING;
	if (!str_eq(v->uid.type, e->ast->strings[n->b]) || n->c == 0) {
		*v = value_bool(str_eq(v->uid.type, e->ast->strings[n->b]));
		return FOUND_VALUE;
	}
	found = eval_expr(e, n->c, &right);
	if (found != FOUND_VALUE)
		return found;
	return operate_binary(&o, OP_IN, v, &right, v);
}

/* Evaluate `n` arguments behind `first`; all of them in one array. */
static enum found
arguments(struct eval *e, uint32_t node, const struct value *first,
    const uint32_t *kids, size_t n, struct value **ret)
{
	struct value *args = ARENA_ARRAY(e->scratch, n + 1, struct value);

	if (!args)
		return out_of_memory(e, node);
	args[0] = *first;
	for (size_t i = 0; i < n; i++) {
		enum found found = eval_expr(e, kids[i], &args[i + 1]);

		if (found != FOUND_VALUE)
			return found;
	}
	*ret = args;
	return FOUND_VALUE;
}

static enum found
method(struct eval *e, uint32_t node, struct value *v)
{
	const struct ast_node *n = &e->ast->nodes[node];
	struct operation o = operation_at(e, node);
	struct value *args;
	enum found found =
	    arguments(e, node, v, &e->ast->kids[n->b], n->c, &args);

	if (found != FOUND_VALUE)
		return found;
	return operate_method(
	    &o, (enum ast_op)n->op, &args[0], &args[1], n->c, v);
}

static enum found
call(struct eval *e, uint32_t node, struct value *v)
{
	const struct ast_node *n = &e->ast->nodes[node];
	struct value *args;
	enum found found =
	    arguments(e, node, v, &e->ast->kids[n->a + 1], n->b - 1, &args);

	if (found == FOUND_VALUE)
		found = call_extension(e, node, args, n->b, v);
	return found;
}

/* The operand that is evaluated first, in the same frame; 0 for a leaf. */
static uint32_t
left_of(const struct ast *t, uint32_t node)
{
	const struct ast_node *n = &t->nodes[node];

	switch ((enum node_kind)n->kind) {
	case NODE_PAREN:
	case NODE_NOT:
	case NODE_NEG:
	case NODE_BINARY:
	case NODE_IF:
	case NODE_ATTR:
	case NODE_HAS:
	case NODE_LIKE:
	case NODE_IS:
	case NODE_MATCHES:
	case NODE_EACH:
	case NODE_METHOD:
		return n->a;
	case NODE_CALL:
		return n->b ? t->kids[n->a] : 0;
	case NODE_ERROR:
	case NODE_BOOL:
	case NODE_LONG:
	case NODE_STRING:
	case NODE_ENTITY:
	case NODE_SLOT:
	case NODE_VAR:
	case NODE_SET:
	case NODE_RECORD:
	case NODE_FIELD:
	case NODE_PATTERN:
	case NODE_REGEX:
	case NODE_SCOPE:
	case NODE_TEST_EQ:
	case NODE_TEST_IN:
	case NODE_TEST_IS:
	case NODE_TEST_LIKE:
	case NODE_WHEN:
	case NODE_UNLESS:
		break;
	}
	return 0;
}

static enum found
go_up(struct eval *e, uint32_t node, struct value *v)
{
	const struct ast *t = e->ast;
	const struct ast_node *n = &t->nodes[node], *pattern;
	struct operation o = operation_at(e, node);

	/* left_of lists the kinds that can be here. */
	if (n->kind == NODE_PAREN)
		return FOUND_VALUE;
	if (n->kind == NODE_BINARY)
		return binary(e, node, v);
	if (n->kind == NODE_ATTR)
		return operate_attribute(&o, v, t->strings[n->b], v);
	if (n->kind == NODE_METHOD)
		return method(e, node, v);
	if (n->kind == NODE_MATCHES)
		return operate_matches(
		    &o, v, t->regexes[t->nodes[n->b].a].compiled, v);
	if (n->kind == NODE_EACH)
		return operate_each(&o, (enum ast_op)n->op, v, n->b, v);
	if (n->kind == NODE_CALL)
		return call(e, node, v);
	if (n->kind == NODE_HAS)
		return operate_has(&o, v, &t->kids[n->b], n->c, v);
	if (n->kind == NODE_IF)
		return choose(e, node, v);
	if (n->kind == NODE_IS)
		return is_type(e, node, v);
	if (n->kind == NODE_NEG)
		return operate_negate(&o, v);
	if (n->kind == NODE_LIKE) {
		pattern = &t->nodes[n->b];
		return operate_like(
		    &o, v, &t->parts[pattern->a], pattern->b, v);
	}
	if (!operate_check(&o, "!", VALUE_BOOL, v))
		return FOUND_NOTHING;
	*v = value_bool(!v->boolean);
	return FOUND_VALUE;
}

/* The nodes from `node` down to its leftmost leaf: in `few` when they fit. */
static uint32_t *
spine(struct eval *e, uint32_t node, uint32_t *few, size_t n_few, size_t *ret_n)
{
	uint32_t *nodes = few;
	size_t n = 0;

	for (uint32_t at = node; at; at = left_of(e->ast, at))
		n++;
	if (n > n_few)
		nodes = ARENA_ARRAY(e->scratch, n, uint32_t);
	*ret_n = n;
	n = 0;
	for (uint32_t at = node; nodes && at; at = left_of(e->ast, at))
		nodes[n++] = at;
	return nodes;
}

static enum found
eval_expr(struct eval *e, uint32_t node, struct value *ret)
{
	uint32_t few[12] = { 0 }, *nodes;
	struct operation o = operation_at(e, node);
	enum found found;
	size_t n;

	if (node == 0 || e->depth >= LIMIT_EVAL_DEPTH) {
		(void)operate_fail(&o, ERR_EVAL_DEPTH,
		    "nested deeper than %u levels", LIMIT_EVAL_DEPTH);
		return FOUND_NOTHING;
	}
	nodes = spine(e, node, few, ARRAY_LEN(few), &n);
	if (!nodes)
		return out_of_memory(e, node);
	e->depth++;
	n--;
	*ret = (struct value){ .kind = VALUE_NONE };
	found = tell_found(e, nodes[n], eval_leaf(e, nodes[n], ret), ret);
	while (n-- > 0) {
		if (found == FOUND_VALUE)
			found = go_up(e, nodes[n], ret);
		(void)tell_found(e, nodes[n], found, ret);
	}
	e->depth--;
	return found;
}

/* --- scope ------------------------------------------------------------- */

static struct uid
scope_uid(const struct eval *e, enum ast_var var)
{
	return var_value(e, var).uid;
}

static enum eval_outcome
outcome_of(bool matches)
{
	return matches ? EVAL_TRUE : EVAL_FALSE;
}

static enum eval_outcome
test_in(struct eval *e, const struct ast_node *n, uint32_t node, struct uid uid)
{
	bool is_in = false;

	for (uint32_t i = 0; i < n->b && !is_in; i++) {
		struct uid group =
		    uid_of(e, &e->ast->nodes[e->ast->kids[n->a + i]]);

		if (!entities_reach(e->request->entities, uid, group,
			e->scratch, &is_in, NULL)) {
			(void)out_of_memory(e, node);
			return EVAL_ERROR;
		}
	}
	return outcome_of(is_in != n->negated);
}

static bool
is_one_of(const struct ast *t, const struct ast_node *n, struct str type)
{
	for (uint32_t i = 0; i < n->b; i++)
		if (str_eq(t->strings[t->kids[n->a + i]], type))
			return true;
	return false;
}

/* What a contextual part stands for: a string, or the id of an entity. */
static enum found
path_text(
    struct eval *e, uint32_t node, const struct ast_part *part, struct str *ret)
{
	struct value v = var_value(e, part->var);
	struct error err = { 0 };
	struct operation o = operation_at(e, node);
	enum found found =
	    v.kind == VALUE_UNKNOWN ? FOUND_UNKNOWN : FOUND_VALUE;

	o.reterr = &err;
	for (uint32_t i = 0; i < part->n_path && found == FOUND_VALUE; i++)
		found = operate_attribute(&o, &v, part->path[i], &v);
	if (found == FOUND_VALUE && v.kind != VALUE_STRING &&
	    v.kind != VALUE_ENTITY) {
		(void)operate_fail(&o, ERR_EVAL_TYPE,
		    "a contextual wildcard needs a string or an entity, found "
		    "%s",
		    value_kind_name(v.kind));
		found = FOUND_NOTHING;
	}
	if (found == FOUND_NOTHING)
		(void)error_set(e->reterr, err.code,
		    source_span(&e->ast->source, part->off, part->len), "%s",
		    err.msg);
	if (found == FOUND_VALUE)
		*ret = v.kind == VALUE_STRING ? v.string : v.uid.id;
	return found;
}

static enum eval_outcome
test_like(
    struct eval *e, const struct ast_node *n, uint32_t node, struct uid uid)
{
	const struct ast_node *pattern = &e->ast->nodes[n->b];
	const struct ast_part *parts = &e->ast->parts[pattern->a];
	struct str *paths = NULL;

	if (!str_eq(uid.type, e->ast->strings[n->a]))
		return outcome_of(n->negated);
	if (pattern_has_path(parts, pattern->b)) {
		paths = ARENA_ARRAY(e->scratch, pattern->b, struct str);
		if (!paths) {
			(void)out_of_memory(e, node);
			return EVAL_ERROR;
		}
	}
	for (uint32_t i = 0; i < pattern->b; i++) {
		enum found found =
		    parts[i].kind == PART_PATH
			? path_text(e, node, &parts[i], &paths[i])
			: FOUND_VALUE;

		if (found != FOUND_VALUE)
			return found == FOUND_UNKNOWN ? EVAL_UNKNOWN
						      : EVAL_ERROR;
	}
	return outcome_of(
	    pattern_match(parts, pattern->b, paths, uid.id) != n->negated);
}

static enum eval_outcome
test(struct eval *e, uint32_t node, struct uid uid)
{
	const struct ast_node *n = &e->ast->nodes[node];
	struct operation o = operation_at(e, node);

	if (n->kind == NODE_TEST_EQ)
		return outcome_of(
		    uid_eq(uid, uid_of(e, &e->ast->nodes[n->a])) != n->negated);
	if (n->kind == NODE_TEST_IN)
		return test_in(e, n, node, uid);
	if (n->kind == NODE_TEST_IS)
		return outcome_of(is_one_of(e->ast, n, uid.type) != n->negated);
	if (n->kind == NODE_TEST_LIKE)
		return test_like(e, n, node, uid);
	(void)operate_fail(&o, ERR_EVAL_TYPE, "this is no scope test");
	return EVAL_ERROR;
}

/* A test whose pattern has contextual parts waits for all others. */
static bool
is_contextual(const struct ast *t, uint32_t node)
{
	const struct ast_node *n = &t->nodes[node];
	const struct ast_node *pattern = &t->nodes[n->b];

	return n->kind == NODE_TEST_LIKE &&
	       pattern_has_path(&t->parts[pattern->a], pattern->b);
}

/* The tests of one element that are contextual, or those that are not. */
static enum eval_outcome
scope_element(struct eval *e, uint32_t scope, bool contextual)
{
	const struct ast_node *n = &e->ast->nodes[scope];
	struct uid uid = scope_uid(e, (enum ast_var)n->op);
	enum eval_outcome outcome = EVAL_TRUE;
	bool waits = false, ran = false;

	for (uint32_t i = 0; i < n->b && outcome == EVAL_TRUE; i++) {
		uint32_t node = e->ast->kids[n->a + i];

		if (is_contextual(e->ast, node) != contextual) {
			waits = true;
			continue;
		}
		ran = true;
		outcome = tell(e, node, test(e, node, uid), NULL);
	}
	/* An element is told once: when it is decided. */
	if (outcome != EVAL_TRUE || (contextual ? ran : !waits))
		(void)tell(e, scope, outcome, NULL);
	return outcome;
}

static enum eval_outcome
eval_scope(struct eval *e, const struct ast_policy *policy)
{
	enum eval_outcome outcome = EVAL_TRUE;

	for (size_t i = 0; i < 6 && outcome == EVAL_TRUE; i++)
		outcome = scope_element(e, policy->scope[i % 3], i >= 3);
	return outcome;
}

static enum eval_outcome
eval_condition(struct eval *e, uint32_t node)
{
	const struct ast_node *n = &e->ast->nodes[node];
	bool is_when = n->kind == NODE_WHEN;
	struct operation o = operation_at(e, n->a);
	struct value v;
	enum found found = eval_expr(e, n->a, &v);

	if (found == FOUND_UNKNOWN)
		return tell(e, node, EVAL_UNKNOWN, NULL);
	if (found == FOUND_NOTHING ||
	    !operate_check(&o, is_when ? "when" : "unless", VALUE_BOOL, &v))
		return tell(e, node, EVAL_ERROR, NULL);
	return tell(e, node, outcome_of(v.boolean == is_when), NULL);
}

static struct eval
evaluation(const struct policy_instance *instance, uint32_t i,
    const struct eval_request *request, struct arena *scratch,
    const struct eval_trace *trace, struct error *reterr)
{
	return (struct eval){ .policy = instance,
		.ast = instance->ast,
		.request = request,
		.trace = trace,
		.scratch = scratch,
		.reterr = reterr,
		.index = i };
}

enum eval_outcome
eval_scope_test(const struct policy_instance *instance, uint32_t i,
    uint32_t node, enum ast_var var, const struct eval_request *request,
    struct arena *scratch, const struct eval_trace *trace, struct error *reterr)
{
	struct eval e =
	    evaluation(instance, i, request, scratch, trace, reterr);

	return tell(&e, node, test(&e, node, scope_uid(&e, var)), NULL);
}

enum found
eval_expression(const struct policy_instance *instance, uint32_t i,
    uint32_t node, const struct eval_request *request, struct arena *scratch,
    const struct eval_trace *trace, struct value *ret, struct error *reterr)
{
	struct eval e =
	    evaluation(instance, i, request, scratch, trace, reterr);

	return eval_expr(&e, node, ret);
}

static enum eval_outcome
eval_policy(const struct policy_set *set, uint32_t i,
    const struct eval_request *request, struct arena *scratch,
    const struct eval_trace *trace, bool is_terse, struct error *reterr)
{
	const struct policy_instance *instance =
	    policy_instance_in(set, i, scratch);
	const struct ast_policy *policy;
	enum eval_outcome outcome;
	struct eval e;

	if (!instance) {
		(void)error_set(reterr, ERR_FILE_IMAGE, SPAN_NONE,
		    "the text of this policy cannot be read from its image");
		return EVAL_ERROR;
	}
	e = evaluation(instance, i, request, scratch, trace, reterr);
	e.is_terse = is_terse;
	policy = &e.ast->policies[instance->policy];
	outcome = eval_scope(&e, policy);
	for (uint32_t k = 0; k < policy->n_conds && outcome == EVAL_TRUE; k++)
		outcome =
		    eval_condition(&e, e.ast->kids[policy->first_cond + k]);
	return outcome;
}

enum eval_outcome
policy_eval(const struct policy_set *set, uint32_t i,
    const struct eval_request *request, struct arena *scratch,
    const struct eval_trace *trace, struct error *reterr)
{
	return eval_policy(set, i, request, scratch, trace, false, reterr);
}

enum eval_outcome
policy_eval_code(const struct policy_set *set, uint32_t i,
    const struct eval_request *request, struct arena *scratch,
    const struct eval_trace *trace, enum err_code *ret_code)
{
	struct error err UNZEROED; /* words are not read */
	enum eval_outcome outcome;

	err.code = ERR_NONE;
	outcome = eval_policy(set, i, request, scratch, trace, true, &err);
	*ret_code = err.code;
	return outcome;
}
