/* contain.c - rules that others cover leave the decision index and hang below
 * their covers, as attribution (P7): asked only where a cover holds or errs.
 * A rule of an indivisible set may be covered member by member, by a union.
 * Rules come in canonical order; each looks for a cover among those that have
 * not left, so that two which cover each other never both leave, and ties do
 * not depend on the order of files. What hangs below one that leaves moves up
 * with it. Since each rule below a cover is looked at one by one, there are at
 * most below_max of them; the others stay.
 * Covers are looked up by what can be more general than each atom, and by one
 * of the tests; so the cost is O(n) probes, each bounded by PROBE_MAX. */
#include "policy/canon.h"
#include "policy/relate.h"

#define PROBE_MAX 64u
#define NO_TEST UINT32_MAX
#define WIDER_MAX 8u

/* Rules by effect, atoms and what their list begins with. */
struct finder {
	struct making *m;
	struct intern *keys;
	uint32_t *first; /* by key: a rule, plus one */
	uint32_t *next;  /* by entry: two a rule */
	size_t cap_first;
};

struct wider {
	uint32_t atoms[WIDER_MAX];
	size_t n;
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

static struct str
key_text(uint32_t key[5])
{
	return (struct str){ (const char *)key, 5 * sizeof *key };
}

static bool
enter(struct finder *f, uint32_t rule, uint32_t begins, uint32_t entry)
{
	const struct rule *r = &f->m->rules[rule];
	uint32_t key[5] = { r->effect, r->atom[0], r->atom[1], r->atom[2],
		begins };
	uint32_t id = intern_add(f->keys, STR(""), key_text(key));

	if (id == INTERN_NONE)
		return false;
	f->next[entry] = f->first[id];
	f->first[id] = entry + 1;
	return true;
}

/* Backwards, so that chains are in canonical order. */
static bool
enter_all(struct finder *f)
{
	struct making *m = f->m;

	for (uint32_t i = (uint32_t)m->n_rules; i-- > 0;) {
		const struct known_list *l = &m->lists[m->rules[i].list];
		uint32_t path = l->n ? path_key(m, l->tests[0]) : NO_TEST;

		if (!enter(f, i, l->n ? l->tests[0] : NO_TEST, 2 * i))
			return false;
		if (path != NO_TEST && !enter(f, i, path, 2 * i + 1))
			return false;
	}
	return true;
}

static bool
make_finder(struct finder *f, struct making *m)
{
	f->m = m;
	f->cap_first = 2 * m->n_rules + 1;
	f->keys = intern_new(m->each, NULL);
	f->first = ARENA_ARRAY(m->each, f->cap_first, uint32_t);
	f->next = ARENA_ARRAY(m->each, f->cap_first, uint32_t);
	return f->keys && f->first && f->next && enter_all(f);
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

/* The atoms that the rules have and that hold all that `atom` holds: itself
 * first. Sets and prefixes that do are not looked for. */
static bool
wider_than(struct making *m, const struct normal_atom *atom, struct wider *w)
{
	bool has_uid = atom->kind == ATOM_EQ || atom->kind == ATOM_IN ||
		       atom->kind == ATOM_IS_IN;
	struct str type = atom->kind == ATOM_EQ ? atom->uid.type : atom->type;
	struct normal_atom in = { .kind = ATOM_IN, .uid = atom->uid };
	struct normal_atom is = { .kind = ATOM_IS, .type = type };
	struct normal_atom both = {
		.kind = ATOM_IS_IN, .type = type, .uid = atom->uid
	};

	w->n = 0;
	return add_wider(m, w, *atom) && (!has_uid || add_wider(m, w, in)) &&
	       (!type.n || add_wider(m, w, is)) &&
	       (!has_uid || !type.n || add_wider(m, w, both)) &&
	       add_wider(m, w, (struct normal_atom){ .kind = ATOM_ANY });
}

/* ---- covers ---------------------------------------------------------------
 */

/* A rule that covers rule `x`, if its atoms were these. */
struct search {
	struct finder *f;
	uint32_t x;
	uint32_t found; /* or UINT32_MAX */
};

static bool
can_cover(const struct search *s, uint32_t rule)
{
	const struct rule *r = &s->f->m->rules[rule];

	return rule != s->x && !r->is_contained &&
	       r->below.n < s->f->m->options.below_max &&
	       relate_list_covers(s->f->m, r->list, s->f->m->rules[s->x].list);
}

static void
probe(struct search *s, const uint32_t atoms[3], uint32_t begins)
{
	uint32_t key[5] = { s->f->m->rules[s->x].effect, atoms[0], atoms[1],
		atoms[2], begins };
	uint32_t id = intern_find(s->f->keys, STR(""), key_text(key));
	uint32_t entry = id == INTERN_NONE ? 0 : s->f->first[id];

	for (unsigned i = 0; entry && i < PROBE_MAX; i++) {
		if (can_cover(s, (entry - 1) / 2)) {
			s->found = (entry - 1) / 2;
			return;
		}
		entry = s->f->next[entry - 1];
	}
}

static void
probe_tests(struct search *s, const uint32_t atoms[3])
{
	const struct making *m = s->f->m;
	const struct known_list *l = &m->lists[m->rules[s->x].list];

	probe(s, atoms, NO_TEST);
	for (uint32_t i = 0; i < l->n && s->found == UINT32_MAX; i++) {
		uint32_t path = path_key(m, l->tests[i]);

		probe(s, atoms, l->tests[i]);
		if (s->found == UINT32_MAX && path != NO_TEST)
			probe(s, atoms, path);
	}
}

/* `atoms`: rule x's own, or with one member for its set. */
static bool
find_cover(struct search *s, const struct normal_atom atoms[3])
{
	struct wider w[3];

	s->found = UINT32_MAX;
	for (size_t i = 0; i < 3; i++)
		if (!wider_than(s->f->m, &atoms[i], &w[i]))
			return false;
	for (size_t i = 0; i < w[0].n; i++)
		for (size_t k = 0; k < w[1].n; k++)
			for (size_t l = 0; l < w[2].n; l++) {
				uint32_t ids[] = { w[0].atoms[i], w[1].atoms[k],
					w[2].atoms[l] };

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
find_union(struct search *s, struct ids *covers)
{
	struct making *m = s->f->m;
	struct normal_atom atoms[3], set = { 0 };
	size_t at = 0;

	for (size_t i = 0; i < 3; i++)
		atoms[i] = m->atoms[m->rules[s->x].atom[i]];
	while (at < 3 && atoms[at].kind != ATOM_SET)
		at++;
	if (at == 3)
		return true;
	set = atoms[at];
	for (uint32_t i = 0; i < set.n_members; i++) {
		atoms[at] = (struct normal_atom){
			.kind = set.is_in ? ATOM_IN : ATOM_EQ,
			.uid = set.members[i],
		};
		if (!find_cover(s, atoms))
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

/* ---- hanging --------------------------------------------------------------
 */

static bool
has_room(const struct making *m, const struct rule *x, const struct ids *covers)
{
	for (size_t i = 0; i < covers->n; i++)
		if (m->rules[covers->items[i]].below.n + 1 + x->below.n >
		    m->options.below_max)
			return false;
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

static bool
contain(struct finder *f, uint32_t x)
{
	struct making *m = f->m;
	struct search s = { .f = f, .x = x };
	struct normal_atom atoms[3];
	struct ids covers = { 0 };

	for (size_t i = 0; i < 3; i++)
		atoms[i] = m->atoms[m->rules[x].atom[i]];
	if (!find_cover(&s, atoms))
		return false;
	if (s.found != UINT32_MAX && !add_cover(m, &covers, s.found))
		return false;
	if (covers.n == 0 && !find_union(&s, &covers))
		return false;
	return !has_room(m, &m->rules[x], &covers) || hang(m, x, &covers);
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
