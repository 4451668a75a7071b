/* verify.c - evidence and trust in, claims out: the only maker of claims.
 * What each kind asks stands in verify_kind.c, what is asked of all in
 * verify_check.c. In this order, and the first that fails gives the code:
 *   sizes            evidence.malformed, evidence.too_large
 *   kind is trusted  evidence.kind
 *   form             evidence.malformed, evidence.kind (form.h; avow)
 *   key              evidence.key (avow: the document's keyId, which is all
 *                    that is taken from it before its signature held; azure:
 *                    the signer's certificate does not chain to a pinned one)
 *   signature        evidence.signature (EC2: every pinned key is tried)
 *   shape            evidence.malformed, evidence.instance
 *   key set          data.stale: asked for by URL, and not lately
 *   times            evidence.not_yet_valid, evidence.expired
 *   certificate      evidence.key: the signer's holds when the document was
 *                    issued, and still
 *   issuer           evidence.issuer
 *   owner, region, image, and the region the key is for    evidence.owner
 *   revocation       evidence.revoked
 *   nonce            evidence.replayed
 *   audience         evidence.audience
 *   cnf              evidence.proof
 *   issued           evidence.revoked, system.store: the document service's
 *                    own, once (attest.h); not again from a cache
 * Documents that are shown together go through all of it one by one, and are
 * then merged (merge.h): evidence.ambiguous, evidence.instance.
 * The JSON is parsed once, from the bytes whose signature is checked. What is
 * called for is never read from the message: not the algorithm, not a key, not
 * a URL. What was found is kept as a `struct verified`, so that all from the
 * times on can be checked again without the bytes.
 * Cost: one signature, or one per pinned key for EC2. */
#include "attest/verify.h"

#include "attest/evidence.h"
#include "attest/kind.h"
#include "attest/merge.h"
#include "attest/spiffe.h"
#include "attest/verify_run.h"
#include "base/digest.h"
#include "base/limits.h"
#include "policy/claims_make.h"

/* ---- claims ---------------------------------------------------------------
 */

static bool
copy_pairs(struct arena *a, const struct doc_pair *from, size_t n,
    const struct claims_pair **ret, struct error *reterr)
{
	struct claims_pair *pairs = ARENA_ARRAY(a, n, struct claims_pair);

	if (!pairs)
		return error_nomem(reterr);
	for (size_t i = 0; i < n; i++)
		pairs[i] = (struct claims_pair){ from[i].name, from[i].text };
	*ret = pairs;
	return true;
}

static bool
make_claims(struct run *r, const struct claims_document *others,
    size_t n_others, const struct claims **ret, struct error *reterr)
{
	const struct doc *d = &r->doc;
	struct claims_init init = {
		.kind = r->entry->kind,
		.issuer = d->issuer,
		.key_id = d->key_id,
		.document_id = d->id,
		.subject = d->subject,
		.prefix = r->entry->prefix,
		.spiffe_id = r->spiffe_id,
		.has_issued_at = d->has_times,
		.has_expires_at = d->has_times,
		.has_cnf = d->has_cnf,
		.has_licences = d->has_licences,
		.issued_at = d->issued_at,
		.expires_at = d->expires_at,
		.max_lease_s = r->entry->max_lease_s,
		.image_id = d->image_id,
		.owner = d->owner,
		.private_ip = d->private_ip,
		.launch_time = d->launch_time,
		.region = d->region,
		.zone = d->zone,
		.support_level = d->support_level,
		.os_name = d->os_name,
		.os_version = d->os_version,
		.licences = d->licences,
		.n_licences = d->n_licences,
		.n_applications = d->n_applications,
		.n_custom = d->n_custom,
		.others = others,
		.n_others = n_others,
	};

	return copy_pairs(r->arena, d->applications, d->n_applications,
		   &init.applications, reterr) &&
	       copy_pairs(
		   r->arena, d->custom, d->n_custom, &init.custom, reterr) &&
	       claims_make(r->arena, &init, ret, reterr);
}

/* ---- what is kept ---------------------------------------------------------
 */

static bool
copy_text(struct arena *a, struct str *s, struct error *reterr)
{
	if (s->n == 0)
		return true;
	*s = str_dup(a, *s);
	return s->p || error_nomem(reterr);
}

static bool
copy_audience(struct arena *a, struct doc *d, struct error *reterr)
{
	struct str *copy = ARENA_ARRAY(a, d->n_audience, struct str);

	if (!copy)
		return error_nomem(reterr);
	for (size_t i = 0; i < d->n_audience; i++) {
		copy[i] = d->audience[i];
		if (!copy_text(a, &copy[i], reterr))
			return false;
	}
	d->audience = copy;
	return true;
}

static bool
copy_checked(struct arena *a, struct checked *c, struct error *reterr)
{
	struct doc *d = &c->doc;
	struct str *const texts[] = { &d->id, &d->issuer, &d->subject, &d->jkt,
		&d->x5t, &d->owner, &d->owner_number, &d->region, &d->image_id,
		&c->token_domain, &c->nonce };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (!copy_text(a, texts[i], reterr))
			return false;
	return copy_audience(a, d, reterr);
}

