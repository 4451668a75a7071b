/* sts.h - the security token service's core: accounts, enrolment, challenges, tokens, moves, broker (S1 to S3, S6 to S10). A named contract of attest/.
 *   account (by a controller) -> enrolment secret or public key -> challenge -> answer (prove.h) -> token bound to the instance's key
 * No HTTP and no log here: who asks, from which address and over which channel is said by the caller, refusals are errors, alarms go to a callback. Every change is one
 * transaction of the store; any number of processes may share it and the secret file. Before an account is proven, unknown, disabled and wrong get the same code, text
 * and work: ERR_EVIDENCE_PROOF. Nothing stored opens anything: secrets are sealed under a key outside the database. All functions are thread-safe.
 * Errors everywhere: ERR_SYSTEM_STORE, ERR_SYSTEM_ERROR (no randomness, OpenSSL failed), memory. */
#ifndef ATTEST_STS_H
#define ATTEST_STS_H

#include "attest/prove.h"
#include "attest/token.h"
#include "base/net.h"
#include "store/store.h"

struct sts;

enum sts_alarm_kind {
	STS_ALARM_NONE = 0,
	STS_ALARM_FORMER_KEY, /* `former-key`: a key that was moved away from still proves itself: a copy is alive */
	STS_ALARM_ADDRESSES,  /* `addresses`: one key from two addresses within the life of a token */
	STS_ALARM_OTHER_KEY,  /* `other-key`: evidence of an instance with another key than it is bound to: a copy of the evidence, or a machine that lost its key */
};
/* Raised only by proofs that are right. One row an account, kind and incarnation: repetitions count up. Strings are lent to the callback, the arena's in lists. */
struct sts_alarm {
	enum sts_alarm_kind kind;
	struct str account;
	int64_t incarnation; /* whose key it was */
	struct str source;   /* the address it came from, normalised (/32, /64) */
	struct str other;    /* STS_ALARM_ADDRESSES: the one before */
	int64_t count, first_at, last_at; /* unix s */
};
const char *sts_alarm_name(enum sts_alarm_kind kind);

/* Borrowed until sts_open returns, but for store and clock, which outlive the sts. */
struct sts_options {
	struct store *store;
	const struct clock *clock; /* the one that all nodes share */
	const char *secret_file;   /* of sts_secret_create; the same on all nodes */
	struct str url;            /* of this service, as provers configure it: their proofs cover it, byte for byte; also the audience of tokens for this service */
	struct str issuer, trust_domain; /* of the tokens; the latter may be empty */
	struct prove_random random;
	/* Called after the transaction, without a lock; may be NULL. For a log line. */
	void (*alarm)(void *ctx, const struct sts_alarm *alarm);
	void *alarm_ctx;
};

/* Make the master secret: O_EXCL, O_NOFOLLOW, 0600. Errors: ERR_FILE_WRITE. */
bool sts_secret_create(const char *path, struct prove_random random,
    struct error *reterr) MUST_USE;
/* Another master secret for the store and the file: all that is sealed is sealed anew, in one transaction; then the file is replaced. Challenges that are out end, and every
 * process that has the former secret does nothing more until it is started anew. After a failure, or a crash, either all is as before, or running it again ends it.
 * *ret_n: what was sealed. Errors: as sts_open. */
bool sts_secret_rotate(struct store *store, const char *path,
    struct prove_random random, size_t *ret_n, struct error *reterr) MUST_USE;
/* NULL on error: also ERR_SYSTEM_STORE (or the store is sealed under another master secret), ERR_FILE_READ, ERR_FILE_MODE (others may read the secret), ERR_KEY_FORM (it is none), ERR_CONFIG_VALUE (no url or issuer). */
struct sts *sts_open(const struct sts_options *options, struct error *reterr);
void sts_close(struct sts *s);

/* ---- who asks --------------------------------------------------------------------------------------------------------------------------- */

enum sts_rank { STS_NOBODY = 0, STS_ACCOUNT, STS_ADMIN };
/* STS_ACCOUNT: `account` and `incarnation` as proven: by sts_authenticate, or `sub` and `inc` of a token for this service's url whose key was proven. That it is still
 * enabled and that incarnation still the live one is checked in the transaction of each call. STS_ADMIN: the caller has checked it; `account` only names it in logs. */
struct sts_actor {
	enum sts_rank rank;
	struct str account;
	int64_t incarnation;
};

/* ---- accounts (S1) ---------------------------------------------------------------------------------------------------------------------- */

