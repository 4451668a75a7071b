/* flat.c - see flat.h. The reader of plain text goes down and up without a
 * stack of its own: the values that are still open are found again by the
 * functions' own frames, and depth is limited by the caller. */
#include "base/flat.h"

#include <endian.h>
#include <limits.h>

#define DIGITS_MOST 18u
#define FIRST_ROOM 32u
#define SAFE_INTEGER (INT64_C(1) << 53) /* RFC 7493 2.2 */

struct reading {
	struct arena *arena;
	struct str text;
	size_t at;
	unsigned depth; /* that is still allowed */
	size_t limit;
	struct flat *items;
	size_t n, cap;
	bool is_canonical;
};

/* ---- plain text -----------------------------------------------------------
 */

/* The byte after white space; 0 at the end, where no plain text has any. */
static char
skip_space(struct reading *r)
{
	for (; r->at < r->text.n; r->at++) {
		char c = r->text.p[r->at];

		if (c != ' ' && c != '\n' && c != '\t' && c != '\r')
			return c;
		r->is_canonical = false;
	}
	return 0;
}

/* The same: mostly there is none. */
static inline char
peek(struct reading *r)
{
	if (r->at < r->text.n && r->text.p[r->at] > ' ')
		return r->text.p[r->at];
	return skip_space(r);
}

static inline bool
take(struct reading *r, char c)
{
	if (peek(r) != c)
		return false;
	r->at++;
	return true;
}

/* Whether `c` ends a string, or makes it not plain. */
static bool
is_stop(unsigned char c)
{
	return c == '"' || c == '\\' || c < 0x20 || c >= 0x80;
}

/* Where from `at` on the next such byte is; the text's end when there is none.
 * Eight bytes at a time: a byte of `stops` is 0x80 where one is, and then,
 * because of the borrow, maybe in what comes behind it. */
static size_t
find_stop(struct str text, size_t at)
{
	const uint64_t ones = 0x0101010101010101u;

	for (; text.n - at >= 8; at += 8) {
		uint64_t w, stops;

		memcpy(&w, text.p + at, 8);
		w = le64toh(w);
		stops = (w - ones * 0x20) | ((w ^ ones * '"') - ones) |
			((w ^ ones * '\\') - ones) | w;
		stops &= ones << 7;
		if (stops)
			return at + (size_t)__builtin_ctzll(stops) / 8;
	}
	while (at < text.n && !is_stop((unsigned char)text.p[at]))
		at++;
	return at;
}

static bool
read_string(struct reading *r, struct str *ret)
{
	size_t from, to;

	if (!take(r, '"'))
		return false;
	from = r->at;
	to = find_stop(r->text, from);
	if (to == r->text.n || r->text.p[to] != '"')
		return false;
	*ret = (struct str){ r->text.p + from, to - from };
	r->at = to + 1;
	return true;
}

/* A value more; *ret is its number. */
static bool
add(struct reading *r, struct str name, size_t *ret)
{
	if (r->n == r->limit ||
	    !ARENA_PUSH_ROOM(r->arena, r->items, r->n, r->cap))
		return false;
	r->items[r->n].name = name;
	r->items[r->n].span = 1;
	*ret = r->n++;
	return true;
}

/* No sign before nothing, no zero in front; a point or an exponent is no end.
 */
static bool
read_number(struct reading *r, struct flat *v)
{
	bool is_negative = r->text.p[r->at] == '-';
	size_t from = r->at + is_negative, at = from;
	int64_t n = 0;

	for (; at < r->text.n; at++) {
		unsigned digit = (unsigned char)r->text.p[at] - (unsigned)'0';

		if (digit > 9)
			break;
		if (at - from == DIGITS_MOST)
			return false;
		n = n * 10 + (int64_t)digit;
	}
	if (at == from || (r->text.p[from] == '0' && at > from + 1) ||
	    (n == 0 && is_negative))
		return false;
	v->kind = FLAT_INTEGER;
	v->number = is_negative ? -n : n;
	r->is_canonical = r->is_canonical && n <= SAFE_INTEGER;
	r->at = at;
	return true;
}

static bool
read_word(struct reading *r, struct flat *v)
{
	static const struct {
		struct str word;
		enum flat_kind kind;
	} words[] = {
		{ STR_INIT("true"), FLAT_TRUE },
		{ STR_INIT("false"), FLAT_FALSE },
		{ STR_INIT("null"), FLAT_NULL },
	};
	struct str rest = str_sub(r->text, r->at, r->text.n);

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_has_prefix(rest, words[i].word)) {
			v->kind = words[i].kind;
			r->at += words[i].word.n;
			return true;
		}
	return false;
}

