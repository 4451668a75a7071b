/* compose.c - a policy set of files of two others: what it was made of at
 * first, and what changed since. It is what loading all the files anew would
 * make, policy by policy: the same order, ids, places, version. Trees stay
 * where they are, in the two sets that lend them; what stayed of a file that
 * changed in places has its lines and numbers moved. What cannot be told from
 * the changed files alone is not composed: templates and links among them,
 * files in another order. Cost: 64 bytes a policy copied, and a search among
 * the ids for each policy of the changed files; an id for each policy that has
 * none of its own and moved. */
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
	struct id_room room;
	struct errors *errors;
};

static bool
has_templates(const struct ast *t)
{
	for (uint32_t i = 0; i < t->n_policies; i++)
		if (t->policies[i].has_slots)
			return true;
	return t->n_links > 0;
}

/* Files that go have nothing that others refer to. */
static bool
may_go(const struct composing *c, uint32_t from, uint32_t to)
{
	for (; from < to; from++)
		if (has_templates(c->was->files[from]))
			return false;
	return true;
}

/* Files that are still there are in the order they were in, each once. */
static bool
is_local(const struct composing *c)
{
	uint32_t next = 0, n_files = (uint32_t)c->was->n_files;

	/* An image has no trees to lend. */
	if (c->was->image || c->now->image)
		return false;
	if (c->was->naming != POLICY_NAMED || c->now->naming != POLICY_NAMED ||
	    c->now->n_templates || c->now->n_links)
		return false;
	for (size_t i = 0; i < c->n_picks; i++) {
		const struct policy_pick *p = &c->picks[i];
		uint32_t file = p->is_part || p->is_changed ? p->was : p->file;

		/* Ids by position move: they must be no other policy's. */
		if (p->is_part &&
		    !(c->was->has_plain_ids && c->now->has_plain_ids))
			return false;
		if (p->goes_on || file == POLICY_NO_FILE)
			continue;
		if (file < next || p->n_files > n_files ||
		    file > n_files - p->n_files || !may_go(c, next, file))
			return false;
		next = file + p->n_files;
	}
	return may_go(c, next, n_files);
}

static bool
make_room(struct composing *c)
{
	struct policy_set *set = c->set;
	size_t n = c->was->n_instances + c->now->n_instances, n_trees = 0;

	for (size_t i = 0; i < c->n_picks; i++) {
		n_trees += c->picks[i].n_files;
		set->n_whole += c->picks[i].goes_on ? 0 : c->picks[i].n_files;
	}
	set->files = ARENA_ARRAY(set->arena, n_trees, struct ast *);
	set->digests =
	    arena_array(set->arena, set->n_whole, sizeof *set->digests);
	set->instances = ARENA_ARRAY(set->arena, n, struct policy_instance);
	c->number[0] = ARENA_ARRAY(set->arena, c->was->n_instances, uint32_t);
	c->number[1] = ARENA_ARRAY(set->arena, c->now->n_instances, uint32_t);
	if (!set->files || !set->digests || !set->instances || !c->number[0] ||
	    !c->number[1])
		return errors_nomem(c->errors);
	for (size_t i = 0; i < c->was->n_instances; i++)
		c->number[0][i] = COMPOSE_GONE;
	return true;
}

/* Policies [from, to) of a set; where they are put. */
static struct policy_instance *
take(struct composing *c, bool is_changed, uint32_t from, uint32_t to)
{
	const struct policy_set *of = is_changed ? c->now : c->was;
	struct policy_instance *here = c->set->instances + c->set->n_instances;

	if (from < to)
		memcpy(here, of->instances + from,
		    (to - from) * sizeof *of->instances);
	for (uint32_t i = from; i < to; i++)
		c->number[is_changed][i] = (uint32_t)c->set->n_instances++;
	return here;
}

/* The policies of files before the one with this number. */
static uint32_t
start_of(const struct policy_set *set, uint32_t file)
{
	return file == 0 ? 0 : set->ends[file - 1];
}

static void
take_files(struct composing *c, const struct policy_pick *p)
{
	const struct policy_set *of = p->is_changed ? c->now : c->was;

	memcpy(c->set->files + c->set->n_files, of->files + p->file,
	    p->n_files * sizeof *of->files);
	c->set->n_files += p->n_files;
	(void)take(c, p->is_changed, start_of(of, p->file),
	    start_of(of, p->file + p->n_files));
}

