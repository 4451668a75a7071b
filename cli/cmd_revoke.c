/* cmd_revoke.c - `avow revoke add|list|remove`: what no longer counts, in the
 * store, for every node that reads it. */
#include "attest/attest.h"
#include "base/timefmt.h"
#include "cli/store_option.h"

#define PAGE 1000u

static enum cli_exit
failed(const struct error *err)
{
	cli_error(err, STR(""));
	return CLI_CANNOT_TELL;
}

/* KIND and ID as given, checked. */
static bool
read_what(const struct cli_list *args, struct store_revocation *ret)
{
	struct str kind = str_of(args->items[0]), id = str_of(args->items[1]);
	enum attest_revocable known;
	struct error err = { 0 };

	if (!attest_revocable_of(kind, &known)) {
		cli_errorf("`%s` is no KIND: document, instance, key, "
			   "credential, token or account",
		    args->items[0]);
		return false;
	}
	if (!attest_revocable_check(known, id, SPAN_NONE, &err)) {
		cli_error(&err, STR(""));
		return false;
	}
	*ret = (struct store_revocation){ .kind = kind, .id = id };
	return true;
}

static json_t *
time_or_null(int64_t unix_s)
{
	return unix_s == INT64_MAX ? json_null()
				   : json_from_time(unix_s * 1000);
}

/* ---- add and remove --------------------------------------------------------
 */

static enum cli_exit
print_change(
    const char *word, bool json, const struct store_revocation *r, bool done)
{
	struct buf out = { 0 };
	bool ok;

	if (json)
		return cli_print_json(json_pack("{s:o, s:o, s:b}", "kind",
					  json_from_str(r->kind), "id",
					  json_from_str(r->id), word, done),
			   true)
			   ? CLI_YES
			   : CLI_CANNOT_TELL;
	buf_printf(&out, "%.*s %.*s: %s%s\n", STR_ARG(r->kind), STR_ARG(r->id),
	    done ? "" : "not ", word);
	ok = cli_print(&out);
	buf_free(&out);
	return ok ? CLI_YES : CLI_CANNOT_TELL;
}

struct revoking {
	struct cli_store at;
	struct cli_list args;
	struct cli_time until;
	const char *reason;
	bool json;
};

static enum cli_exit
add(struct revoking *v)
{
	struct store_revocation r;
	struct error err = { 0 };
	bool is_new;

	if (!read_what(&v->args, &r))
		return CLI_CANNOT_TELL;
	r.until = v->until.given ? v->until.ms / 1000 : INT64_MAX;
	r.reason = str_of(v->reason ? v->reason : "");
	if (r.until <= clock_now_ms(clock_system()) / 1000) {
		cli_errorf("--until is past: nothing would be revoked");
		return CLI_CANNOT_TELL;
	}
	if (!cli_store_open(&v->at, false))
		return CLI_CANNOT_TELL;
	if (!store_revoke(v->at.store, &r, &is_new, &err))
		return failed(&err);
	if (!cli_store_mark(&v->at))
		return CLI_CANNOT_TELL;
	return print_change("revoked", v->json, &r, true);
}

static enum cli_exit
take_back(struct revoking *v)
{
	struct store_revocation r;
	struct error err = { 0 };
	bool was_there;
	enum cli_exit exit;

	if (!read_what(&v->args, &r) || !cli_store_open(&v->at, false))
		return CLI_CANNOT_TELL;
	if (!store_unrevoke(
		v->at.store, r.kind, r.id, STR(""), &was_there, &err))
		return failed(&err);
	if (!cli_store_mark(&v->at))
		return CLI_CANNOT_TELL;
	exit = print_change("removed", v->json, &r, was_there);
	return exit == CLI_YES && !was_there ? CLI_NO : exit;
}

static enum cli_exit
run(const struct cli_usage *usage, int argc, char **argv, struct revoking *v,
    enum cli_exit (*work)(struct revoking *v))
{
	enum cli_exit exit;

	if (cli_parse(usage, argc, argv, &exit))
		exit = work(v);
	cli_store_close(&v->at);
	cli_list_free(&v->args);
	return exit;
}

