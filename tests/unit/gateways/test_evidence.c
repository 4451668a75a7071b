/* test_evidence.c - header fields into one kind of evidence, or a refusal. */
#include "gateways/evidence.h"

#include "base/base64.h"
#include "tests/lib/run.h"

static struct arena *a;

static void
setup(void)
{
	a = arena_new(0);
}

static void
teardown(void)
{
	arena_free(a);
}

/* `{}` and `sig` in both alphabets; user:pack in Base64. */
#define DOC "e30"
#define SIG "c2ln"
#define PACK "avow1.avow.e30.c2ln"
#define BASIC "Basic aS0xOmF2b3cxLmF2b3cuZTMwLmMybG4="

static const struct {
	const char *note;
	struct http_header headers[4];
	enum http_flaw flaw;
	enum err_code want;
	const char *kind, *user;
	const char *document, *signature; /* NULL: `{}`, `sig` */
} rows[] = {
	{ "two fields",
	    { { STR_INIT("X-Avow-Document"), STR_INIT(DOC) },
		{ STR_INIT("X-Avow-Signature"), STR_INIT(SIG) } },
	    .kind = "avow" },
	{ "names ignore case",
	    { { STR_INIT("x-aVOW-document"), STR_INIT(DOC) },
		{ STR_INIT("x-avow-signature"), STR_INIT(SIG) } },
	    .kind = "avow" },
	{ "a pack", { { STR_INIT("X-Avow-Pack"), STR_INIT(PACK) } },
	    .kind = "avow" },
	{ "RHUI",
	    { { STR_INIT("X-RHUI-ID"), STR_INIT("e30=") },
		{ STR_INIT("X-RHUI-SIGNATURE"), STR_INIT("c2ln") } },
	    .kind = "ec2-signature" },
	{ "Basic", { { STR_INIT("Authorization"), STR_INIT(BASIC) } },
	    .kind = "avow", .user = "i-1" },
	{ "basic in other case",
	    { { STR_INIT("Authorization"),
		STR_INIT("bASIC aS0xOmF2b3cxLmF2b3cuZTMwLmMybG4=") } },
	    .kind = "avow", .user = "i-1" },
	{ "empty fields beside it count as none",
	    { { STR_INIT("X-Avow-Pack"), STR_INIT(PACK) },
		{ STR_INIT("Authorization"), STR_INIT("") },
		{ STR_INIT("X-RHUI-ID"), STR_INIT("") },
		{ STR_INIT("X-Avow-Signature"), STR_INIT("") } },
	    .kind = "avow" },
	{ "nothing", .want = ERR_EVIDENCE_MISSING },
	{ "only empty fields",
	    { { STR_INIT("X-Avow-Document"), STR_INIT("") },
		{ STR_INIT("Authorization"), STR_INIT("") } },
	    .want = ERR_EVIDENCE_MISSING },
	{ "other fields", { { STR_INIT("X-Avow"), STR_INIT(PACK) } },
	    .want = ERR_EVIDENCE_MISSING },
	{ "a document alone",
	    { { STR_INIT("X-Avow-Document"), STR_INIT(DOC) } },
	    .want = ERR_EVIDENCE_MALFORMED },
	{ "a signature alone",
	    { { STR_INIT("X-Avow-Signature"), STR_INIT(SIG) } },
	    .want = ERR_EVIDENCE_MALFORMED },
	{ "a signature that is empty",
	    { { STR_INIT("X-Avow-Document"), STR_INIT(DOC) },
		{ STR_INIT("X-Avow-Signature"), STR_INIT("") } },
	    .want = ERR_EVIDENCE_MALFORMED },
	{ "padding",
	    { { STR_INIT("X-Avow-Document"), STR_INIT("e30=") },
		{ STR_INIT("X-Avow-Signature"), STR_INIT(SIG) } },
	    .want = ERR_EVIDENCE_MALFORMED },
	{ "the document of one kind, the signature of another",
	    { { STR_INIT("X-Avow-Document"), STR_INIT(DOC) },
		{ STR_INIT("X-RHUI-SIGNATURE"), STR_INIT(SIG) } },
	    .want = ERR_EVIDENCE_AMBIGUOUS },
	{ "a pack and Basic",
	    { { STR_INIT("X-Avow-Pack"), STR_INIT(PACK) },
		{ STR_INIT("Authorization"), STR_INIT(BASIC) } },
	    .want = ERR_EVIDENCE_AMBIGUOUS },
	{ "a pack and another scheme",
	    { { STR_INIT("X-Avow-Pack"), STR_INIT(PACK) },
		{ STR_INIT("Authorization"), STR_INIT("Digest x") } },
	    .want = ERR_EVIDENCE_AMBIGUOUS },
	{ "a repeated field", { { STR_INIT("X-Avow-Pack"), STR_INIT(PACK) } },
	    .flaw = HTTP_FLAW_REPEATED_EVIDENCE,
	    .want = ERR_EVIDENCE_AMBIGUOUS },
	{ "a repeated field that is empty", { { { NULL, 0 }, { NULL, 0 } } },
	    .flaw = HTTP_FLAW_REPEATED_EVIDENCE,
	    .want = ERR_EVIDENCE_AMBIGUOUS },
	{ "another scheme",
	    { { STR_INIT("Authorization"), STR_INIT("Digest abc") } },
	    .want = ERR_EVIDENCE_MALFORMED },
	{ "a bearer's token",
	    { { STR_INIT("Authorization"), STR_INIT("Bearer abc") } },
	    .kind = "token", .document = "abc", .signature = "" },
	{ "a token with its proof",
	    { { STR_INIT("Authorization"), STR_INIT("dpop abc") },
		{ STR_INIT("DPoP"), STR_INIT("p") } },
	    .kind = "token", .document = "abc", .signature = "" },
	{ "a token without its proof",
	    { { STR_INIT("Authorization"), STR_INIT("DPoP abc") } },
	    .want = ERR_EVIDENCE_PROOF },
	{ "a bearer with a proof",
	    { { STR_INIT("Authorization"), STR_INIT("Bearer abc") },
		{ STR_INIT("DPoP"), STR_INIT("p") } },
	    .want = ERR_EVIDENCE_AMBIGUOUS },
	{ "a proof of nothing", { { STR_INIT("DPoP"), STR_INIT("p") } },
	    .want = ERR_EVIDENCE_MISSING },
	{ "an empty token",
	    { { STR_INIT("Authorization"), STR_INIT("Bearer ") } },
	    .want = ERR_EVIDENCE_MALFORMED },
	{ "Basic alone", { { STR_INIT("Authorization"), STR_INIT("Basic") } },
	    .want = ERR_EVIDENCE_MALFORMED },
	{ "Basic of nothing",
	    { { STR_INIT("Authorization"), STR_INIT("Basic ") } },
	    .want = ERR_EVIDENCE_MALFORMED },
	{ "Basic, two spaces",
	    { { STR_INIT("Authorization"), STR_INIT("Basic  aTpq") } },
	    .want = ERR_EVIDENCE_MALFORMED },
	{ "Basic without padding",
	    { { STR_INIT("Authorization"), STR_INIT("Basic aTo") } },
	    .want = ERR_EVIDENCE_MALFORMED },
	{ "Basic without a pack",
	    { { STR_INIT("Authorization"), STR_INIT("Basic aTpq") } },
	    .want = ERR_EVIDENCE_MALFORMED },
	{ "a pack of another version",
	    { { STR_INIT("X-Avow-Pack"), STR_INIT("avow2.avow.e30.c2ln") } },
	    .want = ERR_EVIDENCE_MALFORMED },
};

