/* schema_token.c - tokens, names and strings of a schema's text.
 * What is wrong is reported where it stands, with the keyword that was meant
 * where one is near; who asked for it gives up its declaration. */
#include "policy/schema_parse.h"

#include <stdio.h>

#include "base/limits.h"
#include "policy/hint.h"
#include "policy/literal.h"

/* --- tokens --------------------------------------------------------------- */

static const char *const faults[] = {
	[FAULT_CHARACTER] = "expected a token, found a character that no name "
			    "or sign has",
	[FAULT_BYTE_ORDER_MARK] = "expected text, found a byte order mark",
	[FAULT_UNCLOSED] = "expected a closing quote",
	[FAULT_RETURN] = "a string may not hold a carriage return",
	[FAULT_BROKEN_LINE] = "a backslash may not end a line in a string",
	[FAULT_SINGLE_QUOTES] = "expected a string in double quotes",
	[FAULT_BLOCK_COMMENT] = "expected a token, found `/*`: comments begin "
				"with `//`",
	[FAULT_OPERATOR] = "expected a token, found an operator of another "
			   "language",
	[FAULT_SMART_QUOTES] = "expected a string in plain double quotes, "
			       "found typographic ones",
	[FAULT_LETTER] = "expected a name, found one with letters beyond ASCII",
	[FAULT_HASH_COMMENT] = "expected a token, found `#`: comments begin "
			       "with `//`",
};

struct tree_place
schema_place_of(struct token t)
{
	return (struct tree_place){ t.off, t.len };
}

/* From `from` to the end of the token before the current one. */
struct tree_place
schema_place_from(const struct schema_parser *p, struct token from)
{
	return (struct tree_place){ from.off,
		p->prev.off + p->prev.len - from.off };
}

struct str
schema_text_of(const struct schema_parser *p, struct token t)
{
	return source_text(&p->r->source, t.off, t.len);
}

/* What has a fault has been reported, but a question mark, which has its
 * places. */
bool
schema_is_reported(struct token t)
{
	return t.fault && t.fault != FAULT_QUESTION;
}

void
schema_advance(struct schema_parser *p)
{
	if (p->tok.kind == TOKEN_LBRACE)
		p->braces++;
	if (p->tok.kind == TOKEN_RBRACE && p->braces > 0)
		p->braces--;
	p->prev = p->tok;
	p->tok = lex_next(&p->lexer);
	/* A question mark is a token of schemas: `name?: Long`. */
	if (schema_is_reported(p->tok))
		(void)schema_refuse(p->r,
		    p->tok.kind == TOKEN_STRING ? ERR_SYNTAX_STRING
						: ERR_SYNTAX_LEXICAL,
		    schema_place_of(p->tok), "%s", faults[p->tok.fault]);
}

struct token
schema_peek(const struct schema_parser *p)
{
	struct lexer ahead = p->lexer;

	return lex_next(&ahead);
}

bool
schema_at_word(const struct schema_parser *p, const char *word)
{
	return p->tok.kind == TOKEN_WORD &&
	       str_eq(schema_text_of(p, p->tok), str_of(word));
}

/* The keyword that a word was meant to be, where `want` names it; or NULL. */
static const char *
meant(const struct schema_parser *p, const char *want)
{
	static const char *const words[] = { "appliesTo", "principal",
		"resource", "context", "tags", "enum", NULL };
	const char *near;

	if (p->tok.kind != TOKEN_WORD)
		return NULL;
	near = hint_nearest(schema_text_of(p, p->tok), words);
	return near && strstr(want, near) ? near : NULL;
}

/* Always false. What has a fault has been reported. */
bool
schema_unexpected(struct schema_parser *p, const char *want, const char *hint)
{
	const char *near = meant(p, want);
	char found[HINT_FOUND];
	struct error *e;

	p->r->failed = true;
	if (schema_is_reported(p->tok) || p->prev.fault == FAULT_UNCLOSED)
		return false;
	e = schema_refuse(p->r, ERR_SYNTAX_UNEXPECTED, schema_place_of(p->tok),
	    "expected %s, found %s", want,
	    hint_found(p->r->source.text, p->tok, found));
	if (near)
		error_hint(e, "did you mean `%s`?", near);
	else if (hint)
		error_hint(e, "%s", hint);
	else if (p->prev.kind == TOKEN_COMMA &&
		 (p->tok.kind == TOKEN_RBRACKET ||
		     p->tok.kind == TOKEN_SEMICOLON))
		error_hint(e, "take the comma before it away");
	return false;
}

bool
schema_expect(struct schema_parser *p, enum token_kind kind, const char *hint)
{
	char want[16];

	if (p->tok.kind == kind) {
		schema_advance(p);
		return true;
	}
	(void)snprintf(want, sizeof want, "`%s`", lex_kind_text(kind));
	return schema_unexpected(p, want, hint);
}

bool
schema_enter(struct schema_parser *p)
{
	if (p->depth++ < LIMIT_NESTING)
		return true;
	(void)schema_refuse(p->r, ERR_LIMIT_DEPTH, schema_place_of(p->tok),
	    "types are nested deeper than %u levels", LIMIT_NESTING);
	return false;
}

/* --- names and strings ---------------------------------------------------- */

