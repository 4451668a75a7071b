/* parallel.c - a policy set taken apart by a few threads.
 * Each takes runs of the instances into makings of their own, with tables of
 * their own; what comes of the second and later runs is then put behind the
 * first, in order: a table numbers what it is given in the order in which it
 * first sees it, so that every number is the one that a single thread would
 * have given, and nothing depends on how many there were. Which paths are
 * learned does depend on it, as what was seen before is not looked at again:
 * those that tests use are numbered anew in an order of their own. What is only
 * looked at while policies are taken apart (`words`, indivisible sets) stays
 * behind.
 * Cost: that of the runs, shared, and one look-up for each atom, test, path
 * and list that a run knows. */
#include "policy/rules.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/pages.h"

/* Less is done sooner than a thread is started and its tables are joined. */
#define INSTANCES_A_THREAD 8192u

/* As many runs, so that who is done with one soon takes another. */
#define RUNS_A_THREAD 4u

struct run {
	struct making *making; /* the first one's is all's */
	struct making own;
	struct arena *kept; /* `own.a`; NULL: it is all's, too */
	struct rule *all;   /* room for those of all runs */
	uint32_t from, to;
	struct normal_stage stats[NORMAL_STAGES_MAX];
	struct error err;
	bool ok;
};

/* ---- one behind the other -------------------------------------------------
 */

/* Numbers of a run, to those of all. */
struct numbers {
	uint32_t *paths, *atoms, *tests, *lists;
};

static bool
make_numbers(struct arena *a, const struct making *run, struct numbers *ret)
{
	ret->paths = ARENA_ARRAY(a, intern_count(run->paths), uint32_t);
	ret->atoms = ARENA_ARRAY(a, run->n_atoms, uint32_t);
	ret->tests = ARENA_ARRAY(a, run->n_tests, uint32_t);
	ret->lists = ARENA_ARRAY(a, run->n_lists, uint32_t);
	return ret->paths && ret->atoms && ret->tests && ret->lists;
}

/* What is above a path has a lower number than the path. */
static bool
join_paths(struct making *m, const struct making *run, const struct numbers *to)
{
	for (uint32_t i = 0; i < intern_count(run->paths); i++) {
		uint32_t up;
		struct str name;

		to->paths[i] = i;
		if (!facts_path_up(run->paths, i, &up, &name))
			continue;
		to->paths[i] = facts_path_add(m->paths, to->paths[up], name);
		if (to->paths[i] == FACTS_NO_PATH)
			return false;
	}
	return true;
}

/* The number of a run's text; *ret_is_new when it had none. */
static uint32_t
join_text(
    struct intern *all, const struct intern *run, uint32_t i, bool *ret_is_new)
{
	uint32_t before = intern_count(all), id;
	struct str unused, text;

	intern_get(run, i, &unused, &text);
	id = intern_add(all, STR(""), text);
	*ret_is_new = id == before;
	return id;
}

static bool
join_atoms(struct making *m, const struct making *run, const struct numbers *to)
{
	for (uint32_t i = 0; i < run->n_atoms; i++) {
		bool is_new;

		to->atoms[i] =
		    join_text(m->atom_texts, run->atom_texts, i, &is_new);
		if (to->atoms[i] == INTERN_NONE)
			return false;
		if (!is_new)
			continue;
		if (!ARENA_PUSH_ROOM(
			m->scratch, m->atoms, m->n_atoms, m->cap_atoms))
			return false;
		m->atoms[m->n_atoms++] = run->atoms[i];
	}
	return true;
}

static int
by_path(const void *x, const void *y)
{
	const struct normal_read *a = x, *b = y;

	return (a->path > b->path) - (a->path < b->path);
}

static const struct normal_read *
join_reads(struct arena *a, const struct numbers *to,
    const struct normal_read *reads, uint32_t n)
{
	struct normal_read *kept = ARENA_ARRAY(a, n, struct normal_read);

	for (uint32_t i = 0; kept && i < n; i++)
		kept[i] = (struct normal_read){ to->paths[reads[i].path],
			reads[i].kinds };
	if (kept && n > 1)
		qsort(kept, n, sizeof *kept, by_path);
	return kept;
}

