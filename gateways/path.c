/* path.c - the path rule, longest prefixes, package names.
 * Two passes over segments: first each raw segment is decoded and checked by
 * itself, then what is kept goes to the output. A raw segment is all that a
 * server could see as one, since encoded '/' and '\' are refused. */
#include "gateways/path.h"

#include "base/limits.h"

static bool
refuse(struct error *reterr, const char *why)
{
	return error_set(reterr, ERR_REQUEST_PATH, SPAN_NONE, "%s", why);
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Never in a path, raw or decoded; NULL for other bytes. */
static const char *
bad_byte(unsigned char c)
{
	if (c < 0x20 || c == 0x7f)
		return "the path has a control byte";
	if (c == '\\')
		return "the path has a backslash";
	if (c == ';')
		return "the path has a semicolon";
	if (c == '#')
		return "the path has a number sign";
	return NULL;
}

/* Decode one raw segment to `to` (room for raw.n). */
static bool
decode(struct str raw, char *to, size_t *ret_n, struct error *reterr)
{
	const char *why;
	size_t n = 0;
	int c, low;

	for (size_t i = 0; i < raw.n; i++) {
		c = (unsigned char)raw.p[i];
		if (c == ' ')
			return refuse(reterr, "the path has a raw space");
		if (c == '%') {
			c = i + 2 < raw.n ? hex(raw.p[i + 1]) : -1;
			low = i + 2 < raw.n ? hex(raw.p[i + 2]) : -1;
			if (c < 0 || low < 0)
				return refuse(reterr,
				    "the path has a % without two hex digits");
			c = c * 16 + low;
			i += 2;
			if (c == '/' || c == '%')
				return refuse(
				    reterr, "the path has an encoded / or %");
		}
		why = bad_byte((unsigned char)c);
		if (why)
			return refuse(reterr, why);
		to[n++] = (char)c;
	}
	*ret_n = n;
	return true;
}

static bool
check_query(struct str query, struct error *reterr)
{
	for (size_t i = 0; i < query.n; i++) {
		unsigned char c = (unsigned char)query.p[i];

		if (c <= 0x20 || c == 0x7f || c == '#')
			return refuse(reterr,
			    "the query has a space, a control byte or #");
	}
	return str_is_utf8(query) || refuse(reterr, "the query is not UTF-8");
}

/* One raw segment onto `out` at *n. `is_last`: nothing follows it. */
static bool
add_segment(
    struct str raw, bool is_last, char *out, size_t *n, struct error *reterr)
{
	size_t len;
	char *to = out + *n;

	if (raw.n == 0 && !is_last)
		return refuse(reterr, "the path has an empty segment");
	if (!decode(raw, to, &len, reterr))
		return false;
	if (len == 2 && to[0] == '.' && to[1] == '.')
		return refuse(reterr, "the path has a `..` segment");
	if (len == 1 && to[0] == '.') {
		if (raw.n != 1)
			return refuse(
			    reterr, "the path has an encoded `.` segment");
		return true; /* dropped: `/a/./b` is `/a/b`, `/a/.` is `/a/` */
	}
	*n += len;
	if (!is_last)
		out[(*n)++] = '/';
	return true;
}

bool
gateways_path_check(struct arena *a, struct str raw_target,
    struct gateways_path *ret, struct error *reterr)
{
	size_t mark = str_find(raw_target, '?', 0);
	struct str raw = str_sub(raw_target, 0, mark);
	struct str query = str_sub(raw_target, mark + 1, raw_target.n);
	struct gateways_path got;
	size_t n = 1, end;
	char *out;

	if (raw.n == 0 || raw.p[0] != '/')
		return refuse(reterr, "the path does not start with /");
	if (raw.n > LIMIT_PATH_BYTES)
		return error_set(reterr, ERR_REQUEST_PATH, SPAN_NONE,
		    "the path is %zu bytes, the limit is %u", raw.n,
		    LIMIT_PATH_BYTES);
	if (!check_query(query, reterr))
		return false;
	out = arena_alloc(a, raw.n + 1);
	if (!out)
		return error_nomem(reterr);
	out[0] = '/';
	for (size_t at = 1; at <= raw.n; at = end + 1) {
		end = str_find(raw, '/', at);
		if (!add_segment(
			str_sub(raw, at, end), end == raw.n, out, &n, reterr))
			return false;
	}
	got.path = (struct str){ out, n };
	if (!str_is_utf8(got.path))
		return refuse(reterr, "the path is not UTF-8");
	got.query = str_dup(a, query);
	if (query.n && !got.query.p)
		return error_nomem(reterr);
	*ret = got;
	return true;
}

/* `path` lies under `prefix` (`/a/b/`); `/a/b` itself does too. */
static bool
is_under(struct str path, struct str prefix)
{
	return str_has_prefix(path, prefix) ||
	       str_eq(path, str_sub(prefix, 0, prefix.n - 1));
}

const struct config_repository *
gateways_path_repository(const struct config_repository *repositories, size_t n,
    struct str path, struct str *ret_rest)
{
	const struct config_repository *best = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct config_repository *r = &repositories[i];

		if (is_under(path, r->prefix) &&
		    (!best || r->prefix.n > best->prefix.n))
			best = r;
	}
	if (best)
		*ret_rest = str_sub(path, best->prefix.n, path.n);
	return best;
}

