/* details.h - what is known of a case beyond its answers, by its name: the schema in JSON, and what validation says in detail.
 * FILE.jsonl[.xz]: one a line: name, schemaJson (JSON text), validation (JSON text: policyValidation, entityValidation, requestValidation). */
#ifndef TESTS_DETAILS_H
#define TESTS_DETAILS_H

#include "base/arena.h"
#include "base/json.h"

struct case_detail {
	const char *name;
	struct str schema_json, validation;
};

struct details;

/* All lives in `a`. NULL when it cannot be read. */
const struct details *details_read(
    struct arena *a, const char *path, struct error *reterr);
/* NULL when there is none, or `d` is NULL. */
const struct case_detail *details_find(
    const struct details *d, const char *name);

#endif
