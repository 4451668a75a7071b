/* unions.c - rules that several others cover together, though none does alone,
 * leave the decision index like those that one covers (P7).
 * A rule is cut in two by a test that cannot err where it is asked, once with
 * the test and once with its opposite; both halves must be covered, by a rule
 * or by cutting on. `permit when { context has x }` and `permit when
 * { !(context has x) }` so cover `permit`, `x < 5` and `x >= 5` cover
 * `x > 0 && x < 10`, `principal == a` and `principal != a` any principal. Each
 * piece has one cover that is satisfied where the piece is, and satisfied or in
 * error where the piece errs; `b` and `!b` are nothing to cut by where `b` may
 * err.
 * In the same way denies beat a permit together (for people; follows.c has why
 * nothing else is said): there all tests of the permit count at once.
 * Only tests that have an opposite among all tests are worth cutting by, so a
 * set of policies without such costs a look at its tests. Bounds: DEPTH_MAX
 * cuts on the way to a piece, CANDIDATES_MAX covers that are looked at for a
 * piece, STEPS_MAX for a rule; over one, not all was compared (is_cut). */
#include "policy/canon.h"
#include "policy/relate.h"

#define DEPTH_MAX 4u
#define CANDIDATES_MAX 32u
#define CHAIN_MAX 64u
#define CUTS_MAX 4u /* tests that are tried for a piece */
#define STEPS_MAX 512u
#define TESTS_MAX 64u /* of a rule that is cut */
#define ATOMS_MAX 8u  /* of an element, that tests say */

/* What is known of each path: which tests of it there are. */
enum {
	SEEN_EQ = 1,
	SEEN_NE = 2,
	SEEN_UP = 4,
	SEEN_DOWN = 8,
	SEEN_HAS = 16,
	SEEN_HAS_NOT = 32,
	SEEN_IN = 64,
	SEEN_NOT_IN = 128,
};

struct unions {
	struct making *m;
	struct rule_table table; /* rules worth looking at, by atoms */
	struct wider *wider;     /* by atom */
	uint8_t *seen;           /* by path */
	bool *cuts, *narrows;    /* by test, by atom: has an opposite */
	size_t n_tests, n_atoms, n_rules; /* when these were made */
};

/* ---- what is worth cutting by ---------------------------------------------
 */

static bool
is_upward(const struct normal_conjunct *c)
{
	return c->op == OP_GT || c->op == OP_GE;
}

static unsigned
seen_of(const struct normal_conjunct *c)
{
	switch (c->form) {
	case FORM_EQ:
		return c->form_negated ? SEEN_NE : SEEN_EQ;
	case FORM_ORDER:
		return is_upward(c) ? SEEN_UP : SEEN_DOWN;
	case FORM_HAS:
		return c->form_negated ? SEEN_HAS_NOT : SEEN_HAS;
	case FORM_IN:
		return c->form_negated ? SEEN_NOT_IN : SEEN_IN;
	case FORM_TREE:
		break;
	}
	return 0;
}

/* Of each two, one is the other's opposite. */
static unsigned
against(unsigned seen)
{
	static const unsigned pairs[] = { SEEN_EQ | SEEN_NE,
		SEEN_UP | SEEN_DOWN, SEEN_HAS | SEEN_HAS_NOT,
		SEEN_IN | SEEN_NOT_IN };

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		if (pairs[i] & seen)
			return pairs[i] & ~seen;
	return 0;
}

/* Orders imply one another; of other tests it must be the very opposite. */
static bool
is_cut_by(struct unions *u, uint32_t test)
{
	const struct normal_conjunct *c = &u->m->tests[test].conjunct;

	if (c->form != FORM_TREE && !(u->seen[c->path] & against(seen_of(c))))
		return false;
	return c->form == FORM_ORDER || rules_has_opposite(u->m, test);
}

static uint32_t
atom_of(struct making *m, const struct known_test *t)
{
	if (t->atom_number != UINT32_MAX)
		return t->atom_number;
	m->text.n = 0;
	canon_atom(&m->text, &t->atom);
	return buf_ok(&m->text)
		   ? intern_find(m->atom_texts, STR(""), buf_str(&m->text))
		   : INTERN_NONE;
}

