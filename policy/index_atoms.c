/* index_atoms.c - number the atoms of all rules, element by element and class
 * by class, and note who has them: uids (`named`), types, prefixes of ids.
 * Three passes: see each atom once and give its parts numbers; number atoms in
 * the order of first use within their class; write down the lists. A set is one
 * atom that each of its members has. Cost O(rules + members). */
#include "policy/index.h"

#include <stdlib.h>

/* An atom before it is numbered: its class and a number among uids, sets, types
 * or prefixes. */
#define SEEN_SET (1u << 28)
#define SEEN_ITEM (SEEN_SET - 1)
#define SEEN(class, item) ((uint32_t)(class) << 29 | (item))
#define SEEN_CLASS(seen) ((enum index_class)((seen) >> 29))

struct set {
	const struct normal_atom *atom;
	uint32_t number[3]; /* of its atom, local to the class, plus one */
};

struct atoms {
	struct index_building *b;
	struct intern *prefixes, *set_names;
	struct set *sets;
	size_t n_sets, cap_sets;
	uint32_t *number[3][CLASS_COUNT]; /* by item: local number plus one */
	uint32_t n[3][CLASS_COUNT];
	uint32_t *seen; /* of the normal form's atoms, plus one; 0: not yet */
	size_t n_rules;
};

static const struct normal_rule *
rule_at(const struct normal *n, size_t i)
{
	return i < n->n_rules ? &n->rules[i] : &n->contained[i - n->n_rules];
}

/* A number, small enough to be packed. */
static bool
number_of(struct atoms *t, struct intern *names, struct uid name, uint32_t *ret)
{
	*ret = intern_add(names, name.type, name.id);
	if (*ret == INTERN_NONE)
		return error_nomem(t->b->reterr);
	if (*ret < SEEN_ITEM)
		return true;
	return error_set(t->b->reterr, ERR_LIMIT_COUNT, SPAN_NONE,
	    "policies name more than %u entities", SEEN_ITEM);
}

static bool
type_of(struct atoms *t, struct str type, uint32_t *ret)
{
	struct policy_index *ix = t->b->ix;

	return index_names_add(&ix->type_names, ix->seed, ix->arena, STR(""),
	    type, ret, t->b->reterr);
}

/* The same members, the same set: their text is its name. */
static bool
see_set(struct atoms *t, const struct normal_atom *atom, uint32_t *ret)
{
	struct buf text = { 0 };
	uint32_t member, type;
	bool ok = true;

	buf_addz(&text, atom->is_in ? "in" : "eq");
	for (uint32_t i = 0; ok && i < atom->n_members; i++) {
		value_print_uid(&text, atom->members[i]);
		ok = number_of(t, t->b->uids, atom->members[i], &member) &&
		     type_of(t, atom->members[i].type, &type);
	}
	if (ok && !buf_ok(&text))
		ok = error_nomem(t->b->reterr);
	ok = ok && number_of(t, t->set_names,
		       (struct uid){ .id = buf_str(&text) }, ret);
	buf_free(&text);
	if (!ok || *ret < t->n_sets)
		return ok;
	if (!ARENA_PUSH_ROOM(t->b->spare, t->sets, t->n_sets, t->cap_sets))
		return error_nomem(t->b->reterr);
	t->sets[t->n_sets++] = (struct set){ .atom = atom };
	return true;
}

static bool
see(struct atoms *t, const struct normal_atom *atom, uint32_t *ret)
{
	uint32_t item = 0, type;
	struct uid prefix = { atom->type, atom->prefix };

	*ret = SEEN(CLASS_ANY, 0);
	switch (atom->kind) {
	case ATOM_ANY:
		return true;
	case ATOM_EQ:
	case ATOM_IN:
	case ATOM_IS_IN:
		if (!number_of(t, t->b->uids, atom->uid, &item) ||
		    !type_of(t, atom->uid.type, &type))
			return false;
		*ret = SEEN(atom->kind == ATOM_EQ ? CLASS_EQ : CLASS_IN, item);
		return atom->kind != ATOM_IS_IN ||
		       type_of(t, atom->type, &type);
	case ATOM_IS:
		if (!type_of(t, atom->type, &item))
			return false;
		*ret = SEEN(CLASS_IS, item);
		return true;
	case ATOM_LIKE:
		if (!type_of(t, atom->type, &type) ||
		    !number_of(t, t->prefixes, prefix, &item))
			return false;
		*ret = SEEN(CLASS_LIKE, item);
		return true;
	case ATOM_SET:
		break;
	}
	if (!see_set(t, atom, &item))
		return false;
	*ret = SEEN(atom->is_in ? CLASS_IN : CLASS_EQ, item | SEEN_SET);
	return true;
}

