/* hint.c - near words by Damerau and Levenshtein's distance, over short words.
 */
#include "policy/hint.h"

#include <stdio.h>

#define LONGEST 64u
#define SHOWN 40u

static const char *const functions[] = {
#define EXT_FUNCTION(name, text, arity) text,
#include "policy/ops.def"
	NULL
};
static const char *const methods_known[] = {
#define METHOD(name, text, arity) text,
#define EXT_METHOD(name, text, arity) text,
#include "policy/ops.def"
	NULL
};

const char *
hint_found(struct str text, struct token t, char buf[static HINT_FOUND])
{
	struct str s = str_sub(text, t.off, (size_t)t.off + t.len);
	const char *what = "", *more = "";
	size_t n = s.n;

	if (t.kind == TOKEN_END)
		return "the end of the text";
	if (t.kind == TOKEN_STRING)
		what = "the string ";
	if (t.kind == TOKEN_NUMBER)
		what = "the number ";
	if (n > SHOWN) {
		n = SHOWN;
		while (n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
			n--;
		more = "...";
	}
	snprintf(buf, HINT_FOUND, "%s`%.*s%s`", what, (int)n, s.p, more);
	return buf;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Insertions, deletions, exchanges and swaps of neighbours, case ignored. */
static unsigned
distance(struct str a, struct str b)
{
	unsigned rows[3][LONGEST + 1];

	for (unsigned j = 0; j <= b.n; j++)
		rows[0][j] = j;
	for (unsigned i = 1; i <= a.n; i++) {
		unsigned *row = rows[i % 3];
		const unsigned *last = rows[(i + 2) % 3];
		const unsigned *before = rows[(i + 1) % 3];

		row[0] = i;
		for (unsigned j = 1; j <= b.n; j++) {
			char x = lower(a.p[i - 1]), y = lower(b.p[j - 1]);

			row[j] = least(least(last[j], row[j - 1]) + 1,
			    last[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == lower(b.p[j - 2]) &&
			    y == lower(a.p[i - 2]))
				row[j] = least(row[j], before[j - 2] + 1);
		}
	}
	return rows[a.n % 3][b.n];
}

/* How far `w` is from `word`; LONGEST when too far to be meant. */
static unsigned
far_from(struct str word, struct str w)
{
	unsigned d, allowed = w.n < 4 ? 1 : w.n < 8 ? 2 : 3;

	if (word.n == 0 || word.n > LONGEST || w.n > LONGEST ||
	    w.n > word.n + allowed || word.n > w.n + allowed)
		return LONGEST;
	d = distance(word, w);
	return d <= allowed && d < w.n ? d : LONGEST;
}

const char *
hint_nearest(struct str word, const char *const *words)
{
	const char *best = NULL;
	unsigned best_distance = LONGEST;

	for (; *words; words++) {
		unsigned d = far_from(word, str_of(*words));

		if (d < best_distance) {
			best = *words;
			best_distance = d;
		}
	}
	return best;
}

/* What comes after the last `::`. */
static struct str
last_part(struct str name)
{
	size_t from = name.n;

	while (from > 0 && name.p[from - 1] != ':')
		from--;
	return str_sub(name, from, name.n);
}

const struct str *
hint_nearest_of(struct str word, const struct str *words, size_t n)
{
	const struct str *best = NULL, *same_end = NULL;
	unsigned best_distance = LONGEST;

	for (size_t i = 0; i < n; i++) {
		unsigned d = far_from(word, words[i]);

		if (d < best_distance) {
			best = &words[i];
			best_distance = d;
		}
		if (!same_end && word.n > 0 &&
		    str_eq(last_part(word), last_part(words[i])))
			same_end = &words[i];
	}
	return best ? best : same_end;
}

const char *
hint_operation(struct str word, bool methods)
{
	return hint_nearest(word, methods ? methods_known : functions);
}
