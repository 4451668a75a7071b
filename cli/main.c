/* main.c - the program: one table of subcommands, and nothing else. */
#include <locale.h>
#include <signal.h>
#include <stdlib.h>

#include "cli/cli.h"

struct command {
	const char *noun, *verb; /* `check`, NULL or `doc`, `verify` */
	enum cli_exit (*run)(int argc, char **argv);
	const char *summary;
};

/* clang-format off */
static const struct command commands[] = {
	{ "account", "attest", cmd_account_attest, "enrol by a cloud's evidence of this instance" },
	{ "account", "ban", cmd_account_ban, "out, and it may not return" },
	{ "account", "delete", cmd_account_delete, "delete an account of the token service" },
	{ "account", "disable", cmd_account_disable, "it proves nothing any more" },
	{ "account", "enable", cmd_account_enable, "it may prove itself again" },
	{ "account", "enrol", cmd_account_enrol, "make a secret that registers its key, once" },
	{ "account", "evict", cmd_account_evict, "out; it may enrol again with its key" },
	{ "account", "key", cmd_account_key, "register its first key" },
	{ "account", "list", cmd_account_list, "list accounts" },
	{ "account", "move", cmd_account_move, "end its key, open the next" },
	{ "account", "new", cmd_account_new, "make an account" },
	{ "account", "provision", cmd_account_provision, "account, key and token in one" },
	{ "account", "reattest", cmd_account_reattest, "let the next key of its evidence in" },
	{ "account", "show", cmd_account_show, "show an account" },
	{ "account", "unban", cmd_account_unban, "it may enrol again" },
	{ "admin", "token", cmd_admin_token, "tokens for administrators: new, list, remove" },
	{ "agent", "status", cmd_agent_status, "what the running agent holds" }, /* before its noun */
	{ "agent", NULL, cmd_agent, "run on an instance: prove it, keep its tokens and documents" },
	{ "bench", "decide", cmd_bench_decide, "measure what decisions cost" },
	{ "challenge", "answer", cmd_challenge_answer, "answer a challenge, without a network" },
	{ "challenge", "new", cmd_challenge_new, "get a challenge for another to answer" },
	{ "check", NULL, cmd_check, "read policies and report what is wrong with them" },
	{ "compile", NULL, cmd_compile, "policies into rules, to look at, or into an image" },
	{ "decide", NULL, cmd_decide, "decide requests given as data" },
	{ "diff", NULL, cmd_diff, "who gains and who loses by other policies?" },
	{ "doc", "issue", cmd_doc_issue, "make and sign an identity document" },
	{ "doc", "list", cmd_doc_list, "list the documents of an instance" },
	{ "doc", "pack", cmd_doc_pack, "document and signature as one word" },
	{ "doc", "request", cmd_doc_request, "have the document service make a document" },
	{ "doc", "show", cmd_doc_show, "show a document of the service" },
	{ "doc", "verify", cmd_doc_verify, "is a document genuine and valid?" },
	{ "dryrun", NULL, cmd_dryrun, "say what would be decided, and why" },
	{ "fmt", NULL, cmd_fmt, "write policies in their canonical form" },
	{ "instance", "event", cmd_instance_event, "something happened to an instance" },
	{ "instance", "delete", cmd_instance_delete, "a group is no more" },
	{ "instance", "rename", cmd_instance_rename, "a group goes by another id" },
	{ "instance", "put", cmd_instance_put, "say what an instance or a group is" },
	{ "instance", "show", cmd_instance_show, "what is known of an instance" },
	{ "key", "get", cmd_key_get, "the document service's public keys" },
	{ "key", "jwks", cmd_key_jwks, "the public keys of tokens, as a key set" },
	{ "key", "list", cmd_key_list, "the keys that sign tokens" },
	{ "key", "new", cmd_key_new, "make a signing key" },
	{ "key", "public", cmd_key_public, "print its public half" },
	{ "key", "rotate", cmd_key_rotate, "make the next key that signs tokens" },
	{ "key", "secret", cmd_key_secret, "make the master secret of a token service" },
	{ "key", "thumbprint", cmd_key_thumbprint, "print a key's RFC 7638 thumbprint" },
	{ "lint", NULL, cmd_lint, "find policies that change nothing" },
	{ "needs", NULL, cmd_needs, "which claims must one show to be permitted?" },
	{ "revoke", "add", cmd_revoke_add, "revoke a document, instance, key, credential, token, account" },
	{ "revoke", "list", cmd_revoke_list, "what is revoked in the store" },
	{ "revoke", "remove", cmd_revoke_remove, "take a revocation back" },
	{ "serve", NULL, cmd_serve, "run the gates, or the token service" },
	{ "signer", NULL, cmd_signer, "sign for other processes, by rules" },
	{ "store", "accept-restore", cmd_store_accept_restore, "take a store that was put back from a copy" },
	{ "store", "changes", cmd_store_changes, "who changed what, the newest first" },
	{ "store", "check", cmd_store_check, "is the store whole and up to date?" },
	{ "store", "rotate-secret", cmd_store_rotate_secret, "seal what is stored under a new master secret" },
	{ "token", "exchange", cmd_token_exchange, "exchange a token for a narrower one" },
	{ "token", "issue", cmd_token_issue, "make and sign a token" },
	{ "token", "new", cmd_token_new, "prove possession, get a token" },
	{ "token", "offer", cmd_token_offer, "leave a token at the broker" },
	{ "token", "pick", cmd_token_pick, "pick up what another offers" },
	{ "token", "prove", cmd_token_prove, "prove a token's key, for one request" },
	{ "token", "verify", cmd_token_verify, "is a token genuine and valid?" },
	{ "token", "withdraw", cmd_token_withdraw, "take back what is offered" },
	{ "translate", NULL, cmd_translate, "write policies in another form: avow, cedar, json; read IAM" },
	{ "what", NULL, cmd_what, "what may one do?" },
	{ "who", NULL, cmd_who, "who may do it?" },
};
/* clang-format on */

