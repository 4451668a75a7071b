/* verify_check.c - what must hold besides the signature (verify_run.h): sizes
 * before anything is read; times, certificate, issuer, owner, revocation,
 * nonce, audience and cnf of what was verified, at each use. */
#include "attest/verify_run.h"

#include "attest/revoked.h"
#include "attest/token_read.h"
#include "base/limits.h"

void
run_take_key(struct run *r, struct verify_key at)
{
	r->at = at;
	r->entry = trust_at(r->ctx->trust, at.entry);
	r->key = &r->entry->keys[at.key];
	memcpy(r->key_id, r->key->public.thumbprint, sizeof r->key_id);
}

bool
run_check_sizes(struct run *r, struct error *reterr)
{
	const struct attest_evidence *e = r->evidence;

	bool is_whole = r->kind && r->kind->is_whole;

	if (e->document.n == 0 || (e->signature.n == 0) != is_whole)
		return run_refuse(reterr, ERR_EVIDENCE_MALFORMED,
		    "the document or its signature is empty, or one that has "
		    "its signature inside has another beside");
	if (e->document.n > LIMIT_DOCUMENT_BYTES ||
	    e->signature.n > LIMIT_SIGNATURE_BYTES)
		return run_refuse(reterr, ERR_EVIDENCE_TOO_LARGE,
		    "the document or its signature is over the limit");
	return true;
}

/* RFC 7519 4.1.4 to 4.1.6. Documents without times pass: their lease ends. */
static bool
check_times(struct run *r, struct error *reterr)
{
	int64_t now = r->ctx->now_unix_s, latest;

	if (!r->doc->has_times)
		return true;
	if (r->is_token)
		return token_check_times(
		    &(struct token){ .issued_at = r->doc->issued_at,
			.not_before = r->doc->not_before,
			.expires_at = r->doc->expires_at },
		    now, reterr);
	latest = r->doc->issued_at > r->doc->not_before ? r->doc->issued_at
							: r->doc->not_before;
	/* Times have four-digit years: no overflow. */
	if (latest - LIMIT_SKEW_S > now)
		return run_refuse(reterr, ERR_EVIDENCE_NOT_YET_VALID,
		    "the document is not valid yet");
	if (r->doc->expires_at <= now)
		return run_refuse(
		    reterr, ERR_EVIDENCE_EXPIRED, "the document has expired");
	return true;
}

/* SECURITY 10: who signed by a key that its owner may have withdrawn since. */
static bool
check_fresh(struct run *r, struct error *reterr)
{
	const atomic_int_fast64_t *until = r->entry->fresh_until_s;

	return !until || r->ctx->now_unix_s < atomic_load(until) ||
	       run_refuse(reterr, ERR_DATA_STALE,
		   "the key set that this document's key is of could not be "
		   "asked for anew for a day");
}

/* Both: who may sign no more says nothing any more, and nobody signs as if it
 * were before his time. */
static bool
check_certificate(struct run *r, struct error *reterr)
{
	const struct trust_key *k = r->key;
	int64_t now = r->ctx->now_unix_s;
	int64_t issued = r->doc->has_times ? r->doc->issued_at : now;

	return (now >= k->valid_from && now <= k->valid_until &&
		   issued >= k->valid_from && issued <= k->valid_until) ||
	       run_refuse(reterr, ERR_EVIDENCE_KEY,
		   "the signer's certificate, or one above it, was not in "
		   "force "
		   "when the document was issued, or is not now");
}

static bool
check_issuer(struct run *r, struct error *reterr)
{
	if (!str_eq(r->doc->issuer, r->entry->issuer))
		return run_refuse(reterr, ERR_EVIDENCE_ISSUER,
		    "the document's issuer is not the one this key is trusted "
		    "for");
	return !r->is_token ||
	       str_eq(r->token_domain, r->entry->trust_domain) ||
	       run_refuse(reterr, ERR_EVIDENCE_ISSUER,
		   "the token's subject is of another trust domain");
}

static bool
check_owner(struct run *r, struct error *reterr)
{
	if (!trust_pins_allow(&r->key->regions, r->doc->region))
		return run_refuse(reterr, ERR_EVIDENCE_OWNER,
		    "the document's region is not the one this key is for");
	if (!trust_pins_allow(&r->entry->owners, r->doc->owner) &&
	    (r->doc->owner_number.n == 0 ||
		!trust_pins_allow(&r->entry->owners, r->doc->owner_number)))
		return run_refuse(reterr, ERR_EVIDENCE_OWNER,
		    "the document's owner is not among the trusted ones");
	if (!trust_pins_allow(&r->entry->regions, r->doc->region))
		return run_refuse(reterr, ERR_EVIDENCE_OWNER,
		    "the document's region is not among the trusted ones");
	if (!trust_pins_allow(&r->entry->images, r->doc->image_id))
		return run_refuse(reterr, ERR_EVIDENCE_OWNER,
		    "the document's image is not among the trusted ones");
	return true;
}

