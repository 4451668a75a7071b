/* image_make.h - inside of making an image, for image_make.c and image_records.c alone. */
#ifndef POLICY_IMAGE_MAKE_H
#define POLICY_IMAGE_MAKE_H

#include "policy/image.h"

struct making_image {
	const struct policy_set *set;
	struct policy_index *ix;
	struct arena *a;
	struct error *reterr;
	struct buf own[IMAGE_OWN_SECTIONS];
	struct index_tree *trees;
	const uint32_t *file_text; /* where each file's text begins */
	/* Of entities: what a layer's id is in the image; NULL: none. */
	uint32_t *numbers;
	bool all_known; /* no record has more above it than is kept */
	uint64_t slot_seed;
};

#define IMAGE_ADD(buf, item) \
	buf_add((buf), (struct str){ (const char *)&(item), sizeof(item) })

/* Behind the files' texts, whose length is known by now. What is over 4 GiB is refused at the end, by its whole length. */
struct index_text image_add_text(struct making_image *m, struct str s);
/* With NUL behind it. */
struct index_text image_add_name(struct making_image *m, const char *name);
/* image_records.c: the records of a finished bottom layer (NULL: none), and the seed that their table and the index's slots share: told by what they are, so that who
 * chooses their names cannot foresee it, and the image is the same each time. Errors: memory, ERR_LIMIT_SIZE. */
bool image_add_entities(
    struct making_image *m, const struct entities *layer) MUST_USE;

#endif
