/* client.c - libcurl with all its leniency switched off, and OpenSSL's verdict
 * on the server taken in the three ways of client.h. */
#include "gateways/client.h"

#include <curl/curl.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/net.h"

#define TRIES 3
#define PAUSE_US 150000u

struct client {
	struct client_options o;
	CURL *curl;
	struct arena *arena; /* the pinned certificate's text, URLs */
	const char *base;    /* what paths are put after */
	const char *socket;  /* NULL: TCP */
	X509 *pinned;
	/* Of the request in hand. */
	struct buf body;
	char nonce[128], cache_control[256];
	uint8_t channel[CLIENT_CHANNEL_BYTES];
	bool has_channel, is_too_large;
	char error[CURL_ERROR_SIZE];
	/* Of a stream. */
	CURLM *multi;
	struct buf head; /* lines of the last head */
	size_t taken;    /* of `body` */
	bool is_stream, is_paused, has_head, is_over;
	CURLcode how; /* it went, once it is over */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode global;

static void
init_once(void)
{
	global = curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* ---- where to ------------------------------------------------------------ */

/* The host of `rest`, which begins after the scheme: brackets of IPv6 off. */
static struct str
host_of(struct str rest)
{
	struct str host = str_sub(rest, 0, str_find(rest, '/', 0));

	if (host.n && host.p[0] == '[')
		return str_sub(host, 1, str_find(host, ']', 0));
	return str_sub(host, 0, str_find(host, ':', 0));
}

static bool
is_loopback(struct str host)
{
	struct net_addr addr;

	return str_eq(host, STR("localhost")) ||
	       (net_parse_addr(host, &addr) && net_is_loopback(&addr));
}

static bool
settle_url(struct client *c, struct error *reterr)
{
	struct str url = str_of(c->o.url), rest;

	c->base = c->o.url;
	if (str_has_prefix(url, STR("unix:/"))) {
		c->socket = c->o.url + strlen("unix:");
		c->base = "http://localhost";
		return true;
	}
	if (str_find(url, '@', 0) < url.n)
		return error_set(reterr, ERR_USAGE, SPAN_NONE,
		    "the address of a server has no user and no password");
	if (str_has_suffix(url, STR("/")))
		return error_set(reterr, ERR_USAGE, SPAN_NONE,
		    "`%s`: the address of a server has no `/` at its end",
		    c->o.url);
	if (str_has_prefix(url, STR("https://")))
		return true;
	if (!str_has_prefix(url, STR("http://")))
		return error_set(reterr, ERR_USAGE, SPAN_NONE,
		    "`%s`: expected https://HOST:PORT or unix:/PATH", c->o.url);
	rest = str_sub(url, strlen("http://"), url.n);
	return is_loopback(host_of(rest)) ||
	       error_set(reterr, ERR_USAGE, SPAN_NONE,
		   "`%s`: plain HTTP only to loopback; use https", c->o.url);
}

/* ---- whom to trust (S5) -------------------------------------------------- */

/* One certificate, dates and all: nobody else has to vouch for it. */
static int
is_pinned(X509_STORE_CTX *ctx, void *arg)
{
	const struct client *c = arg;
	X509 *leaf = X509_STORE_CTX_get0_cert(ctx);
	bool ok = leaf && X509_cmp(leaf, c->pinned) == 0 &&
		  X509_cmp_current_time(X509_get0_notBefore(leaf)) < 0 &&
		  X509_cmp_current_time(X509_get0_notAfter(leaf)) > 0;

	X509_STORE_CTX_set_error(
	    ctx, ok ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
	return ok;
}

static bool
has_subject(X509 *leaf, struct str want)
{
	BIO *text = BIO_new(BIO_s_mem());
	char *p = NULL;
	long n;
	bool ok = text && X509_NAME_print_ex(text, X509_get_subject_name(leaf),
			      0, XN_FLAG_RFC2253) >= 0;

	n = ok ? BIO_get_mem_data(text, &p) : 0;
	ok = ok && n > 0 && str_eq((struct str){ p, (size_t)n }, want);
	BIO_free(text);
	return ok;
}

static int
is_vouched_subject(X509_STORE_CTX *ctx, void *arg)
{
	const struct client *c = arg;
	X509 *leaf = X509_STORE_CTX_get0_cert(ctx);

	if (X509_verify_cert(ctx) != 1)
		return 0;
	if (leaf && has_subject(leaf, str_of(c->o.subject)))
		return 1;
	X509_STORE_CTX_set_error(ctx, X509_V_ERR_SUBJECT_ISSUER_MISMATCH);
	return 0;
}

static CURLcode
on_ssl_ctx(CURL *curl, void *ssl_ctx, void *arg)
{
	struct client *c = arg;

	(void)curl;
	if (SSL_CTX_set_min_proto_version(ssl_ctx, TLS1_2_VERSION) != 1)
		return CURLE_SSL_CERTPROBLEM;
	if (c->pinned)
		SSL_CTX_set_cert_verify_callback(ssl_ctx, is_pinned, c);
	else if (c->o.subject)
		SSL_CTX_set_cert_verify_callback(
		    ssl_ctx, is_vouched_subject, c);
	return CURLE_OK;
}

static bool
read_pinned(struct client *c, struct error *reterr)
{
	struct str pem;
	BIO *text;

	if (!c->o.pinned_file)
		return true;
	if (c->o.subject)
		return error_set(reterr, ERR_USAGE, SPAN_NONE,
		    "a pinned certificate or a subject, not both");
	if (!file_read(
		c->arena, c->o.pinned_file, LIMIT_KEY_FILE_BYTES, &pem, reterr))
		return false;
	text = BIO_new_mem_buf(pem.p, (int)pem.n);
	c->pinned = text ? PEM_read_bio_X509(text, NULL, NULL, NULL) : NULL;
	BIO_free(text);
	return c->pinned ||
	       error_set(reterr, ERR_KEY_FORM, SPAN_NONE,
		   "`%s`: expected a certificate as PEM", c->o.pinned_file);
}

/* The client's own key is a secret; it is read here only to see that it is
 * kept as one. */
static bool
check_own_key(struct client *c, struct error *reterr)
{
	struct str key;

	if (!c->o.certificate_file != !c->o.key_file)
		return error_set(reterr, ERR_USAGE, SPAN_NONE,
		    "a client certificate needs its key, and the key a "
		    "certificate");
	if (!c->o.key_file)
		return true;
	if (!file_read_secret(
		c->arena, c->o.key_file, LIMIT_KEY_FILE_BYTES, &key, reterr))
		return false;
	explicit_bzero((char *)(uintptr_t)key.p, key.n);
	return true;
}

/* ---- what comes back ----------------------------------------------------- */

/* While the transfer runs the connection can be asked for its channel. */
static void
note_channel(struct client *c)
{
	struct curl_tlssessioninfo *info = NULL;
	static const char label[] = "EXPORTER-Channel-Binding";
	SSL *ssl;

	if (curl_easy_getinfo(c->curl, CURLINFO_TLS_SSL_PTR, &info) !=
		CURLE_OK ||
	    !info || info->backend != CURLSSLBACKEND_OPENSSL ||
	    !info->internals)
		return;
	ssl = info->internals;
	c->has_channel =
	    SSL_version(ssl) == TLS1_3_VERSION &&
	    SSL_export_keying_material(ssl, c->channel, sizeof c->channel,
		label, sizeof label - 1, NULL, 0, 0) == 1;
}

static size_t
on_body(char *data, size_t one, size_t n, void *arg)
{
	struct client *c = arg;

	(void)one;
	c->has_head = true;
	/* The library keeps what it could not hand over. */
	if (c->is_stream && c->body.n + n > LIMIT_PROXY_CHUNK) {
		c->is_paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	if (n > LIMIT_CLIENT_BYTES - c->body.n) {
		c->is_too_large = true;
		return 0;
	}
	buf_add(&c->body, (struct str){ data, n });
	return buf_ok(&c->body) ? n : 0;
}

static bool
take_header(struct str line, const char *name, char *to, size_t size)
{
	size_t n = strlen(name);

	if (line.n < n || strncasecmp(line.p, name, n) != 0)
		return false;
	line = str_sub(line, n, line.n);
	while (line.n && (line.p[0] == ' ' || line.p[0] == '\t'))
		line = str_sub(line, 1, line.n);
	while (line.n && (unsigned char)line.p[line.n - 1] <= ' ')
		line.n--;
	if (line.n >= size)
		return false;
	memcpy(to, line.p, line.n);
	to[line.n] = '\0';
	return true;
}

/* One head follows another where a server says `100 Continue`: the last counts.
 */
static bool
take_line(struct client *c, struct str line)
{
	if (str_has_prefix(line, STR("HTTP/")))
		buf_free(&c->head);
	if (c->head.n + line.n > LIMIT_HTTP_HEAD)
		return false;
	buf_add(&c->head, line);
	return buf_ok(&c->head);
}

static size_t
on_header(char *data, size_t one, size_t n, void *arg)
{
	struct client *c = arg;

	(void)one;
	if (!c->has_channel)
		note_channel(c);
	if (c->is_stream && !take_line(c, (struct str){ data, n }))
		return 0;
	(void)take_header(
	    (struct str){ data, n }, "dpop-nonce:", c->nonce, sizeof c->nonce);
	(void)take_header((struct str){ data, n },
	    "cache-control:", c->cache_control, sizeof c->cache_control);
	return n;
}

/* Not 0 ends the transfer: a server that is silent holds up no end. */
static int
on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t d, curl_off_t e)
{
	const struct client *c = arg;

	(void)a, (void)b, (void)d, (void)e;
	return atomic_load(c->o.gives_up) ? 1 : 0;
}

/* ---- setting up ---------------------------------------------------------- */

static bool
set_options(struct client *c)
{
	CURL *h = c->curl;
	const struct client_options *o = &c->o;
	long ms = o->timeout_ms > 0 ? o->timeout_ms : LIMIT_CLIENT_MS;
	bool by_name = !c->pinned && !o->subject;
	CURLcode bad = CURLE_OK;

#define SET(option, value) bad |= curl_easy_setopt(h, option, value)
	SET(CURLOPT_ERRORBUFFER, c->error);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_TIMEOUT_MS, ms);
	SET(CURLOPT_CONNECTTIMEOUT_MS, ms);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, by_name ? 2L : 0L);
	SET(CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx);
	SET(CURLOPT_SSL_CTX_DATA, c);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, c);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, c);
	if (o->gives_up) {
		SET(CURLOPT_XFERINFOFUNCTION, on_progress);
		SET(CURLOPT_XFERINFODATA, c);
		SET(CURLOPT_NOPROGRESS, 0L);
	}
	if (c->socket)
		SET(CURLOPT_UNIX_SOCKET_PATH, c->socket);
	if (o->ca_file) {
		SET(CURLOPT_CAINFO, o->ca_file);
		SET(CURLOPT_CAPATH, NULL);
	}
	if (o->key_file) {
		SET(CURLOPT_SSLCERT, o->certificate_file);
		SET(CURLOPT_SSLKEY, o->key_file);
	}
