/* typecheck.c - types of expressions, one function a kind.
 * As the evaluator does, a walk goes down to the leftmost operand in a loop and
 * comes back up, so that long chains of operators cost no stack; all operands
 * on that way are typed under the same guards as the whole. */
#include "policy/typecheck.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/limits.h"
#include "policy/typecheck_private.h"

#define SHOWN 100u

const struct answer typecheck_in_error = { NULL, NULL };

struct error *
typecheck_refuse(
    struct checker *c, uint32_t node, enum err_code code, const char *fmt, ...)
{
	const struct ast_node *n = &c->ast->nodes[node];
	char text[240];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return findings_add(&c->findings, c->env.number, n->off,
	    ast_len(c->ast, n), code, "%s", text);
}

const char *
typecheck_name(struct checker *c, const struct type *type)
{
	struct buf b = { 0 };
	struct str s;

	if (type == c->env.vars[VAR_CONTEXT])
		return "the context";
	if (type == &type_any_entity)
		return "an entity";
	type_print(&c->types, type, &b);
	s = buf_str(&b);
	s = s.n > SHOWN ? str_printf(c->scratch, "`%.*s...`", (int)SHOWN, s.p)
			: str_printf(c->scratch, "`%.*s`", STR_ARG(s));
	buf_free(&b);
	return s.p ? s.p : "?";
}

uint32_t
typecheck_bare(const struct checker *c, uint32_t node)
{
	while (c->ast->nodes[node].kind == NODE_PAREN)
		node = c->ast->nodes[node].a;
	return node;
}

bool
typecheck_expect(struct checker *c, uint32_t node, struct answer found,
    const struct type *want, const char *what)
{
	if (!found.type)
		return true;
	if (type_is_part(&c->types, found.type, want) ||
	    (want->kind == TYPE_ENTITY && want->entity == SCHEMA_NONE &&
		found.type->kind == TYPE_ENTITY))
		return true;
	(void)typecheck_refuse(c, node, ERR_TYPE_MISMATCH,
	    "expected %s for %s, found %s", typecheck_name(c, want), what,
	    typecheck_name(c, found.type));
	return false;
}

/* Text where an entity is wanted. */
void
typecheck_hint_entity(
    struct checker *c, struct error *e, const struct type *want, uint32_t node)
{
	const struct ast_node *n = &c->ast->nodes[typecheck_bare(c, node)];
	uint32_t end = c->schema->n_types + c->schema->n_action_types;
	struct str type = STR("Type");

	if (want->kind != TYPE_ENTITY || n->kind != NODE_STRING)
		return;
	if (want->entity < end)
		type = schema_type_name(c->schema, want->entity);
	error_hint(e, "an entity is written `%.*s::\"...\"`", STR_ARG(type));
}

bool
typecheck_together(struct checker *c, uint32_t node, const struct type *a,
    const struct type *b, const char *what)
{
	if (!a || !b || c->mode != SCHEMA_STRICT || type_join(&c->types, a, b))
		return true;
	typecheck_hint_entity(c,
	    typecheck_refuse(c, node, ERR_TYPE_MISMATCH,
		"%s needs one type on both sides, found %s and %s", what,
		typecheck_name(c, a), typecheck_name(c, b)),
	    a, node);
	return false;
}

const struct type *
typecheck_negated(const struct type *type)
{
	if (type->kind == TYPE_TRUE)
		return &type_false;
	return type->kind == TYPE_FALSE ? &type_true : &type_bool;
}

/* --- guards ------------------------------------------------------------ */

/* Type `node` where what `effect` lists is there. */
static struct answer
type_under(struct checker *c, uint32_t node, const struct effect *effect)
{
	struct answer a;

	effects_hold(&c->effects, effect);
	a = typecheck_expr(c, node);
	effects_release(&c->effects, effect);
	return a;
}

static bool
is_kind(struct answer a, enum type_kind kind)
{
	return a.type && a.type->kind == kind;
}

