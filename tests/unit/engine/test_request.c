/* test_request.c - requests as data: what is read, what is refused and where,
 * and back to JSON. */
#include "policy/claims_make.h"

#include "tests/lib/entities.h"
#include "tests/unit/engine/fixture.h"

static struct arena *a;
static struct engine_snapshot *s;

/* What is loaded knows a group of U::"a", and attributes of U::"b". */
static void
setup(void)
{
	a = arena_new(0);
	s = fixture_snapshot("permit (principal, action, resource);",
	    "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{},\"parents\":"
	    "[{\"type\":\"G\",\"id\":\"g\"}]},"
	    "{\"uid\":{\"type\":\"Instance\",\"id\":\"i-1\"},\"attrs\":{},"
	    "\"parents\":[{\"type\":\"G\",\"id\":\"g\"}]},"
	    "{\"uid\":{\"type\":\"Instance\",\"id\":\"i-2\"},\"attrs\":{"
	    "\"owner\":\"me\"},\"parents\":[]},"
	    "{\"uid\":{\"type\":\"U\",\"id\":\"b\"},\"attrs\":{\"root\":true},"
	    "\"parents\":[]}]");
}

static void
teardown(void)
{
	engine_snapshot_unref(s);
	arena_free(a);
}

#define P "\"principal\":{\"type\":\"U\",\"id\":\"a\"}"
#define A "\"action\":{\"type\":\"Action\",\"id\":\"act\"}"
#define R "\"resource\":{\"type\":\"R\",\"id\":\"r\"}"
#define PAR P "," A "," R
#define ENTITY(id, attrs)                                                      \
	"{\"uid\":{\"type\":\"U\",\"id\":\"" id "\"},\"attrs\":" attrs         \
	",\"parents\":[]}"

