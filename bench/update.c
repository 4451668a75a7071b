/* update.c - what a change costs: POLICIES policies in files of PER_FILE, as
 * many entities in files of PER_FILE; one policy, then one entity is changed,
 * ROUNDS times each, and then decisions with and without the change in place.
 * Each answer is compared with what is known of it. Prints one JSON line.
 * usage: update POLICIES PER_FILE ROUNDS */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/digest.h"
#include "engine/engine.h"

#define DECISIONS 200000u

static uint32_t n_policies, per_file, n_files, rounds;
static struct engine_file *policies, *entities;

static void
fail(const char *what)
{
	fprintf(stderr, "update: %s\n", what);
	exit(1);
}

static struct str
text_of(struct buf *b)
{
	if (!buf_ok(b))
		fail("memory");
	return buf_str(b);
}

/* Policy i lets group i do what it does in folder i. */
static struct str
policies_text(uint32_t file, uint32_t changed)
{
	struct buf b = { 0 };

	for (uint32_t i = file * per_file; i < (file + 1) * per_file; i++)
		buf_printf(&b,
		    "@id(\"p%u\")\npermit (principal in Group::\"g%u\", action "
		    "== Action::\"a%u\", resource in Folder::\"f%u\")\nwhen { "
		    "principal.level > %u };\n",
		    i, i, i % 20, i, i % 7 + (i == changed));
	return text_of(&b);
}

static struct str
entities_text(uint32_t file, uint32_t changed)
{
	struct buf b = { 0 };

	buf_byte(&b, '[');
	for (uint32_t i = file * per_file; i < (file + 1) * per_file; i++)
		buf_printf(&b,
		    "%s{\"uid\":{\"type\":\"User\",\"id\":\"u%u\"},\"attrs\":{"
		    "\"level\":%u},\"parents\":[{\"type\":\"Group\",\"id\":"
		    "\"g%u\"}]}",
		    i == file * per_file ? "" : ",\n", i,
		    i == changed ? 1 : 100, i);
	buf_byte(&b, ']');
	return text_of(&b);
}

static void
make_files(void)
{
	policies = calloc(n_files, sizeof *policies);
	entities = calloc(n_files, sizeof *entities);
	for (uint32_t i = 0; policies && entities && i < n_files; i++) {
		char *names = malloc(64);

		if (!names)
			fail("memory");
		(void)snprintf(names, 32, "p%06u.avow", i);
		(void)snprintf(names + 32, 32, "e%06u.json", i);
		policies[i] = (struct engine_file){ .name = names,
			.text = policies_text(i, UINT32_MAX) };
		entities[i] = (struct engine_file){ .name = names + 32,
			.text = entities_text(i, UINT32_MAX) };
		if (!digest_sha256(&entities[i].text, 1, entities[i].digest))
			fail("SHA-256");
	}
}

static struct engine_files
all(void)
{
	return (struct engine_files){ policies, entities, n_files, n_files };
}

static int
by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Median time of changing one policy (or entity) after the other; *ret is the
 * last snapshot. */
static int64_t
measure(const struct engine_snapshot *first, bool is_policy,
    struct engine_snapshot **ret)
{
	int64_t *times = calloc(rounds, sizeof *times), median;

	*ret = NULL;
	for (uint32_t i = 0; times && i < rounds; i++) {
		uint32_t changed = (uint32_t)(i * UINT32_C(7919)) % n_policies;
		uint32_t file = changed / per_file;
		struct engine_file *f =
		    is_policy ? &policies[file] : &entities[file];
		struct str was = f->text;
		struct engine_files now = all();
		const char *why = NULL;
		int64_t from;

		f->text = is_policy ? policies_text(file, changed)
				    : entities_text(file, changed);
		engine_snapshot_unref(*ret);
		/* As a reload has it: what is the same is known to be. */
		for (uint32_t k = 0; k < n_files; k++) {
			policies[k].is_known = !is_policy || k != file;
			entities[k].is_known = is_policy || k != file;
		}
		from = clock_mono_ns();
		*ret = engine_snapshot_update(first, &now, 1, &why);
		times[i] = clock_mono_ns() - from;
		if (!*ret)
			fail(why);
		free((char *)(uintptr_t)f->text.p);
		f->text = was;
	}
	if (!times)
		fail("memory");
	qsort(times, rounds, sizeof *times, by_number);
	median = times[rounds / 2];
	free(times);
	return median;
}

