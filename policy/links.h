/* links.h - links of templates against a schema: the entities they bind.
 * As in Cedar, the entity types must be declared, and some request that the schema allows must fit the scope with its slots bound; the template itself is typed
 * for all types its slots may have. */
#ifndef POLICY_LINKS_H
#define POLICY_LINKS_H

#include "policy/names.h"
#include "policy/set.h"

/* Every link of the set. False when there are errors. */
bool links_check(struct checker *c, const struct names *names,
    const struct policy_set *set, struct errors *reterr);

#endif
