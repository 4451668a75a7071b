/* image_make.h - inside of making an image, for the image_*.c files that do. */
#ifndef POLICY_IMAGE_MAKE_H
#define POLICY_IMAGE_MAKE_H

#include "policy/image.h"

struct making_image {
	const struct policy_set *set;
	struct policy_index *ix;
	struct arena *a;
	struct arena *rules; /* what the index was made of; gone while the image is laid out */
	const struct policy_sink *to;
	/* What has its place by now: first the head, with the sections behind it; where the next has its. */
	struct image_head *head;
	struct image_section *sections;
	struct image_lying *laid;
	size_t n_laid, end;
	size_t n_seal; /* bytes of a signature behind all */
	struct error *reterr;
	struct buf own[IMAGE_OWN_SECTIONS];
	struct index_tree *trees;
	struct image_packing *packing;
	bool is_packed; /* it has begun, at least */
	/* What a look at all policies tells, at the end of packing. */
	const struct uid *actions;
	size_t n_actions, scratch_bytes;
	/* Of entities: what a layer's id is in the image; NULL: none. */
	uint32_t *numbers;
	bool all_known; /* no record has more above it than is kept */
	uint64_t slot_seed;
};

#define IMAGE_ADD(buf, item) \
	buf_add((buf), (struct str){ (const char *)&(item), sizeof(item) })

/* What is over 4 GiB is refused at the end, by its whole length. */
struct index_text image_add_text(struct making_image *m, struct str s);
/* With NUL behind it. */
struct index_text image_add_name(struct making_image *m, const char *name);
/* What no decision is to read, for image_files.c: it writes the section. */
void image_add_eager(struct making_image *m);
/* The sections that packing made, which are not touched any more, go where the image goes. */
bool image_lay_packed(struct making_image *m, struct error *reterr) MUST_USE;
/* image_files.c: files and policies, their texts packed; then the section of eager policies, and the actions. Each text is put together again, and is what it was. Between begin and end these
 * sections are not to be touched, nor what has its place in the image: they go there first. Errors: memory, ERR_LIMIT_SIZE, ERR_SYSTEM_ERROR, those of writing. */
bool image_pack_begin(struct making_image *m) MUST_USE;
bool image_pack_end(struct making_image *m) MUST_USE;
void image_pack_free(struct making_image *m);
/* One of the sections that texts are packed into. */
struct str image_packed_at(const struct making_image *m, size_t section);
/* image_records.c: the records of a finished bottom layer (NULL: none), and the seed that their table and the index's slots share: told by what they are, so that who
 * chooses their names cannot foresee it, and the image is the same each time. Errors: memory, ERR_LIMIT_SIZE. */
bool image_add_entities(
    struct making_image *m, const struct entities *layer) MUST_USE;

#endif
