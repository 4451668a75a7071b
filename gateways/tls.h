/* tls.h - what the HTTP server needs of TLS beyond the library's own: a certificate that can be changed while running, who the client is by its certificate, and
 * the channel's own value. The only user of GnuTLS; `session` is libmicrohttpd's gnutls_session_t. RFC 5280 6 (path validation), RFC 9266 (tls-exporter). */
#ifndef GATEWAYS_TLS_H
#define GATEWAYS_TLS_H

#include "base/arena.h"
#include "base/error.h"

#define TLS_CHANNEL_BYTES 32u

/* A listener's certificate chain and key. A handshake finds its listener by its socket. */
struct tls_listener;

/* `has_socket` tells whether a connection of that number is the listener's; it is called from handshakes. NULL on error: ERR_KEY_FORM where the PEM cannot be read,
 * or certificate and key do not belong together. */
struct tls_listener *tls_listener_new(const char *certificate_pem,
    const char *key_pem, bool (*has_socket)(void *ctx, int fd), void *ctx,
    struct error *reterr);
/* When no handshake can come any more. */
void tls_listener_free(struct tls_listener *l);
/* Another certificate and key for handshakes from now on; the former stay when this fails. */
bool tls_listener_reload(struct tls_listener *l, const char *certificate_pem,
    const char *key_pem, struct error *reterr) MUST_USE;
/* The gnutls_certificate_retrieve_function2 for all of them. */
void *tls_handshake(void);

enum tls_client {
	TLS_CLIENT_NONE = 0, /* showed no certificate */
	TLS_CLIENT_REFUSED,  /* showed one that no configured CA vouches for now, or that is not for clients */
	TLS_CLIENT_PROVEN,
};

/* By the CAs that the listener was given. For TLS_CLIENT_PROVEN *ret_subject is the subject's name (RFC 4514), in `a`; a subject without a name is refused. */
enum tls_client tls_client_of(
    void *session, struct arena *a, struct str *ret_subject);

/* The connection's `tls-exporter` value. False under TLS 1.2, where it binds only sessions with an extended master secret (RFC 9266 2), and on error. */
bool tls_channel(void *session, uint8_t ret[TLS_CHANNEL_BYTES]) MUST_USE;

#endif
