/* parse.c - policies and declarations, and how parsing goes on after an error.
 * Grammar: Cedar 4.5; in the dialect POLICY_AVOW also `deny`, the scope tests
 * !=, not in, is not, lists and like, and `indivisible`. After a syntax error
 * parsing goes on at the next scope element, condition or policy. */
#include "policy/parse.h"

#include <stdio.h>

#include "base/limits.h"
#include "policy/hint.h"

/* ---- going on after an error ----------------------------------------------
 */

/* To the `;` after this policy (then past it), or to where the next begins. */
static void
skip_policy(struct parser *p)
{
	parse_reread_long_string(p);
	while (!parse_at_policy_end(p))
		parse_advance(p);
	if (p->tok.kind == TOKEN_SEMICOLON)
		parse_advance(p);
}

/* To the next condition of this policy, or its end. */
static void
skip_to_condition(struct parser *p)
{
	parse_reread_long_string(p);
	while (!parse_at_policy_end(p) && !parse_at_clause_start(p))
		parse_advance(p);
}

/* A parenthesis ends a scope if what comes after a scope follows. */
static bool
ends_scope(const struct parser *p)
{
	struct token next = parse_peek(p);

	return next.kind == TOKEN_SEMICOLON || next.kind == TOKEN_END ||
	       next.kind == TOKEN_LBRACE || next.kind == TOKEN_AT ||
	       parse_peek2(p).kind == TOKEN_LBRACE ||
	       (next.kind == TOKEN_WORD &&
		   (next.keyword == KW_WHEN || next.keyword == KW_UNLESS ||
		       (next.keyword >= KW_PERMIT && next.keyword <= KW_DENY)));
}

/* To the comma or parenthesis that ends a scope element, or to the next
 * element. */
static bool
skip_element(struct parser *p, struct parse_open open)
{
	parse_reread_long_string(p);
	for (; !parse_at_policy_end(p) && !parse_at_clause_start(p);
	     parse_advance(p)) {
		bool inside = p->open.parens > open.parens ||
			      p->open.squares > open.squares ||
			      p->open.braces > open.braces;

		if (p->tok.kind == TOKEN_RPAREN &&
		    p->open.parens <= open.parens && ends_scope(p)) {
			p->open = open;
			return true;
		}
		if (p->tok.kind == TOKEN_COMMA && !inside)
			return true;
	}
	return false;
}

/* ---- policies --------------------------------------------------------------
 */

/* Between and after the elements. True when the next element follows (or, at
 * the last, when the scope's end does). */
static bool
parse_separator(struct parser *p, enum ast_var var)
{
	char want[48];

	if (p->tok.kind == TOKEN_COMMA)
		parse_advance(p);
	if (var == VAR_RESOURCE)
		return p->tok.kind == TOKEN_RPAREN ||
		       parse_unexpected_as(p, ERR_SYNTAX_SCOPE, "`)`",
			   "a scope has three elements");
	if (p->tok.kind != TOKEN_RPAREN)
		return true;
	snprintf(want, sizeof want, "`%s`", ast_var_name(var + 1));
	return parse_unexpected_as(p, ERR_SYNTAX_SCOPE, want,
	    "a scope is `(principal, action, resource)`");
}

/* Past the closing parenthesis of a scope that had an error, or to what comes
 * after the scope. */
static bool
skip_scope(struct parser *p, struct parse_open open)
{
	while (skip_element(p, open)) {
		bool end = p->tok.kind == TOKEN_RPAREN;

		parse_advance(p);
		if (end)
			return true;
	}
	return p->tok.kind != TOKEN_END && !parse_at_policy_start(p);
}

/* The current token begins an element after `var`'s, be there a comma or not.
 */
static bool
at_later_element(const struct parser *p, enum ast_var var)
{
	static const bool may_precede[] = { [TOKEN_STRING] = true,
		[TOKEN_RBRACKET] = true,
		[TOKEN_RPAREN] = true,
		[TOKEN_LPAREN] = true,
		[TOKEN_COMMA] = true,
		[TOKEN_PERCENT] = false };

	return p->tok.keyword > KW_PRINCIPAL + (enum keyword)var &&
	       p->tok.keyword <= KW_RESOURCE &&
	       (may_precede[p->prev.kind] ||
		   (p->prev.kind == TOKEN_WORD &&
		       !lex_is_reserved(p->prev.keyword)));
}

