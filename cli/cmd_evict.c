/* cmd_evict.c - `avow account evict|ban|unban|reattest`: what an operator says
 * of an account, from its moment on and on every node. */
#include "cli/account.h"
#include "cli/remote.h"

struct verb {
	struct remote_options remote;
	struct cli_list args;
	const char *version;
	bool json;
};

static bool
put_version(json_t *body, const char *text)
{
	uint64_t version;

	if (!text)
		return true;
	if (str_to_u64(str_of(text), INT64_MAX, &version))
		return json_object_set_new(body, "version",
			   json_integer((json_int_t)version)) == 0;
	cli_errorf("--if-version: expected a number, found `%s`", text);
	return false;
}

static enum cli_exit
send(struct verb *v, struct remote *r, const char *word)
{
	struct remote_call call = { .method = "POST",
		.path = str_printf(remote_arena(r), "/v1/accounts/%s/%s",
		    v->args.items[0], word),
		.body = json_object() };
	json_t *answer = NULL;
	enum cli_exit code;

	if (!put_version(call.body, v->version)) {
		json_decref(call.body);
		return CLI_CANNOT_TELL;
	}
	if (!remote_send(r, call, v->json, &answer, &code))
		return code;
	code = account_print(answer, v->json);
	json_decref(answer);
	return code;
}

static enum cli_exit
run(const char *word, const char *synopsis, const char *about, int argc,
    char **argv)
{
	struct verb v = { 0 };
	const struct cli_option options[] = {
		{ "if-version", CLI_TEXT, &v.version, false, "N",
		    "only if the account still has this version" },
		REMOTE_SERVER(&v.remote),
		REMOTE_ADMIN(&v.remote),
		{ "json", CLI_FLAG, &v.json, false, NULL,
		    "print the service's answer as JSON" },
	};
	const struct cli_usage usage =
	    CLI_USAGE(synopsis, about, options, 1, 1, &v.args);
	enum cli_exit code;
	struct remote *r = NULL;

	if (!cli_parse(&usage, argc, argv, &code)) {
		cli_list_free(&v.args);
		return code;
	}
	code = CLI_CANNOT_TELL;
	if (!attest_instance_id_is_valid(str_of(v.args.items[0])))
		cli_errorf("`%s` is no id of an account", v.args.items[0]);
	else
		r = remote_open(&v.remote);
	if (r)
		code = send(&v, r, word);
	remote_close(r);
	cli_list_free(&v.args);
	return code;
}

enum cli_exit
cmd_account_evict(int argc, char **argv)
{
	return run("evict", "avow account evict ID",
	    "All that it was issued ends now: tokens, the instance's documents "
	    "at gates, memberships.\nIt may return: by the evidence and the "
	    "key that enrolled it, or, where that was no evidence, by its next "
	    "proof.",
	    argc, argv);
}

enum cli_exit
cmd_account_ban(int argc, char **argv)
{
	return run("ban", "avow account ban ID",
	    "All that it was issued ends now, and it may not return, with any "
	    "key, until `avow account unban`.",
	    argc, argv);
}

enum cli_exit
cmd_account_unban(int argc, char **argv)
{
	return run("unban", "avow account unban ID",
	    "A banned account is an evicted one: it may return.", argc, argv);
}

enum cli_exit
cmd_account_reattest(int argc, char **argv)
{
	return run("reattest", "avow account reattest ID",
	    "The key that its evidence is bound to ends now, with its tokens; "
	    "the next key that the evidence brings is bound in its place. "
	    "Once.",
	    argc, argv);
}
