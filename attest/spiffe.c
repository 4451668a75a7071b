/* spiffe.c - SPIFFE ids, by the letter: whatever two readers could take for
 * different ids, or for the same, is none. */
#include "attest/spiffe.h"

#include "attest/attest.h"
#include "base/limits.h"

#define SCHEME "spiffe://"
#define INSTANCE "/instance/"
#define ID_BYTES 2048u

static bool
is_small(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
	       c == '-' || c == '_';
}

bool
spiffe_trust_domain_is_valid(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_small(s.p[i]))
			return false;
	return s.n > 0 && s.n <= LIMIT_TRUST_DOMAIN;
}

static bool
is_segment(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_small(s.p[i]) && !(s.p[i] >= 'A' && s.p[i] <= 'Z'))
			return false;
	return s.n > 0 && !str_eq(s, STR(".")) && !str_eq(s, STR(".."));
}

/* Empty, or `/a/b`. */
static bool
is_path(struct str path)
{
	for (size_t at = 0; at < path.n;) {
		size_t end = str_find(path, '/', at + 1);

		if (path.p[at] != '/' ||
		    !is_segment(str_sub(path, at + 1, end)))
			return false;
		at = end;
	}
	return true;
}

bool
spiffe_id_parse(
    struct str id, struct str *ret_trust_domain, struct str *ret_path)
{
	struct str rest = str_sub(id, sizeof SCHEME - 1, id.n);
	size_t slash = str_find(rest, '/', 0);
	struct str domain = str_sub(rest, 0, slash);
	struct str path = str_sub(rest, slash, rest.n);

	if (!str_has_prefix(id, STR(SCHEME)) || id.n > ID_BYTES ||
	    !spiffe_trust_domain_is_valid(domain) || !is_path(path))
		return false;
	*ret_trust_domain = domain;
	*ret_path = path;
	return true;
}

void
spiffe_id_write(struct buf *out, struct str trust_domain, struct str id)
{
	buf_addz(out, SCHEME);
	buf_add(out, trust_domain);
	buf_addz(out, INSTANCE);
	buf_add(out, id);
}

bool
spiffe_instance(struct str path, struct str *ret_id)
{
	struct str id = str_sub(path, sizeof INSTANCE - 1, path.n);

	if (!str_has_prefix(path, STR(INSTANCE)) ||
	    !attest_instance_id_is_valid(id))
		return false;
	*ret_id = id;
	return true;
}
