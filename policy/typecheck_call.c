/* typecheck_call.c - extension functions and methods, by a table of what they
 * take and give. A constructor of Cedar's takes a literal in strict mode, and a
 * literal that is no value is an error; a version may be any string. */
#include "policy/typecheck_private.h"

#include <stdio.h>

#define IN_MAX 2

struct signature {
	const struct type *in[IN_MAX], *out;
	uint8_t n;
	bool is_constructor, needs_literal;
};

static const struct signature signatures[OP_COUNT] = {
	[OP_IP] = { { &type_string }, &type_ip, 1, true, true },
	[OP_DECIMAL] = { { &type_string }, &type_decimal, 1, true, true },
	[OP_DATETIME] = { { &type_string }, &type_datetime, 1, true, true },
	[OP_DURATION] = { { &type_string }, &type_duration, 1, true, true },
	[OP_UNKNOWN] = { { &type_string }, &type_never, 1, false, false },
	[OP_VERSION] = { { &type_string }, &type_version, 1, true, false },
	[OP_DEBVERSION] = { { &type_string }, &type_debversion, 1, true,
	    false },
	[OP_RPMVERSION] = { { &type_string }, &type_rpmversion, 1, true,
	    false },
	[OP_LESS_THAN] = { { &type_decimal, &type_decimal }, &type_bool, 2,
	    false, false },
	[OP_LESS_THAN_OR_EQUAL] = { { &type_decimal, &type_decimal },
	    &type_bool, 2, false, false },
	[OP_GREATER_THAN] = { { &type_decimal, &type_decimal }, &type_bool, 2,
	    false, false },
	[OP_GREATER_THAN_OR_EQUAL] = { { &type_decimal, &type_decimal },
	    &type_bool, 2, false, false },
	[OP_IS_IPV4] = { { &type_ip }, &type_bool, 1, false, false },
	[OP_IS_IPV6] = { { &type_ip }, &type_bool, 1, false, false },
	[OP_IS_LOOPBACK] = { { &type_ip }, &type_bool, 1, false, false },
	[OP_IS_MULTICAST] = { { &type_ip }, &type_bool, 1, false, false },
	[OP_IS_IN_RANGE] = { { &type_ip, &type_ip }, &type_bool, 2, false,
	    false },
	[OP_OFFSET] = { { &type_datetime, &type_duration }, &type_datetime, 2,
	    false, false },
	[OP_DURATION_SINCE] = { { &type_datetime, &type_datetime },
	    &type_duration, 2, false, false },
	[OP_TO_DATE] = { { &type_datetime }, &type_datetime, 1, false, false },
	[OP_TO_TIME] = { { &type_datetime }, &type_duration, 1, false, false },
	[OP_TO_MILLISECONDS] = { { &type_duration }, &type_long, 1, false,
	    false },
	[OP_TO_SECONDS] = { { &type_duration }, &type_long, 1, false, false },
	[OP_TO_MINUTES] = { { &type_duration }, &type_long, 1, false, false },
	[OP_TO_HOURS] = { { &type_duration }, &type_long, 1, false, false },
	[OP_TO_DAYS] = { { &type_duration }, &type_long, 1, false, false },
};

static void
check_constructor(struct checker *c, const struct signature *s, uint32_t node,
    uint32_t argument)
{
	const char *name = ast_op_text((enum ast_op)c->ast->nodes[node].op);
	const struct ast_node *n = &c->ast->nodes[typecheck_bare(c, argument)];
	struct error why = { 0 };
	struct value v;

	if (n->kind != NODE_STRING) {
		if (s->needs_literal && c->mode == SCHEMA_STRICT)
			(void)typecheck_refuse(c, argument, ERR_TYPE_LITERAL,
			    "expected a string literal for `%s`, found "
			    "something to evaluate",
			    name);
		return;
	}
	if (!value_construct(str_of(name), c->ast->strings[n->a], &v, &why))
		(void)typecheck_refuse(
		    c, argument, ERR_TYPE_EXTENSION, "%s", why.msg);
}

/* The function that makes values of an extension type. */
static const char *
constructor_of(const struct type *type)
{
	for (int op = OP_NONE; op < OP_COUNT; op++)
		if (signatures[op].is_constructor &&
		    signatures[op].out->extension == type->extension)
			return ast_op_text((enum ast_op)op);
	return "...";
}

static void
check_argument(struct checker *c, uint32_t node, struct answer found,
    const struct type *want, const char *what)
{
	uint32_t bare = typecheck_bare(c, node);
	struct error *e;

	if (!found.type || want->kind != TYPE_EXTENSION ||
	    found.type->kind != TYPE_STRING ||
	    c->ast->nodes[bare].kind != NODE_STRING) {
		(void)typecheck_expect(c, node, found, want, what);
		return;
	}
	e = typecheck_refuse(c, node, ERR_TYPE_MISMATCH,
	    "expected %s for %s, found `String`", typecheck_name(c, want),
	    what);
	error_hint(e, "write `%s(\"...\")`", constructor_of(want));
}

/* `lessThan` and its like take versions too, both of one kind. */
static const struct type *
compared(const struct signature *s, uint32_t i, struct answer first)
{
	static const struct type *const versions[] = { &type_version,
		&type_debversion, &type_rpmversion };

	if (s->n != 2 || s->in[0] != &type_decimal || !first.type ||
	    first.type->kind != TYPE_EXTENSION)
		return s->in[i];
	for (size_t k = 0; k < ARRAY_LEN(versions); k++)
		if (first.type->extension == versions[k]->extension)
			return versions[k];
	return s->in[i];
}

struct answer
typecheck_call(struct checker *c, uint32_t node, struct answer first)
{
	const struct ast_node *n = &c->ast->nodes[node];
	const struct signature *s = &signatures[n->op];
	const uint32_t *kids = &c->ast->kids[n->a];
	bool counts = n->b == s->n;
	unsigned receiver = n->c && s->n && n->b, wants = s->n - receiver;
	char what[32];

	snprintf(what, sizeof what, "`%s`", ast_op_text((enum ast_op)n->op));
	if (!counts)
		(void)typecheck_refuse(c, node, ERR_TYPE_ARGUMENTS,
		    "%s takes %u argument%s, found %u", what, wants,
		    wants == 1 ? "" : "s", n->b - receiver);
	for (uint32_t i = 0; i < n->b; i++) {
		struct answer a = i == 0 ? first : typecheck_expr(c, kids[i]);

		if (i < s->n)
			check_argument(
			    c, kids[i], a, compared(s, i, first), what);
		if (i == 0 && counts && s->is_constructor && a.type &&
		    a.type->kind == TYPE_STRING)
			check_constructor(c, s, node, kids[i]);
	}
	return (struct answer){ s->out, NULL };
}
