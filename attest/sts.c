/* sts.c - the token service as an object: its keys, who may act, what is past.
 */
#include "attest/sts.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "attest/sts_private.h"
#include "base/limits.h"

const char *
sts_alarm_name(enum sts_alarm_kind kind)
{
	switch (kind) {
	case STS_ALARM_FORMER_KEY:
		return "former-key";
	case STS_ALARM_ADDRESSES:
		return "addresses";
	case STS_ALARM_OTHER_KEY:
		return "other-key";
	case STS_ALARM_NONE:
	default:
		return "";
	}
}

const char *
sts_standing_name(enum sts_standing standing)
{
	switch (standing) {
	case STS_EVICTED:
		return "evicted";
	case STS_BANNED:
		return "banned";
	case STS_STANDS:
	default:
		return "";
	}
}

bool
sts_secret_create(
    const char *path, struct prove_random random, struct error *reterr)
{
	return secret_create(path, &random, reterr);
}

/* ---- opening ----------------------------------------------------------------
 */

/* What an answer for nobody is judged against: as much work as a real one. */
static bool
make_decoy(struct sts *s, struct error *reterr)
{
	const struct secret_purpose purpose = { .what = STS_DECOY };
	uint8_t key[SECRET_BYTES];
	struct buf sealed = { 0 };
	bool ok;

	ok =
	    secret_random(&s->random, key, sizeof key, reterr) &&
	    secret_seal(&s->keys, &s->random, &purpose,
		(struct str){ (const char *)key, sizeof key }, &sealed, reterr);
	if (ok)
		s->decoy = str_dup(s->arena, buf_str(&sealed));
	secret_wipe(key, sizeof key);
	buf_free(&sealed);
	return ok && (s->decoy.p || error_nomem(reterr));
}

static bool
other_secret(bool is_ours, struct error *reterr)
{
	return is_ours ||
	       error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE,
		   "the store is sealed under another master secret than this "
		   "process has; was it rotated?");
}

/* The first one is the store's. */
static bool
claim_inside(
    struct sql *tx, int64_t now_ms, void *ctx, bool *keep, struct error *reterr)
{
	struct sts *s = ctx;
	bool is_ours = false;

	(void)now_ms;
	(void)keep;
	return store_secret_claim(tx, str_of(s->keys.name), &is_ours, reterr) &&
	       other_secret(is_ours, reterr);
}

bool
sts_check_secret(struct sts *s, struct sql *tx, struct error *reterr)
{
	bool is_ours = false;

	return store_secret_is(tx, str_of(s->keys.name), &is_ours, reterr) &&
	       other_secret(is_ours, reterr);
}

static bool
fill(struct sts *s, const struct sts_options *o, struct error *reterr)
{
	if (o->url.n == 0 || o->url.n > LIMIT_AUDIENCE_BYTES ||
	    o->issuer.n == 0)
		return error_set(reterr, ERR_CONFIG_VALUE, SPAN_NONE,
		    "the token service wants a url of at most %u bytes and an "
		    "issuer",
		    LIMIT_AUDIENCE_BYTES);
	s->url = str_dup(s->arena, o->url);
	s->issuer = str_dup(s->arena, o->issuer);
	s->trust_domain = str_dup(s->arena, o->trust_domain);
	if (!s->url.p || !s->issuer.p || !s->trust_domain.p)
		return error_nomem(reterr);
	s->rate = rate_new(reterr);
	return s->rate && secret_open(o->secret_file, &s->keys, reterr) &&
	       make_decoy(s, reterr) &&
	       store_transact(s->store, claim_inside, s, reterr);
}

struct sts *
sts_open(const struct sts_options *options, struct error *reterr)
{
	struct sts *s = calloc(1, sizeof *s);

	if (!s) {
		(void)error_nomem(reterr);
		return NULL;
	}
	s->store = options->store;
	s->clock = options->clock;
	s->random = options->random;
	s->alarm = options->alarm;
	s->alarm_ctx = options->alarm_ctx;
	s->arena = arena_new(0);
	if (s->arena ? fill(s, options, reterr) : error_nomem(reterr))
		return s;
	sts_close(s);
	return NULL;
}

void
sts_close(struct sts *s)
{
	if (!s)
		return;
	rate_free(s->rate);
	arena_free(s->arena);
	secret_wipe(&s->keys, sizeof s->keys);
	free(s);
}

