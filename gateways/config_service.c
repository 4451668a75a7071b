/* config_service.c - how the token service is told where it listens, by which
 * name provers know it, and where its keys lie. */
#include "gateways/config_sections.h"

#include "attest/spiffe.h"
#include "attest/token.h"
#include "gateways/listen.h"

#define TLS(member, key)                                                       \
	CONFIG_FIELD(struct config_tls, member, key, config_read_text,         \
	    .is_required = true)
static const struct config_field tls_fields[] = {
	TLS(certificate, "certificate"),
	TLS(key, "key"),
};

void
config_read_tls(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct config_seen seen;

	(void)f;
	(void)config_read_map(
	    r, value, tls_fields, ARRAY_LEN(tls_fields), to, &seen);
}

static bool
is_host_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
	       c == '-' || c == ':' || c == '[' || c == ']';
}

/* SCHEME://HOST[:PORT], with a path that does not end in a slash. Provers bind
 * the very bytes, so there is one way to write it: lower case, nothing encoded,
 * no user, query or fragment. */
static bool
is_public_url(struct str s, size_t scheme)
{
	struct str rest = str_sub(s, scheme, s.n);
	size_t slash = str_find(rest, '/', 0);

	for (size_t i = 0; i < slash; i++)
		if (!is_host_char(rest.p[i]))
			return false;
	for (size_t i = slash; i < rest.n; i++)
		if (rest.p[i] <= 0x20 || rest.p[i] >= 0x7f ||
		    strchr("?#%\\\"<>", rest.p[i]))
			return false;
	return slash > 0 && rest.p[rest.n - 1] != '/' && s.n <= 512;
}

static void
read_url(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct str s = config_text(r, value), *url = to;
	size_t scheme = str_has_prefix(s, STR("https://"))  ? 8
			: str_has_prefix(s, STR("http://")) ? 7
							    : 0;

	(void)f;
	*url = s;
	if (s.n && (scheme == 0 || !is_public_url(s, scheme)))
		config_fail(r, ERR_CONFIG_VALUE, value->at,
		    "expected the address that provers use, as "
		    "`https://HOST:PORT`, lower case and with no `/` at its "
		    "end; found `%.*s`",
		    STR_ARG(s));
}

static void
read_lifetime(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	int64_t s = 0;

	config_read_lease(r, f, value, &s);
	if (s > TOKEN_LIFETIME_MOST_S)
		config_fail(r, ERR_CONFIG_VALUE, value->at,
		    "a token lives at most %dm", TOKEN_LIFETIME_MOST_S / 60);
	memcpy(to, &s, sizeof s);
}

static const struct config_choice channels[] = {
	{ "off", CONFIG_CHANNEL_OFF, false },
	{ "tls-exporter", CONFIG_CHANNEL_TLS_EXPORTER, false },
	{ 0 },
};

static const struct config_choice off_on[] = { { "off", 0, false },
	{ "on", 1, false }, { 0 } };

/* A choice of two; true: the second of them. */
static void
read_switch(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	bool *is_second = to;
	int choice = 0;

	config_read_choice(r, f, value, &choice);
	*is_second = choice == 1;
}

static void
read_domain(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct str s = config_text(r, value), *domain = to;

	(void)f;
	*domain = s;
	if (s.n && !spiffe_trust_domain_is_valid(s))
		config_fail(r, ERR_CONFIG_VALUE, value->at,
		    "expected a SPIFFE trust domain: small letters, digits, "
		    "`.`, `-`, `_`, at most 255; found `%.*s`",
		    STR_ARG(s));
}

#define SERVICE(member, key, reader, ...)                                      \
	CONFIG_FIELD(struct config_service, member, key, reader, __VA_ARGS__)
enum { S_LISTEN, S_URL, S_CHANNEL, S_DOMAIN, S_SVID };
static const struct config_field service_fields[] = {
	[S_LISTEN] = SERVICE(listen, "listen", config_read_listen, 0),
	[S_URL] = SERVICE(url, "url", read_url, .is_required = true),
	[S_CHANNEL] = SERVICE(
	    channel, "channelBinding", config_read_choice, .choices = channels),
	[S_DOMAIN] = SERVICE(trust_domain, "trustDomain", read_domain, 0),
	[S_SVID] =
	    SERVICE(gives_jwt_svids, "jwtSvid", read_switch, .choices = off_on),
	SERVICE(tls, "tls", config_read_tls, 0),
	SERVICE(issuer, "issuer", config_read_text, .is_required = true),
	SERVICE(keys, "keys", config_read_text, .is_required = true),
	SERVICE(secret, "secret", config_read_text, .is_required = true),
	SERVICE(token_lifetime_s, "tokenLifetime", read_lifetime, 0),
	SERVICE(documents.keys, "documentKeys", config_read_text, 0),
	SERVICE(documents, "documents", config_read_documents, 0),
};

