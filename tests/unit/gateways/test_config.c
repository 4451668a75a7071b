#include "gateways/config.h"

#include "attest/attest.h"
#include "base/limits.h"
#include "tests/lib/run.h"

static struct arena *arena;

static void
setup(void)
{
	arena = arena_new(0);
}

static void
teardown(void)
{
	arena_free(arena);
}

static const char whole[] =
    "listen: unix:/run/avow/gate.sock   # or an address\n"
    "store: sqlite:///var/lib/avow/avow.db\n"
    "policies: [/etc/avow/policies, more.avow]\n"
    "entities:\n"
    "  - /etc/avow/entities\n"
    "decisionLog: /var/log/avow/decisions.jsonl\n"
    "proxies: [127.0.0.1/32, 2001:db8::/32]\n"
    "clientAddress: X-Client\n"
    "tls: {certificate: c.pem, key: k.pem}\n"
    "erroredDeny: skip\n"
    "clientCertificate: X-Client-Cert\n"
    "trust:\n"
    "  - {kind: avow, keys: /etc/avow/trust/avow, issuer: acme, audience: "
    "optional, purpose: document, weak: false, forms: [jws, cms]}\n"
    "  - {kind: ec2-rsa2048, keys: /etc/avow/trust/ec2, owners: "
    "[\"278576220453\", 000000000001], prefix: aws/, maxLease: 1h, regions: "
    "[eu-west-1], images: [ami-1]}\n"
    "  - kind: ec2-signature\n"
    "    keys: k\n"
    "    owners: [o]\n"
    "    prefix: awsold/\n"
    "    maxLease: none\n"
    "  - {kind: token, keys: j.json, issuer: sts, prefix: t/, purpose: "
    "token, trustDomain: acme.example}\n"
    "revoked: /etc/avow/revoked\n"
    "gates:\n"
    "  - {kind: repository, name: updates, demand: bearer, transport: any, "
    "rhui: ec2-rsa2048, maxLease: 90s, repositories: {main: /debian/, sec: "
    "/debian/security/}, require: {claims: [imageId, os]}, audience: "
    "required}\n"
    "  - {kind: balancer, name: web, demand: key, url: "
    "'https://lb.example:8443', pools: {web: {haproxy: "
    "/run/haproxy/admin.sock, backend: web_1.x-y, ports: [8080, 443], "
    "networks: [10.0.0.0/8]}}}\n";

static const struct config *
parse(const char *text, struct errors *errors)
{
	*errors = (struct errors){ 0 };
	return config_parse(arena, "a.yaml", str_of(text), errors);
}

static const struct config *
parse_good(const char *text)
{
	static struct errors errors;
	const struct config *c = parse(text, &errors);

	ck_assert_msg(c != NULL, "%u:%u: %s", errors.e[0].at.line,
	    errors.e[0].at.col, errors.e[0].msg);
	return c;
}

START_TEST(whole_top)
{
	const struct config *c = parse_good(whole);

	ck_str_is(c->listen, "unix:/run/avow/gate.sock");
	ck_str_is(c->store, "sqlite:///var/lib/avow/avow.db");
	ck_assert_uint_eq(c->policies.n, 2);
	ck_str_is(c->policies.items[1], "more.avow");
	ck_assert_uint_eq(c->entities.n, 1);
	ck_str_is(c->decision_log, "/var/log/avow/decisions.jsonl");
	ck_assert_uint_eq(c->proxies.n, 2);
	ck_assert_uint_eq(c->proxies.items[1].prefix, 32);
	ck_str_is(c->client_address, "X-Client");
	ck_assert_str_eq(c->client_address.p, "X-Client"); /* NUL-ended */
	ck_str_is(c->tls.certificate, "c.pem");
	ck_str_is(c->tls.key, "k.pem");
	ck_assert_int_eq(c->errored_deny, CONFIG_ERRORED_SKIP);
	ck_str_is(c->revoked, "/etc/avow/revoked");
	ck_str_is(c->client_certificate, "X-Client-Cert");
}
END_TEST

START_TEST(whole_trust)
{
	const struct config *c = parse_good(whole);
	const struct config_trust *t = c->trust;

	ck_assert_uint_eq(c->n_trust, 4);
	ck_str_is(t[3].kind, "token");
	ck_str_is(t[3].trust_domain, "acme.example");
	ck_str_is(t[0].kind, "avow");
	ck_str_is(t[0].issuer, "acme");
	ck_assert(t[0].audience_optional && t[0].owners.n == 0);
	ck_assert_uint_eq(t[0].forms, 1u << ATTEST_JWS | 1u << ATTEST_CMS);
	ck_assert_uint_eq(t[1].forms, 0);
	ck_assert_int_eq(t[0].max_lease_s, CONFIG_LEASE_NOT_GIVEN);
	ck_assert_uint_eq(t[0].at.line, 13);
	ck_str_is(t[1].prefix, "aws/");
	ck_assert_int_eq(t[1].max_lease_s, 3600);
	ck_assert(!t[1].audience_optional);
	ck_str_is(t[1].owners.items[0], "278576220453");
	ck_str_is(t[1].owners.items[1], "000000000001");
	ck_str_is(t[1].regions.items[0], "eu-west-1");
	ck_str_is(t[1].images.items[0], "ami-1");
	ck_assert_int_eq(t[2].max_lease_s, CONFIG_LEASE_NONE);
	ck_assert_uint_eq(t[2].at.line, 15);
	ck_assert_uint_eq(t[2].at.col, 5);
}
END_TEST

