/* service_documents.c - /v1/instances/ID, /v1/documents, /v1/keys: what is
 * known of instances, the documents that say it, and who may have which (A4 to
 * A9). All rules are in attest/documents.h. */
#include "gateways/service_private.h"

#include "base/base64.h"
#include "base/limits.h"

static bool
read_body(struct service_call *c, const struct body_field *fields, size_t n,
    void *object)
{
	return body_read(c->q, fields, n, object, &c->json, &c->err) ||
	       service_refuse(c);
}

static bool
check_on(struct service_call *c)
{
	return c->documents ||
	       service_fail(c, ERR_REQUEST_PATH,
		   "this service issues no documents: `documentKeys` is not "
		   "configured");
}

/* The keys are the running service's: the command line on its host has none. */
static bool
take_signer(struct service_call *c, struct documents_signer *ret)
{
	if (!check_on(c))
		return false;
	if (!c->keys || !c->keys->documents)
		return service_fail(c, ERR_SYSTEM_NOT_READY,
		    "documents are signed by the running service alone");
	return documents_signer_of_ring(
		   c->a, c->keys->documents, c->now_s, ret, &c->err) ||
	       service_refuse(c);
}

/* The strings of a list; a NULL list has none, but is not an empty one. */
static bool
read_strings(struct service_call *c, const char *name, const json_t *list,
    struct str **ret, size_t *ret_n)
{
	size_t n = json_array_size(list);
	struct str *items = ARENA_ARRAY(c->a, n + 1, struct str);

	if (!items)
		return service_fail(c, ERR_LIMIT_MEMORY, "memory ran out");
	for (size_t i = 0; i < n; i++) {
		const json_t *item = json_array_get(list, i);

		if (!json_is_string(item))
			return service_fail(c, ERR_REQUEST_MALFORMED,
			    "`%s`: expected a list of texts", name);
		items[i] = json_str(item);
	}
	*ret = items;
	*ret_n = n;
	return true;
}

/* ---- what is known of an instance ---------------------------------------- */

static json_t *
strings_json(const struct str *items, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < n; i++)
		if (json_array_append_new(list, json_from_str(items[i]))) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *
time_json(int64_t unix_s)
{
	return unix_s ? json_from_time(unix_s * 1000) : json_null();
}

static json_t *
instance_json(const struct documents_instance *i)
{
	json_t *members =
	    i->is_group ? strings_json(i->members, i->n_members) : json_null();

	return json_pack("{s:o, s:o, s:b, s:o, s:I, s:o, s:O}", "id",
	    json_from_str(i->id), "owner", json_from_str(i->owner), "group",
	    i->is_group, "members", members, "version", (json_int_t)i->version,
	    "changedAt", time_json(i->changed_at), "properties", i->properties);
}

bool
service_instance_get(struct service_call *c)
{
	struct documents_instance i;

	if (!check_on(c))
		return false;
	if (!documents_instance_get(
		c->documents, c->a, &c->actor, c->id, &i, &c->err))
		return service_refuse(c);
	(void)service_reply(c, 200, instance_json(&i));
	documents_instance_fini(&i);
	return true;
}

static bool
tell_change(struct service_call *c, struct documents_changed *changed)
{
	service_revocations_wake(c->s);
	(void)service_reply(c, 200,
	    json_pack("{s:o, s:I, s:I}", "instance",
		instance_json(&changed->instance), "superseded",
		(json_int_t)changed->n_superseded, "issued",
		(json_int_t)changed->n_made));
	documents_instance_fini(&changed->instance);
	return true;
}

static bool
change(struct service_call *c, const struct documents_change *what)
{
	struct documents_signer signer;
	struct documents_changed changed;

	if (!take_signer(c, &signer))
		return false;
	if (!documents_change(c->documents, c->a, &c->actor, &signer, what,
		&changed, &c->err))
		return service_refuse(c);
	return tell_change(c, &changed);
}

struct put {
	const json_t *properties, *members;
	int64_t version;
};
static const struct body_field put_fields[] = {
	{ "properties", BODY_OBJECT, offsetof(struct put, properties), true },
	{ "members", BODY_LIST, offsetof(struct put, members), false },
	{ "version", BODY_COUNT, offsetof(struct put, version), false },
};

