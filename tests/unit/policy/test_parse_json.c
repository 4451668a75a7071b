/* Policies in JSON: what they say as text, and what is refused at which place.
 */
#include <stdio.h>

#include "policy/set.h"
#include "tests/lib/run.h"

#define POLICY(scope, conds)                                                   \
	"{\"effect\": \"permit\", " scope ", \"conditions\": [" conds "]}"
#define ALL                                                                    \
	"\"principal\": {\"op\": \"All\"}, \"action\": {\"op\": \"All\"}, "    \
	"\"resource\": {\"op\": \"All\"}"
#define WHEN(body) "{\"kind\": \"when\", \"body\": " body "}"
#define ANN "{\"type\": \"U\", \"id\": \"ann\"}"
#define P(test)                                                                \
	"\"principal\": " test ", \"action\": {\"op\": \"All\"}, "             \
	"\"resource\": {\"op\": \"All\"}"
#define A(test)                                                                \
	"\"principal\": {\"op\": \"All\"}, \"action\": " test ", "             \
	"\"resource\": {\"op\": \"All\"}"

/* The one condition or, without, the scope. */
static const struct {
	const char *json, *want;
	bool avow;
} good[] = {
	{ "{\"Value\": true}", "true", false },
	{ "{\"Value\": -1}", "-1", false },
	{ "{\"neg\": {\"arg\": {\"Value\": 1}}}", "-(1)", false },
	{ "{\"neg\": {\"arg\": {\"Value\": -1}}}", "-(-1)", false },
	{ "{\"neg\": {\"arg\": {\"neg\": {\"arg\": {\"Var\": \"context\"}}}}}",
	    "-(-context)", false },
	{ "{\"!\": {\"arg\": {\".\": {\"left\": {\"Var\": \"context\"}, "
	  "\"attr\": \"if\"}}}}",
	    "!context[\"if\"]", false },
	{ "{\"Value\": \"a\\u0000\\n\"}", "\"a\\0\\n\"", false },
	{ "{\"Value\": {\"__entity\": " ANN "}}", "U::\"ann\"", false },
	{ "{\"Value\": {\"__entity\": " ANN ", \"x\": 1}}",
	    "{__entity: {type: \"U\", id: \"ann\"}, x: 1}", false },
	{ "{\"Value\": {\"__entity\": {\"type\": 1, \"id\": \"x\"}}}",
	    "{__entity: {type: 1, id: \"x\"}}", false },
	{ "{\"Value\": {\"__extn\": {\"fn\": \"ip\", \"arg\": \"1\"}}}",
	    "ip(\"1\")", false },
	{ "{\"Value\": {\"__extn\": {\"fn\": \"offset\", \"args\": [1, 2]}}}",
	    "1.offset(2)", false },
	{ "{\"Value\": {\"__extn\": {\"arg\": \"1\"}}}",
	    "{__extn: {arg: \"1\"}}", false },
	{ "{\"Value\": [1, [], {\"a b\": true}]}", "[1, [], {\"a b\": true}]",
	    false },
	{ "{\"Set\": [{\"Value\": 1}, {\"Set\": []}]}", "[1, []]", false },
	{ "{\"Record\": {\"\": {\"Value\": 1}, \"a\": {\"Var\": "
	  "\"action\"}}}",
	    "{\"\": 1, a: action}", false },
	{ "{\"*\": {\"left\": {\"+\": {\"left\": {\"Value\": 1}, \"right\": "
	  "{\"Value\": 2}}}, \"right\": {\"Value\": -3}}}",
	    "(1 + 2) * -3", false },
	{ "{\"-\": {\"left\": {\"Value\": 1}, \"right\": {\"-\": {\"left\": "
	  "{\"Value\": 2}, \"right\": {\"Value\": 3}}}}}",
	    "1 - (2 - 3)", false },
	{ "{\"==\": {\"left\": {\"<\": {\"left\": {\"Value\": 1}, \"right\": "
	  "{\"Value\": 2}}}, \"right\": {\"Value\": true}}}",
	    "(1 < 2) == true", false },
	{ "{\"&&\": {\"left\": {\"if-then-else\": {\"if\": {\"Value\": true}, "
	  "\"then\": {\"Value\": 1}, \"else\": {\"Value\": 2}}}, \"right\": "
	  "{\"||\": {\"left\": {\"Value\": true}, \"right\": {\"Value\": "
	  "false}}}}}",
	    "(if true then 1 else 2) && (true || false)", false },
	{ "{\"isEmpty\": {\"arg\": {\"+\": {\"left\": {\"Value\": 1}, "
	  "\"right\": {\"Value\": 2}}}}}",
	    "(1 + 2).isEmpty()", false },
	{ "{\"contains\": {\"left\": {\"Value\": []}, \"right\": {\"Value\": "
	  "1}}}",
	    "[].contains(1)", false },
	{ "{\"isInRange\": [{\"ip\": [{\"Value\": \"a\"}]}, {\"ip\": []}]}",
	    "ip(\"a\").isInRange(ip())", false },
	/* `__expr` is the former escape only before a string. */
	{ "{\"==\": {\"left\": {\"Value\": {\"__expr\": {\"type\": \"T\", "
	  "\"id\": \"b\"}}}, \"right\": {\"Value\": {\"__expr\": 1}}}}",
	    "{__expr: {type: \"T\", id: \"b\"}} == {__expr: 1}", false },
	{ "{\"has\": {\"left\": {\"Var\": \"context\"}, \"attr\": \"a b\"}}",
	    "context has \"a b\"", false },
	{ "{\"has\": {\"left\": {\"Var\": \"context\"}, \"attr\": [\"a\", "
	  "\"b\"]}}",
	    "context has a.b", false },
	{ "{\"has\": {\"left\": {\"Var\": \"context\"}, \"attr\": [\"a b\"]}}",
	    "context has \"a b\"", false },
	{ "{\"like\": {\"left\": {\"Value\": \"x\"}, \"pattern\": "
	  "[{\"Literal\": \"a*\"}, \"Wildcard\", {\"Wildcard\": null}]}}",
	    "\"x\" like \"a\\***\"", false },
	{ "{\"is\": {\"left\": {\"Var\": \"principal\"}, \"entity_type\": "
	  "\"A::B\", \"in\": {\"Var\": \"resource\"}}}",
	    "principal is A::B in resource", false },
	{ "{\"unknown\": [{\"Value\": \"x\"}]}", "unknown(\"x\")", false },
	{ "{\"matches\": {\"left\": {\"Value\": \"x\"}, \"pattern\": "
	  "\"a\\\\d\"}}",
	    "\"x\" matches \"a\\\\d\"", true },
	{ "{\"anyLike\": {\"left\": {\"Value\": []}, \"pattern\": "
	  "[\"Wildcard\"]}}",
	    "[].anyLike(\"*\")", true },
	{ "{\"allMatches\": {\"left\": {\"Value\": []}, \"pattern\": \"x\"}}",
	    "[].allMatches(\"x\")", true },
	{ "{\"version\": [{\"Value\": \"1.0\"}]}", "version(\"1.0\")", true },
};

