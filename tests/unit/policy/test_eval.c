/* test_eval.c - every operator's outcome, error and place; scopes with their
 * negations; what evaluation tells, and what it does at its limits. */
#include "policy/policy.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/run.h"

static struct arena *a;
static struct entities *world;
static struct value context;

static const char entities_json[] =
    "[{\"uid\": {\"type\": \"User\", \"id\": \"ann\"}, \"attrs\": {"
    "  \"owner\": \"acme\", \"age\": 7, \"me\": {\"__entity\": {\"type\": "
    "\"User\", \"id\": \"ann\"}}, \"os\": {\"name\": \"deb\"}, "
    "  \"if\": true, \"ghost\": {\"__entity\": {\"type\": \"User\", \"id\": "
    "\"ghost\"}}}, "
    "  \"tags\": {\"env\": \"prod\"}, "
    "  \"parents\": [{\"type\": \"Group\", \"id\": \"g\"}]}, "
    " {\"uid\": {\"type\": \"Group\", \"id\": \"g\"}, \"attrs\": {}, "
    "  \"parents\": [{\"type\": \"Group\", \"id\": \"top\"}]}]";

static const char context_json[] =
    "{\"n\": 1, \"s\": \"text\", \"set\": [1, 2], \"rec\": {\"a\": {\"b\": "
    "1}}, \"min\": -9223372036854775808, \"max\": 9223372036854775807, "
    "\"t\": true, \"f\": false, "
    "\"now\": {\"__extn\": {\"fn\": \"datetime\", \"arg\": \"2024-01-01\"}}}";

static json_t *
parse_json(const char *text)
{
	struct error err = { 0 };
	json_t *json;

	ck_assert_msg(json_parse(str_of(text), "t", 1u << 20, 100,
			  JSON_DATA_FILE, &json, &err),
	    "%s", err.msg);
	return json;
}

static void
setup(void)
{
	struct error err = { 0 };
	json_t *json = parse_json(entities_json);

	a = arena_new(0);
	world = entities_new(a, NULL);
	ck_assert_msg(entities_add_json(world, json, "e.json", &err) &&
			  entities_finish(world, &err),
	    "%s", err.msg);
	json_decref(json);
	json = parse_json(context_json);
	ck_assert_msg(
	    value_from_json(a, json, "context", &context, &err), "%s", err.msg);
	json_decref(json);
}

static void
teardown(void)
{
	arena_free(a);
}

static struct policy_set *
load(const char *text)
{
	struct policy_set *set = policy_set_new(POLICY_BY_POSITION);
	struct errors errors = { 0 };

	ck_assert_msg(policy_set_add_text(
			  set, "p.avow", str_of(text), POLICY_AVOW, &errors) &&
			  policy_set_finish(set, &errors),
	    "%s: %s", text, errors.e[0].msg);
	return set;
}

static struct eval_request
request(void)
{
	return (struct eval_request){
		.principal = { STR_INIT("User"), STR_INIT("ann") },
		.action = { STR_INIT("Action"), STR_INIT("read") },
		.resource = { STR_INIT("Doc"), STR_INIT("acme/a*b/x") },
		.context = &context,
		.entities = world,
	};
}

static enum eval_outcome
eval(const char *text, const struct eval_trace *trace, struct error *err)
{
	struct policy_set *set = load(text);
	struct eval_request r = request();
	enum eval_outcome outcome = policy_eval(set, 0, &r, a, trace, err);

	/* The file's name is the set's. */
	if (outcome == EVAL_ERROR)
		ck_assert_str_eq(err->at.file, "p.avow");
	err->at.file = NULL;
	policy_set_free(set);
	return outcome;
}

/* --- conditions ----------------------------------------------------------- */

#define T EVAL_TRUE, 0, 0, NULL
#define F EVAL_FALSE, 0, 0, NULL
#define E(code, col, msg) EVAL_ERROR, code, col, msg

