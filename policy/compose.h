/* compose.h - a policy set of files of two others; for the files of policy/ alone. */
#ifndef POLICY_COMPOSE_H
#define POLICY_COMPOSE_H

#include "policy/index.h"
#include "policy/set.h"

#define COMPOSE_GONE UINT32_MAX

enum composed {
	COMPOSE_FAILED = 0, /* an error: to be told by loading all anew */
	COMPOSE_NOT_LOCAL,  /* not from the changed files alone */
	COMPOSE_DONE,
};

/* The set that loading the picked files would make. `base`'s set and `changed` are finished, and lend their trees. ret_number: for each policy of `base`'s set and of
 * `changed`, its number in *ret, or COMPOSE_GONE; lent by *ret. */
enum composed compose(const struct policy_index *base,
    const struct policy_set *changed, const struct policy_pick *picks,
    size_t n_picks, struct policy_set **ret, uint32_t *ret_number[2],
    struct errors *reterr) MUST_USE;

#endif
