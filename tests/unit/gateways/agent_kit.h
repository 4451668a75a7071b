/* agent_kit.h - an agent without sockets: a token service in this process, a
 * clock that stands, documents made here. One account, `web-1`, which has an
 * enrolment secret and no key yet. */
#ifndef TESTS_AGENT_KIT_H
#define TESTS_AGENT_KIT_H

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/file.h"
#include "base/log.h"
#include "gateways/agent_metadata.h"
#include "gateways/service_private.h"
#include "tests/lib/kit.h"
#include "tests/lib/run.h"

struct agent_kit {
	struct arena *a;
	const char *dir;
	int64_t now_ms;
	struct clock clock;
	struct config sts_config;
	struct store *store;
	struct service *sts;
	struct service_listener front;
	struct sts_actor boss;
	bool is_away; /* the service cannot be reached */
	atomic_bool gives_up;
	unsigned n_sent;
	struct attest_key *issuer;
	struct agent_config config;
	struct agent_file files[4];
	struct str token_audience[1];
	struct agent_core *core;
	struct agent_metadata_service *metadata;
	struct http_response r; /* the last answer */
	char reason[64];
	bool is_unix; /* who asks comes to a Unix socket, as this user */
	uint32_t uid;
};

static inline const char *
agent_kit_path(struct agent_kit *k, const char *name)
{
	return str_printf(k->a, "%s/%s", k->dir, name).p;
}

static inline void
agent_kit_put(struct agent_kit *k, const char *name, struct str text)
{
	struct error err = { 0 };

	ck_assert_msg(
	    file_replace(agent_kit_path(k, name), 0600, text, &err), "%s",
	    err.msg);
}

/* ---- the service --------------------------------------------------------- */

static inline bool
agent_kit_send(void *ctx, struct arena *a, const struct client_request *q,
    struct client_response *ret, struct error *reterr)
{
	struct agent_kit *k = ctx;
	struct http_header headers[4] = { { STR("Content-Type"),
		str_of(q->content_type ? q->content_type : "") } };
	struct http_request in = { .method = str_of(q->method),
		.target = q->path,
		.path = q->path,
		.headers = headers,
		.n_headers = 1,
		.body = q->body,
		.arena = arena_new(0) };
	struct http_response out = { 0 };

	k->n_sent++;
	if (k->is_away || !in.arena) {
		arena_free(in.arena);
		return error_set(reterr, ERR_DATA_MISSING, SPAN_NONE,
		    "the service is away");
	}
	for (size_t i = 0; i < q->n_headers; i++)
		headers[in.n_headers++] = (struct http_header){
			str_of(q->headers[i].name), q->headers[i].value
		};
	service_handle(&k->front, &in, &out);
	*ret = (struct client_response){ .status = out.status,
		.body = str_dup(a, buf_str(&out.body)) };
	for (size_t i = 0; i < out.n_headers; i++)
		if (http_name_eq(out.headers[i].name, "DPoP-Nonce"))
			ret->dpop_nonce = str_dup(a, out.headers[i].value);
	buf_free(&out.body);
	arena_free(in.arena);
	return ret->body.p || error_nomem(reterr);
}

static inline bool
agent_kit_channel(void *ctx, uint8_t ret[CLIENT_CHANNEL_BYTES])
{
	(void)ctx;
	(void)ret;
	return false;
}

static inline void
agent_kit_account(struct agent_kit *k, const struct sts_actor *by,
    const struct sts_new_account *what)
{
	struct sts_account account;
	struct error err = { 0 };
	bool created;

	ck_assert_msg(sts_account_create(
			  k->sts->sts, k->a, by, what, &account, &created,
			  &err),
	    "%s", err.msg);
}

/* The controller `boss`, whose key is the issuer's. */
static inline void
agent_kit_boss(struct agent_kit *k)
{
	const struct sts_actor admin = { .rank = STS_ADMIN,
		.account = STR("root") };
	const struct sts_new_account boss = { .id = STR("boss"),
		.kind = STS_CONTROLLER,
		.prefix = STR("web-") };
	struct sts_next next = { .how = STS_OPEN_KEY };
	struct sts_opened opened;
	struct error err = { 0 };
	struct buf spki = { 0 };

	agent_kit_account(k, &admin, &boss);
	ck_assert(prove_key_spki(k->issuer, &spki, &err));
	next.spki = buf_str(&spki);
	ck_assert_msg(sts_open_next(k->sts->sts, k->a, &admin, STR("boss"),
			  &next, &opened, &err),
	    "%s", err.msg);
	buf_free(&spki);
	k->boss = (struct sts_actor){ STS_ACCOUNT, STR("boss"),
		opened.account.incarnation };
}

/* A secret that enrols web-1, where the agent looks. */
static inline void
agent_kit_secret(struct agent_kit *k)
{
	const struct sts_next next = { .how = STS_OPEN_SECRET, .move = true };
	struct sts_opened opened;
	struct error err = { 0 };
	struct buf text = { 0 };

	ck_assert_msg(sts_open_next(k->sts->sts, k->a, &k->boss, STR("web-1"),
			  &next, &opened, &err),
	    "%s", err.msg);
	base64_encode(&text, BASE64_URL,
	    (struct str){ (const char *)opened.secret, sizeof opened.secret });
	agent_kit_put(k, "enrol.secret", buf_str(&text));
	buf_free(&text);
}

