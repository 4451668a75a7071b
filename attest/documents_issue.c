/* documents_issue.c - documents made on demand, or found among those that were
 * (A5, A7). */
#include "attest/documents.h"

#include "attest/documents_private.h"
#include "attest/sts_private.h"
#include "base/limits.h"

/* ---- bound to whom ---------------------------------------------------------
 */

struct str
documents_bound_to(const struct documents_subject *s, bool is_unbound)
{
	return s->is_group || is_unbound ? STR("") : s->account.thumbprint;
}

bool
documents_may_unbind(const struct documents *d, struct arena *a,
    struct str names, int64_t lifetime_s)
{
	for (size_t i = 0; i < d->o.n_profiles; i++) {
		const struct documents_profile *p = &d->o.profiles[i];
		struct str own;

		if (lifetime_s <= p->unbound_s &&
		    documents_names(a, p->claims, p->n_claims, &own, NULL) &&
		    str_eq(own, names))
			return true;
	}
	return false;
}

bool
documents_check_key(
    const struct documents_subject *s, bool is_unbound, struct error *reterr)
{
	if (s->is_group)
		return s->n_members > 0 ||
		       error_set(reterr, ERR_ACCOUNT_AUTHORITY, SPAN_NONE,
			   "a group without members has no document");
	if (!sts_may_prove(&s->account) || s->account.incarnation == 0 ||
	    s->account.method == PROVE_METHOD_NONE)
		return error_set(reterr, ERR_EVIDENCE_REVOKED, SPAN_NONE,
		    "the instance is not active: disabled, evicted, banned, or "
		    "without a key");
	if (s->account.method == PROVE_HMAC && !is_unbound)
		return error_set(reterr, ERR_ACCOUNT_AUTHORITY, SPAN_NONE,
		    "the instance's key is a shared secret, to which no "
		    "document can be bound");
	return true;
}

/* ---- what was asked for ----------------------------------------------------
 */

struct asking {
	struct documents *d;
	struct arena *a;
	const struct sts_actor *actor;
	struct documents_drafts drafts;
	const struct documents_ask *ask;
	struct str names, audience; /* JSON lists; audience empty: any */
	struct str *wanted, *for_whom;
	size_t n_wanted, n_for_whom;
	int64_t lifetime_s;
	enum attest_form form;
	bool is_unbound;
	struct documents_subject subject;
	struct store_document row;
	bool made;
};

static bool
malformed(struct error *reterr, const char *what)
{
	return error_set(reterr, ERR_REQUEST_MALFORMED, SPAN_NONE, "%s", what);
}

static const struct documents_profile *
find_profile(const struct documents *d, struct str name)
{
	for (size_t i = 0; i < d->o.n_profiles; i++)
		if (str_eq(d->o.profiles[i].name, name))
			return &d->o.profiles[i];
	return NULL;
}

static bool
read_claims(struct asking *k, struct error *reterr)
{
	const struct documents_ask *ask = k->ask;
	const struct documents_profile *p = find_profile(k->d, ask->profile);

	if (ask->has_claims == (ask->profile.n > 0))
		return malformed(
		    reterr, "expected `claims` or `profile`, one of them");
	if (ask->has_claims)
		return documents_names(
		    k->a, ask->claims, ask->n_claims, &k->names, reterr);
	if (!p)
		return error_set(reterr, ERR_REQUEST_MALFORMED, SPAN_NONE,
		    "there is no profile `%.*s`",
		    (int)(ask->profile.n < 100 ? ask->profile.n : 100),
		    ask->profile.p);
	k->is_unbound = p->unbound_s > 0;
	if (k->is_unbound && !ask->lifetime_s && k->lifetime_s > p->unbound_s)
		k->lifetime_s = p->unbound_s;
	if (k->is_unbound && k->lifetime_s > p->unbound_s)
		return error_set(reterr, ERR_REQUEST_MALFORMED, SPAN_NONE,
		    "a document of this profile is bound to no key, and lives "
		    "at most %llds",
		    (long long)p->unbound_s);
	return documents_names(k->a, p->claims, p->n_claims, &k->names, reterr);
}

