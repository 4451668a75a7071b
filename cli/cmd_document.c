/* cmd_document.c - `avow doc request`, `doc list`, `doc show`, `avow instance
 * …`, `avow key get`: the document service, asked over HTTP (cli/remote.h). A
 * document goes to two files, or is told as the service's JSON. */
#include <stdlib.h>

#include "base/base64.h"
#include "base/file.h"
#include "base/limits.h"
#include "cli/document.h"

struct asked {
	struct remote_options remote;
	struct cli_list args, audience, member;
	const char *claims, *profile, *out, *instance, *limit, *next;
	const char *properties, *version, *id, *signature, *form, *document,
	    *kind;
	struct cli_time lifetime;
	bool select, issue, pem, json;
};

#define COMMON(a)                                                              \
	REMOTE_SERVER(&(a)->remote), REMOTE_ADMIN(&(a)->remote),               \
	    REMOTE_ACCOUNT(&(a)->remote),                                      \
	{                                                                      \
		"json", CLI_FLAG, &(a)->json, false, NULL,                     \
		    "print the service's answer as JSON"                       \
	}
#define USAGE(text, what, least, most)                                         \
	CLI_USAGE(text, what, options, least, most, &a.args)

/* Opens, runs `act`, closes. Arguments are ids: they become parts of paths. */
static enum cli_exit
with_remote(const struct cli_usage *usage, int argc, char **argv,
    struct asked *a, enum cli_exit (*act)(struct asked *, struct remote *))
{
	enum cli_exit code = CLI_CANNOT_TELL;
	struct remote *r;

	if (!cli_parse(usage, argc, argv, &code))
		goto out;
	for (size_t i = 0; i < a->args.n; i++)
		if (!attest_instance_id_is_valid(str_of(a->args.items[i]))) {
			cli_errorf("`%s` is no id", a->args.items[i]);
			code = CLI_CANNOT_TELL;
			goto out;
		}
	r = remote_open(&a->remote);
	code = r ? act(a, r) : CLI_CANNOT_TELL;
	remote_close(r);
out:
	cli_list_free(&a->args);
	cli_list_free(&a->audience);
	cli_list_free(&a->member);
	return code;
}

/* ---- what people see ----------------------------------------------------- */

static void
put_words(struct buf *out, const char *name, const json_t *list)
{
	buf_printf(out, "  %s ", name);
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (i > 0)
			buf_byte(out, ',');
		buf_escaped(out, json_str(json_array_get(list, i)), true);
	}
	if (json_array_size(list) == 0)
		buf_byte(out, '-');
}

static void
put_text(struct buf *out, const char *name, const json_t *value)
{
	if (!json_is_string(value))
		return;
	buf_printf(out, "  %s ", name);
	buf_escaped(out, json_str(value), true);
}

static void
put_document(struct buf *out, const json_t *d)
{
	buf_escaped(out, json_str(json_object_get(d, "id")), true);
	buf_addz(out, "  ");
	buf_escaped(out, json_str(json_object_get(d, "state")), true);
	put_text(out, "of", json_object_get(d, "subject"));
	put_words(out, "claims", json_object_get(d, "claims"));
	put_words(out, "for", json_object_get(d, "audience"));
	put_text(out, "form", json_object_get(d, "form"));
	buf_printf(out, "  level %lld",
	    (long long)json_integer_value(json_object_get(d, "level")));
	put_text(out, "until", json_object_get(d, "expiresAt"));
	put_text(out, "replaced by", json_object_get(d, "replacedBy"));
	buf_byte(out, '\n');
}

static enum cli_exit
print_json(const json_t *answer)
{
	return cli_print_json(json_incref((json_t *)(uintptr_t)answer), false)
		   ? CLI_YES
		   : CLI_CANNOT_TELL;
}

static enum cli_exit
print_documents(const struct asked *a, const json_t *answer)
{
	const json_t *list = json_object_get(answer, "documents");
	struct str next = json_str(json_object_get(answer, "next"));
	struct buf out = { 0 };
	bool ok;

	if (a->json)
		return print_json(answer);
	for (size_t i = 0; i < json_array_size(list); i++)
		put_document(&out, json_array_get(list, i));
	if (!list)
		put_document(&out, answer);
	if (next.n)
		buf_printf(&out, "more: --next %.*s\n", STR_ARG(next));
	ok = cli_print(&out);
	buf_free(&out);
	return ok ? CLI_YES : CLI_CANNOT_TELL;
}

