/* cli.c - options from tables, messages, output. A mistake names the option,
 * what was expected and where to look. */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "attest/attest.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/timefmt.h"

static void
print_usage(const struct cli_usage *u)
{
	printf("usage: %s\n\n%s\n", u->synopsis, u->about);
	if (u->n_options > 0)
		puts("\noptions:");
	for (size_t i = 0; i < u->n_options; i++) {
		const struct cli_option *o = &u->options[i];
		char left[64];
		snprintf(left, sizeof left, "--%s%s%s", o->name,
		    o->value ? " " : "", o->value ? o->value : "");
		printf("  %-26s %s%s%s\n", left, o->help,
		    o->required ? " (required)" : "",
		    o->kind == CLI_LIST ? " (repeatable)" : "");
	}
}

static const struct cli_option *
find_option(const struct cli_usage *u, struct str name)
{
	for (size_t i = 0; i < u->n_options; i++)
		if (str_eq(name, str_of(u->options[i].name)))
			return &u->options[i];
	return NULL;
}

static bool
list_add(struct cli_list *list, const char *item)
{
	const char **grown =
	    realloc(list->items, (list->n + 1) * sizeof *grown);
	if (grown == NULL) {
		cli_errorf("memory ran out");
		return false;
	}
	list->items = grown;
	list->items[list->n++] = item;
	return true;
}

void
cli_list_free(struct cli_list *list)
{
	free(list->items);
	*list = (struct cli_list){ 0 };
}

static bool
set_time(const struct cli_option *o, const char *value)
{
	struct cli_time *t = o->to;
	bool ok = o->kind == CLI_TIME
		      ? time_parse_datetime(str_of(value), &t->ms)
		      : time_parse_duration(str_of(value), &t->ms);
	if (!ok) {
		cli_errorf("--%s: expected %s, found `%s`", o->name,
		    o->kind == CLI_TIME ? "a time such as 2026-03-01T12:00:00Z"
					: "a duration such as 1h30m",
		    value);
		return false;
	}
	t->given = true;
	return true;
}

#define STDOUT "-"

static bool
set_text(const struct cli_option *o, const char *value)
{
	const char **to = o->to;

	if (*to != NULL) {
		cli_errorf("--%s stands twice", o->name);
		return false;
	}
	if (strcmp(o->name, "out") == 0 && value[0] == '\0') {
		cli_errorf("--out: expected a name, found nothing");
		return false;
	}
	/* A file of that name is what nobody means. */
	if (strcmp(o->name, "out") == 0 && o->kind != CLI_OUT &&
	    strcmp(value, STDOUT) == 0) {
		cli_errorf("--out: `-` stands for standard output, where this "
			   "cannot go; a file of that name is `./-`");
		return false;
	}
	*to = value;
	return true;
}

/* Standard output is where it goes if nothing was said. */
static void
forget_stdout(const struct cli_usage *u)
{
	for (size_t i = 0; i < u->n_options; i++) {
		const char **to = u->options[i].to;

		if (u->options[i].kind == CLI_OUT && *to &&
		    strcmp(*to, STDOUT) == 0)
			*to = NULL;
	}
}

static bool
set_option(const struct cli_option *o, const char *value)
{
	switch (o->kind) {
	case CLI_FLAG:
		*(bool *)o->to = true;
		return true;
	case CLI_TEXT:
	case CLI_OUT:
		return set_text(o, value);
	case CLI_LIST:
		return list_add(o->to, value);
	case CLI_TIME:
	case CLI_DURATION:
		return set_time(o, value);
	}
	return false;
}

/* One option at argv[*i]; moves *i over its value. */
static bool
take_option(const struct cli_usage *u, int argc, char **argv, int *i)
{
	const char *word = argv[*i];
	struct str name =
	    strcmp(word, "-o") == 0 ? STR("out") : str_of(word + 2);
	if (word[1] != '-' && strcmp(word, "-o") != 0) {
		cli_errorf(
		    "unknown option `%s`; options begin with two dashes", word);
		return false;
	}
	size_t eq = str_find(name, '=', 0);
	const char *value = NULL;
	if (eq < name.n) {
		value = name.p + eq + 1;
		name = str_sub(name, 0, eq);
	}
	const struct cli_option *o = find_option(u, name);
	if (o == NULL) {
		cli_errorf(
		    "unknown option `%s`; --help lists the options", word);
		return false;
	}
	if (o->kind == CLI_FLAG && value != NULL) {
		cli_errorf("--%s takes no value", o->name);
		return false;
	}
	if (o->kind != CLI_FLAG && value == NULL) {
		if (*i + 1 >= argc) {
			cli_errorf("--%s needs %s", o->name, o->value);
			return false;
		}
		value = argv[++*i];
	}
	return set_option(o, value);
}

