/* print_json.c - the tree to Cedar's JSON policy format.
 * What text wrote comes out as Cedar's own converter has it (parentheses are
 * gone, a pattern's literals one character each, `has a.b` as steps); what JSON
 * wrote comes out as it was read. Additions to Cedar are written under keys of
 * Avow's own and make the whole "avow": 1. Chains nest to the left, so what is
 * deeper than the reader takes back is refused with its place, and recursion is
 * bounded by that. Names with NUL cannot be keys (base/json.h) and are refused.
 * Cost: O(tree). */
#include <assert.h>

#include "base/limits.h"
#include "policy/ext.h"
#include "policy/set.h"

/* Longer paths are written as a list: steps repeat all before them. */
#define HAS_STEPS 32u

struct writer {
	const struct ast *t;
	struct errors *errors;
	unsigned depth; /* levels of JSON around what is written */
	bool avow;      /* something of ours was written */
	bool failed;    /* an error was reported */
};

static json_t *expr(struct writer *w, uint32_t node);

/* NULL arguments are passed on as NULL: memory ran out, or it was reported. */
static json_t *
wrap(const char *key, json_t *value_take)
{
	json_t *object = json_object();

	if (!object || !value_take ||
	    json_object_set_new(object, key, value_take) != 0) {
		if (!object)
			json_decref(value_take);
		json_decref(object);
		return NULL;
	}
	return object;
}

/* Add a member; the object is given up when it cannot be. */
static json_t *
with(json_t *object_take, const char *key, json_t *value_take)
{
	if (!object_take || !value_take) {
		json_decref(object_take);
		json_decref(value_take);
		return NULL;
	}
	if (json_object_set_new(object_take, key, value_take) == 0)
		return object_take;
	json_decref(object_take);
	return NULL;
}

static json_t *
append(json_t *list_take, json_t *item_take)
{
	if (!list_take || !item_take) {
		json_decref(list_take);
		json_decref(item_take);
		return NULL;
	}
	if (json_array_append_new(list_take, item_take) == 0)
		return list_take;
	json_decref(list_take);
	return NULL;
}

static void *
refuse(struct writer *w, enum err_code code, uint32_t node, const char *msg)
{
	(void)errors_add(w->errors, code, ast_span(w->t, node), "%s", msg);
	w->failed = true;
	return NULL;
}

static json_t *
string(const struct writer *w, uint32_t i)
{
	return json_from_str(w->t->strings[i]);
}

static json_t *
set_named(struct writer *w, json_t *object_take, struct str name, uint32_t node,
    json_t *value_take)
{
	if (object_take && value_take && str_find(name, '\0', 0) == name.n &&
	    json_object_setn_new(
		object_take, name.p ? name.p : "", name.n, value_take) == 0)
		return object_take;
	if (object_take && value_take && str_find(name, '\0', 0) < name.n) {
		json_decref(value_take);
		(void)refuse(w, ERR_JSON_NUL_KEY, node,
		    "a name with NUL cannot be a key of JSON");
	} else if (!object_take) {
		json_decref(value_take);
	}
	json_decref(object_take);
	return NULL;
}

/* ---- values ----------------------------------------------------------------
 */

static json_t *literal(struct writer *w, uint32_t node);

static json_t *
literal_list(struct writer *w, const uint32_t *kids, uint32_t n)
{
	json_t *list = json_array();

	for (uint32_t i = 0; list && i < n; i++)
		list = append(list, literal(w, kids[i]));
	return list;
}

static json_t *
literal_record(struct writer *w, const struct ast_node *n)
{
	json_t *object = json_object();

	for (uint32_t i = 0; object && i < n->b; i++) {
		uint32_t kid = w->t->kids[n->a + i];
		const struct ast_node *field = &w->t->nodes[kid];

		object = set_named(w, object, w->t->strings[field->a], kid,
		    literal(w, field->b));
	}
	return object;
}

static json_t *
literal_call(struct writer *w, const struct ast_node *n)
{
	json_t *call = wrap("fn", json_string(ext_name((enum ast_op)n->op)));
	const uint32_t *kids = &w->t->kids[n->a];

	if (n->written == WRITTEN_VALUE && n->b == 1)
		call = with(call, "arg", literal(w, kids[0]));
	else
		call = with(call, "args", literal_list(w, kids, n->b));
	return wrap("__extn", call);
}