static const struct config_choice on_off[] = { { "on", 0, false },
	{ "off", 1, false }, { 0 } };

#define ADMIN(member, key, reader, ...)                                        \
	CONFIG_FIELD(struct config_admin, member, key, reader, __VA_ARGS__)
enum { A_LISTEN, A_CLIENTS, A_TOKENS };
static const struct config_field admin_fields[] = {
	[A_LISTEN] = ADMIN(listen, "listen", config_read_listen, 0),
	[A_CLIENTS] = ADMIN(
	    client_certificates, "clientCertificates", config_read_text, 0),
	[A_TOKENS] = ADMIN(no_tokens, "tokens", read_switch, .choices = on_off),
	ADMIN(tls, "tls", config_read_tls, 0),
};

/* Secrets and tokens do not cross a network in the clear. */
static void
check_listen(struct config_reader *r, struct str listen,
    const struct config_tls *tls, struct span at)
{
	struct listen_address to;

	if (tls->key.n || !listen_parse(listen, &to, NULL) || to.is_unix ||
	    net_is_loopback(&to.addr))
		return;
	error_hint(config_fail(r, ERR_CONFIG_VALUE, at,
		       "`%.*s` without `tls`: plain HTTP only on loopback or a "
		       "Unix socket",
		       STR_ARG(listen)),
	    "add `tls: {certificate: FILE, key: FILE}`");
}

void
config_read_service(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct config *c = to;
	struct config_service *s = &c->service;
	struct config_seen seen;

	(void)f;
	s->is_given = true;
	s->at = value->at;
	s->listen = STR("127.0.0.1:8443");
	if (!config_read_map(
		r, value, service_fields, ARRAY_LEN(service_fields), s, &seen))
		return;
	if (s->token_lifetime_s == CONFIG_LEASE_NOT_GIVEN)
		s->token_lifetime_s = TOKEN_LIFETIME_S;
	config_check_documents(r, s);
	check_listen(r, s->listen, &s->tls,
	    seen.at[S_LISTEN].line ? seen.at[S_LISTEN] : s->at);
	if (s->gives_jwt_svids && !s->trust_domain.n)
		config_fail(r, ERR_CONFIG_VALUE, seen.at[S_SVID],
		    "`jwtSvid: on` needs `trustDomain`: a JWT-SVID names a "
		    "SPIFFE id");
	if (s->gives_jwt_svids)
		config_warn(r, seen.at[S_SVID],
		    "`jwtSvid: on`: whoever holds a copy of a JWT-SVID is "
		    "taken for its subject, for five minutes");
	if (s->channel != CONFIG_CHANNEL_OFF && !s->tls.key.n)
		config_fail(r, ERR_CONFIG_VALUE, seen.at[S_CHANNEL],
		    "`channelBinding: tls-exporter` needs `tls`: it binds "
		    "proofs to a TLS connection that ends here");
	if (s->tls.key.n && str_has_prefix(s->url, STR("http:")))
		config_fail(r, ERR_CONFIG_VALUE, seen.at[S_URL],
		    "with `tls` the url begins with `https:`");
}

void
config_read_admin(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct config *c = to;
	struct config_admin *a = &c->admin;
	struct config_seen seen;

	(void)f;
	a->is_given = true;
	a->at = value->at;
	a->listen = STR("127.0.0.1:8444");
	if (!config_read_map(
		r, value, admin_fields, ARRAY_LEN(admin_fields), a, &seen))
		return;
	check_listen(r, a->listen, &a->tls,
	    seen.at[A_LISTEN].line ? seen.at[A_LISTEN] : a->at);
	if (a->client_certificates.n && !a->tls.key.n)
		config_fail(r, ERR_CONFIG_VALUE, seen.at[A_CLIENTS],
		    "`clientCertificates` needs `tls`");
	if (a->no_tokens && !a->client_certificates.n)
		config_fail(r, ERR_CONFIG_VALUE, seen.at[A_TOKENS],
		    "with `tokens: off` and no `clientCertificates` nobody "
		    "gets in");
}

void
config_check_service(struct config_reader *r, struct config *c)
{
	if (!c->service.is_given) {
		if (c->admin.is_given)
			config_fail(r, ERR_CONFIG_KEY, c->admin.at,
			    "`admin` stands beside `service`, the token "
			    "service, alone");
		return;
	}
	if (!c->store.n)
		config_fail(r, ERR_CONFIG_KEY, c->service.at,
		    "`service` needs `store`, where accounts are kept");
	if (c->admin.is_given && str_eq(c->admin.listen, c->service.listen))
		config_fail(r, ERR_CONFIG_VALUE, c->admin.at,
		    "`admin` has a listener of its own: another address than "
		    "the service's");
}