/* ---- documents ----------------------------------------------------------- */

static bool
decode(struct arena *a, const json_t *answer, const char *name, struct str *ret)
{
	return base64_decode(a, BASE64_URL,
		   json_str(json_object_get(answer, name)), ret) &&
	       ret->n > 0;
}

static bool
write_signature(const char *path, struct str signature, struct error *reterr)
{
	struct buf line = { 0 };
	bool ok;

	base64_encode(&line, BASE64_STANDARD, signature);
	buf_byte(&line, '\n');
	ok = (path && buf_ok(&line)) || error_nomem(reterr);
	ok = ok && file_replace(path, 0600, buf_str(&line), reterr);
	buf_free(&line);
	return ok;
}

/* PREFIX.json and PREFIX.sig, or the one file of a form that has its signature
 * inside, as `doc issue` writes them. */
static bool
write_files(struct asked *a, struct remote *r, const json_t *answer)
{
	struct arena *arena = remote_arena(r);
	enum attest_form form = ATTEST_DETACHED;
	struct str document, signature;
	struct error err = { 0 };
	const char *path;
	bool ok;

	if (!decode(arena, answer, "document", &document) ||
	    !attest_form_of(json_str(json_object_get(answer, "form")), &form) ||
	    (form == ATTEST_DETACHED &&
		!decode(arena, answer, "signature", &signature))) {
		cli_errorf("the service gives the document to its instance "
			   "alone: no file was written");
		return false;
	}
	path = str_printf(arena, "%s.%s", a->out, document_suffix(form)).p;
	ok = path || error_nomem(&err);
	if (ok && form == ATTEST_DETACHED)
		ok = write_signature(
		    str_printf(arena, "%s.sig", a->out).p, signature, &err);
	ok = ok && file_replace(path, 0600, document, &err);
	if (!ok)
		cli_error(&err, STR(""));
	return ok;
}

static enum cli_exit
take_document(struct asked *a, struct remote *r, struct remote_call call)
{
	json_t *answer = NULL;
	enum cli_exit code;

	if (!remote_send(r, call, a->json, &answer, &code))
		return code;
	if (a->out && !write_files(a, r, answer))
		code = CLI_CANNOT_TELL;
	else
		code = print_documents(a, answer);
	json_decref(answer);
	return code;
}

/* `a,b,c`: names hold no comma; an empty text is no name. */
static json_t *
split(const char *text)
{
	struct str s = str_of(text);
	json_t *list = json_array();

	for (size_t at = 0, end; at < s.n; at = end + 1) {
		end = str_find(s, ',', at);
		(void)json_array_append_new(
		    list, json_from_str(str_sub(s, at, end)));
	}
	return list;
}

static json_t *
words(const struct cli_list *l)
{
	json_t *list = json_array();

	for (size_t i = 0; i < l->n; i++)
		(void)json_array_append_new(
		    list, json_from_str(str_of(l->items[i])));
	return list;
}

static void
put(json_t *body, const char *name, json_t *value_take)
{
	(void)json_object_set_new(body, name, value_take);
}

static enum cli_exit
act_request(struct asked *a, struct remote *r)
{
	struct remote_call call = { .method = "POST",
		.path = STR("/v1/documents"),
		.body = json_object() };

	if (a->args.n)
		put(call.body, "subject",
		    json_from_str(str_of(a->args.items[0])));
	if (a->claims)
		put(call.body, "claims", split(a->claims));
	if (a->profile)
		put(call.body, "profile", json_from_str(str_of(a->profile)));
	if (a->audience.n)
		put(call.body, "audience", words(&a->audience));
	if (a->lifetime.given)
		put(call.body, "lifetime",
		    json_from_str(str_printf(
			remote_arena(r), "%lldms", (long long)a->lifetime.ms)));
	if (a->form)
		put(call.body, "form", json_from_str(str_of(a->form)));
	if (a->select)
		put(call.body, "select", json_true());
	if (a->issue)
		put(call.body, "issue", json_true());
	return take_document(a, r, call);
}

