/* test_balancer.c - who gets into a pool, who stays, and that HAProxy has
 * exactly those: with scripted judges and clocks, against nobody, a scripted
 * socket, and the real program. */
#include "gateways/balancer.h"

#include "base/limits.h"
#include "base/log.h"
#include "gateways/haproxy.h"
#include "policy/claims_make.h"
#include "store/sql.h"
#include "tests/unit/gateways/fake_haproxy.h"
#include "tests/unit/gateways/real_haproxy.h"

#define NOW_S 1000000

static struct arena *arena;
static struct store *store;
static struct balancer *balancer;
static struct error err;
static int64_t now_ms;
static struct clock clock_now;

/* --- a judge that says what it is told
 * ------------------------------------------------ */

static struct {
	enum err_code prove, decide; /* 0: yes */
	size_t n_prove, n_decide;
	const struct claims *claims; /* what proving finds */
	void (*in_between)(void);    /* called by prove, once */
	struct balancer_ask asked;
	char gate[16];
} judge;

static bool
prove(void *ctx, struct arena *a, struct str gate, struct balancer_who *who,
    struct error *reterr)
{
	void (*in_between)(void) = judge.in_between;

	(void)ctx;
	(void)a;
	judge.in_between = NULL;
	judge.n_prove++;
	snprintf(judge.gate, sizeof judge.gate, "%.*s", STR_ARG(gate));
	if (in_between)
		in_between();
	if (judge.prove)
		return error_set(reterr, judge.prove, SPAN_NONE, "told so");
	who->claims = judge.claims;
	who->proof = PROOF_ADDRESS;
	return true;
}

static bool
decide(void *ctx, struct arena *a, const struct balancer_ask *ask,
    struct error *reterr)
{
	(void)ctx;
	(void)a;
	judge.n_decide++;
	judge.asked = *ask;
	if (judge.decide)
		return error_set(reterr, judge.decide, SPAN_NONE, "told so");
	return true;
}

static const struct balancer_judge scripted = { NULL, prove, decide };

/* --- the stage
 * -------------------------------------------------------------------------- */

static const uint16_t ports[] = { 8080, 8081 };
static struct net_cidr ten[2], all[2], loop[2];
static struct config_pool pools[3];
static struct config_gate gates[2];
static struct config config;

static struct net_cidr
cidr(const char *text)
{
	struct net_cidr c;

	ck_assert(net_parse_cidr(str_of(text), &c));
	return c;
}

static struct config_pool
pool(const char *name, const char *backend, const struct net_cidr *networks)
{
	return (struct config_pool){ .name = str_of(name),
		.haproxy = STR("/nonexistent/admin"),
		.backend = str_of(backend),
		.ports = ports,
		.n_ports = ARRAY_LEN(ports),
		.networks = { networks, 2 } };
}

static void
configure(const char *socket)
{
	ten[0] = cidr("10.0.0.0/8");
	ten[1] = cidr("2001:db8::/32");
	all[0] = cidr("0.0.0.0/0");
	all[1] = cidr("::/0");
	loop[0] = cidr("127.0.0.0/8");
	loop[1] = cidr("fe80::/10");
	pools[0] = pool("web", "web", ten);
	pools[1] = pool("all", "all", all);
	pools[2] = pool("loop", "loop", loop);
	if (socket)
		pools[0].haproxy = str_of(socket);
	gates[0] = (struct config_gate){ .kind = CONFIG_GATE_BALANCER,
		.name = STR("lb"),
		.pools = pools,
		.n_pools = socket ? 1 : 3 };
	config = (struct config){ .gates = gates, .n_gates = 1 };
}

static void
open_balancer(int haproxy_ms)
{
	const struct balancer_options options = { .config = &config,
		.store = store,
		.clock = &clock_now,
		.judge = scripted,
		.haproxy_ms = haproxy_ms };

	balancer = balancer_new(&options, &err);
	ck_assert_msg(balancer, "%s", err.msg);
}

static void
setup(void)
{
	log_threshold(LOG_ERROR);
	arena = arena_new(0);
	err = (struct error){ 0 };
	now_ms = (int64_t)NOW_S * 1000;
	clock_now = clock_fixed(&now_ms);
	memset(&judge, 0, sizeof judge);
	store = store_open(STR("sqlite::memory:"), &err);
	ck_assert_msg(store, "%s", err.msg);
	configure(NULL);
	balancer = NULL;
}

static void
teardown(void)
{
	balancer_free(balancer);
	store_close(store);
	arena_free(arena);
}

static struct claims_init
instance(const char *id, const char *address)
{
	return (struct claims_init){ .kind = STR("avow"),
		.issuer = STR("acme"),
		.key_id = STR("k"),
		.document_id = STR("00112233445566778899aabbccddeeff"),
		.subject = str_of(id),
		.private_ip = str_of(address),
		.has_issued_at = true,
		.issued_at = NOW_S - 100,
		.has_expires_at = true,
		.expires_at = NOW_S + 3600 };
}

static struct balancer_who
who_is(const struct claims_init *init)
{
	struct balancer_who who = { .proof = PROOF_ADDRESS,
		.protocol = STR("https"),
		.evidence = { STR("avow"), STR("{doc}"), STR("sig") },
		.now_ms = now_ms };

	ck_assert_msg(
	    claims_make(arena, init, &who.claims, &err), "%s", err.msg);
	who.client = claims_address(who.claims);
	judge.claims = who.claims;
	return who;
}

static struct balancer_who
someone(const char *id, const char *address)
{
	struct claims_init init = instance(id, address);

	return who_is(&init);
}

static bool
try_join(const struct balancer_who *who, const char *pool_name,
    const char *address, int64_t port, struct balancer_joined *ret)
{
	const struct balancer_said said = { str_of(address), port,
		BALANCER_WEIGHT_DEFAULT };

	err = (struct error){ 0 };
	return balancer_join(balancer, arena, str_of(pool_name), who, &said,
	    &scripted, ret, &err);
}