struct answer
typecheck_and(struct checker *c, const struct ast_node *n, struct answer left)
{
	struct answer right;

	(void)typecheck_expect(c, n->a, left, &type_bool, "`&&`");
	if (is_kind(left, TYPE_FALSE))
		return typecheck_answer(&type_false);
	right = type_under(c, n->b, left.effect);
	(void)typecheck_expect(c, n->b, right, &type_bool, "`&&`");
	if (is_kind(right, TYPE_FALSE))
		return typecheck_answer(&type_false);
	return (struct answer){ is_kind(left, TYPE_TRUE) &&
					is_kind(right, TYPE_TRUE)
				    ? &type_true
				    : &type_bool,
		effects_union(&c->effects, left.effect, right.effect) };
}

struct answer
typecheck_or(struct checker *c, const struct ast_node *n, struct answer left)
{
	struct answer right;

	(void)typecheck_expect(c, n->a, left, &type_bool, "`||`");
	if (is_kind(left, TYPE_TRUE))
		return left;
	right = typecheck_expr(c, n->b);
	(void)typecheck_expect(c, n->b, right, &type_bool, "`||`");
	if (is_kind(left, TYPE_FALSE) || is_kind(right, TYPE_TRUE))
		return right;
	if (is_kind(right, TYPE_FALSE))
		return left;
	return (struct answer){ &type_bool,
		effects_common(&c->effects, left.effect, right.effect) };
}

static struct answer
type_if(struct checker *c, uint32_t node, struct answer test)
{
	const struct ast_node *n = &c->ast->nodes[node];
	struct answer yes, no;
	const struct type *both;

	(void)typecheck_expect(c, n->a, test, &type_bool, "`if`");
	if (is_kind(test, TYPE_FALSE))
		return typecheck_expr(c, n->c);
	yes = type_under(c, n->b, test.effect);
	yes.effect = effects_union(&c->effects, yes.effect, test.effect);
	if (is_kind(test, TYPE_TRUE))
		return yes;
	no = typecheck_expr(c, n->c);
	if (!yes.type || !no.type)
		return typecheck_in_error;
	both = type_join(&c->types, yes.type, no.type);
	if (!both)
		(void)typecheck_refuse(c, n->c, ERR_TYPE_MISMATCH,
		    "both branches of `if` need one type, found %s and %s",
		    typecheck_name(c, yes.type), typecheck_name(c, no.type));
	return (struct answer){ both,
		effects_common(&c->effects, yes.effect, no.effect) };
}

/* --- sets and records -------------------------------------------------- */

static bool
is_set(struct checker *c, uint32_t node, struct answer a, const char *what)
{
	if (!a.type || a.type->kind == TYPE_SET || a.type->kind == TYPE_NEVER)
		return true;
	(void)typecheck_refuse(c, node, ERR_TYPE_MISMATCH,
	    "expected a set for %s, found %s", what, typecheck_name(c, a.type));
	return false;
}

static struct answer
type_set_method(struct checker *c, uint32_t node, struct answer of)
{
	const struct ast_node *n = &c->ast->nodes[node];
	enum ast_op op = (enum ast_op)n->op;
	char what[24];
	struct answer right;
	uint32_t argument;
	bool ok;

	snprintf(what, sizeof what, "`%s`", ast_op_text(op));
	ok = is_set(c, n->a, of, what);
	if (n->c == 0)
		return typecheck_answer(&type_bool);
	argument = c->ast->kids[n->b];
	right = typecheck_expr(c, argument);
	if (op != OP_CONTAINS)
		ok = is_set(c, argument, right, what) && ok;
	if (!ok || !of.type || !right.type || of.type->kind == TYPE_NEVER)
		return typecheck_answer(&type_bool);
	(void)typecheck_together(c, argument,
	    op == OP_CONTAINS ? of.type->element : of.type, right.type, what);
	return typecheck_answer(&type_bool);
}