static void
print_help(FILE *to)
{
	fputs(
	    "avow - decide on what the asker can prove\n\nusage: avow COMMAND "
	    "[OPTIONS]\n\n",
	    to);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		const struct command *c = &commands[i];
		int n = fprintf(to, "  %s%s%s", c->noun, c->verb ? " " : "",
		    c->verb ? c->verb : "");
		fprintf(to, "%*s%s\n", n < 21 ? 21 - n : 1, "", c->summary);
	}
	fputs("\n`avow COMMAND --help` explains a command. Exit: 0 yes, 2 no, "
	      "1 cannot tell.\n",
	    to);
}

/* The command that `argv` names; *ret_words is how many words it takes. */
static const struct command *
find_command(int argc, char **argv, int *ret_words)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		const struct command *c = &commands[i];
		if (strcmp(argv[1], c->noun) != 0)
			continue;
		if (c->verb == NULL) {
			*ret_words = 1;
			return c;
		}
		if (argc > 2 && strcmp(argv[2], c->verb) == 0) {
			*ret_words = 2;
			return c;
		}
	}
	return NULL;
}

/* A noun without its verb lists the verbs. */
static bool
print_verbs(const char *noun)
{
	bool any = false;
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		const struct command *c = &commands[i];
		if (c->verb == NULL || strcmp(c->noun, noun) != 0)
			continue;
		if (!any)
			fprintf(stderr, "avow: `%s` needs one of:\n", noun);
		any = true;
		fprintf(
		    stderr, "  avow %s %-8s %s\n", noun, c->verb, c->summary);
	}
	return any;
}

int
main(int argc, char **argv)
{
	/* A pipe that nobody reads, a file at its limit: the write says so, and
	 * what was begun is taken away. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	json_setup();
	if (argc < 2) {
		print_help(stderr);
		return CLI_CANNOT_TELL;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
		print_help(stdout);
		return CLI_YES;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("avow " AVOW_VERSION);
		return CLI_YES;
	}
	int words = 0;
	const struct command *c = find_command(argc, argv, &words);
	if (c != NULL)
		return (int)c->run(argc - words, argv + words);
	if (!print_verbs(argv[1]))
		cli_errorf(
		    "no command `%s`; `avow --help` lists them", argv[1]);
	return CLI_CANNOT_TELL;
}
