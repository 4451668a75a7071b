/* index_match.c - which policies does a request satisfy?
 * Three slots say which atoms the principal, the action and the resource have;
 * the shapes that exist say which combinations can be in the table; all cells
 * are asked for before the first is read, so that their cache misses overlap.
 * Nothing is allocated but scratch. Cost: probes, and the rules that were not
 * skipped. */
#include "policy/index_match.h"

#include <assert.h>

/* Combinations of a shape that are probed without asking which exist. */
#define DIRECT 8u
/* Atoms that are sifted together. */
#define SIFTED 256u
/* Smaller tables lie in a cache: there is nothing to wait for. */
#define INTERLEAVED_BYTES ((size_t)1 << 20)

/* --- lists ---------------------------------------------------------------- */

static void
list_init(struct list *l)
{
	l->items = l->few;
	l->n = 0;
	l->cap = INDEX_FEW;
}

bool
list_grow(struct match *m, struct list *l)
{
	uint32_t *bigger = ARENA_ARRAY(m->scratch, l->cap * 2, uint32_t);

	if (!bigger) {
		m->no_memory = true;
		return false;
	}
	memcpy(bigger, l->items, l->n * sizeof *bigger);
	l->items = bigger;
	l->cap *= 2;
	return true;
}

/* In order, each once. */
static bool
list_sort(struct match *m, struct list *l)
{
	size_t kept = 0;

	if (!policy_index_sort(m->ix, l->items, l->n, m->scratch))
		return false;
	for (size_t i = 0; i < l->n; i++)
		if (i == 0 || l->items[i] != l->items[kept - 1])
			l->items[kept++] = l->items[i];
	l->n = kept;
	return true;
}

/* The same in scratch. */
static inline bool
list_finish(
    struct match *m, struct list *l, const uint32_t **ret, size_t *ret_n)
{
	uint32_t *out = NULL;

	*ret = NULL;
	*ret_n = 0;
	if (l->n == 0)
		return true;
	if (l->n > 1 && !list_sort(m, l))
		return false;
	if (l->items == l->few) {
		out = ARENA_ARRAY(m->scratch, l->n, uint32_t);
		if (!out)
			return false;
		memcpy(out, l->few, l->n * sizeof *out);
	}
	*ret = out ? out : l->items;
	*ret_n = l->n;
	return true;
}

/* --- probes --------------------------------------------------------------- */

/* A cell's key and that it is used, as two words. */
struct cell_key {
	uint64_t low, high;
};

#define KEY_HIGH ((uint64_t)REF_USED << 32 | UINT32_MAX)

static inline struct cell_key
key_of(const struct index_rule *c)
{
	struct cell_key k;

	_Static_assert(offsetof(struct index_rule, ref) == 12, "after the key");
	memcpy(&k, c, sizeof k);
	k.high &= KEY_HIGH;
	return k;
}

/* Two cells are one cache line, and a key lies in the first one that was free:
 * behind a bucket that is not full there is none. Both are compared before
 * there is a branch, since which one it is cannot be foreseen. */
static inline const struct index_rule *
find_cell(const struct match *m, const struct probe *p)
{
	const struct policy_index *ix = m->ix;
	const struct index_rule *c = ix->cells + p->cell,
				*end = ix->cells + ix->n_cells;
	uint64_t low = (uint64_t)p->key[1] << 32 | p->key[0],
		 high = (uint64_t)REF_USED << 32 | p->key[2];

	for (size_t n = ix->n_cells / 2; n; n--) {
		struct cell_key x = key_of(c), y = key_of(c + 1);
		uint64_t first = (x.low ^ low) | (x.high ^ high),
			 second = (y.low ^ low) | (y.high ^ high);

		if (!first || !second)
			return first ? c + 1 : c;
		if (!(x.high & y.high & (uint64_t)REF_USED << 32))
			return NULL;
		c += 2;
		if (c == end)
			c = ix->cells;
	}
	return NULL;
}

static void
flush(struct match *m)
{
	const struct index_rule *hit[INDEX_WAVE] UNZEROED; /* the first n are */
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->n_wave; i++) {
		const struct index_rule *c = find_cell(m, &m->wave[i]);

		if (!c)
			continue;
		hit[n++] = c;
		if (c->ref & REF_RANGE && c->n_groups == 0 &&
		    c->first < m->ix->n_rules)
			__builtin_prefetch(&m->ix->rules[c->first]);
	}
	m->n_wave = 0;
	for (uint32_t i = 0; i < n; i++)
		if (hit[i]->ref & REF_RANGE)
			eval_range(m, hit[i]);
		else
			eval_rule(m, hit[i], 0);
}