/* To the end of an element that had an error. */
static bool
skip_to_element(struct parser *p, enum ast_var var, struct parse_open open)
{
	parse_reread_long_string(p);
	while (!at_later_element(p, var)) {
		if (p->tok.kind == TOKEN_COMMA || p->tok.kind == TOKEN_RPAREN ||
		    p->tok.kind == TOKEN_LBRACKET ||
		    p->tok.kind == TOKEN_LBRACE || p->tok.kind == TOKEN_LPAREN)
			return skip_element(p, open);
		if (parse_at_policy_end(p) || parse_at_clause_start(p))
			return false;
		parse_advance(p);
	}
	return true;
}

/* One element and what comes after it. False when the rest of the scope cannot
 * be told apart any more. `broken`: an element before had an error, which is
 * probably why this one is not there. */
static bool
parse_scope_part(struct parser *p, enum ast_var var, struct parse_open open,
    bool *broken, uint32_t *ret)
{
	bool named = parse_at(p, KW_PRINCIPAL + (enum keyword)var);
	uint32_t base = build_mark(p);
	struct parse_inside inside = p->inside;

	if (*broken && !named)
		return false;
	if (!parse_element(p, var, ret)) {
		build_drop(p, base);
		p->inside = inside;
		*broken = true;
		if (!skip_to_element(p, var, open))
			return false;
		p->quiet_at = p->tok.off + 1;
	}
	if (!*broken)
		return parse_separator(p, var);
	if (p->tok.kind == TOKEN_COMMA)
		parse_advance(p);
	return true;
}

static bool
parse_elements(struct parser *p, struct ast_policy *policy)
{
	struct parse_open open = p->open;
	bool broken = false;

	for (enum ast_var v = VAR_PRINCIPAL; v <= VAR_RESOURCE; v++)
		if (!parse_scope_part(p, v, open, &broken, &policy->scope[v]))
			return skip_scope(p, open);
	if (broken)
		return skip_scope(p, open);
	parse_advance(p);
	return true;
}

/* A scope in other brackets, or none. */
static bool
skip_wrong_scope(struct parser *p)
{
	struct parse_open open = p->open;

	if (parse_peek(p).keyword == KW_PRINCIPAL)
		do
			parse_advance(p);
		while (!parse_at_policy_end(p) && !parse_at_clause_start(p));
	p->open = open;
	return !parse_at_policy_start(p);
}

static bool
parse_scope(struct parser *p, struct ast_policy *policy)
{
	static const char hint[] =
	    "a policy begins `permit (principal, action, resource)`";
	struct parse_inside outer = p->inside;
	struct parse_open open = p->open;
	bool ok;

	p->base = open;
	if (p->tok.kind == TOKEN_LPAREN) {
		(void)parse_begin(p, false, false);
		if (p->tok.kind == TOKEN_LPAREN &&
		    parse_peek(p).keyword == KW_PRINCIPAL) {
			(void)parse_unexpected(
			    p, "`principal`", "one `(` begins a scope");
			parse_advance(p);
			p->open = p->inside.open;
		}
	} else {
		(void)parse_unexpected(p, "`(`", hint);
		if (!parse_at(p, KW_PRINCIPAL))
			return skip_wrong_scope(p);
		p->open.parens++;
		p->inside = (struct parse_inside){ .open = p->open };
	}
	ok = parse_elements(p, policy);
	p->inside = outer;
	p->open = open;
	return ok;
}

static const char *
effects_wanted(const struct parser *p)
{
	return p->dialect == POLICY_AVOW ? "`permit`, `forbid` or `deny`"
					 : "`permit` or `forbid`";
}

/* `name("value")` without its `@`. */
static bool
is_bare_annotation(const struct parser *p)
{
	return p->tok.kind == TOKEN_WORD &&
	       (p->tok.keyword < KW_PERMIT || p->tok.keyword > KW_DENY) &&
	       parse_peek(p).kind == TOKEN_LPAREN &&
	       parse_peek2(p).kind == TOKEN_STRING;
}

