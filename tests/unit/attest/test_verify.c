/* Verification: every refusal with its code, in its order; every bit. */
#include "attest/verify.h"

#include <stdio.h>

#include "attest/keys.h"
#include "attest/sig.h"
#include "attest/trust.h"
#include "base/limits.h"
#include "tests/lib/kit.h"
#include "tests/lib/run.h"

static enum err_code
verdict(struct kit *k, const struct attest_evidence *e,
    const struct attest_context *ctx)
{
	const struct claims *claims = NULL;
	struct error err = { 0 };
	bool ok = attest_verify(k->arena, e, ctx, &claims, &err);

	ck_assert_int_eq(ok, claims != NULL);
	ck_assert_int_eq(ok, err.code == ERR_NONE);
	return err.code;
}

#define check_code(got, want, note)                                            \
	do {                                                                   \
		enum err_code code_ = (got);                                   \
		ck_assert_msg(code_ == (want), "%s: got `%s`, want `%s`",      \
		    (note), error_id(code_), error_id(want));                  \
	} while (0)

static const enum attest_key_type types[] = { KEY_RSA2048, KEY_P256,
	KEY_ED25519 };

START_TEST(a_good_document_gives_claims)
{
	struct kit k;
	struct attest_evidence e;
	struct attest_context ctx;
	const struct claims *c = NULL;
	struct error err = { 0 };
	int64_t at = 0;

	kit_init(&k, types[_i]);
	e = kit_sign(&k, kit_document(&k, NULL, NULL));
	ctx = kit_context(&k);
	ck_assert_msg(
	    attest_verify(k.arena, &e, &ctx, &c, &err), "%s", err.msg);
	ck_str_is(claims_principal(c).type, "Instance");
	ck_str_is(claims_principal(c).id, "i-1");
	ck_str_is(claims_subject(c), "i-1");
	ck_str_is(claims_kind(c), "avow");
	ck_str_is(claims_issuer(c), "acme");
	ck_str_is(claims_key_id(c), k.key->public.thumbprint);
	ck_str_is(claims_document_id(c), "00112233445566778899aabbccddeeff");
	ck_assert(claims_issued_at(c, &at) && at == KIT_NOON);
	ck_assert(claims_expires_at(c, &at) && at == KIT_NOON + 3600);
	ck_assert_int_eq(claims_lease_end(c, KIT_NOON), KIT_NOON + 3600);
	ck_assert(!claims_has_cnf(c));
	ck_assert_uint_eq(claims_address(c).family, 4);
	ck_assert(claims_has(c, STR("imageId")));
	ck_assert(claims_has(c, STR("licences")));
	kit_fini(&k);
}
END_TEST

/* ---- times: the edge second on each side ---- */

static const struct {
	const char *note;
	int64_t now; /* after noon, seconds */
	enum err_code want;
} times[] = {
	{ "long before", -86400, ERR_EVIDENCE_NOT_YET_VALID },
	{ "just outside the skew", -LIMIT_SKEW_S - 1,
	    ERR_EVIDENCE_NOT_YET_VALID },
	{ "just inside the skew", -LIMIT_SKEW_S, ERR_NONE },
	{ "at noon", 0, ERR_NONE },
	{ "the last second", 3599, ERR_NONE },
	{ "the second it ends", 3600, ERR_EVIDENCE_EXPIRED },
	{ "within what would be skew", 3601, ERR_EVIDENCE_EXPIRED },
	{ "a year later", 366 * 86400, ERR_EVIDENCE_EXPIRED },
};

START_TEST(times_have_edges)
{
	struct kit k;
	struct attest_evidence e;
	struct attest_context ctx;

	kit_init(&k, KEY_P256);
	e = kit_sign(&k, kit_document(&k, NULL, NULL));
	ctx = kit_context(&k);
	ctx.now_unix_s += times[_i].now;
	check_code(verdict(&k, &e, &ctx), times[_i].want, times[_i].note);
	kit_fini(&k);
}
END_TEST

