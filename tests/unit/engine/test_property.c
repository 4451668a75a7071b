/* test_property.c - what holds for every policy set and request, on random ones
 * made from a seed: the decision follows from the outcomes alone, its lists are
 * sorted, order and printing change nothing. */
#include "tests/unit/engine/fixture.h"

#define SEEDS 300
#define POLICIES_MAX 8

static struct arena *a;

static void
setup(void)
{
	a = arena_new(0);
}

static void
teardown(void)
{
	arena_free(a);
}

/* xorshift64*: the same numbers in every run. */
struct chance {
	uint64_t state;
};

static unsigned
pick(struct chance *c, unsigned n)
{
	c->state ^= c->state >> 12;
	c->state ^= c->state << 25;
	c->state ^= c->state >> 27;
	return (unsigned)((c->state * 2685821657736338717u) >> 33) % n;
}

#define PICK(c, list) list[pick(c, ARRAY_LEN(list))]

static void
random_test(struct chance *c, struct buf *b, int depth)
{
	/* Some of these err on some requests: missing, of another kind, too
	 * large. */
	static const char *const leaves[] = { "true", "false", "context.a",
		"context.b", "context.n == 1", "context.n < 2",
		"context has gone", "context.gone", "context.s like \"x*\"",
		"principal == U::\"u\"", "principal in G::\"g\"",
		"resource is R", "principal.owner == \"me\"",
		"context.n + 9223372036854775806 > 0", "context.n",
		"[1, 2].contains(context.n)", "context.s == context.n",
		"principal has owner && principal.owner != \"me\"" };
	static const char *const joins[] = { " && ", " || " };

	switch (depth > 2 ? 0 : pick(c, 6)) {
	case 1:
	case 2:
		buf_byte(b, '(');
		random_test(c, b, depth + 1);
		buf_addz(b, PICK(c, joins));
		random_test(c, b, depth + 1);
		buf_byte(b, ')');
		break;
	case 3:
		buf_addz(b, "!(");
		random_test(c, b, depth + 1);
		buf_byte(b, ')');
		break;
	case 4:
		buf_addz(b, "(if ");
		random_test(c, b, depth + 1);
		buf_addz(b, " then ");
		random_test(c, b, depth + 1);
		buf_addz(b, " else ");
		random_test(c, b, depth + 1);
		buf_byte(b, ')');
		break;
	default:
		buf_addz(b, PICK(c, leaves));
	}
}

static const char *
random_policy(struct chance *c, unsigned number)
{
	static const char *const principals[] = { "principal", "principal",
		"principal == U::\"u\"", "principal in G::\"g\"",
		"principal is U", "principal == U::\"v\"" };
	static const char *const resources[] = { "resource", "resource",
		"resource is R", "resource == R::\"x\"" };
	struct buf b = { 0 };
	unsigned n = pick(c, 3);
	const char *copy;

	/* Ids whose order is not that of the text. */
	buf_printf(&b, "@id(\"%c%u\") %s (%s, action, %s)",
	    (char)('a' + pick(c, 26)), number, pick(c, 3) ? "permit" : "forbid",
	    PICK(c, principals), PICK(c, resources));
	for (unsigned i = 0; i < n; i++) {
		buf_addz(&b, pick(c, 3) ? " when { " : " unless { ");
		random_test(c, &b, 0);
		buf_addz(&b, " }");
	}
	buf_addz(&b, ";\n");
	copy = str_dup(a, buf_str(&b)).p;
	buf_free(&b);
	return copy;
}

static const char *
random_request(struct chance *c)
{
	static const char *const contexts[] = { "{}",
		"{\"a\":true,\"b\":false,\"n\":1,\"s\":\"xy\"}",
		"{\"a\":false,\"b\":true,\"n\":2,\"s\":\"y\"}",
		"{\"a\":true,\"b\":true,\"n\":-5}",
		"{\"a\":1,\"b\":\"t\",\"n\":\"x\",\"s\":7}" };
	static const char *const people[] = { "u", "v", "w" };
	static const char *const entities[] = { "",
		",\"entities\":[{\"uid\":{\"type\":\"U\",\"id\":\"u\"},"
		"\"attrs\":{\"owner\":\"me\"},\"parents\":[{\"type\":\"G\","
		"\"id\":\"g\"}]}]" };
	const char *who = PICK(c, people);

	return fixture_ask(a, who,
	    str_printf(
		a, "\"context\":%s%s", PICK(c, contexts), PICK(c, entities))
		.p);
}

