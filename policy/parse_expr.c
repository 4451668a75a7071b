/* parse_expr.c - expressions, by precedence: ||, &&, one relation, + and -, *,
 * ! and -, then what parse_access reads. Chains of operators are loops; only
 * brackets, `if` and the levels of precedence recurse, and parse_enter counts
 * them. An operand of || or && that cannot be parsed is the error node: what
 * comes after it is read all the same. */
#include "policy/parse.h"

#include "policy/hint.h"

/* By the token that it is written as; each operator has its own. */
static const struct {
	uint8_t op, level;
} binaries[] = {
#define TOKEN_OF_OP_OR TOKEN_OR
#define TOKEN_OF_OP_AND TOKEN_AND
#define TOKEN_OF_OP_EQ TOKEN_EQ
#define TOKEN_OF_OP_NE TOKEN_NE
#define TOKEN_OF_OP_LT TOKEN_LT
#define TOKEN_OF_OP_LE TOKEN_LE
#define TOKEN_OF_OP_GT TOKEN_GT
#define TOKEN_OF_OP_GE TOKEN_GE
#define TOKEN_OF_OP_IN TOKEN_WORD
#define TOKEN_OF_OP_ADD TOKEN_PLUS
#define TOKEN_OF_OP_SUB TOKEN_MINUS
#define TOKEN_OF_OP_MUL TOKEN_STAR
#define BINARY(name, text, level) [TOKEN_OF_##name] = { name, level },
#include "policy/ops.def"
};

static bool parse_binary(struct parser *p, unsigned level, uint32_t *ret);

/* A number right after a minus sign is folded into it, unless something hangs
 * on the number: `-1.a` negates the attribute. */
static bool
parse_negative(struct parser *p, uint32_t minus, uint32_t *ret)
{
	struct ast_node n = { .kind = NODE_LONG };

	n.a = build_long(p, parse_number(p, p->tok, true));
	parse_advance(p);
	*ret = parse_add(p, minus, n);
	return true;
}

static bool
is_bare_number(const struct parser *p)
{
	enum token_kind next = parse_peek(p).kind;

	return p->tok.kind == TOKEN_NUMBER && next != TOKEN_DOT &&
	       next != TOKEN_LBRACKET && next != TOKEN_LPAREN;
}

static bool
parse_unary(struct parser *p, uint32_t *ret)
{
	enum token_kind sign = p->tok.kind;
	uint32_t from[4], n = 0;
	bool ok;

	if (sign != TOKEN_NOT && sign != TOKEN_MINUS)
		return parse_access(p, ret);
	for (; p->tok.kind == sign; parse_advance(p)) {
		if (n == ARRAY_LEN(from))
			return parse_unexpected(
			    p, "at most four signs in a row", NULL);
		from[n++] = p->tok.off;
	}
	if (p->tok.kind == TOKEN_NOT || p->tok.kind == TOKEN_MINUS)
		return parse_unexpected(
		    p, "a value", "`!` and `-` do not mix without parentheses");
	if (sign == TOKEN_MINUS && is_bare_number(p))
		ok = parse_negative(p, from[--n], ret);
	else
		ok = parse_access(p, ret);
	while (ok && n > 0) {
		struct ast_node node = { .kind = NODE_NOT, .a = *ret };

		if (sign == TOKEN_MINUS)
			node.kind = NODE_NEG;
		*ret = parse_add(p, from[--n], node);
	}
	return ok;
}

/* What other languages write for an operator is reported, and taken for it: the
 * current token is changed to what was meant. */
static void
mend_operator(struct parser *p)
{
	struct token t = p->tok, meant = t;
	const char *text;

	if (t.kind == TOKEN_ASSIGN) {
		error_hint(parse_refuse(p, ERR_SYNTAX_UNEXPECTED, t,
			       "expected an operator, found `=`"),
		    "`==` compares");
		p->tok.kind = TOKEN_EQ;
		p->quiet_at = t.off + 1;
		return;
	}
	if (t.kind != TOKEN_WORD || t.keyword != KW_NONE ||
	    !hint_operator(parse_text(p, t), &meant, &text))
		return;
	error_hint(parse_refuse(p, ERR_SYNTAX_UNEXPECTED, t,
		       "expected an operator, found `%.*s`",
		       STR_ARG(parse_text(p, t))),
	    "did you mean `%s`?", text);
	p->quiet_at = t.off + 1;
	p->tok.kind = meant.kind;
	p->tok.keyword = meant.keyword;
}

/* The operator of this level that the current token is, or OP_NONE. */
static enum ast_op
operator_at(struct parser *p, unsigned level)
{
	struct token t = p->tok;

	if (t.kind == TOKEN_WORD || t.kind == TOKEN_ASSIGN) {
		mend_operator(p);
		t = p->tok;
	}
	if ((size_t)t.kind >= ARRAY_LEN(binaries) ||
	    binaries[t.kind].level != level ||
	    (t.kind == TOKEN_WORD && t.keyword != KW_IN))
		return OP_NONE;
	return (enum ast_op)binaries[t.kind].op;
}

