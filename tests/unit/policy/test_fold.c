/* What is said of a policy without a request holds for every request: generated
 * policies are evaluated over a few requests, and each node that is evaluated
 * has an outcome that fold.h said it can have. So no warning is a false alarm:
 * what is warned of as never true, never false or always an error is so. And
 * none is given for good text. */
#include "policy/fold.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "tests/lib/run.h"

static uint64_t seed;

static unsigned
pick(size_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed % n);
}

static const char *const atoms[] = { "true", "false", "0", "1", "-1",
	"9223372036854775807", "\"\"", "\"a\"", "\"2026-01-01\"", "User::\"a\"",
	"User::\"b\"", "Group::\"g\"", "principal", "action", "resource",
	"context", "context.b", "context.n", "context.s", "context.t",
	"context.r", "context.r.b", "context.missing", "context.ip",
	"context.now", "context.v", "principal.b", "principal.n",
	"resource.none", "[]", "[1, \"a\"]", "{}", "ip(\"10.0.0.1\")",
	"ip(\"300.0.0.1\")", "decimal(\"1.5\")", "datetime(\"2026-01-01\")",
	"datetime(\"2026-13-01\")", "duration(\"1h\")", "version(\"1.2\")",
	"debversion(\"1:2\")" };

/* `%` is an expression. */
static const char *const forms[] = { "(%)", "!%", "-%", "% && %", "% || %",
	"% && %", "% || %", "% == %", "% == %", "% != %", "% < %", "% >= %",
	"% in %", "% + %", "% * %", "if % then % else %", "[%, %]", "{ b: % }",
	"%.b", "%[\"n\"]", "% has b", "% has r.b", "% like \"*\"",
	"% like \"a*\"", "% matches \".*\"", "% matches \"^a\"", "% is User",
	"% is Group", "% is User in %", "%.contains(%)", "%.containsAny(%)",
	"%.isEmpty()", "%.hasTag(%)", "%.getTag(%)", "%.isIpv4()",
	"%.isIpv4(%)", "%.isInRange(%)", "%.lessThan(%)", "%.greaterThan(%)",
	"%.toDate()", "%.offset(%)", "%.toDays()", "%.anyLike(\"*\")", "ip(%)",
	"datetime(%)", "ip()", "context.n == 1 && context.n == 2",
	"principal is User && %", "context.b && !context.b",
	"% && principal == User::\"a\"" };

static const char *const scopes[] = { "principal, action, resource",
	"principal == User::\"a\", action, resource",
	"principal is User, action, resource",
	"principal is [User, Group], action, resource != Doc::\"d\"",
	"principal not in Group::\"g\", action == Action::\"x\", resource",
	"principal is not Group, action in [], resource is Doc" };

static void
add_expression(struct buf *out, unsigned depth)
{
	const char *form;

	if (depth == 0 || pick(4) == 0) {
		buf_addz(out, atoms[pick(ARRAY_LEN(atoms))]);
		return;
	}
	form = forms[pick(ARRAY_LEN(forms))];
	for (; *form; form++) {
		if (*form != '%') {
			buf_byte(out, *form);
			continue;
		}
		buf_byte(out, '(');
		add_expression(out, depth - 1);
		buf_byte(out, ')');
	}
}

static void
add_policy(struct buf *out)
{
	buf_printf(out, "%s (%s)", pick(2) ? "permit" : "deny",
	    scopes[pick(ARRAY_LEN(scopes))]);
	for (unsigned n = 1 + pick(2); n > 0; n--) {
		buf_printf(out, "\n%s { ", pick(3) ? "when" : "unless");
		add_expression(out, 3);
		buf_addz(out, " }");
	}
	buf_addz(out, ";\n");
}

static struct arena *a;
static struct entities *world;

static void
setup(void)
{
	static const char text[] =
	    "[{\"uid\":{\"type\":\"User\",\"id\":\"a\"},\"attrs\":{\"b\":true,"
	    "\"n\":1},\"parents\":[{\"type\":\"Group\",\"id\":\"g\"}]},"
	    "{\"uid\":{\"type\":\"Group\",\"id\":\"g\"},\"attrs\":{\"b\":"
	    "false},\"parents\":[],\"tags\":{\"a\":1}}]";
	struct error e = { 0 };

	a = arena_new(0);
	world = entities_new(a, NULL);
	ck_assert(entities_add_text(world, str_of(text), "e.json", &e) &&
		  entities_finish(world, &e));
}

static void
teardown(void)
{
	arena_free(a);
}

static const char *const contexts[] = { "{}",
	"{\"b\":true,\"n\":1,\"s\":\"a\",\"t\":[1,2],\"r\":{\"b\":true},"
	"\"ip\":{\"__extn\":{\"fn\":\"ip\",\"arg\":\"10.0.0.1\"}},"
	"\"now\":{\"__extn\":{\"fn\":\"datetime\",\"arg\":\"2026-05-05\"}},"
	"\"v\":{\"__extn\":{\"fn\":\"version\",\"arg\":\"1.2.0\"}}}",
	"{\"b\":false,\"n\":2,\"s\":\"\",\"t\":[],\"r\":{\"b\":7},"
	"\"ip\":\"10.0.0.1\",\"now\":3,\"v\":\"1\"}" };

static const struct uid principals[] = {
	{ STR_INIT("User"), STR_INIT("a") },
	{ STR_INIT("User"), STR_INIT("b") },
	{ STR_INIT("Group"), STR_INIT("g") },
	{ STR_INIT("Robot"), STR_INIT("r") },
};

struct witness {
	const struct fold *fold;
	const char *text;
	unsigned seen;
};

