/* thaw.c - the tree of a policy of an image, made from its text. Text files are
 * read a policy at a time, so that who needs one policy's tree or error reads
 * that policy alone; a file of JSON is read whole. What a report asks for is
 * kept; a decision may neither lock nor allocate, so it reads what is not kept
 * in its own scratch, each time. What cannot be read is no policy (NULL): who
 * asked takes that for an error, and a decision denies. Cost: putting the text
 * together and parsing it; of one that is kept, one load. */
#include "policy/image.h"

#include "base/limits.h"

/* What a policy is made of, and where to. */
struct thawing {
	const struct policy_set *set;
	struct image *im;
	struct arena *arena;
	bool no_heap;
	uint32_t file;
	struct image_entry own, body; /* the same, but of a link */
};

static uint32_t
file_of(const struct image_policy *p)
{
	return p->file & ~IMAGE_PERMIT;
}

/* The policy's entry, and the one that has its text or place. */
static bool
find_entries(const struct image *im, uint32_t i, struct image_entry *ret_own,
    struct image_entry *ret_body)
{
	if (i >= im->n_policies || file_of(&im->policies[i]) >= im->n_files ||
	    !image_entry_at(&im->texts, im->policies[i].at, ret_own))
		return false;
	*ret_body = *ret_own;
	if (ret_own->kind == ENTRY_LINK &&
	    (ret_own->link >= im->n_links ||
		!image_entry_at(&im->texts, ret_own->body, ret_body)))
		return false;
	return ret_body->kind == ENTRY_POLICY || ret_body->kind == ENTRY_PLACE;
}

static const struct ast *
read_whole(const struct thawing *t)
{
	struct errors errors = { 0 };
	struct error e = { 0 };
	struct source *source = ARENA_NEW(t->arena, struct source);
	struct str text;
	struct ast *tree;

	if (!t->im->whole[t->file] && source &&
	    image_file_text_locked(t->set, t->file, &text) &&
	    source_init(t->arena, t->im->names[t->file], text, source, &e) &&
	    parse_json_policies(t->arena, source, &tree, &errors))
		t->im->whole[t->file] = tree;
	return t->im->whole[t->file];
}

static const struct ast *
read_body(const struct thawing *t, size_t most)
{
	struct errors errors = { 0 };
	struct error e = { 0 };
	enum policy_dialect dialect = t->im->files[t->file].form == IMAGE_CEDAR
					  ? POLICY_CEDAR
					  : POLICY_AVOW;
	struct source source;
	struct str text;
	struct ast *tree;

	if (!image_entry_text(&t->im->texts, &t->body, t->arena, most, &text) ||
	    t->body.gap > text.n ||
	    !source_init(t->arena, t->im->names[t->file],
		str_sub(text, t->body.gap, text.n), &source, &e))
		return NULL;
	source.line = t->body.line;
	source.col = t->body.col;
	if (!parse_policy_alone(
		t->arena, &source, dialect, t->no_heap, &tree, &errors))
		return NULL;
	return tree->n_policies == 1 ? tree : NULL;
}

static bool
bind_slots(const struct thawing *t, struct policy_instance *instance)
{
	const struct image_link *l = &t->im->links[t->own.link];
	struct uid *slot = ARENA_ARRAY(t->arena, 2, struct uid);

	if (!slot)
		return false;
	for (size_t i = 0; i < 2; i++) {
		slot[i].type = image_text(t->im, l->type[i]);
		slot[i].id = image_text(t->im, l->id[i]);
	}
	instance->is_link = true;
	instance->slot = slot;
	return true;
}

/* From its tree, which may be NULL. */
static const struct policy_instance *
make(const struct thawing *t, const struct ast *tree, uint32_t number)
{
	bool is_link = t->own.kind == ENTRY_LINK;
	struct policy_instance *instance;

	if (!tree || number >= tree->n_policies ||
	    tree->policies[number].has_slots != is_link)
		return NULL;
	instance = ARENA_NEW(t->arena, struct policy_instance);
	if (!instance || (is_link && !bind_slots(t, instance)) ||
	    !image_entry_id(&t->im->texts, &t->own, t->im->names[t->file],
		t->arena, &instance->id))
		return NULL;
	instance->ast = tree;
	instance->policy = number;
	return instance;
}

