/* order.c - rules in an order that depends on what they say alone.
 * Texts are sorted once, atoms and lists of tests by themselves; rules are then
 * compared by numbers. Cost O(n log n). */
#include "policy/rules.h"

#include <stdlib.h>

#include "base/sort.h"

/* What is sorted: a text, or a sequence of ranks, and whose it is. */
struct text_key {
	struct str text;
	uint32_t id;
};

struct list_key {
	const uint32_t *ranks;
	uint32_t n, id;
};

/* The first rank tells most. Equal rules that are not merged keep their order,
 * which is that of their policies. */
#define RANKS 5u

static int
by_text(const void *x, const void *y)
{
	const struct text_key *a = x, *b = y;

	return str_cmp(a->text, b->text);
}

static int
by_number(const uint32_t *x, const uint32_t *y, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	return 0;
}

static int
by_ranks(const void *x, const void *y)
{
	const struct list_key *a = x, *b = y;
	int order = by_number(a->ranks, b->ranks, a->n < b->n ? a->n : b->n);

	return order ? order : (a->n > b->n) - (a->n < b->n);
}

/* The rank of each of the table's texts. NULL when memory is out. */
static uint32_t *
rank_texts(struct making *m, const struct intern *texts)
{
	uint32_t n = intern_count(texts);
	struct text_key *keys = ARENA_ARRAY(m->each, n, struct text_key);
	uint32_t *ranks = ARENA_ARRAY(m->each, n, uint32_t);
	struct str unused;

	if (!keys || !ranks)
		return NULL;
	for (uint32_t i = 0; i < n; i++) {
		keys[i].id = i;
		intern_get(texts, i, &unused, &keys[i].text);
	}
	if (n > 1)
		qsort(keys, n, sizeof *keys, by_text);
	for (uint32_t i = 0; i < n; i++)
		ranks[keys[i].id] = i;
	return ranks;
}

static uint32_t *
rank_lists(struct making *m, const uint32_t *tests)
{
	struct list_key *keys =
	    ARENA_ARRAY(m->each, m->n_lists, struct list_key);
	uint32_t *ranks = ARENA_ARRAY(m->each, m->n_lists, uint32_t);

	if (!keys || !ranks)
		return NULL;
	for (uint32_t i = 0; i < m->n_lists; i++) {
		const struct known_list *l = &m->lists[i];
		uint32_t *own = ARENA_ARRAY(m->each, l->n, uint32_t);

		if (!own)
			return NULL;
		for (uint32_t k = 0; k < l->n; k++)
			own[k] = tests[l->tests[k]];
		keys[i] = (struct list_key){ own, l->n, i };
	}
	if (m->n_lists > 1)
		qsort(keys, m->n_lists, sizeof *keys, by_ranks);
	for (uint32_t i = 0; i < m->n_lists; i++)
		ranks[keys[i].id] = i;
	return ranks;
}

/* Rule `order[i]` comes to place i: round after round, with one rule in hand,
 * since a second array of them would be the largest there is. */
#define AHEAD 8u /* rules of a round that are asked for in memory */

static void
put_in_order(struct rule *rules, uint32_t *order, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct rule first = rules[i];
		uint32_t at = i, ahead = i;

		for (unsigned k = 0; k < AHEAD && order[ahead] != i; k++)
			ahead = order[ahead];
		while (order[at] != i) {
			uint32_t from = order[at];

			/* At the round's end it begins anew: no harm. */
			ahead = order[ahead];
			__builtin_prefetch(&rules[ahead]);
			rules[at] = rules[from];
			order[at] = at;
			at = from;
		}
		rules[at] = first;
		order[at] = at;
	}
}

/* A rule's ranks in as few words as hold them, mostly one. */
struct words {
	unsigned of[RANKS], bits[RANKS]; /* by rank: its word, how wide it is */
	unsigned n;
};

static struct words
make_words(const struct making *m)
{
	const size_t ends[RANKS] = { 2, m->n_atoms, m->n_atoms, m->n_atoms,
		m->n_lists };
	struct words w = { 0 };
	unsigned used = 32;

	for (unsigned k = 0; k < RANKS; k++) {
		unsigned bits = 1;

		while (ends[k] >> bits)
			bits++;
		if (used + bits > 32) {
			w.n++;
			used = 0;
		}
		w.bits[k] = bits;
		w.of[k] = w.n - 1;
		used += bits;
	}
	return w;
}

static void
write_words(const struct words *w, const uint32_t ranks[RANKS], uint32_t *to)
{
	memset(to, 0, w->n * sizeof *to);
	for (unsigned k = 0; k < RANKS; k++)
		to[w->of[k]] = to[w->of[k]] << w->bits[k] | ranks[k];
}

static bool
sort_rules(struct making *m, const uint32_t *atoms, const uint32_t *lists)
{
	struct words w = make_words(m);
	uint32_t *keys = arena_room(m->each, m->n_rules, w.n * sizeof *keys);
	uint32_t *order = ARENA_ARRAY(m->each, m->n_rules, uint32_t);

	if (!keys || !order)
		return false;
	for (uint32_t i = 0; i < m->n_rules; i++) {
		const struct rule *r = &m->rules[i];
		const uint32_t ranks[RANKS] = { r->effect, atoms[r->atom[0]],
			atoms[r->atom[1]], atoms[r->atom[2]], lists[r->list] };

		order[i] = i;
		write_words(&w, ranks, keys + (size_t)i * w.n);
	}
	for (size_t k = w.n; k-- > 0;)
		if (!sort_numbers(m->each, order, m->n_rules, keys + k, w.n))
			return false;
	put_in_order(m->rules, order, (uint32_t)m->n_rules);
	return true;
}

bool
order_rules(struct making *m, struct error *reterr)
{
	uint32_t *atoms, *tests, *lists;

	arena_reset(m->each);
	atoms = rank_texts(m, m->atom_texts);
	tests = atoms ? rank_texts(m, m->test_texts) : NULL;
	lists = tests ? rank_lists(m, tests) : NULL;
	if (!lists || !sort_rules(m, atoms, lists))
		return error_nomem(reterr);
	return true;
}