START_TEST(whole_gates)
{
	const struct config *c = parse_good(whole);
	const struct config_gate *g = config_gate(c, STR("updates")), *b;
	const struct config_pool *p = config_pool(c, STR("web"), &b);

	ck_assert_uint_eq(c->n_gates, 2);
	ck_assert_ptr_eq(g, &c->gates[0]);
	ck_assert_int_eq(g->kind, CONFIG_GATE_REPOSITORY);
	ck_assert_int_eq(g->demand, CONFIG_DEMAND_BEARER);
	ck_assert_int_eq(g->transport, CONFIG_TRANSPORT_ANY);
	ck_str_is(g->rhui, "ec2-rsa2048");
	ck_assert_int_eq(g->max_lease_s, 90);
	ck_assert_uint_eq(g->n_repositories, 2);
	ck_str_is(g->repositories[1].name, "sec");
	ck_str_is(g->repositories[1].prefix, "/debian/security/");
	ck_assert_uint_eq(g->require_claims.n, 2);
	ck_assert_ptr_eq(b, &c->gates[1]);
	ck_assert_int_eq(b->kind, CONFIG_GATE_BALANCER);
	ck_assert_int_eq(b->demand, CONFIG_DEMAND_KEY);
	ck_str_is(b->url, "https://lb.example:8443");
	ck_assert_int_eq(b->transport, CONFIG_TRANSPORT_HTTPS);
	ck_str_is(b->rhui, "ec2-signature");
	ck_str_is(p->haproxy, "/run/haproxy/admin.sock");
	ck_str_is(p->backend, "web_1.x-y");
	ck_assert(p->n_ports == 2 && p->ports[0] == 8080 && p->ports[1] == 443);
	ck_assert_uint_eq(p->networks.n, 1);
	ck_assert_ptr_null(config_gate(c, STR("web2")));
	ck_assert_ptr_null(config_pool(c, STR("updates"), &b));
	/* bearer, storeMark */
	ck_assert_uint_eq(c->n_warnings, 2);
	ck_assert_ptr_nonnull(strstr(c->warnings[0].msg, "bearer"));
	ck_assert_uint_eq(c->warnings[0].at.line, 23);
}
END_TEST

#define P "policies: [p]\n"
#define T "trust: [{kind: avow, keys: k, issuer: i}]\n"
#define R "{kind: repository, name: a, repositories: {m: /d/}}"
#define G "gates: [" R "]\n"
#define B(pool)                                                                \
	"store: sqlite:///s\n" P T "gates: [{kind: balancer, name: b, pools: " \
	"{w: {" pool "}}}]\n"
#define POOL "haproxy: /s, backend: w, ports: [1], networks: [10.0.0.0/8]"

#define ST "store: sqlite:///s\n"
#define URL "url: \"https://sts.example:8443\", "
#define SV URL "issuer: i, keys: k, secret: s"
#define DOCS "documentKeys: d, documents: "
#define TL "tls: {certificate: c, key: k}"

START_TEST(service_and_gates_apart)
{
	struct errors errors;

	ck_assert_ptr_null(parse(ST P T G "service: {" SV "}\n", &errors));
	ck_assert_ptr_nonnull(
	    strstr(errors.e[errors.n - 1].msg, "holds no signing key"));
	ck_assert_uint_eq(errors.e[errors.n - 1].at.line, 5);
}
END_TEST

START_TEST(small_has_defaults)
{
	const struct config *c = parse_good(P T G);

	ck_str_is(c->listen, "127.0.0.1:8181");
	ck_str_is(c->client_address, "X-Forwarded-For");
	ck_assert_uint_eq(c->proxies.n, 0);
	ck_assert_int_eq(c->errored_deny, CONFIG_ERRORED_DENY);
	ck_assert_int_eq(c->gates[0].demand, CONFIG_DEMAND_ADDRESS);
	ck_assert_int_eq(c->gates[0].transport, CONFIG_TRANSPORT_HTTPS);
	ck_assert(c->tls.key.n == 0 && c->revoked.n == 0 && c->store.n == 0);
	ck_assert_uint_eq(c->n_warnings, 2); /* proxies, decisionLog */
}
END_TEST

START_TEST(token_service)
{
	const struct config *c = parse_good(ST "service: {" SV "}\n");
	const struct config_service *s = &c->service;

	ck_assert(s->is_given && !c->admin.is_given);
	ck_str_is(s->listen, "127.0.0.1:8443");
	ck_str_is(s->url, "https://sts.example:8443");
	ck_str_is(s->issuer, "i");
	ck_str_is(s->keys, "k");
	ck_str_is(s->secret, "s");
	ck_assert_int_eq(s->token_lifetime_s, 300);
	ck_assert_int_eq(s->channel, CONFIG_CHANNEL_OFF);
	ck_assert_uint_eq(c->n_gates + c->n_trust + c->policies.n, 0);
	ck_assert_uint_eq(c->n_warnings, 1); /* storeMark */
}
END_TEST