/* Of the members that an object has so far: their last, whether all rose up to
 * it, and a bit for each name, which others may have, too. */
struct names {
	struct str last;
	bool is_rising;
	uint64_t bits;
};

static uint64_t
bit_of(struct str name)
{
	unsigned char first = 0, last = 0;

	if (name.n > 0) {
		first = (unsigned char)name.p[0];
		last = (unsigned char)name.p[name.n - 1];
	}
	return UINT64_C(1) << ((first * 7u + last * 13u + name.n) % 64);
}

/* str_cmp(a, b) < 0; mostly the first byte tells. */
static bool
is_before(struct str a, struct str b)
{
	if (a.n > 0 && b.n > 0 && a.p[0] != b.p[0])
		return (unsigned char)a.p[0] < (unsigned char)b.p[0];
	return str_cmp(a, b) < 0;
}

/* Whether `name` may come after the members that `object` has: they are looked
 * through where its bit is taken and they did not all rise. */
static bool
is_new(struct reading *r, size_t object, struct str name, struct names *seen)
{
	const struct flat *o = &r->items[object], *m = o + 1;
	uint64_t bit = bit_of(name);
	bool is_taken = (seen->bits & bit) != 0;

	if (o->n == FLAT_MEMBERS)
		return false;
	if (o->n > 0 && seen->is_rising)
		seen->is_rising = is_before(seen->last, name);
	seen->last = name;
	seen->bits |= bit;
	if (seen->is_rising)
		return true;
	r->is_canonical = false;
	for (uint32_t i = 0; is_taken && i < o->n; i++, m = flat_next(m))
		if (str_eq(m->name, name))
			return false;
	return true;
}

static bool read_value(struct reading *r, struct str name);

static bool
read_members(struct reading *r, size_t object)
{
	struct names seen = { .is_rising = true };
	struct str name;

	if (take(r, '}'))
		return true;
	do {
		if (!read_string(r, &name) || !take(r, ':') ||
		    !is_new(r, object, name, &seen) || !read_value(r, name))
			return false;
		r->items[object].n++;
	} while (take(r, ','));
	return take(r, '}');
}

static bool
read_items(struct reading *r, size_t array)
{
	if (take(r, ']'))
		return true;
	do {
		if (!read_value(r, STR("")))
			return false;
		r->items[array].n++;
	} while (take(r, ','));
	return take(r, ']');
}

static bool
read_inside(struct reading *r, size_t i)
{
	size_t from = r->at++;
	bool is_object = r->text.p[from] == '{';
	struct flat *v;
	bool ok;

	if (r->depth == 0)
		return false;
	r->depth--;
	ok = is_object ? read_members(r, i) : read_items(r, i);
	r->depth++;
	if (!ok)
		return false;
	v = &r->items[i]; /* they may have moved */
	v->kind = is_object ? FLAT_OBJECT : FLAT_ARRAY;
	v->span = (uint32_t)(r->n - i);
	v->text = str_sub(r->text, from, r->at);
	return true;
}

static bool
read_value(struct reading *r, struct str name)
{
	char c = peek(r);
	size_t i;

	if (!add(r, name, &i))
		return false;
	switch (c) {
	case '{':
	case '[':
		return read_inside(r, i);
	case '"':
		r->items[i].kind = FLAT_STRING;
		return read_string(r, &r->items[i].text);
	case 't':
	case 'f':
	case 'n':
		return read_word(r, &r->items[i]);
	default:
		return c != 0 && read_number(r, &r->items[i]);
	}
}

bool
flat_read(struct arena *a, struct str text, size_t limit_bytes,
    unsigned limit_depth, size_t limit_values, struct flat **ret,
    bool *ret_is_canonical)
{
	struct reading r = { .arena = a,
		.text = text,
		.depth = limit_depth,
		.limit = limit_values < UINT32_MAX ? limit_values : UINT32_MAX,
		.cap = FIRST_ROOM,
		.is_canonical = true };

	if (text.n > limit_bytes)
		return false;
	r.items = ARENA_ARRAY(a, FIRST_ROOM, struct flat);
	if (!r.items || peek(&r) != '{' || !read_value(&r, STR("")) ||
	    peek(&r) != 0 || r.at < text.n)
		return false;
	*ret = r.items;
	if (ret_is_canonical)
		*ret_is_canonical = r.is_canonical;
	return true;
}

/* ---- a tree ---------------------------------------------------------------
 */

