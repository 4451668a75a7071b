/* service_routes.c - which path and method is what, on which listener, and who
 * may ask. */
#include <stdio.h>

#include "base/log.h"
#include "gateways/answer.h"
#include "gateways/service_private.h"

enum route_who {
	WHO_ANYBODY = 0, /* says in its body who it is, or need not */
	WHO_MAYBE,       /* an account, or nobody yet */
	WHO_ACTOR,       /* an account; on the admin's listener, an admin */
};

#define FRONT 1u
#define ADMIN 2u
#define BOTH (FRONT | ADMIN)

static bool health(struct service_call *c);
static bool readiness(struct service_call *c);

/* `*` is one segment, an account's id. */
static const struct route {
	const char *method, *path;
	unsigned listeners;
	enum route_who who;
	bool (*handle)(struct service_call *c);
	const char *what; /* the change, for the log; NULL: none */
	bool may_repeat;  /* takes Idempotency-Key */
} routes[] = {
	/* clang-format off */
	{ "POST", "/v1/accounts", BOTH, WHO_ACTOR, service_accounts_create, "account.create", true },
	{ "GET", "/v1/accounts", BOTH, WHO_ACTOR, service_accounts_list, NULL, false },
	{ "GET", "/v1/accounts/*", BOTH, WHO_ACTOR, service_account_get, NULL, false },
	{ "PATCH", "/v1/accounts/*", BOTH, WHO_ACTOR, service_account_patch, "account.enable", false },
	{ "DELETE", "/v1/accounts/*", BOTH, WHO_ACTOR, service_account_delete, "account.delete", false },
	{ "POST", "/v1/accounts/*/enrolments", BOTH, WHO_ACTOR, service_account_enrol, "account.enrolment", false },
	{ "POST", "/v1/accounts/*/keys", BOTH, WHO_ACTOR, service_account_key, "account.key", false },
	{ "POST", "/v1/accounts/*/move", BOTH, WHO_ACTOR, service_account_move, "account.move", false },
	{ "POST", "/v1/accounts/*/enrol", FRONT, WHO_ANYBODY, service_account_attest, "account.attest", false },
	{ "POST", "/v1/accounts/*/evict", ADMIN, WHO_ACTOR, service_account_evict, "account.evict", false },
	{ "POST", "/v1/accounts/*/ban", ADMIN, WHO_ACTOR, service_account_ban, "account.ban", false },
	{ "POST", "/v1/accounts/*/unban", ADMIN, WHO_ACTOR, service_account_unban, "account.unban", false },
	{ "POST", "/v1/accounts/*/reattest", ADMIN, WHO_ACTOR, service_account_reattest, "account.reattest", false },
	{ "POST", "/v1/instances", FRONT, WHO_ACTOR, service_instances_create, "instance.provision", true },
	{ "GET", "/v1/instances/*", BOTH, WHO_ACTOR, service_instance_get, NULL, false },
	{ "PUT", "/v1/instances/*", BOTH, WHO_ACTOR, service_instance_put, "instance.put", false },
	{ "POST", "/v1/instances/*/events", BOTH, WHO_ACTOR, service_instance_event, "instance.event", false },
	{ "DELETE", "/v1/instances/*", BOTH, WHO_ACTOR, service_instance_delete, "instance.delete", false },
	{ "POST", "/v1/instances/*/rename", BOTH, WHO_ACTOR, service_instance_rename, "instance.rename", false },
	{ "POST", "/v1/documents", BOTH, WHO_ACTOR, service_documents_issue, "document.issue", false },
	{ "GET", "/v1/documents", BOTH, WHO_ACTOR, service_documents_list, NULL, false },
	{ "POST", "/v1/documents/verify", FRONT, WHO_ANYBODY, service_document_verify, NULL, false },
	{ "GET", "/v1/documents/*", BOTH, WHO_ACTOR, service_document_get, NULL, false },
	{ "GET", "/v1/keys", FRONT, WHO_ANYBODY, service_document_keys, NULL, false },
	{ "GET", "/v1/breaches", BOTH, WHO_ACTOR, service_breaches_list, NULL, false },
	{ "POST", "/v1/challenges", FRONT, WHO_ANYBODY, service_challenge, NULL, false },
	{ "POST", "/v1/tokens", FRONT, WHO_MAYBE, service_tokens, NULL, false },
	{ "POST", "/v1/token", FRONT, WHO_ANYBODY, service_exchange, NULL, false },
	{ "POST", "/v1/broker", FRONT, WHO_ACTOR, service_offer, "broker.offer", false },
	{ "GET", "/v1/broker/*", FRONT, WHO_ACTOR, service_pick, NULL, false },
	{ "DELETE", "/v1/broker/*", BOTH, WHO_ACTOR, service_withdraw, "broker.withdraw", false },
	{ "POST", "/v1/revocations", ADMIN, WHO_ACTOR, service_revocations_create, "revocation.add", false },
	{ "GET", "/v1/revocations", ADMIN, WHO_ACTOR, service_revocations_list, NULL, false },
	{ "DELETE", "/v1/revocations", ADMIN, WHO_ACTOR, service_revocations_delete, "revocation.remove", false },
	{ "GET", "/v1/changes", ADMIN, WHO_ACTOR, service_changes_list, NULL, false },
	{ "GET", "/.well-known/jwks.json", FRONT, WHO_ANYBODY, service_jwks, NULL, false },
	{ "GET", "/.well-known/spiffe-bundle.json", FRONT, WHO_ANYBODY, service_spiffe_bundle, NULL, false },
	{ "GET", "/healthz", BOTH, WHO_ANYBODY, health, NULL, false },
	{ "GET", "/metrics", ADMIN, WHO_ANYBODY, service_metrics, NULL, false },
	{ "GET", "/readyz", BOTH, WHO_ANYBODY, readiness, NULL, false },
	/* clang-format on */
};
_Static_assert(ARRAY_LEN(routes) <= SERVICE_ROUTES, "each is timed");