static const struct {
	const char *text;
	enum eval_outcome want;
	enum err_code code;
	uint32_t col;
	const char *msg;
} conditions[] = {
	{ "true", T },
	{ "false", F },
	{ "1", E(ERR_EVAL_TYPE, 1, "`when` needs a bool, found long") },
	/* matches: found anywhere, Unicode, `$` is the very end. */
	{ "\"a\\nbc\" matches \"b\"", T },
	{ "\"abc\" matches \"^b\"", F },
	{ "\"abc\" matches \"\"", T },
	{ "\"\" matches \"^$\"", T },
	{ "\"ABC\" matches \"abc\"", F },
	{ "\"ABC\" matches \"(?i)abc\"", T },
	{ "\"a\\n\" matches \"a$\"", F },
	{ "\"a\\nb\" matches \"a.b\"", F },
	{ "\"a\\rb\" matches \"a.b\"", T },
	{ "\"\u00e9t\u00e9\" matches \"^\\\\w{3}$\"", T },
	{ "\"\u0664\" matches \"^\\\\d$\"", T },
	{ "\"a\\0b\" matches \"^a\\0b$\"", T },
	{ "\"a\" + 1 == 1 && \"a\" matches \"a\"",
	    E(ERR_EVAL_TYPE, 1, "`+` needs two longs, found string and long") },
	{ "1 matches \"a\"",
	    E(ERR_EVAL_TYPE, 1, "`matches` needs a string, found long") },
	{ "!(\"a\" matches \"b\") && \"a\" matches \"a\"", T },
	/* The members of a set. */
	{ "[\"ab\", \"c\"].anyLike(\"a*\")", T },
	{ "[\"ab\", \"c\"].allLike(\"a*\")", F },
	{ "[\"ab\", \"ac\"].allLike(\"a*\")", T },
	{ "[\"a*\", \"b\"].anyLike(\"a\\*\")", T },
	{ "[\"ab\", \"c\"].anyMatches(\"^.$\")", T },
	{ "[\"ab\", \"c\"].allMatches(\"^.$\")", F },
	{ "[].anyLike(\"*\")", F },
	{ "[].allLike(\"x\",)", T },
	{ "[].anyMatches(\"\")", F },
	{ "[].allMatches(\"x\")", T },
	{ "[\"a\", 1].anyLike(\"a\")",
	    E(ERR_EVAL_TYPE, 1,
		"`anyLike` needs a set of strings, found long in it") },
	{ "[\"a\", 1].allMatches(\"b\")",
	    E(ERR_EVAL_TYPE, 1,
		"`allMatches` needs a set of strings, found long in it") },
	{ "\"a\".anyLike(\"a\")",
	    E(ERR_EVAL_TYPE, 1, "`anyLike` needs a set, found string") },
	/* Versions. */
	{ "version(\"1.2\") == version(\"1.2.0\")", T },
	{ "version(\"1.2\") == debversion(\"1.2\")", F },
	{ "version(\"1.10.0-rc.1\").lessThan(version(\"1.10\"))", T },
	{ "debversion(\"1:1.0\").greaterThan(debversion(\"2.0\"))", T },
	{ "rpmversion(\"5.14.0-362.8.1\")"
	  ".greaterThanOrEqual(rpmversion(\"5.14.0-362\"))",
	    T },
	{ "[version(\"1\"), version(\"1.0\")] == [version(\"1.0.0\")]", T },
	{ "version(context.nope) == 1",
	    E(ERR_EVAL_MISSING_ATTRIBUTE, 9,
		"`context` has no attribute `nope`") },
	{ "version(\"1.\") == 1",
	    E(ERR_EVAL_EXTENSION, 1,
		"`1.` is no text that `version` can read") },
	{ "version(\"1\").lessThan(rpmversion(\"1\"))",
	    E(ERR_EVAL_TYPE, 1, "`lessThan` needs version, found rpmversion") },
	{ "version(\"1\") < version(\"2\")",
	    E(ERR_EVAL_TYPE, 1,
		"`<` needs two longs, datetimes or durations, found version "
		"and version") },
	/* Equality is total. */
	{ "1 == 1", T },
	{ "1 == \"1\"", F },
	{ "1 != \"1\"", T },
	{ "[1, [2, 1], 1] == [[1, 2], 1]", T },
	{ "{a: 1, b: 2} == {b: 2, \"a\": 1}", T },
	{ "{a: 1} == {a: 1, b: 2}", F },
	{ "principal == User::\"ann\"", T },
	{ "principal == Uzer::\"ann\"", F },
	{ "ip(\"10.0.0.1/24\") == ip(\"10.0.0.0/24\")", F },
	{ "decimal(\"1.0\") == decimal(\"1.00\")", T },
	/* Logic. */
	{ "true && false", F },
	{ "false && 1", F },
	{ "true || 1", T },
	{ "false && context.nope", F },
	{ "true || context.nope", T },
	{ "true && 1", E(ERR_EVAL_TYPE, 1, "`&&` needs a bool, found long") },
	{ "false || 1", E(ERR_EVAL_TYPE, 1, "`||` needs a bool, found long") },
	{ "1 && true", E(ERR_EVAL_TYPE, 1, "`&&` needs a bool, found long") },
	{ "\"\" || true",
	    E(ERR_EVAL_TYPE, 1, "`||` needs a bool, found string") },
	{ "!true", F },
	{ "!!true", T },
	{ "!1", E(ERR_EVAL_TYPE, 1, "`!` needs a bool, found long") },
	{ "if true then true else context.nope", T },
	{ "if false then 1 else false", F },
	{ "if 1 then true else true",
	    E(ERR_EVAL_TYPE, 1, "`if` needs a bool, found long") },
	{ "if context.t then 1 else true",
	    E(ERR_EVAL_TYPE, 1, "`when` needs a bool, found long") },
	/* Numbers. */
	{ "1 + 2 * 3 - 4 == 3", T },
	{ "-context.n == -1", T },
	{ "-9223372036854775808 == context.min", T },
	{ "context.max + 1 == 0",
	    E(ERR_EVAL_OVERFLOW, 1,
		"the result of `+` does not fit into 64 bits") },
	{ "context.min - 1 == 0",
	    E(ERR_EVAL_OVERFLOW, 1,
		"the result of `-` does not fit into 64 bits") },
	{ "true && context.min * -1 == 0",
	    E(ERR_EVAL_OVERFLOW, 9,
		"the result of `*` does not fit into 64 bits") },
	{ "-context.min == 0",
	    E(ERR_EVAL_OVERFLOW, 1,
		"the result of `-` does not fit into 64 bits") },
	{ "\"a\" + 1 == 0",
	    E(ERR_EVAL_TYPE, 1, "`+` needs two longs, found string and long") },
	{ "-\"a\" == 0",
	    E(ERR_EVAL_TYPE, 1, "`-` needs a long, found string") },
	{ "1 < 2 && 2 <= 2 && 3 > 2 && 2 >= 2", T },
	{ "2 < 2 || 3 <= 2 || 2 > 2 || 1 >= 2", F },
	{ "duration(\"1h\") < duration(\"61m\")", T },
	{ "context.now >= datetime(\"2023-12-31\")", T },
	{ "\"a\" < \"b\"",
	    E(ERR_EVAL_TYPE, 1,
		"`<` needs two longs, datetimes or durations, found string "
		"and string") },
	{ "context.now < duration(\"1h\")",
	    E(ERR_EVAL_TYPE, 1,
		"`<` needs two longs, datetimes or durations, found datetime "
		"and duration") },
	{ "decimal(\"1.0\") < decimal(\"2.0\")",
	    E(ERR_EVAL_TYPE, 1,
		"`<` needs two longs, datetimes or durations, found decimal "
		"and decimal") },
	/* Both sides are evaluated, the left one first. */
	{ "context.x == context.y", E(ERR_EVAL_MISSING_ATTRIBUTE, 1,
					"`context` has no attribute `x`") },
	{ "1 + (context.y == 1) == 0", E(ERR_EVAL_MISSING_ATTRIBUTE, 6,
					   "`context` has no attribute `y`") },
	/* in, is */
	{ "principal in Group::\"top\"", T },
	{ "principal in principal", T },
	{ "User::\"new\" in User::\"new\"", T },
	{ "User::\"new\" in Group::\"g\"", F },
	{ "principal in []", F },
	{ "principal in [Group::\"x\", Group::\"g\"]", T },
	{ "principal in [Group::\"g\", 1]",
	    E(ERR_EVAL_TYPE, 1,
		"`in` needs a set of entities, found long in it") },
	{ "1 in principal",
	    E(ERR_EVAL_TYPE, 1, "`in` needs an entity, found long") },
	{ "principal in 1",
	    E(ERR_EVAL_TYPE, 1,
		"`in` needs an entity or a set of entities on its right, "
		"found long") },
	{ "principal is User", T },
	{ "principal is Group", F },
	{ "principal is No::Such", F },
	{ "principal is User in Group::\"top\"", T },
	{ "principal is User in Group::\"x\"", F },
	{ "principal is Group in context.nope", F },
	{ "principal is User in context.nope",
	    E(ERR_EVAL_MISSING_ATTRIBUTE, 22,
		"`context` has no attribute `nope`") },
	{ "context is User",
	    E(ERR_EVAL_TYPE, 1, "`is` needs an entity, found record") },
	/* Attributes. */
	{ "principal.owner == \"acme\"", T },
	{ "principal[\"if\"]", T },
	{ "principal.me.me.owner == \"acme\"", T },
	{ "context.rec.a.b == 1", T },
	{ "{a: {b: true}}.a.b", T },
	{ "principal.nope == 1", E(ERR_EVAL_MISSING_ATTRIBUTE, 1,
				     "`principal` has no attribute `nope`") },
	{ "true && principal.os.version == \"1\"",
	    E(ERR_EVAL_MISSING_ATTRIBUTE, 9,
		"`principal.os` has no attribute `version`") },
	{ "resource.owner == 1",
	    E(ERR_EVAL_MISSING_ENTITY, 1,
		"`Doc::\"acme/a*b/x\"` is not in the data, so it has no "
		"attribute `owner`") },
	{ "context.n.x == 1",
	    E(ERR_EVAL_TYPE, 1,
		"only entities and records have attributes, found long") },
	/* has */
	{ "principal has owner", T },
	{ "principal has nope", F },
	{ "resource has owner", F },
	{ "context has \"rec\"", T },
	{ "context has rec.a.b", T },
	{ "context has rec.x.b", F },
	{ "principal has me.me.age", T },
	{ "principal has ghost.age", F },
	{ "context has n.x",
	    E(ERR_EVAL_TYPE, 1,
		"`has` needs an entity or a record, found long") },
	{ "context.set has x",
	    E(ERR_EVAL_TYPE, 1,
		"`has` needs an entity or a record, found set") },
	/* Tags. */
	{ "principal.hasTag(\"env\")", T },
	{ "principal.hasTag(\"e\" )", F },
	{ "resource.hasTag(\"env\")", F },
	{ "principal.getTag(\"env\") == \"prod\"", T },
	{ "principal.getTag(\"x\") == 1",
	    E(ERR_EVAL_MISSING_TAG, 1, "`principal` has no tag `x`") },
	{ "resource.getTag(\"x\") == 1",
	    E(ERR_EVAL_MISSING_ENTITY, 1,
		"`Doc::\"acme/a*b/x\"` is not in the data, so it has no tag "
		"`x`") },
	{ "principal.hasTag(1)",
	    E(ERR_EVAL_TYPE, 1, "`hasTag` needs a string, found long") },
	{ "context.getTag(\"x\") == 1",
	    E(ERR_EVAL_TYPE, 1, "`getTag` needs an entity, found record") },
	/* Sets. */
	{ "context.set.contains(2)", T },
	{ "context.set.contains([2])", F },
	{ "context.set.containsAll([2, 1, 1])", T },
	{ "context.set.containsAll([1, 3])", F },
	{ "context.set.containsAll([])", T },
	{ "context.set.containsAny([3, 1])", T },
	{ "context.set.containsAny([3])", F },
	{ "context.set.containsAny([])", F },
	{ "[].isEmpty()", T },
	{ "context.set.isEmpty()", F },
	{ "context.contains(1)",
	    E(ERR_EVAL_TYPE, 1, "`contains` needs a set, found record") },
	{ "context.set.containsAll(1)",
	    E(ERR_EVAL_TYPE, 1, "`containsAll` needs a set, found long") },
	{ "[1, context.nope].contains(1)",
	    E(ERR_EVAL_MISSING_ATTRIBUTE, 5,
		"`context` has no attribute `nope`") },
	{ "{a: context.nope} has a", E(ERR_EVAL_MISSING_ATTRIBUTE, 5,
					 "`context` has no attribute `nope`") },
	/* like */
	{ "context.s like \"t*t\"", T },
	{ "context.s like \"t?xt\"", F },
	{ "\"a*\" like \"a\\*\"", T },
	{ "\"ab\" like \"a\\*\"", F },
	{ "\"${principal.owner}\" like \"${principal.owner}\"", T },
	{ "1 like \"*\"",
	    E(ERR_EVAL_TYPE, 1, "`like` needs a string, found long") },
	/* Extensions. */
	{ "ip(\"127.0.0.1\").isLoopback()", T },
	{ "ip(context.s).isLoopback()",
	    E(ERR_EVAL_EXTENSION, 1, "`text` is no text that `ip` can read") },
	{ "ip(1) == 1",
	    E(ERR_EVAL_TYPE, 1, "`ip` needs a string, found long") },
	{ "ip() == 1",
	    E(ERR_EVAL_ARITY, 1, "`ip` takes 1 arguments, found 0") },
	{ "true && ip(\"::1\", 2) == 1",
	    E(ERR_EVAL_ARITY, 9, "`ip` takes 1 arguments, found 2") },
	{ "context.now.toTime().toHours() == 0", T },
	{ "context.now.offset(duration(\"-1d\")).toDate() == "
	  "datetime(\"2023-12-31\")",
	    T },
	{ "context.now.offset(1) == 1",
	    E(ERR_EVAL_TYPE, 1, "`offset` needs duration, found long") },
	{ "unknown(\"x\")",
	    E(ERR_EVAL_EXTENSION, 1, "`unknown` has no value here") },
};

