/* revocations.c - what is revoked, the generation and the floor, in SQL that
 * every database reads; and what a restored copy is brought up with.
 * Every change here raises the generation in its own transaction: so who has
 * read one generation and finds the same has missed nothing, and a copy that is
 * put back is older than what the mark beside the keys has seen. */
#include "store/store.h"

#include "base/limits.h"
#include "store/changes.h"
#include "store/store_private.h"

static const char raise_text[] = "UPDATE counter SET value = value + 1"
				 " WHERE name = 'generation' RETURNING value";

bool
store_raise_generation(struct sql *q, struct error *reterr)
{
	int64_t now = 0;

	if (!sql_run(q, raise_text, NULL, 0, sql_take_number, &now, reterr))
		return false;
	if (now <= 0)
		return error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE,
		    "the database has lost its generation");
	return sql_notify(q, reterr);
}

/* --- reading ---------------------------------------------------------------
 */

struct numbers {
	int64_t generation, floor;
	unsigned seen;
};

static bool
take_counter(void *ctx, const struct sql_row *row, struct error *reterr)
{
	struct numbers *n = ctx;

	(void)reterr;
	if (str_eq(sql_bytes(row, 0), STR("floor")))
		n->floor = sql_int(row, 1);
	else
		n->generation = sql_int(row, 1);
	n->seen++;
	return true;
}

static bool
check_numbers(const struct numbers *n, struct error *reterr)
{
	return n->seen == 2 || error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE,
				   "the database has lost its generation");
}

static const char ask_numbers[] = "SELECT name, value FROM counter"
				  " WHERE name IN ('generation', 'floor')";

bool
store_generation(struct store *s, int64_t *ret_generation,
    int64_t *ret_floor_unix_s, struct error *reterr)
{
	struct numbers n = { 0 };

	if (!store_read(s, ask_numbers, NULL, 0, take_counter, &n, reterr) ||
	    !check_numbers(&n, reterr))
		return false;
	*ret_generation = n.generation;
	*ret_floor_unix_s = n.floor;
	return true;
}

struct rows {
	struct arena *a;
	struct store_revocation *items;
	size_t n, cap;
};

static bool
keep_row(void *ctx, const struct sql_row *row, struct error *reterr)
{
	struct rows *rows = ctx;
	struct store_revocation *r;

	if (!ARENA_PUSH_ROOM(rows->a, rows->items, rows->n, rows->cap))
		return error_nomem(reterr);
	r = &rows->items[rows->n];
	*r = (struct store_revocation){
		.kind = str_dup(rows->a, sql_bytes(row, 0)),
		.id = str_dup(rows->a, sql_bytes(row, 1)),
		.until = sql_int(row, 2),
		.made_at = sql_int(row, 3),
		.reason = str_dup(rows->a, sql_bytes(row, 4)),
	};
	if (!r->kind.p || !r->id.p || !r->reason.p)
		return error_nomem(reterr);
	rows->n++;
	return true;
}

bool
store_revocation_page(struct store *s, struct arena *a,
    const struct store_revocation *after, size_t limit,
    struct store_revocation **ret, size_t *ret_n, struct error *reterr)
{
	static const char select[] =
	    "SELECT kind, id, until, made_at, reason FROM revocation"
	    " WHERE (kind, id) > ($1, $2) ORDER BY kind, id LIMIT $3";
	const struct sql_value params[] = {
		sql_text(after ? after->kind : STR("")),
		sql_text(after ? after->id : STR("")),
		sql_number((int64_t)limit),
	};
	struct rows rows = { .a = a };

	if (!store_read(
		s, select, params, ARRAY_LEN(params), keep_row, &rows, reterr))
		return false;
	*ret = rows.items;
	*ret_n = rows.n;
	return true;
}

/* --- changing --------------------------------------------------------------
 */

struct revoking {
	const struct store_revocation *r;
	bool is_known;
};

static bool
take_true(void *ctx, const struct sql_row *row, struct error *reterr)
{
	(void)row, (void)reterr;
	*(bool *)ctx = true;
	return true;
}

