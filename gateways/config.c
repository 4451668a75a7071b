/* config.c - the tables of keys, then what must hold between them. */
#include "gateways/config.h"

#include "attest/attest.h"
#include "base/file.h"
#include "base/limits.h"
#include "gateways/config_service.h"
#include "gateways/http.h"
#include "gateways/path.h"
#include "store/store.h"

#define FIELD(type, member, key, reader, ...)                                  \
	{                                                                      \
		.name = key, .read = reader, .offset = offsetof(type, member), \
		__VA_ARGS__                                                    \
	}
#define LATER(key)                                                             \
	{                                                                      \
		.name = key                                                    \
	}

/* ---- small checks -------------------------------------------------------- */

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

static void
read_store(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct span at = value->at;
	struct str *url = to;

	(void)f;
	*url = config_text(r, value);
	if (url->n == 0 || str_has_prefix(*url, STR("postgresql://")) ||
	    str_has_prefix(*url, STR("postgres://")) ||
	    (str_has_prefix(*url, STR("sqlite:///")) &&
		url->n > strlen("sqlite:///")))
		return;
	/* A line with a password is not quoted, so it gets no place. */
	if (str_find(*url, '@', 0) < url->n ||
	    memmem(url->p, url->n, "password", strlen("password")))
		at = (struct span){ .file = at.file };
	config_fail(r, ERR_CONFIG_VALUE, at,
	    "line %u: expected `sqlite:///PATH` or `postgresql://…`",
	    (unsigned)value->at.line);
}

/* A header's name; not one that has another meaning or form. */
static void
read_header_name(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	static const char *const taken[] = { "forwarded", "host",
		"authorization", "cookie", "x-forwarded-proto",
		"x-forwarded-uri", "x-forwarded-method", "x-original-uri",
		"x-original-method", "dpop", "x-avow-document",
		"x-avow-signature", "x-avow-pack", "x-rhui-id",
		"x-rhui-signature" };
	struct str *name = to;
	bool ok = true;

	(void)f;
	*name = config_text(r, value);
	for (size_t i = 0; i < name->n; i++) {
		char c = name->p[i];

		ok = ok && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			       (c >= '0' && c <= '9') || c == '-');
	}
	for (size_t i = 0; i < ARRAY_LEN(taken); i++)
		ok = ok && !http_name_eq(*name, taken[i]);
	if (!ok)
		config_fail(r, ERR_CONFIG_VALUE, value->at,
		    "`%.*s` cannot be the header with the client's address or "
		    "certificate",
		    STR_ARG(*name));
}

/* ---- trust --------------------------------------------------------------- */

static const struct config_choice audience_choices[] = {
	{ "required", 0, false }, { "optional", 1, false }, { 0 }
};

/* To a bool, which is no int: is it the second of two choices? */
static void
read_second(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	bool *is_second = to;
	int choice = 0;

	config_read_choice(r, f, value, &choice);
	*is_second = choice == 1;
}