static const struct {
	const char *note, *json;
	enum err_code want;
} refused[] = {
	{ "nothing", "", ERR_JSON_SYNTAX },
	{ "half of it", "{" PAR, ERR_JSON_SYNTAX },
	{ "more behind it", "{" PAR "} {}", ERR_JSON_SYNTAX },
	{ "an array", "[]", ERR_JSON_SHAPE },
	{ "null", "null", ERR_JSON_SHAPE },
	{ "no principal", "{" A "," R "}", ERR_JSON_SHAPE },
	{ "no action", "{" P "," R "}", ERR_JSON_SHAPE },
	{ "no resource", "{" P "," A "}", ERR_JSON_SHAPE },
	{ "an unknown key", "{" PAR ",\"conext\":{}}", ERR_JSON_SHAPE },
	{ "a key in other case", "{" PAR ",\"Context\":{}}", ERR_JSON_SHAPE },
	{ "principal twice", "{" P "," PAR "}", ERR_JSON_DUPLICATE },
	{ "context twice", "{" PAR ",\"context\":{},\"context\":{}}",
	    ERR_JSON_DUPLICATE },
	{ "a key of the context twice",
	    "{" PAR ",\"context\":{\"a\":1,\"a\":2}}", ERR_JSON_DUPLICATE },
	{ "the same key by an escape",
	    "{" PAR ",\"context\":{\"a\":1,\"\\u0061\":2}}",
	    ERR_JSON_DUPLICATE },
	{ "NUL in a key", "{" PAR ",\"context\":{\"a\\u0000b\":1}}",
	    ERR_JSON_NUL_KEY },
	{ "NUL in a key of the request", "{" PAR ",\"context\\u0000\":{}}",
	    ERR_JSON_NUL_KEY },
	{ "context is text", "{" PAR ",\"context\":\"x\"}", ERR_JSON_SHAPE },
	{ "context is null", "{" PAR ",\"context\":null}", ERR_JSON_SHAPE },
	{ "context is an entity",
	    "{" PAR
	    ",\"context\":{\"__entity\":{\"type\":\"U\",\"id\":\"a\"}}}",
	    ERR_JSON_SHAPE },
	{ "a real number", "{" PAR ",\"context\":{\"a\":1.5}}",
	    ERR_JSON_SHAPE },
	{ "an exponent", "{" PAR ",\"context\":{\"a\":1e3}}", ERR_JSON_SHAPE },
	{ "over 64 bits", "{" PAR ",\"context\":{\"a\":9223372036854775808}}",
	    ERR_JSON_SYNTAX },
	{ "null inside", "{" PAR ",\"context\":{\"a\":null}}", ERR_JSON_SHAPE },
	{ "entities are an object", "{" PAR ",\"entities\":{}}",
	    ERR_JSON_SHAPE },
	{ "entities are null", "{" PAR ",\"entities\":null}", ERR_JSON_SHAPE },
	{ "two records that differ",
	    "{" PAR ",\"entities\":[" ENTITY("c", "{\"x\":1}") "," ENTITY(
		"c", "{\"x\":2}") "]}",
	    ERR_ENTITY_DUPLICATE },
	{ "attributes of what is loaded with others",
	    "{" PAR ",\"entities\":[" ENTITY("b", "{\"root\":false}") "]}",
	    ERR_ENTITY_CLASH },
	{ "loaded attributes that the request does not have",
	    "{" PAR ",\"entities\":[" ENTITY("b", "{}") "]}",
	    ERR_ENTITY_CLASH },
	{ "a principal without id",
	    "{\"principal\":{\"type\":\"U\"}," A "," R "}", ERR_JSON_SHAPE },
	{ "a principal as text", "{\"principal\":\"U::\\\"a\\\"\"," A "," R "}",
	    ERR_JSON_SHAPE },
	{ "a type that is none",
	    "{\"principal\":{\"type\":\"not a name\",\"id\":\"a\"}," A "," R
	    "}",
	    ERR_JSON_SHAPE },
	{ "an empty type",
	    "{\"principal\":{\"type\":\"\",\"id\":\"a\"}," A "," R "}",
	    ERR_JSON_SHAPE },
	{ "bytes that are no UTF-8", "{" PAR ",\"context\":{\"a\":\"\xff\"}}",
	    ERR_JSON_SYNTAX },
	{ "an extension that is none",
	    "{" PAR ",\"context\":{\"a\":{\"__extn\":{\"fn\":\"ip\",\"arg\":"
	    "\"x\"}}}}",
	    ERR_EVAL_EXTENSION },
	{ "a log line that asked nothing", "{\"v\":1,\"request\":null}",
	    ERR_JSON_SHAPE },
	{ "a log line whose request has an unknown key",
	    "{\"v\":1,\"request\":{" PAR ",\"x\":1}}", ERR_JSON_SHAPE },
	{ "a log line of another version", "{\"v\":2,\"request\":{" PAR "}}",
	    ERR_JSON_SHAPE },
	{ "a log line with a principal of its own",
	    "{\"v\":1,\"request\":{" PAR "}," P "}", ERR_JSON_SHAPE },
	{ "a request inside that is no log line", "{\"request\":{" PAR "}}",
	    ERR_JSON_SHAPE },
	{ "a version without a request", "{\"v\":1," PAR "}", ERR_JSON_SHAPE },
};

START_TEST(is_refused)
{
	struct engine_request r = { .principal = {
					STR("untouched"), STR("") } };
	struct error err = { 0 };

	ck_assert_msg(!engine_request_from_json(
			  a, str_of(refused[_i].json), "r.json", s, &r, &err),
	    "%s: read", refused[_i].note);
	ck_assert_msg(err.code == refused[_i].want, "%s: got %s (%s), want %s",
	    refused[_i].note, error_id(err.code), err.msg,
	    error_id(refused[_i].want));
	ck_assert_msg(err.at.file != NULL, "%s: no file", refused[_i].note);
	ck_str_is(r.principal.type, "untouched");
}
END_TEST

