/* published.c - each published case, with all stages and with some. */
#include "tests/property/published.h"

#include <stdio.h>

#include "engine/engine.h"
#include "policy/normal.h"
#include "policy/schema.h"
#include "tests/conformance/cases.h"
#include "tests/lib/linear.h"
#include "tests/property/mapped.h"

#define SHOWN 5u

static const struct normal_options choices[] = {
	{ 0 },
	{ .decompound = true, .dedup = true, .contain = true },
	{ .decompound = true,
	    .dedup = true,
	    .contain = true,
	    .recompound = true,
	    .granularity = { GRAIN_ALL, GRAIN_ALL, GRAIN_ALL } },
	{ .decompound = true,
	    .dedup = true,
	    .contain = true,
	    .growth_max = 2,
	    .below_max = 1 },
};

struct reader {
	struct published_tally *tally;
	struct arena *scratch;
};

static struct policy_set *
load_policies(const struct test_case *c)
{
	struct policy_set *set = policy_set_new(POLICY_BY_POSITION);
	struct errors errors = { 0 };

	if (set &&
	    policy_set_add_text(
		set, "policies", c->policies, POLICY_CEDAR, &errors) &&
	    policy_set_finish(set, &errors))
		return set;
	policy_set_free(set);
	return NULL;
}

static bool
load_entities(const struct test_case *c, const struct schema *schema,
    struct entities *layer)
{
	json_t *json;
	bool ok;

	if (!json_parse(c->entities, "entities", 1u << 30, 512, JSON_DATA_FILE,
		&json, NULL))
		return false;
	if (schema)
		ok = schema_add_actions(schema, layer, NULL) &&
		     schema_add_entities(schema, layer, json, "entities", NULL);
	else
		ok = entities_add_json(layer, json, "entities", NULL);
	json_decref(json);
	return ok && entities_finish(layer, NULL);
}

/* What cannot be read is refused; whether rightly is tested elsewhere. */
static struct engine_snapshot *
load(struct arena *a, const struct test_case *c)
{
	struct errors errors = { 0 };
	struct entities *layer = entities_new(a, NULL);
	struct policy_set *set = load_policies(c);
	struct schema *schema = NULL;
	struct engine_snapshot *s = NULL;

	if (c->schema.n)
		schema = schema_new("schema", c->schema, SCHEMA_CEDAR, &errors);
	if (set && layer && (schema || !c->schema.n) &&
	    load_entities(c, schema, layer))
		s = engine_snapshot_new(set, NULL, layer, 0);
	if (s)
		engine_snapshot_take_schema(s, schema);
	else
		schema_free(schema);
	return s;
}

static void
compare(struct reader *r, const struct test_case *c, const struct normal *n,
    const struct eval_request *request)
{
	uint32_t count = policy_set_count(n->set);
	enum eval_outcome *got;
	bool same;

	arena_reset(r->scratch);
	got = ARENA_ARRAY(r->scratch, count, enum eval_outcome);
	same = got && linear_outcomes(n, request, r->scratch, got);
	for (uint32_t i = 0; same && i < count; i++)
		same = got[i] ==
		       policy_eval(n->set, i, request, r->scratch, NULL, NULL);
	if (same && !linear_broken_promise(n, request, r->scratch))
		r->tally->agree++;
	else if (r->tally->differ++ < SHOWN)
		printf("%s: rules and text differ\n%.*s\n", c->name,
		    STR_ARG(c->policies));
}

static void
run_form(struct reader *r, struct arena *a, const struct test_case *c,
    const struct engine_snapshot *s, const struct normal *n)
{
	for (size_t i = 0; i < c->n_requests; i++) {
		struct engine_request read;
		struct eval_request request;

		if (!engine_request_from_json(
			a, c->requests[i].text, "request", s, &read, NULL))
			continue;
		request = (struct eval_request){ .principal = read.principal,
			.action = read.action,
			.resource = read.resource,
			.context = &read.context,
			.entities = read.entities };
		compare(r, c, n, &request);
	}
}

/* The decision by the image, as JSON, is that of the text. */
static void
compare_answers(struct reader *r, struct arena *a, const struct test_case *c,
    const struct engine_snapshot *s, const struct engine_snapshot *mapped,
    struct str request)
{
	const struct engine_snapshot *both[] = { s, mapped };
	struct buf text[2] = { { 0 }, { 0 } };
	bool same = true;

	for (size_t i = 0; same && i < 2; i++) {
		struct engine_request read;
		struct engine_answer answer;
		json_t *json;

		if (!engine_request_from_json(
			a, request, "request", both[i], &read, NULL)) {
			buf_addz(&text[i], "refused");
			continue;
		}
		engine_evaluate(
		    both[i], &read, ERRORED_DENY_DENIES, r->scratch, &answer);
		json = engine_answer_to_json(&answer);
		same = json && json_write(&text[i], json);
		json_decref(json);
	}
	if (same && str_eq(buf_str(&text[0]), buf_str(&text[1])))
		r->tally->agree++;
	else if (r->tally->differ++ < SHOWN)
		printf("%s: the image says otherwise\n%.*s\n", c->name,
		    STR_ARG(c->policies));
	buf_free(&text[0]);
	buf_free(&text[1]);
}

static void
run_image(struct reader *r, struct arena *a, const struct test_case *c,
    const struct engine_snapshot *s)
{
	struct policy_set *set = mapped_of(engine_snapshot_policies(s), NULL);
	struct engine_snapshot *mapped =
	    engine_snapshot_new(set, NULL, engine_snapshot_entities(s), 0);

	for (size_t i = 0; mapped && i < c->n_requests; i++) {
		arena_reset(r->scratch);
		compare_answers(r, a, c, s, mapped, c->requests[i].text);
	}
	r->tally->differ += mapped == NULL;
	engine_snapshot_unref(mapped);
}

static void
run_case(void *ctx, struct arena *a, const struct test_case *c)
{
	struct reader *r = ctx;
	struct engine_snapshot *s = load(a, c);

	r->tally->cases++;
	r->tally->refused += s == NULL;
	for (size_t i = 0; s && i < ARRAY_LEN(choices); i++) {
		const struct normal *n;

		if (normal_make(
			a, engine_snapshot_policies(s), &choices[i], &n, NULL))
			run_form(r, a, c, s, n);
		else
			r->tally->differ++;
	}
	if (s)
		run_image(r, a, c, s);
	engine_snapshot_unref(s);
}

bool
published_run(const char *path, struct published_tally *tally)
{
	struct reader r = { tally, arena_new(0) };
	struct error err = { 0 };
	bool ok = r.scratch && cases_read(path, run_case, &r, &err);

	if (!ok)
		printf("%s: %s\n", path, err.msg);
	arena_free(r.scratch);
	return ok;
}
