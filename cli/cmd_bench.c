/* cmd_bench.c - `avow bench decide`: what a decision costs here, on one's own
 * policies and requests. All requests are read first; timed is what a decision
 * takes from there to its answer with all reasons and errors, the two readings
 * of the clock included. Requests are taken in their order, again and again:
 * give as many as the caches should not hold. Expected decisions are compared
 * in a first pass, which also warms up. What the clock alone takes is told
 * beside, and subtracted from nothing. Cost: the time asked for, a sample of
 * four bytes a decision up to SAMPLES a thread. */
#include "cli/rules.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"

#define SAMPLES (4u << 20)
#define THREADS_MAX 256u
#define SECONDS_MAX 3600u
#define BATCH_MAX 10000u
#define READINGS                                                               \
	100u /* of the clock, for what one takes; and as often that            \
	      */

struct options {
	struct cli_rules rules;
	const char *requests, *expected, *threads, *seconds, *batch;
	bool json;
	uint64_t n_threads, n_seconds, n_batch;
};

struct workload {
	const struct engine_snapshot *snapshot;
	struct engine_request *requests;
	bool *permits; /* expected; NULL: not given */
	size_t n;
	size_t batch; /* decided by one call */
};

struct worker {
	const struct workload *load;
	pthread_t thread;
	size_t first; /* request to begin with */
	int64_t duration_ns, took_ns;
	uint32_t *samples;
	size_t n_samples;
	uint64_t decided;
	bool failed;
};

struct figures {
	uint64_t p50_ns, p90_ns, p99_ns, per_second;
	uint64_t clock_ns; /* of each of these times, which hold it */
	double load_ms;
	size_t image_bytes, rss_bytes, checked, disagree;
};

static bool
number_of(const char *option, const char *text, uint64_t max, uint64_t *ret)
{
	if (text == NULL)
		return true;
	if (str_to_u64(str_of(text), max, ret) && *ret > 0)
		return true;
	cli_errorf("--%s: expected a number from 1 to %" PRIu64 ", found `%s`",
	    option, max, text);
	return false;
}

static bool
check_options(struct options *o)
{
	o->n_threads = 1;
	o->n_seconds = 3;
	o->n_batch = 1;
	return number_of("threads", o->threads, THREADS_MAX, &o->n_threads) &&
	       number_of("batch", o->batch, BATCH_MAX, &o->n_batch) &&
	       number_of("seconds", o->seconds, SECONDS_MAX, &o->n_seconds);
}

/* --- requests and what is expected of them ------------------------------ */

/* The next line of `text` without its end; false when there is none. */
static bool
next_line(struct str text, size_t *at, struct str *ret)
{
	size_t end = str_find(text, '\n', *at);
	if (*at >= text.n)
		return false;
	*ret = str_sub(text, *at, end);
	*at = end + 1;
	return true;
}

static size_t
count_lines(struct str text)
{
	struct str line;
	size_t n = 0;
	for (size_t at = 0; next_line(text, &at, &line);)
		n++;
	return n;
}

static bool
read_requests(struct arena *a, const char *path, struct str text,
    struct workload *w, struct error *reterr)
{
	struct str line;
	w->requests = ARENA_ARRAY(a, count_lines(text), struct engine_request);
	if (w->requests == NULL)
		return error_nomem(reterr);
	for (size_t at = 0; next_line(text, &at, &line); w->n++) {
		if (engine_request_from_json(
			a, line, path, w->snapshot, &w->requests[w->n], reterr))
			continue;
		reterr->at.line = (uint32_t)w->n + 1;
		return false;
	}
	if (w->n == 0)
		return error_set(reterr, ERR_JSON_SHAPE,
		    (struct span){ .file = path }, "there is no request here");
	return true;
}

