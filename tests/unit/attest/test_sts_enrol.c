/* A cloud's evidence binds its instance to one key (S2, SECURITY 10), and what
 * evict, ban and reattest do to that; on both databases, from two nodes. The
 * evidence is EC2's, signed by a key of our own; that genuine evidence verifies
 * is test_ec2's to show. */
#include "attest/sts.h"

#include <openssl/cms.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "attest/keys.h"
#include "attest/sig.h"
#include "base/limits.h"
#include "tests/lib/pg.h"
#include "tests/lib/run.h"
#include "tests/lib/service.h"

#define OWNER "123456789012"

static struct service s;
static struct error err;
static struct attest_key *cloud, *key, *other;
static struct attest_trust *trust;
static struct sts_enrol_rule rule;

static void
make_trust(void)
{
	static const struct str owner = STR_INIT(OWNER);
	const char *path = str_printf(s.a, "%s/cloud.pem", test_folder()).p;
	const struct attest_trust_entry entry = {
		.kind = STR("ec2-signature"),
		.keys = path,
		.prefix = STR("aws/"),
		.owners = &owner,
		.n_owners = 1,
		.max_lease_s = 3600,
	};

	trust = attest_trust_new();
	ck_assert_msg(attest_trust_add(trust, &entry, &err), "%s", err.msg);
}

static void
start(const char *url)
{
	err = (struct error){ 0 };
	service_init(&s, url);
	key = service_key(&s, KEY_P256);
	other = service_key(&s, KEY_ED25519);
	rule = (struct sts_enrol_rule){ .prefix = STR("aws/"),
		.controller = STR("boss") };
	make_trust();
}

static void
setup(void)
{
	start(NULL);
}

static void
setup_file(void)
{
	start(service_file_url(&s));
}

static void
setup_postgres(void)
{
	pg_empty();
	start(pg_url());
}

static void
teardown(void)
{
	attest_trust_free(trust);
	attest_key_free(key);
	attest_key_free(other);
	service_fini(&s);
}

/* ---- one enrolment ---------------------------------------------------------
 */

/* Zero: as it should be. */
struct ask {
	const char *instance, *owner, *region, *address; /* in the document */
	const char *account; /* that the answer is of */
	const struct attest_key *key, *signer;
	const char *audience, *from;
	bool is_cut, is_relayed, names_no_address;
};

static const char * or (const char *text, const char *usual)
{
	return text ? text : usual;
}

static struct attest_evidence
evidence_of(const struct ask *q)
{
	struct str document = str_printf(s.a,
	    "{\n  \"accountId\" : \"%s\",\n  \"instanceId\" : \"%s\",\n"
	    "  \"region\" : \"%s\",\n  \"%s\" : \"%s\"\n}",
	    or (q->owner, OWNER), or (q->instance, "i-0abc"),
	    or (q->region, "us-east-1"),
	    q->names_no_address ? "version" : "privateIp",
	    or (q->address, "192.0.2.1"));
	struct buf b = { 0 };
	struct str signature;

	ck_assert(sig_sign(q->signer ? &q->signer->public : &cloud->public,
	    document, &b, NULL));
	signature = str_dup(s.a, buf_str(&b));
	buf_free(&b);
	if (q->is_cut)
		document.n--;
	return (struct attest_evidence){ STR("ec2-signature"), document,
		signature };
}

static struct prove_answer
answer_of(const struct ask *q)
{
	const struct service_ask ask = { .role = PROVE_ATTEST,
		.account = or (q->account, "web-i-0abc"),
		.audience = or (q->audience, SERVICE_URL),
		.key = q->key ? q->key : key };

	return service_answered(&s, &ask);
}

static enum err_code
send_by(struct sts *sts, const struct prove_answer *answer,
    const struct attest_evidence *evidence, const struct sts_caller *caller,
    struct sts_account *ret, bool *ret_created)
{
	const struct sts_enrolling what = { .answer = answer,
		.evidence = evidence,
		.trust = trust,
		.rules = &rule,
		.n_rules = 1 };
	struct sts_account account = { 0 };
	struct error e = { 0 };
	bool created = false;
	bool ok = sts_enrol(sts, s.a, &what, caller, &account, &created, &e);

	ck_assert_int_eq(ok, e.code == ERR_NONE);
	ck_assert_int_eq(ok, account.id.n > 0);
	if (ret)
		*ret = account;
	if (ret_created)
		*ret_created = created;
	return e.code;
}

static enum err_code
enrol(const struct ask *q, struct sts_account *ret, bool *ret_created)
{
	struct prove_answer answer = answer_of(q);
	struct attest_evidence evidence = evidence_of(q);
	struct sts_caller caller = { .source = s.source };

	if (q->from)
		ck_assert(net_parse_addr(str_of(q->from), &caller.source));
	if (q->is_relayed)
		caller.relay = &s.boss;
	return send_by(s.sts, &answer, &evidence, &caller, ret, ret_created);
}

