/* pack.h - texts of an image, packed: what many have in common is written once. Inside of images, for the files of policy/ alone.
 * A text is cut at its string literals, runs of digits and comments. What lies between is its shape, which the policies of one set mostly share; what was cut out are
 * its parts. A part is a number, a word that came before, such a word with a number behind it, or its own bytes. So a text is the number of a shape and a few bytes a
 * part, and is put together again by copying: nothing is inflated, nothing is searched, and any one can be read alone.
 *   text    := number of the shape, part ...
 *   shape   := length, bytes; for each part: length, bytes
 *   part    := value * 4 + kind, and what the kind says
 * Numbers are seven bits a byte, the lowest first; the last byte has no upper bit. */
#ifndef POLICY_PACK_H
#define POLICY_PACK_H

#include "base/str.h"

enum pack_kind {
	PACK_NUMBER = 0, /* the value, in decimal */
	PACK_BYTES,      /* as many bytes as the value says follow */
	PACK_WORD,       /* the word of that number */
	PACK_COUNTED,    /* the same, and a number that follows in decimal */
};

/* What packed texts are read by. All of it may say anything. */
struct packed {
	const char *bytes;         /* of texts */
	const uint32_t *shape_ends; /* where each ends in `shapes`, and the next begins */
	const char *shapes;
	const uint32_t *word_ends;
	const char *words;
	size_t n_bytes, n_shape_ends, n_shapes, n_word_ends, n_words;
};

/* ---- reading: unpack.c. Whatever the numbers say, nothing outside is read, and no more than the room is written. -------------------------------------- */

/* A place in the bytes. */
struct unpacking {
	const struct packed *of;
	size_t at;
};

/* Where a text goes; with `p` NULL it is only counted. */
struct unpacked {
	char *p;
	size_t n, room;
};

/* False where there is no number. */
bool unpack_number(struct unpacking *u, uint64_t *ret) MUST_USE;
bool unpack_u32(struct unpacking *u, uint32_t *ret) MUST_USE;
/* Append the part, or the text, that is next. False where there is none, or it is more than there is room for. */
bool unpack_part(struct unpacking *u, struct unpacked *to) MUST_USE;
bool unpack_text(struct unpacking *u, struct unpacked *to) MUST_USE;

/* ---- writing: pack.c ------------------------------------------------------ */

struct arena;
struct packer;
/* NULL when memory is out. All but the buffers is the arena's. */
struct packer *packer_new(struct arena *a);
void packer_free(struct packer *p);
/* Memory that runs out is said by packer_check. */
void pack_number(struct packer *p, uint64_t n);
void pack_part(struct packer *p, struct str s);
void pack_text(struct packer *p, struct str s);
size_t packer_at(const struct packer *p);
/* What was packed by now; dies with what is packed next. */
struct packed packer_view(const struct packer *p);
/* False when memory ran out. */
bool packer_check(const struct packer *p) MUST_USE;

#endif
