/* token_read.c - what a token's payload says, member by member.
 * A table a type. In our own types a member without a row is refused, since a
 * reader that skips what it does not know would skip a restriction, too; in
 * SPIFFE's it is ignored, as their standards have it. */
#include "attest/token_read.h"

#include "attest/jwk.h"
#include "attest/spiffe.h"
#include "base/digest.h"
#include "base/limits.h"

#define TIME_MOST INT64_C(253402300799) /* 9999-12-31T23:59:59Z */
#define INCARNATION_MOST (INT64_C(1) << 53)

struct reading {
	struct arena *arena;
	struct token *token;
	struct doc *doc;
	struct error *reterr;
};

struct member {
	struct str name;
	bool required;
	bool (*read)(
	    const struct reading *, const struct flat *v, const char *name);
};

static bool
malformed(const struct reading *r, const char *name, const char *want)
{
	return error_set(r->reterr, ERR_EVIDENCE_MALFORMED, SPAN_NONE,
	    "the token's `%s` is not %s", name, want);
}

static bool
read_text(const struct reading *r, const struct flat *v, const char *name,
    size_t most, struct str *ret)
{
	struct str text = flat_str(v);

	if (text.n == 0 || text.n > most)
		return malformed(r, name, "a text of the right length");
	*ret = text; /* lent */
	return true;
}

static bool
read_number(const struct reading *r, const struct flat *v, const char *name,
    int64_t most, int64_t *ret)
{
	if (!flat_is(v, FLAT_INTEGER) || v->number < 0 || v->number > most)
		return malformed(r, name, "a whole number in its range");
	*ret = v->number;
	return true;
}

static bool
read_issuer(const struct reading *r, const struct flat *v, const char *name)
{
	return read_text(r, v, name, DOC_TEXT_BYTES, &r->token->issuer);
}

static bool
refuse_subject(const struct reading *r)
{
	return error_set(r->reterr, ERR_EVIDENCE_INSTANCE, SPAN_NONE,
	    "the token's `sub` is neither an instance id nor "
	    "spiffe://TRUST_DOMAIN/instance/ID");
}

static bool
read_subject(const struct reading *r, const struct flat *v, const char *name)
{
	struct str text, path;

	if (!read_text(r, v, name, 2048, &text))
		return false;
	if (attest_instance_id_is_valid(text)) {
		r->token->subject = text;
		return true;
	}
	return (spiffe_id_parse(text, &r->token->trust_domain, &path) &&
		   spiffe_instance(path, &r->token->subject)) ||
	       refuse_subject(r);
}

static bool
read_spiffe_subject(
    const struct reading *r, const struct flat *v, const char *name)
{
	return read_subject(r, v, name) &&
	       (r->token->trust_domain.n > 0 || refuse_subject(r));
}

/* RFC 7519 4.1.3: a text or a list; ours has one. */
static bool
read_audience(const struct reading *r, const struct flat *v, const char *name)
{
	bool is_list = flat_is(v, FLAT_ARRAY);

	if (is_list && v->n != 1)
		return malformed(r, name, "one audience");
	return read_text(r, is_list ? flat_first(v) : v, name,
	    LIMIT_TOKEN_AUDIENCE, &r->token->audience);
}

static bool
read_issued_at(const struct reading *r, const struct flat *v, const char *name)
{
	return read_number(r, v, name, TIME_MOST, &r->token->issued_at);
}

static bool
read_not_before(const struct reading *r, const struct flat *v, const char *name)
{
	return read_number(r, v, name, TIME_MOST, &r->token->not_before);
}

static bool
read_expires_at(const struct reading *r, const struct flat *v, const char *name)
{
	return read_number(r, v, name, TIME_MOST, &r->token->expires_at);
}

static bool
read_incarnation(
    const struct reading *r, const struct flat *v, const char *name)
{
	return read_number(
	    r, v, name, INCARNATION_MOST, &r->token->incarnation);
}

static bool
read_id(const struct reading *r, const struct flat *v, const char *name)
{
	return read_text(r, v, name, DOC_TEXT_BYTES, &r->token->id) &&
	       (doc_id_is_valid(r->token->id) ||
		   malformed(r, name, "32 lower-case hex digits"));
}

/* Others' ids are any text. */
static bool
read_free_id(const struct reading *r, const struct flat *v, const char *name)
{
	return read_text(r, v, name, DOC_TEXT_BYTES, &r->token->id);
}

static bool
read_thumbprint(const struct reading *r, const struct flat *v, struct str *ret)
{
	if (!v)
		return true;
	return read_text(r, v, "cnf", KEYS_THUMBPRINT, ret) &&
	       (keys_thumbprint_is_valid(*ret) ||
		   malformed(r, "cnf", "a thumbprint"));
}

