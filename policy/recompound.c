/* recompound.c - rules that differ in one element alone become one rule of a
 * closed set of that element's atoms, to the granularity asked for (P8).
 * A set holds exactly the atoms that were there: `in G` is never written for
 * the members of G, since it would hold G itself and who joins it later. What
 * was joined stays with it as parts, each with its own atoms and parents: a
 * decision names the parents of the parts that hold, and errors are as before,
 * since the parts have one list of tests. After one element the next: rules
 * that have the same set are joined like those that have the same atom, so a
 * set of parts is always a whole product. Sets of equal and of contained
 * entities stay apart. What hangs below a part hangs below the whole. By
 * default nothing is joined, as an index wants single atoms.
 * Cost O(n log n). */
#include "policy/rules.h"

#include <stdlib.h>

#include "base/sort.h"

struct group {
	struct ids rules;
};

static bool
is_in(const struct normal_atom *atom)
{
	return atom->kind == ATOM_IN || (atom->kind == ATOM_SET && atom->is_in);
}

/* The entities that the atom names; 0: it is no atom of entities. */
static uint32_t
members_of(const struct normal_atom *atom, const struct uid **ret)
{
	bool is_set = atom->kind == ATOM_SET;

	*ret = is_set ? atom->members : &atom->uid;
	if (!is_set && atom->kind != ATOM_EQ && atom->kind != ATOM_IN)
		return 0;
	return is_set ? atom->n_members : 1;
}

/* The entity's indivisible set, from 1; 0: none. */
static uint32_t
owner_of(const struct making *m, unsigned var, struct uid uid)
{
	uint32_t id = intern_find(m->indivisible[var], uid.type, uid.id);

	return id == INTERN_NONE ? 0 : m->owners[var].items[id] + 1;
}

/* What all members must share to be joined: a type, an indivisible set, or
 * nothing. *ret_owner and *ret_type tell one from another. */
static bool
grain_of(const struct making *m, const struct normal_atom *atom, unsigned var,
    uint32_t *ret_owner, struct str *ret_type)
{
	enum normal_granularity level = m->options.granularity[var];
	const struct uid *members;
	uint32_t n = members_of(atom, &members);

	*ret_owner = 0;
	*ret_type = STR("");
	if (n == 0 || level == GRAIN_EACH || level == GRAIN_ALL)
		return n > 0 && level == GRAIN_ALL;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t owner = owner_of(m, var, members[i]);

		if (level == GRAIN_TYPE
			? i > 0 && !str_eq(members[i].type, *ret_type)
			: owner == 0 || (i > 0 && owner != *ret_owner))
			return false;
		if (level == GRAIN_TYPE)
			*ret_type = members[i].type;
		else
			*ret_owner = owner;
	}
	return true;
}

/* What rules that can be joined have in common; *ret INTERN_NONE: this rule
 * stays alone. */
static bool
group_of(struct making *m, struct intern *keys, const struct rule *r,
    unsigned var, uint32_t *ret)
{
	uint32_t key[] = { r->effect, r->atom[0], r->atom[1], r->atom[2],
		r->list, 0 };
	const struct normal_atom *atom = &m->atoms[r->atom[var]];
	struct str type;

	*ret = INTERN_NONE;
	if (r->is_contained || !grain_of(m, atom, var, &key[5], &type))
		return true;
	key[1 + var] = is_in(atom);
	*ret = intern_add(
	    keys, type, (struct str){ (const char *)key, sizeof key });
	return *ret != INTERN_NONE;
}

/* ---- joining --------------------------------------------------------------
 */

static bool
add_part(struct making *m, struct rule *to, const struct rule_part *part)
{
	struct rule_more *more = rules_more(m, to);
	struct rule_parts *parts = more ? &more->parts : NULL;

	if (!parts ||
	    !ARENA_PUSH_ROOM(m->scratch, parts->items, parts->n, parts->cap))
		return false;
	parts->items[parts->n++] = *part;
	return true;
}

