/* sts_account.c - accounts: who may make, see, switch and delete which (S1). */
#include "attest/sts.h"

#include "attest/sts_private.h"
#include "base/digest.h"
#include "base/limits.h"
#include "store/documents.h"

#define PREFIX_BYTES 64u
#define IDEMPOTENCY_BYTES 64u

/* ---- what may be asked for
 * ----------------------------------------------------
 */

static bool
is_printable(struct str s, size_t most)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
			return false;
	return s.n <= most;
}

/* A prefix is an id that is not finished: it ends where a name cannot. */
static bool
is_prefix(struct str s)
{
	char last = s.n > 0 ? s.p[s.n - 1] : '\0';

	return s.n <= PREFIX_BYTES && attest_instance_id_is_valid(s) &&
	       (last == '-' || last == '.' || last == '_');
}

static bool
malformed(const char *want, struct error *reterr)
{
	return error_set(reterr, ERR_REQUEST_MALFORMED, SPAN_NONE,
	    "an account wants %s", want);
}

bool
sts_check_new(const struct sts_new_account *w, struct error *reterr)
{
	if (w->kind != STS_INSTANCE && w->kind != STS_CONTROLLER)
		return malformed("a kind", reterr);
	if (!attest_instance_id_is_valid(w->id))
		return malformed("an id of 1 to 128 letters, digits, `.`, `_` "
				 "and `-`, the first no sign",
		    reterr);
	if (w->kind == STS_CONTROLLER && !is_prefix(w->prefix))
		return malformed("a prefix that begins as an id and ends in "
				 "`-`, `.` or `_`, if it is a controller",
		    reterr);
	if (w->kind == STS_INSTANCE && (w->prefix.n > 0 || w->may_issue))
		return malformed("neither a prefix nor the right to issue, if "
				 "it is an instance",
		    reterr);
	if (!is_printable(w->audience, LIMIT_AUDIENCE_BYTES) ||
	    !is_printable(w->idempotency_key, IDEMPOTENCY_BYTES))
		return malformed("an audience of at most 512 and an "
				 "idempotency key of at most 64 printable "
				 "characters",
		    reterr);
	return true;
}

/* ---- making
 * -------------------------------------------------------------------
 */

static bool
no_authority(const char *why, struct error *reterr)
{
	return error_set(reterr, ERR_ACCOUNT_AUTHORITY, SPAN_NONE, "%s", why);
}

static bool
check_authority(const struct store_account *self, const struct sts_creating *c,
    struct error *reterr)
{
	const struct sts_new_account *w = c->what;

	if (c->actor->rank == STS_ADMIN)
		return w->kind == STS_CONTROLLER ||
		       no_authority(
			   "instances are made by controllers", reterr);
	if (self->kind != STS_CONTROLLER || w->kind != STS_INSTANCE)
		return no_authority("controllers make instances, the "
				    "administrator makes controllers",
		    reterr);
	if (!str_has_prefix(w->id, self->prefix))
		return no_authority(
		    "the id is not under the controller's prefix", reterr);
	if (w->audience.n > 0 && !str_has_prefix(w->audience, self->prefix))
		return no_authority(
		    "the audience is not under the controller's prefix",
		    reterr);
	return true;
}

static bool
request_digest(
    const struct sts_creating *c, uint8_t ret[32], struct error *reterr)
{
	const struct sts_new_account *w = c->what;
	const struct str parts[] = { w->id,
		w->kind == STS_CONTROLLER ? STR("controller") : STR("instance"),
		w->prefix, w->may_issue ? STR("issue") : STR(""), w->audience,
		c->spki, c->audience };

	return digest_sha256_framed(parts, ARRAY_LEN(parts), ret) ||
	       error_set(
		   reterr, ERR_SYSTEM_ERROR, SPAN_NONE, "cannot make a digest");
}

/* Administrators and accounts have keys of their own. */
static struct str
actor_name(struct arena *a, const struct sts_actor *actor)
{
	return str_printf(a, "%s:%.*s",
	    actor->rank == STS_ADMIN ? "admin" : "account",
	    STR_ARG(actor->account));
}

static bool
look_up(struct sql *tx, struct arena *a, const struct sts_creating *c,
    int64_t now_unix_s, struct store_repeat *ret, bool *ret_found,
    struct error *reterr)
{
	struct store_repeat before = { 0 };
	uint8_t digest[32];
	bool found = false;

	*ret = (struct store_repeat){ .actor = actor_name(a, c->actor),
		.name = c->what->idempotency_key,
		.account = c->what->id,
		.until = now_unix_s + LIMIT_IDEMPOTENCY_S };
	*ret_found = false;
	if (!request_digest(c, digest, reterr))
		return false;
	ret->digest =
	    str_dup(a, (struct str){ (const char *)digest, sizeof digest });
	if (!ret->actor.p || !ret->digest.p)
		return error_nomem(reterr);
	if (ret->name.n == 0)
		return true;
	if (!store_repeat_find(
		tx, a, ret->actor, ret->name, &before, &found, reterr))
		return false;
	if (!found || before.until <= now_unix_s)
		return true;
	if (!str_eq(before.digest, ret->digest))
		return error_set(reterr, ERR_REQUEST_IDEMPOTENCY, SPAN_NONE,
		    "this idempotency key stands for another request");
	*ret = before;
	*ret_found = true;
	return true;
}

