/* service.h - a token service with a store, a ring and a clock that stands, for tests of attest/sts*. Everything aborts the test when it fails, but for what gives an
 * err_code. One controller, `boss`, has the prefix `web-`; its key is in `boss_key`. */
#ifndef TESTS_SERVICE_H
#define TESTS_SERVICE_H

#include "attest/sts.h"
#include "tests/lib/kit.h"

#define SERVICE_URL "https://sts.example/"

struct service {
	struct arena *a;
	int64_t now_ms;
	struct clock clock;
	const char *url, *secret, *ring_folder;
	struct store *store;
	struct token_ring *ring;
	struct sts *sts;
	struct attest_key *boss_key;
	struct sts_actor admin, boss;
	struct net_addr source;
	unsigned n_alarms;
	struct sts_alarm alarm; /* the last; its texts live in `a` */
};

/* `url` NULL: SQLite in memory. */
void service_init(struct service *s, const char *url);
void service_fini(struct service *s);
/* The url of a SQLite file in the test's folder. */
const char *service_file_url(struct service *s);
/* Another process on the same store and secret: give it to service_close_node. */
struct sts *service_node(struct service *s, struct store **ret_store);
/* Close and open again, as a restart. */
void service_restart(struct service *s);

struct attest_key *service_key(struct service *s, enum attest_key_type type);
struct str service_spki(struct service *s, const struct attest_key *key);
struct sts_actor service_actor(const char *account, int64_t incarnation);

/* An enabled instance of boss's with this key; its actor. */
struct sts_actor service_instance(struct service *s, const char *id,
    const struct attest_key *key);
/* An instance with neither key nor secret. */
void service_bare(struct service *s, const char *id);
/* Open the next incarnation by boss, as a move. */
struct sts_opened service_opened(struct service *s, const char *id,
    enum sts_opening how, const struct attest_key *key);
struct sts_account service_read(struct service *s, const char *id);

/* What an answer is made of; zero: the usual. */
struct service_ask {
	enum prove_role role;        /* PROVE_ACCOUNT */
	const char *account;
	const char *audience;        /* `updates` */
	const char *service;         /* SERVICE_URL, as the prover has it */
	const char *relay, *channel; /* none */
	const struct attest_key *key;
	const uint8_t *secret;       /* 32 bytes: method hmac */
};
/* A fresh challenge, answered. */
struct prove_answer service_answered(struct service *s,
    const struct service_ask *ask);
/* Send it: ERR_NONE, or why not. `ret` may be NULL. Asserts that a refusal left no token. */
enum err_code service_send(struct service *s,
    const struct prove_answer *answer, struct sts_grant *ret);
enum err_code service_send_by(struct service *s, struct sts *sts,
    const struct prove_answer *answer, const struct sts_caller *caller,
    struct sts_grant *ret);
/* Ask, answer and send. */
enum err_code service_prove(struct service *s, const struct service_ask *ask,
    struct sts_grant *ret);
/* What a client with the public keys finds in the token, which must hold for `audience`. */
struct token service_verify(struct service *s, struct str token,
    const char *audience);
/* Is it in the store's list of revocations? */
bool service_is_revoked(struct service *s, const char *kind, struct str id);

#endif
