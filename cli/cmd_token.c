/* cmd_token.c - `avow token issue`, `verify` and `prove`: tokens without a
 * server, as scripts, tests and clients that validate offline want them. */
#include "attest/dpop.h"
#include "attest/token.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
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
	int64_t ms = at->given ? at->ms : clock_now_ms(clock_system());

	return ms >= 0 ? ms / 1000 : -((-ms + 999) / 1000);
}

/* The token of a file: one line, and one line feed at most. */
static bool
read_token(
    struct arena *a, const char *path, struct str *ret, struct error *reterr)
{
	if (!file_read(a, path, LIMIT_TOKEN_BYTES + 2, ret, reterr))
		return false;
	if (str_has_suffix(*ret, STR("\n")))
		ret->n--;
	return true;
}

/* ---- verify ---------------------------------------------------------------
 */

struct verify_options {
	const char *trust, *issuer, *audience, *type, *domain, *prefix,
	    *revoked, *file;
	struct cli_time at;
};

/* What is wrong with the token; all else is an error of ours. */
static bool
is_refusal(enum err_code code)
{
	return strncmp(error_id(code), "evidence.", 9) == 0;
}

static enum cli_exit
show(const struct token *t, const struct error *err)
{
	if (!t && !is_refusal(err->code))
		return failed(err);
	if (!cli_print_json(token_verdict(t, err), false))
		return CLI_CANNOT_TELL;
	return t ? CLI_YES : CLI_NO;
}

static enum cli_exit
judge(struct arena *a, const struct verify_options *o, struct token_want *want)
{
	struct attest_revoked *revoked = NULL;
	struct error err = { 0 };
	struct token t = { 0 };
	struct str compact;
	enum cli_exit exit;

	if (!cli_revoked_read(a, o->revoked, &revoked, &err) ||
	    !read_token(a, o->file, &compact, &err))
		exit = failed(&err);
	else {
		want->revoked = revoked;
		exit = show(
		    token_verify(a, compact, want, &t, &err) ? &t : NULL, &err);
	}
	token_fini(&t);
	attest_revoked_free(revoked);
	return exit;
}

static enum cli_exit
run_verify(const struct verify_options *o)
{
	struct arena *a = arena_new(0);
	struct error err = { 0 };
	struct token_keys *keys = a ? token_keys_open(o->trust, &err) : NULL;
	struct token_want want = {
		.type = token_type_of(o->type ? str_of(o->type) : STR("full")),
		.keys = keys,
		.issuer = str_of(o->issuer),
		.audience = str_of(o->audience),
		.trust_domain = str_of(o->domain),
		.prefix = str_of(o->prefix),
		.now_unix_s = now_s(&o->at),
	};
	enum cli_exit exit = CLI_CANNOT_TELL;

	if (!keys)
		exit = failed(&err);
	else if (want.type == TOKEN_NONE)
		cli_errorf("--typ: expected full, verify, wit or jwt-svid, "
			   "found `%s`",
		    o->type);
	else if (want.type != TOKEN_WIT && !o->audience)
		cli_errorf("--audience is needed");
	else
		exit = judge(a, o, &want);
	token_keys_free(keys);
	arena_free(a);
	return exit;
}

enum cli_exit
cmd_token_verify(int argc, char **argv)
{
	struct verify_options o = { 0 };
	struct cli_list args = { 0 };
	const struct cli_option options[] = {
		{ "trust", CLI_TEXT, &o.trust, true, "PATH",
		    "the issuer's public keys: a key set (JWKS), PEM, or a "
		    "folder of them" },
		{ "issuer", CLI_TEXT, &o.issuer, true, "NAME",
		    "who must have issued it" },
		{ "audience", CLI_TEXT, &o.audience, false, "NAME",
		    "whom it must be for; not for a WIT" },
		{ "typ", CLI_TEXT, &o.type, false, "TYPE",
		    "full (default), verify, wit or jwt-svid" },
		{ "trust-domain", CLI_TEXT, &o.domain, false, "NAME",
		    "the SPIFFE trust domain it must be of" },
		{ "prefix", CLI_TEXT, &o.prefix, false, "PREFIX",
		    "before the instance id, as in --revoked" },
		{ "revoked", CLI_TEXT, &o.revoked, false, "FILE",
		    "what is revoked" },
		{ "at", CLI_TIME, &o.at, false, "TIME",
		    "as if it were that time" },
	};
	const struct cli_usage usage =
	    CLI_USAGE("avow token verify --trust PATH --issuer NAME "
		      "--audience NAME FILE",
		"Say as JSON whether a token is genuine and valid: "
		"exit 0, or 2 when it is refused. Nothing is "
		"fetched. A valid token says who it was given to; "
		"that the one who shows it is that one, a proof of "
		"the key in `cnf` says.",
		options, 1, 1, &args);
	enum cli_exit exit;

	if (cli_parse(&usage, argc, argv, &exit)) {
		o.file = args.items[0];
		exit = run_verify(&o);
	}
	cli_list_free(&args);
	return exit;
}

