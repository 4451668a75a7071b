/* gate.h - what all gates do between a request and a policy: prove who asks, check what the gate requires, build what policies see.
 * `struct gate_seen` holds only what the gate itself saw. A real gate fills it from HTTP, a dry run from its options; from there on there is one way. */
#ifndef GATEWAYS_GATE_H
#define GATEWAYS_GATE_H

#include "attest/dpop.h"
#include "gateways/evidence.h"
#include "gateways/state.h"

struct gate_seen {
	struct net_addr client;
	struct str protocol; /* `http` or `https` */
	struct str method;
	struct str target;   /* raw */
	struct str path, query; /* decoded once and checked; query raw */
	struct gate_evidence evidence;
	struct str certificate; /* the client's, as its proxy handed it on; empty: none */
	/* The evidence was proven once with its key and is looked at again, or a dry run was told to suppose so. */
	bool proven_before;
	int64_t now_ms;
};

struct gate_proven {
	const struct claims *claims;
	enum claims_proof proof;
};

/* What a process has for proving. */
struct gate_prover {
	struct attest_cache *cache; /* may be NULL */
	struct dpop *dpop;          /* NULL: no proofs of possession are taken */
	struct store *store;        /* what the document service issued; NULL: where that must be known, nobody passes */
};

/* Transport, signature and all of attest_verify; and possession, where the evidence is bound to a key or certificate: a proof over method and URL (`url:` of the gate and
 * the raw path that the gate saw) is spent by it. *ret_stale_nonce (may be NULL) becomes true when the asker should try again with a fresh nonce.
 * Errors: ERR_EVIDENCE_*; ERR_SYSTEM_STORE when what the store revokes is not known. */
bool gate_prove(struct arena *a, const struct gateways_state *s,
    const struct config_gate *gate, const struct gate_seen *seen,
    const struct gate_prover *prover, struct gate_proven *ret,
    bool *ret_stale_nonce, struct error *reterr) MUST_USE;
/* What must hold of who was proven: the Basic user, `demand:`, `require:`. Errors: ERR_EVIDENCE_INSTANCE, ERR_REQUIREMENT_*. */
bool gate_require(const struct config_gate *gate, const struct gate_seen *seen,
    const struct gate_proven *proven, struct error *reterr) MUST_USE;

/* The context that every gate gives: now timeOfDay sourceIp protocol proof gate method path query, and `n_extra` more fields. */
bool gate_context(struct arena *a, struct str gate,
    const struct gate_seen *seen, enum claims_proof proof,
    const struct value_field *extra, size_t n_extra, struct value *ret,
    struct error *reterr) MUST_USE;

/* 16 random hex digits and a NUL; names a decision in log and answer. */
void gate_decision_id(char id[17]);

/* ---- the repository gate ----------------------------------------------------------------------------------------------------------------- */

/* Which gate and repository the path belongs to. Errors: ERR_REQUEST_PATH, ERR_REQUEST_METHOD. Fills seen->path and seen->query. */
struct gate_package {
	const struct config_gate *gate;
	const struct config_repository *repository;
	struct str rest; /* path inside the repository */
};
bool repository_find(struct arena *a, const struct gateways_state *s,
    struct gate_seen *seen, struct gate_package *ret, struct error *reterr)
    MUST_USE;
/* `repository:get` on `Package::"REPOSITORY/PATH"`. */
bool repository_request(struct arena *a, const struct gateways_state *s,
    const struct gate_package *package, const struct gate_seen *seen,
    const struct gate_proven *proven, const struct engine_gated **ret,
    struct error *reterr) MUST_USE;

#endif
