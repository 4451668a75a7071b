/* agent_proxy.h - a proxy on loopback for programs that cannot show an identity: plain HTTP in, TLS out, with the instance's token and a proof for each request, or its pack.
 * It goes to configured upstreams by prefix and nowhere else: GET and HEAD of paths that mean one thing (path.h), by a name of ours in `Host`. Of the request's headers those of a
 * table are passed on, of the answer's likewise; a redirection is not followed, nor passed on. A body is pulled as its reader takes it (http.h). Each connection is a thread,
 * LIMIT_PROXY_CONNECTIONS at most; connections to upstreams are kept. DPoP: RFC 9449, with the upstream's nonce, asked once more when it gives another. */
#ifndef GATEWAYS_AGENT_PROXY_H
#define GATEWAYS_AGENT_PROXY_H

#include "gateways/agent_core.h"
#include "gateways/http.h"

struct agent_proxy;

/* `core` is borrowed and outlives it. Errors: those of client_new for each upstream, memory. */
struct agent_proxy *agent_proxy_new(
    struct agent_core *core, struct error *reterr);
/* Nothing new is begun; what is in hand may end, at most `drain_ms`; then it breaks off. */
void agent_proxy_drain(struct agent_proxy *p, int drain_ms);
/* When no handler can run any more. */
void agent_proxy_free(struct agent_proxy *p);

/* For http_options.handle with thread_per_connection; `ctx` is the proxy. */
void agent_proxy_handle(
    void *ctx, const struct http_request *q, struct http_response *r);

/* A client to that server, as it is configured. NULL on error. `url` may not end in `/`. */
struct client *agent_proxy_client(const struct agent_server *s,
    int timeout_ms, const atomic_bool *gives_up, struct error *reterr);

#endif
