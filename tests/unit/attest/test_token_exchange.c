/* Token exchange: what may be asked, and that the answer never says more than
 * the token it was given for. */
#include "attest/token.h"

#include "tests/unit/attest/token_kit.h"

#define SERVICE "https://sts.example"

/* A token for the service with two claims, as verified. */
static struct token
subject(struct token_kit *k, json_t *claims)
{
	struct token t = token_kit_token(k), found = { 0 };
	struct token_want want = token_kit_want(k);

	t.audience = want.audience = STR(SERVICE);
	t.expires_at = KIT_NOON + 900;
	t.claims = claims;
	ck_assert(
	    token_verify(k->a, token_kit_issue(k, &t), &want, &found, NULL));
	return found;
}

static const struct row {
	const char *note;
	const char *audience, *service, *domain, *keep;
	int64_t lifetime;
	enum token_type type;
	bool other_key, no_proof, other_holder, no_holder, bearer;
	enum err_code want;
	int64_t lives;
} rows[] = {
	{ .note = "narrower", .audience = "updates", .lives = 300 },
	{ .note = "the same audience", .audience = SERVICE, .lives = 300 },
	{ .note = "none said", .lives = 300 },
	{ .note = "shorter", .lifetime = 60, .lives = 60 },
	{ .note = "longer than is left", .lifetime = 3600, .lives = 900 },
	{ .note = "longer than any", .lifetime = INT64_MAX, .lives = 900 },
	{ .note = "negative", .lifetime = -1, .want = ERR_REQUEST_MALFORMED },
	{ .note = "for one audience alone",
	    .service = "https://other.example",
	    .audience = "updates",
	    .want = ERR_EVIDENCE_AUDIENCE },
	{ .note = "no service",
	    .service = "",
	    .audience = "updates",
	    .want = ERR_EVIDENCE_AUDIENCE },
	{ .note = "no proof", .no_proof = true, .want = ERR_EVIDENCE_PROOF },
	{ .note = "another's proof",
	    .other_key = true,
	    .want = ERR_EVIDENCE_PROOF },
	{ .note = "one claim", .keep = "owner", .lives = 300 },
	{ .note = "a claim that is not there",
	    .keep = "region",
	    .want = ERR_REQUIREMENT_CLAIM },
	{ .note = "a verification token",
	    .type = TOKEN_VERIFY,
	    .want = ERR_REQUEST_MALFORMED },
	{ .note = "no type",
	    .type = TOKEN_NONE,
	    .want = ERR_REQUEST_MALFORMED },
	{ .note = "a WIT",
	    .type = TOKEN_WIT,
	    .domain = "acme.example",
	    .lives = 300 },
	{ .note = "a WIT of no domain",
	    .type = TOKEN_WIT,
	    .want = ERR_REQUEST_MALFORMED },
	{ .note = "a WIT for another key",
	    .type = TOKEN_WIT,
	    .domain = "acme.example",
	    .other_holder = true,
	    .want = ERR_EVIDENCE_PROOF },
	{ .note = "a WIT for no key",
	    .type = TOKEN_WIT,
	    .domain = "acme.example",
	    .no_holder = true,
	    .want = ERR_REQUEST_MALFORMED },
	{ .note = "a WIT for somebody",
	    .type = TOKEN_WIT,
	    .domain = "acme.example",
	    .audience = "updates",
	    .want = ERR_REQUEST_MALFORMED },
	{ .note = "a WIT for a token that is for one reader alone",
	    .type = TOKEN_WIT,
	    .domain = "acme.example",
	    .service = "https://other.example",
	    .want = ERR_EVIDENCE_AUDIENCE },
	{ .note = "a bearer, where none are given",
	    .type = TOKEN_JWT_SVID,
	    .domain = "acme.example",
	    .want = ERR_REQUEST_MALFORMED },
	{ .note = "a bearer, where they are",
	    .type = TOKEN_JWT_SVID,
	    .domain = "acme.example",
	    .audience = "peer",
	    .bearer = true,
	    .lifetime = 3600,
	    .lives = 300 },
};

static struct token_exchange
asked(struct token_kit *k, const struct row *row, const struct token *t,
    const struct attest_key *other)
{
	bool is_typed = row->type || strcmp(row->note, "no type") == 0;

	return (struct token_exchange){
		.subject = t,
		.proven_jkt = row->no_proof    ? STR("")
			      : row->other_key ? keys_thumbprint(&other->public)
					       : t->jkt,
		.service = str_of(row->service ? row->service : SERVICE),
		.type = is_typed ? row->type : TOKEN_FULL,
		.audience = str_of(row->audience),
		.lifetime_s = row->lifetime,
		.holder = row->no_holder ? NULL
					 : jwk_write(row->other_holder
							 ? &other->public
							 : &k->holder->public,
					       NULL),
		.trust_domain = str_of(row->domain),
		.allow_bearer = row->bearer,
		.now_unix_s = KIT_NOON,
	};
}