static enum err_code
enrol_with(const struct attest_key *with)
{
	const struct ask q = { .key = with };

	return enrol(&q, NULL, NULL);
}

static enum err_code
stand(const char *id, enum sts_verb verb, struct sts_account *ret)
{
	struct sts_account account;
	struct error e = { 0 };

	if (sts_stand(
		s.sts, s.a, &s.admin, str_of(id), verb, 0, &account, &e) &&
	    ret)
		*ret = account;
	return e.code;
}

static enum err_code
token_of(
    const char *account, const struct attest_key *with, struct sts_grant *ret)
{
	const struct service_ask ask = { .account = account, .key = with };

	return service_prove(&s, &ask, ret);
}

/* ---- the first use, and the next -------------------------------------------
 */

START_TEST(the_first_use_binds)
{
	const struct ask q = { 0 };
	struct sts_account a;
	struct sts_grant g;
	bool created;

	ck_assert_int_eq(enrol(&q, &a, &created), ERR_NONE);
	ck_assert(created);
	ck_str_is(a.id, "web-i-0abc");
	ck_str_is(a.owner, "boss");
	ck_str_is(a.principal, "aws/i-0abc");
	ck_str_is(a.jkt, key->public.thumbprint);
	ck_assert_int_eq(a.kind, STS_INSTANCE);
	ck_assert_int_eq(a.standing, STS_STANDS);
	ck_assert(a.is_enabled && !a.is_released);
	ck_assert_int_eq(token_of("web-i-0abc", key, &g), ERR_NONE);
	ck_str_is(service_verify(&s, g.token, "updates").subject, "web-i-0abc");
	ck_assert_uint_eq(sts_counts(s.sts).enrolments, 1);
}
END_TEST

START_TEST(again_with_the_same_key_changes_nothing)
{
	const struct ask q = { 0 };
	struct sts_account first, again;
	struct sts_grant g;
	int64_t before, after, floor;
	bool created;

	ck_assert_int_eq(enrol(&q, &first, NULL), ERR_NONE);
	ck_assert_int_eq(token_of("web-i-0abc", key, &g), ERR_NONE);
	service_restart(&s);
	ck_assert(store_generation(s.store, &before, &floor, &err));
	ck_assert_int_eq(enrol(&q, &again, &created), ERR_NONE);
	ck_assert(!created);
	/* Nor is it news that others had to read the store for. */
	ck_assert(store_generation(s.store, &after, &floor, &err));
	ck_assert_int_eq(before, after);
	ck_assert_int_eq(again.version, first.version);
	ck_assert_int_eq(again.incarnation, first.incarnation);
	ck_assert(!service_is_revoked(&s, "token", g.jti));
}
END_TEST

START_TEST(another_key_is_refused_and_told)
{
	ck_assert_int_eq(enrol_with(key), ERR_NONE);
	ck_assert_int_eq(enrol_with(other), ERR_ACCOUNT_LIVE);
	ck_assert_uint_eq(s.n_alarms, 1);
	ck_assert_int_eq(s.alarm.kind, STS_ALARM_OTHER_KEY);
	ck_str_is(s.alarm.account, "web-i-0abc");
	ck_str_is(s.alarm.source, "192.0.2.1");
	ck_str_is(service_read(&s, "web-i-0abc").jkt, key->public.thumbprint);
	ck_assert_int_eq(
	    token_of("web-i-0abc", other, NULL), ERR_EVIDENCE_PROOF);
	ck_assert_int_eq(token_of("web-i-0abc", key, NULL), ERR_NONE);
}
END_TEST

START_TEST(one_key_is_not_two_instances)
{
	const struct ask second = { .instance = "i-0def",
		.account = "web-i-0def" };
	struct sts_account none;
	struct error e = { 0 };

	ck_assert_int_eq(enrol_with(key), ERR_NONE);
	ck_assert_int_eq(enrol(&second, NULL, NULL), ERR_ACCOUNT_KEY);
	/* Nothing is left of it. */
	ck_assert(!sts_account_get(
	    s.sts, s.a, &s.admin, STR("web-i-0def"), &none, &e));
	ck_assert_int_eq(e.code, ERR_ACCOUNT_UNKNOWN);
}
END_TEST

/* ---- what does not enrol ----------------------------------------------------
 */

