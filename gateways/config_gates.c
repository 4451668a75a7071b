/* config_gates.c - which repositories and pools are guarded, and how: the
 * section `gates:`, gate by gate, then what must hold between them. */
#include "gateways/config_sections.h"

#include "base/limits.h"
#include "gateways/http.h"
#include "gateways/path.h"

/* ---- values -------------------------------------------------------------- */

/* [a-z0-9][a-z0-9-]{0,62}: names reach sockets, files and headers. */
static bool
is_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    !(c == '-' && i > 0))
			return false;
	}
	return s.n > 0 && s.n <= LIMIT_NAME;
}

static struct str
read_name(struct config_reader *r, const struct yaml *value)
{
	struct str s = config_text(r, value);

	if (s.n && !is_name(s))
		config_fail(r, ERR_CONFIG_VALUE, value->at,
		    "a name has small letters, digits and `-`, at most %u, "
		    "and starts with no `-`; found `%.*s`",
		    LIMIT_NAME, STR_ARG(s));
	return s;
}

static void
read_gate_name(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct str *name = to;

	(void)f;
	*name = read_name(r, value);
}

/* An absolute path that a socket's address can hold. */
static void
read_socket_path(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct str *path = to;

	(void)f;
	*path = config_text(r, value);
	if (path->n && (path->p[0] != '/' || path->n > 107))
		config_fail(r, ERR_CONFIG_VALUE, value->at,
		    "expected a socket's path, from / on, at most 107 bytes");
}

/* [A-Za-z0-9_.-]{1,64}: it becomes part of a command. */
static void
read_backend(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	static const struct str others = STR_INIT("_.-");
	struct str s = config_text(r, value), *backend = to;
	bool ok = s.n <= 64;

	(void)f;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		ok = ok && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			       (c >= '0' && c <= '9') ||
			       str_find(others, c, 0) < others.n);
	}
	if (!ok)
		config_fail(r, ERR_CONFIG_VALUE, value->at,
		    "a backend's name has letters, digits and `_.-`, at most "
		    "64");
	*backend = s;
}

/* Only to refuse, or to say what is so anyway. */
static void
read_fixed(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	int ignored;

	(void)to;
	config_read_choice(r, f, value, &ignored);
}

/* ---- gates --------------------------------------------------------------- */

static bool
is_prefix(struct config_reader *r, struct str s)
{
	struct gateways_path path;

	return s.n > 0 && s.p[s.n - 1] == '/' &&
	       gateways_path_check(r->a, s, &path, NULL) &&
	       str_eq(path.path, s);
}

static void
read_repositories(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct config_gate *gate = to;
	size_t n;
	struct config_repository *all =
	    config_list(r, f, value, YAML_MAP, sizeof *all, &n);

	for (size_t i = 0; i < n; i++) {
		const struct yaml *key = &value->items[2 * i];

		all[i].at = key->at;
		all[i].name = read_name(r, key);
		all[i].prefix = config_text(r, key + 1);
		if (all[i].prefix.n && !is_prefix(r, all[i].prefix))
			config_fail(r, ERR_CONFIG_VALUE, key[1].at,
			    "a repository's path starts and ends in `/` and "
			    "needs no decoding, found `%.*s`",
			    STR_ARG(all[i].prefix));
	}
	gate->repositories = all;
	gate->n_repositories = n;
}

static void
read_ports(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct config_pool *pool = to;
	uint64_t number;
	size_t n;
	uint16_t *all = config_list(r, f, value, YAML_LIST, sizeof *all, &n);

	for (size_t i = 0; i < n; i++) {
		const struct yaml *item = &value->items[i];
		struct str text = config_text(r, item);

		if (text.n &&
		    (!str_to_u64(text, 65535, &number) || number == 0)) {
			config_fail(r, ERR_CONFIG_VALUE, item->at,
			    "a port is a number from 1 to 65535");
			continue;
		}
		all[i] = text.n ? (uint16_t)number : 0;
		for (size_t k = 0; k < i; k++)
			if (all[i] && all[k] == all[i])
				config_fail(r, ERR_CONFIG_VALUE, item->at,
				    "port %u stands twice", all[i]);
	}
	pool->ports = all;
	pool->n_ports = n;
}

