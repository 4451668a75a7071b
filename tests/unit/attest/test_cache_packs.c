/* Packs that are shown together, and the cache: each is verified once, and
 * nothing is spared that is asked at every use (A9). Whether one was verified
 * is seen by the document service's being asked of it (`current: service`),
 * which a use from the cache is not. */
#include "attest/attest.h"
#include "base/limits.h"
#include "tests/lib/kit.h"
#include "tests/lib/run.h"

#define JKT "0123456789012345678901234567890123456789ABC"

#define SUPERSEDED "superseded " /* a line that no file has */

static struct kit k;
static struct attest_trust *trust;
static struct attest_cache *cache;
static struct attest_context ctx;
static unsigned n_verified;

static bool
was_issued(
    void *arg, struct str id, const uint8_t digest[32], struct error *reterr)
{
	(void)arg;
	(void)digest;
	(void)reterr;
	ck_assert_uint_eq(id.n, 32);
	n_verified++;
	return true;
}

static struct attest_trust *
trust_of(const char *prefix)
{
	const struct attest_trust_entry entry = { .kind = STR("avow"),
		.keys = k.folder,
		.issuer = STR("acme"),
		.prefix = str_of(prefix),
		.is_current = true };
	struct attest_trust *t = attest_trust_new();
	struct error err = { 0 };

	ck_assert_ptr_nonnull(t);
	ck_assert_msg(attest_trust_add(t, &entry, &err), "%s", err.msg);
	return t;
}

static void
setup(void)
{
	kit_init(&k, KEY_ED25519);
	trust = trust_of("");
	cache = attest_cache_new();
	ck_assert_ptr_nonnull(cache);
	ctx = kit_context(&k);
	ctx.trust = trust;
	ctx.check_issued = was_issued;
	ctx.proven_jkt = STR(JKT);
	n_verified = 0;
}

static void
teardown(void)
{
	attest_cache_free(cache);
	attest_trust_free(trust);
	kit_fini(&k);
}

/* The documents that tests put together, by a letter. */
static const struct made {
	char id; /* 32 times */
	const char *claims, *jkt, *member;
	int64_t lives;
} documents[] = {
	/* What most are shown with. */
	{ 'a', "{\"region\":\"north\"}", NULL, NULL, 3600 },
	{ 'b', "{\"os\":{\"name\":\"debian\"}}", NULL, NULL, 3600 },
	{ 'c', "{\"region\":\"south\"}", NULL, NULL, 3600 },
	{ 'd', "{\"zone\":\"north-1\"}", NULL, NULL, 600 },
	{ 'e', "{}", JKT, NULL, 3600 },
	{ 'f', "{\"custom\":{\"tier\":\"1\"}}", NULL, "i-1", 3600 },
};

static void
add_pack(struct buf *out, const struct made *m)
{
	struct str audience = STR("updates"), member = str_of(m->member);
	char id[33];
	struct attest_issue what = { .issuer = STR("acme"),
		.subject = m->member ? STR("front") : STR("i-1"),
		.audience = &audience,
		.n_audience = 1,
		.issued_at = KIT_NOON,
		.not_before = KIT_NOON,
		.expires_at = KIT_NOON + m->lives,
		.cnf_jkt = str_of(m->jkt),
		.members = &member,
		.n_members = m->member ? 1 : 0 };
	struct buf document = { 0 }, signature = { 0 };
	struct attest_evidence e = { .kind = STR("avow") };
	struct error err = { 0 };
	json_t *claims;

	memset(id, m->id, 32);
	id[32] = '\0';
	what.id = str_of(id);
	ck_assert(json_parse(
	    str_of(m->claims), NULL, 4096, 8, JSON_NO_NUL, &claims, &err));
	what.claims = claims;
	ck_assert_msg(attest_issue(k.key, &what, &document, &signature, &err),
	    "%s", err.msg);
	e.document = buf_str(&document);
	e.signature = buf_str(&signature);
	ck_assert_msg(attest_evidence_pack(&e, out, &err), "%s", err.msg);
	json_decref(claims);
	buf_free(&document);
	buf_free(&signature);
}

/* Those that `letters` name, in that order. Ed25519 signs alike each time, so
 * one document has one text. */
static struct str
together(const char *letters)
{
	struct buf out = { 0 };
	struct str text;

	for (const char *p = letters; *p; p++) {
		if (p > letters)
			buf_byte(&out, '~');
		add_pack(&out, &documents[*p - 'a']);
	}
	text = str_dup(k.arena, buf_str(&out));
	ck_assert(text.p);
	buf_free(&out);
	return text;
}