START_TEST(eval_conditions)
{
	struct error err = { 0 };
	char text[400];
	enum eval_outcome got;

	snprintf(text, sizeof text,
	    "permit(principal, action, resource) when {\n%s\n};",
	    conditions[_i].text);
	got = eval(text, NULL, &err);
	ck_assert_msg(got == conditions[_i].want, "%s: outcome %d, %s",
	    conditions[_i].text, (int)got, err.msg);
	ck_assert_msg(err.code == conditions[_i].code, "%s: %s",
	    conditions[_i].text, error_id(err.code));
	if (got != EVAL_ERROR)
		return;
	ck_assert_str_eq(err.msg, conditions[_i].msg);
	ck_assert_uint_eq(err.at.line, 2);
	ck_assert_msg(err.at.col == conditions[_i].col, "%s: column %u",
	    conditions[_i].text, err.at.col);
}
END_TEST

/* --- scopes and clauses ----------------------------------------------------
 */

#define P(scope) "permit(" scope ", action, resource);"
#define R(scope) "permit(principal, action, " scope ");"

static const struct {
	const char *text;
	enum eval_outcome want;
	enum err_code code;
} policies[] = {
	{ P("principal == User::\"ann\""), EVAL_TRUE, 0 },
	{ P("principal == User::\"bob\""), EVAL_FALSE, 0 },
	{ P("principal != User::\"ann\""), EVAL_FALSE, 0 },
	{ P("principal != User::\"bob\""), EVAL_TRUE, 0 },
	{ P("principal in Group::\"top\""), EVAL_TRUE, 0 },
	{ P("principal in [Group::\"x\", Group::\"g\"]"), EVAL_TRUE, 0 },
	{ P("principal not in Group::\"top\""), EVAL_FALSE, 0 },
	{ P("principal not in [Group::\"x\"]"), EVAL_TRUE, 0 },
	{ P("principal in []"), EVAL_FALSE, 0 },
	{ P("principal not in []"), EVAL_TRUE, 0 },
	{ P("principal is User"), EVAL_TRUE, 0 },
	{ P("principal is [Doc, User]"), EVAL_TRUE, 0 },
	{ P("principal is not User"), EVAL_FALSE, 0 },
	{ P("principal is not [Doc, Group]"), EVAL_TRUE, 0 },
	{ P("principal is not Doc in Group::\"g\""), EVAL_TRUE, 0 },
	{ P("principal is not Doc in Group::\"x\""), EVAL_FALSE, 0 },
	{ P("principal is User not in Group::\"g\""), EVAL_FALSE, 0 },
	/* `not` before `in` or a slot is Cedar's: a type of that name. */
	{ P("principal is not"), EVAL_FALSE, 0 },
	{ P("principal is not in Group::\"g\""), EVAL_FALSE, 0 },
	{ P("principal is not not in Group::\"x\""), EVAL_FALSE, 0 },
	/* Exact complements, also for what is not in the data. */
	{ R("resource in Folder::\"x\""), EVAL_FALSE, 0 },
	{ R("resource not in Folder::\"x\""), EVAL_TRUE, 0 },
	{ R("resource is not User"), EVAL_TRUE, 0 },
	{ R("resource not like User::\"*\""), EVAL_TRUE, 0 },
	{ R("resource not like User::\"${context.nope}\""), EVAL_TRUE, 0 },
	{ R("resource like User::\"${context.nope}\""), EVAL_FALSE, 0 },
	/* Wildcards. */
	{ R("resource like Doc::\"acme/*\""), EVAL_TRUE, 0 },
	{ R("resource not like Doc::\"acme/*\""), EVAL_FALSE, 0 },
	{ R("resource like Doc::\"acme/a\\*b/*\""), EVAL_TRUE, 0 },
	{ R("resource like Doc::\"${principal.owner}/*\""), EVAL_TRUE, 0 },
	{ R("resource not like Doc::\"${principal.owner}/*\""), EVAL_FALSE, 0 },
	{ R("resource like Doc::\"${principal[\\\"owner\\\"]}/*\""), EVAL_TRUE,
	    0 },
	{ R("resource like Doc::\"*${principal}*\""), EVAL_FALSE, 0 },
	{ R("resource like Doc::\"${resource}\""), EVAL_TRUE, 0 },
	{ R("resource like Doc::\"${principal.me.owner}*\""), EVAL_TRUE, 0 },
	{ R("resource like Doc::\"\\${principal.owner}/*\""), EVAL_FALSE, 0 },
	{ R("resource like Doc::\"${principal.nope}*\""), EVAL_ERROR,
	    ERR_EVAL_MISSING_ATTRIBUTE },
	{ R("resource like Doc::\"${principal.ghost.owner}*\""), EVAL_ERROR,
	    ERR_EVAL_MISSING_ENTITY },
	{ R("resource like Doc::\"${principal.age}*\""), EVAL_ERROR,
	    ERR_EVAL_TYPE },
	{ R("resource like Doc::\"${context}*\""), EVAL_ERROR, ERR_EVAL_TYPE },
	/* A contextual pattern errs only where the rest of the scope holds,
	 * whichever element it stands in. */
	{ "permit(principal like User::\"${context.nope}\", action, "
	  "resource in Folder::\"x\");",
	    EVAL_FALSE, 0 },
	{ "permit(principal like User::\"${context.nope}\", action, "
	  "resource);",
	    EVAL_ERROR, ERR_EVAL_MISSING_ATTRIBUTE },
	/* … and before the first `when`. */
	{ "permit(principal like User::\"${context.nope}\", action, "
	  "resource) when { false };",
	    EVAL_ERROR, ERR_EVAL_MISSING_ATTRIBUTE },
	/* Actions. */
	{ "permit(principal, action == Action::\"read\", resource);", EVAL_TRUE,
	    0 },
	{ "permit(principal, action in [Action::\"a\", Action::\"read\"], "
	  "resource);",
	    EVAL_TRUE, 0 },
	{ "permit(principal, action in [], resource);", EVAL_FALSE, 0 },
	{ "permit(principal, action like Action::\"re*\", resource);",
	    EVAL_TRUE, 0 },
	{ "permit(principal, action != Action::\"read\", resource);",
	    EVAL_FALSE, 0 },
	/* Clauses in order; an earlier false hides what comes later. */
	{ "permit(principal == User::\"bob\", action, resource) when { "
	  "context.nope };",
	    EVAL_FALSE, 0 },
	{ "permit(principal, action, resource) when { false } when { "
	  "context.nope };",
	    EVAL_FALSE, 0 },
	{ "permit(principal, action, resource) unless { true } when { "
	  "context.nope };",
	    EVAL_FALSE, 0 },
	{ "permit(principal, action, resource) when { context.nope } when { "
	  "false };",
	    EVAL_ERROR, ERR_EVAL_MISSING_ATTRIBUTE },
	{ "permit(principal, action, resource) unless { false };", EVAL_TRUE,
	    0 },
	{ "permit(principal, action, resource) unless { 1 };", EVAL_ERROR,
	    ERR_EVAL_TYPE },
	{ "deny(principal, action, resource);", EVAL_TRUE, 0 },
};

