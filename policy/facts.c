/* facts.c - can this err, and what does it read? One pass over the nodes.
 * A row a kind of node; a kind without a row is one that can err. Operands are
 * asked for the kinds that the operator takes: an attribute path then becomes a
 * read with those kinds, anything else must have them already. Numbers can
 * overflow and tags can be missing, so what computes with them can err.
 * Cost: O(nodes), each list of reads bounded by FACTS_READS_MAX. */
#include "policy/facts.h"

#include <stdlib.h>

#include "policy/ext.h"
#include "policy/pattern.h"

/* Lists while a node is learned. */
struct list {
	struct normal_read items[FACTS_READS_MAX];
	uint32_t n;
	bool overflow;
};

struct learner {
	struct facts_table *t;
	const struct ast_node *node;
	struct facts *f;
	struct list reads, sure, if_true, if_false;
	bool failed; /* memory */
};

/* ---- lists ----------------------------------------------------------------
 */

static void
list_add(struct list *l, struct normal_read read)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (l->items[i].path == read.path) {
			l->items[i].kinds &= read.kinds;
			return;
		}
	if (l->n == FACTS_READS_MAX)
		l->overflow = true;
	else
		l->items[l->n++] = read;
}

static const struct normal_read *
items_of(const struct facts_table *t, struct facts_list l)
{
	return l.n ? t->lists + l.at : NULL;
}

static void
list_join(const struct facts_table *t, struct list *l, struct facts_list more)
{
	for (uint32_t i = 0; i < more.n; i++)
		list_add(l, t->lists[more.at + i]);
}

static int
by_path(const void *x, const void *y)
{
	const struct normal_read *a = x, *b = y;

	return (a->path > b->path) - (a->path < b->path);
}

static struct facts_list
list_keep(struct learner *l, struct list *list)
{
	struct facts_table *t = l->t;
	struct facts_list kept = { (uint32_t)t->n_lists, list->n };

	if (list->n > 1)
		qsort(list->items, list->n, sizeof *list->items, by_path);
	for (uint32_t i = 0; i < list->n; i++) {
		if (!ARENA_PUSH_ROOM(
			t->arena, t->lists, t->n_lists, t->cap_lists)) {
			l->failed = true;
			return (struct facts_list){ 0 };
		}
		t->lists[t->n_lists++] = list->items[i];
	}
	return kept;
}

/* ---- operands -------------------------------------------------------------
 */

static const struct facts *
child(const struct learner *l, uint32_t node)
{
	return facts_of(l->t, node);
}

/* The node always evaluates this operand first, and wants these kinds. */
static void
need(struct learner *l, uint32_t node, uint32_t kinds)
{
	const struct facts *f = child(l, node);

	if (f->outcome == FACTS_ERROR || (f->kinds & kinds) == 0)
		l->f->outcome = FACTS_ERROR;
	l->f->is_clean = l->f->is_clean && f->is_clean;
	list_join(l->t, &l->reads, f->reads);
	list_join(l->t, &l->sure, f->sure);
	if ((f->kinds & ~kinds) == 0)
		return;
	if (f->path == FACTS_NO_PATH) {
		l->f->is_clean = false;
		return;
	}
	list_add(&l->reads, (struct normal_read){ f->path, kinds });
	list_add(&l->sure, (struct normal_read){ f->path, kinds });
}

/* The operand is evaluated only where `known` holds. */
static void
need_behind(struct learner *l, uint32_t node, struct facts_list known)
{
	const struct facts *f = child(l, node);
	uint32_t boolean = FACTS_KIND(VALUE_BOOL);
	struct list own = { 0 };

	l->f->is_clean = l->f->is_clean && f->is_clean;
	list_join(l->t, &own, f->reads);
	if (f->path != FACTS_NO_PATH)
		list_add(&own, (struct normal_read){ f->path, boolean });
	else if (f->kinds & ~boolean)
		l->f->is_clean = false;
	l->reads.overflow = l->reads.overflow || own.overflow;
	for (uint32_t i = 0; i < own.n; i++)
		if (!facts_covers(l->t->paths, items_of(l->t, known), known.n,
			own.items[i]))
			list_add(&l->reads, own.items[i]);
}

static void
gives(struct learner *l, enum value_kind kind)
{
	l->f->kinds = FACTS_KIND(kind);
}

