/* arena.c - bump allocation in blocks that double.
 * Invariant: `used` is the sum of all sizes handed out, rounded up to 16, and
 * never passes `limit`. Blocks are a list, the newest (largest) first.
 * With -DARENA_DEBUG each object is a malloc of its own, exactly as long as
 * asked for, so that a sanitizer sees an overrun of one byte. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/pages.h"

#define ALIGN 16u
#define FIRST_BLOCK 4096u
/* One large request shall not be paid for ever. */
#define KEEP_BYTES ARENA_KEEP_BYTES

struct block {
	struct block *next;
	size_t cap, n;
	alignas(ALIGN) char bytes[];
};

/* What is to be called, newest first; lives in the arena itself. */
struct end {
	struct end *next;
	void (*fn)(void *);
	void *p;
};

struct arena {
	struct block *blocks;
	struct end *ends;
	size_t used, limit;
	size_t next_cap; /* least size of the next block */
	size_t released; /* the most bytes that blocks had when some were
			    released */
};

struct arena *
arena_new(size_t limit_bytes)
{
	struct arena *a = calloc(1, sizeof *a);

	if (!a)
		return NULL;
	a->limit = limit_bytes ? limit_bytes : SIZE_MAX;
	a->next_cap = FIRST_BLOCK;
	return a;
}

static void
call_ends(struct arena *a, const struct end *until)
{
	while (a->ends != until) {
		struct end *e = a->ends;

		a->ends = e->next;
		e->fn(e->p);
	}
}

_Bool
arena_at_end(struct arena *a, void (*fn)(void *), void *p)
{
	struct end *e = arena_alloc(a, sizeof *e);

	if (!e)
		return 0;
	*e = (struct end){ a->ends, fn, p };
	a->ends = e;
	return 1;
}

static size_t
free_blocks(struct block *b)
{
	size_t total = 0;

	while (b) {
		struct block *next = b->next;

		total += b->cap;
		free(b);
		b = next;
	}
	return total;
}

void
arena_free(struct arena *a)
{
	if (!a)
		return;
	call_ends(a, NULL);
	(void)free_blocks(a->blocks);
	free(a);
}

struct arena_mark
arena_mark(const struct arena *a)
{
	return (struct arena_mark){ a->blocks, a->ends,
		a->blocks ? a->blocks->n : 0, a->used };
}

/* What is released in a round will be wanted in the next: see arena_reset. */
static void
note_released(struct arena *a, struct arena_mark mark)
{
	size_t total = 0;

	if (!a->blocks || (void *)a->blocks == mark.block)
		return;
	for (const struct block *b = a->blocks; b; b = b->next)
		total += b->cap;
	if (total > a->released)
		a->released = total;
}

void
arena_release(struct arena *a, struct arena_mark mark)
{
	call_ends(a, mark.end);
	note_released(a, mark);
	while (a->blocks && (void *)a->blocks != mark.block) {
		struct block *next = a->blocks->next;

		free(a->blocks);
		a->blocks = next;
	}
	if (a->blocks)
		a->blocks->n = mark.n;
	a->used = mark.used;
}

#ifdef ARENA_DEBUG

void
arena_reset(struct arena *a)
{
	call_ends(a, NULL);
	(void)free_blocks(a->blocks);
	a->blocks = NULL;
	a->used = 0;
}

/* Each object is a malloc of its own here. */
_Bool
arena_reserve(struct arena *a, size_t bytes)
{
	return bytes <= a->limit - a->used;
}

static void *
take(struct arena *a, size_t size, size_t rounded)
{
	struct block *b = malloc(sizeof *b + size);

	(void)rounded;
	if (!b)
		return NULL;
	*b = (struct block){ .next = a->blocks, .cap = size, .n = size };
	a->blocks = b;
	return b->bytes;
}

#else

