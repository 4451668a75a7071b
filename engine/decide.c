/* decide.c - every policy's outcome, into one decision.
 * Permit needs a satisfied permit, no satisfied deny, no deny that could not be
 * evaluated (unless errors are skipped), no missing data and no limit hit:
 * anything else is a deny with its code. Reasons are all satisfied policies of
 * the deciding effect, errors all policies in error. The index says which
 * policies are satisfied; those it has doubts about are evaluated as they were
 * written, and so are all where there is a trace sink or no index can tell. The
 * walk is the oracle that the index is held against. Cost: what the index
 * finds, O(policies) for a walk. */
#include "engine/engine_private.h"

#include <stdlib.h>

#include "base/limits.h"
#include "engine/trace.h"

struct tally {
	const struct policy_set *set;
	uint32_t *satisfied[2]; /* by enum policy_effect */
	size_t n[2], cap[2];
	struct engine_policy_error *errors;
	size_t n_errors, cap_errors;
	uint32_t pattern_hits;
	bool unknown[2]; /* by effect: data not fetched yet */
	uint32_t *open;  /* those policies */
	size_t n_open, cap_open;
	bool deny_failed, limit_hit;
	bool ended; /* patterns took so long that the rest is not looked at */
	bool is_sorted; /* by id */
};

static void
count_satisfied(
    struct tally *t, struct arena *a, uint32_t i, enum policy_effect effect)
{
	uint32_t *items = t->satisfied[effect];
	if (!ARENA_PUSH_ROOM(a, items, t->n[effect], t->cap[effect])) {
		t->limit_hit = true;
		return;
	}
	items[t->n[effect]++] = i;
	t->satisfied[effect] = items;
}

static void
count_open(
    struct tally *t, struct arena *a, uint32_t i, enum policy_effect effect)
{
	t->unknown[effect] = true;
	if (!ARENA_PUSH_ROOM(a, t->open, t->n_open, t->cap_open)) {
		t->limit_hit = true;
		return;
	}
	t->open[t->n_open++] = i;
}

static bool
is_limit(enum err_code code)
{
	return code == ERR_LIMIT_MEMORY || code == ERR_LIMIT_DEPTH ||
	       code == ERR_LIMIT_COUNT || code == ERR_LIMIT_SIZE ||
	       code == ERR_EVAL_DEPTH || code == ERR_FILE_IMAGE ||
	       code == ERR_NONE;
}

static void
count_error(struct tally *t, struct arena *a, uint32_t i,
    enum policy_effect effect, enum err_code code)
{
	t->limit_hit = t->limit_hit || is_limit(code);
	t->deny_failed = t->deny_failed || effect == POLICY_DENY;
	if (code == ERR_EVAL_PATTERN)
		t->ended = ++t->pattern_hits >= LIMIT_PATTERN_HITS;
	if (!ARENA_PUSH_ROOM(a, t->errors, t->n_errors, t->cap_errors)) {
		t->limit_hit = true;
		return;
	}
	t->errors[t->n_errors++] = (struct engine_policy_error){ i, code };
}

static int
compare_ids(const void *a, const void *b, void *set)
{
	return policy_set_compare(
	    set, *(const uint32_t *)a, *(const uint32_t *)b);
}

static int
compare_errors(const void *a, const void *b, void *set)
{
	const struct engine_policy_error *x = a, *y = b;
	return compare_ids(&x->policy, &y->policy, set);
}

static void
give_reasons(
    struct tally *t, enum policy_effect effect, struct engine_answer *ret)
{
	if (t->n[effect] > 1 && !t->is_sorted)
		qsort_r(t->satisfied[effect], t->n[effect], sizeof(uint32_t),
		    compare_ids, (void *)(uintptr_t)t->set);
	ret->reasons = t->satisfied[effect];
	ret->n_reasons = t->n[effect];
}

/* Nothing is in doubt, as mostly: what `conclude` comes to, without counting.
 */
static inline void
conclude_found(const struct policy_found *found,
    const struct engine_snapshot *s, struct engine_answer *ret)
{
	static const enum err_code codes[2] = {
		[POLICY_DENY] = ERR_POLICY_DENIED, [POLICY_PERMIT] = ERR_PERMIT
	};
	enum policy_effect by =
	    found->n_satisfied[POLICY_DENY] > 0 ? POLICY_DENY : POLICY_PERMIT;
	bool any = found->n_satisfied[by] > 0;

	*ret = (struct engine_answer){ .snapshot = s };
	ret->code = any ? codes[by] : ERR_POLICY_NONE;
	if (ret->code == ERR_PERMIT)
		ret->effect = ENGINE_PERMIT;
	ret->reasons = found->satisfied[by];
	ret->n_reasons = found->n_satisfied[by];
}

