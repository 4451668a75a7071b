/* relate.c - what contains what.
 * Atoms cannot err, so theirs are relations of sets. For lists of tests the
 * order counts: let x1 … xn be the list and c1 … ck the cover, each cj implied
 * by some xl(j). Where all x hold, all c do. Where x1 … x(i-1) hold and xi
 * errs, the cover must not be false: so the first cj with l(j) >= i must be one
 * with l(j) = i (it errs, or holds and the next is asked), or there is none
 * (the cover holds). A test that cannot err where it stands needs no such care.
 */
#include "policy/relate.h"

#include "policy/canon.h"

/* ---- atoms ----------------------------------------------------------------
 */

/* The type that all entities of the atom have, or an empty one. */
static struct str
type_of(const struct normal_atom *a)
{
	if (a->kind == ATOM_EQ)
		return a->uid.type;
	if (a->kind == ATOM_IS || a->kind == ATOM_IS_IN || a->kind == ATOM_LIKE)
		return a->type;
	return STR("");
}

static bool
same_atoms(const struct normal_atom *x, const struct normal_atom *y)
{
	if (x->kind != y->kind || x->is_in != y->is_in ||
	    x->n_members != y->n_members || !str_eq(x->type, y->type) ||
	    !str_eq(x->prefix, y->prefix) || !uid_eq(x->uid, y->uid))
		return false;
	for (uint32_t i = 0; i < x->n_members; i++)
		if (!uid_eq(x->members[i], y->members[i]))
			return false;
	return true;
}

static bool
has_member(const struct normal_atom *set, struct uid uid)
{
	for (uint32_t i = 0; i < set->n_members; i++)
		if (uid_eq(set->members[i], uid))
			return true;
	return false;
}

/* The group that all entities of the atom are in, themselves counted. */
static bool
group_of(const struct normal_atom *a, struct uid *ret)
{
	*ret = a->uid;
	return a->kind == ATOM_EQ || a->kind == ATOM_IN ||
	       a->kind == ATOM_IS_IN;
}

/* Is everything in `x` in `y`? Neither is a set. */
static bool
is_within(const struct normal_atom *x, const struct normal_atom *y)
{
	bool same_type = str_eq(type_of(x), type_of(y));
	struct uid group;

	switch (y->kind) {
	case ATOM_ANY:
		return true;
	case ATOM_EQ:
		return x->kind == ATOM_EQ && uid_eq(x->uid, y->uid);
	case ATOM_IN:
		return group_of(x, &group) && uid_eq(group, y->uid);
	case ATOM_IS:
		return same_type;
	case ATOM_IS_IN:
		return same_type && group_of(x, &group) &&
		       uid_eq(group, y->uid);
	case ATOM_LIKE:
		if (x->kind == ATOM_EQ)
			return same_type &&
			       str_has_prefix(x->uid.id, y->prefix);
		return x->kind == ATOM_LIKE && same_type &&
		       str_has_prefix(x->prefix, y->prefix);
	case ATOM_SET:
		break;
	}
	if (y->is_in)
		return group_of(x, &group) && has_member(y, group);
	return x->kind == ATOM_EQ && has_member(y, x->uid);
}

static struct normal_atom
member_atom(const struct normal_atom *set, uint32_t i)
{
	return (struct normal_atom){ .kind = set->is_in ? ATOM_IN : ATOM_EQ,
		.uid = set->members[i] };
}

static bool
covers(const struct normal_atom *y, const struct normal_atom *x)
{
	if (y->kind == ATOM_ANY)
		return true;
	if (x->kind == ATOM_ANY)
		return false;
	if (x->kind != ATOM_SET)
		return is_within(x, y);
	for (uint32_t i = 0; i < x->n_members; i++) {
		struct normal_atom one = member_atom(x, i);

		if (!is_within(&one, y))
			return false;
	}
	return true;
}

