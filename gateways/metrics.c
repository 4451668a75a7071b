#include "gateways/metrics.h"

#include <inttypes.h>

void
metrics_family(
    struct buf *out, const char *name, enum metrics_type type, const char *help)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
	    type == METRICS_COUNTER ? "counter" : "gauge");
}

void
metrics_value(struct buf *out, const char *name, const char *label,
    const char *value, uint64_t number)
{
	if (label)
		buf_printf(out, "%s{%s=\"%s\"} %" PRIu64 "\n", name, label,
		    value, number);
	else
		buf_printf(out, "%s %" PRIu64 "\n", name, number);
}

void
metrics_one(struct buf *out, const char *name, enum metrics_type type,
    const char *help, uint64_t number)
{
	metrics_family(out, name, type, help);
	metrics_value(out, name, NULL, NULL, number);
}
