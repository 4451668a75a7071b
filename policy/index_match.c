/* index_match.c - which policies does a request satisfy?
 * Three slots say which atoms the principal, the action and the resource have;
 * the shapes that exist say which combinations can be in the table; all cells
 * are asked for before the first is read, so that their cache misses overlap.
 * Rules are tested on codes of values that are fetched once. A rule in whose
 * test a path is missing or of the wrong kind is doubtful: the direct evaluator
 * then says what becomes of its policies, in its own words. Rules contained in
 * another are looked at when that one holds or is doubtful.
 * Nothing is allocated but scratch. Cost: probes, and the rules that were not
 * skipped. */
#include "policy/index.h"

#include "base/limits.h"
#include "policy/ast.h"
#include "policy/entities.h"

#define WAVE 64u /* cells asked for together */
#define DIRECT                                                                 \
	64u /* combinations of a shape that are probed without asking which    \
	       exist */
#define FEW 32u
#define BELOW_DEPTH 64u
#define BELOW_MAX 1000000u /* contained rules of one decision */
#define PREFIXES_MAX 256u
#define PATTERN_HITS                                                           \
	(4 * LIMIT_PATTERN_HITS) /* then the walk may find its own end */

enum verdict { VERDICT_DOUBT = 0, VERDICT_FALSE, VERDICT_TRUE };

struct fetched {
	uint32_t code;
	int64_t number; /* of longs and times */
};

/* The principal, the action or the resource. */
struct view {
	struct uid uid;
	const struct index_slot *slot; /* NULL: `atoms` were gathered */
	const uint32_t *columns;       /* NULL: ask the entity */
	const uint32_t *of[CLASS_COUNT];
	uint32_t n_of[CLASS_COUNT];
	const struct entity *entity;
	bool has_looked; /* for the entity */
};

/* Policies; the first few lie in the struct itself. */
struct list {
	uint32_t *items;
	size_t n, cap;
	uint32_t few[FEW];
};

struct probe {
	uint32_t key[3];
	uint32_t cell;
};

struct match {
	const struct policy_index *ix;
	const struct eval_request *request;
	struct arena *scratch;
	struct view view[3];
	uint32_t has_memo; /* bits */
	struct fetched memo[INDEX_MEMO];
	struct list satisfied[2], doubtful;
	struct probe wave[WAVE];
	uint32_t n_wave;
	uint32_t n_below, n_pattern_hits;
	uint32_t *near;
	size_t n_near, max_near;
	bool is_walk, no_memory;
	struct above *seen; /* who is above each: to be told, or (sparse) known;
			       NULL: neither */
};

static void eval_rule(
    struct match *m, const struct index_rule *r, unsigned depth);

/* --- lists
 * -------------------------------------------------------------------- */

static void
list_init(struct list *l)
{
	l->items = l->few;
	l->n = 0;
	l->cap = FEW;
}

static void
list_push(struct match *m, struct list *l, uint32_t policy)
{
	if (l->n == l->cap) {
		uint32_t *bigger =
		    ARENA_ARRAY(m->scratch, l->cap * 2, uint32_t);

		if (!bigger) {
			m->no_memory = true;
			return;
		}
		memcpy(bigger, l->items, l->n * sizeof *bigger);
		l->items = bigger;
		l->cap *= 2;
	}
	l->items[l->n++] = policy;
}

/* In order, each once, in scratch. */
static bool
list_finish(
    struct match *m, struct list *l, const uint32_t **ret, size_t *ret_n)
{
	size_t kept = 0;
	uint32_t *out;

	*ret = NULL;
	*ret_n = 0;
	if (l->n == 0)
		return true;
	if (!policy_index_sort(m->ix, l->items, l->n, m->scratch))
		return false;
	for (size_t i = 0; i < l->n; i++)
		if (i == 0 || l->items[i] != l->items[kept - 1])
			l->items[kept++] = l->items[i];
	l->n = kept;
	out = l->items;
	if (out == l->few) {
		out = ARENA_ARRAY(m->scratch, kept, uint32_t);
		if (!out)
			return false;
		memcpy(out, l->few, kept * sizeof *out);
	}
	*ret = out;
	*ret_n = kept;
	return true;
}

/* --- values
 * -------------------------------------------------------------------- */

