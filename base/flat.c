/* flat.c - see flat.h. The reader of plain text goes down and up without a
 * stack of its own: the values that are still open are found again by the
 * functions' own frames, and depth is limited by the caller. */
#include "base/flat.h"

#include <limits.h>

#include "base/sixteen.h"

#define DIGITS_MOST 18u
#define FIRST_ROOM 32u
#define SAFE_INTEGER (INT64_C(1) << 53) /* RFC 7493 2.2 */

struct reading {
	struct arena *arena;
	const char *end; /* of the text */
	unsigned depth;  /* that is still allowed */
	size_t limit;
	struct flat *items;
	size_t n, cap;
	bool is_canonical;
};

/* ---- plain text -----------------------------------------------------------
 * What reads from `at` on returns where it ended; NULL: not plain.
 */

/* At the byte after white space, which is not there at the end. */
static const char *
skip_space(struct reading *r, const char *at)
{
	for (; at < r->end; at++) {
		if (*at != ' ' && *at != '\n' && *at != '\t' && *at != '\r')
			return at;
		r->is_canonical = false;
	}
	return at;
}

/* The same: mostly there is none. */
static inline const char *
peek(struct reading *r, const char *at)
{
	return at<r->end && * at> ' ' ? at : skip_space(r, at);
}

/* Behind `c`, or NULL. */
static inline const char *
take(struct reading *r, const char *at, char c)
{
	at = peek(r, at);
	return at < r->end && *at == c ? at + 1 : NULL;
}

/* Whether `c` ends a string, or makes it not plain. */
static bool
is_stop(unsigned char c)
{
	return c == '"' || c == '\\' || c < 0x20 || c >= 0x80;
}

/* Where from `at` on the next such byte is; the end when there is none. */
static inline const char *
find_stop(const char *at, const char *end)
{
	for (; end - at >= 16; at += 16) {
		sixteen bytes = sixteen_at(at);
		unsigned n = sixteen_first(
		    (bytes < ' ') | (bytes == '"') | (bytes == '\\'));

		if (n < 16)
			return at + n;
	}
	while (at < end && !is_stop((unsigned char)*at))
		at++;
	return at;
}

/* From behind the quote on. */
static inline const char *
read_string(const char *at, const char *end, struct str *ret)
{
	const char *to = find_stop(at, end);

	if (to == end || *to != '"')
		return NULL;
	*ret = (struct str){ at, (size_t)(to - at) };
	return to + 1;
}

bool
flat_take_string(struct str *rest, struct str *ret)
{
	const char *end = rest->p + rest->n;
	const char *to = rest->n ? read_string(rest->p, end, ret) : NULL;

	if (!to)
		return false;
	*rest = (struct str){ to, (size_t)(end - to) };
	return true;
}

/* Room for a value more, not zeroed; NULL: too many, or memory is out. */
static inline struct flat *
add(struct reading *r)
{
	if (r->n == r->limit ||
	    !ARENA_PUSH_ROOM(r->arena, r->items, r->n, r->cap))
		return NULL;
	return &r->items[r->n++];
}

/* No sign before nothing, no zero in front; a point or an exponent is no end.
 */
static const char *
read_number(struct reading *r, const char *at, struct flat *v)
{
	bool is_negative = *at == '-';
	const char *from = at + is_negative;
	int64_t n = 0;

	for (at = from; at < r->end; at++) {
		unsigned digit = (unsigned char)*at - (unsigned)'0';

		if (digit > 9)
			break;
		if (at - from == DIGITS_MOST)
			return NULL;
		n = n * 10 + (int64_t)digit;
	}
	if (at == from || (*from == '0' && at > from + 1) ||
	    (n == 0 && is_negative))
		return NULL;
	v->kind = FLAT_INTEGER;
	v->number = is_negative ? -n : n;
	r->is_canonical = r->is_canonical && n <= SAFE_INTEGER;
	return at;
}