/* What the operator made of an account. Evicted: its cloud evidence enrols it again, with the same key. Banned: nothing does. */
enum sts_standing { STS_STANDS = 0, STS_EVICTED, STS_BANNED };
const char *sts_standing_name(enum sts_standing standing); /* "", `evicted`, `banned` */
enum sts_kind { STS_KIND_NONE = 0, STS_INSTANCE, STS_CONTROLLER };
/* An id is attest_instance_id_is_valid. A controller's prefix begins all ids of its instances: same alphabet, ends in `-`, `.` or `_`; none begins another. */
struct sts_account {
	struct str id;
	enum sts_kind kind;
	struct str owner;      /* the controller; empty for controllers, which are the administrator's */
	struct str prefix;     /* controllers only */
	struct str audience;   /* whose offers it may pick up; empty: its own id */
	bool may_issue;        /* controllers only: sts_provision, the combined manager */
	bool is_enabled;
	int64_t version;       /* rises with each change */
	int64_t incarnation;   /* of the live key; 0: none */
	enum prove_method method; /* of the live key */
	struct str jkt;        /* its thumbprint; a name of the key for hmac */
	int64_t secret_until;  /* an enrolment secret is open until then; 0: none */
	int64_t created_at, changed_at; /* unix s */
	enum sts_standing standing;
	struct str principal; /* the instance that its evidence names, with the prefix of its trust entry; empty: it has no evidence */
	bool is_released;     /* reattest: its evidence may bring the next key */
};

struct sts_new_account {
	struct str id;
	enum sts_kind kind;
	struct str prefix;   /* controllers */
	bool may_issue;      /* controllers */
	struct str audience; /* controllers set it only under their own prefix */
	/* 1 to 64 printable characters, or empty. The same key with the same content by the same actor within 24 h gives the account as it stands; with other content
	 * ERR_REQUEST_IDEMPOTENCY. */
	struct str idempotency_key;
};

/* Admin: controllers. A controller: instances under its prefix. Errors: ERR_ACCOUNT_AUTHORITY, ERR_ACCOUNT_EXISTS (the id, or a prefix that meets another's),
 * ERR_REQUEST_IDEMPOTENCY, ERR_REQUEST_MALFORMED. *ret lives in `a`; *ret_created is false when the idempotency key was seen. */
bool sts_account_create(struct sts *s, struct arena *a,
    const struct sts_actor *actor, const struct sts_new_account *what,
    struct sts_account *ret, bool *ret_created, struct error *reterr) MUST_USE;
/* Admin: all. A controller: itself and its own. An instance: itself. All others, known or not: ERR_ACCOUNT_UNKNOWN. */
bool sts_account_get(struct sts *s, struct arena *a,
    const struct sts_actor *actor, struct str id, struct sts_account *ret,
    struct error *reterr) MUST_USE;
/* At most `limit` (and LIMIT_ACCOUNT_PAGE) whose id comes after `after`, by id; those that sts_account_get would give, an instance alone has itself. */
bool sts_account_list(struct sts *s, struct arena *a,
    const struct sts_actor *actor, struct str after, size_t limit,
    struct sts_account **ret, size_t *ret_n, struct error *reterr) MUST_USE;
/* The three below: admin or the owning controller; never the account itself. `if_version` 0: whatever it is, else ERR_ACCOUNT_VERSION when it differs.
 * Disabling revokes the tokens it holds; enabling does not bring them back. */
bool sts_account_enable(struct sts *s, struct arena *a,
    const struct sts_actor *actor, struct str id, bool enable,
    int64_t if_version, struct sts_account *ret, struct error *reterr) MUST_USE;
/* Also its keys, secrets and offers. A controller that still owns accounts: ERR_ACCOUNT_IN_USE. */
bool sts_account_delete(struct sts *s, const struct sts_actor *actor,
    struct str id, int64_t if_version, struct error *reterr) MUST_USE;

/* ---- keys: the first, and each move to the next (S2, S8) ---------------------------------------------------------------------------------- */

enum sts_opening {
	STS_OPEN_NONE = 0,
	STS_OPEN_SECRET, /* a secret is made that enrols once */
	STS_OPEN_KEY,    /* the public key that the instance made is registered now */
	STS_OPEN_HMAC,   /* a secret is made that stays the account's key: for what can hold no key pair */
};
struct sts_next {
	enum sts_opening how;
	struct str spki;     /* STS_OPEN_KEY: SubjectPublicKeyInfo, DER */
	int64_t lifetime_s;  /* STS_OPEN_SECRET: 0: LIMIT_ENROL_S; at most LIMIT_ENROL_MOST_S */
	bool move;           /* the account has a live key: end it. Without, ERR_ACCOUNT_LIVE */
	int64_t if_version;
};
struct sts_opened {
	struct sts_account account;
	uint8_t secret[PROVE_SECRET_BYTES]; /* STS_OPEN_SECRET, STS_OPEN_HMAC: given this once; the caller wipes it */
	bool has_secret;
};
/* Open the account's next incarnation: only its owning controller may; for a controller's account the administrator. The former key ends at once, with all tokens that
 * were issued to it and the secret that was open. A key that any account has or had: ERR_ACCOUNT_KEY. Other errors: ERR_KEY_FORM, ERR_ACCOUNT_*. */
