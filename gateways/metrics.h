/* metrics.h - counters, gauges and histograms as Prometheus reads them: its text format 0.0.4, or OpenMetrics 1.0.0 where the asker prefers that.
 * A family is its help and type, once, and then its values. Names and labels are constants of ours: nothing that somebody sent stands in them.
 * Durations are counted in buckets with fixed bounds, 10 us to 5 s: to observe one is two relaxed additions, without lock or memory. */
#ifndef GATEWAYS_METRICS_H
#define GATEWAYS_METRICS_H

#include <stdatomic.h>

#include "gateways/http.h"

enum metrics_type { METRICS_COUNTER = 0, METRICS_GAUGE, METRICS_HISTOGRAM };
enum metrics_form { METRICS_TEXT = 0, METRICS_OPEN };

#define METRICS_TEXT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define METRICS_OPEN_TYPE \
	"application/openmetrics-text; version=1.0.0; charset=utf-8"

/* Being written; memory that runs out shows in the body. */
struct metrics {
	struct buf *out;
	enum metrics_form form;
};

#define METRICS_BUCKETS 16u

/* Zeroed: nothing was observed. */
struct metrics_histogram {
	_Atomic uint64_t in[METRICS_BUCKETS + 1]; /* by bucket, none in two; the last: longer than all bounds */
	_Atomic uint64_t sum_ns;
};

/* The form that a field `Accept` prefers; text where it says nothing that is understood. RFC 9110 12.4.2, 12.5.1. */
enum metrics_form metrics_form_of(struct str accept);

/* An answer of this form to `q`, from here to metrics_end; its body is the metrics' alone. False: memory is out, and nothing is said of the answer's status. */
struct metrics metrics_begin(
    const struct http_request *q, struct http_response *r);
bool metrics_end(struct metrics *m, struct http_response *r) MUST_USE;

/* Counters are named `…_total`. */
void metrics_family(struct metrics *m, const char *name,
    enum metrics_type type, const char *help);
/* `label` NULL: none. */
void metrics_value(struct metrics *m, const char *name, const char *label,
    const char *value, uint64_t number);
/* A family with one value. */
void metrics_one(struct metrics *m, const char *name, enum metrics_type type,
    const char *help, uint64_t number);

/* One that took so long; less than 0 counts as 0. */
void metrics_observe(struct metrics_histogram *h, int64_t ns);
/* Its buckets, sum and count, of a family of type METRICS_HISTOGRAM; with nothing observed, nothing. `label` NULL: none. */
void metrics_durations(struct metrics *m, const char *name, const char *label,
    const char *value, const struct metrics_histogram *h);

#endif
