/* cmd_store.c - `avow store check`, `changes`, `rotate-secret`,
 * `accept-restore`: what an operator asks of a store, and tells it after a
 * restore. */
#include "attest/sts.h"
#include "base/limits.h"
#include "base/timefmt.h"
#include "cli/store_option.h"
#include "store/changes.h"

static enum cli_exit
failed(const struct error *err)
{
	cli_error(err, STR(""));
	return CLI_CANNOT_TELL;
}

/* ---- check -----------------------------------------------------------------
 */

static const struct {
	const char *name, *text;
	size_t at;
} counts[] = {
	{ "migrations", "migrations applied",
	    offsetof(struct store_health, migrations) },
	{ "known", "migrations known", offsetof(struct store_health, known) },
	{ "generation", "generation",
	    offsetof(struct store_health, generation) },
	{ "members", "pool members", offsetof(struct store_health, members) },
	{ "revocations", "revocations",
	    offsetof(struct store_health, revocations) },
};

static int64_t
count_of(const struct store_health *h, size_t i)
{
	int64_t n;

	memcpy(&n, (const char *)h + counts[i].at, sizeof n);
	return n;
}

static bool
print_json(const struct store_health *h, const struct buf *problems)
{
	json_t *json = json_object();
	bool ok = json != NULL;

	for (size_t i = 0; ok && i < ARRAY_LEN(counts); i++)
		ok = json_object_set_new(json, counts[i].name,
			 json_integer(count_of(h, i))) == 0;
	ok = ok &&
	     json_object_set_new(json, "floor",
		 h->floor_unix_s ? json_from_time(h->floor_unix_s * 1000)
				 : json_null()) == 0 &&
	     json_object_set_new(
		 json, "problems", json_from_str(buf_str(problems))) == 0;
	if (!ok) {
		json_decref(json);
		return false;
	}
	return cli_print_json(json, true);
}

static bool
print_text(const struct store_health *h, const struct buf *problems)
{
	struct buf out = { 0 };
	bool ok;

	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		buf_printf(&out, "%-20s %lld\n", counts[i].text,
		    (long long)count_of(h, i));
	if (h->floor_unix_s) {
		buf_printf(&out, "%-20s ", "issued not before");
		time_print_datetime(&out, h->floor_unix_s * 1000);
		buf_byte(&out, '\n');
	}
	buf_add(&out, buf_str(problems));
	ok = cli_print(&out);
	buf_free(&out);
	return ok;
}

static enum cli_exit
check(struct cli_store *at, bool json)
{
	struct buf problems = { 0 };
	struct error err = { 0 };
	struct store_health h;
	enum cli_exit exit;

	if (!cli_store_open(at, false))
		return CLI_CANNOT_TELL;
	if (!store_health(at->store, &problems, &h, &err) ||
	    !store_check(at->store, &err))
		exit = failed(&err);
	else if (!(json ? print_json(&h, &problems)
			: print_text(&h, &problems)))
		exit = CLI_CANNOT_TELL;
	else
		exit = problems.n ? CLI_NO : CLI_YES;
	buf_free(&problems);
	return exit;
}

enum cli_exit
cmd_store_check(int argc, char **argv)
{
	struct cli_store at = { 0 };
	bool json = false;
	const struct cli_option options[] = {
		CLI_STORE_OPTIONS(&at),
		{ "json", CLI_FLAG, &json, false, NULL, "as JSON" },
	};
	const struct cli_usage usage =
	    CLI_USAGE("avow store check [--config FILE | --store URL] "
		      "[--json]",
		"Is the store whole, writable, of this program's form "
		"and not older than this machine has seen?\nMigrations "
		"that are due are applied first, as at each start. "
		"Exit: 2 when the database reports damage.",
		options, 0, 0, NULL);
	enum cli_exit exit;

	if (cli_parse(&usage, argc, argv, &exit))
		exit = check(&at, json);
	cli_store_close(&at);
	return exit;
}

/* ---- changes ---------------------------------------------------------------
 */

#define CHANGES_PAGE 1000u
#define CHANGES_USUAL 100u

struct changes {
	struct cli_store at;
	const char *limit, *before;
	bool json;
};

static bool
print_change(const struct store_changed *c, bool json)
{
	struct buf out = { 0 };
	bool ok;

	if (json)
		return cli_print_json(
		    json_pack("{s:I, s:o, s:o, s:o, s:o}", "number",
			(json_int_t)c->number, "at",
			json_from_time(c->at * 1000), "who",
			json_from_str(c->who), "what", json_from_str(c->what),
			"about", json_from_str(c->about)),
		    false);
	buf_printf(&out, "%lld ", (long long)c->number);
	time_print_datetime(&out, c->at * 1000);
	buf_printf(&out, " %.*s %.*s %.*s\n", STR_ARG(c->who), STR_ARG(c->what),
	    STR_ARG(c->about));
	ok = cli_print(&out);
	buf_free(&out);
	return ok;
}

static enum cli_exit
print_changes(struct changes *o, uint64_t left, uint64_t before)
{
	struct store_changed *rows;
	struct error err = { 0 };
	size_t n = CHANGES_PAGE;

	while (left > 0 && n == CHANGES_PAGE) {
		size_t page = left < CHANGES_PAGE ? (size_t)left : CHANGES_PAGE;

		if (!store_changed_page(o->at.store, o->at.arena,
			(int64_t)before, page, &rows, &n, &err))
			return failed(&err);
		for (size_t i = 0; i < n; i++)
			if (!print_change(&rows[i], o->json))
				return CLI_CANNOT_TELL;
		left -= n;
		before = n > 0 ? (uint64_t)rows[n - 1].number : 0;
	}
	return CLI_YES;
}

