/* Documents that are shown together: what they say together, and every way in
 * which they must not (A9). */
#include "attest/merge.h"

#include "attest/attest.h"
#include "base/base64.h"
#include "base/limits.h"
#include "tests/lib/kit.h"
#include "tests/lib/run.h"

static struct kit k;
static struct error err;

static void
setup(void)
{
	err = (struct error){ 0 };
	kit_init(&k, KEY_ED25519);
}

static void
teardown(void)
{
	kit_fini(&k);
}

/* A document as a row of a test has it; NULL: the usual. */
struct made {
	const char *claims;
	const char *subject;        /* `i-1` */
	const char *members[3];     /* none: an instance's */
	const char *jkt, *audience; /* none; `updates` */
	int64_t issued, lives;      /* after noon; an hour */
	char id; /* its digit, 32 times; the place in the row */
};

static void
add_pack(struct buf *out, const struct made *m, size_t i)
{
	struct str audience = str_of(m->audience ? m->audience : "updates");
	struct str members[3];
	char id[33];
	struct attest_issue what = { .issuer = STR("acme"),
		.subject = str_of(m->subject ? m->subject : "i-1"),
		.audience = &audience,
		.n_audience = 1,
		.issued_at = KIT_NOON + m->issued,
		.not_before = KIT_NOON + m->issued,
		.expires_at = KIT_NOON + (m->lives ? m->lives : 3600),
		.cnf_jkt = str_of(m->jkt),
		.members = members };
	struct buf document = { 0 }, signature = { 0 };
	struct attest_evidence e = { .kind = STR("avow") };
	json_t *claims;

	memset(id, m->id ? m->id : (int)('1' + i), 32);
	id[32] = '\0';
	what.id = str_of(id);
	for (; what.n_members < 3 && m->members[what.n_members];
	     what.n_members++)
		members[what.n_members] = str_of(m->members[what.n_members]);
	ck_assert_msg(json_parse(str_of(m->claims), NULL, 4096, 8, JSON_NO_NUL,
			  &claims, &err),
	    "%s", err.msg);
	what.claims = claims;
	ck_assert_msg(attest_issue(k.key, &what, &document, &signature, &err),
	    "%s", err.msg);
	e.document = buf_str(&document);
	e.signature = buf_str(&signature);
	if (i > 0)
		buf_byte(out, '~');
	ck_assert_msg(attest_evidence_pack(&e, out, &err), "%s", err.msg);
	json_decref(claims);
	buf_free(&document);
	buf_free(&signature);
}

/* All of a row that have claims, as one text. */
static struct str
together(const struct made *all, size_t n)
{
	struct buf out = { 0 };
	struct str text;

	for (size_t i = 0; i < n && all[i].claims; i++)
		add_pack(&out, &all[i], i);
	text = str_dup(k.arena, buf_str(&out));
	ck_assert(text.p);
	buf_free(&out);
	return text;
}

static enum err_code
judge_by(struct str text, const struct attest_context *ctx,
    const struct claims **ret)
{
	struct attest_evidence e;

	*ret = NULL;
	err = (struct error){ 0 };
	if (attest_evidence_from_pack(k.arena, text, &e, &err) &&
	    attest_verify(k.arena, &e, ctx, ret, &err)) {
		ck_assert(*ret);
		return ERR_NONE;
	}
	ck_assert(!*ret && err.code != ERR_NONE);
	return err.code;
}

static enum err_code
judge(struct str text, const struct claims **ret)
{
	struct attest_context ctx = kit_context(&k);

	return judge_by(text, &ctx, ret);
}

#define JKT "0123456789012345678901234567890123456789ABC"

#define D(c)                                                                   \
	{                                                                      \
		.claims = (c)                                                  \
	}
/* With more than claims. */
#define M(c, ...)                                                              \
	{                                                                      \
		.claims = (c), __VA_ARGS__                                     \
	}
#define OF(c, who)                                                             \
	{                                                                      \
		.claims = (c), .subject = (who)                                \
	}
