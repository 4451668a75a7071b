/* test_possession.c - proof of a key at the gates: tokens and documents bound
 * to a key (DPoP) or a certificate, every way to show another's, and every way
 * to show one's own twice. */
#include "gateways/answer.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "attest/token.h"
#include "store/store_private.h"
#include "tests/unit/gateways/gate_kit.h"

#define URL "https://repo.example"
#define PATH "/debian/pool/a_1.0_amd64.deb"
#define ISSUER "https://sts.example"
#define CLAIMS                                                                 \
	"{\"imageId\":\"ami-1\",\"owner\":\"acme\",\"privateIp\":\"10.0.0."    \
	"7\"}"

static struct gate_kit k;
static struct token_ring *ring;
static struct attest_key *holder, *other;
static struct str holder_jkt;

/* ---- a client's certificate ---- */

static struct {
	struct str escaped, der64, x5t;
} certificate;

static void
escape(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || c == '-')
			buf_byte(out, c);
		else
			buf_printf(out, "%%%02X", (unsigned)(unsigned char)c);
	}
}

/* What a certificate says besides its key; NULL: not there. */
struct saying {
	const char *note, *names, *constraints, *usage, *extended, *code;
};

static void
put_extension(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e;

	if (!value)
		return;
	e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	ck_assert_ptr_nonnull(e);
	ck_assert_int_eq(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

static void
make_certificate(const struct saying *say)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	BIO *bio = BIO_new(BIO_s_mem());
	unsigned char *der = NULL;
	struct buf text = { 0 };
	struct error err = { 0 };
	char *pem;
	long n;
	int der_n;

	ck_assert(X509_set_version(x, 2) == 1 && X509_set_pubkey(x, pkey) == 1);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	put_extension(x, NID_subject_alt_name, say->names);
	put_extension(x, NID_basic_constraints, say->constraints);
	put_extension(x, NID_key_usage, say->usage);
	put_extension(x, NID_ext_key_usage, say->extended);
	ck_assert_int_gt(X509_sign(x, pkey, EVP_sha256()), 0);
	ck_assert_int_eq(PEM_write_bio_X509(bio, x), 1);
	n = BIO_get_mem_data(bio, &pem);
	escape(&text, (struct str){ pem, (size_t)n });
	certificate.escaped = str_dup(k.a, buf_str(&text));
	der_n = i2d_X509(x, &der);
	ck_assert_int_gt(der_n, 0);
	certificate.der64 = kit_base64(&k, BASE64_STANDARD,
	    (struct str){ (const char *)der, (size_t)der_n });
	ck_assert_msg(attest_certificate_thumbprint(
			  k.a, certificate.escaped, &certificate.x5t, &err),
	    "%s", err.msg);
	OPENSSL_free(der);
	buf_free(&text);
	BIO_free(bio);
	X509_free(x);
	EVP_PKEY_free(pkey);
}

/* ---- the scene ---- */

static struct attest_key *
make_key(const char *name)
{
	ck_assert(attest_key_create(KEY_P256, kit_path(&k, name), NULL));
	return attest_key_open(kit_path(&k, name), NULL);
}

/* Its thumbprint, out of a proof of its own. */
static struct str
thumbprint_of(struct attest_key *key)
{
	struct dpop *d = dpop_new(NULL);
	char nonce[DPOP_NONCE + 1];
	struct buf out = { 0 };
	struct dpop_request q = { .method = STR("GET"),
		.url = STR(URL),
		.shown = STR("x"),
		.now_unix_s = KIT_NOW_S };
	struct dpop_proof p;
	bool stale;

	ck_assert(dpop_nonce(d, KIT_NOW_S, nonce, NULL));
	ck_assert(dpop_make(key, &q, str_of(nonce), STR(""), &out, NULL));
	q.proof = buf_str(&out);
	ck_assert(dpop_check(d, &q, &p, &stale, NULL));
	buf_free(&out);
	dpop_free(d);
	return str_dup(k.a, str_of(p.jkt));
}

static const char *
config(void)
{
	return str_printf(k.a,
	    "listen: 127.0.0.1:0\n"
	    "store: sqlite://%s/avow.db\n"
	    "policies: [%s/p.avow]\n"
	    "decisionLog: %s/decisions.jsonl\n"
	    "proxies: [127.0.0.1/32]\n"
	    "clientCertificate: X-Client-Cert\n"
	    "trust:\n"
	    "  - {kind: avow, keys: %s/trust, issuer: acme}\n"
	    "  - {kind: token, keys: %s/jwks.json, issuer: '" ISSUER
	    "', prefix: t/, trustDomain: acme.example}\n"
	    "revoked: %s/revoked\n"
	    "gates:\n"
	    "  - {kind: repository, name: updates, demand: key, url: '" URL
	    "', repositories: {main: /debian/}, require: {claims: [imageId]}}\n"
	    "  - {kind: repository, name: open, demand: bearer, repositories: "
	    "{free: /free/}}\n"
	    "  - {kind: balancer, name: lb, url: 'https://lb.example', pools: "
	    "{web: {haproxy: %s/none.sock, backend: web, ports: [8080], "
	    "networks: [10.0.0.0/8]}}}\n",
	    k.dir, k.dir, k.dir, k.dir, k.dir, k.dir, k.dir)
	    .p;
}

static void
setup(void)
{
	struct buf jwks = { 0 };
	struct error err = { 0 };
	struct str file;

	kit_files(&k);
	ck_assert_msg(token_ring_rotate(k.a, kit_path(&k, "ring"), KEY_P256,
			  KIT_NOW_S - 60, 0, false, &file, &err),
	    "%s", err.msg);
	ring = token_ring_open(kit_path(&k, "ring"), &err);
	ck_assert_msg(ring != NULL, "%s", err.msg);
	ck_assert(token_ring_jwks(ring, KIT_NOW_S, &jwks, NULL));
	buf_byte(&jwks, '\0');
	kit_put(&k, "jwks.json", jwks.p);
	buf_free(&jwks);
	kit_put(&k, "avow.yaml", config());
	kit_load(&k);
	log_threshold(LOG_ERROR);
	k.env.clock = &k.clock;
	k.env.prover.cache = attest_cache_new();
	k.env.prover.dpop = dpop_new(NULL);
	k.env.log = engine_log_open(kit_path(&k, "decisions.jsonl"), &err);
	holder = make_key("holder.key.pem");
	other = make_key("other.key.pem");
	holder_jkt = thumbprint_of(holder);
	make_certificate(&(const struct saying){ 0 });
}

static void
teardown(void)
{
	attest_key_free(holder);
	attest_key_free(other);
	token_ring_free(ring);
	kit_fini(&k);
}

/* ---- rows ---- */

enum shown { TOKEN = 0, BEARER, DOCUMENT };
enum bound { TO_KEY = 0, TO_CERTIFICATE, TO_NOTHING };
enum cert { NO_CERT = 0, PEM_CERT, DER_CERT, BAD_CERT };

/* What differs from a good request with a token and its proof. */
struct row {
	const char *note;
	enum shown shown;
	enum bound bound;
	enum cert cert;
	const char *htm, *htu, *audience, *issuer, *target, *method, *client;
	const char *ath, *nonce, *revoked, *claims;
	int64_t made, expires;
	bool by_other, no_proof, verify_typ, peer_is_no_proxy;
	const char *code;
};

static const struct row rows[] = {
	{ .note = "a token with its proof", .code = "permit" },
	{ .note = "from any address", .client = "192.0.2.9", .code = "permit" },
	{ .note = "with a query, which is not proven",
	    .target = PATH "?x=1",
	    .htu = URL PATH,
	    .code = "permit" },
	{ .note = "HEAD", .method = "HEAD", .htm = "HEAD", .code = "permit" },
	{ .note = "an escaped path, as it was sent",
	    .target = "/debian/a%2Bb.deb",
	    .htu = URL "/debian/a%2Bb.deb",
	    .code = "permit" },
	{ .note = "an escaped path, decoded in the proof",
	    .target = "/debian/a%2Bb.deb",
	    .htu = URL "/debian/a+b.deb",
	    .code = "evidence.proof" },
	{ .note = "another's proof",
	    .by_other = true,
	    .code = "evidence.proof" },
	{ .note = "no proof", .no_proof = true, .code = "evidence.proof" },
	{ .note = "a proof for another method",
	    .htm = "HEAD",
	    .code = "evidence.proof" },
	{ .note = "a proof for another path",
	    .htu = URL "/debian/b",
	    .code = "evidence.proof" },
	{ .note = "a proof for another host",
	    .htu = "https://evil.example" PATH,
	    .code = "evidence.proof" },
	{ .note = "a proof for another token",
	    .ath = "x",
	    .code = "evidence.proof" },
	{ .note = "an old proof", .made = -61, .code = "evidence.proof" },
	{ .note = "a proof of tomorrow", .made = 61, .code = "evidence.proof" },
	{ .note = "no nonce", .nonce = "", .code = "evidence.proof" },
	{ .note = "another nonce",
	    .nonce = "AAAAAAAAAAAAAAAAAAAAAA",
	    .code = "evidence.proof" },
	{ .note = "for another gate",
	    .audience = "open",
	    .code = "evidence.audience" },
	{ .note = "of another issuer",
	    .issuer = "https://evil.example",
	    .code = "evidence.issuer" },
	{ .note = "expired", .expires = -1, .code = "evidence.expired" },
	{ .note = "the second it ends",
	    .expires = 0,
	    .code = "evidence.expired" },
	{ .note = "a verification token",
	    .verify_typ = true,
	    .code = "evidence.kind" },
	{ .note = "the instance is revoked",
	    .revoked = "instance t/i-1\n",
	    .code = "evidence.revoked" },
	{ .note = "the token is revoked",
	    .revoked = "document " KIT_DOC_ID "\n",
	    .code = "evidence.revoked" },
	{ .note = "without a claim that is required",
	    .claims = "{}",
	    .code = "requirement.claim" },
	{ .note = "from no proxy",
	    .peer_is_no_proxy = true,
	    .code = "request.peer" },
	/* A certificate's token is a bearer's by its scheme alone. */
	{ .note = "a certificate",
	    .shown = BEARER,
	    .bound = TO_CERTIFICATE,
	    .cert = PEM_CERT,
	    .code = "permit" },
	{ .note = "a certificate in Base64",
	    .shown = BEARER,
	    .bound = TO_CERTIFICATE,
	    .cert = DER_CERT,
	    .code = "permit" },
	{ .note = "no certificate",
	    .shown = BEARER,
	    .bound = TO_CERTIFICATE,
	    .code = "evidence.proof" },
	{ .note = "broken certificate",
	    .shown = BEARER,
	    .bound = TO_CERTIFICATE,
	    .cert = BAD_CERT,
	    .code = "evidence.malformed" },
	{ .note = "a certificate for a token that a key binds",
	    .shown = BEARER,
	    .cert = PEM_CERT,
	    .code = "evidence.proof" },
	{ .note = "a proof for a token that a certificate binds",
	    .bound = TO_CERTIFICATE,
	    .code = "evidence.proof" },
	{ .note = "a key's token as a bearer's",
	    .shown = BEARER,
	    .code = "evidence.proof" },
	/* Documents. */
	{ .note = "a document with its proof",
	    .shown = DOCUMENT,
	    .code = "permit" },
	{ .note = "a document with another's proof",
	    .shown = DOCUMENT,
	    .by_other = true,
	    .code = "evidence.proof" },
	{ .note = "a document with no proof",
	    .shown = DOCUMENT,
	    .no_proof = true,
	    .code = "evidence.proof" },
	{ .note = "a document with another's hash",
	    .shown = DOCUMENT,
	    .ath = "x",
	    .code = "evidence.proof" },
	{ .note = "an unbound document with a proof proves nothing",
	    .shown = DOCUMENT,
	    .bound = TO_NOTHING,
	    .code = "evidence.proof" },
	/* Where no key is demanded. */
	{ .note = "a gate without a url takes no proof",
	    .target = "/free/a",
	    .htu = URL "/free/a",
	    .audience = "open",
	    .code = "evidence.proof" },
	{ .note = "a bound token is no bearer, even where they are taken",
	    .target = "/free/a",
	    .shown = BEARER,
	    .audience = "open",
	    .code = "evidence.proof" },
	{ .note = "a certificate's token there",
	    .target = "/free/a",
	    .shown = BEARER,
	    .bound = TO_CERTIFICATE,
	    .cert = PEM_CERT,
	    .audience = "open",
	    .code = "permit" },
};

static const char * or (const char *given, const char *usual)
{
	return given ? given : usual;
}

static struct str
issue_token(const struct row *row)
{
	json_t *claims = json_loads(or (row->claims, CLAIMS), 0, NULL);
	int64_t issued = KIT_NOW_S - (row->note && row->expires < 0 ? 20 : 0);
	bool ends = strstr(row->note, "ends") || row->expires;
	struct token t = {
		.type = row->verify_typ ? TOKEN_VERIFY : TOKEN_FULL,
		.issuer = str_of(or (row->issuer, ISSUER)),
		.subject = STR("i-1"),
		.trust_domain = STR("acme.example"),
		.audience = str_of(or (row->audience, "updates")),
		.id = STR(KIT_DOC_ID),
		.issued_at = ends ? issued - 20 : issued,
		.not_before = ends ? issued - 20 : issued,
		.expires_at = KIT_NOW_S + (ends ? row->expires : 300),
		.claims = claims,
	};
	struct buf out = { 0 };
	struct error err = { 0 };
	struct str copy;

	if (row->bound == TO_CERTIFICATE)
		t.x5t = certificate.x5t;
	else
		t.jkt = holder_jkt;
	ck_assert_msg(token_issue(ring, &t, &out, &err), "%s", err.msg);
	copy = str_dup(k.a, buf_str(&out));
	buf_free(&out);
	json_decref(claims);
	return copy;
}

static const char *
nonce_now(void)
{
	static char nonce[DPOP_NONCE + 1];

	ck_assert(dpop_nonce(k.env.prover.dpop, k.now_ms / 1000, nonce, NULL));
	return nonce;
}

static struct str
prove(const struct row *row, struct str shown)
{
	struct dpop_request what = {
		.method = str_of(or (row->htm, "GET")),
		.url = str_of(or (row->htu, URL PATH)),
		.shown = row->ath ? str_of(row->ath) : shown,
		.now_unix_s = k.now_ms / 1000 + row->made,
	};
	struct buf out = { 0 };
	struct str copy;

	ck_assert(dpop_make(row->by_other ? other : holder, &what,
	    str_of(or (row->nonce, nonce_now())), STR(""), &out, NULL));
	copy = str_dup(k.a, buf_str(&out));
	buf_free(&out);
	return copy;
}

static void
forward(const struct row *row)
{
	kit_begin(&k, "GET", "/gate/auth");
	ck_assert(net_parse_addr(
	    row->peer_is_no_proxy ? STR("192.0.2.1") : STR("127.0.0.1"),
	    &k.q.peer));
	kit_header(&k, "X-Original-Method", str_of(or (row->method, "GET")));
	kit_header(&k, "X-Original-URI", str_of(or (row->target, PATH)));
	kit_header(&k, "X-Forwarded-For", str_of(or (row->client, "10.0.0.7")));
	kit_header(&k, "X-Forwarded-Proto", STR("https"));
	if (row->cert == PEM_CERT)
		kit_header(&k, "X-Client-Cert", certificate.escaped);
	else if (row->cert == DER_CERT)
		kit_header(&k, "X-Client-Cert", certificate.der64);
	else if (row->cert == BAD_CERT)
		kit_header(&k, "X-Client-Cert", STR("-----BEGIN%20X"));
	else
		kit_header(&k, "X-Client-Cert", STR(""));
}

static void
show(const struct row *row, struct str token, struct str proof)
{
	const char *scheme = row->shown == BEARER ? "Bearer" : "DPoP";

	kit_header(&k, "Authorization",
	    str_printf(k.a, "%s %.*s", scheme, STR_ARG(token)));
	if (row->shown != BEARER && proof.n)
		kit_header(&k, "DPoP", proof);
}

static void
ask(const struct row *row)
{
	struct str proof = STR("");

	kit_put(&k, "revoked", or (row->revoked, ""));
	if (row->revoked)
		kit_load(&k);
	forward(row);
	if (row->shown == DOCUMENT) {
		struct kit_doc doc = {
			.cnf = row->bound == TO_NOTHING ? NULL : holder_jkt.p
		};
		struct attest_evidence e = kit_sign(&k, &doc);

		kit_show(&k, &e);
		if (!row->no_proof)
			kit_header(&k, "DPoP", prove(row, e.document));
	} else {
		struct str token = issue_token(row);

		if (!row->no_proof)
			proof = prove(row, token);
		show(row, token, proof);
	}
	forward_auth_handle(&k.env, &k.q, &k.r);
}

static void
reason_is(const char *want, const char *note)
{
	struct str got = kit_answered(&k, "X-Avow-Reason");

	ck_assert_msg(str_eq(got, str_of(want)), "%s: got %.*s, want %s", note,
	    STR_ARG(got), want);
}

START_TEST(answers)
{
	const struct row *row = &rows[_i];
	json_t *line;

	ask(row);
	reason_is(row->code, row->note);
	ck_assert_int_eq(
	    kit_answered(&k, "WWW-Authenticate").n > 0, k.r.status == 401);
	line = kit_last_line(&k);
	ck_assert_str_eq(kit_text(line, "code"), row->code);
	json_decref(line);
	/* No token, proof or certificate in the log. */
	for (size_t i = 0; i < k.q.n_headers; i++)
		if (http_name_eq(k.headers[i].name, "Authorization") ||
		    http_name_eq(k.headers[i].name, "DPoP")) {
			struct str text = kit_log(&k);
			struct str end = str_sub(k.headers[i].value,
			    k.headers[i].value.n - 40, k.headers[i].value.n);

			ck_assert_ptr_null(
			    memmem(text.p, text.n, end.p, end.n));
		}
}
END_TEST

/* What policies see of it. */
START_TEST(a_token_is_a_principal)
{
	json_t *line, *request, *entity, *attrs;

	ask(&rows[0]);
	line = kit_last_line(&k);
	request = json_object_get(line, "request");
	ck_assert_str_eq(
	    kit_text(json_object_get(request, "principal"), "id"), "t/i-1");
	ck_assert_str_eq(
	    kit_text(json_object_get(request, "context"), "proof"), "key");
	entity = json_array_get(json_object_get(request, "entities"), 0);
	attrs = json_object_get(entity, "attrs");
	ck_assert_str_eq(kit_text(attrs, "kind"), "token");
	ck_assert_str_eq(kit_text(attrs, "issuer"), ISSUER);
	ck_assert_str_eq(kit_text(attrs, "documentId"), KIT_DOC_ID);
	ck_assert_str_eq(kit_text(attrs, "imageId"), "ami-1");
	ck_assert_str_eq(
	    kit_text(attrs, "spiffeId"), "spiffe://acme.example/instance/i-1");
	ck_assert_ptr_nonnull(json_object_get(attrs, "expiresAt"));
	json_decref(line);
}
END_TEST

/* The same request again, as it was; after a restart; and then as it should
 * be. */
START_TEST(no_proof_counts_twice)
{
	struct str token = issue_token(&rows[0]);
	struct str proof = prove(&rows[0], token);

	for (int i = 0; i < 3; i++) {
		forward(&rows[0]);
		show(&rows[0], token, proof);
		if (i == 2) {
			dpop_free(k.env.prover.dpop);
			k.env.prover.dpop = dpop_new(NULL);
		}
		forward_auth_handle(&k.env, &k.q, &k.r);
		reason_is(i == 0   ? "permit"
			  : i == 1 ? "evidence.replayed"
				   : "evidence.proof",
		    "the same proof");
	}
	ck_assert_ptr_nonnull(memmem(kit_answered(&k, "WWW-Authenticate").p,
	    kit_answered(&k, "WWW-Authenticate").n, "use_dpop_nonce", 14));
	ck_str_is(kit_answered(&k, "DPoP-Nonce"), nonce_now());
	forward(&rows[0]);
	show(&rows[0], token, prove(&rows[0], token));
	forward_auth_handle(&k.env, &k.q, &k.r);
	reason_is("permit", "with the new nonce");
}
END_TEST

static struct dpop *
shared_dpop(struct store **ret_store)
{
	struct error err = { 0 };
	struct str url = str_printf(k.a, "sqlite://%s/avow.db", k.dir);

	*ret_store = store_open_at(url, &k.clock, &err);
	ck_assert_msg(*ret_store != NULL, "%s", err.msg);
	return dpop_new_shared(*ret_store, &err);
}

static void
show_once_more(struct str token, struct str proof, const char *want)
{
	forward(&rows[0]);
	show(&rows[0], token, proof);
	forward_auth_handle(&k.env, &k.q, &k.r);
	reason_is(want, "at this node");
}

static bool
lose_table(struct sql *q, void *ctx, bool *keep, struct error *reterr)
{
	(void)ctx, (void)keep;
	return sql_do(q, "DROP TABLE dpop_spent", reterr);
}

/* `replay: store`: two gates behind one balancer, and then no store. */
START_TEST(nodes_share_what_was_proven)
{
	struct store *here, *there;
	struct dpop *nodes[] = { shared_dpop(&here), shared_dpop(&there) };
	struct str token = issue_token(&rows[0]), proof, next;

	dpop_free(k.env.prover.dpop);
	k.env.prover.dpop = nodes[0];
	proof = prove(&rows[0], token);
	next = prove(&rows[0], token);
	show_once_more(token, proof, "permit");
	k.env.prover.dpop = nodes[1];
	show_once_more(token, proof, "evidence.replayed");
	show_once_more(token, next, "permit");
	k.env.prover.dpop = nodes[0];
	show_once_more(token, next, "evidence.replayed");
	next = prove(&rows[0], token);
	ck_assert(store_change(there, lose_table, NULL, NULL));
	show_once_more(token, next, "system.store");
	dpop_free(nodes[1]);
	store_close(there);
	k.store = here;
}
END_TEST

/* What was refused for another reason leaves the proof unspent, so a flood of
 * proofs without right tokens fills nothing. */
START_TEST(what_fails_spends_nothing)
{
	struct str token = issue_token(&rows[0]);
	struct str proof = prove(&rows[0], token);

	kit_put(&k, "revoked", "instance t/i-1\n");
	kit_load(&k);
	forward(&rows[0]);
	show(&rows[0], token, proof);
	forward_auth_handle(&k.env, &k.q, &k.r);
	reason_is("evidence.revoked", "revoked");
	kit_put(&k, "revoked", "");
	kit_load(&k);
	forward(&rows[0]);
	show(&rows[0], token, proof);
	forward_auth_handle(&k.env, &k.q, &k.r);
	reason_is("permit", "the same proof");
}
END_TEST

/* The cache spares the signature alone: a token that it knows still wants a
 * proof, its time and no revocation. */
START_TEST(a_cached_token_is_no_bearer)
{
	struct row row = rows[0];
	struct str token = issue_token(&row);

	forward(&row);
	show(&row, token, prove(&row, token));
	forward_auth_handle(&k.env, &k.q, &k.r);
	reason_is("permit", "once");
	row.by_other = true;
	forward(&row);
	show(&row, token, prove(&row, token));
	forward_auth_handle(&k.env, &k.q, &k.r);
	reason_is("evidence.proof", "another's proof");
	row.shown = BEARER;
	forward(&row);
	show(&row, token, STR(""));
	forward_auth_handle(&k.env, &k.q, &k.r);
	reason_is("evidence.proof", "as a bearer's");
	k.now_ms += 300 * 1000;
	row = rows[0];
	forward(&row);
	show(&row, token, prove(&row, token));
	forward_auth_handle(&k.env, &k.q, &k.r);
	reason_is("evidence.expired", "after its end");
}
END_TEST

/* ---- a pool ---- */

/* A join with a token, whose proof is for the gate's own URL; then the member
 * is looked at again without one, and kept. */
START_TEST(a_member_by_its_key)
{
	struct row row = { .note = "join",
		.audience = "lb",
		.htm = "POST",
		.htu = "https://lb.example/gate/balancer/web" };
	const struct balancer_options options = {
		.config = k.env.state->config,
		.clock = &k.clock,
	};
	struct error err = { 0 };
	struct str token = issue_token(&row);
	struct balancer_who who;
	struct balancer_options with_store = options;

	k.store =
	    store_open(str_printf(k.a, "sqlite://%s/avow.db", k.dir), &err);
	ck_assert_msg(k.store != NULL, "%s", err.msg);
	with_store.store = k.store;
	k.env.balancer = balancer_new(&with_store, &err);
	ck_assert_msg(k.env.balancer != NULL, "%s", err.msg);
	for (int i = 0; i < 2; i++) {
		kit_begin(&k, "POST", "/gate/balancer/web");
		ck_assert(net_parse_addr(STR("10.0.0.7"), &k.q.peer));
		k.q.is_tls = true;
		k.q.body = STR("{\"address\":\"10.0.0.7\",\"port\":8080}");
		show(&row, token, i ? prove(&row, token) : STR(""));
		pool_handle(&k.env, &k.q, &k.r);
		reason_is(i ? "permit" : "evidence.proof", "join");
	}
	who = (struct balancer_who){
		.client = k.q.peer, .protocol = STR("https"), .now_ms = k.now_ms
	};
	ck_assert(attest_evidence_from_token(token, &who.evidence, NULL));
	ck_assert_msg(pool_prove_again(&k.env, k.a, STR("lb"), &who, &err),
	    "%s", err.msg);
	ck_assert_int_eq(who.proof, PROOF_KEY);
	who.now_ms += 300 * 1000;
	ck_assert(!pool_prove_again(&k.env, k.a, STR("lb"), &who, &err));
	ck_assert_int_eq(err.code, ERR_EVIDENCE_EXPIRED);
}
END_TEST

/* A certificate that somebody sends who is no proxy counts for nothing. */
START_TEST(a_certificate_from_no_proxy)
{
	struct row row = { .note = "join",
		.audience = "lb",
		.shown = BEARER,
		.bound = TO_CERTIFICATE };
	struct error err = { 0 };
	const struct balancer_options options = {
		.config = k.env.state->config,
		.store = k.store = store_open(
		    str_printf(k.a, "sqlite://%s/avow.db", k.dir), &err),
		.clock = &k.clock,
	};

	k.env.balancer = balancer_new(&options, &err);
	ck_assert_msg(k.env.balancer != NULL, "%s", err.msg);
	kit_begin(&k, "POST", "/gate/balancer/web");
	ck_assert(net_parse_addr(STR("10.0.0.7"), &k.q.peer));
	k.q.is_tls = true;
	k.q.body = STR("{\"address\":\"10.0.0.7\",\"port\":8080}");
	kit_header(&k, "X-Client-Cert", certificate.escaped);
	show(&row, issue_token(&row), STR(""));
	pool_handle(&k.env, &k.q, &k.r);
	reason_is("evidence.proof", "from the client itself");
}
END_TEST

/* ---- X509-SVIDs: the evidence is of spiffe://acme.example/instance/i-1 ----
 */

#define OURS "URI:spiffe://acme.example/instance/i-1"
#define SIGNS "critical,digitalSignature"
#define BOTH "serverAuth,clientAuth"
static const struct saying svids[] = {
	{ "a whole one", OURS, "critical,CA:FALSE", SIGNS, BOTH, "permit" },
	{ "without what may be missing", OURS, NULL, SIGNS, NULL, "permit" },
	{ "with a DNS name", OURS ",DNS:a.example", NULL, SIGNS, BOTH,
	    "permit" },
	{ "no id at all", "URI:https://a.example,DNS:a.example", NULL, NULL,
	    NULL, "permit" },
	{ "another instance's", "URI:spiffe://acme.example/instance/i-2", NULL,
	    SIGNS, BOTH, "evidence.proof" },
	{ "of another domain", "URI:spiffe://evil.example/instance/i-1", NULL,
	    SIGNS, BOTH, "evidence.proof" },
	{ "two ids", OURS ",URI:spiffe://acme.example/instance/i-2", NULL,
	    SIGNS, BOTH, "evidence.malformed" },
	{ "another URI beside it", "URI:https://a.example," OURS, NULL, SIGNS,
	    BOTH, "evidence.malformed" },
	{ "a domain alone", "URI:spiffe://acme.example", NULL, SIGNS, BOTH,
	    "evidence.malformed" },
	{ "a query", OURS "?x", NULL, SIGNS, BOTH, "evidence.malformed" },
	{ "in capitals", "URI:SPIFFE://acme.example/instance/i-1", NULL, SIGNS,
	    BOTH, "evidence.malformed" },
	{ "an authority's", OURS, "critical,CA:TRUE",
	    "critical,digitalSignature,keyCertSign", BOTH,
	    "evidence.malformed" },
	{ "no key usage", OURS, NULL, NULL, BOTH, "evidence.malformed" },
	{ "key usage that is not critical", OURS, NULL, "digitalSignature",
	    BOTH, "evidence.malformed" },
	{ "that signs nothing", OURS, NULL, "critical,keyAgreement", BOTH,
	    "evidence.malformed" },
	{ "that signs certificates", OURS, NULL, SIGNS ",keyCertSign", BOTH,
	    "evidence.malformed" },
	{ "that signs lists", OURS, NULL, SIGNS ",cRLSign", BOTH,
	    "evidence.malformed" },
	{ "for clients alone", OURS, NULL, SIGNS, "clientAuth",
	    "evidence.malformed" },
	{ "for mail", OURS, NULL, SIGNS, "emailProtection",
	    "evidence.malformed" },
};

START_TEST(a_certificate_that_names_an_id)
{
	const struct saying *say = &svids[_i];
	struct row row = { .note = say->note,
		.shown = BEARER,
		.bound = TO_CERTIFICATE,
		.cert = PEM_CERT };

	make_certificate(say);
	ask(&row);
	reason_is(say->code, say->note);
}
END_TEST

/* ---- certificates by themselves ---- */

static const char *const bad_certificates[] = { "%", "%4", "%zz", "x",
	"-----BEGIN CERTIFICATE-----", "MAA=", "-----BEGIN PUBLIC KEY-----" };

START_TEST(texts_that_are_no_certificate)
{
	struct error err = { 0 };
	struct str x5t;

	ck_assert(!attest_certificate_thumbprint(
	    k.a, str_of(bad_certificates[_i]), &x5t, &err));
	ck_assert_int_eq(err.code, ERR_EVIDENCE_MALFORMED);
}
END_TEST

START_TEST(two_certificates_are_none)
{
	struct error err = { 0 };
	struct str x5t,
	    twice = str_printf(k.a, "%.*s%.*s", STR_ARG(certificate.escaped),
		STR_ARG(certificate.escaped));

	ck_assert(!attest_certificate_thumbprint(k.a, twice, &x5t, &err));
	ck_assert_int_eq(err.code, ERR_EVIDENCE_MALFORMED);
	ck_assert(
	    attest_certificate_thumbprint(k.a, certificate.der64, &x5t, NULL));
	ck_assert(str_eq(x5t, certificate.x5t));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("possession");
	TCase *tc = tcase_create("possession");

	json_setup();
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, answers, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, a_token_is_a_principal);
	tcase_add_test(tc, no_proof_counts_twice);
	tcase_add_test(tc, nodes_share_what_was_proven);
	tcase_add_test(tc, what_fails_spends_nothing);
	tcase_add_test(tc, a_cached_token_is_no_bearer);
	tcase_add_test(tc, a_member_by_its_key);
	tcase_add_test(tc, a_certificate_from_no_proxy);
	tcase_add_loop_test(
	    tc, texts_that_are_no_certificate, 0, ARRAY_LEN(bad_certificates));
	tcase_add_test(tc, two_certificates_are_none);
	tcase_add_loop_test(
	    tc, a_certificate_that_names_an_id, 0, ARRAY_LEN(svids));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