/* The first line that holds decides. */
static void
conclude(struct tally *t, enum engine_errored_deny errored_deny,
    struct engine_answer *ret)
{
	ret->effect = ENGINE_DENY;
	if (t->ended) {
		ret->code = ERR_SYSTEM_LIMIT;
	} else if (t->n[POLICY_DENY] > 0) {
		ret->code = ERR_POLICY_DENIED;
		give_reasons(t, POLICY_DENY, ret);
	} else if (t->limit_hit) {
		ret->code = ERR_SYSTEM_LIMIT;
	} else if (t->deny_failed && errored_deny != ERRORED_DENY_SKIP) {
		ret->code = ERR_POLICY_ERROR;
	} else if (t->unknown[POLICY_DENY] || t->unknown[POLICY_PERMIT]) {
		ret->code = ERR_DATA_MISSING;
		ret->open = t->open;
		ret->n_open = t->n_open;
		ret->permits_wait = t->n[POLICY_PERMIT] > 0;
		if (!t->unknown[POLICY_DENY]) {
			ret->certain = t->satisfied[POLICY_PERMIT];
			ret->n_certain = t->n[POLICY_PERMIT];
		}
	} else if (t->n[POLICY_PERMIT] > 0) {
		ret->effect = ENGINE_PERMIT;
		ret->code = ERR_PERMIT;
		give_reasons(t, POLICY_PERMIT, ret);
	} else {
		ret->code = ERR_POLICY_NONE;
	}
	if (t->n_errors > 1 && !t->is_sorted)
		qsort_r(t->errors, t->n_errors, sizeof *t->errors,
		    compare_errors, (void *)(uintptr_t)t->set);
	ret->errors = t->errors;
	ret->n_errors = t->n_errors;
}

/* Evaluate policy `i` as it is written, and count what comes of it. */
static void
count_policy(struct tally *t, uint32_t i, const struct eval_request *request,
    struct arena *scratch, const struct eval_trace *trace)
{
	enum err_code code;
	struct arena_mark mark = arena_mark(scratch);
	enum eval_outcome outcome =
	    policy_eval_code(t->set, i, request, scratch, trace, &code);
	arena_release(scratch, mark);
	if (outcome == EVAL_FALSE)
		return;
	enum policy_effect effect = policy_set_effect(t->set, i);
	if (outcome == EVAL_TRUE) {
		t->is_sorted = false;
		count_satisfied(t, scratch, i, effect);
	} else if (outcome == EVAL_UNKNOWN)
		count_open(t, scratch, i, effect);
	else
		count_error(t, scratch, i, effect, code);
}

/* All that the index doubts is in error, as it knows. */
static void
take_errors(
    struct tally *t, const struct policy_found *found, struct arena *scratch)
{
	for (size_t i = 0; i < found->n_doubtful; i++) {
		uint32_t policy = found->doubtful[i];

		count_error(t, scratch, policy,
		    policy_set_effect(t->set, policy), found->sure);
	}
}

/* What the index found, without those it doubts. */
static void
take_found(struct tally *t, const struct policy_found *found)
{
	for (int e = 0; e < 2; e++) {
		uint32_t *items;
		memcpy(&items, &found->satisfied[e], sizeof items);
		t->satisfied[e] = items;
		t->n[e] = t->cap[e] = found->n_satisfied[e];
	}
}

/* Room for as many at once. Without it, it is asked for when they come. */
static void
expect_errors(struct tally *t, struct arena *a, size_t n)
{
	t->errors = ARENA_ARRAY(a, n, struct engine_policy_error);
	t->cap_errors = t->errors ? n : 0;
}

static inline struct eval_request
question_of(const struct engine_request *r)
{
	return (struct eval_request){ r->principal, r->action, r->resource,
		&r->context, r->entities };
}

/* Whose words somebody may ask for later. */
static void
keep_asked(struct tally *t, const struct engine_request *r,
    struct arena *scratch, struct engine_answer *ret)
{
	struct engine_request *asked =
	    ARENA_NEW(scratch, struct engine_request);

	if (asked)
		*asked = *r;
	else
		t->limit_hit = true;
	ret->asked = asked;
}

static void
count_all(struct tally *t, const struct eval_request *request,
    struct arena *scratch, const struct eval_trace *trace)
{
	uint32_t n = policy_set_count(t->set);

	for (uint32_t i = 0; i < n && !t->ended; i++)
		count_policy(t, i, request, scratch, trace);
}