/* RFC 7800 3.1, RFC 9449 6.1, RFC 8705 3.1: bound to one thing. */
static bool
read_cnf(const struct reading *r, const struct flat *v, const char *name)
{
	if (!flat_is(v, FLAT_OBJECT) || v->n != 1)
		return malformed(r, name, "an object with one member");
	return read_thumbprint(r, flat_get(v, STR("jkt")), &r->token->jkt) &&
	       read_thumbprint(
		   r, flat_get(v, STR("x5t#S256")), &r->token->x5t) &&
	       (r->token->jkt.n + r->token->x5t.n > 0 ||
		   malformed(r, name, "`jkt` or `x5t#S256`"));
}

/* Takes `jwk` when it succeeds. */
static bool
take_holder(const struct reading *r, json_t *jwk)
{
	struct keys_public k;

	if (!json_is_string(json_object_get(jwk, "alg")))
		return malformed(r, "cnf", "`jwk` with its `alg`");
	if (!jwk_read(jwk, &k, NULL))
		return malformed(r, "cnf", "a public key of an accepted type");
	r->token->jkt = str_dup(r->arena, keys_thumbprint(&k));
	keys_public_fini(&k);
	if (!r->token->jkt.p)
		return error_nomem(r->reterr);
	r->token->holder = jwk;
	return true;
}

/* A WIT carries the whole key, and says its algorithm. */
static bool
read_cnf_jwk(const struct reading *r, const struct flat *v, const char *name)
{
	const struct flat *member = flat_get(v, STR("jwk"));
	json_t *jwk;

	if (!flat_is(member, FLAT_OBJECT))
		return malformed(r, name, "`jwk` with its `alg`");
	jwk = flat_to_json(member);
	if (!jwk)
		return error_nomem(r->reterr);
	if (take_holder(r, jwk))
		return true;
	json_decref(jwk);
	return false;
}

/* For whom asks for a token alone as they are, else where a document's go. */
static bool
read_claims(const struct reading *r, const struct flat *v, const char *name)
{
	struct doc unused = { 0 };

	if (!doc_read_claims(
		r->arena, v, name, r->doc ? r->doc : &unused, r->reterr))
		return false;
	if (r->doc)
		return true;
	r->token->claims = flat_to_json(v);
	return r->token->claims || error_nomem(r->reterr);
}

static const struct member full_members[] = {
	{ STR_INIT("iss"), true, read_issuer },
	{ STR_INIT("sub"), true, read_subject },
	{ STR_INIT("aud"), true, read_audience },
	{ STR_INIT("iat"), true, read_issued_at },
	{ STR_INIT("nbf"), true, read_not_before },
	{ STR_INIT("exp"), true, read_expires_at },
	{ STR_INIT("jti"), true, read_id },
	{ STR_INIT("cnf"), true, read_cnf },
	{ STR_INIT("inc"), true, read_incarnation },
	{ STR_INIT("claims"), false, read_claims },
};

static const struct member wit_members[] = {
	{ STR_INIT("iss"), false, read_issuer },
	{ STR_INIT("sub"), true, read_spiffe_subject },
	{ STR_INIT("iat"), false, read_issued_at },
	{ STR_INIT("nbf"), false, read_not_before },
	{ STR_INIT("exp"), true, read_expires_at },
	{ STR_INIT("jti"), false, read_free_id },
	{ STR_INIT("cnf"), true, read_cnf_jwk },
};

static const struct member svid_members[] = {
	{ STR_INIT("iss"), false, read_issuer },
	{ STR_INIT("sub"), true, read_spiffe_subject },
	{ STR_INIT("aud"), true, read_audience },
	{ STR_INIT("iat"), false, read_issued_at },
	{ STR_INIT("nbf"), false, read_not_before },
	{ STR_INIT("exp"), true, read_expires_at },
	{ STR_INIT("jti"), false, read_free_id },
};

static const struct kind {
	const char *word;
	const char *typ;
	const char *urn; /* in a token exchange; NULL: not given there */
	bool is_ours;    /* nothing without a row */
	const struct member *members;
	size_t n;
} kinds[] = {
	[TOKEN_NONE] = { "", "", NULL, true, NULL, 0 },
	[TOKEN_FULL] = { "full", "avow-token+jwt",
	    "urn:ietf:params:oauth:token-type:jwt", true, full_members,
	    ARRAY_LEN(full_members) },
	[TOKEN_VERIFY] = { "verify", "avow-verify+jwt", NULL, true,
	    full_members, ARRAY_LEN(full_members) },
	[TOKEN_WIT] = { "wit", "wit+jwt", "urn:avow:token-type:wit-svid", false,
	    wit_members, ARRAY_LEN(wit_members) },
	[TOKEN_JWT_SVID] = { "jwt-svid", "JWT", "urn:avow:token-type:jwt-svid",
	    false, svid_members, ARRAY_LEN(svid_members) },
};

const char *
token_typ(enum token_type type)
{
	return kinds[type].typ;
}

const char *
token_urn(enum token_type type)
{
	return kinds[type].urn ? kinds[type].urn : "";
}

