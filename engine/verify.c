/* verify.c - verification mode: the same decision, with a recording trace, as a
 * report. Text, not a permit: nothing here can open anything (V1-V3). */
#include "engine/trace.h"

#include <stdlib.h>

#include "base/clock.h"

static const struct str level_names[] = { STR_INIT("low"), STR_INIT("medium"),
	STR_INIT("high"), STR_INIT("veryhigh") };

bool
engine_level_of(struct str name, enum engine_level *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(level_names); i++)
		if (str_eq(name, level_names[i])) {
			*ret = (enum engine_level)i;
			return true;
		}
	return false;
}

/* Set a member, or remember that memory ran out. Takes the reference. */
static void
put(json_t *object, bool *ok, const char *key, json_t *value_take)
{
	if (json_object_set_new(object, key, value_take) != 0)
		*ok = false;
}

static void
append(json_t *array, bool *ok, json_t *value_take)
{
	if (json_array_append_new(array, value_take) != 0)
		*ok = false;
}

static json_t *
finish(json_t *json, bool ok)
{
	if (ok)
		return json;
	json_decref(json);
	return NULL;
}

static void
put_place(json_t *object, bool *ok, const struct span *at)
{
	put(object, ok, "file", json_from_str(str_of(at->file)));
	put(object, ok, "line", json_integer(at->line));
	put(object, ok, "column", json_integer(at->col));
}

/* Read for the part that failed, not for what held beside it. */
static bool
is_of_failed(const struct trace_policy *p, const struct trace_datum *d)
{
	return d->clause == p->passed &&
	       memmem(p->failed_text.p, p->failed_text.n, d->text.p,
		   d->text.n) != NULL;
}

static json_t *
values_json(const struct trace_policy *p)
{
	json_t *list = json_array();
	bool ok = list != NULL;
	for (size_t i = 0; ok && i < p->n_data; i++) {
		const struct trace_datum *d = &p->data[i];
		if (!is_of_failed(p, d))
			continue;
		json_t *v = json_object();
		put(v, &ok, "text", json_from_str(d->text));
		put(v, &ok, "value", json_from_str(d->value));
		append(list, &ok, v);
	}
	return finish(list, ok);
}

static json_t *
failed_json(const struct trace_policy *p)
{
	json_t *json = json_object();
	bool ok = json != NULL;
	put(json, &ok, "clause", json_string(p->failed.clause));
	put_place(json, &ok, &p->failed.at);
	put(json, &ok, "text", json_from_str(p->failed_text));
	put(json, &ok, "values", values_json(p));
	return finish(json, ok);
}

static const char *
outcome_name(enum eval_outcome outcome)
{
	switch (outcome) {
	case EVAL_TRUE:
		return "satisfied";
	case EVAL_FALSE:
		return "unsatisfied";
	case EVAL_ERROR:
	case EVAL_UNKNOWN:
		break;
	}
	return "error";
}

static json_t *
considered_json(struct trace_record *t)
{
	const uint32_t *order = trace_nearest(t);
	uint32_t n = policy_set_count(t->set);
	json_t *list = json_array();
	bool ok = list != NULL && order != NULL;
	for (uint32_t i = 0; ok && i < n; i++) {
		const struct trace_policy *p = &t->policies[order[i]];
		struct policy_info info = policy_set_info(t->set, p->policy);
		json_t *entry = json_object();
		/* Memory ran out for an id: the report fails. */
		ok = ok && info.id.p != NULL;
		put(entry, &ok, "policy", json_from_str(info.id));
		put(entry, &ok, "file", json_from_str(str_of(info.at.file)));
		put(entry, &ok, "line", json_integer(info.at.line));
		put(entry, &ok, "effect",
		    json_string(
			info.effect == POLICY_PERMIT ? "permit" : "deny"));
		put(entry, &ok, "outcome",
		    json_string(outcome_name(p->outcome)));
		if (p->has_failed)
			put(entry, &ok, "failed", failed_json(p));
		append(list, &ok, entry);
	}
	return finish(list, ok);
}

static json_t *
expiry_json(const struct claims *claims)
{
	int64_t at;
	if (claims == NULL || !claims_expires_at(claims, &at))
		return json_null();
	return json_from_time(at * 1000);
}

/* Where a datum came from: its kind, its source, how long it holds. */
static void
put_origin(json_t *entry, bool *ok, const struct trace_record *t,
    const struct claims *claims, char root)
{
	const struct engine_request *r = t->request;
	if (root == 'c') {
		put(entry, ok, "kind", json_string("context"));
		put(entry, ok, "from",
		    json_string(claims != NULL ? "gate" : "request"));
		put(entry, ok, "freshUntil", json_null());
		return;
	}
	if (root == 'p' && claims != NULL) {
		put(entry, ok, "kind", json_string("claims"));
		put(entry, ok, "from",
		    json_from_str(claims_document_id(claims)));
		put(entry, ok, "freshUntil", expiry_json(claims));
		return;
	}
	struct uid uid = root == 'p'   ? r->principal
			 : root == 'a' ? r->action
				       : r->resource;
	const struct entity *e;
	*ok = entities_find(r->entities, uid, t->arena, &e, NULL) && *ok;
	put(entry, ok, "kind", json_string("entity"));
	put(entry, ok, "from",
	    e != NULL && e->from != NULL ? json_from_str(str_of(e->from))
					 : json_null());
	put(entry, ok, "freshUntil", json_null());
}

static int
compare_data(const void *a, const void *b)
{
	const struct trace_datum *x = *(const struct trace_datum *const *)a;
	const struct trace_datum *y = *(const struct trace_datum *const *)b;
	return str_cmp(x->text, y->text);
}

