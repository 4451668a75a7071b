#include "gateways/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "tests/lib/run.h"

static char *certificate, *key;
static struct http_server *server;

static char *
drain(BIO *bio)
{
	char *p;
	long n = BIO_get_mem_data(bio, &p);
	char *z = calloc(1, (size_t)n + 1);

	ck_assert_ptr_nonnull(z);
	memcpy(z, p, (size_t)n);
	BIO_free(bio);
	return z;
}

static void
make_certificate(void)
{
	EVP_PKEY *pair = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	BIO *c = BIO_new(BIO_s_mem()), *k = BIO_new(BIO_s_mem());
	X509_NAME *name;

	ck_assert(pair && x && c && k);
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, pair);
	name = X509_get_subject_name(x);
	X509_NAME_add_entry_by_txt(
	    name, "CN", MBSTRING_ASC, (const unsigned char *)"gate", -1, -1, 0);
	X509_set_issuer_name(x, name);
	ck_assert(X509_sign(x, pair, EVP_sha256()) > 0);
	ck_assert(PEM_write_bio_X509(c, x) == 1);
	ck_assert(
	    PEM_write_bio_PrivateKey(k, pair, NULL, NULL, 0, NULL, NULL) == 1);
	certificate = drain(c);
	key = drain(k);
	X509_free(x);
	EVP_PKEY_free(pair);
}

static void
answer(void *ctx, const struct http_request *q, struct http_response *r)
{
	(void)ctx;
	r->status = 200;
	buf_addz(&r->body, q->is_tls ? "[tls]" : "[plain]");
}

static void
start(void)
{
	struct http_options o = { .listen = "127.0.0.1:0",
		.threads = 1,
		.handle = answer,
		.head_ms = 2000 };
	struct error err = { 0 };

	log_threshold(LOG_ERROR);
	make_certificate();
	o.tls_certificate_pem = certificate;
	o.tls_key_pem = key;
	server = http_server_start(&o, &err);
	ck_assert_msg(server != NULL, "%s", err.msg);
}

static void
stop(void)
{
	http_server_stop(server, 1000);
	free(certificate);
	free(key);
}

static int
dial(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(http_server_port(server)) };
	struct timeval patience = { .tv_sec = 10 };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert(connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	return fd;
}

static const struct {
	int version;
	bool works;
} versions[] = {
	{ TLS1_3_VERSION, true },
	{ TLS1_2_VERSION, true },
	{ TLS1_1_VERSION, false },
	{ TLS1_VERSION, false },
};

START_TEST(tls_version)
{
	static const char ask[] = "GET / HTTP/1.1\r\nHost: a\r\n"
				  "Connection: close\r\n\r\n";
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl;
	char got[4096];
	size_t n = 0;
	int fd = dial(), k;

	ck_assert_ptr_nonnull(ctx);
	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_min_proto_version(ctx, versions[_i].version);
	SSL_CTX_set_max_proto_version(ctx, versions[_i].version);
	ssl = SSL_new(ctx);
	SSL_set_fd(ssl, fd);
	ck_assert_int_eq(SSL_connect(ssl) == 1, versions[_i].works);
	if (versions[_i].works) {
		ck_assert(SSL_write(ssl, ask, sizeof ask - 1) > 0);
		while (
		    n < sizeof got - 1 &&
		    (k = SSL_read(ssl, got + n, (int)(sizeof got - 1 - n))) > 0)
			n += (size_t)k;
		got[n] = '\0';
		ck_assert_msg(strstr(got, "[tls]") != NULL, "%s", got);
		ck_assert_ptr_nonnull(strstr(got, "no-store"));
	}
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(fd);
}
END_TEST

START_TEST(plain_on_tls_port)
{
	static const char ask[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
	char got[256];
	ssize_t n, all = 0;
	int fd = dial();

	ck_assert(send(fd, ask, sizeof ask - 1, MSG_NOSIGNAL) > 0);
	while ((n = recv(fd, got + all, sizeof got - 1 - (size_t)all, 0)) > 0)
		all += n;
	got[all] = '\0';
	ck_assert_ptr_null(strstr(got, "HTTP/"));
	close(fd);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("http_tls");
	TCase *tc = tcase_create("http_tls");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, tls_version, 0, ARRAY_LEN(versions));
	tcase_add_test(tc, plain_on_tls_port);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