/* Of leaves, and of what was read as a value: nested no deeper than that. */
static json_t *
literal(struct writer *w, uint32_t node)
{
	const struct ast_node *n = &w->t->nodes[node];

	switch ((int)n->kind) {
	case NODE_BOOL:
		return json_boolean(n->a);
	case NODE_LONG:
		return json_integer(w->t->longs[n->a]);
	case NODE_STRING:
		return string(w, n->a);
	case NODE_ENTITY:
		return wrap("__entity",
		    value_uid_to_json((struct uid){
			w->t->strings[n->a], w->t->strings[n->b] }));
	case NODE_SET:
		return literal_list(w, &w->t->kids[n->a], n->b);
	case NODE_RECORD:
		return literal_record(w, n);
	case NODE_CALL:
		return literal_call(w, n);
	default:
		return refuse(w, ERR_JSON_SHAPE, node, "this is no value");
	}
}

/* ---- patterns --------------------------------------------------------------
 */

static json_t *
path(const struct ast_part *part)
{
	json_t *list =
	    append(json_array(), json_string(ast_var_name(part->var)));

	for (uint32_t i = 0; i < part->n_path; i++)
		list = append(list, json_from_str(part->path[i]));
	return wrap("Path", list);
}

/* Each character its own literal, as Cedar writes them. */
static json_t *
add_characters(json_t *list_take, struct str text)
{
	uint32_t point;

	for (size_t at = 0, n; at < text.n; at += n) {
		n = str_utf8_next(text, at, &point);
		if (n == 0)
			n = 1;
		list_take = append(list_take,
		    wrap("Literal", json_from_str(str_sub(text, at, at + n))));
	}
	return list_take;
}

static json_t *
pattern(struct writer *w, uint32_t node)
{
	const struct ast_node *n = &w->t->nodes[node];
	json_t *list = json_array();

	for (uint32_t i = 0; i < n->b; i++) {
		const struct ast_part *part = &w->t->parts[n->a + i];

		if (part->kind == PART_STAR)
			list = append(list, json_string("Wildcard"));
		else if (part->kind == PART_PATH)
			list = append(list, path(part));
		else if (w->t->is_json)
			list = append(list,
			    wrap("Literal", json_from_str(part->literal)));
		else
			list = add_characters(list, part->literal);
	}
	return list;
}

/* A list of parts, or the text of a regular expression. */
static json_t *
pattern_or_regex(struct writer *w, uint32_t node)
{
	const struct ast_node *n = &w->t->nodes[node];

	if (n->kind == NODE_REGEX)
		return json_from_str(w->t->regexes[n->a].text);
	return pattern(w, node);
}

/* ---- expressions -----------------------------------------------------------
 */

static json_t *
list(struct writer *w, const uint32_t *kids, uint32_t n)
{
	json_t *items = json_array();

	for (uint32_t i = 0; items && i < n; i++)
		items = append(items, expr(w, kids[i]));
	return items;
}

static json_t *
record(struct writer *w, const struct ast_node *n)
{
	json_t *object = json_object();

	for (uint32_t i = 0; object && i < n->b; i++) {
		uint32_t kid = w->t->kids[n->a + i];
		const struct ast_node *field = &w->t->nodes[kid];

		object = set_named(
		    w, object, w->t->strings[field->a], kid, expr(w, field->b));
	}
	return object;
}

static json_t *
left_right(json_t *left_take, json_t *right_take)
{
	return with(wrap("left", left_take), "right", right_take);
}

/* One after the other: which is refused first does not depend on a compiler.
 */
static json_t *
sides(struct writer *w, uint32_t left, uint32_t right)
{
	json_t *first = expr(w, left);

	return left_right(first, expr(w, right));
}

static json_t *
choice(struct writer *w, const struct ast_node *n)
{
	json_t *out = wrap("if", expr(w, n->a));

	out = with(out, "then", expr(w, n->b));
	return with(out, "else", expr(w, n->c));
}

static json_t *
method(struct writer *w, const struct ast_node *n)
{
	if (n->c == 0)
		return wrap("arg", expr(w, n->a));
	return sides(w, n->a, w->t->kids[n->b]);
}

static json_t *
has_step(json_t *left_take, json_t *attr_take)
{
	return wrap("has", with(wrap("left", left_take), "attr", attr_take));
}

