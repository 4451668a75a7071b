/* thaw.c - the tree of a policy of an image, made from its text. Text files are
 * read a policy at a time, so that who needs one policy's tree or error reads
 * that policy alone; a file of JSON is read whole. What a report asks for is
 * kept; a decision may neither lock nor allocate, so it reads what is not kept
 * in its own scratch, each time. What cannot be read is no policy (NULL): who
 * asked takes that for an error, and a decision denies. Cost: parsing the
 * policy; of one that is kept, one load. */
#include "policy/image.h"

static const struct ast *
read_whole(struct image *im, struct arena *a, uint32_t file)
{
	struct errors errors = { 0 };
	struct ast *t;

	if (!im->whole[file] &&
	    image_sum(im->sources[file].text) == im->files[file].sum &&
	    parse_json_policies(a, &im->sources[file], &t, &errors))
		im->whole[file] = t;
	return im->whole[file];
}

static const struct ast *
read_body(const struct image *im, struct arena *a, const struct image_policy *p,
    uint32_t file, bool no_heap)
{
	struct errors errors = { 0 };
	enum policy_dialect dialect =
	    im->files[file].form == IMAGE_CEDAR ? POLICY_CEDAR : POLICY_AVOW;
	struct ast *t;

	if (image_sum(source_text(&im->sources[file], p->off, p->len)) !=
	    p->sum)
		return NULL;
	if (!parse_policy_at(a, &im->sources[file], dialect, p->off, p->len,
		no_heap, &t, &errors))
		return NULL;
	return t->n_policies == 1 ? t : NULL;
}

static bool
bind_slots(const struct image *im, struct arena *a, uint32_t link,
    struct policy_instance *instance)
{
	const struct image_link *l = &im->links[link - 1];
	struct uid *slot = ARENA_ARRAY(a, 2, struct uid);

	if (!slot)
		return false;
	for (size_t i = 0; i < 2; i++) {
		slot[i].type = image_text(im, l->type[i]);
		slot[i].id = image_text(im, l->id[i]);
	}
	instance->is_link = true;
	instance->slot = slot;
	return true;
}

static uint32_t
file_of(const struct image_policy *p)
{
	return p->file & ~IMAGE_PERMIT;
}

/* From its tree, which may be NULL. */
static const struct policy_instance *
make(const struct image *im, struct arena *a, uint32_t i, const struct ast *t,
    uint32_t number)
{
	const struct image_policy *p = &im->policies[i];
	struct policy_instance *instance;

	if (!t || number >= t->n_policies ||
	    t->policies[number].has_slots != (p->link != 0))
		return NULL;
	instance = ARENA_NEW(a, struct policy_instance);
	if (!instance || (p->link && !bind_slots(im, a, p->link, instance)))
		return NULL;
	instance->id = image_text(im, p->id);
	instance->ast = t;
	instance->policy = number;
	return instance;
}

/* To be kept. */
static const struct policy_instance *
thaw(struct image *im, struct arena *a, uint32_t i)
{
	const struct image_policy *p = &im->policies[i];
	uint32_t file = file_of(p);

	if (im->files[file].form == IMAGE_JSON)
		return make(im, a, i, read_whole(im, a, file), p->number);
	return make(im, a, i, read_body(im, a, p, file, false), 0);
}

/* Its numbers lie inside. */
static bool
is_policy(const struct image *im, uint32_t i)
{
	return i < im->n_policies && file_of(&im->policies[i]) < im->n_files &&
	       im->policies[i].link <= im->n_links;
}

const struct policy_instance *
image_instance(const struct policy_set *set, uint32_t i)
{
	struct image *im = set->image;
	const struct policy_instance *p;

	if (!is_policy(im, i))
		return NULL;
	p = atomic_load_explicit(&im->thawed[i], memory_order_acquire);
	if (p)
		return p;
	(void)pthread_mutex_lock(&im->lock); /* lint-ok: in no decision */
	p = atomic_load_explicit(&im->thawed[i], memory_order_relaxed);
	if (!p) {
		struct arena_mark mark = arena_mark(set->arena);
		const struct ast **whole =
		    &im->whole[file_of(&im->policies[i])];
		const struct ast *before = *whole;

		p = thaw(im, set->arena, i);
		if (p)
			atomic_store_explicit(
			    &im->thawed[i], p, memory_order_release);
		else if (*whole == before)
			arena_release(set->arena, mark);
	}
	(void)pthread_mutex_unlock(&im->lock);
	return p;
}

const struct policy_instance *
image_instance_in(
    const struct policy_set *set, uint32_t i, struct arena *scratch)
{
	const struct image *im = set->image;
	const struct policy_instance *p;
	const struct image_policy *at;

	if (!is_policy(im, i))
		return NULL;
	p = atomic_load_explicit(&im->thawed[i], memory_order_acquire);
	if (p)
		return p;
	at = &im->policies[i];
	/* These were read when the image was opened, if it is ours. */
	if (im->files[file_of(at)].form == IMAGE_JSON ||
	    at->len > IMAGE_LONG_BYTES)
		return NULL;
	return make(
	    im, scratch, i, read_body(im, scratch, at, file_of(at), true), 0);
}

bool
image_thaw_eager(const struct policy_set *set)
{
	const struct image *im = set->image;

	for (size_t i = 0; i < im->n_eager; i++)
		if (!image_instance(set, im->eager[i]))
			return false;
	return true;
}

void
image_thaw_ahead(
    const struct policy_set *set, const struct index_tree *trees, size_t n)
{
	const struct image *im = set->image;

	for (size_t i = 0; n <= IMAGE_THAW_TREES && i < n; i++)
		(void)image_instance(set, trees[i].instance);
	if (im->n_policies > IMAGE_THAW_AHEAD)
		return;
	for (uint32_t i = 0; i < im->n_policies; i++)
		(void)image_instance(set, i);
}

struct policy_info
image_info(const struct image *im, uint32_t i)
{
	const struct image_policy *p = &im->policies[i];
	struct policy_info info = { image_text(im, p->id),
		p->file & IMAGE_PERMIT ? POLICY_PERMIT : POLICY_DENY,
		SPAN_NONE };

	if (file_of(p) < im->n_files)
		info.at =
		    source_span(&im->sources[file_of(p)], p->head, p->head_len);
	return info;
}
