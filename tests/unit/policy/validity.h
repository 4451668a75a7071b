/* validity.h - a schema for tests of validation, and one policy against it. */
#ifndef TESTS_VALIDITY_H
#define TESTS_VALIDITY_H

#include "policy/schema.h"
#include "tests/lib/run.h"

static const char validity_schema[] =
    "entity G in [G];\n"
    "entity User in [G] = { name: String, opt?: Long,\n"
    "  rec: {a: Long, b?: Long}, orec?: {a: Long, b?: String},\n"
    "  friend?: User, s: Set<Long>, us: Set<User>, names: Set<String>,\n"
    "  dt: datetime, du: duration, d: decimal, addr: ipaddr, bool: Bool,\n"
    "  g: G } tags String;\n"
    "entity Photo in [Album] = { owner: User, opt?: Long };\n"
    "entity Album;\n"
    "entity Col enum [\"red\", \"blue\"];\n"
    "entity RecTag tags {a?: Long};\n"
    "action all;\n"
    "action view in [all] appliesTo { principal: [User],\n"
    "  resource: [Photo], context: { x?: Long, r: {q?: Bool}, n: Long } };\n"
    "action edit appliesTo { principal: [User, G], resource: [Photo] };\n";

struct validity {
	struct errors errors, warnings;
	bool ok;
};

/* Policies against a schema; the errors of reading too. */
static inline struct validity
validity_of(const char *schema, const char *policies,
    enum policy_dialect dialect, enum schema_mode mode)
{
	struct validity v = { 0 };
	struct schema *s =
	    schema_new("s", str_of(schema), SCHEMA_CEDAR, &v.errors);
	struct policy_set *set = policy_set_new(POLICY_BY_POSITION);

	ck_assert_msg(s && set, "the schema: %s", v.errors.e[0].msg);
	v.ok = policy_set_add_text(
		   set, "p", str_of(policies), dialect, &v.errors) &&
	       policy_set_finish(set, &v.errors) &&
	       schema_validate(s, set, mode, &v.errors, &v.warnings);
	schema_free(s);
	policy_set_free(set);
	for (size_t i = 0; i < v.errors.n; i++)
		v.errors.e[i].at.file = "p";
	for (size_t i = 0; i < v.warnings.n; i++)
		v.warnings.e[i].at.file = "p";
	return v;
}

/* What the place covers, on one line of ASCII. */
static inline struct str
validity_place(const char *text, struct span at)
{
	return str_sub(str_of(text), at.col - 1, at.col - 1 + at.len);
}

/* ERR_NONE: valid; ERR_TYPE_NEVER: valid, with that warning; else the first error, and what it underlines. */
static inline void
validity_check(const char *text, enum policy_dialect dialect,
    enum err_code want, const char *place)
{
	struct validity v =
	    validity_of(validity_schema, text, dialect, SCHEMA_STRICT);
	const struct error *e = v.ok ? &v.warnings.e[0] : &v.errors.e[0];

	ck_assert_msg(e->code == want && v.ok == (v.errors.n == 0),
	    "%s\n  want %s, got %s: %s", text, error_id(want),
	    error_id(e->code), e->msg);
	if (want == ERR_NONE || want == ERR_TYPE_NEVER)
		return;
	ck_assert_msg(str_eq(validity_place(text, e->at), str_of(place)),
	    "%s\n  want it at `%s`, got `%.*s`", text, place,
	    STR_ARG(validity_place(text, e->at)));
}

#endif
