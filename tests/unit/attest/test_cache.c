/* The cache: it spares signatures and reading, and nothing else. */
#include "attest/attest.h"

#include <pthread.h>
#include <stdio.h>

#include "base/digest.h"
#include "base/limits.h"
#include "tests/lib/kit.h"
#include "tests/lib/run.h"
#include "tests/unit/attest/token_kit.h"

static enum err_code
ask(struct kit *k, struct attest_cache *c, const struct attest_evidence *e,
    const struct attest_context *ctx)
{
	const struct claims *claims = NULL;
	struct error err = { 0 };
	bool ok = attest_cache_verify(c, k->arena, e, ctx, &claims, &err);

	ck_assert_int_eq(ok, claims != NULL);
	ck_assert_int_eq(ok, err.code == ERR_NONE);
	return err.code;
}

struct warm {
	struct kit kit;
	struct attest_cache *cache;
	struct attest_evidence evidence;
	struct attest_context ctx;
};

/* A cache that has seen the kit's document, good. */
static void
warm_init(struct warm *w)
{
	kit_init(&w->kit, KEY_P256);
	w->cache = attest_cache_new();
	ck_assert_ptr_nonnull(w->cache);
	w->evidence = kit_sign(&w->kit, kit_document(&w->kit, NULL, NULL));
	w->ctx = kit_context(&w->kit);
	ck_assert_int_eq(
	    ask(&w->kit, w->cache, &w->evidence, &w->ctx), ERR_NONE);
}

static void
warm_fini(struct warm *w)
{
	attest_cache_free(w->cache);
	kit_fini(&w->kit);
}

START_TEST(a_hit_says_the_same)
{
	struct warm w;
	const struct claims *a, *b;

	warm_init(&w);
	ck_assert(attest_verify(w.kit.arena, &w.evidence, &w.ctx, &a, NULL));
	ck_assert(attest_cache_verify(
	    w.cache, w.kit.arena, &w.evidence, &w.ctx, &b, NULL));
	ck_assert(str_eq(claims_document_id(a), claims_document_id(b)));
	ck_assert(str_eq(claims_key_id(a), claims_key_id(b)));
	ck_assert(uid_eq(claims_principal(a), claims_principal(b)));
	warm_fini(&w);
}
END_TEST

static void
later(struct attest_context *ctx)
{
	ctx->now_unix_s += 3600;
}
static void
earlier(struct attest_context *ctx)
{
	ctx->now_unix_s -= 3600;
}
static void
elsewhere(struct attest_context *ctx)
{
	ctx->audience = STR("web");
}

static const struct {
	const char *note;
	void (*change)(struct attest_context *);
	const char *revoked;
	enum err_code want;
} hits[] = {
	{ "expired", later, NULL, ERR_EVIDENCE_EXPIRED },
	{ "not yet valid", earlier, NULL, ERR_EVIDENCE_NOT_YET_VALID },
	{ "audience", elsewhere, NULL, ERR_EVIDENCE_AUDIENCE },
	{ "document", NULL, "document 00112233445566778899aabbccddeeff",
	    ERR_EVIDENCE_REVOKED },
	{ "instance", NULL, "instance i-1", ERR_EVIDENCE_REVOKED },
};

START_TEST(a_hit_is_checked_like_any_other)
{
	struct warm w;
	struct attest_context now;
	struct attest_revoked *r = NULL;

	warm_init(&w);
	now = w.ctx;
	if (hits[_i].change)
		hits[_i].change(&now);
	if (hits[_i].revoked)
		now.revoked = r = kit_revoked(hits[_i].revoked);
	ck_assert_msg(ask(&w.kit, w.cache, &w.evidence, &now) == hits[_i].want,
	    "%s", hits[_i].note);
	/* And the refusal is not remembered. */
	ck_assert_int_eq(ask(&w.kit, w.cache, &w.evidence, &w.ctx), ERR_NONE);
	attest_revoked_free(r);
	warm_fini(&w);
}
END_TEST

START_TEST(other_bytes_are_other_evidence)
{
	struct warm w;
	struct attest_evidence e;

	warm_init(&w);
	e = w.evidence;
	e.signature = str_printf(
	    w.kit.arena, "%s", "no signature of this document at all");
	ck_assert_int_eq(
	    ask(&w.kit, w.cache, &e, &w.ctx), ERR_EVIDENCE_SIGNATURE);
	/* The same bytes, cut elsewhere. */
	e = w.evidence;
	e.document.n--;
	ck_assert_int_ne(ask(&w.kit, w.cache, &e, &w.ctx), ERR_NONE);
	e = w.evidence;
	e.kind = STR("ec2-signature");
	ck_assert_int_eq(ask(&w.kit, w.cache, &e, &w.ctx), ERR_EVIDENCE_KIND);
	warm_fini(&w);
}
END_TEST