static bool
are_disjoint(const struct normal_atom *x, const struct normal_atom *y)
{
	struct str a = type_of(x), b = type_of(y);

	if (x->kind == ATOM_SET && !x->is_in) {
		for (uint32_t i = 0; i < x->n_members; i++) {
			struct normal_atom one = member_atom(x, i);

			if (!are_disjoint(&one, y))
				return false;
		}
		return true;
	}
	if (y->kind == ATOM_SET && !y->is_in)
		return are_disjoint(y, x);
	if (a.n && b.n && !str_eq(a, b))
		return true;
	if (x->kind == ATOM_EQ && y->kind == ATOM_EQ)
		return !uid_eq(x->uid, y->uid);
	if (x->kind == ATOM_EQ && y->kind == ATOM_LIKE)
		return !str_has_prefix(x->uid.id, y->prefix);
	if (x->kind == ATOM_LIKE && y->kind == ATOM_EQ)
		return !str_has_prefix(y->uid.id, x->prefix);
	return x->kind == ATOM_LIKE && y->kind == ATOM_LIKE &&
	       !str_has_prefix(x->prefix, y->prefix) &&
	       !str_has_prefix(y->prefix, x->prefix);
}

enum relation
relate_atoms(const struct normal_atom *x, const struct normal_atom *y)
{
	if (same_atoms(x, y))
		return RELATE_EQUAL;
	if (are_disjoint(x, y))
		return RELATE_DISJOINT;
	if (covers(x, y))
		return RELATE_COVERS;
	return covers(y, x) ? RELATE_COVERED : RELATE_OVERLAPS;
}

/* ---- tests ----------------------------------------------------------------
 */

static bool
order_holds(int64_t x, unsigned op, int64_t y)
{
	if (op == OP_LT)
		return x < y;
	if (op == OP_LE)
		return x <= y;
	return op == OP_GT ? x > y : x >= y;
}

/* `p op a` implies `p op b`: the same direction, and no farther. */
static bool
order_implies(const struct normal_conjunct *x, const struct normal_conjunct *y)
{
	int64_t a = x->literal.number, b = y->literal.number;
	bool x_up = x->op == OP_GT || x->op == OP_GE;
	bool y_up = y->op == OP_GT || y->op == OP_GE;

	if (x_up != y_up || x->literal.kind != y->literal.kind)
		return false;
	if (a == b)
		return x->op == y->op || y->op == OP_LE || y->op == OP_GE;
	return x_up ? a > b : a < b;
}

/* Forms of the same path. Where the path is missing both err. `x` errs at
 * least where its path is of another kind; so does `y` only if it wants no kind
 * that `x` does not want, or `x` holds for that kind alone. */
static bool
form_implies(const struct normal_conjunct *x, const struct normal_conjunct *y)
{
	if (x->path != y->path || x->form_negated)
		return false;
	if (x->form == FORM_ORDER && y->form == FORM_ORDER)
		return !y->form_negated && order_implies(x, y);
	if (x->form != FORM_EQ)
		return false;
	if (y->form == FORM_EQ)
		return value_eq(&x->literal, &y->literal) != y->form_negated;
	return y->form == FORM_ORDER && !y->form_negated &&
	       x->literal.kind == y->literal.kind &&
	       order_holds(x->literal.number, y->op, y->literal.number);
}

bool
relate_test_implies(const struct making *m, uint32_t x, uint32_t y)
{
	return x == y ||
	       form_implies(&m->tests[x].conjunct, &m->tests[y].conjunct);
}

/* Forms of one path: where it is missing both err, orders of one kind where it
 * is of another. */
static bool
errs_with(const struct making *m, uint32_t x, uint32_t y)
{
	const struct normal_conjunct *a = &m->tests[x].conjunct,
				     *b = &m->tests[y].conjunct;

	if (x == y)
		return true;
	if (a->form == FORM_TREE || a->path != b->path)
		return false;
	if (a->form == FORM_EQ)
		return b->form == FORM_EQ || b->form == FORM_ORDER;
	return a->form == FORM_ORDER && b->form == FORM_ORDER &&
	       a->literal.kind == b->literal.kind;
}

bool
relate_test_repeats(const struct making *m, uint32_t y, uint32_t x)
{
	return x != y && relate_test_implies(m, x, y) && errs_with(m, y, x);
}

bool
relate_test_excludes(const struct making *m, uint32_t x, uint32_t y)
{
	struct normal_conjunct opposite = m->tests[y].conjunct;

	if (m->tests[y].opposite == x)
		return true;
	if (opposite.form == FORM_ORDER)
		opposite.op = (uint8_t)canon_negate((enum ast_op)opposite.op);
	else
		opposite.form_negated = !opposite.form_negated;
	return form_implies(&m->tests[x].conjunct, &opposite);
}

