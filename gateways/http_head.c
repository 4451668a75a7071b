#include "gateways/http_head.h"

#include "base/limits.h"

#define MALFORMED "request.malformed"
#define LIMIT "request.limit"

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

static bool
name_same(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	return true;
}

bool
http_name_eq(struct str a, const char *b)
{
	return name_same(a, str_of(b));
}

size_t
http_header_count(const struct http_request *r, const char *name)
{
	struct str want = str_of(name);
	size_t n = 0;

	for (size_t i = 0; i < r->n_headers; i++)
		n += name_same(r->headers[i].name, want);
	return n;
}

struct str
http_header(const struct http_request *r, const char *name)
{
	struct str want = str_of(name), found = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < r->n_headers; i++)
		if (name_same(r->headers[i].name, want)) {
			found = r->headers[i].value;
			n++;
		}
	return n == 1 ? found : (struct str){ 0 };
}

/* RFC 9110 5.6.2. */
static bool
is_token(struct str s)
{
	static const struct str others = STR_INIT("!#$%&'*+-.^_`|~");

	for (size_t i = 0; i < s.n; i++) {
		char c = lower(s.p[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    str_find(others, c, 0) == others.n)
			return false;
	}
	return s.n > 0;
}

/* A tab counts: some programs cut there. */
static bool
has_control(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return true;
	return false;
}

/* Origin form (RFC 9112 3.2.1): a path, visible ASCII, no fragment. */
static bool
is_origin_form(struct str t)
{
	for (size_t i = 0; i < t.n; i++)
		if (t.p[i] <= 0x20 || t.p[i] >= 0x7f || t.p[i] == '#')
			return false;
	return t.n > 0 && t.p[0] == '/';
}

/* ---- headers that may stand once ----------------------------------------- */

enum watch { WATCH_NONE = 0, WATCH_FRAMING, WATCH_EVIDENCE, WATCH_FORWARDED };

static bool
name_starts(struct str name, struct str prefix)
{
	return name_same(str_sub(name, 0, prefix.n), prefix);
}

static enum watch
watch_of(struct str name, const struct http_head_rules *rules)
{
	static const struct {
		struct str name;
		enum watch watch;
		bool is_prefix;
	} table[] = {
		{ STR_INIT("host"), WATCH_FRAMING, false },
		{ STR_INIT("content-length"), WATCH_FRAMING, false },
		{ STR_INIT("transfer-encoding"), WATCH_FRAMING, false },
		{ STR_INIT("authorization"), WATCH_EVIDENCE, false },
		{ STR_INIT("dpop"), WATCH_EVIDENCE, false },
		{ STR_INIT("x-avow-"), WATCH_EVIDENCE, true },
		{ STR_INIT("x-rhui-"), WATCH_EVIDENCE, true },
		{ STR_INIT("x-forwarded-"), WATCH_FORWARDED, true },
		{ STR_INIT("x-original-"), WATCH_FORWARDED, true },
	};

	const char *const configured[] = { rules->client_address_header,
		rules->client_certificate_header };

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].is_prefix ? name_starts(name, table[i].name)
				       : name_same(name, table[i].name))
			return table[i].watch;
	for (size_t i = 0; i < ARRAY_LEN(configured); i++)
		if (configured[i] && http_name_eq(name, configured[i]))
			return WATCH_FORWARDED;
	return WATCH_NONE;
}

/* The most serious class of which one name stands twice. */
static enum watch
find_repeated(const struct http_request *r, const struct http_head_rules *rules)
{
	struct {
		struct str name;
		enum watch watch;
	} seen[LIMIT_HTTP_FIELDS];
	bool repeated[WATCH_FORWARDED + 1] = { false };
	size_t n = 0;

	for (size_t i = 0; i < r->n_headers; i++) {
		struct str name = r->headers[i].name;
		enum watch w = watch_of(name, rules);

		if (w == WATCH_NONE)
			continue;
		for (size_t k = 0; k < n; k++)
			repeated[w] |=
			    seen[k].watch == w && name_same(seen[k].name, name);
		seen[n].name = name;
		seen[n++].watch = w;
	}
	for (enum watch w = WATCH_FRAMING; w <= WATCH_FORWARDED; w++)
		if (repeated[w])
			return w;
	return WATCH_NONE;
}

/* ---- the checks ---------------------------------------------------------- */

static struct http_head_verdict
refuse(unsigned status, const char *code, const char *why)
{
	return (struct http_head_verdict){ status, code, why };
}