START_TEST(eval_policies)
{
	struct error err = { 0 };
	enum eval_outcome got = eval(policies[_i].text, NULL, &err);

	ck_assert_msg(got == policies[_i].want, "%s: outcome %d, %s",
	    policies[_i].text, (int)got, err.msg);
	ck_assert_int_eq(err.code, policies[_i].code);
}
END_TEST

START_TEST(eval_places_of_contextual_parts)
{
	struct error err = { 0 };

	ck_assert_int_eq(
	    eval(R("resource like Doc::\"x/${principal.nope}\""), NULL, &err),
	    EVAL_ERROR);
	ck_assert_uint_eq(err.at.line, 1);
	ck_assert_uint_eq(err.at.col, 49);
	ck_assert_uint_eq(err.at.len, 17);
}
END_TEST

/* --- unknown data ------------------------------------------------------------
 */

static const struct {
	const char *text;
	enum eval_outcome want;
} unknowns[] = {
	{ "context.u == 1", EVAL_UNKNOWN },
	{ "context has u", EVAL_UNKNOWN },
	{ "context has u.x", EVAL_UNKNOWN },
	{ "false && context.u", EVAL_FALSE },
	{ "true || context.u", EVAL_TRUE },
	{ "context.u && false", EVAL_UNKNOWN },
	{ "context.u || context.nope", EVAL_UNKNOWN },
	{ "if context.u then true else true", EVAL_UNKNOWN },
	{ "[context.u].isEmpty()", EVAL_UNKNOWN },
	{ "context.u matches \"a\"", EVAL_UNKNOWN },
	{ "[\"a\", context.u].anyLike(\"a\")", EVAL_UNKNOWN },
	{ "context == {}", EVAL_UNKNOWN },
	{ "[context].contains(1)", EVAL_UNKNOWN },
	{ "context.k == 1 || context.u", EVAL_TRUE },
	{ "context.nope && context.u", EVAL_ERROR },
	{ "principal in context.u", EVAL_UNKNOWN },
	{ "context.u.toDays() == 1", EVAL_UNKNOWN },
};

