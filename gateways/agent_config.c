/* agent_config.c - tables of keys, then what must hold between them. */
#include "gateways/agent_config.h"

#include "gateways/agent_config_private.h"

#include "base/file.h"
#include "base/limits.h"
#include "gateways/config_read.h"
#include "gateways/listen.h"

bool
agent_config_is_url(struct str s)
{
	size_t scheme = str_has_prefix(s, STR("https://"))  ? 8
			: str_has_prefix(s, STR("http://")) ? 7
							    : 0;

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7f ||
		    strchr("?#%@\\\"<>", s.p[i]))
			return false;
	return scheme > 0 && s.n > scheme && s.p[scheme] != '/' && s.n <= 512;
}

static void
read_url(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct str s = config_text(r, value), *url = to;

	*url = s;
	if (s.n && !agent_config_is_url(s) && !str_has_prefix(s, STR("unix:/")))
		config_fail(r, ERR_CONFIG_VALUE, value->at,
		    "`%s`: expected `https://HOST[:PORT]`, found `%.*s`",
		    f->name, STR_ARG(s));
}

void
agent_config_read_id(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct str s = config_text(r, value), *id = to;

	*id = s;
	if (s.n && !attest_instance_id_is_valid(s))
		config_fail(r, ERR_CONFIG_VALUE, value->at,
		    "`%s`: an id is [A-Za-z0-9][A-Za-z0-9._-]*, at most 128 "
		    "characters; found `%.*s`",
		    f->name, STR_ARG(s));
}

void
agent_config_read_some(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct config_strings *list = to;

	config_read_strings(r, f, value, to);
	if (list->n > LIMIT_AGENT_LIST)
		config_fail(r, ERR_LIMIT_COUNT, value->at,
		    "`%s` has at most %u members", f->name, LIMIT_AGENT_LIST);
	for (size_t i = 0; i < list->n; i++)
		if (list->items[i].n > LIMIT_AUDIENCE_BYTES)
			config_fail(r, ERR_LIMIT_SIZE, value->items[i].at,
			    "at most %u bytes", LIMIT_AUDIENCE_BYTES);
}

/* ---- the service --------------------------------------------------------- */

#define SERVER_FIELDS(type, member)                                            \
	CONFIG_FIELD(type, member.url, "url", read_url, .is_required = true),  \
	    CONFIG_FIELD(type, member.ca, "ca", config_read_text, 0),          \
	    CONFIG_FIELD(type, member.pin, "pin", config_read_text, 0),        \
	    CONFIG_FIELD(type, member.subject, "subject", config_read_text, 0)

static void
check_server(
    struct config_reader *r, const struct agent_server *s, struct span at)
{
	if (s->pin.n && s->subject.n)
		config_fail(
		    r, ERR_CONFIG_VALUE, at, "`pin` or `subject`, not both");
}

struct service {
	struct agent_server server;
};
static const struct config_field service_fields[] = { SERVER_FIELDS(
    struct service, server) };

static void
read_service(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct config_seen seen;
	struct service *s = to;

	(void)f;
	if (!config_read_map(
		r, value, service_fields, ARRAY_LEN(service_fields), s, &seen))
		return;
	check_server(r, &s->server, value->at);
	if (str_has_suffix(s->server.url, STR("/")))
		config_fail(r, ERR_CONFIG_VALUE, seen.at[0],
		    "`url` has no `/` at its end: it is signed as it stands");
}

/* ---- documents ----------------------------------------------------------- */

#define DOCUMENTS(member, key, reader, ...)                                    \
	CONFIG_FIELD(struct agent_documents, member, key, reader, __VA_ARGS__)
static const struct config_choice document_forms[] = {
	{ "detached", ATTEST_DETACHED, false },
	{ "embedded", ATTEST_EMBEDDED, false }, { "jws", ATTEST_JWS, false },
	{ "cms", ATTEST_CMS, false }, { 0 }
};
enum { D_FOLDER, D_CLAIMS };
static const struct config_choice cms_choices[] = { { "off", 0, false },
	{ "on", 1, false }, { 0 } };
static const struct config_field document_fields[] = {
	[D_FOLDER] = DOCUMENTS(folder, "folder", config_read_text, 0),
	[D_CLAIMS] = DOCUMENTS(claims, "claims", agent_config_read_some, 0),
	DOCUMENTS(audience, "audience", agent_config_read_some, 0),
	DOCUMENTS(profile, "profile", config_read_text, 0),
	DOCUMENTS(form, "form", config_read_choice, .choices = document_forms),
	DOCUMENTS(has_cms, "cms", config_read_choice, .choices = cms_choices),
	DOCUMENTS(keys, "keys", config_read_text, .is_required = true),
	DOCUMENTS(issuer, "issuer", config_read_text, .is_required = true),
};

