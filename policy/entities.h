/* entities.h - inside of a layer of entities, for entities*.c, reach.c and the index alone. */
#ifndef POLICY_ENTITIES_H
#define POLICY_ENTITIES_H

#include "base/intern.h"
#include "policy/value.h"

/* uint32 keys to uint32 numbers; keys are dense ids, nobody outside chooses their hashes. All memory is an arena's. */
struct idmap {
	struct idmap_slot {
		uint32_t key, value; /* key + 1; 0: free */
	} *slots;
	size_t n, n_slots; /* n_slots a power of two, or 0 */
};
/* The number of `key`, or INTERN_NONE. */
uint32_t idmap_get(const struct idmap *m, uint32_t key);
/* False when memory is out. `key` must not be there. */
bool idmap_add(struct idmap *m, struct arena *a, uint32_t key, uint32_t value)
    MUST_USE;

struct record {
	struct entity own;         /* as added */
	const struct entity *seen; /* with the parents that lower layers add */
	uint32_t id, n_parents;
	const uint32_t *parents; /* ids of own.parents */
	uint32_t end;   /* where it was read from text: bytes up to the comma or bracket behind it */
	bool is_shared; /* added more than once, the same each time */
	bool is_gone;   /* in a patch: what it lies over has it no more */
};

/* All ancestors of an id as seen from one layer, sorted. */
struct closure {
	const uint32_t *ids;
	uint32_t n;
	uint8_t state;
	bool is_known; /* false: too many to keep */
};

#define RECORDS_PER_CHUNK 256u

struct image;

struct entities {
	struct arena *arena;
	const struct entities *below;
	/* Not NULL: a patch, which stands for this bottom layer with some records changed; it has no `below`. */
	const struct entities *patched;
	const uint32_t *hidden; /* records of `patched`, by number, sorted: replaced or gone */
	size_t n_hidden, n_gone; /* gone: the last so many of its own records */
	/* Not NULL: the records of a bottom layer lie in an image. Ids are numbers there, those of records first; of all below, `ids`, `n` and `all_known` are set. */
	const struct image *lent;
	struct intern *ids;
	struct idmap by_id; /* id to index */
	struct record **chunks;
	size_t n_chunks, cap_chunks, n;
	struct idmap closure_at; /* id to index, for what the records are or reach */
	struct closure *closures;
	size_t n_closures, cap_closures;
	bool all_known; /* no closure is missing */
	bool finished;
};

/* A uid as text for a message, clipped. */
struct entities_shown {
	char text[100];
};
struct entities_shown entities_show(struct uid uid);
struct record *entities_record(const struct entities *layer, size_t i);
/* Of record `i` of a layer that may be lent: its id; it as seen from there. */
uint32_t entities_id_at(const struct entities *layer, size_t i);
bool entities_seen_at(const struct entities *layer, size_t i,
    struct arena *scratch, const struct entity **ret, struct error *reterr)
    MUST_USE;
/* Of an image: record `i`, in `a`, and its parts. Sorted ids of all that is above it; false: not known. Errors: memory, what cannot be read. */
bool image_entity(const struct image *im, uint32_t i, struct arena *a,
    const struct entity **ret, struct error *reterr) MUST_USE;
struct uid image_entity_uid(const struct image *im, uint32_t i);
uint32_t image_parents(
    const struct image *im, uint32_t i, const uint32_t **ret);
bool image_above(const struct image *im, uint32_t i, const uint32_t **ret,
    uint32_t *ret_n);
/* The record of this layer (a patch: or of what it lies over), or NULL; never of one that is lent. */
struct record *entities_own(const struct entities *layer, uint32_t id);
/* An empty patch over a finished bottom layer; entities_edit.c fills it. */
struct entities *entities_patch_new(
    struct arena *a, const struct entities *base);
/* Do two records say the same? Errors: memory, of which `a` is used. */
bool entities_same(struct arena *a, const struct entity *x,
    const struct entity *y, bool *ret, struct error *reterr) MUST_USE;
/* A record that says that there is none. Errors: memory. */
bool entities_add_gone(struct entities *patch, const struct entity *e,
    struct error *reterr) MUST_USE;

struct schema;
/* entities_add_json and entities_add_text, read and checked by `schema` unless it is NULL. */
bool entities_add_json_by(const struct schema *schema, struct entities *layer,
    const json_t *array, const char *file, struct error *reterr) MUST_USE;
bool entities_add_text_by(const struct schema *schema, struct entities *layer,
    struct str text, const char *file, struct error *reterr) MUST_USE;

/* Where space ends. */
size_t entities_skip_space(struct str text, size_t at);
/* Strings kept lately, so that names and values that come again are kept once. */
#define ENTITIES_KEPT 256u
struct entities_kept {
	struct str strings[ENTITIES_KEPT];
};
/* The record at `*inout_at` when it is plain (entities_plain.c), with what the layer keeps of it; then `*inout_at` is behind it and the space after it.
 * *ret_is_plain false: nothing is known of it. Errors: memory. */
bool entities_plain(struct entities *layer, struct entities_kept *kept,
    struct str text, size_t *inout_at, struct entity *ret, bool *ret_is_plain,
    struct error *reterr) MUST_USE;

/* The record of a file's array that begins at `at`, into the layer: *ret_end is the comma or bracket behind it. *ret_read is false where that is no JSON: nothing is said of
 * why. Errors: as entities_add_text, and no places. */
bool entities_add_next(struct entities *layer, struct entities_kept *kept,
    struct str text, size_t at, const char *file, size_t *ret_end,
    bool *ret_read, struct error *reterr) MUST_USE;

/* All that is above a uid, as a layer over at most one other sees it: sorted ids without repeats, but for ABOVE_SAME. */
enum above_how {
	ABOVE_VAST = 0, /* too many to keep, or more than two layers */
	ABOVE_SAME,     /* as the layer below says; `ids` is not set */
	ABOVE_IDS,
};
struct above {
	const uint32_t *ids; /* the layer's, or `scratch`'s */
	uint32_t n;
	uint32_t id; /* of the uid; INTERN_NONE when no layer knows it */
};
/* False when memory is out. */
bool entities_above(const struct entities *layer, struct uid uid,
    struct arena *scratch, enum above_how *ret_how, struct above *ret)
    MUST_USE;

/* All that is above a record's id, as a bottom layer keeps it. False: it keeps none of it, since there is too much. */
bool entities_kept_above(
    const struct entities *layer, uint32_t id, struct above *ret) MUST_USE;
/* Has the record of a patch's lower layer, and all that is above it, stayed as it was there? */
bool entities_stayed(const struct entities *patch, uint32_t id);
/* As entities_above, but never ABOVE_SAME. */
bool entities_all_above(const struct entities *layer, struct uid uid,
    struct arena *scratch, enum above_how *ret_how, struct above *ret)
    MUST_USE;

/* Closures of the records and of what they reach. Errors: ERR_ENTITY_CYCLE, memory. */
bool reach_close(struct entities *layer, struct error *reterr) MUST_USE;

#endif
