/* body.c - one table walk for JSON, one for `name=value&name=value`. */
#include "gateways/body.h"

#include "base/limits.h"
#include "base/timefmt.h"

#define PAIRS_MAX 64u

static bool
malformed(struct error *reterr, const char *name, const char *want)
{
	return error_set(reterr, ERR_REQUEST_MALFORMED, SPAN_NONE,
	    "`%s`: expected %s", name, want);
}

/* TYPE or TYPE; charset=utf-8, names in any case. */
static bool
has_type(const struct http_request *q, const char *type)
{
	struct str said = http_header(q, "content-type");
	size_t end = str_find(said, ';', 0);
	struct str name = str_sub(said, 0, end);
	struct str rest = str_sub(said, end, said.n);

	while (name.n && name.p[name.n - 1] == ' ')
		name.n--;
	while (rest.n && (rest.p[0] == ';' || rest.p[0] == ' '))
		rest = str_sub(rest, 1, rest.n);
	return http_name_eq(name, type) &&
	       (rest.n == 0 || http_name_eq(rest, "charset=utf-8"));
}

/* ---- JSON ---------------------------------------------------------------- */

static bool
read_duration(
    const char *name, struct str text, int64_t *ret, struct error *reterr)
{
	int64_t ms;

	if (!time_parse_duration(text, &ms) || ms < 1000 || ms % 1000 != 0)
		return malformed(
		    reterr, name, "a duration of whole seconds, as \"15m\"");
	*ret = ms / 1000;
	return true;
}

static bool
read_text(const struct body_field *f, const json_t *value, struct str *ret,
    struct error *reterr)
{
	if (!json_is_string(value) || json_string_length(value) == 0)
		return malformed(reterr, f->name, "text that is not empty");
	*ret = json_str(value);
	return true;
}

static bool
read_value(const struct body_field *f, const json_t *value, void *to,
    struct error *reterr)
{
	struct str text;

	switch (f->kind) {
	case BODY_TEXT:
		return read_text(f, value, to, reterr);
	case BODY_DURATION:
		return read_text(f, value, &text, reterr) &&
		       read_duration(f->name, text, to, reterr);
	case BODY_COUNT:
		if (!json_is_integer(value) || json_integer_value(value) < 0)
			return malformed(reterr, f->name, "a number from 0 on");
		*(int64_t *)to = json_integer_value(value);
		return true;
	case BODY_CHOICE:
		if (!json_is_boolean(value))
			return malformed(reterr, f->name, "true or false");
		*(enum body_choice *)to =
		    json_is_true(value) ? BODY_YES : BODY_NO;
		return true;
	case BODY_OBJECT:
		if (!json_is_object(value))
			return malformed(reterr, f->name, "an object");
		*(const json_t **)to = value;
		return true;
	case BODY_LIST:
		if (!json_is_array(value))
			return malformed(reterr, f->name, "a list");
		*(const json_t **)to = value;
		return true;
	}
	return false;
}

static const struct body_field *
find_field(const struct body_field *fields, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(fields[i].name, name) == 0)
			return &fields[i];
	return NULL;
}

bool
body_read_object(const json_t *json, const struct body_field *fields, size_t n,
    void *object, struct error *reterr)
{
	const char *name;
	json_t *value;

	if (!json_is_object(json))
		return error_set(reterr, ERR_REQUEST_MALFORMED, SPAN_NONE,
		    "expected a JSON object");
	json_object_foreach ((json_t *)(uintptr_t)json, name, value) {
		const struct body_field *f = find_field(fields, n, name);

		if (!f)
			return error_set(reterr, ERR_REQUEST_MALFORMED,
			    SPAN_NONE, "there is no member `%.64s` here", name);
		if (!read_value(f, value, (char *)object + f->offset, reterr))
			return false;
	}
	for (size_t i = 0; i < n; i++)
		if (fields[i].is_required &&
		    !json_object_get(json, fields[i].name))
			return error_set(reterr, ERR_REQUEST_MALFORMED,
			    SPAN_NONE, "`%s` is missing", fields[i].name);
	return true;
}