static bool
parse_has(struct parser *p, uint32_t left, uint32_t *ret)
{
	struct ast_node n = { .kind = NODE_HAS, .a = left };
	uint32_t base = build_mark(p);

	parse_advance(p);
	if (p->tok.kind == TOKEN_STRING) {
		n.op = 1;
		build_push(p, build_string(p, parse_string(p, p->tok)));
		parse_advance(p);
	}
	while (n.op == 0) {
		if (p->tok.kind != TOKEN_WORD)
			return parse_unexpected(p, "an attribute name", NULL);
		parse_check_identifier(p, p->tok);
		build_push(p, build_string(p, parse_text(p, p->tok)));
		parse_advance(p);
		if (p->tok.kind != TOKEN_DOT)
			break;
		parse_advance(p);
	}
	if (p->tok.kind == TOKEN_DOT || p->tok.kind == TOKEN_LBRACKET)
		return parse_unexpected(p, "the end of the `has` test",
		    "test step by step: `a has \"x y\" && a[\"x y\"] has b`");
	n.b = build_list(p, base, &n.c);
	*ret = parse_add(p, parse_start(p, left), n);
	return true;
}

static bool
parse_like(struct parser *p, uint32_t left, uint32_t *ret)
{
	struct ast_node n = { .kind = NODE_LIKE, .a = left };

	parse_advance(p);
	if (p->tok.kind != TOKEN_STRING)
		return parse_unexpected_as(p, ERR_TYPE_LITERAL,
		    "a pattern in quotes after `like`", NULL);
	n.b = parse_pattern(p, p->tok, false);
	parse_advance(p);
	*ret = parse_add(p, parse_start(p, left), n);
	return true;
}

/* `not` before a relation, or after `is`, as scopes have it: said, and read on
 * as if it were not there. */
static void
refuse_not(struct parser *p, const char *want, const char *hint)
{
	error_hint(parse_refuse(p, ERR_SYNTAX_UNEXPECTED, p->tok,
		       "expected %s, found `not`", want),
	    "negate the whole: `!(%s)`", hint);
	parse_advance(p);
}

static bool
parse_is(struct parser *p, uint32_t left, uint32_t *ret)
{
	struct ast_node n = { .kind = NODE_IS, .a = left };
	struct str name;

	parse_advance(p);
	if (parse_at(p, KW_NOT) && parse_peek(p).kind == TOKEN_WORD &&
	    parse_peek(p).keyword == KW_NONE)
		refuse_not(p, "an entity type after `is`", "a is Type");
	if (p->tok.kind != TOKEN_WORD)
		return parse_unexpected(p, "an entity type after `is`",
		    p->tok.kind == TOKEN_STRING
			? "types are written without quotes"
			: NULL);
	if (!parse_name(p, &name))
		return false;
	n.b = build_string(p, name);
	if (parse_at(p, KW_IN)) {
		parse_advance(p);
		if (!parse_binary(p, 4, &n.c))
			return false;
	}
	*ret = parse_add(p, parse_start(p, left), n);
	return true;
}

static bool
parse_matches(struct parser *p, uint32_t left, uint32_t *ret)
{
	struct ast_node n = { .kind = NODE_MATCHES, .a = left };

	parse_advance(p);
	if (p->tok.kind != TOKEN_STRING)
		return parse_unexpected_as(p, ERR_TYPE_LITERAL,
		    "a pattern in quotes after `matches`", NULL);
	n.b = parse_regex(p, p->tok);
	parse_advance(p);
	*ret = parse_add(p, parse_start(p, left), n);
	return true;
}

/* Cedar has no word here but its own, so none changes its meaning. */
static bool
at_matches(const struct parser *p)
{
	return p->dialect == POLICY_AVOW && parse_at(p, KW_MATCHES);
}

static bool
parse_compare(struct parser *p, enum ast_op op, uint32_t *left)
{
	struct ast_node n = {
		.kind = NODE_BINARY, .op = (uint8_t)op, .a = *left
	};

	parse_advance(p);
	if (!parse_binary(p, 4, &n.b))
		return false;
	*left = parse_add(p, parse_start(p, *left), n);
	return true;
}

static bool
at_relation(const struct parser *p)
{
	return (p->tok.kind >= TOKEN_NE && p->tok.kind <= TOKEN_GE) ||
	       parse_at(p, KW_IN) || parse_at(p, KW_HAS) ||
	       parse_at(p, KW_LIKE) || parse_at(p, KW_IS) || at_matches(p);
}

static void
pass_not(struct parser *p)
{
	enum keyword next;

	if (!parse_at(p, KW_NOT))
		return;
	next = parse_peek(p).keyword;
	if (next == KW_IN)
		refuse_not(p, "an operator", "a in b");
	else if (next == KW_LIKE || next == KW_HAS)
		refuse_not(p, "an operator",
		    next == KW_HAS ? "a has b" : "a like \"b\"");
}

