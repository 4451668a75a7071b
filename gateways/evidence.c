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

/* RFC 7617: `Basic ` and Base64 of user, colon, password. */
static bool
read_basic(const struct http_request *q, struct str rhui,
    struct gate_evidence *ret, struct error *reterr)
{
	struct str field = http_header(q, "Authorization"), text;
	(void)rhui;
	if (field.n < 6 || strncasecmp(field.p, "Basic ", 6) != 0)
		return error_set(reterr, ERR_EVIDENCE_MALFORMED, SPAN_NONE,
		    "expected `Basic` authorization with a pack as password");
	if (!base64_decode(
		q->arena, BASE64_STANDARD, str_sub(field, 6, field.n), &text))
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

static const struct {
	const char *fields[2];
	bool (*read)(const struct http_request *q, struct str rhui,
	    struct gate_evidence *ret, struct error *reterr);
} kinds[] = {
	{ { "X-Avow-Document", "X-Avow-Signature" }, read_headers },
	{ { "X-Avow-Pack", NULL }, read_pack },
	{ { "X-RHUI-ID", "X-RHUI-SIGNATURE" }, read_rhui },
	{ { "Authorization", NULL }, read_basic },
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
	*ret = e;
	return true;
}
