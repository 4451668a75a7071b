/* documents_verify.c - what anybody may ask: is this document good (A6), and
 * which key is it of (A4)? Who has no document with a good signature learns
 * nothing of instances. No claims are made here: verify.c alone does. */
#include "attest/documents.h"

#include "attest/doc.h"
#include "attest/documents_private.h"
#include "attest/evidence.h"
#include "attest/form.h"
#include "attest/jwk.h"
#include "attest/kind.h"
#include "attest/merge.h"
#include "attest/revoked.h"
#include "attest/sts_private.h"
#include "attest/token_read.h"
#include "base/digest.h"
#include "base/limits.h"

struct judging {
	struct arena *a;
	struct doc doc;
	struct str digest;
	bool is_newest;
};

static bool
refuse(struct error *reterr, enum err_code code, const char *why)
{
	return error_set(reterr, code, SPAN_NONE, "%s", why);
}

/* ---- the signature ---------------------------------------------------------
 */

/* The keys of PEM that the store had; keys_public_fini each. */
static bool
read_key(struct arena *a, struct str pem, struct keys_public **ret,
    size_t *ret_n, struct error *reterr)
{
	struct error why = { 0 };

	return keys_public_read(a, "document key", pem, ret, ret_n, &why) ||
	       error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE,
		   "a public key in the store cannot be read: %s", why.msg);
}

static bool
check_signature(struct documents *d, struct arena *a, const struct flat *root,
    const struct form *form, struct error *reterr)
{
	struct store_document_key key = { 0 };
	struct keys_public *keys = NULL;
	struct str id;
	size_t n = 0;
	bool found = false, ok;

	if (!doc_key_id(root, &id, reterr) ||
	    !store_document_key_look(d->o.store, a, id, &key, &found, reterr))
		return false;
	if (!found)
		return refuse(reterr, ERR_EVIDENCE_KEY,
		    "the key that the document names signed none of this "
		    "service's");
	if (!read_key(a, key.pem, &keys, &n, reterr))
		return false;
	ok = n == 1 && form_verify(form, &keys[0], reterr);
	for (size_t i = 0; i < n; i++)
		keys_public_fini(&keys[i]);
	return ok;
}

static bool
check_sizes(const struct attest_evidence *e, enum attest_form *ret_form,
    struct error *reterr)
{
	if (!attest_form_of_kind(e->kind, ret_form))
		return refuse(reterr, ERR_EVIDENCE_KIND,
		    "this service issues documents of kind `avow`, "
		    "`avow-embedded`, `avow-jws` or `avow-cms`");
	if (e->document.n == 0 ||
	    (e->signature.n == 0) != (*ret_form != ATTEST_DETACHED))
		return refuse(reterr, ERR_EVIDENCE_MALFORMED,
		    "the document or its signature is empty, or one that has "
		    "its signature inside has another beside");
	return (e->document.n <= LIMIT_DOCUMENT_BYTES &&
		   e->signature.n <= LIMIT_SIGNATURE_BYTES) ||
	       refuse(reterr, ERR_EVIDENCE_TOO_LARGE,
		   "the document or its signature is over the limit");
}

/* One text, in whatever form: so a document that was issued stays the same when
 * somebody writes its signature in the other way that ECDSA has. */
static bool
set_digest(struct judging *j, struct str text, struct error *reterr)
{
	uint8_t digest[32];

	if (!digest_sha256(&text, 1, digest))
		return refuse(reterr, ERR_SYSTEM_ERROR, "cannot make a digest");
	j->digest =
	    str_dup(j->a, (struct str){ (const char *)digest, sizeof digest });
	return j->digest.p || error_nomem(reterr);
}