/* One relation after what stands on its left. */
static bool
parse_related(struct parser *p, uint32_t *node)
{
	enum ast_op op;

	pass_not(p);
	op = operator_at(p, 3);
	if (op)
		return parse_compare(p, op, node);
	if (parse_at(p, KW_HAS))
		return parse_has(p, *node, node);
	if (parse_at(p, KW_LIKE))
		return parse_like(p, *node, node);
	if (parse_at(p, KW_IS))
		return parse_is(p, *node, node);
	if (at_matches(p))
		return parse_matches(p, *node, node);
	return true;
}

static bool
parse_relation(struct parser *p, uint32_t *ret)
{
	uint32_t node = 0;

	if (!parse_binary(p, 4, &node) || !parse_related(p, &node))
		return false;
	if (at_relation(p))
		(void)parse_unexpected(p, "the end of the comparison",
		    "comparisons do not chain: join them with `&&`, or put "
		    "one in parentheses");
	/* The rest of the chain may have errors of its own. */
	while (at_relation(p))
		if (!parse_related(p, &node))
			return false;
	*ret = node;
	return true;
}

/* + - and *. */
static bool
parse_binary(struct parser *p, unsigned level, uint32_t *ret)
{
	enum ast_op op;
	uint32_t node = 0;

	if (level > 5)
		return parse_unary(p, ret);
	if (!parse_binary(p, level + 1, &node))
		return false;
	while ((op = operator_at(p, level)) != OP_NONE) {
		struct ast_node n = {
			.kind = NODE_BINARY, .op = (uint8_t)op, .a = node
		};

		parse_advance(p);
		if (!parse_binary(p, level + 1, &n.b))
			return false;
		node = parse_add(p, parse_start(p, node), n);
	}
	*ret = node;
	return true;
}

static uint32_t
parse_operand(struct parser *p)
{
	uint32_t base = build_mark(p), depth = p->depth, node = 0;
	bool outer = p->refused_here;

	p->refused_here = false;
	if (!parse_relation(p, &node)) {
		build_drop(p, base);
		p->depth = depth;
		node = 0;
		parse_sync(p);
	}
	p->refused_last = p->refused_here;
	p->refused_here = outer;
	return node;
}

/* || and &&. */
static uint32_t
parse_logic(struct parser *p, unsigned level)
{
	uint32_t from = p->tok.off, node;
	enum ast_op op;

	node = level == 2 ? parse_operand(p) : parse_logic(p, level + 1);
	while ((op = operator_at(p, level)) != OP_NONE) {
		struct ast_node n = {
			.kind = NODE_BINARY, .op = (uint8_t)op, .a = node
		};

		parse_advance(p);
		n.b = level == 2 ? parse_operand(p) : parse_logic(p, level + 1);
		node = parse_add(p, from, n);
	}
	return node;
}

/* `then` or `else`: where it is not, to the next of them that is. */
static bool
parse_branch(struct parser *p, enum keyword word, const char *want)
{
	if (!parse_at(p, word)) {
		parse_rest(p, want,
		    word == KW_ELSE ? "an `if` always has an `else`"
				    : "write `if a then b else c`");
		if (!parse_at(p, word))
			return parse_at(p, KW_ELSE);
	}
	parse_advance(p);
	return true;
}

static bool
parse_if(struct parser *p, uint32_t *ret)
{
	struct ast_node n = { .kind = NODE_IF };
	uint32_t from = p->tok.off;
	bool branches = p->inside.branches, braces, ok;

	p->inside.branches = true;
	parse_advance(p);
	n.a = parse_expr(p);
	braces = p->tok.kind == TOKEN_LBRACE;
	ok = parse_branch(p, KW_THEN, "`then`");
	/* At `else` without a `then` before it, that was said already. */
	if (ok && (p->prev.keyword == KW_THEN || !parse_at(p, KW_ELSE)))
		n.b = parse_expr(p);
	ok = ok && parse_branch(p, KW_ELSE, "`else`");
	p->inside.branches = branches;
	/* In braces, as the other branch, it is no record. */
	if (!ok || (braces && p->tok.kind == TOKEN_LBRACE))
		return false;
	n.c = parse_expr(p);
	*ret = parse_add(p, from, n);
	return true;
}

uint32_t
parse_expr(struct parser *p)
{
	struct parse_inside inside = p->inside;
	uint32_t node = 0, base = build_mark(p);

	if (!parse_enter(p)) {
		parse_sync(p);
		return 0;
	}
	if (!parse_at(p, KW_IF)) {
		node = parse_logic(p, 1);
	} else if (!parse_if(p, &node)) {
		build_drop(p, base);
		p->inside = inside;
		parse_sync(p);
	}
	parse_leave(p);
	return node;
}