static const struct {
	const char *scope, *want;
	bool avow, is_template;
} scopes[] = {
	{ ALL, "(principal, action, resource)", false, false },
	{ P("{\"op\": \"all\"}"), "(principal, action, resource)", false,
	    false },
	{ P("{\"op\": \"==\", \"entity\": {\"__entity\": " ANN "}}"),
	    "(principal == U::\"ann\", action, resource)", false, false },
	{ P("{\"op\": \"in\", \"slot\": \"?principal\"}"),
	    "(principal in ?principal, action, resource)", false, true },
	{ P("{\"op\": \"is\", \"entity_type\": \"U\", \"in\": {\"slot\": "
	    "\"?principal\"}}"),
	    "(principal is U in ?principal, action, resource)", false, true },
	{ A("{\"op\": \"in\", \"entities\": []}"),
	    "(principal, action in [], resource)", false, false },
	{ P("{\"op\": \"==\", \"not\": true, \"entity\": " ANN "}"),
	    "(principal != U::\"ann\", action, resource)", true, false },
	{ P("{\"op\": \"in\", \"not\": true, \"entities\": [" ANN
	    ", {\"slot\": \"?principal\"}]}"),
	    "(principal not in [U::\"ann\", ?principal], action, resource)",
	    true, true },
	{ P("{\"op\": \"is\", \"not\": true, \"entity_types\": [\"A\", "
	    "\"B\"], \"in\": {\"not\": true, \"entity\": " ANN "}}"),
	    "(principal is not [A, B] not in U::\"ann\", action, resource)",
	    true, false },
	{ P("{\"op\": \"like\", \"entity_type\": \"U\", \"pattern\": "
	    "[{\"Path\": [\"resource\", \"a b\"]}, \"Wildcard\"]}"),
	    "(principal like U::\"${resource[\\\"a b\\\"]}*\", action, "
	    "resource)",
	    true, false },
	{ A("{\"op\": \"is\", \"entity_type\": \"Action\"}"),
	    "(principal, action is Action, resource)", true, false },
};