static void
read_documents(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct agent_documents *d = to;
	struct config_seen seen;

	(void)f;
	d->is_given = true;
	d->at = value->at;
	if (!config_read_map(r, value, document_fields,
		ARRAY_LEN(document_fields), d, &seen))
		return;
	if (d->folder.n && (d->claims.n || d->audience.n || d->profile.n))
		config_fail(r, ERR_CONFIG_KEY, seen.at[D_FOLDER],
		    "`folder` has documents that others put there; "
		    "`audience`, `claims` and `profile` are what the service "
		    "is asked for");
	if (!d->folder.n && !d->audience.n)
		config_fail(r, ERR_CONFIG_KEY, d->at,
		    "`folder` is missing here, or `audience`");
	if (d->claims.n && d->profile.n)
		config_fail(r, ERR_CONFIG_KEY, seen.at[D_CLAIMS],
		    "`claims` or `profile`, not both");
}

/* ---- the metadata service ------------------------------------------------ */

static const struct config_choice v1_choices[] = { { "off", 0, false },
	{ "on", 1, false }, { 0 } };
static const struct config_choice reaches[] = { { "loopback", 0, false },
	{ "any", 1, false }, { 0 } };

#define METADATA(member, key, reader, ...)                                     \
	CONFIG_FIELD(struct agent_metadata, member, key, reader, __VA_ARGS__)
static const struct config_field metadata_fields[] = {
	METADATA(listen, "listen", config_read_listen, 0),
	METADATA(hosts, "hosts", agent_config_read_some, 0),
	METADATA(allows_v1, "v1", config_read_choice, .choices = v1_choices),
	METADATA(is_exposed, "reach", config_read_choice, .choices = reaches),
};

static bool
is_local(struct str listen)
{
	struct listen_address at;

	return !listen_parse(listen, &at, NULL) || at.is_unix ||
	       net_is_loopback(&at.addr);
}

static void
read_metadata(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct agent_metadata *m = to;
	struct config_seen seen;

	(void)f;
	if (!config_read_map(r, value, metadata_fields,
		ARRAY_LEN(metadata_fields), m, &seen) ||
	    is_local(m->listen) || m->is_exposed)
		return;
	error_hint(config_fail(r, ERR_CONFIG_VALUE, seen.at[0],
		       "`%.*s` is no loopback address: who can reach it gets "
		       "what this machine shows",
		       STR_ARG(m->listen)),
	    "write `reach: any` beside it if that is meant");
}

/* ---- files --------------------------------------------------------------- */

static const struct config_choice file_kinds[] = {
	{ "apt", AGENT_FILE_APT, false },
	{ "dnf", AGENT_FILE_DNF, false },
	{ "token", AGENT_FILE_TOKEN, false },
	{ "document", AGENT_FILE_DOCUMENT, false },
	{ "signature", AGENT_FILE_SIGNATURE, false },
	{ "pack", AGENT_FILE_PACK, false },
	{ "jwt-svid", AGENT_FILE_JWT_SVID, false },
	{ "wit-svid", AGENT_FILE_WIT_SVID, false },
	{ "keys", AGENT_FILE_KEYS, false },
	{ "bundle", AGENT_FILE_BUNDLE, false },
	{ 0 },
};
static const struct config_choice forms[] = {
	{ "plain", AGENT_FORM_PLAIN, false },
	{ "header", AGENT_FORM_HEADER, false },
	{ "curl", AGENT_FORM_CURL, false },
	{ "nginx", AGENT_FORM_NGINX, false },
	{ 0 },
};

/* What a kind goes with. */
static const struct {
	bool audience, repositories, form, document;
} file_has[] = {
	[AGENT_FILE_APT] = { .repositories = true, .document = true },
	[AGENT_FILE_DNF] = { .document = true },
	[AGENT_FILE_TOKEN] = { .audience = true },
	[AGENT_FILE_DOCUMENT] = { .document = true },
	[AGENT_FILE_SIGNATURE] = { .document = true },
	[AGENT_FILE_PACK] = { .form = true, .document = true },
	[AGENT_FILE_JWT_SVID] = { .audience = true, .form = true },
	[AGENT_FILE_WIT_SVID] = { 0 },
	[AGENT_FILE_KEYS] = { 0 },
	[AGENT_FILE_BUNDLE] = { 0 },
};