bool
service_instance_put(struct service_call *c)
{
	struct put body = { .version = -1 };
	struct documents_change what = { .id = c->id };
	struct str *members = NULL;

	if (!read_body(c, put_fields, ARRAY_LEN(put_fields), &body) ||
	    !read_strings(
		c, "members", body.members, &members, &what.n_members))
		return false;
	what.changes = body.properties;
	what.members = body.members ? members : NULL;
	what.if_version = body.version;
	return change(c, &what);
}

struct event {
	struct str event;
	const json_t *changes;
	int64_t version;
};
static const struct body_field event_fields[] = {
	{ "event", BODY_TEXT, offsetof(struct event, event), true },
	{ "changes", BODY_OBJECT, offsetof(struct event, changes), true },
	{ "version", BODY_COUNT, offsetof(struct event, version), false },
};

bool
service_instance_event(struct service_call *c)
{
	struct event body = { .version = -1 };
	struct documents_change what = { .id = c->id };

	if (!read_body(c, event_fields, ARRAY_LEN(event_fields), &body))
		return false;
	what.event = body.event;
	what.changes = body.changes;
	what.if_version = body.version;
	return change(c, &what);
}

/* ---- groups -------------------------------------------------------------- */

bool
service_instance_delete(struct service_call *c)
{
	struct body_pair query[] = { { "version", { 0 } } };
	int64_t version = -1;
	uint64_t said = 0;

	if (!check_on(c))
		return false;
	if (!body_query(c->q, query, ARRAY_LEN(query), &c->err))
		return service_refuse(c);
	if (query[0].value.p) {
		if (!str_to_u64(query[0].value, INT64_MAX, &said))
			return service_fail(c, ERR_REQUEST_MALFORMED,
			    "`version`: expected a number");
		version = (int64_t)said;
	}
	if (!documents_group_delete(
		c->documents, c->a, &c->actor, c->id, version, &c->err))
		return service_refuse(c);
	service_revocations_wake(c->s);
	return service_reply_nothing(c);
}

struct rename {
	struct str to;
	int64_t version;
};
static const struct body_field rename_fields[] = {
	{ "to", BODY_TEXT, offsetof(struct rename, to), true },
	{ "version", BODY_COUNT, offsetof(struct rename, version), false },
};

bool
service_instance_rename(struct service_call *c)
{
	struct rename body = { .version = -1 };
	struct documents_signer signer;
	struct documents_changed changed;

	if (!read_body(c, rename_fields, ARRAY_LEN(rename_fields), &body) ||
	    !take_signer(c, &signer))
		return false;
	if (!documents_group_rename(c->documents, c->a, &c->actor, &signer,
		c->id, body.to, body.version, &changed, &c->err))
		return service_refuse(c);
	return tell_change(c, &changed);
}

/* ---- documents ----------------------------------------------------------- */

static const char *const states[] = {
	[STORE_DOCUMENT_NEWEST] = "newest",
	[STORE_DOCUMENT_RENEWED] = "renewed",
	[STORE_DOCUMENT_SUPERSEDED] = "superseded",
	[STORE_DOCUMENT_REVOKED] = "revoked",
};

static bool
set_bytes(json_t *to, const char *name, struct str bytes)
{
	struct buf text = { 0 };
	bool ok;

	base64_encode(&text, BASE64_URL, bytes);
	ok = buf_ok(&text) &&
	     json_object_set_new(to, name, json_from_str(buf_str(&text))) == 0;
	buf_free(&text);
	return ok;
}

/* Document, signature where it stands beside, and both as one word where they
 * fit one. */
static bool
set_document(json_t *to, const struct store_document *row)
{
	const struct attest_evidence e = { attest_form_kind(
					       (enum attest_form)row->form),
		row->document, row->signature };
	struct error ignored = { 0 };
	struct buf pack = { 0 };
	bool ok = set_bytes(to, "document", row->document) &&
		  (row->signature.n == 0 ||
		      set_bytes(to, "signature", row->signature));

	if (ok && attest_evidence_pack(&e, &pack, &ignored))
		ok = json_object_set_new(
			 to, "pack", json_from_str(buf_str(&pack))) == 0;
	buf_free(&pack);
	return ok;
}

