/* log.h - structured lines on standard error: `level=… event=… key=value …`.
 * Only gateways and mains log, once a failure. Values are escaped; nobody passes secrets. Safe from several threads (one write a line). */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/error.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO };

/* `fmt` gives `key=value` pairs; its result is escaped as a whole line, so user text belongs inside "%s" with quotes around it. */
void log_line(enum log_level level, const char *event, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* An error with its place and code. */
void log_error(const char *event, const struct error *err);
/* Lines of a lower rank than `level` are dropped; LOG_INFO at start. */
void log_threshold(enum log_level level);

#endif
