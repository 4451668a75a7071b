/* schema.c - a schema as a whole: read, freed, and asked about.
 * Everything lives in the schema's arena; nothing changes once it is made. */
#include "policy/schema.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/limits.h"
#include "policy/schema_tree.h"
#include "policy/set.h"

/* A type in a message is cut here. */
#define TYPE_TEXT_BYTES 200u

enum schema_syntax
schema_syntax_of(const char *path, struct str text)
{
	static const struct str spaces = STR_INIT(" \t\r\n");
	size_t at = 0;

	if (str_has_suffix(str_of(path), STR(".json")))
		return SCHEMA_JSON;
	while (at < text.n && str_find(spaces, text.p[at], 0) < spaces.n)
		at++;
	return at < text.n && text.p[at] == '{' ? SCHEMA_JSON : SCHEMA_CEDAR;
}

static bool
is_before(const struct span *a, const struct span *b)
{
	return a->line < b->line || (a->line == b->line && a->col < b->col);
}

/* Those from `first` on in the order of the text. */
static void
sort_errors(struct errors *list, size_t first)
{
	for (size_t i = first + 1; i < list->n; i++)
		for (size_t k = i;
		     k > first && is_before(&list->e[k].at, &list->e[k - 1].at);
		     k--) {
			struct error e = list->e[k];

			list->e[k] = list->e[k - 1];
			list->e[k - 1] = e;
		}
}

/* `s` has its arena, file and text. */
static bool
fill(struct schema *s, enum schema_syntax syntax, struct errors *reterr)
{
	struct schema_tree *tree = ARENA_NEW(s->arena, struct schema_tree);
	struct schema_reader r = { .arena = s->arena, .errors = reterr };
	struct error e = { 0 };
	size_t first = reterr->n;
	bool ok;

	if (!tree)
		return errors_nomem(reterr);
	if (!source_init(s->arena, s->file, s->text, &r.source, &e))
		return errors_take(reterr, &e);
	s->tree = tree;
	ok = syntax == SCHEMA_JSON ? schema_parse_json(&r, tree)
				   : schema_parse_text(&r, tree);
	ok = ok && schema_resolve(&r, tree, s);
	sort_errors(reterr, first);
	return r.no_memory ? errors_nomem(reterr) : ok;
}

static struct schema *
new_empty(const char *file)
{
	struct arena *a = arena_new(0);
	struct schema *s = a ? ARENA_NEW(a, struct schema) : NULL;

	if (!s) {
		arena_free(a);
		return NULL;
	}
	s->arena = a;
	s->file = file;
	return s;
}

struct schema *
schema_new(const char *file, struct str text, enum schema_syntax syntax,
    struct errors *reterr)
{
	struct schema *s = new_empty(file);

	if (s)
		s->text = str_dup(s->arena, text);
	if (!s || !s->text.p) {
		schema_free(s);
		(void)errors_nomem(reterr);
		return NULL;
	}
	if (fill(s, syntax, reterr))
		return s;
	schema_free(s);
	return NULL;
}

struct schema *
schema_read(const char *path, struct errors *reterr)
{
	struct schema *s = new_empty(path);
	struct error e = { 0 };

	if (!s) {
		(void)errors_nomem(reterr);
		return NULL;
	}
	if (!file_read(s->arena, path, LIMIT_POLICY_FILE_BYTES, &s->text, &e))
		(void)errors_take(reterr, &e);
	else if (fill(s, schema_syntax_of(path, s->text), reterr))
		return s;
	schema_free(s);
	return NULL;
}

void
schema_free(struct schema *s)
{
	if (s)
		arena_free(s->arena);
}

struct str
schema_text(const struct schema *s)
{
	return s->text;
}

/* --- asking --------------------------------------------------------------- */

/* Which of `n` items of `size` bytes, sorted, begins with the key. */
static uint32_t
find(const void *key, const void *items, uint32_t n, size_t size,
    int (*compare)(const void *, const void *))
{
	const char *found = n ? bsearch(key, items, n, size, compare) : NULL;

	return found ? (uint32_t)((size_t)(found - (const char *)items) / size)
		     : SCHEMA_NONE;
}

uint32_t
schema_find_type(const struct schema *s, struct str name)
{
	return find(&name, s->types, s->n_types, sizeof *s->types, str_compare);
}

uint32_t
schema_find_action(const struct schema *s, struct uid uid)
{
	return find(
	    &uid, s->actions, s->n_actions, sizeof *s->actions, uid_compare);
}

static uint32_t
find_action_type(const struct schema *s, struct str name)
{
	return find(&name, s->action_types, s->n_action_types,
	    sizeof *s->action_types, str_compare);
}

