/* cmd_ring.c - `avow key rotate`, `key list`, `key jwks`, `key thumbprint`: the
 * keys that sign tokens, over their lives. */
#include "attest/token.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/timefmt.h"
#include "cli/cli.h"

static enum cli_exit
failed(const struct error *err)
{
	cli_error(err, STR(""));
	return CLI_CANNOT_TELL;
}

static int64_t
now_s(const struct cli_time *at)
{
	return (at->given ? at->ms : clock_now_ms(clock_system())) / 1000;
}

/* ---- rotate ---------------------------------------------------------------
 */

struct rotate_options {
	const char *type;
	struct cli_time at, after;
	bool now, json;
};

static bool
show_made(const struct rotate_options *o, struct str file)
{
	struct buf out = { 0 };
	bool ok;

	if (o->json)
		return cli_print_json(
		    json_pack("{s:o}", "file", json_from_str(file)), false);
	buf_add(&out, file);
	buf_byte(&out, '\n');
	ok = buf_ok(&out) && cli_print(&out);
	buf_free(&out);
	return ok;
}

static enum cli_exit
rotate(const struct rotate_options *o, const char *folder)
{
	enum attest_key_type type =
	    attest_key_type_of(o->type ? str_of(o->type) : STR("p256"));
	int64_t after = o->after.given ? o->after.ms / 1000
			: o->now       ? 0
				       : TOKEN_ROTATE_AFTER_S;
	struct arena *a = arena_new(0);
	struct error err = { 0 };
	struct str file;
	enum cli_exit exit = CLI_CANNOT_TELL;

	if (type == KEY_NONE)
		cli_errorf("--type: expected rsa2048, p256 or ed25519, found "
			   "`%s`",
		    o->type);
	else if (!a)
		cli_errorf("memory ran out");
	else if (!token_ring_rotate(a, folder, type, now_s(&o->at), after,
		     o->now, &file, &err))
		exit = failed(&err);
	else if (show_made(o, file))
		exit = CLI_YES;
	arena_free(a);
	return exit;
}

enum cli_exit
cmd_key_rotate(int argc, char **argv)
{
	struct rotate_options o = { 0 };
	struct cli_list args = { 0 };
	const struct cli_option options[] = {
		{ "type", CLI_TEXT, &o.type, false, "TYPE",
		    "p256 (default), ed25519 or rsa2048" },
		{ "after", CLI_DURATION, &o.after, false, "DURATION",
		    "when it begins to sign (10m; at least 5m)" },
		{ "now", CLI_FLAG, &o.now, false, NULL,
		    "at once: the old key leaked. Who has the old key set "
		    "refuses new tokens until it is fetched anew" },
		{ "at", CLI_TIME, &o.at, false, "TIME",
		    "as if it were that time" },
		{ "json", CLI_FLAG, &o.json, false, NULL, "the file as JSON" },
	};
	const struct cli_usage usage =
	    CLI_USAGE("avow key rotate FOLDER [--after DURATION]",
		"Make the next key that signs tokens. It is "
		"published at once and signs a while later; the one "
		"before it stays published until its last token has "
		"ended, and its file goes at the rotation after "
		"that. The first key of a folder signs at once.",
		options, 1, 1, &args);
	enum cli_exit exit;

	if (cli_parse(&usage, argc, argv, &exit))
		exit = rotate(&o, args.items[0]);
	cli_list_free(&args);
	return exit;
}

/* ---- list, jwks -----------------------------------------------------------
 */

struct ring_options {
	struct cli_time at;
	const char *out;
	bool json, spiffe;
};

static const char *
state_of(const struct token_ring_key *k, int64_t now)
{
	if (now < k->signs_from)
		return "next";
	if (now < k->signs_until)
		return "signs";
	return now < k->published_until ? "former" : "ended";
}

static json_t *
time_or_null(int64_t unix_s)
{
	return unix_s == INT64_MAX ? json_null()
				   : json_from_time(unix_s * 1000);
}

static json_t *
list_json(const struct token_ring *r, int64_t now)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < token_ring_count(r); i++) {
		const struct token_ring_key *k = token_ring_at(r, i);
		json_t *row = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o}",
		    "state", state_of(k, now), "kid", json_from_str(k->kid),
		    "algorithm", json_from_str(k->algorithm), "signsFrom",
		    time_or_null(k->signs_from), "signsUntil",
		    time_or_null(k->signs_until), "publishedUntil",
		    time_or_null(k->published_until), "file",
		    json_from_str(k->file));

		if (json_array_append_new(list, row) != 0) {
			json_decref(list);
			list = NULL;
		}
	}
	return list;
}

