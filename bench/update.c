/* update.c - what a change costs: POLICIES policies in files of PER_FILE, as
 * many entities in files of ENTITIES_PER_FILE (PER_FILE unless said otherwise).
 * One policy is changed, one added, one removed, SCATTERED of them are changed
 * (four times as far from one another as there are, where there are fewer), the
 * same is done with entities, and a group that is above every tenth of them
 * gets a group above it, ROUNDS times each; and then decisions with and without
 * the change in place. Each answer is compared with what is known of it. With
 * FOLDER (which is there), the files are written into it, one entity is changed
 * there, and all is read again. Prints one JSON line. usage: update POLICIES
 * PER_FILE ROUNDS [ENTITIES_PER_FILE [FOLDER]] */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "engine/engine.h"

#define DECISIONS 200000u
#define SCATTERED 1000u

static uint32_t n_policies, per_file, n_files, rounds;
static uint32_t entities_per_file, n_entity_files;
static struct engine_file *policies, *entities;
static const char *files_in; /* NULL: no files */

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

/* What becomes of a policy or an entity; or, of entities, of the group. */
enum change {
	IS_CHANGED,
	IS_ADDED,
	IS_REMOVED,
	ARE_SCATTERED,
	IS_GROUP,
	ARE_ALL,
};

struct changes {
	enum change kind;
	uint32_t at; /* which */
};