static bool
read_audience(struct asking *k, struct error *reterr)
{
	const struct documents_ask *ask = k->ask;

	if (ask->n_audience == 0 && ask->profile.n > 0)
		return documents_audience(
		    k->a, &ask->profile, 1, &k->audience, reterr);
	/* Whatever is for anybody may be found, but not made. */
	if (ask->n_audience == 0 && ask->is_select && !ask->may_issue)
		return true;
	return documents_audience(
	    k->a, ask->audience, ask->n_audience, &k->audience, reterr);
}

static bool
read_ask(struct asking *k, struct error *reterr)
{
	int64_t most = k->d->o.lifetime_most_s;

	k->form = k->ask->has_form ? k->ask->form : k->d->o.form;
	k->lifetime_s =
	    k->ask->lifetime_s ? k->ask->lifetime_s : k->d->o.lifetime_s;
	if (k->lifetime_s <= 0 || k->lifetime_s > most)
		return error_set(reterr, ERR_REQUEST_MALFORMED, SPAN_NONE,
		    "a document lives at most %llds here", (long long)most);
	return read_claims(k, reterr) && read_audience(k, reterr) &&
	       documents_list_of(
		   k->a, k->names, &k->wanted, &k->n_wanted, reterr) &&
	       documents_list_of(k->a, k->audience.n ? k->audience : STR("[]"),
		   &k->for_whom, &k->n_for_whom, reterr);
}

/* ---- found -----------------------------------------------------------------
 */

/* Bound to the key that the instance has now, or to none where that is what is
 * asked for, and good for a while; and by now, since a clock that ran ahead may
 * have made it. */
static bool
is_usable(
    const struct asking *k, const struct store_document *row, int64_t now_s)
{
	struct str key = documents_bound_to(&k->subject, k->is_unbound);

	return row->ended == STORE_DOCUMENT_NEWEST &&
	       row->form == (int64_t)k->form && str_eq(row->bound, key) &&
	       row->issued_at <= now_s + LIMIT_SKEW_S &&
	       (row->expires_at - now_s) * 2 >=
		   row->expires_at - row->issued_at;
}

static bool
is_enough(struct asking *k, const struct store_document *row, bool *ret,
    struct error *reterr)
{
	struct str *names = NULL, *audience = NULL;
	size_t n = 0, n_audience = 0, found = 0;

	if (!documents_list_of(k->a, row->claims, &names, &n, reterr) ||
	    !documents_list_of(
		k->a, row->audience, &audience, &n_audience, reterr))
		return false;
	for (size_t i = 0; i < k->n_for_whom; i++)
		for (size_t j = 0; j < n_audience; j++)
			found += str_eq(k->for_whom[i], audience[j]);
	*ret = found == k->n_for_whom &&
	       documents_cover(names, n, k->wanted, k->n_wanted);
	return true;
}

/* Which tells less? Then the less delicate, then always the same. */
static bool
is_better(const struct store_document *a, const struct store_document *b)
{
	if (a->n_values != b->n_values)
		return a->n_values < b->n_values;
	if (a->level != b->level)
		return a->level < b->level;
	return a->issued_at > b->issued_at;
}

static const struct store_document *
find_same(const struct asking *k, const struct store_document *rows, size_t n)
{
	bool is_bound = documents_bound_to(&k->subject, k->is_unbound).n > 0;

	for (size_t i = 0; i < n; i++)
		if (rows[i].ended == STORE_DOCUMENT_NEWEST &&
		    (rows[i].bound.n > 0) == is_bound &&
		    rows[i].form == (int64_t)k->form &&
		    str_eq(rows[i].claims, k->names) &&
		    str_eq(rows[i].audience, k->audience))
			return &rows[i];
	return NULL;
}

static bool
find_best(struct asking *k, const struct store_document *rows, size_t n,
    int64_t now_s, const struct store_document **ret, struct error *reterr)
{
	const struct store_document *best = NULL;

	for (size_t i = 0; i < n; i++) {
		bool enough = false;

		if (!is_usable(k, &rows[i], now_s))
			continue;
		if (!is_enough(k, &rows[i], &enough, reterr))
			return false;
		if (enough && (!best || is_better(&rows[i], best)))
			best = &rows[i];
	}
	*ret = best;
	return true;
}

/* ---- made ------------------------------------------------------------------
 */

static bool
pick(struct asking *k, json_t **ret, struct error *reterr)
{
	json_t *properties = NULL;
	struct str missing = { 0 };
	bool ok =
	    documents_parse(k->subject.row.properties, &properties, reterr) &&
	    documents_pick(k->a, properties, k->names, ret, &missing, reterr);

	json_decref(properties);
	if (ok && missing.n > 0)
		return error_set(reterr, ERR_REQUIREMENT_CLAIM, SPAN_NONE,
		    "nothing is known of `%.*s`", STR_ARG(missing));
	return ok;
}

