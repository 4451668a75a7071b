/* service_revocations.c - /v1/revocations: what no longer counts, on every node
 * that reads the store. For administrators. */
#include "base/base64.h"
#include "base/limits.h"
#include "base/timefmt.h"
#include "gateways/service_private.h"

#define PAGE_USUAL 100u

struct revoke {
	struct str kind, id, until, reason;
};
static const struct body_field revoke_fields[] = {
	{ "kind", BODY_TEXT, offsetof(struct revoke, kind), true },
	{ "id", BODY_TEXT, offsetof(struct revoke, id), true },
	{ "until", BODY_TEXT, offsetof(struct revoke, until), false },
	{ "reason", BODY_TEXT, offsetof(struct revoke, reason), false },
};

/* Words that can name something that is revoked. */
static bool
check_what(struct service_call *c, struct str kind, struct str id)
{
	enum attest_revocable known;
	struct error why = { 0 };

	if (!attest_revocable_of(kind, &known))
		return service_fail(c, ERR_REQUEST_MALFORMED,
		    "`kind`: expected document, instance, key, credential, "
		    "token or account");
	c->id = id;
	return attest_revocable_check(known, id, SPAN_NONE, &why) ||
	       service_fail(c, ERR_REQUEST_MALFORMED, "`id`: %s", why.msg);
}

static bool
read_until(struct service_call *c, struct str text, int64_t *ret)
{
	int64_t ms;

	*ret = INT64_MAX;
	if (text.n == 0)
		return true;
	if (!time_parse_datetime(text, &ms) || ms / 1000 <= c->now_s)
		return service_fail(c, ERR_REQUEST_MALFORMED,
		    "`until`: expected a time to come, as "
		    "2026-03-01T12:00:00Z");
	*ret = ms / 1000;
	return true;
}

static json_t *
row_json(const struct store_revocation *r)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "kind",
	    json_from_str(r->kind), "id", json_from_str(r->id), "until",
	    r->until == INT64_MAX ? json_null()
				  : json_from_time(r->until * 1000),
	    "madeAt",
	    r->made_at ? json_from_time(r->made_at * 1000) : json_null(),
	    "reason", json_from_str(r->reason));
}

/* As the record of changes names who asks. */
static struct str
who(struct service_call *c)
{
	return str_printf(c->a, "admin:%.*s", STR_ARG(c->actor.account));
}

bool
service_revocations_create(struct service_call *c)
{
	struct revoke body = { 0 };
	struct store_revocation r;
	bool is_new;

	if (!body_read(c->q, revoke_fields, ARRAY_LEN(revoke_fields), &body,
		&c->json, &c->err))
		return service_refuse(c);
	r = (struct store_revocation){ .kind = body.kind,
		.id = body.id,
		.reason = body.reason,
		.by = who(c) };
	if (!r.by.p)
		return service_fail(c, ERR_LIMIT_MEMORY, "memory ran out");
	if (!check_what(c, body.kind, body.id) ||
	    !read_until(c, body.until, &r.until))
		return false;
	if (!store_revoke(c->s->store, &r, &is_new, &c->err))
		return service_refuse(c);
	c->s->counts.revoked++;
	service_revocations_wake(c->s);
	r.made_at = c->now_s;
	return service_reply(c, is_new ? 201 : 200, row_json(&r));
}

bool
service_revocations_delete(struct service_call *c)
{
	struct body_pair query[] = { { "kind", { 0 } }, { "id", { 0 } } };
	struct str by;
	bool was_there;

	if (!body_query(c->q, query, ARRAY_LEN(query), &c->err))
		return service_refuse(c);
	if (!query[0].value.p || !query[1].value.p)
		return service_fail(
		    c, ERR_REQUEST_MALFORMED, "expected `?kind=KIND&id=ID`");
	if (!check_what(c, query[0].value, query[1].value))
		return false;
	by = who(c);
	if (!by.p)
		return service_fail(c, ERR_LIMIT_MEMORY, "memory ran out");
	if (!store_unrevoke(c->s->store, query[0].value, query[1].value, by,
		&was_there, &c->err))
		return service_refuse(c);
	if (!was_there)
		return service_fail(
		    c, ERR_ACCOUNT_UNKNOWN, "this is not revoked");
	c->s->counts.unrevoked++;
	service_revocations_wake(c->s);
	return service_reply_nothing(c);
}

/* Where a page ended, as `KIND:ID` in Base64url. */
static bool
read_next(struct service_call *c, struct str text, struct store_revocation *ret)
{
	struct str raw;
	size_t colon;

	if (!base64_decode(c->a, BASE64_URL, text, &raw) ||
	    (colon = str_find(raw, ':', 0)) == raw.n)
		return service_fail(c, ERR_REQUEST_MALFORMED,
		    "`next` is not one that a former answer gave");
	*ret = (struct store_revocation){ .kind = str_sub(raw, 0, colon),
		.id = str_sub(raw, colon + 1, raw.n) };
	return true;
}

static json_t *
next_json(struct arena *a, const struct store_revocation *last)
{
	struct str raw =
	    str_printf(a, "%.*s:%.*s", STR_ARG(last->kind), STR_ARG(last->id));
	struct buf text = { 0 };
	json_t *json = NULL;

	base64_encode(&text, BASE64_URL, raw);
	if (raw.p && buf_ok(&text))
		json = json_from_str(buf_str(&text));
	buf_free(&text);
	return json;
}

bool
service_revocations_list(struct service_call *c)
{
	struct body_pair query[] = { { "limit", { 0 } }, { "next", { 0 } } };
	struct store_revocation after, *rows;
	json_t *list, *next;
	uint64_t limit = PAGE_USUAL;
	size_t n;

	if (!body_query(c->q, query, ARRAY_LEN(query), &c->err))
		return service_refuse(c);
	if (query[0].value.p &&
	    (!str_to_u64(query[0].value, LIMIT_ACCOUNT_PAGE, &limit) ||
		limit == 0))
		return service_fail(c, ERR_REQUEST_MALFORMED,
		    "`limit`: expected a number from 1 to %u",
		    LIMIT_ACCOUNT_PAGE);
	if (query[1].value.p && !read_next(c, query[1].value, &after))
		return false;
	if (!store_revocation_page(c->s->store, c->a,
		query[1].value.p ? &after : NULL, (size_t)limit + 1, &rows, &n,
		&c->err))
		return service_refuse(c);
	list = json_array();
	for (size_t i = 0; i < n && i < limit; i++)
		json_array_append_new(list, row_json(&rows[i]));
	next = n > limit ? next_json(c->a, &rows[limit - 1]) : json_string("");
	return service_reply(
	    c, 200, json_pack("{s:o, s:o}", "revocations", list, "next", next));
}