/* A program and its arguments, as they are: no shell looks at them. */
static void
read_command(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct config_strings *list = to;
	struct str *items =
	    config_list(r, f, value, YAML_LIST, sizeof *items, &list->n);

	if (list->n > LIMIT_AGENT_LIST) {
		config_fail(r, ERR_LIMIT_COUNT, value->at,
		    "`run` has at most %u members", LIMIT_AGENT_LIST);
		list->n = LIMIT_AGENT_LIST;
	}
	for (size_t i = 0; i < list->n; i++)
		items[i] = config_text(r, &value->items[i]);
	list->items = items;
	if (list->n && items[0].n && items[0].p[0] != '/')
		config_fail(r, ERR_CONFIG_VALUE, value->items[0].at,
		    "a program's path begins with `/`, not as `%.*s`",
		    STR_ARG(items[0]));
}

/* Octal, as chmod has it: for us to write, for others at most to read. */
static void
read_mode(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct str s = config_text(r, value);
	unsigned mode = 0;
	bool ok = s.n == 4 && s.p[0] == '0';

	(void)f;
	for (size_t i = 0; ok && i < s.n; i++) {
		ok = s.p[i] >= '0' && s.p[i] <= '7';
		mode = mode * 8 + (unsigned)(s.p[i] - '0');
	}
	if (s.n && (!ok || (mode & 0600) != 0600 || (mode & ~0644u)))
		config_fail(r, ERR_CONFIG_VALUE, value->at,
		    "`mode` is \"0600\", \"0640\", \"0604\" or \"0644\", not "
		    "`%.*s`",
		    STR_ARG(s));
	memcpy(to, &mode, sizeof mode);
}

static void
read_repositories(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct config_strings *list = to;

	agent_config_read_some(r, f, value, to);
	for (size_t i = 0; i < list->n; i++)
		if (list->items[i].n && !agent_config_is_url(list->items[i]))
			config_fail(r, ERR_CONFIG_VALUE, value->items[i].at,
			    "expected the address of a repository, "
			    "`https://HOST/PATH`, found `%.*s`",
			    STR_ARG(list->items[i]));
}

#define FILE_FIELD(member, key, reader, ...)                                   \
	CONFIG_FIELD(struct agent_file, member, key, reader, __VA_ARGS__)
static const struct config_field file_fields[] = {
	FILE_FIELD(kind, "kind", config_read_choice, .is_required = true,
	    .choices = file_kinds),
	FILE_FIELD(path, "path", config_read_text, .is_required = true),
	FILE_FIELD(audience, "audience", config_read_text, 0),
	FILE_FIELD(repositories, "repositories", read_repositories, 0),
	FILE_FIELD(mode, "mode", read_mode, 0),
	FILE_FIELD(form, "form", config_read_choice, .choices = forms),
	FILE_FIELD(run, "run", read_command, 0),
};

static void
check_file(struct config_reader *r, const struct agent_file *file)
{
	if (file_has[file->kind].audience != (file->audience.n > 0))
		config_fail(r, ERR_CONFIG_KEY, file->at,
		    "`audience` goes with `kind: token` and `kind: jwt-svid`, "
		    "and they with it");
	if (file_has[file->kind].repositories != (file->repositories.n > 0))
		config_fail(r, ERR_CONFIG_KEY, file->at,
		    "`repositories` goes with `kind: apt`, and that with it");
	if (file->form != AGENT_FORM_PLAIN && !file_has[file->kind].form)
		config_fail(r, ERR_CONFIG_KEY, file->at,
		    "`form` is for what can be shown without a proof: "
		    "`kind: jwt-svid` and `kind: pack`");
	if (file->path.n && file->path.p[0] != '/')
		config_fail(
		    r, ERR_CONFIG_VALUE, file->at, "`path` begins with `/`");
}

static void
read_file(
    struct config_reader *r, const struct yaml *value, struct agent_file *file)
{
	struct config_seen seen;

	file->at = value->at;
	file->mode = 0600;
	if (!config_read_map(
		r, value, file_fields, ARRAY_LEN(file_fields), file, &seen))
		return;
	if (file->kind != AGENT_FILE_NONE)
		check_file(r, file);
}

static void
read_files(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct agent_config *c = to;
	struct agent_file *files =
	    config_list(r, f, value, YAML_LIST, sizeof *files, &c->n_files);

	if (c->n_files > LIMIT_AGENT_LIST) {
		config_fail(r, ERR_LIMIT_COUNT, value->at,
		    "`files` has at most %u members", LIMIT_AGENT_LIST);
		c->n_files = LIMIT_AGENT_LIST;
	}
	for (size_t i = 0; i < c->n_files; i++)
		read_file(r, &value->items[i], &files[i]);
	c->files = files;
}

