/* sts_enrol.c - a cloud's evidence and a fresh key in, an account bound to that
 * key out (S2, SECURITY 10).
 * Evidence is a bearer secret that every local user of an instance may read,
 * and EC2's never ends: so it only enrols, and its first use counts. What is
 * bound is the instance as the cloud names it (issuer, owner, region, id) to
 * one live key, by unique insert; the store lets one of two nodes win.
 *   before the transaction   whose challenge, evidence, address, proof of the
 * key inside it                the challenge is spent, whatever came of that;
 * then revocations, the controller, the binding
 * What is revoked is asked of the store in the same transaction, not of a list
 * that is seconds old. Cost: one verification of evidence, one signature. */
#include "attest/sts.h"

#include "attest/kind.h"
#include "attest/prove_check.h"
#include "attest/sts_private.h"
#include "base/limits.h"
#include "store/documents.h"

struct enrolling {
	struct sts *s;
	struct arena *a;
	const struct sts_enrolling *what;
	const struct sts_caller *caller;
	struct sts_redeemed open;
	const struct sts_enrol_rule *rule;
	struct str key_id, document_id; /* of the evidence */
	struct store_binding
	    binding; /* as the evidence has it; then as stored */
	/* What came of it. */
	struct error why;
	struct store_account row;
	bool found, is_bound, created;
	struct sts_alarm alarm;
	struct sts_account account;
};

/* Refused, and what is done so far stays: true. */
static bool
refuse(struct enrolling *e, enum err_code code, const char *why)
{
	(void)error_set(&e->why, code, SPAN_NONE, "%s", why);
	return true;
}

/* Of the asker, not of us: what failed here is no refusal, and is undone. */
static bool
is_refusal(enum err_code code)
{
	switch ((int)code) {
	case ERR_KEY_FORM:
		return true;
	case ERR_SYSTEM_STORE:
	case ERR_SYSTEM_LOG:
	case ERR_SYSTEM_LIMIT:
	case ERR_SYSTEM_NOT_READY:
	case ERR_SYSTEM_ERROR:
		return false;
	default:
		return error_http(code) != 0;
	}
}

static bool
refuse_as(struct enrolling *e, const struct error *why, struct error *reterr)
{
	if (is_refusal(why->code))
		return refuse(e, why->code, why->msg);
	return error_set(reterr, why->code, SPAN_NONE, "%s", why->msg);
}

/* ---- before the transaction -------------------------------------------------
 */

static bool
find_rule(struct enrolling *e, struct str prefix)
{
	for (size_t i = 0; i < e->what->n_rules; i++)
		if (str_eq(e->what->rules[i].prefix, prefix)) {
			e->rule = &e->what->rules[i];
			return true;
		}
	return refuse(e, ERR_ACCOUNT_AUTHORITY,
	    "evidence of this trust entry does not enrol");
}

/* Asked for just now: a cloud that takes a nonce signed after we gave it. */
static bool
check_fresh(struct enrolling *e, const struct claims *c)
{
	const struct challenge *challenge = &e->open.challenge;
	int64_t made = (challenge->expires_at_ms - challenge->life_ms) / 1000;
	int64_t issued_at = 0;

	if (!str_eq(claims_kind(c), STR(KIND_AZURE)))
		return true;
	return (claims_issued_at(c, &issued_at) &&
		   issued_at >= made - LIMIT_SKEW_S) ||
	       refuse(e, ERR_EVIDENCE_REPLAYED,
		   "the document is older than the challenge");
}

/* Google's is for our audience, Azure's carries our nonce; neither ever names
 * an address. Of EC2's, which anybody may be shown, the address is all there
 * is. */
static bool
is_asked_for(const struct claims *c)
{
	return str_eq(claims_kind(c), STR(KIND_GCP)) ||
	       str_eq(claims_kind(c), STR(KIND_AZURE));
}

