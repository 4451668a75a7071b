/* clock.h - the time, as an input.
 * Nothing outside base/clock.c reads a system clock; tests and dry runs bring their own. Wall time is UTC; `mono` only for timeouts and durations. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/error.h"

struct clock {
	int64_t (*now_ms)(void *ctx); /* milliseconds since 1970, UTC */
	void *ctx;
	int64_t built_s; /* no true time of it is before that; 0: LIMIT_CLOCK_AT_LEAST_S alone */
};

/* The system's clock; lives for ever. Its `built_s` is the builder's SOURCE_DATE_EPOCH, or 0. */
const struct clock *clock_system(void);
int64_t clock_now_ms(const struct clock *c);
/* Can `now_ms`, read of `c`, be true? Before the program was made nothing expires as it should. Errors: ERR_SYSTEM_NOT_READY. */
bool clock_check(const struct clock *c, int64_t now_ms,
    struct error *reterr) MUST_USE;
/* A clock that stands: `*at_ms` is read at each call and stays the caller's. */
struct clock clock_fixed(const int64_t *at_ms);
/* Nanoseconds of CLOCK_MONOTONIC. */
int64_t clock_mono_ns(void);

#endif
