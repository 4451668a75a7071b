/* json_places.h - where each value of a parsed JSON text stands.
 * jansson keeps no places. Its trees keep the order of the text, so one walk over text and tree together gives each value its bytes. `true`, `false` and `null` are
 * shared in a tree and have no place of their own: take the member's. Cost O(text) once, O(1) a look-up. */
#ifndef BASE_JSON_PLACES_H
#define BASE_JSON_PLACES_H

#include "base/arena.h"
#include "base/json.h"

struct json_places;

/* Bytes of the text; `key` is the quoted name before a member's value, empty (len 0) for items and the root. */
struct json_place {
	uint32_t off, len, key_off, key_len;
};

/* `root` must be what json_parse made of `text`, unchanged. Both are borrowed for the look-ups; memory is `a`'s. Errors: memory, ERR_LIMIT_SIZE (text of 4 GiB),
 * ERR_JSON_SHAPE (another tree). */
bool json_places_new(struct arena *a, struct str text, const json_t *root,
    const struct json_places **ret, struct error *reterr) MUST_USE;
/* False for a value that is not in the tree, and for true, false and null. */
bool json_places_find(const struct json_places *p, const json_t *value,
    struct json_place *ret) MUST_USE;

#endif