START_TEST(a_refusal_is_not_remembered)
{
	struct warm w;
	struct attest_context early;
	struct attest_evidence e;

	warm_init(&w);
	early = w.ctx;
	early.now_unix_s -= 7200;
	e = kit_sign(&w.kit, kit_document(&w.kit, "i-1", "i-2"));
	ck_assert_int_eq(
	    ask(&w.kit, w.cache, &e, &early), ERR_EVIDENCE_NOT_YET_VALID);
	ck_assert_int_eq(ask(&w.kit, w.cache, &e, &w.ctx), ERR_NONE);
	warm_fini(&w);
}
END_TEST

/* After a reload without the key; and with the key for another issuer. */
START_TEST(another_trust_begins_anew)
{
	struct warm w;
	struct attest_trust *next = attest_trust_new();
	struct attest_trust_entry entry = { .kind = STR("avow"),
		.issuer = STR("acme") };
	struct attest_context ctx;
	struct error err = { 0 };

	warm_init(&w);
	ctx = w.ctx;
	ctx.trust = next;
	ck_assert_int_eq(
	    ask(&w.kit, w.cache, &w.evidence, &ctx), ERR_EVIDENCE_KIND);
	entry.keys = kit_key("next", KEY_P256);
	ck_assert(attest_trust_add(next, &entry, &err));
	ck_assert_int_eq(
	    ask(&w.kit, w.cache, &w.evidence, &ctx), ERR_EVIDENCE_KEY);
	entry.keys = w.kit.folder;
	entry.issuer = STR("bolt");
	entry.prefix = STR("bolt/");
	ck_assert(attest_trust_add(next, &entry, &err));
	ck_assert_int_eq(
	    ask(&w.kit, w.cache, &w.evidence, &ctx), ERR_EVIDENCE_ISSUER);
	attest_trust_free(next);
	warm_fini(&w);
}
END_TEST

/* The trust that filled the cache is gone; an equal one takes its place. */
START_TEST(nothing_dangles_after_a_reload)
{
	struct warm w;
	struct attest_trust_entry entry = { .kind = STR("avow"),
		.issuer = STR("acme"),
		.audience_required = true };
	struct error err = { 0 };
	struct str before;

	warm_init(&w);
	before = str_dup(w.kit.arena, attest_trust_version(w.kit.trust));
	attest_trust_free(w.kit.trust);
	w.kit.trust = attest_trust_new();
	entry.keys = w.kit.folder;
	ck_assert(attest_trust_add(w.kit.trust, &entry, &err));
	ck_assert(str_eq(before, attest_trust_version(w.kit.trust)));
	w.ctx.trust = w.kit.trust;
	ck_assert_int_eq(ask(&w.kit, w.cache, &w.evidence, &w.ctx), ERR_NONE);
	warm_fini(&w);
}
END_TEST

/* More documents than one set of the table has room for: all keep verifying. */
START_TEST(a_full_cache_still_verifies)
{
	struct warm w;
	char subject[32];

	warm_init(&w);
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 300; i++) {
			struct attest_evidence e;

			snprintf(subject, sizeof subject, "i-%d", i);
			e = kit_sign(
			    &w.kit, kit_document(&w.kit, "i-1", subject));
			ck_assert_int_eq(
			    ask(&w.kit, w.cache, &e, &w.ctx), ERR_NONE);
		}
	warm_fini(&w);
}
END_TEST

/* ---- what is lent ----------------------------------------------------------
 */

static const struct claims *
lent(struct warm *w, struct arena *a, const struct attest_evidence *e)
{
	const struct claims *c = NULL;
	struct error err = { 0 };

	ck_assert_msg(attest_cache_verify(w->cache, a, e, &w->ctx, &c, &err),
	    "%s", err.msg);
	return c;
}

START_TEST(a_hit_lends_and_copies_nothing)
{
	struct warm w;
	struct arena *one = arena_new(0), *two = arena_new(0);
	const struct claims *c;

	warm_init(&w);
	c = lent(&w, one, &w.evidence);
	ck_assert_ptr_eq(c, lent(&w, two, &w.evidence));
	arena_free(one);
	/* The second asker's outlive the first and the cache. */
	attest_cache_free(w.cache);
	w.cache = NULL;
	ck_assert(str_eq(claims_subject(c), STR("i-1")));
	ck_assert(claims_has(c, STR("custom")));
	arena_free(two);
	warm_fini(&w);
}
END_TEST

