/* image_entities.c - entities that lie in an image: a bottom layer that is used
 * where it lies.
 * A uid's number is its id; records come first, and a record's number is its
 * uid's. Who is above whom was worked out when the image was made. A record's
 * values are words, read into the asker's memory when somebody asks for them:
 * kind, count and what follows, members one after another; strings lie in the
 * image, and values with a syntax of their own (`ip`, `datetime`, …) are
 * constructed from their text again. Whatever the words say, nothing outside
 * the image is read, no number leads outside its array, and what cannot be read
 * is an error of who asked. Cost: opening takes O(files); a look-up a hash, a
 * record what it holds. */
#include "policy/image.h"

#include "base/limits.h"

#define UNKNOWN_ABOVE UINT32_MAX

/* ---- uids to numbers and back -----------------------------------------------
 */

static struct uid
uid_at(const struct image *im, uint32_t i)
{
	return (struct uid){ image_text(im, im->uids[i].type),
		image_text(im, im->uids[i].id) };
}

static uint32_t
find_uid(const void *ctx, struct str type, struct str id)
{
	const struct image *im = ctx;
	struct uid uid = { type, id };
	size_t at;

	if (im->n_uid_table == 0)
		return INTERN_NONE;
	at = index_place(
	    index_hash_uid(im->fixed->slot_seed, uid), im->n_uid_table);
	for (size_t n = im->n_uid_table; n; n--) {
		uint32_t number = im->uid_table[at];

		if (number == 0 || number > im->n_uids)
			return INTERN_NONE;
		if (uid_eq(uid_at(im, number - 1), uid))
			return number - 1;
		at = at + 1 == im->n_uid_table ? 0 : at + 1;
	}
	return INTERN_NONE;
}

static void
get_uid(const void *ctx, uint32_t id, struct str *ret_type, struct str *ret_id)
{
	struct uid uid = uid_at(ctx, id);

	*ret_type = uid.type;
	*ret_id = uid.id;
}

/* ---- values
 * ------------------------------------------------------------------
 */

struct reading {
	const struct image *im;
	struct arena *arena;
	size_t at; /* in the words */
	unsigned depth;
};

static bool read_value(struct reading *r, struct value *ret);

/* The next `n` words, or NULL. */
static const uint32_t *
take(struct reading *r, size_t n)
{
	const uint32_t *words = r->im->values + r->at;

	if (!index_is_inside(r->at, n, r->im->n_values))
		return NULL;
	r->at += n;
	return words;
}

static bool
read_text(struct reading *r, struct str *ret)
{
	const uint32_t *words = take(r, 2);

	if (!words)
		return false;
	*ret = image_text(r->im, (struct index_text){ words[1], words[0] });
	return ret->n == words[0] && (ret->p || words[0] == 0);
}

/* Each member takes two words at least: `n` is bounded by what there is. */
static bool
read_set(struct reading *r, uint32_t n, struct value *ret)
{
	struct value *items;

	if (n > (r->im->n_values - r->at) / 2)
		return false;
	items = ARENA_ARRAY(r->arena, n, struct value);
	if (!items)
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (!read_value(r, &items[i]))
			return false;
	ret->set.items = items;
	ret->set.n = n;
	return true;
}

static bool
read_record(struct reading *r, uint32_t n, struct value *ret)
{
	struct value_field *fields;

	if (n > (r->im->n_values - r->at) / 4)
		return false;
	fields = ARENA_ARRAY(r->arena, n, struct value_field);
	if (!fields)
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (!read_text(r, &fields[i].name) ||
		    !read_value(r, &fields[i].value))
			return false;
	ret->record.fields = fields;
	ret->record.n = n;
	return true;
}

static struct str
constructor_of(enum value_kind kind)
{
	return kind == VALUE_IP ? STR("ip") : str_of(value_kind_name(kind));
}

static bool
read_extension(struct reading *r, enum value_kind kind, struct value *ret)
{
	struct str text;

	return read_text(r, &text) &&
	       value_construct(constructor_of(kind), text, ret, NULL);
}

static bool
read_long(struct reading *r, struct value *ret)
{
	const uint32_t *words = take(r, 2);

	if (!words)
		return false;
	memcpy(&ret->number, words, sizeof ret->number);
	return true;
}

