/* dryrun.c - what a gate would say, without a request: the same steps on the
 * same types, and a report instead of an answer (V1). */
#include "gateways/answer.h"

#include "base/limits.h"
#include "store/store.h"

static bool
asked_address(
    const struct gateways_asked *q, struct net_addr *ret, struct error *reterr)
{
	if (net_parse_addr(q->source_ip, ret))
		return true;
	return error_set(reterr, ERR_USAGE, SPAN_NONE,
	    "expected an IPv4 or IPv6 address as source, found `%.*s`",
	    STR_ARG(q->source_ip));
}

static bool
asked_protocol(const struct gateways_asked *q, struct error *reterr)
{
	if (str_eq(q->protocol, STR("http")) ||
	    str_eq(q->protocol, STR("https")))
		return true;
	return error_set(reterr, ERR_USAGE, SPAN_NONE,
	    "expected `http` or `https` as protocol, found `%.*s`",
	    STR_ARG(q->protocol));
}

static bool
asked_gate(const struct gateways_state *s, const struct gateways_asked *q,
    const struct config_gate **ret, struct error *reterr)
{
	*ret = config_gate(s->config, q->gate);
	if (*ret == NULL)
		return error_set(reterr, ERR_USAGE, SPAN_NONE,
		    "the configuration has no gate `%.*s`", STR_ARG(q->gate));
	if ((*ret)->kind == CONFIG_GATE_BALANCER && q->port == 0)
		return error_set(reterr, ERR_USAGE, SPAN_NONE,
		    "gate `%.*s` is a balancer gate: it needs a port to join "
		    "with",
		    STR_ARG(q->gate));
	return true;
}

/* Documents of the document service must be known to it: its store is looked
 * at, as a gate does, and not changed. */
static bool
open_store(const struct config *c, struct store **ret, struct error *reterr)
{
	*ret = NULL;
	for (size_t i = 0; i < c->n_trust; i++)
		if (c->trust[i].is_current) {
			*ret = store_open_as_is(c->store, reterr);
			return *ret != NULL;
		}
	return true;
}

static bool
prove(struct arena *a, const struct gateways_state *s,
    const struct config_gate *gate, const struct gateways_asked *q,
    struct gate_seen *seen, struct gate_proven *ret, struct error *reterr)
{
	struct gate_prover prover = { 0 };
	struct str kind = q->kind.n > 0 ? q->kind : STR("avow");
	bool ok;
	if (!open_store(s->config, &prover.store, reterr))
		return false;
	ok = attest_evidence_from_files(a, kind, q->document, q->signature,
		 &seen->evidence.evidence, reterr) &&
	     gate_prove(a, s, gate, seen, &prover, ret, NULL, reterr) &&
	     gate_require(gate, seen, ret, reterr);
	store_close(prover.store);
	return ok;
}

/* What a dry run of a gate fills: who was proven, and the gate's question. */
struct asking {
	const struct gateways_state *s;
	const struct config_gate *gate;
	const struct gateways_asked *q;
	struct gate_seen seen;
	struct gate_proven proven;
	const struct engine_gated *asked;
};

/* From here on an error is the gate's refusal, not a mistake of who asks. */
static bool
ask_repository(struct arena *a, struct asking *k, struct error *reterr)
{
	struct gate_package package;
	if (!repository_find(a, k->s, &k->seen, &package, reterr))
		return false;
	if (package.gate != k->gate)
		return error_set(reterr, ERR_REQUEST_PATH, SPAN_NONE,
		    "the path belongs to gate `%.*s`",
		    STR_ARG(package.gate->name));
	return prove(a, k->s, k->gate, k->q, &k->seen, &k->proven, reterr) &&
	       repository_request(
		   a, k->s, &package, &k->seen, &k->proven, &k->asked, reterr);
}

/* The balancer only examines: it has no store, and nobody is told. */
static bool
ask_pool(struct arena *a, struct asking *k, struct error *reterr)
{
	const struct balancer_options options = { .config = k->s->config };
	const struct config_gate *gate = NULL;
	struct str name =
	    str_sub(k->seen.target, sizeof POOL_PREFIX - 1, k->seen.target.n);
	const struct config_pool *pool = config_pool(k->s->config, name, &gate);
	if (!str_has_prefix(k->seen.target, STR(POOL_PREFIX)) || pool == NULL ||
	    gate != k->gate)
		return error_set(reterr, ERR_REQUEST_PATH, SPAN_NONE,
		    "expected " POOL_PREFIX "POOL with a pool of this gate");
	if (!prove(a, k->s, gate, k->q, &k->seen, &k->proven, reterr))
		return false;
	const struct balancer_who who = { k->proven.claims, k->proven.proof,
		k->seen.client, k->seen.protocol, k->seen.evidence.evidence,
		k->seen.now_ms };
	const struct balancer_said said = { k->q->source_ip, k->q->port,
		k->q->weight };
	struct balancer_ask ask;
	struct balancer *b = balancer_new(&options, reterr);
	bool ok =
	    b != NULL && balancer_examine(b, name, &who, &said, &ask, reterr);
	if (ok) {
		/* These outlive `b`. */
		ask.gate = gate->name;
		ask.pool = pool->name;
		ok = pool_request(k->s, a, &ask, &k->asked, reterr);
	}
	balancer_free(b);
	return ok;
}

bool
gateways_dryrun(const struct gateways_state *s, const struct gateways_asked *q,
    enum engine_level level, const struct engine_operation *operation,
    json_t **ret_report, enum engine_effect *ret_effect, struct error *reterr)
{
	struct asking k = { .s = s,
		.q = q,
		.seen = { .protocol = q->protocol,
		    .method = q->method,
		    .target = q->target,
		    .proven_before = q->proven,
		    .now_ms = q->now_ms } };
	struct arena *a = arena_new(LIMIT_SCRATCH_BYTES);
	struct arena *scratch = arena_new(LIMIT_SCRATCH_BYTES);
	bool ok = a != NULL && scratch != NULL
		      ? asked_gate(s, q, &k.gate, reterr)
		      : error_nomem(reterr);
	ok = ok && asked_address(q, &k.seen.client, reterr) &&
	     asked_protocol(q, reterr);
	if (ok) {
		struct error why = { 0 };
		*ret_effect = ENGINE_DENY;
		ok = k.gate->kind == CONFIG_GATE_BALANCER
			 ? ask_pool(a, &k, &why)
			 : ask_repository(a, &k, &why);
		*ret_report = ok ? engine_verify(s->snapshot,
				       engine_gated_request(k.asked),
				       k.proven.claims, state_errored_deny(s),
				       level, operation, scratch, ret_effect)
				 : engine_verify_refused(
				       s->snapshot, &why, level, operation);
		ok = *ret_report != NULL || error_nomem(reterr);
	}
	arena_free(a);
	arena_free(scratch);
	return ok;
}