static enum err_code
show(const char *letters, const struct attest_context *now,
    const struct claims **ret)
{
	const struct claims *claims = NULL;
	struct attest_evidence e;
	struct error err = { 0 };
	bool ok;

	ck_assert_msg(
	    attest_evidence_from_pack(k.arena, together(letters), &e, &err),
	    "%s", err.msg);
	ok = attest_cache_verify(cache, k.arena, &e, now, &claims, &err);
	ck_assert_int_eq(ok, claims != NULL);
	ck_assert_int_eq(ok, err.code == ERR_NONE);
	if (ret)
		*ret = claims;
	return err.code;
}

START_TEST(each_is_verified_once)
{
	ck_assert_int_eq(show("ab", &ctx, NULL), ERR_NONE);
	ck_assert_uint_eq(n_verified, 2);
	ck_assert_int_eq(show("ab", &ctx, NULL), ERR_NONE); /* the whole */
	ck_assert_uint_eq(n_verified, 2);
	ck_assert_int_eq(show("ad", &ctx, NULL), ERR_NONE);
	ck_assert_uint_eq(n_verified, 3);
	ck_assert_int_eq(show("fdba", &ctx, NULL), ERR_NONE);
	ck_assert_uint_eq(n_verified, 4);
	ck_assert_int_eq(show("adbf", &ctx, NULL), ERR_NONE);
	ck_assert_uint_eq(n_verified, 4);
}
END_TEST

static struct str
seen(const struct claims *c)
{
	const struct entity *e = claims_entity(c);
	struct buf b = { 0 };
	size_t n_others;
	const struct claims_document *others = claims_others(c, &n_others);
	struct str text;

	value_print_uid(&b, e->uid);
	value_print(&b, &e->attrs);
	value_print(&b, &e->tags);
	for (size_t i = 0; i < n_others; i++) {
		buf_add(&b, others[i].id);
		buf_add(&b, others[i].key_id);
	}
	text = str_dup(k.arena, buf_str(&b));
	buf_free(&b);
	ck_assert(text.p);
	return text;
}

/* From its parts, from the whole, and without a cache. */
START_TEST(they_say_the_same)
{
	const struct claims *fresh, *parts, *whole;
	struct attest_evidence e;
	struct error err = { 0 };

	ck_assert(
	    attest_evidence_from_pack(k.arena, together("fabe"), &e, &err));
	ck_assert_msg(
	    attest_verify(k.arena, &e, &ctx, &fresh, &err), "%s", err.msg);
	ck_assert_int_eq(show("aefb", &ctx, NULL), ERR_NONE);
	n_verified = 0;
	ck_assert_int_eq(show("fabe", &ctx, &parts), ERR_NONE);
	ck_assert_int_eq(show("fabe", &ctx, &whole), ERR_NONE);
	ck_assert_uint_eq(n_verified, 0);
	ck_assert(str_eq(seen(fresh), seen(parts)));
	ck_assert(str_eq(seen(fresh), seen(whole)));
	ck_assert(claims_has_cnf(parts) && claims_has_cnf(whole));
	/* Lent until the asker's arena ends, whatever becomes of the cache. */
	attest_cache_free(cache);
	cache = NULL;
	ck_assert(str_eq(seen(fresh), seen(parts)));
}
END_TEST

/* What is asked at every use, of a part that is known: shown with others than
 * before, so that the whole is not. */