/* The last fifth is for what people revoke: whoever makes documents stale by
 * the thousand keeps nobody from that. */
#define ROOM_FOR_NEW (LIMIT_REVOCATIONS / 5 * 4)

static bool
check_room(struct sql *q, unsigned most, struct error *reterr)
{
	static const char count[] = "SELECT COUNT(*) FROM revocation";
	int64_t n = 0;

	if (!sql_run(q, count, NULL, 0, sql_take_number, &n, reterr))
		return false;
	return n < (int64_t)most ||
	       error_set(reterr, ERR_LIMIT_COUNT, SPAN_NONE,
		   "%lld revocations are in force, and %u is the limit for "
		   "this; give them an end (--until), or revoke the key or "
		   "account that they have in common",
		   (long long)n, most);
}

bool
store_revocation_room(struct sql *q, struct error *reterr)
{
	return check_room(q, ROOM_FOR_NEW, reterr);
}

/* About `KIND ID`. */
static bool
note(struct sql *q, const struct store_revocation *r, const char *what,
    struct error *reterr)
{
	char room[LIMIT_REVOCABLE_ID + 32];
	struct buf about = buf_over(room, sizeof room);
	struct store_changed full = { .who = r->by, .what = str_of(what) };

	buf_printf(&about, "%.*s %.*s", STR_ARG(r->kind), STR_ARG(r->id));
	full.about = buf_str(&about);
	return store_changed_note(q, &full, reterr);
}

static bool
revoke_inside(struct sql *q, void *ctx, bool *keep, struct error *reterr)
{
	static const char find[] =
	    "SELECT 1 FROM revocation WHERE kind = $1 AND id = $2";
	static const char upsert[] =
	    "INSERT INTO revocation (kind, id, until, made_at, reason)"
	    " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (kind, id) DO UPDATE"
	    " SET until = excluded.until, made_at = excluded.made_at,"
	    " reason = excluded.reason, standing = 0";
	struct revoking *v = ctx;
	int64_t now_ms;
	struct sql_value params[5] = { sql_text(v->r->kind), sql_text(v->r->id),
		sql_number(v->r->until) };

	(void)keep;
	if (!sql_now(q, &now_ms, reterr) ||
	    !sql_run(q, find, params, 2, take_true, &v->is_known, reterr) ||
	    (!v->is_known && !check_room(q, LIMIT_REVOCATIONS, reterr)))
		return false;
	params[3] = sql_number(now_ms / 1000);
	params[4] = sql_text(v->r->reason);
	return sql_run(q, upsert, params, 5, NULL, NULL, reterr) &&
	       note(q, v->r, "revocation.add", reterr) &&
	       store_raise_generation(q, reterr);
}

bool
store_revoke(struct store *s, const struct store_revocation *r,
    bool *ret_is_new, struct error *reterr)
{
	struct revoking v = { .r = r };

	if (!store_change(s, revoke_inside, &v, reterr))
		return false;
	*ret_is_new = !v.is_known;
	return true;
}

static bool
unrevoke_inside(struct sql *q, void *ctx, bool *keep, struct error *reterr)
{
	static const char delete[] = "DELETE FROM revocation WHERE kind = $1"
				     " AND id = $2 RETURNING 1";
	struct revoking *v = ctx;
	const struct sql_value params[] = { sql_text(v->r->kind),
		sql_text(v->r->id) };

	if (!sql_run(q, delete, params, 2, take_true, &v->is_known, reterr))
		return false;
	*keep = v->is_known;
	return !v->is_known || (note(q, v->r, "revocation.remove", reterr) &&
				   store_raise_generation(q, reterr));
}

bool
store_unrevoke(struct store *s, struct str kind, struct str id, struct str by,
    bool *ret_was_there, struct error *reterr)
{
	const struct store_revocation r = { .kind = kind, .id = id, .by = by };
	struct revoking v = { .r = &r };

	if (!store_change(s, unrevoke_inside, &v, reterr))
		return false;
	*ret_was_there = v.is_known;
	return true;
}

static bool
count_row(void *ctx, const struct sql_row *row, struct error *reterr)
{
	(void)row, (void)reterr;
	++*(int64_t *)ctx;
	return true;
}