/* `e has a.b` as `e has a && e.a has b`. */
static json_t *
has_steps(struct writer *w, const struct ast_node *n)
{
	const uint32_t *names = &w->t->kids[n->b];
	json_t *base = expr(w, n->a);
	json_t *all = has_step(json_incref(base), string(w, names[0]));

	for (uint32_t i = 1; i < n->c; i++) {
		base = wrap(".",
		    with(wrap("left", base), "attr", string(w, names[i - 1])));
		all = wrap("&&", left_right(all, has_step(json_incref(base),
						     string(w, names[i]))));
	}
	json_decref(base);
	return all;
}

static json_t *
has(struct writer *w, const struct ast_node *n)
{
	json_t *names;

	if (!w->t->is_json && n->c > 1 && n->c <= HAS_STEPS)
		return has_steps(w, n);
	if (n->c == 1 && n->written != WRITTEN_LIST)
		return has_step(expr(w, n->a), string(w, w->t->kids[n->b]));
	names = json_array();
	for (uint32_t i = 0; i < n->c; i++)
		names = append(names, string(w, w->t->kids[n->b + i]));
	return has_step(expr(w, n->a), names);
}

static json_t *
is(struct writer *w, const struct ast_node *n)
{
	json_t *test =
	    with(wrap("left", expr(w, n->a)), "entity_type", string(w, n->b));

	if (n->c)
		test = with(test, "in", expr(w, n->c));
	return wrap("is", test);
}

static json_t *
matching(struct writer *w, const char *key, const struct ast_node *n)
{
	return wrap(key, with(wrap("left", expr(w, n->a)), "pattern",
			     pattern_or_regex(w, n->b)));
}

static json_t *
call(struct writer *w, const struct ast_node *n)
{
	w->avow = w->avow || ast_is_added((enum ast_op)n->op);
	return wrap(
	    ast_op_text((enum ast_op)n->op), list(w, &w->t->kids[n->a], n->b));
}