START_TEST(document_service)
{
	const struct config *c = parse_good(
	    ST "service: {" SV
	       ", documentKeys: d, documents: {form: jws, maxLifetime: 30m, "
	       "levels: {privateIp: 3, custom.a: 0}, profiles: {up: [imageId, "
	       "os.name], none: []}}}\n");
	const struct config_documents *d = &c->service.documents;

	ck_str_is(d->keys, "d");
	ck_assert_int_eq(d->form, ATTEST_JWS);
	ck_assert_int_eq(d->lifetime_s, 1800);
	ck_assert_int_eq(d->lifetime_most_s, 1800);
	ck_assert_uint_eq(d->n_levels, 2);
	ck_str_is(d->levels[1].claim, "custom.a");
	ck_assert_int_eq(d->levels[0].level, 3);
	ck_assert_uint_eq(d->n_profiles, 2);
	ck_str_is(d->profiles[0].claims.items[1], "os.name");
	ck_assert_uint_eq(d->profiles[1].claims.n, 0);
	ck_assert_int_eq(d->profiles[0].unbound_s, 0);
	c = parse_good(
	    ST "service: {" SV
	       ", documentKeys: d, documents: {profiles: {apt: {claims: "
	       "[privateIp], bind: false}, dnf: {claims: [], bind: false, "
	       "lifetime: 1h}, up: {claims: [imageId], bind: true}}}}\n");
	d = &c->service.documents;
	ck_assert_int_eq(d->profiles[0].unbound_s, 900);
	ck_str_is(d->profiles[0].claims.items[0], "privateIp");
	ck_assert_int_eq(d->profiles[1].unbound_s, 3600);
	ck_assert_int_eq(d->profiles[2].unbound_s, 0);
	/* storeMark, and the two that are bearers. */
	ck_assert_uint_eq(c->n_warnings, 3);
	c = parse_good(ST "service: {" SV "}\n");
	ck_assert_uint_eq(c->service.documents.keys.n, 0);
	ck_assert_int_eq(c->service.documents.lifetime_s, 3600);
	ck_assert_int_eq(c->service.documents.lifetime_most_s, 86400);
}
END_TEST

START_TEST(token_service_whole)
{
	const struct config *c =
	    parse_good(ST "service: {listen: \"0.0.0.0:1\", " TL ", " SV
			  ", channelBinding: tls-exporter, tokenLifetime: "
			  "90s, trustDomain: example.org}\n"
			  "admin: {listen: \"0.0.0.0:2\", " TL
			  ", clientCertificates: ca, tokens: off}\n");
	const struct config_admin *a = &c->admin;

	ck_str_is(c->service.listen, "0.0.0.0:1");
	ck_str_is(c->service.tls.certificate, "c");
	ck_str_is(c->service.tls.key, "k");
	ck_str_is(c->service.trust_domain, "example.org");
	ck_assert_int_eq(c->service.channel, CONFIG_CHANNEL_TLS_EXPORTER);
	ck_assert_int_eq(c->service.token_lifetime_s, 90);
	ck_assert(a->is_given && a->no_tokens);
	ck_str_is(a->listen, "0.0.0.0:2");
	ck_str_is(a->client_certificates, "ca");
}
END_TEST

