/* entities_edit.c - what files of entities hold now, over the bottom layer they
 * were read into before.
 * Of a file only those records are read whose bytes are not as they were
 * (alike.h). A unit is a record with the comma before it, the first one with
 * the bracket: so it begins where both texts have an array's next record, and
 * ends where both have a comma or the bracket behind it. The same bytes are
 * then the same record; nothing of a record depends on where it stands.
 * A record of the patch replaces the lower layer's of the same id, or says that
 * it is gone. What is read and is as it was is left where it is: a file of a
 * hundred thousand with one of them changed is a patch of one, and so it is
 * when all of them moved. A record may stand in two places; whose it is then is
 * not known, so such a change is not for a patch. Cost: see value.h. */
#include "base/limits.h"
#include "policy/alike.h"
#include "policy/entities.h"

#define BITS 64u

struct entities_edit {
	struct arena *arena;
	const struct entities *base;
	struct entities *now; /* what was read */
	struct entities *patch;
	uint64_t *gone; /* bits, by record of `base`: its file has it no more */
	size_t n_words;
	uint32_t *hidden;
	size_t n_hidden, cap_hidden;
};

/* One file. */
struct editing {
	struct entities_edit *e;
	const struct entities_file *was;
	const char *name;
	struct alike w;
	struct entities_kept kept;
	uint32_t unit; /* those before stay, or are marked as gone */
	struct str *parts;
	size_t n, cap;
	struct error *reterr;
};

struct entities_edit *
entities_edit_new(struct arena *a, const struct entities *base)
{
	struct entities_edit *e = ARENA_NEW(a, struct entities_edit);

	if (!e)
		return NULL;
	e->arena = a;
	e->base = base;
	e->n_words = base->n / BITS + 1;
	e->gone = ARENA_ARRAY(a, e->n_words, uint64_t);
	e->now = entities_new(a, NULL);
	return e->gone && e->now ? e : NULL;
}

static void
mark_gone(struct entities_edit *e, uint32_t from, uint32_t to)
{
	for (; from < to; from++)
		e->gone[from / BITS] |= UINT64_C(1) << from % BITS;
}

static bool
is_gone(const struct entities_edit *e, uint32_t i)
{
	return e->gone[i / BITS] >> i % BITS & 1;
}

void
entities_edit_gone(struct entities_edit *e, const struct entities_file *was)
{
	mark_gone(e, was->first, was->first + was->n);
}

/* ---- a file ----------------------------------------------------------------
 */

static size_t
start(const struct alike *w, uint32_t unit)
{
	const struct editing *f = w->of;

	return unit == 0
		   ? 0
		   : entities_record(f->e->base, f->was->first + unit - 1)->end;
}

/* The first begins with the bracket. */
static bool
may_begin(const struct alike *w, uint32_t unit)
{
	return (unit == 0) == (w->at == 0);
}

static bool
may_end(const struct alike *w, size_t at)
{
	return at < w->now.n && (w->now.p[at] == ',' || w->now.p[at] == ']');
}

static bool
is_over(const struct alike *w)
{
	return w->at >= w->now.n || (w->at > 0 && w->now.p[w->at] == ']');
}

static bool
refuse(const struct editing *f)
{
	return error_set(f->reterr, ERR_JSON_SYNTAX,
	    (struct span){ .file = f->name }, "not an array of JSON values");
}

/* Read the next one. */
static bool
take(struct alike *w)
{
	struct editing *f = w->of;
	size_t at = w->at, end;
	bool was_read;

	if (at == 0) {
		at = entities_skip_space(w->now, 0);
		if (at >= w->now.n || w->now.p[at] != '[')
			return refuse(f);
		end = entities_skip_space(w->now, at + 1);
		if (end < w->now.n && w->now.p[end] == ']') {
			w->at = end;
			return true;
		}
	}
	if (!entities_add_next(f->e->now, &f->kept, w->now, at + 1, f->name,
		&end, &was_read, f->reterr))
		return was_read ? false : refuse(f);
	w->at = end;
	return true;
}

static bool
add_part(struct editing *f, struct str part)
{
	if (!part.p || !ARENA_PUSH_ROOM(f->e->arena, f->parts, f->n, f->cap))
		return error_nomem(f->reterr);
	f->parts[f->n++] = part;
	return true;
}

static bool
add_new(struct alike *w, size_t from, size_t to)
{
	struct editing *f = w->of;

	return add_part(f, str_dup(f->e->arena, str_sub(w->now, from, to)));
}

/* Up to this one. */
static void
lose(struct editing *f, uint32_t unit)
{
	mark_gone(f->e, f->was->first + f->unit, f->was->first + unit);
}

static bool
keep(struct alike *w, uint32_t to, size_t from, size_t *inout_end)
{
	struct editing *f = w->of;

	lose(f, w->unit);
	f->unit = to;
	return add_part(f, str_sub(w->old, from, *inout_end));
}

