/* sts_token.c - challenges, and answers that become tokens (S3, S6, S8).
 * One transaction spends the challenge, judges and issues. Until the proof is
 * right, all answers get the same work: the challenge is spent, the same rows
 * are looked for, and two keys are tried, the account's and its former one, or
 * in their place keys that nobody has. Whatever comes of an answer, its
 * challenge is spent: what was wrong is committed, too, and where no token can
 * be made (an audience, a lifetime) all is undone but that. Only a store that
 * fails keeps nothing. */
#include "attest/sts.h"

#include "attest/challenge.h"
#include "attest/prove_check.h"
#include "attest/sts_private.h"
#include "base/limits.h"

#define PURGE_EVERY 1024u

struct redeeming {
	struct sts *s;
	struct arena *a;
	const struct prove_answer *answer;
	const struct sts_caller *caller;
	const struct sts_token_options *options; /* NULL: no token */
	struct sts_redeemed open;
	/* What came of it. */
	struct error why;
	struct sts_grant grant;
	struct sts_alarm alarm;
};

/* A key that an answer may be by. */
struct candidate {
	bool is_real;
	struct store_key key;
	const char *purpose; /* of `key.sealed` */
};

/* ---- challenges
 * ----------------------------------------------------------------
 */

static bool
goes_together(enum prove_role role, enum prove_method method)
{
	return role == PROVE_ACCOUNT ||
	       (role == PROVE_ENROL && method == PROVE_HMAC) ||
	       (role == PROVE_ATTEST && method != PROVE_HMAC);
}

bool
sts_challenge(struct sts *s, enum prove_role role, struct str account,
    enum prove_method method, struct str audience, struct buf *out,
    struct error *reterr)
{
	const struct challenge_for whom = { role, method, account, audience };

	if (!goes_together(role, method))
		return error_set(reterr, ERR_REQUEST_MALFORMED, SPAN_NONE,
		    "a challenge is for role `account`, for `enrol` with "
		    "method `hmac`, or for `attest` with another");
	if (!challenge_check_whom(&whom, reterr) ||
	    !challenge_make(s->keys.challenge, &s->random, &whom,
		clock_now_ms(s->clock), out, reterr))
		return false;
	s->counts.challenges++;
	return true;
}

int64_t
sts_challenge_life_s(enum prove_role role)
{
	return challenge_life_s(role);
}

_Static_assert(STS_DIGITS == CHALLENGE_DIGITS, "one form");

bool
sts_challenge_digits(
    struct str challenge, char ret[STS_DIGITS + 1], struct error *reterr)
{
	return challenge_digits(challenge, ret, reterr);
}

/* ---- judging
 * -------------------------------------------------------------------
 */

static bool
unseal_key(struct redeeming *r, const struct candidate *c, struct str *ret,
    struct error *reterr)
{
	const struct secret_purpose real = { .what = c->purpose,
		.account = c->key.account };
	const struct secret_purpose decoy = { .what = STS_DECOY };

	return c->is_real ? secret_unseal(r->a, &r->s->keys, &real,
				c->key.sealed, ret, reterr)
			  : secret_unseal(r->a, &r->s->keys, &decoy,
				r->s->decoy, ret, reterr);
}

/* A key as large as the proof is, or one that nobody has. */
static bool
pick_key(struct redeeming *r, struct candidate *c, struct str *ret,
    struct error *reterr)
{
	if (!prove_check_decoy(
		r->a, r->answer->method, r->answer->proof.n, ret, reterr))
		return false;
	if (c->is_real && c->key.spki.n == ret->n)
		*ret = c->key.spki;
	else
		c->is_real = false;
	return true;
}

static bool
try_key(struct redeeming *r, struct candidate *c, enum prove_verdict *ret,
    struct error *reterr)
{
	struct prove_check_key key = { .method = r->answer->method };
	bool is_mac = key.method == PROVE_HMAC, ok;

	*ret = PROVE_WRONG;
	if (c->is_real && c->key.method != r->answer->method)
		c->is_real = false;
	ok = is_mac ? unseal_key(r, c, &key.mac_key, reterr)
		    : pick_key(r, c, &key.spki, reterr);
	ok = ok && prove_check(r->answer, r->open.message, &key, ret, reterr);
	if (is_mac)
		secret_wipe((void *)(uintptr_t)key.mac_key.p, key.mac_key.n);
	/* Whatever a decoy says. */
	if (!ok || !c->is_real)
		*ret = PROVE_WRONG;
	return ok;
}

/* ---- what the answer is about
 * ----------------------------------------------------
 */