/* What it revoked has expired: nobody has to be told. */
static bool
expire_inside(struct sql *q, void *ctx, bool *keep, struct error *reterr)
{
	static const char delete[] =
	    "DELETE FROM revocation WHERE until <= $1 RETURNING 1";
	int64_t now_ms, *n = ctx;
	struct sql_value before;

	if (!sql_now(q, &now_ms, reterr))
		return false;
	before = sql_number(now_ms / 1000 - LIMIT_SKEW_S);
	if (!sql_run(q, delete, &before, 1, count_row, n, reterr))
		return false;
	*keep = *n > 0;
	return true;
}

bool
store_revocation_expire(struct store *s, int64_t *ret_n, struct error *reterr)
{
	int64_t n = 0;

	if (!store_change(s, expire_inside, &n, reterr))
		return false;
	*ret_n = n;
	return true;
}

/* --- after a restore -------------------------------------------------------
 */

struct accepting {
	int64_t seen, generation, floor;
};

/* Proofs that were given to the state that is lost; they are given anew. Which
 * keys were replaced since, and which secrets used, nobody knows: every account
 * needs its next incarnation, from its controller or the administrator. */
static const char *const voids[] = {
	"DELETE FROM member",
	"DELETE FROM admin_token",
	"DELETE FROM enrolment",
	"DELETE FROM issued",
	"DELETE FROM offer",
	"DELETE FROM repeat",
	"DELETE FROM dpop_nonce",
	"DELETE FROM dpop_spent",
	"DELETE FROM document",
	/* What is known of an instance may be so no more: it is said anew. */
	"DELETE FROM instance",
	"DELETE FROM instance_member",
	"UPDATE account_key SET live = 0",
};

static bool
accept_inside(struct sql *q, void *ctx, bool *keep, struct error *reterr)
{
	static const char set[] =
	    "UPDATE counter SET value = $2 WHERE name = $1";
	struct accepting *k = ctx;
	struct numbers n = { 0 };
	int64_t now_ms;

	(void)keep;
	if (!sql_now(q, &now_ms, reterr) ||
	    !sql_run(q, ask_numbers, NULL, 0, take_counter, &n, reterr) ||
	    !check_numbers(&n, reterr))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(voids); i++)
		if (!sql_do(q, voids[i], reterr))
			return false;
	k->generation = (k->seen > n.generation ? k->seen : n.generation) + 1;
	/* An issuer's clock may run ahead by so much, and its documents pass.
	 */
	k->floor = now_ms / 1000 + LIMIT_SKEW_S;
	return store_changed_note(q,
		   &(const struct store_changed){
		       .what = STR("store.accept-restore") },
		   reterr) &&
	       sql_run(q, set,
		   (struct sql_value[]){
		       sql_text(STR("generation")), sql_number(k->generation) },
		   2, NULL, NULL, reterr) &&
	       sql_run(q, set,
		   (struct sql_value[]){
		       sql_text(STR("floor")), sql_number(k->floor) },
		   2, NULL, NULL, reterr) &&
	       sql_notify(q, reterr);
}

bool
store_accept_restore(struct store *s, int64_t seen_generation,
    int64_t *ret_generation, int64_t *ret_floor_unix_s, struct error *reterr)
{
	struct accepting k = { .seen = seen_generation };

	if (seen_generation < 0 || seen_generation >= INT64_MAX - 1)
		return error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE,
		    "there is no generation after %lld",
		    (long long)seen_generation);
	if (!store_change(s, accept_inside, &k, reterr))
		return false;
	*ret_generation = k.generation;
	*ret_floor_unix_s = k.floor;
	return true;
}

/* --- news ------------------------------------------------------------------
 */

bool
store_wait(struct store *s, int wake_fd, int timeout_ms, struct error *reterr)
{
	bool ok;

	pthread_mutex_lock(&s->lock);
	ok = sql_wait(s->sql, wake_fd, timeout_ms, reterr);
	pthread_mutex_unlock(&s->lock);
	return ok;
}
