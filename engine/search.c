/* search.c - who may do it, and what may one do: requests made from the loaded
 * entities, each decided as any other.
 * A candidate is a number; its request is that number's digits over the lists
 * of principals, actions and resources, the resource counting fastest. Nothing
 * is guessed: what is not in the data is not found, and a decision that needs a
 * context that is not known is told as such. Two snapshots are compared on the
 * same candidates. */
#include "engine/engine_private.h"

#include <stdlib.h>

#include "base/intern.h"
#include "base/sort.h"

struct choices {
	const struct uid *items;
	size_t n;
};

struct search {
	const struct engine_snapshot *snapshot;
	struct arena *arena;
	const struct entities *layer;
	struct choices principals, actions, resources;
};

static const struct entities *
layer_of(const struct engine_query *q, const struct engine_snapshot *s)
{
	return q->assumed ? q->assumed : engine_snapshot_entities(s);
}

/* Loaded entities that are actions, or that are none. */
static bool
list_entities(
    struct search *s, bool actions, struct choices *ret, struct error *reterr)
{
	size_t count = s->layer ? entities_count(s->layer) : 0;
	struct uid *uids = ARENA_ARRAY(s->arena, count + 1, struct uid);

	if (!uids)
		return error_nomem(reterr);
	ret->items = uids;
	for (size_t i = 0; i < count; i++) {
		struct uid uid = entities_uid_at(s->layer, i);

		if (uid_type_is_action(uid.type) == actions)
			uids[ret->n++] = uid;
	}
	return true;
}

/* Those of the policies, then those of the data that no policy names. */
static bool
list_actions(struct search *s, struct error *reterr)
{
	struct choices loaded = { 0 };
	const struct uid *named;
	struct uid *all;
	size_t n, n_named;

	if (!list_entities(s, true, &loaded, reterr) ||
	    !policy_set_actions(engine_snapshot_policies(s->snapshot), s->arena,
		&named, &n_named, reterr))
		return false;
	all = ARENA_ARRAY(s->arena, n_named + loaded.n + 1, struct uid);
	if (!all)
		return error_nomem(reterr);
	if (n_named)
		memcpy(all, named, n_named * sizeof *all);
	n = n_named;
	for (size_t i = 0; i < loaded.n; i++) {
		if (n_named == 0 || !bsearch(&loaded.items[i], named, n_named,
					sizeof *named, uid_compare))
			all[n++] = loaded.items[i];
	}
	s->actions = (struct choices){ all, n };
	return true;
}

static bool
list_all(struct search *s, const struct engine_query *q, struct error *reterr)
{
	struct choices others = { 0 };

	if ((q->principal.type.n == 0 || q->resource.type.n == 0) &&
	    !list_entities(s, false, &others, reterr))
		return false;
	s->principals = s->resources = others;
	if (q->principal.type.n)
		s->principals = (struct choices){ &q->principal, 1 };
	if (q->resource.type.n)
		s->resources = (struct choices){ &q->resource, 1 };
	if (q->action.type.n == 0)
		return list_actions(s, reterr);
	s->actions = (struct choices){ &q->action, 1 };
	return true;
}

static bool
count_candidates(const struct search *s, uint64_t *ret, struct error *reterr)
{
	uint64_t pairs, total;

	if (__builtin_mul_overflow(
		(uint64_t)s->principals.n, (uint64_t)s->actions.n, &pairs) ||
	    __builtin_mul_overflow(pairs, (uint64_t)s->resources.n, &total))
		return error_set(reterr, ERR_LIMIT_COUNT, SPAN_NONE,
		    "too many combinations to search");
	*ret = total;
	return true;
}

static struct engine_request
request_of(const struct search *s, const struct engine_query *q, uint64_t i)
{
	struct engine_request r = { .entities = s->layer };

	r.resource = s->resources.items[i % s->resources.n];
	i /= s->resources.n;
	r.action = s->actions.items[i % s->actions.n];
	r.principal = s->principals.items[i / s->actions.n];
	if (q->context)
		r.context = *q->context;
	else
		r.context.kind = VALUE_UNKNOWN;
	return r;
}

