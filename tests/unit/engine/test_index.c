/* test_index.c - decisions over the index: the same with a trace sink, which
 * walks, as without; and nothing is allocated once a scratch arena is warm. */
#include "base/limits.h"
#include "engine/snapshot.h"
#include "engine/trace.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/engine/fixture.h"

#define WARM_UP 50
#define DECISIONS 10000

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define NO_COUNTING 1
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define NO_COUNTING 1
#endif

static long allocations;

#ifndef NO_COUNTING
/* The C library's own, by its other names: every allocation of the process is
 * counted, whoever makes it. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

void *
malloc(size_t n)
{
	allocations++;
	return __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	allocations++;
	return __libc_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
	allocations++;
	return __libc_realloc(p, n);
}
#endif

static struct arena *a;

static void
setup(void)
{
	a = arena_new(0);
}

static void
teardown(void)
{
	arena_free(a);
}

static const struct workload {
	const char *note, *policy; /* %u: its number */
	unsigned n;
} workloads[] = {
	{ "scopes", "permit (principal in G::\"g%u\", action, resource);",
	    500 },
	{ "comparisons",
	    "permit (principal, action, resource) when { principal.n == %u };",
	    500 },
	{ "one rule satisfied by many",
	    "permit (principal, action, resource) when { %u >= 0 };", 300 },
	{ "missing attributes",
	    "permit (principal, action, resource) when { principal.gone == %u "
	    "};",
	    40 },
	{ "wrong kinds, in sets",
	    "deny (principal, action, resource) when { "
	    "context.s.contains(%u) };",
	    20 },
	{ "missing entities",
	    "permit (principal, action, resource) when { U::\"x%u\".n == 1 };",
	    20 },
	{ "expressions",
	    "permit (principal, action, resource) when { [1, 2, %u]"
	    ".containsAny([principal.n, 7]) && {a: principal.n}.a + 1 > 2 };",
	    50 },
	{ "patterns",
	    "permit (principal, action, resource) when { context.s like "
	    "\"*%u*a*\" };",
	    50 },
	{ "negations",
	    "permit (principal != U::\"u%u\", action, resource) unless { "
	    "principal in G::\"g7\" };",
	    50 },
};

static const char entities[] =
    "[{\"uid\":{\"type\":\"U\",\"id\":\"u\"},\"attrs\":{\"n\":3},\"parents\":["
    "{\"type\":\"G\",\"id\":\"g3\"},{\"type\":\"G\",\"id\":\"g4\"}]},"
    "{\"uid\":{\"type\":\"U\",\"id\":\"v\"},\"attrs\":{},\"parents\":[]}]";

static struct engine_snapshot *
snapshot_of(const struct workload *w)
{
	struct engine_snapshot *s;
	struct buf text = { 0 };

	for (unsigned i = 0; i < w->n; i++) {
		const char *number = strstr(w->policy, "%u");

		buf_add(&text,
		    (struct str){ w->policy, (size_t)(number - w->policy) });
		buf_printf(&text, "%u%s\n", i, number + 2);
	}
	buf_byte(&text, '\0');
	s = fixture_snapshot(text.p, entities);
	buf_free(&text);
	return s;
}

/* A known principal, one without attributes, one that brings its own record,
 * one that nobody knows. */
static const char *
ask(unsigned i)
{
	static const char *const who[] = { "u", "v", "new", "nobody" };

	return fixture_ask(a, who[i % 4],
	    i % 4 == 2 ? "\"context\":{\"s\":\"a9a\"},\"entities\":[{\"uid\":{"
			 "\"type\":\"U\",\"id\":\"new\"},\"attrs\":{\"n\":4},"
			 "\"parents\":[{\"type\":\"G\",\"id\":\"g3\"}]}]"
		       : "\"context\":{\"s\":\"3a\"}");
}

static bool
take_code(void *ctx, const struct engine_request *r,
    const struct engine_answer *answer)
{
	(void)r;
	*(enum err_code *)ctx = answer->code;
	return true;
}

