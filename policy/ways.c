/* ways.c - alternatives joined and multiplied, the needless ones left out. */
#include "policy/ways.h"

#include <stddef.h>

bool
way_is_within(const struct way *x, const struct way *y)
{
	for (size_t i = 0; i < WAYS_WORDS; i++)
		if ((x->show[i] & ~y->show[i]) || (x->hide[i] & ~y->hide[i]))
			return false;
	return true;
}

bool
way_is_empty(const uint64_t claims[WAYS_WORDS])
{
	for (size_t i = 0; i < WAYS_WORDS; i++)
		if (claims[i])
			return false;
	return true;
}

unsigned
way_count(const uint64_t claims[WAYS_WORDS])
{
	unsigned n = 0;

	for (size_t i = 0; i < WAYS_WORDS; i++)
		n += (unsigned)__builtin_popcountll(claims[i]);
	return n;
}

bool
way_has(const uint64_t claims[WAYS_WORDS], uint32_t claim)
{
	return claims[claim / 64u] >> (claim % 64u) & 1u;
}

static unsigned
length(const struct way *w)
{
	return way_count(w->show) + way_count(w->hide);
}

/* The longest of a full list goes, or `w` is not taken. */
static void
make_room(struct ways_maker *m, struct ways *list, const struct way *w)
{
	uint32_t longest = 0;

	if (list->n < WAYS_MAX) {
		list->items[list->n++] = *w;
		return;
	}
	m->is_cut = true;
	for (uint32_t i = 1; i < list->n; i++)
		if (length(&list->items[i]) > length(&list->items[longest]))
			longest = i;
	if (length(w) < length(&list->items[longest]))
		list->items[longest] = *w;
}

void
ways_add(struct ways_maker *m, struct ways *list, const struct way *w)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < list->n; i++)
		if (way_is_within(&list->items[i], w))
			return;
	for (uint32_t i = 0; i < list->n; i++)
		if (!way_is_within(w, &list->items[i]))
			list->items[kept++] = list->items[i];
	list->n = kept;
	make_room(m, list, w);
}

static struct ways
new_list(struct ways_maker *m, uint32_t room)
{
	struct ways list = { ARENA_ARRAY(m->a, room, struct way), 0 };

	m->failed |= !list.items;
	return list;
}

static struct ways
one(struct ways_maker *m, struct way w)
{
	struct ways list = new_list(m, 1);

	if (list.items)
		list.items[list.n++] = w;
	return list;
}

struct ways
ways_free(struct ways_maker *m)
{
	return one(m, (struct way){ 0 });
}

struct ways
ways_show(struct ways_maker *m, uint32_t claim)
{
	struct way w = { 0 };

	w.show[claim / 64u] = 1ull << (claim % 64u);
	return one(m, w);
}

struct ways
ways_hide(struct ways_maker *m, uint32_t claim)
{
	struct way w = { 0 };

	w.hide[claim / 64u] = 1ull << (claim % 64u);
	return one(m, w);
}

static bool
is_free(struct ways x)
{
	return x.n == 1 && length(&x.items[0]) == 0;
}

static struct ways
room_for(struct ways_maker *m, uint64_t n)
{
	return new_list(m, n < WAYS_MAX ? (uint32_t)n : WAYS_MAX);
}

struct ways
ways_either(struct ways_maker *m, struct ways x, struct ways y)
{
	struct ways list;

	if (x.n == 0 || is_free(y))
		return y;
	if (y.n == 0 || is_free(x))
		return x;
	list = room_for(m, (uint64_t)x.n + y.n);
	for (uint32_t i = 0; list.items && i < x.n; i++)
		ways_add(m, &list, &x.items[i]);
	for (uint32_t i = 0; list.items && i < y.n; i++)
		ways_add(m, &list, &y.items[i]);
	return list;
}

/* False where one hides what the other shows. */
static bool
join(const struct way *x, const struct way *y, struct way *ret)
{
	uint64_t clash = 0;

	for (size_t i = 0; i < WAYS_WORDS; i++) {
		ret->show[i] = x->show[i] | y->show[i];
		ret->hide[i] = x->hide[i] | y->hide[i];
		clash |= ret->show[i] & ret->hide[i];
	}
	return clash == 0;
}

struct ways
ways_both(struct ways_maker *m, struct ways x, struct ways y)
{
	struct ways list = { 0 };
	struct way w;

	if (x.n == 0 || y.n == 0)
		return list;
	if (is_free(x))
		return y;
	if (is_free(y))
		return x;
	list = room_for(m, (uint64_t)x.n * y.n);
	for (uint32_t i = 0; list.items && i < x.n; i++)
		for (uint32_t k = 0; k < y.n; k++)
			if (join(&x.items[i], &y.items[k], &w))
				ways_add(m, &list, &w);
	return list;
}

struct ways
ways_copy(struct ways_maker *m, struct ways x)
{
	struct ways list = new_list(m, x.n);

	for (; list.items && list.n < x.n; list.n++)
		list.items[list.n] = x.items[list.n];
	return list;
}

/* A claim that one shows and the other hides, where the one asks for nothing
 * else that the other does not: who meets the other without it meets either. */
static bool
drop_opposite(
    const uint64_t *shown, const struct way *x, uint64_t *hidden, struct way *y)
{
	for (size_t i = 0; i < WAYS_WORDS; i++) {
		uint64_t opposite = shown[i] & hidden[i];
		uint64_t bit = opposite & (~opposite + 1);
		struct way rest = *x;

		if (!bit)
			continue;
		(shown == x->show ? rest.show : rest.hide)[i] &= ~bit;
		hidden[i] &= ~bit;
		if (way_is_within(&rest, y))
			return true;
		hidden[i] |= bit;
	}
	return false;
}

/* One way of the list that another makes simpler is made so. */
static bool
simplify_one(struct ways *list)
{
	for (uint32_t i = 0; i < list->n; i++)
		for (uint32_t k = 0; k < list->n; k++) {
			struct way *x = &list->items[i], *y = &list->items[k];

			if (i != k &&
			    (drop_opposite(x->show, x, y->hide, y) ||
				drop_opposite(x->hide, x, y->show, y)))
				return true;
		}
	return false;
}

struct ways
ways_simplest(struct ways_maker *m, struct ways x)
{
	struct ways list = ways_copy(m, x);

	while (list.items && simplify_one(&list)) {
		struct ways all = list;

		list = new_list(m, all.n);
		for (uint32_t i = 0; list.items && i < all.n; i++)
			ways_add(m, &list, &all.items[i]);
	}
	return list;
}
