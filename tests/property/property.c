/* property.c - random cases: rules evaluated one by one against the text of the
 * policies, with every stage on and off.
 *   property COUNT [SECONDS [SEED]]   decisions wanted, time allowed, seed
 * Checked for each case: satisfied and erring policies are the same, also
 * where the index looks for them, with the entities known to it and without,
 * and where policies and index come from an image;
 * every promise of the normal form holds; the printed form does not depend on
 * the order of files, and compiling the printed rules gives these rules again.
 * No decision changes when the policies go of which lint says that they change
 * nothing, and where a permit holds that denies are said to beat one does; with
 * `property --lint COUNT [SECONDS [SEED]]` that alone. A difference is made
 * smaller and shown as policies and a request. The last lines are `property: N
 * decisions agree, N differ` and the test counts. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "tests/property/generate.h"
#include "tests/property/idle.h"
#include "tests/lib/linear.h"
#include "tests/property/mapped.h"
#include "tests/property/published.h"
#include "tests/property/width.h"
#include "tests/property/updates.h"

#define STAGES 6u
#define ALL_STAGES ((1u << STAGES) - 1)
#define WORLDS 2u
#define REQUESTS 12u
#define SHOWN 5u

struct run {
	struct arena *arena, *scratch;
	uint64_t seed;
	struct normal_options tuning; /* growth, below, granularity */
	struct schema *schema;        /* what wildcards may be expanded by */
	uint64_t idle, beaten, agree, differ, forms, forms_differ,
	    printed_again, indexed, sure;
	/* How often the stages did something. */
	uint64_t merged, contained, united, joined, divided, expanded, cases,
	    links;
};

/* A case as one request sees it. */
struct situation {
	const struct generate_case *c;
	struct eval_request request;
	struct normal_options options;
};

static struct normal_options
options_of(const struct run *run, unsigned mask)
{
	struct normal_options o = run->tuning;

	o.decompound = mask & 1;
	o.dedup = mask & 2;
	o.contain = mask & 4;
	o.recompound = mask & 8;
	o.expand = mask & 16;
	o.unions = mask & 32;
	return o;
}

/* ---- one case -------------------------------------------------------------
 */

/* A file a policy, so that places do not depend on the order. */
static struct policy_set *
load(
    const struct run *run, const struct generate_case *c, const uint32_t *order)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct errors errors = { 0 };
	bool ok = set && policy_set_add_text(set, "d.avow", c->declarations,
			     POLICY_AVOW, &errors);

	for (uint32_t i = 0; ok && i < c->n_policies; i++) {
		uint32_t which = order ? order[i] : i;
		struct buf text = { 0 };
		struct buf link = { 0 };
		char file[16], links[16];

		(void)snprintf(file, sizeof file, "p%02u.avow", which);
		(void)snprintf(links, sizeof links, "p%02u.json", which);
		generate_text(&text, &c->policies[which]);
		ok = policy_set_add_text(
		    set, file, buf_str(&text), POLICY_AVOW, &errors);
		if (ok &&
		    generate_link(&link, &c->policies[which], which, file))
			ok = policy_set_add_json(
			    set, links, buf_str(&link), &errors);
		buf_free(&link);
		if (!ok)
			fprintf(stderr, "%s%s\n", text.p, errors.e[0].msg);
		buf_free(&text);
	}
	if (!ok || !policy_set_finish(set, &errors)) {
		fprintf(stderr, "property: %s\n", errors.e[0].msg);
		abort();
	}
	schema_close_set(run->schema, set);
	return set;
}

static const struct normal *
make(struct arena *a, const struct policy_set *set,
    const struct normal_options *options)
{
	const struct normal *n;
	struct error err = { 0 };

	if (normal_make(a, set, options, &n, &err))
		return n;
	fprintf(stderr, "property: %s\n", err.msg);
	abort();
}

struct outcomes {
	enum eval_outcome of[GENERATE_POLICIES];
};

static struct outcomes
oracle(const struct policy_set *set, const struct eval_request *r,
    struct arena *scratch)
{
	struct outcomes outcomes;

