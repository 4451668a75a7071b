/* parse_recover.c - where parsing goes on after an error.
 * An error is reported once, where it is noticed; then what belongs to the same
 * part of the text is passed over, and the next part is read for errors of its
 * own. Parts are the operands of `&&` and `||`, what stands between commas, a
 * bracket's inside, a condition, a scope element, a policy. `quiet_at` keeps
 * those who wait for the token at which parsing goes on from reporting it.
 * Brackets are counted, not matched, so that one of a wrong kind does no harm.
 * Each token is passed over at most once for each string that is read anew, so
 * the cost stays O(text). */
#include "policy/parse.h"

#include <stdio.h>

#include "policy/hint.h"

/* After an annotation's `@name`. */
static bool
may_follow_name(struct token t)
{
	return t.kind == TOKEN_LPAREN || t.kind == TOKEN_AT ||
	       (t.keyword >= KW_PERMIT && t.keyword <= KW_DENY);
}

bool
parse_at_policy_start(const struct parser *p)
{
	struct token next, after;

	if (p->tok.kind == TOKEN_AT)
		return parse_peek(p).kind == TOKEN_WORD &&
		       may_follow_name(parse_peek2(p));
	if (p->tok.kind != TOKEN_WORD ||
	    ((p->tok.keyword < KW_PERMIT || p->tok.keyword > KW_DENY) &&
		p->tok.keyword != KW_INDIVISIBLE))
		return false;
	next = parse_peek(p);
	after = parse_peek2(p);
	if (p->tok.keyword == KW_INDIVISIBLE && p->dialect == POLICY_AVOW)
		return next.kind == TOKEN_WORD && after.kind == TOKEN_LBRACKET;
	return p->tok.keyword != KW_INDIVISIBLE && next.kind == TOKEN_LPAREN &&
	       (after.keyword == KW_PRINCIPAL || after.kind == TOKEN_RPAREN);
}

bool
parse_at_clause_start(const struct parser *p)
{
	return (parse_at(p, KW_WHEN) || parse_at(p, KW_UNLESS)) &&
	       parse_peek(p).kind == TOKEN_LBRACE;
}

/* What comes after a semicolon that ends a policy. */
static bool
is_after_policy(const struct parser *p)
{
	struct token next = parse_peek(p), after;

	if (next.kind != TOKEN_WORD)
		return next.kind == TOKEN_END || next.kind == TOKEN_AT ||
		       next.kind == TOKEN_SEMICOLON;
	after = parse_peek2(p);
	return after.kind == TOKEN_LPAREN || after.keyword == KW_PRINCIPAL ||
	       (next.keyword >= KW_PERMIT && next.keyword <= KW_DENY) ||
	       next.keyword == KW_INDIVISIBLE;
}

bool
parse_at_policy_end(const struct parser *p)
{
	if (p->tok.kind == TOKEN_SEMICOLON)
		return is_after_policy(p);
	return p->tok.kind == TOKEN_END || parse_at_policy_start(p);
}

/* Each byte is read so at most once, since the next string begins where this
 * one ended or later. */
void
parse_reread_long_string(struct parser *p)
{
	struct token s = parse_is_long_string(p, p->tok) ? p->tok : p->prev;

	if (!parse_is_long_string(p, s))
		return;
	p->lexer.at = (uint32_t)str_find(p->source->text, '\n', s.off);
	p->tok = (struct token){
		.kind = TOKEN_STRING, .off = s.off, .len = p->lexer.at - s.off
	};
	parse_advance(p);
}

static uint32_t
count_of(const struct parse_open *o, enum token_kind close)
{
	if (close == TOKEN_RPAREN)
		return o->parens;
	return close == TOKEN_RBRACKET ? o->squares : o->braces;
}

static bool
is_close(enum token_kind kind)
{
	return kind == TOKEN_RPAREN || kind == TOKEN_RBRACKET ||
	       kind == TOKEN_RBRACE;
}

/* The current token, a closing bracket, belongs to one of those in `open`. */
static bool
closes(const struct parser *p, const struct parse_open *open)
{
	return count_of(open, p->tok.kind) > count_of(&p->base, p->tok.kind);
}

