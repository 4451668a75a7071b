/* cache.c - what verified evidence says, remembered for a while.
 * Kind, document, signature and trust version are the key, by the SHA-256 of
 * all four with their lengths: a hash that finds an entry and proves it is the
 * same bytes, so that the bytes need not be kept. A shorter keyed hash would
 * have to compare 16 KiB an entry. An entry has the claims and what is checked
 * at every use: times, owner, revocation, nonce, audience and cnf
 * (verify_again). It spares signature and reading, nothing else; a refusal is
 * never kept, and another trust has another version, under which nothing is
 * found.
 * Of packs that are shown together each is kept by itself, too, so that one
 * which comes with others than before is not verified anew: it is checked as at
 * every use, and what they say together (one instance, no contradiction) is
 * worked out from what was kept. Such a part has no claims and another key than
 * the same document by itself, which may be worth nothing alone. Entries are
 * immutable and counted: a hit lends the claims until the asker's arena ends,
 * so eviction takes nothing from under anybody. A digest belongs to one shard,
 * which has its own lock, and there to one set of WAYS slots; when they are
 * full, or the shard has its bytes, the one used longest ago goes. Memory:
 * LIMIT_EVIDENCE_CACHE entries, and LIMIT_EVIDENCE_CACHE_BYTES beside what is
 * lent. Cost of a hit: one SHA-256, WAYS compares under the lock, the checks.
 */
#include "attest/attest.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "attest/kind.h"
#include "attest/verify.h"
#include "base/digest.h"
#include "base/limits.h"

#define WAYS 8u
#define SHARDS 64u
#define SETS (LIMIT_EVIDENCE_CACHE / WAYS / SHARDS) /* a shard */
#define SHARD_BYTES (LIMIT_EVIDENCE_CACHE_BYTES / SHARDS)
#define ENTRY_BYTES (SHARD_BYTES / 64) /* a larger one is not kept */
/* Of an entry beside its arena's content: heads of arena, block and malloc. */
#define OVERHEAD_BYTES 256u

/* Lives in `home`. */
struct entry {
	struct arena *home;
	unsigned refs; /* atomic: the slot's, and one a lent */
	size_t bytes;
	struct verified verified;
};

struct slot {
	uint8_t digest[32];
	uint64_t used;       /* number of the last use */
	struct entry *entry; /* NULL: empty */
};

struct shard {
	pthread_mutex_t lock; /* of all below */
	uint64_t uses;
	size_t bytes;
	struct slot sets[SETS][WAYS];
};

struct attest_cache {
	struct shard shards[SHARDS];
};

/* ---- entries ---------------------------------------------------------------
 */

static void
entry_ref(struct entry *e)
{
	(void)__atomic_add_fetch(&e->refs, 1, __ATOMIC_RELAXED);
}

static void
entry_unref(void *p)
{
	struct entry *e = p;

	if (e && __atomic_sub_fetch(&e->refs, 1, __ATOMIC_ACQ_REL) == 0)
		arena_free(e->home);
}

/* NULL when memory is out. */
static struct entry *
entry_new(const struct verified *v, size_t keep_bytes)
{
	size_t own = (sizeof(struct entry) + 15) & ~(size_t)15;
	struct arena *home = arena_new(own + keep_bytes);
	struct entry *e = home ? ARENA_NEW(home, struct entry) : NULL;

	if (e && verified_copy(home, v, &e->verified, NULL)) {
		e->home = home;
		e->refs = 1;
		e->bytes = own + keep_bytes + OVERHEAD_BYTES;
		return e;
	}
	arena_free(home);
	return NULL;
}

/* ---- slots -----------------------------------------------------------------
 */

static void
shards_fini(struct attest_cache *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct slot *slots = c->shards[i].sets[0];

		for (size_t j = 0; j < (size_t)SETS * WAYS; j++)
			entry_unref(slots[j].entry);
		(void)pthread_mutex_destroy(&c->shards[i].lock);
	}
}

struct attest_cache *
attest_cache_new(void)
{
	struct attest_cache *c = calloc(1, sizeof *c);

	for (size_t i = 0; c && i < SHARDS; i++)
		if (pthread_mutex_init(&c->shards[i].lock, NULL) != 0) {
			shards_fini(c, i);
			free(c);
			c = NULL;
		}
	return c;
}

void
attest_cache_free(struct attest_cache *c)
{
	if (!c)
		return;
	shards_fini(c, SHARDS);
	free(c);
}

static struct shard *
shard_of(struct attest_cache *c, const uint8_t digest[32])
{
	return &c->shards[digest[2] % SHARDS];
}

static struct slot *
set_of(struct shard *s, const uint8_t digest[32])
{
	size_t n = (size_t)digest[0] << 8 | digest[1];

	return s->sets[n % SETS];
}

static bool
is_slot(const struct slot *s, const uint8_t digest[32])
{
	return s->entry && str_eq((struct str){ (const char *)digest, 32 },
			       (struct str){ (const char *)s->digest, 32 });
}