/* Types of entities are numbered too: slots name them. */
static bool
see_types(struct atoms *t)
{
	const struct entities *base = t->b->ix->base;
	struct str last = { 0 };
	uint32_t type;

	for (size_t i = 0; base && i < entities_count(base); i++) {
		struct str next = entities_uid_at(base, i).type;

		if (str_eq(next, last))
			continue;
		if (!type_of(t, next, &type))
			return false;
		last = next;
	}
	return true;
}

static bool
see_once(struct atoms *t, const struct normal_atom *atom, uint32_t *ret)
{
	uint32_t *seen = &t->seen[atom - t->b->n->atoms];

	if (*seen == 0) {
		if (!see(t, atom, ret))
			return false;
		*seen = *ret + 1;
	}
	*ret = *seen - 1;
	return true;
}

static bool
see_all(struct atoms *t)
{
	const struct normal *n = t->b->n;

	t->n_rules = (size_t)n->n_rules + n->n_contained;
	t->b->keys = arena_array(t->b->spare, t->n_rules, sizeof *t->b->keys);
	t->seen = ARENA_ARRAY(t->b->spare, n->n_atoms, uint32_t);
	if (!t->b->keys || !t->seen)
		return error_nomem(t->b->reterr);
	for (size_t i = 0; i < t->n_rules; i++)
		for (unsigned v = 0; v < 3; v++)
			if (!see_once(
				t, rule_at(n, i)->atom[v], &t->b->keys[i][v]))
				return false;
	return see_types(t);
}

/* --- numbers -------------------------------------------------------------- */

static size_t
items_of(const struct atoms *t, enum index_class class)
{
	if (class == CLASS_IN || class == CLASS_EQ)
		return intern_count(t->b->uids);
	if (class == CLASS_IS)
		return t->b->ix->type_names.n;
	return class == CLASS_LIKE ? intern_count(t->prefixes) : 1;
}

static uint32_t *
number_at(struct atoms *t, unsigned v, uint32_t seen)
{
	if (seen & SEEN_SET)
		return &t->sets[seen & SEEN_ITEM].number[v];
	return &t->number[v][SEEN_CLASS(seen)][seen & SEEN_ITEM];
}

static bool
number_atoms(struct atoms *t)
{
	struct policy_index *ix = t->b->ix;

	for (unsigned v = 0; v < 3; v++)
		for (unsigned c = 0; c < CLASS_COUNT; c++) {
			t->number[v][c] = ARENA_ARRAY(t->b->spare,
			    items_of(t, (enum index_class)c), uint32_t);
			if (!t->number[v][c])
				return error_nomem(t->b->reterr);
		}
	for (size_t i = 0; i < t->n_rules; i++)
		for (unsigned v = 0; v < 3; v++) {
			uint32_t seen = t->b->keys[i][v];
			uint32_t *number = number_at(t, v, seen);

			if (*number == 0)
				*number = ++t->n[v][SEEN_CLASS(seen)];
		}
	for (unsigned v = 0; v < 3; v++) {
		t->n[v][CLASS_ANY] = 1;
		for (unsigned c = 0; c < CLASS_COUNT; c++)
			ix->bound[v][c + 1] = ix->bound[v][c] + t->n[v][c];
	}
	return true;
}

/* The atom's number, or 0 when no rule has it. */
static uint32_t
atom_of(
    const struct atoms *t, unsigned v, enum index_class class, uint32_t number)
{
	return number ? t->b->ix->bound[v][class] + number - 1 : 0;
}

static void
give_keys(struct atoms *t)
{
	for (size_t i = 0; i < t->n_rules; i++)
		for (unsigned v = 0; v < 3; v++) {
			uint32_t seen = t->b->keys[i][v];

			t->b->keys[i][v] = atom_of(
			    t, v, SEEN_CLASS(seen), *number_at(t, v, seen));
		}
}

/* --- who has them ----------------------------------------------------------
 */

/* What sets make of a uid, in a list for each element. */
struct more {
	uint32_t atom, next; /* next: plus one */
	bool is_in;
};

