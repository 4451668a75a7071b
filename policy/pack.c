/* pack.c - texts, cut into shapes and parts (pack.h).
 * The cuts know nothing of the language: a text that they misread (a quote in a
 * pattern, say) is a text all the same, only longer. Numbers of shapes and
 * words are given in the order of the texts, so the same texts are the same
 * bytes. A word gets its number when it comes again: what comes once costs a
 * byte more than itself. Cost: a look at each byte, and a hash of each shape
 * and word. */
#include "policy/pack.h"

#include "base/arena.h"
#include "base/intern.h"

#define WORD_MAX 64u /* longer ones are no words */
#define WORDS_SEEN                                                             \
	((size_t)1 << 18) /* what comes first after as many is no word */
#define DIGITS_MAX 18u    /* longer runs are no numbers */

/* How a text is cut behind a piece. */
enum cut_kind { CUT_END = 0, CUT_LITERAL, CUT_DIGITS, CUT_COMMENT };

/* Of a shape with more, no places are kept. */
#define PIECES_MOST 48u
struct piece {
	uint32_t at, n; /* in the shape */
	enum cut_kind kind;
};

/* A word that has a number. */
struct known_word {
	struct str s;
	uint32_t number;
};

struct packer {
	struct intern *shapes, *words;
	uint32_t *word_numbers; /* by id of `words`, plus one; 0: none yet */
	size_t n_words_seen, cap_words_seen;
	uint32_t n_words; /* that have a number */
	struct arena *arena;
	struct buf bytes, shape_ends, shape_bytes, word_ends, word_bytes;
	struct buf shape, parts; /* of the text that is packed now */
	/* Of the last text: its shape, by number and by pieces, and the words
	 * that its parts were; mostly the next has the same. */
	uint32_t last;
	struct str last_shape;
	struct piece pieces[PIECES_MOST];
	uint32_t n_pieces;
	struct known_word words_at[PIECES_MOST + 1]; /* [PIECES_MOST]: of ids */
	bool failed;
};

struct packer *
packer_new(struct arena *a)
{
	struct packer *p = ARENA_NEW(a, struct packer);

	if (!p)
		return NULL;
	p->arena = a;
	p->shapes = intern_new(a, NULL);
	p->words = intern_new(a, NULL);
	return p->shapes && p->words ? p : NULL;
}

void
packer_free(struct packer *p)
{
	if (!p)
		return;
	buf_free(&p->bytes);
	buf_free(&p->shape_ends);
	buf_free(&p->shape_bytes);
	buf_free(&p->word_ends);
	buf_free(&p->word_bytes);
	buf_free(&p->shape);
	buf_free(&p->parts);
}

size_t
packer_at(const struct packer *p)
{
	return p->bytes.n;
}

struct packed
packer_view(const struct packer *p)
{
	return (struct packed){ .bytes = p->bytes.p,
		.shape_ends = (const void *)p->shape_ends.p,
		.shapes = p->shape_bytes.p,
		.word_ends = (const void *)p->word_ends.p,
		.words = p->word_bytes.p,
		.n_bytes = p->bytes.n,
		.n_shape_ends = p->shape_ends.n / sizeof(uint32_t),
		.n_shapes = p->shape_bytes.n,
		.n_word_ends = p->word_ends.n / sizeof(uint32_t),
		.n_words = p->word_bytes.n };
}

bool
packer_check(const struct packer *p)
{
	return !p->failed && buf_ok(&p->bytes) && buf_ok(&p->shape_ends) &&
	       buf_ok(&p->shape_bytes) && buf_ok(&p->word_ends) &&
	       buf_ok(&p->word_bytes) && buf_ok(&p->shape) && buf_ok(&p->parts);
}

static bool
is_digit(char c)
{
	return (unsigned)(unsigned char)c - '0' < 10;
}

/* Bytes [from, to), which are there: str_sub without a question. */
static inline struct str
between(struct str s, size_t from, size_t to)
{
	return (struct str){ s.p + from, to - from };
}

/* ---- numbers and words ----------------------------------------------------
 */

static void
put_large(struct buf *to, uint64_t n)
{
	char bytes[10];
	size_t at = 0;

	for (; n >= 0x80; n >>= 7)
		bytes[at++] = (char)(n | 0x80);
	bytes[at++] = (char)n;
	buf_add(to, (struct str){ bytes, at });
}

/* Most are small, and there is room. */
static inline void
put_number(struct buf *to, uint64_t n)
{
	if (n >= 0x80 || to->failed || to->cap - to->n < 2) {
		put_large(to, n);
		return;
	}
	to->p[to->n++] = (char)n;
	to->p[to->n] = '\0';
}

