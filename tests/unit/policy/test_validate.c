/* test_validate.c - policies against a schema: scopes and environments, names,
 * what is added to Cedar's scopes, messages to the letter, and limits. */
#include "tests/unit/policy/validity.h"

#include <stdio.h>
#include <stdlib.h>

/* clang-format off */
/* As Cedar's own engine (4.10) has them. */
static const struct {
	const char *policy;
	enum err_code want;
	const char *place;
} policies[] = {
	{ "permit(principal, action, resource) when { principal.name == \"a\" };", ERR_TYPE_ATTRIBUTE, "name" },
	{ "permit(principal, action, resource);", ERR_NONE, "" },
	{ "permit(principal == Photo::\"x\", action, resource);", ERR_TYPE_SCOPE, "principal == Photo::\"x\"" },
	{ "permit(principal, action == Action::\"all\", resource);", ERR_TYPE_SCOPE, "action == Action::\"all\"" },
	{ "permit(principal, action in [], resource);", ERR_TYPE_EMPTY_SET, "in []" },
	{ "permit(principal == Photo::\"x\", action in [], resource);", ERR_TYPE_EMPTY_SET, "in []" },
	{ "permit(principal is User, action in Action::\"all\", resource) when { principal.name == \"a\" };", ERR_NONE, "" },
	{ "permit(principal is G, action, resource) when { principal.name == \"a\" };", ERR_TYPE_ATTRIBUTE, "name" },
	{ "permit(principal in G::\"x\", action, resource is Photo in Album::\"y\") when { principal has name };", ERR_NONE, "" },
	{ "permit(principal == Action::\"view\", action, resource);", ERR_TYPE_SCOPE, "principal == Action::\"view\"" },
	{ "permit(principal is Action, action, resource);", ERR_TYPE_SCOPE, "principal is Action" },
	{ "permit(principal in Col::\"green\", action, resource);", ERR_SCHEMA_NAME, "Col::\"green\"" },
	{ "permit(principal, action in [Action::\"view\", Action::\"nope\"], resource);", ERR_SCHEMA_NAME, "Action::\"nope\"" },
	{ "permit(principal, action == Action::\"edit\", resource) when { context has x && 5 };", ERR_TYPE_NEVER, "" },
	{ "permit(principal, action == Action::\"edit\", resource) when { context has x && context.x == 1 };", ERR_TYPE_NEVER, "" },
	{ "permit(principal, action, resource) when { context has x && context.x == 1 };", ERR_NONE, "" },
	{ "permit(principal, action, resource) when { action == Action::\"view\" && context.n == 1 };", ERR_NONE, "" },
	{ "permit(principal, action, resource) when { action in Action::\"all\" && context.n == 1 };", ERR_NONE, "" },
	{ "permit(principal, action, resource) when { principal is User && principal.name == \"a\" };", ERR_NONE, "" },
	{ "permit(principal, action, resource) when { !(principal is User) || principal.name == \"a\" };", ERR_NONE, "" },
	{ "permit(principal, action, resource) when { principal is G || principal.name == \"a\" };", ERR_NONE, "" },
	{ "permit(principal, action, resource) unless { principal has name } when { principal has name };", ERR_NONE, "" },
	{ "permit(principal, action, resource) when { principal has opt } when { principal.opt == 1 };", ERR_NONE, "" },
	{ "permit(principal, action, resource) unless { !(principal has opt) } when { principal.opt == 1 };", ERR_TYPE_OPTIONAL, "opt" },
	{ "permit(principal, action, resource) when { false } when { 1 };", ERR_TYPE_NEVER, "" },
	{ "permit(principal, action, resource) when { 1 } when { false };", ERR_TYPE_MISMATCH, "1" },
	{ "permit(principal, action, resource) unless { 1 };", ERR_TYPE_MISMATCH, "1" },
	{ "permit(principal, action, resource) when { principal.name == \"a\" || principal is G };", ERR_TYPE_ATTRIBUTE, "name" },
	{ "permit(principal, action, resource) when { context == {n: 1} };", ERR_TYPE_MISMATCH, "{n: 1}" },
	{ "permit(principal, action, resource) when { principal == resource };", ERR_TYPE_NEVER, "" },
	{ "permit(principal, action, resource) when { (if principal is G then 1 else 1) == 1 };", ERR_NONE, "" },
};
static const struct {
	const char *policy;
	enum err_code want;
	const char *place;
} added[] = {
	{ "deny(principal, action, resource);", ERR_NONE, "" },
	{ "deny(principal, action, resource) when { principal.name == \"a\" };", ERR_TYPE_ATTRIBUTE, "name" },
	/* Negated tests restrict no type... */
	{ "permit(principal != User::\"a\", action, resource) when { principal has name };", ERR_NONE, "" },
	{ "permit(principal != User::\"a\", action, resource) when { principal.name == \"a\" };", ERR_TYPE_ATTRIBUTE, "name" },
	{ "permit(principal != G::\"a\", action, resource) when { principal.name == \"a\" };", ERR_TYPE_ATTRIBUTE, "name" },
	{ "permit(principal not in G::\"a\", action, resource) when { principal.name == \"a\" };", ERR_TYPE_ATTRIBUTE, "name" },
	{ "permit(principal not like User::\"a*\", action, resource) when { principal.name == \"a\" };", ERR_TYPE_ATTRIBUTE, "name" },
	{ "permit(principal != Nope::\"a\", action, resource);", ERR_SCHEMA_NAME, "Nope::\"a\"" },
	{ "permit(principal not in Col::\"green\", action, resource);", ERR_SCHEMA_NAME, "Col::\"green\"" },
	/* ... but `is not` does, and an action is known. */
	{ "permit(principal is not G, action, resource) when { principal.name == \"a\" };", ERR_NONE, "" },
	{ "permit(principal is not User, action, resource) when { principal.name == \"a\" };", ERR_TYPE_ATTRIBUTE, "name" },
	{ "permit(principal is not [User, G], action, resource);", ERR_TYPE_SCOPE, "principal is not [User, G]" },
	{ "permit(principal is not Nope, action, resource);", ERR_SCHEMA_NAME, "is not Nope" },
	{ "permit(principal, action != Action::\"edit\", resource) when { principal.name == \"a\" };", ERR_NONE, "" },
	{ "permit(principal, action not in [Action::\"edit\"], resource) when { context.n == 1 };", ERR_NONE, "" },
	{ "permit(principal, action not in Action::\"all\", resource) when { context.n == 1 };", ERR_TYPE_ATTRIBUTE, "n" },
	{ "permit(principal, action not like Action::\"e*\", resource) when { context.n == 1 };", ERR_NONE, "" },
	{ "permit(principal, action like Action::\"v*\", resource) when { context.n == 1 };", ERR_NONE, "" },
	{ "permit(principal, action like Action::\"x*\", resource);", ERR_TYPE_SCOPE, "action like Action::\"x*\"" },
	{ "permit(principal, action is Action, resource);", ERR_NONE, "" },
	{ "permit(principal, action is not Action, resource);", ERR_TYPE_SCOPE, "action is not Action" },
	/* Lists. */
	{ "permit(principal is [User, G], action, resource) when { principal has name };", ERR_NONE, "" },
	{ "permit(principal is [User, Col], action, resource) when { principal.name == \"a\" };", ERR_NONE, "" },
	{ "permit(principal is [Col, Album], action, resource);", ERR_TYPE_SCOPE, "principal is [Col, Album]" },
	{ "permit(principal is [User, Nope], action, resource);", ERR_SCHEMA_NAME, "is [User, Nope]" },
	{ "permit(principal in [G::\"a\", User::\"b\"], action, resource);", ERR_NONE, "" },
	{ "permit(principal in [Album::\"a\", User::\"b\"], action, resource) when { principal.name == \"a\" };", ERR_NONE, "" },
	{ "permit(principal in [Album::\"a\"], action, resource);", ERR_TYPE_SCOPE, "principal in [Album::\"a\"]" },
	{ "permit(principal in [], action, resource);", ERR_TYPE_EMPTY_SET, "in []" },
	{ "permit(principal not in [], action, resource);", ERR_NONE, "" },
	{ "permit(principal is User in [G::\"a\", G::\"b\"], action, resource);", ERR_NONE, "" },
	{ "permit(principal is User not in G::\"a\", action, resource) when { principal.name == \"a\" };", ERR_NONE, "" },
	/* Patterns, and what they are made of. */
	{ "permit(principal like User::\"a*\", action, resource) when { principal.name == \"a\" };", ERR_NONE, "" },
	{ "permit(principal like G::\"a*\", action, resource) when { principal.name == \"a\" };", ERR_TYPE_ATTRIBUTE, "name" },
	{ "permit(principal like Col::\"r*\", action, resource);", ERR_TYPE_SCOPE, "principal like Col::\"r*\"" },
	{ "permit(principal like Nope::\"a*\", action, resource);", ERR_SCHEMA_NAME, "like Nope::\"a*\"" },
	{ "permit(principal is User, action, resource like Photo::\"${principal.name}/*\");", ERR_NONE, "" },
	{ "permit(principal is User, action, resource like Photo::\"${principal}/*\");", ERR_NONE, "" },
	{ "permit(principal is User, action, resource like Photo::\"${principal.g}/*\");", ERR_NONE, "" },
	{ "permit(principal is User, action, resource like Photo::\"${principal.rec.a}/*\");", ERR_TYPE_MISMATCH, "${principal.rec.a}" },
	{ "permit(principal is User, action, resource like Photo::\"${principal.nam}/*\");", ERR_TYPE_ATTRIBUTE, "${principal.nam}" },
	{ "permit(principal is User, action, resource like Photo::\"${principal.friend}/*\");", ERR_TYPE_OPTIONAL, "${principal.friend}" },
	{ "permit(principal, action, resource like Photo::\"${principal.name}/*\");", ERR_TYPE_ATTRIBUTE, "${principal.name}" },
	{ "permit(principal, action, resource not like Photo::\"${principal.name}/*\");", ERR_TYPE_ATTRIBUTE, "${principal.name}" },
	{ "permit(principal, action, resource not like Album::\"${principal.name}/*\");", ERR_NONE, "" },
	{ "permit(principal is User, action, resource like Photo::\"${context.n}\");", ERR_TYPE_ATTRIBUTE, "${context.n}" },
	{ "permit(principal, action == Action::\"view\", resource like Photo::\"${context.n}\");", ERR_TYPE_MISMATCH, "${context.n}" },
	/* Templates. */
	{ "permit(principal == ?principal, action, resource) when { principal has name };", ERR_NONE, "" },
	{ "permit(principal in ?principal, action, resource in ?resource) when { resource has opt && resource.opt == 1 };", ERR_NONE, "" },
	{ "permit(principal is User in ?principal, action, resource) when { principal.name == \"a\" };", ERR_NONE, "" },
	{ "permit(principal == ?principal, action, resource) when { principal.name == \"a\" };", ERR_TYPE_ATTRIBUTE, "name" },
	{ "permit(principal is Album in ?principal, action, resource);", ERR_TYPE_SCOPE, "principal is Album in ?principal" },
	/* Several policies; the same mistake twice is two. */
	{ "permit(principal, action, resource); permit(principal is Nope, action, resource);", ERR_SCHEMA_NAME, "is Nope" },
};
/* clang-format on */

