/* denied.c - permits that denies beat: wherever the permit's rule holds, a deny
 * does. It is only said, for people; no rule leaves for it.
 * Where a rule holds, all of it does: its three atoms and each of its tests,
 * wherever these stood. A test of principal, action or resource alone so says
 * an atom beside the scope's: `principal == U` with `principal in G` lies in
 * what `principal in G` denies. A deny holds there when each of its atoms and
 * each of its tests follows. Why nothing is called beaten that could permit:
 * - Tests that hold were evaluated, in one request on one state of the data:
 *   what they read is there. A deny's test that is the same, or follows, is
 *   true and no error, whatever stands before it, for what a test is depends
 *   on the request alone. None of a deny's tests is left out, so one that
 *   might err is not taken for one that denies.
 * - Each test counts as it stands in the rule: what `unless` or `!` turns
 *   round says no atom. What `||` or a list leaves open is another rule, or a
 *   tree, which says none; a policy is beaten only where each of its rules is
 *   (lint.c).
 * - Who is in which group is data: `in G` follows from `in G` and `== G` for
 *   the same element, never from another group. What a link binds stands in
 *   its atoms and in the texts of its tests.
 * - Where the permit errs it permits nothing, whatever errors of denies do; so
 *   its errors need not be the deny's.
 * A permit of an indivisible set may be beaten member by member.
 * Denies are looked up by the atoms that are as wide and by a test: the first
 * of theirs, and where that is of one element, so that atoms may say it, the
 * first that is not. At most TRIED_MAX are compared for a look-up; over that,
 * or where tests say more than ATOMS_MAX atoms of an element, not all was
 * compared (is_cut). Cost: O(n log n) to make, some look-ups a permit. */
#include "policy/contain_find.h"
#include "policy/relate.h"

#define TRIED_MAX 64u
#define ATOMS_MAX 8u
#define NONE UINT32_MAX

/* What denies lie under beside a test or a path: by these no test is asked. */
#define UNDER_SCOPE (UINT32_MAX - 1) /* one a scope: is there any? */
#define UNDER_ATOMS (UINT32_MAX - 2) /* atoms may say all its tests */
#define ENTRIES_MAX 5u               /* a deny */

struct entry {
	uint32_t key[RULE_KEY]; /* atoms, what it lies under, 0 */
	uint32_t rule;
};

struct denies {
	struct making *m;
	struct rule_table table;
	struct entry *entries;
	uint32_t n;
	struct wider *wider; /* by atom */
	bool *is_asked[3];   /* by atom: has some deny it there? */
};

/* What is known where a permit's rule holds. */
struct permit {
	struct relate_known known;
	uint32_t number[3]; /* of its atoms */
};

/* ---- denies ---------------------------------------------------------------
 */

static void
enter(struct denies *d, uint32_t rule, uint32_t under)
{
	const uint32_t *atom = d->m->rules[rule].atom;
	struct entry *e = &d->entries[d->n];
	uint32_t *head;

	*e = (struct entry){ { atom[0], atom[1], atom[2], under, 0 }, rule };
	head = rule_table_head(&d->table, e->key);
	d->table.next[d->n] = *head;
	*head = ++d->n;
}

static void
enter_under_test(struct denies *d, uint32_t rule, uint32_t test)
{
	uint32_t path = find_path_key(d->m, test);

	enter(d, rule, test);
	if (find_is_implied(d->m, test))
		enter(d, rule, path);
}

/* The first test that atoms cannot say; NONE: there is none. */
static uint32_t
first_beside_atoms(const struct making *m, const struct known_list *l)
{
	uint32_t i = 0;

	while (i < l->n && m->tests[l->tests[i]].atom.kind != ATOM_ANY &&
	       m->tests[l->tests[i]].atom_is_exact)
		i++;
	return i < l->n ? l->tests[i] : NONE;
}

static void
enter_deny(struct denies *d, uint32_t rule, bool is_new_scope)
{
	const struct making *m = d->m;
	const struct known_list *l = &m->lists[m->rules[rule].list];
	uint32_t first = first_beside_atoms(m, l);

	for (unsigned v = 0; v < 3; v++)
		d->is_asked[v][m->rules[rule].atom[v]] = true;
	if (is_new_scope)
		enter(d, rule, UNDER_SCOPE);
	if (first == NONE)
		enter(d, rule, UNDER_ATOMS);
	else
		enter_under_test(d, rule, first);
	if (l->n && l->tests[0] != first)
		enter_under_test(d, rule, l->tests[0]);
}

