/* Google's identity tokens, made here under keys of our own: what they say, and
 * one thing wrong each. There is no genuine one to test with. */
#include "attest/doc.h"

#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>

#include "attest/attest.h"
#include "attest/jwk.h"
#include "attest/keys.h"
#include "attest/sig.h"
#include "base/base64.h"
#include "base/file.h"
#include "base/limits.h"
#include "tests/lib/kit.h"
#include "tests/lib/run.h"

static struct arena *memory;
static struct attest_key *google, *other;
static const char *google_pem; /* a path */

static void
setup(void)
{
	memory = arena_new(0);
	ck_assert_ptr_nonnull(memory);
}

static void
teardown(void)
{
	arena_free(memory);
}

#define IAT "1772366400" /* KIT_NOON */
#define EXP "1772370000"
#define INSTANCE                                                               \
	"\"google\":{\"compute_engine\":{\"instance_creation_timestamp\":"     \
	"1772362800,\"instance_id\":\"4340508760561261530\","                  \
	"\"instance_name\":\"web\",\"license_id\":[\"1000204\",\"77\"],"       \
	"\"project_id\":\"acme-prod\",\"project_number\":716149158341,"        \
	"\"zone\":\"us-central1-a\"}}"
#define TIMES "\"iat\":" IAT ",\"exp\":" EXP
#define WHO                                                                    \
	"\"iss\":\"https://accounts.google.com\",\"sub\":\"1109\","            \
	"\"azp\":\"1109\",\"email\":\"x@y\",\"email_verified\":true"
#define USUAL "{\"aud\":\"updates\"," TIMES "," WHO "," INSTANCE "}"
#define HEADER "{\"alg\":\"RS256\",\"kid\":\"f2e1\",\"typ\":\"JWT\"}"

static struct str
signed_input(const char *header, const char *payload)
{
	struct buf b = { 0 };
	struct str ret;

	base64_encode(&b, BASE64_URL, str_of(header));
	buf_byte(&b, '.');
	base64_encode(&b, BASE64_URL, str_of(payload));
	ret = str_dup(memory, buf_str(&b));
	buf_free(&b);
	return ret;
}

static struct str
with_signature(struct str input, struct str signature)
{
	struct buf b = { 0 };
	struct str ret;

	buf_add(&b, input);
	buf_byte(&b, '.');
	base64_encode(&b, BASE64_URL, signature);
	ret = str_dup(memory, buf_str(&b));
	buf_free(&b);
	return ret;
}

static struct str
token(const struct attest_key *by, const char *header, const char *payload)
{
	struct str input = signed_input(header, payload), ret;
	struct buf signature = { 0 };

	ck_assert(sig_sign(&by->public, input, &signature, NULL));
	ret = with_signature(input, buf_str(&signature));
	buf_free(&signature);
	return ret;
}

static struct attest_trust *
trust(const struct attest_trust_entry *more)
{
	static const struct str owner = STR_INIT("acme-prod");
	struct attest_trust_entry entry = *more;
	struct attest_trust *t = attest_trust_new();
	struct error err = { 0 };

	entry.kind = STR("gcp");
	entry.keys = entry.keys ? entry.keys : google_pem;
	if (entry.n_owners == 0) {
		entry.owners = &owner;
		entry.n_owners = 1;
	}
	ck_assert_msg(attest_trust_add(t, &entry, &err), "%s", err.msg);
	return t;
}

static enum err_code
judge_by(const struct attest_trust *t, struct str compact, int64_t at,
    const char *audience, const struct claims **ret)
{
	const struct attest_context ctx = {
		.trust = t, .now_unix_s = at, .audience = str_of(audience)
	};
	struct attest_evidence e;
	struct error err = { 0 };

	if (attest_evidence_from_files(
		memory, STR("gcp"), compact, (struct str){ 0 }, &e, &err) &&
	    attest_verify(memory, &e, &ctx, ret, &err))
		return ERR_NONE;
	return err.code;
}

static enum err_code
judge(struct str compact)
{
	struct attest_trust *t = trust(&(struct attest_trust_entry){ 0 });
	const struct claims *c = NULL;
	enum err_code code = judge_by(t, compact, KIT_NOON, "updates", &c);

	attest_trust_free(t);
	return code;
}

