/* Tokens: what is issued verifies, each demand of a reader refuses by its code,
 * and the known attacks on JSON Web Tokens find nothing (RFC 8725 2). */
#include "attest/token.h"

#include <openssl/hmac.h>

#include "base/limits.h"
#include "tests/unit/attest/token_kit.h"

static const enum attest_key_type key_types[] = { KEY_P256, KEY_ED25519,
	KEY_RSA2048 };

START_TEST(what_is_issued_verifies)
{
	struct token_kit k;
	struct token_want want;
	struct token t, found = { 0 };
	struct error err = { 0 };

	token_kit_init(&k, key_types[_i]);
	t = token_kit_token(&k);
	want = token_kit_want(&k);
	ck_assert_msg(
	    token_verify(k.a, token_kit_issue(&k, &t), &want, &found, &err),
	    "%s", err.msg);
	ck_assert_int_eq(found.type, TOKEN_FULL);
	ck_str_is(found.issuer, "https://sts.example");
	ck_str_is(found.subject, "i-1");
	ck_str_is(found.audience, "updates");
	ck_str_is(found.id, "00112233445566778899aabbccddeeff");
	ck_assert(str_eq(found.jkt, t.jkt));
	ck_assert_int_eq(found.issued_at, KIT_NOON);
	ck_assert_int_eq(found.expires_at, KIT_NOON + 300);
	ck_assert_int_eq(found.incarnation, 3);
	ck_str_is(found.key_id, token_kit_signer(&k)->public.thumbprint);
	token_fini(&found);
	token_kit_fini(&k);
}
END_TEST

START_TEST(an_id_is_random_when_none_is_given)
{
	struct token_kit k;
	struct token t;
	struct str one, two;

	token_kit_init(&k, KEY_ED25519);
	t = token_kit_token(&k);
	t.id = STR("");
	one = token_kit_issue(&k, &t);
	two = token_kit_issue(&k, &t);
	ck_assert(!str_eq(one, two));
	token_kit_fini(&k);
}
END_TEST

/* ---- what a reader demands ---- */

static const struct {
	const char *note;
	int64_t now;
	const char *issuer, *audience, *domain, *revoked;
	enum token_type type;
	enum err_code want;
} demands[] = {
	{ "as it is", 0, NULL, NULL, NULL, NULL, TOKEN_FULL, ERR_NONE },
	{ "inside the skew", -LIMIT_SKEW_S, NULL, NULL, NULL, NULL, TOKEN_FULL,
	    ERR_NONE },
	{ "outside the skew", -LIMIT_SKEW_S - 1, NULL, NULL, NULL, NULL,
	    TOKEN_FULL, ERR_EVIDENCE_NOT_YET_VALID },
	{ "the last second", 299, NULL, NULL, NULL, NULL, TOKEN_FULL,
	    ERR_NONE },
	{ "no skew at the end", 300, NULL, NULL, NULL, NULL, TOKEN_FULL,
	    ERR_EVIDENCE_EXPIRED },
	{ "another issuer", 0, "https://sts.example/", NULL, NULL, NULL,
	    TOKEN_FULL, ERR_EVIDENCE_ISSUER },
	{ "another audience", 0, NULL, "update", NULL, NULL, TOKEN_FULL,
	    ERR_EVIDENCE_AUDIENCE },
	{ "an empty audience takes none", 0, NULL, "", NULL, NULL, TOKEN_FULL,
	    ERR_EVIDENCE_AUDIENCE },
	{ "a trust domain", 0, NULL, NULL, "acme.example", NULL, TOKEN_FULL,
	    ERR_EVIDENCE_ISSUER },
	{ "a verification token", 0, NULL, NULL, NULL, NULL, TOKEN_VERIFY,
	    ERR_EVIDENCE_KIND },
	{ "a WIT", 0, NULL, NULL, NULL, NULL, TOKEN_WIT, ERR_EVIDENCE_KIND },
	{ "a JWT-SVID", 0, NULL, NULL, NULL, NULL, TOKEN_JWT_SVID,
	    ERR_EVIDENCE_KIND },
	{ "no type", 0, NULL, NULL, NULL, NULL, TOKEN_NONE, ERR_EVIDENCE_KIND },
	{ "revoked by id", 0, NULL, NULL, NULL,
	    "document 00112233445566778899aabbccddeeff\n", TOKEN_FULL,
	    ERR_EVIDENCE_REVOKED },
	{ "revoked as a token", 0, NULL, NULL, NULL,
	    "token 00112233445566778899aabbccddeeff\n", TOKEN_FULL,
	    ERR_EVIDENCE_REVOKED },
	{ "its account is revoked", 0, NULL, NULL, NULL, "account i-1\n",
	    TOKEN_FULL, ERR_EVIDENCE_REVOKED },
	{ "another account is revoked", 0, NULL, NULL, NULL, "account i-2\n",
	    TOKEN_FULL, ERR_NONE },
	{ "revoked by instance", 0, NULL, NULL, NULL, "instance p/i-1\n",
	    TOKEN_FULL, ERR_EVIDENCE_REVOKED },
	{ "another instance revoked", 0, NULL, NULL, NULL, "instance i-1\n",
	    TOKEN_FULL, ERR_NONE },
};

