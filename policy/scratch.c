/* scratch.c - how much memory a decision can take on account of its policies:
 * told once, when they are compiled, so that who decides has it beforehand.
 * What data and context add to it nobody knows before; that is taken when it is
 * needed, within the decision's limit. Cost: O(policies); of an image, a load.
 */
#include "policy/image.h"

#include "base/limits.h"

/* Of each policy: its number where it is found, sorted, and told, in lists that
 * double. */
#define POLICY_BYTES 32u
/* Of a value that is made of a node, and of what a function takes. */
#define NODE_BYTES (2 * sizeof(struct value))
/* Nodes, names and lists that double, of a byte of text, the text itself and
 * where its lines begin; and those that even the shortest has. */
#define PARSED_BYTE 69u
#define PARSED_LEAST 8192u

static size_t
nodes_of(const struct policy_instance *p)
{
	const struct ast_policy *body = &p->ast->policies[p->policy];

	return (p->policy + 1 < p->ast->n_policies ? body[1].first_node
						   : p->ast->n_nodes) -
	       body->first_node;
}

size_t
policy_set_scratch(const struct policy_set *set)
{
	size_t most = 0;

	if (set->image)
		return set->image->fixed->scratch_bytes < LIMIT_SCRATCH_BYTES
			   ? set->image->fixed->scratch_bytes
			   : LIMIT_SCRATCH_BYTES;
	for (size_t i = 0; i < set->n_instances; i++) {
		size_t n = nodes_of(&set->instances[i]);

		most = n > most ? n : most;
	}
	return set->n_instances * POLICY_BYTES + most * NODE_BYTES;
}

/* There a decision may have to read a policy's text as well. */
size_t
image_scratch(const struct policy_set *set)
{
	size_t most = 0;

	for (size_t i = 0; i < set->n_instances; i++) {
		const struct policy_instance *p = &set->instances[i];
		size_t n = p->ast->policies[p->policy].len;

		if (!p->ast->is_json && n <= IMAGE_LONG_BYTES && n > most)
			most = n;
	}
	return policy_set_scratch(set) + PARSED_LEAST + IMAGE_GAP_BYTES +
	       most * PARSED_BYTE;
}
