/* parse_token.c - what all of the parser stands on: the current token, messages
 * about it, names. */
#include "policy/parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "policy/hint.h"

/* ---- tokens ---------------------------------------------------------------
 */

static const struct {
	const char *msg, *hint;
} faults[] = {
	[FAULT_CHARACTER] = { "expected a token, found the character",
	    "names are letters, digits and `_` of ASCII; other text stands "
	    "in quotes" },
	[FAULT_BYTE_ORDER_MARK] = { "expected text, found a byte order mark",
	    "save the file as UTF-8 without a byte order mark" },
	[FAULT_UNCLOSED] = { "expected a closing quote", "" },
	[FAULT_RETURN] = { "a string may not hold a carriage return",
	    "write `\\r`, or save the file with LF line ends" },
	[FAULT_BROKEN_LINE] = { "a backslash may not end a line in a string",
	    "write `\\n`" },
	[FAULT_SINGLE_QUOTES] = { "expected a string in double quotes",
	    "did you mean `\"...\"`?" },
	[FAULT_BLOCK_COMMENT] = { "expected a token, found `/*`",
	    "comments begin with `//` and end with the line" },
	[FAULT_OPERATOR] = { "expected an operator, found", "" },
	[FAULT_SMART_QUOTES] = { "expected a string in plain double quotes, "
				 "found typographic ones",
	    "write `\"...\"`" },
	[FAULT_LETTER] = { "expected a name, found", "" },
	[FAULT_HASH_COMMENT] = { "expected a token, found `#`",
	    "comments begin with `//`" },
	[FAULT_QUESTION] = { "expected a slot such as `?principal`, found `?`",
	    "" },
};

struct str
parse_text(const struct parser *p, struct token t)
{
	return source_text(p->source, t.off, t.len);
}

static bool
is_followed_by_value(const struct parser *p)
{
	enum token_kind next = parse_peek(p).kind;

	return next == TOKEN_WORD || next == TOKEN_STRING ||
	       next == TOKEN_NUMBER || next == TOKEN_LPAREN;
}

/* A hint that depends on more than the kind of fault. */
static void
hint_fault(struct parser *p, struct token t, struct error *e)
{
	struct str text = parse_text(p, t);

	if (t.fault == FAULT_OPERATOR)
		error_hint(e, "did you mean `%s`?", lex_kind_text(t.kind));
	else if (t.fault == FAULT_LETTER)
		error_hint(e,
		    "names are letters, digits and `_` of ASCII; an attribute "
		    "of another name is `value[\"%.*s\"]`",
		    (int)(text.n > 40 ? 0 : text.n), text.p);
	else if (t.fault == FAULT_CHARACTER && (unsigned char)text.p[0] < 0x80)
		error_hint(e, "it may stand inside strings only");
	else if (t.fault == FAULT_QUESTION && is_followed_by_value(p))
		error_hint(e, "a choice is `if a then b else c`");
	else if (t.fault == FAULT_UNCLOSED &&
		 str_find(text, '\xe2', 0) < text.n)
		error_hint(
		    e, "only a plain `\"` closes it, no typographic quote");
	else if (faults[t.fault].hint[0])
		error_hint(e, "%s", faults[t.fault].hint);
}

static void
refuse_fault(struct parser *p, struct token t)
{
	struct str text = parse_text(p, t);
	enum err_code code = ERR_SYNTAX_LEXICAL;
	struct error *e;

	/* Part of what was refused just before it. */
	if (p->refused_end && p->refused_end == t.off)
		return;
	if (t.kind == TOKEN_STRING)
		code = ERR_SYNTAX_STRING;
	if (t.fault == FAULT_BLOCK_COMMENT)
		t.len = (uint32_t)str_find(text, '\n', 0);
	if (t.fault == FAULT_CHARACTER && text.p[0] == '\0')
		e = parse_refuse(p, code, t, "%s NUL", faults[t.fault].msg);
	else if (t.fault == FAULT_CHARACTER || t.fault == FAULT_OPERATOR ||
		 t.fault == FAULT_LETTER)
		e = parse_refuse(p, code, t, "%s `%.*s`", faults[t.fault].msg,
		    (int)(text.n > 40 ? 40 : text.n), text.p);
	else
		e = parse_refuse(p, code, t, "%s", faults[t.fault].msg);
	hint_fault(p, t, e);
}

