/* pages.c - anonymous mappings. What is at least a huge page long begins on the
 * border of one: the mapping is made longer and its ends are given back. */
#include "base/pages.h"

#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>

#define HUGE_BYTES ((size_t)2 << 20)
#define PAGE_BYTES ((size_t)4096)

static void *
map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

void *
pages_new(size_t size)
{
	size_t before, longer;
	char *p;

	if (size == 0)
		return NULL;
	if (size < HUGE_BYTES)
		return map(size);
	if (__builtin_add_overflow(size, HUGE_BYTES, &longer))
		return NULL;
	p = map(longer);
	if (!p)
		return NULL;
	before = (HUGE_BYTES - (uintptr_t)p % HUGE_BYTES) % HUGE_BYTES;
	if (before)
		(void)munmap(p, before);
	p += before;
	/* Whole pages of 4096 are given back only. */
	size = (size + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
	if (longer - before > size)
		(void)munmap(p + size, longer - before - size);
	(void)madvise(p, size, MADV_HUGEPAGE);
	return p;
}

void
pages_free(void *p, size_t size)
{
	if (p)
		(void)munmap(p, size);
}

void
pages_touch(void *p, size_t size)
{
	size_t before = (PAGE_BYTES - (uintptr_t)p % PAGE_BYTES) % PAGE_BYTES;

	/* The page at an end may be another's, and be there. */
	if (size >= before + PAGE_BYTES)
		(void)madvise((char *)p + before,
		    (size - before) / PAGE_BYTES * PAGE_BYTES,
		    MADV_POPULATE_WRITE);
}

void
pages_trim(void)
{
	(void)malloc_trim(0);
}
