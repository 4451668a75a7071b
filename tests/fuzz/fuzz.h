/* fuzz.h - what all fuzz targets have: the fuzzer's two entries, and a claim that has to hold. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdlib.h>

#include "base/arena.h"
#include "base/str.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void
must(bool holds)
{
	if (!holds)
		abort();
}

typedef void fuzz_door(struct arena *a, struct str input);

/* The first byte says which door the others go in by. */
static inline void
fuzz_by_door(
    fuzz_door *const *doors, size_t n, const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);

	if (size > 0 && a)
		doors[data[0] % n](
		    a, (struct str){ (const char *)data + 1, size - 1 });
	arena_free(a);
}

#endif