START_TEST(eval_unknown)
{
	struct value_field fields[] = {
		{ STR_INIT("k"), value_long(1) },
		{ STR_INIT("u"), { .kind = VALUE_UNKNOWN } },
	};
	struct error err = { 0 };
	char text[200];
	struct str dup;

	ck_assert(value_record_take(fields, 2, &context, &dup));
	snprintf(text, sizeof text,
	    "permit(principal, action, resource) when { %s };",
	    unknowns[_i].text);
	ck_assert_msg(eval(text, NULL, &err) == unknowns[_i].want, "%s: %s",
	    unknowns[_i].text, err.msg);
	snprintf(text, sizeof text,
	    "permit(principal, action, resource like Doc::\"${context.u}\");");
	ck_assert_int_eq(eval(text, NULL, &err), EVAL_UNKNOWN);
}
END_TEST

/* --- what is told
 * ---------------------------------------------------------------- */

struct told {
	const struct policy_set *set;
	struct buf text;
};

static void
note(void *ctx, uint32_t policy, uint32_t node, enum eval_outcome outcome,
    const struct value *value)
{
	static const char letters[] = { 'E', 'F', 'T', 'U' };
	struct told *t = ctx;

	buf_add(&t->text, policy_place_text(t->set, policy, node, a));
	buf_printf(&t->text, "=%c", letters[outcome]);
	if (value) {
		buf_byte(&t->text, ':');
		value_print(&t->text, value);
	}
	buf_byte(&t->text, '\n');
}

