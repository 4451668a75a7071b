/* service_accounts.c - /v1/accounts and /v1/instances: who may be, and by which
 * key. Authority is judged by attest/sts.h, in the transaction that changes. */
#include "gateways/service_private.h"

#include "base/base64.h"
#include "base/limits.h"
#include "gateways/account_json.h"

#define PAGE_USUAL 100u

static const char header_key[] = "idempotency-key";

static bool
read_body(struct service_call *c, const struct body_field *fields, size_t n,
    void *object)
{
	return body_read(c->q, fields, n, object, &c->json, &c->err) ||
	       service_refuse(c);
}

static bool
answer_account(
    struct service_call *c, unsigned status, const struct sts_account *account)
{
	if (status == 201)
		http_response_header(c->r, "Location",
		    str_printf(
			c->a, "/v1/accounts/%.*s", STR_ARG(account->id)));
	return service_reply(c, status, account_json(account));
}

/* ---- making -------------------------------------------------------------- */

struct create {
	struct str id, kind, prefix, audience;
	enum body_choice may_issue;
};
static const struct body_field create_fields[] = {
	{ "id", BODY_TEXT, offsetof(struct create, id), true },
	{ "kind", BODY_TEXT, offsetof(struct create, kind), true },
	{ "prefix", BODY_TEXT, offsetof(struct create, prefix), false },
	{ "audience", BODY_TEXT, offsetof(struct create, audience), false },
	{ "mayIssue", BODY_CHOICE, offsetof(struct create, may_issue), false },
};

static bool
idempotency(struct service_call *c, struct str *ret)
{
	*ret = http_header(c->q, header_key);
	if (http_header_count(c->q, header_key) > 1)
		return service_fail(
		    c, ERR_REQUEST_MALFORMED, "`Idempotency-Key` stands twice");
	return true;
}

bool
service_accounts_create(struct service_call *c)
{
	struct create body = { 0 };
	struct sts_account account;
	struct sts_new_account what;
	bool created;

	if (!read_body(c, create_fields, ARRAY_LEN(create_fields), &body))
		return false;
	c->id = body.id;
	what = (struct sts_new_account){ .id = body.id,
		.kind = account_kind_of(body.kind),
		.prefix = body.prefix,
		.audience = body.audience,
		.may_issue = body.may_issue == BODY_YES };
	if (what.kind == STS_KIND_NONE)
		return service_fail(c, ERR_REQUEST_MALFORMED,
		    "`kind`: expected \"instance\" or \"controller\"");
	if (!idempotency(c, &what.idempotency_key))
		return false;
	if (!sts_account_create(
		c->s->sts, c->a, &c->actor, &what, &account, &created, &c->err))
		return service_refuse(c);
	return answer_account(c, created ? 201 : 200, &account);
}

/* ---- looking ------------------------------------------------------------- */

bool
service_account_get(struct service_call *c)
{
	struct sts_account account;

	if (!sts_account_get(
		c->s->sts, c->a, &c->actor, c->id, &account, &c->err))
		return service_refuse(c);
	return answer_account(c, 200, &account);
}

/* A page's end, in words that nobody is to read: the id it ended with. */
bool
service_read_next(struct service_call *c, struct str text, struct str *ret)
{
	static const struct str mark = STR_INIT("1:");
	struct str raw;

	if (text.p == NULL)
		return true;
	if (!base64_decode(c->a, BASE64_URL, text, &raw) ||
	    !str_has_prefix(raw, mark) ||
	    !attest_instance_id_is_valid(str_sub(raw, mark.n, raw.n)))
		return service_fail(c, ERR_REQUEST_MALFORMED,
		    "`next` is not one that a former answer gave");
	*ret = str_sub(raw, mark.n, raw.n);
	return true;
}

json_t *
service_next_json(struct str id)
{
	struct buf raw = { 0 }, text = { 0 };
	json_t *json = NULL;

	buf_printf(&raw, "1:%.*s", STR_ARG(id));
	base64_encode(&text, BASE64_URL, buf_str(&raw));
	if (buf_ok(&raw) && buf_ok(&text))
		json = json_from_str(buf_str(&text));
	buf_free(&raw);
	buf_free(&text);
	return json;
}

bool
service_read_limit(struct service_call *c, struct str text, size_t *ret)
{
	uint64_t limit = PAGE_USUAL;

	if (text.p && (!str_to_u64(text, UINT32_MAX, &limit) || limit == 0))
		return service_fail(c, ERR_REQUEST_MALFORMED,
		    "`limit`: expected a number from 1 on");
	*ret = limit > LIMIT_ACCOUNT_PAGE ? LIMIT_ACCOUNT_PAGE : (size_t)limit;
	return true;
}

