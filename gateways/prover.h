/* prover.h - possession proven to the token service, as one call: challenge, answer, token (SECURITY 7; docs/proofs.md).
 * The way to the service is the caller's, so that a test needs no socket. What the service says in refusing becomes an error with its own code.
 * Nothing of the secret or the key is sent, logged, or in an error. A named contract of gateways/. */
#ifndef GATEWAYS_PROVER_H
#define GATEWAYS_PROVER_H

#include "attest/prove.h"
#include "gateways/client.h"

struct prover_wire {
	/* As client_send. */
	bool (*send)(void *ctx, struct arena *a, const struct client_request *q,
	    struct client_response *ret, struct error *reterr);
	/* As client_channel. */
	bool (*channel)(void *ctx, uint8_t ret[CLIENT_CHANNEL_BYTES]);
	void *ctx;
};

/* Over this client. */
struct prover_wire prover_wire_of(struct client *c);

struct prover_what {
	enum prove_role role; /* PROVE_ACCOUNT or PROVE_ENROL */
	struct str account, audience;
	struct str service;   /* as configured here: it is signed */
	const struct attest_key *key;
	struct str secret;    /* of PROVE_ENROL, or of an account with HMAC; else empty */
	struct prove_random random;
};

struct prover_grant {
	struct str token;
	int64_t issued_s, expires_s; /* unix s, as the service says */
};

/* Memory is `a`'s. Errors: those of the way there; the service's own, by its code; ERR_DATA_MISSING for an answer that is none. */
bool prover_token(const struct prover_wire *w, struct arena *a,
    const struct prover_what *what, struct prover_grant *ret,
    struct error *reterr) MUST_USE;

/* A problem (RFC 9457) as an error: its code, where there is one that we know, and its detail, from `who`. Always false. */
bool prover_refused(const struct client_response *r,
    const char *who, struct error *reterr);

/* ---- step by step, for who sends the requests himself --------------------------------------------------------------------------------- */

/* One proof on its way. `with`, and of `answer` role, account, audience and relay, are the caller's. */
struct prover_exchange {
	struct prove_with with;
	struct prove_answer answer;
	uint8_t channel[CLIENT_CHANNEL_BYTES];
};
/* The body of `POST /v1/challenges`. NULL when memory is out. */
json_t *prover_ask(const struct prover_exchange *x);
/* What came of it: the challenge, and the connection's channel where the service binds to that. Errors: ERR_DATA_MISSING for an answer that is none,
 * ERR_EVIDENCE_TRANSPORT (no channel). */
bool prover_take(struct prover_exchange *x, struct arena *a,
    const struct prover_wire *w, const json_t *from, struct error *reterr)
    MUST_USE;
/* The proof, as a request carries it. Errors: those of prove_answer_make. */
bool prover_answer(struct prover_exchange *x, struct arena *a, json_t **ret,
    struct error *reterr) MUST_USE;

/* A member that is a time, in unix s. */
bool prover_read_time(
    const json_t *from, const char *name, int64_t *ret_s) MUST_USE;

#endif
