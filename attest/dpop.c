/* dpop.c - proofs of possession (RFC 9449 4.3): checked, taken once, made.
 * Two epochs are remembered, the current and the one before; each has its nonce
 * and the proofs it took. An epoch ends by age, or early when it took
 * LIMIT_DPOP_PROOFS: then holders are asked for the new nonce, so memory is
 * bounded and no proof is forgotten while its nonce counts.
 * Shared by nodes, both are rows of a store; here is then a copy of the two
 * nonces, never more than seconds old, and the store has the last word.
 * A proof is known by SHA-256 of its key and `jti`, never by its signature:
 * an ECDSA signature can be written in two ways. */
#include "attest/dpop.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>

#include "attest/attest.h"
#include "attest/jwk.h"
#include "attest/jws.h"
#include "base/base64.h"
#include "base/digest.h"
#include "base/limits.h"
#include "store/replay.h"

#define TYP "dpop+jwt"
#define ID_BYTES 256u
#define SLOTS_FIRST 1024u
#define SHARED_COPY_S 5 /* the store's nonces are read again after that */

_Static_assert(DPOP_NONCE == STORE_NONCE, "one nonce");

struct mark {
	uint64_t half[2]; /* of the digest; both 0: empty */
};

struct epoch {
	char nonce[DPOP_NONCE + 1]; /* empty: none yet */
	int64_t began;
	struct mark *slots;
	size_t n, cap; /* cap is a power of two, at least twice n */
};

struct dpop {
	pthread_mutex_t lock; /* of all below */
	struct epoch current, previous;
	struct store *store; /* NULL: all is here, in memory */
	int64_t read_at;     /* shared: when the nonces were read; 0: never */
};

static bool
refuse(struct error *reterr, enum err_code code, const char *why)
{
	return error_set(reterr, code, SPAN_NONE, "the proof %s", why);
}

/* ---- epochs ---------------------------------------------------------------
 */

static bool
random_text(char ret[DPOP_NONCE + 1], struct error *reterr)
{
	uint8_t bytes[16];
	struct buf text = buf_over(ret, DPOP_NONCE + 1);

	if (RAND_bytes(bytes, sizeof bytes) != 1)
		return error_set(reterr, ERR_SYSTEM_ERROR, SPAN_NONE,
		    "no random bytes: %s", keys_drain());
	base64_encode(&text, BASE64_URL,
	    (struct str){ (const char *)bytes, sizeof bytes });
	return buf_ok(&text) || error_nomem(reterr);
}

static bool
begin(struct dpop *d, int64_t now, struct error *reterr)
{
	struct epoch next = { .began = now };

	if (!random_text(next.nonce, reterr))
		return false;
	free(d->previous.slots);
	d->previous = d->current;
	d->current = next;
	return true;
}

/* The store's nonces, which another node may have made. */
static bool
read_shared(struct dpop *d, int64_t now, struct error *reterr)
{
	char fresh[DPOP_NONCE + 1];
	struct store_nonces found;

	d->read_at = 0;
	if (!random_text(fresh, reterr) ||
	    !store_nonces(d->store, fresh, &found, reterr))
		return false;
	memcpy(d->current.nonce, found.text[0], sizeof found.text[0]);
	memcpy(d->previous.nonce, found.text[1], sizeof found.text[1]);
	d->read_at = now;
	return true;
}

/* A clock that was set back begins an epoch, too. */
static bool
turn(struct dpop *d, int64_t now, struct error *reterr)
{
	const struct epoch *e = &d->current;

	if (d->store)
		return (d->read_at != 0 && now >= d->read_at &&
			   now - d->read_at < SHARED_COPY_S) ||
		       read_shared(d, now, reterr);
	if (e->nonce[0] && now >= e->began &&
	    now - e->began < LIMIT_DPOP_EPOCH_S)
		return true;
	return begin(d, now, reterr);
}

static struct epoch *
epoch_of(struct dpop *d, struct str nonce)
{
	if (nonce.n == 0)
		return NULL;
	if (str_eq(nonce, str_of(d->current.nonce)))
		return &d->current;
	if (str_eq(nonce, str_of(d->previous.nonce)))
		return &d->previous;
	return NULL;
}

/* The epoch of a nonce that somebody showed. One that is not known here may be
 * another node's: the store is asked, once a second, whoever asks. */
