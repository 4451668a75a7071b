/* What is written as JSON: as Cedar's own converter has it for text, as it was
 * for JSON; and that it says the same when it is read again. */
#include <stdio.h>

#include "policy/set.h"
#include "tests/lib/run.h"

#define WHEN(text) "permit (principal, action, resource) when { " text " };"

static json_t *
to_json(const struct policy_set *set)
{
	struct errors e = { 0 };
	json_t *json = NULL;

	ck_assert_msg(policy_set_to_json(set, &json, &e), "%s", e.e[0].msg);
	return json;
}

static struct policy_set *
load_text(const char *text)
{
	struct policy_set *set = policy_set_new(POLICY_BY_POSITION);
	struct errors e = { 0 };

	ck_assert_msg(
	    policy_set_add_text(set, "f", str_of(text), POLICY_AVOW, &e) &&
		policy_set_finish(set, &e),
	    "%s: %s", text, e.e[0].msg);
	return set;
}

static struct policy_set *
load_json(struct str text)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct errors e = { 0 };

	ck_assert_msg(policy_set_add_json(set, "f.json", text, &e) &&
			  policy_set_finish(set, &e),
	    "%.*s: %s", STR_ARG(text), e.e[0].msg);
	return set;
}

/* The body of the only condition of `policy0`. */
static const struct {
	const char *text, *want;
} bodies[] = {
	{ "-1", "{\"Value\":-1}" },
	{ "-(1)", "{\"neg\":{\"arg\":{\"Value\":1}}}" },
	{ "((1) == 2)",
	    "{\"==\":{\"left\":{\"Value\":1},\"right\":{\"Value\":2}}}" },
	{ "[U::\"a\"]",
	    "{\"Set\":[{\"Value\":{\"__entity\":{\"type\":\"U\",\"id\":\"a\"}"
	    "}}]}" },
	{ "{a: 1, \"\": true}",
	    "{\"Record\":{\"a\":{\"Value\":1},\"\":{\"Value\":true}}}" },
	{ "context has a.b",
	    "{\"&&\":{\"left\":{\"has\":{\"left\":{\"Var\":\"context\"},"
	    "\"attr\":\"a\"}},\"right\":{\"has\":{\"left\":{\".\":{\"left\":{"
	    "\"Var\":\"context\"},\"attr\":\"a\"}},\"attr\":\"b\"}}}}" },
	{ "context[\"a\"] like \"a**\\*\"",
	    "{\"like\":{\"left\":{\".\":{\"left\":{\"Var\":\"context\"},"
	    "\"attr\":\"a\"}},\"pattern\":[{\"Literal\":\"a\"},\"Wildcard\","
	    "\"Wildcard\",{\"Literal\":\"*\"}]}}" },
	{ "\"\xc3\xa9!\" like \"\xc3\xa9!\"",
	    "{\"like\":{\"left\":{\"Value\":\"\\u00E9!\"},\"pattern\":[{"
	    "\"Literal\":\"\\u00E9\"},{\"Literal\":\"!\"}]}}" },
	{ "principal is T in resource",
	    "{\"is\":{\"left\":{\"Var\":\"principal\"},\"entity_type\":\"T\","
	    "\"in\":{\"Var\":\"resource\"}}}" },
	{ "if true then [].isEmpty() else !false",
	    "{\"if-then-else\":{\"if\":{\"Value\":true},\"then\":{\"isEmpty\":"
	    "{\"arg\":{\"Set\":[]}}},\"else\":{\"!\":{\"arg\":{\"Value\":"
	    "false}}}}}" },
	{ "ip(\"1\").isInRange(ip(\"2\"))",
	    "{\"isInRange\":[{\"ip\":[{\"Value\":\"1\"}]},{\"ip\":[{"
	    "\"Value\":\"2\"}]}]}" },
	{ "principal.getTag(\"a\")",
	    "{\"getTag\":{\"left\":{\"Var\":\"principal\"},\"right\":{"
	    "\"Value\":\"a\"}}}" },
	{ "\"a\" matches \"b\"",
	    "{\"matches\":{\"left\":{\"Value\":\"a\"},\"pattern\":\"b\"}}" },
	{ "[].anyLike(\"a*\")",
	    "{\"anyLike\":{\"left\":{\"Set\":[]},\"pattern\":[{\"Literal\":"
	    "\"a\"},\"Wildcard\"]}}" },
	{ "version(\"1\")", "{\"version\":[{\"Value\":\"1\"}]}" },
};