static bool
insert_new(struct sql *tx, const struct sts_creating *c,
    const struct store_account *self, int64_t now_unix_s,
    struct store_account *ret, struct error *reterr)
{
	const struct sts_new_account *w = c->what;
	bool fresh = false, meets = false, is_group = false;

	*ret = (struct store_account){ .id = w->id,
		.kind = w->kind,
		.owner = self->id,
		.prefix = w->prefix,
		.audience = w->audience,
		.may_issue = w->may_issue,
		.is_enabled = true,
		.version = 1,
		.created_at = now_unix_s,
		.changed_at = now_unix_s };
	if (!store_group_is(tx, w->id, &is_group, reterr))
		return false;
	if (w->kind == STS_CONTROLLER &&
	    !store_account_prefix_meets(tx, w->prefix, &meets, reterr))
		return false;
	if (is_group)
		return error_set(reterr, ERR_ACCOUNT_EXISTS, SPAN_NONE,
		    "there is a group `%.*s`", STR_ARG(w->id));
	if (meets)
		return error_set(reterr, ERR_ACCOUNT_EXISTS, SPAN_NONE,
		    "the prefix `%.*s` begins another controller's, or is "
		    "begun by one",
		    STR_ARG(w->prefix));
	if (!store_account_insert(tx, ret, &fresh, reterr))
		return false;
	return fresh || error_set(reterr, ERR_ACCOUNT_EXISTS, SPAN_NONE,
			    "there is an account `%.*s`", STR_ARG(w->id));
}

bool
sts_create_in(struct sql *tx, struct arena *a, const struct sts_creating *c,
    int64_t now_unix_s, struct store_account *ret,
    struct store_repeat *ret_repeat, bool *ret_created, struct error *reterr)
{
	struct store_account self = { 0 };
	bool repeated = false, found = false;

	if (!sts_check_actor(tx, a, c->actor, &self, reterr) ||
	    !check_authority(&self, c, reterr) ||
	    !look_up(tx, a, c, now_unix_s, ret_repeat, &repeated, reterr))
		return false;
	*ret_created = !repeated;
	if (!repeated)
		return insert_new(tx, c, &self, now_unix_s, ret, reterr);
	if (!store_account_find(
		tx, a, ret_repeat->account, ret, &found, reterr))
		return false;
	if (found && (c->actor->rank == STS_ADMIN || sts_owns(&self, ret)))
		return true;
	return error_set(reterr, ERR_ACCOUNT_UNKNOWN, SPAN_NONE,
	    "the account was made, and is gone again");
}

struct making {
	struct sts_creating creating;
	struct arena *a;
	struct sts_account account;
	bool created;
};

static bool
create_inside(
    struct sql *tx, int64_t now_ms, void *ctx, bool *keep, struct error *reterr)
{
	struct making *m = ctx;
	struct store_account row;
	struct store_repeat repeat;

	if (!sts_create_in(tx, m->a, &m->creating, now_ms / 1000, &row, &repeat,
		&m->created, reterr))
		return false;
	*keep = m->created;
	if (m->created && repeat.name.n > 0 &&
	    !store_repeat_put(tx, &repeat, reterr))
		return false;
	if (m->created && !sts_note_change(tx, m->creating.actor,
			      "account.create", row.id, reterr))
		return false;
	return sts_read_account(tx, m->a, row.id, &m->account, reterr);
}

bool
sts_account_create(struct sts *s, struct arena *a,
    const struct sts_actor *actor, const struct sts_new_account *what,
    struct sts_account *ret, bool *ret_created, struct error *reterr)
{
	struct making m = { .creating = { .actor = actor, .what = what },
		.a = a };

	if (!sts_check_new(what, reterr) ||
	    !store_transact(s->store, create_inside, &m, reterr))
		return false;
	*ret = m.account;
	*ret_created = m.created;
	return true;
}

/* ---- seeing
 * -------------------------------------------------------------------
 */

struct seeing {
	struct arena *a;
	const struct sts_actor *actor;
	struct str id, after;
	size_t limit;
	struct store_account row, *rows;
	size_t n;
};

static bool
get_inside(
    struct sql *tx, int64_t now_ms, void *ctx, bool *keep, struct error *reterr)
{
	struct seeing *g = ctx;

	(void)now_ms;
	*keep = false;
	if (g->actor->rank == STS_ACCOUNT && str_eq(g->actor->account, g->id))
		return sts_check_actor(tx, g->a, g->actor, &g->row, reterr);
	return sts_find_managed(tx, g->a, g->actor, g->id, 0, &g->row, reterr);
}