/* Each has exactly this one error. */
static const struct {
	const char *text;
	enum err_code code;
	uint32_t line, col;
	const char *message; /* part of it, or of the hint */
} bad[] = {
	/* YAML */
	{ "", ERR_CONFIG_SYNTAX, 1, 1, "nothing" },
	{ "# nothing\n", ERR_CONFIG_SYNTAX, 1, 1, "nothing" },
	{ "a: [1\nb: 2\n", ERR_CONFIG_SYNTAX, 3, 1, "bracket" },
	{ "a: 1\n\tb: 2\n", ERR_CONFIG_SYNTAX, 1, 4, "invalid" },
	{ "- a\n", ERR_CONFIG_VALUE, 1, 3, "expected keys" },
	{ "text\n", ERR_CONFIG_VALUE, 1, 1, "expected keys" },
	{ P T G "---\n" P, ERR_CONFIG_SYNTAX, 1, 1, "one YAML document" },
	{ "policies: [&x p]\n" T G, ERR_CONFIG_SYNTAX, 1, 15, "anchors" },
	{ P "entities: &x [p]\n" T G, ERR_CONFIG_SYNTAX, 2, 1, "anchors" },
	{ P T G "revoked: !!str a\n", ERR_CONFIG_SYNTAX, 4, 16, "tags" },
	{ P T G "? [a]\n: b\n", ERR_CONFIG_SYNTAX, 4, 4, "key must be text" },
	{ P T G "<<: {a: b}\n", ERR_CONFIG_SYNTAX, 4, 1, "merge" },
	{ P T G "# \xff\n", ERR_CONFIG_SYNTAX, 4, 3, "UTF-8" },
	{ P T G P, ERR_CONFIG_KEY, 4, 1, "stands twice" },
	{ P T G "\"policies\": [q]\n", ERR_CONFIG_KEY, 4, 1, "in line 1" },
	/* keys */
	{ P T G "lisen: a\n", ERR_CONFIG_KEY, 4, 1, "did you mean `listen`?" },
	{ P T G "Revoked: a\n", ERR_CONFIG_KEY, 4, 1, "mean `revoked`?" },
	{ P T G "decision_log: a\n", ERR_CONFIG_KEY, 4, 1, "`decisionLog`?" },
	{ P T G "somethingElse: a\n", ERR_CONFIG_KEY, 4, 1, "no key" },
	{ P T G "replay: store\n", ERR_CONFIG_KEY, 4, 1, "there is none" },
	{ P T G "replay: redis\n", ERR_CONFIG_VALUE, 4, 9, "" },
	{ T G, ERR_CONFIG_KEY, 1, 1, "`policies` is missing" },
	{ P G, ERR_CONFIG_KEY, 1, 1, "`trust` is missing" },
	{ P T, ERR_CONFIG_KEY, 1, 1, "`gates` is missing" },
	{ P T G "tls: {key: k}\n", ERR_CONFIG_KEY, 4, 7,
	    "`certificate` is missing" },
	/* values */
	{ "policies: []\n" T G, ERR_CONFIG_VALUE, 1, 1, "not empty" },
	{ "policies: p\n" T G, ERR_CONFIG_VALUE, 1, 11, "expected a list" },
	{ "policies: [p, p]\n" T G, ERR_CONFIG_VALUE, 1, 15, "twice" },
	{ "policies:\n" T G, ERR_CONFIG_VALUE, 1, 1, "expected a list" },
	{ "policies: [[p]]\n" T G, ERR_CONFIG_VALUE, 1, 13, "one value" },
	{ "policies: [\"\"]\n" T G, ERR_CONFIG_VALUE, 1, 12, "empty" },
	{ "policies: [\"a\\nb\"]\n" T G, ERR_CONFIG_VALUE, 1, 12, "control" },
	{ "policies: [\"a\\0b\"]\n" T G, ERR_CONFIG_VALUE, 1, 12, "control" },
	{ P T G "revoked: ~\n", ERR_CONFIG_VALUE, 4, 10, "one value" },
	{ P T G "listen: localhost:80\n", ERR_CONFIG_VALUE, 4, 9,
	    "expected `ADDRESS:PORT`" },
	{ P T G "store: mysql://x\n", ERR_CONFIG_VALUE, 4, 8, "sqlite:///" },
	{ P T G "store: sqlite:///\n", ERR_CONFIG_VALUE, 4, 8, "sqlite:///" },
	{ P T G "storeMark: /m\n", ERR_CONFIG_KEY, 1, 1, "there is none" },
	{ P T G "store: 'postgresql:x'\n", ERR_CONFIG_VALUE, 4, 8,
	    "postgresql://" },
	{ P T G "store: postgresq://u:pw@x\n", ERR_CONFIG_VALUE, 0, 0,
	    "line 4" },
	{ P T G "proxies: [10.0.0.1/8]\n", ERR_CONFIG_VALUE, 4, 11,
	    "expected a network" },
	{ P T G "proxies: [localhost]\n", ERR_CONFIG_VALUE, 4, 11,
	    "expected a network" },
	{ P T G "clientAddress: Forwarded\n", ERR_CONFIG_VALUE, 4, 16,
	    "cannot be the header" },
	{ P T G "clientAddress: \"X A\"\n", ERR_CONFIG_VALUE, 4, 16,
	    "cannot be the header" },
	{ P T G "erroredDeny: skipp\n", ERR_CONFIG_VALUE, 4, 14,
	    "did you mean `skip`?" },
	/* trust */
	{ P "trust: [{kind: avo, keys: k, issuer: i}]\n" G, ERR_CONFIG_VALUE, 2,
	    16, "did you mean `avow`?" },
	{ P "trust: [{kind: gcp, keys: k}]\n" G, ERR_CONFIG_TRUST, 2, 10,
	    "needs `owners`" },
	{ P "trust: [{kind: azure, keys: \"https://a/b\", owners: [o]}]\n" G,
	    ERR_CONFIG_VALUE, 2, 10, "are for kinds `token` and `gcp`" },
	{ P "trust: [{kind: gcp, keys: \"http://a/b\", owners: [o]}]\n" G,
	    ERR_CONFIG_VALUE, 2, 10, "https://HOST[:PORT]/PATH" },
	{ P "trust: [{kind: gcp, keys: \"https://a\", owners: [o]}]\n" G,
	    ERR_CONFIG_VALUE, 2, 10, "https://HOST[:PORT]/PATH" },
	{ P "trust: [{kind: gcp, keys: \"https://u@a/b\", owners: [o]}]\n" G,
	    ERR_CONFIG_VALUE, 2, 10, "https://HOST[:PORT]/PATH" },
	{ P "trust: [{kind: gcp, keys: k, owners: [o], ca: c}]\n" G,
	    ERR_CONFIG_VALUE, 2, 43, "asked for by URL" },
	{ P "trust: [{kind: gcp, keys: k, owners: [o], audience: "
	    "optional}]\n" G,
	    ERR_CONFIG_VALUE, 2, 10, "for one audience" },
	{ P "trust: [{kind: gcp, keys: k, owners: [o], enrol: {controller: c}}]"
	    "\n" G,
	    ERR_CONFIG_TRUST, 2, 10, "belongs to the token service" },
	{ P "trust: [{kind: gcp, keys: k, owners: [o], enrol: {address: any}}]"
	    "\n" G,
	    ERR_CONFIG_KEY, 2, 51, "`controller` is missing" },
	{ P "trust: [{kind: avow, issuer: i}]\n" G, ERR_CONFIG_KEY, 2, 10,
	    "`keys` is missing" },
	{ P "trust: [{kind: avow, keys: k}]\n" G, ERR_CONFIG_KEY, 2, 10,
	    "needs `issuer`" },
	{ P "trust: [{kind: ec2-signature, keys: k, maxLease: 1h}]\n" G,
	    ERR_CONFIG_TRUST, 2, 10, "needs `owners`" },
	{ P "trust: [{kind: ec2-rsa2048, keys: k, owners: [o]}]\n" G,
	    ERR_CONFIG_TRUST, 2, 10, "needs `maxLease`" },
	{ P "trust: [{kind: avow, keys: k, issuer: i, owners: []}]\n" G,
	    ERR_CONFIG_VALUE, 2, 42, "not empty" },
	{ P "trust: [{kind: avow, keys: k, issuer: i, maxLease: 0s}]\n" G,
	    ERR_CONFIG_VALUE, 2, 52, "duration" },
	{ P "trust: [{kind: avow, keys: k, issuer: i, maxLease: -1h}]\n" G,
	    ERR_CONFIG_VALUE, 2, 52, "duration" },
	{ P "trust: [{kind: avow, keys: k, issuer: i, maxLease: 1500ms}]\n" G,
	    ERR_CONFIG_VALUE, 2, 52, "duration" },
	{ P "trust: [{kind: avow, keys: k, issuer: i, maxLease: 60}]\n" G,
	    ERR_CONFIG_VALUE, 2, 52, "duration" },
	{ P "trust: [{kind: avow, keys: k, issuer: i, prefix: a}]\n" G,
	    ERR_CONFIG_TRUST, 2, 42, "ends in `/`" },
	{ P "trust: [{kind: avow, keys: k, issuer: i, forms: [jws, xml]}]\n" G,
	    ERR_CONFIG_VALUE, 2, 55, "`xml`" },
	{ P "trust: [{kind: avow, keys: k, issuer: i, forms: []}]\n" G,
	    ERR_CONFIG_VALUE, 2, 42, "not empty" },
	{ P "trust: [{kind: token, keys: k, issuer: i, forms: [jws]}]\n" G,
	    ERR_CONFIG_VALUE, 2, 43, "have `forms`" },
	{ P "trust: [{kind: avow, keys: k, issuer: i, weak: true}]\n" G,
	    ERR_CONFIG_TRUST, 2, 42, "only `ec2-pkcs7`" },
	{ P "trust: [{kind: avow, keys: k, issuer: i, purpose: token}]\n" G,
	    ERR_CONFIG_VALUE, 2, 42, "purpose `document`, and no other" },
	{ P "trust: [{kind: token, keys: k, issuer: i, purpose: document}]\n" G,
	    ERR_CONFIG_VALUE, 2, 43, "purpose `token`, and no other" },
	{ P "trust: [{kind: token, keys: k}]\n" G, ERR_CONFIG_KEY, 2, 10,
	    "needs `issuer`" },
	{ P "trust: [{kind: token, keys: k, issuer: i, audience: "
	    "optional}]\n" G,
	    ERR_CONFIG_VALUE, 2, 10, "for one audience" },
	{ P T G "clientCertificate: Authorization\n", ERR_CONFIG_VALUE, 4, 20,
	    "cannot be the header" },
	{ P T G "clientCertificate: DPoP\n", ERR_CONFIG_VALUE, 4, 20,
	    "cannot be the header" },
	{ P T G "clientCertificate: x-FORWARDED-for\n", ERR_CONFIG_VALUE, 1, 1,
	    "name one header" },
	{ P T "gates: [{kind: repository, name: a, url: 'https://h/', "
	      "repositories: {m: /d/}}]\n",
	    ERR_CONFIG_VALUE, 3, 42, "without a path" },
	{ P T "gates: [{kind: repository, name: a, url: 'https://H', "
	      "repositories: {m: /d/}}]\n",
	    ERR_CONFIG_VALUE, 3, 42, "small letters" },
	{ P T "gates: [{kind: repository, name: a, url: 'ftp://host', "
	      "repositories: {m: /d/}}]\n",
	    ERR_CONFIG_VALUE, 3, 42, "https://HOST" },
	{ P "trust: [{kind: avow, keys: k, issuer: i, instances: [i]}]\n" G,
	    ERR_CONFIG_KEY, 2, 42, "not supported yet" },
	{ P "trust:\n- {kind: avow, keys: k, issuer: i}\n"
	    "- {kind: avow, keys: j, issuer: j}\n" G,
	    ERR_CONFIG_TRUST, 4, 4, "that of line 3 both have no prefix" },
	{ P "trust:\n- {kind: avow, keys: k, issuer: i, prefix: a/}\n"
	    "- {kind: avow, keys: j, issuer: j, prefix: a/b/}\n" G,
	    ERR_CONFIG_TRUST, 4, 4, "one begins the other" },
	/* gates */
	{ P T "gates: []\n", ERR_CONFIG_VALUE, 3, 1, "not empty" },
	{ P T "gates: [{kind: ssh, name: s}]\n", ERR_CONFIG_VALUE, 3, 16,
	    "not supported yet" },
	{ P T "gates: [{kind: repository, repositories: {m: /d/}}]\n",
	    ERR_CONFIG_KEY, 3, 10, "`name` is missing" },
	{ P T "gates: [{kind: repository, name: A, repositories: {m: /d/}}]\n",
	    ERR_CONFIG_VALUE, 3, 34, "a name has" },
	{ P T "gates: [{kind: repository, name: -a, repositories: {m: /}}]\n",
	    ERR_CONFIG_VALUE, 3, 34, "a name has" },
	{ P T "gates: [{kind: repository, name: a}]\n", ERR_CONFIG_KEY, 3, 10,
	    "needs `repositories`" },
	{ P T "gates: [{kind: repository, name: a, repositories: {m: /d/}, "
	      "pools: {w: {" POOL "}}}]\n",
	    ERR_CONFIG_KEY, 3, 61, "has no `pools`" },
	{ P T "gates: [{kind: repository, name: a, repositories: {M: /d/}}]\n",
	    ERR_CONFIG_VALUE, 3, 52, "a name has" },
	{ P T "gates: [{kind: repository, name: a, repositories: {m: /d}}]\n",
	    ERR_CONFIG_VALUE, 3, 55, "starts and ends in `/`" },
	{ P T "gates: [{kind: repository, name: a, repositories: {m: d/}}]\n",
	    ERR_CONFIG_VALUE, 3, 55, "starts and ends in `/`" },
	{ P T "gates: [{kind: repository, name: a, repositories: {m: /./}}]\n",
	    ERR_CONFIG_VALUE, 3, 55, "starts and ends in `/`" },
	{ P T "gates: [{kind: repository, name: a, repositories: {m: /%41/}}]"
	      "\n",
	    ERR_CONFIG_VALUE, 3, 55, "starts and ends in `/`" },
	{ P T "gates: [{kind: repository, name: a, repositories: {m: /a?/}}]"
	      "\n",
	    ERR_CONFIG_VALUE, 3, 55, "starts and ends in `/`" },
	{ P T "gates:\n- " R
	      "\n- {kind: repository, name: a, repositories: {n: /e/}}\n",
	    ERR_CONFIG_VALUE, 5, 4, "gate `a` is there already, in line 4" },
	{ P T "gates:\n- " R
	      "\n- {kind: repository, name: b, repositories: {n: /d/}}\n",
	    ERR_CONFIG_VALUE, 5, 46, "`/d/` is there already" },
	{ P T "gates:\n- " R
	      "\n- {kind: repository, name: b, repositories: {m: /e/}}\n",
	    ERR_CONFIG_VALUE, 5, 46, "repository `m` is there already" },
	{ P T "gates: [{kind: repository, name: a, repositories: {m: /d/, "
	      "n: /d/}}]\n",
	    ERR_CONFIG_VALUE, 3, 60, "`/d/` is there already" },
	{ P T "gates: [{kind: repository, name: a, demand: key, repositories: "
	      "{m: /d/}}]\n",
	    ERR_CONFIG_KEY, 3, 10, "no way to prove one" },
	{ P T "gates: [{kind: repository, name: a, audience: optional, "
	      "repositories: {m: /d/}}]\n",
	    ERR_CONFIG_VALUE, 3, 47, "not supported yet" },
	{ P T "gates: [{kind: repository, name: a, rhui: ec2-rsa2048, "
	      "repositories: {m: /d/}}]\n",
	    ERR_CONFIG_VALUE, 3, 10, "no trust of that kind" },
	{ P T "gates: [{kind: repository, name: a, require: {claims: "
	      "[imageID]}, repositories: {m: /d/}}]\n",
	    ERR_CONFIG_VALUE, 3, 56, "did you mean `imageId`?" },
	{ P T "gates: [{kind: repository, name: a, require: {claim: [os]}, "
	      "repositories: {m: /d/}}]\n",
	    ERR_CONFIG_KEY, 3, 47, "did you mean `claims`?" },
	{ "store: sqlite:///s\n" P
	  "trust: [{kind: token, keys: k, issuer: i, current: service}]\n" G,
	    ERR_CONFIG_VALUE, 3, 43, "for kind `avow`" },
	{ P "trust: [{kind: avow, keys: k, issuer: i, current: service}]\n" G,
	    ERR_CONFIG_KEY, 2, 10, "needs `store`" },
	{ P "trust: [{kind: avow, keys: k, issuer: i, current: never}]\n" G,
	    ERR_CONFIG_VALUE, 2, 51, "cannot be" },
	/* the document service */
	{ ST "service: {" SV ", documents: {lifetime: 1h}}\n", ERR_CONFIG_KEY,
	    2, 87, "without `documentKeys`" },
	{ ST "service: {" SV ", documentKeys: k}\n", ERR_CONFIG_VALUE, 2, 11,
	    "one purpose" },
	{ ST "service: {" SV ", " DOCS "{maxLifetime: 25h}}\n",
	    ERR_CONFIG_VALUE, 2, 117, "at most 24h" },
	{ ST "service: {" SV ", " DOCS "{lifetime: 2h, maxLifetime: 1h}}\n",
	    ERR_CONFIG_VALUE, 2, 104, "longer" },
	{ ST "service: {" SV ", " DOCS "{levels: {colour: 1}}}\n",
	    ERR_CONFIG_VALUE, 2, 113, "no claim `colour`" },
	{ ST "service: {" SV ", " DOCS "{levels: {owner: 101}}}\n",
	    ERR_CONFIG_VALUE, 2, 113, "0 to 100" },
	{ ST "service: {" SV ", " DOCS "{profiles: {a: [os.kernel]}}}\n",
	    ERR_CONFIG_VALUE, 2, 119, "no claim `os.kernel`" },
	{ ST "service: {" SV ", " DOCS
	     "{profiles: {a: {claims: [os.kernel]}}}}\n",
	    ERR_CONFIG_VALUE, 2, 119, "no claim `os.kernel`" },
	{ ST "service: {" SV ", " DOCS
	     "{profiles: {a: {claims: [], bind: false, lifetime: 61m}}}}\n",
	    ERR_CONFIG_VALUE, 2, 144, "at most 60m" },
	{ ST "service: {" SV ", " DOCS
	     "{profiles: {a: {claims: [], bind: false, lifetime: none}}}}\n",
	    ERR_CONFIG_VALUE, 2, 144, "at most 60m" },
	{ ST "service: {" SV ", " DOCS
	     "{profiles: {a: {claims: [], lifetime: 5m}}}}\n",
	    ERR_CONFIG_KEY, 2, 131, "bind: false" },
	{ ST "service: {" SV ", " DOCS "{profiles: {a: {bind: false}}}}\n",
	    ERR_CONFIG_KEY, 2, 119, "claims" },
	/* the token service */
	{ ST "service: {" SV "}\n" P, ERR_CONFIG_KEY, 3, 1,
	    "belongs to gates" },
	{ ST "service: {" SV "}\nlisten: \"127.0.0.1:1\"\n", ERR_CONFIG_KEY, 3,
	    1, "belongs to gates" },
	{ "service: {" SV "}\n", ERR_CONFIG_KEY, 1, 11, "needs `store`" },
	{ ST "service: {" URL "issuer: i, keys: k}\n", ERR_CONFIG_KEY, 2, 11,
	    "`secret` is missing" },
	{ ST "service: {" SV ", listen: \"0.0.0.0:1\"}\n", ERR_CONFIG_VALUE, 2,
	    75, "only on loopback" },
	{ ST "service: {" SV ", channelBinding: tls-exporter}\n",
	    ERR_CONFIG_VALUE, 2, 75, "needs `tls`" },
	{ ST "service: {" SV ", tokenLifetime: 61m}\n", ERR_CONFIG_VALUE, 2, 90,
	    "at most 60m" },
	{ ST "service: {" SV ", tokenLifetime: none}\n", ERR_CONFIG_VALUE, 2,
	    90, "at most 60m" },
	{ ST "service: {url: \"http://a\", issuer: i, keys: k, secret: s, " TL
	     "}\n",
	    ERR_CONFIG_VALUE, 2, 11, "begins with `https:`" },
	{ ST "service: {url: \"https://A\", issuer: i, keys: k, secret: s}\n",
	    ERR_CONFIG_VALUE, 2, 16, "lower case" },
	{ ST "service: {url: \"https://a/\", issuer: i, keys: k, secret: s}\n",
	    ERR_CONFIG_VALUE, 2, 16, "lower case" },
	{ ST "service: {url: \"https://u@a\", issuer: i, keys: k, secret: s}\n",
	    ERR_CONFIG_VALUE, 2, 16, "lower case" },
	{ ST "service: {url: \"https://a/b?c\", issuer: i, keys: k, secret: "
	     "s}\n",
	    ERR_CONFIG_VALUE, 2, 16, "lower case" },
	{ P T G "admin: {tokens: on}\n", ERR_CONFIG_KEY, 4, 9,
	    "beside `service`" },
	{ ST "service: {" SV "}\nadmin: {tokens: off}\n", ERR_CONFIG_VALUE, 3,
	    9, "nobody gets in" },
	{ ST "service: {" SV "}\nadmin: {clientCertificates: c}\n",
	    ERR_CONFIG_VALUE, 3, 9, "needs `tls`" },
	{ ST "service: {" SV "}\nadmin: {listen: \"10.0.0.1:1\"}\n",
	    ERR_CONFIG_VALUE, 3, 9, "only on loopback" },
	{ ST "service: {" SV "}\nadmin: {listen: \"127.0.0.1:8443\"}\n",
	    ERR_CONFIG_VALUE, 3, 9, "listener of its own" },
	/* pools */
	{ P T "gates: [{kind: balancer, name: b, pools: {w: {" POOL "}}}]\n",
	    ERR_CONFIG_KEY, 1, 1, "needs `store`" },
	{ B("backend: w, ports: [1], networks: [10.0.0.0/8]"), ERR_CONFIG_KEY,
	    4, 47, "`haproxy` is missing" },
	{ B("haproxy: s, backend: w, ports: [1], networks: [10.0.0.0/8]"),
	    ERR_CONFIG_VALUE, 4, 56, "a socket's path" },
	{ B("haproxy: /s, backend: w;x, ports: [1], networks: [10.0.0.0/8]"),
	    ERR_CONFIG_VALUE, 4, 69, "a backend's name" },
	{ B("haproxy: /s, backend: w, ports: [0], networks: [10.0.0.0/8]"),
	    ERR_CONFIG_VALUE, 4, 80, "1 to 65535" },
	{ B("haproxy: /s, backend: w, ports: [65536], networks: "
	    "[10.0.0.0/8]"),
	    ERR_CONFIG_VALUE, 4, 80, "1 to 65535" },
	{ B("haproxy: /s, backend: w, ports: [1, 1], networks: [10.0.0.0/8]"),
	    ERR_CONFIG_VALUE, 4, 83, "twice" },
	{ B("haproxy: /s, backend: w, ports: [], networks: [10.0.0.0/8]"),
	    ERR_CONFIG_VALUE, 4, 72, "not empty" },
	{ B("haproxy: /s, backend: w, networks: [10.0.0.0/8]"), ERR_CONFIG_KEY,
	    4, 47, "`ports` is missing" },
	{ B("haproxy: /s, backend: w, ports: [1]"), ERR_CONFIG_KEY, 4, 47,
	    "`networks` is missing" },
	{ B("haproxy: /s, backend: w, ports: [1], networks: []"),
	    ERR_CONFIG_VALUE, 4, 84, "not empty" },
	{ "store: sqlite:///s\n" P T
	  "gates:\n- {kind: balancer, name: b, pools: {w: {" POOL "}}}\n"
	  "- {kind: balancer, name: c, pools: {w: {" POOL "}}}\n",
	    ERR_CONFIG_VALUE, 6, 37, "pool `w` is there already" },
	{ "store: sqlite:///s\n" P T
	  "gates: [{kind: balancer, name: b, demand: bearer, pools: {w: {" POOL
	  "}}}]\n",
	    ERR_CONFIG_VALUE, 4, 35, "never demands less" },
};