/* A tree of some of its policies, where they stand now. */
static struct ast *
share(struct arena *a, const struct ast *t, const struct policy_pick *p)
{
	struct ast *part = ARENA_NEW(a, struct ast);
	uint32_t end = p->first + p->n;

	if (!part)
		return NULL;
	*part = *t;
	part->source.line = p->line_shift;
	part->share = (struct ast_share){ .is_part = true,
		.goes_on = p->goes_on,
		.from = p->from,
		.to = p->to,
		.first_node = t->policies[p->first].first_node };
	if (end < t->n_policies)
		part->n_nodes = t->policies[end].first_node;
	part->policies = t->policies + p->first;
	part->n_policies = p->n;
	/* No decision asks for them. */
	part->n_comments = 0;
	return part;
}

/* Ids by position have another position now. */
static bool
renumber(struct composing *c, struct policy_instance *of, uint32_t n,
    struct str before, uint32_t position)
{
	for (uint32_t i = 0; i < n; i++) {
		if (str_find(of[i].id, '#', 0) == of[i].id.n)
			continue;
		of[i].id = instances_number_id(&c->room, before, position + i);
		if (!of[i].id.p)
			return errors_nomem(c->errors);
		c->set->is_renumbered = true;
	}
	return true;
}

/* `position`: policies of the file before these. */
static bool
take_part(struct composing *c, const struct policy_pick *p, uint32_t position)
{
	const struct ast *t = c->was->files[p->was];
	struct ast *part = share(c->set->arena, t, p);
	uint32_t from = start_of(c->was, p->was) + p->first;
	struct policy_instance *here;
	struct str before;

	if (!part)
		return errors_nomem(c->errors);
	part->share.position = position;
	c->set->files[c->set->n_files++] = part;
	here = take(c, false, from, from + p->n);
	for (uint32_t i = 0; i < p->n; i++) {
		here[i].ast = part;
		here[i].policy -= p->first;
	}
	if (position == p->first)
		return true;
	before = str_printf(c->set->arena, "%s#", t->source.file);
	return before.p ? renumber(c, here, p->n, before, position)
			: errors_nomem(c->errors);
}

static bool
take_all(struct composing *c)
{
	uint32_t position = 0;

	for (size_t i = 0; i < c->n_picks; i++) {
		const struct policy_pick *p = &c->picks[i];

		position = p->goes_on ? position : 0;
		if (p->is_changed || !p->is_part)
			take_files(c, p);
		else if (!take_part(c, p, position))
			return false;
		position += p->n;
	}
	/* All that is left are links. */
	(void)take(c, false, start_of(c->was, (uint32_t)c->was->n_files),
	    (uint32_t)c->was->n_instances);
	c->set->templates = c->was->templates;
	c->set->n_templates = c->was->n_templates;
	c->set->n_links = c->was->n_links;
	return true;
}

static bool
make_version(struct composing *c)
{
	uint8_t(*to)[32] = c->set->digests;

	for (size_t i = 0; i < c->n_picks; i++) {
		const struct policy_pick *p = &c->picks[i];
		const struct policy_set *of = p->is_changed ? c->now : c->was;

		if (p->goes_on)
			continue;
		if (p->is_part)
			memcpy(to, p->digest, sizeof *to);
		else
			memcpy(
			    to, of->digests + p->file, p->n_files * sizeof *to);
		to += p->n_files;
	}
	return set_version_of(
	    c->set, c->set->digests, c->set->n_whole, c->errors);
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

		/* Ids by position are no other policy's: looked at before. */
		if ((c->now->has_plain_ids && c->was->has_plain_ids &&
			str_find(id, '#', 0) < id.n) ||
		    !is_taken(c, id))
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
		(void)errors_nomem(reterr);
		return COMPOSE_FAILED;
	}
	c.room.arena = c.set->arena;
	c.set->finished =
	    make_room(&c) && take_all(&c) && check_count(&c) && check_ids(&c) &&
	    set_check_indivisibles(c.set, reterr) && make_version(&c);
	if (!c.set->finished) {
		policy_set_free(c.set);
		return COMPOSE_FAILED;
	}
	*ret = c.set;
	ret_number[0] = c.number[0];
	ret_number[1] = c.number[1];
	return COMPOSE_DONE;
}