/* Where the page ends at the latest. */
static uint64_t
end_of(const struct engine_query *q, uint64_t total)
{
	if (q->most == 0 || q->from >= total || total - q->from <= q->most)
		return total;
	return q->from + q->most;
}

/* What is found, and what is still to be told. */
struct hunt {
	const struct search *search;
	const struct engine_query *query;
	engine_found *found;
	void *ctx;
	uint64_t next; /* candidate */
	size_t n;
};

/* False: that was the last one. */
static bool
tell(void *ctx, const struct engine_request *r,
    const struct engine_answer *answer)
{
	struct hunt *h = ctx;
	bool permits = answer->effect == ENGINE_PERMIT;

	h->next++;
	if (!permits && answer->code != ERR_DATA_MISSING)
		return true;
	h->n++;
	return h->found(h->ctx, h->search->snapshot, r,
		   permits ? answer->reasons : answer->certain,
		   permits ? answer->n_reasons : answer->n_certain) &&
	       (h->query->limit == 0 || h->n < h->query->limit);
}

static uint64_t
run(const struct search *s, const struct engine_query *q, uint64_t total,
    struct arena *scratch, engine_found *found, void *ctx)
{
	struct hunt h = { s, q, found, ctx, q->from, 0 };
	uint64_t end = end_of(q, total);
	bool go_on = true;

	while (go_on && h.next < end) {
		struct engine_request r[ENGINE_BATCH] UNZEROED;
		size_t n = 0;

		for (; n < ARRAY_LEN(r) && h.next + n < end; n++)
			r[n] = request_of(s, q, h.next + n);
		arena_reset(scratch);
		go_on = engine_evaluate_many(
		    s->snapshot, r, n, q->errored_deny, scratch, tell, &h);
	}
	return h.next < total ? h.next : 0;
}

bool
engine_search(const struct engine_snapshot *snapshot,
    const struct engine_query *q, struct arena *scratch, engine_found *found,
    void *ctx, uint64_t *ret_next, struct error *reterr)
{
	struct search s = { .snapshot = snapshot,
		.arena = arena_new(0),
		.layer = layer_of(q, snapshot) };
	uint64_t total;
	bool ok = s.arena ? list_all(&s, q, reterr) : error_nomem(reterr);

	ok = ok && count_candidates(&s, &total, reterr);
	if (ok)
		*ret_next = run(&s, q, total, scratch, found, ctx);
	arena_free(s.arena);
	return ok;
}

/* ---- two sets of policies --------------------------------------------------
 */

/* Actions of both, each once. Those of one are distinct. */
static bool
add_actions(struct search *s, const struct search *other, struct error *reterr)
{
	size_t n = s->actions.n, both = n + other->actions.n;
	struct uid *all = ARENA_ARRAY(s->arena, both + 1, struct uid);
	struct uid *sorted = ARENA_ARRAY(s->arena, n + 1, struct uid);

	if (!all || !sorted)
		return error_nomem(reterr);
	if (n) {
		memcpy(all, s->actions.items, n * sizeof *all);
		memcpy(sorted, all, n * sizeof *all);
		qsort(sorted, n, sizeof *sorted, uid_compare);
	}
	for (size_t i = 0; i < other->actions.n; i++) {
		const struct uid *one = &other->actions.items[i];

		if (s->actions.n == 0 || !bsearch(one, sorted, s->actions.n,
					     sizeof *sorted, uid_compare))
			all[n++] = *one;
	}
	s->actions = (struct choices){ all, n };
	return true;
}

static uint64_t
run_both(const struct search *s, const struct engine_snapshot *new,
    const struct engine_query *q, uint64_t total, struct arena *scratch,
    engine_compared *compared, void *ctx)
{
	uint64_t i = q->from, end = end_of(q, total);

	if (s->resources.n == 0 || s->actions.n == 0)
		return 0;
	for (; i < end; i++) {
		struct engine_request r = request_of(s, q, i);

		arena_reset(scratch);
		if (!engine_compare(s->snapshot, &r, new, layer_of(q, new),
			q->errored_deny, scratch, compared, ctx))
			return i + 1 < total ? i + 1 : 0;
	}
	return i < total ? i : 0;
}