/* No bracket was opened since the innermost one. */
static bool
is_level(const struct parser *p)
{
	return p->open.parens <= p->inside.open.parens &&
	       p->open.squares <= p->inside.open.squares &&
	       p->open.braces <= p->inside.open.braces;
}

/* A brace ends a condition if what comes after a condition follows. */
static bool
ends_condition(const struct parser *p)
{
	struct token next = parse_peek(p);

	return next.kind == TOKEN_SEMICOLON || next.kind == TOKEN_END ||
	       next.kind == TOKEN_LBRACE || next.kind == TOKEN_AT ||
	       next.kind == TOKEN_RBRACE ||
	       parse_peek2(p).kind == TOKEN_LBRACE ||
	       (next.keyword >= KW_PERMIT && next.keyword <= KW_UNLESS);
}

/* The current token ends the part that is being read. */
static bool
at_stop(const struct parser *p)
{
	enum token_kind kind = p->tok.kind;

	if (parse_at_policy_end(p) || parse_at_clause_start(p))
		return true;
	if (is_close(kind))
		return count_of(&p->open, kind) <=
			   count_of(&p->inside.open, kind) &&
		       closes(p, &p->inside.open) &&
		       (p->open.braces > p->base.braces + 1 ||
			   kind != TOKEN_RBRACE || ends_condition(p));
	if (!is_level(p))
		return false;
	/* The next element of a scope: the list is not closed. */
	if (!p->inside.operators && p->inside.commas &&
	    p->prev.kind == TOKEN_COMMA && p->tok.keyword >= KW_PRINCIPAL &&
	    p->tok.keyword <= KW_RESOURCE)
		return true;
	if (kind == TOKEN_AND || kind == TOKEN_OR)
		return p->inside.operators;
	if (parse_at(p, KW_THEN) || parse_at(p, KW_ELSE))
		return p->inside.branches;
	return kind == TOKEN_COMMA && p->inside.commas;
}

void
parse_sync(struct parser *p)
{
	parse_reread_long_string(p);
	while (!at_stop(p))
		parse_advance(p);
	p->quiet_at = p->tok.off + 1;
}

struct parse_inside
parse_begin(struct parser *p, bool commas, bool operators)
{
	struct parse_inside outer = p->inside;
	uint32_t off = p->tok.off;

	outer.refused = p->refused_here;
	p->refused_here = false;
	parse_advance(p);
	p->inside = (struct parse_inside){ .open = p->open,
		.off = off,
		.commas = commas,
		.operators = operators,
		.doubtful = p->doubt };
	p->doubt = false;
	return outer;
}

static bool
begins_value(const struct parser *p)
{
	return (p->tok.keyword >= KW_PRINCIPAL &&
		   p->tok.keyword <= KW_CONTEXT) ||
	       parse_at(p, KW_TRUE) || parse_at(p, KW_FALSE) ||
	       p->tok.kind == TOKEN_NOT || p->tok.kind == TOKEN_STRING ||
	       p->tok.kind == TOKEN_NUMBER;
}

/* A word that hangs on a number. */
static const char *
hint_after_number(struct parser *p)
{
	static const char *const units[] = { "d", "h", "m", "s", "ms" };
	struct str text = parse_text(p, p->tok);

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (!str_eq(text, str_of(units[i])))
			continue;
		snprintf(p->hint, sizeof p->hint,
		    "a span of time is `duration(\"%.*s%s\")`",
		    STR_ARG(parse_text(p, p->prev)), units[i]);
		return p->hint;
	}
	return text.p[0] == 'T' ? "a time is `datetime(\"...\")`"
				: "a number is decimal digits alone";
}

