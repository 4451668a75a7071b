/* rules.c - what the stages share: nodes looked at from outside, numbers for
 * texts, notes. */
#include "policy/rules.h"

#include "policy/canon.h"
#include "policy/form.h"
#include "policy/index.h"
#include "policy/pattern.h"

uint32_t
node_bare(const struct ast *t, uint32_t node, bool *inout_negated)
{
	for (;;) {
		const struct ast_node *n = &t->nodes[node];

		if (n->kind == NODE_NOT)
			*inout_negated = !*inout_negated;
		else if (n->kind != NODE_PAREN)
			return node;
		node = n->a;
	}
}

static uint32_t
without_parens(const struct ast *t, uint32_t node)
{
	while (t->nodes[node].kind == NODE_PAREN)
		node = t->nodes[node].a;
	return node;
}

static bool
are_literals(const struct ast *t, const struct ast_node *set, bool entities)
{
	for (uint32_t i = 0; i < set->b; i++) {
		struct value v;

		if (!facts_literal(t, t->kids[set->a + i], &v) ||
		    (entities && v.kind != VALUE_ENTITY))
			return false;
	}
	return true;
}

struct normal_list_node
normal_list(const struct ast *t, uint32_t node)
{
	const struct ast_node *n = &t->nodes[node], *set;
	bool is_in = n->kind == NODE_BINARY && n->op == OP_IN;
	bool is_contains =
	    n->kind == NODE_METHOD && n->op == OP_CONTAINS && n->c == 1;

	if (!is_in && !is_contains)
		return (struct normal_list_node){ 0 };
	set = &t->nodes[without_parens(t, is_in ? n->b : n->a)];
	if (set->kind != NODE_SET || !are_literals(t, set, is_in))
		return (struct normal_list_node){ 0 };
	return (struct normal_list_node){ is_in ? n->a : t->kids[n->b],
		&t->kids[set->a], set->b };
}

struct uid
normal_uid(const struct policy_instance *p, uint32_t node)
{
	const struct ast *t = p->ast;
	const struct ast_node *n = &t->nodes[without_parens(t, node)];

	if (n->kind == NODE_SLOT)
		return p->slot[n->op == VAR_RESOURCE];
	return (struct uid){ t->strings[n->a], t->strings[n->b] };
}

bool
node_is_scope(const struct ast *t, uint32_t node)
{
	const struct ast_node *n = &t->nodes[node];

	return n->kind == NODE_TEST_EQ || n->kind == NODE_TEST_IN ||
	       n->kind == NODE_TEST_IS || n->kind == NODE_TEST_LIKE;
}

bool
node_is_contextual(const struct ast *t, uint32_t node)
{
	const struct ast_node *n = &t->nodes[node];
	const struct ast_node *pattern = &t->nodes[n->b];

	return n->kind == NODE_TEST_LIKE &&
	       pattern_has_path(&t->parts[pattern->a], pattern->b);
}

/* ---- numbers --------------------------------------------------------------
 */

bool
ids_add(struct arena *a, struct ids *ids, uint32_t id)
{
	size_t cap = ids->cap;

	/* Most have one. */
	if (cap == 0) {
		ids->items = ARENA_ARRAY(a, 1, uint32_t);
		cap = ids->items != NULL;
	}
	if (!ids->items || !ARENA_PUSH_ROOM(a, ids->items, ids->n, cap))
		return false;
	ids->cap = (uint32_t)cap;
	ids->items[ids->n++] = id;
	return true;
}

uint32_t *
few_items(struct few *few)
{
	return few->cap ? few->at.items : &few->at.one;
}

bool
few_add(struct arena *a, struct few *few, uint32_t id)
{
	size_t cap = few->cap;
	uint32_t *items = few_items(few);

	if (few->n > 0 || cap > 0) {
		/* The old items are read before `at` is written. */
		if (!ARENA_PUSH_ROOM(a, items, few->n, cap))
			return false;
		few->at.items = items;
		few->cap = (uint32_t)cap;
	}
	few_items(few)[few->n++] = id;
	return true;
}

struct rule_more *
rules_more(struct making *m, struct rule *r)
{
	if (!r->more)
		r->more = ARENA_NEW(m->scratch, struct rule_more);
	return r->more;
}

bool
rules_facts(struct making *m)
{
	const struct policy_instance *p = &m->set->instances[m->instance];

	m->has_facts = m->has_facts || facts_learn_policy(&m->facts, m->each,
					   m->paths, p->ast, p->policy, NULL);
	return m->has_facts;
}

