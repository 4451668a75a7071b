/* index.c - make an index, part by part, and order policies by their ids.
 * The order is worked out once, so that a decision sorts its reasons by number;
 * of many policies beside the index, by a thread of its own.
 * The normal form is gone when the index is made: what it takes to evaluate a
 * tree is kept with each. */
#include "policy/index.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/pages.h"
#include "base/sort.h"
#include "policy/image.h"

/* An id that begins as its neighbours do. */
struct ranked {
	struct str id;
	uint32_t instance;
};

/* Of ids that are known to begin with the same `n` bytes: how many more are the
 * same. */
static size_t
common_prefix(
    const struct policy_set *set, const uint32_t *order, size_t n, size_t from)
{
	struct str first = set->instances[order[0]].id;
	size_t same = first.n;

	for (size_t i = 1; i < n; i++) {
		struct str id = set->instances[order[i]].id;
		size_t k = from;

		while (k < same && k < id.n && id.p[k] == first.p[k])
			k++;
		same = k;
	}
	return same;
}

#define HEAD_WORDS 2u

/* The first bytes of an id, behind what all begin with; shorter ids have zeros
 * behind. */
struct head {
	uint32_t words[HEAD_WORDS];
};

static struct head
head_of(struct str id)
{
	struct head head = { { 0 } };

	for (size_t i = 0; i < sizeof head; i++)
		head.words[i / 4] = head.words[i / 4] << 8 |
				    (i < id.n ? (unsigned char)id.p[i] : 0);
	return head;
}

/* What ids are put in order with. */
struct ranker {
	const struct policy_set *set;
	struct arena *spare;
	struct head *heads; /* by instance */
};

/* A few, by the whole. */
static bool
rank_few(struct ranker *r, uint32_t *order, size_t n)
{
	struct arena_mark mark = arena_mark(r->spare);
	struct ranked *few = ARENA_ARRAY(r->spare, n, struct ranked);

	if (!few)
		return false;
	for (size_t i = 0; i < n; i++)
		few[i] =
		    (struct ranked){ r->set->instances[order[i]].id, order[i] };
	qsort(few, n, sizeof *few, str_compare);
	for (size_t i = 0; i < n; i++)
		order[i] = few[i].instance;
	arena_release(r->spare, mark);
	return true;
}

/* Fewer are sorted by comparing them, and those that many rounds do not tell
 * apart. */
#define RANKED_BY_HEADS 256u
#define ROUNDS_MAX 4u

static bool rank_many(
    struct ranker *r, uint32_t *order, size_t n, size_t from, unsigned round);

/* Those that their heads do not tell apart are, by what comes behind. */
static bool
rank_alike(
    struct ranker *r, uint32_t *order, size_t n, size_t from, unsigned round)
{
	for (size_t i = 0, end; i < n; i = end) {
		bool ok = true;

		for (end = i + 1; end < n && memcmp(&r->heads[order[i]],
						 &r->heads[order[end]],
						 sizeof *r->heads) == 0;)
			end++;
		if (end - i >= RANKED_BY_HEADS && round < ROUNDS_MAX)
			ok = rank_many(r, order + i, end - i, from, round);
		else if (end - i > 1)
			ok = rank_few(r, order + i, end - i);
		if (!ok)
			return false;
	}
	return true;
}

/* All begin with the same `from` bytes, or are shorter. */
static bool
rank_many(
    struct ranker *r, uint32_t *order, size_t n, size_t from, unsigned round)
{
	from = common_prefix(r->set, order, n, from);
	for (size_t i = 0; i < n; i++) {
		struct str id = r->set->instances[order[i]].id;

		r->heads[order[i]] = head_of(str_sub(id, from, id.n));
	}
	for (size_t k = HEAD_WORDS; k-- > 0;)
		if (!sort_numbers(
			r->spare, order, n, &r->heads[0].words[k], HEAD_WORDS))
			return false;
	return rank_alike(r, order, n, from + sizeof(struct head), round + 1);
}

/* Policies that are worth a thread. */
#define RANKED_APART ((size_t)1 << 17)

struct ranking {
	struct policy_index *ix;
	struct arena *spare;
	pthread_t thread;
	bool is_apart, ok;
};

static bool
rank(struct policy_index *ix, struct arena *spare)
{
	size_t n = ix->n_ranked;
	struct ranker r = { ix->set, spare,
		ARENA_ARRAY(spare, n, struct head) };

	if (!r.heads)
		return false;
	for (uint32_t i = 0; i < n; i++)
		ix->by_rank[i] = i;
	if (n > 1 && !rank_many(&r, ix->by_rank, n, 0, 0))
		return false;
	for (uint32_t i = 0; i < n; i++)
		ix->rank[ix->by_rank[i]] = i;
	return true;
}