#define GROUP(c, who, ...)                                                     \
	{                                                                      \
		.claims = (c), .subject = (who), .members = { __VA_ARGS__ }    \
	}

static const struct {
	const char *note;
	struct made all[3];
	enum err_code want;
	const char *says; /* in the message */
} rows[] = {
	{ "one alone", { D("{\"region\":\"north\"}") }, ERR_NONE, NULL },
	{ "two of one instance",
	    { D("{\"region\":\"north\"}"), D("{\"imageId\":\"img-1\"}") },
	    ERR_NONE, NULL },
	{ "the same said twice",
	    { D("{\"region\":\"north\",\"licences\":[\"a\"]}"),
		D("{\"region\":\"north\",\"licences\":[\"a\"]}") },
	    ERR_NONE, NULL },
	{ "one of them is another instance's", { D("{}"), OF("{}", "i-2") },
	    ERR_EVIDENCE_AMBIGUOUS, "different instances" },
	{ "the same document twice", { M("{}", .id = '7'), M("{}", .id = '7') },
	    ERR_EVIDENCE_AMBIGUOUS, "twice" },
	{ "two regions",
	    { D("{\"region\":\"north\"}"), D("{\"region\":\"south\"}") },
	    ERR_EVIDENCE_AMBIGUOUS, "`region`" },
	{ "two addresses",
	    { D("{\"privateIp\":\"10.0.0.1\"}"),
		D("{\"privateIp\":\"10.0.0.2\"}") },
	    ERR_EVIDENCE_AMBIGUOUS, "`privateIp`" },
	{ "two versions",
	    { D("{\"os\":{\"name\":\"debian\",\"version\":\"11\"}}"),
		D("{\"os\":{\"version\":\"12\"}}") },
	    ERR_EVIDENCE_AMBIGUOUS, "`os.version`" },
	{ "a longer list of licences",
	    { D("{\"licences\":[\"a\"]}"), D("{\"licences\":[\"a\",\"b\"]}") },
	    ERR_EVIDENCE_AMBIGUOUS, "`licences`" },
	{ "an empty list of licences",
	    { D("{\"licences\":[]}"), D("{\"licences\":[\"a\"]}") },
	    ERR_EVIDENCE_AMBIGUOUS, "`licences`" },
	{ "two versions of an application",
	    { D("{\"applications\":{\"nginx\":\"1\"}}"),
		D("{\"applications\":{\"nginx\":\"2\"}}") },
	    ERR_EVIDENCE_AMBIGUOUS, "`applications`" },
	{ "two values of a field",
	    { D("{\"custom\":{\"a\":\"1\"}}"),
		D("{\"custom\":{\"b\":\"1\",\"a\":\"2\"}}") },
	    ERR_EVIDENCE_AMBIGUOUS, "`custom`" },
	{ "a contradiction with the third",
	    { D("{\"zone\":\"a\"}"), D("{\"region\":\"north\"}"),
		D("{\"zone\":\"b\"}") },
	    ERR_EVIDENCE_AMBIGUOUS, "`zone`" },
	{ "one has expired", { D("{}"), M("{}", .issued = -7200, .lives = -1) },
	    ERR_EVIDENCE_EXPIRED, NULL },
	{ "one is for another gate",
	    { D("{}"), M("{}", .audience = "elsewhere") },
	    ERR_EVIDENCE_AUDIENCE, NULL },
	{ "one is bound to a key that was not proven",
	    { D("{}"), M("{}", .jkt = JKT) }, ERR_EVIDENCE_PROOF, NULL },
	{ "a group with its member",
	    { D("{\"region\":\"north\"}"),
		GROUP("{\"custom\":{\"tier\":\"1\"}}", "front", "i-2", "i-1") },
	    ERR_NONE, NULL },
	{ "the member after its groups",
	    { GROUP("{\"custom\":{\"a\":\"1\"}}", "one", "i-1"),
		GROUP("{\"custom\":{\"b\":\"1\"}}", "two", "i-1"),
		D("{\"region\":\"north\"}") },
	    ERR_NONE, NULL },
	{ "a group alone", { GROUP("{}", "front", "i-1") },
	    ERR_EVIDENCE_INSTANCE, "group" },
	{ "groups alone",
	    { GROUP("{}", "front", "i-1"), GROUP("{}", "back", "i-1") },
	    ERR_EVIDENCE_INSTANCE, "groups" },
	{ "a group of others", { D("{}"), GROUP("{}", "front", "i-2", "i-3") },
	    ERR_EVIDENCE_INSTANCE, "member" },
	{ "a group whose name is the instance's",
	    { D("{}"), GROUP("{}", "i-1", "i-2") }, ERR_EVIDENCE_INSTANCE,
	    "member" },
	{ "a member whose id another's begins",
	    { D("{}"), GROUP("{}", "front", "i-11") }, ERR_EVIDENCE_INSTANCE,
	    "member" },
	{ "a group that contradicts its member",
	    { D("{\"owner\":\"a\"}"),
		GROUP("{\"owner\":\"b\"}", "front", "i-1") },
	    ERR_EVIDENCE_AMBIGUOUS, "`owner`" },
};