bool
drafts_add(
    struct making *m, struct drafts *to, const struct test *tests, uint32_t n)
{
	struct draft draft = { .n = n };

	if (!ARENA_PUSH_ROOM(m->each, to->items, to->n, to->cap))
		return false;
	draft.tests = ARENA_ARRAY(m->each, n, struct test);
	if (!draft.tests)
		return false;
	if (n)
		memcpy(draft.tests, tests, n * sizeof *tests);
	to->items[to->n++] = draft;
	return true;
}

/* The number of the text in m->text; *ret_is_new when it had none. */
static uint32_t
number(struct making *m, struct intern *texts, bool *ret_is_new)
{
	uint32_t before = intern_count(texts), id;

	if (!buf_ok(&m->text))
		return UINT32_MAX;
	id = intern_add(texts, STR(""), buf_str(&m->text));
	*ret_is_new = id == before;
	return id;
}

uint32_t
rules_atom(struct making *m, const struct normal_atom *atom)
{
	bool is_new;
	uint32_t id;

	m->text.n = 0;
	canon_atom(&m->text, atom);
	id = number(m, m->atom_texts, &is_new);
	if (id == UINT32_MAX || !is_new)
		return id;
	if (!ARENA_PUSH_ROOM(m->scratch, m->atoms, m->n_atoms, m->cap_atoms))
		return UINT32_MAX;
	m->atoms[m->n_atoms++] = *atom;
	return id;
}

uint32_t
rules_test(struct making *m, const struct test *test)
{
	bool is_new;
	uint32_t id;

	m->text.n = 0;
	canon_test(&m->text, &m->set->instances[m->instance], test);
	id = number(m, m->test_texts, &is_new);
	if (id == UINT32_MAX || !is_new)
		return id;
	if (!ARENA_PUSH_ROOM(m->scratch, m->tests, m->n_tests, m->cap_tests) ||
	    !form_learn(m, test, &m->tests[m->n_tests]))
		return UINT32_MAX;
	m->n_tests++;
	return id;
}

struct str
rules_test_text(const struct making *m, uint32_t test)
{
	struct str unused, text;

	intern_get(m->test_texts, test, &unused, &text);
	return text;
}

/* Where the list's number is, if it came lately. */
static uint32_t *
near_list(const struct making *m, const uint32_t *tests, uint32_t n)
{
	uint64_t hash = index_hash_str(
	    INDEX_K1, (struct str){ (const char *)tests, n * sizeof *tests });

	return &m->near_lists[hash & m->near_mask];
}

static bool
is_list(
    const struct making *m, uint32_t number, const uint32_t *tests, uint32_t n)
{
	const struct known_list *l = &m->lists[number];

	return l->n == n && memcmp(l->tests, tests, n * sizeof *tests) == 0;
}

static uint32_t
find_list(struct making *m, const uint32_t *tests, uint32_t n)
{
	struct known_list list = { .n = n };
	bool is_new;
	uint32_t id, *kept;

	m->text.n = 0;
	buf_add(
	    &m->text, (struct str){ (const char *)tests, n * sizeof *tests });
	id = number(m, m->list_keys, &is_new);
	if (id == UINT32_MAX || !is_new)
		return id;
	kept = ARENA_ARRAY(m->scratch, n, uint32_t);
	if (!kept ||
	    !ARENA_PUSH_ROOM(m->scratch, m->lists, m->n_lists, m->cap_lists))
		return UINT32_MAX;
	if (n)
		memcpy(kept, tests, n * sizeof *kept);
	list.tests = kept;
	list.n_total = rules_total(m, tests, n);
	m->lists[m->n_lists++] = list;
	return id;
}

uint32_t
rules_list(struct making *m, const uint32_t *tests, uint32_t n)
{
	uint32_t *near = near_list(m, tests, n), id;

	if (*near && n > 0 && is_list(m, *near - 1, tests, n))
		return *near - 1;
	id = find_list(m, tests, n);
	if (id != UINT32_MAX)
		*near = id + 1;
	return id;
}

bool
rule_table_init(struct rule_table *t, struct arena *a, size_t n_entries)
{
	size_t n = 16;

	while (n < n_entries * 2)
		n *= 2;
	t->mask = n - 1;
	t->heads = ARENA_ARRAY(a, n, uint32_t);
	t->next = ARENA_ARRAY(a, n_entries, uint32_t);
	return t->heads && t->next;
}

