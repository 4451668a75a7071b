/* answer.c - log, then tell. What is not in the log was not decided. */
#include "gateways/answer.h"

#include "base/log.h"

void
gate_begin(const struct gate_env *env, struct gate_case *c)
{
	gate_decision_id(c->id);
	c->began_ns = clock_mono_ns();
	c->now_ms = clock_now_ms(env->clock);
}

void
gate_decide(
    const struct gate_env *env, struct arena *scratch, struct gate_case *c)
{
	struct engine_decision decision;
	engine_scratch(env->state->snapshot, scratch);
	engine_enforce(env->state->snapshot, c->asked,
	    state_errored_deny(env->state), scratch, &decision);
	c->answer = decision.answer;
}

void
gate_refuse(struct gate_case *c)
{
	enum err_code code = c->why.code;
	/* What the operator has to mend: the asker learns only the class of it.
	 */
	if (error_http(code) == 0)
		code = code == ERR_LIMIT_MEMORY ? ERR_SYSTEM_LIMIT
						: ERR_SYSTEM_ERROR;
	if (error_http(c->why.code) == 0)
		log_error("gate", &c->why);
	engine_refuse(code, &c->answer);
}

bool
gate_conclude(const struct gate_env *env, struct gate_case *c)
{
	struct error err = { 0 };
	if (c->answer.snapshot == NULL)
		c->answer.snapshot = env->state->snapshot;
	const struct engine_log_entry entry = {
		.id = c->id,
		.time_ms = c->now_ms,
		.gate = c->gate,
		.request =
		    c->asked != NULL ? engine_gated_request(c->asked) : NULL,
		.claims = c->proven.claims,
		.answer = &c->answer,
		.us = (clock_mono_ns() - c->began_ns) / 1000,
	};
	bool ok = engine_log_write(env->log, &entry, &err);
	if (!ok) {
		log_error("decision-log", &err);
		engine_refuse(ERR_SYSTEM_LOG, &c->answer);
	}
	if (env->counts != NULL) {
		atomic_fetch_add_explicit(&env->counts->by_code[c->answer.code],
		    1, memory_order_relaxed);
		metrics_observe(
		    &env->counts->decisions, clock_mono_ns() - c->began_ns);
	}
	return ok && c->answer.effect == ENGINE_PERMIT;
}

void
gate_headers(const struct http_request *q, const struct gate_case *c,
    struct http_response *r)
{
	http_response_header(
	    r, "X-Avow-Reason", str_of(error_id(c->answer.code)));
	http_response_header(
	    r, "X-Avow-Decision", str_dup(q->arena, str_of(c->id)));
}

#define DPOP_ALGS "algs=\"ES256 EdDSA RS256\""

static struct str
challenge_of(const struct gate_case *c, bool is_dpop)
{
	if (!is_dpop)
		return STR("Basic realm=\"avow\", charset=\"UTF-8\"");
	if (c->stale_nonce)
		return STR("DPoP realm=\"avow\", "
			   "error=\"use_dpop_nonce\", " DPOP_ALGS);
	if (c->answer.code == ERR_EVIDENCE_PROOF ||
	    c->answer.code == ERR_EVIDENCE_REPLAYED)
		return STR("DPoP realm=\"avow\", "
			   "error=\"invalid_dpop_proof\", " DPOP_ALGS);
	return STR("DPoP realm=\"avow\", error=\"invalid_token\", " DPOP_ALGS);
}

static void
add_nonce(const struct gate_env *env, const struct http_request *q,
    const struct gate_case *c, struct http_response *r)
{
	char nonce[DPOP_NONCE + 1];
	struct error err = { 0 };
	if (env->prover.dpop == NULL)
		return;
	if (dpop_nonce(env->prover.dpop, c->now_ms / 1000, nonce, &err))
		http_response_header(
		    r, "DPoP-Nonce", str_dup(q->arena, str_of(nonce)));
	else
		log_error("dpop", &err);
}

void
gate_challenge(const struct gate_env *env, const struct http_request *q,
    const struct gate_case *c, struct http_response *r)
{
	struct str scheme = http_header(q, "Authorization");
	bool is_dpop =
	    http_header(q, "DPoP").n > 0 ||
	    (scheme.n >= 5 && strncasecmp(scheme.p, "DPoP ", 5) == 0);
	if (is_dpop)
		add_nonce(env, q, c, r);
	if (r->status == 401)
		http_response_header(
		    r, "WWW-Authenticate", challenge_of(c, is_dpop));
}

void
answer_json(struct http_response *r, unsigned status, json_t *body_take)
{
	r->status = status;
	r->content_type = "application/json";
	if (body_take == NULL || !json_write(&r->body, body_take))
		r->status = 500;
	json_decref(body_take);
}

static const char *
title_of(unsigned status)
{
	switch (status) {
	case 400:
		return "Bad Request";
	case 401:
		return "Unauthorized";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 409:
		return "Conflict";
	case 413:
		return "Content Too Large";
	case 503:
		return "Service Unavailable";
	default:
		return "Error";
	}
}

void
answer_problem(struct http_response *r, unsigned status, const char *code,
    struct str detail, const char *id)
{
	json_t *body = json_object();
	bool ok =
	    body != NULL &&
	    json_object_set_new(body, "type", json_string("about:blank")) ==
		0 &&
	    json_object_set_new(body, "title", json_string(title_of(status))) ==
		0 &&
	    json_object_set_new(
		body, "status", json_integer((json_int_t)status)) == 0 &&
	    json_object_set_new(body, "detail", json_from_str(detail)) == 0 &&
	    json_object_set_new(body, "code", json_string(code)) == 0 &&
	    (id == NULL ||
		json_object_set_new(body, "decision", json_string(id)) == 0);
	if (!ok) {
		json_decref(body);
		body = NULL;
	}
	answer_json(r, status, body);
	r->content_type = "application/problem+json";
}
