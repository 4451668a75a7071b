/* normal.c - policies into rules, by a table of stages.
 * The first stages take one policy at a time, so that what they need for it is
 * forgotten with it; the others act on all rules. Stages can be left out, but
 * for those that carry a policy from one shape to the next. At the end the
 * rules are published: arrays in the caller's arena, lists of tests shared by
 * the rules that have the same. */
#include "policy/normal.h"

#include <assert.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/pages.h"
#include "policy/rules.h"

struct stage {
	const char *name, *why;
	bool (*each)(struct making *m, struct error *reterr);
	bool (*all)(struct making *m, struct error *reterr);
	bool (*runs)(const struct normal_options *o);
};

static bool
always(const struct normal_options *o)
{
	(void)o;
	return true;
}

static bool
wants_expand(const struct normal_options *o)
{
	return o->expand;
}

static bool
wants_decompound(const struct normal_options *o)
{
	return o->decompound;
}

static bool
wants_dedup(const struct normal_options *o)
{
	return o->dedup;
}

static bool
wants_unions(const struct normal_options *o)
{
	return o->unions;
}

static bool
wants_contain(const struct normal_options *o)
{
	return o->contain;
}

static bool
has_granularity(const struct normal_options *o)
{
	return o->granularity[0] || o->granularity[1] || o->granularity[2];
}

static bool
wants_join(const struct normal_options *o)
{
	return o->recompound && has_granularity(o);
}

static bool
wants_denied(const struct normal_options *o)
{
	return o->denied && !has_granularity(o);
}

/* clang-format off */
static const struct stage stages[] = {
	{ "split", "first: all others work on tests", split_policy, NULL, always },
	{ "expand", "wildcards first, on the whole scope", expand_policy, NULL, wants_expand },
	{ "decompound", "on tests in the order of the text, which says what an error hides", decompound_policy, NULL, wants_decompound },
	{ "atoms", "after decompounding, which brings tests of one entity to light", atoms_policy, NULL, always },
	{ "merge", "on placed rules: equal ones have equal numbers", NULL, dedup_merge, wants_dedup },
	{ "order", "before what prefers one of several", NULL, order_rules, always },
	{ "contain", "on merged rules: none covers its own copy", NULL, contain_rules, wants_contain },
	{ "unions", "after single covers, which are cheaper to find", NULL, unions_contain, wants_unions },
	{ "denied", "for people alone: on what is left, before atoms are joined", NULL, follows_find, wants_denied },
	{ "denied by several", "the same of denies together", NULL, unions_denied, wants_denied },
	{ "recompound", "last: joined atoms are harder to compare", NULL, recompound_join, wants_join },
};
/* clang-format on */

#define N_STAGES ARRAY_LEN(stages)
_Static_assert(N_STAGES <= NORMAL_STAGES_MAX, "runs count all stages");

/* What there is: drafts while a policy is taken apart (the policy itself at
 * first), the rules that have not left the index after that, where somebody
 * asked. */
static uint32_t
count_all(const struct making *m)
{
	size_t n = 0;

	for (size_t i = 0; m->options.timed && i < m->n_rules; i++)
		n += !m->rules[i].is_contained;
	return (uint32_t)n;
}

static bool
run_each(struct making *m, const struct stage *s, struct normal_stage *stats,
    struct error *reterr)
{
	size_t rules = m->n_rules;
	bool places = s->each == atoms_policy;

	stats->n_before += m->drafts.n ? (uint32_t)m->drafts.n : 1;
	if (!s->each(m, reterr))
		return false;
	stats->n_after += (uint32_t)(places ? m->n_rules - rules : m->drafts.n);
	return true;
}

static bool
run_stage(struct making *m, const struct stage *s, struct normal_stage *stats,
    struct error *reterr)
{
	/* Two readings for each policy and stage: only who asks pays. */
	int64_t from = m->options.timed ? clock_mono_ns() : 0;
	bool ok;