#undef SET
	return bad == CURLE_OK;
}

/* The callbacks above are OpenSSL's; another TLS library would pass over them.
 */
static bool
has_openssl(struct error *reterr)
{
	const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);

	return (v->ssl_version &&
		   str_has_prefix(str_of(v->ssl_version), STR("OpenSSL"))) ||
	       error_set(reterr, ERR_SYSTEM_ERROR, SPAN_NONE,
		   "this libcurl has not OpenSSL for TLS");
}

struct client *
client_new(const struct client_options *options, struct error *reterr)
{
	struct client *c = calloc(1, sizeof *c);

	if (!c) {
		error_nomem(reterr);
		return NULL;
	}
	pthread_once(&once, init_once);
	c->o = *options;
	c->arena = arena_new(0);
	c->curl = global == CURLE_OK ? curl_easy_init() : NULL;
	if (!c->arena || !c->curl)
		error_nomem(reterr);
	else if (has_openssl(reterr) && settle_url(c, reterr) &&
		 read_pinned(c, reterr) && check_own_key(c, reterr)) {
		if (set_options(c))
			return c;
		error_set(reterr, ERR_SYSTEM_ERROR, SPAN_NONE,
		    "libcurl does not take an option that it should");
	}
	client_free(c);
	return NULL;
}

