/* index_entities.c - a slot for each entity of the bottom layer and each uid
 * that policies name: which atoms it has as principal, as action, as resource,
 * and the codes of the most used attributes. A decision on known entities then
 * reads one slot of 64 bytes for each. What does not fit lies in `words`; who
 * has more ancestors than are kept is marked, and decided by a walk.
 * Cost: O(entities and their ancestors). */
#include "policy/index.h"

#include "base/pages.h"
#include "base/sort.h"
#include "policy/entities.h"

#define LIST_MAX 100000u
#define PREFIXES_MAX 4096u
/* Words of far lists: so many, and so many more for each entity. */
#define FAR_WORDS (16u << 20)
#define FAR_WORDS_PER_ENTITY 16u

_Static_assert(sizeof(struct index_slot) == 64, "a slot is a cache line");
_Static_assert(sizeof(struct index_rule) == 32, "two rules are a cache line");

struct slots {
	struct index_building *b;
	uint32_t *list; /* atoms of one entity and element */
	size_t n_list, cap_list;
	uint32_t *all; /* columns and lists of one entity */
	size_t n_all, cap_all;
	uint32_t type;
	struct str type_name;
	size_t far_budget;
};

static bool
put(struct slots *s, uint32_t **items, size_t *n, size_t *cap, uint32_t word)
{
	if (*n == *cap) {
		uint32_t *old = *items;

		if (!ARENA_PUSH_ROOM(s->b->spare, old, *n, *cap))
			return error_nomem(s->b->reterr);
		*items = old;
	}
	(*items)[(*n)++] = word;
	return true;
}

static bool
put_atom(struct slots *s, uint32_t atom)
{
	return put(s, &s->list, &s->n_list, &s->cap_list, atom);
}

static bool
put_named(struct slots *s, uint32_t named, unsigned v, bool own)
{
	const struct policy_index *ix = s->b->ix;
	const uint32_t *atoms;
	uint32_t n = index_named_atoms(ix, named, v, own, &atoms);

	for (uint32_t i = 0; i < n; i++)
		if (!put_atom(s, atoms[i]))
			return false;
	return true;
}

static bool
put_prefixes(struct slots *s, const struct index_type *type, unsigned v,
    struct str id, bool *ret_vast)
{
	uint32_t found[PREFIXES_MAX] UNZEROED; /* the first n are */
	size_t n;

	if (type->n_prefixes[v] == 0)
		return true;
	n = index_prefixes_of(s->b->ix, type, v, id, found, ARRAY_LEN(found));
	*ret_vast = *ret_vast || n > ARRAY_LEN(found);
	for (size_t i = 0; i < n && i < ARRAY_LEN(found); i++)
		if (!put_atom(s, found[i]))
			return false;
	return true;
}

/* What one entity has as one element, into `list`. */
static bool
gather(struct slots *s, struct uid uid, const struct above *above,
    uint32_t named, unsigned v, bool *ret_vast)
{
	const struct policy_index *ix = s->b->ix;
	const struct index_type *type = &ix->types[s->type];

	s->n_list = 0;
	for (uint32_t i = 0; i < above->n; i++)
		if (ix->named_of[above->ids[i]] &&
		    !put_named(s, ix->named_of[above->ids[i]], v, false))
			return false;
	if ((named && !put_named(s, named, v, true)) ||
	    (type->atom[v] && !put_atom(s, type->atom[v])) ||
	    !put_prefixes(s, type, v, uid.id, ret_vast))
		return false;
	s->n_list = sort_unique(s->list, s->n_list);
	*ret_vast = *ret_vast || s->n_list > LIST_MAX;
	return true;
}

static bool
put_columns(struct slots *s, const struct entity *e)
{
	const struct policy_index *ix = s->b->ix;

	for (size_t i = 0; i < ix->n_columns; i++) {
		const struct value *v =
		    e ? value_get(&e->attrs, index_str(ix, ix->columns[i]))
		      : NULL;

		if (!put(s, &s->all, &s->n_all, &s->cap_all,
			v ? index_code(ix, v) : (uint32_t)INDEX_ABSENT))
			return false;
	}
	return true;
}

static bool
find_type(struct slots *s, struct str name)
{
	/* An image may name a type by nothing. */
	if (s->type < s->b->ix->n_types && str_eq(name, s->type_name))
		return true;
	s->type = index_type_find(s->b->ix, name);
	s->type_name = name;
	return s->type < s->b->ix->n_types;
}

