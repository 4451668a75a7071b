/* parse_expr.c - expressions, by precedence: ||, &&, one relation, + and -, *,
 * ! and -, then members and primaries. Chains of operators and members are
 * loops; only brackets, `if` and the levels of precedence recurse, and
 * parse_enter counts them. An operand of || or && that cannot be parsed is the
 * error node: what comes after it is read all the same. */
#include "policy/parse.h"

#include <stdio.h>

#include "policy/hint.h"

static const struct {
	const char *text;
	enum ast_op op;
	enum token_kind token;
	unsigned level;
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
#define BINARY(name, text, level) { text, name, TOKEN_OF_##name, level },
#include "policy/ops.def"
};

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

static uint32_t
add(struct parser *p, uint32_t from, struct ast_node n)
{
	n.off = from;
	n.len = parse_len(p, from);
	return build_node(p, &n);
}

static uint32_t
start_of(const struct parser *p, uint32_t node)
{
	return build_get(p, node)->off;
}

/* From the opening bracket past the closing one: expressions, of which the last
 * may have a comma behind it. Their list has all that was pushed above `base`.
 */
static bool
parse_list(struct parser *p, uint32_t base, enum token_kind close,
    uint32_t *ret, uint32_t *ret_n)
{
	const char *want = close == TOKEN_RPAREN ? "`,` or `)`" : "`,` or `]`";
	struct parse_inside outer = parse_begin(p, true, true);

	while (p->tok.kind != close) {
		build_push(p, parse_expr(p));
		if (p->tok.kind != TOKEN_COMMA && p->tok.kind != close &&
		    !parse_is_wrong_close(p, close, &outer))
			parse_rest(p, want, parse_hint_open(p));
		if (p->tok.kind != TOKEN_COMMA)
			break;
		parse_advance(p);
	}
	if (!parse_end(p, close, &outer, want))
		return false;
	*ret = build_list(p, base, ret_n);
	return true;
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
	*ret = add(p, from, n);
	return true;
}

/* A field's name and its colon. */
static bool
parse_field_name(struct parser *p, struct str *ret)
{
	struct token t = p->tok;

	if (t.kind == TOKEN_STRING) {
		*ret = parse_string(p, t);
	} else if (t.kind == TOKEN_WORD) {
		parse_check_identifier(p, t);
		*ret = parse_text(p, t);
	} else {
		return parse_unexpected(p, "a field name or `}`",
		    t.kind == TOKEN_NUMBER ? "such a name stands in quotes"
					   : NULL);
	}
	parse_advance(p);
	return parse_expect(p, TOKEN_COLON,
	    p->tok.kind == TOKEN_COMMA || p->tok.kind == TOKEN_RBRACE
		? "a list stands in `[...]`"
		: "write `name: value`");
}

/* `is_set`: what was to be a record turned out a list in the wrong brackets. */
static void
parse_field(struct parser *p, struct buf *names, bool *is_set)
{
	struct ast_node n = { .kind = NODE_FIELD };
	struct token t = p->tok;
	struct str name;

	if (*is_set) {
		(void)parse_expr(p);
		return;
	}
	if (!parse_field_name(p, &name)) {
		*is_set =
		    p->prev.kind == TOKEN_STRING &&
		    (p->tok.kind == TOKEN_COMMA || p->tok.kind == TOKEN_RBRACE);
		parse_sync(p);
		return;
	}
	n.b = parse_expr(p);
	n.a = build_string(p, name);
	build_push(p, add(p, t.off, n));
	parse_note_name(p, names, name, t);
}

static bool
parse_fields(struct parser *p, struct buf *names)
{
	struct parse_inside outer = parse_begin(p, true, true);
	bool is_set = false;

	while (p->tok.kind != TOKEN_RBRACE) {
		parse_field(p, names, &is_set);
		if (p->tok.kind != TOKEN_COMMA && p->tok.kind != TOKEN_RBRACE)
			parse_rest(p, "`,` or `}`", parse_hint_open(p));
		if (p->tok.kind != TOKEN_COMMA)
			break;
		parse_advance(p);
	}
	/* Names are compared after unescaping. */
	parse_check_unique(p, "field", names);
	return parse_end(p, TOKEN_RBRACE, &outer, "`,` or `}`");
}