/* ---- issue ----------------------------------------------------------------
 */

struct issue_options {
	const char *keys, *issuer, *subject, *audience, *domain, *key,
	    *certificate, *incarnation, *claims, *id, *out, *type;
	struct cli_time at, lifetime;
};

static bool
bind(struct arena *a, const struct issue_options *o, struct token *t,
    struct error *reterr)
{
	char jkt[44];
	struct str text;

	if ((o->key != NULL) == (o->certificate != NULL))
		return error_set(reterr, ERR_USAGE, SPAN_NONE,
		    "say --key or --certificate: a token is bound to one");
	if (o->certificate)
		return file_read(a, o->certificate, LIMIT_CERTIFICATE_HEADER,
			   &text, reterr) &&
		       attest_certificate_thumbprint(a, text, &t->x5t, reterr);
	if (!attest_key_thumbprint(o->key, jkt, reterr))
		return false;
	t->jkt = str_dup(a, str_of(jkt));
	return t->jkt.p || error_nomem(reterr);
}

static bool
read_incarnation(const char *text, int64_t *ret, struct error *reterr)
{
	uint64_t n = 0;

	if (text && !str_to_u64(str_of(text), UINT64_C(1) << 53, &n))
		return error_set(reterr, ERR_USAGE, SPAN_NONE,
		    "--incarnation: expected a whole number, found `%s`", text);
	*ret = (int64_t)n;
	return true;
}

static bool
read_claims(
    struct arena *a, const char *path, json_t **ret, struct error *reterr)
{
	struct str text;

	*ret = NULL;
	return !path || (file_read(a, path, LIMIT_TOKEN_BYTES, &text, reterr) &&
			    json_parse(text, path, LIMIT_TOKEN_BYTES,
				LIMIT_TOKEN_DEPTH, JSON_NO_NUL, ret, reterr));
}

/* A token is a secret of its holder until it ends: 0600. */
static bool
write_token(const char *out, struct buf *token, struct error *reterr)
{
	buf_byte(token, '\n');
	if (!buf_ok(token))
		return error_nomem(reterr);
	if (out)
		return file_replace(out, 0600, buf_str(token), reterr);
	return cli_print(token) || error_set(reterr, ERR_FILE_WRITE, SPAN_NONE,
				       "the token could not be written");
}

static bool
issue(struct arena *a, const struct issue_options *o, struct token *t,
    struct error *reterr)
{
	struct token_ring *ring = token_ring_open(o->keys, reterr);
	struct buf out = { 0 };
	bool ok = ring && bind(a, o, t, reterr) &&
		  read_incarnation(o->incarnation, &t->incarnation, reterr) &&
		  token_issue(ring, t, &out, reterr) &&
		  write_token(o->out, &out, reterr);

	token_ring_free(ring);
	buf_free(&out);
	return ok;
}

static enum cli_exit
run_issue(const struct issue_options *o)
{
	int64_t at = now_s(&o->at);
	struct token t = {
		.type = token_type_of(o->type ? str_of(o->type) : STR("full")),
		.issuer = str_of(o->issuer),
		.subject = str_of(o->subject),
		.trust_domain = str_of(o->domain),
		.audience = str_of(o->audience),
		.id = str_of(o->id),
		.issued_at = at,
		.not_before = at,
		.expires_at = at + (o->lifetime.given ? o->lifetime.ms / 1000
						      : TOKEN_LIFETIME_S),
	};
	struct arena *a = arena_new(0);
	struct error err = { 0 };
	json_t *claims = NULL;
	bool ok =
	    a ? read_claims(a, o->claims, &claims, &err) : error_nomem(&err);

	t.claims = claims;
	ok = ok && issue(a, o, &t, &err);
	json_decref(claims);
	arena_free(a);
	return ok ? CLI_YES : failed(&err);
}

