/* sweep_update.c - an update and a merge with each allocation failing in turn:
 * either there is the new state, which decides as it should, or there is none
 * and the old one is as it was; nothing is left behind. */
#include "tests/fault/wrap.h"

#include "engine/engine.h"
#include "tests/lib/run.h"

static struct engine_snapshot *old, *updated;

#define LINE "permit (principal, action, resource) when { principal.n == 8 };\n"
#define REST LINE LINE LINE LINE LINE LINE LINE LINE LINE LINE LINE

#define ENTITY(id, n)                                                          \
	"{\"uid\":{\"type\":\"U\",\"id\":\"" id "\"},\"attrs\":{\"n\":" n      \
	"},\"parents\":[{\"type\":\"G\",\"id\":\"g\"}]}"
/* Not plain: it takes a tree to read. */
#define OTHER(id)                                                              \
	"{\"uid\":{\"type\":\"U\",\"id\":\"" id                                \
	"\"},\"attrs\":{\"r\":[1,{}]},"                                        \
	"\"parents\":[],\"tags\":{\"t\":\"x\"}}"

static const char *const texts[2][3] = {
	{ "permit (principal in G::\"g\", action, resource);\n" REST,
	    "deny (principal, action, resource) when { principal.n == 7 };",
	    "[" ENTITY("a", "1") "," ENTITY("u", "1") "," ENTITY(
		"b", "1") "," OTHER("c") "]" },
	/* Ids by number move; entities come and go in places. */
	{ "permit (principal in G::\"g\", action, resource);\n"
	  "permit (principal, action, resource) when { principal.n == 1 "
	  "};\n" REST,
	    "deny (principal, action, resource) when { principal.n == 8 };",
	    "[" ENTITY("a", "1") "," ENTITY("u", "8") "," OTHER("d") "," OTHER(
		"c") "]" },
};

static struct engine_snapshot *
make(const struct engine_snapshot *from, size_t which)
{
	const struct engine_file p[] = { { .name = "a.avow",
					     .text = str_of(texts[which][0]) },
		{ .name = "b.avow", .text = str_of(texts[which][1]) } };
	const struct engine_file e = { .name = "e.json",
		.text = str_of(texts[which][2]) };
	const struct engine_files files = { p, &e, 2, 1 };
	struct buf messages = { 0 };
	const char *why = NULL;
	struct engine_snapshot *s =
	    from ? engine_snapshot_update(from, &files, 2, &why)
		 : engine_load_files(&files, 1, &messages);

	ck_assert(!from || (s == NULL) == (why != NULL));
	buf_free(&messages);
	return s;
}

/* The code of u's decision; ERR_NONE when there was no memory for asking. */
static enum err_code
decide(const struct engine_snapshot *s)
{
	struct arena *a = arena_new(0);
	struct engine_request r = { .principal = { STR("U"), STR("u") },
		.action = { STR("Action"), STR("act") },
		.resource = { STR("R"), STR("r") },
		.context = { .kind = VALUE_RECORD },
		.entities = engine_snapshot_entities(s) };
	struct engine_answer answer = { .code = ERR_NONE };

	if (a)
		engine_evaluate(s, &r, ERRORED_DENY_DENIES, a, &answer);
	arena_free(a);
	return answer.code;
}

static bool
is_due(const struct engine_snapshot *s, enum err_code due)
{
	enum err_code code = decide(s);

	ck_assert_msg(
	    code == due || code == ERR_NONE || code == ERR_SYSTEM_LIMIT, "%s",
	    error_id(code));
	return code == due;
}

static bool
update(void *ctx)
{
	struct engine_snapshot *s = make(old, 1);
	bool ok = s && is_due(s, ERR_POLICY_DENIED);

	(void)ctx;
	ok = is_due(old, ERR_PERMIT) && ok;
	engine_snapshot_unref(s);
	return ok;
}

static bool
merge(void *ctx)
{
	struct engine_snapshot *s = engine_snapshot_merge(updated);
	bool ok = s && is_due(s, ERR_POLICY_DENIED);

	(void)ctx;
	ok = is_due(updated, ERR_POLICY_DENIED) && ok;
	engine_snapshot_unref(s);
	return ok;
}

START_TEST(all_or_nothing)
{
	json_setup();
	old = make(NULL, 0);
	updated = old ? make(old, 1) : NULL;
	ck_assert_ptr_nonnull(updated);
	ck_assert_int_gt(fault_sweep_ours("update", update, NULL), 20);
	ck_assert_int_gt(fault_sweep_ours("merge", merge, NULL), 20);
	engine_snapshot_unref(updated);
	engine_snapshot_unref(old);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sweep_update");
	TCase *tc = tcase_create("sweep");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, all_or_nothing);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
