/* generate.c - cases from a seed (xorshift64*, Vigna 2016). */
#include "tests/property/generate.h"

#include <stdio.h>
#include <stdlib.h>

/* The vocabulary below is right, or this program is wrong. */
static void
require(bool ok, const struct error *err)
{
	if (ok)
		return;
	fprintf(stderr, "generate: %s\n", err->msg);
	abort();
}

void
generate_init(struct generate *g, struct arena *a, uint64_t seed)
{
	*g = (struct generate){ .arena = a,
		.state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1 };
	for (int i = 0; i < 4; i++)
		(void)generate_below(g, 2);
}

uint32_t
generate_below(struct generate *g, uint32_t n)
{
	g->state ^= g->state >> 12;
	g->state ^= g->state << 25;
	g->state ^= g->state >> 27;
	return (uint32_t)((g->state * UINT64_C(0x2545f4914f6cdd1d)) >> 33) % n;
}

bool
generate_one_in(struct generate *g, uint32_t n)
{
	return generate_below(g, n) == 0;
}

static const char *
pick(struct generate *g, const char *const *words, size_t n)
{
	return words[generate_below(g, (uint32_t)n)];
}
#define PICK(g, words) pick((g), (words), ARRAY_LEN(words))

static struct str
keep(struct generate *g, struct buf *text)
{
	struct str kept = str_dup(g->arena, buf_str(text));

	buf_free(text);
	return kept;
}

/* ---- policies -------------------------------------------------------------
 */

static const char *const users[] = { "User::\"a\"", "User::\"b\"",
	"User::\"c\"", "Robot::\"a\"", "User::\"ghost\"" };
static const char *const groups[] = { "Group::\"g\"", "Group::\"h\"",
	"Group::\"top\"", "User::\"a\"" };
static const char *const actions[] = { "Action::\"r\"", "Action::\"w\"",
	"Action::\"x\"", "Action::\"rx\"" };
static const char *const resources[] = { "Doc::\"acme/1\"", "Doc::\"acme/2\"",
	"Doc::\"b\"", "Folder::\"f\"" };
static const char *const folders[] = { "Folder::\"f\"", "Folder::\"e\"",
	"Doc::\"b\"" };
static const char *const types[][2] = { { "User", "Robot" },
	{ "Action", "Action" }, { "Doc", "Folder" } };
static const char *const patterns[] = { "acme/*", "a*", "*", "*1", "b",
	"acme/*1", "", "*c*", "*f*", "*e*", "${principal.owner}/*",
	"${context.s}", "${principal}", "${principal.n}*" };
static const char *const action_patterns[] = { "*", "r*", "*w*", "r", "all",
	"no*", "*x" };
static const char *const variables[] = { "principal", "action", "resource" };

static const char *
entity(struct generate *g, unsigned var)
{
	if (var == 0)
		return PICK(g, users);
	return var == 1 ? PICK(g, actions) : PICK(g, resources);
}

static const char *
group(struct generate *g, unsigned var)
{
	if (generate_one_in(g, 4))
		return entity(g, var);
	if (var == 1)
		return generate_one_in(g, 2) ? "Action::\"all\""
					     : PICK(g, actions);
	return var == 0 ? PICK(g, groups) : PICK(g, folders);
}

static void
group_list(struct generate *g, struct buf *out, unsigned var)
{
	uint32_t n = generate_below(g, 4);

	if (n == 0 && !generate_one_in(g, 4))
		n = 2;
	buf_byte(out, '[');
	for (uint32_t i = 0; i < n; i++)
		buf_printf(out, "%s%s", i ? ", " : "", group(g, var));
	buf_byte(out, ']');
}

static void
in_test(struct generate *g, struct buf *out, unsigned var)
{
	buf_addz(out, generate_one_in(g, 4) ? " not in " : " in ");
	if (generate_one_in(g, 2))
		group_list(g, out, var);
	else
		buf_addz(out, group(g, var));
}

static void
is_test(struct generate *g, struct buf *out, unsigned var)
{
	const char *one = types[var][generate_below(g, 2)];

	buf_addz(out, generate_one_in(g, 4) ? " is not " : " is ");
	if (var != 1 && generate_one_in(g, 3))
		buf_printf(out, "[%s, %s]", types[var][0], types[var][1]);
	else
		buf_addz(out, one);
	if (generate_one_in(g, 3))
		in_test(g, out, var);
}