enum cli_exit
cmd_token_issue(int argc, char **argv)
{
	struct issue_options o = { 0 };
	const struct cli_option options[] = {
		{ "keys", CLI_TEXT, &o.keys, true, "FOLDER",
		    "the signing keys (`avow key rotate`)" },
		{ "issuer", CLI_TEXT, &o.issuer, true, "NAME",
		    "the issuer, as trust entries name it" },
		{ "subject", CLI_TEXT, &o.subject, true, "ID",
		    "the instance id" },
		{ "audience", CLI_TEXT, &o.audience, true, "NAME",
		    "the gate, or other reader, it is for" },
		{ "key", CLI_TEXT, &o.key, false, "FILE",
		    "the holder's key, that it is bound to" },
		{ "certificate", CLI_TEXT, &o.certificate, false, "FILE",
		    "or: the holder's certificate" },
		{ "trust-domain", CLI_TEXT, &o.domain, false, "NAME",
		    "SPIFFE: `sub` is spiffe://NAME/instance/ID" },
		{ "incarnation", CLI_TEXT, &o.incarnation, false, "N",
		    "which of the instance's keys it is (0)" },
		{ "claims", CLI_TEXT, &o.claims, false, "FILE",
		    "claims, as in a document, a JSON object" },
		{ "expires-in", CLI_DURATION, &o.lifetime, false, "DURATION",
		    "how long it is valid (5m, at most 1h)" },
		{ "typ", CLI_TEXT, &o.type, false, "TYPE",
		    "full (default) or verify" },
		{ "id", CLI_TEXT, &o.id, false, "HEX",
		    "32 hex digits (random)" },
		{ "at", CLI_TIME, &o.at, false, "TIME",
		    "as if it were that time" },
		{ "out", CLI_OUT, &o.out, false, "FILE",
		    "write there, 0600, instead of to standard output (`-`)" },
	};
	const struct cli_usage usage =
	    CLI_USAGE("avow token issue --keys FOLDER --issuer NAME "
		      "--subject ID --audience NAME --key FILE",
		"Make and sign a token for an instance, bound to its "
		"key. For the one who holds the signing keys; "
		"instances get theirs from the token service.",
		options, 0, 0, NULL);
	enum cli_exit exit;

	return cli_parse(&usage, argc, argv, &exit) ? run_issue(&o) : exit;
}

/* ---- prove ----------------------------------------------------------------
 */

struct prove_options {
	const char *key, *method, *url, *nonce, *file;
	struct cli_time at;
	bool document;
};

static bool
prove(struct arena *a, const struct prove_options *o, struct error *reterr)
{
	struct dpop_request what = {
		.method = o->method ? str_of(o->method) : STR("GET"),
		.url = str_of(o->url),
		.now_unix_s = now_s(&o->at),
	};
	struct attest_key *key = attest_key_open(o->key, reterr);
	struct buf out = { 0 };
	bool ok = key != NULL;

	what.url = str_sub(what.url, 0, str_find(what.url, '#', 0));
	what.url = str_sub(what.url, 0, str_find(what.url, '?', 0));
	if (ok && o->document)
		ok = file_read(
		    a, o->file, LIMIT_DOCUMENT_BYTES + 1, &what.shown, reterr);
	else if (ok)
		ok = read_token(a, o->file, &what.shown, reterr);
	ok = ok &&
	     dpop_make(key, &what, str_of(o->nonce), STR(""), &out, reterr);
	ok = ok && write_token(NULL, &out, reterr);
	attest_key_free(key);
	buf_free(&out);
	return ok;
}

enum cli_exit
cmd_token_prove(int argc, char **argv)
{
	struct prove_options o = { 0 };
	struct cli_list args = { 0 };
	struct error err = { 0 };
	const struct cli_option options[] = {
		{ "key", CLI_TEXT, &o.key, true, "FILE",
		    "the holder's private key" },
		{ "url", CLI_TEXT, &o.url, true, "URL",
		    "what is asked for; query and fragment are left off" },
		{ "method", CLI_TEXT, &o.method, false, "METHOD",
		    "GET when not given" },
		{ "nonce", CLI_TEXT, &o.nonce, false, "TEXT",
		    "from the answer's DPoP-Nonce" },
		{ "document", CLI_FLAG, &o.document, false, NULL,
		    "FILE is an identity document, not a token" },
		{ "at", CLI_TIME, &o.at, false, "TIME",
		    "as if it were that time" },
	};
	const struct cli_usage usage =
	    CLI_USAGE("avow token prove --key FILE --url URL [--nonce "
		      "TEXT] FILE",
		"Print a proof of possession (RFC 9449) for one "
		"request with the token, or document, in FILE: the "
		"value of the request's DPoP header.",
		options, 1, 1, &args);
	struct arena *a;
	enum cli_exit exit;

	if (cli_parse(&usage, argc, argv, &exit)) {
		o.file = args.items[0];
		a = arena_new(0);
		exit = (a ? prove(a, &o, &err) : error_nomem(&err))
			   ? CLI_YES
			   : failed(&err);
		arena_free(a);
	}
	cli_list_free(&args);
	return exit;
}