/* ---- the proxy ----------------------------------------------------------- */

static const struct config_choice shows[] = { { "token", AGENT_SHOW_TOKEN,
						  false },
	{ "pack", AGENT_SHOW_PACK, false }, { 0 } };

#define UPSTREAM(member, key, reader, ...)                                     \
	CONFIG_FIELD(struct agent_upstream, member, key, reader, __VA_ARGS__)
static const struct config_field upstream_fields[] = {
	UPSTREAM(prefix, "prefix", config_read_text, .is_required = true),
	UPSTREAM(show, "show", config_read_choice, .choices = shows),
	UPSTREAM(audience, "audience", config_read_text, 0),
	SERVER_FIELDS(struct agent_upstream, to),
};

/* Whole segments of letters, digits and `._~+-`: nothing to decode. */
static bool
is_prefix(struct str s)
{
	static const char also[] = "/._~+-";

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		bool is_plain = (c >= 'a' && c <= 'z') ||
				(c >= 'A' && c <= 'Z') ||
				(c >= '0' && c <= '9') || strchr(also, c);

		if (!is_plain || (i && c == '/' && s.p[i - 1] == '/') ||
		    (i && c == '.' && s.p[i - 1] == '/'))
			return false;
	}
	return s.n > 0 && s.p[0] == '/' && s.p[s.n - 1] == '/';
}

static void
read_upstream(
    struct config_reader *r, const struct yaml *value, struct agent_upstream *u)
{
	struct config_seen seen;

	u->at = value->at;
	if (!config_read_map(r, value, upstream_fields,
		ARRAY_LEN(upstream_fields), u, &seen))
		return;
	check_server(r, &u->to, u->at);
	if (u->prefix.n && !is_prefix(u->prefix))
		config_fail(r, ERR_CONFIG_VALUE, u->at,
		    "`prefix` begins and ends with `/` and needs no decoding");
	if (u->to.url.n && (!agent_config_is_url(u->to.url) ||
			       !str_has_suffix(u->to.url, STR("/"))))
		config_fail(r, ERR_CONFIG_VALUE, u->at,
		    "an upstream's `url` is `https://HOST/PATH/`, with a `/` "
		    "at its end");
	/* As a client has it. */
	if (!r->failed)
		u->to.url =
		    str_dup(r->a, str_sub(u->to.url, 0, u->to.url.n - 1));
	if (!u->to.url.p)
		config_fail_memory(r);
	if ((u->show == AGENT_SHOW_TOKEN) != (u->audience.n > 0))
		config_fail(r, ERR_CONFIG_KEY, u->at,
		    "`audience` is the token's that is shown: it goes with "
		    "`show: token`, and that with it");
}

struct proxy {
	struct str listen;
	const struct agent_upstream *upstreams;
	size_t n;
};

static void
read_upstreams(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct proxy *p = to;
	struct agent_upstream *list =
	    config_list(r, f, value, YAML_LIST, sizeof *list, &p->n);

	if (p->n > LIMIT_AGENT_LIST) {
		config_fail(r, ERR_LIMIT_COUNT, value->at,
		    "`upstreams` has at most %u members", LIMIT_AGENT_LIST);
		p->n = LIMIT_AGENT_LIST;
	}
	for (size_t i = 0; i < p->n; i++)
		read_upstream(r, &value->items[i], &list[i]);
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < i; k++)
			if (str_eq(list[i].prefix, list[k].prefix))
				config_fail(r, ERR_CONFIG_VALUE, list[i].at,
				    "the prefix `%.*s` stands twice",
				    STR_ARG(list[i].prefix));
	p->upstreams = list;
}

static const struct config_field proxy_fields[] = {
	CONFIG_FIELD(struct proxy, listen, "listen", config_read_listen, 0),
	{ .name = "upstreams", .read = read_upstreams, .is_required = true },
};

static void
read_proxy(struct config_reader *r, const struct config_field *f,
    const struct yaml *value, void *to)
{
	struct agent_config *c = to;
	struct proxy p = { .listen = STR("127.0.0.1:8255") };
	struct config_seen seen;

	(void)f;
	if (!config_read_map(
		r, value, proxy_fields, ARRAY_LEN(proxy_fields), &p, &seen))
		return;
	if (!is_local(p.listen))
		config_fail(r, ERR_CONFIG_VALUE, value->at,
		    "the proxy shows this machine's identity for whoever "
		    "reaches it: it listens on loopback or a Unix socket "
		    "alone");
	c->proxy_listen = p.listen;
	c->upstreams = p.upstreams;
	c->n_upstreams = p.n;
}

