/* sweep_signing.c - what reaches keys and peers with each allocation failing in
 * turn: signers by certificates, a signer's socket, our client, a listener's
 * TLS identity; ours first, then OpenSSL's, libcurl's and GnuTLS's. The right
 * answer or an error; never a key of somebody else, never an answer that did
 * not come, never a server that is not the pinned one. The peers are processes
 * of their own, so that only one side fails; they end with this one. */
#include "tests/fault/wrap.h"

#include <curl/curl.h>
#include <dirent.h>
#include <gnutls/gnutls.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attest/keys.h"
#include "attest/pki.h"
#include "attest/sig.h"
#include "attest/signer.h"
#include "attest/signer_client.h"
#include "base/clock.h"
#include "base/log.h"
#include "gateways/client.h"
#include "gateways/http.h"
#include "gateways/signer.h"
#include "gateways/tls.h"
#include "tests/fault/sources.h"
#include "tests/lib/certs.h"
#include "tests/lib/kit.h"

/* The client's pauses between tries: nobody waits for having failed. */
int
usleep(useconds_t us)
{
	(void)us;
	return 0;
}

static struct source curl, tls;
/* The one that is armed, or NULL. */
static struct source *now;

static void *
curl_malloc(size_t n)
{
	return fails(&curl) ? NULL : malloc(n);
}

static void *
curl_calloc(size_t n, size_t size)
{
	return fails(&curl) ? NULL : calloc(n, size);
}

static void *
curl_realloc(void *p, size_t n)
{
	return fails(&curl) ? NULL : realloc(p, n);
}

static char *
curl_strdup(const char *text)
{
	return fails(&curl) ? NULL : strdup(text);
}

static void *
tls_malloc(size_t n)
{
	return fails(&tls) ? NULL : malloc(n);
}

static void *
tls_calloc(size_t n, size_t size)
{
	return fails(&tls) ? NULL : calloc(n, size);
}

static void *
tls_realloc(void *p, size_t n)
{
	return fails(&tls) ? NULL : realloc(p, n);
}

/* What came of a run is judged without faults. */
static void
judge(bool on)
{
	fault_pause(on);
	if (now)
		now->armed = !on;
}

struct scene {
	struct kit kit;
	struct arena *arena;
	struct certs_ca ca;
	struct certs_leaf leaf, next;
	const char *authority_file, *pinned, *not_pinned;
	struct str authority, signer; /* PEM */
	EVP_PKEY *signer_key;
	struct str message; /* a document that is issued at noon */
	struct str socket;  /* `unix:/PATH` of the signer */
	const char *uri, *url;
	const char *asking_url; /* of one that asks clients for certificates */
	const char *own_certificate, *own_key; /* files of a client's */
	struct certs_leaf client;
	pid_t serves, signs, asks; /* 0: not there */
};

static struct scene scene;

/* ---- peers ---- */

/* As fork(); the child ends with this process. */
static pid_t
fork_peer(void)
{
	pid_t parent = getpid(), pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0 &&
	    (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent))
		_exit(1);
	return pid;
}

static void
end_peer(pid_t *pid)
{
	if (*pid > 0) {
		(void)kill(*pid, SIGKILL);
		(void)waitpid(*pid, NULL, 0);
	}
	*pid = 0;
}

static void
says_hello(void *ctx, const struct http_request *q, struct http_response *r)
{
	(void)ctx;
	(void)q;
	r->status = 200;
	buf_addz(&r->body, "hello");
}

/* Who the client is, by its certificate. */
static void
says_who(void *ctx, const struct http_request *q, struct http_response *r)
{
	(void)ctx;
	r->status = 200;
	buf_add(&r->body,
	    q->client == TLS_CLIENT_PROVEN ? q->client_subject : STR("nobody"));
}