static const struct {
	const char *text, *want;
} traces[] = {
	{ "permit(principal == User::\"bob\", action, resource);",
	    "== User::\"bob\"=F\nprincipal == User::\"bob\"=F\n" },
	{ "permit(principal like User::\"${context.s}\", action, resource);",
	    "action=T\nresource=T\nlike User::\"${context.s}\"=F\n"
	    "principal like User::\"${context.s}\"=F\n" },
	{ "permit(principal, action, resource) when { context.n == 1 };",
	    "principal=T\naction=T\nresource=T\n"
	    "context=T:…\ncontext.n=T:1\n1=T:1\ncontext.n == 1=T:true\n"
	    "when { context.n == 1 }=T\n" },
	{ "permit(principal, action, resource) unless { context.t || false };",
	    "principal=T\naction=T\nresource=T\n"
	    "context=T:…\ncontext.t=T:true\ncontext.t || false=T:true\n"
	    "unless { context.t || false }=F\n" },
	{ "permit(principal, action, resource) when { !context.x };",
	    "principal=T\naction=T\nresource=T\n"
	    "context=T:…\ncontext.x=E\n!context.x=E\n"
	    "when { !context.x }=E\n" },
};

START_TEST(eval_tells_each_node)
{
	struct policy_set *set = load(traces[_i].text);
	struct told told = { .set = set };
	const struct eval_trace trace = { note, &told };
	struct eval_request r = request();
	struct error err = { 0 };
	struct buf want = { 0 }, shown = { 0 };
	struct str w = str_of(traces[_i].want);

	(void)policy_eval(set, 0, &r, a, &trace, &err);
	value_print(&shown, &context);
	for (size_t i = 0; i < w.n; i++)
		if (str_has_prefix(str_sub(w, i, w.n), STR("…"))) {
			buf_add(&want, buf_str(&shown));
			i += strlen("…") - 1;
		} else
			buf_byte(&want, w.p[i]);
	buf_byte(&want, '\0');
	ck_str_is(buf_str(&told.text), want.p);
	buf_free(&want);
	buf_free(&shown);
	buf_free(&told.text);
	policy_set_free(set);
}
END_TEST

