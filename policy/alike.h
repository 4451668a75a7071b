/* alike.h - which units of a text stand in another one as they were: policies (edit.c), entities (entities_edit.c); for the files of policy/ alone. */
#ifndef POLICY_ALIKE_H
#define POLICY_ALIKE_H

#include "base/str.h"

/* Units follow on one another: unit 0 begins with the text, each other where the one before ends, and what is behind the last is nobody's. */
struct alike {
	const struct alike_units *units;
	void *of; /* the caller's */
	struct str old, now;
	uint32_t n_units; /* of the old text */
	size_t n_alike, n_alike_end; /* bytes, from the start and to the end */
	/* What is behind. */
	uint32_t unit;   /* units of the old text */
	size_t at;       /* bytes of the new text */
	size_t new_from; /* what is new since then was not told yet */
};

/* What kind they are. Functions that return false end it: they said why. */
struct alike_units {
	/* Where the unit begins in the old text; of `n_units`, where the last ends. */
	size_t (*start)(const struct alike *w, uint32_t unit);
	/* Do old units mean here, at w->at, what they meant there, if their bytes are the same? */
	bool (*may_begin)(const struct alike *w, uint32_t unit);
	/* May a unit end at this place of the new text? */
	bool (*may_end)(const struct alike *w, size_t at);
	/* Has the new text no unit from w->at on? */
	bool (*is_over)(const struct alike *w);
	/* The next unit is new: w->at to behind it. */
	bool (*take)(struct alike *w);
	/* Bytes [from, to) of the new text are new units. */
	bool (*add)(struct alike *w, size_t from, size_t to);
	/* The old units [w->unit, to) stand at w->at; they are the old text's bytes [from, *inout_end), and what is behind the last may go with it. */
	bool (*keep)(struct alike *w, uint32_t to, size_t from, size_t *inout_end);
};

/* n_alike and n_alike_end, of units, old, now and n_units; all else is zero before. Cost: comparing bytes. */
void alike_compare(struct alike *w);
/* What the new text is made of from its start to its end: each `add` and `keep` in their order. False when one of the units' functions was. Cost: comparing bytes, and
 * some forty short looks for each new unit. */
bool alike_plan(struct alike *w) MUST_USE;

#endif
