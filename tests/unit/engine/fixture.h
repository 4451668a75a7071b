/* fixture.h - snapshots and requests from text, for the tests of engine/. */
#ifndef TESTS_ENGINE_FIXTURE_H
#define TESTS_ENGINE_FIXTURE_H

#include <stdlib.h>

#include "engine/engine.h"
#include "tests/lib/run.h"

static inline struct policy_set *
fixture_policies(const char *text)
{
	struct errors errors = { 0 };
	struct policy_set *set = policy_set_new(POLICY_NAMED);
	bool ok = set && policy_set_add_text(
			     set, "p.avow", str_of(text), POLICY_AVOW, &errors);

	ok = ok && policy_set_finish(set, &errors);
	ck_assert_msg(ok, "%s\nin: %s", errors.e[0].msg, text);
	return set;
}

/* `entities` is a Cedar JSON array or NULL. */
static inline struct engine_snapshot *
fixture_snapshot(const char *policies, const char *entities)
{
	struct arena *a = arena_new(0);
	struct entities *layer = a ? entities_new(a, NULL) : NULL;
	struct error err = { 0 };
	json_t *json = NULL;
	struct engine_snapshot *s;
	bool ok = layer != NULL;

	if (entities)
		ok = ok &&
		     json_parse(str_of(entities), "e.json", 1u << 20, 99,
			 JSON_DATA_FILE, &json, &err) &&
		     entities_add_json(layer, json, "e.json", &err);
	ok = ok && entities_finish(layer, &err);
	json_decref(json);
	ck_assert_msg(ok, "%s", err.msg);
	s = engine_snapshot_new(fixture_policies(policies), a, layer, 1000);
	ck_assert_ptr_nonnull(s);
	return s;
}

static inline struct engine_request
fixture_request(
    struct arena *a, const struct engine_snapshot *s, const char *json)
{
	struct engine_request r = { 0 };
	struct error err = { 0 };

	ck_assert_msg(
	    engine_request_from_json(a, str_of(json), "r.json", s, &r, &err),
	    "%s: %s\nin: %s", error_id(err.code), err.msg, json);
	return r;
}

/* A request of U::"PRINCIPAL" for Action::"act" on R::"r", whose context and
 * entities are given as JSON members (`"context":{..}`), or empty. */
static inline const char *
fixture_ask(struct arena *a, const char *principal, const char *members)
{
	return str_printf(a,
	    "{\"principal\":{\"type\":\"U\",\"id\":\"%s\"},"
	    "\"action\":{\"type\":\"Action\",\"id\":\"act\"},"
	    "\"resource\":{\"type\":\"R\",\"id\":\"r\"}%s%s}",
	    principal, *members ? "," : "", members)
	    .p;
}

/* The text of a JSON value, which is released. Memory is `a`'s. */
static inline const char *
fixture_text(struct arena *a, json_t *json_take)
{
	struct buf b = { 0 };
	struct str copy;

	ck_assert_ptr_nonnull(json_take);
	ck_assert(json_write(&b, json_take));
	copy = str_dup(a, buf_str(&b));
	buf_free(&b);
	json_decref(json_take);
	ck_assert_ptr_nonnull(copy.p);
	return copy.p;
}

/* The member at a path as `considered.0.failed.text`; NULL when it is not
 * there. Lent. */
static inline const json_t *
fixture_member(const json_t *json, const char *path)
{
	char name[64];

	while (json && *path) {
		size_t n = strcspn(path, ".");

		ck_assert_uint_lt(n, sizeof name);
		memcpy(name, path, n);
		name[n] = '\0';
		path += n + (path[n] == '.');
		json = json_is_array(json)
			   ? json_array_get(json, strtoul(name, NULL, 10))
			   : json_object_get(json, name);
	}
	return json;
}

#define ck_member_is(json, path, want)                                         \
	do {                                                                   \
		const json_t *ck_m_ = fixture_member(json, path);              \
		ck_assert_msg(json_is_string(ck_m_), "no text at %s", path);   \
		ck_str_is(json_str(ck_m_), want);                              \
	} while (0)

/* Claims are made by verification alone; a test of what is done with them makes
 * its own. Only to be called where policy/claims_make.h is included. */
#endif
