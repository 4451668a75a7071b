/* parse_scope.c - scope elements: a variable and the tests after it.
 * Cedar's are ==, in, is; ours add !=, not in, is not, lists and like, each a
 * negation of its own. What follows `is not` decides whether `not` is a type.
 */
#include "policy/parse.h"

#include <stdio.h>

#include "base/limits.h"
#include "policy/hint.h"

static void
check_action(struct parser *p, enum ast_var var, struct str type, uint32_t off)
{
	struct token at = { .off = off, .len = parse_len(p, off) };

	if (var != VAR_ACTION || uid_type_is_action(type) ||
	    p->refused_end > off)
		return;
	error_hint(parse_refuse(p, ERR_NAME_ACTION, at,
		       "expected a type that ends in `Action`, found `%.*s`",
		       STR_ARG(type)),
	    "write `Action::\"...\"`");
}

static bool
parse_slot(struct parser *p, enum ast_var var, uint32_t *ret)
{
	struct ast_node n = { .kind = NODE_SLOT, .op = (uint8_t)var };
	struct token t = p->tok;
	struct str name = str_sub(parse_text(p, t), 1, t.len);

	if (var == VAR_ACTION || !str_eq(name, str_of(ast_var_name(var)))) {
		struct error *e = parse_refuse(p, ERR_SYNTAX_SLOT, t,
		    "expected " ENTITY_WANTED ", found the slot `?%.*s`",
		    STR_ARG(name));

		if (var == VAR_ACTION)
			error_hint(e, "an action has no slot");
		else
			error_hint(
			    e, "the slot here is `?%s`", ast_var_name(var));
	}
	p->has_slots = true;
	parse_advance(p);
	*ret = parse_add(p, t.off, n);
	return true;
}

/* The string with a type before it. */
static const char *
hint_typed(struct parser *p, enum ast_var var)
{
	snprintf(p->hint, sizeof p->hint, "put the type before it: `%s::%.*s`",
	    var == VAR_ACTION ? "Action" : "Type",
	    STR_ARG(parse_text(p, p->tok)));
	return p->hint;
}

static bool
refuse_entity(struct parser *p, enum ast_var var)
{
	const char *hint = NULL;

	if (p->tok.kind == TOKEN_STRING && parse_text(p, p->tok).n < 40)
		hint = hint_typed(p, var);
	else if (p->tok.kind == TOKEN_STRING)
		hint = "put the type before it: `Type::\"id\"`";
	else if (p->tok.kind == TOKEN_LBRACKET)
		hint = "a list stands after `in` only";
	else if (p->tok.kind == TOKEN_LBRACE)
		hint = "a list stands in `[...]`";
	else if (p->inside.commas && p->tok.keyword == KW_RESOURCE)
		hint = "is the list's `]` missing?";
	else if (p->tok.keyword >= KW_PRINCIPAL && p->tok.keyword <= KW_CONTEXT)
		hint = "compare with other data in a condition: "
		       "`when { ... }`";
	return parse_unexpected_as(p, ERR_SYNTAX_SCOPE, ENTITY_WANTED, hint);
}

static bool
parse_entity(struct parser *p, enum ast_var var, uint32_t *ret)
{
	struct ast_node n = { .kind = NODE_ENTITY };
	uint32_t off = p->tok.off;
	struct token id;
	struct str type;

	if (p->tok.kind == TOKEN_SLOT)
		return parse_slot(p, var, ret);
	if (p->tok.kind != TOKEN_WORD ||
	    (parse_peek(p).kind != TOKEN_PATH &&
		p->tok.keyword >= KW_PRINCIPAL && p->tok.keyword <= KW_CONTEXT))
		return refuse_entity(p, var);
	if (!parse_path(p, &type, &id))
		return false;
	if (id.kind != TOKEN_STRING)
		return parse_refuse_bare_id(p, off);
	check_action(p, var, type, off);
	n.a = build_string(p, type);
	n.b = build_string(p, parse_string(p, id));
	*ret = parse_add(p, off, n);
	return true;
}

