/* Translation to Cedar: what it writes, what it refuses at which place, and
 * that what it writes decides alike, errors included. */
#include <stdio.h>

#include "policy/set.h"
#include "tests/lib/run.h"

static struct policy_set *
load(const char *file, struct str text, enum policy_dialect dialect)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct errors e = { 0 };

	ck_assert_msg(policy_set_add_text(set, file, text, dialect, &e) &&
			  policy_set_finish(set, &e),
	    "%.*s: %s", STR_ARG(text), e.e[0].msg);
	return set;
}

#define REST ", action, resource);"

static const struct {
	const char *text, *want;
} rows[] = {
	/* Nothing to do: as it was, with comments. */
	{ "// a\npermit(principal" REST " // b",
	    "// a\npermit (principal" REST " // b\n" },
	{ "deny (principal" REST, "forbid (principal" REST "\n" },
	{ "permit (principal != U::\"a\"" REST,
	    "permit (principal, action, resource)\nwhen { principal != "
	    "U::\"a\" };\n" },
	{ "permit (principal not in U::\"a\"" REST,
	    "permit (principal, action, resource)\nwhen { !(principal in "
	    "U::\"a\") };\n" },
	{ "permit (principal in [U::\"a\"]" REST,
	    "permit (principal in U::\"a\"" REST "\n" },
	{ "permit (principal in [U::\"a\", V::\"b\"]" REST,
	    "permit (principal, action, resource)\nwhen { (principal in "
	    "U::\"a\" || principal in V::\"b\") };\n" },
	{ "permit (principal in []" REST,
	    "permit (principal, action, resource)\nwhen { false };\n" },
	{ "permit (principal not in []" REST, "permit (principal" REST "\n" },
	{ "permit (principal is [T] in [U::\"a\"]" REST,
	    "permit (principal is T in U::\"a\"" REST "\n" },
	{ "permit (principal is not T in U::\"a\"" REST,
	    "permit (principal in U::\"a\", action, resource)\nwhen { "
	    "!(principal is T) };\n" },
	{ "permit (principal is [A, B] not in [U::\"a\", U::\"b\"]" REST,
	    "permit (principal, action, resource)\nwhen { (principal is A || "
	    "principal is B) && !(principal in U::\"a\" || principal in "
	    "U::\"b\") };\n" },
	{ "permit (principal, action is Action, resource not in R::\"a\")\n"
	  "when { true } unless { false };",
	    "permit (principal, action, resource)\nwhen { action is Action && "
	    "!(resource in R::\"a\") }\nwhen { true }\nunless { false };\n" },
	{ "permit (principal, action in [Action::\"a\", Action::\"b\"], "
	  "resource != R::\"\\0\");",
	    "permit (principal, action in [Action::\"a\", Action::\"b\"], "
	    "resource)\nwhen { resource != R::\"\\0\" };\n" },
	{ "permit (principal like U::\"a\\*\"" REST,
	    "permit (principal == U::\"a*\"" REST "\n" },
	{ "permit (principal not like U::\"**\"" REST,
	    "permit (principal, action, resource)\nwhen { !(principal is U) "
	    "};\n" },
	{ "permit (principal, action like Action::\"*\", resource like "
	  "R::\"*\");",
	    "permit (principal, action, resource is R)\nwhen { action is "
	    "Action };\n" },
	{ "@id(\"t\") permit (principal in [?principal]" REST,
	    "@id(\"t\")\npermit (principal in ?principal" REST "\n" },
};

START_TEST(what_cedar_can_say_is_written)
{
	struct policy_set *set = load("f", str_of(rows[_i].text), POLICY_AVOW);
	struct errors e = { 0 };
	struct buf out = { 0 };

	ck_assert_msg(policy_set_to_text(set, POLICY_CEDAR, &out, &e), "%s: %s",
	    rows[_i].text, e.e[0].msg);
	ck_str_is(buf_str(&out), rows[_i].want);
	policy_set_free(set);
	policy_set_free(load("t", buf_str(&out), POLICY_CEDAR));
	buf_free(&out);
}
END_TEST

static const struct {
	const char *text;
	uint32_t line, col, len;
} bad[] = {
	{ "permit (principal like U::\"a*\"" REST, 1, 19, 12 },
	{ "permit (principal not like U::\"${action}\"" REST, 1, 19, 23 },
	{ "permit (principal != ?principal" REST, 1, 22, 10 },
	{ "permit (principal in [U::\"a\", ?principal]" REST, 1, 31, 10 },
	{ "permit (principal, action, resource not in ?resource);", 1, 44, 9 },
	{ "permit (principal, action, resource)\nwhen { \"a\" matches \"b\" "
	  "};",
	    2, 8, 15 },
	{ "permit (principal, action, resource)\nwhen { [].anyLike(\"b\") };",
	    2, 8, 15 },
	{ "permit (principal, action, resource)\nwhen { "
	  "version(\"1\").lessThan(version(\"1\")) };",
	    2, 8, 12 },
	{ "indivisible action [Action::\"a\"];", 1, 1, 33 },
};