void
client_free(struct client *c)
{
	if (!c)
		return;
	client_end(c);
	curl_easy_cleanup(c->curl);
	curl_multi_cleanup(c->multi);
	buf_free(&c->head);
	X509_free(c->pinned);
	buf_free(&c->body);
	arena_free(c->arena);
	free(c);
}

/* ---- one request --------------------------------------------------------- */

static bool
add_line(struct arena *a, struct curl_slist **lines, const char *name,
    struct str value)
{
	struct str line = str_printf(a, "%s: %.*s", name, STR_ARG(value));
	struct curl_slist *longer;

	for (size_t i = 0; i < value.n; i++)
		if ((unsigned char)value.p[i] < 0x20 || value.p[i] == 0x7f)
			return false;
	longer = line.p ? curl_slist_append(*lines, line.p) : NULL;
	if (longer)
		*lines = longer;
	return longer != NULL;
}

static bool
make_lines(
    struct arena *a, const struct client_request *q, struct curl_slist **ret)
{
	*ret = NULL;
	if (!add_line(a, ret, "Expect", STR("")) ||
	    (q->content_type &&
		!add_line(a, ret, "Content-Type", str_of(q->content_type))))
		return false;
	for (size_t i = 0; i < q->n_headers; i++)
		if (!add_line(a, ret, q->headers[i].name, q->headers[i].value))
			return false;
	return true;
}