static bool
read_genuine(struct documents *d, struct judging *j,
    const struct attest_evidence *e, struct error *reterr)
{
	struct form form = { 0 };
	enum attest_form kind;
	const struct flat *root;
	bool ok = check_sizes(e, &kind, reterr) &&
		  form_open(j->a, kind, e, &form, &root, reterr) &&
		  check_signature(d, j->a, root, &form, reterr) &&
		  doc_read(j->a, root, &j->doc, reterr) &&
		  set_digest(j, form_text(&form), reterr);

	form_fini(&form);
	if (ok && !str_eq(j->doc.issuer, d->o.issuer))
		ok = refuse(reterr, ERR_EVIDENCE_ISSUER,
		    "the document's issuer is another");
	return ok;
}

/* ---- what became of it -----------------------------------------------------
 */

static bool
check_times(const struct doc *d, int64_t now, struct error *reterr)
{
	if (d->expires_at <= now)
		return refuse(
		    reterr, ERR_EVIDENCE_EXPIRED, "the document has expired");
	return (d->issued_at - LIMIT_SKEW_S <= now &&
		   d->not_before - LIMIT_SKEW_S <= now) ||
	       refuse(reterr, ERR_EVIDENCE_NOT_YET_VALID,
		   "the document is not valid yet");
}

static bool
check_revoked(const struct doc *d, const struct attest_revoked *list,
    struct error *reterr)
{
	if (revoked_is_before_floor(list, d->issued_at) ||
	    revoked_has_document(list, d->id) ||
	    revoked_has_instance(list, STR(""), d->subject) ||
	    attest_revoked_has(list, ATTEST_ACCOUNT, d->subject) ||
	    revoked_has_key(list, d->key_id) || revoked_has_key(list, d->jkt))
		return refuse(reterr, ERR_EVIDENCE_REVOKED,
		    "the document, its instance or a key is revoked");
	return true;
}

static bool
check_active(struct sql *tx, const struct judging *j,
    const struct store_document *row, struct error *reterr)
{
	struct store_account account = { 0 };
	bool found = false, is_group = false;

	if (j->doc.n_members > 0)
		return store_group_is(tx, row->subject, &is_group, reterr) &&
		       (is_group || refuse(reterr, ERR_EVIDENCE_REVOKED,
					"the group is no more"));
	if (!store_account_find(
		tx, j->a, row->subject, &account, &found, reterr))
		return false;
	return (found && sts_may_prove(&account) && account.incarnation != 0 &&
		   (row->bound.n == 0 ||
		       str_eq(account.thumbprint, row->bound))) ||
	       refuse(
		   reterr, ERR_EVIDENCE_REVOKED, "the instance is not active");
}

/* It is asked of one moment, and nobody waits for it: what ends the document a
 * moment later is not known yet, as it is to nobody else. */
static bool
judge_inside(struct sql *tx, void *ctx, struct error *reterr)
{
	struct judging *j = ctx;
	struct store_document row = { 0 };
	bool found = false;

	if (!store_document_find(tx, j->a, j->doc.id, &row, &found, reterr))
		return false;
	/* By a key of ours, and not one that we know of. */
	if (!found || !str_eq(row.digest, j->digest) ||
	    row.ended == STORE_DOCUMENT_REVOKED)
		return refuse(reterr, ERR_EVIDENCE_REVOKED,
		    "the document is none that holds here");
	if (row.ended == STORE_DOCUMENT_SUPERSEDED)
		return refuse(reterr, ERR_EVIDENCE_SUPERSEDED,
		    "a newer document replaces this one");
	j->is_newest = row.ended == STORE_DOCUMENT_NEWEST;
	return check_active(tx, j, &row, reterr);
}

static bool
judge(struct documents *d, struct judging *j, const struct attest_evidence *e,
    const struct attest_revoked *revoked, int64_t now, struct error *reterr)
{
	return read_genuine(d, j, e, reterr) &&
	       check_times(&j->doc, now, reterr) &&
	       check_revoked(&j->doc, revoked, reterr) &&
	       store_look(d->o.store, judge_inside, j, reterr);
}

/* ---- several together (A9) -------------------------------------------------
 */

/* As verify.c has it for gates: all of one instance, or of a group that names
 * it, and of one mind. */
