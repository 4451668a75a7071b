#include "gateways/agent_schedule.h"

#include "base/limits.h"

/* `chance` of [0, most]. */
static int64_t
part(int64_t most, uint32_t chance)
{
	/* A life of a century in milliseconds has 42 bits. */
	return most > 0 ? (int64_t)((double)most * chance / UINT32_MAX) : 0;
}

int64_t
agent_schedule_renew_ms(int64_t from_s, int64_t until_s, uint32_t chance)
{
	int64_t life_ms = until_s > from_s ? (until_s - from_s) * 1000 : 0;

	return from_s * 1000 + life_ms / 2 + part(life_ms / 6, chance);
}

int64_t
agent_schedule_wait_ms(unsigned failures, uint32_t chance)
{
	int64_t wait = LIMIT_AGENT_RETRY_MS;

	for (unsigned i = 1; i < failures && wait < LIMIT_AGENT_RETRY_MOST_MS;
	     i++)
		wait *= 2;
	if (wait > LIMIT_AGENT_RETRY_MOST_MS)
		wait = LIMIT_AGENT_RETRY_MOST_MS;
	return wait - part(wait / 2, chance);
}
