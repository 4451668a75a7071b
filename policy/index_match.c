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
/* As many atoms are compared one by one. */
#define LINEAR 8u
/* Shapes that may be asked for before the principal is known. */
#define EARLY 7u
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

static bool
has_atom(const uint32_t *atoms, uint32_t n, uint32_t atom)
{
	while (n > 1) {
		uint32_t half = n / 2;

		atoms += atoms[half] <= atom ? half : 0;
		n -= half;
	}
	return *atoms == atom;
}

/* A bucket's cells, two bits: those of the pair, whoever the principal is.
 * Which they are cannot be foreseen, so there is no branch between. */
static inline unsigned
of_pair(const struct index_rule c[2], const struct probe *p)
{
	uint64_t used = (uint64_t)REF_USED << 32, want = used | p->resource;
	unsigned bits = 0;

	_Static_assert(offsetof(struct index_rule, ref) == 12, "after the key");
	for (unsigned i = 0; i < 2; i++) {
		uint64_t high;

		memcpy(&high, &c[i].key[2], sizeof high);
		high = ((high & (used | UINT32_MAX)) ^ want) |
		       (c[i].key[1] ^ p->action);
		bits |= (unsigned)(high == 0) << i;
	}
	return bits;
}

static inline bool
has_more(const struct index_rule c[2], unsigned bits)
{
	return ((c[0].ref & (0 - (bits & 1))) |
		   (c[1].ref & (0 - (bits >> 1)))) &
	       REF_MORE;
}

/* Those whose principal's atom is among `who`, which are in order. */
static inline unsigned
of_who(const struct index_rule c[2], const uint32_t *who, uint32_t n)
{
	unsigned bits = 0;

	if (n > LINEAR)
		return (unsigned)has_atom(who, n, c[0].key[0]) |
		       (unsigned)has_atom(who, n, c[1].key[0]) << 1;
	for (uint32_t i = 0; i < n; i++)
		bits |= (unsigned)(who[i] == c[0].key[0]) |
			(unsigned)(who[i] == c[1].key[0]) << 1;
	return bits;
}

static void
eval_hits(struct match *m, const struct index_rule **hit, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++)
		if (hit[i]->ref & REF_RANGE && hit[i]->n_groups == 0 &&
		    hit[i]->first < m->ix->n_rules)
			__builtin_prefetch(&m->ix->rules[hit[i]->first]);
	for (uint32_t i = 0; i < n; i++)
		if (hit[i]->ref & REF_RANGE)
			eval_range(m, hit[i]);
		else
			eval_rule(m, hit[i], 0);
}

/* Two cells are one cache line, and a rule lies in the first one that was free:
 * behind a bucket that is not full there is none, nor is there behind cells of
 * the pair that know of no more. How many of `hit` there are now; there is room
 * for two. */
static inline uint32_t
find_pair(struct match *m, const struct probe *p,
    const struct index_rule *hit[INDEX_WAVE], uint32_t n)
{
	const struct policy_index *ix = m->ix;
	const struct index_rule *c = ix->cells + p->cell,
				*end = ix->cells + ix->n_cells;
	const uint32_t *who = m->view[0].of[p->class_of];
	uint32_t n_who = m->view[0].n_of[p->class_of];

	for (size_t left = n_who ? ix->n_cells / 2 : 0; left; left--) {
		unsigned bits = of_pair(c, p), its;

		if (bits) {
			its = bits & of_who(c, who, n_who);
			hit[n] = c;
			n += its & 1;
			hit[n] = c + 1;
			n += its >> 1;
			if (!has_more(c, bits))
				break;
		}
		if (n > INDEX_WAVE - 2) {
			eval_hits(m, hit, n);
			n = 0;
		}
		if (!(c[0].ref & c[1].ref & REF_USED))
			break;
		c += 2;
		if (c == end)
			c = ix->cells;
	}
	return n;
}

