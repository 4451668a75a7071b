/* conformance.c - does our engine answer as Cedar does?
 * Usage: conformance [--counts] [--details FILE] PATH...
 * Every request of every case is decided through the engine's door, with
 * Cedar's own rules (errors skipped, policies named by position, data read and
 * checked by the schema where the case has one), once with the
 * policies read as Cedar and once as Avow's superset: decision, reasons and
 * errors must be those published. What our program refuses to load is counted
 * apart, by the code of the refusal; only refusals that are known and written
 * down here are no failure. --counts adds a last line as tests/run.sh wants it:
 * one test a PATH. */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "engine/engine.h"
#include "tests/conformance/cases.h"
#include "tests/conformance/details.h"
#include "tests/conformance/schemas.h"
#include "tests/conformance/validation.h"

#define SHOWN_MAX 20

struct tally {
	size_t agree, differ, refused, shown;
	size_t by_code[ERR_COUNT];
	size_t misfits; /* refused with a code that is not known */
	size_t schemas, alike, unlike, unread; /* of schemas in both syntaxes */
	struct validation_tally validation;
	/* Cases: entities and requests as published, or not, or not to be read.
	 */
	size_t fit, unfit, untold;
	const struct details *details;
	bool failed;
	struct arena *scratch;
};

/* What the data reader cannot keep: said so, with its place, and no wrong
 * answer. */
static bool
is_known_refusal(enum err_code code)
{
	return code == ERR_JSON_NUL_KEY;
}

static bool
may_show(struct tally *t)
{
	if (t->shown == SHOWN_MAX)
		printf("  … and so on\n");
	return t->shown++ < SHOWN_MAX;
}

static void
refuse(struct tally *t, const struct test_case *c, const struct error *err,
    size_t n)
{
	t->refused += n;
	t->by_code[err->code] += n;
	if (is_known_refusal(err->code))
		return;
	t->misfits++;
	t->failed = true;
	if (may_show(t))
		printf("  REFUSED %s: %u:%u: %s [%s]\n", c->name, err->at.line,
		    err->at.col, err->msg, error_id(err->code));
}

/* --- schemas ----------------------------------------------------------- */

static struct schema *
read_schema(struct tally *t, const struct test_case *c, struct str text,
    enum schema_syntax syntax)
{
	struct errors errors = { 0 };
	struct schema *s = schema_new("schema", text, syntax, &errors);
	const struct error *e = &errors.e[0];

	if (s)
		return s;
	t->unread++;
	/* Keys of JSON with NUL cannot be kept. */
	if (e->code != ERR_JSON_NUL_KEY) {
		t->failed = true;
		if (may_show(t))
			printf("  REFUSED %s: %s:%u:%u: %s [%s]\n", c->name,
			    e->at.file, e->at.line, e->at.col, e->msg,
			    error_id(e->code));
	}
	return NULL;
}

/* Both syntaxes of its schema mean the same. */
static void
compare_schemas(
    struct tally *t, const struct test_case *c, const struct schema *schema)
{
	const struct case_detail *d = details_find(t->details, c->name);
	struct schema *json;
	const char *what;

	if (!d || !schema)
		return;
	json = read_schema(t, c, d->schema_json, SCHEMA_JSON);
	if (!json)
		return;
	what = schemas_differ(schema, json);
	if (what) {
		t->unlike++;
		t->failed = true;
		if (may_show(t))
			printf("  SCHEMAS DIFFER %s: %s\n", c->name, what);
	} else
		t->alike++;
	schema_free(json);
}

/* --- one case ---------------------------------------------------------- */

struct loaded {
	struct engine_snapshot *cedar, *avow; /* the first has the schema */
};

static struct policy_set *
load_policies(const struct test_case *c, enum policy_dialect dialect,
    struct errors *errors)
{
	struct policy_set *set = policy_set_new(POLICY_BY_POSITION);

	if (set &&
	    policy_set_add_text(
		set, "policies", c->policies, dialect, errors) &&
	    policy_set_finish(set, errors))
		return set;
	policy_set_free(set);
	return NULL;
}

static bool
load_entities(const struct test_case *c, const struct schema *schema,
    struct arena *a, const struct entities **ret, struct error *reterr)
{
	struct entities *layer = entities_new(a, NULL);
	json_t *json;
	bool ok;

	if (!layer)
		return error_nomem(reterr);
	if (!json_parse(c->entities, "entities", LIMIT_DATA_FILE_BYTES,
		LIMIT_DATA_FILE_DEPTH, JSON_DATA_FILE, &json, reterr))
		return false;
	if (schema)
		ok = schema_add_actions(schema, layer, reterr) &&
		     schema_add_entities(
			 schema, layer, json, "entities", reterr);
	else
		ok = entities_add_json(layer, json, "entities", reterr);
	ok = ok && entities_finish(layer, reterr);
	json_decref(json);
	*ret = layer;
	return ok;
}