static const struct {
	const char *note, *before, *now;
	int64_t later;
	const char *revoked, *audience;
	bool is_unproven;
	enum err_code want;
} uses[] = {
	{ "nothing wrong", "ab", "abd", 0, NULL, NULL, false, ERR_NONE },
	{ "expired", "adb", "ad", 600, NULL, NULL, false,
	    ERR_EVIDENCE_EXPIRED },
	{ "not yet valid", "adb", "ad", -3600, NULL, NULL, false,
	    ERR_EVIDENCE_NOT_YET_VALID },
	{ "another audience", "adb", "ad", 0, NULL, "web", false,
	    ERR_EVIDENCE_AUDIENCE },
	{ "no proof", "abe", "ae", 0, NULL, NULL, true, ERR_EVIDENCE_PROOF },
	{ "the second is revoked", "abd", "ad", 0,
	    "document dddddddddddddddddddddddddddddddd", NULL, false,
	    ERR_EVIDENCE_REVOKED },
	{ "the second is superseded", "abd", "ad", 0,
	    SUPERSEDED "dddddddddddddddddddddddddddddddd", NULL, false,
	    ERR_EVIDENCE_SUPERSEDED },
	{ "the instance is revoked", "abd", "ad", 0, "instance i-1", NULL,
	    false, ERR_EVIDENCE_REVOKED },
	{ "the group's document is revoked", "afb", "af", 0,
	    "document ffffffffffffffffffffffffffffffff", NULL, false,
	    ERR_EVIDENCE_REVOKED },
	{ "the holder's key is revoked", "abe", "ae", 0, "key " JKT, NULL,
	    false, ERR_EVIDENCE_REVOKED },
	/* And what they are together. */
	{ "a contradiction", "cd", "cdb", 0, NULL, NULL, false, ERR_NONE },
	{ "a contradiction of known parts", "cd", "ac", 0, NULL, NULL, false,
	    ERR_EVIDENCE_AMBIGUOUS },
	{ "one twice", "ab", "aab", 0, NULL, NULL, false,
	    ERR_EVIDENCE_AMBIGUOUS },
	{ "a group's document alone", "af", "f", 0, NULL, NULL, false,
	    ERR_EVIDENCE_INSTANCE },
	{ "a group's document twice", "af", "ff", 0, NULL, NULL, false,
	    ERR_EVIDENCE_INSTANCE },
};

static struct attest_revoked *
revoked(const char *line)
{
	struct str s = str_of(line), word = STR(SUPERSEDED);
	struct attest_revoked *list;

	if (!str_has_prefix(s, word))
		return kit_revoked(line);
	list = attest_revoked_new(0);
	ck_assert(list && attest_revoked_add(list, ATTEST_SUPERSEDED,
			      str_sub(s, word.n, s.n), NULL));
	attest_revoked_ready(list);
	return list;
}

START_TEST(a_part_is_checked_like_any_other)
{
	struct attest_context now = ctx;
	struct attest_revoked *list = NULL;
	enum err_code got;

	ck_assert_int_eq(show("ab", &ctx, NULL), ERR_NONE);
	ck_assert_int_eq(show(uses[_i].before, &ctx, NULL), ERR_NONE);
	now.now_unix_s += uses[_i].later;
	if (uses[_i].audience)
		now.audience = str_of(uses[_i].audience);
	if (uses[_i].is_unproven)
		now.proven_jkt = STR("");
	if (uses[_i].revoked)
		now.revoked = list = revoked(uses[_i].revoked);
	got = show(uses[_i].now, &now, NULL);
	ck_assert_msg(
	    got == uses[_i].want, "%s: got `%s`", uses[_i].note, error_id(got));
	/* Nothing of it is remembered. */
	ck_assert_int_eq(show("ab", &ctx, NULL), ERR_NONE);
	attest_revoked_free(list);
}
END_TEST

START_TEST(another_trust_knows_no_part)
{
	struct attest_trust *other = trust_of("x/");
	struct attest_context now = ctx;
	const struct claims *c;

	ck_assert_int_eq(show("ab", &ctx, NULL), ERR_NONE);
	ck_assert_uint_eq(n_verified, 2);
	now.trust = other;
	ck_assert_int_eq(show("ad", &now, &c), ERR_NONE);
	ck_assert_uint_eq(n_verified, 4);
	ck_str_is(claims_principal(c).id, "x/i-1");
	attest_trust_free(other);
}
END_TEST

/* A bit of one that is known: it is another document. */
START_TEST(a_known_part_with_a_bit_changed)
{
	struct str text;
	struct attest_evidence e;
	const struct claims *c = NULL;
	struct error err = { 0 };
	char *copy;

	ck_assert_int_eq(show("ab", &ctx, NULL), ERR_NONE);
	text = together("ba");
	copy = (char *)(uintptr_t)text.p;
	/* The last letter but one of a signature has no idle bits. */
	copy[text.n - 2] = copy[text.n - 2] == 'A' ? 'B' : 'A';
	ck_assert(attest_evidence_from_pack(k.arena, text, &e, &err));
	ck_assert(!attest_cache_verify(cache, k.arena, &e, &ctx, &c, &err));
	ck_assert_int_eq(err.code, ERR_EVIDENCE_SIGNATURE);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("cache of packs");
	TCase *tc = tcase_create("cache of packs");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, each_is_verified_once);
	tcase_add_test(tc, they_say_the_same);
	tcase_add_loop_test(
	    tc, a_part_is_checked_like_any_other, 0, ARRAY_LEN(uses));
	tcase_add_test(tc, another_trust_knows_no_part);
	tcase_add_test(tc, a_known_part_with_a_bit_changed);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
