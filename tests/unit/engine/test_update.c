/* test_update.c - a snapshot that was updated decides as one that was loaded,
 * and what is no plain sum of its parts is not updated. */
#include <pthread.h>

#include "base/file.h"
#include "base/swap.h"
#include "tests/unit/engine/fixture.h"

#define FILES 4u
#define SWAPS 100
#define READERS 3

static struct arena *mem;

static void
setup(void)
{
	mem = arena_new(0);
}

static void
teardown(void)
{
	arena_free(mem);
}

/* Texts of p0.avow, p1.avow, t.json, and of e0.json, e1.json; NULL: not there.
 */
struct world {
	const char *p0, *p1, *json, *e0, *e1;
};

struct listed {
	struct engine_file policies[FILES], entities[FILES];
	struct engine_files files;
};

static void
add(struct engine_file *files, size_t *n, const char *name, const char *text)
{
	if (text)
		files[(*n)++] =
		    (struct engine_file){ .name = name, .text = str_of(text) };
}

static const struct engine_files *
list(const struct world *w, struct listed *l)
{
	*l = (struct listed){ 0 };
	l->files.policies = l->policies;
	l->files.entities = l->entities;
	add(l->policies, &l->files.n_policies, "p0.avow", w->p0);
	add(l->policies, &l->files.n_policies, "p1.avow", w->p1);
	add(l->policies, &l->files.n_policies, "t.json", w->json);
	add(l->entities, &l->files.n_entities, "e0.json", w->e0);
	add(l->entities, &l->files.n_entities, "e1.json", w->e1);
	return &l->files;
}

static struct engine_snapshot *
load(const struct world *w)
{
	struct listed l;
	struct buf messages = { 0 };
	struct engine_snapshot *s =
	    engine_load_files(list(w, &l), 1, &messages);

	buf_free(&messages);
	return s;
}

#define ALL "permit (principal, action, resource)"
#define USER(id, n, parents)                                                   \
	"{\"uid\":{\"type\":\"U\",\"id\":\"" id "\"},\"attrs\":{\"n\":" n      \
	"},\"parents\":[" parents "]}"
#define GROUP(id, parents)                                                     \
	"{\"uid\":{\"type\":\"G\",\"id\":\"" id "\"},\"attrs\":{},"            \
	"\"parents\":[" parents "]}"
#define IN(id) "{\"type\":\"G\",\"id\":\"" id "\"}"
#define PEOPLE "[" USER("u", "1", IN("g")) "," USER("v", "2", "") "]"
#define GROUPS "[" GROUP("g", "") "," GROUP("h", "") "]"
#define ERRS "deny (principal, action, resource) when { principal.gone }"
#define TWO ALL ";\n" ALL " when { principal.n == 1 };\n"
#define NEW ALL " when { principal.n == 4 };\n"
#define TEN TWO TWO TWO TWO TWO
#define ONE_OR_NONE                                                            \
	ALL " when { principal.n == 1 };\n"                                    \
	    "deny (principal in G::\"h\", action, resource) when { "           \
	    "principal.n == 1 };"
#define OTHERS                                                                 \
	USER("a", "1", IN("g"))                                                \
	"," USER("b", "1", IN("h")) "," USER("c", "1", "") ","
#define OTHERS_TOO USER("d", "1", IN("g")) "," USER("e", "1", "") ","
#define GROUPS_TOO "[" GROUP("h", "") "," GROUP("i", "") "]"
#define LINKS                                                                  \
	"{\"staticPolicies\":{},\"templates\":{},\"templateLinks\":[{"         \
	"\"templateId\":\"t\",\"newId\":\"link\",\"values\":{\"?principal\":{" \
	"\"__entity\":{\"type\":\"U\",\"id\":\"u\"}}}}]}"
#define TEMPLATE                                                               \
	"@id(\"t\") permit (principal == ?principal, action, resource);"

