/* documents_group.c - groups that go, or go by another name: what was said of
 * the one that was no longer holds, and that is known to gates in the same
 * transaction (SECURITY 10). */
#include "attest/documents.h"

#include "attest/documents_private.h"
#include "attest/sts_private.h"

struct regrouping {
	struct documents *d;
	struct arena *a;
	const struct sts_actor *actor;
	struct documents_drafts drafts;
	struct str id, to; /* `to` empty: it goes */
	int64_t if_version;
	struct documents_subject was, is;
	int64_t now_s;
	size_t n_superseded, n_made;
};

/* By its owner; a member does not speak for it. */
static bool
find_group(struct regrouping *g, struct sql *tx, struct error *reterr)
{
	struct documents_subject *s = &g->was;

	if (!documents_find(tx, g->a, g->actor, g->id, s, reterr))
		return false;
	if (s->is_own)
		return error_set(reterr, ERR_ACCOUNT_AUTHORITY, SPAN_NONE,
		    "what is known of an instance is said by its controller");
	if (!s->is_group)
		return error_set(reterr, ERR_REQUEST_MALFORMED, SPAN_NONE,
		    "this is no group: an instance goes with its account");
	return g->if_version < 0 || g->if_version == s->row.version ||
	       error_set(reterr, ERR_ACCOUNT_VERSION, SPAN_NONE,
		   "what is known has version %lld, not %lld",
		   (long long)s->row.version, (long long)g->if_version);
}

/* ---- it goes ---------------------------------------------------------------
 */

static bool
delete_inside(
    struct sql *tx, int64_t now_ms, void *ctx, bool *keep, struct error *reterr)
{
	struct regrouping *g = ctx;

	(void)keep;
	return find_group(g, tx, reterr) &&
	       store_document_revoke(tx, g->id, now_ms / 1000, reterr) &&
	       store_group_delete(tx, g->id, reterr) &&
	       sts_note_change(tx, g->actor, "instance.delete", g->id, reterr);
}

bool
documents_group_delete(struct documents *d, struct arena *a,
    const struct sts_actor *actor, struct str id, int64_t if_version,
    struct error *reterr)
{
	struct regrouping g = { .d = d,
		.a = a,
		.actor = actor,
		.id = id,
		.if_version = if_version };

	return store_transact(d->o.store, delete_inside, &g, reterr);
}

/* ---- another name ----------------------------------------------------------
 */

static bool
check_name(struct regrouping *g, struct sql *tx, struct error *reterr)
{
	struct store_account owner = { 0 }, taken;
	struct store_instance row;
	bool is_owner = false, is_account = false, is_row = false;

	if (!store_account_find(
		tx, g->a, g->was.row.owner, &owner, &is_owner, reterr))
		return false;
	if (!is_owner || !str_has_prefix(g->to, owner.prefix))
		return error_set(reterr, ERR_ACCOUNT_AUTHORITY, SPAN_NONE,
		    "groups are under their controller's prefix");
	if (!store_account_find(tx, g->a, g->to, &taken, &is_account, reterr) ||
	    !store_instance_find(tx, g->a, g->to, &row, &is_row, reterr))
		return false;
	return (!is_account && !is_row) ||
	       error_set(reterr, ERR_ACCOUNT_EXISTS, SPAN_NONE,
		   "there is `%.*s` already", STR_ARG(g->to));
}

static bool
make_anew(struct regrouping *g, struct sql *tx,
    const struct store_document *row, struct str *ret_id, struct error *reterr)
{
	struct documents_make m = { .subject = &g->is,
		.names = row->claims,
		.audience = row->audience,
		.form = (enum attest_form)row->form,
		.lifetime_s = row->expires_at - row->issued_at,
		.version = g->is.row.version,
		.now_s = g->now_s };
	json_t *properties = NULL, *claims = NULL;
	struct store_document made = { 0 };
	struct str missing = { 0 };
	bool ok = documents_parse(g->is.row.properties, &properties, reterr) &&
		  documents_pick(
		      g->a, properties, row->claims, &claims, &missing, reterr);

	m.claims = claims;
	if (ok && missing.n == 0) {
		ok = documents_make(g->d, tx, &g->drafts, &m, &made, reterr);
		*ret_id = made.id;
		g->n_made += ok;
	}
	json_decref(claims);
	json_decref(properties);
	return ok;
}

static bool
supersede_all(struct regrouping *g, struct sql *tx, struct error *reterr)
{
	bool may = documents_check_key(&g->is, true, NULL), has_room = false;
	struct store_document *rows = NULL;
	size_t n = 0;

	if (!documents_has_room(tx, &has_room, reterr) ||
	    !store_document_live(tx, g->a, g->id, g->now_s, &rows, &n, reterr))
		return false;
	for (size_t i = 0; i < n; i++) {
		struct str id = STR("");

		if (may && has_room && rows[i].ended == STORE_DOCUMENT_NEWEST &&
		    !make_anew(g, tx, &rows[i], &id, reterr))
			return false;
		if (!store_document_end(tx, &rows[i], STORE_DOCUMENT_SUPERSEDED,
			id, g->now_s, reterr))
			return false;
		g->n_superseded++;
	}
	return true;
}

static bool
note(struct regrouping *g, struct sql *tx, struct error *reterr)
{
	struct str about =
	    str_printf(g->a, "%.*s %.*s", STR_ARG(g->id), STR_ARG(g->to));

	if (!about.p)
		return error_nomem(reterr);
	return sts_note_change(tx, g->actor, "instance.rename", about, reterr);
}

static bool
rename_inside(
    struct sql *tx, int64_t now_ms, void *ctx, bool *keep, struct error *reterr)
{
	struct regrouping *g = ctx;

	(void)keep;
	g->now_s = now_ms / 1000;
	g->n_superseded = g->n_made = 0;
	if (!find_group(g, tx, reterr) || !check_name(g, tx, reterr))
		return false;
	g->is = g->was;
	g->is.id = g->is.row.id = g->to;
	g->is.row.version++;
	g->is.row.changed_at = g->now_s;
	return store_instance_put(tx, &g->is.row, reterr) &&
	       store_group_set(
		   tx, g->to, g->is.members, g->is.n_members, reterr) &&
	       supersede_all(g, tx, reterr) &&
	       store_group_delete(tx, g->id, reterr) && note(g, tx, reterr);
}

bool
documents_group_rename(struct documents *d, struct arena *a,
    const struct sts_actor *actor, const struct documents_signer *signer,
    struct str id, struct str to, int64_t if_version,
    struct documents_changed *ret, struct error *reterr)
{
	struct regrouping g = { .d = d,
		.a = a,
		.actor = actor,
		.drafts = { .a = a, .signer = signer },
		.id = id,
		.to = to,
		.if_version = if_version };
	bool ok = attest_instance_id_is_valid(to) ||
		  error_set(reterr, ERR_REQUEST_MALFORMED, SPAN_NONE,
		      "the new name is no id");

	ok = ok && documents_transact(d, &g.drafts, rename_inside, &g, reterr);
	documents_drafts_fini(&g.drafts);
	if (!ok)
		return false;
	ret->n_superseded = g.n_superseded;
	ret->n_made = g.n_made;
	return documents_tell(&g.is, &ret->instance, reterr);
}
