/* service_private.h - what the files of the token service share: a call, its answer, who makes it. */
#ifndef GATEWAYS_SERVICE_PRIVATE_H
#define GATEWAYS_SERVICE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "attest/documents.h"
#include "attest/dpop.h"
#include "attest/sts.h"
#include "attest/token.h"
#include "base/trace.h"
#include "gateways/body.h"
#include "gateways/metrics.h"
#include "gateways/revocations.h"
#include "gateways/service.h"
#include "gateways/state.h"

/* The signing keys in force; replaced as a whole, gone with the last call that uses them. */
struct service_keys {
	atomic_uint refs;
	struct token_ring *ring;
	struct token_keys *verify; /* their public halves */
	struct token_ring *documents; /* those that sign documents; NULL: none are issued */
};

struct service_listener {
	struct service *service;
	bool is_admin;
	const struct config_tls *tls; /* the configuration's */
	struct http_options options;
	struct http_server *http;
};

#define SERVICE_ROUTES 64 /* at most */

struct service {
	const struct config *config;
	const struct clock *clock;
	struct store *store;
	struct arena *arena; /* texts of the listeners' first certificates */
	struct sts *sts;
	struct dpop *dpop;
	struct service_listener front, admin;
	struct revocations *revocations; /* NULL on this host alone */
	/* Of this process, for /metrics, beside those of sts.h. */
	struct {
		_Atomic uint64_t exchanges, revoked, unrevoked;
		_Atomic uint64_t refused[ERR_COUNT];
		struct metrics_histogram took[SERVICE_ROUTES]; /* by row of service_routes.c's table */
	} counts;
	pthread_mutex_t lock; /* guards the next six */
	struct documents *documents; /* NULL: none are issued */
	struct gateways_state *state; /* whom it enrols; NULL on this host alone */
	struct service_keys *keys;
	struct attest_revoked *revoked;
	bool stop;
	pthread_cond_t wake;
	pthread_t minute;
	bool has_minute;
};

struct service_keys *service_keys_take(struct service *s);
void service_keys_drop(struct service_keys *k);
/* A reference to the configuration in force, with its trust; NULL on this host alone. */
struct gateways_state *service_state_take(struct service *s);
/* A reference to the document service as it is configured now; NULL: there is none. */
struct documents *service_documents_take(struct service *s);
/* A reference to what is revoked now. */
struct attest_revoked *service_revoked_take(struct service *s);
/* Something was revoked here: look now. */
void service_revocations_wake(struct service *s);

/* One request on its way. */
struct service_call {
	struct service *s;
	const struct http_request *q;
	struct http_response *r;
	struct arena *a;
	bool is_admin;          /* the listener */
	struct service_keys *keys;
	struct attest_revoked *revoked;
	struct documents *documents; /* NULL: none are issued */
	int64_t now_s;
	struct sts_actor actor; /* rank STS_NOBODY until proven */
	struct str id;          /* the `*` of the path; empty: none */
	json_t *json;           /* the body, dropped by the dispatcher */
	bool lacks_nonce;       /* all that was wrong with its proof */
	struct trace trace;     /* that the request is part of; empty: none */
	const char *what;       /* of a change, for its log line; NULL: no change */
	struct error err;       /* why it is refused */
};

/* ---- answers (service_answer.c) ----------------------------------------- */

/* Refuse with c->err. Always false. */
bool service_refuse(struct service_call *c);
bool service_fail(struct service_call *c, enum err_code code, const char *fmt,
    ...) PRINTF_LIKE(3, 4);
/* Takes the reference. Always true, also when memory was out: then the answer is a bare 500. */
bool service_reply(struct service_call *c, unsigned status, json_t *body_take);
bool service_reply_nothing(struct service_call *c);

/* `limit` and `next` of a query, by an id; service_next_json writes the latter. The values of pairs that are not there have p NULL. */
bool service_read_limit(struct service_call *c, struct str text, size_t *ret)
    MUST_USE;
bool service_read_next(struct service_call *c, struct str text,
    struct str *ret) MUST_USE;
json_t *service_next_json(struct str id);

/* ---- who asks (service_who.c) -------------------------------------------- */