/* clang-format off */
static const struct {
	const char *note;
	struct world before, after;
	bool is_update, is_refused; /* neither: to be loaded anew */
} cases[] = {
	{ "nothing", { ALL ";", NULL, NULL, PEOPLE, GROUPS },
	    { ALL ";", NULL, NULL, PEOPLE, GROUPS }, true, false },
	{ "a policy is another", { ALL ";", "deny (principal, action, resource);", NULL, PEOPLE, NULL },
	    { ALL ";", "deny (principal == U::\"v\", action, resource);", NULL, PEOPLE, NULL }, true, false },
	{ "a file comes", { ALL ";", NULL, NULL, PEOPLE, NULL },
	    { ALL ";", "deny (principal == U::\"u\", action, resource);", NULL, PEOPLE, NULL }, true, false },
	{ "a file comes first", { NULL, ALL ";", NULL, PEOPLE, NULL },
	    { "deny (principal == U::\"u\", action, resource);", ALL ";", NULL, PEOPLE, NULL }, true, false },
	{ "a file goes", { ALL ";", "deny (principal == U::\"u\", action, resource);", NULL, PEOPLE, NULL },
	    { ALL ";", NULL, NULL, PEOPLE, NULL }, true, false },
	{ "all go", { ALL ";", NULL, NULL, PEOPLE, NULL },
	    { NULL, NULL, NULL, PEOPLE, NULL }, true, false },
	{ "a cover goes, and what it covers stays",
	    { ALL ";", "permit (principal == U::\"u\", action, resource);", NULL, PEOPLE, NULL },
	    { NULL, "permit (principal == U::\"u\", action, resource);", NULL, PEOPLE, NULL }, true, false },
	{ "one of two that say the same goes", { ALL ";", ALL ";", NULL, PEOPLE, NULL },
	    { ALL ";", NULL, NULL, PEOPLE, NULL }, true, false },
	{ "a deny that errs comes", { ALL ";", NULL, NULL, PEOPLE, NULL },
	    { ALL ";", "deny (principal, action, resource) when { principal.gone };", NULL, PEOPLE, NULL }, true, false },
	{ "a deny that errs goes", { ALL ";", "deny (principal, action, resource) when { principal.gone };", NULL, PEOPLE, NULL },
	    { ALL ";", NULL, NULL, PEOPLE, NULL }, true, false },
	{ "an id moves to another file", { "@id(\"x\") " ALL ";", "deny (principal, action, resource);", NULL, PEOPLE, NULL },
	    { "deny (principal, action, resource);", "@id(\"x\") " ALL ";", NULL, PEOPLE, NULL }, true, false },
	{ "an id stands twice", { "@id(\"x\") " ALL ";", NULL, NULL, PEOPLE, NULL },
	    { "@id(\"x\") " ALL ";", "@id(\"x\") " ALL ";", NULL, PEOPLE, NULL }, false, true },
	{ "an id is that of a file's policy", { ALL ";", NULL, NULL, PEOPLE, NULL },
	    { ALL ";", "@id(\"p0.avow#0\") " ALL ";", NULL, PEOPLE, NULL }, false, true },
	{ "an id is that of a template", { TEMPLATE, NULL, NULL, PEOPLE, NULL },
	    { TEMPLATE, "@id(\"t\") " ALL ";", NULL, PEOPLE, NULL }, false, true },
	{ "text that cannot be parsed", { ALL ";", NULL, NULL, PEOPLE, NULL },
	    { ALL, NULL, NULL, PEOPLE, NULL }, false, true },
	{ "sets that overlap", { "indivisible action [Action::\"a\", Action::\"b\"];", NULL, NULL, PEOPLE, NULL },
	    { "indivisible action [Action::\"a\", Action::\"b\"];", "indivisible action [Action::\"b\", Action::\"act\"];", NULL, PEOPLE, NULL }, false, true },
	{ "a policy beside a link", { TEMPLATE, "deny (principal, action, resource);", LINKS, PEOPLE, NULL },
	    { TEMPLATE, "deny (principal == U::\"v\", action, resource);", LINKS, PEOPLE, NULL }, true, false },
	{ "a template comes", { ALL ";", NULL, NULL, PEOPLE, NULL },
	    { ALL ";", TEMPLATE, NULL, PEOPLE, NULL }, false, false },
	{ "a link goes", { TEMPLATE, NULL, LINKS, PEOPLE, NULL },
	    { TEMPLATE, NULL, NULL, PEOPLE, NULL }, false, false },
	{ "a template goes from under its link", { TEMPLATE, NULL, LINKS, PEOPLE, NULL },
	    { NULL, NULL, LINKS, PEOPLE, NULL }, false, true },
	{ "an attribute is another", { ALL " when { principal.n == 1 };", NULL, NULL, PEOPLE, GROUPS },
	    { ALL " when { principal.n == 1 };", NULL, NULL, "[" USER("u", "2", IN("g")) "," USER("v", "1", "") "]", GROUPS }, true, false },
	{ "a member moves", { "permit (principal in G::\"h\", action, resource);", NULL, NULL, PEOPLE, GROUPS },
	    { "permit (principal in G::\"h\", action, resource);", NULL, NULL, "[" USER("u", "1", IN("h")) "," USER("v", "2", "") "]", GROUPS }, true, false },
	{ "a group of others moves", { "permit (principal in G::\"h\", action, resource);", NULL, NULL, PEOPLE, GROUPS },
	    { "permit (principal in G::\"h\", action, resource);", NULL, NULL, PEOPLE, "[" GROUP("g", IN("h")) "," GROUP("h", "") "]" }, true, false },
	{ "a group goes, its members name it still", { "permit (principal in G::\"h\", action, resource);", NULL, NULL, PEOPLE, "[" GROUP("g", IN("h")) "," GROUP("h", "") "]" },
	    { "permit (principal in G::\"h\", action, resource);", NULL, NULL, PEOPLE, "[" GROUP("h", "") "]" }, true, false },
	{ "an entity goes with its file", { ALL " when { principal.n == 1 };", NULL, NULL, GROUPS, PEOPLE },
	    { ALL " when { principal.n == 1 };", NULL, NULL, GROUPS, NULL }, true, false },
	{ "an entity moves to another file", { ALL " when { principal.n == 1 };", NULL, NULL, PEOPLE, GROUPS },
	    { ALL " when { principal.n == 1 };", NULL, NULL, "[" USER("v", "2", "") "]", "[" USER("u", "1", "") "," GROUP("g", "") "]" }, true, false },
	{ "an entity in two files", { ALL ";", NULL, NULL, PEOPLE, PEOPLE },
	    { ALL ";", NULL, NULL, "[]", PEOPLE }, false, false },
	{ "two files disagree", { ALL ";", NULL, NULL, PEOPLE, GROUPS },
	    { ALL ";", NULL, NULL, PEOPLE, "[" USER("u", "7", "") "]" }, false, true },
	{ "a circle of groups", { ALL ";", NULL, NULL, PEOPLE, "[" GROUP("g", IN("h")) "," GROUP("h", "") "]" },
	    { ALL ";", NULL, NULL, PEOPLE, "[" GROUP("g", IN("h")) "," GROUP("h", IN("g")) "]" }, false, true },
	{ "data that cannot be read", { ALL ";", NULL, NULL, PEOPLE, NULL },
	    { ALL ";", NULL, NULL, "[{", NULL }, false, true },
	{ "a policy in the midst comes", { ALL ";\n" ERRS ";\n", NULL, NULL, PEOPLE, NULL },
	    { ALL ";\n\n" ALL " when { principal.n == 1 };\n" ERRS ";\n", NULL, NULL, PEOPLE, NULL }, true, false },
	{ "a policy in the midst goes", { ALL ";\n" ERRS ";\n" ALL ";\n" ERRS ";\n", NULL, NULL, PEOPLE, NULL },
	    { ALL ";\n" ALL ";\n" ERRS ";\n", NULL, NULL, PEOPLE, NULL }, true, false },
	{ "ids by number get a place more", { TEN ALL ";\n" ERRS ";\n", NULL, NULL, PEOPLE, NULL },
	    { ALL " when { principal.n == 2 };\n" TEN ALL ";\n" ERRS ";\n", NULL, NULL, PEOPLE, NULL }, true, false },
	{ "an id comes in the midst", { TEN TEN, NULL, NULL, PEOPLE, NULL },
	    { TEN "@id(\"own\") " ALL ";\n" TEN, NULL, NULL, PEOPLE, NULL }, true, false },
	{ "an id by number is written down", { TEN TEN, NULL, NULL, PEOPLE, NULL },
	    { TEN "@id(\"p0.avow#12\") " ALL ";\n" TEN, NULL, NULL, PEOPLE, NULL }, false, true },
	{ "an id stands twice in one file", { TEN "@id(\"own\") " ALL ";\n" TEN, NULL, NULL, PEOPLE, NULL },
	    { TEN "@id(\"own\") " ALL ";\n" TEN "@id(\"own\") " ALL ";\n", NULL, NULL, PEOPLE, NULL }, false, true },
	{ "an id moves within its file", { "@id(\"own\") " ALL ";\n" TEN, NULL, NULL, PEOPLE, NULL },
	    { TEN "@id(\"own\") " ALL ";\n", NULL, NULL, PEOPLE, NULL }, true, false },
	{ "a template in the midst comes", { TEN TEN, NULL, NULL, PEOPLE, NULL },
	    { TEN TEMPLATE "\n" TEN, NULL, NULL, PEOPLE, NULL }, false, false },
	{ "a set in the midst comes", { TEN TEN, NULL, NULL, PEOPLE, NULL },
	    { TEN "indivisible action [Action::\"a\", Action::\"b\"];\n" TEN, NULL, NULL, PEOPLE, NULL }, true, false },
	{ "both at once", { ALL " when { principal.n == 1 };", NULL, NULL, PEOPLE, GROUPS },
	    { ALL " when { principal.n == 7 };", "deny (principal in G::\"h\", action, resource);", NULL,
		"[" USER("u", "7", IN("g")) "," USER("v", "7", "") "]", "[" GROUP("g", IN("h")) "]" }, true, false },
};
/* clang-format on */

