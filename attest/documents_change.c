/* documents_change.c - property-changing events (A8): what is known of an
 * instance becomes something else, and with it, in the same transaction, every
 * document that would now say what is no longer so. */
#include "attest/documents.h"

#include "attest/documents_private.h"
#include "attest/sts_private.h"
#include "base/limits.h"

#define PROPERTIES_BYTES 12000u /* of a document's 16 KiB */

/* ---- events ----------------------------------------------------------------
 */

static bool all_new(const json_t *before, const json_t *changes);
static bool all_there(const json_t *before, const json_t *changes);

/* What each may speak of, and what must hold of the applications it names. */
static const struct event {
	const char *name;
	const char *claims[2]; /* none: any */
	bool (*check)(const json_t *before, const json_t *changes);
	const char *want;
} events[] = {
	{ "provisioned", { NULL }, NULL, NULL },
	{ "installed", { "applications", "licences" }, all_new,
	    "applications that were not there before" },
	{ "upgraded", { "applications", "os" }, all_there,
	    "applications that are there already" },
	{ "licence", { "licences", "supportLevel" }, NULL, NULL },
	{ "custom", { "custom", NULL }, NULL, NULL },
};

static bool
each_is_there(const json_t *before, const json_t *changes, bool want)
{
	const json_t *had = json_object_get(before, "applications");
	json_t *named = json_object_get(changes, "applications");
	const char *name;
	json_t *value;

	json_object_foreach (named, name, value)
		if ((json_object_get(had, name) != NULL) != want)
			return false;
	return true;
}

static bool
all_new(const json_t *before, const json_t *changes)
{
	return each_is_there(before, changes, false);
}

static bool
all_there(const json_t *before, const json_t *changes)
{
	return each_is_there(before, changes, true);
}

static const struct event *
event_of(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		if (str_eq(name, str_of(events[i].name)))
			return &events[i];
	return NULL;
}

static bool
speaks_of(const struct event *e, const char *claim)
{
	return !e->claims[0] || strcmp(e->claims[0], claim) == 0 ||
	       (e->claims[1] && strcmp(e->claims[1], claim) == 0);
}

static bool
check_event(const struct event *e, const json_t *before, const json_t *changes,
    struct error *reterr)
{
	json_t *object = (json_t *)(uintptr_t)changes; /* only read */
	const char *name;
	json_t *value;

	if (json_object_size(changes) == 0)
		return error_set(reterr, ERR_REQUEST_MALFORMED, SPAN_NONE,
		    "an event that changes nothing");
	json_object_foreach (object, name, value)
		if (!speaks_of(e, name))
			return error_set(reterr, ERR_REQUEST_MALFORMED,
			    SPAN_NONE, "the event `%s` does not change `%.64s`",
			    e->name, name);
	return !e->check || e->check(before, changes) ||
	       error_set(reterr, ERR_REQUEST_MALFORMED, SPAN_NONE,
		   "the event `%s` wants %s", e->name, e->want);
}

/* ---- merging (RFC 7396) ----------------------------------------------------
 */

/* False when memory is out. Depth: the reader's. */
static bool
merge(json_t *to, const json_t *patch)
{
	json_t *from = (json_t *)(uintptr_t)patch; /* only read */
	const char *name;
	json_t *value;

	json_object_foreach (from, name, value) {
		json_t *had = json_object_get(to, name);

		if (json_is_null(value)) {
			(void)json_object_del(to, name);
			continue;
		}
		if (!json_is_object(value)) {
			if (json_object_set_new(
				to, name, json_deep_copy(value)) != 0)
				return false;
			continue;
		}
		if (!json_is_object(had) &&
		    json_object_set_new(to, name, json_object()) != 0)
			return false;
		had = json_object_get(to, name);
		if (!merge(had, value))
			return false;
		/* A map of nothing is no claim. */
		if (json_object_size(had) == 0)
			(void)json_object_del(to, name);
	}
	return true;
}

/* ---- the change ------------------------------------------------------------
 */

struct changing {
	struct documents *d;
	struct arena *a;
	const struct sts_actor *actor;
	struct documents_drafts drafts;
	const struct documents_change *what;
	const struct event *event;        /* NULL: all is replaced */
	struct documents_subject subject; /* as it was */
	json_t *before, *after;
	int64_t now_s;
	size_t n_superseded, n_made;
	bool has_room;   /* for documents that are new */
	struct str text; /* of `after` */
};