static bool
option_is_set(const struct cli_option *o)
{
	switch (o->kind) {
	case CLI_FLAG:
		return *(bool *)o->to;
	case CLI_TEXT:
	case CLI_OUT:
		return *(const char **)o->to != NULL;
	case CLI_LIST:
		return ((struct cli_list *)o->to)->n > 0;
	case CLI_TIME:
	case CLI_DURATION:
		return ((struct cli_time *)o->to)->given;
	}
	return false;
}

static bool
check_complete(const struct cli_usage *u)
{
	for (size_t i = 0; i < u->n_options; i++)
		if (u->options[i].required && !option_is_set(&u->options[i])) {
			cli_errorf("--%s is missing\nusage: %s",
			    u->options[i].name, u->synopsis);
			return false;
		}
	size_t n = u->args != NULL ? u->args->n : 0;
	if (n < u->min_args) {
		cli_errorf("too few arguments\nusage: %s", u->synopsis);
		return false;
	}
	return true;
}

static bool
take_argument(const struct cli_usage *u, const char *word)
{
	if (u->args == NULL || u->args->n >= u->max_args) {
		cli_errorf(
		    "unexpected argument `%s`\nusage: %s", word, u->synopsis);
		return false;
	}
	return list_add(u->args, word);
}

bool
cli_parse(
    const struct cli_usage *u, int argc, char **argv, enum cli_exit *ret_exit)
{
	bool options = true;
	*ret_exit = CLI_CANNOT_TELL;
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];
		bool ok;
		if (options && strcmp(word, "--help") == 0) {
			print_usage(u);
			if (cli_print(&(const struct buf){ 0 }))
				*ret_exit = CLI_YES;
			return false;
		}
		if (options && strcmp(word, "--") == 0) {
			options = false;
			continue;
		}
		if (options && word[0] == '-' && word[1] != '\0')
			ok = take_option(u, argc, argv, &i);
		else
			ok = take_argument(u, word);
		if (!ok)
			return false;
	}
	if (!check_complete(u))
		return false;
	forget_stdout(u);
	return true;
}

void
cli_error(const struct error *err, struct str text)
{
	struct buf out = { 0 };
	error_print(&out, err, text);
	cli_messages(&out);
	buf_free(&out);
}

void
cli_errors(const struct errors *errors, struct str text)
{
	struct buf messages = { 0 };

	errors_print(&messages, errors, text);
	(void)cli_messages(&messages);
	buf_free(&messages);
}

bool
cli_messages(const struct buf *messages)
{
	/* An empty buffer has no bytes at all to point at. */
	return messages->n == 0 ||
	       fwrite(messages->p, 1, messages->n, stderr) == messages->n;
}

void
cli_errorf(const char *fmt, ...)
{
	va_list ap;
	fputs("avow: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

bool
cli_add_message(json_t *array, const struct error *e, const char *severity)
{
	json_t *m = json_object();
	const char *file = e->at.file ? e->at.file : "";

	if (json_object_set_new(m, "file", json_from_str(str_of(file))) ||
	    json_object_set_new(m, "line", json_integer(e->at.line)) ||
	    json_object_set_new(m, "column", json_integer(e->at.col)) ||
	    json_object_set_new(m, "length", json_integer(e->at.len)) ||
	    json_object_set_new(m, "severity", json_string(severity)) ||
	    json_object_set_new(m, "code", json_string(error_id(e->code))) ||
	    json_object_set_new(m, "message", json_from_str(str_of(e->msg))) ||
	    json_object_set_new(m, "hint", json_from_str(str_of(e->hint)))) {
		json_decref(m);
		return false;
	}
	return json_array_append_new(array, m) == 0;
}

bool
cli_print(const struct buf *out)
{
	if (!buf_ok(out)) {
		cli_errorf("memory ran out");
		return false;
	}
	bool ok = out->n == 0 || fwrite(out->p, 1, out->n, stdout) == out->n;
	if (!ok || fflush(stdout) != 0) {
		cli_errorf("standard output cannot be written");
		return false;
	}
	return true;
}

bool
cli_print_json(json_t *value_take, bool pretty)
{
	struct buf out = { 0 };
	bool ok =
	    value_take != NULL && (pretty ? json_write_pretty(&out, value_take)
					  : json_write(&out, value_take));
	buf_byte(&out, '\n');
	if (!ok)
		cli_errorf("memory ran out");
	ok = ok && cli_print(&out);
	buf_free(&out);
	json_decref(value_take);
	return ok;
}

bool
cli_revoked_read(struct arena *a, const char *path, struct attest_revoked **ret,
    struct error *reterr)
{
	struct errors errors = { 0 };
	struct str text;

	*ret = NULL;
	if (!path)
		return true;
	if (!file_read(a, path, LIMIT_DATA_FILE_BYTES, &text, reterr))
		return false;
	*ret = attest_revoked_parse(path, text, &errors);
	if (!*ret)
		*reterr = errors.e[0];
	return *ret != NULL;
}