static const char *
answer(const struct engine_snapshot *s, const char *who)
{
	struct engine_request r =
	    fixture_request(mem, s, fixture_ask(mem, who, "\"context\":{}"));
	struct engine_answer a;

	engine_evaluate(s, &r, ERRORED_DENY_DENIES, mem, &a);
	return fixture_text(mem, engine_answer_to_json(&a));
}

static void
check_same(const char *note, const struct engine_snapshot *x,
    const struct engine_snapshot *y)
{
	static const char *const who[] = { "u", "v", "nobody" };

	for (size_t i = 0; i < ARRAY_LEN(who); i++) {
		const char *want = answer(x, who[i]), *got = answer(y, who[i]);

		ck_assert_msg(strcmp(want, got) == 0, "%s, %s: want %s, got %s",
		    note, who[i], want, got);
	}
	ck_assert_msg(entities_count(engine_snapshot_entities(x)) ==
			  entities_count(engine_snapshot_entities(y)),
	    "%s: entities", note);
}

START_TEST(updates_as_a_load)
{
	struct engine_snapshot *before = load(&cases[_i].before);
	struct engine_snapshot *whole = load(&cases[_i].after), *merged;
	struct engine_snapshot *updated;
	const char *why = NULL;
	struct listed l;

	ck_assert_msg(before != NULL, "%s: before", cases[_i].note);
	ck_assert_msg((whole == NULL) == cases[_i].is_refused, "%s: after",
	    cases[_i].note);
	updated =
	    engine_snapshot_update(before, list(&cases[_i].after, &l), 2, &why);
	ck_assert_msg((updated != NULL) == cases[_i].is_update, "%s: %s",
	    cases[_i].note, why ? why : "it is an update");
	ck_assert((updated == NULL) == (why != NULL));
	engine_snapshot_unref(before);
	if (updated) {
		check_same(cases[_i].note, whole, updated);
		merged = engine_snapshot_merge(updated);
		ck_assert_ptr_nonnull(merged);
		check_same(cases[_i].note, whole, merged);
		ck_assert(engine_snapshot_parts(merged).is_merged);
		ck_assert_uint_eq(
		    engine_snapshot_parts(merged).changed_policies, 0);
		engine_snapshot_unref(merged);
	}
	engine_snapshot_unref(updated);
	engine_snapshot_unref(whole);
}
END_TEST

