/* parse_access.c - a value and what hangs on it: attributes, methods; and calls
 * of functions. Which there are, with how many arguments, says policy/ops.def.
 * A chain of members is a loop. */
#include "policy/parse.h"

#include <stdio.h>

#include "policy/hint.h"

enum operation_kind { IS_METHOD, IS_EACH, IS_EXT_FUNCTION, IS_EXT_METHOD };

static const struct operation {
	const char *text;
	enum operation_kind kind;
	enum ast_op op;
	uint32_t arity;
	bool is_added; /* Cedar does not have it */
} operations[] = {
#define METHOD(name, text, arity) { text, IS_METHOD, name, arity, false },
#define ADDED_METHOD(name, text) { text, IS_EACH, name, 1, true },
#define EXT_FUNCTION(name, text, arity)                                        \
	{ text, IS_EXT_FUNCTION, name, arity, false },
#define ADDED_FUNCTION(name, text, arity)                                      \
	{ text, IS_EXT_FUNCTION, name, arity, true },
#define EXT_METHOD(name, text, arity)                                          \
	{ text, IS_EXT_METHOD, name, arity, false },
#include "policy/ops.def"
};

/* NULL, too, for what the dialect does not know. */
static const struct operation *
find_operation(const struct parser *p, struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(operations); i++)
		if (str_eq(name, str_of(operations[i].text)))
			return operations[i].is_added &&
				       p->dialect == POLICY_CEDAR
				   ? NULL
				   : &operations[i];
	return NULL;
}

/* What was meant by a name that is none. */
static void
hint_name(
    const struct parser *p, struct error *e, struct str name, bool is_method)
{
	const char *near = hint_operation(name, is_method);
	const char *foreign =
	    is_method ? hint_foreign_method(name) : hint_foreign_function(name);

	for (size_t i = 0; i < ARRAY_LEN(operations); i++)
		if (operations[i].is_added && p->dialect == POLICY_CEDAR &&
		    str_eq(name, str_of(operations[i].text))) {
			error_hint(e, ADDITION_HINT);
			return;
		}
	if (!is_method && parse_peek(p).kind == TOKEN_STRING &&
	    name.p[0] >= 'A' && name.p[0] <= 'Z')
		error_hint(e, "an entity is `%.*s::%.*s`", STR_ARG(name),
		    STR_ARG(parse_text(p, parse_peek(p))));
	else if (foreign)
		error_hint(e, "%s", foreign);
	else if (near)
		error_hint(e, "did you mean `%s`?", near);
	else if (!is_method)
		error_hint(e,
		    "functions are `ip`, `decimal`, `datetime`, `duration`%s",
		    p->dialect == POLICY_AVOW
			? ", `version`, `debversion`, `rpmversion`"
			: "");
}

static bool
refuse_function(struct parser *p, struct token at, struct str name,
    const struct operation *op)
{
	struct error *e;

	if (op) {
		e = parse_refuse(p, ERR_NAME_FUNCTION, at,
		    "expected a function, found the method `%.*s`",
		    STR_ARG(name));
		error_hint(e, "write `value.%s(...)`", op->text);
		return false;
	}
	e = parse_refuse(
	    p, ERR_NAME_FUNCTION, at, "no function `%.*s`", STR_ARG(name));
	hint_name(p, e, name, false);
	return false;
}

bool
parse_call(struct parser *p, struct token at, struct str name, uint32_t *ret)
{
	const struct operation *op = find_operation(p, name);
	struct ast_node n = { .kind = NODE_CALL };
	bool known = (op && op->kind == IS_EXT_FUNCTION) ||
		     refuse_function(p, at, name, op);

	p->doubt = !known;

	if (!parse_list(p, build_mark(p), TOKEN_RPAREN, &n.a, &n.b))
		return false;
	if (!known)
		n = (struct ast_node){ .kind = NODE_ERROR };
	else
		n.op = (uint8_t)op->op;
	*ret = parse_add(p, at.off, n);
	return true;
}

static void
refuse_method(struct parser *p, struct token at, const struct operation *op)
{
	struct str name = parse_text(p, at);
	struct error *e;

	if (op && op->kind == IS_EXT_FUNCTION) {
		e = parse_refuse(p, ERR_NAME_FUNCTION, at,
		    "expected a method, found the function `%.*s`",
		    STR_ARG(name));
		error_hint(e, "write `%s(...)`", op->text);
		return;
	}
	e = parse_refuse(
	    p, ERR_NAME_FUNCTION, at, "no method `%.*s`", STR_ARG(name));
	hint_name(p, e, name, true);
}

static void
refuse_count(struct parser *p, struct token at, const struct operation *op,
    uint32_t found)
{
	(void)parse_refuse(p, ERR_TYPE_ARGUMENTS, at,
	    "expected %s for `%s`, found %u",
	    op->arity ? "1 argument" : "no argument", op->text, found);
}

/* `("pattern")` after the name of a method that goes over a set: the pattern is
 * read here, once, and no expression. */
