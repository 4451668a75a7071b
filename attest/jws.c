/* jws.c - HEADER.PAYLOAD.SIGNATURE, taken apart and put together.
 * Three parts of strict Base64url: one text for one signature input, so that a
 * token cannot be written twice (left-over bits, padding, a fourth part: all
 * refused). The header is JSON without duplicate names. */
#include "attest/jws.h"

#include <openssl/err.h>

#include "attest/sig.h"
#include "base/base64.h"
#include "base/flat.h"
#include "base/limits.h"

static const struct {
	const char *noun;
	size_t bytes_most;
} uses[] = {
	[JWS_KEY_TRUSTED] = { "token", LIMIT_TOKEN_BYTES },
	[JWS_KEY_BROUGHT] = { "token", LIMIT_TOKEN_BYTES },
	[JWS_DOCUMENT] = { "document", LIMIT_DOCUMENT_BYTES },
};

static bool
malformed(enum jws_use use, struct error *reterr, const char *why)
{
	return error_set(reterr, ERR_EVIDENCE_MALFORMED, SPAN_NONE, "the %s %s",
	    uses[use].noun, why);
}

struct str
jws_algorithm(const struct keys_public *k)
{
	switch (k->algorithm) {
	case KEYS_RSA2048:
	case KEYS_RSA_LARGER:
		return STR("RS256");
	case KEYS_P256:
		return STR("ES256");
	case KEYS_ED25519:
		return STR("EdDSA");
	case KEYS_RSA1024:
	case KEYS_DSA:
	case KEYS_UNFIT:
	default:
		return STR("");
	}
}

/* ---- in -------------------------------------------------------------------
 */

static bool
split(struct arena *a, struct str text, struct jws *j, struct str *header)
{
	size_t first = str_find(text, '.', 0);
	size_t second = str_find(text, '.', first + 1);

	if (second >= text.n)
		return false;
	j->signed_part = str_sub(text, 0, second);
	/* A third dot fails here: it is no letter of Base64url. */
	return base64_decode(a, BASE64_URL, str_sub(text, 0, first), header) &&
	       base64_decode(a, BASE64_URL, str_sub(text, first + 1, second),
		   &j->payload) &&
	       base64_decode(a, BASE64_URL, str_sub(text, second + 1, text.n),
		   &j->signature);
}

/* RFC 8725 3.9, 3.10; RFC 7515 4.1.11; RFC 7797 6. */
static bool
check_names(const struct flat *header, enum jws_use use, struct error *reterr)
{
	static const struct str never[] = { STR_INIT("jku"), STR_INIT("x5u"),
		STR_INIT("x5c"), STR_INIT("crit"), STR_INIT("b64") };
	const struct flat *jwk = flat_get(header, STR("jwk"));

	for (size_t i = 0; i < ARRAY_LEN(never); i++)
		if (flat_get(header, never[i]))
			return error_set(reterr, ERR_EVIDENCE_MALFORMED,
			    SPAN_NONE,
			    "the %s's header has `%s`, which is never followed",
			    uses[use].noun, never[i].p);
	if (use != JWS_KEY_BROUGHT)
		return !jwk || malformed(use, reterr, "brings its own key");
	return flat_is(jwk, FLAT_OBJECT) ||
	       malformed(use, reterr, "does not bring its key");
}

/* A string member, empty when it is not there; false when it is another thing.
 */
static bool
read_name(const struct flat *header, struct str name, struct str *ret)
{
	const struct flat *v = flat_get(header, name);

	*ret = flat_is(v, FLAT_STRING) ? v->text : STR("");
	return !v || ret->n > 0;
}

/* As a list, and as a tree, too, where the header brings a key: that is read
 * from it. */
static bool
open_header(struct arena *a, struct jws *j, struct str text,
    const struct flat **ret, struct error *reterr)
{
	struct error why = { 0 };
	struct flat *plain;

	if (j->use != JWS_KEY_BROUGHT &&
	    flat_read(a, text, LIMIT_TOKEN_BYTES, LIMIT_TOKEN_DEPTH, UINT32_MAX,
		&plain, NULL)) {
		*ret = plain;
		return true;
	}
	if (!json_parse(text, NULL, LIMIT_TOKEN_BYTES, LIMIT_TOKEN_DEPTH,
		JSON_NO_NUL, &j->header, &why))
		return why.code == ERR_LIMIT_MEMORY
			   ? error_nomem(reterr)
			   : malformed(j->use, reterr,
				 "has a header that is not JSON");
	return flat_of_json(a, j->header, ret) || error_nomem(reterr);
}

/* A header as it is written here, found at once; of another, and of one that
 * brings a key, nothing is said. What is found is what read_header finds. */
