/* json_places.c - text and tree are walked together, in the order of the text.
 * The text has been parsed already, so the scan looks for the ends of tokens
 * only; should it meet anything else, the tree is of another text and it says
 * so. Recursion is as deep as the tree, which json_parse has bounded. */
#include "base/json_places.h"

struct slot {
	const json_t *value;
	struct json_place place;
};

struct json_places {
	struct slot *slots;
	size_t mask;
};

struct walk {
	struct str text;
	size_t at;
	struct json_places *places;
};

static size_t
count_values(const json_t *v)
{
	size_t n = 1, i;
	const char *key;
	json_t *child;

	json_array_foreach (v, i, child)
		n += count_values(child);
	json_object_foreach ((json_t *)(uintptr_t)v, key, child)
		n += count_values(child);
	return n;
}

/* Addresses are no secret of an outsider's choosing; mixing spreads them. */
static size_t
start(const struct json_places *p, const json_t *v)
{
	uint64_t h = (uint64_t)(uintptr_t)v * 0x9e3779b97f4a7c15u;

	return (size_t)(h >> 24) & p->mask;
}

static void
note(struct json_places *p, const json_t *v, struct json_place place)
{
	size_t i = start(p, v);

	if (json_is_boolean(v) || json_is_null(v))
		return;
	while (p->slots[i].value)
		i = (i + 1) & p->mask;
	p->slots[i] = (struct slot){ v, place };
}

static char
peek(struct walk *w)
{
	static const struct str blanks = STR_INIT(" \t\r\n");

	while (w->at < w->text.n &&
	       str_find(blanks, w->text.p[w->at], 0) < blanks.n)
		w->at++;
	return w->at < w->text.n ? w->text.p[w->at] : '\0';
}

static bool
skip(struct walk *w, char c)
{
	if (peek(w) != c)
		return false;
	w->at++;
	return true;
}

static bool
skip_string(struct walk *w)
{
	if (!skip(w, '"'))
		return false;
	while (w->at < w->text.n && w->text.p[w->at] != '"')
		w->at += w->text.p[w->at] == '\\' ? 2 : 1;
	return w->at++ < w->text.n;
}

/* A number or a word. */
static bool
skip_word(struct walk *w)
{
	static const struct str ends = STR_INIT(" \t\r\n,]}");
	size_t from = w->at;

	while (
	    w->at < w->text.n && str_find(ends, w->text.p[w->at], 0) == ends.n)
		w->at++;
	return w->at > from;
}

static bool walk_value(struct walk *w, const json_t *v, struct json_place p);

static bool
walk_array(struct walk *w, const json_t *v)
{
	json_t *child;
	size_t i;

	if (!skip(w, '['))
		return false;
	json_array_foreach (v, i, child)
		if ((i > 0 && !skip(w, ',')) ||
		    !walk_value(w, child, (struct json_place){ 0 }))
			return false;
	return skip(w, ']');
}

static bool
walk_object(struct walk *w, const json_t *v)
{
	struct json_place p = { 0 };
	const char *key;
	json_t *child;
	bool first = true;

	if (!skip(w, '{'))
		return false;
	json_object_foreach ((json_t *)(uintptr_t)v, key, child) {
		if (!first && !skip(w, ','))
			return false;
		first = false;
		(void)peek(w);
		p.key_off = (uint32_t)w->at;
		if (!skip_string(w))
			return false;
		p.key_len = (uint32_t)w->at - p.key_off;
		if (!skip(w, ':') || !walk_value(w, child, p))
			return false;
	}
	return skip(w, '}');
}

static bool
walk_value(struct walk *w, const json_t *v, struct json_place p)
{
	bool ok;

	(void)peek(w);
	p.off = (uint32_t)w->at;
	if (json_is_array(v))
		ok = walk_array(w, v);
	else if (json_is_object(v))
		ok = walk_object(w, v);
	else
		ok = json_is_string(v) ? skip_string(w) : skip_word(w);
	p.len = (uint32_t)w->at - p.off;
	if (ok)
		note(w->places, v, p);
	return ok;
}

bool
json_places_new(struct arena *a, struct str text, const json_t *root,
    const struct json_places **ret, struct error *reterr)
{
	struct json_places *p = ARENA_NEW(a, struct json_places);
	struct walk w = { text, 0, p };
	size_t n, want;

	if (text.n >= UINT32_MAX)
		return error_set(reterr, ERR_LIMIT_SIZE, SPAN_NONE,
		    "JSON of %zu bytes is too large", text.n);
	want = 2 * count_values(root);
	for (n = 16; n < want; n *= 2)
		;
	if (!p || !(p->slots = ARENA_ARRAY(a, n, struct slot)))
		return error_nomem(reterr);
	p->mask = n - 1;
	if (!walk_value(&w, root, (struct json_place){ 0 }) || peek(&w))
		return error_set(reterr, ERR_JSON_SHAPE, SPAN_NONE,
		    "the tree is not of this text");
	*ret = p;
	return true;
}

bool
json_places_find(
    const struct json_places *p, const json_t *value, struct json_place *ret)
{
	size_t i = start(p, value);

	while (p->slots[i].value && p->slots[i].value != value)
		i = (i + 1) & p->mask;
	if (!p->slots[i].value)
		return false;
	*ret = p->slots[i].place;
	return true;
}