START_TEST(what_cedar_cannot_say_is_refused)
{
	struct policy_set *set = load("f", str_of(bad[_i].text), POLICY_AVOW);
	struct errors e = { 0 };
	struct buf out = { 0 };

	ck_assert(!policy_set_to_text(set, POLICY_CEDAR, &out, &e));
	ck_assert_uint_eq(out.n, 0);
	ck_assert_int_eq(e.e[0].code, ERR_SYNTAX_UNTRANSLATABLE);
	ck_assert_msg(e.e[0].at.line == bad[_i].line &&
			  e.e[0].at.col == bad[_i].col &&
			  e.e[0].at.len == bad[_i].len,
	    "%s: %u:%u+%u", bad[_i].text, e.e[0].at.line, e.e[0].at.col,
	    e.e[0].at.len);
	policy_set_free(set);
}
END_TEST

/* --- JSON to text ------------------------------------------------------- */

#define ALL                                                                    \
	"\"action\": {\"op\": \"All\"}, \"resource\": {\"op\": \"All\"}, "     \
	"\"conditions\": []"
#define STATIC "\"effect\": \"permit\", \"principal\": {\"op\": \"All\"}, " ALL
#define TEMPLATE                                                               \
	"\"effect\": \"forbid\", \"principal\": {\"op\": \"==\", \"slot\": "   \
	"\"?principal\"}, " ALL ", \"annotations\": {\"id\": \"x\", "          \
	"\"b\": null}"

START_TEST(ids_of_json_become_annotations)
{
	static const char json[] =
	    "{\"staticPolicies\": {\"p\": {" STATIC "}, \"q\": {" STATIC
	    ", \"annotations\": {\"id\": \"kept\"}}}, \"templates\": {\"t\": "
	    "{" TEMPLATE "}}, \"templateLinks\": [{\"templateId\": \"t\", "
	    "\"newId\": \"l\", \"values\": {\"?principal\": {\"type\": \"U\", "
	    "\"id\": \"a\"}}}]}";
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct errors e = { 0 };
	struct buf out = { 0 };

	ck_assert(policy_set_add_json(set, "f.json", str_of(json), &e) &&
		  policy_set_finish(set, &e));
	ck_assert(
	    policy_set_to_text(set, _i ? POLICY_CEDAR : POLICY_AVOW, &out, &e));
	ck_str_is(buf_str(&out),
	    "@id(\"p\")\npermit (principal" REST "\n\n"
	    "@id(\"kept\")\npermit (principal" REST "\n\n"
	    "@id(\"x\")\n@b\nforbid (principal == ?principal" REST "\n\n"
	    "@id(\"l\")\n@b\nforbid (principal == U::\"a\"" REST "\n");
	buf_free(&out);
	policy_set_free(set);
}
END_TEST

/* --- deciding alike ------------------------------------------------------ */

static uint64_t state;

static unsigned
roll(unsigned n)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % n;
}

static const char *
pick(const char *const *of, size_t n)
{
	return of[roll((unsigned)n)];
}

static void
put_test(struct buf *out, unsigned var)
{
	static const char *const things[] = { "== E", "!= E", "in E",
		"not in E", "in []", "not in []", "in [E]", "in [E, E]",
		"not in [E, E]", "is T", "is not T", "is [T]", "is [T, T]",
		"is not [T, T]", "is T in E", "is T not in E", "is not T in E",
		"is not T not in [E, E]", "is [T, T] in [E, E]",
		"like T::\"a\"", "not like T::\"b\"", "like T::\"*\"",
		"not like T::\"*\"", "" };
	static const char *const types[] = { "U", "G", "N::U" };
	const char *form = pick(things, ARRAY_LEN(things));

	for (; *form; form++) {
		const char *type =
		    var == 1 ? "Action" : pick(types, ARRAY_LEN(types));

		if (*form == 'E')
			buf_printf(out, "%s::\"%c\"", type, 'a' + roll(2));
		else if (*form == 'T')
			buf_addz(out, type);
		else
			buf_byte(out, *form);
	}
}

static void
put_policy(struct buf *out)
{
	static const char *const conditions[] = { "", " when { true }",
		" unless { context.x }", " when { context.missing }",
		" when { 1 }", " when { principal has a && principal.a > 1 }",
		" when { 9223372036854775807 + 1 == 1 }",
		" unless { principal in resource }" };
	static const char *const words[] = { "permit", "forbid", "deny" };

	buf_addz(out, pick(words, ARRAY_LEN(words)));
	buf_addz(out, " (principal ");
	put_test(out, 0);
	buf_addz(out, ", action ");
	put_test(out, 1);
	buf_addz(out, ", resource ");
	put_test(out, 2);
	buf_addz(out, ")");
	for (unsigned i = roll(3); i > 0; i--)
		buf_addz(out, pick(conditions, ARRAY_LEN(conditions)));
	buf_addz(out, ";\n");
}

