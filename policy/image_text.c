/* image_text.c - the entries of an image's packed texts: a policy's place, id
 * and text, and the text of a whole file. What is read may say anything; what
 * does not fit together is refused by who asked. Cost: of an entry, its bytes;
 * of a file, all of them, once. */
#include "policy/image.h"

#include "base/limits.h"

static bool
skip_part(struct unpacking *u)
{
	struct unpacked none = { .room = SIZE_MAX };

	return unpack_part(u, &none);
}

bool
image_entry_at(const struct packed *of, size_t at, struct image_entry *ret)
{
	struct unpacking u = { of, at };
	struct image_entry e = { 0 };
	bool ok = unpack_u32(&u, &e.kind) && e.kind <= ENTRY_LINK;

	if (ok && e.kind != ENTRY_TEXT) {
		ok = unpack_u32(&u, &e.number);
		if (ok && e.number & 1) {
			e.id = u.at;
			ok = skip_part(&u);
		}
		e.number >>= 1;
	}
	if (ok && e.kind == ENTRY_LINK)
		ok = unpack_u32(&u, &e.link) && unpack_u32(&u, &e.body);
	else if (ok && e.kind != ENTRY_TEXT)
		ok = unpack_u32(&u, &e.gap) && unpack_u32(&u, &e.line) &&
		     unpack_u32(&u, &e.col) && unpack_u32(&u, &e.head_line) &&
		     unpack_u32(&u, &e.head_col) && unpack_u32(&u, &e.head_len);
	if (!ok)
		return false;
	e.text = u.at;
	*ret = e;
	return true;
}

/* Counted, then put together: `unpack` is asked twice. */
static bool
unpack_in(const struct packed *of, size_t at,
    bool (*unpack)(struct unpacking *u, struct unpacked *to), struct arena *a,
    size_t most, struct str *ret)
{
	struct unpacking u = { of, at };
	struct unpacked to = { .room = most };

	if (!unpack(&u, &to))
		return false;
	to = (struct unpacked){ arena_alloc(a, to.n + 1), 0, to.n };
	u.at = at;
	if (!to.p || !unpack(&u, &to))
		return false;
	*ret = (struct str){ to.p, to.n };
	return true;
}

bool
image_entry_text(const struct packed *of, const struct image_entry *e,
    struct arena *a, size_t most, struct str *ret)
{
	return (e->kind == ENTRY_TEXT || e->kind == ENTRY_POLICY) &&
	       unpack_in(of, e->text, unpack_text, a, most, ret);
}

bool
image_entry_id(const struct packed *of, const struct image_entry *e,
    const char *of_file, struct arena *a, struct str *ret)
{
	if (e->id)
		return unpack_in(
		    of, e->id, unpack_part, a, LIMIT_POLICY_FILE_BYTES, ret);
	*ret = str_printf(a, "%s#%u", of_file, e->number);
	return ret->p != NULL;
}

/* ---- files ----------------------------------------------------------------
 */

/* All the texts of entries that end where the file does. */
static bool
unpack_file(const struct packed *of, const struct image_file *f, char *room)
{
	struct unpacking u = { of, f->at };
	struct unpacked to = { room, 0, f->n_bytes };

	while (u.at < f->end) {
		struct image_entry e;

		if (!image_entry_at(of, u.at, &e) || e.kind == ENTRY_LINK)
			return false;
		u.at = e.text;
		if (e.kind != ENTRY_PLACE && !unpack_text(&u, &to))
			return false;
	}
	return u.at == f->end && to.n == f->n_bytes;
}

bool
image_file_text_locked(
    const struct policy_set *set, uint32_t i, struct str *ret)
{
	struct image *im = set->image;
	const struct image_file *f = &im->files[i];
	struct arena_mark mark;
	char *p;

	if (im->files_read[i].p) {
		*ret = im->files_read[i];
		return true;
	}
	if (f->n_bytes > LIMIT_POLICY_FILE_BYTES)
		return false;
	mark = arena_mark(set->arena);
	p = arena_alloc(set->arena, (size_t)f->n_bytes + 1);
	if (!p || !unpack_file(&im->texts, f, p)) {
		arena_release(set->arena, mark);
		return false;
	}
	*ret = im->files_read[i] = (struct str){ p, f->n_bytes };
	return true;
}

bool
image_file_text(const struct policy_set *set, uint32_t i, struct str *ret)
{
	struct image *im = set->image;
	bool ok;

	(void)pthread_mutex_lock(&im->lock); /* lint-ok: in no decision */
	ok = image_file_text_locked(set, i, ret);
	(void)pthread_mutex_unlock(&im->lock);
	return ok;
}