/* The kit's document with so many tags. */
static struct str
document_with_tags(struct warm *w, int n)
{
	struct buf b = { 0 };
	struct str s;

	for (int i = 0; i < n; i++)
		buf_printf(&b, "%s\"a%d\":\"x\"", i ? "," : "", i);
	s = kit_document(
	    &w->kit, "\"team\":\"blue\"", str_dup(w->kit.arena, buf_str(&b)).p);
	buf_free(&b);
	return s;
}

START_TEST(what_is_too_large_is_verified_anew)
{
	struct warm w;
	struct attest_evidence e;

	warm_init(&w);
	e = kit_sign(&w.kit, document_with_tags(&w, 250));
	(void)lent(&w, w.kit.arena, &e); /* made in the asker's arena */
	ck_assert_ptr_eq(lent(&w, w.kit.arena, &e), lent(&w, w.kit.arena, &e));
	e = kit_sign(&w.kit, document_with_tags(&w, 900));
	(void)lent(&w, w.kit.arena, &e);
	ck_assert_ptr_ne(lent(&w, w.kit.arena, &e), lent(&w, w.kit.arena, &e));
	warm_fini(&w);
}
END_TEST

/* A shard is a byte of the digest, modulo 64; it has 4 MiB. */
static bool
is_of_first_shard(const struct warm *w, const struct attest_evidence *e)
{
	const struct str parts[] = { e->kind, e->document, e->signature,
		attest_trust_version(w->kit.trust) };
	uint8_t digest[32];

	ck_assert(digest_sha256_framed(parts, ARRAY_LEN(parts), digest));
	return digest[2] % 64 == 0;
}

/* ECDSA has as many signatures of a document as one likes. */
static struct attest_evidence
next_of_first_shard(struct warm *w, struct str document)
{
	struct attest_evidence e;

	do
		e = kit_sign(&w->kit, document);
	while (!is_of_first_shard(w, &e));
	return e;
}

START_TEST(the_oldest_make_room)
{
	struct warm w;
	struct str document;
	struct attest_evidence first, e;
	const struct claims *held, *last;

	warm_init(&w);
	document = document_with_tags(&w, 250);
	first = e = next_of_first_shard(&w, document);
	(void)lent(&w, w.kit.arena, &first);
	held = lent(&w, w.kit.arena, &first);
	ck_assert_ptr_eq(held, lent(&w, w.kit.arena, &first));
	for (int i = 0; i < 120; i++) {
		e = next_of_first_shard(&w, document);
		(void)lent(&w, w.kit.arena, &e);
	}
	last = lent(&w, w.kit.arena, &e);
	ck_assert_ptr_eq(last, lent(&w, w.kit.arena, &e));
	/* Gone from the cache, not from who holds it. */
	ck_assert_ptr_ne(held, lent(&w, w.kit.arena, &first));
	ck_assert(str_eq(claims_subject(held), STR("i-1")));
	warm_fini(&w);
}
END_TEST

/* ---- tokens ----------------------------------------------------------------
 */

struct warm_token {
	struct token_kit kit;
	struct attest_cache *cache;
	struct attest_trust *trust;
	struct attest_evidence evidence;
	struct attest_context ctx;
};

static void
warm_token_init(struct warm_token *w)
{
	struct attest_trust_entry entry = { .kind = STR("token"),
		.issuer = STR("https://sts.example") };
	struct buf jwks = { 0 };
	struct error err = { 0 };
	struct token t;

	token_kit_init(&w->kit, KEY_P256);
	ck_assert(token_ring_jwks(w->kit.ring, KIT_NOON, &jwks, &err));
	entry.keys = kit_file(w->kit.a, "cache.jwks", buf_str(&jwks));
	buf_free(&jwks);
	w->trust = attest_trust_new();
	ck_assert_msg(attest_trust_add(w->trust, &entry, &err), "%s", err.msg);
	w->cache = attest_cache_new();
	t = token_kit_token(&w->kit);
	ck_assert(attest_evidence_from_token(
	    token_kit_issue(&w->kit, &t), &w->evidence, &err));
	w->ctx = (struct attest_context){ .trust = w->trust,
		.now_unix_s = KIT_NOON,
		.audience = STR("updates"),
		.proven_jkt = t.jkt };
}

static enum err_code
ask_token(struct warm_token *w, const struct attest_context *ctx)
{
	const struct claims *c = NULL;
	struct error err = { 0 };
	bool ok = attest_cache_verify(
	    w->cache, w->kit.a, &w->evidence, ctx, &c, &err);

	ck_assert_int_eq(ok, c != NULL);
	return err.code;
}

