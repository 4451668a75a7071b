/* cmd_account.c - `avow account …`: who may prove himself, and by which key.
 * Each is one call (cli/remote.h); answers are the service's JSON, or a line an
 * account for people. A secret goes to a file of mode 0600 and nowhere else. */
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "cli/account.h"
#include "cli/remote.h"

struct account {
	struct remote_options remote;
	struct cli_list args;
	const char *kind, *prefix, *audience, *repeat, *version;
	const char *public_key, *out, *limit, *next;
	struct cli_time lifetime;
	bool may_issue, hmac, json;
};

#define COMMON(a)                                                              \
	REMOTE_SERVER(&(a)->remote), REMOTE_ADMIN(&(a)->remote),               \
	    REMOTE_ACCOUNT(&(a)->remote),                                      \
	{                                                                      \
		"json", CLI_FLAG, &(a)->json, false, NULL,                     \
		    "print the service's answer as JSON"                       \
	}
#define VERSION(a)                                                             \
	{                                                                      \
		"if-version", CLI_TEXT, &(a)->version, false, "N",             \
		    "only if the account still has this version"               \
	}

/* ---- what people see ----------------------------------------------------- */

static void
put_member(struct buf *out, const json_t *account, const char *name)
{
	struct str value = json_str(json_object_get(account, name));

	if (value.n == 0)
		return;
	buf_printf(out, "  %s ", name);
	buf_escaped(out, value, true);
}

static void
put_account(struct buf *out, const json_t *account)
{
	static const char *const names[] = { "owner", "prefix", "audience",
		"method", "thumbprint", "instance", "standing", "secretUntil" };

	buf_escaped(out, json_str(json_object_get(account, "id")), true);
	buf_addz(out, "  ");
	buf_escaped(out, json_str(json_object_get(account, "kind")), true);
	buf_addz(out, json_is_false(json_object_get(account, "enabled"))
			  ? "  disabled"
			  : "");
	buf_printf(out, "  version %lld",
	    (long long)json_integer_value(json_object_get(account, "version")));
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		put_member(out, account, names[i]);
	buf_byte(out, '\n');
}

enum cli_exit
account_print(const json_t *answer, bool json)
{
	const json_t *inner = json_object_get(answer, "account");
	const json_t *list = json_object_get(answer, "accounts");
	struct str next = json_str(json_object_get(answer, "next"));
	struct buf out = { 0 };
	bool ok;

	if (json)
		return cli_print_json(
			   json_incref((json_t *)(uintptr_t)answer), false)
			   ? CLI_YES
			   : CLI_CANNOT_TELL;
	for (size_t i = 0; i < json_array_size(list); i++)
		put_account(&out, json_array_get(list, i));
	if (!list)
		put_account(&out, inner ? inner : answer);
	if (next.n)
		buf_printf(&out, "more: --next %.*s\n", STR_ARG(next));
	ok = cli_print(&out);
	buf_free(&out);
	return ok ? CLI_YES : CLI_CANNOT_TELL;
}

/* ---- secrets ------------------------------------------------------------- */

/* A file that could not be written must not be found out after the service
 * gave its one copy. */
static bool
may_write(const char *path)
{
	if (!path) {
		cli_errorf("--out is missing: the secret goes to a file");
		return false;
	}
	if (access(path, F_OK) == 0) {
		cli_errorf("%s is there already", path);
		return false;
	}
	return true;
}

/* To the file, and out of the answer. */
static bool
keep_secret(const char *path, json_t *answer)
{
	struct str secret = json_str(json_object_get(answer, "secret"));
	struct buf line = { 0 };
	struct error err = { 0 };
	bool ok;

	if (secret.n == 0)
		return true;
	buf_add(&line, secret);
	buf_byte(&line, '\n');
	ok = buf_ok(&line) && file_create(path, 0600, buf_str(&line), &err);
	explicit_bzero(line.p, line.n);
	buf_free(&line);
	json_object_del(answer, "secret");
	if (!ok)
		cli_error(&err, STR(""));
	return ok;
}

/* ---- calls --------------------------------------------------------------- */

static enum cli_exit
run(struct account *a, struct remote *r, struct remote_call call)
{
	json_t *answer = NULL;
	enum cli_exit code;

	if (!remote_send(r, call, a->json, &answer, &code))
		return code;
	if (answer && !keep_secret(a->out, answer))
		code = CLI_CANNOT_TELL;
	else if (answer)
		code = account_print(answer, a->json);
	json_decref(answer);
	return code;
}