/* A list as the store has it, which is JSON. */
static json_t *
list_json(struct str text)
{
	struct error ignored = { 0 };
	json_t *list = NULL;

	return json_parse(text, NULL, LIMIT_HTTP_BODY, LIMIT_HTTP_JSON_DEPTH,
		   JSON_NO_NUL, &list, &ignored)
		   ? list
		   : NULL;
}

static json_t *
issued_json(const struct documents_issued *d)
{
	const struct store_document *r = &d->row;
	bool is_known = r->ended >= 0 &&
			r->ended < (int64_t)ARRAY_LEN(states) && r->form >= 0 &&
			r->form < ATTEST_FORMS;
	json_t *json = json_pack(
	    "{s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:I, s:o, s:o, "
	    "s:s, s:o}",
	    "id", json_from_str(r->id), "subject", json_from_str(r->subject),
	    "claims", list_json(r->claims), "audience", list_json(r->audience),
	    "form",
	    json_from_str(is_known ? attest_form_name((enum attest_form)r->form)
				   : STR("")),
	    "kind",
	    json_from_str(is_known ? attest_form_kind((enum attest_form)r->form)
				   : STR("")),
	    "values", (json_int_t)r->n_values, "level", (json_int_t)r->level,
	    "keyId", json_from_str(r->key_id), "boundTo",
	    r->bound.n ? json_from_str(r->bound) : json_null(), "version",
	    (json_int_t)r->version, "issuedAt", time_json(r->issued_at),
	    "expiresAt", time_json(r->expires_at), "state",
	    is_known ? states[r->ended] : "revoked", "replacedBy",
	    r->replaced_by.n ? json_from_str(r->replaced_by) : json_null());

	if (json && d->is_handed && is_known && !set_document(json, r)) {
		json_decref(json);
		return NULL;
	}
	return json;
}

struct ask {
	struct str subject, profile, form;
	const json_t *claims, *audience;
	int64_t lifetime_s;
	enum body_choice select, issue;
};
static const struct body_field ask_fields[] = {
	{ "subject", BODY_TEXT, offsetof(struct ask, subject), false },
	{ "profile", BODY_TEXT, offsetof(struct ask, profile), false },
	{ "form", BODY_TEXT, offsetof(struct ask, form), false },
	{ "claims", BODY_LIST, offsetof(struct ask, claims), false },
	{ "audience", BODY_LIST, offsetof(struct ask, audience), false },
	{ "lifetime", BODY_DURATION, offsetof(struct ask, lifetime_s), false },
	{ "select", BODY_CHOICE, offsetof(struct ask, select), false },
	{ "issue", BODY_CHOICE, offsetof(struct ask, issue), false },
};

static bool
read_ask(struct service_call *c, struct documents_ask *ret)
{
	struct ask body = { .subject = c->actor.rank == STS_ACCOUNT
					   ? c->actor.account
					   : STR("") };
	struct str *claims = NULL, *audience = NULL;

	if (!read_body(c, ask_fields, ARRAY_LEN(ask_fields), &body) ||
	    !read_strings(c, "claims", body.claims, &claims, &ret->n_claims) ||
	    !read_strings(
		c, "audience", body.audience, &audience, &ret->n_audience))
		return false;
	if (body.issue != BODY_UNSAID && body.select != BODY_YES)
		return service_fail(c, ERR_REQUEST_MALFORMED,
		    "`issue` goes with `select`: true");
	ret->has_form = body.form.n > 0;
	if (ret->has_form && !attest_form_of(body.form, &ret->form))
		return service_fail(c, ERR_REQUEST_MALFORMED,
		    "`form`: expected detached, embedded, jws or cms");
	ret->subject = body.subject;
	ret->profile = body.profile;
	ret->claims = claims;
	ret->has_claims = body.claims != NULL;
	ret->audience = audience;
	ret->lifetime_s = body.lifetime_s;
	ret->is_select = body.select == BODY_YES;
	ret->may_issue = body.issue == BODY_YES;
	return true;
}