static bool
find_epoch(struct dpop *d, struct str nonce, int64_t now, struct epoch **ret,
    struct error *reterr)
{
	if (!turn(d, now, reterr))
		return false;
	*ret = epoch_of(d, nonce);
	if (*ret || !d->store || nonce.n != DPOP_NONCE || d->read_at == now)
		return true;
	if (!read_shared(d, now, reterr))
		return false;
	*ret = epoch_of(d, nonce);
	return true;
}

struct dpop *
dpop_new_shared(struct store *store, struct error *reterr)
{
	struct dpop *d = dpop_new(reterr);

	if (d)
		d->store = store;
	return d;
}

struct dpop *
dpop_new(struct error *reterr)
{
	struct dpop *d = calloc(1, sizeof *d);

	if (d && pthread_mutex_init(&d->lock, NULL) == 0)
		return d;
	free(d);
	(void)error_nomem(reterr);
	return NULL;
}

void
dpop_free(struct dpop *d)
{
	if (!d)
		return;
	(void)pthread_mutex_destroy(&d->lock);
	free(d->current.slots);
	free(d->previous.slots);
	free(d);
}

bool
dpop_nonce(struct dpop *d, int64_t now_unix_s, char ret[DPOP_NONCE + 1],
    struct error *reterr)
{
	bool ok;

	(void)pthread_mutex_lock(&d->lock);
	ok = turn(d, now_unix_s, reterr);
	if (ok)
		memcpy(ret, d->current.nonce, DPOP_NONCE + 1);
	(void)pthread_mutex_unlock(&d->lock);
	return ok;
}

/* ---- what was taken -------------------------------------------------------
 */

static struct mark
mark_of(const uint8_t digest[32])
{
	struct mark m;

	memcpy(&m, digest, sizeof m);
	m.half[0] |= 1; /* never empty */
	return m;
}

/* The mark's slot, or the free one where it belongs. */
static struct mark *
slot_of(struct mark *slots, size_t cap, struct mark m)
{
	struct str bytes = { (const char *)&m, sizeof m };
	size_t i = (size_t)str_hash(bytes, 0) & (cap - 1);

	while (slots[i].half[0] &&
	       (slots[i].half[0] != m.half[0] || slots[i].half[1] != m.half[1]))
		i = (i + 1) & (cap - 1);
	return &slots[i];
}

static bool
make_room(struct epoch *e, struct error *reterr)
{
	size_t cap = e->cap ? 2 * e->cap : SLOTS_FIRST;
	struct mark *slots;

	if (2 * (e->n + 1) <= e->cap)
		return true;
	slots = calloc(cap, sizeof *slots); /* lint-ok: it grows */
	if (!slots)
		return error_nomem(reterr);
	for (size_t i = 0; i < e->cap; i++)
		if (e->slots[i].half[0])
			*slot_of(slots, cap, e->slots[i]) = e->slots[i];
	free(e->slots);
	e->slots = slots;
	e->cap = cap;
	return true;
}

static bool
take(struct epoch *e, struct mark m, struct error *reterr)
{
	struct mark *slot;

	if (!make_room(e, reterr))
		return false;
	slot = slot_of(e->slots, e->cap, m);
	if (slot->half[0])
		return refuse(
		    reterr, ERR_EVIDENCE_REPLAYED, "has been used already");
	*slot = m;
	e->n++;
	return true;
}

static bool
spend(struct dpop *d, const struct dpop_proof *p, int64_t now,
    struct error *reterr)
{
	struct epoch *e;

	if (!turn(d, now, reterr))
		return false;
	e = epoch_of(d, str_of(p->nonce));
	if (e == &d->current && e->n >= LIMIT_DPOP_PROOFS &&
	    !begin(d, now, reterr))
		return false;
	if (!e || e->n >= LIMIT_DPOP_PROOFS)
		return refuse(
		    reterr, ERR_EVIDENCE_PROOF, "has a nonce that is gone");
	return take(e, mark_of(p->digest), reterr);
}

/* A nonce that has gone meanwhile is not to be given out any more. */
static bool
spend_shared(struct dpop *d, const struct dpop_proof *p, struct error *reterr)
{
	enum store_spent answer;

	if (!store_proof_spend(
		d->store, str_of(p->nonce), p->digest, &answer, reterr))
		return false;
	if (answer == STORE_SPENT)
		return true;
	if (answer == STORE_SPENT_BEFORE)
		return refuse(
		    reterr, ERR_EVIDENCE_REPLAYED, "has been used already");
	(void)pthread_mutex_lock(&d->lock);
	d->read_at = 0;
	(void)pthread_mutex_unlock(&d->lock);
	return refuse(reterr, ERR_EVIDENCE_PROOF, "has a nonce that is gone");
}