struct mores {
	struct more *items;
	size_t n, cap;
	uint32_t *first[3]; /* by uid, plus one */
};

static bool
spread_sets(struct atoms *t, struct mores *m)
{
	struct index_building *b = t->b;

	for (unsigned v = 0; v < 3; v++) {
		m->first[v] =
		    ARENA_ARRAY(b->spare, intern_count(b->uids), uint32_t);
		if (!m->first[v])
			return error_nomem(b->reterr);
	}
	for (size_t s = 0; s < t->n_sets; s++)
		for (uint32_t k = 0; k < 3 * t->sets[s].atom->n_members; k++) {
			const struct normal_atom *atom = t->sets[s].atom;
			struct uid uid = atom->members[k / 3];
			uint32_t *first = &m->first[k % 3][intern_find(
			    b->uids, uid.type, uid.id)];
			uint32_t number =
			    atom_of(t, k % 3, atom->is_in ? CLASS_IN : CLASS_EQ,
				t->sets[s].number[k % 3]);

			if (!number)
				continue;
			if (!ARENA_PUSH_ROOM(b->spare, m->items, m->n, m->cap))
				return error_nomem(b->reterr);
			m->items[m->n++] =
			    (struct more){ number, *first, atom->is_in };
			*first = (uint32_t)m->n;
		}
	return true;
}

static bool
push_word(struct index_building *b, uint32_t word)
{
	struct policy_index *ix = b->ix;

	if (ix->n_words >= UINT32_MAX)
		return error_set(b->reterr, ERR_LIMIT_COUNT, SPAN_NONE,
		    "policies name more entities than can be numbered");
	if (!ARENA_PUSH_ROOM(ix->arena, ix->words, ix->n_words, ix->cap_words))
		return error_nomem(b->reterr);
	ix->words[ix->n_words++] = word;
	return true;
}

/* The atoms of one class that name uid `u`. */
static bool
push_named(struct atoms *t, const struct mores *m, unsigned v, uint32_t u,
    bool is_in, uint32_t *ret_n)
{
	enum index_class class = is_in ? CLASS_IN : CLASS_EQ;
	uint32_t own = atom_of(t, v, class, t->number[v][class][u]);

	if (own && !push_word(t->b, own))
		return false;
	*ret_n = own != 0;
	for (uint32_t i = m->items ? m->first[v][u] : 0; i;
	     i = m->items[i - 1].next) {
		if (m->items[i - 1].is_in != is_in)
			continue;
		if (!push_word(t->b, m->items[i - 1].atom))
			return false;
		(*ret_n)++;
	}
	return true;
}

static bool
give_named(struct atoms *t)
{
	struct policy_index *ix = t->b->ix;
	struct mores m = { 0 };
	uint32_t n = intern_count(t->b->uids);

	if (!spread_sets(t, &m))
		return false;
	ix->n_named = (size_t)n + 1;
	ix->named = ARENA_ARRAY(ix->arena, ix->n_named, struct index_named);
	if (!ix->named)
		return error_nomem(t->b->reterr);
	for (uint32_t u = 0; u < n; u++)
		for (unsigned v = 0; v < 3; v++) {
			struct index_named *to = &ix->named[u + 1];

			to->list[v] = (uint32_t)ix->n_words;
			if (!push_named(t, &m, v, u, true, &to->n_in[v]) ||
			    !push_named(t, &m, v, u, false, &to->n_eq[v]))
				return false;
		}
	return true;
}

static bool
give_types(struct atoms *t)
{
	struct policy_index *ix = t->b->ix;

	ix->n_types = ix->type_names.n;
	ix->types = ARENA_ARRAY(ix->arena, ix->n_types, struct index_type);
	if (!ix->types)
		return error_nomem(t->b->reterr);
	for (uint32_t i = 0; i < ix->n_types; i++) {
		ix->types[i].name = ix->type_names.items[i].id;
		ix->types[i].ends =
		    index_ends(index_type_name(ix, &ix->types[i]));
		for (unsigned v = 0; v < 3; v++)
			ix->types[i].atom[v] =
			    atom_of(t, v, CLASS_IS, t->number[v][CLASS_IS][i]);
	}
	return true;
}

/* --- prefixes --------------------------------------------------------------
 */

struct found_prefix {
	uint32_t type, atom;
	struct str text;
};

