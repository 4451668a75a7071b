/* pool.c - /gate/balancer/POOL: POST joins, DELETE leaves. What is checked here
 * is who asks; what a membership must be is balancer.c's matter. Order:
 * request, evidence, requirements, decision, as for every gate. */
#include "gateways/answer.h"

#include "base/limits.h"
#include "base/log.h"
#include "gateways/forwarded.h"

#define PREFIX POOL_PREFIX

/* One request to join or leave. */
struct pool_call {
	const struct gate_env *env;
	const struct http_request *q;
	struct gate_case c;
	struct str pool;
	const struct config_gate *gate;
	struct gateways_client client;
	struct balancer_said said; /* POST */
	uint16_t port;             /* DELETE; 0: all */
	struct balancer_who who;
	bool is_logged;
};

/* ---- what policies are asked
 * ---------------------------------------------------------------------------------------------------------------
 */

static bool
said_fields(struct arena *a, const struct balancer_ask *ask,
    struct value_field ret[2], struct error *reterr)
{
	struct buf text = { 0 };
	struct str dup;
	struct value_field *said = ARENA_ARRAY(a, 2, struct value_field);
	net_print(&text, &ask->address);
	struct str address =
	    buf_ok(&text) ? str_dup(a, buf_str(&text)) : (struct str){ 0 };
	buf_free(&text);
	if (said == NULL || address.p == NULL)
		return error_nomem(reterr);
	said[0] = (struct value_field){ STR("port"), value_long(ask->port) };
	said[1] =
	    (struct value_field){ STR("weight"), value_long(ask->weight) };
	ret[0].name = STR("address");
	ret[1].name = STR("said");
	return value_construct(STR("ip"), address, &ret[0].value, reterr) &&
	       value_record_take(said, 2, &ret[1].value, &dup);
}

/* `balancer:join` on `Pool::"NAME"`. */
bool
pool_request(const struct gateways_state *s, struct arena *a,
    const struct balancer_ask *ask, const struct engine_gated **ret,
    struct error *reterr)
{
	struct value_field extra[2];
	struct value context;
	struct str dup;
	const struct gate_seen seen = {
		.client = ask->who->client,
		.protocol = ask->who->protocol,
		.method = STR("POST"),
		.path = str_printf(a, PREFIX "%.*s", STR_ARG(ask->pool)),
		.query = STR(""),
		.now_ms = ask->who->now_ms,
	};
	struct entity pool = { .uid = { STR("Pool"), ask->pool },
		.from = "request" };
	if (seen.path.p == NULL ||
	    !value_record_take(NULL, 0, &pool.attrs, &dup) ||
	    !value_record_take(NULL, 0, &pool.tags, &dup))
		return error_nomem(reterr);
	return said_fields(a, ask, extra, reterr) &&
	       gate_context(a, ask->gate, &seen, ask->who->proof, extra, 2,
		   &context, reterr) &&
	       engine_gated_make(a, s->snapshot, ask->who->claims,
		   (struct uid){ STR("Action"), STR("balancer:join") }, &pool,
		   context, ret, reterr);
}

static void
ask_policy(const struct gate_env *env, struct arena *a,
    const struct balancer_ask *ask, struct gate_case *c)
{
	c->gate = ask->gate;
	c->proven = (struct gate_proven){ ask->who->claims, ask->who->proof };
	if (pool_request(env->state, a, ask, &c->asked, &c->why))
		gate_decide(env, a, c);
	else
		gate_refuse(c);
}

static bool
denied(const struct gate_case *c, struct error *reterr)
{
	return error_set(reterr, c->answer.code, SPAN_NONE, "%s",
	    error_help(c->answer.code));
}

/* A permit that only repeats what the log has from the join tells nobody
 * anything and is not logged again, each minute, for each member. A deny is. */
bool
pool_decide_again(const struct gate_env *env, struct arena *a,
    const struct balancer_ask *ask, struct error *reterr)
{
	struct gate_case c = { 0 };
	gate_begin(env, &c);
	ask_policy(env, a, ask, &c);
	if (c.answer.effect == ENGINE_PERMIT)
		return true;
	return gate_conclude(env, &c) || denied(&c, reterr);
}

bool
pool_prove_again(const struct gate_env *env, struct arena *a, struct str name,
    struct balancer_who *who, struct error *reterr)
{
	const struct config_gate *gate = config_gate(env->state->config, name);
	struct gate_proven proven;
	const struct gate_seen seen = {
		.client = who->client,
		.protocol = who->protocol,
		.evidence = { .evidence = who->evidence },
		/* Bound evidence became a member by its proof alone. */
		.proven_before = true,
		.now_ms = who->now_ms,
	};
	if (gate == NULL)
		return error_set(reterr, ERR_SYSTEM_ERROR, SPAN_NONE,
		    "gate `%.*s` is gone", STR_ARG(name));
	if (!gate_prove(a, env->state, gate, &seen, &env->prover, &proven, NULL,
		reterr) ||
	    !gate_require(gate, &seen, &proven, reterr))
		return false;
	who->claims = proven.claims;
	who->proof = proven.proof;
	return true;
}

