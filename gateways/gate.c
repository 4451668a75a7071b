/* gate.c - evidence to proof, and what the gate saw to context. */
#include "gateways/gate.h"

#include <errno.h>
#include <sys/random.h>

#include "attest/documents.h"
#include "base/digest.h"

#define DAY_MS 86400000

/* SECURITY 2: evidence is a bearer secret; it may cross a plain connection only
 * on the machine itself, or where the operator wrote so. */
static bool
check_transport(const struct config_gate *gate, const struct gate_seen *seen,
    struct error *reterr)
{
	if (str_eq(seen->protocol, STR("https")) ||
	    gate->transport == CONFIG_TRANSPORT_ANY ||
	    net_is_loopback(&seen->client))
		return true;
	return error_set(reterr, ERR_EVIDENCE_TRANSPORT, SPAN_NONE,
	    "evidence came over plain HTTP");
}

static bool
check_user(const struct gate_seen *seen, const struct claims *claims,
    struct error *reterr)
{
	if (seen->evidence.basic_user.p == NULL ||
	    str_eq(seen->evidence.basic_user, claims_subject(claims)))
		return true;
	return error_set(reterr, ERR_EVIDENCE_INSTANCE, SPAN_NONE,
	    "the user is not the instance that the document names");
}

static bool
check_demand(const struct config_gate *gate, enum claims_proof proof,
    const struct claims *claims, struct error *reterr)
{
	struct net_addr attested = claims_address(claims);
	if (proof == PROOF_KEY || gate->demand == CONFIG_DEMAND_BEARER)
		return true;
	if (gate->demand == CONFIG_DEMAND_KEY)
		return error_set(reterr, ERR_EVIDENCE_PROOF, SPAN_NONE,
		    "this gate demands proof of a key, and none was shown");
	if (proof >= PROOF_ADDRESS)
		return true;
	if (attested.family == 0)
		return error_set(reterr, ERR_REQUIREMENT_ADDRESS, SPAN_NONE,
		    "the document attests no address");
	return error_set(reterr, ERR_REQUIREMENT_ADDRESS, SPAN_NONE,
	    "the client's address is not the attested one");
}

static bool
check_required(const struct config_gate *gate, const struct claims *claims,
    struct error *reterr)
{
	for (size_t i = 0; i < gate->require_claims.n; i++) {
		struct str name = gate->require_claims.items[i];
		if (!claims_has(claims, name))
			return error_set(reterr, ERR_REQUIREMENT_CLAIM,
			    SPAN_NONE, "the document has no claim `%.*s`",
			    STR_ARG(name));
	}
	return true;
}

/* RFC 9449 4.3: the URL without query and fragment, as clients see it: the
 * gate's own word for the host, and the path exactly as it was asked for. */
static struct str
url_of(struct arena *a, const struct config_gate *gate,
    const struct gate_seen *seen)
{
	struct str path =
	    str_sub(seen->target, 0, str_find(seen->target, '?', 0));
	return str_printf(a, "%.*s%.*s", STR_ARG(gate->url), STR_ARG(path));
}

/* What one request shows of possession, and what of it is still to be spent. */
struct possession {
	struct dpop_proof proof;
	bool has_proof;
	struct str x5t;
};

static bool
check_dpop(struct arena *a, const struct config_gate *gate,
    const struct gate_seen *seen, struct dpop *dpop, struct possession *ret,
    bool *ret_stale, struct error *reterr)
{
	const struct gate_evidence *e = &seen->evidence;
	struct dpop_request q = { .proof = e->dpop,
		.method = seen->method,
		.url = url_of(a, gate, seen),
		.shown = e->evidence.document,
		.now_unix_s = seen->now_ms / 1000 };
	if (e->dpop.n == 0)
		return true;
	if (dpop == NULL || gate->url.n == 0)
		return error_set(reterr, ERR_EVIDENCE_PROOF, SPAN_NONE,
		    "this gate has no `url`, so it takes no `DPoP` proofs");
	if (q.url.p == NULL)
		return error_nomem(reterr);
	ret->has_proof = dpop_check(dpop, &q, &ret->proof, ret_stale, reterr);
	return ret->has_proof;
}

static bool
check_certificate(struct arena *a, const struct gate_seen *seen,
    struct possession *ret, struct error *reterr)
{
	return seen->certificate.n == 0 ||
	       attest_certificate_thumbprint(
		   a, seen->certificate, &ret->x5t, reterr);
}

/* In a trust domain, a certificate that proves possession and names a SPIFFE id
 * is an X509-SVID, and of the one that the evidence is of. */
static bool
check_svid(struct arena *a, const struct possession *had,
    const struct gate_seen *seen, const struct claims *claims,
    struct error *reterr)
{
	const struct value *want =
	    value_get(&claims_entity(claims)->attrs, STR("spiffeId"));
	struct str named;
	if (had->has_proof || had->x5t.n == 0 || !claims_has_cnf(claims) ||
	    want == NULL)
		return true;
	if (!attest_certificate_spiffe_id(a, seen->certificate, &named, reterr))
		return false;
	if (named.n == 0 ||
	    (want->kind == VALUE_STRING && str_eq(want->string, named)))
		return true;
	return error_set(reterr, ERR_EVIDENCE_PROOF, SPAN_NONE,
	    "the client's certificate names another SPIFFE id than the "
	    "evidence");
}

/* A proof counts once, and only when everything else is right: what fails
 * before leaves no trace that could fill memory. */