static const struct {
	const char *note;
	struct ask ask;
	enum err_code want;
} wrong[] = {
	{ "another customer's", { .owner = "210987654321" },
	    ERR_EVIDENCE_OWNER },
	{ "another instance's", { .instance = "i-0def" },
	    ERR_EVIDENCE_INSTANCE },
	{ "an account beside its own", { .account = "web-i-0def" },
	    ERR_EVIDENCE_INSTANCE },
	{ "an account of nobody", { .account = "i-0abc" },
	    ERR_EVIDENCE_INSTANCE },
	{ "shown from elsewhere", { .from = "192.0.2.7" },
	    ERR_REQUIREMENT_ADDRESS },
	{ "of no address", { .names_no_address = true },
	    ERR_REQUIREMENT_ADDRESS },
	{ "cut", { .is_cut = true }, ERR_EVIDENCE_SIGNATURE },
	{ "a proof for another audience", { .audience = "updates" },
	    ERR_EVIDENCE_PROOF },
	{ "carried by a controller", { .is_relayed = true },
	    ERR_EVIDENCE_PROOF },
};

START_TEST(refused)
{
	enum err_code code = enrol(&wrong[_i].ask, NULL, NULL);

	ck_assert_msg(code == wrong[_i].want, "%s: got %s", wrong[_i].note,
	    error_id(code));
	ck_assert_uint_eq(sts_counts(s.sts).enrolments, 0);
	ck_assert_int_eq(enrol_with(key), ERR_NONE);
}
END_TEST

START_TEST(signed_by_another_key)
{
	const struct ask q = { .signer = other };

	ck_assert_int_eq(enrol(&q, NULL, NULL), ERR_EVIDENCE_SIGNATURE);
}
END_TEST

START_TEST(any_address_is_written_out)
{
	const struct ask q = { .from = "192.0.2.7" };

	rule.any_address = true;
	ck_assert_int_eq(enrol(&q, NULL, NULL), ERR_NONE);
}
END_TEST

START_TEST(any_address_may_be_none)
{
	const struct ask q = { .names_no_address = true };

	rule.any_address = true;
	ck_assert_int_eq(enrol(&q, NULL, NULL), ERR_NONE);
}
END_TEST

/* The proof is of the key that it brings, and of no other's. */
START_TEST(a_key_that_is_not_the_prover_s)
{
	const struct ask q = { 0 };
	const struct sts_caller caller = { .source = s.source };
	struct attest_evidence e = evidence_of(&q);
	struct prove_answer answer = answer_of(&q);

	answer.key = service_spki(&s, other);
	ck_assert_int_eq(send_by(s.sts, &answer, &e, &caller, NULL, NULL),
	    ERR_EVIDENCE_PROOF);
	answer.key = service_spki(&s, key);
	ck_assert_int_eq(send_by(s.sts, &answer, &e, &caller, NULL, NULL),
	    ERR_EVIDENCE_REPLAYED);
}
END_TEST

START_TEST(a_challenge_is_spent_by_what_is_wrong)
{
	const struct ask bad = { .owner = "210987654321" }, good = { 0 };
	const struct sts_caller caller = { .source = s.source };
	struct prove_answer answer = answer_of(&good);
	struct attest_evidence e = evidence_of(&bad);

	ck_assert_int_eq(send_by(s.sts, &answer, &e, &caller, NULL, NULL),
	    ERR_EVIDENCE_OWNER);
	e = evidence_of(&good);
	ck_assert_int_eq(send_by(s.sts, &answer, &e, &caller, NULL, NULL),
	    ERR_EVIDENCE_REPLAYED);
}
END_TEST

START_TEST(a_challenge_lives_five_minutes)
{
	const struct ask q = { 0 };
	const struct sts_caller caller = { .source = s.source };
	struct prove_answer answer = answer_of(&q);
	struct attest_evidence e = evidence_of(&q);

	s.now_ms += LIMIT_CHALLENGE_ATTEST_S * INT64_C(1000);
	ck_assert_int_eq(send_by(s.sts, &answer, &e, &caller, NULL, NULL),
	    ERR_EVIDENCE_EXPIRED);
	answer = answer_of(&q);
	s.now_ms += (LIMIT_CHALLENGE_ATTEST_S - 1) * INT64_C(1000);
	ck_assert_int_eq(
	    send_by(s.sts, &answer, &e, &caller, NULL, NULL), ERR_NONE);
}
END_TEST

/* Roles do not go for one another. */
START_TEST(an_answer_of_another_role)
{
	const struct ask q = { 0 };
	const struct sts_caller caller = { .source = s.source };
	struct attest_evidence e = evidence_of(&q);
	struct service_ask ask = {
		.account = "web-i-0abc", .audience = SERVICE_URL, .key = key
	};
	struct prove_answer answer = service_answered(&s, &ask);

	ck_assert_int_eq(send_by(s.sts, &answer, &e, &caller, NULL, NULL),
	    ERR_EVIDENCE_PROOF);
	answer.role = PROVE_ATTEST;
	answer.key = service_spki(&s, key);
	ck_assert_int_eq(send_by(s.sts, &answer, &e, &caller, NULL, NULL),
	    ERR_EVIDENCE_PROOF);
	answer = answer_of(&q);
	ck_assert_int_eq(service_send(&s, &answer, NULL), ERR_EVIDENCE_PROOF);
}
END_TEST

