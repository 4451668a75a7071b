/* service_answer.c - what leaves the token service: JSON, or problem details
 * with a code (RFC 9457). What the operator has to mend is logged, and the
 * asker learns only the class of it. */
#include "gateways/service_private.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"
#include "gateways/answer.h"

/* Codes that gates answer in nginx's few statuses have their own here. */
static const struct {
	enum err_code code;
	unsigned status;
} statuses[] = {
	{ ERR_REQUEST_MALFORMED, 400 },
	{ ERR_REQUEST_PATH, 404 },
	{ ERR_REQUEST_METHOD, 405 },
	{ ERR_REQUEST_LIMIT, 413 },
	{ ERR_KEY_FORM, 400 },
	{ ERR_SYSTEM_STORE, 503 },
	{ ERR_SYSTEM_NOT_READY, 503 },
	{ ERR_SYSTEM_LIMIT, 503 },
	{ ERR_SYSTEM_ERROR, 500 },
};

static unsigned
status_of(enum err_code code)
{
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
		if (statuses[i].code == code)
			return statuses[i].status;
	return (unsigned)error_http(code);
}

/* Codes of messages, which are no answers. */
static enum err_code
outward(enum err_code code)
{
	switch ((int)code) {
	case ERR_KEY_FORM:
		return ERR_KEY_FORM;
	case ERR_CONFIG_TRUST: /* a private key where a public one belongs */
		return ERR_KEY_FORM;
	case ERR_USAGE:
		return ERR_REQUEST_MALFORMED;
	case ERR_LIMIT_MEMORY:
	case ERR_LIMIT_COUNT:
		return ERR_SYSTEM_LIMIT;
	default:
		return error_http(code) ? code : ERR_SYSTEM_ERROR;
	}
}

static bool
is_of_system(enum err_code code)
{
	return code == ERR_SYSTEM_STORE || code == ERR_SYSTEM_ERROR ||
	       code == ERR_SYSTEM_LIMIT || code == ERR_SYSTEM_NOT_READY;
}

bool
service_refuse(struct service_call *c)
{
	enum err_code code = outward(c->err.code);
	unsigned status = status_of(code);
	struct str detail = str_of(c->err.msg);

	c->s->counts.refused[code]++;
	if (is_of_system(code)) {
		log_error("service", &c->err);
		detail = str_of(error_help(code));
	} else if (detail.n == 0) {
		detail = str_of(error_help(code));
	}
	buf_free(&c->r->body);
	answer_problem(c->r, status, error_id(code), detail, NULL);
	http_response_header(c->r, "X-Avow-Reason", str_of(error_id(code)));
	if (status == 401 && c->r->n_headers == 1)
		http_response_header(c->r, "WWW-Authenticate",
		    c->is_admin ? STR("Bearer realm=\"avow admin\"")
				: STR("DPoP algs=\"ES256 EdDSA RS256\""));
	return false;
}

bool
service_fail(struct service_call *c, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	c->err = (struct error){ .code = code };
	va_start(ap, fmt);
	vsnprintf(c->err.msg, sizeof c->err.msg, fmt, ap);
	va_end(ap);
	return service_refuse(c);
}

bool
service_reply(struct service_call *c, unsigned status, json_t *body_take)
{
	answer_json(c->r, status, body_take);
	return true;
}

bool
service_reply_nothing(struct service_call *c)
{
	c->r->status = 204;
	return true;
}