static void
token_ends(struct attest_context *ctx)
{
	ctx->now_unix_s = KIT_NOON + 300;
}
static void
another_key(struct attest_context *ctx)
{
	ctx->proven_jkt = STR("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
}
static void
no_key(struct attest_context *ctx)
{
	ctx->proven_jkt = STR("");
}

/* `@`: the holder's key; `#`: the issuer's. */
static const struct {
	const char *note;
	void (*change)(struct attest_context *);
	const char *revoked;
	enum err_code want;
} token_hits[] = {
	{ "the same", NULL, NULL, ERR_NONE },
	{ "expired", token_ends, NULL, ERR_EVIDENCE_EXPIRED },
	{ "not yet valid", earlier, NULL, ERR_EVIDENCE_NOT_YET_VALID },
	{ "audience", elsewhere, NULL, ERR_EVIDENCE_AUDIENCE },
	{ "another proof", another_key, NULL, ERR_EVIDENCE_PROOF },
	{ "no proof", no_key, NULL, ERR_EVIDENCE_PROOF },
	{ "token", NULL, "token 00112233445566778899aabbccddeeff",
	    ERR_EVIDENCE_REVOKED },
	{ "account", NULL, "account i-1", ERR_EVIDENCE_REVOKED },
	{ "instance", NULL, "instance i-1", ERR_EVIDENCE_REVOKED },
	{ "holder's key", NULL, "key @", ERR_EVIDENCE_REVOKED },
	{ "issuer's key", NULL, "key #", ERR_EVIDENCE_REVOKED },
};

static struct attest_revoked *
revoked_of(struct warm_token *w, const char *line)
{
	size_t n = strlen(line);
	const char *key = line[n - 1] == '@'
			      ? w->kit.holder->public.thumbprint
			      : token_kit_signer(&w->kit)->public.thumbprint;

	if (line[n - 1] != '@' && line[n - 1] != '#')
		return kit_revoked(line);
	return kit_revoked(str_printf(w->kit.a, "key %s", key).p);
}

START_TEST(a_token_hit_is_checked_like_any_other)
{
	struct warm_token w = { 0 };
	struct attest_context now;
	struct attest_revoked *r = NULL;

	warm_token_init(&w);
	ck_assert_int_eq(ask_token(&w, &w.ctx), ERR_NONE);
	now = w.ctx;
	if (token_hits[_i].change)
		token_hits[_i].change(&now);
	if (token_hits[_i].revoked)
		now.revoked = r = revoked_of(&w, token_hits[_i].revoked);
	ck_assert_msg(ask_token(&w, &now) == token_hits[_i].want, "%s",
	    token_hits[_i].note);
	ck_assert_int_eq(ask_token(&w, &w.ctx), ERR_NONE);
	attest_revoked_free(r);
	attest_cache_free(w.cache);
	attest_trust_free(w.trust);
	token_kit_fini(&w.kit);
}
END_TEST

static void *
ask_often(void *arg)
{
	struct warm *w = arg;
	struct attest_context late = w->ctx;
	struct arena *a = arena_new(0);
	size_t wrong = 0;

	late.now_unix_s += 3600;
	for (int i = 0; i < 500; i++) {
		const struct claims *c = NULL;
		struct error err = { 0 };
		bool ok = attest_cache_verify(w->cache, a, &w->evidence,
		    i % 2 ? &late : &w->ctx, &c, &err);

		wrong += ok == (i % 2 == 1);
		arena_reset(a);
	}
	arena_free(a);
	return wrong ? arg : NULL;
}

START_TEST(threads_share_it)
{
	struct warm w;
	pthread_t threads[4];
	void *wrong;

	warm_init(&w);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		ck_assert_int_eq(
		    pthread_create(&threads[i], NULL, ask_often, &w), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		ck_assert_int_eq(pthread_join(threads[i], &wrong), 0);
		ck_assert_ptr_null(wrong);
	}
	warm_fini(&w);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("cache");
	TCase *tc = tcase_create("cache");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_hit_says_the_same);
	tcase_add_loop_test(
	    tc, a_hit_is_checked_like_any_other, 0, ARRAY_LEN(hits));
	tcase_add_test(tc, other_bytes_are_other_evidence);
	tcase_add_test(tc, a_refusal_is_not_remembered);
	tcase_add_test(tc, another_trust_begins_anew);
	tcase_add_test(tc, nothing_dangles_after_a_reload);
	tcase_add_test(tc, a_full_cache_still_verifies);
	tcase_add_test(tc, a_hit_lends_and_copies_nothing);
	tcase_add_test(tc, what_is_too_large_is_verified_anew);
	tcase_add_test(tc, the_oldest_make_room);
	tcase_add_loop_test(tc, a_token_hit_is_checked_like_any_other, 0,
	    ARRAY_LEN(token_hits));
	tcase_add_test(tc, threads_share_it);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