static struct policy_set *
load(const char *json, struct errors *reterr, bool *ret_ok)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);

	*ret_ok = policy_set_add_json(set, "p.json", str_of(json), reterr) &&
		  policy_set_finish(set, reterr);
	return set;
}

/* As canonical text; and that text is the same tree again. */
static void
check_text(const char *json, const char *want)
{
	struct errors e = { 0 };
	struct buf out = { 0 }, flat = { 0 };
	bool ok;
	struct policy_set *set = load(json, &e, &ok);

	ck_assert_msg(ok, "%s: %u:%u %s", json, e.e[0].at.line, e.e[0].at.col,
	    e.e[0].msg);
	print_policy(set->files[0], 0, &out);
	for (size_t i = 0; i < out.n; i++)
		if (out.p[i] != '\n')
			buf_byte(&flat, out.p[i]);
		else if (i + 1 < out.n)
			buf_byte(&flat, ' ');
	ck_str_is(buf_str(&flat), want);
	buf_free(&flat);
	ck_assert_msg(policy_format("t", buf_str(&out), POLICY_AVOW, &flat, &e),
	    "%s", e.e[0].msg);
	ck_assert(str_eq(buf_str(&flat), buf_str(&out)));
	buf_free(&flat);
	buf_free(&out);
	policy_set_free(set);
}

START_TEST(expressions_become_text)
{
	char json[1024], want[256];

	snprintf(json, sizeof json,
	    "{%s\"effect\": \"permit\", " ALL
	    ", \"conditions\": [" WHEN("%s") "]}",
	    good[_i].avow ? "\"avow\": 1, " : "", good[_i].json);
	snprintf(want, sizeof want,
	    "permit (principal, action, resource) when { %s };", good[_i].want);
	check_text(json, want);
}
END_TEST

START_TEST(scopes_become_text)
{
	char json[1024], want[256];

	snprintf(json, sizeof json,
	    "{%s\"effect\": \"permit\", %s, \"conditions\": []}",
	    scopes[_i].avow ? "\"avow\": 1, " : "", scopes[_i].scope);
	snprintf(want, sizeof want, "permit %s;", scopes[_i].want);
	check_text(json, want);
}
END_TEST

/* Additions only where the marker is. */
START_TEST(additions_need_the_marker)
{
	struct errors e = { 0 };
	char json[1024];
	bool ok;

	if (!good[_i].avow)
		return;
	snprintf(json, sizeof json,
	    "{\"effect\": \"permit\", " ALL
	    ", \"conditions\": [\n" WHEN("%s") "]}",
	    good[_i].json);
	policy_set_free(load(json, &e, &ok));
	ck_assert(!ok);
	ck_assert_int_eq(e.e[0].code, ERR_JSON_SHAPE);
	ck_assert_uint_eq(e.e[0].at.line, 2);
	ck_assert_uint_eq(e.e[0].at.col, 27);
}
END_TEST

START_TEST(scope_additions_need_the_marker)
{
	struct errors e = { 0 };
	char json[1024];
	bool ok;

	if (!scopes[_i].avow)
		return;
	snprintf(json, sizeof json,
	    "{\"effect\": \"permit\", %s, \"conditions\": []}",
	    scopes[_i].scope);
	policy_set_free(load(json, &e, &ok));
	ck_assert(!ok);
	ck_assert_int_eq(e.e[0].code, ERR_JSON_SHAPE);
	ck_assert_uint_eq(e.e[0].at.line, 1);
}
END_TEST

