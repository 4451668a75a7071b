/* needs.c - which claims an instance must show to be permitted something.
 * The ways to satisfy each permit, each joined with the ways in which every
 * deny is false; a deny in error denies. They are necessary: who is permitted
 * has met one of them.
 *   tree -> answer (needs_tree.c) -> denies passed -> permits met */
#include "policy/needs.h"

#include <stdlib.h>

#include "base/limits.h"
#include "policy/claims.h"
#include "policy/entities.h"

struct kept_way {
	struct way way;
	uint32_t *policies;
	size_t n, cap;
};

/* ---- groups ---------------------------------------------------------------
 */

/* The bit of the claim that makes such parents, or 0. */
static uint8_t
type_bit(struct needing *n, struct str type)
{
	struct str claim = claims_of_parent(type);
	uint32_t i = 0;

	if (str_eq(type, STR("Instance")))
		return GROUP_ANY;
	if (claim.n == 0)
		return 0;
	while (i < n->n_group_claims && !str_eq(n->group_claims[i], claim))
		i++;
	if (i == GROUP_TYPES_MAX - 1) /* one bit is GROUP_ANY's */
		return 0;
	if (i == n->n_group_claims)
		n->group_claims[n->n_group_claims++] = claim;
	return (uint8_t)(2u << i);
}

/* What is above the entities that may be an instance's parents, or itself. */
static bool
learn_groups(struct needing *n, const struct entities *base)
{
	size_t count = base ? entities_count(base) : 0;

	n->groups_unknown = count == 0;
	if (count == 0)
		return true;
	n->groups = ARENA_ARRAY(n->kept, intern_count(base->ids), uint8_t);
	if (!n->groups)
		return error_nomem(n->reterr);
	for (size_t i = 0; i < count; i++) {
		struct uid uid = entities_uid_at(base, i);
		uint8_t bit = type_bit(n, uid.type);
		struct above above;
		enum above_how how;

		if (!bit)
			continue;
		arena_reset(n->scratch);
		if (!entities_all_above(base, uid, n->scratch, &how, &above))
			return error_nomem(n->reterr);
		n->groups_unknown |= how == ABOVE_VAST;
		for (uint32_t k = 0; how == ABOVE_IDS && k < above.n; k++)
			n->groups[above.ids[k]] |= bit;
	}
	return true;
}

/* ---- policies --------------------------------------------------------------
 */

/* The ways to which policy `i` is satisfied, and to which it is not; they live
 * in `each`, until the next. */
static bool
look_at(struct needing *n, uint32_t i, struct answer *ret)
{
	arena_reset(n->each);
	n->maker.a = n->each;
	n->index = i;
	n->policy = policy_instance_at(n->set, i);
	if (!n->policy)
		return error_set(n->reterr, ERR_FILE_IMAGE, SPAN_NONE,
		    "the text of a policy cannot be read from its image");
	if (!fold_policy(&n->fold, n->each, n->set, n->policy->ast,
		n->policy->policy, i, n->reterr))
		return false;
	*ret = needs_of_policy(n);
	if (n->maker.failed)
		return error_nomem(n->reterr);
	return !n->failed;
}

static bool
copy_claims(struct needing *n, const uint64_t set[WAYS_WORDS],
    const struct str **ret, size_t *ret_n)
{
	struct str *list = ARENA_ARRAY(n->kept, way_count(set), struct str),
		   type;
	size_t count = 0;

	for (uint32_t i = 0; list && i < intern_count(n->claims); i++)
		if (way_has(set, i))
			intern_get(n->claims, i, &type, &list[count++]);
	*ret = list;
	*ret_n = count;
	if (!list)
		return error_nomem(n->reterr);
	qsort(list, count, sizeof *list, str_compare);
	return true;
}

/* A deny that is false for whoever hides something, and for nobody who shows
 * nothing: that is the wish of who wrote it, or a hole. */
static bool
note_dodge(struct needing *n, const struct answer *x, struct policy_needs *ret,
    size_t *cap)
{
	for (uint32_t i = 0; x->yes.n > 0 && i < x->no.n; i++) {
		struct policy_dodge *dodge;

		if (!way_is_empty(x->no.items[i].show))
			continue;
		if (way_is_empty(x->no.items[i].hide))
			return true;
		if (!ARENA_PUSH_ROOM(n->kept, ret->dodges, ret->n_dodges, *cap))
			return error_nomem(n->reterr);
		dodge = &ret->dodges[ret->n_dodges++];
		dodge->policy = n->index;
		if (!copy_claims(
			n, x->no.items[i].hide, &dodge->hide, &dodge->n_hide))
			return false;
	}
	return true;
}

/* All denies false: ways in `kept`. */
static bool
pass_denies(struct needing *n, struct ways *inout, struct policy_needs *ret)
{
	size_t cap = 0;

	for (uint32_t i = 0; i < policy_set_count(n->set); i++) {
		struct answer x;
		bool was = inout->n > 0;

		if (policy_set_effect(n->set, i) != POLICY_DENY)
			continue;
		if (!look_at(n, i, &x) || !note_dodge(n, &x, ret, &cap))
			return false;
		n->maker.a = n->kept;
		*inout =
		    ways_copy(&n->maker, ways_both(&n->maker, *inout, x.no));
		if (n->maker.failed)
			return error_nomem(n->reterr);
		if (was && inout->n == 0) {
			ret->is_denied = true;
			ret->denied_by = i;
		}
	}
	return true;
}

