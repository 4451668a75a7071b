/* clock.c - the only reader of the system's clocks. */
#include "base/clock.h"

#include <stddef.h>
#include <time.h>

#include "base/limits.h"

/* Seconds since 1970, by the Makefile: SOURCE_DATE_EPOCH, where it is set. */
#ifndef BUILD_TIME_S
#define BUILD_TIME_S 0
#endif

static int64_t
read_ns(clockid_t id)
{
	struct timespec now = { 0 };

	/* Cannot fail for these two clocks with a valid pointer. */
	(void)clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t
system_now_ms(void *ctx)
{
	(void)ctx;
	return read_ns(CLOCK_REALTIME) / 1000000;
}

static int64_t
fixed_now_ms(void *ctx)
{
	return *(const int64_t *)ctx;
}

const struct clock *
clock_system(void)
{
	static const struct clock system_clock = { system_now_ms, NULL,
		BUILD_TIME_S };

	return &system_clock;
}

int64_t
clock_now_ms(const struct clock *c)
{
	return c->now_ms(c->ctx);
}

bool
clock_check(const struct clock *c, int64_t now_ms, struct error *reterr)
{
	int64_t least_s = c->built_s > LIMIT_CLOCK_AT_LEAST_S
			      ? c->built_s
			      : LIMIT_CLOCK_AT_LEAST_S;

	if (now_ms / 1000 >= least_s)
		return true;
	return error_set(reterr, ERR_SYSTEM_NOT_READY, SPAN_NONE,
	    "the system clock is before this program was made; expiry could "
	    "not be trusted");
}

struct clock
clock_fixed(const int64_t *at_ms)
{
	/* Read only; `ctx` is not const because other clocks may need it. */
	union {
		const int64_t *from;
		void *to;
	} ctx = { .from = at_ms };

	return (struct clock){ fixed_now_ms, ctx.to, 0 };
}

int64_t
clock_mono_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}