START_TEST(only_what_a_rule_names_enrols)
{
	rule.prefix = STR("other/");
	ck_assert_int_eq(enrol_with(key), ERR_ACCOUNT_AUTHORITY);
	rule.prefix = STR("aws/");
	rule.controller = STR("nobody");
	ck_assert_int_eq(enrol_with(key), ERR_ACCOUNT_AUTHORITY);
}
END_TEST

START_TEST(a_controller_that_is_disabled_enrols_nothing)
{
	struct sts_account a;

	ck_assert(sts_account_enable(
	    s.sts, s.a, &s.admin, STR("boss"), false, 0, &a, &err));
	ck_assert_int_eq(enrol_with(key), ERR_ACCOUNT_AUTHORITY);
	ck_assert(sts_account_enable(
	    s.sts, s.a, &s.admin, STR("boss"), true, 0, &a, &err));
	ck_assert_int_eq(stand("boss", STS_BAN, NULL), ERR_NONE);
	ck_assert_int_eq(enrol_with(key), ERR_ACCOUNT_AUTHORITY);
}
END_TEST

START_TEST(an_account_that_was_made_otherwise)
{
	service_bare(&s, "web-i-0abc");
	ck_assert_int_eq(enrol_with(key), ERR_ACCOUNT_EXISTS);
}
END_TEST

/* The same id in another region is another instance: not the same account. */
START_TEST(the_region_is_part_of_it)
{
	const struct ask q = { .region = "eu-west-1" };

	ck_assert_int_eq(enrol_with(key), ERR_NONE);
	ck_assert_int_eq(enrol(&q, NULL, NULL), ERR_ACCOUNT_EXISTS);
}
END_TEST

START_TEST(a_disabled_account_stays_out)
{
	struct sts_account a;

	ck_assert_int_eq(enrol_with(key), ERR_NONE);
	ck_assert(sts_account_enable(
	    s.sts, s.a, &s.boss, STR("web-i-0abc"), false, 0, &a, &err));
	ck_assert_int_eq(enrol_with(key), ERR_EVIDENCE_REVOKED);
}
END_TEST

static const struct {
	const char *kind, *id; /* NULL: the new key */
} revocations[] = {
	{ "instance", "aws/i-0abc" },
	{ "account", "web-i-0abc" },
	{ "key", NULL },
};

START_TEST(what_is_revoked_does_not_enrol)
{
	struct store_revocation r = { .kind = str_of(revocations[_i].kind),
		.until = INT64_MAX };
	bool is_new;

	r.id = revocations[_i].id ? str_of(revocations[_i].id)
				  : str_of(key->public.thumbprint);
	ck_assert_int_eq(enrol_with(key), ERR_NONE);
	ck_assert(store_revoke(s.store, &r, &is_new, &err));
	ck_assert_int_eq(enrol_with(key), ERR_EVIDENCE_REVOKED);
	/* It is nobody's standing, so no verb takes it back. */
	ck_assert_int_eq(stand("web-i-0abc", STS_EVICT, NULL), ERR_NONE);
	ck_assert_int_eq(enrol_with(key), ERR_EVIDENCE_REVOKED);
	ck_assert(service_is_revoked(&s, revocations[_i].kind, r.id));
}
END_TEST

/* ---- a cloud that signs a nonce ---------------------------------------------
 */

/* Azure's: a certificate that is its own authority, for the right name. */
static X509 *
azure_certificate(EVP_PKEY *pkey)
{
	X509 *c = X509_new();
	X509_NAME *name = X509_get_subject_name(c);
	X509_EXTENSION *e = X509V3_EXT_conf_nid(
	    NULL, NULL, NID_subject_alt_name, "DNS:metadata.azure.com");

	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)"metadata.azure.com", -1, -1, 0);
	X509_set_version(c, X509_VERSION_3);
	X509_set_issuer_name(c, name);
	ASN1_INTEGER_set(X509_get_serialNumber(c), 1);
	ASN1_TIME_set(X509_getm_notBefore(c), KIT_NOON - 86400);
	ASN1_TIME_set(X509_getm_notAfter(c), KIT_NOON + 86400);
	ck_assert_int_eq(X509_set_pubkey(c, pkey), 1);
	ck_assert(e && X509_add_ext(c, e, -1) == 1);
	X509_EXTENSION_free(e);
	ck_assert_int_gt(X509_sign(c, pkey, EVP_sha256()), 0);
	return c;
}