/* What was reported and can be left out without harm. */
static bool
is_passed_over(enum lex_fault fault)
{
	return fault == FAULT_BYTE_ORDER_MARK || fault == FAULT_BLOCK_COMMENT ||
	       fault == FAULT_HASH_COMMENT;
}

static void
count_close(uint32_t *count)
{
	if (*count > 0)
		--*count;
}

static void
count_open(struct parse_open *o, enum token_kind kind)
{
	switch ((int)kind) {
	case TOKEN_LPAREN:
		o->parens++;
		return;
	case TOKEN_RPAREN:
		count_close(&o->parens);
		return;
	case TOKEN_LBRACKET:
		o->squares++;
		return;
	case TOKEN_RBRACKET:
		count_close(&o->squares);
		return;
	case TOKEN_LBRACE:
		o->braces++;
		return;
	case TOKEN_RBRACE:
		count_close(&o->braces);
		return;
	default:
		return;
	}
}

void
parse_advance(struct parser *p)
{
	count_open(&p->open, p->tok.kind);
	if (p->tok.kind == TOKEN_COMMA)
		p->refused_here = false;
	p->prev = p->tok;
	do {
		p->tok = lex_next(&p->lexer);
		if (p->tok.fault)
			refuse_fault(p, p->tok);
	} while (is_passed_over(p->tok.fault));
}

struct token
parse_peek(const struct parser *p)
{
	struct lexer ahead = p->lexer;

	ahead.comments = NULL;
	return lex_next(&ahead);
}

struct token
parse_peek2(const struct parser *p)
{
	struct lexer ahead = p->lexer;

	ahead.comments = NULL;
	(void)lex_next(&ahead);
	return lex_next(&ahead);
}

uint32_t
parse_len(const struct parser *p, uint32_t from)
{
	return p->prev.off + p->prev.len - from;
}

uint32_t
parse_add(struct parser *p, uint32_t from, struct ast_node n)
{
	return build_node(p, from, parse_len(p, from), n);
}

uint32_t
parse_start(const struct parser *p, uint32_t node)
{
	return build_get(p, node)->off;
}

bool
parse_at(const struct parser *p, enum keyword keyword)
{
	return p->tok.kind == TOKEN_WORD && p->tok.keyword == keyword;
}

/* ---- messages -------------------------------------------------------------
 */

struct error *
parse_refuse(
    struct parser *p, enum err_code code, struct token at, const char *fmt, ...)
{
	char msg[sizeof((struct error *)0)->msg];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(msg, sizeof msg, fmt, ap);
	va_end(ap);
	p->failed = p->refused_here = true;
	p->n_refused++;
	/* With part of the tree missing an error may be none: the lack of
	 * memory is reported at the end. */
	if (!build_ok(p))
		return NULL;
	return errors_add(
	    p->errors, code, source_span(p->source, at.off, at.len), "%s", msg);
}

bool
parse_is_long_string(const struct parser *p, struct token t)
{
	struct str text = parse_text(p, t);

	return t.kind == TOKEN_STRING && str_find(text, '\n', 0) < text.n;
}

/* What is odd about the current token, whatever was expected. */
static void
hint_token(const struct parser *p, struct error *e)
{
	if (parse_is_long_string(p, p->tok))
		error_hint(e,
		    "the string that begins on line %u goes on over the end "
		    "of its line: is its closing quote missing?",
		    source_span(p->source, p->tok.off, 0).line);
	else if (p->tok.kind == TOKEN_SLASH || p->tok.kind == TOKEN_PERCENT)
		error_hint(e, "there is no division");
}

/* What does not fit right after a string over several lines: most likely the
 * string should have ended on its first one. */
static bool
refuse_long_string(struct parser *p, const char *want)
{
	struct token s = p->prev;
	char found[HINT_FOUND];
	struct error *e;

	if (!parse_is_long_string(p, s))
		return false;
	s.len = (uint32_t)str_find(p->source->text, '\n', s.off) - s.off;
	e = parse_refuse(
	    p, ERR_SYNTAX_STRING, s, "expected a closing quote on this line");
	error_hint(e,
	    "the string goes on to line %u; there %s was expected, and %s "
	    "found",
	    source_span(p->source, p->prev.off + p->prev.len, 0).line, want,
	    hint_found(p->source->text, p->tok, found));
	return true;
}

