/* follows.c - what follows where a rule holds: which denies hold wherever a
 * permit does, and which rules of its own effect do, that were not found as
 * covers by the scope's atoms alone (contain.c). It is only said, for people;
 * no rule leaves for it.
 * Where a rule holds, all of it does: its three atoms and each of its tests,
 * wherever these stood. A test of principal, action or resource alone so says
 * an atom beside the scope's: `principal == U` with `principal in G` lies in
 * what `principal in G` denies. A rule holds there when each of its atoms and
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
 *   its errors need not be the deny's. Of rules of one effect they count: where
 *   one of the tests errs only what stands before it holds, and the cover must
 *   hold or err there, too.
 * A permit of an indivisible set may be beaten member by member.
 * Rules are looked up by the atoms that are as wide and by a test: the first
 * of theirs, and where that is of one element, so that atoms may say it, the
 * first that is not. At most TRIED_MAX are compared for a look-up; over that,
 * or where tests say more than ATOMS_MAX atoms of an element, not all was
 * compared (is_cut). Cost: O(n log n) to make, some look-ups a rule. */
#include "policy/contain_find.h"
#include "policy/relate.h"

#define TRIED_MAX 64u
#define ATOMS_MAX 8u
#define NONE UINT32_MAX

/* What rules lie under beside a test or a path: by these no test is asked. */
#define UNDER_SCOPE (UINT32_MAX - 1) /* one a scope: is there any? */
#define UNDER_ATOMS (UINT32_MAX - 2) /* atoms may say all its tests */

struct entry {
	uint32_t key[RULE_KEY]; /* effect, atoms, what it lies under */
	uint32_t rule;
};

struct rules {
	struct making *m;
	struct rule_table table;
	struct entry *entries; /* NULL: they are counted */
	uint32_t n;
	struct wider *wider; /* by atom */
	bool *is_asked[3];   /* by atom: has some rule it there? */
};

/* What is known where a rule holds, and the effect of what is looked for. */
struct held {
	uint32_t rule;
	enum policy_effect effect;
	struct relate_known known;
	uint32_t n_total;   /* tests from there on count where they err */
	uint32_t number[3]; /* of its atoms */
};

/* ---- all rules ------------------------------------------------------------
 */

static void
enter(struct rules *d, uint32_t rule, uint32_t under)
{
	const struct rule *r = &d->m->rules[rule];
	struct entry e = {
		{ r->effect, r->atom[0], r->atom[1], r->atom[2], under }, rule
	};
	uint32_t at = d->n++, *head;

	if (!d->entries)
		return;
	d->entries[at] = e;
	head = rule_table_head(&d->table, e.key);
	d->table.next[at] = *head;
	*head = at + 1;
}

static void
enter_under_test(struct rules *d, uint32_t rule, uint32_t test)
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
enter_rule(struct rules *d, uint32_t rule)
{
	const struct making *m = d->m;
	const struct known_list *l = &m->lists[m->rules[rule].list];
	uint32_t first = first_beside_atoms(m, l);

	for (unsigned v = 0; v < 3; v++)
		d->is_asked[v][m->rules[rule].atom[v]] = true;
	if (first == NONE)
		enter(d, rule, UNDER_ATOMS);
	else
		enter_under_test(d, rule, first);
	if (l->n && l->tests[0] != first)
		enter_under_test(d, rule, l->tests[0]);
}

static bool
same_scope(const struct rule *x, const struct rule *y)
{
	return x->effect == y->effect &&
	       memcmp(x->atom, y->atom, sizeof x->atom) == 0;
}

/* Backwards, so that chains are in canonical order. */
static void
enter_rules(struct rules *d)
{
	const struct making *m = d->m;
	const struct rule *last = NULL;

	d->n = 0;
	for (size_t i = m->n_rules; i-- > 0;) {
		const struct rule *r = &m->rules[i];

		if (r->is_contained)
			continue;
		if (!last || !same_scope(last, r))
			enter(d, (uint32_t)i, UNDER_SCOPE);
		enter_rule(d, (uint32_t)i);
		last = r;
	}
}

static bool
make_rules(struct rules *d, struct making *m)
{
	struct arena *a = m->each;
	struct entry *entries;

	*d = (struct rules){ .m = m };
	for (unsigned v = 0; v < 3; v++) {
		d->is_asked[v] = ARENA_ARRAY(a, m->n_atoms, bool);
		if (!d->is_asked[v])
			return false;
	}
	enter_rules(d);
	d->wider = ARENA_ARRAY(a, m->n_atoms, struct wider);
	entries = ARENA_ARRAY(a, d->n, struct entry);
	if (!d->wider || !entries || !rule_table_init(&d->table, a, d->n))
		return false;
	d->entries = entries;
	enter_rules(d);
	return true;
}

/* ---- one rule -------------------------------------------------------------
 */

/* Has it a policy that the other has not? Both are in order. */
static bool
has_other_parent(struct rule *cover, struct rule *x)
{
	const uint32_t *parents = few_items(&cover->parents);
	const uint32_t *own = few_items(&x->parents);
	uint32_t k = 0;

	for (uint32_t i = 0; i < cover->parents.n; i++) {
		while (k < x->parents.n && own[k] < parents[i])
			k++;
		if (k == x->parents.n || own[k] != parents[i])
			return true;
	}
	return false;
}