/* Its port goes to `to`. */
static _Noreturn void
serve_http(const struct scene *s, int to, bool asks)
{
	const struct http_options o = { .listen = "127.0.0.1:0",
		.threads = 1,
		.handle = asks ? says_who : says_hello,
		.tls_client_ca_pem = asks ? s->ca.pem : NULL,
		.connections_per_address = 1000,
		.tls_certificate_pem = s->leaf.certificate,
		.tls_key_pem = s->leaf.key };
	struct http_server *server = http_server_start(&o, NULL);
	uint16_t port = server ? http_server_port(server) : 0;

	if (write(to, &port, sizeof port) != sizeof port)
		_exit(1);
	for (;;)
		pause();
}

/* Its URL; *ret_pid is its process. */
static const char *
start_http(struct scene *s, bool asks, pid_t *ret_pid)
{
	uint16_t port = 0;
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	*ret_pid = fork_peer();
	if (*ret_pid == 0)
		serve_http(s, ends[1], asks);
	close(ends[1]);
	ck_assert_int_eq(read(ends[0], &port, sizeof port), sizeof port);
	close(ends[0]);
	ck_assert_uint_ne(port, 0);
	return str_printf(s->arena, "https://127.0.0.1:%u", port).p;
}

static _Noreturn void
serve_signer(int fd, const struct attest_key *key)
{
	static const int64_t noon_ms = INT64_C(1000) * KIT_NOON;
	struct clock clock = clock_fixed(&noon_ms);
	const struct signer_server s = { .key = key,
		.rules = { SIGNER_DOCUMENT, STR("acme"), 86400 },
		.rate = 100000,
		.clock = &clock };
	int never[2];

	if (pipe(never) != 0)
		_exit(1);
	(void)!signer_serve(&s, fd, never[0], NULL);
	_exit(1);
}

/* Listening before the peer is there, so nobody has to wait for it. */
static void
start_signer(struct scene *s)
{
	static unsigned n;
	struct error err = { 0 };
	bool handed_over;
	int fd;

	s->socket = str_printf(s->arena, "unix:%s/signer.%d.%u", test_folder(),
	    (int)getpid(), n++);
	s->uri =
	    str_printf(s->arena, "signer:%s", s->socket.p + strlen("unix:")).p;
	ck_assert_msg(
	    signer_listen(s->socket, (gid_t)-1, &fd, &handed_over, &err), "%s",
	    err.msg);
	s->signs = fork_peer();
	if (s->signs == 0)
		serve_signer(fd, s->kit.key);
	close(fd);
}

/* ---- signers by certificates ---- */

static void
extend(X509 *x, X509 *by, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;

	X509V3_set_ctx(&ctx, by, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ck_assert_int_eq(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

static X509 *
certificate(EVP_PKEY *key, X509 *by, EVP_PKEY *by_key, const char *cn)
{
	X509 *x = X509_new();

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), by ? 2 : 1);
	ASN1_TIME_set(X509_getm_notBefore(x), KIT_NOON - 100);
	ASN1_TIME_set(X509_getm_notAfter(x), KIT_NOON + 100);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN",
	    MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(by ? by : x));
	extend(x, by ? by : x, NID_basic_constraints,
	    by ? "critical,CA:FALSE" : "critical,CA:TRUE");
	extend(x, by ? by : x, NID_key_usage,
	    by ? "critical,digitalSignature" : "critical,keyCertSign");
	extend(x, by ? by : x, NID_subject_key_identifier, "hash");
	extend(x, by ? by : x, NID_authority_key_identifier, "keyid:always");
	if (by)
		extend(x, by, NID_subject_alt_name, "URI:spiffe://acme/issuer");
	ck_assert_int_gt(X509_sign(x, by_key, EVP_sha256()), 0);
	return x;
}

static struct str
pem_of(struct scene *s, X509 *x)
{
	BIO *out = BIO_new(BIO_s_mem());
	char *p = NULL;
	struct str text;

	ck_assert_int_eq(PEM_write_bio_X509(out, x), 1);
	text.n = (size_t)BIO_get_mem_data(out, &p);
	text = str_dup(s->arena, (struct str){ p, text.n });
	BIO_free(out);
	return text;
}

