/* cache.c - which evidence verified under which key, remembered for a while.
 * A slot holds a SHA-256 over kind, document, signature and trust version, and
 * the number of the key; never claims, never a refusal. So a hit spares the
 * signature and nothing else: shape, times, owner, revocation, audience and cnf
 * are checked each time, and claims are made anew in the caller's arena.
 * Nothing is lent, so nothing dangles after a reload, and another trust has
 * another version, under which nothing is found.
 * A digest belongs to one set of WAYS slots; when they are full, the one used
 * longest ago goes. Cost: one SHA-256 and WAYS compares under a lock. */
#include "attest/attest.h"

#include <pthread.h>
#include <stdlib.h>

#include "attest/verify.h"
#include "base/digest.h"
#include "base/limits.h"

#define WAYS 8u
#define SETS (LIMIT_EVIDENCE_CACHE / WAYS)

struct slot {
	uint8_t digest[32];
	uint64_t used; /* number of the last use; 0: empty */
	struct verify_key key;
};

struct attest_cache {
	pthread_mutex_t lock; /* of all below */
	uint64_t uses;
	struct slot slots[SETS][WAYS];
};

struct attest_cache *
attest_cache_new(void)
{
	struct attest_cache *c = calloc(1, sizeof *c);

	if (c && pthread_mutex_init(&c->lock, NULL) != 0) {
		free(c);
		return NULL;
	}
	return c;
}

void
attest_cache_free(struct attest_cache *c)
{
	if (!c)
		return;
	(void)pthread_mutex_destroy(&c->lock);
	free(c);
}

static struct slot *
set_of(struct attest_cache *c, const uint8_t digest[32])
{
	size_t n = (size_t)digest[0] << 8 | digest[1];

	return c->slots[n % SETS];
}

static bool
is_slot(const struct slot *s, const uint8_t digest[32])
{
	return s->used > 0 && str_eq((struct str){ (const char *)digest, 32 },
				  (struct str){ (const char *)s->digest, 32 });
}

static bool
look_up(
    struct attest_cache *c, const uint8_t digest[32], struct verify_key *ret)
{
	struct slot *set;
	bool found = false;

	(void)pthread_mutex_lock(&c->lock);
	set = set_of(c, digest);
	for (size_t i = 0; i < WAYS && !found; i++) {
		found = is_slot(&set[i], digest);
		if (found) {
			set[i].used = ++c->uses;
			*ret = set[i].key;
		}
	}
	(void)pthread_mutex_unlock(&c->lock);
	return found;
}

static void
remember(
    struct attest_cache *c, const uint8_t digest[32], struct verify_key key)
{
	struct slot *set, *to;

	(void)pthread_mutex_lock(&c->lock);
	set = set_of(c, digest);
	to = &set[0];
	for (size_t i = 0; i < WAYS; i++) {
		if (is_slot(&set[i], digest)) {
			to = &set[i];
			break;
		}
		if (set[i].used < to->used)
			to = &set[i];
	}
	*to = (struct slot){ .used = ++c->uses, .key = key };
	memcpy(to->digest, digest, sizeof to->digest);
	(void)pthread_mutex_unlock(&c->lock);
}

bool
attest_cache_verify(struct attest_cache *cache, struct arena *a,
    const struct attest_evidence *e, const struct attest_context *ctx,
    const struct claims **ret_claims, struct error *reterr)
{
	const struct str parts[] = { e->kind, e->document, e->signature,
		attest_trust_version(ctx->trust) };
	uint8_t digest[32];
	struct verify_key key;
	bool known;

	if (e->document.n > LIMIT_DOCUMENT_BYTES ||
	    e->signature.n > LIMIT_SIGNATURE_BYTES)
		return attest_verify(a, e, ctx, ret_claims, reterr);
	if (!digest_sha256_framed(parts, ARRAY_LEN(parts), digest))
		return error_nomem(reterr);
	known = look_up(cache, digest, &key);
	if (!verify_evidence(
		a, e, ctx, known ? &key : NULL, &key, ret_claims, reterr))
		return false;
	if (!known)
		remember(cache, digest, key);
	return true;
}