static bool
no_authority(const char *why, struct error *reterr)
{
	return error_set(reterr, ERR_ACCOUNT_AUTHORITY, SPAN_NONE, "%s", why);
}

/* A group that is not there yet, by the controller under whose prefix it is. */
static bool
begin_group(struct changing *c, struct sql *tx, struct error *reterr)
{
	struct store_account self = { 0 }, taken;
	bool is_account = false;

	if (!sts_check_actor(tx, c->a, c->actor, &self, reterr) ||
	    !store_account_find(
		tx, c->a, c->what->id, &taken, &is_account, reterr))
		return false;
	if (self.kind != STS_CONTROLLER ||
	    !str_has_prefix(c->what->id, self.prefix))
		return no_authority("groups are made by the controller under "
				    "whose prefix they are",
		    reterr);
	if (is_account)
		return error_set(reterr, ERR_ACCOUNT_EXISTS, SPAN_NONE,
		    "there is an account `%.*s`", STR_ARG(c->what->id));
	c->subject = (struct documents_subject){ .id = c->what->id,
		.is_group = true,
		.row = { .id = c->what->id,
		    .owner = self.id,
		    .properties = STR("{}"),
		    .is_group = 1 } };
	return true;
}

static bool
find_subject(struct changing *c, struct sql *tx, struct error *reterr)
{
	struct error why = { 0 };
	bool is_group = c->what->members != NULL;

	if (!documents_find(
		tx, c->a, c->actor, c->what->id, &c->subject, &why)) {
		struct store_instance row;
		bool exists = false;

		if (why.code != ERR_ACCOUNT_UNKNOWN || !is_group)
			return error_set(
			    reterr, why.code, SPAN_NONE, "%s", why.msg);
		/* Under another's prefix it is all the same whether there is
		 * one. */
		if (!begin_group(c, tx, reterr) ||
		    !store_instance_find(
			tx, c->a, c->what->id, &row, &exists, reterr))
			return false;
		return !exists || documents_unknown(reterr);
	}
	/* A member of a group, or an instance, does not speak for itself. */
	if (c->subject.is_own)
		return no_authority("what is known of an instance is said by "
				    "its controller",
		    reterr);
	return c->subject.is_group || !is_group ||
	       error_set(reterr, ERR_REQUEST_MALFORMED, SPAN_NONE,
		   "an instance has no `members`");
}

/* Instances of the group's own controller, each once. */
static bool
take_members(struct changing *c, struct sql *tx, struct error *reterr)
{
	const struct documents_change *w = c->what;
	struct str *members = ARENA_ARRAY(c->a, w->n_members + 1, struct str);

	if (!members)
		return error_nomem(reterr);
	if (w->n_members > LIMIT_GROUP_MEMBERS)
		return error_set(reterr, ERR_REQUEST_MALFORMED, SPAN_NONE,
		    "a group has at most %u members", LIMIT_GROUP_MEMBERS);
	for (size_t i = 0; i < w->n_members; i++) {
		struct store_account account = { 0 };
		bool found = false;

		if (!store_account_find(
			tx, c->a, w->members[i], &account, &found, reterr))
			return false;
		if (!found || account.kind != STS_INSTANCE ||
		    !str_eq(account.owner, c->subject.row.owner))
			return error_set(reterr, ERR_ACCOUNT_UNKNOWN, SPAN_NONE,
			    "the member `%.*s` is no instance of the group's "
			    "controller",
			    (int)(w->members[i].n < 128 ? w->members[i].n
							: 128),
			    w->members[i].p);
		members[i] = w->members[i];
	}
	if (!store_group_set(tx, c->subject.id, members, w->n_members, reterr))
		return false;
	return store_group_members(tx, c->a, c->subject.id, &c->subject.members,
	    &c->subject.n_members, reterr);
}

static bool
check_version(const struct changing *c, struct error *reterr)
{
	int64_t want = c->what->if_version, have = c->subject.row.version;

	return want < 0 || want == have ||
	       error_set(reterr, ERR_ACCOUNT_VERSION, SPAN_NONE,
		   "what is known has version %lld, not %lld", (long long)have,
		   (long long)want);
}