static struct str
path_of(struct remote *r, const char *id, const char *more)
{
	return str_printf(remote_arena(r), "/v1/accounts/%s%s", id, more);
}

static bool
put_version(json_t *body, const char *text)
{
	uint64_t version;

	if (!text)
		return true;
	if (!str_to_u64(str_of(text), INT64_MAX, &version)) {
		cli_errorf("--if-version: expected a number, found `%s`", text);
		return false;
	}
	return json_object_set_new(
		   body, "version", json_integer((json_int_t)version)) == 0;
}

static void
put_text(json_t *body, const char *name, const char *value)
{
	if (value)
		(void)json_object_set_new(
		    body, name, json_from_str(str_of(value)));
}

/* Opens, runs `act` for the one id, closes. */
static enum cli_exit
with_remote(const struct cli_usage *usage, int argc, char **argv,
    struct account *a, enum cli_exit (*act)(struct account *, struct remote *))
{
	enum cli_exit code;
	struct remote *r;

	if (!cli_parse(usage, argc, argv, &code)) {
		cli_list_free(&a->args);
		return code;
	}
	if (a->args.n > 0 &&
	    !attest_instance_id_is_valid(str_of(a->args.items[0]))) {
		cli_errorf("`%s` is no id of an account", a->args.items[0]);
		cli_list_free(&a->args);
		return CLI_CANNOT_TELL;
	}
	r = remote_open(&a->remote);
	code = r ? act(a, r) : CLI_CANNOT_TELL;
	remote_close(r);
	cli_list_free(&a->args);
	return code;
}

#define USAGE(text, what, n) CLI_USAGE(text, what, options, n, n, &a.args)

static enum cli_exit
act_new(struct account *a, struct remote *r)
{
	struct remote_call call = { .method = "POST",
		.path = STR("/v1/accounts"),
		.idempotency_key = str_of(a->repeat),
		.body = json_object() };

	put_text(call.body, "id", a->args.items[0]);
	put_text(call.body, "kind", a->kind ? a->kind : "instance");
	put_text(call.body, "prefix", a->prefix);
	put_text(call.body, "audience", a->audience);
	if (a->may_issue)
		(void)json_object_set_new(call.body, "mayIssue", json_true());
	return run(a, r, call);
}

enum cli_exit
cmd_account_new(int argc, char **argv)
{
	struct account a = { 0 };
	const struct cli_option options[] = {
		{ "kind", CLI_TEXT, &a.kind, false, "KIND",
		    "instance (default) or controller" },
		{ "prefix", CLI_TEXT, &a.prefix, false, "PREFIX",
		    "a controller's: how the ids of its instances begin" },
		{ "may-issue", CLI_FLAG, &a.may_issue, false, NULL,
		    "a controller's: it may issue when it provisions" },
		{ "audience", CLI_TEXT, &a.audience, false, "NAME",
		    "whose offers it picks up at the broker" },
		{ "idempotency-key", CLI_TEXT, &a.repeat, false, "WORD",
		    "asking again with the same word makes no second one" },
		COMMON(&a),
	};
	const struct cli_usage usage =
	    USAGE("avow account new ID [--kind controller --prefix PREFIX]",
		"Make an account. Administrators make controllers, controllers "
		"make instances whose ids begin with their prefix.",
		1);

	return with_remote(&usage, argc, argv, &a, act_new);
}

static enum cli_exit
act_list(struct account *a, struct remote *r)
{
	struct remote_call call = { .method = "GET",
		.path = str_printf(remote_arena(r), "/v1/accounts?limit=%s%s%s",
		    a->limit ? a->limit : "100", a->next ? "&next=" : "",
		    a->next ? a->next : "") };

	return run(a, r, call);
}

enum cli_exit
cmd_account_list(int argc, char **argv)
{
	struct account a = { 0 };
	const struct cli_option options[] = {
		{ "limit", CLI_TEXT, &a.limit, false, "N", "at most N (100)" },
		{ "next", CLI_TEXT, &a.next, false, "WORD",
		    "go on where the page before said" },
		COMMON(&a),
	};
	const struct cli_usage usage =
	    USAGE("avow account list [--limit N] [--next WORD]",
		"List the accounts that may be seen by who asks, by id.", 0);

	return with_remote(&usage, argc, argv, &a, act_list);
}

static enum cli_exit
act_show(struct account *a, struct remote *r)
{
	struct remote_call call = { .method = "GET",
		.path = path_of(r, a->args.items[0], "") };

	return run(a, r, call);
}