static struct str
scope_test(struct generate *g, unsigned var)
{
	struct buf out = { 0 };

	switch (generate_below(g, 8)) {
	case 0:
	case 1:
	case 2:
		break;
	case 3:
		buf_printf(&out, " %s %s",
		    generate_one_in(g, 5) ? "!=" : "==", entity(g, var));
		break;
	case 4:
	case 5:
		in_test(g, &out, var);
		break;
	case 6:
		is_test(g, &out, var);
		break;
	default:
		buf_printf(&out, " %slike %s::\"%s\"",
		    generate_one_in(g, 4) ? "not " : "",
		    types[var][generate_below(g, 2)],
		    var == 1 ? PICK(g, action_patterns) : PICK(g, patterns));
		break;
	}
	return keep(g, &out);
}

static const char *const tests[] = {
	"context.x == 1",
	"context.x == 1",
	"1 == context.x",
	"context.x != 1",
	"context.x == 2",
	"context.x < 2",
	"2 > context.x",
	"context.x <= 1",
	"context.y > 0",
	"context.y == 1",
	"context.x == context.y",
	"context has x",
	"context has y",
	"context has rec",
	"context has rec.k",
	"context.rec.k == 1",
	"context.rec has k",
	"context.rec == {k: 1}",
	"context.flag",
	"context.flag == true",
	"context.s == \"acme\"",
	"context.s like \"a*\"",
	"context.s like \"*\"",
	"context.set.contains(1)",
	"context.set.containsAny([1, 3])",
	"context.set.containsAll([1, 2])",
	"context.set.isEmpty()",
	"[1, 2].contains(context.x)",
	"[\"acme\", \"b\"].contains(context.s)",
	"[1, context.x].contains(2)",
	"[User::\"a\", User::\"b\"].contains(principal)",
	"context.now < datetime(\"2024-06-01\")",
	"context.now.toTime() >= duration(\"12h\")",
	"context.ip.isInRange(ip(\"10.0.0.0/8\"))",
	"context.x + 1 == 2",
	"context.x * 9223372036854775807 == 1",
	"principal has owner",
	"principal.owner == \"acme\"",
	"principal.owner == \"b\"",
	"principal has n && principal.n < 5",
	"principal.n < 5",
	"resource has owner && resource.owner == principal",
	"resource.owner == principal",
	"resource.owner.n == 1",
	"resource has owner.n",
	"principal in resource.owner",
	"principal in context.g",
	"principal in [Group::\"g\", context.g]",
	"resource in [Folder::\"f\", Folder::\"e\"]",
	"resource is Doc",
	"resource is Doc in Folder::\"f\"",
	"principal is User",
	"principal is User in context.g",
	"principal is User in [Group::\"g\", Group::\"h\"]",
	"principal.hasTag(\"t\")",
	"principal.getTag(\"t\") == \"v\"",
	"principal.hasTag(\"t\") && principal.getTag(\"t\") == \"v\"",
	"context has x && context.x == 1",
	"context has x && context.x < 3",
	"!(context has x) || context.x == 2",
	"(context has x || context has y) && context.x == 1",
	"(context has x && context has y) || context.y == 1",
	"!(context has x && context has y) || context.y == 1",
	"!(context has x) && context.x == 1",
	"context.s matches \"^a.*e$\"",
	"context.s matches \"b|c\"",
	"principal has owner && principal.owner matches \"[ab]\"",
	"resource has owner && !(resource.owner matches \"^a\")",
	"context.names.anyLike(\"a*\")",
	"context.names.allLike(\"*\")",
	"context.names.allLike(\"*c*\")",
	"context.names.anyMatches(\"^b$\")",
	"context.names.allMatches(\"c\")",
	"context.names.contains(\"acme\")",
	"context.names.containsAll([\"acme\", \"b\"])",
	"[\"acme\", \"b\", \"c\"].containsAll(context.names)",
	"context.set.containsAny(context.names)",
	"[principal.owner, \"b\"].containsAny([\"acme\", context.s])",
	"[].isEmpty() && context.names.isEmpty()",
	"context.v.lessThan(version(\"1.10\"))",
	"context.v.greaterThanOrEqual(version(\"1.9\"))",
	"context.v == version(\"1.9.0\")",
	"context.v == debversion(\"1.9\")",
	"version(context.s).greaterThan(version(\"1\"))",
	"context has dv && context.dv.greaterThan(debversion(\"1:1.0~rc1-1\"))",
	"context.dv.lessThanOrEqual(debversion(\"1:1.0-1\"))",
	"context.rv.lessThan(rpmversion(\"5.14.0-362\"))",
	"context.rv == rpmversion(\"5.14.0-70.el9\")",
	"principal == resource",
	"true",
	"false",
	"1 < 2",
	"1 == 2",
	"5",
	"1 < \"a\"",
	"ip(\"1.2.3.4\").isIpv4()",
	"ip(\"no\").isIpv4()",
};