/* What is revoked by hand is in no row of the account. */
static bool
check_revoked(struct service_call *c, struct str subject)
{
	if (!attest_revoked_has(c->revoked, ATTEST_ACCOUNT, subject) &&
	    !attest_revoked_has(c->revoked, ATTEST_INSTANCE, subject) &&
	    !attest_revoked_has(c->revoked, ATTEST_INSTANCE, c->actor.account))
		return true;
	return service_fail(c, ERR_EVIDENCE_REVOKED, "the instance is revoked");
}

bool
service_documents_issue(struct service_call *c)
{
	struct documents_ask ask = { 0 };
	struct documents_signer signer;
	struct documents_issued issued;
	bool made;

	if (!read_ask(c, &ask) || !take_signer(c, &signer) ||
	    !check_revoked(c, ask.subject))
		return false;
	c->id = ask.subject;
	if (!documents_issue(c->documents, c->a, &c->actor, &signer, &ask,
		&issued, &made, &c->err))
		return service_refuse(c);
	if (made)
		http_response_header(c->r, "Location",
		    str_printf(
			c->a, "/v1/documents/%.*s", STR_ARG(issued.row.id)));
	return service_reply(c, made ? 201 : 200, issued_json(&issued));
}

bool
service_document_get(struct service_call *c)
{
	struct documents_issued issued;

	if (!check_on(c))
		return false;
	if (!documents_get(
		c->documents, c->a, &c->actor, c->id, &issued, &c->err))
		return service_refuse(c);
	return service_reply(c, 200, issued_json(&issued));
}

static json_t *
all_json(const struct documents_issued *all, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < n; i++)
		if (json_array_append_new(list, issued_json(&all[i]))) {
			json_decref(list);
			return NULL;
		}
	return list;
}

bool
service_documents_list(struct service_call *c)
{
	struct body_pair query[] = { { "subject", { 0 } }, { "limit", { 0 } },
		{ "next", { 0 } } };
	struct documents_issued *all;
	struct str after = { 0 }, subject;
	size_t n = 0, limit = 0;
	bool more;

	if (!check_on(c))
		return false;
	if (!body_query(c->q, query, ARRAY_LEN(query), &c->err))
		return service_refuse(c);
	if (!service_read_limit(c, query[1].value, &limit) ||
	    !service_read_next(c, query[2].value, &after))
		return false;
	subject = query[0].value.n ? query[0].value : c->actor.account;
	/* One more tells whether there is a next page. */
	if (!documents_list(c->documents, c->a, &c->actor, subject, after,
		limit < LIMIT_ACCOUNT_PAGE ? limit + 1 : limit, &all, &n,
		&c->err))
		return service_refuse(c);
	more = n > limit || (n == limit && limit == LIMIT_ACCOUNT_PAGE);
	return service_reply(c, 200,
	    json_pack("{s:o, s:o}", "documents",
		all_json(all, n < limit ? n : limit), "next",
		more ? service_next_json(all[limit - 1].row.id)
		     : json_string("")));
}

/* ---- asked by anybody ---------------------------------------------------- */

struct verify {
	struct str pack, kind, document, signature;
};
static const struct body_field verify_fields[] = {
	{ "pack", BODY_TEXT, offsetof(struct verify, pack), false },
	{ "kind", BODY_TEXT, offsetof(struct verify, kind), false },
	{ "document", BODY_TEXT, offsetof(struct verify, document), false },
	{ "signature", BODY_TEXT, offsetof(struct verify, signature), false },
};

static bool
read_evidence(struct service_call *c, struct attest_evidence *ret)
{
	struct verify body = { 0 };

	if (!read_body(c, verify_fields, ARRAY_LEN(verify_fields), &body))
		return false;
	if ((body.pack.n > 0) == (body.document.n > 0) ||
	    (body.pack.n > 0 && body.kind.n + body.signature.n > 0) ||
	    (body.kind.n == 0 &&
		(body.document.n > 0) != (body.signature.n > 0)))
		return service_fail(c, ERR_REQUEST_MALFORMED,
		    "expected `pack`, or `document` and `signature`, or `kind` "
		    "and `document` with its signature inside");
	if (body.kind.n == 0)
		body.kind = STR("avow");
	return (body.pack.n
		       ? attest_evidence_from_pack(
			     c->a, body.pack, ret, &c->err)
		       : attest_evidence_from_parts(c->a, body.kind,
			     body.document, body.signature, ret, &c->err)) ||
	       service_refuse(c);
}

