/* evidence.c - what was shown, in each form it comes in: packs, headers, files.
 * Text in, exact bytes of document and signature out; nothing is believed yet.
 * Our own kind is read strictly (RFC 4648, one text for one sequence of bytes).
 * EC2's evidence comes through clients that differ: there the URL-safe and the
 * plain alphabet, padding or none, line breaks, and a signature encoded twice
 * are all undone. Never forgiven: two alphabets in one text, padding of the
 * wrong length, left-over bits, other characters.
 * Limits: LIMIT_PACK_BYTES, LIMIT_DOCUMENT_BYTES, LIMIT_SIGNATURE_BYTES. */
#include "attest/evidence.h"

#include "attest/cms.h"
#include "attest/doc.h"
#include "attest/kind.h"
#include "base/base64.h"
#include "base/limits.h"

/* Base64 of n bytes with padding and line breaks; twice that, encoded twice. */
#define TEXT_BYTES(n) ((n) / 3 * 4 + (n) / 8 + 64)

static bool
malformed(struct error *reterr, const char *what, const char *how)
{
	return error_set(
	    reterr, ERR_EVIDENCE_MALFORMED, SPAN_NONE, "the %s %s", what, how);
}

static bool
too_large(struct error *reterr, const char *what, size_t n, size_t limit)
{
	return error_set(reterr, ERR_EVIDENCE_TOO_LARGE, SPAN_NONE,
	    "the %s is %zu bytes, the limit is %zu", what, n, limit);
}

static bool
check_size(
    struct error *reterr, const char *what, struct str bytes, size_t limit)
{
	if (bytes.n == 0)
		return malformed(reterr, what, "is empty");
	return bytes.n <= limit || too_large(reterr, what, bytes.n, limit);
}

/* A document of our own, or Google's token, whose signature is inside of it. */
static bool
is_whole(struct str kind)
{
	enum attest_form form;

	return str_eq(kind, STR(KIND_GCP)) ||
	       (attest_form_of_kind(kind, &form) && form != ATTEST_DETACHED);
}

/* Our tokens come by themselves, and in no pack. */
bool
attest_kind_is_whole(struct str kind)
{
	return str_eq(kind, STR(KIND_TOKEN)) || is_whole(kind);
}

static bool
check_sizes(const struct attest_evidence *e, struct error *reterr)
{
	if (!check_size(reterr, "document", e->document, LIMIT_DOCUMENT_BYTES))
		return false;
	if (is_whole(e->kind))
		return e->signature.n == 0 ||
		       malformed(reterr, "signature",
			   "stands beside a document that has one inside");
	return check_size(
	    reterr, "signature", e->signature, LIMIT_SIGNATURE_BYTES);
}

/* ---- strict ---------------------------------------------------------------
 */

static bool
decode_url(struct arena *a, const char *what, struct str text, size_t limit,
    struct str *ret, struct error *reterr)
{
	if (text.n > TEXT_BYTES(limit))
		return too_large(reterr, what, text.n, TEXT_BYTES(limit));
	return base64_decode(a, BASE64_URL, text, ret) ||
	       malformed(reterr, what, "is not unpadded Base64url");
}

static bool
decode_pair(struct arena *a, struct str document, struct str signature,
    struct attest_evidence *e, struct error *reterr)
{
	return decode_url(a, "document", document, LIMIT_DOCUMENT_BYTES,
		   &e->document, reterr) &&
	       decode_url(a, "signature", signature, LIMIT_SIGNATURE_BYTES,
		   &e->signature, reterr) &&
	       check_sizes(e, reterr);
}

/* Kinds that this version does not know are kept: trust refuses them. */
static bool
is_kind(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= 'a' && s.p[i] <= 'z') ||
			(s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '-'))
			return false;
	return s.n > 0 && s.n <= LIMIT_NAME;
}

/* One document, and none inside another. */
static bool
is_of_one(struct str kind)
{
	return is_kind(kind) && !str_eq(kind, STR(KIND_PACKS));
}

bool
attest_evidence_from_parts(struct arena *a, struct str kind,
    struct str document, struct str signature, struct attest_evidence *ret,
    struct error *reterr)
{
	struct attest_evidence e;

	if (!is_of_one(kind))
		return malformed(reterr, "kind", "is none of a document");
	e.kind = str_dup(a, kind);
	if (!e.kind.p)
		return error_nomem(reterr);
	if (!decode_pair(a, document, signature, &e, reterr))
		return false;
	*ret = e;
	return true;
}

bool
attest_evidence_from_headers(struct arena *a, struct str document,
    struct str signature, struct attest_evidence *ret, struct error *reterr)
{
	return attest_evidence_from_parts(
	    a, STR(KIND_AVOW), document, signature, ret, reterr);
}