/* Either of issuedAt and notBefore may be the later one. */
START_TEST(both_starts_count)
{
	static const char *const members[] = { "issuedAt", "notBefore" };
	struct kit k;
	struct attest_evidence e;
	struct attest_context ctx;
	char from[64], to[64];

	kit_init(&k, KEY_P256);
	snprintf(from, sizeof from, "\"%s\":\"2026-03-01T12:0", members[_i]);
	snprintf(to, sizeof to, "\"%s\":\"2026-03-01T12:3", members[_i]);
	e = kit_sign(&k, kit_document(&k, from, to));
	ctx = kit_context(&k);
	check_code(
	    verdict(&k, &e, &ctx), ERR_EVIDENCE_NOT_YET_VALID, members[_i]);
	ctx.now_unix_s += 1800 - LIMIT_SKEW_S;
	check_code(verdict(&k, &e, &ctx), ERR_NONE, members[_i]);
	kit_fini(&k);
}
END_TEST

/* ---- what a genuine signature does not mend ---- */

#define CNF                                                                    \
	"\"cnf\":{\"jkt\":\"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs\"},"   \
	"\"claims\""

static const struct {
	const char *note, *from, *to;
	enum err_code want;
} signed_rows[] = {
	{ "as it is", "acme", "acme", ERR_NONE },
	{ "another issuer", "\"acme\"", "\"acne\"", ERR_EVIDENCE_ISSUER },
	{ "issuer in another case", "\"acme\"", "\"Acme\"",
	    ERR_EVIDENCE_ISSUER },
	{ "another audience", "[\"updates\"]", "[\"web\"]",
	    ERR_EVIDENCE_AUDIENCE },
	{ "audience that begins so", "[\"updates\"]", "[\"updates2\"]",
	    ERR_EVIDENCE_AUDIENCE },
	{ "several audiences", "[\"updates\"]", "[\"web\",\"updates\"]",
	    ERR_NONE },
	{ "no audience", "[\"updates\"]", "[]", ERR_EVIDENCE_AUDIENCE },
	{ "bound to a key", "\"claims\"", CNF, ERR_EVIDENCE_PROOF },
	{ "bad subject", "\"i-1\"", "\"i:1\"", ERR_EVIDENCE_INSTANCE },
	{ "another typ", "document/1", "document/2", ERR_EVIDENCE_MALFORMED },
	{ "unknown member", "\"issuer\"", "\"x\":1,\"issuer\"",
	    ERR_EVIDENCE_MALFORMED },
	{ "another key's id", "\"KEY\"",
	    "\"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs\"",
	    ERR_EVIDENCE_KEY },
	{ "no key id", "\"keyId\":\"KEY\",", "", ERR_EVIDENCE_MALFORMED },
	{ "key id that is none", "\"KEY\"", "\"../key\"",
	    ERR_EVIDENCE_MALFORMED },
};

START_TEST(a_signature_is_not_enough)
{
	struct kit k;
	struct attest_evidence e;
	struct attest_context ctx;

	kit_init(&k, KEY_P256);
	e = kit_sign(
	    &k, kit_document(&k, signed_rows[_i].from, signed_rows[_i].to));
	ctx = kit_context(&k);
	check_code(
	    verdict(&k, &e, &ctx), signed_rows[_i].want, signed_rows[_i].note);
	kit_fini(&k);
}
END_TEST

START_TEST(a_bound_document_with_its_proof)
{
	struct kit k;
	struct attest_evidence e;
	struct attest_context ctx;

	kit_init(&k, KEY_P256);
	e = kit_sign(&k, kit_document(&k, "\"claims\"", CNF));
	ctx = kit_context(&k);
	ctx.proven_before = true;
	check_code(verdict(&k, &e, &ctx), ERR_NONE, "proven");
	kit_fini(&k);
}
END_TEST

static void
retrust(struct kit *k, const struct attest_trust_entry *entry)
{
	struct error err = { 0 };

	attest_trust_free(k->trust);
	k->trust = attest_trust_new();
	ck_assert_msg(attest_trust_add(k->trust, entry, &err), "%s", err.msg);
}

/* A gate that forgot its name takes nothing that is for somebody, or has to be;
 * not to ask has to be said. */
