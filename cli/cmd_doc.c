/* cmd_doc.c - `avow doc issue`, `avow doc verify`, `avow doc pack`: identity
 * documents made, judged and made ready to send, in each of their forms. A
 * refused document is an answer (exit 2); what could not be read or asked is
 * none (exit 1). */
#include <stdlib.h>

#include "attest/attest.h"
#include "base/arena.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "cli/document.h"

#define CLAIMS_FILE_BYTES LIMIT_DOCUMENT_BYTES
#define DEFAULT_LIFETIME_MS 3600000

static enum cli_exit
failed(const struct error *err)
{
	cli_error(err, STR(""));
	return CLI_CANNOT_TELL;
}

static bool
is_refusal(enum err_code code)
{
	return str_has_prefix(str_of(error_id(code)), STR("evidence."));
}

/* `list` as slices in `a`; NULL when memory is out. */
static const struct str *
slices(struct arena *a, const struct cli_list *list)
{
	struct str *items = ARENA_ARRAY(a, list->n, struct str);

	for (size_t i = 0; items && i < list->n; i++)
		items[i] = str_of(list->items[i]);
	return items;
}

static int64_t
now_ms(const struct cli_time *at)
{
	return at->given ? at->ms : clock_now_ms(clock_system());
}

/* Whole seconds, rounded down on both sides of 1970. */
static int64_t
seconds(int64_t ms)
{
	return ms / 1000 - (ms % 1000 < 0);
}

/* Document and signature file as evidence. An unreadable file is an error of
 * another sort than unreadable evidence; the code tells. */
static bool
read_evidence(struct arena *a, const char *kind, const char *document,
    const char *signature, struct attest_evidence *ret, struct error *reterr)
{
	struct str d = { 0 }, s = { 0 };

	return (!document ||
		   file_read(a, document, LIMIT_DATA_FILE_BYTES, &d, reterr)) &&
	       (!signature || file_read(a, signature, LIMIT_DATA_FILE_BYTES, &s,
				  reterr)) &&
	       attest_evidence_from_files(a, str_of(kind), d, s, ret, reterr);
}

/* ---- issue ----------------------------------------------------------------
 */

struct issue_options {
	const char *key, *issuer, *subject, *claims, *id, *cnf_jkt;
	const char *out, *document, *signature, *form_name;
	enum attest_form form;
	struct cli_list audience, claim;
	struct cli_time at, not_before, expires, lifetime;
};

/* The object a dotted claim lives in: `os.name` in `os`. */
static json_t *
claim_parent(json_t *claims, struct str *name)
{
	size_t dot = str_find(*name, '.', 0);
	char group[64];
	json_t *inner;

	if (dot == name->n)
		return claims;
	if (dot >= sizeof group)
		return NULL;
	memcpy(group, name->p, dot);
	group[dot] = '\0';
	*name = str_sub(*name, dot + 1, name->n);
	inner = json_object_get(claims, group);
	if (inner)
		return json_is_object(inner) ? inner : NULL;
	inner = json_object();
	return json_object_set_new(claims, group, inner) == 0 ? inner : NULL;
}

/* `NAME=VALUE` into the claims; `licences` gathers. */
static bool
add_claim(json_t *claims, const char *word)
{
	struct str text = str_of(word);
	size_t eq = str_find(text, '=', 0);
	struct str name = str_sub(text, 0, eq);
	json_t *to, *list, *value;
	bool ok;

	if (eq == text.n || eq == 0)
		return false;
	value = json_from_str(str_sub(text, eq + 1, text.n));
	if (str_eq(name, STR("licences"))) {
		list = json_object_get(claims, "licences");
		if (!list) {
			list = json_array();
			(void)json_object_set_new(claims, "licences", list);
		}
		return json_array_append_new(list, value) == 0;
	}
	to = claim_parent(claims, &name);
	ok = to && name.n > 0 && !json_object_getn(to, name.p, name.n) &&
	     json_object_setn(to, name.p, name.n, value) == 0;
	json_decref(value);
	return ok;
}

static bool
read_claims(struct arena *a, const struct issue_options *o, json_t **ret,
    struct error *reterr)
{
	struct str text = STR("{}");
	json_t *claims;