/* Tests of one path that contain one another. */
static const char *const nested[] = { "context.x < 1", "context.x < 2",
	"context.x <= 2", "context.x < 3", "context.x > 0", "context.x >= 2",
	"context.x > 2", "!(context.x < 2)", "context.names.anyLike(\"a*\")",
	"context.v.lessThan(version(\"1.10\"))",
	"context.v.lessThan(version(\"1.9\"))", "context.s matches \"a\"",
	"context.x == 1", "context.x == 2", "context has x", "!(context has x)",
	"context.x != 3", "context.x == \"text\"", "context.y == 1",
	"context.y < 2" };

static void
element_test(struct generate *g, struct buf *out)
{
	unsigned var = generate_below(g, 3);
	const char *name = variables[var];

	switch (generate_below(g, 6)) {
	case 0:
		buf_printf(out, "%s == %s", name, entity(g, var));
		break;
	case 1:
		buf_printf(out, "%s == %s", entity(g, var), name);
		break;
	case 2:
		buf_printf(out, "%s != %s", name, entity(g, var));
		break;
	case 3:
		buf_printf(out, "%s in ", name);
		group_list(g, out, var);
		break;
	case 4:
		buf_printf(out, "%s in %s", name, group(g, var));
		break;
	default:
		buf_printf(
		    out, "%s is %s", name, types[var][generate_below(g, 2)]);
		break;
	}
}

static void
parenthesised(struct generate *g, struct buf *out, unsigned depth)
{
	buf_byte(out, '(');
	generate_condition(g, out, depth);
	buf_byte(out, ')');
}

void
generate_condition(struct generate *g, struct buf *out, unsigned depth)
{
	uint32_t n = 2 + generate_below(g, 2);

	switch (depth ? generate_below(g, 8) : 0) {
	case 0:
	case 1:
		if (generate_one_in(g, 2))
			element_test(g, out);
		else
			buf_addz(out, PICK(g, tests));
		break;
	case 2:
	case 3:
		for (uint32_t i = 0; i < n; i++) {
			buf_addz(out, i ? " || " : "");
			parenthesised(g, out, depth - 1);
		}
		break;
	case 4:
	case 5:
		for (uint32_t i = 0; i < n; i++) {
			buf_addz(out, i ? " && " : "");
			parenthesised(g, out, depth - 1);
		}
		break;
	case 6:
		buf_byte(out, '!');
		parenthesised(g, out, depth - 1);
		break;
	default:
		buf_addz(out, "if ");
		parenthesised(g, out, depth - 1);
		buf_addz(out, " then ");
		parenthesised(g, out, depth - 1);
		buf_addz(out, " else ");
		parenthesised(g, out, depth - 1);
		break;
	}
}

static struct str
condition(struct generate *g)
{
	struct buf out = { 0 };

	buf_addz(&out, generate_one_in(g, 4) ? "unless { " : "when { ");
	if (generate_one_in(g, 3))
		buf_addz(&out, PICK(g, nested));
	else
		generate_condition(g, &out, generate_below(g, 4));
	buf_addz(&out, " }");
	return keep(g, &out);
}