static bool
check_revoked(struct run *r, struct error *reterr)
{
	const struct attest_revoked *list = r->ctx->revoked;

	/* Documents without times are as old as they say nowhere: their
	 * revocations are entered again. */
	if (r->doc->has_times &&
	    revoked_is_before_floor(list, r->doc->issued_at))
		return run_refuse(reterr, ERR_EVIDENCE_REVOKED,
		    "the document was issued before the store was restored");
	if (revoked_has_document(list, r->doc->id))
		return run_refuse(
		    reterr, ERR_EVIDENCE_REVOKED, "the document is revoked");
	if (attest_revoked_has(list, ATTEST_SUPERSEDED, r->doc->id))
		return run_refuse(reterr, ERR_EVIDENCE_SUPERSEDED,
		    "a newer document replaces this one");
	/* A token's id and subject; only tokens are of an account. */
	if (r->is_token &&
	    (attest_revoked_has(list, ATTEST_TOKEN, r->doc->id) ||
		attest_revoked_has(list, ATTEST_ACCOUNT, r->doc->subject)))
		return run_refuse(reterr, ERR_EVIDENCE_REVOKED,
		    "the token or its account is revoked");
	if (revoked_has_instance(list, r->entry->prefix, r->doc->subject))
		return run_refuse(
		    reterr, ERR_EVIDENCE_REVOKED, "the instance is revoked");
	if (revoked_has_key(list, keys_thumbprint(&r->key->public)) ||
	    revoked_has_key(list, run_key_id(r)))
		return run_refuse(
		    reterr, ERR_EVIDENCE_REVOKED, "the key is revoked");
	if (revoked_has_key(list, r->doc->jkt) ||
	    revoked_has_key(list, r->doc->x5t))
		return run_refuse(reterr, ERR_EVIDENCE_REVOKED,
		    "the holder's key is revoked");
	return true;
}

/* Asked for by us, just now: not something that was seen elsewhere. */
static bool
check_nonce(struct run *r, struct error *reterr)
{
	struct str want = r->ctx->nonce;

	return !want.p || str_eq(r->nonce, want) ||
	       run_refuse(reterr, ERR_EVIDENCE_REPLAYED,
		   "the document does not carry the nonce it was asked for "
		   "with");
}

/* RFC 7519 4.1.3. */
static bool
check_audience(struct run *r, struct error *reterr)
{
	struct str name = r->ctx->audience;

	if (r->ctx->any_audience)
		return true;
	if (r->doc->n_audience == 0)
		return !r->entry->audience_required ||
		       run_refuse(reterr, ERR_EVIDENCE_AUDIENCE,
			   "the document names no audience, and one is "
			   "required");
	for (size_t i = 0; i < r->doc->n_audience; i++)
		if (name.n > 0 && str_eq(r->doc->audience[i], name))
			return true;
	return run_refuse(reterr, ERR_EVIDENCE_AUDIENCE,
	    "the document is for another audience");
}

/* RFC 7800: bound to a key, so worth nothing without a proof of that key. */
static bool
check_cnf(struct run *r, struct error *reterr)
{
	const struct doc *d = r->doc;
	const struct attest_context *ctx = r->ctx;

	if (!d->has_cnf || ctx->proven_before)
		return true;
	return (d->jkt.n > 0 && str_eq(d->jkt, ctx->proven_jkt)) ||
	       (d->x5t.n > 0 && str_eq(d->x5t, ctx->proven_x5t)) ||
	       run_refuse(reterr, ERR_EVIDENCE_PROOF,
		   "the document is bound to a key, and possession of it was "
		   "not proven");
}

static bool (*const checks[])(struct run *, struct error *) = {
	check_fresh,
	check_times,
	check_certificate,
	check_issuer,
	check_owner,
	check_revoked,
	check_nonce,
	check_audience,
	check_cnf,
};

bool
run_checks(struct run *r, struct error *reterr)
{
	for (size_t i = 0; i < ARRAY_LEN(checks); i++)
		if (!checks[i](r, reterr))
			return false;
	return true;
}
