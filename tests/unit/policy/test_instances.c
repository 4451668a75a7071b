/* Templates and links: who decides, under which id, with what bound; and what
 * is wrong with links, at which place. */
#include <stdio.h>

#include "policy/set.h"
#include "tests/lib/run.h"

#define ANY "permit (principal, action, resource);\n"
#define BY_OWNER                                                               \
	"@id(\"t\") permit (principal == ?principal, action, resource);\n"
#define LINKS(items) "{\"templateLinks\": [" items "]}"
#define LINK(of, id, values)                                                   \
	"{\"templateId\": \"" of "\", \"newId\": \"" id                        \
	"\", \"values\": {" values "}}"
#define ANN "\"?principal\": {\"type\": \"User\", \"id\": \"ann\"}"
#define DOC "\"?resource\": {\"type\": \"Doc\", \"id\": \"d\"}"

static bool
build(struct policy_set *set, const char *text, const char *json,
    struct errors *reterr)
{
	return policy_set_add_text(
		   set, "f", str_of(text), POLICY_AVOW, reterr) &&
	       policy_set_add_json(set, "l.json", str_of(json), reterr) &&
	       policy_set_finish(set, reterr);
}

static const struct {
	enum policy_naming naming;
	const char *text, *json, *ids[4];
	uint32_t n, templates, links;
} sets[] = {
	{ POLICY_NAMED, ANY BY_OWNER ANY, LINKS(""), { "f#0", "f#2" }, 2, 1,
	    0 },
	{ POLICY_NAMED, ANY BY_OWNER,
	    LINKS(LINK("t", "l1", ANN) "," LINK("t", "l2", ANN)),
	    { "f#0", "l1", "l2" }, 3, 1, 2 },
	/* Positions count templates; the template's @id is no id there. */
	{ POLICY_BY_POSITION, BY_OWNER ANY, LINKS(LINK("policy0", "t", ANN)),
	    { "policy1", "t" }, 2, 1, 1 },
	{ POLICY_NAMED, "permit (principal in ?principal, action, resource);",
	    LINKS(LINK("f#0", "", ANN)), { "" }, 1, 1, 1 },
	{ POLICY_NAMED, ANY, "{}", { "f#0" }, 1, 0, 0 },
};

START_TEST(links_decide_templates_do_not)
{
	struct policy_set *set = policy_set_new(sets[_i].naming);
	struct errors e = { 0 };

	ck_assert_msg(
	    build(set, sets[_i].text, sets[_i].json, &e), "%s", e.e[0].msg);
	ck_assert_uint_eq(policy_set_count(set), sets[_i].n);
	ck_assert_uint_eq(policy_set_templates(set), sets[_i].templates);
	ck_assert_uint_eq(policy_set_links(set), sets[_i].links);
	for (uint32_t i = 0; i < sets[_i].n; i++)
		ck_str_is(policy_set_info(set, i).id, sets[_i].ids[i]);
	policy_set_free(set);
}
END_TEST