START_TEST(a_token_says)
{
	struct attest_trust *t =
	    trust(&(struct attest_trust_entry){ .prefix = STR("gcp/") });
	const struct claims *c = NULL;
	json_t *said;
	int64_t at;

	ck_assert_int_eq(
	    judge_by(t, token(google, HEADER, USUAL), KIT_NOON, "updates", &c),
	    ERR_NONE);
	ck_str_is(claims_subject(c), "4340508760561261530");
	ck_str_is(claims_principal(c).id, "gcp/4340508760561261530");
	ck_str_is(claims_issuer(c), "https://accounts.google.com");
	ck_str_is(claims_key_id(c), google->public.thumbprint);
	ck_assert(claims_issued_at(c, &at) && at == KIT_NOON);
	ck_assert(claims_expires_at(c, &at) && at == KIT_NOON + 3600);
	ck_assert_int_eq(claims_address(c).family, 0);
	said = claims_to_json(c);
	ck_str_is(json_str(json_object_get(said, "owner")), "acme-prod");
	ck_str_is(json_str(json_object_get(said, "zone")), "us-central1-a");
	ck_str_is(json_str(json_object_get(said, "region")), "us-central1");
	ck_str_is(json_str(json_object_get(said, "launchTime")),
	    "2026-03-01T11:00:00Z");
	ck_assert_uint_eq(
	    json_array_size(json_object_get(said, "licences")), 2);
	json_decref(said);
	attest_trust_free(t);
}
END_TEST

/* ---- what is wrong with it -------------------------------------------------
 */

#define WITHOUT_AUD "{" TIMES "," WHO "," INSTANCE "}"
#define CE(members) "\"google\":{\"compute_engine\":{" members "}}"
#define WITH_CE(members)                                                       \
	"{\"aud\":\"updates\"," TIMES "," WHO "," CE(members) "}"

static const struct {
	const char *note, *header, *payload;
	enum err_code want;
} rows[] = {
	{ "as Google's", HEADER, USUAL, ERR_NONE },
	{ "without kid and typ", "{\"alg\":\"RS256\"}", USUAL, ERR_NONE },
	{ "for another audience", HEADER,
	    "{\"aud\":\"elsewhere\"," TIMES "," WHO "," INSTANCE "}",
	    ERR_EVIDENCE_AUDIENCE },
	{ "for none", HEADER, WITHOUT_AUD, ERR_EVIDENCE_MALFORMED },
	{ "for several", HEADER,
	    "{\"aud\":[\"updates\"]," TIMES "," WHO "," INSTANCE "}",
	    ERR_EVIDENCE_MALFORMED },
	{ "of another issuer", HEADER,
	    "{\"aud\":\"updates\"," TIMES
	    ",\"iss\":\"https://accounts.example\"," INSTANCE "}",
	    ERR_EVIDENCE_ISSUER },
	{ "of none", HEADER, "{\"aud\":\"updates\"," TIMES "," INSTANCE "}",
	    ERR_EVIDENCE_MALFORMED },
	{ "expired", HEADER,
	    "{\"aud\":\"updates\",\"iat\":1772362800,\"exp\":1772366400," WHO
	    "," INSTANCE "}",
	    ERR_EVIDENCE_EXPIRED },
	{ "not yet", HEADER,
	    "{\"aud\":\"updates\",\"iat\":1772366461,\"exp\":1772370000," WHO
	    "," INSTANCE "}",
	    ERR_EVIDENCE_NOT_YET_VALID },
	{ "not before", HEADER,
	    "{\"aud\":\"updates\",\"nbf\":1772366461," TIMES "," WHO
	    "," INSTANCE "}",
	    ERR_EVIDENCE_NOT_YET_VALID },
	{ "without an end", HEADER,
	    "{\"aud\":\"updates\",\"iat\":1772366400," WHO "," INSTANCE "}",
	    ERR_EVIDENCE_MALFORMED },
	{ "an end as text", HEADER,
	    "{\"aud\":\"updates\",\"iat\":1772366400,\"exp\":\"" EXP "\"," WHO
	    "," INSTANCE "}",
	    ERR_EVIDENCE_MALFORMED },
	{ "format=standard", HEADER, "{\"aud\":\"updates\"," TIMES "," WHO "}",
	    ERR_EVIDENCE_MALFORMED },
	{ "no instance", HEADER,
	    WITH_CE("\"project_id\":\"acme-prod\",\"zone\":\"a-b\""),
	    ERR_EVIDENCE_MALFORMED },
	{ "no project", HEADER,
	    WITH_CE("\"instance_id\":\"1\",\"zone\":\"a-b\""),
	    ERR_EVIDENCE_MALFORMED },
	{ "another project", HEADER,
	    WITH_CE("\"instance_id\":\"1\",\"project_id\":\"evil\","
		    "\"project_number\":716149158341,\"zone\":\"a-b\""),
	    ERR_EVIDENCE_OWNER },
	{ "an instance id that is none", HEADER,
	    WITH_CE("\"instance_id\":\"1/2\",\"project_id\":\"acme-prod\","
		    "\"zone\":\"a-b\""),
	    ERR_EVIDENCE_INSTANCE },
	{ "an instance id as a number", HEADER,
	    WITH_CE("\"instance_id\":1,\"project_id\":\"acme-prod\","
		    "\"zone\":\"a-b\""),
	    ERR_EVIDENCE_MALFORMED },
	{ "a zone that is none", HEADER,
	    WITH_CE("\"instance_id\":\"1\",\"project_id\":\"acme-prod\","
		    "\"zone\":\"central\""),
	    ERR_EVIDENCE_MALFORMED },
	{ "a name twice", HEADER,
	    "{\"aud\":\"updates\",\"aud\":\"updates\"," TIMES "," WHO
	    "," INSTANCE "}",
	    ERR_EVIDENCE_MALFORMED },
	{ "no object", HEADER, "[]", ERR_EVIDENCE_MALFORMED },
	{ "another type", "{\"alg\":\"RS256\",\"typ\":\"avow-token+jwt\"}",
	    USUAL, ERR_EVIDENCE_KIND },
	{ "alg none", "{\"alg\":\"none\",\"typ\":\"JWT\"}", USUAL,
	    ERR_EVIDENCE_SIGNATURE },
	{ "another alg", "{\"alg\":\"RS512\",\"typ\":\"JWT\"}", USUAL,
	    ERR_EVIDENCE_SIGNATURE },
	{ "keys of its own",
	    "{\"alg\":\"RS256\",\"jku\":\"https://evil.example\"}", USUAL,
	    ERR_EVIDENCE_MALFORMED },
	{ "a key of its own", "{\"alg\":\"RS256\",\"jwk\":{\"kty\":\"RSA\"}}",
	    USUAL, ERR_EVIDENCE_MALFORMED },
	{ "certificates of its own", "{\"alg\":\"RS256\",\"x5c\":[\"AA\"]}",
	    USUAL, ERR_EVIDENCE_MALFORMED },
	{ "an extension", "{\"alg\":\"RS256\",\"crit\":[\"b64\"]}", USUAL,
	    ERR_EVIDENCE_MALFORMED },
};