static void
make_certificates(struct scene *s)
{
	EVP_PKEY *ca_key = EVP_EC_gen("P-256");
	X509 *ca = certificate(ca_key, NULL, ca_key, "CA"), *x;

	s->signer_key = EVP_EC_gen("P-256");
	x = certificate(s->signer_key, ca, ca_key, "Issuer");
	s->authority = pem_of(s, ca);
	s->signer = pem_of(s, x);
	X509_free(x);
	X509_free(ca);
	EVP_PKEY_free(ca_key);
}

static bool
read_signers(struct pki *p, struct scene *s, struct str name, bool *ret_right,
    struct error *reterr)
{
	struct arena *a = arena_new(0);
	struct pki_key *keys = NULL;
	size_t n = 0;
	bool ok = p && a && pki_add(p, "ca", s->authority, true, reterr) &&
		  pki_add(p, "signers", s->signer, false, reterr) &&
		  pki_keys(p, a, &name, 1, &keys, &n, reterr);

	judge(true);
	*ret_right = ok && n == 1 &&
		     EVP_PKEY_eq(keys[0].public.pkey, s->signer_key) == 1 &&
		     keys[0].valid_from == KIT_NOON - 100 &&
		     keys[0].valid_until == KIT_NOON + 100;
	judge(false);
	for (size_t i = 0; i < n; i++)
		keys_public_fini(&keys[i].public);
	arena_free(a);
	return ok;
}

/* The one key with its times; under another name none, ever. */
static bool
by_certificate(void *ctx)
{
	struct scene *s = ctx;
	struct pki *p = pki_new(), *q = pki_new();
	struct error err = { 0 };
	bool right = false, ok;

	ok = read_signers(p, s, STR("uri:spiffe://acme/issuer"), &right, &err);
	ck_assert_int_eq(ok, right);
	ck_assert(!read_signers(q, s, STR("dns:elsewhere"), &right, NULL));
	pki_free(p);
	pki_free(q);
	return ok;
}

/* ---- a signer's socket ---- */

static bool
through_the_signer(void *ctx)
{
	struct scene *s = ctx;
	struct keys_public k = { 0 };
	struct buf signature = { 0 };
	struct error err = { 0 };
	bool ok = signer_client_open(s->uri, &k, &err);

	ck_assert_int_eq(ok, err.code == ERR_NONE);
	if (!ok)
		return false;
	ok = sig_sign(&k, s->message, &signature, &err);
	ck_assert_int_eq(ok, err.code == ERR_NONE);
	judge(true);
	ck_assert_int_eq(ok, sig_verify(&s->kit.key->public, s->message,
				 buf_str(&signature), NULL));
	judge(false);
	buf_free(&signature);
	k.signer->let_go(k.signer);
	keys_public_fini(&k);
	return ok;
}

/* ---- our client ---- */

/* Ask the server with `o`; true for the whole answer, which is `want`. */
static bool
ask_for(const struct client_options *o, const char *want)
{
	const struct client_request q = { .method = "GET", .path = STR("/") };
	struct client_response r = { 0 };
	struct arena *a = arena_new(0);
	struct error err = { 0 };
	struct client *c = a ? client_new(o, &err) : NULL;
	bool ok = c && client_send(c, a, &q, &r, &err);

	if (a)
		ck_assert_int_eq(ok, err.code == ERR_NONE);
	if (ok) {
		ck_assert_uint_eq(r.status, 200);
		ck_str_is(r.body, want);
	}
	client_free(c);
	arena_free(a);
	return ok;
}

static bool
ask(const struct client_options *o)
{
	return ask_for(o, "hello");
}

static bool
asks_by_name(void *ctx)
{
	struct scene *s = ctx;

	return ask(&(struct client_options){
	    .url = s->url, .ca_file = s->authority_file });
}

static bool
asks_pinned(void *ctx)
{
	struct scene *s = ctx;

	return ask(&(struct client_options){ .url = s->url,
	    .ca_file = s->authority_file,
	    .pinned_file = s->pinned });
}

static bool
asks_by_subject(void *ctx)
{
	struct scene *s = ctx;

	return ask(&(struct client_options){ .url = s->url,
	    .ca_file = s->authority_file,
	    .subject = "CN=here" });
}

