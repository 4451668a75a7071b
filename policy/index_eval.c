/* index_eval.c - which of the rules that a request's atoms lead to hold?
 * Rules are tested on codes of values that are fetched once. A rule in whose
 * test a path is missing or of the wrong kind is doubtful: where that is an
 * error whose code is certain, and the same for all in doubt, it is told, and
 * otherwise the direct evaluator is asked. Rules contained in another are
 * looked at when that one holds or is doubtful. Cost: the tests of the rules
 * that were not skipped. */
#include "policy/index_match.h"

#include "base/limits.h"
#include "policy/ast.h"

#define BELOW_DEPTH 64u
#define BELOW_MAX 1000000u /* contained rules of one decision */
#define PATTERN_HITS                                                           \
	(4 * LIMIT_PATTERN_HITS) /* then the walk may find its own end */

enum verdict { VERDICT_DOUBT = 0, VERDICT_FALSE, VERDICT_TRUE };

/* --- values --------------------------------------------------------------- */

static struct fetched
fetched_of(const struct policy_index *ix, const struct value *v)
{
	struct fetched f = { .code = index_code(ix, v) };

	if (v->kind == VALUE_LONG || v->kind == VALUE_DATETIME ||
	    v->kind == VALUE_DURATION)
		f.number = v->number;
	return f;
}

static bool
has_record(const struct match *m, const struct index_slot *s)
{
	return s->record && m->ix->base &&
	       s->record <= entities_count(m->ix->base);
}

static const struct entity *
entity_of(struct match *m, unsigned var)
{
	struct view *view = &m->view[var];
	bool ok = true;

	if (view->has_looked)
		return view->entity;
	view->has_looked = true;
	if (!view->slot)
		ok = entities_find(m->request->entities, *view->uid, m->scratch,
		    &view->entity, NULL);
	else if (has_record(m, view->slot))
		ok = entities_seen_at(m->ix->base, view->slot->record - 1,
		    m->scratch, &view->entity, NULL);
	m->no_memory = m->no_memory || !ok;
	return view->entity;
}

/* One name further; NULL when it is not there, *ret_fails when that is not for
 * want of an attribute. */
static const struct value *
attribute(struct match *m, const struct value *v, const struct entity *e,
    struct str name, bool *ret_fails)
{
	if (v && v->kind == VALUE_ENTITY) {
		*ret_fails = !entities_find(
		    m->request->entities, v->uid, m->scratch, &e, NULL);
		m->no_memory = m->no_memory || *ret_fails;
	} else if (v) {
		*ret_fails = v->kind != VALUE_RECORD;
		return *ret_fails ? NULL : value_get(v, name);
	}
	return e ? value_get(&e->attrs, name) : NULL;
}

static struct fetched
fetch_slow(struct match *m, const struct index_path *p)
{
	const struct policy_index *ix = m->ix;
	const struct entity *e = NULL;
	const struct value *v = NULL;
	bool fails = false;

	if (p->var == VAR_CONTEXT)
		v = m->request->context;
	else if (p->n_names > 0)
		e = entity_of(m, p->var);
	if (p->n_names == 0) {
		struct value root = { .kind = VALUE_RECORD };

		if (p->var != VAR_CONTEXT)
			root = value_entity(*m->view[p->var].uid);
		return fetched_of(ix, &root);
	}
	for (uint32_t i = 0; i < p->n_names; i++) {
		if (p->var == VAR_CONTEXT && !v)
			return (struct fetched){ .code = INDEX_FAILS };
		v = attribute(
		    m, v, e, index_str(ix, ix->names[p->name + i]), &fails);
		if (fails)
			return (struct fetched){ .code = INDEX_FAILS };
		if (!v)
			return (struct fetched){ .code = i + 1 == p->n_names
							     ? INDEX_ABSENT
							     : INDEX_FAILS };
	}
	return fetched_of(ix, v);
}

/* The code in the slot; NULL where none lies there. */
static inline const uint32_t *
column_of(const struct match *m, const struct index_path *p)
{
	const uint32_t *columns = p->var < 3 ? m->view[p->var].columns : NULL;

	return columns && p->column < INDEX_COLUMNS ? columns + p->column
						    : NULL;
}

#define PAYLOAD ((1u << 28) - 1)

/* A long whose code is the whole of it. */
static inline bool
is_small(uint32_t code)
{
	return INDEX_CODE_KIND(code) == VALUE_LONG && (code & PAYLOAD);
}