/* Cedar takes parentheses around what a scope compares with. */
static bool
open_parens(struct parser *p, uint32_t *ret_n)
{
	uint32_t n = 0;

	for (; p->tok.kind == TOKEN_LPAREN; parse_advance(p))
		if (++n > LIMIT_NESTING) {
			(void)parse_refuse(p, ERR_LIMIT_DEPTH, p->tok,
			    "nested deeper than %u levels", LIMIT_NESTING);
			return false;
		}
	*ret_n = n;
	return true;
}

static bool
close_parens(struct parser *p, uint32_t n)
{
	while (n-- > 0)
		if (!parse_expect(p, TOKEN_RPAREN, NULL))
			return false;
	return true;
}

/* An entity in any number of parentheses, pushed on the stack. */
static bool
parse_member(struct parser *p, enum ast_var var)
{
	uint32_t n = 0, node = 0;

	if (!open_parens(p, &n) || !parse_entity(p, var, &node) ||
	    !close_parens(p, n))
		return false;
	build_push(p, node);
	return true;
}

/* After an error in a list: it was probably its closing bracket. */
static bool
is_next_element(struct parser *p)
{
	if (p->tok.keyword < KW_PRINCIPAL || p->tok.keyword > KW_RESOURCE)
		return false;
	p->quiet_at = p->tok.off + 1;
	return true;
}

/* `[ ent, ... ]`, pushed on the stack. */
bool
parse_members(struct parser *p, enum ast_var var)
{
	struct parse_inside outer = parse_begin(p, true, false);
	struct parse_inside inside = p->inside;
	bool failed = false;

	while (p->tok.kind != TOKEN_RBRACKET) {
		if (!parse_member(p, var)) {
			p->inside = inside;
			parse_sync(p);
			failed = true;
		} else if (p->tok.kind != TOKEN_COMMA &&
			   p->tok.kind != TOKEN_RBRACKET) {
			parse_rest(p, "`,` or `]`", parse_hint_open(p));
			failed = true;
		}
		if (p->tok.kind != TOKEN_COMMA)
			break;
		parse_advance(p);
		if (failed && is_next_element(p))
			break;
	}
	return parse_end(p, TOKEN_RBRACKET, &outer, "`,` or `]`");
}

/* An addition to Cedar's grammar, found where additions are off. */
static bool
refuse_addition(struct parser *p, const char *want)
{
	return parse_unexpected_as(p, ERR_SYNTAX_SCOPE, want, ADDITION_HINT);
}

static bool
parse_eq(struct parser *p, enum ast_var var, uint32_t *ret)
{
	struct ast_node n = { .kind = NODE_TEST_EQ,
		.negated = p->tok.kind == TOKEN_NE };
	uint32_t from = p->tok.off, parens;

	parse_advance(p);
	if (!open_parens(p, &parens) || !parse_entity(p, var, &n.a) ||
	    !close_parens(p, parens))
		return false;
	*ret = parse_add(p, from, n);
	return true;
}

/* The current token is `in`; the test began at `from`. */
static bool
parse_in(struct parser *p, enum ast_var var, bool negated, uint32_t from,
    uint32_t *ret)
{
	struct ast_node n = { .kind = NODE_TEST_IN, .negated = negated };
	uint32_t base = build_mark(p), parens;
	bool ok;

	parse_advance(p);
	if (!open_parens(p, &parens))
		return false;
	n.c = p->tok.kind == TOKEN_LBRACKET;
	if (n.c && p->dialect == POLICY_CEDAR && var != VAR_ACTION)
		return refuse_addition(p, "one entity");
	ok = n.c ? parse_members(p, var) : parse_member(p, var);
	if (!ok || !close_parens(p, parens))
		return false;
	n.a = build_list(p, base, &n.b);
	*ret = parse_add(p, from, n);
	return true;
}

