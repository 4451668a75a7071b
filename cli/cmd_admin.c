/* cmd_admin.c - `avow admin token new|list|remove`, on this host's store alone:
 * whoever may administer was let in by somebody who has the host. */
#include "base/clock.h"
#include "base/file.h"
#include "base/timefmt.h"
#include "cli/cli.h"
#include "gateways/admin.h"
#include "gateways/gateways.h"

#include <stdlib.h>

struct admin {
	const char *config, *name, *out;
	struct cli_time lifetime;
	struct cli_list args;
	bool json;
	struct arena *a;
	struct store *store;
};

static enum cli_exit
failed(const struct error *err)
{
	cli_error(err, STR(""));
	return CLI_CANNOT_TELL;
}

static json_t *
token_json(const struct store_admin_token *t)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "id", json_from_str(t->id),
	    "name", json_from_str(t->name), "createdAt",
	    json_from_time(t->created_at * 1000), "expiresAt",
	    json_from_time(t->expires_at * 1000));
}

static enum cli_exit
print_token(const struct admin *o, const struct store_admin_token *t)
{
	struct buf line = { 0 };
	bool ok;

	if (o->json)
		return cli_print_json(token_json(t), false) ? CLI_YES
							    : CLI_CANNOT_TELL;
	buf_printf(&line, "%.*s  ", STR_ARG(t->id));
	buf_escaped(&line, t->name, true);
	buf_addz(&line, "  until ");
	time_print_datetime(&line, t->expires_at * 1000);
	buf_byte(&line, '\n');
	ok = cli_print(&line);
	buf_free(&line);
	return ok ? CLI_YES : CLI_CANNOT_TELL;
}

static enum cli_exit
act_new(struct admin *o)
{
	struct buf token = { 0 };
	struct store_admin_token t;
	struct error err = { 0 };
	bool ok;

	if (!o->name || !o->out) {
		cli_errorf("--name NAME and --out FILE are needed");
		return CLI_CANNOT_TELL;
	}
	ok = admin_token_new(o->store, o->a, str_of(o->name),
	    o->lifetime.ms / 1000, clock_now_ms(clock_system()) / 1000, &token,
	    &t, &err);
	buf_byte(&token, '\n');
	ok = ok && (buf_ok(&token) || error_nomem(&err)) &&
	     file_create(o->out, 0600, buf_str(&token), &err);
	if (token.p)
		explicit_bzero(token.p, token.n);
	buf_free(&token);
	return ok ? print_token(o, &t) : failed(&err);
}

static enum cli_exit
act_list(struct admin *o)
{
	struct store_admin_token *all;
	struct error err = { 0 };
	enum cli_exit code = CLI_YES;
	size_t n;

	if (!store_admin_list(o->store, o->a, &all, &n, &err))
		return failed(&err);
	for (size_t i = 0; i < n && code == CLI_YES; i++)
		code = print_token(o, &all[i]);
	return code;
}

static enum cli_exit
act_remove(struct admin *o)
{
	struct error err = { 0 };
	bool removed;

	if (o->args.n < 2) {
		cli_errorf("avow admin token remove ID");
		return CLI_CANNOT_TELL;
	}
	if (!store_admin_remove(
		o->store, str_of(o->args.items[1]), &removed, &err))
		return failed(&err);
	if (!removed)
		cli_errorf("there is no admin token `%s`", o->args.items[1]);
	return removed ? CLI_YES : CLI_NO;
}

static const struct {
	const char *verb;
	enum cli_exit (*act)(struct admin *o);
} verbs[] = {
	{ "new", act_new },
	{ "list", act_list },
	{ "remove", act_remove },
};

static enum cli_exit
act(struct admin *o)
{
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (strcmp(o->args.items[0], verbs[i].verb) == 0)
			return verbs[i].act(o);
	cli_errorf(
	    "avow admin token new, list or remove, not `%s`", o->args.items[0]);
	return CLI_CANNOT_TELL;
}

static enum cli_exit
on_store(struct admin *o)
{
	struct buf messages = { 0 };
	struct gateways_local *local;
	enum cli_exit code = CLI_CANNOT_TELL;

	if (!o->config)
		o->config = getenv("AVOW_CONFIG");
	if (!o->config) {
		cli_errorf("--config is missing, and AVOW_CONFIG is not set");
		return CLI_CANNOT_TELL;
	}
	local = gateways_local_open(o->config, clock_system(), &messages);
	(void)cli_messages(&messages);
	buf_free(&messages);
	o->a = arena_new(0);
	if (local && o->a) {
		o->store = gateways_local_store(local);
		code = act(o);
	}
	arena_free(o->a);
	gateways_local_close(local);
	return code;
}

enum cli_exit
cmd_admin_token(int argc, char **argv)
{
	struct admin o = { 0 };
	const struct cli_option options[] = {
		{ "config", CLI_TEXT, &o.config, false, "FILE",
		    "the token service's configuration; AVOW_CONFIG when not "
		    "given" },
		{ "name", CLI_TEXT, &o.name, false, "NAME",
		    "who will hold it, for logs" },
		{ "lifetime", CLI_DURATION, &o.lifetime, false, "DURATION",
		    "how long it is valid (8h; at most 30d)" },
		{ "out", CLI_TEXT, &o.out, false, "FILE",
		    "where the token goes, mode 0600; must not exist" },
		{ "json", CLI_FLAG, &o.json, false, NULL,
		    "JSON, one object a line" },
	};
	const struct cli_usage usage =
	    CLI_USAGE("avow admin token new --name NAME -o FILE [--lifetime "
		      "DURATION]\n       avow admin token list\n       avow "
		      "admin token remove ID",
		"Tokens that let people administer the token service. "
		"They are made on its host alone; the store keeps "
		"their SHA-256.",
		options, 1, 2, &o.args);
	enum cli_exit code;

	if (cli_parse(&usage, argc, argv, &code))
		code = on_store(&o);
	cli_list_free(&o.args);
	return code;
}