bool
body_read(const struct http_request *q, const struct body_field *fields,
    size_t n, void *object, json_t **ret_json, struct error *reterr)
{
	struct error why = { 0 };

	*ret_json = NULL;
	if (!has_type(q, "application/json"))
		return error_set(reterr, ERR_REQUEST_MALFORMED, SPAN_NONE,
		    "expected `Content-Type: application/json`");
	if (!json_parse(q->body, "body", q->body.n + 1, LIMIT_HTTP_JSON_DEPTH,
		JSON_NO_NUL, ret_json, &why))
		return why.code == ERR_LIMIT_MEMORY
			   ? error_nomem(reterr)
			   : error_set(reterr, ERR_REQUEST_MALFORMED, SPAN_NONE,
				 "line %u, column %u: %s", why.at.line,
				 why.at.col, why.msg);
	return body_read_object(*ret_json, fields, n, object, reterr);
}

/* ---- name=value&name=value ----------------------------------------------- */

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* `%XX` and `+`; what comes out is UTF-8 without control characters. */
static bool
decode(struct arena *a, struct str raw, struct str *ret)
{
	char *to = arena_alloc(a, raw.n + 1);
	size_t n = 0;

	if (!to)
		return false;
	for (size_t i = 0; i < raw.n; i++) {
		char c = raw.p[i];

		if (c == '%') {
			int high = i + 2 < raw.n ? hex(raw.p[i + 1]) : -1;
			int low = i + 2 < raw.n ? hex(raw.p[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = (char)(high * 16 + low);
			i += 2;
		} else if (c == '+') {
			c = ' ';
		}
		if ((unsigned char)c < 0x20 || c == 0x7f)
			return false;
		to[n++] = c;
	}
	*ret = (struct str){ to, n };
	return str_is_utf8(*ret);
}

static struct body_pair *
find_pair(struct body_pair *pairs, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(name, str_of(pairs[i].name)))
			return &pairs[i];
	return NULL;
}

static bool
take_pair(struct arena *a, struct str part, struct body_pair *pairs, size_t n,
    bool only_known, struct error *reterr)
{
	size_t eq = str_find(part, '=', 0);
	struct body_pair *p;
	struct str name;

	if (eq == part.n || !decode(a, str_sub(part, 0, eq), &name))
		return error_set(reterr, ERR_REQUEST_MALFORMED, SPAN_NONE,
		    "expected `name=value` pairs, joined by `&`");
	p = find_pair(pairs, n, name);
	if (!p)
		return !only_known ||
		       error_set(reterr, ERR_REQUEST_MALFORMED, SPAN_NONE,
			   "there is no parameter `%.*s` here",
			   (int)(name.n > 64 ? 64 : name.n), name.p);
	if (p->value.p)
		return error_set(reterr, ERR_REQUEST_MALFORMED, SPAN_NONE,
		    "`%s` stands twice", p->name);
	return decode(a, str_sub(part, eq + 1, part.n), &p->value) ||
	       error_set(reterr, ERR_REQUEST_MALFORMED, SPAN_NONE,
		   "the value of `%s` is not well formed", p->name);
}

static bool
take_pairs(struct arena *a, struct str text, struct body_pair *pairs, size_t n,
    bool only_known, struct error *reterr)
{
	size_t at = 0, count = 0, end;

	for (; at < text.n; at = end + 1) {
		end = str_find(text, '&', at);
		if (++count > PAIRS_MAX)
			return error_set(reterr, ERR_REQUEST_MALFORMED,
			    SPAN_NONE, "more than %u parameters", PAIRS_MAX);
		if (!take_pair(a, str_sub(text, at, end), pairs, n, only_known,
			reterr))
			return false;
	}
	return true;
}

bool
body_query(const struct http_request *q, struct body_pair *pairs, size_t n,
    struct error *reterr)
{
	return take_pairs(q->arena, q->query, pairs, n, true, reterr);
}

bool
body_form(const struct http_request *q, struct body_pair *pairs, size_t n,
    struct error *reterr)
{
	if (!has_type(q, "application/x-www-form-urlencoded"))
		return error_set(reterr, ERR_REQUEST_MALFORMED, SPAN_NONE,
		    "expected `Content-Type: "
		    "application/x-www-form-urlencoded`");
	return take_pairs(q->arena, q->body, pairs, n, false, reterr);
}