static inline void
probe(struct match *m, uint64_t hash, uint32_t p, uint32_t a, uint32_t r)
{
	const struct policy_index *ix = m->ix;
	struct probe *to = &m->wave[m->n_wave++];

	to->key[0] = p;
	to->key[1] = a;
	to->key[2] = r;
	to->cell = (uint32_t)(index_place(hash, ix->n_cells / 2) * 2);
	__builtin_prefetch(&ix->cells[to->cell]);
	if (m->n_wave == INDEX_WAVE)
		flush(m);
}

static uint32_t
sift_who(const struct policy_index *ix, const uint32_t *atoms, uint32_t n,
    uint32_t action, uint32_t *out)
{
	uint32_t kept = 0;

	memcpy(out, atoms, n * sizeof *out);
	for (uint32_t i = 0; i < n; i++) {
		out[kept] = out[i];
		kept +=
		    index_has_bits(ix, index_bits_who(ix, atoms[i], action));
	}
	return kept;
}

static uint32_t
sift_what(const struct policy_index *ix, const uint32_t *atoms, uint32_t n,
    uint32_t action, uint32_t *out)
{
	uint32_t kept = 0;

	memcpy(out, atoms, n * sizeof *out);
	for (uint32_t i = 0; i < n; i++) {
		out[kept] = out[i];
		kept +=
		    index_has_bits(ix, index_bits_what(ix, action, atoms[i]));
	}
	return kept;
}

static void
probe_sieved(
    struct match *m, uint32_t p, uint32_t a, const uint32_t *ra, uint32_t n)
{
	const struct policy_index *ix = m->ix;

	for (uint32_t j = 0; j < n; j++) {
		uint64_t hash = index_hash_key(ix->seed, p, a, ra[j]);

		if (index_has_bits(ix, index_bits(ix, hash)))
			probe(m, hash, p, a, ra[j]);
	}
}

static uint32_t
next_few(uint32_t n, uint32_t at)
{
	return n - at < SIFTED ? n - at : SIFTED;
}

/* Of the product of what is above both, what the sieve lets through. */
static void
probe_action(struct match *m, const uint8_t shape[3], uint32_t action)
{
	const struct view *p = &m->view[0], *r = &m->view[2];
	uint32_t np = p->n_of[shape[0]], nr = r->n_of[shape[2]];
	uint32_t who[SIFTED] UNZEROED, what[SIFTED] UNZEROED;

	for (uint32_t i = 0; i < np; i += SIFTED) {
		uint32_t n_who = sift_who(
		    m->ix, p->of[shape[0]] + i, next_few(np, i), action, who);

		for (uint32_t j = 0; n_who && j < nr; j += SIFTED) {
			uint32_t n_what = sift_what(m->ix, r->of[shape[2]] + j,
			    next_few(nr, j), action, what);

			for (uint32_t k = 0; k < n_who; k++)
				probe_sieved(m, who[k], action, what, n_what);
		}
	}
}

static inline void
probe_shape(struct match *m, const uint8_t shape[3])
{
	const struct view *p = &m->view[0], *a = &m->view[1], *r = &m->view[2];
	const uint32_t *pa = p->of[shape[0]], *aa = a->of[shape[1]],
		       *ra = r->of[shape[2]];
	uint32_t np = p->n_of[shape[0]], na = a->n_of[shape[1]],
		 nr = r->n_of[shape[2]];

	if (np == 0 || na == 0 || nr == 0)
		return;
	if ((uint64_t)np * na * nr > DIRECT) {
		for (uint32_t k = 0; k < na; k++)
			probe_action(m, shape, aa[k]);
		return;
	}
	for (uint32_t k = 0; k < na; k++)
		for (uint32_t i = 0; i < np; i++)
			for (uint32_t j = 0; j < nr; j++)
				probe(m,
				    index_hash_key(
					m->ix->seed, pa[i], aa[k], ra[j]),
				    pa[i], aa[k], ra[j]);
}

/* --- a question ------------------------------------------------------------
 */

static inline void
match_init(struct match *m, const struct policy_index *ix,
    const struct eval_request *request, struct arena *scratch)
{
	m->ix = ix;
	m->request = request;
	m->scratch = scratch;
	m->has_memo = 0;
	m->n_wave = m->n_below = m->n_pattern_hits = 0;
	m->near = NULL;
	m->n_near = m->max_near = 0;
	m->is_walk = m->no_memory = m->is_viewed = m->is_void = false;
	m->sure = ERR_NONE;
	m->seen = NULL;
	list_init(&m->satisfied[0]);
	list_init(&m->satisfied[1]);
	list_init(&m->doubtful);
}

static void
match_begin(struct match *m)
{
	if (m->ix->closed && !normal_is_closed(m->ix->closed, m->request))
		m->is_walk = true;
	else
		view_begin(m);
}

