/* Genuine EC2 documents under genuine AWS certificates, and what people made of
 * them; and the mapping of names. The data is not ours: $TESTDATA. */
#include "attest/doc.h"

#include <stdio.h>

#include "attest/attest.h"
#include "attest/trust.h"
#include "base/limits.h"
#include "tests/lib/kit.h"
#include "tests/lib/run.h"

#define DOCUMENTS "vectors/ec2-documents/"
#define TELEPORT DOCUMENTS "teleport-ec2-rsa2048/"
#define TASK DOCUMENTS "taskcluster/"
#define DSA DOCUMENTS "smallstep-pkcs7/"

/* Each test's own: one that has no data to read ends early. */
static struct arena *memory;

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

static struct attest_trust *
aws(const char *kind, const char *path, const struct str *owner)
{
	struct attest_trust *t = attest_trust_new();
	struct attest_trust_entry entry = { .kind = str_of(kind),
		.keys = path,
		.owners = owner,
		.n_owners = owner ? 1 : 0,
		.max_lease_s = 3600,
		.allow_weak = true,
		.allow_unpinned = !owner };
	struct error e = { 0 };

	ck_assert_msg(attest_trust_add(t, &entry, &e), "%s", e.msg);
	return t;
}

static const struct {
	const char *note, *kind, *document, *signature;
	enum err_code want;
} rows[] = {
	{ "rsa2048 lines", "ec2-rsa2048", TELEPORT "instance1.document.json",
	    TELEPORT "instance1.rsa2048.b64", ERR_NONE },
	{ "rsa2048 BER", "ec2-rsa2048", TELEPORT "instance1.document.json",
	    TELEPORT "instance1.p7.der", ERR_NONE },
	{ "another region", "ec2-rsa2048", TELEPORT "instance2.document.json",
	    TELEPORT "instance2.rsa2048.b64", ERR_NONE },
	{ "the other's signature", "ec2-rsa2048",
	    TELEPORT "instance1.document.json", TELEPORT "instance2.p7.der",
	    ERR_EVIDENCE_SIGNATURE },
	{ "signature", "ec2-signature", TASK "aws_iid_DOCUMENT",
	    TASK "aws_iid_SIGNATURE", ERR_NONE },
	{ "signature, raw", "ec2-signature", TASK "aws_iid_DOCUMENT",
	    TASK "aws_iid_SIGNATURE.bin", ERR_NONE },
	{ "altered document", "ec2-signature", TASK "aws_iid_DOCUMENT_bad",
	    TASK "aws_iid_SIGNATURE", ERR_EVIDENCE_SIGNATURE },
	{ "altered signature", "ec2-signature", TASK "aws_iid_DOCUMENT",
	    TASK "aws_iid_SIGNATURE_badSignature", ERR_EVIDENCE_SIGNATURE },
	{ "another key", "ec2-signature", TASK "aws_iid_DOCUMENT",
	    TASK "aws_iid_SIGNATURE_badKey", ERR_EVIDENCE_SIGNATURE },
	{ "DSA with SHA-1", "ec2-rsa2048", DSA "document.json", DSA "p7.der",
	    ERR_EVIDENCE_SIGNATURE },
	{ "DSA with SHA-1, PEM", "ec2-rsa2048", DSA "document.json",
	    DSA "us-east-1.pkcs7-dsa.p7.pem", ERR_EVIDENCE_SIGNATURE },
	{ "pkcs7", "ec2-pkcs7", DSA "document.json", DSA "p7.der", ERR_NONE },
	{ "pkcs7, PEM", "ec2-pkcs7", DSA "document.json",
	    DSA "us-east-1.pkcs7-dsa.p7.pem", ERR_NONE },
	{ "pkcs7 of another document", "ec2-pkcs7",
	    TELEPORT "instance1.document.json", DSA "p7.der",
	    ERR_EVIDENCE_SIGNATURE },
	{ "rsa2048 as pkcs7", "ec2-pkcs7", TELEPORT "instance1.document.json",
	    TELEPORT "instance1.p7.der", ERR_EVIDENCE_SIGNATURE },
	{ "PKCS #7 as the other kind", "ec2-signature",
	    TELEPORT "instance1.document.json",
	    TELEPORT "instance1.rsa2048.b64", ERR_EVIDENCE_SIGNATURE },
	{ "signature as the other kind", "ec2-rsa2048", TASK "aws_iid_DOCUMENT",
	    TASK "aws_iid_SIGNATURE", ERR_EVIDENCE_MALFORMED },
	{ "Azure's as EC2's", "ec2-rsa2048", TASK "azure_good.content.json",
	    TASK "azure_good.0.p7.der", ERR_EVIDENCE_SIGNATURE },
};