static struct balancer_joined
must_join(const struct balancer_who *who, int64_t port)
{
	struct balancer_joined joined = { 0 };
	struct buf text = { 0 };

	net_print(&text, &who->client);
	buf_byte(&text, '\0');
	ck_assert_msg(
	    try_join(who, "web", text.p, port, &joined), "%s", err.msg);
	buf_free(&text);
	return joined;
}

static struct store_member *
rows(size_t *ret_n)
{
	struct store_member *got;

	ck_assert(
	    store_member_page(store, arena, NULL, 1000, &got, ret_n, &err));
	return got;
}

static size_t
count(void)
{
	size_t n;

	rows(&n);
	return n;
}

/* --- joining
 * ------------------------------------------------------------------------------
 */

static const struct {
	const char *note, *pool, *attested, *client, *said;
	int64_t port, weight;
	enum err_code want;
} limits[] = {
	{ "plain", "web", "10.0.0.1", "10.0.0.1", "10.0.0.1", 8080, 1, 0 },
	{ "v6", "web", "2001:db8::1", "2001:db8::1", "2001:DB8:0::1", 8081, 1,
	    0 },
	{ "least weight", "web", "10.0.0.1", "10.0.0.1", "10.0.0.1", 8080, 0,
	    0 },
	{ "most weight", "web", "10.0.0.1", "10.0.0.1", "10.0.0.1", 8080, 256,
	    0 },
	{ "other client", "web", "10.0.0.1", "10.0.0.2", "10.0.0.1", 8080, 1,
	    ERR_REQUIREMENT_ADDRESS },
	{ "other client says so", "web", "10.0.0.1", "10.0.0.2", "10.0.0.2",
	    8080, 1, ERR_REQUIREMENT_ADDRESS },
	{ "nothing attested", "web", NULL, "10.0.0.1", "10.0.0.1", 8080, 1,
	    ERR_REQUIREMENT_ADDRESS },
	{ "no client", "web", NULL, NULL, "10.0.0.1", 8080, 1,
	    ERR_REQUIREMENT_ADDRESS },
	{ "another's address", "web", "10.0.0.1", "10.0.0.1", "10.0.0.2", 8080,
	    1, ERR_BALANCER_ADDRESS },
	{ "host name", "web", "10.0.0.1", "10.0.0.1", "localhost", 8080, 1,
	    ERR_BALANCER_ADDRESS },
	{ "socket", "web", "10.0.0.1", "10.0.0.1", "unix@/tmp/x", 8080, 1,
	    ERR_BALANCER_ADDRESS },
	{ "command", "web", "10.0.0.1", "10.0.0.1", "10.0.0.1;quit", 8080, 1,
	    ERR_BALANCER_ADDRESS },
	{ "newline", "web", "10.0.0.1", "10.0.0.1", "10.0.0.1\n", 8080, 1,
	    ERR_BALANCER_ADDRESS },
	{ "zeros", "web", "10.0.0.1", "10.0.0.1", "10.0.0.01", 8080, 1,
	    ERR_BALANCER_ADDRESS },
	{ "no address", "web", "10.0.0.1", "10.0.0.1", "", 8080, 1,
	    ERR_BALANCER_ADDRESS },
	{ "network", "web", "192.0.2.1", "192.0.2.1", "192.0.2.1", 8080, 1,
	    ERR_BALANCER_NETWORK },
	{ "port", "web", "10.0.0.1", "10.0.0.1", "10.0.0.1", 22, 1,
	    ERR_BALANCER_PORT },
	{ "port 0", "web", "10.0.0.1", "10.0.0.1", "10.0.0.1", 0, 1,
	    ERR_BALANCER_PORT },
	{ "port wraps", "web", "10.0.0.1", "10.0.0.1", "10.0.0.1", 65536 + 8080,
	    1, ERR_BALANCER_PORT },
	{ "negative port", "web", "10.0.0.1", "10.0.0.1", "10.0.0.1", -57456, 1,
	    ERR_BALANCER_PORT },
	{ "weight", "web", "10.0.0.1", "10.0.0.1", "10.0.0.1", 8080, 257,
	    ERR_BALANCER_WEIGHT },
	{ "weight wraps", "web", "10.0.0.1", "10.0.0.1", "10.0.0.1", 8080,
	    65537, ERR_BALANCER_WEIGHT },
	{ "negative weight", "web", "10.0.0.1", "10.0.0.1", "10.0.0.1", 8080,
	    -1, ERR_BALANCER_WEIGHT },
	{ "no pool", "api", "10.0.0.1", "10.0.0.1", "10.0.0.1", 8080, 1,
	    ERR_REQUEST_PATH },
	{ "part of a name", "we", "10.0.0.1", "10.0.0.1", "10.0.0.1", 8080, 1,
	    ERR_REQUEST_PATH },
	{ "all networks", "all", "192.0.2.1", "192.0.2.1", "192.0.2.1", 8080, 1,
	    0 },
	{ "loopback is not meant", "all", "127.0.0.1", "127.0.0.1", "127.0.0.1",
	    8080, 1, ERR_BALANCER_ADDRESS },
	{ "v6 loopback is not meant", "all", "::1", "::1", "::1", 8080, 1,
	    ERR_BALANCER_ADDRESS },
	{ "unspecified", "all", "0.0.0.0", "0.0.0.0", "0.0.0.0", 8080, 1,
	    ERR_BALANCER_ADDRESS },
	{ "metadata service", "all", "169.254.169.254", "169.254.169.254",
	    "169.254.169.254", 8080, 1, ERR_BALANCER_ADDRESS },
	{ "multicast", "all", "224.0.0.1", "224.0.0.1", "224.0.0.1", 8080, 1,
	    ERR_BALANCER_ADDRESS },
	{ "broadcast", "all", "255.255.255.255", "255.255.255.255",
	    "255.255.255.255", 8080, 1, ERR_BALANCER_ADDRESS },
	{ "listed loopback", "loop", "127.0.0.1", "127.0.0.1", "127.0.0.1",
	    8080, 1, 0 },
	{ "listed link-local", "loop", "fe80::1", "fe80::1", "fe80::1", 8080, 1,
	    0 },
	{ "unlisted loopback", "loop", "::1", "::1", "::1", 8080, 1,
	    ERR_BALANCER_ADDRESS },
	{ "mapped", "web", "10.0.0.1", "10.0.0.1", "::ffff:10.0.0.1", 8080, 1,
	    0 },
};

