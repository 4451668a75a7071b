/* schema_parse.c - Cedar's schema text to the tree of a schema.
 * Words are keywords by where they stand alone: `entity type;` declares a type
 * called `type`. After an error reading goes on with the next declaration; a
 * declaration ends at `;`, or where a line begins another one.
 * Recursion is bounded by LIMIT_NESTING. Cost O(text). */
#include "policy/schema_tree.h"

#include <stdio.h>

#include "base/limits.h"
#include "policy/hint.h"
#include "policy/lex.h"
#include "policy/literal.h"

struct parser {
	struct schema_reader *r;
	struct schema_tree *tree;
	struct lexer lexer;
	struct token tok, prev;
	unsigned braces; /* open since the declaration began */
	unsigned depth;
	size_t space; /* index of the namespace being read */
	size_t bare;  /* index + 1 of that without a name, or 0 */
	bool in_namespace;
};

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

static struct tree_place
place_of(struct token t)
{
	return (struct tree_place){ t.off, t.len };
}

/* From `from` to the end of the token before the current one. */
static struct tree_place
place_from(const struct parser *p, struct token from)
{
	return (struct tree_place){ from.off,
		p->prev.off + p->prev.len - from.off };
}

static struct str
text_of(const struct parser *p, struct token t)
{
	return source_text(&p->r->source, t.off, t.len);
}

/* What has a fault has been reported, but a question mark, which has its
 * places. */
static bool
is_reported(struct token t)
{
	return t.fault && t.fault != FAULT_QUESTION;
}

static void
advance(struct parser *p)
{
	if (p->tok.kind == TOKEN_LBRACE)
		p->braces++;
	if (p->tok.kind == TOKEN_RBRACE && p->braces > 0)
		p->braces--;
	p->prev = p->tok;
	p->tok = lex_next(&p->lexer);
	/* A question mark is a token of schemas: `name?: Long`. */
	if (is_reported(p->tok))
		(void)schema_refuse(p->r,
		    p->tok.kind == TOKEN_STRING ? ERR_SYNTAX_STRING
						: ERR_SYNTAX_LEXICAL,
		    place_of(p->tok), "%s", faults[p->tok.fault]);
}

static struct token
peek(const struct parser *p)
{
	struct lexer ahead = p->lexer;

	return lex_next(&ahead);
}

static bool
at_word(const struct parser *p, const char *word)
{
	return p->tok.kind == TOKEN_WORD &&
	       str_eq(text_of(p, p->tok), str_of(word));
}

/* The keyword that a word was meant to be, where `want` names it; or NULL. */
static const char *
meant(const struct parser *p, const char *want)
{
	static const char *const words[] = { "appliesTo", "principal",
		"resource", "context", "tags", "enum", NULL };
	const char *near;

	if (p->tok.kind != TOKEN_WORD)
		return NULL;
	near = hint_nearest(text_of(p, p->tok), words);
	return near && strstr(want, near) ? near : NULL;
}