START_TEST(as_cedar)
{
	validity_check(policies[_i].policy, POLICY_CEDAR, policies[_i].want,
	    policies[_i].place);
	validity_check(policies[_i].policy, POLICY_AVOW, policies[_i].want,
	    policies[_i].place);
}
END_TEST

START_TEST(what_is_added)
{
	validity_check(
	    added[_i].policy, POLICY_AVOW, added[_i].want, added[_i].place);
}
END_TEST

/* clang-format off */
static const struct {
	const char *policy, *messages;
} messages[] = {
#include "tests/unit/policy/validity_messages.h"
};
/* clang-format on */

START_TEST(says)
{
	struct validity v = validity_of(
	    validity_schema, messages[_i].policy, POLICY_AVOW, SCHEMA_STRICT);
	struct buf got = { 0 };

	for (size_t i = 0; i < v.errors.n; i++)
		error_print(&got, &v.errors.e[i], str_of(messages[_i].policy));
	for (size_t i = 0; i < v.warnings.n; i++)
		error_print_as(&got, "warning", &v.warnings.e[i],
		    str_of(messages[_i].policy));
	ck_str_is(buf_str(&got), messages[_i].messages);
	buf_free(&got);
}
END_TEST

/* A namespace, several action types, one name in two of them. */
static const struct {
	const char *policy;
	bool ok;
} spaces[] = {
	{ "permit(principal is A::User, action, resource);", true },
	{ "permit(principal is User, action, resource);", false },
	{ "permit(principal, action == A::Action::\"view\", resource);", true },
	{ "permit(principal, action == Action::\"view\", resource);", false },
	{ "permit(principal, action == B::Action::\"view\", resource) when { "
	  "context.b };",
	    true },
	{ "permit(principal, action, resource) when { context.b };", false },
	{ "permit(principal, action, resource) when { action is A::Action || "
	  "context.b };",
	    true },
	{ "permit(principal, action, resource) when { action is B::Action && "
	  "context.b };",
	    true },
	{ "permit(principal, action in A::Action::\"all\", resource) when { "
	  "context.b };",
	    true },
	{ "permit(principal, action, resource) when { A::User::\"x\".boss has "
	  "boss };",
	    true },
};