/* ---- a function a kind of node ---------------------------------------------
 */

static void
learn_bool(struct learner *l)
{
	gives(l, VALUE_BOOL);
	l->f->outcome = l->node->a ? FACTS_TRUE : FACTS_FALSE;
}

static void
learn_long(struct learner *l)
{
	gives(l, VALUE_LONG);
}

static void
learn_string(struct learner *l)
{
	gives(l, VALUE_STRING);
}

static void
learn_entity(struct learner *l)
{
	gives(l, VALUE_ENTITY);
}

static void
learn_var(struct learner *l)
{
	gives(l, l->node->op == VAR_CONTEXT ? VALUE_RECORD : VALUE_ENTITY);
	l->f->path = l->node->op;
}

static void
learn_paren(struct learner *l)
{
	*l->f = *child(l, l->node->a);
}

static void
learn_items(struct learner *l)
{
	for (uint32_t i = 0; i < l->node->b; i++)
		need(l, l->t->ast->kids[l->node->a + i], FACTS_ANY);
	gives(l, l->node->kind == NODE_RECORD ? VALUE_RECORD : VALUE_SET);
}

static void
learn_field(struct learner *l)
{
	need(l, l->node->b, FACTS_ANY);
	l->f->kinds = FACTS_ANY;
}

static void
learn_not(struct learner *l)
{
	const struct facts *f = child(l, l->node->a);

	need(l, l->node->a, FACTS_KIND(VALUE_BOOL));
	list_join(l->t, &l->if_true, f->if_false);
	list_join(l->t, &l->if_false, f->if_true);
	gives(l, VALUE_BOOL);
	if (f->outcome == FACTS_TRUE)
		l->f->outcome = FACTS_FALSE;
	if (f->outcome == FACTS_FALSE)
		l->f->outcome = FACTS_TRUE;
}

/* `&&` and `||`: one is the other with true and false changed. */
static void
learn_logical(struct learner *l)
{
	bool is_and = l->node->op == OP_AND;
	const struct facts *x = child(l, l->node->a), *y = child(l, l->node->b);
	enum facts_outcome goes_on = is_and ? FACTS_TRUE : FACTS_FALSE;
	enum facts_outcome stops = is_and ? FACTS_FALSE : FACTS_TRUE;
	struct facts_list known = is_and ? x->if_true : x->if_false;
	struct list *both = is_and ? &l->if_true : &l->if_false;

	need(l, l->node->a, FACTS_KIND(VALUE_BOOL));
	gives(l, VALUE_BOOL);
	if (x->outcome == stops) {
		l->f->outcome = stops;
		return;
	}
	need_behind(l, l->node->b, known);
	list_join(l->t, both, known);
	list_join(l->t, both, is_and ? y->if_true : y->if_false);
	if (l->f->outcome == FACTS_ERROR)
		return;
	if (x->outcome == goes_on)
		l->f->outcome = y->outcome;
	if (facts_is_total(x) && y->outcome == stops)
		l->f->outcome = stops;
}

/* Kinds that `<` and its like order. */
static const enum value_kind by_operator[] = { VALUE_LONG, VALUE_DATETIME,
	VALUE_DURATION };

/* The kind that both sides must have, when one of them says. */
static uint32_t
ordered_kind(const struct facts *x, const struct facts *y,
    const enum value_kind *kinds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (x->kinds == FACTS_KIND(kinds[i]) ||
		    y->kinds == FACTS_KIND(kinds[i]))
			return FACTS_KIND(kinds[i]);
	return 0;
}

static void
learn_order(struct learner *l, uint32_t left, uint32_t right,
    const enum value_kind *orders, size_t n)
{
	uint32_t kind =
	    ordered_kind(child(l, left), child(l, right), orders, n);

	need(l, left, kind ? kind : FACTS_ANY);
	need(l, right, kind ? kind : FACTS_ANY);
	if (!kind)
		l->f->is_clean = false;
	gives(l, VALUE_BOOL);
}

