/* token.c - tokens made and tokens verified.
 * What is signed has been read back by the reader that verifiers use, so that
 * nothing leaves here that ours would refuse. In verification the first that
 * fails gives the code:
 *   form             evidence.malformed, evidence.too_large
 *   key              evidence.key (the header's `kid`, which only picks among
 *                    the trusted ones)
 *   signature        evidence.signature, another `alg` too
 *   typ              evidence.kind
 *   shape            evidence.malformed, evidence.instance
 *   times            evidence.not_yet_valid, evidence.expired
 *   issuer           evidence.issuer, trust domain too
 *   audience         evidence.audience
 *   revocation       evidence.revoked */
#include "attest/token.h"

#include <openssl/rand.h>

#include "attest/jwk.h"
#include "attest/revoked.h"
#include "attest/spiffe.h"
#include "attest/token_read.h"
#include "base/digest.h"
#include "base/limits.h"

/* JWT-SVID 2.1 has RS, ES and PS alone. */
static bool
token_key_may_sign(enum token_type type, const struct keys_public *key)
{
	return type != TOKEN_JWT_SVID || key->algorithm != KEYS_ED25519;
}

/* ---- making ---------------------------------------------------------------
 */

static bool
refuse_to_issue(struct error *reterr, const char *why)
{
	return error_set(reterr, ERR_USAGE, SPAN_NONE, "no token: %s", why);
}

static bool
check_lifetime(const struct token *t, struct error *reterr)
{
	int64_t most = t->type == TOKEN_JWT_SVID ? TOKEN_LIFETIME_S
						 : TOKEN_LIFETIME_MOST_S;

	if (t->issued_at <= 0 || t->not_before < t->issued_at ||
	    t->expires_at <= t->not_before ||
	    t->expires_at - t->issued_at > most)
		return refuse_to_issue(reterr,
		    "it begins when it is issued or later, and ends after "
		    "that, within 60 minutes (a JWT-SVID within 5)");
	return true;
}

/* Bound to one thing; a WIT to a whole key; a JWT-SVID to none. */
static bool
check_binding(const struct token *t, struct error *reterr)
{
	bool is_bound = t->jkt.n > 0 || t->x5t.n > 0;

	switch (t->type) {
	case TOKEN_FULL:
	case TOKEN_VERIFY:
		if (is_bound && (t->jkt.n == 0 || t->x5t.n == 0) && !t->holder)
			return true;
		return refuse_to_issue(
		    reterr, "it is bound to a key or to a certificate");
	case TOKEN_WIT:
		if (t->holder && !t->claims)
			return true;
		return refuse_to_issue(reterr,
		    "a WIT has its holder's key, and no claims of ours");
	case TOKEN_JWT_SVID:
		if (!is_bound && !t->holder && !t->claims)
			return true;
		return refuse_to_issue(
		    reterr, "a JWT-SVID has neither a key nor claims of ours");
	case TOKEN_NONE:
	default:
		return refuse_to_issue(reterr, "it has no type");
	}
}

static json_t *
subject_json(const struct token *t)
{
	struct buf id = { 0 };
	json_t *v = NULL;

	if (t->trust_domain.n == 0)
		return json_from_str(t->subject);
	spiffe_id_write(&id, t->trust_domain, t->subject);
	if (buf_ok(&id))
		v = json_from_str(buf_str(&id));
	buf_free(&id);
	return v;
}

static json_t *
cnf_json(const struct token *t)
{
	if (t->type == TOKEN_WIT)
		return json_pack("{s:O}", "jwk", t->holder);
	if (t->jkt.n > 0)
		return json_pack("{s:o}", "jkt", json_from_str(t->jkt));
	return json_pack("{s:o}", "x5t#S256", json_from_str(t->x5t));
}

static bool
set(json_t *root, const char *name, json_t *value)
{
	/* Takes the value even when it fails; refuses NULL. */
	return json_object_set_new(root, name, value) == 0;
}

static bool
fill(json_t *root, const struct token *t, struct str id)
{
	bool is_ours = t->type == TOKEN_FULL || t->type == TOKEN_VERIFY;

	return set(root, "iss", json_from_str(t->issuer)) &&
	       set(root, "sub", subject_json(t)) &&
	       (t->type == TOKEN_WIT ||
		   set(root, "aud", json_from_str(t->audience))) &&
	       set(root, "iat", json_integer(t->issued_at)) &&
	       set(root, "nbf", json_integer(t->not_before)) &&
	       set(root, "exp", json_integer(t->expires_at)) &&
	       set(root, "jti", json_from_str(id)) &&
	       (t->type == TOKEN_JWT_SVID || set(root, "cnf", cnf_json(t))) &&
	       (!is_ours || set(root, "inc", json_integer(t->incarnation))) &&
	       (!t->claims || set(root, "claims", json_deep_copy(t->claims)));
}

/* 128 random bits in hex, unless an id was given. */
static bool
make_id(struct str given, char ret[33], struct error *reterr)
{
	uint8_t bytes[16];

	if (given.n > 0) {
		if (!doc_id_is_valid(given))
			return refuse_to_issue(
			    reterr, "its id is 32 lower-case hex digits");
		memcpy(ret, given.p, given.n);
		ret[given.n] = '\0';
		return true;
	}
	if (RAND_bytes(bytes, sizeof bytes) != 1)
		return error_set(reterr, ERR_SYSTEM_ERROR, SPAN_NONE,
		    "no random bytes: %s", keys_drain());
	digest_hex(bytes, sizeof bytes, ret);
	return true;
}