bool
dpop_spend(struct dpop *d, const struct dpop_proof *p, int64_t now_unix_s,
    struct error *reterr)
{
	bool ok;

	if (d->store)
		return spend_shared(d, p, reterr);
	(void)pthread_mutex_lock(&d->lock);
	ok = spend(d, p, now_unix_s, reterr);
	(void)pthread_mutex_unlock(&d->lock);
	return ok;
}

/* ---- checking -------------------------------------------------------------
 */

static struct str
text_of(const json_t *payload, const char *name)
{
	const json_t *v = json_object_get(payload, name);

	return json_is_string(v) ? json_str(v) : STR("");
}

/* RFC 9449 4.3, 11.1. */
static bool
check_time(const json_t *payload, int64_t now, struct error *reterr)
{
	const json_t *v = json_object_get(payload, "iat");
	json_int_t iat = json_is_integer(v) ? json_integer_value(v) : -1;

	if (iat < 0)
		return refuse(reterr, ERR_EVIDENCE_PROOF, "has no `iat`");
	if (iat < now - LIMIT_SKEW_S || iat > now + LIMIT_SKEW_S)
		return refuse(reterr, ERR_EVIDENCE_PROOF,
		    "was made more than 60 s ago, or ahead");
	return true;
}

static bool
check_hash(const json_t *payload, struct str shown, struct error *reterr)
{
	uint8_t digest[32];
	char text[48];
	struct buf b = buf_over(text, sizeof text);

	if (!digest_sha256(&shown, 1, digest))
		return error_nomem(reterr);
	base64_encode(&b, BASE64_URL,
	    (struct str){ (const char *)digest, sizeof digest });
	return str_eq(buf_str(&b), text_of(payload, "ath")) ||
	       refuse(reterr, ERR_EVIDENCE_PROOF,
		   "is not for this token or document (`ath`)");
}

static bool
check_says(
    const json_t *payload, const struct dpop_request *q, struct error *reterr)
{
	struct str id = text_of(payload, "jti");

	if (id.n == 0 || id.n > ID_BYTES)
		return refuse(reterr, ERR_EVIDENCE_PROOF,
		    "has no `jti` of 1 to 256 bytes");
	if (!str_eq(text_of(payload, "htm"), q->method))
		return refuse(reterr, ERR_EVIDENCE_PROOF,
		    "is for another method (`htm`)");
	if (!str_eq(text_of(payload, "htu"), q->url))
		return refuse(
		    reterr, ERR_EVIDENCE_PROOF, "is for another URL (`htu`)");
	return check_hash(payload, q->shown, reterr) &&
	       check_time(payload, q->now_unix_s, reterr);
}

/* Last, so that a stale nonce is the only thing wrong with the proof. */
static bool
check_nonce(struct dpop *d, struct str nonce, int64_t now, struct dpop_proof *p,
    bool *ret_stale, struct error *reterr)
{
	struct epoch *e = NULL;
	bool ok;

	(void)pthread_mutex_lock(&d->lock);
	ok = find_epoch(d, nonce, now, &e, reterr);
	if (e)
		memcpy(p->nonce, e->nonce, sizeof p->nonce);
	(void)pthread_mutex_unlock(&d->lock);
	if (!ok)
		return false;
	*ret_stale = e == NULL;
	return e != NULL || refuse(reterr, ERR_EVIDENCE_PROOF,
				"has no nonce of ours, or one that is gone");
}

static bool
name_proof(const struct keys_public *key, struct str id, struct dpop_proof *p,
    struct error *reterr)
{
	const struct str parts[] = { keys_thumbprint(key), id };

	memcpy(p->jkt, key->thumbprint, sizeof p->jkt);
	return digest_sha256_framed(parts, ARRAY_LEN(parts), p->digest) ||
	       error_nomem(reterr);
}

/* By the key that it brings: that it is the right one is for the `cnf` of what
 * was shown to say. */
static bool
check_signature(
    const struct jws *j, struct keys_public *ret_key, struct error *reterr)
{
	struct error why = { 0 };

	if (!str_eq(j->typ, STR(TYP)))
		return refuse(
		    reterr, ERR_EVIDENCE_PROOF, "is not of type `" TYP "`");
	if (!jwk_read(json_object_get(j->header, "jwk"), ret_key, &why))
		return why.code == ERR_LIMIT_MEMORY
			   ? error_nomem(reterr)
			   : refuse(reterr, ERR_EVIDENCE_PROOF,
				 "brings no public key of an accepted type");
	if (jws_verify(j, ret_key, NULL))
		return true;
	keys_public_fini(ret_key);
	return refuse(reterr, ERR_EVIDENCE_PROOF,
	    "has a signature that is not by its key");
}

