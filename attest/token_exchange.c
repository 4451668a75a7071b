/* token_exchange.c - one token for another (RFC 8693), which never says more.
 * Subject, key and incarnation stay. The audience may change only from the
 * service's own (a token for the service may become one for a gate; one for a
 * gate stays there), the end only come nearer, claims only become fewer. The
 * asker has proven the key just now: a copied token buys nothing. A JWT-SVID is
 * a bearer, so it is given only where the operator wrote so. */
#include "attest/token.h"

#include "attest/jwk.h"
#include "attest/token_read.h"

static bool
refuse(struct error *reterr, enum err_code code, const char *why)
{
	return error_set(reterr, code, SPAN_NONE, "no exchange: %s", why);
}

static bool
check_proof(const struct token_exchange *x, struct error *reterr)
{
	const struct token *t = x->subject;
	bool ok = t->jkt.n > 0 ? str_eq(t->jkt, x->proven_jkt)
			       : t->x5t.n > 0 && str_eq(t->x5t, x->proven_x5t);

	return ok || refuse(reterr, ERR_EVIDENCE_PROOF,
			 "possession of the token's key was not proven");
}

/* A subject of one trust domain never becomes one of another. */
static struct str
domain_of(const struct token_exchange *x)
{
	return x->subject->trust_domain.n > 0 ? x->subject->trust_domain
					      : x->trust_domain;
}

static bool
check_type(const struct token_exchange *x, struct error *reterr)
{
	bool is_spiffe = x->type == TOKEN_WIT || x->type == TOKEN_JWT_SVID;

	if (x->subject->type != TOKEN_FULL)
		return refuse(reterr, ERR_EVIDENCE_KIND,
		    "only a full token can be exchanged");
	if (x->type != TOKEN_FULL && !is_spiffe)
		return refuse(reterr, ERR_REQUEST_MALFORMED,
		    "this type of token is not given for another");
	if (x->type == TOKEN_JWT_SVID && !x->allow_bearer)
		return refuse(reterr, ERR_REQUEST_MALFORMED,
		    "bearer tokens are not given here");
	if (is_spiffe && domain_of(x).n == 0)
		return refuse(
		    reterr, ERR_REQUEST_MALFORMED, "there is no trust domain");
	return true;
}

static bool
take_audience(
    const struct token_exchange *x, struct token *t, struct error *reterr)
{
	struct str was = x->subject->audience;

	/* A WIT is for whoever takes WITs: only a token that was for no gate
	 * yet may become one. */
	if (t->type == TOKEN_WIT) {
		if (x->audience.n > 0)
			return refuse(reterr, ERR_REQUEST_MALFORMED,
			    "a WIT-SVID has no audience");
		return (x->service.n > 0 && str_eq(was, x->service)) ||
		       refuse(reterr, ERR_EVIDENCE_AUDIENCE,
			   "the token is for one audience, and not for the "
			   "service");
	}
	t->audience = x->audience.n > 0 ? x->audience : was;
	if (str_eq(t->audience, was) ||
	    (x->service.n > 0 && str_eq(was, x->service)))
		return true;
	return refuse(reterr, ERR_EVIDENCE_AUDIENCE,
	    "the token is for one audience, and not for the service");
}

/* Cut, not refused: the asker cannot know to the second what is left. */
static bool
take_times(
    const struct token_exchange *x, struct token *t, struct error *reterr)
{
	int64_t lifetime = x->lifetime_s ? x->lifetime_s : TOKEN_LIFETIME_S;
	int64_t most = t->type == TOKEN_JWT_SVID ? TOKEN_LIFETIME_S
						 : TOKEN_LIFETIME_MOST_S;
	int64_t left = x->subject->expires_at - x->now_unix_s;

	if (lifetime <= 0)
		return refuse(reterr, ERR_REQUEST_MALFORMED,
		    "a lifetime is a positive number of seconds");
	if (left <= 0)
		return refuse(
		    reterr, ERR_EVIDENCE_EXPIRED, "the token has expired");
	lifetime = lifetime < most ? lifetime : most;
	t->issued_at = t->not_before = x->now_unix_s;
	t->expires_at = x->now_unix_s + (lifetime < left ? lifetime : left);
	return true;
}

static bool
keep_claim(json_t *kept, const json_t *from, struct arena *a, struct str name,
    struct error *reterr)
{
	const char *key = str_z(a, name);
	json_t *v = key ? json_object_get(from, key) : NULL;

	if (!key)
		return error_nomem(reterr);
	if (!v || strlen(key) != name.n)
		return error_set(reterr, ERR_REQUIREMENT_CLAIM, SPAN_NONE,
		    "no exchange: the token has no claim `%.*s`",
		    STR_ARG(name));
	return json_object_set(kept, key, v) == 0 || error_nomem(reterr);
}

/* SPIFFE's types carry none. */
static bool
take_claims(struct arena *a, const struct token_exchange *x, struct token *t,
    struct error *reterr)
{
	json_t *kept;

	if (t->type != TOKEN_FULL || (!x->claims && !x->subject->claims))
		return true;
	if (!x->claims) {
		t->claims =
		    json_incref((json_t *)(uintptr_t)x->subject->claims);
		return true;
	}
	kept = json_object();
	t->claims = kept; /* token_fini's, from here on */
	if (!kept)
		return error_nomem(reterr);
	for (size_t i = 0; i < x->n_claims; i++)
		if (!keep_claim(
			kept, x->subject->claims, a, x->claims[i], reterr))
			return false;
	return true;
}

/* The key that a WIT names is the one that was proven, and no other. */
static bool
take_holder(
    const struct token_exchange *x, struct token *t, struct error *reterr)
{
	struct keys_public k;
	bool is_same;

	if (t->type == TOKEN_JWT_SVID) {
		t->jkt = t->x5t = STR("");
		return true;
	}
	if (t->type != TOKEN_WIT)
		return true;
	if (!x->holder || !jwk_read(x->holder, &k, NULL))
		return refuse(reterr, ERR_REQUEST_MALFORMED,
		    "a WIT wants the holder's public key");
	is_same = x->subject->jkt.n > 0 &&
		  str_eq(keys_thumbprint(&k), x->subject->jkt);
	/* Written anew: nothing of the asker's own words goes along. */
	t->holder = is_same ? jwk_write(&k, NULL) : NULL;
	keys_public_fini(&k);
	if (!is_same)
		return refuse(reterr, ERR_EVIDENCE_PROOF,
		    "the key is not the one that the token is bound to");
	return t->holder != NULL || error_nomem(reterr);
}

bool
token_exchange(struct arena *a, const struct token_exchange *x,
    struct token *ret, struct error *reterr)
{
	struct token t = {
		.type = x->type,
		.issuer = x->subject->issuer,
		.subject = x->subject->subject,
		.trust_domain = x->type == TOKEN_FULL ? x->subject->trust_domain
						      : domain_of(x),
		.jkt = x->subject->jkt,
		.x5t = x->subject->x5t,
		.incarnation = x->subject->incarnation,
	};
	bool ok = check_type(x, reterr) && check_proof(x, reterr) &&
		  take_audience(x, &t, reterr) && take_times(x, &t, reterr) &&
		  take_claims(a, x, &t, reterr) && take_holder(x, &t, reterr);

	if (ok)
		*ret = t;
	else
		token_fini(&t);
	return ok;
}
