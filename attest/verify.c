/* verify.c - evidence and trust in, claims out: the only maker of claims.
 * In this order, and the first that fails gives the code:
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

#include "attest/cms.h"
#include "attest/doc.h"
#include "attest/evidence.h"
#include "attest/form.h"
#include "attest/kind.h"
#include "attest/merge.h"
#include "attest/revoked.h"
#include "attest/sig.h"
#include "attest/spiffe.h"
#include "attest/token_read.h"
#include "attest/trust.h"
#include "base/digest.h"
#include "base/limits.h"
#include "policy/claims_make.h"

struct run {
	struct arena *arena;
	const struct attest_evidence *evidence;
	const struct attest_context *ctx;
	const struct kind *kind;
	json_t *root;           /* of a cloud's document; NULL until parsed */
	const struct flat *own; /* of a document of our own, until it is read */
	struct form form; /* of a document of our own; empty until parsed */
	struct jws jws;   /* of a token; empty until parsed */
	struct doc doc;
	struct str token_domain; /* trust domain in a token's subject */
	struct str nonce;        /* in the document; empty: none */
	struct verify_key at;
	const struct trust_entry *entry;
	const struct trust_key *key;
	struct str spiffe_id; /* empty without a trust domain */
	/* Of the key that signed: `key`'s, or that of a certificate which
	 * chains to it. */
	char key_id[KEYS_THUMBPRINT + 1];
	bool is_token;
};

static bool
refuse(struct error *reterr, enum err_code code, const char *why)
{
	return error_set(reterr, code, SPAN_NONE, "%s", why);
}

static void
take_key(struct run *r, struct verify_key at)
{
	r->at = at;
	r->entry = trust_at(r->ctx->trust, at.entry);
	r->key = &r->entry->keys[at.key];
	memcpy(r->key_id, r->key->public.thumbprint, sizeof r->key_id);
}

struct kind {
	struct str name, trust; /* `trust`: the kind of its trust entries */
	/* Finds the key and checks the signature; leaves `root`. */
	bool (*check)(struct run *, struct error *);
	/* `root` to `doc`. */
	bool (*read)(struct run *, struct error *);
	enum attest_form form; /* of our own documents */
	bool is_whole;         /* the signature is inside, none beside */
};

static bool
takes_kind(const struct trust_entry *e, const struct kind *kind)
{
	return str_eq(e->kind, kind->trust) &&
	       (!str_eq(e->kind, STR(KIND_AVOW)) ||
		   (e->forms & 1u << kind->form) != 0);
}

/* The first key of the kind that `accepts`; false when none does. */
static bool
find_key(struct run *r,
    bool (*accepts)(const struct run *, const struct trust_key *, void *),
    void *arg)
{
	const struct attest_trust *t = r->ctx->trust;

	for (size_t i = 0; i < trust_count(t); i++) {
		const struct trust_entry *e = trust_at(t, i);

		if (!takes_kind(e, r->kind))
			continue;
		for (size_t j = 0; j < e->n_keys; j++)
			if (accepts(r, &e->keys[j], arg)) {
				take_key(r, (struct verify_key){
						(uint32_t)i, (uint32_t)j });
				return true;
			}
	}
	return false;
}

/* ---- one step a kind: which key, does it verify, what does it say ----------
 */

static bool
parse(struct run *r, struct error *reterr)
{
	return doc_parse(r->evidence->document, &r->root, reterr);
}

static bool
has_thumbprint(const struct run *r, const struct trust_key *k, void *arg)
{
	const struct str *id = arg;

	(void)r;
	return str_eq(keys_thumbprint(&k->public), *id);
}

static bool
check_avow(struct run *r, struct error *reterr)
{
	struct str id;

	if (!form_open(r->arena, r->kind->form, r->evidence, &r->form, &r->own,
		reterr) ||
	    !doc_key_id(r->own, &id, reterr))
		return false;
	if (!find_key(r, has_thumbprint, &id))
		return refuse(reterr, ERR_EVIDENCE_KEY,
		    "the key that the document names is not trusted");
	return form_verify(&r->form, &r->key->public, reterr);
}

