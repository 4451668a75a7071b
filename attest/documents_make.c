/* documents_make.c - documents made: what shall be said is found inside a
 * transaction, signed outside of any, and stored inside the next one, if there
 * it still is what shall be said. So a signer that is slow, or far away, stalls
 * nobody who writes, and what is stored was never signed for a state that is
 * past: a draft fits by a digest of all that its document says, but for its id
 * and its times. */
#include "attest/documents.h"

#include "attest/documents_private.h"
#include "attest/form.h"
#include "attest/secret.h"
#include "base/digest.h"

#define TRIES 5u

/* ---- signing ---------------------------------------------------------------
 */

static bool
digest_of(
    struct arena *a, struct str bytes, struct str *ret, struct error *reterr)
{
	uint8_t digest[32];

	if (!digest_sha256(&bytes, 1, digest))
		return error_set(reterr, ERR_SYSTEM_ERROR, SPAN_NONE,
		    "cannot make a digest");
	*ret = str_dup(a, (struct str){ (const char *)digest, sizeof digest });
	return ret->p || error_nomem(reterr);
}

/* By what it will be looked for: the digest of its text, whatever form that
 * stands in, and that of its signature, beside or inside. */
static bool
set_digests(struct arena *a, struct store_document *row, struct error *reterr)
{
	const struct attest_evidence e = { attest_form_kind(
					       (enum attest_form)row->form),
		row->document, row->signature };
	struct form f = { 0 };
	const struct flat *root;
	bool ok =
	    form_open(a, (enum attest_form)row->form, &e, &f, &root, reterr) &&
	    digest_of(a, form_text(&f), &row->digest, reterr) &&
	    digest_of(a, form_signature(&f), &row->signature_digest, reterr);

	form_fini(&f);
	return ok;
}

static bool
sign(struct documents_drafts *all, struct documents_draft *draft,
    struct error *reterr)
{
	struct store_document *row = &draft->row;
	struct buf document = { 0 }, signature = { 0 };
	bool ok = all->signer->issue(
	    all->signer->ctx, &draft->what, &document, &signature, reterr);

	if (ok) {
		row->document = str_dup(all->a, buf_str(&document));
		row->signature = str_dup(all->a, buf_str(&signature));
		ok = (row->document.n > 0 && row->signature.p) ||
		     error_nomem(reterr);
	}
	buf_free(&document);
	buf_free(&signature);
	draft->is_signed = ok && set_digests(all->a, row, reterr);
	return draft->is_signed;
}

/* ---- drafts ----------------------------------------------------------------
 */

static bool
new_id(
    struct documents *d, struct arena *a, struct str *ret, struct error *reterr)
{
	uint8_t bytes[16];
	char hex[33];

	if (!secret_random(&d->o.random, bytes, sizeof bytes, reterr))
		return false;
	digest_hex(bytes, sizeof bytes, hex);
	*ret = str_dup(a, str_of(hex));
	return ret->p || error_nomem(reterr);
}

/* All that decides what is said, of whom, to whom, for how long, by which key
 * and in which form. */
static bool
fingerprint(const struct documents_drafts *all, const struct documents_make *m,
    uint8_t ret[32], struct error *reterr)
{
	const struct documents_subject *s = m->subject;
	struct buf text = { 0 };
	bool ok = json_write(&text, m->claims);

	buf_printf(&text, " %lld %lld %d", (long long)m->lifetime_s,
	    (long long)m->version, (int)m->form);
	for (size_t i = 0; i < s->n_members; i++)
		buf_printf(&text, " %.*s", STR_ARG(s->members[i]));
	const struct str parts[] = { s->id,
		documents_bound_to(s, m->is_unbound), m->names, m->audience,
		all->signer->key_id, buf_str(&text) };

	ok = ok && buf_ok(&text) &&
	     digest_sha256_framed(parts, ARRAY_LEN(parts), ret);
	buf_free(&text);
	return ok || error_nomem(reterr);
}

static struct documents_draft *
find_signed(struct documents_drafts *all, const uint8_t digest[32])
{
	struct str want = { (const char *)digest, 32 };

	for (size_t i = 0; i < all->n; i++) {
		struct documents_draft *draft = &all->items[i];

		if (draft->is_signed && !draft->is_used &&
		    str_eq(want, (struct str){ (const char *)draft->digest,
				     sizeof draft->digest }))
			return draft;
	}
	return NULL;
}

static bool
fill(struct documents *d, struct documents_drafts *all,
    const struct documents_make *m, struct documents_draft *draft,
    struct error *reterr)
{
	const struct documents_subject *s = m->subject;
	struct store_document row = { .subject = s->id,
		.claims = m->names,
		.audience = m->audience,
		.key_id = all->signer->key_id,
		.bound = documents_bound_to(s, m->is_unbound),
		.version = m->version,
		.n_values = documents_values(m->claims),
		.issued_at = m->now_s,
		.expires_at = m->now_s + m->lifetime_s,
		.form = m->form };
	struct str *audience = NULL, *names = NULL;
	size_t n_audience = 0, n_names = 0;

