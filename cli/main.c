/* main.c - the program: one table of subcommands, and nothing else. */
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>

#include "cli/cli.h"

struct command {
	const char *noun, *verb; /* `check`, NULL or `doc`, `verify` */
	enum cli_exit (*run)(int argc, char **argv);
	const char *summary;
};

static const struct command commands[] = {
#define COMMAND(noun, verb, run, summary) { noun, verb, run, summary },
#include "cli/commands.def"
#undef COMMAND
};

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

/* A stream that is closed is a number that the next file or connection gets:
 * what is printed or logged would go there. Output that nobody takes fails. */
static bool
hold_streams(void)
{
	static const int modes[] = { O_WRONLY, O_RDONLY, O_WRONLY };

	for (int i = 0; i < (int)ARRAY_LEN(modes); i++)
		if (fcntl(i, F_GETFD) < 0 && open("/dev/null", modes[i]) != i)
			return false;
	return true;
}

/* What was printed to people, and whether they can have read it. */
static int
printed(void)
{
	return cli_print(&(const struct buf){ 0 }) ? CLI_YES : CLI_CANNOT_TELL;
}

int
main(int argc, char **argv)
{
	if (!hold_streams())
		return CLI_CANNOT_TELL;
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
		return printed();
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("avow " AVOW_VERSION);
		return printed();
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