static bool
check_together(struct judging *all, size_t n, struct error *reterr)
{
	struct doc *first = NULL;

	for (size_t i = 0; i < n && !first; i++)
		if (all[i].doc.n_members == 0)
			first = &all[i].doc;
	if (!first)
		return refuse(reterr, ERR_EVIDENCE_INSTANCE,
		    "groups' documents alone say nothing of who shows them");
	for (size_t i = 0; i < n; i++)
		if (&all[i].doc != first &&
		    !merge_doc(all[i].a, first, &all[i].doc, reterr))
			return false;
	return true;
}

static bool
evidence_list(struct arena *a, const struct attest_evidence *e,
    struct attest_evidence **ret, size_t *ret_n, struct error *reterr)
{
	struct attest_evidence *one;

	if (str_eq(e->kind, STR(KIND_PACKS)))
		return evidence_packs(a, e->document, ret, ret_n, reterr);
	one = ARENA_NEW(a, struct attest_evidence);
	if (!one)
		return error_nomem(reterr);
	*one = *e;
	*ret = one;
	*ret_n = 1;
	return true;
}

bool
documents_verify(struct documents *d, struct arena *a,
    const struct attest_evidence *evidence,
    const struct attest_revoked *revoked, int64_t now_unix_s, bool *ret_newest,
    struct error *reterr)
{
	struct judging all[LIMIT_PACKS] = { 0 };
	struct attest_evidence *parts;
	bool is_newest = true, ok = true;
	size_t n;

	if (!evidence_list(a, evidence, &parts, &n, reterr))
		return false;
	for (size_t i = 0; ok && i < n; i++) {
		all[i].a = a;
		ok = judge(d, &all[i], &parts[i], revoked, now_unix_s, reterr);
		is_newest = is_newest && all[i].is_newest;
	}
	ok = ok && (n == 1 || check_together(all, n, reterr));
	if (ok)
		*ret_newest = is_newest;
	return ok;
}

bool
documents_check_issued(
    void *store, struct str id, const uint8_t digest[32], struct error *reterr)
{
	bool found = false;

	return store_document_look(store, id,
		   (struct str){ (const char *)digest, 32 }, &found, reterr) &&
	       (found || refuse(reterr, ERR_EVIDENCE_REVOKED,
			     "the document is none that the document service "
			     "issued"));
}

/* ---- the key server (A4) ---------------------------------------------------
 */

struct keys_asked {
	struct arena *a;
	const struct token_ring *ring;
	const struct documents_key_query *query;
	struct store_document_key *rows; /* of the store */
	size_t n;
	struct keys_public *all;
	size_t n_all, cap_all;
	int64_t now_s;
};

/* Takes the key in any case. Each once. */
static bool
add(struct keys_asked *k, struct keys_public *key, struct error *reterr)
{
	for (size_t i = 0; i < k->n_all; i++)
		if (str_eq(keys_thumbprint(&k->all[i]), keys_thumbprint(key))) {
			keys_public_fini(key);
			return true;
		}
	if (!ARENA_PUSH_ROOM(k->a, k->all, k->n_all, k->cap_all)) {
		keys_public_fini(key);
		return error_nomem(reterr);
	}
	k->all[k->n_all++] = *key;
	return true;
}

static bool
is_wanted(const struct keys_asked *k, struct str id)
{
	return k->query->id.n == 0 || str_eq(k->query->id, id);
}

static bool
add_rows(struct keys_asked *k, struct error *reterr)
{
	for (size_t i = 0; i < k->n; i++) {
		struct keys_public *keys = NULL;
		size_t n = 0;
		bool ok;

		if (!is_wanted(k, k->rows[i].id))
			continue;
		if (!read_key(k->a, k->rows[i].pem, &keys, &n, reterr))
			return false;
		ok = true;
		for (size_t j = 0; j < n; j++)
			if (ok)
				ok = add(k, &keys[j], reterr);
			else
				keys_public_fini(&keys[j]);
		if (!ok)
			return false;
	}
	return true;
}