START_TEST(namespaces)
{
	static const char schema[] =
	    "namespace A { entity User = { boss: User }; action all; action "
	    "view appliesTo { principal: User, resource: User }; }\n"
	    "namespace B { action view in [A::Action::\"all\"] appliesTo { "
	    "principal: A::User, resource: A::User, context: { b: Bool } }; }";
	struct validity v =
	    validity_of(schema, spaces[_i].policy, POLICY_CEDAR, SCHEMA_STRICT);

	ck_assert_msg(v.ok == spaces[_i].ok, "%s: %s", spaces[_i].policy,
	    v.errors.e[0].msg);
}
END_TEST

/* Links bind slots; the first error, and where it is in the JSON. */
static const struct {
	const char *template, *slot, *entity;
	enum err_code want;
	const char *place;
} links[] = {
	{ "principal == ?principal, action, resource", "principal",
	    "{\"type\": \"User\", \"id\": \"a\"}", ERR_NONE, "" },
	{ "principal == ?principal, action, resource", "principal",
	    "{\"type\": \"Usr\", \"id\": \"a\"}", ERR_SCHEMA_NAME,
	    "\"?principal\"" },
	{ "principal == ?principal, action, resource", "principal",
	    "{\"type\": \"Photo\", \"id\": \"a\"}", ERR_TYPE_SCOPE,
	    "{\"templateId\"" },
	{ "principal in ?principal, action, resource", "principal",
	    "{\"type\": \"G\", \"id\": \"a\"}", ERR_NONE, "" },
	{ "principal in ?principal, action, resource", "principal",
	    "{\"type\": \"Album\", \"id\": \"a\"}", ERR_TYPE_SCOPE,
	    "{\"templateId\"" },
	{ "principal in ?principal, action, resource", "principal",
	    "{\"type\": \"Action\", \"id\": \"zz\"}", ERR_TYPE_SCOPE,
	    "{\"templateId\"" },
	{ "principal == ?principal, action == Action::\"view\", resource",
	    "principal", "{\"type\": \"G\", \"id\": \"a\"}", ERR_TYPE_SCOPE,
	    "{\"templateId\"" },
	{ "principal, action, resource in ?resource", "resource",
	    "{\"type\": \"Album\", \"id\": \"a\"}", ERR_NONE, "" },
	{ "principal, action, resource in ?resource", "resource",
	    "{\"type\": \"User\", \"id\": \"a\"}", ERR_TYPE_SCOPE,
	    "{\"templateId\"" },
};