START_TEST(a_reader_demands)
{
	struct token_kit k;
	struct token_want want;
	struct token t;
	struct attest_revoked *revoked = NULL;

	token_kit_init(&k, KEY_ED25519);
	t = token_kit_token(&k);
	want = token_kit_want(&k);
	want.type = demands[_i].type;
	want.now_unix_s += demands[_i].now;
	want.prefix = STR("p/");
	if (demands[_i].issuer)
		want.issuer = str_of(demands[_i].issuer);
	if (demands[_i].audience)
		want.audience = str_of(demands[_i].audience);
	want.trust_domain = str_of(demands[_i].domain);
	if (demands[_i].revoked)
		revoked = kit_revoked(demands[_i].revoked);
	want.revoked = revoked;
	token_kit_is(token_kit_verdict(&k, token_kit_issue(&k, &t), &want),
	    demands[_i].want, demands[_i].note);
	attest_revoked_free(revoked);
	token_kit_fini(&k);
}
END_TEST

/* The signing key, and the holder's: what a move to another incarnation
 * revokes (S8). */
START_TEST(a_revoked_key_of_either_side)
{
	struct token_kit k;
	struct token_want want;
	struct token t;
	struct str compact;

	token_kit_init(&k, KEY_ED25519);
	t = token_kit_token(&k);
	want = token_kit_want(&k);
	compact = token_kit_issue(&k, &t);
	for (int i = 0; i < 2; i++) {
		const struct attest_key *key =
		    i ? k.holder : token_kit_signer(&k);
		struct attest_revoked *revoked = kit_revoked(
		    str_printf(k.a, "key %s\n", key->public.thumbprint).p);

		want.revoked = revoked;
		token_kit_is(token_kit_verdict(&k, compact, &want),
		    ERR_EVIDENCE_REVOKED, i ? "holder" : "signer");
		attest_revoked_free(revoked);
	}
	token_kit_fini(&k);
}
END_TEST

/* ---- what is not issued ---- */

static const struct {
	const char *note;
	int64_t nbf, exp;
	const char *subject, *audience, *id, *domain;
	bool without_key, with_certificate, with_holder;
	enum token_type type;
} unissued[] = {
	{ .note = "over an hour", .exp = 3601 },
	{ .note = "ended", .exp = -1 },
	{ .note = "before it is issued", .nbf = -1 },
	{ .note = "after its end", .nbf = 300 },
	{ .note = "no subject", .subject = "" },
	{ .note = "a subject with a slash", .subject = "a/b" },
	{ .note = "no audience", .audience = "" },
	{ .note = "an odd id", .id = "1" },
	{ .note = "an odd trust domain", .domain = "Acme" },
	{ .note = "no binding", .without_key = true },
	{ .note = "two bindings", .with_certificate = true },
	{ .note = "a holder's key in a full token", .with_holder = true },
	{ .note = "no type", .type = TOKEN_NONE },
	{ .note = "a WIT without a key",
	    .type = TOKEN_WIT,
	    .domain = "acme.example" },
	{ .note = "a bound bearer",
	    .type = TOKEN_JWT_SVID,
	    .domain = "acme.example" },
	{ .note = "a long bearer",
	    .type = TOKEN_JWT_SVID,
	    .domain = "acme.example",
	    .without_key = true,
	    .exp = 301 },
	{ .note = "a bearer of no trust domain",
	    .type = TOKEN_JWT_SVID,
	    .without_key = true },
};

