/* remote.h - what subcommands that speak to the token service share: which one, who asks, and one call.
 * With `--server URL` the call goes over HTTP, as an administrator (token file or client certificate) or as an account, which first proves itself for a token of the
 * service and then proves its key for each request (RFC 9449). Without, it goes to the store of this host, by `--config FILE`. The answers are the same. */
#ifndef CLI_REMOTE_H
#define CLI_REMOTE_H

#include "attest/prove.h"
#include "cli/cli.h"
#include "gateways/client.h"

/* Options as given; NULL: not. */
struct remote_options {
	const char *server, *config;
	const char *ca, *pin, *subject;             /* whom to trust (S5) */
	const char *admin_token, *cert, *cert_key;  /* an administrator */
	const char *as, *key, *secret;              /* an account */
};

#define REMOTE_SERVER(o) \
	{ "server", CLI_TEXT, &(o)->server, false, "URL", \
	    "the token service; AVOW_SERVER when not given" }, \
	{ "ca", CLI_TEXT, &(o)->ca, false, "FILE", \
	    "certificates that vouch for the server, instead of the system's" }, \
	{ "pin", CLI_TEXT, &(o)->pin, false, "FILE", \
	    "take this certificate of the server, and no other" }, \
	{ "subject", CLI_TEXT, &(o)->subject, false, "NAME", \
	    "take a certificate of this subject (CN=sts,O=Acme) whatever its host names" }
#define REMOTE_ACCOUNT(o) \
	{ "as", CLI_TEXT, &(o)->as, false, "ID", \
	    "ask as this account" }, \
	{ "key", CLI_TEXT, &(o)->key, false, "FILE", \
	    "its private key" }, \
	{ "secret", CLI_TEXT, &(o)->secret, false, "FILE", \
	    "its HMAC secret; --key is then what tokens are bound to" }
#define REMOTE_ADMIN(o) \
	{ "config", CLI_TEXT, &(o)->config, false, "FILE", \
	    "without --server: the store of this configuration; AVOW_CONFIG when not given" }, \
	{ "admin-token", CLI_TEXT, &(o)->admin_token, false, "FILE", \
	    "ask as its holder; AVOW_ADMIN_TOKEN_FILE when not given" }, \
	{ "cert", CLI_TEXT, &(o)->cert, false, "FILE", \
	    "ask as the subject of this client certificate" }, \
	{ "cert-key", CLI_TEXT, &(o)->cert_key, false, "FILE", \
	    "its key" }

struct remote;

/* NULL, with a message, when it cannot be. `o` is borrowed and outlives it. */
struct remote *remote_open(struct remote_options *o);
void remote_close(struct remote *r);
struct arena *remote_arena(struct remote *r);

struct remote_call {
	const char *method;
	struct str path;  /* with its query */
	json_t *body;     /* taken; NULL: none */
	const char *form; /* instead of JSON: a form, NUL-ended; NULL: none */
	struct str proof_token; /* prove the account's key for this token, and send no Authorization */
	struct str idempotency_key;
	bool is_anonymous; /* ask as nobody */
};

/* True: done, *ret is the answer (NULL when it has no body), its status in *ret_status. False: stop with *ret_exit, the refusal or the error was printed, on stdout as the
 * problem's JSON when `json`. */
bool remote_send(struct remote *r, struct remote_call call, bool json,
    json_t **ret, enum cli_exit *ret_exit) MUST_USE;

/* The same where the answer says nothing more. */
enum cli_exit remote_do(
    struct remote *r, struct remote_call call, bool json);

/* ---- proving -------------------------------------------------------------------------------------------------------------------------------- */

/* What to ask a token for. */
struct remote_proof {
	enum prove_role role;
	const char *account, *audience, *relay; /* relay may be NULL */
	const char *key, *secret;   /* files; the secret may be NULL */
	const char *service;        /* what is signed as the service's address; NULL: --server */
	bool offer;
	int64_t lifetime_s;         /* 0: as the service has it */
	/* PROVE_ATTEST: sent to be enrolled instead, with evidence as its files have it (NULL: none); `challenge` in Base64url, NULL: a fresh one. */
	const char *kind, *document, *signature, *challenge;
	bool through_relay;         /* sent by the account of --as, which relays it */
};
/* Challenge, proof, token: the answer of POST /v1/tokens, or of POST /v1/accounts/ID/enrol. */
bool remote_prove(struct remote *r, const struct remote_proof *what, bool json,
    json_t **ret, enum cli_exit *ret_exit) MUST_USE;

/* The value of a file of one line with a secret: 0600, trailing newline off. Wiped when the arena goes. */
bool remote_read_secret(struct arena *a, const char *path, struct str *ret)
    MUST_USE;
/* The bytes of a secret that `account enrol` or `--hmac` wrote. */
bool remote_read_shared(struct arena *a, const char *path, struct str *ret)
    MUST_USE;

#endif