static struct http_head_verdict
check_line(struct http_request *r, struct str version)
{
	size_t mark = str_find(r->target, '?', 0);

	if (r->method.n + r->target.n + version.n + 2 > LIMIT_HTTP_REQUEST_LINE)
		return refuse(414, LIMIT, "the request line is too long");
	if (!str_eq(version, STR("HTTP/1.1")) &&
	    !str_eq(version, STR("HTTP/1.0")))
		return refuse(400, MALFORMED, "the version is not HTTP/1.x");
	if (!is_token(r->method) || r->method.n > 32)
		return refuse(400, MALFORMED, "the method is no token");
	if (!is_origin_form(r->target))
		return refuse(400, MALFORMED,
		    "the target is no path, or has bytes that no URI has");
	r->path = str_sub(r->target, 0, mark);
	r->query = str_sub(r->target, mark + 1, r->target.n);
	return refuse(0, NULL, NULL);
}

static struct http_head_verdict
check_fields(const struct http_request *r)
{
	if (r->n_headers > LIMIT_HTTP_FIELDS)
		return refuse(431, LIMIT, "too many header fields");
	for (size_t i = 0; i < r->n_headers; i++) {
		const struct http_header *h = &r->headers[i];

		if (h->name.n + h->value.n > LIMIT_HTTP_FIELD)
			return refuse(431, LIMIT, "a header field is too long");
		if (!is_token(h->name))
			return refuse(400, MALFORMED,
			    "the name of a header field is no token");
		if (has_control(h->value))
			return refuse(400, MALFORMED,
			    "a header field has a control byte");
	}
	return refuse(0, NULL, NULL);
}

/* RFC 9112 6.3: one way to tell where the body ends. */
static struct http_head_verdict
check_body(const struct http_request *r, size_t limit, size_t *ret_bytes)
{
	bool has_length = http_header_count(r, "content-length") > 0;
	struct str digits = http_header(r, "content-length");
	uint64_t n = 0;

	if (http_header_count(r, "transfer-encoding") > 0)
		return has_length ? refuse(400, MALFORMED,
					"both Content-Length and "
					"Transfer-Encoding")
				  : refuse(411, MALFORMED,
					"Transfer-Encoding is not taken");
	if (has_length && !str_to_u64(digits, INT64_MAX, &n))
		return refuse(400, MALFORMED, "Content-Length is no number");
	if (n > limit)
		return refuse(413, LIMIT, "the body is too long");
	*ret_bytes = (size_t)n;
	return refuse(0, NULL, NULL);
}

struct http_head_verdict
http_head_check(struct http_request *r, struct str version,
    const struct http_head_rules *rules, size_t *ret_body_bytes)
{
	struct http_head_verdict v = check_line(r, version);
	enum watch repeated;

	if (!v.status)
		v = check_fields(r);
	if (v.status)
		return v;
	repeated = find_repeated(r, rules);
	if (repeated == WATCH_FRAMING)
		return refuse(400, MALFORMED,
		    "Host, Content-Length or Transfer-Encoding stands twice");
	if (str_eq(version, STR("HTTP/1.1")) && !http_header(r, "host").p)
		return refuse(400, MALFORMED, "there is no Host");
	if (repeated == WATCH_EVIDENCE)
		r->flaw = HTTP_FLAW_REPEATED_EVIDENCE;
	if (repeated == WATCH_FORWARDED)
		r->flaw = HTTP_FLAW_REPEATED_FORWARDED;
	return check_body(r, rules->body_limit, ret_body_bytes);
}

/* ---- the bytes between --------------------------------------------------- */

/* Are there `count` NULs at `p`, before `end`? */
static bool
nuls(const char *p, const char *end, ptrdiff_t count)
{
	if (end - p < count)
		return false;
	for (ptrdiff_t i = 0; i < count; i++)
		if (p[i] != '\0')
			return false;
	return true;
}

bool
http_head_is_exact(const char *head, size_t n, struct str method,
    const char *target_at, size_t target_n, struct str version,
    const struct http_header *headers, size_t n_headers)
{
	const char *end = head + n, *at = head;

	if (method.p != at || target_at != at + method.n + 1 ||
	    version.p != target_at + target_n + 1)
		return false;
	at = version.p + version.n;
	for (size_t i = 0; i < n_headers; i++) {
		struct str name = headers[i].name, value = headers[i].value;

		if (!nuls(at, end, 2) || name.p != at + 2)
			return false;
		at = name.p + name.n + 1; /* after the colon */
		while (at < value.p && *at == ' ')
			at++;
		if (at != value.p)
			return false;
		at += value.n;
	}
	return at + 4 == end && nuls(at, end, 4);
}
