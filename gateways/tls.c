/* tls.c - GnuTLS, as far as libmicrohttpd leaves it to its user. */
#include "gateways/tls.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <stdlib.h>

#define CHAIN_MAX 16u

struct identity {
	gnutls_pcert_st chain[CHAIN_MAX];
	unsigned n;
	gnutls_privkey_t key;
	struct identity *older; /* a handshake may still use it */
};

struct tls_listener {
	bool (*has_socket)(void *ctx, int fd);
	void *ctx;
	struct identity *identity;
	struct tls_listener *next;
};

/* The library says no more of a handshake than which socket it is on. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct tls_listener *listeners;

static gnutls_datum_t
datum_of(const char *z)
{
	return (gnutls_datum_t){ (unsigned char *)(uintptr_t)z,
		(unsigned)strlen(z) };
}

static bool
failed(const char *what, int status, struct error *reterr)
{
	return error_set(reterr, ERR_KEY_FORM, SPAN_NONE, "%s: %s", what,
	    gnutls_strerror(status));
}

static bool
read_chain(struct identity *id, const char *pem, struct error *reterr)
{
	const gnutls_datum_t text = datum_of(pem);
	unsigned n = CHAIN_MAX;
	int status = gnutls_pcert_list_import_x509_raw(id->chain, &n, &text,
	    GNUTLS_X509_FMT_PEM,
	    GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED |
		GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED);

	if (status != GNUTLS_E_SUCCESS)
		return failed(
		    "the TLS certificate cannot be read", status, reterr);
	id->n = n;
	return n > 0 || error_set(reterr, ERR_KEY_FORM, SPAN_NONE,
			    "there is no TLS certificate");
}

static bool
read_key(struct identity *id, const char *pem, struct error *reterr)
{
	const gnutls_datum_t text = datum_of(pem);
	int status = gnutls_privkey_init(&id->key);

	if (status == GNUTLS_E_SUCCESS)
		status = gnutls_privkey_import_x509_raw(
		    id->key, &text, GNUTLS_X509_FMT_PEM, NULL, 0);
	return status == GNUTLS_E_SUCCESS ||
	       failed("the TLS key cannot be read", status, reterr);
}

/* The key's own public half is the certificate's. */
static bool
check_pair(struct identity *id, struct error *reterr)
{
	unsigned char a[64], b[64];
	size_t a_n = sizeof a, b_n = sizeof b;
	gnutls_pubkey_t public = NULL;
	bool same = gnutls_pubkey_init(&public) == GNUTLS_E_SUCCESS &&
		    gnutls_pubkey_import_privkey(public, id->key, 0, 0) ==
			GNUTLS_E_SUCCESS &&
		    gnutls_pubkey_get_key_id(public, GNUTLS_KEYID_USE_SHA256, a,
			&a_n) == GNUTLS_E_SUCCESS &&
		    gnutls_pubkey_get_key_id(id->chain[0].pubkey,
			GNUTLS_KEYID_USE_SHA256, b, &b_n) == GNUTLS_E_SUCCESS &&
		    a_n == b_n && memcmp(a, b, a_n) == 0;

	if (public)
		gnutls_pubkey_deinit(public);
	return same || error_set(reterr, ERR_KEY_FORM, SPAN_NONE,
			   "TLS certificate and key do not belong together");
}

static void
identity_free(struct identity *id)
{
	struct identity *older;

	for (; id; id = older) {
		older = id->older;
		for (unsigned i = 0; i < id->n; i++)
			gnutls_pcert_deinit(&id->chain[i]);
		if (id->key)
			gnutls_privkey_deinit(id->key);
		free(id);
	}
}

static struct identity *
identity_new(
    const char *certificate_pem, const char *key_pem, struct error *reterr)
{
	struct identity *id = calloc(1, sizeof *id);

	if (!id) {
		error_nomem(reterr);
		return NULL;
	}
	if (read_chain(id, certificate_pem, reterr) &&
	    read_key(id, key_pem, reterr) && check_pair(id, reterr))
		return id;
	identity_free(id);
	return NULL;
}

/* ---- listeners ----------------------------------------------------------- */