/* Every look-up of every policy once, by name. */
static const struct trace_datum **
distinct_data(struct trace_record *t, size_t *ret_n)
{
	size_t n = 0, k = 0;
	uint32_t n_policies = policy_set_count(t->set);
	for (uint32_t i = 0; i < n_policies; i++)
		n += t->policies[i].n_data;
	const struct trace_datum **all =
	    ARENA_ARRAY(t->arena, n + 1, const struct trace_datum *);
	if (all == NULL)
		return NULL;
	for (uint32_t i = 0; i < n_policies; i++)
		for (size_t d = 0; d < t->policies[i].n_data; d++)
			all[k++] = &t->policies[i].data[d];
	qsort(all, n, sizeof *all, compare_data);
	k = 0;
	for (size_t i = 0; i < n; i++)
		if (i == 0 || !str_eq(all[i]->text, all[k - 1]->text))
			all[k++] = all[i];
	*ret_n = k;
	return all;
}

static json_t *
data_json(struct trace_record *t, const struct claims *claims)
{
	size_t n = 0;
	const struct trace_datum **all = distinct_data(t, &n);
	json_t *list = json_array();
	bool ok = list != NULL && all != NULL;
	for (size_t i = 0; ok && i < n; i++) {
		json_t *entry = json_object();
		put(entry, &ok, "name", json_from_str(all[i]->text));
		put(entry, &ok, "value", json_from_str(all[i]->value));
		put_origin(entry, &ok, t, claims, all[i]->root);
		append(list, &ok, entry);
	}
	return finish(list, ok);
}

static json_t *
operation_json(const struct engine_snapshot *s,
    const struct engine_operation *o, uint64_t decide_ns)
{
	const struct policy_set *set = engine_snapshot_policies(s);
	json_t *json = json_object(), *policies = json_object();
	json_t *timings = json_object();
	bool ok = json != NULL && policies != NULL && timings != NULL;
	put(policies, &ok, "version", json_from_str(policy_set_version(set)));
	put(policies, &ok, "files", json_integer(policy_set_files(set)));
	put(policies, &ok, "loadedAt",
	    json_from_time(engine_snapshot_loaded_at_ms(s)));
	put(timings, &ok, "load", json_integer(o->load_ns));
	put(timings, &ok, "parse", json_integer(o->parse_ns));
	put(timings, &ok, "decide", json_integer((json_int_t)decide_ns));
	put(json, &ok, "program", json_string(o->program));
	put(json, &ok, "point", json_from_str(str_of(o->point)));
	put(json, &ok, "policies", policies);
	put(json, &ok, "rules", json_integer(policy_set_count(set)));
	put(json, &ok, "timingsNs", timings);
	put(json, &ok, "cache",
	    o->cache != NULL ? json_incref(o->cache) : json_null());
	return finish(json, ok);
}

/* The part of every level: who asked what, and the answer. */
static json_t *
base_report(const struct engine_request *r, const struct engine_answer *answer,
    enum engine_level level)
{
	json_t *json = json_object();
	json_t *decision = engine_answer_to_json(answer);
	bool ok = json != NULL && decision != NULL;
	put(json, &ok, "mode", json_string("verification"));
	put(json, &ok, "level", json_from_str(level_names[level]));
	put(json, &ok, "request",
	    r != NULL ? engine_request_to_json(r) : json_null());
	ok = ok && json_object_update(json, decision) == 0;
	json_decref(decision);
	return finish(json, ok);
}

json_t *
engine_verify(const struct engine_snapshot *s, const struct engine_request *r,
    const struct claims *claims, enum engine_errored_deny errored_deny,
    enum engine_level level, const struct engine_operation *operation,
    struct arena *scratch, enum engine_effect *ret_effect)
{
	struct trace_record t;
	struct engine_answer answer;
	struct arena *a = arena_new(0);
	*ret_effect = ENGINE_DENY;
	if (a == NULL ||
	    !trace_record_init(&t, a, engine_snapshot_policies(s), r)) {
		arena_free(a);
		return NULL;
	}
	struct eval_trace sink = trace_sink(&t);
	int64_t began_ns = clock_mono_ns();
	decide_request(s, r, errored_deny, scratch,
	    level >= LEVEL_MEDIUM ? &sink : NULL, &answer);
	uint64_t took_ns = (uint64_t)(clock_mono_ns() - began_ns);
	json_t *json = base_report(r, &answer, level);
	bool ok = json != NULL && !t.out_of_memory;
	if (ok && level >= LEVEL_MEDIUM)
		put(json, &ok, "considered", considered_json(&t));
	if (ok && level >= LEVEL_HIGH)
		put(json, &ok, "data", data_json(&t, claims));
	if (ok && level >= LEVEL_VERYHIGH)
		put(json, &ok, "operation",
		    operation_json(s, operation, took_ns));
	arena_free(a);
	if (ok)
		*ret_effect = answer.effect;
	return finish(json, ok);
}

json_t *
engine_verify_refused(const struct engine_snapshot *s, const struct error *why,
    enum engine_level level, const struct engine_operation *operation)
{
	struct engine_answer answer;
	engine_refuse(why->code, &answer);
	answer.snapshot = s;
	json_t *json = base_report(NULL, &answer, level);
	bool ok = json != NULL;
	put(json, &ok, "message", json_from_str(str_of(why->msg)));
	if (level >= LEVEL_MEDIUM)
		put(json, &ok, "considered", json_array());
	if (level >= LEVEL_HIGH)
		put(json, &ok, "data", json_array());
	if (level >= LEVEL_VERYHIGH && operation != NULL)
		put(json, &ok, "operation", operation_json(s, operation, 0));
	return finish(json, ok);
}
