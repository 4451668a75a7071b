/* image_index.c - the arrays of an image as an index. What is small and what
 * loops and tables of the matcher rely on is checked here; all other numbers
 * are checked where they are followed. Cost: O(policies), a load and a
 * comparison each. */
#include "policy/ast.h"
#include "policy/image.h"

static bool
check_head(const struct policy_index *ix)
{
	for (unsigned v = 0; v < 3; v++) {
		if (ix->bound[v][0] != 0 || ix->bound[v][1] != 1)
			return false;
		for (unsigned c = 1; c < CLASS_COUNT; c++)
			if (ix->bound[v][c + 1] < ix->bound[v][c])
				return false;
	}
	for (size_t i = 0; i < ix->n_shapes; i++)
		for (unsigned v = 0; v < 3; v++)
			if (ix->shapes[i].of[v] >= CLASS_COUNT)
				return false;
	return true;
}

static bool
check_paths(const struct policy_index *ix)
{
	for (size_t i = 0; i < ix->n_paths; i++) {
		const struct index_path *p = &ix->paths[i];

		if (p->var > VAR_CONTEXT ||
		    !index_is_inside(p->name, p->n_names, ix->n_names))
			return false;
	}
	return ix->n_paths <= UINT16_MAX;
}

/* What a look-up compares instead of a type's name. */
static bool
check_types(const struct policy_index *ix)
{
	for (size_t i = 0; i < ix->n_types; i++) {
		const struct index_type *t = &ix->types[i];
		struct str name = index_type_name(ix, t);

		if (name.n != t->name.n ||
		    !index_same_ends(t->ends, index_ends(name)))
			return false;
	}
	return true;
}

/* In numbers that wrap nowhere: 32 bits count all items but bytes. */
static bool
check_counts(const struct policy_index *ix, const struct image *im)
{
	return ix->n_instances == im->n_policies &&
	       ix->n_ranked == im->n_policies &&
	       ix->first_contained <= ix->n_rules &&
	       ix->n_types == ix->type_names.n && ix->n_slots >= 1 &&
	       ix->n_slots <= UINT32_MAX && ix->n_cells >= 2 &&
	       ix->n_cells % 2 == 0 && ix->n_cells <= UINT32_MAX &&
	       ix->n_sieve >= 1 && ix->n_sieve <= UINT32_MAX &&
	       ix->n_rules <= UINT32_MAX;
}

static bool
check_ranks(const struct policy_index *ix)
{
	uint32_t most = 0;

	for (size_t i = 0; i < ix->n_instances; i++) {
		most = ix->rank[i] > most ? ix->rank[i] : most;
		most = ix->by_rank[i] > most ? ix->by_rank[i] : most;
	}
	return ix->n_instances == 0 || most < ix->n_instances;
}

static bool
take_fixed(struct policy_index *ix, const struct image_fixed *f)
{
	if (f->n_shapes > ARRAY_LEN(ix->shapes) || f->n_columns > INDEX_COLUMNS)
		return false;
	ix->n_used = f->n_used;
	ix->slot_seed = f->slot_seed;
	ix->n_shapes = f->n_shapes;
	ix->n_columns = f->n_columns;
	memcpy(ix->bound, f->bound, sizeof ix->bound);
	memcpy(ix->columns, f->columns, sizeof ix->columns);
	memcpy(ix->shapes, f->shapes, sizeof ix->shapes);
	return true;
}

bool
image_index(
    const struct image *im, struct policy_index *ix, struct error *reterr)
{
	for (size_t i = 0; i < image_n_parts; i++) {
		const struct image_part *part = &image_parts[i];
		const struct image_section *s =
		    &im->sections[IMAGE_OWN_SECTIONS + i];
		const char *p = im->bytes.text.p + s->at;
		size_t n = s->n;

		memcpy((char *)ix + part->member, &p, sizeof p);
		memcpy((char *)ix + part->count, &n, sizeof n);
	}
	if (take_fixed(ix, im->fixed) && check_counts(ix, im) &&
	    check_head(ix) && check_paths(ix) && check_types(ix) &&
	    check_ranks(ix))
		return true;
	return error_set(reterr, ERR_FILE_IMAGE, SPAN_NONE,
	    "the image is not used: its numbers are of no index");
}