static bool
from_one_pack(struct arena *a, struct str pack, struct attest_evidence *ret,
    struct error *reterr)
{
	struct str part[4];
	size_t at = 0;
	bool is_whole = true;

	for (size_t i = 0; i < ARRAY_LEN(part); i++) {
		bool is_last = i + 1 == ARRAY_LEN(part);
		size_t end = is_last ? pack.n : str_find(pack, '.', at);

		part[i] = str_sub(pack, at, end);
		at = end < pack.n ? end + 1 : pack.n;
		is_whole &= is_last || end < pack.n;
	}
	if (!is_whole || !str_eq(part[0], STR("avow1")) || !is_of_one(part[1]))
		return malformed(
		    reterr, "pack", "is not `avow1.KIND.DOCUMENT.SIGNATURE`");
	/* A fifth part fails here: the dot is no letter of Base64url. */
	return attest_evidence_from_parts(
	    a, part[1], part[2], part[3], ret, reterr);
}

bool
evidence_packs(struct arena *a, struct str text, struct attest_evidence **ret,
    size_t *ret_n, struct error *reterr)
{
	struct attest_evidence *all =
	    ARENA_ARRAY(a, LIMIT_PACKS, struct attest_evidence);
	size_t n = 0;

	if (!all)
		return error_nomem(reterr);
	for (size_t at = 0, end; at <= text.n; at = end + 1) {
		end = str_find(text, '~', at);
		if (n == LIMIT_PACKS)
			return error_set(reterr, ERR_EVIDENCE_TOO_LARGE,
			    SPAN_NONE, "more than %u packs together",
			    LIMIT_PACKS);
		if (!from_one_pack(
			a, str_sub(text, at, end), &all[n++], reterr))
			return false;
	}
	*ret = all;
	*ret_n = n;
	return true;
}

bool
attest_evidence_from_pack(struct arena *a, struct str pack,
    struct attest_evidence *ret, struct error *reterr)
{
	struct attest_evidence *all;
	struct str text;
	size_t n;

	if (pack.n > LIMIT_PACK_BYTES)
		return too_large(reterr, "pack", pack.n, LIMIT_PACK_BYTES);
	if (!evidence_packs(a, pack, &all, &n, reterr))
		return false;
	if (n == 1) {
		*ret = all[0];
		return true;
	}
	text = str_dup(a, pack);
	*ret = (struct attest_evidence){ STR(KIND_PACKS), text, STR("") };
	return text.p || error_nomem(reterr);
}

bool
attest_evidence_pack(
    const struct attest_evidence *e, struct buf *out, struct error *reterr)
{
	struct buf b = { 0 };
	bool ok;

	/* They are one word already. */
	if (str_eq(e->kind, STR(KIND_PACKS))) {
		buf_add(out, e->document);
		return buf_ok(out) || error_nomem(reterr);
	}
	if (!is_kind(e->kind) || !check_sizes(e, reterr))
		return malformed(reterr, "kind", "has no pack");
	buf_addz(&b, "avow1.");
	buf_add(&b, e->kind);
	buf_byte(&b, '.');
	base64_encode(&b, BASE64_URL, e->document);
	buf_byte(&b, '.');
	base64_encode(&b, BASE64_URL, e->signature);
	ok = buf_ok(&b) || error_nomem(reterr);
	if (ok && b.n > LIMIT_PACK_BYTES)
		ok = too_large(reterr, "pack", b.n, LIMIT_PACK_BYTES);
	if (ok)
		buf_add(out, buf_str(&b));
	buf_free(&b);
	return ok && (buf_ok(out) || error_nomem(reterr));
}

bool
attest_evidence_from_token(
    struct str compact, struct attest_evidence *ret, struct error *reterr)
{
	if (compact.n == 0)
		return malformed(reterr, "token", "is empty");
	if (compact.n > LIMIT_TOKEN_BYTES)
		return too_large(reterr, "token", compact.n, LIMIT_TOKEN_BYTES);
	*ret = (struct attest_evidence){ STR(KIND_TOKEN), compact, STR("") };
	return true;
}

/* ---- as clouds' clients write it -----------------------------------------
 */

/* The text without line breaks, in the URL-safe alphabet, without its padding.
 * False when no reading of it is right. */
static bool
straighten(struct str text, char *to, size_t *ret_n)
{
	bool plain = false, safe = false;
	size_t n = 0, pad = 0;

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (c == '\r' || c == '\n')
			continue;
		if (c == '=') {
			pad++;
			continue;
		}
		if (pad > 0)
			return false; /* padding stands at the end */
		plain |= c == '+' || c == '/';
		safe |= c == '-' || c == '_';
		to[n++] = (char)(c == '+' ? '-' : c == '/' ? '_' : c);
	}
	*ret_n = n;
	return !(plain && safe) && (pad == 0 || (n + pad) % 4 == 0) && pad < 3;
}

