/* entities.c - records of entities in layers, and how they are read.
 * Invariants: one record an id in a layer; `seen` of a finished layer is what a
 * policy sees of the record; an upper layer's record never hides attributes or
 * tags of a lower one, it clashes with them. Ids are the intern table's; who is
 * above whom is reach.c's.
 * Cost: O(1) a look-up, linear to load; about 300 bytes a record with its
 * names, values and parents apart. */
#include "policy/entities.h"

#include <assert.h>
#include <stdio.h>

/* --- ids to numbers ---------------------------------------------------- */

static size_t
slot_of(const struct idmap *m, uint32_t key)
{
	size_t at = (key * UINT32_C(2654435769)) & (m->n_slots - 1);

	while (m->slots[at].key != 0 && m->slots[at].key != key + 1)
		at = (at + 1) & (m->n_slots - 1);
	return at;
}

uint32_t
idmap_get(const struct idmap *m, uint32_t key)
{
	const struct idmap_slot *slot;

	if (m->n_slots == 0)
		return INTERN_NONE;
	slot = &m->slots[slot_of(m, key)];
	return slot->key ? slot->value : INTERN_NONE;
}

static bool
idmap_grow(struct idmap *m, struct arena *a)
{
	struct idmap bigger = { .n = m->n,
		.n_slots = m->n_slots ? m->n_slots * 2 : 16 };

	bigger.slots = ARENA_ARRAY(a, bigger.n_slots, struct idmap_slot);
	if (!bigger.slots)
		return false;
	for (size_t i = 0; i < m->n_slots; i++)
		if (m->slots[i].key)
			bigger.slots[slot_of(&bigger, m->slots[i].key - 1)] =
			    m->slots[i];
	*m = bigger;
	return true;
}

bool
idmap_add(struct idmap *m, struct arena *a, uint32_t key, uint32_t value)
{
	if (m->n * 2 >= m->n_slots && !idmap_grow(m, a))
		return false;
	m->slots[slot_of(m, key)] = (struct idmap_slot){ key + 1, value };
	m->n++;
	return true;
}

/* --- a layer ----------------------------------------------------------- */

struct entities *
entities_new(struct arena *a, const struct entities *below)
{
	struct entities *layer = ARENA_NEW(a, struct entities);

	if (!layer)
		return NULL;
	/* Ids above it begin where its own end. */
	assert(!below || below->finished);
	layer->arena = a;
	layer->below = below;
	layer->ids = intern_new(a, below ? below->ids : NULL);
	return layer->ids ? layer : NULL;
}

struct entities *
entities_patch_new(struct arena *a, const struct entities *base)
{
	struct entities *patch = ARENA_NEW(a, struct entities);

	if (!patch)
		return NULL;
	assert(base->finished && !base->below && !base->patched);
	patch->arena = a;
	patch->patched = base;
	patch->ids = intern_new(a, base->ids);
	return patch->ids ? patch : NULL;
}

struct record *
entities_record(const struct entities *layer, size_t i)
{
	return &layer->chunks[i / RECORDS_PER_CHUNK][i % RECORDS_PER_CHUNK];
}

struct record *
entities_own(const struct entities *layer, uint32_t id)
{
	for (; layer; layer = layer->patched) {
		uint32_t i = idmap_get(&layer->by_id, id);
		struct record *r;

		if (i == INTERN_NONE)
			continue;
		r = entities_record(layer, i);
		return r->is_gone ? NULL : r;
	}
	return NULL;
}

/* The same, not looking at what a patch lies over. */
static struct record *
added_before(const struct entities *layer, uint32_t id)
{
	uint32_t i = idmap_get(&layer->by_id, id);

	return i == INTERN_NONE ? NULL : entities_record(layer, i);
}

/* The parents as a set, for comparing: their order and repeats mean nothing. */
static bool
parent_set(struct arena *a, const struct entity *e, struct value *ret,
    struct error *reterr)
{
	struct value *items = ARENA_ARRAY(a, e->n_parents, struct value);

	if (!items)
		return error_nomem(reterr);
	for (size_t i = 0; i < e->n_parents; i++)
		items[i] = value_entity(e->parents[i]);
	*ret = value_set_take(items, e->n_parents);
	return true;
}

bool
entities_same(struct arena *a, const struct entity *x, const struct entity *y,
    bool *ret, struct error *reterr)
{
	struct value xs, ys;

	*ret = value_eq(&x->attrs, &y->attrs) && value_eq(&x->tags, &y->tags);
	if (!*ret)
		return true;
	if (!parent_set(a, x, &xs, reterr) || !parent_set(a, y, &ys, reterr))
		return false;
	*ret = value_eq(&xs, &ys);
	return true;
}