static const char *
read_word(struct reading *r, const char *at, struct flat *v)
{
	static const struct {
		struct str word;
		enum flat_kind kind;
	} words[] = {
		{ STR_INIT("true"), FLAT_TRUE },
		{ STR_INIT("false"), FLAT_FALSE },
		{ STR_INIT("null"), FLAT_NULL },
	};
	struct str rest = { at, (size_t)(r->end - at) };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_has_prefix(rest, words[i].word)) {
			v->kind = words[i].kind;
			return at + words[i].word.n;
		}
	return NULL;
}

/* Of the members that an object has so far: their last, whether all rose up to
 * it, and a bit for each name, which others may have, too. */
struct names {
	struct str last;
	bool is_rising;
	uint64_t bits;
};

static inline uint64_t
bit_of(struct str name)
{
	unsigned char first = 0, last = 0;

	if (name.n > 0) {
		first = (unsigned char)name.p[0];
		last = (unsigned char)name.p[name.n - 1];
	}
	return UINT64_C(1) << ((first * 7u + last * 13u + name.n) % 64);
}

/* str_cmp(a, b) < 0; mostly the first bytes tell. */
static inline bool
is_before(struct str a, struct str b)
{
	for (size_t i = 0; i < 4 && i < a.n && i < b.n; i++)
		if (a.p[i] != b.p[i])
			return (unsigned char)a.p[i] < (unsigned char)b.p[i];
	return str_cmp(a, b) < 0;
}

/* Whether `name` may come after the members that `object` has: they are looked
 * through where its bit is taken and they did not all rise. */
static inline bool
is_new(struct reading *r, size_t object, uint32_t n, struct str name,
    struct names *seen)
{
	const struct flat *m = &r->items[object] + 1;
	uint64_t bit = bit_of(name);
	bool is_taken = (seen->bits & bit) != 0;

	if (n == FLAT_MEMBERS)
		return false;
	if (n > 0 && seen->is_rising)
		seen->is_rising = is_before(seen->last, name);
	seen->last = name;
	seen->bits |= bit;
	if (seen->is_rising)
		return true;
	r->is_canonical = false;
	for (uint32_t i = 0; is_taken && i < n; i++, m = flat_next(m))
		if (str_eq(m->name, name))
			return false;
	return true;
}

static const char *read_value(
    struct reading *r, const char *at, struct str name);

/* From behind the brace on. */
static const char *
read_members(struct reading *r, const char *at, size_t object, uint32_t *ret_n)
{
	struct names seen = { .is_rising = true };
	const char *next = take(r, at, '}');
	struct str name;
	uint32_t n = 0;

	*ret_n = 0;
	if (next)
		return next;
	do {
		at = take(r, next ? next : at, '"');
		at = at ? read_string(at, r->end, &name) : NULL;
		at = at ? take(r, at, ':') : NULL;
		if (!at || !is_new(r, object, n, name, &seen))
			return NULL;
		at = read_value(r, at, name);
		if (!at)
			return NULL;
		n++;
		next = take(r, at, ',');
	} while (next);
	*ret_n = n;
	return take(r, at, '}');
}

static const char *
read_items(struct reading *r, const char *at, uint32_t *ret_n)
{
	const char *next = take(r, at, ']');
	uint32_t n = 0;

	*ret_n = 0;
	if (next)
		return next;
	do {
		at = read_value(r, next ? next : at, STR(""));
		if (!at)
			return NULL;
		n++;
		next = take(r, at, ',');
	} while (next);
	*ret_n = n;
	return take(r, at, ']');
}

/* At the brace or bracket; the value is the last that was added. */
static const char *
read_inside(struct reading *r, const char *at, struct str name)
{
	bool is_object = *at == '{';
	size_t i = r->n - 1;
	const char *to;
	uint32_t n;

	if (r->depth == 0)
		return NULL;
	r->depth--;
	to = is_object ? read_members(r, at + 1, i, &n)
		       : read_items(r, at + 1, &n);
	r->depth++;
	if (!to)
		return NULL;
	r->items[i] = (struct flat){ /* they may have moved */
		.kind = is_object ? FLAT_OBJECT : FLAT_ARRAY,
		.n = n,
		.span = (uint32_t)(r->n - i),
		.name = name,
		.text = { at, (size_t)(to - at) }
	};
	return to;
}

