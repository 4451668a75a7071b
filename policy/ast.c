/* ast.c - names of what the tree is made of. */
#include "policy/ast.h"

const char *
ast_op_text(enum ast_op op)
{
	static const char *const texts[OP_COUNT] = {
		[OP_NONE] = "",
#define BINARY(name, text, level) [name] = text,
#define METHOD(name, text, arity) [name] = text,
#define EXT_FUNCTION(name, text, arity) [name] = text,
#define EXT_METHOD(name, text, arity) [name] = text,
#include "policy/ops.def"
	};

	return (size_t)op < OP_COUNT ? texts[op] : "";
}

const char *
ast_var_name(enum ast_var var)
{
	static const char *const names[] = {
		[VAR_PRINCIPAL] = "principal",
		[VAR_ACTION] = "action",
		[VAR_RESOURCE] = "resource",
		[VAR_CONTEXT] = "context",
	};

	return (size_t)var < ARRAY_LEN(names) ? names[var] : "";
}

struct span
ast_span(const struct ast *t, uint32_t node)
{
	if (node >= t->n_nodes)
		return SPAN_NONE;
	return source_span(&t->source, t->nodes[node].off, t->nodes[node].len);
}