static const struct {
	const char *note, *document, *asked;
	bool any, optional; /* any_audience; the entry requires none */
	enum err_code want;
} audiences[] = {
	{ "required, for nobody, no name", "[]", "", false, false,
	    ERR_EVIDENCE_AUDIENCE },
	{ "required, for somebody, no name", "[\"updates\"]", "", false, false,
	    ERR_EVIDENCE_AUDIENCE },
	{ "not required, for somebody, no name", "[\"updates\"]", "", false,
	    true, ERR_EVIDENCE_AUDIENCE },
	{ "not required, for nobody, no name", "[]", "", false, true,
	    ERR_NONE },
	{ "not required, for nobody, a name", "[]", "updates", false, true,
	    ERR_NONE },
	{ "not asked, for somebody", "[\"web\"]", "", true, false, ERR_NONE },
	{ "not asked, for nobody", "[]", "", true, false, ERR_NONE },
};

START_TEST(audience_without_a_name)
{
	struct kit k;
	struct attest_evidence e;
	struct attest_context ctx;

	kit_init(&k, KEY_P256);
	if (audiences[_i].optional) {
		const struct attest_trust_entry entry = {
			.kind = STR("avow"),
			.keys = k.folder,
			.issuer = STR("acme"),
		};

		retrust(&k, &entry);
	}
	e = kit_sign(
	    &k, kit_document(&k, "[\"updates\"]", audiences[_i].document));
	ctx = kit_context(&k);
	ctx.audience = str_of(audiences[_i].asked);
	ctx.any_audience = audiences[_i].any;
	check_code(
	    verdict(&k, &e, &ctx), audiences[_i].want, audiences[_i].note);
	kit_fini(&k);
}
END_TEST

/* ---- pins, kinds, keys ---- */

static const struct str right_owner[] = { STR_INIT("other"),
	STR_INIT("acme-owner") };
static const struct str wrong[] = { STR_INIT("acme-owne"),
	STR_INIT("acme-owner2") };
static const struct str north[] = { STR_INIT("north") };
static const struct str image[] = { STR_INIT("img-12") };

static const struct {
	const char *note;
	const struct str *owners, *regions, *images;
	const char *from, *to; /* NULL: the document as it is */
	enum err_code want;
} pins[] = {
	{ "right ones", right_owner, north, image, NULL, NULL, ERR_NONE },
	{ "another owner", wrong, north, image, NULL, NULL,
	    ERR_EVIDENCE_OWNER },
	{ "another region", right_owner, wrong, image, NULL, NULL,
	    ERR_EVIDENCE_OWNER },
	{ "another image", right_owner, north, wrong, NULL, NULL,
	    ERR_EVIDENCE_OWNER },
	{ "no owner said", right_owner, north, image,
	    "\"owner\":\"acme-owner\",", "", ERR_EVIDENCE_OWNER },
	{ "no region said", right_owner, north, image, "\"region\":\"north\",",
	    "", ERR_EVIDENCE_OWNER },
};

START_TEST(pins_hold)
{
	struct kit k;
	struct attest_evidence e;
	struct attest_context ctx;
	struct attest_trust_entry entry = { .kind = STR("avow"),
		.issuer = STR("acme"),
		.owners = pins[_i].owners,
		.regions = pins[_i].regions,
		.images = pins[_i].images,
		.n_owners = 2,
		.n_regions = pins[_i].regions == wrong ? 2 : 1,
		.n_images = pins[_i].images == wrong ? 2 : 1 };

	kit_init(&k, KEY_P256);
	entry.keys = k.folder;
	retrust(&k, &entry);
	e = kit_sign(&k, kit_document(&k, pins[_i].from, pins[_i].to));
	ctx = kit_context(&k);
	check_code(verdict(&k, &e, &ctx), pins[_i].want, pins[_i].note);
	kit_fini(&k);
}
END_TEST