/* Right is that there is no answer, whatever fails. */
static bool
asks_others(void *ctx)
{
	struct scene *s = ctx;

	ck_assert(!ask(&(struct client_options){ .url = s->url,
	    .ca_file = s->authority_file,
	    .pinned_file = s->not_pinned }));
	ck_assert(!ask(&(struct client_options){ .url = s->url,
	    .ca_file = s->authority_file,
	    .subject = "CN=there" }));
	return true;
}

/* With a certificate of its own, or not at all: never as nobody. */
static bool
asks_as_somebody(void *ctx)
{
	struct scene *s = ctx;

	return ask_for(&(struct client_options){ .url = s->asking_url,
			   .ca_file = s->authority_file,
			   .certificate_file = s->own_certificate,
			   .key_file = s->own_key },
	    "CN=me");
}

/* Pulled byte by byte: all of it, or told that it broke off. */
static bool
streams(void *ctx)
{
	struct scene *s = ctx;
	const struct client_options o = { .url = s->url,
		.ca_file = s->authority_file };
	const struct client_request q = { .method = "GET", .path = STR("/") };
	struct client_head head = { 0 };
	struct arena *a = arena_new(0);
	struct error err = { 0 };
	struct client *c = a ? client_new(&o, &err) : NULL;
	bool ok = c && client_begin(c, a, &q, &head, &err);
	char text[16];
	size_t n = 0;
	ptrdiff_t got = 1;

	if (a)
		ck_assert_int_eq(ok, err.code == ERR_NONE);
	while (ok && got > 0 && n < sizeof text) {
		got = client_pull(c, text + n, 1);
		n += got > 0;
	}
	ok = ok && got == 0;
	if (ok) {
		ck_assert_uint_eq(head.status, 200);
		ck_str_is(((struct str){ text, n }), "hello");
	}
	if (c)
		client_end(c);
	client_free(c);
	arena_free(a);
	return ok;
}

/* ---- a listener's identity ---- */

static bool
no_socket(void *ctx, int fd)
{
	(void)ctx;
	(void)fd;
	return false;
}

static bool
listens(void *ctx)
{
	struct scene *s = ctx;
	struct error err = { 0 };
	struct tls_listener *l = tls_listener_new(
	    s->leaf.certificate, s->leaf.key, no_socket, NULL, &err);
	bool ok;

	ck_assert_int_eq(l != NULL, err.code == ERR_NONE);
	if (!l)
		return false;
	err = (struct error){ 0 };
	ok = tls_listener_reload(l, s->next.certificate, s->next.key, &err);
	ck_assert_int_eq(ok, err.code == ERR_NONE);
	/* Another's key, never. */
	ck_assert(
	    !tls_listener_reload(l, s->next.certificate, s->leaf.key, NULL));
	tls_listener_free(l);
	return ok;
}

/* ---- who the client is, and the channel's value ---- */

/* Both ends of a handshake that is over. */
static struct {
	gnutls_certificate_credentials_t of_server, of_client;
	gnutls_session_t server, client;
	int ends[2];
	uint8_t channel[TLS_CHANNEL_BYTES];
} shaken;

static gnutls_datum_t
datum(const char *pem)
{
	return (gnutls_datum_t){ (unsigned char *)(uintptr_t)pem,
		(unsigned)strlen(pem) };
}

static gnutls_certificate_credentials_t
credentials(const struct certs_leaf *own, const char *ca)
{
	gnutls_certificate_credentials_t c;
	gnutls_datum_t certificate = datum(own->certificate),
		       key = datum(own->key), authority = datum(ca);

	ck_assert_int_eq(gnutls_certificate_allocate_credentials(&c), 0);
	ck_assert_int_ge(gnutls_certificate_set_x509_key_mem(
			     c, &certificate, &key, GNUTLS_X509_FMT_PEM),
	    0);
	ck_assert_int_ge(gnutls_certificate_set_x509_trust_mem(
			     c, &authority, GNUTLS_X509_FMT_PEM),
	    1);
	return c;
}

