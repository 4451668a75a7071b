/* reload.c - paths as operators name them, into what the files hold now; where
 * that is an update of a snapshot, only what changed is parsed.
 * A file that is as long as it was is compared block by block; memory holds the
 * texts of changed files alone. What cannot be read,
 * or is no plain file, is left to loading all anew, which tells why. */
#include "engine/snapshot.h"

#include "base/file.h"
#include "base/limits.h"

struct reading {
	const struct engine_base *base;
	struct arena *arena;
	struct engine_file *files;
	size_t n, cap;
	size_t expected; /* file of the base */
};

/* What the base has under a name; false where it has nothing. */
static bool
known_policies(struct reading *r, const char *name, struct str *ret)
{
	const struct policy_set *set = r->base->policies;
	uint32_t at = update_find_file(r->base, (uint32_t)r->expected, name);

	if (at >= policy_set_files(set))
		return false;
	r->expected = at + 1;
	return policy_set_file_text(set, at, ret);
}

static bool
known_entities(struct reading *r, const char *name, struct str *ret)
{
	const struct loaded_entities *e = r->base->entities;
	size_t at = update_find_entities(r->base, r->expected, name);

	if (at == e->n_files)
		return false;
	r->expected = at + 1;
	*ret = e->files[at].text;
	return true;
}

static bool
read_one(struct reading *r, const char *path, size_t limit,
    bool (*known)(struct reading *r, const char *name, struct str *ret))
{
	struct engine_file f = { .name = path };
	struct str was;

	if (!ARENA_PUSH_ROOM(r->arena, r->files, r->n, r->cap))
		return false;
	f.is_known = known(r, path, &was) && file_holds(path, was);
	if (!f.is_known && !file_read(r->arena, path, limit, &f.text, NULL))
		return false;
	r->files[r->n++] = f;
	return true;
}

static bool
read_all(struct reading *r, const char *const *paths, size_t n,
    const char *const *suffixes, size_t limit,
    bool (*known)(struct reading *r, const char *name, struct str *ret))
{
	for (size_t i = 0; i < n; i++) {
		const char *const *files;
		size_t n_files;

		if (strcmp(paths[i], "-") == 0 ||
		    !file_list(
			r->arena, paths[i], suffixes, &files, &n_files, NULL))
			return false;
		for (size_t k = 0; k < n_files; k++)
			if (!read_one(r, files[k], limit, known))
				return false;
	}
	return true;
}

static struct engine_snapshot *
update(const struct engine_snapshot *old, struct arena *a,
    const char *const *policies, size_t n_policies, const char *const *entities,
    size_t n_entities, int64_t now_ms, const char **ret_why)
{
	static const char *const texts[] = { ".avow", ".cedar", NULL };
	static const char *const data[] = { ".json", NULL };
	struct reading p = { .base = old->base, .arena = a };
	struct reading e = { .base = old->base, .arena = a };
	struct engine_files now;

	for (size_t i = 0; i < n_policies; i++)
		if (policy_path_is_image(policies[i])) {
			*ret_why = "an image is mapped anew";
			return NULL;
		}
	*ret_why = "not all files could be read";
	if (!read_all(&p, policies, n_policies, texts, LIMIT_POLICY_FILE_BYTES,
		known_policies) ||
	    !read_all(&e, entities, n_entities, data, LIMIT_DATA_FILE_BYTES,
		known_entities))
		return NULL;
	now = (struct engine_files){ p.files, e.files, p.n, e.n };
	return engine_snapshot_update(old, &now, now_ms, ret_why);
}

struct engine_snapshot *
engine_reload(const struct engine_snapshot *old,
    const struct engine_sources *from, int64_t now_ms, struct buf *messages,
    const char **ret_why)
{
	struct arena *a = old != NULL ? arena_new(0) : NULL;
	struct engine_snapshot *s = NULL;

	*ret_why = old != NULL ? "memory ran out" : "nothing was loaded before";
	if (a != NULL)
		s = update(old, a, from->policies, from->n_policies,
		    from->entities, from->n_entities, now_ms, ret_why);
	arena_free(a);
	if (s != NULL) {
		*ret_why = NULL;
		return s;
	}
	return engine_load_from(from, now_ms, messages);
}