bool
engine_compare(const struct engine_snapshot *old,
    const struct engine_request *r, const struct engine_snapshot *new,
    const struct entities *new_entities, enum engine_errored_deny errored_deny,
    struct arena *scratch, engine_compared *compared, void *ctx)
{
	struct engine_request same = *r;
	struct engine_answer x, y;

	same.entities = new_entities;
	engine_evaluate(old, r, errored_deny, scratch, &x);
	engine_evaluate(new, &same, errored_deny, scratch, &y);
	return compared(ctx, r, &x, &y);
}

bool
engine_compare_all(const struct engine_snapshot *old,
    const struct engine_snapshot *new, const struct engine_query *q,
    struct arena *scratch, engine_compared *compared, void *ctx,
    uint64_t *ret_next, struct error *reterr)
{
	struct arena *a = arena_new(0);
	struct search s = {
		.snapshot = old, .arena = a, .layer = layer_of(q, old)
	};
	struct search other = {
		.snapshot = new, .arena = a, .layer = layer_of(q, new)
	};
	uint64_t total;
	bool ok = a ? list_all(&s, q, reterr) && list_all(&other, q, reterr) &&
			  add_actions(&s, &other, reterr)
		    : error_nomem(reterr);

	ok = ok && count_candidates(&s, &total, reterr);
	if (ok)
		*ret_next = run_both(&s, new, q, total, scratch, compared, ctx);
	arena_free(a);
	return ok;
}

/* ---- what is open alike
 * ------------------------------------------------------
 */

static const uint32_t *
number_bodies(const struct engine_snapshot *s, struct arena *a,
    struct intern *texts, struct buf *text)
{
	const struct policy_set *set = engine_snapshot_policies(s);
	uint32_t n = policy_set_count(set);
	uint32_t *numbers = ARENA_ARRAY(a, n + 1u, uint32_t);

	for (uint32_t i = 0; numbers && i < n; i++) {
		text->n = 0;
		policy_print_body(set, i, text);
		numbers[i] = buf_ok(text)
				 ? intern_add(texts, STR(""), buf_str(text))
				 : INTERN_NONE;
		if (numbers[i] == INTERN_NONE)
			return NULL;
	}
	return numbers;
}

bool
engine_bodies_learn(const struct engine_snapshot *old,
    const struct engine_snapshot *new, struct arena *a,
    struct engine_bodies *ret, struct error *reterr)
{
	struct arena *spare = arena_new(0);
	struct intern *texts = spare ? intern_new(spare, NULL) : NULL;
	struct buf text = { 0 };

	ret->of[0] = texts ? number_bodies(old, a, texts, &text) : NULL;
	ret->of[1] = ret->of[0] ? number_bodies(new, a, texts, &text) : NULL;
	buf_free(&text);
	arena_free(spare);
	return ret->of[1] != NULL || error_nomem(reterr);
}

/* The bodies of the answer's open policies, sorted, each once. */
static uint32_t *
open_bodies(const struct engine_answer *answer, const uint32_t *of,
    struct arena *scratch, size_t *ret_n)
{
	uint32_t *all = ARENA_ARRAY(scratch, answer->n_open + 1, uint32_t);

	if (!all)
		return NULL;
	for (size_t i = 0; i < answer->n_open; i++)
		all[i] = of[answer->open[i]];
	*ret_n = sort_unique(all, answer->n_open);
	return all;
}

bool
engine_bodies_open_alike(const struct engine_bodies *b,
    const struct engine_answer *old, const struct engine_answer *new,
    struct arena *scratch)
{
	size_t n = 0, m = 0;
	uint32_t *x, *y;

	if (old->code != ERR_DATA_MISSING || new->code != ERR_DATA_MISSING ||
	    old->permits_wait != new->permits_wait)
		return false;
	x = open_bodies(old, b->of[0], scratch, &n);
	y = open_bodies(new, b->of[1], scratch, &m);
	return x && y && n == m && memcmp(x, y, n * sizeof *x) == 0;
}
