/* entities_patch.c - what changed files say, over the bottom layer they were
 * read into before.
 * A record of the patch replaces the lower layer's of the same id, or says that
 * it is gone. Records that a changed file still has as they were are left where
 * they are: a file of a hundred thousand with one of them changed is a patch of
 * one. Two files may hold the same record; whose it is then is not known, so
 * such a change is not for a patch. Cost: see value.h. */
#include "policy/entities.h"

#include <stdlib.h>

struct patching {
	const struct entities *base, *now;
	const char *const *files;
	size_t n_files;
	struct entities *patch;
	uint32_t *stayed; /* bits, by record of `base`: as it was */
	uint32_t *hidden;
	size_t n_hidden, cap_hidden;
	const char *last; /* asked for */
	bool last_changed;
	struct error *reterr;
};

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Records of one file follow on one another. */
static bool
is_of_changed(struct patching *p, const char *from)
{
	if (from == p->last)
		return p->last_changed;
	p->last = from;
	p->last_changed =
	    from && p->n_files &&
	    bsearch(&from, p->files, p->n_files, sizeof *p->files, by_name);
	return p->last_changed;
}

static bool
is_as_it_was(struct patching *p, const struct record *was,
    const struct entity *is, bool *ret)
{
	struct arena *a = p->patch->arena;
	struct arena_mark mark = arena_mark(a);
	bool ok = entities_same(a, &was->own, is, ret, p->reterr);

	arena_release(a, mark);
	*ret = *ret && was->own.from && is->from &&
	       strcmp(was->own.from, is->from) == 0;
	return ok;
}

/* One record of the changed files, as it is now. */
static bool
put(struct patching *p, const struct record *now, bool *ret_is_local)
{
	uint32_t id =
	    intern_find(p->base->ids, now->own.uid.type, now->own.uid.id);
	uint32_t number =
	    id == INTERN_NONE ? id : idmap_get(&p->base->by_id, id);
	const struct record *was;
	bool same;

	if (number != INTERN_NONE) {
		was = entities_record(p->base, number);
		*ret_is_local = !was->is_shared && !now->is_shared &&
				is_of_changed(p, was->own.from);
		if (!*ret_is_local)
			return true;
		if (!is_as_it_was(p, was, &now->own, &same))
			return false;
		if (same) {
			p->stayed[number / 32] |= 1u << number % 32;
			return true;
		}
	}
	if (!entities_add(p->patch, &now->own, p->reterr))
		return false;
	entities_record(p->patch, p->patch->n - 1)->is_shared = now->is_shared;
	return true;
}

static bool
hide(struct patching *p, uint32_t number)
{
	if (!ARENA_PUSH_ROOM(
		p->patch->arena, p->hidden, p->n_hidden, p->cap_hidden))
		return error_nomem(p->reterr);
	p->hidden[p->n_hidden++] = number;
	return true;
}

/* What the changed files had and have no more. */
static bool
take_away(struct patching *p, bool *ret_is_local)
{
	for (uint32_t i = 0; i < p->base->n; i++) {
		const struct record *was = entities_record(p->base, i);

		if (!is_of_changed(p, was->own.from) ||
		    p->stayed[i / 32] >> i % 32 & 1)
			continue;
		*ret_is_local = !was->is_shared;
		if (!*ret_is_local)
			return true;
		if (!hide(p, i))
			return false;
		/* Replaced, or gone. */
		if (idmap_get(&p->patch->by_id, was->id) == INTERN_NONE &&
		    !entities_add_gone(p->patch, &was->own, p->reterr))
			return false;
	}
	return true;
}

size_t
entities_changed(const struct entities *patch)
{
	return patch->n;
}

bool
entities_patch(struct arena *a, const struct entities *base,
    const char *const *files, size_t n_files, const struct entities *now,
    const struct entities **ret, bool *ret_is_local, struct error *reterr)
{
	struct patching p = { .base = base,
		.now = now,
		.files = files,
		.n_files = n_files,
		.patch = base->lent ? NULL : entities_patch_new(a, base),
		.stayed = ARENA_ARRAY(a, base->n / 32 + 1, uint32_t),
		.reterr = reterr };

	*ret_is_local = !base->lent;
	if (base->lent)
		return true;
	if (!p.patch || !p.stayed)
		return error_nomem(reterr);
	for (size_t i = 0; i < now->n && *ret_is_local; i++)
		if (!put(&p, entities_record(now, i), ret_is_local))
			return false;
	if (!*ret_is_local)
		return true;
	if (!take_away(&p, ret_is_local))
		return false;
	if (!*ret_is_local)
		return true;
	p.patch->hidden = p.hidden;
	p.patch->n_hidden = p.n_hidden;
	if (!entities_finish(p.patch, reterr))
		return false;
	*ret = p.patch;
	return true;
}