/* `a` holds the entities of both snapshots; the schema is taken. */
static bool
load(const struct test_case *c, struct arena *a, struct schema *schema_take,
    struct loaded *ret, struct error *reterr)
{
	struct errors errors = { 0 };
	const struct entities *entities;
	struct policy_set *cedar, *avow;

	if (!load_entities(c, schema_take, a, &entities, reterr)) {
		schema_free(schema_take);
		return false;
	}
	cedar = load_policies(c, POLICY_CEDAR, &errors);
	avow = cedar ? load_policies(c, POLICY_AVOW, &errors) : NULL;
	if (!avow) {
		policy_set_free(cedar);
		schema_free(schema_take);
		*reterr = errors.e[0];
		return false;
	}
	ret->cedar = engine_snapshot_new(cedar, NULL, entities, 0);
	ret->avow = engine_snapshot_new(avow, NULL, entities, 0);
	if (ret->cedar)
		engine_snapshot_take_schema(ret->cedar, schema_take);
	else
		schema_free(schema_take);
	return (ret->cedar && ret->avow) || error_nomem(reterr);
}

static bool
has_id(const json_t *ids, struct str id)
{
	for (size_t i = 0; i < json_array_size(ids); i++)
		if (str_eq(json_str(json_array_get(ids, i)), id))
			return true;
	return false;
}

static bool
agrees(const struct engine_snapshot *s, const struct engine_answer *answer,
    const struct case_request *want)
{
	const struct policy_set *set = engine_snapshot_policies(s);

	if ((answer->effect == ENGINE_PERMIT) != want->allow ||
	    answer->n_reasons != json_array_size(want->reason) ||
	    answer->n_errors != json_array_size(want->errors))
		return false;
	for (size_t i = 0; i < answer->n_reasons; i++)
		if (!has_id(want->reason,
			policy_set_info(set, answer->reasons[i]).id))
			return false;
	for (size_t i = 0; i < answer->n_errors; i++)
		if (!has_id(want->errors,
			policy_set_info(set, answer->errors[i].policy).id))
			return false;
	return true;
}

static void
show_difference(const struct test_case *c, const struct case_request *r,
    const struct engine_answer *answer, const char *dialect)
{
	char *reason = json_dumps(r->reason, JSON_COMPACT);
	char *errors = json_dumps(r->errors, JSON_COMPACT);
	json_t *json = engine_answer_to_json(answer);
	char *got = json ? json_dumps(json, JSON_COMPACT) : NULL;

	printf("  DIFFERS %s, %s (%s)\n    want %s reasons %s errors %s\n"
	       "    got %s\n",
	    c->name, r->description, dialect, r->allow ? "permit" : "deny",
	    reason ? reason : "?", errors ? errors : "?", got ? got : "?");
	free(reason);
	free(errors);
	free(got);
	json_decref(json);
}

/* True when the answer is the published one. */
static bool
decide(struct tally *t, const struct test_case *c,
    const struct case_request *want, const struct engine_snapshot *s,
    const struct engine_request *request, const char *dialect, bool show)
{
	struct engine_answer answer;
	bool ok;

	arena_reset(t->scratch);
	engine_evaluate(s, request, ERRORED_DENY_SKIP, t->scratch, &answer);
	ok = agrees(s, &answer, want);
	if (!ok && show && may_show(t))
		show_difference(c, want, &answer, dialect);
	return ok;
}

static void
run_request(struct tally *t, const struct test_case *c,
    const struct case_request *want, const struct loaded *l, struct arena *a)
{
	struct engine_request request;
	struct error err = { 0 };

	if (!engine_request_from_json(
		a, want->text, "request", l->cedar, &request, &err)) {
		refuse(t, c, &err, 1);
		return;
	}
	if (decide(t, c, want, l->cedar, &request, "cedar", true) &&
	    decide(t, c, want, l->avow, &request, "avow", true)) {
		t->agree++;
		return;
	}
	t->differ++;
	t->failed = true;
}

/* Is all of a detail good: no entity with an error, every request valid? False
 * when it cannot be read: a key with NUL. */