	for (uint32_t i = 0; i < policy_set_count(set); i++)
		outcomes.of[i] = policy_eval(set, i, r, scratch, NULL, NULL);
	return outcomes;
}

static bool
same_outcomes(const struct run *run, const struct normal *n,
    const struct eval_request *r, const struct outcomes *want, bool verbose)
{
	struct outcomes got;
	bool same = linear_outcomes(n, r, run->scratch, got.of);

	for (uint32_t i = 0; i < policy_set_count(n->set); i++) {
		static const char *const names[] = { "error", "false", "true",
			"unknown" };

		if (want->of[i] == got.of[i])
			continue;
		same = false;
		if (verbose)
			printf("policy %u: the text says %s, its rules %s\n", i,
			    names[want->of[i]], names[got.of[i]]);
	}
	return same;
}

/* ---- making a difference smaller -------------------------------------------
 */

static bool
differs(const struct run *run, const struct situation *s, bool verbose)
{
	struct policy_set *set = load(run, s->c, NULL);
	struct arena *a = arena_new(0);
	const struct normal *n = make(a, set, &s->options);
	const char *broken = linear_broken_promise(n, &s->request, a);
	struct outcomes want = oracle(set, &s->request, a);
	bool same = same_outcomes(run, n, &s->request, &want, verbose);

	if (verbose) {
		struct buf out = { 0 };

		normal_print(n, &out);
		printf("rules:\n%s%s%s\n", out.p ? out.p : "",
		    broken ? "promise: " : "", broken ? broken : "");
		buf_free(&out);
	}
	arena_free(a);
	policy_set_free(set);
	return !same || broken;
}

/* Take away one policy, condition or scope test after the other. */
static void
shrink(const struct run *run, struct situation *s, struct generate_case *c)
{
	struct generate_case smaller = *c;
	bool again = true;

	s->c = &smaller;
	while (again) {
		again = false;
		for (uint32_t i = 0; i < c->n_policies * 8; i++) {
			uint32_t which = i / 8, part = i % 8;
			struct generate_policy *p;

			smaller = *c;
			p = &smaller.policies[which];
			if (part == 0)
				*p = smaller.policies[--smaller.n_policies];
			else if (part <= 3 && p->n_conditions >= part)
				p->conditions[part - 1] =
				    p->conditions[--p->n_conditions];
			else if (part > 3 && part < 7 && p->scope[part - 4].n) {
				p->scope[part - 4] = STR("");
				if (part != 5)
					p->slot[part == 6] = NULL;
			} else
				continue;
			if (smaller.n_policies > 0 && differs(run, s, false)) {
				*c = smaller;
				again = true;
				break;
			}
		}
	}
	s->c = c;
}

static void
show(const struct run *run, const struct situation *s)
{
	const struct eval_request *r = &s->request;
	struct generate_case c = *s->c;
	struct situation small = { .request = *r, .options = s->options };
	json_t *data = entities_to_json(r->entities);
	struct buf out = { 0 };

	small.c = &c;
	shrink(run, &small, &c);
	printf("\nseed %llu, stages%s%s%s%s%s%s, growth_max %u, below_max %u, "
	       "granularity %d %d %d\n%.*s",
	    (unsigned long long)run->seed,
	    s->options.decompound ? " decompound" : "",
	    s->options.dedup ? " dedup" : "",
	    s->options.contain ? " contain" : "",
	    s->options.recompound ? " recompound" : "",
	    s->options.expand ? " expand" : "",
	    s->options.unions ? " unions" : "", s->options.growth_max,
	    s->options.below_max, (int)s->options.granularity[0],
	    (int)s->options.granularity[1], (int)s->options.granularity[2],
	    STR_ARG(c.declarations));
	for (uint32_t i = 0; i < c.n_policies; i++)
		generate_text(&out, &c.policies[i]);
	buf_addz(&out, "request: ");
	value_print_uid(&out, r->principal);
	buf_addz(&out, " ");
	value_print_uid(&out, r->action);
	buf_addz(&out, " ");
	value_print_uid(&out, r->resource);
	buf_addz(&out, "\ncontext: ");
	value_print(&out, r->context);
	buf_addz(&out, "\nentities: ");
	if (!json_write(&out, data))
		buf_addz(&out, "?");
	printf("%s\n", out.p);
	(void)differs(run, &small, true);
	fflush(stdout);
	buf_free(&out);
	json_decref(data);
}