static inline int64_t
small_of(uint32_t code)
{
	return (int64_t)(code & PAYLOAD) - (INDEX_LONG_MAX + 1);
}

/* From the slot, where it lies there and the code is the whole value. */
static inline bool
fetch_column(
    const struct match *m, const struct index_path *p, struct fetched *ret)
{
	const uint32_t *code = column_of(m, p);
	enum value_kind kind;

	if (!code)
		return false;
	kind = INDEX_CODE_KIND(*code);
	if (kind == VALUE_DATETIME || kind == VALUE_DURATION ||
	    (kind == VALUE_LONG && !is_small(*code)))
		return false;
	ret->code = *code;
	ret->number = small_of(*code);
	return true;
}

static struct fetched
fetch_once(struct match *m, uint32_t path)
{
	struct fetched f;

	if (path >= INDEX_MEMO)
		return fetch_slow(m, &m->ix->paths[path]);
	if (m->has_memo & 1u << path)
		return m->memo[path];
	f = fetch_slow(m, &m->ix->paths[path]);
	m->memo[path] = f;
	m->has_memo |= 1u << path;
	return f;
}

static inline struct fetched
fetch(struct match *m, uint32_t path)
{
	struct fetched f UNZEROED;

	if (path >= m->ix->n_paths)
		return (struct fetched){ .code = INDEX_FAILS };
	if (!fetch_column(m, &m->ix->paths[path], &f))
		return fetch_once(m, path);
	return f;
}

/* --- tests -----------------------------------------------------------------
 */

/* The direct evaluator says what it is. */
static enum verdict
doubt(struct match *m)
{
	m->sure = DOUBT_ASKS;
	return VERDICT_DOUBT;
}

/* It is an error with this code, the direct evaluator's, too: all that a rule
 * tests before holds, or cannot err, in the order in which it is written. */
static enum verdict
error(struct match *m, enum err_code code)
{
	bool is_first = m->sure == ERR_NONE || m->sure == code;

	m->sure = is_first ? code : DOUBT_ASKS;
	return VERDICT_DOUBT;
}

/* The value of a path that is wanted is not there. */
static enum verdict
missing(struct match *m, const struct index_path *p, uint32_t code)
{
	bool is_there = true;

	if (code != INDEX_ABSENT || p->n_names != 1)
		return doubt(m);
	if (p->var != VAR_CONTEXT) {
		const struct view *view = &m->view[p->var];

		is_there = view->slot ? has_record(m, view->slot)
				      : entity_of(m, p->var) != NULL;
	}
	return error(
	    m, is_there ? ERR_EVAL_MISSING_ATTRIBUTE : ERR_EVAL_MISSING_ENTITY);
}

static enum verdict
eval_tree(struct match *m, uint32_t number)
{
	const struct normal n = { .set = m->ix->set };
	struct arena_mark mark = arena_mark(m->scratch);
	struct error err = { 0 };
	struct normal_conjunct c = { 0 };
	enum eval_outcome outcome;

	if (number >= m->ix->n_trees)
		return doubt(m);
	c.instance = m->ix->trees[number].instance;
	c.node = m->ix->trees[number].node;
	c.member = m->ix->trees[number].member;
	c.var = m->ix->trees[number].var;
	c.negated = m->ix->trees[number].negated != 0;
	outcome =
	    normal_eval_conjunct(&n, &c, m->request, m->scratch, NULL, &err);
	arena_release(m->scratch, mark);
	if (outcome == EVAL_TRUE)
		return VERDICT_TRUE;
	if (err.code == ERR_EVAL_PATTERN && ++m->n_pattern_hits >= PATTERN_HITS)
		m->is_walk = true;
	return outcome == EVAL_FALSE ? VERDICT_FALSE : doubt(m);
}

static inline bool
in_order(enum index_op op, int64_t x, int64_t y)
{
	if (op == TEST_LT)
		return x < y;
	if (op == TEST_LE)
		return x <= y;
	return op == TEST_GT ? x > y : x >= y;
}

static inline enum verdict
verdict_of(const struct index_test *t, bool holds)
{
	return holds != ((t->kind & INDEX_NEGATED) != 0) ? VERDICT_TRUE
							 : VERDICT_FALSE;
}

/* A comparison with what lies in a slot, as most are, and as eval_test has it.
 * False: it is no such one. */