static bool
parse_annotation(struct parser *p, struct ast_annotation *ret)
{
	uint32_t off = p->tok.off;

	*ret = (struct ast_annotation){ .off = off };
	if (p->tok.kind == TOKEN_AT)
		parse_advance(p);
	else
		(void)parse_unexpected(
		    p, effects_wanted(p), "an annotation begins with `@`");
	if (p->tok.kind != TOKEN_WORD)
		return parse_unexpected(p, "an annotation's name", NULL);
	ret->name = parse_text(p, p->tok);
	parse_advance(p);
	if (p->tok.kind == TOKEN_LPAREN) {
		parse_advance(p);
		if (p->tok.kind != TOKEN_STRING)
			return parse_unexpected(
			    p, "a string", "write `@name(\"value\")`");
		ret->has_value = true;
		ret->value = parse_string(p, p->tok);
		parse_advance(p);
		if (!parse_expect(p, TOKEN_RPAREN, NULL))
			return false;
	}
	ret->len = parse_len(p, off);
	return true;
}

static bool
parse_annotations(struct parser *p, struct ast_policy *policy)
{
	struct ast_annotation a;
	struct buf names = { .arena = p->nodes.arena };
	bool ok = true;

	policy->first_annotation = (uint32_t)(p->annotations.n / sizeof a);
	while (ok && (p->tok.kind == TOKEN_AT || is_bare_annotation(p))) {
		if (!parse_annotation(p, &a)) {
			/* The next one, or the effect. */
			parse_reread_long_string(p);
			while (!parse_at_policy_end(p))
				parse_advance(p);
			ok = parse_at_policy_start(p);
			continue;
		}
		buf_add(&p->annotations,
		    (struct str){ (const char *)&a, sizeof a });
		policy->n_annotations++;
		if (p->source->text.p[a.off] == '@')
			parse_note_name(p, &names, a.name,
			    (struct token){ .off = a.off, .len = a.len });
	}
	parse_check_unique(p, "annotation", &names);
	buf_free(&names);
	return ok;
}

/* What stands where an effect should. True when it can be passed over as one.
 */
static bool
refuse_effect(struct parser *p)
{
	struct str text = parse_text(p, p->tok);
	const char *near = hint_effect(text);

	if (parse_at(p, KW_DENY))
		near = "forbid";
	if (p->tok.kind == TOKEN_WORD && near &&
	    (parse_peek(p).kind == TOKEN_LPAREN ||
		parse_peek(p).keyword == KW_PRINCIPAL)) {
		error_hint(parse_refuse(p, ERR_SYNTAX_UNEXPECTED, p->tok,
			       "expected %s, found `%.*s`", effects_wanted(p),
			       STR_ARG(text)),
		    "did you mean `%s`?", near);
		return true;
	}
	(void)parse_unexpected(p, effects_wanted(p),
	    p->tok.kind == TOKEN_ASSIGN || p->tok.kind == TOKEN_COLON
		? "write `@name(\"value\")`"
	    : parse_at(p, KW_INDIVISIBLE) ? ADDITION_HINT
					  : hint_beginning(p->tok.kind));
	return parse_peek(p).kind == TOKEN_LPAREN &&
	       (p->tok.kind == TOKEN_WORD ||
		   parse_peek2(p).keyword == KW_PRINCIPAL);
}

static bool
parse_effect(struct parser *p, struct ast_policy *policy)
{
	policy->head_off = p->tok.off;
	policy->head_len = p->tok.len;
	policy->word = WORD_FORBID;
	if (parse_at(p, KW_PERMIT))
		policy->word = WORD_PERMIT;
	else if (parse_at(p, KW_DENY) && p->dialect == POLICY_AVOW)
		policy->word = WORD_DENY;
	else if (!parse_at(p, KW_FORBID) && !refuse_effect(p))
		return p->tok.kind == TOKEN_LPAREN &&
		       parse_peek(p).keyword == KW_PRINCIPAL;
	parse_advance(p);
	return true;
}