/* --- limits
 * ------------------------------------------------------------------------- */

/* A chain of `n` times `piece`, after `first`. */
static char *
chain(const char *first, const char *piece, size_t n)
{
	struct buf b = { 0 };

	buf_addz(&b, "permit(principal, action, resource) when { ");
	buf_addz(&b, first);
	while (n-- > 0)
		buf_addz(&b, piece);
	buf_addz(&b, " };");
	buf_byte(&b, '\0');
	return b.p;
}

static const struct {
	const char *first, *piece;
	enum eval_outcome want;
	enum err_code code;
} chains[] = {
	{ "true", " && true", EVAL_TRUE, 0 },
	{ "false", " || false", EVAL_FALSE, 0 },
	{ "1", " + 1", EVAL_ERROR, ERR_EVAL_TYPE },
	{ "context.n", ".a", EVAL_ERROR, ERR_EVAL_TYPE },
	{ "principal", ".me", EVAL_ERROR, ERR_EVAL_TYPE },
	{ "context.now", ".toDate()", EVAL_ERROR, ERR_EVAL_TYPE },
};

START_TEST(eval_bears_long_chains)
{
	char *text = chain(chains[_i].first, chains[_i].piece, 50000);
	struct error err = { 0 };

	ck_assert_int_eq(eval(text, NULL, &err), chains[_i].want);
	ck_assert_int_eq(err.code, chains[_i].code);
	free(text);
}
END_TEST

