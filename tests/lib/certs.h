/* certs.h - certificates for tests of TLS, made on the spot. Everything aborts the test when it fails. PEM texts live in the arena. */
#ifndef TESTS_CERTS_H
#define TESTS_CERTS_H

#include "base/arena.h"
#include "base/str.h"

struct evp_pkey_st;
struct x509_st;

struct certs_ca {
	struct evp_pkey_st *key;
	struct x509_st *certificate;
	const char *pem;
};

struct certs_leaf {
	const char *certificate, *key; /* PEM */
};

/* What a certificate says; zero: valid now, for servers. */
struct certs_say {
	const char *cn, *org;
	const char *names;   /* as `DNS:localhost,IP:127.0.0.1`; NULL: none */
	bool is_for_clients; /* else for servers */
	bool is_expired;
};

void certs_ca_make(struct certs_ca *ca, struct arena *a, const char *cn);
void certs_ca_free(struct certs_ca *ca);
struct certs_leaf certs_leaf(const struct certs_ca *ca, struct arena *a,
    const struct certs_say *say);

#endif
