/* agent_run.h - a local program is run, to its end or the end of its time.
 * Its arguments are the words of the configuration as they stand: no shell looks at them, and nothing that was received is among them. It reads nothing, what it prints
 * to stdout is dropped, its stderr is the agent's; it has no other descriptor, no signal blocked, `PATH` alone as its environment, and a process group of its own, which
 * is killed when the time is over. */
#ifndef GATEWAYS_AGENT_RUN_H
#define GATEWAYS_AGENT_RUN_H

#include "gateways/config.h"

/* True: it ended with 0. `command`: NUL-ended words, LIMIT_AGENT_LIST at most. Errors: ERR_SYSTEM_ERROR (it cannot be started, ended otherwise), ERR_DATA_TIMEOUT. */
bool agent_run(const struct config_strings *command, int64_t timeout_ms,
    struct error *reterr) MUST_USE;

#endif
