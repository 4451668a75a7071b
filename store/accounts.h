/* accounts.h - what the token service must not forget, as rows: accounts, their keys, enrolments, spent challenges, issued tokens, offers, alarms. A named contract
 * of store/, for attest/sts*.c alone: the rules are there, here nothing is judged.
 * Every function but store_transact runs inside a transaction and is part of it: all of it is durable when store_transact is true, and none of it when it is false.
 * Texts are borrowed in calls; results live in the arena that was given. Uniqueness is the database's work, so it holds between nodes. False: ERR_SYSTEM_STORE, memory. */
#ifndef STORE_ACCOUNTS_H
#define STORE_ACCOUNTS_H

#include "store/store.h"

struct sql; /* an open transaction */

/* `inside` gets the time by the clock that all nodes share (unix ms). *keep is true when it is called; it may set it false to have all undone, and still be right.
 * It runs once: what may have been committed is never tried again. */
bool store_transact(struct store *s,
    bool (*inside)(struct sql *tx, int64_t now_ms, void *ctx, bool *keep,
	struct error *reterr),
    void *ctx, struct error *reterr) MUST_USE;

/* To read alone: all that `inside` reads is of one moment, it neither waits for who writes nor lets him wait, and nothing is kept of what it may do else. */
bool store_look(struct store *s,
    bool (*inside)(struct sql *tx, void *ctx, struct error *reterr), void *ctx,
    struct error *reterr) MUST_USE;

/* Inside a transaction: remember how it stands, and go back to that; what was done before it stays. Not one within another. */
bool store_savepoint(struct sql *tx, struct error *reterr) MUST_USE;
bool store_savepoint_undo(struct sql *tx, struct error *reterr) MUST_USE;

/* Numbers that come never twice; from 1. */
bool store_next_incarnation(struct sql *tx, int64_t *ret,
    struct error *reterr) MUST_USE;

/* ---- accounts --------------------------------------------------------------------------------------------------------------------------- */

struct store_account {
	struct str id, prefix, owner, audience;
	int64_t kind; /* the caller's numbers */
	bool may_issue, is_enabled;
	int64_t standing; /* the caller's numbers; 0: none of them */
	int64_t version, incarnation;
	int64_t created_at, changed_at; /* unix s */
	/* Read only, of other tables; 0 and empty where there is none. */
	int64_t method;       /* of the live key */
	struct str thumbprint;
	int64_t secret_until; /* of the open enrolment */
	struct str principal; /* of the binding */
	int64_t is_open;
};

bool store_account_find(struct sql *tx, struct arena *a, struct str id,
    struct store_account *ret, bool *ret_found, struct error *reterr) MUST_USE;
/* *ret_fresh false: the id is taken, nothing was written. ERR_LIMIT_COUNT: so many revocations are in force that no account may come (LIMIT_REVOCATIONS). */
bool store_account_insert(struct sql *tx, const struct store_account *row,
    bool *ret_fresh, struct error *reterr) MUST_USE;
/* Writes is_enabled, standing, incarnation, version and changed_at. */
bool store_account_update(struct sql *tx, const struct store_account *row,
    struct error *reterr) MUST_USE;
/* With its keys, binding, enrolment, offers and what is known of it as an instance; its alarms stay. */
bool store_account_delete(struct sql *tx, struct str id, int64_t now_unix_s,
    struct error *reterr) MUST_USE;
/* At most `limit` after the id `after`, by id. `owner` empty: all; else those it owns, and itself. */
bool store_account_page(struct sql *tx, struct arena *a, struct str owner,
    struct str after, size_t limit, struct store_account **ret, size_t *ret_n,
    struct error *reterr) MUST_USE;
/* Accounts or groups. */
bool store_account_owns_any(struct sql *tx, struct str owner, bool *ret,
    struct error *reterr) MUST_USE;
/* Does the prefix of some account begin `prefix`, or the other way round? */
bool store_account_prefix_meets(struct sql *tx, struct str prefix, bool *ret,
    struct error *reterr) MUST_USE;

/* ---- keys ------------------------------------------------------------------------------------------------------------------------------- */

struct store_key {
	int64_t incarnation;
	struct str account, thumbprint;
	int64_t method;
	struct str spki, sealed; /* one of them */
	int64_t created_at;      /* unix s */
	struct str seen_source;  /* where its last right proof came from; empty: never */
	int64_t seen_until;      /* unix s: until when that counts as now */
};

/* The live key of an account. */
bool store_key_live(struct sql *tx, struct arena *a, struct str account,
    struct store_key *ret, bool *ret_found, struct error *reterr) MUST_USE;
/* The youngest key of this method that is not live any more. */
bool store_key_former(struct sql *tx, struct arena *a, struct str account,
    int64_t method, struct store_key *ret, bool *ret_found,
    struct error *reterr) MUST_USE;
/* As the live one. *ret_fresh false: some account has or had it (by thumbprint), nothing was written. */
bool store_key_insert(struct sql *tx, const struct store_key *row,
    bool *ret_fresh, struct error *reterr) MUST_USE;
/* The live key, if there is one, is so no more. */
bool store_key_end(struct sql *tx, struct str account,
    struct error *reterr) MUST_USE;
bool store_key_seen(struct sql *tx, int64_t incarnation, struct str source,
    int64_t until, struct error *reterr) MUST_USE;

/* ---- bindings, standings ----------------------------------------------------------------------------------------------------------------- */