static bool
make_after(struct changing *c, struct error *reterr)
{
	struct buf text = { 0 };
	bool ok;

	if (!documents_parse(c->subject.row.properties, &c->before, reterr))
		return false;
	if (c->event &&
	    !check_event(c->event, c->before, c->what->changes, reterr))
		return false;
	c->after = c->event ? json_deep_copy(c->before) : json_object();
	if (!c->after || !merge(c->after, c->what->changes))
		return error_nomem(reterr);
	if (!documents_check_properties(
		c->a, c->after, c->subject.is_group, reterr))
		return false;
	ok = json_write(&text, c->after);
	if (ok && text.n > PROPERTIES_BYTES)
		(void)error_set(reterr, ERR_REQUEST_LIMIT, SPAN_NONE,
		    "what is known of an instance is at most %u bytes",
		    PROPERTIES_BYTES);
	else if (ok)
		c->text = str_dup(c->a, buf_str(&text));
	buf_free(&text);
	return c->text.p || error_nomem(reterr);
}

/* ---- documents that say otherwise ------------------------------------------
 */

static bool
says(struct changing *c, const json_t *properties, struct str names,
    json_t **ret, struct error *reterr)
{
	struct str missing;

	*ret = NULL;
	return documents_pick(c->a, properties, names, ret, &missing, reterr);
}

static bool
make_anew(struct changing *c, struct sql *tx, const struct store_document *row,
    const json_t *claims, struct str *ret_id, struct error *reterr)
{
	const struct documents_make m = { .subject = &c->subject,
		.claims = claims,
		.form = (enum attest_form)row->form,
		.names = row->claims,
		.audience = row->audience,
		.is_unbound = row->bound.n == 0,
		.lifetime_s = row->expires_at - row->issued_at,
		.version = c->subject.row.version,
		.now_s = c->now_s };
	struct store_document made;

	if (!documents_make(c->d, tx, &c->drafts, &m, &made, reterr))
		return false;
	*ret_id = made.id;
	c->n_made++;
	return true;
}

/* One that is bound to no key is not made again once no profile says so. */
static bool
may_make_anew(struct changing *c, const struct store_document *row)
{
	bool is_unbound = row->bound.n == 0;

	return documents_check_key(&c->subject, is_unbound, NULL) &&
	       (!is_unbound || c->subject.is_group ||
		   documents_may_unbind(c->d, c->a, row->claims,
		       row->expires_at - row->issued_at));
}

/* Superseded first, so that there is never a second newest. What can be said no
 * more, or not of an instance that is not active, has no successor; nor has any
 * while what is made could not be taken back. */
static bool
supersede(struct changing *c, struct sql *tx, const struct store_document *row,
    const json_t *claims, struct error *reterr)
{
	struct str id = STR("");
	bool again = claims && row->ended == STORE_DOCUMENT_NEWEST &&
		     c->has_room && may_make_anew(c, row);

	c->n_superseded++;
	if (!store_document_end(
		tx, row, STORE_DOCUMENT_SUPERSEDED, STR(""), c->now_s, reterr))
		return false;
	return !again ||
	       (make_anew(c, tx, row, claims, &id, reterr) &&
		   store_document_end(tx, row, STORE_DOCUMENT_SUPERSEDED, id,
		       c->now_s, reterr));
}

static bool
review_one(struct changing *c, struct sql *tx, const struct store_document *row,
    bool is_other, struct error *reterr)
{
	json_t *before = NULL, *after = NULL;
	bool ok = says(c, c->before, row->claims, &before, reterr) &&
		  says(c, c->after, row->claims, &after, reterr);

	if (ok && (is_other || !before || !after || !json_equal(before, after)))
		ok = supersede(c, tx, row, after, reterr);
	json_decref(before);
	json_decref(after);
	return ok;
}

static bool
same_members(const struct changing *c, const struct str *members, size_t n)
{
	if (n != c->subject.n_members)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!str_eq(members[i], c->subject.members[i]))
			return false;
	return true;
}

static bool
review_all(
    struct changing *c, struct sql *tx, bool is_other, struct error *reterr)
{
	struct store_document *rows = NULL;
	size_t n = 0;

	if (!store_document_live(
		tx, c->a, c->subject.id, c->now_s, &rows, &n, reterr))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!review_one(c, tx, &rows[i], is_other, reterr))
			return false;
	return true;
}