static bool
set_request(struct client *c, struct arena *a, const struct client_request *q,
    struct curl_slist *lines)
{
	struct str url = str_printf(a, "%s%.*s", c->base, STR_ARG(q->path));
	bool has_body = q->content_type != NULL;
	CURLcode bad = CURLE_OK;

#define SET(option, value) bad |= curl_easy_setopt(c->curl, option, value)
	if (!url.p)
		return false;
	SET(CURLOPT_URL, url.p);
	SET(CURLOPT_PATH_AS_IS, 1L);
	SET(CURLOPT_HTTPGET, 1L);
	if (has_body) {
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body.n);
		SET(CURLOPT_POSTFIELDS, q->body.n ? q->body.p : "");
	}
	SET(CURLOPT_CUSTOMREQUEST, q->method);
	SET(CURLOPT_HTTPHEADER, lines);
#undef SET
	return bad == CURLE_OK;
}

static bool
explain(const struct client *c, CURLcode code, struct error *reterr)
{
	const char *said = c->error[0] ? c->error : curl_easy_strerror(code);

	if (c->is_too_large)
		return error_set(reterr, ERR_LIMIT_SIZE, SPAN_NONE,
		    "%s: the answer is over %u bytes", c->o.url,
		    LIMIT_CLIENT_BYTES);
	if (code == CURLE_OUT_OF_MEMORY || !buf_ok(&c->body))
		return error_nomem(reterr);
	return error_set(reterr,
	    code == CURLE_OPERATION_TIMEDOUT ? ERR_DATA_TIMEOUT
					     : ERR_DATA_MISSING,
	    SPAN_NONE, "%s: %s", c->o.url, said);
}

static CURLcode
perform(struct client *c, bool may_repeat)
{
	CURLcode code = CURLE_OK;

	for (unsigned i = 0; i < TRIES; i++) {
		buf_free(&c->body);
		c->nonce[0] = c->cache_control[0] = c->error[0] = '\0';
		c->has_channel = c->is_too_large = false;
		code = curl_easy_perform(c->curl);
		if (code == CURLE_OK || c->is_too_large ||
		    (code != CURLE_COULDNT_CONNECT && !may_repeat) ||
		    code == CURLE_PEER_FAILED_VERIFICATION ||
		    code == CURLE_ABORTED_BY_CALLBACK ||
		    code == CURLE_OPERATION_TIMEDOUT)
			return code;
		if (i + 1 < TRIES)
			usleep(PAUSE_US << i);
	}
	return code;
}

