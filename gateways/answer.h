/* answer.h - the end of every gate: log first, then answer. */
#ifndef GATEWAYS_ANSWER_H
#define GATEWAYS_ANSWER_H

#include "gateways/balancer.h"
#include "gateways/gate.h"
#include "gateways/metrics.h"

/* Decisions of this process, by code, and how long they took; for /metrics. */
struct gate_counts {
	_Atomic uint64_t by_code[ERR_COUNT];
	struct metrics_histogram decisions;
};

/* What a handler works with; lent for one request. */
struct gate_env {
	const struct clock *clock;
	struct gateways_state *state;
	struct engine_log *log;
	struct gate_prover prover;
	struct balancer *balancer; /* NULL: no balancer gate */
	struct gate_counts *counts; /* NULL: nobody counts */
};

/* One request on its way through a gate. Zeroed, then begun. */
struct gate_case {
	char id[17];
	int64_t now_ms, began_ns;
	struct str gate;                 /* empty until it is known */
	struct gate_proven proven;       /* claims NULL until verified */
	const struct engine_gated *asked; /* NULL until it could be built */
	struct engine_answer answer;
	struct error why;                /* of a refusal before any policy */
	bool stale_nonce;                /* all that was wrong was the proof's nonce */
};

void gate_begin(const struct gate_env *env, struct gate_case *c);
/* Policies' word on c->asked. */
void gate_decide(const struct gate_env *env, struct arena *scratch,
    struct gate_case *c);
/* A refusal with c->why. */
void gate_refuse(struct gate_case *c);
/* Write the decision log; when that fails the answer becomes a deny, system.log. True: the answer is a permit and may be acted on. */
bool gate_conclude(const struct gate_env *env, struct gate_case *c) MUST_USE;
/* X-Avow-Reason and X-Avow-Decision. */
void gate_headers(const struct http_request *q, const struct gate_case *c,
    struct http_response *r);

/* What a 401 asks for (RFC 9110 11.6.1), by what was tried: `Basic`, or `DPoP` with the error of RFC 9449 7.1, 9. And a nonce for the next proof, wherever a proof was. */
void gate_challenge(const struct gate_env *env, const struct http_request *q,
    const struct gate_case *c, struct http_response *r);

/* An error body (RFC 9457). `detail` may be empty; `id` NULL: no decision. */
void answer_problem(struct http_response *r, unsigned status, const char *code,
    struct str detail, const char *id);
/* A JSON body; takes the reference. 500 when memory is out. */
void answer_json(struct http_response *r, unsigned status, json_t *body_take);

/* For GET /metrics. */
void server_metrics(const struct gate_env *env, bool reload_failed,
    int64_t reload_at_s, struct metrics *m);

/* ---- routes, one file each ------------------------------------------------------------------------------------------------------------- */

/* /gate/auth, for nginx auth_request and other forward-auth proxies: 204, 401, 403. */
void forward_auth_handle(const struct gate_env *env,
    const struct http_request *q, struct http_response *r);

#define POOL_PREFIX "/gate/balancer/"

/* What policies are asked of a join: `balancer:join` on `Pool::"NAME"`. */
bool pool_request(const struct gateways_state *s, struct arena *a,
    const struct balancer_ask *ask, const struct engine_gated **ret,
    struct error *reterr) MUST_USE;
/* POST and DELETE /gate/balancer/POOL: join and leave. */
void pool_handle(const struct gate_env *env, const struct http_request *q,
    struct http_response *r);
/* A member's stored evidence and policies' word on it, once more, by what is loaded now. */
bool pool_prove_again(const struct gate_env *env, struct arena *a,
    struct str gate, struct balancer_who *who, struct error *reterr) MUST_USE;
bool pool_decide_again(const struct gate_env *env, struct arena *a,
    const struct balancer_ask *ask, struct error *reterr) MUST_USE;

#endif