START_TEST(tells_its_parts)
{
	const struct world first = { ALL ";", ALL ";", NULL, PEOPLE, GROUPS };
	const struct world second = { ALL ";", ALL " when { true };", NULL,
		"[" USER("u", "1", IN("g")) "," USER("v", "3", "") "]",
		GROUPS };
	struct engine_snapshot *s = load(&first), *next = s;
	struct engine_parts p;
	struct listed l;
	const char *why = NULL;

	for (size_t i = 0; i < 20; i++) {
		next = engine_snapshot_update(s, list(&second, &l), 2, &why);
		ck_assert_ptr_nonnull(next);
		engine_snapshot_unref(s);
		s = next;
	}
	p = engine_snapshot_parts(s);
	ck_assert_uint_eq(p.base_policies, 2);
	ck_assert_uint_eq(p.changed_policies, 1);
	ck_assert_uint_eq(p.gone_policies, 1);
	ck_assert_uint_eq(p.base_entities, 4);
	ck_assert_uint_eq(p.changed_entities, 1);
	ck_assert_uint_eq(p.updates, 20);
	ck_assert(engine_snapshot_wants_merge(s));
	engine_snapshot_unref(s);
}
END_TEST

/* ---- over an image ---------------------------------------------------------
 */

/* An image of the world's files, with its entities or without, in a file. */
static const char *
image_of(const struct world *w, bool has_entities)
{
	struct engine_snapshot *s = load(w);
	const char *path =
	    str_printf(mem, "%s/%d.img", test_folder(), has_entities).p;
	struct error err = { 0 };
	struct buf b = { 0 };

	ck_assert_ptr_nonnull(s);
	ck_assert_msg(policy_image_make(engine_snapshot_policies(s),
			  has_entities ? engine_snapshot_entities(s) : NULL,
			  NULL, &b, &err),
	    "%s", err.msg);
	ck_assert(file_replace(path, 0600, buf_str(&b), NULL));
	buf_free(&b);
	engine_snapshot_unref(s);
	return path;
}