static bool
read_expected(struct arena *a, const char *path, struct str text,
    struct workload *w, struct error *reterr)
{
	struct str line;
	size_t n = 0;
	w->permits = ARENA_ARRAY(a, w->n, bool);
	if (w->permits == NULL)
		return error_nomem(reterr);
	for (size_t at = 0; next_line(text, &at, &line); n++) {
		bool permit = str_eq(line, STR("permit"));
		if (n == w->n || (!permit && !str_eq(line, STR("deny"))))
			return error_set(reterr, ERR_JSON_SHAPE,
			    (struct span){ path, (uint32_t)n + 1, 1, 0 },
			    "expected `permit` or `deny`, a line for each of "
			    "%zu requests",
			    w->n);
		w->permits[n] = permit;
	}
	if (n != w->n)
		return error_set(reterr, ERR_JSON_SHAPE,
		    (struct span){ .file = path },
		    "expected %zu lines, one a request, found %zu", w->n, n);
	return true;
}

/* Texts live in an arena of their own: they are gone when measuring starts. */
static bool
read_workload(struct arena *a, const struct options *o, struct workload *w)
{
	struct error err = { 0 };
	struct str text = { 0 };
	struct arena *raw = arena_new(0);
	bool ok = raw != NULL ||
		  error_set(&err, ERR_LIMIT_MEMORY, SPAN_NONE, "no memory");
	ok = ok &&
	     file_read(raw, o->requests, LIMIT_DATA_FILE_BYTES, &text, &err) &&
	     read_requests(a, o->requests, text, w, &err);
	if (ok && o->expected != NULL)
		ok = file_read(raw, o->expected, LIMIT_DATA_FILE_BYTES, &text,
			 &err) &&
		     read_expected(a, o->expected, text, w, &err);
	if (!ok)
		cli_error(&err, (struct str){ 0 });
	arena_free(raw);
	return ok;
}

/* --- deciding ------------------------------------------------------------ */

struct check {
	const struct workload *load;
	struct figures *figures;
	size_t at;
};

static bool
check_answer(void *ctx, const struct engine_request *r,
    const struct engine_answer *answer)
{
	struct check *c = ctx;

	(void)r;
	c->figures->checked++;
	if ((answer->effect == ENGINE_PERMIT) != c->load->permits[c->at++])
		c->figures->disagree++;
	return true;
}

static bool
pass_over(void *ctx, const struct engine_request *r,
    const struct engine_answer *answer)
{
	(void)ctx;
	(void)r;
	(void)answer;
	return true;
}

/* Decide the requests from `i` on that go together; how many they were. */
static size_t
decide_some(const struct workload *w, size_t i, struct arena *scratch,
    engine_answered *answered, void *ctx)
{
	size_t n = w->n - i < w->batch ? w->n - i : w->batch;
	struct engine_answer answer;

	if (w->batch > 1)
		(void)engine_evaluate_many(w->snapshot, &w->requests[i], n,
		    ERRORED_DENY_DENIES, scratch, answered, ctx);
	else {
		engine_evaluate(w->snapshot, &w->requests[i],
		    ERRORED_DENY_DENIES, scratch, &answer);
		(void)answered(ctx, &w->requests[i], &answer);
	}
	return n;
}

static bool
check_all(const struct workload *w, struct figures *f)
{
	struct check c = { w, f, 0 };
	struct arena *scratch = arena_new(LIMIT_SCRATCH_BYTES);

	if (scratch == NULL)
		return false;
	for (size_t i = 0; i < w->n;) {
		arena_reset(scratch);
		i += decide_some(
		    w, i, scratch, w->permits ? check_answer : pass_over, &c);
	}
	arena_free(scratch);
	return true;
}