/* What stands on the right of `in`: an entity, or a list of them as written. */
static void
need_groups(struct learner *l, uint32_t node)
{
	const struct ast *t = l->t->ast;
	const struct ast_node *n = &t->nodes[node];

	while (n->kind == NODE_PAREN)
		n = &t->nodes[n->a];
	if (n->kind != NODE_SET) {
		/* A set at a path may hold what is no entity. */
		need(l, node,
		    FACTS_KIND(VALUE_ENTITY) |
			(child(l, node)->path == FACTS_NO_PATH
				? FACTS_KIND(VALUE_SET)
				: 0));
		if (child(l, node)->kinds == FACTS_KIND(VALUE_SET))
			l->f->is_clean = false;
		/* It may as well be a set, so nothing is sure of its kind. */
		if (child(l, node)->path != FACTS_NO_PATH)
			l->sure.n = 0;
		return;
	}
	for (uint32_t i = 0; i < n->b; i++)
		need(l, t->kids[n->a + i], FACTS_KIND(VALUE_ENTITY));
}

static void
learn_in(struct learner *l)
{
	const struct ast_node *set = &l->t->ast->nodes[l->node->b];

	need(l, l->node->a, FACTS_KIND(VALUE_ENTITY));
	need_groups(l, l->node->b);
	gives(l, VALUE_BOOL);
	while (set->kind == NODE_PAREN)
		set = &l->t->ast->nodes[set->a];
	/* In nothing. */
	if (set->kind == NODE_SET && set->b == 0 && l->f->is_clean &&
	    l->reads.n == 0 && l->f->outcome == FACTS_VARIES)
		l->f->outcome = FACTS_FALSE;
}

static void
learn_equal(struct learner *l)
{
	struct value x, y;

	need(l, l->node->a, FACTS_ANY);
	need(l, l->node->b, FACTS_ANY);
	gives(l, VALUE_BOOL);
	if (facts_literal(l->t->ast, l->node->a, &x) &&
	    facts_literal(l->t->ast, l->node->b, &y))
		l->f->outcome = value_eq(&x, &y) == (l->node->op == OP_EQ)
				    ? FACTS_TRUE
				    : FACTS_FALSE;
}

static void
learn_arithmetic(struct learner *l)
{
	need(l, l->node->a, FACTS_KIND(VALUE_LONG));
	if (l->node->kind == NODE_BINARY)
		need(l, l->node->b, FACTS_KIND(VALUE_LONG));
	l->f->is_clean = false;
	gives(l, VALUE_LONG);
}

static void
learn_binary(struct learner *l)
{
	enum ast_op op = (enum ast_op)l->node->op;

	if (op == OP_AND || op == OP_OR)
		learn_logical(l);
	else if (op == OP_EQ || op == OP_NE)
		learn_equal(l);
	else if (op == OP_IN)
		learn_in(l);
	else if (op == OP_LT || op == OP_LE || op == OP_GT || op == OP_GE)
		learn_order(l, l->node->a, l->node->b, by_operator,
		    ARRAY_LEN(by_operator));
	else
		learn_arithmetic(l);
}

static void
learn_if(struct learner *l)
{
	const struct facts *test = child(l, l->node->a);

	need(l, l->node->a, FACTS_KIND(VALUE_BOOL));
	/* A branch that is no condition counts as one that can err. */
	need_behind(l, l->node->b, test->if_true);
	need_behind(l, l->node->c, test->if_false);
	l->f->kinds = child(l, l->node->b)->kinds | child(l, l->node->c)->kinds;
}

static void
learn_attr(struct learner *l)
{
	const struct facts *x = child(l, l->node->a);
	struct str name = l->t->ast->strings[l->node->b];
	struct normal_read read = { FACTS_NO_PATH, FACTS_ANY };

	l->f->kinds = FACTS_ANY;
	if (x->path == FACTS_NO_PATH) {
		need(l, l->node->a, FACTS_ANY);
		l->f->is_clean = false;
		return;
	}
	read.path = facts_path_add(l->t->paths, x->path, name);
	l->failed = l->failed || read.path == FACTS_NO_PATH;
	l->f->path = read.path;
	list_add(&l->reads, read);
	list_add(&l->sure, read);
}

