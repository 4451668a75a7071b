/* typecheck_private.h - what the files of the type checker share.
 *   typecheck.c the walk, guards, sets and records    typecheck_member.c attributes, `has`, tags, patterns
 *   typecheck_binary.c `==`, order, `in`, `is`    typecheck_call.c extension functions and methods
 * One function types one kind of node, given the answer of its first operand, and adds findings for what is wrong; the rest it types itself. */
#ifndef POLICY_TYPECHECK_PRIVATE_H
#define POLICY_TYPECHECK_PRIVATE_H

#include "policy/typecheck.h"

/* Without a type; and of a type that guards nothing. */
extern const struct answer typecheck_in_error;
static inline struct answer
typecheck_answer(const struct type *type)
{
	return (struct answer){ type, NULL };
}

/* By kind of node. */
struct answer typecheck_and(
    struct checker *c, const struct ast_node *n, struct answer left);
struct answer typecheck_or(
    struct checker *c, const struct ast_node *n, struct answer left);
struct answer typecheck_binary(
    struct checker *c, const struct ast_node *n, struct answer left);
struct answer typecheck_is(
    struct checker *c, const struct ast_node *n, struct answer of);
struct answer typecheck_attribute(
    struct checker *c, uint32_t node, struct answer of);
struct answer typecheck_has(struct checker *c, uint32_t node, struct answer of);
struct answer typecheck_tag(struct checker *c, uint32_t node, struct answer of);
/* Extension functions and methods: arity, types, literals. `first` is the answer of the first argument. */
struct answer typecheck_call(
    struct checker *c, uint32_t node, struct answer first);

/* Is the answer's type part of `want`? Else a finding: "expected WANT for WHAT, found ...". True for what is in error already. */
bool typecheck_expect(struct checker *c, uint32_t node, struct answer found,
    const struct type *want, const char *what);
/* The type as text, clipped, in scratch memory. */
const char *typecheck_name(struct checker *c, const struct type *type);
/* Two types that must go together in strict mode; else a finding at `node`: "WHAT needs one type on both sides, ...". */
bool typecheck_together(struct checker *c, uint32_t node,
    const struct type *a, const struct type *b, const char *what);
/* A hint where text stands and an entity of type `want` is wanted. `e` may be NULL. */
void typecheck_hint_entity(struct checker *c, struct error *e,
    const struct type *want, uint32_t node);
/* The type of `! e` by that of `e`. */
const struct type *typecheck_negated(const struct type *type);

#endif
