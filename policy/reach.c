/* reach.c - who is above whom: `in`, over layers.
 * Finishing a layer visits, depth first, every record of it and what these
 * reach, finds cycles on the way, and keeps for each the closure: the sorted
 * ids of all ancestors as seen from this layer. Asking is then a binary search
 * that changes nothing, so many threads may ask at once. Two things keep that
 * cheap. What an upper layer's records reach below keeps the closure it has
 * there, unless the upper layer adds parents to a member of it: a request over
 * a million entities visits what it names, no more. And the closures of a layer
 * are bounded together: what is over the bound has none and is walked when
 * asked for, so a chain of a million groups costs time, not memory for ever.
 * All walks are loops: no depth of groups reaches the stack. */
#include "policy/entities.h"

#include "base/sort.h"

/* Ids in all closures of a layer: 64 MiB for one that lies over none, 256 KiB
 * for a request's, and 16 more for each record. */
#define CLOSURE_IDS_BOTTOM (16u << 20)
#define CLOSURE_IDS_UPPER (64u << 10)
#define CLOSURE_IDS_PER_RECORD 16u
/* Ids collected for one closure, repeats counted. */
#define CLOSURE_COLLECTED (4u << 20)
/* Ancestors walked for one that is asked about. */
#define WALKED_MAX 4096u

enum state { STATE_OPEN = 0, STATE_CLOSED };

/* The entry that a layer keeps itself; of one that lies in an image it is made
 * in `room`. */
static const struct closure *
kept_closure(const struct entities *layer, uint32_t id, struct closure *room)
{
	uint32_t i;

	if (layer->lent) {
		if (id >= layer->n)
			return NULL;
		*room = (struct closure){ .state = STATE_CLOSED };
		room->is_known =
		    image_above(layer->lent, id, &room->ids, &room->n);
		return room;
	}
	i = idmap_get(&layer->closure_at, id);
	return i == INTERN_NONE ? NULL : &layer->closures[i];
}

/* Of a layer that is being finished. */
static struct closure *
own_closure(const struct entities *layer, uint32_t id)
{
	uint32_t i = idmap_get(&layer->closure_at, id);

	return i == INTERN_NONE ? NULL : &layer->closures[i];
}

static bool
closure_has(const struct closure *c, uint32_t id)
{
	size_t from = 0, to = c->n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (c->ids[mid] == id)
			return true;
		if (id < c->ids[mid])
			to = mid;
		else
			from = mid + 1;
	}
	return false;
}

/* Is any record of the layer among the ids? Asked from the smaller side. */
static bool
touches(const struct entities *layer, const struct closure *c)
{
	if (layer->n < c->n) {
		for (size_t i = 0; i < layer->n; i++)
			if (closure_has(c, entities_record(layer, i)->id))
				return true;
		return false;
	}
	for (uint32_t i = 0; i < c->n; i++)
		if (idmap_get(&layer->by_id, c->ids[i]) != INTERN_NONE)
			return true;
	return false;
}

/* The entry of an id that the layer's records are or reach; NULL for others,
 * and for ids that have no record at all. Under a patch, what reaches a changed
 * record has an entry that is not known. */
static const struct closure *
closure_of(const struct entities *layer, uint32_t id, struct closure *room)
{
	static const struct closure changed = { .state = STATE_CLOSED };
	const struct closure *c = kept_closure(layer, id, room);

	if (c || !layer->patched || idmap_get(&layer->by_id, id) != INTERN_NONE)
		return c;
	c = kept_closure(layer->patched, id, room);
	return c && c->is_known && touches(layer, c) ? &changed : c;
}

static bool
has_record(const struct entities *layer, uint32_t id)
{
	for (; layer; layer = layer->below)
		if (entities_own(layer, id) || (layer->lent && id < layer->n))
			return true;
	return false;
}

/* Parents of an id, one after the other, from all layers. */
struct parents {
	const struct entities *layer;
	uint32_t id, next;
};

static uint32_t
own_parents(const struct entities *layer, uint32_t id, const uint32_t **ret)
{
	const struct record *r = entities_own(layer, id);

	if (layer->lent)
		return id < layer->n ? image_parents(layer->lent, id, ret) : 0;
	*ret = r ? r->parents : NULL;
	return r ? r->n_parents : 0;
}

static bool
next_parent(struct parents *p, uint32_t *ret)
{
	for (; p->layer; p->layer = p->layer->below, p->next = 0) {
		const uint32_t *parents;

		if (p->next < own_parents(p->layer, p->id, &parents)) {
			*ret = parents[p->next++];
			return true;
		}
	}
	return false;
}

/* --- closing a layer --------------------------------------------------- */