/* ---- properties -----------------------------------------------------------
 */

static void
check_decision(struct run *run, const struct generate_case *c,
    const struct outcomes *want, const struct normal *n, unsigned mask,
    const struct eval_request *r)
{
	struct situation s = { c, *r, options_of(run, mask) };
	/* What tests promise hardly depends on the stages. */
	bool tells = mask == 0 || mask == ALL_STAGES;

	if (same_outcomes(run, n, r, want, false) &&
	    !(tells && linear_broken_promise(n, r, run->scratch))) {
		run->agree++;
		return;
	}
	if (run->differ++ < SHOWN)
		show(run, &s);
}

/* Has the text the error, too, that the index is sure of? */
static bool
are_errors(const struct policy_set *set, const struct policy_found *found,
    const struct eval_request *r, struct arena *scratch)
{
	bool same = true;

	for (size_t i = 0; found->sure && i < found->n_doubtful; i++) {
		enum err_code code;

		same = policy_eval_code(set, found->doubtful[i], r, scratch,
			   NULL, &code) == EVAL_ERROR &&
		       code == found->sure && same;
	}
	return same;
}

/* The index finds what is satisfied, and doubts what is in error; what it
 * doubts the text decides. What lacks its data it may leave out where it is
 * false whatever the data is. */
static void
check_index(struct run *run, const struct generate_case *c,
    const struct outcomes *want, const struct policy_set *set,
    const struct policy_index *ix, const struct eval_request *r)
{
	struct situation s = { c, *r, options_of(run, ALL_STAGES) };
	enum eval_outcome got[GENERATE_POLICIES] = { EVAL_ERROR };
	struct policy_found found;
	bool same =
	    policy_index_find(ix, r, run->scratch, &found) && !found.is_walk;

	for (uint32_t i = 0; i < policy_set_count(set); i++)
		got[i] = EVAL_FALSE;
	for (size_t e = 0; same && e < 2; e++)
		for (size_t k = 0; k < found.n_satisfied[e]; k++)
			got[found.satisfied[e][k]] = EVAL_TRUE;
	for (size_t k = 0; same && k < found.n_doubtful; k++)
		got[found.doubtful[k]] = want->of[found.doubtful[k]];
	for (uint32_t i = 0; same && i < policy_set_count(set); i++)
		same = got[i] == want->of[i] || want->of[i] == EVAL_UNKNOWN;
	same = same && are_errors(set, &found, r, run->scratch);
	run->indexed++;
	run->sure += found.sure != ERR_NONE;
	if (same)
		run->agree++;
	else if (run->differ++ < SHOWN) {
		printf("\nthe index says otherwise:");
		show(run, &s);
	}
}

static bool
same_list(const uint32_t *x, size_t n_x, const uint32_t *y, size_t n_y)
{
	return n_x == n_y && (n_x == 0 || memcmp(x, y, n_x * sizeof *x) == 0);
}

static bool
same_found(const struct policy_found *x, const struct policy_found *y)
{
	bool same = x->is_walk == y->is_walk;

	for (size_t e = 0; same && e < 2; e++)
		same = same_list(x->satisfied[e], x->n_satisfied[e],
		    y->satisfied[e], y->n_satisfied[e]);
	return same && x->sure == y->sure &&
	       same_list(
		   x->doubtful, x->n_doubtful, y->doubtful, y->n_doubtful);
}

/* Several at once find what each finds alone. */
static void
check_many(struct run *run, const struct generate_case *c,
    const struct policy_index *ix, const struct eval_request *requests,
    size_t n)
{
	struct policy_found many[POLICY_FIND_MANY], one;
	bool ok;

	arena_reset(run->scratch);
	ok = policy_index_find_many(ix, requests, n, run->scratch, many);
	for (size_t i = 0; i < n; i++) {
		struct situation s = { c, requests[i],
			options_of(run, ALL_STAGES) };

		if (ok &&
		    policy_index_find(ix, &requests[i], run->scratch, &one) &&
		    same_found(&many[i], &one))
			run->agree++;
		else if (run->differ++ < SHOWN) {
			printf("\nof several at once, number %zu differs:", i);
			show(run, &s);
		}
	}
}