START_TEST(what_may_be_shown_together)
{
	const struct claims *c;
	enum err_code got = judge(together(rows[_i].all, 3), &c);

	ck_assert_msg(got == rows[_i].want, "%s: got `%s`, want `%s`: %s",
	    rows[_i].note, error_id(got), error_id(rows[_i].want), err.msg);
	ck_assert_msg(!rows[_i].says || strstr(err.msg, rows[_i].says),
	    "%s: %s", rows[_i].note, err.msg);
}
END_TEST

START_TEST(the_claims_are_theirs_together)
{
	const struct made all[] = {
		M("{\"custom\":{\"tier\":\"1\"}}", .subject = "front",
		    .members = { "i-2", "i-1" }, .issued = -50, .lives = 900),
		M("{\"region\":\"north\",\"os\":{\"name\":\"debian\"},"
		  "\"custom\":{\"team\":\"blue\"}}",
		    .issued = 20),
		M("{\"os\":{\"version\":\"12\"},\"licences\":[\"a\"]}",
		    .jkt = JKT, .lives = 1800),
	};
	struct attest_context ctx = kit_context(&k);
	const struct claims_document *others;
	size_t n_others;
	const struct claims *c;
	struct buf text = { 0 };
	json_t *json;
	int64_t at;

	ctx.proven_jkt = STR(JKT);
	ck_assert_int_eq(
	    judge_by(together(all, ARRAY_LEN(all)), &ctx, &c), ERR_NONE);
	ck_str_is(claims_principal(c).id, "i-1");
	ck_str_is(claims_document_id(c), "22222222222222222222222222222222");
	others = claims_others(c, &n_others);
	ck_assert_uint_eq(n_others, 2);
	ck_str_is(others[0].id, "11111111111111111111111111111111");
	ck_str_is(others[1].id, "33333333333333333333333333333333");
	ck_assert(str_eq(others[0].key_id, claims_key_id(c)));
	ck_assert(claims_has_cnf(c));
	ck_assert(claims_issued_at(c, &at) && at == KIT_NOON - 50);
	ck_assert(claims_expires_at(c, &at) && at == KIT_NOON + 900);
	json = claims_to_json(c);
	ck_assert(json && json_write(&text, json));
	json_decref(json);
	ck_assert_msg(str_eq(buf_str(&text),
			  STR("{\"region\":\"north\",\"os\":{\"name\":"
			      "\"debian\",\"version\":\"12\"},\"licences\":"
			      "[\"a\"],\"custom\":{\"team\":\"blue\","
			      "\"tier\":\"1\"}}")),
	    "%.*s", STR_ARG(buf_str(&text)));
	buf_free(&text);
}
END_TEST