/* The one before says the same, so it stays good until it expires; unless the
 * key it was bound to is not the instance's any more. */
static bool
end_same(struct asking *k, struct sql *tx, const struct store_document *same,
    const struct store_document *made, int64_t now_s, struct error *reterr)
{
	enum store_document_end how = str_eq(same->bound, made->bound)
					  ? STORE_DOCUMENT_RENEWED
					  : STORE_DOCUMENT_SUPERSEDED;

	(void)k;
	return store_document_end(tx, same, how, made->id, now_s, reterr);
}

static bool
make(struct asking *k, struct sql *tx, const struct store_document *same,
    int64_t now_s, struct error *reterr)
{
	json_t *claims = NULL;
	struct documents_make m = { .subject = &k->subject,
		.form = k->form,
		.names = k->names,
		.audience = k->audience,
		.is_unbound = k->is_unbound,
		.lifetime_s = k->lifetime_s,
		.version = k->subject.row.version,
		.now_s = now_s };
	bool ok;

	if (!store_document_room(tx, reterr) || !pick(k, &claims, reterr))
		return false;
	m.claims = claims;
	/* Only one may be the newest: the former first, by its id alone. */
	ok = !same || store_document_end(tx, same, STORE_DOCUMENT_RENEWED,
			  STR(""), now_s, reterr);
	ok = ok && documents_make(k->d, tx, &k->drafts, &m, &k->row, reterr) &&
	     (!same || end_same(k, tx, same, &k->row, now_s, reterr));
	json_decref(claims);
	k->made = ok;
	return ok;
}

static bool
take(struct asking *k, const struct store_document *row)
{
	k->row = *row;
	return true;
}

static bool
issue_inside(struct sql *tx, int64_t now_ms, void *ctx, bool *keep_it,
    struct error *reterr)
{
	struct asking *k = ctx;
	const struct store_document *same, *best = NULL;
	struct store_document *rows = NULL;
	int64_t now_s = now_ms / 1000;
	size_t n = 0;

	k->made = false;
	if (!documents_find(
		tx, k->a, k->actor, k->ask->subject, &k->subject, reterr) ||
	    !documents_check_key(&k->subject, k->is_unbound, reterr) ||
	    !store_document_live(
		tx, k->a, k->subject.id, now_s, &rows, &n, reterr) ||
	    (k->ask->is_select && !find_best(k, rows, n, now_s, &best, reterr)))
		return false;
	*keep_it = false;
	if (best)
		return take(k, best);
	if (k->ask->is_select && !k->ask->may_issue)
		return error_set(reterr, ERR_DATA_MISSING, SPAN_NONE,
		    "no document that is stored has all these claims");
	same = find_same(k, rows, n);
	if (same && is_usable(k, same, now_s) &&
	    same->expires_at - same->issued_at == k->lifetime_s)
		return take(k, same);
	if (n >= LIMIT_DOCUMENTS_LIVE)
		return error_set(reterr, ERR_REQUEST_LIMIT, SPAN_NONE,
		    "%u documents are live already; select one of them, or "
		    "wait until one expires",
		    LIMIT_DOCUMENTS_LIVE);
	*keep_it = true;
	return make(k, tx, same, now_s, reterr);
}

bool
documents_issue(struct documents *d, struct arena *a,
    const struct sts_actor *actor, const struct documents_signer *signer,
    const struct documents_ask *ask, struct documents_issued *ret,
    bool *ret_made, struct error *reterr)
{
	struct asking k = { .d = d,
		.a = a,
		.actor = actor,
		.drafts = { .a = a, .signer = signer },
		.ask = ask };
	bool ok = read_ask(&k, reterr) &&
		  documents_transact(d, &k.drafts, issue_inside, &k, reterr);

	documents_drafts_fini(&k.drafts);
	if (!ok)
		return false;
	*ret = (struct documents_issued){ .row = k.row,
		.is_handed = k.subject.is_own };
	/* Made available to its instance, and to nobody else (A5). */
	if (!ret->is_handed)
		ret->row.document = ret->row.signature = STR("");
	*ret_made = k.made;
	return true;
}
