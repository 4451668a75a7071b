/* clock.c - the only reader of the system's clocks. */
#include "base/clock.h"

#include <stddef.h>
#include <time.h>

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
	static const struct clock system_clock = { system_now_ms, NULL };

	return &system_clock;
}

int64_t
clock_now_ms(const struct clock *c)
{
	return c->now_ms(c->ctx);
}

struct clock
clock_fixed(const int64_t *at_ms)
{
	/* Read only; `ctx` is not const because other clocks may need it. */
	union {
		const int64_t *from;
		void *to;
	} ctx = { .from = at_ms };

	return (struct clock){ fixed_now_ms, ctx.to };
}

int64_t
clock_mono_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}
