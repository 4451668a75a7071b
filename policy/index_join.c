/* index_join.c - two indexes as one: what the policies were, and what changed.
 * Each is asked by itself. What it says is told in the numbers of the composed
 * set, and what is gone is left out; then both lists are one, in the order of
 * ids. Leaving out comes last: a rule of a policy that is gone may be the cover
 * of others' rules, which hang below it and are still looked at.
 * Cost: that of both indexes, and a few words copied. */
#include "policy/compose.h"

#include <stdlib.h>

#include "policy/entities.h"

struct index_join {
	const struct policy_index *part[2];
	const uint32_t *number[2];
};

/* A list of a part, in the numbers of the whole; shorter by what is gone. */
static size_t
renumber(const struct policy_index *ix, unsigned part, uint32_t *list, size_t n)
{
	size_t of = ix->join->part[part]->n_instances, kept = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t number = list[i] < of ? ix->join->number[part][list[i]]
					       : COMPOSE_GONE;

		if (number != COMPOSE_GONE)
			list[kept++] = number;
	}
	return kept;
}

static bool
is_before(const struct policy_index *ix, uint32_t x, uint32_t y)
{
	return str_cmp(ix->set->instances[x].id, ix->set->instances[y].id) < 0;
}

struct list {
	const uint32_t *items;
	size_t n;
};

static void
merge_into(
    const struct policy_index *ix, const struct list of[2], uint32_t *out)
{
	size_t n = of[0].n + of[1].n, at[2] = { 0, 0 };

	for (size_t i = 0; i < n; i++) {
		bool second =
		    at[0] == of[0].n ||
		    (at[1] < of[1].n &&
			is_before(ix, of[1].items[at[1]], of[0].items[at[0]]));

		out[i] = of[second].items[at[second]++];
	}
}

/* Both in the order of ids. */
static bool
merge(const struct policy_index *ix, const struct list of[2],
    struct arena *scratch, const uint32_t **ret, size_t *ret_n)
{
	uint32_t *out;

	*ret_n = of[0].n + of[1].n;
	if (of[0].n == 0 || of[1].n == 0) {
		*ret = of[of[0].n == 0].items;
		return true;
	}
	out = ARENA_ARRAY(scratch, *ret_n, uint32_t);
	if (!out)
		return false;
	merge_into(ix, of, out);
	*ret = out;
	return true;
}

static bool
is_sorted(const struct policy_index *ix, const uint32_t *list, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (is_before(ix, list[i], list[i - 1]))
			return false;
	return true;
}

/* Ids by position that moved are in another order than they were. */
static bool
sort_again(const struct policy_index *ix, struct arena *scratch,
    uint32_t **inout, size_t n)
{
	uint32_t *from = *inout, *to, *other;

	if (is_sorted(ix, from, n))
		return true;
	to = ARENA_ARRAY(scratch, n, uint32_t);
	if (!to)
		return false;
	for (size_t width = 1; width < n; width *= 2) {
		for (size_t i = 0; i < n; i += 2 * width) {
			size_t left = n - i,
			       first = left < width ? left : width;
			size_t rest = left - first;
			const struct list of[2] = { { from + i, first },
				{ from + i + first,
				    rest < width ? rest : width } };

			merge_into(ix, of, to + i);
		}
		other = from;
		from = to;
		to = other;
	}
	*inout = from;
	return true;
}

static bool
own_list(const struct policy_index *ix, unsigned part, struct arena *scratch,
    struct list found, struct list *ret)
{
	uint32_t *list;

	/* The list is scratch of this decision. */
	memcpy(&list, &found.items, sizeof list);
	ret->n = found.n ? renumber(ix, part, list, found.n) : 0;
	if (ix->set->is_renumbered && !sort_again(ix, scratch, &list, ret->n))
		return false;
	ret->items = list;
	return true;
}

