/* index_tests.c - conjuncts as tests over codes, values as codes.
 * A comparison of a path with a literal becomes eight bytes; what has no such
 * form stays a tree. Paths are numbered by how often rules read them, so that
 * the few that nearly all rules read are remembered and lie in the slots. */
#include "policy/index.h"

#include <stdlib.h>

#include "policy/ast.h"

/* --- codes -----------------------------------------------------------------
 */

static uint32_t
literal_code(const struct policy_index *ix, enum value_kind kind,
    struct str type, struct str id)
{
	uint32_t number = index_names_find(&ix->literals, ix->seed, type, id);

	return INDEX_CODE(kind, number == INTERN_NONE ? 0 : number + 1);
}

uint32_t
index_code(const struct policy_index *ix, const struct value *v)
{
	if (v->kind == VALUE_LONG) {
		bool small =
		    v->number >= -INDEX_LONG_MAX && v->number <= INDEX_LONG_MAX;

		return INDEX_CODE(v->kind,
		    small ? (uint32_t)(v->number + INDEX_LONG_MAX + 1) : 0);
	}
	if (v->kind == VALUE_BOOL)
		return INDEX_CODE(v->kind, v->boolean ? 2 : 1);
	if (v->kind == VALUE_STRING)
		return literal_code(ix, v->kind, (struct str){ 0 }, v->string);
	if (v->kind == VALUE_ENTITY)
		return literal_code(ix, v->kind, v->uid.type, v->uid.id);
	if (v->kind == VALUE_NONE || v->kind == VALUE_UNKNOWN)
		return INDEX_FAILS;
	return INDEX_CODE(v->kind, 0);
}

static bool
add_literal(struct index_building *b, const struct value *v)
{
	struct policy_index *ix = b->ix;
	struct uid name = v->uid;
	uint32_t number;

	if (v->kind == VALUE_STRING)
		name = (struct uid){ .id = v->string };
	else if (v->kind != VALUE_ENTITY)
		return true;
	if (!index_names_add(&ix->literals, ix->seed, ix->arena, name.type,
		name.id, &number, b->reterr))
		return false;
	if (number < (1u << 28) - 2)
		return true;
	return error_set(b->reterr, ERR_LIMIT_COUNT, SPAN_NONE,
	    "policies compare with more literals than can be numbered");
}

static struct index_met *
met_at(const struct index_building *b, const struct normal_conjunct *c)
{
	return &b->met[index_mix((uintptr_t)c, INDEX_K1) % INDEX_MET];
}

/* The same, once for rules that share it. */
static bool
add_literal_of(struct index_building *b, const struct normal_conjunct *c)
{
	struct index_met *met = met_at(b, c);

	if (c->form != FORM_EQ || met->c == c)
		return true;
	met->c = c;
	return add_literal(b, &c->literal);
}

/* --- paths -----------------------------------------------------------------
 */

static const struct normal_rule *
rule_at(const struct normal *n, size_t i)
{
	return i < n->n_rules ? &n->rules[i] : &n->contained[i - n->n_rules];
}

/* Conjuncts that read each path; literals on the way. */
static bool
count_reads(struct index_building *b, uint32_t *uses)
{
	const struct normal *n = b->n;

	for (size_t i = 0; i < (size_t)n->n_rules + n->n_contained; i++) {
		const struct normal_rule *r = rule_at(n, i);

		for (uint32_t k = 0; k < r->n_conjuncts; k++) {
			const struct normal_conjunct *c = &r->conjuncts[k];

			if (!add_literal_of(b, c))
				return false;
			if (c->form != FORM_TREE && c->path < n->n_paths)
				uses[c->path]++;
		}
	}
	/* Their tests are not made yet. */
	memset(b->met, 0, INDEX_MET * sizeof *b->met);
	return true;
}

struct used {
	uint32_t path, uses;
};

static int
most_used_first(const void *a, const void *b)
{
	const struct used *x = a, *y = b;

	if (x->uses != y->uses)
		return x->uses > y->uses ? -1 : 1;
	return (x->path > y->path) - (x->path < y->path);
}

/* The column of an attribute: the first attributes that come have one. */
static uint8_t
column_of(struct policy_index *ix, const struct normal_path *p)
{
	size_t i = 0;

	if (p->var == VAR_CONTEXT || p->n != 1)
		return INDEX_COLUMNS;
	while (i < ix->n_columns &&
	       !str_eq(index_str(ix, ix->columns[i]), p->names[0]))
		i++;
	if (i == ix->n_columns && i < INDEX_COLUMNS)
		ix->columns[ix->n_columns++] = ix->names[ix->n_names - 1];
	return (uint8_t)i;
}