static void
count_found(struct tally *t, const struct policy_found *found,
    const struct eval_request *request, struct arena *scratch)
{
	t->is_sorted = true;
	take_found(t, found);
	expect_errors(t, scratch, found->n_doubtful);
	if (found->sure != ERR_NONE)
		take_errors(t, found, scratch);
	else
		for (size_t i = 0; i < found->n_doubtful && !t->ended; i++)
			count_policy(
			    t, found->doubtful[i], request, scratch, NULL);
}

/* Something is in doubt, or no index could tell; NULL: memory ran out. False
 * where a limit was hit; *ret is then a refusal, or may lack some of its
 * errors. */
__attribute__((noinline)) static bool
decide_doubtful(const struct engine_snapshot *s, const struct engine_request *r,
    const struct eval_request *request, const struct policy_found *found,
    enum engine_errored_deny errored_deny, struct arena *scratch,
    const struct eval_trace *trace, struct engine_answer *ret)
{
	struct tally t = { .set = engine_snapshot_policies(s) };

	*ret = (struct engine_answer){ .snapshot = s };
	if (found == NULL)
		t.limit_hit = true;
	else if (found->is_walk)
		count_all(&t, request, scratch, trace);
	else
		count_found(&t, found, request, scratch);
	if (t.n_errors > 0)
		keep_asked(&t, r, scratch, ret);
	conclude(&t, errored_deny, ret);
	return !t.limit_hit;
}

/* From what the index found; as above. */
static inline bool
decide_found(const struct engine_snapshot *s, const struct engine_request *r,
    const struct eval_request *request, const struct policy_found *found,
    enum engine_errored_deny errored_deny, struct arena *scratch,
    const struct eval_trace *trace, struct engine_answer *ret)
{
	if (found == NULL || found->is_walk || found->n_doubtful > 0)
		return decide_doubtful(
		    s, r, request, found, errored_deny, scratch, trace, ret);
	conclude_found(found, s, ret);
	return true;
}

void
decide_request(const struct engine_snapshot *s, const struct engine_request *r,
    enum engine_errored_deny errored_deny, struct arena *scratch,
    const struct eval_trace *trace, struct engine_answer *ret)
{
	const struct eval_request request = question_of(r);
	struct policy_found found UNZEROED; /* by who finds */
	bool ok = true;

	if (trace != NULL)
		found = (struct policy_found){ .is_walk = true };
	else
		ok = policy_index_find(
		    snapshot_index(s), &request, scratch, &found);
	(void)decide_found(s, r, &request, ok ? &found : NULL, errored_deny,
	    scratch, trace, ret);
}

void
engine_error_tell(const struct engine_answer *answer, size_t i,
    struct arena *scratch, struct error *ret)
{
	const struct engine_policy_error *e = &answer->errors[i];
	struct arena_mark mark = arena_mark(scratch);

	*ret = (struct error){ 0 };
	if (answer->asked) {
		const struct eval_request request = question_of(answer->asked);

		(void)policy_eval(engine_snapshot_policies(answer->snapshot),
		    e->policy, &request, scratch, NULL, ret);
	}
	arena_release(scratch, mark);
	/* It is the same, unless memory ran out in one of both. */
	if (ret->code == e->code)
		return;
	*ret = (struct error){ 0 };
	(void)error_set(ret, e->code, SPAN_NONE, "%s", error_help(e->code));
}

bool
engine_errored_deny_of(struct str name, enum engine_errored_deny *ret)
{
	bool skip = str_eq(name, STR("skip"));
	if (!skip && !str_eq(name, STR("deny")))
		return false;
	*ret = skip ? ERRORED_DENY_SKIP : ERRORED_DENY_DENIES;
	return true;
}

void
engine_evaluate(const struct engine_snapshot *s, const struct engine_request *r,
    enum engine_errored_deny errored_deny, struct arena *scratch,
    struct engine_answer *ret)
{
	decide_request(s, r, errored_deny, scratch, NULL, ret);
}

/* One after the other. */
static bool
evaluate_each(const struct engine_snapshot *s, const struct engine_request *r,
    size_t n, enum engine_errored_deny errored_deny, struct arena *scratch,
    engine_answered *answered, void *ctx)
{
	struct arena_mark mark = arena_mark(scratch);
	bool go_on = true;

	for (size_t i = 0; go_on && i < n; i++) {
		struct engine_answer answer;

		engine_evaluate(s, &r[i], errored_deny, scratch, &answer);
		go_on = answered(ctx, &r[i], &answer);
		arena_release(scratch, mark);
	}
	return go_on;
}

/* A few that look up together. Where one of them runs out of the memory that
 * all share, it is decided anew, alone, and so are those that follow. */
