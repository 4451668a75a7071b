/* links.c - are a link's entities of types that the schema has, and that its
 * template's scope may match? Cost: O(actions × types) a link. */
#include "policy/links.h"

#include "base/limits.h"
#include "policy/applies.h"
#include "policy/hint.h"

static bool
check_slot(const struct names *n, const struct ast *file,
    const struct ast_link *link, int slot, struct errors *reterr)
{
	struct str type = link->slot[slot].type;
	const struct str *near;
	struct error *e;

	if (!link->bound[slot] || uid_type_is_action(type) ||
	    schema_find_type(n->schema, type) != SCHEMA_NONE)
		return true;
	e = errors_add(reterr, ERR_SCHEMA_NAME,
	    source_span(
		&file->source, link->slot_off[slot], link->slot_len[slot]),
	    "the schema has no entity type `%.*s`",
	    STR_ARG(str_sub(type, 0, 100)));
	near = e ? hint_nearest_of(type, n->types, n->schema->n_types) : NULL;
	if (near)
		error_hint(e, "did you mean `%.*s`?", STR_ARG(*near));
	return false;
}

static void
check_link(struct checker *c, const struct names *n,
    const struct policy_instance *instance, const struct ast *file,
    const struct ast_link *link, struct errors *reterr)
{
	bool ok = check_slot(n, file, link, 0, reterr);

	ok = check_slot(n, file, link, 1, reterr) && ok;
	c->ast = instance->ast;
	c->slot = link->slot;
	if (ok && !applies_some(c, &c->ast->policies[instance->policy]))
		error_hint(errors_add(reterr, ERR_TYPE_SCOPE,
			       source_span(&file->source, link->off, link->len),
			       "no request fits: no action has such a "
			       "principal and resource as the link says"),
		    "the scope of the template and the entities that the link "
		    "binds must fit together");
	c->slot = NULL;
	c->steps++;
}

static bool
refuse_more(const struct ast *file, uint32_t link, struct errors *reterr)
{
	const struct ast_link *l = &file->links[link];

	(void)errors_add(reterr, ERR_LIMIT_COUNT,
	    source_span(&file->source, l->off, l->len),
	    "validation takes more than %llu steps up to here",
	    (unsigned long long)LIMIT_VALIDATION_STEPS);
	return false;
}

bool
links_check(struct checker *c, const struct names *names,
    const struct policy_set *set, struct errors *reterr)
{
	size_t before = reterr->n + reterr->dropped, k = 0;

	for (size_t i = 0; i < set->n_files; i++)
		for (uint32_t j = 0; j < set->files[i]->n_links; j++, k++) {
			/* Links are made in the order of the files. */
			while (
			    k < set->n_instances && !set->instances[k].is_link)
				k++;
			if (k == set->n_instances)
				return false;
			if (c->steps > LIMIT_VALIDATION_STEPS)
				return refuse_more(set->files[i], j, reterr);
			check_link(c, names, &set->instances[k], set->files[i],
			    &set->files[i]->links[j], reterr);
		}
	return reterr->n + reterr->dropped == before;
}