static void
put_kind(struct buf *to, uint64_t value, enum pack_kind kind)
{
	put_number(to, value << 2 | kind);
}

/* A decimal that is written as it would be written again. */
static bool
is_number(struct str s, uint64_t *ret)
{
	uint64_t number = 0;

	if (s.n == 0 || s.n > DIGITS_MAX || (s.p[0] == '0' && s.n > 1))
		return false;
	/* As many digits fit. */
	for (size_t i = 0; i < s.n; i++) {
		if (!is_digit(s.p[i]))
			return false;
		number = number * 10 + (unsigned)(s.p[i] - '0');
	}
	*ret = number;
	return true;
}

static void
put_item(struct buf *ends, struct buf *bytes, struct str s)
{
	uint32_t end;

	buf_add(bytes, s);
	end = (uint32_t)bytes->n;
	buf_add(ends, (struct str){ (const char *)&end, sizeof end });
}

/* The id of a word, which may be new; or INTERN_NONE. */
static uint32_t
see_word(struct packer *p, struct str s)
{
	uint32_t id;

	if (s.n == 0 || s.n > WORD_MAX)
		return INTERN_NONE;
	if (p->n_words_seen == WORDS_SEEN)
		return intern_find(p->words, STR(""), s);
	id = intern_add(p->words, STR(""), s);
	if (id != INTERN_NONE && ARENA_PUSH_ROOM(p->arena, p->word_numbers,
				     p->n_words_seen, p->cap_words_seen))
		return id;
	p->failed = true;
	return INTERN_NONE;
}

static bool
number_word(struct packer *p, uint32_t id, struct str s, uint32_t *ret)
{
	if (id == p->n_words_seen) {
		p->word_numbers[p->n_words_seen++] = 0;
		return false;
	}
	if (p->word_numbers[id] == 0) {
		put_item(&p->word_ends, &p->word_bytes, s);
		p->word_numbers[id] = ++p->n_words;
	}
	*ret = p->word_numbers[id] - 1;
	return true;
}

/* The number of a word, or false where it has none by now. `slot`: which part
 * of its text it is. */
static bool
find_word(struct packer *p, uint32_t slot, struct str s, uint32_t *ret)
{
	struct known_word *known = &p->words_at[slot];
	struct str unused;
	uint32_t id;

	if (known->s.n > 0 && str_eq(known->s, s)) {
		*ret = known->number;
		return true;
	}
	id = see_word(p, s);
	if (id == INTERN_NONE || !number_word(p, id, s, ret))
		return false;
	intern_get(p->words, id, &unused, &known->s);
	known->number = *ret;
	return true;
}

/* Digits at the end are a number, as far as no zero leads it. */
static struct str
digits_of(struct str s)
{
	size_t from = s.n;

	while (from > 0 && s.n - from < DIGITS_MAX && is_digit(s.p[from - 1]))
		from--;
	while (from + 1 < s.n && s.p[from] == '0')
		from++;
	return between(s, from, s.n);
}

static void
put_part(struct packer *p, struct buf *to, uint32_t slot, struct str s)
{
	struct str digits = digits_of(s);
	uint64_t number;
	uint32_t word;

	if (is_number(s, &number)) {
		put_kind(to, number, PACK_NUMBER);
	} else if (is_number(digits, &number) &&
		   find_word(p, slot, between(s, 0, s.n - digits.n), &word)) {
		put_kind(to, word, PACK_COUNTED);
		put_number(to, number);
	} else if (digits.n == 0 && find_word(p, slot, s, &word)) {
		put_kind(to, word, PACK_WORD);
	} else {
		put_kind(to, s.n, PACK_BYTES);
		buf_add(to, s);
	}
}

void
pack_number(struct packer *p, uint64_t n)
{
	put_number(&p->bytes, n);
}

void
pack_part(struct packer *p, struct str s)
{
	put_part(p, &p->bytes, PIECES_MOST, s);
}

/* ---- texts ----------------------------------------------------------------
 */

static void
put_piece(struct packer *p, struct str piece, enum cut_kind kind)
{
	put_number(&p->shape, piece.n);
	if (p->n_pieces < PIECES_MOST)
		p->pieces[p->n_pieces] = (struct piece){ (uint32_t)p->shape.n,
			(uint32_t)piece.n, kind };
	p->n_pieces++;
	buf_add(&p->shape, piece);
}

static bool
is_comment(struct str s, size_t at)
{
	return s.p[at] == '/' && at + 1 < s.n && s.p[at + 1] == '/';
}

