/* assume.c - a world to ask in when there is no data: what policies name, and
 * of what is not known, that it is not known.
 * Entities: each that is named; for each pattern of a scope one that it fits;
 * for each type (`Any`, where none is named) one that no policy names, an
 * action, too, and, where policies
 * test the type, one in each group that they test for. Nothing more is above
 * anything. Each attribute and tag by which policies go is there and unknown,
 * so that whatever depends on one is told as such (ERR_DATA_MISSING). Cost:
 * O(nodes), and entities as there are, by names of attributes. */
#include "policy/set.h"

#include "base/intern.h"
#include "base/limits.h"

struct assuming {
	struct entities *layer;
	struct arena *a;
	struct intern *uids;   /* named; then those that are not */
	struct intern *groups; /* behind `in` */
	struct intern *types, *tested, *names;
	bool failed; /* memory */
};

/* ---- what is named ----------------------------------------------------------
 */

static void
keep(struct assuming *w, struct intern *t, struct str type, struct str id)
{
	if (intern_add(t, type, id) == INTERN_NONE)
		w->failed = true;
}

static void
keep_type(struct assuming *w, struct intern *t, struct str type)
{
	if (!uid_type_is_action(type))
		keep(w, t, STR(""), type);
}

static void
keep_uid(struct assuming *w, struct str type, struct str id)
{
	if (uid_type_is_action(type))
		return;
	keep(w, w->uids, type, id);
	keep_type(w, w->types, type);
}

static void
keep_entity(struct assuming *w, const struct ast *t, const struct ast_node *n)
{
	keep_uid(w, t->strings[n->a], t->strings[n->b]);
}

static void
keep_groups(struct assuming *w, const struct ast *t, const struct ast_node *n)
{
	for (uint32_t i = 0; i < n->b; i++) {
		const struct ast_node *node = &t->nodes[t->kids[n->a + i]];

		if (node->kind == NODE_ENTITY &&
		    !uid_type_is_action(t->strings[node->a]))
			keep(w, w->groups, t->strings[node->a],
			    t->strings[node->b]);
	}
}

static void
keep_tested(struct assuming *w, const struct ast *t, const struct ast_node *n)
{
	for (uint32_t i = 0; i < n->b; i++)
		keep_type(w, w->tested, t->strings[t->kids[n->a + i]]);
}

static void
keep_is(struct assuming *w, const struct ast *t, const struct ast_node *n)
{
	keep_type(w, w->tested, t->strings[n->b]);
}

static void
keep_attribute(
    struct assuming *w, const struct ast *t, const struct ast_node *n)
{
	keep(w, w->names, STR(""), t->strings[n->b]);
}

/* It may name a tag. */
static void
keep_string(struct assuming *w, const struct ast *t, const struct ast_node *n)
{
	keep(w, w->names, STR(""), t->strings[n->a]);
}

static void
keep_has(struct assuming *w, const struct ast *t, const struct ast_node *n)
{
	for (uint32_t i = 0; i < n->c; i++)
		keep(w, w->names, STR(""), t->strings[t->kids[n->b + i]]);
}

/* `User::"ci-*"` fits `ci-`; where a part stands for an attribute, nothing is
 * known to fit. */
static void
keep_fitting(struct assuming *w, const struct ast *t, const struct ast_node *n)
{
	const struct ast_node *pattern = &t->nodes[n->b];
	struct buf id = { 0 };

	for (uint32_t i = 0; i < pattern->b; i++) {
		const struct ast_part *part = &t->parts[pattern->a + i];

		for (uint32_t k = 0; k < part->n_path; k++)
			keep(w, w->names, STR(""), part->path[k]);
		if (part->kind == PART_LITERAL)
			buf_add(&id, part->literal);
	}
	if (!buf_ok(&id))
		w->failed = true;
	else
		keep_uid(w, t->strings[n->a], buf_str(&id));
	buf_free(&id);
}

static void (*const keepers[])(
    struct assuming *w, const struct ast *t, const struct ast_node *n) = {
	[NODE_ENTITY] = keep_entity,
	[NODE_TEST_IN] = keep_groups,
	[NODE_TEST_IS] = keep_tested,
	[NODE_TEST_LIKE] = keep_fitting,
	[NODE_IS] = keep_is,
	[NODE_ATTR] = keep_attribute,
	[NODE_STRING] = keep_string,
	[NODE_HAS] = keep_has,
};

