/* sweep_image.c - making, opening and deciding from an image with each
 * allocation failing in turn: the right answer, or an error; a policy whose
 * tree cannot be made is an error, never quietly false. */
#include "tests/fault/wrap.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/engine.h"
#include "tests/lib/run.h"

static const char text[] =
    "permit (principal, action, resource) when { context.s like \"a*\" };\n"
    "deny (principal in G::\"g\", action, resource)\n"
    "when { context.s like \"*z\" && principal.r.n == 1 &&\n"
    "principal.s.contains(context.s) };\n"
    "@id(\"t\") permit (principal == ?principal, action, resource);\n"
    "permit (principal == U::\"u\", action, resource)\n"
    "when { context.s matches \"^b\" };\n";

/* A policy, and a link to a template of the text. */
static const char json[] =
    "{\"staticPolicies\":{\"js\":{\"effect\":\"permit\",\"principal\":{\"op\":"
    "\"All\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":\"All\"},"
    "\"conditions\":[]}},\"templates\":{},\"templateLinks\":[{\"templateId\":"
    "\"t\",\"newId\":\"link\",\"values\":{\"?principal\":{\"type\":\"U\",\"id\""
    ":\"v\"}}}]}";

static const char data[] =
    "[{\"uid\":{\"type\":\"U\",\"id\":\"v\"},\"attrs\":{\"s\":[\"abcz\"],"
    "\"r\":{\"n\":1}},\"parents\":[{\"type\":\"G\",\"id\":\"g\"}]},"
    "{\"uid\":{\"type\":\"G\",\"id\":\"g\"},\"attrs\":{},\"parents\":[]}]";

static char path[64];
static struct buf kept; /* an image that was made */

static struct policy_set *
read_set(struct errors *e)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);

	if (set &&
	    policy_set_add_text(set, "f", str_of(text), POLICY_AVOW, e) &&
	    policy_set_add_json(set, "j", str_of(json), e) &&
	    policy_set_finish(set, e))
		return set;
	policy_set_free(set);
	return NULL;
}

static bool
make(void *ctx)
{
	struct buf image = { 0 };
	struct arena *a = arena_new(0);
	struct entities *layer = a ? entities_new(a, NULL) : NULL;
	bool ok = layer && entities_add_text(layer, str_of(data), "e", NULL) &&
		  entities_finish(layer, NULL) &&
		  policy_image_make(ctx, layer, NULL, &image, NULL);

	ck_assert(!ok || policy_is_image(buf_str(&image)));
	if (ok && !kept.p)
		buf_add(&kept, buf_str(&image));
	arena_free(a);
	buf_free(&image);
	return ok;
}

/* Of nobody's pattern: what the library keeps for a thread's matches is not
 * given back. */
static struct engine_request
request(const struct entities *layer, struct value_field *field)
{
	*field = (struct value_field){ STR("s"), value_string(STR("abcz")) };
	return (struct engine_request){ .principal = { STR("U"), STR("v") },
		.action = { STR("Action"), STR("a") },
		.resource = { STR("R"), STR("r") },
		.context = { .kind = VALUE_RECORD, .record = { field, 1 } },
		.entities = layer };
}

/* An answer is whole, or there is none. */
static bool
says_why(const struct engine_answer *answer)
{
	json_t *said = engine_answer_to_json(answer);
	const char *id = json_string_value(
	    json_array_get(json_object_get(said, "reasons"), 0));

	ck_assert(!said || (id && strcmp(id, "f#1") == 0));
	json_decref(said);
	return said != NULL;
}

/* The deny holds: no failure makes it a permit. */
static bool
decide(struct engine_snapshot *s)
{
	struct arena *scratch = arena_new(0);
	struct value_field field;
	struct engine_request r = request(engine_snapshot_entities(s), &field);
	struct engine_answer answer = { 0 };
	bool ok = false;

	if (scratch)
		engine_evaluate(s, &r, ERRORED_DENY_SKIP, scratch, &answer);
	ck_assert_int_eq(answer.effect, ENGINE_DENY);
	if (answer.code == ERR_POLICY_DENIED)
		ok = says_why(&answer);
	arena_free(scratch);
	return ok;
}

/* Each policy says what it is, or that it cannot. */
static bool
look(const struct policy_set *set)
{
	static const char *const ids[] = { "f#0", "f#1", "f#3", "js", "link" };
	bool ok = true;

	ck_assert_uint_eq(policy_set_count(set), ARRAY_LEN(ids));
	for (uint32_t i = 0; i < ARRAY_LEN(ids); i++) {
		struct policy_info info = policy_set_info(set, i);
		struct buf out = { 0 };

		ck_assert(info.id.p == NULL || str_eq(info.id, str_of(ids[i])));
		policy_print(set, i, &out);
		ok = ok && info.id.p && buf_ok(&out);
		buf_free(&out);
	}
	return ok;
}

/* A file's text is what it was, or there is none; so is its set. */
static bool
read_again(void *ctx)
{
	struct policy_set *image, *set = policy_set_new(POLICY_NAMED);
	struct errors errors = { 0 };
	struct str got;
	bool ok = policy_image_open(ctx, NULL, &image, NULL);

	if (ok) {
		ok = look(image);
		ck_assert(!policy_set_file_text(image, 0, &got) ||
			  str_eq(got, str_of(text)));
		ck_assert(!policy_set_file_text(image, 1, &got) ||
			  str_eq(got, str_of(json)));
		policy_set_free(image);
	}
	ok = ok && set && policy_set_add_path(set, ctx, &errors) &&
	     policy_set_finish(set, &errors) && look(set);
	policy_set_free(set);
	return ok;
}

static bool
open_and_decide(void *ctx)
{
	const char *paths[] = { ctx };
	struct buf messages = { 0 };
	struct engine_snapshot *s =
	    engine_load(paths, 1, NULL, 0, 0, &messages);
	bool ok = s && decide(s);

	engine_snapshot_unref(s);
	buf_free(&messages);
	return ok;
}

START_TEST(sweep)
{
	struct errors e = { 0 };
	struct policy_set *set = read_set(&e);
	int fd = memfd_create("image", MFD_CLOEXEC);

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	ck_assert(set != NULL);
	ck_assert_int_gt(fault_sweep("make an image", make, set), 10);
	ck_assert_int_eq(write(fd, kept.p, kept.n), (ssize_t)kept.n);
	ck_assert_int_gt(
	    fault_sweep("open an image and decide", open_and_decide, path), 5);
	ck_assert_int_gt(
	    fault_sweep("read an image's texts", read_again, path), 20);
	(void)close(fd);
	buf_free(&kept);
	policy_set_free(set);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sweep_image");
	TCase *tc = tcase_create("sweep_image");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, sweep);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