	if (!new_id(d, all->a, &row.id, reterr) ||
	    !documents_list_of(
		all->a, m->audience, &audience, &n_audience, reterr) ||
	    !documents_list_of(all->a, m->names, &names, &n_names, reterr))
		return false;
	row.level = documents_level(d, names, n_names);
	draft->row = row;
	draft->what = (struct attest_issue){ .issuer = d->o.issuer,
		.subject = s->id,
		.audience = audience,
		.n_audience = n_audience,
		.issued_at = row.issued_at,
		.not_before = row.issued_at,
		.expires_at = row.expires_at,
		.claims = json_incref((json_t *)(uintptr_t)m->claims),
		.cnf_jkt = row.bound,
		.members = s->members,
		.n_members = s->n_members,
		.id = row.id,
		.form = m->form };
	return true;
}

static bool
keep(struct sql *tx, const struct documents_drafts *all,
    const struct store_document *row, int64_t now_s, struct error *reterr)
{
	const struct store_document_key key = { .id = all->signer->key_id,
		.pem = all->signer->pem,
		.until = row->expires_at };
	bool fresh = false;

	return store_document_key_put(tx, &key, reterr) &&
	       store_document_insert(tx, row, now_s, &fresh, reterr) &&
	       (fresh || error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE,
			     "another document is the newest already"));
}

bool
documents_has_room(struct sql *tx, bool *ret, struct error *reterr)
{
	struct error why = { 0 };

	*ret = store_document_room(tx, &why);
	return *ret || why.code == ERR_LIMIT_COUNT ||
	       error_set(reterr, why.code, SPAN_NONE, "%s", why.msg);
}

bool
documents_make(struct documents *d, struct sql *tx,
    struct documents_drafts *all, const struct documents_make *m,
    struct store_document *ret, struct error *reterr)
{
	struct documents_draft *draft, fresh = { 0 };

	if (!fingerprint(all, m, fresh.digest, reterr))
		return false;
	draft = find_signed(all, fresh.digest);
	if (draft) {
		draft->is_used = true;
		*ret = draft->row;
		return keep(tx, all, ret, m->now_s, reterr);
	}
	if (!fill(d, all, m, &fresh, reterr))
		return false;
	if (!ARENA_PUSH_ROOM(all->a, all->items, all->n, all->cap)) {
		json_decref((json_t *)(uintptr_t)fresh.what.claims);
		return error_nomem(reterr);
	}
	all->items[all->n++] = fresh;
	all->n_open++;
	*ret = fresh.row;
	return true;
}

/* ---- round and round -------------------------------------------------------
 */

struct round {
	struct documents_drafts *all;
	bool (*inside)(struct sql *tx, int64_t now_ms, void *ctx, bool *keep,
	    struct error *reterr);
	void *ctx;
};

/* With a document still to be signed nothing is kept. */
static bool
run(struct sql *tx, int64_t now_ms, void *ctx, bool *keep_it,
    struct error *reterr)
{
	struct round *r = ctx;

	if (!r->inside(tx, now_ms, r->ctx, keep_it, reterr))
		return false;
	*keep_it = *keep_it && r->all->n_open == 0;
	return true;
}

static bool
sign_open(struct documents_drafts *all, struct error *reterr)
{
	for (size_t i = 0; i < all->n; i++)
		if (!all->items[i].is_signed &&
		    !sign(all, &all->items[i], reterr))
			return false;
	return true;
}

bool
documents_transact(struct documents *d, struct documents_drafts *all,
    bool (*inside)(struct sql *tx, int64_t now_ms, void *ctx, bool *keep,
	struct error *reterr),
    void *ctx, struct error *reterr)
{
	struct round r = { all, inside, ctx };

	for (unsigned i = 0; i < TRIES; i++) {
		all->n_open = 0;
		for (size_t k = 0; k < all->n; k++)
			all->items[k].is_used = false;
		if (!store_transact(d->o.store, run, &r, reterr))
			return false;
		if (all->n_open == 0)
			return true;
		if (!sign_open(all, reterr))
			return false;
	}
	return error_set(reterr, ERR_SYSTEM_NOT_READY, SPAN_NONE,
	    "what is known changes faster than it is signed; ask again");
}

void
documents_drafts_fini(struct documents_drafts *all)
{
	for (size_t i = 0; i < all->n; i++)
		json_decref((json_t *)(uintptr_t)all->items[i].what.claims);
	all->n = 0;
}
