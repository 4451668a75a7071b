/* What a signer signs: messages of its purpose by its rules, and no others. */
#include "attest/signer.h"

#include <stdio.h>

#include "attest/cms_own.h"
#include "attest/form.h"
#include "attest/jcs.h"
#include "attest/sig.h"
#include "policy/policy.h"
#include "tests/lib/kit.h"
#include "tests/lib/run.h"
#include "tests/unit/attest/token_kit.h"

static struct signer_rules
rules_for(enum signer_purpose purpose)
{
	return (struct signer_rules){ .purpose = purpose,
		.issuer = STR("acme"),
		.lifetime_most_s = 3600 };
}

/* The code of the answer; the signature, when there is one, in `a`. */
static enum err_code
asked(const struct attest_key *key, const struct signer_rules *rules,
    struct str line, struct arena *a, struct str *ret_signature)
{
	struct signer_done done;
	struct buf out = { 0 };
	json_t *answer = NULL;

	signer_answer(key, rules, line, KIT_NOON, &out, &done);
	ck_assert_uint_gt(out.n, 1);
	ck_assert_int_eq(out.p[out.n - 1], '\n');
	ck_assert(json_parse((struct str){ out.p, out.n - 1 }, NULL, 1 << 16, 9,
	    JSON_NO_NUL, &answer, NULL));
	ck_assert_int_eq(
	    done.code == ERR_NONE, json_object_get(answer, "code") == NULL);
	if (ret_signature)
		*ret_signature = STR("");
	if (ret_signature && json_object_get(answer, "signature"))
		ck_assert(base64_decode(a, BASE64_URL,
		    json_str(json_object_get(answer, "signature")),
		    ret_signature));
	json_decref(answer);
	buf_free(&out);
	return done.code;
}

static enum err_code
asked_to_sign(const struct attest_key *key, const struct signer_rules *rules,
    const char *member, struct str bytes, struct arena *a, struct str *ret)
{
	struct buf line = { 0 };
	enum err_code code;

	buf_printf(&line, "{\"op\":\"sign\",\"%s\":\"", member);
	base64_encode(&line, BASE64_URL, bytes);
	buf_addz(&line, "\"}");
	code = asked(key, rules, buf_str(&line), a, ret);
	buf_free(&line);
	return code;
}

/* ---- documents ---- */

static const struct {
	const char *note, *from, *to;
	enum err_code want;
} documents[] = {
	{ "as it is", "acme", "acme", ERR_NONE },
	{ "another issuer", "\"acme\"", "\"acne\"", ERR_EVIDENCE_ISSUER },
	{ "another key", "\"KEY\"",
	    "\"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs\"",
	    ERR_EVIDENCE_KEY },
	{ "a second too long", "13:00:00Z", "13:00:01Z",
	    ERR_EVIDENCE_MALFORMED },
	{ "issued an hour ago", "\"issuedAt\":\"2026-03-01T12",
	    "\"issuedAt\":\"2026-03-01T11", ERR_EVIDENCE_NOT_YET_VALID },
	{ "issued in an hour", "\"issuedAt\":\"2026-03-01T12:00",
	    "\"issuedAt\":\"2026-03-01T12:59", ERR_EVIDENCE_NOT_YET_VALID },
	{ "held before", "\"notBefore\":\"2026-03-01T12",
	    "\"notBefore\":\"2026-03-01T11", ERR_EVIDENCE_MALFORMED },
	{ "a subject that is none", "\"i-1\"", "\"i:1\"",
	    ERR_EVIDENCE_INSTANCE },
	{ "a member that nobody knows", "\"typ\"", "\"x\":1,\"typ\"",
	    ERR_EVIDENCE_MALFORMED },
	{ "another typ", "document/1", "document/2", ERR_EVIDENCE_MALFORMED },
	{ "a claim that nobody knows", "\"zone\"", "\"zune\"",
	    ERR_EVIDENCE_MALFORMED },
	{ "a name twice", "\"typ\"", "\"typ\":\"avow-document/1\",\"typ\"",
	    ERR_EVIDENCE_MALFORMED },
};