/* Our methods over the members of a set of strings. */
static struct answer
type_each(struct checker *c, const struct ast_node *n, struct answer of)
{
	static const struct type strings = { .kind = TYPE_SET,
		.element = &type_string };
	char what[24];

	snprintf(what, sizeof what, "`%s`", ast_op_text((enum ast_op)n->op));
	(void)typecheck_expect(c, n->a, of, &strings, what);
	return typecheck_answer(&type_bool);
}

static struct answer
type_set_literal(struct checker *c, uint32_t node)
{
	const struct ast_node *n = &c->ast->nodes[node];
	const struct type *sum = &type_never;

	if (n->b == 0 && c->mode == SCHEMA_STRICT) {
		(void)typecheck_refuse(
		    c, node, ERR_TYPE_EMPTY_SET, "an empty set has no type");
		return typecheck_in_error;
	}
	for (uint32_t i = 0; i < n->b; i++) {
		uint32_t item = c->ast->kids[n->a + i];
		const struct type *type = typecheck_expr(c, item).type, *both;

		if (!type || !sum) {
			sum = NULL;
			continue;
		}
		both = type_join(&c->types, sum, type);
		if (!both)
			(void)typecheck_refuse(c, item, ERR_TYPE_MISMATCH,
			    "members of a set have one type, found %s and %s",
			    typecheck_name(c, sum), typecheck_name(c, type));
		sum = both;
	}
	return typecheck_answer(sum ? type_set(&c->types, sum) : NULL);
}

static struct answer
type_record(struct checker *c, uint32_t node)
{
	const struct ast_node *n = &c->ast->nodes[node];
	struct type_attribute *fields =
	    ARENA_ARRAY(c->scratch, n->b, struct type_attribute);
	struct type *type = ARENA_NEW(c->scratch, struct type);
	bool ok = fields && type;

	c->failed = c->failed || !ok;
	for (uint32_t i = 0; i < n->b; i++) {
		const struct ast_node *field =
		    &c->ast->nodes[c->ast->kids[n->a + i]];
		struct type_attribute one = { c->ast->strings[field->a],
			typecheck_expr(c, field->b).type, true };
		uint32_t at = i;

		ok = ok && one.type;
		for (;
		     ok && at > 0 && str_cmp(fields[at - 1].name, one.name) > 0;
		     at--)
			fields[at] = fields[at - 1];
		if (ok)
			fields[at] = one;
		c->steps += i - at;
	}
	if (!ok)
		return typecheck_in_error;
	type->kind = TYPE_RECORD;
	type->record.attributes = fields;
	type->record.n = n->b;
	return typecheck_answer(type);
}

/* --- the walk ---------------------------------------------------------- */

static struct answer
type_entity_literal(struct checker *c, const struct ast_node *n)
{
	uint32_t type = schema_find_any_type(c->schema, c->ast->strings[n->a]);

	/* Unknown ones are reported once, apart from typing. */
	return type == SCHEMA_NONE
		   ? typecheck_in_error
		   : typecheck_answer(type_entity(&c->types, type));
}

static struct answer
type_leaf(struct checker *c, uint32_t node)
{
	const struct ast_node *n = &c->ast->nodes[node];

	if (n->kind == NODE_BOOL)
		return typecheck_answer(n->a ? &type_true : &type_false);
	if (n->kind == NODE_LONG)
		return typecheck_answer(&type_long);
	if (n->kind == NODE_STRING)
		return typecheck_answer(&type_string);
	if (n->kind == NODE_ENTITY)
		return type_entity_literal(c, n);
	if (n->kind == NODE_VAR)
		return typecheck_answer(c->env.vars[n->op]);
	if (n->kind == NODE_SLOT)
		return typecheck_answer(&type_any_entity);
	if (n->kind == NODE_SET)
		return type_set_literal(c, node);
	if (n->kind == NODE_RECORD)
		return type_record(c, node);
	if (n->kind == NODE_CALL)
		return typecheck_call(c, node, typecheck_in_error);
	return typecheck_in_error;
}

