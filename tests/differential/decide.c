/* decide.c - our side of the differential test: a case a line in, an answer a
 * line out, until the input ends.
 * In: {"policies": TEXT, "json": POLICY SET'S JSON TEXT, "entities": JSON TEXT,
 * "requests": [JSON TEXT, …]} is decided through the engine's door with Cedar's
 * own rules (errors skipped, policies of the text named by position); either of
 * the first two may be missing, and links of the second may name templates of
 * the first. With {"schema": TEXT} data is read and checked by it. {"validate":
 * [TEXT, …], "schema"} validates each policy alone. {"parse": [TEXT, …]} is
 * only read as Cedar, {"parseJson"} as policy sets in JSON, {"parseSchema"} as
 * schemas.
 * Out: {"answers": [{"decision", "reasons", "errors"} | {"refused"}, …]}, or
 * {"refused"} for a whole case; {"parse" or "valid": [null | why not, …]}, with
 * {"never": [is it false for every request?, …]} beside the latter.
 * Each case is decided a second time with its policies read as Avow's superset:
 * where that is refused or another answer, the answer says so under "avow".
 * Memory of a line is freed before the next. */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "engine/engine.h"

struct job {
	struct arena *a, *scratch;
	const json_t *in;
	json_t *out;
};

static json_t *
refusal(const char *what, const struct error *e)
{
	return json_pack("{s:o}", "refused",
	    json_sprintf("%s: %s %u:%u: %s", what, error_id(e->code),
		e->at.line, e->at.col, e->msg));
}

/* --- loading ----------------------------------------------------------- */

static struct policy_set *
load_policies(
    const json_t *in, enum policy_dialect dialect, struct errors *reterr)
{
	struct policy_set *set = policy_set_new(POLICY_BY_POSITION);
	const json_t *text = json_object_get(in, "policies");
	const json_t *json = json_object_get(in, "json");

	if (set &&
	    (!text || policy_set_add_text(
			  set, "policies", json_str(text), dialect, reterr)) &&
	    (!json ||
		policy_set_add_json(set, "json", json_str(json), reterr)) &&
	    policy_set_finish(set, reterr))
		return set;
	policy_set_free(set);
	return NULL;
}

static bool
add_entities(const struct schema *schema, struct str text,
    struct entities *layer, struct error *reterr)
{
	json_t *json;
	bool ok;

	if (!schema)
		return entities_add_text(layer, text, "entities", reterr);
	if (!json_parse(text, "entities", LIMIT_DATA_FILE_BYTES,
		LIMIT_DATA_FILE_DEPTH, JSON_DATA_FILE, &json, reterr))
		return false;
	ok = schema_add_actions(schema, layer, reterr) &&
	     schema_add_entities(schema, layer, json, "entities", reterr);
	json_decref(json);
	return ok;
}

static bool
load_entities(const struct job *j, const struct schema *schema,
    const struct entities **ret, struct error *reterr)
{
	struct entities *layer = entities_new(j->a, NULL);
	struct str text = json_str(json_object_get(j->in, "entities"));

	if (!layer)
		return error_nomem(reterr);
	if (!add_entities(schema, text, layer, reterr) ||
	    !entities_finish(layer, reterr))
		return false;
	*ret = layer;
	return true;
}

/* The case's schema, NULL where it has none. False: *ret_refusal says why. */
static bool
load_schema(const struct job *j, struct schema **ret, json_t **ret_refusal)
{
	const json_t *json = json_object_get(j->in, "schema");
	struct errors errors = { 0 };
	struct str text;

	*ret = NULL;
	if (!json)
		return true;
	text = json_str(json);
	*ret = schema_new(
	    "schema", text, schema_syntax_of("schema", text), &errors);
	if (!*ret)
		*ret_refusal = refusal("schema", &errors.e[0]);
	return *ret != NULL;
}

