/* test_value_json.c - Cedar's JSON values: what is read as what, and refused.
 */
#include "policy/value_json.h"

#include "tests/lib/run.h"

#include "base/limits.h"

static struct arena *a;

static void
setup(void)
{
	a = arena_new(0);
}

static void
teardown(void)
{
	arena_free(a);
}

static json_t *
parse(const char *text)
{
	struct error err = { 0 };
	json_t *json;

	ck_assert_msg(json_parse(str_of(text), "t", 1u << 20,
			  LIMIT_DATA_FILE_DEPTH, JSON_DATA_FILE, &json, &err),
	    "%s: %s", text, err.msg);
	return json;
}

#define EXTN(fn, arg) "{\"__extn\": {\"fn\": \"" fn "\", \"arg\": \"" arg "\"}}"

static const struct {
	const char *json, *want;
} reads[] = {
	{ "-0", "0" },
	{ "{\"__entity\": {\"type\": \"A\", \"id\": \"\"}}", "A::\"\"" },
	{ "{\"__entity\": {\"type\": \"A\", \"id\": \"\", \"x\": 1}}",
	    "A::\"\"" },
	/* A sibling, or another shape: an ordinary record. */
	{ "{\"__entity\": {\"type\": \"A\", \"id\": \"\"}, \"x\": 1}",
	    "{\"__entity\": {\"id\": \"\", \"type\": \"A\"}, \"x\": 1}" },
	{ "{\"__entity\": {\"type\": \"A\"}}",
	    "{\"__entity\": {\"type\": \"A\"}}" },
	{ "{\"__entity\": {\"type\": \"A\", \"id\": 1}}",
	    "{\"__entity\": {\"id\": 1, \"type\": \"A\"}}" },
	{ "{\"__entity\": \"A::b\"}", "{\"__entity\": \"A::b\"}" },
	{ "{\"type\": \"A\", \"id\": \"\"}",
	    "{\"id\": \"\", \"type\": \"A\"}" },
	{ EXTN("ip", "::1"), "ip(\"::1\")" },
	{ "{\"__extn\": {\"fn\": \"ip\", \"args\": [\"::1\"]}}",
	    "ip(\"::1\")" },
	{ "{\"__extn\": {\"fn\": \"ip\"}}", "{\"__extn\": {\"fn\": \"ip\"}}" },
	{ "{\"__extn\": {\"fn\": 1, \"arg\": 2}}",
	    "{\"__extn\": {\"arg\": 2, \"fn\": 1}}" },
	{ "{\"__extn\": {\"fn\": \"ip\", \"arg\": \"::1\"}, \"x\": []}",
	    "{\"__extn\": {\"arg\": \"::1\", \"fn\": \"ip\"}, \"x\": []}" },
	{ "{\"__extn\": {\"fn\": \"offset\", \"args\": [" EXTN(
	      "datetime", "1970-01-01") ", " EXTN("duration", "1d") "]}}",
	    "datetime(\"1970-01-02T00:00:00Z\")" },
	{ "{\"__extn\": {\"fn\": \"isIpv4\", \"arg\": " EXTN("ip", "::1") "}}",
	    "false" },
	{ EXTN("version", "1.2-rc.1"), "version(\"1.2-rc.1\")" },
	{ "[" EXTN("version", "1.0") ", " EXTN("version", "1") "]",
	    "[version(\"1\")]" }, /* one of the two */
	{ "[" EXTN("rpmversion", "1.0") ", " EXTN("debversion", "1") "]",
	    "[debversion(\"1\"), rpmversion(\"1.0\")]" },
	{ "{\"__expr\": 1}", "{\"__expr\": 1}" },
	{ "{\"\": {\"a b\": [true, {}]}}", "{\"\": {\"a b\": [true, {}]}}" },
};

START_TEST(value_json_reads)
{
	json_t *json = parse(reads[_i].json);
	struct error err = { 0 };
	struct buf b = { 0 };
	struct value v;

	ck_assert_msg(value_from_json(a, json, "x", &v, &err), "%s: %s",
	    reads[_i].json, err.msg);
	json_decref(json); /* strings are our own */
	value_print(&b, &v);
	ck_str_is(buf_str(&b), reads[_i].want);
	buf_free(&b);
}
END_TEST

