/* prove.h - challenge and response: what is signed, the side that proves, and a side that checks with public keys alone. A named contract of attest/.
 * A prover never sends its secret: it sends a MAC or a signature over one message that names everything the proof is for, so a proof made for one service, account,
 * audience, key, relay or channel is worth nothing for another. Message: each field as 4-byte big-endian length and its bytes, in this order: `avow-proof-v1`, role,
 * method, service URI as the prover configured it, account, challenge, nonce, audience, thumbprint of the key that is bound, relay, channel (SECURITY 7; S3, S10).
 * HMAC: HMAC-SHA256 under HKDF-SHA256(IKM secret, salt account, info `avow hmac v1`) (RFC 5869). Signatures: those of sig.h; the key alone says the algorithm.
 * The role is the prover's, so that no proof can be reflected to the one who asked for it. Times are UTC; a challenge lives LIMIT_CHALLENGE_S. */
#ifndef ATTEST_PROVE_H
#define ATTEST_PROVE_H

#include "attest/attest.h"
#include "base/clock.h"
#include "base/json.h"

enum prove_role {
	PROVE_ROLE_NONE = 0,
	PROVE_ACCOUNT,  /* `account`: an account proves itself to the token service */
	PROVE_ENROL,    /* `enrol`: an injected secret registers the instance's own key there, once */
	PROVE_ATTEST,   /* `attest`: a key that evidence of a cloud is to bind to its instance, there */
	PROVE_CLIENT,   /* `client`: a client proves itself to an instance (S10) */
	PROVE_INSTANCE, /* `instance`: an instance proves itself to a client */
};
enum prove_method { PROVE_METHOD_NONE = 0, PROVE_HMAC, PROVE_P256, PROVE_ED25519, PROVE_RSA };

/* The names above, `hmac p256 ed25519 rsa`; "" and _NONE for what is none. */
const char *prove_role_name(enum prove_role role);
enum prove_role prove_role_of(struct str name);
const char *prove_method_name(enum prove_method method);
enum prove_method prove_method_of(struct str name);

#define PROVE_CHALLENGE_BYTES 73 /* version, expiry, 32 random bytes, MAC; opaque to a prover */
#define PROVE_NONCE_BYTES 16
#define PROVE_SECRET_BYTES 32
#define PROVE_MAC_BYTES 32

/* Where random bytes come from. {NULL, NULL}: OpenSSL's generator. False: none to be had, and the caller refuses. */
struct prove_random {
	bool (*fill)(void *ctx, uint8_t *to, size_t n);
	void *ctx;
};

/* What travels, decoded. Enrolling and method hmac also carry `key` (SubjectPublicKeyInfo, DER) and its signature over the same message: the key that is
 * registered, or that the token is bound to, is one that the prover has. PROVE_ATTEST carries `key` alone: `proof` is its signature. Else the bound key is the account's own, and both are empty. */
struct prove_answer {
	enum prove_role role;
	enum prove_method method; /* PROVE_HMAC for PROVE_ENROL, and never for PROVE_ATTEST */
	struct str account, audience, relay; /* relay: the controller that carries it, or empty */
	struct str challenge, nonce; /* raw bytes */
	struct str jkt;              /* thumbprint of the bound key */
	struct str proof;            /* MAC or signature, raw */
	struct str key, key_proof;
};

/* As JSON: role, method, account, audience, challenge, nonce, jkt, relay?, proof, key?, keyProof?; bytes in unpadded Base64url; all strings; nothing else may stand
 * there. At most LIMIT_ANSWER_BYTES. What comes out lives in `a`, has the right lengths and well-formed ids, and is believed by nobody.
 * Errors: ERR_EVIDENCE_MALFORMED, ERR_EVIDENCE_TOO_LARGE, memory. */
bool prove_answer_parse(struct arena *a, struct str text,
    struct prove_answer *ret, struct error *reterr) MUST_USE;
/* The same from an object that is parsed already (a request's body or part of one). */
bool prove_answer_read(struct arena *a, const json_t *object,
    struct prove_answer *ret, struct error *reterr) MUST_USE;
