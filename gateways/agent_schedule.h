/* agent_schedule.h - when to ask again: pure functions of times and of random bits, so that tests need not wait.
 * What is held is renewed between half and two thirds of its life, at a moment of chance, so that a fleet that started at once does not ask at once for ever. After a
 * failure the wait doubles from LIMIT_AGENT_RETRY_MS to LIMIT_AGENT_RETRY_MOST_MS, of which chance takes up to a half; it never becomes "never". */
#ifndef GATEWAYS_AGENT_SCHEDULE_H
#define GATEWAYS_AGENT_SCHEDULE_H

#include <stdint.h>

/* Seconds in, milliseconds out, UTC. What ends before it begins is due at once. `chance`: 32 random bits. */
int64_t agent_schedule_renew_ms(
    int64_t from_s, int64_t until_s, uint32_t chance);
/* How long to wait after so many failures in a row, 1 or more. */
int64_t agent_schedule_wait_ms(unsigned failures, uint32_t chance);

#endif