static void
trust_azure(X509 *certificate)
{
	static const struct str owner = STR_INIT("sub-1");
	BIO *out = BIO_new(BIO_s_mem());
	struct attest_trust_entry entry = { .kind = STR("azure"),
		.prefix = STR("azure/"),
		.owners = &owner,
		.n_owners = 1 };
	char *text;
	long n;

	ck_assert_int_eq(PEM_write_bio_X509(out, certificate), 1);
	n = BIO_get_mem_data(out, &text);
	entry.keys =
	    kit_file(s.a, "azure.pem", (struct str){ text, (size_t)n });
	BIO_free(out);
	ck_assert_msg(attest_trust_add(trust, &entry, &err), "%s", err.msg);
	rule.prefix = STR("azure/");
}

static struct attest_evidence
azure_evidence(
    EVP_PKEY *pkey, X509 *certificate, const char *nonce, const char *created)
{
	struct str content = str_printf(s.a,
	    "{\"nonce\":\"%s\",\"subscriptionId\":\"sub-1\",\"timeStamp\":{"
	    "\"createdOn\":\"%s\",\"expiresOn\":\"03/01/26 17:00:00 -0000\"},"
	    "\"vmId\":\"i-0abc\"}",
	    nonce, created);
	BIO *in = BIO_new_mem_buf(content.p, (int)content.n);
	CMS_ContentInfo *cms =
	    CMS_sign(certificate, pkey, NULL, in, CMS_BINARY | CMS_NOATTR);
	unsigned char *der = NULL;
	int n = i2d_CMS_ContentInfo(cms, &der);
	struct str copy;

	ck_assert_int_gt(n, 0);
	copy = str_dup(s.a, (struct str){ (const char *)der, (size_t)n });
	OPENSSL_free(der);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	return (struct attest_evidence){ STR("azure"), content, copy };
}

static const struct {
	const char *note, *nonce, *created; /* NULL: the challenge's */
	enum err_code want;
} nonces[] = {
	{ "as it should be", NULL, "03/01/26 12:00:00 -0000", ERR_NONE },
	{ "within the skew", NULL, "03/01/26 11:59:00 -0000", ERR_NONE },
	{ "older than the challenge", NULL, "03/01/26 11:58:59 -0000",
	    ERR_EVIDENCE_REPLAYED },
	{ "another nonce", "0123456789", "03/01/26 12:00:00 -0000",
	    ERR_EVIDENCE_REPLAYED },
	{ "an empty one", "", "03/01/26 12:00:00 -0000",
	    ERR_EVIDENCE_REPLAYED },
};

START_TEST(a_nonce_of_ours_signed_just_now)
{
	const struct ask q = { 0 };
	const struct sts_caller caller = { .source = s.source };
	struct prove_answer answer = answer_of(&q);
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	X509 *certificate = azure_certificate(pkey);
	char digits[STS_DIGITS + 1];
	struct attest_evidence e;
	enum err_code got;

	trust_azure(certificate);
	ck_assert(sts_challenge_digits(answer.challenge, digits, &err));
	ck_assert_uint_eq(strspn(digits, "0123456789"), STS_DIGITS);
	e = azure_evidence(pkey, certificate, or (nonces[_i].nonce, digits),
	    nonces[_i].created);
	got = send_by(s.sts, &answer, &e, &caller, NULL, NULL);
	ck_assert_msg(
	    got == nonces[_i].want, "%s: %s", nonces[_i].note, error_id(got));
	X509_free(certificate);
	EVP_PKEY_free(pkey);
}
END_TEST

/* ---- evict, ban, reattest ---------------------------------------------------
 */

static void
check_rows(bool revoked)
{
	ck_assert_int_eq(
	    service_is_revoked(&s, "instance", STR("aws/i-0abc")), revoked);
	ck_assert_int_eq(
	    service_is_revoked(&s, "account", STR("web-i-0abc")), revoked);
	ck_assert_int_eq(
	    service_is_revoked(&s, "key", str_of(key->public.thumbprint)),
	    revoked);
}

START_TEST(evicted_it_may_return)
{
	struct sts_account a;
	struct sts_grant g;

	ck_assert_int_eq(enrol_with(key), ERR_NONE);
	ck_assert_int_eq(token_of("web-i-0abc", key, &g), ERR_NONE);
	ck_assert_int_eq(stand("web-i-0abc", STS_EVICT, &a), ERR_NONE);
	ck_assert_int_eq(a.standing, STS_EVICTED);
	check_rows(true);
	ck_assert(service_is_revoked(&s, "token", g.jti));
	service_restart(&s);
	ck_assert_int_eq(token_of("web-i-0abc", key, NULL), ERR_EVIDENCE_PROOF);
	ck_assert_int_eq(enrol_with(other), ERR_ACCOUNT_LIVE);
	check_rows(true);
	ck_assert_int_eq(enrol_with(key), ERR_NONE);
	check_rows(false);
	/* What it had stays ended. */
	ck_assert(service_is_revoked(&s, "token", g.jti));
	ck_assert_int_eq(service_read(&s, "web-i-0abc").standing, STS_STANDS);
	ck_assert_int_eq(token_of("web-i-0abc", key, NULL), ERR_NONE);
}
END_TEST