static bool
read_good(const struct case_detail *d, bool *ret)
{
	json_t *json, *item;
	const char *key;
	size_t i;
	bool good = true;

	if (!json_parse(d->validation, "validation", LIMIT_DATA_FILE_BYTES,
		LIMIT_DATA_FILE_DEPTH, JSON_DATA_FILE, &json, NULL))
		return false;
	json_object_foreach (
	    json_object_get(
		json_object_get(json, "entityValidation"), "perEntity"),
	    key, item)
		good = good && json_object_size(item) == 0;
	json_array_foreach (json_object_get(json, "requestValidation"), i, item)
		good = good && json_is_true(json_object_get(item, "strict"));
	json_decref(json);
	*ret = good;
	return true;
}

/* Entities and requests were read by the schema, or one of them was refused:
 * as the details say? */
static void
compare_data(struct tally *t, const struct test_case *c, bool fits)
{
	const struct case_detail *d = details_find(t->details, c->name);

	bool good;

	if (!d)
		return;
	if (!read_good(d, &good))
		t->untold++;
	else if (good == fits)
		t->fit++;
	else
		t->unfit++;
}

static void
run_case(void *ctx, struct arena *a, const struct test_case *c)
{
	struct tally *t = ctx;
	struct loaded l = { 0 };
	struct error err = { 0 };
	struct schema *schema = NULL;
	size_t misfits = t->misfits;

	if (c->schema.n) {
		schema = read_schema(t, c, c->schema, SCHEMA_CEDAR);
		t->schemas += schema != NULL;
		compare_schemas(t, c, schema);
		validation_compare(&t->validation, a, c, schema,
		    details_find(t->details, c->name));
	}
	if (!load(c, a, schema, &l, &err))
		refuse(t, c, &err, c->n_requests);
	else
		for (size_t i = 0; i < c->n_requests; i++)
			run_request(t, c, &c->requests[i], &l, a);
	if (!is_known_refusal(err.code))
		compare_data(t, c, t->misfits == misfits);
	engine_snapshot_unref(l.cedar);
	engine_snapshot_unref(l.avow);
}

/* --- all --------------------------------------------------------------- */

static bool
run_path(struct tally *all, const char *path)
{
	struct tally t = { .scratch = all->scratch, .details = all->details };
	struct error err = { 0 };

	if (!cases_read(path, run_case, &t, &err)) {
		printf("  %s: %s\n", err.at.file ? err.at.file : path, err.msg);
		t.failed = true;
	}
	printf("%s: %zu agree, %zu differ, %zu refused\n", path, t.agree,
	    t.differ, t.refused);
	for (size_t i = 0; i < ERR_COUNT; i++)
		if (t.by_code[i])
			printf("  refused with %s: %zu\n",
			    error_id((enum err_code)i), t.by_code[i]);
	if (t.schemas)
		printf("  schemas: %zu read, %zu alike in both syntaxes, %zu "
		       "differ, %zu refused\n",
		    t.schemas, t.alike, t.unlike, t.unread);
	all->validation.agree += t.validation.agree;
	all->validation.differ += t.validation.differ;
	all->validation.refused += t.validation.refused;
	t.failed = t.failed || t.validation.differ > 0;
	if (t.fit + t.unfit)
		printf("  data by schema: %zu cases as published, %zu not, "
		       "%zu with NUL in the details' keys\n",
		    t.fit, t.unfit, t.untold);
	t.failed = t.failed || t.unfit > 0;
	all->agree += t.agree;
	all->differ += t.differ;
	all->refused += t.refused;
	return !t.failed && t.agree > 0;
}

int
main(int argc, char **argv)
{
	struct tally all = { .scratch = arena_new(LIMIT_SCRATCH_BYTES) };
	struct arena *a = arena_new(0);
	struct error err = { 0 };
	int passed = 0, failed = 0, first = 1;
	bool counts = argc > 1 && strcmp(argv[1], "--counts") == 0;

	json_setup();
	first += counts;
	if (a && argc > first + 1 && strcmp(argv[first], "--details") == 0) {
		all.details = details_read(a, argv[first + 1], &err);
		if (!all.details)
			printf("%s: %s\n", argv[first + 1], err.msg);
		failed += !all.details;
		first += 2;
	}
	if (!all.scratch || argc <= first) {
		fprintf(stderr, "usage: conformance [--counts] "
				"[--details FILE] PATH...\n");
		return EXIT_FAILURE;
	}
	for (int i = first; i < argc; i++) {
		if (run_path(&all, argv[i]))
			passed++;
		else
			failed++;
		(void)fflush(stdout);
	}
	arena_free(all.scratch);
	arena_free(a);
	printf("conformance: %zu requests agree, %zu differ, %zu refused\n",
	    all.agree, all.differ, all.refused);
	printf("validation: %zu cases agree, %zu differ, %zu refused\n",
	    all.validation.agree, all.validation.differ,
	    all.validation.refused);
	if (counts)
		printf("%d passed, %d failed, 0 skipped\n", passed, failed);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