static const struct {
	const char *json;
	enum err_code code;
	const char *msg;
} refusals[] = {
	{ "null", ERR_JSON_SHAPE, "`x`: `null` is no value" },
	{ "[1, null]", ERR_JSON_SHAPE, "`x[1]`: `null` is no value" },
	{ "{\"a\": {\"b\": [null]}}", ERR_JSON_SHAPE,
	    "`x.a.b[0]`: `null` is no value" },
	{ "1.0", ERR_JSON_SHAPE,
	    "`x`: numbers are whole and written as such, found a real" },
	{ "1e3", ERR_JSON_SHAPE,
	    "`x`: numbers are whole and written as such, found a real" },
	{ "{\"__entity\": {\"type\": \"A b\", \"id\": \"\"}}", ERR_JSON_SHAPE,
	    "`x`: `A b` is no entity type" },
	{ "{\"__entity\": {\"type\": \"\", \"id\": \"\"}}", ERR_JSON_SHAPE,
	    "`x`: `` is no entity type" },
	{ "{\"__expr\": \"1\"}", ERR_JSON_SHAPE,
	    "`x`: `__expr` is not supported; use `__entity` or `__extn`" },
	{ "{\"q\": " EXTN("ip", "1.2") "}", ERR_EVAL_EXTENSION,
	    "`x.q`: `1.2` is no text that `ip` can read" },
	{ EXTN("version", "1.x"), ERR_EVAL_EXTENSION,
	    "`x`: `1.x` is no text that `version` can read" },
	{ EXTN("nope", "1.2"), ERR_NAME_FUNCTION,
	    "`x`: no extension function is called `nope`" },
	{ EXTN("contains", "1.2"), ERR_NAME_FUNCTION,
	    "`x`: no extension function is called `contains`" },
	{ "{\"__extn\": {\"fn\": \"ip\", \"arg\": null}}", ERR_JSON_SHAPE,
	    "`x.arg`: `null` is no value" },
	{ "{\"__extn\": {\"fn\": \"ip\", \"args\": []}}", ERR_EVAL_ARITY,
	    "`x`: `ip` takes 1 arguments, found 0" },
	{ "{\"__extn\": {\"fn\": \"ip\", \"arg\": 1}}", ERR_EVAL_TYPE,
	    "`x`: `ip` needs a string, found long" },
	{ "{\"__extn\": {\"fn\": \"unknown\", \"arg\": \"q\"}}",
	    ERR_EVAL_EXTENSION, "`x`: `unknown` has no value here" },
};

START_TEST(value_json_refuses)
{
	json_t *json = parse(refusals[_i].json);
	struct error err = { 0 };
	struct value v = { 0 };

	ck_assert_msg(
	    !value_from_json(a, json, "x", &v, &err), "%s", refusals[_i].json);
	ck_assert_int_eq(err.code, refusals[_i].code);
	ck_assert_str_eq(err.msg, refusals[_i].msg);
	ck_assert_int_eq(v.kind, VALUE_NONE);
	json_decref(json);
}
END_TEST

START_TEST(value_json_bounds_depth)
{
	json_t *json = json_integer(1);
	struct error err = { 0 };
	struct value v;

	for (unsigned i = 0; i < LIMIT_DATA_FILE_DEPTH; i++) {
		json_t *list = json_array();

		json_array_append_new(list, json);
		json = list;
	}
	ck_assert(value_from_json(a, json, "x", &v, &err));
	for (unsigned i = 0; i < 10; i++) {
		json_t *object = json_object();

		json_object_set_new(object, "k", json);
		json = object;
	}
	ck_assert(!value_from_json(a, json, "x", &v, &err));
	ck_assert_int_eq(err.code, ERR_LIMIT_DEPTH);
	json_decref(json);
}
END_TEST