START_TEST(bad_refused)
{
	struct errors errors;
	const struct config *c = parse(bad[_i].text, &errors);
	const struct error *e = &errors.e[0];

	ck_assert_msg(c == NULL, "accepted:\n%s", bad[_i].text);
	ck_assert_msg(errors.n == 1 && errors.dropped == 0,
	    "%zu errors, %s, %s:\n%s", errors.n, e[0].msg, e[1].msg,
	    bad[_i].text);
	ck_assert_msg(e->code == bad[_i].code && e->at.line == bad[_i].line &&
			  e->at.col == bad[_i].col,
	    "%u:%u: %s [%s]:\n%s", e->at.line, e->at.col, e->msg,
	    error_id(e->code), bad[_i].text);
	ck_assert_msg(
	    strstr(e->msg, bad[_i].message) || strstr(e->hint, bad[_i].message),
	    "%s (%s), not %s", e->msg, e->hint, bad[_i].message);
	ck_assert_str_eq(e->at.file, "a.yaml");
}
END_TEST

START_TEST(all_errors_in_one_run)
{
	struct errors errors;
	const struct config *c =
	    parse("listen: x\nfoo: 1\n" P "proxies: [a, 10.0.0.0/8, b]\n"
		  "trust: [{kind: avow, keys: k}]\n"
		  "gates: [{kind: balancer, name: B}]\n",
		&errors);
	static const uint32_t lines[] = { 1, 1, 2, 4, 4, 5, 6, 6 };

	ck_assert_ptr_null(c);
	ck_assert_uint_eq(errors.n, ARRAY_LEN(lines));
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		ck_assert_uint_eq(errors.e[i].at.line, lines[i]);
}
END_TEST

