/* signer.c - see signer.h. A row a purpose: how a message is read as one of it.
 * Whatever is not understood whole is not signed. */
#include "attest/signer.h"

#include <stdio.h>

#include "attest/cms_own.h"
#include "attest/doc.h"
#include "attest/form.h"
#include "attest/jwk.h"
#include "attest/sig.h"
#include "attest/token_read.h"
#include "base/base64.h"
#include "base/digest.h"
#include "base/limits.h"

struct judging {
	struct arena *arena;
	const struct keys_public *key;
	const struct signer_rules *rules;
	int64_t now;
	struct signer_done *done;
};

static bool
refuse(struct error *reterr, enum err_code code, const char *why)
{
	return error_set(reterr, code, SPAN_NONE, "%s", why);
}

/* ---- what any of them must keep to ----------------------------------------
 */

/* `issued` 0: not said, so now. */
static bool
check_times(const struct judging *j, int64_t issued, int64_t expires,
    struct error *reterr)
{
	int64_t from = issued ? issued : j->now;

	if (from > j->now + LIMIT_SKEW_S || from < j->now - LIMIT_SKEW_S)
		return refuse(reterr, ERR_EVIDENCE_NOT_YET_VALID,
		    "what is signed now is issued now");
	if (expires <= j->now)
		return refuse(
		    reterr, ERR_EVIDENCE_EXPIRED, "it has expired already");
	return expires - from <= j->rules->lifetime_most_s ||
	       refuse(reterr, ERR_EVIDENCE_MALFORMED,
		   "it lives longer than this signer allows");
}

static bool
check_issuer(const struct judging *j, struct str issuer, struct error *reterr)
{
	return str_eq(issuer, j->rules->issuer) ||
	       refuse(reterr, ERR_EVIDENCE_ISSUER,
		   "it has another issuer than this signer's");
}

static bool
check_key(const struct judging *j, struct str id, struct error *reterr)
{
	return str_eq(id, keys_thumbprint(j->key)) ||
	       refuse(
		   reterr, ERR_EVIDENCE_KEY, "it names another key than this");
}

/* HEADER.PAYLOAD, as a JWS whose signature is still to come; the header has
 * what ours have and nothing else. */
static bool
read_jws(const struct judging *j, struct str message, enum jws_use use,
    struct jws *ret, struct error *reterr)
{
	struct str text = str_printf(j->arena, "%.*s.AA", STR_ARG(message));

	if (!text.p)
		return error_nomem(reterr);
	if (!jws_parse(j->arena, text, use, ret, reterr))
		return false;
	if (ret->n_names == 3 && str_eq(ret->alg, jws_algorithm(j->key)) &&
	    str_eq(ret->kid, keys_thumbprint(j->key)))
		return true;
	jws_fini(ret);
	return refuse(reterr, ERR_EVIDENCE_MALFORMED,
	    "its header is not the key's algorithm, a type and the key's id");
}

/* ---- documents ------------------------------------------------------------
 */

static bool
check_document(
    const struct judging *j, const struct doc *d, struct error *reterr)
{
	if (!check_key(j, d->key_id, reterr) ||
	    !check_issuer(j, d->issuer, reterr) ||
	    !check_times(j, d->issued_at, d->expires_at, reterr))
		return false;
	if (d->not_before < d->issued_at - LIMIT_SKEW_S)
		return refuse(reterr, ERR_EVIDENCE_MALFORMED,
		    "it says that it held before it was issued");
	snprintf(j->done->what, sizeof j->done->what,
	    "document=%.*s subject=%.*s", STR_ARG(d->id), STR_ARG(d->subject));
	return true;
}

static bool
judge_document_text(
    const struct judging *j, struct str text, struct error *reterr)
{
	struct doc d = { 0 };
	const struct flat *root;

	return doc_open(j->arena, text, &root, reterr) &&
	       doc_read(j->arena, root, &d, reterr) &&
	       check_document(j, &d, reterr);
}