static bool
check(struct dpop *d, const struct jws *j, const struct dpop_request *q,
    struct dpop_proof *ret, bool *ret_stale, struct error *reterr)
{
	struct keys_public key;
	struct dpop_proof p = { 0 };
	json_t *payload = NULL;
	bool ok;

	if (!check_signature(j, &key, reterr))
		return false;
	ok = json_parse(j->payload, NULL, LIMIT_TOKEN_BYTES, LIMIT_TOKEN_DEPTH,
		 JSON_NO_NUL, &payload, NULL) ||
	     refuse(reterr, ERR_EVIDENCE_PROOF, "says nothing readable");
	ok = ok && check_says(payload, q, reterr) &&
	     name_proof(&key, text_of(payload, "jti"), &p, reterr) &&
	     check_nonce(d, text_of(payload, "nonce"), q->now_unix_s, &p,
		 ret_stale, reterr);
	if (ok)
		*ret = p;
	json_decref(payload);
	keys_public_fini(&key);
	return ok;
}

bool
dpop_check(struct dpop *d, const struct dpop_request *q, struct dpop_proof *ret,
    bool *ret_stale, struct error *reterr)
{
	struct arena *a = arena_new(0);
	struct jws j = { 0 };
	bool ok;

	*ret_stale = false;
	ok = a ? jws_parse(a, q->proof, JWS_KEY_BROUGHT, &j, reterr)
	       : error_nomem(reterr);
	ok = ok && check(d, &j, q, ret, ret_stale, reterr);
	jws_fini(&j);
	arena_free(a);
	return ok;
}

bool
dpop_key(struct str proof, json_t **ret_jwk, struct error *reterr)
{
	struct arena *a = arena_new(0);
	struct jws j = { 0 };
	json_t *jwk = NULL;
	bool ok = a ? jws_parse(a, proof, JWS_KEY_BROUGHT, &j, reterr)
		    : error_nomem(reterr);

	if (ok)
		jwk = json_incref(json_object_get(j.header, "jwk"));
	jws_fini(&j);
	arena_free(a);
	if (jwk)
		*ret_jwk = jwk;
	return jwk || (ok && refuse(reterr, ERR_EVIDENCE_PROOF,
				 "brings no public key"));
}

/* ---- making ---------------------------------------------------------------
 */

static json_t *
payload_json(const struct dpop_request *what, struct str ath, struct str nonce,
    struct str id)
{
	json_t *p = json_pack("{s:o, s:o, s:o, s:I, s:o}", "jti",
	    json_from_str(id), "htm", json_from_str(what->method), "htu",
	    json_from_str(what->url), "iat", (json_int_t)what->now_unix_s,
	    "ath", json_from_str(ath));

	if (p && nonce.n > 0 &&
	    json_object_set_new(p, "nonce", json_from_str(nonce)) != 0) {
		json_decref(p);
		p = NULL;
	}
	return p;
}

static bool
write_payload(const struct dpop_request *what, struct str nonce, struct str id,
    struct buf *out, struct error *reterr)
{
	char made[DPOP_NONCE + 1], hash[48];
	struct buf ath = buf_over(hash, sizeof hash);
	uint8_t digest[32];
	json_t *payload;
	bool ok;

	if (id.n == 0 && !random_text(made, reterr))
		return false;
	if (!digest_sha256(&what->shown, 1, digest))
		return error_nomem(reterr);
	base64_encode(&ath, BASE64_URL,
	    (struct str){ (const char *)digest, sizeof digest });
	payload =
	    payload_json(what, buf_str(&ath), nonce, id.n ? id : str_of(made));
	ok = payload && json_write(out, payload);
	json_decref(payload);
	return ok || error_nomem(reterr);
}

bool
dpop_make(const struct attest_key *key, const struct dpop_request *what,
    struct str nonce, struct str id, struct buf *out, struct error *reterr)
{
	struct buf payload = { 0 };
	json_t *jwk = jwk_write(&key->public, NULL);
	bool ok;

	ok = jwk ? write_payload(what, nonce, id, &payload, reterr) &&
		       jws_sign(&key->public, TYP, jwk, buf_str(&payload), out,
			   reterr)
		 : error_nomem(reterr);
	json_decref(jwk);
	buf_free(&payload);
	return ok;
}