/* Always false. What has a fault has been reported. */
static bool
unexpected(struct parser *p, const char *want, const char *hint)
{
	const char *near = meant(p, want);
	char found[HINT_FOUND];
	struct error *e;

	p->r->failed = true;
	if (is_reported(p->tok) || p->prev.fault == FAULT_UNCLOSED)
		return false;
	e = schema_refuse(p->r, ERR_SYNTAX_UNEXPECTED, place_of(p->tok),
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

static bool
expect(struct parser *p, enum token_kind kind, const char *hint)
{
	char want[16];

	if (p->tok.kind == kind) {
		advance(p);
		return true;
	}
	(void)snprintf(want, sizeof want, "`%s`", lex_kind_text(kind));
	return unexpected(p, want, hint);
}

static bool
enter(struct parser *p)
{
	if (p->depth++ < LIMIT_NESTING)
		return true;
	(void)schema_refuse(p->r, ERR_LIMIT_DEPTH, place_of(p->tok),
	    "types are nested deeper than %u levels", LIMIT_NESTING);
	return false;
}

/* --- names and strings ---------------------------------------------------- */

/* What the string token means; NULL bytes when it is wrong, and reported. */
static bool
read_string(struct parser *p, struct str *ret)
{
	struct token t = p->tok;
	struct str body;
	struct buf out = { 0 };
	struct literal_unit bad = { 0 };
	const char *why = "";
	bool ok;

	if (t.kind != TOKEN_STRING)
		return unexpected(p, "a string", NULL);
	advance(p);
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
check_word(struct parser *p, struct token t, const char *hint)
{
	struct error *e;

	if (!lex_is_reserved(t.keyword))
		return;
	e = schema_refuse(p->r, ERR_NAME_RESERVED, place_of(t),
	    "expected a name, found the reserved word `%.*s`",
	    STR_ARG(text_of(p, t)));
	if (hint)
		error_hint(e, "%s", hint);
}

/* The name of an attribute or action: a word or a string. */
static bool
read_label(struct parser *p, const char *want, struct tree_name *ret)
{
	ret->at = place_of(p->tok);
	if (p->tok.kind == TOKEN_STRING)
		return read_string(p, &ret->name);
	if (p->tok.kind != TOKEN_WORD)
		return unexpected(p, want, NULL);
	ret->name = text_of(p, p->tok);
	advance(p);
	check_word(p, p->prev, "in quotes it can be the name");
	return true;
}

/* The name that a declaration gives to a type. */
static bool
read_declared(struct parser *p, const char *what, struct tree_name *ret)
{
	char want[80];

	(void)snprintf(want, sizeof want, "the name of %s", what);
	if (p->tok.kind != TOKEN_WORD)
		return unexpected(p, want, NULL);
	ret->name = text_of(p, p->tok);
	ret->at = place_of(p->tok);
	advance(p);
	(void)schema_check_declared(p->r, ret->name, ret->at, what);
	if (p->tok.kind == TOKEN_PATH)
		return unexpected(p, "a name without `::`",
		    "declare it inside of `namespace NAME { ... }`");
	return true;
}

/* The words from `off` on without the space that may stand between them. */
static bool
join_path(struct parser *p, struct tree_place at, struct str *ret)
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
static bool
read_path(struct parser *p, const char *want, struct tree_name *ret,
    struct tree_name *ret_id)
{
	struct token from = p->tok;

	if (p->tok.kind != TOKEN_WORD)
		return unexpected(p, want, NULL);
	for (;;) {
		check_word(p, p->tok, NULL);
		advance(p);
		ret->at = place_from(p, from);
		if (p->tok.kind != TOKEN_PATH)
			break;
		advance(p);
		if (p->tok.kind == TOKEN_STRING && ret_id) {
			if (!read_string(p, &ret_id->name))
				return false;
			ret_id->at = place_from(p, from);
			break;
		}
		if (p->tok.kind != TOKEN_WORD)
			return unexpected(p, "a name after `::`", NULL);
	}
	return join_path(p, ret->at, &ret->name);
}

/* NAME, or `[` NAME, … `]`. */
static bool
read_names(struct parser *p, const char *want, struct tree_names *ret)
{
	bool bracket = p->tok.kind == TOKEN_LBRACKET;
	struct tree_name *name;

	if (bracket)
		advance(p);
	if (bracket && p->tok.kind == TOKEN_RBRACKET) {
		advance(p);
		return true;
	}
	for (;;) {
		name = TREE_PUSH(p->r, ret);
		if (!name || !read_path(p, want, name, NULL))
			return false;
		if (!bracket || p->tok.kind != TOKEN_COMMA)
			break;
		advance(p);
	}
	return !bracket || expect(p, TOKEN_RBRACKET, NULL);
}

/* --- annotations ---------------------------------------------------------- */

static bool
check_note(struct parser *p, const struct tree_notes *list)
{
	const struct tree_note *last = &list->items[list->n - 1];

	for (size_t i = 0; i + 1 < list->n; i++)
		if (str_eq(list->items[i].key.name, last->key.name))
			(void)schema_refuse(p->r, ERR_NAME_DUPLICATE,
			    last->key.at, "the annotation `@%.*s` stands twice",
			    STR_ARG(schema_shown(last->key.name)));
	return true;
}

/* `@key`, `@key("value")`, any number. */
static bool
read_notes(struct parser *p, struct tree_notes *ret)
{
	while (p->tok.kind == TOKEN_AT) {
		struct tree_note *note = TREE_PUSH(p->r, ret);

		advance(p);
		if (!note)
			return false;
		if (p->tok.kind != TOKEN_WORD)
			return unexpected(p, "the name of an annotation", NULL);
		if (ret->n > LIMIT_NESTING) {
			(void)schema_refuse(p->r, ERR_LIMIT_COUNT,
			    place_of(p->tok), "more than %u annotations",
			    LIMIT_NESTING);
			return false;
		}
		note->key.name = text_of(p, p->tok);
		note->key.at = place_of(p->tok);
		advance(p);
		(void)check_note(p, ret);
		if (p->tok.kind != TOKEN_LPAREN)
			continue;
		advance(p);
		note->has_value = true;
		if (!read_string(p, &note->value) ||
		    !expect(p, TOKEN_RPAREN, NULL))
			return false;
	}
	return true;
}

/* --- types ---------------------------------------------------------------- */

static bool read_type(struct parser *p, struct tree_type *ret);

static bool
read_attribute(struct parser *p, struct tree_attributes *list)
{
	struct tree_attribute *a = TREE_PUSH(p->r, list);

	if (!a || !read_notes(p, &a->notes))
		return false;
	if (!read_label(p, "the name of an attribute", &a->name))
		return false;
	a->required = p->tok.fault != FAULT_QUESTION;
	if (!a->required)
		advance(p);
	if (p->tok.kind != TOKEN_COLON)
		return unexpected(p,
		    a->required ? "`:` or `?:` after the attribute's name"
				: "`:`",
		    NULL);
	advance(p);
	return read_type(p, &a->type);
}

/* `{` … `}`; the current token is the brace. */
static bool
read_record(struct parser *p, struct tree_type *ret)
{
	struct token from = p->tok;

	ret->kind = TREE_RECORD;
	if (p->tok.kind != TOKEN_LBRACE)
		return unexpected(p, "`{`", NULL);
	if (!enter(p))
		return false;
	advance(p);
	while (p->tok.kind != TOKEN_RBRACE) {
		if (!read_attribute(p, &ret->attributes))
			return false;
		if (p->tok.kind == TOKEN_COMMA)
			advance(p);
		else if (p->tok.kind != TOKEN_RBRACE)
			return unexpected(
			    p, "`,` or `}` after the attribute", NULL);
	}
	advance(p);
	p->depth--;
	ret->name.at = place_from(p, from);
	return schema_drop_repeats(p->r, &ret->attributes);
}

static bool
read_set(struct parser *p, struct tree_type *ret)
{
	struct tree_type *element = ARENA_NEW(p->r->arena, struct tree_type);
	struct token from = p->tok;

	ret->kind = TREE_SET;
	ret->element = element;
	if (!element)
		return schema_nomem(p->r);
	if (!enter(p))
		return false;
	advance(p); /* Set */
	advance(p); /* < */
	if (!read_type(p, element) || !expect(p, TOKEN_GT, NULL))
		return false;
	p->depth--;
	ret->name.at = place_from(p, from);
	return true;
}

static bool
read_type(struct parser *p, struct tree_type *ret)
{
	if (p->tok.kind == TOKEN_LBRACE)
		return read_record(p, ret);
	if (at_word(p, "Set") && peek(p).kind == TOKEN_LT)
		return read_set(p, ret);
	ret->kind = TREE_NAME;
	return read_path(p, "a type", &ret->name, NULL);
}

static const struct tree_type *
new_type(struct parser *p, bool (*read)(struct parser *, struct tree_type *))
{
	struct tree_type *type = ARENA_NEW(p->r->arena, struct tree_type);

	if (!type)
		(void)schema_nomem(p->r);
	return type && read(p, type) ? type : NULL;
}

/* --- declarations --------------------------------------------------------- */

static struct tree_namespace *
space(const struct parser *p)
{
	return &p->tree->items[p->space];
}

static bool
read_common(struct parser *p, const struct tree_notes *notes)
{
	struct tree_common *c = TREE_PUSH(p->r, &space(p)->commons);

	if (!c)
		return false;
	c->notes = *notes;
	if (!read_declared(p, "a common type", &c->name))
		return false;
	if (p->tok.kind != TOKEN_ASSIGN)
		return unexpected(p, "`=`", NULL);
	advance(p);
	return read_type(p, &c->type) &&
	       expect(p, TOKEN_SEMICOLON, "a declaration ends with `;`");
}

static bool
read_ids(struct parser *p, struct tree_names *ret)
{
	if (!expect(p, TOKEN_LBRACKET, NULL))
		return false;
	for (;;) {
		struct tree_name *id = TREE_PUSH(p->r, ret);

		if (!id)
			return false;
		id->at = place_of(p->tok);
		if (p->tok.kind != TOKEN_STRING)
			return unexpected(p, "an id in quotes", NULL);
		if (!read_string(p, &id->name))
			return false;
		if (p->tok.kind != TOKEN_COMMA)
			break;
		advance(p);
	}
	return expect(p, TOKEN_RBRACKET, NULL);
}

/* What follows the names of entity types, up to the `;`. */
static bool
read_entity_body(struct parser *p, struct tree_entity *e)
{
	if (at_word(p, "enum")) {
		advance(p);
		e->is_enum = true;
		return read_ids(p, &e->ids);
	}
	if (p->tok.keyword == KW_IN) {
		advance(p);
		if (!read_names(p, "an entity type", &e->parents))
			return false;
	}
	if (p->tok.kind == TOKEN_ASSIGN || p->tok.kind == TOKEN_LBRACE) {
		if (p->tok.kind == TOKEN_ASSIGN)
			advance(p);
		e->shape = new_type(p, read_record);
		if (!e->shape)
			return false;
	}
	if (at_word(p, "tags")) {
		advance(p);
		e->tags = new_type(p, read_type);
		return e->tags != NULL;
	}
	return true;
}

/* `;` after what a declaration may still have. */
static bool
read_end(struct parser *p, const char *want)
{
	if (p->tok.kind != TOKEN_SEMICOLON)
		return unexpected(p, want,
		    p->tok.kind == TOKEN_COMMA
			? "more than one stand in brackets: `[A, B]`"
			: "a declaration ends with `;`");
	advance(p);
	return true;
}

static bool
read_entities(struct parser *p, const struct tree_notes *notes)
{
	struct tree_entity body = { .notes = *notes }, *e;
	struct tree_names names = { 0 };

	for (;;) {
		struct tree_name *name = TREE_PUSH(p->r, &names);

		if (!name || !read_declared(p, "an entity type", name))
			return false;
		if (p->tok.kind != TOKEN_COMMA)
			break;
		advance(p);
	}
	if (!read_entity_body(p, &body))
		return false;
	for (size_t i = 0; i < names.n; i++) {
		e = TREE_PUSH(p->r, &space(p)->entities);
		if (!e)
			return false;
		*e = body;
		e->name = names.items[i];
	}
	return read_end(p, body.is_enum || body.tags ? "`;`"
			   : body.shape              ? "`tags` or `;`"
					: "`in`, `{`, `tags`, `enum` or `;`");
}

static bool
read_ref(struct parser *p, struct tree_refs *list)
{
	struct tree_ref *ref = TREE_PUSH(p->r, list);
	struct tree_name type = { 0 };

	if (!ref)
		return false;
	if (p->tok.kind == TOKEN_STRING || peek(p).kind != TOKEN_PATH)
		return read_label(p, "an action", &ref->id);
	if (!read_path(p, "an action", &type, &ref->id))
		return false;
	if (!ref->id.at.len)
		return unexpected(p, "`::\"...\"` after the action's type",
		    "an action is `name`, `\"name\"` or "
		    "`Namespace::Action::\"name\"`");
	/* Without the `::` before the id. */
	ref->type = type.name;
	return true;
}

static bool
read_refs(struct parser *p, struct tree_refs *ret)
{
	bool bracket = p->tok.kind == TOKEN_LBRACKET;

	if (bracket)
		advance(p);
	for (;;) {
		if (!read_ref(p, ret))
			return false;
		if (!bracket || p->tok.kind != TOKEN_COMMA)
			break;
		advance(p);
	}
	return !bracket || expect(p, TOKEN_RBRACKET, NULL);
}

static bool
read_context(struct parser *p, struct tree_action *a)
{
	struct tree_type *type = ARENA_NEW(p->r->arena, struct tree_type);

	if (!type)
		return schema_nomem(p->r);
	a->context = type;
	if (p->tok.kind == TOKEN_LBRACE)
		return read_record(p, type);
	type->kind = TREE_COMMON;
	return read_path(
	    p, "a record or the name of a common type", &type->name, NULL);
}

struct applies {
	struct token principal, resource, context; /* len 0: not there */
};

/* `principal: …`, `resource: …` or `context: …`. */
static bool
read_applies(struct parser *p, struct tree_action *a, struct applies *seen)
{
	struct token word = p->tok, *slot = NULL;
	struct tree_names *names = &a->principals;

	if (at_word(p, "principal"))
		slot = &seen->principal;
	else if (at_word(p, "resource"))
		slot = &seen->resource;
	else if (at_word(p, "context"))
		slot = &seen->context;
	if (!slot)
		return unexpected(
		    p, "`principal`, `resource` or `context`", NULL);
	if (slot->len)
		(void)schema_refuse(p->r, ERR_SCHEMA_DUPLICATE, place_of(word),
		    "`%.*s` stands twice", STR_ARG(text_of(p, word)));
	*slot = word;
	advance(p);
	if (!expect(p, TOKEN_COLON, NULL))
		return false;
	if (slot == &seen->context)
		return read_context(p, a);
	if (slot == &seen->resource)
		names = &a->resources;
	*names = (struct tree_names){ 0 };
	if (!read_names(p, "an entity type", names))
		return false;
	if (names->n == 0)
		(void)schema_refuse(p->r, ERR_SCHEMA_SHAPE, place_from(p, word),
		    "`%.*s` names no type", STR_ARG(text_of(p, word)));
	return true;
}

static bool
read_applies_to(struct parser *p, struct tree_action *a)
{
	struct token word = p->tok;
	struct applies seen = { 0 };

	advance(p);
	a->applies = true;
	if (!expect(p, TOKEN_LBRACE, NULL))
		return false;
	do {
		if (!read_applies(p, a, &seen))
			return false;
		if (p->tok.kind == TOKEN_COMMA)
			advance(p);
		else if (p->tok.kind != TOKEN_RBRACE)
			return unexpected(p, "`,` or `}`", NULL);
	} while (p->tok.kind != TOKEN_RBRACE);
	advance(p);
	if (!seen.principal.len || !seen.resource.len)
		(void)schema_refuse(p->r, ERR_SCHEMA_SHAPE, place_of(word),
		    "`appliesTo` must say `principal` and `resource`; `%s` is "
		    "missing",
		    seen.principal.len ? "resource" : "principal");
	return true;
}

/* `attributes {}`: allowed, and empty. */
static bool
read_attributes(struct parser *p)
{
	if (!at_word(p, "attributes"))
		return true;
	advance(p);
	return expect(p, TOKEN_LBRACE, NULL) && expect(p, TOKEN_RBRACE, NULL);
}

static bool
read_actions(struct parser *p, const struct tree_notes *notes)
{
	struct tree_action body = { .notes = *notes }, *a;
	struct tree_names names = { 0 };

	for (;;) {
		struct tree_name *name = TREE_PUSH(p->r, &names);

		if (!name || !read_label(p, "the name of an action", name))
			return false;
		if (p->tok.kind != TOKEN_COMMA)
			break;
		advance(p);
	}
	if (p->tok.keyword == KW_IN) {
		advance(p);
		if (!read_refs(p, &body.parents))
			return false;
	}
	if (at_word(p, "appliesTo") && !read_applies_to(p, &body))
		return false;
	if (!read_attributes(p))
		return false;
	for (size_t i = 0; i < names.n; i++) {
		a = TREE_PUSH(p->r, &space(p)->actions);
		if (!a)
			return false;
		*a = body;
		a->name = names.items[i];
	}
	return read_end(p, body.applies     ? "`;`"
			   : body.parents.n ? "`appliesTo` or `;`"
					    : "`in`, `appliesTo` or `;`");
}

/* --- the whole ------------------------------------------------------------ */

static const struct declaration {
	const char *word;
	bool (*read)(struct parser *p, const struct tree_notes *notes);
} declarations[] = {
	{ "entity", read_entities },
	{ "action", read_actions },
	{ "type", read_common },
};

static const struct declaration *
declaration_at(const struct parser *p)
{
	for (size_t i = 0; i < ARRAY_LEN(declarations); i++)
		if (at_word(p, declarations[i].word))
			return &declarations[i];
	return NULL;
}

static bool
begins_line(const struct parser *p)
{
	struct str between = source_text(&p->r->source,
	    p->prev.off + p->prev.len, p->tok.off - p->prev.off - p->prev.len);

	return str_find(between, '\n', 0) < between.n;
}

/* To where a declaration may begin. */
static void
recover(struct parser *p)
{
	while (p->tok.kind != TOKEN_END) {
		if (p->tok.kind == TOKEN_SEMICOLON) {
			advance(p);
			return;
		}
		if (p->tok.kind == TOKEN_RBRACE && p->braces == 0 &&
		    p->in_namespace)
			return;
		if (begins_line(p) && p->prev.kind != TOKEN_COMMA &&
		    p->prev.kind != TOKEN_LBRACE &&
		    (p->tok.kind == TOKEN_AT || declaration_at(p) ||
			at_word(p, "namespace")) &&
		    peek(p).kind != TOKEN_COLON)
			return;
		advance(p);
	}
}

/* The namespace that bare declarations belong to. */
static bool
take_bare(struct parser *p)
{
	if (!p->bare) {
		if (!TREE_PUSH(p->r, p->tree))
			return false;
		p->bare = p->tree->n;
	}
	p->space = p->bare - 1;
	return true;
}

/* One declaration; goes on behind one that is wrong. */
static void
read_declaration(struct parser *p, const struct tree_notes *notes)
{
	const struct declaration *d = declaration_at(p);
	char found[HINT_FOUND];
	const char *words[] = { "entity", "action", "type", "namespace", NULL };
	const char *near = NULL;

	p->braces = 0;
	p->depth = 0;
	if (d) {
		advance(p);
		if (!d->read(p, notes))
			recover(p);
		return;
	}
	if (p->tok.kind == TOKEN_WORD)
		near = hint_nearest(text_of(p, p->tok), words);
	if (!is_reported(p->tok)) {
		struct error *e =
		    schema_refuse(p->r, ERR_SYNTAX_UNEXPECTED, place_of(p->tok),
			p->in_namespace
			    ? "expected `entity`, `action` or `type`, found %s"
			    : "expected `entity`, `action`, `type` or "
			      "`namespace`, found %s",
			hint_found(p->r->source.text, p->tok, found));

		if (near)
			error_hint(e, "did you mean `%s`?", near);
	}
	if (p->tok.kind != TOKEN_END)
		advance(p);
	recover(p);
}

static void
read_namespace(struct parser *p, const struct tree_notes *notes)
{
	struct tree_namespace *n = TREE_PUSH(p->r, p->tree);
	struct token word = p->tok;
	struct tree_notes own;

	if (!n)
		return;
	p->space = p->tree->n - 1;
	n->notes = *notes;
	advance(p);
	p->braces = 0;
	if (!read_path(p, "the name of a namespace", &n->name, NULL) ||
	    !expect(p, TOKEN_LBRACE, NULL)) {
		recover(p);
		return;
	}
	p->in_namespace = true;
	while (p->tok.kind != TOKEN_RBRACE && p->tok.kind != TOKEN_END) {
		own = (struct tree_notes){ 0 };
		p->braces = 0;
		if (!read_notes(p, &own))
			recover(p);
		else
			read_declaration(p, &own);
	}
	p->in_namespace = false;
	if (p->tok.kind == TOKEN_RBRACE)
		advance(p);
	else
		error_hint(
		    schema_refuse(p->r, ERR_SYNTAX_UNEXPECTED, place_of(p->tok),
			"expected `}`, found the end of the text"),
		    "the namespace that begins on line %u is not closed",
		    source_span(&p->r->source, word.off, 0).line);
}

static bool
check_utf8(struct schema_reader *r)
{
	struct str text = r->source.text;
	uint32_t point;
	size_t at = 0, n = 1;

	if (str_is_utf8(text))
		return true;
	while (n) {
		n = str_utf8_next(text, at, &point);
		at += n;
	}
	(void)schema_refuse(r, ERR_SYNTAX_LEXICAL,
	    (struct tree_place){ (uint32_t)at, 1 },
	    "expected UTF-8, found the byte %02x", (unsigned char)text.p[at]);
	return false;
}

bool
schema_parse_text(struct schema_reader *r, struct schema_tree *ret)
{
	struct parser p = {
		.r = r, .tree = ret, .lexer = { .text = r->source.text }
	};

	if (!check_utf8(r))
		return false;
	advance(&p);
	while (p.tok.kind != TOKEN_END && !r->no_memory) {
		struct tree_notes notes = { 0 };

		p.braces = 0;
		if (!read_notes(&p, &notes))
			recover(&p);
		else if (at_word(&p, "namespace"))
			read_namespace(&p, &notes);
		else if (take_bare(&p))
			read_declaration(&p, &notes);
	}
	return !r->failed;
}