static bool
is_deny(const struct rule *r)
{
	return r->effect == POLICY_DENY && !r->is_contained;
}

static uint32_t
count_denies(const struct making *m)
{
	uint32_t n = 0;

	for (size_t i = 0; i < m->n_rules; i++)
		n += is_deny(&m->rules[i]);
	return n;
}

/* Backwards, so that chains are in canonical order. */
static bool
make_denies(struct denies *d, struct making *m, uint32_t n)
{
	struct arena *a = m->each;
	const struct rule *last = NULL;

	*d = (struct denies){ .m = m };
	d->entries = ARENA_ARRAY(a, (size_t)ENTRIES_MAX * n, struct entry);
	d->wider = ARENA_ARRAY(a, m->n_atoms, struct wider);
	for (unsigned v = 0; v < 3; v++) {
		d->is_asked[v] = ARENA_ARRAY(a, m->n_atoms, bool);
		if (!d->is_asked[v])
			return false;
	}
	if (!d->entries || !d->wider ||
	    !rule_table_init(&d->table, a, (size_t)ENTRIES_MAX * n))
		return false;
	for (size_t i = m->n_rules; i-- > 0;) {
		const struct rule *r = &m->rules[i];

		if (!is_deny(r))
			continue;
		enter_deny(d, (uint32_t)i,
		    !last || memcmp(last->atom, r->atom, sizeof r->atom) != 0);
		last = r;
	}
	return true;
}

/* ---- one permit -------------------------------------------------------------
 */

/* Does the deny hold where that is known? Its atoms do. */
static bool
holds(const struct denies *d, const struct relate_known *known, uint32_t rule)
{
	const struct making *m = d->m;
	const struct known_list *l = &m->lists[m->rules[rule].list];

	for (uint32_t i = 0; i < l->n; i++)
		if (relate_outcome_of_all(m, known, l->tests[i]) != FACTS_TRUE)
			return false;
	return true;
}

/* The first deny under the key that holds where `known` does; with no such,
 * NULL, the first of all. */
static uint32_t
look_under(const struct denies *d, const uint32_t atom[3], uint32_t under,
    const struct relate_known *known)
{
	const uint32_t key[RULE_KEY] = { atom[0], atom[1], atom[2], under, 0 };
	uint32_t at = *rule_table_head(&d->table, key);
	unsigned tried = 0;

	for (; at && tried < TRIED_MAX; at = d->table.next[at - 1]) {
		const struct entry *e = &d->entries[at - 1];

		tried++;
		if (memcmp(e->key, key, sizeof key) == 0 &&
		    (!known || holds(d, known, e->rule)))
			return e->rule;
	}
	if (at)
		d->m->is_cut = true;
	return NONE;
}

static uint32_t
look_in(const struct denies *d, const uint32_t atom[3],
    const struct relate_known *known)
{
	uint32_t found = look_under(d, atom, UNDER_SCOPE, NULL), path;

	if (found == NONE)
		return NONE;
	found = look_under(d, atom, UNDER_ATOMS, known);
	for (uint32_t i = 0; i < known->n && found == NONE; i++) {
		found = look_under(d, atom, known->tests[i], known);
		path = find_path_key(d->m, known->tests[i]);
		if (found == NONE && path != NONE)
			found = look_under(d, atom, path, known);
	}
	return found;
}

static bool
find_wider(
    struct denies *d, const struct permit *p, unsigned var, struct wide *ret)
{
	struct making *m = d->m;
	struct normal_atom atoms[ATOMS_MAX];
	uint32_t n = relate_known_atoms(m, &p->known, var, atoms, ATOMS_MAX);
	struct wider *kept;

	if (n > ATOMS_MAX)
		m->is_cut = true;
	if (n != 1)
		return contain_wider_of_all(
		    m, atoms, n < ATOMS_MAX ? n : ATOMS_MAX, ret);
	kept = &d->wider[p->number[var]];
	if (kept->n == 0 && !contain_wider(m, &atoms[0], kept))
		return false;
	memcpy(ret->atoms, kept->atoms, kept->n * sizeof *kept->atoms);
	ret->n = kept->n;
	return true;
}