/* The snapshot, or NULL and the reason in *ret_refusal. */
static struct engine_snapshot *
load(const struct job *j, enum policy_dialect dialect, json_t **ret_refusal)
{
	const struct entities *entities;
	struct engine_snapshot *s = NULL;
	struct errors errors = { 0 };
	struct policy_set *set;
	struct schema *schema;

	if (!load_schema(j, &schema, ret_refusal))
		return NULL;
	set = load_policies(j->in, dialect, &errors);
	if (!set)
		*ret_refusal = refusal("policies", &errors.e[0]);
	else if (!load_entities(j, schema, &entities, &errors.e[0]))
		*ret_refusal = refusal("entities", &errors.e[0]);
	else
		s = engine_snapshot_new(set, NULL, entities, 0);
	if (s && schema)
		engine_snapshot_take_schema(s, schema);
	else
		schema_free(schema);
	if (!s && set && *ret_refusal)
		policy_set_free(set);
	return s;
}

/* --- deciding ---------------------------------------------------------- */

static json_t *
id_of(const struct engine_snapshot *s, uint32_t policy)
{
	return json_from_str(
	    policy_set_info(engine_snapshot_policies(s), policy).id);
}

static json_t *
decide(const struct job *j, const struct engine_snapshot *s, struct str text)
{
	struct engine_request request;
	struct engine_answer answer;
	struct error err = { 0 };
	json_t *reasons = json_array(), *errors = json_array();

	arena_reset(j->scratch);
	if (!engine_request_from_json(
		j->a, text, "request", s, &request, &err)) {
		json_decref(reasons);
		json_decref(errors);
		return refusal("request", &err);
	}
	engine_evaluate(s, &request, ERRORED_DENY_SKIP, j->scratch, &answer);
	for (size_t i = 0; i < answer.n_reasons; i++)
		(void)json_array_append_new(
		    reasons, id_of(s, answer.reasons[i]));
	for (size_t i = 0; i < answer.n_errors; i++)
		(void)json_array_append_new(
		    errors, id_of(s, answer.errors[i].policy));
	return json_pack("{s:s, s:o, s:o}", "decision",
	    answer.effect == ENGINE_PERMIT ? "allow" : "deny", "reasons",
	    reasons, "errors", errors);
}

static json_t *
decide_all(const struct job *j, const struct engine_snapshot *s)
{
	json_t *answers = json_array(), *text;
	size_t i;

	json_array_foreach (json_object_get(j->in, "requests"), i, text)
		(void)json_array_append_new(
		    answers, decide(j, s, json_str(text)));
	return answers;
}

/* What Cedar accepts means the same in the superset. */
static void
compare_dialects(const struct job *j)
{
	json_t *why = NULL, *answers = NULL;
	struct engine_snapshot *avow = load(j, POLICY_AVOW, &why);

	if (avow) {
		answers = decide_all(j, avow);
		if (!json_equal(answers, json_object_get(j->out, "answers")))
			why = json_incref(answers);
	}
	if (why)
		(void)json_object_set_new(j->out, "avow", why);
	json_decref(answers);
	engine_snapshot_unref(avow);
}

static void
run_case(struct job *j)
{
	json_t *why = NULL;
	struct engine_snapshot *cedar = load(j, POLICY_CEDAR, &why);

	if (!cedar) {
		j->out = why;
		return;
	}
	j->out = json_pack("{s:o}", "answers", decide_all(j, cedar));
	engine_snapshot_unref(cedar);
	compare_dialects(j);
}

/* --- validating -------------------------------------------------------- */

static json_t *
first_of(const struct errors *errors)
{
	const struct error *e = &errors->e[0];

	return json_sprintf(
	    "%s %u:%u: %s", error_id(e->code), e->at.line, e->at.col, e->msg);
}

static json_t *
validate_one(const struct schema *schema, struct str text, bool *ret_never)
{
	struct policy_set *set = policy_set_new(POLICY_BY_POSITION);
	struct errors errors = { 0 }, warnings = { 0 };
	json_t *ret;

	if (set &&
	    policy_set_add_text(set, "policies", text, POLICY_CEDAR, &errors) &&
	    policy_set_finish(set, &errors) &&
	    schema_validate(schema, set, SCHEMA_STRICT, &errors, &warnings))
		ret = json_null();
	else
		ret = first_of(&errors);
	*ret_never = warnings.n > 0;
	policy_set_free(set);
	return ret;
}