START_TEST(a_join_keeps_within_limits)
{
	struct balancer_who who = someone("i-1", limits[_i].attested);
	const struct balancer_said said = { str_of(limits[_i].said),
		limits[_i].port, limits[_i].weight };
	struct balancer_joined joined;
	bool ok;

	open_balancer(0);
	who.client = (struct net_addr){ 0 };
	if (limits[_i].client)
		ck_assert(
		    net_parse_addr(str_of(limits[_i].client), &who.client));
	ok = balancer_join(balancer, arena, str_of(limits[_i].pool), &who,
	    &said, &scripted, &joined, &err);
	ck_assert_msg(
	    ok == (limits[_i].want == 0), "%s: %s", limits[_i].note, err.msg);
	ck_assert_msg(err.code == limits[_i].want, "%s: %s", limits[_i].note,
	    error_id(err.code));
	ck_assert_uint_eq(count(), ok ? 1 : 0);
	/* Policy is asked about nothing that could not be. */
	ck_assert_uint_eq(judge.n_decide, ok ? 1 : 0);
}
END_TEST

START_TEST(what_joins_is_stored_whole)
{
	struct balancer_who who = someone("i-1", "10.0.0.1");
	struct balancer_joined joined;
	struct store_member *m;
	char server[38];
	size_t n;

	open_balancer(0);
	joined = must_join(&who, 8080);
	ck_assert(joined.is_new && !joined.is_in);
	ck_str_is(joined.pool, "web");
	ck_str_is(joined.instance, "i-1");
	ck_str_is(joined.address, "10.0.0.1");
	ck_assert_uint_eq(joined.port, 8080);
	ck_assert_int_eq(joined.expires_at, NOW_S + 3600);
	m = rows(&n);
	ck_assert_uint_eq(n, 1);
	ck_assert(balancer_server_name(STR("web"), STR("i-1"), 8080, server));
	ck_str_is(m->server, server);
	ck_str_is(m->document, "{doc}");
	ck_str_is(m->signature, "sig");
	ck_str_is(m->kind, "avow");
	ck_str_is(m->issuer, "acme");
	ck_str_is(m->proof, "address");
	ck_str_is(m->protocol, "https");
	ck_assert_uint_eq(m->weight, 1);
	ck_assert_int_eq(m->shown_at, NOW_S);
	ck_assert_int_eq(m->attested_at, NOW_S - 100);
	ck_str_is(judge.asked.gate, "lb");
	ck_str_is(judge.asked.pool, "web");
	ck_assert_uint_eq(judge.asked.port, 8080);
	ck_assert(!must_join(&who, 8080).is_new);
	ck_assert(must_join(&who, 8081).is_new);
	ck_assert_uint_eq(count(), 2);
}
END_TEST

START_TEST(a_denied_join_leaves_no_trace)
{
	struct balancer_who who = someone("i-1", "10.0.0.1");
	struct balancer_joined joined;

	open_balancer(0);
	judge.decide = ERR_POLICY_NONE;
	ck_assert(!try_join(&who, "web", "10.0.0.1", 8080, &joined));
	ck_assert_int_eq(err.code, ERR_POLICY_NONE);
	ck_assert_uint_eq(count(), 0);
}
END_TEST

/* A renewal that is denied does not end the membership; judging again does. */
START_TEST(a_denied_renewal_renews_nothing)
{
	struct balancer_who who = someone("i-1", "10.0.0.1");
	struct balancer_joined joined;
	size_t n;

	open_balancer(0);
	must_join(&who, 8080);
	judge.decide = ERR_POLICY_DENIED;
	now_ms += 1000;
	who.now_ms = now_ms;
	ck_assert(!try_join(&who, "web", "10.0.0.1", 8080, &joined));
	ck_assert_int_eq(rows(&n)->shown_at, NOW_S);
	ck_assert(balancer_tick(balancer, &err));
	ck_assert_uint_eq(count(), 0);
}
END_TEST

static const struct {
	const char *note;
	int64_t expires_in; /* 0: never */
	int64_t trust_s, gate_s;
	int64_t want; /* from now; 0: refused, INT64_MAX: never */
} leases[] = {
	{ "document", 3600, 0, CONFIG_LEASE_NOT_GIVEN, 3600 },
	{ "document before both", 60, 600, 600, 60 },
	{ "trust", 3600, 600, CONFIG_LEASE_NOT_GIVEN, 600 },
	{ "gate", 3600, 600, 300, 300 },
	{ "gate none", 3600, 600, CONFIG_LEASE_NONE, 600 },
	{ "no expiry", 0, 600, CONFIG_LEASE_NOT_GIVEN, 600 },
	{ "no expiry, gate", 0, 600, 300, 300 },
	{ "all none", 0, INT64_MAX, CONFIG_LEASE_NONE, INT64_MAX },
	{ "gate alone", 0, INT64_MAX, 300, 300 },
	{ "over already", -1, 600, CONFIG_LEASE_NOT_GIVEN, 0 },
};

START_TEST(a_membership_ends_by_the_first_limit)
{
	struct claims_init init = instance("i-1", "10.0.0.1");
	struct balancer_who who;
	struct balancer_joined joined;

	init.has_expires_at = leases[_i].expires_in != 0;
	init.expires_at = NOW_S + leases[_i].expires_in;
	init.max_lease_s = leases[_i].trust_s;
	who = who_is(&init);
	gates[0].max_lease_s = leases[_i].gate_s;
	open_balancer(0);
	if (leases[_i].want == 0) {
		ck_assert(!try_join(&who, "web", "10.0.0.1", 8080, &joined));
		ck_assert_int_eq(err.code, ERR_EVIDENCE_EXPIRED);
		ck_assert_uint_eq(count(), 0);
		return;
	}
	joined = must_join(&who, 8080);
	ck_assert_msg(joined.expires_at == (leases[_i].want == INT64_MAX
						   ? INT64_MAX
						   : NOW_S + leases[_i].want),
	    "%s: %lld", leases[_i].note, (long long)joined.expires_at);
}
END_TEST

