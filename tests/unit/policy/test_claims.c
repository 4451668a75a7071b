/* test_claims.c - claims as attributes, tags and parents; when leases end. */
#include "policy/claims_make.h"

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

static const struct str licences[] = { STR_INIT("b"), STR_INIT("a"),
	STR_INIT("b") };
static const struct claims_pair applications[] = { { STR_INIT("nginx"),
    STR_INIT("1.22") } };
static const struct claims_pair custom[] = { { STR_INIT("env"),
						 STR_INIT("prod") },
	{ STR_INIT("app:nginx"), STR_INIT("x") } };

static struct claims_init
full(void)
{
	return (struct claims_init){ .kind = STR_INIT("avow"),
		.issuer = STR_INIT("acme"),
		.key_id = STR_INIT("thumb"),
		.document_id = STR_INIT("00ff"),
		.subject = STR_INIT("i-1"),
		.prefix = STR_INIT("aws/"),
		.has_issued_at = true,
		.has_expires_at = true,
		.has_licences = true,
		.issued_at = 1000,
		.expires_at = 2000,
		.image_id = STR_INIT("ami-1"),
		.owner = STR_INIT("123"),
		.private_ip = STR_INIT("::ffff:10.0.0.7"),
		.launch_time = STR_INIT("2024-01-01T00:00:00Z"),
		.region = STR_INIT("eu-1"),
		.zone = STR_INIT("eu-1a"),
		.support_level = STR_INIT("gold"),
		.os_name = STR_INIT("debian"),
		.os_version = STR_INIT("12"),
		.licences = licences,
		.n_licences = 3,
		.applications = applications,
		.n_applications = 1,
		.custom = custom,
		.n_custom = 2 };
}

static const struct claims *
make(const struct claims_init *init)
{
	const struct claims *c = NULL;
	struct error err = { 0 };

	ck_assert_msg(claims_make(a, init, &c, &err), "%s", err.msg);
	return c;
}

static void
check_text(const struct value *v, const char *want)
{
	struct buf b = { 0 };

	value_print(&b, v);
	ck_str_is(buf_str(&b), want);
	buf_free(&b);
}

START_TEST(claims_make_a_principal)
{
	struct claims_init init = full();
	const struct claims *c = make(&init);
	const struct entity *e = claims_entity(c);
	struct buf b = { 0 };

	value_print_uid(&b, claims_principal(c));
	ck_str_is(buf_str(&b), "Instance::\"aws/i-1\"");
	buf_free(&b);
	check_text(&e->attrs,
	    "{\"documentId\": \"00ff\", "
	    "\"expiresAt\": datetime(\"1970-01-01T00:33:20Z\"), "
	    "\"imageId\": \"ami-1\", "
	    "\"issuedAt\": datetime(\"1970-01-01T00:16:40Z\"), "
	    "\"issuer\": \"acme\", \"kind\": \"avow\", "
	    "\"launchTime\": datetime(\"2024-01-01T00:00:00Z\"), "
	    "\"licences\": [\"a\", \"b\"], "
	    "\"os\": {\"name\": \"debian\", \"version\": \"12\"}, "
	    "\"owner\": \"123\", \"privateIp\": ip(\"10.0.0.7\"), "
	    "\"region\": \"eu-1\", \"supportLevel\": \"gold\", "
	    "\"zone\": \"eu-1a\"}");
	check_text(&e->tags,
	    "{\"app:nginx\": \"1.22\", \"custom:app:nginx\": \"x\", "
	    "\"custom:env\": \"prod\"}");
	ck_assert_uint_eq(e->n_parents, 4);
	value_print_uid(&b, e->parents[0]);
	buf_byte(&b, ' ');
	value_print_uid(&b, e->parents[1]);
	buf_byte(&b, ' ');
	value_print_uid(&b, e->parents[2]);
	buf_byte(&b, ' ');
	value_print_uid(&b, e->parents[3]);
	ck_str_is(buf_str(&b),
	    "Image::\"ami-1\" Owner::\"123\" Region::\"eu-1\" "
	    "Zone::\"eu-1a\"");
	buf_free(&b);
}
END_TEST

