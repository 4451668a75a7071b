/* facts_paths.c - paths by number, as `principal.a.b`, and which reads make
 * others safe. A path's text is the number above it and its own name, so that a
 * path has one number, greater than that above it. */
#include "policy/facts.h"

struct intern *
facts_paths_new(struct arena *a)
{
	struct intern *paths = intern_new(a, NULL);

	for (unsigned v = VAR_PRINCIPAL; paths && v <= VAR_CONTEXT; v++)
		if (intern_add(paths, STR(""),
			str_of(ast_var_name((enum ast_var)v))) == INTERN_NONE)
			return NULL;
	return paths;
}

uint32_t
facts_path_add(struct intern *paths, uint32_t path, struct str name)
{
	struct str up = { (const char *)&path, sizeof path };

	return intern_add(paths, up, name);
}

bool
facts_path_up(const struct intern *paths, uint32_t path, uint32_t *ret_path,
    struct str *ret_name)
{
	struct str up, name;

	intern_get(paths, path, &up, &name);
	if (up.n != sizeof *ret_path)
		return false;
	memcpy(ret_path, up.p, sizeof *ret_path);
	*ret_name = name;
	return true;
}

/* Is `path` the other, or on the way to it (*ret_is_above)? */
static bool
leads_to(
    const struct intern *paths, uint32_t path, uint32_t to, bool *ret_is_above)
{
	struct str name;

	*ret_is_above = false;
	/* A path is numbered after those above it. */
	while (to > path) {
		if (!facts_path_up(paths, to, &to, &name))
			return false;
		*ret_is_above = true;
	}
	return to == path;
}

bool
facts_covers(const struct intern *paths, const struct normal_read *known,
    size_t n_known, struct normal_read read)
{
	uint32_t holders = FACTS_KIND(VALUE_RECORD) | FACTS_KIND(VALUE_ENTITY);

	for (size_t i = 0; i < n_known; i++) {
		bool above;

		if (leads_to(paths, read.path, known[i].path, &above) &&
		    ((above ? holders : known[i].kinds) & ~read.kinds) == 0)
			return true;
	}
	return false;
}