/* Kinds whose first operand is `a`. */
static uint32_t
left_of(const struct ast *t, uint32_t node)
{
	static const bool has_left[] = {
		[NODE_PAREN] = true,
		[NODE_NOT] = true,
		[NODE_NEG] = true,
		[NODE_BINARY] = true,
		[NODE_IF] = true,
		[NODE_ATTR] = true,
		[NODE_HAS] = true,
		[NODE_LIKE] = true,
		[NODE_MATCHES] = true,
		[NODE_EACH] = true,
		[NODE_IS] = true,
		[NODE_METHOD] = true,
		[NODE_UNLESS] = false,
	};
	const struct ast_node *n = &t->nodes[node];

	if (n->kind == NODE_CALL)
		return n->b ? t->kids[n->a] : 0;
	return n->kind < ARRAY_LEN(has_left) && has_left[n->kind] ? n->a : 0;
}

static struct answer
type_up(struct checker *c, uint32_t node, struct answer left)
{
	const struct ast_node *n = &c->ast->nodes[node];

	if (n->kind == NODE_PAREN)
		return left;
	if (n->kind == NODE_BINARY)
		return typecheck_binary(c, n, left);
	if (n->kind == NODE_ATTR)
		return typecheck_attribute(c, node, left);
	if (n->kind == NODE_CALL)
		return typecheck_call(c, node, left);
	if (n->kind == NODE_HAS)
		return typecheck_has(c, node, left);
	if (n->kind == NODE_IF)
		return type_if(c, node, left);
	if (n->kind == NODE_IS)
		return typecheck_is(c, n, left);
	if (n->kind == NODE_METHOD)
		return n->op == OP_GET_TAG || n->op == OP_HAS_TAG
			   ? typecheck_tag(c, node, left)
			   : type_set_method(c, node, left);
	if (n->kind == NODE_NEG) {
		(void)typecheck_expect(c, n->a, left, &type_long, "`-`");
		return typecheck_answer(&type_long);
	}
	if (n->kind == NODE_LIKE || n->kind == NODE_MATCHES) {
		(void)typecheck_expect(c, n->a, left, &type_string,
		    n->kind == NODE_LIKE ? "`like`" : "`matches`");
		return typecheck_answer(&type_bool);
	}
	if (n->kind == NODE_EACH)
		return type_each(c, n, left);
	(void)typecheck_expect(c, n->a, left, &type_bool, "`!`");
	return typecheck_answer(
	    left.type ? typecheck_negated(left.type) : &type_bool);
}

struct answer
typecheck_expr(struct checker *c, uint32_t node)
{
	uint32_t few[12] = { 0 }, *nodes = few;
	struct answer a;
	size_t n = 0;

	if (node == 0 || c->depth >= LIMIT_EVAL_DEPTH) {
		c->is_too_deep = true;
		return typecheck_in_error;
	}
	for (uint32_t at = node; at; at = left_of(c->ast, at))
		n++;
	if (n > ARRAY_LEN(few))
		nodes = ARENA_ARRAY(c->scratch, n, uint32_t);
	if (!nodes) {
		c->failed = true;
		return typecheck_in_error;
	}
	c->steps += n;
	n = 0;
	for (uint32_t at = node; at; at = left_of(c->ast, at))
		nodes[n++] = at;
	c->depth++;
	a = type_leaf(c, nodes[--n]);
	while (n-- > 0)
		a = type_up(c, nodes[n], a);
	c->depth--;
	return a;
}

enum type_kind
typecheck_condition(
    struct checker *c, uint32_t node, const struct effect **ret_effect)
{
	const struct ast_node *n = &c->ast->nodes[node];
	bool is_when = n->kind == NODE_WHEN;
	struct answer a = typecheck_expr(c, n->a);

	*ret_effect = NULL;
	if (!typecheck_expect(c, typecheck_bare(c, n->a), a, &type_bool,
		is_when ? "`when`" : "`unless`") ||
	    !a.type)
		return TYPE_NEVER;
	if (is_when) {
		*ret_effect = a.effect;
		return a.type->kind;
	}
	return typecheck_negated(a.type)->kind;
}