static uint32_t
number_of(const uint32_t *numbers, uint32_t i)
{
	return i == UINT32_MAX ? i : numbers[i];
}

/* The paths of a test. */
static bool
renumber(struct making *m, struct known_test *t, const struct numbers *to)
{
	struct normal_conjunct *c = &t->conjunct;

	c->path = number_of(to->paths, c->path);
	c->reads = join_reads(m->a, to, c->reads, c->n_reads);
	t->sure = join_reads(m->scratch, to, t->sure, t->n_sure);
	return c->reads && t->sure;
}

static bool
join_test(struct making *m, const struct known_test *from,
    const struct numbers *to, struct known_test *ret)
{
	*ret = *from;
	ret->atom_number = UINT32_MAX;
	ret->opposite = UINT32_MAX;
	return renumber(m, ret, to);
}

/* What was found out about a test, whoever did. */
static void
join_found(struct making *m, const struct making *run, const struct numbers *to)
{
	for (uint32_t i = 0; i < run->n_tests; i++) {
		const struct known_test *from = &run->tests[i];
		struct known_test *t = &m->tests[to->tests[i]];

		if (t->atom_number == UINT32_MAX)
			t->atom_number =
			    number_of(to->atoms, from->atom_number);
		if (t->opposite == UINT32_MAX)
			t->opposite = number_of(to->tests, from->opposite);
	}
}

static bool
join_tests(struct making *m, const struct making *run, const struct numbers *to)
{
	for (uint32_t i = 0; i < run->n_tests; i++) {
		bool is_new;

		to->tests[i] =
		    join_text(m->test_texts, run->test_texts, i, &is_new);
		if (to->tests[i] == INTERN_NONE)
			return false;
		if (!is_new)
			continue;
		if (!ARENA_PUSH_ROOM(
			m->scratch, m->tests, m->n_tests, m->cap_tests) ||
		    !join_test(m, &run->tests[i], to, &m->tests[m->n_tests]))
			return false;
		m->n_tests++;
	}
	join_found(m, run, to);
	return true;
}

static bool
join_lists(struct making *m, const struct making *run, const struct numbers *to)
{
	struct ids ids = { 0 };

	for (uint32_t i = 0; i < run->n_lists; i++) {
		const struct known_list *l = &run->lists[i];

		ids.n = 0;
		for (uint32_t k = 0; k < l->n; k++)
			if (!ids_add(run->each, &ids, to->tests[l->tests[k]]))
				return false;
		to->lists[i] = rules_list(m, ids.items, l->n);
		if (to->lists[i] == UINT32_MAX)
			return false;
	}
	return true;
}

/* Often they are in their place already. */
static bool
join_rules(struct making *m, const struct making *run, const struct numbers *to)
{
	for (size_t i = 0; i < run->n_rules; i++) {
		struct rule *r;

		if (!ARENA_PUSH_ROOM(
			m->scratch, m->rules, m->n_rules, m->cap_rules))
			return false;
		r = &m->rules[m->n_rules++];
		*r = run->rules[i];
		for (unsigned v = 0; v < 3; v++)
			r->atom[v] = to->atoms[r->atom[v]];
		r->list = to->lists[r->list];
	}
	return true;
}

static void
join_notes(struct making *m, const struct making *run)
{
	for (size_t i = 0; i < run->n_notes; i++) {
		const struct normal_note *note = &run->notes[i];

		m->stage = note->stage;
		rules_note(m, note->what, note->instance, note->other);
	}
	m->lacks_notes = m->lacks_notes || run->lacks_notes;
}

/* Rules keep what they have in the run's arenas. */
static bool
join(struct making *m, struct making *run)
{
	struct numbers to;

	arena_reset(run->each);
	join_notes(m, run);
	m->is_cut = m->is_cut || run->is_cut;
	m->is_expanded = m->is_expanded || run->is_expanded;
	return make_numbers(run->each, run, &to) && join_paths(m, run, &to) &&
	       join_atoms(m, run, &to) && join_tests(m, run, &to) &&
	       join_lists(m, run, &to) && join_rules(m, run, &to);
}

/* ---- paths ----------------------------------------------------------------
 */

