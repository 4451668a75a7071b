/* fuzz_iam.c - any text as an IAM policy: refused with a place, or translated
 * to text that our parser takes. */
#include "policy/policy.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct errors errors = { 0 }, none = { 0 };
	const struct uid all = { 0 };
	struct buf out = { 0 };
	struct policy_set *set = policy_set_new(POLICY_BY_POSITION);

	if (policy_import_iam("f.json", text, all, all, &out, &errors)) {
		must(errors.n == 0);
		must(policy_set_add_text(
			 set, "f", buf_str(&out), POLICY_AVOW, &none) &&
		     policy_set_finish(set, &none));
	} else {
		must(errors.n > 0 && out.n == 0);
		for (size_t i = 0; i < errors.n; i++)
			must(errors.e[i].at.line > 0 &&
			     errors.e[i].code != ERR_SYSTEM_ERROR);
	}
	buf_free(&out);
	policy_set_free(set);
	return 0;
}