/* What a policy's own rules cover is no other's. */
static bool
is_found(const struct rules *d, const struct held *p, uint32_t rule)
{
	struct making *m = d->m;
	struct rule *cover = &m->rules[rule], *x = &m->rules[p->rule];

	return (p->effect != x->effect ||
		   (rule != p->rule && has_other_parent(cover, x))) &&
	       relate_known_covered(m, &p->known, p->n_total, cover->atom,
		   &m->lists[cover->list]);
}

/* The first rule under the key that is found; UNDER_SCOPE: any. */
static uint32_t
look_under(const struct rules *d, const uint32_t atom[3], uint32_t under,
    const struct held *p)
{
	const uint32_t key[RULE_KEY] = { p->effect, atom[0], atom[1], atom[2],
		under };
	uint32_t at = *rule_table_head(&d->table, key);
	unsigned tried = 0;

	for (; at && tried < TRIED_MAX; at = d->table.next[at - 1]) {
		const struct entry *e = &d->entries[at - 1];

		tried++;
		if (memcmp(e->key, key, sizeof key) == 0 &&
		    (under == UNDER_SCOPE || is_found(d, p, e->rule)))
			return e->rule;
	}
	if (at)
		d->m->is_cut = true;
	return NONE;
}

static uint32_t
look_in(const struct rules *d, const uint32_t atom[3], const struct held *p)
{
	const struct relate_known *known = &p->known;
	uint32_t found;

	if (look_under(d, atom, UNDER_SCOPE, p) == NONE)
		return NONE;
	found = look_under(d, atom, UNDER_ATOMS, p);
	for (uint32_t i = 0; i < known->n && found == NONE; i++) {
		uint32_t path = find_path_key(d->m, known->tests[i]);

		found = look_under(d, atom, known->tests[i], p);
		if (found == NONE && path != NONE)
			found = look_under(d, atom, path, p);
	}
	return found;
}

static bool
find_wider(
    struct rules *d, const struct held *p, unsigned var, struct wide *ret)
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

/* The atoms that rules have and that hold what is known of the element. */
static bool
widen(struct rules *d, const struct held *p, unsigned var, struct wide *ret)
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

/* *ret_rule: NONE if no rule alone holds there. */
static bool
find_one(struct rules *d, const struct held *p, uint32_t *ret_rule)
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

				*ret_rule = look_in(d, atom, p);
				if (*ret_rule != NONE)
					return true;
			}
	return true;
}

static bool
add(struct making *m, struct ids *to, uint32_t rule)
{
	for (size_t i = 0; i < to->n; i++)
		if (to->items[i] == rule)
			return true;
	return ids_add(m->scratch, to, rule);
}

/* A set that is left whole, by the scope or by a test; NULL: there is none. */
static const struct normal_atom *
find_set(const struct rules *d, const struct held *p,
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
find_by_member(struct rules *d, const struct held *p, struct ids *by)
{
	struct normal_atom atoms[ATOMS_MAX], member;
	struct held one = *p;
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
		if (!add(d->m, by, found))
			return false;
	}
	return true;
}

/* ---- each rule ------------------------------------------------------------
 */

static struct held
held_of(const struct making *m, uint32_t rule)
{
	const struct rule *r = &m->rules[rule];
	const struct known_list *l = &m->lists[r->list];
	struct held p = { .rule = rule,
		.effect = r->effect,
		.known = { .tests = l->tests, .n = l->n },
		.n_total = l->n_total };

	for (unsigned v = 0; v < 3; v++) {
		p.number[v] = r->atom[v];
		p.known.atom[v] = &m->atoms[r->atom[v]];
	}
	return p;
}

static bool
find_denies(struct rules *d, uint32_t permit, struct ids *by)
{
	struct held p = held_of(d->m, permit);
	uint32_t found;

	p.effect = POLICY_DENY;
	p.n_total = p.known.n;
	if (!find_one(d, &p, &found))
		return false;
	if (found != NONE)
		return add(d->m, by, found);
	return find_by_member(d, &p, by);
}

/* Where no test says an atom, contain.c has looked. */
static bool
find_cover(struct rules *d, uint32_t rule, struct ids *by)
{
	struct held p = held_of(d->m, rule);
	uint32_t found = NONE;
	bool says = false;

	for (uint32_t i = 0; i < p.known.n; i++) {
		const struct known_test *t = &d->m->tests[p.known.tests[i]];

		says = says || (t->atom.kind != ATOM_ANY && !t->atom_negated);
	}
	if (!says || d->m->rules[rule].is_contained)
		return true;
	return find_one(d, &p, &found) &&
	       (found == NONE || add(d->m, by, found));
}

/* Few have any. */
static bool
find_both(struct rules *d, struct rule *r, uint32_t rule)
{
	struct ids denies = { 0 }, covers = { 0 };
	struct rule_more *more;

	if (!find_cover(d, rule, &covers) ||
	    (r->effect == POLICY_PERMIT && !find_denies(d, rule, &denies)))
		return false;
	if (denies.n == 0 && covers.n == 0)
		return true;
	more = rules_more(d->m, r);
	if (!more)
		return false;
	more->denied_by = denies;
	more->covered_by = covers;
	return true;
}

bool
follows_find(struct making *m, struct error *reterr)
{
	struct rules d;

	arena_reset(m->each);
	if (!make_rules(&d, m))
		return error_nomem(reterr);
	for (uint32_t i = 0; i < m->n_rules; i++)
		if (!find_both(&d, &m->rules[i], i))
			return error_nomem(reterr);
	return true;
}