struct closing {
	struct entities *layer;
	struct arena *spare;   /* gone when closing is done */
	struct parents *stack; /* ids being visited */
	size_t n_stack, cap_stack;
	uint32_t *ids; /* collected for one closure */
	size_t n_ids, cap_ids;
	size_t budget;
	struct error *reterr;
};

static bool
collect(struct closing *c, uint32_t id)
{
	if (!ARENA_PUSH_ROOM(c->spare, c->ids, c->n_ids, c->cap_ids))
		return error_nomem(c->reterr);
	c->ids[c->n_ids++] = id;
	return true;
}

/* All ancestors of `id`, whose parents are closed. *ret_known is false when
 * there are too many, or a parent has no closure. */
static bool
collect_above(struct closing *c, uint32_t id, bool *ret_known)
{
	struct parents p = { c->layer, id, 0 };
	uint32_t parent;

	c->n_ids = 0;
	*ret_known = false;
	while (next_parent(&p, &parent)) {
		const struct closure *above = own_closure(c->layer, parent);
		uint32_t n = above ? above->n : 0;

		if ((above && !above->is_known) ||
		    c->n_ids + n > CLOSURE_COLLECTED)
			return true;
		if (!collect(c, parent))
			return false;
		for (uint32_t i = 0; i < n; i++)
			if (!collect(c, above->ids[i]))
				return false;
	}
	*ret_known = true;
	return true;
}

static bool
close_id(struct closing *c, uint32_t id)
{
	struct closure *own = own_closure(c->layer, id);
	uint32_t *ids;
	bool known;

	if (!collect_above(c, id, &known))
		return false;
	c->n_ids = sort_unique(c->ids, c->n_ids);
	own->state = STATE_CLOSED;
	if (!known || c->n_ids > c->budget) {
		c->layer->all_known = false;
		return true;
	}
	ids = ARENA_ARRAY(c->layer->arena, c->n_ids, uint32_t);
	if (!ids)
		return error_nomem(c->reterr);
	if (c->n_ids)
		memcpy(ids, c->ids, c->n_ids * sizeof *ids);
	c->budget -= c->n_ids;
	own->ids = ids;
	own->n = (uint32_t)c->n_ids;
	own->is_known = true;
	return true;
}

/* The closure that the layer below has, where nothing of this layer changes it.
 */
static const struct closure *
borrowed(const struct entities *layer, uint32_t id, struct closure *room)
{
	const struct entities *below =
	    layer->patched ? layer->patched : layer->below;
	const struct closure *c;

	if (!below || below->below ||
	    idmap_get(&layer->by_id, id) != INTERN_NONE)
		return NULL;
	c = closure_of(below, id, room);
	return c && c->is_known && !touches(layer, c) ? c : NULL;
}

static bool
push_closure(struct closing *c, uint32_t id, struct closure closure)
{
	struct entities *l = c->layer;

	if (!ARENA_PUSH_ROOM(
		l->arena, l->closures, l->n_closures, l->cap_closures) ||
	    !idmap_add(&l->closure_at, l->arena, id, (uint32_t)l->n_closures))
		return error_nomem(c->reterr);
	l->closures[l->n_closures++] = closure;
	return true;
}

static bool
enter(struct closing *c, uint32_t id)
{
	struct closure room;
	const struct closure *below = borrowed(c->layer, id, &room);

	if (below)
		return push_closure(c, id, *below);
	if (!ARENA_PUSH_ROOM(c->spare, c->stack, c->n_stack, c->cap_stack))
		return error_nomem(c->reterr);
	c->stack[c->n_stack++] = (struct parents){ c->layer, id, 0 };
	return push_closure(c, id, (struct closure){ .state = STATE_OPEN });
}

static bool
refuse_cycle(const struct closing *c, uint32_t id)
{
	const struct entities *layer = c->layer;
	const struct record *r = NULL;
	struct buf text = { 0 };
	struct uid uid;

	intern_get(layer->ids, id, &uid.type, &uid.id);
	for (; layer && !r; layer = layer->below)
		r = entities_own(layer, id);
	value_print_uid(&text, uid);
	(void)error_set(c->reterr, ERR_ENTITY_CYCLE,
	    (struct span){ .file = r ? r->own.from : NULL },
	    "`%.*s` is its own ancestor",
	    STR_ARG(str_sub(buf_str(&text), 0, 160)));
	buf_free(&text);
	return false;
}