/* What the string token means; NULL bytes when it is wrong, and reported. */
bool
schema_read_string(struct schema_parser *p, struct str *ret)
{
	struct token t = p->tok;
	struct str body;
	struct buf out = { 0 };
	struct literal_unit bad = { 0 };
	const char *why = "";
	bool ok;

	if (t.kind != TOKEN_STRING)
		return schema_unexpected(p, "a string", NULL);
	schema_advance(p);
	if (t.fault)
		return false;
	body = source_text(&p->r->source, t.off + 1, t.len - 2);
	*ret = body;
	if (str_find(body, '\\', 0) == body.n)
		return true;
	ok = literal_unescape(body, &out, &bad, &why);
	if (!ok)
		(void)schema_refuse(p->r, ERR_SYNTAX_STRING,
		    (struct tree_place){
			t.off + 1 + (uint32_t)bad.off, (uint32_t)bad.len },
		    "wrong escape `%.*s` in a string: %s",
		    STR_ARG(str_sub(body, bad.off, bad.off + bad.len)), why);
	*ret = str_dup(p->r->arena, buf_str(&out));
	if (!buf_ok(&out) || !ret->p)
		ok = schema_nomem(p->r);
	buf_free(&out);
	return ok;
}

/* A reserved word is reported, and taken for the name. */
static void
check_word(struct schema_parser *p, struct token t, const char *hint)
{
	struct error *e;

	if (!lex_is_reserved(t.keyword))
		return;
	e = schema_refuse(p->r, ERR_NAME_RESERVED, schema_place_of(t),
	    "expected a name, found the reserved word `%.*s`",
	    STR_ARG(schema_text_of(p, t)));
	if (hint)
		error_hint(e, "%s", hint);
}

/* The name of an attribute or action: a word or a string. */
bool
schema_read_label(
    struct schema_parser *p, const char *want, struct tree_name *ret)
{
	ret->at = schema_place_of(p->tok);
	if (p->tok.kind == TOKEN_STRING)
		return schema_read_string(p, &ret->name);
	if (p->tok.kind != TOKEN_WORD)
		return schema_unexpected(p, want, NULL);
	ret->name = schema_text_of(p, p->tok);
	schema_advance(p);
	check_word(p, p->prev, "in quotes it can be the name");
	return true;
}

/* The name that a declaration gives to a type. */
bool
schema_read_declared(
    struct schema_parser *p, const char *what, struct tree_name *ret)
{
	char want[80];

	(void)snprintf(want, sizeof want, "the name of %s", what);
	if (p->tok.kind != TOKEN_WORD)
		return schema_unexpected(p, want, NULL);
	ret->name = schema_text_of(p, p->tok);
	ret->at = schema_place_of(p->tok);
	schema_advance(p);
	(void)schema_check_declared(p->r, ret->name, ret->at, what);
	if (p->tok.kind == TOKEN_PATH)
		return schema_unexpected(p, "a name without `::`",
		    "declare it inside of `namespace NAME { ... }`");
	return true;
}

/* The words from `off` on without the space that may stand between them. */
static bool
join_path(struct schema_parser *p, struct tree_place at, struct str *ret)
{
	struct lexer lx = { .text =
				source_text(&p->r->source, at.off, at.len) };
	struct buf name = { 0 };
	struct token t;

	*ret = lx.text;
	while ((t = lex_next(&lx)).kind != TOKEN_END)
		buf_add(&name, str_sub(lx.text, t.off, (size_t)t.off + t.len));
	if (buf_ok(&name) && name.n != at.len)
		*ret = str_dup(p->r->arena, buf_str(&name));
	if (!buf_ok(&name) || !ret->p)
		(void)schema_nomem(p->r);
	buf_free(&name);
	return !p->r->no_memory;
}

/* A (`::` B)*; where `::"id"` follows, *ret_id has it and its place is the
 * whole name's. `ret_id` NULL: none may follow. */
bool
schema_read_path(struct schema_parser *p, const char *want,
    struct tree_name *ret, struct tree_name *ret_id)
{
	struct token from = p->tok;

	if (p->tok.kind != TOKEN_WORD)
		return schema_unexpected(p, want, NULL);
	for (;;) {
		check_word(p, p->tok, NULL);
		schema_advance(p);
		ret->at = schema_place_from(p, from);
		if (p->tok.kind != TOKEN_PATH)
			break;
		schema_advance(p);
		if (p->tok.kind == TOKEN_STRING && ret_id) {
			if (!schema_read_string(p, &ret_id->name))
				return false;
			ret_id->at = schema_place_from(p, from);
			break;
		}
		if (p->tok.kind != TOKEN_WORD)
			return schema_unexpected(p, "a name after `::`", NULL);
	}
	return join_path(p, ret->at, &ret->name);
}

/* NAME, or `[` NAME, … `]`. */
bool
schema_read_names(
    struct schema_parser *p, const char *want, struct tree_names *ret)
{
	bool bracket = p->tok.kind == TOKEN_LBRACKET;
	struct tree_name *name;

	if (bracket)
		schema_advance(p);
	if (bracket && p->tok.kind == TOKEN_RBRACKET) {
		schema_advance(p);
		return true;
	}
	for (;;) {
		name = TREE_PUSH(p->r, ret);
		if (!name || !schema_read_path(p, want, name, NULL))
			return false;
		if (!bracket || p->tok.kind != TOKEN_COMMA)
			break;
		schema_advance(p);
	}
	return !bracket || schema_expect(p, TOKEN_RBRACKET, NULL);
}
