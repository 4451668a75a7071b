/* parse_primary.c - what expressions begin with: literals, variables, entities,
 * sets, records and parentheses; and what was meant by a word that is none of
 * them. Only brackets recurse. */
#include "policy/parse.h"

#include "policy/hint.h"

bool
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
	struct str name = STR("");

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
	build_push(p, parse_add(p, t.off, n));
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
	struct buf names = { .arena = p->nodes.arena };
	bool ok = parse_fields(p, &names);

	if (ok) {
		n.a = build_list(p, base, &n.b);
		*ret = parse_add(p, from, n);
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
	*ret = parse_add(p, from, n);
	return true;
}

static bool
parse_set(struct parser *p, uint32_t *ret)
{
	struct ast_node n = { .kind = NODE_SET };
	uint32_t from = p->tok.off;

	if (!parse_list(p, build_mark(p), TOKEN_RBRACKET, &n.a, &n.b))
		return false;
	*ret = parse_add(p, from, n);
	return true;
}

int64_t
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
	return parse_add(p, t.off, n);
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
		*ret = parse_add(p, t.off, n);
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
	*ret = parse_add(p, t.off, n);
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
	*ret = parse_add(p, t.off, n);
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

bool
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
