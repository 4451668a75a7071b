/* form.c - see form.h. Two tables of four rows: how each form is taken apart,
 * checked and made. Parsing is strict enough that nobody can write the same
 * signed document in two ways, where the form allows that at all; ECDSA has two
 * signatures for one document in any form, so no signature names anything. */
#include "attest/form.h"

#include "attest/cms_own.h"
#include "attest/doc.h"
#include "attest/jcs.h"
#include "attest/kind.h"
#include "attest/sig.h"
#include "base/base64.h"
#include "base/limits.h"

#define SIGNATURE_MEMBER "signature"

static const struct {
	struct str name, kind;
} forms[ATTEST_FORMS] = {
	[ATTEST_DETACHED] = { STR_INIT("detached"), STR_INIT(KIND_AVOW) },
	[ATTEST_EMBEDDED] = { STR_INIT("embedded"),
	    STR_INIT(KIND_AVOW_EMBEDDED) },
	[ATTEST_JWS] = { STR_INIT("jws"), STR_INIT(KIND_AVOW_JWS) },
	[ATTEST_CMS] = { STR_INIT("cms"), STR_INIT(KIND_AVOW_CMS) },
};

bool
attest_form_of(struct str name, enum attest_form *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if (str_eq(forms[i].name, name)) {
			*ret = (enum attest_form)i;
			return true;
		}
	return false;
}

struct str
attest_form_name(enum attest_form form)
{
	return forms[form].name;
}

bool
attest_form_of_kind(struct str kind, enum attest_form *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if (str_eq(forms[i].kind, kind)) {
			*ret = (enum attest_form)i;
			return true;
		}
	return false;
}

struct str
attest_form_kind(enum attest_form form)
{
	return forms[form].kind;
}

static bool
malformed(struct error *reterr, const char *why)
{
	return error_set(
	    reterr, ERR_EVIDENCE_MALFORMED, SPAN_NONE, "the document %s", why);
}

/* All that is read later is lent from here. */
static bool
keep_document(struct arena *a, const struct attest_evidence *e, struct str *ret,
    struct error *reterr)
{
	*ret = str_dup(a, e->document);
	return ret->p || error_nomem(reterr);
}

/* ---- detached -------------------------------------------------------------
 */

static bool
open_detached(struct arena *a, const struct attest_evidence *e, struct form *f,
    const struct flat **ret_root, struct error *reterr)
{
	f->signature = e->signature;
	return keep_document(a, e, &f->bytes, reterr) &&
	       doc_open(a, f->bytes, ret_root, reterr);
}

static bool
open_own_detached(struct arena *a, const struct attest_evidence *e,
    struct form *f, struct str *ret_key_id)
{
	f->signature = e->signature;
	return keep_document(a, e, &f->bytes, NULL) &&
	       doc_own_key(f->bytes, ret_key_id);
}

static bool
verify_bytes(
    const struct form *f, const struct keys_public *k, struct error *reterr)
{
	return sig_verify(k, f->bytes, f->signature, reterr);
}

static bool
sign_detached(const struct keys_public *k, struct str bytes, const json_t *root,
    struct buf *ret_document, struct buf *ret_signature, struct error *reterr)
{
	(void)root;
	buf_add(ret_document, bytes);
	return sig_sign(k, bytes, ret_signature, reterr);
}

/* ---- embedded -------------------------------------------------------------
 */

/* RFC 7493 2.1: no noncharacters. (Surrogates are no UTF-8, and the JSON reader
 * refuses their escapes.) The least is U+FDD0, whose first byte is 0xef. */
static bool
is_ijson(struct str text)
{
	uint32_t point = 0;
	size_t n;

	for (size_t at = 0; at < text.n; at += n) {
		n = 1;
		if ((unsigned char)text.p[at] < 0xef)
			continue;
		n = str_utf8_next(text, at, &point);
		if (n == 0 || (point >= 0xfdd0 && point <= 0xfdef) ||
		    (point & 0xfffe) == 0xfffe)
			return false;
	}
	return true;
}

static bool
write_canonical(
    struct arena *a, const json_t *root, struct str *ret, struct error *reterr)
{
	struct buf text = { 0 };
	struct error why = { 0 };
	bool ok = jcs_write(root, &text, &why);

	if (ok) {
		*ret = str_dup(a, buf_str(&text));
		ok = ret->p != NULL;
	}
	buf_free(&text);
	if (ok)
		return true;
	return why.code == ERR_JSON_SHAPE
		   ? malformed(reterr, "has a number without a canonical form")
		   : error_nomem(reterr);
}