struct sts_counts
sts_counts(const struct sts *s)
{
	return (struct sts_counts){
		.challenges = atomic_load(&s->counts.challenges),
		.right = atomic_load(&s->counts.right),
		.tokens = atomic_load(&s->counts.tokens),
		.enrolments = atomic_load(&s->counts.enrolments),
		.refused = atomic_load(&s->counts.refused),
		.limited = atomic_load(&s->counts.limited),
		.alarms = atomic_load(&s->counts.alarms),
	};
}

/* ---- who may act ------------------------------------------------------------
 */

/* An unknown number of a newer program shuts out. */
static enum sts_standing
standing_of(const struct store_account *row)
{
	if (row->standing == STS_STANDS || row->standing == STS_EVICTED)
		return (enum sts_standing)row->standing;
	return STS_BANNED;
}

bool
sts_may_prove(const struct store_account *row)
{
	return row->is_enabled && standing_of(row) == STS_STANDS;
}

bool
sts_check_actor(struct sql *tx, struct arena *a, const struct sts_actor *actor,
    struct store_account *ret, struct error *reterr)
{
	struct store_account row = { 0 };
	bool found = false;

	if (actor->rank == STS_ADMIN) {
		*ret = row;
		return true;
	}
	if (actor->rank != STS_ACCOUNT)
		return error_set(reterr, ERR_ACCOUNT_AUTHORITY, SPAN_NONE,
		    "nobody has proven who asks");
	if (!store_account_find(tx, a, actor->account, &row, &found, reterr))
		return false;
	/* Without a method there is no live key, whatever the number says: a
	 * restored store has none. */
	if (!found || !sts_may_prove(&row) || row.method == PROVE_METHOD_NONE ||
	    row.incarnation == 0 || row.incarnation != actor->incarnation)
		return error_set(reterr, ERR_EVIDENCE_REVOKED, SPAN_NONE,
		    "the account that asks is disabled, evicted or banned, or "
		    "was moved to another key");
	*ret = row;
	return true;
}

bool
sts_owns(
    const struct store_account *controller, const struct store_account *account)
{
	return controller->kind == STS_CONTROLLER && controller->prefix.n > 0 &&
	       account->kind == STS_INSTANCE &&
	       str_eq(account->owner, controller->id) &&
	       str_has_prefix(account->id, controller->prefix);
}

static bool
unknown(struct error *reterr)
{
	return error_set(reterr, ERR_ACCOUNT_UNKNOWN, SPAN_NONE,
	    "no such account, or none that may be seen from here");
}

bool
sts_find_managed(struct sql *tx, struct arena *a, const struct sts_actor *actor,
    struct str id, int64_t if_version, struct store_account *ret,
    struct error *reterr)
{
	struct store_account self, row = { 0 };
	bool found = false;

	if (!sts_check_actor(tx, a, actor, &self, reterr) ||
	    !store_account_find(tx, a, id, &row, &found, reterr))
		return false;
	if (!found || (actor->rank != STS_ADMIN && !sts_owns(&self, &row)))
		return unknown(reterr);
	if (if_version != 0 && if_version != row.version)
		return error_set(reterr, ERR_ACCOUNT_VERSION, SPAN_NONE,
		    "the account has version %lld, not %lld",
		    (long long)row.version, (long long)if_version);
	*ret = row;
	return true;
}

bool
sts_note_change(struct sql *tx, const struct sts_actor *actor, const char *what,
    struct str about, struct error *reterr)
{
	char room[256];
	struct buf who = buf_over(room, sizeof room);
	size_t most = sizeof room - 16;
	const struct sts_actor *x = actor;
	struct store_changed change = { .what = str_of(what), .about = about };

	buf_printf(&who, "%s:%.*s", x->rank == STS_ADMIN ? "admin" : "account",
	    STR_ARG(str_sub(
		x->account, 0, x->account.n < most ? x->account.n : most)));
	change.who = buf_str(&who);
	return store_changed_note(tx, &change, reterr);
}

/* ---- accounts as they are told
 * ------------------------------------------------
 */

struct sts_account
sts_account_of(const struct store_account *r)
{
	return (struct sts_account){
		.id = r->id,
		.kind =
		    r->kind == STS_CONTROLLER ? STS_CONTROLLER : STS_INSTANCE,
		.owner = r->owner,
		.prefix = r->prefix,
		.audience = r->audience,
		.may_issue = r->may_issue,
		.is_enabled = r->is_enabled,
		.version = r->version,
		.incarnation = r->incarnation,
		.method = r->method >= PROVE_HMAC && r->method <= PROVE_RSA
			      ? (enum prove_method)r->method
			      : PROVE_METHOD_NONE,
		.jkt = r->thumbprint,
		.secret_until = r->secret_until,
		.created_at = r->created_at,
		.changed_at = r->changed_at,
		.standing = standing_of(r),
		.principal = r->principal,
		.is_released = r->is_open != 0,
	};
}

