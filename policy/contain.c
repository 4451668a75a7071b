/* contain.c - rules that others cover leave the decision index and hang below
 * their covers, as attribution (P7): asked only where a cover holds or errs.
 * A rule of an indivisible set may be covered member by member, by a union.
 * Rules come in canonical order; each looks for a cover among those that have
 * not left, so that two which cover each other never both leave, and ties do
 * not depend on the order of files. What hangs below one that leaves moves up
 * with it. Since each rule below a cover is looked at one by one, there are at
 * most below_max of them; the others stay.
 * Covers are looked up by what can be more general than each atom, and by one
 * of the tests (contain_find.h): the first few of each rule by several threads,
 * since that does not depend on what has left. Then one goes through all rules.
 */
#include "policy/canon.h"
#include "policy/contain_find.h"

/* Rules a thread: for less none is started. */
#define RULES_A_THREAD 16384u

/* ---- what can be wider than an atom ---------------------------------------
 */

static bool
add_wider(struct making *m, struct wide *w, struct normal_atom atom)
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
	if (id == INTERN_NONE)
		return true;
	if (w->n < WIDE_MAX)
		w->atoms[w->n++] = id;
	else
		m->is_cut = true;
	return true;
}

static bool
has_uid(const struct normal_atom *atom)
{
	return atom->kind == ATOM_EQ || atom->kind == ATOM_IN ||
	       atom->kind == ATOM_IS_IN;
}

static bool
add_group(struct making *m, struct wide *w, const struct normal_atom *atom)
{
	return !has_uid(atom) ||
	       add_wider(m, w,
		   (struct normal_atom){ .kind = ATOM_IN, .uid = atom->uid });
}

static bool
add_type(struct making *m, struct wide *w, struct str type)
{
	return !type.n ||
	       add_wider(
		   m, w, (struct normal_atom){ .kind = ATOM_IS, .type = type });
}

static bool
add_type_and_group(struct making *m, struct wide *w, struct str type,
    const struct normal_atom *atom)
{
	return !has_uid(atom) || !type.n ||
	       add_wider(m, w,
		   (struct normal_atom){
		       .kind = ATOM_IS_IN, .type = type, .uid = atom->uid });
}

static struct str
type_of(const struct normal_atom *atom)
{
	return atom->kind == ATOM_EQ ? atom->uid.type : atom->type;
}

bool
contain_wider_of_all(struct making *m, const struct normal_atom *atoms,
    uint32_t n, struct wide *w)
{
	w->n = 0;
	for (uint32_t i = 0; i < n; i++) {
		if (!add_wider(m, w, atoms[i]) || !add_group(m, w, &atoms[i]) ||
		    !add_type(m, w, type_of(&atoms[i])))
			return false;
		for (uint32_t k = 0; k < n; k++)
			if (!add_type_and_group(
				m, w, type_of(&atoms[i]), &atoms[k]))
				return false;
	}
	return add_wider(m, w, (struct normal_atom){ .kind = ATOM_ANY });
}

bool
contain_wider(struct making *m, const struct normal_atom *atom, struct wider *w)
{
	struct wide wide;

	_Static_assert(WIDER_MAX >= 5, "itself, group, type, both, any");
	if (!contain_wider_of_all(m, atom, 1, &wide))
		return false;
	memcpy(w->atoms, wide.atoms, wide.n * sizeof *w->atoms);
	w->n = wide.n;
	return true;
}

/* ---- covers ---------------------------------------------------------------
 */

/* Has the cover room below it? */
static bool
can_take(struct making *m, const struct rule *cover)
{
	if (cover->below.n < m->options.below_max)
		return true;
	m->is_cut = true;
	return false;
}

/* Can the rule that was found be a cover as things are now? */
static bool
is_there(struct making *m, uint32_t cover)
{
	if (cover == FIND_CUT) {
		m->is_cut = true;
		return false;
	}
	return !m->rules[cover].is_contained && can_take(m, &m->rules[cover]);
}