START_TEST(text_becomes_cedars_json)
{
	char text[512];
	struct policy_set *set;
	struct buf out = { 0 };
	json_t *json;

	snprintf(text, sizeof text, WHEN("%s"), bodies[_i].text);
	set = load_text(text);
	json = to_json(set);
	ck_assert(json_write(&out,
	    json_object_get(
		json_array_get(
		    json_object_get(
			json_object_get(
			    json_object_get(json, "staticPolicies"), "policy0"),
			"conditions"),
		    0),
		"body")));
	ck_str_is(buf_str(&out), bodies[_i].want);
	buf_free(&out);
	json_decref(json);
	policy_set_free(set);
}
END_TEST

/* JSON as it is read and as it is written, equal. */
#define HEAD "{\"effect\": \"permit\", \"principal\": "
#define TAIL                                                                   \
	", \"action\": {\"op\": \"All\"}, \"resource\": {\"op\": \"All\"}, "   \
	"\"conditions\": ["
#define ANN "{\"type\": \"U\", \"id\": \"ann\"}"
#define SET(policies, templates, links)                                        \
	"{\"staticPolicies\": {" policies "}, \"templates\": {" templates      \
	"}, \"templateLinks\": [" links "]}"
#define BODY(body)                                                             \
	SET("\"a\": " HEAD "{\"op\": \"All\"}" TAIL                            \
	    "{\"kind\": \"unless\", \"body\": " body "}]}",                    \
	    "", "")

static const char *const same[] = {
	SET("", "", ""),
	SET("\"a\": " HEAD "{\"op\": \"==\", \"entity\": " ANN "}" TAIL
	    "], \"annotations\": {\"if\": null, \"id\": \"x\"}}",
	    "\"t\": " HEAD "{\"op\": \"is\", \"entity_type\": \"U\", \"in\": "
	    "{\"slot\": \"?principal\"}}" TAIL "]}",
	    "{\"templateId\": \"t\", \"newId\": \"\", \"values\": "
	    "{\"?principal\": " ANN "}}"),
	BODY("{\"Value\": [1, {\"a\": []}, {\"__extn\": {\"fn\": \"ip\", "
	     "\"arg\": \"x\"}}, {\"__extn\": {\"fn\": \"ip\", \"args\": "
	     "[]}}]}"),
	BODY("{\"Set\": [{\"Value\": {}}, {\"Record\": {}}]}"),
	BODY("{\"has\": {\"left\": {\"Var\": \"context\"}, \"attr\": "
	     "[\"a\", \"b\"]}}"),
	BODY("{\"has\": {\"left\": {\"Var\": \"context\"}, \"attr\": "
	     "[\"a\"]}}"),
	BODY("{\"like\": {\"left\": {\"Value\": \"\\u0000\"}, \"pattern\": "
	     "[{\"Literal\": \"ab\"}, {\"Literal\": \"\"}, \"Wildcard\"]}}"),
	BODY("{\"neg\": {\"arg\": {\"neg\": {\"arg\": {\"Value\": "
	     "-9223372036854775808}}}}}"),
	BODY("{\"offset\": [{\"datetime\": [{\"Value\": \"1\"}]}]}"),
	"{\"avow\": 1, \"staticPolicies\": {}, \"templates\": {}, "
	"\"templateLinks\": []}",
	"{\"avow\": 1, \"staticPolicies\": {\"a\": {\"effect\": \"deny\", "
	"\"principal\": {\"op\": \"is\", \"not\": true, \"entity_types\": "
	"[\"A\"], \"in\": {\"entities\": [" ANN ", " ANN "]}}, \"action\": "
	"{\"op\": \"like\", \"entity_type\": \"Action\", \"pattern\": "
	"[{\"Path\": [\"context\", \"a\"]}]}, \"resource\": {\"op\": \"in\", "
	"\"entities\": []}, \"conditions\": []}}, \"templates\": {\"t\": "
	"{\"effect\": \"permit\", \"principal\": {\"op\": \"in\", \"not\": "
	"true, \"entities\": [{\"slot\": \"?principal\"}]}, \"action\": "
	"{\"op\": \"All\"}, \"resource\": {\"op\": \"==\", \"not\": true, "
	"\"slot\": \"?resource\"}, \"conditions\": []}}, \"templateLinks\": "
	"[], \"indivisible\": [{\"variable\": \"action\", \"entities\": "
	"[{\"type\": \"Action\", \"id\": \"x\"}]}]}",
};

