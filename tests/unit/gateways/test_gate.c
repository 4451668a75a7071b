/* test_gate.c - what a gate demands beyond the signature, and what it tells
 * policies. */
#include "gateways/gate.h"

#include "tests/unit/gateways/gate_kit.h"

static struct gate_kit k;

static void
setup(void)
{
	kit_open(&k);
}

static void
teardown(void)
{
	kit_fini(&k);
}

static const struct str image[] = { STR_INIT("imageId") };
static const struct str both[] = { STR_INIT("imageId"), STR_INIT("zone") };

static const struct {
	const char *note;
	struct kit_doc doc;
	const char *client, *protocol, *user;
	enum config_demand demand;
	enum config_transport transport;
	const struct str *require;
	size_t n_require;
	enum err_code want;
	enum claims_proof proof;
} rows[] = {
	{ "its own address", .client = "10.0.0.7", .protocol = "https",
	    .proof = PROOF_ADDRESS },
	{ "another address", .client = "10.0.0.8", .protocol = "https",
	    .want = ERR_REQUIREMENT_ADDRESS },
	{ "another address, bearer", .client = "10.0.0.8", .protocol = "https",
	    .demand = CONFIG_DEMAND_BEARER, .proof = PROOF_BEARER },
	{ "its own address, bearer", .client = "10.0.0.7", .protocol = "https",
	    .demand = CONFIG_DEMAND_BEARER, .proof = PROOF_ADDRESS },
	{ "no attested address", { .claims = "{}" }, .client = "10.0.0.7",
	    .protocol = "https", .want = ERR_REQUIREMENT_ADDRESS },
	{ "no attested address, bearer", { .claims = "{}" },
	    .client = "10.0.0.7", .protocol = "https",
	    .demand = CONFIG_DEMAND_BEARER, .proof = PROOF_BEARER },
	{ "an attested ::ffff: address", { .ip = "::ffff:10.0.0.7" },
	    .client = "10.0.0.7", .protocol = "https", .proof = PROOF_ADDRESS },
	{ "IPv6", { .ip = "2001:db8::7" }, .client = "2001:0db8:0::7",
	    .protocol = "https", .proof = PROOF_ADDRESS },
	{ "plain HTTP", .client = "10.0.0.7", .protocol = "http",
	    .want = ERR_EVIDENCE_TRANSPORT },
	{ "plain HTTP before anything else",
	    { .issued_after = -9, .expires_after = -1 }, .client = "10.0.0.8",
	    .protocol = "http", .want = ERR_EVIDENCE_TRANSPORT },
	{ "plain HTTP where allowed", .client = "10.0.0.7", .protocol = "http",
	    .transport = CONFIG_TRANSPORT_ANY, .proof = PROOF_ADDRESS },
	{ "plain HTTP on the machine", { .ip = "127.0.0.1" },
	    .client = "127.0.0.1", .protocol = "http", .proof = PROOF_ADDRESS },
	{ "plain HTTP on the machine, IPv6", { .ip = "::1" }, .client = "::1",
	    .protocol = "http", .proof = PROOF_ADDRESS },
	{ "HTTPS in other case", .client = "10.0.0.7", .protocol = "HTTPS",
	    .want = ERR_EVIDENCE_TRANSPORT },
	{ "no protocol", .client = "10.0.0.7", .protocol = "",
	    .want = ERR_EVIDENCE_TRANSPORT },
	{ "the user", .client = "10.0.0.7", .protocol = "https", .user = "i-1",
	    .proof = PROOF_ADDRESS },
	{ "another user", .client = "10.0.0.7", .protocol = "https",
	    .user = "i-10", .want = ERR_EVIDENCE_INSTANCE },
	{ "half of the user", .client = "10.0.0.7", .protocol = "https",
	    .user = "i-", .want = ERR_EVIDENCE_INSTANCE },
	{ "no user", .client = "10.0.0.7", .protocol = "https", .user = "",
	    .want = ERR_EVIDENCE_INSTANCE },
	{ "the user before the address", .client = "10.0.0.8",
	    .protocol = "https", .user = "x", .want = ERR_EVIDENCE_INSTANCE },
	{ "a claim that is there", .client = "10.0.0.7", .protocol = "https",
	    .require = image, .n_require = 1, .proof = PROOF_ADDRESS },
	{ "one of two is there", .client = "10.0.0.7", .protocol = "https",
	    .require = both, .n_require = 2, .want = ERR_REQUIREMENT_CLAIM },
	{ "the audience", { .audience = "other" }, .client = "10.0.0.7",
	    .protocol = "https", .want = ERR_EVIDENCE_AUDIENCE },
	{ "bound to a key",
	    { .cnf = "0123456789abcdefghijABCDEFGHIJ0123456789abc" },
	    .client = "10.0.0.7", .protocol = "https",
	    .demand = CONFIG_DEMAND_BEARER, .want = ERR_EVIDENCE_PROOF },
};