struct subject {
	struct store_account account;
	bool found;
	struct candidate now, former;
};

static bool
load_enrolment(struct redeeming *r, struct sql *tx, int64_t now_unix_s,
    struct candidate *c, struct error *reterr)
{
	struct store_enrolment e = { 0 };
	bool found = false;

	if (!store_enrolment_find(
		tx, r->a, r->answer->account, &e, &found, reterr))
		return false;
	*c = (struct candidate){ .is_real = found && e.expires_at > now_unix_s,
		.key = { .account = e.account,
		    .method = PROVE_HMAC,
		    .sealed = e.sealed },
		.purpose = STS_ENROL };
	return true;
}

/* Always the same three questions to the store, whatever they find. */
static bool
load(struct redeeming *r, struct sql *tx, int64_t now_unix_s,
    struct subject *ret, struct error *reterr)
{
	const struct prove_answer *q = r->answer;
	struct subject s = { .now = { .purpose = STS_HMAC },
		.former = { .purpose = STS_HMAC } };
	bool usable;

	if (!store_account_find(
		tx, r->a, q->account, &s.account, &s.found, reterr))
		return false;
	if (q->role == PROVE_ENROL
		? !load_enrolment(r, tx, now_unix_s, &s.now, reterr)
		: !store_key_live(
		      tx, r->a, q->account, &s.now.key, &s.now.is_real, reterr))
		return false;
	if (!store_key_former(tx, r->a, q->account, q->method, &s.former.key,
		&s.former.is_real, reterr))
		return false;
	usable = s.found && sts_may_prove(&s.account);
	s.now.is_real = s.now.is_real && usable;
	s.former.is_real =
	    s.former.is_real && usable && q->role == PROVE_ACCOUNT;
	*ret = s;
	return true;
}

/* Is it sent by whom it names: the account's owner, proven, or nobody? */
static bool
check_relay(struct redeeming *r, struct sql *tx,
    const struct store_account *account, bool *ret_right, struct error *reterr)
{
	const struct sts_actor *relay = r->caller->relay;
	struct store_account row = { 0 };
	struct error why = { 0 };

	*ret_right = false;
	if (!relay) {
		*ret_right = r->answer->relay.n == 0;
		return true;
	}
	if (!sts_check_actor(tx, r->a, relay, &row, &why)) {
		if (why.code == ERR_EVIDENCE_REVOKED ||
		    why.code == ERR_ACCOUNT_AUTHORITY)
			return true;
		return error_set(reterr, why.code, SPAN_NONE, "%s", why.msg);
	}
	*ret_right = relay->rank == STS_ACCOUNT &&
		     str_eq(r->answer->relay, relay->account) &&
		     sts_owns(&row, account);
	return true;
}

/* ---- wrong answers
 * -----------------------------------------------------------------
 */

static bool
refuse(struct redeeming *r, enum err_code code, const char *why)
{
	(void)error_set(&r->why, code, SPAN_NONE, "%s", why);
	return true;
}

/* By a former key it is a copy of a disk that speaks. It learns nothing else
 * than others that are wrong. */
static bool
conclude_wrong(struct redeeming *r, struct sql *tx, struct subject *s,
    int64_t now_unix_s, struct error *reterr)
{
	enum prove_verdict former = PROVE_WRONG;

	if (!try_key(r, &s->former, &former, reterr))
		return false;
	if (former == PROVE_RIGHT &&
	    !sts_raise_alarm(tx, STS_ALARM_FORMER_KEY, &s->former.key,
		r->open.source, now_unix_s, &r->alarm, reterr))
		return false;
	return refuse(r, ERR_EVIDENCE_PROOF, "the proof does not hold");
}

/* ---- right answers
 * -----------------------------------------------------------------
 */

/* Another account's key, or none that we take, is the asker's to mend: its
 * secret stays. */
static bool
enrol(struct redeeming *r, struct sql *tx, struct subject *s,
    int64_t now_unix_s, struct error *reterr)
{
	struct sts_actor who = { .rank = STS_ACCOUNT };
	struct error why = { 0 };
	struct str jkt = { 0 };

	if (!sts_register(tx, r->a, &s->account, r->answer->key, now_unix_s,
		&jkt, &why)) {
		if (why.code == ERR_ACCOUNT_KEY || why.code == ERR_KEY_FORM)
			return refuse(r, why.code, why.msg);
		return error_set(reterr, why.code, SPAN_NONE, "%s", why.msg);
	}
	s->account.version++;
	s->account.changed_at = now_unix_s;
	s->now.key.incarnation = s->account.incarnation;
	who.account = s->account.id;
	return store_enrolment_delete(tx, s->account.id, reterr) &&
	       store_account_update(tx, &s->account, reterr) &&
	       sts_note_change(
		   tx, &who, "account.enrol", s->account.id, reterr);
}

