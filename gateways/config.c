/* config.c - the table of the file's keys, then what must hold between its
 * sections. */
#include "gateways/config.h"

#include "base/file.h"
#include "base/limits.h"
#include "gateways/config_sections.h"
#include "gateways/http.h"
#include "store/store.h"

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
	CONFIG_FIELD(struct config, member, key, reader, __VA_ARGS__)
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
	[C_TRUST] = { .name = "trust", .read = config_read_trust },
	[C_GATES] = { .name = "gates", .read = config_read_gates },
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
	TOP(tls, "tls", config_read_tls, 0),
};

static bool
has_gate(const struct config *c, enum config_gate_kind kind)
{
	for (size_t i = 0; i < c->n_gates; i++)
		if (c->gates[i].kind == kind)
			return true;
	return false;
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
check_whole(struct config_reader *r, struct config_building *b, struct span top,
    const struct config_seen *seen)
{
	struct config *c = &b->config;

	config_check_service(r, c);
	check_store(r, c, seen);
	config_check_enrol(r, c);
	if (c->service.is_given) {
		check_for_service(r, seen);
		return;
	}
	check_for_gates(r, top, seen);
	if (c->listen.n == 0)
		c->listen = STR("127.0.0.1:8181");
	if (c->client_address.n == 0)
		c->client_address = STR("X-Forwarded-For");
	config_check_gates(r, b, top);
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
	struct config_building *c = ARENA_NEW(a, struct config_building);
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
