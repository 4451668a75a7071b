/* reach.c - who is above whom: `in`, over layers.
 * A bottom layer gets the closure of every record when it is finished: sorted
 * ids, so that asking is a binary search and many threads may ask at once. The
 * closures of all records together are bounded (CLOSURE_IDS): a record over the
 * bound has none and is walked instead, so a chain of a million groups costs
 * time when asked for, not memory for ever.
 * An upper layer may add parents to anything, so nothing below it is final: a
 * walk takes the closure of each id it meets and then asks every upper layer
 * about each of its members. What was walked is remembered in the layer, which
 * belongs to one thread. Walks are loops: no depth of groups reaches the stack.
 */
#include "policy/entities.h"

#include <stdlib.h>

/* 64 MiB of ids, plus 16 for each record. */
#define CLOSURE_IDS (16u << 20)
#define CLOSURE_IDS_PER_RECORD 16u

/* Ids met on a walk, in order, each once. */
struct met {
	struct idmap places;
	struct met_id {
		uint32_t id;
		bool is_closed; /* what the bottom layer has above it is met */
	} * ids;
	size_t n, cap;
};

struct reach_memo {
	struct idmap by_id;
	struct met **mets;
	size_t n, cap;
};

static bool
cycle(const struct entities *layer, uint32_t id, struct error *reterr)
{
	const struct record *r = entities_own(layer, id);
	struct uid uid;
	struct buf text = { 0 };

	intern_get(layer->ids, id, &uid.type, &uid.id);
	value_print_uid(&text, uid);
	(void)error_set(reterr, ERR_ENTITY_CYCLE,
	    (struct span){ .file = r ? r->own.from : NULL },
	    "`%.*s` is its own ancestor",
	    STR_ARG(str_sub(buf_str(&text), 0, 160)));
	buf_free(&text);
	return false;
}

/* --- closures of a bottom layer ---------------------------------------------
 */

enum colour { WHITE = 0, GREY, BLACK };

struct closing {
	struct entities *layer;
	struct arena *spare; /* gone when closing is done */
	uint8_t *colours;    /* by id */
	uint32_t *stamps;    /* by id: last record whose closure has it, + 1 */
	struct step {
		struct record *record;
		uint32_t next; /* parent to visit */
	} * stack;
	size_t n_stack, cap_stack;
	uint32_t *ids;
	size_t n_ids, cap_ids;
	size_t budget;
};

static int
cmp_ids(const void *a, const void *b)
{
	uint32_t x, y;

	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return (x > y) - (x < y);
}

static bool
take_id(struct closing *c, uint32_t stamp, uint32_t id)
{
	if (c->stamps[id] == stamp)
		return true;
	if (!ARENA_PUSH_ROOM(c->spare, c->ids, c->n_ids, c->cap_ids))
		return false;
	c->stamps[id] = stamp;
	c->ids[c->n_ids++] = id;
	return true;
}

/* The parents of `r` have their closures, or are past the budget. */
static bool
close_record(struct closing *c, struct record *r)
{
	uint32_t *closure;

	c->n_ids = 0;
	for (uint32_t i = 0; i < r->n_parents; i++) {
		const struct record *p = entities_own(c->layer, r->parents[i]);

		if (p && !p->has_closure)
			return true;
		if (!take_id(c, r->id + 1, r->parents[i]))
			return false;
		for (uint32_t k = 0; p && k < p->n_closure; k++)
			if (!take_id(c, r->id + 1, p->closure[k]))
				return false;
	}
	if (c->n_ids > c->budget)
		return true;
	closure = ARENA_ARRAY(c->layer->arena, c->n_ids, uint32_t);
	if (!closure)
		return false;
	if (c->n_ids) {
		memcpy(closure, c->ids, c->n_ids * sizeof *closure);
		qsort(closure, c->n_ids, sizeof *closure, cmp_ids);
	}
	c->budget -= c->n_ids;
	r->closure = closure;
	r->n_closure = (uint32_t)c->n_ids;
	r->has_closure = true;
	return true;
}

static bool
enter(struct closing *c, struct record *r)
{
	if (!ARENA_PUSH_ROOM(c->spare, c->stack, c->n_stack, c->cap_stack))
		return false;
	c->colours[r->id] = GREY;
	c->stack[c->n_stack++] = (struct step){ r, 0 };
	return true;
}

/* Depth first from `root`, closing each record after its parents. */
static bool
close_from(struct closing *c, struct record *root, struct error *reterr)
{
	if (!enter(c, root))
		return error_nomem(reterr);
	while (c->n_stack > 0) {
		struct step *top = &c->stack[c->n_stack - 1];
		struct record *r = top->record, *p;

		if (top->next == r->n_parents) {
			if (!close_record(c, r))
				return error_nomem(reterr);
			c->colours[r->id] = BLACK;
			c->n_stack--;
			continue;
		}
		p = entities_own(c->layer, r->parents[top->next++]);
		if (!p || c->colours[p->id] == BLACK)
			continue;
		if (c->colours[p->id] == GREY)
			return cycle(c->layer, p->id, reterr);
		if (!enter(c, p))
			return error_nomem(reterr);
	}
	return true;
}