static bool
read_avow(struct run *r, struct error *reterr)
{
	return doc_read(r->arena, r->own, &r->doc, reterr);
}

static bool
signed_by(const struct run *r, const struct trust_key *k, void *arg)
{
	(void)arg;
	return sig_verify(
	    &k->public, r->evidence->document, r->evidence->signature, NULL);
}

static bool
no_key_matches(struct error *reterr)
{
	return refuse(reterr, ERR_EVIDENCE_SIGNATURE,
	    "the signature is by none of the trusted keys over this document");
}

static bool
check_ec2_signature(struct run *r, struct error *reterr)
{
	if (!find_key(r, signed_by, NULL))
		return no_key_matches(reterr);
	return parse(r, reterr);
}

static bool
signed_message(const struct run *r, const struct trust_key *k, void *arg)
{
	(void)r;
	return cms_verify(arg, &k->public);
}

static bool
check_ec2_cms(struct run *r, enum cms_scheme scheme, struct error *reterr)
{
	struct cms_message *m;
	bool found;

	m = cms_open(
	    r->evidence->signature, r->evidence->document, scheme, reterr);
	if (!m)
		return false;
	found = find_key(r, signed_message, m);
	cms_free(m);
	return found ? parse(r, reterr) : no_key_matches(reterr);
}

static bool
check_ec2_rsa2048(struct run *r, struct error *reterr)
{
	return check_ec2_cms(r, CMS_RSA_SHA256, reterr);
}

static bool
check_ec2_pkcs7(struct run *r, struct error *reterr)
{
	return check_ec2_cms(r, CMS_DSA_SHA1, reterr);
}

/* The names that Azure's signers have, in its public cloud and the national
 * ones. */
static const char *const azure_hosts[] = { "metadata.azure.com",
	"metadata.azure.us", "metadata.azure.cn" };

/* At the time that the verified content names: leaves live for months, what
 * they signed is judged for hours (check_times). */
static bool
check_azure_chain(struct run *r, X509 *leaf, struct error *reterr)
{
	const struct attest_trust *t = r->ctx->trust;
	int64_t created, expires;

	if (!doc_azure_times(r->root, &created, &expires, reterr))
		return false;
	for (size_t i = 0; i < trust_count(t); i++) {
		if (!str_eq(trust_at(t, i)->kind, r->evidence->kind))
			continue;
		for (size_t j = 0; j < ARRAY_LEN(azure_hosts); j++)
			if (chain_verify(trust_at(t, i)->chain, leaf,
				azure_hosts[j], created, reterr)) {
				take_key(
				    r, (struct verify_key){ (uint32_t)i, 0 });
				return true;
			}
	}
	return false;
}

static bool
check_azure_signer(
    struct run *r, struct cms_message *m, X509 *leaf, struct error *reterr)
{
	struct keys_public signer = { 0 };
	EVP_PKEY *pkey = X509_get_pubkey(leaf);
	bool ok;

	if (!pkey)
		return refuse(reterr, ERR_EVIDENCE_KEY,
		    "the signer's certificate has no key that can be read");
	if (!keys_public_init(&signer, pkey, reterr))
		return false;
	ok = (keys_is_usual(signer.algorithm) && cms_verify(m, &signer)) ||
	     refuse(reterr, ERR_EVIDENCE_SIGNATURE,
		 "the signature is not by the certificate beside it");
	ok = ok && parse(r, reterr) && check_azure_chain(r, leaf, reterr);
	if (ok)
		memcpy(r->key_id, signer.thumbprint, sizeof r->key_id);
	keys_public_fini(&signer);
	return ok;
}