static const struct world below = { TEN ERRS ";\n" TEN, ALL ";", NULL,
	"[" USER("u", "1", IN("g")) "," USER("v", "2", "") "," GROUP(
	    "g", "") "]",
	NULL };

/* Entities that lie in an image are copied before it goes. */
START_TEST(merges_an_image)
{
	const char *path = image_of(&below, true);
	struct buf messages = { 0 };
	struct engine_snapshot *whole = load(&below), *merged,
			       *s =
				   engine_load(&path, 1, NULL, 0, 1, &messages);
	struct listed l;
	const char *why = NULL;

	ck_assert_msg(s != NULL, "%s", messages.p);
	ck_assert(entities_is_lent(engine_snapshot_entities(s)));
	check_same("an image", whole, s);
	/* Where its entities come from is not known, whatever changed. */
	ck_assert_ptr_null(
	    engine_snapshot_update(s, list(&below, &l), 2, &why));
	ck_assert_ptr_nonnull(why);
	merged = engine_snapshot_merge(s);
	ck_assert_ptr_nonnull(merged);
	engine_snapshot_unref(s);
	ck_assert(!entities_is_lent(engine_snapshot_entities(merged)));
	check_same("merged", whole, merged);
	engine_snapshot_unref(merged);
	engine_snapshot_unref(whole);
	buf_free(&messages);
}
END_TEST