bool
reach_close(struct entities *layer, struct error *reterr)
{
	struct closing c = { .layer = layer, .spare = arena_new(0) };
	size_t n_ids = intern_count(layer->ids);
	bool ok = true;

	if (!c.spare)
		return error_nomem(reterr);
	c.budget = CLOSURE_IDS + layer->n * CLOSURE_IDS_PER_RECORD;
	c.colours = ARENA_ARRAY(c.spare, n_ids, uint8_t);
	c.stamps = ARENA_ARRAY(c.spare, n_ids, uint32_t);
	if (!c.colours || !c.stamps)
		ok = error_nomem(reterr);
	for (size_t i = 0; ok && i < layer->n; i++) {
		struct record *r = entities_record(layer, i);

		if (c.colours[r->id] == WHITE)
			ok = close_from(&c, r, reterr);
	}
	arena_free(c.spare);
	return ok;
}

/* --- walks
 * ---------------------------------------------------------------------- */

static bool
meet(struct met *m, struct arena *a, uint32_t id, bool is_closed)
{
	uint32_t place = idmap_get(&m->places, id);

	if (place != INTERN_NONE)
		return true;
	if (!ARENA_PUSH_ROOM(a, m->ids, m->n, m->cap) ||
	    !idmap_add(&m->places, a, id, (uint32_t)m->n))
		return false;
	m->ids[m->n++] = (struct met_id){ id, is_closed };
	return true;
}

static bool
meet_all(struct met *m, struct arena *a, const uint32_t *ids, size_t n,
    bool is_closed)
{
	for (size_t i = 0; i < n; i++)
		if (!meet(m, a, ids[i], is_closed))
			return false;
	return true;
}

/* Meet what one layer has right above an id; in a bottom layer, all of it. */
static bool
climb(const struct entities *layer, struct met *m, struct arena *a,
    struct met_id from)
{
	const struct record *r;

	if (!layer->below && from.is_closed)
		return true;
	r = entities_own(layer, from.id);
	if (!r)
		return true;
	if (!layer->below && r->has_closure)
		return meet_all(m, a, r->closure, r->n_closure, true);
	return meet_all(m, a, r->parents, r->n_parents, false);
}

/* Meet all ancestors of `id`, which is not among them unless it is its own. */
static bool
walk(const struct entities *layer, uint32_t id, struct met *m, struct arena *a)
{
	struct met_id from = { id, false };

	for (size_t i = 0;; i++) {
		for (const struct entities *l = layer; l; l = l->below)
			if (!climb(l, m, a, from))
				return false;
		if (i == m->n)
			return true;
		from = m->ids[i];
	}
}

bool
reach_check(struct entities *layer, struct error *reterr)
{
	struct arena *spare = arena_new(0);
	bool ok = spare != NULL || error_nomem(reterr);

	for (size_t i = 0; ok && i < layer->n; i++) {
		uint32_t id = entities_record(layer, i)->id;
		struct met m = { 0 };

		if (!walk(layer, id, &m, spare))
			ok = error_nomem(reterr);
		else if (idmap_get(&m.places, id) != INTERN_NONE)
			ok = cycle(layer, id, reterr);
		arena_reset(spare);
	}
	arena_free(spare);
	if (!ok)
		return false;
	layer->memo = ARENA_NEW(layer->arena, struct reach_memo);
	return layer->memo || error_nomem(reterr);
}

/* The remembered walk of an upper layer; NULL when memory is out. */
static const struct met *
remember(const struct entities *layer, uint32_t id)
{
	struct reach_memo *memo = layer->memo;
	uint32_t i = idmap_get(&memo->by_id, id);
	struct met *m;

	if (i != INTERN_NONE)
		return memo->mets[i];
	m = ARENA_NEW(layer->arena, struct met);
	if (!m || !walk(layer, id, m, layer->arena) ||
	    !ARENA_PUSH_ROOM(layer->arena, memo->mets, memo->n, memo->cap) ||
	    !idmap_add(&memo->by_id, layer->arena, id, (uint32_t)memo->n))
		return NULL;
	memo->mets[memo->n++] = m;
	return m;
}

static bool
closure_has(const struct record *r, uint32_t id)
{
	size_t from = 0, to = r->n_closure;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (r->closure[mid] == id)
			return true;
		if (id < r->closure[mid])
			to = mid;
		else
			from = mid + 1;
	}
	return false;
}

bool
entities_reach(const struct entities *layer, struct uid uid,
    struct uid ancestor, struct arena *scratch, bool *ret_reaches,
    struct error *reterr)
{
	bool is_same = uid_eq(uid, ancestor);
	struct met fresh = { 0 };
	const struct met *m = &fresh;
	const struct record *r;
	uint32_t id = INTERN_NONE, above = INTERN_NONE;

	if (layer && !is_same) {
		above = intern_find(layer->ids, ancestor.type, ancestor.id);
		if (above != INTERN_NONE)
			id = intern_find(layer->ids, uid.type, uid.id);
	}
	/* A uid that no layer knows is in nothing and has nothing in it. */
	if (id == INTERN_NONE) {
		*ret_reaches = is_same;
		return true;
	}
	r = layer->below ? NULL : entities_own(layer, id);
	if (!layer->below && (!r || r->has_closure)) {
		*ret_reaches = r && closure_has(r, above);
		return true;
	}
	if (layer->memo)
		m = remember(layer, id);
	else if (!walk(layer, id, &fresh, scratch))
		m = NULL;
	if (!m)
		return error_nomem(reterr);
	*ret_reaches = idmap_get(&m->places, above) != INTERN_NONE;
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