static struct fetched
fetched_of(const struct policy_index *ix, const struct value *v)
{
	struct fetched f = { .code = index_code(ix, v) };

	if (v->kind == VALUE_LONG || v->kind == VALUE_DATETIME ||
	    v->kind == VALUE_DURATION)
		f.number = v->number;
	return f;
}

static const struct entity *
entity_of(struct match *m, unsigned var)
{
	struct view *view = &m->view[var];

	if (view->has_looked)
		return view->entity;
	view->has_looked = true;
	if (!view->slot)
		view->entity = entities_find(m->request->entities, view->uid);
	else if (view->slot->record &&
		 view->slot->record <= entities_count(m->ix->base))
		view->entity =
		    entities_record(m->ix->base, view->slot->record - 1)->seen;
	return view->entity;
}

/* One name further; NULL when it is not there, *ret_fails when that is not for
 * want of an attribute. */
static const struct value *
attribute(struct match *m, const struct value *v, const struct entity *e,
    struct str name, bool *ret_fails)
{
	if (v && v->kind == VALUE_ENTITY)
		e = entities_find(m->request->entities, v->uid);
	else if (v) {
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
			root = value_entity(m->view[p->var].uid);
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

static bool
fetch_column(
    const struct match *m, const struct index_path *p, struct fetched *ret)
{
	const uint32_t *columns = p->var < 3 ? m->view[p->var].columns : NULL;
	uint32_t code, payload;
	enum value_kind kind;

	if (!columns || p->column >= INDEX_COLUMNS)
		return false;
	code = columns[p->column];
	kind = INDEX_CODE_KIND(code);
	payload = code & ((1u << 28) - 1);
	if (kind == VALUE_DATETIME || kind == VALUE_DURATION ||
	    (kind == VALUE_LONG && !payload))
		return false;
	ret->code = code;
	ret->number = (int64_t)payload - (INDEX_LONG_MAX + 1);
	return true;
}

static struct fetched
fetch(struct match *m, uint32_t path)
{
	struct fetched f;

	if (path < INDEX_MEMO && m->has_memo & 1u << path)
		return m->memo[path];
	if (path >= m->ix->n_paths)
		return (struct fetched){ .code = INDEX_FAILS };
	if (!fetch_column(m, &m->ix->paths[path], &f))
		f = fetch_slow(m, &m->ix->paths[path]);
	if (path < INDEX_MEMO) {
		m->memo[path] = f;
		m->has_memo |= 1u << path;
	}
	return f;
}

/* --- tests
 * --------------------------------------------------------------------- */

static enum verdict
eval_tree(struct match *m, uint32_t number)
{
	const struct normal n = { .set = m->ix->set };
	struct arena_mark mark = arena_mark(m->scratch);
	struct error err = { 0 };
	struct normal_conjunct c = { 0 };
	enum eval_outcome outcome;

	if (number >= m->ix->n_trees)
		return VERDICT_DOUBT;
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
	return outcome == EVAL_FALSE ? VERDICT_FALSE : VERDICT_DOUBT;
}

static bool
in_order(enum index_op op, int64_t x, int64_t y)
{
	if (op == TEST_LT)
		return x < y;
	if (op == TEST_LE)
		return x <= y;
	return op == TEST_GT ? x > y : x >= y;
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
				   m->view[t->path].uid.type)
			   ? VERDICT_TRUE
			   : VERDICT_FALSE;
	if (t->path >= ix->n_paths)
		return VERDICT_DOUBT;
	f = fetch(m, t->path);
	if (op == TEST_HAS) {
		if (f.code == INDEX_FAILS)
			return VERDICT_DOUBT;
		holds = f.code != INDEX_ABSENT;
	} else if (INDEX_CODE_KIND(f.code) == VALUE_NONE)
		return VERDICT_DOUBT;
	else if (op == TEST_EQ)
		holds = f.code == t->arg;
	else {
		if (INDEX_CODE_KIND(f.code) !=
		    (enum value_kind)(t->kind & ~INDEX_NEGATED))
			return VERDICT_DOUBT;
		holds = in_order(op, f.number, (int32_t)t->arg);
	}
	return holds != ((t->kind & INDEX_NEGATED) != 0) ? VERDICT_TRUE
							 : VERDICT_FALSE;
}

/* --- rules
 * --------------------------------------------------------------------- */

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
eval_tests(struct match *m, const struct index_rule *r)
{
	uint32_t n = r->ref >> REF_TESTS_SHIFT & 3;
	enum verdict verdict = VERDICT_TRUE;
	const struct index_tail *tail;

	for (uint32_t i = 0; i < n && i < ARRAY_LEN(r->tests); i++) {
		verdict = eval_test(m, &r->tests[i]);
		if (verdict != VERDICT_TRUE)
			return verdict;
	}
	if (!(r->ref & REF_TAIL))
		return verdict;
	tail = tail_of(m, r);
	if (!index_is_inside(tail->test, tail->n_tests, m->ix->n_tests))
		return VERDICT_DOUBT;
	for (uint32_t i = 0; i < tail->n_tests && verdict == VERDICT_TRUE; i++)
		verdict = eval_test(m, &m->ix->tests[tail->test + i]);
	return verdict;
}

/* Its atoms hold. */
static void
eval_rule(struct match *m, const struct index_rule *r, unsigned depth)
{
	enum verdict verdict = eval_tests(m, r);

	if (verdict != VERDICT_FALSE || m->max_near)
		tell(m, r, verdict, depth);
}

/* --- ranges
 * --------------------------------------------------------------------- */

static void
walk_rules(struct match *m, size_t first, size_t n)
{
	for (size_t i = first; i < first + n && i < m->ix->first_contained;
	     i++) {
		if (m->is_walk || (m->max_near && m->n_near == m->max_near))
			return;
		eval_rule(m, &m->ix->rules[i], 0);
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

static void
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

/* --- probes
 * --------------------------------------------------------------------- */

static const struct index_rule *
find_cell(const struct match *m, const struct probe *p)
{
	const struct policy_index *ix = m->ix;

	size_t i = p->cell;

	for (size_t n = ix->n_cells; n; n--) {
		const struct index_rule *c = &ix->cells[i];

		if (!(c->ref & REF_USED))
			return NULL;
		if (c->key[0] == p->key[0] && c->key[1] == p->key[1] &&
		    c->key[2] == p->key[2])
			return c;
		i = i + 1 == ix->n_cells ? 0 : i + 1;
	}
	return NULL;
}

static void
flush(struct match *m)
{
	const struct index_rule *hit[WAVE] UNZEROED; /* the first n are */
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->n_wave; i++) {
		const struct index_rule *c = find_cell(m, &m->wave[i]);

		if (!c)
			continue;
		hit[n++] = c;
		if (c->ref & REF_RANGE && c->n_groups == 0 &&
		    c->first < m->ix->n_rules)
			__builtin_prefetch(&m->ix->rules[c->first]);
	}
	m->n_wave = 0;
	for (uint32_t i = 0; i < n; i++)
		if (hit[i]->ref & REF_RANGE)
			eval_range(m, hit[i]);
		else
			eval_rule(m, hit[i], 0);
}

static void
probe(struct match *m, uint32_t p, uint32_t a, uint32_t r)
{
	const struct policy_index *ix = m->ix;
	uint64_t hash = index_hash_key(ix->seed, p, a, r);
	struct probe *to = &m->wave[m->n_wave++];

	to->key[0] = p;
	to->key[1] = a;
	to->key[2] = r;
	to->cell = (uint32_t)(index_place(hash, ix->n_cells / 2) * 2);
	__builtin_prefetch(&ix->cells[to->cell]);
	if (m->n_wave == WAVE)
		flush(m);
}

static bool
has_pair(const struct policy_index *ix, uint32_t p, uint32_t a)
{
	uint64_t hash = index_hash_key(ix->seed, p, a, 0);
	size_t i = index_place(hash, ix->n_pairs), n = ix->n_pairs;

	while (n && ix->pairs[i] && ix->pairs[i] != index_pair(p, a)) {
		i = i + 1 == ix->n_pairs ? 0 : i + 1;
		n--;
	}
	return n && ix->pairs[i] != 0;
}

static void
probe_shape(struct match *m, const uint8_t shape[3])
{
	const struct view *p = &m->view[0], *a = &m->view[1], *r = &m->view[2];
	const uint32_t n[3] = { p->n_of[shape[0]], a->n_of[shape[1]],
		r->n_of[shape[2]] };
	bool direct = (uint64_t)n[0] * n[1] * n[2] <= DIRECT;

	if (n[2] == 0)
		return;
	for (uint32_t k = 0; k < n[1]; k++)
		for (uint32_t i = 0; i < n[0]; i++) {
			uint32_t pa = p->of[shape[0]][i],
				 aa = a->of[shape[1]][k];

			if (!direct && !has_pair(m->ix, pa, aa))
				continue;
			for (uint32_t j = 0; j < n[2]; j++)
				probe(m, pa, aa, r->of[shape[2]][j]);
		}
}

/* --- who asks
 * ------------------------------------------------------------------- */

/* The first of atoms[from, to) that is not below `bound`. */
static uint32_t
lower_bound(const uint32_t *atoms, uint32_t from, uint32_t to, uint32_t bound)
{
	while (from < to) {
		uint32_t mid = from + (to - from) / 2;

		if (atoms[mid] < bound)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

/* Where each class begins in a sorted list of atoms. */
static void
split_classes(struct match *m, unsigned v, const uint32_t *atoms, uint32_t n)
{
	static const uint32_t any = 0;
	struct view *view = &m->view[v];
	uint32_t at = 0;

	view->of[CLASS_ANY] = &any;
	view->n_of[CLASS_ANY] = 1;
	for (unsigned c = 1; c < CLASS_COUNT; c++) {
		uint32_t from = at, bound = m->ix->bound[v][c + 1];

		/* Most elements have atoms of one class alone. */
		if (bound == m->ix->bound[v][c])
			continue;
		if (at < n && atoms[n - 1] < bound)
			from = n;
		else if (n - at > 16)
			from = lower_bound(atoms, at, n, bound);
		while (from < n && atoms[from] < bound)
			from++;
		/* No atoms may be no list. */
		view->of[c] = n ? atoms + at : NULL;
		view->n_of[c] = from - at;
		at = from;
	}
}

const struct index_slot *
index_slot_find(const struct policy_index *ix, uint64_t hash, struct uid uid)
{
	size_t i = index_place(hash, ix->n_slots);

	for (size_t n = ix->n_slots; n; n--) {
		const struct index_slot *s = &ix->slots[i];
		struct uid own;

		i = i + 1 == ix->n_slots ? 0 : i + 1;
		if (!s->tag)
			return NULL;
		if (s->tag != ((uint32_t)hash | 1) || s->id_n != uid.id.n)
			continue;
		own = index_slot_uid(ix, s);
		if (own.type.n == uid.type.n && own.id.n == uid.id.n &&
		    index_same(own.type.p, uid.type.p, uid.type.n) &&
		    index_same(own.id.p, uid.id.p, uid.id.n))
			return s;
	}
	return NULL;
}

struct uid
index_slot_uid(const struct policy_index *ix, const struct index_slot *s)
{
	struct uid uid = { .id = { s->id, s->id_n } };

	if (s->flags & SLOT_LONG) {
		struct index_text text = { .n = s->id_n };

		memcpy(&text.at, s->id, sizeof text.at);
		uid.id = index_text_of(ix->slot_bytes, ix->n_slot_bytes, text);
	} else if (s->id_n > sizeof s->id)
		uid.id = (struct str){ 0 };
	if (s->type < ix->n_types)
		uid.type = index_type_name(ix, &ix->types[s->type]);
	return uid;
}

static void
view_slot(struct match *m, unsigned v, const struct index_slot *s)
{
	const struct policy_index *ix = m->ix;
	const uint32_t *words = s->words, *n = NULL;
	size_t at = ix->n_columns, of = INDEX_WORDS;
	uint32_t count;

	if (s->flags & SLOT_VAST) {
		m->is_walk = true;
		return;
	}
	if (s->flags & SLOT_FAR) {
		if (!index_is_inside(s->words[0], at + 3, ix->n_slot_words)) {
			m->is_walk = true;
			return;
		}
		words = ix->slot_words + s->words[0];
		of = ix->n_slot_words - s->words[0];
		n = words + at;
		at += 3;
	}
	for (unsigned i = 0; i < v; i++)
		at += n ? n[i] : s->n[i];
	count = n ? n[v] : s->n[v];
	if (!index_is_inside(at, count, of)) {
		m->is_walk = true;
		return;
	}
	m->view[v].slot = s;
	m->view[v].columns = words;
	split_classes(m, v, words + at, count);
}

/* Atoms of one that the slots do not have, or not as the request has it. */
struct gathered {
	uint32_t *atoms;
	size_t n, cap;
};

static void
gather(struct match *m, struct gathered *g, uint32_t atom)
{
	if (!ARENA_PUSH_ROOM(m->scratch, g->atoms, g->n, g->cap)) {
		m->no_memory = true;
		return;
	}
	g->atoms[g->n++] = atom;
}

static void
gather_named(
    struct match *m, struct gathered *g, uint32_t named, unsigned v, bool own)
{
	const uint32_t *atoms;
	uint32_t n = index_named_atoms(m->ix, named, v, own, &atoms);

	for (uint32_t i = 0; i < n; i++)
		gather(m, g, atoms[i]);
}

/* The atoms that name an id's uid. What only the request knows may still be
 * named by policies: such a slot has nothing above it. */
static void
gather_id(struct match *m, struct gathered *g, uint32_t id, unsigned v)
{
	const struct policy_index *ix = m->ix;
	const struct index_slot *s;
	struct uid uid;

	if (id < ix->n_named_of) {
		gather_named(m, g, ix->named_of[id], v, false);
		return;
	}
	intern_get(m->request->entities->ids, id, &uid.type, &uid.id);
	s = index_slot_find(ix, index_hash_uid(ix->slot_seed, uid), uid);
	if (!s)
		return;
	m->view[v] = (struct view){ .uid = m->view[v].uid };
	view_slot(m, v, s);
	for (uint32_t i = 0; i < m->view[v].n_of[CLASS_IN]; i++)
		gather(m, g, m->view[v].of[CLASS_IN][i]);
}

static void
gather_own(struct match *m, struct gathered *g, struct uid uid, uint32_t id,
    unsigned v)
{
	const struct policy_index *ix = m->ix;
	const struct index_slot *s = NULL;
	uint32_t type = index_type_find(ix, uid.type);
	uint32_t prefixes[PREFIXES_MAX] UNZEROED; /* the first n are */
	size_t n = 0;

	if (id < ix->n_named_of)
		gather_named(m, g, ix->named_of[id], v, true);
	else
		s = index_slot_find(
		    ix, index_hash_uid(ix->slot_seed, uid), uid);
	if (s) {
		view_slot(m, v, s);
		for (unsigned c = CLASS_IN; c <= CLASS_EQ; c++)
			for (uint32_t i = 0; i < m->view[v].n_of[c]; i++)
				gather(m, g, m->view[v].of[c][i]);
	}
	if (type >= ix->n_types)
		return;
	if (ix->types[type].atom[v])
		gather(m, g, ix->types[type].atom[v]);
	if (ix->types[type].n_prefixes[v])
		n = index_prefixes_of(
		    ix, &ix->types[type], v, uid.id, prefixes, PREFIXES_MAX);
	m->is_walk = m->is_walk || n > PREFIXES_MAX;
	for (size_t i = 0; i < n && i < PREFIXES_MAX; i++)
		gather(m, g, prefixes[i]);
}

static void
sort_atoms(struct gathered *g)
{
	size_t kept = 0;

	/* A heap: no memory, no worst case. */
	for (size_t i = 1; i < g->n; i++)
		for (size_t k = i; k && g->atoms[(k - 1) / 2] < g->atoms[k];
		     k = (k - 1) / 2) {
			uint32_t swap = g->atoms[k];

			g->atoms[k] = g->atoms[(k - 1) / 2];
			g->atoms[(k - 1) / 2] = swap;
		}
	for (size_t end = g->n; end-- > 1;) {
		uint32_t last = g->atoms[end];
		size_t k = 0, child;

		g->atoms[end] = g->atoms[0];
		for (; (child = 2 * k + 1) < end; k = child) {
			if (child + 1 < end &&
			    g->atoms[child + 1] > g->atoms[child])
				child++;
			if (g->atoms[child] <= last)
				break;
			g->atoms[k] = g->atoms[child];
		}
		g->atoms[k] = last;
	}
	for (size_t i = 0; i < g->n; i++)
		if (i == 0 || g->atoms[i] != g->atoms[kept - 1])
			g->atoms[kept++] = g->atoms[i];
	g->n = kept;
}

static void
view_gathered(struct match *m, unsigned v, const struct above *above)
{
	struct uid uid = m->view[v].uid;
	struct gathered g = { 0 };

	for (uint32_t i = 0; i < above->n; i++)
		gather_id(m, &g, above->ids[i], v);
	gather_own(m, &g, uid, above->id, v);
	sort_atoms(&g);
	m->view[v] = (struct view){ .uid = uid };
	split_classes(m, v, g.atoms, (uint32_t)g.n);
}

/* Who is above, and whether that is what the slot says: `patch` is the changed
 * bottom layer, or NULL. */
static bool
ask_layers(struct match *m, struct uid uid, const struct index_slot *s,
    const struct entities *layer, const struct entities *patch,
    enum above_how *ret_how, struct above *ret)
{
	if (layer->n > 0 &&
	    !entities_above(layer, uid, m->scratch, ret_how, ret))
		return false;
	if (*ret_how != ABOVE_SAME || !patch)
		return true;
	if (s && s->record && s->record <= patch->patched->n &&
	    entities_stayed(
		patch, entities_record(patch->patched, s->record - 1)->id))
		return true;
	if (!entities_above(patch, uid, m->scratch, ret_how, ret))
		return false;
	/* What policies name and no layer has, as its slot says. */
	if (s && !s->record && *ret_how == ABOVE_IDS && ret->n == 0 &&
	    (ret->id == INTERN_NONE || !entities_own(patch, ret->id)))
		*ret_how = ABOVE_SAME;
	return true;
}

/* Above one who is as the bottom layer says, by that layer's record. */
static void
tell_above(struct match *m, unsigned v, const struct index_slot *s)
{
	const struct policy_index *ix = m->ix;

	m->seen[v] = (struct above){ .id = INTERN_NONE };
	if (s && s->record && ix->base && s->record <= ix->base->n)
		entities_kept_above(ix->base,
		    entities_record(ix->base, s->record - 1)->id, &m->seen[v]);
}

static void
view_layered(struct match *m, unsigned v, uint64_t hash,
    const struct entities *layer, const struct entities *patch)
{
	const struct index_slot *s = NULL;
	struct above above = { .id = INTERN_NONE };
	enum above_how how = ABOVE_SAME;

	if (patch)
		s = index_slot_find(m->ix, hash, m->view[v].uid);
	if ((layer->n > 0 || patch) &&
	    !ask_layers(m, m->view[v].uid, s, layer, patch, &how, &above)) {
		m->no_memory = true;
		return;
	}
	if (how == ABOVE_VAST) {
		m->is_walk = true;
		return;
	}
	if (how == ABOVE_SAME) {
		s = index_slot_find(m->ix, hash, m->view[v].uid);
		if (m->seen)
			tell_above(m, v, s);
		if (s) {
			view_slot(m, v, s);
			return;
		}
	} else if (m->seen)
		m->seen[v] = above;
	view_gathered(m, v, &above);
}

/* No entity has a slot. */
static void
view_sparse(struct match *m)
{
	for (unsigned v = 0; v < 3 && !m->is_walk; v++) {
		struct above above;
		enum above_how how;

		if (m->seen) {
			view_gathered(m, v, &m->seen[v]);
			continue;
		}
		if (!entities_all_above(m->request->entities, m->view[v].uid,
			m->scratch, &how, &above)) {
			m->no_memory = true;
			return;
		}
		if (how == ABOVE_VAST)
			m->is_walk = true;
		else
			view_gathered(m, v, &above);
	}
}

static void
view_all(struct match *m)
{
	const struct policy_index *ix = m->ix;
	const struct entities *layer = m->request->entities, *patch = NULL;
	uint64_t hash[3];

	m->view[0].uid = m->request->principal;
	m->view[1].uid = m->request->action;
	m->view[2].uid = m->request->resource;
	if (layer && ix->is_sparse) {
		view_sparse(m);
		return;
	}
	/* Only the layer that the slots are of, a patch of it, or one over
	 * either. */
	if (layer && layer->patched)
		patch = layer;
	else if (layer && layer->below && layer->below->patched)
		patch = layer->below;
	if (!layer || (patch ? patch->patched != ix->base
			     : layer != ix->base && layer->below != ix->base)) {
		m->is_walk = true;
		return;
	}
	for (unsigned v = 0; v < 3; v++) {
		hash[v] = index_hash_uid(ix->slot_seed, m->view[v].uid);
		__builtin_prefetch(
		    &ix->slots[index_place(hash[v], ix->n_slots)]);
	}
	if (layer == ix->base || layer == patch) {
		static const struct entities nothing;

		layer = &nothing;
	}
	for (unsigned v = 0; v < 3 && !m->is_walk; v++)
		view_layered(m, v, hash[v], layer, patch);
}

/* ---------------------------------------------------------------------------------
 */

static void
match_init(struct match *m, const struct policy_index *ix,
    const struct eval_request *request, struct arena *scratch)
{
	m->ix = ix;
	m->request = request;
	m->scratch = scratch;
	memset(m->view, 0, sizeof m->view);
	m->has_memo = 0;
	m->n_wave = m->n_below = m->n_pattern_hits = 0;
	m->near = NULL;
	m->n_near = m->max_near = 0;
	m->is_walk = m->no_memory = false;
	m->seen = NULL;
	list_init(&m->satisfied[0]);
	list_init(&m->satisfied[1]);
	list_init(&m->doubtful);
}

static void
match_run(struct match *m)
{
	m->is_walk = !normal_is_closed(m->ix->closed, m->request);
	if (m->is_walk)
		return;
	view_all(m);
	for (size_t i = 0; i < m->ix->n_shapes && !m->is_walk; i++)
		probe_shape(m, m->ix->shapes[i]);
	if (!m->is_walk)
		flush(m);
}

/* A policy with a rule that holds is satisfied, whatever its others are. */
static void
drop_satisfied(struct match *m, struct policy_found *ret)
{
	uint32_t *list;
	size_t kept = 0, at[2] = { 0 };

	if (ret->n_doubtful == 0)
		return;
	memcpy(&list, &ret->doubtful, sizeof list);
	for (size_t i = 0; i < ret->n_doubtful; i++) {
		bool holds = false;

		for (unsigned e = 0; e < 2; e++) {
			const uint32_t *s = ret->satisfied[e];

			while (at[e] < ret->n_satisfied[e] &&
			       m->ix->rank[s[at[e]]] < m->ix->rank[list[i]])
				at[e]++;
			holds = holds || (at[e] < ret->n_satisfied[e] &&
					     s[at[e]] == list[i]);
		}
		if (!holds)
			list[kept++] = list[i];
	}
	ret->n_doubtful = kept;
}

bool
index_find(const struct policy_index *ix, const struct eval_request *request,
    struct arena *scratch, struct above *seen, struct policy_found *ret)
{
	/* Three kilobytes, of which match_init writes what is read. */
	struct match m UNZEROED;

	match_init(&m, ix, request, scratch);
	m.seen = seen;
	match_run(&m);
	*ret = (struct policy_found){ .is_walk = m.is_walk };
	if (m.is_walk)
		return !m.no_memory;
	if (m.no_memory ||
	    !list_finish(&m, &m.satisfied[0], &ret->satisfied[0],
		&ret->n_satisfied[0]) ||
	    !list_finish(&m, &m.satisfied[1], &ret->satisfied[1],
		&ret->n_satisfied[1]) ||
	    !list_finish(&m, &m.doubtful, &ret->doubtful, &ret->n_doubtful))
		return false;
	drop_satisfied(&m, ret);
	return true;
}

bool
policy_index_find(const struct policy_index *ix,
    const struct eval_request *request, struct arena *scratch,
    struct policy_found *ret)
{
	return ix->join ? index_join_find(ix, request, scratch, ret)
			: index_find(ix, request, scratch, NULL, ret);
}

size_t
policy_index_near(const struct policy_index *ix,
    const struct eval_request *request, struct arena *scratch, uint32_t *ret,
    size_t max)
{
	/* Three kilobytes, of which match_init writes what is read. */
	struct match m UNZEROED;

	if (ix->join)
		return index_join_near(ix, request, scratch, ret, max);
	match_init(&m, ix, request, scratch);
	m.near = ret;
	m.max_near = max;
	match_run(&m);
	return m.is_walk ? 0 : m.n_near;
}

uint32_t
index_type_find(const struct policy_index *ix, struct str name)
{
	uint32_t type =
	    index_names_find(&ix->type_names, ix->seed, STR(""), name);

	return type < ix->n_types ? type : (uint32_t)ix->n_types;
}
