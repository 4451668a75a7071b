/* facts.h - what can be said of each node of a tree without evaluating it: can it err, what kinds has its value, is it constant, which paths does it read.
 * A side table by node id, filled in one pass, children first. A path is `var.a.b`, known by its number in a table of paths that all trees of a policy set may
 * share. A node is *clean* when it cannot err on a request where every path of its reads is present and has one of the kinds given there; it is *total* when it
 * is clean and reads nothing. What is read behind a guard counts as not read: `context has x && context.x == 1` is total. Memory and depth limits aside.
 * Everything errs on the safe side: a node that is not known here, or reads too much, is one that can err. For the files of policy/ alone. */
#ifndef POLICY_FACTS_H
#define POLICY_FACTS_H

#include "base/intern.h"
#include "policy/ast.h"
#include "policy/normal.h"

#define FACTS_KIND(kind) (1u << (kind))
#define FACTS_ANY (~0u << VALUE_BOOL) /* every kind of value */
#define FACTS_NO_PATH UINT32_MAX
#define FACTS_READS_MAX 32u /* of one node; with more it is not clean */

enum facts_outcome {
	FACTS_VARIES = 0,
	FACTS_TRUE,  /* always, and never an error */
	FACTS_FALSE, /* the same */
	FACTS_ERROR, /* evaluating it is always an error */
};

struct facts_list {
	uint32_t at, n; /* in facts_table.lists, sorted by path */
};

struct facts {
	bool is_clean;
	enum facts_outcome outcome;
	uint32_t kinds; /* of its value: FACTS_KIND bits */
	uint32_t path;  /* the path it is, or FACTS_NO_PATH */
	struct facts_list reads;
	/* What is known of the request once the node has a value, once it is true, once it is false: paths that are there, with one of the kinds. */
	struct facts_list sure, if_true, if_false;
};

struct facts_table {
	const struct ast *ast;
	struct arena *arena;
	struct intern *paths;
	uint32_t first, end; /* nodes */
	struct facts *nodes;
	struct normal_read *lists;
	size_t n_lists, cap_lists;
};

/* Numbers 0 to 3 are the variables themselves. NULL when memory is out. */
struct intern *facts_paths_new(struct arena *a);
/* The path that goes on from `path` with `name`; FACTS_NO_PATH when memory is out. */
uint32_t facts_path_add(struct intern *paths, uint32_t path, struct str name);
/* False for a variable. *ret_name is the table's. */
bool facts_path_up(const struct intern *paths, uint32_t path,
    uint32_t *ret_path, struct str *ret_name);

/* Learn nodes [first, end) of the tree; children outside count as not known. */
bool facts_learn(struct facts_table *ret, struct arena *a,
    struct intern *paths, const struct ast *t, uint32_t first, uint32_t end,
    struct error *reterr) MUST_USE;
/* The nodes of one policy (and of declarations before it). */
bool facts_learn_policy(struct facts_table *ret, struct arena *a,
    struct intern *paths, const struct ast *t, uint32_t policy,
    struct error *reterr) MUST_USE;

const struct facts *facts_of(const struct facts_table *t, uint32_t node);
bool facts_is_total(const struct facts *f);
bool facts_is_boolean(const struct facts *f);
/* Does knowing `known` make the read safe? */
bool facts_covers(const struct intern *paths, const struct normal_read *known,
    size_t n_known, struct normal_read read);
/* The value of a literal: a number, string, Boolean, entity, or an extension's constructor with a text it can read. Parentheses are looked through. */
bool facts_literal(const struct ast *t, uint32_t node, struct value *ret);

#endif