static bool
add_path(struct index_building *b, const struct normal_path *p)
{
	struct policy_index *ix = b->ix;
	struct index_path *to = &ix->paths[ix->n_paths++];

	to->var = p->var;
	to->n_names = (uint16_t)p->n;
	to->name = (uint32_t)ix->n_names;
	for (uint32_t i = 0; i < p->n; i++) {
		struct index_text name;

		if (!index_pool(ix->arena, &ix->bytes, &ix->n_bytes,
			&ix->cap_bytes, p->names[i], &name, b->reterr))
			return false;
		if (!ARENA_PUSH_ROOM(
			ix->arena, ix->names, ix->n_names, ix->cap_names))
			return error_nomem(b->reterr);
		ix->names[ix->n_names++] = name;
	}
	to->column = column_of(ix, p);
	return true;
}

bool
index_build_paths(struct index_building *b)
{
	const struct normal *n = b->n;
	uint32_t *uses = ARENA_ARRAY(b->spare, n->n_paths, uint32_t);
	struct used *order = ARENA_ARRAY(b->spare, n->n_paths, struct used);

	b->ix->paths = ARENA_ARRAY(b->ix->arena, n->n_paths, struct index_path);
	b->path_of = ARENA_ARRAY(b->spare, n->n_paths, uint16_t);
	b->met = ARENA_ARRAY(b->spare, INDEX_MET, struct index_met);
	if (!uses || !order || !b->ix->paths || !b->path_of || !b->met)
		return error_nomem(b->reterr);
	if (!count_reads(b, uses))
		return false;
	for (uint32_t i = 0; i < n->n_paths; i++)
		order[i] = (struct used){ i, uses[i] };
	if (n->n_paths > 1)
		qsort(order, n->n_paths, sizeof *order, most_used_first);
	for (uint32_t i = 0; i < n->n_paths; i++) {
		const struct normal_path *p = &n->paths[order[i].path];

		b->path_of[order[i].path] = INDEX_NO_SHORT;
		if (i >= INDEX_NO_SHORT || p->n >= INDEX_NO_SHORT)
			continue;
		b->path_of[order[i].path] = (uint16_t)b->ix->n_paths;
		if (!add_path(b, p))
			return false;
	}
	return true;
}

/* --- tests ------------------------------------------------------------------
 */

static bool
is_ordered(const struct value *v)
{
	return (v->kind == VALUE_LONG || v->kind == VALUE_DATETIME ||
		   v->kind == VALUE_DURATION) &&
	       v->number >= INT32_MIN && v->number <= INT32_MAX;
}

static enum index_op
order_op(uint8_t op)
{
	if (op == OP_LT)
		return TEST_LT;
	if (op == OP_LE)
		return TEST_LE;
	if (op == OP_GT)
		return TEST_GT;
	return op == OP_GE ? TEST_GE : TEST_TREE;
}

static struct index_test
make_test(const struct index_building *b, const struct normal_conjunct *c)
{
	struct index_test t = { .op = TEST_TREE };
	uint32_t code;

	if (c->form == FORM_TREE || c->path >= b->n->n_paths ||
	    b->path_of[c->path] == INDEX_NO_SHORT)
		return t;
	t.path = b->path_of[c->path];
	t.kind = c->form_negated ? INDEX_NEGATED : 0;
	if (c->form == FORM_EQ) {
		code = index_code(b->ix, &c->literal);
		t.arg = code;
		/* 0: a kind of literal that codes do not tell apart. */
		if (code & ((1u << 28) - 1) && code != INDEX_FAILS)
			t.op = TEST_EQ;
	} else if (c->form == FORM_ORDER && is_ordered(&c->literal)) {
		t.op = (uint8_t)order_op(c->op);
		t.kind |= (uint8_t)c->literal.kind;
		t.arg = (uint32_t)(int32_t)c->literal.number;
	} else if (c->form == FORM_HAS && b->ix->paths[t.path].n_names > 0)
		t.op = TEST_HAS;
	return t;
}

struct index_test
index_test_of(const struct index_building *b, const struct normal_conjunct *c)
{
	struct index_met *met = met_at(b, c);

	if (met->c != c)
		*met = (struct index_met){ c, make_test(b, c) };
	return met->test;
}

static bool
push_tree(struct index_building *b, const struct normal_conjunct *c,
    struct index_test *inout)
{
	struct policy_index *ix = b->ix;