	if (o->claims &&
	    !file_read(a, o->claims, CLAIMS_FILE_BYTES, &text, reterr))
		return false;
	if (!json_parse(text, o->claims, CLAIMS_FILE_BYTES,
		LIMIT_DOCUMENT_DEPTH, JSON_NO_NUL, &claims, reterr))
		return false;
	for (size_t i = 0; i < o->claim.n; i++)
		if (!add_claim(claims, o->claim.items[i])) {
			json_decref(claims);
			return error_set(reterr, ERR_USAGE, SPAN_NONE,
			    "--claim: expected a new NAME=VALUE, found `%s`",
			    o->claim.items[i]);
		}
	*ret = claims;
	return true;
}

static bool
plan_times(const struct issue_options *o, struct attest_issue *what,
    struct error *reterr)
{
	int64_t at = now_ms(&o->at), ends;
	int64_t lifetime =
	    o->lifetime.given ? o->lifetime.ms : DEFAULT_LIFETIME_MS;

	if (o->expires.given && o->lifetime.given)
		return error_set(reterr, ERR_USAGE, SPAN_NONE,
		    "--expires and --expires-in exclude each other");
	if (__builtin_add_overflow(at, lifetime, &ends))
		return error_set(
		    reterr, ERR_USAGE, SPAN_NONE, "--expires-in is too long");
	what->issued_at = seconds(at);
	what->not_before =
	    o->not_before.given ? seconds(o->not_before.ms) : seconds(at);
	what->expires_at = seconds(o->expires.given ? o->expires.ms : ends);
	return true;
}

/* Who reads between the two writes finds a pair that does not verify. */
static bool
write_files(const char *document_path, const char *signature_path,
    struct str document, struct str signature, struct error *reterr)
{
	struct buf line = { 0 };
	bool ok;

	if (!signature_path)
		return file_replace(document_path, 0644, document, reterr);
	base64_encode(&line, BASE64_STANDARD, signature);
	buf_byte(&line, '\n');
	ok = buf_ok(&line)
		 ? file_replace(signature_path, 0644, buf_str(&line), reterr) &&
		       file_replace(document_path, 0644, document, reterr)
		 : error_nomem(reterr);
	buf_free(&line);
	return ok;
}

static const char *const suffixes[ATTEST_FORMS] = { [ATTEST_DETACHED] = "json",
	[ATTEST_EMBEDDED] = "json",
	[ATTEST_JWS] = "jws",
	[ATTEST_CMS] = "p7m" };

const char *
document_suffix(enum attest_form form)
{
	return suffixes[form];
}

/* Where the files go: PREFIX.json (.jws, .p7m) and PREFIX.sig, or as named. */
static bool
plan_files(struct arena *a, struct issue_options *o, struct error *reterr)
{
	bool is_pair = o->form == ATTEST_DETACHED;

	if (o->out && !o->document && !o->signature) {
		o->document =
		    str_printf(a, "%s.%s", o->out, suffixes[o->form]).p;
		if (is_pair)
			o->signature = str_printf(a, "%s.sig", o->out).p;
		return (o->document && (o->signature || !is_pair)) ||
		       error_nomem(reterr);
	}
	if (!o->out && o->document && is_pair == (o->signature != NULL))
		return true;
	return error_set(reterr, ERR_USAGE, SPAN_NONE,
	    is_pair ? "say -o PREFIX, or --document FILE and --signature FILE"
		    : "say -o PREFIX, or --document FILE alone: the signature "
		      "is inside");
}

static bool
plan_form(struct issue_options *o, struct error *reterr)
{
	return !o->form_name ||
	       attest_form_of(str_of(o->form_name), &o->form) ||
	       error_set(reterr, ERR_USAGE, SPAN_NONE,
		   "--form: expected detached, embedded, jws or cms, found "
		   "`%s`",
		   o->form_name);
}

static bool
issue(struct arena *a, struct issue_options *o, const struct attest_key *key,
    const json_t *claims, struct error *reterr)
{
	struct attest_issue what = {
		.issuer = str_of(o->issuer),
		.subject = str_of(o->subject),
		.audience = slices(a, &o->audience),
		.n_audience = o->audience.n,
		.claims = claims,
		.cnf_jkt = str_of(o->cnf_jkt),
		.id = str_of(o->id),
		.form = o->form,
	};
	struct buf document = { 0 }, signature = { 0 };
	bool ok;

	ok =
	    what.audience
		? plan_files(a, o, reterr) && plan_times(o, &what, reterr) &&
		      attest_issue(key, &what, &document, &signature, reterr) &&
		      write_files(o->document, o->signature, buf_str(&document),
			  buf_str(&signature), reterr)
		: error_nomem(reterr);
	buf_free(&document);
	buf_free(&signature);
	return ok;
}

