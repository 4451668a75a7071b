/* test_load.c - paths into a snapshot: all of it, or nothing and every error.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/lib/entities.h"
#include "tests/unit/engine/fixture.h"

static struct arena *a;
static struct buf messages;
static const char *dir;

static void
setup(void)
{
	static int n;

	a = arena_new(0);
	messages = (struct buf){ 0 };
	dir = str_printf(a, "%s/load-%d-%d", test_folder(), getpid(), n++).p;
	ck_assert_int_eq(mkdir(dir, 0700), 0);
}

static void
teardown(void)
{
	buf_free(&messages);
	arena_free(a);
}

static const char *
put(const char *name, const char *text)
{
	const char *path = str_printf(a, "%s/%s", dir, name).p;
	struct error err = { 0 };

	ck_assert_msg(
	    file_replace(path, 0600, str_of(text), &err), "%s", err.msg);
	return path;
}

static struct engine_snapshot *
load(const char *policies, const char *entities)
{
	return engine_load(
	    &policies, 1, &entities, entities ? 1 : 0, 77, &messages);
}

static bool
said(const char *what)
{
	return messages.p && memmem(messages.p, messages.n, what, strlen(what));
}

#define PERMIT "permit (principal, action, resource);\n"

START_TEST(a_folder_in_byte_order)
{
	struct engine_snapshot *s;
	const struct policy_set *set;

	put("b.cedar", "@id(\"second\")\n" PERMIT);
	put("a.avow", "@id(\"first\")\n" PERMIT);
	put(".hidden.avow", "this is no policy");
	put("notes.txt", "nor is this");
	s = load(dir, NULL);
	ck_assert_msg(s != NULL, "%.*s", STR_ARG(buf_str(&messages)));
	set = engine_snapshot_policies(s);
	ck_assert_uint_eq(policy_set_count(set), 2);
	ck_assert_uint_eq(policy_set_files(set), 2);
	ck_str_is(policy_set_info(set, 0).id, "first");
	ck_str_is(policy_set_info(set, 1).id, "second");
	ck_assert_int_eq(engine_snapshot_loaded_at_ms(s), 77);
	ck_assert_uint_eq(messages.n, 0);
	engine_snapshot_unref(s);
}
END_TEST

START_TEST(entities_of_several_files)
{
	const char *policies = put("p.avow", PERMIT);
	const char *entities[2] = {
		put("1.json", "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},"
			      "\"attrs\":{},\"parents\":[]}]"),
		put("2.json", "[{\"uid\":{\"type\":\"U\",\"id\":\"b\"},"
			      "\"attrs\":{},\"parents\":[]}]")
	};
	struct engine_snapshot *s =
	    engine_load(&policies, 1, entities, 2, 0, &messages);
	const struct entity *e;

	ck_assert_msg(s != NULL, "%.*s", STR_ARG(buf_str(&messages)));
	ck_assert_uint_eq(entities_count(engine_snapshot_entities(s)), 2);
	e = record_of(
	    engine_snapshot_entities(s), (struct uid){ STR("U"), STR("b") });
	ck_assert_ptr_nonnull(e);
	ck_assert_str_eq(e->from, entities[1]);
	engine_snapshot_unref(s);
}
END_TEST

/* Both files' errors are told in one run, with their places. */
START_TEST(every_error_of_every_file)
{
	put("a.avow", PERMIT "permit (principal, action);\n");
	put("b.avow", "forbid (principal, action, resource) when { nothing "
		      "};\n");
	ck_assert_ptr_null(load(dir, put("e.json", "[{\"uid\":7}]")));
	ck_assert_msg(said("a.avow:2:"), "%.*s", STR_ARG(buf_str(&messages)));
	ck_assert_msg(said("b.avow:1:"), "%.*s", STR_ARG(buf_str(&messages)));
	ck_assert_msg(said("e.json"), "%.*s", STR_ARG(buf_str(&messages)));
}
END_TEST