/* Who has a copy of a member's document and a key of the group's has no proof
 * of being the member. */
START_TEST(a_group_s_key_is_no_member_s)
{
	const struct made all[] = { D("{}"),
		M("{}", .subject = "front", .members = { "i-1" }, .jkt = JKT) };
	struct attest_context ctx = kit_context(&k);
	const struct claims *c;

	ctx.proven_jkt = STR(JKT);
	ck_assert_int_eq(judge_by(together(all, 2), &ctx, &c), ERR_NONE);
	ck_assert(!claims_has_cnf(c));
}
END_TEST

START_TEST(any_of_them_may_be_revoked)
{
	const struct made all[] = { D("{}"), GROUP("{}", "front", "i-1") };
	struct attest_context ctx = kit_context(&k);
	struct str text = together(all, 2);
	const struct claims *c;
	struct attest_revoked *list =
	    kit_revoked("document 22222222222222222222222222222222\n");

	ctx.revoked = list;
	ck_assert_int_eq(judge_by(text, &ctx, &c), ERR_EVIDENCE_REVOKED);
	attest_revoked_free(list);
	list = attest_revoked_new(0);
	ck_assert(attest_revoked_add(list, ATTEST_SUPERSEDED,
	    STR("11111111111111111111111111111111"), &err));
	attest_revoked_ready(list);
	ctx.revoked = list;
	ck_assert_int_eq(judge_by(text, &ctx, &c), ERR_EVIDENCE_SUPERSEDED);
	attest_revoked_free(list);
}
END_TEST

/* Nobody names by hand what a newer document replaces. */
START_TEST(superseded_is_the_service_s_own)
{
	enum attest_revocable kind;

	ck_assert(!attest_revocable_of(STR(ATTEST_SUPERSEDED_NAME), &kind));
}
END_TEST

/* Each of them is checked again though a cache knows the text. */
START_TEST(a_hit_checks_each)
{
	const struct made all[] = { D("{}"), D("{}") };
	struct attest_context ctx = kit_context(&k);
	struct attest_cache *cache = attest_cache_new();
	struct attest_evidence e;
	const struct claims *c;

	ck_assert(
	    attest_evidence_from_pack(k.arena, together(all, 2), &e, &err));
	for (int i = 0; i < 3; i++)
		ck_assert(
		    attest_cache_verify(cache, k.arena, &e, &ctx, &c, &err));
	ctx.now_unix_s += 3600;
	ck_assert(!attest_cache_verify(cache, k.arena, &e, &ctx, &c, &err));
	ck_assert_int_eq(err.code, ERR_EVIDENCE_EXPIRED);
	ctx.now_unix_s -= 3600;
	for (int i = 0; i < 2; i++) {
		err = (struct error){ 0 };
		ctx.revoked = kit_revoked(
		    i ? "document 22222222222222222222222222222222"
		      : "document 11111111111111111111111111111111");
		ck_assert(
		    !attest_cache_verify(cache, k.arena, &e, &ctx, &c, &err));
		ck_assert_int_eq(err.code, ERR_EVIDENCE_REVOKED);
		attest_revoked_free(
		    (struct attest_revoked *)(uintptr_t)ctx.revoked);
	}
	attest_cache_free(cache);
}
END_TEST

static const struct {
	const char *note, *before, *between, *after;
	enum err_code want;
} texts[] = {
	{ "nothing before", "~", "~", "", ERR_EVIDENCE_MALFORMED },
	{ "nothing after", "", "~", "~", ERR_EVIDENCE_MALFORMED },
	{ "nothing between", "", "~~", "", ERR_EVIDENCE_MALFORMED },
	{ "a space", "", "~ ", "", ERR_EVIDENCE_MALFORMED },
	{ "a comma", "", ",", "", ERR_EVIDENCE_MALFORMED },
	{ "packs in a pack", "", "~avow1.packs.AAAA.AAAA~", "",
	    ERR_EVIDENCE_MALFORMED },
	{ "a token among them", "", "~avow1.token.AAAA.~", "",
	    ERR_EVIDENCE_MALFORMED },
};