static enum cli_exit
run_issue(struct issue_options *o)
{
	struct arena *a = arena_new(0);
	struct attest_key *key = NULL;
	json_t *claims = NULL;
	struct error err = { 0 };
	bool ok = a != NULL || error_nomem(&err);

	ok = ok && plan_form(o, &err) && read_claims(a, o, &claims, &err);
	if (ok)
		key = attest_key_open(o->key, &err);
	ok = key && issue(a, o, key, claims, &err);
	attest_key_free(key);
	json_decref(claims);
	if (!ok)
		(void)failed(&err);
	arena_free(a);
	return ok ? CLI_YES : CLI_CANNOT_TELL;
}

enum cli_exit
cmd_doc_issue(int argc, char **argv)
{
	struct issue_options o = { 0 };
	const struct cli_option options[] = {
		{ "key", CLI_TEXT, &o.key, true, "FILE",
		    "the issuer's private key: a file, pkcs11: or signer: "
		    "URI" },
		{ "issuer", CLI_TEXT, &o.issuer, true, "NAME",
		    "the issuer, as trust entries name it" },
		{ "subject", CLI_TEXT, &o.subject, true, "ID",
		    "the instance id" },
		{ "audience", CLI_LIST, &o.audience, false, "NAME",
		    "a gate that may take the document" },
		{ "claims", CLI_TEXT, &o.claims, false, "FILE",
		    "the claims, a JSON object" },
		{ "claim", CLI_LIST, &o.claim, false, "NAME=VALUE",
		    "one claim; os.name, applications.NAME, custom.NAME; "
		    "licences adds one" },
		{ "expires-in", CLI_DURATION, &o.lifetime, false, "DURATION",
		    "how long it is valid (1h)" },
		{ "lifetime", CLI_DURATION, &o.lifetime, false, "DURATION",
		    "the same" },
		{ "expires", CLI_TIME, &o.expires, false, "TIME",
		    "until when it is valid" },
		{ "not-before", CLI_TIME, &o.not_before, false, "TIME",
		    "from when on (from now)" },
		{ "at", CLI_TIME, &o.at, false, "TIME",
		    "as if it were that time" },
		{ "cnf-jkt", CLI_TEXT, &o.cnf_jkt, false, "THUMBPRINT",
		    "bind it to the holder's key (RFC 7638)" },
		{ "id", CLI_TEXT, &o.id, false, "HEX",
		    "32 hex digits (random)" },
		{ "form", CLI_TEXT, &o.form_name, false, "FORM",
		    "how it is signed: detached (default), embedded, jws, "
		    "cms" },
		{ "out", CLI_TEXT, &o.out, false, "PREFIX",
		    "write PREFIX.json and PREFIX.sig; embedded: PREFIX.json, "
		    "jws: PREFIX.jws, cms: PREFIX.p7m" },
		{ "document", CLI_TEXT, &o.document, false, "FILE",
		    "or: the document" },
		{ "signature", CLI_TEXT, &o.signature, false, "FILE",
		    "and, detached: its signature" },
	};
	const struct cli_usage usage =
	    CLI_USAGE("avow doc issue --key FILE --issuer NAME "
		      "--subject ID -o PREFIX",
		"Make and sign an identity document. Existing files "
		"are replaced.",
		options, 0, 0, NULL);
	enum cli_exit exit;

	if (cli_parse(&usage, argc, argv, &exit))
		exit = run_issue(&o);
	cli_list_free(&o.audience);
	cli_list_free(&o.claim);
	return exit;
}

/* ---- verify ---------------------------------------------------------------
 */

struct verify_options {
	const char *trust, *kind, *document, *signature;
	const char *issuer, *audience, *prefix, *revoked, *nonce;
	struct remote_options remote;
	bool weak;
	const char *certificates;
	struct cli_list owner, signer;
	struct cli_time at;
};

static json_t *
time_or_null(bool there, int64_t unix_s)
{
	return there ? json_from_time(unix_s * 1000) : json_null();
}

static json_t *
valid_json(const struct claims *c, bool pinned)
{
	int64_t issued = 0, expires = 0;
	bool has_issued = claims_issued_at(c, &issued);
	bool has_expires = claims_expires_at(c, &expires);

	/* NULL when a part of it is: `o` takes the references. */
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o}",
	    "verdict", "valid", "kind", json_from_str(claims_kind(c)), "issuer",
	    json_from_str(claims_issuer(c)), "keyId",
	    json_from_str(claims_key_id(c)), "subject",
	    json_from_str(claims_subject(c)), "issuedAt",
	    time_or_null(has_issued, issued), "expiresAt",
	    time_or_null(has_expires, expires), "pinned", pinned, "claims",
	    claims_to_json(c));
}