bool
sts_read_account(struct sql *tx, struct arena *a, struct str id,
    struct sts_account *ret, struct error *reterr)
{
	struct store_account row = { 0 };
	bool found = false;

	if (!store_account_find(tx, a, id, &row, &found, reterr))
		return false;
	if (!found)
		return unknown(reterr);
	*ret = sts_account_of(&row);
	return true;
}

/* ---- looking after it
 * ---------------------------------------------------------
 */

static bool
purge_inside(
    struct sql *tx, int64_t now_ms, void *ctx, bool *keep, struct error *reterr)
{
	(void)ctx;
	(void)keep;
	return store_accounts_purge(tx, now_ms / 1000, reterr);
}

bool
sts_purge(struct sts *s, struct error *reterr)
{
	return store_transact(s->store, purge_inside, NULL, reterr);
}

/* ---- alarms ----------------------------------------------------------------
 */

static struct sts_alarm
alarm_of(const struct store_alarm *row)
{
	return (struct sts_alarm){
		.kind = row->kind >= STS_ALARM_FORMER_KEY &&
				row->kind <= STS_ALARM_OTHER_KEY
			    ? (enum sts_alarm_kind)row->kind
			    : STS_ALARM_NONE,
		.account = row->account,
		.incarnation = row->incarnation,
		.source = row->source,
		.other = row->other,
		.count = row->count,
		.first_at = row->first_at,
		.last_at = row->last_at,
	};
}

bool
sts_raise_alarm(struct sql *tx, enum sts_alarm_kind kind,
    const struct store_key *key, struct str source, int64_t now_unix_s,
    struct sts_alarm *ret, struct error *reterr)
{
	struct store_alarm row = { .account = key->account,
		.source = source,
		.other =
		    kind == STS_ALARM_ADDRESSES ? key->seen_source : STR(""),
		.kind = kind,
		.incarnation = key->incarnation,
		.first_at = now_unix_s,
		.last_at = now_unix_s };

	if (!store_alarm_raise(tx, &row, &row.count, reterr))
		return false;
	*ret = alarm_of(&row);
	return true;
}

void
sts_tell_alarm(struct sts *s, const struct sts_alarm *alarm)
{
	if (alarm->kind == STS_ALARM_NONE)
		return;
	s->counts.alarms++;
	if (s->alarm)
		s->alarm(s->alarm_ctx, alarm);
}

struct listing {
	struct arena *a;
	const struct sts_actor *actor;
	size_t limit;
	struct store_alarm *rows;
	size_t n;
};

static bool
alarms_inside(
    struct sql *tx, int64_t now_ms, void *ctx, bool *keep, struct error *reterr)
{
	struct listing *l = ctx;
	struct store_account self = { 0 };

	(void)now_ms;
	*keep = false;
	if (!sts_check_actor(tx, l->a, l->actor, &self, reterr))
		return false;
	if (l->actor->rank != STS_ADMIN && self.kind != STS_CONTROLLER)
		return error_set(reterr, ERR_ACCOUNT_AUTHORITY, SPAN_NONE,
		    "alarms are for controllers and the administrator");
	return store_alarm_list(
	    tx, l->a, self.id, l->limit, &l->rows, &l->n, reterr);
}

bool
sts_alarms(struct sts *s, struct arena *a, const struct sts_actor *actor,
    size_t limit, struct sts_alarm **ret, size_t *ret_n, struct error *reterr)
{
	struct listing l = { .a = a, .actor = actor };
	struct sts_alarm *alarms;

	l.limit = limit < LIMIT_ACCOUNT_PAGE ? limit : LIMIT_ACCOUNT_PAGE;
	if (!store_transact(s->store, alarms_inside, &l, reterr))
		return false;
	alarms = ARENA_ARRAY(a, l.n, struct sts_alarm);
	if (l.n > 0 && !alarms)
		return error_nomem(reterr);
	for (size_t i = 0; i < l.n; i++)
		alarms[i] = alarm_of(&l.rows[i]);
	*ret = alarms;
	*ret_n = l.n;
	return true;
}
