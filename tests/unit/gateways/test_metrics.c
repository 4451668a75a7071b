/* test_metrics.c - what scrapers are told: the form they asked for, and
 * histograms whose parts agree. */
#include "gateways/metrics.h"

#include "tests/lib/run.h"

static const struct {
	const char *note, *accept;
	enum metrics_form want;
} forms[] = {
	{ "nothing", "", METRICS_TEXT },
	{ "anything", "*/*", METRICS_TEXT },
	{ "open", "application/openmetrics-text", METRICS_OPEN },
	{ "its version", "application/openmetrics-text; version=1.0.0",
	    METRICS_OPEN },
	{ "letters", "Application/OpenMetrics-Text;VERSION=1.0.0",
	    METRICS_OPEN },
	{ "another version", "application/openmetrics-text; version=0.0.1",
	    METRICS_TEXT },
	{ "as Prometheus asks",
	    "application/openmetrics-text;version=1.0.0;q=0.5,"
	    "application/openmetrics-text;version=0.0.1;q=0.4,"
	    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
	    METRICS_OPEN },
	{ "text first", "text/plain;q=0.9 , application/openmetrics-text;q=0.8",
	    METRICS_TEXT },
	{ "any text first", "text/*,application/openmetrics-text;q=0.999",
	    METRICS_TEXT },
	{ "equal", "*/*;q=0.7,application/openmetrics-text;q=0.7",
	    METRICS_OPEN },
	{ "never", "application/openmetrics-text;q=0", METRICS_TEXT },
	{ "never, in thousandths", "application/openmetrics-text;q=0.000",
	    METRICS_TEXT },
	{ "a weight over one", "application/openmetrics-text;q=1.001",
	    METRICS_TEXT },
	{ "a weight that is none", "application/openmetrics-text;q=x",
	    METRICS_TEXT },
	{ "an empty weight", "application/openmetrics-text;q=", METRICS_TEXT },
	{ "only commas", ",,;,", METRICS_TEXT },
	{ "part of the name", "application/openmetrics", METRICS_TEXT },
};

START_TEST(form)
{
	ck_assert_msg(
	    metrics_form_of(str_of(forms[_i].accept)) == forms[_i].want, "%s",
	    forms[_i].note);
}
END_TEST

static const char *
answer(struct arena *a, const char *accept,
    void (*fill)(struct metrics *, const void *), const void *of,
    const char *type)
{
	struct http_header header = { STR("accept"), str_of(accept) };
	struct http_request q = { .headers = &header, .n_headers = 1 };
	struct http_response r = { 0 };
	struct metrics m = metrics_begin(&q, &r);
	const char *text;

	fill(&m, of);
	ck_assert(metrics_end(&m, &r));
	ck_assert_str_eq(r.content_type, type);
	text = str_dup(a, buf_str(&r.body)).p;
	buf_free(&r.body);
	return text;
}

static void
some(struct metrics *m, const void *of)
{
	(void)of;
	metrics_one(m, "avow_x_total", METRICS_COUNTER, "Help.", 3);
	metrics_family(m, "avow_y", METRICS_GAUGE, "More.");
	metrics_value(m, "avow_y", "code", "permit", 1);
}

START_TEST(both_forms)
{
	struct arena *a = arena_new(0);

	ck_assert_str_eq(answer(a, "", some, NULL, METRICS_TEXT_TYPE),
	    "# HELP avow_x_total Help.\n# TYPE avow_x_total counter\n"
	    "avow_x_total 3\n"
	    "# HELP avow_y More.\n# TYPE avow_y gauge\n"
	    "avow_y{code=\"permit\"} 1\n");
	ck_assert_str_eq(answer(a, "application/openmetrics-text", some, NULL,
			     METRICS_OPEN_TYPE),
	    "# HELP avow_x Help.\n# TYPE avow_x counter\n"
	    "avow_x_total 3\n"
	    "# HELP avow_y More.\n# TYPE avow_y gauge\n"
	    "avow_y{code=\"permit\"} 1\n# EOF\n");
	arena_free(a);
}
END_TEST

/* Each on its bound, or just over: a bound is in its bucket. */
static const struct {
	int64_t ns;
	const char *has;
} durations[] = {
	{ -5, "{le=\"0.00001\"} 1\n" },
	{ 0, "{le=\"0.00001\"} 1\n" },
	{ 10000, "{le=\"0.00001\"} 1\n" },
	{ 10001, "{le=\"0.00001\"} 0\nd_bucket{le=\"0.000025\"} 1\n" },
	{ 1000000, "{le=\"0.0005\"} 0\nd_bucket{le=\"0.001\"} 1\n" },
	{ 5000000000, "{le=\"1.0\"} 0\nd_bucket{le=\"5.0\"} 1\n" },
	{ 5000000001, "{le=\"5.0\"} 0\nd_bucket{le=\"+Inf\"} 1\n" },
	{ INT64_MAX, "{le=\"+Inf\"} 1\nd_sum 9223372036.854775807\n" },
};

static void
one(struct metrics *m, const void *of)
{
	metrics_durations(m, "d", NULL, NULL, of);
}

START_TEST(bucket)
{
	struct arena *a = arena_new(0);
	struct metrics_histogram h = { 0 };
	const char *text;

	metrics_observe(&h, durations[_i].ns);
	text = answer(a, "", one, &h, METRICS_TEXT_TYPE);
	ck_assert_msg(
	    strstr(text, durations[_i].has) && strstr(text, "d_count 1\n"),
	    "%lld: %s", (long long)durations[_i].ns, text);
	arena_free(a);
}
END_TEST

static void
labelled(struct metrics *m, const void *of)
{
	metrics_durations(m, "d", "path", "/x", of);
}

START_TEST(buckets_add_up)
{
	struct arena *a = arena_new(0);
	struct metrics_histogram h = { 0 };
	const char *text;

	ck_assert_str_eq(answer(a, "", labelled, &h, METRICS_TEXT_TYPE), "");
	for (int64_t ns = 1; ns < 10000000000; ns *= 10)
		metrics_observe(&h, ns);
	text = answer(a, "", labelled, &h, METRICS_TEXT_TYPE);
	ck_assert_ptr_nonnull(
	    strstr(text, "d_bucket{path=\"/x\",le=\"0.00001\"} 5\n"));
	ck_assert_ptr_nonnull(
	    strstr(text, "d_bucket{path=\"/x\",le=\"0.05\"} 8\n"));
	ck_assert_ptr_nonnull(
	    strstr(text, "d_bucket{path=\"/x\",le=\"1.0\"} 10\n"));
	ck_assert_ptr_nonnull(
	    strstr(text, "d_bucket{path=\"/x\",le=\"+Inf\"} 10\n"
			 "d_sum{path=\"/x\"} 1.111111111\n"
			 "d_count{path=\"/x\"} 10\n"));
	arena_free(a);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("metrics");
	TCase *tc = tcase_create("metrics");

	tcase_add_loop_test(tc, form, 0, ARRAY_LEN(forms));
	tcase_add_test(tc, both_forms);
	tcase_add_loop_test(tc, bucket, 0, ARRAY_LEN(durations));
	tcase_add_test(tc, buckets_add_up);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
