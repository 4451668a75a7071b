/* Schemas written in both syntaxes, and what text cannot say. */
#include "policy/schema.h"

#include "tests/lib/run.h"

static struct schema *
make(struct str text, enum schema_syntax syntax)
{
	struct errors errors = { 0 };
	struct schema *s = schema_new("s", text, syntax, &errors);

	ck_assert_msg(s != NULL, "%s: %s", text.p, errors.e[0].msg);
	return s;
}

static void
check_print(const struct schema *s, enum schema_syntax syntax, const char *want)
{
	struct buf out = { 0 };
	struct error err = { 0 };

	ck_assert_msg(schema_print(s, syntax, &out, &err), "%s", err.msg);
	ck_str_is(buf_str(&out), want);
	buf_free(&out);
}

/* clang-format off */
static const struct {
	struct str in;
	const char *text, *json;
} rows[] = {
	{ STR_INIT(""), "", "{}\n" },
	{ STR_INIT("entity A,B in [A]{x?:Set<Long>,\"in\":{}}tags Bool;"),
	    "entity A in [A] = {\n  x?: Set<Long>,\n  \"in\": {}\n} tags Bool;\n\n"
	    "entity B in [A] = {\n  x?: Set<Long>,\n  \"in\": {}\n} tags Bool;\n",
	    NULL },
	{ STR_INIT("@doc(\"d\")@x entity E enum[\"a\\n\",\"b\"];"),
	    "@doc(\"d\")\n@x\nentity E enum [\"a\\n\", \"b\"];\n",
	    "{\n  \"\": {\n    \"entityTypes\": {\n      \"E\": {\n"
	    "        \"enum\": [\n          \"a\\n\",\n          \"b\"\n        ],\n"
	    "        \"annotations\": {\n          \"doc\": \"d\",\n"
	    "          \"x\": null\n        }\n      }\n    },\n"
	    "    \"actions\": {}\n  }\n}\n" },
	{ STR_INIT("namespace N{entity A;type T={};action \"a b\",c in[d,N::Action::\"d\"]"
	    "appliesTo{context:T,resource:A,principal:[A]};action d;}"),
	    "namespace N {\n  type T = {};\n\n  entity A;\n\n"
	    "  action \"a b\" in [d, N::Action::\"d\"] appliesTo {\n"
	    "    principal: [A],\n    resource: [A],\n    context: T\n  };\n\n"
	    "  action c in [d, N::Action::\"d\"] appliesTo {\n"
	    "    principal: [A],\n    resource: [A],\n    context: T\n  };\n\n"
	    "  action d;\n}\n", NULL },
	{ STR_INIT("entity A = {\"\\0k\": N::B};namespace N{entity B;}"),
	    "entity A = {\n  \"\\0k\": N::B\n};\n\nnamespace N {\n  entity B;\n}\n",
	    "{\n  \"\": {\n    \"entityTypes\": {\n      \"A\": {\n"
	    "        \"shape\": {\n          \"type\": \"Record\",\n"
	    "          \"attributes\": {\n            \"\\u0000k\": {\n"
	    "              \"type\": \"EntityOrCommon\",\n"
	    "              \"name\": \"N::B\"\n            }\n          }\n"
	    "        }\n      }\n    },\n    \"actions\": {}\n  },\n"
	    "  \"N\": {\n    \"entityTypes\": {\n      \"B\": {}\n    },\n"
	    "    \"actions\": {}\n  }\n}\n" },
};

