/* rules_kit.h - the rules of a text's policies, as the first stages of normalising leave them, for tests of the stages behind. */
#ifndef TESTS_UNIT_POLICY_RULES_KIT_H
#define TESTS_UNIT_POLICY_RULES_KIT_H

#include "policy/rules.h"
#include "tests/lib/run.h"

/* `text` is freed. rules_end gives all of it back. */
static inline void
rules_begin(struct buf *text, struct arena **ret_arena,
    struct policy_set **ret_set, struct making *ret)
{
	struct normal_options options = NORMAL_DEFAULTS;
	struct normal_stage stats[NORMAL_STAGES_MAX] = { 0 };
	struct errors errors = { 0 };
	struct error err = { 0 };
	struct arena *a = arena_new(0);
	struct policy_set *set = policy_set_new(POLICY_BY_POSITION);

	ck_assert(a && set &&
		  policy_set_add_text(
		      set, "t", buf_str(text), POLICY_AVOW, &errors) &&
		  policy_set_finish(set, &errors));
	buf_free(text);
	*ret = (struct making){ 0 };
	ck_assert(normal_begin(ret, a, set, &options, set->n_instances, &err));
	ret->rules =
	    arena_room(ret->scratch, set->n_instances, sizeof *ret->rules);
	ck_assert(ret->rules && parallel_take(ret, stats, &err));
	*ret_arena = a;
	*ret_set = set;
}

static inline void
rules_end(struct arena *a, struct policy_set *set, struct making *m)
{
	normal_end(m);
	policy_set_free(set);
	arena_free(a);
}

#endif
