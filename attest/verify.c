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

#include <stddef.h>

#include "attest/evidence.h"
#include "attest/kind.h"
#include "attest/merge.h"
#include "attest/spiffe.h"
#include "attest/verify_run.h"
#include "base/digest.h"
#include "base/limits.h"
#include "policy/claims_make.h"

/* ---- what is kept of one --------------------------------------------------
 */

/* The id that policies see is made from what was verified, never copied. */
static bool
make_spiffe_id(struct run *r, struct str *ret, struct error *reterr)
{
	struct buf id = { 0 };

	if (r->entry->trust_domain.n == 0)
		return true;
	spiffe_id_write(&id, r->entry->trust_domain, r->doc->subject);
	*ret =
	    buf_ok(&id) ? str_dup(r->arena, buf_str(&id)) : (struct str){ 0 };
	buf_free(&id);
	return ret->p || error_nomem(reterr);
}

/* An entry's text, which need not live as long. */
static bool
copy_text(
    struct arena *a, struct str from, struct str *ret, struct error *reterr)
{
	if (from.n == 0)
		return true;
	*ret = str_dup(a, from);
	return ret->p || error_nomem(reterr);
}

/* Into `c`, which was zeroed, and has the document. */
static bool
fill_checked(struct run *r, struct checked *c, struct error *reterr)
{
	c->max_lease_s = r->entry->max_lease_s;
	c->token_domain = r->token_domain;
	c->at = r->at;
	c->is_token = r->is_token;
	/* What was found holds for as long as the trust has its version; not
	 * so where a chain of certificates was judged, whose dates are no part
	 * of a version. */
	c->is_lasting = !r->entry->chain;
	memcpy(c->key_id, r->key_id, sizeof c->key_id);
	return copy_text(r->arena, r->entry->kind, &c->kind, reterr) &&
	       copy_text(r->arena, r->entry->prefix, &c->prefix, reterr) &&
	       copy_text(r->arena, r->nonce, &c->nonce, reterr) &&
	       make_spiffe_id(r, &c->spiffe_id, reterr);
}

static const size_t texts[] = {
#define DOC_TEXT(field) offsetof(struct checked, doc.field)
	DOC_TEXT(id),
	DOC_TEXT(issuer),
	DOC_TEXT(key_id),
	DOC_TEXT(subject),
	DOC_TEXT(jkt),
	DOC_TEXT(x5t),
	DOC_TEXT(issued_text),
	DOC_TEXT(expires_text),
	DOC_TEXT(owner_number),
	DOC_TEXT(image_id),
	DOC_TEXT(owner),
	DOC_TEXT(private_ip),
	DOC_TEXT(launch_time),
	DOC_TEXT(region),
	DOC_TEXT(zone),
	DOC_TEXT(support_level),
	DOC_TEXT(os_name),
	DOC_TEXT(os_version),
	offsetof(struct checked, kind),
	offsetof(struct checked, prefix),
	offsetof(struct checked, spiffe_id),
	offsetof(struct checked, token_domain),
	offsetof(struct checked, nonce),
};

/* Lists of texts; of pairs, two texts each. */
static const struct {
	size_t list, n, each;
} lists[] = {
#define DOC_LIST(field, each)                                                  \
	{                                                                      \
		offsetof(struct checked, doc.field),                           \
		    offsetof(struct checked, doc.n_##field), each              \
	}
	DOC_LIST(audience, 1),
	DOC_LIST(members, 1),
	DOC_LIST(licences, 1),
	DOC_LIST(applications, 2),
	DOC_LIST(custom, 2),
};

_Static_assert(
    sizeof(struct doc_pair) == 2 * sizeof(struct str), "a pair is two texts");

static struct str *
text_at(struct checked *c, size_t i)
{
	return (struct str *)(void *)((char *)c + texts[i]);
}

static size_t
length_at(const struct checked *c, size_t i)
{
	struct str s;

	memcpy(&s, (const char *)c + texts[i], sizeof s);
	return s.n;
}

/* The i-th list of `c`; how many texts it has. */
static size_t
list_at(const struct checked *c, size_t i, const struct str **ret)
{
	size_t n;

	memcpy(ret, (const char *)c + lists[i].list, sizeof *ret);
	memcpy(&n, (const char *)c + lists[i].n, sizeof n);
	return n * lists[i].each;
}

/* An arena's sizes. */
static size_t
rounded(size_t bytes)
{
	return (bytes + 15) & ~(size_t)15;
}

/* How many bytes all texts have; and what a copy takes of an arena besides. */
static size_t
count_texts(const struct checked *c, size_t *ret_besides)
{
	const struct str *list;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		n += length_at(c, i);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		size_t n_list = list_at(c, i, &list);

		for (size_t k = 0; k < n_list; k++)
			n += list[k].n;
		*ret_besides += rounded(n_list * sizeof *list);
	}
	*ret_besides += rounded(n);
	return n;
}

