/* cmd_attest.c - `avow account attest`: an instance shows what its cloud says
 * of it, proves a key, and is an account from then on. */
#include "base/file.h"
#include "base/limits.h"
#include "cli/account.h"
#include "cli/remote.h"

struct attesting {
	struct remote_options remote;
	struct cli_list args;
	struct remote_proof proof;
	const char *challenge; /* a file */
	bool json;
};

static bool
read_challenge(struct attesting *t, struct arena *a)
{
	struct error err = { 0 };
	struct str text;

	if (!t->challenge)
		return true;
	if (!file_read(a, t->challenge, LIMIT_KEY_FILE_BYTES, &text, &err)) {
		cli_error(&err, STR(""));
		return false;
	}
	while (text.n && text.p[text.n - 1] == '\n')
		text.n--;
	t->proof.challenge = str_z(a, text);
	return t->proof.challenge != NULL;
}

static enum cli_exit
attest(struct attesting *t, struct remote *r)
{
	json_t *answer = NULL;
	enum cli_exit code;

	t->proof.role = PROVE_ATTEST;
	t->proof.account = t->args.items[0];
	if (!t->proof.service)
		t->proof.service = t->remote.server;
	t->proof.audience = t->proof.service;
	if (!read_challenge(t, remote_arena(r)))
		return CLI_CANNOT_TELL;
	if (!remote_prove(r, &t->proof, t->json, &answer, &code))
		return code;
	code = account_print(answer, t->json);
	json_decref(answer);
	return code;
}

static enum cli_exit
check_and_attest(struct attesting *t)
{
	struct remote *r;
	enum cli_exit code;

	if (!attest_instance_id_is_valid(str_of(t->args.items[0]))) {
		cli_errorf("`%s` is no id of an account", t->args.items[0]);
		return CLI_CANNOT_TELL;
	}
	if (!t->proof.document && !t->proof.signature) {
		cli_errorf("--document FILE, --signature FILE, or both");
		return CLI_CANNOT_TELL;
	}
	r = remote_open(&t->remote);
	code = r ? attest(t, r) : CLI_CANNOT_TELL;
	remote_close(r);
	return code;
}

enum cli_exit
cmd_account_attest(int argc, char **argv)
{
	struct attesting t = { 0 };
	const struct cli_option options[] = {
		{ "kind", CLI_TEXT, &t.proof.kind, true, "KIND",
		    "ec2-signature, ec2-rsa2048, ec2-pkcs7, azure or gcp" },
		{ "document", CLI_TEXT, &t.proof.document, false, "FILE",
		    "the document as the metadata service gives it; of gcp the "
		    "token; not for azure, which has it inside" },
		{ "signature", CLI_TEXT, &t.proof.signature, false, "FILE",
		    "its signature or PKCS #7 as text, as the metadata service "
		    "gives it; not for gcp" },
		{ "key", CLI_TEXT, &t.proof.key, true, "FILE",
		    "the private key to bind; it never leaves this host" },
		{ "challenge", CLI_TEXT, &t.challenge, false, "FILE",
		    "of `avow challenge new --role attest`, whose nonce the "
		    "document carries (azure)" },
		{ "service", CLI_TEXT, &t.proof.service, false, "URL",
		    "the service's public address, when --server is another" },
		{ "json", CLI_FLAG, &t.json, false, NULL,
		    "print the service's answer as JSON" },
		REMOTE_SERVER(&t.remote),
	};
	const struct cli_usage usage =
	    CLI_USAGE("avow account attest ID --kind KIND --document "
		      "FILE --signature FILE --key FILE --server URL",
		"Enrol this instance by what its cloud says of it: the "
		"first use binds it to the key.\nID is the controller's "
		"prefix and the instance's id. Again with the same "
		"key it changes nothing, and ends an eviction.",
		options, 1, 1, &t.args);
	enum cli_exit code;

	if (cli_parse(&usage, argc, argv, &code))
		code = check_and_attest(&t);
	cli_list_free(&t.args);
	return code;
}
