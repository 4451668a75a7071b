/* dedup.c - equal rules become one, whose parents are those of both (P7, P9).
 * Equal: the same effect, atoms and tests, by number; so also the same errors.
 * Cost O(n). */
#include "policy/rules.h"

static bool
add_parents(struct making *m, struct rule *to, const struct rule *from)
{
	for (size_t i = 0; i < from->parents.n; i++) {
		uint32_t parent = from->parents.items[i];

		/* Rules come in the order of their policies. */
		if (to->parents.items[to->parents.n - 1] == parent)
			continue;
		if (!ids_add(m->scratch, &to->parents, parent))
			return false;
		rules_note(m, "merged", parent, to->parents.items[0]);
	}
	return true;
}

static bool
is_same(const struct rule *x, const struct rule *y)
{
	return x->effect == y->effect && x->list == y->list &&
	       memcmp(x->atom, y->atom, sizeof x->atom) == 0;
}

/* The rule among the first `kept` that equals `r`; else it becomes the last of
 * them. */
static uint32_t
keep(struct making *m, struct rule_table *t, const struct rule *r, size_t *kept)
{
	uint32_t key[RULE_KEY] = { r->effect, r->atom[0], r->atom[1],
		r->atom[2], r->list };
	uint32_t *head = rule_table_head(t, key);

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
		const struct rule r = m->rules[i];
		size_t before = kept;
		uint32_t at = keep(m, &table, &r, &kept);

		if (at < before && !add_parents(m, &m->rules[at], &r))
			return error_nomem(reterr);
	}
	m->n_rules = kept;
	return true;
}