START_TEST(depth_is_limited)
{
	struct buf b = { 0 };
	struct engine_request r;
	struct error err = { 0 };

	buf_addz(&b, "{" PAR ",\"context\":{\"a\":");
	for (int i = 0; i < 600; i++)
		buf_byte(&b, '[');
	for (int i = 0; i < 600; i++)
		buf_byte(&b, ']');
	buf_addz(&b, "}}");
	ck_assert(
	    !engine_request_from_json(a, buf_str(&b), "r.json", s, &r, &err));
	ck_assert_str_eq(error_id(err.code), "limit.depth");
	buf_free(&b);
}
END_TEST

START_TEST(memory_is_limited)
{
	struct arena *small = arena_new(4096);
	struct buf b = { 0 };
	struct engine_request r;
	struct error err = { 0 };

	buf_addz(&b, "{" PAR ",\"context\":{\"a\":[0");
	for (int i = 1; i < 2000; i++)
		buf_printf(&b, ",%d", i);
	buf_addz(&b, "]}}");
	ck_assert(!engine_request_from_json(
	    small, buf_str(&b), "r.json", s, &r, &err));
	ck_assert_str_eq(error_id(err.code), "limit.memory");
	buf_free(&b);
	arena_free(small);
}
END_TEST

START_TEST(context_and_entities_may_be_missing)
{
	struct engine_request r = fixture_request(a, s, "{" PAR "}");

	ck_str_is(r.principal.type, "U");
	ck_str_is(r.action.id, "act");
	ck_str_is(r.resource.id, "r");
	ck_assert_int_eq(r.context.kind, VALUE_RECORD);
	ck_assert_uint_eq(r.context.record.n, 0);
	ck_assert_uint_eq(entities_count(r.entities), 0);
	/* What is loaded is seen through the request's layer. */
	ck_assert(entities_in(
	    r.entities, r.principal, (struct uid){ STR("G"), STR("g") }));
}
END_TEST

START_TEST(nul_in_values_is_kept)
{
	struct engine_request r = fixture_request(a, s,
	    "{\"principal\":{\"type\":\"U\",\"id\":\"a\\u0000b\"}," A "," R
	    ",\"context\":{\"k\":\"x\\u0000y\"}}");

	ck_assert_uint_eq(r.principal.id.n, 3);
	ck_assert_uint_eq(value_get(&r.context, STR("k"))->string.n, 3);
	ck_assert_str_eq(fixture_text(a, engine_request_to_json(&r)),
	    "{\"principal\":{\"type\":\"U\",\"id\":\"a\\u0000b\"}," A "," R
	    ",\"context\":{\"k\":\"x\\u0000y\"},\"entities\":[]}");
}
END_TEST

static const char *const round_trips[] = {
	"{" PAR ",\"context\":{},\"entities\":[]}",
	"{" PAR
	",\"context\":{\"a\":1,\"b\":[1,2],\"c\":{\"d\":true},\"e\":\"x\","
	"\"f\":{\"__entity\":{\"type\":\"U\",\"id\":\"a\"}},"
	"\"g\":{\"__extn\":{\"fn\":\"ip\",\"arg\":\"10.0.0.1\"}}},"
	"\"entities\":[]}",
	"{" PAR ",\"context\":{},\"entities\":[{\"uid\":{\"type\":\"U\",\"id\":"
	"\"z\"},\"attrs\":{\"x\":-1},\"parents\":[{\"type\":\"G\",\"id\":\"g\"}"
	"]}]}",
};

static const char *
back(const char *json)
{
	struct engine_request r = fixture_request(a, s, json);

	return fixture_text(a, engine_request_to_json(&r));
}

START_TEST(there_and_back)
{
	const char *once = back(round_trips[_i]);

	ck_assert_str_eq(back(once), once);
	/* As the whole of the log line that would carry it. */
	ck_assert_str_eq(
	    back(
		str_printf(a, "{\"v\":1,\"id\":\"x\",\"request\":%s}", once).p),
	    once);
}
END_TEST

START_TEST(what_was_written_is_what_is_written)
{
	ck_assert_str_eq(back(round_trips[0]), round_trips[0]);
	ck_assert_str_eq(back(round_trips[1]), round_trips[1]);
}
END_TEST

/* ---- a gate's request -----------------------------------------------------
 */

