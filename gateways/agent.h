/* agent.h - the door of the agent on an instance: it proves the instance's key, keeps token and document fresh, and hands them to local programs as a metadata service,
 * as files, through a proxy, and at a socket that tells users apart (A10, S10). Built from agent_core.h (what is held), agent_metadata.h, agent_files.h, agent_proxy.h, agent_local.h. A named contract of gateways/. */
#ifndef GATEWAYS_AGENT_H
#define GATEWAYS_AGENT_H

#include "base/clock.h"
#include "base/error.h"

struct agent;

/* Read and check the configuration and what it names, and start nothing: keys of documents, certificates, the form of all. One line for people onto `summary`; errors onto
 * `messages`. False when there is one. */
bool agent_check(const char *config_path, struct buf *summary,
    struct buf *messages) MUST_USE;
/* Listening, and asking, when it returns. It does not wait for the service. NULL on error, with `messages`. `clock` is borrowed. */
struct agent *agent_start(const char *config_path, const struct clock *clock,
    struct buf *messages);
/* Is the machine's key still where this agent keeps it, in a folder that it would open? Else whoever stops it and starts it anew, as a reload does, would lose the key; errors onto
 * `messages`. */
bool agent_keeps_key(const struct agent *a, struct buf *messages) MUST_USE;
/* Ask for everything now. */
void agent_hurry(struct agent *a);
uint16_t agent_metadata_port(const struct agent *a);
uint16_t agent_proxy_port(const struct agent *a); /* 0: none */
/* Requests in hand are finished, at most `drain_ms`. Frees. */
void agent_stop(struct agent *a, int drain_ms);

/* Where the running agent of this configuration answers, as client_options.url has it, for a metadata request; memory is `a`'s. NULL on error. */
struct arena;
const char *agent_address(
    struct arena *a, const char *config_path, struct buf *messages);

#endif
