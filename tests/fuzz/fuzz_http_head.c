/* fuzz_http_head.c - a request head read as laxly as the HTTP library does,
 * then judged. What is accepted must be what a strict reader would write: put
 * together again it gives the bytes that came. Targets go on to the path rule,
 * headers to the forwarding rule and to the choice of a form; an input that
 * starts with "C" is a configuration instead. */
#include "base/limits.h"
#include "gateways/config.h"
#include "gateways/forwarded.h"
#include "gateways/http_head.h"
#include "gateways/metrics.h"
#include "gateways/path.h"
#include "tests/fuzz/fuzz.h"

const char *__lsan_default_suppressions(void);

/* libfyaml 0.7.12 loses some bytes after an error beside certain quoted
 * scalars. A configuration is read once a reload, and by its owner. */
__attribute__((visibility("default"))) const char *
__lsan_default_suppressions(void)
{
	return "leak:libfyaml";
}

struct lax {
	struct http_request request;
	struct http_header headers[LIMIT_HTTP_FIELDS];
	struct str version;
	const char *target_at;
};

/* The next line; its end, CRLF or LF, becomes NULs. NULL: there is none. */
static char *
next_line(char **at, char *end)
{
	char *line = *at, *lf;

	lf = end > line ? memchr(line, '\n', (size_t)(end - line)) : NULL;
	if (!lf)
		return NULL;
	*lf = '\0';
	if (lf > line && lf[-1] == '\r')
		lf[-1] = '\0';
	*at = lf + 1;
	return line;
}

/* As libmicrohttpd 0.9.75 cuts a request line. */
static bool
cut_line(struct lax *l, char *line, struct arena *a)
{
	size_t n = strlen(line);
	char *space = memchr(line, ' ', n), *version;

	if (!space || n < 4)
		return false;
	*space++ = '\0';
	while (*space == ' ')
		space++;
	version = line + n - 1;
	while (version > space && *version != ' ')
		version--;
	if (version <= space)
		return false;
	*version++ = '\0';
	l->request.method = str_of(line);
	l->target_at = space;
	l->request.target = str_dup(a, str_of(space));
	l->version = str_of(version);
	return true;
}

static bool
cut_field(struct lax *l, char *line)
{
	char *colon = strchr(line, ':');
	struct http_header *h = &l->headers[l->request.n_headers];

	if (!colon || l->request.n_headers == LIMIT_HTTP_FIELDS)
		return false;
	*colon++ = '\0';
	while (*colon == ' ' || *colon == '\t')
		colon++;
	*h = (struct http_header){ str_of(line), str_of(colon) };
	l->request.n_headers++;
	return true;
}

/* False: the library would have refused it by itself. */
static bool
read_lax(struct lax *l, char *head, size_t *n, struct arena *a)
{
	char *at = head, *line = next_line(&at, head + *n);

	l->request.headers = l->headers;
	l->request.arena = a;
	if (!line || !cut_line(l, line, a))
		return false;
	while ((line = next_line(&at, head + *n)) != NULL) {
		if (*line == '\0') {
			*n = (size_t)(at - head);
			return true;
		}
		if (!cut_field(l, line))
			return false;
	}
	return false;
}

/* Spaces before a value are the one thing with more than one form. */
static void
require_same_bytes(const struct lax *l, struct str raw)
{
	const struct http_request *r = &l->request;
	struct buf b = { 0 };

	buf_printf(&b, "%.*s %.*s %.*s\r\n", STR_ARG(r->method),
	    STR_ARG(r->target), STR_ARG(l->version));
	for (size_t i = 0; i < r->n_headers; i++) {
		const struct http_header *h = &l->headers[i];

		buf_add(&b, h->name);
		buf_byte(&b, ':');
		for (const char *p = h->name.p + h->name.n + 1; p < h->value.p;
		     p++)
			buf_byte(&b, ' ');
		buf_add(&b, h->value);
		buf_addz(&b, "\r\n");
	}
	buf_addz(&b, "\r\n");
	must(buf_ok(&b) && str_eq(buf_str(&b), raw));
	buf_free(&b);
}

/* What alone is not told apart, see http_head.h: the bytes that the library
 * makes NULs are gone. */
static bool
is_told_apart(struct str raw)
{
	return !memmem(raw.p, raw.n, "\0\n", 2) &&
	       !memmem(raw.p, raw.n, "\n\0", 2) &&
	       !(raw.n >= 4 && memcmp(raw.p + raw.n - 4, "\0\r\n\n", 4) == 0);
}

static void
try_path(struct arena *a, struct str target)
{
	struct gateways_path p, again;

	if (!gateways_path_check(a, target, &p, NULL))
		return;
	must(p.path.n > 0 && p.path.p[0] == '/' && str_is_utf8(p.path));
	must(memmem(p.path.p, p.path.n, "//", 2) == NULL);
	must(memmem(p.path.p, p.path.n, "/../", 4) == NULL);
	must(memmem(p.path.p, p.path.n, "/./", 3) == NULL);
	must(!str_has_suffix(p.path, STR("/..")));
	must(str_find(p.path, '\\', 0) == p.path.n);
	must(str_find(p.path, '%', 0) == p.path.n);
	/* Where nothing needs encoding, it stays what it is. */
	if (gateways_path_check(a, p.path, &again, NULL) && !again.query.n)
		must(str_eq(again.path, p.path) ||
		     str_find(p.path, '?', 0) < p.path.n);
	(void)gateways_package_attrs(p.path);
}

static void
try_forwarded(struct http_request *r)
{
	struct net_cidr proxy;
	const struct config c = { .proxies = { &proxy, 1 },
		.client_address = STR_INIT("X-Forwarded-For") };
	struct gateways_client client;
	struct gateways_original original;

	must(net_parse_cidr(STR("10.0.0.0/8"), &proxy));
	must(net_parse_addr(STR("10.0.0.1"), &r->peer));
	if (gateways_forwarded_client(
		r, &c, GATEWAYS_PROXIES_ONLY, &client, NULL))
		must(client.address.family != 0 && client.is_forwarded);
	if (gateways_forwarded_original(r, &original, NULL))
		try_path(r->arena, original.target);
}

static void
try_head(struct arena *a, struct str raw)
{
	const struct http_head_rules rules = { .body_limit = 1000 };
	struct lax l = { 0 };
	char *head = arena_alloc(a, raw.n + 1);
	size_t n = raw.n, body = 0;

	must(head != NULL);
	memcpy(head, raw.p, raw.n);
	if (!read_lax(&l, head, &n, a))
		return;
	if (!http_head_is_exact(head, n, l.request.method, l.target_at,
		l.request.target.n, l.version, l.headers, l.request.n_headers))
		return;
	if (is_told_apart(str_sub(raw, 0, n)))
		require_same_bytes(&l, str_sub(raw, 0, n));
	if (http_head_check(&l.request, l.version, &rules, &body).status)
		return;
	must(body <= rules.body_limit);
	must(http_header_count(&l.request, "transfer-encoding") == 0);
	must(http_header_count(&l.request, "content-length") <= 1);
	(void)metrics_form_of(http_header(&l.request, "accept"));
	try_path(a, l.request.target);
	try_forwarded(&l.request);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(64u << 20);
	struct str raw = { (const char *)data, size };
	struct errors errors = { 0 };

	must(a != NULL);
	if (size > 0 && data[0] == 'C') {
		const struct config *c =
		    config_parse(a, "f", str_sub(raw, 1, size), &errors);

		must((c != NULL) == (errors.n == 0));
	} else {
		try_head(a, raw);
		try_path(a, raw);
	}
	arena_free(a);
	return 0;
}
