#include "gateways/metrics.h"

#include <inttypes.h>

/* ---- which form ---------------------------------------------------------- */

static struct str
trim(struct str s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = str_sub(s, 1, s.n);
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

/* What is before the next `c`; *rest begins behind it. */
static struct str
cut(struct str *rest, char c)
{
	size_t at = str_find(*rest, c, 0);
	struct str part = str_sub(*rest, 0, at);

	*rest =
	    at < rest->n ? str_sub(*rest, at + 1, rest->n) : (struct str){ 0 };
	return trim(part);
}

/* A weight in thousandths; 0 for what is none. RFC 9110 12.4.2. */
static unsigned
weight_of(struct str s)
{
	unsigned sum = 0, one = 1000;

	if (s.n == 0 || s.n > 5 || (s.n > 1 && s.p[1] != '.'))
		return 0;
	for (size_t i = 0; i < s.n; i++) {
		if (i == 1)
			continue;
		if (s.p[i] < '0' || s.p[i] > '9')
			return 0;
		sum += one * (unsigned)(s.p[i] - '0');
		one /= 10;
	}
	return sum <= 1000 ? sum : 0;
}

/* Types by which each form may be asked for, and in which version it is. */
static const struct {
	const char *type, *version;
	enum metrics_form form;
} types[] = {
	{ "application/openmetrics-text", "1.0.0", METRICS_OPEN },
	{ "text/plain", "0.0.4", METRICS_TEXT },
	{ "text/*", "", METRICS_TEXT },
	{ "*/*", "", METRICS_TEXT },
};

/* The weight of one media range that is asked for in `version`. */
static unsigned
read_range(struct str rest, const char *version)
{
	unsigned weight = 1000;

	while (rest.n > 0) {
		struct str value = cut(&rest, ';');
		struct str name = cut(&value, '=');

		if (http_name_eq(name, "q"))
			weight = weight_of(trim(value));
		else if (http_name_eq(name, "version") &&
			 !str_eq(trim(value), str_of(version)))
			return 0;
	}
	return weight;
}

enum metrics_form
metrics_form_of(struct str accept)
{
	unsigned most[METRICS_OPEN + 1] = { 0 };

	while (accept.n > 0) {
		struct str range = cut(&accept, ',');
		struct str type = cut(&range, ';');

		for (size_t i = 0; i < ARRAY_LEN(types); i++) {
			unsigned weight, *to = &most[types[i].form];

			if (!http_name_eq(type, types[i].type))
				continue;
			weight = read_range(range, types[i].version);
			*to = weight > *to ? weight : *to;
		}
	}
	return most[METRICS_OPEN] > 0 &&
		       most[METRICS_OPEN] >= most[METRICS_TEXT]
		   ? METRICS_OPEN
		   : METRICS_TEXT;
}

/* ---- the answer ---------------------------------------------------------- */

struct metrics
metrics_begin(const struct http_request *q, struct http_response *r)
{
	return (struct metrics){ &r->body,
		metrics_form_of(http_header(q, "accept")) };
}

bool
metrics_end(struct metrics *m, struct http_response *r)
{
	bool is_open = m->form == METRICS_OPEN;

	if (is_open)
		buf_addz(m->out, "# EOF\n");
	r->content_type = is_open ? METRICS_OPEN_TYPE : METRICS_TEXT_TYPE;
	return buf_ok(m->out);
}

/* ---- families ------------------------------------------------------------ */

void
metrics_family(struct metrics *m, const char *name, enum metrics_type type,
    const char *help)
{
	static const char *const words[] = { [METRICS_COUNTER] = "counter",
		[METRICS_GAUGE] = "gauge",
		[METRICS_HISTOGRAM] = "histogram" };
	struct str family = str_of(name), total = STR("_total");

	/* In OpenMetrics `_total` is a value's, not the family's. */
	if (m->form == METRICS_OPEN && str_has_suffix(family, total))
		family.n -= total.n;
	buf_printf(m->out, "# HELP %.*s %s\n# TYPE %.*s %s\n", STR_ARG(family),
	    help, STR_ARG(family), words[type]);
}

void
metrics_value(struct metrics *m, const char *name, const char *label,
    const char *value, uint64_t number)
{
	if (label)
		buf_printf(m->out, "%s{%s=\"%s\"} %" PRIu64 "\n", name, label,
		    value, number);
	else
		buf_printf(m->out, "%s %" PRIu64 "\n", name, number);
}

void
metrics_one(struct metrics *m, const char *name, enum metrics_type type,
    const char *help, uint64_t number)
{
	metrics_family(m, name, type, help);
	metrics_value(m, name, NULL, NULL, number);
}

/* ---- durations ----------------------------------------------------------- */

/* Most decisions take some 100 us; above are those that wait for others. */
static const struct {
	int64_t most_ns;
	const char *seconds;
} bounds[METRICS_BUCKETS] = {
	{ 10000, "0.00001" },
	{ 25000, "0.000025" },
	{ 50000, "0.00005" },
	{ 100000, "0.0001" },
	{ 250000, "0.00025" },
	{ 500000, "0.0005" },
	{ 1000000, "0.001" },
	{ 2500000, "0.0025" },
	{ 5000000, "0.005" },
	{ 10000000, "0.01" },
	{ 25000000, "0.025" },
	{ 50000000, "0.05" },
	{ 100000000, "0.1" },
	{ 500000000, "0.5" },
	{ 1000000000, "1.0" },
	{ 5000000000, "5.0" },
};

void
metrics_observe(struct metrics_histogram *h, int64_t ns)
{
	size_t i = 0;

	if (ns < 0)
		ns = 0;
	while (i < METRICS_BUCKETS && ns > bounds[i].most_ns)
		i++;
	atomic_fetch_add_explicit(&h->in[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(
	    &h->sum_ns, (uint64_t)ns, memory_order_relaxed);
}

/* A label pair, if there is one, and what follows it in the braces. */
static void
add_name(struct metrics *m, const char *name, const char *part,
    const char *label, const char *value, const char *le)
{
	buf_printf(m->out, "%s_%s", name, part);
	if (label || le)
		buf_byte(m->out, '{');
	if (label)
		buf_printf(m->out, "%s=\"%s\"", label, value);
	if (le)
		buf_printf(m->out, "%sle=\"%s\"", label ? "," : "", le);
	if (label || le)
		buf_byte(m->out, '}');
}

void
metrics_durations(struct metrics *m, const char *name, const char *label,
    const char *value, const struct metrics_histogram *h)
{
	uint64_t in[METRICS_BUCKETS + 1], count = 0, sum_ns;

	sum_ns = atomic_load_explicit(&h->sum_ns, memory_order_relaxed);
	for (size_t i = 0; i <= METRICS_BUCKETS; i++) {
		in[i] = atomic_load_explicit(&h->in[i], memory_order_relaxed);
		count += in[i];
	}
	if (count == 0)
		return;
	/* Each bucket counts what is in those before it, too. The count is
	 * theirs, so that both agree while others observe. */
	count = 0;
	for (size_t i = 0; i <= METRICS_BUCKETS; i++) {
		count += in[i];
		add_name(m, name, "bucket", label, value,
		    i < METRICS_BUCKETS ? bounds[i].seconds : "+Inf");
		buf_printf(m->out, " %" PRIu64 "\n", count);
	}
	add_name(m, name, "sum", label, value, NULL);
	buf_printf(m->out, " %" PRIu64 ".%09" PRIu64 "\n", sum_ns / 1000000000u,
	    sum_ns % 1000000000u);
	add_name(m, name, "count", label, value, NULL);
	buf_printf(m->out, " %" PRIu64 "\n", count);
}
