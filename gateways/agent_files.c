#include "gateways/agent_files.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/file.h"
#include "base/limits.h"

static bool
is_there(const char *path, unsigned mode, struct str content)
{
	struct arena *a = arena_new(0);
	struct str now;
	struct stat st;
	bool same = a && lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
		    (st.st_mode & 07777) == mode &&
		    file_read(a, path, content.n + 1, &now, NULL) &&
		    str_eq(now, content);

	arena_free(a);
	return same;
}

static bool
take_away(const char *path, bool *changed, struct error *reterr)
{
	if (unlink(path) == 0)
		*changed = true;
	else if (errno != ENOENT)
		return error_set(reterr, ERR_FILE_WRITE, SPAN_NONE,
		    "cannot delete %s: %s", path, strerror(errno));
	return true;
}

/* `content` without bytes at all (NULL): there is to be no such file. */
static bool
put(const char *path, unsigned mode, struct str content, bool *changed,
    struct error *reterr)
{
	if (!content.p)
		return take_away(path, changed, reterr);
	if (is_there(path, mode, content))
		return true;
	if (!file_replace(path, mode, content, reterr))
		return false;
	*changed = true;
	return true;
}

static bool
needs_pack(const struct agent_held *h, struct error *reterr)
{
	return h->pack.n > 0 ||
	       error_set(reterr, ERR_EVIDENCE_TOO_LARGE, SPAN_NONE,
		   "the document is too long for a pack of %u bytes",
		   LIMIT_PACK_BYTES);
}

static bool
put_variable(const struct agent_file *f, const char *name, struct str value,
    bool *changed, struct error *reterr)
{
	struct buf path = { 0 };
	bool ok;

	buf_printf(&path, "%.*s/%s", STR_ARG(f->path), name);
	ok = buf_ok(&path) ? put(path.p, f->mode, value, changed, reterr)
			   : error_nomem(reterr);
	buf_free(&path);
	if (!ok && reterr)
		reterr->at = SPAN_NONE; /* its message names the file */
	return ok;
}

static bool
put_variables(const struct agent_file *f, struct str login, struct str pack,
    bool *changed, struct error *reterr)
{
	return put_variable(f, "avow_login", login, changed, reterr) &&
	       put_variable(f, "avow_pack", pack, changed, reterr);
}

/* Who reads this file and shows what stands there as it is: apt, dnf, curl,
 * nginx. NULL: nobody; it is a document for programs that know what it is. */
static const char *
shower(const struct agent_file *f)
{
	static const char *const forms[] = { [AGENT_FORM_PLAIN] = NULL,
		[AGENT_FORM_HEADER] = "curl",
		[AGENT_FORM_CURL] = "curl",
		[AGENT_FORM_NGINX] = "nginx" };

	switch ((int)f->kind) {
	case AGENT_FILE_APT:
		return "apt";
	case AGENT_FILE_DNF:
		return "dnf";
	case AGENT_FILE_PACK:
		return forms[f->form];
	default:
		return NULL;
	}
}

/* They can prove no key: no gate takes a document that is bound to one from
 * them. So it is not written, and what stood there before it goes, too: the
 * issuer has another in its place. nginx's file is emptied, since it would not
 * start without one that it includes. */
static bool
refuse_bound(const struct agent_file *f, bool *changed, struct error *reterr)
{
	struct str none = { 0 };
	bool gone;

	if (f->kind == AGENT_FILE_PACK && f->form == AGENT_FORM_NGINX)
		none = STR("");
	gone = f->kind == AGENT_FILE_DNF
		   ? put_variables(f, none, none, changed, reterr)
		   : put(f->path.p, f->mode, none, changed, reterr);
	return gone &&
	       error_set(reterr, ERR_EVIDENCE_PROOF, SPAN_NONE,
		   "the document is bound to a key, and %s can prove none: "
		   "let it take the agent's proxy instead of %.*s",
		   shower(f), STR_ARG(f->path));
}

static void
add_machines(const struct agent_file *f, struct str instance,
    const struct agent_held *h, struct buf *out)
{
	for (size_t i = 0; i < f->repositories.n; i++)
		buf_printf(out, "machine %.*s login %.*s password %.*s\n",
		    STR_ARG(f->repositories.items[i]), STR_ARG(instance),
		    STR_ARG(h->pack));
}

/* As a client would show it; neither a token nor a pack has a byte that these
 * would read otherwise. */
static void
add_shown(
    const struct agent_file *f, const struct agent_held *h, struct buf *out)
{
	bool is_pack = f->kind == AGENT_FILE_PACK;
	struct str what = is_pack ? h->pack : h->token;
	const char *name = is_pack ? "X-Avow-Pack" : "Authorization";
	const char *scheme = is_pack ? "" : "Bearer ";

	switch (f->form) {
	case AGENT_FORM_PLAIN:
		buf_printf(out, "%.*s\n", STR_ARG(what));
		return;
	case AGENT_FORM_HEADER:
		buf_printf(out, "%s: %s%.*s\n", name, scheme, STR_ARG(what));
		return;
	case AGENT_FORM_CURL:
		buf_printf(out, "header = \"%s: %s%.*s\"\n", name, scheme,
		    STR_ARG(what));
		return;
	case AGENT_FORM_NGINX:
		buf_printf(out, "proxy_set_header %s \"%s%.*s\";\n", name,
		    scheme, STR_ARG(what));
		return;
	}
}

static void
add_content(const struct agent_file *f, struct str instance,
    const struct agent_held *h, struct buf *out)
{
	switch (f->kind) {
	case AGENT_FILE_APT:
		add_machines(f, instance, h, out);
		return;
	case AGENT_FILE_TOKEN:
	case AGENT_FILE_WIT_SVID:
		buf_printf(out, "%.*s\n", STR_ARG(h->token));
		return;
	case AGENT_FILE_DOCUMENT:
		buf_add(out, h->document);
		return;
	case AGENT_FILE_SIGNATURE:
		base64_encode(out, BASE64_STANDARD, h->signature);
		buf_byte(out, '\n');
		return;
	case AGENT_FILE_PACK:
	case AGENT_FILE_JWT_SVID:
		add_shown(f, h, out);
		return;
	case AGENT_FILE_KEYS:
	case AGENT_FILE_BUNDLE:
		buf_add(out, h->keys);
		return;
	case AGENT_FILE_DNF: /* a folder */
	case AGENT_FILE_NONE:
		return;
	}
}

bool
agent_files_write(const struct agent_file *f, struct str instance,
    const struct agent_held *h, bool *ret_changed, struct error *reterr)
{
	bool is_password =
	    f->kind == AGENT_FILE_APT || f->kind == AGENT_FILE_DNF;
	struct buf text = { 0 };
	bool ok;

	*ret_changed = false;
	if (shower(f) && claims_has_cnf(h->claims))
		return refuse_bound(f, ret_changed, reterr);
	if ((is_password || f->kind == AGENT_FILE_PACK) &&
	    !needs_pack(h, reterr))
		return false;
	if (f->kind == AGENT_FILE_DNF)
		return put_variables(f, instance, h->pack, ret_changed, reterr);
	add_content(f, instance, h, &text);
	ok = buf_ok(&text)
		 ? put(f->path.p, f->mode, buf_str(&text), ret_changed, reterr)
		 : error_nomem(reterr);
	buf_free(&text);
	return ok;
}