/* A reference, or NULL. */
static struct entry *
look_up(struct attest_cache *c, const uint8_t digest[32])
{
	struct shard *s = shard_of(c, digest);
	struct slot *set = set_of(s, digest);
	struct entry *found = NULL;

	(void)pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < WAYS && !found; i++)
		if (is_slot(&set[i], digest)) {
			set[i].used = ++s->uses;
			found = set[i].entry;
			entry_ref(found);
		}
	(void)pthread_mutex_unlock(&s->lock);
	return found;
}

static void
empty(struct shard *s, struct slot *slot)
{
	if (!slot->entry)
		return;
	s->bytes -= slot->entry->bytes;
	entry_unref(slot->entry);
	slot->entry = NULL;
	slot->used = 0;
}

/* The empty ones first: they were used at 0. */
static struct slot *
oldest(struct slot *slots, size_t n)
{
	struct slot *old = &slots[0];

	for (size_t i = 1; i < n; i++)
		if (slots[i].used < old->used)
			old = &slots[i];
	return old;
}

/* Walks a whole shard, once it is full of large entries; a miss costs a
 * signature, which is more. */
static void
make_room(struct shard *s, size_t bytes)
{
	while (s->bytes + bytes > SHARD_BYTES) {
		struct slot *old = NULL, *slots = s->sets[0];

		for (size_t i = 0; i < (size_t)SETS * WAYS; i++)
			if (slots[i].entry &&
			    (!old || slots[i].used < old->used))
				old = &slots[i];
		if (!old)
			return;
		empty(s, old);
	}
}

/* Takes the reference. Two threads may have verified the same: the later
 * stays. */
static void
put(struct attest_cache *c, const uint8_t digest[32], struct entry *e)
{
	struct shard *s = shard_of(c, digest);
	struct slot *set = set_of(s, digest), *to;

	(void)pthread_mutex_lock(&s->lock);
	to = oldest(set, WAYS);
	for (size_t i = 0; i < WAYS; i++)
		if (is_slot(&set[i], digest))
			to = &set[i];
	empty(s, to);
	make_room(s, e->bytes);
	memcpy(to->digest, digest, sizeof to->digest);
	to->used = ++s->uses;
	to->entry = e;
	s->bytes += e->bytes;
	(void)pthread_mutex_unlock(&s->lock);
}

/* ---- the door --------------------------------------------------------------
 */

/* What cannot be kept is verified again next time. */
static void
remember(
    struct attest_cache *c, const uint8_t digest[32], const struct verified *v)
{
	size_t bytes = verified_keep_bytes(v);
	struct entry *e =
	    bytes > 0 && bytes <= ENTRY_BYTES ? entry_new(v, bytes) : NULL;

	if (e)
		put(c, digest, e);
}

/* Takes the reference of `e`; `a` has it until its end. */
static bool
use_again(struct arena *a, struct entry *e, const struct attest_context *ctx,
    struct error *reterr)
{
	bool ok = verify_again(&e->verified, ctx, reterr) &&
		  (arena_at_end(a, entry_unref, e) || error_nomem(reterr));

	if (!ok)
		entry_unref(e);
	return ok;
}

/* A part of several has one more to its key, so that neither is ever taken for
 * the other. */
static bool
key_of(const struct attest_evidence *e, const struct attest_context *ctx,
    bool is_part, uint8_t ret[32])
{
	const struct str parts[] = { e->kind, e->document, e->signature,
		attest_trust_version(ctx->trust), STR("part") };

	return digest_sha256_framed(
	    parts, ARRAY_LEN(parts) - (is_part ? 0 : 1), ret);
}

/* ---- several together ------------------------------------------------------
 */

static bool
part_of(void *cache, struct arena *a, const struct attest_evidence *e,
    const struct attest_context *ctx, struct checked *ret, struct error *reterr)
{
	uint8_t digest[32];
	struct entry *known;

	if (!key_of(e, ctx, true, digest))
		return error_nomem(reterr);
	known = look_up(cache, digest);
	if (known) {
		if (!use_again(a, known, ctx, reterr))
			return false;
		*ret = known->verified.checked[0];
		return true;
	}
	if (!verify_part(NULL, a, e, ctx, ret, reterr))
		return false;
	remember(cache, digest, &(struct verified){ .checked = ret, .n = 1 });
	return true;
}

bool
attest_cache_verify(struct attest_cache *cache, struct arena *a,
    const struct attest_evidence *e, const struct attest_context *ctx,
    const struct claims **ret_claims, struct error *reterr)
{
	uint8_t digest[32];
	struct entry *known;
	struct verified v;
	bool ok;

	if (e->document.n > LIMIT_DOCUMENT_BYTES ||
	    e->signature.n > LIMIT_SIGNATURE_BYTES)
		return attest_verify(a, e, ctx, ret_claims, reterr);
	if (!key_of(e, ctx, false, digest))
		return error_nomem(reterr);
	known = look_up(cache, digest);
	if (known) {
		if (!use_again(a, known, ctx, reterr))
			return false;
		assert(known->verified.claims);
		*ret_claims = known->verified.claims;
		return true;
	}
	ok = str_eq(e->kind, STR(KIND_PACKS))
		 ? verify_packs(a, e, ctx, part_of, cache, &v, reterr)
		 : verify_evidence(a, e, ctx, &v, reterr);
	if (!ok)
		return false;
	remember(cache, digest, &v);
	*ret_claims = v.claims;
	return true;
}