/* From JSON, whose own words text has no other way to say. */
static const struct {
	struct str in;
	const char *text;
} from_json[] = {
	{ STR_INIT("{\"\":{\"entityTypes\":{},\"actions\":{}},\"N\":{"
	    "\"entityTypes\":{},\"actions\":{}}}"), "namespace N {\n}\n" },
	{ STR_INIT("{\"\":{\"entityTypes\":{\"Long\":{},\"ipaddr\":{},\"A\":{\"shape\":{"
	    "\"type\":\"Record\",\"attributes\":{\"a\":{\"type\":\"Long\"},"
	    "\"b\":{\"type\":\"EntityOrCommon\",\"name\":\"Long\"},"
	    "\"c\":{\"type\":\"ipaddr\"},\"d\":{\"type\":\"Boolean\"},"
	    "\"e\":{\"type\":\"Extension\",\"name\":\"decimal\"},"
	    "\"f\":{\"type\":\"Entity\",\"name\":\"ipaddr\"}}}}},\"actions\":{}}}"),
	    "entity Long;\n\nentity ipaddr;\n\nentity A = {\n  a: __cedar::Long,\n"
	    "  b: Long,\n  c: __cedar::ipaddr,\n  d: __cedar::Bool,\n"
	    "  e: __cedar::decimal,\n  f: ipaddr\n};\n" },
	{ STR_INIT("{\"\":{\"entityTypes\":{},\"actions\":{\"a\":{\"appliesTo\":{"
	    "\"principalTypes\":[],\"resourceTypes\":[]}}}}}"),
	    "action a;\n" },
};

static const struct {
	struct str in;
	uint32_t col;
	const char *msg;
} unsaid[] = {
	{ STR_INIT("{\"\":{\"commonTypes\":{\"T\":{\"type\":\"Record\",\"attributes\":{}}},"
	    "\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"T\"}}},\"actions\":{}}}"), 96,
	    "`A` cannot be written as Cedar text: its shape is a common type, and "
	    "text wants a record here" },
	{ STR_INIT("{\"\":{\"commonTypes\":{\"A\":{\"type\":\"Long\"}},\"entityTypes\":{\"A\":{"
	    "\"tags\":{\"type\":\"Entity\",\"name\":\"A\"}}},\"actions\":{}}}"), 93,
	    "`A` cannot be written as Cedar text: a common type of the same name "
	    "hides the entity type" },
};
/* clang-format on */

/* What was printed, read and printed again, is the same. */
static void
check_again(const struct schema *s, enum schema_syntax syntax)
{
	struct buf first = { 0 }, second = { 0 };
	struct schema *again;

	ck_assert(schema_print(s, syntax, &first, NULL));
	again = make(buf_str(&first), syntax);
	ck_assert(schema_print(again, syntax, &second, NULL));
	ck_assert(str_eq(buf_str(&first), buf_str(&second)));
	schema_free(again);
	buf_free(&first);
	buf_free(&second);
}

START_TEST(both)
{
	struct schema *s = make(rows[_i].in, SCHEMA_CEDAR);

	check_print(s, SCHEMA_CEDAR, rows[_i].text);
	if (rows[_i].json)
		check_print(s, SCHEMA_JSON, rows[_i].json);
	check_again(s, SCHEMA_CEDAR);
	if (_i + 1 < (int)ARRAY_LEN(rows)) /* the last has a key with NUL */
		check_again(s, SCHEMA_JSON);
	schema_free(s);
}
END_TEST

START_TEST(json_as_text)
{
	struct schema *s = make(from_json[_i].in, SCHEMA_JSON);

	check_print(s, SCHEMA_CEDAR, from_json[_i].text);
	check_again(s, SCHEMA_JSON);
	schema_free(s);
}
END_TEST

START_TEST(not_in_text)
{
	struct schema *s = make(unsaid[_i].in, SCHEMA_JSON);
	struct error err = { 0 };
	struct buf out = { 0 };

	ck_assert(!schema_print(s, SCHEMA_CEDAR, &out, &err));
	ck_assert_int_eq(err.code, ERR_SYNTAX_UNSUPPORTED);
	ck_assert_str_eq(err.msg, unsaid[_i].msg);
	ck_assert_uint_eq(err.at.line, 1);
	ck_assert_uint_eq(err.at.col, unsaid[_i].col);
	buf_free(&out);
	schema_free(s);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("schema_print");
	TCase *tc = tcase_create("schema_print");

	tcase_add_loop_test(tc, both, 0, ARRAY_LEN(rows));
	tcase_add_loop_test(tc, json_as_text, 0, ARRAY_LEN(from_json));
	tcase_add_loop_test(tc, not_in_text, 0, ARRAY_LEN(unsaid));
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