START_TEST(tokens)
{
	enum err_code got =
	    judge(token(google, rows[_i].header, rows[_i].payload));

	ck_assert_msg(
	    got == rows[_i].want, "%s: %s", rows[_i].note, error_id(got));
}
END_TEST

START_TEST(signed_by_another)
{
	ck_assert_int_eq(
	    judge(token(other, HEADER, USUAL)), ERR_EVIDENCE_SIGNATURE);
}
END_TEST

/* The public key as a secret, in each form it is known in. */
START_TEST(a_mac_under_the_public_key)
{
	static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
	struct str pem, input = signed_input(header, USUAL);
	unsigned char mac[32];
	unsigned n = 0;

	ck_assert(file_read(memory, google_pem, 1 << 16, &pem, NULL));
	ck_assert_ptr_nonnull(HMAC(EVP_sha256(), pem.p, (int)pem.n,
	    (const unsigned char *)input.p, input.n, mac, &n));
	ck_assert_int_eq(
	    judge(with_signature(input, (struct str){ (const char *)mac, n })),
	    ERR_EVIDENCE_SIGNATURE);
}
END_TEST

START_TEST(no_signature_at_all)
{
	struct str input = signed_input("{\"alg\":\"none\"}", USUAL);

	ck_assert_int_ne(judge(with_signature(input, STR(""))), ERR_NONE);
	ck_assert_int_eq(judge(input), ERR_EVIDENCE_MALFORMED);
}
END_TEST

START_TEST(another_s_payload)
{
	struct str good = token(google, HEADER, USUAL);
	struct str evil = signed_input(HEADER,
	    "{\"aud\":\"updates\"," TIMES "," WHO
	    "," CE("\"instance_id\":\"2\",\"project_id\":\"acme-prod\","
		   "\"zone\":\"a-b\"") "}");
	size_t dot = good.n;

	while (good.p[dot - 1] != '.')
		dot--;
	ck_assert_int_eq(judge(str_printf(memory, "%.*s.%.*s", STR_ARG(evil),
			     STR_ARG(str_sub(good, dot, good.n)))),
	    ERR_EVIDENCE_SIGNATURE);
}
END_TEST