static const struct claims *
claims_of(const char *subject)
{
	const struct claims_init init = { .kind = STR("avow"),
		.issuer = STR("acme"),
		.key_id = STR("thumb"),
		.document_id = STR("00ff"),
		.subject = str_of(subject),
		.owner = STR("acme") };
	const struct claims *c = NULL;
	struct error err = { 0 };

	ck_assert_msg(claims_make(a, &init, &c, &err), "%s", err.msg);
	return c;
}

static struct entity
bare(const char *type, const char *id)
{
	struct entity e = { .uid = { str_of(type), str_of(id) },
		.from = "request" };
	struct str dup;

	ck_assert(value_record_take(NULL, 0, &e.attrs, &dup));
	ck_assert(value_record_take(NULL, 0, &e.tags, &dup));
	return e;
}

static bool
make(const char *subject, const struct entity *resource,
    const struct engine_gated **ret, struct error *reterr)
{
	struct value context;
	struct str dup;

	ck_assert(value_record_take(NULL, 0, &context, &dup));
	return engine_gated_make(a, s, claims_of(subject),
	    (struct uid){ STR("Action"), STR("act") }, resource, context, ret,
	    reterr);
}

START_TEST(a_principal_comes_from_claims)
{
	const struct engine_gated *g = NULL;
	struct entity package = bare("Package", "p");
	struct error err = { 0 };
	const struct engine_request *r;
	const struct entity *e;

	ck_assert_msg(make("i-1", &package, &g, &err), "%s", err.msg);
	r = engine_gated_request(g);
	ck_str_is(r->principal.type, "Instance");
	ck_str_is(r->principal.id, "i-1");
	ck_str_is(claims_subject(engine_gated_claims(g)), "i-1");
	e = record_of(r->entities, r->principal);
	ck_assert_ptr_nonnull(value_get(&e->attrs, STR("owner")));
	/* Loaded data may add a parent. */
	ck_assert(entities_in(
	    r->entities, r->principal, (struct uid){ STR("G"), STR("g") }));
}
END_TEST

/* What is loaded may not speak of an instance's attributes, not even with the
 * same value. */
START_TEST(loaded_attributes_clash_with_claims)
{
	const struct engine_gated *g = NULL;
	struct entity package = bare("Package", "p");
	struct error err = { 0 };

	ck_assert(!make("i-2", &package, &g, &err));
	ck_assert_str_eq(error_id(err.code), "entity.clash");
	ck_assert_ptr_null(g);
}
END_TEST

START_TEST(loaded_attributes_clash_with_the_resource)
{
	const struct engine_gated *g = NULL;
	struct entity b = bare("U", "b");
	struct error err = { 0 };

	ck_assert(!make("i-1", &b, &g, &err));
	ck_assert_str_eq(error_id(err.code), "entity.clash");
}
END_TEST

/* A resource that is the principal would bring attributes nobody signed. */
START_TEST(the_resource_cannot_be_the_principal)
{
	const struct engine_gated *g = NULL;
	struct entity self = bare("Instance", "i-1");
	struct error err = { 0 };

	ck_assert(!make("i-1", &self, &g, &err));
	ck_assert_str_eq(error_id(err.code), "entity.duplicate");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("request");
	TCase *tc = tcase_create("request");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, is_refused, 0, ARRAY_LEN(refused));
	tcase_add_test(tc, depth_is_limited);
	tcase_add_test(tc, memory_is_limited);
	tcase_add_test(tc, context_and_entities_may_be_missing);
	tcase_add_test(tc, nul_in_values_is_kept);
	tcase_add_loop_test(tc, there_and_back, 0, ARRAY_LEN(round_trips));
	tcase_add_test(tc, what_was_written_is_what_is_written);
	tcase_add_test(tc, a_principal_comes_from_claims);
	tcase_add_test(tc, loaded_attributes_clash_with_claims);
	tcase_add_test(tc, loaded_attributes_clash_with_the_resource);
	tcase_add_test(tc, the_resource_cannot_be_the_principal);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