static const struct {
	const char *note, *policies, *entities, *code;
} refused[] = {
	{ "the same id twice", "@id(\"x\") " PERMIT "@id(\"x\") " PERMIT, NULL,
	    "[name.duplicate]" },
	{ "entities are no array", PERMIT, "{}", "[json.shape]" },
	{ "entities are no JSON", PERMIT, "[", "[json.syntax]" },
	{ "a key twice", PERMIT,
	    "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"uid\":{\"type\":\"U\","
	    "\"id\":\"b\"},\"attrs\":{},\"parents\":[]}]",
	    "[json.duplicate]" },
	{ "two records of one entity", PERMIT,
	    "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"x\":1},"
	    "\"parents\":[]},{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{"
	    "\"x\":2},\"parents\":[]}]",
	    "[entity.duplicate]" },
	{ "its own ancestor", PERMIT,
	    "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{},\"parents\":["
	    "{\"type\":\"U\",\"id\":\"b\"}]},{\"uid\":{\"type\":\"U\",\"id\":"
	    "\"b\"},\"attrs\":{},\"parents\":[{\"type\":\"U\",\"id\":\"a\"}]}]",
	    "[entity.cycle]" },
};

START_TEST(all_or_nothing)
{
	const char *p = put("p.avow", refused[_i].policies);
	const char *e =
	    refused[_i].entities ? put("e.json", refused[_i].entities) : NULL;

	ck_assert_msg(load(p, e) == NULL, "%s: loaded", refused[_i].note);
	ck_assert_msg(said(refused[_i].code), "%s: %.*s", refused[_i].note,
	    STR_ARG(buf_str(&messages)));
}
END_TEST

START_TEST(what_is_not_there)
{
	const char *gone = str_printf(a, "%s/gone.avow", dir).p;

	ck_assert_ptr_null(load(gone, NULL));
	ck_assert(said("[file.read]"));
	buf_free(&messages);
	ck_assert_ptr_null(load(put("p.avow", PERMIT), gone));
	ck_assert(said("[file.read]"));
}
END_TEST

#define SCHEMA                                                                 \
	"entity G; entity U in G = {ip: ipaddr};\n"                            \
	"action all; action view in all appliesTo {principal: U, resource: "   \
	"G, "                                                                  \
	"context: {from?: ipaddr}};\n"
#define USER(attrs)                                                            \
	"[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":" attrs             \
	",\"parents\":[]}]"
#define ASK(action, context)                                                   \
	"{\"principal\":{\"type\":\"U\",\"id\":\"a\"},\"action\":{\"type\":"   \
	"\"Action\",\"id\":\"" action "\"},\"resource\":{\"type\":\"G\","      \
	"\"id\":\"g\"},\"context\":" context "}"

static struct engine_snapshot *
load_by(const char *schema, const char *policies, const char *entities)
{
	const struct engine_sources from = { .schema = schema,
		.policies = &policies,
		.entities = &entities,
		.n_policies = 1,
		.n_entities = 1 };

	return engine_load_from(&from, 0, &messages);
}

/* Data and requests are read by declared type; groups come from the schema. */
START_TEST(by_a_schema)
{
	struct engine_snapshot *s = load_by(put("s.cedarschema", SCHEMA),
	    put("p.cedar",
		"permit (principal, action in Action::\"all\", resource)\n"
		"when { principal.ip.isInRange(ip(\"10.0.0.0/8\")) &&\n"
		"    context.from.isLoopback() };\n"),
	    put("e.json", USER("{\"ip\":\"10.1.1.1\"}")));
	struct engine_request r;
	struct engine_answer answer;

	ck_assert_msg(s != NULL, "%.*s", STR_ARG(buf_str(&messages)));
	ck_assert_ptr_nonnull(engine_snapshot_schema(s));
	ck_assert(engine_request_from_json(
	    a, STR(ASK("view", "{\"from\":\"::1\"}")), "r", s, &r, NULL));
	engine_evaluate(s, &r, ERRORED_DENY_DENIES, a, &answer);
	ck_assert_int_eq(answer.effect, ENGINE_PERMIT);
	engine_snapshot_unref(s);
}
END_TEST