/* One by one, and several by one call. */
START_TEST(allocates_nothing)
{
	const struct workload *w = &workloads[_i / 2];
	struct engine_snapshot *s = snapshot_of(w);
	struct arena *scratch = arena_new(0);
	struct engine_request r[4];
	enum err_code code = ERR_NONE;
	size_t n = _i % 2 ? ARRAY_LEN(r) : 1;
	unsigned rounds = n > 1 ? DECISIONS / 20 : DECISIONS;
	long before = 0;

#ifdef NO_COUNTING
	(void)before;
	puts("skipped: allocations are not counted under a sanitizer");
#endif
	for (unsigned i = 0; i < 4; i++)
		r[i] = fixture_request(a, s, ask(i));
	for (unsigned i = 0; i < WARM_UP + rounds; i++) {
		struct engine_answer answer;

		if (i == WARM_UP)
			before = allocations;
		arena_reset(scratch);
		if (n > 1) {
			/* No ck_assert in here: that allocates. */
			(void)engine_evaluate_many(s, r, n, ERRORED_DENY_DENIES,
			    scratch, take_code, &code);
			continue;
		}
		engine_evaluate(
		    s, &r[i % 4], ERRORED_DENY_DENIES, scratch, &answer);
		code = answer.code;
	}
	/* With -DARENA_DEBUG arenas allocate each object. */
#ifndef NO_COUNTING
	ck_assert_msg(allocations == before, "%s: %ld allocations in %u",
	    w->note, allocations - before, rounds);
#endif
	ck_assert_int_ne((int)code, ERR_NONE);
	arena_free(scratch);
	engine_snapshot_unref(s);
}
END_TEST

/* Nor does the first, in memory of the compiler's size; over an image neither,
 * whose policies nobody has read. */
static void
decide_first(const struct engine_snapshot *s, const char *note)
{
	for (unsigned i = 0; i < 4; i++) {
		struct arena *scratch = arena_new(LIMIT_SCRATCH_BYTES);
		struct engine_request r = fixture_request(a, s, ask(i));
		struct engine_answer answer;
		long before;

		ck_assert_uint_gt(s->scratch_bytes, 0);
		ck_assert_uint_le(s->scratch_bytes, ARENA_KEEP_BYTES);
		engine_scratch(s, scratch);
		before = allocations;
		engine_evaluate(s, &r, ERRORED_DENY_DENIES, scratch, &answer);
#ifndef NO_COUNTING
		ck_assert_msg(allocations == before, "%s, request %u: %ld",
		    note, i, allocations - before);
#else
		(void)before;
		(void)note;
#endif
		arena_free(scratch);
	}
}

START_TEST(the_first_allocates_nothing)
{
	struct engine_snapshot *s = snapshot_of(&workloads[_i]);

	decide_first(s, workloads[_i].note);
	engine_snapshot_unref(s);
}
END_TEST

/* What a reader sees of an answer. */
static const char *
shown(const struct engine_answer *answer)
{
	return fixture_text(a, engine_answer_to_json(answer));
}

START_TEST(decides_as_the_walk)
{
	struct engine_snapshot *s = snapshot_of(&workloads[_i]);

	for (unsigned i = 0; i < 4; i++) {
		struct engine_request r = fixture_request(a, s, ask(i));
		struct engine_answer indexed, walked;
		struct trace_record t;
		struct eval_trace sink;

		ck_assert(
		    trace_record_init(&t, a, engine_snapshot_policies(s), &r));
		sink = trace_sink(&t);
		decide_request(s, &r, ERRORED_DENY_DENIES, a, NULL, &indexed);
		decide_request(s, &r, ERRORED_DENY_DENIES, a, &sink, &walked);
		ck_str_is(str_of(shown(&indexed)), shown(&walked));
	}
	engine_snapshot_unref(s);
}
END_TEST

/* --- over an image ----------------------------------------------------------
 */

/* More policies than an image reads ahead, each of them in error, and without
 * a test that only its tree can tell. */
#define LARGE 1100u

static struct policy_set *
image_of(struct policy_set *set, int fd)
{
	struct policy_set *ret = NULL;
	struct error err = { 0 };
	struct buf image = { 0 };
	char path[64];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	ck_assert_msg(
	    policy_image_make(set, NULL, NULL, &image, &err), "%s", err.msg);
	ck_assert_int_eq(write(fd, image.p, image.n), (ssize_t)image.n);
	ck_assert_msg(policy_image_open(path, NULL, &ret, &err), "%s", err.msg);
	buf_free(&image);
	return ret;
}