static void
keep_all(struct assuming *w, const struct policy_set *set)
{
	const struct ast *done = NULL;

	for (uint32_t i = 0; i < policy_set_count(set) && !w->failed; i++) {
		const struct policy_instance *p = policy_instance_at(set, i);

		for (size_t k = 0; p && p->slot && k < 2; k++)
			if (p->slot[k].type.n > 0) {
				keep_uid(w, p->slot[k].type, p->slot[k].id);
				keep(w, w->groups, p->slot[k].type,
				    p->slot[k].id);
			}
		if (!p || p->ast == done)
			continue;
		done = p->ast;
		for (uint32_t k = 1; k < done->n_nodes; k++) {
			const struct ast_node *n = &done->nodes[k];

			if (n->kind < ARRAY_LEN(keepers) && keepers[n->kind])
				keepers[n->kind](w, done, n);
		}
	}
}

/* ---- what is not ------------------------------------------------------------
 */

static struct str
text_at(const struct intern *t, uint32_t i)
{
	struct str unused, text;

	intern_get(t, i, &unused, &text);
	return text;
}

static void
keep_others(struct assuming *w)
{
	for (uint32_t i = 0; i < intern_count(w->tested); i++)
		keep(w, w->types, STR(""), text_at(w->tested, i));
	if (intern_count(w->types) == 0)
		keep(w, w->types, STR(""), STR("Any"));
	for (uint32_t i = 0; i < intern_count(w->types); i++)
		keep(w, w->uids, text_at(w->types, i), STR("(another)"));
	keep(w, w->uids, STR("Action"), STR("(another)"));
}

/* A record of all names, nothing known of any. */
static bool
unknown_record(struct assuming *w, struct value *ret)
{
	uint32_t n = intern_count(w->names);
	struct value_field *fields = ARENA_ARRAY(w->a, n, struct value_field);
	struct str unused;

	for (uint32_t i = 0; fields && i < n; i++)
		fields[i] = (struct value_field){ text_at(w->names, i),
			{ .kind = VALUE_UNKNOWN } };
	return fields && value_record_take(fields, n, ret, &unused);
}

static bool
add_members(struct assuming *w, struct entity e, struct error *reterr)
{
	for (uint32_t i = 0; i < intern_count(w->groups); i++) {
		struct uid *group = ARENA_NEW(w->a, struct uid);

		if (!group)
			return error_nomem(reterr);
		intern_get(w->groups, i, &group->type, &group->id);
		e.parents = group;
		e.n_parents = 1;
		for (uint32_t k = 0; k < intern_count(w->tested); k++) {
			e.uid.type = text_at(w->tested, k);
			e.uid.id = str_printf(
			    w->a, "(one in %.*s)", STR_ARG(group->id));
			if (!e.uid.id.p)
				return error_nomem(reterr);
			if (!entities_has(w->layer, e.uid) &&
			    !entities_add(w->layer, &e, reterr))
				return false;
		}
	}
	return true;
}

static bool
add_named(struct assuming *w, struct entity e, struct error *reterr)
{
	for (uint32_t i = 0; i < intern_count(w->uids); i++) {
		intern_get(w->uids, i, &e.uid.type, &e.uid.id);
		if (!entities_add(w->layer, &e, reterr))
			return false;
	}
	return true;
}

bool
policy_set_assume(const struct policy_set *const *sets, size_t n,
    struct arena *a, struct entities **ret, struct error *reterr)
{
	struct assuming w = { entities_new(a, NULL), a, intern_new(a, NULL),
		intern_new(a, NULL), intern_new(a, NULL), intern_new(a, NULL),
		intern_new(a, NULL), false };
	struct entity e = { .from = "policies" };

	if (!w.layer || !w.uids || !w.groups || !w.types || !w.tested ||
	    !w.names)
		return error_nomem(reterr);
	for (size_t i = 0; i < n; i++)
		keep_all(&w, sets[i]);
	keep_others(&w);
	if (w.failed || !unknown_record(&w, &e.attrs))
		return error_nomem(reterr);
	e.tags = e.attrs;
	if (!add_named(&w, e, reterr) || !add_members(&w, e, reterr) ||
	    !entities_finish(w.layer, reterr))
		return false;
	*ret = w.layer;
	return true;
}