static void *
rank_apart(void *arg)
{
	struct ranking *r = arg;

	r->ok = rank(r->ix, r->spare);
	return NULL;
}

/* What it writes is there from now on, what is in it at rank_end. */
static bool
rank_begin(struct ranking *r, struct policy_index *ix)
{
	size_t n = ix->set->n_instances;
	size_t least =
	    ix->set->ranked_apart ? ix->set->ranked_apart : RANKED_APART;

	*r = (struct ranking){ .ix = ix };
	ix->n_instances = ix->n_ranked = n;
	ix->rank = ARENA_ARRAY(ix->arena, n, uint32_t);
	ix->by_rank = ARENA_ARRAY(ix->arena, n, uint32_t);
	r->spare = ix->rank && ix->by_rank ? arena_new(0) : NULL;
	if (!r->spare)
		return false;
	r->is_apart = n >= least && sysconf(_SC_NPROCESSORS_ONLN) > 1 &&
		      pthread_create(&r->thread, NULL, rank_apart, r) == 0;
	return true;
}

/* `is_wanted`: else only the thread ends. */
static bool
rank_end(struct ranking *r, bool is_wanted)
{
	if (r->is_apart)
		(void)pthread_join(r->thread, NULL);
	else if (is_wanted)
		(void)rank_apart(r);
	arena_free(r->spare);
	return r->ok;
}

static bool
build_parts(struct policy_index *ix, struct arena *spare, struct error *reterr)
{
	const struct normal_options options = NORMAL_DEFAULTS;
	struct index_building b = {
		.ix = ix, .spare = spare, .reterr = reterr
	};

	b.n = ix->set->lent;
	if (!b.n && !normal_make(spare, ix->set, &options, &b.n, reterr))
		return false;
	ix->closed = b.n->closed;
	return index_build_atoms(&b) && index_build_paths(&b) &&
	       index_build_rules(&b) && index_build_slots(&b);
}

static bool
build(struct policy_index *ix, struct arena *spare, struct error *reterr)
{
	struct ranking ranking;
	bool ok = rank_begin(&ranking, ix) ? build_parts(ix, spare, reterr)
					   : error_nomem(reterr);

	if (rank_end(&ranking, ok) || !ok)
		return ok;
	return error_nomem(reterr);
}

/* The arrays are the image's, and so is what its own entities have; what others
 * have is laid out here. */
static bool
map(struct policy_index *ix, struct arena *spare, struct error *reterr)
{
	struct index_building b = {
		.ix = ix, .spare = spare, .reterr = reterr
	};
	const struct entities *own = policy_set_entities(ix->set);
	uint64_t seed = ix->slot_seed;

	if (!image_index(ix->set->image, ix, reterr))
		return false;
	ix->is_mapped = true;
	image_thaw_ahead(ix->set, ix->trees, ix->n_trees);
	if (own ? ix->base == own : !ix->base || entities_count(ix->base) == 0)
		return true;
	ix->slot_seed = seed;
	return index_build_slots_anew(&b);
}

static void
note_only_classes(struct policy_index *ix)
{
	for (unsigned v = 0; v < 3; v++) {
		unsigned n = 0;

		for (unsigned c = 1; c < CLASS_COUNT; c++)
			if (ix->bound[v][c + 1] > ix->bound[v][c]) {
				ix->only_class[v] = (uint8_t)c;
				n++;
			}
		if (n != 1)
			ix->only_class[v] = 0;
	}
}

static bool
make_index(const struct policy_set *set, const struct entities *base,
    bool is_sparse, uint64_t slot_seed, struct policy_index **ret,
    struct error *reterr)
{
	struct arena *a = arena_new(0), *spare = arena_new(0);
	struct policy_index *ix = a ? ARENA_NEW(a, struct policy_index) : NULL;
	bool ok = false;

	if (ix)
		ix->arena = a;
	if (ix && spare) {
		ix->set = set;
		ix->base = base;
		ix->is_sparse = is_sparse;
		ix->seed = INDEX_SEED;
		ix->slot_seed = slot_seed;
		ok = set->image ? map(ix, spare, reterr)
				: build(ix, spare, reterr);
	} else
		(void)error_nomem(reterr);
	arena_free(spare);
	if (ok)
		note_only_classes(ix);
	if (ok)
		*ret = ix;
	else if (ix)
		policy_index_free(ix);
	else
		arena_free(a);
	return ok;
}

bool
policy_index_new(const struct policy_set *set, const struct entities *base,
    struct policy_index **ret, struct error *reterr)
{
	return index_new_seeded(set, base,
	    base && entities_count(base) > 0 ? str_hash(STR("index"), 0)
					     : INDEX_SEED,
	    ret, reterr);
}

bool
index_new_seeded(const struct policy_set *set, const struct entities *base,
    uint64_t slot_seed, struct policy_index **ret, struct error *reterr)
{
	return make_index(set, base, false, slot_seed, ret, reterr);
}