START_TEST(an_image_errs_without_memory)
{
	int fd = memfd_create("image", MFD_CLOEXEC);
	struct arena *scratch = arena_new(0);
	struct buf text = { 0 };
	struct engine_snapshot *plain, *mapped;
	struct policy_set *set;
	struct engine_request r;
	struct engine_answer answer, again;
	long before = 0;

	for (unsigned i = 0; i < LARGE; i++)
		buf_printf(&text,
		    "@id(\"p%u\") @note(\"\\u{41}\") deny (principal is U, "
		    "action in [Action::\"act\", Action::\"b\"], resource) "
		    "when { principal.gone == %u };\n",
		    i, i);
	buf_byte(&text, '\0');
	plain = fixture_snapshot(text.p, NULL);
	set = fixture_policies(text.p);
	mapped = engine_snapshot_new(image_of(set, fd), NULL, NULL, 1000);
	r = fixture_request(a, mapped, fixture_ask(a, "u", ""));
	engine_scratch(mapped, scratch);
	before = allocations;
	engine_evaluate(mapped, &r, ERRORED_DENY_DENIES, scratch, &answer);
#ifndef NO_COUNTING
	ck_assert_int_eq(allocations - before, 0);
#endif
	ck_assert_uint_eq(answer.n_errors, LARGE);
	engine_evaluate(plain, &r, ERRORED_DENY_DENIES, a, &again);
	ck_str_is(str_of(shown(&answer)), shown(&again));
	for (unsigned i = 0; i < 4; i++) {
		if (i == 2)
			before = allocations;
		arena_reset(scratch);
		engine_evaluate(
		    mapped, &r, ERRORED_DENY_DENIES, scratch, &answer);
	}
#ifndef NO_COUNTING
	ck_assert_int_eq(allocations - before, 0);
#else
	(void)before;
#endif
	ck_assert_uint_eq(answer.n_errors, LARGE);
	arena_free(scratch);
	engine_snapshot_unref(plain);
	engine_snapshot_unref(mapped);
	policy_set_free(set);
	buf_free(&text);
	close(fd);
}
END_TEST

/* --- wide --------------------------------------------------------------------
 */

/* More above both sides than is sifted together. */
#define ABOVE_WHO 700u
#define ABOVE_WHAT 300u

static void
add_wide(struct buf *out, const char *uid, const char *above, unsigned n)
{
	buf_printf(out, "{\"uid\":{%s},\"attrs\":{},\"parents\":[", uid);
	for (unsigned i = 0; i < n; i++)
		buf_printf(out, "%s{\"type\":\"%s\",\"id\":\"%u\"}",
		    i ? "," : "", above, i);
	buf_addz(out, "]}");
}

/* A policy for a group and a region that are above, one in three for another
 * action; and one for each that is not. */
static void
add_wide_policies(struct buf *out)
{
	for (unsigned i = 0; i < ABOVE_WHO; i += 7)
		buf_printf(out,
		    "permit (principal in G::\"%u\", action == "
		    "Action::\"%s\", resource in Q::\"%u\");\n"
		    "deny (principal in G::\"%u\", action == Action::\"act\", "
		    "resource in Q::\"%u\");\n",
		    i, i % 3 ? "act" : "other", i * 5 % ABOVE_WHAT,
		    ABOVE_WHO + i, i * 3 % ABOVE_WHAT);
	buf_byte(out, '\0');
}

/* Each pair that has a policy is found among all pairs of what is above. */
START_TEST(a_wide_hierarchy_is_sifted)
{
	struct buf text = { 0 }, people = { 0 };
	struct engine_snapshot *s;
	struct engine_request r;
	struct engine_answer answer;
	size_t want = 0;

	add_wide_policies(&text);
	buf_byte(&people, '[');
	add_wide(&people, "\"type\":\"U\",\"id\":\"u\"", "G", ABOVE_WHO);
	buf_byte(&people, ',');
	add_wide(&people, "\"type\":\"R\",\"id\":\"r\"", "Q", ABOVE_WHAT);
	buf_addz(&people, "]");
	buf_byte(&people, '\0');
	s = fixture_snapshot(text.p, people.p);
	r = fixture_request(a, s, fixture_ask(a, "u", ""));
	for (unsigned i = 0; i < ABOVE_WHO; i += 7)
		want += i % 3 != 0;
	engine_evaluate(s, &r, ERRORED_DENY_DENIES, a, &answer);
	ck_assert_int_eq((int)answer.code, (int)ERR_PERMIT);
	ck_assert_uint_eq(answer.n_reasons, want);
	engine_snapshot_unref(s);
	buf_free(&text);
	buf_free(&people);
}
END_TEST

