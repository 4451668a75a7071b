/* contain_find.c - see contain_find.h. */
#include "policy/contain_find.h"

#include "policy/canon.h"
#include "policy/relate.h"

#define NO_TEST UINT32_MAX

/* ---- tests ----------------------------------------------------------------
 */

uint32_t
find_path_key(const struct making *m, uint32_t test)
{
	const struct normal_conjunct *c = &m->tests[test].conjunct;

	if (c->form != FORM_EQ && c->form != FORM_ORDER)
		return NO_TEST;
	return 0x80000000u | c->path;
}

bool
find_is_implied(const struct making *m, uint32_t test)
{
	const struct normal_conjunct *c = &m->tests[test].conjunct;

	return c->form == FORM_ORDER || (c->form == FORM_EQ && c->form_negated);
}

static uint64_t
bit_of(uint32_t key)
{
	return UINT64_C(1) << ((key * UINT64_C(0x9e3779b97f4a7c15)) >> 58);
}

/* A list can follow only from one that has all the bits it needs. */
static void
sign_list(struct finder *f, uint32_t list)
{
	const struct making *m = f->m;
	const struct known_list *l = &m->lists[list];

	for (uint32_t i = 0; i < l->n; i++) {
		uint32_t test = l->tests[i], path = find_path_key(m, test);
		bool implied = find_is_implied(m, test);

		f->needs[list] |= bit_of(implied ? path : test);
		f->has[list] |= bit_of(test);
		if (path != NO_TEST)
			f->has[list] |= bit_of(path);
	}
}

/* ---- making ---------------------------------------------------------------
 */

static bool
same_scope(const struct rule *x, const struct rule *y)
{
	return x->effect == y->effect &&
	       memcmp(x->atom, y->atom, sizeof x->atom) == 0;
}

static void
enter_scope(struct finder *f, uint32_t scope)
{
	const struct rule *r = &f->m->rules[f->scopes[scope].from];
	uint32_t key[RULE_KEY] = { r->effect, r->atom[0], r->atom[1],
		r->atom[2] };
	uint32_t *head = rule_table_head(&f->table, key);

	f->table.next[scope] = *head;
	*head = scope + 1;
}

static bool
make_scopes(struct finder *f)
{
	const struct making *m = f->m;
	uint32_t n = (uint32_t)m->n_rules, at = UINT32_MAX;

	for (uint32_t i = 0; i < n; i++) {
		f->n_scopes +=
		    i == 0 || !same_scope(&m->rules[i], &m->rules[i - 1]);
		f->scope_of[i] = f->n_scopes - 1;
		f->list_of[i] = m->rules[i].list;
	}
	f->scopes = ARENA_ARRAY(m->each, f->n_scopes, struct find_scope);
	if (!f->scopes || !rule_table_init(&f->table, m->each, f->n_scopes))
		return false;
	for (uint32_t i = 0; i < n; i++) {
		if (f->scope_of[i] != at) {
			at = f->scope_of[i];
			f->scopes[at].from = i;
		}
		f->scopes[at].to = i + 1;
	}
	for (uint32_t i = f->n_scopes; i-- > 0;)
		enter_scope(f, i);
	return true;
}

static bool
make_wider(struct finder *f)
{
	struct making *m = f->m;

	for (uint32_t i = 0; i < m->n_rules; i++)
		for (size_t v = 0; v < 3; v++) {
			uint32_t atom = m->rules[i].atom[v];

			if (f->wider[atom].n == 0 &&
			    !contain_wider(m, &m->atoms[atom], &f->wider[atom]))
				return false;
		}
	return true;
}

/* Most scopes have few: by insertion, runs of a few at first, then runs are
 * merged, forth and back between `entries` and `other`. No two are equal. */
#define RUN 8u

static void
sort_run(uint64_t *entries, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++) {
		uint64_t entry = entries[i];
		uint32_t k = i;

		for (; k > 0 && entries[k - 1] > entry; k--)
			entries[k] = entries[k - 1];
		entries[k] = entry;
	}
}

static void
merge_runs(
    uint64_t *to, const uint64_t *from, uint32_t n_first, uint32_t n_both)
{
	uint32_t i = 0, k = n_first;

	for (uint32_t at = 0; at < n_both; at++) {
		bool first = k == n_both || (i < n_first && from[i] < from[k]);

		to[at] = from[first ? i++ : k++];
	}
}

static uint32_t
at_most(uint32_t n, uint32_t most)
{
	return n < most ? n : most;
}