/* Where a key was seen, and whether it is in two places: a controller between
 * says nothing of that. */
static bool
note_source(struct redeeming *r, struct sql *tx, const struct store_key *key,
    int64_t now_unix_s, int64_t until, struct error *reterr)
{
	if (r->caller->relay)
		return true;
	if (key->seen_source.n > 0 &&
	    !str_eq(key->seen_source, r->open.source) &&
	    key->seen_until > now_unix_s &&
	    !sts_raise_alarm(tx, STS_ALARM_ADDRESSES, key, r->open.source,
		now_unix_s, &r->alarm, reterr))
		return false;
	return store_key_seen(
	    tx, key->incarnation, r->open.source, until, reterr);
}

static bool
conclude_right(struct redeeming *r, struct sql *tx, struct subject *s,
    int64_t now_unix_s, struct error *reterr)
{
	struct sts_issue what = { .account = r->answer->account,
		.audience = r->answer->audience,
		.jkt = r->answer->jkt,
		.options = r->options };

	if (r->answer->role == PROVE_ENROL &&
	    !enrol(r, tx, s, now_unix_s, reterr))
		return false;
	if (r->why.code != ERR_NONE)
		return true;
	if (r->options && !sts_check_options(r->options, reterr))
		return false;
	what.incarnation = s->now.key.incarnation;
	r->grant = (struct sts_grant){
		.actor = { STS_ACCOUNT, what.account, what.incarnation },
		.issued_at = now_unix_s,
		.expires_at = now_unix_s + LIMIT_CHALLENGE_S,
	};
	if (r->options && !sts_issue_token(r->s, tx, r->a, &what, now_unix_s,
			      &r->grant, reterr))
		return false;
	return note_source(
	    r, tx, &s->now.key, now_unix_s, r->grant.expires_at, reterr);
}

/* ---- the transaction
 * ---------------------------------------------------------------
 */

bool
sts_spend(struct sql *tx, const struct challenge *challenge, int64_t now_ms,
    struct error *reterr)
{
	const struct str id = { (const char *)challenge->id,
		sizeof challenge->id };
	int64_t until = challenge->expires_at_ms / 1000 + 1 + LIMIT_SPENT_S;
	bool fresh = false;

	if (!challenge_check_time(challenge, now_ms, reterr) ||
	    !store_challenge_spend(tx, id, until, &fresh, reterr))
		return false;
	return fresh || error_set(reterr, ERR_EVIDENCE_REPLAYED, SPAN_NONE,
			    "the challenge was answered already");
}

static bool
judge(struct redeeming *r, struct sql *tx, int64_t now, struct error *reterr)
{
	struct subject s;
	enum prove_verdict verdict = PROVE_WRONG;
	bool relay_right = false;

	if (!load(r, tx, now, &s, reterr) ||
	    !check_relay(r, tx, &s.account, &relay_right, reterr) ||
	    !try_key(r, &s.now, &verdict, reterr))
		return false;
	if (verdict != PROVE_RIGHT || !relay_right)
		return conclude_wrong(r, tx, &s, now, reterr);
	return conclude_right(r, tx, &s, now, reterr);
}

static bool
redeem_inside(
    struct sql *tx, int64_t now_ms, void *ctx, bool *keep, struct error *reterr)
{
	struct redeeming *r = ctx;
	struct error why = { 0 };

	(void)keep;
	if (!sts_check_secret(r->s, tx, reterr) ||
	    !sts_spend(tx, &r->open.challenge, now_ms, reterr) ||
	    !store_savepoint(tx, reterr))
		return false;
	if (judge(r, tx, now_ms / 1000, &why))
		return true;
	if (why.code == ERR_SYSTEM_STORE)
		return error_set(reterr, why.code, SPAN_NONE, "%s", why.msg);
	r->why = why;
	r->alarm = (struct sts_alarm){ 0 };
	return store_savepoint_undo(tx, reterr);
}

/* ---- around it
 * ---------------------------------------------------------------------
 */

bool
sts_open_answer(struct sts *s, struct arena *a, const struct prove_answer *q,
    const struct sts_caller *caller, struct sts_redeemed *ret,
    struct error *reterr)
{
	const struct challenge_for whom = { q->role, q->method, q->account,
		q->audience };
	struct sts_redeemed open = { 0 };
	struct buf b = { 0 };
	bool ok;