static struct engine_answer
decide(const struct engine_snapshot *s, const char *ask,
    enum engine_errored_deny mode)
{
	struct engine_request r = fixture_request(a, s, ask);
	struct engine_answer answer;

	engine_evaluate(s, &r, mode, a, &answer);
	return answer;
}

static struct str
id_of(const struct engine_snapshot *s, uint32_t i)
{
	return policy_set_info(engine_snapshot_policies(s), i).id;
}

/* The rule, from each policy's own outcome. */
static void
check_rule(const struct engine_snapshot *s, const char *ask,
    enum engine_errored_deny mode)
{
	const struct policy_set *set = engine_snapshot_policies(s);
	struct engine_request r = fixture_request(a, s, ask);
	struct engine_answer answer = decide(s, ask, mode);
	const struct eval_request q = { r.principal, r.action, r.resource,
		&r.context, r.entities };
	size_t satisfied[2] = { 0 }, errors[2] = { 0 };
	bool permits;

	for (uint32_t i = 0; i < policy_set_count(set); i++) {
		enum policy_effect effect = policy_set_info(set, i).effect;
		enum eval_outcome o = policy_eval(set, i, &q, a, NULL, NULL);

		satisfied[effect] += o == EVAL_TRUE;
		errors[effect] += o == EVAL_ERROR;
	}
	permits = satisfied[POLICY_PERMIT] > 0 && satisfied[POLICY_DENY] == 0 &&
		  (mode == ERRORED_DENY_SKIP || errors[POLICY_DENY] == 0);
	ck_assert_int_eq(answer.effect == ENGINE_PERMIT, permits);
	ck_assert_int_eq(answer.code == ERR_PERMIT, permits);
	ck_assert_uint_eq(
	    answer.n_errors, errors[POLICY_DENY] + errors[POLICY_PERMIT]);
	if (permits)
		ck_assert_uint_eq(answer.n_reasons, satisfied[POLICY_PERMIT]);
	else
		ck_assert_uint_eq(answer.n_reasons, satisfied[POLICY_DENY]);
	for (size_t i = 1; i < answer.n_reasons; i++)
		ck_assert_int_lt(str_cmp(id_of(s, answer.reasons[i - 1]),
				     id_of(s, answer.reasons[i])),
		    0);
	for (size_t i = 0; i < answer.n_errors; i++) {
		struct error e;

		engine_error_tell(&answer, i, a, &e);
		ck_assert_int_eq((int)e.code, (int)answer.errors[i].code);
		ck_assert(e.at.line > 0 && e.msg[0] != '\0');
	}
	for (size_t i = 1; i < answer.n_errors; i++)
		ck_assert_int_lt(str_cmp(id_of(s, answer.errors[i - 1].policy),
				     id_of(s, answer.errors[i].policy)),
		    0);
}

/* The decision, without places and version: those belong to the text. */
static const char *
essence(const struct engine_snapshot *s, const char *ask)
{
	struct engine_answer answer = decide(s, ask, ERRORED_DENY_DENIES);
	struct buf b = { 0 };
	const char *copy;

	buf_printf(&b, "%s:", error_id(answer.code));
	for (size_t i = 0; i < answer.n_reasons; i++)
		buf_printf(&b, " %.*s", STR_ARG(id_of(s, answer.reasons[i])));
	for (size_t i = 0; i < answer.n_errors; i++)
		buf_printf(&b, " %.*s=%s",
		    STR_ARG(id_of(s, answer.errors[i].policy)),
		    error_id(answer.errors[i].code));
	copy = str_dup(a, buf_str(&b)).p;
	buf_free(&b);
	return copy;
}

