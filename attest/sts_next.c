/* sts_next.c - an account's keys: the first, each move to the next, and what
 * ends with the former one (S2, S8). Only who owns an account opens its next
 * incarnation, so a copied disk can neither move an identity nor shut out its
 * owner. */
#include "attest/sts.h"

#include "attest/prove_check.h"
#include "attest/sts_private.h"
#include "base/base64.h"
#include "base/limits.h"

struct opening {
	struct sts *s;
	struct arena *a;
	const struct sts_actor *actor;
	struct str id;
	const struct sts_next *next;
	struct sts_opened opened;
};

/* ---- public keys
 * --------------------------------------------------------------
 */

static bool
insert_key(struct sql *tx, struct store_account *row, struct store_key *key,
    int64_t now_unix_s, struct error *reterr)
{
	bool fresh = false;

	if (!store_next_incarnation(tx, &key->incarnation, reterr))
		return false;
	key->account = row->id;
	key->created_at = now_unix_s;
	if (!store_key_insert(tx, key, &fresh, reterr))
		return false;
	if (!fresh)
		return error_set(reterr, ERR_ACCOUNT_KEY, SPAN_NONE,
		    "an account has or had this key; make a new one");
	row->incarnation = key->incarnation;
	return true;
}

bool
sts_register(struct sql *tx, struct arena *a, struct store_account *row,
    struct str spki, int64_t now_unix_s, struct str *ret_jkt,
    struct error *reterr)
{
	struct store_key key = { .spki = spki };
	struct keys_public k;

	if (!prove_check_read_key(spki, &k, reterr))
		return false;
	key.method = prove_check_method(k.algorithm);
	key.thumbprint = str_dup(a, keys_thumbprint(&k));
	keys_public_fini(&k);
	if (!key.thumbprint.p)
		return error_nomem(reterr);
	*ret_jkt = key.thumbprint;
	return insert_key(tx, row, &key, now_unix_s, reterr);
}

/* ---- secrets that we make
 * -------------------------------------------------------
 */

/* The MAC key of a new secret, sealed for `what` of this account. */
static bool
seal_new(struct opening *o, const char *what, struct str id, struct buf *out,
    struct error *reterr)
{
	const struct secret_purpose purpose = { .what = what, .account = id };
	const struct str secret = { (const char *)o->opened.secret,
		sizeof o->opened.secret };
	uint8_t key[SECRET_BYTES];
	bool ok;

	ok = secret_random(&o->s->random, o->opened.secret,
		 sizeof o->opened.secret, reterr) &&
	     prove_check_mac_key(secret, id, key, reterr) &&
	     secret_seal(&o->s->keys, &o->s->random, &purpose,
		 (struct str){ (const char *)key, sizeof key }, out, reterr);
	secret_wipe(key, sizeof key);
	o->opened.has_secret = ok;
	return ok;
}

/* An HMAC key has no public half to be named by: a name is derived beside it,
 * which tells nothing of it. */
static bool
name_secret(
    struct opening *o, struct str id, struct buf *out, struct error *reterr)
{
	const struct str secret = { (const char *)o->opened.secret,
		sizeof o->opened.secret };
	uint8_t name[SECRET_BYTES];

	if (!secret_derive(secret, id, "avow hmac name v1", name, reterr))
		return false;
	base64_encode(
	    out, BASE64_URL, (struct str){ (const char *)name, sizeof name });
	return buf_ok(out) || error_nomem(reterr);
}

static bool
open_hmac(struct opening *o, struct sql *tx, struct store_account *row,
    int64_t now_unix_s, struct error *reterr)
{
	struct buf sealed = { 0 }, name = { 0 };
	bool ok = seal_new(o, STS_HMAC, row->id, &sealed, reterr) &&
		  name_secret(o, row->id, &name, reterr);

	if (ok) {
		struct store_key key = { .method = PROVE_HMAC,
			.thumbprint = buf_str(&name),
			.sealed = buf_str(&sealed) };

		ok = insert_key(tx, row, &key, now_unix_s, reterr);
	}
	buf_free(&sealed);
	buf_free(&name);
	return ok;
}

