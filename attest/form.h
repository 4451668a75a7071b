/* form.h - the forms in which a document of our own is signed (attest.h): which
 * bytes a signature is over, where it stands, and the JSON that is read then.
 * One reading: the JSON comes from the very bytes whose signature is checked.
 *   detached  those bytes; the signature beside them
 *   embedded  canonical JSON (RFC 8785) without its member `signature`, which
 *             is Base64; what was received must itself be canonical, so one
 *             document has one text
 *   jws       HEADER.PAYLOAD (RFC 7515), `typ` avow-document+jwt, `kid` the
 *             payload's `keyId`
 *   cms       the signed attributes of one signer (RFC 5652, cms_own.h)
 * Nothing is followed from a message but the `keyId`: which trusted key to try.
 */
#ifndef ATTEST_FORM_H
#define ATTEST_FORM_H

#include "attest/attest.h"
#include "attest/doc.h"
#include "attest/jws.h"
#include "base/flat.h"

#define FORM_JWS_TYP "avow-document+jwt"

/* Taken apart and believed by nobody yet. All zero is fine for form_fini. */
struct form {
	enum attest_form form;
	/* Detached and embedded: what is signed; CMS: all of it. */
	struct str bytes, signature;
	struct str content; /* CMS */
	struct jws jws;
};

/* Take `e` apart. The caller owns `ret` (form_fini); the list of values and all
 * texts in it live in `a`, the signature there or in the evidence. Errors:
 * ERR_EVIDENCE_MALFORMED, _TOO_LARGE, _KIND (a JWS of another type), memory.
 */
bool form_open(struct arena *a, enum attest_form form,
    const struct attest_evidence *e, struct form *ret, const struct flat **ret_root,
    struct error *reterr) MUST_USE;
/* The same of a document that is written as Avow writes it, whose JSON is not read: *ret_key_id is the key that it names. False says nothing. */
bool form_open_own(struct arena *a, enum attest_form form,
    const struct attest_evidence *e, struct form *ret,
    struct str *ret_key_id) MUST_USE;
/* Then, once its signature holds: what it says; `key_id` is what was found. False says nothing. */
bool form_read_own(struct arena *a, const struct form *f, struct str key_id,
    struct doc *ret) MUST_USE;
/* Whether both have the same signature over the same bytes. */
bool form_same(const struct form *a, const struct form *b);
void form_fini(struct form *f);
/* The document's JSON that is signed, the same in whatever form it stands; and
 * the raw signature, as the form has it (of a JWS the third part). Lent. */
struct str form_text(const struct form *f);
struct str form_signature(const struct form *f);
/* Errors: ERR_EVIDENCE_SIGNATURE, ERR_EVIDENCE_MALFORMED (CMS that is written
 * another way), memory. */
bool form_verify(const struct form *f, const struct keys_public *k,
    struct error *reterr) MUST_USE;

/* The document `root`, whose text is `bytes`, signed: onto `ret_document`, and
 * onto `ret_signature` when it stands beside. Errors: ERR_KEY_FORM (a key that
 * has no such signature), ERR_SYSTEM_ERROR, memory. */
bool form_sign(enum attest_form form, const struct keys_public *k,
    struct str bytes, const json_t *root, struct buf *ret_document,
    struct buf *ret_signature, struct error *reterr) MUST_USE;

#endif
