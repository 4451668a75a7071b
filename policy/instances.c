/* instances.c - what decides: policies without slots, and links of templates.
 * Files' policies are named in load order; those with slots are kept apart as
 * templates, which never decide. Links come after all files, since a link may
 * name a template of a later one. Ids are unique over policies, templates and
 * links: where ids by position cannot clash with any other they are not looked
 * up, and where there is nothing else (a *plain* set) a few threads name the
 * policies, each a run of them. Cost: O(policies + links). */
#include "policy/set.h"

#include "base/intern.h"
#include "base/limits.h"
#include "base/pages.h"
#include "policy/rules.h"

struct maker {
	struct policy_set *set;
	struct errors *errors;
	struct arena *arena;  /* of the tables: gone when all is made */
	struct intern *ids;   /* NULL: ids are not looked up */
	bool skips_positions; /* ids by position are not */
	struct id_room room;  /* for such ids */
	struct entry *entries;
	size_t cap_entries;
	bool ok;
};

/* Who has the id with this number: a link, a template, or else a policy. */
struct entry {
	const struct ast *ast;
	uint32_t policy;
	const struct ast_link *link;
	struct policy_template *template;
};

static const struct ast_annotation *
id_annotation(const struct ast *t, const struct ast_policy *policy)
{
	for (uint32_t i = 0; i < policy->n_annotations; i++) {
		const struct ast_annotation *a =
		    &t->annotations[policy->first_annotation + i];

		if (str_eq(a->name, STR("id")) && a->value.n > 0)
			return a;
	}
	return NULL;
}

/* The id that is written down, or none. */
static struct str
own_id(const struct policy_set *set, const struct ast *t, uint32_t policy)
{
	const struct ast_id *own = ast_own_id(t, &t->policies[policy]);
	const struct ast_annotation *a;

	if (own)
		return own->id;
	if (set->naming == POLICY_BY_POSITION)
		return (struct str){ 0 };
	a = id_annotation(t, &t->policies[policy]);
	return a ? a->value : (struct str){ 0 };
}

#define DIGITS_MAX 20u
#define ROOM_BYTES 4096u

struct str
instances_number_id(struct id_room *room, struct str before, size_t number)
{
	char digits[DIGITS_MAX], *p;
	size_t at = sizeof digits, n;

	do
		digits[--at] = (char)('0' + number % 10);
	while (number /= 10);
	n = before.n + sizeof digits - at;
	if (n > room->n) {
		room->n = n > ROOM_BYTES ? n : ROOM_BYTES;
		room->p = arena_alloc(room->arena, room->n);
	}
	if (!room->p)
		return (struct str){ 0 };
	p = room->p;
	memcpy(p, before.p, before.n);
	memcpy(p + before.n, digits + at, sizeof digits - at);
	room->p += n;
	room->n -= n;
	return (struct str){ p, n };
}

/* Where the id comes from: a key, an @id, or the effect word. */
static struct span
id_span(const struct policy_set *set, const struct entry *e)
{
	const struct source *source = &e->ast->source;
	const struct ast_policy *p = &e->ast->policies[e->policy];
	const struct ast_id *own = ast_own_id(e->ast, p);
	const struct ast_annotation *a;

	if (e->link)
		return source_span(source, e->link->id_off, e->link->id_len);
	if (own)
		return source_span(source, own->off, own->len);
	a = id_annotation(e->ast, p);
	if (a && set->naming == POLICY_NAMED)
		return source_span(source, a->off, a->len);
	return source_span(source, p->head_off, p->head_len);
}

static bool
refuse_id(struct maker *m, struct str id, const struct entry *second,
    const struct entry *first)
{
	struct span before = id_span(m->set, first);
	struct error *e =
	    errors_add(m->errors, ERR_NAME_DUPLICATE, id_span(m->set, second),
		"the policy id `%.*s` stands twice, first at %s:%u",
		(int)(id.n > 80 ? 80 : id.n), id.p, before.file, before.line);

	if (e)
		error_hint(e, "ids are unique over all loaded files");
	return m->ok = false;
}

/* False when memory is out or the id is taken. */
static bool
note_id(struct maker *m, struct str id, struct entry entry)
{
	uint32_t before, number;

	if (!m->ids)
		return true;
	before = intern_count(m->ids);
	number = intern_add(m->ids, STR(""), id);
	if (number == INTERN_NONE ||
	    !ARENA_PUSH_ROOM(m->arena, m->entries, before, m->cap_entries) ||
	    !m->entries) {
		m->ids = NULL;
		return m->ok = errors_nomem(m->errors);
	}
	if (number < before)
		return refuse_id(m, id, &entry, &m->entries[number]);
	m->entries[number] = entry;
	return true;
}

