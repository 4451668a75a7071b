/* test_needs.c - the ways to a permit: as said, one by one; and of random
 * policies, that every instance which is permitted has met one of them. */
#include "policy/policy.h"

#include "tests/lib/run.h"

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

static struct policy_set *
set_of(const char *text)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct errors errors = { 0 };

	ck_assert_msg(
	    policy_set_add_text(set, "t", str_of(text), POLICY_AVOW, &errors) &&
		policy_set_finish(set, &errors),
	    "%s: %s", text, errors.e[0].msg);
	return set;
}

static struct entities *
layer_of(struct arena *of, const char *json)
{
	struct entities *e = entities_new(of, NULL);
	struct error err = { 0 };

	ck_assert_msg(entities_add_text(e, str_of(json), "e", &err) &&
			  entities_finish(e, &err),
	    "%s: %s", json, err.msg);
	return e;
}

static void
add_names(
    struct buf *out, const char *before, const struct str *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_addz(out, i ? "," : before);
		buf_add(out, names[i]);
	}
}

/* `show,show!hide`, ways parted by spaces; `-`: nothing to show. */
static struct str
ask(const struct policy_set *set, const struct policy_needs_query *q,
    struct policy_needs *ret)
{
	struct buf out = { 0 };
	struct error err = { 0 };
	struct str text;

	ck_assert_msg(policy_needs(set, q, a, ret, &err), "%s", err.msg);
	for (size_t i = 0; i < ret->n_ways; i++) {
		const struct policy_way *w = &ret->ways[i];

		buf_addz(&out, i ? " " : "");
		add_names(&out, "", w->show, w->n_show);
		buf_addz(&out, w->n_show ? "" : "-");
		add_names(&out, "!", w->hide, w->n_hide);
	}
	text = str_dup(a, buf_str(&out));
	buf_free(&out);
	return text;
}

#define GET                                                                    \
	{                                                                      \
		STR_INIT("Action"), STR_INIT("get")                            \
	}
static const char groups[] =
    "[{\"uid\":{\"type\":\"Owner\",\"id\":\"acme\"},\"attrs\":{},\"parents\":"
    "[{\"type\":\"Group\",\"id\":\"customers\"}]},"
    "{\"uid\":{\"type\":\"Region\",\"id\":\"eu\"},\"attrs\":{},\"parents\":"
    "[{\"type\":\"Group\",\"id\":\"customers\"}]},"
    "{\"uid\":{\"type\":\"Instance\",\"id\":\"i-1\"},\"attrs\":{},\"parents\":"
    "[{\"type\":\"Group\",\"id\":\"listed\"}]},"
    "{\"uid\":{\"type\":\"File\",\"id\":\"f\"},\"attrs\":{\"open\":true},"
    "\"parents\":[{\"type\":\"Folder\",\"id\":\"d\"}]}]";

