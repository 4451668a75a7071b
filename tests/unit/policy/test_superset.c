/* test_superset.c - what Cedar accepts means the same with our additions on.
 * Texts that use our words as names wherever Cedar lets them, the published
 * policies, and thousands of mutants of both, drawn alike in every run: where
 * POLICY_CEDAR accepts one, POLICY_AVOW does, prints the same, and every policy
 * comes out the same for the same request. */
#include "policy/policy.h"

#include <stdio.h>
#include <stdlib.h>

#include "policy/lex.h"
#include "tests/lib/run.h"

#define ANY "permit(principal,action,resource)"

static const char *const traps[] = {
	/* Words of ours as attributes, keys, types, annotations. */
	ANY " when { principal.matches == context.version };",
	ANY " when { principal has matches && principal has not.version };",
	ANY " when { context has anyLike.allMatches.debversion };",
	ANY " when { {matches: 1, version: 2, not: 3, deny: 4}.version == 2 };",
	ANY " when { {\"matches\": 1}[\"matches\"] == context.not };",
	ANY " when { U::matches::\"x\" == matches::\"x\" };",
	ANY " when { not::\"x\" in [version::\"y\", deny::\"z\"] };",
	ANY " when { context.not.matches.deny.indivisible.version };",
	ANY " when { principal is matches };",
	ANY " when { principal is not };",
	ANY " when { principal is not in G::\"x\" };",
	ANY " when { principal is not::T in not::\"y\" };",
	ANY " when { principal is version in rpmversion::T::\"y\" };",
	ANY " when { principal is deny::matches && context.matches };",
	ANY " when { \"matches\" like \"m*\" && \"version\" == \"not\" };",
	ANY " when { \"${principal.x}\" like \"${*}\" };",
	ANY
	" when { context.s like \"$\" || context.s like \"${context.s}\" };",
	ANY " when { [matches::\"a\"].contains(matches::\"a\") };",
	ANY
	" when { if context.not then not::\"x\" == not::\"x\" else false };",
	ANY " when { ip(\"1.2.3.4\").isIpv4() && decimal(\"1.0\").lessThan("
	    "decimal(\"2.0\")) };",
	ANY " when { decimal(\"1.0\").lessThan(ip(\"::1\")) };",
	ANY " when { ip(\"::1\", \"::2\") == ip() };",
	ANY " when { unknown(\"x\") };",
	"@matches(\"a\") @version @not(\"x\") @deny @indivisible(\"b\") " ANY
	";",
	"permit(principal is not, action, resource);",
	"permit(principal is not in G::\"x\", action, resource);",
	"permit(principal is not::matches in not::\"x\", action, resource);",
	"permit(principal is matches, action, resource is version);",
	"permit(principal is A in (not::\"g\"), action, resource is deny in "
	"indivisible::\"i\");",
	"permit(principal == matches::\"x\", action in "
	"[version::Action::\"matches\", not::Action::\"not\"], resource in "
	"deny::\"d\");",
	"permit(principal == deny::\"x\", action, resource) unless { "
	"principal.deny };",
	"forbid(principal, action == Action::\"deny\", resource) when { "
	"indivisible::\"x\" == principal };",
	"permit(principal, action, resource); forbid(principal is indivisible, "
	"action, resource);",
	/* What Cedar refuses may mean something here; mutants of it may not. */
	ANY " when { context.s matches \"a\" };",
	ANY " when { context.tags.anyLike(\"a*\") };",
	ANY " when { version(\"1\") == version(\"1\") };",
	"deny(principal, action, resource);",
	"indivisible principal [U::\"a\"];",
	"permit(principal is not T, action not in [Action::\"a\"], resource "
	"like R::\"${principal.x}*\");",
	"permit(principal != U::\"a\", action, resource is [A, B]);",
};

/* Names first. */
#define NAMES 19u
static const char *const words[] = { "matches", "not", "version", "debversion",
	"rpmversion", "anyLike", "allMatches", "deny", "indivisible", "A",
	"true", "is", "in", "has", "like", "principal", "action", "resource",
	"context", "\"x\"", "\"${principal.x}\"", "::", ".", ",", "(", ")", "[",
	"]", "{", "}", "==", "!=", "&&", "!", "permit", "forbid", "when",
	"unless", "@", ";", "1", "U::\"a\"", "?principal", ":" };

