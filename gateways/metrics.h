/* metrics.h - counters as Prometheus reads them (text format 0.0.4).
 * A family is its help and type, once, and then its values. Names and labels
 * are constants of ours: nothing that somebody sent stands in them. */
#ifndef GATEWAYS_METRICS_H
#define GATEWAYS_METRICS_H

#include "base/str.h"

enum metrics_type { METRICS_COUNTER = 0, METRICS_GAUGE };

void metrics_family(struct buf *out, const char *name, enum metrics_type type,
    const char *help);
/* `label` NULL: none. */
void metrics_value(struct buf *out, const char *name, const char *label,
    const char *value, uint64_t number);
/* A family with one value. */
void metrics_one(struct buf *out, const char *name, enum metrics_type type,
    const char *help, uint64_t number);

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

#endif