/* A reference: the private half stays OpenSSL's, unused here. */
static bool
add_own(
    struct keys_asked *k, const struct attest_key *key, struct error *reterr)
{
	struct keys_public public = key->public;

	if (!is_wanted(k, keys_thumbprint(&key->public)))
		return true;
	if (EVP_PKEY_up_ref(public.pkey) != 1)
		return error_nomem(reterr);
	return add(k, &public, reterr);
}

/* Those that sign or will: all, or the one that signs now. */
static bool
add_ring(struct keys_asked *k, struct error *reterr)
{
	const struct attest_key *now;

	if (k->query->signature.n > 0)
		return true;
	if (k->query->instance.n > 0) {
		now = token_ring_signer(k->ring, k->now_s, reterr);
		return now && add_own(k, now, reterr);
	}
	for (size_t i = 0; i < token_ring_count(k->ring); i++)
		if (token_ring_is_published(k->ring, i, k->now_s) &&
		    !add_own(k, token_ring_key(k->ring, i), reterr))
			return false;
	return true;
}

static bool
by_signature(struct keys_asked *k, struct sql *tx, struct error *reterr)
{
	struct store_document_key *row =
	    ARENA_NEW(k->a, struct store_document_key);
	uint8_t digest[32];
	bool found = false;

	if (!row)
		return error_nomem(reterr);
	if (!digest_sha256(&k->query->signature, 1, digest))
		return refuse(reterr, ERR_SYSTEM_ERROR, "cannot make a digest");
	if (!store_document_key_by_signature(tx, k->a,
		(struct str){ (const char *)digest, sizeof digest }, row,
		&found, reterr))
		return false;
	k->rows = row;
	k->n = found;
	return true;
}

static bool
keys_inside(
    struct sql *tx, int64_t now_ms, void *ctx, bool *keep, struct error *reterr)
{
	struct keys_asked *k = ctx;

	*keep = false;
	k->now_s = now_ms / 1000;
	if (k->query->signature.n > 0)
		return by_signature(k, tx, reterr);
	if (k->query->instance.n > 0)
		return store_document_key_by_subject(tx, k->a,
		    k->query->instance, k->now_s, &k->rows, &k->n, reterr);
	return store_document_key_all(
	    tx, k->a, k->now_s, &k->rows, &k->n, reterr);
}

static bool
write_jwks(const struct keys_asked *k, struct buf *out, struct error *reterr)
{
	json_t *list = json_array(), *set;
	bool ok = list != NULL;

	for (size_t i = 0; ok && i < k->n_all; i++)
		ok = json_array_append_new(
			 list, jwk_write(&k->all[i], "sig")) == 0;
	set = json_pack("{s:o}", "keys", list);
	ok = set && ok && json_write(out, set);
	json_decref(set);
	return ok || error_nomem(reterr);
}

static bool
write_pem(struct keys_asked *k, struct buf *out, struct error *reterr)
{
	for (size_t i = 0; i < k->n_all; i++) {
		struct str pem;

		if (!documents_pem(k->a, &k->all[i], &pem, reterr))
			return false;
		buf_add(out, pem);
	}
	return buf_ok(out) || error_nomem(reterr);
}

bool
documents_keys(struct documents *d, struct arena *a,
    const struct token_ring *ring, const struct documents_key_query *query,
    bool as_pem, struct buf *out, struct error *reterr)
{
	struct keys_asked k = { .a = a, .ring = ring, .query = query };
	bool ok = store_transact(d->o.store, keys_inside, &k, reterr) &&
		  add_rows(&k, reterr) && add_ring(&k, reterr);

	if (ok && k.n_all == 0)
		ok = error_set(reterr, ERR_ACCOUNT_UNKNOWN, SPAN_NONE,
		    "there is no such key");
	ok = ok && (as_pem ? write_pem(&k, out, reterr)
			   : write_jwks(&k, out, reterr));
	for (size_t i = 0; i < k.n_all; i++)
		keys_public_fini(&k.all[i]);
	return ok;
}