static const struct {
	const char *text, *want;
} cases[] = {
	{ "permit (principal, action, resource);", "-" },
	{ "deny (principal, action, resource);", "" },
	{ "permit (principal is User, action, resource);", "" },
	{ "permit (principal == Instance::\"i\", action, resource);", "-" },
	{ "permit (principal, action == Action::\"put\", resource);", "" },
	{ "permit (principal, action, resource) when { principal.owner == "
	  "\"a\" };",
	    "owner" },
	{ "permit (principal, action, resource) when { principal.owner == "
	  "\"a\" && principal.licences.contains(\"x\") };",
	    "licences,owner" },
	{ "permit (principal, action, resource) when { principal.owner == "
	  "\"a\" || principal.region == \"x\" };",
	    "owner" },
	{ "permit (principal, action, resource) when { (principal has owner "
	  "&& principal.owner == \"a\") || (principal has region && "
	  "principal.region == \"x\") };",
	    "owner region" },
	{ "permit (principal, action, resource) unless { principal has "
	  "custom };",
	    "-" },
	{ "permit (principal, action, resource) unless { principal has zone "
	  "};",
	    "-!zone" },
	{ "permit (principal, action, resource) when { principal has os };",
	    "os.name os.version" },
	{ "permit (principal, action, resource) when { principal.os.name == "
	  "\"d\" && principal.os has version };",
	    "os.name,os.version" },
	{ "permit (principal, action, resource) when { (principal.os "
	  "has version) == false };",
	    "os.name os.version" },
	{ "permit (principal, action, resource) when { !(principal.os has "
	  "version) };",
	    "os.name!os.version" },
	{ "permit (principal, action, resource) when { "
	  "principal.hasTag(\"app:nginx\") && principal.getTag(\"app:nginx\") "
	  "== \"1\" };",
	    "applications.nginx" },
	{ "permit (principal, action, resource) when { "
	  "principal.hasTag(\"other\") };",
	    "" },
	{ "permit (principal, action, resource) when { "
	  "principal.getTag(context.x) == \"1\" };",
	    "applications custom" },
	{ "permit (principal, action, resource) when { principal.kind == "
	  "\"avow\" };",
	    "-" },
	{ "permit (principal, action, resource) when { principal.shoe == 1 };",
	    "" },
	{ "permit (principal, action, resource) when { if principal has owner "
	  "then principal.owner == \"a\" else principal.zone == \"z\" };",
	    "owner zone" },
	/* Parents. */
	{ "permit (principal in Owner::\"acme\", action, resource);", "owner" },
	{ "permit (principal in Image::\"x\", action, resource);", "imageId" },
	{ "permit (principal in Group::\"customers\", action, resource);",
	    "owner region" },
	{ "permit (principal in Group::\"listed\", action, resource);", "-" },
	{ "permit (principal in Group::\"nobody\", action, resource);", "" },
	{ "permit (principal not in Owner::\"acme\", action, resource);", "-" },
	{ "permit (principal, action, resource) when { principal in "
	  "[Owner::\"acme\", Image::\"x\"] };",
	    "imageId owner" },
	{ "permit (principal, action, resource like "
	  "File::\"${principal.owner}*\");",
	    "owner" },
	/* What is known of the resource. */
	{ "permit (principal, action, resource in Folder::\"d\") when { "
	  "resource.open };",
	    "-" },
	{ "permit (principal, action, resource in Folder::\"e\");", "" },
	{ "permit (principal, action, resource) when { resource.open && "
	  "principal has zone };",
	    "zone" },
	{ "permit (principal, action, resource) unless { resource.open };",
	    "" },
	{ "permit (principal, action, resource) when { context.x == 1 };",
	    "-" },
	/* Denies. */
	{ "permit (principal, action, resource); deny (principal, action, "
	  "resource) when { principal.zone == \"z\" };",
	    "zone" },
	{ "permit (principal, action, resource); deny (principal, action, "
	  "resource) when { principal has zone && principal.zone == \"z\" };",
	    "-" },
	{ "permit (principal, action, resource) when { principal.zone == "
	  "\"y\" }; deny (principal, action, resource) unless { principal has "
	  "owner };",
	    "owner,zone" },
	{ "permit (principal, action, resource); deny (principal, action == "
	  "Action::\"put\", resource) when { principal.zone == \"z\" };",
	    "-" },
	{ "permit (principal, action, resource) when { principal has zone }; "
	  "deny (principal, action, resource) when { principal has zone };",
	    "" },
};

START_TEST(finds_ways)
{
	struct policy_set *set = set_of(cases[_i].text);
	struct policy_needs_query q = { .action = GET,
		.resource = { STR("File"), STR("f") } };
	struct policy_needs found;
	struct str got;

	q.entities = layer_of(a, groups);
	got = ask(set, &q, &found);
	ck_assert_msg(str_eq(got, str_of(cases[_i].want)),
	    "%s: got \"%.*s\", want \"%s\"", cases[_i].text, STR_ARG(got),
	    cases[_i].want);
	ck_assert(!found.is_cut);
	policy_set_free(set);
}
END_TEST