	if (!s->runs(&m->options))
		return true;
	m->stage = s->name;
	if (s->each) {
		ok = run_each(m, s, stats, reterr);
	} else {
		stats->n_before = count_all(m);
		ok = s->all(m, reterr);
		stats->n_after = count_all(m);
	}
	if (m->options.timed)
		stats->ns += (uint64_t)(clock_mono_ns() - from);
	return ok;
}

/* ---- what the whole set says ----------------------------------------------
 */

static bool
learn_indivisible(struct making *m, const struct ast *t,
    const struct ast_indivisible *set, uint32_t number)
{
	struct intern *table = m->indivisible[set->var];
	struct ids *owners = &m->owners[set->var];

	for (uint32_t i = 0; i < set->n; i++) {
		const struct ast_node *e = &t->nodes[t->kids[set->first + i]];
		uint32_t id =
		    intern_add(table, t->strings[e->a], t->strings[e->b]);

		if (id == INTERN_NONE ||
		    (id == owners->n && !ids_add(m->scratch, owners, number)))
			return false;
	}
	return true;
}

static bool
learn_indivisibles(struct making *m)
{
	uint32_t number = 0;

	for (size_t v = 0; v < 3; v++) {
		m->indivisible[v] = intern_new(m->scratch, NULL);
		if (!m->indivisible[v])
			return false;
	}
	for (size_t i = 0; i < m->set->n_files; i++)
		for (uint32_t k = 0; k < m->set->files[i]->n_indivisibles; k++)
			if (!learn_indivisible(m, m->set->files[i],
				&m->set->files[i]->indivisibles[k], number++))
				return false;
	return true;
}

/* A few policies have not much in common that a look-up would not find. */
#define NEAR_FEW 64u
#define NEAR_MANY 4096u

static bool
make_near(struct making *m, size_t n)
{
	size_t near = n < NEAR_MANY ? NEAR_FEW : NEAR_MANY;

	m->near_tests = ARENA_ARRAY(m->scratch, near, struct near_test);
	m->near_lists = ARENA_ARRAY(m->scratch, near, uint32_t);
	m->near_mask = (uint32_t)near - 1;
	return m->near_tests && m->near_lists;
}

bool
normal_begin(struct making *m, struct arena *a, const struct policy_set *set,
    const struct normal_options *options, size_t n, struct error *reterr)
{
	m->a = a;
	m->set = set;
	m->options = *options;
	if (m->options.growth_max == 0)
		m->options.growth_max = RULES_GROWTH_MAX;
	if (m->options.below_max == 0)
		m->options.below_max = RULES_BELOW_MAX;
	m->scratch = arena_new(0);
	m->each = arena_new(0);
	if (!m->scratch || !m->each)
		return error_nomem(reterr);
	m->paths = facts_paths_new(m->scratch);
	m->atom_texts = intern_new(m->scratch, NULL);
	m->test_texts = intern_new(m->scratch, NULL);
	m->list_keys = intern_new(m->scratch, NULL);
	m->words = intern_new(m->scratch, NULL);
	if (!m->paths || !m->words || !m->atom_texts || !m->test_texts ||
	    !m->list_keys || !make_near(m, n) || !learn_indivisibles(m))
		return error_nomem(reterr);
	return true;
}

void
normal_end(struct making *m)
{
	arena_free(m->scratch);
	arena_free(m->each);
	buf_free(&m->text);
	buf_free(&m->operands);
	buf_free(&m->chain);
}

bool
normal_check_count(const struct making *m, struct error *reterr)
{
	return m->n_rules <= LIMIT_RULES ||
	       error_set(reterr, ERR_LIMIT_COUNT, SPAN_NONE,
		   "more than %u rules", LIMIT_RULES);
}

static bool
take_policy(struct making *m, uint32_t i, struct normal_stage *stats,
    struct error *reterr)
{
	const struct policy_instance *p = &m->set->instances[i];

	arena_reset(m->each);
	m->instance = i;
	m->ast = p->ast;
	m->has_facts = false;
	m->drafts = (struct drafts){ 0 };
	for (size_t s = 0; s < N_STAGES; s++)
		if (stages[s].each &&
		    !run_stage(m, &stages[s], &stats[s], reterr))
			return false;
	return normal_check_count(m, reterr);
}