START_TEST(claims_that_are_not_there)
{
	struct claims_init init = { .kind = STR_INIT("ec2-rsa2048"),
		.issuer = STR_INIT("aws"),
		.document_id = STR_INIT("0"),
		.subject = STR_INIT("i-2") };
	const struct claims *c = make(&init);
	int64_t s = 7;

	check_text(&claims_entity(c)->attrs,
	    "{\"documentId\": \"0\", \"issuer\": \"aws\", "
	    "\"kind\": \"ec2-rsa2048\"}");
	check_text(&claims_entity(c)->tags, "{}");
	ck_assert_uint_eq(claims_entity(c)->n_parents, 0);
	ck_assert_int_eq(claims_address(c).family, 0);
	ck_assert(!claims_issued_at(c, &s));
	ck_assert(!claims_expires_at(c, &s));
	ck_assert_int_eq(s, 7);
	ck_assert(!claims_has(c, STR("licences")));
	ck_assert(!claims_has_cnf(c));
}
END_TEST

START_TEST(claims_answer)
{
	struct claims_init init = full();
	const struct claims *c;
	struct net_addr want;
	struct net_addr got;
	int64_t s;

	init.has_cnf = true;
	c = make(&init);
	got = claims_address(c);
	ck_assert(net_parse_addr(STR("10.0.0.7"), &want));
	ck_assert(net_addr_eq(&got, &want));
	ck_str_is(claims_subject(c), "i-1");
	ck_str_is(claims_kind(c), "avow");
	ck_str_is(claims_issuer(c), "acme");
	ck_str_is(claims_key_id(c), "thumb");
	ck_str_is(claims_document_id(c), "00ff");
	ck_assert(claims_has_cnf(c));
	ck_assert(claims_issued_at(c, &s));
	ck_assert_int_eq(s, 1000);
	ck_assert(claims_expires_at(c, &s));
	ck_assert_int_eq(s, 2000);
	ck_assert_str_eq(claims_proof_name(PROOF_NONE), "none");
	ck_assert_str_eq(claims_proof_name(PROOF_KEY), "key");
}
END_TEST

static const char *const names[] = { "imageId", "owner", "privateIp",
	"launchTime", "region", "zone", "supportLevel", "os", "licences",
	"applications", "custom" };

START_TEST(claims_has_by_document_name)
{
	struct claims_init init = full(), empty = { .kind = STR_INIT("k") };

	ck_assert(claims_has(make(&init), str_of(names[_i])));
	ck_assert(!claims_has(make(&empty), str_of(names[_i])));
	ck_assert(!claims_has(make(&init), STR("documentId")));
	ck_assert(!claims_has(make(&init), STR("")));
}
END_TEST

/* An IPv4 address and a time are lent as they are written: the same values as
 * from other text, and from none. */
START_TEST(claims_take_text_as_it_is)
{
	struct claims_init init = full();
	const struct value *made[3], *one;

	init.issued_text = STR("1970-01-01T00:16:40Z");
	init.private_ip = STR("10.0.0.7");
	one = &claims_entity(make(&init))->attrs;
	init = full(); /* written as ::ffff:10.0.0.7, and no text */
	made[0] = &claims_entity(make(&init))->attrs;
	ck_assert(value_eq(one, made[0]));
	made[1] = value_get(one, STR("issuedAt"));
	made[2] = value_get(made[0], STR("issuedAt"));
	ck_assert(str_eq(made[1]->text, made[2]->text));
	made[1] = value_get(one, STR("privateIp"));
	made[2] = value_get(made[0], STR("privateIp"));
	ck_assert(str_eq(made[1]->text, made[2]->text));
	ck_assert_int_eq(
	    memcmp(&made[1]->ip, &made[2]->ip, sizeof made[1]->ip), 0);
}
END_TEST

/* Sorted as they are put, so that a record is made without sorting. */
START_TEST(attributes_rise)
{
	struct claims_init init = full();
	const struct value *attrs;

	init.spiffe_id = STR("spiffe://a.example/instance/i-1");
	attrs = &claims_entity(make(&init))->attrs;
	ck_assert_uint_eq(attrs->record.n, 15);
	for (size_t i = 1; i < attrs->record.n; i++)
		ck_assert_int_lt(str_cmp(attrs->record.fields[i - 1].name,
				     attrs->record.fields[i].name),
		    0);
}
END_TEST