static bool
evaluate_batch(const struct engine_snapshot *s, const struct engine_request *r,
    size_t n, enum engine_errored_deny errored_deny, struct arena *scratch,
    engine_answered *answered, void *ctx)
{
	struct arena_mark mark = arena_mark(scratch);
	struct eval_request requests[POLICY_FIND_MANY] UNZEROED;
	struct policy_found found[POLICY_FIND_MANY] UNZEROED;
	size_t done = 0;
	bool go_on = true, ok;

	for (size_t i = 0; i < n; i++)
		requests[i] = question_of(&r[i]);
	ok = policy_index_find_many(
	    snapshot_index(s), requests, n, scratch, found);
	while (ok && go_on && done < n) {
		struct engine_answer answer;

		ok = decide_found(s, &r[done], &requests[done], &found[done],
		    errored_deny, scratch, NULL, &answer);
		if (ok)
			go_on = answered(ctx, &r[done++], &answer);
	}
	arena_release(scratch, mark);
	return go_on &&
	       (done == n || evaluate_each(s, r + done, n - done, errored_deny,
				 scratch, answered, ctx));
}

bool
engine_evaluate_many(const struct engine_snapshot *s,
    const struct engine_request *r, size_t n,
    enum engine_errored_deny errored_deny, struct arena *scratch,
    engine_answered *answered, void *ctx)
{
	bool go_on = true;

	for (size_t i = 0, few; go_on && i < n; i += few) {
		few = n - i < POLICY_FIND_MANY ? n - i : POLICY_FIND_MANY;
		go_on = evaluate_batch(
		    s, r + i, few, errored_deny, scratch, answered, ctx);
	}
	return go_on;
}

/* The permits among `t`'s nearest whose scope held. */
static void
pick_near(
    struct trace_record *t, struct arena *scratch, struct engine_answer *ret)
{
	const uint32_t *order = trace_nearest(t);
	uint32_t *near = ARENA_ARRAY(scratch, ENGINE_NEAR_MAX, uint32_t);
	uint32_t n = policy_set_count(t->set);
	if (order == NULL || near == NULL)
		return;
	for (uint32_t i = 0; i < n && ret->n_near < ENGINE_NEAR_MAX; i++) {
		const struct trace_policy *p = &t->policies[order[i]];
		if (p->passed >= 3 &&
		    policy_set_effect(t->set, p->policy) == POLICY_PERMIT)
			near[ret->n_near++] = p->policy;
	}
	ret->near = near;
}

/* Of a large set, in the order of their ids: those whose scope held. */
static void
find_near_scopes(const struct engine_snapshot *s,
    const struct engine_request *r, struct arena *scratch,
    struct engine_answer *ret)
{
	const struct eval_request request = { r->principal, r->action,
		r->resource, &r->context, r->entities };
	uint32_t *near = ARENA_ARRAY(scratch, ENGINE_NEAR_MAX, uint32_t);
	size_t n = 0;
	if (near == NULL)
		return;
	n = policy_index_near(
	    snapshot_index(s), &request, scratch, near, ENGINE_NEAR_MAX);
	if (!policy_index_sort(snapshot_index(s), near, n, scratch))
		return;
	ret->near = near;
	ret->n_near = n;
}

/* For the log: which permits came near. Costs a second walk, and only when
 * nothing was permitted. The trace has an arena of its own, since what is
 * allocated in `scratch` during one policy's evaluation is gone after it. */
static void
find_near(const struct engine_snapshot *s, const struct engine_request *r,
    struct arena *scratch, struct engine_answer *ret)
{
	const struct policy_set *set = engine_snapshot_policies(s);
	struct trace_record t;
	struct engine_answer again;
	if (policy_set_count(set) > ENGINE_NEAR_POLICIES) {
		find_near_scopes(s, r, scratch, ret);
		return;
	}
	struct arena *a = arena_new(0);
	if (a != NULL && trace_record_init(&t, a, set, r)) {
		struct eval_trace sink = trace_sink(&t);
		decide_request(
		    s, r, ERRORED_DENY_DENIES, scratch, &sink, &again);
		pick_near(&t, scratch, ret);
	}
	arena_free(a);
}

void
engine_enforce(const struct engine_snapshot *s, const struct engine_gated *g,
    enum engine_errored_deny errored_deny, struct arena *scratch,
    struct engine_decision *ret)
{
	decide_request(s, engine_gated_request(g), errored_deny, scratch, NULL,
	    &ret->answer);
	if (ret->answer.code == ERR_POLICY_NONE)
		find_near(s, engine_gated_request(g), scratch, &ret->answer);
}

void
engine_refuse(enum err_code code, struct engine_answer *ret)
{
	*ret = (struct engine_answer){ .effect = ENGINE_DENY, .code = code };
	if (code == ERR_NONE || code == ERR_PERMIT)
		ret->code = ERR_SYSTEM_ERROR;
}