/* Why the current token does not go on with the expression before it. */
static const char *
hint_rest(struct parser *p)
{
	struct str text = parse_text(p, p->tok);
	bool close = p->prev.off + p->prev.len == p->tok.off;

	if (p->tok.kind == TOKEN_WORD && p->prev.kind == TOKEN_NUMBER && close)
		return hint_after_number(p);
	if (p->inside.commas && (begins_value(p) || p->tok.kind == TOKEN_WORD))
		return "separate them with `,`";
	if (p->tok.kind == TOKEN_COMMA)
		return "a list stands in `[...]`";
	if (p->tok.kind == TOKEN_STRING && p->prev.kind == TOKEN_STRING)
		return "strings cannot be joined";
	if (parse_at(p, KW_MATCHES) && p->dialect == POLICY_CEDAR)
		return ADDITION_HINT;
	if (p->tok.kind == TOKEN_WORD && hint_is_method(text))
		snprintf(p->hint, sizeof p->hint, "write `value.%.*s(...)`",
		    STR_ARG(text));
	else if (p->tok.kind == TOKEN_COLON && p->prev.kind == TOKEN_WORD)
		snprintf(
		    p->hint, sizeof p->hint, "an entity is `Type::\"id\"`");
	else if (begins_value(p))
		return "join tests with `&&` or `||`";
	else if (p->tok.kind == TOKEN_WORD && p->tok.keyword == KW_NONE)
		return "operators that are words are `in`, `has`, `like`, `is`";
	else
		return NULL;
	return p->hint;
}

void
parse_rest(struct parser *p, const char *want, const char *hint)
{
	/* What is left of an operand that was refused is no second mistake. */
	if (p->refused_last && p->inside.operators && !is_close(p->tok.kind) &&
	    p->tok.kind != TOKEN_SEMICOLON && p->tok.kind != TOKEN_END &&
	    !parse_at_clause_start(p))
		p->quiet_at = p->tok.off + 1;
	p->refused_last = p->refused_here = false;
	p->inside.doubtful = true;
	for (;;) {
		(void)parse_unexpected(p, want, hint ? hint : hint_rest(p));
		parse_sync(p);
		p->refused_here = false;
		if (p->tok.kind != TOKEN_AND && p->tok.kind != TOKEN_OR)
			return;
		parse_advance(p);
		(void)parse_expr(p);
		if (at_stop(p))
			return;
	}
}

/* A closing bracket that closes nothing stands for the one that was expected,
 * unless that one comes right after it. */
bool
parse_is_wrong_close(const struct parser *p, enum token_kind close,
    const struct parse_inside *outer)
{
	return is_close(p->tok.kind) && !closes(p, &outer->open) &&
	       parse_peek(p).kind != close && close != TOKEN_RBRACE;
}

/* Where the bracket is that is not closed, if what was found ends something
 * around it. */
const char *
parse_hint_open(struct parser *p)
{
	struct span at = source_span(p->source, p->inside.off, 1);

	if (is_close(p->tok.kind) && !closes(p, &p->inside.open))
		return "this bracket closes nothing";
	if (p->tok.kind == TOKEN_SEMICOLON && !parse_at_policy_end(p))
		return "one `;` ends the whole policy: join tests with `&&`";
	if (parse_is_long_string(p, p->prev) ||
	    !(is_close(p->tok.kind) || parse_at_policy_end(p) ||
		p->tok.kind == TOKEN_SEMICOLON || parse_at_clause_start(p)))
		return NULL;
	snprintf(p->hint, sizeof p->hint,
	    "the `%c` at line %u, column %u is not closed",
	    p->source->text.p[p->inside.off], at.line, at.col);
	return p->hint;
}

static const char *
hint_wrong_close(struct parser *p)
{
	struct span at = source_span(p->source, p->inside.off, 1);

	snprintf(p->hint, sizeof p->hint,
	    "it closes the `%c` at line %u, column %u",
	    p->source->text.p[p->inside.off], at.line, at.col);
	return p->hint;
}

bool
parse_end(struct parser *p, enum token_kind close,
    const struct parse_inside *outer, const char *want)
{
	bool closed = p->tok.kind == close;

	if (!closed && parse_is_wrong_close(p, close, outer)) {
		(void)parse_unexpected(p, want, hint_wrong_close(p));
		closed = true;
	} else if (!closed) {
		if (p->inside.doubtful && close != TOKEN_RBRACE)
			p->quiet_at = p->tok.off + 1;
		parse_rest(p, want, parse_hint_open(p));
		closed = p->tok.kind == close;
		/* More was read since. */
		if (!closed && close == TOKEN_RBRACE)
			(void)parse_unexpected(p, want, parse_hint_open(p));
	}
	if (closed)
		parse_advance(p);
	p->inside = *outer;
	p->open = outer->open;
	p->refused_here = outer->refused || !closed;
	return closed;
}