static void
learn_has(struct learner *l)
{
	const struct ast *t = l->t->ast;
	uint32_t holders = FACTS_KIND(VALUE_RECORD) | FACTS_KIND(VALUE_ENTITY);
	uint32_t path = child(l, l->node->a)->path;

	need(l, l->node->a, holders);
	gives(l, VALUE_BOOL);
	for (uint32_t i = 0; i < l->node->c && path != FACTS_NO_PATH; i++) {
		struct str name = t->strings[t->kids[l->node->b + i]];

		/* What lies between is looked at only if it is there. */
		if (i > 0)
			list_add(
			    &l->reads, (struct normal_read){ path, holders });
		path = facts_path_add(l->t->paths, path, name);
		l->failed = l->failed || path == FACTS_NO_PATH;
	}
	if (path == FACTS_NO_PATH)
		l->f->is_clean = l->f->is_clean && l->node->c == 1;
	else
		list_add(&l->if_true, (struct normal_read){ path, FACTS_ANY });
}

static void
learn_like(struct learner *l)
{
	need(l, l->node->a, FACTS_KIND(VALUE_STRING));
	gives(l, VALUE_BOOL);
}

static void
learn_is(struct learner *l)
{
	struct list sure;

	need(l, l->node->a, FACTS_KIND(VALUE_ENTITY));
	sure = l->sure;
	/* Looked at only where the type is right. */
	if (l->node->c) {
		bool errs = l->f->outcome == FACTS_ERROR;

		need_groups(l, l->node->c);
		l->f->outcome = errs ? FACTS_ERROR : FACTS_VARIES;
		l->sure = sure;
	}
	gives(l, VALUE_BOOL);
}

static void
learn_method(struct learner *l)
{
	const uint32_t *args = &l->t->ast->kids[l->node->b];
	uint32_t set = FACTS_KIND(VALUE_SET);
	enum ast_op op = (enum ast_op)l->node->op;

	l->f->kinds = op == OP_GET_TAG ? FACTS_ANY : FACTS_KIND(VALUE_BOOL);
	if (l->node->c != (op == OP_IS_EMPTY ? 0u : 1u)) {
		l->f->is_clean = false;
		return;
	}
	if (op == OP_GET_TAG || op == OP_HAS_TAG) {
		need(l, l->node->a, FACTS_KIND(VALUE_ENTITY));
		need(l, args[0], FACTS_KIND(VALUE_STRING));
		l->f->is_clean = l->f->is_clean && op == OP_HAS_TAG;
		return;
	}
	need(l, l->node->a, set);
	if (op == OP_CONTAINS)
		need(l, args[0], FACTS_ANY);
	else if (op == OP_CONTAINS_ALL || op == OP_CONTAINS_ANY)
		need(l, args[0], set);
	else if (op != OP_IS_EMPTY)
		l->f->is_clean = false;
}

/* Extension methods that give an answer for all values of their kinds. */
static const struct {
	enum ast_op op;
	enum value_kind receiver, argument, result;
} methods[] = {
	{ OP_IS_IPV4, VALUE_IP, VALUE_NONE, VALUE_BOOL },
	{ OP_IS_IPV6, VALUE_IP, VALUE_NONE, VALUE_BOOL },
	{ OP_IS_LOOPBACK, VALUE_IP, VALUE_NONE, VALUE_BOOL },
	{ OP_IS_MULTICAST, VALUE_IP, VALUE_NONE, VALUE_BOOL },
	{ OP_IS_IN_RANGE, VALUE_IP, VALUE_IP, VALUE_BOOL },
	{ OP_TO_TIME, VALUE_DATETIME, VALUE_NONE, VALUE_DURATION },
	{ OP_TO_MILLISECONDS, VALUE_DURATION, VALUE_NONE, VALUE_LONG },
	{ OP_TO_SECONDS, VALUE_DURATION, VALUE_NONE, VALUE_LONG },
	{ OP_TO_MINUTES, VALUE_DURATION, VALUE_NONE, VALUE_LONG },
	{ OP_TO_HOURS, VALUE_DURATION, VALUE_NONE, VALUE_LONG },
	{ OP_TO_DAYS, VALUE_DURATION, VALUE_NONE, VALUE_LONG },
};

/* `lessThan` and its like: two decimals, or two versions of one kind. Where
 * only one kind is possible, both must be of it; else they may differ. */
