/* agent_state.c - the state folder: `instance.key.pem`, and `token-*.json`, one
 * an audience. Nobody but the agent and root may look into it. */
#include "gateways/agent_core_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/limits.h"

static const char *
path_in(struct agent_core *c, struct arena *a, const char *name)
{
	return str_printf(a, "%.*s/%s", STR_ARG(c->config->state), name).p;
}

static bool
fail(struct error *reterr, enum err_code code, const char *path)
{
	return error_set(reterr, code, (struct span){ .file = path },
	    "`%s`: %s", path, strerror(errno));
}

/* A folder that others may enter would give away the key's name at least, and
 * says that somebody meant something else. */
static bool
check_folder(const struct agent_core *c, struct error *reterr)
{
	const char *path = c->config->state.p;
	struct stat st;

	if (lstat(path, &st) != 0)
		return fail(reterr, ERR_FILE_READ, path);
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & 077)) {
		(void)error_set(reterr, ERR_FILE_MODE,
		    (struct span){ .file = path },
		    "`%s` must be a folder of this user's own, mode 0700",
		    path);
		error_hint(reterr, "chmod 700 %s", path);
		return false;
	}
	return true;
}

static bool
open_folder(struct agent_core *c, struct error *reterr)
{
	const char *path = c->config->state.p;

	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return fail(reterr, ERR_FILE_WRITE, path);
	return check_folder(c, reterr);
}

/* ---- the key ------------------------------------------------------------- */

static struct agent_key *
open_key(const char *path, struct error *reterr)
{
	struct agent_key *k = calloc(1, sizeof *k);
	struct str name;

	if (!k) {
		error_nomem(reterr);
		return NULL;
	}
	atomic_store(&k->refs, 1);
	k->key = attest_key_open(path, reterr);
	name = k->key ? prove_key_thumbprint(k->key) : (struct str){ 0 };
	if (name.n == sizeof k->thumbprint - 1) {
		memcpy(k->thumbprint, name.p, name.n);
		return k;
	}
	agent_key_unref(k);
	return NULL;
}

static bool
make_key(struct agent_core *c, const char *path, struct error *reterr)
{
	return attest_key_create(
	    (enum attest_key_type)c->config->key_type, path, reterr);
}

bool
agent_state_open(struct agent_core *c, struct error *reterr)
{
	const char *path = path_in(c, c->a, "instance.key.pem");

	if (!path)
		return error_nomem(reterr);
	if (!open_folder(c, reterr))
		return false;
	if (access(path, F_OK) != 0 && errno == ENOENT &&
	    !make_key(c, path, reterr))
		return false;
	c->key = open_key(path, reterr);
	return c->key != NULL;
}

bool
agent_core_keeps_key(struct agent_core *c, struct error *reterr)
{
	struct arena *a = arena_new(0);
	const char *path = a ? path_in(c, a, "instance.key.pem") : NULL;
	struct agent_key *there = NULL, *mine = agent_core_key(c);
	bool ok = path ? check_folder(c, reterr) : error_nomem(reterr);

	if (ok)
		there = open_key(path, reterr);
	ok =
	    there && (strcmp(there->thumbprint, mine->thumbprint) == 0 ||
			 error_set(reterr, ERR_DATA_MISSING, SPAN_NONE,
			     "`%s` is another key than the machine has", path));
	agent_key_unref(there);
	agent_key_unref(mine);
	arena_free(a);
	return agent_core_forget_place(ok, reterr);
}

bool
agent_state_new_key(struct agent_core *c, struct error *reterr)
{
	struct arena *a = arena_new(0);
	const char *path = a ? path_in(c, a, "instance.key.pem") : NULL;
	const char *next = a ? path_in(c, a, "next.key.pem") : NULL;
	struct agent_key *k = NULL, *former;

	if (!path || !next)
		(void)error_nomem(reterr);
	else if ((unlink(next) == 0 || errno == ENOENT) &&
		 make_key(c, next, reterr)) {
		if (rename(next, path) == 0)
			k = open_key(path, reterr);
		else
			(void)fail(reterr, ERR_FILE_WRITE, path);
	}
	arena_free(a);
	if (!k)
		return error_set(reterr, ERR_FILE_WRITE, SPAN_NONE,
		    "no other key could be made");
	pthread_mutex_lock(&c->lock);
	former = c->key;
	c->key = k;
	pthread_mutex_unlock(&c->lock);
	agent_key_unref(former);
	return true;
}

/* ---- things -------------------------------------------------------------- */

/* An audience may be a URL: its digest is the name. */
static const char *
token_path(struct agent_core *c, struct arena *a, struct str audience)
{
	uint8_t digest[32];
	char name[64] = "token-", *hex = name + 6;

	if (!digest_sha256(&audience, 1, digest))
		return NULL;
	digest_hex(digest, 8, hex);
	memcpy(hex + 16, ".json", 6);
	return path_in(c, a, name);
}