enum cli_exit
cmd_doc_request(int argc, char **argv)
{
	struct asked a = { 0 };
	const struct cli_option options[] = {
		{ "claims", CLI_TEXT, &a.claims, false, "NAMES",
		    "what it shall say, and no more: imageId,os.version,"
		    "applications.nginx,custom.team" },
		{ "profile", CLI_TEXT, &a.profile, false, "NAME",
		    "or: what the service's configuration has for NAME" },
		{ "audience", CLI_LIST, &a.audience, false, "NAME",
		    "a gate that may take it" },
		{ "lifetime", CLI_DURATION, &a.lifetime, false, "DURATION",
		    "how long it is valid" },
		{ "form", CLI_TEXT, &a.form, false, "FORM",
		    "how it is signed: detached, embedded, jws, cms (as the "
		    "service is configured)" },
		{ "select", CLI_FLAG, &a.select, false, NULL,
		    "the one that tells least of those that are there" },
		{ "issue", CLI_FLAG, &a.issue, false, NULL,
		    "with --select: else a new one" },
		{ "out", CLI_TEXT, &a.out, false, "PREFIX",
		    "write PREFIX.json and PREFIX.sig, mode 0600; "
		    "embedded: PREFIX.json, jws: PREFIX.jws, cms: PREFIX.p7m" },
		COMMON(&a),
	};
	const struct cli_usage usage =
	    USAGE("avow doc request [ID] --claims NAMES --audience NAME "
		  "-o PREFIX --as ID --key FILE",
		"Have the document service make a document of an instance "
		"(of who asks, or of a group it is in) that says what is "
		"named and nothing else. A claim that is not known is "
		"refused. The owner may ask, and gets no document.",
		0, 1);

	return with_remote(&usage, argc, argv, &a, act_request);
}

static enum cli_exit
act_show(struct asked *a, struct remote *r)
{
	struct remote_call call = { .method = "GET",
		.path = str_printf(
		    remote_arena(r), "/v1/documents/%s", a->args.items[0]) };

	return take_document(a, r, call);
}

enum cli_exit
cmd_doc_show(int argc, char **argv)
{
	struct asked a = { 0 };
	const struct cli_option options[] = {
		{ "out", CLI_TEXT, &a.out, false, "PREFIX",
		    "write PREFIX.json and PREFIX.sig, mode 0600; "
		    "embedded: PREFIX.json, jws: PREFIX.jws, cms: PREFIX.p7m" },
		COMMON(&a),
	};
	const struct cli_usage usage = USAGE("avow doc show ID",
	    "Show a document of the service, and whether it still is the "
	    "newest.",
	    1, 1);

	return with_remote(&usage, argc, argv, &a, act_show);
}

static enum cli_exit
act_list(struct asked *a, struct remote *r)
{
	struct remote_call call = { .method = "GET",
		.path = str_printf(remote_arena(r),
		    "/v1/documents?limit=%s%s%s%s%s",
		    a->limit ? a->limit : "100", a->next ? "&next=" : "",
		    a->next ? a->next : "", a->args.n ? "&subject=" : "",
		    a->args.n ? a->args.items[0] : "") };

	return take_document(a, r, call);
}

enum cli_exit
cmd_doc_list(int argc, char **argv)
{
	struct asked a = { 0 };
	const struct cli_option options[] = {
		{ "limit", CLI_TEXT, &a.limit, false, "N", "at most N (100)" },
		{ "next", CLI_TEXT, &a.next, false, "WORD",
		    "go on where the page before said" },
		COMMON(&a),
	};
	const struct cli_usage usage = USAGE("avow doc list [ID]",
	    "List the documents of an instance or group, by id.", 0, 1);

	return with_remote(&usage, argc, argv, &a, act_list);
}

/* ---- asked by anybody ---------------------------------------------------- */

/* What answers may be no such service. */
static enum cli_exit
no_sense(void)
{
	cli_errorf("the server gave an answer that is none");
	return CLI_CANNOT_TELL;
}

static enum cli_exit
print_verdict(const json_t *answer)
{
	struct str verdict = json_str(json_object_get(answer, "verdict"));
	bool is_valid = str_eq(verdict, STR("valid"));
	enum cli_exit code;

	if (!is_valid && !str_eq(verdict, STR("refused")))
		return no_sense();
	code = print_json(answer);
	return code == CLI_YES && !is_valid ? CLI_NO : code;
}

