/* dryrun.c - what a gate would say, without a request: the same steps on the
 * same types, and a report instead of an answer (V1). */
#include "gateways/gate.h"

#include "base/limits.h"

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
	if ((*ret)->kind != CONFIG_GATE_REPOSITORY)
		return error_set(reterr, ERR_USAGE, SPAN_NONE,
		    "gate `%.*s` is no repository gate; a dry run of other "
		    "kinds is not supported yet",
		    STR_ARG(q->gate));
	return true;
}

/* From here on an error is the gate's refusal, not a mistake of who asks. */
static bool
ask_gate(struct arena *a, const struct gateways_state *s,
    const struct config_gate *gate, const struct gateways_asked *q,
    struct gate_seen *seen, struct gate_proven *ret_proven,
    const struct engine_gated **ret, struct error *reterr)
{
	struct gate_package package;
	if (!repository_find(a, s, seen, &package, reterr))
		return false;
	if (package.gate != gate)
		return error_set(reterr, ERR_REQUEST_PATH, SPAN_NONE,
		    "the path belongs to gate `%.*s`",
		    STR_ARG(package.gate->name));
	struct str kind = q->kind.n > 0 ? q->kind : STR("avow");
	return attest_evidence_from_files(a, kind, q->document, q->signature,
		   &seen->evidence.evidence, reterr) &&
	       gate_prove(a, s, gate, seen, NULL, ret_proven, reterr) &&
	       gate_require(gate, seen, ret_proven, reterr) &&
	       repository_request(
		   a, s, &package, seen, ret_proven, ret, reterr);
}

bool
gateways_dryrun(const struct gateways_state *s, const struct gateways_asked *q,
    enum engine_level level, const struct engine_operation *operation,
    json_t **ret_report, enum engine_effect *ret_effect, struct error *reterr)
{
	const struct config_gate *gate = NULL;
	struct gate_seen seen = { .protocol = q->protocol,
		.method = q->method,
		.target = q->target,
		.now_ms = q->now_ms };
	struct arena *a = arena_new(LIMIT_SCRATCH_BYTES);
	struct arena *scratch = arena_new(LIMIT_SCRATCH_BYTES);
	bool ok = a != NULL && scratch != NULL ? asked_gate(s, q, &gate, reterr)
					       : error_nomem(reterr);
	ok = ok && asked_address(q, &seen.client, reterr) &&
	     asked_protocol(q, reterr);
	if (ok) {
		struct error why = { 0 };
		struct gate_proven proven = { 0 };
		const struct engine_gated *g;
		*ret_effect = ENGINE_DENY;
		*ret_report =
		    ask_gate(a, s, gate, q, &seen, &proven, &g, &why)
			? engine_verify(s->snapshot, engine_gated_request(g),
			      proven.claims, state_errored_deny(s), level,
			      operation, scratch, ret_effect)
			: engine_verify_refused(
			      s->snapshot, &why, level, operation);
		ok = *ret_report != NULL || error_nomem(reterr);
	}
	arena_free(a);
	arena_free(scratch);
	return ok;
}