enum cli_exit
cmd_revoke_add(int argc, char **argv)
{
	struct revoking v = { 0 };
	const struct cli_option options[] = {
		CLI_STORE_OPTIONS(&v.at),
		{ "until", CLI_TIME, &v.until, false, "TIME",
		    "when all that it revokes has expired; never when not "
		    "given" },
		{ "reason", CLI_TEXT, &v.reason, false, "TEXT",
		    "for people; shown by list" },
		{ "json", CLI_FLAG, &v.json, false, NULL, "as JSON" },
	};
	const struct cli_usage usage =
	    CLI_USAGE("avow revoke add KIND ID [--until TIME] [--reason "
		      "TEXT] [--config FILE | --store URL] [--json]",
		"Revoke a document, instance (with its prefix), key "
		"(thumbprint), credential, token (jti) or account.\nIn "
		"force within a second in a server on the same store, "
		"within five on other nodes.",
		options, 2, 2, &v.args);

	return run(&usage, argc, argv, &v, add);
}

enum cli_exit
cmd_revoke_remove(int argc, char **argv)
{
	struct revoking v = { 0 };
	const struct cli_option options[] = {
		CLI_STORE_OPTIONS(&v.at),
		{ "json", CLI_FLAG, &v.json, false, NULL, "as JSON" },
	};
	const struct cli_usage usage =
	    CLI_USAGE("avow revoke remove KIND ID [--config FILE | "
		      "--store URL] [--json]",
		"Take a revocation back. Exit: 2 when there was none.", options,
		2, 2, &v.args);

	return run(&usage, argc, argv, &v, take_back);
}

/* ---- list ------------------------------------------------------------------
 */

static bool
add_json(json_t *rows, const struct store_revocation *r)
{
	return json_array_append_new(
		   rows, json_pack("{s:o, s:o, s:o, s:o, s:o}", "kind",
			     json_from_str(r->kind), "id", json_from_str(r->id),
			     "until", time_or_null(r->until), "madeAt",
			     time_or_null(r->made_at), "reason",
			     json_from_str(r->reason))) == 0;
}

/* A line that the file of `revoked:` takes as well. */
static void
add_line(struct buf *out, const struct store_revocation *r)
{
	buf_printf(
	    out, "%.*s %.*s  # since ", STR_ARG(r->kind), STR_ARG(r->id));
	time_print_datetime(out, r->made_at * 1000);
	if (r->until != INT64_MAX) {
		buf_addz(out, ", until ");
		time_print_datetime(out, r->until * 1000);
	}
	if (r->reason.n) {
		buf_addz(out, ": ");
		buf_escaped(out, r->reason, false);
	}
	buf_byte(out, '\n');
}

static bool
collect(struct revoking *v, json_t *rows, struct buf *out)
{
	struct store_revocation *page, *last = NULL;
	struct error err = { 0 };
	size_t n = 0;

	do {
		if (!store_revocation_page(v->at.store, v->at.arena, last, PAGE,
			&page, &n, &err)) {
			failed(&err);
			return false;
		}
		for (size_t i = 0; i < n; i++)
			if (v->json && !add_json(rows, &page[i]))
				return false;
			else if (!v->json)
				add_line(out, &page[i]);
		last = n ? &page[n - 1] : NULL;
	} while (n == PAGE);
	return true;
}

static enum cli_exit
list(struct revoking *v)
{
	struct buf out = { 0 };
	json_t *rows = json_array();
	bool ok = cli_store_open(&v->at, true) && rows != NULL &&
		  collect(v, rows, &out);

	if (ok && v->json)
		ok = cli_print_json(
		    json_pack("{s:O}", "revocations", rows), true);
	else
		ok = ok && cli_print(&out);
	json_decref(rows);
	buf_free(&out);
	return ok ? CLI_YES : CLI_CANNOT_TELL;
}

enum cli_exit
cmd_revoke_list(int argc, char **argv)
{
	struct revoking v = { 0 };
	const struct cli_option options[] = {
		CLI_STORE_OPTIONS(&v.at),
		{ "json", CLI_FLAG, &v.json, false, NULL, "as JSON" },
	};
	const struct cli_usage usage =
	    CLI_USAGE("avow revoke list [--config FILE | --store URL] "
		      "[--json]",
		"What the store revokes, one a line, as the file of "
		"`revoked:` has it.",
		options, 0, 0, NULL);

	return run(&usage, argc, argv, &v, list);
}