/* One text for one token: what is left over, padded, cut or longer is none. */
START_TEST(written_otherwise)
{
	struct str good = token(google, HEADER, USUAL);

	ck_assert_int_eq(
	    judge(str_printf(memory, "%.*s\n", STR_ARG(good))), ERR_NONE);
	ck_assert_int_ne(
	    judge(str_printf(memory, "%.*s\n\n", STR_ARG(good))), ERR_NONE);
	ck_assert_int_ne(
	    judge(str_printf(memory, "%.*s==", STR_ARG(good))), ERR_NONE);
	ck_assert_int_ne(
	    judge(str_printf(memory, "%.*s.e30", STR_ARG(good))), ERR_NONE);
	ck_assert_int_ne(
	    judge(str_printf(memory, " %.*s", STR_ARG(good))), ERR_NONE);
	for (size_t n = 0; n < good.n; n += 7)
		ck_assert_int_ne(judge(str_sub(good, 0, n)), ERR_NONE);
}
END_TEST

START_TEST(no_bit_changes_what_is_said)
{
	struct attest_trust *t = trust(&(struct attest_trust_entry){ 0 });
	struct str good = token(google, HEADER, USUAL);
	char *p = arena_alloc(memory, good.n);
	const struct claims *c = NULL;

	memcpy(p, good.p, good.n);
	for (size_t i = 0; i < good.n; i++) {
		p[i] = (char)(p[i] ^ 1 << i % 7);
		ck_assert_int_ne(judge_by(t, (struct str){ p, good.n },
				     KIT_NOON, "updates", &c),
		    ERR_NONE);
		p[i] = good.p[i];
	}
	attest_trust_free(t);
}
END_TEST

START_TEST(large_and_deep)
{
	char *large = arena_alloc(memory, 10000);
	struct buf deep = { 0 };

	memset(large, ' ', 9000);
	memcpy(large + 9000, USUAL, sizeof USUAL);
	ck_assert_int_eq(
	    judge(token(google, HEADER, large)), ERR_EVIDENCE_TOO_LARGE);
	buf_addz(&deep, "{\"x\":");
	for (int i = 0; i < 40; i++)
		buf_byte(&deep, '[');
	for (int i = 0; i < 40; i++)
		buf_byte(&deep, ']');
	buf_byte(&deep, '}');
	buf_byte(&deep, '\0');
	ck_assert_int_eq(
	    judge(token(google, HEADER, deep.p)), ERR_EVIDENCE_MALFORMED);
	buf_free(&deep);
}
END_TEST

/* ---- pins and keys ---------------------------------------------------------
 */

START_TEST(pins)
{
	static const struct str number = STR_INIT("716149158341"),
				region = STR_INIT("us-central1"),
				elsewhere = STR_INIT("europe-west1"),
				image = STR_INIT("debian-12");
	const struct {
		struct attest_trust_entry entry;
		enum err_code want;
	} all[] = {
		{ { .owners = &number, .n_owners = 1 }, ERR_NONE },
		{ { .owners = &elsewhere, .n_owners = 1 }, ERR_EVIDENCE_OWNER },
		{ { .regions = &region, .n_regions = 1 }, ERR_NONE },
		{ { .regions = &elsewhere, .n_regions = 1 },
		    ERR_EVIDENCE_OWNER },
		{ { .images = &image, .n_images = 1 }, ERR_EVIDENCE_OWNER },
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct attest_trust *t = trust(&all[i].entry);
		const struct claims *c = NULL;

		ck_assert_int_eq(judge_by(t, token(google, HEADER, USUAL),
				     KIT_NOON, "updates", &c),
		    all[i].want);
		attest_trust_free(t);
	}
}
END_TEST

static void
add_jwk(struct buf *b, const struct attest_key *k, const char *more)
{
	json_t *jwk = jwk_write(&k->public, "sig");

	ck_assert(json_write(b, jwk));
	b->n--; /* the brace */
	buf_printf(b, ",%s}", more);
	json_decref(jwk);
}

