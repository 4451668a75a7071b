/* test_cases.c - the cases of tests/decide, through the engine's door.
 * A file is an array of {note, policy, data, request, erroredDeny, expect}:
 * `data` is what is loaded, `request` as the contracts have it, `erroredDeny`
 * is "deny" unless said. `expect` is {decision, code, reasons, errors} (errors:
 * {policy id: code}), or {refused: code} where data or request are not taken.
 */
#include "engine/engine.h"

#include <stdio.h>

#include "base/file.h"
#include "base/limits.h"
#include "tests/lib/run.h"

#define CASES_MAX 500

static struct arena *a;
static json_t *files; /* an array of the files' arrays */
static const json_t *cases[CASES_MAX];
static int n_cases;

static void
read_cases(void)
{
	static const char *const suffixes[] = { ".json", NULL };
	const char *const *paths;
	struct error err = { 0 };
	struct str text;
	size_t n;
	json_t *json;

	a = arena_new(0);
	files = json_array();
	if (!file_list(a, "tests/decide", suffixes, &paths, &n, &err))
		return;
	for (size_t i = 0; i < n; i++) {
		if (!file_read(a, paths[i], 1u << 20, &text, &err) ||
		    !json_parse(text, paths[i], 1u << 20, 100, JSON_DATA_FILE,
			&json, &err)) {
			fprintf(stderr, "%s:%u: %s\n", paths[i], err.at.line,
			    err.msg);
			n_cases = 0;
			return;
		}
		json_array_append_new(files, json);
		for (size_t k = 0; k < json_array_size(json); k++)
			if (n_cases < CASES_MAX)
				cases[n_cases++] = json_array_get(json, k);
	}
}

static const char *
text_of(const json_t *c, const char *name)
{
	return json_string_value(json_object_get(c, name));
}

static struct engine_snapshot *
load(const json_t *c, struct error *err)
{
	struct arena *memory = arena_new(0);
	struct entities *layer = entities_new(memory, NULL);
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct errors errors = { 0 };
	const json_t *data = json_object_get(c, "data");

	ck_assert_msg(policy_set_add_text(set, "p.avow",
			  str_of(text_of(c, "policy")), POLICY_AVOW, &errors) &&
			  policy_set_finish(set, &errors),
	    "%s: %s", text_of(c, "note"), errors.e[0].msg);
	if ((!data || entities_add_json(layer, data, "data.json", err)) &&
	    entities_finish(layer, err))
		return engine_snapshot_new(set, memory, layer, 0);
	policy_set_free(set);
	arena_free(memory);
	return NULL;
}

/* {policy: code} of the answer's errors. */
static json_t *
errors_of(const json_t *answer)
{
	json_t *map = json_object(), *e;
	size_t i;

	json_array_foreach (json_object_get(answer, "errors"), i, e)
		json_object_set(
		    map, text_of(e, "policy"), json_object_get(e, "code"));
	return map;
}

static void
check_member(const json_t *c, const char *name, const json_t *got)
{
	const json_t *want =
	    json_object_get(json_object_get(c, "expect"), name);
	char *g = json_dumps(got, JSON_ENCODE_ANY);
	char *w = json_dumps(want, JSON_ENCODE_ANY);

	ck_assert_msg(json_equal(got, want), "%s: %s is %s, not %s",
	    text_of(c, "note"), name, g, w);
	free(g);
	free(w);
}

static void
check_answer(const json_t *c, const struct engine_answer *answer)
{
	json_t *json = engine_answer_to_json(answer);
	json_t *errors = errors_of(json);

	check_member(c, "decision", json_object_get(json, "decision"));
	check_member(c, "code", json_object_get(json, "code"));
	check_member(c, "reasons", json_object_get(json, "reasons"));
	check_member(c, "errors", errors);
	json_decref(errors);
	json_decref(json);
}

START_TEST(decide_case)
{
	const json_t *c = cases[_i];
	const char *refused = text_of(json_object_get(c, "expect"), "refused");
	const char *errored = text_of(c, "erroredDeny");
	bool skips = errored && strcmp(errored, "skip") == 0;
	struct arena *memory = arena_new(0), *scratch = arena_new(0);
	struct error err = { 0 };
	struct engine_snapshot *s = load(c, &err);
	struct engine_request request;
	struct engine_answer answer;
	struct buf text = { 0 };
	bool ok;

	ck_assert(json_write(&text, json_object_get(c, "request")));
	ok = s && engine_request_from_json(
		      memory, buf_str(&text), "r.json", s, &request, &err);
	ck_assert_msg(ok == !refused, "%s: %s", text_of(c, "note"), err.msg);
	if (refused)
		ck_assert_str_eq(error_id(err.code), refused);
	if (ok) {
		engine_evaluate(s, &request,
		    skips ? ERRORED_DENY_SKIP : ERRORED_DENY_DENIES, scratch,
		    &answer);
		check_answer(c, &answer);
	}
	buf_free(&text);
	engine_snapshot_unref(s);
	arena_free(memory);
	arena_free(scratch);
}
END_TEST

START_TEST(decide_has_cases)
{
	ck_assert_int_gt(n_cases, 20);
	ck_assert_int_lt(n_cases, CASES_MAX);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("cases");
	TCase *tc = tcase_create("cases");
	int status;

	read_cases();
	tcase_add_test(tc, decide_has_cases);
	tcase_add_loop_test(tc, decide_case, 0, n_cases);
	suite_add_tcase(s, tc);
	status = run_suite(s);
	json_decref(files);
	arena_free(a);
	return status;
}
