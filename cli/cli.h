/* cli.h - what all subcommands share: options from a table, answers on stdout, messages on stderr, three exit codes.
 * A subcommand is a row in commands.def and a function in its own cmd_X.c: it declares its options as a table of targets, calls cli_parse, works,
 * and returns an exit code. Options are `--name VALUE` or `--name=VALUE`; `-o` is `--out`; `--` ends options; `-` is standard input. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdio.h>

#include "base/error.h"
#include "base/json.h"

#define AVOW_VERSION "0.1.0" /* as avow_version() says */

enum cli_exit {
	CLI_YES = 0,         /* permit, valid, done */
	CLI_CANNOT_TELL = 1, /* bad usage, unreadable input, an error */
	CLI_NO = 2           /* deny, refused, would change */
};

struct cli_list {
	const char **items;
	size_t n;
};

struct cli_time {
	bool given;
	int64_t ms; /* unix ms, or a duration in ms */
};

enum cli_kind {
	CLI_FLAG,     /* bool * */
	CLI_TEXT,     /* const char ** */
	CLI_OUT,      /* const char **; NULL, as where it is not given: `-` */
	CLI_LIST,     /* struct cli_list *, repeatable; freed by cli_end */
	CLI_TIME,     /* struct cli_time *, RFC 3339 in UTC */
	CLI_DURATION, /* struct cli_time *, `1h30m` */
};

struct cli_option {
	const char *name; /* without dashes */
	enum cli_kind kind;
	void *to;
	bool required;
	const char *value; /* placeholder in help; NULL for flags */
	const char *help;
};

struct cli_usage {
	const char *synopsis; /* `avow decide --policies PATH … --request FILE` */
	const char *about;    /* a paragraph */
	const struct cli_option *options;
	size_t n_options;
	/* Positional arguments: at least `min_args`, at most `max_args`. */
	size_t min_args, max_args;
	struct cli_list *args;
};

/* Of a table `rows`, with `least` to `most` positional arguments, to `to`. */
#define CLI_USAGE(text, what, rows, least, most, to) \
	{ \
		.synopsis = text, .about = what, .options = rows, \
		.n_options = ARRAY_LEN(rows), .min_args = (least), \
		.max_args = (most), .args = (to) \
	}

/* False: stop with *ret_exit (help was printed, or the mistake with a hint). */
bool cli_parse(const struct cli_usage *usage, int argc, char **argv,
    enum cli_exit *ret_exit) MUST_USE;
void cli_list_free(struct cli_list *list);

/* Print a message to stderr, quoting the line when `text` has it. */
void cli_error(const struct error *err, struct str text);
void cli_errorf(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* The same of all, and how many more there were. */
void cli_errors(const struct errors *errors, struct str text);
/* Messages made ready elsewhere, maybe none, on stderr. False when they could not be written. */
bool cli_messages(const struct buf *messages);
/* Append {"file","line","column","length","severity","code","message","hint"}. False when memory is out. */
bool cli_add_message(json_t *array, const struct error *e,
    const char *severity) MUST_USE;
/* One line of compact JSON on stdout (pretty for people when `pretty`). Takes the reference. False when it could not be written. */
bool cli_print_json(json_t *value_take, bool pretty) MUST_USE;
/* All of `out` on stdout; false (and a message) when it could not be written: a full disk is not a yes. */
bool cli_print(const struct buf *out) MUST_USE;

/* The `--revoked` file in *ret, or NULL when none was named; the caller frees it. Errors: ERR_FILE_READ, those of attest_revoked_parse. */
struct attest_revoked;
bool cli_revoked_read(struct arena *a, const char *path,
    struct attest_revoked **ret, struct error *reterr) MUST_USE;

/* One a subcommand; argv[0] is the last word of the command's name. */
#define COMMAND(noun, verb, run, summary) enum cli_exit run(int argc, char **argv);
#include "cli/commands.def"
#undef COMMAND

#endif