/* Each policy alone, strictly. */
static void
validate_all(struct job *j, const json_t *texts)
{
	json_t *answers, *nevers, *text;
	struct schema *schema;
	bool never;
	size_t i;

	if (!load_schema(j, &schema, &j->out))
		return;
	answers = json_array();
	nevers = json_array();
	json_array_foreach (texts, i, text) {
		(void)json_array_append_new(
		    answers, validate_one(schema, json_str(text), &never));
		(void)json_array_append_new(nevers, json_boolean(never));
	}
	schema_free(schema);
	j->out = json_pack("{s:o, s:o}", "valid", answers, "never", nevers);
}

/* --- reading alone ----------------------------------------------------- */

static json_t *
parse_policies(struct str text, bool is_json)
{
	struct policy_set *set = policy_set_new(POLICY_BY_POSITION);
	struct errors errors = { 0 };
	bool ok = set != NULL;
	json_t *ret;

	if (is_json)
		ok = ok && policy_set_add_json(set, "json", text, &errors);
	else
		ok = ok && policy_set_add_text(
			       set, "policies", text, POLICY_CEDAR, &errors);
	ok = ok && policy_set_finish(set, &errors);
	ret = ok ? json_null() : first_of(&errors);
	policy_set_free(set);
	return ret;
}

static json_t *
parse_text(struct str text)
{
	return parse_policies(text, false);
}

static json_t *
parse_json(struct str text)
{
	return parse_policies(text, true);
}

static json_t *
parse_schema(struct str text)
{
	struct errors errors = { 0 };
	struct schema *s = schema_new("schema", text, SCHEMA_CEDAR, &errors);
	json_t *ret = s ? json_null() : first_of(&errors);

	schema_free(s);
	return ret;
}

static json_t *
parse_all(const json_t *texts, json_t *(*parse)(struct str text))
{
	json_t *answers = json_array();

	for (size_t i = 0; i < json_array_size(texts); i++)
		(void)json_array_append_new(
		    answers, parse(json_str(json_array_get(texts, i))));
	return json_pack("{s:o}", "parse", answers);
}

/* What a line asks for, by its key; else it is a case. */
static void
run(struct job *j)
{
	static const struct {
		const char *key;
		json_t *(*parse)(struct str text);
	} rows[] = {
		{ "parse", parse_text },
		{ "parseJson", parse_json },
		{ "parseSchema", parse_schema },
	};
	const json_t *texts = json_object_get(j->in, "validate");

	if (texts) {
		validate_all(j, texts);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		texts = json_object_get(j->in, rows[i].key);
		if (texts) {
			j->out = parse_all(texts, rows[i].parse);
			return;
		}
	}
	run_case(j);
}

/* --- lines ------------------------------------------------------------- */

static bool
run_line(struct job *j, struct str line)
{
	struct error err = { 0 };
	struct buf text = { 0 };
	json_t *in;
	bool ok;

	if (!json_parse(line, "case", LIMIT_DATA_FILE_BYTES,
		LIMIT_DATA_FILE_DEPTH, JSON_DATA_FILE, &in, &err)) {
		fprintf(stderr, "decide: %u: %s\n", err.at.col, err.msg);
		return false;
	}
	j->in = in;
	j->out = NULL;
	run(j);
	ok = j->out && json_write(&text, j->out) &&
	     printf("%.*s\n", STR_ARG(buf_str(&text))) > 0 &&
	     fflush(stdout) == 0;
	buf_free(&text);
	json_decref(j->out);
	json_decref(in);
	arena_reset(j->a);
	return ok;
}

int
main(void)
{
	struct job j = { .a = arena_new(0),
		.scratch = arena_new(LIMIT_SCRATCH_BYTES) };
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	bool ok = j.a && j.scratch;

	json_setup();
	while (ok && (n = getline(&line, &cap, stdin)) > 0)
		ok = run_line(&j, (struct str){ line, (size_t)n });
	free(line);
	arena_free(j.a);
	arena_free(j.scratch);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