static json_t *
expr_of(struct writer *w, uint32_t node)
{
	const struct ast_node *n = &w->t->nodes[node];
	const char *text = ast_op_text((enum ast_op)n->op);

	if (n->written == WRITTEN_VALUE || n->written == WRITTEN_VALUE_ARGS)
		return wrap("Value", literal(w, node));
	switch ((enum node_kind)n->kind) {
	case NODE_BOOL:
	case NODE_LONG:
	case NODE_STRING:
	case NODE_ENTITY:
		return wrap("Value", literal(w, node));
	case NODE_VAR:
		return wrap("Var", json_string(ast_var_name(n->op)));
	case NODE_PAREN:
		return expr(w, n->a);
	case NODE_SET:
		return wrap("Set", list(w, &w->t->kids[n->a], n->b));
	case NODE_RECORD:
		return wrap("Record", record(w, n));
	case NODE_NOT:
		return wrap("!", wrap("arg", expr(w, n->a)));
	case NODE_NEG:
		return wrap("neg", wrap("arg", expr(w, n->a)));
	case NODE_BINARY:
		return wrap(text, sides(w, n->a, n->b));
	case NODE_IF:
		return wrap("if-then-else", choice(w, n));
	case NODE_ATTR:
		return wrap(".",
		    with(wrap("left", expr(w, n->a)), "attr", string(w, n->b)));
	case NODE_HAS:
		return has(w, n);
	case NODE_LIKE:
		return matching(w, "like", n);
	case NODE_IS:
		return is(w, n);
	case NODE_MATCHES:
		w->avow = true;
		return matching(w, "matches", n);
	case NODE_EACH:
		w->avow = true;
		return matching(w, text, n);
	case NODE_METHOD:
		return wrap(text, method(w, n));
	case NODE_CALL:
		return call(w, n);
	case NODE_ERROR:
	case NODE_SLOT:
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
	return refuse(w, ERR_JSON_SHAPE, node, "this is no expression");
}

/* An operator takes two levels of JSON, a path of `has` two a step. */
static json_t *
expr(struct writer *w, uint32_t node)
{
	const struct ast_node *n = &w->t->nodes[node];
	unsigned levels = 2;
	json_t *out;

	if (n->kind == NODE_HAS && n->c > 1)
		levels += 2 * HAS_STEPS;
	if (w->depth + levels > LIMIT_POLICY_JSON_DEPTH)
		return w->failed ? NULL
				 : refuse(w, ERR_LIMIT_DEPTH, node,
				       "too deep or too long a chain for "
				       "JSON: operators nest there");
	w->depth += levels;
	out = expr_of(w, node);
	w->depth -= levels;
	return out;
}

/* ---- scopes ----------------------------------------------------------------
 */

static json_t *
target(struct writer *w, json_t *test_take, uint32_t node)
{
	const struct ast_node *n = &w->t->nodes[node];

	if (n->kind == NODE_SLOT)
		return with(test_take, "slot",
		    json_string(
			n->op == VAR_RESOURCE ? "?resource" : "?principal"));
	return with(test_take, "entity",
	    value_uid_to_json(
		(struct uid){ w->t->strings[n->a], w->t->strings[n->b] }));
}

static json_t *
targets(struct writer *w, json_t *test_take, const struct ast_node *n,
    enum ast_var var)
{
	json_t *entities;

	/* Cedar's converter has `in [a]` as `in a`. */
	if (!n->c || (n->b == 1 && var == VAR_ACTION && !w->t->is_json))
		return target(w, test_take, w->t->kids[n->a]);
	entities = json_array();
	w->avow = w->avow || var != VAR_ACTION;
	for (uint32_t i = 0; i < n->b; i++) {
		uint32_t kid = w->t->kids[n->a + i];
		const struct ast_node *item = &w->t->nodes[kid];

		if (item->kind == NODE_SLOT)
			entities =
			    append(entities, target(w, json_object(), kid));
		else
			entities = append(
			    entities, value_uid_to_json(
					  (struct uid){ w->t->strings[item->a],
					      w->t->strings[item->b] }));
	}
	return with(test_take, "entities", entities);
}

static json_t *
types(struct writer *w, json_t *test_take, const struct ast_node *n)
{
	json_t *names;

	if (!n->c)
		return with(
		    test_take, "entity_type", string(w, w->t->kids[n->a]));
	w->avow = true;
	names = json_array();
	for (uint32_t i = 0; i < n->b; i++)
		names = append(names, string(w, w->t->kids[n->a + i]));
	return with(test_take, "entity_types", names);
}

static json_t *
negation(struct writer *w, json_t *test_take, const struct ast_node *n)
{
	if (!n->negated)
		return test_take;
	w->avow = true;
	return with(test_take, "not", json_true());
}

static json_t *
test(struct writer *w, json_t *test_take, const struct ast_node *n,
    enum ast_var var)
{
	test_take = negation(w, test_take, n);
	switch ((int)n->kind) {
	case NODE_TEST_EQ:
		return target(w, test_take, n->a);
	case NODE_TEST_IN:
		return targets(w, test_take, n, var);
	case NODE_TEST_IS:
		w->avow = w->avow || var == VAR_ACTION;
		return types(w, test_take, n);
	default:
		w->avow = true;
		return with(with(test_take, "entity_type", string(w, n->a)),
		    "pattern", pattern(w, n->b));
	}
}

static json_t *
scope(struct writer *w, uint32_t node)
{
	static const char *const ops[] = { "==", "in", "is", "like" };
	const struct ast_node *n = &w->t->nodes[node], *first, *second;
	enum ast_var var = (enum ast_var)n->op;
	json_t *out;

	if (n->b == 0)
		return wrap("op", json_string("All"));
	first = &w->t->nodes[w->t->kids[n->a]];
	out = wrap("op", json_string(ops[first->kind - NODE_TEST_EQ]));
	out = test(w, out, first, var);
	if (n->b == 1)
		return out;
	second = &w->t->nodes[w->t->kids[n->a + 1]];
	return with(out, "in", test(w, json_object(), second, var));
}

/* ---- policies --------------------------------------------------------------
 */

static json_t *
conditions(struct writer *w, const struct ast_policy *policy)
{
	json_t *all = json_array();

	for (uint32_t i = 0; all && i < policy->n_conds; i++) {
		const struct ast_node *n =
		    &w->t->nodes[w->t->kids[policy->first_cond + i]];
		json_t *one = wrap("kind",
		    json_string(n->kind == NODE_WHEN ? "when" : "unless"));

		all = append(all, with(one, "body", expr(w, n->a)));
	}
	return all;
}

static json_t *
annotations(struct writer *w, const struct ast_policy *policy)
{
	json_t *all = json_object();

	for (uint32_t i = 0; all && i < policy->n_annotations; i++) {
		const struct ast_annotation *a =
		    &w->t->annotations[policy->first_annotation + i];

		all = set_named(w, all, a->name, 0,
		    a->has_value ? json_from_str(a->value) : json_null());
	}
	return all;
}

static json_t *
policy_json(struct writer *w, uint32_t index)
{
	static const char *const words[] = { [WORD_FORBID] = "forbid",
		[WORD_DENY] = "deny",
		[WORD_PERMIT] = "permit" };
	const struct ast_policy *policy = &w->t->policies[index];
	json_t *out = wrap("effect", json_string(words[policy->word]));

	/* "staticPolicies", the policy, "conditions", its list, the body. */
	w->depth = 5;
	w->avow = w->avow || policy->word == WORD_DENY;
	for (unsigned v = 0; out && v < 3; v++)
		out = with(out, ast_var_name((enum ast_var)v),
		    scope(w, policy->scope[v]));
	if (out)
		out = with(out, "conditions", conditions(w, policy));
	if (out && policy->n_annotations > 0)
		out = with(out, "annotations", annotations(w, policy));
	return out;
}

static json_t *
link_json(const struct ast_link *link)
{
	static const char *const slots[] = { "?principal", "?resource" };
	json_t *out = wrap("templateId", json_from_str(link->template_id));
	json_t *values = json_object();

	out = with(out, "newId", json_from_str(link->id));
	for (unsigned i = 0; i < 2; i++)
		if (link->bound[i])
			values = with(
			    values, slots[i], value_uid_to_json(link->slot[i]));
	return with(out, "values", values);
}

static json_t *
indivisible_json(const struct ast *t, const struct ast_indivisible *set)
{
	json_t *entities = json_array();

	for (uint32_t i = 0; i < set->n; i++) {
		const struct ast_node *n = &t->nodes[t->kids[set->first + i]];

		entities = append(entities,
		    value_uid_to_json(
			(struct uid){ t->strings[n->a], t->strings[n->b] }));
	}
	return with(wrap("variable", json_string(ast_var_name(set->var))),
	    "entities", entities);
}

/* ---- the set ---------------------------------------------------------------
 */

static json_t *
add_policy(struct writer *w, json_t *all_take, const struct ast *t,
    uint32_t policy, struct str id)
{
	w->t = t;
	return set_named(w, all_take, id, t->policies[policy].scope[0],
	    policy_json(w, policy));
}

static json_t *
static_policies(struct writer *w, const struct policy_set *set)
{
	json_t *all = json_object();

	assert(!set->image);
	for (size_t i = 0; all && i < set->n_instances; i++) {
		const struct policy_instance *p = &set->instances[i];

		if (!p->is_link)
			all = add_policy(w, all, p->ast, p->policy, p->id);
	}
	return all;
}

static json_t *
templates(struct writer *w, const struct policy_set *set)
{
	json_t *all = json_object();

	for (size_t i = 0; all && i < set->n_templates; i++) {
		const struct policy_template *p = &set->templates[i];

		all = add_policy(w, all, p->ast, p->policy, p->id);
	}
	return all;
}

static json_t *
links(const struct policy_set *set)
{
	json_t *all = json_array();

	for (size_t i = 0; i < set->n_files; i++)
		for (uint32_t j = 0; j < set->files[i]->n_links; j++)
			all = append(all, link_json(&set->files[i]->links[j]));
	return all;
}

static json_t *
indivisibles(struct writer *w, const struct policy_set *set)
{
	json_t *all = json_array();

	for (size_t i = 0; i < set->n_files; i++)
		for (uint32_t j = 0; j < set->files[i]->n_indivisibles; j++)
			all = append(all, indivisible_json(set->files[i],
					      &set->files[i]->indivisibles[j]));
	w->avow = w->avow || json_array_size(all) > 0;
	return all;
}

bool
policy_set_to_json(
    const struct policy_set *set, json_t **ret, struct errors *reterr)
{
	struct writer w = { .errors = reterr };
	json_t *out = wrap("staticPolicies", static_policies(&w, set)), *sets;

	out = out ? with(out, "templates", templates(&w, set)) : NULL;
	out = with(out, "templateLinks", links(set));
	sets = indivisibles(&w, set);
	if (sets && json_array_size(sets) == 0)
		json_decref(sets);
	else
		out = with(out, "indivisible", sets);
	for (size_t i = 0; i < set->n_files; i++)
		w.avow = w.avow || set->files[i]->is_marked;
	if (w.avow)
		out = with(out, "avow", json_integer(1));
	if (out) {
		*ret = out;
		return true;
	}
	if (w.failed)
		return false;
	return errors_nomem(reterr);
}