bool
service_accounts_list(struct service_call *c)
{
	struct body_pair query[] = { { "limit", { 0 } }, { "next", { 0 } } };
	struct sts_account *all;
	struct str after = { 0 };
	size_t n = 0, limit = 0;
	json_t *list, *next;

	if (!body_query(c->q, query, ARRAY_LEN(query), &c->err))
		return service_refuse(c);
	if (!service_read_limit(c, query[0].value, &limit) ||
	    !service_read_next(c, query[1].value, &after))
		return false;
	/* One more tells whether there is a next page. */
	if (!sts_account_list(c->s->sts, c->a, &c->actor, after,
		limit < LIMIT_ACCOUNT_PAGE ? limit + 1 : limit, &all, &n,
		&c->err))
		return service_refuse(c);
	next = n > limit || (n == limit && limit == LIMIT_ACCOUNT_PAGE)
		   ? service_next_json(all[limit - 1].id)
		   : json_string("");
	list = accounts_json(all, n < limit ? n : limit);
	return service_reply(
	    c, 200, json_pack("{s:o, s:o}", "accounts", list, "next", next));
}

/* ---- changing ------------------------------------------------------------ */

struct patch {
	enum body_choice enabled;
	int64_t version;
};
static const struct body_field patch_fields[] = {
	{ "enabled", BODY_CHOICE, offsetof(struct patch, enabled), true },
	{ "version", BODY_COUNT, offsetof(struct patch, version), false },
};

bool
service_account_patch(struct service_call *c)
{
	struct patch body = { 0 };
	struct sts_account account;

	if (!read_body(c, patch_fields, ARRAY_LEN(patch_fields), &body))
		return false;
	c->what =
	    body.enabled == BODY_YES ? "account.enable" : "account.disable";
	if (!sts_account_enable(c->s->sts, c->a, &c->actor, c->id,
		body.enabled == BODY_YES, body.version, &account, &c->err))
		return service_refuse(c);
	return answer_account(c, 200, &account);
}

bool
service_account_delete(struct service_call *c)
{
	struct body_pair query[] = { { "version", { 0 } } };
	uint64_t version = 0;

	if (!body_query(c->q, query, 1, &c->err))
		return service_refuse(c);
	if (query[0].value.p &&
	    !str_to_u64(query[0].value, INT64_MAX, &version))
		return service_fail(
		    c, ERR_REQUEST_MALFORMED, "`version`: expected a number");
	if (!sts_account_delete(
		c->s->sts, &c->actor, c->id, (int64_t)version, &c->err))
		return service_refuse(c);
	return service_reply_nothing(c);
}

/* ---- keys: the first, and each move to the next -------------------------- */

struct opening {
	struct str public_key;
	enum body_choice hmac;
	int64_t lifetime_s, version;
};
static const struct body_field opening_fields[] = {
	{ "publicKey", BODY_TEXT, offsetof(struct opening, public_key), false },
	{ "hmac", BODY_CHOICE, offsetof(struct opening, hmac), false },
	{ "lifetime", BODY_DURATION, offsetof(struct opening, lifetime_s),
	    false },
	{ "version", BODY_COUNT, offsetof(struct opening, version), false },
};

static bool
read_public_key(struct service_call *c, struct str pem, struct str *ret)
{
	struct buf der = { 0 };
	bool ok = prove_spki_of_pem("publicKey", pem, &der, &c->err);

	if (ok) {
		*ret = str_dup(c->a, buf_str(&der));
		ok = ret->p || error_nomem(&c->err);
	}
	buf_free(&der);
	return ok || service_refuse(c);
}

/* The next key is one of three. */
static bool
choose(struct service_call *c, const struct opening *body, struct sts_next *to)
{
	if (body->public_key.n && body->hmac == BODY_YES)
		return service_fail(c, ERR_REQUEST_MALFORMED,
		    "`publicKey` or `hmac`, not both");
	if (body->lifetime_s && (body->public_key.n || body->hmac == BODY_YES))
		return service_fail(c, ERR_REQUEST_MALFORMED,
		    "`lifetime` is of an enrolment secret alone");
	to->if_version = body->version;
	to->lifetime_s = body->lifetime_s;
	to->how = body->hmac == BODY_YES ? STS_OPEN_HMAC : STS_OPEN_SECRET;
	if (body->public_key.n == 0)
		return true;
	to->how = STS_OPEN_KEY;
	return read_public_key(c, body->public_key, &to->spki);
}