/* `text` is empty, too, when the member is no string. */
static bool
decode_signature(
    struct arena *a, struct str text, struct str *ret, struct error *reterr)
{
	if (!text.p)
		return malformed(reterr, "has no `signature` inside");
	if (text.n > 2u * LIMIT_SIGNATURE_BYTES)
		return error_set(reterr, ERR_EVIDENCE_TOO_LARGE, SPAN_NONE,
		    "the document's signature is over the limit");
	return (base64_decode(a, BASE64_STANDARD, text, ret) && ret->n > 0) ||
	       malformed(reterr, "has a `signature` that is not Base64");
}

/* The text up to the member, and from behind it: one of the commas goes, too.
 */
static bool
cut_out(struct arena *a, struct str text, struct str value, struct str *ret,
    struct error *reterr)
{
	size_t from = (size_t)(value.p - text.p) -
		      (sizeof "\"" SIGNATURE_MEMBER "\":\"" - 1);
	size_t to = (size_t)(value.p - text.p) + value.n + 1;
	char *p = arena_bytes(a, text.n);

	if (!p)
		return error_nomem(reterr);
	if (text.p[to] == ',')
		to++;
	else if (text.p[from - 1] == ',')
		from--;
	memcpy(p, text.p, from);
	memcpy(p + from, text.p + to, text.n - to);
	*ret = (struct str){ p, text.n - (to - from) };
	return true;
}

/* Text that was canonical when it was read: without a member it still is. */
static bool
read_canonical(struct arena *a, struct str received, struct flat *root,
    struct form *f, struct error *reterr)
{
	const struct flat *v = flat_get(root, STR(SIGNATURE_MEMBER));
	struct str text = flat_str(v);

	if (!decode_signature(a, text, &f->signature, reterr) ||
	    !cut_out(a, received, text, &f->bytes, reterr))
		return false;
	flat_remove(root, v);
	return true;
}

/* Any text: printed, and compared. */
static bool
read_embedded(struct arena *a, struct str received, json_t *root,
    struct form *f, struct error *reterr)
{
	struct str whole;
	const json_t *v;

	if (!is_ijson(received))
		return malformed(reterr, "has characters that are none");
	if (!write_canonical(a, root, &whole, reterr))
		return false;
	if (!str_eq(whole, received))
		return malformed(
		    reterr, "is not canonical JSON (RFC 8785), byte for byte");
	v = json_object_get(root, SIGNATURE_MEMBER);
	if (!decode_signature(a, json_str(v), &f->signature, reterr))
		return false;
	/* Fails only for a name that is not there. */
	return (json_object_del(root, SIGNATURE_MEMBER) == 0 ||
		   malformed(reterr, "has no `signature` inside")) &&
	       write_canonical(a, root, &f->bytes, reterr);
}

static bool
open_embedded(struct arena *a, const struct attest_evidence *e, struct form *f,
    const struct flat **ret_root, struct error *reterr)
{
	struct flat *plain;
	bool is_canonical;
	json_t *root;
	struct str text;

	if (!keep_document(a, e, &text, reterr))
		return false;
	if (flat_read(a, text, LIMIT_DOCUMENT_BYTES, LIMIT_DOCUMENT_DEPTH,
		LIMIT_DOCUMENT_VALUES, &plain, &is_canonical) &&
	    is_canonical) {
		*ret_root = plain;
		return read_canonical(a, text, plain, f, reterr);
	}
	if (!doc_parse(text, &root, reterr))
		return false;
	if (!read_embedded(a, text, root, f, reterr)) {
		json_decref(root);
		return false;
	}
	return doc_open_tree(a, root, ret_root, reterr);
}

/* Takes `piece` off the end of *text, if it is there. */
static bool
take_back(struct str *text, struct str piece)
{
	if (!str_has_suffix(*text, piece))
		return false;
	text->n -= piece.n;
	return true;
}

/* The same up to the quote that a string begins with, which is taken, too. */
static bool
take_back_string(struct str *text, struct str *ret)
{
	const char *quote = text->n ? memrchr(text->p, '"', text->n) : NULL;
	size_t before = quote ? (size_t)(quote - text->p) : 0;

	if (!quote)
		return false;
	*ret = str_sub(*text, before + 1, text->n);
	text->n = before;
	return true;
}

/* From the end, where the members' order puts the key and the signature. That
 * they are the document's own is known once all of it is read. */
static bool
find_own_tail(
    struct str text, struct str *ret_key_id, struct str *ret_signature)
{
	struct str subject, time;