START_TEST(texts_that_are_no_packs)
{
	const struct made all[] = { D("{}") };
	struct str one = together(all, 1);
	const struct claims *c;
	struct str text =
	    str_printf(k.arena, "%s%.*s%s%.*s%s", texts[_i].before,
		STR_ARG(one), texts[_i].between, STR_ARG(one), texts[_i].after);
	enum err_code got = judge(text, &c);

	ck_assert_msg(got == texts[_i].want, "%s: got `%s`", texts[_i].note,
	    error_id(got));
}
END_TEST

/* The name is ours: who writes it into a pack gets no second reading of it. */
START_TEST(a_pack_of_packs)
{
	const struct made all[] = { D("{}"), D("{}") };
	struct attest_evidence e;
	const struct claims *c;
	struct buf text = { 0 };

	ck_assert(
	    attest_evidence_from_pack(k.arena, together(all, 2), &e, &err));
	ck_str_is(e.kind, "packs");
	/* Written again it is the same text. */
	ck_assert(attest_evidence_pack(&e, &text, &err));
	ck_assert(str_eq(buf_str(&text), e.document));
	text.n = 0;
	buf_addz(&text, "avow1.packs.");
	base64_encode(&text, BASE64_URL, e.document);
	buf_byte(&text, '.');
	ck_assert_int_eq(judge(buf_str(&text), &c), ERR_EVIDENCE_MALFORMED);
	buf_free(&text);
}
END_TEST

START_TEST(too_many_and_too_large)
{
	struct made all[LIMIT_PACKS + 1], large[2];
	char claims[3000];
	const struct claims *c;

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		all[i] = (struct made){ .claims = "{}" };
	ck_assert_int_eq(judge(together(all, LIMIT_PACKS), &c), ERR_NONE);
	ck_assert_int_eq(
	    judge(together(all, LIMIT_PACKS + 1), &c), ERR_EVIDENCE_TOO_LARGE);
	snprintf(claims, sizeof claims,
	    "{\"custom\":{\"a\":\"%0900d\",\"b\":\"%0900d\"}}", 0, 0);
	large[0] = large[1] = (struct made){ .claims = claims };
	ck_assert_int_eq(judge(together(large, 1), &c), ERR_NONE);
	ck_assert_int_eq(judge(together(large, 2), &c), ERR_EVIDENCE_TOO_LARGE);
}
END_TEST

/* Any bit of any of them. */
START_TEST(one_bit_is_enough)
{
	const struct made all[] = { D("{\"region\":\"north\"}"),
		GROUP("{}", "front", "i-1") };
	struct str text = together(all, 2);
	char *bytes = arena_alloc(k.arena, text.n);
	const struct claims *c;

	memcpy(bytes, text.p, text.n);
	for (size_t i = 0; i < text.n; i += 3) {
		bytes[i] ^= 1;
		ck_assert_msg(
		    judge((struct str){ bytes, text.n }, &c) != ERR_NONE,
		    "byte %zu", i);
		bytes[i] ^= 1;
	}
	ck_assert_int_eq(judge((struct str){ bytes, text.n }, &c), ERR_NONE);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("merge");
	TCase *tc = tcase_create("merge");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(
	    tc, what_may_be_shown_together, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, the_claims_are_theirs_together);
	tcase_add_test(tc, a_group_s_key_is_no_member_s);
	tcase_add_test(tc, any_of_them_may_be_revoked);
	tcase_add_test(tc, superseded_is_the_service_s_own);
	tcase_add_test(tc, a_hit_checks_each);
	tcase_add_loop_test(
	    tc, texts_that_are_no_packs, 0, (int)ARRAY_LEN(texts));
	tcase_add_test(tc, a_pack_of_packs);
	tcase_add_test(tc, too_many_and_too_large);
	tcase_add_test(tc, one_bit_is_enough);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