static void
add_policy(struct maker *m, const struct ast *t, uint32_t policy, struct str id,
    bool is_own)
{
	struct policy_set *set = m->set;
	const struct ast_policy *p = &t->policies[policy];
	struct entry entry = { .ast = t, .policy = policy };

	if (!p->has_slots) {
		set->instances[set->n_instances++] = (struct policy_instance){
			.id = id, .ast = t, .policy = policy
		};
	} else {
		entry.template = &set->templates[set->n_templates++];
		*entry.template = (struct policy_template){ id, t, policy, 0 };
	}
	if (is_own || p->has_slots || !m->skips_positions)
		(void)note_id(m, id, entry);
}

static bool
add_file(struct maker *m, const struct ast *t, size_t *inout_position)
{
	struct policy_set *set = m->set;
	bool is_named = set->naming == POLICY_NAMED;
	struct str before = is_named
				? str_printf(m->arena, "%s#", t->source.file)
				: STR("policy");

	for (uint32_t j = 0; before.p && j < t->n_policies; j++) {
		struct str id = own_id(set, t, j);
		bool is_own = id.p != NULL;

		if (!is_own)
			id = instances_number_id(&m->room, before,
			    is_named ? t->share.position + j : *inout_position);
		*inout_position += t->policies[j].own_id == 0;
		if (!id.p)
			return errors_nomem(m->errors);
		add_policy(m, t, j, id, is_own);
	}
	return before.p || errors_nomem(m->errors);
}

static bool
add_policies(struct maker *m)
{
	size_t position = 0;

	for (size_t i = 0; i < m->set->n_files; i++) {
		if (!add_file(m, m->set->files[i], &position))
			return false;
		m->set->ends[i] = (uint32_t)m->set->n_instances;
	}
	return true;
}

/* ---- links -----------------------------------------------------------------
 */

static void
refuse_link(struct maker *m, const struct ast *t, const struct ast_link *link,
    const char *why)
{
	struct str id = str_sub(link->template_id, 0, 80);

	error_hint(
	    errors_add(m->errors, ERR_NAME_TEMPLATE,
		source_span(&t->source, link->template_off, link->template_len),
		"%s `%.*s`", why, STR_ARG(id)),
	    "a template is a policy with `?principal` or `?resource` "
	    "in its scope; its id is its key, its `@id` or `FILE#N`");
	m->ok = false;
}

/* NULL after reporting that there is none. */
static struct policy_template *
find_template(struct maker *m, const struct ast *t, const struct ast_link *link)
{
	uint32_t number = intern_find(m->ids, STR(""), link->template_id);
	struct policy_template *found = NULL;

	if (number == INTERN_NONE || !m->entries)
		refuse_link(m, t, link, "no template has the id");
	else if (!(found = m->entries[number].template))
		refuse_link(m, t, link, "expected the id of a template, found");
	return found;
}

static bool
check_slots(struct maker *m, const struct ast *t, const struct ast_link *link,
    const struct policy_template *of)
{
	bool has[2];

	ast_slots(of->ast, &of->ast->policies[of->policy], has);
	for (unsigned i = 0; i < 2; i++) {
		const char *name = i ? "resource" : "principal";

		if (has[i] == link->bound[i])
			continue;
		if (has[i])
			(void)errors_add(m->errors, ERR_TYPE_SLOTS,
			    source_span(&t->source, link->off, link->len),
			    "the slot `?%s` of the template is not bound",
			    name);
		else
			(void)errors_add(m->errors, ERR_TYPE_SLOTS,
			    source_span(&t->source, link->slot_off[i],
				link->slot_len[i]),
			    "the template has no slot `?%s`", name);
		m->ok = false;
	}
	return has[0] == link->bound[0] && has[1] == link->bound[1];
}

static void
add_link(struct maker *m, const struct ast *t, const struct ast_link *link)
{
	struct policy_set *set = m->set;
	struct entry entry = { .ast = t, .link = link };
	struct policy_template *of;

	if (!note_id(m, link->id, entry))
		return;
	of = find_template(m, t, link);
	if (!of || !check_slots(m, t, link, of))
		return;
	of->n_links++;
	set->instances[set->n_instances++] = (struct policy_instance){
		.id = link->id,
		.ast = of->ast,
		.policy = of->policy,
		.slot = link->slot,
		.is_link = true,
	};
	set->n_links++;
}

