/* pieces.c - the digest of a text that is mostly as another was.
 * A piece ends with a line whose last bytes say so, by a hash of them, but not
 * before it is PIECE_MIN long: so where pieces end is told by bytes near by,
 * and a change moves the ends of the pieces it is in, and maybe those of a few
 * behind them, until one ends where it did. The same text has the same pieces
 * on every machine, whatever it was before.
 * Cost: SHA-256, and a short hash for one line in four or so. */
#include "policy/pieces.h"

#include "base/digest.h"

#define PIECE_MIN 8192u
#define WINDOW 32u /* last bytes of a line that say whether it ends a piece */
#define ONE_IN_LINES 64u

struct making {
	struct arena *arena;
	struct piece *items;
	size_t n, cap;
};

/* The piece that begins at `from`. */
static size_t
end_of(struct str text, size_t from)
{
	size_t at = from + PIECE_MIN;

	while (at < text.n) {
		at = str_find(text, '\n', at) + 1;
		if (at < text.n &&
		    str_sip13(0, 0, str_sub(text, at - WINDOW, at)) %
			    ONE_IN_LINES ==
			0)
			return at;
	}
	return text.n;
}

static struct piece *
add(struct making *m)
{
	return ARENA_PUSH_ROOM(m->arena, m->items, m->n, m->cap)
		   ? &m->items[m->n++]
		   : NULL;
}

/* Those that are wholly in what is the same from the start. */
static bool
keep_first(struct making *m, const struct pieces_was *was)
{
	for (size_t i = 0; i < was->pieces.n; i++) {
		const struct piece *p = &was->pieces.items[i];
		struct piece *copy;

		/* The last ends with the text, whatever its bytes are. */
		if (p->end > was->n_alike || i + 1 == was->pieces.n)
			break;
		copy = add(m);
		if (!copy)
			return false;
		*copy = *p;
	}
	return true;
}

/* Which piece of the text that was ended where this one, of the same bytes to
 * the end, does; their count where none did. */
static size_t
same_end(const struct pieces_was *was, size_t left)
{
	size_t from = 0, to = was->pieces.n, end = was->n - left;

	if (left > was->n_alike_end)
		return to;
	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (was->pieces.items[mid].end < end)
			from = mid + 1;
		else
			to = mid;
	}
	return from < was->pieces.n && was->pieces.items[from].end == end
		   ? from
		   : was->pieces.n;
}

/* Those behind the piece `last` of the text that was. */
static bool
keep_last(struct making *m, const struct pieces_was *was, size_t last, size_t n)
{
	for (size_t i = last + 1; i < was->pieces.n; i++) {
		struct piece *copy = add(m);

		if (!copy)
			return false;
		*copy = was->pieces.items[i];
		copy->end = (uint32_t)(n - (was->n - copy->end));
	}
	return true;
}

static bool
make(struct making *m, struct str text, const struct pieces_was *was)
{
	size_t at;

	if (was && !keep_first(m, was))
		return false;
	at = m->n > 0 ? m->items[m->n - 1].end : 0;
	while (at < text.n) {
		size_t end = end_of(text, at), last;
		struct str bytes = str_sub(text, at, end);
		struct piece *p = add(m);

		if (!p || !digest_sha256(&bytes, 1, p->digest))
			return false;
		p->end = (uint32_t)end;
		at = end;
		last =
		    was && at < text.n ? same_end(was, text.n - at) : SIZE_MAX;
		if (was && last < was->pieces.n)
			return keep_last(m, was, last, text.n);
	}
	return true;
}

static bool
digest_all(const struct making *m, uint8_t ret[32])
{
	struct str *parts = ARENA_ARRAY(m->arena, m->n, struct str);

	if (!parts)
		return false;
	for (size_t i = 0; i < m->n; i++)
		parts[i] = (struct str){ (const char *)m->items[i].digest,
			sizeof m->items[i].digest };
	return digest_sha256(parts, m->n, ret);
}

bool
pieces_digest(struct arena *a, struct str text, const struct pieces_was *was,
    struct pieces *ret, uint8_t ret_digest[32])
{
	struct making m = { .arena = a };

	if (!make(&m, text, was) || !digest_all(&m, ret_digest))
		return false;
	if (ret)
		*ret = (struct pieces){ m.items, m.n };
	return true;
}
