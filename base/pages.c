/* pages.c - anonymous mappings. What is at least a huge page long begins on the
 * border of one: the mapping is made longer and its ends are given back. */
#include "base/pages.h"

#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>

#define HUGE_BYTES ((size_t)2 << 20)

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
	size = (size + 4095) & ~(size_t)4095;
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
pages_trim(void)
{
	(void)malloc_trim(0);
}
