/* attest.h - the door of attest/: evidence in, verified claims out; and the other side, which makes keys and documents.
 *   evidence (bytes received) -> sig or cms (which bytes, which key) -> doc (parse, once, the verified bytes) -> verify (trust, times, revocation) -> claims
 * Trust is what the operator wrote: nothing is inferred from the message but which of the trusted keys to try. Text that was not verified never leaves this folder.
 * RFC 9334's roles: the instance attests, this is the verifier, a gate is the relying party. */
#ifndef ATTEST_ATTEST_H
#define ATTEST_ATTEST_H

#include <stdatomic.h>

#include "policy/claims.h"

/* ---- keys ------------------------------------------------------------------------------------------------------------------------------- */

enum attest_key_type { KEY_NONE = 0, KEY_RSA2048, KEY_P256, KEY_ED25519 };
struct attest_key; /* a private key */

/* `rsa2048`, `p256`, `ed25519`; KEY_NONE for other text. */
enum attest_key_type attest_key_type_of(struct str name);
/* Make a key and write it to `path` as PEM (PKCS #8), 0600, O_EXCL. */
bool attest_key_create(enum attest_key_type type, const char *path,
    struct error *reterr) MUST_USE;
/* Refuses files that others can read. NULL on error. */
struct attest_key *attest_key_open(const char *path, struct error *reterr);
void attest_key_free(struct attest_key *key);
/* The public half as PEM (SubjectPublicKeyInfo). `path` may hold the private or the public key. */
bool attest_key_public_pem(const char *path, struct buf *out,
    struct error *reterr) MUST_USE;

/* RFC 7638 thumbprint of the (first) key in a file, private or public, or of a certificate's key; 43 characters and NUL. */
bool attest_key_thumbprint(const char *path, char ret[44],
    struct error *reterr) MUST_USE;

/* ---- forms of our own documents --------------------------------------------------------------------------------------------------------- */

/* How a document of ours is signed: docs/documents.md. Packs and `doc verify` name the form by its kind (`avow`, `avow-embedded`, `avow-jws`, `avow-cms`): it is never guessed.
 * All but the first have the signature inside: `document` is the whole of it, and no signature stands beside. */
enum attest_form {
	ATTEST_DETACHED = 0, /* over the document's exact bytes */
	ATTEST_EMBEDDED,     /* a member `signature` of canonical JSON (RFC 8785) */
	ATTEST_JWS,          /* compact (RFC 7515), `typ` avow-document+jwt */
	ATTEST_CMS,          /* SignedData in DER (RFC 5652), the document inside; not with Ed25519 */
	ATTEST_FORMS
};
/* `detached`, `embedded`, `jws`, `cms`. */
bool attest_form_of(struct str name, enum attest_form *ret) MUST_USE;
struct str attest_form_name(enum attest_form form);
struct str attest_form_kind(enum attest_form form);
bool attest_form_of_kind(struct str kind, enum attest_form *ret) MUST_USE;
/* Has evidence of this kind its signature inside, and none beside? */
bool attest_kind_is_whole(struct str kind);

/* ---- trust ------------------------------------------------------------------------------------------------------------------------------ */

/* One `trust:` entry as configured. Borrowed until attest_trust_add returns. */
struct attest_trust_entry {
	struct str kind;      /* avow, token, ec2-signature, ec2-rsa2048, ec2-pkcs7, azure, gcp */
	const char *keys;     /* file or folder of *.pem: public keys or certificates; kinds token and gcp also *.json, *.jwks: key sets; azure: certificates of authorities */
	/* Kinds token and gcp: the key set itself, as JSON, which was asked for under the URL in `keys`; empty: `keys` is read. */
	struct str key_set;
	/* Unix seconds from which the key set is stale, and what its keys signed is refused (ERR_DATA_STALE); may change, outlives the trust. NULL: never. */
	const atomic_int_fast64_t *fresh_until_s;
	struct str issuer;    /* kinds avow and token: required */
	struct str trust_domain; /* SPIFFE; kinds avow and token: gives `spiffeId`, and a token's `sub` must be of it. Empty: none */
	struct str prefix;    /* empty for at most one entry; else ends in '/' */
	const struct str *owners, *regions, *images; /* empty lists: not pinned */
	size_t n_owners, n_regions, n_images;
	int64_t max_lease_s;  /* 0: not given; INT64_MAX: `none` */
	bool audience_required; /* kind avow: default true */
	/* Kind avow: names of signers (`uri:`, `dns:`, `subject:`). With them `keys` are certificates of authorities, and `certificates` (file or folder of *.pem) has the
	 * signers' and what leads from them to an authority. */
	const struct str *signers;
	size_t n_signers;
	const char *certificates;
	unsigned forms;       /* kind avow: the forms taken, as bits 1u << ATTEST_...; 0: detached alone */
	bool is_current;      /* kind avow: of the document service, which is asked of each (attest_context.check_issued) */
	bool allow_weak;      /* ec2-pkcs7, which is DSA with SHA-1, needs it */
	bool allow_unpinned;  /* only `doc verify`: a cloud entry without owners */
	struct span at;       /* of the entry, for messages */
};