/* The same by the image: its index, and the trees that are made of its texts.
 */
static void
check_image(struct run *run, const struct generate_case *c,
    const struct outcomes *want, const struct policy_set *mapped,
    const struct policy_index *ix, const struct eval_request *r)
{
	struct situation s = { c, *r, options_of(run, ALL_STAGES) };
	bool same = true;

	check_index(run, c, want, mapped, ix, r);
	for (uint32_t i = 0; same && i < policy_set_count(mapped); i++)
		same = policy_eval(mapped, i, r, run->scratch, NULL, NULL) ==
		       want->of[i];
	if (same)
		run->agree++;
	else if (run->differ++ < SHOWN) {
		printf("\nthe image says otherwise:");
		show(run, &s);
	}
}

static struct policy_index *
index_of(const struct policy_set *set, const struct entities *base)
{
	struct policy_index *ix = NULL;
	struct error err = { 0 };

	if (policy_index_new(set, base, &ix, &err))
		return ix;
	fprintf(stderr, "property: %s\n", err.msg);
	abort();
}

static void
learn_idle(struct run *run, const struct policy_set *set, struct idle *ret)
{
	*ret = idle_of(set, run->arena);
	for (uint32_t i = 0; i < policy_set_count(set); i++) {
		run->idle += ret->all[i];
		run->beaten += ret->beaten[i];
	}
}

static void
check_lint(struct run *run, const struct generate_case *c,
    const struct policy_set *set, const struct outcomes *want,
    const struct idle *idle, const struct eval_request *r)
{
	struct situation s = { c, *r, options_of(run, ALL_STAGES) };

	if (idle_is_so(idle, set, want->of)) {
		run->agree++;
	} else if (run->differ++ < SHOWN) {
		printf("\nlint says that these may go:");
		for (uint32_t i = 0; i < policy_set_count(set); i++)
			if (idle->all[i])
				printf(" %u", i);
		show(run, &s);
	}
}

static void
shuffle(struct generate *g, uint32_t *order, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	for (uint32_t i = n; i > 1; i--) {
		uint32_t k = generate_below(g, i), swap = order[i - 1];

		order[i - 1] = order[k];
		order[k] = swap;
	}
}

static void
compare_forms(struct run *run, const struct generate_case *c, const char *what,
    const struct buf *x, const struct buf *y)
{
	struct buf text = { 0 };

	run->forms++;
	if (str_eq(buf_str(x), buf_str(y)))
		return;
	if (run->forms_differ++ >= SHOWN)
		return;
	for (uint32_t i = 0; i < c->n_policies; i++)
		generate_text(&text, &c->policies[i]);
	printf("\nseed %llu: %s\n%.*s%s---\n%s---\n%s",
	    (unsigned long long)run->seed, what, STR_ARG(c->declarations),
	    text.p, x->p ? x->p : "", y->p ? y->p : "");
	buf_free(&text);
}

static void
check_order(struct run *run, struct generate *g, const struct generate_case *c,
    const struct normal *n, unsigned mask)
{
	struct normal_options options = options_of(run, mask);
	uint32_t order[GENERATE_POLICIES];
	struct policy_set *set;
	struct buf x = { 0 }, y = { 0 };

	shuffle(g, order, c->n_policies);
	set = load(run, c, order);
	normal_print(n, &x);
	normal_print(make(run->arena, set, &options), &y);
	compare_forms(run, c, "another order of files, other rules", &x, &y);
	buf_free(&x);
	buf_free(&y);
	policy_set_free(set);
}

/* The rules alone, each once: what is behind `//` goes. */
static void
without_parents(const struct buf *text, struct buf *out)
{
	struct str all = buf_str(text);

	for (size_t at = 0; at < all.n;) {
		size_t end = str_find(all, '\n', at);
		struct str line = str_sub(all, at, end);
		size_t cut = 0;

		at = end + 1;
		if (str_has_prefix(line, STR("    ")))
			continue;
		while (
		    cut + 5 < line.n && memcmp(line.p + cut, "; // ", 5) != 0)
			cut++;
		buf_add(out, str_sub(line, 0, cut + 1));
		buf_byte(out, '\n');
	}
}