static inline bool
eval_column(
    const struct match *m, const struct index_test *t, enum verdict *ret)
{
	enum index_op op = (enum index_op)t->op;
	const uint32_t *code;

	if (op < TEST_EQ || op > TEST_GE || t->path >= m->ix->n_paths)
		return false;
	code = column_of(m, &m->ix->paths[t->path]);
	if (!code || INDEX_CODE_KIND(*code) == VALUE_NONE)
		return false;
	if (op == TEST_EQ)
		*ret = verdict_of(t, *code == t->arg);
	else if (is_small(*code) && (t->kind & ~INDEX_NEGATED) == VALUE_LONG)
		*ret = verdict_of(
		    t, in_order(op, small_of(*code), (int32_t)t->arg));
	else
		return false;
	return true;
}

static enum verdict
eval_test(struct match *m, const struct index_test *t)
{
	const struct policy_index *ix = m->ix;
	enum index_op op = (enum index_op)t->op;
	struct fetched f;
	bool holds;

	if (op == TEST_TREE)
		return eval_tree(m, t->arg);
	if (op == TEST_IS)
		return t->path < 3 && t->arg < ix->n_types &&
			       str_eq(index_type_name(ix, &ix->types[t->arg]),
				   m->view[t->path].uid->type)
			   ? VERDICT_TRUE
			   : VERDICT_FALSE;
	if (t->path >= ix->n_paths)
		return doubt(m);
	f = fetch(m, t->path);
	if (op == TEST_HAS) {
		if (f.code == INDEX_FAILS)
			return doubt(m);
		holds = f.code != INDEX_ABSENT;
	} else if (INDEX_CODE_KIND(f.code) == VALUE_NONE)
		return missing(m, &ix->paths[t->path], f.code);
	else if (op == TEST_EQ)
		holds = f.code == t->arg;
	else {
		if (INDEX_CODE_KIND(f.code) !=
		    (enum value_kind)(t->kind & ~INDEX_NEGATED))
			return error(m, ERR_EVAL_TYPE);
		holds = in_order(op, f.number, (int32_t)t->arg);
	}
	return verdict_of(t, holds);
}

/* --- rules -----------------------------------------------------------------
 */

static const struct index_tail *
tail_of(const struct match *m, const struct index_rule *r)
{
	static const struct index_tail none;
	uint32_t number = r->ref & REF_NUMBER;

	return number < m->ix->n_tails ? &m->ix->tails[number] : &none;
}

static bool
has_atom(const struct match *m, unsigned v, uint32_t atom)
{
	const struct view *view = &m->view[v];
	unsigned c = 1;
	uint32_t from = 0, to;

	if (atom == 0)
		return true;
	while (c + 1 < CLASS_COUNT && atom >= m->ix->bound[v][c + 1])
		c++;
	to = view->n_of[c];
	while (from < to) {
		uint32_t mid = from + (to - from) / 2;

		if (view->of[c][mid] == atom)
			return true;
		if (view->of[c][mid] < atom)
			from = mid + 1;
		else
			to = mid;
	}
	return false;
}

static void
eval_below(struct match *m, const struct index_tail *tail, unsigned depth)
{
	const struct policy_index *ix = m->ix;

	if (!index_is_inside(tail->below, tail->n_below, ix->n_words))
		return;
	if (depth > BELOW_DEPTH || m->n_below + tail->n_below > BELOW_MAX) {
		m->is_walk = true;
		return;
	}
	m->n_below += tail->n_below;
	for (uint32_t i = 0; i < tail->n_below; i++) {
		size_t at = ix->first_contained + ix->words[tail->below + i];
		const struct index_rule *r;

		if (at >= ix->n_rules)
			continue;
		r = &ix->rules[at];
		if (has_atom(m, 0, r->key[0]) && has_atom(m, 1, r->key[1]) &&
		    has_atom(m, 2, r->key[2]))
			eval_rule(m, r, depth + 1);
	}
}

static void
tell_near(struct match *m, uint32_t policy)
{
	for (size_t i = 0; i < m->n_near; i++)
		if (m->near[i] == policy)
			return;
	if (m->n_near < m->max_near)
		m->near[m->n_near++] = policy;
}

/* The policy is satisfied, doubtful or, where somebody asks, near. */
static void
tell_policy(
    struct match *m, uint32_t policy, bool permits, enum verdict verdict)
{
	if (policy >= m->ix->n_instances)
		return;
	if (verdict == VERDICT_TRUE)
		list_push(m, &m->satisfied[permits], policy);
	else if (verdict != VERDICT_FALSE)
		list_push(m, &m->doubtful, policy);
	else if (permits)
		tell_near(m, policy);
}