START_TEST(size_limit)
{
	struct buf b = { 0 };
	struct errors errors = { 0 };

	buf_addz(&b, P T G "#");
	while (b.n < LIMIT_CONFIG_BYTES)
		buf_byte(&b, 'x');
	ck_assert_ptr_nonnull(config_parse(arena, "a", buf_str(&b), &errors));
	buf_byte(&b, 'x');
	ck_assert_ptr_null(config_parse(arena, "a", buf_str(&b), &errors));
	ck_assert_int_eq(errors.e[0].code, ERR_LIMIT_SIZE);
	buf_free(&b);
}
END_TEST

START_TEST(too_deep)
{
	struct buf b = { 0 };
	struct errors errors = { 0 };

	buf_addz(&b, "a: ");
	for (int i = 0; i < 5000; i++)
		buf_byte(&b, '[');
	ck_assert_ptr_null(config_parse(arena, "a", buf_str(&b), &errors));
	ck_assert_int_eq(errors.e[0].code, ERR_CONFIG_SYNTAX);
	buf_free(&b);
}
END_TEST

START_TEST(file_not_there)
{
	struct errors errors = { 0 };
	struct str text;

	ck_assert_ptr_null(
	    config_load(arena, "/nonexistent/avow.yaml", &text, &errors));
	ck_assert_uint_eq(errors.n, 1);
	ck_assert_int_eq(errors.e[0].code, ERR_FILE_READ);
}
END_TEST