static bool
learn_tests(struct unions *u)
{
	struct making *m = u->m;

	u->n_tests = m->n_tests;
	u->n_atoms = m->n_atoms;
	u->n_rules = m->n_rules;
	u->seen = ARENA_ARRAY(m->each, intern_count(m->paths), uint8_t);
	u->cuts = ARENA_ARRAY(m->each, m->n_tests, bool);
	u->narrows = ARENA_ARRAY(m->each, m->n_atoms, bool);
	u->wider = ARENA_ARRAY(m->each, m->n_atoms, struct wider);
	if (!u->seen || !u->cuts || !u->narrows || !u->wider)
		return false;
	for (uint32_t i = 0; i < u->n_tests; i++) {
		const struct normal_conjunct *c = &m->tests[i].conjunct;

		if (c->form != FORM_TREE)
			u->seen[c->path] |= (uint8_t)seen_of(c);
	}
	for (uint32_t i = 0; i < u->n_tests; i++) {
		const struct known_test *t = &m->tests[i];
		uint32_t atom;

		u->cuts[i] = is_cut_by(u, i);
		if (!u->cuts[i] || !t->atom_is_exact || t->atom_negated)
			continue;
		atom = atom_of(m, t);
		if (atom < u->n_atoms)
			u->narrows[atom] = true;
	}
	return true;
}

static bool
is_worth(const struct unions *u, const struct rule *r)
{
	const struct known_list *l = &u->m->lists[r->list];

	for (size_t i = 0; i < 3; i++)
		if (u->narrows[r->atom[i]])
			return true;
	for (uint32_t i = 0; i < l->n; i++)
		if (u->cuts[l->tests[i]])
			return true;
	return false;
}

/* Backwards, so that chains are in canonical order. *ret_n: how many. */
static bool
enter_rules(struct unions *u, size_t *ret_n)
{
	*ret_n = 0;
	if (!rule_table_init(&u->table, u->m->each, u->n_rules))
		return false;
	for (uint32_t i = (uint32_t)u->n_rules; i-- > 0;) {
		const struct rule *r = &u->m->rules[i];
		uint32_t key[RULE_KEY] = { r->effect, r->atom[0], r->atom[1],
			r->atom[2], 0 };
		uint32_t *head;

		if (r->is_contained || !is_worth(u, r))
			continue;
		head = rule_table_head(&u->table, key);
		u->table.next[i] = *head;
		*head = i + 1;
		++*ret_n;
	}
	return true;
}

/* ---- pieces ---------------------------------------------------------------
 */

/* A part of a rule: narrower atoms, and the tests that it was cut by among its
 * own. */
struct piece {
	uint32_t atom[3];
	uint32_t tests[TESTS_MAX + DEPTH_MAX];
	bool may_err[TESTS_MAX + DEPTH_MAX];
	uint32_t n;
};

struct cutting {
	struct unions *u;
	uint32_t x;
	enum policy_effect effect; /* of the covers */
	struct ids *covers;
	unsigned steps;
	bool failed; /* memory ran out */
};

static void
learn_errors(const struct making *m, struct piece *p)
{
	for (uint32_t i = 0; i < p->n; i++)
		p->may_err[i] =
		    rules_first_place(m, p->tests, i, p->tests[i]) > i;
}

/* Of a permit that denies may beat, all that holds counts, and its errors do
 * not (follows.c). */
static bool
seeks_denies(const struct cutting *c)
{
	return c->effect != c->u->m->rules[c->x].effect;
}

static struct relate_known
known_in(const struct making *m, const struct piece *p)
{
	return (struct relate_known){
		.atom = { &m->atoms[p->atom[0]], &m->atoms[p->atom[1]],
		    &m->atoms[p->atom[2]] },
		.tests = p->tests,
		.n = p->n,
	};
}

/* What the test is where the piece's atoms and tests hold. */
static enum facts_outcome
outcome_in(const struct cutting *c, const struct piece *p, uint32_t test)
{
	const struct making *m = c->u->m;
	const struct relate_known known = known_in(m, p);

	return seeks_denies(c) ? relate_outcome_of_all(m, &known, test)
			       : relate_outcome(m, &known, test);
}

/* The tests of the rule that the piece leaves open; UINT32_MAX: one of them is
 * false in it. */
static uint32_t
open_tests(const struct cutting *c, const struct piece *p, uint32_t rule,
    uint32_t *ret, uint32_t max)
{
	const struct making *m = c->u->m;
	const struct known_list *l = &m->lists[m->rules[rule].list];
	uint32_t n = 0;

	for (uint32_t i = 0; i < l->n; i++) {
		enum facts_outcome outcome = outcome_in(c, p, l->tests[i]);

		if (outcome == FACTS_FALSE ||
		    (outcome != FACTS_TRUE && n == max))
			return UINT32_MAX;
		if (outcome != FACTS_TRUE)
			ret[n++] = l->tests[i];
	}
	return n;
}