/* Rules that can be written as policies become the same rules; what
 * decompounding left whole on purpose (the opposite of what a rule before it
 * says) it would divide when it stands there as text, so it is off. */
static void
check_again(struct run *run, const struct generate_case *c,
    const struct normal *n, unsigned mask)
{
	struct normal_options options = options_of(run, mask);
	struct policy_set *set = policy_set_new(POLICY_BY_POSITION);
	struct buf printed = { 0 }, x = { 0 }, y = { 0 }, z = { 0 };
	struct errors errors = { 0 };

	normal_print(n, &printed);
	without_parents(&printed, &x);
	if (policy_set_add_text(
		set, "d", c->declarations, POLICY_AVOW, &errors) &&
	    policy_set_add_text(set, "x", buf_str(&x), POLICY_AVOW, &errors) &&
	    policy_set_finish(set, &errors)) {
		options.decompound = false;
		normal_print(make(run->arena, set, &options), &y);
		without_parents(&y, &z);
		compare_forms(run, c, "its own rules, other rules", &x, &z);
		run->printed_again++;
	}
	buf_free(&printed);
	buf_free(&x);
	buf_free(&y);
	buf_free(&z);
	policy_set_free(set);
}

static void
count_work(struct run *run, const struct normal *n)
{
	run->cases++;
	run->contained += n->n_contained > 0;
	run->divided += n->n_rules > policy_set_count(n->set);
	run->expanded += n->closed != NULL;
	for (uint32_t i = 0; i < n->n_notes; i++) {
		const struct normal_note *note = &n->notes[i];

		run->merged += strcmp(note->what, "merged") == 0;
		run->joined += strcmp(note->what, "joined") == 0;
		run->united += strcmp(note->stage, "unions") == 0;
	}
}

/* An image's own, where it has some: they are `world` again. */
static const struct entities *
entities_of(const struct policy_set *image, const struct entities *world)
{
	const struct entities *own = policy_set_entities(image);

	return own ? own : world;
}

static void
check_case(struct run *run)
{
	const struct normal *forms[1u << STAGES];
	struct generate_case c;
	struct policy_set *set, *mapped;
	struct generate g;
	struct idle idle;

	generate_init(&g, run->arena, run->seed);
	g.templates = true;
	generate_case(&g, &c);
	run->tuning = (struct normal_options){
		.growth_max = generate_one_in(&g, 4) ? 3 : 0,
		.below_max = generate_one_in(&g, 4) ? 1 : 0,
	};
	for (size_t i = 0; i < 3; i++)
		run->tuning.granularity[i] =
		    (enum normal_granularity)generate_below(&g, GRAIN_ALL + 1);
	set = load(run, &c, NULL);
	for (unsigned m = 0; m < 1u << STAGES; m++) {
		struct normal_options options = options_of(run, m);

		options.notes = true;
		forms[m] = make(run->arena, set, &options);
		count_work(run, forms[m]);
	}
	run->links += policy_set_links(set);
	learn_idle(run, set, &idle);
	mapped = mapped_of(set, NULL);
	for (unsigned w = 0; w < WORLDS; w++) {
		const struct entities *world = generate_entities(&g);
		struct policy_index *known = index_of(set, world);
		struct policy_index *unknown = index_of(set, NULL);
		struct policy_index *by_image = index_of(mapped, world);
		struct policy_set *whole = mapped_of(set, world);
		const struct entities *lent = entities_of(whole, world);
		struct policy_index *by_whole = index_of(whole, lent);
		struct eval_request asked[REQUESTS];

		for (unsigned i = 0; i < REQUESTS; i++) {
			struct eval_request r;
			struct outcomes want;

			generate_request(&g, &r);
			/* Many come in runs of the same asker or thing. */
			if (i > 0 && i % 3 == 1)
				r.principal = asked[i - 1].principal;
			if (i > 0 && i % 3 == 2)
				r.resource = asked[i - 1].resource;
			r.entities = world;
			asked[i] = r;
			want = oracle(set, &r, run->scratch);
			for (unsigned m = 0; m < 1u << STAGES; m++) {
				arena_reset(run->scratch);
				check_decision(run, &c, &want, forms[m], m, &r);
			}
			check_lint(run, &c, set, &want, &idle, &r);
			check_index(run, &c, &want, set, known, &r);
			check_index(run, &c, &want, set, unknown, &r);
			check_image(run, &c, &want, mapped, by_image, &r);
			r.entities = lent;
			check_image(run, &c, &want, whole, by_whole, &r);
		}
		for (size_t i = 0; i < REQUESTS; i += POLICY_FIND_MANY) {
			size_t n = REQUESTS - i < POLICY_FIND_MANY
				       ? REQUESTS - i
				       : POLICY_FIND_MANY;

			check_many(run, &c, known, &asked[i], n);
			check_many(run, &c, unknown, &asked[i], n);
			check_many(run, &c, by_image, &asked[i], n);
		}
		policy_index_free(known);
		policy_index_free(unknown);
		policy_index_free(by_image);
		policy_index_free(by_whole);
		policy_set_free(whole);
	}
	check_order(run, &g, &c, forms[ALL_STAGES], ALL_STAGES);
	check_order(run, &g, &c, forms[7], 7);
	if (run->tuning.below_max == 0 && run->tuning.growth_max == 0)
		check_again(run, &c, forms[3], 3);
	policy_set_free(mapped);
	policy_set_free(set);
}

