/* fuzz_validate.c - a schema, a line of dashes, policies: whatever both are,
 * validation ends, every error has a code and a place, valid means no error,
 * and what is valid strictly is valid permissively. Without the line, the input
 * is policies for a schema that has everything. */
#include "policy/schema.h"
#include "tests/fuzz/fuzz.h"

static const char usual[] =
    "entity G in [G]; entity User in [G] = { name: String, opt?: Long, rec: "
    "{a: Long, b?: Long}, friend?: User, s: Set<Long>, dt: datetime, du: "
    "duration, d: decimal, addr: ipaddr, bool: Bool, g: G } tags String; "
    "entity Photo in [Album] = { owner: User, opt?: Long }; entity Album; "
    "entity Col enum [\"red\"]; action all; action view in [all] appliesTo { "
    "principal: [User], resource: [Photo], context: { x?: Long, r: {q?: Bool} "
    "} }; action edit appliesTo { principal: [User, G], resource: [Photo] };";

static bool
validate(const struct schema *s, const struct policy_set *set,
    enum schema_mode mode, struct str text)
{
	struct errors errors = { 0 }, warnings = { 0 };
	struct buf out = { 0 };
	bool ok = schema_validate(s, set, mode, &errors, &warnings);

	must(ok == (errors.n == 0));
	for (size_t i = 0; i < errors.n; i++) {
		must(errors.e[i].code != ERR_NONE && errors.e[i].msg[0]);
		must(errors.e[i].at.line > 0 && errors.e[i].at.col > 0);
		error_print(&out, &errors.e[i], text);
	}
	for (size_t i = 0; i < warnings.n; i++)
		must(warnings.e[i].at.line > 0);
	buf_free(&out);
	return ok;
}

static void
try_policies(
    const struct schema *s, struct str text, enum policy_dialect dialect)
{
	struct policy_set *set = policy_set_new(POLICY_BY_POSITION);
	struct errors errors = { 0 };

	must(set != NULL);
	if (policy_set_add_text(set, "p", text, dialect, &errors) &&
	    policy_set_finish(set, &errors) &&
	    validate(s, set, SCHEMA_STRICT, text))
		must(validate(s, set, SCHEMA_PERMISSIVE, text));
	else if (errors.n == 0)
		(void)validate(s, set, SCHEMA_PERMISSIVE, text);
	policy_set_free(set);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct str line = STR_INIT("\n---\n");
	struct str text = { (const char *)data, size };
	struct str schema = STR(""), policies = text;
	struct errors errors = { 0 };
	struct schema *s;

	str_hash_seed(1);
	for (size_t i = 0; i < size && !schema.n; i++)
		if (str_has_prefix(str_sub(text, i, size), line)) {
			schema = str_sub(text, 0, i);
			policies = str_sub(text, i + line.n, size);
		}
	s = schema_new(
	    "s", schema.n ? schema : str_of(usual), SCHEMA_CEDAR, &errors);
	if (!s)
		return 0;
	try_policies(s, policies, POLICY_CEDAR);
	try_policies(s, policies, POLICY_AVOW);
	schema_free(s);
	return 0;
}