static void *
work(void *arg)
{
	struct worker *me = arg;
	const struct workload *w = me->load;
	struct arena *scratch = arena_new(LIMIT_SCRATCH_BYTES);
	int64_t began = clock_mono_ns(), now = began;

	me->failed = scratch == NULL;
	for (size_t i = me->first, n;
	     !me->failed && now - began < me->duration_ns;
	     i = i + n < w->n ? i + n : 0) {
		engine_scratch(w->snapshot, scratch);
		int64_t from = clock_mono_ns(), each;

		n = decide_some(w, i, scratch, pass_over, NULL);
		now = clock_mono_ns();
		each = n > 1 ? (now - from) / (int64_t)n : now - from;
		if (me->n_samples < SAMPLES)
			me->samples[me->n_samples++] =
			    each > UINT32_MAX ? UINT32_MAX : (uint32_t)each;
		me->decided += n;
		arena_reset(scratch);
	}
	me->took_ns = now - began;
	arena_free(scratch);
	return NULL;
}

static int
compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

static void
sum_up(const struct worker *workers, size_t n, uint32_t *all, struct figures *f)
{
	size_t k = 0;
	double per_second = 0;
	for (size_t i = 0; i < n; i++) {
		const struct worker *w = &workers[i];
		memcpy(all + k, w->samples, w->n_samples * sizeof *all);
		k += w->n_samples;
		if (w->took_ns > 0)
			per_second +=
			    (double)w->decided * 1e9 / (double)w->took_ns;
	}
	f->per_second = (uint64_t)per_second;
	if (k == 0)
		return;
	qsort(all, k, sizeof *all, compare);
	f->p50_ns = all[k / 2];
	f->p90_ns = all[k / 10 * 9];
	f->p99_ns = all[k / 100 * 99];
}

/* What lies between two readings of the clock when nothing else does. */
static uint64_t
measure_clock(void)
{
	uint32_t takes[READINGS];

	for (size_t i = 0; i < READINGS; i++) {
		int64_t from = clock_mono_ns(), now = from;

		for (size_t k = 0; k < READINGS; k++)
			now = clock_mono_ns();
		takes[i] = (uint32_t)(now - from);
	}
	qsort(takes, READINGS, sizeof *takes, compare);
	return (takes[READINGS / 2] + READINGS / 2) / READINGS;
}

static bool
run_workers(struct worker *workers, size_t n)
{
	bool ok = true;
	size_t started = 0;
	for (; ok && started < n; started++)
		ok = pthread_create(&workers[started].thread, NULL, work,
			 &workers[started]) == 0;
	started -= !ok;
	for (size_t i = 0; i < started; i++) {
		pthread_join(workers[i].thread, NULL);
		ok = ok && !workers[i].failed;
	}
	return ok;
}

static bool
measure(const struct workload *w, const struct options *o, struct figures *f)
{
	size_t n = (size_t)o->n_threads;
	struct worker *workers = calloc(n, sizeof *workers);
	uint32_t *samples = malloc(n * 2 * SAMPLES * sizeof *samples);
	bool ok = workers != NULL && samples != NULL;
	for (size_t i = 0; ok && i < n; i++)
		workers[i] = (struct worker){ .load = w,
			.first = w->n / n * i,
			.duration_ns = (int64_t)o->n_seconds * 1000000000,
			.samples = samples + i * SAMPLES };
	f->clock_ns = measure_clock();
	ok = ok && run_workers(workers, n);
	if (ok)
		sum_up(workers, n, samples + n * SAMPLES, f);
	else
		cli_errorf("memory or threads ran out");
	free(samples);
	free(workers);
	return ok;
}

static size_t
resident_bytes(void)
{
	unsigned long total = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "re");
	if (f != NULL && fscanf(f, "%lu %lu", &total, &resident) != 2)
		resident = 0;
	if (f != NULL)
		fclose(f);
	return (size_t)resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* --- the command ---------------------------------------------------------- */

static bool
print_text(const struct figures *f)
{
	struct buf out = { 0 };
	buf_printf(&out,
	    "p50 %" PRIu64 " ns, p90 %" PRIu64 " ns, p99 %" PRIu64
	    " ns, %" PRIu64 " decisions a second\nof each time, %" PRIu64
	    " ns are the clock's\nloaded in %.0f ms, %zu MB resident\n",
	    f->p50_ns, f->p90_ns, f->p99_ns, f->per_second, f->clock_ns,
	    f->load_ms, f->rss_bytes >> 20);
	if (f->checked > 0)
		buf_printf(&out,
		    "%zu decisions compared, %zu are not as expected\n",
		    f->checked, f->disagree);
	bool ok = cli_print(&out);
	buf_free(&out);
	return ok;
}

