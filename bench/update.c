/* update.c - what a change costs: POLICIES policies in files of PER_FILE, as
 * many entities in files of PER_FILE (ENTITIES_A_FILE at most). One policy is
 * changed, one added, one removed, SCATTERED of them are changed (four times as
 * far from one another as there are, where there are fewer), one entity is
 * changed, ROUNDS times each; and then decisions with and without the change in
 * place. Each answer is compared with what is known of it. Prints one JSON
 * line. usage: update POLICIES PER_FILE ROUNDS */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "engine/engine.h"

#define DECISIONS 200000u
#define SCATTERED 1000u
#define ENTITIES_A_FILE 100000u

static uint32_t n_policies, per_file, n_files, rounds;
static uint32_t entities_per_file, n_entity_files;
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

/* What becomes of a policy. */
enum change { IS_CHANGED, IS_ADDED, IS_REMOVED, ARE_SCATTERED };

struct changes {
	enum change kind;
	uint32_t at; /* the policy */
};

static bool
is_changed(const struct changes *c, uint32_t i)
{
	uint32_t far = n_policies / SCATTERED;

	if (c->kind == ARE_SCATTERED)
		return i % (far ? far : 4) == c->at % (far ? far : 4);
	return c->kind == IS_CHANGED && i == c->at;
}

static void
add_policy(struct buf *b, const char *more, uint32_t i, uint32_t level)
{
	buf_printf(b,
	    "@id(\"p%u%s\")\npermit (principal in Group::\"g%u\", action "
	    "== Action::\"a%u\", resource in Folder::\"f%u\")\nwhen { "
	    "principal.level > %u };\n",
	    i, more, i, i % 20, i, level);
}

/* Policy i lets group i do what it does in folder i. */
static struct str
policies_text(uint32_t file, const struct changes *c)
{
	struct buf b = { 0 };

	for (uint32_t i = file * per_file; i < (file + 1) * per_file; i++) {
		if (c->kind == IS_REMOVED && i == c->at)
			continue;
		add_policy(&b, "", i, i % 7 + is_changed(c, i));
		if (c->kind == IS_ADDED && i == c->at)
			add_policy(&b, "b", i, 50);
	}
	return text_of(&b);
}

static struct str
entities_text(uint32_t file, uint32_t changed)
{
	struct buf b = { 0 };

	buf_byte(&b, '[');
	for (uint32_t i = file * entities_per_file;
	     i < (file + 1) * entities_per_file; i++)
		buf_printf(&b,
		    "%s{\"uid\":{\"type\":\"User\",\"id\":\"u%u\"},\"attrs\":{"
		    "\"level\":%u},\"parents\":[{\"type\":\"Group\",\"id\":"
		    "\"g%u\"}]}",
		    i == file * entities_per_file ? "" : ",\n", i,
		    i == changed ? 1 : 100, i);
	buf_byte(&b, ']');
	return text_of(&b);
}

static char *
name_of(char kind, uint32_t i, const char *suffix)
{
	char *name = malloc(32);

	if (!name)
		fail("memory");
	(void)snprintf(name, 32, "%c%06u.%s", kind, i, suffix);
	return name;
}

static void
make_files(void)
{
	const struct changes none = { IS_CHANGED, UINT32_MAX };

	policies = calloc(n_files, sizeof *policies);
	entities = calloc(n_entity_files, sizeof *entities);
	if (!policies || !entities)
		fail("memory");
	for (uint32_t i = 0; i < n_files; i++)
		policies[i] =
		    (struct engine_file){ .name = name_of('p', i, "avow"),
			    .text = policies_text(i, &none) };
	for (uint32_t i = 0; i < n_entity_files; i++)
		entities[i] =
		    (struct engine_file){ .name = name_of('e', i, "json"),
			    .text = entities_text(i, UINT32_MAX) };
}

static struct engine_files
all(void)
{
	return (
	    struct engine_files){ policies, entities, n_files, n_entity_files };
}

static int
by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int64_t
median(int64_t *times)
{
	int64_t middle;

	qsort(times, rounds, sizeof *times, by_number);
	middle = times[rounds / 2];
	free(times);
	return middle;
}

static int64_t *
new_times(void)
{
	int64_t *times = calloc(rounds, sizeof *times);

	if (!times)
		fail("memory");
	return times;
}

/* The time of one update; *ret is what was made, in place of what it was. */
static int64_t
update(const struct engine_snapshot *first, struct engine_snapshot **ret)
{
	struct engine_files now = all();
	const char *why = NULL;
	int64_t from;

	engine_snapshot_unref(*ret);
	from = clock_mono_ns();
	*ret = engine_snapshot_update(first, &now, 1, &why);
	from = clock_mono_ns() - from;
	if (!*ret)
		fail(why);
	return from;
}