static const struct {
	const char *note, *issuer;
	int64_t later_s;
	bool has_issued_at, replaces;
} holders[] = {
	{ "attested later", "acme", 1, true, true },
	{ "at the same time", "acme", 0, true, false },
	{ "earlier", "acme", -1, true, false },
	{ "later by another issuer", "other", 1, true, false },
	{ "shown later", "acme", 0, false, true },
};

START_TEST(a_held_place_changes_hands_by_later_attestation)
{
	struct claims_init init = instance("i-2", "10.0.0.1");
	struct balancer_who old = someone("i-1", "10.0.0.1"), new;
	struct balancer_joined joined;
	size_t n;

	init.issuer = str_of(holders[_i].issuer);
	init.has_issued_at = holders[_i].has_issued_at;
	init.issued_at += holders[_i].later_s;
	open_balancer(0);
	must_join(&old, 8080);
	new = who_is(&init);
	ck_assert_msg(try_join(&new, "web", "10.0.0.1", 8080, &joined) ==
			  holders[_i].replaces,
	    "%s", holders[_i].note);
	if (!holders[_i].replaces)
		ck_assert_int_eq(err.code, ERR_BALANCER_HELD);
	ck_str_is(rows(&n)->principal, holders[_i].replaces ? "i-2" : "i-1");
	ck_assert_uint_eq(n, 1);
}
END_TEST

START_TEST(leaving_is_for_oneself)
{
	struct balancer_who a = someone("i-1", "10.0.0.1");
	struct balancer_who b = someone("i-2", "10.0.0.2");
	struct balancer_who c = someone("i-1", "10.0.0.1");

	open_balancer(0);
	must_join(&a, 8080);
	must_join(&a, 8081);
	must_join(&b, 8080);
	c.client = b.client;
	ck_assert(!balancer_leave(balancer, arena, STR("web"), &c, 0, &err));
	ck_assert_int_eq(err.code, ERR_REQUIREMENT_ADDRESS);
	err = (struct error){ 0 };
	ck_assert(!balancer_leave(balancer, arena, STR("api"), &a, 0, &err));
	ck_assert_int_eq(err.code, ERR_REQUEST_PATH);
	err = (struct error){ 0 };
	ck_assert(balancer_leave(balancer, arena, STR("loop"), &a, 0, &err));
	ck_assert_uint_eq(count(), 3);
	ck_assert(balancer_leave(balancer, arena, STR("web"), &a, 8081, &err));
	ck_assert_uint_eq(count(), 2);
	ck_assert(balancer_leave(balancer, arena, STR("web"), &a, 0, &err));
	ck_assert(balancer_leave(balancer, arena, STR("web"), &a, 0, &err));
	ck_assert_uint_eq(count(), 1);
}
END_TEST

START_TEST(server_names_are_nobodys_choice)
{
	char a[38], b[38];

	/* SHA-256 of 0000000000000003 "web" 0000000000000003 "i-1"
	 * 0000000000000004 "8080". */
	ck_assert(balancer_server_name(STR("web"), STR("i-1"), 8080, a));
	ck_assert_str_eq(a, "avow-afb46634589ea37c131c4cb92b46e395");
	ck_assert(haproxy_name_is_ours(str_of(a)));
	ck_assert(balancer_server_name(STR("web"), STR("i-1"), 8081, b));
	ck_assert_str_ne(a, b);
	ck_assert(balancer_server_name(STR("webi"), STR("-1"), 8080, b));
	ck_assert_str_ne(a, b);
}
END_TEST

START_TEST(two_pools_cannot_share_a_backend)
{
	const struct balancer_options options = { .config = &config,
		.store = store,
		.clock = &clock_now,
		.judge = scripted };

	pools[2].backend = pools[0].backend;
	ck_assert(!balancer_new(&options, &err));
	ck_assert_int_eq(err.code, ERR_CONFIG_VALUE);
}
END_TEST

START_TEST(pools_are_fixed_while_it_runs)
{
	open_balancer(0);
	ck_assert(balancer_accepts(balancer, &config, &err));
	switch (_i) {
	case 0:
		gates[0].n_pools = 2;
		break;
	case 1:
		pools[1].backend = STR("new");
		break;
	case 2:
		pools[1].n_ports = 1;
		break;
	case 3:
		all[0].prefix = 1;
		break;
	case 4:
		gates[0].max_lease_s = 7;
		break;
	case 5:
		pools[1].name = STR("new");
		break;
	default:
		gates[0].name = STR("new");
	}
	ck_assert(!balancer_accepts(balancer, &config, &err));
	ck_assert_int_eq(err.code, ERR_CONFIG_VALUE);
}
END_TEST

/* --- staying
 * ---------------------------------------------------------------------------------
 */

static const struct {
	const char *note;
	enum err_code prove, decide;
	int64_t pass_s;
	size_t left;
} reviews[] = {
	{ "nothing changed", 0, 0, 60, 1 },
	{ "evidence refused", ERR_EVIDENCE_REVOKED, 0, 60, 0 },
	{ "policy denies", 0, ERR_POLICY_DENIED, 60, 0 },
	{ "an error", 0, ERR_SYSTEM_ERROR, 60, 0 },
	{ "not due yet", ERR_EVIDENCE_REVOKED, 0, 59, 1 },
	{ "the clock was set back", ERR_EVIDENCE_REVOKED, 0, -1, 0 },
	{ "a second before the end", 0, 0, 3599, 1 },
	{ "the end", 0, 0, 3600, 0 },
};