static bool
take_response(struct client *c, struct arena *a, struct client_response *ret,
    struct error *reterr)
{
	const char *type = NULL;
	long status = 0, connects = 1;

	(void)curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(c->curl, CURLINFO_CONTENT_TYPE, &type);
	(void)curl_easy_getinfo(c->curl, CURLINFO_NUM_CONNECTS, &connects);
	*ret = (struct client_response){ .status = (unsigned)status,
		.body = str_dup(a, buf_str(&c->body)),
		.content_type = str_dup(a, str_of(type)),
		.dpop_nonce = str_dup(a, str_of(c->nonce)),
		.cache_control = str_dup(a, str_of(c->cache_control)),
		.is_new_connection = connects > 0 };
	return (ret->body.p && ret->content_type.p && ret->dpop_nonce.p &&
		   ret->cache_control.p) ||
	       error_nomem(reterr);
}

bool
client_send(struct client *c, struct arena *a, const struct client_request *q,
    struct client_response *ret, struct error *reterr)
{
	struct curl_slist *lines = NULL;
	CURLcode code;
	bool ok = false;

	if (!make_lines(a, q, &lines) || !set_request(c, a, q, lines)) {
		error_set(reterr, ERR_USAGE, SPAN_NONE,
		    "this request cannot be sent");
	} else {
		code = perform(c, q->may_repeat);
		ok = code == CURLE_OK ? take_response(c, a, ret, reterr)
				      : explain(c, code, reterr);
	}
	curl_slist_free_all(lines);
	return ok;
}

bool
client_channel(const struct client *c, uint8_t ret[CLIENT_CHANNEL_BYTES])
{
	if (c->has_channel)
		memcpy(ret, c->channel, CLIENT_CHANNEL_BYTES);
	return c->has_channel;
}

/* ---- streams --------------------------------------------------------------
 */

#define WAIT_MS 500

static bool
set_stream(struct client *c, bool on, bool is_head)
{
	const struct client_options *o = &c->o;
	long ms = o->timeout_ms > 0 ? o->timeout_ms : LIMIT_CLIENT_MS;
	CURLcode bad = CURLE_OK;

#define SET(option, value) bad |= curl_easy_setopt(c->curl, option, value)
	SET(CURLOPT_TIMEOUT_MS, on ? 0L : ms);
	SET(CURLOPT_LOW_SPEED_LIMIT, on ? 1L : 0L);
	SET(CURLOPT_LOW_SPEED_TIME, on ? (long)LIMIT_PROXY_STALL_S : 0L);
	SET(CURLOPT_NOBODY, is_head ? 1L : 0L);
#undef SET
	c->is_stream = on;
	return bad == CURLE_OK;
}

static void
note_end(struct client *c)
{
	const CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(c->multi, &left)))
		if (m->msg == CURLMSG_DONE) {
			c->is_over = true;
			c->how = m->data.result;
		}
}

/* Let the library work; when there was nothing to do, wait for a moment. */
static void
turn(struct client *c)
{
	int running = 0;

	if (c->o.gives_up && atomic_load(c->o.gives_up)) {
		c->is_over = true;
		c->how = CURLE_ABORTED_BY_CALLBACK;
		return;
	}
	if (curl_multi_perform(c->multi, &running) != CURLM_OK) {
		c->is_over = true;
		c->how = CURLE_OUT_OF_MEMORY;
		return;
	}
	note_end(c);
	if (!c->is_over && !c->has_head && !c->body.n)
		(void)curl_multi_poll(c->multi, NULL, 0, WAIT_MS, NULL);
}

