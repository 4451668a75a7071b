#include "gateways/account_json.h"

#include "base/base64.h"

static const struct {
	const char *name;
	enum sts_kind kind;
} kinds[] = {
	{ "instance", STS_INSTANCE },
	{ "controller", STS_CONTROLLER },
};

enum sts_kind
account_kind_of(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (str_eq(name, str_of(kinds[i].name)))
			return kinds[i].kind;
	return STS_KIND_NONE;
}

const char *
account_kind_name(enum sts_kind kind)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].kind == kind)
			return kinds[i].name;
	return "";
}

/* An object that grows, and remembers that memory was out. */
struct growing {
	json_t *object;
	bool failed;
};

static void
put(struct growing *g, const char *name, json_t *value_take)
{
	/* jansson drops the value in any case. */
	if (json_object_set_new(g->object, name, value_take) != 0)
		g->failed = true;
}

static void
put_text(struct growing *g, const char *name, struct str value)
{
	if (value.n)
		put(g, name, json_from_str(value));
}

static void
put_time(struct growing *g, const char *name, int64_t unix_s)
{
	if (unix_s)
		put(g, name, json_from_time(unix_s * 1000));
}

static void
put_bytes(struct growing *g, const char *name, struct str bytes)
{
	char room[128];
	struct buf text = buf_over(room, sizeof room);

	base64_encode(&text, BASE64_URL, bytes);
	put(g, name, buf_ok(&text) ? json_from_str(buf_str(&text)) : NULL);
	explicit_bzero(room, sizeof room);
}

static json_t *
grown(struct growing *g)
{
	if (!g->failed)
		return g->object;
	json_decref(g->object);
	return NULL;
}

json_t *
account_json(const struct sts_account *a)
{
	struct growing g = { .object = json_object() };

	put(&g, "id", json_from_str(a->id));
	put(&g, "kind", json_string(account_kind_name(a->kind)));
	put_text(&g, "owner", a->owner);
	put_text(&g, "prefix", a->prefix);
	put_text(&g, "audience", a->audience);
	if (a->kind == STS_CONTROLLER)
		put(&g, "mayIssue", json_boolean(a->may_issue));
	put(&g, "enabled", json_boolean(a->is_enabled));
	put(&g, "version", json_integer(a->version));
	put(&g, "incarnation", json_integer(a->incarnation));
	if (a->incarnation) {
		put(&g, "method", json_string(prove_method_name(a->method)));
		put_text(&g, "thumbprint", a->jkt);
	}
	put_text(&g, "standing", str_of(sts_standing_name(a->standing)));
	put_text(&g, "instance", a->principal);
	if (a->is_released)
		put(&g, "released", json_true());
	put_time(&g, "secretUntil", a->secret_until);
	put_time(&g, "createdAt", a->created_at);
	put_time(&g, "changedAt", a->changed_at);
	return grown(&g);
}

json_t *
accounts_json(const struct sts_account *all, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		if (json_array_append_new(list, account_json(&all[i])) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

json_t *
opened_json(const struct sts_opened *o)
{
	struct growing g = { .object = json_object() };

	put(&g, "account", account_json(&o->account));
	if (o->has_secret)
		put_bytes(&g, "secret",
		    (struct str){ (const char *)o->secret, sizeof o->secret });
	return grown(&g);
}

json_t *
grant_json(const struct sts_grant *t)
{
	struct growing g = { .object = json_object() };

	put(&g, "account", json_from_str(t->actor.account));
	put_text(&g, "token", t->token);
	put(&g, "tokenType", json_string("DPoP"));
	put_text(&g, "id", t->jti);
	put_time(&g, "issuedAt", t->issued_at);
	put_time(&g, "expiresAt", t->expires_at);
	return grown(&g);
}

static json_t *
alarm_json(const struct sts_alarm *a)
{
	struct growing g = { .object = json_object() };

	put(&g, "kind", json_string(sts_alarm_name(a->kind)));
	put(&g, "account", json_from_str(a->account));
	put(&g, "incarnation", json_integer(a->incarnation));
	put_text(&g, "source", a->source);
	put_text(&g, "other", a->other);
	put(&g, "count", json_integer(a->count));
	put_time(&g, "firstAt", a->first_at);
	put_time(&g, "lastAt", a->last_at);
	return grown(&g);
}

json_t *
alarms_json(const struct sts_alarm *all, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		if (json_array_append_new(list, alarm_json(&all[i])) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}