/* The cell of one principal's atom, wherever the three say, or NULL. */
static inline const struct index_rule *
find_one(const struct policy_index *ix, const struct probe *p)
{
	const struct index_rule *c = ix->cells + p->cell,
				*end = ix->cells + ix->n_cells;

	for (size_t left = ix->n_cells / 2; left; left--) {
		unsigned bits = of_pair(c, p) & of_who(c, &p->who, 1);

		if (bits)
			return c + (bits >> 1);
		if (!(c[0].ref & c[1].ref & REF_USED))
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
	uint32_t n = 0, n_wave = m->n_wave;

	m->n_wave = 0;
	for (uint32_t i = 0; i < n_wave; i++) {
		if (m->wave[i].who != INDEX_NO_ATOM) {
			hit[n] = find_one(m->ix, &m->wave[i]);
			n += hit[n] != NULL;
		} else
			n = find_pair(m, &m->wave[i], hit, n);
		if (n <= INDEX_WAVE - 2)
			continue;
		eval_hits(m, hit, n);
		n = 0;
	}
	eval_hits(m, hit, n);
}

static inline void
probe(struct match *m, uint64_t hash, struct probe p)
{
	struct probe *to = &m->wave[m->n_wave++];

	*to = p;
	to->cell = (uint32_t)index_home(m->ix, hash);
	__builtin_prefetch(&m->ix->cells[to->cell]);
	if (m->n_wave == INDEX_WAVE)
		flush(m);
}

static inline void
probe_one(struct match *m, uint64_t hash, uint32_t p, uint32_t a, uint32_t r)
{
	probe(m, hash, (struct probe){ p, 0, a, r, 0 });
}

/* The cells of a pair lie together, and end in the next line as often as not.
 */
static inline void
probe_pair(struct match *m, uint32_t class_of, uint32_t a, uint32_t r)
{
	uint64_t hash = index_hash_pair(m->ix, a, r);

	__builtin_prefetch(&m->ix->cells[index_home(m->ix, hash)] + 2);
	probe(m, hash, (struct probe){ INDEX_NO_ATOM, class_of, a, r, 0 });
}

/* Of some atoms, those that the sieve has together with the action. */
__attribute__((always_inline)) static inline uint32_t
sift(const struct policy_index *ix, bool is_who, const uint32_t *atoms,
    uint32_t n, uint32_t action, uint32_t *out)
{
	uint32_t kept = 0;

	memcpy(out, atoms, n * sizeof *out);
	for (uint32_t i = 0; i < n; i++) {
		out[kept] = out[i];
		kept += index_has_bits(
		    ix, is_who ? index_bits_who(ix, atoms[i], action)
			       : index_bits_what(ix, action, atoms[i]));
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
			probe_one(m, hash, p, a, ra[j]);
	}
}

static uint32_t
next_few(uint32_t n, uint32_t at)
{
	return n - at < SIFTED ? n - at : SIFTED;
}

/* Of the product of what is above both, what the sieve lets through. */
static void
probe_action(struct match *m, const struct index_shape *shape, uint32_t action)
{
	const struct view *p = &m->view[0], *r = &m->view[2];
	uint32_t np = p->n_of[shape->of[0]], nr = r->n_of[shape->of[2]];
	uint32_t who[SIFTED] UNZEROED, what[SIFTED] UNZEROED;

	for (uint32_t i = 0; i < np; i += SIFTED) {
		uint32_t n_who = sift(m->ix, true, p->of[shape->of[0]] + i,
		    next_few(np, i), action, who);

		for (uint32_t j = 0; n_who && j < nr; j += SIFTED) {
			uint32_t n_what =
			    sift(m->ix, false, r->of[shape->of[2]] + j,
				next_few(nr, j), action, what);

			for (uint32_t k = 0; k < n_who; k++)
				probe_sieved(m, who[k], action, what, n_what);
		}
	}
}

/* The same where rules lie by pairs. */
static void
probe_action_pairs(
    struct match *m, const struct index_shape *shape, uint32_t action)
{
	const struct view *r = &m->view[2];
	uint32_t nr = r->n_of[shape->of[2]];
	uint32_t what[SIFTED] UNZEROED;

	for (uint32_t j = 0; j < nr; j += SIFTED) {
		uint32_t n = sift(m->ix, false, r->of[shape->of[2]] + j,
		    next_few(nr, j), action, what);

		for (uint32_t k = 0; k < n; k++)
			probe_pair(m, shape->of[0], action, what[k]);
	}
}

/* How many combinations of an action and a resource there are; more than DIRECT
 * are that many and one. */
static inline uint32_t
n_pairs(const struct match *m, const struct index_shape *shape)
{
	uint64_t n = (uint64_t)m->view[1].n_of[shape->of[1]] *
		     m->view[2].n_of[shape->of[2]];

	return n <= DIRECT ? (uint32_t)n : DIRECT + 1;
}

static inline void
probe_direct_pairs(struct match *m, const struct index_shape *shape)
{
	const struct view *a = &m->view[1], *r = &m->view[2];

	for (uint32_t k = 0; k < a->n_of[shape->of[1]]; k++)
		for (uint32_t j = 0; j < r->n_of[shape->of[2]]; j++)
			probe_pair(m, shape->of[0], a->of[shape->of[1]][k],
			    r->of[shape->of[2]][j]);
}

void
probe_pairs(struct match *m)
{
	/* What they ask for fits into a wave. */
	_Static_assert(EARLY * DIRECT < INDEX_WAVE && EARLY < 32, "or flushes");

	for (size_t i = 0; i < m->ix->n_shapes && i < EARLY; i++) {
		const struct index_shape *s = &m->ix->shapes[i];

		if (!s->is_paired || n_pairs(m, s) > DIRECT)
			continue;
		probe_direct_pairs(m, s);
		m->asked |= 1u << i;
	}
}

__attribute__((noinline)) static void
probe_shape(struct match *m, const struct index_shape *shape)
{
	const struct view *p = &m->view[0], *a = &m->view[1], *r = &m->view[2];
	const uint32_t *pa = p->of[shape->of[0]], *aa = a->of[shape->of[1]],
		       *ra = r->of[shape->of[2]];
	uint32_t np = p->n_of[shape->of[0]], na = a->n_of[shape->of[1]],
		 nr = r->n_of[shape->of[2]];

	if (np == 0 || na == 0 || nr == 0)
		return;
	if (shape->is_paired && n_pairs(m, shape) <= DIRECT) {
		probe_direct_pairs(m, shape);
		return;
	}
	if (shape->is_paired || (uint64_t)np * na * nr > DIRECT) {
		for (uint32_t k = 0; k < na; k++)
			if (shape->is_paired)
				probe_action_pairs(m, shape, aa[k]);
			else
				probe_action(m, shape, aa[k]);
		return;
	}
	for (uint32_t k = 0; k < na; k++)
		for (uint32_t i = 0; i < np; i++)
			for (uint32_t j = 0; j < nr; j++)
				probe_one(m,
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
	m->asked = 0;
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
static inline void
match_probe(struct match *m, const struct match *before)
{
	if (!m->is_walk)
		view_all(m, before);
	/* Not all views are there. */
	if (m->is_walk || m->no_memory || m->is_void) {
		m->n_wave = 0;
		return;
	}
	for (size_t i = 0; i < m->ix->n_shapes && !m->is_walk; i++)
		if (i >= EARLY || !(m->asked >> i & 1))
			probe_shape(m, &m->ix->shapes[i]);
}

/* A policy with a rule that holds is satisfied, whatever its others are. */
static void
drop_satisfied(struct match *m, struct policy_found *ret)
{
	uint32_t *list;
	size_t kept = 0, at[2] = { 0 };

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
static inline bool
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
	if (ret->n_doubtful > 0)
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