START_TEST(members_are_judged_again)
{
	struct balancer_who who = someone("i-1", "10.0.0.1");

	open_balancer(0);
	balancer_beat(balancer);
	must_join(&who, 8080);
	judge.prove = reviews[_i].prove;
	judge.decide = reviews[_i].decide;
	judge.n_prove = 0;
	now_ms += reviews[_i].pass_s * 1000;
	balancer_beat(balancer);
	ck_assert_msg(count() == reviews[_i].left, "%s", reviews[_i].note);
	if (reviews[_i].left && reviews[_i].pass_s >= 60) {
		ck_assert_uint_eq(judge.n_prove, 1);
		ck_assert_str_eq(judge.gate, "lb");
		ck_assert_uint_eq(judge.asked.port, 8080);
	}
}
END_TEST

/* The end comes when it is due, not at the next judging. */
START_TEST(expiry_does_not_wait)
{
	struct claims_init init = instance("i-1", "10.0.0.1");
	struct balancer_who who;

	init.expires_at = NOW_S + 2;
	who = who_is(&init);
	open_balancer(0);
	balancer_beat(balancer);
	must_join(&who, 8080);
	now_ms += 1000;
	balancer_beat(balancer);
	ck_assert_uint_eq(count(), 1);
	now_ms += 1000;
	balancer_beat(balancer);
	ck_assert_uint_eq(count(), 0);
}
END_TEST

/* What is verified again must be what was stored. */
START_TEST(a_member_must_still_be_itself)
{
	struct balancer_who who = someone("i-1", "10.0.0.1");

	open_balancer(0);
	must_join(&who, 8080);
	if (_i == 0)
		someone("i-2", "10.0.0.1");
	else
		someone("i-1", "10.0.0.2");
	ck_assert(balancer_tick(balancer, &err));
	ck_assert_uint_eq(count(), 0);
}
END_TEST

/* A lease that the trust makes shorter counts from when the evidence was shown.
 */
START_TEST(a_shorter_lease_ends_members)
{
	struct claims_init init = instance("i-1", "10.0.0.1");
	struct balancer_who who = someone("i-1", "10.0.0.1");

	open_balancer(0);
	must_join(&who, 8080);
	init.max_lease_s = 100;
	who_is(&init);
	now_ms += 99000;
	ck_assert(balancer_tick(balancer, &err));
	ck_assert_uint_eq(count(), 1);
	now_ms += 1000;
	ck_assert(balancer_tick(balancer, &err));
	ck_assert_uint_eq(count(), 0);
}
END_TEST

static void
join_again(void)
{
	struct balancer_who who = someone("i-1", "10.0.0.1");

	must_join(&who, 8080);
}

START_TEST(a_judgement_of_the_old_spares_the_new)
{
	struct balancer_who who = someone("i-1", "10.0.0.1");

	open_balancer(0);
	must_join(&who, 8080);
	judge.in_between = join_again;
	judge.prove = ERR_EVIDENCE_EXPIRED;
	/* Renewed while the old row was judged: it stays, until it is judged
	 * itself. */
	ck_assert(balancer_tick(balancer, &err));
	ck_assert_uint_eq(count(), 1);
	ck_assert(balancer_tick(balancer, &err));
	ck_assert_uint_eq(count(), 0);
}
END_TEST

/* Policies changed and members were judged while a join was between its
 * decision and the store. */
static bool
decide_and_reload(void *ctx, struct arena *a, const struct balancer_ask *ask,
    struct error *reterr)
{
	(void)ctx;
	(void)a;
	(void)ask;
	(void)reterr;
	ck_assert(balancer_tick(balancer, &err));
	judge.decide = ERR_POLICY_DENIED;
	return true;
}

START_TEST(a_join_does_not_slip_past_a_reload)
{
	static const struct balancer_judge slow = { NULL, NULL,
		decide_and_reload };
	struct balancer_who who = someone("i-1", "10.0.0.1");
	const struct balancer_said said = { STR("10.0.0.1"), 8080, 1 };
	struct balancer_joined joined;

	open_balancer(0);
	ck_assert(!balancer_join(
	    balancer, arena, STR("web"), &who, &said, &slow, &joined, &err));
	ck_assert_int_eq(err.code, ERR_POLICY_DENIED);
	ck_assert_uint_eq(count(), 0);
}
END_TEST

START_TEST(many_members_are_judged_in_pieces)
{
	char address[32], id[16];

	open_balancer(0);
	for (int i = 0; i < 600; i++) {
		struct balancer_who who;

		snprintf(id, sizeof id, "i-%d", i);
		snprintf(
		    address, sizeof address, "10.0.%d.%d", i / 200, i % 200);
		who = someone(
		    str_z(arena, str_of(id)), str_z(arena, str_of(address)));
		must_join(&who, 8080);
	}
	judge.n_prove = 0;
	judge.prove = ERR_EVIDENCE_KEY;
	ck_assert(balancer_tick(balancer, &err));
	ck_assert_uint_eq(judge.n_prove, 600);
	ck_assert_uint_eq(count(), 0);
}
END_TEST

/* A pool that is not configured waits; its members end all the same. */
START_TEST(unknown_pools_wait_until_they_expire)
{
	struct balancer_who who = someone("i-1", "10.0.0.1");

	open_balancer(0);
	must_join(&who, 8080);
	balancer_free(balancer);
	pools[0].name = STR("other");
	open_balancer(0);
	judge.decide = ERR_POLICY_DENIED;
	ck_assert(balancer_tick(balancer, &err));
	ck_assert_uint_eq(count(), 1);
	now_ms += 3600 * 1000;
	ck_assert(balancer_tick(balancer, &err));
	ck_assert_uint_eq(count(), 0);
}
END_TEST

/* A store that cannot be written: nobody joins or leaves, and the start says
 * so. Once it can, all goes on. */