static const struct {
	struct str request;
	enum err_code code;
	const char *msg;
	bool is_misfit;
} misfits[] = {
	{ STR_INIT(ASK("veiw", "{}")), ERR_SCHEMA_REQUEST,
	    "`action`: the schema declares no action `Action::\"veiw\"`",
	    true },
	{ STR_INIT(ASK("all", "{}")), ERR_SCHEMA_REQUEST,
	    "`principal`: the action `Action::\"all\"` does not apply to `U` "
	    "as "
	    "principal",
	    true },
	{ STR_INIT(ASK("view", "{\"form\":1}")), ERR_SCHEMA_REQUEST,
	    "`context`: the schema declares no attribute `form` here", true },
	{ STR_INIT(ASK("view", "{\"from\":\"here\"}")), ERR_SCHEMA_REQUEST,
	    "`context.from`: `here` is no text that `ip` can read", true },
	{ STR_INIT(ASK("view", "{},\"entities\":" USER("{}"))),
	    ERR_SCHEMA_ENTITY, "`U::\"a\"`: the attribute `ip` is missing",
	    true },
	{ STR_INIT(ASK("view", "{},\"conext\":1")), ERR_JSON_SHAPE,
	    "unknown key `conext` in a request", false },
};

START_TEST(requests_that_the_schema_does_not_allow)
{
	struct engine_snapshot *s =
	    load_by(put("s.json", "{\"\":{\"entityTypes\":{\"G\":{},"
				  "\"U\":{\"shape\":{\"type\":\"Record\","
				  "\"attributes\":{\"ip\":{\"type\":"
				  "\"ipaddr\"}}}}},\"actions\":{\"all\":{"
				  "},\"view\":{\"memberOf\":[{\"id\":"
				  "\"all\"}],\"appliesTo\":{"
				  "\"principalTypes\":[\"U\"],"
				  "\"resourceTypes\":[\"G\"],\"context\":"
				  "{\"type\":\"Record\",\"attributes\":{"
				  "\"from\":{\"type\":\"ipaddr\","
				  "\"required\":false}}}}}}}}"),
		put("p.cedar", PERMIT), put("e.json", "[]"));
	struct error err = { 0 };
	struct engine_request r;

	ck_assert_msg(s != NULL, "%.*s", STR_ARG(buf_str(&messages)));
	ck_assert(!engine_request_from_json(
	    a, misfits[_i].request, "r", s, &r, &err));
	ck_assert_int_eq(err.code, misfits[_i].code);
	ck_assert_str_eq(err.msg, misfits[_i].msg);
	ck_assert_int_eq(engine_is_misfit(err.code), misfits[_i].is_misfit);
	engine_snapshot_unref(s);
}
END_TEST

START_TEST(schemas_and_data_that_do_not_fit)
{
	const char *p = put("p.cedar", PERMIT), *e = put("e.json", "[]");

	ck_assert_ptr_null(
	    load_by(put("s", "entity A = {x: Lng};\nentity"), p, e));
	ck_assert_msg(said("s:2:7: error: expected the name of an entity type"),
	    "%.*s", STR_ARG(buf_str(&messages)));
	buf_free(&messages);
	ck_assert_ptr_null(load_by(put("s", "entity A = {x: Lng};\n"), p, e));
	ck_assert_msg(said("hint: did you mean `Long`?"), "%.*s",
	    STR_ARG(buf_str(&messages)));
	buf_free(&messages);
	ck_assert_ptr_null(load_by("not-there", p, e));
	ck_assert(said("[file.read]"));
	buf_free(&messages);
	ck_assert_ptr_null(load_by(
	    put("s", SCHEMA), p, put("e.json", USER("{\"ip\":\"nowhere\"}"))));
	ck_assert_msg(said("`U::\"a\".ip`: `nowhere` is no text that `ip` can "
			   "read [schema.entity]"),
	    "%.*s", STR_ARG(buf_str(&messages)));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("load");
	TCase *tc = tcase_create("load");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_folder_in_byte_order);
	tcase_add_test(tc, entities_of_several_files);
	tcase_add_test(tc, every_error_of_every_file);
	tcase_add_loop_test(tc, all_or_nothing, 0, ARRAY_LEN(refused));
	tcase_add_test(tc, what_is_not_there);
	tcase_add_test(tc, by_a_schema);
	tcase_add_loop_test(
	    tc, requests_that_the_schema_does_not_allow, 0, ARRAY_LEN(misfits));
	tcase_add_test(tc, schemas_and_data_that_do_not_fit);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