static bool
parse_record(struct parser *p, uint32_t *ret)
{
	struct ast_node n = { .kind = NODE_RECORD };
	uint32_t from = p->tok.off, base = build_mark(p);
	struct buf names = { 0 };
	bool ok = parse_fields(p, &names);

	if (ok) {
		n.a = build_list(p, base, &n.b);
		*ret = add(p, from, n);
	}
	buf_free(&names);
	return ok;
}

static bool
parse_paren(struct parser *p, uint32_t *ret)
{
	struct ast_node n = { .kind = NODE_PAREN };
	uint32_t from = p->tok.off;
	struct parse_inside outer = parse_begin(p, false, true);

	n.a = parse_expr(p);
	if (!parse_end(p, TOKEN_RPAREN, &outer, "`)`"))
		return false;
	*ret = add(p, from, n);
	return true;
}

static bool
parse_set(struct parser *p, uint32_t *ret)
{
	struct ast_node n = { .kind = NODE_SET };
	uint32_t from = p->tok.off;

	if (!parse_list(p, build_mark(p), TOKEN_RBRACKET, &n.a, &n.b))
		return false;
	*ret = add(p, from, n);
	return true;
}

/* The number of the token; too large ones are reported and read as 0. */
static int64_t
parse_number(struct parser *p, struct token t, bool negative)
{
	uint64_t limit = (uint64_t)INT64_MAX + negative, value = 0;

	if (!str_to_u64(parse_text(p, t), limit, &value)) {
		struct error *e = parse_refuse(p, ERR_SYNTAX_NUMBER, t,
		    "the number does not fit into 64 bits");

		error_hint(e, "numbers go from %lld to %lld",
		    (long long)INT64_MIN, (long long)INT64_MAX);
		return 0;
	}
	if (negative)
		return value > INT64_MAX ? INT64_MIN : -(int64_t)value;
	return (int64_t)value;
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

/* The current token is the opening parenthesis after `name`. */
static bool
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
	*ret = add(p, at.off, n);
	return true;
}

/* `alice"`: what the quote begins is not what was meant either. */
static bool
refuse_half_string(struct parser *p, struct token t)
{
	struct str text = parse_text(p, t);

	error_hint(
	    parse_refuse(p, ERR_SYNTAX_STRING, t,
		"expected an opening quote before `%.*s`", STR_ARG(text)),
	    "did you mean `\"%.*s\"`?", STR_ARG(text));
	p->refused_end = t.off + t.len;
	return true;
}

/* The word and what is joined to it by `-`, if all of it hangs on a dot: an
 * attribute's name that is no identifier. */
static struct str
dashed_name(const struct parser *p, struct token t)
{
	const char *text = p->source->text.p;
	uint32_t from = t.off;

	while (from > 0 &&
	       (text[from - 1] == '-' ||
		   lex_is_identifier(source_text(p->source, from - 1, 1))))
		from--;
	if (from == t.off || from == 0 || text[from - 1] != '.')
		return (struct str){ 0 };
	return source_text(p->source, from, t.off + t.len - from);
}

static void
hint_variable(struct parser *p, struct token t, struct error *e)
{
	struct str text = parse_text(p, t), dashed = dashed_name(p, t);
	const char *near = hint_value(text);
	bool type = text.p[0] >= 'A' && text.p[0] <= 'Z';

	if (dashed.n > 0)
		error_hint(e, "did you mean `[\"%.*s\"]`?", STR_ARG(dashed));
	else if (near)
		error_hint(e, "did you mean `%s`?", near);
	else if (hint_foreign_value(text))
		error_hint(e, "%s", hint_foreign_value(text));
	else if (type)
		error_hint(e,
		    "an entity is `%.*s::\"id\"`; text stands in quotes",
		    STR_ARG(text));
	else
		error_hint(e,
		    "text stands in quotes, an attribute behind its owner: "
		    "`\"%.*s\"`, `principal.%.*s`",
		    STR_ARG(text), STR_ARG(text));
}