#define POOL(member, key, reader, ...)                                         \
	CONFIG_FIELD(struct config_pool, member, key, reader, __VA_ARGS__)
static const struct config_field pool_fields[] = {
	POOL(haproxy, "haproxy", read_socket_path, .is_required = true),
	POOL(backend, "backend", read_backend, .is_required = true),
	POOL(networks, "networks", config_read_cidrs, .is_required = true),
	{ .name = "ports", .read = read_ports, .is_required = true },
};

static void
read_pools(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct config_gate *gate = to;
	struct config_seen seen;
	size_t n;
	struct config_pool *all =
	    config_list(r, f, value, YAML_MAP, sizeof *all, &n);

	for (size_t i = 0; i < n; i++) {
		const struct yaml *key = &value->items[2 * i];

		(void)config_read_map(r, key + 1, pool_fields,
		    ARRAY_LEN(pool_fields), &all[i], &seen);
		all[i].at = key->at;
		all[i].name = read_name(r, key);
	}
	gate->pools = all;
	gate->n_pools = n;
}

static void
read_claims(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	static const char *const known[] = { "imageId", "owner", "privateIp",
		"launchTime", "region", "zone", "supportLevel", "os",
		"licences", "applications", "custom", NULL };
	bool was_failed = r->failed;

	r->failed = false;
	config_read_strings(r, f, value, to);
	for (size_t i = 0; !r->failed && i < value->n; i++)
		if (!config_known(r, &value->items[i], "claim", known))
			break;
	r->failed = r->failed || was_failed;
}

static const struct config_field require_fields[] = {
	{ .name = "claims", .read = read_claims, .may_be_empty = true },
};

static void
read_require(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct config_seen seen;

	(void)f;
	(void)config_read_map(
	    r, value, require_fields, ARRAY_LEN(require_fields), to, &seen);
}

static const struct config_choice gate_kinds[] = {
	{ "repository", CONFIG_GATE_REPOSITORY, false },
	{ "balancer", CONFIG_GATE_BALANCER, false },
	{ "ssh", CONFIG_GATE_NONE, true },
	{ "token", CONFIG_GATE_NONE, true },
	{ "connection", CONFIG_GATE_NONE, true },
	{ 0 },
};
static const struct config_choice demands[] = {
	{ "address", CONFIG_DEMAND_ADDRESS, false },
	{ "bearer", CONFIG_DEMAND_BEARER, false },
	{ "key", CONFIG_DEMAND_KEY, false },
	{ 0 },
};
/* `https://HOST[:PORT]`, in small letters: it is compared byte for byte. */
static void
read_url(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	static const struct str others = STR_INIT(".-:[]");
	struct str *url = to, rest;
	bool ok;

	(void)f;
	*url = config_text(r, value);
	rest = str_has_prefix(*url, STR("https://")) ? str_sub(*url, 8, url->n)
						     : str_sub(*url, 7, url->n);
	ok = rest.n > 0 && (str_has_prefix(*url, STR("https://")) ||
			       str_has_prefix(*url, STR("http://")));
	for (size_t i = 0; i < rest.n; i++) {
		char c = rest.p[i];

		ok = ok && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			       str_find(others, c, 0) < others.n);
	}
	if (url->n && !ok)
		config_fail(r, ERR_CONFIG_VALUE, value->at,
		    "expected `https://HOST` or `https://HOST:PORT` in small "
		    "letters, without a path, found `%.*s`",
		    STR_ARG(*url));
}

static const struct config_choice transports[] = {
	{ "https", CONFIG_TRANSPORT_HTTPS, false },
	{ "any", CONFIG_TRANSPORT_ANY, false },
	{ 0 },
};
static const struct config_choice gate_audiences[] = { { "required", 0, false },
	{ "optional", 0, true }, { 0 } };
