/* arena.h - memory that is freed in one call.
 * One arena a policy set, one a request. Memory is zeroed, 16-byte aligned, never freed singly, and gone with the arena. `arena_reset` keeps one
 * block, as large as all were together (4 MiB at most), so that a reused scratch arena settles to no allocation at all. The sanitizer build makes one malloc an object, so that overruns
 * inside an arena are seen. An arena with a limit refuses (NULL) what would pass it: hostile input then ends in an error, not in swap. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena;

/* `limit_bytes` 0: no limit. NULL when memory is out. */
struct arena *arena_new(size_t limit_bytes);
void arena_free(struct arena *a);
/* Forget everything allocated; cost O(blocks). Pointers into the arena die. */
void arena_reset(struct arena *a);
#define ARENA_KEEP_BYTES ((size_t)4 << 20) /* what a reset keeps at most */
/* The next `bytes` come from memory that is there already, as far as they are asked for in pieces that fit; what is never used is never touched. False when memory is
 * out, or they are beyond the limit: nothing has changed then. Cost: a compare, once it is there. */
_Bool arena_reserve(struct arena *a, size_t bytes);
/* NULL when memory or the limit is reached. */
void *arena_alloc(struct arena *a, size_t size);
/* The same, not zeroed: for who writes all of it at once, before anything reads it. */
void *arena_bytes(struct arena *a, size_t size);
/* n * size with overflow check. */
void *arena_array(struct arena *a, size_t n, size_t size);
void *arena_room(struct arena *a, size_t n, size_t size); /* not zeroed */
size_t arena_used(const struct arena *a);
/* Call fn(p) when the memory allocated by now goes: at arena_free, arena_reset, or a release to a mark taken before; the newest first. For things that others
 * allocate. False when memory is out: nothing will be called then. */
_Bool arena_at_end(struct arena *a, void (*fn)(void *), void *p);

/* A point to go back to: `arena_release` forgets all that was allocated since. Marks are released in reverse order; a reset or a release before it ends a mark. */
struct arena_mark {
	void *block, *end;
	size_t n, used;
};
struct arena_mark arena_mark(const struct arena *a);
void arena_release(struct arena *a, struct arena_mark mark);

#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ROOM(a, n, type) ((type *)arena_room((a), (n), sizeof(type))) /* not zeroed */
#define ARENA_ARRAY(a, n, type) ((type *)arena_array((a), (n), sizeof(type)))

/* Grow a vector {items, n, cap} whose items live in `a`: room for one more, or false. Old items stay readable until the arena goes. */
#define ARENA_PUSH_ROOM(a, items, n, cap) \
	((n) < (cap) || arena_grow((a), (void **)&(items), sizeof *(items), (n), &(cap)))
_Bool arena_grow(struct arena *a, void **items, size_t size, size_t n,
    size_t *cap);

#endif
