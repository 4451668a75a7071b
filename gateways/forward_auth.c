/* forward_auth.c - /gate/auth: may this client have this path? Order: request,
 * evidence, requirements, decision; the first that fails gives the code. nginx
 * passes on 2xx, 401 and 403 alone and turns everything else into 500, so there
 * is no other status here. */
#include "gateways/answer.h"

#include "gateways/forwarded.h"

/* SECURITY 5: any forwarded header that stands twice, read here or not. A
 * repeated evidence header waits for its turn. */
static bool
check_flaw(const struct http_request *q, struct error *reterr)
{
	if (q->flaw != HTTP_FLAW_REPEATED_FORWARDED)
		return true;
	return error_set(reterr, ERR_REQUEST_MALFORMED, SPAN_NONE,
	    "a forwarded header stands twice");
}

static bool
ask(const struct gate_env *env, const struct http_request *q,
    struct gate_case *c)
{
	const struct gateways_state *s = env->state;
	struct gateways_client client;
	struct gateways_original original;
	struct gate_package package;
	if (!gateways_forwarded_client(
		q, s->config, GATEWAYS_PROXIES_ONLY, &client, &c->why) ||
	    !check_flaw(q, &c->why) ||
	    !gateways_forwarded_original(q, &original, &c->why))
		return false;
	struct gate_seen seen = { .client = client.address,
		.protocol = client.is_https ? STR("https") : STR("http"),
		.certificate = client.certificate,
		.method = original.method,
		.target = original.target,
		.now_ms = c->now_ms };
	if (!repository_find(q->arena, s, &seen, &package, &c->why))
		return false;
	c->gate = package.gate->name;
	return gate_evidence_read(
		   q, package.gate->rhui, &seen.evidence, &c->why) &&
	       gate_prove(q->arena, s, package.gate, &seen, &env->prover,
		   &c->proven, &c->stale_nonce, &c->why) &&
	       gate_require(package.gate, &seen, &c->proven, &c->why) &&
	       repository_request(q->arena, s, &package, &seen, &c->proven,
		   &c->asked, &c->why);
}

void
forward_auth_handle(const struct gate_env *env, const struct http_request *q,
    struct http_response *r)
{
	struct gate_case c = { 0 };
	gate_begin(env, &c);
	if (ask(env, q, &c))
		gate_decide(env, q->arena, &c);
	else
		gate_refuse(&c);
	if (gate_conclude(env, &c)) {
		r->status = 204;
	} else if (error_http(c.answer.code) == 401) {
		r->status = 401;
	} else {
		r->status = 403;
	}
	r->close = q->flaw != HTTP_FLAW_NONE;
	gate_challenge(env, q, &c, r);
	gate_headers(q, &c, r);
}