/* The element's test becomes one of a slot. */
static void
slot(struct generate *g, struct generate_policy *p, unsigned i)
{
	static const char *const uids[2][4] = {
		{ "{\"type\": \"User\", \"id\": \"a\"}",
		    "{\"type\": \"Group\", \"id\": \"g\"}",
		    "{\"type\": \"Group\", \"id\": \"top\"}",
		    "{\"type\": \"Robot\", \"id\": \"a\"}" },
		{ "{\"type\": \"Doc\", \"id\": \"acme/1\"}",
		    "{\"type\": \"Folder\", \"id\": \"f\"}",
		    "{\"type\": \"Folder\", \"id\": \"e\"}",
		    "{\"type\": \"Doc\", \"id\": \"b\"}" },
	};
	static const char *const forms[2][4] = {
		{ " == ?principal", " in ?principal", " in ?principal",
		    " is User in ?principal" },
		{ " == ?resource", " in ?resource", " in ?resource",
		    " is Doc in ?resource" },
	};

	p->slot[i] = uids[i][generate_below(g, 4)];
	p->scope[i ? 2 : 0] = str_of(forms[i][generate_below(g, 4)]);
}

static void
fresh(struct generate *g, struct generate_policy *p)
{
	*p = (struct generate_policy){ .permits = generate_one_in(g, 2) };
	for (unsigned var = 0; var < 3; var++)
		p->scope[var] = scope_test(g, var);
	for (unsigned i = 0; g->templates && i < 2; i++)
		if (generate_one_in(g, 8))
			slot(g, p, i);
	if (generate_one_in(g, 3))
		return;
	p->n_conditions = 1 + generate_below(g, GENERATE_CONDITIONS);
	for (uint32_t i = 0; i < p->n_conditions; i++)
		p->conditions[i] = condition(g);
}

/* What cuts a policy in two: a test, and its opposite. */
static const char *const cuts[] = { "context has x", "principal has owner",
	"principal == User::\"a\"", "principal in Group::\"g\"",
	"resource is Doc", "context.x < 2", "context.x >= 1", "context.x == 1",
	"context.flag", "context.y > 0", "principal.hasTag(\"t\")" };

static void
add_condition(struct generate *g, struct generate_policy *p, const char *word,
    const char *test)
{
	struct buf out = { 0 };
	uint32_t at = p->n_conditions;

	if (at == GENERATE_CONDITIONS)
		return;
	buf_printf(&out, "%s { %s }", word, test);
	p->n_conditions++;
	/* In front it is asked always, behind only where the rest holds. */
	if (generate_one_in(g, 2) && at > 0) {
		p->conditions[at] = p->conditions[0];
		at = 0;
	}
	p->conditions[at] = keep(g, &out);
}

/* What a wildcard matches, and what it does not. */
static void
turn_pattern(struct generate *g, struct str *scope)
{
	static const struct str like = STR_INIT(" like "),
				not_like = STR_INIT(" not like ");
	bool is_not = str_has_prefix(*scope, not_like);
	struct buf out = { 0 };

	if (!is_not && !str_has_prefix(*scope, like))
		return;
	buf_add(&out, is_not ? like : not_like);
	buf_add(&out, str_sub(*scope, (is_not ? not_like : like).n, scope->n));
	*scope = keep(g, &out);
}

/* A copy with at most one difference. */
static void
vary(struct generate *g, struct generate_policy *p)
{
	unsigned var = generate_below(g, 3), which = generate_below(g, 10);

	switch (which) {
	case 9:
		turn_pattern(g, &p->scope[var]);
		break;
	case 7:
	case 8:
		if (p->n_conditions > 0)
			p->conditions[generate_below(g, p->n_conditions)] =
			    condition(g);
		break;
	case 0:
		p->permits = !p->permits;
		break;
	case 1:
	case 2:
		if (var != 1)
			p->slot[var / 2] = NULL;
		p->scope[var] = which == 1 ? STR("") : scope_test(g, var);
		break;
	case 3:
		if (p->n_conditions > 0)
			p->n_conditions--;
		break;
	case 4:
	case 5:
		if (p->n_conditions < GENERATE_CONDITIONS)
			p->conditions[p->n_conditions++] = condition(g);
		break;
	default:
		break;
	}
}

/* A policy whose scope and condition together say what another's scope says, or
 * nearly so: a deny that beats it, or one of its own effect. */
static void
within(struct generate *g, struct generate_policy *inner,
    struct generate_policy *outer)
{
	unsigned var = generate_below(g, 3);
	const char *where = group(g, var);
	struct buf test = { 0 }, scope = { 0 };

