/* test_verify.c - reports: each level has all of the one before, and none of
 * them is a permit. */
#include "policy/claims_make.h"

#include "tests/unit/engine/fixture.h"

static struct arena *a;
static struct engine_snapshot *s;
static const struct engine_operation operation = {
	.program = "avow 9", .point = "gate", .parse_ns = 5, .load_ns = 7
};

#define POLICIES                                                               \
	"@id(\"p\") permit (principal, action, resource) when { "              \
	"principal.owner == \"acme\" && context.x > 3 };\n"                    \
	"@id(\"d\") forbid (principal, action, resource) when { "              \
	"resource.bad };"
#define WORLD(x)                                                               \
	"\"context\":{\"x\":" x "},\"entities\":["                             \
	"{\"uid\":{\"type\":\"U\",\"id\":\"u\"},\"attrs\":{\"owner\":"         \
	"\"acme\"},\"parents\":[]},{\"uid\":{\"type\":\"R\",\"id\":\"r\"},"    \
	"\"attrs\":{\"bad\":false},\"parents\":[]}]"

static void
setup(void)
{
	a = arena_new(0);
	s = fixture_snapshot(POLICIES, NULL);
}

static void
teardown(void)
{
	engine_snapshot_unref(s);
	arena_free(a);
}

static json_t *
report(const char *members, enum engine_level level,
    enum engine_effect *ret_effect)
{
	struct engine_request r =
	    fixture_request(a, s, fixture_ask(a, "u", members));
	json_t *json = engine_verify(
	    s, &r, NULL, ERRORED_DENY_DENIES, level, &operation, a, ret_effect);

	ck_assert_ptr_nonnull(json);
	return json;
}

/* ---- levels ---------------------------------------------------------------
 */

static const struct {
	const char *name;
	enum engine_level level;
	const char *keys; /* what this level adds, each with a space behind */
} levels[] = {
	{ "low", LEVEL_LOW,
	    "mode level request decision code reasons errors policies " },
	{ "medium", LEVEL_MEDIUM, "considered " },
	{ "high", LEVEL_HIGH, "data " },
	{ "veryhigh", LEVEL_VERYHIGH, "operation " },
};

static const char *
keys_of(const json_t *json)
{
	struct buf b = { 0 };
	const char *key, *copy;
	json_t *v;

	json_object_foreach ((json_t *)(uintptr_t)json, key, v)
		buf_printf(&b, "%s ", key);
	copy = str_dup(a, buf_str(&b)).p;
	buf_free(&b);
	return copy;
}

START_TEST(levels_have_names)
{
	static const char *const none[] = { "", "lowest", "Low", "very-high",
		"high " };
	enum engine_level level;

	for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
		ck_assert(engine_level_of(str_of(levels[i].name), &level));
		ck_assert_int_eq(level, levels[i].level);
	}
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		ck_assert(!engine_level_of(str_of(none[i]), &level));
}
END_TEST

START_TEST(each_level_has_all_of_the_one_before)
{
	struct buf want = { 0 };
	json_t *before = NULL;

	for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
		enum engine_effect effect;
		json_t *json = report(WORLD("4"), levels[i].level, &effect);

		ck_member_is(json, "mode", "verification");
		ck_member_is(json, "level", levels[i].name);
		buf_addz(&want, levels[i].keys);
		ck_str_is(buf_str(&want), keys_of(json));
		/* What stands in both is the same. */
		if (before) {
			json_object_del(before, "level");
			json_object_update(before, json);
			ck_assert(json_equal(before, json));
		}
		json_decref(before);
		before = json;
	}
	json_decref(before);
	buf_free(&want);
}
END_TEST

/* The decision is the one that a live request gets. */
START_TEST(the_same_decision)
{
	static const char *const worlds[] = { WORLD("4"), WORLD("3"), "" };

	for (size_t w = 0; w < ARRAY_LEN(worlds); w++)
		for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
			struct engine_request r = fixture_request(
			    a, s, fixture_ask(a, "u", worlds[w]));
			struct engine_answer live;
			enum engine_effect effect;
			json_t *json =
			    report(worlds[w], levels[i].level, &effect);
			json_t *want;

			engine_evaluate(s, &r, ERRORED_DENY_DENIES, a, &live);
			want = engine_answer_to_json(&live);
			ck_assert_int_eq(effect, live.effect);
			ck_assert_int_eq(json_object_update(want, json), 0);
			ck_assert(json_equal(want, json));
			json_decref(want);
			json_decref(json);
		}
}
END_TEST

START_TEST(operation_is_told)
{
	enum engine_effect effect;
	json_t *json = report(WORLD("4"), LEVEL_VERYHIGH, &effect);
	const json_t *o = json_object_get(json, "operation");

	ck_str_is(str_of(keys_of(o)),
	    "program point policies rules timingsNs cache ");
	ck_member_is(o, "program", "avow 9");
	ck_member_is(o, "point", "gate");
	ck_member_is(o, "policies.loadedAt", "1970-01-01T00:00:01Z");
	ck_assert_int_eq(
	    json_integer_value(fixture_member(o, "policies.files")), 1);
	ck_assert_int_eq(json_integer_value(fixture_member(o, "rules")), 2);
	ck_assert_int_eq(
	    json_integer_value(fixture_member(o, "timingsNs.load")), 7);
	ck_assert_int_eq(
	    json_integer_value(fixture_member(o, "timingsNs.parse")), 5);
	ck_assert(json_is_integer(fixture_member(o, "timingsNs.decide")));
	ck_assert(json_is_null(fixture_member(o, "cache")));
	json_decref(json);
}
END_TEST

