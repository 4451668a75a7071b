/* entities_copy.c - records of one layer, or of one and its patch, as a layer
 * of their own that borrows nothing. Cost: linear. */
#include "policy/entities.h"

static bool
copy_str(struct arena *a, struct str s, struct str *ret)
{
	if (!s.p) {
		*ret = s;
		return true;
	}
	*ret = str_dup(a, s);
	return ret->p != NULL;
}

static bool
copy_uid(struct arena *a, struct uid uid, struct uid *ret)
{
	return copy_str(a, uid.type, &ret->type) &&
	       copy_str(a, uid.id, &ret->id);
}

static bool
copy_items(struct arena *a, const struct value *v, struct value *ret)
{
	struct value *items = ARENA_ARRAY(a, v->set.n, struct value);

	if (!items)
		return false;
	ret->set.items = items;
	for (size_t i = 0; i < v->set.n; i++)
		if (!value_copy(a, &v->set.items[i], &items[i]))
			return false;
	return true;
}

static bool
copy_fields(struct arena *a, const struct value *v, struct value *ret)
{
	struct value_field *fields =
	    ARENA_ARRAY(a, v->record.n, struct value_field);

	if (!fields)
		return false;
	ret->record.fields = fields;
	for (size_t i = 0; i < v->record.n; i++)
		if (!copy_str(a, v->record.fields[i].name, &fields[i].name) ||
		    !value_copy(
			a, &v->record.fields[i].value, &fields[i].value))
			return false;
	return true;
}

/* Sets and records stay sorted as they were: nothing of their order depends on
 * where things lie. As deep as the value. */
bool
value_copy(struct arena *a, const struct value *v, struct value *ret)
{
	*ret = *v;
	if (!copy_str(a, v->text, &ret->text))
		return false;
	if (v->kind == VALUE_STRING)
		return copy_str(a, v->string, &ret->string);
	if (v->kind == VALUE_ENTITY)
		return copy_uid(a, v->uid, &ret->uid);
	if (v->kind == VALUE_SET)
		return copy_items(a, v, ret);
	return v->kind != VALUE_RECORD || copy_fields(a, v, ret);
}

/* `from` was the last file's name, and *ret_from is its copy. */
static bool
copy_record(struct entities *to, const struct entity *e, const char **last,
    const char **last_copy, struct error *reterr)
{
	struct entity own = *e;
	struct uid *parents = ARENA_ARRAY(to->arena, e->n_parents, struct uid);

	if (e->from && e->from != *last) {
		*last = e->from;
		*last_copy = str_z(to->arena, str_of(e->from));
	}
	own.from = e->from ? *last_copy : NULL;
	if (!parents || (e->from && !own.from) ||
	    !copy_uid(to->arena, e->uid, &own.uid) ||
	    !value_copy(to->arena, &e->attrs, &own.attrs) ||
	    !value_copy(to->arena, &e->tags, &own.tags))
		return error_nomem(reterr);
	for (size_t i = 0; i < e->n_parents; i++)
		if (!copy_uid(to->arena, e->parents[i], &parents[i]))
			return error_nomem(reterr);
	own.parents = parents;
	return entities_add(to, &own, reterr);
}

static bool
copy_at(struct entities *to, const struct entities *from, size_t i,
    struct arena *spare, const char **last, const char **last_copy,
    struct error *reterr)
{
	const struct entity *e;

	arena_reset(spare);
	return entities_at(from, i, spare, &e, reterr) &&
	       copy_record(to, e, last, last_copy, reterr);
}

bool
entities_add_all(
    struct entities *to, const struct entities *from, struct error *reterr)
{
	struct arena *spare = arena_new(0);
	const char *last = NULL, *last_copy = NULL;
	bool ok = spare != NULL || error_nomem(reterr);

	for (size_t i = 0; ok && i < entities_count(from); i++)
		ok = copy_at(to, from, i, spare, &last, &last_copy, reterr);
	arena_free(spare);
	return ok;
}

struct entities *
entities_copy(struct arena *a, const struct entities *from)
{
	struct entities *to = entities_new(a, NULL);

	if (!to || !entities_add_all(to, from, NULL))
		return NULL;
	return to;
}