/* One error each, at the line after the line feed. */
static const struct {
	const char *note, *json;
	enum err_code code;
	uint32_t col, len;
	const char *says;
} bad[] = {
	{ "unknown key",
	    "{\"effect\": \"permit\", " ALL ", \"conditions\": [],\n\"x\": 1}",
	    ERR_JSON_SHAPE, 1, 3, "unknown key `x`" },
	{ "no conditions", "\n{\"effect\": \"permit\", " ALL "}",
	    ERR_JSON_SHAPE, 1, 100, "`conditions` is missing" },
	{ "effect", "{\"effect\":\n\"deny\", " ALL ", \"conditions\": []}",
	    ERR_JSON_SHAPE, 1, 6, "\"permit\" or \"forbid\"" },
	{ "op", POLICY(P("{\"op\":\n\"eq\"}"), ""), ERR_JSON_SHAPE, 1, 4,
	    "\"All\", \"==\"" },
	{ "both",
	    POLICY(P("\n{\"op\": \"==\", \"entity\": " ANN
		     ", \"slot\": \"?principal\"}"),
		""),
	    ERR_JSON_SHAPE, 1, 72, "expected one of" },
	{ "list", POLICY(P("\n{\"op\": \"in\", \"entities\": []}"), ""),
	    ERR_JSON_SHAPE, 1, 28, "expected one of `entity` and `slot`" },
	{ "scope key", POLICY(P("{\"op\": \"All\",\n\"not\": false}"), ""),
	    ERR_JSON_SHAPE, 0, 0, "unknown key `not`" },
	{ "other slot",
	    POLICY(P("{\"op\": \"==\", \"slot\":\n\"?resource\"}"), ""),
	    ERR_SYNTAX_SLOT, 1, 11, "`?principal`" },
	{ "action slot",
	    POLICY(A("{\"op\": \"==\", \"slot\":\n\"?principal\"}"), ""),
	    ERR_SYNTAX_SLOT, 1, 12, "no slot" },
	{ "action type",
	    POLICY(A("{\"op\": \"==\", \"entity\":\n" ANN "}"), ""),
	    ERR_NAME_ACTION, 1, 26, "`U`" },
	{ "type", POLICY(P("{\"op\": \"is\", \"entity_type\":\n\"A B\"}"), ""),
	    ERR_JSON_SHAPE, 1, 5, "`A B` is no entity type" },
	{ "kind", POLICY(ALL, "{\"kind\":\n\"if\", \"body\": {\"Value\": 1}}"),
	    ERR_JSON_SHAPE, 1, 4, "\"when\" or \"unless\"" },
	{ "empty", POLICY(ALL, WHEN("\n{}")), ERR_JSON_SHAPE, 1, 2, "one key" },
	{ "two keys", POLICY(ALL, WHEN("\n{\"Value\": 1, \"Var\": 2}")),
	    ERR_JSON_SHAPE, 1, 22, "one key" },
	{ "no object", POLICY(ALL, WHEN("\n\"x\"")), ERR_JSON_SHAPE, 1, 3,
	    "one key" },
	{ "name", POLICY(ALL, WHEN("{\n\"value\": 1}")), ERR_JSON_SHAPE, 1, 7,
	    "`value`" },
	{ "null", POLICY(ALL, WHEN("{\"Value\": {\n\"a\": null}}")),
	    ERR_JSON_SHAPE, 0, 0, "`null` is no value" },
	{ "real", POLICY(ALL, WHEN("{\"Value\":\n1.5}")), ERR_JSON_SHAPE, 1, 3,
	    "found a real" },
	{ "big", POLICY(ALL, WHEN("{\"Value\":\n9223372036854775808}")),
	    ERR_JSON_SYNTAX, 1, 1, "64 bits" },
	{ "escape", POLICY(ALL, WHEN("{\"Value\":\n{\"__expr\": \"1\"}}")),
	    ERR_JSON_SHAPE, 1, 15, "`__expr`" },
	{ "function",
	    POLICY(ALL, WHEN("{\"Value\": {\"__extn\": {\"fn\":\n\"f\", "
			     "\"arg\": 1}}}")),
	    ERR_NAME_FUNCTION, 1, 3, "`f`" },
	{ "entity type",
	    POLICY(ALL, WHEN("{\"Value\": {\"__entity\":\n{\"type\": \"A "
			     "B\", \"id\": \"\"}}}")),
	    ERR_JSON_SHAPE, 1, 25, "no entity type" },
	{ "variable", POLICY(ALL, WHEN("{\"Var\":\n\"user\"}")),
	    ERR_NAME_VARIABLE, 1, 6, "`principal`" },
	{ "slot", POLICY(ALL, WHEN("{\"Slot\":\n\"?principal\"}")),
	    ERR_SYNTAX_SLOT, 1, 12, "scope of a template" },
	{ "side", POLICY(ALL, WHEN("{\"==\":\n{\"left\": {\"Value\": 1}}}")),
	    ERR_JSON_SHAPE, 1, 22, "`right` is missing" },
	{ "extra side",
	    POLICY(ALL, WHEN("{\"!\": {\"arg\": {\"Value\": true},\n\"x\": "
			     "1}}")),
	    ERR_JSON_SHAPE, 1, 3, "unknown key `x`" },
	{ "path",
	    POLICY(ALL, WHEN("{\"has\": {\"left\": {\"Value\": 1}, "
			     "\"attr\": [\"a\",\n\"b c\"]}}")),
	    ERR_JSON_SHAPE, 1, 5, "identifiers" },
	{ "no path",
	    POLICY(ALL, WHEN("{\"has\": {\"left\": {\"Value\": 1}, "
			     "\"attr\":\n[]}}")),
	    ERR_JSON_SHAPE, 1, 2, "expected a string, found an array" },
	{ "pattern",
	    POLICY(ALL, WHEN("{\"like\": {\"left\": {\"Value\": 1}, "
			     "\"pattern\":\n\"a*\"}}")),
	    ERR_JSON_SHAPE, 1, 4, "array of parts" },
	{ "part",
	    POLICY(ALL, WHEN("{\"like\": {\"left\": {\"Value\": 1}, "
			     "\"pattern\": [\n\"a*\"]}}")),
	    ERR_JSON_SHAPE, 1, 4, "\"Wildcard\"" },
	{ "contextual part",
	    POLICY(ALL, WHEN("{\"like\": {\"left\": {\"Value\": 1}, "
			     "\"pattern\": [{\n\"Path\": [\"action\"]}]}}")),
	    ERR_JSON_SHAPE, 1, 6, "unknown key `Path`" },
	{ "receiver", POLICY(ALL, WHEN("{\"isIpv4\":\n[]}")),
	    ERR_TYPE_ARGUMENTS, 1, 2, "needs a receiver" },
	{ "annotation",
	    "{\"effect\": \"permit\", " ALL
	    ", \"conditions\": [], \"annotations\": {\n\"a b\": \"\"}}",
	    ERR_JSON_SHAPE, 1, 9, "identifier" },
	{ "annotation's value",
	    "{\"effect\": \"permit\", " ALL
	    ", \"conditions\": [], \"annotations\": {\"a\":\n1}}",
	    ERR_JSON_SHAPE, 1, 1, "expected a string, found a number" },
	{ "template among policies",
	    "{\"staticPolicies\": {\"a\": {\"effect\":\n\"permit\", " P(
		"{\"op\": \"==\", \"slot\": \"?principal\"}") ", "
							      "\"conditions\": "
							      "[]}}}",
	    ERR_SYNTAX_SLOT, 1, 8, "has no slots" },
	{ "policy among templates",
	    "{\"templates\": {\"a\": {\"effect\":\n\"permit\", " ALL
	    ", \"conditions\": []}}}",
	    ERR_SYNTAX_SLOT, 1, 8, "has a slot" },
	{ "policies", "{\"staticPolicies\":\n[]}", ERR_JSON_SHAPE, 1, 2,
	    "by their ids" },
	{ "marker", "{\"avow\":\n2}", ERR_JSON_SHAPE, 1, 1, "expected 1" },
	{ "marked not",
	    "{\"avow\": 1, \"effect\": \"permit\", " P(
		"\n{\"op\": \"==\", \"not\": 1, \"entity\": " ANN
		"}") ", \"conditions\": []}",
	    ERR_JSON_SHAPE, 21, 1, "`not` is true" },
	{ "marked pattern",
	    "{\"avow\": 1, \"effect\": \"permit\", " ALL
	    ", \"conditions\": [" WHEN(
		"{\"matches\": {\"left\": {\"Value\": 1}, \"pattern\":\n"
		"\"(\"}}") "]}",
	    ERR_SYNTAX_PATTERN, 1, 3, "" },
	{ "marked path",
	    "{\"avow\": 1, \"effect\": \"permit\", " P(
		"{\"op\": \"like\", \"entity_type\": \"A\", \"pattern\": "
		"[{\"Path\": [\n\"user\"]}]}") ", \"conditions\": []}",
	    ERR_JSON_SHAPE, 1, 6, "`principal`" },
	{ "indivisible",
	    "{\"avow\": 1, \"indivisible\": [{\"variable\":\n"
	    "\"context\", \"entities\": [" ANN "]}]}",
	    ERR_JSON_SHAPE, 1, 9, "\"principal\"" },
	{ "indivisible in Cedar", "{\n\"indivisible\": []}", ERR_JSON_SHAPE, 1,
	    13, "unknown key `indivisible`" },
};