/* `before` is the question before, or NULL. */
static void
match_probe(struct match *m, const struct match *before)
{
	if (!m->is_walk)
		view_all(m, before);
	/* Otherwise not all views are there. */
	if (m->is_walk || m->no_memory || m->is_void)
		return;
	for (size_t i = 0; i < m->ix->n_shapes && !m->is_walk; i++)
		probe_shape(m, m->ix->shapes[i]);
}

/* A policy with a rule that holds is satisfied, whatever its others are. */
static void
drop_satisfied(struct match *m, struct policy_found *ret)
{
	uint32_t *list;
	size_t kept = 0, at[2] = { 0 };

	if (ret->n_doubtful == 0)
		return;
	ret->sure = m->sure == DOUBT_ASKS ? ERR_NONE : m->sure;
	memcpy(&list, &ret->doubtful, sizeof list);
	for (size_t i = 0; i < ret->n_doubtful; i++) {
		bool holds = false;

		for (unsigned e = 0; e < 2; e++) {
			const uint32_t *s = ret->satisfied[e];

			while (at[e] < ret->n_satisfied[e] &&
			       m->ix->rank[s[at[e]]] < m->ix->rank[list[i]])
				at[e]++;
			holds = holds || (at[e] < ret->n_satisfied[e] &&
					     s[at[e]] == list[i]);
		}
		if (!holds)
			list[kept++] = list[i];
	}
	ret->n_doubtful = kept;
}

/* False when memory is out. */
static bool
match_end(struct match *m, struct policy_found *ret)
{
	if (!m->is_walk)
		flush(m);
	*ret = (struct policy_found){ .is_walk = m->is_walk };
	if (m->is_walk)
		return !m->no_memory;
	if (m->no_memory ||
	    !list_finish(m, &m->satisfied[0], &ret->satisfied[0],
		&ret->n_satisfied[0]) ||
	    !list_finish(m, &m->satisfied[1], &ret->satisfied[1],
		&ret->n_satisfied[1]) ||
	    !list_finish(m, &m->doubtful, &ret->doubtful, &ret->n_doubtful))
		return false;
	drop_satisfied(m, ret);
	return true;
}

bool
index_find(const struct policy_index *ix, const struct eval_request *request,
    struct arena *scratch, struct index_seen *seen, struct policy_found *ret)
{
	/* Three kilobytes, of which match_init writes what is read. */
	struct match m UNZEROED;

	match_init(&m, ix, request, scratch);
	m.seen = seen;
	match_begin(&m);
	match_probe(&m, NULL);
	return match_end(&m, ret);
}

bool
policy_index_find(const struct policy_index *ix,
    const struct eval_request *request, struct arena *scratch,
    struct policy_found *ret)
{
	return ix->join ? index_join_find(ix, request, scratch, ret)
			: index_find(ix, request, scratch, NULL, ret);
}

/* Step by step, each for all. */
static bool
find_interleaved(const struct policy_index *ix,
    const struct eval_request *requests, size_t n, struct arena *scratch,
    struct policy_found *ret)
{
	struct match all[POLICY_FIND_MANY] UNZEROED; /* as in index_find */
	bool ok = true;

	for (size_t i = 0; i < n; i++) {
		match_init(&all[i], ix, &requests[i], scratch);
		match_begin(&all[i]);
	}
	for (size_t i = 0; i < n; i++)
		match_probe(&all[i], i > 0 ? &all[i - 1] : NULL);
	for (size_t i = 0; ok && i < n; i++)
		ok = match_end(&all[i], &ret[i]);
	return ok;
}

bool
policy_index_find_many(const struct policy_index *ix,
    const struct eval_request *requests, size_t n, struct arena *scratch,
    struct policy_found *ret)
{
	assert(n <= POLICY_FIND_MANY);
	if (!ix->join &&
	    ix->n_slots * sizeof *ix->slots + ix->n_cells * sizeof *ix->cells >=
		INTERLEAVED_BYTES)
		return find_interleaved(ix, requests, n, scratch, ret);
	for (size_t i = 0; i < n; i++)
		if (!policy_index_find(ix, &requests[i], scratch, &ret[i]))
			return false;
	return true;
}

size_t
policy_index_near(const struct policy_index *ix,
    const struct eval_request *request, struct arena *scratch, uint32_t *ret,
    size_t max)
{
	/* Three kilobytes, of which match_init writes what is read. */
	struct match m UNZEROED;

	if (ix->join)
		return index_join_near(ix, request, scratch, ret, max);
	match_init(&m, ix, request, scratch);
	m.near = ret;
	m.max_near = max;
	match_begin(&m);
	match_probe(&m, NULL);
	if (!m.is_walk)
		flush(&m);
	return m.is_walk ? 0 : m.n_near;
}

uint32_t
index_type_find(const struct policy_index *ix, struct str name)
{
	uint32_t type =
	    index_names_find(&ix->type_names, ix->seed, STR(""), name);

	return type < ix->n_types ? type : (uint32_t)ix->n_types;
}
