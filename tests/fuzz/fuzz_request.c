/* fuzz_request.c - any bytes as a request: refused with a code and a place, or
 * decided by the rule, the same again after it was printed, and never permitted
 * by what no policy permits. */
#include "engine/engine.h"
#include "tests/fuzz/fuzz.h"

/* Every kind of test; only "ok" permits, and only a U::"admin" whose context
 * says so, which policy "sure" denies none the less. */
static const char policies[] =
    "@id(\"ok\") permit (principal == U::\"admin\", action, resource) when { "
    "context.allow };\n"
    "@id(\"in\") permit (principal in G::\"g\", action, resource is R) when { "
    "false };\n"
    "@id(\"sure\") forbid (principal, action, resource) when { context has "
    "bad && context.bad == true };\n"
    "@id(\"like\") forbid (principal, action, resource) when { context has s "
    "&& context.s like \"a*b*c\" && context.s.a.b };\n"
    "@id(\"ip\") permit (principal, action, resource) when { "
    "context.ip.isInRange(ip(\"10.0.0.0/8\")) && principal != principal };\n"
    "@id(\"sets\") permit (principal, action, resource) when { "
    "context.l.containsAll([1, context.x]) && resource.tags.getTag(\"x\") == "
    "\"y\" && false };\n"
    "@id(\"sum\") permit (principal, action, resource) when { context.x * 3 + "
    "context.y - 1 < 0 && false };\n";

static const char entities[] =
    "[{\"uid\":{\"type\":\"U\",\"id\":\"admin\"},\"attrs\":{},\"parents\":[{"
    "\"type\":\"G\",\"id\":\"g\"}]}]";

static struct engine_snapshot *
load(void)
{
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	struct arena *a = arena_new(0);
	struct entities *layer = entities_new(a, NULL);
	struct errors errors = { 0 };
	struct error err = { 0 };
	json_t *json = NULL;

	must(policy_set_add_text(
	    set, "p.avow", str_of(policies), POLICY_AVOW, &errors));
	must(policy_set_finish(set, &errors));
	must(json_parse(
	    str_of(entities), "e", 1000, 20, JSON_DATA_FILE, &json, &err));
	must(entities_add_json(layer, json, "e", &err));
	must(entities_finish(layer, &err));
	json_decref(json);
	return engine_snapshot_new(set, a, layer, 0);
}

static void
check_answer(const struct engine_request *r, const struct engine_answer *answer)
{
	json_t *json = engine_answer_to_json(answer);

	must(json != NULL && answer->code != ERR_NONE);
	json_decref(json);
	must((answer->effect == ENGINE_PERMIT) == (answer->code == ERR_PERMIT));
	if (answer->effect != ENGINE_PERMIT)
		return;
	const struct value *allow = value_get(&r->context, STR("allow"));
	must(uid_eq(r->principal, (struct uid){ STR("U"), STR("admin") }));
	must(allow && allow->kind == VALUE_BOOL && allow->boolean);
	must(answer->n_reasons == 1);
}

/* What was read prints as what reads the same and decides the same. */
static void
check_again(const struct engine_snapshot *s, struct arena *a,
    const struct engine_request *r, const struct engine_answer *answer)
{
	json_t *json = engine_request_to_json(r);
	struct engine_request again;
	struct engine_answer same;
	struct error err = { 0 };
	struct buf b = { 0 };

	must(json && json_write(&b, json));
	json_decref(json);
	must(
	    engine_request_from_json(a, buf_str(&b), "again", s, &again, &err));
	engine_evaluate(s, &again, ERRORED_DENY_DENIES, a, &same);
	must(same.code == answer->code);
	must(same.n_reasons == answer->n_reasons);
	must(same.n_errors == answer->n_errors);
	buf_free(&b);
}

static void
check_report(const struct engine_snapshot *s, struct arena *a,
    const struct engine_request *r, const struct engine_answer *answer)
{
	static const struct engine_operation operation = { .program = "f",
		.point = "f" };
	enum engine_effect effect;
	struct buf b = { 0 };
	json_t *report = engine_verify(s, r, NULL, ERRORED_DENY_DENIES,
	    LEVEL_VERYHIGH, &operation, a, &effect);

	must(report && effect == answer->effect);
	engine_report_print(report, &b);
	must(buf_ok(&b) && str_is_utf8(buf_str(&b)));
	json_decref(report);
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct engine_snapshot *s;
	struct arena *a = arena_new(64u << 20);
	struct engine_request r;
	struct engine_answer answer;
	struct error err = { 0 };

	if (!s)
		s = load();
	if (engine_request_from_json(a,
		(struct str){ (const char *)data, size }, "r", s, &r, &err)) {
		engine_evaluate(s, &r, ERRORED_DENY_DENIES, a, &answer);
		check_answer(&r, &answer);
		check_again(s, a, &r, &answer);
		check_report(s, a, &r, &answer);
	} else {
		must(err.code != ERR_NONE && err.at.file != NULL);
	}
	arena_free(a);
	return 0;
}