static bool
judge_document(
    const struct judging *j, struct str message, struct error *reterr)
{
	struct jws jws = { 0 };
	bool ok;

	if (str_has_prefix(message, STR("{")))
		return judge_document_text(j, message, reterr);
	if (!read_jws(j, message, JWS_DOCUMENT, &jws, reterr))
		return false;
	ok = str_eq(jws.typ, STR(FORM_JWS_TYP)) ||
	     refuse(reterr, ERR_EVIDENCE_KIND, "it is no document");
	ok = ok && judge_document_text(j, jws.payload, reterr);
	jws_fini(&jws);
	return ok;
}

/* ---- tokens ---------------------------------------------------------------
 */

static enum token_type
type_of(struct str typ)
{
	static const enum token_type signed_here[] = { TOKEN_FULL, TOKEN_VERIFY,
		TOKEN_WIT };

	for (size_t i = 0; i < ARRAY_LEN(signed_here); i++)
		if (token_typ_is(signed_here[i], typ))
			return signed_here[i];
	return TOKEN_NONE;
}

static bool
check_token(
    const struct judging *j, const struct token *t, struct error *reterr)
{
	/* A WIT-SVID may go without; its trust domain stands in its subject. */
	if (t->issuer.n > 0 && !check_issuer(j, t->issuer, reterr))
		return false;
	if (!check_times(j, t->issued_at, t->expires_at, reterr))
		return false;
	snprintf(j->done->what, sizeof j->done->what,
	    "token=%.32s subject=%.*s", t->id.n == 32 ? t->id.p : "none",
	    STR_ARG(t->subject));
	return true;
}

static bool
judge_token(const struct judging *j, struct str message, struct error *reterr)
{
	struct jws jws = { 0 };
	struct token t = { 0 };
	enum token_type type;
	bool ok;

	if (!read_jws(j, message, JWS_KEY_TRUSTED, &jws, reterr))
		return false;
	type = type_of(jws.typ);
	ok = type != TOKEN_NONE ||
	     refuse(reterr, ERR_EVIDENCE_KIND,
		 "it is no token of a type that is signed here");
	ok = ok && token_read(j->arena, &jws, type, &t, NULL, reterr) &&
	     check_token(j, &t, reterr);
	token_fini(&t);
	jws_fini(&jws);
	return ok;
}

/* ---- policy images --------------------------------------------------------
 */

/* The heading with its NUL, and a SHA-256: policy/image.c. */
#define IMAGE "avow-image-v1"

static bool
judge_policy(const struct judging *j, struct str message, struct error *reterr)
{
	char hex[65];

	if (message.n != sizeof IMAGE + 32 ||
	    !str_eq(str_sub(message, 0, sizeof IMAGE),
		(struct str){ IMAGE, sizeof IMAGE }))
		return refuse(reterr, ERR_EVIDENCE_KIND,
		    "it is not the digest of a policy image");
	digest_hex((const uint8_t *)message.p + sizeof IMAGE, 32, hex);
	snprintf(j->done->what, sizeof j->done->what, "image=%s", hex);
	return true;
}

/* ---- requests -------------------------------------------------------------
 */

static bool
judge_nothing(const struct judging *j, struct str message, struct error *reterr)
{
	(void)j;
	(void)message;
	return refuse(reterr, ERR_SYSTEM_NOT_READY, "the key has no purpose");
}

static const struct purpose {
	struct str name;
	bool (*judge)(const struct judging *, struct str, struct error *);
} purposes[] = {
	[SIGNER_NONE] = { STR_INIT(""), judge_nothing },
	[SIGNER_DOCUMENT] = { STR_INIT("document"), judge_document },
	[SIGNER_TOKEN] = { STR_INIT("token"), judge_token },
	[SIGNER_POLICY] = { STR_INIT("policy"), judge_policy },
};

enum signer_purpose
signer_purpose_of(struct str name)
{
	for (size_t i = SIGNER_DOCUMENT; i < ARRAY_LEN(purposes); i++)
		if (str_eq(purposes[i].name, name))
			return (enum signer_purpose)i;
	return SIGNER_NONE;
}

/* Takes `answer`. */
static bool
write_line(json_t *answer, struct buf *out, struct error *reterr)
{
	bool ok = answer && json_write(out, answer);

	json_decref(answer);
	buf_byte(out, '\n');
	return (ok && buf_ok(out)) || error_nomem(reterr);
}