static const char *
item_path(struct agent_core *c, struct arena *a, const struct agent_item *item)
{
	if (item->what == AGENT_CMS)
		return path_in(c, a, "document-cms.json");
	return item->what == AGENT_DOCUMENT ? path_in(c, a, "document.json")
					    : token_path(c, a, item->audience);
}

static json_t *
token_json(const struct agent_item *item)
{
	const struct agent_held *h = &item->kept->held;

	return json_pack("{s:o, s:o, s:s, s:o, s:o}", "audience",
	    json_from_str(item->audience), "token", json_from_str(h->token),
	    "key", h->key->thumbprint, "issuedAt",
	    json_from_time(h->from_s * 1000), "expiresAt",
	    json_from_time(h->until_s * 1000));
}

/* As the service gives it. */
static json_t *
document_json(const struct agent_held *h)
{
	struct buf document = { 0 }, signature = { 0 };
	json_t *j;

	base64_encode(&document, BASE64_URL, h->document);
	base64_encode(&signature, BASE64_URL, h->signature);
	j = json_pack("{s:o, s:o, s:o}", "kind", json_from_str(h->kind),
	    "document", json_from_str(buf_str(&document)), "signature",
	    json_from_str(buf_str(&signature)));
	if (!buf_ok(&document) || !buf_ok(&signature)) {
		json_decref(j);
		j = NULL;
	}
	buf_free(&document);
	buf_free(&signature);
	return j;
}

/* A document of a folder still lies there; SVIDs are short, and exchanged anew;
 * public keys are in their file. */
static bool
is_kept_here(const struct agent_core *c, const struct agent_item *item)
{
	if (agent_what_is_document(item->what))
		return c->config->documents.folder.n == 0;
	return item->what == AGENT_TOKEN || item->what == AGENT_SERVICE_TOKEN;
}

bool
agent_state_save(
    struct agent_core *c, const struct agent_item *item, struct error *reterr)
{
	struct arena *a;
	const char *path;
	struct buf text = { 0 };
	json_t *j;
	bool ok;

	if (!is_kept_here(c, item))
		return true;
	a = arena_new(0);
	path = a ? item_path(c, a, item) : NULL;
	j = agent_what_is_document(item->what)
		? document_json(&item->kept->held)
		: token_json(item);
	ok = (path && j && json_write(&text, j)) || error_nomem(reterr);
	ok = ok && file_replace(path, 0600, buf_str(&text), reterr);
	json_decref(j);
	buf_free(&text);
	arena_free(a);
	return agent_core_forget_place(ok, reterr);
}

static bool
read_json(const char *path, struct arena *a, json_t **ret)
{
	struct str text;

	return path &&
	       file_read_secret(
		   a, path, 4 * LIMIT_DOCUMENT_BYTES, &text, NULL) &&
	       json_parse(text, path, 4 * LIMIT_DOCUMENT_BYTES,
		   LIMIT_HTTP_JSON_DEPTH, JSON_NO_NUL, ret, NULL);
}

static struct agent_kept *
token_of(struct agent_core *c, const struct agent_item *item, const json_t *j)
{
	struct prover_grant g = { .token =
				      json_str(json_object_get(j, "token")) };

	if (g.token.n && prover_read_time(j, "issuedAt", &g.issued_s) &&
	    prover_read_time(j, "expiresAt", &g.expires_s) &&
	    str_eq(json_str(json_object_get(j, "audience")), item->audience) &&
	    str_eq(json_str(json_object_get(j, "key")),
		str_of(c->key->thumbprint)) &&
	    g.expires_s * 1000 > agent_core_now_ms(c))
		return agent_kept_token(c->key, &g, NULL);
	return NULL;
}

/* Verified again: a file is not claims. */
static struct agent_kept *
document_of(struct agent_core *c, const struct agent_item *item,
    struct arena *a, const json_t *j)
{
	struct attest_evidence e;
	struct str kind = json_str(json_object_get(j, "kind"));

	/* Kept in another form than is wanted now, it is of no use. */
	if (!str_eq(kind, attest_form_kind(agent_core_form(c, item->what))))
		return NULL;
	return attest_evidence_from_parts(a, kind,
		   json_str(json_object_get(j, "document")),
		   json_str(json_object_get(j, "signature")), &e, NULL)
		   ? agent_kept_document(c, &e, NULL)
		   : NULL;
}

struct agent_kept *
agent_state_load(struct agent_core *c, const struct agent_item *item)
{
	struct arena *a = is_kept_here(c, item) ? arena_new(0) : NULL;
	struct agent_kept *k = NULL;
	json_t *j = NULL;

	if (a && read_json(item_path(c, a, item), a, &j))
		k = agent_what_is_document(item->what)
			? document_of(c, item, a, j)
			: token_of(c, item, j);
	json_decref(j);
	arena_free(a);
	return k;
}