static const struct config_choice rhui_kinds[] = { { "ec2-signature", 0,
						       false },
	{ "ec2-rsa2048", 0, false }, { "ec2-pkcs7", 0, true },
	{ "gcp", 0, false }, { "azure", 0, true }, { 0 } };

#define GATE(member, key, reader, ...)                                         \
	CONFIG_FIELD(struct config_gate, member, key, reader, __VA_ARGS__)
enum { G_KIND, G_NAME, G_DEMAND, G_RHUI, G_REPOSITORIES, G_POOLS };
static const struct config_field gate_fields[] = {
	[G_KIND] = GATE(kind, "kind", config_read_choice, .is_required = true,
	    .choices = gate_kinds),
	[G_NAME] = GATE(name, "name", read_gate_name, .is_required = true),
	[G_DEMAND] =
	    GATE(demand, "demand", config_read_choice, .choices = demands),
	[G_RHUI] = GATE(rhui, "rhui", config_read_kind, .choices = rhui_kinds),
	[G_REPOSITORIES] = { .name = "repositories",
	    .read = read_repositories },
	[G_POOLS] = { .name = "pools", .read = read_pools },
	GATE(url, "url", read_url, 0),
	GATE(transport, "transport", config_read_choice, .choices = transports),
	GATE(max_lease_s, "maxLease", config_read_lease, 0),
	GATE(require_claims, "require", read_require, 0),
	GATE(kind, "audience", read_fixed, .choices = gate_audiences),
};

/* What belongs to one kind only. */
static void
check_gate_kind(struct config_reader *r, const struct config_gate *g,
    const struct config_seen *seen)
{
	bool is_balancer = g->kind == CONFIG_GATE_BALANCER;
	size_t own = is_balancer ? G_POOLS : G_REPOSITORIES;
	size_t foreign = is_balancer ? G_REPOSITORIES : G_POOLS;
	const char *kind = is_balancer ? "balancer" : "repository";

	if (!seen->at[own].line)
		config_fail(r, ERR_CONFIG_KEY, g->at,
		    "a gate of kind `%s` needs `%s`", kind,
		    gate_fields[own].name);
	if (seen->at[foreign].line)
		config_fail(r, ERR_CONFIG_KEY, seen->at[foreign],
		    "a gate of kind `%s` has no `%s`", kind,
		    gate_fields[foreign].name);
}

static void
check_gate(struct config_reader *r, struct config_gate *g,
    const struct config_seen *seen)
{
	if (g->kind == CONFIG_GATE_NONE)
		return; /* said already */
	check_gate_kind(r, g, seen);
	if (g->demand != CONFIG_DEMAND_BEARER)
		return;
	if (g->kind == CONFIG_GATE_BALANCER)
		config_fail(r, ERR_CONFIG_VALUE, seen->at[G_DEMAND],
		    "a balancer gate never demands less than `address`");
	else
		config_warn(r, seen->at[G_DEMAND],
		    "gate `%.*s` has `demand: bearer`: whoever holds a copy "
		    "of a document may read",
		    STR_ARG(g->name));
}

void
config_read_gates(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct config_building *c = to;
	struct config_seen seen;
	size_t n;
	struct config_gate *all =
	    config_list(r, f, value, YAML_LIST, sizeof *all, &n);

	for (size_t i = 0; i < n; i++) {
		all[i].at = value->items[i].at;
		if (config_read_map(r, &value->items[i], gate_fields,
			ARRAY_LEN(gate_fields), &all[i], &seen))
			check_gate(r, &all[i], &seen);
	}
	c->gates = all;
	c->config.gates = all;
	c->config.n_gates = n;
}

/* ---- between gates ------------------------------------------------------- */