	fresh(g, inner);
	inner->permits = !generate_one_in(g, 3);
	*outer = *inner;
	outer->permits = inner->permits && generate_one_in(g, 3);
	buf_printf(&test, "%s in %s", variables[var], where);
	add_condition(
	    g, inner, generate_one_in(g, 6) ? "unless" : "when", test.p);
	if (generate_one_in(g, 4))
		buf_printf(&scope, " is %s", types[var][generate_below(g, 2)]);
	buf_printf(&scope, " in %s", where);
	buf_free(&test);
	outer->scope[var] = keep(g, &scope);
	if (var != 1)
		outer->slot[var / 2] = NULL;
	outer->n_conditions = generate_below(g, outer->n_conditions + 1);
	if (generate_one_in(g, 2))
		vary(g, outer);
}

void
generate_case(struct generate *g, struct generate_case *ret)
{
	static const char *const declarations[] = { "",
		"indivisible action [Action::\"r\", Action::\"w\"];\n",
		"indivisible principal [Group::\"g\", Group::\"h\"];\n" };

	*ret = (struct generate_case){ .declarations =
					   str_of(PICK(g, declarations)) };
	ret->n_policies = 1 + generate_below(g, GENERATE_POLICIES);
	for (uint32_t i = 0; i < ret->n_policies; i++)
		if (i + 1 < ret->n_policies && i > 0 && generate_one_in(g, 6)) {
			const struct generate_policy *whole =
			    &ret->policies[generate_below(g, i)];
			const char *test = PICK(g, cuts);

			ret->policies[i] = *whole;
			ret->policies[i + 1] = *whole;
			add_condition(g, &ret->policies[i++], "when", test);
			add_condition(g, &ret->policies[i], "unless", test);
		} else if (i + 1 < ret->n_policies && generate_one_in(g, 6)) {
			within(g, &ret->policies[i], &ret->policies[i + 1]);
			i++;
		} else if (i > 0 && generate_one_in(g, 2)) {
			ret->policies[i] = ret->policies[generate_below(g, i)];
			vary(g, &ret->policies[i]);
		} else {
			fresh(g, &ret->policies[i]);
		}
}

void
generate_text(struct buf *out, const struct generate_policy *p)
{
	buf_printf(out, "%s (principal%.*s, action%.*s, resource%.*s)",
	    p->permits ? "permit" : "deny", STR_ARG(p->scope[0]),
	    STR_ARG(p->scope[1]), STR_ARG(p->scope[2]));
	for (uint32_t i = 0; i < p->n_conditions; i++)
		buf_printf(out, " %.*s", STR_ARG(p->conditions[i]));
	buf_addz(out, ";\n");
}

bool
generate_link(struct buf *out, const struct generate_policy *p, uint32_t i,
    const char *file)
{
	static const char *const names[] = { "?principal", "?resource" };
	bool any = false;

	if (!p->slot[0] && !p->slot[1])
		return false;
	buf_printf(out,
	    "{\"staticPolicies\": {}, \"templates\": {}, \"templateLinks\": "
	    "[{\"templateId\": \"%s#0\", \"newId\": \"link%u\", \"values\": {",
	    file, i);
	for (size_t k = 0; k < 2; k++)
		if (p->slot[k]) {
			buf_printf(out, "%s\"%s\": %s", any ? ", " : "",
			    names[k], p->slot[k]);
			any = true;
		}
	buf_addz(out, "}}]}");
	return true;
}

struct schema *
generate_schema(void)
{
	static const char text[] =
	    "entity Group; entity User in [Group, User]; entity Doc;\n"
	    "entity Robot enum [\"a\", \"ab\", \"1\"];\n"
	    "entity Folder enum [\"f\", \"e\", \"acme/9\"];\n"
	    "action all;\n"
	    "action r, w, x, rx in [all] appliesTo {\n"
	    "principal: [User, Robot, Group], resource: [Doc, Folder] };\n";
	struct errors errors = { 0 };
	struct schema *s =
	    schema_new("schema", str_of(text), SCHEMA_CEDAR, &errors);

	require(s != NULL, &errors.e[0]);
	return s;
}

/* ---- data -----------------------------------------------------------------
 */

/* Values that an attribute of this name may have; the first is what policies
 * expect. */
