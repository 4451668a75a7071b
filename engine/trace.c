/* trace.c - node by node, which clause of which policy failed, and on what
 * data. The sink sees nodes after their parts. Within a clause it keeps the
 * innermost node that is false and makes everything up to the clause false
 * (through conjunctions only): that is the part a reader has to look at. An
 * error keeps the first node that failed. */
#include "engine/trace.h"

#include <stdlib.h>

static bool
contains(const struct policy_place *outer, const struct policy_place *inner)
{
	return outer->off <= inner->off &&
	       inner->off + inner->len <= outer->off + outer->len;
}

static bool
is_false(enum eval_outcome outcome, const struct value *value)
{
	if (value != NULL && value->kind == VALUE_BOOL)
		return !value->boolean;
	return outcome == EVAL_FALSE;
}

/* Keep the part that explains the failure; see the head of this file. */
static void
narrow(struct trace_record *t, uint32_t node, const struct policy_place *place,
    bool failed)
{
	bool around = t->has_candidate && contains(place, &t->candidate);
	if (!failed) {
		if (around)
			t->has_candidate = false;
		return;
	}
	if (around && place->is_conjunction)
		return;
	t->candidate = *place;
	t->candidate_node = node;
	t->has_candidate = true;
}

/* The first node in error; what was false before it is not why. */
static void
keep_error(
    struct trace_record *t, uint32_t node, const struct policy_place *place)
{
	if (t->has_candidate && t->candidate_is_error)
		return;
	t->candidate = *place;
	t->candidate_node = node;
	t->has_candidate = t->candidate_is_error = true;
}

static struct str
text_of(struct trace_record *t, uint32_t policy, uint32_t node)
{
	struct str text = policy_place_text(t->set, policy, node, t->arena);
	t->out_of_memory = t->out_of_memory || text.p == NULL;
	return text;
}

static struct str
print_value(struct trace_record *t, const struct value *value)
{
	struct buf out = { 0 };
	value_print(&out, value);
	struct str copy =
	    buf_ok(&out) ? str_dup(t->arena, buf_str(&out)) : (struct str){ 0 };
	buf_free(&out);
	t->out_of_memory = t->out_of_memory || copy.p == NULL;
	return copy;
}

/* `principal` on the way to `principal.owner` says nothing of its own. */
static bool
is_longer(struct str text, struct str than)
{
	return text.n > than.n && str_has_prefix(text, than) &&
	       (text.p[than.n] == '.' || text.p[than.n] == '[');
}

static void
keep_datum(struct trace_record *t, struct trace_policy *p, struct str text,
    const struct value *value)
{
	for (size_t i = 0; i < p->n_data; i++)
		if (p->data[i].clause == p->passed &&
		    str_eq(p->data[i].text, text))
			return;
	if (p->n_data > 0 && p->data[p->n_data - 1].clause == p->passed &&
	    is_longer(text, p->data[p->n_data - 1].text))
		p->n_data--;
	if (!ARENA_PUSH_ROOM(t->arena, p->data, p->n_data, p->cap_data)) {
		t->out_of_memory = true;
		return;
	}
	static const struct str roots[] = { STR_INIT("principal"),
		STR_INIT("action"), STR_INIT("resource"), STR_INIT("context") };
	struct trace_datum d = { text, print_value(t, value), p->passed, 0 };
	for (size_t i = 0; i < ARRAY_LEN(roots); i++)
		if (str_has_prefix(text, roots[i]))
			d.root = roots[i].p[0];
	p->data[p->n_data++] = d;
}

/* A scope clause compares the element itself. */
static void
keep_element(struct trace_record *t, struct trace_policy *p)
{
	const struct engine_request *r = t->request;
	const struct uid *const elements[] = { &r->principal, &r->action,
		&r->resource };
	static const struct str names[] = { STR_INIT("principal"),
		STR_INIT("action"), STR_INIT("resource") };
	if (p->passed >= ARRAY_LEN(elements))
		return;
	struct value v = value_entity(*elements[p->passed]);
	keep_datum(t, p, names[p->passed], &v);
}