static bool
health(struct service_call *c)
{
	return service_reply(c, 200, json_pack("{s:b}", "ok", 1));
}

/* Ready: the store answers and a key signs. */
static bool
readiness(struct service_call *c)
{
	bool ready = store_check(c->s->store, &c->err) &&
		     revocations_check(c->s->revocations, &c->err) && c->keys &&
		     token_ring_signer(c->keys->ring, c->now_s, &c->err);

	if (!ready)
		log_error("ready", &c->err);
	return service_reply(c, ready ? 200 : 503,
	    json_pack("{s:b, s:o}", "ready", ready, "error",
		ready ? json_null() : json_string(error_id(c->err.code))));
}

/* `pattern` against the raw path; *ret_id is what `*` stands for. */
static bool
matches(const char *pattern, struct str path, struct str *ret_id)
{
	struct str want = str_of(pattern);
	size_t star = str_find(want, '*', 0), end;
	struct str rest = str_sub(want, star + 1, want.n);

	*ret_id = (struct str){ 0 };
	if (star == want.n)
		return str_eq(want, path);
	if (!str_has_prefix(path, str_sub(want, 0, star)))
		return false;
	end = str_find(path, '/', star);
	*ret_id = str_sub(path, star, end);
	return str_eq(str_sub(path, end, path.n), rest);
}

/* The route; else NULL, with the methods there are at this path. */
static const struct route *
find(struct service_call *c, struct buf *ret_methods)
{
	unsigned here = c->is_admin ? ADMIN : FRONT;

	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		const struct route *route = &routes[i];

		if (!(route->listeners & here) ||
		    !matches(route->path, c->q->path, &c->id))
			continue;
		if (str_eq(c->q->method, str_of(route->method)))
			return route;
		buf_printf(ret_methods, "%s%s", ret_methods->n ? ", " : "",
		    route->method);
	}
	return NULL;
}

static bool
refuse_route(struct service_call *c, struct str methods)
{
	if (methods.n == 0)
		return service_fail(c, ERR_REQUEST_PATH,
		    "there is nothing at this path on this listener");
	(void)service_fail(
	    c, ERR_REQUEST_METHOD, "this path has %.*s", STR_ARG(methods));
	http_response_header(c->r, "Allow", str_dup(c->a, methods));
	return false;
}

/* An id that cannot be one is as unknown as any other. */
static bool
check_form(struct service_call *c, const struct route *route)
{
	if (c->id.p && !attest_instance_id_is_valid(c->id))
		return service_fail(c, ERR_ACCOUNT_UNKNOWN, "%s",
		    error_help(ERR_ACCOUNT_UNKNOWN));
	if (!route->may_repeat &&
	    http_header_count(c->q, "idempotency-key") > 0)
		return service_fail(c, ERR_REQUEST_MALFORMED,
		    "this path takes no `Idempotency-Key`");
	return true;
}