/* Depth first from `root`, closing each id after its parents. */
static bool
close_from(struct closing *c, uint32_t root)
{
	if (!enter(c, root))
		return false;
	while (c->n_stack > 0) {
		struct parents *top = &c->stack[c->n_stack - 1];
		const struct closure *above;
		uint32_t parent;

		if (!next_parent(top, &parent)) {
			if (!close_id(c, top->id))
				return false;
			c->n_stack--;
			continue;
		}
		above = own_closure(c->layer, parent);
		if (above && above->state == STATE_OPEN)
			return refuse_cycle(c, parent);
		if (!above && has_record(c->layer, parent) && !enter(c, parent))
			return false;
	}
	return true;
}

bool
reach_close(struct entities *layer, struct error *reterr)
{
	struct closing c = { .layer = layer, .reterr = reterr };
	bool ok = true;

	layer->all_known = !layer->patched || layer->patched->all_known;
	if (layer->n == 0)
		return true;
	c.spare = arena_new(0);
	if (!c.spare)
		return error_nomem(reterr);
	c.budget = layer->below ? CLOSURE_IDS_UPPER : CLOSURE_IDS_BOTTOM;
	c.budget += layer->n * CLOSURE_IDS_PER_RECORD;
	for (size_t i = 0; ok && i < layer->n; i++) {
		const struct record *r = entities_record(layer, i);

		if (!r->is_gone && !own_closure(layer, r->id))
			ok = close_from(&c, r->id);
	}
	arena_free(c.spare);
	return ok;
}

/* --- telling ------------------------------------------------------------ */

/* Ids met on a walk, in order, each once. */
struct met {
	struct idmap places;
	uint32_t *ids;
	size_t n, cap;
};

static bool
meet(struct met *m, struct arena *a, uint32_t id)
{
	if (idmap_get(&m->places, id) != INTERN_NONE)
		return true;
	if (!ARENA_PUSH_ROOM(a, m->ids, m->n, m->cap) ||
	    !idmap_add(&m->places, a, id, (uint32_t)m->n))
		return false;
	m->ids[m->n++] = id;
	return true;
}

/* What has no closure is walked, up to a bound. */
static bool
walk_above(const struct entities *layer, struct arena *scratch,
    enum above_how *ret_how, struct above *ret)
{
	struct met m = { 0 };
	uint32_t id = ret->id, parent;

	*ret_how = ABOVE_VAST;
	for (size_t i = 0;; id = m.ids[i++]) {
		struct parents p = { layer, id, 0 };

		while (next_parent(&p, &parent))
			if (!meet(&m, scratch, parent))
				return false;
		if (m.n > WALKED_MAX)
			return true;
		if (i == m.n)
			break;
	}
	*ret_how = ABOVE_IDS;
	ret->ids = m.ids;
	ret->n = (uint32_t)sort_unique(m.ids, m.n);
	return true;
}

/* `below` is the closure that the lower layer has; the upper one adds to some
 * member of it. */
static bool
join_above(const struct entities *layer, const struct closure *below,
    struct arena *scratch, enum above_how *ret_how, struct above *ret)
{
	size_t n = below->n;
	uint32_t *ids;

	*ret_how = ABOVE_VAST;
	for (uint32_t i = 0; i < below->n; i++) {
		struct closure room;
		const struct closure *c =
		    closure_of(layer, below->ids[i], &room);

		if (c && !c->is_known)
			return true;
		n += c ? c->n : 0;
	}
	if (n > CLOSURE_COLLECTED)
		return true;
	ids = ARENA_ARRAY(scratch, n, uint32_t);
	if (!ids)
		return false;
	n = 0;
	for (uint32_t i = 0; i < below->n; i++) {
		struct closure room;
		const struct closure *c =
		    closure_of(layer, below->ids[i], &room);

		ids[n++] = below->ids[i];
		for (uint32_t k = 0; c && k < c->n; k++)
			ids[n++] = c->ids[k];
	}
	*ret_how = ABOVE_IDS;
	ret->ids = ids;
	ret->n = (uint32_t)sort_unique(ids, n);
	return true;
}

bool
entities_above(const struct entities *layer, struct uid uid,
    struct arena *scratch, enum above_how *ret_how, struct above *ret)
{
	struct closure room;
	const struct closure *c = NULL;

	*ret =
	    (struct above){ .id = intern_find(layer->ids, uid.type, uid.id) };
	*ret_how = ABOVE_IDS;
	if (ret->id == INTERN_NONE)
		return true;
	c = closure_of(layer, ret->id, &room);
	if (c && !c->is_known) {
		*ret_how = ABOVE_VAST;
		return !layer->patched ||
		       walk_above(layer, scratch, ret_how, ret);
	}
	if (c) {
		ret->ids = c->ids;
		ret->n = c->n;
		return true;
	}
	if (!layer->below)
		return true;
	*ret_how = ABOVE_VAST;
	if (layer->below->below)
		return true;
	c = closure_of(layer->below, ret->id, &room);
	if (c && !c->is_known)
		return !layer->below->patched ||
		       walk_above(layer, scratch, ret_how, ret);
	*ret_how = ABOVE_SAME;
	if (!c || !touches(layer, c))
		return true;
	return join_above(layer, c, scratch, ret_how, ret);
}

