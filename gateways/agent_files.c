#include "gateways/agent_files.h"

#include <sys/stat.h>

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
put(const char *path, unsigned mode, struct str content, bool *changed,
    struct error *reterr)
{
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
write_variables(const struct agent_file *f, struct str instance,
    const struct agent_held *h, bool *changed, struct error *reterr)
{
	struct buf login = { 0 }, pack = { 0 };
	bool ok;

	buf_printf(&login, "%.*s/avow_login", STR_ARG(f->path));
	buf_printf(&pack, "%.*s/avow_pack", STR_ARG(f->path));
	ok = (buf_ok(&login) && buf_ok(&pack)) || error_nomem(reterr);
	ok = ok && put(login.p, f->mode, instance, changed, reterr) &&
	     put(pack.p, f->mode, h->pack, changed, reterr);
	buf_free(&login);
	buf_free(&pack);
	if (!ok && reterr)
		reterr->at = SPAN_NONE; /* its message names the file */
	return ok;
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
	bool packs = f->kind == AGENT_FILE_APT || f->kind == AGENT_FILE_DNF ||
		     f->kind == AGENT_FILE_PACK;
	struct buf text = { 0 };
	bool ok;

	*ret_changed = false;
	if (packs && !needs_pack(h, reterr))
		return false;
	if (f->kind == AGENT_FILE_DNF)
		return write_variables(f, instance, h, ret_changed, reterr);
	add_content(f, instance, h, &text);
	ok = buf_ok(&text)
		 ? put(f->path.p, f->mode, buf_str(&text), ret_changed, reterr)
		 : error_nomem(reterr);
	buf_free(&text);
	return ok;
}
