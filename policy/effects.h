/* effects.h - what is known to be there: attributes and tags that a `has` or `hasTag` has found.
 * What a guard speaks of is an expression and a name; both sides are compared as expressions, not as text, so every expression of a policy gets a number, the
 * same for the same meaning (parentheses and spelling aside): `e has a` guards the number of `e.a`, `e.hasTag(t)` that of `e.getTag(t)`. A condition's answer
 * carries a list of numbers that hold where it is true; where they hold, they are held: counted, since scopes nest. Cost: one hash a node; lists are short. */
#ifndef POLICY_EFFECTS_H
#define POLICY_EFFECTS_H

#include "base/intern.h"
#include "policy/ast.h"

/* Numbers that are known to be there, immutable; NULL: none. */
struct effect {
	uint32_t number;
	const struct effect *next;
};

struct effects {
	struct arena *arena;   /* a policy's */
	struct arena *scratch; /* an environment's: the lists */
	const struct ast *ast;
	struct intern *table;
	uint32_t *number_of; /* by node, from `first` on */
	uint32_t *held;      /* by number: how often */
	uint32_t *marks;     /* by number: in which intersection it was seen last */
	uint32_t first, n_nodes, n_numbers, mark;
	uint64_t steps;
	bool failed; /* memory ran out */
};

/* Number the nodes [first, end) of `ast`, children before parents. False when memory is out. */
bool effects_init(struct effects *e, const struct ast *ast, uint32_t first,
    uint32_t end) MUST_USE;
/* Numbers, or INTERN_NONE where nothing was numbered. */
uint32_t effects_number(const struct effects *e, uint32_t node);
uint32_t effects_attribute(
    const struct effects *e, uint32_t of, struct str name);
uint32_t effects_tag(
    const struct effects *e, uint32_t receiver, uint32_t argument);

const struct effect *effects_one(struct effects *e, uint32_t number);
/* In either; in both. */
const struct effect *effects_union(struct effects *e, const struct effect *a,
    const struct effect *b);
const struct effect *effects_common(struct effects *e, const struct effect *a,
    const struct effect *b);
/* While held, they are there. */
void effects_hold(struct effects *e, const struct effect *list);
void effects_release(struct effects *e, const struct effect *list);
bool effects_is_held(const struct effects *e, uint32_t number);

#endif