	return take_back(&text, STR("\",\"typ\":\"avow-document/1\"}")) &&
	       take_back_string(&text, &subject) &&
	       take_back(&text, STR("\",\"subject\":")) &&
	       take_back_string(&text, ret_signature) &&
	       take_back(&text, STR("\",\"" SIGNATURE_MEMBER "\":")) &&
	       take_back_string(&text, &time) &&
	       take_back(&text, STR("\",\"notBefore\":")) &&
	       take_back_string(&text, ret_key_id) &&
	       take_back(&text, STR(",\"keyId\":"));
}

static bool
open_own_embedded(struct arena *a, const struct attest_evidence *e,
    struct form *f, struct str *ret_key_id)
{
	struct str text, signature;

	return keep_document(a, e, &text, NULL) &&
	       find_own_tail(text, ret_key_id, &signature) &&
	       decode_signature(a, signature, &f->signature, NULL) &&
	       cut_out(a, text, signature, &f->bytes, NULL);
}

/* Takes `copy`. */
static bool
add_signature(
    json_t *copy, struct str signature, struct buf *out, struct error *reterr)
{
	struct buf text = { 0 };
	bool ok;

	base64_encode(&text, BASE64_STANDARD, signature);
	ok = copy && buf_ok(&text) &&
	     json_object_set_new(
		 copy, SIGNATURE_MEMBER, json_from_str(buf_str(&text))) == 0;
	ok = ok ? jcs_write(copy, out, reterr) : error_nomem(reterr);
	buf_free(&text);
	json_decref(copy);
	return ok;
}

static bool
sign_embedded(const struct keys_public *k, struct str bytes, const json_t *root,
    struct buf *ret_document, struct buf *ret_signature, struct error *reterr)
{
	struct buf text = { 0 }, signature = { 0 };
	bool ok;

	(void)bytes;
	(void)ret_signature;
	ok = jcs_write(root, &text, reterr) &&
	     sig_sign(k, buf_str(&text), &signature, reterr) &&
	     add_signature(json_deep_copy(root), buf_str(&signature),
		 ret_document, reterr);
	buf_free(&text);
	buf_free(&signature);
	return ok;
}

/* ---- jws ------------------------------------------------------------------
 */

/* The header is signed, too; the two names of the key must be one, so that
 * nobody can read another from it than we do. */
static bool
check_header(const struct jws *j, const struct flat *root, struct error *reterr)
{
	struct str id = doc_named_key(root);

	/* Of which form it is, whoever looks for the key finds out. */
	if (id.n > 0 && str_eq(id, j->kid))
		return true;
	return doc_key_id(root, &id, reterr) &&
	       malformed(reterr, "names another key than its header's `kid`");
}

static bool
open_jws(struct arena *a, const struct attest_evidence *e, struct form *f,
    const struct flat **ret_root, struct error *reterr)
{
	if (!jws_parse(a, e->document, JWS_DOCUMENT, &f->jws, reterr))
		return false;
	/* RFC 8725 3.11 */
	if (!str_eq(f->jws.typ, STR(FORM_JWS_TYP)))
		return error_set(reterr, ERR_EVIDENCE_KIND, SPAN_NONE,
		    "the document is not of type `" FORM_JWS_TYP "`");
	return doc_open(a, f->jws.payload, ret_root, reterr) &&
	       check_header(&f->jws, *ret_root, reterr);
}

static bool
open_own_jws(struct arena *a, const struct attest_evidence *e, struct form *f,
    struct str *ret_key_id)
{
	if (!jws_parse(a, e->document, JWS_DOCUMENT, &f->jws, NULL))
		return false;
	*ret_key_id = f->jws.kid;
	return str_eq(f->jws.typ, STR(FORM_JWS_TYP));
}

static bool
verify_jws(
    const struct form *f, const struct keys_public *k, struct error *reterr)
{
	return jws_verify(&f->jws, k, reterr);
}

static bool
sign_jws(const struct keys_public *k, struct str bytes, const json_t *root,
    struct buf *ret_document, struct buf *ret_signature, struct error *reterr)
{
	(void)root;
	(void)ret_signature;
	return jws_sign(k, FORM_JWS_TYP, NULL, bytes, ret_document, reterr);
}

/* ---- cms ------------------------------------------------------------------
 */

static bool
open_cms(struct arena *a, const struct attest_evidence *e, struct form *f,
    const struct flat **ret_root, struct error *reterr)
{
	return keep_document(a, e, &f->bytes, reterr) &&
	       (cms_own_split(f->bytes, &f->content, &f->signature) ||
		   malformed(reterr, "is not CMS with its content inside")) &&
	       doc_open(a, f->content, ret_root, reterr);
}