/* Lint alone, so that there are many. */
static void
check_lint_case(struct run *run)
{
	struct generate_case c;
	struct policy_set *set;
	struct generate g;
	struct idle idle;

	generate_init(&g, run->arena, run->seed);
	g.templates = true;
	generate_case(&g, &c);
	set = load(run, &c, NULL);
	learn_idle(run, set, &idle);
	for (unsigned w = 0; w < WORLDS; w++) {
		const struct entities *world = generate_entities(&g);

		for (unsigned i = 0; i < REQUESTS; i++) {
			struct eval_request r;
			struct outcomes want;

			generate_request(&g, &r);
			r.entities = world;
			arena_reset(run->scratch);
			want = oracle(set, &r, run->scratch);
			check_lint(run, &c, set, &want, &idle, &r);
		}
	}
	policy_set_free(set);
}

static uint64_t
argument(char **argv, int argc, int i, uint64_t otherwise)
{
	uint64_t n;

	if (i >= argc || !str_to_u64(str_of(argv[i]), UINT64_MAX, &n))
		return otherwise;
	return n;
}

static int
report(uint64_t agree, uint64_t differ, bool ok)
{
	ok = ok && differ == 0 && agree > 0;
	printf("property: %llu decisions agree, %llu differ\n",
	    (unsigned long long)agree, (unsigned long long)differ);
	printf("%d passed, %d failed, 0 skipped\n", ok, !ok);
	return !ok;
}

static int
run_published(char **paths, int n)
{
	struct published_tally tally = { 0 };
	bool ok = true;

	for (int i = 0; i < n; i++)
		ok = published_run(paths[i], &tally) && ok;
	printf("published: %llu cases, %llu of them cannot be read\n",
	    (unsigned long long)tally.cases, (unsigned long long)tally.refused);
	return report(tally.agree, tally.differ, ok);
}

static int
run_updates(char **argv, int argc)
{
	uint64_t count = argument(argv, argc, 0, 1000000), seed;
	int64_t until = clock_mono_ns() +
			(int64_t)argument(argv, argc, 1, 3600) * 1000000000;
	struct updates_tally t = { 0 };

	for (seed = argument(argv, argc, 2, 1);
	     t.agree + t.differ < count && clock_mono_ns() < until; seed++)
		updates_run(seed, &t);
	printf("of %llu changes: %llu were updates, %llu of them merged, %llu "
	       "loaded anew, %llu refused\n",
	    (unsigned long long)t.steps, (unsigned long long)t.updated,
	    (unsigned long long)t.merged, (unsigned long long)t.rebuilt,
	    (unsigned long long)t.refused);
	return report(t.agree, t.differ, t.updated > 0 && t.merged > 0);
}