START_TEST(an_exchange)
{
	const struct row *row = &rows[_i];
	struct token_kit k;
	struct attest_key *other;
	struct token t, got = { 0 };
	struct error err = { 0 };
	struct token_exchange x;
	json_t *claims;
	struct str keep = str_of(row->keep);

	token_kit_init(&k, KEY_P256);
	other = token_kit_key(&k, KEY_P256);
	claims = json_pack("{s:s, s:s}", "owner", "acme", "imageId", "img-1");
	t = subject(&k, claims);
	x = asked(&k, row, &t, other);
	if (row->keep) {
		x.claims = &keep;
		x.n_claims = 1;
	}
	ck_assert_int_eq(
	    token_exchange(k.a, &x, &got, &err), row->want == ERR_NONE);
	token_kit_is(err.code, row->want, row->note);
	if (row->want == ERR_NONE) {
		struct str compact = token_kit_issue(&k, &got);

		ck_assert_int_eq(got.expires_at - KIT_NOON, row->lives);
		ck_str_is(got.subject, "i-1");
		ck_assert_int_eq(got.incarnation, 3);
		ck_assert(got.type == TOKEN_JWT_SVID || str_eq(got.jkt, t.jkt));
		ck_assert_uint_eq(
		    json_object_size(got.claims), row->keep                ? 1
						  : got.type == TOKEN_FULL ? 2
									   : 0);
		ck_assert_uint_gt(compact.n, 0);
	}
	token_fini(&got);
	token_fini(&t);
	json_decref((json_t *)(uintptr_t)x.holder);
	json_decref(claims);
	attest_key_free(other);
	token_kit_fini(&k);
}
END_TEST

/* Of a narrowed token only itself can be asked for, and never a longer life. */
START_TEST(what_was_narrowed_stays_so)
{
	struct token_kit k;
	struct token t, narrow = { 0 }, again = { 0 };
	struct error err = { 0 };
	struct token_exchange x;

	token_kit_init(&k, KEY_P256);
	t = subject(&k, NULL);
	x = (struct token_exchange){ .subject = &t,
		.proven_jkt = t.jkt,
		.service = STR(SERVICE),
		.type = TOKEN_FULL,
		.audience = STR("updates"),
		.lifetime_s = 60,
		.now_unix_s = KIT_NOON };
	ck_assert(token_exchange(k.a, &x, &narrow, &err));
	x.subject = &narrow;
	x.audience = STR(SERVICE);
	ck_assert(!token_exchange(k.a, &x, &again, &err));
	ck_assert_int_eq(err.code, ERR_EVIDENCE_AUDIENCE);
	x.audience = STR("updates");
	x.lifetime_s = 3600;
	ck_assert(token_exchange(k.a, &x, &again, NULL));
	ck_assert_int_eq(again.expires_at, KIT_NOON + 60);
	x.now_unix_s = KIT_NOON + 60;
	err = (struct error){ 0 };
	ck_assert(!token_exchange(k.a, &x, &again, &err));
	ck_assert_int_eq(err.code, ERR_EVIDENCE_EXPIRED);
	token_fini(&t);
	token_kit_fini(&k);
}
END_TEST

/* A subject of one trust domain never becomes one of another. */
START_TEST(a_domain_stays)
{
	struct token_kit k;
	struct token t, got = { 0 };
	struct token_exchange x;

	token_kit_init(&k, KEY_P256);
	t = subject(&k, NULL);
	t.trust_domain = STR("acme.example");
	x = (struct token_exchange){ .subject = &t,
		.proven_jkt = t.jkt,
		.service = STR(SERVICE),
		.type = TOKEN_JWT_SVID,
		.trust_domain = STR("other.example"),
		.allow_bearer = true,
		.now_unix_s = KIT_NOON };
	ck_assert(token_exchange(k.a, &x, &got, NULL));
	ck_str_is(got.trust_domain, "acme.example");
	token_fini(&t);
	token_kit_fini(&k);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("token_exchange");
	TCase *tc = tcase_create("token_exchange");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, an_exchange, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, what_was_narrowed_stays_so);
	tcase_add_test(tc, a_domain_stays);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
