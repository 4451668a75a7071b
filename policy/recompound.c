/* recompound.c - rules that differ in one element alone, and have the same
 * parents, become one rule of a closed set of that element's atoms (P8).
 * A set holds exactly the atoms that were there: `in G` is never written for
 * the members of G, since it would hold G itself and who joins it later. Along
 * which elements is asked for by the options; none by default, as an index
 * wants single atoms. Sets of equal and of contained entities stay apart.
 * Cost O(n log n). */
#include "policy/rules.h"

#include <stdlib.h>

struct group {
	struct ids rules;
};

static bool
is_joinable(const struct making *m, const struct rule *r, unsigned var)
{
	const struct normal_atom *atom = &m->atoms[r->atom[var]];

	return !r->is_contained && r->below.n == 0 &&
	       (atom->kind == ATOM_EQ || atom->kind == ATOM_IN ||
		   atom->kind == ATOM_SET);
}

static bool
is_in(const struct normal_atom *atom)
{
	return atom->kind == ATOM_IN || (atom->kind == ATOM_SET && atom->is_in);
}

/* What rules that can be joined have in common. */
static uint32_t
group_of(
    struct making *m, struct intern *keys, const struct rule *r, unsigned var)
{
	uint32_t key[] = { r->effect, r->atom[0], r->atom[1], r->atom[2],
		r->list };

	key[1 + var] = is_in(&m->atoms[r->atom[var]]);
	m->text.n = 0;
	buf_add(&m->text, (struct str){ (const char *)key, sizeof key });
	buf_add(&m->text, (struct str){ (const char *)r->parents.items,
			      r->parents.n * sizeof *r->parents.items });
	return buf_ok(&m->text) ? intern_add(keys, STR(""), buf_str(&m->text))
				: INTERN_NONE;
}

static uint32_t
add_members(const struct normal_atom *atom, struct uid *to)
{
	if (atom->kind != ATOM_SET) {
		if (to)
			to[0] = atom->uid;
		return 1;
	}
	if (to)
		memcpy(to, atom->members, atom->n_members * sizeof *to);
	return atom->n_members;
}

static bool
join(struct making *m, const struct group *group, unsigned var)
{
	struct rule *first = &m->rules[group->rules.items[0]];
	struct normal_atom set = { .kind = ATOM_SET,
		.is_in = is_in(&m->atoms[first->atom[var]]) };
	struct uid *members;
	uint32_t n = 0, kept = 0;

	for (size_t i = 0; i < group->rules.n; i++)
		n += add_members(
		    &m->atoms[m->rules[group->rules.items[i]].atom[var]], NULL);
	members = ARENA_ARRAY(m->a, n, struct uid);
	if (!members)
		return false;
	n = 0;
	for (size_t i = 0; i < group->rules.n; i++) {
		struct rule *r = &m->rules[group->rules.items[i]];

		n += add_members(&m->atoms[r->atom[var]], members + n);
		/* Taken out below. */
		if (i > 0)
			r->parents.n = 0;
	}
	qsort(members, n, sizeof *members, uid_compare);
	for (uint32_t i = 0; i < n; i++)
		if (kept == 0 || !uid_eq(members[kept - 1], members[i]))
			members[kept++] = members[i];
	set.members = members;
	set.n_members = kept;
	first->atom[var] = rules_atom(m, &set);
	rules_note(
	    m, "joined", first->parents.items[0], first->parents.items[0]);
	return first->atom[var] != UINT32_MAX;
}

/* The rules whose number changes: below-lists follow. */
static bool
drop_joined(struct making *m)
{
	uint32_t *moved = ARENA_ARRAY(m->each, m->n_rules, uint32_t);
	size_t kept = 0;

	if (!moved)
		return false;
	for (size_t i = 0; i < m->n_rules; i++)
		if (m->rules[i].parents.n > 0) {
			moved[i] = (uint32_t)kept;
			m->rules[kept++] = m->rules[i];
		}
	m->n_rules = kept;
	for (size_t i = 0; i < kept; i++)
		for (size_t k = 0; k < m->rules[i].below.n; k++)
			m->rules[i].below.items[k] =
			    moved[m->rules[i].below.items[k]];
	return true;
}

static bool
join_along(struct making *m, unsigned var)
{
	struct intern *keys = intern_new(m->each, NULL);
	struct group *groups = ARENA_ARRAY(m->each, m->n_rules, struct group);
	uint32_t n = 0;

	if (!keys || !groups)
		return false;
	for (uint32_t i = 0; i < m->n_rules; i++) {
		uint32_t id;

		if (!is_joinable(m, &m->rules[i], var))
			continue;
		id = group_of(m, keys, &m->rules[i], var);
		if (id == INTERN_NONE ||
		    !ids_add(m->each, &groups[id].rules, i))
			return false;
	}
	n = intern_count(keys);
	for (uint32_t i = 0; i < n; i++)
		if (groups[i].rules.n > 1 && !join(m, &groups[i], var))
			return false;
	return drop_joined(m);
}

bool
recompound_join(struct making *m, struct error *reterr)
{
	arena_reset(m->each);
	for (unsigned var = 0; var < 3; var++)
		if ((m->options.join & (1u << var)) && !join_along(m, var))
			return error_nomem(reterr);
	return true;
}
