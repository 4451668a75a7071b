/* dedup.c - equal rules become one, whose parents are those of both (P7, P9).
 * Equal: the same effect, atoms and tests, by number; so also the same errors.
 * Cost O(n). */
#include "policy/rules.h"

static bool
add_parents(struct making *m, struct rule *to, struct rule *from)
{
	for (size_t i = 0; i < from->parents.n; i++) {
		uint32_t parent = few_items(&from->parents)[i];

		/* Rules come in the order of their policies. */
		if (few_items(&to->parents)[to->parents.n - 1] == parent)
			continue;
		if (!few_add(m->scratch, &to->parents, parent))
			return false;
		rules_note(m, "merged", parent, few_items(&to->parents)[0]);
	}
	return true;
}

static bool
is_same(const struct rule *x, const struct rule *y)
{
	return x->effect == y->effect && x->list == y->list &&
	       memcmp(x->atom, y->atom, sizeof x->atom) == 0;
}

/* Where the rule is looked up. */
static uint32_t *
head_of(const struct rule_table *t, const struct rule *r)
{
	const uint32_t key[RULE_KEY] = { r->effect, r->atom[0], r->atom[1],
		r->atom[2], r->list };

	return rule_table_head(t, key);
}

/* The rules that come soon are asked for in memory: their places first, then
 * what is there. */
#define AHEAD 8u

static void
look_ahead(const struct making *m, const struct rule_table *t, size_t i)
{
	if (i + 2 * AHEAD < m->n_rules)
		__builtin_prefetch(head_of(t, &m->rules[i + 2 * AHEAD]));
	if (i + AHEAD < m->n_rules) {
		uint32_t at = *head_of(t, &m->rules[i + AHEAD]);

		if (at)
			__builtin_prefetch(&m->rules[at - 1]);
	}
}

/* The rule among the first `kept` that equals `r`; else it becomes the last of
 * them. */
static uint32_t
keep(struct making *m, struct rule_table *t, const struct rule *r, size_t *kept)
{
	uint32_t *head = head_of(t, r);

	for (uint32_t at = *head; at; at = t->next[at - 1])
		if (is_same(&m->rules[at - 1], r))
			return at - 1;
	m->rules[*kept] = *r;
	t->next[*kept] = *head;
	*head = (uint32_t)*kept + 1;
	return (uint32_t)(*kept)++;
}

bool
dedup_merge(struct making *m, struct error *reterr)
{
	struct rule_table table;
	size_t kept = 0;

	arena_reset(m->each);
	if (!rule_table_init(&table, m->each, m->n_rules))
		return error_nomem(reterr);
	for (size_t i = 0; i < m->n_rules; i++) {
		struct rule r = m->rules[i];
		size_t before = kept;
		uint32_t at;

		look_ahead(m, &table, i);
		at = keep(m, &table, &r, &kept);
		if (at < before && !add_parents(m, &m->rules[at], &r))
			return error_nomem(reterr);
	}
	m->n_rules = kept;
	return true;
}