struct tls_listener *
tls_listener_new(const char *certificate_pem, const char *key_pem,
    bool (*has_socket)(void *ctx, int fd), void *ctx, struct error *reterr)
{
	struct tls_listener *l = calloc(1, sizeof *l);

	if (!l) {
		error_nomem(reterr);
		return NULL;
	}
	l->has_socket = has_socket;
	l->ctx = ctx;
	l->identity = identity_new(certificate_pem, key_pem, reterr);
	if (!l->identity) {
		free(l);
		return NULL;
	}
	pthread_mutex_lock(&lock);
	l->next = listeners;
	listeners = l;
	pthread_mutex_unlock(&lock);
	return l;
}

void
tls_listener_free(struct tls_listener *l)
{
	struct tls_listener **at = &listeners;

	if (!l)
		return;
	pthread_mutex_lock(&lock);
	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	pthread_mutex_unlock(&lock);
	identity_free(l->identity);
	free(l);
}

bool
tls_listener_reload(struct tls_listener *l, const char *certificate_pem,
    const char *key_pem, struct error *reterr)
{
	struct identity *id = identity_new(certificate_pem, key_pem, reterr);

	if (!id)
		return false;
	pthread_mutex_lock(&lock);
	id->older = l->identity;
	l->identity = id;
	pthread_mutex_unlock(&lock);
	return true;
}

static struct identity *
find_identity(int fd)
{
	struct identity *found = NULL;

	pthread_mutex_lock(&lock);
	for (struct tls_listener *l = listeners; l && !found; l = l->next)
		if (l->has_socket(l->ctx, fd))
			found = l->identity;
	pthread_mutex_unlock(&lock);
	return found;
}

static int
on_handshake(gnutls_session_t session, const gnutls_datum_t *names, int n_names,
    const gnutls_pk_algorithm_t *algorithms, int n_algorithms,
    gnutls_pcert_st **ret_chain, unsigned *ret_n, gnutls_privkey_t *ret_key)
{
	struct identity *id = find_identity(gnutls_transport_get_int(session));

	(void)names, (void)n_names, (void)algorithms, (void)n_algorithms;
	if (!id)
		return -1;
	*ret_chain = id->chain;
	*ret_n = id->n;
	*ret_key = id->key;
	return 0;
}

void *
tls_handshake(void)
{
	return (void *)(uintptr_t)on_handshake;
}

/* ---- the client ---------------------------------------------------------- */

/* Chain, dates, and that it is a client's: a server's certificate of the same
 * CA opens nothing. */
static bool
is_vouched_for(gnutls_session_t session)
{
	gnutls_typed_vdata_st want = { .type = GNUTLS_DT_KEY_PURPOSE_OID,
		.data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT };
	unsigned status = ~0u;

	return gnutls_certificate_verify_peers(session, &want, 1, &status) ==
		   GNUTLS_E_SUCCESS &&
	       status == 0;
}

static bool
subject_of(const gnutls_datum_t *der, struct arena *a, struct str *ret)
{
	gnutls_x509_crt_t crt = NULL;
	gnutls_datum_t name = { 0 };
	bool ok = gnutls_x509_crt_init(&crt) == GNUTLS_E_SUCCESS &&
		  gnutls_x509_crt_import(crt, der, GNUTLS_X509_FMT_DER) ==
		      GNUTLS_E_SUCCESS &&
		  gnutls_x509_crt_get_dn3(crt, &name, 0) == GNUTLS_E_SUCCESS &&
		  name.size > 0;

	if (ok) {
		*ret = str_dup(
		    a, (struct str){ (const char *)name.data, name.size });
		ok = ret->p != NULL;
	}
	gnutls_free(name.data);
	if (crt)
		gnutls_x509_crt_deinit(crt);
	return ok;
}

enum tls_client
tls_client_of(void *session, struct arena *a, struct str *ret_subject)
{
	unsigned n = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &n);

	if (!chain || n == 0)
		return TLS_CLIENT_NONE;
	return is_vouched_for(session) && subject_of(&chain[0], a, ret_subject)
		   ? TLS_CLIENT_PROVEN
		   : TLS_CLIENT_REFUSED;
}

bool
tls_channel(void *session, uint8_t ret[TLS_CHANNEL_BYTES])
{
	gnutls_datum_t value = { 0 };
	bool ok = gnutls_protocol_get_version(session) == GNUTLS_TLS1_3 &&
		  gnutls_session_channel_binding(session,
		      GNUTLS_CB_TLS_EXPORTER, &value) == GNUTLS_E_SUCCESS &&
		  value.size == TLS_CHANNEL_BYTES;

	if (ok)
		memcpy(ret, value.data, TLS_CHANNEL_BYTES);
	gnutls_free(value.data);
	return ok;
}