/* Bytes that may be a cut. */
static const bool may_cut[256] = { ['"'] = true,
	['/'] = true,
	['0'] = true,
	['1'] = true,
	['2'] = true,
	['3'] = true,
	['4'] = true,
	['5'] = true,
	['6'] = true,
	['7'] = true,
	['8'] = true,
	['9'] = true };

/* The next quote, digit or comment. */
static size_t
find_cut(struct str s, size_t at)
{
	for (; at < s.n; at++)
		if (may_cut[(unsigned char)s.p[at]] &&
		    (s.p[at] != '/' || is_comment(s, at)))
			break;
	return at;
}

/* The end of a literal's text, or of all. */
static size_t
end_of_literal(struct str s, size_t at)
{
	for (; at < s.n && s.p[at] != '"'; at++)
		at += s.p[at] == '\\';
	return at < s.n ? at : s.n;
}

static size_t
end_of_digits(struct str s, size_t at)
{
	while (at < s.n && is_digit(s.p[at]))
		at++;
	return at;
}

static enum cut_kind
kind_at(struct str s, size_t at)
{
	if (s.p[at] == '"')
		return CUT_LITERAL;
	return is_digit(s.p[at]) ? CUT_DIGITS : CUT_COMMENT;
}

static size_t
end_of_part(struct str s, size_t at, enum cut_kind kind)
{
	if (kind == CUT_LITERAL)
		return end_of_literal(s, at);
	return kind == CUT_DIGITS ? end_of_digits(s, at)
				  : str_find(s, '\n', at);
}

static uint32_t
slot_of(uint32_t piece)
{
	return piece < PIECES_MOST ? piece : PIECES_MOST;
}

/* Quotes are the shape's; what lies between them is a part. */
static void
cut(struct packer *p, struct str s)
{
	size_t from = 0, at = find_cut(s, 0), to;

	p->n_pieces = 0;
	while (at < s.n) {
		enum cut_kind kind = kind_at(s, at);

		at += kind == CUT_LITERAL;
		to = end_of_part(s, at, kind);
		put_piece(p, str_sub(s, from, at), kind);
		put_part(
		    p, &p->parts, slot_of(p->n_pieces - 1), str_sub(s, at, to));
		from = to;
		at = find_cut(s, to + (kind == CUT_LITERAL));
	}
	put_piece(p, str_sub(s, from, s.n), CUT_END);
}

/* Is the text cut as the last one was? Then `ends` are where its parts are. */
static bool
is_alike(const struct packer *p, struct str s, size_t ends[][2])
{
	size_t at = 0;

	if (p->last_shape.n == 0 || p->n_pieces > PIECES_MOST)
		return false;
	for (uint32_t i = 0; i < p->n_pieces; i++) {
		const struct piece *x = &p->pieces[i];

		if (x->n > s.n - at ||
		    memcmp(s.p + at, p->last_shape.p + x->at, x->n) != 0)
			return false;
		at += x->n;
		if (x->kind == CUT_END)
			return at == s.n;
		if (x->kind != CUT_LITERAL &&
		    (at == s.n || (x->kind == CUT_DIGITS ? !is_digit(s.p[at])
							 : !is_comment(s, at))))
			return false;
		ends[i][0] = at;
		at = ends[i][1] = end_of_part(s, at, x->kind);
	}
	return false;
}

/* p->shape becomes the last one. */
static bool
find_shape(struct packer *p)
{
	struct str type;
	uint32_t n = intern_count(p->shapes);

	p->last = intern_add(p->shapes, STR(""), buf_str(&p->shape));
	if (p->last == INTERN_NONE) {
		p->failed = true;
		return false;
	}
	intern_get(p->shapes, p->last, &type, &p->last_shape);
	if (p->last == n)
		put_item(&p->shape_ends, &p->shape_bytes, p->last_shape);
	return true;
}

void
pack_text(struct packer *p, struct str s)
{
	size_t ends[PIECES_MOST][2] = { { 0 } };

	p->shape.n = p->parts.n = 0;
	if (is_alike(p, s, ends)) {
		for (uint32_t i = 0; i + 1 < p->n_pieces; i++)
			put_part(p, &p->parts, i,
			    between(s, ends[i][0], ends[i][1]));
	} else {
		p->last_shape = (struct str){ 0 };
		cut(p, s);
		if (!packer_check(p) || !find_shape(p))
			return;
	}
	put_number(&p->bytes, p->last);
	buf_add(&p->bytes, buf_str(&p->parts));
}
