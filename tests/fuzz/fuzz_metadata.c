/* fuzz_metadata.c - requests to the metadata service: `METHOD TARGET` and a
 * newline, then header lines `Name: value`; a header named `S` has the value of
 * a good session. With a header named `U` it is a request at the socket for
 * local programs, by root if its value is `0`, else by a stranger; after an
 * empty line comes the body. Whatever comes in: an answer with a status of
 * ours, a reason where it refuses, nothing of the document for who may not ask,
 * no proof for an address that is not configured, and nobody proves himself who
 * has not the key. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/file.h"
#include "base/log.h"
#include "gateways/agent_local.h"
#include "gateways/agent_metadata.h"
#include "tests/fuzz/fuzz.h"

#define SESSION "X-aws-ec2-metadata-token"
#define SECRET_CLAIM "img-that-is-told-to-nobody"

static char folder[] = "/tmp/fuzz-metadata-XXXXXX";
static char state[64], keys[64];
static int64_t now_ms = 1772366400000;
static struct clock clock_own;
static struct agent_config config;
static struct str audience[] = { STR_INIT("updates") };
static struct agent_core *core;
static struct agent_metadata_service *service;
static struct agent_local_service *local;

#define URL "https://mirror.example/debian/"
static const struct str urls[] = { STR_INIT(URL) };
static struct agent_peer peer = { .account = STR_INIT("ann"),
	.url = STR_INIT("https://ann.example") };

static void
clean_up(void)
{
	char command[128];

	agent_local_free(local);
	agent_metadata_free(service);
	agent_core_close(core);
	snprintf(command, sizeof command, "rm -rf %s", folder);
	(void)!system(command);
}

static bool
away(void *ctx, struct arena *a, const struct client_request *q,
    struct client_response *ret, struct error *reterr)
{
	(void)ctx, (void)a, (void)q, (void)ret;
	return error_set(reterr, ERR_DATA_MISSING, SPAN_NONE, "away");
}

static bool
no_channel(void *ctx, uint8_t ret[CLIENT_CHANNEL_BYTES])
{
	(void)ctx, (void)ret;
	return false;
}

static void
put(const char *name, struct str text)
{
	char path[96];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	must(file_create(path, 0600, text, NULL));
}

/* A key, and a document by it that lasts as long as any run. */
static void
make_document(void)
{
	struct attest_issue what = { .issuer = STR("acme"),
		.subject = STR("web-1"),
		.issued_at = now_ms / 1000,
		.not_before = now_ms / 1000,
		.expires_at = now_ms / 1000 + 100000000 };
	struct buf document = { 0 }, raw = { 0 }, text = { 0 };
	struct attest_key *key;
	char path[96];
	json_t *claims =
	    json_pack("{s:s, s:s}", "imageId", SECRET_CLAIM, "region", "north");

	snprintf(path, sizeof path, "%s/issuer.key", folder);
	must(attest_key_create(KEY_P256, path, NULL));
	key = attest_key_open(path, NULL);
	what.claims = claims;
	must(key && attest_issue(key, &what, &document, &raw, NULL));
	base64_encode(&text, BASE64_STANDARD, buf_str(&raw));
	put("document.json", buf_str(&document));
	put("document.sig", buf_str(&text));
	buf_free(&text);
	must(attest_key_public_pem(path, &text, NULL));
	put("issuer.pem", buf_str(&text));
	buf_free(&document);
	buf_free(&raw);
	buf_free(&text);
	json_decref(claims);
	attest_key_free(key);
}

static void
start(void)
{
	struct agent_core_options o = { .config = &config,
		.clock = &clock_own,
		.service = { away, no_channel, NULL } };

	json_setup();
	log_threshold(LOG_ERROR);
	clock_own = clock_fixed(&now_ms);
	must(mkdtemp(folder) != NULL && atexit(clean_up) == 0);
	snprintf(state, sizeof state, "%s/state", folder);
	snprintf(keys, sizeof keys, "%s/issuer.pem", folder);
	make_document();
	config = (struct agent_config){ .instance = STR("web-1"),
		.state = str_of(state),
		.key_type = KEY_P256,
		.tokens = { audience, 1 },
		.service.url = STR("https://sts.example"),
		.documents = { .is_given = true,
		    .keys = str_of(keys),
		    .issuer = STR("acme"),
		    .folder = str_of(folder) },
		.metadata.listen = STR("127.0.0.1:8254"),
		.local = { .rate = 1000,
		    .urls = { urls, 1 },
		    .role = PROVE_INSTANCE,
		    .url = STR("https://web-1.example"),
		    .audience = STR("web"),
		    .peers = &peer,
		    .n_peers = 1 } };
	peer.key = str_of(keys);
	core = agent_core_open(&o, NULL);
	must(core != NULL);
	agent_core_run(core);
	service = agent_metadata_new(core, (struct prove_random){ 0 }, NULL);
	must(service != NULL);
	local = agent_local_new(
	    core, service, &clock_own, (struct prove_random){ 0 }, NULL);
	must(local != NULL);
}