START_TEST(what_no_reader_takes_is_not_issued)
{
	struct token_kit k;
	struct token t;
	struct buf out = { 0 };
	struct error err = { 0 };
	json_t *jwk;

	token_kit_init(&k, KEY_ED25519);
	t = token_kit_token(&k);
	jwk = jwk_write(&k.holder->public, NULL);
	t.not_before += unissued[_i].nbf;
	if (unissued[_i].exp)
		t.expires_at = KIT_NOON + unissued[_i].exp;
	if (unissued[_i].subject)
		t.subject = str_of(unissued[_i].subject);
	if (unissued[_i].audience)
		t.audience = str_of(unissued[_i].audience);
	if (unissued[_i].id)
		t.id = str_of(unissued[_i].id);
	t.trust_domain = str_of(unissued[_i].domain);
	if (unissued[_i].without_key)
		t.jkt = STR("");
	if (unissued[_i].with_certificate)
		t.x5t = t.jkt;
	if (unissued[_i].with_holder)
		t.holder = jwk;
	if (unissued[_i].type || strcmp(unissued[_i].note, "no type") == 0)
		t.type = unissued[_i].type;
	ck_assert_msg(
	    !token_issue(k.ring, &t, &out, &err), "%s", unissued[_i].note);
	ck_assert_int_eq(err.code, ERR_USAGE);
	ck_assert_uint_eq(out.n, 0);
	json_decref(jwk);
	token_kit_fini(&k);
}
END_TEST

/* ---- attacks ---- */

#define GOOD_HEADER                                                            \
	"{\"alg\":\"ES256\",\"typ\":\"avow-token+jwt\",\"kid\":\"@SELF\"}"
#define GOOD_PAYLOAD                                                           \
	"{\"iss\":\"https://sts.example\",\"sub\":\"i-1\",\"aud\":"            \
	"\"updates\",\"iat\":1772366400,\"nbf\":1772366400,\"exp\":"           \
	"1772366700,\"jti\":\"00112233445566778899aabbccddeeff\",\"cnf\":{"    \
	"\"jkt\":\"@SELF\"},\"inc\":1}"

