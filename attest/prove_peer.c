/* prove_peer.c - checking proofs with public keys alone: no store, no service.
 * Two sorted lists: whom we know, and which challenges were answered. The
 * second forgets what has expired when it is full; when that makes no room,
 * nothing more is accepted, since a challenge must never serve twice. */
#include "attest/prove.h"

#include <pthread.h>
#include <stdlib.h>

#include "attest/challenge.h"
#include "attest/prove_check.h"
#include "base/limits.h"

struct known {
	struct str account;
	enum prove_method method;
	struct str spki;
};

struct answered {
	uint8_t id[CHALLENGE_ID_BYTES];
	int64_t expires_at_ms;
};

struct prove_peer {
	struct arena *arena;
	enum prove_role role;
	struct str service, audience;
	const struct clock *clock;
	struct prove_random random;
	uint8_t key[SECRET_BYTES]; /* of challenges */
	struct known *known;       /* by account */
	size_t n_known, cap_known;
	pthread_mutex_t lock;      /* of what follows */
	struct answered *answered; /* by id */
	size_t n_answered, cap_answered, most;
};

/* ---- making -----------------------------------------------------------------
 */

static bool
fill(struct prove_peer *p, const struct prove_peer_options *o,
    struct error *reterr)
{
	const struct challenge_for whom = { o->role, PROVE_P256, STR("x"),
		o->audience };

	if (o->role != PROVE_CLIENT && o->role != PROVE_INSTANCE)
		return error_set(reterr, ERR_USAGE, SPAN_NONE,
		    "others prove themselves as client or as instance");
	if (o->service.n == 0 || !challenge_check_whom(&whom, reterr))
		return error_set(reterr, ERR_USAGE, SPAN_NONE,
		    "who asks for proofs has a service URI and an audience");
	p->service = str_dup(p->arena, o->service);
	p->audience = str_dup(p->arena, o->audience);
	if (!p->service.p || !p->audience.p)
		return error_nomem(reterr);
	return secret_random(&p->random, p->key, sizeof p->key, reterr);
}

struct prove_peer *
prove_peer_new(const struct prove_peer_options *options, struct error *reterr)
{
	struct prove_peer *p = calloc(1, sizeof *p);

	if (!p) {
		(void)error_nomem(reterr);
		return NULL;
	}
	if (pthread_mutex_init(&p->lock, NULL) != 0) {
		free(p);
		(void)error_nomem(reterr);
		return NULL;
	}
	p->role = options->role;
	p->clock = options->clock;
	p->random = options->random;
	p->most = options->spent_most;
	if (p->most == 0 || p->most > LIMIT_PEER_SPENT)
		p->most = LIMIT_PEER_SPENT;
	p->arena = arena_new(0);
	if (p->arena ? fill(p, options, reterr) : error_nomem(reterr))
		return p;
	prove_peer_free(p);
	return NULL;
}

void
prove_peer_free(struct prove_peer *p)
{
	if (!p)
		return;
	arena_free(p->arena);
	pthread_mutex_destroy(&p->lock);
	secret_wipe(p->key, sizeof p->key);
	free(p);
}

/* ---- whom we know -----------------------------------------------------------
 */

/* The place of `account`, or where it would be. */
static size_t
place_of(const struct prove_peer *p, struct str account, bool *ret_found)
{
	size_t low = 0, high = p->n_known;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (str_cmp(p->known[mid].account, account) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	*ret_found = low < p->n_known && str_eq(p->known[low].account, account);
	return low;
}

static bool
read_known(struct prove_peer *p, struct str account, struct str spki,
    struct known *ret, struct error *reterr)
{
	struct keys_public k;

	if (!prove_check_read_key(spki, &k, reterr))
		return false;
	*ret = (struct known){ str_dup(p->arena, account),
		prove_check_method(k.algorithm), str_dup(p->arena, spki) };
	keys_public_fini(&k);
	return (ret->account.p && ret->spki.p) || error_nomem(reterr);
}

static bool
put_known(struct prove_peer *p, struct known k, struct error *reterr)
{
	bool found;
	size_t at = place_of(p, k.account, &found);

	if (found) {
		p->known[at] = k;
		return true;
	}
	if (p->n_known >= LIMIT_PEER_ACCOUNTS)
		return error_set(reterr, ERR_LIMIT_COUNT, SPAN_NONE,
		    "more than %u accounts", LIMIT_PEER_ACCOUNTS);
	if (!ARENA_PUSH_ROOM(p->arena, p->known, p->n_known, p->cap_known))
		return error_nomem(reterr);
	memmove(&p->known[at + 1], &p->known[at],
	    (p->n_known - at) * sizeof *p->known);
	p->known[at] = k;
	p->n_known++;
	return true;
}

bool
prove_peer_trust(struct prove_peer *p, struct str account, const char *file,
    struct str pem, struct error *reterr)
{
	struct buf spki = { 0 };
	struct known k = { 0 };
	bool ok;

	if (!attest_instance_id_is_valid(account))
		return error_set(reterr, ERR_REQUEST_MALFORMED, SPAN_NONE,
		    "`%.*s` is no account id", STR_ARG(account));
	ok = prove_spki_of_pem(file, pem, &spki, reterr) &&
	     read_known(p, account, buf_str(&spki), &k, reterr) &&
	     put_known(p, k, reterr);
	buf_free(&spki);
	return ok;
}

/* ---- challenges -------------------------------------------------------------
 */

bool
prove_peer_challenge(struct prove_peer *p, struct str account,
    enum prove_method method, struct buf *out, struct error *reterr)
{
	const struct challenge_for whom = { p->role, method, account,
		p->audience };

	if (method == PROVE_HMAC)
		return error_set(reterr, ERR_REQUEST_MALFORMED, SPAN_NONE,
		    "who has public keys alone asks for signatures");
	return challenge_check_whom(&whom, reterr) &&
	       challenge_make(p->key, &p->random, &whom, clock_now_ms(p->clock),
		   out, reterr);
}

static void
forget_expired(struct prove_peer *p, int64_t now_ms)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->n_answered; i++)
		if (p->answered[i].expires_at_ms > now_ms)
			p->answered[kept++] = p->answered[i];
	p->n_answered = kept;
}