/* Refused, with the place in the JSON. */
static const struct {
	const char *note, *text, *json;
	enum err_code code;
	uint32_t line, col, len;
	const char *says;
} bad[] = {
	{ "no such template", BY_OWNER, LINKS("\n" LINK("x", "l", ANN)),
	    ERR_NAME_TEMPLATE, 2, 16, 3, "no template has the id `x`" },
	{ "a policy", "@id(\"p\")" ANY, LINKS(LINK("p", "l", "")),
	    ERR_NAME_TEMPLATE, 1, 35, 3, "found `p`" },
	{ "a link", BY_OWNER,
	    LINKS(LINK("t", "l", ANN) ",\n" LINK("l", "m", ANN)),
	    ERR_NAME_TEMPLATE, 2, 16, 3, "found `l`" },
	{ "missing slot", BY_OWNER, LINKS("\n" LINK("t", "l", "")),
	    ERR_TYPE_SLOTS, 2, 1, 47, "`?principal` of the template is not" },
	{ "extra slot", BY_OWNER, LINKS(LINK("t", "l", ANN ",\n" DOC)),
	    ERR_TYPE_SLOTS, 2, 1, 11, "no slot `?resource`" },
	{ "the template's id", BY_OWNER, LINKS("\n" LINK("t", "t", ANN)),
	    ERR_NAME_DUPLICATE, 2, 30, 3, "first at f:1" },
	{ "a policy's id", BY_OWNER ANY, LINKS("\n" LINK("t", "f#1", ANN)),
	    ERR_NAME_DUPLICATE, 2, 30, 5, "first at f:2" },
	{ "another link's id", BY_OWNER,
	    LINKS(LINK("t", "l", ANN) ",\n" LINK("t", "l", ANN)),
	    ERR_NAME_DUPLICATE, 2, 30, 3, "first at l.json:1" },
	{ "unknown slot", BY_OWNER,
	    LINKS(LINK("t", "l", "\n\"?principle\": {}")), ERR_JSON_SHAPE, 2, 1,
	    12, "unknown key `?principle`" },
	{ "unknown key", BY_OWNER, "{\"templatelinks\": []}", ERR_JSON_SHAPE, 1,
	    2, 15, "unknown key `templatelinks`" },
	{ "no id", BY_OWNER, LINKS("{\"templateId\": \"t\", \"values\": {}}"),
	    ERR_JSON_SHAPE, 1, 20, 33, "`newId` is missing" },
	{ "an id that is none", BY_OWNER,
	    LINKS("\n{\"templateId\": \"t\", \"newId\": true, \"values\": {}}"),
	    ERR_JSON_SHAPE, 2, 1, 48, "expected a string, found a boolean" },
	{ "a type that is none", BY_OWNER,
	    LINKS(LINK("t", "l",
		"\"?principal\":\n{\"type\": \"U V\", \"id\": \"a\"}")),
	    ERR_JSON_SHAPE, 2, 1, 26, "no entity type" },
	{ "a bound list", BY_OWNER,
	    LINKS(LINK("t", "l", "\"?principal\":\n[]")), ERR_JSON_SHAPE, 2, 1,
	    2, "expected an entity, found an array" },
	{ "no list", BY_OWNER, "{\"templateLinks\": {}}", ERR_JSON_SHAPE, 1, 19,
	    2, "expected an array" },
	{ "a list", BY_OWNER, " []", ERR_JSON_SHAPE, 1, 2, 2,
	    "expected an object" },
	{ "no JSON", BY_OWNER, "permit", ERR_JSON_SYNTAX, 1, 1, 1, "" },
	{ "NUL in a key", BY_OWNER, "{\"a\\u0000\": 1}", ERR_JSON_NUL_KEY, 1, 2,
	    1, "NUL" },
};

START_TEST(wrong_links_are_refused)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct errors e = { 0 };

	ck_assert_msg(
	    !build(set, bad[_i].text, bad[_i].json, &e), "%s", bad[_i].note);
	ck_assert_uint_eq(e.n, 1);
	ck_assert_msg(
	    e.e[0].code == bad[_i].code && e.e[0].at.line == bad[_i].line &&
		e.e[0].at.col == bad[_i].col && e.e[0].at.len == bad[_i].len,
	    "%s: %s at %u:%u+%u: %s", bad[_i].note, error_id(e.e[0].code),
	    e.e[0].at.line, e.e[0].at.col, e.e[0].at.len, e.e[0].msg);
	ck_assert_str_eq(e.e[0].at.file, "l.json");
	ck_assert_msg(strstr(e.e[0].msg, bad[_i].says) != NULL, "%s: %s",
	    bad[_i].note, e.e[0].msg);
	policy_set_free(set);
}
END_TEST

/* --- what a link is for a request -------------------------------------- */

#define BOTH                                                                   \
	"@id(\"t\") @note(\"x\")\nforbid (principal not in [?principal, "      \
	"User::\"bob\"], action, resource is Doc in ?resource)\nwhen { "       \
	"context.x };\n"