struct attest_trust;

struct attest_trust *attest_trust_new(void);
void attest_trust_free(struct attest_trust *t);
/* Reads the keys now. Errors: ERR_CONFIG_TRUST (no owners, prefix overlap, key that serves two entries, missing maxLease), ERR_KEY_FORM, ERR_FILE_READ. */
bool attest_trust_add(struct attest_trust *t,
    const struct attest_trust_entry *entry, struct error *reterr) MUST_USE;
/* Changes whenever keys or entries differ: part of every cache key. */
struct str attest_trust_version(const struct attest_trust *t);
bool attest_trust_has_kind(const struct attest_trust *t, struct str kind);

/* ---- revocation ------------------------------------------------------------------------------------------------------------------------- */

/* What can be revoked, and how it is named. The names are those of lines, of `avow revoke` and of the store. */
enum attest_revocable {
	ATTEST_DOCUMENT = 0, /* its id: 32 hex digits */
	ATTEST_INSTANCE,     /* its id with its prefix */
	ATTEST_KEY,          /* RFC 7638 thumbprint, or x5t#S256: of the issuer's key, or the holder's */
	ATTEST_CREDENTIAL,   /* its id */
	ATTEST_TOKEN,        /* `jti` */
	ATTEST_ACCOUNT,      /* its name */
	ATTEST_REVOCABLES,
	/* The document service's own, which nobody names by hand: a document that a newer one replaces, by its id. */
	ATTEST_SUPERSEDED = ATTEST_REVOCABLES,
	ATTEST_LISTS
};
#define ATTEST_SUPERSEDED_NAME "superseded" /* in the store */
struct str attest_revocable_name(enum attest_revocable kind);
bool attest_revocable_of(struct str name, enum attest_revocable *ret) MUST_USE;
/* An id that could never match anything is an error (ERR_CONFIG_VALUE, at `at`): who revokes must know that it took. */
bool attest_revocable_check(enum attest_revocable kind, struct str id,
    struct span at, struct error *reterr) MUST_USE;

/* A list: immutable once it is ready, shared by reference counts. */
struct attest_revoked;
/* Lines `KIND ID`; # begins a comment. Errors carry the line. */
struct attest_revoked *attest_revoked_parse(const char *file, struct str text,
    struct errors *reterr);
/* To be filled by attest_revoked_add. All that was issued before `floor_unix_s` is revoked, too (0: nothing). NULL when memory is out. */
struct attest_revoked *attest_revoked_new(int64_t floor_unix_s);
/* What either has; both may be NULL, references are taken. Ready. NULL when memory is out. */
struct attest_revoked *attest_revoked_join(
    struct attest_revoked *a, struct attest_revoked *b);
/* The id is copied, and not looked at: the store was told of it through attest_revocable_check. */
bool attest_revoked_add(struct attest_revoked *r, enum attest_revocable kind,
    struct str id, struct error *reterr) MUST_USE;
/* No more is added; only now it may be asked. */
void attest_revoked_ready(struct attest_revoked *r);
struct attest_revoked *attest_revoked_ref(struct attest_revoked *r);
void attest_revoked_free(struct attest_revoked *r); /* drops one reference */
/* NULL `r`: nothing is revoked. O(log n). */
bool attest_revoked_has(const struct attest_revoked *r,
    enum attest_revocable kind, struct str id);
/* How many, of all kinds; O(1). */
size_t attest_revoked_count(const struct attest_revoked *r);
/* What was issued before this (unix s) no longer counts; 0: no such time. */
int64_t attest_revoked_floor(const struct attest_revoked *r);

/* ---- evidence and its verification --------------------------------------------------------------------------------------------------------- */