static struct arena *a;
static struct entities *world;
static struct value context;

static void
setup(void)
{
	static const char entities_json[] =
	    "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"attrs\":{\"matches\":1,"
	    "\"not\":{\"version\":true},\"version\":2,\"deny\":true},"
	    "\"parents\":[{\"type\":\"G\",\"id\":\"x\"}]}]";
	static const char context_json[] =
	    "{\"not\":true,\"matches\":true,\"version\":1,\"s\":\"x\",\"tags\":"
	    "[\"a\"],\"anyLike\":{\"allMatches\":{\"debversion\":1}}}";
	struct error err = { 0 };
	json_t *json = NULL;

	a = arena_new(0);
	world = entities_new(a, NULL);
	ck_assert(
	    entities_add_text(world, str_of(entities_json), "e.json", &err) &&
	    entities_finish(world, &err));
	ck_assert(json_parse(str_of(context_json), "c.json", 1u << 20, 99,
	    JSON_DATA_FILE, &json, &err));
	ck_assert(value_from_json(a, json, "context", &context, &err));
	json_decref(json);
}

static void
teardown(void)
{
	arena_free(a);
}

/* The set that the text makes; NULL when it is refused. */
static struct policy_set *
load(struct str text, enum policy_dialect dialect)
{
	struct policy_set *set = policy_set_new(POLICY_BY_POSITION);
	struct errors e = { 0 };

	if (policy_set_add_text(set, "p", text, dialect, &e) &&
	    policy_set_finish(set, &e))
		return set;
	policy_set_free(set);
	return NULL;
}

/* Outcomes and error codes of all policies for three principals. */
static void
describe(const struct policy_set *set, struct buf *out)
{
	static const struct uid principals[] = {
		{ STR_INIT("U"), STR_INIT("a") },
		{ STR_INIT("not"), STR_INIT("x") },
		{ STR_INIT("matches"), STR_INIT("x") },
	};
	struct arena *scratch = arena_new(0);

	for (size_t k = 0; k < ARRAY_LEN(principals); k++)
		for (uint32_t i = 0; i < policy_set_count(set); i++) {
			struct eval_request r = { principals[k],
				{ STR_INIT("Action"), STR_INIT("deny") },
				{ STR_INIT("version"), STR_INIT("y") },
				&context, world };
			struct error err = { 0 };
			enum eval_outcome outcome =
			    policy_eval(set, i, &r, scratch, NULL, &err);

			buf_printf(out, "%d %d %u:%u %s\n",
			    (int)policy_set_info(set, i).effect, (int)outcome,
			    err.at.line, err.at.col, error_id(err.code));
		}
	arena_free(scratch);
}

/* Did Cedar accept it? */
static bool
check_text(struct str text)
{
	struct policy_set *cedar = load(text, POLICY_CEDAR), *avow;
	struct buf printed[2] = { 0 }, outcomes[2] = { 0 };
	struct errors e = { 0 };

	if (!cedar)
		return false;
	avow = load(text, POLICY_AVOW);
	ck_assert_msg(avow != NULL, "refused: %.*s", STR_ARG(text));
	ck_assert(policy_format("p", text, POLICY_CEDAR, &printed[0], &e));
	ck_assert(policy_format("p", text, POLICY_AVOW, &printed[1], &e));
	ck_assert_msg(str_eq(buf_str(&printed[0]), buf_str(&printed[1])),
	    "%.*s\n%.*s", STR_ARG(buf_str(&printed[0])),
	    STR_ARG(buf_str(&printed[1])));
	describe(cedar, &outcomes[0]);
	describe(avow, &outcomes[1]);
	ck_assert_msg(str_eq(buf_str(&outcomes[0]), buf_str(&outcomes[1])),
	    "%.*s\n%.*s%.*s", STR_ARG(text), STR_ARG(buf_str(&outcomes[0])),
	    STR_ARG(buf_str(&outcomes[1])));
	for (size_t i = 0; i < 2; i++) {
		buf_free(&printed[i]);
		buf_free(&outcomes[i]);
	}
	policy_set_free(cedar);
	policy_set_free(avow);
	return true;
}