/* As Google publishes them: with names of its own, and others beside. */
START_TEST(a_key_set)
{
	struct buf b = { 0 };
	struct attest_trust_entry entry = { 0 };
	struct attest_trust *t;
	const struct claims *c = NULL;

	buf_addz(&b, "{\"keys\":[");
	add_jwk(&b, other, "\"x\":1");
	buf_byte(&b, ',');
	add_jwk(&b, google, "\"y\":1");
	buf_addz(&b, "]}");
	entry.keys = kit_file(memory, "certs.json", buf_str(&b));
	buf_free(&b);
	t = trust(&entry);
	ck_assert_int_eq(
	    judge_by(t, token(google, HEADER, USUAL), KIT_NOON, "updates", &c),
	    ERR_NONE);
	attest_trust_free(t);
}
END_TEST

/* ---- the ways it comes in --------------------------------------------------
 */

START_TEST(as_rhui_and_as_a_pack)
{
	struct attest_trust *t = trust(&(struct attest_trust_entry){ 0 });
	struct str compact = token(google, HEADER, USUAL);
	const struct attest_context ctx = {
		.trust = t, .now_unix_s = KIT_NOON, .audience = STR("updates")
	};
	struct buf b64 = { 0 }, pack = { 0 };
	const struct claims *c = NULL;
	struct attest_evidence e;
	struct error err = { 0 };

	base64_encode(&b64, BASE64_URL, compact);
	ck_assert(attest_evidence_from_rhui(memory, STR("gcp"), buf_str(&b64),
	    STR("eyJhY2Nlc3NfdG9rZW4iOiJzZWNyZXQifQ=="), &e, &err));
	ck_assert(attest_verify(memory, &e, &ctx, &c, &err));
	ck_assert(attest_evidence_from_rhui(
	    memory, STR("gcp"), compact, STR(""), &e, &err));
	ck_assert(attest_verify(memory, &e, &ctx, &c, &err));
	ck_assert(attest_evidence_pack(&e, &pack, &err));
	ck_assert(attest_evidence_from_pack(memory, buf_str(&pack), &e, &err));
	ck_str_is(e.kind, "gcp");
	ck_assert(attest_verify(memory, &e, &ctx, &c, &err));
	e.signature = STR("x");
	ck_assert(!attest_verify(memory, &e, &ctx, &c, &err));
	ck_assert(!attest_evidence_from_rhui(
	    memory, STR("gcp"), STR("%%%"), STR(""), &e, &err));
	ck_assert(!attest_evidence_from_files(
	    memory, STR("gcp"), compact, STR("x"), &e, &err));
	buf_free(&b64);
	buf_free(&pack);
	attest_trust_free(t);
}
END_TEST

/* The project is pinned by its number, which is no claim. */
START_TEST(a_cache_remembers_no_audience)
{
	static const struct str number = STR_INIT("716149158341");
	struct attest_trust *t = trust(
	    &(struct attest_trust_entry){ .owners = &number, .n_owners = 1 });
	struct attest_cache *cache = attest_cache_new();
	struct attest_context ctx = {
		.trust = t, .now_unix_s = KIT_NOON, .audience = STR("updates")
	};
	const struct attest_evidence e = { STR("gcp"),
		token(google, HEADER, USUAL), STR("") };
	const struct claims *c = NULL;
	struct error err = { 0 };

	ck_assert(attest_cache_verify(cache, memory, &e, &ctx, &c, &err));
	ck_assert(attest_cache_verify(cache, memory, &e, &ctx, &c, &err));
	ctx.audience = STR("elsewhere");
	ck_assert(!attest_cache_verify(cache, memory, &e, &ctx, &c, &err));
	ck_assert_int_eq(err.code, ERR_EVIDENCE_AUDIENCE);
	ctx.audience = STR("updates");
	ctx.now_unix_s += 3600;
	ck_assert(!attest_cache_verify(cache, memory, &e, &ctx, &c, &err));
	attest_cache_free(cache);
	attest_trust_free(t);
}
END_TEST

static struct str
key_set_of(const struct attest_key *key)
{
	json_t *set =
	    json_pack("{s:[o]}", "keys", jwk_write(&key->public, "sig"));
	struct buf b = { 0 };
	struct str ret;

	ck_assert(json_write(&b, set));
	ret = str_dup(memory, buf_str(&b));
	buf_free(&b);
	json_decref(set);
	return ret;
}

