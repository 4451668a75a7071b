/* linear.c - rules one after the other, and their promises held to. */
#include "tests/lib/linear.h"

#include "policy/ast.h"
#include "tests/lib/entities.h"

static const struct uid *
uid_of(const struct eval_request *r, size_t var)
{
	if (var == VAR_PRINCIPAL)
		return &r->principal;
	return var == VAR_ACTION ? &r->action : &r->resource;
}

static bool
atoms_hold(const struct normal_atom *const atoms[3],
    const struct eval_request *r, struct arena *scratch, bool *ret)
{
	*ret = true;
	for (size_t i = 0; i < 3 && *ret; i++)
		if (!normal_atom_holds(atoms[i], *uid_of(r, i), r->entities,
			scratch, ret, NULL))
			return false;
	return true;
}

static enum eval_outcome
outcome_of(const struct normal *n, const struct normal_rule *rule,
    const struct eval_request *r, struct arena *scratch)
{
	enum eval_outcome outcome = EVAL_TRUE;
	bool holds;

	if (!atoms_hold(rule->atom, r, scratch, &holds))
		return EVAL_ERROR;
	if (!holds)
		return EVAL_FALSE;
	for (uint32_t i = 0; i < rule->n_conjuncts && outcome == EVAL_TRUE; i++)
		outcome = normal_eval_conjunct(
		    n, &rule->conjuncts[i], r, scratch, NULL, NULL);
	return outcome;
}

static void
tell(const uint32_t *parents, uint32_t n, enum eval_outcome outcome,
    enum eval_outcome *ret)
{
	for (uint32_t i = 0; i < n; i++) {
		enum eval_outcome *parent = &ret[parents[i]];

		if (outcome == EVAL_TRUE || *parent == EVAL_FALSE)
			*parent = outcome;
	}
}

static bool
tell_parents(const struct normal_rule *rule, const struct eval_request *r,
    struct arena *scratch, enum eval_outcome outcome, enum eval_outcome *ret)
{
	if (outcome != EVAL_FALSE && rule->n_parts == 0)
		tell(rule->parents, rule->n_parents, outcome, ret);
	for (uint32_t i = 0; outcome != EVAL_FALSE && i < rule->n_parts; i++) {
		const struct normal_part *part = &rule->parts[i];
		bool holds;

		if (!atoms_hold(part->atom, r, scratch, &holds))
			return false;
		if (holds)
			tell(part->parents, part->n_parents, outcome, ret);
	}
	return true;
}

bool
linear_outcomes(const struct normal *n, const struct eval_request *r,
    struct arena *scratch, enum eval_outcome *ret)
{
	for (uint32_t i = 0; i < policy_set_count(n->set); i++)
		ret[i] = EVAL_FALSE;
	for (uint32_t i = 0; i < n->n_rules; i++) {
		const struct normal_rule *rule = &n->rules[i];
		enum eval_outcome outcome = outcome_of(n, rule, r, scratch);

		if (!tell_parents(rule, r, scratch, outcome, ret))
			return false;
		if (outcome == EVAL_FALSE)
			continue;
		for (uint32_t k = 0; k < rule->n_below; k++) {
			const struct normal_rule *below =
			    &n->contained[rule->below[k]];

			outcome = outcome_of(n, below, r, scratch);
			if (!tell_parents(below, r, scratch, outcome, ret))
				return false;
		}
	}
	return true;
}

/* ---- promises -------------------------------------------------------------
 */

/* The value at the path, or NULL where there is none. */
static const struct value *
look_up(const struct normal_path *path, const struct eval_request *r,
    struct value *store)
{
	static const struct value empty = { .kind = VALUE_RECORD };
	const struct value *v = store;

	if (path->var == VAR_CONTEXT)
		v = r->context ? r->context : &empty;
	else
		*store = value_entity(*uid_of(r, path->var));
	for (uint32_t i = 0; v && i < path->n; i++) {
		const struct entity *e = v->kind == VALUE_ENTITY
					     ? record_of(r->entities, v->uid)
					     : NULL;

		if (v->kind == VALUE_ENTITY)
			v = e ? value_get(&e->attrs, path->names[i]) : NULL;
		else if (v->kind == VALUE_RECORD)
			v = value_get(v, path->names[i]);
		else
			v = NULL;
	}
	return v;
}