bool
sts_account_get(struct sts *s, struct arena *a, const struct sts_actor *actor,
    struct str id, struct sts_account *ret, struct error *reterr)
{
	struct seeing g = { .a = a, .actor = actor, .id = id };

	if (!store_transact(s->store, get_inside, &g, reterr))
		return false;
	*ret = sts_account_of(&g.row);
	return true;
}

static bool
list_inside(
    struct sql *tx, int64_t now_ms, void *ctx, bool *keep, struct error *reterr)
{
	struct seeing *g = ctx;

	(void)now_ms;
	*keep = false;
	/* Of the administrator the id is empty, and that is everybody's owner.
	 * An instance owns nothing and so sees itself. */
	return sts_check_actor(tx, g->a, g->actor, &g->row, reterr) &&
	       store_account_page(tx, g->a, g->row.id, g->after, g->limit,
		   &g->rows, &g->n, reterr);
}

bool
sts_account_list(struct sts *s, struct arena *a, const struct sts_actor *actor,
    struct str after, size_t limit, struct sts_account **ret, size_t *ret_n,
    struct error *reterr)
{
	struct seeing g = { .a = a, .actor = actor, .after = after };
	struct sts_account *accounts;

	g.limit = limit < LIMIT_ACCOUNT_PAGE ? limit : LIMIT_ACCOUNT_PAGE;
	if (!store_transact(s->store, list_inside, &g, reterr))
		return false;
	accounts = ARENA_ARRAY(a, g.n, struct sts_account);
	if (g.n > 0 && !accounts)
		return error_nomem(reterr);
	for (size_t i = 0; i < g.n; i++)
		accounts[i] = sts_account_of(&g.rows[i]);
	*ret = accounts;
	*ret_n = g.n;
	return true;
}

/* ---- switching and deleting
 * ---------------------------------------------------
 */

struct switching {
	struct arena *a;
	const struct sts_actor *actor;
	struct str id;
	int64_t if_version;
	bool enable;
	struct sts_account account;
};

static bool
enable_inside(
    struct sql *tx, int64_t now_ms, void *ctx, bool *keep, struct error *reterr)
{
	struct switching *w = ctx;
	struct store_account row;

	(void)keep;
	if (!sts_find_managed(
		tx, w->a, w->actor, w->id, w->if_version, &row, reterr))
		return false;
	row.is_enabled = w->enable;
	row.version++;
	row.changed_at = now_ms / 1000;
	if (!store_account_update(tx, &row, reterr) ||
	    !sts_note_change(tx, w->actor,
		w->enable ? "account.enable" : "account.disable", row.id,
		reterr))
		return false;
	/* The key stays: enabled again, it proves itself anew. */
	if (!w->enable &&
	    !store_issued_revoke(tx, row.id, STR(""), now_ms / 1000, reterr))
		return false;
	return sts_read_account(tx, w->a, row.id, &w->account, reterr);
}

bool
sts_account_enable(struct sts *s, struct arena *a,
    const struct sts_actor *actor, struct str id, bool enable,
    int64_t if_version, struct sts_account *ret, struct error *reterr)
{
	struct switching w = { .a = a,
		.actor = actor,
		.id = id,
		.if_version = if_version,
		.enable = enable };

	if (!store_transact(s->store, enable_inside, &w, reterr))
		return false;
	*ret = w.account;
	return true;
}

static bool
delete_inside(
    struct sql *tx, int64_t now_ms, void *ctx, bool *keep, struct error *reterr)
{
	struct switching *w = ctx;
	struct store_account row;
	bool owns = false;
	struct str key;

	(void)keep;
	if (!sts_find_managed(
		tx, w->a, w->actor, w->id, w->if_version, &row, reterr) ||
	    !store_account_owns_any(tx, row.id, &owns, reterr))
		return false;
	if (owns)
		return error_set(reterr, ERR_ACCOUNT_IN_USE, SPAN_NONE,
		    "`%.*s` still owns accounts", STR_ARG(row.id));
	key = row.method == PROVE_HMAC ? STR("") : row.thumbprint;
	return store_issued_revoke(tx, row.id, key, now_ms / 1000, reterr) &&
	       store_account_delete(tx, row.id, now_ms / 1000, reterr) &&
	       sts_note_change(tx, w->actor, "account.delete", row.id, reterr);
}

bool
sts_account_delete(struct sts *s, const struct sts_actor *actor, struct str id,
    int64_t if_version, struct error *reterr)
{
	struct arena *a = arena_new(0);
	struct switching w = {
		.a = a, .actor = actor, .id = id, .if_version = if_version
	};
	bool ok = a ? store_transact(s->store, delete_inside, &w, reterr)
		    : error_nomem(reterr);

	arena_free(a);
	return ok;
}