/* testdata() has one place for its answer; this one stays. */
static const char *
kept_testdata(struct arena *a, const char *name)
{
	const char *path = testdata(name);

	return path ? str_z(a, str_of(path)) : NULL;
}

static bool
load(struct arena *a, int i, struct attest_evidence *ret)
{
	struct str d, s;
	struct error e = { 0 };

	if (!kit_testdata(a, rows[i].document, &d) ||
	    !kit_testdata(a, rows[i].signature, &s))
		return false;
	ck_assert_msg(
	    attest_evidence_from_files(a, str_of(rows[i].kind), d, s, ret, &e),
	    "%s", e.msg);
	return true;
}

START_TEST(real_documents)
{
	struct arena *a = memory;
	const char *certs = kept_testdata(a, "vectors/aws-certs");
	struct attest_trust *t;
	struct attest_context ctx = { .now_unix_s = KIT_NOON };
	struct attest_evidence e;
	const struct claims *c = NULL;
	struct error err = { 0 };

	if (!certs)
		return;
	if (!load(a, _i, &e))
		return;
	ctx.trust = t = aws(rows[_i].kind, certs, NULL);
	ck_assert_msg(
	    attest_verify(a, &e, &ctx, &c, &err) == (rows[_i].want == ERR_NONE),
	    "%s: %s", rows[_i].note, err.msg);
	ck_assert_msg(err.code == rows[_i].want, "%s: %s", rows[_i].note,
	    error_id(err.code));
	attest_trust_free(t);
}
END_TEST

START_TEST(a_real_document_says)
{
	struct arena *a = memory;
	const char *certs = kept_testdata(a, "vectors/aws-certs");
	struct attest_trust *t;
	struct attest_context ctx = { .now_unix_s = KIT_NOON,
		.audience = STR("updates") };
	struct attest_evidence e;
	const struct claims *c = NULL;
	struct error err = { 0 };
	struct buf text = { 0 };
	json_t *json;
	int64_t at;

	if (!certs || !load(a, 0, &e))
		return;
	ctx.trust = t = aws("ec2-rsa2048", certs, NULL);
	ck_assert_msg(attest_verify(a, &e, &ctx, &c, &err), "%s", err.msg);
	ck_str_is(claims_subject(c), "i-078517ca8a70a1dde");
	ck_str_is(claims_issuer(c), "aws");
	ck_str_is(claims_document_id(c), "087d9d2622a6771f6e871966f0e6d602");
	ck_assert(!claims_issued_at(c, &at) && !claims_expires_at(c, &at));
	ck_assert_int_eq(claims_lease_end(c, KIT_NOON), KIT_NOON + 3600);
	json = claims_to_json(c);
	ck_assert(json && json_write(&text, json));
	ck_str_is(buf_str(&text),
	    "{\"imageId\":\"ami-0fa9e1f64142cde17\","
	    "\"owner\":\"278576220453\",\"privateIp\":\"10.0.0.209\","
	    "\"launchTime\":\"2021-09-03T21:25:44Z\","
	    "\"region\":\"us-west-2\",\"zone\":\"us-west-2a\"}");
	json_decref(json);
	buf_free(&text);
	attest_trust_free(t);
}
END_TEST

static const struct {
	const char *owner;
	enum err_code want;
} owners[] = {
	{ "278576220453", ERR_NONE },
	{ "883474662888", ERR_EVIDENCE_OWNER },
	{ "27857622045", ERR_EVIDENCE_OWNER },
};

START_TEST(a_genuine_document_of_another_account)
{
	struct arena *a = memory;
	const char *certs = kept_testdata(a, "vectors/aws-certs");
	struct str owner = str_of(owners[_i].owner);
	struct attest_trust *t;
	struct attest_context ctx = { .now_unix_s = KIT_NOON };
	struct attest_evidence e;
	const struct claims *c = NULL;
	struct error err = { 0 };

	if (!certs || !load(a, 0, &e))
		return;
	ctx.trust = t = aws("ec2-rsa2048", certs, &owner);
	(void)!attest_verify(a, &e, &ctx, &c, &err);
	ck_assert_int_eq(err.code, owners[_i].want);
	attest_trust_free(t);
}
END_TEST