static struct block *
add_block(struct arena *a, size_t room)
{
	size_t cap = a->next_cap > room ? a->next_cap : room, bytes;
	struct block *b;

	/* `room` is within the limit (arena_alloc), and what is beyond it
	 * would never be handed out: a small limit makes a small arena. */
	if (cap > a->limit - a->used)
		cap = a->limit - a->used;
	if (__builtin_add_overflow(cap, sizeof *b, &bytes))
		return NULL;
	b = malloc(bytes);
	if (!b)
		return NULL;
	*b = (struct block){ .next = a->blocks, .cap = cap };
	a->blocks = b;
	if (a->next_cap < KEEP_BYTES)
		a->next_cap *= 2;
	return b;
}

void
arena_reset(struct arena *a)
{
	size_t wanted = a->released < KEEP_BYTES ? a->released : KEEP_BYTES;

	call_ends(a, NULL);
	a->used = 0;
	if (a->blocks && !a->blocks->next && a->blocks->cap <= KEEP_BYTES &&
	    a->blocks->cap >= wanted) {
		a->blocks->n = 0;
		return;
	}
	/* Several blocks, or more than that for a while: the next round gets
	 * one that holds them all. */
	a->next_cap = free_blocks(a->blocks);
	if (a->next_cap < wanted)
		a->next_cap = wanted;
	a->blocks = NULL;
	if (a->next_cap > KEEP_BYTES)
		a->next_cap = KEEP_BYTES;
	if (a->next_cap < FIRST_BLOCK)
		a->next_cap = FIRST_BLOCK;
	/* At once: a block that comes after a mark goes with its release. */
	if (wanted)
		(void)add_block(a, 0);
}

_Bool
arena_reserve(struct arena *a, size_t bytes)
{
	const struct block *b = a->blocks;

	return (b && b->cap - b->n >= bytes) ||
	       (bytes <= a->limit - a->used && add_block(a, bytes) != NULL);
}

/* Not zeroed; `size` is what a debug build takes. */
static void *
take(struct arena *a, size_t size, size_t rounded)
{
	struct block *b = a->blocks;
	void *p;

	if (!b || b->cap - b->n < rounded)
		b = add_block(a, rounded);
	if (!b)
		return NULL;
	(void)size;
	p = b->bytes + b->n;
	b->n += rounded;
	return p;
}

#endif

void *
arena_bytes(struct arena *a, size_t size)
{
	size_t rounded, used;
	void *p;

	if (size == 0)
		size = 1;
	if (__builtin_add_overflow(size, ALIGN - 1, &rounded))
		return NULL;
	rounded &= ~(size_t)(ALIGN - 1);
	if (__builtin_add_overflow(a->used, rounded, &used) || used > a->limit)
		return NULL;
	p = take(a, size, rounded);
	if (p)
		a->used = used;
	return p;
}

/* Of a large object each page is touched now: at once is half of what it costs
 * one by one. */
#define LARGE_BYTES ((size_t)1 << 20)

void *
arena_alloc(struct arena *a, size_t size)
{
	void *p = arena_bytes(a, size);

	if (p && size >= LARGE_BYTES)
		pages_touch(p, size);
	return p ? memset(p, 0, size) : NULL;
}

void *
arena_array(struct arena *a, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	return arena_alloc(a, bytes);
}

void *
arena_room(struct arena *a, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	return arena_bytes(a, bytes);
}

size_t
arena_used(const struct arena *a)
{
	return a->used;
}

_Bool
arena_grow(struct arena *a, void **items, size_t size, size_t n, size_t *cap)
{
	size_t bigger = *cap < 8 ? 8 : *cap * 2;
	void *old, *p;

	if (bigger <= n)
		return 0; /* *cap * 2 overflowed */
	p = arena_array(a, bigger, size);
	if (!p)
		return 0;
	/* The caller's pointer is of another type than void *. */
	memcpy(&old, items, sizeof old);
	if (n)
		memcpy(p, old, n * size);
	memcpy(items, &p, sizeof p);
	*cap = bigger;
	return 1;
}