static gnutls_session_t
session(unsigned flags, gnutls_certificate_credentials_t c, int fd)
{
	gnutls_session_t s;

	ck_assert_int_eq(gnutls_init(&s, flags | GNUTLS_NONBLOCK), 0);
	ck_assert_int_eq(gnutls_set_default_priority(s), 0);
	ck_assert_int_eq(
	    gnutls_credentials_set(s, GNUTLS_CRD_CERTIFICATE, c), 0);
	gnutls_transport_set_int(s, fd);
	return s;
}

static void
shake_hands(const struct scene *s)
{
	int at_server = GNUTLS_E_AGAIN, at_client = GNUTLS_E_AGAIN;

	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, shaken.ends),
	    0);
	shaken.of_server = credentials(&s->leaf, s->ca.pem);
	shaken.of_client = credentials(&s->client, s->ca.pem);
	shaken.server =
	    session(GNUTLS_SERVER, shaken.of_server, shaken.ends[0]);
	shaken.client =
	    session(GNUTLS_CLIENT, shaken.of_client, shaken.ends[1]);
	gnutls_certificate_server_set_request(
	    shaken.server, GNUTLS_CERT_REQUEST);
	for (int i = 0; i < 100 && (at_server || at_client); i++) {
		if (at_client)
			at_client = gnutls_handshake(shaken.client);
		if (at_server)
			at_server = gnutls_handshake(shaken.server);
	}
	ck_assert_int_eq(at_server, 0);
	ck_assert_int_eq(at_client, 0);
	/* The client's end has the same. */
	ck_assert(tls_channel(shaken.client, shaken.channel));
}

static void
let_go(void)
{
	if (!shaken.server)
		return;
	gnutls_deinit(shaken.server);
	gnutls_deinit(shaken.client);
	gnutls_certificate_free_credentials(shaken.of_server);
	gnutls_certificate_free_credentials(shaken.of_client);
	close(shaken.ends[0]);
	close(shaken.ends[1]);
	shaken.server = NULL;
}

/* It is who it is, or refused: never nobody, never another. */
static bool
knows_the_client(void *ctx)
{
	struct arena *a = arena_new(0);
	struct str subject = { 0 };
	enum tls_client client;

	(void)ctx;
	if (!a)
		return false;
	client = tls_client_of(shaken.server, a, &subject);
	ck_assert_int_ne(client, TLS_CLIENT_NONE);
	if (client == TLS_CLIENT_PROVEN)
		ck_str_is(subject, "CN=me");
	arena_free(a);
	return client == TLS_CLIENT_PROVEN;
}

static bool
knows_the_channel(void *ctx)
{
	uint8_t got[TLS_CHANNEL_BYTES] = { 0 };
	bool ok = tls_channel(shaken.server, got);

	(void)ctx;
	ck_assert(!ok || memcmp(got, shaken.channel, sizeof got) == 0);
	return ok;
}

/* ---- all of them ---- */

static void
setup(void)
{
	struct certs_say say = { .cn = "here", .names = "IP:127.0.0.1" };
	struct scene *s = &scene;

	log_threshold(LOG_ERROR);
	*s = (struct scene){ 0 };
	kit_init(&s->kit, KEY_P256);
	s->arena = s->kit.arena;
	certs_ca_make(&s->ca, s->arena, "CA");
	s->leaf = certs_leaf(&s->ca, s->arena, &say);
	s->next = certs_leaf(&s->ca, s->arena, &say);
	make_certificates(s);
	s->authority_file = kit_file(s->arena, "ca.pem", str_of(s->ca.pem));
	s->pinned = kit_file(s->arena, "leaf.pem", str_of(s->leaf.certificate));
	s->not_pinned =
	    kit_file(s->arena, "next.pem", str_of(s->next.certificate));
	s->message = kit_document(&s->kit, NULL, NULL);
	say = (struct certs_say){ .cn = "me", .is_for_clients = true };
	s->client = certs_leaf(&s->ca, s->arena, &say);
	s->own_certificate =
	    kit_file(s->arena, "me.pem", str_of(s->client.certificate));
	s->own_key = kit_file(s->arena, "me.key.pem", str_of(s->client.key));
	ck_assert_int_eq(chmod(s->own_key, 0600), 0);
	start_signer(s);
	s->url = start_http(s, false, &s->serves);
	s->asking_url = start_http(s, true, &s->asks);
	shake_hands(s);
}