static void
end_clause(struct trace_record *t, struct trace_policy *p, uint32_t node,
    const struct policy_place *place, enum eval_outcome outcome)
{
	p->outcome = outcome;
	if (outcome == EVAL_TRUE) {
		p->passed++;
		t->has_candidate = t->candidate_is_error = false;
		return;
	}
	keep_element(t, p);
	p->has_failed = true;
	p->failed = *place;
	if (t->has_candidate) {
		p->failed.at = t->candidate.at;
		node = t->candidate_node;
	}
	p->failed_text = text_of(t, p->policy, node);
	t->has_candidate = t->candidate_is_error = false;
}

static void
see_node(void *ctx, uint32_t policy, uint32_t node, enum eval_outcome outcome,
    const struct value *value)
{
	struct trace_record *t = ctx;
	struct trace_policy *p = &t->policies[policy];
	struct policy_place place;
	policy_place(t->set, policy, node, &place);
	if (outcome == EVAL_ERROR)
		keep_error(t, node, &place);
	else
		narrow(t, node, &place, is_false(outcome, value));
	/* A look-up that is only the start of a longer one says nothing of its
	 * own. */
	if (place.is_datum && value != NULL && value->kind != VALUE_RECORD &&
	    value->kind != VALUE_NONE)
		keep_datum(t, p, text_of(t, policy, node), value);
	if (place.is_clause)
		end_clause(t, p, node, &place, outcome);
}

bool
trace_record_init(struct trace_record *t, struct arena *a,
    const struct policy_set *set, const struct engine_request *request)
{
	uint32_t n = policy_set_count(set);
	*t =
	    (struct trace_record){ .arena = a, .set = set, .request = request };
	t->policies = ARENA_ARRAY(a, n + 1u, struct trace_policy);
	for (uint32_t i = 0; t->policies != NULL && i < n; i++)
		t->policies[i].policy = i;
	return t->policies != NULL;
}

struct eval_trace
trace_sink(struct trace_record *t)
{
	return (struct eval_trace){ see_node, t };
}

static int
rank(const struct trace_policy *p)
{
	switch (p->outcome) {
	case EVAL_TRUE:
		return 0;
	case EVAL_ERROR:
	case EVAL_UNKNOWN:
		return 1;
	case EVAL_FALSE:
		break;
	}
	return 2;
}

static int
compare_nearness(const void *a, const void *b, void *ctx)
{
	const struct trace_record *t = ctx;
	const struct trace_policy *x = &t->policies[*(const uint32_t *)a];
	const struct trace_policy *y = &t->policies[*(const uint32_t *)b];
	enum policy_effect i = policy_set_effect(t->set, x->policy);
	enum policy_effect k = policy_set_effect(t->set, y->policy);
	if (rank(x) != rank(y))
		return rank(x) - rank(y);
	if (x->outcome == EVAL_FALSE && i != k)
		return i == t->turning ? -1 : 1;
	if (x->passed != y->passed)
		return x->passed > y->passed ? -1 : 1;
	if (i != k)
		return i == POLICY_DENY ? -1 : 1;
	return policy_set_compare(t->set, x->policy, y->policy);
}

const uint32_t *
trace_nearest(struct trace_record *t)
{
	uint32_t n = policy_set_count(t->set);
	uint32_t *order = ARENA_ARRAY(t->arena, n + 1u, uint32_t);
	if (order == NULL)
		return NULL;
	t->turning = POLICY_PERMIT;
	for (uint32_t i = 0; i < n; i++) {
		order[i] = i;
		if (t->policies[i].outcome == EVAL_TRUE &&
		    policy_set_effect(t->set, i) == POLICY_PERMIT)
			t->turning = POLICY_DENY;
	}
	qsort_r(order, n, sizeof *order, compare_nearness, t);
	return order;
}
