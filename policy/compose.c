/* compose.c - a policy set of files of two others: what it was made of at
 * first, and what changed since. It is what loading all the files anew would
 * make, policy by policy: the same order, ids, places, version. Trees stay
 * where they are, in the two sets that lend them. What cannot be told from the
 * changed files alone is not composed: templates and links among them, files in
 * another order. Cost: 64 bytes a policy copied, SHA-256 over all texts, and a
 * search among the ids for each policy of the changed files. */
#include "policy/compose.h"

#include "base/limits.h"

struct composing {
	struct policy_set *set;
	const struct policy_index *base;
	const struct policy_set *was,
	    *now; /* `base`'s, and the changed files */
	const struct policy_pick *picks;
	size_t n_picks;
	uint32_t *number[2]; /* of the policies of each in `set` */
	struct errors *errors;
};

static bool
nomem(struct errors *reterr)
{
	struct error e = { 0 };

	(void)error_nomem(&e);
	return errors_take(reterr, &e);
}

static bool
has_templates(const struct ast *t)
{
	for (uint32_t i = 0; i < t->n_policies; i++)
		if (t->policies[i].has_slots)
			return true;
	return t->n_links > 0;
}

/* Files that stay are in the order they were in, those that go have nothing
 * that others refer to. */
static bool
is_local(const struct composing *c)
{
	uint32_t next = 0;

	/* An image has no trees to lend. */
	if (c->was->image || c->now->image)
		return false;
	if (c->was->naming != POLICY_NAMED || c->now->naming != POLICY_NAMED ||
	    c->now->n_templates || c->now->n_links)
		return false;
	for (size_t i = 0; i < c->n_picks; i++) {
		if (c->picks[i].is_changed)
			continue;
		if (c->picks[i].file < next ||
		    c->picks[i].file >= c->was->n_files)
			return false;
		for (; next < c->picks[i].file; next++)
			if (has_templates(c->was->files[next]))
				return false;
		next++;
	}
	for (; next < c->was->n_files; next++)
		if (has_templates(c->was->files[next]))
			return false;
	return true;
}

static bool
make_room(struct composing *c)
{
	struct policy_set *set = c->set;
	size_t n = c->was->n_instances + c->now->n_instances;

	set->files = ARENA_ARRAY(set->arena, c->n_picks, struct ast *);
	set->instances = ARENA_ARRAY(set->arena, n, struct policy_instance);
	c->number[0] = ARENA_ARRAY(set->arena, c->was->n_instances, uint32_t);
	c->number[1] = ARENA_ARRAY(set->arena, c->now->n_instances, uint32_t);
	if (!set->files || !set->instances || !c->number[0] || !c->number[1])
		return nomem(c->errors);
	for (size_t i = 0; i < c->was->n_instances; i++)
		c->number[0][i] = COMPOSE_GONE;
	return true;
}

static void
take(struct composing *c, bool is_changed, size_t i)
{
	const struct policy_set *from = is_changed ? c->now : c->was;

	c->number[is_changed][i] = (uint32_t)c->set->n_instances;
	c->set->instances[c->set->n_instances++] = from->instances[i];
}

/* The policies of one file; *at is where they begin among its set's. */
static void
take_file(struct composing *c, bool is_changed, const struct ast *t, size_t *at)
{
	const struct policy_set *from = is_changed ? c->now : c->was;

	for (; *at < from->n_instances && !from->instances[*at].is_link &&
	       from->instances[*at].ast == t;
	     ++*at)
		take(c, is_changed, *at);
}

static void
skip_file(const struct policy_set *from, const struct ast *t, size_t *at)
{
	while (*at < from->n_instances && !from->instances[*at].is_link &&
	       from->instances[*at].ast == t)
		++*at;
}

static void
take_all(struct composing *c)
{
	size_t at[2] = { 0, 0 };
	uint32_t next = 0;

	for (size_t i = 0; i < c->n_picks; i++) {
		const struct policy_pick *p = &c->picks[i];
		const struct policy_set *from = p->is_changed ? c->now : c->was;

		for (; !p->is_changed && next < p->file; next++)
			skip_file(c->was, c->was->files[next], &at[0]);
		next += !p->is_changed;
		c->set->files[c->set->n_files++] = from->files[p->file];
		take_file(
		    c, p->is_changed, from->files[p->file], &at[p->is_changed]);
	}
	for (; next < c->was->n_files; next++)
		skip_file(c->was, c->was->files[next], &at[0]);
	/* All that is left are links. */
	for (size_t i = at[0]; i < c->was->n_instances; i++)
		take(c, false, i);
	c->set->templates = c->was->templates;
	c->set->n_templates = c->was->n_templates;
	c->set->n_links = c->was->n_links;
}

/* Does a policy or a template that stays have the id? */
static bool
is_taken(const struct composing *c, struct str id)
{
	const struct policy_index *ix = c->base;
	size_t from = 0, to = ix->n_instances;

	for (size_t i = 0; i < c->was->n_templates; i++)
		if (str_eq(c->was->templates[i].id, id))
			return true;
	while (from < to) {
		size_t mid = from + (to - from) / 2;
		uint32_t i = ix->by_rank[mid];
		int order = str_cmp(c->was->instances[i].id, id);

		if (order == 0)
			return c->number[0][i] != COMPOSE_GONE;
		if (order < 0)
			from = mid + 1;
		else
			to = mid;
	}
	return false;
}

static bool
check_ids(const struct composing *c)
{
	for (size_t i = 0; i < c->now->n_instances; i++) {
		struct str id = c->now->instances[i].id;

		if (!is_taken(c, id))
			continue;
		(void)errors_add(c->errors, ERR_NAME_DUPLICATE, SPAN_NONE,
		    "the policy id `%.*s` stands twice",
		    STR_ARG(str_sub(id, 0, 80)));
		return false;
	}
	return true;
}

static bool
check_count(const struct composing *c)
{
	if (c->set->n_instances + c->set->n_templates <= LIMIT_POLICIES)
		return true;
	(void)errors_add(c->errors, ERR_LIMIT_COUNT, SPAN_NONE,
	    "%zu policies, the limit is %u", c->set->n_instances,
	    LIMIT_POLICIES);
	return false;
}

enum composed
compose(const struct policy_index *base, const struct policy_set *changed,
    const struct policy_pick *picks, size_t n_picks, struct policy_set **ret,
    uint32_t *ret_number[2], struct errors *reterr)
{
	struct composing c = { .base = base,
		.was = base->set,
		.now = changed,
		.picks = picks,
		.n_picks = n_picks,
		.errors = reterr };

	if (base->join || base->set->image || !is_local(&c))
		return COMPOSE_NOT_LOCAL;
	c.set = policy_set_new(POLICY_NAMED);
	if (!c.set) {
		(void)nomem(reterr);
		return COMPOSE_FAILED;
	}
	if (make_room(&c)) {
		take_all(&c);
		c.set->finished = check_count(&c) && check_ids(&c) &&
				  set_check_indivisibles(c.set, reterr) &&
				  set_compute_version(c.set, reterr);
	}
	if (!c.set->finished) {
		policy_set_free(c.set);
		return COMPOSE_FAILED;
	}
	*ret = c.set;
	ret_number[0] = c.number[0];
	ret_number[1] = c.number[1];
	return COMPOSE_DONE;
}