/* ---- all together ----------------------------------------------------------
 */

/* Do files have names of their own, and no links? */
static bool
has_own_names(const struct maker *m)
{
	const struct policy_set *set = m->set;
	struct intern *names = intern_new(m->arena, NULL);
	uint32_t n_names = 0;

	if (set->naming != POLICY_NAMED || !names)
		return false;
	for (size_t i = 0; i < set->n_files; i++) {
		const struct ast *t = set->files[i];

		if ((!t->share.goes_on &&
			intern_add(names, STR(""), str_of(t->source.file)) !=
			    n_names++) ||
		    t->n_links)
			return false;
	}
	return true;
}

/* `FILE#N` is no other policy's where files have names of their own, nobody
 * wrote such an id, and no link can name one. */
static bool
can_skip_positions(const struct maker *m)
{
	const struct policy_set *set = m->set;

	for (size_t i = 0; i < set->n_files; i++)
		for (uint32_t j = 0; j < set->files[i]->n_policies; j++) {
			struct str id = own_id(set, set->files[i], j);

			if (str_find(id, '#', 0) < id.n)
				return false;
		}
	return has_own_names(m);
}

static bool
check_count(const struct maker *m, size_t *ret_policies, size_t *ret_links)
{
	size_t n_policies = 0, n_links = 0;

	for (size_t i = 0; i < m->set->n_files; i++) {
		n_policies += m->set->files[i]->n_policies;
		n_links += m->set->files[i]->n_links;
	}
	*ret_policies = n_policies;
	*ret_links = n_links;
	if (n_policies + n_links <= LIMIT_POLICIES)
		return true;
	(void)errors_add(m->errors, ERR_LIMIT_COUNT, SPAN_NONE,
	    "%zu policies, the limit is %u", n_policies + n_links,
	    LIMIT_POLICIES);
	return false;
}

static bool
make_room(struct maker *m, size_t n_policies, size_t n_links)
{
	struct policy_set *set = m->set;
	size_t n_templates = 0;
	bool own_ids = false;

	for (size_t i = 0; i < set->n_files; i++) {
		const struct ast *t = set->files[i];

		own_ids = own_ids || t->is_json;
		for (uint32_t j = 0; j < t->n_policies; j++)
			n_templates += t->policies[j].has_slots;
	}
	set->instances = ARENA_ARRAY(set->arena,
	    n_policies - n_templates + n_links, struct policy_instance);
	set->templates =
	    ARENA_ARRAY(set->arena, n_templates, struct policy_template);
	set->ends = ARENA_ARRAY(set->arena, set->n_files, uint32_t);
	if (!set->instances || !set->templates || !set->ends)
		return errors_nomem(m->errors);
	if (set->naming == POLICY_BY_POSITION && !own_ids)
		return true;
	m->skips_positions = set->has_plain_ids = can_skip_positions(m);
	m->ids = intern_new(m->arena, NULL);
	return m->ids != NULL || errors_nomem(m->errors);
}

/* ---- plain sets ------------------------------------------------------------
 */

/* Policies [from, to) of all files in a row. */
struct run {
	struct policy_set *set;
	size_t from, to;
	struct id_room room;
	bool ok;
};

/* Less is done sooner than a thread is started. */
#define POLICIES_A_THREAD 16384u

/* What of the run is in file `i`, whose first policy is number `first`. */
static bool
part_of(const struct run *r, size_t i, size_t first, uint32_t *ret_from,
    uint32_t *ret_to)
{
	size_t n = r->set->files[i]->n_policies;

	if (r->from >= first + n || r->to <= first)
		return false;
	*ret_from = (uint32_t)(r->from > first ? r->from - first : 0);
	*ret_to = (uint32_t)(r->to < first + n ? r->to - first : n);
	return true;
}

/* Has none of the policies a slot, or an id that is written down? */
static void
look_at_run(void *part)
{
	struct run *r = part;
	size_t first = 0;
	uint32_t from, to;

	for (size_t i = 0; i < r->set->n_files; i++) {
		const struct ast *t = r->set->files[i];

		for (bool is_in = part_of(r, i, first, &from, &to);
		     is_in && from < to; from++)
			if (t->policies[from].has_slots ||
			    own_id(r->set, t, from).p)
				return;
		first += t->n_policies;
	}
	r->ok = true;
}