static const struct {
	const char *note, *header, *payload;
	enum err_code want;
} forms[] = {
	{ "good", GOOD_HEADER, GOOD_PAYLOAD, ERR_NONE },
	{ "alg none",
	    "{\"alg\":\"none\",\"typ\":\"avow-token+jwt\",\"kid\":\"@SELF\"}",
	    GOOD_PAYLOAD, ERR_EVIDENCE_SIGNATURE },
	{ "alg NoNe",
	    "{\"alg\":\"NoNe\",\"typ\":\"avow-token+jwt\",\"kid\":\"@SELF\"}",
	    GOOD_PAYLOAD, ERR_EVIDENCE_SIGNATURE },
	{ "alg HS256",
	    "{\"alg\":\"HS256\",\"typ\":\"avow-token+jwt\",\"kid\":\"@SELF\"}",
	    GOOD_PAYLOAD, ERR_EVIDENCE_SIGNATURE },
	{ "alg of another key type",
	    "{\"alg\":\"RS256\",\"typ\":\"avow-token+jwt\",\"kid\":\"@SELF\"}",
	    GOOD_PAYLOAD, ERR_EVIDENCE_SIGNATURE },
	{ "alg twice",
	    "{\"alg\":\"none\",\"alg\":\"ES256\",\"typ\":\"avow-token+jwt\","
	    "\"kid\":\"@SELF\"}",
	    GOOD_PAYLOAD, ERR_EVIDENCE_MALFORMED },
	{ "no alg", "{\"typ\":\"avow-token+jwt\",\"kid\":\"@SELF\"}",
	    GOOD_PAYLOAD, ERR_EVIDENCE_MALFORMED },
	{ "no kid", "{\"alg\":\"ES256\",\"typ\":\"avow-token+jwt\"}",
	    GOOD_PAYLOAD, ERR_EVIDENCE_KEY },
	{ "no typ", "{\"alg\":\"ES256\",\"kid\":\"@SELF\"}", GOOD_PAYLOAD,
	    ERR_EVIDENCE_KIND },
	{ "typ JWT", "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"@SELF\"}",
	    GOOD_PAYLOAD, ERR_EVIDENCE_KIND },
	{ "typ of a verification token",
	    "{\"alg\":\"ES256\",\"typ\":\"avow-verify+jwt\",\"kid\":\"@SELF\"}",
	    GOOD_PAYLOAD, ERR_EVIDENCE_KIND },
	{ "typ in capitals",
	    "{\"alg\":\"ES256\",\"typ\":\"AVOW-TOKEN+JWT\",\"kid\":\"@SELF\"}",
	    GOOD_PAYLOAD, ERR_EVIDENCE_KIND },
	{ "jwk",
	    "{\"alg\":\"ES256\",\"typ\":\"avow-token+jwt\",\"kid\":\"@SELF\","
	    "\"jwk\":@JWK}",
	    GOOD_PAYLOAD, ERR_EVIDENCE_MALFORMED },
	{ "jku",
	    "{\"alg\":\"ES256\",\"typ\":\"avow-token+jwt\",\"kid\":\"@SELF\","
	    "\"jku\":\"https://evil.example/keys\"}",
	    GOOD_PAYLOAD, ERR_EVIDENCE_MALFORMED },
	{ "x5u",
	    "{\"alg\":\"ES256\",\"typ\":\"avow-token+jwt\",\"kid\":\"@SELF\","
	    "\"x5u\":\"https://evil.example/c.pem\"}",
	    GOOD_PAYLOAD, ERR_EVIDENCE_MALFORMED },
	{ "x5c",
	    "{\"alg\":\"ES256\",\"typ\":\"avow-token+jwt\",\"kid\":\"@SELF\","
	    "\"x5c\":[\"MIIB\"]}",
	    GOOD_PAYLOAD, ERR_EVIDENCE_MALFORMED },
	{ "crit",
	    "{\"alg\":\"ES256\",\"typ\":\"avow-token+jwt\",\"kid\":\"@SELF\","
	    "\"crit\":[\"exp\"]}",
	    GOOD_PAYLOAD, ERR_EVIDENCE_MALFORMED },
	{ "b64",
	    "{\"alg\":\"ES256\",\"typ\":\"avow-token+jwt\",\"kid\":\"@SELF\","
	    "\"b64\":false}",
	    GOOD_PAYLOAD, ERR_EVIDENCE_MALFORMED },
	{ "a header that is a list", "[]", GOOD_PAYLOAD,
	    ERR_EVIDENCE_MALFORMED },
	{ "another name is ignored",
	    "{\"alg\":\"ES256\",\"typ\":\"avow-token+jwt\",\"kid\":\"@SELF\","
	    "\"cty\":\"x\"}",
	    GOOD_PAYLOAD, ERR_NONE },
	{ "a payload that is a list", GOOD_HEADER, "[]",
	    ERR_EVIDENCE_MALFORMED },
	{ "a payload that is no JSON", GOOD_HEADER, "{",
	    ERR_EVIDENCE_MALFORMED },
};

START_TEST(attacks_by_form)
{
	struct token_kit k;
	struct token_want want;
	struct str compact;

	token_kit_init(&k, KEY_P256);
	want = token_kit_want(&k);
	compact = token_kit_sign(
	    &k, token_kit_signer(&k), forms[_i].header, forms[_i].payload);
	token_kit_is(token_kit_verdict(&k, compact, &want), forms[_i].want,
	    forms[_i].note);
	token_kit_fini(&k);
}
END_TEST

