/* request.c - a request from JSON and back. The shape is ours: unknown keys are
 * errors, so that a misspelt `context` cannot quietly mean none. */
#include "engine/engine.h"

#include "base/limits.h"

static bool
shape_error(struct error *reterr, const char *file, const char *msg)
{
	return error_set(
	    reterr, ERR_JSON_SHAPE, (struct span){ .file = file }, "%s", msg);
}

static bool
check_keys(const json_t *json, const char *const *known, const char *file,
    struct error *reterr)
{
	const char *key;
	json_t *value;
	json_object_foreach ((json_t *)(uintptr_t)json, key, value) {
		size_t i = 0;
		while (known[i] != NULL && strcmp(key, known[i]) != 0)
			i++;
		if (known[i] == NULL)
			return error_set(reterr, ERR_JSON_SHAPE,
			    (struct span){ .file = file },
			    "unknown key `%.60s` in a request", key);
	}
	return true;
}

static bool
read_context(struct arena *a, const json_t *json, const char *file,
    const struct schema *schema, struct uid action, struct value *ret,
    struct error *reterr)
{
	if (json == NULL) {
		struct str dup;
		return value_record_take(NULL, 0, ret, &dup);
	}
	if (schema != NULL)
		return schema_context_from_json(
		    schema, a, action, json, "context", ret, reterr);
	if (!value_from_json(a, json, "context", ret, reterr))
		return false;
	if (ret->kind != VALUE_RECORD)
		return shape_error(
		    reterr, file, "expected an object as `context`");
	return true;
}

static bool
read_entities(struct arena *a, const json_t *json, const char *file,
    const struct engine_snapshot *s, const struct entities **ret,
    struct error *reterr)
{
	const struct schema *schema = engine_snapshot_schema(s);
	struct entities *layer = entities_new(a, engine_snapshot_entities(s));
	bool ok = true;
	if (layer == NULL)
		return error_nomem(reterr);
	if (json != NULL && !json_is_array(json))
		return shape_error(
		    reterr, file, "expected an array as `entities`");
	if (json != NULL && schema != NULL)
		ok =
		    schema_add_entities(schema, layer, json, "request", reterr);
	else if (json != NULL)
		ok = entities_add_json(layer, json, "request", reterr);
	if (!ok)
		return false;
	if (!entities_finish(layer, reterr))
		return false;
	*ret = layer;
	return true;
}

static bool
read_request(struct arena *a, const json_t *json, const char *file,
    const struct engine_snapshot *s, struct engine_request *ret,
    struct error *reterr)
{
	if (!json_is_object(json))
		return shape_error(
		    reterr, file, "expected an object as request");
	static const char *const known[] = { "principal", "action", "resource",
		"context", "entities", NULL };
	if (!check_keys(json, known, file, reterr))
		return false;
	static const char *const names[] = { "principal", "action",
		"resource" };
	struct uid *const uids[] = { &ret->principal, &ret->action,
		&ret->resource };
	for (size_t i = 0; i < 3; i++) {
		const json_t *uid = json_object_get(json, names[i]);
		if (uid == NULL)
			return error_set(reterr, ERR_JSON_SHAPE,
			    (struct span){ .file = file },
			    "the request has no `%s`", names[i]);
		if (!value_uid_from_json(a, uid, names[i], uids[i], reterr))
			return false;
	}
	const struct schema *schema = engine_snapshot_schema(s);
	return read_context(a, json_object_get(json, "context"), file, schema,
		   ret->action, &ret->context, reterr) &&
	       (schema == NULL ||
		   schema_check_request(schema, ret->principal, ret->action,
		       ret->resource, &ret->context, reterr)) &&
	       read_entities(a, json_object_get(json, "entities"), file, s,
		   &ret->entities, reterr);
}

/* A line of the decision log carries its request inside. What only looks like
 * one is refused: two requests in one text would be read differently by two
 * readers. */
static bool
unwrap(const json_t *json, const char *file, const json_t **ret,
    struct error *reterr)
{
	static const char *const known[] = { "v", "id", "time", "mode", "gate",
		"request", "decision", "code", "reasons", "errors", "policies",
		"evidence", "near", "us", NULL };
	const json_t *v = json_object_get(json, "v");
	const json_t *request = json_object_get(json, "request");
	*ret = json;
	if (v == NULL || request == NULL)
		return true;
	if (!json_is_integer(v) || json_integer_value(v) != 1)
		return shape_error(
		    reterr, file, "expected a decision log line of version 1");
	*ret = request;
	return check_keys(json, known, file, reterr);
}

bool
engine_request_from_json(struct arena *a, struct str text, const char *file,
    const struct engine_snapshot *s, struct engine_request *ret,
    struct error *reterr)
{
	json_t *json = NULL;
	struct engine_request r = { 0 };
	if (!json_parse(text, file, LIMIT_REQUEST_LINE_BYTES,
		LIMIT_DATA_FILE_DEPTH, JSON_DATA_FILE, &json, reterr))
		return false;
	const json_t *request;
	bool ok = unwrap(json, file, &request, reterr) &&
		  read_request(a, request, file, s, &r, reterr);
	json_decref(json);
	if (ok)
		*ret = r;
	else if (reterr != NULL && reterr->at.file == NULL)
		reterr->at.file = file;
	return ok;
}

bool
engine_is_misfit(enum err_code code)
{
	return code == ERR_SCHEMA_REQUEST || code == ERR_SCHEMA_ENTITY;
}

json_t *
engine_request_to_json(const struct engine_request *r)
{
	json_t *json = json_object();
	bool ok = json != NULL &&
		  json_object_set_new(json, "principal",
		      value_uid_to_json(r->principal)) == 0 &&
		  json_object_set_new(
		      json, "action", value_uid_to_json(r->action)) == 0 &&
		  json_object_set_new(
		      json, "resource", value_uid_to_json(r->resource)) == 0 &&
		  json_object_set_new(
		      json, "context", value_to_json(&r->context)) == 0 &&
		  json_object_set_new(
		      json, "entities", entities_to_json(r->entities)) == 0;
	if (ok)
		return json;
	json_decref(json);
	return NULL;
}

struct engine_gated {
	struct engine_request request;
	const struct claims *claims;
};

bool
engine_gated_make(struct arena *a, const struct engine_snapshot *s,
    const struct claims *claims, struct uid action,
    const struct entity *resource, struct value context,
    const struct engine_gated **ret, struct error *reterr)
{
	struct engine_gated *g = ARENA_NEW(a, struct engine_gated);
	struct entities *layer = entities_new(a, engine_snapshot_entities(s));
	if (g == NULL || layer == NULL)
		return error_nomem(reterr);
	if (!entities_add(layer, claims_entity(claims), reterr) ||
	    !entities_add(layer, resource, reterr) ||
	    !entities_finish(layer, reterr))
		return false;
	g->claims = claims;
	g->request = (struct engine_request){ claims_principal(claims), action,
		resource->uid, context, layer };
	*ret = g;
	return true;
}

const struct engine_request *
engine_gated_request(const struct engine_gated *g)
{
	return &g->request;
}

const struct claims *
engine_gated_claims(const struct engine_gated *g)
{
	return g->claims;
}
