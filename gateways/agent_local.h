/* agent_local.h - the agent's socket for local programs that are told apart by their user (S10, A10): what the machine holds, proofs of its key for one request each, and both
 * sides of a proof between machines. A Unix socket; each peer is asked of the kernel (SO_PEERCRED) and must be root, the agent's own user, or one that is configured.
 *   GET  ...                   as the metadata service has it (agent_metadata.h), without a session
 *   POST /avow/v1/proof        a DPoP proof (RFC 9449) for a request below a configured URL, with the token or document it goes with
 *   POST /avow/v1/challenges   a challenge for a peer to answer       POST /avow/v1/checks   is this his answer?
 *   POST /avow/v1/answers      this machine's answer to a peer's challenge (attest/prove.h)
 * The key never leaves, and what it signs is one of these two forms alone. Each use is a line of the log with the user, written before the answer leaves. Each user may ask
 * `local.rate` times a second. Limits: LIMIT_LOCAL_*, LIMIT_AGENT_PEERS. Challenges are this process's: a reload voids them. Thread-safe. */
#ifndef GATEWAYS_AGENT_LOCAL_H
#define GATEWAYS_AGENT_LOCAL_H

#include "attest/prove.h"
#include "gateways/agent_core.h"
#include "gateways/http.h"

struct agent_local_service;
struct agent_metadata_service;

/* Whom this machine asks for proofs, with their keys read now; *ret NULL where it asks nobody. Errors: ERR_FILE_READ, ERR_KEY_FORM, memory. */
bool agent_local_peers(const struct agent_local *config,
    const struct clock *clock, struct prove_random random,
    struct prove_peer **ret, struct error *reterr) MUST_USE;

/* `core`, `metadata` and `clock` are borrowed and outlive it. Errors: as above. */
struct agent_local_service *agent_local_new(struct agent_core *core,
    struct agent_metadata_service *metadata, const struct clock *clock,
    struct prove_random random, struct error *reterr);
void agent_local_free(struct agent_local_service *l);

/* For http_options; `ctx` is the service. */
bool agent_local_knows(void *ctx, uint32_t uid);
void agent_local_handle(
    void *ctx, const struct http_request *q, struct http_response *r);

#endif