/* One member of a good payload, replaced. */
static const struct {
	const char *note, *from, *to;
	enum err_code want;
} members[] = {
	{ "no iss", "\"iss\":\"https://sts.example\",", "",
	    ERR_EVIDENCE_MALFORMED },
	{ "no sub", "\"sub\":\"i-1\",", "", ERR_EVIDENCE_MALFORMED },
	{ "no aud", "\"aud\":\"updates\",", "", ERR_EVIDENCE_MALFORMED },
	{ "no iat", "\"iat\":1772366400,", "", ERR_EVIDENCE_MALFORMED },
	{ "no nbf", "\"nbf\":1772366400,", "", ERR_EVIDENCE_MALFORMED },
	{ "no exp", "\"exp\":1772366700,", "", ERR_EVIDENCE_MALFORMED },
	{ "no cnf", "\"cnf\":{\"jkt\":\"@SELF\"},", "",
	    ERR_EVIDENCE_MALFORMED },
	{ "no inc", ",\"inc\":1", "", ERR_EVIDENCE_MALFORMED },
	{ "aud in a list", "\"updates\"", "[\"updates\"]", ERR_NONE },
	{ "two audiences", "\"updates\"", "[\"updates\",\"x\"]",
	    ERR_EVIDENCE_MALFORMED },
	{ "no audience", "\"updates\"", "[]", ERR_EVIDENCE_MALFORMED },
	{ "exp as a text", "1772366700", "\"1772366700\"",
	    ERR_EVIDENCE_MALFORMED },
	{ "exp with a point", "1772366700", "1772366700.0",
	    ERR_EVIDENCE_MALFORMED },
	{ "exp far away", "1772366700", "9223372036854775807",
	    ERR_EVIDENCE_MALFORMED },
	{ "exp over an hour", "1772366700", "1772370001",
	    ERR_EVIDENCE_MALFORMED },
	{ "exp before nbf", "\"nbf\":1772366400", "\"nbf\":1772366420",
	    ERR_NONE },
	{ "exp twice", "\"exp\":1772366700",
	    "\"exp\":1772366700,\"exp\":1772366701", ERR_EVIDENCE_MALFORMED },
	{ "a member nobody knows", "\"inc\":1", "\"inc\":1,\"scope\":\"x\"",
	    ERR_EVIDENCE_MALFORMED },
	{ "negative inc", "\"inc\":1", "\"inc\":-1", ERR_EVIDENCE_MALFORMED },
	{ "two in cnf", "{\"jkt\":\"@SELF\"}",
	    "{\"jkt\":\"@SELF\",\"x5t#S256\":\"@SELF\"}",
	    ERR_EVIDENCE_MALFORMED },
	{ "cnf empty", "{\"jkt\":\"@SELF\"}", "{}", ERR_EVIDENCE_MALFORMED },
	{ "cnf of another kind", "\"jkt\"", "\"jwe\"", ERR_EVIDENCE_MALFORMED },
	{ "bound to a certificate", "\"jkt\"", "\"x5t#S256\"", ERR_NONE },
	{ "sub of another form", "\"i-1\"", "\"../i-1\"",
	    ERR_EVIDENCE_INSTANCE },
	{ "sub with a slash", "\"i-1\"", "\"a/i-1\"", ERR_EVIDENCE_INSTANCE },
	{ "sub of a trust domain", "\"i-1\"",
	    "\"spiffe://acme.example/instance/i-1\"", ERR_EVIDENCE_ISSUER },
	{ "sub of no instance", "\"i-1\"", "\"spiffe://acme.example/x/i-1\"",
	    ERR_EVIDENCE_INSTANCE },
	{ "short jti", "00112233445566778899aabbccddeeff", "0011",
	    ERR_EVIDENCE_MALFORMED },
	{ "NUL in iss", "https://sts.example", "https://sts.example\\u0000",
	    ERR_EVIDENCE_MALFORMED },
	{ "claims as in documents", "\"inc\":1",
	    "\"inc\":1,\"claims\":{\"owner\":\"acme\"}", ERR_NONE },
	{ "claims that no document has", "\"inc\":1",
	    "\"inc\":1,\"claims\":{\"root\":\"yes\"}", ERR_EVIDENCE_MALFORMED },
};

