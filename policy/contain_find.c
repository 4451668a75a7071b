/* contain_find.c - see contain_find.h. */
#include "policy/contain_find.h"

#include <stdlib.h>

#include "policy/canon.h"
#include "policy/relate.h"

#define NO_TEST UINT32_MAX

/* ---- tests ----------------------------------------------------------------
 */

/* Tests on the same path may imply one another; they are found by it. */
static uint32_t
path_key(const struct making *m, uint32_t test)
{
	const struct normal_conjunct *c = &m->tests[test].conjunct;

	if (c->form != FORM_EQ && c->form != FORM_ORDER)
		return NO_TEST;
	return 0x80000000u | c->path;
}

/* A comparison with one value follows from nothing but itself. */
static bool
is_implied(const struct normal_conjunct *c)
{
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
		uint32_t test = l->tests[i], path = path_key(m, test);
		bool implied = is_implied(&m->tests[test].conjunct);

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

static int
by_entry(const void *x, const void *y)
{
	uint64_t a, b;

	memcpy(&a, x, sizeof a);
	memcpy(&b, y, sizeof b);
	return (a > b) - (a < b);
}

/* Each rule under its first test, and where that may follow from others under
 * its path; those without a test under NO_TEST. */
static void
fill_scope(struct finder *f, struct find_scope *s)
{
	const struct making *m = f->m;
	uint64_t *entries = f->entries + 2 * (size_t)s->from;
	uint32_t n = 0;

	for (uint32_t i = s->from; i < s->to; i++) {
		const struct known_list *l = &m->lists[f->list_of[i]];
		uint32_t first = l->n ? l->tests[0] : NO_TEST;

		entries[n++] = (uint64_t)first << 32 | i;
		if (l->n && is_implied(&m->tests[first].conjunct))
			entries[n++] = (uint64_t)path_key(m, first) << 32 | i;
	}
	s->n_entries = n;
	if (n > 1)
		qsort(entries, n, sizeof *entries, by_entry);
}

struct filling {
	struct finder *f;
	uint32_t from, to; /* scopes */
};

static void
fill_some(void *part)
{
	const struct filling *p = part;

	for (uint32_t i = p->from; i < p->to; i++)
		fill_scope(p->f, &p->f->scopes[i]);
}

static bool
fill_all(struct finder *f, size_t n_threads)
{
	struct filling *parts =
	    ARENA_ARRAY(f->m->each, n_threads, struct filling);
	uint64_t total = f->n_scopes;

	for (size_t i = 0; parts && i < n_threads; i++)
		parts[i] =
		    (struct filling){ f, (uint32_t)(total * i / n_threads),
			    (uint32_t)(total * (i + 1) / n_threads) };
	if (parts)
		parallel_each(fill_some, parts, sizeof *parts, n_threads);
	return parts != NULL;
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
	return make_scopes(f) && make_wider(f) && fill_all(f, n_threads);
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

/* The first entry under `first`, or behind where it would be. */
static uint32_t
lower_bound(const uint64_t *entries, uint32_t n, uint32_t first)
{
	uint64_t key = (uint64_t)first << 32;
	uint32_t at = 0;

	while (n > 0) {
		uint32_t half = n / 2;

		if (entries[at + half] < key) {
			at += half + 1;
			n -= half + 1;
		} else
			n = half;
	}
	return at;
}

static bool
is_cover(const struct search *s, uint32_t rule)
{
	const struct finder *f = s->f;
	uint32_t cover = f->list_of[rule], list = f->list_of[s->x];

	return rule != s->x && (f->needs[cover] & ~f->has[list]) == 0 &&
	       relate_list_covers(f->m, cover, list);
}

static void
look_under(struct search *s, const struct find_scope *scope, uint32_t first)
{
	const uint64_t *entries = s->f->entries + 2 * (size_t)scope->from;
	uint32_t at = lower_bound(entries, scope->n_entries, first);
	unsigned tried = 0;

	for (;
	     !s->is_done && at < scope->n_entries && entries[at] >> 32 == first;
	     at++) {
		if (tried++ == FIND_TRIED_MAX) {
			s->is_done = s->offer(s, FIND_CUT);
			return;
		}
		if (is_cover(s, (uint32_t)entries[at]))
			s->is_done = s->offer(s, (uint32_t)entries[at]);
	}
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
		uint32_t path = path_key(m, l->tests[i]);

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
				uint32_t key[RULE_KEY] = { s->effect,
					w[0]->atoms[i], w[1]->atoms[k],
					w[2]->atoms[l] };
				bool own = s->effect == x->effect &&
					   memcmp(&key[1], x->atom,
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