/* The right key, filed under another region: it may not speak for this one. */
START_TEST(a_key_speaks_for_its_region)
{
	struct arena *a = memory;
	struct str pem;
	struct attest_trust *t;
	struct attest_context ctx = { .now_unix_s = KIT_NOON };
	struct attest_evidence e;
	const struct claims *c = NULL;
	struct error err = { 0 };
	const char *file;

	if (!kit_testdata(a, TELEPORT "us-west-2.rsa2048.pem", &pem) ||
	    !load(a, 0, &e))
		return;
	file = kit_file(a, "eu-west-1.rsa2048.pem", pem);
	ctx.trust = t = aws("ec2-rsa2048", file, NULL);
	ck_assert(!attest_verify(a, &e, &ctx, &c, &err));
	ck_assert_int_eq(err.code, ERR_EVIDENCE_OWNER);
	ck_assert_ptr_nonnull(strstr(err.msg, "region"));
	attest_trust_free(t);
}
END_TEST

/* Only the certificate of another region: no trusted key signed this. */
START_TEST(a_key_that_is_not_pinned)
{
	struct arena *a = memory;
	const char *cert = kept_testdata(a, TELEPORT "us-west-1.rsa2048.pem");
	struct attest_trust *t;
	struct attest_context ctx = { .now_unix_s = KIT_NOON };
	struct attest_evidence e;
	const struct claims *c = NULL;
	struct error err = { 0 };

	if (!cert)
		return;
	if (!load(a, 0, &e))
		return;
	ctx.trust = t = aws("ec2-rsa2048", cert, NULL);
	ck_assert(!attest_verify(a, &e, &ctx, &c, &err));
	ck_assert_int_eq(err.code, ERR_EVIDENCE_SIGNATURE);
	attest_trust_free(t);
}
END_TEST

static const struct {
	const char *kind, *cert;
	int row;
} flips[] = {
	{ "ec2-rsa2048", TELEPORT "us-west-2.rsa2048.pem", 1 },
	{ "ec2-signature", "vectors/aws-certs/default.rsa1024.pem", 4 },
};

struct flipping {
	struct attest_evidence e;
	struct attest_context ctx;
	struct arena *scratch;
};

static bool
verifies(struct flipping *f)
{
	const struct claims *c = NULL;
	struct error err = { 0 };
	bool ok = attest_verify(f->scratch, &f->e, &f->ctx, &c, &err);

	if (!ok)
		ck_assert_msg(strncmp(error_id(err.code), "evidence.", 9) == 0,
		    "%s", error_id(err.code));
	arena_reset(f->scratch);
	return ok;
}

/* How many bits of `which` can be flipped without a refusal. */
static size_t
flip_all(struct flipping *f, struct arena *a, struct str *which)
{
	char *p = arena_alloc(a, which->n);
	size_t n = 0;

	memcpy(p, which->p, which->n);
	which->p = p;
	ck_assert(verifies(f));
	for (size_t bit = 0; bit < which->n * 8; bit++) {
		p[bit / 8] = (char)(p[bit / 8] ^ 1 << bit % 8);
		n += verifies(f);
		p[bit / 8] = (char)(p[bit / 8] ^ 1 << bit % 8);
	}
	return n;
}

/* No bit of a document, nor of a plain signature. Of PKCS #7, what is outside
 * the signed attributes, the content and the signature proper is nobody's word:
 * the name its signer goes by, a version; there a flip changes nothing that is
 * said, because the document must still be the very same. */
START_TEST(no_bit_may_differ)
{
	struct arena *a = memory;
	const char *cert = kept_testdata(a, flips[_i].cert);
	struct attest_trust *t;
	struct flipping f = { .ctx = { .now_unix_s = KIT_NOON } };
	size_t loose;

	if (!cert)
		return;
	if (!load(a, flips[_i].row, &f.e))
		return;
	f.scratch = arena_new(0);
	f.ctx.trust = t = aws(flips[_i].kind, cert, NULL);
	ck_assert_uint_eq(flip_all(&f, a, &f.e.document), 0);
	loose = flip_all(&f, a, &f.e.signature);
	/* issuer and serial number: 120 bytes of 1,100 */
	ck_assert_uint_le(loose, flips[_i].row == 1 ? 130 * 8 : 0);
	attest_trust_free(t);
	arena_free(f.scratch);
}
END_TEST