static struct engine_snapshot *
printed(const struct engine_snapshot *s)
{
	const struct policy_set *set = engine_snapshot_policies(s);
	struct buf b = { 0 };
	struct engine_snapshot *again;

	for (uint32_t i = 0; i < policy_set_count(set); i++) {
		policy_print(set, i, &b);
		buf_byte(&b, '\n');
	}
	buf_byte(&b, '\0');
	again = fixture_snapshot(b.p, NULL);
	buf_free(&b);
	return again;
}

static const char *
joined(const char *const *policies, unsigned n, unsigned from)
{
	struct buf b = { 0 };
	const char *copy;

	/* Turned, and every second time backwards. */
	for (unsigned i = 0; i < n; i++) {
		unsigned at = (from % 2 ? n - 1 - i : i) + from;

		buf_addz(&b, policies[at % n]);
	}
	copy = str_dup(a, buf_str(&b)).p;
	buf_free(&b);
	return copy;
}

START_TEST(holds)
{
	struct chance c = { (uint64_t)_i * 7919 + 1 };
	const char *policies[POLICIES_MAX];
	unsigned n = 1 + pick(&c, POLICIES_MAX);
	struct engine_snapshot *s, *others[3];

	for (unsigned i = 0; i < n; i++)
		policies[i] = random_policy(&c, i);
	s = fixture_snapshot(joined(policies, n, 0), NULL);
	others[0] = fixture_snapshot(joined(policies, n, 1), NULL);
	others[1] =
	    fixture_snapshot(joined(policies, n, 2 + pick(&c, n)), NULL);
	others[2] = printed(s);
	for (int i = 0; i < 10; i++) {
		const char *ask = random_request(&c);

		check_rule(s, ask, ERRORED_DENY_DENIES);
		check_rule(s, ask, ERRORED_DENY_SKIP);
		for (size_t o = 0; o < ARRAY_LEN(others); o++)
			ck_assert_msg(strcmp(essence(others[o], ask),
					  essence(s, ask)) == 0,
			    "seed %d, variant %zu: %s, was %s\n%s\n%s", _i, o,
			    essence(others[o], ask), essence(s, ask),
			    joined(policies, n, 0), ask);
	}
	for (size_t o = 0; o < ARRAY_LEN(others); o++)
		engine_snapshot_unref(others[o]);
	engine_snapshot_unref(s);
}
END_TEST

/* Adding a deny, or an unsatisfied permit, never opens anything. */
START_TEST(more_denies_open_nothing)
{
	struct chance c = { (uint64_t)_i * 104729 + 3 };
	const char *policies[POLICIES_MAX + 1];
	unsigned n = 1 + pick(&c, POLICIES_MAX);
	struct engine_snapshot *s, *more;
	struct buf extra = { 0 };

	for (unsigned i = 0; i < n; i++)
		policies[i] = random_policy(&c, i);
	buf_addz(&extra, "@id(\"extra\") forbid (principal, action, resource) "
			 "when { ");
	random_test(&c, &extra, 0);
	buf_addz(&extra, " };");
	policies[n] = str_dup(a, buf_str(&extra)).p;
	s = fixture_snapshot(joined(policies, n, 0), NULL);
	more = fixture_snapshot(joined(policies, n + 1, 0), NULL);
	for (int i = 0; i < 10; i++) {
		const char *ask = random_request(&c);

		for (int mode = 0; mode < 2; mode++)
			ck_assert_int_le(
			    decide(more, ask, (enum engine_errored_deny)mode)
				.effect,
			    decide(s, ask, (enum engine_errored_deny)mode)
				.effect);
	}
	engine_snapshot_unref(s);
	engine_snapshot_unref(more);
	buf_free(&extra);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("property");
	TCase *tc = tcase_create("property");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, holds, 0, SEEDS);
	tcase_add_loop_test(tc, more_denies_open_nothing, 0, SEEDS);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
