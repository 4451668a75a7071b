/* iam_text.c - IAM's strings: wildcards, `${variables}`, and how ours are
 * written from them. Source: the IAM user's guide, "Policy elements: variables
 * and tags", "Resource" and "Condition operators". */
#include <ctype.h>

#include "base/limits.h"
#include "policy/iam.h"
#include "policy/literal.h"

struct reading {
	struct iam *im;
	const json_t *at;
	struct str s;
	enum iam_wild wild;
	bool lower;
	struct iam_part *parts;
	size_t n, cap;
};

static struct str
to_lower(struct arena *a, struct str s)
{
	struct str copy = str_dup(a, s);

	for (size_t i = 0; copy.p && i < copy.n; i++)
		((char *)(uintptr_t)copy.p)[i] =
		    (char)tolower((unsigned char)copy.p[i]);
	return copy;
}

static bool
push(struct reading *r, enum iam_part_kind kind, struct str text)
{
	struct iam *im = r->im;

	if (kind == IAM_LITERAL && text.n == 0)
		return true;
	if (kind == IAM_VARIABLE || (kind == IAM_LITERAL && r->lower))
		text = to_lower(im->arena, text);
	if (kind == IAM_LITERAL && r->n > 0 &&
	    r->parts[r->n - 1].kind == IAM_LITERAL) {
		struct str *last = &r->parts[r->n - 1].text;

		text = str_printf(
		    im->arena, "%.*s%.*s", STR_ARG(*last), STR_ARG(text));
		r->n--;
	}
	if (!ARENA_PUSH_ROOM(im->arena, r->parts, r->n, r->cap) ||
	    ((kind == IAM_LITERAL || kind == IAM_VARIABLE) && !text.p))
		return iam_refuse(
		    im, r->at, false, ERR_LIMIT_MEMORY, "memory ran out");
	r->parts[r->n++] = (struct iam_part){ kind, text };
	return true;
}

/* `${…}` at *at, which moves behind it. */
static bool
read_variable(struct reading *r, size_t *at)
{
	size_t end = str_find(r->s, '}', *at);
	struct str name = str_sub(r->s, *at + 2, end);

	if (end == r->s.n)
		return iam_refuse(r->im, r->at, false, ERR_IMPORT_SHAPE,
		    "expected `}` after `${`");
	*at = end + 1;
	if (str_eq(name, STR("*")) || str_eq(name, STR("?")) ||
	    str_eq(name, STR("$")))
		return push(r, IAM_LITERAL, name);
	if (str_find(name, ',', 0) < name.n)
		return iam_refuse(r->im, r->at, false, ERR_IMPORT_INEXACT,
		    "a variable with a default value cannot be said");
	if (name.n == 0 || str_find(name, ' ', 0) < name.n)
		return iam_refuse(r->im, r->at, false, ERR_IMPORT_SHAPE,
		    "expected the name of a condition key after `${`");
	return push(r, IAM_VARIABLE, name);
}

static bool
read_part(struct reading *r, size_t *at)
{
	bool variables = r->im->has_variables;
	size_t from = *at;

	if (r->wild && r->s.p[from] == '*') {
		(*at)++;
		return push(r, IAM_STAR, STR(""));
	}
	if (r->wild && r->s.p[from] == '?') {
		(*at)++;
		return push(r, IAM_ANY, STR(""));
	}
	if (variables && str_has_prefix(str_sub(r->s, from, r->s.n), STR("${")))
		return read_variable(r, at);
	do
		(*at)++;
	while (*at < r->s.n &&
	       !(r->wild && (r->s.p[*at] == '*' || r->s.p[*at] == '?')) &&
	       !(variables && r->s.p[*at] == '$'));
	return push(r, IAM_LITERAL, str_sub(r->s, from, *at));
}

bool
iam_text_read(struct iam *im, const json_t *string, enum iam_wild wild,
    bool lower, struct iam_text *ret)
{
	struct reading r = {
		.im = im, .at = string, .wild = wild, .lower = lower
	};
	size_t at = 0;

	if (!json_is_string(string))
		return iam_refuse(
		    im, string, false, ERR_IMPORT_SHAPE, "expected a string");
	r.s = json_str(string);
	while (at < r.s.n)
		if (!read_part(&r, &at))
			return false;
	*ret = (struct iam_text){ .parts = r.parts, .n = r.n, .at = string };
	for (size_t i = 0; i < r.n; i++) {
		ret->has_star |= r.parts[i].kind == IAM_STAR;
		ret->has_any |= r.parts[i].kind == IAM_ANY;
		ret->has_variable |= r.parts[i].kind == IAM_VARIABLE;
	}
	return true;
}

bool
iam_texts_read(struct iam *im, const json_t *list, enum iam_wild wild,
    bool lower, const struct iam_text **ret, size_t *ret_n)
{
	size_t n = json_is_array(list) ? json_array_size(list) : 1;
	struct iam_text *texts = ARENA_ARRAY(im->arena, n, struct iam_text);
	bool ok = true;

	if (n == 0)
		return iam_refuse(im, list, false, ERR_IMPORT_SHAPE,
		    "expected at least one string");
	if (!texts)
		return iam_refuse(
		    im, list, false, ERR_LIMIT_MEMORY, "memory ran out");
	for (size_t i = 0; i < n; i++)
		ok = iam_text_read(im,
			 json_is_array(list) ? json_array_get(list, i) : list,
			 wild, lower, &texts[i]) &&
		     ok;
	*ret = texts;
	*ret_n = n;
	return ok;
}