#define PG "storeMark: m\nstore: \"postgresql:"
static const struct {
	const char *note, *text, *warning;
} stores[] = {
	{ "no mark", "store: sqlite:///s\n", "no `storeMark`" },
	{ "a mark", "store: sqlite:///s\nstoreMark: m\n", NULL },
	{ "a network", PG "//db.example/avow\"\n", "TLS is not demanded" },
	{ "an address", PG "//u@192.0.2.1/avow\"\n", "TLS is not demanded" },
	{ "as a parameter", PG "///avow?host=db.example\"\n",
	    "TLS is not demanded" },
	{ "TLS if it is there", PG "//db.example/avow?sslmode=prefer\"\n",
	    "TLS is not demanded" },
	{ "one of two", PG "//127.0.0.1,db.example/avow\"\n",
	    "TLS is not demanded" },
	{ "an address behind a name",
	    PG "//localhost/avow?hostaddr=192.0.2.1\"\n",
	    "TLS is not demanded" },
	{ "TLS", PG "//db.example/avow?sslmode=require\"\n", NULL },
	{ "TLS and its name", PG "//db.example/avow?sslmode=verify-full\"\n",
	    NULL },
	{ "this machine", PG "//localhost/avow\"\n", NULL },
	{ "its address", PG "//127.0.0.1/avow\"\n", NULL },
	{ "IPv6", PG "//[::1]/avow\"\n", NULL },
	{ "a socket", PG "///avow?host=/run/postgresql\"\n", NULL },
	{ "none said", PG "///avow\"\n", NULL },
};