static const char *
read_value(struct reading *r, const char *at, struct str name)
{
	struct flat *v = add(r);
	struct str text;

	at = peek(r, at);
	if (!v || at == r->end)
		return NULL;
	switch (*at) {
	case '"':
		at = read_string(at + 1, r->end, &text);
		if (at)
			*v = (struct flat){ .kind = FLAT_STRING,
				.span = 1,
				.name = name,
				.text = text };
		return at;
	case '{':
	case '[':
		return read_inside(r, at, name);
	case 't':
	case 'f':
	case 'n':
		*v = (struct flat){ .span = 1, .name = name };
		return read_word(r, at, v);
	default:
		*v = (struct flat){ .span = 1, .name = name };
		return read_number(r, at, v);
	}
}

bool
flat_read(struct arena *a, struct str text, size_t limit_bytes,
    unsigned limit_depth, size_t limit_values, struct flat **ret,
    bool *ret_is_canonical)
{
	struct reading r = { .arena = a,
		.end = text.p + text.n,
		.depth = limit_depth,
		.limit = limit_values < UINT32_MAX ? limit_values : UINT32_MAX,
		.cap = FIRST_ROOM,
		.is_canonical = true };
	const char *at;

	if (text.n == 0 || text.n > limit_bytes)
		return false;
	r.items = ARENA_ROOM(a, FIRST_ROOM, struct flat);
	if (!r.items)
		return false;
	at = peek(&r, text.p);
	if (at == r.end || *at != '{')
		return false;
	at = read_value(&r, at, STR(""));
	if (!at || peek(&r, at) != r.end)
		return false;
	*ret = r.items;
	if (ret_is_canonical)
		*ret_is_canonical = r.is_canonical;
	return true;
}

/* ---- by a table -----------------------------------------------------------
 * As above: what reads from `at` on returns where it ended, NULL: no.
 */

struct walk {
	const char *end;
	bool is_canonical;
	flat_fn *each;
	void *arg;
};

/* At the opening quote. */
static inline const char *
walk_string(const struct walk *w, const char *at, struct str *ret)
{
	return at < w->end && *at == '"' ? read_string(at + 1, w->end, ret)
					 : NULL;
}

/* Whether the byte at `at`, which is the next one then, is `c`. */
static inline bool
is_at(const struct walk *w, const char *at, char c)
{
	return at < w->end && *at == c;
}

/* From behind the bracket on. */
static const char *
walk_strings(
    const struct walk *w, const char *at, bool is_object, struct flat *v)
{
	const char close = is_object ? '}' : ']';
	uint32_t n = 0;

	for (; at && !(n == 0 && is_at(w, at, close)); n++) {
		struct flat *item = &v[n + 1];

		if (n == FLAT_MEMBERS)
			return NULL;
		*item = (struct flat){ .kind = FLAT_STRING, .span = 1 };
		if (is_object) {
			at = walk_string(w, at, &item->name);
			if (!at || !is_at(w, at, ':') ||
			    (n > 0 && !is_before(item[-1].name, item->name)))
				return NULL;
			at++;
		}
		at = walk_string(w, at, &item->text);
		if (!at || !is_at(w, at, ',')) {
			n++;
			break;
		}
		at++;
	}
	v->kind = is_object ? FLAT_OBJECT : FLAT_ARRAY;
	v->n = n;
	v->span = n + 1;
	return at && is_at(w, at, close) ? at + 1 : NULL;
}

static inline const char *
walk_value(const struct walk *w, const char *at, struct flat *v)
{
	if (at == w->end)
		return NULL;
	if (*at == '"') {
		v->kind = FLAT_STRING;
		v->n = 0;
		v->span = 1;
		return read_string(at + 1, w->end, &v->text);
	}
	return *at == '[' || *at == '{' ? walk_strings(w, at + 1, *at == '{', v)
					: NULL;
}