START_TEST(says_why)
{
	struct policy_set *set = set_of(
	    "permit (principal, action, resource) when { principal has owner "
	    "};\n"
	    "permit (principal in Owner::\"a\", action, resource);\n"
	    "deny (principal, action, resource) when { principal has zone && "
	    "principal.zone == \"z\" };\n"
	    "deny (principal, action, resource) when { context.x };\n");
	struct str demanded = STR("privateIp");
	struct policy_needs_query q = {
		.action = GET, .show = &demanded, .n_show = 1
	};
	struct policy_needs found;

	ck_str_is(ask(set, &q, &found), "owner,privateIp");
	ck_assert_uint_eq(found.ways[0].n_policies, 2);
	ck_assert_uint_eq(found.n_dodges, 1);
	ck_assert_uint_eq(found.dodges[0].policy, 2);
	ck_str_is(found.dodges[0].hide[0], "zone");
	policy_set_free(set);
	set = set_of(
	    "permit (principal in Group::\"nobody\", action, resource);");
	ck_str_is(ask(set, &q, &found), "privateIp");
	policy_set_free(set);
	set = set_of("permit (principal, action, resource);\n"
		     "deny (principal is Instance, action, resource);");
	ck_str_is(ask(set, &q, &found), "");
	ck_assert(found.is_denied);
	ck_assert_uint_eq(found.denied_by, 1);
	policy_set_free(set);
}
END_TEST

START_TEST(is_bounded)
{
	struct buf text = { 0 };
	struct policy_set *set;
	struct policy_needs_query q = { .action = GET };
	struct policy_needs found;
	struct error err = { 0 };

	for (unsigned i = 0; i < 200; i++)
		buf_printf(&text,
		    "permit (principal, action, resource) when { "
		    "principal.hasTag(\"custom:%u\") };\n",
		    i);
	buf_byte(&text, '\0');
	set = set_of(text.p);
	ck_assert(policy_needs(set, &q, a, &found, &err));
	ck_assert_uint_eq(found.n_ways, 64);
	ck_assert(found.is_cut);
	policy_set_free(set);
	text.n--;
	for (unsigned i = 200; i < 257; i++)
		buf_printf(&text,
		    "permit (principal, action, resource) when { "
		    "principal.hasTag(\"custom:%u\") };\n",
		    i);
	buf_byte(&text, '\0');
	set = set_of(text.p);
	ck_assert(!policy_needs(set, &q, a, &found, &err));
	ck_assert_int_eq(err.code, ERR_LIMIT_COUNT);
	policy_set_free(set);
	buf_free(&text);
}
END_TEST

/* ---- every instance ---------------------------------------------------------
 */

/* What each claim may be; 0: it is not shown. */
enum { IMAGE, OWNER, NAME, VERSION, LICENCES, CUSTOM, CLAIMS };
static const struct {
	const char *claim, *values[3];
} said[CLAIMS] = {
	{ "imageId", { NULL, "\"a\"", "\"b\"" } },
	{ "owner", { NULL, "\"a\"", "\"b\"" } },
	{ "os.name", { NULL, "\"a\"" } },
	{ "os.version", { NULL, "\"a\"", "\"b\"" } },
	{ "licences", { NULL, "[]", "[\"a\"]" } },
	{ "custom.k", { NULL, "\"a\"", "\"b\"" } },
};
#define INSTANCES (3 * 3 * 2 * 3 * 3 * 3)

static uint32_t
next(uint32_t *seed, uint32_t below)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % below;
}

static void
add_field(struct buf *out, const char *name, const char *value, bool *any)
{
	if (!value)
		return;
	buf_printf(out, "%s\"%s\":%s", *any ? "," : "", name, value);
	*any = true;
}