static bool
take_first(struct search *s, uint32_t cover)
{
	uint32_t *found = s->ctx;

	if (!is_there(s->f->m, cover))
		return false;
	*found = cover;
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
find_union(const struct finder *f, uint32_t x, struct ids *covers)
{
	struct making *m = f->m;
	struct normal_atom atoms[3], own;
	size_t at = 0;

	while (at < 3 && m->atoms[m->rules[x].atom[at]].kind != ATOM_SET)
		at++;
	if (at == 3)
		return true;
	own = m->atoms[m->rules[x].atom[at]];
	for (uint32_t i = 0; i < own.n_members; i++) {
		uint32_t found = UINT32_MAX;
		struct search s = {
			.f = f, .x = x, .offer = take_first, .ctx = &found
		};

		atoms[at] = (struct normal_atom){
			.kind = own.is_in ? ATOM_IN : ATOM_EQ,
			.uid = own.members[i],
		};
		if (!find_covers_of(&s, atoms, at))
			return false;
		if (found == UINT32_MAX) {
			covers->n = 0;
			return true;
		}
		if (!add_cover(m, covers, found))
			return false;
	}
	return true;
}

/* One rule that covers it, or several that do so together, or none. */
static bool
find_all(const struct finder *f, uint32_t x, struct ids *covers)
{
	uint32_t found = UINT32_MAX;
	struct search s = {
		.f = f, .x = x, .offer = take_first, .ctx = &found
	};

	find_covers(&s);
	if (found != UINT32_MAX)
		return add_cover(f->m, covers, found);
	return find_union(f, x, covers);
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
add_below(struct making *m, struct rule *cover, uint32_t rule)
{
	const uint32_t *below = few_items(&cover->below);

	for (size_t i = 0; i < cover->below.n; i++)
		if (below[i] == rule)
			return true;
	return few_add(m->scratch, &cover->below, rule);
}

static bool
hang(struct making *m, uint32_t x, const struct ids *covers)
{
	struct rule *rule = &m->rules[x];

	for (size_t i = 0; i < covers->n; i++) {
		struct rule *cover = &m->rules[covers->items[i]];

		for (size_t k = 0; k < rule->below.n; k++)
			if (!add_below(m, cover, few_items(&rule->below)[k]))
				return false;
		if (!add_below(m, cover, x))
			return false;
		rules_note(m, "hung below", few_items(&rule->parents)[0],
		    few_items(&cover->parents)[0]);
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

/* ---- all rules -------------------------------------------------------------
 */

/* Most rules have fewer covers; for more they are searched again. */
#define KEPT_MAX 8u
#define KEPT_MORE (UINT32_MAX - 1) /* behind the last that was kept */

/* Covers of the rules [from, to), some of which may leave before they are
 * wanted. */
struct finding {
	const struct finder *f;
	struct arena *arena;
	uint32_t from, to;
	uint32_t *ends; /* of each rule's, by rule; all findings' */
	uint32_t *kept;
	size_t n, cap;
	uint32_t n_own; /* of the rule at hand */
	bool failed;
};

static bool
keep(struct search *s, uint32_t cover)
{
	struct finding *p = s->ctx;
	bool is_last = p->n_own++ == KEPT_MAX;

	if (!ARENA_PUSH_ROOM(p->arena, p->kept, p->n, p->cap)) {
		p->failed = true;
		return true;
	}
	p->kept[p->n++] = is_last ? KEPT_MORE : cover;
	return is_last;
}

static void
find_some(void *part)
{
	struct finding *p = part;

	for (uint32_t x = p->from; x < p->to && !p->failed; x++) {
		struct search s = {
			.f = p->f, .x = x, .offer = keep, .ctx = p
		};

		p->n_own = 0;
		if (!p->f->m->rules[x].is_contained)
			find_covers(&s);
		p->ends[x] = (uint32_t)p->n;
		p->failed = p->failed || p->n > UINT32_MAX;
	}
}

/* The first of those kept that is still there. */
static bool
choose(const struct finder *f, uint32_t x, const uint32_t *kept, size_t n,
    struct ids *covers)
{
	for (size_t i = 0; i < n; i++) {
		if (kept[i] == KEPT_MORE)
			return find_all(f, x, covers);
		if (is_there(f->m, kept[i]))
			return add_cover(f->m, covers, kept[i]);
	}
	return find_union(f, x, covers);
}

static bool
contain_some(const struct finding *p)
{
	struct making *m = p->f->m;
	size_t at = 0;

	for (uint32_t x = p->from; x < p->to; x++) {
		struct ids covers = { 0 };
		size_t n = p->ends[x] - at;
		/* None at all may be no list. */
		const uint32_t *kept = n ? p->kept + at : NULL;

		if (!m->rules[x].is_contained &&
		    !(choose(p->f, x, kept, n, &covers) &&
			contain_hang(m, x, &covers)))
			return false;
		at = p->ends[x];
	}
	return true;
}

static bool
contain_all(struct finder *f, struct finding *parts, size_t n)
{
	uint64_t total = f->m->n_rules;
	uint32_t *ends = ARENA_ARRAY(f->m->each, total, uint32_t);
	bool ok = ends != NULL;

	for (size_t i = 0; ok && i < n; i++) {
		parts[i] = (struct finding){ .f = f,
			.arena = arena_new(0),
			.from = (uint32_t)(total * i / n),
			.to = (uint32_t)(total * (i + 1) / n),
			.ends = ends };
		ok = parts[i].arena != NULL;
	}
	if (ok)
		parallel_each(find_some, parts, sizeof *parts, n);
	for (size_t i = 0; ok && i < n; i++)
		ok = !parts[i].failed && contain_some(&parts[i]);
	for (size_t i = 0; i < n; i++)
		arena_free(parts[i].arena);
	return ok;
}

bool
contain_rules(struct making *m, struct error *reterr)
{
	size_t n = parallel_threads(m, m->n_rules, RULES_A_THREAD);
	struct finding parts[PARALLEL_MAX] = { { 0 } };
	struct finder f;

	arena_reset(m->each);
	if (!finder_make(&f, m, n) || !contain_all(&f, parts, n))
		return error_nomem(reterr);
	return true;
}