/* A type name, pushed on the stack. */
static bool
parse_type(struct parser *p, enum ast_var var)
{
	uint32_t off = p->tok.off;
	struct str name;

	if (p->tok.kind != TOKEN_WORD)
		return parse_unexpected_as(p, ERR_SYNTAX_SCOPE,
		    "an entity type after `is`",
		    p->tok.kind == TOKEN_STRING
			? "types are written without quotes"
			: NULL);
	if (!parse_name(p, &name))
		return false;
	check_action(p, var, name, off);
	build_push(p, build_string(p, name));
	return true;
}

static bool
parse_types(struct parser *p, enum ast_var var)
{
	struct parse_inside outer = parse_begin(p, true, false);

	do {
		bool ok = parse_type(p, var);

		if (!ok)
			parse_sync(p);
		else if (p->tok.kind != TOKEN_COMMA &&
			 p->tok.kind != TOKEN_RBRACKET)
			parse_rest(p, "`,` or `]`", parse_hint_open(p));
		if (p->tok.kind != TOKEN_COMMA)
			break;
		parse_advance(p);
		if (!ok && is_next_element(p))
			break;
	} while (p->tok.kind != TOKEN_RBRACKET);
	return parse_end(p, TOKEN_RBRACKET, &outer, "`,` or `]`");
}

/* After `is`: `not` negates before `[` and before a name; else it is a type. */
static bool
is_negation(const struct parser *p)
{
	struct token next;

	if (p->dialect != POLICY_AVOW || !parse_at(p, KW_NOT))
		return false;
	next = parse_peek(p);
	return next.kind == TOKEN_LBRACKET ||
	       (next.kind == TOKEN_WORD && !lex_is_reserved(next.keyword));
}

static bool
parse_is(struct parser *p, enum ast_var var, uint32_t *ret)
{
	struct ast_node n = { .kind = NODE_TEST_IS };
	uint32_t from = p->tok.off, base = build_mark(p);
	bool ok;

	if (p->dialect == POLICY_CEDAR && var == VAR_ACTION)
		return refuse_addition(p, "`==` or `in`");
	parse_advance(p);
	n.negated = is_negation(p);
	if (n.negated)
		parse_advance(p);
	n.c = p->tok.kind == TOKEN_LBRACKET && p->dialect == POLICY_AVOW;
	ok = n.c ? parse_types(p, var) : parse_type(p, var);
	if (!ok)
		return false;
	n.a = build_list(p, base, &n.b);
	*ret = parse_add(p, from, n);
	return true;
}

static bool
parse_like(struct parser *p, enum ast_var var, bool negated, uint32_t from,
    uint32_t *ret)
{
	struct ast_node n = { .kind = NODE_TEST_LIKE, .negated = negated };
	uint32_t off;
	struct token id;
	struct str type;

	parse_advance(p);
	off = p->tok.off;
	if (p->tok.kind != TOKEN_WORD)
		return parse_unexpected_as(p, ERR_SYNTAX_SCOPE,
		    "a type and a pattern such as `Package::\"main/*\"`", NULL);
	if (!parse_path(p, &type, &id))
		return false;
	if (id.kind != TOKEN_STRING)
		return parse_unexpected(p, "`::` and a pattern in quotes",
		    "write `like Type::\"pattern*\"`");
	check_action(p, var, type, off);
	n.a = build_string(p, type);
	n.b = parse_pattern(p, id, true);
	*ret = parse_add(p, from, n);
	return true;
}

static const char *
tests_wanted(const struct parser *p, enum ast_var var)
{
	if (p->dialect == POLICY_AVOW)
		return "`==`, `!=`, `in`, `is`, `like`, `not`, `,` or `)`";
	if (var == VAR_ACTION)
		return "`==`, `in`, `,` or `)`";
	return "`==`, `in`, `is`, `,` or `)`";
}

