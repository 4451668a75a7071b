/* store_option.c - the store that a command was told of, opened and checked. */
#include "cli/store_option.h"

#include <stdlib.h>

#include "gateways/gateways.h"

static bool
failed(const struct error *err)
{
	cli_error(err, STR(""));
	return false;
}

/* Others see arguments. */
static bool
check_argument(const char *url)
{
	const char *at = strchr(url, '@'), *host = strstr(url, "://");
	const char *colon = host ? strchr(host + 3, ':') : NULL;

	if (!strstr(url, "password=") && !(at && colon && colon < at))
		return true;
	cli_errorf("--store: a password may not stand in an argument; use a "
		   "password file (PGPASSFILE, passfile=) or --config");
	return false;
}

static bool
find_url(struct cli_store *s, struct str *ret)
{
	struct gateways_store of = { 0 };
	struct buf messages = { 0 };
	bool ok;

	if (s->url) {
		*ret = str_of(s->url);
		return check_argument(s->url);
	}
	if (!s->config)
		s->config = getenv("AVOW_CONFIG");
	if (!s->config) {
		cli_errorf("--config or --store is missing, and AVOW_CONFIG is "
			   "not set");
		return false;
	}
	ok = gateways_config_store(s->arena, s->config, &of, &messages);
	cli_messages(&messages);
	buf_free(&messages);
	if (ok && of.url.n == 0) {
		cli_errorf("%s: there is no `store`", s->config);
		return false;
	}
	*ret = of.url;
	s->mark = of.mark.n ? of.mark.p : NULL;
	s->secret = of.secret.n ? of.secret.p : NULL;
	if (ok && s->needs_secret && !s->secret) {
		cli_errorf(
		    "%s: there is no `service` with a `secret`", s->config);
		return false;
	}
	return ok;
}

bool
cli_store_mark(struct cli_store *s)
{
	struct error err = { 0 };
	int64_t generation, floor;

	if (!s->mark)
		return true;
	return (store_generation(s->store, &generation, &floor, &err) &&
		   store_mark_check(s->mark, generation, &err)) ||
	       failed(&err);
}

bool
cli_store_open(struct cli_store *s, bool any_generation)
{
	struct error err = { 0 };
	struct str url;

	s->arena = arena_new(0);
	if (!s->arena) {
		cli_errorf("memory ran out");
		return false;
	}
	if (!find_url(s, &url))
		return false;
	/* A name that is mistyped would be an empty database, in which nothing
	 * is wrong, and what is revoked in it nobody reads. */
	if (s->url && !store_is_there(url, &err))
		return failed(&err);
	s->store = store_open(url, &err);
	if (!s->store)
		return failed(&err);
	return any_generation || cli_store_mark(s);
}

void
cli_store_close(struct cli_store *s)
{
	store_close(s->store);
	arena_free(s->arena);
}