static bool
decode_lax(struct arena *a, struct str text, struct str *ret)
{
	char *p = arena_alloc(a, text.n + 1);
	size_t n;

	return p && straighten(text, p, &n) && n > 0 &&
	       base64_decode(a, BASE64_URL, (struct str){ p, n }, ret);
}

/* Whether bytes are themselves Base64 text: signatures, which are random bytes
 * or begin as ASN.1, are not. */
static bool
is_text(struct str bytes)
{
	for (size_t i = 0; i < bytes.n; i++) {
		unsigned char c = (unsigned char)bytes.p[i];

		if (c >= 0x7f || (c < 0x20 && c != '\r' && c != '\n'))
			return false;
	}
	return bytes.n > 0;
}

static bool
decode_lax_document(
    struct arena *a, struct str text, struct str *ret, struct error *reterr)
{
	if (text.n > TEXT_BYTES(LIMIT_DOCUMENT_BYTES))
		return too_large(reterr, "document", text.n,
		    TEXT_BYTES(LIMIT_DOCUMENT_BYTES));
	return decode_lax(a, text, ret) ||
	       malformed(reterr, "document", "is not Base64");
}

static bool
decode_lax_signature(
    struct arena *a, struct str text, struct str *ret, struct error *reterr)
{
	size_t limit = TEXT_BYTES(TEXT_BYTES(LIMIT_SIGNATURE_BYTES));
	struct str once;

	if (text.n > limit)
		return too_large(reterr, "signature", text.n, limit);
	if (!decode_lax(a, text, &once))
		return malformed(reterr, "signature", "is not Base64");
	if (!is_text(once)) {
		*ret = once;
		return true;
	}
	return decode_lax(a, once, ret) ||
	       malformed(
		   reterr, "signature", "is text but not Base64 of Base64");
}

/* Google's clients send the identity token, in Base64 or as it is, and an
 * access token beside it, which is none of our business and not looked at. */
static bool
from_rhui_token(struct arena *a, struct str text, struct attest_evidence *ret,
    struct error *reterr)
{
	struct attest_evidence e = { .kind = STR(KIND_GCP), .document = text };

	if (str_find(text, '.', 0) >= text.n &&
	    !decode_lax_document(a, text, &e.document, reterr))
		return false;
	if (!check_sizes(&e, reterr))
		return false;
	*ret = e;
	return true;
}

bool
attest_evidence_from_rhui(struct arena *a, struct str kind, struct str document,
    struct str signature, struct attest_evidence *ret, struct error *reterr)
{
	struct attest_evidence e = { .kind = kind };

	if (str_eq(kind, STR(KIND_AVOW)))
		return attest_evidence_from_headers(
		    a, document, signature, ret, reterr);
	if (str_eq(kind, STR(KIND_GCP)))
		return from_rhui_token(a, document, ret, reterr);
	if (!decode_lax_document(a, document, &e.document, reterr) ||
	    !decode_lax_signature(a, signature, &e.signature, reterr) ||
	    !check_sizes(&e, reterr))
		return false;
	*ret = e;
	return true;
}

/* ---- files ----------------------------------------------------------------
 */

/* One line of Base64, and one line feed at most. */
static bool
read_line_file(
    struct arena *a, struct str text, struct str *ret, struct error *reterr)
{
	if (text.n > TEXT_BYTES(LIMIT_SIGNATURE_BYTES))
		return too_large(reterr, "signature", text.n,
		    TEXT_BYTES(LIMIT_SIGNATURE_BYTES));
	if (str_has_suffix(text, STR("\n")))
		text.n--;
	return base64_decode(a, BASE64_STANDARD, text, ret) ||
	       malformed(reterr, "signature", "file is not one line of Base64");
}

