#include "base/trace.h"

#define WHOLE 55u /* VV-32-16-FF */

static int
digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
is_hex(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (digit_of(s.p[i]) < 0)
			return false;
	return true;
}

/* Hex, and not all of it 0. */
static bool
is_id(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '0')
			return is_hex(s);
	return false;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t';
}

static struct str
trimmed(struct str s)
{
	while (s.n > 0 && is_space(s.p[s.n - 1]))
		s.n--;
	while (s.n > 0 && is_space(s.p[0]))
		s = str_sub(s, 1, s.n);
	return s;
}

/* What follows the fields of 00 in a later version begins with its dash. */
static bool
has_form(struct str s, struct str version)
{
	if (s.n < WHOLE || s.p[2] != '-' || s.p[35] != '-' || s.p[52] != '-' ||
	    !is_hex(version) || str_eq(version, STR("ff")))
		return false;
	return s.n == WHOLE ||
	       (!str_eq(version, STR("00")) && s.p[WHOLE] == '-');
}

bool
trace_parse(struct str header, struct trace *ret)
{
	struct str s = trimmed(header), version = str_sub(s, 0, 2);
	struct str id = str_sub(s, 3, 35), parent = str_sub(s, 36, 52);
	struct str flags = str_sub(s, 53, WHOLE);
	struct trace t = { 0 };

	if (!has_form(s, version) || !is_id(id) || !is_id(parent) ||
	    !is_hex(flags))
		return false;
	memcpy(t.id, id.p, id.n);
	memcpy(t.parent, parent.p, parent.n);
	t.is_sampled = digit_of(flags.p[1]) & 1;
	*ret = t;
	return true;
}