bool
normal_take(struct making *m, uint32_t from, uint32_t to,
    struct normal_stage *stats, struct error *reterr)
{
	for (uint32_t i = from; i < to; i++)
		if (!take_policy(m, i, stats, reterr))
			return false;
	return true;
}

/* ---- publishing -----------------------------------------------------------
 */

struct publisher {
	struct making *m;
	uint32_t *ids; /* room for those of all rules, used from the front */
	struct normal *n;
	const struct normal_conjunct **lists; /* by number; NULL: not yet */
	uint32_t *number; /* of each rule, among its own kind */
};

static bool
publish_path(struct making *m, uint32_t path, struct normal_path *ret)
{
	uint32_t n = 0, at = path;
	struct str name, *names;

	while (facts_path_up(m->paths, at, &at, &name))
		n++;
	names = ARENA_ARRAY(m->a, n, struct str);
	if (!names)
		return false;
	*ret =
	    (struct normal_path){ .var = (uint8_t)at, .names = names, .n = n };
	for (at = path; facts_path_up(m->paths, at, &at, &name);) {
		names[--n] = str_dup(m->a, name);
		if (!names[n].p)
			return false;
	}
	return true;
}

static bool
publish_paths(struct publisher *p)
{
	uint32_t n = intern_count(p->m->paths);
	struct normal_path *paths = ARENA_ARRAY(p->m->a, n, struct normal_path);

	for (uint32_t i = 0; paths && i < n; i++)
		if (!publish_path(p->m, i, &paths[i]))
			return false;
	p->n->paths = paths;
	p->n->n_paths = n;
	return paths != NULL;
}

static bool
publish_atoms(struct publisher *p)
{
	size_t n = p->m->n_atoms;
	struct normal_atom *kept = ARENA_ARRAY(p->m->a, n, struct normal_atom);

	if (kept && n)
		memcpy(kept, p->m->atoms, n * sizeof *kept);
	p->n->atoms = kept;
	p->n->n_atoms = (uint32_t)n;
	return kept != NULL;
}

static const struct normal_conjunct *
publish_list(struct publisher *p, uint32_t number)
{
	const struct known_list *list = &p->m->lists[number];
	struct normal_conjunct *kept;

	if (p->lists[number])
		return p->lists[number];
	kept = ARENA_ARRAY(p->m->a, list->n, struct normal_conjunct);
	for (uint32_t i = 0; kept && i < list->n; i++) {
		kept[i] = p->m->tests[list->tests[i]].conjunct;
		kept[i].hash =
		    str_sip13(0, 0, rules_test_text(p->m, list->tests[i]));
	}
	p->lists[number] = kept;
	return kept;
}

static const uint32_t *
publish_ids(struct publisher *p, const uint32_t *ids, uint32_t n)
{
	uint32_t *kept = ARENA_ARRAY(p->m->a, n, uint32_t);

	if (kept && n)
		memcpy(kept, ids, n * sizeof *kept);
	return kept;
}

/* The same for rules, which have room. */
static const uint32_t *
publish_few(struct publisher *p, struct few *few)
{
	static const uint32_t none;
	uint32_t *kept = p->ids;
	const uint32_t *from = few_items(few);

	/* Most rules have none below them. */
	if (few->n == 0)
		return &none;
	for (uint32_t i = 0; i < few->n; i++)
		kept[i] = from[i];
	p->ids += few->n;
	return kept;
}

static bool
publish_parts(
    struct publisher *p, const struct rule_more *more, struct normal_rule *r)
{
	const struct rule_parts *parts = more ? &more->parts : NULL;
	struct normal_part *kept;

	if (!parts || parts->n == 0)
		return true;
	kept = ARENA_ARRAY(p->m->a, parts->n, struct normal_part);
	r->parts = kept;
	r->n_parts = (uint32_t)parts->n;
	for (size_t i = 0; kept && i < parts->n; i++) {
		struct rule_part *part = &parts->items[i];

		for (size_t k = 0; k < 3; k++)
			kept[i].atom[k] = &p->n->atoms[part->atom[k]];
		kept[i].parents =
		    publish_ids(p, few_items(&part->parents), part->parents.n);
		kept[i].n_parents = part->parents.n;
		if (!kept[i].parents)
			return false;
	}
	return kept != NULL;
}