static void
fail_twice(struct config_reader *r, const char *what, struct str name,
    struct span at, struct span first)
{
	config_fail(r, ERR_CONFIG_VALUE, at,
	    "%s `%.*s` is there already, in line %u", what, STR_ARG(name),
	    first.line);
}

/* Names and paths by which requests find things: gate `b` against gate `a`, or
 * in itself. */
static void
check_repositories(struct config_reader *r, const struct config_gate *a,
    const struct config_gate *b)
{
	for (size_t i = 0; i < b->n_repositories; i++)
		for (size_t k = 0; k < a->n_repositories; k++) {
			const struct config_repository *x = &a->repositories[k];
			const struct config_repository *y = &b->repositories[i];

			if (a == b && k >= i)
				break;
			if (y->name.n && str_eq(x->name, y->name))
				fail_twice(
				    r, "repository", y->name, y->at, x->at);
			if (y->prefix.n && str_eq(x->prefix, y->prefix))
				fail_twice(r, "a repository at", y->prefix,
				    y->at, x->at);
		}
}

static void
check_pools(struct config_reader *r, const struct config_gate *a,
    const struct config_gate *b)
{
	for (size_t i = 0; i < b->n_pools; i++)
		for (size_t k = 0; k < a->n_pools && a != b; k++)
			if (b->pools[i].name.n &&
			    str_eq(a->pools[k].name, b->pools[i].name))
				fail_twice(r, "pool", b->pools[i].name,
				    b->pools[i].at, a->pools[k].at);
}

static void
check_gates_together(struct config_reader *r, const struct config *c)
{
	for (size_t i = 0; i < c->n_gates; i++)
		for (size_t k = 0; k <= i; k++) {
			const struct config_gate *a = &c->gates[k];
			const struct config_gate *b = &c->gates[i];

			if (k < i && b->name.n && str_eq(a->name, b->name))
				fail_twice(r, "gate", b->name, b->at, a->at);
			check_repositories(r, a, b);
			check_pools(r, a, b);
		}
}

static bool
trusts_kind(const struct config *c, struct str kind)
{
	for (size_t i = 0; i < c->n_trust; i++)
		if (str_eq(c->trust[i].kind, kind))
			return true;
	return false;
}

/* Written out, it must lead somewhere; as a default it may lead nowhere. */
static void
settle_rhui(
    struct config_reader *r, const struct config *c, struct config_gate *gates)
{
	for (size_t i = 0; i < c->n_gates; i++)
		if (gates[i].rhui.n == 0)
			gates[i].rhui = STR("ec2-signature");
		else if (!trusts_kind(c, gates[i].rhui))
			config_fail(r, ERR_CONFIG_VALUE, gates[i].at,
			    "`rhui: %.*s`, but there is no trust of that kind",
			    STR_ARG(gates[i].rhui));
}

/* A key can be proven by DPoP, which covers the gate's URL, or by a client's
 * certificate. */
static void
check_proofs(struct config_reader *r, const struct config *c, struct span top)
{
	if (c->client_certificate.n > 0 &&
	    http_name_eq(c->client_address, c->client_certificate.p))
		config_fail(r, ERR_CONFIG_VALUE, top,
		    "`clientCertificate` and `clientAddress` name one header");
	for (size_t i = 0; i < c->n_gates; i++) {
		const struct config_gate *g = &c->gates[i];

		if (g->demand == CONFIG_DEMAND_KEY && g->url.n == 0 &&
		    c->client_certificate.n == 0)
			error_hint(config_fail(r, ERR_CONFIG_KEY, g->at,
				       "gate `%.*s` has `demand: key`, and no "
				       "way to prove one",
				       STR_ARG(g->name)),
			    "give the gate a `url` for DPoP, or the server a "
			    "`clientCertificate`");
	}
}

void
config_check_gates(
    struct config_reader *r, struct config_building *b, struct span top)
{
	settle_rhui(r, &b->config, b->gates);
	check_proofs(r, &b->config, top);
	check_gates_together(r, &b->config);
}