START_TEST(bound_slots)
{
	char text[200], json[400];
	struct errors errors = { 0 }, warnings = { 0 };
	struct schema *s =
	    schema_new("s", str_of(validity_schema), SCHEMA_CEDAR, &errors);
	struct policy_set *set = policy_set_new(POLICY_BY_POSITION);
	bool ok;

	snprintf(text, sizeof text, "permit(%s);", links[_i].template);
	snprintf(json, sizeof json,
	    "{\"staticPolicies\": {}, \"templates\": {}, "
	    "\"templateLinks\": [{\"templateId\": \"policy0\", \"newId\": "
	    "\"l\", \"values\": {\"?%s\": %s}}]}",
	    links[_i].slot, links[_i].entity);
	ok = policy_set_add_text(
		 set, "p", str_of(text), POLICY_CEDAR, &errors) &&
	     policy_set_add_json(set, "j", str_of(json), &errors) &&
	     policy_set_finish(set, &errors);
	ck_assert_msg(ok, "%s", errors.e[0].msg);
	ok = schema_validate(s, set, SCHEMA_STRICT, &errors, &warnings);
	ck_assert_msg(errors.e[0].code == links[_i].want &&
			  ok == (links[_i].want == ERR_NONE),
	    "%s %s: %s", text, links[_i].entity, errors.e[0].msg);
	if (!ok) {
		ck_assert_str_eq(errors.e[0].at.file, "j");
		ck_assert_msg(
		    str_has_prefix(validity_place(json, errors.e[0].at),
			str_of(links[_i].place)),
		    "at `%.*s`", STR_ARG(validity_place(json, errors.e[0].at)));
	}
	schema_free(s);
	policy_set_free(set);
}
END_TEST