bool sts_open_next(struct sts *s, struct arena *a,
    const struct sts_actor *actor, struct str id, const struct sts_next *next,
    struct sts_opened *ret, struct error *reterr) MUST_USE;

/* ---- challenge and response (S3) ---------------------------------------------------------------------------------------------------------- */

/* Who sends an answer, as the listener saw it: nothing here is taken from the message. */
struct sts_caller {
	struct net_addr source;
	struct str channel; /* value of the TLS exporter where the listener's configuration says so, else empty */
	const struct sts_actor *relay; /* the controller that sends another's answer; NULL: direct */
};

/* PROVE_CHALLENGE_BYTES raw bytes onto `out`, for PROVE_ACCOUNT, PROVE_ENROL or PROVE_ATTEST. Reads and writes no store: accounts that do not exist get one, too.
 * Errors: ERR_REQUEST_MALFORMED. */
bool sts_challenge(struct sts *s, enum prove_role role, struct str account,
    enum prove_method method, struct str audience, struct buf *out,
    struct error *reterr) MUST_USE;

/* How long it lives, unix s. */
int64_t sts_challenge_life_s(enum prove_role role);
/* A challenge as a cloud takes it for a nonce: decimal digits. */
#define STS_DIGITS 10
bool sts_challenge_digits(struct str challenge, char ret[STS_DIGITS + 1],
    struct error *reterr) MUST_USE;

struct sts_token_options {
	const struct token_ring *ring;
	int64_t lifetime_s;   /* 0: TOKEN_LIFETIME_S; at most the next */
	int64_t lifetime_most_s; /* 0: TOKEN_LIFETIME_MOST_S, which is also the most */
	const json_t *claims; /* NULL: none */
	bool offer;           /* also leave it at the broker (below) */
};
struct sts_grant {
	struct sts_actor actor; /* who was proven */
	struct str token;       /* compact; empty from sts_authenticate */
	struct str jti;
	int64_t issued_at, expires_at; /* unix s */
};
/* An answer in role `account` or `enrol` becomes a token for its audience, bound to its `jkt`; `enrol` first registers the key that it carries and destroys the secret.
 * Spending the challenge, judging and issuing are one transaction; a wrong answer spends, too, and so does a right one for which no token can be made: then nothing else is
 * changed. Only where the store fails, or the answer is to no challenge of ours, is nothing spent. A relay must be the account's owner and the one that the answer names.
 * Errors: ERR_EVIDENCE_PROOF, ERR_EVIDENCE_EXPIRED, ERR_EVIDENCE_REPLAYED, ERR_REQUEST_RATE (10 failures a minute of an account and source, 60 of a source),
 * ERR_USAGE (lifetime). On any error no token was made. */
bool sts_token(struct sts *s, struct arena *a, const struct prove_answer *answer,
    const struct sts_caller *caller, const struct sts_token_options *options,
    struct sts_grant *ret, struct error *reterr) MUST_USE;
/* The same without a token, for one request: `audience` must be the service's url and the role `account`. */
bool sts_authenticate(struct sts *s, struct arena *a,
    const struct prove_answer *answer, const struct sts_caller *caller,
    struct sts_grant *ret, struct error *reterr) MUST_USE;

/* The same count of a source's failures for what is proven in other ways at the same door (admin tokens, tokens with their key): take one attempt before judging, and
 * give it back when it was right. Errors: ERR_REQUEST_RATE. */
bool sts_attempt(struct sts *s, const struct net_addr *source,
    struct error *reterr) MUST_USE;
void sts_attempt_right(struct sts *s, const struct net_addr *source);

/* ---- the combined manager (S6, third flow) ------------------------------------------------------------------------------------------------- */

struct sts_provision {
	struct sts_new_account account; /* kind STS_INSTANCE */
	struct str spki;                /* the instance's public key, DER */
	struct str audience;            /* of the token */
};
/* Account, key and token in one transaction, by a controller that `may_issue`: the token is bound to the instance's key, so its maker cannot use it. Only when the
 * account is made; again with the same idempotency key while that key is still the live one. */
bool sts_provision(struct sts *s, struct arena *a,
    const struct sts_actor *actor, const struct sts_provision *what,
    const struct sts_token_options *options, struct sts_account *ret_account,
    struct sts_grant *ret, struct error *reterr) MUST_USE;

/* ---- enrolment by a cloud's evidence (S2, SECURITY 10) -------------------------------------------------------------------------------------- */