START_TEST(a_failing_store_is_said)
{
	struct balancer_who who = someone("i-1", "10.0.0.1");
	struct balancer_joined joined;
	struct str url = str_printf(
	    arena, "sqlite://%s/%d.db", test_folder(), (int)getpid());
	struct error e = { 0 };
	struct sql *other;

	store_close(store);
	store = store_open(url, &err);
	ck_assert_msg(store, "%s", err.msg);
	open_balancer(0);
	must_join(&who, 8080);
	other = sql_open(url, NULL, &err);
	ck_assert(other && sql_begin(other, &err));
	judge.prove = ERR_EVIDENCE_REVOKED;
	ck_assert(!balancer_tick(balancer, &e));
	ck_assert_int_eq(e.code, ERR_SYSTEM_STORE);
	ck_assert(!try_join(&who, "web", "10.0.0.1", 8081, &joined));
	ck_assert_int_eq(err.code, ERR_SYSTEM_STORE);
	ck_assert(!balancer_leave(
	    balancer, arena, STR("web"), &who, 0, &(struct error){ 0 }));
	sql_rollback(other);
	sql_close(other);
	err = (struct error){ 0 };
	ck_assert_uint_eq(count(), 1);
	balancer_beat(balancer);
	ck_assert_uint_eq(count(), 0);
}
END_TEST

/* What is revoked is not known: nothing is known of members, so none leaves;
 * nobody joins. Known again, all are judged at once. */
START_TEST(nobody_leaves_for_what_is_not_known)
{
	struct balancer_who who = someone("i-1", "10.0.0.1");
	struct error e = { 0 };

	open_balancer(0);
	balancer_beat(balancer);
	must_join(&who, 8080);
	judge.prove = ERR_SYSTEM_STORE;
	ck_assert(!balancer_tick(balancer, &e));
	ck_assert_int_eq(e.code, ERR_SYSTEM_STORE);
	ck_assert_uint_eq(count(), 1);
	judge.prove = ERR_EVIDENCE_REVOKED;
	balancer_beat(balancer);
	ck_assert_uint_eq(count(), 0);
}
END_TEST

START_TEST(the_thread_wakes_and_ends)
{
	struct balancer_who who = someone("i-1", "10.0.0.1");
	int tries = 0;

	open_balancer(0);
	must_join(&who, 8080);
	judge.decide = ERR_POLICY_DENIED;
	ck_assert(balancer_start(balancer, &err));
	balancer_wake(balancer);
	while (count() && tries++ < 500)
		usleep(10000);
	ck_assert_uint_eq(count(), 0);
	balancer_stop(balancer);
	balancer_stop(balancer);
}
END_TEST

/* --- a HAProxy that does what it should not
 * ----------------------------------------------------- */

START_TEST(a_hanging_haproxy_holds_nobody_long)
{
	static const struct fake_line line = { "", FAKE_HANGS };
	struct balancer_who who = someone("i-1", "10.0.0.1");
	struct fake f;
	int64_t began;

	fake_start(&f, &line, 1);
	configure(f.path);
	open_balancer(100);
	began = clock_mono_ns();
	ck_assert(!must_join(&who, 8080).is_in);
	ck_assert(balancer_leave(balancer, arena, STR("web"), &who, 0, &err));
	ck_assert_int_lt(clock_mono_ns() - began, INT64_C(3000000000));
	fake_stop(&f);
}
END_TEST

#define HEADING                                                                \
	"1\n# be_name srv_name srv_addr srv_admin_state srv_uweight "          \
	"srv_check_state srv_port\n"

/* Connections that do not end keep the server for a while, never the caller; it
 * is asked again at the next beat. */
START_TEST(attached_connections_are_left_for_later)
{
	struct balancer_who who = someone("i-1", "10.0.0.1");
	static const char attached[] =
	    "Server still has connections attached to it, cannot remove it.\n";
	struct fake_line lines[] = { { "New server registered.\n\n", 0 },
		{ "\n", 0 }, { "\n", 0 },                  /* joined */
		{ "\n", 0 }, { "\n", 0 }, { attached, 0 }, /* left */
		{ NULL, 0 },                               /* still there */
		{ "\n", 0 }, { "\n", 0 }, { attached, 0 }, /* not yet */
		{ NULL, 0 },                               /* there */
		{ "\n", 0 }, { "\n", 0 }, { "Server deleted.\n", 0 },
		{ HEADING "\n", 0 } };
	char server[38], listed[256];
	struct fake f;

	ck_assert(balancer_server_name(STR("web"), STR("i-1"), 8080, server));
	snprintf(listed, sizeof listed,
	    HEADING "web %s 10.0.0.1 1 1 6 8080\n\n", server);
	lines[6].answer = lines[10].answer = listed;
	fake_start(&f, lines, ARRAY_LEN(lines));
	configure(f.path);
	open_balancer(2000);
	ck_assert(must_join(&who, 8080).is_in);
	ck_assert(balancer_leave(balancer, arena, STR("web"), &who, 0, &err));
	ck_assert_uint_eq(atomic_load(&f.n_asked), 6);
	balancer_beat(balancer);
	ck_assert_uint_eq(atomic_load(&f.n_asked), 10);
	balancer_beat(balancer);
	ck_assert_uint_eq(atomic_load(&f.n_asked), 15);
	/* Nothing is left to do, and nothing is due. */
	balancer_beat(balancer);
	ck_assert_uint_eq(atomic_load(&f.n_asked), 15);
	fake_stop(&f);
}
END_TEST

/* A HAProxy that never agrees is not asked for ever. */
START_TEST(a_repair_ends)
{
	struct balancer_who who = someone("i-1", "10.0.0.1");
	struct fake_line lines[] = { { HEADING "\n", 0 },
		{ "New server registered.\n\n", 0 }, { "\n", 0 }, { "\n", 0 },
		{ HEADING "\n", 0 }, { "New server registered.\n\n", 0 },
		{ "\n", 0 }, { "\n", 0 }, { HEADING "\n", 0 },
		{ "New server registered.\n\n", 0 }, { "\n", 0 }, { "\n", 0 },
		{ HEADING "\n", 0 }, { "New server registered.\n\n", 0 },
		{ "\n", 0 }, { "\n", 0 }, { "Oops\n", 0 } };
	struct fake f;

	open_balancer(0);
	must_join(&who, 8080);
	balancer_free(balancer);
	fake_start(&f, lines, ARRAY_LEN(lines));
	configure(f.path);
	open_balancer(2000);
	ck_assert(balancer_tick(balancer, &err));
	ck_assert_uint_eq(atomic_load(&f.n_asked), 4 * LIMIT_BALANCER_PASSES);
	fake_stop(&f);
}
END_TEST