static uint64_t state;

static size_t
draw(size_t n)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (size_t)(state >> 33) % n;
}

/* One token changed: a word for another of ours or Cedar's, mostly; else it is
 * gone, replaced, doubled, or something stands before it. */
static void
mutate(struct str text, struct buf *out)
{
	struct lexer lx = { .text = text };
	size_t n = 0, at, how = draw(8);
	const char *word = words[draw(how > 3 ? NAMES : ARRAY_LEN(words))];
	struct token t;

	while ((t = lex_next(&lx)).kind != TOKEN_END)
		n += how <= 3 || t.kind == TOKEN_WORD;
	at = n ? draw(n) : 0;
	lx = (struct lexer){ .text = text };
	out->n = 0;
	for (size_t i = 0; (t = lex_next(&lx)).kind != TOKEN_END;) {
		struct str s = str_sub(text, t.off, (size_t)t.off + t.len);
		bool counts = how <= 3 || t.kind == TOKEN_WORD;
		bool hit = counts && i == at;

		i += counts;
		if (hit && how != 0) {
			buf_byte(out, ' ');
			buf_add(out, how == 1 ? s : str_of(word));
		}
		if (hit && how != 1 && how != 3)
			continue;
		buf_byte(out, ' ');
		buf_add(out, s);
	}
	ck_assert(buf_ok(out));
}

/* Mutants, and mutants of those that are accepted; how many of all were. */
static size_t
check_mutants(struct str text, size_t n)
{
	size_t accepted = check_text(text);
	struct buf parent = { 0 }, child = { 0 };

	buf_add(&parent, text);
	for (size_t i = 0; i < n; i++) {
		struct buf swap = parent;

		mutate(buf_str(&parent), &child);
		if (!check_text(buf_str(&child)))
			continue;
		accepted++;
		parent = child;
		child = swap;
	}
	buf_free(&parent);
	buf_free(&child);
	return accepted;
}

START_TEST(our_words_are_names_to_cedar)
{
	size_t accepted;

	state = (uint64_t)_i + 1;
	accepted = check_mutants(str_of(traps[_i]), 800);
	/* Or the test would say nothing. */
	ck_assert_msg(accepted > 10 || !check_text(str_of(traps[_i])),
	    "%s: %zu", traps[_i], accepted);
}
END_TEST

static const char *const files[] = { "conformance/cedar/traps.jsonl",
	"conformance/cedar/handwritten.jsonl" };

START_TEST(published_policies_keep_their_meaning)
{
	const char *path = testdata(files[_i]);
	FILE *in = path ? fopen(path, "r") : NULL;
	size_t cap = 0, n = 0;
	char *line = NULL;

	if (!path)
		return;
	state = (uint64_t)_i + 100;
	ck_assert_ptr_nonnull(in);
	for (ssize_t len; (len = getline(&line, &cap, in)) > 0; n++) {
		struct error e = { 0 };
		json_t *row = NULL;
		struct str text;

		ck_assert_msg(
		    json_parse((struct str){ line, (size_t)len }, files[_i],
			1u << 26, 64, JSON_DATA_FILE, &row, &e),
		    "%s", e.msg);
		text = json_str(json_object_get(row, "policies"));
		ck_assert_uint_gt(check_mutants(text, 200), 2);
		json_decref(row);
	}
	ck_assert_uint_gt(n, 10);
	free(line);
	(void)fclose(in);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("superset");
	TCase *tc = tcase_create("superset");

	json_setup();
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(
	    tc, our_words_are_names_to_cedar, 0, ARRAY_LEN(traps));
	tcase_add_loop_test(
	    tc, published_policies_keep_their_meaning, 0, ARRAY_LEN(files));
	suite_add_tcase(s, tc);
	return run_suite(s);
}