static bool
print_list(const struct token_ring *r, int64_t now)
{
	struct buf out = { 0 };
	bool ok;

	for (size_t i = 0; i < token_ring_count(r); i++) {
		const struct token_ring_key *k = token_ring_at(r, i);

		buf_printf(&out, "%-6s %.*s %.*s from ", state_of(k, now),
		    STR_ARG(k->kid), STR_ARG(k->algorithm));
		time_print_datetime(&out, k->signs_from * 1000);
		if (k->published_until != INT64_MAX) {
			buf_addz(&out, " published until ");
			time_print_datetime(&out, k->published_until * 1000);
		}
		buf_byte(&out, '\n');
	}
	ok = buf_ok(&out) && cli_print(&out);
	buf_free(&out);
	return ok;
}

static enum cli_exit
list(const struct ring_options *o, const struct token_ring *r)
{
	int64_t now = now_s(&o->at);
	bool ok = o->json ? cli_print_json(list_json(r, now), false)
			  : print_list(r, now);

	return ok ? CLI_YES : CLI_CANNOT_TELL;
}

static enum cli_exit
jwks(const struct ring_options *o, const struct token_ring *r)
{
	struct buf out = { 0 };
	struct error err = { 0 };
	int64_t now = now_s(&o->at);
	enum cli_exit exit = CLI_YES;
	bool ok = o->spiffe ? token_ring_spiffe_bundle(r, now, &out, &err)
			    : token_ring_jwks(r, now, &out, &err);

	buf_byte(&out, '\n');
	if (ok && !buf_ok(&out))
		ok = error_nomem(&err);
	if (ok && o->out)
		ok = file_replace(o->out, 0644, buf_str(&out), &err);
	else if (ok && !cli_print(&out))
		exit = CLI_CANNOT_TELL;
	buf_free(&out);
	return ok ? exit : failed(&err);
}

static enum cli_exit
with_ring(int argc, char **argv, const struct cli_usage *usage,
    struct ring_options *o,
    enum cli_exit (*run)(
	const struct ring_options *, const struct token_ring *))
{
	struct error err = { 0 };
	struct token_ring *r;
	enum cli_exit exit;

	if (cli_parse(usage, argc, argv, &exit)) {
		r = token_ring_open(usage->args->items[0], &err);
		exit = r ? run(o, r) : failed(&err);
		token_ring_free(r);
	}
	cli_list_free(usage->args);
	return exit;
}

enum cli_exit
cmd_key_list(int argc, char **argv)
{
	struct ring_options o = { 0 };
	struct cli_list args = { 0 };
	const struct cli_option options[] = {
		{ "at", CLI_TIME, &o.at, false, "TIME",
		    "as if it were that time" },
		{ "json", CLI_FLAG, &o.json, false, NULL, "as JSON" },
	};
	const struct cli_usage usage = CLI_USAGE("avow key list FOLDER",
	    "The keys that sign tokens: which signs, which does "
	    "next, until when the former ones are published.",
	    options, 1, 1, &args);

	return with_ring(argc, argv, &usage, &o, list);
}

enum cli_exit
cmd_key_jwks(int argc, char **argv)
{
	struct ring_options o = { 0 };
	struct cli_list args = { 0 };
	const struct cli_option options[] = {
		{ "out", CLI_OUT, &o.out, false, "FILE",
		    "write there instead of to standard output (`-`); "
		    "replaces" },
		{ "spiffe", CLI_FLAG, &o.spiffe, false, NULL,
		    "as a SPIFFE bundle" },
		{ "at", CLI_TIME, &o.at, false, "TIME",
		    "as if it were that time" },
	};
	const struct cli_usage usage =
	    CLI_USAGE("avow key jwks FOLDER [-o FILE]",
		"The public keys by which tokens are verified, as a "
		"JSON Web Key Set: what a gate's `trust` of kind "
		"`token` reads. The private ones stay where they "
		"are.",
		options, 1, 1, &args);

	return with_ring(argc, argv, &usage, &o, jwks);
}

/* ---- thumbprint -----------------------------------------------------------
 */

enum cli_exit
cmd_key_thumbprint(int argc, char **argv)
{
	struct cli_list args = { 0 };
	const struct cli_usage usage = {
		.synopsis = "avow key thumbprint FILE",
		.about = "The RFC 7638 thumbprint of a key, private or public: "
			 "what `keyId`, `kid`, `cnf` and `revoked` lines call "
			 "it.",
		.min_args = 1,
		.max_args = 1,
		.args = &args,
	};
	struct error err = { 0 };
	struct buf out = { 0 };
	char jkt[44];
	enum cli_exit exit;

	if (cli_parse(&usage, argc, argv, &exit)) {
		exit = CLI_YES;
		if (!attest_key_thumbprint(args.items[0], jkt, &err)) {
			exit = failed(&err);
		} else {
			buf_printf(&out, "%s\n", jkt);
			exit = buf_ok(&out) && cli_print(&out)
				   ? CLI_YES
				   : CLI_CANNOT_TELL;
		}
	}
	buf_free(&out);
	cli_list_free(&args);
	return exit;
}