/* A name right before a string or a colon was to be an entity's type. */
static bool
refuse_half_entity(struct parser *p, struct token t)
{
	struct str text = parse_text(p, t);
	struct token next = parse_peek(p), after = parse_peek2(p);
	bool colon = (next.kind == TOKEN_COLON || next.kind == TOKEN_DOT) &&
		     after.kind == TOKEN_STRING;

	if (next.kind != TOKEN_STRING && !colon)
		return false;
	if (next.kind == TOKEN_STRING && next.off == t.off + t.len &&
	    (next.fault || parse_is_long_string(p, next)))
		return refuse_half_string(p, t);
	/* What follows would be refused as well: say it once. */
	error_hint(
	    parse_refuse(p, ERR_SYNTAX_UNEXPECTED, t,
		"expected `::` between `%.*s` and the id", STR_ARG(text)),
	    "write `%.*s::\"...\"`", STR_ARG(text));
	parse_advance(p);
	if (colon)
		parse_advance(p);
	return true;
}

static void
refuse_variable(struct parser *p, struct token t)
{
	if (!t.fault && refuse_half_entity(p, t))
		return;
	p->refused_end = t.off + t.len;
	p->refused_here = true;
	if (t.fault || p->quiet_at == t.off + 1)
		return; /* said before */
	hint_variable(p, t,
	    parse_refuse(p, ERR_NAME_VARIABLE, t,
		"expected a value, found the unknown name `%.*s`",
		STR_ARG(parse_text(p, t))));
}

static uint32_t
add_var(struct parser *p, struct token t)
{
	struct ast_node n = { .kind = NODE_VAR };

	if (t.keyword < KW_PRINCIPAL || t.keyword > KW_CONTEXT) {
		refuse_variable(p, t);
		n.kind = NODE_ERROR;
	} else {
		n.op = (uint8_t)(VAR_PRINCIPAL + (t.keyword - KW_PRINCIPAL));
	}
	parse_advance(p);
	return add(p, t.off, n);
}

/* A word: variable, function call or entity. */
static bool
parse_named(struct parser *p, uint32_t *ret)
{
	struct ast_node n = { .kind = NODE_ENTITY };
	struct token t = p->tok, id;
	enum token_kind next = parse_peek(p).kind;
	struct str name;

	if (next != TOKEN_PATH && next != TOKEN_LPAREN) {
		*ret = add_var(p, t);
		return true;
	}
	if (!parse_path(p, &name, &id))
		return false;
	if (id.kind == TOKEN_STRING) {
		n.a = build_string(p, name);
		n.b = build_string(p, parse_string(p, id));
		*ret = add(p, t.off, n);
		return true;
	}
	t.len = parse_len(p, t.off);
	if (p->tok.kind == TOKEN_LPAREN)
		return parse_call(p, t, name, ret);
	return parse_refuse_bare_id(p, t.off);
}

static bool
parse_slot(struct parser *p, uint32_t *ret)
{
	struct ast_node n = { .kind = NODE_SLOT };
	struct token t = p->tok;
	struct str text = parse_text(p, t);
	struct error *e = parse_refuse(p, ERR_SYNTAX_SLOT, t,
	    "expected a value, found the slot `%.*s`", STR_ARG(text));

	error_hint(e, "slots stand in the scope only");
	n.op = str_eq(text, STR("?resource")) ? VAR_RESOURCE : VAR_PRINCIPAL;
	parse_advance(p);
	*ret = add(p, t.off, n);
	return true;
}

static bool
parse_literal(struct parser *p, uint32_t *ret)
{
	struct ast_node n = { .kind = NODE_BOOL };
	struct token t = p->tok;

	if (t.kind == TOKEN_NUMBER) {
		n.kind = NODE_LONG;
		n.a = build_long(p, parse_number(p, t, false));
	} else if (t.kind == TOKEN_STRING) {
		n.kind = NODE_STRING;
		n.a = build_string(p, parse_string(p, t));
	} else {
		n.a = t.keyword == KW_TRUE;
	}
	parse_advance(p);
	*ret = add(p, t.off, n);
	return true;
}

