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

/* Part of the hash is beside the number: other pairs on the way are passed
 * without a look at them. */
struct slot {
	uint32_t number; /* of a pair, plus one; 0: free */
	uint32_t tag;
};

struct intern {
	const struct intern *below;
	struct intern_lent lent; /* instead of `below`; `find` NULL: none */
	struct arena *arena;
	uint32_t base; /* ids below this are the lower layers' */
	struct pair *pairs;
	size_t n, cap;
	struct slot *slots;
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

struct intern *
intern_new_over(struct arena *a, const struct intern_lent *lent)
{
	struct intern *t = intern_new(a, NULL);

	if (t) {
		t->lent = *lent;
		t->base = lent->n;
	}
	return t;
}

/* The type's hash salts the id's, so that ("a","bc") and ("ab","c") differ. */
static uint64_t
hash_pair(struct str type, struct str id)
{
	return str_hash(id, type.n ? str_hash(type, 0) : 0);
}

/* The slot of the pair, or the free one where it belongs. */
static struct slot *
find_slot(const struct intern *t, struct str type, struct str id, uint64_t hash)
{
	size_t mask = t->n_slots - 1;
	uint32_t tag = (uint32_t)(hash >> 32);

	for (size_t i = hash & mask;; i = (i + 1) & mask) {
		struct slot *slot = &t->slots[i];
		const struct pair *p;

		if (slot->number == 0)
			return slot;
		if (slot->tag != tag)
			continue;
		p = &t->pairs[slot->number - 1];
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
		uint32_t number =
		    t->n_slots ? find_slot(t, type, id, hash)->number : 0;

		if (number)
			return t->base + number - 1;
		if (t->lent.find)
			return t->lent.find(t->lent.ctx, type, id);
	}
	return INTERN_NONE;
}

uint32_t
intern_find(const struct intern *t, struct str type, struct str id)
{
	return find_hashed(t, type, id, hash_pair(type, id));
}

/* The pair is in no slot yet: it belongs into the first free one. */
static void
fill_slot(struct intern *t, uint64_t hash, uint32_t number)
{
	size_t mask = t->n_slots - 1, i = hash & mask;

	while (t->slots[i].number)
		i = (i + 1) & mask;
	t->slots[i] = (struct slot){ number, (uint32_t)(hash >> 32) };
}

static bool
grow_slots(struct intern *t)
{
	size_t n_slots = t->n_slots ? t->n_slots * 2 : 16;
	struct slot *slots = ARENA_ARRAY(t->arena, n_slots, struct slot);

	if (!slots)
		return false;
	t->slots = slots;
	t->n_slots = n_slots;
	for (size_t i = 0; i < t->n; i++)
		fill_slot(t, t->pairs[i].hash, (uint32_t)i + 1);
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
	p.type = type.n ? str_dup(t->arena, type) : STR("");
	p.id = str_dup(t->arena, id);
	if (!p.type.p || !p.id.p)
		return INTERN_NONE;
	fill_slot(t, hash, (uint32_t)t->n + 1);
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
	for (; id < t->base; t = t->below)
		if (t->lent.get) {
			t->lent.get(t->lent.ctx, id, ret_type, ret_id);
			return;
		}
	*ret_type = t->pairs[id - t->base].type;
	*ret_id = t->pairs[id - t->base].id;
}