/* ---- covers of a piece ------------------------------------------------------
 */

struct candidates {
	uint32_t rules[CANDIDATES_MAX];
	uint32_t n;
};

/* *ret_n is 0 where memory ran out, too. */
static const uint32_t *
wider_than(struct cutting *c, uint32_t atom, uint32_t *ret_n)
{
	struct unions *u = c->u;
	struct wider *w;

	*ret_n = 0;
	if (atom >= u->n_atoms)
		return NULL;
	w = &u->wider[atom];
	if (w->n == 0 && !contain_wider(u->m, &u->m->atoms[atom], w))
		c->failed = true;
	*ret_n = c->failed ? 0 : w->n;
	return w->atoms;
}

/* What is wider than the piece in an element; `spare` is room for it. */
static const uint32_t *
wider_than_piece(struct cutting *c, const struct piece *p, unsigned var,
    struct wide *spare, uint32_t *ret_n)
{
	struct making *m = c->u->m;
	const struct relate_known known = known_in(m, p);
	struct normal_atom atoms[ATOMS_MAX];
	uint32_t n = 1;

	if (seeks_denies(c))
		n = relate_known_atoms(m, &known, var, atoms, ATOMS_MAX);
	if (n == 1)
		return wider_than(c, p->atom[var], ret_n);
	if (n > ATOMS_MAX) {
		m->is_cut = true;
		n = ATOMS_MAX;
	}
	if (!contain_wider_of_all(m, atoms, n, spare))
		c->failed = true;
	*ret_n = c->failed ? 0 : spare->n;
	return spare->atoms;
}

static void
walk_chain(struct cutting *c, const uint32_t atoms[3], struct candidates *out)
{
	const struct making *m = c->u->m;
	const struct rule_table *t = &c->u->table;
	uint32_t key[RULE_KEY] = { c->effect, atoms[0], atoms[1], atoms[2], 0 };
	uint32_t entry = *rule_table_head(t, key);
	unsigned walked = 0;

	for (; entry && walked < CHAIN_MAX; entry = t->next[entry - 1]) {
		const struct rule *r = &m->rules[entry - 1];

		walked++;
		if (r->effect != c->effect || r->is_contained ||
		    entry - 1 == c->x ||
		    memcmp(r->atom, atoms, sizeof r->atom) != 0)
			continue;
		if (out->n == CANDIDATES_MAX)
			break;
		out->rules[out->n++] = entry - 1;
	}
	if (entry)
		c->u->m->is_cut = true;
}

static void
find_candidates(
    struct cutting *c, const struct piece *p, struct candidates *out)
{
	const uint32_t *w[3];
	struct wide spare[3];
	uint32_t n[3];

	out->n = 0;
	for (unsigned i = 0; i < 3; i++)
		w[i] = wider_than_piece(c, p, i, &spare[i], &n[i]);
	for (uint32_t i = 0; i < n[0]; i++)
		for (uint32_t k = 0; k < n[1]; k++)
			for (uint32_t l = 0; l < n[2]; l++) {
				uint32_t atoms[] = { w[0][i], w[1][k],
					w[2][l] };

				walk_chain(c, atoms, out);
			}
}

/* ---- cutting ----------------------------------------------------------------
 */

static bool is_covered(
    struct cutting *c, const struct piece *p, unsigned depth);

/* The piece where `test` holds. False: the test may err there. */
static bool
cut(const struct cutting *c, const struct piece *p, uint32_t test,
    struct piece *ret)
{
	const struct making *m = c->u->m;
	const struct known_test *t = &m->tests[test];
	uint32_t at = rules_first_place(m, p->tests, p->n, test);

	if (at > p->n)
		return false;
	*ret = *p;
	memmove(&ret->tests[at + 1], &ret->tests[at],
	    (p->n - at) * sizeof *ret->tests);
	ret->tests[at] = test;
	ret->n++;
	learn_errors(m, ret);
	if (t->atom.kind != ATOM_ANY && t->atom_is_exact && !t->atom_negated) {
		uint32_t *atom = &ret->atom[t->atom_var];
		uint32_t narrow = atom_of(c->u->m, t);

		if (narrow < c->u->n_atoms &&
		    relate_atoms(&m->atoms[*atom], &t->atom) == RELATE_COVERS)
			*atom = narrow;
	}
	return true;
}

static bool
covers_halves(
    struct cutting *c, const struct piece *p, uint32_t test, unsigned depth)
{
	uint32_t opposite = rules_opposite(c->u->m, test);
	uint32_t before = c->covers->n;
	struct piece half;

