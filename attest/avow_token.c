/* avow_token.c - the verdict on a token, and the library's face for it: avow.h
 * in terms of token.h. A client that only has the service's public keys needs
 * nothing else. */
#include "avow.h"

#include "attest/token.h"
#include "base/limits.h"

static json_t *
or_null(struct str s)
{
	return s.n > 0 ? json_from_str(s) : json_null();
}

static json_t *
time_json(int64_t unix_s)
{
	return unix_s > 0 ? json_from_time(unix_s * 1000) : json_null();
}

/* RFC 7800's member, or null. */
static json_t *
cnf_json(const struct token *t)
{
	if (t->jkt.n > 0)
		return json_pack("{s:o}", "jkt", json_from_str(t->jkt));
	if (t->x5t.n > 0)
		return json_pack("{s:o}", "x5t#S256", json_from_str(t->x5t));
	return json_null();
}

static json_t *
valid_json(const struct token *t)
{
	/* NULL when a part of it is: `o` takes the references. */
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
			 "s:o, s:I, s:O}",
	    "verdict", "valid", "typ", token_typ(t->type), "issuer",
	    or_null(t->issuer), "keyId", or_null(t->key_id), "subject",
	    or_null(t->subject), "trustDomain", or_null(t->trust_domain),
	    "audience", or_null(t->audience), "id", or_null(t->id), "issuedAt",
	    time_json(t->issued_at), "expiresAt", time_json(t->expires_at),
	    "cnf", cnf_json(t), "incarnation", (json_int_t)t->incarnation,
	    "claims", t->claims ? t->claims : json_null());
}

json_t *
token_verdict(const struct token *t, const struct error *why)
{
	if (t)
		return valid_json(t);
	return json_pack("{s:s, s:s, s:o}", "verdict", "refused", "code",
	    error_id(why->code), "message", json_from_str(str_of(why->msg)));
}

/* ---- avow.h ---------------------------------------------------------------
 */

static void
give(json_t *verdict_take, char *ret, size_t size, size_t *ret_length)
{
	struct buf out = { 0 };

	if (!verdict_take || !json_write(&out, verdict_take) || !buf_ok(&out))
		out.n = 0;
	json_decref(verdict_take);
	if (ret_length)
		*ret_length = out.n;
	if (ret && size > 0) {
		size_t n = out.n < size ? out.n : 0;

		memcpy(ret, n > 0 ? out.p : "", n);
		ret[n] = '\0';
	}
	buf_free(&out);
}

static bool
verify(struct arena *a, const struct avow_token_want *w, struct str token,
    struct token *ret, struct error *reterr)
{
	struct token_keys *keys = token_keys_parse(
	    "keys", (struct str){ w->keys, w->keys_length }, reterr);
	const struct token_want want = { .type = TOKEN_FULL,
		.keys = keys,
		.issuer = str_of(w->issuer),
		.audience = str_of(w->audience),
		.trust_domain = str_of(w->trust_domain),
		.now_unix_s = w->at_unix_s };
	bool ok = keys && token_verify(a, token, &want, ret, reterr);

	token_keys_free(keys);
	return ok;
}

enum avow_verdict
avow_token_verify(const struct avow_token_want *want, const char *token,
    size_t n, char *answer, size_t answer_size, size_t *ret_length)
{
	struct arena *a = arena_new(0);
	struct error err = { 0 };
	struct token t = { 0 };
	bool ok;

	json_setup();
	ok = a ? verify(a, want, (struct str){ token, n }, &t, &err)
	       : error_nomem(&err);
	give(token_verdict(ok ? &t : NULL, &err), answer, answer_size,
	    ret_length);
	token_fini(&t);
	arena_free(a);
	return ok ? AVOW_VALID : AVOW_REFUSED;
}
