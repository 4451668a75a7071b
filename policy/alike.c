/* alike.c - what of a text is as it was, unit by unit.
 * Both texts are gone through from the start. Where the next units of the old
 * text are, byte by byte, those that come next in the new one, they stay. A
 * unit that is not is looked for a little further on in the old text, where
 * others went; else the next of the new text is new, up to its end. What is the
 * same from some place to the end is known beforehand. So a unit may be called
 * new that is not, but never the other way round. */
#include "policy/alike.h"

/* Units that went, one after the other: so many are looked through for each new
 * one, and behind 1, 2, 4, 8 … new ones so many for each of these. */
#define NEAR 8u
#define FAR 16u

static size_t
count_alike(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n, i = 0;

	for (size_t step = 4096; step > 0; step /= 64)
		while (i + step <= n && memcmp(a.p + i, b.p + i, step) == 0)
			i += step;
	return i;
}

static size_t
count_alike_end(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n, i = 0;

	for (size_t step = 4096; step > 0; step /= 64)
		while (i + step <= n && memcmp(a.p + a.n - i - step,
					    b.p + b.n - i - step, step) == 0)
			i += step;
	return i;
}

void
alike_compare(struct alike *w)
{
	w->n_alike = count_alike(w->old, w->now);
	w->n_alike_end = count_alike_end(w->old, w->now);
}

static size_t
start_of(const struct alike *w, uint32_t unit)
{
	return w->units->start(w, unit);
}

/* How many units end at or before `off`. */
static uint32_t
units_before(const struct alike *w, size_t off)
{
	uint32_t from = 0, to = w->n_units;

	while (from < to) {
		uint32_t mid = from + (to - from) / 2;

		if (start_of(w, mid + 1) <= off)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

static bool
stands_here(const struct alike *w, uint32_t unit)
{
	size_t from = start_of(w, unit), to = start_of(w, unit + 1);

	return w->units->may_begin(w, unit) &&
	       str_eq(str_sub(w->old, from, to),
		   str_sub(w->now, w->at, w->at + (to - from))) &&
	       w->units->may_end(w, w->at + (to - from));
}

/* The units that stand here; w->unit where there are none. */
static uint32_t
alike_up_to(const struct alike *w)
{
	size_t from, n;
	uint32_t to;

	if (w->unit == w->n_units || !w->units->may_begin(w, w->unit))
		return w->unit;
	from = start_of(w, w->unit);
	if (from == w->at && from < w->n_alike)
		n = w->n_alike - from;
	else if (w->now.n - w->at <= w->n_alike_end &&
		 w->now.n - w->at == w->old.n - from)
		n = w->now.n - w->at;
	else
		n = count_alike(str_sub(w->old, from, w->old.n),
		    str_sub(w->now, w->at, w->now.n));
	to = units_before(w, from + n);
	/* Behind the last one the texts may differ. */
	if (to > w->unit &&
	    !w->units->may_end(w, w->at + (start_of(w, to) - from)))
		to--;
	return to > w->unit ? to : w->unit;
}

/* Others went: the next of the old units that stands here. */
static bool
skip_gone(struct alike *w, uint32_t within)
{
	size_t left = w->now.n - w->at;
	uint32_t unit;

	if (left <= w->n_alike_end) {
		unit = units_before(w, w->old.n - left);
		if (unit > w->unit && unit < w->n_units &&
		    stands_here(w, unit)) {
			w->unit = unit;
			return true;
		}
	}
	for (unit = w->unit + 1; unit < w->n_units && unit - w->unit <= within;
	     unit++)
		if (stands_here(w, unit)) {
			w->unit = unit;
			return true;
		}
	return false;
}

static bool
end_new(struct alike *w)
{
	return w->new_from == w->at || w->units->add(w, w->new_from, w->at);
}

static bool
keep(struct alike *w, uint32_t to)
{
	size_t from = start_of(w, w->unit), end = start_of(w, to);

	if (!end_new(w) || !w->units->keep(w, to, from, &end))
		return false;
	w->unit = to;
	w->at += end - from;
	w->new_from = w->at;
	return true;
}

bool
alike_plan(struct alike *w)
{
	uint32_t n_new = 0; /* one after the other */

	while (!w->units->is_over(w)) {
		uint32_t to = alike_up_to(w);
		bool is_far = n_new > 0 && (n_new & (n_new - 1)) == 0;

		if (to > w->unit) {
			if (!keep(w, to))
				return false;
			n_new = 0;
		} else if (!skip_gone(w, is_far ? FAR * n_new : NEAR)) {
			if (!w->units->take(w))
				return false;
			n_new++;
		}
	}
	return end_new(w);
}