static inline const struct flat_row *
row_at(const struct flat_rows *t, size_t i)
{
	return (const void *)((const char *)t->rows + i * t->row_bytes);
}

/* The row of the name whose quote is at `at`, which is *ret_i: from *next on,
 * and round where names need not be in order. */
static inline const struct flat_row *
find_row(const struct walk *w, const char *at, const struct flat_rows *t,
    size_t *next, size_t *ret_i)
{
	size_t left = (size_t)(w->end - at);
	size_t tries = w->is_canonical ? t->n - *next : t->n;

	for (; tries > 0; tries--) {
		const struct flat_row *row;
		size_t n;

		if (*next == t->n)
			*next = 0;
		*ret_i = w->is_canonical ? t->by_name[*next] : *next;
		++*next;
		row = row_at(t, *ret_i);
		n = row->name.n;
		if (left > n + 2 && at[n + 1] == '"' && at[n + 2] == ':' &&
		    str_eq((struct str){ at + 1, n }, row->name))
			return row;
	}
	return NULL;
}

static bool
has_required(const struct flat_rows *t, uint32_t seen)
{
	uint32_t missing = ~seen & (uint32_t)((UINT64_C(1) << t->n) - 1);

	for (; missing; missing &= missing - 1)
		if (row_at(t, (size_t)__builtin_ctz(missing))->required)
			return false;
	return true;
}

/* From behind the brace on. */
static const char *
walk_members(const struct walk *w, const char *at, const struct flat_rows *t)
{
	struct flat v[FLAT_MEMBERS + 1] UNZEROED; /* walk_value's */
	uint32_t seen = 0;
	size_t next = 0, i;

	v[0] = (struct flat){ 0 };
	if (is_at(w, at, '}'))
		return has_required(t, 0) ? at + 1 : NULL;
	for (;; at++) {
		const struct flat_row *row =
		    is_at(w, at, '"') ? find_row(w, at, t, &next, &i) : NULL;

		if (!row || (seen & UINT32_C(1) << i))
			return NULL;
		seen |= UINT32_C(1) << i;
		at += row->name.n + 3;
		if (row->inside) {
			at = is_at(w, at, '{')
				 ? walk_members(w, at + 1, row->inside)
				 : NULL;
		} else {
			at = walk_value(w, at, v);
			if (at && !w->each(w->arg, row, v))
				return NULL;
		}
		if (!at || !is_at(w, at, ','))
			break;
	}
	return at && is_at(w, at, '}') && has_required(t, seen) ? at + 1 : NULL;
}

bool
flat_walk(struct str text, const struct flat_rows *table, bool is_canonical,
    flat_fn *each, void *arg)
{
	const struct walk w = { .end = text.p + text.n,
		.is_canonical = is_canonical,
		.each = each,
		.arg = arg };

	return text.n > 0 && text.p[0] == '{' &&
	       walk_members(&w, text.p + 1, table) == w.end;
}

bool
flat_take(struct str *rest, struct str piece)
{
	bool is_there = str_has_prefix(*rest, piece);

	if (is_there)
		*rest = str_sub(*rest, piece.n, rest->n);
	return is_there;
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
	struct flat *v = add(r);

	if (!v)
		return false;
	*v = (struct flat){ .kind = kinds[json_typeof(value)],
		.span = 1,
		.name = name,
		.number = json_integer_value(value), /* 0 for others */
		.json = value };
	if (v->kind == FLAT_STRING)
		v->text = json_str(value);
	return copy_inside(r, value, (size_t)(v - r->items));
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
	const char *row = rows;
	size_t next = 0, known = 0;

	/* Round and round the table, from where the last was found. */
	for (uint32_t i = 0; i < object->n; i++, m = flat_next(m))
		for (size_t k = 0; k < n_rows; k++) {
			const struct str *name = (const void *)row;
			size_t at = next;

			row += row_bytes;
			if (++next == n_rows) {
				next = 0;
				row = rows;
			}
			if (str_eq(*name, m->name)) {
				ret_found[at] = m;
				known++;
				break;
			}
		}
	return known;
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