static void
sort_entries(uint64_t *entries, uint64_t *other, uint32_t n)
{
	uint64_t *from = entries, *to = other, *swap;

	for (uint32_t i = 0; i < n; i += RUN)
		sort_run(entries + i, at_most(n - i, RUN));
	for (uint32_t width = RUN; width < n; width *= 2) {
		for (uint32_t i = 0; i < n; i += 2 * width)
			merge_runs(to + i, from + i, at_most(n - i, width),
			    at_most(n - i, 2 * width));
		swap = from;
		from = to;
		to = swap;
	}
	if (from != entries)
		memcpy(entries, from, n * sizeof *entries);
}

/* Each rule under its first test, and where that may follow from others under
 * its path; those without a test under NO_TEST. */
static void
fill_scope(struct finder *f, struct find_scope *s, uint64_t *other)
{
	const struct making *m = f->m;
	uint64_t *entries = f->entries + 2 * (size_t)s->from;
	uint32_t n = 0;

	for (uint32_t i = s->from; i < s->to; i++) {
		const struct known_list *l = &m->lists[f->list_of[i]];
		uint32_t first = l->n ? l->tests[0] : NO_TEST;

		entries[n++] = (uint64_t)first << 32 | i;
		if (l->n && find_is_implied(m, first))
			entries[n++] =
			    (uint64_t)find_path_key(m, first) << 32 | i;
	}
	for (uint32_t i = 0; i < n; i++)
		s->begins |= bit_of((uint32_t)(entries[i] >> 32));
	s->n_entries = n;
	sort_entries(entries, other, n);
}

/* Few lists that many rules have are compared once, each with each. */
#define LISTS_A_RULE 4u

static bool
list_covers(const struct finder *f, uint32_t cover, uint32_t list)
{
	return (f->needs[cover] & ~f->has[list]) == 0 &&
	       relate_list_covers(f->m, cover, list);
}

static bool
make_covers(struct finder *f)
{
	size_t n = f->m->n_lists;

	if (n * n > LISTS_A_RULE * f->m->n_rules)
		return true;
	f->row = (uint32_t)(n + 63) / 64;
	f->covers = ARENA_ARRAY(f->m->each, n * f->row, uint64_t);
	for (uint32_t list = 0; f->covers && list < n; list++)
		for (uint32_t k = 0; k < n; k++)
			if (list_covers(f, k, list))
				f->covers[list * (size_t)f->row + k / 64] |=
				    UINT64_C(1) << k % 64;
	return f->covers != NULL;
}

struct filling {
	struct finder *f;
	uint32_t from, to; /* scopes */
	uint64_t *other;   /* room for the entries of one */
};

static void
fill_some(void *part)
{
	const struct filling *p = part;

	for (uint32_t i = p->from; i < p->to; i++)
		fill_scope(p->f, &p->f->scopes[i], p->other);
}

static bool
fill_all(struct finder *f, size_t n_threads)
{
	struct filling *parts =
	    ARENA_ARRAY(f->m->each, n_threads, struct filling);
	uint64_t total = f->n_scopes, most = 0;
	uint64_t *others;

	for (uint32_t i = 0; i < f->n_scopes; i++)
		if (f->scopes[i].to - f->scopes[i].from > most)
			most = f->scopes[i].to - f->scopes[i].from;
	others = ARENA_ARRAY(f->m->each, n_threads * 2 * most, uint64_t);
	if (!parts || !others)
		return false;
	for (size_t i = 0; i < n_threads; i++)
		parts[i] =
		    (struct filling){ f, (uint32_t)(total * i / n_threads),
			    (uint32_t)(total * (i + 1) / n_threads),
			    others + i * 2 * most };
	parallel_each(fill_some, parts, sizeof *parts, n_threads);
	return true;
}

bool
finder_make(struct finder *f, struct making *m, size_t n_threads)
{
	struct arena *a = m->each;

	*f = (struct finder){ .m = m };
	f->scope_of = ARENA_ARRAY(a, m->n_rules, uint32_t);
	f->list_of = ARENA_ARRAY(a, m->n_rules, uint32_t);
	f->entries = ARENA_ARRAY(a, 2 * m->n_rules, uint64_t);
	f->needs = ARENA_ARRAY(a, m->n_lists, uint64_t);
	f->has = ARENA_ARRAY(a, m->n_lists, uint64_t);
	f->wider = ARENA_ARRAY(a, m->n_atoms, struct wider);
	if (!f->scope_of || !f->list_of || !f->entries || !f->needs ||
	    !f->has || !f->wider)
		return false;
	for (uint32_t i = 0; i < m->n_lists; i++)
		sign_list(f, i);
	return make_covers(f) && make_scopes(f) && make_wider(f) &&
	       fill_all(f, n_threads);
}

/* ---- searching ------------------------------------------------------------
 */