/* Ids are random bytes of our own: comparing them tells nobody anything. */
static size_t
answered_place(const struct prove_peer *p, struct str id, bool *ret_found)
{
	size_t low = 0, high = p->n_answered;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct str at = { (const char *)p->answered[mid].id,
			CHALLENGE_ID_BYTES };

		if (str_cmp(at, id) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	*ret_found = low < p->n_answered &&
		     str_eq((struct str){ (const char *)p->answered[low].id,
				CHALLENGE_ID_BYTES },
			 id);
	return low;
}

static bool
spend_locked(struct prove_peer *p, const struct challenge *c, int64_t now_ms,
    struct error *reterr)
{
	const struct str id = { (const char *)c->id, sizeof c->id };
	struct answered *to;
	bool found;
	size_t at;

	if (p->n_answered >= p->most)
		forget_expired(p, now_ms);
	at = answered_place(p, id, &found);
	if (found)
		return error_set(reterr, ERR_EVIDENCE_REPLAYED, SPAN_NONE,
		    "the challenge was answered already");
	if (p->n_answered >= p->most)
		return error_set(reterr, ERR_SYSTEM_LIMIT, SPAN_NONE,
		    "too many challenges were answered; wait a minute");
	if (!ARENA_PUSH_ROOM(
		p->arena, p->answered, p->n_answered, p->cap_answered))
		return error_nomem(reterr);
	to = &p->answered[at];
	memmove(to + 1, to, (p->n_answered - at) * sizeof *to);
	memcpy(to->id, c->id, sizeof to->id);
	to->expires_at_ms = c->expires_at_ms;
	p->n_answered++;
	return true;
}

/* The clock is read under the lock: what one forgot as expired, no other takes
 * for alive. */
static bool
spend(struct prove_peer *p, const struct challenge *c, struct error *reterr)
{
	int64_t now_ms;
	bool ok;

	pthread_mutex_lock(&p->lock);
	now_ms = clock_now_ms(p->clock);
	ok = challenge_check_time(c, now_ms, reterr) &&
	     spend_locked(p, c, now_ms, reterr);
	pthread_mutex_unlock(&p->lock);
	return ok;
}

/* ---- proofs -----------------------------------------------------------------
 */

static bool
wrong(struct error *reterr)
{
	return error_set(
	    reterr, ERR_EVIDENCE_PROOF, SPAN_NONE, "the proof does not hold");
}

/* Against the account's key, or with as much work against one that nobody has.
 */
static bool
judge(struct prove_peer *p, struct arena *a, const struct prove_answer *answer,
    struct str message, struct error *reterr)
{
	struct prove_check_key key = { .method = answer->method };
	enum prove_verdict verdict = PROVE_WRONG;
	bool found;
	size_t at = place_of(p, answer->account, &found);

	found = found && p->known[at].method == answer->method;
	if (found)
		key.spki = p->known[at].spki;
	else if (!prove_check_decoy(
		     a, answer->method, answer->proof.n, &key.spki, reterr))
		return false;
	if (!prove_check(answer, message, &key, &verdict, reterr))
		return false;
	return (found && verdict == PROVE_RIGHT) || wrong(reterr);
}

bool
prove_peer_verify(struct prove_peer *p, const struct prove_answer *answer,
    struct str channel, struct error *reterr)
{
	const struct challenge_for whom = { p->role, answer->method,
		answer->account, p->audience };
	struct buf message = { 0 };
	struct challenge c;
	struct arena *a;
	bool ok;

	/* A challenge is for one role, account, method and audience; what the
	 * answer says of them must be that. No relay stands between peers. */
	if (answer->role != p->role || answer->method == PROVE_HMAC ||
	    answer->relay.n > 0 || !str_eq(answer->audience, p->audience))
		return wrong(reterr);
	if (!challenge_open(p->key, &whom, answer->challenge, &c, reterr) ||
	    !spend(p, &c, reterr))
		return false;
	a = arena_new(0);
	ok = a && prove_message(answer, p->service, channel, &message)
		 ? judge(p, a, answer, buf_str(&message), reterr)
		 : error_nomem(reterr);
	buf_free(&message);
	arena_free(a);
	return ok;
}