/* What is read, written and read again is the same value and the same text. */
START_TEST(value_json_round_trip)
{
	json_t *json = parse(reads[_i].json), *again;
	struct value v, w;
	struct buf text = { 0 };

	ck_assert(value_from_json(a, json, "x", &v, NULL));
	again = value_to_json(&v);
	ck_assert_ptr_nonnull(again);
	ck_assert(json_write(&text, again));
	json_decref(again);
	buf_byte(&text, '\0');
	again = parse(text.p);
	ck_assert_msg(value_from_json(a, again, "x", &w, NULL), "%s", text.p);
	ck_assert_msg(value_eq(&v, &w), "%s", text.p);
	json_decref(json);
	json_decref(again);
	buf_free(&text);
}
END_TEST

START_TEST(value_json_writes_times_beyond_text)
{
	struct value v = value_datetime(a, INT64_MIN), w;
	json_t *json = value_to_json(&v);

	ck_assert(value_from_json(a, json, "x", &w, NULL));
	ck_assert(value_eq(&v, &w));
	json_decref(json);
}
END_TEST

static const struct {
	const char *json, *want; /* NULL: refused */
} uids[] = {
	{ "{\"type\": \"A\", \"id\": \"b\"}", "A::\"b\"" },
	{ "{\"type\": \"A\", \"id\": \"b\", \"c\": 1}", "A::\"b\"" },
	{ "{\"__entity\": {\"type\": \"A\", \"id\": \"b\"}}", "A::\"b\"" },
	{ "{\"type\": \"A\", \"id\": \"\\u0000\"}", "A::\"\\0\"" },
	{ "\"A::b\"", NULL },
	{ "{\"type\": \"A\"}", NULL },
	{ "{\"type\": \"A\", \"id\": null}", NULL },
	{ "{\"type\": \"A::\", \"id\": \"b\"}", NULL },
	{ "{\"type\": \"A B\", \"id\": \"b\"}", NULL },
	{ "{\"type\": \"A\\u0000\", \"id\": \"b\"}", NULL },
	{ "null", NULL },
	{ "[]", NULL },
};

START_TEST(value_json_reads_uids)
{
	json_t *json = parse(uids[_i].json);
	struct error err = { 0 };
	struct buf b = { 0 };
	struct uid uid;
	bool ok = value_uid_from_json(a, json, "principal", &uid, &err);

	json_decref(json);
	ck_assert_msg(ok == (uids[_i].want != NULL), "%s", uids[_i].json);
	ck_assert_int_eq(err.code, ok ? ERR_NONE : ERR_JSON_SHAPE);
	if (!ok)
		return;
	value_print_uid(&b, uid);
	ck_str_is(buf_str(&b), uids[_i].want);
	buf_free(&b);
	json = value_uid_to_json(uid);
	ck_assert_str_eq(json_string_value(json_object_get(json, "type")), "A");
	json_decref(json);
}
END_TEST

/* Attributes of an entity are a record whatever they are called. */
START_TEST(value_json_fields_know_no_escape)
{
	json_t *json =
	    parse("{\"__entity\": {\"type\": \"A\", \"id\": \"b\"}}");
	struct value v;

	ck_assert(value_fields_from_json(a, json, "x", &v, NULL));
	ck_assert_int_eq(v.kind, VALUE_RECORD);
	ck_assert_int_eq(value_get(&v, STR("__entity"))->kind, VALUE_RECORD);
	json_decref(json);
	json = parse("[]");
	ck_assert(!value_fields_from_json(a, json, "x", &v, NULL));
	json_decref(json);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("value_json");
	TCase *tc = tcase_create("value_json");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, value_json_reads, 0, ARRAY_LEN(reads));
	tcase_add_loop_test(tc, value_json_refuses, 0, ARRAY_LEN(refusals));
	tcase_add_test(tc, value_json_bounds_depth);
	tcase_add_loop_test(tc, value_json_round_trip, 0, ARRAY_LEN(reads));
	tcase_add_test(tc, value_json_writes_times_beyond_text);
	tcase_add_loop_test(tc, value_json_reads_uids, 0, ARRAY_LEN(uids));
	tcase_add_test(tc, value_json_fields_know_no_escape);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