START_TEST(members_of_the_payload)
{
	struct token_kit k;
	struct token_want want;
	struct str compact;
	struct buf payload = { 0 };
	const char *good = GOOD_PAYLOAD, *at = strstr(good, members[_i].from);

	token_kit_init(&k, KEY_P256);
	ck_assert_ptr_nonnull(at);
	buf_add(&payload, (struct str){ good, (size_t)(at - good) });
	buf_addz(&payload, members[_i].to);
	buf_addz(&payload, at + strlen(members[_i].from));
	buf_byte(&payload, '\0');
	want = token_kit_want(&k);
	compact =
	    token_kit_sign(&k, token_kit_signer(&k), GOOD_HEADER, payload.p);
	token_kit_is(token_kit_verdict(&k, compact, &want), members[_i].want,
	    members[_i].note);
	buf_free(&payload);
	token_kit_fini(&k);
}
END_TEST

/* RFC 8725 2.1: the public RSA key's PEM as an HMAC secret. */
START_TEST(a_public_key_is_no_secret)
{
	struct token_kit k;
	struct token_want want;
	struct buf pem = { 0 }, out = { 0 };
	uint8_t mac[32];
	unsigned n = 0;
	struct str file;

	token_kit_init(&k, KEY_RSA2048);
	want = token_kit_want(&k);
	file = token_ring_at(k.ring, 0)->file;
	ck_assert(attest_key_public_pem(file.p, &pem, NULL));
	base64_encode(&out, BASE64_URL,
	    token_kit_fill(&k, token_kit_signer(&k),
		"{\"alg\":\"HS256\",\"typ\":\"avow-token+jwt\",\"kid\":\"@"
		"SELF\"}"));
	buf_byte(&out, '.');
	base64_encode(&out, BASE64_URL,
	    token_kit_fill(&k, token_kit_signer(&k), GOOD_PAYLOAD));
	ck_assert_ptr_nonnull(HMAC(EVP_sha256(), pem.p, (int)pem.n,
	    (const unsigned char *)out.p, out.n, mac, &n));
	buf_byte(&out, '.');
	base64_encode(&out, BASE64_URL, (struct str){ (const char *)mac, n });
	token_kit_is(token_kit_verdict(&k, buf_str(&out), &want),
	    ERR_EVIDENCE_SIGNATURE, "HS256");
	buf_free(&pem);
	buf_free(&out);
	token_kit_fini(&k);
}
END_TEST

/* Another's key under the name of ours, and under its own. */
START_TEST(another_key)
{
	struct token_kit k;
	struct token_want want;
	struct str ours, theirs;
	size_t dot;

	token_kit_init(&k, KEY_P256);
	want = token_kit_want(&k);
	theirs = token_kit_sign(&k, k.holder, GOOD_HEADER, GOOD_PAYLOAD);
	token_kit_is(token_kit_verdict(&k, theirs, &want), ERR_EVIDENCE_KEY,
	    "its own name");
	ours =
	    token_kit_sign(&k, token_kit_signer(&k), GOOD_HEADER, GOOD_PAYLOAD);
	dot = ours.n - 86; /* 64 bytes in Base64url */
	theirs = str_printf(
	    k.a, "%.*s%.*s", (int)dot, ours.p, 86, theirs.p + theirs.n - 86);
	token_kit_is(token_kit_verdict(&k, theirs, &want),
	    ERR_EVIDENCE_SIGNATURE, "our name");
	token_kit_fini(&k);
}
END_TEST

/* No character of a token may differ: strict Base64url has one text. */
START_TEST(no_character_may_differ)
{
	struct token_kit k;
	struct token_want want;
	struct token t;
	struct str compact;
	char *text;

	token_kit_init(&k, key_types[_i]);
	want = token_kit_want(&k);
	t = token_kit_token(&k);
	compact = token_kit_issue(&k, &t);
	text = (char *)(uintptr_t)compact.p;
	for (size_t i = 0; i < compact.n; i++) {
		char was = text[i];

		text[i] = was == 'A' ? 'B' : 'A';
		ck_assert_int_ne(
		    token_kit_verdict(&k, compact, &want), ERR_NONE);
		text[i] = was;
	}
	ck_assert_int_eq(token_kit_verdict(&k, compact, &want), ERR_NONE);
	token_kit_fini(&k);
}
END_TEST