/* Mean time of a decision over users at random. */
static int64_t
decide(const struct engine_snapshot *s)
{
	struct arena *scratch = arena_new(0);
	uint32_t x = 1;
	int64_t from = clock_mono_ns();

	for (uint32_t i = 0; scratch && i < DECISIONS; i++) {
		char user[16], folder[16], action[16];
		uint32_t k;
		struct engine_request r = { .entities =
						engine_snapshot_entities(s) };
		struct engine_answer answer;

		x = x * UINT32_C(1664525) + UINT32_C(1013904223);
		k = (x >> 8) % n_policies;
		(void)snprintf(user, sizeof user, "u%u", k);
		(void)snprintf(folder, sizeof folder, "f%u", k);
		(void)snprintf(action, sizeof action, "a%u", k % 20);
		r.principal = (struct uid){ STR("User"), str_of(user) };
		r.action = (struct uid){ STR("Action"), str_of(action) };
		r.resource = (struct uid){ STR("Folder"), str_of(folder) };
		r.context.kind = VALUE_RECORD;
		engine_evaluate(s, &r, ERRORED_DENY_DENIES, scratch, &answer);
		if (answer.code != ERR_PERMIT && answer.code != ERR_POLICY_NONE)
			fail("a decision is not as it should be");
		arena_reset(scratch);
	}
	arena_free(scratch);
	return (clock_mono_ns() - from) / DECISIONS;
}

int
main(int argc, char **argv)
{
	struct buf messages = { 0 };
	struct engine_files files;
	struct engine_snapshot *s, *policy, *entity, *merged;
	int64_t load_ns, policy_ns, entity_ns, merge_ns, plain, with_policy,
	    with_entity;

	json_setup();
	if (argc != 4)
		fail("usage: update POLICIES PER_FILE ROUNDS");
	n_policies = (uint32_t)strtoul(argv[1], NULL, 10);
	per_file = (uint32_t)strtoul(argv[2], NULL, 10);
	rounds = (uint32_t)strtoul(argv[3], NULL, 10);
	if (!per_file || !rounds || n_policies < per_file)
		fail("usage: update POLICIES PER_FILE ROUNDS");
	n_files = n_policies / per_file;
	n_policies = n_files * per_file;
	make_files();
	files = all();
	load_ns = clock_mono_ns();
	s = engine_load_files(&files, 0, &messages);
	load_ns = clock_mono_ns() - load_ns;
	if (!s)
		fail(messages.n ? messages.p : "memory");
	policy_ns = measure(s, true, &policy);
	entity_ns = measure(s, false, &entity);
	merge_ns = clock_mono_ns();
	merged = engine_snapshot_merge(policy);
	merge_ns = clock_mono_ns() - merge_ns;
	if (!merged)
		fail("memory");
	/* The first round warms. */
	for (int i = 0; i < 3; i++) {
		plain = decide(s);
		with_policy = decide(policy);
		with_entity = decide(entity);
	}
	printf("{\"policies\":%u,\"files\":%u,\"load_ms\":%" PRId64
	       ",\"policy_change_us\":%" PRId64 ",\"entity_change_us\":%" PRId64
	       ",\"merge_ms\":%" PRId64 ",\"decision_ns\":%" PRId64
	       ",\"with_policy_change_ns\":%" PRId64
	       ",\"with_entity_change_ns\":%" PRId64 "}\n",
	    n_policies, n_files, load_ns / 1000000, policy_ns / 1000,
	    entity_ns / 1000, merge_ns / 1000000, plain, with_policy,
	    with_entity);
	engine_snapshot_unref(s);
	engine_snapshot_unref(policy);
	engine_snapshot_unref(entity);
	engine_snapshot_unref(merged);
	return 0;
}
