/* sts_standing.c - evict (may return), ban (may not), reattest (the next key
 * may), by the operator (SECURITY 10).
 * An account's standing is a column of its row, which every call that proves
 * somebody reads in its transaction. What gates see is revoked beside it: the
 * instance that the account's evidence names, the account, the key that its
 * documents and tokens are bound to; those rows carry the standing, so that
 * they go when it ends, and what was revoked by itself stays. */
#include "attest/sts.h"

#include "attest/sts_private.h"

struct standing {
	struct arena *a;
	const struct sts_actor *actor;
	struct str id;
	enum sts_verb verb;
	int64_t if_version;
	struct sts_account account;
};

static bool
no_authority(const char *why, struct error *reterr)
{
	return error_set(reterr, ERR_ACCOUNT_AUTHORITY, SPAN_NONE, "%s", why);
}

/* The rows that gates read. HMAC keys are no keys of documents. */
static bool
revoke(struct sql *tx, const struct store_account *row, int64_t now,
    struct error *reterr)
{
	bool has_key = row->method > PROVE_HMAC;

	return store_standing_put(
		   tx, STR("account"), row->id, row->standing, now, reterr) &&
	       (row->principal.n == 0 ||
		   store_standing_put(tx, STR("instance"), row->principal,
		       row->standing, now, reterr)) &&
	       (!has_key || store_standing_put(tx, STR("key"), row->thumbprint,
				row->standing, now, reterr));
}

static bool
lift(struct sql *tx, const struct store_account *row, struct error *reterr)
{
	return store_standing_lift(tx, STR("account"), row->id, reterr) &&
	       store_standing_lift(
		   tx, STR("instance"), row->principal, reterr) &&
	       store_standing_lift(tx, STR("key"), row->thumbprint, reterr);
}

/* ---- verbs ------------------------------------------------------------------
 */

/* What has no evidence comes back by the next proof of its key. */
static bool
evict(struct sql *tx, struct store_account *row, int64_t now,
    struct error *reterr)
{
	if (row->standing != STS_STANDS && row->standing != STS_EVICTED)
		return no_authority("it is banned, which is more", reterr);
	if (!store_issued_revoke(tx, row->id, STR(""), now, reterr))
		return false;
	if (row->principal.n == 0)
		return true;
	row->standing = STS_EVICTED;
	return revoke(tx, row, now, reterr);
}

static bool
ban(struct sql *tx, struct store_account *row, int64_t now,
    struct error *reterr)
{
	row->standing = STS_BANNED;
	return store_issued_revoke(tx, row->id, STR(""), now, reterr) &&
	       revoke(tx, row, now, reterr);
}

static bool
unban(struct sql *tx, struct store_account *row, int64_t now,
    struct error *reterr)
{
	if (row->standing == STS_STANDS || row->standing == STS_EVICTED)
		return no_authority("it is not banned", reterr);
	row->standing = STS_STANDS;
	return lift(tx, row, reterr) && evict(tx, row, now, reterr);
}

static bool
reattest(struct sql *tx, struct store_account *row, int64_t now,
    struct error *reterr)
{
	struct str key = row->method == PROVE_HMAC ? STR("") : row->thumbprint;

	if (row->principal.n == 0)
		return no_authority("it was not enrolled by evidence; a move "
				    "replaces its key",
		    reterr);
	if (row->standing != STS_STANDS && row->standing != STS_EVICTED)
		return no_authority(
		    "it is banned; `unban` comes first", reterr);
	row->incarnation = 0;
	return store_key_end(tx, row->id, reterr) &&
	       store_enrolment_delete(tx, row->id, reterr) &&
	       store_standing_lift(tx, STR("key"), key, reterr) &&
	       store_issued_revoke(tx, row->id, key, now, reterr) &&
	       store_binding_open(tx, row->id, true, reterr);
}

static bool (*const verbs[])(struct sql *, struct store_account *,
    int64_t now_unix_s, struct error *) = {
	[STS_EVICT] = evict,
	[STS_BAN] = ban,
	[STS_UNBAN] = unban,
	[STS_REATTEST] = reattest,
};

static const char *const changes[] = {
	[STS_EVICT] = "account.evict",
	[STS_BAN] = "account.ban",
	[STS_UNBAN] = "account.unban",
	[STS_REATTEST] = "account.reattest",
};

/* ---- the transaction --------------------------------------------------------
 */

static bool
stand_inside(
    struct sql *tx, int64_t now_ms, void *ctx, bool *keep, struct error *reterr)
{
	struct standing *w = ctx;
	struct store_account row;

	(void)keep;
	if (!sts_find_managed(
		tx, w->a, w->actor, w->id, w->if_version, &row, reterr) ||
	    !verbs[w->verb](tx, &row, now_ms / 1000, reterr))
		return false;
	row.version++;
	row.changed_at = now_ms / 1000;
	return store_account_update(tx, &row, reterr) &&
	       sts_note_change(
		   tx, w->actor, changes[w->verb], row.id, reterr) &&
	       sts_read_account(tx, w->a, row.id, &w->account, reterr);
}

bool
sts_stand(struct sts *s, struct arena *a, const struct sts_actor *actor,
    struct str id, enum sts_verb verb, int64_t if_version,
    struct sts_account *ret, struct error *reterr)
{
	struct standing w = { .a = a,
		.actor = actor,
		.id = id,
		.verb = verb,
		.if_version = if_version };

	if (actor->rank != STS_ADMIN)
		return no_authority("this is the operator's to say", reterr);
	if (verb <= STS_VERB_NONE || verb > STS_REATTEST)
		return error_set(reterr, ERR_USAGE, SPAN_NONE,
		    "expected evict, ban, unban or reattest");
	if (!store_transact(s->store, stand_inside, &w, reterr))
		return false;
	*ret = w.account;
	return true;
}