/* After a test that failed, too. */
static void
teardown(void)
{
	struct scene *s = &scene;

	judge(false);
	if (now)
		now->armed = false;
	now = NULL;
	let_go();
	end_peer(&s->asks);
	end_peer(&s->serves);
	end_peer(&s->signs);
	(void)unlink(s->socket.p + strlen("unix:"));
	EVP_PKEY_free(s->signer_key);
	certs_ca_free(&s->ca);
	kit_fini(&s->kit);
}

static unsigned
open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	ck_assert_ptr_nonnull(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static const struct {
	const char *name;
	bool (*once)(void *);
	bool without_jansson; /* reads a text of 14 bytes: wrap.h */
} sweeps[] = {
	{ "certificates", by_certificate, false },
	{ "signer", through_the_signer, true },
	{ "client by name", asks_by_name, false },
	{ "client with a pin", asks_pinned, false },
	{ "client by subject", asks_by_subject, false },
	{ "client of another", asks_others, false },
	{ "stream", streams, false },
	{ "listener", listens, false },
	{ "client as somebody", asks_as_somebody, false },
	{ "who the client is", knows_the_client, false },
};

START_TEST(ours)
{
	unsigned files;

	ck_assert(sweeps[_i].once(&scene));
	files = open_files();
	(void)(sweeps[_i].without_jansson ? fault_sweep_ours : fault_sweep)(
	    sweeps[_i].name, sweeps[_i].once, &scene);
	ck_assert_uint_eq(open_files(), files);
}
END_TEST

static const struct {
	const char *name;
	bool (*once)(void *);
	struct source *source;
	long stride;
} others[] = {
	{ "certificates", by_certificate, &openssl, 13 },
	{ "signer", through_the_signer, &openssl, 1 },
	{ "client by name", asks_by_name, &openssl, 31 },
	{ "client with a pin", asks_pinned, &openssl, 31 },
	{ "client by subject", asks_by_subject, &openssl, 31 },
	{ "client of another", asks_others, &openssl, 61 },
	{ "client by name", asks_by_name, &curl, 1 },
	{ "stream", streams, &curl, 1 },
	{ "listener", listens, &tls, 1 },
	{ "client as somebody", asks_as_somebody, &openssl, 31 },
	{ "client as somebody", asks_as_somebody, &curl, 1 },
	/* GnuTLS 3.7.9 itself falls when gnutls_certificate_verify_peers gets
	 * no memory (gnutls_x509_rdn_get2 goes on with none), so "who the
	 * client is" is swept over our allocations alone. */
	{ "the channel", knows_the_channel, &tls, 1 },
};

START_TEST(theirs)
{
	unsigned files;

	ck_assert(others[_i].once(&scene));
	files = open_files();
	now = others[_i].source;
	source_sweep(
	    now, others[_i].name, others[_i].once, &scene, others[_i].stride);
	now = NULL;
	ck_assert_uint_eq(open_files(), files);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sweep signing");
	TCase *tc = tcase_create("sweep signing");

	/* Before any of them allocates anything. */
	if (!sources_hook() ||
	    curl_global_init_mem(CURL_GLOBAL_DEFAULT, curl_malloc, free,
		curl_realloc, curl_strdup, curl_calloc) != CURLE_OK)
		return EXIT_FAILURE;
	gnutls_malloc = tls_malloc;
	gnutls_calloc = tls_calloc;
	gnutls_realloc = tls_realloc;
	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, ours, 0, ARRAY_LEN(sweeps));
	tcase_add_loop_test(tc, theirs, 0, ARRAY_LEN(others));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
