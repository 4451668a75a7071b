/* fuzz_policy.c - policy text in both dialects: no input breaks the parser, an
 * error always has a place, what parses formats to what parses and formats to
 * itself, and whatever Cedar's dialect accepts ours accepts too. */
#include <stdlib.h>

#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool holds)
{
	if (!holds)
		abort();
}

static void
check_errors(struct str text, const struct errors *e)
{
	struct buf out = { 0 };

	require(e->n > 0);
	for (size_t i = 0; i < e->n; i++) {
		require(e->e[i].code != ERR_NONE);
		require(e->e[i].at.line > 0 && e->e[i].at.col > 0);
		error_print(&out, &e->e[i], text);
	}
	buf_free(&out);
}

static bool
try_format(struct str text, enum policy_dialect dialect)
{
	struct buf once = { 0 }, twice = { 0 };
	struct errors e = { 0 };
	bool ok = policy_format("f", text, dialect, &once, &e);

	if (!ok) {
		check_errors(text, &e);
	} else {
		require(e.n == 0);
		require(
		    policy_format("f", buf_str(&once), dialect, &twice, &e));
		require(str_eq(buf_str(&once), buf_str(&twice)));
	}
	buf_free(&once);
	buf_free(&twice);
	return ok;
}

/* All instances can be asked for and printed. */
static void
try_set(struct str text, bool parses)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct errors e = { 0 };
	struct buf out = { 0 };
	bool ok = policy_set_add_text(set, "f", text, POLICY_AVOW, &e);

	require(ok == parses);
	ok = ok && policy_set_finish(set, &e);
	require(ok == (e.n == 0));
	for (uint32_t i = 0; ok && i < policy_set_count(set); i++) {
		require(policy_set_info(set, i).at.line > 0);
		policy_print(set, i, &out);
	}
	if (ok)
		policy_set_warnings(set, &e);
	policy_set_print_errors(set, &e, &out);
	buf_free(&out);
	policy_set_free(set);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	bool cedar = try_format(text, POLICY_CEDAR);
	bool avow = try_format(text, POLICY_AVOW);

	require(avow || !cedar);
	try_set(text, avow);
	return 0;
}
