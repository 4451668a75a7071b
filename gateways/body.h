/* body.h - what an asker sends, read strictly: a JSON object by a table of its members, a query, a form.
 * Everything has a known name, stands once and is of its type; what is missing stays zero. Limits: the listener's on size, LIMIT_HTTP_JSON_DEPTH. Standards: RFC 8259,
 * RFC 7493 (no repeated names), WHATWG URL 5.1 for forms. Errors: ERR_REQUEST_MALFORMED with what was expected, memory. */
#ifndef GATEWAYS_BODY_H
#define GATEWAYS_BODY_H

#include "base/json.h"
#include "gateways/http.h"

enum body_kind {
	BODY_TEXT,     /* struct str; not empty */
	BODY_COUNT,    /* int64_t, from 0 on */
	BODY_DURATION, /* int64_t seconds, more than 0; written as `15m` */
	BODY_CHOICE,   /* enum body_choice */
	BODY_OBJECT,   /* const json_t *, lent from the body */
	BODY_LIST,     /* the same, a list */
};

enum body_choice { BODY_UNSAID = 0, BODY_NO, BODY_YES };

struct body_field {
	const char *name;
	enum body_kind kind;
	size_t offset;
	bool is_required;
};

/* The body of `q`, which says it is JSON, as the members of `object`. *ret_json is what slices and objects are lent from: json_decref it in the end, also after an
 * error (it is NULL then, maybe). */
bool body_read(const struct http_request *q, const struct body_field *fields,
    size_t n, void *object, json_t **ret_json, struct error *reterr) MUST_USE;
/* The same of an object that was read. */
bool body_read_object(const json_t *json, const struct body_field *fields,
    size_t n, void *object, struct error *reterr) MUST_USE;

struct body_pair {
	const char *name;
	struct str value; /* p NULL: not there. Decoded, in the request's arena */
};

/* The query: pairs of known names alone. */
bool body_query(const struct http_request *q, struct body_pair *pairs, size_t n,
    struct error *reterr) MUST_USE;
/* A body that says it is application/x-www-form-urlencoded. Unknown names are passed over (RFC 6749 3.2), a known one that stands twice is not. */
bool body_form(const struct http_request *q, struct body_pair *pairs, size_t n,
    struct error *reterr) MUST_USE;

#endif