/* A path as bytes: what is above it, then the name with its length. */
struct path_key {
	struct str key;
	uint32_t path;
};

static struct str
key_of(struct making *m, const struct path_key *keys, uint32_t path)
{
	uint32_t up, n;
	struct str name;

	if (!facts_path_up(m->paths, path, &up, &name))
		return str_printf(m->each, "%u", path);
	n = (uint32_t)name.n;
	m->text.n = 0;
	buf_add(&m->text, keys[up].key);
	buf_add(&m->text, (struct str){ (const char *)&n, sizeof n });
	buf_add(&m->text, name);
	return buf_ok(&m->text) ? str_dup(m->each, buf_str(&m->text))
				: (struct str){ 0 };
}

/* The path and what is above it. */
static void
use_path(const struct making *m, bool *used, uint32_t path)
{
	struct str name;

	while (path != FACTS_NO_PATH && !used[path]) {
		used[path] = true;
		if (!facts_path_up(m->paths, path, &path, &name))
			return;
	}
}

static void
use_paths(const struct making *m, bool *used)
{
	for (size_t i = 0; i < m->n_tests; i++) {
		const struct known_test *t = &m->tests[i];

		use_path(m, used, t->conjunct.path);
		for (uint32_t k = 0; k < t->conjunct.n_reads; k++)
			use_path(m, used, t->conjunct.reads[k].path);
		for (uint32_t k = 0; k < t->n_sure; k++)
			use_path(m, used, t->sure[k].path);
	}
}

/* A new table of those that are used, sorted: what is above comes first. */
static bool
sort_paths(struct making *m, const bool *used, struct numbers *to)
{
	uint32_t n = intern_count(m->paths), up;
	struct path_key *keys = ARENA_ARRAY(m->each, n, struct path_key);
	struct intern *sorted = facts_paths_new(m->scratch);
	struct str name;

	if (!keys || !sorted)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		keys[i] = (struct path_key){ key_of(m, keys, i), i };
		if (!keys[i].key.p)
			return false;
	}
	qsort(keys, n, sizeof *keys, str_compare);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t path = keys[i].path;

		to->paths[path] = path;
		if (facts_path_up(m->paths, path, &up, &name) && used[path])
			to->paths[path] =
			    facts_path_add(sorted, to->paths[up], name);
		if (to->paths[path] == FACTS_NO_PATH)
			return false;
	}
	m->paths = sorted;
	return true;
}

static bool
settle_paths(struct making *m)
{
	struct numbers to;
	bool *used;

	arena_reset(m->each);
	used = ARENA_ARRAY(m->each, intern_count(m->paths), bool);
	to.paths = ARENA_ARRAY(m->each, intern_count(m->paths), uint32_t);
	if (!used || !to.paths)
		return false;
	use_paths(m, used);
	if (!sort_paths(m, used, &to))
		return false;
	for (size_t i = 0; i < m->n_tests; i++)
		if (!renumber(m, &m->tests[i], &to))
			return false;
	return true;
}

/* ---- threads --------------------------------------------------------------
 */

/* A run's rules lie where they will, among all, unless they are more than its
 * policies: then they move away. */
static void
give_room(struct making *m, struct rule *all, const struct run *r)
{
	m->rules = all + r->from;
	m->cap_rules = r->to - r->from;
	pages_touch(m->rules, m->cap_rules * sizeof *all);
}

static bool
begin_run(struct run *r, struct making *m, struct error *reterr)
{
	r->all = m->rules;
	r->making = m;
	if (r->from == 0)
		return true;
	r->making = &r->own;
	r->kept = arena_new(0);
	return r->kept ? normal_begin(&r->own, r->kept, m->set, &m->options,
			     r->to - r->from, reterr)
		       : error_nomem(reterr);
}

/* Runs that somebody still has to take. */
struct taking {
	struct run *runs;
	size_t n;
	atomic_size_t next;
};

static void
take_some(void *part)
{
	struct taking *t = part;

	for (size_t i; (i = atomic_fetch_add(&t->next, 1)) < t->n;) {
		struct run *r = &t->runs[i];

		give_room(r->making, r->all, r);
		r->ok =
		    normal_take(r->making, r->from, r->to, r->stats, &r->err);
	}
}