/* By the first look and from what was remembered alike (SECURITY 10). */
START_TEST(a_key_set_has_its_time)
{
	atomic_int_fast64_t until = KIT_NOON + 100;
	struct attest_trust *t = trust(
	    &(struct attest_trust_entry){ .keys = "https://keys.example/certs",
		.key_set = key_set_of(google),
		.fresh_until_s = &until });
	struct attest_cache *cache = attest_cache_new();
	struct attest_context ctx = { .trust = t,
		.now_unix_s = KIT_NOON + 99,
		.audience = STR("updates") };
	const struct attest_evidence e = { STR("gcp"),
		token(google, HEADER, USUAL), STR("") };
	const struct claims *c = NULL;
	struct error err = { 0 };

	ck_assert(attest_cache_verify(cache, memory, &e, &ctx, &c, &err));
	ck_assert(attest_cache_verify(cache, memory, &e, &ctx, &c, &err));
	ctx.now_unix_s++;
	ck_assert(!attest_cache_verify(cache, memory, &e, &ctx, &c, &err));
	ck_assert_int_eq(err.code, ERR_DATA_STALE);
	ck_assert(!attest_verify(memory, &e, &ctx, &c, &err));
	ck_assert_int_eq(err.code, ERR_DATA_STALE);
	atomic_store(&until, KIT_NOON + 200);
	ck_assert(attest_cache_verify(cache, memory, &e, &ctx, &c, &err));
	attest_cache_free(cache);
	attest_trust_free(t);
}
END_TEST

START_TEST(a_key_set_is_a_set_of_keys)
{
	struct attest_trust *t = attest_trust_new();
	const struct str owner = STR("acme-prod");
	struct attest_trust_entry entry = { .kind = STR("gcp"),
		.keys = "https://keys.example/certs",
		.owners = &owner,
		.n_owners = 1,
		.key_set = STR("{\"keys\":[]}") };
	struct error err = { 0 };

	ck_assert(!attest_trust_add(t, &entry, &err));
	ck_assert_int_eq(err.code, ERR_CONFIG_TRUST);
	entry.kind = STR("azure");
	entry.key_set = key_set_of(google);
	ck_assert(!attest_trust_add(t, &entry, &err));
	ck_assert_int_eq(err.code, ERR_CONFIG_TRUST);
	entry.kind = STR("gcp");
	ck_assert_msg(attest_trust_add(t, &entry, &err), "%s", err.msg);
	attest_trust_free(t);
}
END_TEST

/* RSA keys take their time: two for all tests. */
static struct attest_key *
make_key(const char *name, const char **ret_pem)
{
	struct arena *a = arena_new(0);
	static char paths[2][700];
	static int n;
	const char *path =
	    str_printf(a, "%s/%s.key.pem", test_folder(), name).p;
	struct attest_key *key;
	struct buf pem = { 0 };
	struct error err = { 0 };

	snprintf(paths[n], sizeof paths[n], "%s/%s.pem", test_folder(), name);
	*ret_pem = paths[n++];
	if (!attest_key_create(KEY_RSA2048, path, &err) ||
	    !attest_key_public_pem(path, &pem, &err) ||
	    !file_create(*ret_pem, 0644, buf_str(&pem), &err))
		abort();
	key = attest_key_open(path, &err);
	if (!key)
		abort();
	buf_free(&pem);
	arena_free(a);
	return key;
}

int
main(void)
{
	Suite *suite = suite_create("gcp");
	TCase *tc = tcase_create("gcp");
	const char *unused;
	int failed;

	json_setup();
	google = make_key("google", &google_pem);
	other = make_key("other", &unused);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_token_says);
	tcase_add_loop_test(tc, tokens, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, a_key_set_has_its_time);
	tcase_add_test(tc, a_key_set_is_a_set_of_keys);
	tcase_add_test(tc, signed_by_another);
	tcase_add_test(tc, a_mac_under_the_public_key);
	tcase_add_test(tc, no_signature_at_all);
	tcase_add_test(tc, another_s_payload);
	tcase_add_test(tc, written_otherwise);
	tcase_add_test(tc, no_bit_changes_what_is_said);
	tcase_add_test(tc, large_and_deep);
	tcase_add_test(tc, pins);
	tcase_add_test(tc, a_key_set);
	tcase_add_test(tc, as_rhui_and_as_a_pack);
	tcase_add_test(tc, a_cache_remembers_no_audience);
	tcase_set_timeout(tc, 60);
	suite_add_tcase(suite, tc);
	failed = run_suite(suite);
	attest_key_free(google);
	attest_key_free(other);
	return failed;
}
