/* agent_metadata.h - the metadata service on the instance: paths and session tokens as EC2's, answers by what is proven, and our own below /avow/v1/ (A10).
 * A name of an instance is handed on only as a verified document claims it: what no document says is 404, what has ended is 503 with the reason in `X-Avow-Reason`.
 * PUT /latest/api/token gives a session token (32 random bytes, 1 to 21,600 s, this process's alone), which every other request shows; who comes by a proxy, or calls us by a
 * name that is not ours (DNS rebinding), gets none. Limits: LIMIT_METADATA_*; those of a user where the kernel tells users apart, at a Unix socket. */
#ifndef GATEWAYS_AGENT_METADATA_H
#define GATEWAYS_AGENT_METADATA_H

#include "gateways/agent_core.h"
#include "gateways/http.h"

struct agent_metadata_service;

/* `core` is borrowed and outlives it. Errors: memory. */
struct agent_metadata_service *agent_metadata_new(
    struct agent_core *core, struct prove_random random, struct error *reterr);
void agent_metadata_free(struct agent_metadata_service *m);

/* For http_options.handle; `ctx` is the service. Thread-safe. */
void agent_metadata_handle(
    void *ctx, const struct http_request *q, struct http_response *r);

/* The same to who may ask already: GET and HEAD of whatever path, with no session, and no look at how often or by what name. */
void agent_metadata_show(struct agent_metadata_service *m,
    const struct http_request *q, struct http_response *r);

/* Is `host`, a Host header, one of these names, with or without a port? */
bool agent_host_is_ours(
    struct str host, struct str listen, const struct config_strings *also);

#endif