/* ---- writing ------------------------------------------------------------ */

static void
write_parts(
    struct buf *out, const struct iam_text *t, enum literal_escapes escapes)
{
	struct buf path = { 0 };

	buf_byte(out, '"');
	for (size_t i = 0; i < t->n; i++) {
		const struct iam_part *p = &t->parts[i];

		if (p->kind == IAM_LITERAL)
			literal_escape(out, p->text, escapes);
		else if (p->kind == IAM_STAR)
			buf_byte(out, '*');
		else if (p->kind == IAM_VARIABLE) {
			path.n = 0;
			buf_addz(&path, "${");
			iam_write_key(&path, p->text);
			buf_byte(&path, '}');
			literal_escape(out, buf_str(&path), LITERAL_STRING);
		}
	}
	buf_byte(out, '"');
	out->failed = out->failed || path.failed;
	buf_free(&path);
}

void
iam_write_string(struct buf *out, const struct iam_text *t)
{
	write_parts(out, t, LITERAL_STRING);
}

void
iam_write_pattern(struct buf *out, const struct iam_text *t)
{
	write_parts(out, t, LITERAL_PATTERN);
}

void
iam_write_scope_pattern(struct buf *out, const struct iam_text *t)
{
	write_parts(out, t, LITERAL_SCOPE);
}

/* ---- regular expressions ------------------------------------------------ */

#define ARN_PARTS 6

struct regex {
	struct buf text;
	enum iam_regex how;
	unsigned part; /* of an ARN, from 1 */
	bool odd;      /* a letter whose other case is not certain */
};

static void
write_byte(struct regex *r, char c)
{
	static const struct str special = STR_INIT("\\^$.[]|()?*+{}#-&~ ");

	if (c == ':')
		r->part++;
	if ((unsigned char)c >= 0x80)
		r->odd = true;
	if (r->how == IAM_REGEX_NO_CASE && isalpha((unsigned char)c)) {
		char both[] = { '[', (char)toupper((unsigned char)c),
			(char)tolower((unsigned char)c), ']', '\0' };

		buf_addz(&r->text, both);
		return;
	}
	if (str_find(special, c, 0) < special.n)
		buf_byte(&r->text, '\\');
	buf_byte(&r->text, c);
}

static void
write_alternative(struct regex *r, const struct iam_text *t)
{
	r->part = 1;
	for (size_t i = 0; i < t->n; i++) {
		const struct iam_part *p = &t->parts[i];
		bool inner = r->how == IAM_REGEX_ARN && r->part < ARN_PARTS;

		if (p->kind == IAM_STAR)
			buf_addz(&r->text, inner ? "[^:]*" : ".*");
		else if (p->kind == IAM_ANY)
			buf_addz(&r->text, inner ? "[^:]" : ".");
		for (size_t j = 0; p->kind == IAM_LITERAL && j < p->text.n; j++)
			write_byte(r, p->text.p[j]);
	}
}

bool
iam_write_regex(struct iam *im, struct buf *out, const struct iam_text *texts,
    size_t n, enum iam_regex how)
{
	struct regex r = { .how = how };
	bool ok = true;

	buf_addz(&r.text, "\\A(?s:");
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_byte(&r.text, '|');
		write_alternative(&r, &texts[i]);
	}
	buf_addz(&r.text, ")\\z");
	if (r.odd && how == IAM_REGEX_NO_CASE)
		ok = iam_refuse(im, texts[0].at, false, ERR_IMPORT_INEXACT,
		    "letters beyond ASCII have no certain other case");
	else if (r.text.n > LIMIT_PATTERN_BYTES)
		ok = iam_refuse(im, texts[0].at, false, ERR_IMPORT_INEXACT,
		    "these values need a pattern of %zu bytes, the limit is %u",
		    r.text.n, LIMIT_PATTERN_BYTES);
	buf_byte(out, '"');
	literal_escape(out, buf_str(&r.text), LITERAL_STRING);
	buf_byte(out, '"');
	out->failed = out->failed || r.text.failed;
	buf_free(&r.text);
	return ok;
}

bool
iam_is_inner_wild(const struct iam_text *t)
{
	unsigned part = 1;

	for (size_t i = 0; i < t->n && part < ARN_PARTS; i++) {
		const struct iam_part *p = &t->parts[i];
		const struct iam_part *next =
		    i + 1 < t->n ? &t->parts[i + 1] : NULL;

		for (size_t j = 0; p->kind == IAM_LITERAL && j < p->text.n; j++)
			part += p->text.p[j] == ':';
		if (part < ARN_PARTS && p->kind == IAM_STAR && next &&
		    !(next->kind == IAM_LITERAL && next->text.p[0] == ':'))
			return true;
	}
	return false;
}
