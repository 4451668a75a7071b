/* answer.c - a decision as JSON, the shape that `decide`, the log and reports
 * share. */
#include "engine/engine_private.h"

#include "base/limits.h"

json_t *
answer_ids_json(
    const struct engine_answer *a, const uint32_t *policies, size_t n)
{
	json_t *list = json_array();
	for (size_t i = 0; list != NULL && i < n; i++) {
		struct policy_info info = policy_set_info(
		    engine_snapshot_policies(a->snapshot), policies[i]);
		if (info.id.p == NULL ||
		    json_array_append_new(list, json_from_str(info.id)) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *
error_json(const struct engine_answer *a, size_t i, struct arena *scratch)
{
	struct policy_info info = policy_set_info(
	    engine_snapshot_policies(a->snapshot), a->errors[i].policy);
	json_t *json = json_object();
	struct error e UNZEROED, *err = &e;

	engine_error_tell(a, i, scratch, err);
	bool ok =
	    json != NULL && info.id.p != NULL &&
	    json_object_set_new(json, "policy", json_from_str(info.id)) == 0 &&
	    json_object_set_new(
		json, "code", json_string(error_id(err->code))) == 0 &&
	    json_object_set_new(
		json, "message", json_from_str(str_of(err->msg))) == 0 &&
	    json_object_set_new(
		json, "file", json_from_str(str_of(err->at.file))) == 0 &&
	    json_object_set_new(json, "line", json_integer(err->at.line)) ==
		0 &&
	    json_object_set_new(json, "column", json_integer(err->at.col)) == 0;
	if (ok)
		return json;
	json_decref(json);
	return NULL;
}

static json_t *
errors_json(const struct engine_answer *a)
{
	json_t *list = json_array();
	struct arena *scratch =
	    a->n_errors > 0 ? arena_new(LIMIT_SCRATCH_BYTES) : NULL;
	bool ok = list != NULL && (a->n_errors == 0 || scratch != NULL);

	for (size_t i = 0; ok && i < a->n_errors; i++)
		ok =
		    json_array_append_new(list, error_json(a, i, scratch)) == 0;
	arena_free(scratch);
	if (ok)
		return list;
	json_decref(list);
	return NULL;
}

json_t *
engine_answer_to_json(const struct engine_answer *a)
{
	struct str version =
	    a->snapshot != NULL
		? policy_set_version(engine_snapshot_policies(a->snapshot))
		: STR("");
	json_t *json = json_object();
	bool ok =
	    json != NULL &&
	    json_object_set_new(json, "decision",
		json_string(a->effect == ENGINE_PERMIT ? "permit" : "deny")) ==
		0 &&
	    json_object_set_new(json, "code", json_string(error_id(a->code))) ==
		0 &&
	    json_object_set_new(json, "reasons",
		answer_ids_json(a, a->reasons, a->n_reasons)) == 0 &&
	    json_object_set_new(json, "errors", errors_json(a)) == 0 &&
	    json_object_set_new(json, "policies", json_from_str(version)) == 0;
	if (ok)
		return json;
	json_decref(json);
	return NULL;
}