bool
entities_kept_above(
    const struct entities *layer, uint32_t id, struct above *ret)
{
	struct closure room;
	const struct closure *c = kept_closure(layer, id, &room);

	if (c && !c->is_known)
		return false;
	*ret = (struct above){ .id = id };
	if (c) {
		ret->ids = c->ids;
		ret->n = c->n;
	}
	return true;
}

bool
entities_stayed(const struct entities *patch, uint32_t id)
{
	struct closure room;
	const struct closure *c;

	if (kept_closure(patch, id, &room) ||
	    idmap_get(&patch->by_id, id) != INTERN_NONE)
		return false;
	c = kept_closure(patch->patched, id, &room);
	return !c || !c->is_known || !touches(patch, c);
}

bool
entities_all_above(const struct entities *layer, struct uid uid,
    struct arena *scratch, enum above_how *ret_how, struct above *ret)
{
	if (!entities_above(layer, uid, scratch, ret_how, ret))
		return false;
	if (*ret_how != ABOVE_SAME)
		return true;
	return entities_above(layer->below, uid, scratch, ret_how, ret);
}

/* --- asking ------------------------------------------------------------ */

/* Is `above` met on the way up from `id`? For what has no closure. */
static bool
walk(const struct entities *layer, uint32_t id, uint32_t above, struct arena *a,
    bool *ret_reaches)
{
	struct met m = { 0 };

	*ret_reaches = false;
	for (size_t i = 0;; id = m.ids[i++]) {
		struct closure room;
		const struct closure *c = closure_of(layer, id, &room);
		struct parents p = { layer, id, 0 };
		uint32_t parent;

		if (c && c->is_known) {
			if (closure_has(c, above)) {
				*ret_reaches = true;
				return true;
			}
		} else
			while (next_parent(&p, &parent))
				if (!meet(&m, a, parent))
					return false;
		if (idmap_get(&m.places, above) != INTERN_NONE) {
			*ret_reaches = true;
			return true;
		}
		if (i == m.n)
			return true;
	}
}

/* Through the closure that the bottom layer has for an id which the upper layer
 * knows nothing of: by itself, or by a member that the upper layer adds to. */
static bool
reaches_through(
    const struct entities *layer, const struct closure *below, uint32_t above)
{
	if (closure_has(below, above))
		return true;
	for (uint32_t i = 0; layer->n > 0 && i < below->n; i++) {
		struct closure room;
		const struct closure *c =
		    closure_of(layer, below->ids[i], &room);

		if (c && c->is_known && closure_has(c, above))
			return true;
	}
	return false;
}

/* False when only a walk can tell. */
static bool
look_up(const struct entities *layer, uint32_t id, uint32_t above,
    bool *ret_reaches)
{
	struct closure room;
	const struct closure *c = closure_of(layer, id, &room);

	if (!c && layer->below && !layer->below->below) {
		c = closure_of(layer->below, id, &room);
		if (!c || !c->is_known)
			*ret_reaches = false;
		else
			*ret_reaches = reaches_through(layer, c, above);
		return !c || (c->is_known && layer->all_known);
	}
	*ret_reaches = c && c->is_known && closure_has(c, above);
	return c ? c->is_known : !layer->below;
}

bool
entities_reach(const struct entities *layer, struct uid uid,
    struct uid ancestor, struct arena *scratch, bool *ret_reaches,
    struct error *reterr)
{
	bool is_same = uid_eq(uid, ancestor), reaches = false;
	uint32_t id = INTERN_NONE, above = INTERN_NONE;

	if (layer && !is_same) {
		above = intern_find(layer->ids, ancestor.type, ancestor.id);
		if (above != INTERN_NONE)
			id = intern_find(layer->ids, uid.type, uid.id);
	}
	/* A uid that no layer knows is in nothing and has nothing in it. */
	if (id != INTERN_NONE && !look_up(layer, id, above, &reaches) &&
	    !walk(layer, id, above, scratch, &reaches))
		return error_nomem(reterr);
	*ret_reaches = is_same || reaches;
	return true;
}

bool
entities_in(const struct entities *layer, struct uid uid, struct uid ancestor)
{
	struct arena *spare = arena_new(0);
	bool is_in = false;

	if (!spare ||
	    !entities_reach(layer, uid, ancestor, spare, &is_in, NULL))
		is_in = false;
	arena_free(spare);
	return is_in;
}