enum cli_exit
document_verify(struct remote_options *o, const struct attest_evidence *e)
{
	struct buf d = { 0 }, s = { 0 };
	struct remote_call call = { .method = "POST",
		.path = STR("/v1/documents/verify"),
		.is_anonymous = true };
	json_t *answer = NULL;
	enum cli_exit code = CLI_CANNOT_TELL;
	struct remote *r = remote_open(o);

	if (!r)
		return code;
	base64_encode(&d, BASE64_URL, e->document);
	base64_encode(&s, BASE64_URL, e->signature);
	call.body = json_pack("{s:o, s:o}", "kind", json_from_str(e->kind),
	    "document", json_from_str(buf_str(&d)));
	if (e->signature.n)
		put(call.body, "signature", json_from_str(buf_str(&s)));
	if (remote_send(r, call, true, &answer, &code))
		code = print_verdict(answer);
	json_decref(answer);
	buf_free(&d);
	buf_free(&s);
	remote_close(r);
	return code;
}

static bool
read_file(
    struct arena *a, const char *path, struct str *ret, struct error *reterr)
{
	return !path || file_read(a, path, LIMIT_DATA_FILE_BYTES, ret, reterr);
}

/* One line of Base64, for a query. */
static bool
read_signature(
    struct arena *a, const char *path, struct str *ret, struct error *reterr)
{
	struct str text = { 0 };

	if (!read_file(a, path, &text, reterr))
		return false;
	if (str_has_suffix(text, STR("\n")))
		text.n--;
	return base64_decode(a, BASE64_STANDARD, text, ret) ||
	       error_set(reterr, ERR_USAGE, SPAN_NONE,
		   "%s: expected one line of Base64", path);
}

/* Out of a document that has it inside. */
static bool
take_signature(
    struct asked *a, struct arena *arena, struct str *ret, struct error *reterr)
{
	struct str document = { 0 };
	struct attest_evidence e;

	return read_file(arena, a->document, &document, reterr) &&
	       attest_evidence_from_files(
		   arena, str_of(a->kind), document, STR(""), &e, reterr) &&
	       attest_evidence_signature(arena, &e, ret, reterr);
}

static bool
signature_word(struct asked *a, struct arena *arena, struct str *ret)
{
	struct error err = { 0 };
	struct str raw = { 0 };
	struct buf word = { 0 };
	bool ok = a->document ? take_signature(a, arena, &raw, &err)
			      : read_signature(arena, a->signature, &raw, &err);

	base64_encode(&word, BASE64_URL, raw);
	*ret = str_dup(arena, buf_str(&word));
	ok = ok && ((buf_ok(&word) && ret->p) || error_nomem(&err));
	buf_free(&word);
	if (!ok)
		cli_error(&err, STR(""));
	return ok;
}

static enum cli_exit
act_keys(struct asked *a, struct remote *r)
{
	struct arena *arena = remote_arena(r);
	struct str word = STR("");
	struct remote_call call = { .method = "GET", .is_anonymous = true };
	json_t *answer = NULL;
	enum cli_exit code = CLI_CANNOT_TELL;

	if (!a->document != !a->kind || (a->document && a->signature)) {
		cli_errorf("say --signature FILE, or --document FILE with "
			   "--kind KIND");
		return code;
	}
	if ((a->signature || a->document) && !signature_word(a, arena, &word))
		return code;
	call.path = str_printf(arena, "/v1/keys?form=jwks%s%s%s%.*s%s%s",
	    a->id ? "&id=" : "", a->id ? a->id : "",
	    a->signature || a->document ? "&signature=" : "", STR_ARG(word),
	    a->instance ? "&instance=" : "", a->instance ? a->instance : "");
	if (!remote_send(r, call, true, &answer, &code))
		return code;
	code = json_array_size(json_object_get(answer, "keys")) > 0
		   ? print_json(answer)
		   : no_sense();
	json_decref(answer);
	return code;
}

