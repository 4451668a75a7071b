/* service_local.c - the admin's routes on the store of this host, without a
 * server: one set of rules for HTTP and the command line. Who can open the
 * store and the master secret may do what an administrator may. */
#include <stdlib.h>

#include "gateways/gateways.h"
#include "gateways/service_private.h"
#include "gateways/state.h"

struct gateways_local {
	struct gateways_state *state;
	struct store *store;
	struct service *service;
	const struct clock *clock;
};

/* A store that was put back from a copy is not to be changed either; a change
 * of ours moves the mark on. */
static bool
check_mark(struct gateways_local *l, struct error *reterr)
{
	const struct config *c = l->state->config;
	int64_t generation, floor;

	return c->store_mark.n == 0 ||
	       (store_generation(l->store, &generation, &floor, reterr) &&
		   store_mark_check(c->store_mark.p, generation, reterr));
}

static bool
open_parts(struct gateways_local *l, struct error *reterr)
{
	const struct config *c = l->state->config;

	if (!c->service.is_given)
		return error_set(reterr, ERR_CONFIG_KEY, SPAN_NONE,
		    "this is the configuration of gates: expected one with "
		    "`service`");
	l->store = store_open(c->store, reterr);
	if (!l->store || !check_mark(l, reterr))
		return false;
	l->service = service_new(c, l->clock, l->store, reterr);
	return l->service != NULL;
}

struct gateways_local *
gateways_local_open(
    const char *config_path, const struct clock *clock, struct buf *messages)
{
	struct gateways_local *l = calloc(1, sizeof *l);
	struct error err = { 0 };
	const char *why;

	if (!l)
		return NULL;
	l->clock = clock;
	/* Nobody shows evidence here: no key set has to be asked for. */
	l->state = state_reload(
	    config_path, NULL, NULL, clock_now_ms(clock), messages, &why);
	if (l->state && open_parts(l, &err))
		return l;
	if (l->state)
		error_print(messages, &err, (struct str){ 0 });
	gateways_local_close(l);
	return NULL;
}

void
gateways_local_close(struct gateways_local *l)
{
	if (!l)
		return;
	service_stop(l->service, 0);
	store_close(l->store);
	gateways_state_unref(l->state);
	free(l);
}

struct store *
gateways_local_store(struct gateways_local *l)
{
	return l->store;
}

bool
gateways_local_call(struct gateways_local *l, struct arena *a,
    const struct gateways_local_request *what, unsigned *ret_status,
    struct str *ret_body, struct error *reterr)
{
	const struct http_header headers[] = {
		{ STR("content-type"), STR("application/json") },
		{ STR("idempotency-key"), what->idempotency_key },
	};
	size_t cut = str_find(what->target, '?', 0);
	const struct http_request q = { .method = what->method,
		.target = what->target,
		.path = str_sub(what->target, 0, cut),
		.query = str_sub(what->target, cut + 1, what->target.n),
		.headers = headers,
		.n_headers = what->idempotency_key.n ? 2 : 1,
		.body = what->body,
		.peer_is_unix = true,
		.arena = a };
	struct http_response r = { 0 };

	service_handle_local(l->service, &q, &r);
	*ret_status = r.status;
	*ret_body = str_dup(a, buf_str(&r.body));
	if (r.body.n)
		explicit_bzero(r.body.p, r.body.n);
	buf_free(&r.body);
	return check_mark(l, reterr) && (ret_body->p || error_nomem(reterr));
}
