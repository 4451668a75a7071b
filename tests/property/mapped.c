/* mapped.c - write an image, open it, let the file go. */
#include "tests/property/mapped.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void
fail(const struct error *err)
{
	fprintf(stderr, "property: image: %s\n", err->msg);
	abort();
}

struct policy_set *
mapped_of(const struct policy_set *set, const struct entities *layer)
{
	struct buf image = { 0 };
	struct error err = { 0 };
	struct policy_set *mapped = NULL;
	int fd = memfd_create("image", MFD_CLOEXEC);
	char path[64];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (!policy_image_make(set, layer, NULL, &image, &err) ||
	    write(fd, image.p, image.n) != (ssize_t)image.n ||
	    !policy_image_open(path, NULL, &mapped, &err))
		fail(&err);
	(void)close(fd);
	buf_free(&image);
	return mapped;
}
