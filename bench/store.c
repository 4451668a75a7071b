/* store.c - changes and reads of the store a second, against what the disk
 * gives for one synced write: usage `store FOLDER URL...`, SECONDS_EACH (1). A
 * change is a revocation: one transaction of five statements, durable when it
 * is counted. A read is the generation, which is what every node reads twice a
 * second. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/store.h"

static double
rate_of(bool (*once)(void *ctx, unsigned i), void *ctx, double seconds)
{
	int64_t began = clock_mono_ns();
	double passed = 0;
	unsigned n = 0;

	while (passed < seconds) {
		if (!once(ctx, n++))
			return 0;
		passed = (double)(clock_mono_ns() - began) / 1e9;
	}
	return n / passed;
}

static bool
sync_page(void *ctx, unsigned i)
{
	static const char page[4096];
	int fd = *(int *)ctx;

	/* Over the same pages again, as a log that is checkpointed. */
	return pwrite(fd, page, sizeof page, (off_t)(i % 1000) * 4096) ==
		   (ssize_t)sizeof page &&
	       fdatasync(fd) == 0;
}

static bool
change(void *ctx, unsigned i)
{
	struct store_revocation r = {
		.kind = STR("token"), .until = INT64_MAX, .reason = STR("")
	};
	char id[16];
	bool is_new;

	snprintf(id, sizeof id, "t%u", i % 1000);
	r.id = str_of(id);
	return store_revoke(ctx, &r, &is_new, NULL);
}

static bool
look(void *ctx, unsigned i)
{
	int64_t generation, floor;

	(void)i;
	return store_generation(ctx, &generation, &floor, NULL);
}

static double
measure_disk(const char *folder, double seconds)
{
	char path[4096];
	double rate;
	int fd;

	snprintf(path, sizeof path, "%s/synced", folder);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return 0;
	rate = rate_of(sync_page, &fd, seconds);
	close(fd);
	(void)unlink(path);
	return rate;
}

static bool
measure(const char *url, double disk, double seconds)
{
	struct error err = { 0 };
	struct store *s = store_open(str_of(url), &err);
	double changes, reads;

	if (!s) {
		fprintf(stderr, "%s\n", err.msg);
		return false;
	}
	changes = rate_of(change, s, seconds);
	reads = rate_of(look, s, seconds);
	store_close(s);
	printf("%-10.*s changes %.0f/s, %.2f of a synced page; reads %.0f/s\n",
	    (int)strcspn(url, ":"), url, changes, changes / disk, reads);
	return changes > 0 && reads > 0;
}

int
main(int argc, char **argv)
{
	const char *each = getenv("SECONDS_EACH");
	uint64_t n = 1;
	double disk;
	bool ok;

	if (argc < 3 || (each && !str_to_u64(str_of(each), 3600, &n))) {
		fprintf(stderr, "usage: store FOLDER URL...\n");
		return 1;
	}
	disk = measure_disk(argv[1], (double)n);
	printf("disk       synced pages of 4 KiB %.0f/s\n", disk);
	ok = disk > 0;
	for (int i = 2; ok && i < argc; i++)
		ok = measure(argv[i], disk, (double)n);
	return ok ? 0 : 1;
}