/* To be kept. */
static const struct policy_instance *
thaw(const struct policy_set *set, uint32_t i)
{
	struct image *im = set->image;
	struct thawing t = { .set = set,
		.im = im,
		.arena = set->arena,
		.file = file_of(&im->policies[i]) };

	if (!find_entries(im, i, &t.own, &t.body))
		return NULL;
	if (im->files[t.file].form == IMAGE_JSON)
		return make(&t, read_whole(&t), t.body.number);
	return make(&t, read_body(&t, LIMIT_POLICY_FILE_BYTES), 0);
}

/* Its numbers lie inside. */
static bool
is_policy(const struct image *im, uint32_t i)
{
	return i < im->n_policies && file_of(&im->policies[i]) < im->n_files;
}

/* What is kept of a file of JSON: its text, and its tree. */
struct whole {
	const char *text;
	const struct ast *tree;
};

static struct whole
whole_of(const struct image *im, uint32_t i)
{
	uint32_t file = file_of(&im->policies[i]);

	return (struct whole){ im->files_read[file].p, im->whole[file] };
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
		struct whole before = whole_of(im, i), after;

		p = thaw(set, i);
		after = whole_of(im, i);
		if (p)
			atomic_store_explicit(
			    &im->thawed[i], p, memory_order_release);
		else if (after.text == before.text && after.tree == before.tree)
			arena_release(set->arena, mark);
	}
	(void)pthread_mutex_unlock(&im->lock);
	return p;
}

const struct policy_instance *
image_instance_in(
    const struct policy_set *set, uint32_t i, struct arena *scratch)
{
	struct image *im = set->image;
	struct thawing t = {
		.set = set, .im = im, .arena = scratch, .no_heap = true
	};
	const struct policy_instance *p;

	if (!is_policy(im, i))
		return NULL;
	p = atomic_load_explicit(&im->thawed[i], memory_order_acquire);
	if (p)
		return p;
	t.file = file_of(&im->policies[i]);
	/* These, and long ones, were read when the image was opened, if it is
	 * ours. */
	if (im->files[t.file].form == IMAGE_JSON ||
	    !find_entries(im, i, &t.own, &t.body))
		return NULL;
	return make(&t, read_body(&t, IMAGE_LONG_BYTES + IMAGE_GAP_BYTES), 0);
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

/* ---- what reports say of it -----------------------------------------------
 */

/* NULL where it is none, or memory is out. */
static const struct str *
make_id(const struct policy_set *set, uint32_t i, const struct image_entry *e)
{
	const struct image *im = set->image;
	struct arena_mark mark = arena_mark(set->arena);
	struct str *id = ARENA_NEW(set->arena, struct str);

	if (id && image_entry_id(&im->texts, e,
		      im->names[file_of(&im->policies[i])], set->arena, id))
		return id;
	arena_release(set->arena, mark);
	return NULL;
}

static struct str
id_of(const struct policy_set *set, uint32_t i, const struct image_entry *e)
{
	struct image *im = set->image;
	const struct str *id =
	    atomic_load_explicit(&im->ids[i], memory_order_acquire);

	if (id)
		return *id;
	(void)pthread_mutex_lock(&im->lock); /* lint-ok: in no decision */
	id = atomic_load_explicit(&im->ids[i], memory_order_relaxed);
	if (!id && (id = make_id(set, i, e)) != NULL)
		atomic_store_explicit(&im->ids[i], id, memory_order_release);
	(void)pthread_mutex_unlock(&im->lock);
	return id ? *id : (struct str){ 0 };
}

struct policy_info
image_info(const struct policy_set *set, uint32_t i)
{
	const struct image *im = set->image;
	struct image_entry own, body;
	struct policy_info info = { .effect = policy_set_effect(set, i) };

	if (!find_entries(im, i, &own, &body))
		return info;
	info.id = id_of(set, i, &own);
	info.at = (struct span){ im->names[file_of(&im->policies[i])],
		body.line + body.head_line + 1, body.head_col + 1,
		body.head_len };
	return info;
}