static const struct {
	const char *principal;
	enum eval_outcome want;
} asks[] = {
	{ "ann", EVAL_FALSE },
	{ "bob", EVAL_FALSE },
	{ "eve", EVAL_TRUE },
};

static void
ask(const struct policy_set *set, const char *principal, enum eval_outcome want)
{
	const struct value_field x = { STR("x"), value_bool(true) };
	struct value context = { .kind = VALUE_RECORD, .record = { &x, 1 } };
	struct eval_request r = {
		.principal = { STR("User"), str_of(principal) },
		.action = { STR("Action"), STR("view") },
		.resource = { STR("Doc"), STR("d") },
		.context = &context,
	};
	struct arena *a = arena_new(0);
	struct error e = { 0 };

	ck_assert_int_eq(policy_eval(set, 0, &r, a, NULL, &e), want);
	arena_free(a);
}

START_TEST(links_are_evaluated_with_their_bindings)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct errors e = { 0 };

	ck_assert_msg(build(set, BOTH, LINKS(LINK("t", "l", ANN "," DOC)), &e),
	    "%s", e.e[0].msg);
	ask(set, asks[_i].principal, asks[_i].want);
	policy_set_free(set);
}
END_TEST

START_TEST(links_are_shown_with_their_bindings)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct arena *a = arena_new(0);
	struct errors e = { 0 };
	struct buf out = { 0 };
	const struct ast *t;

	ck_assert(build(set, BOTH, LINKS(LINK("t", "l", ANN "," DOC)), &e));
	policy_print(set, 0, &out);
	ck_str_is(buf_str(&out),
	    "@id(\"l\")\n@note(\"x\")\n"
	    "forbid (principal not in [User::\"ann\", User::\"bob\"], "
	    "action, resource is Doc in Doc::\"d\")\n"
	    "when { context.x };\n");
	t = set->instances[0].ast;
	ck_str_is(policy_place_text(set, 0, t->policies[0].scope[0], a),
	    "principal not in [User::\"ann\", User::\"bob\"]");
	ck_str_is(
	    policy_place_text(set, 0, t->kids[t->policies[0].first_cond], a),
	    "when { context.x }");
	ck_assert_int_eq(policy_set_info(set, 0).effect, POLICY_DENY);
	ck_assert_str_eq(policy_set_info(set, 0).at.file, "f");
	ck_assert_uint_eq(policy_set_info(set, 0).at.line, 2);
	ck_assert_uint_eq(policy_set_info(set, 0).at.len, 6);
	buf_free(&out);
	arena_free(a);
	policy_set_free(set);
}
END_TEST

START_TEST(templates_without_links_are_warned_of)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct errors e = { 0 };

	ck_assert(build(set,
	    BY_OWNER "permit (principal, action, resource == ?resource);",
	    LINKS(LINK("t", "l", ANN)), &e));
	policy_set_warnings(set, &e);
	ck_assert_uint_eq(e.n, 1);
	ck_assert_int_eq(e.e[0].code, ERR_SYNTAX_UNLINKED);
	ck_assert_uint_eq(e.e[0].at.line, 2);
	ck_assert_uint_eq(e.e[0].at.col, 1);
	ck_assert_ptr_nonnull(strstr(e.e[0].msg, "`f#1`"));
	policy_set_free(set);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("instances");
	TCase *tc = tcase_create("instances");

	tcase_add_loop_test(
	    tc, links_decide_templates_do_not, 0, ARRAY_LEN(sets));
	tcase_add_loop_test(tc, wrong_links_are_refused, 0, ARRAY_LEN(bad));
	tcase_add_loop_test(
	    tc, links_are_evaluated_with_their_bindings, 0, ARRAY_LEN(asks));
	tcase_add_test(tc, links_are_shown_with_their_bindings);
	tcase_add_test(tc, templates_without_links_are_warned_of);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