START_TEST(banned_it_may_not)
{
	struct sts_account a;
	struct sts_grant g;

	ck_assert_int_eq(enrol_with(key), ERR_NONE);
	ck_assert_int_eq(token_of("web-i-0abc", key, &g), ERR_NONE);
	ck_assert_int_eq(stand("web-i-0abc", STS_BAN, &a), ERR_NONE);
	ck_assert_int_eq(a.standing, STS_BANNED);
	service_restart(&s);
	check_rows(true);
	ck_assert(service_is_revoked(&s, "token", g.jti));
	ck_assert_int_eq(token_of("web-i-0abc", key, NULL), ERR_EVIDENCE_PROOF);
	ck_assert_int_eq(enrol_with(key), ERR_EVIDENCE_REVOKED);
	ck_assert_int_eq(enrol_with(other), ERR_EVIDENCE_REVOKED);
	ck_assert_int_eq(
	    stand("web-i-0abc", STS_EVICT, NULL), ERR_ACCOUNT_AUTHORITY);
	ck_assert_int_eq(
	    stand("web-i-0abc", STS_REATTEST, NULL), ERR_ACCOUNT_AUTHORITY);
	check_rows(true);
	ck_assert_int_eq(stand("web-i-0abc", STS_UNBAN, &a), ERR_NONE);
	ck_assert_int_eq(a.standing, STS_EVICTED);
	check_rows(true);
	ck_assert_int_eq(enrol_with(key), ERR_NONE);
	check_rows(false);
	ck_assert_int_eq(
	    stand("web-i-0abc", STS_UNBAN, NULL), ERR_ACCOUNT_AUTHORITY);
}
END_TEST

START_TEST(a_ban_outlives_its_account)
{
	ck_assert_int_eq(enrol_with(key), ERR_NONE);
	ck_assert_int_eq(stand("web-i-0abc", STS_BAN, NULL), ERR_NONE);
	ck_assert(
	    sts_account_delete(s.sts, &s.boss, STR("web-i-0abc"), 0, &err));
	ck_assert_int_eq(enrol_with(other), ERR_EVIDENCE_REVOKED);
}
END_TEST

START_TEST(reattest_lets_one_key_in)
{
	struct attest_key *third = service_key(&s, KEY_P256);
	struct sts_account a;
	struct sts_grant g;

	ck_assert_int_eq(enrol_with(key), ERR_NONE);
	ck_assert_int_eq(token_of("web-i-0abc", key, &g), ERR_NONE);
	ck_assert_int_eq(stand("web-i-0abc", STS_REATTEST, &a), ERR_NONE);
	ck_assert(a.is_released);
	ck_assert(service_is_revoked(&s, "token", g.jti));
	ck_assert_int_eq(token_of("web-i-0abc", key, NULL), ERR_EVIDENCE_PROOF);
	/* The former key is nobody's any more. */
	ck_assert_int_eq(enrol_with(key), ERR_EVIDENCE_REVOKED);
	ck_assert_int_eq(enrol_with(other), ERR_NONE);
	ck_assert(!service_read(&s, "web-i-0abc").is_released);
	ck_assert_int_eq(enrol_with(third), ERR_ACCOUNT_LIVE);
	ck_assert_int_eq(token_of("web-i-0abc", other, NULL), ERR_NONE);
	attest_key_free(third);
}
END_TEST

START_TEST(reattest_while_evicted)
{
	ck_assert_int_eq(enrol_with(key), ERR_NONE);
	ck_assert_int_eq(stand("web-i-0abc", STS_EVICT, NULL), ERR_NONE);
	ck_assert_int_eq(stand("web-i-0abc", STS_REATTEST, NULL), ERR_NONE);
	ck_assert(service_is_revoked(&s, "instance", STR("aws/i-0abc")));
	ck_assert_int_eq(enrol_with(other), ERR_NONE);
	ck_assert(!service_is_revoked(&s, "instance", STR("aws/i-0abc")));
	/* The former one's key does not come back with it. */
	ck_assert(
	    service_is_revoked(&s, "key", str_of(key->public.thumbprint)));
}
END_TEST