static enum cli_exit
print_refusal(const struct error *err)
{
	json_t *v = json_pack("{s:s, s:s, s:o}", "verdict", "refused", "code",
	    error_id(err->code), "message", json_from_str(str_of(err->msg)));

	return cli_print_json(v, false) ? CLI_NO : CLI_CANNOT_TELL;
}

static bool
load_trust(struct arena *a, const struct verify_options *o,
    struct attest_trust *t, struct error *reterr)
{
	enum attest_form form = ATTEST_DETACHED;
	bool is_own = attest_form_of_kind(str_of(o->kind), &form);
	struct attest_trust_entry entry = {
		.kind = is_own ? STR("avow") : str_of(o->kind),
		.keys = o->trust,
		.issuer = str_of(o->issuer),
		.prefix = str_of(o->prefix),
		.owners = slices(a, &o->owner),
		.n_owners = o->owner.n,
		.audience_required = o->audience != NULL,
		.forms = 1u << form,
		.signers = slices(a, &o->signer),
		.n_signers = o->signer.n,
		.certificates = o->certificates,
		.allow_unpinned = true,
		.allow_weak = o->weak,
	};

	if (!entry.owners || !entry.signers)
		return error_nomem(reterr);
	return attest_trust_add(t, &entry, reterr);
}

/* What must be there before a document can be judged; then the verdict. */
static enum cli_exit
judge(struct arena *a, const struct verify_options *o, struct attest_trust *t)
{
	struct attest_revoked *revoked = NULL;
	struct attest_context ctx = { .trust = t,
		.now_unix_s = seconds(now_ms(&o->at)),
		.nonce = o->nonce ? str_of(o->nonce) : (struct str){ 0 },
		.audience = str_of(o->audience),
		.any_audience = o->audience == NULL };
	struct attest_evidence evidence;
	const struct claims *claims;
	struct error err = { 0 };
	enum cli_exit exit;
	bool ok;

	ok = load_trust(a, o, t, &err) &&
	     cli_revoked_read(a, o->revoked, &revoked, &err);
	ctx.revoked = revoked;
	if (!ok)
		exit = failed(&err);
	else if (read_evidence(
		     a, o->kind, o->document, o->signature, &evidence, &err) &&
		 attest_verify(a, &evidence, &ctx, &claims, &err))
		exit = cli_print_json(valid_json(claims, o->owner.n > 0), false)
			   ? CLI_YES
			   : CLI_CANNOT_TELL;
	else
		exit =
		    is_refusal(err.code) ? print_refusal(&err) : failed(&err);
	attest_revoked_free(revoked);
	return exit;
}

static enum cli_exit
run_verify(const struct verify_options *o)
{
	struct arena *a = arena_new(0);
	struct attest_trust *t = attest_trust_new();
	enum cli_exit exit = CLI_CANNOT_TELL;

	if (a && t)
		exit = judge(a, o, t);
	else
		cli_errorf("memory ran out");
	attest_trust_free(t);
	arena_free(a);
	return exit;
}

static enum cli_exit
missing(void)
{
	cli_errorf("say --trust PATH and --kind KIND, or --server URL and "
		   "--document FILE");
	return CLI_CANNOT_TELL;
}

/* Whether it still is the newest, and its instance active, the service knows.
 */
static enum cli_exit
ask_service(struct verify_options *o)
{
	struct arena *a = arena_new(0);
	struct attest_evidence e;
	struct error err = { 0 };
	enum cli_exit exit;

	if (!a || !o->document)
		exit = missing();
	else if (read_evidence(a, o->kind ? o->kind : "avow", o->document,
		     o->signature, &e, &err))
		exit = document_verify(&o->remote, &e);
	else
		exit =
		    is_refusal(err.code) ? print_refusal(&err) : failed(&err);
	arena_free(a);
	return exit;
}