static bool
judge_join(void *ctx, struct arena *a, const struct balancer_ask *ask,
    struct error *reterr)
{
	struct pool_call *call = ctx;
	call->is_logged = true;
	ask_policy(call->env, a, ask, &call->c);
	return gate_conclude(call->env, &call->c) || denied(&call->c, reterr);
}

/* ---- the request
 * ----------------------------------------------------------------------------------------------------------------------------
 */

static bool
malformed(struct error *reterr, const char *what)
{
	return error_set(reterr, ERR_REQUEST_MALFORMED, SPAN_NONE, "%s", what);
}

/* `{"address","port","weight"?}` and nothing else. */
static bool
read_said(struct arena *a, const json_t *json, struct balancer_said *ret,
    struct error *reterr)
{
	const char *key;
	json_t *v;
	struct balancer_said said = { .port = -1,
		.weight = BALANCER_WEIGHT_DEFAULT };
	if (!json_is_object(json))
		return malformed(reterr, "expected a JSON object");
	json_object_foreach ((json_t *)(uintptr_t)json, key, v) {
		if (strcmp(key, "address") == 0 && json_is_string(v))
			said.address = json_str(v);
		else if (strcmp(key, "port") == 0 && json_is_integer(v))
			said.port = json_integer_value(v);
		else if (strcmp(key, "weight") == 0 && json_is_integer(v))
			said.weight = json_integer_value(v);
		else
			return malformed(reterr,
			    "expected `address` (text), `port` and `weight` "
			    "(numbers), found another key or type");
	}
	if (said.address.p == NULL || said.port < 0)
		return malformed(reterr, "`address` and `port` are needed");
	said.address = str_dup(a, said.address);
	*ret = said;
	return said.address.p != NULL || error_nomem(reterr);
}

static bool
read_body(struct pool_call *call)
{
	const struct http_request *q = call->q;
	json_t *body = NULL;
	bool ok = json_parse(q->body, NULL, LIMIT_HTTP_BODY,
	    LIMIT_HTTP_JSON_DEPTH, JSON_STRICT, &body, &call->c.why);
	if (!ok)
		call->c.why.code = ERR_REQUEST_MALFORMED;
	ok = ok && read_said(q->arena, body, &call->said, &call->c.why);
	json_decref(body);
	return ok;
}

static json_t *
joined_json(const struct balancer_joined *j)
{
	json_t *json = json_object();
	json_t *expires = j->expires_at == INT64_MAX
			      ? json_null()
			      : json_from_time(j->expires_at * 1000);
	bool ok =
	    json != NULL &&
	    json_object_set_new(json, "pool", json_from_str(j->pool)) == 0 &&
	    json_object_set_new(json, "instance", json_from_str(j->instance)) ==
		0 &&
	    json_object_set_new(json, "address", json_from_str(j->address)) ==
		0 &&
	    json_object_set_new(json, "port", json_integer(j->port)) == 0 &&
	    json_object_set_new(
		json, "state", json_string(j->is_in ? "in" : "pending")) == 0;
	if (json_object_set_new(json, "expiresAt", expires) == 0 && ok)
		return json;
	json_decref(json);
	return NULL;
}

/* `?port=N` alone; no query: all ports. */
static bool
read_port(struct str query, uint16_t *ret, struct error *reterr)
{
	uint64_t port = 0;
	if (query.n > 0 &&
	    (!str_has_prefix(query, STR("port=")) ||
		!str_to_u64(str_sub(query, 5, query.n), 65535, &port) ||
		port == 0))
		return malformed(reterr, "expected no query, or `port=N`");
	*ret = (uint16_t)port;
	return true;
}

/* What is asked, of which pool, for whom. Errors in c->why. */
static bool
read_request(struct pool_call *call)
{
	const struct http_request *q = call->q;
	const struct config *config = call->env->state->config;
	call->pool = str_sub(q->path, sizeof PREFIX - 1, q->path.n);
	if (!gateways_forwarded_client(
		q, config, GATEWAYS_ANY_PEER, &call->client, &call->c.why))
		return false;
	if (call->env->balancer == NULL ||
	    config_pool(config, call->pool, &call->gate) == NULL)
		return error_set(&call->c.why, ERR_REQUEST_PATH, SPAN_NONE,
		    "there is no such pool");
	call->c.gate = call->gate->name;
	if (str_eq(q->method, STR("POST")))
		return q->query.n == 0
			   ? read_body(call)
			   : malformed(&call->c.why, "a join takes no query");
	if (str_eq(q->method, STR("DELETE")))
		return read_port(q->query, &call->port, &call->c.why);
	return error_set(&call->c.why, ERR_REQUEST_METHOD, SPAN_NONE,
	    "POST joins, DELETE leaves");
}

