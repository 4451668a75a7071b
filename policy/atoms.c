/* atoms.c - a draft becomes a rule: three atoms and the tests they do not say.
 * Only what cannot err may change its place: the first n_total tests of a
 * draft. Among them constants go, those that never need a guard are sorted by
 * text, and what speaks of principal, action or resource alone becomes that
 * element's atom, or is answered by it. A draft that can neither hold nor err
 * makes no rule. */
#include "policy/index.h"
#include "policy/relate.h"

#include <stdlib.h>

#define NO_TEST UINT32_MAX
#define REPEATED_MAX 64u /* tests that are compared one with all others */

struct placing {
	struct making *m;
	struct ids ids; /* tests that are left */
	uint32_t n_total;
	struct normal_atom atom[3];
	uint32_t from[3]; /* the test that says the atom, or NO_TEST */
	bool never;
};

/* ---- what the tests say ---------------------------------------------------
 */

static enum facts_outcome
outcome_of(const struct making *m, const struct test *test)
{
	const struct ast_node *n = &m->ast->nodes[test->node];
	enum facts_outcome outcome = facts_of(&m->facts, test->node)->outcome;
	bool negated = test->negated;

	/* In nothing, of no type. */
	if ((n->kind == NODE_TEST_IN || n->kind == NODE_TEST_IS) && n->b == 0) {
		outcome = FACTS_FALSE;
		negated = negated != (n->negated != 0);
	}
	if (test->member || !negated)
		return outcome;
	if (outcome == FACTS_TRUE)
		return FACTS_FALSE;
	return outcome == FACTS_FALSE ? FACTS_TRUE : outcome;
}

static bool
has_id(const struct ids *ids, uint32_t id)
{
	if (ids->n > REPEATED_MAX)
		return false;
	for (size_t i = 0; i < ids->n; i++)
		if (ids->items[i] == id)
			return true;
	return false;
}

/* The test as written, in m->text, where that says all of it: equal words are
 * equal trees. Not so where a slot is bound, where a wildcard was expanded, in
 * JSON, whose places are looser; and not worth it where it is long. */
#define WORDS_MAX 256u

struct words {
	uint64_t head;
	struct str text;
};

static bool
read_words(const struct making *m, const struct test *test, struct words *ret)
{
	const struct policy_instance *p = &m->set->instances[m->instance];
	const struct ast_node *n = &m->ast->nodes[test->node];

	if (p->is_link || test->one || m->ast->is_json ||
	    ast_len(m->ast, n) > WORDS_MAX)
		return false;
	ret->head = n->kind | (uint64_t)n->op << 8 |
		    (uint64_t)n->negated << 16 | (uint64_t)test->negated << 17 |
		    (uint64_t)test->var << 18 | (uint64_t)test->member << 32;
	ret->text = ast_text(m->ast, n);
	return true;
}

static bool
learn_test(struct making *m, const struct test *test, struct seen_test *ret)
{
	*ret = (struct seen_test){ .number = UINT32_MAX };
	if (!rules_facts(m))
		return false;
	ret->outcome = outcome_of(m, test);
	if (ret->outcome != FACTS_TRUE)
		ret->number = rules_test(m, test);
	return ret->outcome == FACTS_TRUE || ret->number != UINT32_MAX;
}

static bool
look_up(struct making *m, const struct test *test, const struct words *words,
    struct seen_test *ret)
{
	uint32_t id;

	m->text.n = 0;
	buf_add(&m->text,
	    (struct str){ (const char *)&words->head, sizeof words->head });
	buf_add(&m->text, words->text);
	id = buf_ok(&m->text)
		 ? intern_add(m->words, (struct str){ 0 }, buf_str(&m->text))
		 : INTERN_NONE;
	if (id == INTERN_NONE)
		return false;
	if (id < m->n_seen) {
		*ret = m->seen[id];
		return true;
	}
	if (!ARENA_PUSH_ROOM(m->scratch, m->seen, m->n_seen, m->cap_seen) ||
	    !learn_test(m, test, ret))
		return false;
	m->seen[m->n_seen++] = *ret;
	return true;
}

/* Policies say the same again and again: each wording is looked at once, and
 * looked up where it did not come lately. */
static bool
look_at(struct making *m, const struct test *test, struct seen_test *ret)
{
	struct words words;
	struct near_test *near;

	if (!read_words(m, test, &words))
		return learn_test(m, test, ret);
	near = &m->near_tests[index_hash_str(words.head, words.text) &
			      m->near_mask];
	if (near->words.p && near->head == words.head &&
	    str_eq(near->words, words.text)) {
		*ret = near->seen;
		return true;
	}
	if (!look_up(m, test, &words, ret))
		return false;
	*near = (struct near_test){ words.text, words.head, *ret };
	return true;
}