START_TEST(kinds_that_are_not_trusted)
{
	static const char *const kinds[] = { "ec2-signature", "ec2-rsa2048",
		"azure", "", "AVOW", "avow " };
	struct kit k;
	struct attest_evidence e;
	struct attest_context ctx;

	kit_init(&k, KEY_P256);
	e = kit_sign(&k, kit_document(&k, NULL, NULL));
	e.kind = str_of(kinds[_i]);
	ctx = kit_context(&k);
	check_code(verdict(&k, &e, &ctx), ERR_EVIDENCE_KIND, kinds[_i]);
	kit_fini(&k);
}
END_TEST

/* Another issuer that we trust, too, for its own prefix: it may not use the
 * first one's key id, nor its name. */
START_TEST(each_issuer_has_its_own)
{
	struct kit a, b;
	struct attest_trust_entry entry = { .kind = STR("avow"),
		.issuer = STR("bolt"),
		.prefix = STR("bolt/") };
	struct attest_evidence e;
	struct attest_context ctx;
	const struct claims *c;
	struct error err = { 0 };
	const char *id;

	kit_init(&a, KEY_P256);
	kit_init(&b, KEY_P256);
	entry.keys = b.folder;
	ck_assert(attest_trust_add(a.trust, &entry, &err));
	ctx = kit_context(&a);
	e = kit_sign(&b, kit_document(&b, "\"acme\"", "\"bolt\""));
	ck_assert_msg(
	    attest_verify(a.arena, &e, &ctx, &c, &err), "%s", err.msg);
	ck_str_is(claims_principal(c).id, "bolt/i-1");
	ck_str_is(claims_subject(c), "i-1");
	/* Its own key, the other's name. */
	e = kit_sign(&b, kit_document(&b, NULL, NULL));
	check_code(verdict(&a, &e, &ctx), ERR_EVIDENCE_ISSUER, "name");
	/* The other's key id over its own signature. */
	id = a.key->public.thumbprint;
	e = kit_sign(&b, kit_document(&b, "KEY", id));
	check_code(verdict(&a, &e, &ctx), ERR_EVIDENCE_SIGNATURE, "key id");
	kit_fini(&a);
	kit_fini(&b);
}
END_TEST

/* A signature of every other algorithm under a key id of this one. */
START_TEST(the_key_picks_the_algorithm)
{
	struct kit mine, other;
	struct attest_evidence e;
	struct attest_context ctx;

	kit_init(&mine, types[_i % 3]);
	kit_init(&other, types[_i / 3]);
	e = kit_sign(
	    &other, kit_document(&other, "KEY", mine.key->public.thumbprint));
	ctx = kit_context(&mine);
	check_code(
	    verdict(&mine, &e, &ctx), ERR_EVIDENCE_SIGNATURE, "another key's");
	kit_fini(&mine);
	kit_fini(&other);
}
END_TEST

/* ---- revocation ---- */

static const struct {
	const char *text;
	enum err_code want;
} revocations[] = {
	{ "", ERR_NONE },
	{ "document 00112233445566778899aabbccddeeff\n", ERR_EVIDENCE_REVOKED },
	{ "document ff112233445566778899aabbccddeeff\n", ERR_NONE },
	{ "instance i-1\n", ERR_EVIDENCE_REVOKED },
	{ "instance x/i-1\n", ERR_NONE },
	{ "key KEY\n", ERR_EVIDENCE_REVOKED },
};

START_TEST(each_sort_of_revocation)
{
	struct kit k;
	struct attest_evidence e;
	struct attest_context ctx;
	struct attest_revoked *r;
	char text[200];
	const char *key = strstr(revocations[_i].text, "KEY");

	kit_init(&k, KEY_P256);
	e = kit_sign(&k, kit_document(&k, NULL, NULL));
	ctx = kit_context(&k);
	snprintf(text, sizeof text, "key %s\n", k.key->public.thumbprint);
	r = kit_revoked(key ? text : revocations[_i].text);
	ctx.revoked = r;
	check_code(
	    verdict(&k, &e, &ctx), revocations[_i].want, revocations[_i].text);
	attest_revoked_free(r);
	kit_fini(&k);
}
END_TEST

/* ---- order: what fails first gives the code ---- */