/* To *at, which goes behind it. */
static void
move_text(struct str *s, char **at)
{
	if (s->n == 0)
		return;
	memcpy(*at, s->p, s->n);
	s->p = *at;
	*at += s->n;
}

static bool
copy_lists(struct arena *a, struct checked *c, char **at, struct error *reterr)
{
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		const struct str *list;
		size_t n = list_at(c, i, &list);
		struct str *copy;

		if (n == 0)
			continue;
		copy = ARENA_ARRAY(a, n, struct str);
		if (!copy)
			return error_nomem(reterr);
		for (size_t k = 0; k < n; k++) {
			copy[k] = list[k];
			move_text(&copy[k], at);
		}
		memcpy((char *)c + lists[i].list, &copy, sizeof copy);
	}
	return true;
}

/* Texts and lists, into `a`: the texts in one piece. */
static bool
own_texts(struct arena *a, struct checked *c, struct error *reterr)
{
	size_t besides = 0;
	char *at = arena_alloc(a, count_texts(c, &besides));

	if (!at)
		return error_nomem(reterr);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		move_text(text_at(c, i), &at);
	return copy_lists(a, c, &at, reterr);
}

/* ---- claims ---------------------------------------------------------------
 */

static bool
pairs_of(struct arena *a, const struct doc_pair *from, size_t n,
    const struct claims_pair **ret, struct error *reterr)
{
	struct claims_pair *pairs;

	if (n == 0)
		return true;
	pairs = ARENA_ARRAY(a, n, struct claims_pair);
	if (!pairs)
		return error_nomem(reterr);
	for (size_t i = 0; i < n; i++)
		pairs[i] = (struct claims_pair){ from[i].name, from[i].text };
	*ret = pairs;
	return true;
}

/* Of `d`, which `c`'s document and others together are. */
static bool
make_claims(struct arena *a, const struct checked *c, const struct doc *d,
    const struct claims_document *others, size_t n_others,
    const struct claims **ret, struct error *reterr)
{
	struct claims_init init = {
		.kind = c->kind,
		.issuer = d->issuer,
		.key_id = d->key_id,
		.document_id = d->id,
		.subject = d->subject,
		.prefix = c->prefix,
		.spiffe_id = c->spiffe_id,
		.has_issued_at = d->has_times,
		.has_expires_at = d->has_times,
		.has_cnf = d->has_cnf,
		.has_licences = d->has_licences,
		.issued_at = d->issued_at,
		.expires_at = d->expires_at,
		.issued_text = d->issued_text,
		.expires_text = d->expires_text,
		.max_lease_s = c->max_lease_s,
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

	return pairs_of(a, d->applications, d->n_applications,
		   &init.applications, reterr) &&
	       pairs_of(a, d->custom, d->n_custom, &init.custom, reterr) &&
	       claims_make(a, &init, ret, reterr);
}

/* ---- several together (A9) ------------------------------------------------
 */

/* The first that is of an instance: all the others are of the same. */
static const struct checked *
first_of_instance(const struct checked *all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (all[i].doc.n_members == 0)
			return &all[i];
	return NULL;
}

/* *ret is `first`'s own when it is alone. */
static bool
merge_all(struct arena *a, const struct checked *all, size_t n,
    const struct checked *first, const struct doc **ret, struct error *reterr)
{
	struct doc *d;

	*ret = &first->doc;
	if (n == 1)
		return true;
	d = ARENA_NEW(a, struct doc);
	if (!d)
		return error_nomem(reterr);
	*d = first->doc;
	for (size_t i = 0; i < n; i++) {
		/* An entry speaks for its own prefix alone. */
		if (all[i].at.entry != first->at.entry)
			return run_refuse(reterr, ERR_EVIDENCE_AMBIGUOUS,
			    "the documents are of different trust entries");
		if (&all[i] != first && !merge_doc(a, d, &all[i].doc, reterr))
			return false;
	}
	*ret = d;
	return true;
}

/* Who were shown beside the first. */
static bool
list_others(struct arena *a, const struct checked *all, size_t n,
    const struct checked *first, const struct claims_document **ret,
    struct error *reterr)
{
	struct claims_document *list;
	size_t found = 0;

	if (n == 1)
		return true;
	list = ARENA_ARRAY(a, n, struct claims_document);
	if (!list)
		return error_nomem(reterr);
	for (size_t i = 0; i < n; i++)
		if (&all[i] != first)
			list[found++] = (struct claims_document){ all[i].doc.id,
				str_of(all[i].key_id) };
	*ret = list;
	return true;
}

static bool
is_lasting(const struct checked *all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!all[i].is_lasting)
			return false;
	return true;
}