/* As a message, as the content of CMS, and in a JWS: judged alike. */
START_TEST(documents_by_the_rules)
{
	struct kit k;
	struct signer_rules rules = rules_for(SIGNER_DOCUMENT);
	struct buf jws = { 0 }, header = { 0 };
	struct str d;

	kit_init(&k, KEY_P256);
	d = kit_document(&k, documents[_i].from, documents[_i].to);
	buf_printf(&header,
	    "{\"alg\":\"ES256\",\"typ\":\"avow-document+jwt\",\"kid\":\"%s\"}",
	    k.key->public.thumbprint);
	base64_encode(&jws, BASE64_URL, buf_str(&header));
	buf_byte(&jws, '.');
	base64_encode(&jws, BASE64_URL, d);
	ck_assert_int_eq(
	    asked_to_sign(k.key, &rules, "message", d, k.arena, NULL),
	    documents[_i].want);
	ck_assert_int_eq(
	    asked_to_sign(k.key, &rules, "content", d, k.arena, NULL),
	    documents[_i].want);
	ck_assert_int_eq(asked_to_sign(k.key, &rules, "message", buf_str(&jws),
			     k.arena, NULL),
	    documents[_i].want);
	buf_free(&header);
	buf_free(&jws);
	kit_fini(&k);
}
END_TEST

START_TEST(signatures_are_over_what_was_read)
{
	struct kit k;
	struct signer_rules rules = rules_for(SIGNER_DOCUMENT);
	struct buf attributes = { 0 };
	struct str d, s;

	kit_init(&k, KEY_P256);
	d = kit_document(&k, NULL, NULL);
	ck_assert_int_eq(
	    asked_to_sign(k.key, &rules, "message", d, k.arena, &s), ERR_NONE);
	ck_assert(sig_verify(&k.key->public, d, s, NULL));
	ck_assert_int_eq(
	    asked_to_sign(k.key, &rules, "content", d, k.arena, &s), ERR_NONE);
	ck_assert(!sig_verify(&k.key->public, d, s, NULL));
	ck_assert(cms_own_attributes(d, &attributes));
	ck_assert(sig_verify(&k.key->public, buf_str(&attributes), s, NULL));
	/* The attributes themselves say nothing that could be judged. */
	ck_assert_int_ne(asked_to_sign(k.key, &rules, "message",
			     buf_str(&attributes), k.arena, NULL),
	    ERR_NONE);
	buf_free(&attributes);
	kit_fini(&k);
}
END_TEST

/* ---- one purpose ---- */

static bool
remember(void *ctx, struct str message, struct buf *ret, struct error *reterr)
{
	(void)reterr;
	buf_add(ctx, message);
	buf_addz(ret, "x");
	return true;
}

/* What policy/ asks to be signed for an image. */
static void
image_message_of(struct buf *out)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct policy_signer signer = { remember, out };
	struct errors errors = { 0 };
	struct buf image = { 0 };

	ck_assert(policy_set_add_text(set, "p.avow",
	    STR("permit (principal, action, resource);"), POLICY_AVOW,
	    &errors));
	ck_assert(policy_set_finish(set, &errors));
	ck_assert(policy_image_make(set, NULL, &signer, &image, NULL));
	buf_free(&image);
	policy_set_free(set);
}

START_TEST(no_message_is_of_two_purposes)
{
	struct token_kit t;
	struct token token;
	struct buf image = { 0 };
	struct str messages[3], text;
	const struct attest_key *key;
	struct signer_rules rules;

	token_kit_init(&t, KEY_P256);
	key = token_kit_signer(&t);
	token = token_kit_token(&t);
	token.issuer = STR("acme");
	text = token_kit_issue(&t, &token);
	while (text.p[text.n - 1] != '.')
		text.n--;
	image_message_of(&image);
	messages[0] = STR("{}");
	messages[1] = str_sub(text, 0, text.n - 1);
	messages[2] = buf_str(&image);
	for (enum signer_purpose p = SIGNER_NONE; p <= SIGNER_POLICY; p++)
		for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
			rules = rules_for(p);
			ck_assert_msg(
			    (asked_to_sign(key, &rules, "message", messages[i],
				 t.a, NULL) == ERR_NONE) ==
				(i + SIGNER_DOCUMENT == (size_t)p && i > 0),
			    "purpose %d, message %zu", p, i);
		}
	/* A token's content is no document either. */
	rules = rules_for(SIGNER_TOKEN);
	ck_assert_int_eq(
	    asked_to_sign(key, &rules, "content", messages[1], t.a, NULL),
	    ERR_EVIDENCE_KIND);
	buf_free(&image);
	token_kit_fini(&t);
}
END_TEST

