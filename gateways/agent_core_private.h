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

/* A held thing with its memory. */
struct agent_kept {
	struct agent_held held; /* first */
	atomic_uint refs;
	struct arena *a;
};

enum agent_what {
	AGENT_TOKEN = 0,
	AGENT_SERVICE_TOKEN, /* for the service itself, to ask for other things with; not handed out */
	AGENT_DOCUMENT,
	AGENT_CMS,      /* the same as CMS: another document, that says the same */
	AGENT_JWT_SVID, /* exchanged for the former */
	AGENT_WIT_SVID,
	AGENT_KEYS,     /* the service's public keys, as JSON */
	AGENT_BUNDLE,
};
/* As `kind:` of a file has it. */
const char *agent_what_name(enum agent_what what);
bool agent_what_is_document(enum agent_what what);
/* The one that is asked for and taken as AGENT_DOCUMENT or AGENT_CMS. */
enum attest_form agent_core_form(
    const struct agent_core *c, enum agent_what what);

struct agent_item {
	enum agent_what what;
	struct str audience; /* of a token, and of a JWT-SVID */
	/* The rest under the core's lock. */
	struct agent_kept *kept;
	int64_t due_ms, failed_ms;
	int64_t set_ms; /* the clock when due_ms was chosen */
	unsigned failures;
	struct error why; /* of the last failure; none since the last success */
};

struct agent_written {
	bool failed;
	struct error why;
	int64_t at_ms; /* last change; 0: none by this process */
	bool is_to_run; /* its command, since it changed */
	int64_t ran_ms; /* when it last did, well or not; 0: never */
	struct error ran_why; /* of its failure; none where it ended well */
};

struct agent_core {
	const struct agent_config *config;
	const struct clock *clock;
	struct prove_random random;
	struct prover_wire wire;
	const atomic_bool *gives_up; /* NULL: never */
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
/* A document in the form of the item. */
bool agent_ask_document(struct agent_core *c, const struct agent_item *item,
    struct agent_kept **ret, struct error *reterr) MUST_USE;

bool agent_ask_svid(struct agent_core *c, const struct agent_item *item,
    struct agent_kept **ret, struct error *reterr) MUST_USE;
bool agent_ask_keys(struct agent_core *c, const struct agent_item *item,
    struct agent_kept **ret, struct error *reterr) MUST_USE;

/* ---- what the service gives to who has a token (agent_fetch.c) --------------------------------------------------------------------------- */

/* Memory is `a`'s. */
bool agent_fetch_document(struct agent_core *c, enum attest_form form,
    struct arena *a, struct attest_evidence *ret, struct error *reterr) MUST_USE;

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

/* A reference to what of this kind is held and has not ended; NULL with the reason. */
struct agent_held *agent_core_find(struct agent_core *c, enum agent_what what,
    struct str audience, struct error *reterr);
/* An error as status has it. */
json_t *agent_core_why(const struct error *why, int64_t at_ms);

/* ---- files and what is run after them (agent_written.c) ----------------------------------------------------------------------------------- */

/* What stands in it. */
enum agent_what agent_written_what(const struct agent_file *f);
/* Write what changed, then run what is to be run for it, each command once. False: something wants another try. */
bool agent_written_update(struct agent_core *c);
/* Both under the core's lock. */
bool agent_written_is_well(const struct agent_core *c);
json_t *agent_written_json(const struct agent_core *c);

/* The place in `e`, if any, is about to be freed; its message names the file. Returns `ok`. */
bool agent_core_forget_place(bool ok, struct error *e);

/* Make one; they take nothing and copy all. Errors: what is wrong with it. */
struct agent_kept *agent_kept_token(struct agent_key *key,
    const struct prover_grant *g, struct error *reterr);
struct agent_kept *agent_kept_document(struct agent_core *c,
    const struct attest_evidence *e, struct error *reterr);
struct agent_kept *agent_kept_keys(
    struct agent_core *c, struct str text, struct error *reterr);

#endif