/* A name, a colon, a value; other lines are the status and the end. */
static void
add_head_line(struct str line, struct client_header *to, size_t *n)
{
	size_t colon = str_find(line, ':', 0);
	struct str value = str_sub(line, colon + 1, line.n);
	char *end = (char *)(uintptr_t)line.p + colon;

	if (colon == line.n || *n == LIMIT_HTTP_FIELDS)
		return;
	while (value.n && (value.p[0] == ' ' || value.p[0] == '\t'))
		value = str_sub(value, 1, value.n);
	while (value.n && (unsigned char)value.p[value.n - 1] <= ' ')
		value.n--;
	*end = '\0';
	to[(*n)++] = (struct client_header){ line.p, value };
}

static bool
take_head(struct client *c, struct arena *a, struct client_head *ret,
    struct error *reterr)
{
	struct str text = str_dup(a, buf_str(&c->head));
	struct client_header *headers =
	    ARENA_ARRAY(a, LIMIT_HTTP_FIELDS, struct client_header);
	curl_off_t length = -1;
	long status = 0;
	size_t n = 0, end;

	if (!text.p || !headers)
		return error_nomem(reterr);
	for (size_t at = 0; at < text.n; at = end + 1) {
		end = str_find(text, '\n', at);
		add_head_line(str_sub(text, at, end), headers, &n);
	}
	(void)curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(
	    c->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	*ret = (struct client_head){ (unsigned)status, length, headers, n };
	return true;
}

static bool
start_stream(struct client *c, struct arena *a, const struct client_request *q,
    struct curl_slist *lines)
{
	if (!c->multi)
		c->multi = curl_multi_init();
	buf_free(&c->body);
	buf_free(&c->head);
	c->taken = 0;
	c->nonce[0] = c->error[0] = '\0';
	c->has_channel = c->is_too_large = c->is_paused = false;
	c->has_head = c->is_over = false;
	return c->multi && set_request(c, a, q, lines) &&
	       set_stream(c, true, strcmp(q->method, "HEAD") == 0) &&
	       curl_multi_add_handle(c->multi, c->curl) == CURLM_OK;
}

bool
client_begin(struct client *c, struct arena *a, const struct client_request *q,
    struct client_head *ret, struct error *reterr)
{
	struct curl_slist *lines = NULL;
	bool ok;

	client_end(c);
	if (!make_lines(a, q, &lines) || !start_stream(c, a, q, lines)) {
		curl_slist_free_all(lines);
		return error_set(reterr, ERR_USAGE, SPAN_NONE,
		    "this request cannot be sent");
	}
	while (!c->has_head && !c->is_over)
		turn(c);
	ok = c->has_head || c->how == CURLE_OK ? take_head(c, a, ret, reterr)
					       : explain(c, c->how, reterr);
	/* Sent by now; and the next request sets its own. */
	(void)curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(lines);
	return ok;
}

static void
go_on(struct client *c)
{
	if (!c->is_paused)
		return;
	c->is_paused = false;
	if (curl_easy_pause(c->curl, CURLPAUSE_CONT) != CURLE_OK) {
		c->is_over = true;
		c->how = CURLE_RECV_ERROR;
	}
}

ptrdiff_t
client_pull(struct client *c, char *to, size_t n)
{
	if (c->taken == c->body.n) {
		c->taken = c->body.n = 0;
		go_on(c);
	}
	c->has_head = false; /* from here on the poll waits for bytes */
	while (c->body.n == 0 && !c->is_over)
		turn(c);
	if (c->body.n == 0)
		return c->how == CURLE_OK ? 0 : -1;
	if (n > c->body.n - c->taken)
		n = c->body.n - c->taken;
	memcpy(to, c->body.p + c->taken, n);
	c->taken += n;
	return (ptrdiff_t)n;
}

void
client_end(struct client *c)
{
	if (!c->is_stream)
		return;
	(void)curl_multi_remove_handle(c->multi, c->curl);
	(void)set_stream(c, false, false);
	buf_free(&c->body);
	buf_free(&c->head);
}

struct str
client_head_value(const struct client_head *h, const char *name)
{
	struct str found = { 0 };
	unsigned n = 0;

	for (size_t i = 0; i < h->n_headers; i++)
		if (strcasecmp(h->headers[i].name, name) == 0) {
			found = h->headers[i].value;
			n++;
		}
	return n == 1 ? found : (struct str){ 0 };
}
