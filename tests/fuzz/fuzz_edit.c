/* fuzz_edit.c - a file's old text and its new one, a byte FF between them: what
 * is made of the old policies and of what is new is what the new text alone
 * makes, policy by policy, with the same ids, places and version; and what the
 * new text alone is refused for is not made. */
#include <stdlib.h>

#include "policy/policy.h"

#define NEW_MAX 100000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool holds)
{
	if (!holds)
		abort();
}

/* NULL: it is refused. */
static struct policy_set *
loaded(struct str text)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct errors e = { 0 };

	if (policy_set_add_file(set, "f.avow", text, &e) &&
	    policy_set_finish(set, &e))
		return set;
	policy_set_free(set);
	return NULL;
}

static void
check_same(const struct policy_set *want, const struct policy_set *got)
{
	struct buf x = { 0 }, y = { 0 };

	require(policy_set_count(want) == policy_set_count(got));
	require(str_eq(policy_set_version(want), policy_set_version(got)));
	for (uint32_t i = 0; i < policy_set_count(want); i++) {
		struct policy_info a = policy_set_info(want, i),
				   b = policy_set_info(got, i);

		require(str_eq(a.id, b.id) && a.effect == b.effect);
		require(a.at.line == b.at.line && a.at.col == b.at.col &&
			a.at.len == b.at.len);
		policy_print(want, i, &x);
		policy_print(got, i, &y);
	}
	require(str_eq(buf_str(&x), buf_str(&y)));
	buf_free(&x);
	buf_free(&y);
}

/* All files of a set as texts again. */
static void
check_whole(const struct policy_set *want, const struct policy_set *got)
{
	struct policy_set *again = policy_set_new(POLICY_NAMED);
	struct errors e = { 0 };

	require(
	    policy_set_add_all(again, got, &e) && policy_set_finish(again, &e));
	check_same(want, again);
	policy_set_free(again);
}

static void
try_patch(const struct policy_set *was, const struct policy_set *changed,
    const struct policy_pick *picks, size_t n, const struct policy_set *want)
{
	struct policy_index *base, *delta, *ix = NULL;
	struct policy_set *set = NULL;
	struct errors e = { 0 };
	bool is_local;

	require(policy_index_new(was, NULL, &base, NULL));
	require(policy_index_new_sparse(changed, base, &delta, NULL));
	if (!policy_index_patch(
		base, delta, picks, n, &set, &ix, &is_local, &e)) {
		require(!want && e.n > 0);
	} else if (is_local) {
		require(want != NULL);
		check_same(want, set);
		check_whole(want, set);
	}
	policy_index_free(ix);
	policy_set_free(set);
	policy_index_free(delta);
	policy_index_free(base);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str all = { (const char *)data, size };
	size_t at = str_find(all, '\xff', 0);
	struct str now = at < size ? str_sub(all, at + 1, size) : STR("");
	struct policy_set *was = loaded(str_sub(all, 0, at)), *want, *changed;
	const struct policy_pick *picks;
	struct errors e = { 0 };
	size_t n;

	if (!was)
		return 0;
	want = loaded(now);
	changed = policy_set_new(POLICY_NAMED);
	if (policy_set_add_changes(
		changed, was, 0, "f.avow", now, NEW_MAX, &picks, &n, &e) &&
	    policy_set_finish(changed, &e))
		try_patch(was, changed, picks, n, want);
	else
		require(!want && e.n > 0);
	policy_set_free(changed);
	policy_set_free(want);
	policy_set_free(was);
	return 0;
}
