/* token.h - tokens: short-lived signed statements of who an instance is, bound to its key. A named contract of attest/, beside attest/attest.h.
 *   a ring (folder of signing keys) -> token_issue -> compact JWS -> token_verify with public keys alone -> struct token
 * Standards: RFC 7515, 7519, 7800, 8693, 8725, 9449; SPIFFE's WIT- and JWT-SVID as exports. The header's `typ` says what a token is, and no reader of one type takes
 * another. A token has one audience, lives 5 minutes unless said and 60 at most, and is worth nothing without its holder's key (`cnf`); only a JWT-SVID is a bearer.
 * Times are seconds of UTC and always the caller's. Nothing here is followed or fetched from a message: no key, no URL, no algorithm. */
#ifndef ATTEST_TOKEN_H
#define ATTEST_TOKEN_H

#include "attest/attest.h"
#include "base/json.h"

/* ---- what a token says ------------------------------------------------------------------------------------------------------------------ */

enum token_type {
	TOKEN_NONE = 0,
	TOKEN_FULL,     /* `avow-token+jwt` */
	TOKEN_VERIFY,   /* `avow-verify+jwt`: verification mode alone */
	TOKEN_WIT,      /* `wit+jwt`: SPIFFE's WIT-SVID, bound by cnf.jwk */
	TOKEN_JWT_SVID, /* `JWT`: SPIFFE's JWT-SVID, a bearer */
};

/* The header's `typ`; "" for TOKEN_NONE. */
const char *token_typ(enum token_type type);
/* Its name in a token exchange (RFC 8693 3); "" where it is not given there. */
const char *token_urn(enum token_type type);
/* By a word (`full`, `verify`, `wit` or `wit-svid`, `jwt-svid`), a `typ`, or a name of RFC 8693: token_urn's, or `urn:ietf:params:oauth:token-type:access_token` (a full
 * token). TOKEN_NONE for other text. */
enum token_type token_type_of(struct str name);

/* Given to token_issue, and what token_verify found. Empty strings: not there. Borrowed when issuing; found ones live in the arena, `claims` until token_fini. */
struct token {
	enum token_type type;
	struct str issuer;       /* `iss` */
	struct str subject;      /* the instance or account id: [A-Za-z0-9][A-Za-z0-9._-]{0,127} */
	struct str trust_domain; /* not empty: `sub` is spiffe://TRUST_DOMAIN/instance/SUBJECT, else SUBJECT alone */
	struct str audience;     /* `aud`, exactly one */
	struct str id;           /* `jti`: 32 hex digits; empty when issuing: random */
	int64_t issued_at, not_before, expires_at;
	struct str jkt;          /* `cnf.jkt`: RFC 7638 thumbprint of the holder's key (of cnf.jwk in a WIT) */
	struct str x5t;          /* or `cnf.x5t#S256`: RFC 8705, SHA-256 of the holder's certificate */
	int64_t incarnation;     /* `inc`, 0 or more */
	const json_t *claims;    /* `claims`, names and shapes as in documents; NULL: none */
	const json_t *holder;    /* TOKEN_WIT: the holder's public key as JWK */
	struct str key_id;       /* found: thumbprint of the key that signed */
};
void token_fini(struct token *t); /* of one that token_verify wrote */

#define TOKEN_LIFETIME_S 300       /* when nothing else is said */
#define TOKEN_LIFETIME_MOST_S 3600

/* ---- keys that sign --------------------------------------------------------------------------------------------------------------------- */

/* A folder of private keys (PEM, 0600), each named after the moment from which it signs: `2026-03-01T120000Z.key.pem`. The youngest whose moment has come signs. A key is
 * published from when its file is there, so before it signs, until the last token has expired that it can have signed: TOKEN_LIFETIME_MOST_S and skew after the next
 * one began. Immutable once opened; open anew to see changes. */
struct token_ring;

struct token_ring_key {
	struct str kid; /* RFC 7638 thumbprint */
	struct str algorithm; /* ES256, EdDSA, RS256 */
	struct str file;
	int64_t signs_from, signs_until; /* INT64_MAX: no successor yet */
	int64_t published_until;
};

/* Errors: ERR_FILE_READ, ERR_FILE_MODE, ERR_KEY_FORM, ERR_CONFIG_VALUE (a *.key.pem whose name is no time; two of one moment; no key). */
struct token_ring *token_ring_open(const char *folder, struct error *reterr);
void token_ring_free(struct token_ring *r);
size_t token_ring_count(const struct token_ring *r);
/* Oldest first; lent. */
const struct token_ring_key *token_ring_at(const struct token_ring *r, size_t i);
/* The key that signs at `now_unix_s`; lent. NULL with ERR_SYSTEM_NOT_READY when none has begun. */
const struct attest_key *token_ring_signer(const struct token_ring *r,
    int64_t now_unix_s, struct error *reterr);
/* Make a key (the folder is made, 0700, if it is not there) that signs `after_s` seconds from now, at once when it is the first; and take away the files of keys that
 * are no longer published. *ret_file lives in `a`. Clients keep the key set for TOKEN_KEYS_MAX_AGE_S, so `after_s` below it needs `hasty`, for a key that leaked. */