/* Who asks, proven. Errors in c->why. */
static bool
prove(struct pool_call *call)
{
	const struct http_request *q = call->q;
	struct gate_proven *proven = &call->c.proven;
	struct gate_seen seen = { .client = call->client.address,
		.protocol = call->client.is_https ? STR("https") : STR("http"),
		.certificate = call->client.certificate,
		.method = q->method,
		.target = q->target,
		.now_ms = call->c.now_ms };
	if (!gate_evidence_read(
		q, call->gate->rhui, &seen.evidence, &call->c.why) ||
	    !gate_prove(q->arena, call->env->state, call->gate, &seen,
		&call->env->prover, proven, &call->c.stale_nonce,
		&call->c.why) ||
	    !gate_require(call->gate, &seen, proven, &call->c.why))
		return false;
	call->who =
	    (struct balancer_who){ proven->claims, proven->proof, seen.client,
		    seen.protocol, seen.evidence.evidence, call->c.now_ms };
	return true;
}

static bool
join(struct pool_call *call, struct http_response *r)
{
	struct balancer_joined joined;
	const struct balancer_judge judge = { call, NULL, judge_join };
	if (!balancer_join(call->env->balancer, call->q->arena, call->pool,
		&call->who, &call->said, &judge, &joined, &call->c.why))
		return false;
	answer_json(r,
	    !joined.is_in   ? 202
	    : joined.is_new ? 201
			    : 200,
	    joined_json(&joined));
	return true;
}

/* Leaving needs proof of being that instance and no policy: there is no
 * decision to log. */
static bool
leave(struct pool_call *call, struct http_response *r)
{
	if (!balancer_leave(call->env->balancer, call->q->arena, call->pool,
		&call->who, call->port, &call->c.why))
		return false;
	r->status = 204;
	return true;
}

static bool
act(struct pool_call *call, struct http_response *r)
{
	return str_eq(call->q->method, STR("POST")) ? join(call, r)
						    : leave(call, r);
}

/* A gate that is asked directly may use the statuses that nginx would not pass
 * on. */
static unsigned
status_of(enum err_code code)
{
	static const struct {
		enum err_code code;
		unsigned status;
	} direct[] = {
		{ ERR_REQUEST_MALFORMED, 400 },
		{ ERR_REQUEST_PATH, 404 },
		{ ERR_REQUEST_METHOD, 405 },
		{ ERR_REQUEST_LIMIT, 413 },
		{ ERR_SYSTEM_STORE, 503 },
		{ ERR_SYSTEM_LOG, 503 },
		{ ERR_SYSTEM_NOT_READY, 503 },
	};
	for (size_t i = 0; i < ARRAY_LEN(direct); i++)
		if (direct[i].code == code)
			return direct[i].status;
	int status = error_http(code);
	return status >= 400 ? (unsigned)status : 403;
}

/* A decision that was logged as a permit and came to nothing gets a second
 * line, with the code that the asker is told. */
static void
refuse(struct pool_call *call, struct http_response *r)
{
	struct gate_case *c = &call->c;
	if (!call->is_logged || c->answer.effect == ENGINE_PERMIT) {
		gate_refuse(c);
		if (gate_conclude(call->env, c))
			engine_refuse(ERR_SYSTEM_ERROR, &c->answer);
	}
	unsigned status = status_of(c->answer.code);
	const char *code = error_id(c->answer.code), *why = c->why.msg;
	/* What a database or a disk said is for the log alone. */
	bool is_ours = str_has_prefix(str_of(code), STR("system."));
	if (is_ours)
		log_error("balancer.refused", &c->why);
	answer_problem(r, status, code,
	    str_of(
		why[0] == '\0' || is_ours ? error_help(c->answer.code) : why),
	    str_z(call->q->arena, str_of(c->id)));
	if (status == 405)
		http_response_header(r, "Allow", STR("POST, DELETE"));
}

void
pool_handle(const struct gate_env *env, const struct http_request *q,
    struct http_response *r)
{
	struct pool_call call = { .env = env, .q = q };
	gate_begin(env, &call.c);
	if (!read_request(&call) || !prove(&call) || !act(&call, r))
		refuse(&call, r);
	gate_challenge(env, q, &call.c, r);
	if (call.c.answer.code != ERR_NONE)
		gate_headers(q, &call.c, r);
}