START_TEST(proves)
{
	const struct config_gate gate = { .kind = CONFIG_GATE_REPOSITORY,
		.name = STR("updates"),
		.demand = rows[_i].demand,
		.transport = rows[_i].transport,
		.require_claims = { rows[_i].require, rows[_i].n_require } };
	struct gate_seen seen = { .protocol = str_of(rows[_i].protocol),
		.evidence = { .evidence = kit_sign(&k, &rows[_i].doc) },
		.now_ms = k.now_ms };

	if (rows[_i].user)
		seen.evidence.basic_user =
		    (struct str){ rows[_i].user, strlen(rows[_i].user) };
	ck_assert(net_parse_addr(str_of(rows[_i].client), &seen.client));
	/* With a cache and without, and again from the cache. */
	for (int i = 0; i < 3; i++) {
		struct gate_proven p = { 0 };
		struct error err = { 0 };
		const struct gate_prover prover = {
			i ? k.env.prover.cache : NULL, k.env.prover.dpop, NULL
		};
		bool ok = gate_prove(k.a, k.env.state, &gate, &seen, &prover,
			      &p, NULL, &err) &&
			  gate_require(&gate, &seen, &p, &err);

		ck_assert_msg(err.code == rows[_i].want, "%s: got %s (%s)",
		    rows[_i].note, error_id(err.code), err.msg);
		ck_assert_int_eq(ok, rows[_i].want == ERR_NONE);
		if (ok)
			ck_assert_int_eq(p.proof, rows[_i].proof);
		/* Who was proven is known to the log, whatever is required. */
		ck_assert_int_eq(p.claims != NULL,
		    ok || rows[_i].want == ERR_EVIDENCE_INSTANCE ||
			rows[_i].want == ERR_REQUIREMENT_ADDRESS ||
			rows[_i].want == ERR_REQUIREMENT_CLAIM);
	}
}
END_TEST

START_TEST(the_context)
{
	struct value_field extra = { STR("more"), value_long(1) };
	struct gate_seen seen = { .protocol = STR("https"),
		.method = STR("GET"),
		.path = STR("/debian/a"),
		.query = STR("x=1"),
		.now_ms = k.now_ms + 3661001 };
	struct value context;
	struct error err = { 0 };
	struct buf b = { 0 };

	ck_assert(net_parse_addr(STR("::ffff:10.0.0.7"), &seen.client));
	ck_assert_msg(gate_context(k.a, STR("updates"), &seen, PROOF_ADDRESS,
			  &extra, 1, &context, &err),
	    "%s", err.msg);
	value_print(&b, &context);
	ck_str_is(buf_str(&b),
	    "{\"gate\": \"updates\", \"method\": \"GET\", \"more\": 1, "
	    "\"now\": datetime(\"2026-01-01T01:01:01.001Z\"), \"path\": "
	    "\"/debian/a\", \"proof\": \"address\", \"protocol\": \"https\", "
	    "\"query\": \"x=1\", \"sourceIp\": ip(\"10.0.0.7\"), "
	    "\"timeOfDay\": duration(\"1h1m1s1ms\")}");
	buf_free(&b);
}
END_TEST

/* What a gate adds cannot replace what every gate says. */
START_TEST(the_context_has_no_name_twice)
{
	struct value_field extra = { STR("proof"), value_string(STR("key")) };
	struct gate_seen seen = { .now_ms = k.now_ms };
	struct value context;
	struct error err = { 0 };

	ck_assert(net_parse_addr(STR("10.0.0.7"), &seen.client));
	ck_assert(!gate_context(
	    k.a, STR("g"), &seen, PROOF_BEARER, &extra, 1, &context, &err));
	ck_assert_str_eq(error_id(err.code), "system.error");
}
END_TEST

/* Before 1970 the time of day is still between 0 and 24 h. */
START_TEST(time_of_day)
{
	static const struct {
		int64_t now_ms;
		const char *want;
	} times[] = { { 0, "0ms" }, { -1, "23h59m59s999ms" },
		{ 86400000, "0ms" }, { 86399999, "23h59m59s999ms" } };
	struct gate_seen seen = { .now_ms = times[_i].now_ms };
	struct value context;
	struct error err = { 0 };

	ck_assert(net_parse_addr(STR("10.0.0.7"), &seen.client));
	ck_assert(gate_context(
	    k.a, STR("g"), &seen, PROOF_BEARER, NULL, 0, &context, &err));
	ck_str_is(value_get(&context, STR("timeOfDay"))->text, times[_i].want);
}
END_TEST

START_TEST(ids_are_hex_and_differ)
{
	char one[17], other[17];

	gate_decision_id(one);
	gate_decision_id(other);
	ck_assert_uint_eq(strspn(one, "0123456789abcdef"), 16);
	ck_assert_uint_eq(strlen(one), 16);
	ck_assert_str_ne(one, other);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("gate");
	TCase *tc = tcase_create("gate");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, proves, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, the_context);
	tcase_add_test(tc, the_context_has_no_name_twice);
	tcase_add_loop_test(tc, time_of_day, 0, 4);
	tcase_add_test(tc, ids_are_hex_and_differ);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