bool token_ring_rotate(struct arena *a, const char *folder,
    enum attest_key_type type, int64_t now_unix_s, int64_t after_s, bool hasty,
    struct str *ret_file, struct error *reterr) MUST_USE;

#define TOKEN_KEYS_MAX_AGE_S 300 /* of /.well-known/jwks.json: Cache-Control: max-age=300 */
#define TOKEN_ROTATE_AFTER_S 600 /* default lead of a new key */

/* The public keys as JWKS (RFC 7517), for `/.well-known/jwks.json` (application/jwk-set+json). */
bool token_ring_jwks(const struct token_ring *r, int64_t now_unix_s,
    struct buf *out, struct error *reterr) MUST_USE;
/* The same as a SPIFFE bundle: each key once a use (jwt-svid, wit-svid), spiffe_sequence (rises with each key that comes or goes) and spiffe_refresh_hint. */
bool token_ring_spiffe_bundle(const struct token_ring *r, int64_t now_unix_s,
    struct buf *out, struct error *reterr) MUST_USE;

/* Append a compact JWS, signed by the ring's key at `t->issued_at`. Refuses (ERR_USAGE) what no reader of ours would take: a lifetime over the most, neither `jkt` nor
 * `x5t` but for TOKEN_JWT_SVID, a subject or audience of the wrong form. Zero issued_at is not `now`: say it. */
bool token_issue(const struct token_ring *r, const struct token *t,
    struct buf *out, struct error *reterr) MUST_USE;

/* ---- keys that verify, and verification ------------------------------------------------------------------------------------------------- */

struct token_keys;
/* A JWKS file, a PEM file, or a folder of *.pem, *.json and *.jwks. No private keys. Errors: ERR_KEY_FORM, ERR_CONFIG_TRUST, ERR_FILE_READ. */
struct token_keys *token_keys_open(const char *path, struct error *reterr);
/* From JWKS text that was fetched or configured; `name` for messages. */
struct token_keys *token_keys_parse(const char *name, struct str jwks,
    struct error *reterr);
/* The public halves of a ring that are published at `now_unix_s`: for the service itself. */
struct token_keys *token_keys_of_ring(const struct token_ring *r,
    int64_t now_unix_s, struct error *reterr);
void token_keys_free(struct token_keys *k);

/* What the reader demands. All of it is compared byte for byte. */
struct token_want {
	enum token_type type;
	const struct token_keys *keys;
	struct str issuer;   /* required */
	struct str audience; /* required, but for TOKEN_WIT, which has none */
	struct str trust_domain; /* not empty: `sub` must be of it. Required for WIT and JWT-SVID */
	const struct attest_revoked *revoked; /* NULL: none */
	struct str prefix;   /* before the id, for `revoked` */
	int64_t now_unix_s;
};

/* Signature first, then `typ`, shape, times (skew LIMIT_SKEW_S on `iat` and `nbf`, none on `exp`), issuer, audience, revocation (`jti`, the signing key, the holder's
 * key, the account). It does *not* prove that who shows it holds the key: compare `ret->jkt` with a proof (attest/dpop.h), `ret->x5t` with the certificate.
 * Errors: ERR_EVIDENCE_* as for documents. token_fini the result. */
bool token_verify(struct arena *a, struct str compact,
    const struct token_want *want, struct token *ret, struct error *reterr)
    MUST_USE;

/* For people and programs: `{"verdict":"valid","typ","issuer","keyId","subject","trustDomain","audience","id","issuedAt","expiresAt","cnf","incarnation","claims"}`, or with
 * `t` NULL `{"verdict":"refused","code","message"}`. NULL when memory is out. */
json_t *token_verdict(const struct token *t, const struct error *why);

/* ---- token exchange (RFC 8693): never more than there was ------------------------------------------------------------------------------- */

struct token_exchange {
	const struct token *subject; /* verified just now */
	struct str proven_jkt, proven_x5t; /* what the asker proved; must be what binds `subject` */
	struct str service;   /* a token for this audience may be exchanged for another; any other only for its own */
	enum token_type type; /* TOKEN_FULL, TOKEN_WIT, TOKEN_JWT_SVID */
	struct str audience;  /* empty: the subject's */
	int64_t lifetime_s;   /* 0: TOKEN_LIFETIME_S; cut at the subject's expiry in any case */
	const struct str *claims; /* names to keep; NULL: all (a WIT and a JWT-SVID carry none) */
	size_t n_claims;
	const json_t *holder; /* TOKEN_WIT: the holder's JWK; its thumbprint must be the subject's jkt */
	struct str trust_domain; /* WIT and JWT-SVID: required */
	bool allow_bearer;    /* TOKEN_JWT_SVID is refused without */
	int64_t now_unix_s;
};

/* What the new token will say (lives in `a`, borrows from `x`); then token_issue. Errors: ERR_EVIDENCE_AUDIENCE (would widen), ERR_EVIDENCE_PROOF, ERR_EVIDENCE_EXPIRED,
 * ERR_REQUIREMENT_CLAIM (a claim to keep that is not there), ERR_REQUEST_MALFORMED. token_fini the result. */
bool token_exchange(struct arena *a, const struct token_exchange *x,
    struct token *ret, struct error *reterr) MUST_USE;

#endif