static bool
identify(struct service_call *c, const struct route *route)
{
	if (c->actor.rank == STS_ADMIN)
		return true; /* the host's own */
	switch (route->who) {
	case WHO_ANYBODY:
		return true;
	case WHO_MAYBE:
		return service_who_maybe(c);
	case WHO_ACTOR:
		return service_who(c);
	}
	return false;
}

/* Who did what, when, from where; a refusal of somebody who is known, too. */
static void
note(const struct service_call *c, bool done)
{
	char room[64];
	struct buf from = buf_over(room, sizeof room);

	if (c->actor.rank == STS_NOBODY || !c->what)
		return;
	if (c->q->peer_is_unix)
		buf_addz(&from, "unix");
	else
		net_print(&from, &c->q->peer);
	log_line(done ? LOG_INFO : LOG_WARN, done ? "change" : "refused",
	    "what=%s who=\"%s:%.*s\" account=\"%.*s\" from=%.*s%s%s%s%s",
	    c->what, c->actor.rank == STS_ADMIN ? "admin" : "account",
	    STR_ARG(c->actor.account), STR_ARG(c->id), STR_ARG(buf_str(&from)),
	    done ? "" : " code=", done ? "" : error_id(c->err.code),
	    c->trace.id[0] ? " trace=" : "", c->trace.id);
}

/* The route that it took; NULL: none. */
static const struct route *
dispatch(struct service_call *c)
{
	char room[64];
	struct buf methods = buf_over(room, sizeof room);
	const struct route *route = find(c, &methods);
	bool done;

	if (!route) {
		(void)refuse_route(c, buf_str(&methods));
		return NULL;
	}
	c->what = route->what;
	/* Nothing is judged by a store that was put back, or cannot be read,
	 * nor by a clock that is wrong. */
	if (str_has_prefix(c->q->path, STR("/v1/")) &&
	    (!clock_check(c->s->clock, c->now_s * 1000, &c->err) ||
		!revocations_check(c->s->revocations, &c->err))) {
		(void)service_refuse(c);
		return route;
	}
	if (!check_form(c, route) || !identify(c, route))
		return route;
	done = route->handle(c);
	note(c, done);
	return route;
}

static void
dispatch_timed(struct service_call *c)
{
	int64_t began_ns = clock_mono_ns();
	const struct route *route = dispatch(c);

	if (route)
		metrics_observe(&c->s->counts.took[route - routes],
		    clock_mono_ns() - began_ns);
}

void
service_durations(struct service *s, struct metrics *m)
{
	static const char name[] = "avow_sts_request_duration_seconds";
	char room[80];

	metrics_family(m, name, METRICS_HISTOGRAM,
	    "How long a request was worked on, by method and path.");
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		(void)snprintf(room, sizeof room, "%s %s", routes[i].method,
		    routes[i].path);
		metrics_durations(m, name, "route", room, &s->counts.took[i]);
	}
}

void
service_handle(void *ctx, const struct http_request *q, struct http_response *r)
{
	const struct service_listener *l = ctx;
	struct service *s = l->service;
	struct service_call c = { .s = s,
		.q = q,
		.r = r,
		.a = q->arena,
		.is_admin = l->is_admin,
		.keys = service_keys_take(s),
		.revoked = service_revoked_take(s),
		.documents = service_documents_take(s),
		.now_s = clock_now_ms(s->clock) / 1000 };

	/* One that is not well formed, or stands twice, is none. */
	if (!trace_parse(http_header(q, "traceparent"), &c.trace))
		c.trace.id[0] = '\0';
	dispatch_timed(&c);
	json_decref(c.json);
	service_keys_drop(c.keys);
	documents_close(c.documents);
	attest_revoked_free(c.revoked);
}

void
service_handle_local(
    struct service *s, const struct http_request *q, struct http_response *r)
{
	struct service_call c = { .s = s,
		.q = q,
		.r = r,
		.a = q->arena,
		.is_admin = true,
		.documents = service_documents_take(s),
		.now_s = clock_now_ms(s->clock) / 1000,
		.actor = { .rank = STS_ADMIN, .account = STR("host") } };

	dispatch_timed(&c);
	json_decref(c.json);
	documents_close(c.documents);
}