START_TEST(a_store_is_warned_of)
{
	const struct config *c = parse_good(
	    str_printf(arena, "%sservice: {%s}\n", stores[_i].text, SV).p);

	ck_assert_msg(c->n_warnings == (stores[_i].warning ? 1 : 0), "%s: %zu",
	    stores[_i].note, c->n_warnings);
	if (stores[_i].warning)
		ck_assert_msg(strstr(c->warnings[0].msg, stores[_i].warning),
		    "%s: %s", stores[_i].note, c->warnings[0].msg);
}
END_TEST

START_TEST(everyone_a_proxy_is_warned_of)
{
	const struct config *c =
	    parse_good(P T G "decisionLog: \"-\"\nproxies: [0.0.0.0/0]\n");

	ck_assert_uint_eq(c->n_warnings, 1);
	ck_assert_ptr_nonnull(strstr(c->warnings[0].msg, "every host"));
	ck_assert_uint_eq(c->warnings[0].at.line, 5);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("config");
	TCase *tc = tcase_create("config");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, whole_top);
	tcase_add_test(tc, whole_trust);
	tcase_add_test(tc, whole_gates);
	tcase_add_test(tc, small_has_defaults);
	tcase_add_test(tc, token_service);
	tcase_add_test(tc, document_service);
	tcase_add_test(tc, token_service_whole);
	tcase_add_test(tc, service_and_gates_apart);
	tcase_add_loop_test(tc, bad_refused, 0, ARRAY_LEN(bad));
	tcase_add_test(tc, all_errors_in_one_run);
	tcase_add_test(tc, size_limit);
	tcase_add_test(tc, too_deep);
	tcase_add_test(tc, file_not_there);
	tcase_add_loop_test(tc, a_store_is_warned_of, 0, ARRAY_LEN(stores));
	tcase_add_test(tc, everyone_a_proxy_is_warned_of);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