/* At a brace: what follows may be a record, well-formed or not. */
static bool
is_record(const struct parser *p)
{
	enum token_kind next = parse_peek(p).kind;
	enum token_kind after = parse_peek2(p).kind;

	if (next == TOKEN_WORD && parse_peek(p).keyword >= KW_PRINCIPAL &&
	    parse_peek(p).keyword <= KW_CONTEXT)
		return after == TOKEN_COLON;
	if (next == TOKEN_WORD)
		return after != TOKEN_LPAREN && after != TOKEN_PATH;
	return after == TOKEN_COLON ||
	       (next != TOKEN_NOT && next != TOKEN_LPAREN &&
		   next != TOKEN_LBRACKET && next != TOKEN_LBRACE &&
		   next != TOKEN_MINUS);
}

/* The condition's opening brace, or what is taken for it. */
static bool
parse_open_brace(struct parser *p)
{
	static const char hint[] = "write `when { ... }`";

	if (p->tok.kind == TOKEN_LBRACE) {
		(void)parse_begin(p, false, true);
		if (p->tok.kind != TOKEN_LBRACE || is_record(p))
			return true;
		/* No record, but one brace too many. */
		(void)parse_unexpected(
		    p, "a value", "one `{` begins a condition");
		parse_advance(p);
		p->open = p->inside.open;
		return true;
	}
	(void)parse_unexpected(p, "`{`", hint);
	if (parse_at_policy_end(p) || parse_at_clause_start(p))
		return false;
	p->open.braces++;
	p->doubt = p->tok.kind == TOKEN_LPAREN || p->tok.kind == TOKEN_LBRACKET;
	p->inside = (struct parse_inside){
		.open = p->open, .off = p->tok.off, .operators = true
	};
	return true;
}

/* One `when` or `unless`, pushed on the stack. */
static void
parse_condition(struct parser *p)
{
	struct ast_node n = { .kind = NODE_WHEN };
	uint32_t from = p->tok.off, base = build_mark(p);
	struct parse_inside outer = p->inside;
	bool braced;

	if (parse_at(p, KW_UNLESS))
		n.kind = NODE_UNLESS;
	if (p->tok.kind != TOKEN_LBRACE)
		parse_advance(p);
	p->base = p->open;
	p->doubt = p->refused_here = false;
	p->depth = 0;
	p->too_deep = false;
	outer.open = p->open;
	braced = p->tok.kind == TOKEN_LBRACE;
	if (!parse_open_brace(p))
		return;
	n.a = parse_expr(p);
	if (!braced && p->tok.kind != TOKEN_RBRACE)
		p->quiet_at = p->tok.off + 1;
	if (parse_end(p, TOKEN_RBRACE, &outer, "an operator or `}`"))
		build_push(p, parse_add(p, from, n));
	else
		build_drop(p, base);
}

/* Neither a condition nor the end. True when it is passed over as `when`. */
static bool
refuse_end(struct parser *p)
{
	static const char want[] = "`when`, `unless` or `;`";
	struct str text = parse_text(p, p->tok);
	const char *near = NULL;

	if (p->tok.kind == TOKEN_WORD)
		near = hint_clause(text);
	if (p->tok.kind != TOKEN_END && p->tok.kind != TOKEN_LBRACE && !near &&
	    parse_peek(p).kind == TOKEN_LBRACE) {
		(void)parse_unexpected(p, want,
		    p->tok.kind == TOKEN_AND || p->tok.kind == TOKEN_OR
			? "several `when { ... }` hold together; put `||` "
			  "inside one"
			: NULL);
		return true;
	}
	if (near && parse_peek(p).kind == TOKEN_LBRACE) {
		error_hint(
		    parse_refuse(p, ERR_SYNTAX_UNEXPECTED, p->tok,
			"expected %s, found `%.*s`", want, STR_ARG(text)),
		    "did you mean `%s`?", near);
		return true;
	}
	if (p->tok.kind == TOKEN_LBRACE) {
		(void)parse_unexpected(p, want, "write `when { ... }`");
		return true;
	}
	return parse_unexpected(p, want,
	    parse_at_policy_start(p) || p->tok.kind == TOKEN_END
		? "a policy ends with `;`"
	    : p->tok.kind == TOKEN_COMMA  ? "a policy ends with `;`"
	    : p->tok.kind == TOKEN_RBRACE ? "this bracket closes nothing"
					  : NULL);
}