/* ---- lists ----------------------------------------------------------------
 */

#define COVER_MAX 64u

/* For each test of the cover, the first test of the list that implies it. */
static bool
map_cover(const struct making *m, const struct known_list *cover,
    const struct known_list *list, uint32_t *ret_map)
{
	for (uint32_t j = 0; j < cover->n; j++) {
		uint32_t l = 0;

		while (l < list->n &&
		       !relate_test_implies(m, list->tests[l], cover->tests[j]))
			l++;
		if (l == list->n)
			return false;
		ret_map[j] = l;
	}
	return true;
}

bool
relate_list_covers(const struct making *m, uint32_t cover, uint32_t list)
{
	const struct known_list *c = &m->lists[cover], *x = &m->lists[list];
	uint32_t map[COVER_MAX];

	if (cover == list || c->n == 0)
		return true;
	if (c->n > COVER_MAX || !map_cover(m, c, x, map))
		return false;
	for (uint32_t i = x->n_total; i < x->n; i++) {
		uint32_t j = 0;

		while (j < c->n && map[j] < i)
			j++;
		if (j < c->n && map[j] != i)
			return false;
	}
	return true;
}

#define ANSWERED UINT32_MAX

static bool
is_answered(const struct making *m, const uint32_t atoms[3], uint32_t test)
{
	const struct known_test *t = &m->tests[test];
	enum relation r;

	if (t->atom.kind == ATOM_ANY || !t->atom_is_exact)
		return false;
	r = relate_atoms(&m->atoms[atoms[t->atom_var]], &t->atom);
	return t->atom_negated ? r == RELATE_DISJOINT
			       : r == RELATE_EQUAL || r == RELATE_COVERED;
}

/* For each test of the cover the first that implies it, or ANSWERED. */
static bool
map_piece(const struct making *m, const struct known_list *cover,
    const uint32_t atoms[3], const uint32_t *tests, uint32_t n,
    uint32_t *ret_map)
{
	for (uint32_t j = 0; j < cover->n; j++) {
		uint32_t l = 0;

		ret_map[j] = ANSWERED;
		if (is_answered(m, atoms, cover->tests[j]))
			continue;
		while (
		    l < n && !relate_test_implies(m, tests[l], cover->tests[j]))
			l++;
		if (l == n)
			return false;
		ret_map[j] = l;
	}
	return true;
}

bool
relate_piece_covered(const struct making *m, const struct known_list *cover,
    const uint32_t atoms[3], const uint32_t *tests, const bool *may_err,
    uint32_t n)
{
	uint32_t map[COVER_MAX];

	if (cover->n > COVER_MAX || !map_piece(m, cover, atoms, tests, n, map))
		return false;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t j = 0;

		if (!may_err[i])
			continue;
		while (j < cover->n && (map[j] == ANSWERED || map[j] < i))
			j++;
		if (j < cover->n && map[j] != i &&
		    !errs_with(m, tests[i], cover->tests[j]))
			return false;
	}
	return true;
}

/* ---- what follows from several ---------------------------------------------
 */

/* A test that holds says its atom, be that all it says or not; one that is
 * turned round says none. */
static bool
says_atom(const struct known_test *t, unsigned var)
{
	return t->atom.kind != ATOM_ANY && t->atom_var == var &&
	       !t->atom_negated;
}

static enum facts_outcome
outcome_by(const struct normal_atom *known, const struct normal_atom *atom)
{
	switch (relate_atoms(known, atom)) {
	case RELATE_EQUAL:
	case RELATE_COVERED:
		return FACTS_TRUE;
	case RELATE_DISJOINT:
		return FACTS_FALSE;
	case RELATE_OVERLAPS:
	case RELATE_COVERS:
		break;
	}
	return FACTS_VARIES;
}

static enum facts_outcome
turned(enum facts_outcome outcome, bool is_turned)
{
	if (!is_turned || outcome == FACTS_VARIES)
		return outcome;
	return outcome == FACTS_TRUE ? FACTS_FALSE : FACTS_TRUE;
}

static bool
is_of_element(const struct known_test *t)
{
	return t->atom.kind != ATOM_ANY && t->atom_is_exact;
}