/* SECURITY 2: what is copied from an instance is not shown from it. */
static bool
check_address(struct enrolling *e, const struct claims *c)
{
	struct net_addr attested = claims_address(c);

	if (e->rule->any_address || (attested.family == 0 && is_asked_for(c)))
		return true;
	if (attested.family == 0)
		return refuse(e, ERR_REQUIREMENT_ADDRESS,
		    "the evidence names no address that it could be shown "
		    "from");
	return net_addr_eq(&attested, &e->caller->source) ||
	       refuse(e, ERR_REQUIREMENT_ADDRESS,
		   "the evidence is shown from another address than it names");
}

static bool
copy_claims(struct enrolling *e, const struct claims *c, struct error *reterr)
{
	struct store_binding *b = &e->binding;
	json_t *said = claims_to_json(c);

	if (!said)
		return error_nomem(reterr);
	b->issuer = claims_issuer(c);
	b->owner = str_dup(e->a, json_str(json_object_get(said, "owner")));
	b->region = str_dup(e->a, json_str(json_object_get(said, "region")));
	json_decref(said);
	b->instance = claims_subject(c);
	b->principal = claims_principal(c).id;
	b->account = e->what->answer->account;
	e->key_id = claims_key_id(c);
	e->document_id = claims_document_id(c);
	return (b->owner.p && b->region.p) || error_nomem(reterr);
}

static bool
judge_evidence(struct enrolling *e, struct error *reterr)
{
	char digits[CHALLENGE_DIGITS + 1];
	const struct attest_context ctx = { .trust = e->what->trust,
		.now_unix_s = clock_now_ms(e->s->clock) / 1000,
		.nonce = { digits, CHALLENGE_DIGITS },
		.audience = e->s->url };
	struct attest_context without = ctx;
	const struct claims *c;
	struct error why = { 0 };
	struct str id;

	if (!challenge_digits(e->what->answer->challenge, digits, reterr))
		return false;
	if (!str_eq(e->what->evidence->kind, STR(KIND_AZURE)))
		without.nonce = (struct str){ 0 };
	if (!attest_verify(e->a, e->what->evidence, &without, &c, &why))
		return refuse_as(e, &why, reterr);
	id = claims_principal(c).id;
	if (!find_rule(e, str_sub(id, 0, id.n - claims_subject(c).n)) ||
	    !copy_claims(e, c, reterr))
		return false;
	return (e->why.code == ERR_NONE ? check_fresh(e, c) : true) &&
	       (e->why.code == ERR_NONE ? check_address(e, c) : true);
}

static bool
judge_proof(struct enrolling *e, struct error *reterr)
{
	const struct prove_answer *q = e->what->answer;
	const struct prove_check_key key = { .method = q->method,
		.spki = q->key };
	enum prove_verdict verdict = PROVE_WRONG;

	if (!prove_check(q, e->open.message, &key, &verdict, reterr))
		return false;
	/* The evidence and the key are the caller's own: nobody relays. */
	if (verdict == PROVE_RIGHT && q->relay.n == 0 && !e->caller->relay &&
	    str_eq(q->audience, e->s->url))
		return true;
	return refuse(e, ERR_EVIDENCE_PROOF, "the proof does not hold");
}

/* ---- inside it --------------------------------------------------------------
 */

/* That it was evicted does not count: this is how it returns. */
static bool
check_revoked(
    struct enrolling *e, struct sql *tx, int64_t now, struct error *reterr)
{
	const struct {
		const char *kind;
		struct str id;
	} named[] = {
		{ "instance", e->binding.principal },
		{ "account", e->binding.account },
		{ "document", e->document_id },
		{ "key", e->key_id },
		{ "key", e->what->answer->jkt },
	};
	bool is_revoked = false;

	(void)now;
	for (size_t i = 0; i < ARRAY_LEN(named) && !is_revoked; i++)
		if (!store_is_revoked(tx, str_of(named[i].kind), named[i].id,
			STS_EVICTED, &is_revoked, reterr))
			return false;
	return !is_revoked ||
	       refuse(e, ERR_EVIDENCE_REVOKED,
		   "the instance, its account or the key is revoked");
}

/* The account is the controller's prefix and the instance's id: nobody chooses
 * it, and two controllers never meet. */
static bool
check_controller(
    struct enrolling *e, struct sql *tx, int64_t now, struct error *reterr)
{
	struct store_account c = { 0 };
	struct str id = e->binding.account;
	bool found = false;