enum token_type
token_type_of(struct str name)
{
	if (str_eq(name, STR("urn:ietf:params:oauth:token-type:access_token")))
		return TOKEN_FULL;
	if (str_eq(name, STR("wit-svid")))
		return TOKEN_WIT;
	for (size_t i = 1; i < ARRAY_LEN(kinds); i++)
		if (str_eq(name, str_of(kinds[i].word)) ||
		    str_eq(name, str_of(kinds[i].typ)) ||
		    (kinds[i].urn && str_eq(name, str_of(kinds[i].urn))))
			return (enum token_type)i;
	return TOKEN_NONE;
}

bool
token_typ_is(enum token_type type, struct str typ)
{
	if (type == TOKEN_JWT_SVID)
		return typ.n == 0 || str_eq(typ, STR("JWT")) ||
		       str_eq(typ, STR("JOSE"));
	return type != TOKEN_NONE && str_eq(typ, str_of(kinds[type].typ));
}

#define ROWS_MOST ARRAY_LEN(full_members)
_Static_assert(
    ARRAY_LEN(wit_members) <= ROWS_MOST && ARRAY_LEN(svid_members) <= ROWS_MOST,
    "a table has more rows than there is room for what they find");

static bool
read_members(const struct reading *r, const struct kind *kind,
    const struct flat *payload)
{
	const struct flat *found[ROWS_MOST] = { 0 };
	size_t known = flat_match(
	    payload, kind->members, kind->n, sizeof *kind->members, found);

	for (size_t i = 0; i < kind->n; i++) {
		const struct member *m = &kind->members[i];

		if (!found[i] && m->required)
			return error_set(r->reterr, ERR_EVIDENCE_MALFORMED,
			    SPAN_NONE, "the token lacks `%s`", m->name.p);
		if (found[i] && !m->read(r, found[i], m->name.p))
			return false;
	}
	return !kind->is_ours || known == payload->n ||
	       error_set(r->reterr, ERR_EVIDENCE_MALFORMED, SPAN_NONE,
		   "the token has a member that this version does not know");
}

void
token_fini(struct token *t)
{
	json_decref((json_t *)(uintptr_t)t->claims);
	json_decref((json_t *)(uintptr_t)t->holder);
	t->claims = t->holder = NULL;
}

static bool
open_payload(struct arena *a, struct str payload, const struct flat **ret,
    struct error *reterr)
{
	struct error why = { 0 };
	struct flat *plain;
	json_t *tree;

	if (flat_read(a, payload, LIMIT_TOKEN_BYTES, LIMIT_TOKEN_DEPTH,
		UINT32_MAX, &plain, NULL)) {
		*ret = plain;
		return true;
	}
	if (json_parse(payload, NULL, LIMIT_TOKEN_BYTES, LIMIT_TOKEN_DEPTH,
		JSON_NO_NUL, &tree, &why))
		return doc_open_tree(a, tree, ret, reterr);
	return why.code == ERR_LIMIT_MEMORY
		   ? error_nomem(reterr)
		   : error_set(reterr, ERR_EVIDENCE_MALFORMED, SPAN_NONE,
			 "the token's payload is not acceptable: %s",
			 error_help(why.code));
}

bool
token_read(struct arena *a, const struct jws *j, enum token_type type,
    struct token *ret, struct doc *doc, struct error *reterr)
{
	struct token t = { .type = type };
	const struct reading r = { a, &t, doc, reterr };
	const struct flat *payload;
	bool ok = open_payload(a, j->payload, &payload, reterr);

	if (ok && !flat_is(payload, FLAT_OBJECT))
		ok = malformed(&r, "payload", "an object");
	ok = ok && read_members(&r, &kinds[type], payload);
	if (ok) {
		t.key_id = str_dup(a, j->kid);
		ok = t.key_id.p || error_nomem(reterr);
	}
	if (ok)
		*ret = t;
	else
		token_fini(&t);
	return ok;
}

bool
token_check_times(
    const struct token *t, int64_t now_unix_s, struct error *reterr)
{
	int64_t latest =
	    t->issued_at > t->not_before ? t->issued_at : t->not_before;
	int64_t from = t->issued_at > 0 ? t->issued_at : now_unix_s;

	/* Times are at most TIME_MOST: no overflow. */
	if (latest - LIMIT_SKEW_S > now_unix_s)
		return error_set(reterr, ERR_EVIDENCE_NOT_YET_VALID, SPAN_NONE,
		    "the token is not valid yet");
	if (t->expires_at <= now_unix_s)
		return error_set(reterr, ERR_EVIDENCE_EXPIRED, SPAN_NONE,
		    "the token has expired");
	if (t->expires_at <= latest ||
	    t->expires_at - from > TOKEN_LIFETIME_MOST_S)
		return error_set(reterr, ERR_EVIDENCE_MALFORMED, SPAN_NONE,
		    "the token ends before it begins, or lives longer than "
		    "%d minutes",
		    TOKEN_LIFETIME_MOST_S / 60);
	return true;
}