/* As a reload has it: what is the same is known to be. */
static void
set_known(void)
{
	for (uint32_t i = 0; i < n_files; i++)
		policies[i].is_known = true;
	for (uint32_t i = 0; i < n_entity_files; i++)
		entities[i].is_known = true;
}

/* Median time of changing policies; *ret is the last snapshot. */
static int64_t
measure_policies(const struct engine_snapshot *first, enum change kind,
    struct engine_snapshot **ret)
{
	int64_t *times = new_times();
	struct str *was = calloc(n_files, sizeof *was);

	if (!was)
		fail("memory");
	for (uint32_t i = 0; i < rounds; i++) {
		struct changes c = { kind, i * UINT32_C(7919) % n_policies };
		uint32_t from = c.at / per_file, to = from + 1;

		if (kind == ARE_SCATTERED) {
			from = 0;
			to = n_files;
		}
		set_known();
		for (uint32_t k = from; k < to; k++) {
			was[k] = policies[k].text;
			policies[k].text = policies_text(k, &c);
			policies[k].is_known = str_eq(was[k], policies[k].text);
		}
		times[i] = update(first, ret);
		for (uint32_t k = from; k < to; k++) {
			free((char *)(uintptr_t)policies[k].text.p);
			policies[k].text = was[k];
		}
	}
	free(was);
	return median(times);
}

static int64_t
measure_entity(
    const struct engine_snapshot *first, struct engine_snapshot **ret)
{
	int64_t *times = new_times();

	for (uint32_t i = 0; i < rounds; i++) {
		uint32_t at =
		    i * UINT32_C(7919) % (n_entity_files * entities_per_file);
		struct engine_file *f = &entities[at / entities_per_file];
		struct str was = f->text;

		set_known();
		f->text = entities_text(at / entities_per_file, at);
		f->is_known = false;
		times[i] = update(first, ret);
		free((char *)(uintptr_t)f->text.p);
		f->text = was;
	}
	return median(times);
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

static void
take_arguments(int argc, char **argv)
{
	if (argc != 4)
		fail("usage: update POLICIES PER_FILE ROUNDS");
	n_policies = (uint32_t)strtoul(argv[1], NULL, 10);
	per_file = (uint32_t)strtoul(argv[2], NULL, 10);
	rounds = (uint32_t)strtoul(argv[3], NULL, 10);
	if (!per_file || !rounds || n_policies < per_file)
		fail("usage: update POLICIES PER_FILE ROUNDS");
	n_files = n_policies / per_file;
	n_policies = n_files * per_file;
	entities_per_file =
	    per_file < ENTITIES_A_FILE ? per_file : ENTITIES_A_FILE;
	n_entity_files = n_policies / entities_per_file;
}

static struct engine_snapshot *
load(void)
{
	struct engine_files files = all();
	struct buf messages = { 0 };
	struct engine_snapshot *s = engine_load_files(&files, 0, &messages);

	if (!s)
		fail(messages.n ? messages.p : "memory");
	buf_free(&messages);
	return s;
}

static void
put(const char *name, int64_t value)
{
	printf(",\"%s\":%" PRId64, name, value);
}

/* The first round warms. */
static void
measure_decisions(const struct engine_snapshot *s,
    const struct engine_snapshot *policy, const struct engine_snapshot *entity)
{
	int64_t plain = 0, with_policy = 0, with_entity = 0;

	for (int i = 0; i < 3; i++) {
		plain = decide(s);
		with_policy = decide(policy);
		with_entity = decide(entity);
	}
	put("decision_ns", plain);
	put("with_policy_change_ns", with_policy);
	put("with_entity_change_ns", with_entity);
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		enum change kind;
	} kinds[] = { { "policy_added_us", IS_ADDED },
		{ "policy_removed_us", IS_REMOVED },
		{ "policies_scattered_us", ARE_SCATTERED },
		{ "policy_change_us", IS_CHANGED } };
	struct engine_snapshot *s, *policy = NULL, *entity = NULL, *merged;
	int64_t ns;

	json_setup();
	take_arguments(argc, argv);
	make_files();
	ns = clock_mono_ns();
	s = load();
	printf("{\"policies\":%u,\"files\":%u", n_policies, n_files);
	put("load_ms", (clock_mono_ns() - ns) / 1000000);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		/* More files than an update takes. */
		if (kinds[i].kind != ARE_SCATTERED || n_files <= 256)
			put(kinds[i].name,
			    measure_policies(s, kinds[i].kind, &policy) / 1000);
	put("entity_change_us", measure_entity(s, &entity) / 1000);
	ns = clock_mono_ns();
	merged = engine_snapshot_merge(policy);
	put("merge_ms", (clock_mono_ns() - ns) / 1000000);
	if (!merged)
		fail("memory");
	measure_decisions(s, policy, entity);
	printf("}\n");
	engine_snapshot_unref(s);
	engine_snapshot_unref(policy);
	engine_snapshot_unref(entity);
	engine_snapshot_unref(merged);
	return 0;
}