static const struct {
	const char *ip, *launched;
	int64_t issued;
} malformed[] = {
	{ "10.0.0.1/24", "", 0 },
	{ "10.0.0", "", 0 },
	{ "::10.0.0.1", "", 0 },
	{ "", "yesterday", 0 },
	{ "", "2024-01-01T00:00:00", 0 },
	{ "", "", INT64_MAX },
};

START_TEST(claims_refuse)
{
	struct claims_init init = full();
	const struct claims *c = NULL;
	struct error err = { 0 };

	init.private_ip = str_of(malformed[_i].ip);
	init.launch_time = str_of(malformed[_i].launched);
	init.issued_at = malformed[_i].issued;
	ck_assert(!claims_make(a, &init, &c, &err));
	ck_assert_int_eq(err.code, ERR_EVIDENCE_MALFORMED);
	ck_assert_ptr_null(c);
}
END_TEST

START_TEST(claims_refuse_one_name_twice)
{
	static const struct claims_pair twice[] = {
		{ STR_INIT("x"), STR_INIT("1") },
		{ STR_INIT("x"), STR_INIT("2") },
	};
	struct claims_init init = full();
	const struct claims *c = NULL;
	struct error err = { 0 };

	init.custom = twice;
	ck_assert(!claims_make(a, &init, &c, &err));
	ck_assert_int_eq(err.code, ERR_EVIDENCE_MALFORMED);
	ck_assert_str_eq(err.msg, "`custom:x` is claimed twice");
}
END_TEST

static const struct {
	bool expires;
	int64_t max_lease, shown, want;
} leases[] = {
	{ true, 0, 1500, 2000 },
	{ true, 100, 1500, 1600 },
	{ true, 900, 1500, 2000 },
	{ true, INT64_MAX, 1500, 2000 },
	{ false, 100, 1500, 1600 },
	{ false, INT64_MAX, 1500, INT64_MAX },
	/* Neither: nothing stays open. */
	{ false, 0, 1500, 1500 },
};

START_TEST(claims_lease_ends)
{
	struct claims_init init = full();

	init.has_expires_at = leases[_i].expires;
	init.max_lease_s = leases[_i].max_lease;
	ck_assert_int_eq(
	    claims_lease_end(make(&init), leases[_i].shown), leases[_i].want);
}
END_TEST

START_TEST(claims_as_json)
{
	struct claims_init init = full(), few = { .kind = STR_INIT("k"),
		.os_name = STR_INIT("x"),
		.has_licences = true };
	json_t *json = claims_to_json(make(&init));
	struct buf b = { 0 };

	ck_assert(json_write(&b, json));
	json_decref(json);
	ck_str_is(buf_str(&b),
	    "{\"imageId\":\"ami-1\",\"owner\":\"123\","
	    "\"privateIp\":\"::ffff:10.0.0.7\","
	    "\"launchTime\":\"2024-01-01T00:00:00Z\",\"region\":\"eu-1\","
	    "\"zone\":\"eu-1a\",\"supportLevel\":\"gold\","
	    "\"os\":{\"name\":\"debian\",\"version\":\"12\"},"
	    "\"licences\":[\"b\",\"a\",\"b\"],"
	    "\"applications\":{\"nginx\":\"1.22\"},"
	    "\"custom\":{\"env\":\"prod\",\"app:nginx\":\"x\"}}");
	b.n = 0;
	json = claims_to_json(make(&few));
	ck_assert(json_write(&b, json));
	json_decref(json);
	ck_str_is(buf_str(&b), "{\"os\":{\"name\":\"x\"},\"licences\":[]}");
	buf_free(&b);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("claims");
	TCase *tc = tcase_create("claims");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, claims_make_a_principal);
	tcase_add_test(tc, claims_that_are_not_there);
	tcase_add_test(tc, claims_answer);
	tcase_add_loop_test(
	    tc, claims_has_by_document_name, 0, ARRAY_LEN(names));
	tcase_add_test(tc, claims_take_text_as_it_is);
	tcase_add_test(tc, attributes_rise);
	tcase_add_loop_test(tc, claims_refuse, 0, ARRAY_LEN(malformed));
	tcase_add_test(tc, claims_refuse_one_name_twice);
	tcase_add_loop_test(tc, claims_lease_ends, 0, ARRAY_LEN(leases));
	tcase_add_test(tc, claims_as_json);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