static bool
answer_key(const struct judging *j, struct buf *out, struct error *reterr)
{
	snprintf(j->done->what, sizeof j->done->what, "key");
	return write_line(json_pack("{s:o, s:o}", "purpose",
			      json_from_str(purposes[j->rules->purpose].name),
			      "key", jwk_write(j->key, "sig")),
	    out, reterr);
}

/* A message as it is, or the content of CMS, which only documents have. */
static bool
sign(const struct judging *j, struct str bytes, bool is_content,
    struct buf *ret_signature, struct error *reterr)
{
	struct buf attributes = { 0 };
	bool ok;

	if (!is_content)
		return purposes[j->rules->purpose].judge(j, bytes, reterr) &&
		       sig_sign(j->key, bytes, ret_signature, reterr);
	if (j->rules->purpose != SIGNER_DOCUMENT)
		return refuse(reterr, ERR_EVIDENCE_KIND,
		    "only documents are signed as CMS");
	ok = judge_document_text(j, bytes, reterr) &&
	     (cms_own_attributes(bytes, &attributes) || error_nomem(reterr)) &&
	     sig_sign(j->key, buf_str(&attributes), ret_signature, reterr);
	buf_free(&attributes);
	return ok;
}

static bool
answer_sign(const struct judging *j, const json_t *request, struct buf *out,
    struct error *reterr)
{
	const json_t *message = json_object_get(request, "message");
	const json_t *content = json_object_get(request, "content");
	const json_t *given = message ? message : content;
	struct buf signature = { 0 }, text = { 0 };
	struct str bytes;
	bool ok;

	if (json_object_size(request) != 2 || !json_is_string(given) ||
	    !base64_decode(j->arena, BASE64_URL, json_str(given), &bytes))
		return refuse(reterr, ERR_REQUEST_MALFORMED,
		    "`sign` wants `message` or `content` in Base64url");
	ok = sign(j, bytes, given == content, &signature, reterr);
	base64_encode(&text, BASE64_URL, buf_str(&signature));
	ok = ok && write_line(json_pack("{s:o}", "signature",
				  json_from_str(buf_str(&text))),
		       out, reterr);
	buf_free(&signature);
	buf_free(&text);
	return ok;
}

static bool
answer(const struct judging *j, struct str request, struct buf *out,
    struct error *reterr)
{
	struct error why = { 0 };
	json_t *root = NULL;
	struct str op;
	bool ok;

	if (!json_parse(request, NULL, SIGNER_LINE_BYTES, LIMIT_TOKEN_DEPTH,
		JSON_NO_NUL, &root, &why))
		return why.code == ERR_LIMIT_MEMORY
			   ? error_nomem(reterr)
			   : refuse(reterr, ERR_REQUEST_MALFORMED,
				 "the request is not a line of JSON");
	op = json_str(json_object_get(root, "op"));
	if (str_eq(op, STR("key")) && json_object_size(root) == 1)
		ok = answer_key(j, out, reterr);
	else if (str_eq(op, STR("sign")))
		ok = answer_sign(j, root, out, reterr);
	else
		ok = refuse(reterr, ERR_REQUEST_MALFORMED,
		    "the request's `op` is neither `key` nor `sign`");
	json_decref(root);
	return ok;
}

void
signer_refuse(enum err_code code, const char *why, struct buf *out)
{
	out->n = 0;
	(void)!write_line(
	    json_pack("{s:s, s:s}", "code", error_id(code), "message", why),
	    out, NULL);
}

void
signer_answer(const struct attest_key *key, const struct signer_rules *rules,
    struct str request, int64_t now_unix_s, struct buf *out,
    struct signer_done *ret)
{
	struct signer_done done = { 0 };
	struct error err = { 0 };
	struct judging j = { .arena = arena_new(0),
		.key = &key->public,
		.rules = rules,
		.now = now_unix_s,
		.done = &done };

	if (j.arena ? !answer(&j, request, out, &err) : !error_nomem(&err)) {
		done.code = err.code;
		snprintf(done.what, sizeof done.what, "%.159s", err.msg);
		signer_refuse(err.code, err.msg, out);
	}
	arena_free(j.arena);
	*ret = done;
}