/* The atoms that denies have and that hold what is known of the element. */
static bool
widen(struct denies *d, const struct permit *p, unsigned var, struct wide *ret)
{
	uint32_t kept = 0;

	if (!find_wider(d, p, var, ret))
		return false;
	for (uint32_t i = 0; i < ret->n; i++)
		if (d->is_asked[var][ret->atoms[i]])
			ret->atoms[kept++] = ret->atoms[i];
	ret->n = kept;
	return true;
}

/* *ret_rule: NONE if no deny alone holds there. */
static bool
find_one(struct denies *d, const struct permit *p, uint32_t *ret_rule)
{
	struct wide w[3];

	*ret_rule = NONE;
	for (unsigned v = 0; v < 3; v++)
		if (!widen(d, p, v, &w[v]))
			return false;
	for (uint32_t i = 0; i < w[0].n; i++)
		for (uint32_t k = 0; k < w[1].n; k++)
			for (uint32_t l = 0; l < w[2].n; l++) {
				const uint32_t atom[] = { w[0].atoms[i],
					w[1].atoms[k], w[2].atoms[l] };

				*ret_rule = look_in(d, atom, &p->known);
				if (*ret_rule != NONE)
					return true;
			}
	return true;
}

static bool
add_deny(struct making *m, struct ids *by, uint32_t rule)
{
	for (size_t i = 0; i < by->n; i++)
		if (by->items[i] == rule)
			return true;
	return ids_add(m->scratch, by, rule);
}

/* A set that is left whole, by the scope or by a test; NULL: there is none. */
static const struct normal_atom *
find_set(const struct denies *d, const struct permit *p,
    struct normal_atom atoms[ATOMS_MAX], unsigned *ret_var)
{
	for (unsigned v = 0; v < 3; v++) {
		uint32_t n =
		    relate_known_atoms(d->m, &p->known, v, atoms, ATOMS_MAX);

		*ret_var = v;
		for (uint32_t i = 0; i < n && i < ATOMS_MAX; i++)
			if (atoms[i].kind == ATOM_SET)
				return &atoms[i];
	}
	return NULL;
}

/* Each member of a set by a deny of its own; without one for each, none. */
static bool
find_by_member(struct denies *d, const struct permit *p, struct ids *by)
{
	struct normal_atom atoms[ATOMS_MAX], member;
	struct permit one = *p;
	const struct normal_atom *set =
	    find_set(d, p, atoms, &one.known.member_var);

	one.known.member = &member;
	for (uint32_t i = 0; set && i < set->n_members; i++) {
		uint32_t found;

		member = (struct normal_atom){
			.kind = set->is_in ? ATOM_IN : ATOM_EQ,
			.uid = set->members[i],
		};
		if (!find_one(d, &one, &found))
			return false;
		if (found == NONE) {
			by->n = 0;
			return true;
		}
		if (!add_deny(d->m, by, found))
			return false;
	}
	return true;
}

static bool
find_denies(struct denies *d, const struct rule *permit, struct ids *by)
{
	const struct making *m = d->m;
	const struct known_list *l = &m->lists[permit->list];
	struct permit p = { .known = { .tests = l->tests, .n = l->n } };
	uint32_t found;

	for (unsigned v = 0; v < 3; v++) {
		p.number[v] = permit->atom[v];
		p.known.atom[v] = &m->atoms[permit->atom[v]];
	}
	if (!find_one(d, &p, &found))
		return false;
	if (found != NONE)
		return add_deny(d->m, by, found);
	return find_by_member(d, &p, by);
}

bool
denied_find(struct making *m, struct error *reterr)
{
	uint32_t n = count_denies(m);
	struct denies d;

	arena_reset(m->each);
	if (n == 0)
		return true;
	if (!make_denies(&d, m, n))
		return error_nomem(reterr);
	for (size_t i = 0; i < m->n_rules; i++) {
		struct rule_more *more;

		if (m->rules[i].effect != POLICY_PERMIT)
			continue;
		more = rules_more(m, &m->rules[i]);
		if (!more || !find_denies(&d, &m->rules[i], &more->denied_by))
			return error_nomem(reterr);
	}
	return true;
}