static bool copy_value(struct reading *r, const json_t *value, struct str name);

static bool
copy_inside(struct reading *r, const json_t *value, size_t i)
{
	json_t *object = (json_t *)(uintptr_t)value; /* only read */

	for (size_t k = 0; k < json_array_size(value); k++)
		if (!copy_value(r, json_array_get(value, k), STR("")))
			return false;
	for (void *it = json_object_iter(object); it;
	     it = json_object_iter_next(object, it))
		if (!copy_value(r, json_object_iter_value(it),
			str_of(json_object_iter_key(it))))
			return false;
	r->items[i].n =
	    (uint32_t)(json_array_size(value) + json_object_size(value));
	r->items[i].span = (uint32_t)(r->n - i);
	return true;
}

static bool
copy_value(struct reading *r, const json_t *value, struct str name)
{
	static const enum flat_kind kinds[] = { [JSON_OBJECT] = FLAT_OBJECT,
		[JSON_ARRAY] = FLAT_ARRAY,
		[JSON_STRING] = FLAT_STRING,
		[JSON_INTEGER] = FLAT_INTEGER,
		[JSON_REAL] = FLAT_REAL,
		[JSON_TRUE] = FLAT_TRUE,
		[JSON_FALSE] = FLAT_FALSE,
		[JSON_NULL] = FLAT_NULL };
	struct flat *v;
	size_t i;

	if (!add(r, name, &i))
		return false;
	v = &r->items[i];
	v->json = value;
	v->kind = kinds[json_typeof(value)];
	if (v->kind == FLAT_STRING)
		v->text = json_str(value);
	v->number = json_integer_value(value); /* 0 for others */
	return copy_inside(r, value, i);
}

bool
flat_of_json(struct arena *a, const json_t *value, const struct flat **ret)
{
	struct reading r = { .arena = a, .limit = UINT32_MAX };

	if (!copy_value(&r, value, STR("")))
		return false;
	*ret = r.items;
	return true;
}

json_t *
flat_to_json(const struct flat *v)
{
	json_t *made = NULL;

	if (v->json)
		return json_incref((json_t *)(uintptr_t)v->json);
	switch (v->kind) {
	case FLAT_OBJECT:
	case FLAT_ARRAY:
		/* What was plain is JSON. */
		return json_parse(v->text, NULL, v->text.n, UINT_MAX,
			   JSON_NO_NUL, &made, NULL)
			   ? made
			   : NULL;
	case FLAT_STRING:
		return json_from_str(v->text);
	case FLAT_INTEGER:
		return json_integer(v->number);
	case FLAT_TRUE:
		return json_true();
	case FLAT_FALSE:
		return json_false();
	case FLAT_NULL:
	case FLAT_REAL:
	default:
		return json_null();
	}
}

/* ---- asked ----------------------------------------------------------------
 */

const struct flat *
flat_first(const struct flat *v)
{
	return v + 1;
}

const struct flat *
flat_next(const struct flat *v)
{
	return v + v->span;
}

const struct flat *
flat_get(const struct flat *object, struct str name)
{
	const struct flat *m;

	if (!flat_is(object, FLAT_OBJECT))
		return NULL;
	m = flat_first(object);
	for (uint32_t i = 0; i < object->n; i++, m = flat_next(m))
		if (str_eq(m->name, name))
			return m;
	return NULL;
}

size_t
flat_match(const struct flat *object, const void *rows, size_t n_rows,
    size_t row_bytes, const struct flat **ret_found)
{
	const struct flat *m = flat_first(object);
	size_t next = 0, known = 0;

	for (uint32_t i = 0; i < object->n; i++, m = flat_next(m))
		for (size_t k = 0; k < n_rows; k++, next++) {
			const struct str *name;

			if (next >= n_rows)
				next = 0;
			name = (const struct str *)(const void
				*)((const char *)rows + next * row_bytes);
			if (name->n == m->name.n &&
			    memcmp(name->p, m->name.p, name->n) == 0) {
				ret_found[next++] = m;
				known++;
				break;
			}
		}
	return known;
}

struct str
flat_str(const struct flat *v)
{
	return flat_is(v, FLAT_STRING) ? v->text : (struct str){ 0 };
}

bool
flat_is(const struct flat *v, enum flat_kind kind)
{
	return v && v->kind == kind;
}

void
flat_remove(struct flat *object, const struct flat *member)
{
	size_t at = (size_t)(member - object);

	memmove(object + at, object + at + 1,
	    (object->span - at - 1) * sizeof *object);
	object->n--;
	object->span--;
}