static void
choose(unsigned i, const char *ret[CLAIMS])
{
	for (size_t k = 0; k < CLAIMS; k++) {
		unsigned n = k == NAME ? 2 : 3;

		ret[k] = said[k].values[i % n];
		i /= n;
	}
}

static struct entities *
instance(struct arena *of, unsigned i)
{
	const char *v[CLAIMS];
	struct buf json = { 0 };
	struct entities *layer;
	bool any = false, os = false;

	choose(i, v);
	buf_addz(&json,
	    "[{\"uid\":{\"type\":\"Instance\",\"id\":\"i\"},\"attrs\":{");
	add_field(&json, "imageId", v[IMAGE], &any);
	add_field(&json, "owner", v[OWNER], &any);
	add_field(&json, "licences", v[LICENCES], &any);
	if (v[NAME] || v[VERSION]) {
		buf_addz(&json, any ? ",\"os\":{" : "\"os\":{");
		add_field(&json, "name", v[NAME], &os);
		add_field(&json, "version", v[VERSION], &os);
		buf_byte(&json, '}');
	}
	buf_addz(&json, "},\"tags\":{");
	any = false;
	add_field(&json, "custom:k", v[CUSTOM], &any);
	buf_addz(&json, "},\"parents\":[");
	if (v[OWNER])
		buf_printf(&json, "{\"type\":\"Owner\",\"id\":%s}", v[OWNER]);
	buf_addz(&json, "]}]");
	buf_byte(&json, '\0');
	layer = layer_of(of, json.p);
	buf_free(&json);
	return layer;
}

static void
add_condition(struct buf *out, uint32_t *seed, unsigned depth)
{
	static const char *const leaves[] = { "principal.imageId == \"a\"",
		"principal.owner != \"b\"", "principal.os.name == \"a\"",
		"principal.os.version like \"*b\"", "principal has owner",
		"principal has os", "principal has os.version",
		"principal has os.name", "principal.os has version",
		"principal.licences.contains(\"a\")", "principal has imageId",
		"principal.hasTag(\"custom:k\")",
		"principal.getTag(\"custom:k\") == \"b\"",
		"principal in Owner::\"a\"",
		"principal in [Owner::\"b\", Image::\"a\"]",
		"principal is Instance in Owner::\"b\"", "context.x", "true",
		"false", "principal has licences",
		"principal.owner == principal.imageId",
		"[principal.owner, principal.os.version].contains(\"a\")" };

	if (depth == 0 || next(seed, 3) == 0) {
		buf_addz(out, leaves[next(seed, ARRAY_LEN(leaves))]);
		return;
	}
	switch (next(seed, 5)) {
	case 0:
	case 1:
		buf_byte(out, '(');
		add_condition(out, seed, depth - 1);
		buf_addz(out, next(seed, 2) ? " && " : " || ");
		add_condition(out, seed, depth - 1);
		buf_byte(out, ')');
		break;
	case 2:
		buf_addz(out, "!(");
		add_condition(out, seed, depth - 1);
		buf_byte(out, ')');
		break;
	case 3:
		buf_addz(out, "(if ");
		add_condition(out, seed, depth - 1);
		buf_addz(out, " then ");
		add_condition(out, seed, depth - 1);
		buf_addz(out, " else ");
		add_condition(out, seed, depth - 1);
		buf_byte(out, ')');
		break;
	default:
		buf_byte(out, '(');
		add_condition(out, seed, depth - 1);
		buf_addz(out, ") == (");
		add_condition(out, seed, depth - 1);
		buf_byte(out, ')');
	}
}

static void
add_policy(struct buf *out, uint32_t *seed)
{
	static const char *const scopes[] = { "principal",
		"principal is Instance", "principal in Owner::\"a\"",
		"principal not in Owner::\"a\"" };
	static const char *const resources[] = { "resource",
		"resource like File::\"${principal.owner}\"",
		"resource like Other::\"${principal.imageId}\"" };

	buf_printf(out, "%s (%s, action, %s) %s { ",
	    next(seed, 3) ? "permit" : "deny",
	    scopes[next(seed, ARRAY_LEN(scopes))],
	    resources[next(seed, 6) < 4 ? 0 : 1 + next(seed, 2)],
	    next(seed, 4) ? "when" : "unless");
	add_condition(out, seed, 3);
	buf_addz(out, " };\n");
}

