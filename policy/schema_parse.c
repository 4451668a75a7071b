/* schema_parse.c - Cedar's schema text to the tree of a schema.
 * Words are keywords by where they stand alone: `entity type;` declares a type
 * called `type`. After an error reading goes on with the next declaration; a
 * declaration ends at `;`, or where a line begins another one.
 * Recursion is bounded by LIMIT_NESTING. Cost O(text). */
#include "policy/schema_parse.h"

#include "base/limits.h"
#include "policy/hint.h"

/* --- annotations ---------------------------------------------------------- */

static bool
check_note(struct schema_parser *p, const struct tree_notes *list)
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
read_notes(struct schema_parser *p, struct tree_notes *ret)
{
	while (p->tok.kind == TOKEN_AT) {
		struct tree_note *note = TREE_PUSH(p->r, ret);

		schema_advance(p);
		if (!note)
			return false;
		if (p->tok.kind != TOKEN_WORD)
			return schema_unexpected(
			    p, "the name of an annotation", NULL);
		if (ret->n > LIMIT_NESTING) {
			(void)schema_refuse(p->r, ERR_LIMIT_COUNT,
			    schema_place_of(p->tok), "more than %u annotations",
			    LIMIT_NESTING);
			return false;
		}
		note->key.name = schema_text_of(p, p->tok);
		note->key.at = schema_place_of(p->tok);
		schema_advance(p);
		(void)check_note(p, ret);
		if (p->tok.kind != TOKEN_LPAREN)
			continue;
		schema_advance(p);
		note->has_value = true;
		if (!schema_read_string(p, &note->value) ||
		    !schema_expect(p, TOKEN_RPAREN, NULL))
			return false;
	}
	return true;
}

/* --- types ---------------------------------------------------------------- */

static bool read_type(struct schema_parser *p, struct tree_type *ret);

static bool
read_attribute(struct schema_parser *p, struct tree_attributes *list)
{
	struct tree_attribute *a = TREE_PUSH(p->r, list);

	if (!a || !read_notes(p, &a->notes))
		return false;
	if (!schema_read_label(p, "the name of an attribute", &a->name))
		return false;
	a->required = p->tok.fault != FAULT_QUESTION;
	if (!a->required)
		schema_advance(p);
	if (p->tok.kind != TOKEN_COLON)
		return schema_unexpected(p,
		    a->required ? "`:` or `?:` after the attribute's name"
				: "`:`",
		    NULL);
	schema_advance(p);
	return read_type(p, &a->type);
}

/* `{` … `}`; the current token is the brace. */
static bool
read_record(struct schema_parser *p, struct tree_type *ret)
{
	struct token from = p->tok;

	ret->kind = TREE_RECORD;
	if (p->tok.kind != TOKEN_LBRACE)
		return schema_unexpected(p, "`{`", NULL);
	if (!schema_enter(p))
		return false;
	schema_advance(p);
	while (p->tok.kind != TOKEN_RBRACE) {
		if (!read_attribute(p, &ret->attributes))
			return false;
		if (p->tok.kind == TOKEN_COMMA)
			schema_advance(p);
		else if (p->tok.kind != TOKEN_RBRACE)
			return schema_unexpected(
			    p, "`,` or `}` after the attribute", NULL);
	}
	schema_advance(p);
	p->depth--;
	ret->name.at = schema_place_from(p, from);
	return schema_drop_repeats(p->r, &ret->attributes);
}

static bool
read_set(struct schema_parser *p, struct tree_type *ret)
{
	struct tree_type *element = ARENA_NEW(p->r->arena, struct tree_type);
	struct token from = p->tok;

	ret->kind = TREE_SET;
	ret->element = element;
	if (!element)
		return schema_nomem(p->r);
	if (!schema_enter(p))
		return false;
	schema_advance(p); /* Set */
	schema_advance(p); /* < */
	if (!read_type(p, element) || !schema_expect(p, TOKEN_GT, NULL))
		return false;
	p->depth--;
	ret->name.at = schema_place_from(p, from);
	return true;
}

static bool
read_type(struct schema_parser *p, struct tree_type *ret)
{
	if (p->tok.kind == TOKEN_LBRACE)
		return read_record(p, ret);
	if (schema_at_word(p, "Set") && schema_peek(p).kind == TOKEN_LT)
		return read_set(p, ret);
	ret->kind = TREE_NAME;
	return schema_read_path(p, "a type", &ret->name, NULL);
}

