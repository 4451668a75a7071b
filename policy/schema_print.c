/* schema_print.c - the tree of a schema to Cedar's schema text.
 * Per namespace common types, entity types and actions, each in the order they
 * were written in, one attribute a line. Built-in types that JSON names by its
 * own words are `__cedar::Long` and so on, as nothing can hide those.
 * Recursion is as deep as the tree. */
#include "policy/lex.h"
#include "policy/literal.h"
#include "policy/schema_tree.h"

struct printer {
	const struct schema *s;
	const struct schema_tree *tree;
	const struct tree_namespace *space;
	struct buf *out;
	unsigned depth;
	struct error *err;
};

static void
print_indent(struct printer *p)
{
	for (unsigned i = 0; i < p->depth; i++)
		buf_addz(p->out, "  ");
}

/* Always false: this cannot be said in text. */
static bool
refuse(
    struct printer *p, struct tree_place at, const char *what, struct str name)
{
	struct source source;
	struct arena *a = arena_new(0);
	struct span span = { .file = p->s->file };

	if (a && source_init(a, p->s->file, p->s->text, &source, NULL))
		span = source_span(&source, at.off, at.len);
	arena_free(a);
	return error_set(p->err, ERR_SYNTAX_UNSUPPORTED, span,
	    "`%.*s` cannot be written as Cedar text: %s",
	    STR_ARG(schema_shown(name)), what);
}

static void
print_quoted(struct printer *p, struct str s)
{
	buf_byte(p->out, '"');
	literal_escape(p->out, s, LITERAL_STRING);
	buf_byte(p->out, '"');
}

/* The name of an attribute or action. */
static void
print_label(struct printer *p, struct str s)
{
	if (lex_is_identifier(s) && !lex_is_reserved(lex_keyword(s)))
		buf_add(p->out, s);
	else
		print_quoted(p, s);
}

static void
print_notes(struct printer *p, const struct tree_notes *notes)
{
	for (size_t i = 0; i < notes->n; i++) {
		const struct tree_note *n = &notes->items[i];

		print_indent(p);
		buf_byte(p->out, '@');
		buf_add(p->out, n->key.name);
		if (n->has_value) {
			buf_byte(p->out, '(');
			print_quoted(p, n->value);
			buf_byte(p->out, ')');
		}
		buf_byte(p->out, '\n');
	}
}

/* --- names that mean something else in text ------------------------------- */

static bool
is_common(const struct printer *p, struct str space, struct str name)
{
	for (size_t i = 0; i < p->tree->n; i++) {
		const struct tree_namespace *n = &p->tree->items[i];

		if (!str_eq(n->name.name, space))
			continue;
		for (size_t k = 0; k < n->commons.n; k++)
			if (str_eq(n->commons.items[k].name.name, name))
				return true;
	}
	return false;
}

/* `A::B` of `A::B::C`, and `C`. */
static void
split(struct str name, struct str *ret_space, struct str *ret_last)
{
	size_t from = name.n;

	while (from > 0 && name.p[from - 1] != ':')
		from--;
	*ret_last = str_sub(name, from, name.n);
	*ret_space = str_sub(name, 0, from >= 2 ? from - 2 : 0);
}

/* A name that JSON says is an entity type's. */
static bool
print_entity_name(struct printer *p, const struct tree_name *name)
{
	struct str space, last;
	bool hidden;

	split(name->name, &space, &last);
	hidden = is_common(p, space, last);
	if (!space.n)
		hidden = hidden || is_common(p, p->space->name.name, last);
	if (hidden)
		return refuse(p, name->at,
		    "a common type of the same name hides the entity type",
		    name->name);
	buf_add(p->out, name->name);
	return true;
}

/* A name that JSON says is a common type's, maybe a built-in one's. */
static void
print_common_name(struct printer *p, const struct tree_name *name)
{
	struct str space, last;

	split(name->name, &space, &last);
	if (!space.n && !is_common(p, space, last) &&
	    !is_common(p, p->space->name.name, last) &&
	    schema_find_type(p->s, last) != SCHEMA_NONE)
		buf_addz(p->out, "__cedar::");
	buf_add(p->out, name->name);
}