/* All but its parts. Lists are there. */
static void
publish_rule(struct publisher *p, struct rule *r, struct normal_rule *ret)
{
	for (size_t i = 0; i < r->below.n; i++) {
		uint32_t *below = &few_items(&r->below)[i];

		*below = p->number[*below];
	}
	*ret = (struct normal_rule){ .effect = r->effect,
		.conjuncts = p->lists[r->list],
		.n_conjuncts = p->m->lists[r->list].n,
		.n_total = p->m->lists[r->list].n_total,
		.parents = publish_few(p, &r->parents),
		.n_parents = r->parents.n,
		.below = publish_few(p, &r->below),
		.n_below = r->below.n };
	for (size_t i = 0; i < 3; i++)
		ret->atom[i] = &p->n->atoms[r->atom[i]];
}

/* Rules [from, to), which are [first, end) of each kind. */
struct publishing {
	struct publisher p; /* a copy, with room for these rules' ids */
	struct normal_rule *rules[2];
	size_t from, to;
	uint32_t first[2], end[2];
};

static void
publish_some(void *part)
{
	struct publishing *q = part;
	struct making *m = q->p.m;

	for (unsigned k = 0; k < 2; k++)
		pages_touch(q->rules[k] + q->first[k],
		    (q->end[k] - q->first[k]) * sizeof **q->rules);
	for (size_t i = q->from; i < q->to; i++) {
		struct rule *r = &m->rules[i];

		publish_rule(
		    &q->p, r, &q->rules[r->is_contained][q->p.number[i]]);
	}
}

/* Number the rules of a part, and publish their lists; *inout_ids: of those
 * before. */
static bool
number_some(
    struct publisher *p, struct publishing *q, uint32_t n[2], size_t *inout_ids)
{
	memcpy(q->first, n, sizeof q->first);
	for (size_t i = q->from; i < q->to; i++) {
		const struct rule *r = &p->m->rules[i];

		p->number[i] = n[r->is_contained]++;
		*inout_ids += (size_t)r->parents.n + r->below.n;
		if (!publish_list(p, r->list))
			return false;
	}
	memcpy(q->end, n, sizeof q->end);
	return true;
}

static bool
publish_all_parts(struct publisher *p, struct normal_rule *const rules[2])
{
	for (size_t i = 0; i < p->m->n_rules; i++) {
		const struct rule *r = &p->m->rules[i];

		if (r->more && !publish_parts(p, r->more,
				   &rules[r->is_contained][p->number[i]]))
			return false;
	}
	return true;
}

/* Less is done sooner than a thread is started. */
#define PUBLISHED_A_THREAD 16384u

static bool
publish_rules(struct publisher *p)
{
	struct making *m = p->m;
	size_t n_parts = parallel_threads(m, m->n_rules, PUBLISHED_A_THREAD);
	struct publishing parts[PARALLEL_MAX] = { 0 };
	struct normal_rule *rules[2];
	size_t n_ids = 0, ids[PARALLEL_MAX];
	uint32_t n[2] = { 0 }, *all;

	for (size_t i = 0; i < n_parts; i++) {
		ids[i] = n_ids;
		parts[i].from = m->n_rules * i / n_parts;
		parts[i].to = m->n_rules * (i + 1) / n_parts;
		if (!number_some(p, &parts[i], n, &n_ids))
			return false;
	}
	rules[0] = arena_room(m->a, n[0], sizeof **rules);
	rules[1] = arena_room(m->a, n[1], sizeof **rules);
	all = arena_room(m->a, n_ids, sizeof *all);
	if (!rules[0] || !rules[1] || !all)
		return false;
	for (size_t i = 0; i < n_parts; i++) {
		parts[i].p = *p;
		parts[i].p.ids = all + ids[i];
		memcpy(parts[i].rules, rules, sizeof rules);
	}
	parallel_each(publish_some, parts, sizeof *parts, n_parts);
	p->n->rules = rules[0];
	p->n->contained = rules[1];
	p->n->n_rules = n[0];
	p->n->n_contained = n[1];
	return publish_all_parts(p, rules);
}