/* `@name("value")` at the end of a policy: after it comes no other policy. */
static bool
pass_stray_annotation(struct parser *p)
{
	struct lexer ahead = p->lexer;
	struct ast_annotation unused;

	if (p->tok.kind != TOKEN_AT)
		return false;
	ahead.comments = NULL;
	for (int i = 0; i < 4; i++)
		(void)lex_next(&ahead);
	if (lex_next(&ahead).kind != TOKEN_SEMICOLON)
		return false;
	(void)parse_unexpected(p, "`when`, `unless` or `;`",
	    "annotations stand before the policy");
	return parse_annotation(p, &unused);
}

static bool
parse_conditions(struct parser *p, struct ast_policy *policy)
{
	uint32_t base = build_mark(p);

	while (p->tok.kind != TOKEN_SEMICOLON) {
		if (pass_stray_annotation(p))
			continue;
		if (!parse_at(p, KW_WHEN) && !parse_at(p, KW_UNLESS) &&
		    !refuse_end(p)) {
			skip_to_condition(p);
			if (!parse_at_clause_start(p) &&
			    p->tok.kind != TOKEN_SEMICOLON)
				return false;
			continue;
		}
		parse_condition(p);
	}
	policy->first_cond = build_list(p, base, &policy->n_conds);
	parse_advance(p);
	return true;
}

void
parse_keep_policy(struct parser *p, const struct ast_policy *policy)
{
	buf_add(
	    &p->policies, (struct str){ (const char *)policy, sizeof *policy });
	if (p->policies.n / sizeof *policy == LIMIT_POLICIES + 1)
		(void)parse_refuse(p, ERR_LIMIT_COUNT, p->prev,
		    "more than %u policies", LIMIT_POLICIES);
}

static bool
parse_policy(struct parser *p)
{
	struct ast_policy policy = { .off = p->tok.off,
		.first_node =
		    (uint32_t)(p->nodes.n / sizeof(struct ast_node)) };
	bool ok = true, before = p->failed;

	p->failed = false;
	p->has_slots = false;
	if (parse_at_clause_start(p))
		(void)parse_unexpected(p, effects_wanted(p),
		    "conditions stand before the `;` of their policy");
	else
		ok = parse_annotations(p, &policy) &&
		     parse_effect(p, &policy) && parse_scope(p, &policy);
	ok = ok && parse_conditions(p, &policy);
	policy.has_error = p->failed;
	policy.has_slots = p->has_slots;
	policy.len = parse_len(p, policy.off);
	p->failed = p->failed || before;
	parse_keep_policy(p, &policy);
	return ok;
}

static bool
parse_next_policy(struct parser *p)
{
	uint32_t first_kid = (uint32_t)(p->kids.n / sizeof(uint32_t));
	bool ok = parse_policy(p);

	if (ok && p->shapes)
		shapes_learn(p, first_kid);
	return ok;
}

/* A set that is never to be broken names entities. */
static void
refuse_slots(struct parser *p, uint32_t base)
{
	struct str members =
	    str_sub(buf_str(&p->stack), base * sizeof(uint32_t), p->stack.n);

	for (size_t i = 0; i < members.n; i += sizeof(uint32_t)) {
		const struct ast_node *n;
		uint32_t node;

		memcpy(&node, members.p + i, sizeof node);
		n = build_get(p, node);
		if (n->kind == NODE_SLOT)
			(void)parse_refuse(p, ERR_SYNTAX_SLOT,
			    build_place(p, node),
			    "expected " ENTITY_WANTED ", found a slot");
	}
}