	if (!ARENA_PUSH_ROOM(ix->arena, ix->trees, ix->n_trees, ix->cap_trees))
		return error_nomem(b->reterr);
	inout->arg = (uint32_t)ix->n_trees;
	ix->trees[ix->n_trees++] = (struct index_tree){ c->instance, c->node,
		c->member, c->var, c->negated };
	return true;
}

/* Room for all tests of the rule one after the other. */
struct tests {
	struct index_rule *rule;
	uint32_t n;
};

/* The first two go into the rule, the others behind its tail's. */
static bool
push_test(struct index_building *b, struct tests *t, struct index_test test)
{
	struct policy_index *ix = b->ix;

	if (t->n < ARRAY_LEN(t->rule->tests)) {
		t->rule->tests[t->n++] = test;
		return true;
	}
	if (!ARENA_PUSH_ROOM(ix->arena, ix->tests, ix->n_tests, ix->cap_tests))
		return error_nomem(b->reterr);
	ix->tests[ix->n_tests++] = test;
	t->n++;
	return true;
}

/* The type of `is T in G`: the key stands for G alone. */
static bool
push_types(
    struct index_building *b, const struct normal_rule *r, struct tests *t)
{
	for (uint16_t v = 0; v < 3; v++) {
		struct index_test test = { .op = TEST_IS, .path = v };

		if (r->atom[v]->kind != ATOM_IS_IN)
			continue;
		test.arg = index_type_find(b->ix, r->atom[v]->type);
		if (!push_test(b, t, test))
			return false;
	}
	return true;
}

static bool
push_list(struct index_building *b, const uint32_t *list, uint32_t n,
    uint32_t add, uint32_t *ret_at)
{
	struct policy_index *ix = b->ix;

	*ret_at = (uint32_t)ix->n_words;
	if (n > UINT32_MAX - ix->n_words)
		return error_set(b->reterr, ERR_LIMIT_COUNT, SPAN_NONE,
		    "rules name more policies than can be numbered");
	for (uint32_t i = 0; i < n; i++) {
		if (!ARENA_PUSH_ROOM(
			ix->arena, ix->words, ix->n_words, ix->cap_words))
			return error_nomem(b->reterr);
		ix->words[ix->n_words++] = list[i] + add;
	}
	return true;
}

static bool
push_tail(struct index_building *b, const struct normal_rule *r,
    struct index_tail tail)
{
	struct policy_index *ix = b->ix;

	tail.n_parents = r->n_parents;
	tail.n_below = r->n_below;
	if (!push_list(b, r->parents, r->n_parents, 0, &tail.parents) ||
	    !push_list(b, r->below, r->n_below, 0, &tail.below))
		return false;
	if (!ARENA_PUSH_ROOM(ix->arena, ix->tails, ix->n_tails, ix->cap_tails))
		return error_nomem(b->reterr);
	ix->tails[ix->n_tails++] = tail;
	return true;
}

bool
index_encode(struct index_building *b, const struct normal_rule *r,
    struct index_rule *ret)
{
	struct policy_index *ix = b->ix;
	struct index_tail tail = { .test = (uint32_t)ix->n_tests };
	struct tests t = { .rule = ret };
	uint32_t number = r->n_parents ? r->parents[0] : 0;
	bool has_tail;

	if (!push_types(b, r, &t))
		return false;
	for (uint32_t i = 0; i < r->n_conjuncts; i++) {
		struct index_test test = index_test_of(b, &r->conjuncts[i]);

		if (test.op == TEST_TREE &&
		    !push_tree(b, &r->conjuncts[i], &test))
			return false;
		if (!push_test(b, &t, test))
			return false;
	}
	has_tail =
	    t.n > ARRAY_LEN(ret->tests) || r->n_parents != 1 || r->n_below > 0;
	if (has_tail) {
		number = (uint32_t)ix->n_tails;
		tail.n_tests = (uint32_t)ix->n_tests - tail.test;
		if (!push_tail(b, r, tail))
			return false;
	}
	if (number > REF_NUMBER)
		return error_set(b->reterr, ERR_LIMIT_COUNT, SPAN_NONE,
		    "more than %u rules", (unsigned)REF_NUMBER);
	if (t.n > ARRAY_LEN(ret->tests))
		t.n = ARRAY_LEN(ret->tests);
	ret->ref = REF_USED | number | t.n << REF_TESTS_SHIFT;
	if (r->effect == POLICY_PERMIT)
		ret->ref |= REF_PERMIT;
	if (has_tail)
		ret->ref |= REF_TAIL;
	return true;
}
