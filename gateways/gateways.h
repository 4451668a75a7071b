/* gateways.h - the door of gateways/: everything a running server is, and a dry run as a gate would see it.
 *   HTTP head -> request (peer, path, who the client is) -> evidence -> requirements -> decision -> log -> answer
 * A state is one loaded configuration with its policies, entities, trust and revocations: immutable, replaced as a whole, so that a bad reload changes nothing. */
#ifndef GATEWAYS_GATEWAYS_H
#define GATEWAYS_GATEWAYS_H

#include "base/clock.h"
#include "base/error.h"
#include "engine/engine.h"

struct gateways_state;

/* Read the configuration and all it names. Every error of every file is written onto `messages`, warnings too. NULL when there was an error. */
struct gateways_state *gateways_state_load(const char *config_path,
    int64_t now_ms, struct buf *messages);
struct gateways_state *gateways_state_ref(struct gateways_state *s);
void gateways_state_unref(struct gateways_state *s);
/* What a configuration says of its store; empty where it says nothing. Slices are NUL-ended. */
struct gateways_store {
	struct str url, mark;
	struct str secret; /* the token service's master secret; empty: it is none */
};
/* Of the configuration alone: nothing that it names is opened, so that one may revoke while policies are broken. Memory is `a`'s. Messages are its errors alone; false has one. */
bool gateways_config_store(struct arena *a, const char *config_path,
    struct gateways_store *ret, struct buf *messages) MUST_USE;
/* What a token service reads at its start beside that: signing keys, master secret, TLS. True, too, of a state with gates. Errors: those of such files. */
bool gateways_service_check(
    const struct gateways_state *s, struct error *reterr) MUST_USE;
/* One line for people: how many policies, entities, trust entries, gates. */
void gateways_state_summary(const struct gateways_state *s, struct buf *out);

/* The same with what its store revokes at this moment; `loaded` itself where there is no store. A new reference. The store is looked at, and not changed. NULL on error:
 * ERR_SYSTEM_STORE, memory. */
struct gateways_state *gateways_state_with_store(
    struct gateways_state *loaded, struct error *reterr);

/* What a dry run was told instead of a real request. */
struct gateways_asked {
	struct str gate;
	struct str document, signature; /* the files' bytes */
	struct str kind;                /* empty: `avow`; `token`: `document` is one, `signature` is empty */
	bool proven;                    /* suppose that possession of the key it is bound to was proven */
	struct str method, target;      /* `GET`, raw path and query */
	struct str source_ip, protocol;
	int64_t port, weight; /* a balancer gate's; port 0: not said */
	int64_t now_ms;
};

/* Decide as the named gate would, opening nothing. *ret_report is a new reference; false only when the question itself is wrong (no such gate, …). */
bool gateways_dryrun(const struct gateways_state *s,
    const struct gateways_asked *asked, enum engine_level level,
    const struct engine_operation *operation, json_t **ret_report,
    enum engine_effect *ret_effect, struct error *reterr) MUST_USE;

/* The record that a repository's gate makes of `Package::"REPOSITORY/PATH"`: attributes, and the repository as its parent. Memory is `a`'s, `id` is borrowed. Errors:
 * ERR_REQUEST_PATH (the id is of another form), memory. */
bool gateways_package_record(struct arena *a, struct str id,
    struct entity *ret, struct error *reterr) MUST_USE;

struct gateways_server;

/* Load, open log and store, remove members whose time is up, listen. Messages as above. NULL on error. `clock` is borrowed. */
struct gateways_server *gateways_server_start(const char *config_path,
    const struct clock *clock, struct buf *messages);
/* All or nothing: on an error the old state stays in force and /readyz shows the error. */
bool gateways_server_reload(struct gateways_server *s, struct buf *messages);
/* Open the decision log again (SIGUSR1, after rotation). */
void gateways_server_reopen(struct gateways_server *s);
uint16_t gateways_server_port(const struct gateways_server *s);
/* Requests in hand are finished, at most `drain_ms`. Frees. */
void gateways_server_stop(struct gateways_server *s, int drain_ms);

/* ---- the token service's admin routes on this host's store, without a server ---------------------------------------------------------------- */

struct store;
struct gateways_local;

/* Open what the configuration's `service:` names, but no listener and no signing key. Messages as above; NULL on error. */
struct gateways_local *gateways_local_open(const char *config_path,
    const struct clock *clock, struct buf *messages);
void gateways_local_close(struct gateways_local *l);
struct store *gateways_local_store(struct gateways_local *l); /* lent */

struct gateways_local_request {
	struct str method, target; /* as in HTTP: `POST`, `/v1/accounts?limit=10` */
	struct str body;           /* JSON */
	struct str idempotency_key; /* empty: none */
};

/* What the admin's listener would answer an administrator; the body lives in `a`. False when memory is out. */
bool gateways_local_call(struct gateways_local *l, struct arena *a,
    const struct gateways_local_request *what, unsigned *ret_status,
    struct str *ret_body, struct error *reterr) MUST_USE;

#endif
