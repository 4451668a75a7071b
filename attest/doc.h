/* doc.h - what an identity document says, as a structure; believed by nobody
 * yet. Read from the JSON of the very bytes that were verified (attest/verify.c
 * sees to that): our own documents in doc.c, EC2's in ec2.c, Azure's in azure.c.
 */
#ifndef ATTEST_DOC_H
#define ATTEST_DOC_H

#include "base/arena.h"
#include "base/flat.h"
#include "base/json.h"

struct doc_pair {
	struct str name, text;
};

/* Empty strings and lists: not there. Of a document read from a list of values,
 * texts are lent from where the list has them, lists live in the arena; of one
 * from a tree everything lives in the arena. */
struct doc {
	struct str id, issuer, key_id, subject;
	struct str jkt, x5t; /* what `cnf` binds it to: one of the two */
	bool has_times, has_cnf, has_licences;
	int64_t issued_at, not_before, expires_at; /* unix s */
	/* As RFC 3339 has them; empty where the document has numbers. */
	struct str issued_text, expires_text;
	const struct str *audience;
	size_t n_audience;
	const struct str *members; /* instance ids: the document is a group's */
	size_t n_members;
	struct str owner_number; /* another name of `owner`; makes no claim */
	struct str image_id, owner, private_ip, launch_time, region, zone,
	    support_level, os_name, os_version;
	const struct str *licences;
	size_t n_licences;
	const struct doc_pair *applications, *custom;
	size_t n_applications, n_custom;
};

/* The document's bytes as JSON: size, depth and number of values within
 * LIMIT_DOCUMENT_*, no duplicate keys, no NUL, an object. The caller owns *ret.
 * Errors: ERR_EVIDENCE_MALFORMED, ERR_EVIDENCE_TOO_LARGE, memory. */
bool doc_parse(struct str bytes, json_t **ret, struct error *reterr) MUST_USE;
/* The same as a list of values (flat.h), of plain text without a tree. Lives in
 * `a`, borrows `bytes` (a tree is `a`'s, too). Errors as doc_parse's. */
bool doc_open(struct arena *a, struct str bytes, const struct flat **ret,
    struct error *reterr) MUST_USE;
/* The same of a document that is a tree already, which `a` takes, in any case.
 */
bool doc_open_tree(struct arena *a, json_t *root, const struct flat **ret,
    struct error *reterr) MUST_USE;
/* The `keyId` alone: which of the trusted keys to try. The only thing ever
 * taken from a document before its signature held; lent. doc_named_key looks
 * not at its form: what equals a key's thumbprint has it. Empty, or {NULL, 0}:
 * there is none. */
struct str doc_named_key(const struct flat *root);
bool doc_key_id(
    const struct flat *root, struct str *ret, struct error *reterr) MUST_USE;
/* `avow-document/1`; texts are lent from `root`. Into *ret, which is worthless when it is refused. Errors: ERR_EVIDENCE_MALFORMED (with the name of the
 * member), ERR_EVIDENCE_INSTANCE, memory. */
bool doc_read(struct arena *a, const struct flat *root, struct doc *ret,
    struct error *reterr) MUST_USE;
/* The same of a document that is written as Avow writes it, whose JSON is plain and has no spaces, and, if it shall be canonical, its members in order: without a list. Lent from
 * `text`. What it says then is what doc_read says; false says nothing, and *ret is worthless. */
bool doc_read_own(struct arena *a, struct str text, bool is_canonical,
    struct doc *ret) MUST_USE;
/* doc_named_key's, where a document begins as Avow's do. False says nothing. */
bool doc_own_key(struct str text, struct str *ret) MUST_USE;
/* The member `claims` alone, for tokens, into `ret`, as doc_read. */
bool doc_read_claims(struct arena *a, const struct flat *v, const char *name,
    struct doc *ret, struct error *reterr) MUST_USE;
/* EC2's document; `bytes` are the same document, for its id. Issuer `aws`, no
 * times, no audience. */
bool doc_read_ec2(struct arena *a, const json_t *root, struct str bytes,
    struct doc *ret, struct error *reterr) MUST_USE;

/* Azure's attested document; issuer `azure`, no audience. Errors as doc_read. */
bool doc_read_azure(struct arena *a, const json_t *root, struct str bytes,
    struct doc *ret, struct error *reterr) MUST_USE;
/* When it was signed and until when it holds, unix s. */
bool doc_azure_times(const json_t *root, int64_t *ret_created,
    int64_t *ret_expires, struct error *reterr) MUST_USE;
/* The payload of Google's identity token; `bytes` are the token, for its id.
 * Errors as doc_read. */
bool doc_read_gcp(struct arena *a, const json_t *root, struct str bytes,
    struct doc *ret, struct error *reterr) MUST_USE;
/* The id of a document that has none: 32 hex digits of its SHA-256. */
bool doc_id_of_bytes(struct arena *a, struct str bytes, struct str *ret,
    struct error *reterr) MUST_USE;

/* 32 lower-case hex digits. */
bool doc_id_is_valid(struct str s);

/* A member that cannot be: `want` says what it should. Always false. */
bool doc_malformed(struct error *reterr, const char *name, const char *want);
/* A non-empty string of at most DOC_TEXT_BYTES, copied. */
bool doc_read_text(struct arena *a, const json_t *v, const char *name,
    struct str *ret, struct error *reterr) MUST_USE;
/* The same, and an IP address / a time (as the claims read them). */
bool doc_read_address(struct arena *a, const json_t *v, const char *name,
    struct str *ret, struct error *reterr) MUST_USE;
bool doc_read_launch_time(struct arena *a, const json_t *v, const char *name,
    struct str *ret, struct error *reterr) MUST_USE;
/* An array of such strings; may be empty. */
bool doc_read_texts(struct arena *a, const json_t *v, const char *name,
    const struct str **ret, size_t *ret_n, struct error *reterr) MUST_USE;
/* The list of licences, into `d`. */
bool doc_read_licences(struct arena *a, const json_t *v, const char *name,
    struct doc *d, struct error *reterr) MUST_USE;
/* An instance id; ERR_EVIDENCE_INSTANCE for another string. */
bool doc_read_subject(struct arena *a, const json_t *v, const char *name,
    struct str *ret, struct error *reterr) MUST_USE;

#define DOC_TEXT_BYTES 1024

/* What a reader of members writes to; rows of a table have its signature. */
struct doc_reading {
	struct arena *arena;
	struct doc *doc;
	struct error *reterr;
};

/* `read_FIELD` for a table: the member goes into `doc->target` by `reader`. */
#define DOC_MEMBER(field, reader, target)                                      \
	static bool read_##field(                                              \
	    const struct doc_reading *r, const json_t *v, const char *name)    \
	{                                                                      \
		return reader(r->arena, v, name, target, r->reterr);           \
	}

#endif