/* The document is refused, and that is the answer. */
static bool
is_verdict(enum err_code code)
{
	return str_has_prefix(str_of(error_id(code)), STR("evidence."));
}

/* Not a document of ours that ended, but none: who asks of many of those is
 * guessing, or makes work. */
static bool
is_none(enum err_code code)
{
	return code == ERR_EVIDENCE_MALFORMED || code == ERR_EVIDENCE_KIND ||
	       code == ERR_EVIDENCE_TOO_LARGE || code == ERR_EVIDENCE_KEY ||
	       code == ERR_EVIDENCE_SIGNATURE || code == ERR_EVIDENCE_ISSUER;
}

static bool
answer_verdict(struct service_call *c)
{
	struct attest_evidence e;
	bool is_newest = false;

	if (!read_evidence(c, &e))
		return false;
	if (documents_verify(c->documents, c->a, &e, c->revoked, c->now_s,
		&is_newest, &c->err))
		return service_reply(c, 200,
		    json_pack(
			"{s:s, s:b}", "verdict", "valid", "newest", is_newest));
	if (!is_verdict(c->err.code))
		return service_refuse(c);
	return service_reply(c, 200,
	    json_pack("{s:s, s:s, s:o}", "verdict", "refused", "code",
		error_id(c->err.code), "message",
		json_from_str(str_of(c->err.msg))));
}

bool
service_document_verify(struct service_call *c)
{
	bool done;

	if (!check_on(c) || !service_attempt(c))
		return false;
	done = answer_verdict(c);
	if (!is_none(c->err.code))
		sts_attempt_right(c->s->sts, &c->q->peer);
	return done;
}

enum { Q_ID, Q_SIGNATURE, Q_INSTANCE, Q_FORM, Q_COUNT };

static bool
read_key_query(
    struct service_call *c, struct documents_key_query *ret, bool *ret_as_pem)
{
	struct body_pair query[Q_COUNT] = { { "id", { 0 } },
		{ "signature", { 0 } }, { "instance", { 0 } },
		{ "form", { 0 } } };
	struct str form;
	size_t n = 0, said = 0;

	if (!body_query(c->q, query, Q_COUNT, &c->err))
		return service_refuse(c);
	for (size_t i = 0; i < Q_FORM; i++)
		n += query[i].value.n > 0, said += query[i].value.p != NULL;
	form = query[Q_FORM].value.n ? query[Q_FORM].value : STR("jwks");
	*ret_as_pem = str_eq(form, STR("pem"));
	/* An empty one is a word that got lost: not for all keys. */
	if (n > 1 || said != n || (!*ret_as_pem && !str_eq(form, STR("jwks"))))
		return service_fail(c, ERR_REQUEST_MALFORMED,
		    "expected one of `id`, `signature` and `instance`, or "
		    "none, and `form` jwks or pem");
	ret->id = query[Q_ID].value;
	ret->instance = query[Q_INSTANCE].value;
	if (query[Q_SIGNATURE].value.n == 0)
		return true;
	return base64_decode(c->a, BASE64_URL, query[Q_SIGNATURE].value,
		   &ret->signature) ||
	       service_fail(c, ERR_REQUEST_MALFORMED,
		   "`signature`: expected unpadded Base64url");
}

bool
service_document_keys(struct service_call *c)
{
	struct documents_key_query query = { 0 };
	bool as_pem = false;

	if (!check_on(c) || !read_key_query(c, &query, &as_pem))
		return false;
	if (!documents_keys(c->documents, c->a, c->keys->documents, &query,
		as_pem, &c->r->body, &c->err))
		return service_refuse(c);
	c->r->status = 200;
	c->r->content_type =
	    as_pem ? "application/x-pem-file" : "application/jwk-set+json";
	c->r->max_age_s = TOKEN_KEYS_MAX_AGE_S;
	return true;
}