static void
read_kind(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	int choice = -1;

	/* Unknown: said once, and nothing more is asked of the entry. */
	config_read_choice(r, f, value, &choice);
	if (choice >= 0)
		config_read_text(r, f, value, to);
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

static const struct config_choice trust_kinds[] = { { "avow", 0, false },
	{ "token", 6, false }, { "ec2-signature", 1, false },
	{ "ec2-rsa2048", 2, false }, { "ec2-pkcs7", 3, false },
	{ "azure", 4, false }, { "gcp", 5, false }, { 0 } };
static const struct config_choice purposes[] = { { "document", 0, false },
	{ "token", 1, false }, { "policy", 2, true }, { "report", 3, true },
	{ 0 } };
/* In which forms documents of our own are taken. */
static void
read_forms(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	unsigned *forms = to;
	enum attest_form form;
	size_t n;
	struct str *items =
	    config_list(r, f, value, YAML_LIST, sizeof *items, &n);

	for (size_t i = 0; i < n; i++) {
		items[i] = config_text(r, &value->items[i]);
		if (attest_form_of(items[i], &form))
			*forms |= 1u << form;
		else
			config_fail(r, ERR_CONFIG_VALUE, value->items[i].at,
			    "a form is `detached`, `embedded`, `jws` or `cms`, "
			    "found `%.*s`",
			    STR_ARG(items[i]));
	}
}

static const struct config_choice current_choices[] = { { "service", 1, false },
	{ 0 } };
static const struct config_choice weak_choices[] = { { "false", 0, false },
	{ "true", 1, false }, { 0 } };

static const struct config_choice address_choices[] = {
	{ "attested", 0, false }, { "any", 1, false }, { 0 }
};

#define ENROL(member, key, reader, ...)                                        \
	FIELD(struct config_trust, member, key, reader, __VA_ARGS__)
static const struct config_field enrol_fields[] = {
	ENROL(enrol_controller, "controller", config_read_text,
	    .is_required = true),
	ENROL(enrol_any_address, "address", read_second,
	    .choices = address_choices),
};

static void
read_enrol(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct config_seen seen;

	(void)f;
	(void)config_read_map(
	    r, value, enrol_fields, ARRAY_LEN(enrol_fields), to, &seen);
}

#define TRUST(member, key, reader, ...)                                        \
	FIELD(struct config_trust, member, key, reader, __VA_ARGS__)
enum {
	T_KIND,
	T_ISSUER,
	T_PREFIX,
	T_LEASE,
	T_PURPOSE,
	T_WEAK,
	T_FORMS,
	T_CURRENT
};
static const struct config_field trust_fields[] = {
	[T_KIND] = TRUST(kind, "kind", read_kind, .is_required = true,
	    .choices = trust_kinds),
	[T_ISSUER] = TRUST(issuer, "issuer", config_read_text, 0),
	[T_PREFIX] = TRUST(prefix, "prefix", config_read_text, 0),
	[T_LEASE] = TRUST(max_lease_s, "maxLease", config_read_lease, 0),
	[T_PURPOSE] =
	    TRUST(purpose, "purpose", config_read_choice, .choices = purposes),
	[T_WEAK] = TRUST(is_weak, "weak", read_second, .choices = weak_choices),
	[T_FORMS] = TRUST(forms, "forms", read_forms, 0),
	[T_CURRENT] = TRUST(
	    is_current, "current", read_second, .choices = current_choices),
	TRUST(keys, "keys", config_read_text, .is_required = true),
	TRUST(certificates, "certificates", config_read_text, 0),
	TRUST(signers, "signers", config_read_strings, 0),
	TRUST(owners, "owners", config_read_strings, 0),
	TRUST(regions, "regions", config_read_strings, 0),
	TRUST(images, "images", config_read_strings, 0),
	TRUST(audience_optional, "audience", read_second,
	    .choices = audience_choices),
	TRUST(trust_domain, "trustDomain", config_read_text, 0),
	{ .name = "enrol", .read = read_enrol },
	LATER("instances"),
};

static void
check_trust_entry(struct config_reader *r, const struct config_trust *t,
    const struct config_seen *seen)
{
	bool is_token = str_eq(t->kind, STR("token"));
	bool is_avow = is_token || str_eq(t->kind, STR("avow"));

	if (t->kind.n == 0)
		return;
	if (is_avow && t->issuer.n == 0)
		config_fail(r, ERR_CONFIG_KEY, t->at,
		    "trust of kind `%.*s` needs `issuer`", STR_ARG(t->kind));
	if (seen->at[T_PURPOSE].line && is_token != (t->purpose == 1))
		config_fail(r, ERR_CONFIG_VALUE, seen->at[T_PURPOSE],
		    "keys of kind `%.*s` have purpose `%s`, and no other",
		    STR_ARG(t->kind), is_token ? "token" : "document");
	if (seen->at[T_FORMS].line && !str_eq(t->kind, STR("avow")))
		config_fail(r, ERR_CONFIG_VALUE, seen->at[T_FORMS],
		    "only documents of kind `avow` have `forms`");
	if ((is_token || str_eq(t->kind, STR("gcp"))) && t->audience_optional)
		config_fail(r, ERR_CONFIG_VALUE, t->at,
		    "a token always is for one audience");
	if (!is_avow && t->owners.n == 0)
		error_hint(config_fail(r, ERR_CONFIG_TRUST, t->at,
			       "trust of kind `%.*s` needs `owners`",
			       STR_ARG(t->kind)),
		    "a genuine signature only says that it is some customer's");
	if (!is_avow && !str_eq(t->kind, STR("azure")) &&
	    !str_eq(t->kind, STR("gcp")) &&
	    t->max_lease_s == CONFIG_LEASE_NOT_GIVEN)
		error_hint(config_fail(r, ERR_CONFIG_TRUST, t->at,
			       "trust of kind `%.*s` needs `maxLease`",
			       STR_ARG(t->kind)),
		    "its documents never expire; write `none` if that is "
		    "meant");
	if (t->is_current && (is_token || !is_avow))
		config_fail(r, ERR_CONFIG_VALUE, seen->at[T_CURRENT],
		    "`current` is for kind `avow`, whose documents the "
		    "document service supersedes");
	if (t->is_weak && !str_eq(t->kind, STR("ec2-pkcs7")))
		config_fail(r, ERR_CONFIG_TRUST, seen->at[T_WEAK],
		    "only `ec2-pkcs7` can be weak");
	if (t->prefix.n && t->prefix.p[t->prefix.n - 1] != '/')
		config_fail(r, ERR_CONFIG_TRUST, seen->at[T_PREFIX],
		    "a prefix ends in `/`, found `%.*s`", STR_ARG(t->prefix));
}

/* No two entries speak for the same principal. */
static void
check_prefixes(
    struct config_reader *r, const struct config_trust *all, size_t n)
{
	for (size_t i = 1; i < n; i++)
		for (size_t k = 0; k < i; k++) {
			struct str a = all[k].prefix, b = all[i].prefix;
			bool both = a.n > 0 && b.n > 0;

			if (a.n + b.n == 0)
				config_fail(r, ERR_CONFIG_TRUST, all[i].at,
				    "this entry and that of line %u both have "
				    "no prefix; one at most may",
				    all[k].at.line);
			if (both &&
			    (str_has_prefix(a, b) || str_has_prefix(b, a)))
				config_fail(r, ERR_CONFIG_TRUST, all[i].at,
				    "prefix `%.*s` and that of line %u, "
				    "`%.*s`: one begins the other",
				    STR_ARG(b), all[k].at.line, STR_ARG(a));
		}
}

static void
read_trust(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct config *c = to;
	struct config_seen seen;
	size_t n;
	struct config_trust *all =
	    config_list(r, f, value, YAML_LIST, sizeof *all, &n);

	for (size_t i = 0; i < n; i++) {
		all[i].at = value->items[i].at;
		if (config_read_map(r, &value->items[i], trust_fields,
			ARRAY_LEN(trust_fields), &all[i], &seen))
			check_trust_entry(r, &all[i], &seen);
	}
	check_prefixes(r, all, n);
	c->trust = all;
	c->n_trust = n;
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
	FIELD(struct config_pool, member, key, reader, __VA_ARGS__)
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
	FIELD(struct config_gate, member, key, reader, __VA_ARGS__)
enum { G_KIND, G_NAME, G_DEMAND, G_RHUI, G_REPOSITORIES, G_POOLS };
static const struct config_field gate_fields[] = {
	[G_KIND] = GATE(kind, "kind", config_read_choice, .is_required = true,
	    .choices = gate_kinds),
	[G_NAME] = GATE(name, "name", read_gate_name, .is_required = true),
	[G_DEMAND] =
	    GATE(demand, "demand", config_read_choice, .choices = demands),
	[G_RHUI] = GATE(rhui, "rhui", read_kind, .choices = rhui_kinds),
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

/* While the trust entries may still be unread. */
struct building {
	struct config config;
	struct config_gate *gates;
};

static void
read_gates(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct building *c = to;
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

/* ---- the whole ----------------------------------------------------------- */

#define TLS(member, key)                                                       \
	FIELD(struct config, member, key, config_read_text, .is_required = true)
static const struct config_field tls_fields[] = {
	TLS(tls_certificate, "certificate"),
	TLS(tls_key, "key"),
};

static void
read_tls(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct config_seen seen;

	(void)f;
	(void)config_read_map(
	    r, value, tls_fields, ARRAY_LEN(tls_fields), to, &seen);
}

static const struct config_choice errored_denies[] = {
	{ "deny", CONFIG_ERRORED_DENY, false },
	{ "skip", CONFIG_ERRORED_SKIP, false },
	{ 0 },
};

static const struct config_choice replays[] = {
	{ "process", CONFIG_REPLAY_PROCESS, false },
	{ "store", CONFIG_REPLAY_STORE, false },
	{ 0 },
};

#define TOP(member, key, reader, ...)                                          \
	FIELD(struct config, member, key, reader, __VA_ARGS__)
enum {
	C_LISTEN,
	C_STORE,
	C_PROXIES,
	C_LOG,
	C_POLICIES,
	C_TRUST,
	C_GATES,
	C_SERVICE,
	C_ADMIN,
	C_MARK,
	C_REPLAY
};
static const struct config_field config_fields[] = {
	[C_LISTEN] = TOP(listen, "listen", config_read_listen, 0),
	[C_STORE] = TOP(store, "store", read_store, 0),
	[C_PROXIES] =
	    TOP(proxies, "proxies", config_read_cidrs, .may_be_empty = true),
	[C_LOG] = TOP(decision_log, "decisionLog", config_read_text, 0),
	[C_POLICIES] = TOP(policies, "policies", config_read_strings, 0),
	[C_TRUST] = { .name = "trust", .read = read_trust },
	[C_GATES] = { .name = "gates", .read = read_gates },
	[C_SERVICE] = { .name = "service", .read = config_read_service },
	[C_ADMIN] = { .name = "admin", .read = config_read_admin },
	[C_MARK] = TOP(store_mark, "storeMark", config_read_text, 0),
	[C_REPLAY] =
	    TOP(replay, "replay", config_read_choice, .choices = replays),
	TOP(entities, "entities", config_read_strings, .may_be_empty = true),
	TOP(policy_keys, "policyKeys", config_read_strings, 0),
	TOP(client_address, "clientAddress", read_header_name, 0),
	TOP(client_certificate, "clientCertificate", read_header_name, 0),
	TOP(revoked, "revoked", config_read_text, 0),
	TOP(errored_deny, "erroredDeny", config_read_choice,
	    .choices = errored_denies),
	{ .name = "tls", .read = read_tls },
};

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

static bool
has_gate(const struct config *c, enum config_gate_kind kind)
{
	for (size_t i = 0; i < c->n_gates; i++)
		if (c->gates[i].kind == kind)
			return true;
	return false;
}

/* The token service trusts clouds, and to enrol; gates enrol nobody. */
static void
check_enrol(struct config_reader *r, const struct config *c)
{
	for (size_t i = 0; i < c->n_trust; i++) {
		const struct config_trust *t = &c->trust[i];
		bool is_cloud = !str_eq(t->kind, STR("avow")) &&
				!str_eq(t->kind, STR("token"));

		if (c->service.is_given && t->kind.n > 0 &&
		    (!is_cloud || t->enrol_controller.n == 0))
			config_fail(r, ERR_CONFIG_TRUST, t->at,
			    "the token service trusts clouds alone, to enrol: "
			    "expected a cloud's kind and `enrol: {controller: "
			    "NAME}`");
		if (!c->service.is_given && t->enrol_controller.n > 0)
			config_fail(r, ERR_CONFIG_TRUST, t->at,
			    "`enrol` belongs to the token service");
	}
}

/* Where there are no keys to decide by there is none to sign with, and the
 * other way round. */
static void
check_for_service(struct config_reader *r, const struct config_seen *seen)
{
	if (seen->at[C_GATES].line)
		error_hint(
		    config_fail(r, ERR_CONFIG_KEY, seen->at[C_SERVICE],
			"`service` beside `gates`: a process with gates holds "
			"no signing key"),
		    "run the token service as another `avow serve`, with a "
		    "configuration of its own");
	for (size_t i = 0; i < ARRAY_LEN(config_fields); i++)
		if (seen->at[i].line && i != C_STORE && i != C_MARK &&
		    i != C_REPLAY && i != C_SERVICE && i != C_ADMIN &&
		    i != C_GATES && i != C_TRUST)
			config_fail(r, ERR_CONFIG_KEY, seen->at[i],
			    "`%s` belongs to gates, and there is a `service` "
			    "here",
			    config_fields[i].name);
}

static void
check_for_gates(
    struct config_reader *r, struct span top, const struct config_seen *seen)
{
	static const size_t needed[] = { C_POLICIES, C_TRUST, C_GATES };

	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		if (!seen->at[needed[i]].line)
			config_fail(r, ERR_CONFIG_KEY, top,
			    "`%s` is missing here",
			    config_fields[needed[i]].name);
}

/* What holds, and may not be what was meant. */
static void
check_store(struct config_reader *r, const struct config *c,
    const struct config_seen *seen)
{
	struct span at = seen->at[C_STORE];

	if (c->store.n == 0)
		return;
	if (c->store_mark.n == 0)
		config_warn(r, at,
		    "there is no `storeMark`: a store that is put back from a "
		    "copy, without what was revoked since, would not be "
		    "noticed");
	/* A line that may hold a password is not quoted. */
	if (store_url_is_plain(c->store))
		config_warn(r, (struct span){ .file = at.file },
		    "line %u: `store` is on another host, and TLS is not "
		    "demanded: `sslmode=verify-full`",
		    (unsigned)at.line);
}

static void
check_whole(struct config_reader *r, struct building *b, struct span top,
    const struct config_seen *seen)
{
	struct config *c = &b->config;

	config_check_service(r, c);
	check_store(r, c, seen);
	check_enrol(r, c);
	if (c->service.is_given) {
		check_for_service(r, seen);
		return;
	}
	check_for_gates(r, top, seen);
	if (c->listen.n == 0)
		c->listen = STR("127.0.0.1:8181");
	if (c->client_address.n == 0)
		c->client_address = STR("X-Forwarded-For");
	settle_rhui(r, c, b->gates);
	check_proofs(r, c, top);
	check_gates_together(r, c);
	if (has_gate(c, CONFIG_GATE_BALANCER) && !seen->at[C_STORE].line)
		config_fail(r, ERR_CONFIG_KEY, top,
		    "a balancer gate needs `store`, where members are kept");
	for (size_t i = 0; i < c->n_trust; i++)
		if (c->trust[i].is_current && c->store.n == 0)
			config_fail(r, ERR_CONFIG_KEY, c->trust[i].at,
			    "`current: service` needs `store`, where the "
			    "document service says what is superseded");
	if (c->store_mark.n > 0 && c->store.n == 0)
		config_fail(r, ERR_CONFIG_KEY, top,
		    "`storeMark` remembers how far `store` has come, and there "
		    "is none");
	if (c->replay == CONFIG_REPLAY_STORE && c->store.n == 0)
		config_fail(r, ERR_CONFIG_KEY, seen->at[C_REPLAY],
		    "`replay: store` remembers proofs in `store`, and there is "
		    "none");
	if (has_gate(c, CONFIG_GATE_REPOSITORY) && c->proxies.n == 0 &&
	    !str_has_prefix(c->listen, STR("unix:")))
		config_warn(r, top,
		    "there are no `proxies`: nobody may ask /gate/auth");
	for (size_t i = 0; i < c->proxies.n; i++)
		if (c->proxies.items[i].prefix == 0)
			config_warn(r, seen->at[C_PROXIES],
			    "every host is a proxy: all may say who they are");
	if (!seen->at[C_LOG].line)
		config_warn(r, top,
		    "there is no `decisionLog`: decisions leave no trace");
}

static bool
is_later(struct span a, struct span b)
{
	return a.line > b.line || (a.line == b.line && a.col > b.col);
}

/* What was found last may stand first. Few, so by insertion. */
static void
sort_by_place(struct errors *list)
{
	struct error moved;
	size_t k;

	for (size_t i = 1; list && i < list->n; i++) {
		moved = list->e[i];
		for (k = i; k > 0 && is_later(list->e[k - 1].at, moved.at); k--)
			list->e[k] = list->e[k - 1];
		list->e[k] = moved;
	}
}

const struct config *
config_parse(
    struct arena *a, const char *file, struct str text, struct errors *reterr)
{
	struct config_reader r = { .a = a, .errors = reterr };
	struct building *c = ARENA_NEW(a, struct building);
	struct config_seen seen;
	struct span top = { .file = file, .line = 1, .col = 1, .len = 1 };
	struct yaml root;

	if (text.n > LIMIT_CONFIG_BYTES) {
		config_fail(&r, ERR_LIMIT_SIZE, top,
		    "a configuration has at most %u bytes, this has %zu",
		    LIMIT_CONFIG_BYTES, text.n);
		return NULL;
	}
	if (!c) {
		config_fail_memory(&r);
		return NULL;
	}
	if (!yaml_parse(a, file, text, &root, reterr))
		return NULL;
	if (config_read_map(
		&r, &root, config_fields, ARRAY_LEN(config_fields), c, &seen))
		check_whole(&r, c, top, &seen);
	c->config.warnings = r.warnings;
	c->config.n_warnings = r.n_warnings;
	sort_by_place(reterr);
	return r.failed ? NULL : &c->config;
}

const struct config *
config_load(struct arena *a, const char *path, struct str *ret_text,
    struct errors *reterr)
{
	struct error err = { 0 };
	struct str text;

	if (!file_read(a, path, LIMIT_CONFIG_BYTES, &text, &err)) {
		errors_take(reterr, &err);
		return NULL;
	}
	*ret_text = text;
	return config_parse(a, path, text, reterr);
}

const struct config_gate *
config_gate(const struct config *c, struct str name)
{
	for (size_t i = 0; i < c->n_gates; i++)
		if (str_eq(c->gates[i].name, name))
			return &c->gates[i];
	return NULL;
}

const struct config_pool *
config_pool(const struct config *c, struct str name,
    const struct config_gate **ret_gate)
{
	for (size_t i = 0; i < c->n_gates; i++)
		for (size_t k = 0; k < c->gates[i].n_pools; k++)
			if (str_eq(c->gates[i].pools[k].name, name)) {
				*ret_gate = &c->gates[i];
				return &c->gates[i].pools[k];
			}
	return NULL;
}