	(void)now;
	if (!store_account_find(
		tx, e->a, e->rule->controller, &c, &found, reterr))
		return false;
	if (!found || c.kind != STS_CONTROLLER || !sts_may_prove(&c))
		return refuse(e, ERR_ACCOUNT_AUTHORITY,
		    "the controller that this evidence enrols for is not "
		    "there, or not enabled");
	if (id.n != c.prefix.n + e->binding.instance.n ||
	    !str_has_prefix(id, c.prefix) ||
	    !str_has_suffix(id, e->binding.instance))
		return refuse(e, ERR_EVIDENCE_INSTANCE,
		    "the account is not the controller's prefix and the id of "
		    "the instance that the evidence names");
	return true;
}

static bool
load(struct enrolling *e, struct sql *tx, int64_t now, struct error *reterr)
{
	struct store_binding stored = { 0 };
	bool is_group = false;

	(void)now;
	if (!store_group_is(tx, e->binding.account, &is_group, reterr) ||
	    !store_account_find(
		tx, e->a, e->binding.account, &e->row, &e->found, reterr) ||
	    !store_binding_find(
		tx, e->a, &e->binding, &stored, &e->is_bound, reterr))
		return false;
	if (is_group || e->is_bound != e->found ||
	    (e->is_bound && !str_eq(stored.account, e->row.id)))
		return refuse(e, ERR_ACCOUNT_EXISTS,
		    "the account or the instance was known before, and not by "
		    "this evidence");
	if (!e->is_bound)
		return true;
	e->binding = stored;
	if (!e->row.is_enabled ||
	    (e->row.standing != STS_STANDS && e->row.standing != STS_EVICTED))
		return refuse(e, ERR_EVIDENCE_REVOKED,
		    "the account is disabled or banned");
	return true;
}

/* A bound instance with another key than the live one. */
static bool
check_key(
    struct enrolling *e, struct sql *tx, int64_t now, struct error *reterr)
{
	struct store_key live = { 0 };
	bool found = false;

	if (!e->is_bound)
		return true;
	if (!store_key_live(tx, e->a, e->row.id, &live, &found, reterr))
		return false;
	if (!found)
		return e->binding.is_open ||
		       refuse(e, ERR_ACCOUNT_AUTHORITY,
			   "the key that the instance was bound to was ended; "
			   "an operator's `avow account reattest` lets the "
			   "next "
			   "one in");
	if (str_eq(live.thumbprint, e->what->answer->jkt))
		return true;
	return sts_raise_alarm(tx, STS_ALARM_OTHER_KEY, &live, e->open.source,
		   now, &e->alarm, reterr) &&
	       refuse(e, ERR_ACCOUNT_LIVE,
		   "the instance is bound to another key; an operator's `avow "
		   "account reattest` releases it");
}

static bool
register_key(
    struct enrolling *e, struct sql *tx, int64_t now, struct error *reterr)
{
	struct error why = { 0 };
	struct str jkt;

	if (e->is_bound && e->row.method != PROVE_METHOD_NONE)
		return true;
	if (!e->is_bound)
		e->row = (struct store_account){ .id = e->binding.account,
			.kind = STS_INSTANCE,
			.owner = e->rule->controller,
			.is_enabled = true,
			.created_at = now };
	e->created = true;
	return sts_register(
		   tx, e->a, &e->row, e->what->answer->key, now, &jkt, &why) ||
	       refuse_as(e, &why, reterr);
}

/* Both were looked for in this transaction, and nobody else writes: a row that
 * is there all the same is the database's refusal, and undoes everything. */
static bool
insert_both(
    struct enrolling *e, struct sql *tx, int64_t now, struct error *reterr)
{
	bool account = false, binding = false;

	e->binding.bound_at = now;
	e->row.version = 1;
	e->row.changed_at = now;
	return store_account_insert(tx, &e->row, &account, reterr) &&
	       store_binding_insert(tx, &e->binding, &binding, reterr) &&
	       ((account && binding) ||
		   error_set(reterr, ERR_ACCOUNT_EXISTS, SPAN_NONE,
		       "the account or the instance is bound already"));
}