static const char *const texts[] = { "", ".", "..", "...", "a.b.c", "e30.e30.",
	"e30.e30.e30.e30", "e30=.e30.AAAA", "e30.e30", "e31.e30.AAAA" };

START_TEST(texts_that_are_no_token)
{
	struct token_kit k;
	struct token_want want;

	token_kit_init(&k, KEY_ED25519);
	want = token_kit_want(&k);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		token_kit_is(token_kit_verdict(&k, str_of(texts[i]), &want),
		    ERR_EVIDENCE_MALFORMED, texts[i]);
	token_kit_fini(&k);
}
END_TEST

START_TEST(a_long_text_is_too_large)
{
	struct token_kit k;
	struct token_want want;
	struct str long_text;

	token_kit_init(&k, KEY_ED25519);
	want = token_kit_want(&k);
	long_text = str_printf(k.a, "%0*d", (int)LIMIT_TOKEN_BYTES + 1, 0);
	token_kit_is(token_kit_verdict(&k, long_text, &want),
	    ERR_EVIDENCE_TOO_LARGE, "zeros");
	token_kit_fini(&k);
}
END_TEST

/* ---- SPIFFE's exports ---- */

START_TEST(a_wit)
{
	struct token_kit k;
	struct token_want want;
	struct token t, found = { 0 };
	struct error err = { 0 };
	json_t *jwk;
	struct str compact;

	token_kit_init(&k, KEY_P256);
	t = token_kit_token(&k);
	want = token_kit_want(&k);
	jwk = jwk_write(&k.holder->public, NULL);
	t.type = want.type = TOKEN_WIT;
	t.trust_domain = want.trust_domain = STR("acme.example");
	t.holder = jwk;
	compact = token_kit_issue(&k, &t);
	ck_assert_msg(
	    token_verify(k.a, compact, &want, &found, &err), "%s", err.msg);
	ck_assert(str_eq(found.jkt, keys_thumbprint(&k.holder->public)));
	ck_str_is(found.subject, "i-1");
	ck_assert_ptr_nonnull(found.holder);
	token_fini(&found);
	want.trust_domain = STR("other.example");
	token_kit_is(token_kit_verdict(&k, compact, &want), ERR_EVIDENCE_ISSUER,
	    "another domain");
	json_decref(jwk);
	token_kit_fini(&k);
}
END_TEST

START_TEST(a_jwt_svid)
{
	struct token_kit k;
	struct token_want want;
	struct token t;
	struct str compact;

	token_kit_init(&k, KEY_P256);
	t = token_kit_token(&k);
	want = token_kit_want(&k);
	t.type = want.type = TOKEN_JWT_SVID;
	t.trust_domain = want.trust_domain = STR("acme.example");
	t.jkt = STR("");
	compact = token_kit_issue(&k, &t);
	token_kit_is(
	    token_kit_verdict(&k, compact, &want), ERR_NONE, "as it is");
	want.type = TOKEN_FULL;
	token_kit_is(token_kit_verdict(&k, compact, &want), ERR_EVIDENCE_KIND,
	    "as a full token");
	token_kit_fini(&k);
}
END_TEST

/* ---- no reader takes one type for another ---- */

static const enum token_type all_types[] = { TOKEN_FULL, TOKEN_VERIFY,
	TOKEN_WIT, TOKEN_JWT_SVID };

static struct token
of_type(const struct token_kit *k, enum token_type type, const json_t *jwk)
{
	struct token t = token_kit_token(k);

	t.type = type;
	t.trust_domain = STR("acme.example");
	if (type == TOKEN_WIT)
		t.holder = jwk;
	if (type == TOKEN_JWT_SVID)
		t.jkt = STR("");
	return t;
}