static void
see(void *ctx, uint32_t policy, uint32_t node, enum eval_outcome outcome,
    const struct value *value)
{
	struct witness *w = ctx;
	unsigned can = fold_of(w->fold, node)->can, bit = FOLD_ERROR;
	struct str text;

	(void)policy;
	if (node < w->fold->facts.first || node >= w->fold->facts.end)
		return;
	if (outcome == EVAL_TRUE)
		bit = value && value->kind != VALUE_BOOL
			  ? can & (FOLD_TRUE | FOLD_FALSE)
			  : FOLD_TRUE;
	else if (outcome == EVAL_FALSE)
		bit = FOLD_FALSE;
	w->seen++;
	text = ast_text(w->fold->ast, &w->fold->ast->nodes[node]);
	ck_assert_msg((can & bit) != 0,
	    "outcome %d of `%.*s`, which can be %u only, in\n%s", outcome,
	    STR_ARG(text), can, w->text);
}

static unsigned
evaluate(
    const struct policy_set *set, const struct fold *fold, const char *text)
{
	struct witness w = { fold, text, 0 };
	const struct eval_trace trace = { see, &w };
	struct arena *scratch = arena_new(0);

	for (unsigned i = 0; i < ARRAY_LEN(contexts); i++)
		for (unsigned j = 0; j < ARRAY_LEN(principals); j++) {
			struct eval_request r = { .principal = principals[j],
				.action = { STR("Action"), STR("x") },
				.resource = { STR("Doc"), STR("e") },
				.entities = world };
			struct value context;
			struct error e = { 0 };
			json_t *json = NULL;

			ck_assert(json_parse(str_of(contexts[i]), "c", 1u << 20,
			    99, JSON_DATA_FILE, &json, &e));
			ck_assert(value_from_json(
			    scratch, json, "context", &context, &e));
			json_decref(json);
			r.context = &context;
			(void)policy_eval(set, 0, &r, scratch, &trace, &e);
			arena_reset(scratch);
		}
	arena_free(scratch);
	return w.seen;
}

#define POLICIES 600

START_TEST(nothing_happens_that_was_excluded)
{
	unsigned fixed = 0;

	seed = (uint64_t)_i * 7919 + 17;
	for (int i = 0; i < POLICIES; i++) {
		struct policy_set *set = policy_set_new(POLICY_BY_POSITION);
		struct buf text = { 0 };
		struct errors e = { 0 }, warnings = { 0 };
		struct error err = { 0 };
		struct arena *own = arena_new(0);
		struct fold fold;

		add_policy(&text);
		ck_assert_msg(policy_set_add_text(
				  set, "f", buf_str(&text), POLICY_AVOW, &e) &&
				  policy_set_finish(set, &e),
		    "%s\n%s", text.p, e.e[0].msg);
		ck_assert(
		    fold_policy(&fold, own, set, set->files[0], 0, 0, &err));
		(void)evaluate(set, &fold, text.p);
		policy_set_warnings(set, &warnings);
		for (size_t j = 0; j < warnings.n; j++)
			ck_assert_msg(warnings.e[j].at.line > 0, "%s\n%s",
			    text.p, warnings.e[j].msg);
		fixed += warnings.n > 0;
		arena_free(own);
		policy_set_free(set);
		buf_free(&text);
	}
	/* Else this showed nothing. */
	ck_assert_int_gt(fixed, POLICIES / 4);
	ck_assert_int_lt(fixed, POLICIES);
}
END_TEST

/* A warning that the whole policy never applies, against evaluation. */
START_TEST(a_policy_that_never_applies_does_not)
{
	unsigned warned = 0;

	seed = (uint64_t)_i * 104729 + 3;
	for (int i = 0; i < POLICIES; i++) {
		struct policy_set *set = policy_set_new(POLICY_BY_POSITION);
		struct buf text = { 0 };
		struct errors e = { 0 }, warnings = { 0 };
		struct arena *scratch = arena_new(0);
		bool never = false;

		add_policy(&text);
		ck_assert(policy_set_add_text(
			      set, "f", buf_str(&text), POLICY_AVOW, &e) &&
			  policy_set_finish(set, &e));
		policy_set_warnings(set, &warnings);
		for (size_t j = 0; j < warnings.n; j++)
			never =
			    never ||
			    strstr(warnings.e[j].msg,
				"so the policy never applies") ||
			    strstr(warnings.e[j].msg, "this deny can only err");
		warned += never;
		for (unsigned j = 0; never && j < ARRAY_LEN(principals); j++) {
			struct value context;
			struct error err = { 0 };
			json_t *json = NULL;
			struct eval_request r = { .principal = principals[j],
				.action = { STR("Action"), STR("x") },
				.resource = { STR("Doc"), STR("e") },
				.context = &context,
				.entities = world };

			ck_assert(json_parse(str_of(contexts[j % 3]), "c",
			    1u << 20, 99, JSON_DATA_FILE, &json, &err));
			ck_assert(value_from_json(
			    scratch, json, "context", &context, &err));
			json_decref(json);
			ck_assert_msg(policy_eval(set, 0, &r, scratch, NULL,
					  &err) != EVAL_TRUE,
			    "it applies:\n%s%s", text.p, warnings.e[0].msg);
		}
		arena_free(scratch);
		policy_set_free(set);
		buf_free(&text);
	}
	ck_assert_uint_gt(warned, POLICIES / 8);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("fold");
	TCase *tc = tcase_create("fold");

	json_setup();
	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, nothing_happens_that_was_excluded, 0, 8);
	tcase_add_loop_test(tc, a_policy_that_never_applies_does_not, 0, 4);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