/* --- the real one
 * ----------------------------------------------------------------------------------
 */

static struct real_haproxy real;

static bool
open_real(void)
{
	if (!real_start(&real))
		return false;
	configure(real.socket);
	open_balancer(5000);
	return true;
}

static struct haproxy
raw(void)
{
	return (struct haproxy){ .socket_path = real.socket,
		.backend = STR("web"),
		.deadline_ns = clock_mono_ns() + INT64_C(5000000000) };
}

static struct haproxy_server *
servers(size_t *ret_n)
{
	struct haproxy h = raw();
	struct haproxy_server *got;

	ck_assert_msg(
	    haproxy_list(&h, arena, &got, ret_n, &err), "%s", err.msg);
	return got;
}

/* HAProxy has the store's members, serving, and no others of ours. */
static void
check_agreement(size_t want)
{
	size_t n, n_rows;
	struct haproxy_server *got = servers(&n);
	struct store_member *m;

	ck_assert(
	    store_member_list(store, arena, STR("web"), &m, &n_rows, &err));
	ck_assert_uint_eq(n_rows, want);
	ck_assert_uint_eq(n, want);
	for (size_t i = 0; i < n; i++) {
		struct net_addr addr;

		ck_assert(str_eq(got[i].name, m[i].server));
		ck_assert(net_parse_addr(m[i].address, &addr));
		ck_assert(net_addr_eq(&addr, &got[i].addr));
		ck_assert_uint_eq(got[i].port, m[i].port);
		ck_assert_uint_eq(got[i].weight, m[i].weight);
		ck_assert(got[i].is_serving);
	}
}

START_TEST(real_join_renew_move_leave)
{
	struct balancer_who who = someone("i-1", "10.0.0.1");
	const struct balancer_said heavy = { STR("10.0.0.1"), 8080, 200 };
	struct balancer_joined joined;

	if (!open_real())
		return;
	joined = must_join(&who, 8080);
	ck_assert(joined.is_new && joined.is_in);
	check_agreement(1);
	ck_assert(must_join(&who, 8081).is_in);
	check_agreement(2);
	ck_assert(balancer_join(balancer, arena, STR("web"), &who, &heavy,
	    &scripted, &joined, &err));
	ck_assert(!joined.is_new && joined.is_in);
	check_agreement(2);
	/* The instance has got another address. */
	who = someone("i-1", "2001:db8::7");
	ck_assert(must_join(&who, 8080).is_in);
	check_agreement(2);
	ck_assert(
	    balancer_leave(balancer, arena, STR("web"), &who, 8080, &err));
	check_agreement(1);
	ck_assert(balancer_leave(balancer, arena, STR("web"), &who, 0, &err));
	check_agreement(0);
	real_stop(&real);
}
END_TEST

START_TEST(real_replacement)
{
	struct claims_init init = instance("i-2", "10.0.0.1");
	struct balancer_who who = someone("i-1", "10.0.0.1");

	if (!open_real())
		return;
	must_join(&who, 8080);
	init.issued_at += 1;
	who = who_is(&init);
	ck_assert(must_join(&who, 8080).is_in);
	check_agreement(1);
	real_stop(&real);
}
END_TEST

/* All dynamic servers are gone after a reload or a crash; while it is down,
 * joins are kept for later. */
START_TEST(real_restart_is_repaired)
{
	struct balancer_who a = someone("i-1", "10.0.0.1");
	struct balancer_who b = someone("i-2", "10.0.0.2");
	size_t n;

	if (!open_real())
		return;
	balancer_beat(balancer);
	ck_assert(must_join(&a, 8080).is_in);
	real_stop(&real);
	ck_assert(!must_join(&b, 8080).is_in);
	real_run(&real);
	servers(&n);
	ck_assert_uint_eq(n, 0);
	now_ms += LIMIT_BALANCER_REPAIR_S * 1000;
	balancer_beat(balancer);
	check_agreement(2);
	real_stop(&real);
}
END_TEST

#define STRANGER "avow-00000000000000000000000000000000"

static void
add_raw(const char *name)
{
	struct haproxy_server s = { .name = str_of(name),
		.addr = { .family = 4, .bytes = { 10, 9, 9, 9 } },
		.port = 99 };
	struct haproxy h = raw();
	enum haproxy_answer answer;

	ck_assert(haproxy_add(&h, &s, &answer, &err));
	ck_assert_int_eq(answer, HAPROXY_DONE);
}

/* Whatever was done to it behind our back. */
static void
disturb(int how, const char *server)
{
	struct haproxy h = raw();
	enum haproxy_answer answer = HAPROXY_DONE;

	switch (how) {
	case 0: /* removed */
		ck_assert(haproxy_remove(&h, str_of(server), &answer, &err));
		break;
	case 1: /* another weight */
		ck_assert(haproxy_weigh(&h, str_of(server), 99, &answer, &err));
		break;
	case 2: /* a server of ours that nobody asked for */
		add_raw(STRANGER);
		break;
	default: /* the name with another address, half added */
		ck_assert(haproxy_remove(&h, str_of(server), &answer, &err));
		add_raw(server);
		if (how == 3)
			break;
		/* and serving, with the right weight */
		ck_assert(haproxy_weigh(&h, str_of(server), 1, &answer, &err));
		ck_assert(haproxy_enable(&h, str_of(server), &answer, &err));
	}
	ck_assert_int_eq(answer, HAPROXY_DONE);
}

START_TEST(real_disturbance_is_repaired)
{
	struct balancer_who who = someone("i-1", "10.0.0.1");
	char server[38];

	if (!open_real())
		return;
	ck_assert(must_join(&who, 8080).is_in);
	ck_assert(balancer_server_name(STR("web"), STR("i-1"), 8080, server));
	disturb(_i, server);
	ck_assert(balancer_tick(balancer, &err));
	check_agreement(1);
	real_stop(&real);
}
END_TEST