static int
by_type_and_text(const void *a, const void *b)
{
	const struct found_prefix *x = a, *y = b;

	if (x->type != y->type)
		return x->type < y->type ? -1 : 1;
	return str_cmp(x->text, y->text);
}

/* `all` is sorted, so a prefix of one stands before it: the last one met on the
 * way up is the longest. */
static bool
link_prefixes(struct policy_index *ix, unsigned v,
    const struct found_prefix *all, size_t n, struct error *reterr)
{
	for (size_t i = 0; i < n; i++) {
		struct index_type *type = &ix->types[all[i].type];
		struct index_prefix *p = &ix->prefixes[ix->n_prefixes];
		uint32_t up;

		if (type->n_prefixes[v]++ == 0)
			type->prefix[v] = (uint32_t)ix->n_prefixes;
		p->atom = all[i].atom;
		if (!index_pool(ix->arena, &ix->bytes, &ix->n_bytes,
			&ix->cap_bytes, all[i].text, &p->text, reterr))
			return false;
		up = type->n_prefixes[v] > 1 ? (uint32_t)ix->n_prefixes : 0;
		while (up && !str_has_prefix(all[i].text,
				 index_str(ix, ix->prefixes[up - 1].text)))
			up = ix->prefixes[up - 1].up;
		p->up = up;
		ix->n_prefixes++;
	}
	return true;
}

static bool
give_prefixes(struct atoms *t)
{
	struct policy_index *ix = t->b->ix;
	uint32_t n = intern_count(t->prefixes);
	struct found_prefix *all =
	    ARENA_ARRAY(t->b->spare, n, struct found_prefix);

	ix->prefixes =
	    ARENA_ARRAY(ix->arena, (size_t)n * 3, struct index_prefix);
	if (!all || !ix->prefixes)
		return error_nomem(t->b->reterr);
	for (unsigned v = 0; v < 3; v++) {
		size_t n_found = 0;

		for (uint32_t i = 0; i < n; i++) {
			struct found_prefix *f = &all[n_found];
			struct str type;

			f->atom = atom_of(
			    t, v, CLASS_LIKE, t->number[v][CLASS_LIKE][i]);
			if (!f->atom)
				continue;
			intern_get(t->prefixes, i, &type, &f->text);
			f->type = index_type_find(ix, type);
			n_found++;
		}
		if (n_found > 1)
			qsort(all, n_found, sizeof *all, by_type_and_text);
		if (!link_prefixes(ix, v, all, n_found, t->b->reterr))
			return false;
	}
	return true;
}

size_t
index_prefixes_of(const struct policy_index *ix, const struct index_type *type,
    unsigned var, struct str id, uint32_t *out, size_t max)
{
	const struct index_prefix *all = ix->prefixes + type->prefix[var];
	size_t from = 0, to = type->n_prefixes[var], n = 0;
	uint32_t at, up;

	if (!index_is_inside(type->prefix[var], to, ix->n_prefixes))
		return max + 1;

	/* The last one that is not greater: what begins `id` is it, or is above
	 * it. */
	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (str_cmp(index_str(ix, all[mid].text), id) <= 0)
			from = mid + 1;
		else
			to = mid;
	}
	if (from == 0)
		return 0;
	at = type->prefix[var] + (uint32_t)from;
	for (bool begins = false; at; at = up) {
		const struct index_prefix *p = &ix->prefixes[at - 1];

		/* One that stands above comes before. */
		up = p->up < at ? p->up : 0;
		begins = begins || str_has_prefix(id, index_str(ix, p->text));
		if (!begins)
			continue;
		if (n == max)
			return max + 1;
		out[n++] = p->atom;
	}
	return n;
}

/* ---------------------------------------------------------------------------
 */

bool
index_build_atoms(struct index_building *b)
{
	struct atoms t = { .b = b };

	b->uids = intern_new(b->spare, NULL);
	t.prefixes = intern_new(b->spare, NULL);
	t.set_names = intern_new(b->spare, NULL);
	if (!b->uids || !t.prefixes || !t.set_names)
		return error_nomem(b->reterr);
	/* Word 0 is nobody's. */
	if (!push_word(b, 0) || !see_all(&t) || !number_atoms(&t) ||
	    !give_named(&t) || !give_types(&t) || !give_prefixes(&t))
		return false;
	give_keys(&t);
	return true;
}