START_TEST(wrong_json_is_refused)
{
	struct errors e = { 0 };
	bool ok;

	policy_set_free(load(bad[_i].json, &e, &ok));
	ck_assert_msg(!ok, "%s", bad[_i].note);
	ck_assert_uint_eq(e.n, 1);
	ck_assert_msg(
	    e.e[0].code == bad[_i].code &&
		(bad[_i].col == 0 ||
		    (e.e[0].at.line == 2 && e.e[0].at.col == bad[_i].col &&
			e.e[0].at.len == bad[_i].len)) &&
		e.e[0].at.line > 0,
	    "%s: %s at %u:%u+%u: %s", bad[_i].note, error_id(e.e[0].code),
	    e.e[0].at.line, e.e[0].at.col, e.e[0].at.len, e.e[0].msg);
	ck_assert_msg(strstr(e.e[0].msg, bad[_i].says) != NULL, "%s: %s",
	    bad[_i].note, e.e[0].msg);
}
END_TEST

START_TEST(all_errors_are_reported)
{
	struct errors e = { 0 };
	bool ok;

	policy_set_free(
	    load("{\"staticPolicies\": {\"a\": {\"effect\": \"no\", "
		 "\"principal\": {\"op\": \"x\"}, \"action\": 1,\n"
		 "\"resource\": {\"op\": \"All\"}, \"conditions\": [1, 2]}, "
		 "\"b\": 3}, \"templateLinks\": [{}]}",
		&e, &ok));
	ck_assert(!ok);
	/* Three of the first line, two conditions, `b`, three of the link. */
	ck_assert_uint_eq(e.n, 9);
}
END_TEST

