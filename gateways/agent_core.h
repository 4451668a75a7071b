/* agent_core.h - what an agent holds, and how it keeps it fresh.
 *   key (made here, 0600) -> proof -> token, one an audience;   folder or service -> document, verified -> claims
 * One thread runs agent_core_run; any thread may ask what is held. What has ended is never handed out: the asker gets the reason instead, which is that of the last
 * failure, or that it has ended. Each thing has its own failures and waits (agent_schedule.h), and is asked for again for ever.
 * The state folder (0700, the agent's own) keeps the key and the last of each thing, so that a restart while the service is away costs nothing. */
#ifndef GATEWAYS_AGENT_CORE_H
#define GATEWAYS_AGENT_CORE_H

#include <stdatomic.h>

#include "base/clock.h"
#include "gateways/agent_config.h"
#include "gateways/prover.h"

/* A key of the agent's, shared by what is bound to it. */
struct agent_key;
const struct attest_key *agent_key_of(const struct agent_key *k);
void agent_key_unref(struct agent_key *k); /* drops one reference; NULL is fine */

/* One thing as it was given: immutable, shared by references. */
struct agent_held {
	struct str token;  /* of a token or an SVID; else empty */
	struct str keys;   /* of public keys: the JSON */
	struct str kind;   /* of a document, as packs name its form */
	/* Of a document: exact bytes, raw signature (empty when it is inside), as a pack (empty when it is too long for one), and what it says. */
	struct str document, signature, pack;
	const struct claims *claims;
	int64_t from_s, until_s;
	struct agent_key *key; /* that it is bound to, or was asked for with */
};
void agent_held_free(struct agent_held *h); /* drops one reference; NULL is fine */

struct agent_core_options {
	const struct agent_config *config; /* borrowed */
	const struct clock *clock;
	struct prove_random random;        /* {NULL, NULL}: the system's */
	struct prover_wire service;        /* to `service.url` */
	const atomic_bool *gives_up;       /* once true nothing more is asked for; NULL: never */
};

struct agent_core;
/* Makes the state folder and the key where there is none, reads what was kept. Errors: ERR_FILE_*, ERR_KEY_FORM, ERR_CONFIG_TRUST, memory. */
struct agent_core *agent_core_open(
    const struct agent_core_options *options, struct error *reterr);
void agent_core_close(struct agent_core *c);
/* Would the key be found again? ERR_FILE_*, ERR_KEY_FORM, ERR_DATA_MISSING. */
bool agent_core_keeps_key(
    struct agent_core *c, struct error *reterr) MUST_USE;
const struct agent_config *agent_core_config(const struct agent_core *c);
int64_t agent_core_now_ms(const struct agent_core *c);

/* A reference to the key that the machine has now. */
struct agent_key *agent_core_key(struct agent_core *c);

/* Ask for all that is due; when the next is, in milliseconds (UTC). Files are written in the end where something changed, or could not be written before. */
int64_t agent_core_run(struct agent_core *c);
/* All is due now (SIGHUP). */
void agent_core_hurry(struct agent_core *c);

/* A reference to what is held and has not ended, or NULL with the reason: ERR_EVIDENCE_EXPIRED, the code of the last failure, ERR_SYSTEM_NOT_READY before the first answer,
 * ERR_REQUEST_PATH where there is no such thing. */
struct agent_held *agent_core_token(
    struct agent_core *c, struct str audience, struct error *reterr);
struct agent_held *agent_core_document(
    struct agent_core *c, struct error *reterr);
/* The same as CMS; `document` is the message, in DER, and `signature` empty. */
struct agent_held *agent_core_cms(struct agent_core *c, struct error *reterr);

/* All of it, for people: what is held and until when, when it is asked for next, and why it failed. No secret. When memory is out: NULL, or without some members. */
json_t *agent_core_status(struct agent_core *c);

#endif