static bool
open_own_cms(struct arena *a, const struct attest_evidence *e, struct form *f,
    struct str *ret_key_id)
{
	return keep_document(a, e, &f->bytes, NULL) &&
	       cms_own_split(f->bytes, &f->content, &f->signature) &&
	       doc_own_key(f->content, ret_key_id);
}

static bool
verify_cms(
    const struct form *f, const struct keys_public *k, struct error *reterr)
{
	return cms_own_verify(k, f->bytes, f->content, f->signature, reterr);
}

static bool
sign_cms(const struct keys_public *k, struct str bytes, const json_t *root,
    struct buf *ret_document, struct buf *ret_signature, struct error *reterr)
{
	(void)root;
	(void)ret_signature;
	return cms_own_sign(k, bytes, ret_document, reterr);
}

/* ---- the table ------------------------------------------------------------
 */

static const struct {
	bool (*open)(struct arena *, const struct attest_evidence *,
	    struct form *, const struct flat **, struct error *);
	bool (*open_own)(struct arena *, const struct attest_evidence *,
	    struct form *, struct str *);
	bool (*verify)(
	    const struct form *, const struct keys_public *, struct error *);
	bool (*sign)(const struct keys_public *, struct str, const json_t *,
	    struct buf *, struct buf *, struct error *);
} rows[ATTEST_FORMS] = {
	[ATTEST_DETACHED] = { open_detached, open_own_detached, verify_bytes,
	    sign_detached },
	[ATTEST_EMBEDDED] = { open_embedded, open_own_embedded, verify_bytes,
	    sign_embedded },
	[ATTEST_JWS] = { open_jws, open_own_jws, verify_jws, sign_jws },
	[ATTEST_CMS] = { open_cms, open_own_cms, verify_cms, sign_cms },
};

bool
form_open(struct arena *a, enum attest_form form,
    const struct attest_evidence *e, struct form *ret,
    const struct flat **ret_root, struct error *reterr)
{
	struct form f = { .form = form };
	const struct flat *root;

	if (!rows[form].open(a, e, &f, &root, reterr)) {
		form_fini(&f);
		return false;
	}
	*ret = f;
	*ret_root = root;
	return true;
}

bool
form_open_own(struct arena *a, enum attest_form form,
    const struct attest_evidence *e, struct form *ret, struct str *ret_key_id)
{
	*ret = (struct form){ .form = form };
	if (e->document.n <= LIMIT_DOCUMENT_BYTES &&
	    rows[form].open_own(a, e, ret, ret_key_id))
		return true;
	form_fini(ret);
	return false;
}

bool
form_read_own(
    struct arena *a, const struct form *f, struct str key_id, struct doc *ret)
{
	return doc_read_own(a, form_text(f), f->form == ATTEST_EMBEDDED, ret) &&
	       str_eq(ret->key_id, key_id);
}

static struct str
signed_bytes(const struct form *f)
{
	return f->form == ATTEST_JWS ? f->jws.signed_part : f->bytes;
}

bool
form_same(const struct form *a, const struct form *b)
{
	return a->form == b->form && str_eq(signed_bytes(a), signed_bytes(b)) &&
	       str_eq(form_signature(a), form_signature(b));
}

void
form_fini(struct form *f)
{
	jws_fini(&f->jws); /* all else is lent */
}

struct str
form_text(const struct form *f)
{
	return f->form == ATTEST_JWS   ? f->jws.payload
	       : f->form == ATTEST_CMS ? f->content
				       : f->bytes;
}

struct str
form_signature(const struct form *f)
{
	return f->form == ATTEST_JWS ? f->jws.signature : f->signature;
}

bool
form_verify(
    const struct form *f, const struct keys_public *k, struct error *reterr)
{
	return rows[f->form].verify(f, k, reterr);
}

bool
form_sign(enum attest_form form, const struct keys_public *k, struct str bytes,
    const json_t *root, struct buf *ret_document, struct buf *ret_signature,
    struct error *reterr)
{
	return rows[form].sign(
	    k, bytes, root, ret_document, ret_signature, reterr);
}

bool
attest_evidence_signature(struct arena *a, const struct attest_evidence *e,
    struct str *ret, struct error *reterr)
{
	struct form f = { 0 };
	enum attest_form kind;
	const struct flat *root;

	if (!attest_form_of_kind(e->kind, &kind))
		return error_set(reterr, ERR_EVIDENCE_KIND, SPAN_NONE,
		    "this is no document of ours");
	if (!form_open(a, kind, e, &f, &root, reterr))
		return false;
	*ret = form_signature(&f);
	form_fini(&f);
	return true;
}