static bool
parse_indivisible(struct parser *p)
{
	struct ast_indivisible set = { .off = p->tok.off };
	uint32_t base = build_mark(p);

	parse_advance(p);
	if (p->tok.keyword < KW_PRINCIPAL || p->tok.keyword > KW_RESOURCE)
		return parse_unexpected(
		    p, "`principal`, `action` or `resource`", NULL);
	set.var = (enum ast_var)(p->tok.keyword - KW_PRINCIPAL);
	parse_advance(p);
	if (p->tok.kind != TOKEN_LBRACKET)
		return parse_unexpected(p, "`[`", NULL);
	p->base = p->open;
	if (parse_peek(p).kind == TOKEN_RBRACKET) {
		parse_advance(p);
		return parse_unexpected(p, ENTITY_WANTED, NULL);
	}
	if (!parse_members(p, set.var) ||
	    !parse_expect(p, TOKEN_SEMICOLON, NULL))
		return false;
	refuse_slots(p, base);
	set.first = build_list(p, base, &set.n);
	set.len = parse_len(p, set.off);
	buf_add(
	    &p->indivisibles, (struct str){ (const char *)&set, sizeof set });
	return true;
}

static void
parse_file(struct parser *p)
{
	uint32_t left_open = 0;

	(void)build_node(p, 0, 0, (struct ast_node){ .kind = NODE_ERROR });
	parse_advance(p);
	while (p->tok.kind != TOKEN_END) {
		uint32_t from = p->tok.off;
		bool ok;

		/* Of what was refused with all that was in it. */
		if (p->tok.kind == TOKEN_RBRACE && left_open > 0) {
			left_open--;
			parse_advance(p);
			continue;
		}

		p->stack.n = 0;
		p->open = p->base = (struct parse_open){ 0 };
		p->inside = (struct parse_inside){ 0 };
		if (p->shapes && shapes_copy(p))
			continue;
		if (p->dialect == POLICY_AVOW && parse_at(p, KW_INDIVISIBLE))
			ok = parse_indivisible(p);
		else
			ok = parse_next_policy(p);
		if (!ok) {
			bool nothing = p->tok.off == from &&
				       p->tok.kind == TOKEN_SEMICOLON;

			skip_policy(p);
			if (nothing)
				p->quiet_at = p->tok.off + 1;
			left_open += p->open.braces;
		}
		if (p->tok.off == from && p->tok.kind != TOKEN_END)
			parse_advance(p);
	}
}

/* The rest of the parser relies on well-formed UTF-8. */
static bool
check_utf8(struct parser *p)
{
	struct str text = p->lexer.text;
	size_t at = p->lexer.at, n = 1;
	uint32_t point;

	if (str_is_utf8(str_sub(text, at, text.n)))
		return true;
	while (n) {
		n = str_utf8_next(text, at, &point);
		at += n;
	}
	(void)errors_add(p->errors, ERR_SYNTAX_LEXICAL,
	    source_span(p->source, (uint32_t)at, 1),
	    "expected UTF-8, found the byte %02x", (unsigned char)text.p[at]);
	return false;
}

static bool
parse(struct arena *a, const struct source *source, enum policy_dialect dialect,
    bool no_heap, struct ast **ret, struct errors *reterr)
{
	struct parser p = { .arena = a,
		.source = source,
		.dialect = dialect,
		.errors = reterr };
	struct error nomem = { 0 };
	bool ok;

	if (no_heap)
		build_in(&p, a);
	/* Without them, more strings are kept twice, more is parsed. */
	if (source->text.n >= PARSE_LARGE)
		p.recent_large = ARENA_ARRAY(a, PARSE_RECENT_LARGE, uint32_t);
	if (source->text.n >= PARSE_SHAPES && !no_heap)
		p.shapes = shapes_new(a);
	p.lexer = (struct lexer){ source->text, 0, &p.comments };
	p.failed = !check_utf8(&p);
	if (!p.failed)
		parse_file(&p);
	ok = build_ast(&p, ret);
	build_free(&p);
	if (ok)
		return !p.failed;
	(void)error_nomem(&nomem);
	return errors_take(reterr, &nomem);
}

bool
parse_policies(struct arena *a, const struct source *source,
    enum policy_dialect dialect, struct ast **ret, struct errors *reterr)
{
	return parse(a, source, dialect, false, ret, reterr);
}

bool
parse_policy_alone(struct arena *a, const struct source *source,
    enum policy_dialect dialect, bool no_heap, struct ast **ret,
    struct errors *reterr)
{
	return parse(a, source, dialect, no_heap, ret, reterr);
}