/* An instance as a cloud knows it, and the account whose live key it is bound to. One account an instance, one instance an account. */
struct store_binding {
	struct str issuer, owner, region, instance; /* as the evidence has them; region may be empty */
	struct str account;
	struct str principal; /* as gates with the same prefix see it */
	int64_t is_open;      /* 1: the next key may be bound */
	int64_t bound_at;     /* unix s */
};
/* By the first four. */
bool store_binding_find(struct sql *tx, struct arena *a,
    const struct store_binding *like, struct store_binding *ret,
    bool *ret_found, struct error *reterr) MUST_USE;
/* *ret_fresh false: the instance or the account is bound, nothing was written. */
bool store_binding_insert(struct sql *tx, const struct store_binding *row,
    bool *ret_fresh, struct error *reterr) MUST_USE;
bool store_binding_open(struct sql *tx, struct str account, bool is_open,
    struct error *reterr) MUST_USE;

/* Revocations that follow a standing (1 and up), until it is lifted; those that somebody made by themselves have 0, are never overwritten, and stay. */
bool store_standing_put(struct sql *tx, struct str kind, struct str id,
    int64_t standing, int64_t now_unix_s, struct error *reterr) MUST_USE;
/* Those of any standing. */
bool store_standing_lift(struct sql *tx, struct str kind, struct str id,
    struct error *reterr) MUST_USE;
/* Is it revoked, by other than this standing? */
bool store_is_revoked(struct sql *tx, struct str kind, struct str id,
    int64_t but_standing, bool *ret, struct error *reterr) MUST_USE;

/* ---- enrolments, challenges, idempotency ------------------------------------------------------------------------------------------------ */

struct store_enrolment {
	struct str account, sealed;
	int64_t expires_at; /* unix s */
};
/* One an account: the newest. */
bool store_enrolment_put(struct sql *tx, const struct store_enrolment *row,
    struct error *reterr) MUST_USE;
bool store_enrolment_find(struct sql *tx, struct arena *a, struct str account,
    struct store_enrolment *ret, bool *ret_found,
    struct error *reterr) MUST_USE;
bool store_enrolment_delete(struct sql *tx, struct str account,
    struct error *reterr) MUST_USE;

/* *ret_fresh false: it was spent already. `until`: unix s, when it may be forgotten. */
bool store_challenge_spend(struct sql *tx, struct str id, int64_t until,
    bool *ret_fresh, struct error *reterr) MUST_USE;

/* What an actor's idempotency key stands for. *ret_fresh false: it was there; `ret` has what was kept. */
struct store_repeat {
	struct str actor, name;
	struct str digest; /* of the request */
	struct str account;
	int64_t incarnation; /* that it opened; 0: none */
	int64_t until; /* unix s */
};
bool store_repeat_find(struct sql *tx, struct arena *a, struct str actor,
    struct str name, struct store_repeat *ret, bool *ret_found,
    struct error *reterr) MUST_USE;
bool store_repeat_put(struct sql *tx, const struct store_repeat *row,
    struct error *reterr) MUST_USE;

/* ---- tokens, offers ---------------------------------------------------------------------------------------------------------------------- */

struct store_issued {
	struct str jti, account, audience;
	struct str digest; /* SHA-256 of the token's text */
	int64_t incarnation, expires_at; /* unix s */
};
bool store_issued_insert(struct sql *tx, const struct store_issued *row,
    struct error *reterr) MUST_USE;
bool store_issued_find(struct sql *tx, struct arena *a, struct str digest,
    struct store_issued *ret, bool *ret_found, struct error *reterr) MUST_USE;
/* Revoke all that the account holds and that has not expired, documents too, until each has expired and LIMIT_SKEW_S more; its offers go. `thumbprint` not empty: that key, too, for as
 * long as a token may live. */
bool store_issued_revoke(struct sql *tx, struct str account,
    struct str thumbprint, int64_t now_unix_s, struct error *reterr) MUST_USE;

struct store_offer {
	struct str account, audience, jti, sealed;
	int64_t expires_at; /* unix s */
};
/* One an account and audience: the newest. */
bool store_offer_put(struct sql *tx, const struct store_offer *row,
    struct error *reterr) MUST_USE;
/* That has not expired, and whose token is not revoked. */
bool store_offer_find(struct sql *tx, struct arena *a, struct str account,
    struct str audience, int64_t now_unix_s, struct store_offer *ret,
    bool *ret_found, struct error *reterr) MUST_USE;
/* `audience` empty: all of the account. */
bool store_offer_delete(struct sql *tx, struct str account,
    struct str audience, struct error *reterr) MUST_USE;

/* ---- alarms ------------------------------------------------------------------------------------------------------------------------------ */

struct store_alarm {
	struct str account, source, other;
	int64_t kind, incarnation;
	int64_t count, first_at, last_at; /* unix s */
};
/* Count one up: one row an account, kind and incarnation, with the newest source. `row->count` is not read; *ret_count is what it has become. */
bool store_alarm_raise(struct sql *tx, const struct store_alarm *row,
    int64_t *ret_count, struct error *reterr) MUST_USE;
/* The newest first. `owner` empty: all; else those of accounts it owns. */
bool store_alarm_list(struct sql *tx, struct arena *a, struct str owner,
    size_t limit, struct store_alarm **ret, size_t *ret_n,
    struct error *reterr) MUST_USE;

/* Remove what is past at `now_unix_s`. Alarms stay for LIMIT_ALARM_S. */
bool store_accounts_purge(struct sql *tx, int64_t now_unix_s,
    struct error *reterr) MUST_USE;

#endif
