/* idle.c - see idle.h. */
#include "tests/property/idle.h"

#include <stdio.h>
#include <stdlib.h>

/* A file has one policy, or one template with its one link, which stands where
 * its template does. */
static void
mark_of_file(const struct policy_set *set, const char *file, bool *ret)
{
	for (uint32_t i = 0; i < policy_set_count(set); i++)
		if (strcmp(policy_set_info(set, i).at.file, file) == 0)
			ret[i] = true;
}

struct idle
idle_of(const struct policy_set *set, struct arena *a)
{
	struct policy_lint lint;
	struct error err = { 0 };
	struct idle idle = { 0 };

	if (!policy_set_lint(set, a, &lint, &err)) {
		fprintf(stderr, "property: %s\n", err.msg);
		abort();
	}
	for (size_t i = 0; i < lint.n; i++) {
		const struct error *e = &lint.items[i];

		if (e->code == ERR_LINT_SAME || e->code == ERR_LINT_CONTAINED ||
		    e->code == ERR_LINT_DENIED || e->code == ERR_LINT_NEVER)
			mark_of_file(set, e->at.file, idle.all);
		if (e->code == ERR_LINT_DENIED)
			mark_of_file(set, e->at.file, idle.beaten);
	}
	return idle;
}

/* True: permit. `strict`: a deny in error denies. */
static bool
decide(const struct policy_set *set, const enum eval_outcome *of,
    const bool *without, bool strict)
{
	bool permitted = false;

	for (uint32_t i = 0; i < policy_set_count(set); i++) {
		bool is_deny = policy_set_effect(set, i) == POLICY_DENY;

		if (without && without[i])
			continue;
		if (is_deny &&
		    (of[i] == EVAL_TRUE || (strict && of[i] == EVAL_ERROR)))
			return false;
		permitted = permitted || (!is_deny && of[i] == EVAL_TRUE);
	}
	return permitted;
}

static bool
are_beaten(const struct idle *idle, const struct policy_set *set,
    const enum eval_outcome *of)
{
	bool denied = false, permitted = false;

	for (uint32_t i = 0; i < policy_set_count(set); i++) {
		bool holds = of[i] == EVAL_TRUE;

		if (policy_set_effect(set, i) == POLICY_DENY)
			denied = denied || holds;
		else
			permitted = permitted || (holds && idle->beaten[i]);
	}
	return denied || !permitted;
}

bool
idle_is_so(const struct idle *idle, const struct policy_set *set,
    const enum eval_outcome *of)
{
	for (unsigned strict = 0; strict < 2; strict++)
		if (decide(set, of, NULL, strict) !=
		    decide(set, of, idle->all, strict))
			return false;
	return are_beaten(idle, set, of);
}
