/* clock.h - the time, as an input.
 * Nothing outside base/clock.c reads a system clock; tests and dry runs bring their own. Wall time is UTC; `mono` only for timeouts and durations. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

struct clock {
	int64_t (*now_ms)(void *ctx); /* milliseconds since 1970, UTC */
	void *ctx;
};

/* The system's clock; lives for ever. */
const struct clock *clock_system(void);
int64_t clock_now_ms(const struct clock *c);
/* A clock that stands: `*at_ms` is read at each call and stays the caller's. */
struct clock clock_fixed(const int64_t *at_ms);
/* Nanoseconds of CLOCK_MONOTONIC. */
int64_t clock_mono_ns(void);

#endif