static bool
add_parts(struct making *m, struct rule *to, const struct rule *from)
{
	struct rule_part own = { .parents = from->parents };
	bool ok = true;

	memcpy(own.atom, from->atom, sizeof own.atom);
	if (!from->more || from->more->parts.n == 0)
		return add_part(m, to, &own);
	for (size_t i = 0; ok && i < from->more->parts.n; i++)
		ok = add_part(m, to, &from->more->parts.items[i]);
	return ok;
}

static bool
unite(struct making *m, struct few *to, struct few *from)
{
	for (size_t i = 0; i < from->n; i++)
		if (!few_add(m->scratch, to, few_items(from)[i]))
			return false;
	to->n = (uint32_t)sort_unique(few_items(to), to->n);
	return true;
}

static bool
same_ids(struct few *x, struct few *y)
{
	return x->n == y->n &&
	       memcmp(few_items(x), few_items(y), x->n * sizeof(uint32_t)) == 0;
}

/* Parts of the same parents need not be told apart: they are all that the
 * joined atoms say. */
static void
forget_alike(struct rule *joined)
{
	struct rule_parts *parts = &joined->more->parts;

	for (size_t i = 1; i < parts->n; i++)
		if (!same_ids(
			&parts->items[0].parents, &parts->items[i].parents))
			return;
	parts->n = 0;
}

/* All members of the group's atoms, each once: the number of the atom. */
static uint32_t
join_atoms(struct making *m, const struct group *group, unsigned var)
{
	struct normal_atom set = { .kind = ATOM_SET };
	struct uid *all;
	uint32_t n = 0, kept = 0;

	for (size_t i = 0; i < group->rules.n; i++) {
		const struct uid *unused;

		n += members_of(
		    &m->atoms[m->rules[group->rules.items[i]].atom[var]],
		    &unused);
	}
	all = ARENA_ARRAY(m->a, n, struct uid);
	if (!all)
		return UINT32_MAX;
	n = 0;
	for (size_t i = 0; i < group->rules.n; i++) {
		const struct normal_atom *atom =
		    &m->atoms[m->rules[group->rules.items[i]].atom[var]];
		const struct uid *members;
		uint32_t count = members_of(atom, &members);

		memcpy(all + n, members, count * sizeof *all);
		n += count;
		set.is_in = is_in(atom);
	}
	qsort(all, n, sizeof *all, uid_compare);
	for (uint32_t i = 0; i < n; i++)
		if (kept == 0 || !uid_eq(all[kept - 1], all[i]))
			all[kept++] = all[i];
	if (kept == 1)
		set =
		    (struct normal_atom){ .kind = set.is_in ? ATOM_IN : ATOM_EQ,
			    .uid = all[0] };
	else {
		set.members = all;
		set.n_members = kept;
	}
	return rules_atom(m, &set);
}

static bool
join(struct making *m, const struct group *group, unsigned var)
{
	struct rule *first = &m->rules[group->rules.items[0]];
	struct rule joined = *first;

	joined.more = NULL;
	joined.parents = joined.below = (struct few){ 0 };
	joined.atom[var] = join_atoms(m, group, var);
	if (joined.atom[var] == UINT32_MAX)
		return false;
	for (size_t i = 0; i < group->rules.n; i++) {
		struct rule *r = &m->rules[group->rules.items[i]];

		if (!add_parts(m, &joined, r) ||
		    !unite(m, &joined.parents, &r->parents) ||
		    !unite(m, &joined.below, &r->below))
			return false;
		if (i > 0)
			rules_note(m, "joined", few_items(&r->parents)[0],
			    few_items(&first->parents)[0]);
	}
	forget_alike(&joined);
	/* The others are taken out below. */
	for (size_t i = 1; i < group->rules.n; i++)
		m->rules[group->rules.items[i]].parents.n = 0;
	*first = joined;
	return true;
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
		for (size_t k = 0; k < m->rules[i].below.n; k++) {
			uint32_t *below = &few_items(&m->rules[i].below)[k];

			*below = moved[*below];
		}
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

		if (!group_of(m, keys, &m->rules[i], var, &id) ||
		    (id != INTERN_NONE &&
			!ids_add(m->each, &groups[id].rules, i)))
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
		if (m->options.granularity[var] != GRAIN_EACH &&
		    !join_along(m, var))
			return error_nomem(reterr);
	return true;
}
