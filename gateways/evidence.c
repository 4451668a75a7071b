/* evidence.c - header fields into evidence. An empty field counts as none,
 * since proxies send those; a repeated one was flagged by http.c. */
#include "gateways/evidence.h"

#include "base/base64.h"

static bool
read_headers(const struct http_request *q, struct str rhui,
    struct gate_evidence *ret, struct error *reterr)
{
	(void)rhui;
	return attest_evidence_from_headers(q->arena,
	    http_header(q, "X-Avow-Document"),
	    http_header(q, "X-Avow-Signature"), &ret->evidence, reterr);
}

static bool
read_pack(const struct http_request *q, struct str rhui,
    struct gate_evidence *ret, struct error *reterr)
{
	(void)rhui;
	return attest_evidence_from_pack(
	    q->arena, http_header(q, "X-Avow-Pack"), &ret->evidence, reterr);
}

static bool
read_rhui(const struct http_request *q, struct str rhui,
    struct gate_evidence *ret, struct error *reterr)
{
	return attest_evidence_from_rhui(q->arena, rhui,
	    http_header(q, "X-RHUI-ID"), http_header(q, "X-RHUI-SIGNATURE"),
	    &ret->evidence, reterr);
}

/* RFC 7617: Base64 of user, colon, password. */
static bool
read_basic(const struct http_request *q, struct str credentials,
    struct gate_evidence *ret, struct error *reterr)
{
	struct str text;
	if (!base64_decode(q->arena, BASE64_STANDARD, credentials, &text))
		return error_set(reterr, ERR_EVIDENCE_MALFORMED, SPAN_NONE,
		    "the `Basic` authorization is not Base64");
	size_t colon = str_find(text, ':', 0);
	if (colon >= text.n)
		return error_set(reterr, ERR_EVIDENCE_MALFORMED, SPAN_NONE,
		    "the `Basic` authorization has no colon");
	ret->basic_user = str_sub(text, 0, colon);
	return attest_evidence_from_pack(
	    q->arena, str_sub(text, colon + 1, text.n), &ret->evidence, reterr);
}

/* RFC 9449 7.1: the scheme says that a proof comes along. */
static bool
read_dpop(const struct http_request *q, struct str credentials,
    struct gate_evidence *ret, struct error *reterr)
{
	if (http_header(q, "DPoP").n == 0)
		return error_set(reterr, ERR_EVIDENCE_PROOF, SPAN_NONE,
		    "`DPoP` authorization without a `DPoP` header");
	return attest_evidence_from_token(credentials, &ret->evidence, reterr);
}

/* RFC 9449 7.2: a token with a proof is not a bearer's. */
static bool
read_bearer(const struct http_request *q, struct str credentials,
    struct gate_evidence *ret, struct error *reterr)
{
	if (http_header(q, "DPoP").n > 0)
		return error_set(reterr, ERR_EVIDENCE_AMBIGUOUS, SPAN_NONE,
		    "`Bearer` authorization with a `DPoP` header");
	return attest_evidence_from_token(credentials, &ret->evidence, reterr);
}

static const struct {
	struct str name; /* with its space */
	bool (*read)(const struct http_request *q, struct str credentials,
	    struct gate_evidence *ret, struct error *reterr);
} schemes[] = {
	{ STR_INIT("Basic "), read_basic },
	{ STR_INIT("DPoP "), read_dpop },
	{ STR_INIT("Bearer "), read_bearer },
};

/* RFC 9110 11.1: the scheme's name ignores case. */
static bool
read_authorization(const struct http_request *q, struct str rhui,
    struct gate_evidence *ret, struct error *reterr)
{
	struct str field = http_header(q, "Authorization");
	(void)rhui;
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		struct str name = schemes[i].name;
		if (field.n >= name.n &&
		    strncasecmp(field.p, name.p, name.n) == 0)
			return schemes[i].read(
			    q, str_sub(field, name.n, field.n), ret, reterr);
	}
	return error_set(reterr, ERR_EVIDENCE_MALFORMED, SPAN_NONE,
	    "expected `Basic` authorization with a pack as password, or `DPoP` "
	    "or `Bearer` with a token");
}

static const struct {
	const char *fields[2];
	bool (*read)(const struct http_request *q, struct str rhui,
	    struct gate_evidence *ret, struct error *reterr);
} kinds[] = {
	{ { "X-Avow-Document", "X-Avow-Signature" }, read_headers },
	{ { "X-Avow-Pack", NULL }, read_pack },
	{ { "X-RHUI-ID", "X-RHUI-SIGNATURE" }, read_rhui },
	{ { "Authorization", NULL }, read_authorization },
};

static bool
is_there(const struct http_request *q, const char *field)
{
	return field != NULL && http_header(q, field).n > 0;
}

bool
gate_evidence_read(const struct http_request *q, struct str rhui,
    struct gate_evidence *ret, struct error *reterr)
{
	size_t found = ARRAY_LEN(kinds), n = 0;
	if (q->flaw == HTTP_FLAW_REPEATED_EVIDENCE)
		return error_set(reterr, ERR_EVIDENCE_AMBIGUOUS, SPAN_NONE,
		    "an evidence header stands twice");
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (is_there(q, kinds[i].fields[0]) ||
		    is_there(q, kinds[i].fields[1])) {
			found = i;
			n++;
		}
	if (n == 0)
		return error_set(reterr, ERR_EVIDENCE_MISSING, SPAN_NONE,
		    "the request carries no identity document");
	if (n > 1)
		return error_set(reterr, ERR_EVIDENCE_AMBIGUOUS, SPAN_NONE,
		    "the request carries %zu kinds of evidence", n);
	struct gate_evidence e = { 0 };
	if (!kinds[found].read(q, rhui, &e, reterr))
		return false;
	e.dpop = http_header(q, "DPoP");
	*ret = e;
	return true;
}
