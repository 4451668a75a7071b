/* sts_issue.c - tokens as they leave: signed, noted, so that they end with the
 * key they were issued to, and offered at the broker (S4, S6, S8, S9). */
#include "attest/sts.h"

#include "attest/sts_private.h"
#include "base/digest.h"
#include "base/limits.h"

_Static_assert(LIMIT_TOKEN_LIFE_S == TOKEN_LIFETIME_MOST_S, "one limit");

#define JTI_BYTES 16

bool
sts_check_options(const struct sts_token_options *options, struct error *reterr)
{
	int64_t most = options->lifetime_most_s ? options->lifetime_most_s
						: TOKEN_LIFETIME_MOST_S;

	if (options->ring && options->lifetime_s >= 0 &&
	    options->lifetime_s <= most && most <= TOKEN_LIFETIME_MOST_S)
		return true;
	return error_set(reterr, ERR_USAGE, SPAN_NONE,
	    "`lifetime`: tokens live at most %lld s here", (long long)most);
}

static bool
text_digest(
    struct str text, struct arena *a, struct str *ret, struct error *reterr)
{
	uint8_t digest[32];

	if (!digest_sha256(&text, 1, digest))
		return error_set(reterr, ERR_SYSTEM_ERROR, SPAN_NONE,
		    "cannot make a digest");
	*ret = str_dup(a, (struct str){ (const char *)digest, sizeof digest });
	return ret->p || error_nomem(reterr);
}

static bool
new_jti(struct sts *s, struct arena *a, struct str *ret, struct error *reterr)
{
	uint8_t bytes[JTI_BYTES];
	char hex[2 * JTI_BYTES + 1];

	if (!secret_random(&s->random, bytes, sizeof bytes, reterr))
		return false;
	digest_hex(bytes, sizeof bytes, hex);
	*ret = str_dup(a, str_of(hex));
	return ret->p || error_nomem(reterr);
}

static bool
sign(struct sts *s, struct arena *a, const struct sts_issue *what,
    struct sts_grant *g, struct error *reterr)
{
	const struct token t = {
		.type = TOKEN_FULL,
		.issuer = s->issuer,
		.subject = what->account,
		.trust_domain = s->trust_domain,
		.audience = what->audience,
		.id = g->jti,
		.issued_at = g->issued_at,
		.not_before = g->issued_at,
		.expires_at = g->expires_at,
		.jkt = what->jkt,
		.incarnation = what->incarnation,
		.claims = what->options->claims,
	};
	struct buf text = { 0 };
	bool ok = token_issue(what->options->ring, &t, &text, reterr);

	if (ok)
		g->token = str_dup(a, buf_str(&text));
	buf_free(&text);
	return ok && (g->token.p || error_nomem(reterr));
}

bool
sts_put_offer(struct sts *s, struct sql *tx, const struct store_issued *issued,
    struct str token, struct error *reterr)
{
	const struct secret_purpose purpose = { STS_OFFER, issued->account,
		issued->audience };
	struct buf sealed = { 0 };
	bool ok;

	if (token.n > LIMIT_OFFER_BYTES)
		return error_set(reterr, ERR_EVIDENCE_TOO_LARGE, SPAN_NONE,
		    "a token of %zu bytes, the limit is %u", token.n,
		    LIMIT_OFFER_BYTES);
	if (!sts_check_secret(s, tx, reterr))
		return false;
	ok =
	    secret_seal(&s->keys, &s->random, &purpose, token, &sealed, reterr);
	if (ok) {
		const struct store_offer offer = { .account = issued->account,
			.audience = issued->audience,
			.jti = issued->jti,
			.sealed = buf_str(&sealed),
			.expires_at = issued->expires_at };

		ok = store_offer_put(tx, &offer, reterr);
	}
	buf_free(&sealed);
	return ok;
}

bool
sts_issue_token(struct sts *s, struct sql *tx, struct arena *a,
    const struct sts_issue *what, int64_t now_unix_s, struct sts_grant *ret,
    struct error *reterr)
{
	int64_t life = what->options->lifetime_s ? what->options->lifetime_s
						 : TOKEN_LIFETIME_S;
	struct sts_grant g = { .actor = { STS_ACCOUNT, what->account,
				   what->incarnation },
		.issued_at = now_unix_s,
		.expires_at = now_unix_s + life };
	struct store_issued issued = { .account = what->account,
		.audience = what->audience,
		.incarnation = what->incarnation,
		.expires_at = g.expires_at };

	if (!new_jti(s, a, &g.jti, reterr) || !sign(s, a, what, &g, reterr) ||
	    !text_digest(g.token, a, &issued.digest, reterr))
		return false;
	issued.jti = g.jti;
	if (!store_issued_insert(tx, &issued, reterr) ||
	    (what->options->offer &&
		!sts_put_offer(s, tx, &issued, g.token, reterr)))
		return false;
	*ret = g;
	return true;
}