/* It may be the second time. */
static void
begin_anew(struct changing *c)
{
	json_decref(c->before);
	json_decref(c->after);
	c->before = c->after = NULL;
	c->text = (struct str){ 0 };
	c->n_superseded = c->n_made = 0;
}

static bool
change_inside(
    struct sql *tx, int64_t now_ms, void *ctx, bool *keep, struct error *reterr)
{
	struct changing *c = ctx;
	struct str *members;
	size_t n_members;
	bool is_other = false;

	(void)keep;
	begin_anew(c);
	c->now_s = now_ms / 1000;
	if (!find_subject(c, tx, reterr) || !check_version(c, reterr) ||
	    !make_after(c, reterr))
		return false;
	members = c->subject.members;
	n_members = c->subject.n_members;
	if (c->what->members) {
		if (!take_members(c, tx, reterr))
			return false;
		is_other = !same_members(c, members, n_members);
	}
	c->subject.row.properties = c->text;
	c->subject.row.version++;
	c->subject.row.changed_at = c->now_s;
	return documents_has_room(tx, &c->has_room, reterr) &&
	       store_instance_put(tx, &c->subject.row, reterr) &&
	       sts_note_change(tx, c->actor,
		   c->event ? "instance.event" : "instance.put", c->subject.id,
		   reterr) &&
	       review_all(c, tx, is_other, reterr);
}

/* ---- as it is told ---------------------------------------------------------
 */

bool
documents_tell(const struct documents_subject *s,
    struct documents_instance *ret, struct error *reterr)
{
	json_t *properties = NULL;

	if (!documents_parse(s->row.properties, &properties, reterr))
		return false;
	*ret = (struct documents_instance){ .id = s->id,
		.owner = s->is_group ? s->row.owner : s->account.owner,
		.is_group = s->is_group,
		.version = s->row.version,
		.changed_at = s->row.changed_at,
		.properties = properties,
		.members = s->members,
		.n_members = s->n_members };
	return true;
}

void
documents_instance_fini(struct documents_instance *i)
{
	json_decref((json_t *)(uintptr_t)i->properties);
	i->properties = NULL;
}

bool
documents_change(struct documents *d, struct arena *a,
    const struct sts_actor *actor, const struct documents_signer *signer,
    const struct documents_change *what, struct documents_changed *ret,
    struct error *reterr)
{
	struct changing c = { .d = d,
		.a = a,
		.actor = actor,
		.drafts = { .a = a, .signer = signer },
		.what = what,
		.event = event_of(what->event) };
	bool ok = true;

	if (what->event.n > 0 && (!c.event || what->members))
		ok = error_set(reterr, ERR_REQUEST_MALFORMED, SPAN_NONE,
		    "expected the event provisioned, installed, upgraded, "
		    "licence or custom, and no members");
	else if (!json_is_object(what->changes) ||
		 !attest_instance_id_is_valid(what->id))
		ok = error_set(reterr, ERR_REQUEST_MALFORMED, SPAN_NONE,
		    "expected an id and an object of properties");
	ok = ok && documents_transact(d, &c.drafts, change_inside, &c, reterr);
	documents_drafts_fini(&c.drafts);
	json_decref(c.before);
	json_decref(c.after);
	if (!ok)
		return false;
	ret->n_superseded = c.n_superseded;
	ret->n_made = c.n_made;
	return documents_tell(&c.subject, &ret->instance, reterr);
}

struct seeing {
	struct arena *a;
	const struct sts_actor *actor;
	struct str id;
	struct documents_subject subject;
};

static bool
get_inside(
    struct sql *tx, int64_t now_ms, void *ctx, bool *keep, struct error *reterr)
{
	struct seeing *g = ctx;

	(void)now_ms;
	*keep = false;
	return documents_find(tx, g->a, g->actor, g->id, &g->subject, reterr);
}

bool
documents_instance_get(struct documents *d, struct arena *a,
    const struct sts_actor *actor, struct str id,
    struct documents_instance *ret, struct error *reterr)
{
	struct seeing g = { .a = a, .actor = actor, .id = id };

	return store_transact(d->o.store, get_inside, &g, reterr) &&
	       documents_tell(&g.subject, ret, reterr);
}
