/* The library's face for tokens: a verdict as JSON, zero for everything that is
 * not valid, and never more written than there is room. */
#include "avow.h"

#include "base/json.h"
#include "tests/unit/attest/token_kit.h"

static const struct {
	const char *note, *issuer, *audience, *code; /* code NULL: valid */
	long long at;
	bool no_keys;
} rows[] = {
	{ .note = "valid", .at = KIT_NOON },
	{ .note = "expired", .at = KIT_NOON + 300, .code = "evidence.expired" },
	{ .note = "another issuer",
	    .issuer = "x",
	    .at = KIT_NOON,
	    .code = "evidence.issuer" },
	{ .note = "another audience",
	    .audience = "x",
	    .at = KIT_NOON,
	    .code = "evidence.audience" },
	{ .note = "no keys",
	    .no_keys = true,
	    .at = KIT_NOON,
	    .code = "key.form" },
};

START_TEST(a_verdict)
{
	struct token_kit k;
	struct token t;
	struct buf jwks = { 0 };
	struct str compact;
	struct avow_token_want want = { .issuer = rows[_i].issuer
						      ? rows[_i].issuer
						      : "https://sts.example",
		.audience = rows[_i].audience ? rows[_i].audience : "updates",
		.at_unix_s = rows[_i].at };
	char answer[2000], small[8] = "x";
	size_t n = 0, again = 0;
	json_t *json;
	enum avow_verdict v;

	token_kit_init(&k, KEY_P256);
	t = token_kit_token(&k);
	compact = token_kit_issue(&k, &t);
	ck_assert(token_ring_jwks(k.ring, KIT_NOON, &jwks, NULL));
	want.keys = rows[_i].no_keys ? "{\"keys\":[]}" : jwks.p;
	want.keys_length = rows[_i].no_keys ? 11 : jwks.n;
	v = avow_token_verify(
	    &want, compact.p, compact.n, answer, sizeof answer, &n);
	ck_assert_msg(v == (rows[_i].code ? AVOW_REFUSED : AVOW_VALID),
	    "%s: %s", rows[_i].note, answer);
	ck_assert_uint_eq(strlen(answer), n);
	json = json_loadb(answer, n, 0, NULL);
	if (rows[_i].code)
		ck_assert_str_eq(
		    json_string_value(json_object_get(json, "code")),
		    rows[_i].code);
	else
		ck_assert_str_eq(
		    json_string_value(json_object_get(json, "subject")), "i-1");
	ck_assert_int_eq(avow_token_verify(&want, compact.p, compact.n, small,
			     sizeof small, &again),
	    v);
	ck_assert_str_eq(small, "");
	ck_assert_uint_eq(again, n);
	ck_assert_int_eq(
	    avow_token_verify(&want, compact.p, compact.n, NULL, 0, NULL), v);
	json_decref(json);
	buf_free(&jwks);
	token_kit_fini(&k);
}
END_TEST

START_TEST(nothing_is_no_token)
{
	struct avow_token_want want = {
		.keys = "", .issuer = "i", .audience = "a"
	};

	ck_assert_int_eq(
	    avow_token_verify(&want, "", 0, NULL, 0, NULL), AVOW_REFUSED);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("avow_token");
	TCase *tc = tcase_create("avow_token");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_verdict, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, nothing_is_no_token);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
