/* schemas.c - two models side by side. */
#include "tests/conformance/schemas.h"

#include "policy/schema_model.h"

static bool
same_ids(const uint32_t *a, uint32_t n, const uint32_t *b, uint32_t m)
{
	return n == m && (n == 0 || memcmp(a, b, n * sizeof *a) == 0);
}

static bool same_type(const struct type *a, const struct type *b);

static bool
same_record(const struct type *a, const struct type *b)
{
	if (a->record.n != b->record.n)
		return false;
	for (uint32_t i = 0; i < a->record.n; i++) {
		const struct type_attribute *x = &a->record.attributes[i];
		const struct type_attribute *y = &b->record.attributes[i];

		if (!str_eq(x->name, y->name) || x->required != y->required ||
		    !same_type(x->type, y->type))
			return false;
	}
	return true;
}

static bool
same_type(const struct type *a, const struct type *b)
{
	if (!a || !b || a->kind != b->kind)
		return a == b;
	if (a->kind == TYPE_SET)
		return same_type(a->element, b->element);
	if (a->kind == TYPE_RECORD)
		return same_record(a, b);
	if (a->kind == TYPE_ENTITY)
		return a->entity == b->entity;
	return a->kind != TYPE_EXTENSION || a->extension == b->extension;
}

static bool
same_entity(
    const struct schema_entity_type *a, const struct schema_entity_type *b)
{
	if (!str_eq(a->name, b->name) || !same_type(a->shape, b->shape) ||
	    !same_type(a->tags, b->tags) || a->n_ids != b->n_ids ||
	    !a->ids != !b->ids)
		return false;
	for (uint32_t i = 0; i < a->n_ids; i++)
		if (!str_eq(a->ids[i], b->ids[i]))
			return false;
	return same_ids(a->parents, a->n_parents, b->parents, b->n_parents) &&
	       same_ids(
		   a->ancestors, a->n_ancestors, b->ancestors, b->n_ancestors);
}

static bool
same_action(const struct schema_action *a, const struct schema_action *b)
{
	return uid_eq(a->uid, b->uid) && same_type(a->context, b->context) &&
	       same_ids(a->principals, a->n_principals, b->principals,
		   b->n_principals) &&
	       same_ids(a->resources, a->n_resources, b->resources,
		   b->n_resources) &&
	       same_ids(a->parents, a->n_parents, b->parents, b->n_parents) &&
	       same_ids(
		   a->ancestors, a->n_ancestors, b->ancestors, b->n_ancestors);
}

const char *
schemas_differ(const struct schema *a, const struct schema *b)
{
	if (a->n_types != b->n_types || a->n_actions != b->n_actions ||
	    a->n_action_types != b->n_action_types)
		return "how many there are";
	for (uint32_t i = 0; i < a->n_types; i++)
		if (!same_entity(&a->types[i], &b->types[i]))
			return "an entity type";
	for (uint32_t i = 0; i < a->n_actions; i++)
		if (!same_action(&a->actions[i], &b->actions[i]))
			return "an action";
	return NULL;
}