/* ---- names ---- */

#define MINIMAL "{\"instanceId\":\"i-1\"}"

static const struct {
	const char *text;
	enum err_code want;
	const char *says;
} shapes[] = {
	{ MINIMAL, ERR_NONE, NULL },
	{ "{\"instanceId\":\"i-1\",\"accountId\":null,\"region\":null}",
	    ERR_NONE, NULL },
	{ "{\"instanceId\":\"i-1\",\"newThing\":{\"a\":[1,2,null]}}", ERR_NONE,
	    NULL },
	{ "{\"instanceId\":\"i-1\",\"billingProducts\":[\"bp-1\"]}", ERR_NONE,
	    NULL },
	{ "{}", ERR_EVIDENCE_MALFORMED, "lacks `instanceId`" },
	{ "{\"instanceId\":null}", ERR_EVIDENCE_MALFORMED,
	    "lacks `instanceId`" },
	{ "{\"instanceId\":1}", ERR_EVIDENCE_MALFORMED, "`instanceId`" },
	{ "{\"instanceId\":\"a:b\"}", ERR_EVIDENCE_INSTANCE, "`instanceId`" },
	{ "{\"instanceId\":\"\"}", ERR_EVIDENCE_INSTANCE, "`instanceId`" },
	{ "{\"instanceId\":\"i-1\",\"accountId\":12}", ERR_EVIDENCE_MALFORMED,
	    "`accountId`" },
	{ "{\"instanceId\":\"i-1\",\"privateIp\":\"x\"}",
	    ERR_EVIDENCE_MALFORMED, "`privateIp`" },
	{ "{\"instanceId\":\"i-1\",\"pendingTime\":\"x\"}",
	    ERR_EVIDENCE_MALFORMED, "`pendingTime`" },
	{ "{\"instanceId\":\"i-1\",\"billingProducts\":\"bp\"}",
	    ERR_EVIDENCE_MALFORMED, "`billingProducts`" },
};

START_TEST(names_and_shapes)
{
	struct arena *a = memory;
	struct str text = str_of(shapes[_i].text);
	struct doc d = { 0 };
	struct error e = { 0 };
	json_t *root;
	bool ok;

	ck_assert(doc_parse(text, &root, &e));
	ok = doc_read_ec2(a, root, text, &d, &e);
	ck_assert_msg(e.code == shapes[_i].want, "%s: %s", shapes[_i].text,
	    error_id(e.code));
	ck_assert_int_eq(ok, shapes[_i].want == ERR_NONE);
	if (ok)
		ck_str_is(d.subject, "i-1");
	else
		ck_assert_msg(
		    strstr(e.msg, shapes[_i].says) != NULL, "%s", e.msg);
	json_decref(root);
}
END_TEST

START_TEST(null_is_no_claim)
{
	struct arena *a = memory;
	struct str text = STR("{\"instanceId\":\"i-1\",\"accountId\":null,"
			      "\"billingProducts\":null,\"other\":\"x\"}");
	struct doc d = { 0 };
	json_t *root;

	ck_assert(doc_parse(text, &root, NULL));
	ck_assert(doc_read_ec2(a, root, text, &d, NULL));
	ck_assert(!d.has_licences && !d.has_times && !d.has_cnf);
	ck_assert_uint_eq(d.owner.n, 0);
	ck_assert(doc_id_is_valid(d.id));
	json_decref(root);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ec2");
	TCase *tc = tcase_create("ec2");

	json_setup();
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, real_documents, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, a_real_document_says);
	tcase_add_loop_test(
	    tc, a_genuine_document_of_another_account, 0, ARRAY_LEN(owners));
	tcase_add_test(tc, a_key_speaks_for_its_region);
	tcase_add_test(tc, a_key_that_is_not_pinned);
	tcase_add_loop_test(tc, no_bit_may_differ, 0, ARRAY_LEN(flips));
	tcase_add_loop_test(tc, names_and_shapes, 0, ARRAY_LEN(shapes));
	tcase_add_test(tc, null_is_no_claim);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