/* Ids of the bottom layer of `over`, of uids that policies name. */
static bool
note_known(struct policy_index *ix, const struct policy_index *over,
    struct error *reterr)
{
	const struct entities *base = over->base;

	for (uint32_t u = 1; base && u < ix->n_named; u++) {
		uint32_t slot = ix->named[u].slot, id;
		struct uid uid;

		if (slot >= ix->n_slots)
			return error_set(reterr, ERR_FILE_IMAGE, SPAN_NONE,
			    "the image names what it does not have");
		uid = index_slot_uid(ix, &ix->slots[slot]);
		id = intern_find(base->ids, uid.type, uid.id);
		if (id != INTERN_NONE &&
		    !idmap_add(&ix->known, ix->arena, id, u))
			return error_nomem(reterr);
	}
	ix->n_known = base ? intern_count(base->ids) : 0;
	return true;
}

bool
policy_index_new_sparse(const struct policy_set *set,
    const struct policy_index *over, struct policy_index **ret,
    struct error *reterr)
{
	struct policy_index *ix;

	if (!make_index(set, NULL, true, INDEX_SEED, &ix, reterr))
		return false;
	if (over && !note_known(ix, over, reterr)) {
		policy_index_free(ix);
		return false;
	}
	*ret = ix;
	return true;
}

void
policy_index_free(struct policy_index *ix)
{
	if (!ix)
		return;
	if (ix->bytes_slots)
		pages_free(ix->slots, ix->bytes_slots);
	if (ix->bytes_cells)
		pages_free(ix->cells, ix->bytes_cells);
	if (ix->bytes_rules)
		pages_free(ix->rules, ix->bytes_rules);
	arena_free(ix->arena);
}

size_t
policy_index_bytes(const struct policy_index *ix)
{
	return ix->bytes_slots + ix->bytes_cells + ix->bytes_rules +
	       arena_used(ix->arena) + policy_image_bytes(ix->set);
}

/* --- order -------------------------------------------------------------------
 */

/* By insertion: most decisions have a reason or two. */
static void
sort_few(uint32_t *ranks, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		uint32_t r = ranks[i];
		size_t k = i;

		for (; k > 0 && ranks[k - 1] > r; k--)
			ranks[k] = ranks[k - 1];
		ranks[k] = r;
	}
}

#define DIGIT_BITS 10u

static unsigned
bits_of(size_t n)
{
	return n ? 64 - (unsigned)__builtin_clzll(n) : 1;
}

/* As many bits to a digit as there are numbers for, and digits of one size: a
 * round costs n and what a digit may be. */
static unsigned
digit_of(unsigned bits, size_t n)
{
	unsigned width = bits_of(n), rounds;

	width = width < DIGIT_BITS ? width : DIGIT_BITS;
	rounds = (bits + width - 1) / width;
	return (bits + rounds - 1) / rounds;
}

/* Digit by digit from the lowest, forth and back, with as few digits as numbers
 * below `end` need: no comparison, no memory but `other`. Where they lie then.
 */
static uint32_t *
sort_many(uint32_t *ranks, uint32_t *other, size_t n, size_t end)
{
	unsigned bits = bits_of(end - 1), width = digit_of(bits, n);

	for (unsigned shift = 0; shift < bits; shift += width) {
		uint32_t at[(1u << DIGIT_BITS) + 1] UNZEROED, *swap = ranks;
		uint32_t mask = (1u << width) - 1;

		memset(at, 0, (mask + 2) * sizeof *at);
		for (size_t i = 0; i < n; i++)
			at[(ranks[i] >> shift & mask) + 1]++;
		for (size_t i = 1; i <= mask; i++)
			at[i] += at[i - 1];
		for (size_t i = 0; i < n; i++)
			other[at[ranks[i] >> shift & mask]++] = ranks[i];
		ranks = other;
		other = swap;
	}
	return ranks;
}

bool
policy_index_sort(const struct policy_index *ix, uint32_t *policies, size_t n,
    struct arena *scratch)
{
	struct arena_mark mark = arena_mark(scratch);
	uint32_t *other = NULL, *sorted = policies;

	if (n < 2)
		return true;
	if (ix->join) {
		index_join_sort(ix, policies, n);
		return true;
	}
	if (n > 24) {
		other = ARENA_ARRAY(scratch, n, uint32_t);
		if (!other)
			return false;
	}
	for (size_t i = 0; i < n; i++)
		policies[i] = ix->rank[policies[i]];
	if (other)
		sorted = sort_many(policies, other, n, ix->n_instances);
	else
		sort_few(policies, n);
	for (size_t i = 0; i < n; i++)
		policies[i] = ix->by_rank[sorted[i]];
	arena_release(scratch, mark);
	return true;
}