static bool
parse_each(struct parser *p, struct token at, const struct operation *op,
    uint32_t *node)
{
	struct ast_node n = {
		.kind = NODE_EACH, .op = (uint8_t)op->op, .a = *node
	};
	uint32_t from = parse_start(p, *node);
	struct parse_inside outer = parse_begin(p, true, true);

	if (p->tok.kind == TOKEN_RPAREN) {
		refuse_count(p, at, op, 0);
		return parse_end(p, TOKEN_RPAREN, &outer, "`)`");
	}
	if (p->tok.kind != TOKEN_STRING)
		return parse_unexpected_as(
		    p, ERR_TYPE_LITERAL, "a pattern in quotes", NULL);
	if (op->op == OP_ANY_LIKE || op->op == OP_ALL_LIKE)
		n.b = parse_pattern(p, p->tok, false);
	else
		n.b = parse_regex(p, p->tok);
	parse_advance(p);
	if (p->tok.kind == TOKEN_COMMA)
		parse_advance(p);
	if (!parse_end(p, TOKEN_RPAREN, &outer, "`)`"))
		return false;
	*node = parse_add(p, from, n);
	return true;
}

/* The current token is the opening parenthesis after `.name`. */
static bool
parse_method(struct parser *p, struct token at, uint32_t *node)
{
	const struct operation *op = find_operation(p, parse_text(p, at));
	uint32_t from = parse_start(p, *node), base = build_mark(p);
	uint32_t list = 0, count = 0;
	struct ast_node n = { .kind = NODE_ERROR };
	uint32_t refused;

	if (op && op->kind == IS_EACH)
		return parse_each(p, at, op, node);
	if (!op || op->kind == IS_EXT_FUNCTION) {
		refuse_method(p, at, op);
		op = NULL;
	}
	/* The receiver is the first argument of an extension method. */
	if (op && op->kind == IS_EXT_METHOD)
		build_push(p, *node);
	/* Arguments are counted where each of them could be read. */
	refused = p->n_refused;
	if (!parse_list(p, base, TOKEN_RPAREN, &list, &count))
		return false;
	if (op && op->kind == IS_METHOD && count != op->arity &&
	    p->n_refused == refused)
		refuse_count(p, at, op, count);
	if (op && op->kind == IS_METHOD)
		n = (struct ast_node){
			.kind = NODE_METHOD, .a = *node, .b = list, .c = count
		};
	else if (op)
		n = (struct ast_node){
			.kind = NODE_CALL, .a = list, .b = count, .c = 1
		};
	if (op)
		n.op = (uint8_t)op->op;
	*node = parse_add(p, from, n);
	return true;
}

/* A number with dots: an address when there are three. */
static const char *
hint_number(struct parser *p, uint32_t node)
{
	const struct ast_node *n = build_get(p, node);
	struct str text = str_sub(p->source->text, n->off, n->off + 40u);
	static const struct str digits = STR_INIT("0123456789./");
	size_t len = 0, dots = 0;

	if (n->kind != NODE_LONG)
		return "a name that begins with a digit is written "
		       "`value[\"1st\"]`";
	while (len < text.n && str_find(digits, text.p[len], 0) < digits.n)
		dots += text.p[len++] == '.';
	if (dots > 1)
		snprintf(p->hint, sizeof p->hint,
		    "addresses are written `ip(\"%.*s\")`", (int)len, text.p);
	else
		snprintf(p->hint, sizeof p->hint,
		    "fractions are written `decimal(\"%.*s\")`", (int)len,
		    text.p);
	return p->hint;
}

static bool
parse_attribute(struct parser *p, uint32_t *node)
{
	struct ast_node n = { .kind = NODE_ATTR, .a = *node };
	uint32_t from = parse_start(p, *node);
	struct token t;

	parse_advance(p);
	t = p->tok;
	if (t.kind != TOKEN_WORD)
		return parse_unexpected(p, "an attribute name after `.`",
		    t.kind == TOKEN_NUMBER   ? hint_number(p, *node)
		    : t.kind == TOKEN_STRING ? "write `value[\"name\"]`"
					     : NULL);
	parse_advance(p);
	if (p->tok.kind == TOKEN_LPAREN)
		return parse_method(p, t, node);
	parse_check_identifier(p, t);
	n.b = build_string(p, parse_text(p, t));
	*node = parse_add(p, from, n);
	return true;
}

static bool
parse_index(struct parser *p, uint32_t *node)
{
	struct ast_node n = { .kind = NODE_ATTR, .op = 1, .a = *node };
	uint32_t from = parse_start(p, *node);

	parse_advance(p);
	if (p->tok.kind != TOKEN_STRING)
		return parse_unexpected_as(p, ERR_TYPE_LITERAL,
		    "an attribute name in quotes",
		    p->tok.kind == TOKEN_NUMBER
			? "sets have no order: test with `contains`"
			: NULL);
	n.b = build_string(p, parse_string(p, p->tok));
	parse_advance(p);
	if (!parse_expect(p, TOKEN_RBRACKET, NULL))
		return false;
	*node = parse_add(p, from, n);
	return true;
}

bool
parse_access(struct parser *p, uint32_t *ret)
{
	uint32_t node = 0;

	if (!parse_primary(p, &node))
		return false;
	for (;;) {
		bool ok = true;

		if (p->tok.kind == TOKEN_DOT)
			ok = parse_attribute(p, &node);
		else if (p->tok.kind == TOKEN_LBRACKET)
			ok = parse_index(p, &node);
		else
			break;
		if (!ok)
			return false;
	}
	if (p->tok.kind == TOKEN_LPAREN)
		return parse_unexpected(
		    p, "an operator", "only functions and methods are called");
	*ret = node;
	return true;
}