static bool
open_secret(struct opening *o, struct sql *tx, struct store_account *row,
    int64_t now_unix_s, struct error *reterr)
{
	int64_t life =
	    o->next->lifetime_s ? o->next->lifetime_s : LIMIT_ENROL_S;
	struct buf sealed = { 0 };
	bool ok = seal_new(o, STS_ENROL, row->id, &sealed, reterr);

	if (ok) {
		const struct store_enrolment e = { .account = row->id,
			.sealed = buf_str(&sealed),
			.expires_at = now_unix_s + life };

		ok = store_enrolment_put(tx, &e, reterr);
	}
	buf_free(&sealed);
	return ok;
}

/* ---- the next incarnation
 * -------------------------------------------------------
 */

static bool
check_mover(const struct sts_actor *actor, const struct store_account *row,
    struct error *reterr)
{
	if (actor->rank != STS_ADMIN || row->kind == STS_CONTROLLER)
		return true;
	return error_set(reterr, ERR_ACCOUNT_AUTHORITY, SPAN_NONE,
	    "only the controller that owns an instance gives it a key");
}

/* The former key and all that it was given end here, in this transaction. */
static bool
end_former(struct sql *tx, const struct sts_next *next,
    struct store_account *row, int64_t now_unix_s, struct error *reterr)
{
	struct str key = row->method == PROVE_HMAC ? STR("") : row->thumbprint;

	if (row->method != PROVE_METHOD_NONE && !next->move)
		return error_set(reterr, ERR_ACCOUNT_LIVE, SPAN_NONE,
		    "the account has a live key; only a move replaces it");
	if (!store_enrolment_delete(tx, row->id, reterr))
		return false;
	row->incarnation = 0;
	if (row->method == PROVE_METHOD_NONE)
		return true;
	return store_key_end(tx, row->id, reterr) &&
	       store_issued_revoke(tx, row->id, key, now_unix_s, reterr);
}

static bool
open_one(struct opening *o, struct sql *tx, struct store_account *row,
    int64_t now_unix_s, struct error *reterr)
{
	struct str jkt;

	if (!sts_check_secret(o->s, tx, reterr))
		return false;

	switch (o->next->how) {
	case STS_OPEN_SECRET:
		return open_secret(o, tx, row, now_unix_s, reterr);
	case STS_OPEN_HMAC:
		return open_hmac(o, tx, row, now_unix_s, reterr);
	case STS_OPEN_KEY:
		return sts_register(
		    tx, o->a, row, o->next->spki, now_unix_s, &jkt, reterr);
	case STS_OPEN_NONE:
	default:
		return error_set(reterr, ERR_USAGE, SPAN_NONE,
		    "a key is opened by a secret, a public key or hmac");
	}
}

static const char *
change_name(const struct sts_next *next)
{
	if (next->move)
		return "account.move";
	return next->how == STS_OPEN_SECRET ? "account.enrolment"
					    : "account.key";
}

static bool
open_inside(
    struct sql *tx, int64_t now_ms, void *ctx, bool *keep, struct error *reterr)
{
	struct opening *o = ctx;
	struct store_account row;
	int64_t now = now_ms / 1000;

	(void)keep;
	if (!sts_find_managed(
		tx, o->a, o->actor, o->id, o->next->if_version, &row, reterr) ||
	    !check_mover(o->actor, &row, reterr) ||
	    !end_former(tx, o->next, &row, now, reterr) ||
	    !open_one(o, tx, &row, now, reterr))
		return false;
	row.version++;
	row.changed_at = now;
	return store_account_update(tx, &row, reterr) &&
	       sts_note_change(
		   tx, o->actor, change_name(o->next), row.id, reterr) &&
	       sts_read_account(tx, o->a, row.id, &o->opened.account, reterr);
}

bool
sts_open_next(struct sts *s, struct arena *a, const struct sts_actor *actor,
    struct str id, const struct sts_next *next, struct sts_opened *ret,
    struct error *reterr)
{
	struct opening o = {
		.s = s, .a = a, .actor = actor, .id = id, .next = next
	};
	bool ok;

	if (next->lifetime_s < 0 || next->lifetime_s > LIMIT_ENROL_MOST_S)
		return error_set(reterr, ERR_USAGE, SPAN_NONE,
		    "a secret enrols within %d s at most", LIMIT_ENROL_MOST_S);
	ok = store_transact(s->store, open_inside, &o, reterr);
	if (ok)
		*ret = o.opened;
	secret_wipe(o.opened.secret, sizeof o.opened.secret);
	return ok;
}