enum cli_exit
cmd_doc_verify(int argc, char **argv)
{
	struct verify_options o = { 0 };
	const struct cli_option options[] = {
		{ "trust", CLI_TEXT, &o.trust, false, "PATH",
		    "public keys or certificates: a file, or a folder's "
		    "*.pem; with --kind, unless --server is asked" },
		{ "kind", CLI_TEXT, &o.kind, false, "KIND",
		    "avow, avow-embedded, avow-jws, avow-cms, ec2-signature, "
		    "ec2-rsa2048, ec2-pkcs7, azure or gcp" },
		{ "document", CLI_TEXT, &o.document, false, "FILE",
		    "the document; PKCS #7 (ec2-rsa2048, ec2-pkcs7, azure) "
		    "has it inside" },
		{ "signature", CLI_TEXT, &o.signature, false, "FILE",
		    "its signature, but where it is inside of the document "
		    "(avow-..., gcp)" },
		{ "nonce", CLI_TEXT, &o.nonce, false, "TEXT",
		    "what it must have been asked for with (azure)" },
		{ "weak", CLI_FLAG, &o.weak, false, NULL,
		    "take DSA with SHA-1 (ec2-pkcs7)" },
		{ "issuer", CLI_TEXT, &o.issuer, false, "NAME",
		    "who must have issued it (required for avow)" },
		{ "audience", CLI_TEXT, &o.audience, false, "NAME",
		    "the gate it must be for" },
		{ "owner", CLI_LIST, &o.owner, false, "ID",
		    "an owner that is accepted" },
		{ "signer", CLI_LIST, &o.signer, false, "NAME",
		    "a signer by its certificate's uri:, dns: or subject: "
		    "name; --trust then has authorities" },
		{ "certificates", CLI_TEXT, &o.certificates, false, "PATH",
		    "with --signer: its certificate and those above it" },
		{ "prefix", CLI_TEXT, &o.prefix, false, "PREFIX",
		    "before the instance id, as in --revoked" },
		{ "revoked", CLI_TEXT, &o.revoked, false, "FILE",
		    "what is revoked" },
		{ "at", CLI_TIME, &o.at, false, "TIME",
		    "as if it were that time" },
		REMOTE_SERVER(&o.remote),
	};
	const struct cli_usage usage =
	    CLI_USAGE("avow doc verify --trust PATH --kind KIND "
		      "--document FILE [--signature FILE]",
		"Say as JSON whether an identity document is genuine "
		"and valid: exit 0, or 2 when it is refused.",
		options, 0, 0, NULL);
	enum cli_exit exit;

	if (cli_parse(&usage, argc, argv, &exit))
		exit = o.remote.server     ? ask_service(&o)
		       : o.trust && o.kind ? run_verify(&o)
					   : missing();
	cli_list_free(&o.owner);
	cli_list_free(&o.signer);
	return exit;
}

/* ---- pack -----------------------------------------------------------------
 */

static enum cli_exit
run_pack(const char *kind, const char *document, const char *signature)
{
	struct arena *a = arena_new(0);
	struct buf pack = { 0 };
	struct attest_evidence evidence;
	struct error err = { 0 };
	enum cli_exit exit = CLI_YES;

	if (!a ||
	    !read_evidence(a, kind, document, signature, &evidence, &err) ||
	    !attest_evidence_pack(&evidence, &pack, &err)) {
		exit = failed(&err);
		if (is_refusal(err.code))
			exit = CLI_NO;
	} else {
		buf_byte(&pack, '\n');
		exit = cli_print(&pack) ? CLI_YES : CLI_CANNOT_TELL;
	}
	buf_free(&pack);
	arena_free(a);
	return exit;
}

enum cli_exit
cmd_doc_pack(int argc, char **argv)
{
	const char *kind = NULL, *document = NULL, *signature = NULL;
	const struct cli_option options[] = {
		{ "kind", CLI_TEXT, &kind, false, "KIND",
		    "avow (default), avow-embedded, avow-jws, avow-cms, "
		    "ec2-signature, ec2-rsa2048, ec2-pkcs7, azure or gcp" },
		{ "document", CLI_TEXT, &document, true, "FILE",
		    "the document" },
		{ "signature", CLI_TEXT, &signature, false, "FILE",
		    "its signature, but where it is inside of the document" },
	};
	const struct cli_usage usage =
	    CLI_USAGE("avow doc pack [--kind KIND] --document FILE "
		      "[--signature FILE]",
		"Print document and signature as one word, for an "
		"X-Avow-Pack header or as the password of a package "
		"client. Nothing is verified.",
		options, 0, 0, NULL);
	enum cli_exit exit;

	if (!cli_parse(&usage, argc, argv, &exit))
		return exit;
	return run_pack(kind ? kind : "avow", document, signature);
}
