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

bool
dedup_merge(struct making *m, struct error *reterr)
{
	struct intern *keys = intern_new(m->scratch, NULL);
	size_t kept = 0;

	for (size_t i = 0; keys && i < m->n_rules; i++) {
		const struct rule *r = &m->rules[i];
		uint32_t key[] = { r->effect, r->atom[0], r->atom[1],
			r->atom[2], r->list };
		uint32_t id = intern_add(keys, STR(""),
		    (struct str){ (const char *)key, sizeof key });

		if (id == INTERN_NONE)
			return error_nomem(reterr);
		if (id == kept)
			m->rules[kept++] = *r;
		else if (!add_parents(m, &m->rules[id], r))
			return error_nomem(reterr);
	}
	m->n_rules = kept;
	return keys || error_nomem(reterr);
}