static bool
print_json(const struct figures *f)
{
	return cli_print_json(
	    json_pack("{s:I,s:I,s:I,s:I,s:I,s:f,s:o,s:I,s:I,s:I}", "p50_ns",
		(json_int_t)f->p50_ns, "p90_ns", (json_int_t)f->p90_ns,
		"p99_ns", (json_int_t)f->p99_ns, "clock_ns",
		(json_int_t)f->clock_ns, "per_second",
		(json_int_t)f->per_second, "load_ms", f->load_ms, "image_bytes",
		f->image_bytes > 0 ? json_integer((json_int_t)f->image_bytes)
				   : json_null(),
		"rss_bytes", (json_int_t)f->rss_bytes, "checked",
		(json_int_t)f->checked, "disagree", (json_int_t)f->disagree),
	    false);
}

static enum cli_exit
bench(
    const struct engine_snapshot *s, const struct options *o, struct figures *f)
{
	struct workload w = { .snapshot = s, .batch = (size_t)o->n_batch };
	struct arena *a = arena_new(0);
	f->rss_bytes = resident_bytes();
	bool ok = a != NULL && read_workload(a, o, &w) && check_all(&w, f) &&
		  measure(&w, o, f) &&
		  (o->json ? print_json(f) : print_text(f));
	arena_free(a);
	if (!ok)
		return CLI_CANNOT_TELL;
	return f->disagree > 0 ? CLI_NO : CLI_YES;
}

static enum cli_exit
run(const struct options *o)
{
	struct figures f = { 0 };
	int64_t began = clock_mono_ns();
	struct engine_snapshot *s =
	    cli_rules_load(&o->rules, clock_now_ms(clock_system()));
	f.load_ms = (double)(clock_mono_ns() - began) / 1e6;
	if (s != NULL)
		f.image_bytes = policy_image_bytes(engine_snapshot_policies(s));
	enum cli_exit code = s != NULL ? bench(s, o, &f) : CLI_CANNOT_TELL;
	engine_snapshot_unref(s);
	return code;
}

enum cli_exit
cmd_bench_decide(int argc, char **argv)
{
	struct options o = { 0 };
	const struct cli_option options[] = {
		CLI_RULES(&o.rules, true),
		{ "requests", CLI_TEXT, &o.requests, true, "FILE",
		    "one request a line, as `avow decide` takes them" },
		{ "expected", CLI_TEXT, &o.expected, false, "FILE",
		    "`permit` or `deny`, a line for each request" },
		{ "threads", CLI_TEXT, &o.threads, false, "N",
		    "decide on so many threads (1)" },
		{ "seconds", CLI_TEXT, &o.seconds, false, "S",
		    "for so long (3)" },
		{ "batch", CLI_TEXT, &o.batch, false, "N",
		    "decide so many by one call (1); times are then their "
		    "mean" },
		{ "json", CLI_FLAG, &o.json, false, NULL,
		    "print the figures as JSON" },
	};
	const struct cli_usage usage =
	    CLI_USAGE("avow bench decide --policies PATH [--entities "
		      "PATH] --requests FILE.jsonl [--expected FILE]",
		"Measure how long a decision takes, with all reasons "
		"and errors, from requests that were read before.\n"
		"Each time holds one reading of the clock, which is "
		"told beside.\n"
		"Exit: 0 measured, 2 a decision was not as expected, "
		"1 cannot tell.",
		options, 0, 0, NULL);
	enum cli_exit code;
	if (cli_parse(&usage, argc, argv, &code) && check_options(&o))
		code = run(&o);
	cli_rules_free(&o.rules);
	return code;
}
