/* index_names.c - strings and uids by number, in arrays that an image holds as
 * they are. A name's texts lie in the table's own bytes; types of uids follow
 * on one another, so a type that one of the last names had is not written
 * again. Half of the table stays free. Cost O(1). */
#include "policy/index.h"

#define RECENT 8u /* names whose type is looked at */

bool
index_pool(struct arena *a, char **bytes, size_t *n, size_t *cap, struct str s,
    struct index_text *ret, struct error *reterr)
{
	void *grown = *bytes;

	if (s.n >= UINT32_MAX || *n >= UINT32_MAX - s.n)
		return error_set(reterr, ERR_LIMIT_SIZE, SPAN_NONE,
		    "names are longer than %u bytes together", UINT32_MAX);
	while (*n + s.n > *cap || !grown)
		if (!arena_grow(a, &grown, 1, *n, cap))
			return error_nomem(reterr);
	*bytes = grown;
	if (s.n)
		memcpy(*bytes + *n, s.p, s.n);
	*ret = (struct index_text){ (uint32_t)*n, (uint32_t)s.n };
	*n += s.n;
	return true;
}

static struct str
part_of(const struct index_names *t, struct index_text text)
{
	return index_text_of(t->bytes, t->n_bytes, text);
}

/* Where the name stands in the table, or the free place where it belongs;
 * n_table when there is neither. */
static size_t
place_of(const struct index_names *t, uint64_t seed, struct uid name)
{
	size_t at;

	if (t->n_table == 0)
		return 0;
	at = index_place(index_hash_uid(seed, name), t->n_table);
	for (size_t i = 0; i < t->n_table; i++) {
		uint32_t number = t->table[at];
		const struct index_name *item;

		if (number == 0 || number > t->n)
			return at;
		item = &t->items[number - 1];
		if (item->id.n == name.id.n && item->type.n == name.type.n &&
		    str_eq(part_of(t, item->id), name.id) &&
		    str_eq(part_of(t, item->type), name.type))
			return at;
		at = at + 1 == t->n_table ? 0 : at + 1;
	}
	return t->n_table;
}

uint32_t
index_names_find(
    const struct index_names *t, uint64_t seed, struct str type, struct str id)
{
	size_t at = place_of(t, seed, (struct uid){ type, id });

	if (at >= t->n_table || t->table[at] == 0 || t->table[at] > t->n)
		return INTERN_NONE;
	return t->table[at] - 1;
}

bool
index_names_rehash(
    struct index_names *t, uint64_t seed, struct arena *a, struct error *reterr)
{
	size_t n = 16;
	uint32_t *table;

	while (n <= t->n * 2)
		n *= 2;
	table = ARENA_ARRAY(a, n, uint32_t);
	if (!table)
		return error_nomem(reterr);
	t->table = table;
	t->n_table = n;
	for (uint32_t i = 0; i < t->n; i++) {
		struct uid name = { part_of(t, t->items[i].type),
			part_of(t, t->items[i].id) };

		t->table[place_of(t, seed, name)] = i + 1;
	}
	return true;
}

static bool
add_type(struct index_names *t, struct arena *a, struct str type,
    struct index_text *ret, struct error *reterr)
{
	for (size_t i = 0; i < RECENT && i < t->n; i++) {
		*ret = t->items[t->n - 1 - i].type;
		if (str_eq(part_of(t, *ret), type))
			return true;
	}
	return index_pool(
	    a, &t->bytes, &t->n_bytes, &t->cap_bytes, type, ret, reterr);
}

bool
index_names_add(struct index_names *t, uint64_t seed, struct arena *a,
    struct str type, struct str id, uint32_t *ret, struct error *reterr)
{
	struct index_name name;

	*ret = index_names_find(t, seed, type, id);
	if (*ret != INTERN_NONE)
		return true;
	if ((t->n * 2 >= t->n_table &&
		!index_names_rehash(t, seed, a, reterr)) ||
	    !add_type(t, a, type, &name.type, reterr) ||
	    !index_pool(
		a, &t->bytes, &t->n_bytes, &t->cap_bytes, id, &name.id, reterr))
		return false;
	if (t->n >= INTERN_NONE - 1 ||
	    !ARENA_PUSH_ROOM(a, t->items, t->n, t->cap))
		return error_nomem(reterr);
	*ret = (uint32_t)t->n;
	t->table[place_of(t, seed, (struct uid){ type, id })] = *ret + 1;
	t->items[t->n++] = name;
	return true;
}