static bool
spend(const struct possession *had, const struct gate_seen *seen,
    const struct claims *claims, struct dpop *dpop, bool *ret_stale,
    struct error *reterr)
{
	struct error why = { 0 };
	if (!had->has_proof || !claims_has_cnf(claims) ||
	    dpop_spend(dpop, &had->proof, seen->now_ms / 1000, &why))
		return true;
	*ret_stale = why.code == ERR_EVIDENCE_PROOF;
	return error_set(reterr, why.code, SPAN_NONE, "%s", why.msg);
}

static enum claims_proof
proof_of(const struct claims *claims, const struct gate_seen *seen)
{
	struct net_addr attested = claims_address(claims);
	/* attest_verify refuses what is bound and was not proven. */
	if (claims_has_cnf(claims))
		return PROOF_KEY;
	return net_addr_eq(&attested, &seen->client) ? PROOF_ADDRESS
						     : PROOF_BEARER;
}

bool
gate_prove(struct arena *a, const struct gateways_state *s,
    const struct config_gate *gate, const struct gate_seen *seen,
    const struct gate_prover *prover, struct gate_proven *ret,
    bool *ret_stale_nonce, struct error *reterr)
{
	const struct attest_evidence *e = &seen->evidence.evidence;
	struct possession had = { 0 };
	struct attest_context ctx = {
		.trust = s->trust,
		.revoked = s->revoked,
		.now_unix_s = seen->now_ms / 1000,
		.audience = gate->name,
		.proven_before = seen->proven_before,
		.check_issued = prover->store ? documents_check_issued : NULL,
		.issued_ctx = prover->store,
	};
	struct gate_proven p = { 0 };
	bool unused = false,
	     *stale = ret_stale_nonce ? ret_stale_nonce : &unused;
	if (!revocations_check(s->watch, reterr) ||
	    !check_transport(gate, seen, reterr) ||
	    !check_dpop(a, gate, seen, prover->dpop, &had, stale, reterr) ||
	    !check_certificate(a, seen, &had, reterr))
		return false;
	ctx.proven_jkt = str_of(had.has_proof ? had.proof.jkt : NULL);
	ctx.proven_x5t = had.x5t;
	bool ok = prover->cache != NULL
		      ? attest_cache_verify(
			    prover->cache, a, e, &ctx, &p.claims, reterr)
		      : attest_verify(a, e, &ctx, &p.claims, reterr);
	if (!ok || !check_svid(a, &had, seen, p.claims, reterr) ||
	    !spend(&had, seen, p.claims, prover->dpop, stale, reterr))
		return false;
	p.proof = proof_of(p.claims, seen);
	*ret = p;
	return true;
}

bool
gate_require(const struct config_gate *gate, const struct gate_seen *seen,
    const struct gate_proven *proven, struct error *reterr)
{
	return check_user(seen, proven->claims, reterr) &&
	       check_demand(gate, proven->proof, proven->claims, reterr) &&
	       check_required(gate, proven->claims, reterr);
}

static bool
ip_value(struct arena *a, const struct net_addr *addr, struct value *ret,
    struct error *reterr)
{
	struct buf text = { 0 };
	net_print(&text, addr);
	struct str copy =
	    buf_ok(&text) ? str_dup(a, buf_str(&text)) : (struct str){ 0 };
	buf_free(&text);
	if (copy.p == NULL)
		return error_nomem(reterr);
	return value_construct(STR("ip"), copy, ret, reterr);
}

bool
gate_context(struct arena *a, struct str gate, const struct gate_seen *seen,
    enum claims_proof proof, const struct value_field *extra, size_t n_extra,
    struct value *ret, struct error *reterr)
{
	struct value ip;
	int64_t of_day = ((seen->now_ms % DAY_MS) + DAY_MS) % DAY_MS;
	if (!ip_value(a, &seen->client, &ip, reterr))
		return false;
	const struct value_field common[] = {
		{ STR("now"), value_datetime(a, seen->now_ms) },
		{ STR("timeOfDay"), value_duration(a, of_day) },
		{ STR("sourceIp"), ip },
		{ STR("protocol"), value_string(seen->protocol) },
		{ STR("proof"),
		    value_string(str_of(claims_proof_name(proof))) },
		{ STR("gate"), value_string(gate) },
		{ STR("method"), value_string(seen->method) },
		{ STR("path"), value_string(seen->path) },
		{ STR("query"), value_string(seen->query) },
	};
	size_t n = ARRAY_LEN(common) + n_extra;
	struct value_field *fields = ARENA_ARRAY(a, n, struct value_field);
	if (fields == NULL || common[0].value.kind == VALUE_NONE ||
	    common[1].value.kind == VALUE_NONE)
		return error_nomem(reterr);
	memcpy(fields, common, sizeof common);
	if (n_extra > 0)
		memcpy(
		    fields + ARRAY_LEN(common), extra, n_extra * sizeof *extra);
	struct str dup;
	if (!value_record_take(fields, n, ret, &dup))
		return error_set(reterr, ERR_SYSTEM_ERROR, SPAN_NONE,
		    "the context has `%.*s` twice", STR_ARG(dup));
	return true;
}

/* An id names a line of the log; it guards nothing, so the clock will do where
 * the kernel has no randomness yet. */
void
gate_decision_id(char id[17])
{
	uint8_t bytes[8];
	if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) {
		int64_t ns = clock_mono_ns();
		memcpy(bytes, &ns, sizeof bytes);
	}
	digest_hex(bytes, sizeof bytes, id);
}
