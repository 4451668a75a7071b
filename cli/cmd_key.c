/* cmd_key.c - `avow key new`, `avow key public`: signing keys in files. */
#include "attest/attest.h"
#include "base/file.h"
#include "cli/cli.h"

static enum cli_exit
failed(const struct error *err)
{
	cli_error(err, STR(""));
	return CLI_CANNOT_TELL;
}

enum cli_exit
cmd_key_new(int argc, char **argv)
{
	const char *type = NULL, *out = NULL;
	const struct cli_option options[] = {
		{ "type", CLI_TEXT, &type, false, "TYPE",
		    "rsa2048, p256 or ed25519 (default)" },
		{ "out", CLI_TEXT, &out, true, "FILE",
		    "the private key, as PEM, mode 0600; must not exist" },
	};
	const struct cli_usage usage =
	    CLI_USAGE("avow key new [--type TYPE] -o FILE",
		"Make a private key that signs identity documents. "
		"Its public half: `avow key public FILE`.",
		options, 0, 0, NULL);
	enum attest_key_type key_type;
	struct error err = { 0 };
	enum cli_exit stop;

	if (!cli_parse(&usage, argc, argv, &stop))
		return stop;
	key_type = attest_key_type_of(str_of(type ? type : "ed25519"));
	if (key_type == KEY_NONE) {
		cli_errorf("--type: expected rsa2048, p256 or ed25519, found "
			   "`%s`",
		    type);
		return CLI_CANNOT_TELL;
	}
	if (!attest_key_create(key_type, out, &err))
		return failed(&err);
	return CLI_YES;
}

static enum cli_exit
key_public(const char *file, const char *out)
{
	struct error err = { 0 };
	struct buf pem = { 0 };
	enum cli_exit exit = CLI_YES;

	if (!attest_key_public_pem(file, &pem, &err))
		exit = failed(&err);
	else if (out && !file_create(out, 0644, buf_str(&pem), &err))
		exit = failed(&err);
	else if (!out && !cli_print(&pem))
		exit = CLI_CANNOT_TELL;
	buf_free(&pem);
	return exit;
}

enum cli_exit
cmd_key_public(int argc, char **argv)
{
	const char *out = NULL;
	struct cli_list args = { 0 };
	const struct cli_option options[] = {
		{ "out", CLI_OUT, &out, false, "FILE",
		    "write there instead of to standard output (`-`); must not "
		    "exist" },
	};
	const struct cli_usage usage =
	    CLI_USAGE("avow key public FILE [-o FILE]",
		"Print the public half of a private key, or the "
		"public key of a certificate, as PEM.",
		options, 1, 1, &args);
	enum cli_exit exit;

	if (cli_parse(&usage, argc, argv, &exit))
		exit = key_public(args.items[0], out);
	cli_list_free(&args);
	return exit;
}