/* ---- the combined manager
 * ---------------------------------------------------------
 */

struct provisioning {
	struct sts *s;
	struct arena *a;
	struct sts_creating creating;
	const struct sts_token_options *options;
	struct sts_account account;
	struct sts_grant grant;
};

static bool
check_may_issue(struct sql *tx, struct provisioning *p, struct error *reterr)
{
	struct store_account self;

	if (!sts_check_actor(tx, p->a, p->creating.actor, &self, reterr))
		return false;
	return (p->creating.actor->rank == STS_ACCOUNT && self.may_issue) ||
	       error_set(reterr, ERR_ACCOUNT_AUTHORITY, SPAN_NONE,
		   "the controller may not issue when it provisions");
}

/* The key of a new account; of a repeated request, that it is still the one. */
static bool
give_key(struct sql *tx, struct provisioning *p, struct store_account *row,
    struct store_repeat *repeat, bool created, int64_t now_unix_s,
    struct str *ret_jkt, struct error *reterr)
{
	if (!created) {
		*ret_jkt = row->thumbprint;
		return (sts_may_prove(row) &&
			   row->method != PROVE_METHOD_NONE &&
			   row->incarnation != 0 &&
			   row->incarnation == repeat->incarnation) ||
		       error_set(reterr, ERR_EVIDENCE_REVOKED, SPAN_NONE,
			   "the account was disabled or moved since");
	}
	if (!sts_register(
		tx, p->a, row, p->creating.spki, now_unix_s, ret_jkt, reterr) ||
	    !store_account_update(tx, row, reterr))
		return false;
	repeat->incarnation = row->incarnation;
	return repeat->name.n == 0 || store_repeat_put(tx, repeat, reterr);
}

static bool
provision_inside(
    struct sql *tx, int64_t now_ms, void *ctx, bool *keep, struct error *reterr)
{
	struct provisioning *p = ctx;
	struct store_account row;
	struct store_repeat repeat;
	struct sts_issue what = { .account = p->creating.what->id,
		.audience = p->creating.audience,
		.options = p->options };
	int64_t now = now_ms / 1000;
	bool created = false;

	(void)keep;
	if (!check_may_issue(tx, p, reterr) ||
	    !sts_create_in(
		tx, p->a, &p->creating, now, &row, &repeat, &created, reterr) ||
	    !give_key(tx, p, &row, &repeat, created, now, &what.jkt, reterr))
		return false;
	what.incarnation = row.incarnation;
	if (created && !sts_note_change(tx, p->creating.actor,
			   "instance.provision", row.id, reterr))
		return false;
	return sts_issue_token(p->s, tx, p->a, &what, now, &p->grant, reterr) &&
	       sts_read_account(tx, p->a, row.id, &p->account, reterr);
}

bool
sts_provision(struct sts *s, struct arena *a, const struct sts_actor *actor,
    const struct sts_provision *what, const struct sts_token_options *options,
    struct sts_account *ret_account, struct sts_grant *ret,
    struct error *reterr)
{
	struct provisioning p = { .s = s,
		.a = a,
		.creating = { actor, &what->account, what->spki,
		    what->audience },
		.options = options };

	if (!sts_check_new(&what->account, reterr) ||
	    !sts_check_options(options, reterr) ||
	    !store_transact(s->store, provision_inside, &p, reterr))
		return false;
	s->counts.tokens++;
	*ret_account = p.account;
	*ret = p.grant;
	return true;
}

/* ---- tokens made from others
 * -------------------------------------------------------
 */

struct noting {
	const struct token *token;
	struct str compact;
	struct arena *a;
};

static bool
note_inside(
    struct sql *tx, int64_t now_ms, void *ctx, bool *keep, struct error *reterr)
{
	struct noting *n = ctx;
	const struct sts_actor actor = { STS_ACCOUNT, n->token->subject,
		n->token->incarnation };
	struct store_issued issued = { .jti = n->token->id,
		.account = n->token->subject,
		.audience = n->token->audience,
		.incarnation = n->token->incarnation,
		.expires_at = n->token->expires_at };
	struct store_account row;

	(void)now_ms;
	(void)keep;
	return sts_check_actor(tx, n->a, &actor, &row, reterr) &&
	       text_digest(n->compact, n->a, &issued.digest, reterr) &&
	       store_issued_insert(tx, &issued, reterr);
}

bool
sts_token_note(struct sts *s, const struct token *t, struct str compact,
    struct error *reterr)
{
	struct noting n = { t, compact, arena_new(0) };
	bool ok = n.a ? store_transact(s->store, note_inside, &n, reterr)
		      : error_nomem(reterr);

