/* validation.c - schema_validate against published answers. A case is one
 * comparison: it agrees when everything that is published of it does. */
#include "tests/conformance/validation.h"

#include <stdio.h>

#include "base/limits.h"
#include "policy/set.h"

#define SHOWN_MAX 20

static void
show(struct validation_tally *t, const struct test_case *c, const char *what,
    bool want, const struct errors *errors)
{
	const struct error *e = &errors->e[0];

	if (t->shown++ >= SHOWN_MAX)
		return;
	printf("  VALIDATION %s: %s, want %s", c->name, what,
	    want ? "valid" : "invalid");
	if (errors->n)
		printf(", found %u:%u: %s [%s]", e->at.line, e->at.col, e->msg,
		    error_id(e->code));
	printf("\n");
}

static bool
agrees(struct validation_tally *t, const struct test_case *c,
    const struct schema *schema, const struct policy_set *set,
    enum schema_mode mode, bool want, const char *what)
{
	struct errors errors = { 0 }, warnings = { 0 };
	bool ok = schema_validate(schema, set, mode, &errors, &warnings);

	if (ok != want)
		show(t, c, what, want, &errors);
	return ok == want;
}

/* A set that has one policy of another alone. */
static bool
policy_agrees(struct validation_tally *t, const struct test_case *c,
    const struct schema *schema, const struct policy_set *set, const char *id,
    const json_t *want)
{
	struct policy_set one = *set;
	struct ast alone, *file = &alone;
	unsigned i;

	if (sscanf(id, "policy%u", &i) != 1 || i >= set->n_instances)
		return false;
	alone = *set->instances[i].ast;
	alone.policies += set->instances[i].policy;
	alone.n_policies = 1;
	one.files = &file;
	one.n_files = 1;
	return agrees(t, c, schema, &one, SCHEMA_STRICT,
		   json_is_true(json_object_get(want, "strict")), id) &&
	       agrees(t, c, schema, &one, SCHEMA_PERMISSIVE,
		   json_is_true(json_object_get(want, "permissive")),
		   "permissive");
}

/* What is said of policies, without the part after it: that has entities for
 * keys, and some of them hold NUL, which a key here cannot. */
static json_t *
read_detail(struct arena *a, struct str text)
{
	static const struct str next = STR_INIT("\"entityValidation\"");
	struct error err = { 0 };
	json_t *json = NULL;
	size_t end = 0;

	while (
	    end < text.n && !str_has_prefix(str_sub(text, end, text.n), next))
		end++;
	while (end > 0 && text.p[end - 1] != ',')
		end--;
	text = str_printf(a, "%.*s}", (int)(end ? end - 1 : 0), text.p);
	if (!json_parse(text, "validation", LIMIT_DATA_FILE_BYTES,
		LIMIT_DATA_FILE_DEPTH, JSON_DATA_FILE, &json, &err))
		printf("  VALIDATION: %s\n", err.msg);
	return json;
}

static bool
detail_agrees(struct validation_tally *t, struct arena *a,
    const struct test_case *c, const struct schema *schema,
    const struct policy_set *set, const struct case_detail *detail)
{
	json_t *json, *policies, *want;
	bool ok = true;
	const char *id;

	if (!detail)
		return true;
	json = read_detail(a, detail->validation);
	policies = json_object_get(
	    json_object_get(json, "policyValidation"), "perPolicy");
	ok = json_object_size(policies) == set->n_instances;
	json_object_foreach (policies, id, want)
		ok = policy_agrees(t, c, schema, set, id, want) && ok;
	json_decref(json);
	return ok;
}

static struct policy_set *
read_policies(const struct test_case *c)
{
	struct policy_set *set = policy_set_new(POLICY_BY_POSITION);
	struct errors errors = { 0 };

	if (set &&
	    policy_set_add_text(
		set, "policies", c->policies, POLICY_CEDAR, &errors) &&
	    policy_set_finish(set, &errors))
		return set;
	policy_set_free(set);
	return NULL;
}

void
validation_compare(struct validation_tally *t, struct arena *a,
    const struct test_case *c, const struct schema *schema,
    const struct case_detail *detail)
{
	struct policy_set *set;
	bool ok;

	if (!c->has_validation || !schema)
		return;
	set = read_policies(c);
	if (!set) {
		t->refused++;
		return;
	}
	ok = agrees(
	    t, c, schema, set, SCHEMA_STRICT, c->should_validate, "the case");
	ok = detail_agrees(t, a, c, schema, set, detail) && ok;
	t->agree += ok;
	t->differ += !ok;
	policy_set_free(set);
}