/* --- pairs
 * --------------------------------------------------------------------
 */

#define PAIRS                                                                  \
	24u        /* resources, each below its own Q, and all below Q::"all"  \
		    */
#define PEOPLE 50u /* each in some of as many groups */

/* So many groups and users may do one action on what is below each Q: few lie
 * together in the index, many do not, and some of each kind at once. */
static const struct {
	const char *note;
	unsigned groups, users;
	bool all; /* some for one Q above everything, too */
} pairs[] = {
	{ "one or two", 2, 1, false },
	{ "a run of several buckets", 6, 1, false },
	{ "the same, and one for all", 5, 1, true },
	{ "more groups than lie together", 49, 2, false },
	{ "few groups, more users than lie together", 3, 49, true },
	{ "many of both", 45, 45, true },
};

static void
add_pair_policies(struct buf *out, unsigned groups, unsigned users, bool all)
{
	for (unsigned q = 0; q < PAIRS; q++) {
		for (unsigned i = 0; i < 1 + q * 7 % groups; i++)
			buf_printf(out,
			    "%s (principal in G::\"%u\", action == "
			    "Action::\"a%u\", resource in Q::\"%u\");\n",
			    i % 9 == 5 ? "deny" : "permit",
			    (q + i * 11) % PEOPLE, i % 2, q);
		for (unsigned i = 0; i < users; i++)
			buf_printf(out,
			    "permit (principal == U::\"%u\", action == "
			    "Action::\"a0\", resource in Q::\"%u\");\n",
			    (q * 3 + i) % PEOPLE, q);
		buf_printf(out,
		    "permit (principal, action == Action::\"a0\", resource in "
		    "Q::\"%u\") when { principal.n == %u };\n",
		    q, q % 4);
	}
	for (unsigned i = 0; all && i < PEOPLE; i += 2)
		buf_printf(out,
		    "deny (principal in G::\"%u\", action in "
		    "[Action::\"a0\", Action::\"a1\"], resource in "
		    "Q::\"all\");\n",
		    i);
	buf_byte(out, '\0');
}

static void
add_pair_entities(struct buf *out)
{
	buf_byte(out, '[');
	for (unsigned i = 0; i < PEOPLE; i++) {
		buf_printf(out,
		    "%s{\"uid\":{\"type\":\"U\",\"id\":\"%u\"},\"attrs\":"
		    "{\"n\":%u},\"parents\":[",
		    i ? "," : "", i, i % 5);
		for (unsigned g = 0; g < i; g += 1 + i % 7)
			buf_printf(out, "%s{\"type\":\"G\",\"id\":\"%u\"}",
			    g ? "," : "", g);
		buf_addz(out, "]}");
	}
	for (unsigned q = 0; q < PAIRS; q++)
		buf_printf(out,
		    ",{\"uid\":{\"type\":\"R\",\"id\":\"%u\"},\"attrs\":{},"
		    "\"parents\":[{\"type\":\"Q\",\"id\":\"%u\"}%s]}",
		    q, q, q % 8 ? "" : ",{\"type\":\"Q\",\"id\":\"all\"}");
	buf_addz(out, "]");
	buf_byte(out, '\0');
}

/* Who is in groups of nobody's, and a resource that nobody knows, too. */
static const char *
ask_pair(unsigned who, unsigned action, unsigned what)
{
	return str_printf(a,
	    "{\"principal\":{\"type\":\"U\",\"id\":\"%u\"},"
	    "\"action\":{\"type\":\"Action\",\"id\":\"a%u\"},"
	    "\"resource\":{\"type\":\"R\",\"id\":\"%u\"}}",
	    who, action, what)
	    .p;
}

