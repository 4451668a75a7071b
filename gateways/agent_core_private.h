/* agent_core_private.h - what the files of the core share: items, the state folder. */
#ifndef GATEWAYS_AGENT_CORE_PRIVATE_H
#define GATEWAYS_AGENT_CORE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "gateways/agent_core.h"

struct agent_key {
	atomic_uint refs;
	struct attest_key *key;
	char thumbprint[44];
};
struct agent_key *agent_key_ref(struct agent_key *k);
void agent_key_unref(struct agent_key *k);

/* A held thing with its memory. */
struct agent_kept {
	struct agent_held held; /* first */
	atomic_uint refs;
	struct arena *a;
};

struct agent_item {
	bool is_document;
	bool is_private;     /* a token for the service itself, to ask for documents with */
	struct str audience; /* of a token */
	/* The rest under the core's lock. */
	struct agent_kept *kept;
	int64_t due_ms, failed_ms;
	unsigned failures;
	struct error why; /* of the last failure; none since the last success */
};

struct agent_written {
	bool failed;
	struct error why;
	int64_t at_ms; /* last change; 0: none by this process */
};

struct agent_core {
	const struct agent_config *config;
	const struct clock *clock;
	struct prove_random random;
	struct prover_wire wire;
	struct arena *a;
	struct attest_trust *trust; /* of documents; NULL: none */
	pthread_mutex_t lock;
	struct agent_key *key;
	struct agent_item *items;
	size_t n_items;
	struct agent_written *written; /* one a file */
	bool enrolled;  /* the secret is spent, whether its file could go or not */
	bool is_dirty;  /* files are to be looked at */
	char nonce[128]; /* the service's last, for proofs; the thread's own */
};

uint32_t agent_core_chance(struct agent_core *c);

/* ---- what is asked for (agent_ask.c) --------------------------------------------------------------------------------------------------- */

/* Enrols first, where there is a secret for it. */
bool agent_ask_token(struct agent_core *c, struct str audience,
    struct agent_kept **ret, struct error *reterr) MUST_USE;
bool agent_ask_document(struct agent_core *c, struct agent_kept **ret,
    struct error *reterr) MUST_USE;

/* ---- the state folder (agent_state.c) --------------------------------------------------------------------------------------------------- */

bool agent_state_open(struct agent_core *c, struct error *reterr) MUST_USE;
/* Another key in its place: the former one is another account's, or was moved away from. */
bool agent_state_new_key(struct agent_core *c, struct error *reterr) MUST_USE;
bool agent_state_save(struct agent_core *c, const struct agent_item *item,
    struct error *reterr) MUST_USE;
/* What was saved, and still is of use; NULL otherwise. */
struct agent_kept *agent_state_load(
    struct agent_core *c, const struct agent_item *item);

/* A reference to the token for the service; NULL with the reason. */
struct agent_held *agent_core_service_token(
    struct agent_core *c, struct error *reterr);

/* Make one; both take nothing and copy all. Errors: what is wrong with it. */
struct agent_kept *agent_kept_token(struct agent_key *key,
    const struct prover_grant *g, struct error *reterr);
struct agent_kept *agent_kept_document(struct agent_core *c,
    const struct attest_evidence *e, struct error *reterr);

#endif