enum facts_outcome
relate_outcome(
    const struct making *m, const struct relate_known *known, uint32_t test)
{
	const struct known_test *t = &m->tests[test];
	enum facts_outcome outcome = FACTS_VARIES;

	if (is_of_element(t))
		outcome = turned(outcome_by(known->atom[t->atom_var], &t->atom),
		    t->atom_negated);
	for (uint32_t i = 0; i < known->n && outcome == FACTS_VARIES; i++) {
		if (relate_test_implies(m, known->tests[i], test))
			outcome = FACTS_TRUE;
		else if (relate_test_excludes(m, known->tests[i], test))
			outcome = FACTS_FALSE;
	}
	return outcome;
}

static enum facts_outcome
outcome_by_any(const struct making *m, const struct relate_known *known,
    unsigned var, const struct normal_atom *atom)
{
	enum facts_outcome outcome = outcome_by(known->atom[var], atom);

	if (outcome == FACTS_VARIES && known->member &&
	    known->member_var == var)
		outcome = outcome_by(known->member, atom);
	for (uint32_t i = 0; i < known->n && outcome == FACTS_VARIES; i++) {
		const struct known_test *t = &m->tests[known->tests[i]];

		if (says_atom(t, var))
			outcome = outcome_by(&t->atom, atom);
	}
	return outcome;
}

/* One may say the type and another the group. */
static enum facts_outcome
outcome_by_all(const struct making *m, const struct relate_known *known,
    unsigned var, const struct normal_atom *atom)
{
	struct normal_atom type = { .kind = ATOM_IS, .type = atom->type };
	struct normal_atom group = { .kind = ATOM_IN, .uid = atom->uid };
	enum facts_outcome outcome = outcome_by_any(m, known, var, atom), other;

	if (outcome != FACTS_VARIES || atom->kind != ATOM_IS_IN)
		return outcome;
	outcome = outcome_by_any(m, known, var, &type);
	other = outcome_by_any(m, known, var, &group);
	if (outcome == FACTS_FALSE || other == FACTS_FALSE)
		return FACTS_FALSE;
	return outcome == FACTS_TRUE ? other : FACTS_VARIES;
}

enum facts_outcome
relate_outcome_of_all(
    const struct making *m, const struct relate_known *known, uint32_t test)
{
	const struct known_test *t = &m->tests[test];
	enum facts_outcome outcome = relate_outcome(m, known, test);

	if (outcome != FACTS_VARIES || !is_of_element(t))
		return outcome;
	return turned(
	    outcome_by_all(m, known, t->atom_var, &t->atom), t->atom_negated);
}

#define NO_TEST UINT32_MAX

/* `erring`: a test that errs there, or NO_TEST. */
static bool
holds_or_errs(const struct making *m, const struct relate_known *known,
    uint32_t erring, const uint32_t atoms[3], const struct known_list *cover)
{
	for (unsigned v = 0; v < 3; v++)
		if (outcome_by_all(m, known, v, &m->atoms[atoms[v]]) !=
		    FACTS_TRUE)
			return false;
	for (uint32_t i = 0; i < cover->n; i++)
		if (relate_outcome_of_all(m, known, cover->tests[i]) !=
		    FACTS_TRUE)
			return erring != NO_TEST &&
			       errs_with(m, erring, cover->tests[i]);
	return true;
}

bool
relate_known_covered(const struct making *m, const struct relate_known *known,
    uint32_t n_total, const uint32_t atoms[3], const struct known_list *cover)
{
	struct relate_known before = *known;

	if (!holds_or_errs(m, known, NO_TEST, atoms, cover))
		return false;
	for (before.n = n_total; before.n < known->n; before.n++)
		if (!holds_or_errs(
			m, &before, known->tests[before.n], atoms, cover))
			return false;
	return true;
}

uint32_t
relate_known_atoms(const struct making *m, const struct relate_known *known,
    unsigned var, struct normal_atom *ret, uint32_t max)
{
	uint32_t n = 1;

	ret[0] = *known->atom[var];
	if (known->member && known->member_var == var)
		ret[n++] = *known->member;
	for (uint32_t i = 0; i < known->n; i++) {
		const struct known_test *t = &m->tests[known->tests[i]];

		if (!says_atom(t, var))
			continue;
		if (n < max)
			ret[n] = t->atom;
		n++;
	}
	return n;
}