static struct str
session(struct arena *a)
{
	static const struct http_header headers[] = {
		{ STR_INIT("Host"), STR_INIT("localhost") },
		{ STR_INIT(SESSION "-ttl-seconds"), STR_INIT("60") }
	};
	struct http_request q = { .method = STR("PUT"),
		.target = STR("/latest/api/token"),
		.path = STR("/latest/api/token"),
		.headers = headers,
		.n_headers = 2,
		.arena = a };
	struct http_response r = { 0 };
	struct str text;

	agent_metadata_handle(service, &q, &r);
	must(r.status == 200 && r.body.n == 43);
	text = str_dup(a, buf_str(&r.body));
	buf_free(&r.body);
	return text;
}

static struct str
cut_line(struct str *text)
{
	size_t end = str_find(*text, '\n', 0);
	struct str line = str_sub(*text, 0, end);

	*text = str_sub(*text, end + 1, text->n);
	return line;
}

static bool
has(struct str text, const char *what)
{
	return text.n && memmem(text.p, text.n, what, strlen(what)) != NULL;
}

static void
check(const struct http_response *r, bool has_session)
{
	struct str body = buf_str(&r->body);
	bool reason = false;

	must(buf_ok(&r->body));
	must(r->status >= 200 && r->status < 600 && r->status != 500);
	for (size_t i = 0; i < r->n_headers; i++)
		reason |= http_name_eq(r->headers[i].name, "X-Avow-Reason");
	must(reason == (r->status >= 400));
	must(has_session || !has(body, SECRET_CLAIM));
	must(has_session || !has(body, "web-1"));
}

/* At the socket. */
static void
check_local(const struct http_request *q, const struct http_response *r)
{
	struct str body = buf_str(&r->body);
	bool is_post = str_eq(q->method, STR("POST"));

	check(r, q->peer_user == 0);
	must(q->peer_user == 0 || r->status == 403);
	/* A refusal may name what was sent. */
	must(r->status != 200 || !has(body, "PRIVATE"));
	if (!is_post || r->status != 200)
		return;
	must(!str_eq(q->path, STR("/avow/v1/checks")));
	must(!str_eq(q->path, STR("/avow/v1/proof")) ||
	     has(q->body, "mirror.example") || has(q->body, "\\"));
}

#define HEADERS_MOST 16u

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size }, line, good;
	struct http_header headers[HEADERS_MOST];
	struct http_request q = { .headers = headers, .arena = arena_new(0) };
	struct http_response r = { 0 };
	bool has_session = false;
	size_t cut;

	if (!service)
		start();
	now_ms += 10;
	good = session(q.arena);
	line = cut_line(&text);
	cut = str_find(line, ' ', 0);
	q.method = str_sub(line, 0, cut);
	q.target = str_sub(line, cut + 1, line.n);
	cut = str_find(q.target, '?', 0);
	q.path = str_sub(q.target, 0, cut);
	q.query = str_sub(q.target, cut + 1, q.target.n);
	while (text.n && q.n_headers < HEADERS_MOST) {
		struct http_header *h = &headers[q.n_headers];

		line = cut_line(&text);
		if (line.n == 0)
			break;
		q.n_headers++;
		cut = str_find(line, ':', 0);
		h->name = str_sub(line, 0, cut);
		h->value = str_sub(line, cut + 2, line.n);
		if (str_eq(h->name, STR("U"))) {
			q.peer_is_unix = true;
			q.peer_user =
			    str_eq(h->value, STR("0")) ? 0 : HTTP_STRANGER;
		}
		if (str_eq(h->name, STR("S"))) {
			*h = (struct http_header){ STR(SESSION), good };
			has_session = true;
		}
	}
	if (q.peer_is_unix) {
		q.body = text;
		agent_local_handle(local, &q, &r);
		check_local(&q, &r);
	} else {
		agent_metadata_handle(service, &q, &r);
		check(&r, has_session);
	}
	buf_free(&r.body);
	arena_free(q.arena);
	return 0;
}