static void
learn_comparison(struct learner *l, uint32_t x, uint32_t y)
{
	uint32_t kinds =
	    child(l, x)->kinds & child(l, y)->kinds &
	    (FACTS_KIND(VALUE_DECIMAL) | FACTS_KIND(VALUE_VERSION) |
		FACTS_KIND(VALUE_DEBVERSION) | FACTS_KIND(VALUE_RPMVERSION));

	need(l, x, kinds);
	need(l, y, kinds);
	l->f->is_clean = l->f->is_clean && (kinds & (kinds - 1)) == 0;
	gives(l, VALUE_BOOL);
}

static bool
is_comparison(enum ast_op op)
{
	return op == OP_LESS_THAN || op == OP_LESS_THAN_OR_EQUAL ||
	       op == OP_GREATER_THAN || op == OP_GREATER_THAN_OR_EQUAL;
}

static void
learn_call(struct learner *l)
{
	const uint32_t *args = &l->t->ast->kids[l->node->a];
	struct value v;

	if (facts_literal(
		l->t->ast, (uint32_t)(l->node - l->t->ast->nodes), &v)) {
		gives(l, v.kind);
		return;
	}
	if (is_comparison((enum ast_op)l->node->op) && l->node->b == 2) {
		learn_comparison(l, args[0], args[1]);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		uint32_t n = methods[i].argument == VALUE_NONE ? 1 : 2;

		if (methods[i].op != (enum ast_op)l->node->op ||
		    l->node->b != n)
			continue;
		need(l, args[0], FACTS_KIND(methods[i].receiver));
		if (n == 2)
			need(l, args[1], FACTS_KIND(methods[i].argument));
		gives(l, methods[i].result);
		return;
	}
	l->f->is_clean = false;
	l->f->kinds = FACTS_ANY;
}

/* Scope tests. Only a pattern with contextual parts can err, and only where the
 * type is right. */
static void
learn_test(struct learner *l)
{
	gives(l, VALUE_BOOL);
}

static void
learn_test_like(struct learner *l)
{
	const struct ast *t = l->t->ast;
	const struct ast_node *pattern = &t->nodes[l->node->b];
	uint32_t texts = FACTS_KIND(VALUE_STRING) | FACTS_KIND(VALUE_ENTITY);

	gives(l, VALUE_BOOL);
	for (uint32_t i = 0; i < pattern->b; i++) {
		const struct ast_part *part = &t->parts[pattern->a + i];
		uint32_t path = part->var;

		if (part->kind != PART_PATH)
			continue;
		for (uint32_t k = 0; k < part->n_path && !l->failed; k++) {
			path = facts_path_add(l->t->paths, path, part->path[k]);
			l->failed = path == FACTS_NO_PATH;
		}
		if (part->n_path > 0)
			list_add(
			    &l->reads, (struct normal_read){ path, texts });
		else if (part->var == VAR_CONTEXT)
			l->f->is_clean = false;
	}
}

static void (*const rows[])(struct learner *l) = {
	[NODE_BOOL] = learn_bool,
	[NODE_LONG] = learn_long,
	[NODE_STRING] = learn_string,
	[NODE_ENTITY] = learn_entity,
	[NODE_SLOT] = learn_entity,
	[NODE_VAR] = learn_var,
	[NODE_PAREN] = learn_paren,
	[NODE_SET] = learn_items,
	[NODE_RECORD] = learn_items,
	[NODE_FIELD] = learn_field,
	[NODE_NOT] = learn_not,
	[NODE_NEG] = learn_arithmetic,
	[NODE_BINARY] = learn_binary,
	[NODE_IF] = learn_if,
	[NODE_ATTR] = learn_attr,
	[NODE_HAS] = learn_has,
	[NODE_LIKE] = learn_like,
	[NODE_IS] = learn_is,
	[NODE_METHOD] = learn_method,
	[NODE_CALL] = learn_call,
	[NODE_TEST_EQ] = learn_test,
	[NODE_TEST_IN] = learn_test,
	[NODE_TEST_IS] = learn_test,
	[NODE_TEST_LIKE] = learn_test_like,
};

/* ---- the pass -------------------------------------------------------------
 */