/* Fill c->actor by the proof that the request carries, or refuse. */
bool service_who(struct service_call *c) MUST_USE;
/* The same where an answer may be sent without; then STS_NOBODY. */
bool service_who_maybe(struct service_call *c) MUST_USE;
/* The key that the request's DPoP proof, made for `token`, is of; not spent yet. */
bool service_proven_jkt(struct service_call *c, struct str token,
    struct dpop_proof *ret) MUST_USE;

/* Who sends an answer, by what the connection itself says; nothing of it is the message's. `channel` is lent to *ret. */
bool service_caller(struct service_call *c, uint8_t channel[TLS_CHANNEL_BYTES],
    struct sts_caller *ret) MUST_USE;
/* A proof is about to be judged: true, or refused (ERR_REQUEST_RATE), since too many failed from there. Then tell how it ended; gives back `ok`. */
bool service_attempt(struct service_call *c) MUST_USE;
bool service_attempted(struct service_call *c, bool ok);

/* How long a token that is asked for lives, at most as is configured, and by which keys. */
struct sts_token_options service_token_options(
    const struct service_call *c, int64_t lifetime_s, bool offer);

/* ---- routes: true, or refused --------------------------------------------- */

bool service_accounts_create(struct service_call *c) MUST_USE;
bool service_accounts_list(struct service_call *c) MUST_USE;
bool service_account_get(struct service_call *c) MUST_USE;
bool service_account_patch(struct service_call *c) MUST_USE;
bool service_account_delete(struct service_call *c) MUST_USE;
bool service_account_enrol(struct service_call *c) MUST_USE;
bool service_account_key(struct service_call *c) MUST_USE;
bool service_account_move(struct service_call *c) MUST_USE;
bool service_account_attest(struct service_call *c) MUST_USE;
bool service_account_evict(struct service_call *c) MUST_USE;
bool service_account_ban(struct service_call *c) MUST_USE;
bool service_account_unban(struct service_call *c) MUST_USE;
bool service_account_reattest(struct service_call *c) MUST_USE;
bool service_instances_create(struct service_call *c) MUST_USE;
bool service_breaches_list(struct service_call *c) MUST_USE;
bool service_challenge(struct service_call *c) MUST_USE;
bool service_tokens(struct service_call *c) MUST_USE;
bool service_exchange(struct service_call *c) MUST_USE;
bool service_offer(struct service_call *c) MUST_USE;
bool service_pick(struct service_call *c) MUST_USE;
bool service_withdraw(struct service_call *c) MUST_USE;
bool service_revocations_create(struct service_call *c) MUST_USE;
bool service_revocations_delete(struct service_call *c) MUST_USE;
bool service_revocations_list(struct service_call *c) MUST_USE;
bool service_instance_get(struct service_call *c) MUST_USE;
bool service_instance_put(struct service_call *c) MUST_USE;
bool service_instance_event(struct service_call *c) MUST_USE;
bool service_instance_delete(struct service_call *c) MUST_USE;
bool service_instance_rename(struct service_call *c) MUST_USE;
bool service_documents_issue(struct service_call *c) MUST_USE;
bool service_documents_list(struct service_call *c) MUST_USE;
bool service_document_get(struct service_call *c) MUST_USE;
bool service_document_verify(struct service_call *c) MUST_USE;
bool service_document_keys(struct service_call *c) MUST_USE;
bool service_jwks(struct service_call *c) MUST_USE;
bool service_spiffe_bundle(struct service_call *c) MUST_USE;
bool service_changes_list(struct service_call *c) MUST_USE;
bool service_metrics(struct service_call *c) MUST_USE;
/* How long requests took, by route (service_routes.c). */
void service_durations(struct service *s, struct metrics *m);

/* Store and accounts alone: no keys, no listener. `service_stop` ends it. */
struct service *service_new(const struct config *config,
    const struct clock *clock, struct store *store, struct error *reterr);
/* The signing keys as well. */
bool service_keys_open(struct service *s, struct error *reterr) MUST_USE;
/* A request of the host's own administrator. */
void service_handle_local(struct service *s, const struct http_request *q,
    struct http_response *r);
void service_handle(void *ctx, const struct http_request *q,
    struct http_response *r);

#endif