static bool
read_kind(
    struct reading *r, enum value_kind kind, uint32_t n, struct value *ret)
{
	ret->kind = kind;
	switch (kind) {
	case VALUE_BOOL:
		ret->boolean = n != 0;
		return true;
	case VALUE_LONG:
		return read_long(r, ret);
	case VALUE_STRING:
		return read_text(r, &ret->string);
	case VALUE_ENTITY:
		return read_text(r, &ret->uid.type) &&
		       read_text(r, &ret->uid.id);
	case VALUE_SET:
		return read_set(r, n, ret);
	case VALUE_RECORD:
		return read_record(r, n, ret);
	case VALUE_IP:
	case VALUE_DECIMAL:
	case VALUE_DATETIME:
	case VALUE_DURATION:
	case VALUE_VERSION:
	case VALUE_DEBVERSION:
	case VALUE_RPMVERSION:
		return read_extension(r, kind, ret);
	case VALUE_NONE:
	case VALUE_UNKNOWN:
		break;
	}
	return false;
}

static bool
read_value(struct reading *r, struct value *ret)
{
	const uint32_t *head = take(r, 2);
	bool ok;

	if (!head || head[0] > VALUE_RPMVERSION ||
	    r->depth == LIMIT_DATA_FILE_DEPTH)
		return false;
	r->depth++;
	*ret = (struct value){ 0 };
	ok = read_kind(r, (enum value_kind)head[0], head[1], ret);
	r->depth--;
	return ok;
}

/* ---- records
 * -----------------------------------------------------------------
 */

static bool
read_fields(
    const struct image *im, uint32_t at, struct arena *a, struct value *ret)
{
	struct reading r = { im, a, at, 0 };

	return read_value(&r, ret) && ret->kind == VALUE_RECORD;
}

bool
image_entity(const struct image *im, uint32_t i, struct arena *a,
    const struct entity **ret, struct error *reterr)
{
	struct entity *e = ARENA_NEW(a, struct entity);
	const struct image_record *r = &im->records[i];
	const uint32_t *parents;
	uint32_t n = image_parents(im, i, &parents);
	struct uid *uids = e ? ARENA_ARRAY(a, n, struct uid) : NULL;

	if (!uids || !read_fields(im, r->attrs, a, &e->attrs) ||
	    !read_fields(im, r->tags, a, &e->tags))
		return error_set(reterr, ERR_LIMIT_MEMORY, SPAN_NONE,
		    "an entity of the image cannot be read, or memory ran out");
	for (uint32_t k = 0; k < n; k++)
		uids[k] = uid_at(im, parents[k]);
	e->uid = uid_at(im, i);
	e->parents = uids;
	e->n_parents = n;
	e->from = r->from < im->n_origins ? im->from[r->from] : NULL;
	*ret = e;
	return true;
}

struct uid
image_entity_uid(const struct image *im, uint32_t i)
{
	return uid_at(im, i);
}

/* All of them are uids. */
static bool
are_uids(const struct image *im, const uint32_t *ids, uint32_t n, bool sorted)
{
	for (uint32_t i = 0; i < n; i++)
		if (ids[i] >= im->n_uids ||
		    (sorted && i > 0 && ids[i] <= ids[i - 1]))
			return false;
	return true;
}

uint32_t
image_parents(const struct image *im, uint32_t i, const uint32_t **ret)
{
	const struct image_record *r = &im->records[i];

	*ret = im->parents + r->parents;
	if (!index_is_inside(r->parents, r->n_parents, im->n_parents) ||
	    !are_uids(im, *ret, r->n_parents, false))
		return 0;
	return r->n_parents;
}

bool
image_above(
    const struct image *im, uint32_t i, const uint32_t **ret, uint32_t *ret_n)
{
	const struct image_record *r = &im->records[i];

	if (r->n_above == UNKNOWN_ABOVE ||
	    !index_is_inside(r->above, r->n_above, im->n_above) ||
	    !are_uids(im, im->above + r->above, r->n_above, true))
		return false;
	*ret = im->above + r->above;
	*ret_n = r->n_above;
	return true;
}

/* ---- the layer
 * ---------------------------------------------------------------
 */

bool
image_layer(struct image *im, struct arena *a, struct error *reterr)
{
	struct intern_lent ids = { (uint32_t)im->n_uids, find_uid, get_uid,
		im };
	struct entities *layer = ARENA_NEW(a, struct entities);

	if (im->n_records == 0)
		return true;
	if (!layer || !(layer->ids = intern_new_over(a, &ids)))
		return error_nomem(reterr);
	layer->arena = a;
	layer->lent = im;
	layer->n = im->n_records;
	layer->all_known = im->fixed->all_known != 0;
	layer->finished = true;
	im->layer = layer;
	return true;
}