/* What was shown, still in nobody's trust. `document` are the exact bytes; `signature` raw bytes (or PKCS #7 DER for ec2-rsa2048, ec2-pkcs7, azure); empty for kinds
 * that have it inside, as gcp's tokens. */
struct attest_evidence {
	struct str kind, document, signature;
};

/* From a pack `avow1.KIND.DOC.SIG`, or 2 to LIMIT_PACKS of them joined by `~` and together within LIMIT_PACK_BYTES: kind `packs`, whose document is that text and
 * which has no signature beside it. Errors: ERR_EVIDENCE_MALFORMED, ERR_EVIDENCE_TOO_LARGE. Bytes live in `a`. */
bool attest_evidence_from_pack(struct arena *a, struct str pack,
    struct attest_evidence *ret, struct error *reterr) MUST_USE;
/* From the values of X-Avow-Document and X-Avow-Signature: unpadded Base64url, kind avow. */
bool attest_evidence_from_headers(struct arena *a, struct str document,
    struct str signature, struct attest_evidence *ret, struct error *reterr)
    MUST_USE;
/* The same of another kind: its name in a pack, the signature empty where it is inside. */
bool attest_evidence_from_parts(struct arena *a, struct str kind,
    struct str document, struct str signature, struct attest_evidence *ret,
    struct error *reterr) MUST_USE;
/* From X-RHUI-ID and X-RHUI-SIGNATURE: URL-safe or plain Base64, the signature encoded once or twice, padding and line breaks optional.
 * Kind gcp: the token, in Base64 or not; `signature`, an access token, is not looked at. */
bool attest_evidence_from_rhui(struct arena *a, struct str kind,
    struct str document, struct str signature, struct attest_evidence *ret,
    struct error *reterr) MUST_USE;
/* From the text of a token (`Authorization: DPoP TOKEN`): kind token, no signature beside it. */
bool attest_evidence_from_token(struct str compact,
    struct attest_evidence *ret, struct error *reterr) MUST_USE;
/* From the bytes of two files: the document as it is; the signature as the kind has it in files (Base64 text, or raw bytes for ec2-signature; PKCS #7 as Base64, PEM or DER, or for
 * azure the JSON that its metadata service answers with; a token, gcp's too, is its own, and `signature` is empty). Where the signature has the document inside, `document` may be empty. */
bool attest_evidence_from_files(struct arena *a, struct str kind,
    struct str document, struct str signature, struct attest_evidence *ret,
    struct error *reterr) MUST_USE;
/* Refuses over LIMIT_PACK_BYTES. Appends without a newline. */
bool attest_evidence_pack(const struct attest_evidence *e, struct buf *out,
    struct error *reterr) MUST_USE;

/* The raw signature of a document of ours, beside it or inside of it (of a JWS the third part): what the key server looks for. Errors: ERR_EVIDENCE_KIND, _MALFORMED,
 * _TOO_LARGE, memory. */
bool attest_evidence_signature(struct arena *a,
    const struct attest_evidence *e, struct str *ret, struct error *reterr)
    MUST_USE;

struct attest_context {
	const struct attest_trust *trust;
	const struct attest_revoked *revoked; /* NULL: nothing is revoked */
	int64_t now_unix_s;
	struct str nonce;      /* what the evidence must have been asked for with (azure); p NULL: not checked */
	struct str audience;   /* the gate's name; empty fits no document that names an audience, or has to name one */
	/* What the asker proved to hold, in this request: the thumbprint of a key (attest/dpop.h), the SHA-256 of a certificate (RFC 8705), as Base64url; empty: nothing. */
	struct str proven_jkt, proven_x5t;
	/* Did the document service issue the document of this id, whose text (in any form) has this SHA-256? Asked of documents under an entry that `is_current`, after all
	 * else held, and once: attest_cache asks no more while it has them, since what was issued once stays so, and what ends it is in `revoked`. NULL: such documents are
	 * refused (ERR_SYSTEM_STORE). Errors: ERR_EVIDENCE_REVOKED: it did not; ERR_SYSTEM_STORE. */
	bool (*check_issued)(void *ctx, struct str id, const uint8_t digest[32],
	    struct error *reterr);
	void *issued_ctx;
	bool any_audience;     /* nobody's gate asks (`doc verify` without --audience, an agent of its own documents): not checked */
	bool proven_before;    /* this evidence was verified with its proof once and is looked at again (a member of a pool), or a dry run was told to suppose so */
};