static bool
parse_word(struct parser *p, uint32_t *ret)
{
	const char *hint = NULL;

	if (parse_at(p, KW_TRUE) || parse_at(p, KW_FALSE))
		return parse_literal(p, ret);
	if (!lex_is_reserved(p->tok.keyword))
		return parse_named(p, ret);
	if (parse_peek(p).kind == TOKEN_LPAREN)
		hint = hint_foreign_function(parse_text(p, p->tok));
	if (parse_at(p, KW_IF))
		hint = "put an `if` inside an operation in parentheses";
	return parse_unexpected(p, "a value", hint);
}

static bool
parse_primary(struct parser *p, uint32_t *ret)
{
	switch ((int)p->tok.kind) {
	case TOKEN_LPAREN:
		return parse_paren(p, ret);
	case TOKEN_LBRACKET:
		return parse_set(p, ret);
	case TOKEN_LBRACE:
		return parse_record(p, ret);
	case TOKEN_NUMBER:
	case TOKEN_STRING:
		return parse_literal(p, ret);
	case TOKEN_SLOT:
		return parse_slot(p, ret);
	case TOKEN_WORD:
		return parse_word(p, ret);
	case TOKEN_PLUS:
		return parse_unexpected(
		    p, "a value", "a number has no plus sign");
	case TOKEN_GT:
	case TOKEN_STAR:
		return parse_unexpected(
		    p, "a value", "there are no shifts and no powers");
	default:
		return parse_unexpected(p, "a value", NULL);
	}
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
	uint32_t from = start_of(p, *node);
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
	*node = add(p, from, n);
	return true;
}

/* The current token is the opening parenthesis after `.name`. */
static bool
parse_method(struct parser *p, struct token at, uint32_t *node)
{
	const struct operation *op = find_operation(p, parse_text(p, at));
	uint32_t from = start_of(p, *node), base = build_mark(p);
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
	*node = add(p, from, n);
	return true;
}

/* A number with dots: an address when there are three. */
static const char *
hint_number(struct parser *p, uint32_t node)
{
	const struct ast_node *n = build_get(p, node);
	struct str text = str_sub(p->source->text, n->off, n->off + 40u);
	size_t len = 0, dots = 0;

	if (n->kind != NODE_LONG)
		return "a name that begins with a digit is written "
		       "`value[\"1st\"]`";
	while (len < text.n && memchr("0123456789./", text.p[len], 12))
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
	uint32_t from = start_of(p, *node);
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
	*node = add(p, from, n);
	return true;
}

static bool
parse_index(struct parser *p, uint32_t *node)
{
	struct ast_node n = { .kind = NODE_ATTR, .op = 1, .a = *node };
	uint32_t from = start_of(p, *node);

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
	*node = add(p, from, n);
	return true;
}

static bool
parse_member(struct parser *p, uint32_t *ret)
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

/* A number right after a minus sign is folded into it, unless something hangs
 * on the number: `-1.a` negates the attribute. */
static bool
parse_negative(struct parser *p, uint32_t minus, uint32_t *ret)
{
	struct ast_node n = { .kind = NODE_LONG };

	n.a = build_long(p, parse_number(p, p->tok, true));
	parse_advance(p);
	*ret = add(p, minus, n);
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
		return parse_member(p, ret);
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
		ok = parse_member(p, ret);
	while (ok && n > 0) {
		struct ast_node node = { .kind = NODE_NOT, .a = *ret };

		if (sign == TOKEN_MINUS)
			node.kind = NODE_NEG;
		*ret = add(p, from[--n], node);
	}
	return ok;
}

static bool parse_binary(struct parser *p, unsigned level, uint32_t *ret);

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
	for (size_t i = 0; i < ARRAY_LEN(binaries); i++)
		if (binaries[i].level == level && binaries[i].token == t.kind &&
		    (t.kind != TOKEN_WORD || t.keyword == KW_IN))
			return binaries[i].op;
	return OP_NONE;
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
	*ret = add(p, start_of(p, left), n);
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
	*ret = add(p, start_of(p, left), n);
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
	*ret = add(p, start_of(p, left), n);
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
	*ret = add(p, start_of(p, left), n);
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
	*left = add(p, start_of(p, *left), n);
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
	uint32_t node;

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
	uint32_t node;

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
		node = add(p, start_of(p, node), n);
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
		node = add(p, from, n);
	}
	return node;
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
