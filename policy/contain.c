/* contain.c - rules that others cover leave the decision index and hang below
 * their covers, as attribution (P7): asked only where a cover holds or errs.
 * A rule of an indivisible set may be covered member by member, by a union.
 * Rules come in canonical order; each looks for a cover among those that have
 * not left, so that two which cover each other never both leave, and ties do
 * not depend on the order of files. What hangs below one that leaves moves up
 * with it. Since each rule below a cover is looked at one by one, there are at
 * most below_max of them; the others stay.
 * Covers are looked up by what can be more general than each atom, and by one
 * of the tests; so the cost is O(n) probes, each bounded by PROBE_MAX.
 * In the same way permits look for denies that hold wherever they do; nothing
 * leaves for that, it is only said (for people). */
#include "policy/canon.h"
#include "policy/relate.h"

#define PROBE_MAX 64u
#define NO_TEST UINT32_MAX

/* Rules by effect, atoms and what their list begins with: two entries a rule.
 */
struct finder {
	struct making *m;
	struct rule_table table;
	struct wider *wider; /* by atom */
};

/* ---- looking up -----------------------------------------------------------
 */

/* Tests on the same path may imply one another; they are found by it. */
static uint32_t
path_key(const struct making *m, uint32_t test)
{
	const struct normal_conjunct *c = &m->tests[test].conjunct;

	if (c->form != FORM_EQ && c->form != FORM_ORDER)
		return NO_TEST;
	return 0x80000000u | c->path;
}

/* A comparison with one value follows from nothing but itself. */
static bool
is_implied(const struct normal_conjunct *c)
{
	return c->form == FORM_ORDER || (c->form == FORM_EQ && c->form_negated);
}

/* What an entry of the rule stands under: its first test, or that one's path.
 */
static uint32_t
begins(const struct making *m, uint32_t entry)
{
	const struct known_list *l = &m->lists[m->rules[entry / 2].list];

	if (l->n == 0)
		return NO_TEST;
	if (entry % 2 == 0)
		return l->tests[0];
	return is_implied(&m->tests[l->tests[0]].conjunct)
		   ? path_key(m, l->tests[0])
		   : NO_TEST;
}

static void
enter(struct finder *f, uint32_t entry)
{
	const struct rule *r = &f->m->rules[entry / 2];
	uint32_t key[RULE_KEY] = { r->effect, r->atom[0], r->atom[1],
		r->atom[2], begins(f->m, entry) };
	uint32_t *head;

	if (entry % 2 && key[4] == NO_TEST)
		return;
	head = rule_table_head(&f->table, key);
	f->table.next[entry] = *head;
	*head = entry + 1;
}

static bool
make_finder(struct finder *f, struct making *m)
{
	f->m = m;
	f->wider = ARENA_ARRAY(m->each, m->n_atoms, struct wider);
	if (!f->wider || !rule_table_init(&f->table, m->each, 2 * m->n_rules))
		return false;
	/* Backwards, so that chains are in canonical order. */
	for (uint32_t i = 2 * (uint32_t)m->n_rules; i-- > 0;)
		enter(f, i);
	return true;
}

/* ---- what can be wider than an atom ---------------------------------------
 */

static bool
add_wider(struct making *m, struct wider *w, struct normal_atom atom)
{
	uint32_t id;

	m->text.n = 0;
	canon_atom(&m->text, &atom);
	if (!buf_ok(&m->text))
		return false;
	id = intern_find(m->atom_texts, STR(""), buf_str(&m->text));
	for (size_t i = 0; i < w->n; i++)
		if (w->atoms[i] == id)
			return true;
	if (id != INTERN_NONE && w->n < WIDER_MAX)
		w->atoms[w->n++] = id;
	return true;
}

bool
contain_wider(struct making *m, const struct normal_atom *atom, struct wider *w)
{
	bool has_uid = atom->kind == ATOM_EQ || atom->kind == ATOM_IN ||
		       atom->kind == ATOM_IS_IN;
	struct str type = atom->kind == ATOM_EQ ? atom->uid.type : atom->type;
	struct normal_atom in = { .kind = ATOM_IN, .uid = atom->uid };
	struct normal_atom is = { .kind = ATOM_IS, .type = type };
	struct normal_atom both = {
		.kind = ATOM_IS_IN, .type = type, .uid = atom->uid
	};

	return add_wider(m, w, *atom) && (!has_uid || add_wider(m, w, in)) &&
	       (!type.n || add_wider(m, w, is)) &&
	       (!has_uid || !type.n || add_wider(m, w, both)) &&
	       add_wider(m, w, (struct normal_atom){ .kind = ATOM_ANY });
}