/* --- types ---------------------------------------------------------------- */

static bool print_type(struct printer *p, const struct tree_type *t);

static bool
print_record(struct printer *p, const struct tree_type *t)
{
	const struct tree_attributes *list = &t->attributes;

	if (!list->n) {
		buf_addz(p->out, "{}");
		return true;
	}
	buf_addz(p->out, "{\n");
	p->depth++;
	for (size_t i = 0; i < list->n; i++) {
		const struct tree_attribute *a = &list->items[i];

		print_notes(p, &a->notes);
		print_indent(p);
		print_label(p, a->name.name);
		buf_addz(p->out, a->required ? ": " : "?: ");
		if (!print_type(p, &a->type))
			return false;
		buf_addz(p->out, i + 1 < list->n ? ",\n" : "\n");
	}
	p->depth--;
	print_indent(p);
	buf_byte(p->out, '}');
	return true;
}

static bool
print_type(struct printer *p, const struct tree_type *t)
{
	switch (t->kind) {
	case TREE_NAME:
		buf_add(p->out, t->name.name);
		return true;
	case TREE_COMMON:
		print_common_name(p, &t->name);
		return true;
	case TREE_ENTITY:
		return print_entity_name(p, &t->name);
	case TREE_EXTENSION:
		buf_addz(p->out, "__cedar::");
		buf_add(p->out, t->name.name);
		return true;
	case TREE_LONG:
		buf_addz(p->out, "__cedar::Long");
		return true;
	case TREE_STRING:
		buf_addz(p->out, "__cedar::String");
		return true;
	case TREE_BOOLEAN:
		buf_addz(p->out, "__cedar::Bool");
		return true;
	case TREE_SET:
		buf_addz(p->out, "Set<");
		if (!print_type(p, t->element))
			return false;
		buf_byte(p->out, '>');
		return true;
	case TREE_RECORD:
		return print_record(p, t);
	}
	return false;
}

/* --- declarations --------------------------------------------------------- */

static void
print_names(struct printer *p, const struct tree_names *names)
{
	buf_byte(p->out, '[');
	for (size_t i = 0; i < names->n; i++) {
		buf_addz(p->out, i ? ", " : "");
		buf_add(p->out, names->items[i].name);
	}
	buf_byte(p->out, ']');
}

static bool
print_common(struct printer *p, const struct tree_common *c)
{
	print_notes(p, &c->notes);
	print_indent(p);
	buf_addz(p->out, "type ");
	buf_add(p->out, c->name.name);
	buf_addz(p->out, " = ");
	if (!print_type(p, &c->type))
		return false;
	buf_addz(p->out, ";\n");
	return true;
}

static void
print_ids(struct printer *p, const struct tree_names *ids)
{
	buf_addz(p->out, " enum [");
	for (size_t i = 0; i < ids->n; i++) {
		buf_addz(p->out, i ? ", " : "");
		print_quoted(p, ids->items[i].name);
	}
	buf_byte(p->out, ']');
}

static bool
print_entity(struct printer *p, const struct tree_entity *e)
{
	print_notes(p, &e->notes);
	print_indent(p);
	buf_addz(p->out, "entity ");
	buf_add(p->out, e->name.name);
	if (e->is_enum)
		print_ids(p, &e->ids);
	if (e->parents.n) {
		buf_addz(p->out, " in ");
		print_names(p, &e->parents);
	}
	if (e->shape && e->shape->kind != TREE_RECORD)
		return refuse(p, e->shape->name.at,
		    "its shape is a common type, and text wants a record here",
		    e->name.name);
	if (e->shape) {
		buf_addz(p->out, " = ");
		if (!print_record(p, e->shape))
			return false;
	}
	if (e->tags) {
		buf_addz(p->out, " tags ");
		if (!print_type(p, e->tags))
			return false;
	}
	buf_addz(p->out, ";\n");
	return true;
}

