/* schema_print_json.c - the tree of a schema to Cedar's JSON form, indented by
 * two. Written by hand, as keys may hold NUL, which jansson's cannot.
 * Recursion is as deep as the tree. */
#include "base/json.h"
#include "policy/schema_tree.h"

struct writer {
	struct buf *out;
	unsigned depth;
	bool is_first; /* of what is open */
};

static void
new_line(struct writer *w)
{
	buf_byte(w->out, '\n');
	for (unsigned i = 0; i < w->depth; i++)
		buf_addz(w->out, "  ");
}

static void
next(struct writer *w)
{
	if (!w->is_first)
		buf_byte(w->out, ',');
	w->is_first = false;
	new_line(w);
}

static void
open_value(struct writer *w, char bracket)
{
	buf_byte(w->out, bracket);
	w->depth++;
	w->is_first = true;
}

static void
close_value(struct writer *w, char bracket)
{
	w->depth--;
	if (!w->is_first)
		new_line(w);
	buf_byte(w->out, bracket);
	w->is_first = false;
}

static void
put_string(struct writer *w, struct str s)
{
	json_t *json = json_from_str(s);

	if (!json || !json_write(w->out, json))
		w->out->failed = true;
	json_decref(json);
}

static void
put_key(struct writer *w, struct str key)
{
	next(w);
	put_string(w, key);
	buf_addz(w->out, ": ");
}

static void
put_member(struct writer *w, const char *key, struct str value)
{
	put_key(w, str_of(key));
	put_string(w, value);
}

static void
put_names(struct writer *w, const char *key, const struct tree_names *names)
{
	put_key(w, str_of(key));
	open_value(w, '[');
	for (size_t i = 0; i < names->n; i++) {
		next(w);
		put_string(w, names->items[i].name);
	}
	close_value(w, ']');
}

static void
put_notes(struct writer *w, const struct tree_notes *notes)
{
	if (!notes->n)
		return;
	put_key(w, STR("annotations"));
	open_value(w, '{');
	for (size_t i = 0; i < notes->n; i++) {
		const struct tree_note *n = &notes->items[i];

		put_key(w, n->key.name);
		if (n->has_value)
			put_string(w, n->value);
		else
			buf_addz(w->out, "null");
	}
	close_value(w, '}');
}

/* --- types ---------------------------------------------------------------- */

static void put_type(struct writer *w, const struct tree_type *t);

static void
put_attributes(struct writer *w, const struct tree_attributes *list)
{
	put_key(w, STR("attributes"));
	open_value(w, '{');
	for (size_t i = 0; i < list->n; i++) {
		const struct tree_attribute *a = &list->items[i];

		put_key(w, a->name.name);
		open_value(w, '{');
		put_type(w, &a->type);
		if (!a->required) {
			put_key(w, STR("required"));
			buf_addz(w->out, "false");
		}
		put_notes(w, &a->notes);
		close_value(w, '}');
	}
	close_value(w, '}');
}

/* The members of a type; the braces are the caller's. */
static void
put_type(struct writer *w, const struct tree_type *t)
{
	static const char *const words[] = {
		[TREE_NAME] = "EntityOrCommon",
		[TREE_COMMON] = "",
		[TREE_ENTITY] = "Entity",
		[TREE_EXTENSION] = "Extension",
		[TREE_LONG] = "Long",
		[TREE_STRING] = "String",
		[TREE_BOOLEAN] = "Boolean",
		[TREE_SET] = "Set",
		[TREE_RECORD] = "Record",
	};

	put_member(w, "type",
	    t->kind == TREE_COMMON ? t->name.name : str_of(words[t->kind]));
	if (t->kind == TREE_NAME || t->kind == TREE_ENTITY ||
	    t->kind == TREE_EXTENSION)
		put_member(w, "name", t->name.name);
	if (t->kind == TREE_RECORD)
		put_attributes(w, &t->attributes);
	if (t->kind != TREE_SET)
		return;
	put_key(w, STR("element"));
	open_value(w, '{');
	put_type(w, t->element);
	close_value(w, '}');
}

static void
put_type_member(struct writer *w, const char *key, const struct tree_type *t)
{
	if (!t)
		return;
	put_key(w, str_of(key));
	open_value(w, '{');
	put_type(w, t);
	close_value(w, '}');
}

/* --- declarations --------------------------------------------------------- */

static void
put_common(struct writer *w, const struct tree_common *c)
{
	put_key(w, c->name.name);
	open_value(w, '{');
	put_type(w, &c->type);
	put_notes(w, &c->notes);
	close_value(w, '}');
}

static void
put_entity(struct writer *w, const struct tree_entity *e)
{
	put_key(w, e->name.name);
	open_value(w, '{');
	if (e->is_enum)
		put_names(w, "enum", &e->ids);
	if (e->parents.n)
		put_names(w, "memberOfTypes", &e->parents);
	put_type_member(w, "shape", e->shape);
	put_type_member(w, "tags", e->tags);
	put_notes(w, &e->notes);
	close_value(w, '}');
}

static void
put_refs(struct writer *w, const struct tree_refs *refs)
{
	put_key(w, STR("memberOf"));
	open_value(w, '[');
	for (size_t i = 0; i < refs->n; i++) {
		next(w);
		open_value(w, '{');
		put_member(w, "id", refs->items[i].id.name);
		if (refs->items[i].type.n)
			put_member(w, "type", refs->items[i].type);
		close_value(w, '}');
	}
	close_value(w, ']');
}

static void
put_action(struct writer *w, const struct tree_action *a)
{
	put_key(w, a->name.name);
	open_value(w, '{');
	if (a->parents.n)
		put_refs(w, &a->parents);
	if (a->applies) {
		put_key(w, STR("appliesTo"));
		open_value(w, '{');
		put_names(w, "principalTypes", &a->principals);
		put_names(w, "resourceTypes", &a->resources);
		put_type_member(w, "context", a->context);
		close_value(w, '}');
	}
	put_notes(w, &a->notes);
	close_value(w, '}');
}

static void
put_namespace(struct writer *w, const struct tree_namespace *n)
{
	put_key(w, n->name.name);
	open_value(w, '{');
	if (n->commons.n) {
		put_key(w, STR("commonTypes"));
		open_value(w, '{');
		for (size_t i = 0; i < n->commons.n; i++)
			put_common(w, &n->commons.items[i]);
		close_value(w, '}');
	}
	put_key(w, STR("entityTypes"));
	open_value(w, '{');
	for (size_t i = 0; i < n->entities.n; i++)
		put_entity(w, &n->entities.items[i]);
	close_value(w, '}');
	put_key(w, STR("actions"));
	open_value(w, '{');
	for (size_t i = 0; i < n->actions.n; i++)
		put_action(w, &n->actions.items[i]);
	close_value(w, '}');
	put_notes(w, &n->notes);
	close_value(w, '}');
}

void
schema_print_json(const struct schema *s, struct buf *out)
{
	struct writer w = { .out = out };

	open_value(&w, '{');
	for (size_t i = 0; i < s->tree->n; i++)
		put_namespace(&w, &s->tree->items[i]);
	close_value(&w, '}');
	buf_byte(out, '\n');
}