/* Far: columns, the three counts, the lists. */
static bool
put_far(struct slots *s, struct index_slot *slot, const uint32_t n[3])
{
	struct policy_index *ix = s->b->ix;

	slot->flags |= SLOT_FAR;
	slot->words[0] = (uint32_t)ix->n_slot_words;
	if (s->n_all + 3 > s->far_budget) {
		slot->flags |= SLOT_VAST;
		slot->words[0] = 0;
		return true;
	}
	s->far_budget -= s->n_all + 3;
	for (size_t i = 0; i < s->n_all + 3; i++) {
		size_t c = ix->n_columns;
		uint32_t word = i < c       ? s->all[i]
				: i < c + 3 ? n[i - c]
					    : s->all[i - 3];

		if (!ARENA_PUSH_ROOM(ix->arena, ix->slot_words,
			ix->n_slot_words, ix->cap_slot_words))
			return error_nomem(s->b->reterr);
		ix->slot_words[ix->n_slot_words++] = word;
	}
	return true;
}

static bool
put_id(struct slots *s, struct index_slot *slot, struct str id)
{
	struct policy_index *ix = s->b->ix;
	struct index_text text;

	slot->id_n = (uint32_t)id.n;
	if (id.n <= sizeof slot->id) {
		if (id.n)
			memcpy(slot->id, id.p, id.n);
		return true;
	}
	if (!index_pool(ix->arena, &ix->slot_bytes, &ix->n_slot_bytes,
		&ix->cap_slot_bytes, id, &text, s->b->reterr))
		return false;
	slot->flags |= SLOT_LONG;
	memcpy(slot->id, &text.at, sizeof text.at);
	return true;
}

static struct index_slot *
free_slot(struct policy_index *ix, struct uid uid)
{
	uint64_t hash = index_hash_uid(ix->slot_seed, uid);
	size_t i = index_place(hash, ix->n_slots);

	while (ix->slots[i].tag)
		i = i + 1 == ix->n_slots ? 0 : i + 1;
	ix->slots[i].tag = (uint32_t)hash | 1;
	ix->n_used++;
	return &ix->slots[i];
}

/* `e` is NULL for a uid that has no record. */
static bool
put_slot(struct slots *s, struct uid uid, const struct entity *e,
    uint32_t record, const struct above *above, uint32_t named, bool vast)
{
	struct policy_index *ix = s->b->ix;
	struct index_slot *slot = free_slot(ix, uid);
	uint32_t n[3];
	bool far = vast;

	s->n_all = 0;
	if (!find_type(s, uid.type))
		return error_nomem(s->b->reterr);
	if (!put_id(s, slot, uid.id) || !put_columns(s, e))
		return false;
	if (named)
		ix->named[named].slot = (uint32_t)(slot - ix->slots);
	for (unsigned v = 0; v < 3; v++) {
		if (!gather(s, uid, above, named, v, &vast))
			return false;
		n[v] = (uint32_t)s->n_list;
		far = far || n[v] > UINT8_MAX;
		slot->n[v] = (uint8_t)n[v];
		for (size_t i = 0; i < s->n_list; i++)
			if (!put(
				s, &s->all, &s->n_all, &s->cap_all, s->list[i]))
				return false;
	}
	slot->type = s->type;
	slot->record = record;
	if (vast)
		slot->flags |= SLOT_VAST;
	else if (far || s->n_all > INDEX_WORDS)
		return put_far(s, slot, n);
	else if (s->n_all)
		memcpy(slot->words, s->all, s->n_all * sizeof *s->all);
	return true;
}

/* Those that policies name, or the others. */
static bool
put_entities(struct slots *s, bool named)
{
	const struct policy_index *ix = s->b->ix;
	size_t n = ix->base ? entities_count(ix->base) : 0;

	for (size_t i = 0; i < n; i++) {
		struct uid uid = entities_uid_at(ix->base, i);
		uint32_t id = entities_id_at(ix->base, i);
		const struct entity *seen;
		struct above above;
		enum above_how how;

		if ((ix->named_of[id] != 0) != named)
			continue;
		if (!entities_seen_at(
			ix->base, i, s->b->spare, &seen, s->b->reterr))
			return false;
		/* The bottom layer needs no memory to tell. */
		if (!entities_above(ix->base, uid, s->b->spare, &how, &above))
			return error_nomem(s->b->reterr);
		if (!put_slot(s, uid, seen, (uint32_t)i + 1, &above,
			ix->named_of[id], how != ABOVE_IDS))
			return false;
	}
	return true;
}

static bool
put_named_uids(struct slots *s)
{
	const struct policy_index *ix = s->b->ix;
	const struct above none = { 0 };

	for (uint32_t u = 0; u + 1 < ix->n_named; u++) {
		struct uid uid;

		intern_get(s->b->uids, u, &uid.type, &uid.id);
		if (index_slot_find(
			ix, index_hash_uid(ix->slot_seed, uid), uid))
			continue;
		if (!put_slot(s, uid, NULL, 0, &none, u + 1, false))
			return false;
	}
	return true;
}