static const struct {
	const char *name;
	const char *values[4];
} context_fields[] = {
	{ "x", { "1", "2", "3", "\"text\"" } },
	{ "y", { "1", "2", "0", "true" } },
	{ "flag", { "true", "false", "true", "7" } },
	{ "s", { "\"acme\"", "\"b\"", "\"a*\"", "1" } },
	{ "set", { "[1, 2]", "[]", "[3]", "1" } },
	{ "rec", { "{\"k\": 1}", "{}", "{\"k\": \"v\"}", "4" } },
	{ "g",
	    { "{\"__entity\": {\"type\": \"Group\", \"id\": \"g\"}}",
		"{\"__entity\": {\"type\": \"User\", \"id\": \"a\"}}",
		"[{\"__entity\": {\"type\": \"Group\", \"id\": \"h\"}}]",
		"[{\"__entity\": {\"type\": \"Group\", \"id\": \"g\"}}, "
		"5]" } },
	{ "now",
	    { "{\"__extn\": {\"fn\": \"datetime\", \"arg\": \"2024-01-01\"}}",
		"{\"__extn\": {\"fn\": \"datetime\", \"arg\": "
		"\"2025-01-01T13:00:00Z\"}}",
		"{\"__extn\": {\"fn\": \"datetime\", \"arg\": \"2024-02-01\"}}",
		"0" } },
	{ "names",
	    { "[\"acme\", \"b\"]", "[\"c\"]", "[]", "[\"acme\", 1]" } },
	{ "v",
	    { "{\"__extn\": {\"fn\": \"version\", \"arg\": \"1.9\"}}",
		"{\"__extn\": {\"fn\": \"version\", \"arg\": \"1.10.1\"}}",
		"{\"__extn\": {\"fn\": \"version\", \"arg\": \"2.0-rc.1\"}}",
		"\"1.9\"" } },
	{ "dv",
	    { "{\"__extn\": {\"fn\": \"debversion\", \"arg\": "
	      "\"1:1.0-1\"}}",
		"{\"__extn\": {\"fn\": \"debversion\", \"arg\": "
		"\"1:1.0~rc1-1\"}}",
		"{\"__extn\": {\"fn\": \"debversion\", \"arg\": \"2.0\"}}",
		"7" } },
	{ "rv",
	    { "{\"__extn\": {\"fn\": \"rpmversion\", \"arg\": "
	      "\"5.14.0-70.el9\"}}",
		"{\"__extn\": {\"fn\": \"rpmversion\", \"arg\": "
		"\"5.14.0-362.8\"}}",
		"{\"__extn\": {\"fn\": \"rpmversion\", \"arg\": "
		"\"1:1.0^git1\"}}",
		"\"5.14\"" } },
	{ "ip",
	    { "{\"__extn\": {\"fn\": \"ip\", \"arg\": \"10.1.2.3\"}}",
		"{\"__extn\": {\"fn\": \"ip\", \"arg\": \"192.168.1.1\"}}",
		"{\"__extn\": {\"fn\": \"ip\", \"arg\": \"::1\"}}",
		"\"10.0.0.1\"" } },
}, entity_fields[] = {
	{ "owner",
	    { "\"acme\"",
		"{\"__entity\": {\"type\": \"User\", \"id\": \"a\"}}",
		"{\"__entity\": {\"type\": \"User\", \"id\": \"b\"}}",
		"{\"__entity\": {\"type\": \"User\", \"id\": \"ghost\"}}" } },
	{ "n", { "1", "4", "9", "\"n\"" } },
};

static void
field(struct generate *g, struct buf *out, const char *name,
    const char *const values[4])
{
	/* Mostly there and as expected. */
	if (generate_one_in(g, 3))
		return;
	buf_printf(out, "%s\"%s\": %s", out->p[out->n - 1] == '{' ? "" : ", ",
	    name, values[generate_one_in(g, 2) ? 0 : generate_below(g, 4)]);
}

static struct value
value_of(struct generate *g, struct buf *text)
{
	struct error err = { 0 };
	struct value v;
	json_t *json;

	require(json_parse(buf_str(text), "generated", 1u << 20, 100,
		    JSON_DATA_FILE, &json, &err),
	    &err);
	require(value_from_json(g->arena, json, "context", &v, &err), &err);
	json_decref(json);
	buf_free(text);
	return v;
}