/* Entities of files may change over the policies of an image, which may not;
 * merged, they are texts, and then they may. */
START_TEST(updates_over_an_image)
{
	const struct world entities = { below.p0, below.p1, NULL,
		"[" USER("u", "3", IN("g")) "," GROUP("g", IN("h")) "]", NULL };
	const struct world both = { TWO TEN ERRS ";\n" TEN, below.p1, NULL,
		entities.e0, NULL };
	const char *path = image_of(&below, false);
	const char *data = str_printf(mem, "%s/e0.json", test_folder()).p;
	const struct engine_sources from = { .policies = &path,
		.n_policies = 1,
		.entities = &data,
		.n_entities = 1,
		.keeps_texts = true };
	struct buf messages = { 0 };
	struct engine_snapshot *s, *next, *merged, *whole = load(&entities);
	struct listed l;
	const char *why = NULL;

	ck_assert(file_replace(data, 0600, str_of(below.e0), NULL));
	s = engine_load_from(&from, 1, &messages);
	ck_assert_msg(s != NULL, "%s", messages.p);
	(void)list(&entities, &l);
	l.entities[0].name = data;
	next = engine_snapshot_update(s, &l.files, 2, &why);
	ck_assert_msg(next != NULL, "%s", why);
	engine_snapshot_unref(s);
	check_same("entities", whole, next);
	(void)list(&both, &l);
	l.entities[0].name = data;
	ck_assert_ptr_null(engine_snapshot_update(next, &l.files, 2, &why));
	ck_assert_str_eq(why, "policies of an image changed");
	merged = engine_snapshot_merge(next);
	ck_assert_ptr_nonnull(merged);
	engine_snapshot_unref(next);
	check_same("merged", whole, merged);
	engine_snapshot_unref(whole);
	whole = load(&both);
	next = engine_snapshot_update(merged, &l.files, 2, &why);
	ck_assert_msg(next != NULL, "%s", why);
	check_same("changed when merged", whole, next);
	engine_snapshot_unref(next);
	engine_snapshot_unref(merged);
	engine_snapshot_unref(whole);
	buf_free(&messages);
}
END_TEST

static void
put_file(const char *path, const char *text)
{
	struct error err = { 0 };

	ck_assert_msg(
	    file_replace(path, 0600, str_of(text), &err), "%s", err.msg);
}

/* Files as they are read again; an image is not looked at as text. */
START_TEST(reads_files_again)
{
	const char *path = str_printf(mem, "%s/r.avow", test_folder()).p;
	const char *image = image_of(&below, true), *why = NULL;
	struct engine_sources from = {
		.policies = &path, .n_policies = 1, .keeps_texts = true
	};
	struct buf messages = { 0 };
	struct engine_snapshot *s, *next;

	put_file(path, TEN ERRS ";\n" TEN);
	s = engine_load_from(&from, 1, &messages);
	ck_assert_msg(s != NULL, "%s", messages.p);
	put_file(path, TEN NEW ERRS ";\n" TEN);
	next = engine_reload(s, &from, 2, &messages, &why);
	ck_assert(next != NULL && why == NULL);
	ck_assert_uint_eq(engine_snapshot_parts(next).changed_policies, 1);
	engine_snapshot_unref(next);
	from.policies = &image;
	next = engine_reload(s, &from, 2, &messages, &why);
	ck_assert_ptr_nonnull(next);
	ck_assert_str_eq(why, "an image is mapped anew");
	engine_snapshot_unref(next);
	put_file(path, TEN NEW ERRS "\n" TEN);
	from.policies = &path;
	ck_assert_ptr_null(engine_reload(s, &from, 2, &messages, &why));
	ck_assert_ptr_nonnull(strstr(messages.p, "r.avow:13:1: error"));
	engine_snapshot_unref(s);
	buf_free(&messages);
}
END_TEST