static struct ids *
denied_by(const struct rule *r)
{
	return r->more ? &r->more->denied_by : NULL;
}

static struct ids *
covered_by(const struct rule *r)
{
	return r->more ? &r->more->covered_by : NULL;
}

static bool
publish_follows(struct publisher *p, struct ids *(*by_of)(const struct rule *),
    const struct normal_follows **ret, uint32_t *ret_n)
{
	struct making *m = p->m;
	struct normal_follows *all;
	uint32_t n = 0;

	for (size_t i = 0; i < m->n_rules; i++)
		n += by_of(&m->rules[i]) && by_of(&m->rules[i])->n > 0;
	all = ARENA_ARRAY(m->a, n, struct normal_follows);
	*ret = all;
	*ret_n = n;
	n = 0;
	for (size_t i = 0; all && i < m->n_rules; i++) {
		const struct rule *r = &m->rules[i];
		const struct ids *by = by_of(r);

		if (!by || by->n == 0)
			continue;
		for (size_t k = 0; k < by->n; k++)
			by->items[k] = p->number[by->items[k]];
		all[n] = (struct normal_follows){ p->number[i], r->is_contained,
			publish_ids(p, by->items, by->n), by->n };
		if (!all[n++].by)
			return false;
	}
	return all != NULL;
}

static bool
publish(struct making *m, const struct normal_stage *stats,
    const struct normal **ret)
{
	struct publisher p = { .m = m, .n = ARENA_NEW(m->a, struct normal) };

	p.lists =
	    ARENA_ARRAY(m->scratch, m->n_lists, const struct normal_conjunct *);
	p.number = ARENA_ARRAY(m->scratch, m->n_rules, uint32_t);
	if (m->lacks_notes || !p.n || !p.lists || !p.number ||
	    !publish_paths(&p) || !publish_atoms(&p) || !publish_rules(&p) ||
	    !publish_follows(&p, denied_by, &p.n->denied, &p.n->n_denied) ||
	    !publish_follows(&p, covered_by, &p.n->covered, &p.n->n_covered))
		return false;
	p.n->is_cut = m->is_cut;
	p.n->closed = m->is_expanded ? m->set->closed : NULL;
	p.n->set = m->set;
	p.n->stages = stats;
	p.n->n_stages = N_STAGES;
	p.n->notes = m->notes;
	p.n->n_notes = (uint32_t)m->n_notes;
	*ret = p.n;
	return true;
}

void
normal_lend(const struct normal *n, struct policy_set *set)
{
	assert(n->set == set && !n->closed);
	set->lent = n;
}

bool
normal_make(struct arena *a, const struct policy_set *set,
    const struct normal_options *options, const struct normal **ret,
    struct error *reterr)
{
	struct making m = { 0 };
	struct normal_stage *stats =
	    ARENA_ARRAY(a, NORMAL_STAGES_MAX, struct normal_stage);
	bool ok = stats != NULL || error_nomem(reterr);

	assert(!set->image);
	ok = ok && normal_begin(&m, a, set, options, set->n_instances, reterr);
	/* Most policies become one rule. */
	if (ok)
		m.rules =
		    arena_room(m.scratch, set->n_instances, sizeof *m.rules);
	ok = ok && (m.rules || error_nomem(reterr));
	for (size_t s = 0; ok && s < N_STAGES; s++) {
		stats[s].name = stages[s].name;
		stats[s].why = stages[s].why;
	}
	ok = ok && parallel_take(&m, stats, reterr);
	if (ok && options->taken)
		options->taken(options->ctx);
	for (size_t s = 0; ok && s < N_STAGES; s++)
		if (stages[s].all)
			ok = run_stage(&m, &stages[s], &stats[s], reterr);
	if (ok && !publish(&m, stats, ret))
		ok = error_nomem(reterr);
	normal_end(&m);
	return ok;
}
