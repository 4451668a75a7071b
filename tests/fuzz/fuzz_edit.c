/* fuzz_edit.c - a file's old text and its new one, a byte FF between them: what
 * is made of the old policies and of what is new is what the new text alone
 * makes, policy by policy, with the same ids, places and version; and what the
 * new text alone is refused for is not made. An old text that begins with a
 * bracket is of entities, and the same is so of them. */
#include "policy/policy.h"
#include "tests/fuzz/fuzz.h"
#include "tests/lib/entities.h"

#define NEW_MAX 100000u

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

	must(policy_set_count(want) == policy_set_count(got));
	must(str_eq(policy_set_version(want), policy_set_version(got)));
	for (uint32_t i = 0; i < policy_set_count(want); i++) {
		struct policy_info a = policy_set_info(want, i),
				   b = policy_set_info(got, i);

		must(str_eq(a.id, b.id) && a.effect == b.effect);
		must(a.at.line == b.at.line && a.at.col == b.at.col &&
		     a.at.len == b.at.len);
		policy_print(want, i, &x);
		policy_print(got, i, &y);
	}
	must(str_eq(buf_str(&x), buf_str(&y)));
	buf_free(&x);
	buf_free(&y);
}

/* All files of a set as texts again. */
static void
check_whole(const struct policy_set *want, const struct policy_set *got)
{
	struct policy_set *again = policy_set_new(POLICY_NAMED);
	struct errors e = { 0 };

	must(
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

	must(policy_index_new(was, NULL, &base, NULL));
	must(policy_index_new_sparse(changed, base, &delta, NULL));
	if (!policy_index_patch(
		base, delta, picks, n, &set, &ix, &is_local, &e)) {
		must(!want && e.n > 0);
	} else if (is_local) {
		must(want != NULL);
		check_same(want, set);
		check_whole(want, set);
	}
	policy_index_free(ix);
	policy_set_free(set);
	policy_index_free(delta);
	policy_index_free(base);
}

/* ---- entities --------------------------------------------------------------
 */

#define PAIRS_OF 12u

/* NULL: it is refused. */
static struct entities *
loaded_entities(struct arena *a, struct str text, struct entities_file *ret)
{
	struct entities *layer = entities_new(a, NULL);

	must(layer != NULL);
	return entities_add_file(layer, "f.json", text, ret, NULL) &&
		       entities_finish(layer, NULL)
		   ? layer
		   : NULL;
}

static void
check_same_entities(const struct entities *want, const struct entities *got)
{
	size_t n = entities_count(want);

	must(entities_count(got) == n);
	must(count_same_records(want, got) == n);
	must(count_same_records(got, want) == n);
	for (size_t i = 0; i < n && i < PAIRS_OF; i++)
		for (size_t k = 0; k < n && k < PAIRS_OF; k++) {
			struct uid x = entities_uid_at(want, i),
				   y = entities_uid_at(want, k);

			must(entities_in(want, x, y) == entities_in(got, x, y));
		}
}

static void
check_parts(const struct str *parts, size_t n, struct str want)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		must(str_eq(parts[i], str_sub(want, at, at + parts[i].n)));
		at += parts[i].n;
	}
	must(at == want.n);
}

static void
edit_entities(struct str old, struct str now)
{
	struct arena *a = arena_new(0);
	struct entities_file was, other;
	const struct entities *base = loaded_entities(a, old, &was), *want,
			      *got = NULL;
	struct entities_edit *e = base ? entities_edit_new(a, base) : NULL;
	const struct str *parts;
	bool is_local;
	size_t n;

	if (e && entities_edit_file(
		     e, &was, was.name, now, &parts, &n, &is_local, NULL)) {
		want = loaded_entities(a, now, &other);
		if (is_local) {
			check_parts(parts, n, now);
			if (entities_edit_end(e, &got, &is_local, NULL) &&
			    is_local) {
				must(want != NULL);
				check_same_entities(want, got);
			}
		}
	} else if (e)
		must(!loaded_entities(a, now, &other));
	arena_free(a);
}

/* ---------------------------------------------------------------------------
 */

static void
edit_policies(struct str old, struct str now)
{
	struct policy_set *was = loaded(old), *want, *changed;
	const struct policy_pick *picks;
	struct errors e = { 0 };
	size_t n;

	if (!was)
		return;
	want = loaded(now);
	changed = policy_set_new(POLICY_NAMED);
	if (policy_set_add_changes(
		changed, was, 0, "f.avow", now, NEW_MAX, &picks, &n, &e) &&
	    policy_set_finish(changed, &e))
		try_patch(was, changed, picks, n, want);
	else
		must(!want && e.n > 0);
	policy_set_free(changed);
	policy_set_free(want);
	policy_set_free(was);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str all = { (const char *)data, size };
	size_t at = str_find(all, '\xff', 0);
	struct str old = str_sub(all, 0, at);
	struct str now = at < size ? str_sub(all, at + 1, size) : STR("");

	if (str_has_prefix(old, STR("[")))
		edit_entities(old, now);
	else
		edit_policies(old, now);
	return 0;
}