static bool
is_changed(const struct changes *c, uint32_t i)
{
	uint32_t far = n_policies / SCATTERED;

	if (c->kind == ARE_SCATTERED)
		return i % (far ? far : 4) == c->at % (far ? far : 4);
	return c->kind == ARE_ALL || (c->kind == IS_CHANGED && i == c->at);
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

static void
add_entity(struct buf *b, const char *more, uint32_t i, uint32_t level)
{
	buf_printf(b,
	    "%s{\"uid\":{\"type\":\"User\",\"id\":\"u%u%s\"},\"attrs\":{"
	    "\"level\":%u},\"parents\":[{\"type\":\"Group\",\"id\":\"g%u\"}"
	    "%s]}",
	    b->n > 1 ? ",\n" : "", i, more, level, i,
	    i % 10 ? "" : ",{\"type\":\"Group\",\"id\":\"tenth\"}");
}

/* User i is in group i; the first file has the group of every tenth. */
static struct str
entities_text(uint32_t file, const struct changes *c)
{
	uint32_t from = file * entities_per_file;
	struct buf b = { 0 };

	buf_byte(&b, '[');
	if (file == 0)
		buf_printf(&b,
		    "{\"uid\":{\"type\":\"Group\",\"id\":\"tenth\"},"
		    "\"attrs\":{},\"parents\":[%s]}",
		    c->kind == IS_GROUP ? "{\"type\":\"Group\",\"id\":\"all\"}"
					: "");
	for (uint32_t i = from; i < from + entities_per_file; i++) {
		if (c->kind == IS_REMOVED && i == c->at)
			continue;
		add_entity(&b, "", i, is_changed(c, i) ? 1 : 100);
		if (c->kind == IS_ADDED && i == c->at)
			add_entity(&b, "b", i, 100);
	}
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
			    .text = entities_text(i, &none) };
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

/* Files of one kind. */
struct side {
	struct engine_file *files;
	uint32_t n_files, per_file;
	struct str (*text)(uint32_t file, const struct changes *c);
};

/* Median time of changing some; *ret is the last snapshot. */
static int64_t
measure(const struct engine_snapshot *first, const struct side *side,
    enum change kind, struct engine_snapshot **ret)
{
	int64_t *times = new_times();
	struct str *was = calloc(side->n_files + (size_t)1, sizeof *was);
	bool is_wide = kind == ARE_SCATTERED || kind == ARE_ALL;

	if (!was)
		fail("memory");
	for (uint32_t i = 0; i < rounds; i++) {
		struct changes c = { kind, i * UINT32_C(7919) % n_policies };
		uint32_t from = is_wide ? 0 : c.at / side->per_file;
		uint32_t to = is_wide ? side->n_files : from + 1;

		if (kind == IS_GROUP) {
			from = 0;
			to = 1;
		}
		set_known();
		for (uint32_t k = from; k < to; k++) {
			struct engine_file *f = &side->files[k];

			was[k] = f->text;
			f->text = side->text(k, &c);
			f->is_known = str_eq(was[k], f->text);
		}
		times[i] = update(first, ret);
		for (uint32_t k = from; k < to; k++) {
			free((char *)(uintptr_t)side->files[k].text.p);
			side->files[k].text = was[k];
		}
	}
	free(was);
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
	if (argc < 4 || argc > 6)
		fail("usage: update POLICIES PER_FILE ROUNDS "
		     "[ENTITIES_PER_FILE [FOLDER]]");
	n_policies = (uint32_t)strtoul(argv[1], NULL, 10);
	per_file = (uint32_t)strtoul(argv[2], NULL, 10);
	rounds = (uint32_t)strtoul(argv[3], NULL, 10);
	entities_per_file =
	    argc > 4 ? (uint32_t)strtoul(argv[4], NULL, 10) : per_file;
	files_in = argc > 5 ? argv[5] : NULL;
	if (!per_file || !rounds || !entities_per_file ||
	    n_policies < per_file || n_policies < entities_per_file)
		fail("there are too few");
	n_files = n_policies / per_file;
	n_policies = n_files * per_file;
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
    const struct engine_snapshot *policy, const struct engine_snapshot *entity,
    const struct engine_snapshot *entities_all)
{
	int64_t plain = 0, with_policy = 0, with_entity = 0, with_all = 0;

	for (int i = 0; i < 3; i++) {
		plain = decide(s);
		with_policy = decide(policy);
		with_entity = decide(entity);
		with_all = decide(entities_all);
	}
	put("decision_ns", plain);
	put("with_policy_change_ns", with_policy);
	put("with_entity_change_ns", with_entity);
	put("with_all_entities_changed_ns", with_all);
}

/* ---- files ----------------------------------------------------------------
 */

static void
write_file(const struct engine_file *f, struct str text)
{
	char path[512];

	(void)snprintf(path, sizeof path, "%s/%s", files_in, f->name);
	if (!file_replace(path, 0600, text, NULL))
		fail(path);
}

static struct engine_snapshot *
read_again(const struct engine_snapshot *old)
{
	const struct engine_sources from = { .policies = &files_in,
		.n_policies = 1,
		.entities = &files_in,
		.n_entities = 1,
		.keeps_texts = true };
	struct buf messages = { 0 };
	const char *why = NULL;
	struct engine_snapshot *s =
	    engine_reload(old, &from, 1, &messages, &why);

	if (!s || (old && why))
		fail(s ? why : messages.p);
	buf_free(&messages);
	return s;
}

/* From the files as they are to a snapshot, one entity being another. */
static void
measure_files(void)
{
	struct engine_snapshot *first;
	int64_t *times = new_times(), from;

	for (uint32_t i = 0; i < n_files; i++)
		write_file(&policies[i], policies[i].text);
	for (uint32_t i = 0; i < n_entity_files; i++)
		write_file(&entities[i], entities[i].text);
	from = clock_mono_ns();
	first = read_again(NULL);
	put("files_load_ms", (clock_mono_ns() - from) / 1000000);
	for (uint32_t i = 0; i < rounds; i++) {
		const struct changes c = { IS_CHANGED,
			i * UINT32_C(7919) % n_policies };
		uint32_t file = c.at / entities_per_file;
		struct str text = entities_text(file, &c);
		struct engine_snapshot *s;

		write_file(&entities[file], text);
		free((char *)(uintptr_t)text.p);
		from = clock_mono_ns();
		s = read_again(first);
		times[i] = clock_mono_ns() - from;
		engine_snapshot_unref(s);
		write_file(&entities[file], entities[file].text);
	}
	engine_snapshot_unref(first);
	put("files_entity_change_us", median(times) / 1000);
}

/* ---------------------------------------------------------------------------
 */

static const struct {
	const char *name;
	enum change kind;
	bool of_entities;
} kinds[] = {
	{ "policy_added_us", IS_ADDED, false },
	{ "policy_removed_us", IS_REMOVED, false },
	{ "policies_scattered_us", ARE_SCATTERED, false },
	{ "policy_change_us", IS_CHANGED, false },
	{ "entity_added_us", IS_ADDED, true },
	{ "entity_removed_us", IS_REMOVED, true },
	{ "entities_scattered_us", ARE_SCATTERED, true },
	{ "entities_all_us", ARE_ALL, true },
	{ "group_change_us", IS_GROUP, true },
	{ "entity_change_us", IS_CHANGED, true },
};

int
main(int argc, char **argv)
{
	struct engine_snapshot *s, *last[3] = { NULL }, *merged;
	struct side sides[2];
	int64_t ns;

	json_setup();
	take_arguments(argc, argv);
	make_files();
	sides[0] = (struct side){ policies, n_files, per_file, policies_text };
	sides[1] = (struct side){ entities, n_entity_files, entities_per_file,
		entities_text };
	ns = clock_mono_ns();
	s = load();
	printf("{\"policies\":%u,\"files\":%u,\"entity_files\":%u", n_policies,
	    n_files, n_entity_files);
	put("load_ms", (clock_mono_ns() - ns) / 1000000);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		bool e = kinds[i].of_entities;
		size_t to = kinds[i].kind == ARE_ALL ? 2 : e;

		/* More files of policies than an update takes. */
		if (e || kinds[i].kind != ARE_SCATTERED || n_files <= 256)
			put(kinds[i].name,
			    measure(s, &sides[e], kinds[i].kind, &last[to]) /
				1000);
	}
	ns = clock_mono_ns();
	merged = engine_snapshot_merge(last[0]);
	put("merge_ms", (clock_mono_ns() - ns) / 1000000);
	engine_snapshot_unref(merged);
	ns = clock_mono_ns();
	merged = engine_snapshot_merge(last[1]);
	put("merge_entities_ms", (clock_mono_ns() - ns) / 1000000);
	if (!merged)
		fail("memory");
	measure_decisions(s, last[0], last[1], last[2]);
	if (files_in)
		measure_files();
	printf("}\n");
	engine_snapshot_unref(s);
	engine_snapshot_unref(last[0]);
	engine_snapshot_unref(last[1]);
	engine_snapshot_unref(last[2]);
	engine_snapshot_unref(merged);
	return 0;
}