	arena_free(n.a);
	return ok;
}

/* ---- the broker
 * ---------------------------------------------------------------------
 */

struct brokering {
	struct sts *s;
	struct arena *a;
	const struct sts_actor *actor;
	struct str token, account, audience;
	int64_t expires_at;
};

static bool
check_offer(const struct brokering *b, bool found,
    const struct store_issued *issued, int64_t now_unix_s, struct error *reterr)
{
	if (!found || b->actor->rank != STS_ACCOUNT ||
	    !str_eq(issued->account, b->actor->account) ||
	    issued->incarnation != b->actor->incarnation)
		return error_set(reterr, ERR_EVIDENCE_KEY, SPAN_NONE,
		    "not a token that this service issued to who offers it");
	if (issued->expires_at <= now_unix_s)
		return error_set(reterr, ERR_EVIDENCE_EXPIRED, SPAN_NONE,
		    "the token has expired");
	return true;
}

static bool
offer_inside(
    struct sql *tx, int64_t now_ms, void *ctx, bool *keep, struct error *reterr)
{
	struct brokering *b = ctx;
	struct store_account self;
	struct store_issued issued = { 0 };
	struct str digest = { 0 };
	bool found = false;

	(void)keep;
	return sts_check_actor(tx, b->a, b->actor, &self, reterr) &&
	       text_digest(b->token, b->a, &digest, reterr) &&
	       store_issued_find(tx, b->a, digest, &issued, &found, reterr) &&
	       check_offer(b, found, &issued, now_ms / 1000, reterr) &&
	       sts_put_offer(b->s, tx, &issued, b->token, reterr);
}

bool
sts_offer(struct sts *s, const struct sts_actor *actor, struct str token,
    struct error *reterr)
{
	struct brokering b = {
		.s = s, .a = arena_new(0), .actor = actor, .token = token
	};
	bool ok = b.a ? store_transact(s->store, offer_inside, &b, reterr)
		      : error_nomem(reterr);

	arena_free(b.a);
	return ok;
}

static bool
pick_inside(
    struct sql *tx, int64_t now_ms, void *ctx, bool *keep, struct error *reterr)
{
	struct brokering *b = ctx;
	struct store_account self = { 0 };
	struct store_offer offer = { 0 };
	struct secret_purpose purpose = { .what = STS_OFFER };
	bool found = false;

	*keep = false;
	if (!sts_check_actor(tx, b->a, b->actor, &self, reterr))
		return false;
	b->audience = self.audience.n > 0 ? self.audience : self.id;
	if (b->audience.n > 0 &&
	    !store_offer_find(tx, b->a, b->account, b->audience, now_ms / 1000,
		&offer, &found, reterr))
		return false;
	if (!found)
		return error_set(reterr, ERR_ACCOUNT_UNKNOWN, SPAN_NONE,
		    "nothing is offered there for who asks");
	purpose.account = offer.account;
	purpose.detail = offer.audience;
	b->expires_at = offer.expires_at;
	return secret_unseal(
	    b->a, &b->s->keys, &purpose, offer.sealed, &b->token, reterr);
}

bool
sts_pick(struct sts *s, struct arena *a, const struct sts_actor *actor,
    struct str account, struct str *ret_token, int64_t *ret_expires_at,
    struct error *reterr)
{
	struct brokering b = {
		.s = s, .a = a, .actor = actor, .account = account
	};

	if (!store_transact(s->store, pick_inside, &b, reterr))
		return false;
	*ret_token = b.token;
	*ret_expires_at = b.expires_at;
	return true;
}

static bool
withdraw_inside(
    struct sql *tx, int64_t now_ms, void *ctx, bool *keep, struct error *reterr)
{
	struct brokering *b = ctx;
	struct store_account row;

	(void)now_ms;
	(void)keep;
	if (b->actor->rank == STS_ACCOUNT &&
	    str_eq(b->actor->account, b->account)) {
		if (!sts_check_actor(tx, b->a, b->actor, &row, reterr))
			return false;
	} else if (!sts_find_managed(
		       tx, b->a, b->actor, b->account, 0, &row, reterr)) {
		return false;
	}
	return store_offer_delete(tx, b->account, b->audience, reterr);
}

bool
sts_withdraw(struct sts *s, const struct sts_actor *actor, struct str account,
    struct str audience, struct error *reterr)
{
	struct brokering b = { .s = s,
		.a = arena_new(0),
		.actor = actor,
		.account = account,
		.audience = audience };
	bool ok = b.a ? store_transact(s->store, withdraw_inside, &b, reterr)
		      : error_nomem(reterr);

	arena_free(b.a);
	return ok;
}
