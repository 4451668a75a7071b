/* sweep_eval.c - entities, requests, claims and evaluation with each allocation
 * failing in turn: the right answer or an error, never a permit that is not
 * due, nothing left behind, and the same snapshot usable again. */
#include "tests/fault/wrap.h"

#include "engine/engine.h"
#include "policy/claims_make.h"
#include "tests/lib/run.h"

static const struct str entities_text = STR_INIT(
    "[{\"uid\":{\"type\":\"User\",\"id\":\"ann\"},\"attrs\":{\"team\":\"a\","
    "\"ip\":{\"__extn\":{\"fn\":\"ip\",\"arg\":\"10.0.0.1\"}},"
    "\"list\":[3,2,1]},\"tags\":{\"t\":\"v\"},"
    "\"parents\":[{\"type\":\"Group\",\"id\":\"g\"}]},"
    "{\"uid\":{\"type\":\"Group\",\"id\":\"g\"},\"attrs\":{},"
    "\"parents\":[{\"type\":\"Group\",\"id\":\"banned\"}]}]");

static const struct str request_text = STR_INIT(
    "{\"principal\":{\"type\":\"User\",\"id\":\"ann\"},"
    "\"action\":{\"type\":\"Action\",\"id\":\"read\"},"
    "\"resource\":{\"type\":\"Doc\",\"id\":\"a/x\"},"
    "\"context\":{\"now\":{\"__extn\":{\"fn\":\"datetime\","
    "\"arg\":\"2024-01-01\"}}},"
    "\"entities\":[{\"uid\":{\"type\":\"Doc\",\"id\":\"a/x\"},\"attrs\":{},"
    "\"parents\":[{\"type\":\"Folder\",\"id\":\"f\"}]}]}");

/* The first permits, the second denies whoever is in the group: losing either
 * its `in` or its set would let ann in. */
static const struct str policy_text = STR_INIT(
    "permit(principal, action, resource);"
    "deny(principal in Group::\"banned\", action, "
    "resource like Doc::\"${principal.team}/*\") when { "
    "[[1], [2], [3]].contains([3]) && principal.getTag(\"t\") == \"v\" && "
    "principal.team matches \"^[a-c]$\" && "
    "context.now.offset(duration(\"1d\")) > context.now };");

static bool
is_memory(enum err_code code)
{
	/* jansson's lexer tells some failed allocations as bad syntax. */
	return code == ERR_LIMIT_MEMORY || code == ERR_JSON_SYNTAX ||
	       code == ERR_JSON_SHAPE;
}

static struct policy_set *
policies(void)
{
	struct policy_set *set = policy_set_new(POLICY_BY_POSITION);
	struct errors errors = { 0 };

	ck_assert_msg(set &&
			  policy_set_add_text(
			      set, "p", policy_text, POLICY_AVOW, &errors) &&
			  policy_set_finish(set, &errors),
	    "%s", errors.e[0].msg);
	return set;
}

static bool
read_entities(struct arena *a, const struct entities **ret, struct error *err)
{
	struct entities *layer = a ? entities_new(a, NULL) : NULL;

	if (!layer)
		return error_nomem(err);
	if (!entities_add_text(layer, entities_text, "e", err) ||
	    !entities_finish(layer, err))
		return false;
	*ret = layer;
	return true;
}

static bool
load_entities(void *ctx)
{
	struct arena *a = arena_new(0);
	const struct entities *layer;
	struct error err = { 0 };
	bool ok = read_entities(a, &layer, &err);

	(void)ctx;
	if (!ok)
		ck_assert_msg(
		    is_memory(err.code), "%s: %s", error_id(err.code), err.msg);
	else
		ck_assert_uint_eq(entities_count(layer), 2);
	arena_free(a);
	return ok;
}

struct deciding {
	struct engine_snapshot *snapshot;
};

static bool
decide(void *ctx)
{
	struct deciding *d = ctx;
	struct arena *a = arena_new(0), *scratch = arena_new(0);
	struct engine_request request;
	struct engine_answer answer;
	struct error err = { 0 };
	bool ok = a && scratch;

	if (ok && !engine_request_from_json(
		      a, request_text, "r", d->snapshot, &request, &err)) {
		ck_assert_msg(
		    is_memory(err.code), "%s: %s", error_id(err.code), err.msg);
		ok = false;
	}
	if (ok) {
		engine_evaluate(
		    d->snapshot, &request, ERRORED_DENY_SKIP, scratch, &answer);
		/* Never: with errors skipped, only the deny holds ann. */
		ck_assert_int_eq(answer.effect, ENGINE_DENY);
		ok = answer.code == ERR_POLICY_DENIED;
		if (!ok)
			ck_assert_int_eq(answer.code, ERR_SYSTEM_LIMIT);
	}
	arena_free(a);
	arena_free(scratch);
	return ok;
}

static bool
write_out(void *ctx)
{
	struct deciding *d = ctx;
	json_t *json = entities_to_json(engine_snapshot_entities(d->snapshot));
	bool ok = json && json_array_size(json) == 2;

	json_decref(json);
	return ok;
}

static bool
make_claims(void *ctx)
{
	static const struct str licences[] = { STR_INIT("a"), STR_INIT("b") };
	static const struct claims_pair apps[] = { { STR_INIT("nginx"),
	    STR_INIT("1") } };
	const struct claims_init init = {
		.kind = STR_INIT("avow"),
		.subject = STR_INIT("i-1"),
		.has_expires_at = true,
		.expires_at = 1000,
		.has_licences = true,
		.licences = licences,
		.n_licences = 2,
		.applications = apps,
		.n_applications = 1,
		.private_ip = STR_INIT("10.0.0.1"),
		.os_name = STR_INIT("debian"),
		.owner = STR_INIT("123"),
	};
	struct arena *a = arena_new(0);
	const struct claims *c = NULL;
	struct error err = { 0 };
	bool ok = a && claims_make(a, &init, &c, &err);
	json_t *json = ok ? claims_to_json(c) : NULL;

	(void)ctx;
	if (ok)
		ck_assert_uint_eq(claims_entity(c)->n_parents, 1);
	else if (a)
		ck_assert_int_eq(err.code, ERR_LIMIT_MEMORY);
	ok = ok && json;
	if (ok)
		ck_assert_uint_eq(json_object_size(json), 5);
	json_decref(json);
	arena_free(a);
	return ok;
}

START_TEST(sweep_loading)
{
	ck_assert_int_gt(fault_sweep("load entities", load_entities, NULL), 10);
}
END_TEST

START_TEST(sweep_deciding)
{
	struct arena *a = arena_new(0);
	const struct entities *layer;
	struct error err = { 0 };
	struct deciding d;

	ck_assert(read_entities(a, &layer, &err));
	d.snapshot = engine_snapshot_new(policies(), a, layer, 0);
	ck_assert_int_gt(fault_sweep("decide", decide, &d), 10);
	ck_assert_int_gt(fault_sweep("write entities", write_out, &d), 10);
	engine_snapshot_unref(d.snapshot);
}
END_TEST

START_TEST(sweep_claims)
{
	ck_assert_int_gt(fault_sweep("claims", make_claims, NULL), 3);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sweep_eval");
	TCase *tc = tcase_create("sweep_eval");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, sweep_loading);
	tcase_add_test(tc, sweep_deciding);
	tcase_add_test(tc, sweep_claims);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