static bool
write_payload(const struct token *t, struct buf *out, struct error *reterr)
{
	json_t *root = json_object();
	char id[33];
	bool ok = make_id(t->id, id, reterr);

	if (ok)
		ok = (root && fill(root, t, str_of(id)) &&
			 json_write(out, root)) ||
		     error_nomem(reterr);
	json_decref(root);
	return ok;
}

/* As a reader will have it. Its words are about evidence: what they mean here
 * is that the caller asked for what cannot be. */
static bool
read_back(const struct token *t, struct str compact, struct error *reterr)
{
	struct arena *a = arena_new(0);
	struct error why = { 0 };
	struct token found = { 0 };
	struct jws j = { 0 };
	bool ok = a ? jws_parse(a, compact, JWS_KEY_TRUSTED, &j, &why) &&
			  token_read(a, &j, t->type, &found, NULL, &why) &&
			  token_check_times(&found, t->not_before, &why)
		    : error_nomem(&why);

	token_fini(&found);
	jws_fini(&j);
	arena_free(a);
	if (ok)
		return true;
	return why.code == ERR_LIMIT_MEMORY ? error_nomem(reterr)
					    : refuse_to_issue(reterr, why.msg);
}

bool
token_issue(const struct token_ring *r, const struct token *t, struct buf *out,
    struct error *reterr)
{
	const struct attest_key *key;
	struct buf payload = { 0 }, token = { 0 };
	bool ok;

	if (!check_binding(t, reterr) || !check_lifetime(t, reterr))
		return false;
	key = token_ring_signer(r, t->issued_at, reterr);
	if (key && !token_key_may_sign(t->type, &key->public))
		return refuse_to_issue(reterr,
		    "JWT-SVIDs are signed by P-256 or RSA keys, and the key "
		    "that signs now is Ed25519");
	ok = key && write_payload(t, &payload, reterr) &&
	     jws_sign(&key->public, token_typ(t->type), NULL, buf_str(&payload),
		 &token, reterr) &&
	     read_back(t, buf_str(&token), reterr);
	if (ok) {
		buf_add(out, buf_str(&token));
		ok = buf_ok(out) || error_nomem(reterr);
	}
	buf_free(&payload);
	buf_free(&token);
	return ok;
}

/* ---- verifying ------------------------------------------------------------
 */

static bool
refuse(struct error *reterr, enum err_code code, const char *why)
{
	return error_set(reterr, code, SPAN_NONE, "%s", why);
}

static bool
check_issuer(
    const struct token *t, const struct token_want *want, struct error *reterr)
{
	/* SPIFFE's need not name one; ours always do. */
	if (t->issuer.n > 0 && !str_eq(t->issuer, want->issuer))
		return refuse(reterr, ERR_EVIDENCE_ISSUER,
		    "the token's issuer is another one");
	if (!str_eq(t->trust_domain, want->trust_domain))
		return refuse(reterr, ERR_EVIDENCE_ISSUER,
		    "the token's subject is of another trust domain");
	return true;
}

static bool
check_audience(
    const struct token *t, const struct token_want *want, struct error *reterr)
{
	if (t->type == TOKEN_WIT)
		return true;
	return (want->audience.n > 0 && str_eq(t->audience, want->audience)) ||
	       refuse(reterr, ERR_EVIDENCE_AUDIENCE,
		   "the token is for another audience");
}

static bool
check_revoked(
    const struct token *t, const struct token_want *want, struct error *reterr)
{
	const struct attest_revoked *list = want->revoked;

	if (attest_revoked_has(list, ATTEST_TOKEN, t->id) ||
	    attest_revoked_has(list, ATTEST_DOCUMENT, t->id) ||
	    attest_revoked_has(list, ATTEST_ACCOUNT, t->subject) ||
	    revoked_is_before_floor(list, t->issued_at) ||
	    revoked_has_instance(list, want->prefix, t->subject) ||
	    revoked_has_key(list, t->key_id) || revoked_has_key(list, t->jkt) ||
	    revoked_has_key(list, t->x5t))
		return refuse(reterr, ERR_EVIDENCE_REVOKED,
		    "the token, its subject or a key of it is revoked");
	return true;
}

static bool
check_signature(
    const struct jws *j, const struct token_want *want, struct error *reterr)
{
	const struct keys_public *key = token_keys_find(want->keys, j->kid);

	if (!key)
		return refuse(reterr, ERR_EVIDENCE_KEY,
		    "the key that the token names is not trusted");
	return jws_verify(j, key, reterr) &&
	       (token_typ_is(want->type, j->typ) ||
		   refuse(reterr, ERR_EVIDENCE_KIND,
		       "the token is of another type")) &&
	       (token_key_may_sign(want->type, key) ||
		   refuse(reterr, ERR_EVIDENCE_SIGNATURE,
		       "a JWT-SVID is not signed with EdDSA"));
}

static bool
check_all(
    const struct token *t, const struct token_want *want, struct error *reterr)
{
	return token_check_times(t, want->now_unix_s, reterr) &&
	       check_issuer(t, want, reterr) &&
	       check_audience(t, want, reterr) &&
	       check_revoked(t, want, reterr);
}

bool
token_verify(struct arena *a, struct str compact, const struct token_want *want,
    struct token *ret, struct error *reterr)
{
	struct token t = { 0 };
	struct jws j;
	bool ok;

	if (!jws_parse(a, compact, JWS_KEY_TRUSTED, &j, reterr))
		return false;
	ok = check_signature(&j, want, reterr) &&
	     token_read(a, &j, want->type, &t, NULL, reterr);
	ok = ok && check_all(&t, want, reterr);
	jws_fini(&j);
	if (ok)
		*ret = t;
	else
		token_fini(&t);
	return ok;
}
