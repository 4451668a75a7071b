/* timefmt.h - times and durations as text, one grammar for policies, documents, configuration and options.
 * A datetime is `YYYY-MM-DD` or `YYYY-MM-DDThh:mm:ss[.SSS](Z|+hhmm|-hhmm)` (Cedar's form; RFC 3339 in UTC is a part of it), a duration an ordered
 * subset of `Nd Nh Nm Ns Nms` with an optional leading `-`. All in milliseconds, signed 64 bits. */
#ifndef BASE_TIMEFMT_H
#define BASE_TIMEFMT_H

#include "base/str.h"

/* Real Gregorian date, year 0-9999, seconds 0-59, offset hours < 24, minutes < 60. False: not of that form. */
bool time_parse_datetime(struct str s, int64_t *ret_ms) MUST_USE;
/* False: not of that form or over 64 bits. INT64_MIN can be reached. */
bool time_parse_duration(struct str s, int64_t *ret_ms) MUST_USE;
/* RFC 3339 in UTC, `2026-03-01T12:00:00Z`, with `.SSS` when not a whole second. Years outside 0-9999: the count of milliseconds. */
void time_print_datetime(struct buf *out, int64_t ms);
/* Within those years: what is printed is a datetime, and reads as `ms` again. */
bool time_has_datetime(int64_t ms);
/* `1h30m`; `0ms` for zero. */
void time_print_duration(struct buf *out, int64_t ms);

#endif
