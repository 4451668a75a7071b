/* documents.c - the document service as an object: its options, who may see
 * what, what is past. */
#include "attest/documents.h"

#include <openssl/pem.h>

#include "attest/documents_private.h"
#include "attest/sts_private.h"
#include "attest/token_read.h"
#include "base/limits.h"

/* ---- opening ---------------------------------------------------------------
 */

static bool
check_claims(const struct str *names, size_t n, struct error *reterr)
{
	for (size_t i = 0; i < n; i++)
		if (!documents_claim_is_known(names[i]))
			return error_set(reterr, ERR_CONFIG_VALUE, SPAN_NONE,
			    "there is no claim `%.*s`", STR_ARG(names[i]));
	return true;
}

static bool
check_options(const struct documents_options *o, struct error *reterr)
{
	if (o->issuer.n == 0)
		return error_set(reterr, ERR_CONFIG_VALUE, SPAN_NONE,
		    "documents need an issuer");
	if (o->lifetime_s <= 0 || o->lifetime_most_s < o->lifetime_s ||
	    o->lifetime_most_s > LIMIT_DOCUMENT_LIFE_S)
		return error_set(reterr, ERR_CONFIG_VALUE, SPAN_NONE,
		    "a document lives at most %d s, and usually no longer "
		    "than the most",
		    LIMIT_DOCUMENT_LIFE_S);
	for (size_t i = 0; i < o->n_levels; i++)
		if (!check_claims(&o->levels[i].claim, 1, reterr))
			return false;
	for (size_t i = 0; i < o->n_profiles; i++) {
		const struct documents_profile *p = &o->profiles[i];

		if (!check_claims(p->claims, p->n_claims, reterr))
			return false;
		if (p->unbound_s < 0 || p->unbound_s > LIMIT_DOCUMENT_UNBOUND_S)
			return error_set(reterr, ERR_CONFIG_VALUE, SPAN_NONE,
			    "a document that is bound to no key lives at most "
			    "%d s",
			    LIMIT_DOCUMENT_UNBOUND_S);
	}
	return true;
}

static const struct str *
copy_texts(struct arena *a, const struct str *texts, size_t n)
{
	struct str *copy = ARENA_ARRAY(a, n + 1, struct str);

	for (size_t i = 0; copy && i < n; i++) {
		copy[i] = str_dup(a, texts[i]);
		if (!copy[i].p)
			return NULL;
	}
	return copy;
}

static bool
copy_profiles(struct arena *a, struct documents_options *o)
{
	struct documents_profile *copy =
	    ARENA_ARRAY(a, o->n_profiles + 1, struct documents_profile);

	for (size_t i = 0; copy && i < o->n_profiles; i++) {
		const struct documents_profile *p = &o->profiles[i];

		copy[i] = (struct documents_profile){ str_dup(a, p->name),
			copy_texts(a, p->claims, p->n_claims), p->n_claims,
			p->unbound_s };
		if (!copy[i].name.p || !copy[i].claims)
			return false;
	}
	o->profiles = copy;
	return copy != NULL;
}

static bool
copy_levels(struct arena *a, struct documents_options *o)
{
	struct documents_level *copy =
	    ARENA_ARRAY(a, o->n_levels + 1, struct documents_level);

	for (size_t i = 0; copy && i < o->n_levels; i++) {
		copy[i] =
		    (struct documents_level){ str_dup(a, o->levels[i].claim),
			    o->levels[i].level };
		if (!copy[i].claim.p)
			return false;
	}
	o->levels = copy;
	return copy != NULL;
}

static bool
copy_options(struct arena *a, struct documents_options *o)
{
	o->issuer = str_dup(a, o->issuer);
	return o->issuer.p && copy_levels(a, o) && copy_profiles(a, o);
}

struct documents *
documents_open(const struct documents_options *options, struct error *reterr)
{
	struct arena *a;
	struct documents *d;

	if (!check_options(options, reterr))
		return NULL;
	a = arena_new(0);
	d = a ? ARENA_NEW(a, struct documents) : NULL;
	if (d) {
		*d = (struct documents){ .refs = 1, .home = a, .o = *options };
		if (copy_options(a, &d->o))
			return d;
	}
	arena_free(a);
	(void)error_nomem(reterr);
	return NULL;
}