static void
add_stats(const struct run *r, struct normal_stage *stats, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		stats[i].n_before += r->stats[i].n_before;
		stats[i].n_after += r->stats[i].n_after;
		stats[i].ns += r->stats[i].ns;
	}
}

/* What a run keeps goes with what all keep. */
static bool
take_arenas(struct making *m, struct run *r)
{
	if (!files_adopt(m->a, r->kept))
		return false;
	r->kept = NULL;
	if (!files_adopt(m->scratch, r->own.scratch))
		return false;
	r->own.scratch = NULL;
	return true;
}

static bool
join_run(struct making *m, struct run *r, struct error *reterr)
{
	if (!r->ok) {
		if (reterr)
			*reterr = r->err;
		return false;
	}
	/* Up to where the next run's rules are. */
	if (m->rules == r->all)
		m->cap_rules = r->to;
	if (r->making != m && !(join(m, &r->own) && take_arenas(m, r)))
		return error_nomem(reterr);
	return normal_check_count(m, reterr);
}

size_t
parallel_share(size_t threads, size_t n, size_t least)
{
	long most = sysconf(_SC_NPROCESSORS_ONLN);
	bool is_told = threads > 0;

	if (!is_told)
		threads = n / least;
	if (!is_told && most > 0 && threads > (size_t)most)
		threads = (size_t)most;
	if (threads > n)
		threads = n;
	return threads > PARALLEL_MAX ? PARALLEL_MAX
	       : threads > 1          ? threads
				      : 1;
}

size_t
parallel_threads(const struct making *m, size_t n, size_t least)
{
	return parallel_share(m->options.threads, n, least);
}

struct helper {
	pthread_t thread;
	void (*fn)(void *part);
	void *part;
};

static void *
help(void *arg)
{
	const struct helper *h = arg;

	h->fn(h->part);
	return NULL;
}

void
parallel_each(void (*fn)(void *part), void *parts, size_t size, size_t n)
{
	struct helper helpers[PARALLEL_MAX];
	bool started[PARALLEL_MAX] = { false };

	for (size_t i = 1; i < n; i++) {
		helpers[i].fn = fn;
		helpers[i].part = (char *)parts + i * size;
		started[i] = pthread_create(&helpers[i].thread, NULL, help,
				 &helpers[i]) == 0;
	}
	fn(parts);
	for (size_t i = 1; i < n; i++)
		if (started[i])
			(void)pthread_join(helpers[i].thread, NULL);
		else
			fn(helpers[i].part);
}

static bool
take_all(struct making *m, struct run *runs, size_t n, size_t n_threads,
    struct normal_stage *stats, struct error *reterr)
{
	struct taking t = { .runs = runs, .n = n };

	parallel_each(take_some, &t, 0, n_threads);
	for (size_t i = 0; i < n; i++) {
		if (!join_run(m, &runs[i], reterr))
			return false;
		add_stats(&runs[i], stats, NORMAL_STAGES_MAX);
	}
	return settle_paths(m) || error_nomem(reterr);
}

bool
parallel_take(
    struct making *m, struct normal_stage *stats, struct error *reterr)
{
	size_t total = m->set->n_instances;
	size_t n_threads = parallel_threads(m, total, INSTANCES_A_THREAD);
	size_t n = n_threads > 1 ? n_threads * RUNS_A_THREAD : 1;
	struct run *runs;
	bool ok;

	n = n_threads > 1 && n > total ? total : n;
	runs = ARENA_ARRAY(m->scratch, n, struct run);
	ok = runs != NULL || error_nomem(reterr);
	for (size_t i = 0; ok && i < n; i++) {
		runs[i].from = (uint32_t)(total * i / n);
		runs[i].to = (uint32_t)(total * (i + 1) / n);
		ok = begin_run(&runs[i], m, reterr);
	}
	ok = ok && take_all(m, runs, n, n_threads, stats, reterr);
	for (size_t i = 1; runs && i < n; i++) {
		normal_end(&runs[i].own);
		arena_free(runs[i].kept);
	}
	return ok;
}