static bool
update_both(
    struct enrolling *e, struct sql *tx, int64_t now, struct error *reterr)
{
	if (!e->created && e->row.standing == STS_STANDS)
		return true;
	e->row.standing = STS_STANDS;
	e->row.version++;
	e->row.changed_at = now;
	return store_binding_open(tx, e->row.id, false, reterr) &&
	       store_account_update(tx, &e->row, reterr);
}

/* What an eviction revoked counts again, but for the tokens. */
static bool
settle(struct enrolling *e, struct sql *tx, int64_t now, struct error *reterr)
{
	const struct sts_actor self = { .rank = STS_ACCOUNT,
		.account = e->row.id };
	bool changes = e->created || e->row.standing != STS_STANDS;

	if (changes &&
	    !sts_note_change(tx, &self, "account.enrol", e->row.id, reterr))
		return false;
	return (e->is_bound ? update_both(e, tx, now, reterr)
			    : insert_both(e, tx, now, reterr)) &&
	       store_standing_lift(
		   tx, STR("instance"), e->binding.principal, reterr) &&
	       store_standing_lift(tx, STR("account"), e->row.id, reterr) &&
	       store_standing_lift(
		   tx, STR("key"), e->what->answer->jkt, reterr) &&
	       sts_read_account(tx, e->a, e->row.id, &e->account, reterr);
}

static bool (*const steps[])(struct enrolling *, struct sql *,
    int64_t now_unix_s, struct error *) = { check_revoked, check_controller,
	load, check_key, register_key, settle };

static bool
judge(struct enrolling *e, struct sql *tx, int64_t now, struct error *reterr)
{
	for (size_t i = 0; e->why.code == ERR_NONE && i < ARRAY_LEN(steps); i++)
		if (!steps[i](e, tx, now, reterr))
			return false;
	return true;
}

/* The challenge is spent whatever comes of it; half an enrolment is undone. */
static bool
enrol_inside(
    struct sql *tx, int64_t now_ms, void *ctx, bool *keep, struct error *reterr)
{
	struct enrolling *e = ctx;
	struct error why = { 0 };

	(void)keep;
	if (!sts_check_secret(e->s, tx, reterr) ||
	    !sts_spend(tx, &e->open.challenge, now_ms, reterr) ||
	    !store_savepoint(tx, reterr))
		return false;
	if (judge(e, tx, now_ms / 1000, &why))
		return true;
	if (why.code == ERR_SYSTEM_STORE)
		return error_set(reterr, why.code, SPAN_NONE, "%s", why.msg);
	e->why = why;
	e->alarm = (struct sts_alarm){ 0 };
	return store_savepoint_undo(tx, reterr);
}

/* ---- around it --------------------------------------------------------------
 */

static bool
enrol(struct enrolling *e, struct error *reterr)
{
	if (!sts_open_answer(
		e->s, e->a, e->what->answer, e->caller, &e->open, reterr) ||
	    !judge_proof(e, reterr) ||
	    (e->why.code == ERR_NONE && !judge_evidence(e, reterr)) ||
	    !store_transact(e->s->store, enrol_inside, e, reterr))
		return false;
	sts_tell_alarm(e->s, &e->alarm);
	return e->why.code == ERR_NONE ||
	       error_set(reterr, e->why.code, SPAN_NONE, "%s", e->why.msg);
}

bool
sts_enrol(struct sts *s, struct arena *a, const struct sts_enrolling *what,
    const struct sts_caller *caller, struct sts_account *ret, bool *ret_created,
    struct error *reterr)
{
	struct enrolling e = { .s = s, .a = a, .what = what, .caller = caller };
	bool ok;

	if (what->answer->role != PROVE_ATTEST)
		return error_set(reterr, ERR_EVIDENCE_PROOF, SPAN_NONE,
		    "the proof does not hold");
	if (!sts_count_before(s, what->answer, caller, reterr))
		return false;
	ok = enrol(&e, reterr);
	sts_count_after(s, what->answer, caller, ok);
	if (!ok)
		return false;
	s->counts.right++;
	if (e.created)
		s->counts.enrolments++;
	*ret = e.account;
	*ret_created = e.created;
	return true;
}