/* What stands between the lines of PEM, or the text itself. */
static struct str
inside_pem(struct str text)
{
	static const struct str begin[] = { STR_INIT("-----BEGIN PKCS7-----"),
		STR_INIT("-----BEGIN CMS-----") };
	static const struct str end[] = { STR_INIT("-----END PKCS7-----"),
		STR_INIT("-----END CMS-----") };
	struct str s = text;

	while (s.n && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r'))
		s.n--;
	for (size_t i = 0; i < ARRAY_LEN(begin); i++)
		if (str_has_prefix(s, begin[i]) &&
		    s.n >= begin[i].n + end[i].n && str_has_suffix(s, end[i]))
			return str_sub(s, begin[i].n, s.n - end[i].n);
	return text;
}

/* DER (or BER) begins with a SEQUENCE, and its length is no text. */
static bool
read_pkcs7_file(
    struct arena *a, struct str text, struct str *ret, struct error *reterr)
{
	if (text.n >= 2 && text.p[0] == 0x30 && (text.p[1] & 0x80)) {
		*ret = text;
		return true;
	}
	return decode_lax_signature(a, inside_pem(text), ret, reterr);
}

/* `{"encoding":"pkcs7","signature":"…"}`, or PKCS #7 itself. */
static bool
read_azure_file(
    struct arena *a, struct str text, struct str *ret, struct error *reterr)
{
	json_t *root = NULL;
	struct str inside;
	bool ok;

	if (text.n == 0 || text.p[0] != '{')
		return read_pkcs7_file(a, text, ret, reterr);
	if (!doc_parse(text, &root, reterr))
		return false;
	inside = json_str(json_object_get(root, "signature"));
	ok =
	    str_eq(json_str(json_object_get(root, "encoding")), STR("pkcs7")) &&
	    inside.n > 0;
	ok = ok ? decode_lax_signature(a, inside, ret, reterr)
		: malformed(reterr, "signature",
		      "file is not `{\"encoding\":\"pkcs7\",\"signature\":"
		      "\"…\"}`");
	json_decref(root);
	return ok;
}

/* Base64 in any of the forms clients use, or the raw bytes themselves. */
static bool
read_ec2_file(
    struct arena *a, struct str text, struct str *ret, struct error *reterr)
{
	if (text.n > 0 && !is_text(text)) {
		*ret = text;
		return true;
	}
	return decode_lax_signature(a, text, ret, reterr);
}

/* The document that a PKCS #7 signature has inside, where none came beside it.
 */
static bool
take_content(struct arena *a, struct attest_evidence *e, struct error *reterr)
{
	if (is_whole(e->kind) && !str_eq(e->kind, STR(KIND_AVOW_CMS)) &&
	    str_has_suffix(e->document, STR("\n")))
		e->document.n--; /* one line feed ends a file of text */
	return e->document.n > 0 || is_whole(e->kind) ||
	       str_eq(e->kind, STR(KIND_AVOW)) ||
	       str_eq(e->kind, STR(KIND_EC2_SIGNATURE)) ||
	       cms_content(a, e->signature, &e->document, reterr);
}

/* The document has it inside. */
static bool
read_nothing(
    struct arena *a, struct str text, struct str *ret, struct error *reterr)
{
	(void)a;
	(void)reterr;
	*ret = text; /* check_sizes wants it to be empty */
	return true;
}

static const struct {
	struct str kind;
	bool (*read)(struct arena *, struct str, struct str *, struct error *);
} signature_files[] = {
	{ STR_INIT(KIND_AVOW), read_line_file },
	{ STR_INIT(KIND_AVOW_EMBEDDED), read_nothing },
	{ STR_INIT(KIND_AVOW_JWS), read_nothing },
	{ STR_INIT(KIND_AVOW_CMS), read_nothing },
	{ STR_INIT(KIND_EC2_SIGNATURE), read_ec2_file },
	{ STR_INIT(KIND_EC2_RSA2048), read_pkcs7_file },
	{ STR_INIT(KIND_EC2_PKCS7), read_pkcs7_file },
	{ STR_INIT(KIND_AZURE), read_azure_file },
	{ STR_INIT(KIND_GCP), read_nothing },
};

/* One line, and one line feed at most. */
static bool
from_token_file(struct str text, struct str signature,
    struct attest_evidence *ret, struct error *reterr)
{
	if (signature.n > 0)
		return malformed(
		    reterr, "token", "has its signature inside, none beside");
	if (str_has_suffix(text, STR("\n")))
		text.n--;
	return attest_evidence_from_token(text, ret, reterr);
}

bool
attest_evidence_from_files(struct arena *a, struct str kind,
    struct str document, struct str signature, struct attest_evidence *ret,
    struct error *reterr)
{
	struct attest_evidence e = { .kind = kind, .document = document };

	if (str_eq(kind, STR(KIND_TOKEN)))
		return from_token_file(document, signature, ret, reterr);
	for (size_t i = 0; i < ARRAY_LEN(signature_files); i++) {
		if (!str_eq(kind, signature_files[i].kind))
			continue;
		if (!signature_files[i].read(
			a, signature, &e.signature, reterr) ||
		    !take_content(a, &e, reterr) || !check_sizes(&e, reterr))
			return false;
		*ret = e;
		return true;
	}
	return error_set(reterr, ERR_EVIDENCE_KIND, SPAN_NONE,
	    "evidence of this kind cannot be read from files");
}
