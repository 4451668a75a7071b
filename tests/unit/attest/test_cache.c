/* The cache: it spares signatures, and nothing else. */
#include "attest/attest.h"

#include <pthread.h>
#include <stdio.h>

#include "base/limits.h"
#include "tests/lib/kit.h"
#include "tests/lib/run.h"

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
	tcase_add_test(tc, threads_share_it);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