static bool
is_clean(const struct normal *n, const struct normal_conjunct *c,
    const struct eval_request *r)
{
	for (uint32_t i = 0; i < c->n_reads; i++) {
		struct value store;
		const struct value *v =
		    look_up(&n->paths[c->reads[i].path], r, &store);

		if (!v || !(c->reads[i].kinds & (1u << v->kind)))
			return false;
	}
	return true;
}

static bool
order_holds(unsigned op, int64_t x, int64_t y)
{
	if (op == OP_LT)
		return x < y;
	if (op == OP_LE)
		return x <= y;
	return op == OP_GT ? x > y : x >= y;
}

/* What the form says where its path is there. */
static bool
form_holds(const struct normal_conjunct *c, const struct value *v,
    const struct eval_request *r)
{
	if (c->form == FORM_EQ)
		return value_eq(v, &c->literal);
	if (c->form == FORM_ORDER)
		return order_holds(c->op, v->number, c->literal.number);
	if (c->form == FORM_IN)
		return entities_in(r->entities, v->uid, c->literal.uid);
	return true;
}

static const char *
broken_conjunct(const struct normal *n, const struct normal_conjunct *c,
    const struct eval_request *r, enum eval_outcome outcome)
{
	bool clean = is_clean(n, c, r), has = c->form == FORM_HAS;
	struct value store;
	const struct value *v;

	if (c->is_clean_total && clean && outcome == EVAL_ERROR)
		return "a clean test errs";
	if (c->form == FORM_TREE || !clean)
		return NULL;
	v = look_up(&n->paths[c->path], r, &store);
	if (!v && !has)
		return outcome == EVAL_ERROR ? NULL : "a form without its path";
	if ((v && form_holds(c, v, r)) !=
	    ((outcome == EVAL_TRUE) != c->form_negated))
		return "a form that says something else";
	return NULL;
}

/* Where the rule's atoms hold, some part's do; where they do not, none's. */
static const char *
broken_parts(const struct normal_rule *rule, const struct eval_request *r,
    struct arena *scratch)
{
	bool whole, one, some = false;

	if (rule->n_parts == 0)
		return NULL;
	if (!atoms_hold(rule->atom, r, scratch, &whole))
		return "no memory";
	for (uint32_t i = 0; i < rule->n_parts; i++) {
		if (!atoms_hold(rule->parts[i].atom, r, scratch, &one))
			return "no memory";
		some = some || one;
	}
	return whole == some ? NULL : "parts that are not the whole";
}

static const char *
broken_rule(const struct normal *n, const struct normal_rule *rule,
    const struct eval_request *r, struct arena *scratch)
{
	const char *broken = broken_parts(rule, r, scratch);
	bool reached = true;

	for (uint32_t i = 0; i < rule->n_parents; i++)
		if (policy_set_info(n->set, rule->parents[i]).effect !=
		    rule->effect)
			broken = "a parent of another effect";
	for (uint32_t i = 0; i < rule->n_conjuncts && !broken; i++) {
		const struct normal_conjunct *c = &rule->conjuncts[i];
		enum eval_outcome outcome =
		    normal_eval_conjunct(n, c, r, scratch, NULL, NULL);

		broken = broken_conjunct(n, c, r, outcome);
		if (reached && i < rule->n_total && outcome == EVAL_ERROR)
			broken = "one of n_total errs";
		reached = reached && outcome == EVAL_TRUE;
	}
	return broken;
}

const char *
linear_broken_promise(
    const struct normal *n, const struct eval_request *r, struct arena *scratch)
{
	const char *broken = NULL;

	for (uint32_t i = 0; i < n->n_rules && !broken; i++)
		broken = broken_rule(n, &n->rules[i], r, scratch);
	for (uint32_t i = 0; i < n->n_contained && !broken; i++)
		broken = broken_rule(n, &n->contained[i], r, scratch);
	return broken;
}