/* Before the listener opens: who expired while we were down is out, of the
 * store and of HAProxy. */
START_TEST(real_start_removes_the_expired)
{
	struct balancer_who a = someone("i-1", "10.0.0.1");
	struct claims_init init = instance("i-2", "10.0.0.2");
	struct balancer_who b;

	if (!open_real())
		return;
	init.expires_at = NOW_S + 10;
	b = who_is(&init);
	must_join(&b, 8080);
	a = someone("i-1", "10.0.0.1");
	must_join(&a, 8080);
	check_agreement(2);
	balancer_free(balancer);
	now_ms += 20000;
	open_balancer(5000);
	ck_assert(balancer_tick(balancer, &err));
	check_agreement(1);
	real_stop(&real);
}
END_TEST

struct comer {
	pthread_t thread;
	struct balancer_who who;
	int failed;
};

static bool
always(void *ctx, struct arena *a, const struct balancer_ask *ask,
    struct error *reterr)
{
	(void)ctx;
	(void)a;
	(void)ask;
	(void)reterr;
	return true;
}

/* Comes and goes; ends inside on 8080 and outside on 8081. */
static void *
come_and_go(void *ctx)
{
	static const struct balancer_judge yes = { NULL, NULL, always };
	struct comer *c = ctx;
	struct arena *a = arena_new(0);
	struct buf text = { 0 };

	net_print(&text, &c->who.client);
	for (int i = 0; i < 6; i++) {
		const struct balancer_said said = { buf_str(&text),
			ports[i % 2], 1 };
		struct balancer_joined joined;

		c->failed += !balancer_join(balancer, a, STR("web"), &c->who,
		    &said, &yes, &joined, NULL);
		c->failed += i % 2 && !balancer_leave(balancer, a, STR("web"),
					  &c->who, ports[1], NULL);
	}
	buf_free(&text);
	arena_free(a);
	return NULL;
}

START_TEST(real_many_at_once)
{
	static const char *const ids[] = { "i-1", "i-2", "i-3", "i-4" };
	static const char *const addresses[] = { "10.0.0.1", "10.0.0.2",
		"10.0.0.3", "10.0.0.4" };
	struct comer comers[4];

	if (!open_real())
		return;
	for (size_t i = 0; i < 4; i++) {
		comers[i].failed = 0;
		comers[i].who = someone(ids[i], addresses[i]);
		ck_assert_int_eq(pthread_create(&comers[i].thread, NULL,
				     come_and_go, &comers[i]),
		    0);
	}
	for (size_t i = 0; i < 4; i++) {
		ck_assert_int_eq(pthread_join(comers[i].thread, NULL), 0);
		ck_assert_int_eq(comers[i].failed, 0);
	}
	now_ms += LIMIT_BALANCER_REPAIR_S * 1000;
	balancer_beat(balancer);
	ck_assert_uint_le(count(), 4);
	check_agreement(count());
	real_stop(&real);
}
END_TEST

static void
add_member_tests(TCase *tc)
{
	tcase_add_loop_test(
	    tc, a_join_keeps_within_limits, 0, ARRAY_LEN(limits));
	tcase_add_test(tc, what_joins_is_stored_whole);
	tcase_add_test(tc, a_denied_join_leaves_no_trace);
	tcase_add_test(tc, a_denied_renewal_renews_nothing);
	tcase_add_loop_test(
	    tc, a_membership_ends_by_the_first_limit, 0, ARRAY_LEN(leases));
	tcase_add_loop_test(tc, a_held_place_changes_hands_by_later_attestation,
	    0, ARRAY_LEN(holders));
	tcase_add_test(tc, leaving_is_for_oneself);
	tcase_add_test(tc, server_names_are_nobodys_choice);
	tcase_add_test(tc, two_pools_cannot_share_a_backend);
	tcase_add_loop_test(tc, pools_are_fixed_while_it_runs, 0, 7);
	tcase_add_loop_test(
	    tc, members_are_judged_again, 0, ARRAY_LEN(reviews));
	tcase_add_test(tc, expiry_does_not_wait);
	tcase_add_loop_test(tc, a_member_must_still_be_itself, 0, 2);
	tcase_add_test(tc, a_shorter_lease_ends_members);
	tcase_add_test(tc, a_judgement_of_the_old_spares_the_new);
	tcase_add_test(tc, a_join_does_not_slip_past_a_reload);
	tcase_add_test(tc, many_members_are_judged_in_pieces);
	tcase_add_test(tc, unknown_pools_wait_until_they_expire);
	tcase_add_test(tc, a_failing_store_is_said);
	tcase_add_test(tc, nobody_leaves_for_what_is_not_known);
	tcase_add_test(tc, the_thread_wakes_and_ends);
}

int
main(void)
{
	Suite *s = suite_create("balancer");
	TCase *members = tcase_create("members");
	TCase *haproxy = tcase_create("haproxy");

	tcase_add_checked_fixture(members, setup, teardown);
	tcase_set_timeout(members, 30);
	add_member_tests(members);
	suite_add_tcase(s, members);

	tcase_add_checked_fixture(haproxy, setup, teardown);
	tcase_set_timeout(haproxy, 60);
	tcase_add_test(haproxy, a_hanging_haproxy_holds_nobody_long);
	tcase_add_test(haproxy, attached_connections_are_left_for_later);
	tcase_add_test(haproxy, a_repair_ends);
	tcase_add_test(haproxy, real_join_renew_move_leave);
	tcase_add_test(haproxy, real_replacement);
	tcase_add_test(haproxy, real_restart_is_repaired);
	tcase_add_loop_test(haproxy, real_disturbance_is_repaired, 0, 5);
	tcase_add_test(haproxy, real_start_removes_the_expired);
	tcase_add_test(haproxy, real_many_at_once);
	suite_add_tcase(s, haproxy);
	return run_suite(s);
}