START_TEST(pairs_are_found_as_walked)
{
	struct buf text = { 0 }, people = { 0 };
	struct engine_snapshot *s;
	size_t n_found = 0;

	add_pair_policies(
	    &text, pairs[_i].groups, pairs[_i].users, pairs[_i].all);
	add_pair_entities(&people);
	s = fixture_snapshot(text.p, people.p);
	for (unsigned i = 0; i < (PEOPLE + 1) * 3 * (PAIRS + 1); i += 13) {
		struct arena_mark mark = arena_mark(a);
		struct engine_request r = fixture_request(a, s,
		    ask_pair(i % (PEOPLE + 1), i / (PEOPLE + 1) % 3,
			i / (PEOPLE + 1) / 3));
		struct engine_answer indexed, walked;
		struct trace_record t;
		struct eval_trace sink;

		ck_assert(
		    trace_record_init(&t, a, engine_snapshot_policies(s), &r));
		sink = trace_sink(&t);
		decide_request(s, &r, ERRORED_DENY_DENIES, a, NULL, &indexed);
		decide_request(s, &r, ERRORED_DENY_DENIES, a, &sink, &walked);
		ck_str_is(str_of(shown(&indexed)), shown(&walked));
		n_found += indexed.n_reasons;
		arena_release(a, mark);
	}
	ck_assert_msg(n_found > 10, "%s: hardly any", pairs[_i].note);
	engine_snapshot_unref(s);
	buf_free(&text);
	buf_free(&people);
}
END_TEST

/* --- many at once -----------------------------------------------------------
 */

#define MANY 19u /* batches that are full, and one that is not */

struct told {
	const char *want[MANY];
	size_t n, most;
};

static bool
is_as_alone(void *ctx, const struct engine_request *r,
    const struct engine_answer *answer)
{
	struct told *t = ctx;

	(void)r;
	ck_assert_uint_lt(t->n, MANY);
	ck_str_is(str_of(shown(answer)), t->want[t->n++]);
	return t->n < t->most;
}

static void
decide_alone(const struct engine_snapshot *s, const struct engine_request *r,
    struct arena *scratch, struct told *t)
{
	for (size_t i = 0; i < MANY; i++) {
		struct engine_answer answer;

		arena_reset(scratch);
		engine_evaluate(
		    s, &r[i], ERRORED_DENY_DENIES, scratch, &answer);
		t->want[i] = shown(&answer);
	}
	arena_reset(scratch);
}

/* In their order, also where the memory of one decision is not that of all. */
START_TEST(many_are_decided_alike)
{
	static const size_t limits[] = { 0, 900, 1800, 4000, 9000, 20000,
		40000 };
	struct engine_snapshot *s = snapshot_of(&workloads[_i]);
	struct engine_request r[MANY];

	for (unsigned i = 0; i < MANY; i++)
		r[i] = fixture_request(a, s, ask(i / 2 + i));
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		struct arena *scratch = arena_new(limits[i]);
		struct told t = { .most = SIZE_MAX };

		decide_alone(s, r, scratch, &t);
		ck_assert(engine_evaluate_many(
		    s, r, MANY, ERRORED_DENY_DENIES, scratch, is_as_alone, &t));
		ck_assert_uint_eq(t.n, MANY);
		ck_assert_uint_eq(arena_used(scratch), 0);
		t.n = 0;
		t.most = 10;
		ck_assert(!engine_evaluate_many(
		    s, r, MANY, ERRORED_DENY_DENIES, scratch, is_as_alone, &t));
		ck_assert_uint_eq(t.n, 10);
		arena_free(scratch);
	}
	engine_snapshot_unref(s);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("index");
	TCase *tc = tcase_create("index");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, allocates_nothing, 0, 2 * ARRAY_LEN(workloads));
	tcase_add_loop_test(
	    tc, the_first_allocates_nothing, 0, ARRAY_LEN(workloads));
	tcase_add_loop_test(
	    tc, many_are_decided_alike, 0, ARRAY_LEN(workloads));
	tcase_add_loop_test(tc, decides_as_the_walk, 0, ARRAY_LEN(workloads));
	tcase_add_test(tc, a_wide_hierarchy_is_sifted);
	tcase_add_loop_test(tc, pairs_are_found_as_walked, 0, ARRAY_LEN(pairs));
	tcase_add_test(tc, an_image_errs_without_memory);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