/* What texts, lists and `n` of these take of an arena. */
static size_t
own_bytes(const struct checked *all, size_t n)
{
	size_t bytes = rounded(n * sizeof *all);

	for (size_t i = 0; i < n; i++)
		(void)count_texts(&all[i], &bytes);
	return bytes;
}

size_t
verified_keep_bytes(const struct verified *v)
{
	return is_lasting(v->checked, v->n)
		   ? v->claims_bytes + own_bytes(v->checked, v->n)
		   : 0;
}

static bool
verify_together(struct arena *a, const struct checked *all, size_t n,
    struct verified *ret, struct error *reterr)
{
	const struct checked *first = first_of_instance(all, n);
	const struct claims_document *others = NULL;
	struct verified v = { .checked = all, .n = n };
	size_t before = arena_used(a);
	const struct doc *d;

	if (!first)
		return run_refuse(reterr, ERR_EVIDENCE_INSTANCE,
		    n == 1
			? "a group's document says nothing of who shows it: a "
			  "document of one of its members must come with it"
			: "groups' documents alone say nothing of who shows "
			  "them");
	if (!merge_all(a, all, n, first, &d, reterr) ||
	    !list_others(a, all, n, first, &others, reterr) ||
	    !make_claims(a, first, d, others, n - 1, &v.claims, reterr))
		return false;
	/* The same steps take no more elsewhere. */
	v.claims_bytes = arena_used(a) - before;
	*ret = v;
	return true;
}

bool
verified_copy(struct arena *a, const struct verified *v, struct verified *ret,
    struct error *reterr)
{
	struct checked *all = ARENA_ARRAY(a, v->n, struct checked);

	if (!all)
		return error_nomem(reterr);
	for (size_t i = 0; i < v->n; i++) {
		all[i] = v->checked[i];
		if (!own_texts(a, &all[i], reterr))
			return false;
	}
	if (v->claims)
		return verify_together(a, all, v->n, ret, reterr);
	*ret = (struct verified){ .checked = all, .n = v->n };
	return true;
}

/* ---- one ------------------------------------------------------------------
 */

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
	    r->ctx->issued_ctx, r->doc->id, digest, reterr);
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
	if (r->root)
		r->nonce = json_str(json_object_get(r->root, "nonce"));
	return run_checks(r, reterr) && check_issued(r, reterr);
}

bool
verify_part(void *unused, struct arena *a, const struct attest_evidence *e,
    const struct attest_context *ctx, struct checked *zeroed,
    struct error *reterr)
{
	struct run r = {
		.arena = a, .evidence = e, .ctx = ctx, .doc = &zeroed->doc
	};
	bool ok;

	(void)unused;
	ok = check_one(&r, reterr) && fill_checked(&r, zeroed, reterr);

	run_fini(&r);
	return ok;
}

bool
verify_packs(struct arena *a, const struct attest_evidence *e,
    const struct attest_context *ctx, verify_part_fn *part, void *arg,
    struct verified *ret, struct error *reterr)
{
	struct attest_evidence *all;
	struct checked *checked;
	size_t n;

	if (e->document.n > LIMIT_PACK_BYTES)
		return run_refuse(reterr, ERR_EVIDENCE_TOO_LARGE,
		    "the packs together are over the limit");
	if (!evidence_packs(a, e->document, &all, &n, reterr))
		return false;
	checked = ARENA_ARRAY(a, n, struct checked);
	if (!checked)
		return error_nomem(reterr);
	for (size_t i = 0; i < n; i++)
		if (!part(arg, a, &all[i], ctx, &checked[i], reterr))
			return false;
	return verify_together(a, checked, n, ret, reterr);
}

bool
verify_evidence(struct arena *a, const struct attest_evidence *e,
    const struct attest_context *ctx, struct verified *ret,
    struct error *reterr)
{
	struct checked *checked;

	if (str_eq(e->kind, STR(KIND_PACKS)))
		return verify_packs(a, e, ctx, verify_part, NULL, ret, reterr);
	checked = ARENA_NEW(a, struct checked);
	if (!checked)
		return error_nomem(reterr);
	return verify_part(NULL, a, e, ctx, checked, reterr) &&
	       verify_together(a, checked, 1, ret, reterr);
}

bool
verify_part_again(const struct checked *c, const struct attest_context *ctx,
    struct error *reterr)
{
	struct run r = { .ctx = ctx,
		.doc = (struct doc *)(uintptr_t)&c->doc, /* only read */
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
		if (!verify_part_again(&v->checked[i], ctx, reterr))
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