/* Out of scratch memory is an error of its own, for any amount of it. */
START_TEST(eval_runs_out_of_memory)
{
	struct policy_set *set =
	    load("permit(principal in [Group::\"x\", Group::\"top\"], action, "
		 "resource like Doc::\"${principal.owner}*\") when { "
		 "[1, 2, {a: [3, principal]}].contains({a: [principal, 3]}) && "
		 "context.now.offset(duration(\"1h\")) > context.now };");
	struct eval_request r = request();
	bool enough = false;

	for (size_t limit = 16; !enough; limit += 16) {
		struct arena *tight = arena_new(limit);
		struct error err = { 0 };
		enum eval_outcome got =
		    policy_eval(set, 0, &r, tight, NULL, &err);

		enough = got == EVAL_TRUE;
		if (!enough) {
			ck_assert_int_eq(got, EVAL_ERROR);
			ck_assert_int_eq(err.code, ERR_LIMIT_MEMORY);
			ck_assert_uint_eq(err.at.line, 1);
		}
		arena_free(tight);
		ck_assert_uint_lt(limit, 10000);
	}
	policy_set_free(set);
}
END_TEST

START_TEST(eval_patterns_over_their_limits)
{
	static const struct {
		const char *before;
		size_t n; /* letters `a` between the two */
		const char *after;
		enum err_code code;
		uint32_t col;
	} rows[] = {
		{ "\"", 4096, "\" matches \"^a+$\"", 0, 0 },
		{ "\"", 4097, "\" matches \"^a+$\"", ERR_EVAL_SUBJECT, 1 },
		{ "\"", 50, "b\" matches \"(a+)+$\"", ERR_EVAL_PATTERN, 1 },
		{ "[\"a\", \"", 4097, "\"].anyMatches(\"a\")", ERR_EVAL_SUBJECT,
		    1 },
		{ "[\"", 50, "b\"].allMatches(\"(a+)+$\")", ERR_EVAL_PATTERN,
		    1 },
		{ "[\"", 4097, "\"].allLike(\"a*\")", 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct error err = { 0 };
		struct buf text = { 0 };
		enum eval_outcome got;

		buf_addz(&text, "permit(principal, action, resource) when {\n");
		buf_addz(&text, rows[i].before);
		for (size_t k = 0; k < rows[i].n; k++)
			buf_byte(&text, 'a');
		buf_addz(&text, rows[i].after);
		buf_addz(&text, "\n};");
		buf_byte(&text, '\0');
		got = eval(text.p, NULL, &err);
		ck_assert_msg(
		    err.code == rows[i].code, "%s: %s", rows[i].after, err.msg);
		ck_assert_int_eq(got, err.code ? EVAL_ERROR : EVAL_TRUE);
		ck_assert_uint_eq(err.at.line, err.code ? 2 : 0);
		ck_assert_uint_eq(err.at.col, rows[i].col);
		buf_free(&text);
	}
}
END_TEST

START_TEST(eval_without_entities_or_context)
{
	struct policy_set *set = load(
	    "permit(principal, action, resource) when { !(principal has x) "
	    "&& !(principal in resource) && context == {} };");
	struct eval_request r = request();
	struct error err = { 0 };

	r.entities = NULL;
	r.context = NULL;
	ck_assert_msg(
	    policy_eval(set, 0, &r, a, NULL, &err) == EVAL_TRUE, "%s", err.msg);
	policy_set_free(set);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("eval");
	TCase *tc = tcase_create("eval");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, eval_conditions, 0, ARRAY_LEN(conditions));
	tcase_add_loop_test(tc, eval_policies, 0, ARRAY_LEN(policies));
	tcase_add_test(tc, eval_places_of_contextual_parts);
	tcase_add_loop_test(tc, eval_unknown, 0, ARRAY_LEN(unknowns));
	tcase_add_loop_test(tc, eval_tells_each_node, 0, ARRAY_LEN(traces));
	tcase_add_loop_test(tc, eval_bears_long_chains, 0, ARRAY_LEN(chains));
	tcase_add_test(tc, eval_runs_out_of_memory);
	tcase_add_test(tc, eval_patterns_over_their_limits);
	tcase_add_test(tc, eval_without_entities_or_context);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