struct documents *
documents_ref(struct documents *d)
{
	(void)__atomic_add_fetch(&d->refs, 1, __ATOMIC_RELAXED);
	return d;
}

void
documents_close(struct documents *d)
{
	if (d && __atomic_sub_fetch(&d->refs, 1, __ATOMIC_ACQ_REL) == 0)
		arena_free(d->home);
}

/* ---- who signs -------------------------------------------------------------
 */

static bool
issue_by_key(void *ctx, const struct attest_issue *what,
    struct buf *ret_document, struct buf *ret_signature, struct error *reterr)
{
	return attest_issue(ctx, what, ret_document, ret_signature, reterr);
}

bool
documents_pem(struct arena *a, const struct keys_public *key, struct str *ret,
    struct error *reterr)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long n = 0;
	bool ok = bio && PEM_write_bio_PUBKEY(bio, key->pkey) == 1;

	if (ok)
		n = BIO_get_mem_data(bio, &text);
	if (ok && n > 0)
		*ret = str_dup(a, (struct str){ text, (size_t)n });
	ok = ok && n > 0 && ret->p;
	BIO_free(bio);
	return ok || error_set(reterr, ERR_SYSTEM_ERROR, SPAN_NONE,
			 "cannot write a public key: %s", keys_drain());
}

bool
documents_signer_of_ring(struct arena *a, const struct token_ring *ring,
    int64_t now_unix_s, struct documents_signer *ret, struct error *reterr)
{
	const struct attest_key *key =
	    token_ring_signer(ring, now_unix_s, reterr);
	struct documents_signer s = { .issue = issue_by_key };

	if (!key || !documents_pem(a, &key->public, &s.pem, reterr))
		return false;
	s.key_id = keys_thumbprint(&key->public);
	s.ctx = (void *)(uintptr_t)key; /* only read */
	*ret = s;
	return true;
}

bool
documents_rings_meet(
    const struct token_ring *one, const struct token_ring *other)
{
	for (size_t i = 0; i < token_ring_count(one); i++)
		for (size_t k = 0; k < token_ring_count(other); k++)
			if (str_eq(token_ring_at(one, i)->kid,
				token_ring_at(other, k)->kid))
				return true;
	return false;
}

/* ---- who may see what ------------------------------------------------------
 */

bool
documents_unknown(struct error *reterr)
{
	return error_set(reterr, ERR_ACCOUNT_UNKNOWN, SPAN_NONE,
	    "no such instance, group or document, or none that may be seen "
	    "from here");
}

struct finding {
	struct sql *tx;
	struct arena *a;
	const struct sts_actor *actor;
	struct store_account self; /* of the administrator empty */
};

static bool
is_admin(const struct finding *f)
{
	return f->actor->rank == STS_ADMIN;
}

static bool
take_instance(
    const struct finding *f, struct documents_subject *s, struct error *reterr)
{
	s->is_own = !is_admin(f) && str_eq(s->id, f->self.id);
	return s->is_own || is_admin(f) || sts_owns(&f->self, &s->account) ||
	       documents_unknown(reterr);
}

static bool
take_group(
    const struct finding *f, struct documents_subject *s, struct error *reterr)
{
	bool owns = f->self.kind == STS_CONTROLLER &&
		    str_eq(s->row.owner, f->self.id) &&
		    str_has_prefix(s->id, f->self.prefix);

	if (!store_group_members(
		f->tx, f->a, s->id, &s->members, &s->n_members, reterr))
		return false;
	for (size_t i = 0; i < s->n_members && !is_admin(f); i++)
		s->is_own |= str_eq(s->members[i], f->self.id);
	return s->is_own || is_admin(f) || owns || documents_unknown(reterr);
}

