/* decide.c - what one decision costs in process, at growing numbers of
 * policies. A seeded workload: policies for groups x actions x tenants with two
 * attribute conditions, one in twenty a deny; entities with three groups a
 * principal; random requests. Prints one JSON line a size: p50, p90, p99 in ns,
 * loading in ms, resident memory in bytes. Reasons and errors are made out each
 * time. usage: decide FOLDER SECONDS SIZE... */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "engine/engine.h"

#define GROUPS 200u
#define ACTIONS 20u
#define TENANTS 100u
#define PRINCIPALS 2000u
#define REQUESTS 512u
#define SAMPLES 200000u

static uint64_t seed = 0x9e3779b97f4a7c15u;

static uint32_t
draw(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)((seed >> 11) % n);
}

static FILE *
create(const char *folder, const char *name, char path[512])
{
	snprintf(path, 512, "%s/%s", folder, name);
	FILE *f = fopen(path, "w");
	if (f == NULL) {
		perror(path);
		exit(1);
	}
	return f;
}

static void
write_policies(const char *folder, uint32_t n, char path[512])
{
	FILE *f = create(folder, "bench.avow", path);
	for (uint32_t i = 0; i < n; i++)
		fprintf(f,
		    "%s (principal in Group::\"g%u\", action == "
		    "Action::\"a%u\", resource in Tenant::\"t%u\") when { "
		    "principal.level >= %u && context.channel == \"c%u\" };\n",
		    i % 20 == 19 ? "deny" : "permit", draw(GROUPS),
		    draw(ACTIONS), draw(TENANTS), draw(5), draw(4));
	fclose(f);
}

static void
write_entities(const char *folder, char path[512])
{
	FILE *f = create(folder, "bench.json", path);
	fputc('[', f);
	for (uint32_t i = 0; i < PRINCIPALS; i++)
		fprintf(f,
		    "%s{\"uid\":{\"type\":\"User\",\"id\":\"u%u\"},\"attrs\":"
		    "{\"level\":%u},\"parents\":[{\"type\":\"Group\",\"id\":"
		    "\"g%u\"},{\"type\":\"Group\",\"id\":\"g%u\"},{\"type\":"
		    "\"Group\",\"id\":\"g%u\"}]},\n{\"uid\":{\"type\":"
		    "\"Item\",\"id\":\"r%u\"},\"attrs\":{},\"parents\":["
		    "{\"type\":\"Tenant\",\"id\":\"t%u\"}]}",
		    i > 0 ? "," : "", i, draw(6), draw(GROUPS), draw(GROUPS),
		    draw(GROUPS), i, draw(TENANTS));
	fputs("]\n", f);
	fclose(f);
}

static void
make_requests(struct arena *a, const struct engine_snapshot *s,
    struct engine_request *ret)
{
	for (uint32_t i = 0; i < REQUESTS; i++) {
		char text[400];
		struct error err = { 0 };
		int n = snprintf(text, sizeof text,
		    "{\"principal\":{\"type\":\"User\",\"id\":\"u%u\"},"
		    "\"action\":{\"type\":\"Action\",\"id\":\"a%u\"},"
		    "\"resource\":{\"type\":\"Item\",\"id\":\"r%u\"},"
		    "\"context\":{\"channel\":\"c%u\"}}",
		    draw(PRINCIPALS), draw(ACTIONS), draw(PRINCIPALS), draw(4));
		if (!engine_request_from_json(a,
			(struct str){ text, (size_t)n }, "bench", s, &ret[i],
			&err)) {
			fprintf(stderr, "request: %s\n", err.msg);
			exit(1);
		}
	}
}

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return x < y ? -1 : x > y;
}

static size_t
resident_bytes(void)
{
	unsigned long total = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");
	if (f != NULL && fscanf(f, "%lu %lu", &total, &resident) != 2)
		resident = 0;
	if (f != NULL)
		fclose(f);
	return (size_t)resident * (size_t)sysconf(_SC_PAGESIZE);
}

static void
run(const struct engine_snapshot *s, double seconds, uint32_t size,
    int64_t load_ns)
{
	struct arena *a = arena_new(0), *scratch = arena_new(0);
	struct engine_request *requests = calloc(REQUESTS, sizeof *requests);
	int64_t *ns = calloc(SAMPLES, sizeof *ns);
	size_t n = 0, permits = 0;
	if (a == NULL || scratch == NULL || requests == NULL || ns == NULL)
		exit(1);
	make_requests(a, s, requests);
	int64_t end = clock_mono_ns() + (int64_t)(seconds * 1e9);
	while (n < SAMPLES && (n < 20 || clock_mono_ns() < end)) {
		struct engine_answer answer;
		int64_t began = clock_mono_ns();
		engine_evaluate(s, &requests[n % REQUESTS], ERRORED_DENY_DENIES,
		    scratch, &answer);
		ns[n++] = clock_mono_ns() - began;
		permits += answer.effect == ENGINE_PERMIT;
		arena_reset(scratch);
	}
	qsort(ns, n, sizeof *ns, compare);
	printf("{\"policies\":%u,\"decisions\":%zu,\"permits\":%zu,"
	       "\"p50_ns\":%" PRId64 ",\"p90_ns\":%" PRId64
	       ",\"p99_ns\":%" PRId64 ",\"load_ms\":%.1f,\"rss_bytes\":%zu}\n",
	    size, n, permits, ns[n / 2], ns[n * 9 / 10], ns[n * 99 / 100],
	    (double)load_ns / 1e6, resident_bytes());
	fflush(stdout);
	free(ns);
	free(requests);
	arena_free(a);
	arena_free(scratch);
}

static void
bench_size(const char *folder, double seconds, uint32_t size)
{
	char policies[512], entities[512];
	struct buf messages = { 0 };
	write_policies(folder, size, policies);
	write_entities(folder, entities);
	const char *const p[] = { policies }, *const e[] = { entities };
	int64_t began = clock_mono_ns();
	struct engine_snapshot *s = engine_load(p, 1, e, 1, 0, &messages);
	int64_t load_ns = clock_mono_ns() - began;
	if (s == NULL) {
		fprintf(stderr, "%.*s", STR_ARG(buf_str(&messages)));
		exit(1);
	}
	run(s, seconds, size, load_ns);
	engine_snapshot_unref(s);
	buf_free(&messages);
}

int
main(int argc, char **argv)
{
	if (argc < 4) {
		fputs("usage: decide FOLDER SECONDS SIZE...\n", stderr);
		return 1;
	}
	json_setup();
	mkdir(argv[1], 0700);
	/* Each size in a process of its own, so that memory is its own. */
	for (int i = 3; i < argc; i++)
		bench_size(argv[1], atof(argv[2]),
		    (uint32_t)strtoul(argv[i], NULL, 10));
	return 0;
}
