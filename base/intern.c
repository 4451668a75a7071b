/* intern.c - an open-addressed table of slots over a dense array of pairs.
 * Invariants: a slot holds the number of a pair plus one, or 0; at most half of
 * the slots are in use, so probing ends; a pair that a lower layer knows is
 * never in an upper one. Old arrays stay in the arena: growth by doubling
 * wastes at most as much as is used. */
#include "base/intern.h"

#include "base/arena.h"

struct pair {
	struct str type, id;
	uint64_t hash;
};

struct intern {
	const struct intern *below;
	struct arena *arena;
	uint32_t base; /* ids below this are the lower layers' */
	struct pair *pairs;
	size_t n, cap;
	uint32_t *slots;
	size_t n_slots; /* a power of two, or 0 */
};

struct intern *
intern_new(struct arena *a, const struct intern *below)
{
	struct intern *t = ARENA_NEW(a, struct intern);

	if (!t)
		return NULL;
	t->arena = a;
	t->below = below;
	t->base = below ? intern_count(below) : 0;
	return t;
}

/* The type's hash salts the id's, so that ("a","bc") and ("ab","c") differ. */
static uint64_t
hash_pair(struct str type, struct str id)
{
	return str_hash(id, type.n ? str_hash(type, 0) : 0);
}

/* The slot of the pair, or the free one where it belongs. */
static uint32_t *
find_slot(const struct intern *t, struct str type, struct str id, uint64_t hash)
{
	size_t mask = t->n_slots - 1;

	for (size_t i = hash & mask;; i = (i + 1) & mask) {
		uint32_t *slot = &t->slots[i];
		const struct pair *p;

		if (*slot == 0)
			return slot;
		p = &t->pairs[*slot - 1];
		if (p->hash == hash && str_eq(p->type, type) &&
		    str_eq(p->id, id))
			return slot;
	}
}

static uint32_t
find_hashed(
    const struct intern *t, struct str type, struct str id, uint64_t hash)
{
	for (; t; t = t->below) {
		uint32_t slot = t->n_slots ? *find_slot(t, type, id, hash) : 0;

		if (slot)
			return t->base + slot - 1;
	}
	return INTERN_NONE;
}

uint32_t
intern_find(const struct intern *t, struct str type, struct str id)
{
	return find_hashed(t, type, id, hash_pair(type, id));
}

static bool
grow_slots(struct intern *t)
{
	size_t n_slots = t->n_slots ? t->n_slots * 2 : 16;
	uint32_t *slots = ARENA_ARRAY(t->arena, n_slots, uint32_t);

	if (!slots)
		return false;
	t->slots = slots;
	t->n_slots = n_slots;
	for (size_t i = 0; i < t->n; i++) {
		const struct pair *p = &t->pairs[i];

		*find_slot(t, p->type, p->id, p->hash) = (uint32_t)i + 1;
	}
	return true;
}

uint32_t
intern_add(struct intern *t, struct str type, struct str id)
{
	uint64_t hash = hash_pair(type, id);
	uint32_t found = find_hashed(t, type, id, hash);
	struct pair p = { .hash = hash };

	if (found != INTERN_NONE)
		return found;
	if (t->n >= (size_t)(INTERN_NONE - 1 - t->base))
		return INTERN_NONE;
	if (t->n * 2 >= t->n_slots && !grow_slots(t))
		return INTERN_NONE;
	if (!ARENA_PUSH_ROOM(t->arena, t->pairs, t->n, t->cap))
		return INTERN_NONE;
	p.type = str_dup(t->arena, type);
	p.id = str_dup(t->arena, id);
	if (!p.type.p || !p.id.p)
		return INTERN_NONE;
	*find_slot(t, type, id, hash) = (uint32_t)t->n + 1;
	t->pairs[t->n++] = p;
	return intern_count(t) - 1;
}

uint32_t
intern_count(const struct intern *t)
{
	return t->base + (uint32_t)t->n;
}

void
intern_get(const struct intern *t, uint32_t id, struct str *ret_type,
    struct str *ret_id)
{
	while (id < t->base)
		t = t->below;
	*ret_type = t->pairs[id - t->base].type;
	*ret_id = t->pairs[id - t->base].id;
}