struct findings {
	struct kept_way items[WAYS_MAX];
	size_t n;
};

static bool
add_policy(struct needing *n, struct kept_way *f)
{
	if (!ARENA_PUSH_ROOM(n->kept, f->policies, f->n, f->cap))
		return error_nomem(n->reterr);
	f->policies[f->n++] = n->index;
	return true;
}

/* A way of the permit at hand. */
static bool
add_way(struct needing *n, struct findings *all, const struct way *w)
{
	size_t kept = 0;

	for (size_t i = 0; i < all->n; i++)
		if (way_is_within(&all->items[i].way, w))
			return !way_is_within(w, &all->items[i].way) ||
			       add_policy(n, &all->items[i]);
	for (size_t i = 0; i < all->n; i++)
		if (!way_is_within(w, &all->items[i].way))
			all->items[kept++] = all->items[i];
	all->n = kept;
	if (all->n == WAYS_MAX) {
		n->maker.is_cut = true;
		return true;
	}
	all->items[all->n] = (struct kept_way){ .way = *w };
	return add_policy(n, &all->items[all->n++]);
}

static bool
meet_permits(struct needing *n, struct ways pass, struct findings *all)
{
	for (uint32_t i = 0; i < policy_set_count(n->set); i++) {
		struct answer x;
		struct ways w;

		if (policy_set_effect(n->set, i) != POLICY_PERMIT)
			continue;
		if (!look_at(n, i, &x))
			return false;
		w = ways_simplest(&n->maker, ways_both(&n->maker, x.yes, pass));
		if (n->maker.failed)
			return error_nomem(n->reterr);
		for (uint32_t k = 0; k < w.n; k++)
			if (!add_way(n, all, &w.items[k]))
				return false;
	}
	return true;
}

/* The fewest claims first. */
static int
way_order(const void *a, const void *b)
{
	const struct policy_way *x = a, *y = b;

	if (x->n_show != y->n_show)
		return x->n_show < y->n_show ? -1 : 1;
	if (x->n_hide != y->n_hide)
		return x->n_hide < y->n_hide ? -1 : 1;
	for (size_t i = 0; i < x->n_show; i++) {
		int order = str_cmp(x->show[i], y->show[i]);

		if (order)
			return order;
	}
	for (size_t i = 0; i < x->n_hide; i++) {
		int order = str_cmp(x->hide[i], y->hide[i]);

		if (order)
			return order;
	}
	return 0;
}

static bool
tell(struct needing *n, const struct findings *all, struct policy_needs *ret)
{
	ret->ways = ARENA_ARRAY(n->kept, all->n, struct policy_way);
	if (!ret->ways)
		return error_nomem(n->reterr);
	for (size_t i = 0; i < all->n; i++) {
		struct policy_way *w = &ret->ways[i];

		w->policies = all->items[i].policies;
		w->n_policies = all->items[i].n;
		if (!copy_claims(
			n, all->items[i].way.show, &w->show, &w->n_show) ||
		    !copy_claims(
			n, all->items[i].way.hide, &w->hide, &w->n_hide))
			return false;
	}
	ret->n_ways = all->n;
	qsort(ret->ways, ret->n_ways, sizeof *ret->ways, way_order);
	ret->is_cut = n->maker.is_cut;
	return true;
}

/* The resource as a layer over the others. */
static bool
lay_resource(struct needing *n)
{
	const struct policy_needs_query *q = n->query;

	n->entities = entities_new(n->kept, q->entities);
	if (!n->entities)
		return error_nomem(n->reterr);
	if (q->record && !entities_add(n->entities, q->record, n->reterr))
		return false;
	if (!entities_finish(n->entities, n->reterr))
		return false;
	n->knows_resource =
	    q->resource.type.n > 0 && entities_has(n->entities, q->resource);
	return true;
}

/* What the gate wants in any case. */
static struct ways
demanded(struct needing *n)
{
	struct ways w;

	n->maker.a = n->kept;
	w = ways_free(&n->maker);
	for (size_t i = 0; i < n->query->n_show; i++)
		w = ways_both(&n->maker, w,
		    ways_show(
			&n->maker, needs_claim(n, n->query->show[i], STR(""))));
	return w;
}

static bool
needs(struct needing *n, struct policy_needs *ret)
{
	struct findings *all = ARENA_NEW(n->kept, struct findings);
	struct ways pass;

	n->claims = intern_new(n->kept, NULL);
	if (!all || !n->claims)
		return error_nomem(n->reterr);
	if (!lay_resource(n) || !learn_groups(n, n->query->entities))
		return false;
	pass = demanded(n);
	if (n->maker.failed)
		return error_nomem(n->reterr);
	return !n->failed && pass_denies(n, &pass, ret) &&
	       meet_permits(n, pass, all) && tell(n, all, ret);
}

bool
policy_needs(const struct policy_set *set, const struct policy_needs_query *q,
    struct arena *a, struct policy_needs *ret, struct error *reterr)
{
	struct needing n = { .set = set,
		.query = q,
		.kept = a,
		.each = arena_new(0),
		.scratch = arena_new(LIMIT_SCRATCH_BYTES),
		.reterr = reterr };
	struct policy_needs found = { 0 };
	bool ok = n.each && n.scratch ? needs(&n, &found) : error_nomem(reterr);

	if (ok)
		*ret = found;
	arena_free(n.each);
	arena_free(n.scratch);
	return ok;
}