static const struct alike_units records = { start, may_begin, may_end, is_over,
	take, add_new, keep };

/* What is behind the records: the bracket, and space. */
static bool
end_file(struct editing *f)
{
	const struct alike *w = &f->w;

	if (w->at >= w->now.n ||
	    entities_skip_space(w->now, w->at + 1) != w->now.n)
		return refuse(f);
	lose(f, f->was->n);
	return add_new(&f->w, w->at, w->now.n);
}

bool
entities_edit_file(struct entities_edit *e, const struct entities_file *was,
    const char *name, struct str now, const struct str **ret_parts,
    size_t *ret_n, bool *ret_is_local, struct error *reterr)
{
	static const struct entities_file none = { .is_apart = true };
	struct editing *f = ARENA_NEW(e->arena, struct editing);

	if (!f)
		return error_nomem(reterr);
	*ret_is_local = !was || was->is_apart;
	if (!*ret_is_local)
		return true;
	if (now.n > LIMIT_DATA_FILE_BYTES)
		return error_set(reterr, ERR_LIMIT_SIZE,
		    (struct span){ .file = name }, "the file is too large");
	*f = (struct editing){
		.e = e, .was = was ? was : &none, .name = name, .reterr = reterr
	};
	f->w = (struct alike){ .units = &records,
		.of = f,
		.old = f->was->text,
		.now = now,
		.n_units = f->was->n };
	alike_compare(&f->w);
	if (!alike_plan(&f->w) || !end_file(f))
		return false;
	*ret_parts = f->parts;
	*ret_n = f->n;
	return true;
}

/* ---- all -------------------------------------------------------------------
 */

static bool
is_as_it_was(struct entities_edit *e, const struct record *was,
    const struct entity *is, bool *ret, struct error *reterr)
{
	struct arena_mark mark = arena_mark(e->arena);
	bool ok = entities_same(e->arena, &was->own, is, ret, reterr);

	arena_release(e->arena, mark);
	*ret = *ret && was->own.from && is->from &&
	       strcmp(was->own.from, is->from) == 0;
	return ok;
}

/* One record of the changed files, as it is now. */
static bool
put(struct entities_edit *e, const struct record *now, bool *ret_is_local,
    struct error *reterr)
{
	uint32_t id =
	    intern_find(e->base->ids, now->own.uid.type, now->own.uid.id);
	uint32_t number =
	    id == INTERN_NONE ? id : idmap_get(&e->base->by_id, id);
	bool same = false;

	*ret_is_local =
	    !now->is_shared && (number == INTERN_NONE || is_gone(e, number));
	if (!*ret_is_local)
		return true;
	if (number != INTERN_NONE &&
	    !is_as_it_was(
		e, entities_record(e->base, number), &now->own, &same, reterr))
		return false;
	if (!same)
		return entities_add(e->patch, &now->own, reterr);
	e->gone[number / BITS] &= ~(UINT64_C(1) << number % BITS);
	return true;
}

static bool
hide(struct entities_edit *e, uint32_t number, struct error *reterr)
{
	const struct record *was = entities_record(e->base, number);

	if (!ARENA_PUSH_ROOM(e->arena, e->hidden, e->n_hidden, e->cap_hidden))
		return error_nomem(reterr);
	e->hidden[e->n_hidden++] = number;
	/* Replaced, or gone. */
	return idmap_get(&e->patch->by_id, was->id) != INTERN_NONE ||
	       entities_add_gone(e->patch, &was->own, reterr);
}

/* What the changed files had and have no more. */
static bool
take_away(struct entities_edit *e, bool *ret_is_local, struct error *reterr)
{
	for (size_t k = 0; k < e->n_words; k++)
		for (uint64_t left = e->gone[k]; left; left &= left - 1) {
			uint32_t number = (uint32_t)k * BITS +
					  (uint32_t)__builtin_ctzll(left);

			*ret_is_local =
			    !entities_record(e->base, number)->is_shared;
			if (!*ret_is_local)
				return true;
			if (!hide(e, number, reterr))
				return false;
		}
	return true;
}

bool
entities_edit_end(struct entities_edit *e, const struct entities **ret,
    bool *ret_is_local, struct error *reterr)
{
	*ret_is_local = !e->base->lent;
	if (!*ret_is_local)
		return true;
	e->patch = entities_patch_new(e->arena, e->base);
	if (!e->patch)
		return error_nomem(reterr);
	for (size_t i = 0; i < e->now->n && *ret_is_local; i++)
		if (!put(e, entities_record(e->now, i), ret_is_local, reterr))
			return false;
	if (*ret_is_local && !take_away(e, ret_is_local, reterr))
		return false;
	if (!*ret_is_local)
		return true;
	e->patch->hidden = e->hidden;
	e->patch->n_hidden = e->n_hidden;
	if (!entities_finish(e->patch, reterr))
		return false;
	*ret = e->patch;
	return true;
}

size_t
entities_changed(const struct entities *patch)
{
	return patch->n;
}