/* Of entities, too; whoever does not keep their texts loads all. */
START_TEST(reads_entities_again)
{
	static const char *const texts[] = {
		"[" USER("u", "1", IN("g")) "," USER("v", "2", "") "]",
		"[" USER("u", "1", IN("g")) ",\n" USER("v", "2", "") " ]\n",
		"[" USER("u", "1", IN("h")) "," USER("v", "2", "") "]",
		"[" USER("u", "1", "") "," USER("w", "3", "") "]",
		"[" USER("u", "1", "") "," USER("w", "4", "") "]",
	};
	static const size_t n_changed[] = { 0, 0, 1, 3, 1 };
	const char *path = str_printf(mem, "%s/e.json", test_folder()).p;
	struct engine_sources from = {
		.entities = &path, .n_entities = 1, .keeps_texts = true
	};
	struct buf messages = { 0 };
	struct engine_snapshot *s = NULL, *next;
	const char *why = NULL;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		put_file(path, texts[i]);
		next = engine_reload(s, &from, 2, &messages, &why);
		ck_assert_ptr_nonnull(next);
		ck_assert(i == 0 || why == NULL);
		ck_assert_uint_eq(
		    engine_snapshot_parts(next).changed_entities, n_changed[i]);
		engine_snapshot_unref(s);
		s = next;
		if (i != 3)
			continue;
		next = engine_snapshot_merge(s);
		ck_assert_ptr_nonnull(next);
		engine_snapshot_unref(s);
		s = next;
	}
	engine_snapshot_unref(s);
	from.keeps_texts = false;
	s = engine_reload(NULL, &from, 2, &messages, &why);
	next = engine_reload(s, &from, 2, &messages, &why);
	ck_assert_ptr_nonnull(next);
	ck_assert_str_eq(why, "where the entities come from is not known");
	engine_snapshot_unref(next);
	engine_snapshot_unref(s);
	buf_free(&messages);
}
END_TEST

/* Of a file, what is new alone; and an action goes with its policy. */
START_TEST(parses_what_is_new)
{
	const struct world first = { TEN "permit (principal, action == "
					 "Action::\"old\", resource);\n" TEN,
		NULL, NULL, PEOPLE, NULL };
	const struct world second = { TEN "permit (principal, action == "
					  "Action::\"new\", resource);\n" TEN,
		NULL, NULL, PEOPLE, NULL };
	struct engine_snapshot *s = load(&first), *next;
	const struct uid *actions;
	struct engine_parts p;
	struct listed l;
	const char *why = NULL;
	size_t n;

	next = engine_snapshot_update(s, list(&second, &l), 2, &why);
	ck_assert_ptr_nonnull(next);
	p = engine_snapshot_parts(next);
	ck_assert_uint_eq(p.base_policies, 21);
	ck_assert_uint_eq(p.changed_policies, 1);
	ck_assert_uint_eq(p.gone_policies, 1);
	ck_assert(policy_set_actions(
	    engine_snapshot_policies(next), mem, &actions, &n, NULL));
	ck_assert_uint_eq(n, 1);
	ck_assert(str_eq(actions[0].id, STR("new")));
	engine_snapshot_unref(next);
	engine_snapshot_unref(s);
}
END_TEST

/* ---- readers under swaps ---------------------------------------------------
 */

static struct swap now;
static atomic_bool is_over;
static const char *possible[2];

/* Each answer is one state's, wholly: version, reasons and errors with it. */
static void *
decide_on(void *ctx)
{
	long *n = ctx;
	struct arena *a = arena_new(0);

	while (!atomic_load(&is_over) && *n >= 0) {
		const struct engine_snapshot *s = swap_enter(&now);
		struct engine_request r = { .principal = { STR("U"), STR("u") },
			.action = { STR("Action"), STR("act") },
			.resource = { STR("R"), STR("r") },
			.context = { .kind = VALUE_RECORD },
			.entities = engine_snapshot_entities(s) };
		struct engine_answer answer;
		const char *got;

		engine_evaluate(s, &r, ERRORED_DENY_DENIES, a, &answer);
		got = fixture_text(a, engine_answer_to_json(&answer));
		*n = strcmp(got, possible[0]) && strcmp(got, possible[1])
			 ? -1
			 : *n + 1;
		swap_leave(&now);
		arena_reset(a);
	}
	arena_free(a);
	return NULL;
}