/* The SHA-256 of a client's certificate as Base64url (RFC 8705 3.1), for `proven_x5t`: from a proxy's header, PEM with percent escapes (nginx's
 * `$ssl_client_escaped_cert`) or DER in Base64. That the client has its key is the proxy's word. Errors: ERR_EVIDENCE_MALFORMED, _TOO_LARGE. */
bool attest_certificate_thumbprint(struct arena *a, struct str field,
    struct str *ret, struct error *reterr) MUST_USE;

/* The SPIFFE id that a client's certificate names; empty: none. One that names any must be an X509-SVID whole: exactly one URI, an id with a path, no authority, key usage
 * critical with digitalSignature and without keyCertSign and cRLSign, extended key usage, if there is one, for both sides. Errors: as above. */
bool attest_certificate_spiffe_id(struct arena *a, struct str field,
    struct str *ret, struct error *reterr) MUST_USE;

/* Documents shown together (kind `packs`): each is verified as if it came alone, all are of one instance under one trust entry, or of a group that names it among its
 * members, and what two of them say of the same thing is the same (else ERR_EVIDENCE_AMBIGUOUS); the claims are theirs together, for the time that all of them hold. A group's document
 * without one of its member is ERR_EVIDENCE_INSTANCE.
 * Signature, then times, issuer, owner, revocation, audience, cnf; the first that fails gives the code (ERR_EVIDENCE_*). On success *ret_claims lives in `a` and
 * borrows nothing from `e`. Verifies anew each time: attest_cache_verify is the same behind a cache. Skew LIMIT_SKEW_S on issuedAt and notBefore, none on
 * expiresAt. */
bool attest_verify(struct arena *a, const struct attest_evidence *e,
    const struct attest_context *ctx, const struct claims **ret_claims,
    struct error *reterr) MUST_USE;

/* Successes only, keyed by SHA-256 of kind, document and signature (framed) and the trust version; times, revocation, audience and cnf are checked at every use.
 * The claims are shared and immutable; `a` holds a reference until it ends. Kinds judged by a chain of certificates are verified anew. At most LIMIT_EVIDENCE_CACHE
 * entries and LIMIT_EVIDENCE_CACHE_BYTES, besides what arenas still hold. Thread-safe; the cache may go before the arenas. */
struct attest_cache;
struct attest_cache *attest_cache_new(void);
void attest_cache_free(struct attest_cache *c);
bool attest_cache_verify(struct attest_cache *cache, struct arena *a,
    const struct attest_evidence *e, const struct attest_context *ctx,
    const struct claims **ret_claims, struct error *reterr) MUST_USE;

/* ---- issuing ---------------------------------------------------------------------------------------------------------------------------- */

/* What `doc issue` was told. `claims` is the JSON object of the document's `claims` (checked against the known names and shapes). */
struct attest_issue {
	struct str issuer, subject;
	const struct str *audience;
	size_t n_audience;
	int64_t issued_at, not_before, expires_at; /* unix s */
	const json_t *claims;
	struct str cnf_jkt;  /* empty: none */
	const struct str *members; /* of a group's document; NULL: an instance's */
	size_t n_members;
	struct str id;       /* 32 hex digits; empty: 16 random bytes */
	enum attest_form form;
};

/* The document's exact bytes onto `ret_document`; detached: the signature's raw bytes onto `ret_signature`, else nothing. ERR_KEY_FORM for a key that has no such signature. */
bool attest_issue(const struct attest_key *key, const struct attest_issue *what,
    struct buf *ret_document, struct buf *ret_signature, struct error *reterr)
    MUST_USE;

/* ---- images of policies -------------------------------------------------------------------------------------------------------------------- */

/* Appends the raw signature; the key picks the algorithm. */
bool attest_images_sign(const struct attest_key *key, struct str message,
    struct buf *ret_signature, struct error *reterr) MUST_USE;
/* Keys of purpose `policy`: files or folders of *.pem. NULL on error: ERR_CONFIG_TRUST without any key, ERR_KEY_FORM, ERR_FILE_READ. */
struct attest_images;
struct attest_images *attest_images_open(const char *const *paths, size_t n,
    struct error *reterr);
void attest_images_free(struct attest_images *t);
/* Is it the signature of one of the keys? Errors: ERR_FILE_SIGNATURE. */
bool attest_images_verify(const struct attest_images *t, struct str message,
    struct str signature, struct error *reterr) MUST_USE;

/* `[A-Za-z0-9][A-Za-z0-9._-]{0,127}` */
bool attest_instance_id_is_valid(struct str id);

#endif