START_TEST(the_order_is_fixed)
{
	struct kit k;
	struct attest_evidence e;
	struct attest_context ctx;
	struct attest_revoked *r =
	    kit_revoked("document 00112233445566778899aabbccddeeff");

	kit_init(&k, KEY_P256);
	ctx = kit_context(&k);
	ctx.revoked = r;
	/* Expired, of another issuer, for another audience, and revoked. */
	e = kit_sign(&k, kit_document(&k, "\"acme\"", "\"acne\""));
	ctx.audience = STR("web");
	ctx.now_unix_s += 3600;
	check_code(verdict(&k, &e, &ctx), ERR_EVIDENCE_EXPIRED, "1");
	ctx.now_unix_s = KIT_NOON;
	check_code(verdict(&k, &e, &ctx), ERR_EVIDENCE_ISSUER, "2");
	e = kit_sign(&k, kit_document(&k, "\"claims\"", CNF));
	check_code(verdict(&k, &e, &ctx), ERR_EVIDENCE_REVOKED, "3");
	ctx.revoked = NULL;
	check_code(verdict(&k, &e, &ctx), ERR_EVIDENCE_AUDIENCE, "4");
	ctx.audience = STR("updates");
	check_code(verdict(&k, &e, &ctx), ERR_EVIDENCE_PROOF, "5");
	/* And before all of them the signature. */
	e.signature.n--;
	ctx.now_unix_s += 3600;
	check_code(verdict(&k, &e, &ctx), ERR_EVIDENCE_SIGNATURE, "6");
	attest_revoked_free(r);
	kit_fini(&k);
}
END_TEST

/* ---- the exact bytes ---- */

static bool
is_refusal(enum err_code code)
{
	return strncmp(error_id(code), "evidence.", 9) == 0;
}

static void
flip_all(struct kit *k, struct attest_evidence *e, struct str *which,
    const char *note)
{
	struct attest_context ctx = kit_context(k);
	char *p = arena_alloc(k->arena, which->n);
	struct arena *scratch = arena_new(0), *kept = k->arena;

	memcpy(p, which->p, which->n);
	which->p = p;
	check_code(verdict(k, e, &ctx), ERR_NONE, note);
	k->arena = scratch;
	for (size_t bit = 0; bit < which->n * 8; bit++) {
		p[bit / 8] = (char)(p[bit / 8] ^ 1 << bit % 8);
		ck_assert_msg(is_refusal(verdict(k, e, &ctx)),
		    "%s: bit %zu may be flipped", note, bit);
		p[bit / 8] = (char)(p[bit / 8] ^ 1 << bit % 8);
		arena_reset(scratch);
	}
	k->arena = kept;
	arena_free(scratch);
}

START_TEST(no_bit_may_differ)
{
	struct kit k;
	struct attest_evidence e;

	kit_init(&k, types[_i]);
	e = kit_sign(&k, kit_document(&k, NULL, NULL));
	flip_all(&k, &e, &e.document, "document");
	flip_all(&k, &e, &e.signature, "signature");
	kit_fini(&k);
}
END_TEST

START_TEST(no_byte_may_be_added)
{
	static const char *const around[][2] = { { "", "\n" }, { "", " " },
		{ " ", "" }, { "", "{}" }, { "\xef\xbb\xbf", "" } };
	struct kit k;
	struct attest_evidence e;
	struct attest_context ctx;

	kit_init(&k, KEY_P256);
	e = kit_sign(&k, kit_document(&k, NULL, NULL));
	ctx = kit_context(&k);
	e.document = str_printf(k.arena, "%s%.*s%s", around[_i][0],
	    STR_ARG(e.document), around[_i][1]);
	ck_assert(is_refusal(verdict(&k, &e, &ctx)));
	kit_fini(&k);
}
END_TEST

START_TEST(a_nul_behind_the_document)
{
	struct kit k;
	struct attest_evidence e;
	struct attest_context ctx;

	kit_init(&k, KEY_P256);
	e = kit_sign(&k, kit_document(&k, NULL, NULL));
	ctx = kit_context(&k);
	e.document = str_dup(k.arena, e.document);
	e.document.n++; /* the NUL that str_dup puts there */
	check_code(verdict(&k, &e, &ctx), ERR_EVIDENCE_MALFORMED, "NUL");
	/* Signed so, it is no document either. */
	e = kit_sign(&k, e.document);
	check_code(verdict(&k, &e, &ctx), ERR_EVIDENCE_MALFORMED, "signed NUL");
	kit_fini(&k);
}
END_TEST

