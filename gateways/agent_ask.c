/* agent_ask.c - tokens by proof of the key or of the secret that enrols,
 * documents from where they come. */
#include "gateways/agent_core_private.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"

static bool
prove(struct agent_core *c, struct arena *a, enum prove_role role,
    struct str audience, struct str secret, struct prover_grant *ret,
    struct error *reterr)
{
	const struct prover_what what = { .role = role,
		.account = c->config->instance,
		.audience = audience,
		.service = c->config->service.url,
		.key = c->key->key,
		.secret = secret,
		.random = c->random };

	return prover_token(&c->wire, a, &what, ret, reterr);
}

/* ---- the secret that enrols ---------------------------------------------- */

static bool
has_secret(const struct agent_core *c)
{
	return c->config->enrolment.n && !c->enrolled &&
	       (access(c->config->enrolment.p, F_OK) == 0 || errno != ENOENT);
}

/* The 32 bytes that `avow account enrol` wrote. */
static bool
read_secret(const struct agent_core *c, struct arena *a, struct str *ret_text,
    struct str *ret, struct error *reterr)
{
	struct str line;

	if (!file_read_secret(a, c->config->enrolment.p, LIMIT_KEY_FILE_BYTES,
		ret_text, reterr))
		return false;
	line = *ret_text;
	while (line.n &&
	       (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
		line.n--;
	return (base64_decode(a, BASE64_URL, line, ret) &&
		   ret->n == PROVE_SECRET_BYTES) ||
	       error_set(reterr, ERR_CONFIG_VALUE,
		   (struct span){ .file = c->config->enrolment.p },
		   "expected a secret of %u bytes in Base64url",
		   PROVE_SECRET_BYTES);
}

static void
wipe(struct str s)
{
	if (s.n)
		explicit_bzero((char *)(uintptr_t)s.p, s.n);
}

/* It is worth nothing any more; that it lies there would only mislead. */
static void
forget_secret(struct agent_core *c)
{
	c->enrolled = true;
	if (unlink(c->config->enrolment.p) == 0 || errno == ENOENT)
		return;
	log_line(LOG_WARN, "agent.enrolment",
	    "file=\"%.*s\" message=\"the secret is spent, but its file cannot "
	    "be deleted: %s\"",
	    STR_ARG(c->config->enrolment), strerror(errno));
}

/* Refused by what the service thinks of the proof, not for want of a service:
 * then the key may be registered already, by a use of the secret that ended in
 * a crash before its file was gone. */
static bool
may_be_enrolled(const struct error *why)
{
	return error_http(why->code) == 401 || why->code == ERR_ACCOUNT_LIVE;
}

static bool
enrol(struct agent_core *c, struct arena *a, struct str audience,
    struct str secret, struct prover_grant *ret, struct error *reterr)
{
	struct error err = { 0 };

	if (prove(c, a, PROVE_ENROL, audience, secret, ret, &err))
		return true;
	/* A key that has had its time, as on a copied disk. */
	if (err.code == ERR_ACCOUNT_KEY) {
		err = (struct error){ 0 };
		if (agent_state_new_key(c, &err) &&
		    prove(c, a, PROVE_ENROL, audience, secret, ret, &err))
			return true;
	}
	if (may_be_enrolled(&err) &&
	    prove(c, a, PROVE_ACCOUNT, audience, (struct str){ 0 }, ret, NULL))
		return true;
	return error_set(reterr, err.code, err.at, "%s", err.msg);
}

static bool
enrol_by_file(struct agent_core *c, struct arena *a, struct str audience,
    struct prover_grant *ret, struct error *reterr)
{
	struct str text = { 0 }, secret = { 0 };
	bool ok = read_secret(c, a, &text, &secret, reterr) &&
		  enrol(c, a, audience, secret, ret, reterr);

	wipe(text);
	wipe(secret);
	if (ok)
		forget_secret(c);
	return ok;
}

bool
agent_ask_token(struct agent_core *c, struct str audience,
    struct agent_kept **ret, struct error *reterr)
{
	struct arena *a = arena_new(0);
	struct prover_grant g = { 0 };
	bool ok;

	if (!a)
		return error_nomem(reterr);
	ok = has_secret(c) ? enrol_by_file(c, a, audience, &g, reterr)
			   : prove(c, a, PROVE_ACCOUNT, audience,
				 (struct str){ 0 }, &g, reterr);
	if (ok && g.expires_s * 1000 <= agent_core_now_ms(c))
		ok = error_set(reterr, ERR_EVIDENCE_EXPIRED, SPAN_NONE,
		    "the service's token has ended already: compare the "
		    "clocks");
	if (ok) {
		*ret = agent_kept_token(c->key, &g, reterr);
		ok = *ret != NULL;
	}
	arena_free(a);
	return ok;
}

/* ---- documents, from a folder -------------------------------------------- */

static bool
read_part(struct arena *a, struct str folder, const char *name,
    size_t limit_bytes, struct str *ret, struct error *reterr)
{
	struct str path = str_printf(a, "%.*s/%s", STR_ARG(folder), name);

	return path.p ? file_read(a, path.p, limit_bytes, ret, reterr)
		      : error_nomem(reterr);
}

/* Whoever writes them replaces one after the other: between the two the
 * signature is wrong, and the next look finds both. */
static bool
read_document(struct agent_core *c, enum attest_form form, struct arena *a,
    struct attest_evidence *ret, struct error *reterr)
{
	static const char *const names[ATTEST_FORMS] = {
		[ATTEST_DETACHED] = "document.json",
		[ATTEST_EMBEDDED] = "document.json",
		[ATTEST_JWS] = "document.jws",
		[ATTEST_CMS] = "document.p7m",
	};
	struct str folder = c->config->documents.folder;
	struct str document, signature = { 0 };

	return read_part(a, folder, names[form], LIMIT_DOCUMENT_BYTES + 1,
		   &document, reterr) &&
	       (form != ATTEST_DETACHED ||
		   read_part(a, folder, "document.sig",
		       2 * LIMIT_SIGNATURE_BYTES, &signature, reterr)) &&
	       attest_evidence_from_files(
		   a, attest_form_kind(form), document, signature, ret, reterr);
}

static bool
read_or_fetch(struct agent_core *c, enum attest_form form, struct arena *a,
    struct attest_evidence *ret, struct error *reterr)
{
	return c->config->documents.folder.n
		   ? read_document(c, form, a, ret, reterr)
		   : agent_fetch_document(c, form, a, ret, reterr);
}

bool
agent_ask_document(struct agent_core *c, const struct agent_item *item,
    struct agent_kept **ret, struct error *reterr)
{
	struct arena *a = arena_new(0);
	struct attest_evidence e;

	*ret = NULL;
	if (!a)
		return error_nomem(reterr);
	if (read_or_fetch(c, agent_core_form(c, item->what), a, &e, reterr))
		*ret = agent_kept_document(c, &e, reterr);
	arena_free(a);
	return agent_core_forget_place(*ret != NULL, reterr);
}