static bool
ends_something(const struct parser *p)
{
	enum token_kind kind = p->tok.kind;

	return kind == TOKEN_END || kind == TOKEN_SEMICOLON ||
	       parse_at_clause_start(p) || kind == TOKEN_RPAREN ||
	       kind == TOKEN_RBRACKET || kind == TOKEN_RBRACE;
}

bool
parse_unexpected_as(
    struct parser *p, enum err_code code, const char *want, const char *hint)
{
	char found[HINT_FOUND];
	struct error *e;

	/* A token with a fault has been reported, and what comes after it was
	 * perhaps not meant to be there. */
	if (p->tok.fault || p->prev.fault ||
	    (p->refused_end && p->refused_end == parse_len(p, 0) &&
		!ends_something(p)) ||
	    (p->refused_here && p->inside.operators && !ends_something(p)) ||
	    (p->said_end && p->said_end == p->prev.off + p->prev.len) ||
	    p->quiet_at == p->tok.off + 1 || p->too_deep) {
		p->failed = true;
		return false;
	}
	p->quiet_at = p->tok.off + 1;
	p->said_end = p->tok.off + p->tok.len;
	if (p->inside.off && p->prev.off == p->inside.off)
		p->inside.doubtful = true;
	if (refuse_long_string(p, want))
		return false;
	e = parse_refuse(p, code, p->tok, "expected %s, found %s", want,
	    hint_found(p->source->text, p->tok, found));
	if (hint)
		error_hint(e, "%s", hint);
	else
		hint_token(p, e);
	return false;
}

bool
parse_unexpected(struct parser *p, const char *want, const char *hint)
{
	return parse_unexpected_as(p, ERR_SYNTAX_UNEXPECTED, want, hint);
}

bool
parse_expect(struct parser *p, enum token_kind kind, const char *hint)
{
	char want[16];

	if (p->tok.kind != kind) {
		snprintf(want, sizeof want, "`%s`", lex_kind_text(kind));
		return parse_unexpected(p, want, hint);
	}
	parse_advance(p);
	return true;
}

bool
parse_enter(struct parser *p)
{
	if (p->depth >= LIMIT_NESTING) {
		if (!p->too_deep)
			(void)parse_refuse(p, ERR_LIMIT_DEPTH, p->tok,
			    "nested deeper than %u levels", LIMIT_NESTING);
		p->failed = p->too_deep = true;
		return false;
	}
	p->depth++;
	return true;
}

void
parse_leave(struct parser *p)
{
	p->depth--;
}

/* ---- names ----------------------------------------------------------------
 */

void
parse_check_identifier(struct parser *p, struct token t)
{
	struct str text = parse_text(p, t);

	if (lex_is_reserved(t.keyword) || t.keyword == KW_CEDAR)
		p->refused_end = t.off + t.len;
	if (lex_is_reserved(t.keyword))
		error_hint(parse_refuse(p, ERR_NAME_RESERVED, t,
			       "expected a name, found the reserved word "
			       "`%.*s`",
			       STR_ARG(text)),
		    "as an attribute it can be written in quotes: "
		    "`[\"%.*s\"]`, `has \"%.*s\"`",
		    STR_ARG(text), STR_ARG(text));
	else if (t.keyword == KW_CEDAR)
		(void)parse_refuse(p, ERR_NAME_RESERVED, t,
		    "expected a name, found the reserved word `__cedar`");
}

static void
check_component(struct parser *p, struct token t)
{
	struct str text = parse_text(p, t);

	if (!lex_is_reserved(t.keyword) && t.keyword != KW_CEDAR)
		return;
	(void)parse_refuse(p, ERR_NAME_RESERVED, t,
	    "expected a name, found the reserved word `%.*s`", STR_ARG(text));
	p->refused_end = t.off + t.len;
}

/* The name's text without the space that may stand around `::`. */
static struct str
plain_name(struct parser *p, uint32_t off, uint32_t len, uint32_t sum)
{
	struct lexer lx = { .text = source_text(p->source, off, len) };
	struct token t;
	struct str name = lx.text;

	if (sum == len)
		return name;
	p->scratch.n = 0;
	while ((t = lex_next(&lx)).kind != TOKEN_END)
		buf_add(
		    &p->scratch, str_sub(name, t.off, (size_t)t.off + t.len));
	name = str_dup(p->arena, buf_str(&p->scratch));
	if (!name.p)
		p->scratch.failed = true;
	p->scratch.n = 0;
	return name;
}