static int
run_lint(char **argv, int argc)
{
	uint64_t count = argument(argv, argc, 0, 1000000);
	int64_t until = clock_mono_ns() +
			(int64_t)argument(argv, argc, 1, 3600) * 1000000000;
	struct run run = { .seed = argument(argv, argc, 2, 1) };
	struct schema *schema = generate_schema();

	run.arena = arena_new(0);
	run.scratch = arena_new(0);
	for (; run.agree + run.differ < count && clock_mono_ns() < until;
	     run.seed++) {
		arena_reset(run.arena);
		run.schema = run.seed % 2 ? schema : NULL;
		check_lint_case(&run);
	}
	printf("lint found %llu policies that change nothing, %llu of them "
	       "permits that denies beat\n",
	    (unsigned long long)run.idle, (unsigned long long)run.beaten);
	arena_free(run.arena);
	arena_free(run.scratch);
	schema_free(schema);
	return report(run.agree, run.differ, run.beaten > 0);
}

/* Formatted text is never too wide: generated sets, and published ones. */
static int
run_widths(char **paths, int n)
{
	struct width_tally tally = { 0 };
	bool ok = true;

	width_generated(&tally, 1, 2000);
	for (int i = 0; i < n; i++)
		ok = width_published(&tally, paths[i]) && ok;
	printf(
	    "widths: %llu texts (%llu cannot be read), %llu lines, %llu over "
	    "100 columns, %llu of them without a token that long\n",
	    (unsigned long long)tally.texts, (unsigned long long)tally.refused,
	    (unsigned long long)tally.lines,
	    (unsigned long long)tally.long_lines,
	    (unsigned long long)tally.wide);
	ok = ok && tally.wide == 0 && tally.texts > 0;
	printf("%d passed, %d failed, 0 skipped\n", ok, !ok);
	return !ok;
}

int
main(int argc, char **argv)
{
	uint64_t count = argument(argv, argc, 1, 1000000);
	int64_t until = clock_mono_ns() +
			(int64_t)argument(argv, argc, 2, 3600) * 1000000000;
	struct run run = { .seed = argument(argv, argc, 3, 1) };

	json_setup();
	if (argc > 2 && strcmp(argv[1], "--cases") == 0)
		return run_published(argv + 2, argc - 2);
	if (argc > 1 && strcmp(argv[1], "--widths") == 0)
		return run_widths(argv + 2, argc - 2);
	if (argc > 1 && strcmp(argv[1], "--lint") == 0)
		return run_lint(argv + 2, argc - 2);
	if (argc > 1 && strcmp(argv[1], "--updates") == 0)
		return run_updates(argv + 2, argc - 2);
	run.arena = arena_new(0);
	run.scratch = arena_new(0);
	run.schema = generate_schema();
	while (run.agree + run.differ < count && clock_mono_ns() < until) {
		arena_reset(run.arena);
		check_case(&run);
		run.seed++;
	}
	printf("forms: %llu compared, %llu differ, %llu of them compiled from "
	       "their own print\n",
	    (unsigned long long)run.forms, (unsigned long long)run.forms_differ,
	    (unsigned long long)run.printed_again);
	printf(
	    "of %llu compilations: %llu divided, %llu expanded, %llu merges, "
	    "%llu with contained rules, %llu covers of several, %llu joins\n",
	    (unsigned long long)run.cases, (unsigned long long)run.divided,
	    (unsigned long long)run.expanded, (unsigned long long)run.merged,
	    (unsigned long long)run.contained, (unsigned long long)run.united,
	    (unsigned long long)run.joined);
	printf("%llu links of templates; %llu decisions were looked up in an "
	       "index, %llu with errors that it knew; lint found "
	       "%llu policies that change nothing, %llu of them permits that "
	       "denies beat\n",
	    (unsigned long long)run.links, (unsigned long long)run.indexed,
	    (unsigned long long)run.sure, (unsigned long long)run.idle,
	    (unsigned long long)run.beaten);
	arena_free(run.arena);
	arena_free(run.scratch);
	schema_free(run.schema);
	return report(run.agree, run.differ,
	    run.forms_differ == 0 && run.links > 0 && run.beaten > 0);
}
