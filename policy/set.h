/* set.h - inside of a policy set, for the files of policy/ alone. */
#ifndef POLICY_SET_H
#define POLICY_SET_H

#include "policy/ast.h"
#include "policy/policy.h"

/* An instance: a static policy has no bindings. */
struct policy_instance {
	struct str id;
	const struct ast *ast;
	uint32_t policy;    /* index into ast->policies */
	struct uid slot[2]; /* ?principal, ?resource; empty type: unbound */
};

struct policy_set {
	struct arena *arena;
	enum policy_naming naming;
	struct ast **files;
	size_t n_files, cap_files;
	struct policy_instance *instances;
	size_t n_instances, cap_instances;
	char version[17];
	bool finished;
};

/* Parse one source. On errors the ast may still be made (error nodes stand in); false all the same. */
bool parse_policies(struct arena *a, const struct source *source,
    enum policy_dialect dialect, struct ast **ret, struct errors *reterr)
    MUST_USE;
/* Whole file with comments (printing for `fmt`), and one policy without. */
void print_ast(const struct ast *t, struct buf *out);
void print_policy(const struct ast *t, uint32_t policy, struct buf *out);
void print_node(const struct ast *t, uint32_t node, struct buf *out);

#endif
