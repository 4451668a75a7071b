/* verify_kind.c - a row a kind of evidence: which key, does its signature hold,
 * and what does it say (verify_run.h).
 * The JSON is parsed once, from the bytes whose signature is checked. What is
 * called for is never read from the message: not the algorithm, not a key, not
 * a URL; of our own documents and tokens the id of the key, which only picks
 * among the trusted ones. */
#include "attest/verify_run.h"

#include "attest/cms.h"
#include "attest/kind.h"
#include "attest/sig.h"
#include "attest/token_read.h"

bool
kind_takes(const struct trust_entry *e, const struct kind *kind)
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

		if (!kind_takes(e, r->kind))
			continue;
		for (size_t j = 0; j < e->n_keys; j++)
			if (accepts(r, &e->keys[j], arg)) {
				run_take_key(r, (struct verify_key){
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

/* If there is memory for it. */
static void
note_tried(struct run *r, bool holds, const struct error *why)
{
	struct tried *t = ARENA_NEW(r->arena, struct tried);

	if (!t)
		return;
	t->form = r->form;
	t->form.jws.header = NULL; /* goes with the form */
	t->key = r->key;
	t->holds = holds;
	if (!holds)
		t->why = *why;
	r->tried = t;
}

/* All of a document that is written as Avow writes it. False: nothing but
 * `tried`; it is looked at as any other then, and what that finds counts. */
static bool
check_own(struct run *r)
{
	struct error why UNZEROED; /* form_verify's, when it is false */
	struct str id;
	bool holds;

	why.code = ERR_NONE;
	if (!form_open_own(r->arena, r->kind->form, r->evidence, &r->form, &id))
		return false;
	if (find_key(r, has_thumbprint, &id)) {
		holds = form_verify(&r->form, &r->key->public, &why);
		r->is_read =
		    holds && form_read_own(r->arena, &r->form, id, r->doc);
		if (r->is_read)
			return true;
		note_tried(r, holds, &why);
	}
	form_fini(&r->form);
	return false;
}

/* No signature is computed twice. */
static bool
verify_form(struct run *r, struct error *reterr)
{
	const struct tried *t = r->tried;

	if (!t || t->key != r->key || !form_same(&t->form, &r->form))
		return form_verify(&r->form, &r->key->public, reterr);
	return t->holds ||
	       error_set(reterr, t->why.code, t->why.at, "%s", t->why.msg);
}

static bool
check_avow(struct run *r, struct error *reterr)
{
	struct str id;

	if (check_own(r))
		return true;

	if (!form_open(r->arena, r->kind->form, r->evidence, &r->form, &r->own,
		reterr))
		return false;
	id = doc_named_key(r->own);
	/* No key is without a thumbprint that has its form. */
	if (id.n == 0 || !find_key(r, has_thumbprint, &id))
		return doc_key_id(r->own, &id, reterr) &&
		       run_refuse(reterr, ERR_EVIDENCE_KEY,
			   "the key that the document names is not trusted");
	return verify_form(r, reterr);
}

static bool
read_avow(struct run *r, struct error *reterr)
{
	return r->is_read || doc_read(r->arena, r->own, r->doc, reterr);
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
	return run_refuse(reterr, ERR_EVIDENCE_SIGNATURE,
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
				run_take_key(
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
		return run_refuse(reterr, ERR_EVIDENCE_KEY,
		    "the signer's certificate has no key that can be read");
	if (!keys_public_init(&signer, pkey, reterr))
		return false;
	ok = (keys_is_usual(signer.algorithm) && cms_verify(m, &signer)) ||
	     run_refuse(reterr, ERR_EVIDENCE_SIGNATURE,
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
		ok = run_refuse(reterr, ERR_EVIDENCE_KEY,
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
	r->doc->key_id = str_dup(r->arena, run_key_id(r));
	return r->doc->key_id.p || error_nomem(reterr);
}

static bool
read_ec2(struct run *r, struct error *reterr)
{
	return doc_read_ec2(
		   r->arena, r->root, r->evidence->document, r->doc, reterr) &&
	       set_key_id(r, reterr);
}

static bool
read_azure(struct run *r, struct error *reterr)
{
	return doc_read_azure(
		   r->arena, r->root, r->evidence->document, r->doc, reterr) &&
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
		return run_refuse(reterr, ERR_EVIDENCE_KEY,
		    "the key that the token names is not trusted");
	return jws_verify(&r->jws, &r->key->public, reterr);
}

static bool
take_token(struct run *r, const struct token *t, struct error *reterr)
{
	struct doc *d = r->doc;
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
		  run_refuse(reterr, ERR_EVIDENCE_KIND,
		      "the token is not of type `avow-token+jwt`");

	ok = ok &&
	     token_read(r->arena, &r->jws, TOKEN_FULL, &t, r->doc, reterr) &&
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
		ok = run_refuse(reterr, ERR_EVIDENCE_KIND,
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
		   r->arena, r->root, r->evidence->document, r->doc, reterr) &&
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

const struct kind *
kind_named(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (str_eq(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}