enum cli_exit
cmd_account_show(int argc, char **argv)
{
	struct account a = { 0 };
	const struct cli_option options[] = { COMMON(&a) };
	const struct cli_usage usage =
	    USAGE("avow account show ID", "Show an account.", 1);

	return with_remote(&usage, argc, argv, &a, act_show);
}

static enum cli_exit
set_enabled(struct account *a, struct remote *r, bool enabled)
{
	struct remote_call call = { .method = "PATCH",
		.path = path_of(r, a->args.items[0], ""),
		.body = json_pack("{s:b}", "enabled", enabled) };

	if (!put_version(call.body, a->version)) {
		json_decref(call.body);
		return CLI_CANNOT_TELL;
	}
	return run(a, r, call);
}

static enum cli_exit
act_disable(struct account *a, struct remote *r)
{
	return set_enabled(a, r, false);
}

static enum cli_exit
act_enable(struct account *a, struct remote *r)
{
	return set_enabled(a, r, true);
}

enum cli_exit
cmd_account_disable(int argc, char **argv)
{
	struct account a = { 0 };
	const struct cli_option options[] = { VERSION(&a), COMMON(&a) };
	const struct cli_usage usage = USAGE("avow account disable ID",
	    "From now on it proves nothing, and its tokens are revoked.", 1);

	return with_remote(&usage, argc, argv, &a, act_disable);
}

enum cli_exit
cmd_account_enable(int argc, char **argv)
{
	struct account a = { 0 };
	const struct cli_option options[] = { VERSION(&a), COMMON(&a) };
	const struct cli_usage usage = USAGE("avow account enable ID",
	    "It may prove itself again; former tokens do not come back.", 1);

	return with_remote(&usage, argc, argv, &a, act_enable);
}

static enum cli_exit
act_delete(struct account *a, struct remote *r)
{
	struct str more =
	    a->version ? str_printf(remote_arena(r), "?version=%s", a->version)
		       : STR("");
	struct remote_call call = { .method = "DELETE",
		.path = path_of(r, a->args.items[0], more.p) };

	return run(a, r, call);
}

enum cli_exit
cmd_account_delete(int argc, char **argv)
{
	struct account a = { 0 };
	const struct cli_option options[] = { VERSION(&a), COMMON(&a) };
	const struct cli_usage usage = USAGE("avow account delete ID",
	    "Delete it with its keys, secrets and offers; its tokens are "
	    "revoked.",
	    1);

	return with_remote(&usage, argc, argv, &a, act_delete);
}

/* ---- keys ---------------------------------------------------------------- */

#define OPENING(a)                                                             \
	{ "public-key", CLI_TEXT, &(a)->public_key, false, "FILE",             \
		"register this public key (PEM), which the instance made" },   \
	    { "hmac", CLI_FLAG, &(a)->hmac, false, NULL,                       \
		    "make a secret that stays its key, for what can hold no "  \
		    "key "                                                     \
		    "pair" },                                                  \
	{                                                                      \
		"out", CLI_TEXT, &(a)->out, false, "FILE",                     \
		    "where the secret goes, mode 0600; must not exist"         \
	}
#define LIFETIME(a)                                                            \
	{                                                                      \
		"lifetime", CLI_DURATION, &(a)->lifetime, false, "DURATION",   \
		    "how long the enrolment secret may be used (15m; at most " \
		    "24h)"                                                     \
	}

static bool
put_public_key(struct account *a, struct remote *r, json_t *body)
{
	struct error err = { 0 };
	struct str pem;

	if (!a->public_key)
		return true;
	if (file_read(remote_arena(r), a->public_key, LIMIT_KEY_FILE_BYTES,
		&pem, &err))
		return json_object_set_new(
			   body, "publicKey", json_from_str(pem)) == 0;
	cli_error(&err, STR(""));
	return false;
}

static bool
put_opening(struct account *a, struct remote *r, json_t *body)
{
	if (!a->public_key && !may_write(a->out))
		return false;
	if (a->hmac)
		(void)json_object_set_new(body, "hmac", json_true());
	if (a->lifetime.given)
		(void)json_object_set_new(body, "lifetime",
		    json_from_str(str_printf(
			remote_arena(r), "%lldms", (long long)a->lifetime.ms)));
	return put_version(body, a->version) && put_public_key(a, r, body);
}