static bool
check_azure(struct run *r, struct error *reterr)
{
	struct cms_message *m = cms_open(
	    r->evidence->signature, r->evidence->document, CMS_AZURE, reterr);
	X509 *leaf = m ? cms_signer_certificate(m) : NULL;
	bool ok;

	ok = leaf != NULL;
	if (m && !leaf)
		ok = refuse(reterr, ERR_EVIDENCE_KEY,
		    "the signer's certificate does not come with the "
		    "signature");
	ok = ok && check_azure_signer(r, m, leaf, reterr);
	X509_free(leaf);
	cms_free(m);
	return ok;
}

/* Clouds' documents do not name their key. */
static bool
set_key_id(struct run *r, struct error *reterr)
{
	r->doc.key_id = str_dup(r->arena, str_of(r->key_id));
	return r->doc.key_id.p || error_nomem(reterr);
}

static bool
read_ec2(struct run *r, struct error *reterr)
{
	return doc_read_ec2(
		   r->arena, r->root, r->evidence->document, &r->doc, reterr) &&
	       set_key_id(r, reterr);
}

static bool
read_azure(struct run *r, struct error *reterr)
{
	return doc_read_azure(
		   r->arena, r->root, r->evidence->document, &r->doc, reterr) &&
	       set_key_id(r, reterr);
}

/* ---- tokens ---------------------------------------------------------------
 */