static const struct tree_type *
new_type(struct schema_parser *p,
    bool (*read)(struct schema_parser *, struct tree_type *))
{
	struct tree_type *type = ARENA_NEW(p->r->arena, struct tree_type);

	if (!type)
		(void)schema_nomem(p->r);
	return type && read(p, type) ? type : NULL;
}

/* --- declarations --------------------------------------------------------- */

static struct tree_namespace *
space(const struct schema_parser *p)
{
	return &p->tree->items[p->space];
}

static bool
read_common(struct schema_parser *p, const struct tree_notes *notes)
{
	struct tree_common *c = TREE_PUSH(p->r, &space(p)->commons);

	if (!c)
		return false;
	c->notes = *notes;
	if (!schema_read_declared(p, "a common type", &c->name))
		return false;
	if (p->tok.kind != TOKEN_ASSIGN)
		return schema_unexpected(p, "`=`", NULL);
	schema_advance(p);
	return read_type(p, &c->type) &&
	       schema_expect(p, TOKEN_SEMICOLON, "a declaration ends with `;`");
}

static bool
read_ids(struct schema_parser *p, struct tree_names *ret)
{
	if (!schema_expect(p, TOKEN_LBRACKET, NULL))
		return false;
	for (;;) {
		struct tree_name *id = TREE_PUSH(p->r, ret);

		if (!id)
			return false;
		id->at = schema_place_of(p->tok);
		if (p->tok.kind != TOKEN_STRING)
			return schema_unexpected(p, "an id in quotes", NULL);
		if (!schema_read_string(p, &id->name))
			return false;
		if (p->tok.kind != TOKEN_COMMA)
			break;
		schema_advance(p);
	}
	return schema_expect(p, TOKEN_RBRACKET, NULL);
}

/* What follows the names of entity types, up to the `;`. */
static bool
read_entity_body(struct schema_parser *p, struct tree_entity *e)
{
	if (schema_at_word(p, "enum")) {
		schema_advance(p);
		e->is_enum = true;
		return read_ids(p, &e->ids);
	}
	if (p->tok.keyword == KW_IN) {
		schema_advance(p);
		if (!schema_read_names(p, "an entity type", &e->parents))
			return false;
	}
	if (p->tok.kind == TOKEN_ASSIGN || p->tok.kind == TOKEN_LBRACE) {
		if (p->tok.kind == TOKEN_ASSIGN)
			schema_advance(p);
		e->shape = new_type(p, read_record);
		if (!e->shape)
			return false;
	}
	if (schema_at_word(p, "tags")) {
		schema_advance(p);
		e->tags = new_type(p, read_type);
		return e->tags != NULL;
	}
	return true;
}

/* `;` after what a declaration may still have. */
static bool
read_end(struct schema_parser *p, const char *want)
{
	if (p->tok.kind != TOKEN_SEMICOLON)
		return schema_unexpected(p, want,
		    p->tok.kind == TOKEN_COMMA
			? "more than one stand in brackets: `[A, B]`"
			: "a declaration ends with `;`");
	schema_advance(p);
	return true;
}