/* ---- the whole ----------------------------------------------------------- */

static const struct config_choice key_types[] = {
	{ "p256", KEY_P256, false },
	{ "ed25519", KEY_ED25519, false },
	{ "rsa2048", KEY_RSA2048, false },
	{ 0 },
};

#define TOP(member, key, reader, ...)                                          \
	CONFIG_FIELD(struct agent_config, member, key, reader, __VA_ARGS__)
#define WHOLE(key, reader)                                                     \
	{                                                                      \
		.name = key, .read = reader                                    \
	}
static const struct config_field top_fields[] = {
	TOP(instance, "instance", agent_config_read_id, .is_required = true),
	TOP(state, "state", config_read_text, .is_required = true),
	TOP(service, "service", read_service, .is_required = true),
	TOP(enrolment, "enrolment", config_read_text, 0),
	TOP(key_type, "key", config_read_choice, .choices = key_types),
	TOP(tokens, "tokens", agent_config_read_some, .is_required = true),
	TOP(documents, "documents", read_documents, 0),
	TOP(metadata, "metadata", read_metadata, 0),
	WHOLE("files", read_files),
	WHOLE("proxy", read_proxy),
	TOP(local, "local", agent_config_read_local, 0),
};

static bool
has_token(const struct agent_config *c, struct str audience)
{
	for (size_t i = 0; i < c->tokens.n; i++)
		if (str_eq(c->tokens.items[i], audience))
			return true;
	return false;
}

static void
needs_token(struct config_reader *r, const struct agent_config *c,
    struct str audience, struct span at)
{
	if (audience.n && !has_token(c, audience))
		config_fail(r, ERR_CONFIG_VALUE, at,
		    "`tokens` has none for the audience `%.*s`",
		    STR_ARG(audience));
}

static void
needs_document(struct config_reader *r, const struct agent_config *c,
    bool needed, struct span at)
{
	if (needed && !c->documents.is_given)
		config_fail(r, ERR_CONFIG_KEY, at,
		    "this needs `documents`, which is not there");
}

static void
check_whole(struct config_reader *r, const struct agent_config *c)
{
	for (size_t i = 0; i < c->n_files; i++) {
		const struct agent_file *f = &c->files[i];

		if (f->kind == AGENT_FILE_TOKEN)
			needs_token(r, c, f->audience, f->at);
		needs_document(r, c, file_has[f->kind].document, f->at);
		if (f->kind == AGENT_FILE_SIGNATURE &&
		    c->documents.form != ATTEST_DETACHED)
			config_fail(r, ERR_CONFIG_VALUE, f->at,
			    "documents of this `form` have their signature "
			    "inside");
		for (size_t k = 0; k < i; k++)
			if (str_eq(f->path, c->files[k].path))
				config_fail(r, ERR_CONFIG_VALUE, f->at,
				    "two files of one path");
	}
	for (size_t i = 0; i < c->n_upstreams; i++) {
		const struct agent_upstream *u = &c->upstreams[i];

		needs_token(r, c, u->audience, u->at);
		needs_document(r, c, u->show == AGENT_SHOW_PACK, u->at);
	}
}

const struct agent_config *
agent_config_parse(
    struct arena *a, const char *file, struct str text, struct errors *reterr)
{
	struct config_reader r = { .a = a, .errors = reterr };
	struct agent_config *c = ARENA_NEW(a, struct agent_config);
	struct config_seen seen;
	struct yaml root;

	if (!c) {
		config_fail_memory(&r);
		return NULL;
	}
	c->metadata.listen = STR("127.0.0.1:8254");
	c->key_type = KEY_P256;
	if (!yaml_parse(a, file, text, &root, reterr))
		return NULL;
	if (config_read_map(
		&r, &root, top_fields, ARRAY_LEN(top_fields), c, &seen))
		check_whole(&r, c);
	return r.failed ? NULL : c;
}

const struct agent_config *
agent_config_load(struct arena *a, const char *path, struct str *ret_text,
    struct errors *reterr)
{
	struct error err = { 0 };
	struct str text;

	if (!file_read(a, path, LIMIT_CONFIG_BYTES, &text, &err)) {
		errors_take(reterr, &err);
		return NULL;
	}
	*ret_text = text;
	return agent_config_parse(a, path, text, reterr);
}