/* Which keys were replaced since the copy was made, nobody knows. */
START_TEST(a_restored_store_asks_the_operator)
{
	int64_t generation, floor;

	ck_assert_int_eq(enrol_with(key), ERR_NONE);
	ck_assert(store_accept_restore(s.store, 1, &generation, &floor, &err));
	ck_assert_int_eq(enrol_with(key), ERR_ACCOUNT_AUTHORITY);
	ck_assert_int_eq(stand("web-i-0abc", STS_REATTEST, NULL), ERR_NONE);
	ck_assert_int_eq(enrol_with(other), ERR_NONE);
}
END_TEST

START_TEST(without_evidence)
{
	struct sts_account a;
	struct sts_grant g;

	service_instance(&s, "web-1", key);
	ck_assert_int_eq(token_of("web-1", key, &g), ERR_NONE);
	ck_assert_int_eq(
	    stand("web-1", STS_REATTEST, NULL), ERR_ACCOUNT_AUTHORITY);
	ck_assert_int_eq(stand("web-1", STS_EVICT, &a), ERR_NONE);
	ck_assert_int_eq(a.standing, STS_STANDS);
	ck_assert(service_is_revoked(&s, "token", g.jti));
	ck_assert_int_eq(token_of("web-1", key, NULL), ERR_NONE);
	ck_assert_int_eq(stand("web-1", STS_BAN, &a), ERR_NONE);
	ck_assert_int_eq(token_of("web-1", key, NULL), ERR_EVIDENCE_PROOF);
	ck_assert_int_eq(stand("web-1", STS_UNBAN, &a), ERR_NONE);
	ck_assert_int_eq(token_of("web-1", key, NULL), ERR_NONE);
}
END_TEST

START_TEST(these_are_the_operator_s)
{
	struct sts_account a;
	struct error e = { 0 };

	ck_assert_int_eq(enrol_with(key), ERR_NONE);
	for (int v = STS_EVICT; v <= STS_REATTEST; v++) {
		e = (struct error){ 0 };
		ck_assert(!sts_stand(s.sts, s.a, &s.boss, STR("web-i-0abc"),
		    (enum sts_verb)v, 0, &a, &e));
		ck_assert_int_eq(e.code, ERR_ACCOUNT_AUTHORITY);
	}
	ck_assert_int_eq(stand("web-9", STS_BAN, NULL), ERR_ACCOUNT_UNKNOWN);
	ck_assert_int_eq(stand("web-i-0abc", STS_VERB_NONE, NULL), ERR_USAGE);
	e = (struct error){ 0 };
	ck_assert(!sts_stand(
	    s.sts, s.a, &s.admin, STR("web-i-0abc"), STS_BAN, 99, &a, &e));
	ck_assert_int_eq(e.code, ERR_ACCOUNT_VERSION);
}
END_TEST

/* ---- two nodes --------------------------------------------------------------
 */

struct sending {
	struct sts *sts;
	struct prove_answer answer;
	struct attest_evidence evidence;
	enum err_code code;
};

static void *
send_it(void *arg)
{
	struct sending *t = arg;
	const struct sts_caller caller = { .source = s.source };
	const struct sts_enrolling what = { .answer = &t->answer,
		.evidence = &t->evidence,
		.trust = trust,
		.rules = &rule,
		.n_rules = 1 };
	struct arena *a = arena_new(0);
	struct sts_account account;
	struct error e = { 0 };
	bool created;

	(void)!sts_enrol(t->sts, a, &what, &caller, &account, &created, &e);
	t->code = e.code;
	arena_free(a);
	return NULL;
}

/* One instance, as many keys as threads, two nodes: one key is bound. */
START_TEST(one_of_two_nodes_wins)
{
	struct sending all[6];
	struct attest_key *keys[ARRAY_LEN(all)];
	pthread_t threads[ARRAY_LEN(all)];
	struct store *store;
	struct sts *node = service_node(&s, &store);
	unsigned bound = 0;

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct ask q = { .key = keys[i] = service_key(&s, KEY_P256) };

		all[i] = (struct sending){ i % 2 ? node : s.sts, answer_of(&q),
			evidence_of(&q), ERR_NONE };
	}
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		ck_assert_int_eq(
		    pthread_create(&threads[i], NULL, send_it, &all[i]), 0);
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
		bound += all[i].code == ERR_NONE;
		ck_assert(all[i].code == ERR_NONE ||
			  all[i].code == ERR_ACCOUNT_LIVE ||
			  all[i].code == ERR_SYSTEM_STORE);
		if (all[i].code == ERR_NONE)
			ck_str_is(service_read(&s, "web-i-0abc").jkt,
			    keys[i]->public.thumbprint);
		attest_key_free(keys[i]);
	}
	ck_assert_uint_eq(bound, 1);
	sts_close(node);
	store_close(store);
}
END_TEST