bool prove_answer_write(const struct prove_answer *answer, struct buf *out) MUST_USE;

/* The exact bytes that are signed. `service` and `channel` are the reader's own: they never come from the message. False when memory is out. */
bool prove_message(const struct prove_answer *answer, struct str service,
    struct str channel, struct buf *out) MUST_USE;

/* ---- the side that proves --------------------------------------------------------------------------------------------------------------- */

struct prove_with {
	struct str service;  /* URI of the one who asks, as configured here: never as it names itself */
	struct str channel;  /* value of the TLS exporter (RFC 9266) where the service demands it, else empty */
	struct str secret;   /* PROVE_HMAC: the 32 bytes that were injected */
	const struct attest_key *key; /* the account's own key; with PROVE_HMAC the one to register or to bind */
	struct prove_random random;
};

/* Fill nonce, jkt, proof, key and key_proof of `ret`, whose role, account, audience, relay and challenge the caller has set; `method` follows from `with` (hmac when
 * there is a secret). Strings live in `a`. Nothing of the secret is left in memory of ours. Errors: ERR_USAGE, ERR_KEY_FORM, ERR_SYSTEM_ERROR, memory. */
bool prove_answer_make(struct arena *a, const struct prove_with *with,
    struct prove_answer *ret, struct error *reterr) MUST_USE;
/* The method that this key proves by; PROVE_METHOD_NONE for NULL. */
enum prove_method prove_method_of_key(const struct attest_key *key);
/* The thumbprint (RFC 7638), lent from the key. */
struct str prove_key_thumbprint(const struct attest_key *key);
/* SubjectPublicKeyInfo of the key, DER, onto `out`. */
bool prove_key_spki(const struct attest_key *key, struct buf *out,
    struct error *reterr) MUST_USE;
/* The same from PEM text with exactly one public key: what a controller registers. Errors: ERR_KEY_FORM, ERR_CONFIG_TRUST for a private key. */
bool prove_spki_of_pem(const char *file, struct str pem, struct buf *out,
    struct error *reterr) MUST_USE;

/* ---- the side that checks, with public keys alone (S10) --------------------------------------------------------------------------------- */

/* An instance that asks its clients, or a client that asks an instance. No store: challenges are MACed under a key of this object's own, so that a restart voids them,
 * and what was answered is remembered until it has expired, so many at once, beyond which nothing is accepted. Thread-safe. */
struct prove_peer;

struct prove_peer_options {
	enum prove_role role; /* that the others prove in: PROVE_CLIENT or PROVE_INSTANCE */
	struct str service;   /* this side's URI, as the others have it configured */
	struct str audience;  /* what for; provers must say the same */
	const struct clock *clock;
	struct prove_random random;
	size_t spent_most;    /* challenges answered within their minute; 0: LIMIT_PEER_SPENT, which is also the most */
};

struct prove_peer *prove_peer_new(const struct prove_peer_options *options,
    struct error *reterr);
void prove_peer_free(struct prove_peer *p);
/* Add one account and its public key (PEM, exactly one). An account has one key: adding it again replaces it. At most LIMIT_PEER_ACCOUNTS. Not while others verify. */
bool prove_peer_trust(struct prove_peer *p, struct str account,
    const char *file, struct str pem, struct error *reterr) MUST_USE;
/* PROVE_CHALLENGE_BYTES raw bytes for any account, known or not, onto `out`. Errors: ERR_SYSTEM_ERROR, ERR_REQUEST_MALFORMED (no account id or method). */
bool prove_peer_challenge(struct prove_peer *p, struct str account,
    enum prove_method method, struct buf *out, struct error *reterr) MUST_USE;
/* True: the account is who it says. The challenge is spent in any case. Errors: ERR_EVIDENCE_PROOF (unknown, wrong, for another: all the same), ERR_EVIDENCE_EXPIRED,
 * ERR_EVIDENCE_REPLAYED, ERR_SYSTEM_LIMIT (too many spent). */
bool prove_peer_verify(struct prove_peer *p, const struct prove_answer *answer,
    struct str channel, struct error *reterr) MUST_USE;

#endif