static enum cli_exit
open_next(struct account *a, struct remote *r, const char *where)
{
	struct remote_call call = { .method = "POST",
		.path = path_of(r, a->args.items[0], where),
		.body = json_object() };

	if (put_opening(a, r, call.body))
		return run(a, r, call);
	json_decref(call.body);
	return CLI_CANNOT_TELL;
}

static enum cli_exit
act_enrol(struct account *a, struct remote *r)
{
	return open_next(a, r, "/enrolments");
}

static enum cli_exit
act_key(struct account *a, struct remote *r)
{
	if (a->public_key || a->hmac)
		return open_next(a, r, "/keys");
	cli_errorf("--public-key FILE or --hmac");
	return CLI_CANNOT_TELL;
}

static enum cli_exit
act_move(struct account *a, struct remote *r)
{
	return open_next(a, r, "/move");
}

enum cli_exit
cmd_account_enrol(int argc, char **argv)
{
	struct account a = { 0 };
	const struct cli_option options[] = {
		{ "out", CLI_TEXT, &a.out, true, "FILE",
		    "where the secret goes, mode 0600; must not exist" },
		LIFETIME(&a), VERSION(&a), COMMON(&a)
	};
	const struct cli_usage usage = USAGE("avow account enrol ID -o FILE",
	    "Make a secret to inject into the instance. It works once, and "
	    "that use registers the key that the instance made.",
	    1);

	return with_remote(&usage, argc, argv, &a, act_enrol);
}

enum cli_exit
cmd_account_key(int argc, char **argv)
{
	struct account a = { 0 };
	const struct cli_option options[] = { OPENING(&a), VERSION(&a),
		COMMON(&a) };
	const struct cli_usage usage =
	    USAGE("avow account key ID --public-key FILE | --hmac -o FILE",
		"Give an account that has none its first key.", 1);

	return with_remote(&usage, argc, argv, &a, act_key);
}

enum cli_exit
cmd_account_move(int argc, char **argv)
{
	struct account a = { 0 };
	const struct cli_option options[] = { OPENING(&a), LIFETIME(&a),
		VERSION(&a), COMMON(&a) };
	const struct cli_usage usage =
	    USAGE("avow account move ID [--public-key FILE | --hmac] [-o FILE]",
		"The identity goes to other hardware: the former key and its "
		"tokens end now. The next key is registered, or an enrolment "
		"secret is made for it.",
		1);

	return with_remote(&usage, argc, argv, &a, act_move);
}

/* ---- the combined manager ------------------------------------------------ */

static enum cli_exit
act_provision(struct account *a, struct remote *r)
{
	struct remote_call call = { .method = "POST",
		.path = STR("/v1/instances"),
		.idempotency_key = str_of(a->repeat),
		.body = json_object() };
	json_t *answer = NULL;
	struct str token;
	struct error err = { 0 };
	enum cli_exit code;

	put_text(call.body, "id", a->args.items[0]);
	put_text(call.body, "audience", a->audience);
	if (!put_public_key(a, r, call.body)) {
		json_decref(call.body);
		return CLI_CANNOT_TELL;
	}
	if (!remote_send(r, call, a->json, &answer, &code))
		return code;
	token = json_str(
	    json_object_get(json_object_get(answer, "grant"), "token"));
	if (a->out && !file_replace(a->out, 0600, token, &err)) {
		cli_error(&err, STR(""));
		code = CLI_CANNOT_TELL;
	} else {
		code = account_print(answer, a->json);
	}
	json_decref(answer);
	return code;
}

enum cli_exit
cmd_account_provision(int argc, char **argv)
{
	struct account a = { 0 };
	const struct cli_option options[] = {
		{ "public-key", CLI_TEXT, &a.public_key, true, "FILE",
		    "the instance's public key (PEM)" },
		{ "audience", CLI_TEXT, &a.audience, true, "NAME",
		    "whom the token is for" },
		{ "out", CLI_TEXT, &a.out, true, "FILE",
		    "where the token goes, mode 0600" },
		{ "idempotency-key", CLI_TEXT, &a.repeat, false, "WORD",
		    "asking again with the same word makes no second one" },
		COMMON(&a)
	};
	const struct cli_usage usage = USAGE(
	    "avow account provision ID --public-key FILE --audience NAME -o "
	    "FILE",
	    "Account, key and token in one: for a controller that may issue. "
	    "The token is bound to the instance's key; only the instance can "
	    "use it.",
	    1);

	return with_remote(&usage, argc, argv, &a, act_provision);
}