/* `w`: what is known of the atom so far. NULL when memory is out. */
static const struct wider *
wider_than(struct finder *f, const struct normal_atom *atom, struct wider *w)
{
	return w->n > 0 || contain_wider(f->m, atom, w) ? w : NULL;
}

/* ---- covers ---------------------------------------------------------------
 */

/* A rule that covers rule `x`, if its atoms were these. */
struct search {
	struct finder *f;
	uint32_t x;
	enum policy_effect effect; /* of the cover: the rule's own, or deny */
	uint32_t found;            /* or UINT32_MAX */
	bool is_lone;              /* no other rule has the scope of x */
};

/* Has the cover room below it? One of the other effect gets nothing there. */
static bool
can_take(const struct search *s, const struct rule *cover)
{
	struct making *m = s->f->m;

	if (s->effect != m->rules[s->x].effect ||
	    cover->below.n < m->options.below_max)
		return true;
	m->is_cut = true;
	return false;
}

static bool
can_cover(const struct search *s, uint32_t rule)
{
	const struct rule *r = &s->f->m->rules[rule];

	return rule != s->x && !r->is_contained &&
	       relate_list_covers(
		   s->f->m, r->list, s->f->m->rules[s->x].list) &&
	       can_take(s, r);
}

/* Is it an entry of this key, or one that only fell into the same place? */
static bool
is_under(const struct finder *f, uint32_t entry, const uint32_t key[RULE_KEY])
{
	const struct rule *r = &f->m->rules[entry / 2];

	return r->effect == key[0] &&
	       memcmp(r->atom, &key[1], sizeof r->atom) == 0 &&
	       begins(f->m, entry) == key[4];
}

static void
probe(struct search *s, const uint32_t atoms[3], uint32_t first)
{
	const struct rule_table *t = &s->f->table;
	uint32_t key[RULE_KEY] = { s->effect, atoms[0], atoms[1], atoms[2],
		first };
	uint32_t entry = *rule_table_head(t, key);
	unsigned tried = 0;

	for (; entry && tried < PROBE_MAX; entry = t->next[entry - 1]) {
		if (!is_under(s->f, entry - 1, key))
			continue;
		if (can_cover(s, (entry - 1) / 2)) {
			s->found = (entry - 1) / 2;
			return;
		}
		tried++;
	}
	if (entry)
		s->f->m->is_cut = true;
}

static bool
same_scope(const struct rule *x, const struct rule *y)
{
	return x->effect == y->effect &&
	       memcmp(x->atom, y->atom, sizeof x->atom) == 0;
}

/* Has no other rule the scope of rule x? Rules come in canonical order, so it
 * would be its neighbour. */
static bool
is_lone(const struct search *s)
{
	const struct making *m = s->f->m;
	const struct rule *x = &m->rules[s->x];

	return s->effect == x->effect && (s->x == 0 || !same_scope(x, x - 1)) &&
	       (s->x + 1 == m->n_rules || !same_scope(x, x + 1));
}

static void
probe_tests(struct search *s, const uint32_t atoms[3])
{
	const struct making *m = s->f->m;
	const struct known_list *l = &m->lists[m->rules[s->x].list];

	/* Most often there is nothing but the rule itself. */
	if (s->is_lone &&
	    memcmp(atoms, m->rules[s->x].atom, sizeof m->rules->atom) == 0)
		return;
	probe(s, atoms, NO_TEST);
	for (uint32_t i = 0; i < l->n && s->found == UINT32_MAX; i++) {
		uint32_t path = path_key(m, l->tests[i]);

		probe(s, atoms, l->tests[i]);
		if (s->found == UINT32_MAX && path != NO_TEST)
			probe(s, atoms, path);
	}
}

/* `atoms` are rule x's own, but for the one at `other` (3: none). */
static bool
find_cover(struct search *s, const struct normal_atom atoms[3], size_t other)
{
	const struct rule *r = &s->f->m->rules[s->x];
	struct wider spare = { 0 };
	const struct wider *w[3];

	s->found = UINT32_MAX;
	for (size_t i = 0; i < 3; i++) {
		struct wider *own = &s->f->wider[r->atom[i]];

		w[i] = wider_than(s->f, &atoms[i], i == other ? &spare : own);
		if (!w[i])
			return false;
	}
	for (size_t i = 0; i < w[0]->n; i++)
		for (size_t k = 0; k < w[1]->n; k++)
			for (size_t l = 0; l < w[2]->n; l++) {
				uint32_t ids[] = { w[0]->atoms[i],
					w[1]->atoms[k], w[2]->atoms[l] };

				if (s->found == UINT32_MAX)
					probe_tests(s, ids);
			}
	return true;
}

