/* cases.h - conformance cases, from the forms they come in.
 * FILE.jsonl, FILE.jsonl.xz: one case a line: name, policies (text), schema (text), entities (JSON text), requests [{description, request (JSON text), decision, reason,
 * errors}]. A folder: the layout of the public cedar-integration-tests: JSON files that name their policies, schema and entities files relative to the
 * repository's root; corpus archives are to be unpacked there first. */
#ifndef TESTS_CASES_H
#define TESTS_CASES_H

#include "base/arena.h"
#include "base/json.h"

struct case_request {
	const char *description;
	struct str text; /* JSON as engine_request_from_json takes it */
	bool allow;
	const json_t *reason, *errors; /* arrays of ids */
};

struct test_case {
	const char *name;
	struct str policies, schema, entities;
	const struct case_request *requests;
	size_t n_requests;
	bool has_validation, should_validate; /* by the schema, strictly */
};

/* Calls `each` for every case of `path`; what it is given lives in `a` until `each` returns. False when the source cannot be read. */
bool cases_read(const char *path,
    void (*each)(void *ctx, struct arena *a, const struct test_case *c),
    void *ctx, struct error *reterr) MUST_USE;
/* Every line of a file, unpacked where it ends in `.xz`, until `each` returns false. */
bool cases_each_line(const char *path, bool (*each)(void *ctx, struct str line),
    void *ctx, struct error *reterr) MUST_USE;

#endif