const struct config_repository *
gateways_path_gate(const struct config *c, struct str path,
    const struct config_gate **ret_gate, struct str *ret_rest)
{
	const struct config_repository *best = NULL, *r;
	struct str rest;

	for (size_t i = 0; i < c->n_gates; i++) {
		r = gateways_path_repository(c->gates[i].repositories,
		    c->gates[i].n_repositories, path, &rest);
		if (!r || (best && r->prefix.n <= best->prefix.n))
			continue;
		best = r;
		*ret_gate = &c->gates[i];
		*ret_rest = rest;
	}
	return best;
}

/* ---- what file names tell ------------------------------------------------ */

static bool
is_index_name(struct str name)
{
	static const struct str stems[] = { STR_INIT("Packages"),
		STR_INIT("Sources"), STR_INIT("Release"),
		STR_INIT("InRelease") };
	static const struct str starts[] = { STR_INIT("Contents-"),
		STR_INIT("Translation-"), STR_INIT("Components-"),
		STR_INIT("Commands-") };

	for (size_t i = 0; i < ARRAY_LEN(stems); i++)
		if (str_has_prefix(name, stems[i]) &&
		    (name.n == stems[i].n || name.p[stems[i].n] == '.'))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(starts); i++)
		if (str_has_prefix(name, starts[i]))
			return true;
	return str_eq(name, STR("repomd.xml"));
}

/* A folder that holds nothing but indexes. */
static bool
is_index_folder(struct str name)
{
	return str_eq(name, STR("by-hash")) || str_eq(name, STR("repodata")) ||
	       (str_has_suffix(name, STR(".diff")) && is_index_name(name));
}

static size_t
find_last(struct str s, char c, size_t before)
{
	for (size_t i = before; i > 0; i--)
		if (s.p[i - 1] == c)
			return i - 1;
	return s.n;
}

/* NAME_VERSION_ARCH, two underscores and nothing empty. */
static void
split_deb(struct str stem, struct gateways_package *p)
{
	size_t one = str_find(stem, '_', 0);
	size_t two = str_find(stem, '_', one + 1);

	if (one == 0 || two >= stem.n - 1 || two == one + 1 ||
	    str_find(stem, '_', two + 1) != stem.n)
		return;
	p->name = str_sub(stem, 0, one);
	p->version = str_sub(stem, one + 1, two);
	p->architecture = str_sub(stem, two + 1, stem.n);
}

/* NAME-VERSION-RELEASE.ARCH; NAME may hold hyphens. */
static void
split_rpm(struct str stem, struct gateways_package *p)
{
	size_t dot = find_last(stem, '.', stem.n);
	size_t release = find_last(stem, '-', dot);
	size_t version;

	if (dot == stem.n || release == stem.n)
		return;
	version = find_last(stem, '-', release);
	if (version == stem.n || version == 0 || version + 1 == release ||
	    release + 1 == dot || dot + 1 == stem.n)
		return;
	p->name = str_sub(stem, 0, version);
	p->version = str_sub(stem, version + 1, dot);
	p->architecture = str_sub(stem, dot + 1, stem.n);
}

struct gateways_package
gateways_package_attrs(struct str path)
{
	static const struct {
		struct str suffix;
		void (*split)(struct str stem, struct gateways_package *p);
	} forms[] = { { STR_INIT(".deb"), split_deb },
		{ STR_INIT(".udeb"), split_deb },
		{ STR_INIT(".ddeb"), split_deb },
		{ STR_INIT(".rpm"), split_rpm } };
	struct gateways_package p = { .kind = "other" };
	size_t at = 0, end;

	for (; (end = str_find(path, '/', at)) < path.n; at = end + 1)
		if (is_index_folder(str_sub(path, at, end)))
			p.kind = "index";
	path = str_sub(path, at, path.n);
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		if (!str_has_suffix(path, forms[i].suffix))
			continue;
		p.kind = "package";
		forms[i].split(
		    str_sub(path, 0, path.n - forms[i].suffix.n), &p);
		return p;
	}
	if (is_index_name(path))
		p.kind = "index";
	return p;
}