/* The same of all policies that the rule stands for. */
static void
tell(struct match *m, const struct index_rule *r, enum verdict verdict,
    unsigned depth)
{
	bool permits = (r->ref & REF_PERMIT) != 0;
	const struct index_tail *tail;

	if (!(r->ref & REF_TAIL)) {
		tell_policy(m, r->ref & REF_NUMBER, permits, verdict);
		return;
	}
	tail = tail_of(m, r);
	if (index_is_inside(tail->parents, tail->n_parents, m->ix->n_words))
		for (uint32_t i = 0; i < tail->n_parents; i++)
			tell_policy(m, m->ix->words[tail->parents + i], permits,
			    verdict);
	if (tail->n_below && verdict != VERDICT_FALSE)
		eval_below(m, tail, depth);
}

static enum verdict
eval_tail(struct match *m, const struct index_tail *tail)
{
	enum verdict verdict = VERDICT_TRUE;

	if (!index_is_inside(tail->test, tail->n_tests, m->ix->n_tests))
		return doubt(m);
	for (uint32_t i = 0; i < tail->n_tests && verdict == VERDICT_TRUE; i++)
		verdict = eval_test(m, &m->ix->tests[tail->test + i]);
	return verdict;
}

static inline enum verdict
eval_tests(struct match *m, const struct index_rule *r)
{
	uint32_t n = r->ref >> REF_TESTS_SHIFT & 3;

	for (uint32_t i = 0; i < n && i < ARRAY_LEN(r->tests); i++) {
		enum verdict verdict;

		if (!eval_column(m, &r->tests[i], &verdict))
			verdict = eval_test(m, &r->tests[i]);
		if (verdict != VERDICT_TRUE)
			return verdict;
	}
	return r->ref & REF_TAIL ? eval_tail(m, tail_of(m, r)) : VERDICT_TRUE;
}

static inline void
eval_and_tell(struct match *m, const struct index_rule *r, unsigned depth)
{
	enum verdict verdict = eval_tests(m, r);

	if (verdict != VERDICT_FALSE || m->max_near)
		tell(m, r, verdict, depth);
}

void
eval_rule(struct match *m, const struct index_rule *r, unsigned depth)
{
	eval_and_tell(m, r, depth);
}

/* --- ranges ----------------------------------------------------------------
 */

static void
walk_rules(struct match *m, size_t first, size_t n)
{
	for (size_t i = first; i < first + n && i < m->ix->first_contained;
	     i++) {
		if (m->is_walk || (m->max_near && m->n_near == m->max_near))
			return;
		eval_and_tell(m, &m->ix->rules[i], 0);
	}
}

static bool
is_clean(struct match *m, const struct index_group *g)
{
	if (!index_is_inside(g->read, g->n_reads, m->ix->n_reads))
		return false;
	for (uint32_t i = 0; i < g->n_reads; i++) {
		const struct normal_read *read = &m->ix->reads[g->read + i];
		enum value_kind kind =
		    INDEX_CODE_KIND(fetch(m, read->path).code);

		if (kind == VALUE_NONE || !(read->kinds >> kind & 1))
			return false;
	}
	return true;
}

/* The rules of a group with this literal. */
static void
search(struct match *m, const struct index_group *g, uint32_t code)
{
	const uint32_t *keys = m->ix->keys + g->first;
	uint32_t from = 0, to = g->n, end;

	while (from < to) {
		uint32_t mid = from + (to - from) / 2;

		if (keys[mid] < code)
			from = mid + 1;
		else
			to = mid;
	}
	for (end = from; end < g->n && keys[end] == code;)
		end++;
	walk_rules(m, (size_t)g->first + from, end - from);
}

void
eval_range(struct match *m, const struct index_rule *cell)
{
	const struct policy_index *ix = m->ix;

	if (cell->n_groups == 0)
		walk_rules(m, cell->first, cell->n);
	if (!index_is_inside(cell->group, cell->n_groups, ix->n_groups))
		return;
	for (uint32_t i = 0; i < cell->n_groups; i++) {
		const struct index_group *g = &ix->groups[cell->group + i];

		/* Near are those that a search would skip. */
		if (g->path == INDEX_NO_PATH || m->max_near ||
		    !index_is_inside(g->first, g->n, ix->first_contained) ||
		    !is_clean(m, g))
			walk_rules(m, g->first, g->n);
		else
			search(m, g, fetch(m, g->path).code);
	}
}