/* Errors beyond those kept are counted, and the answer is no all the same. */
START_TEST(many_errors)
{
	struct buf text = { 0 };
	struct validity v;

	for (int i = 0; i < 40; i++)
		buf_addz(
		    &text, "permit(principal is Nope, action, resource);\n");
	buf_byte(&text, '\0');
	v = validity_of(validity_schema, text.p, POLICY_CEDAR, SCHEMA_STRICT);
	ck_assert(!v.ok);
	ck_assert_uint_eq(v.errors.n, ERRORS_MAX);
	ck_assert_uint_eq(v.errors.dropped, 40 - ERRORS_MAX);
	ck_assert_uint_eq(v.errors.e[5].at.line, 6);
	buf_free(&text);
}
END_TEST

/* A thousand actions on a thousand types each: what cannot be looked at in the
 * steps there are is no valid policy. */
START_TEST(over_the_limit)
{
	struct buf schema = { 0 }, types = { 0 };
	struct validity v;

	for (int i = 0; i < 1000; i++) {
		buf_printf(&schema, "entity T%d = { a: Long };\n", i);
		buf_printf(&types, "%sT%d", i ? ", " : "", i);
	}
	for (int i = 0; i < 1500; i++)
		buf_printf(&schema,
		    "action a%d appliesTo { principal: [%.*s], resource: "
		    "[%.*s] };\n",
		    i, STR_ARG(buf_str(&types)), STR_ARG(buf_str(&types)));
	buf_byte(&schema, '\0');
	v = validity_of(schema.p,
	    "permit(principal, action, resource) when { principal.a == "
	    "resource.a };",
	    POLICY_CEDAR, SCHEMA_STRICT);
	ck_assert(!v.ok);
	ck_assert_msg(
	    v.errors.e[0].code == ERR_LIMIT_COUNT, "%s", v.errors.e[0].msg);
	/* What looks at less is quick. */
	v = validity_of(schema.p,
	    "permit(principal, action, resource) when { principal.a == 1 };",
	    POLICY_CEDAR, SCHEMA_STRICT);
	ck_assert_msg(v.ok, "%s", v.errors.e[0].msg);
	buf_free(&schema);
	buf_free(&types);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("validate");
	TCase *tc = tcase_create("validate");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, as_cedar, 0, ARRAY_LEN(policies));
	tcase_add_loop_test(tc, what_is_added, 0, ARRAY_LEN(added));
	tcase_add_loop_test(tc, says, 0, ARRAY_LEN(messages));
	tcase_add_loop_test(tc, namespaces, 0, ARRAY_LEN(spaces));
	tcase_add_loop_test(tc, bound_slots, 0, ARRAY_LEN(links));
	tcase_add_test(tc, many_errors);
	tcase_add_test(tc, over_the_limit);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