enum cli_exit
cmd_key_get(int argc, char **argv)
{
	struct asked a = { 0 };
	const struct cli_option options[] = {
		REMOTE_SERVER(&a.remote),
		{ "id", CLI_TEXT, &a.id, false, "THUMBPRINT",
		    "the key of this RFC 7638 thumbprint" },
		{ "signature", CLI_TEXT, &a.signature, false, "FILE",
		    "the key that made this signature; verify with it" },
		{ "document", CLI_TEXT, &a.document, false, "FILE",
		    "the same, where the signature is inside of a document" },
		{ "kind", CLI_TEXT, &a.kind, false, "KIND",
		    "which: avow-embedded, avow-jws, avow-cms" },
		{ "instance", CLI_TEXT, &a.instance, false, "ID",
		    "the keys of an instance's documents" },
	};
	const struct cli_usage usage = USAGE("avow key get --server URL",
	    "The document service's public keys, as a key set: all, or by "
	    "id, signature or instance.",
	    0, 0);

	return with_remote(&usage, argc, argv, &a, act_keys);
}

/* ---- what is known of an instance ---------------------------------------- */

static void
put_instance(struct buf *out, const json_t *i)
{
	buf_escaped(out, json_str(json_object_get(i, "id")), true);
	buf_addz(
	    out, json_is_true(json_object_get(i, "group")) ? "  group" : "");
	buf_printf(out, "  version %lld",
	    (long long)json_integer_value(json_object_get(i, "version")));
	put_text(out, "owner", json_object_get(i, "owner"));
	if (json_is_array(json_object_get(i, "members")))
		put_words(out, "members", json_object_get(i, "members"));
	buf_byte(out, '\n');
	if (!json_write_pretty(out, json_object_get(i, "properties")))
		out->failed = true;
	buf_byte(out, '\n');
}

static enum cli_exit
take_instance(struct asked *a, struct remote *r, struct remote_call call)
{
	json_t *answer = NULL;
	const json_t *inner;
	struct buf out = { 0 };
	enum cli_exit code;

	if (!remote_send(r, call, a->json, &answer, &code))
		return code;
	inner = json_object_get(answer, "instance");
	if (a->json) {
		code = print_json(answer);
	} else {
		put_instance(&out, inner ? inner : answer);
		if (inner)
			buf_printf(&out,
			    "documents superseded: %lld, made anew: %lld\n",
			    (long long)json_integer_value(
				json_object_get(answer, "superseded")),
			    (long long)json_integer_value(
				json_object_get(answer, "issued")));
		code = cli_print(&out) ? CLI_YES : CLI_CANNOT_TELL;
	}
	buf_free(&out);
	json_decref(answer);
	return code;
}

static struct str
instance_path(struct asked *a, struct remote *r, const char *more)
{
	return str_printf(
	    remote_arena(r), "/v1/instances/%s%s", a->args.items[0], more);
}

static enum cli_exit
act_instance_show(struct asked *a, struct remote *r)
{
	struct remote_call call = { .method = "GET",
		.path = instance_path(a, r, "") };

	return take_instance(a, r, call);
}

enum cli_exit
cmd_instance_show(int argc, char **argv)
{
	struct asked a = { 0 };
	const struct cli_option options[] = { COMMON(&a) };
	const struct cli_usage usage = USAGE("avow instance show ID",
	    "What the document service knows of an instance or a group.", 1, 1);

	return with_remote(&usage, argc, argv, &a, act_instance_show);
}

static bool
read_properties(struct asked *a, struct remote *r, json_t **ret)
{
	struct error err = { 0 };
	struct str text;

	if (file_read(remote_arena(r), a->properties, LIMIT_DOCUMENT_BYTES,
		&text, &err) &&
	    json_parse(text, a->properties, LIMIT_DOCUMENT_BYTES,
		LIMIT_DOCUMENT_DEPTH, JSON_NO_NUL, ret, &err))
		return true;
	cli_error(&err, STR(""));
	return false;
}

static bool
put_version(json_t *body, const char *text)
{
	uint64_t version;

	if (!text)
		return true;
	if (!str_to_u64(str_of(text), INT64_MAX, &version)) {
		cli_errorf("--if-version: expected a number, found `%s`", text);
		return false;
	}
	put(body, "version", json_integer((json_int_t)version));
	return true;
}