static inline void
agent_kit_service(struct agent_kit *k, bool gives_svids)
{
	const struct sts_new_account web_1 = { .id = STR("web-1"),
		.kind = STS_INSTANCE };
	struct error err = { 0 };
	struct str file;
	const char *keys = agent_kit_path(k, "sts-keys");
	const char *master = agent_kit_path(k, "sts-secret");

	ck_assert(sts_secret_create(master, (struct prove_random){ 0 }, &err));
	ck_assert(token_ring_rotate(k->a, keys, KEY_P256, k->now_ms / 1000, 0,
	    true, &file, &err));
	k->sts_config = (struct config){ .store = STR("sqlite::memory:"),
		.service = { .is_given = true,
		    .url = STR("https://sts.example"),
		    .issuer = STR("acme"),
		    .keys = str_of(keys),
		    .secret = str_of(master),
		    .token_lifetime_s = 300,
		    .gives_jwt_svids = gives_svids } };
	if (gives_svids)
		k->sts_config.service.trust_domain = STR("acme.example");
	k->store = store_open_at(k->sts_config.store, &k->clock, &err);
	k->sts = service_new(&k->sts_config, &k->clock, k->store, &err);
	ck_assert_msg(k->sts && service_keys_open(k->sts, &err), "%s", err.msg);
	k->front.service = k->sts;
	agent_kit_boss(k);
	agent_kit_account(k, &k->boss, &web_1);
	agent_kit_secret(k);
}

/* ---- documents ----------------------------------------------------------- */

#define AGENT_KIT_CLAIMS \
	"{\"imageId\":\"img-12\",\"privateIp\":\"10.0.0.5\"," \
	"\"region\":\"north\",\"custom\":{\"hostname\":\"web-1.acme\"}}"

/* Signed, and where the agent looks. */
static inline void
agent_kit_bound(struct agent_kit *k, const char *subject, const char *claims,
    int64_t life_s, const char *jkt)
{
	struct attest_issue what = { .issuer = STR("acme"),
		.subject = str_of(subject),
		.cnf_jkt = str_of(jkt),
		.issued_at = k->now_ms / 1000,
		.not_before = k->now_ms / 1000,
		.expires_at = k->now_ms / 1000 + life_s };
	struct buf document = { 0 }, raw = { 0 }, text = { 0 };
	struct error err = { 0 };
	json_t *j = NULL;

	ck_assert(json_parse(
	    str_of(claims), "claims", 1u << 16, 8, JSON_NO_NUL, &j, &err));
	what.claims = j;
	ck_assert_msg(attest_issue(k->issuer, &what, &document, &raw, &err),
	    "%s", err.msg);
	base64_encode(&text, BASE64_STANDARD, buf_str(&raw));
	(void)mkdir(agent_kit_path(k, "documents"), 0700);
	agent_kit_put(k, "documents/document.json", buf_str(&document));
	agent_kit_put(k, "documents/document.sig", buf_str(&text));
	json_decref(j);
	buf_free(&document);
	buf_free(&raw);
	buf_free(&text);
}

/* As CMS, where the agent looks for that. */
static inline void
agent_kit_cms(struct agent_kit *k, const char *subject, int64_t life_s)
{
	struct attest_issue what = { .form = ATTEST_CMS,
		.issuer = STR("acme"),
		.subject = str_of(subject),
		.issued_at = k->now_ms / 1000,
		.not_before = k->now_ms / 1000,
		.expires_at = k->now_ms / 1000 + life_s,
		.claims = json_object() };
	struct buf document = { 0 }, none = { 0 };
	struct error err = { 0 };

	ck_assert_msg(attest_issue(k->issuer, &what, &document, &none, &err),
	    "%s", err.msg);
	ck_assert_uint_eq(none.n, 0);
	(void)mkdir(agent_kit_path(k, "documents"), 0700);
	agent_kit_put(k, "documents/document.p7m", buf_str(&document));
	json_decref((json_t *)(uintptr_t)what.claims);
	buf_free(&document);
	buf_free(&none);
}

static inline void
agent_kit_document(
    struct agent_kit *k, const char *subject, const char *claims, int64_t life_s)
{
	agent_kit_bound(k, subject, claims, life_s, NULL);
}

/* ---- the agent ----------------------------------------------------------- */

static inline bool
agent_kit_open(struct agent_kit *k, struct error *reterr)
{
	const struct agent_core_options o = { .config = &k->config,
		.clock = &k->clock,
		.service = { agent_kit_send, agent_kit_channel, k },
		.gives_up = &k->gives_up };

	k->core = agent_core_open(&o, reterr);
	k->metadata =
	    k->core ? agent_metadata_new(
			  k->core, (struct prove_random){ 0 }, reterr)
		    : NULL;
	return k->metadata != NULL;
}