/* `x != "a"` right before `x == "b"`, as an alternative leaves it, is asked for
 * nothing: the rule is then that of `x == "b"` alone. */
static void
drop_repeats(struct placing *p)
{
	uint32_t kept = 0;

	for (size_t i = 0; i < p->ids.n; i++) {
		while (kept > 0 && relate_test_repeats(p->m,
				       p->ids.items[kept - 1], p->ids.items[i]))
			kept--;
		p->ids.items[kept++] = p->ids.items[i];
	}
	p->ids.n = kept;
}

/* Number the tests: true ones are left out, what follows a false one or one
 * that always errs is never asked. */
static bool
number_tests(struct placing *p, const struct draft *draft)
{
	for (uint32_t i = 0; i < draft->n; i++) {
		struct seen_test seen;

		if (!look_at(p->m, &draft->tests[i], &seen))
			return false;
		if (seen.outcome == FACTS_TRUE)
			continue;
		if (!has_id(&p->ids, seen.number))
			p->ids.items[p->ids.n++] = seen.number;
		if (seen.outcome == FACTS_VARIES)
			continue;
		/* A false test behind others that cannot err. */
		p->never =
		    seen.outcome == FACTS_FALSE &&
		    rules_total(p->m, p->ids.items, p->ids.n) + 1 >= p->ids.n;
		break;
	}
	p->n_total = rules_total(p->m, p->ids.items, p->ids.n);
	return true;
}

/* ---- atoms ----------------------------------------------------------------
 */

/* The better the atom, the fewer entities have it. */
static unsigned
rank(enum normal_atom_kind kind)
{
	static const uint8_t ranks[] = {
		[ATOM_ANY] = 0,
		[ATOM_IS] = 1,
		[ATOM_LIKE] = 2,
		[ATOM_SET] = 3,
		[ATOM_IN] = 4,
		[ATOM_IS_IN] = 4,
		[ATOM_EQ] = 5,
	};

	return ranks[kind];
}

static const struct known_test *
known(const struct placing *p, size_t i)
{
	return &p->m->tests[p->ids.items[i]];
}

static bool
is_better(const struct normal_atom *x, const struct normal_atom *best)
{
	if (rank(x->kind) != rank(best->kind))
		return rank(x->kind) > rank(best->kind);
	/* Of two groups always the same one, in whatever order they stand. */
	return rank(x->kind) == rank(ATOM_IN) && uid_cmp(x->uid, best->uid) < 0;
}

static void
choose(struct placing *p, unsigned var)
{
	struct normal_atom *best = &p->atom[var];

	for (uint32_t i = 0; i < p->n_total; i++) {
		const struct known_test *t = known(p, i);

		if (t->atom_var == var && !t->atom_negated &&
		    is_better(&t->atom, best)) {
			*best = t->atom;
			p->from[var] = p->ids.items[i];
		}
	}
}

/* `in G` and `is T` are one atom. */
static void
combine(struct placing *p, unsigned var)
{
	struct normal_atom *atom = &p->atom[var];

	for (uint32_t i = 0; i < p->n_total && atom->kind == ATOM_IN; i++) {
		const struct known_test *t = known(p, i);

		if (t->atom_var != var || t->atom_negated ||
		    (t->atom.kind != ATOM_IS && t->atom.kind != ATOM_IS_IN))
			continue;
		atom->kind = ATOM_IS_IN;
		atom->type = t->atom.type;
		p->from[var] = NO_TEST;
	}
}

/* What the test is where its element's atom holds. */
static enum facts_outcome
answer(const struct placing *p, uint32_t test)
{
	const struct known_test *t = &p->m->tests[test];
	enum relation relation = RELATE_EQUAL;
	bool holds, fails;

	if (t->atom.kind == ATOM_ANY)
		return FACTS_VARIES;
	/* The test that says the atom is not compared with itself. */
	if (p->from[t->atom_var] != test)
		relation = relate_atoms(&p->atom[t->atom_var], &t->atom);
	holds = t->atom_is_exact &&
		(relation == RELATE_EQUAL || relation == RELATE_COVERED);
	fails = relation == RELATE_DISJOINT;
	if (t->atom_negated ? fails : holds)
		return FACTS_TRUE;
	return (t->atom_negated ? holds : fails) ? FACTS_FALSE : FACTS_VARIES;
}

/* Tests that the atoms answer go, wherever they stand; behind one that is false
 * nothing is asked. */
static void
drop_answered(struct placing *p)
{
	uint32_t kept = 0, n = p->ids.n, gone = 0;

	for (size_t i = 0; i < n; i++) {
		enum facts_outcome outcome = answer(p, p->ids.items[i]);

		if (outcome == FACTS_TRUE) {
			gone += i < p->n_total;
			continue;
		}
		p->ids.items[kept++] = p->ids.items[i];
		if (outcome == FACTS_FALSE) {
			p->never = i <= p->n_total;
			break;
		}
	}
	p->ids.n = kept;
	p->n_total -= gone;
	if (p->n_total > kept)
		p->n_total = kept;
}