bool
parse_path(struct parser *p, struct str *ret_name, struct token *ret_id)
{
	uint32_t off = p->tok.off, sum = 0, len;
	struct token id = { .kind = TOKEN_END };

	for (;;) {
		check_component(p, p->tok);
		sum += p->tok.len;
		parse_advance(p);
		len = parse_len(p, off);
		if (p->tok.kind != TOKEN_PATH)
			break;
		parse_advance(p);
		if (p->tok.kind == TOKEN_STRING) {
			id = p->tok;
			parse_advance(p);
			break;
		}
		if (p->tok.kind != TOKEN_WORD)
			return parse_unexpected(p, "an id in quotes after `::`",
			    "an entity is `Type::\"id\"`");
		sum += 2;
	}
	*ret_name = plain_name(p, off, len, sum);
	*ret_id = id;
	return true;
}

/* `User::alice`, `User."alice"`, `User` alone. */
bool
parse_refuse_bare_id(struct parser *p, uint32_t off)
{
	static const char want[] = "`::` and an id in quotes";
	struct token id = p->prev, next = parse_peek(p);
	struct str type = source_text(p->source, off, id.off - off);

	if (p->tok.fault || p->refused_end == id.off + id.len)
		return false;
	if (id.off > off && p->tok.kind != TOKEN_STRING) {
		error_hint(parse_refuse(p, ERR_SYNTAX_UNEXPECTED, id,
			       "expected an id in quotes, found `%.*s`",
			       STR_ARG(parse_text(p, id))),
		    "write `%.*s\"%.*s\"`", STR_ARG(type),
		    STR_ARG(parse_text(p, id)));
		p->refused_end = id.off + id.len;
		return false;
	}
	type = source_text(p->source, off, id.off + id.len - off);
	if (p->tok.kind == TOKEN_STRING || next.kind == TOKEN_STRING) {
		struct token s = p->tok.kind == TOKEN_STRING ? p->tok : next;

		snprintf(p->hint, sizeof p->hint, "write `%.*s::%.*s`",
		    STR_ARG(type), STR_ARG(parse_text(p, s)));
		return parse_unexpected(p, want, p->hint);
	}
	error_hint(
	    parse_refuse(p, ERR_SYNTAX_UNEXPECTED, id,
		"expected " ENTITY_WANTED ", found `%.*s`", STR_ARG(type)),
	    type.p[0] >= 'A' && type.p[0] <= 'Z'
		? "a type is tested with `is`"
		: "an entity is `Type::\"id\"`");
	p->refused_end = id.off + id.len;
	return false;
}

bool
parse_name(struct parser *p, struct str *ret_name)
{
	struct token start = p->tok, id = { 0 };

	if (!parse_path(p, ret_name, &id))
		return false;
	if (id.kind != TOKEN_STRING)
		return true;
	start.len = parse_len(p, start.off);
	if (id.fault)
		return false;
	error_hint(parse_refuse(p, ERR_SYNTAX_UNEXPECTED, start,
		       "expected an entity type, found an entity"),
	    "write `is %.*s`, or compare with `==`", STR_ARG(*ret_name));
	return false;
}

static int
by_name(const void *a, const void *b)
{
	const struct parse_place *x = a, *y = b;
	int order = str_cmp(x->name, y->name);

	return order ? order
		     : (x->at.off > y->at.off) - (x->at.off < y->at.off);
}

void
parse_note_name(
    struct parser *p, struct buf *places, struct str name, struct token at)
{
	struct parse_place place = { name, at };

	buf_add(places, (struct str){ (const char *)&place, sizeof place });
	if (!buf_ok(places))
		p->scratch.failed = true;
}

void
parse_check_unique(struct parser *p, const char *what, struct buf *places)
{
	struct parse_place *sorted = (struct parse_place *)(void *)places->p;
	size_t n = places->n / sizeof *sorted;

	if (n < 2)
		return;
	qsort(sorted, n, sizeof *sorted, by_name);
	for (size_t i = 1, first = 0; i < n; i++) {
		struct str name = sorted[i].name;

		if (!str_eq(name, sorted[first].name)) {
			first = i;
			continue;
		}
		(void)parse_refuse(p, ERR_NAME_DUPLICATE, sorted[i].at,
		    "the %s `%.*s` stands twice, first on line %u", what,
		    (int)(name.n > 80 ? 80 : name.n), name.p,
		    source_span(p->source, sorted[first].at.off, 0).line);
	}
}