START_TEST(reads)
{
	struct http_request q = {
		.headers = rows[_i].headers, .flaw = rows[_i].flaw, .arena = a
	};
	struct gate_evidence e = { .basic_user = STR_INIT("untouched") };
	struct error err = { 0 };
	bool ok;

	while (q.n_headers < 4 && rows[_i].headers[q.n_headers].name.p)
		q.n_headers++;
	ok = gate_evidence_read(&q, STR("ec2-signature"), &e, &err);
	ck_assert_msg(err.code == rows[_i].want, "%s: got %s, want %s",
	    rows[_i].note, error_id(err.code), error_id(rows[_i].want));
	ck_assert_int_eq(ok, rows[_i].want == ERR_NONE);
	if (!ok) {
		ck_str_is(e.basic_user, "untouched");
		return;
	}
	ck_str_is(e.evidence.kind, rows[_i].kind);
	ck_str_is(
	    e.evidence.document, rows[_i].document ? rows[_i].document : "{}");
	/* RHUI's is encoded twice at times, and `sig` could be that. */
	if (strcmp(rows[_i].kind, "avow") == 0)
		ck_str_is(e.evidence.signature,
		    rows[_i].signature ? rows[_i].signature : "sig");
	ck_assert_int_eq(e.basic_user.p != NULL, rows[_i].user != NULL);
	if (rows[_i].user)
		ck_str_is(e.basic_user, rows[_i].user);
}
END_TEST

START_TEST(too_large)
{
	struct buf b = { 0 };
	struct http_header h = { STR("X-Avow-Pack"), { NULL, 0 } };
	struct http_request q = { .headers = &h, .n_headers = 1, .arena = a };
	struct gate_evidence e;
	struct error err = { 0 };

	buf_addz(&b, "avow1.avow.");
	for (int i = 0; i < 6000; i++)
		buf_byte(&b, 'A');
	buf_addz(&b, ".c2ln");
	h.value = buf_str(&b);
	ck_assert(!gate_evidence_read(&q, STR("x"), &e, &err));
	ck_assert_str_eq(error_id(err.code), "evidence.too_large");
	buf_free(&b);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("evidence");
	TCase *tc = tcase_create("evidence");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, reads, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, too_large);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