uint32_t *
rule_table_head(const struct rule_table *t, const uint32_t key[RULE_KEY])
{
	uint64_t hash = 0;

	for (size_t i = 0; i < RULE_KEY; i++) {
		hash = (hash ^ key[i]) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 29;
	}
	return &t->heads[hash & t->mask];
}

#define KNOWN_MAX 64u

/* Is all that the test reads known to be there, of the right kind? */
static bool
is_guarded(const struct making *m, const struct known_test *t,
    const struct normal_read *known, uint32_t n_known)
{
	for (uint32_t i = 0; i < t->conjunct.n_reads; i++)
		if (!facts_covers(
			m->paths, known, n_known, t->conjunct.reads[i]))
			return false;
	return t->conjunct.is_clean_total;
}

uint32_t
rules_total(const struct making *m, const uint32_t *tests, uint32_t n)
{
	struct normal_read known[KNOWN_MAX];
	uint32_t n_known = 0;

	for (uint32_t i = 0; i < n; i++) {
		const struct known_test *t = &m->tests[tests[i]];

		if (!is_guarded(m, t, known, n_known))
			return i;
		for (uint32_t k = 0; k < t->n_sure && n_known < KNOWN_MAX; k++)
			known[n_known++] = t->sure[k];
	}
	return n;
}

uint32_t
rules_first_place(
    const struct making *m, const uint32_t *tests, uint32_t n, uint32_t test)
{
	struct normal_read known[KNOWN_MAX];
	uint32_t n_known = 0;

	for (uint32_t i = 0;; i++) {
		const struct known_test *t;

		if (is_guarded(m, &m->tests[test], known, n_known))
			return i;
		if (i == n)
			return UINT32_MAX;
		t = &m->tests[tests[i]];
		for (uint32_t k = 0; k < t->n_sure && n_known < KNOWN_MAX; k++)
			known[n_known++] = t->sure[k];
	}
}

/* The opposite's text in m->text. */
static void
write_opposite(struct making *m, uint32_t test)
{
	const struct normal_conjunct *c = &m->tests[test].conjunct;
	struct test opposite = { .node = c->node,
		.member = c->member,
		.var = c->var,
		.negated = !c->negated };

	m->text.n = 0;
	canon_test(&m->text, &m->set->instances[c->instance], &opposite);
}

bool
rules_has_opposite(struct making *m, uint32_t test)
{
	struct known_test *t = &m->tests[test];

	if (t->opposite != UINT32_MAX)
		return true;
	if (t->is_expanded)
		return false;
	write_opposite(m, test);
	if (!buf_ok(&m->text))
		return false;
	t->opposite = intern_find(m->test_texts, STR(""), buf_str(&m->text));
	if (t->opposite == INTERN_NONE)
		return false;
	m->tests[t->opposite].opposite = test;
	return true;
}

uint32_t
rules_opposite(struct making *m, uint32_t test)
{
	struct known_test turned;
	struct normal_conjunct *c = &turned.conjunct;
	bool is_new;
	uint32_t id;

	if (rules_has_opposite(m, test))
		return m->tests[test].opposite;
	write_opposite(m, test);
	id = number(m, m->test_texts, &is_new);
	if (id == UINT32_MAX ||
	    !ARENA_PUSH_ROOM(m->scratch, m->tests, m->n_tests, m->cap_tests))
		return UINT32_MAX;
	turned = m->tests[test];
	c->negated = !c->negated;
	if (c->form == FORM_ORDER)
		c->op = (uint8_t)canon_negate((enum ast_op)c->op);
	else
		c->form_negated = !c->form_negated;
	turned.atom_negated = !turned.atom_negated;
	turned.atom_number = UINT32_MAX;
	turned.opposite = test;
	turned.n_sure = 0;
	m->tests[m->n_tests++] = turned;
	m->tests[test].opposite = id;
	return id;
}

void
rules_note(
    struct making *m, const char *what, uint32_t instance, uint32_t other)
{
	if (!m->options.notes)
		return;
	if (!ARENA_PUSH_ROOM(m->a, m->notes, m->n_notes, m->cap_notes)) {
		m->lacks_notes = true;
		return;
	}
	m->notes[m->n_notes++] =
	    (struct normal_note){ m->stage, what, instance, other };
}