static bool
add_cover(struct making *m, struct ids *covers, uint32_t cover)
{
	for (size_t i = 0; i < covers->n; i++)
		if (covers->items[i] == cover)
			return true;
	return ids_add(m->scratch, covers, cover);
}

/* Each member of the first set of the rule by a cover of its own; without one
 * for each, none. */
static bool
find_union(
    struct search *s, const struct normal_atom own[3], struct ids *covers)
{
	struct making *m = s->f->m;
	struct normal_atom atoms[3] = { own[0], own[1], own[2] };
	size_t at = 0;

	while (at < 3 && own[at].kind != ATOM_SET)
		at++;
	if (at == 3)
		return true;
	for (uint32_t i = 0; i < own[at].n_members; i++) {
		atoms[at] = (struct normal_atom){
			.kind = own[at].is_in ? ATOM_IN : ATOM_EQ,
			.uid = own[at].members[i],
		};
		if (!find_cover(s, atoms, at))
			return false;
		if (s->found == UINT32_MAX) {
			covers->n = 0;
			return true;
		}
		if (!add_cover(m, covers, s->found))
			return false;
	}
	return true;
}

/* One rule that covers it, or several that do so together, or none. */
static bool
find_covers(
    struct finder *f, uint32_t x, enum policy_effect effect, struct ids *covers)
{
	struct search s = { .f = f, .x = x, .effect = effect };
	struct normal_atom atoms[3];

	s.is_lone = is_lone(&s);
	for (size_t i = 0; i < 3; i++)
		atoms[i] = f->m->atoms[f->m->rules[x].atom[i]];
	if (!find_cover(&s, atoms, 3))
		return false;
	if (s.found != UINT32_MAX)
		return add_cover(f->m, covers, s.found);
	return find_union(&s, atoms, covers);
}

/* ---- hanging --------------------------------------------------------------
 */

static bool
has_room(struct making *m, const struct rule *x, const struct ids *covers)
{
	for (size_t i = 0; i < covers->n; i++)
		if (m->rules[covers->items[i]].below.n + 1 + x->below.n >
		    m->options.below_max) {
			m->is_cut = true;
			return false;
		}
	return covers->n > 0;
}

static bool
hang(struct making *m, uint32_t x, const struct ids *covers)
{
	struct rule *rule = &m->rules[x];

	for (size_t i = 0; i < covers->n; i++) {
		struct rule *cover = &m->rules[covers->items[i]];

		for (size_t k = 0; k < rule->below.n; k++)
			if (!add_cover(m, &cover->below, rule->below.items[k]))
				return false;
		if (!add_cover(m, &cover->below, x))
			return false;
		rules_note(m, "hung below", rule->parents.items[0],
		    cover->parents.items[0]);
	}
	rule->below.n = 0;
	rule->is_contained = true;
	return true;
}

bool
contain_hang(struct making *m, uint32_t x, const struct ids *covers)
{
	return !has_room(m, &m->rules[x], covers) || hang(m, x, covers);
}

static bool
contain(struct finder *f, uint32_t x)
{
	struct making *m = f->m;
	struct ids covers = { 0 };

	if (!find_covers(f, x, m->rules[x].effect, &covers))
		return false;
	return contain_hang(m, x, &covers);
}

bool
contain_rules(struct making *m, struct error *reterr)
{
	struct finder f = { 0 };

	arena_reset(m->each);
	if (!make_finder(&f, m))
		return error_nomem(reterr);
	for (uint32_t i = 0; i < m->n_rules; i++)
		if (!m->rules[i].is_contained && !contain(&f, i))
			return error_nomem(reterr);
	return true;
}

/* ---- permits that denies beat ----------------------------------------------
 */

bool
contain_denied(struct making *m, struct error *reterr)
{
	struct finder f = { 0 };

	arena_reset(m->each);
	if (!make_finder(&f, m))
		return error_nomem(reterr);
	for (uint32_t i = 0; i < m->n_rules; i++)
		if (m->rules[i].effect == POLICY_PERMIT &&
		    !find_covers(&f, i, POLICY_DENY, &m->rules[i].denied_by))
			return error_nomem(reterr);
	return true;
}
