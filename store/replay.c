/* replay.c - see replay.h. */
#include "store/replay.h"

#include "base/limits.h"
#include "store/rows.h"
#include "store/store_private.h"

static const char alive[] =
    "SELECT number, nonce, made_at FROM dpop_nonce WHERE made_at > $1"
    " ORDER BY number DESC LIMIT 2";

struct alive {
	struct store_nonces nonces;
	int64_t number; /* of the newest; 0: there is none */
	size_t n;
};

static bool
take_nonce(void *ctx, const struct sql_row *row, struct error *reterr)
{
	struct alive *l = ctx;
	struct str text = sql_bytes(row, 1);

	/* The table was changed by somebody else. */
	if (text.n != STORE_NONCE || l->n >= 2)
		return error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE,
		    "a stored nonce is none");
	memcpy(l->nonces.text[l->n], text.p, STORE_NONCE);
	if (l->n++ == 0) {
		l->number = sql_int(row, 0);
		l->nonces.made_at = sql_int(row, 2);
	}
	return true;
}

static bool
read_alive(struct sql *q, int64_t now, struct alive *ret, struct error *reterr)
{
	const struct sql_value since[] = { sql_number(
	    now - 2 * LIMIT_DPOP_EPOCH_S) };

	*ret = (struct alive){ 0 };
	return sql_run(q, alive, since, 1, take_nonce, ret, reterr);
}

/* ---- the next nonce ---------------------------------------------------------
 */

/* Numbers never come twice, also when no row is left. */
static bool
next_number(struct sql *q, int64_t *ret, struct error *reterr)
{
	static const char update[] = "UPDATE counter SET value = value + 1"
				     " WHERE name = 'nonce' RETURNING value";

	*ret = 0;
	return sql_run(q, update, NULL, 0, sql_take_number, ret, reterr) &&
	       (*ret > 0 || error_set(reterr, ERR_SYSTEM_STORE, SPAN_NONE,
				"the database has lost its counter"));
}

/* The two newest stay, and what was spent under them. */
static bool
forget(struct sql *q, int64_t number, struct error *reterr)
{
	static const char nonces[] = "DELETE FROM dpop_nonce WHERE number < $1";
	static const char spent[] = "DELETE FROM dpop_spent WHERE nonce < $1";
	const struct sql_value before[] = { sql_number(number - 1) };

	return sql_run(q, nonces, before, 1, NULL, NULL, reterr) &&
	       sql_run(q, spent, before, 1, NULL, NULL, reterr);
}

static bool
add_nonce(struct sql *q, const char *fresh, int64_t now, struct alive *l,
    struct error *reterr)
{
	static const char insert[] =
	    "INSERT INTO dpop_nonce (number, nonce, made_at)"
	    " VALUES ($1, $2, $3)";
	struct sql_value params[] = { sql_number(0), sql_text(str_of(fresh)),
		sql_number(now) };

	if (!next_number(q, &l->number, reterr))
		return false;
	params[0] = sql_number(l->number);
	if (!sql_run(
		q, insert, params, ARRAY_LEN(params), NULL, NULL, reterr) ||
	    !forget(q, l->number, reterr))
		return false;
	memcpy(l->nonces.text[1], l->nonces.text[0], STORE_NONCE + 1);
	memcpy(l->nonces.text[0], fresh, STORE_NONCE + 1);
	l->nonces.made_at = now;
	return true;
}

struct turning {
	const char *fresh;
	struct alive alive;
};

/* A clock that was set back begins the next one, too. */
static bool
turn_inside(struct sql *q, void *ctx, bool *keep, struct error *reterr)
{
	struct turning *t = ctx;
	struct alive *l = &t->alive;
	int64_t now_ms, now;

	if (!sql_now(q, &now_ms, reterr))
		return false;
	now = now_ms / 1000;
	if (!read_alive(q, now, l, reterr))
		return false;
	*keep = l->n == 0 || now < l->nonces.made_at ||
		now - l->nonces.made_at >= LIMIT_DPOP_EPOCH_S;
	return !*keep || add_nonce(q, t->fresh, now, l, reterr);
}

bool
store_nonces(struct store *s, const char fresh[STORE_NONCE + 1],
    struct store_nonces *ret, struct error *reterr)
{
	struct turning t = { .fresh = fresh };

	if (!store_change(s, turn_inside, &t, reterr))
		return false;
	*ret = t.alive.nonces;
	return true;
}

/* ---- spending ---------------------------------------------------------------
 */

struct spending {
	struct str nonce, digest;
	enum store_spent answer;
};

/* The number of the nonce, if it is one of the two that are alive. */
static bool
find_nonce(struct sql *q, struct str nonce, int64_t now, int64_t *ret,
    struct error *reterr)
{
	static const char select[] =
	    "SELECT number FROM dpop_nonce WHERE nonce = $1 AND made_at > $2"
	    " AND number >= (SELECT MAX(number) FROM dpop_nonce) - 1";
	const struct sql_value params[] = { sql_text(nonce),
		sql_number(now - 2 * LIMIT_DPOP_EPOCH_S) };

	*ret = 0;
	return sql_run(
	    q, select, params, ARRAY_LEN(params), sql_take_number, ret, reterr);
}

static bool
spend_inside(struct sql *q, void *ctx, bool *keep, struct error *reterr)
{
	static const char insert[] =
	    "INSERT INTO dpop_spent (digest, nonce) VALUES ($1, $2)"
	    " ON CONFLICT DO NOTHING RETURNING 1";
	struct spending *p = ctx;
	struct sql_value params[] = { sql_blob(p->digest), sql_number(0) };
	int64_t now_ms, number;

	*keep = false;
	if (!sql_now(q, &now_ms, reterr) ||
	    !find_nonce(q, p->nonce, now_ms / 1000, &number, reterr))
		return false;
	if (number == 0)
		return true;
	params[1] = sql_number(number);
	if (!rows_any(q, insert, params, ARRAY_LEN(params), keep, reterr))
		return false;
	p->answer = *keep ? STORE_SPENT : STORE_SPENT_BEFORE;
	return true;
}

bool
store_proof_spend(struct store *s, struct str nonce, const uint8_t digest[32],
    enum store_spent *ret, struct error *reterr)
{
	struct spending p = { .nonce = nonce,
		.digest = { (const char *)digest, 32 } };

	if (!store_change(s, spend_inside, &p, reterr))
		return false;
	*ret = p.answer;
	return true;
}