bool
verified_copy(struct arena *a, const struct verified *v, struct verified *ret,
    struct error *reterr)
{
	struct checked *checked = ARENA_ARRAY(a, v->n, struct checked);
	struct verified copy = *v;

	if (!checked)
		return error_nomem(reterr);
	if (!claims_copy(a, v->claims, &copy.claims, reterr))
		return false;
	for (size_t i = 0; i < v->n; i++) {
		checked[i] = v->checked[i];
		if (!copy_checked(a, &checked[i], reterr))
			return false;
	}
	copy.checked = checked;
	*ret = copy;
	return true;
}

/* What `checks` look at, and nothing else. */
static struct checked
checked_of(const struct run *r)
{
	const struct doc *d = &r->doc;
	struct checked c = {
		.doc = { .id = d->id,
		    .issuer = d->issuer,
		    .subject = d->subject,
		    .jkt = d->jkt,
		    .x5t = d->x5t,
		    .has_times = d->has_times,
		    .has_cnf = d->has_cnf,
		    .issued_at = d->issued_at,
		    .not_before = d->not_before,
		    .expires_at = d->expires_at,
		    .audience = d->audience,
		    .n_audience = d->n_audience,
		    .owner = d->owner,
		    .owner_number = d->owner_number,
		    .region = d->region,
		    .image_id = d->image_id },
		.token_domain = r->token_domain,
		.nonce = r->nonce,
		.is_token = r->is_token,
		.at = r->at,
	};

	memcpy(c.key_id, r->key_id, sizeof c.key_id);
	return c;
}

/* What was found holds for as long as the trust has its version; not so where a
 * chain of certificates was judged, whose dates are no part of a version. */
static bool
keeps(const struct run *runs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (runs[i].entry->chain)
			return false;
	return true;
}

/* The id that policies see is made from what was verified, never copied. */
static bool
set_spiffe_id(struct run *r, struct error *reterr)
{
	struct buf id = { 0 };

	if (r->entry->trust_domain.n == 0)
		return true;
	spiffe_id_write(&id, r->entry->trust_domain, r->doc.subject);
	r->spiffe_id =
	    buf_ok(&id) ? str_dup(r->arena, buf_str(&id)) : (struct str){ 0 };
	buf_free(&id);
	return r->spiffe_id.p || error_nomem(reterr);
}

/* Who were shown beside the first; it is one of `kept`. */
static bool
list_others(struct run *first, const struct checked *kept, size_t n,
    const struct claims_document **ret, struct error *reterr)
{
	struct claims_document *list =
	    ARENA_ARRAY(first->arena, n, struct claims_document);
	size_t found = 0;

	if (!list)
		return error_nomem(reterr);
	for (size_t i = 0; i < n; i++)
		if (!str_eq(kept[i].doc.id, first->doc.id))
			list[found++] =
			    (struct claims_document){ kept[i].doc.id,
				    str_of(kept[i].key_id) };
	*ret = list;
	return true;
}

/* `kept` was made of all `runs` before they were merged into `first`. */
static bool
make_verified(struct run *first, const struct run *runs, size_t n,
    struct checked *kept, struct verified *ret, struct error *reterr)
{
	const struct claims_document *others;
	struct verified v = { .checked = kept, .n = n };
	size_t before;

	if (!set_spiffe_id(first, reterr) ||
	    !list_others(first, kept, n, &others, reterr))
		return false;
	before = arena_used(first->arena);
	if (!make_claims(first, others, n - 1, &v.claims, reterr))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!copy_checked(first->arena, &kept[i], reterr))
			return false;
	/* The same steps take no more elsewhere. */
	if (keeps(runs, n))
		v.keep_bytes =
		    arena_used(first->arena) - before + n * (sizeof *kept + 16);
	*ret = v;
	return true;
}

static void
run_fini(struct run *r)
{
	json_decref(r->root);
	jws_fini(&r->jws);
	form_fini(&r->form);
}

static bool
is_kind_trusted(const struct attest_trust *t, const struct kind *kind)
{
	for (size_t i = 0; i < trust_count(t); i++)
		if (kind_takes(trust_at(t, i), kind))
			return true;
	return false;
}

/* By a key of the document service, which need not have been used by it. */
static bool
check_issued(struct run *r, struct error *reterr)
{
	struct str text = form_text(&r->form);
	uint8_t digest[32];

	if (!r->entry->is_current)
		return true;
	if (!r->ctx->check_issued)
		return run_refuse(reterr, ERR_SYSTEM_STORE,
		    "whether the document service issued the document cannot "
		    "be asked here");
	if (!digest_sha256(&text, 1, digest))
		return run_refuse(
		    reterr, ERR_SYSTEM_ERROR, "cannot make a digest");
	return r->ctx->check_issued(
	    r->ctx->issued_ctx, r->doc.id, digest, reterr);
}