/* ---- data -----------------------------------------------------------------
 */

static const json_t *
datum(const json_t *report, const char *name)
{
	size_t i;
	json_t *d;

	json_array_foreach (json_object_get(report, "data"), i, d)
		if (strcmp(json_string_value(json_object_get(d, "name")),
			name) == 0)
			return d;
	return NULL;
}

START_TEST(data_of_a_request)
{
	enum engine_effect effect;
	json_t *json = report(WORLD("4"), LEVEL_HIGH, &effect);
	const json_t *x = datum(json, "context.x");
	const json_t *owner = datum(json, "principal.owner");

	ck_str_is(str_of(keys_of(x)), "name value kind from freshUntil ");
	ck_member_is(x, "value", "4");
	ck_member_is(x, "kind", "context");
	ck_member_is(x, "from", "request");
	ck_member_is(owner, "kind", "entity");
	ck_member_is(owner, "from", "request");
	ck_member_is(datum(json, "resource.bad"), "value", "false");
	json_decref(json);
}
END_TEST

static const struct claims *
claims_that_expire(void)
{
	const struct claims_init init = { .kind = STR("avow"),
		.issuer = STR("acme"),
		.key_id = STR("thumb"),
		.document_id = STR("00ff"),
		.subject = STR("i-1"),
		.owner = STR("acme"),
		.has_expires_at = true,
		.expires_at = 2000 };
	const struct claims *c = NULL;
	struct error err = { 0 };

	ck_assert_msg(claims_make(a, &init, &c, &err), "%s", err.msg);
	return c;
}

/* Only what somebody signed is called claims. */
START_TEST(data_of_claims)
{
	const struct claims *claims = claims_that_expire();
	const struct engine_gated *g = NULL;
	struct entity r = { .uid = { STR("R"), STR("r") }, .from = "request" };
	struct value_field *x = ARENA_NEW(a, struct value_field);
	struct value context;
	struct str dup;
	enum engine_effect effect;
	json_t *json;

	*x = (struct value_field){ STR("x"), value_long(4) };
	ck_assert(value_record_take(x, 1, &context, &dup));
	x = ARENA_NEW(a, struct value_field);
	*x = (struct value_field){ STR("bad"), value_bool(false) };
	ck_assert(value_record_take(x, 1, &r.attrs, &dup) &&
		  value_record_take(NULL, 0, &r.tags, &dup));
	ck_assert(engine_gated_make(a, s, claims,
	    (struct uid){ STR("Action"), STR("act") }, &r, context, &g, NULL));
	json = engine_verify(s, engine_gated_request(g), claims,
	    ERRORED_DENY_DENIES, LEVEL_HIGH, &operation, a, &effect);
	ck_member_is(datum(json, "principal.owner"), "kind", "claims");
	ck_member_is(datum(json, "principal.owner"), "from", "00ff");
	ck_member_is(datum(json, "principal.owner"), "freshUntil",
	    "1970-01-01T00:33:20Z");
	ck_member_is(datum(json, "context.x"), "from", "gate");
	ck_member_is(datum(json, "resource.bad"), "kind", "entity");
	ck_member_is(json, "decision", "permit");
	json_decref(json);
}
END_TEST

/* ---- refusals -------------------------------------------------------------
 */

START_TEST(a_refusal_is_a_report)
{
	for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
		struct error why = { 0 };
		json_t *json;

		(void)error_set(
		    &why, ERR_EVIDENCE_EXPIRED, SPAN_NONE, "too late");
		json = engine_verify_refused(s, &why, levels[i].level, NULL);
		ck_member_is(json, "mode", "verification");
		ck_member_is(json, "level", levels[i].name);
		ck_member_is(json, "decision", "deny");
		ck_member_is(json, "code", "evidence.expired");
		ck_member_is(json, "message", "too late");
		ck_assert(json_is_null(json_object_get(json, "request")));
		ck_assert_int_eq(
		    json_is_array(json_object_get(json, "considered")),
		    levels[i].level >= LEVEL_MEDIUM);
		ck_assert_int_eq(json_is_array(json_object_get(json, "data")),
		    levels[i].level >= LEVEL_HIGH);
		json_decref(json);
	}
}
END_TEST

START_TEST(a_refusal_is_no_permit)
{
	struct error none = { 0 }, permit = { .code = ERR_PERMIT };
	json_t *json = engine_verify_refused(s, &none, LEVEL_LOW, NULL);

	ck_member_is(json, "decision", "deny");
	ck_member_is(json, "code", "system.error");
	json_decref(json);
	json = engine_verify_refused(s, &permit, LEVEL_LOW, NULL);
	ck_member_is(json, "decision", "deny");
	ck_member_is(json, "code", "system.error");
	json_decref(json);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("verify");
	TCase *tc = tcase_create("verify");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, levels_have_names);
	tcase_add_test(tc, each_level_has_all_of_the_one_before);
	tcase_add_test(tc, the_same_decision);
	tcase_add_test(tc, operation_is_told);
	tcase_add_test(tc, data_of_a_request);
	tcase_add_test(tc, data_of_claims);
	tcase_add_test(tc, a_refusal_is_a_report);
	tcase_add_test(tc, a_refusal_is_no_permit);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
