/* expand.c - a wildcard of a scope over what a schema closes becomes the
 * entities that it stands for (P5): `action like Action::"read*"` the declared
 * actions, `resource like Color::"r*"` the enumerated ids.
 * That says the same of every request that the schema allows, and of no other:
 * who looks rules up asks for that first (normal.h, `closed`). Entity data is
 * never looked at, since what is stored may change. Contextual wildcards and
 * exceptions (`not like`) stay. A policy that would become more than growth_max
 * rules stays as it is.
 * An expanded test has a text of its own, so that it is never taken for a test
 * that stands elsewhere; it goes as soon as it has become its element's atom.
 * Cost: a match a policy, wildcard and closed entity. */
#include "policy/rules.h"

#include "policy/pattern.h"
#include "policy/schema_model.h"

struct expander {
	struct making *m;
	const struct schema *schema;
	struct drafts drafts; /* so far */
	bool too_many;
};

static const struct schema_entity_type *
enumerated(const struct schema *s, struct str name)
{
	uint32_t type = schema_find_type(s, name);

	return type != SCHEMA_NONE && s->types[type].ids ? &s->types[type]
							 : NULL;
}

/* Is the test a wildcard over a closed type? */
static bool
is_closed(const struct expander *x, const struct test *test)
{
	const struct ast_node *n = &x->m->ast->nodes[test->node];

	if (n->kind != NODE_TEST_LIKE || n->negated != test->negated ||
	    node_is_contextual(x->m->ast, test->node))
		return false;
	return test->var == VAR_ACTION ||
	       enumerated(x->schema, x->m->ast->strings[n->a]);
}

/* One more way for each draft so far: its test `at` says `== uid`. */
static bool
add_ways(struct expander *x, const struct drafts *from, uint32_t at,
    struct uid uid, struct drafts *to)
{
	struct uid *one = ARENA_NEW(x->m->each, struct uid);

	if (!one)
		return false;
	*one = uid;
	for (size_t i = 0; i < from->n && !x->too_many; i++) {
		const struct draft *d = &from->items[i];

		x->too_many = to->n >= x->m->options.growth_max;
		if (x->too_many)
			break;
		if (!drafts_add(x->m, to, d->tests, d->n))
			return false;
		to->items[to->n - 1].tests[at].one = one;
	}
	return true;
}

static bool
matches(const struct expander *x, const struct ast_node *like, struct str id)
{
	const struct ast_node *pattern = &x->m->ast->nodes[like->b];

	return pattern_match(
	    &x->m->ast->parts[pattern->a], pattern->b, NULL, id);
}

static bool
expand_action(struct expander *x, uint32_t at, const struct ast_node *like,
    struct drafts *to)
{
	struct str type = x->m->ast->strings[like->a];

	for (uint32_t i = 0; i < x->schema->n_actions && !x->too_many; i++) {
		struct uid uid = x->schema->actions[i].uid;

		if (str_eq(uid.type, type) && matches(x, like, uid.id) &&
		    !add_ways(x, &x->drafts, at, uid, to))
			return false;
	}
	return true;
}

static bool
expand_entity(struct expander *x, uint32_t at, const struct ast_node *like,
    struct drafts *to)
{
	const struct schema_entity_type *t =
	    enumerated(x->schema, x->m->ast->strings[like->a]);

	for (uint32_t i = 0; t && i < t->n_ids && !x->too_many; i++)
		if (matches(x, like, t->ids[i]) &&
		    !add_ways(x, &x->drafts, at,
			(struct uid){ t->name, t->ids[i] }, to))
			return false;
	return true;
}

/* The tests are those of the policy's only draft. */
static bool
expand_tests(struct expander *x, const struct draft *draft)
{
	bool ok = drafts_add(x->m, &x->drafts, draft->tests, draft->n);

	for (uint32_t i = 0; ok && i < draft->n && !x->too_many; i++) {
		const struct test *test = &draft->tests[i];
		const struct ast_node *n = &x->m->ast->nodes[test->node];
		struct drafts to = { 0 };

		if (!is_closed(x, test))
			continue;
		ok = (test->var == VAR_ACTION ? expand_action : expand_entity)(
		    x, i, n, &to);
		x->drafts = to;
	}
	return ok;
}

bool
expand_policy(struct making *m, struct error *reterr)
{
	struct expander x = { .m = m, .schema = m->set->closed };
	bool found = false;

	for (uint32_t i = 0; i < m->drafts.items[0].n && x.schema; i++)
		found = found || is_closed(&x, &m->drafts.items[0].tests[i]);
	if (!found)
		return true;
	if (!expand_tests(&x, &m->drafts.items[0]))
		return error_nomem(reterr);
	if (x.too_many) {
		rules_note(m, "wildcard left whole", m->instance, m->instance);
		return true;
	}
	m->drafts = x.drafts;
	m->is_expanded = true;
	return true;
}

static bool
is_listed(const struct schema *s, struct uid uid)
{
	const struct schema_entity_type *t = enumerated(s, uid.type);

	return !t || schema_lists_id(t, uid.id);
}

bool
normal_is_closed(const struct schema *closed, const struct eval_request *r)
{
	return !closed ||
	       (schema_find_action(closed, r->action) != SCHEMA_NONE &&
		   is_listed(closed, r->principal) &&
		   is_listed(closed, r->resource));
}