/* What part `part` found, in the numbers of the whole. */
static bool
own_lists(const struct policy_index *ix, unsigned part, struct arena *scratch,
    const struct policy_found *f, struct list satisfied[2][2],
    struct list doubtful[2])
{
	for (unsigned e = 0; e < 2; e++) {
		const struct list found = { f->satisfied[e],
			f->n_satisfied[e] };

		if (!own_list(ix, part, scratch, found, &satisfied[e][part]))
			return false;
	}
	return own_list(ix, part, scratch,
	    (struct list){ f->doubtful, f->n_doubtful }, &doubtful[part]);
}

/* Of both, where they agree. */
static enum err_code
sure_of(const struct policy_found found[2], const struct list doubtful[2])
{
	if (doubtful[0].n > 0 && doubtful[1].n > 0 &&
	    found[0].sure != found[1].sure)
		return ERR_NONE;
	return found[doubtful[0].n == 0].sure;
}

bool
index_join_find(const struct policy_index *ix,
    const struct eval_request *request, struct arena *scratch,
    struct policy_found *ret)
{
	struct policy_found found[2];
	struct list satisfied[2][2], doubtful[2];
	struct index_seen seen[3] UNZEROED; /* the first part tells them all */

	*ret = (struct policy_found){ .is_walk = true };
	for (unsigned p = 0; p < 2; p++) {
		struct policy_found *f = &found[p];

		if (!index_find(ix->join->part[p], request, scratch, seen, f))
			return false;
		if (f->is_walk)
			return true;
		if (!own_lists(ix, p, scratch, f, satisfied, doubtful))
			return false;
	}
	ret->is_walk = false;
	ret->sure = sure_of(found, doubtful);
	for (unsigned e = 0; e < 2; e++)
		if (!merge(ix, satisfied[e], scratch, &ret->satisfied[e],
			&ret->n_satisfied[e]))
			return false;
	return merge(ix, doubtful, scratch, &ret->doubtful, &ret->n_doubtful);
}

size_t
index_join_near(const struct policy_index *ix,
    const struct eval_request *request, struct arena *scratch, uint32_t *ret,
    size_t max)
{
	size_t n = 0;

	for (unsigned p = 0; p < 2; p++)
		n += renumber(ix, p, ret + n,
		    policy_index_near(
			ix->join->part[p], request, scratch, ret + n, max - n));
	return n;
}

static int
by_id(const void *a, const void *b, void *ix)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return is_before(ix, y, x) - is_before(ix, x, y);
}

void
index_join_sort(const struct policy_index *ix, uint32_t *policies, size_t n)
{
	qsort_r(policies, n, sizeof *policies, by_id, (void *)(uintptr_t)ix);
}

static struct policy_index *
join(const struct policy_index *base, const struct policy_index *delta,
    const struct policy_set *set, uint32_t *number[2])
{
	struct arena *a = arena_new(0);
	struct policy_index *ix = a ? ARENA_NEW(a, struct policy_index) : NULL;

	if (ix)
		ix->join = ARENA_NEW(a, struct index_join);
	if (!ix || !ix->join) {
		arena_free(a);
		return NULL;
	}
	ix->arena = a;
	ix->set = set;
	ix->n_instances = set->n_instances;
	for (unsigned p = 0; p < 2; p++) {
		ix->join->part[p] = p ? delta : base;
		ix->join->number[p] = number[p];
	}
	return ix;
}

bool
policy_index_patch(const struct policy_index *base,
    const struct policy_index *delta, const struct policy_pick *picks,
    size_t n_picks, struct policy_set **ret_set, struct policy_index **ret,
    bool *ret_is_local, struct errors *reterr)
{
	struct policy_set *set = NULL;
	uint32_t *number[2];
	struct policy_index *ix;
	enum composed composed =
	    compose(base, delta->set, picks, n_picks, &set, number, reterr);

	*ret_is_local = composed != COMPOSE_NOT_LOCAL;
	if (composed != COMPOSE_DONE)
		return composed == COMPOSE_NOT_LOCAL;
	ix = join(base, delta, set, number);
	if (!ix) {
		policy_set_free(set);
		return errors_nomem(reterr);
	}
	*ret_set = set;
	*ret = ix;
	return true;
}