bool
documents_find(struct sql *tx, struct arena *a, const struct sts_actor *actor,
    struct str id, struct documents_subject *ret, struct error *reterr)
{
	struct finding f = { .tx = tx, .a = a, .actor = actor };
	struct documents_subject s = { .id = id };
	bool is_account = false;

	if (!sts_check_actor(tx, a, actor, &f.self, reterr) ||
	    !store_account_find(tx, a, id, &s.account, &is_account, reterr) ||
	    !store_instance_find(tx, a, id, &s.row, &s.has_row, reterr))
		return false;
	if (!s.has_row)
		s.row = (struct store_instance){ .id = id,
			.properties = STR("{}") };
	s.is_group = s.has_row && s.row.is_group == 1;
	if (s.is_group == is_account ||
	    (is_account && s.account.kind != STS_INSTANCE))
		return documents_unknown(reterr);
	if (!(s.is_group ? take_group(&f, &s, reterr)
			 : take_instance(&f, &s, reterr)))
		return false;
	*ret = s;
	return true;
}

/* ---- one document, and all of a subject ------------------------------------
 */

struct looking {
	struct arena *a;
	const struct sts_actor *actor;
	struct str id, after;
	size_t limit;
	struct store_document row, *rows;
	size_t n;
	bool is_own;
};

static bool
get_inside(
    struct sql *tx, int64_t now_ms, void *ctx, bool *keep, struct error *reterr)
{
	struct looking *l = ctx;
	struct documents_subject s;
	bool found = false;

	(void)now_ms;
	*keep = false;
	if (!store_document_find(tx, l->a, l->id, &l->row, &found, reterr))
		return false;
	if (!found)
		return documents_unknown(reterr);
	if (!documents_find(tx, l->a, l->actor, l->row.subject, &s, reterr))
		return false;
	l->is_own = s.is_own;
	return true;
}

bool
documents_get(struct documents *d, struct arena *a,
    const struct sts_actor *actor, struct str id, struct documents_issued *ret,
    struct error *reterr)
{
	struct looking l = { .a = a, .actor = actor, .id = id };

	if (!store_transact(d->o.store, get_inside, &l, reterr))
		return false;
	*ret = (struct documents_issued){ .row = l.row, .is_handed = l.is_own };
	if (!l.is_own)
		ret->row.document = ret->row.signature = STR("");
	return true;
}

static bool
list_inside(
    struct sql *tx, int64_t now_ms, void *ctx, bool *keep, struct error *reterr)
{
	struct looking *l = ctx;
	struct documents_subject s;

	(void)now_ms;
	*keep = false;
	return documents_find(tx, l->a, l->actor, l->id, &s, reterr) &&
	       store_document_page(tx, l->a, l->id, l->after, l->limit,
		   &l->rows, &l->n, reterr);
}

bool
documents_list(struct documents *d, struct arena *a,
    const struct sts_actor *actor, struct str subject, struct str after,
    size_t limit, struct documents_issued **ret, size_t *ret_n,
    struct error *reterr)
{
	struct looking l = {
		.a = a, .actor = actor, .id = subject, .after = after
	};
	struct documents_issued *all;

	l.limit = limit < LIMIT_ACCOUNT_PAGE ? limit : LIMIT_ACCOUNT_PAGE;
	if (!store_transact(d->o.store, list_inside, &l, reterr))
		return false;
	all = ARENA_ARRAY(a, l.n + 1, struct documents_issued);
	if (!all)
		return error_nomem(reterr);
	for (size_t i = 0; i < l.n; i++)
		all[i].row = l.rows[i];
	*ret = all;
	*ret_n = l.n;
	return true;
}

/* ---- looking after it ------------------------------------------------------
 */

static bool
purge_inside(
    struct sql *tx, int64_t now_ms, void *ctx, bool *keep, struct error *reterr)
{
	(void)ctx;
	(void)keep;
	return store_documents_purge(tx, now_ms / 1000, reterr);
}

bool
documents_purge(struct documents *d, struct error *reterr)
{
	return store_transact(d->o.store, purge_inside, NULL, reterr);
}