static bool
name_ids(struct slots *s)
{
	struct policy_index *ix = s->b->ix;

	ix->n_named_of = ix->base ? intern_count(ix->base->ids) : 0;
	ix->named_of = ARENA_ARRAY(ix->arena, ix->n_named_of, uint32_t);
	if (!ix->named_of)
		return error_nomem(s->b->reterr);
	for (uint32_t u = 0; ix->base && u + 1 < ix->n_named; u++) {
		struct uid uid;
		uint32_t id;

		intern_get(s->b->uids, u, &uid.type, &uid.id);
		id = intern_find(ix->base->ids, uid.type, uid.id);
		if (id != INTERN_NONE)
			ix->named_of[id] = u + 1;
	}
	return true;
}

bool
index_build_slots(struct index_building *b)
{
	struct policy_index *ix = b->ix;
	struct slots s = { .b = b, .type = UINT32_MAX };
	size_t n = ix->n_named + (ix->base ? entities_count(ix->base) : 0);

	s.far_budget = FAR_WORDS + FAR_WORDS_PER_ENTITY * n;
	ix->n_slots = n * 2 + 4;
	ix->bytes_slots = ix->n_slots * sizeof *ix->slots;
	ix->slots = pages_new(ix->bytes_slots);
	if (!ix->slots)
		return error_nomem(b->reterr);
	/* What is named is asked for most, actions above all: it comes first,
	 * and so lies where its hash says. */
	return name_ids(&s) && put_entities(&s, true) && put_named_uids(&s) &&
	       put_entities(&s, false);
}

/* --- over an image
 * ------------------------------------------------------------
 */

static bool
copy_array(struct arena *a, void *inout, size_t n, size_t item)
{
	const void *old;
	void *new = arena_array(a, n, item);

	memcpy(&old, inout, sizeof old);
	if (new &&n)
		memcpy(new, old, n * item);
	memcpy(inout, &new, sizeof new);
	return new != NULL;
}

/* Types of entities that policies do not name. */
static bool
add_types(struct index_building *b)
{
	struct policy_index *ix = b->ix;
	size_t n = ix->n_types;
	struct str last = { 0 };

	ix->type_names.cap = n;
	ix->type_names.cap_bytes = ix->type_names.n_bytes;
	for (size_t i = 0; ix->base && i < entities_count(ix->base); i++) {
		struct str type = entities_uid_at(ix->base, i).type;
		uint32_t number;

		if (str_eq(type, last))
			continue;
		if (!index_names_add(&ix->type_names, ix->seed, ix->arena,
			STR(""), type, &number, b->reterr))
			return false;
		last = type;
	}
	for (; ix->n_types < ix->type_names.n; ix->n_types++) {
		struct index_type *type;

		if (!ARENA_PUSH_ROOM(ix->arena, ix->types, ix->n_types, n))
			return error_nomem(b->reterr);
		type = &ix->types[ix->n_types];
		*type = (struct index_type){
			.name = ix->type_names.items[ix->n_types].id
		};
		type->ends = index_ends(index_type_name(ix, type));
	}
	return true;
}

/* Uids that policies name, by number. */
static bool
name_uids(struct index_building *b)
{
	const struct policy_index *ix = b->ix;

	b->uids = intern_new(b->spare, NULL);
	if (!b->uids)
		return error_nomem(b->reterr);
	for (uint32_t u = 0; u + 1 < ix->n_named; u++) {
		uint32_t slot = ix->named[u + 1].slot;
		struct uid uid;

		if (slot >= ix->n_slots)
			return error_set(b->reterr, ERR_FILE_IMAGE, SPAN_NONE,
			    "the image names what it does not have");
		uid = index_slot_uid(ix, &ix->slots[slot]);
		if (intern_add(b->uids, uid.type, uid.id) == u)
			continue;
		return error_set(b->reterr, ERR_FILE_IMAGE, SPAN_NONE,
		    "the image names an entity twice, or memory ran out");
	}
	return true;
}

bool
index_build_slots_anew(struct index_building *b)
{
	struct policy_index *ix = b->ix;
	struct index_names *t = &ix->type_names;

	if (!name_uids(b))
		return false;
	if (!copy_array(
		ix->arena, &ix->named, ix->n_named, sizeof *ix->named) ||
	    !copy_array(
		ix->arena, &ix->types, ix->n_types, sizeof *ix->types) ||
	    !copy_array(ix->arena, &t->items, t->n, sizeof *t->items) ||
	    !copy_array(ix->arena, &t->bytes, t->n_bytes, 1))
		return error_nomem(b->reterr);
	/* An image's table may have no room, and need not fit its names. */
	if (!index_names_rehash(t, ix->seed, ix->arena, b->reterr))
		return false;
	ix->slots = NULL;
	ix->slot_words = NULL;
	ix->slot_bytes = NULL;
	ix->n_used = ix->n_slot_words = ix->n_slot_bytes = 0;
	return add_types(b) && index_build_slots(b);
}