struct entities_shown
entities_show(struct uid uid)
{
	struct entities_shown shown;
	struct buf b = { 0 };

	value_print_uid(&b, uid);
	(void)snprintf(shown.text, sizeof shown.text, "%.*s",
	    STR_ARG(str_sub(buf_str(&b), 0, sizeof shown.text - 1)));
	buf_free(&b);
	return shown;
}

static bool
check_parents(const struct entity *e, struct error *reterr)
{
	struct span at = { .file = e->from };

	if (!uid_type_is_action(e->uid.type))
		return true;
	for (size_t i = 0; i < e->n_parents; i++)
		if (!uid_type_is_action(e->parents[i].type))
			return error_set(reterr, ERR_NAME_ACTION, at,
			    "the action `%s` may only be in actions, found "
			    "`%s`",
			    entities_show(e->uid).text,
			    entities_show(e->parents[i]).text);
	return true;
}

static struct record *
push_record(struct entities *layer)
{
	if (layer->n == layer->n_chunks * RECORDS_PER_CHUNK) {
		struct record *chunk =
		    ARENA_ARRAY(layer->arena, RECORDS_PER_CHUNK, struct record);

		if (!chunk || !ARENA_PUSH_ROOM(layer->arena, layer->chunks,
				  layer->n_chunks, layer->cap_chunks))
			return NULL;
		layer->chunks[layer->n_chunks++] = chunk;
	}
	return entities_record(layer, layer->n);
}

static bool
intern_parents(struct entities *layer, const struct entity *e,
    const uint32_t **ret, struct error *reterr)
{
	uint32_t *ids = ARENA_ARRAY(layer->arena, e->n_parents, uint32_t);

	if (!ids)
		return error_nomem(reterr);
	for (size_t i = 0; i < e->n_parents; i++) {
		ids[i] = intern_add(
		    layer->ids, e->parents[i].type, e->parents[i].id);
		if (ids[i] == INTERN_NONE)
			return error_nomem(reterr);
	}
	*ret = ids;
	return true;
}

static void
fill_empty(struct value *record)
{
	if (record->kind == VALUE_NONE)
		*record = (struct value){ .kind = VALUE_RECORD };
}

bool
entities_add(
    struct entities *layer, const struct entity *e, struct error *reterr)
{
	uint32_t id = intern_add(layer->ids, e->uid.type, e->uid.id);
	struct entity own = *e;
	struct record *r;
	const uint32_t *parents = NULL;
	bool same = false;

	fill_empty(&own.attrs);
	fill_empty(&own.tags);
	if (id == INTERN_NONE || e->n_parents > UINT32_MAX)
		return error_nomem(reterr);
	if (!check_parents(e, reterr))
		return false;
	r = added_before(layer, id);
	if (r && !entities_same(layer->arena, &r->own, &own, &same, reterr))
		return false;
	if (same) {
		r->is_shared = true;
		return true;
	}
	if (r)
		return error_set(reterr, ERR_ENTITY_DUPLICATE,
		    (struct span){ .file = e->from },
		    "`%s` has two different records, the first from %s",
		    entities_show(e->uid).text,
		    r->own.from ? r->own.from : "elsewhere");
	r = push_record(layer);
	if (!r)
		return error_nomem(reterr);
	if (!intern_parents(layer, e, &parents, reterr))
		return false;
	if (!idmap_add(&layer->by_id, layer->arena, id, (uint32_t)layer->n))
		return error_nomem(reterr);
	*r = (struct record){ .own = own,
		.seen = &r->own,
		.id = id,
		.n_parents = (uint32_t)e->n_parents,
		.parents = parents };
	layer->n++;
	return true;
}

bool
entities_add_gone(
    struct entities *patch, const struct entity *e, struct error *reterr)
{
	if (!entities_add(patch, e, reterr))
		return false;
	entities_record(patch, patch->n - 1)->is_gone = true;
	patch->n_gone++;
	return true;
}

/* --- layers over layers ------------------------------------------------ */

/* *ret is NULL where there is none. */
static bool
find_id(const struct entities *layer, uint32_t id, struct arena *scratch,
    const struct entity **ret, struct error *reterr)
{
	*ret = NULL;
	for (; layer; layer = layer->below) {
		const struct record *r = entities_own(layer, id);

		if (layer->lent && id < layer->n)
			return image_entity(
			    layer->lent, id, scratch, ret, reterr);
		if (!r)
			continue;
		*ret = r->seen;
		return true;
	}
	return true;
}