static inline void
agent_kit_close(struct agent_kit *k)
{
	agent_metadata_free(k->metadata);
	agent_core_close(k->core);
	k->metadata = NULL;
	k->core = NULL;
}

/* `gives_svids`: the service has a trust domain and gives bearers. */
static inline void
agent_kit_init_at(struct agent_kit *k, bool gives_svids)
{
	static char folder[64];
	const char *key;
	struct error err = { 0 };

	*k = (struct agent_kit){ .now_ms = KIT_NOON * 1000ll };
	log_threshold(LOG_ERROR);
	k->a = arena_new(0);
	(void)snprintf(folder, sizeof folder, "k%d-%lld", (int)getpid(),
	    (long long)clock_mono_ns());
	k->dir = str_printf(k->a, "%s/%s", test_folder(), folder).p;
	ck_assert_int_eq(mkdir(k->dir, 0700), 0);
	k->clock = clock_fixed(&k->now_ms);
	key = agent_kit_path(k, "issuer.key.pem");
	ck_assert(attest_key_create(KEY_P256, key, &err));
	k->issuer = attest_key_open(key, &err);
	agent_kit_service(k, gives_svids);
	struct buf pem = { 0 };
	ck_assert(attest_key_public_pem(key, &pem, &err));
	agent_kit_put(k, "issuer.pem", buf_str(&pem));
	buf_free(&pem);
	k->token_audience[0] = STR("updates");
	k->files[0] = (struct agent_file){ .kind = AGENT_FILE_TOKEN,
		.path = str_of(agent_kit_path(k, "token")),
		.audience = STR("updates"),
		.mode = 0600 };
	k->files[1] = (struct agent_file){ .kind = AGENT_FILE_PACK,
		.path = str_of(agent_kit_path(k, "pack")),
		.mode = 0640 };
	k->config = (struct agent_config){ .instance = STR("web-1"),
		.state = str_of(agent_kit_path(k, "state")),
		.service = { .url = STR("https://sts.example") },
		.enrolment = str_of(agent_kit_path(k, "enrol.secret")),
		.key_type = KEY_P256,
		.tokens = { k->token_audience, 1 },
		.documents = { .is_given = true,
		    .keys = str_of(agent_kit_path(k, "issuer.pem")),
		    .issuer = STR("acme"),
		    .folder = str_of(agent_kit_path(k, "documents")) },
		.metadata = { .listen = STR("127.0.0.1:8254") },
		.files = k->files,
		.n_files = 2 };
}

static inline void
agent_kit_init(struct agent_kit *k)
{
	agent_kit_init_at(k, false);
}

static inline void
agent_kit_fini(struct agent_kit *k)
{
	agent_kit_close(k);
	buf_free(&k->r.body);
	attest_key_free(k->issuer);
	service_stop(k->sts, 0);
	store_close(k->store);
	arena_free(k->a);
}

/* One request; the status. `headers`: pairs, ended by NULL. */
static inline unsigned
agent_kit_ask(struct agent_kit *k, const char *method, const char *target,
    const char *const *headers)
{
	struct http_header all[9] = { { STR("Host"), STR("127.0.0.1:8254") } };
	struct http_request q = { .method = str_of(method),
		.target = str_of(target),
		.headers = all,
		.n_headers = 1,
		.peer_is_unix = k->is_unix,
		.peer_user = k->uid,
		.arena = arena_new(0) };
	size_t cut = str_find(q.target, '?', 0);

	for (size_t i = 0; headers && headers[i]; i += 2) {
		if (strcmp(headers[i], "Host") == 0)
			all[0].value = str_of(headers[i + 1]);
		else
			all[q.n_headers++] = (struct http_header){
				str_of(headers[i]), str_of(headers[i + 1])
			};
	}
	if (!q.arena)
		return 0; /* as the server itself would have none */
	q.path = str_sub(q.target, 0, cut);
	q.query = str_sub(q.target, cut + 1, q.target.n);
	buf_free(&k->r.body);
	k->r = (struct http_response){ 0 };
	agent_metadata_handle(k->metadata, &q, &k->r);
	k->reason[0] = '\0';
	for (size_t i = 0; i < k->r.n_headers; i++)
		if (http_name_eq(k->r.headers[i].name, "X-Avow-Reason"))
			(void)snprintf(k->reason, sizeof k->reason, "%.*s",
			    STR_ARG(k->r.headers[i].value));
	arena_free(q.arena);
	return k->r.status;
}

/* A session token, in the kit's arena; NULL when it was refused. */
static inline const char *
agent_kit_session(struct agent_kit *k, const char *ttl)
{
	const char *const headers[] = { "X-aws-ec2-metadata-token-ttl-seconds",
		ttl, NULL };

	return agent_kit_ask(k, "PUT", "/latest/api/token", headers) == 200
		   ? str_dup(k->a, buf_str(&k->r.body)).p
		   : NULL;
}

static inline unsigned
agent_kit_get(struct agent_kit *k, const char *session, const char *target)
{
	const char *const headers[] = { "X-aws-ec2-metadata-token", session,
		NULL };

	return agent_kit_ask(k, "GET", target, headers);
}

#endif