START_TEST(tokens_by_the_rules)
{
	struct token_kit t;
	struct token token;
	struct str text;
	struct signer_rules rules = rules_for(SIGNER_TOKEN);

	token_kit_init(&t, KEY_P256);
	token = token_kit_token(&t);
	for (int i = 0; i < 3; i++) {
		token.issuer = i == 1 ? STR("acne") : STR("acme");
		rules.lifetime_most_s = i == 2 ? 299 : 300;
		text = token_kit_issue(&t, &token);
		while (text.p[text.n - 1] != '.')
			text.n--;
		text.n--;
		ck_assert_int_eq(asked_to_sign(token_kit_signer(&t), &rules,
				     "message", text, t.a, NULL),
		    i == 0   ? ERR_NONE
		    : i == 1 ? ERR_EVIDENCE_ISSUER
			     : ERR_EVIDENCE_MALFORMED);
	}
	token_kit_fini(&t);
}
END_TEST

/* ---- lines ---- */

static const char *const lines[] = { "", "{", "[]", "null", "\"op\"", "{}",
	"{\"op\":\"key\",\"x\":1}", "{\"op\":1}", "{\"op\":\"sign\"}",
	"{\"op\":\"sign\",\"message\":1}",
	"{\"op\":\"sign\",\"message\":\"=\"}",
	"{\"op\":\"sign\",\"message\":\"e30\",\"content\":\"e30\"}",
	"{\"op\":\"sign\",\"op\":\"key\"}",
	"{\"op\":\"sign\",\"message\":\"\\u0000\"}" };

START_TEST(lines_that_ask_nothing)
{
	struct kit k;
	struct signer_rules rules = rules_for(SIGNER_DOCUMENT);

	kit_init(&k, KEY_ED25519);
	ck_assert_int_eq(asked(k.key, &rules, str_of(lines[_i]), k.arena, NULL),
	    ERR_REQUEST_MALFORMED);
	kit_fini(&k);
}
END_TEST

/* A key whose signer is in this process: what attest_key then does. */
struct near {
	struct keys_signer signer;
	const struct attest_key *key;
	bool is_wrong;
};

static bool
sign_near(struct keys_signer *s, struct str message, struct str content,
    struct buf *out, struct error *reterr)
{
	const struct near *n = (const struct near *)(const void *)s;

	(void)content;
	return sig_sign(
	    &n->key->public, n->is_wrong ? STR("else") : message, out, reterr);
}

START_TEST(a_wrong_signature_does_not_leave)
{
	struct kit k;
	struct near n = { .signer = { sign_near, NULL } };
	struct keys_public public;
	struct buf out = { 0 };
	struct error err = { 0 };

	kit_init(&k, KEY_P256);
	n.key = k.key;
	public = k.key->public;
	public.signer = &n.signer;
	ck_assert(sig_sign(&public, STR("message"), &out, &err));
	out.n = 0;
	n.is_wrong = true;
	ck_assert(!sig_sign(&public, STR("message"), &out, &err));
	ck_assert_uint_eq(out.n, 0);
	ck_assert_int_eq(err.code, ERR_SYSTEM_ERROR);
	buf_free(&out);
	kit_fini(&k);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("signer");
	TCase *tc = tcase_create("signer");

	tcase_set_timeout(tc, 60);

	tcase_add_loop_test(
	    tc, documents_by_the_rules, 0, ARRAY_LEN(documents));
	tcase_add_test(tc, signatures_are_over_what_was_read);
	tcase_add_test(tc, no_message_is_of_two_purposes);
	tcase_add_test(tc, tokens_by_the_rules);
	tcase_add_loop_test(tc, lines_that_ask_nothing, 0, ARRAY_LEN(lines));
	tcase_add_test(tc, a_wrong_signature_does_not_leave);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