	if (!goes_together(q->role, q->method))
		return error_set(reterr, ERR_EVIDENCE_PROOF, SPAN_NONE,
		    "the proof does not hold");
	if (!challenge_open(s->keys.challenge, &whom, q->challenge,
		&open.challenge, reterr))
		return false;
	ok = prove_message(q, s->url, caller->channel, &b);
	if (ok)
		open.message = str_dup(a, buf_str(&b));
	buf_free(&b);
	rate_print_source(&b, &caller->source);
	if (ok && buf_ok(&b))
		open.source = str_dup(a, buf_str(&b));
	buf_free(&b);
	if (!open.message.p || !open.source.p)
		return error_nomem(reterr);
	*ret = open;
	return true;
}

static bool
prepare(struct redeeming *r, struct error *reterr)
{
	if (r->answer->role == PROVE_ATTEST)
		return error_set(reterr, ERR_EVIDENCE_PROOF, SPAN_NONE,
		    "the proof does not hold");
	return sts_open_answer(
	    r->s, r->a, r->answer, r->caller, &r->open, reterr);
}

static void
count(struct sts *s, const struct redeeming *r)
{
	s->counts.right++;
	if (r->answer->role == PROVE_ENROL)
		s->counts.enrolments++;
	if (r->options)
		s->counts.tokens++;
}

/* Rows that are past go by themselves on a busy node; a failure to remove them
 * is no failure of this answer. */
static void
purge_sometimes(struct sts *s)
{
	struct error unheard = { 0 };

	if (++s->counts.answers % PURGE_EVERY == 0 && !sts_purge(s, &unheard))
		return;
}

static bool
redeem(struct redeeming *r, struct error *reterr)
{
	if (!prepare(r, reterr) ||
	    !store_transact(r->s->store, redeem_inside, r, reterr))
		return false;
	sts_tell_alarm(r->s, &r->alarm);
	if (r->why.code != ERR_NONE)
		return error_set(
		    reterr, r->why.code, SPAN_NONE, "%s", r->why.msg);
	return true;
}

bool
sts_count_before(struct sts *s, const struct prove_answer *answer,
    const struct sts_caller *caller, struct error *reterr)
{
	if (!rate_take(s->rate, &caller->source, answer->account,
		clock_now_ms(s->clock), reterr)) {
		s->counts.limited++;
		return false;
	}
	purge_sometimes(s);
	return true;
}

void
sts_count_after(struct sts *s, const struct prove_answer *answer,
    const struct sts_caller *caller, bool ok)
{
	if (ok)
		rate_give(s->rate, &caller->source, answer->account,
		    clock_now_ms(s->clock));
	else
		s->counts.refused++;
}

static bool
redeem_limited(struct redeeming *r, struct sts_grant *ret, struct error *reterr)
{
	bool ok;

	if (!sts_count_before(r->s, r->answer, r->caller, reterr))
		return false;
	ok = redeem(r, reterr);
	sts_count_after(r->s, r->answer, r->caller, ok);
	if (!ok)
		return false;
	count(r->s, r);
	*ret = r->grant;
	return true;
}

bool
sts_attempt(struct sts *s, const struct net_addr *source, struct error *reterr)
{
	if (rate_take(s->rate, source, STR(""), clock_now_ms(s->clock), reterr))
		return true;
	s->counts.limited++;
	return false;
}

void
sts_attempt_right(struct sts *s, const struct net_addr *source)
{
	rate_give(s->rate, source, STR(""), clock_now_ms(s->clock));
}

bool
sts_token(struct sts *s, struct arena *a, const struct prove_answer *answer,
    const struct sts_caller *caller, const struct sts_token_options *options,
    struct sts_grant *ret, struct error *reterr)
{
	struct redeeming r = { .s = s,
		.a = a,
		.answer = answer,
		.caller = caller,
		.options = options };

	return redeem_limited(&r, ret, reterr);
}

bool
sts_authenticate(struct sts *s, struct arena *a,
    const struct prove_answer *answer, const struct sts_caller *caller,
    struct sts_grant *ret, struct error *reterr)
{
	struct redeeming r = {
		.s = s, .a = a, .answer = answer, .caller = caller
	};

	if (answer->role != PROVE_ACCOUNT || !str_eq(answer->audience, s->url))
		return error_set(reterr, ERR_EVIDENCE_PROOF, SPAN_NONE,
		    "the proof does not hold");
	return redeem_limited(&r, ret, reterr);
}