static void
print_refs(struct printer *p, const struct tree_refs *refs)
{
	buf_addz(p->out, " in [");
	for (size_t i = 0; i < refs->n; i++) {
		const struct tree_ref *ref = &refs->items[i];

		buf_addz(p->out, i ? ", " : "");
		if (ref->type.n) {
			buf_add(p->out, ref->type);
			buf_addz(p->out, "::");
			print_quoted(p, ref->id.name);
		} else
			print_label(p, ref->id.name);
	}
	buf_byte(p->out, ']');
}

static bool
print_applies(struct printer *p, const struct tree_action *a)
{
	buf_addz(p->out, " appliesTo {\n");
	p->depth++;
	print_indent(p);
	buf_addz(p->out, "principal: ");
	print_names(p, &a->principals);
	buf_addz(p->out, ",\n");
	print_indent(p);
	buf_addz(p->out, "resource: ");
	print_names(p, &a->resources);
	if (a->context) {
		buf_addz(p->out, ",\n");
		print_indent(p);
		buf_addz(p->out, "context: ");
		if (!print_type(p, a->context))
			return false;
	}
	p->depth--;
	buf_byte(p->out, '\n');
	print_indent(p);
	buf_byte(p->out, '}');
	return true;
}

static bool
print_action(struct printer *p, const struct tree_action *a)
{
	print_notes(p, &a->notes);
	print_indent(p);
	buf_addz(p->out, "action ");
	print_label(p, a->name.name);
	if (a->parents.n)
		print_refs(p, &a->parents);
	if (a->principals.n && a->resources.n && !print_applies(p, a))
		return false;
	buf_addz(p->out, ";\n");
	return true;
}

/* --- the whole ------------------------------------------------------------ */

/* An empty line between declarations that are not of one kind or one line. */
static bool
print_declarations(struct printer *p, const struct tree_namespace *n)
{
	size_t from = p->out->n;

	for (size_t i = 0; i < n->commons.n; i++) {
		buf_addz(p->out, p->out->n > from ? "\n" : "");
		if (!print_common(p, &n->commons.items[i]))
			return false;
	}
	for (size_t i = 0; i < n->entities.n; i++) {
		buf_addz(p->out, p->out->n > from ? "\n" : "");
		if (!print_entity(p, &n->entities.items[i]))
			return false;
	}
	for (size_t i = 0; i < n->actions.n; i++) {
		buf_addz(p->out, p->out->n > from ? "\n" : "");
		if (!print_action(p, &n->actions.items[i]))
			return false;
	}
	return true;
}

static bool
print_namespace(struct printer *p, const struct tree_namespace *n)
{
	p->space = n;
	if (!n->name.name.n)
		return print_declarations(p, n);
	print_notes(p, &n->notes);
	buf_addz(p->out, "namespace ");
	buf_add(p->out, n->name.name);
	buf_addz(p->out, " {\n");
	p->depth = 1;
	if (!print_declarations(p, n))
		return false;
	p->depth = 0;
	buf_addz(p->out, "}\n");
	return true;
}

bool
schema_print_text(const struct schema *s, struct buf *out, struct error *reterr)
{
	struct printer p = {
		.s = s, .tree = s->tree, .out = out, .err = reterr
	};
	size_t start = out->n;

	for (size_t i = 0; i < s->tree->n; i++) {
		const struct tree_namespace *n = &s->tree->items[i];

		/* Nothing in no namespace is nothing in text. */
		if (!n->name.name.n && !n->commons.n && !n->entities.n &&
		    !n->actions.n)
			continue;
		buf_addz(out, out->n > start ? "\n" : "");
		if (!print_namespace(&p, n))
			return false;
	}
	return true;
}

bool
schema_print(const struct schema *s, enum schema_syntax syntax, struct buf *out,
    struct error *reterr)
{
	if (syntax == SCHEMA_JSON)
		schema_print_json(s, out);
	else if (!schema_print_text(s, out, reterr))
		return false;
	return buf_ok(out) || error_nomem(reterr);
}