static bool
open_next(struct service_call *c, const struct sts_next *next)
{
	struct sts_opened opened = { 0 };

	if (!sts_open_next(
		c->s->sts, c->a, &c->actor, c->id, next, &opened, &c->err))
		return service_refuse(c);
	(void)service_reply(c, 201, opened_json(&opened));
	explicit_bzero(opened.secret, sizeof opened.secret);
	return true;
}

/* A secret that enrols once. */
bool
service_account_enrol(struct service_call *c)
{
	struct opening body = { 0 };
	struct sts_next next = { .how = STS_OPEN_SECRET };

	if (!read_body(c, opening_fields, ARRAY_LEN(opening_fields), &body))
		return false;
	if (body.public_key.n || body.hmac)
		return service_fail(c, ERR_REQUEST_MALFORMED,
		    "an enrolment has `lifetime` and `version` alone; keys are "
		    "registered at .../keys");
	next.lifetime_s = body.lifetime_s;
	next.if_version = body.version;
	return open_next(c, &next);
}

bool
service_account_key(struct service_call *c)
{
	struct opening body = { 0 };
	struct sts_next next = { 0 };

	if (!read_body(c, opening_fields, ARRAY_LEN(opening_fields), &body) ||
	    !choose(c, &body, &next))
		return false;
	if (next.how == STS_OPEN_SECRET)
		return service_fail(c, ERR_REQUEST_MALFORMED,
		    "expected `publicKey`, or `hmac`: true");
	return open_next(c, &next);
}

/* From this moment the former key and its tokens are worth nothing (S8). */
bool
service_account_move(struct service_call *c)
{
	struct opening body = { 0 };
	struct sts_next next = { .move = true };

	return read_body(c, opening_fields, ARRAY_LEN(opening_fields), &body) &&
	       choose(c, &body, &next) && open_next(c, &next);
}

/* ---- the combined manager (S6) ------------------------------------------- */

struct provision {
	struct str id, public_key, audience, picks;
	enum body_choice offer;
	int64_t lifetime_s;
};
static const struct body_field provision_fields[] = {
	{ "id", BODY_TEXT, offsetof(struct provision, id), true },
	{ "publicKey", BODY_TEXT, offsetof(struct provision, public_key),
	    true },
	{ "audience", BODY_TEXT, offsetof(struct provision, audience), true },
	{ "picksFor", BODY_TEXT, offsetof(struct provision, picks), false },
	{ "offer", BODY_CHOICE, offsetof(struct provision, offer), false },
	{ "lifetime", BODY_DURATION, offsetof(struct provision, lifetime_s),
	    false },
};

bool
service_instances_create(struct service_call *c)
{
	struct provision body = { 0 };
	struct sts_provision what = { 0 };
	struct sts_token_options options;
	struct sts_account account;
	struct sts_grant grant;

	if (!read_body(c, provision_fields, ARRAY_LEN(provision_fields), &body))
		return false;
	c->id = body.id;
	what.account = (struct sts_new_account){
		.id = body.id, .kind = STS_INSTANCE, .audience = body.picks
	};
	what.audience = body.audience;
	if (!idempotency(c, &what.account.idempotency_key) ||
	    !read_public_key(c, body.public_key, &what.spki))
		return false;
	options =
	    service_token_options(c, body.lifetime_s, body.offer == BODY_YES);
	if (!sts_provision(c->s->sts, c->a, &c->actor, &what, &options,
		&account, &grant, &c->err))
		return service_refuse(c);
	return service_reply(c, 201,
	    json_pack("{s:o, s:o}", "account", account_json(&account), "grant",
		grant_json(&grant)));
}

bool
service_breaches_list(struct service_call *c)
{
	struct body_pair query[] = { { "limit", { 0 } } };
	struct sts_alarm *all;
	size_t n = 0, limit = 0;

	if (!body_query(c->q, query, 1, &c->err))
		return service_refuse(c);
	if (!service_read_limit(c, query[0].value, &limit))
		return false;
	if (!sts_alarms(c->s->sts, c->a, &c->actor, limit, &all, &n, &c->err))
		return service_refuse(c);
	return service_reply(
	    c, 200, json_pack("{s:o}", "breaches", alarms_json(all, n)));
}