/* What one node was told, the other's next transaction keeps to. */
START_TEST(a_ban_is_every_node_s)
{
	const struct sts_caller caller = { .source = s.source };
	const struct ask q = { 0 };
	struct service_ask ask = { .account = "web-i-0abc", .key = key };
	struct attest_evidence e = evidence_of(&q);
	struct prove_answer proof, answer;
	struct store *store;
	struct sts *node = service_node(&s, &store);

	ck_assert_int_eq(enrol_with(key), ERR_NONE);
	proof = service_answered(&s, &ask);
	answer = answer_of(&q);
	ck_assert_int_eq(stand("web-i-0abc", STS_BAN, NULL), ERR_NONE);
	ck_assert_int_eq(service_send_by(&s, node, &proof, &caller, NULL),
	    ERR_EVIDENCE_PROOF);
	ck_assert_int_eq(send_by(node, &answer, &e, &caller, NULL, NULL),
	    ERR_EVIDENCE_REVOKED);
	sts_close(node);
	store_close(store);
}
END_TEST

static TCase *
cases(const char *name, void (*begin)(void))
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, begin, teardown);
	tcase_add_test(tc, the_first_use_binds);
	tcase_add_test(tc, another_key_is_refused_and_told);
	tcase_add_test(tc, one_key_is_not_two_instances);
	tcase_add_loop_test(tc, refused, 0, ARRAY_LEN(wrong));
	tcase_add_test(tc, the_region_is_part_of_it);
	tcase_add_loop_test(
	    tc, what_is_revoked_does_not_enrol, 0, ARRAY_LEN(revocations));
	tcase_add_test(tc, a_ban_outlives_its_account);
	tcase_add_test(tc, reattest_lets_one_key_in);
	tcase_add_test(tc, reattest_while_evicted);
	tcase_add_test(tc, a_restored_store_asks_the_operator);
	tcase_add_test(tc, without_evidence);
	tcase_set_timeout(tc, 60);
	return tc;
}

static TCase *
cases_once(void)
{
	TCase *tc = tcase_create("once");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, signed_by_another_key);
	tcase_add_test(tc, any_address_is_written_out);
	tcase_add_test(tc, any_address_may_be_none);
	tcase_add_test(tc, a_key_that_is_not_the_prover_s);
	tcase_add_test(tc, a_challenge_is_spent_by_what_is_wrong);
	tcase_add_test(tc, a_challenge_lives_five_minutes);
	tcase_add_test(tc, an_answer_of_another_role);
	tcase_add_loop_test(
	    tc, a_nonce_of_ours_signed_just_now, 0, ARRAY_LEN(nonces));
	tcase_add_test(tc, only_what_a_rule_names_enrols);
	tcase_add_test(tc, a_controller_that_is_disabled_enrols_nothing);
	tcase_add_test(tc, an_account_that_was_made_otherwise);
	tcase_add_test(tc, a_disabled_account_stays_out);
	tcase_add_test(tc, these_are_the_operator_s);
	tcase_set_timeout(tc, 60);
	return tc;
}

static TCase *
cases_shared(const char *name, void (*begin)(void))
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, begin, teardown);
	tcase_add_test(tc, again_with_the_same_key_changes_nothing);
	tcase_add_test(tc, evicted_it_may_return);
	tcase_add_test(tc, banned_it_may_not);
	tcase_add_test(tc, one_of_two_nodes_wins);
	tcase_add_test(tc, a_ban_is_every_node_s);
	tcase_set_timeout(tc, 60);
	return tc;
}

/* RSA keys take their time: one for all tests. */
static void
make_cloud(void)
{
	struct arena *a = arena_new(0);
	struct buf pem = { 0 };
	const char *path = str_printf(a, "%s/cloud.key.pem", test_folder()).p;
	const char *public = str_printf(a, "%s/cloud.pem", test_folder()).p;
	FILE *f = fopen(public, "w");

	if (!f || !attest_key_create(KEY_RSA2048, path, &err) ||
	    !attest_key_public_pem(path, &pem, &err) ||
	    fwrite(pem.p, 1, pem.n, f) != pem.n || fclose(f) != 0)
		abort();
	cloud = attest_key_open(path, &err);
	if (!cloud)
		abort();
	buf_free(&pem);
	arena_free(a);
}

int
main(void)
{
	Suite *suite = suite_create("sts_enrol");
	int failed;

	make_cloud();
	pg_start();
	suite_add_tcase(suite, cases("sqlite", setup));
	suite_add_tcase(suite, cases_once());
	suite_add_tcase(suite, cases_shared("files", setup_file));
	if (pg_url()) {
		suite_add_tcase(suite, cases("postgres", setup_postgres));
		suite_add_tcase(
		    suite, cases_shared("postgres nodes", setup_postgres));
	}
	failed = pg_run_suite(suite);
	attest_key_free(cloud);
	return failed;
}