START_TEST(no_type_passes_for_another)
{
	enum token_type made = all_types[_i / 4], asked = all_types[_i % 4];
	struct token_kit k;
	struct token t;
	struct token_want want;
	json_t *jwk;

	token_kit_init(&k, KEY_P256);
	jwk = jwk_write(&k.holder->public, NULL);
	t = of_type(&k, made, jwk);
	want = token_kit_want(&k);
	want.type = asked;
	want.trust_domain = t.trust_domain;
	token_kit_is(token_kit_verdict(&k, token_kit_issue(&k, &t), &want),
	    made == asked ? ERR_NONE : ERR_EVIDENCE_KIND, token_typ(asked));
	json_decref(jwk);
	token_kit_fini(&k);
}
END_TEST

/* JWT-SVID 2.1: no EdDSA. A WIT-SVID may have it. */
START_TEST(ed25519_signs_no_jwt_svid)
{
	struct token_kit k;
	struct token t;
	struct buf out = { 0 };
	struct error err = { 0 };
	json_t *jwk;

	token_kit_init(&k, KEY_ED25519);
	jwk = jwk_write(&k.holder->public, NULL);
	t = of_type(&k, TOKEN_JWT_SVID, NULL);
	ck_assert(!token_issue(k.ring, &t, &out, &err));
	ck_assert_int_eq(err.code, ERR_USAGE);
	ck_assert_uint_eq(out.n, 0);
	t = of_type(&k, TOKEN_WIT, jwk);
	ck_assert(token_issue(k.ring, &t, &out, &err));
	json_decref(jwk);
	buf_free(&out);
	token_kit_fini(&k);
}
END_TEST

START_TEST(types_have_names)
{
	ck_assert_int_eq(token_type_of(STR("wit+jwt")), TOKEN_WIT);
	ck_assert_int_eq(token_type_of(STR("full")), TOKEN_FULL);
	ck_assert_int_eq(
	    token_type_of(STR("urn:ietf:params:oauth:token-type:jwt")),
	    TOKEN_FULL);
	ck_assert_int_eq(token_type_of(STR("")), TOKEN_NONE);
	ck_assert_int_eq(token_type_of(STR("none")), TOKEN_NONE);
	for (size_t i = 0; i < ARRAY_LEN(all_types); i++) {
		const char *urn = token_urn(all_types[i]);

		ck_assert_int_eq(*urn == '\0', all_types[i] == TOKEN_VERIFY);
		if (*urn)
			ck_assert_int_eq(
			    token_type_of(str_of(urn)), all_types[i]);
	}
	ck_assert_str_eq(token_typ(TOKEN_VERIFY), "avow-verify+jwt");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("token");
	TCase *tc = tcase_create("token");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(
	    tc, what_is_issued_verifies, 0, ARRAY_LEN(key_types));
	tcase_add_test(tc, an_id_is_random_when_none_is_given);
	tcase_add_loop_test(tc, a_reader_demands, 0, ARRAY_LEN(demands));
	tcase_add_test(tc, a_revoked_key_of_either_side);
	tcase_add_loop_test(
	    tc, what_no_reader_takes_is_not_issued, 0, ARRAY_LEN(unissued));
	tcase_add_loop_test(tc, attacks_by_form, 0, ARRAY_LEN(forms));
	tcase_add_loop_test(tc, members_of_the_payload, 0, ARRAY_LEN(members));
	tcase_add_test(tc, a_public_key_is_no_secret);
	tcase_add_test(tc, another_key);
	tcase_add_loop_test(
	    tc, no_character_may_differ, 0, ARRAY_LEN(key_types));
	tcase_add_test(tc, texts_that_are_no_token);
	tcase_add_test(tc, a_long_text_is_too_large);
	tcase_add_test(tc, a_wit);
	tcase_add_test(tc, a_jwt_svid);
	tcase_add_loop_test(tc, no_type_passes_for_another, 0, 16);
	tcase_add_test(tc, ed25519_signs_no_jwt_svid);
	tcase_add_test(tc, types_have_names);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