START_TEST(sizes_come_first)
{
	static char big[LIMIT_DOCUMENT_BYTES + 1];
	struct kit k;
	struct attest_evidence e;
	struct attest_context ctx;

	kit_init(&k, KEY_P256);
	ctx = kit_context(&k);
	e = kit_sign(&k, kit_document(&k, NULL, NULL));
	e.document = (struct str){ big, sizeof big };
	check_code(verdict(&k, &e, &ctx), ERR_EVIDENCE_TOO_LARGE, "document");
	e = kit_sign(&k, kit_document(&k, NULL, NULL));
	e.signature = (struct str){ big, LIMIT_SIGNATURE_BYTES + 1 };
	check_code(verdict(&k, &e, &ctx), ERR_EVIDENCE_TOO_LARGE, "signature");
	e.signature.n = 0;
	check_code(verdict(&k, &e, &ctx), ERR_EVIDENCE_MALFORMED, "none");
	kit_fini(&k);
}
END_TEST

/* What is kept of evidence says of itself all that is checked again. */
START_TEST(what_is_kept_stands_alone)
{
	struct kit k;
	struct attest_evidence e;
	struct attest_context ctx, now;
	struct verified v, kept;
	struct arena *home;
	struct error err = { 0 };

	kit_init(&k, KEY_P256);
	ctx = now = kit_context(&k);
	e = kit_sign(&k, kit_document(&k, NULL, NULL));
	ck_assert(verify_evidence(k.arena, &e, &ctx, &v, &err));
	ck_assert_uint_gt(verified_keep_bytes(&v), 0);
	/* No larger than it says. */
	home = arena_new(verified_keep_bytes(&v) / 2);
	ck_assert(!verified_copy(home, &v, &kept, NULL));
	arena_free(home);
	home = arena_new(verified_keep_bytes(&v));
	ck_assert(verified_copy(home, &v, &kept, NULL));
	arena_reset(k.arena);
	ck_assert(str_eq(claims_subject(kept.claims), STR("i-1")));
	ck_assert(verify_again(&kept, &ctx, NULL));
	now.now_unix_s += 3600;
	ck_assert(!verify_again(&kept, &now, &err));
	ck_assert_int_eq(err.code, ERR_EVIDENCE_EXPIRED);
	arena_free(home);
	kit_fini(&k);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("verify");
	TCase *tc = tcase_create("verify");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, a_good_document_gives_claims, 0, 3);
	tcase_add_loop_test(tc, times_have_edges, 0, ARRAY_LEN(times));
	tcase_add_loop_test(tc, both_starts_count, 0, 2);
	tcase_add_loop_test(
	    tc, a_signature_is_not_enough, 0, ARRAY_LEN(signed_rows));
	tcase_add_test(tc, a_bound_document_with_its_proof);
	tcase_add_loop_test(
	    tc, audience_without_a_name, 0, ARRAY_LEN(audiences));
	tcase_add_loop_test(tc, pins_hold, 0, ARRAY_LEN(pins));
	tcase_add_loop_test(tc, kinds_that_are_not_trusted, 0, 6);
	tcase_add_test(tc, each_issuer_has_its_own);
	tcase_add_loop_test(tc, the_key_picks_the_algorithm, 0, 9);
	tcase_add_loop_test(
	    tc, each_sort_of_revocation, 0, ARRAY_LEN(revocations));
	tcase_add_test(tc, the_order_is_fixed);
	tcase_add_loop_test(tc, no_bit_may_differ, 0, 3);
	tcase_add_loop_test(tc, no_byte_may_be_added, 0, 5);
	tcase_add_test(tc, a_nul_behind_the_document);
	tcase_add_test(tc, sizes_come_first);
	tcase_add_test(tc, what_is_kept_stands_alone);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