/* Which trust entries enrol, and for whom: the account's id is the controller's prefix and the instance's id. */
struct sts_enrol_rule {
	struct str prefix;     /* of the trust entry */
	struct str controller; /* its account; it owns what is enrolled */
	bool any_address;      /* else an address that the evidence names must be the caller's */
};
struct sts_enrolling {
	const struct prove_answer *answer; /* role `attest`; audience: the service's url */
	const struct attest_evidence *evidence;
	const struct attest_trust *trust;
	const struct sts_enrol_rule *rules;
	size_t n_rules;
};
/* Evidence binds its instance to the key that the answer proves. The first time: account, binding and key, by unique insert, in one transaction with the spending of the
 * challenge. Again with that key: the account as it stands (*ret_created false), and an eviction is over. With another: ERR_ACCOUNT_LIVE and an alarm, unless sts_stand
 * released it. Evidence that carries a nonce (azure) must carry the challenge's digits, and be younger than the challenge. Errors: those of attest_verify (audience: the
 * service's url), ERR_REQUIREMENT_ADDRESS, ERR_EVIDENCE_PROOF, _EXPIRED, _REPLAYED, _REVOKED, ERR_ACCOUNT_AUTHORITY (no rule, no controller, its key was ended),
 * ERR_ACCOUNT_EXISTS (the account was made otherwise), ERR_ACCOUNT_KEY, ERR_REQUEST_RATE. */
bool sts_enrol(struct sts *s, struct arena *a,
    const struct sts_enrolling *what, const struct sts_caller *caller,
    struct sts_account *ret, bool *ret_created, struct error *reterr) MUST_USE;

enum sts_verb {
	STS_VERB_NONE = 0,
	STS_EVICT,    /* all that it was issued ends; it may come back: by its evidence and key where it was enrolled so, else by its next proof */
	STS_BAN,      /* the same, and it may not */
	STS_UNBAN,    /* a banned one is an evicted one */
	STS_REATTEST, /* its key ends as by a move; the next one that its evidence brings is bound, once */
};
/* For the administrator alone. What gates see (the instance, the account, the holder's key) is revoked in the same transaction, by the store's generation. Errors:
 * ERR_ACCOUNT_UNKNOWN, ERR_ACCOUNT_VERSION, ERR_ACCOUNT_AUTHORITY (not an administrator; nothing to reattest; banned). */
bool sts_stand(struct sts *s, struct arena *a, const struct sts_actor *actor,
    struct str id, enum sts_verb verb, int64_t if_version,
    struct sts_account *ret, struct error *reterr) MUST_USE;

/* ---- tokens that are out -------------------------------------------------------------------------------------------------------------------- */

/* Note a token that was made from another one (exchange), so that it ends with its account's incarnation: call before it leaves. ERR_EVIDENCE_REVOKED when `t` is of an
 * account that is not enabled or of a former incarnation. `compact` is the token's text. */
bool sts_token_note(struct sts *s, const struct token *t, struct str compact,
    struct error *reterr) MUST_USE;

/* ---- the broker (S9) ------------------------------------------------------------------------------------------------------------------------ */

/* Offer a token that this service issued to the actor and that still holds: one an account and audience, the newest. Stored sealed, gone at its expiry, when the account
 * is disabled, moved or deleted, and when its actor withdraws it. Errors: ERR_EVIDENCE_KEY (none of ours, or another's), ERR_EVIDENCE_EXPIRED. */
bool sts_offer(struct sts *s, const struct sts_actor *actor, struct str token,
    struct error *reterr) MUST_USE;
/* The token that `account` offers to the actor's audience (its account's `audience`, or its id), in `a`. ERR_ACCOUNT_UNKNOWN when there is none. It is bound to the
 * instance's key: it tells who the instance is, and opens nothing for who picks it up. */
bool sts_pick(struct sts *s, struct arena *a, const struct sts_actor *actor,
    struct str account, struct str *ret_token, int64_t *ret_expires_at,
    struct error *reterr) MUST_USE;
/* The actor's own offers for `audience` (empty: all). Admin and the owning controller may name another `account`. */
bool sts_withdraw(struct sts *s, const struct sts_actor *actor,
    struct str account, struct str audience, struct error *reterr) MUST_USE;

/* ---- looking after it ----------------------------------------------------------------------------------------------------------------------- */

/* The newest alarms first, at most `limit`. Admin sees all, a controller its own. */
bool sts_alarms(struct sts *s, struct arena *a, const struct sts_actor *actor,
    size_t limit, struct sts_alarm **ret, size_t *ret_n, struct error *reterr)
    MUST_USE;
/* Remove what is past: spent challenges, enrolments, offers, tokens, idempotency keys. Call each minute or so, on any node; also done now and then by itself. */
bool sts_purge(struct sts *s, struct error *reterr) MUST_USE;

/* Of this process, for /metrics. */
struct sts_counts {
	uint64_t challenges, right, refused, limited; /* answers: judged right, judged wrong, not judged */
	uint64_t tokens, enrolments, alarms;
};
struct sts_counts sts_counts(const struct sts *s);

#endif