	if (opposite == UINT32_MAX) {
		c->failed = true;
		return false;
	}
	if (cut(c, p, test, &half) && is_covered(c, &half, depth + 1) &&
	    cut(c, p, opposite, &half) && is_covered(c, &half, depth + 1))
		return true;
	c->covers->n = before;
	return false;
}

static bool
take_cover(struct cutting *c, uint32_t rule)
{
	for (size_t i = 0; i < c->covers->n; i++)
		if (c->covers->items[i] == rule)
			return true;
	c->failed = !ids_add(c->u->m->scratch, c->covers, rule);
	return !c->failed;
}

/* A new test to cut by, at the end of the few. */
static void
note_cut(const struct unions *u, uint32_t test, uint32_t *cuts, uint32_t *n)
{
	if (*n == CUTS_MAX || test >= u->n_tests || !u->cuts[test])
		return;
	for (uint32_t i = 0; i < *n; i++)
		if (cuts[i] == test)
			return;
	cuts[(*n)++] = test;
}

static bool
is_covered(struct cutting *c, const struct piece *p, unsigned depth)
{
	const struct making *m = c->u->m;
	struct candidates found;
	uint32_t cuts[CUTS_MAX], open[DEPTH_MAX], n_cuts = 0;

	find_candidates(c, p, &found);
	for (uint32_t i = 0; i < found.n && !c->failed; i++) {
		const struct rule *r = &m->rules[found.rules[i]];
		uint32_t n;

		if (c->steps++ >= STEPS_MAX) {
			c->u->m->is_cut = true;
			return false;
		}
		n = open_tests(c, p, found.rules[i], open, DEPTH_MAX - depth);
		if (n == 0 && (seeks_denies(c) ||
				  relate_piece_covered(m, &m->lists[r->list],
				      p->atom, p->tests, p->may_err, p->n)))
			return take_cover(c, found.rules[i]);
		for (uint32_t k = 0; n != UINT32_MAX && k < n; k++)
			note_cut(c->u, open[k], cuts, &n_cuts);
	}
	for (uint32_t i = 0; i < n_cuts && !c->failed; i++)
		if (covers_halves(c, p, cuts[i], depth))
			return true;
	return false;
}

/* ---- rules ------------------------------------------------------------------
 */

static bool
find_union(
    struct unions *u, uint32_t x, enum policy_effect effect, struct ids *covers)
{
	const struct rule *r = &u->m->rules[x];
	const struct known_list *l = &u->m->lists[r->list];
	struct cutting c = {
		.u = u, .x = x, .effect = effect, .covers = covers
	};
	struct piece p = { .n = l->n };

	if (l->n > TESTS_MAX)
		return true;
	memcpy(p.atom, r->atom, sizeof p.atom);
	if (l->n)
		memcpy(p.tests, l->tests, l->n * sizeof *p.tests);
	learn_errors(u->m, &p);
	if (!is_covered(&c, &p, 0))
		covers->n = 0;
	return !c.failed;
}

/* Nothing to do: *ret_any false. */
static bool
begin(struct unions *u, struct making *m, bool *ret_any)
{
	size_t n = 0;

	u->m = m;
	arena_reset(m->each);
	*ret_any = false;
	if (!learn_tests(u) || !enter_rules(u, &n))
		return false;
	*ret_any = n >= 2;
	return true;
}

bool
unions_contain(struct making *m, struct error *reterr)
{
	struct unions u = { 0 };
	bool any;

	if (!begin(&u, m, &any))
		return error_nomem(reterr);
	for (uint32_t i = 0; any && i < u.n_rules; i++) {
		struct ids covers = { 0 };

		if (m->rules[i].is_contained)
			continue;
		if (!find_union(&u, i, m->rules[i].effect, &covers) ||
		    !contain_hang(m, i, &covers))
			return error_nomem(reterr);
	}
	return true;
}

bool
unions_denied(struct making *m, struct error *reterr)
{
	struct unions u = { 0 };
	bool any;

	if (!begin(&u, m, &any))
		return error_nomem(reterr);
	for (uint32_t i = 0; any && i < u.n_rules; i++) {
		struct rule_more *more;

		if (m->rules[i].effect != POLICY_PERMIT)
			continue;
		more = rules_more(m, &m->rules[i]);
		if (!more ||
		    (more->denied_by.n == 0 &&
			!find_union(&u, i, POLICY_DENY, &more->denied_by)))
			return error_nomem(reterr);
	}
	return true;
}