/* `n` times "{\"!\": {\"arg\": " around a value. */
static void
check_depth(unsigned n, enum err_code code)
{
	struct buf json = { 0 };
	struct errors e = { 0 };
	bool ok;

	buf_addz(&json, "{\"effect\": \"permit\", " ALL
			", \"conditions\": [{\"kind\": \"when\", \"body\": ");
	for (unsigned i = 0; i < n; i++)
		buf_addz(&json, "{\"!\": {\"arg\": ");
	buf_addz(&json, "{\"Value\": true}");
	for (unsigned i = 0; i < n; i++)
		buf_addz(&json, "}}");
	buf_addz(&json, "}]}");
	buf_byte(&json, '\0');
	policy_set_free(load(json.p, &e, &ok));
	ck_assert_msg(ok == (code == ERR_NONE), "%u: %s", n, e.e[0].msg);
	ck_assert_int_eq(e.e[0].code, code);
	ck_assert(ok || e.e[0].at.line == 1);
	buf_free(&json);
}

START_TEST(nesting_is_bounded)
{
	check_depth(150, ERR_NONE);
	check_depth(250, ERR_LIMIT_DEPTH);
	check_depth(100000, ERR_LIMIT_DEPTH);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("parse_json");
	TCase *tc = tcase_create("parse_json");

	tcase_add_loop_test(tc, expressions_become_text, 0, ARRAY_LEN(good));
	tcase_add_loop_test(tc, scopes_become_text, 0, ARRAY_LEN(scopes));
	tcase_add_loop_test(tc, additions_need_the_marker, 0, ARRAY_LEN(good));
	tcase_add_loop_test(
	    tc, scope_additions_need_the_marker, 0, ARRAY_LEN(scopes));
	tcase_add_loop_test(tc, wrong_json_is_refused, 0, ARRAY_LEN(bad));
	tcase_add_test(tc, all_errors_are_reported);
	tcase_add_test(tc, nesting_is_bounded);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
