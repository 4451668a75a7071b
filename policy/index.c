/* index.c - make an index, part by part, and order policies by their ids.
 * The order is worked out once, so that a decision sorts its reasons by number.
 * The normal form is gone when the index is made: what it takes to evaluate a
 * tree is kept with each. */
#include "policy/index.h"

#include <stdlib.h>

#include "base/pages.h"
#include "policy/set.h"

struct ranked {
	uint64_t head; /* the first bytes behind what all ids begin with */
	struct str id;
	uint32_t instance;
};

static int
by_id(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->head != y->head)
		return x->head < y->head ? -1 : 1;
	return str_cmp(x->id, y->id);
}

static size_t
common_prefix(const struct policy_set *set)
{
	struct str first = set->instances[0].id;
	size_t n = first.n;

	for (size_t i = 1; i < set->n_instances; i++) {
		struct str id = set->instances[i].id;
		size_t same = 0;

		while (same < n && same < id.n && id.p[same] == first.p[same])
			same++;
		n = same;
	}
	return n;
}

/* Shorter ids have zeros behind; ties are told apart by the whole. */
static uint64_t
head_of(struct str id)
{
	uint64_t head = 0;

	for (size_t i = 0; i < 8; i++)
		head = head << 8 | (i < id.n ? (unsigned char)id.p[i] : 0);
	return head;
}

static bool
rank(struct policy_index *ix, struct arena *spare)
{
	const struct policy_set *set = ix->set;
	size_t n = set->n_instances, prefix = n ? common_prefix(set) : 0;
	struct ranked *all = ARENA_ARRAY(spare, n, struct ranked);

	ix->n_instances = n;
	ix->rank = ARENA_ARRAY(ix->arena, n, uint32_t);
	ix->by_rank = ARENA_ARRAY(ix->arena, n, uint32_t);
	if (!all || !ix->rank || !ix->by_rank)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		struct str id = set->instances[i].id;

		all[i] = (struct ranked){ head_of(str_sub(id, prefix, id.n)),
			id, i };
	}
	if (n > 1)
		qsort(all, n, sizeof *all, by_id);
	for (uint32_t i = 0; i < n; i++) {
		ix->by_rank[i] = all[i].instance;
		ix->rank[all[i].instance] = i;
	}
	return true;
}

static bool
build(struct policy_index *ix, struct arena *spare, struct error *reterr)
{
	static const struct normal_options options = { .decompound = true,
		.expand = true,
		.dedup = true,
		.contain = true,
		.recompound = true };
	struct index_building b = {
		.ix = ix, .spare = spare, .reterr = reterr
	};

	if (!normal_make(spare, ix->set, &options, &b.n, reterr))
		return false;
	ix->closed = b.n->closed;
	return index_build_atoms(&b) && index_build_paths(&b) &&
	       index_build_rules(&b) && index_build_slots(&b) &&
	       (rank(ix, spare) || error_nomem(reterr));
}

bool
policy_index_new(const struct policy_set *set, const struct entities *base,
    struct policy_index **ret, struct error *reterr)
{
	struct arena *a = arena_new(0), *spare = arena_new(0);
	struct policy_index *ix = a ? ARENA_NEW(a, struct policy_index) : NULL;
	bool ok = false;

	if (ix)
		ix->arena = a;
	if (ix && spare) {
		ix->set = set;
		ix->base = base;
		ix->seed = str_hash(STR("index"), 0);
		ok = build(ix, spare, reterr);
	} else
		(void)error_nomem(reterr);
	arena_free(spare);
	if (ok)
		*ret = ix;
	else if (ix)
		policy_index_free(ix);
	else
		arena_free(a);
	return ok;
}

void
policy_index_free(struct policy_index *ix)
{
	if (!ix)
		return;
	pages_free(ix->slots, ix->bytes_slots);
	pages_free(ix->cells, ix->bytes_cells);
	pages_free(ix->rules, ix->bytes_rules);
	arena_free(ix->arena);
}

size_t
policy_index_bytes(const struct policy_index *ix)
{
	return ix->bytes_slots + ix->bytes_cells + ix->bytes_rules +
	       arena_used(ix->arena);
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

/* Byte by byte from the lowest, forth and back: no comparison, no memory but
 * `other`. */
static void
sort_many(uint32_t *ranks, uint32_t *other, size_t n)
{
	for (unsigned shift = 0; shift < 32; shift += 8) {
		size_t at[257] = { 0 };
		uint32_t *swap = ranks;

		for (size_t i = 0; i < n; i++)
			at[(ranks[i] >> shift & 255) + 1]++;
		for (size_t i = 1; i < 257; i++)
			at[i] += at[i - 1];
		for (size_t i = 0; i < n; i++)
			other[at[ranks[i] >> shift & 255]++] = ranks[i];
		ranks = other;
		other = swap;
	}
}

bool
policy_index_sort(const struct policy_index *ix, uint32_t *policies, size_t n,
    struct arena *scratch)
{
	struct arena_mark mark = arena_mark(scratch);
	uint32_t *other = NULL;

	if (n < 2)
		return true;
	if (n > 24) {
		other = ARENA_ARRAY(scratch, n, uint32_t);
		if (!other)
			return false;
	}
	for (size_t i = 0; i < n; i++)
		policies[i] = ix->rank[policies[i]];
	if (other)
		sort_many(policies, other, n);
	else
		sort_few(policies, n);
	for (size_t i = 0; i < n; i++)
		policies[i] = ix->by_rank[policies[i]];
	arena_release(scratch, mark);
	return true;
}