static bool
read_entities(struct schema_parser *p, const struct tree_notes *notes)
{
	struct tree_entity body = { .notes = *notes }, *e;
	struct tree_names names = { 0 };

	for (;;) {
		struct tree_name *name = TREE_PUSH(p->r, &names);

		if (!name || !schema_read_declared(p, "an entity type", name))
			return false;
		if (p->tok.kind != TOKEN_COMMA)
			break;
		schema_advance(p);
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
read_ref(struct schema_parser *p, struct tree_refs *list)
{
	struct tree_ref *ref = TREE_PUSH(p->r, list);
	struct tree_name type = { 0 };

	if (!ref)
		return false;
	if (p->tok.kind == TOKEN_STRING || schema_peek(p).kind != TOKEN_PATH)
		return schema_read_label(p, "an action", &ref->id);
	if (!schema_read_path(p, "an action", &type, &ref->id))
		return false;
	if (!ref->id.at.len)
		return schema_unexpected(p,
		    "`::\"...\"` after the action's type",
		    "an action is `name`, `\"name\"` or "
		    "`Namespace::Action::\"name\"`");
	/* Without the `::` before the id. */
	ref->type = type.name;
	return true;
}

static bool
read_refs(struct schema_parser *p, struct tree_refs *ret)
{
	bool bracket = p->tok.kind == TOKEN_LBRACKET;

	if (bracket)
		schema_advance(p);
	for (;;) {
		if (!read_ref(p, ret))
			return false;
		if (!bracket || p->tok.kind != TOKEN_COMMA)
			break;
		schema_advance(p);
	}
	return !bracket || schema_expect(p, TOKEN_RBRACKET, NULL);
}

static bool
read_context(struct schema_parser *p, struct tree_action *a)
{
	struct tree_type *type = ARENA_NEW(p->r->arena, struct tree_type);

	if (!type)
		return schema_nomem(p->r);
	a->context = type;
	if (p->tok.kind == TOKEN_LBRACE)
		return read_record(p, type);
	type->kind = TREE_COMMON;
	return schema_read_path(
	    p, "a record or the name of a common type", &type->name, NULL);
}

struct applies {
	struct token principal, resource, context; /* len 0: not there */
};

/* `principal: …`, `resource: …` or `context: …`. */
static bool
read_applies(
    struct schema_parser *p, struct tree_action *a, struct applies *seen)
{
	struct token word = p->tok, *slot = NULL;
	struct tree_names *names = &a->principals;

	if (schema_at_word(p, "principal"))
		slot = &seen->principal;
	else if (schema_at_word(p, "resource"))
		slot = &seen->resource;
	else if (schema_at_word(p, "context"))
		slot = &seen->context;
	if (!slot)
		return schema_unexpected(
		    p, "`principal`, `resource` or `context`", NULL);
	if (slot->len)
		(void)schema_refuse(p->r, ERR_SCHEMA_DUPLICATE,
		    schema_place_of(word), "`%.*s` stands twice",
		    STR_ARG(schema_text_of(p, word)));
	*slot = word;
	schema_advance(p);
	if (!schema_expect(p, TOKEN_COLON, NULL))
		return false;
	if (slot == &seen->context)
		return read_context(p, a);
	if (slot == &seen->resource)
		names = &a->resources;
	*names = (struct tree_names){ 0 };
	if (!schema_read_names(p, "an entity type", names))
		return false;
	if (names->n == 0)
		(void)schema_refuse(p->r, ERR_SCHEMA_SHAPE,
		    schema_place_from(p, word), "`%.*s` names no type",
		    STR_ARG(schema_text_of(p, word)));
	return true;
}

static bool
read_applies_to(struct schema_parser *p, struct tree_action *a)
{
	struct token word = p->tok;
	struct applies seen = { 0 };

	schema_advance(p);
	a->applies = true;
	if (!schema_expect(p, TOKEN_LBRACE, NULL))
		return false;
	do {
		if (!read_applies(p, a, &seen))
			return false;
		if (p->tok.kind == TOKEN_COMMA)
			schema_advance(p);
		else if (p->tok.kind != TOKEN_RBRACE)
			return schema_unexpected(p, "`,` or `}`", NULL);
	} while (p->tok.kind != TOKEN_RBRACE);
	schema_advance(p);
	if (!seen.principal.len || !seen.resource.len)
		(void)schema_refuse(p->r, ERR_SCHEMA_SHAPE,
		    schema_place_of(word),
		    "`appliesTo` must say `principal` and `resource`; `%s` is "
		    "missing",
		    seen.principal.len ? "resource" : "principal");
	return true;
}

/* `attributes {}`: allowed, and empty. */
static bool
read_attributes(struct schema_parser *p)
{
	if (!schema_at_word(p, "attributes"))
		return true;
	schema_advance(p);
	return schema_expect(p, TOKEN_LBRACE, NULL) &&
	       schema_expect(p, TOKEN_RBRACE, NULL);
}

static bool
read_actions(struct schema_parser *p, const struct tree_notes *notes)
{
	struct tree_action body = { .notes = *notes }, *a;
	struct tree_names names = { 0 };

	for (;;) {
		struct tree_name *name = TREE_PUSH(p->r, &names);

		if (!name ||
		    !schema_read_label(p, "the name of an action", name))
			return false;
		if (p->tok.kind != TOKEN_COMMA)
			break;
		schema_advance(p);
	}
	if (p->tok.keyword == KW_IN) {
		schema_advance(p);
		if (!read_refs(p, &body.parents))
			return false;
	}
	if (schema_at_word(p, "appliesTo") && !read_applies_to(p, &body))
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
	bool (*read)(struct schema_parser *p, const struct tree_notes *notes);
} declarations[] = {
	{ "entity", read_entities },
	{ "action", read_actions },
	{ "type", read_common },
};

static const struct declaration *
declaration_at(const struct schema_parser *p)
{
	for (size_t i = 0; i < ARRAY_LEN(declarations); i++)
		if (schema_at_word(p, declarations[i].word))
			return &declarations[i];
	return NULL;
}

static bool
begins_line(const struct schema_parser *p)
{
	struct str between = source_text(&p->r->source,
	    p->prev.off + p->prev.len, p->tok.off - p->prev.off - p->prev.len);

	return str_find(between, '\n', 0) < between.n;
}

/* To where a declaration may begin. */
static void
recover(struct schema_parser *p)
{
	while (p->tok.kind != TOKEN_END) {
		if (p->tok.kind == TOKEN_SEMICOLON) {
			schema_advance(p);
			return;
		}
		if (p->tok.kind == TOKEN_RBRACE && p->braces == 0 &&
		    p->in_namespace)
			return;
		if (begins_line(p) && p->prev.kind != TOKEN_COMMA &&
		    p->prev.kind != TOKEN_LBRACE &&
		    (p->tok.kind == TOKEN_AT || declaration_at(p) ||
			schema_at_word(p, "namespace")) &&
		    schema_peek(p).kind != TOKEN_COLON)
			return;
		schema_advance(p);
	}
}

/* The namespace that bare declarations belong to. */
static bool
take_bare(struct schema_parser *p)
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
read_declaration(struct schema_parser *p, const struct tree_notes *notes)
{
	const struct declaration *d = declaration_at(p);
	char found[HINT_FOUND];
	const char *words[] = { "entity", "action", "type", "namespace", NULL };
	const char *near = NULL;

	p->braces = 0;
	p->depth = 0;
	if (d) {
		schema_advance(p);
		if (!d->read(p, notes))
			recover(p);
		return;
	}
	if (p->tok.kind == TOKEN_WORD)
		near = hint_nearest(schema_text_of(p, p->tok), words);
	if (!schema_is_reported(p->tok)) {
		struct error *e = schema_refuse(p->r, ERR_SYNTAX_UNEXPECTED,
		    schema_place_of(p->tok),
		    p->in_namespace
			? "expected `entity`, `action` or `type`, found %s"
			: "expected `entity`, `action`, `type` or "
			  "`namespace`, found %s",
		    hint_found(p->r->source.text, p->tok, found));

		if (near)
			error_hint(e, "did you mean `%s`?", near);
	}
	if (p->tok.kind != TOKEN_END)
		schema_advance(p);
	recover(p);
}

static void
read_namespace(struct schema_parser *p, const struct tree_notes *notes)
{
	struct tree_namespace *n = TREE_PUSH(p->r, p->tree);
	struct token word = p->tok;
	struct tree_notes own;

	if (!n)
		return;
	p->space = p->tree->n - 1;
	n->notes = *notes;
	schema_advance(p);
	p->braces = 0;
	if (!schema_read_path(p, "the name of a namespace", &n->name, NULL) ||
	    !schema_expect(p, TOKEN_LBRACE, NULL)) {
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
		schema_advance(p);
	else
		error_hint(schema_refuse(p->r, ERR_SYNTAX_UNEXPECTED,
			       schema_place_of(p->tok),
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
	struct schema_parser p = {
		.r = r, .tree = ret, .lexer = { .text = r->source.text }
	};

	if (!check_utf8(r))
		return false;
	schema_advance(&p);
	while (p.tok.kind != TOKEN_END && !r->no_memory) {
		struct tree_notes notes = { 0 };

		p.braces = 0;
		if (!read_notes(&p, &notes))
			recover(&p);
		else if (schema_at_word(&p, "namespace"))
			read_namespace(&p, &notes);
		else if (take_bare(&p))
			read_declaration(&p, &notes);
	}
	return !r->failed;
}