static bool
read_own_header(struct jws *j, struct str text)
{
	static const struct str before[] = { STR_INIT("{\"alg\":\""),
		STR_INIT(",\"typ\":\""), STR_INIT(",\"kid\":\"") };
	struct str names[ARRAY_LEN(before)];

	for (size_t i = 0; i < ARRAY_LEN(before); i++) {
		if (!str_has_prefix(text, before[i]))
			return false;
		text = str_sub(text, before[i].n, text.n);
		if (!flat_take_string(&text, &names[i]) || names[i].n == 0)
			return false;
	}
	if (!str_eq(text, STR("}")) || j->use == JWS_KEY_BROUGHT)
		return false;
	j->alg = names[0];
	j->typ = names[1];
	j->kid = names[2];
	j->n_names = ARRAY_LEN(names);
	return true;
}

static bool
read_header(
    struct arena *a, struct jws *j, struct str text, struct error *reterr)
{
	const struct flat *header;

	if (read_own_header(j, text))
		return true;
	if (!open_header(a, j, text, &header, reterr))
		return false;
	if (!flat_is(header, FLAT_OBJECT))
		return malformed(
		    j->use, reterr, "has a header that is no object");
	if (!read_name(header, STR("alg"), &j->alg) || j->alg.n == 0 ||
	    !read_name(header, STR("typ"), &j->typ) ||
	    !read_name(header, STR("kid"), &j->kid))
		return malformed(j->use, reterr,
		    "has a header without `alg`, or with a name that is no "
		    "text");
	j->n_names = header->n;
	return check_names(header, j->use, reterr);
}

bool
jws_parse(struct arena *a, struct str text, enum jws_use use, struct jws *ret,
    struct error *reterr)
{
	struct jws j = { .use = use };
	struct str header;

	if (text.n > uses[use].bytes_most)
		return error_set(reterr, ERR_EVIDENCE_TOO_LARGE, SPAN_NONE,
		    "the %s is %zu bytes, the limit is %zu", uses[use].noun,
		    text.n, uses[use].bytes_most);
	if (!split(a, text, &j, &header))
		return malformed(
		    use, reterr, "is not three parts of Base64url with dots");
	if (!read_header(a, &j, header, reterr)) {
		json_decref(j.header);
		return false;
	}
	*ret = j;
	return true;
}

void
jws_fini(struct jws *j)
{
	if (j->header)
		json_decref(j->header);
	j->header = NULL;
}

bool
jws_verify(
    const struct jws *j, const struct keys_public *k, struct error *reterr)
{
	struct str alg = jws_algorithm(k);

	if (alg.n == 0 || !str_eq(alg, j->alg))
		return error_set(reterr, ERR_EVIDENCE_SIGNATURE, SPAN_NONE,
		    "the %s is not signed with the algorithm of the key",
		    uses[j->use].noun);
	return sig_verify_jose(k, j->signed_part, j->signature, reterr);
}

/* ---- out ------------------------------------------------------------------
 */

/* RFC 7515 4.1: `alg` first, for people. */
static json_t *
make_header(const struct keys_public *k, const char *typ, const json_t *jwk)
{
	json_t *header = json_object();
	bool ok = header &&
		  json_object_set_new(
		      header, "alg", json_from_str(jws_algorithm(k))) == 0 &&
		  json_object_set_new(header, "typ", json_string(typ)) == 0;

	if (ok && jwk)
		ok = json_object_set_new(header, "jwk", json_deep_copy(jwk)) ==
		     0;
	else if (ok)
		ok = json_object_set_new(
			 header, "kid", json_from_str(keys_thumbprint(k))) == 0;
	if (ok)
		return header;
	json_decref(header);
	return NULL;
}

static bool
add_signed_part(struct buf *out, const json_t *header, struct str payload)
{
	struct buf text = { 0 };
	bool ok = header && json_write(&text, header);

	base64_encode(out, BASE64_URL, buf_str(&text));
	buf_byte(out, '.');
	base64_encode(out, BASE64_URL, payload);
	buf_free(&text);
	return ok && buf_ok(out);
}

bool
jws_sign(const struct keys_public *k, const char *typ, const json_t *jwk,
    struct str payload, struct buf *out, struct error *reterr)
{
	struct buf token = { 0 }, signature = { 0 };
	json_t *header;
	bool ok;

	if (jws_algorithm(k).n == 0)
		return error_set(reterr, ERR_KEY_FORM, SPAN_NONE,
		    "a key of this type signs no JWS");
	header = make_header(k, typ, jwk);
	ok = add_signed_part(&token, header, payload) || error_nomem(reterr);
	ok = ok && sig_sign_jose(k, buf_str(&token), &signature, reterr);
	if (ok) {
		buf_byte(&token, '.');
		base64_encode(&token, BASE64_URL, buf_str(&signature));
		buf_add(out, buf_str(&token));
		ok = (buf_ok(&token) && buf_ok(out)) || error_nomem(reterr);
	}
	json_decref(header);
	buf_free(&token);
	buf_free(&signature);
	ERR_clear_error();
	return ok;
}