START_TEST(no_decision_sees_a_mixture)
{
	static const struct world whole[2] = {
		{ ALL " when { principal.n == 1 };",
		    "deny (principal, action, resource) when { principal.n == "
		    "2 };",
		    NULL, PEOPLE, GROUPS },
		{ ALL " when { principal.n == 1 };",
		    "deny (principal in G::\"h\", action, resource) when { "
		    "principal.n == 2 };",
		    NULL, "[" USER("u", "2", IN("g")) "]",
		    "[" GROUP("g", IN("h")) "]" },
		/* One file, in places: only both changes together permit. */
	}, in_entities[2] = {
		{ ALL " when { principal.n == 2 && principal in G::\"h\" };",
		    ONE_OR_NONE, NULL,
		    "[" OTHERS USER("u", "1", IN("g")) "," OTHERS_TOO GROUP(
			"g", "") "," USER("w", "1", "") "]",
		    GROUPS_TOO },
		{ ALL " when { principal.n == 2 && principal in G::\"h\" };",
		    ONE_OR_NONE, NULL,
		    "[" OTHERS USER("x", "7", "") "," USER("u", "2", IN(
			"g")) "," OTHERS_TOO GROUP("g", IN("h")) "]",
		    GROUPS_TOO },
		/* Lines and numbers move. */
	}, in_parts[2] = {
		{ TEN ERRS ";\n" TEN, NULL, NULL, PEOPLE, NULL },
		{ TEN "\n" ALL " when { principal.gone };\n" TWO ERRS
		      ";\n" TEN,
		    NULL, NULL, PEOPLE, NULL },
	};
	const struct world *worlds = _i == 0   ? whole
				     : _i == 1 ? in_parts
					       : in_entities;
	struct engine_snapshot *last = load(&worlds[0]), *next;
	pthread_t threads[READERS];
	long n[READERS] = { 0 };
	struct listed l;
	const char *why = NULL;

	next = engine_snapshot_update(last, list(&worlds[1], &l), 2, &why);
	ck_assert_ptr_nonnull(next);
	possible[0] = answer(last, "u");
	possible[1] = answer(next, "u");
	engine_snapshot_unref(next);
	ck_assert_str_ne(possible[0], possible[1]);
	atomic_store(&is_over, false);
	swap_init(&now, last);
	for (size_t i = 0; i < READERS; i++)
		ck_assert_int_eq(
		    pthread_create(&threads[i], NULL, decide_on, &n[i]), 0);
	/* Each over the one before, which goes when it has its place. */
	for (unsigned i = 1; i <= SWAPS; i++) {
		next = i % 5 == 0 ? engine_snapshot_merge(last)
				  : engine_snapshot_update(last,
					list(&worlds[i % 2], &l), 2, &why);
		ck_assert_ptr_nonnull(next);
		engine_snapshot_unref(swap_replace(&now, next));
		last = next;
	}
	atomic_store(&is_over, true);
	for (size_t i = 0; i < READERS; i++) {
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
		ck_assert_int_ge(n[i], 0);
	}
	engine_snapshot_unref(swap_replace(&now, NULL));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("update");
	TCase *tc = tcase_create("update");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, updates_as_a_load, 0, ARRAY_LEN(cases));
	tcase_add_test(tc, tells_its_parts);
	tcase_add_test(tc, merges_an_image);
	tcase_add_test(tc, updates_over_an_image);
	tcase_add_test(tc, reads_files_again);
	tcase_add_test(tc, reads_entities_again);
	tcase_add_test(tc, parses_what_is_new);
	tcase_add_loop_test(tc, no_decision_sees_a_mixture, 0, 3);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