/* The record with the parents of `below` after its own. */
static bool
join_parents(struct entities *layer, struct record *r,
    const struct entity *below, struct error *reterr)
{
	struct entity *joined = ARENA_NEW(layer->arena, struct entity);
	struct uid *parents = ARENA_ARRAY(
	    layer->arena, r->own.n_parents + below->n_parents, struct uid);
	size_t n = r->own.n_parents;
	struct value own;

	if (!joined || !parents)
		return error_nomem(reterr);
	if (!parent_set(layer->arena, &r->own, &own, reterr))
		return false;
	if (n)
		memcpy(parents, r->own.parents, n * sizeof *parents);
	for (size_t i = 0; i < below->n_parents; i++) {
		struct value parent = value_entity(below->parents[i]);

		if (!value_set_contains(&own, &parent))
			parents[n++] = below->parents[i];
	}
	*joined = r->own;
	joined->parents = parents;
	joined->n_parents = n;
	r->seen = joined;
	return true;
}

static bool
lay_over(struct entities *layer, struct record *r, struct error *reterr)
{
	const struct entity *below;
	bool same = false;

	if (!find_id(layer->below, r->id, layer->arena, &below, reterr))
		return false;
	if (!below)
		return true;
	if (!entities_same(layer->arena, &r->own, below, &same, reterr))
		return false;
	if (same)
		return true;
	if (below->attrs.record.n || below->tags.record.n)
		return error_set(reterr, ERR_ENTITY_CLASH,
		    (struct span){ .file = below->from },
		    "`%s` comes with the request; loaded data may only add "
		    "parents to it",
		    entities_show(r->own.uid).text);
	return join_parents(layer, r, below, reterr);
}

bool
entities_finish(struct entities *layer, struct error *reterr)
{
	for (size_t i = 0; layer->below && i < layer->n; i++)
		if (!lay_over(layer, entities_record(layer, i), reterr))
			return false;
	if (!reach_close(layer, reterr))
		return false;
	layer->finished = true;
	return true;
}

bool
entities_find(const struct entities *layer, struct uid uid,
    struct arena *scratch, const struct entity **ret, struct error *reterr)
{
	uint32_t id =
	    layer ? intern_find(layer->ids, uid.type, uid.id) : INTERN_NONE;

	*ret = NULL;
	return id == INTERN_NONE || find_id(layer, id, scratch, ret, reterr);
}

bool
entities_has(const struct entities *layer, struct uid uid)
{
	uint32_t id =
	    layer ? intern_find(layer->ids, uid.type, uid.id) : INTERN_NONE;

	for (; layer && id != INTERN_NONE; layer = layer->below)
		if (entities_own(layer, id) || (layer->lent && id < layer->n))
			return true;
	return false;
}

bool
entities_is_lent(const struct entities *layer)
{
	return layer && layer->lent;
}

size_t
entities_count(const struct entities *layer)
{
	size_t n = layer->n - layer->n_gone;

	if (layer->patched)
		n += layer->patched->n - layer->n_hidden;
	return n;
}

/* The i-th record of what a patch lies over that is not hidden. */
static const struct record *
at_below(const struct entities *patch, size_t i)
{
	size_t from = 0, to = patch->n_hidden;

	/* So many hidden ones come before it. */
	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (patch->hidden[mid] - mid <= i)
			from = mid + 1;
		else
			to = mid;
	}
	return entities_record(patch->patched, i + from);
}

static const struct record *
record_at(const struct entities *layer, size_t i)
{
	if (layer->patched) {
		size_t n = layer->patched->n - layer->n_hidden;

		if (i < n)
			return at_below(layer, i);
		i -= n;
	}
	return entities_record(layer, i);
}

bool
entities_at(const struct entities *layer, size_t i, struct arena *scratch,
    const struct entity **ret, struct error *reterr)
{
	if (layer->lent)
		return image_entity(
		    layer->lent, (uint32_t)i, scratch, ret, reterr);
	*ret = &record_at(layer, i)->own;
	return true;
}

struct uid
entities_uid_at(const struct entities *layer, size_t i)
{
	return layer->lent ? image_entity_uid(layer->lent, (uint32_t)i)
			   : record_at(layer, i)->own.uid;
}

uint32_t
entities_id_at(const struct entities *layer, size_t i)
{
	return layer->lent ? (uint32_t)i : entities_record(layer, i)->id;
}

bool
entities_seen_at(const struct entities *layer, size_t i, struct arena *scratch,
    const struct entity **ret, struct error *reterr)
{
	if (layer->lent)
		return image_entity(
		    layer->lent, (uint32_t)i, scratch, ret, reterr);
	*ret = entities_record(layer, i)->seen;
	return true;
}
