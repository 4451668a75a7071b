/* sts_private.h - what the files of the token service share. */
#ifndef ATTEST_STS_PRIVATE_H
#define ATTEST_STS_PRIVATE_H

#include "attest/challenge.h"
#include "attest/rate.h"
#include "attest/secret.h"
#include "attest/sts.h"
#include "store/accounts.h"
#include "store/changes.h"
#include "store/sealed.h"

struct sts {
	struct arena *arena; /* of the texts below */
	struct store *store;
	const struct clock *clock;
	struct secret_keys keys;
	struct str url, issuer, trust_domain;
	struct prove_random random;
	void (*alarm)(void *ctx, const struct sts_alarm *alarm);
	void *alarm_ctx;
	struct rate *rate;
	struct str decoy; /* a sealed MAC key that nobody has */
	struct {
		_Atomic uint64_t challenges, right, refused, limited, tokens,
		    enrolments, alarms, answers;
	} counts;
};

#define STS_HMAC "hmac"
#define STS_ENROL "enrol"
#define STS_DECOY "decoy"
#define STS_OFFER "offer"

/* The account of an actor, in the transaction: still enabled, and the proof is
 * of its live key. Of the administrator an empty one. Errors:
 * ERR_EVIDENCE_REVOKED, ERR_ACCOUNT_AUTHORITY. */
bool sts_check_actor(struct sql *tx, struct arena *a,
    const struct sts_actor *actor, struct store_account *ret,
    struct error *reterr) MUST_USE;
/* Enabled, and neither evicted nor banned. */
bool sts_may_prove(const struct store_account *row);
bool sts_owns(const struct store_account *controller,
    const struct store_account *account);
/* The account `id` that the actor manages: the administrator all, a controller
 * what it owns, all under its prefix. Errors: as above, ERR_ACCOUNT_UNKNOWN,
 * ERR_ACCOUNT_VERSION. */
bool sts_find_managed(struct sql *tx, struct arena *a,
    const struct sts_actor *actor, struct str id, int64_t if_version,
    struct store_account *ret, struct error *reterr) MUST_USE;
struct sts_account sts_account_of(const struct store_account *row);
/* Read it again, as it stands now. */
bool sts_read_account(struct sql *tx, struct arena *a, struct str id,
    struct sts_account *ret, struct error *reterr) MUST_USE;

/* Is the store sealed under our master secret, still? ERR_SYSTEM_STORE. */
bool sts_check_secret(struct sts *s, struct sql *tx, struct error *reterr)
    MUST_USE;

/* The row of a change that `actor` makes to the account `about`, in its own
 * transaction (store/changes.h). */
bool sts_note_change(struct sql *tx, const struct sts_actor *actor,
    const char *what, struct str about, struct error *reterr) MUST_USE;

/* Register a public key as the live one of the account (`row` gets its
 * incarnation; the caller writes it). `spki` in DER. *ret_jkt lives in `a`.
 * Errors: ERR_KEY_FORM, ERR_ACCOUNT_KEY. */
bool sts_register(struct sql *tx, struct arena *a, struct store_account *row,
    struct str spki, int64_t now_unix_s, struct str *ret_jkt,
    struct error *reterr) MUST_USE;

/* ---- answers (sts_token.c) -------------------------------------------------
 */

struct sts_redeemed {
	struct challenge challenge;
	struct str message, source; /* in the arena it was opened with */
};
/* Ours, for this role, method, account and audience; not yet whether it holds.
 * Errors: ERR_EVIDENCE_PROOF. */
bool sts_open_answer(struct sts *s, struct arena *a,
    const struct prove_answer *answer, const struct sts_caller *caller,
    struct sts_redeemed *ret, struct error *reterr) MUST_USE;
/* Errors: ERR_EVIDENCE_EXPIRED, ERR_EVIDENCE_REPLAYED. */
bool sts_spend(struct sql *tx, const struct challenge *challenge,
    int64_t now_ms, struct error *reterr) MUST_USE;
/* Call before and after judging: what was refused counts against its source.
 * Errors: ERR_REQUEST_RATE. */
bool sts_count_before(struct sts *s, const struct prove_answer *answer,
    const struct sts_caller *caller, struct error *reterr) MUST_USE;
void sts_count_after(struct sts *s, const struct prove_answer *answer,
    const struct sts_caller *caller, bool ok);

/* ---- alarms (sts.c) --------------------------------------------------------
 */

bool sts_raise_alarm(struct sql *tx, enum sts_alarm_kind kind,
    const struct store_key *key, struct str source, int64_t now_unix_s,
    struct sts_alarm *ret, struct error *reterr) MUST_USE;
/* After the transaction. STS_ALARM_NONE: nothing. */
void sts_tell_alarm(struct sts *s, const struct sts_alarm *alarm);

/* What a token is issued for. */
struct sts_issue {
	struct str account, audience, jkt;
	int64_t incarnation;
	const struct sts_token_options *options;
};
/* Sign, note, and offer where asked. Errors: as token_issue. */
bool sts_issue_token(struct sts *s, struct sql *tx, struct arena *a,
    const struct sts_issue *what, int64_t now_unix_s, struct sts_grant *ret,
    struct error *reterr) MUST_USE;
/* Errors: ERR_USAGE. */
bool sts_check_options(
    const struct sts_token_options *options, struct error *reterr) MUST_USE;
bool sts_put_offer(struct sts *s, struct sql *tx,
    const struct store_issued *issued, struct str token,
    struct error *reterr) MUST_USE;

/* Make an account as sts_account_create says, inside a transaction. *ret_found
 * is what its idempotency key stands for, `*ret_created` false then; else the
 * caller writes `ret_found` with what it opened (sts_keep_repeat). */
struct sts_creating {
	const struct sts_actor *actor;
	const struct sts_new_account *what;
	struct str spki,
	    audience; /* of sts_provision, part of what is repeated */
};
bool sts_check_new(
    const struct sts_new_account *what, struct error *reterr) MUST_USE;
bool sts_create_in(struct sql *tx, struct arena *a,
    const struct sts_creating *c, int64_t now_unix_s, struct store_account *ret,
    struct store_repeat *ret_repeat, bool *ret_created,
    struct error *reterr) MUST_USE;

#endif