static enum cli_exit
change(struct asked *a, struct remote *r, struct remote_call call,
    const char *name)
{
	json_t *properties = NULL;

	if (!put_version(call.body, a->version) ||
	    !read_properties(a, r, &properties)) {
		json_decref(call.body);
		return CLI_CANNOT_TELL;
	}
	put(call.body, name, properties);
	return take_instance(a, r, call);
}

static enum cli_exit
act_instance_put(struct asked *a, struct remote *r)
{
	struct remote_call call = { .method = "PUT",
		.path = instance_path(a, r, ""),
		.body = json_object() };

	if (a->member.n)
		put(call.body, "members", words(&a->member));
	return change(a, r, call, "properties");
}

#define CHANGE(a, what)                                                        \
	{ "properties", CLI_TEXT, &(a)->properties, true, "FILE", what },      \
	{                                                                      \
		"if-version", CLI_TEXT, &(a)->version, false, "N",             \
		    "only if what is known still has this version"             \
	}

enum cli_exit
cmd_instance_put(int argc, char **argv)
{
	struct asked a = { 0 };
	const struct cli_option options[] = {
		CHANGE(&a, "all that is known from now on: claims as JSON"),
		{ "member", CLI_LIST, &a.member, false, "ID",
		    "ID is a group, and this instance is in it" },
		COMMON(&a),
	};
	const struct cli_usage usage =
	    USAGE("avow instance put ID --properties FILE [--member ID]",
		"Say what an instance is, or what holds for a group of them. "
		"Documents that say otherwise are superseded at once, and made "
		"anew.",
		1, 1);

	return with_remote(&usage, argc, argv, &a, act_instance_put);
}

static enum cli_exit
act_instance_event(struct asked *a, struct remote *r)
{
	struct remote_call call = { .method = "POST",
		.path = instance_path(a, r, "/events"),
		.body = json_object() };

	put(call.body, "event", json_from_str(str_of(a->args.items[1])));
	return change(a, r, call, "changes");
}

enum cli_exit
cmd_instance_event(int argc, char **argv)
{
	struct asked a = { 0 };
	const struct cli_option options[] = {
		CHANGE(&a, "what is other now; null takes away"),
		COMMON(&a),
	};
	const struct cli_usage usage =
	    USAGE("avow instance event ID EVENT --properties FILE",
		"Something happened to an instance: provisioned, installed, "
		"upgraded, licence or custom. Documents that say what is no "
		"longer so are superseded at once, and made anew.",
		2, 2);

	return with_remote(&usage, argc, argv, &a, act_instance_event);
}

static enum cli_exit
act_instance_delete(struct asked *a, struct remote *r)
{
	struct remote_call call = { .method = "DELETE",
		.path = instance_path(a, r, "") };

	return remote_do(r, call, a->json);
}

enum cli_exit
cmd_instance_delete(int argc, char **argv)
{
	struct asked a = { 0 };
	const struct cli_option options[] = { COMMON(&a) };
	const struct cli_usage usage = USAGE("avow instance delete GROUP",
	    "A group is no more: its documents are revoked at once. (An "
	    "instance goes with its account.)",
	    1, 1);

	return with_remote(&usage, argc, argv, &a, act_instance_delete);
}

static enum cli_exit
act_instance_rename(struct asked *a, struct remote *r)
{
	struct remote_call call = { .method = "POST",
		.path = instance_path(a, r, "/rename"),
		.body = json_object() };

	put(call.body, "to", json_from_str(str_of(a->args.items[1])));
	if (!put_version(call.body, a->version)) {
		json_decref(call.body);
		return CLI_CANNOT_TELL;
	}
	return take_instance(a, r, call);
}

enum cli_exit
cmd_instance_rename(int argc, char **argv)
{
	struct asked a = { 0 };
	const struct cli_option options[] = {
		{ "if-version", CLI_TEXT, &a.version, false, "N",
		    "only if what is known still has this version" },
		COMMON(&a),
	};
	const struct cli_usage usage = USAGE("avow instance rename GROUP NEW",
	    "A group goes by another id. Its documents are superseded at "
	    "once, and made anew.",
	    2, 2);

	return with_remote(&usage, argc, argv, &a, act_instance_rename);
}