static void
settle(struct learner *l)
{
	struct facts *f = l->f;

	if (l->reads.overflow)
		f->is_clean = false;
	if (f->outcome == FACTS_ERROR)
		f->is_clean = false;
	/* What is sure in any case is so in both. */
	for (uint32_t i = 0; i < l->sure.n; i++) {
		list_add(&l->if_true, l->sure.items[i]);
		list_add(&l->if_false, l->sure.items[i]);
	}
	f->reads = list_keep(l, &l->reads);
	f->sure = list_keep(l, &l->sure);
	f->if_true = list_keep(l, &l->if_true);
	f->if_false = list_keep(l, &l->if_false);
}

static bool
learn(struct facts_table *t, uint32_t node)
{
	const struct ast_node *n = &t->ast->nodes[node];
	struct learner l = {
		.t = t, .node = n, .f = &t->nodes[node - t->first]
	};

	*l.f = (struct facts){ .path = FACTS_NO_PATH };
	if (n->kind >= ARRAY_LEN(rows) || !rows[n->kind]) {
		l.f->kinds = FACTS_ANY;
		return true;
	}
	l.f->is_clean = true;
	rows[n->kind](&l);
	if (n->kind != NODE_PAREN)
		settle(&l);
	return !l.failed;
}

bool
facts_learn(struct facts_table *ret, struct arena *a, struct intern *paths,
    const struct ast *t, uint32_t first, uint32_t end, struct error *reterr)
{
	struct facts_table table = {
		.ast = t, .arena = a, .paths = paths, .first = first, .end = end
	};

	if (end > t->n_nodes || first > end)
		table.first = table.end = 0;
	table.nodes = ARENA_ARRAY(a, table.end - table.first, struct facts);
	if (!table.nodes)
		return error_nomem(reterr);
	for (uint32_t i = table.first; i < table.end; i++)
		if (!learn(&table, i))
			return error_nomem(reterr);
	*ret = table;
	return true;
}

/* One past the last node that belongs to the policy. */
static uint32_t
end_of(const struct ast *t, uint32_t policy)
{
	const struct ast_policy *p = &t->policies[policy];
	uint32_t last = 0;

	for (size_t i = 0; i < 3; i++)
		if (p->scope[i] > last)
			last = p->scope[i];
	for (uint32_t i = 0; i < p->n_conds; i++)
		if (t->kids[p->first_cond + i] > last)
			last = t->kids[p->first_cond + i];
	return last + 1;
}

bool
facts_learn_policy(struct facts_table *ret, struct arena *a,
    struct intern *paths, const struct ast *t, uint32_t policy,
    struct error *reterr)
{
	uint32_t first = policy > 0 ? end_of(t, policy - 1) : 1;
	uint32_t end = end_of(t, policy);

	return facts_learn(
	    ret, a, paths, t, first < end ? first : end, end, reterr);
}

/* ---- questions ------------------------------------------------------------
 */

const struct facts *
facts_of(const struct facts_table *t, uint32_t node)
{
	static const struct facts unknown = { .kinds = FACTS_ANY,
		.path = FACTS_NO_PATH };

	return node >= t->first && node < t->end ? &t->nodes[node - t->first]
						 : &unknown;
}

bool
facts_is_total(const struct facts *f)
{
	return f->is_clean && f->reads.n == 0;
}

bool
facts_is_boolean(const struct facts *f)
{
	return f->kinds == FACTS_KIND(VALUE_BOOL);
}

bool
facts_literal(const struct ast *t, uint32_t node, struct value *ret)
{
	const struct ast_node *n = &t->nodes[node];
	struct value arg;

	while (n->kind == NODE_PAREN)
		n = &t->nodes[n->a];
	if (n->kind == NODE_BOOL)
		*ret = value_bool(n->a != 0);
	else if (n->kind == NODE_LONG)
		*ret = value_long(t->longs[n->a]);
	else if (n->kind == NODE_STRING)
		*ret = value_string(t->strings[n->a]);
	else if (n->kind == NODE_ENTITY)
		*ret = value_entity(
		    (struct uid){ t->strings[n->a], t->strings[n->b] });
	else if (n->kind == NODE_CALL && n->b == 1 && n->c == 0)
		return t->nodes[t->kids[n->a]].kind == NODE_STRING &&
		       facts_literal(t, t->kids[n->a], &arg) &&
		       ext_call(
			   (enum ast_op)n->op, &arg, 1, SPAN_NONE, ret, NULL);
	else
		return false;
	return true;
}