static bool
name_some(struct run *r, const struct ast *t, uint32_t from, uint32_t to,
    struct policy_instance *instances)
{
	struct str before = str_printf(r->room.arena, "%s#", t->source.file);

	if (!before.p)
		return false;
	for (; from < to; from++) {
		struct str id = instances_number_id(
		    &r->room, before, t->share.position + from);

		if (!id.p)
			return false;
		*instances++ = (struct policy_instance){
			.id = id, .ast = t, .policy = from
		};
	}
	return true;
}

static void
name_run(void *part)
{
	struct run *r = part;
	struct policy_instance *all = r->set->instances;
	size_t first = 0;
	uint32_t from, to;

	pages_touch(all + r->from, (r->to - r->from) * sizeof *all);
	for (size_t i = 0; i < r->set->n_files; i++) {
		const struct ast *t = r->set->files[i];

		if (part_of(r, i, first, &from, &to) &&
		    !name_some(r, t, from, to, all + first + from))
			return;
		first += t->n_policies;
	}
	r->ok = true;
}

static bool
each_run(struct run *runs, size_t n, void (*fn)(void *part))
{
	bool ok = true;

	for (size_t i = 0; i < n; i++)
		runs[i].ok = false;
	parallel_each(fn, runs, sizeof *runs, n);
	for (size_t i = 0; i < n; i++)
		ok = ok && runs[i].ok;
	return ok;
}

/* Ids lie in arenas of their threads, which go with the set's. */
static bool
name_plain(
    struct policy_set *set, size_t n_policies, struct run *runs, size_t n)
{
	uint32_t end = 0;
	bool ok = true;

	set->instances =
	    arena_room(set->arena, n_policies, sizeof *set->instances);
	set->ends = ARENA_ARRAY(set->arena, set->n_files, uint32_t);
	if (!set->instances || !set->ends)
		return false;
	for (size_t i = 0; i < set->n_files; i++)
		set->ends[i] = end += set->files[i]->n_policies;
	for (size_t i = 0; ok && i < n; i++) {
		struct arena *a = arena_new(0);

		ok = a && files_adopt(set->arena, a);
		if (!ok)
			arena_free(a);
		runs[i].room.arena = a;
	}
	set->has_plain_ids = true;
	set->n_instances = n_policies;
	return ok && each_run(runs, n, name_run);
}

/* *ret_is_plain: then all is made, unless memory ran out. */
static bool
make_plain(struct maker *m, size_t n_policies, bool *ret_is_plain)
{
	size_t n = parallel_share(0, n_policies, POLICIES_A_THREAD);
	struct run runs[PARALLEL_MAX] = { 0 };

	for (size_t i = 0; i < n; i++)
		runs[i] = (struct run){ .set = m->set,
			.from = n_policies * i / n,
			.to = n_policies * (i + 1) / n };
	*ret_is_plain = has_own_names(m) && each_run(runs, n, look_at_run);
	return !*ret_is_plain || name_plain(m->set, n_policies, runs, n) ||
	       errors_nomem(m->errors);
}

static bool
make_all(struct maker *m)
{
	size_t n_policies, n_links;
	bool is_plain;

	if (!check_count(m, &n_policies, &n_links) ||
	    !make_plain(m, n_policies, &is_plain))
		return false;
	return is_plain ||
	       (make_room(m, n_policies, n_links) && add_policies(m));
}

bool
instances_make(struct policy_set *set, struct errors *reterr)
{
	struct maker m = {
		.set = set,
		.errors = reterr,
		.arena = arena_new(0),
		.ok = true,
		.room = { .arena = set->arena },
	};
	bool all;

	set->n_instances = set->n_templates = set->n_links = 0;
	if (!m.arena)
		m.ok = errors_nomem(reterr);
	all = m.ok && make_all(&m);
	m.ok = all && m.ok;
	/* Without all policies, or ids, memory has run out. */
	for (size_t i = 0; all && i < set->n_files && m.ids; i++)
		for (uint32_t j = 0; j < set->files[i]->n_links && m.ids; j++)
			add_link(&m, set->files[i], &set->files[i]->links[j]);
	arena_free(m.arena);
	return m.ok;
}