/* The first test that can err, if it is a pattern with contextual parts, still
 * says of which type the entity must be before anything errs. */
static void
take_type(struct placing *p)
{
	const struct known_test *t;
	struct normal_atom *atom;

	if (p->n_total >= p->ids.n)
		return;
	t = known(p, p->n_total);
	if (t->atom.kind != ATOM_IS || t->atom_is_exact || t->atom_negated)
		return;
	atom = &p->atom[t->atom_var];
	p->from[t->atom_var] = NO_TEST;
	if (atom->kind == ATOM_ANY)
		*atom = t->atom;
	else if (atom->kind == ATOM_IN) {
		atom->kind = ATOM_IS_IN;
		atom->type = t->atom.type;
	}
}

/* ---- order ----------------------------------------------------------------
 */

/* A pattern's rest first: it belongs to its atom. Then what needs no guard. */
static unsigned
place_of(const struct known_test *t)
{
	if (t->conjunct.n_reads > 0 || !t->conjunct.is_clean_total)
		return 2;
	return t->atom.kind == ATOM_LIKE && !t->atom_negated ? 0 : 1;
}

static bool
goes_before(const struct placing *p, uint32_t x, uint32_t y)
{
	unsigned a = place_of(&p->m->tests[x]), b = place_of(&p->m->tests[y]);

	if (a != b || a == 2)
		return a < b;
	return str_cmp(rules_test_text(p->m, x), rules_test_text(p->m, y)) < 0;
}

/* By insertion, as there are few; stable, so that guards stay in front. */
static void
sort_tests(struct placing *p)
{
	uint32_t *ids = p->ids.items;

	if (p->n_total > REPEATED_MAX)
		return;
	for (uint32_t i = 1; i < p->n_total; i++)
		for (uint32_t k = i;
		     k > 0 && goes_before(p, ids[k], ids[k - 1]); k--) {
			uint32_t swap = ids[k];

			ids[k] = ids[k - 1];
			ids[k - 1] = swap;
		}
}

/* ---- rules ----------------------------------------------------------------
 */

/* The number of an element's atom; its text is made once a test. */
static uint32_t
number_atom(struct placing *p, unsigned var)
{
	uint32_t from = p->from[var], *number;

	if (from == NO_TEST)
		return rules_atom(p->m, &p->atom[var]);
	number = &p->m->tests[from].atom_number;
	if (*number == UINT32_MAX)
		*number = rules_atom(p->m, &p->atom[var]);
	return *number;
}

static bool
add_rule(struct placing *p)
{
	struct making *m = p->m;
	const struct policy_instance *from = &m->set->instances[m->instance];
	bool permits = from->ast->policies[from->policy].word == WORD_PERMIT;
	struct rule rule = { .effect = permits ? POLICY_PERMIT : POLICY_DENY };

	if (!ARENA_PUSH_ROOM(m->scratch, m->rules, m->n_rules, m->cap_rules))
		return false;
	for (unsigned i = 0; i < 3; i++) {
		rule.atom[i] = number_atom(p, i);
		if (rule.atom[i] == UINT32_MAX)
			return false;
	}
	rule.list = rules_list(m, p->ids.items, p->ids.n);
	if (rule.list == UINT32_MAX ||
	    !few_add(m->scratch, &rule.parents, m->instance))
		return false;
	m->rules[m->n_rules++] = rule;
	return true;
}

static bool
place(struct making *m, const struct draft *draft)
{
	struct placing p = { .m = m, .from = { NO_TEST, NO_TEST, NO_TEST } };

	/* Room for all: none is added twice. */
	p.ids.cap = draft->n + 1u;
	p.ids.items = ARENA_ARRAY(m->each, p.ids.cap, uint32_t);
	if (!p.ids.items || !number_tests(&p, draft))
		return false;
	sort_tests(&p);
	for (unsigned var = 0; var < 3; var++) {
		choose(&p, var);
		combine(&p, var);
	}
	take_type(&p);
	drop_answered(&p);
	/* Last: what stood between two may be gone. */
	drop_repeats(&p);
	return p.never || add_rule(&p);
}

bool
atoms_policy(struct making *m, struct error *reterr)
{
	size_t before = m->n_rules;

	for (size_t i = 0; i < m->drafts.n; i++)
		if (!place(m, &m->drafts.items[i]))
			return error_nomem(reterr);
	if (m->n_rules == before)
		rules_note(m, "never holds", m->instance, m->instance);
	return true;
}