/* What people write after a variable of the scope. */
static const char *
hint_test(const struct parser *p)
{
	if (p->tok.kind == TOKEN_COLON)
		return "write `is` before a type";
	if (p->tok.kind == TOKEN_DOT || p->tok.kind == TOKEN_LBRACKET ||
	    p->tok.kind == TOKEN_AND || p->tok.kind == TOKEN_OR ||
	    parse_at(p, KW_HAS) || parse_at(p, KW_MATCHES) ||
	    (p->tok.kind >= TOKEN_LT && p->tok.kind <= TOKEN_GE))
		return "attributes are tested in a condition: `when { ... }`";
	if (p->tok.kind == TOKEN_WORD && parse_peek(p).kind == TOKEN_PATH)
		return "`==` compares with an entity, `in` asks for its group";
	if (p->tok.kind == TOKEN_LBRACE || p->tok.kind == TOKEN_SEMICOLON ||
	    parse_at_clause_start(p))
		return "the scope's `)` is missing";
	if (p->tok.keyword >= KW_PRINCIPAL && p->tok.keyword <= KW_CONTEXT)
		return "separate the elements with `,`";
	return NULL;
}

static bool
refuse_test(struct parser *p, enum ast_var var)
{
	const char *want = tests_wanted(p, var);

	if (p->dialect == POLICY_CEDAR &&
	    (p->tok.kind == TOKEN_NE || parse_at(p, KW_NOT) ||
		parse_at(p, KW_LIKE)))
		return refuse_addition(p, want);
	return parse_unexpected_as(p, ERR_SYNTAX_SCOPE, want, hint_test(p));
}

/* After `not`: the current token is that word. */
static bool
parse_not(struct parser *p, enum ast_var var, bool after_is, uint32_t *ret)
{
	uint32_t from = p->tok.off;

	parse_advance(p);
	if (parse_at(p, KW_IN))
		return parse_in(p, var, true, from, ret);
	if (parse_at(p, KW_LIKE) && !after_is)
		return parse_like(p, var, true, from, ret);
	return parse_unexpected_as(p, ERR_SYNTAX_SCOPE,
	    after_is ? "`in` after `not`" : "`in` or `like` after `not`",
	    p->tok.kind == TOKEN_EQ ? "did you mean `!=`?"
	    : parse_at(p, KW_IS)    ? "did you mean `is not`?"
				    : NULL);
}

/* After `=`: an entity, and so `==` was meant. */
static bool
is_entity_next(const struct parser *p)
{
	struct lexer ahead = p->lexer;
	struct token t;

	ahead.comments = NULL;
	do
		t = lex_next(&ahead);
	while ((t.kind == TOKEN_WORD && !lex_is_reserved(t.keyword)) ||
	       t.kind == TOKEN_PATH);
	return t.kind == TOKEN_STRING || t.kind == TOKEN_SLOT ||
	       t.kind == TOKEN_COMMA || t.kind == TOKEN_RPAREN;
}

static bool
parse_test(struct parser *p, enum ast_var var, uint32_t *ret)
{
	bool avow = p->dialect == POLICY_AVOW;

	if (p->tok.kind == TOKEN_ASSIGN) {
		error_hint(parse_refuse(p, ERR_SYNTAX_SCOPE, p->tok,
			       "expected a test, found `=`"),
		    "`==` compares");
		return is_entity_next(p) && parse_eq(p, var, ret);
	}
	if (p->tok.kind == TOKEN_EQ || (avow && p->tok.kind == TOKEN_NE))
		return parse_eq(p, var, ret);
	if (parse_at(p, KW_IN))
		return parse_in(p, var, false, p->tok.off, ret);
	if (parse_at(p, KW_IS))
		return parse_is(p, var, ret);
	if (avow && parse_at(p, KW_LIKE))
		return parse_like(p, var, false, p->tok.off, ret);
	if (avow && parse_at(p, KW_NOT))
		return parse_not(p, var, false, ret);
	return refuse_test(p, var);
}

static bool
at_element_end(const struct parser *p)
{
	return p->tok.kind == TOKEN_COMMA || p->tok.kind == TOKEN_RPAREN;
}