static bool
is_permitted(const struct policy_set *set, const struct entities *entities,
    struct arena *scratch, bool x)
{
	struct value_field field = { STR("x"), value_bool(x) };
	struct value context;
	struct str dup;
	struct eval_request request = { { STR("Instance"), STR("i") }, GET,
		{ STR("File"), STR("a") }, &context, entities };
	bool permit = false;

	ck_assert(value_record_take(&field, 1, &context, &dup));
	for (uint32_t i = 0; i < policy_set_count(set); i++) {
		struct error err = { 0 };
		enum eval_outcome o;

		arena_reset(scratch);
		o = policy_eval(set, i, &request, scratch, NULL, &err);
		if (policy_set_effect(set, i) == POLICY_PERMIT)
			permit |= o == EVAL_TRUE;
		else if (o != EVAL_FALSE)
			return false;
	}
	return permit;
}

static bool
is_shown(const char *const v[CLAIMS], struct str claim)
{
	for (size_t k = 0; k < CLAIMS; k++)
		if (str_eq(claim, str_of(said[k].claim)))
			return v[k] != NULL;
	return false;
}

static bool
meets(const struct policy_needs *needs, unsigned i)
{
	const char *v[CLAIMS];

	choose(i, v);
	for (size_t w = 0; w < needs->n_ways; w++) {
		const struct policy_way *way = &needs->ways[w];
		bool ok = true;

		for (size_t k = 0; k < way->n_show; k++)
			ok = ok && is_shown(v, way->show[k]);
		for (size_t k = 0; k < way->n_hide; k++)
			ok = ok && !is_shown(v, way->hide[k]);
		if (ok)
			return true;
	}
	return false;
}

/* Not vacuous: a fair part of all is permitted, and what meets no way is not
 * a small part. */
START_TEST(all_who_are_permitted_meet_one)
{
	static struct entities *instances[INSTANCES];
	struct arena *scratch = arena_new(0), *each = arena_new(0);
	uint32_t seed = 7;
	size_t permitted = 0, left_out = 0, all = 0;

	for (unsigned i = 0; i < INSTANCES; i++)
		instances[i] = instance(a, i);
	for (unsigned round = 0; round < 400; round++) {
		struct buf text = { 0 };
		struct policy_needs_query q = { .action = GET,
			.resource = { STR("File"), STR("a") } };
		struct policy_needs needs;
		struct error err = { 0 };
		struct policy_set *set;

		for (uint32_t n = 1 + next(&seed, 4); n > 0; n--)
			add_policy(&text, &seed);
		buf_byte(&text, '\0');
		set = set_of(text.p);
		arena_reset(each);
		ck_assert_msg(
		    policy_needs(set, &q, each, &needs, &err), "%s", err.msg);
		for (unsigned i = 0; i < 2 * INSTANCES; i++) {
			bool yes =
			    is_permitted(set, instances[i / 2], scratch, i % 2);
			bool met = meets(&needs, i / 2);

			ck_assert_msg(
			    met || !yes, "instance %u: %s", i / 2, text.p);
			permitted += yes;
			left_out += !met;
			all++;
		}
		buf_free(&text);
		policy_set_free(set);
	}
	ck_assert_uint_gt(permitted, all / 10);
	ck_assert_uint_gt(left_out, all / 10);
	arena_free(each);
	arena_free(scratch);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("needs");
	TCase *tc = tcase_create("needs");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, finds_ways, 0, ARRAY_LEN(cases));
	tcase_add_test(tc, says_why);
	tcase_add_test(tc, is_bounded);
	tcase_add_test(tc, all_who_are_permitted_meet_one);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