/* The scope of these atoms, or NULL. */
static const struct find_scope *
scope_at(const struct finder *f, const uint32_t key[RULE_KEY])
{
	uint32_t at = *rule_table_head(&f->table, key);

	for (; at; at = f->table.next[at - 1]) {
		const struct find_scope *s = &f->scopes[at - 1];
		const struct rule *r = &f->m->rules[s->from];

		if (r->effect == key[0] &&
		    memcmp(r->atom, &key[1], sizeof r->atom) == 0)
			return s;
	}
	return NULL;
}

/* The first entry under `first`, or behind where it would be. Which half it is
 * in nobody foresees: no branch depends on it. */
static uint32_t
lower_bound(const uint64_t *entries, uint32_t n, uint32_t first)
{
	uint64_t key = (uint64_t)first << 32;
	uint32_t at = 0;

	for (; n > 1; n -= n / 2)
		at += (uint32_t) - (entries[at + n / 2 - 1] < key) & n / 2;
	return at + (n == 1 && entries[at] < key);
}

/* Does the rule's list cover that of x? `row`: which lists do; NULL: to be
 * found out. */
static bool
is_cover(const struct search *s, const uint64_t *row, uint32_t rule)
{
	const struct finder *f = s->f;
	uint32_t cover = f->list_of[rule];

	if (row)
		return row[cover / 64] >> cover % 64 & 1 && rule != s->x;
	return rule != s->x && list_covers(f, cover, f->list_of[s->x]);
}

static void
look_under(struct search *s, const struct find_scope *scope, uint32_t first)
{
	const struct finder *f = s->f;
	const uint64_t *entries = f->entries + 2 * (size_t)scope->from;
	const uint64_t *row =
	    f->covers ? f->covers + f->list_of[s->x] * (size_t)f->row : NULL;
	uint32_t at, most;

	if (s->is_done || !(scope->begins & bit_of(first)))
		return;
	at = lower_bound(entries, scope->n_entries, first);
	most = scope->n_entries - at < FIND_TRIED_MAX ? scope->n_entries
						      : at + FIND_TRIED_MAX;
	for (; at < most && entries[at] >> 32 == first; at++)
		if (is_cover(s, row, (uint32_t)entries[at]) &&
		    (s->is_done = s->offer(s, (uint32_t)entries[at])))
			return;
	if (at == most && at < scope->n_entries && entries[at] >> 32 == first)
		s->is_done = s->offer(s, FIND_CUT);
}

static void
look_in(struct search *s, const struct find_scope *scope)
{
	const struct making *m = s->f->m;
	const struct known_list *l = &m->lists[s->f->list_of[s->x]];

	/* Most often there is nothing but the rule itself. */
	if (scope->to - scope->from == 1 && scope->from == s->x)
		return;
	look_under(s, scope, NO_TEST);
	for (uint32_t i = 0; i < l->n && !s->is_done; i++) {
		uint32_t path = find_path_key(m, l->tests[i]);

		look_under(s, scope, l->tests[i]);
		if (path != NO_TEST)
			look_under(s, scope, path);
	}
}

static void
look_at(struct search *s, const struct wider *const w[3])
{
	const struct finder *f = s->f;
	const struct rule *x = &f->m->rules[s->x];

	for (size_t i = 0; i < w[0]->n; i++)
		for (size_t k = 0; k < w[1]->n; k++)
			for (size_t l = 0; l < w[2]->n && !s->is_done; l++) {
				uint32_t key[RULE_KEY] = { x->effect,
					w[0]->atoms[i], w[1]->atoms[k],
					w[2]->atoms[l] };
				bool own = memcmp(&key[1], x->atom,
					       sizeof x->atom) == 0;
				const struct find_scope *scope =
				    own ? &f->scopes[f->scope_of[s->x]]
					: scope_at(f, key);

				if (scope)
					look_in(s, scope);
			}
}

void
find_covers(struct search *s)
{
	const struct finder *f = s->f;
	const uint32_t *atoms = f->m->rules[s->x].atom;
	const struct wider *w[] = { &f->wider[atoms[0]], &f->wider[atoms[1]],
		&f->wider[atoms[2]] };

	s->is_done = false;
	look_at(s, w);
}

bool
find_covers_of(
    struct search *s, const struct normal_atom atoms[3], size_t other)
{
	const struct finder *f = s->f;
	const uint32_t *own = f->m->rules[s->x].atom;
	struct wider spare = { 0 };
	const struct wider *w[3];

	if (!contain_wider(f->m, &atoms[other], &spare))
		return false;
	for (size_t i = 0; i < 3; i++)
		w[i] = i == other ? &spare : &f->wider[own[i]];
	s->is_done = false;
	look_at(s, w);
	return true;
}