bool
schema_has_action_type(const struct schema *s, struct str type)
{
	return find_action_type(s, type) != SCHEMA_NONE;
}

uint32_t
schema_find_any_type(const struct schema *s, struct str name)
{
	uint32_t found = schema_find_type(s, name);

	if (found != SCHEMA_NONE)
		return found;
	found = find_action_type(s, name);
	return found == SCHEMA_NONE ? SCHEMA_NONE : s->n_types + found;
}

struct str
schema_type_name(const struct schema *s, uint32_t type)
{
	if (type < s->n_types)
		return s->types[type].name;
	if (type - s->n_types < s->n_action_types)
		return s->action_types[type - s->n_types];
	return STR("any entity");
}

const struct type_attribute *
schema_find_attribute(const struct type *record, struct str name)
{
	const struct type_attribute *items = record->record.attributes;
	uint32_t i =
	    find(&name, items, record->record.n, sizeof *items, str_compare);

	return i == SCHEMA_NONE ? NULL : &items[i];
}

bool
schema_lists_id(const struct schema_entity_type *t, struct str id)
{
	return find(&id, t->ids, t->n_ids, sizeof *t->ids, str_compare) !=
	       SCHEMA_NONE;
}

static int
compare_ids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

bool
schema_has_id(const uint32_t *sorted, uint32_t n, uint32_t id)
{
	return find(&id, sorted, n, sizeof *sorted, compare_ids) != SCHEMA_NONE;
}

/* Is some action of one type in one of the other? Asked seldom: O(actions). */
static bool
action_type_in(const struct schema *s, struct str type, struct str ancestor)
{
	for (uint32_t i = 0; i < s->n_actions; i++) {
		const struct schema_action *a = &s->actions[i];

		if (!str_eq(a->uid.type, type))
			continue;
		for (uint32_t k = 0; k < a->n_ancestors; k++)
			if (str_eq(
				s->actions[a->ancestors[k]].uid.type, ancestor))
				return true;
	}
	return false;
}

bool
schema_type_in(const struct schema *s, uint32_t t, uint32_t ancestor)
{
	if (t == ancestor)
		return true;
	if (t < s->n_types)
		return schema_has_id(
		    s->types[t].ancestors, s->types[t].n_ancestors, ancestor);
	return ancestor >= s->n_types &&
	       action_type_in(
		   s, schema_type_name(s, t), schema_type_name(s, ancestor));
}

/* --- types as text -------------------------------------------------------- */

/* False when there is enough of it. */
static bool print_type(const struct schema *s, const struct type *type,
    size_t end, struct buf *out);

static bool
print_record(const struct schema *s, const struct type *type, size_t end,
    struct buf *out)
{
	buf_byte(out, '{');
	for (uint32_t i = 0; i < type->record.n; i++) {
		const struct type_attribute *a = &type->record.attributes[i];

		if (out->n >= end) {
			buf_addz(out, "...");
			return false;
		}
		buf_addz(out, i ? ", " : "");
		buf_escaped(out, schema_shown(a->name), false);
		buf_addz(out, a->required ? ": " : "?: ");
		if (!print_type(s, a->type, end, out))
			return false;
	}
	buf_byte(out, '}');
	return true;
}

static bool
print_type(const struct schema *s, const struct type *type, size_t end,
    struct buf *out)
{
	switch (type->kind) {
	case TYPE_NEVER:
		buf_addz(out, "nothing");
		break;
	case TYPE_BOOL:
	case TYPE_TRUE:
	case TYPE_FALSE:
		buf_addz(out, "Bool");
		break;
	case TYPE_LONG:
		buf_addz(out, "Long");
		break;
	case TYPE_STRING:
		buf_addz(out, "String");
		break;
	case TYPE_SET:
		buf_addz(out, "Set<");
		if (out->n >= end) {
			buf_addz(out, "...");
			return false;
		}
		if (!print_type(s, type->element, end, out))
			return false;
		buf_byte(out, '>');
		break;
	case TYPE_RECORD:
		return print_record(s, type, end, out);
	case TYPE_ENTITY:
		buf_add(out, schema_shown(schema_type_name(s, type->entity)));
		break;
	case TYPE_EXTENSION:
		buf_addz(out, value_kind_name(type->extension));
		break;
	}
	return true;
}

void
schema_print_type(
    const struct schema *s, const struct type *type, struct buf *out)
{
	(void)print_type(s, type, out->n + TYPE_TEXT_BYTES, out);
}

void
schema_close_set(const struct schema *s, struct policy_set *set)
{
	set->closed = s;
}
