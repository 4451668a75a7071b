/* fuzz_policy_json.c - policy sets in JSON: no input breaks the reader, an
 * error always has a place, what is read is written as JSON that reads back to
 * the same, and as text that reads. */
#include "policy/policy.h"
#include "tests/fuzz/fuzz.h"

static void
check_errors(const struct policy_set *set, const struct errors *e)
{
	struct buf out = { 0 };

	must(e->n > 0);
	for (size_t i = 0; i < e->n; i++)
		must(e->e[i].code != ERR_NONE && e->e[i].at.line > 0 &&
		     e->e[i].at.col > 0);
	policy_set_print_errors(set, e, &out);
	buf_free(&out);
}

static struct policy_set *
load(struct str text, struct errors *e)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);

	if (policy_set_add_json(set, "f", text, e) &&
	    policy_set_finish(set, e)) {
		must(e->n == 0);
		return set;
	}
	check_errors(set, e);
	policy_set_free(set);
	return NULL;
}

/* What came from JSON is not too deep for it. */
static json_t *
write(const struct policy_set *set, struct buf *out)
{
	struct errors e = { 0 };
	json_t *json = NULL;

	must(policy_set_to_json(set, &json, &e) && e.n == 0);
	must(json_write(out, json));
	return json;
}

static void
check_json(const struct policy_set *set)
{
	struct errors e = { 0 };
	struct buf text = { 0 }, again = { 0 };
	json_t *first = write(set, &text), *second;
	struct policy_set *back = load(buf_str(&text), &e);

	must(back != NULL);
	must(policy_set_count(back) == policy_set_count(set));
	second = write(back, &again);
	must(json_equal(first, second));
	json_decref(first);
	json_decref(second);
	policy_set_free(back);
	buf_free(&text);
	buf_free(&again);
}

/* What comes out was read once already, to be laid out. */
static void
check_text(const struct policy_set *set, enum policy_dialect to)
{
	struct errors e = { 0 };
	struct buf text = { 0 }, once = { 0 };

	if (!policy_set_to_text(set, to, &text, &e)) {
		must(e.n > 0 && text.n == 0);
		for (size_t i = 0; i < e.n; i++)
			must(e.e[i].code == ERR_SYNTAX_UNTRANSLATABLE ||
			     e.e[i].code == ERR_LIMIT_DEPTH);
	} else {
		must(policy_format("t", buf_str(&text), to, &once, &e));
		must(str_eq(buf_str(&text), buf_str(&once)));
	}
	buf_free(&text);
	buf_free(&once);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct errors e = { 0 };
	struct policy_set *set =
	    load((struct str){ (const char *)data, size }, &e);
	struct buf out = { 0 };

	if (!set)
		return 0;
	for (uint32_t i = 0; i < policy_set_count(set); i++) {
		must(policy_set_info(set, i).at.line > 0);
		policy_print(set, i, &out);
	}
	buf_free(&out);
	policy_set_warnings(set, &e);
	check_json(set);
	check_text(set, POLICY_AVOW);
	check_text(set, POLICY_CEDAR);
	policy_set_free(set);
	return 0;
}