static bool
read_count(const char *option, const char *text, uint64_t *ret)
{
	if (!text || (str_to_u64(str_of(text), INT64_MAX, ret) && *ret > 0))
		return true;
	cli_errorf("--%s: expected a number from 1, found `%s`", option, text);
	return false;
}

static enum cli_exit
list_changes(struct changes *o)
{
	uint64_t limit = CHANGES_USUAL, before = 0;

	if (!read_count("limit", o->limit, &limit) ||
	    !read_count("before", o->before, &before) ||
	    !cli_store_open(&o->at, false))
		return CLI_CANNOT_TELL;
	return print_changes(o, limit, before);
}

enum cli_exit
cmd_store_changes(int argc, char **argv)
{
	struct changes o = { 0 };
	const struct cli_option options[] = {
		CLI_STORE_OPTIONS(&o.at),
		{ "limit", CLI_TEXT, &o.limit, false, "N",
		    "at most so many (100)" },
		{ "before", CLI_TEXT, &o.before, false, "NUMBER",
		    "those with lower numbers alone" },
		{ "json", CLI_FLAG, &o.json, false, NULL,
		    "as JSON, one a line" },
	};
	const struct cli_usage usage =
	    CLI_USAGE("avow store changes [--config FILE | --store URL] "
		      "[--limit N] [--before NUMBER] [--json]",
		"Who changed what in the store, the newest first: "
		"accounts and their keys, revocations, admin tokens, "
		"restores. Each row was written in the change's own "
		"transaction; the newest 100,000 are kept.",
		options, 0, 0, NULL);
	enum cli_exit exit;

	if (cli_parse(&usage, argc, argv, &exit))
		exit = list_changes(&o);
	cli_store_close(&o.at);
	return exit;
}

/* ---- accept-restore --------------------------------------------------------
 */

static enum cli_exit
accept(struct cli_store *at)
{
	int64_t seen = 0, generation, floor;
	struct buf out = { 0 };
	struct error err = { 0 };
	bool ok;

	if (!cli_store_open(at, true))
		return CLI_CANNOT_TELL;
	if ((at->mark && !store_mark_read(at->mark, &seen, &err)) ||
	    !store_accept_restore(at->store, seen, &generation, &floor, &err) ||
	    (at->mark && !store_mark_write(at->mark, generation, &err)))
		return failed(&err);
	buf_addz(&out, "what was issued before ");
	time_print_datetime(&out, floor * 1000);
	buf_printf(&out,
	    " no longer counts; pool members have left; no "
	    "account has a live key; generation %lld\n"
	    "revoke again what was revoked since the copy was made\n",
	    (long long)generation);
	ok = cli_print(&out);
	buf_free(&out);
	return ok ? CLI_YES : CLI_CANNOT_TELL;
}

enum cli_exit
cmd_store_accept_restore(int argc, char **argv)
{
	struct cli_store at = { 0 };
	const struct cli_option options[] = { CLI_STORE_OPTIONS(&at) };
	const struct cli_usage usage =
	    CLI_USAGE("avow store accept-restore [--config FILE | --store URL]",
		"Take a store that was put back from a copy as it is. What "
		"was revoked since the copy was made is lost, so documents "
		"and tokens\nissued before now no longer count, pool "
		"members leave, and accounts need their next incarnation: "
		"all prove themselves anew. Documents that "
		"do not say when they were issued\n(clouds) cannot be told "
		"apart: revoke them again.",
		options, 0, 0, NULL);
	enum cli_exit exit;

	if (cli_parse(&usage, argc, argv, &exit))
		exit = accept(&at);
	cli_store_close(&at);
	return exit;
}

/* ---- rotate-secret ---------------------------------------------------------
 */

static enum cli_exit
rotate(struct cli_store *at)
{
	const struct prove_random random = { 0 };
	struct buf out = { 0 };
	struct error err = { 0 };
	size_t n = 0;
	bool ok;

	if (at->url) {
		cli_errorf("--config FILE is needed: it names the secret, too");
		return CLI_CANNOT_TELL;
	}
	at->needs_secret = true;
	if (!cli_store_open(at, false))
		return CLI_CANNOT_TELL;
	if (!sts_secret_rotate(at->store, at->secret, random, &n, &err))
		return failed(&err);
	if (!cli_store_mark(at))
		return CLI_CANNOT_TELL;
	buf_printf(&out,
	    "%zu sealed anew; start every node anew with this `%s`\n", n,
	    at->secret);
	ok = cli_print(&out);
	buf_free(&out);
	return ok ? CLI_YES : CLI_CANNOT_TELL;
}

enum cli_exit
cmd_store_rotate_secret(int argc, char **argv)
{
	struct cli_store at = { 0 };
	const struct cli_option options[] = { CLI_STORE_OPTIONS(&at) };
	const struct cli_usage usage =
	    CLI_USAGE("avow store rotate-secret --config FILE",
		"A new master secret for a token service: HMAC keys, open "
		"enrolment secrets and offers are sealed under it in one "
		"transaction, then its file is replaced. Nodes that run "
		"have the former one and refuse until they are started "
		"anew, with the new file; challenges that are out end. "
		"Broken off, it is run again. A backup from before needs "
		"the former file: keep it with the backup.",
		options, 0, 0, NULL);
	enum cli_exit exit;

	if (cli_parse(&usage, argc, argv, &exit))
		exit = rotate(&at);
	cli_store_close(&at);
	return exit;
}