/* What people write after a test. */
static const char *
hint_after(const struct parser *p)
{
	if (p->tok.kind == TOKEN_EQ || p->tok.kind == TOKEN_NE)
		return "an entity has one type: `is` says nothing more here";
	if (p->tok.kind == TOKEN_AND || p->tok.kind == TOKEN_OR ||
	    (p->tok.kind == TOKEN_WORD && p->tok.keyword == KW_NONE))
		return "more tests stand in a condition: `when { ... }`";
	if (p->tok.kind == TOKEN_LBRACE || p->tok.kind == TOKEN_SEMICOLON ||
	    parse_at_clause_start(p))
		return "the scope's `)` is missing";
	return NULL;
}

/* The tests after the variable, pushed on the stack. */
static bool
parse_tests(struct parser *p, enum ast_var var)
{
	uint32_t node = 0;
	bool ok = true, is;

	if (at_element_end(p))
		return true;
	is = parse_at(p, KW_IS);
	if (!parse_test(p, var, &node))
		return false;
	build_push(p, node);
	if (!is && parse_at(p, KW_IS))
		return parse_unexpected_as(p, ERR_SYNTAX_SCOPE, "`,` or `)`",
		    "the type comes first: `is Type in Entity::\"id\"`");
	if (!is || at_element_end(p))
		return true;
	if (parse_at(p, KW_IN))
		ok = parse_in(p, var, false, p->tok.off, &node);
	else if (p->dialect == POLICY_AVOW && parse_at(p, KW_NOT))
		ok = parse_not(p, var, true, &node);
	else
		return parse_unexpected_as(
		    p, ERR_SYNTAX_SCOPE, "`in`, `,` or `)`", hint_after(p));
	if (ok)
		build_push(p, node);
	return ok;
}

/* The variable that this element is about; near misses are reported and taken
 * for it. */
static bool
parse_scope_var(struct parser *p, enum ast_var var)
{
	const char *const name[] = { ast_var_name(var), NULL };
	char want[32];
	struct str text = parse_text(p, p->tok);

	if (parse_at(p, KW_PRINCIPAL + (enum keyword)var)) {
		parse_advance(p);
		return true;
	}
	snprintf(want, sizeof want, "`%s`", name[0]);
	if (p->tok.kind == TOKEN_WORD && parse_peek(p).kind == TOKEN_PATH) {
		snprintf(p->hint, sizeof p->hint, "write `%s == %.*s::\"...\"`",
		    name[0], (int)(text.n > 30 ? 30 : text.n), text.p);
		return parse_unexpected_as(p, ERR_SYNTAX_SCOPE, want, p->hint);
	}
	if (p->tok.kind == TOKEN_STAR || hint_is_anyone(text)) {
		snprintf(
		    p->hint, sizeof p->hint, "`%s` alone means any", name[0]);
		return parse_unexpected_as(p, ERR_SYNTAX_SCOPE, want, p->hint);
	}
	if (p->tok.kind != TOKEN_WORD || !hint_nearest(text, name))
		return parse_unexpected_as(p, ERR_SYNTAX_SCOPE, want,
		    "a scope is `(principal, action, resource)`, in this "
		    "order");
	error_hint(parse_refuse(p, ERR_SYNTAX_SCOPE, p->tok,
		       "expected %s, found `%.*s`", want, STR_ARG(text)),
	    "did you mean `%s`?", name[0]);
	parse_advance(p);
	return true;
}

bool
parse_element(struct parser *p, enum ast_var var, uint32_t *ret)
{
	struct ast_node n = { .kind = NODE_SCOPE, .op = (uint8_t)var };
	uint32_t from = p->tok.off, base = build_mark(p);

	if (!parse_scope_var(p, var) || !parse_tests(p, var))
		return false;
	n.a = build_list(p, base, &n.b);
	*ret = parse_add(p, from, n);
	if (at_element_end(p))
		return true;
	return parse_unexpected_as(
	    p, ERR_SYNTAX_SCOPE, "`,` or `)`", hint_after(p));
}