/* All that is asked of one document. */
static bool
check_one(struct run *r, struct error *reterr)
{
	r->kind = kind_named(r->evidence->kind);
	if (!run_check_sizes(r, reterr))
		return false;
	if (!r->kind || !is_kind_trusted(r->ctx->trust, r->kind))
		return run_refuse(reterr, ERR_EVIDENCE_KIND,
		    "this kind of document is not trusted here");
	if (!r->kind->check(r, reterr) || !r->kind->read(r, reterr))
		return false;
	r->nonce = json_str(json_object_get(r->root, "nonce"));
	return run_checks(r, reterr) && check_issued(r, reterr);
}

static bool
verify(struct run *r, struct verified *ret, struct error *reterr)
{
	struct checked *kept = ARENA_NEW(r->arena, struct checked);

	if (!kept)
		return error_nomem(reterr);
	if (!check_one(r, reterr))
		return false;
	if (r->doc.n_members > 0)
		return run_refuse(reterr, ERR_EVIDENCE_INSTANCE,
		    "a group's document says nothing of who shows it: a "
		    "document of one of its members must come with it");
	*kept = checked_of(r);
	return make_verified(r, r, 1, kept, ret, reterr);
}

/* ---- several together (A9) ------------------------------------------------
 */

/* The first that is of an instance: all the others are of the same. */
static struct run *
first_of_instance(struct run *runs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (runs[i].doc.n_members == 0)
			return &runs[i];
	return NULL;
}

static bool
merge_runs(struct run *runs, size_t n, struct run **ret, struct error *reterr)
{
	struct run *first = first_of_instance(runs, n);

	if (!first)
		return run_refuse(reterr, ERR_EVIDENCE_INSTANCE,
		    "groups' documents alone say nothing of who shows them");
	for (size_t i = 0; i < n; i++) {
		/* An entry speaks for its own prefix alone. */
		if (runs[i].at.entry != first->at.entry)
			return run_refuse(reterr, ERR_EVIDENCE_AMBIGUOUS,
			    "the documents are of different trust entries");
		if (&runs[i] != first &&
		    !merge_doc(first->arena, &first->doc, &runs[i].doc, reterr))
			return false;
	}
	*ret = first;
	return true;
}

/* Each by itself, and as it is before others are merged into it. */
static bool
check_all(
    struct run *runs, size_t n, struct checked *kept, struct error *reterr)
{
	for (size_t i = 0; i < n; i++) {
		if (!check_one(&runs[i], reterr))
			return false;
		kept[i] = checked_of(&runs[i]);
	}
	return true;
}

static bool
verify_packs(struct run *r, struct verified *ret, struct error *reterr)
{
	struct run runs[LIMIT_PACKS] = { 0 }, *first = NULL;
	struct attest_evidence *all;
	struct checked *kept;
	size_t n;
	bool ok;

	if (r->evidence->document.n > LIMIT_PACK_BYTES)
		return run_refuse(reterr, ERR_EVIDENCE_TOO_LARGE,
		    "the packs together are over the limit");
	if (!evidence_packs(r->arena, r->evidence->document, &all, &n, reterr))
		return false;
	kept = ARENA_ARRAY(r->arena, n, struct checked);
	if (!kept)
		return error_nomem(reterr);
	for (size_t i = 0; i < n; i++)
		runs[i] = (struct run){
			.arena = r->arena, .evidence = &all[i], .ctx = r->ctx
		};
	ok = check_all(runs, n, kept, reterr) &&
	     merge_runs(runs, n, &first, reterr) &&
	     make_verified(first, runs, n, kept, ret, reterr);
	for (size_t i = 0; i < n; i++)
		run_fini(&runs[i]);
	return ok;
}

bool
verify_evidence(struct arena *a, const struct attest_evidence *e,
    const struct attest_context *ctx, struct verified *ret,
    struct error *reterr)
{
	struct run r = { .arena = a, .evidence = e, .ctx = ctx };
	bool ok;

	if (str_eq(e->kind, STR(KIND_PACKS)))
		return verify_packs(&r, ret, reterr);
	ok = verify(&r, ret, reterr);
	run_fini(&r);
	return ok;
}

static bool
check_again(const struct checked *c, const struct attest_context *ctx,
    struct error *reterr)
{
	struct run r = { .ctx = ctx,
		.doc = c->doc,
		.token_domain = c->token_domain,
		.nonce = c->nonce,
		.is_token = c->is_token };

	run_take_key(&r, c->at);
	memcpy(r.key_id, c->key_id, sizeof r.key_id);
	return run_checks(&r, reterr);
}

bool
verify_again(const struct verified *v, const struct attest_context *ctx,
    struct error *reterr)
{
	for (size_t i = 0; i < v->n; i++)
		if (!check_again(&v->checked[i], ctx, reterr))
			return false;
	return true;
}

bool
attest_verify(struct arena *a, const struct attest_evidence *e,
    const struct attest_context *ctx, const struct claims **ret_claims,
    struct error *reterr)
{
	struct verified v = { 0 };

	if (!verify_evidence(a, e, ctx, &v, reterr))
		return false;
	*ret_claims = v.claims;
	return true;
}