static struct value
attributes(struct generate *g)
{
	struct buf text = { 0 };

	buf_byte(&text, '{');
	for (size_t i = 0; i < ARRAY_LEN(entity_fields); i++)
		field(g, &text, entity_fields[i].name, entity_fields[i].values);
	buf_byte(&text, '}');
	return value_of(g, &text);
}

static struct value
tags(struct generate *g)
{
	struct buf text = { 0 };

	buf_addz(&text, generate_one_in(g, 2)   ? "{}"
			: generate_one_in(g, 2) ? "{\"t\": \"v\"}"
						: "{\"t\": 1}");
	return value_of(g, &text);
}

static struct uid
uid(const char *type, const char *id)
{
	return (struct uid){ str_of(type), str_of(id) };
}

struct place_in_tree {
	const char *type, *id;
	const char *parents[2][2];
};

/* What may lie in what; each parent is there in three of four worlds. */
static const struct place_in_tree places[] = {
	{ "Group", "top", { { NULL } } },
	{ "Group", "g", { { "Group", "top" } } },
	{ "Group", "h", { { "Group", "top" }, { "Group", "g" } } },
	{ "User", "a", { { "Group", "g" }, { "Group", "h" } } },
	{ "User", "b", { { "Group", "h" }, { "User", "a" } } },
	{ "User", "c", { { "Group", "top" } } },
	{ "Robot", "a", { { "Group", "g" } } },
	{ "Action", "r", { { "Action", "all" } } },
	{ "Action", "w", { { "Action", "all" }, { "Action", "r" } } },
	{ "Action", "rx", { { "Action", "all" } } },
	{ "Folder", "f", { { "Folder", "e" } } },
	{ "Doc", "acme/1", { { "Folder", "f" } } },
	{ "Doc", "acme/2", { { "Folder", "e" } } },
	{ "Doc", "b", { { "Folder", "f" }, { "Doc", "acme/2" } } },
};

const struct entities *
generate_entities(struct generate *g)
{
	struct entities *layer = entities_new(g->arena, NULL);
	struct error err = { 0 };

	require(layer || error_nomem(&err), &err);
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		struct uid *parents = ARENA_ARRAY(g->arena, 2, struct uid);
		struct entity e = { .uid = uid(places[i].type, places[i].id),
			.parents = parents,
			.from = "generated" };

		if (generate_one_in(g, 6))
			continue;
		for (size_t k = 0; k < 2; k++)
			if (places[i].parents[k][0] && !generate_one_in(g, 4))
				parents[e.n_parents++] =
				    uid(places[i].parents[k][0],
					places[i].parents[k][1]);
		e.attrs = attributes(g);
		e.tags = tags(g);
		require(entities_add(layer, &e, &err), &err);
	}
	require(entities_finish(layer, &err), &err);
	return layer;
}

void
generate_request(struct generate *g, struct eval_request *r)
{
	static const char *const principals[][2] = { { "User", "a" },
		{ "User", "b" }, { "User", "c" }, { "Robot", "a" },
		{ "User", "ghost" }, { "Group", "g" }, { "Robot", "ab" } };
	static const char *const done[][2] = { { "Action", "r" },
		{ "Action", "w" }, { "Action", "x" }, { "Action", "rx" } };
	static const char *const on[][2] = { { "Doc", "acme/1" },
		{ "Doc", "acme/2" }, { "Doc", "b" }, { "Folder", "f" },
		{ "Doc", "" } };
	uint32_t p = generate_below(g, ARRAY_LEN(principals));
	uint32_t a = generate_below(g, ARRAY_LEN(done));
	uint32_t o = generate_below(g, ARRAY_LEN(on));
	struct value *context = ARENA_NEW(g->arena, struct value);
	struct buf text = { 0 };

	buf_byte(&text, '{');
	for (size_t i = 0; i < ARRAY_LEN(context_fields); i++)
		field(
		    g, &text, context_fields[i].name, context_fields[i].values);
	buf_byte(&text, '}');
	*context = value_of(g, &text);
	*r = (struct eval_request){ .principal =
					uid(principals[p][0], principals[p][1]),
		.action = uid(done[a][0], done[a][1]),
		.resource = uid(on[o][0], on[o][1]),
		.context = context };
}