static struct entities *
make_world(struct arena *a)
{
	static const char json[] =
	    "[{\"uid\": {\"type\": \"U\", \"id\": \"a\"}, \"attrs\": {\"a\": "
	    "\"no\"}, \"parents\": [{\"type\": \"G\", \"id\": \"a\"}]}, "
	    "{\"uid\": {\"type\": \"Action\", \"id\": \"a\"}, \"attrs\": {}, "
	    "\"parents\": [{\"type\": \"Action\", \"id\": \"b\"}]}]";
	struct entities *world = entities_new(a, NULL);
	struct error e = { 0 };

	ck_assert(entities_add_text(world, str_of(json), "e", &e) &&
		  entities_finish(world, &e));
	return world;
}

/* All requests over a small world. */
static void
compare(const struct policy_set *ours, const struct policy_set *theirs,
    const struct entities *world)
{
	static const struct uid who[] = { { STR_INIT("U"), STR_INIT("a") },
		{ STR_INIT("U"), STR_INIT("b") },
		{ STR_INIT("G"), STR_INIT("a") },
		{ STR_INIT("N::U"), STR_INIT("b") } };
	static const struct uid acts[] = { { STR_INIT("Action"),
					       STR_INIT("a") },
		{ STR_INIT("Action"), STR_INIT("b") } };
	const struct value_field x = { STR("x"), value_bool(false) };
	struct value context = { .kind = VALUE_RECORD, .record = { &x, 1 } };
	struct arena *scratch = arena_new(0);

	for (unsigned i = 0; i < ARRAY_LEN(who) * 2 * ARRAY_LEN(who); i++) {
		struct eval_request r = { who[i % 4], acts[i / 4 % 2],
			who[i / 8], &context, world };
		struct error e = { 0 }, f = { 0 };
		struct buf text = { 0 };
		enum eval_outcome was =
		    policy_eval(ours, 0, &r, scratch, NULL, &e);
		enum eval_outcome is =
		    policy_eval(theirs, 0, &r, scratch, NULL, &f);

		policy_print(ours, 0, &text);
		policy_print(theirs, 0, &text);
		ck_assert_msg(was == is && e.code == f.code,
		    "request %u: %d (%s), then %d (%s)\n%.*s", i, (int)was,
		    error_id(e.code), (int)is, error_id(f.code),
		    STR_ARG(buf_str(&text)));
		buf_free(&text);
		arena_reset(scratch);
	}
	arena_free(scratch);
}

/* Of the text as Cedar, and of its JSON. */
START_TEST(translations_decide_alike)
{
	struct arena *a = arena_new(0);
	struct entities *world = make_world(a);

	state = (uint64_t)_i + 1;
	for (unsigned i = 0; i < 100; i++) {
		struct buf text = { 0 }, cedar = { 0 }, json = { 0 };
		struct policy_set *ours, *theirs, *again;
		struct errors e = { 0 };
		json_t *tree = NULL;

		put_policy(&text);
		ours = load("f", buf_str(&text), POLICY_AVOW);
		ck_assert_msg(
		    policy_set_to_text(ours, POLICY_CEDAR, &cedar, &e),
		    "%.*s: %s", STR_ARG(buf_str(&text)), e.e[0].msg);
		theirs = load("f", buf_str(&cedar), POLICY_CEDAR);
		compare(ours, theirs, world);
		ck_assert(policy_set_to_json(ours, &tree, &e) &&
			  json_write(&json, tree));
		again = policy_set_new(POLICY_NAMED);
		ck_assert_msg(
		    policy_set_add_json(again, "j", buf_str(&json), &e) &&
			policy_set_finish(again, &e),
		    "%.*s: %s", STR_ARG(buf_str(&json)), e.e[0].msg);
		compare(ours, again, world);
		json_decref(tree);
		policy_set_free(ours);
		policy_set_free(theirs);
		policy_set_free(again);
		buf_free(&text);
		buf_free(&cedar);
		buf_free(&json);
	}
	arena_free(a);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("translate");
	TCase *tc = tcase_create("translate");

	tcase_add_loop_test(
	    tc, what_cedar_can_say_is_written, 0, ARRAY_LEN(rows));
	tcase_add_loop_test(
	    tc, what_cedar_cannot_say_is_refused, 0, ARRAY_LEN(bad));
	tcase_add_loop_test(tc, ids_of_json_become_annotations, 0, 2);
	tcase_add_loop_test(tc, translations_decide_alike, 0, 10);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