START_TEST(json_comes_out_as_it_went_in)
{
	struct policy_set *set = load_json(str_of(same[_i]));
	struct error e = { 0 };
	struct buf got = { 0 };
	json_t *json = to_json(set), *want;

	ck_assert(json_parse(
	    str_of(same[_i]), "w", 1u << 20, 100, JSON_DATA_FILE, &want, &e));
	ck_assert(json_write(&got, json));
	ck_assert_msg(
	    json_equal(json, want), "%s\nbecame\n%s", same[_i], got.p);
	buf_free(&got);
	json_decref(json);
	json_decref(want);
	policy_set_free(set);
}
END_TEST

/* Text, its JSON, and the JSON of that read again. */
START_TEST(what_is_written_is_read_again)
{
	char text[512];
	struct policy_set *set, *back;
	struct buf out = { 0 };
	json_t *json, *again;

	snprintf(text, sizeof text, WHEN("%s"), bodies[_i].text);
	set = load_text(text);
	json = to_json(set);
	ck_assert(json_write_pretty(&out, json));
	back = load_json(buf_str(&out));
	again = to_json(back);
	ck_assert(json_equal(json, again));
	buf_free(&out);
	json_decref(json);
	json_decref(again);
	policy_set_free(set);
	policy_set_free(back);
}
END_TEST

static void
refuse(const struct buf *text, enum err_code code, uint32_t line, uint32_t col)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct errors e = { 0 };
	json_t *json = NULL;

	ck_assert(
	    policy_set_add_text(set, "f", buf_str(text), POLICY_AVOW, &e) &&
	    policy_set_finish(set, &e));
	ck_assert(!policy_set_to_json(set, &json, &e));
	ck_assert_ptr_null(json);
	ck_assert_uint_eq(e.n, 1);
	ck_assert_int_eq(e.e[0].code, code);
	ck_assert_uint_eq(e.e[0].at.line, line);
	ck_assert_uint_eq(e.e[0].at.col, col);
	policy_set_free(set);
}

START_TEST(what_json_cannot_hold_is_refused)
{
	struct buf text = { 0 };

	buf_addz(&text, "permit (principal, action, resource)\nwhen { true");
	for (unsigned i = 0; i < 5000; i++)
		buf_addz(&text, " && true");
	buf_addz(&text, " };");
	refuse(&text, ERR_LIMIT_DEPTH, 2, 8);
	text.n = 0;
	buf_addz(&text, WHEN("1 == {a: 1,\n\"b\\0\": 2}"));
	refuse(&text, ERR_JSON_NUL_KEY, 2, 1);
	text.n = 0;
	buf_addz(&text, "@id(\"a\\0b\")\n" WHEN("true"));
	refuse(&text, ERR_JSON_NUL_KEY, 2, 9);
	buf_free(&text);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("print_json");
	TCase *tc = tcase_create("print_json");

	tcase_add_loop_test(tc, text_becomes_cedars_json, 0, ARRAY_LEN(bodies));
	tcase_add_loop_test(
	    tc, json_comes_out_as_it_went_in, 0, ARRAY_LEN(same));
	tcase_add_loop_test(
	    tc, what_is_written_is_read_again, 0, ARRAY_LEN(bodies));
	tcase_add_test(tc, what_json_cannot_hold_is_refused);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