static bool
check_token(struct run *r, struct error *reterr)
{
	if (!jws_parse(r->arena, r->evidence->document, JWS_KEY_TRUSTED,
		&r->jws, reterr))
		return false;
	if (!find_key(r, has_thumbprint, &r->jws.kid))
		return refuse(reterr, ERR_EVIDENCE_KEY,
		    "the key that the token names is not trusted");
	return jws_verify(&r->jws, &r->key->public, reterr);
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

static bool
take_token(struct run *r, const struct token *t, struct error *reterr)
{
	struct doc *d = &r->doc;
	struct str *audience = ARENA_NEW(r->arena, struct str);

	if (!audience)
		return error_nomem(reterr);
	*audience = t->audience;
	d->id = t->id;
	d->issuer = t->issuer;
	d->key_id = t->key_id;
	d->subject = t->subject;
	d->has_times = d->has_cnf = true;
	d->jkt = t->jkt;
	d->x5t = t->x5t;
	d->issued_at = t->issued_at;
	d->not_before = t->not_before;
	d->expires_at = t->expires_at;
	d->audience = audience;
	d->n_audience = 1;
	r->token_domain = t->trust_domain;
	r->is_token = true;
	return true;
}

/* A full token alone opens gates (RFC 8725 3.11). */
static bool
read_token(struct run *r, struct error *reterr)
{
	struct token t = { 0 };
	bool ok = token_typ_is(TOKEN_FULL, r->jws.typ) ||
		  refuse(reterr, ERR_EVIDENCE_KIND,
		      "the token is not of type `avow-token+jwt`");

	ok = ok &&
	     token_read(r->arena, &r->jws, TOKEN_FULL, &t, &r->doc, reterr) &&
	     take_token(r, &t, reterr);
	token_fini(&t);
	return ok;
}

/* ---- Google's identity tokens ----------------------------------------------
 */

static bool
signed_token(const struct run *r, const struct trust_key *k, void *arg)
{
	const struct jws *j = arg;

	(void)r;
	return jws_verify(j, &k->public, NULL);
}

/* No member of the header picks the key: every pinned one is tried. The JWS is
 * not the run's, which is a token's of ours. */
static bool
check_gcp(struct run *r, struct error *reterr)
{
	struct jws j = { 0 };
	bool ok = jws_parse(
	    r->arena, r->evidence->document, JWS_KEY_TRUSTED, &j, reterr);

	if (ok && !token_typ_is(TOKEN_JWT_SVID, j.typ))
		ok = refuse(reterr, ERR_EVIDENCE_KIND,
		    "the token is not of type `JWT`");
	if (ok && !find_key(r, signed_token, &j))
		ok = no_key_matches(reterr);
	ok = ok && doc_parse(j.payload, &r->root, reterr);
	jws_fini(&j);
	return ok;
}

static bool
read_gcp(struct run *r, struct error *reterr)
{
	return doc_read_gcp(
		   r->arena, r->root, r->evidence->document, &r->doc, reterr) &&
	       set_key_id(r, reterr);
}

static const struct kind kinds[] = {
	{ STR_INIT(KIND_AVOW), STR_INIT(KIND_AVOW), check_avow, read_avow,
	    ATTEST_DETACHED, false },
	{ STR_INIT(KIND_AVOW_EMBEDDED), STR_INIT(KIND_AVOW), check_avow,
	    read_avow, ATTEST_EMBEDDED, true },
	{ STR_INIT(KIND_AVOW_JWS), STR_INIT(KIND_AVOW), check_avow, read_avow,
	    ATTEST_JWS, true },
	{ STR_INIT(KIND_AVOW_CMS), STR_INIT(KIND_AVOW), check_avow, read_avow,
	    ATTEST_CMS, true },
	{ STR_INIT(KIND_TOKEN), STR_INIT(KIND_TOKEN), check_token, read_token,
	    0, true },
	{ STR_INIT(KIND_EC2_SIGNATURE), STR_INIT(KIND_EC2_SIGNATURE),
	    check_ec2_signature, read_ec2, 0, false },
	{ STR_INIT(KIND_EC2_RSA2048), STR_INIT(KIND_EC2_RSA2048),
	    check_ec2_rsa2048, read_ec2, 0, false },
	{ STR_INIT(KIND_EC2_PKCS7), STR_INIT(KIND_EC2_PKCS7), check_ec2_pkcs7,
	    read_ec2, 0, false },
	{ STR_INIT(KIND_AZURE), STR_INIT(KIND_AZURE), check_azure, read_azure,
	    0, false },
	{ STR_INIT(KIND_GCP), STR_INIT(KIND_GCP), check_gcp, read_gcp, 0,
	    true },
};

static const struct kind *
kind_of(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (str_eq(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}

/* ---- what must hold besides the signature ---------------------------------
 */

static bool
check_sizes(struct run *r, struct error *reterr)
{
	const struct attest_evidence *e = r->evidence;

	bool is_whole = r->kind && r->kind->is_whole;

	if (e->document.n == 0 || (e->signature.n == 0) != is_whole)
		return refuse(reterr, ERR_EVIDENCE_MALFORMED,
		    "the document or its signature is empty, or one that has "
		    "its signature inside has another beside");
	if (e->document.n > LIMIT_DOCUMENT_BYTES ||
	    e->signature.n > LIMIT_SIGNATURE_BYTES)
		return refuse(reterr, ERR_EVIDENCE_TOO_LARGE,
		    "the document or its signature is over the limit");
	return true;
}

/* RFC 7519 4.1.4 to 4.1.6. Documents without times pass: their lease ends. */
static bool
check_times(struct run *r, struct error *reterr)
{
	int64_t now = r->ctx->now_unix_s, latest;

	if (!r->doc.has_times)
		return true;
	if (r->is_token)
		return token_check_times(
		    &(struct token){ .issued_at = r->doc.issued_at,
			.not_before = r->doc.not_before,
			.expires_at = r->doc.expires_at },
		    now, reterr);
	latest = r->doc.issued_at > r->doc.not_before ? r->doc.issued_at
						      : r->doc.not_before;
	/* Times have four-digit years: no overflow. */
	if (latest - LIMIT_SKEW_S > now)
		return refuse(reterr, ERR_EVIDENCE_NOT_YET_VALID,
		    "the document is not valid yet");
	if (r->doc.expires_at <= now)
		return refuse(
		    reterr, ERR_EVIDENCE_EXPIRED, "the document has expired");
	return true;
}

/* SECURITY 10: who signed by a key that its owner may have withdrawn since. */
static bool
check_fresh(struct run *r, struct error *reterr)
{
	const atomic_int_fast64_t *until = r->entry->fresh_until_s;

	return !until || r->ctx->now_unix_s < atomic_load(until) ||
	       refuse(reterr, ERR_DATA_STALE,
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
	int64_t issued = r->doc.has_times ? r->doc.issued_at : now;

	return (now >= k->valid_from && now <= k->valid_until &&
		   issued >= k->valid_from && issued <= k->valid_until) ||
	       refuse(reterr, ERR_EVIDENCE_KEY,
		   "the signer's certificate, or one above it, was not in "
		   "force "
		   "when the document was issued, or is not now");
}

static bool
check_issuer(struct run *r, struct error *reterr)
{
	if (!str_eq(r->doc.issuer, r->entry->issuer))
		return refuse(reterr, ERR_EVIDENCE_ISSUER,
		    "the document's issuer is not the one this key is trusted "
		    "for");
	return !r->is_token ||
	       str_eq(r->token_domain, r->entry->trust_domain) ||
	       refuse(reterr, ERR_EVIDENCE_ISSUER,
		   "the token's subject is of another trust domain");
}

static bool
check_owner(struct run *r, struct error *reterr)
{
	if (!trust_pins_allow(&r->key->regions, r->doc.region))
		return refuse(reterr, ERR_EVIDENCE_OWNER,
		    "the document's region is not the one this key is for");
	if (!trust_pins_allow(&r->entry->owners, r->doc.owner) &&
	    (r->doc.owner_number.n == 0 ||
		!trust_pins_allow(&r->entry->owners, r->doc.owner_number)))
		return refuse(reterr, ERR_EVIDENCE_OWNER,
		    "the document's owner is not among the trusted ones");
	if (!trust_pins_allow(&r->entry->regions, r->doc.region))
		return refuse(reterr, ERR_EVIDENCE_OWNER,
		    "the document's region is not among the trusted ones");
	if (!trust_pins_allow(&r->entry->images, r->doc.image_id))
		return refuse(reterr, ERR_EVIDENCE_OWNER,
		    "the document's image is not among the trusted ones");
	return true;
}

static bool
check_revoked(struct run *r, struct error *reterr)
{
	const struct attest_revoked *list = r->ctx->revoked;

	/* Documents without times are as old as they say nowhere: their
	 * revocations are entered again. */
	if (r->doc.has_times && revoked_is_before_floor(list, r->doc.issued_at))
		return refuse(reterr, ERR_EVIDENCE_REVOKED,
		    "the document was issued before the store was restored");
	if (revoked_has_document(list, r->doc.id))
		return refuse(
		    reterr, ERR_EVIDENCE_REVOKED, "the document is revoked");
	if (attest_revoked_has(list, ATTEST_SUPERSEDED, r->doc.id))
		return refuse(reterr, ERR_EVIDENCE_SUPERSEDED,
		    "a newer document replaces this one");
	/* A token's id and subject; only tokens are of an account. */
	if (r->is_token &&
	    (attest_revoked_has(list, ATTEST_TOKEN, r->doc.id) ||
		attest_revoked_has(list, ATTEST_ACCOUNT, r->doc.subject)))
		return refuse(reterr, ERR_EVIDENCE_REVOKED,
		    "the token or its account is revoked");
	if (revoked_has_instance(list, r->entry->prefix, r->doc.subject))
		return refuse(
		    reterr, ERR_EVIDENCE_REVOKED, "the instance is revoked");
	if (revoked_has_key(list, keys_thumbprint(&r->key->public)) ||
	    revoked_has_key(list, str_of(r->key_id)))
		return refuse(
		    reterr, ERR_EVIDENCE_REVOKED, "the key is revoked");
	if (revoked_has_key(list, r->doc.jkt) ||
	    revoked_has_key(list, r->doc.x5t))
		return refuse(reterr, ERR_EVIDENCE_REVOKED,
		    "the holder's key is revoked");
	return true;
}

/* Asked for by us, just now: not something that was seen elsewhere. */
static bool
check_nonce(struct run *r, struct error *reterr)
{
	struct str want = r->ctx->nonce;

	return !want.p || str_eq(r->nonce, want) ||
	       refuse(reterr, ERR_EVIDENCE_REPLAYED,
		   "the document does not carry the nonce it was asked for "
		   "with");
}

/* RFC 7519 4.1.3. */
static bool
check_audience(struct run *r, struct error *reterr)
{
	struct str name = r->ctx->audience;

	if (name.n == 0)
		return true;
	if (r->doc.n_audience == 0)
		return !r->entry->audience_required ||
		       refuse(reterr, ERR_EVIDENCE_AUDIENCE,
			   "the document names no audience, and one is "
			   "required");
	for (size_t i = 0; i < r->doc.n_audience; i++)
		if (str_eq(r->doc.audience[i], name))
			return true;
	return refuse(reterr, ERR_EVIDENCE_AUDIENCE,
	    "the document is for another audience");
}

/* RFC 7800: bound to a key, so worth nothing without a proof of that key. */
static bool
check_cnf(struct run *r, struct error *reterr)
{
	const struct doc *d = &r->doc;
	const struct attest_context *ctx = r->ctx;

	if (!d->has_cnf || ctx->proven_before)
		return true;
	return (d->jkt.n > 0 && str_eq(d->jkt, ctx->proven_jkt)) ||
	       (d->x5t.n > 0 && str_eq(d->x5t, ctx->proven_x5t)) ||
	       refuse(reterr, ERR_EVIDENCE_PROOF,
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

static bool
run_checks(struct run *r, struct error *reterr)
{
	for (size_t i = 0; i < ARRAY_LEN(checks); i++)
		if (!checks[i](r, reterr))
			return false;
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
		if (takes_kind(trust_at(t, i), kind))
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
		return refuse(reterr, ERR_SYSTEM_STORE,
		    "whether the document service issued the document cannot "
		    "be asked here");
	if (!digest_sha256(&text, 1, digest))
		return refuse(reterr, ERR_SYSTEM_ERROR, "cannot make a digest");
	return r->ctx->check_issued(
	    r->ctx->issued_ctx, r->doc.id, digest, reterr);
}

/* All that is asked of one document. */
static bool
check_one(struct run *r, struct error *reterr)
{
	r->kind = kind_of(r->evidence->kind);
	if (!check_sizes(r, reterr))
		return false;
	if (!r->kind || !is_kind_trusted(r->ctx->trust, r->kind))
		return refuse(reterr, ERR_EVIDENCE_KIND,
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
		return refuse(reterr, ERR_EVIDENCE_INSTANCE,
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
		return refuse(reterr, ERR_EVIDENCE_INSTANCE,
		    "groups' documents alone say nothing of who shows them");
	for (size_t i = 0; i < n; i++) {
		/* An entry speaks for its own prefix alone. */
		if (runs[i].at.entry != first->at.entry)
			return refuse(reterr, ERR_EVIDENCE_AMBIGUOUS,
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
	struct run runs[LIMIT_PACKS] = { 0 }, *first;
	struct attest_evidence *all;
	struct checked *kept;
	size_t n;
	bool ok;

	if (r->evidence->document.n > LIMIT_PACK_BYTES)
		return refuse(reterr, ERR_EVIDENCE_TOO_LARGE,
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

	take_key(&r, c->at);
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
	struct verified v;

	if (!verify_evidence(a, e, ctx, &v, reterr))
		return false;
	*ret_claims = v.claims;
	return true;
}
